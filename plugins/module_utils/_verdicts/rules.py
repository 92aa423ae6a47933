# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What was learned, held against what was expected: the machinery, whatever the facts are about.
#
# Each wing brings a table of its own (name -> RuleKind), and facts of its own kind, which only its judges look into.
# Where the facts do not say, a judge returns `unknown` with the reason, never `unmet`.

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple

from .._errors import OptionError, did_you_mean

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Tuple

    from .causes import Failure

MET, UNMET, UNKNOWN = "met", "unmet", "unknown"
_EXPECTED, _OBSERVED = "expected: ", "; observed: "


class Judged(NamedTuple):
    """What a judge says of a rule: judged() or unknown() make it."""

    outcome: str  # met, unmet, unknown
    observed: Any
    reason: str = ""  # why it is unknown, as a clause
    seen: str = ""  # what was observed, in words, where the value alone says little
    failure: Optional[Failure] = None  # what kept a connection of the rule's own from showing it
    remedy: str = ""  # what mends what was seen, where that is not the rule's own


def judged(holds: bool, observed: Any, seen: str = "") -> Judged:
    return Judged(MET if holds else UNMET, observed, seen=seen)


def unknown(reason: str, observed: Any = None, failure: Optional[Failure] = None) -> Judged:
    return Judged(UNKNOWN, observed, reason, failure=failure)


class RuleKind(NamedTuple):
    """A rule that `expect` may name: a row of a wing's table."""

    stage: str  # what it looks at
    severity: str  # high, medium, low
    form: Callable[[str, Any], Any]  # option and given value -> the value's normal form; raises OptionError
    # (expected, facts, now) -> Judged; where `by_stage`, the stage comes first. None: probes look, see evaluate().
    judge: Optional[Callable[..., Judged]]
    text: str  # what is expected, as a sentence; %s is the expected value
    remedy: str
    by_stage: bool = False  # `expect` maps stages to values, and each is a rule of its own, such as `codes.rcpt`


class Rule(NamedTuple):
    """One expectation, judged."""

    id: str
    outcome: str  # met, unmet, unknown; a report may make of unmet: waived
    severity: str
    expected: Any
    observed: Any
    text: str
    remedy: str
    stage: str  # what it looks at


def parse_expect(table: Mapping[str, RuleKind], given: Mapping[str, Any], option: str = "expect") -> Dict[str, Any]:
    """Return `given` in its normal form. Raises OptionError about `option`: unknown rules, values of a wrong form."""
    expect = {}
    for name, value in given.items():
        if name not in table:
            hint = did_you_mean(str(name), table) or " Known: %s." % ", ".join(table)
            raise OptionError("%s.%s" % (option, name), "there is no such rule.%s" % hint)
        if value is not None:
            expect[name] = table[name].form("%s.%s" % (option, name), value)
    return expect


def evaluate(
    table: Mapping[str, RuleKind], expect: Mapping[str, Any], facts: Any, probed: Mapping[str, Judged], now: float
) -> Tuple[Rule, ...]:
    """Return every rule that applies, judged. `probed`: what probes found, by rule; `now` is the time of day."""
    return tuple(rule for name in expect for rule in _evaluate(name, table[name], expect[name], facts, probed, now))


def _evaluate(
    name: str, kind: RuleKind, expected: Any, facts: Any, probed: Mapping[str, Judged], now: float
) -> Iterator[Rule]:
    if kind.judge is None:
        yield _rule(name, kind, expected, probed.get(name) or unknown("there was nobody to ask"))
    elif kind.by_stage:
        for stage, wanted in expected.items():
            found = kind.judge(stage, wanted, facts, now)
            yield _rule("%s.%s" % (name, stage), kind._replace(stage=stage), wanted, found)
    else:
        yield _rule(name, kind, expected, kind.judge(expected, facts, now))


def _rule(rule_id: str, kind: RuleKind, expected: Any, found: Judged) -> Rule:
    text, remedy = kind.text % _shown(expected) if "%s" in kind.text else kind.text, found.remedy or kind.remedy
    if expected is False:  # the contrary is wanted
        text, remedy = "it is not so that " + text, "Undo this: " + remedy
    if found.outcome == UNMET:
        text = unmet_text(text, found.seen or _shown(found.observed))
    elif found.outcome == UNKNOWN:
        text, remedy = "%s; this could not be judged: %s" % (text, found.reason), ""  # nobody knows what is wrong
    return Rule(rule_id, found.outcome, kind.severity, expected, found.observed, text, remedy, kind.stage)


def unmet_text(expected: str, seen: str) -> str:
    """What is told of an unmet rule: a sentence about what should be is none about what is."""
    return _EXPECTED + expected + _OBSERVED + seen


def told_apart(text: str) -> Tuple[str, str]:
    """Return the two halves of unmet_text(), as up to 0.1.0, too; of any other text all of it, and nothing."""
    expected, mark, seen = text.partition(_OBSERVED)
    return (expected.replace(_EXPECTED, "", 1) if mark else expected), seen


def not_judged(rules: Iterable[Mapping[str, Any]]) -> List[str]:
    """Return the names of those rules of a report that could not be judged."""
    return [rule["id"] for rule in rules if rule["outcome"] == UNKNOWN]


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        value = ["%s %s" % pair for pair in value.items()]
    return (", ".join(map(str, value)) if isinstance(value, list) else str(value)) or "nothing"


# Forms that rules of any wing may take


def words(option: str, value: Any) -> List[str]:
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, (list, tuple)) or not given or not all(isinstance(w, str) and w.strip() for w in given):
        raise OptionError(option, "must be a list of words.")
    return list(given)


def flag(option: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise OptionError(option, "must be true or false.")
    return value


def number(option: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
        raise OptionError(option, "must be a number, not negative.")
    return int(value) if value == int(value) else value  # Ansible makes 30.0 of 30


def pattern(option: str, value: Any) -> str:
    try:
        re.compile(value)
    except (re.error, TypeError, OverflowError, RecursionError) as error:
        position = getattr(error, "pos", None)
        where = "" if position is None else ": see position %s" % position
        raise OptionError(option, "is no regular expression%s." % where) from None
    return str(value)
