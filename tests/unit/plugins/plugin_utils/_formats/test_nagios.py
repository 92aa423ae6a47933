# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A monitoring plugin's lines, read as Nagios reads them: by the guidelines of the Monitoring Plugins.

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("ansible", reason="ansible-core is not installed for this Python")

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._assessment import assess
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.nagios import (
    as_nagios,
    exit_status,
    unknown,
)
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import Assessment
from ansible_collections.postmaster.mailcheck.tests.support import assessments
from ansible_collections.postmaster.mailcheck.tests.support.assessments import WAIVERS, mixed, waiver
from ansible_collections.postmaster.mailcheck.tests.support.plugin import read
from ansible_collections.postmaster.mailcheck.tests.support.sweeps import (
    DAY,
    EVIL,
    big_result,
    relay,
    result,
    rule,
    unreachable,
)


def of(*rows: Any, **more: Any) -> Assessment:
    return assess(result(*rows), today=DAY, **more)


DEFERRED = {"stage": "rcpt", "cause": "greylisted", "code": 450, "text": "Greylisted", "hint": "Wait."}
NOT_CHECKED = {"stage": None, "cause": "not_checked", "code": None, "text": "", "hint": "Again."}
STOPPED = unreachable(verdict="not_checked", failure=NOT_CHECKED)


@pytest.mark.parametrize(
    "given, status",
    [
        (of(relay()), 0),
        (of(unreachable()), 2),
        (of(relay(verdict="deferred", failure=DEFERRED)), 1),
        (of(STOPPED), 3),
        (of(), 3),  # nothing was checked
        (of(relay(rules=[rule("one", "unmet")])), 2),
        (of(relay(rules=[rule("one", "unmet", "medium")])), 1),
        (of(relay(rules=[rule("one", "unmet", "low")])), 1),  # it failed the check
        (of(relay(rules=[rule("one", "unmet", "low")], verdict="passed", failure=None)), 0),  # it is advice
        (of(relay(rules=[rule("one", "unknown")])), 3),
        (of(relay(rules=[rule("one", "unknown", "low")])), 3),
        (of(relay(rules=[rule("one", "unknown"), rule("two", "unmet", "medium")])), 1),
        (of(relay(), STOPPED, relay("b", verdict="deferred", failure=DEFERRED), unreachable()), 2),
        (of(relay(rules=[rule("one", "unmet")]), waivers=[waiver()]), 0),
        (of(relay(), waivers=WAIVERS[1:]), 1),  # it has expired
    ],
)  # fmt: skip
def test_the_state_is_that_of_the_gravest(given: Assessment, status: int) -> None:
    assert exit_status(given) == status
    assert read(as_nagios(given)).status == status


def test_what_could_not_be_judged_may_be_let_pass() -> None:
    given = of(relay(rules=[rule("one", "unknown")]))
    assert exit_status(given, lenient=True) == read(as_nagios(given, lenient=True)).status == 0


def test_one_relay_that_passes_says_what_the_check_says() -> None:
    given = read(as_nagios(of(relay())))
    assert given.text == "a.example.com:25: passed"
    assert given.performance == {
        "time": 0.25, "certificate_days_left": 47, "passed": 1, "rules_met": 3, "rules_unmet": 0, "rules_unknown": 0,
        "rules_waived": 0,
    }  # fmt: skip
    assert given.long == []


def test_the_first_line_has_the_gravest_and_a_line_each_follows() -> None:
    given = read(as_nagios(mixed(waivers=WAIVERS)))
    assert given.text == "a.example.com:25: plain (and 3 more)"
    assert given.long == [
        "[CRITICAL] a.example.com:25 one: plain",
        "[CRITICAL] plain:25 check: connection_refused at connect: plain",
        "[WARNING] %s gone: a waiver has expired on 2026-01-01 (ops: old)" % EVIL.replace("|", "/"),
        "[UNKNOWN] a.example.com:25 three: the rule three",
    ]
    assert given.performance["passed"] == 1


def test_several_that_pass_are_counted() -> None:
    assert read(as_nagios(of(relay(), relay("b.example.com")))).text == "2 relays; rules: 6 met"


def test_performance_data_has_the_same_labels_in_every_run() -> None:
    whole = read(as_nagios(of(relay()))).performance
    assert list(read(as_nagios(mixed())).performance) == list(whole)
    assert set(read(as_nagios(of(unreachable(seconds=None)))).performance) == set(whole) - {
        "time",
        "certificate_days_left",
    }


@pytest.mark.parametrize("words", [EVIL, "a | time=0s", "two\nlines\r\n[OK] x", "\x1b[31m \u202e \ud800"])
def test_a_relay_cannot_write_a_line_or_performance_data(words: str) -> None:
    given = read(as_nagios(mixed(words)))
    assert given.status == 2
    assert set(given.performance) == set(read(as_nagios(mixed())).performance)
    assert len(given.long) == 4
    assert not set("\x1b\r\u202e\ud800") & set(as_nagios(mixed(words)))


def test_evil_words_of_every_kind() -> None:
    assert read(as_nagios(assessments.evil())).status == 2


def test_what_nagios_keeps_is_enough_for_a_large_fleet() -> None:
    text = as_nagios(assess(big_result(1000, 20), today=DAY))
    assert len(text.encode()) < 8192
    assert text.endswith("\nand 123 more\n")


def test_a_call_that_makes_no_sense_is_unknown_on_one_line() -> None:
    given = read(unknown("mailcheck: a | b\nc"))
    assert (given.status, given.text) == (3, "mailcheck: a / b c")
