# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from typing import Iterator


@pytest.fixture(autouse=True)
def signals_are_the_test_s_own() -> Iterator[None]:
    """The command lets SIGPIPE end its process, and SIGINT end its work: this one, where a test calls it."""
    before = {number: signal.getsignal(number) for number in (signal.SIGPIPE, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
