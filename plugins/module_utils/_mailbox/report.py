# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# From a search to plain data: the one place where findings become what users see.

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, NamedTuple

from .._net.bounds import Bounds
from .._net.text import counted, cut, where
from .._verdicts.causes import CAUSES, Failure, hint_of, of_a_server, with_more
from .._verdicts.explaining import facts_of
from .._verdicts.rules import MET, UNMET, evaluate, not_judged
from .._version import engine
from .rules import RULES

if TYPE_CHECKING:
    from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

    from .._net.attempts import Broken
    from .._net.text import Secrets
    from .._net.tls.model import TlsFacts
    from .._verdicts.rules import Rule
    from .finding import Finding, Report
    from .model import Session
    from .request import Request, Sent

MAX_NOTICES = 16
_ABOUT_ONE = (
    "found", "mailbox", "junk", "seconds", "arrived_at", "trace", "authentication", "spam", "dkim", "bounce", "notices",
    "rules",
)  # fmt: skip
_NOTHING: Dict[str, Any] = {**dict.fromkeys(_ABOUT_ONE), "notices": [], "rules": []}


class Result(NamedTuple):
    """All that is known when the search is over. `broken`: why the mailbox could not be looked at, if it could not."""

    request: Request
    session: Session
    state: Mapping[str, Any]
    findings: Sequence[Finding]
    broken: Optional[Broken]
    folders: Tuple[str, ...]  # that were looked in
    seconds: float
    deleted: int
    warnings: Sequence[str]
    planned_only: bool = False  # what is told as deleted would be, in check mode


def as_report(result: Result, now: float) -> Dict[str, Any]:
    """Return the report of one wait, as the module documents it under RETURN. `now`: time of day."""
    request, session = result.request, result.session
    failures: List[Optional[Failure]] = []
    messages: List[Dict[str, Any]] = []
    for finding in result.findings:
        rules = evaluate(RULES, request.expect, finding, {}, now) if _is_known(finding, result) else ()
        failures.append(_failure_of(finding, rules, result))
        messages.append(_shown(_message(finding, rules, result.broken), request.secrets))
    if not result.findings and result.broken is not None:
        failures.append(_unreachable(result.broken))
    failure = next(filter(None, failures), None)
    bounds, tls = Bounds(request.secrets), session.tls or getattr(result.broken, "tls", None)
    report: Dict[str, Any] = {
        "changed": bool(result.deleted),
        "msg": "",
        "host": request.host or request.path,
        "port": request.port or None,
        "protocol": request.protocol,
        "address": session.address,
        "checked_at": _iso(now),
        "addresses_tried": [one._replace(seconds=round(one.seconds, 4))._asdict() for one in session.addresses],
        "verdict": _verdict(failure),
        "failure": None if failure is None else _shown(_failure(failure, request), request.secrets),
        "tls": _tls(tls, bounds, now) if tls else None,
        "auth": session.auth and session.auth._asdict(),
        "capabilities": _shown(session.capabilities, request.secrets),
        "folders": _shown(result.folders, request.secrets),
        "mailbox_state": {
            request.secrets.redacted(name): _shown(one, request.secrets) for name, one in result.state.items()
        },
        **({name: messages[0][name] for name in _ABOUT_ONE} if len(messages) == 1 else _NOTHING),
        "messages": messages,
        "deleted": result.deleted,
        "warnings": _shown(
            [*result.warnings, *_about_trust(session), *_about_results(result.findings), *bounds.left_out],
            request.secrets,
        ),
        "engine": engine(),
    }
    if len(messages) > 1:
        found = [one["found"] for one in messages]
        report["found"] = None if None in found else all(found)
    report["msg"] = _sentence(report, result, failures)
    return report


def _is_known(finding: Finding, result: Result) -> bool:
    """Whether it may be judged: what could not be looked for may have arrived, or come back."""
    if result.broken is None or finding.bounce is not None:
        return True
    return finding.message is not None and not result.request.expect.get("bounce")


def _verdict(failure: Optional[Failure]) -> str:
    """A mailbox that could not be looked at is `unreachable`, whatever the cause: whether mail arrived is not known."""
    if failure is None:
        return "passed"
    if failure.cause == "interrupted":
        return "not_checked"
    return "failed" if failure.stage == "find" and failure.cause in _ABOUT_MAIL else "unreachable"


_ABOUT_MAIL = ("mail_not_found", "mail_bounced", "rule_unmet")


def _failure_of(finding: Finding, rules: Sequence[Rule], result: Result) -> Optional[Failure]:
    if not _is_known(finding, result):
        return _unreachable(result.broken) if result.broken else None
    expects_bounce = bool(result.request.expect.get("bounce"))
    if finding.message is None and not expects_bounce:
        if finding.bounce is not None:
            text = finding.bounce.diagnostic_code or finding.bounce.status or "the bounce gives no reason"
            return Failure("find", "mail_bounced", None, finding.bounce.status, text, finding.bounce.final_recipient)
        return Failure("find", "mail_not_found", text=_not_found(finding, result))
    unmet = next((rule for rule in rules if rule.outcome == UNMET), None)
    return None if unmet is None else Failure("find", "rule_unmet", text=unmet.text)


def _unreachable(broken: Broken) -> Failure:
    return Failure(broken.stage or "find", broken.cause, text=broken.text)


def _not_found(finding: Finding, result: Result) -> str:
    text = "nothing with token %s in %s within %.0f s" % (
        finding.wanted.token,
        ", ".join(result.folders) or "the mailbox",
        result.seconds,
    )
    delays = [one.status or "no status" for one in finding.notices if one.kind == "delay"]
    if delays:
        text += "; a server reports that it is delayed (%s)" % delays[-1]
    return text + _sent(result.request.sent)


def _sent(sent: Sent) -> str:
    if sent.relay is None:
        return ""
    text = "; %s took it" % sent.relay
    text += " at %s" % sent.at if sent.at else ""
    return text + (", queue id %s" % sent.queue_id if sent.queue_id else "")


def _message(finding: Finding, rules: Sequence[Rule], broken: Optional[Broken]) -> Dict[str, Any]:
    message = finding.message
    return {
        "token": finding.wanted.token,
        "found": True if message else False if broken is None or finding.bounce else None,
        "mailbox": message and message.folder,
        "junk": finding.junk if message else None,
        "seconds": None if finding.seconds is None else round(finding.seconds, 3),
        "arrived_at": None if message is None or message.arrived is None else _iso(message.arrived),
        "trace": finding.trace and finding.trace.as_dict(),
        "authentication": finding.authentication,
        "spam": finding.spam,
        "dkim": finding.dkim,
        "bounce": finding.bounce and _bounce(finding.bounce, finding.bounce_seconds),
        "notices": [{"kind": one.kind, **one.as_dict()} for one in finding.notices[:MAX_NOTICES]],
        "rules": [rule._asdict() for rule in rules],
    }


def _bounce(bounce: Report, seconds: Optional[float]) -> Dict[str, Any]:
    cause = bounce.cause
    explained = {"explanation": CAUSES[cause].explanation, "hint": hint_of(cause, "the relay", "-")} if cause else {}
    return {**bounce.as_dict(), "seconds": None if seconds is None else round(seconds, 3), **explained}


def _shown(value: Any, secrets: Secrets) -> Any:
    """Return records as plain data, without what a server or a sender repeats of the credentials."""
    if isinstance(value, str):
        return secrets.redacted(value)
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        return {name: _shown(inner, secrets) for name, inner in value.items()}
    return [_shown(inner, secrets) for inner in value] if isinstance(value, (list, tuple)) else value


def _failure(failure: Failure, request: Request) -> Dict[str, Any]:
    hint = hint_of(failure.cause, request.host or request.path, request.port or "-", kind="mailbox")
    return {
        "stage": failure.stage,
        "cause": failure.cause,
        "enhanced_code": failure.enhanced_code,
        "text": cut(failure.text),
        "recipient": failure.recipient,
        "facts": facts_of(failure),
        "explanation": of_a_server(CAUSES[failure.cause].explanation),
        "hint": with_more(hint, failure.cause),
    }


def _tls(tls: TlsFacts, bounds: Bounds, now: float) -> Dict[str, Any]:
    from .._net.tls.report import tls_report

    return tls_report(tls, bounds, now)


def _about_trust(session: Session) -> List[str]:
    """`validate_certs: false` says that a certificate stops nothing; whoever wrote it may not think of credentials."""
    if session.auth is None or session.tls is None or session.tls.verified:
        return []
    why = ", ".join(session.tls.verify_errors) or "it could not be judged"
    return ["The credentials went to a server whose certificate was not verified (%s): validate_certs is false." % why]


def _about_results(findings: Sequence[Finding]) -> List[str]:
    """Say once what nobody can tell of results that are told as the receiver's."""
    told = [one.authentication for one in findings if one.authentication is not None]
    doubts = dict.fromkeys(one.reason for one in told if one.state == "present" and one.reason)
    return [doubt[:1].upper() + doubt[1:] + "." for doubt in doubts]


# One sentence for people


def _sentence(report: Dict[str, Any], result: Result, failures: Sequence[Optional[Failure]]) -> str:
    server = where(report["host"], report["port"])
    failure = report["failure"]
    deleted = _deleted(result)
    if failure is not None:
        parts = ["%s: %s" % (server, failure["explanation"])]
        if len(failures) > 1:
            parts.append("Not as expected: %d of %d messages" % (sum(map(bool, failures)), len(failures)))
        parts.append(failure["text"][:1].upper() + failure["text"][1:])
        parts.append(_bounced(report["bounce"]))
        parts.append(deleted[:1].upper() + deleted[1:])
        said = " ".join(part.rstrip(".") + "." for part in parts if part)
        return "%s Next: %s" % (said, failure["hint"])
    if not result.findings:
        return "%s: the state of %s is noted." % (server, ", ".join(report["mailbox_state"]))
    if len(result.findings) > 1:
        longest = max((one["seconds"] or 0 for one in report["messages"]), default=0)
        said = "all of %d messages arrived, the last after %.1f s" % (len(result.findings), longest)
    elif not report["found"]:
        said = "the bounce came back as expected%s" % _status(report["bounce"])
    else:
        said = _arrived(report)
    return "%s: %s." % (server, "; ".join(filter(None, (said, deleted))))


def _deleted(result: Result) -> str:
    """Say what was deleted, or in check mode would be; nothing where nothing was asked for."""
    if not result.request.delete and result.request.delete_older_than is None:
        return ""
    some = counted(result.deleted, "message")
    return (
        "%s would be deleted" % some if result.planned_only else "%s deleted" % (some if result.deleted else "nothing")
    )


def _bounced(bounce: Optional[Mapping[str, Any]]) -> str:
    return bounce["explanation"] if bounce and bounce.get("explanation") else ""


def _status(bounce: Optional[Mapping[str, Any]]) -> str:
    return " (%s)" % bounce["status"] if bounce and bounce["status"] else ""


def _arrived(report: Mapping[str, Any]) -> str:
    trace = report["trace"]
    folder = "%s%s" % (report["mailbox"], " (the folder for spam)" if report["junk"] else "")
    text = "arrived in %s after %.1f s over %s" % (folder, report["seconds"], counted(len(trace["hops"]), "hop"))
    encrypted = {True: "all encrypted", False: "not all encrypted", None: "encryption not told by all"}
    parts = [text, encrypted[trace["encrypted"]]] if trace["hops"] else [text]
    if report["dkim"]["state"] == "present":
        parts.append("DKIM valid" if report["dkim"]["valid"] else "DKIM not valid (%s)" % report["dkim"]["reason"])
    unknown = len(not_judged(report["rules"]))
    met = sum(rule["outcome"] == MET for rule in report["rules"])
    if report["rules"]:
        parts.append("%s met" % counted(met, "expectation") + (", %d could not be judged" % unknown if unknown else ""))
    return ", ".join(parts)


def _iso(moment: float) -> str:
    return datetime.datetime.fromtimestamp(moment, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
