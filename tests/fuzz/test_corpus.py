# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Replays what the fuzzer has found, on every Python: each saved input through its target.

from __future__ import annotations

import dis
import importlib.util
import sys
from pathlib import Path
from typing import Any, Callable, Dict, Set

import pytest

from ansible_collections.postmaster.mailcheck.tests.fuzz.fuzz import FILES, corpus, targets_of
from ansible_collections.postmaster.mailcheck.tests.fuzz.targets import eased

ON_CONTROLLER = ("filters", "profile_loader", "reports", "sslyze_results")
CORPORA = sorted(path.stem for path in (Path(__file__).parent / "corpus").glob("*.txt"))
TARGETS = {name: target for file in FILES[:-1] for name, target in targets_of(file).TARGETS.items()}
HAS_ANSIBLE = importlib.util.find_spec("ansible") is not None


def test_every_target_has_a_corpus() -> None:
    assert CORPORA == sorted([*TARGETS, *ON_CONTROLLER])
    assert all(len(corpus(name)) > 5 for name in CORPORA)


@pytest.mark.parametrize("name", TARGETS)
def test_what_was_found_holds(name: str) -> None:
    with eased():
        _replay(name, TARGETS[name])


def test_what_was_found_comes_to_every_line_of_the_targets() -> None:
    """A target whose inputs are all refused before it looks at anything finds nothing, however often it is run."""
    targets = {**TARGETS, **(targets_of(FILES[-1]).TARGETS if HAS_ANSIBLE else {})}
    files = {target.__code__.co_filename for target in targets.values()}
    seen: Dict[Any, Set[int]] = {}  # which lines of which code in these files

    def note(frame: Any, _event: str, _value: Any) -> Any:
        if frame.f_code.co_filename in files:
            seen.setdefault(frame.f_code, set()).add(frame.f_lineno)
            return note
        return None

    with eased():
        for name, target in targets.items():
            _replay(name, _traced(target, note))
    assert not {
        "%s:%d" % (code.co_filename.rpartition("/")[2], line)
        for code, lines in seen.items()
        for _offset, line in dis.findlinestarts(code)
        if line and line not in {code.co_firstlineno, *lines}
    }


def _traced(target: Callable[[bytes], None], note: Any) -> Callable[[bytes], None]:
    def traced(data: bytes) -> None:
        before = sys.gettrace()
        sys.settrace(note)  # for each input: Python drops it where one goes too deep
        try:
            target(data)
        finally:
            sys.settrace(before)

    return traced


@pytest.mark.skipif(not HAS_ANSIBLE, reason="ansible-core is not installed here")
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
