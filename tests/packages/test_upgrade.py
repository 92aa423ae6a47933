# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Whoever used an earlier release keeps working: what could be named there can be named now, and means the same.

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Dict, Iterator, Tuple

import pytest

from ansible_collections.postmaster.mailcheck.tests.packages.commands import ROOT
from ansible_collections.postmaster.mailcheck.tests.packages.surface import surface

RELEASED = sorted((Path(__file__).parent / "released").glob("*.json"))
WIDER = {("dict", "raw"), ("bool", "str")}  # what was given before is taken still
# What is not as it was, and where the changelog's breaking changes name it.
INTENDED = {
    ("role compliance", "compliance_fail_on_unknown", "default"),  # unknown is loud
    ("module smtp_check", "attempts"),  # addresses_tried: a task with `until` overwrites the old name
    # The words for relays stand where there are relays only; a report of domains has its own.
    ("filter assess", "title", "default"),
    ("role compliance", "compliance_report_title", "default"),
    ("role compliance", "compliance_report_name", "default"),
    ("report prometheus", "mailcheck_rule_unmet"),  # mailcheck_rule_met, mailcheck_finding_info
}

# What smtp_sweep had is new in smtp_check alone, and documented once: its text says it.
SHARED = {"dns_servers", "dns_timeout", "endpoints.dns_servers", "endpoints.dns_timeout"}
# The README of 0.1.0, and its --help: scripts and monitoring ask for these.
EXITS = {
    "passed": 0,
    "a rule is unmet": 1,
    "refused": 1,
    "a mistake": 2,
    "refused for now": 3,
    "nothing listens": 4,
    "not checked in time": 5,
    "an explanation": 0,
}


@pytest.fixture(scope="module")
def now(collections: Path, site_with_ansible: Path) -> Dict[str, Any]:
    return surface(collections, site_with_ansible / "bin")


def differences(before: Dict[str, Any], now: Dict[str, Any]) -> Iterator[Tuple[str, ...]]:
    for name, options in before["options"].items():
        for path, option in options.items():
            there = now["options"].get(name, {}).get(path)
            if there is None:
                yield name, path
            else:
                yield from ((name, path, key) for key, value in option.items() if not _as_before(key, value, there))
    for name, facts in before["facts"].items():
        for path, kind in facts.items():
            if now["facts"].get(name, {}).get(path) != kind:
                yield name, path.split(".")[0]
    for name, flags in before["flags"].items():
        yield from ((name, flag) for flag in flags if flag not in now["flags"][name])
    for kind, names in before["reports"].items():
        yield from (("report " + kind, name.split("{")[0]) for name in names if name not in now["reports"][kind])
    for kind, names in before["names"].items():
        yield from ((kind, name) for name in names if name not in now["names"][kind])
    for what, code in before["exits"].items():
        if now["exits"][what] != code:
            yield "exit code", what


def _as_before(key: str, value: Any, now: Dict[str, Any]) -> bool:
    if key == "choices":
        return set(value) <= set(now.get(key, value))
    return now.get(key) == value or (value, now.get(key)) in WIDER


@pytest.mark.parametrize("release", RELEASED, ids=lambda path: path.stem)
def test_nothing_that_a_release_had_is_gone_or_means_something_else(release: Path, now: Dict[str, Any]) -> None:
    before = json.loads(release.read_text(encoding="utf-8"))
    assert all(
        len(before[kind]) >= 2 and all(before[kind].values())
        for kind in ("options", "facts", "flags", "reports", "names")
    )
    assert before["exits"] == EXITS
    assert set(differences(before, now)) == INTENDED


def test_what_is_meant_to_differ_is_in_the_changelog() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").replace("\\", "")
    told = changelog.partition('<a id="v0-1-0">')[0]
    assert {name for _where, name, *_what in INTENDED if not re.search(r"\b%s\b" % name, told)} == set()


def test_what_is_new_says_since_when(now: Dict[str, Any]) -> None:
    """Beside the last release; what is new as a whole says it once."""
    released = json.loads(RELEASED[-1].read_text(encoding="utf-8"))["options"]
    assert set(released) < set(now["options"])
    silent = [
        (name, path)
        for name, options in released.items()
        for path in _new(options, now["options"][name])
        if now["options"][name][path].get("version_added") is None
    ]
    assert silent == []


def _new(before: Dict[str, Any], now: Dict[str, Any]) -> Iterator[str]:
    """The options that were not there, without those inside of another new one, or of what was a dictionary of any keys."""
    for path in now:
        above = path.rpartition(".")[0]
        told = above in before and any(each.startswith(above + ".") for each in before)
        if path not in before and path not in SHARED and (not above or told):
            yield path
