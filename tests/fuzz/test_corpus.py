# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Replays what the fuzzer has found, on every Python: each saved input through its target.

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from ansible_collections.postmaster.mailcheck.tests.fuzz.fuzz import FILES, corpus, targets_of
from ansible_collections.postmaster.mailcheck.tests.fuzz.targets import eased

ON_CONTROLLER = ("filters", "profile_loader", "reports", "sslyze_results")
CORPORA = sorted(path.stem for path in (Path(__file__).parent / "corpus").glob("*.txt"))
TARGETS = {name: target for file in FILES[:-1] for name, target in targets_of(file).TARGETS.items()}


def test_every_target_has_a_corpus() -> None:
    assert CORPORA == sorted([*TARGETS, *ON_CONTROLLER])
    assert all(len(corpus(name)) > 5 for name in CORPORA)


@pytest.mark.parametrize("name", TARGETS)
def test_what_was_found_holds(name: str) -> None:
    with eased():
        _replay(name, TARGETS[name])


@pytest.mark.skipif(importlib.util.find_spec("ansible") is None, reason="ansible-core is not installed here")
@pytest.mark.parametrize("name", ON_CONTROLLER)
def test_what_was_found_holds_on_the_controller(name: str) -> None:
    known = targets_of(FILES[-1]).TARGETS
    assert sorted(known) == list(ON_CONTROLLER)
    _replay(name, known[name])


def _replay(name: str, target: object) -> None:
    assert callable(target)
    for data in corpus(name):
        try:
            target(data)
        except Exception as error:
            raise AssertionError("%s: %r" % (name, data)) from error
