# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the collection. What one endpoint needs of one or several conversations: no socket, no clock.
#
# A plan is a generator. It yields a tuple of attempts, which the driver makes side by side and answers with
# their outcomes, or a Wait, which the driver answers with the time, or with None when no time is left. It
# returns a Verdict. What decides whether to try again stands here and nowhere else.

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from . import model
from .explain import may_pass_later
from .transcript import Transcript

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Generator, List, Optional, Sequence, Tuple, Union

    from .probes import Judged, Survey

    Plan = Generator[Union[Tuple[model.Attempt, ...], model.Wait], Any, "Verdict"]
    Looking = Generator[Tuple[model.Attempt, ...], Any, Tuple[Tuple[model.Rule, ...], Optional[Survey]]]

MAX_RETRY_INTERVAL = 30.0
# A relay that says 421, or greylists, counts what comes too soon against the client.
_PATIENT = ("rate_limited", "service_closing", "greylisted")


class Verdict(NamedTuple):
    """What became of one endpoint: `failure` is None when it passed."""

    request: model.Request
    outcome: model.Outcome
    addresses: Tuple[model.AddressAttempt, ...]  # of all attempts
    rules: Tuple[model.Rule, ...]
    failure: Optional[model.Failure]
    survey: Optional[Survey] = None


def unprobed(request: model.Request, failure: model.Failure, now: float) -> Verdict:
    """Return the verdict of an endpoint that was never connected to."""
    return Verdict(request, model.Outcome(model.Facts(Transcript(now)), (), None, None, now, now), (), (), failure)


def check_plan(request: model.Request, time_of_day: Callable[[], float]) -> Plan:
    """Check one endpoint, again and again while `retry_for` lasts and a later attempt may pass."""
    give_up = 0.0
    pause = request.retry_interval
    addresses: List[model.AddressAttempt] = []
    verdict: Optional[Verdict] = None
    while True:
        (outcome,) = yield (model.Attempt(request),)
        failure = outcome.facts.failure
        if failure is not None and failure.cause == "not_checked":  # the time was up before this attempt's turn
            return verdict or unprobed(request, failure, outcome.finished)
        give_up = give_up or outcome.started + request.retry_for  # what it has waited for its turn does not count
        addresses.extend(outcome.addresses)
        rules, survey = yield from _look(request, outcome.facts, time_of_day)
        failure = _judge(outcome.facts, rules)
        verdict = Verdict(request, outcome, tuple(addresses), rules, failure, survey)
        if failure is None or not _may_retry(outcome.facts, failure):
            return verdict
        wait = max(pause, MAX_RETRY_INTERVAL) if failure.cause in _PATIENT else pause
        if outcome.finished + wait > give_up:
            return verdict
        if (yield model.Wait(outcome.finished + wait)) is None:
            return verdict
        pause = max(pause, min(pause * 2, MAX_RETRY_INTERVAL))


def _look(request: model.Request, facts: model.Facts, time_of_day: Callable[[], float]) -> Looking:
    """Judge what is expected. What the facts do not tell is looked for, in attempts of its own, side by side."""
    if not request.expect and not request.survey:
        return (), None
    from .expectations import evaluate
    from .probes import PROBES, read_survey, survey_follow_up, survey_requests

    wanted = {name: PROBES[name].requests(request.expect[name], request) for name in request.expect if name in PROBES}
    if request.survey:
        wanted["survey"] = survey_requests(request)
    if facts.greeting is None:
        wanted.clear()  # nobody there to ask
    requests = [model.Attempt(one) for several in wanted.values() for one in several]
    outcomes = iter((yield tuple(requests)) if requests else ())
    looked: Dict[str, Judged] = {}
    survey = None
    for name, several in wanted.items():
        own = list(islice(outcomes, len(several)))
        if name == "survey":
            again = survey_follow_up(request, own)
            survey = read_survey(own, (yield tuple(map(model.Attempt, again))) if again else ())
        else:
            looked[name] = PROBES[name].judge(request.expect[name], own)
    return evaluate(request.expect, facts, looked, time_of_day()), survey


def _judge(facts: model.Facts, rules: Sequence[model.Rule]) -> Optional[model.Failure]:
    """Return why the check did not pass. A refusal that was expected is none; an unmet rule is one."""
    failure = facts.failure
    if failure is not None and not _was_expected(failure, rules):
        return failure
    for rule in rules:
        if rule.outcome == "unmet":
            return model.Failure(rule.stage, "rule_unmet", text=rule.text)
    return None


def _was_expected(failure: model.Failure, rules: Sequence[model.Rule]) -> bool:
    """Return whether the refusal that ended the session is just what was expected at its stage."""
    rule_id = "codes." + failure.stage
    return any(rule.id == rule_id and rule.outcome == "met" and failure.code in rule.expected for rule in rules)


def _may_retry(facts: model.Facts, failure: model.Failure) -> bool:
    """A message is sent at most once, and a password is tried once unless the relay asks for another try."""
    if facts.message_begun or failure.cause == "deadline_reached":
        return False
    if (facts.auth is not None and not facts.auth.accepted) or failure.stage == "auth":
        return failure.code is not None and failure.code < 500
    return may_pass_later(failure)
