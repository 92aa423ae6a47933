# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Waivers: what they excuse, until when, and what a mistake in one says.

from __future__ import annotations

import datetime
from typing import Any

import pytest

pytest.importorskip("ansible", reason="ansible-core is not installed for this Python")

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._assessment import assess
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.register import FORMATS
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.table import as_table
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import AssessmentError
from ansible_collections.postmaster.mailcheck.tests.support.assessments import BROKEN, found, outcomes, waiver
from ansible_collections.postmaster.mailcheck.tests.support.sweeps import DAY, relay, result, unreachable


def test_a_waived_breach_is_told_as_waived() -> None:
    assessment = assess(result(relay(rules=BROKEN)), waivers=[waiver()], today=DAY)  # its last day
    assert outcomes(assessment) == {"check": "met", "one": "waived", "two": "unmet", "three": "unknown"}
    assert assessment["endpoints"][0]["rules"][1]["waiver"] == {"reason": "why", "owner": "ops", "expires": DAY}
    assert assessment["waivers"] == [{**waiver(), "state": "active"}]
    assert found(assessment) == [("low", "a.example.com:25", "two")]
    assert assessment["summary"]["rules"]["waived"] == 1


def test_an_expired_waiver_excuses_nothing_and_is_a_finding() -> None:
    assessment = assess(result(relay(rules=BROKEN)), waivers=[waiver(expires="2026-06-14")], today=DAY)
    assert outcomes(assessment)["one"] == "unmet"
    assert assessment["endpoints"][0]["rules"][1]["expired_waiver"]["owner"] == "ops"
    assert assessment["waivers"][0]["state"] == "expired"
    assert found(assessment) == [
        ("high", "a.example.com:25", "one"),
        ("medium", "a.example.com:25", "one"),
        ("low", "a.example.com:25", "two"),
    ]
    assert assessment["summary"]["expired_waivers"] == 1
    assert assessment["summary"]["findings"] == {"high": 1, "medium": 1, "low": 1}


def test_an_expired_waiver_is_a_finding_even_if_nothing_needs_it_any_more() -> None:
    assessment = assess(result(relay()), waivers=[waiver(expires="2026-01-01")], today=DAY)
    assert found(assessment) == [("medium", "a.example.com:25", "one")]


def test_of_two_waivers_the_one_that_holds_counts() -> None:
    two = [waiver(expires="2026-01-01"), waiver(endpoint="*", owner="other", expires="2027-01-01")]
    assessment = assess(result(relay(rules=BROKEN)), waivers=two, today=DAY)
    told = assessment["endpoints"][0]["rules"][1]
    assert (told["outcome"], told["waiver"]["owner"]) == ("waived", "other")
    assert "expired_waiver" not in told
    assert [one["state"] for one in assessment["waivers"]] == ["expired", "active"]


@pytest.mark.parametrize(
    ("pattern", "endpoint", "waived"),
    [
        ("one", "a.example.com", ["one"]), ("o*", "*.example.com:25", ["one"]), ("*", "*", ["one", "two"]),
        ("one", "[a].example.com", []), ("one", "b.example.com", []), ("One", "a.example.com", []), ("two", "a.example.com:587", []),
        ("three", "*", []),  # what was not judged needs no waiver
    ],
)  # fmt: skip
def test_patterns(pattern: str, endpoint: str, waived: list[str]) -> None:
    given = [waiver(rule=pattern, endpoint=endpoint)]
    assessment = assess(result(relay(rules=BROKEN)), waivers=given, today=DAY)
    assert [name for name, outcome in outcomes(assessment).items() if outcome == "waived"] == waived
    assert assessment["waivers"][0]["state"] == ("active" if waived else "unused")


@pytest.mark.parametrize("pattern, endpoint, note", [
    ("one", "b.example.com", "nothing that was judged is called so"),
    ("four", "a.example.com", "it has no rule of this name"),
    ("check.timed_out", "a.example.com", "it has no rule of this name"),
    ("check", "*", "what it excuses is not broken"),
    ("three", "a.*", "what it excuses is not broken"),
])  # fmt: skip
def test_a_waiver_that_excuses_nothing_says_why(pattern: str, endpoint: str, note: str) -> None:
    """A slip in a name is told apart from a breach that is mended, and in each format that has waivers."""
    given = [waiver(rule=pattern, endpoint=endpoint)]
    assessment = assess(result(relay(rules=BROKEN)), waivers=given, today=DAY)
    assert assessment["waivers"] == [{**given[0], "state": "unused", "note": note}]
    assert note in as_table(assessment, of="waivers")
    for name in ("json", "markdown", "html"):
        assert note in FORMATS[name].write(assessment), name


def test_the_brackets_of_an_address_are_no_pattern() -> None:
    given = [waiver(endpoint="[2001:db8::1]:25")]
    assessment = assess(result(relay("2001:db8::1", BROKEN)), waivers=given, today=DAY)
    assert outcomes(assessment)["one"] == "waived"


def test_the_check_itself_is_waived_as_a_whole_or_for_one_cause() -> None:
    for name, outcome in (("check", "waived"), ("check.connection_refused", "waived"), ("check.timed_out", "unmet")):
        assessment = assess(result(unreachable()), waivers=[waiver(rule=name, endpoint="*")], today=DAY)
        assert outcomes(assessment)["check"] == outcome


@pytest.mark.parametrize(
    "day", [datetime.date(2026, 6, 15), datetime.datetime(2026, 6, 15, 23), "2026-06-15T12:00:00Z"]
)
def test_days_as_yaml_reads_them(day: Any) -> None:
    assessment = assess(result(relay(rules=BROKEN)), waivers=[waiver(expires=day)], today=DAY)
    assert assessment["waivers"][0]["expires"] == DAY
    assert outcomes(assessment)["one"] == "waived"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("x", r"waivers\[0\]: must be a dictionary"),
        ({**waiver(), "resaon": "x"}, r"waivers\[0\].resaon: is not known"),
        ({**waiver(), "owner": ""}, r"waivers\[0\].owner: is needed"),
        ({**waiver(), "expires": "soon"}, r"waivers\[0\].expires: must be a day"),
    ],
)
def test_a_mistake_in_a_waiver_is_named(given: Any, told: str) -> None:
    with pytest.raises(AssessmentError, match=told):
        assess(result(relay()), waivers=[given], today=DAY)
