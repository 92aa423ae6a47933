# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The machinery of rules, with a table and facts of no wing: a domain, as a dictionary.

from __future__ import annotations

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.rules import (
    Judged,
    Rule,
    RuleKind,
    evaluate,
    flag,
    judged,
    not_judged,
    number,
    parse_expect,
    told_apart,
    unknown,
    words,
)

NOW = 1000.0


def _lookups_max(expected, domain, now):
    if "lookups" not in domain:
        return unknown("the record was not found")
    return judged(domain["lookups"] <= expected, domain["lookups"])


def _policy_max_age(expected, domain, now):
    age = now - domain["fetched"]
    return judged(age <= expected, age)


def _results(option, value):
    return {stage: words("%s.%s" % (option, stage), wanted) for stage, wanted in value.items()}


def _result_of(stage, expected, domain, now):
    return judged(domain[stage] in expected, domain[stage])


TABLE = {
    "lookups_max": RuleKind("spf", "high", number, _lookups_max, "SPF takes at most %s look-ups", "Shorten it."),
    "policy_max_age": RuleKind("mta_sts", "low", number, _policy_max_age, "the policy is %s seconds old", "Fetch it."),
    "listed": RuleKind("blocklists", "medium", flag, None, "a block list names it", "Ask its owner."),
    "results": RuleKind("any", "low", _results, _result_of, "the result is %s", "See records.", by_stage=True),
}


def rules_of(expect, domain, probed=None):
    return evaluate(TABLE, parse_expect(TABLE, expect), domain, probed or {}, NOW)


def test_a_judge_gets_what_was_expected_the_facts_and_the_time():
    assert rules_of({"lookups_max": 10, "policy_max_age": 60}, {"lookups": 8, "fetched": 900.0}) == (
        Rule("lookups_max", "met", "high", 10, 8, "SPF takes at most 10 look-ups", "Shorten it.", "spf"),
        Rule("policy_max_age", "unmet", "low", 60, 100.0, "expected: the policy is 60 seconds old; observed: 100.0", "Fetch it.",
             "mta_sts"),
    )  # fmt: skip


def test_what_the_facts_do_not_say_is_unknown():
    text = "SPF takes at most 10 look-ups; this could not be judged: the record was not found"
    assert rules_of({"lookups_max": 10}, {}) == (Rule("lookups_max", "unknown", "high", 10, None, text, "", "spf"),)


@pytest.mark.parametrize("outcome", ["met", "unmet", "unknown"])
def test_a_rule_without_a_judge_is_judged_by_what_a_probe_found(outcome):
    (rule,) = rules_of({"listed": True}, {}, {"listed": Judged(outcome, "127.0.0.2")})
    assert (rule.outcome, rule.observed) == (outcome, "127.0.0.2")


def test_a_rule_without_judge_and_probe_is_unknown():
    (rule,) = rules_of({"listed": True}, {})
    assert (rule.outcome, rule.observed) == ("unknown", None)
    assert rule.text == "a block list names it; this could not be judged: there was nobody to ask"


def test_where_the_contrary_is_wanted_text_and_remedy_say_so():
    (rule,) = rules_of({"listed": False}, {}, {"listed": judged(False, "127.0.0.2")})
    assert told_apart(rule.text) == ("it is not so that a block list names it", "127.0.0.2")
    assert told_apart("it is so; observed: it is not") == ("it is so", "it is not"), "as up to 0.1.0"
    assert told_apart("expected: nothing") == ("expected: nothing", "")
    assert rule.text == "expected: it is not so that a block list names it; observed: 127.0.0.2"
    assert rule.remedy == "Undo this: Ask its owner."


def test_an_expectation_for_several_names_is_a_rule_for_each():
    assert rules_of({"results": {"spf": "pass", "dkim": ["pass", "none"]}}, {"spf": "pass", "dkim": "fail"}) == (
        Rule("results.spf", "met", "low", ["pass"], "pass", "the result is pass", "See records.", "spf"),
        Rule("results.dkim", "unmet", "low", ["pass", "none"], "fail", "expected: the result is pass, none; observed: fail",
             "See records.", "dkim"),
    )  # fmt: skip


@pytest.mark.parametrize("seen", [[], {}, ""])
def test_what_was_seen_may_be_nothing(seen):
    (rule,) = rules_of({"results": {"spf": "pass"}}, {"spf": seen})
    assert rule.text == "expected: the result is pass; observed: nothing"


def test_a_rule_that_the_table_does_not_have():
    with pytest.raises(OptionError, match=r"^expect.lookup_max: there is no such rule. Did you mean lookups_max\?$"):
        parse_expect(TABLE, {"lookup_max": 1})
    known = "Known: lookups_max, policy_max_age, listed, results."
    with pytest.raises(OptionError, match="^expect.x: there is no such rule. %s$" % known):
        parse_expect(TABLE, {"x": 1})


def test_the_form_names_the_option():
    with pytest.raises(OptionError, match=r"^expect.results.spf: must be a list of words.$"):
        parse_expect(TABLE, {"results": {"spf": 5}})


def test_null_is_no_rule():
    assert parse_expect(TABLE, {"listed": None}) == {}


def test_the_rules_of_a_report_that_could_not_be_judged():
    rules = [
        rule._asdict() for rule in rules_of({"lookups_max": 10, "listed": True}, {}, {"listed": judged(True, None)})
    ]
    assert not_judged(rules) == ["lookups_max"]
