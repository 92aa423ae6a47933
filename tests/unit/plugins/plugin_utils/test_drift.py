# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What changed since the last run, and the form in which nothing has.

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ansible", reason="ansible-core is not installed for this Python")

from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.rules import told_apart, unmet_text
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._assessment import assess
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._drift import drift, stable_form
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.json import as_json
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.register import FORMATS
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._profiles import load_profiles
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import AssessmentError
from ansible_collections.postmaster.mailcheck.tests.support.assessments import BROKEN, waiver
from ansible_collections.postmaster.mailcheck.tests.support.sweeps import (
    DAY,
    FINGERPRINT,
    Row,
    relay,
    result,
    rule,
    unreachable,
)

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


@pytest.mark.parametrize("octets", [1, 2, 100, -10])
def test_a_last_report_that_is_cut_off_says_what_to_do(octets: int) -> None:
    """A disk was full: each later run would fail, and nobody would know why."""
    written = as_json(assess(result(relay()), today=DAY))
    assert assess(result(relay()), today=DAY, previous=written)["changes"] == []
    with pytest.raises(AssessmentError, match=r"the last run's report is cut off, or no JSON .*: move it away"):
        assess(result(relay()), today=DAY, previous=written[:octets])


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


# What version 0.1.0 wrote, which knew no subjects


WRITTEN = json.loads(Path(__file__).with_name("assessment-0.1.0.json").read_text(encoding="utf-8"))


def same_fleet(*more: Row) -> Any:
    """The fleet that version 0.1.0 assessed, and perhaps more relays."""
    rules = [rule("tls_version_min", "unmet"), rule("capabilities", "unmet", "low"), rule("max_seconds", "unknown")]
    rows = [
        relay(checked_at="2026-06-15T10:00:00Z"), relay("broken.example.com", rules, labels={"site": "x"}),
        relay("2001:db8::1"), relay("c.example.com", address="192.0.2.2"), relay("c.example.com", address="192.0.2.3"),
        relay("/run/lmtp", port=None, tls=None, address=None), unreachable(),
    ]  # fmt: skip
    waivers = [
        waiver(rule="capabilities", endpoint="broken.example.com:25", expires="2026-12-31"),
        waiver(rule="gone", endpoint="*", expires="2026-01-01"),
    ]
    profile = load_profiles(["modern-tls"])
    return assess(result(*rows, *more), profile=profile, waivers=waivers, previous=WRITTEN, today=DAY)


def in_the_words_of_today() -> Any:
    """What version 0.1.0 wrote, but for `expected: `, with which the text of an unmet rule begins by now."""
    words = copy.deepcopy(WRITTEN)
    for one in (one for row in words["endpoints"] for one in row["rules"]):
        expected, seen = told_apart(one["text"])
        one["text"] = unmet_text(expected, seen) if seen else expected
    return words


def test_nothing_changed_since_version_0_1_0() -> None:
    now = same_fleet()
    assert not any("subject" in row for row in WRITTEN["endpoints"])
    assert now["changes"] == drift(stable_form(WRITTEN), now) == []


def test_what_changed_since_version_0_1_0() -> None:
    now = same_fleet(relay("new.example.com"))
    assert [change["endpoint"] for change in now["changes"]] == ["new.example.com:25"]


def test_what_version_0_1_0_wrote_is_read_as_it_was() -> None:
    """Every key that a reader of it knows is there, and says the same."""
    now = same_fleet()
    for row, written in zip(now["endpoints"], in_the_words_of_today()["endpoints"], strict=True):
        assert {name: value for name, value in row.items() if name != "subject"} == written
    rest = ("endpoints", "changes", "last", "evidence")
    assert {k: v for k, v in now.items() if k not in rest} == {k: v for k, v in WRITTEN.items() if k not in rest}


@pytest.mark.parametrize("name", FORMATS)
def test_what_version_0_1_0_wrote_can_be_written_in_every_format(name: str) -> None:
    write = FORMATS[name].write
    now = {**same_fleet(), "changes": None}
    del now["evidence"], now["last"]  # which it had not
    assert write(assess(in_the_words_of_today())) == write(assess(now))
    assert write(assess(WRITTEN))
