# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the collection. From a Verdict to plain data: the one place where records become what users see.

from __future__ import annotations

import datetime
import sys
from typing import TYPE_CHECKING

from . import model
from .capabilities import auth_mechanisms, max_message_size
from .explain import CAUSES, explain_code, hint_of, verdict_of

if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional

    from .plan import Verdict
    from .probes import Survey


def as_report(verdict: Verdict, checked_at: float) -> Dict[str, Any]:
    """Return the report of one endpoint, as the modules document it under RETURN. `checked_at`: time of day."""
    request, outcome, failure = verdict.request, verdict.outcome, verdict.failure
    facts = outcome.facts
    state = verdict_of(failure)
    report: Dict[str, Any] = {
        "changed": would_change(request, facts),
        "msg": "",
        "host": request.host,
        "port": request.port,
        "address": outcome.address or request.connect_to,
        "local_address": outcome.local_address,
        "protocol": request.protocol,
        "checked_at": _iso(checked_at),
        "attempts": [a._replace(seconds=round(a.seconds, 4))._asdict() for a in verdict.addresses],
        "verdict": state,
        "stage": failure.stage if failure else _last_stage(facts),
        "failure": _failure(request, failure) if failure else None,
        "codes": _codes(facts),
        "greeting": _greeting(facts),
        "capabilities": facts.capabilities,
        "capabilities_before_tls": facts.capabilities_before_tls,
        "auth_mechanisms": auth_mechanisms(facts.capabilities),
        "auth_mechanisms_before_tls": auth_mechanisms(facts.capabilities_before_tls),
        "max_message_size": max_message_size(facts.capabilities),
        "tls": _tls(facts.tls, checked_at) if facts.tls else None,
        "survey": _survey(verdict.survey, checked_at) if verdict.survey else None,
        "auth": facts.auth._asdict() if facts.auth else None,
        "extra_replies": [reply._asdict() for reply in facts.extra_replies],
        "recipients": [recipient._asdict() for recipient in facts.recipients],
        "message": facts.message._asdict() if facts.message else None,
        "timings": {
            stage: round(facts.timings[stage], 4) for stage in (*model.STAGES, "total") if stage in facts.timings
        },
        "rules": [rule._asdict() for rule in verdict.rules],
        "transcript": facts.transcript.as_dicts() if _shows_transcript(request, state) else None,
        "engine": engine(),
        "warnings": [*request.warnings, *facts.warnings],
    }
    report["msg"] = sentence(report)
    return report


def would_change(request: model.Request, facts: model.Facts) -> bool:
    """Whether a relay took, or may have taken, a message; in check mode, whether one would have gone out."""
    if request.check_mode and request.send:
        if facts.failure is not None and facts.failure.code in (None, 421):
            return False  # the session ended before it came to that
        accepted = [to.outcome == "accepted" for to in facts.recipients]
        return bool(accepted) and (all(accepted) if request.send_if == "all" else any(accepted))
    unsure = facts.failure is not None and facts.failure.cause == "acceptance_unknown"  # LMTP: of one of several
    refused = facts.message is not None and (facts.message.code or 0) >= 400
    return facts.message_taken or unsure or (facts.message_handed_over and not refused)


def sentence(report: Dict[str, Any]) -> str:
    """Return one sentence for people: the endpoint, the stage, the relay's own words, the next step."""
    where = report["host"] if report["host"].startswith("/") else "%s:%d" % (_bracketed(report["host"]), report["port"])
    failure = report["failure"]
    if failure is None:
        return "%s: passed%s." % (where, _what_was_done(report))
    place = "At %s" % failure["stage"]
    if failure["recipient"]:
        place += " (%s)" % failure["recipient"]
    parts = [where + ": " + CAUSES[failure["cause"]].explanation]
    if failure["code"] is not None:
        parts.append("%s the relay said: %d %s" % (place, failure["code"], " ".join(failure["text"].split("\n"))))
    else:
        parts.append("%s: %s" % (place, failure["text"]) if failure["text"] else place)
    accepted = [to["address"] for to in report["recipients"] if to["outcome"] == "accepted"]
    if report["changed"] and report["message"] and accepted and failure["cause"] != "acceptance_unknown":
        parts.append("The message did go out to " + ", ".join(accepted))
    said = " ".join(part.rstrip(".") + "." for part in parts)
    return "%s Next: %s" % (said, failure["hint"])


def _what_was_done(report: Dict[str, Any]) -> str:
    done = []
    if report["tls"]:
        tls = report["tls"]
        trust = {True: "verified", False: ", ".join(tls["verify_errors"]), None: "certificate not judged"}
        done.append("%s, %s" % (tls["version"], trust[tls["verified"]]))
    if report["auth"] and report["auth"]["accepted"]:
        done.append("signed in by " + report["auth"]["mechanism"])
    message = report["message"]
    if message and report["changed"]:
        done.append("message accepted" + (" as " + message["queue_id"] if message["queue_id"] else ""))
    elif message:
        done.append("message refused, as expected")
    elif report["recipients"]:
        done.append("%d recipient(s) checked, nothing sent" % len(report["recipients"]))
    return " (%s)" % "; ".join(done) if done else ""


def _bracketed(host: str) -> str:
    return "[%s]" % host if ":" in host else host


def _failure(request: model.Request, failure: model.Failure) -> Dict[str, Any]:
    explanation = CAUSES[failure.cause].explanation
    if failure.code is not None:
        explanation += " " + explain_code(failure.code, failure.enhanced_code) + "."
    return {
        "stage": failure.stage,
        "cause": failure.cause,
        "code": failure.code,
        "enhanced_code": failure.enhanced_code,
        "text": failure.text,
        "recipient": failure.recipient,
        "explanation": explanation,
        "hint": hint_of(failure.cause, request.host, request.port),
    }


def _last_stage(facts: model.Facts) -> str:
    """The stage a success rests on: the last that was gone through, QUIT aside."""
    reached = [stage for stage in model.STAGES[:-1] if stage in facts.timings]
    return reached[-1] if reached else facts.stage


def _codes(facts: model.Facts) -> Dict[str, Any]:
    codes: Dict[str, Any] = {stage: facts.codes[stage] for stage in model.STAGES if stage in facts.codes}
    if facts.recipients:
        codes["rcpt"] = {to.address: to.code for to in facts.recipients}
    return codes


def _greeting(facts: model.Facts) -> Optional[Dict[str, Any]]:
    reply = facts.greeting
    if reply is None:
        return None
    words = reply.lines[0].split()
    return {"code": reply.code, "text": reply.text, "hostname": words[0] if words else None}


def _certificates(tls: Optional[model.TlsFacts], now: float) -> Optional[List[Dict[str, Any]]]:
    if tls is None or tls.chain is None:
        return None
    from .certificates import certificate_facts

    return [certificate_facts(certificate, now) for certificate in tls.chain]


def _tls(tls: model.TlsFacts, now: float) -> Dict[str, Any]:
    chain = _certificates(tls, now)
    return {
        "version": tls.version,
        "cipher": tls.cipher,
        "bits": tls.bits,
        "group": tls.group,
        "server_name": tls.server_name,
        "verified": tls.verified,
        "verify_errors": list(tls.verify_errors),
        "certificate": chain[0] if chain else None,
        "chain": chain,
    }


def _survey(survey: Survey, now: float) -> Dict[str, Any]:
    certificates: Dict[str, Any] = {}
    for kind, outcome in survey.leaves.items():
        chain = _certificates(outcome.facts.tls, now) if outcome else None
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


def _shows_transcript(request: model.Request, state: str) -> bool:
    return request.transcript == "always" or (request.transcript == "on_failure" and state != "passed")


def engine() -> Dict[str, str]:
    """Return what did the checking: the same relay may look different to another OpenSSL."""
    import ssl

    return {"version": model.__version__, "python": sys.version.split()[0], "openssl": ssl.OPENSSL_VERSION}


def _iso(moment: float) -> str:
    return datetime.datetime.fromtimestamp(moment, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
