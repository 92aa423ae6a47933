# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Replays what the fuzzer has found, on every Python: each saved input through its target.

from __future__ import annotations

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp import sasl, tls
from ansible_collections.postmaster.mailcheck.tests.fuzz.fuzz import corpus


@pytest.fixture(autouse=True)
def unchanged_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The targets bend the engine a little: not for the tests that come after."""
    monkeypatch.setattr(tls, "prepare", tls.prepare)
    monkeypatch.setattr(sasl, "MAX_ITERATIONS", sasl.MAX_ITERATIONS)


NAMES = (
    "replies", "capabilities", "explanations", "certificates", "tls_records", "sasl_dialogues", "conversations",
    "command_encoder", "expectation_loader", "option_checks",
)  # fmt: skip


def test_every_target_has_a_corpus() -> None:
    from ansible_collections.postmaster.mailcheck.tests.fuzz.targets import TARGETS

    assert tuple(TARGETS) == NAMES
    assert all(len(corpus(name)) > 10 for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_what_was_found_holds(name: str) -> None:
    from ansible_collections.postmaster.mailcheck.tests.fuzz.targets import TARGETS

    for data in corpus(name):
        try:
            TARGETS[name](data)
        except Exception as error:
            raise AssertionError("%s: %r" % (name, data)) from error
