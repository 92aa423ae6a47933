# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from ansible_collections.postmaster.mailcheck.tests.support.authority import Authority
from ansible_collections.postmaster.mailcheck.tests.support.hostile import Relay

if TYPE_CHECKING:
    from typing import Any, Callable, Iterator, List


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(str(tmp_path_factory.mktemp("authority")))


@pytest.fixture(autouse=True)
def broken_pipes_are_errors() -> Iterator[None]:
    """The command lets SIGPIPE end its process, which is this one where a test calls it."""
    before = signal.getsignal(signal.SIGPIPE)
    yield
    signal.signal(signal.SIGPIPE, before)


@pytest.fixture
def start(authority: Authority) -> Iterator[Callable[..., Relay]]:
    """Starts hostile relays by their scripts; each is stopped when the test is over."""
    relays: List[Relay] = []

    def start_one(script: str, **how: Any) -> Relay:
        relays.append(Relay(script, authority.contexts, **how))
        return relays[-1]

    yield start_one
    for relay in relays:
        relay.stop()
