# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# From a module's result to an assessment: what is found, and how it is named.

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ansible", reason="ansible-core is not installed for this Python")

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._assessment import assess, findings, not_judged
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._profiles import load_profiles, with_profiles
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import AssessmentError
from ansible_collections.postmaster.mailcheck.tests.support.assessments import BROKEN, found, outcomes, waiver
from ansible_collections.postmaster.mailcheck.tests.support.sweeps import (
    DAY,
    FINGERPRINT,
    Row,
    relay,
    result,
    rule,
    unreachable,
)


def test_relays_as_they_should_be() -> None:
    assessment = assess(result(relay(), relay("b.example.com")), today=DAY)
    assert outcomes(assessment) == {"check": "met", "one": "met", "two": "met"}
    assert [row["assessment"] for row in assessment["endpoints"]] == ["met", "met"]
    assert assessment["summary"]["rules"] == {"met": 6, "unmet": 0, "unknown": 0, "waived": 0}
    assert found(assessment) == []
    assert assessment["endpoints"][0]["days_left"] == 47


def test_what_is_unmet_is_found_the_gravest_first() -> None:
    assessment = assess(result(relay(rules=BROKEN), unreachable()), today=DAY)
    assert found(assessment) == [
        ("high", "a.example.com:25", "one"),
        ("high", "dead.example.com:25", "check"),
        ("low", "a.example.com:25", "two"),
    ]
    assert found(assessment, "medium") == found(assessment)[:2]
    assert assessment["summary"]["findings"] == {"high": 2, "medium": 0, "low": 1}
    # An unmet rule is its own finding: the check itself went as asked.
    assert outcomes(assessment)["check"] == "met"
    with pytest.raises(AssessmentError, match="severity"):
        found(assessment, "grave")


def test_what_could_not_be_judged_is_never_as_good_as_met_or_waived() -> None:
    rules = [rule("one", "unknown", "low"), rule("two", "unknown"), rule("three", "unmet")]
    waiver = {"rule": "three", "endpoint": "*", "reason": "why", "owner": "ops", "expires": DAY}
    assessment = assess(result(relay(rules=rules), relay("b.example.com")), waivers=[waiver], today=DAY)
    assert [row["assessment"] for row in assessment["endpoints"]] == ["unknown", "met"]
    assert [(one["severity"], one["endpoint"], one["rule"]) for one in not_judged(assessment)] == [
        ("high", "a.example.com:25", "two"),
        ("low", "a.example.com:25", "one"),
    ]
    assert [one["rule"] for one in not_judged(assessment, "medium")] == ["two"]
    with pytest.raises(AssessmentError, match="severity"):
        list(not_judged(assessment, "grave"))


def test_a_relay_that_puts_us_off_is_a_lesser_finding() -> None:
    failure = {"stage": "rcpt", "cause": "greylisted", "code": 450, "text": "later", "hint": "Wait."}
    assessment = assess(result(relay(verdict="deferred", failure=failure)), today=DAY)
    assert found(assessment) == [("medium", "a.example.com:25", "check")]
    (one,) = findings(assessment)
    assert one["text"] == "expected: the check succeeds; observed: greylisted at rcpt: 450 later"
    assert one["remedy"] == "Wait."
    assert one["line"] == "a.example.com:25: greylisted at rcpt: 450 later [medium]"


def test_a_finding_is_told_in_a_line_that_leads_with_the_relay_and_steers_no_terminal() -> None:
    broken = result(relay(rules=[rule("one", "unmet", text="seen: \x1b[2J"), rule("two", "unknown", text="not seen")]))
    assessment = assess(broken, waivers=[waiver(rule="gone", expires="2020-01-01")], today=DAY)
    assert [one["line"] for one in (*findings(assessment), *not_judged(assessment))] == [
        "a.example.com:25: one: seen: \\x1b[2J [high]",
        "a.example.com:25: gone: a waiver has expired on 2020-01-01 (ops: why) [medium]",
        "a.example.com:25: two: not seen [high]",
    ]


def test_the_profile_says_where_a_rule_comes_from_and_how_grave_it_is() -> None:
    broken = [rule("tls_version_min", "unmet", "high"), rule("codes.rcpt", "unmet", "high")]
    assessment = assess(result(relay(rules=broken)), profile=load_profiles(["modern-tls"]), today=DAY)
    _check, told, other = assessment["endpoints"][0]["rules"]
    assert (told["severity"], told["document"], told["section"]) == ("low", "RFC 9325", "3.1.1")
    assert "document" not in other and other["severity"] == "high"
    assert assessment["profiles"] == ["modern-tls"]


def test_a_relay_may_have_profiles_of_its_own() -> None:
    broken = [rule("certificate_days_left", "unmet", "high")]
    rows = [relay(rules=broken), relay("mx.example.com", broken, labels={"profiles": "mx"})]
    assessment = assess(result(*rows), profile=load_profiles(["relay"]), today=DAY)
    assert [row["rules"][1]["severity"] for row in assessment["endpoints"]] == ["high", "medium"]


OWN = "rules: {certificate_days_left: {expect: 14, severity: low}}"


@pytest.mark.parametrize("label", ["gold", "/no/such.yml", "mx, gold", "", ["relay"], None, "{own}", "relay, {own}"])
def test_a_label_that_with_profiles_did_not_write_is_only_a_label(label: Any, tmp_path: Path) -> None:
    """A result comes from another host: no path that it names is opened, not even that of a profile."""
    (tmp_path / "own.yml").write_text(OWN)
    if isinstance(label, str):
        label = label.format(own=tmp_path / "own.yml")
    row = relay(rules=[rule("certificate_days_left", "unmet", "high")], labels={"profiles": label})
    assessment = assess(result(row), profile=load_profiles(["mx"]), today=DAY)
    assert assessment["endpoints"][0]["rules"][1]["severity"] == "medium"
    assert assessment["endpoints"][0]["labels"] == {"profiles": label}


def test_profiles_of_ones_own_are_known_by_the_paths_that_were_given(tmp_path: Path) -> None:
    (tmp_path / "own.yml").write_text(OWN)
    paths = [str(tmp_path / "own.yml"), "mx"]
    (endpoint,) = with_profiles([{"host": "a.example.com", "profiles": paths}])
    row = relay(rules=[rule("certificate_days_left", "unmet", "high")], labels=endpoint["labels"])
    told = [assess(result(row), today=DAY, own_profiles=known)["endpoints"][0]["rules"][1] for known in (paths, ())]
    assert [one["severity"] for one in told] == ["medium", "high"]  # by `mx`, which comes last; by nobody
    row["labels"]["profiles"] = paths[0]
    assert assess(result(row), today=DAY, own_profiles=paths)["endpoints"][0]["rules"][1]["severity"] == "low"


def test_the_result_of_a_single_check() -> None:
    certificate = {"not_after": "2026-08-01T00:00:00Z", "days_left": 47, "sha256_fingerprint": FINGERPRINT}
    report = {
        **relay(), "timings": {"total": 1.5}, "tls": {"version": "TLSv1.3", "cipher": "x", "certificate": certificate},
    }  # fmt: skip
    for name in ("name", "seconds", "labels"):
        del report[name]
    (row,) = assess(report, today=DAY)["endpoints"]
    assert (row["id"], row["certificate"], row["days_left"], row["seconds"]) == (
        "a.example.com:25",
        FINGERPRINT,
        47,
        1.5,
    )


def test_an_assessment_is_assessed_once() -> None:
    once = assess(result(relay(rules=BROKEN)), waivers=[waiver()], today=DAY)
    assert assess(once) == once


@pytest.mark.parametrize("given", [{}, {"msg": "ca_path: no such file", "failed": True}, {"endpoints": None}])
def test_what_is_no_result(given: Row) -> None:
    with pytest.raises(AssessmentError, match="no result of a module of this collection.*" + given.get("msg", "")):
        assess(given)


# Names


def test_every_row_has_a_name_of_its_own() -> None:
    rows = [
        relay("a.example.com"), relay("a.example.com:25", host="a.example.com"), relay("b.example.com", address="192.0.2.1"),
        relay("b.example.com", address="192.0.2.2"), relay("2001:db8::1"), relay("c", address=None), relay("c", address=None),
        relay("/run/lmtp"),
    ]  # fmt: skip
    assert [row["id"] for row in assess(result(*rows), today=DAY)["endpoints"]] == [
        "a.example.com:25 (192.0.2.1)", "a.example.com:25 (192.0.2.1) #2", "b.example.com:25 (192.0.2.1)",
        "b.example.com:25 (192.0.2.2)", "[2001:db8::1]:25", "c:25", "c:25 #2", "/run/lmtp",
    ]  # fmt: skip
