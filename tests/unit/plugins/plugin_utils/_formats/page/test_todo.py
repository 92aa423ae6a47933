# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What to do first: findings by rule.

from __future__ import annotations

import pytest

pytest.importorskip("ansible", reason="ansible-core is not installed for this Python")

from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.register import PROBES
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.rules import RULES
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._assessment import assess
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.page import todo
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.page.todo import (
    Seen,
    open_questions,
    rules_by_kind,
    tasks,
)
from ansible_collections.postmaster.mailcheck.tests.support.sweeps import DAY, relay, result, rule, unreachable


def test_a_rule_is_one_task_whatever_was_seen_of_it() -> None:
    rows = [
        relay("a", [rule("old_tls", "unmet", text="expected: the relay refuses TLSv1; observed: accepted")]),
        relay("b", [rule("old_tls", "unmet", text="the relay refuses TLSv1; observed: not asked")]),
        relay("c", [rule("old_tls", "unmet", text="the relay refuses TLSv1; observed: not asked")]),
    ]
    (task,) = tasks(assess(result(*rows), today=DAY))
    assert (task.name, task.about, task.title) == ("old_tls", "3 relays", "Expected: the relay refuses TLSv1.")
    assert task.remedies == ["Set old_tls."]
    assert task.seen == [Seen("not asked", [1, 2]), Seen("accepted", [0])]


def test_the_gravest_come_first_then_those_that_concern_most() -> None:
    rows = [
        relay("a", [rule("light", "unmet", "low"), rule("one", "unmet"), rule("two", "unmet")]),
        relay("b", [rule("light", "unmet", "low"), rule("two", "unmet")]),
    ]
    assert [task.name for task in tasks(assess(result(*rows), today=DAY))] == ["two", "one", "light"]


def test_one_open_relay_comes_before_many_old_versions() -> None:
    old = [relay(name, [rule("tls_versions_refused", "unmet")]) for name in "abcde"]
    rows = [*old, relay("f", [rule("relaying_refused", "unmet")]), unreachable("g")]
    names = ["relaying_refused", "connection_refused", "tls_versions_refused"]
    assert [task.name for task in tasks(assess(result(*rows), today=DAY))] == names
    assert {*todo._ABUSED} <= {*RULES, *PROBES}


def test_failed_checks_are_grouped_by_their_cause_in_plain_words() -> None:
    greylisted = {"stage": "rcpt", "cause": "greylisted", "code": 451, "text": "later", "hint": "Wait."}
    rows = [unreachable("a"), unreachable("b"), unreachable("c", verdict="deferred", failure=greylisted)]
    refused, put_off = tasks(assess(result(*rows), today=DAY))
    assert refused.title.startswith("The host answers, but nothing listens on this port")
    assert (refused.about, refused.remedies) == ("2 relays", ["Start the server."])
    assert (put_off.severity, put_off.seen) == ("medium", [Seen("at rcpt: 451 later", [2])])
    assert (refused.name, put_off.name) == ("connection_refused", "greylisted")


def test_a_hint_is_said_once_whatever_relays_it_names() -> None:
    hints = [f"See that {host} listens on port {port} of it (`nc {host}`), as 25 does."
             for host, port in (("a.example.com", 26), ("b.example.com", 27))]  # fmt: skip
    rows = [unreachable("ab"[index], failure={**unreachable()["failure"], "hint": hint})
            for index, hint in enumerate(hints)]  # fmt: skip
    (task,) = tasks(assess(result(*rows), today=DAY))
    assert task.remedies == ["See that HOST listens on port PORT of it (`nc HOST`), as 25 does."]


def test_an_audit_that_fails_as_the_check_does_is_no_second_task() -> None:
    rows = [unreachable("a")]
    assessment = assess(result(*rows), today=DAY)
    check = assessment["endpoints"][0]["rules"][0]
    assessment["endpoints"][0]["rules"].append({**check, "id": "audit"})
    (task,) = tasks(assessment)
    assert (task.name, task.places) == ("connection_refused", [0])


def test_what_is_broken_anew_is_counted() -> None:
    before = assess(result(relay("a"), relay("b", [rule("one", "unmet")])), today=DAY)
    rows = [relay(name, [rule("one", "unmet")]) for name in "ab"]
    (task,) = tasks(assess(result(*rows), today=DAY, previous=before))
    assert (task.places, task.anew) == ([0, 1], 1)


def test_what_was_not_judged_says_why() -> None:
    text = "mail is refused; this could not be judged: nobody answered"
    rows = [relay("a", [rule("one", "unknown", text=text)]), relay("b", [rule("one", "unknown", text=text)])]
    (question,) = open_questions(assess(result(*rows), today=DAY))
    assert (question.title, question.seen) == ("Expected: mail is refused.", [Seen("nobody answered", [0, 1])])


def test_a_check_that_failed_leaves_one_question_open() -> None:
    (question,) = open_questions(assess(result(unreachable("a"), unreachable("b")), today=DAY))
    assert (question.name, question.about) == ("", "2 relays")
    assert question.seen == [Seen("the check ended before: connection_refused", [0, 1])]


def test_what_another_program_has_to_be_asked_is_one_question() -> None:
    how = "Is it so? This could not be judged: only sslyze can ask this: run `sslyze scan.json %s:25`"
    rows = [
        relay(name, [rule(probe, "unknown", text=how % name) for probe in ("robot", "heartbleed")] + [rule("one")])
        for name in ("a.example.com", "b.example.com")
    ]
    (question,) = open_questions(assess(result(*rows), today=DAY))
    assert (question.name, question.about, question.places) == ("sslyze", "2 relays", [0, 1])
    assert question.title == "Only sslyze can ask 2 probes: robot, heartbleed."
    assert question.seen == [Seen("only sslyze can ask this: run `sslyze scan.json HOST:PORT`", [0, 1])]


def test_every_rule_is_described_once_for_its_kind() -> None:
    rows = [relay("a", [rule("one")]), relay("b", [rule("one", "unmet", reason="Because.", document="RFC 1")])]
    found = rules_by_kind(assess(result(*rows), today=DAY))
    assert list(found) == ["relay"]
    assert [one["id"] for one in found["relay"]] == ["check", "one"]
    assert found["relay"][1]["text"] == "the rule one"
    assert found["relay"][1]["outcomes"] == {"met": 1, "unmet": 1}


def test_a_question_and_its_answer_are_told_apart() -> None:
    asked = "Does it relay for strangers? It took mail for one. Anybody can send through it."
    (task,) = tasks(assess(result(relay("a", [rule("relays", "unmet", text=asked)])), today=DAY))
    assert task.title == "Does it relay for strangers?"
    assert task.seen == [Seen("It took mail for one. Anybody can send through it.", [0])]
