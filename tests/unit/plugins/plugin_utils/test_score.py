# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The score: what the rules that are met weigh.

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("ansible", reason="ansible-core is not installed for this Python")

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._assessment import assess
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._drift import stable_form
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._score import score_of
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import Row as JudgedRow
from ansible_collections.postmaster.mailcheck.tests.support.sweeps import DAY, Row, relay, result, rule, unreachable

ALL_WAIVED = {"rule": "*", "endpoint": "*", "reason": "why", "owner": "ops", "expires": "2099-01-01"}


def judged(*rows: Row, **more: Any) -> list[JudgedRow]:
    return assess(result(*rows), today=DAY, **more)["endpoints"]


def percent(*rules: Row) -> Any:
    """The check itself is met, and weighs five."""
    return score_of(judged(relay(rules=list(rules)))).percent


def test_the_score_weighs_rules_by_their_severity() -> None:
    assert percent(rule("one")) == 100
    assert percent(rule("one", "unmet", "high")) == 50  # 5 of 10
    assert percent(rule("one", "unmet", "medium")) == 62  # 5 of 8, rounded down
    assert percent(rule("one", "unmet", "low")) == 83  # 5 of 6


def test_what_was_not_judged_is_neither_good_nor_bad() -> None:
    assert percent(rule("one", "unknown"), rule("two", "unmet", "high")) == 50
    waived = score_of(judged(relay(rules=[rule("one", "unmet")]), waivers=[ALL_WAIVED]))
    assert waived.percent == 100 and waived.weights["waived"] == 5
    nothing = score_of(judged(unreachable(), waivers=[ALL_WAIVED]))
    assert nothing.percent is None and nothing.weights["unknown"] == 10


def test_a_hundred_is_for_those_alone_who_break_no_rule() -> None:
    rows = [relay(f"r{index}.example.com") for index in range(400)]
    assert score_of(judged(*rows, relay("x.example.com", [rule("one", "unmet", "low")]))).percent == 99


def test_the_score_of_the_last_run_stays() -> None:
    before = assess(result(relay("a", [rule("one", "unmet")])), today=DAY)
    now = assess(result(relay("a", [rule("one")])), today=DAY, previous=before)
    assert (before["last"], now["last"]) == (None, {"checked_at": before["checked_at"], "score": 50})
    assert "last" not in stable_form(now)
