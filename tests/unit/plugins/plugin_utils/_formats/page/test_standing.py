# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# How things stand: states, score, sentence, and what changed.

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("ansible", reason="ansible-core is not installed for this Python")

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._assessment import assess
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.page import standing
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import Row as JudgedRow
from ansible_collections.postmaster.mailcheck.tests.support.sweeps import DAY, Row, relay, result, rule, unreachable

ALL_WAIVED = {"rule": "*", "endpoint": "*", "reason": "why", "owner": "ops", "expires": "2099-01-01"}
GREYLISTED = {"stage": "rcpt", "cause": "greylisted", "code": 451, "text": "later", "hint": "Wait."}


def judged(*rows: Row, **more: Any) -> list[JudgedRow]:
    return assess(result(*rows), today=DAY, **more)["endpoints"]


@pytest.mark.parametrize(
    ("row", "waivers", "state"),
    [
        (relay(), [], "passed"),
        (relay(rules=[rule("one", "unmet")]), [], "failed"),
        (relay(rules=[rule("one", "unmet")]), [ALL_WAIVED], "waived"),
        (relay(rules=[rule("one", "unmet", "low")], verdict="passed", failure=None), [], "advised"),
        (relay(rules=[rule("one", "unknown")]), [], "not_judged"),
        (unreachable(), [], "unreachable"),
        (unreachable(), [ALL_WAIVED], "waived"),
        (unreachable(verdict="deferred", failure=GREYLISTED), [], "deferred"),
        (relay(rules=[], verdict="failed", failure={**GREYLISTED, "cause": "certificate_expired"}), [], "failed"),
    ],
)  # fmt: skip
def test_what_a_subject_comes_to(row: Row, waivers: list[Row], state: str) -> None:
    (one,) = judged(row, waivers=waivers)
    assert standing.state_of(one) == state


def sentence(*rows: Row, **more: Any) -> str:
    """Both sentences as one text."""
    found = assess(result(*rows), today=DAY, **more)
    return " ".join(standing.sentence_of(found["endpoints"], standing.tally(standing.worst_first(found)))).strip()


def test_one_sentence_says_how_many_need_work() -> None:
    broken = [relay(f"b{index}.example.com", [rule("one", "unmet")]) for index in range(2)]
    open_ = relay("o.example.com", [rule("one", "unknown")])
    assert sentence() == "Nothing was checked."
    assert sentence(relay()) == "The relay keeps every rule."
    assert sentence(broken[0]) == "The relay fails."
    assert sentence(relay("a.example.com"), relay("b.example.com")) == "All 2 relays keep every rule."
    assert (
        sentence(*broken, unreachable(), relay())
        == "1 of 4 relays keeps every rule; 3 need work: 2 fail, 1 does not answer."
    )
    assert (
        sentence(broken[0], open_)
        == "None of 2 relays keeps every rule; 1 needs work: 1 fails. 1 could not be judged in full."
    )
    assert sentence(relay(), open_) == "None of 2 relays needs work at once. 1 could not be judged in full."


def test_the_most_urgent_come_first() -> None:
    light, grave = (relay(name, [rule("one", "unmet", how)]) for name, how in (("l", "low"), ("g", "high")))
    found = assess(result(relay("ok"), light, unreachable("dead"), grave), today=DAY)
    assert [row["name"] for _index, row, _state in standing.worst_first(found)] == ["g", "l", "dead", "ok"]


def test_what_changed_since_the_last_run() -> None:
    before = assess(result(relay("a", [rule("one"), rule("two", "unmet")]), relay("gone")), today=DAY)
    now = assess(result(relay("a", [rule("one", "unmet"), rule("two")]), relay("new")), today=DAY, previous=before)
    changes = now["changes"] or []
    assert standing.since_last_run(now) == [
        ("other", "score 83 % as before"), ("worse", "1 broken anew"), ("better", "1 mended"), ("other", "1 new here"), ("other", "1 gone"),
    ]  # fmt: skip
    assert standing.broken_anew(changes) == {("a:25", "one")}
    same = assess(result(relay("a")), today=DAY, previous=assess(result(relay("a")), today=DAY))
    assert standing.since_last_run(same) == [("other", "score 100 % as before"), ("other", "nothing has changed")]
    worse = assess(result(relay("a", [rule("one", "unmet")])), today=DAY, previous=same)
    assert standing.since_last_run(worse)[0] == ("worse", "score 50 %, before 100 %")
    assert standing.broken_anew(None) == set()


def test_what_happened_to_many_is_told_once() -> None:
    before = assess(result(*(relay(name) for name in "abc")), today=DAY)
    broken = [relay(name, [rule("one", "unmet"), rule("two", "unmet")]) for name in "ab"]
    now = assess(result(*broken, unreachable("c")), today=DAY, previous=before)
    both, alone = standing.in_short(now["changes"] or [])
    assert both.names == ["a:25", "b:25"]
    assert both.lines == [
        ("verdict", "passed", "failed"),
        ("cause", "none", "rule_unmet"),
        ("one, two", "met", "unmet"),
    ]
    assert alone.names == ["c:25"]
    assert ("one, two", "met", "not judged") in alone.lines
