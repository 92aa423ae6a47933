# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A variable that holds a secret is given where another was meant: to each argument of each filter and lookup, by itself,
# in a list, in a dictionary, and in the place of every single value of what would have been right. Whatever becomes of
# it, no error shows it.

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest

pytest.importorskip("ansible", reason="ansible-core is not installed for this Python")

import yaml
from ansible.errors import AnsibleError

from ansible_collections.postmaster.mailcheck.plugins.filter import compliance
from ansible_collections.postmaster.mailcheck.plugins.lookup import profile, report_formats
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._assessment import assess
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._profiles import load_profiles
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._waivers import Waiver
from ansible_collections.postmaster.mailcheck.tests.support.domains import RECORD
from ansible_collections.postmaster.mailcheck.tests.support.sweeps import DAY, relay, result, rule

FOLDER = Path(compliance.__file__).parent
SECRET = "tanstaaf&tanstaaf"
FORMS: list[Any] = [
    SECRET,
    [SECRET],
    {"password": SECRET},
    [{"password": SECRET}],
    {"msg": SECRET},
    json.dumps([SECRET]),
]
SWEEP = result(relay(rules=[rule("one", "unmet"), rule("two")], labels={"profiles": "relay"}))
RIGHT: dict[str, Any] = {
    "profile": load_profiles(["relay"]),
    "waivers": [dict.fromkeys(Waiver._fields, "one") | {"expires": DAY}],
    "previous": assess(SWEEP, today=DAY),
    "title": "Ours",
    "today": DAY,
    "own_profiles": ["relay"],
    "severity": "low",
    "stable": False,
    "lenient": False,
    "suite": "ours",
    "zone": "a.example",
    "escaped_semicolons": True,
    "inside": ["here"],
    "vantage": ["here"],
    "of": "changes",
    "output": {"server_scan_results": []},
    "expect": {"max_seconds": 5, "codes": {"rcpt": [250]}, "greeting_matches": "^relay"},
}
AUDIT = {
    **dict.fromkeys(("host", "verdict", "intensity", "msg"), "one"),
    "port": 25,
    "address": "192.0.2.25",
    "local_address": "192.0.2.7",
    "cause": None,
    "failure": None,
    "probes": [
        {
            **dict.fromkeys(("text", "remedy", "question", "meaning"), "one"),
            "name": "vrfy",
            "status": "pass",
            "severity": None,
            "proof": None,
            "dialogues": [],
            "source": "RFC 5321 7.3",
            "intensity": "active",
            "left_to": None,
        }
    ],
    "not_made": [],
    "not_asked": [],
    "summary": {"probes": {}, "findings": {}},
    "plan": {},
    "warnings": [],
    "transcript": [],
}
ENDPOINTS = [{"host": "a.example.com", "profiles": ["relay"], "expect": {"max_seconds": 5}, "labels": {"site": "x"}}]


def documented(path: Path) -> list[str]:
    """The arguments of a filter, as its documentation names them: its input, and its options."""
    return ["_input", *(yaml.safe_load(path.read_text(encoding="utf-8"))["DOCUMENTATION"].get("options", {}))]


def astray(right: Any) -> Iterator[Any]:
    """Every form of the secret, in place of `right` and of each value inside it."""
    yield from FORMS
    inside = right.items() if isinstance(right, dict) else enumerate(right) if isinstance(right, list) else ()
    for key, value in inside:
        for wrong in astray(value):
            copy = right.copy()
            copy[key] = wrong
            yield copy


def outcome(use: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    """What an error says, and all that led to it; nothing if there was none."""
    try:
        use(*args, **kwargs)
    except AnsibleError as error:
        return "".join(traceback.format_exception(error))
    return ""


FILTERS = compliance.FilterModule().filters()
# What those filters take that take no result of a module.
INPUTS = {
    "with_profiles": ENDPOINTS,
    "audit_endpoints": ENDPOINTS,
    "audit_differences": {"here": AUDIT, "there": AUDIT},
    "join_shares": [SWEEP],
    "with_sslyze": AUDIT,
    "drift": RIGHT["previous"],
    "records_community_dns": [RECORD],
    "records_nsupdate": [RECORD],
    "records_octodns": [RECORD],
    "records_zone": [RECORD],
}
ARGUMENTS = {name: list(dict.fromkeys(documented(FOLDER / f"{name}.yml"))) for name in FILTERS}


@pytest.mark.parametrize(("name", "argument"), [(name, one) for name in FILTERS for one in ARGUMENTS[name]])
def test_no_error_of_a_filter_shows_a_value(name: str, argument: str) -> None:
    use = FILTERS[name]
    given = {"_input": INPUTS.get(name, SWEEP)}
    given.update({one: RIGHT[one] for one in ARGUMENTS[name] if one != "_input"})
    rest = {one: value for one, value in given.items() if one not in ("_input", argument)}
    assert (
        outcome(use, given["_input"], **{**rest, **({argument: given[argument]} if argument != "_input" else {})}) == ""
    )
    refused = 0
    for wrong in astray(given[argument]):
        told = (
            outcome(use, wrong, **rest)
            if argument == "_input"
            else outcome(use, given["_input"], **rest, **{argument: wrong})
        )
        assert SECRET not in told, wrong
        refused += bool(told)
    # A text that may be any text, and a switch that anything turns on, take whatever they are given.
    assert refused or argument in ("title", "stable", "suite", "lenient", "escaped_semicolons")


def test_no_error_of_a_lookup_shows_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ansible's own part in it, which needs its loader, is in tests/real."""
    assert {path.stem for path in Path(profile.__file__).parent.glob("*.py")} == {"profile", "report_formats"}
    assert report_formats.DOCUMENTATION.count("options: {}") == 1  # takes nothing
    refused = 0

    def use(terms: list[Any], **more: Any) -> Any:
        lookup = profile.LookupModule()
        monkeypatch.setattr(lookup, "set_options", lambda **_options: None)
        monkeypatch.setattr(lookup, "get_option", more.get)
        return lookup.run(terms, {}, **more)

    assert outcome(use, ["relay"], expect=RIGHT["expect"]) == ""
    calls = [([wrong], {}) for wrong in FORMS]
    calls += [(["relay"], {"expect": wrong}) for wrong in astray(RIGHT["expect"])]
    for terms, more in calls:
        told = outcome(use, terms, **more)
        assert SECRET not in told, (terms, more)
        refused += bool(told)
    assert refused > 20


def test_no_error_about_a_file_named_by_mistake_shows_a_value(tmp_path: Path) -> None:
    for index, text in enumerate(
        ["password: *%s", "password: !%s x", "- [%s", "password: !!int %s", "%s: {", "password: %s"]
    ):
        (tmp_path / f"{index}.yml").write_text(text % SECRET)
        told = outcome(FILTERS["with_profiles"], [{"host": "a", "profiles": [str(tmp_path / f"{index}.yml")]}])
        assert f"{index}.yml" in told and SECRET not in told
