# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# From a Verdict to plain data: the one place where records become what users see.

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from .._net.bounds import MAX_ITEMS, Bounds
from .._net.text import counted, cut, where
from .._verdicts.causes import CAUSES, hint_of, verdict_of, with_more
from .._verdicts.rules import UNKNOWN, UNMET, not_judged
from .._version import engine
from .capabilities import MAX_PARAMETERS, auth_mechanisms, max_message_size, within
from .facts import STAGES
from .replies import is_success

if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Sequence

    from .._net.attempts import AddressAttempt
    from .._net.tls.model import TlsFacts
    from .._verdicts.causes import Failure, Kind
    from .._verdicts.rules import Rule
    from .actions import Actions
    from .capabilities import Capabilities
    from .endpoint import Endpoint
    from .facts import Facts
    from .plan import Verdict
    from .probes import Survey
    from .request import Judging
    from .tlsa import DaneFacts


_SLOW_SECONDS = 5.0
# Refusals that a sign-in may spare: ports for submission say so in many ways.
_PERHAPS_UNSIGNED = (
    "client_refused", "client_blocked", "relay_denied", "recipient_rejected", "sender_rejected", "policy_rejected",
)  # fmt: skip


def as_report(verdict: Verdict, checked_at: float) -> Dict[str, Any]:
    """Return the report of one endpoint, as the modules document it under RETURN. `checked_at`: time of day."""
    (endpoint, actions, judging), outcome, failure = verdict.request, verdict.outcome, verdict.failure
    facts = outcome.facts
    bounds = Bounds(facts.secrets)
    state = verdict_of(failure)
    shows = _shows_transcript(judging, state)
    report: Dict[str, Any] = {
        "changed": would_change(actions, facts),
        "msg": "",
        "host": endpoint.host,
        "port": endpoint.port,
        "address": outcome.address or endpoint.connect_to,
        "local_address": outcome.local_address,
        "protocol": endpoint.protocol,
        "checked_at": _iso(checked_at),
        "addresses_tried": [_attempt(one) for one in bounds.first("addresses_tried", verdict.addresses, MAX_ITEMS)],
        "verdict": state,
        "stage": failure.stage if failure else _last_stage(facts),
        "failure": _failure(endpoint, failure, facts, verdict.rules) if failure else None,
        "codes": _codes(facts),
        "greeting": _greeting(facts),
        "capabilities": within(bounds, "capabilities", facts.capabilities),
        "capabilities_before_tls": within(bounds, "capabilities_before_tls", facts.capabilities_before_tls),
        "auth_mechanisms": _mechanisms(facts.capabilities),
        "auth_mechanisms_before_tls": _mechanisms(facts.capabilities_before_tls),
        "max_message_size": max_message_size(facts.capabilities),
        "tls": _tls(facts.tls, facts.dane, bounds, checked_at) if facts.tls else None,
        "survey": _survey(verdict.survey, bounds, checked_at) if verdict.survey else None,
        "auth": facts.auth._asdict() if facts.auth else None,
        "sender": actions.sender,
        "extra_replies": [reply._asdict() for reply in facts.extra_replies],
        "recipients": [recipient._asdict() for recipient in facts.recipients],
        "message": facts.message._asdict() if facts.message else None,
        "timings": {stage: round(facts.timings[stage], 4) for stage in (*STAGES, "total") if stage in facts.timings},
        "rules": [_rule(rule, bounds) for rule in verdict.rules],
        "transcript": facts.transcript.as_dicts() if shows else None,
        "rule_transcripts": _dialogues(verdict) if shows else None,
        "engine": engine(),
    }
    report["attempts"] = report["addresses_tried"]  # the name up to 0.1.0, which a task with `until` overwrites
    passed = [] if failure else [*_slow_answers(facts), *_unjudged(report)]
    report["warnings"] = [*judging.warnings, *facts.warnings, *passed, *bounds.left_out]
    report["msg"] = sentence(report)
    return report


def _slow_answers(facts: Facts) -> List[str]:
    """What a relay that passes took long for."""
    slow = [(stage, facts.timings[stage]) for stage in STAGES if facts.timings.get(stage, 0) > _SLOW_SECONDS]
    return ["%s took %.1f s." % one for one in slow if one[0] not in ("message", "quit")]


def _unjudged(report: Dict[str, Any]) -> List[str]:
    """Which rules it is not known of whether a relay that passes keeps them."""
    return ["%s: %s." % (rule["id"], rule["text"]) for rule in report["rules"] if rule["outcome"] == UNKNOWN]


def would_change(actions: Actions, facts: Facts) -> bool:
    """Whether a relay took, or may have taken, a message; in check mode, whether one would have gone out."""
    if actions.check_mode:
        return facts.would_send
    unsure = facts.failure is not None and facts.failure.cause == "acceptance_unknown"  # LMTP: of one of several
    refused = facts.message is not None and 400 <= (facts.message.code or 0) < 600  # RFC 5321 4.2.1 knows no others
    return facts.message_taken or unsure or (facts.message_handed_over and not refused)


def sentence(report: Dict[str, Any]) -> str:
    """Return one sentence for people: the endpoint, the stage, the relay's own words, the next step."""
    relay = where(report["host"], report["port"])
    failure = report["failure"]
    if failure is None:
        return "%s: passed%s%s." % (relay, _what_is_left(report), _what_was_done(report))
    place = "At %s" % failure["stage"]
    if failure["recipient"]:
        control = ", asked for the rule %s" % failure["rule"] if failure["rule"] else ""
        place += " (%s%s)" % (failure["recipient"], control)
    parts = [relay + ": " + CAUSES[failure["cause"]].explanation]
    if failure["code"] is not None:
        parts.append("%s the relay said: %d %s" % (place, failure["code"], " ".join(failure["text"].split("\n"))))
    else:
        parts.append("%s: %s" % (place, failure["text"]) if failure["text"] else place)
    accepted = [to["address"] for to in report["recipients"] if to["outcome"] == "accepted"]
    shifted = failure["stage"] == "quit" and failure["code"] is not None  # one reply too many
    if accepted and _taken(report) and not shifted and failure["cause"] != "acceptance_unknown":
        parts.append("The message did go out to " + ", ".join(accepted))
    said = " ".join(part.rstrip(".") + "." for part in parts)
    return "%s Next: %s" % (said, failure["hint"])


def _what_is_left(report: Dict[str, Any]) -> str:
    unknown = len(not_judged(report["rules"]))
    return ", %s not judged" % counted(unknown, "rule") if unknown else ""


def _what_was_done(report: Dict[str, Any]) -> str:
    done = []
    if report["tls"]:
        tls = report["tls"]
        trust = {True: "verified", False: ", ".join(tls["verify_errors"]), None: "certificate not judged"}
        done.append("%s, %s" % (tls["version"], trust[tls["verified"]]))
    if report["auth"] and report["auth"]["accepted"]:
        done.append("signed in by " + report["auth"]["mechanism"])
    message = report["message"]
    if message and _taken(report):
        done.append("message accepted" + (" as " + message["queue_id"] if message["queue_id"] else ""))
    elif message:
        done.append("message not accepted, as expected")
    elif report["recipients"]:
        done.append("%s checked, nothing sent" % counted(len(report["recipients"]), "recipient"))
    return " (%s)" % "; ".join(done) if done else ""


def _taken(report: Dict[str, Any]) -> bool:
    """Whether the relay has said that it took the message; over LMTP the recipients tell, each by its own reply."""
    message = report["message"]
    if not message or not report["changed"]:
        return False
    return report["protocol"] == "lmtp" or is_success("message", message["code"])


def _failure(endpoint: Endpoint, failure: Failure, facts: Facts, rules: Sequence[Rule]) -> Dict[str, Any]:
    seen_besides = _about_rule(failure), _about_dane(failure, facts), _about_signing_in(failure, facts)
    return {**described(endpoint, failure, *seen_besides), **_mended_by(failure, rules)}


def described(endpoint: Endpoint, failure: Failure, *seen_besides: str, kind: Kind = "check") -> Dict[str, Any]:
    """Return what kept a check from passing, or from its end, as users see it."""
    from .._verdicts.explaining import explanation_of, facts_of

    return {
        "stage": failure.stage,
        "cause": failure.cause,
        "code": failure.code,
        "enhanced_code": failure.enhanced_code,
        "text": failure.text,
        "recipient": failure.recipient,
        "rule": failure.rule,
        "facts": facts_of(failure),
        "explanation": " ".join(filter(None, (*seen_besides, explanation_of(failure)))),
        "hint": with_more(hint_of(failure.cause, endpoint.host, endpoint.port, kind=kind), failure.cause),
    }


def _mended_by(failure: Failure, rules: Sequence[Rule]) -> Dict[str, str]:
    """Where a rule is unmet, the next step is what mends it; and which others there are."""
    if failure.cause != "rule_unmet":
        return {}
    unmet = [rule for rule in rules if rule.outcome == UNMET]
    more = " Unmet besides: %s." % ", ".join(rule.id for rule in unmet[1:]) if unmet[1:] else ""
    return {"hint": unmet[0].remedy + more}


def _about_rule(failure: Failure) -> str:
    if failure.rule is None or failure.cause == "rule_unmet":
        return ""
    return "A connection for the rule %s met with this, and the rule could not be judged." % failure.rule


def _about_signing_in(failure: Failure, facts: Facts) -> str:
    """What the session shows of signing in that the refusal does not say."""
    offered = auth_mechanisms(facts.capabilities) or []
    if failure.stage in ("mail", "rcpt") and offered and facts.auth is None and failure.code is not None:
        if failure.cause in _PERHAPS_UNSIGNED:
            return "Nobody had signed in, which the relay offers here."
    if failure.cause == "auth_not_offered" and any(name.startswith("X-EXPS") for name in facts.capabilities or ()):
        return "X-EXPS, which the relay offers, is how Exchange servers sign in to each other: no client can use it."
    if failure.cause in ("auth_rejected", "auth_mechanism_refused") and facts.auth and facts.auth.mechanism:
        others = [name for name in offered if name != facts.auth.mechanism]
        return "%s was tried; also offered: %s." % (facts.auth.mechanism, ", ".join(others) or "nothing")
    return ""


def _about_dane(failure: Failure, facts: Facts) -> str:
    """What public authorities do not vouch for may be vouched for by the DNS."""
    if failure.cause.startswith("certificate_") and facts.dane is not None and facts.dane.verdict.outcome == "met":
        return "The TLSA records name this certificate: senders that do DANE accept it, as validate_certs=false would."
    return ""


def _last_stage(facts: Facts) -> str:
    """The stage a success rests on: the last that was gone through, QUIT aside."""
    reached = [stage for stage in STAGES[:-1] if stage in facts.timings]
    return reached[-1] if reached else facts.stage


def _codes(facts: Facts) -> Dict[str, Any]:
    codes: Dict[str, Any] = {stage: facts.codes[stage] for stage in STAGES if stage in facts.codes}
    if facts.recipients:
        codes["rcpt"] = {to.address: to.code for to in facts.recipients}
    return codes


def _greeting(facts: Facts) -> Optional[Dict[str, Any]]:
    reply = facts.greeting
    if reply is None:
        return None
    words = [word for word in reply.lines[0].split() if word != reply.enhanced_code]
    name = words[0].rstrip(",;") if words else ""
    return {"code": reply.code, "text": reply.text, "hostname": cut(name) or None}


def _mechanisms(capabilities: Optional[Capabilities]) -> Optional[List[str]]:
    """Return as many of the mechanisms as of any keyword's parameters; that some were left out is said there."""
    offered = auth_mechanisms(capabilities)
    return offered and offered[:MAX_PARAMETERS]


def _dane(dane: DaneFacts, bounds: Bounds) -> Dict[str, Any]:
    verdict, found = dane
    facts: Dict[str, Any] = {
        "outcome": verdict.outcome,
        "reason": verdict.reason,
        "state": found.state if found else "given",
        "dnssec": found.dnssec if found else None,
        "base_domain": found.base_domain if found else None,
        "records": [
            {**one.record._asdict(), "data": one.record.data.hex(), "outcome": one.outcome, "reason": one.reason}
            for one in verdict.records
        ],
    }
    shown: Dict[str, Any] = bounds.plain("dane", facts)
    return shown


def _tls(tls: TlsFacts, dane: Optional[DaneFacts], bounds: Bounds, now: float) -> Dict[str, Any]:
    from .._net.tls.report import tls_report

    return {**tls_report(tls, bounds, now), "dane": _dane(dane, bounds) if dane else None}


def _survey(survey: Survey, bounds: Bounds, now: float) -> Dict[str, Any]:
    from .._net.tls.report import chain_report

    certificates: Dict[str, Any] = {}
    for kind, outcome in survey.leaves.items():
        chain = chain_report(outcome.facts.tls, bounds, now) if outcome else None
        certificates[kind] = chain[0] if chain else None
    return {
        "versions": survey.versions,
        "ciphers": {
            version: {"cipher": found[0], "group": found[1]} if found else None
            for version, found in survey.ciphers.items()
        },
        "certificates": certificates,
        "cipher_order": survey.cipher_order,
    }


def _attempt(tried: AddressAttempt) -> Dict[str, Any]:
    return dict(tried._asdict(), seconds=round(tried.seconds, 4))


def _rule(rule: Rule, bounds: Bounds) -> Dict[str, Any]:
    """What is expected is the caller's, whatever its length."""
    observed, text = (bounds.plain(rule.id, value) for value in (rule.observed, rule.text))
    return rule._replace(observed=observed, text=text)._asdict()


def _dialogues(verdict: Verdict) -> Dict[str, Any]:
    return {name: [one.as_dicts() for one in transcripts] for name, transcripts in verdict.dialogues.items()}


def _shows_transcript(judging: Judging, state: str) -> bool:
    return judging.transcript == "always" or (judging.transcript == "on_failure" and state != "passed")


def _iso(moment: float) -> str:
    return datetime.datetime.fromtimestamp(moment, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
