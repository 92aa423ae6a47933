# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# From a sweep's result to an assessment: findings, waivers, the diffable form, drift.

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.postmaster.mailcheck.plugins.filter import report_junit
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils.assessment import (
    FORMAT,
    AssessmentError,
    assess,
    drift,
    findings,
    stable_form,
)
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils.formats import as_json
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils.profiles import load_profiles
from ansible_collections.postmaster.mailcheck.tests.compliance.sweeps import (
    DAY,
    FINGERPRINT,
    Row,
    relay,
    result,
    rule,
    unreachable,
)

BROKEN = [rule("one", "unmet"), rule("two", "unmet", "low"), rule("three", "unknown")]


def waiver(**more: Any) -> Row:
    return {"rule": "one", "endpoint": "a.example.com:25", "reason": "why", "owner": "ops", "expires": DAY, **more}


def outcomes(assessment: Row, row: int = 0) -> dict[str, str]:
    return {one["id"]: one["outcome"] for one in assessment["endpoints"][row]["rules"]}


def found(assessment: Row, least: str = "low") -> list[tuple[str, str, str]]:
    return [(one["severity"], one["endpoint"], one["rule"]) for one in findings(assessment, least)]


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


def test_a_relay_that_puts_us_off_is_a_lesser_finding() -> None:
    failure = {"stage": "rcpt", "cause": "greylisted", "code": 450, "text": "later", "hint": "Wait."}
    assessment = assess(result(relay(verdict="deferred", failure=failure)), today=DAY)
    assert found(assessment) == [("medium", "a.example.com:25", "check")]
    (one,) = findings(assessment)
    assert one["text"] == "the check succeeds; observed: greylisted at rcpt: 450 later"
    assert one["remedy"] == "Wait."


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
    with pytest.raises(AssessmentError, match="no result of smtp_sweep or smtp_check.*" + given.get("msg", "")):
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


# Waivers


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
        ({**waiver(), "expires": "soon"}, r"waivers\[0\].expires: 'soon' is no day"),
    ],
)
def test_a_mistake_in_a_waiver_is_named(given: Any, told: str) -> None:
    with pytest.raises(AssessmentError, match=told):
        assess(result(relay()), waivers=[given], today=DAY)


# The diffable form


def volatile(run: int) -> Row:
    """The same fleet in two runs: what time and chance change."""
    days = rule("certificate_days_left", "met", observed=30 - run, text=f"days {run}")
    greeting = rule("greeting_matches", "unmet", observed=f"relay {run}", text=f"observed: relay {run}")
    row = relay(
        rules=[days, greeting], seconds=0.1 * run, checked_at=f"2026-06-1{run}T00:00:00Z", address=f"192.0.2.{run}",
        msg=f"queued as {run}", transcript=[{"at": run, "from": "client", "text": "QUIT", "tls": True}],
        message={"token": str(run), "queue_id": str(run)}, greeting={"code": 220, "text": f"relay {run}"},
    )  # fmt: skip
    gone = unreachable(
        failure={"stage": "connect", "cause": "timed_out", "code": None, "text": f"after {run} s", "hint": ""}
    )
    swept = result(row, gone)
    swept["certificates"][FINGERPRINT]["days_left"] = 47 - run
    return swept


def test_two_runs_over_an_unchanged_fleet_give_the_same_text() -> None:
    first, second = (assess(volatile(run), today=DAY) for run in (1, 2))
    assert first != second
    assert as_json(first, stable=True) == as_json(second, stable=True)
    assert drift(first, second) == []


def test_the_order_of_the_input_does_not_matter_to_the_diffable_form() -> None:
    one, other = (assess(result(*rows), today=DAY) for rows in ((relay(), relay("b")), (relay("b"), relay())))
    assert as_json(one, stable=True) == as_json(other, stable=True)
    assert as_json(one) != as_json(other)


# Drift


def test_what_changed() -> None:
    before = assess(result(relay(), relay("gone.example.com"), relay("c.example.com")), waivers=[waiver()], today=DAY)
    mended = relay("c.example.com", tls={"version": "TLSv1.2", "cipher": "x", "verified": True, "certificate": None})
    now = assess(
        result(relay(rules=[rule("one", "unmet"), rule("three")]), mended, relay("new.example.com")),
        waivers=[waiver(expires="2026-01-01")],
        today=DAY,
        previous=before,
    )
    assert [tuple(change.values()) for change in now["changes"]] == [
        ("a.example.com:25", "verdict", "passed", "failed"),
        ("a.example.com:25", "cause", None, "rule_unmet"),
        ("a.example.com:25", "rule one", "met", "unmet"),
        ("a.example.com:25", "rule three", None, "met"),
        ("a.example.com:25", "rule two", "met", None),
        ("c.example.com:25", "TLS version", "TLSv1.3", "TLSv1.2"),
        ("c.example.com:25", "certificate", "abababababababab…, until 2026-08-01", None),
        ("new.example.com:25", "endpoint", None, "passed"),
        ("gone.example.com:25", "endpoint", "passed", None),
        ("a.example.com:25", "waiver of one", "unused", "expired"),
    ]


def test_drift_from_the_diffable_form_is_the_same() -> None:
    before = assess(result(relay()), today=DAY)
    now = assess(result(relay(rules=BROKEN)), today=DAY)
    assert drift(stable_form(before), now) == drift(before, now) != []


def test_no_last_run_is_no_change() -> None:
    assert assess(result(relay()), today=DAY)["changes"] is None
    with pytest.raises(AssessmentError, match="not written by this version"):
        drift({"endpoints": []}, assess(result(relay()), today=DAY))


# Filters


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (5, "this input is of no use here: 5"),
        ("{", "the text is no JSON"),
        ("[" * 3000, "the text is no JSON"),
        ("[]", "the text holds no assessment"),
        ({}, "neither endpoints nor a verdict"),
        ({"endpoints": [1]}, "not the shape"),
        ({"endpoints": [{"verdict": "passed"}]}, "not the shape"),
        ({"endpoints": [relay(tls="yes")]}, "not the shape"),
        ({"format": FORMAT}, "not the shape"),
    ],
)
def test_a_filter_names_itself_in_what_it_cannot_use(given: object, told: str) -> None:
    (use,) = report_junit.FilterModule().filters().values()
    with pytest.raises(AnsibleFilterError, match="^postmaster.mailcheck.report_junit: .*" + told):
        use(given)
