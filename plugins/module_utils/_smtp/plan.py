# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What one endpoint needs of one or several conversations: no socket, no clock.
#
# A plan is a generator. It yields a tuple of attempts, which the driver makes side by side and answers with
# their outcomes, or a Wait, which the driver answers with the time, or with None when no time is left. It
# returns a Verdict. What decides whether to try again stands here and nowhere else.

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from .._net.attempts import Outcome, Wait
from .._net.options import secrets_of
from .._net.text import where
from .._verdicts.causes import Failure, may_pass_later
from .attempts import attempt_all, attempt_first
from .facts import Facts
from .transcript import Transcript

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Generator, List, Mapping, Optional, Sequence, Tuple, Union

    from .._net.attempts import AddressAttempt, Attempt, Shared
    from .._net.dns.evaluations import Answerer
    from .._verdicts.rules import Judged, Rule
    from .probes import Survey, Trial
    from .request import Request
    from .tlsa import DaneFacts

    OnRetry = Callable[[Mapping[str, Any]], None]
    Plan = Generator[Union[Tuple[Attempt, ...], Wait, Shared], Any, "Verdict"]
    DaneLooking = Generator[Shared, Any, Optional[DaneFacts]]
    Dialogues = Mapping[str, Sequence[Transcript]]  # rule -> what was said on each connection that was made for it
    Seen = Tuple[Tuple[Rule, ...], Dialogues, Optional[Survey], Optional[Failure]]
    Looking = Generator[Tuple[Attempt, ...], Any, Seen]

MAX_RETRY_INTERVAL = 30.0
# A relay that says 421, or greylists, counts what comes too soon against the client.
_CUT_SHORT = ("interrupted", "deadline_reached", "not_checked")
_PATIENT = (
    "rate_limited", "mailbox_rate_limited", "sending_limit_reached", "auth_limited", "service_closing", "greylisted",
)  # fmt: skip


class Verdict(NamedTuple):
    """What became of one endpoint: `failure` is None when it passed."""

    request: Request
    outcome: Outcome
    addresses: Tuple[AddressAttempt, ...]  # of all attempts
    rules: Tuple[Rule, ...]
    failure: Optional[Failure]
    survey: Optional[Survey] = None
    dialogues: Dialogues = {}


def verdict_without_facts(request: Request, failure: Failure, now: float) -> Verdict:
    """Return the verdict of an endpoint of which nothing is known."""
    return Verdict(request, Outcome(Facts(Transcript(now)), (), None, None, now, now), (), (), failure)


def check_plan(
    request: Request,
    time_of_day: Callable[[], float],
    answerer: Optional[Answerer] = None,
    on_retry: Optional[OnRetry] = None,
) -> Plan:
    """Check one endpoint, again and again while `retry_for` lasts and a later attempt may pass.

    `answerer`: who answers questions to the DNS, where `request.judging` has resolvers. `on_retry`: who is shown each
    attempt that another one follows.
    """
    give_up = 0.0
    endpoint, actions, judging = request
    pause = judging.retry_interval
    secrets = secrets_of(actions.credentials)
    addresses: List[AddressAttempt] = []
    verdict: Optional[Verdict] = None
    attempt = 0
    while True:
        attempt += 1
        outcome = yield from attempt_first(endpoint, actions, secrets)
        failure = outcome.facts.failure
        if failure is not None and failure.cause == "not_checked":  # the time was up before this attempt's turn
            return verdict or verdict_without_facts(request, failure, outcome.finished)
        give_up = give_up or outcome.started + judging.retry_for  # what it has waited for its turn does not count
        addresses.extend(outcome.addresses)
        outcome.facts.dane = yield from _hold_against_tlsa(request, outcome.facts, answerer)
        rules, dialogues, survey, unseen = yield from _look(request, outcome.facts, time_of_day)
        failure = _judge(outcome.facts, rules) or unseen
        verdict = Verdict(request, outcome, tuple(addresses), rules, failure, survey, dialogues)
        if failure is None or not _may_retry(outcome.facts, failure):
            return verdict
        wait = max(pause, MAX_RETRY_INTERVAL) if failure.cause in _PATIENT else pause
        if outcome.finished + wait > give_up:
            return verdict
        if on_retry is not None:
            why = {"stage": failure.stage, "cause": failure.cause, "text": failure.text}
            on_retry({"relay": where(endpoint.host, endpoint.port), "attempt": attempt, **why, "wait": wait})
        if (yield Wait(outcome.finished + wait)) is None:
            return verdict
        pause = max(pause, min(pause * 2, MAX_RETRY_INTERVAL))


def _hold_against_tlsa(request: Request, facts: Facts, answerer: Optional[Answerer]) -> DaneLooking:
    """Whatever became of the handshake: a chain that was shown can be judged."""
    endpoint, _actions, judging = request
    if not judging.tlsa and answerer is None:
        return None
    from .tlsa import hold_against_found, hold_against_given

    names = list(dict.fromkeys(filter(None, (endpoint.tls_server_name, endpoint.host, judging.next_hop))))
    chain = facts.tls.sent if facts.tls else ()
    if answerer is None:
        return hold_against_given(chain, judging.tlsa, names)
    from .._net.dns.evaluations import evaluate
    from .._net.dns.tlsa import look_up_tlsa

    (found,) = yield from evaluate(answerer, [look_up_tlsa(endpoint.host.rstrip(".").lower(), endpoint.port)])
    return hold_against_found(chain, found, names)


def _look(request: Request, facts: Facts, time_of_day: Callable[[], float]) -> Looking:
    """Judge what is expected. What the facts do not tell is looked for, in attempts of its own, side by side.

    Where one of those was ended from our side, or greylisted, its failure is returned: what was asked for has not been
    seen yet.
    """
    expect = request.judging.expect
    if not expect and not request.judging.survey:
        return (), {}, None, None
    from .._verdicts.rules import evaluate
    from .probes import PROBES, read_survey, refused_versions, survey_follow_up
    from .rules import RULES

    wanted = {} if facts.greeting is None else _trials(request)  # else there is nobody to ask
    found = yield from attempt_all([trial for own in wanted.values() for trial in own], facts.secrets)
    outcomes = iter(found)
    looked: Dict[str, Judged] = {}
    dialogues: Dict[str, Sequence[Transcript]] = {}
    survey = None
    for name, asked in wanted.items():
        own = list(islice(outcomes, len(asked)))
        if name == "survey":
            again = survey_follow_up(request.endpoint, own)
            followed = yield from attempt_all(again, facts.secrets)
            survey, found = read_survey(own, followed), (*found, *followed)
        else:
            looked[name] = PROBES[name].judge(expect[name], own)
            dialogues[name] = [outcome.facts.transcript for outcome in own]
    failures = (outcome.facts.failure for outcome in found)
    cut_short = next((failure for failure in failures if failure and failure.cause in _CUT_SHORT), None)
    facts.refused_versions = refused_versions(request.endpoint, facts, survey)
    rules = evaluate(RULES, expect, facts, looked, time_of_day())
    return rules, dialogues, survey, cut_short or _put_off(looked)


def _put_off(looked: Mapping[str, Judged]) -> Optional[Failure]:
    """Return the greylisting that kept a rule from being judged, such as that of a control recipient."""
    for name, judged in looked.items():
        if judged.failure is not None and judged.failure.cause == "greylisted":
            return judged.failure._replace(rule=name)
    return None


def _trials(request: Request) -> Dict[str, Sequence[Trial]]:
    """Return what is to be tried for each rule that has a probe, and for the survey."""
    from .probes import PROBES, survey_trials

    endpoint, actions, judging = request
    wanted: Dict[str, Sequence[Trial]] = {
        name: PROBES[name].trials(expected, endpoint, actions.sender or "")
        for name, expected in judging.expect.items()
        if name in PROBES
    }
    if judging.survey:
        wanted["survey"] = survey_trials(endpoint)
    return wanted


def _judge(facts: Facts, rules: Sequence[Rule]) -> Optional[Failure]:
    """Return why the check did not pass. A refusal that was expected is none; an unmet rule is one."""
    failure = facts.failure
    if failure is not None and not _was_expected(failure, rules):
        return failure
    for rule in rules:
        if rule.outcome == "unmet":
            return Failure(rule.stage, "rule_unmet", text=rule.text, rule=rule.id)
    return None


def _was_expected(failure: Failure, rules: Sequence[Rule]) -> bool:
    """Return whether the refusal that ended the session is just what was expected at its stage."""
    rule_id = "codes." + failure.stage
    return any(rule.id == rule_id and rule.outcome == "met" and failure.code in rule.expected for rule in rules)


def _may_retry(facts: Facts, failure: Failure) -> bool:
    """A message is sent at most once, and a password is tried once unless the relay asks for another try."""
    if facts.message_begun or facts.message_taken or failure.cause == "deadline_reached":
        return False
    if (facts.auth is not None and not facts.auth.accepted) or failure.stage == "auth":
        return failure.code is not None and 400 <= failure.code < 500 and may_pass_later(failure)
    return may_pass_later(failure)
