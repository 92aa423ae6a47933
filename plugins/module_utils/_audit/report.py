# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# From one relay's audit to plain data: what smtp_audit documents under RETURN.

from __future__ import annotations

import datetime
from collections import Counter
from typing import TYPE_CHECKING

from .._net.text import counted, where
from .._smtp.report import described
from .._verdicts.causes import Failure, verdict_of
from .._version import engine
from .dialogue import at_stage
from .model import FINDING, INTENSITIES, PASS, UNKNOWN, Cost
from .options import the_options
from .plan import OURS
from .register import PROBES

if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence

    from .model import Probe
    from .options import Wanted
    from .plan import Audit, Probed

SEVERITIES = ("high", "medium", "low", "info")
_FAILS = ("high", "medium")
_NOTHING_SETTLED = "nothing_settled"
_LONGEST = 400  # characters of what was seen
_SHOWN = 3  # unknown probes in a warning
# Behind what was seen: what to give. The command says these options as they are typed.
SETTLED_BY = ". Messages can settle it, with "
_DESCRIBED = ("name", "question", "intensity", "severity", "source", "meaning", "remedy")


def as_report(audit: Audit, checked_at: float) -> Dict[str, Any]:
    """Return the report of an audit. `checked_at` is the time of day."""
    wanted, first = audit.wanted, audit.first
    probes = [_probed(one, "" if audit.ended else _what_settles(wanted, one)) for one in audit.probed]
    grave = _fails(probes)
    failure = audit.ended or (None if grave else _left_unsettled(audit, probes))
    report: Dict[str, Any] = {
        "changed": _changed(audit),
        "msg": "",
        "host": wanted.endpoint.host,
        "port": wanted.endpoint.port,
        "address": first.address if first is not None else None,
        "local_address": first.local_address if first is not None else None,
        "intensity": wanted.intensity,
        "checked_at": datetime.datetime.fromtimestamp(checked_at, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "seconds": _seconds(audit),
        "verdict": "failed" if grave else _verdict(audit, failure),
        "cause": failure.cause if failure else None,
        "failure": described(wanted.endpoint, failure, kind="audit") if failure else None,
        "probes": probes,
        "not_made": [{"name": name, "lacks": options} for name, options in wanted.left_out],
        "not_asked": list(wanted.beyond),
        "plan": plan_of(wanted),
        "summary": _summary(probes),
        "transcript": first.facts.transcript.as_dicts() if first is not None else [],
        "engine": engine(),
    }
    report["msg"], report["warnings"] = _sentence(audit, report), _warnings(audit, report)
    return report


def _changed(audit: Audit) -> bool:
    """Whether a message was taken; in check mode, whether one would be sent."""
    if audit.first is None and audit.ended is None:
        return any(probe.cost.messages for probe in audit.wanted.probes)
    return any(outcome.facts.message_taken for one in audit.probed for outcome in (*one.outcomes, *one.proving))


def _seconds(audit: Audit) -> Optional[float]:
    """Return how long it took from the first connection to the end of the last, pauses included."""
    if audit.first is None:
        return None
    outcomes = [audit.first, *(outcome for one in audit.probed for outcome in (*one.outcomes, *one.proving))]
    return round(max(one.finished for one in outcomes) - min(one.started for one in outcomes), 3)


def plan_of(wanted: Wanted) -> Dict[str, Any]:
    """Return what an audit comes to at most: connections, errors in the relay's log, messages, and its probes."""
    # The first connection, and one more in clear where TLS fails: then what is about TLS is not asked.
    first = Cost(connections=1 if any(probe.about_tls for probe in wanted.probes) else 2)
    costs = [first, *(probe.cost for probe in wanted.probes)]
    total = Cost(*map(sum, zip(*costs)))
    return {**total._asdict(), "probes": [probe.name for probe in wanted.probes if not probe.left_to]}


def listed() -> List[Dict[str, Any]]:
    """Return what is known of each probe, in the order in which they are made."""
    return [_described(probe) for probe in PROBES.values()]


def _described(probe: Probe) -> Dict[str, Any]:
    shown = {name: getattr(probe, name) for name in _DESCRIBED}
    proof = probe.proof and {"needs": list(probe.proof.needs), **probe.proof.cost._asdict()}
    return {**shown, "needs": list(probe.needs), **probe.cost._asdict(), "proof": proof, "left_to": probe.left_to}


def _what_settles(wanted: Wanted, one: Probed) -> str:
    """Return what has to be given for messages to settle what a probe has left open; nothing where none can."""
    proof = PROBES[one.probe.name].proof
    likely = one.judgement.proof == "none"
    if proof is None or one.probe.proof is not None or not (likely or one.judgement.status == UNKNOWN):
        return ""
    failures = (outcome.facts.failure for outcome in one.outcomes)
    if any(failure is not None and failure.recipient is not None for failure in failures):
        return ""  # the control was refused, without which no message is sent either
    lacks = [name for name in proof.needs if not getattr(wanted, name)]
    takes = ([] if wanted.intensity == INTENSITIES[-1] else ["intensity: %s" % INTENSITIES[-1]]) + lacks
    return SETTLED_BY + the_options(takes) if takes else ""


def _probed(one: Probed, hint: str) -> Dict[str, Any]:
    probe, judgement = one.probe, one.judgement
    found = judgement.status == FINDING
    return {
        "name": probe.name,
        "status": judgement.status,
        "text": _line(judgement.text) + hint,
        "severity": (judgement.severity or probe.severity) if found else None,
        "proof": judgement.proof,
        "meaning": probe.meaning if found else "",
        "remedy": probe.remedy if found else "",
        "question": probe.question,
        "intensity": probe.intensity,
        "source": probe.source,
        "left_to": probe.left_to,
        "dialogues": [outcome.facts.transcript.as_dicts() for outcome in (*one.outcomes, *one.proving)],
    }


def _line(text: str) -> str:
    """What was seen, a relay's words in it, on one line that people read; the dialogue has all of it."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[:_LONGEST] + "…"


def _left_unsettled(audit: Audit, probes: Sequence[Dict[str, Any]]) -> Optional[Failure]:
    """Return why an audit that came to its end is none that passed: a control was put off, or nothing was settled."""
    if audit.first is None:
        return None
    for one in audit.probed:
        for outcome in one.outcomes if one.judgement.status == UNKNOWN else ():
            failure: Optional[Failure] = outcome.facts.failure
            if failure is not None and failure.recipient is not None and verdict_of(failure) == "deferred":
                return failure
    if _settled(probes):
        return None
    first = next(("%(name)s: %(text)s" % one for one in probes), "no probe was made")
    return Failure("extra", _NOTHING_SETTLED, text=first)


def _settled(probes: Sequence[Mapping[str, Any]]) -> bool:
    return any(one["status"] != UNKNOWN for one in probes)


def _fails(probes: Sequence[Mapping[str, Any]]) -> bool:
    """Whether there is a grave finding."""
    return any(one["status"] == FINDING and one["severity"] in _FAILS for one in probes)


def _verdict(audit: Audit, failure: Optional[Failure]) -> str:
    """What a check says of such a failure, but that what was ended from our side was not checked.

    A finding that is low or info fails nothing.
    """
    if audit.first is None or (audit.ended and audit.ended.cause in OURS):
        return "not_checked"
    return verdict_of(failure)


def _warnings(audit: Audit, report: Mapping[str, Any]) -> List[str]:
    """A relay that came to its end without a grave finding may have left questions open: that is said aloud."""
    warnings = [*audit.wanted.warnings, *(audit.first.facts.warnings if audit.first is not None else ())]
    open_ = left_open(report)
    if report["verdict"] != "failed" and not audit.ended and open_:
        told = "; ".join("%s: %s" % (one["name"], one["text"]) for one in open_[:_SHOWN])
        more = " (and %d more)" % (len(open_) - _SHOWN) if len(open_) > _SHOWN else ""
        asked = counted(len(open_), "probe") + (" asks" if len(open_) == 1 else " ask")
        warnings.append("Nothing is known of what %s: %s%s." % (asked, told, more))
    lacking: Dict[str, List[str]] = {}
    for one in report["not_made"]:
        lacking.setdefault(the_options(one["lacks"]), []).append(one["name"])
    warnings += ["Not asked for want of %s: %s." % (options, ", ".join(names)) for options, names in lacking.items()]
    return warnings


def left_open(report: Mapping[str, Any]) -> List[Mapping[str, Any]]:
    """Return the probes that settled nothing. What only another program can ask was not tried, and is none of them."""
    return [one for one in report["probes"] if one["status"] == UNKNOWN and not one["left_to"]]


def _summary(probes: Sequence[Dict[str, Any]]) -> Dict[str, Any]:
    """Return how many probes ended how, and the findings by how grave they are."""
    by_status = Counter(one["status"] for one in probes)
    by_severity = Counter(one["severity"] for one in probes if one["status"] == FINDING)
    return {
        "probes": {status: by_status[status] for status in (PASS, FINDING, UNKNOWN)},
        "findings": {severity: by_severity[severity] for severity in SEVERITIES},
    }


def _sentence(audit: Audit, report: Dict[str, Any]) -> str:
    if audit.first is None and audit.ended is None:
        plan = report["plan"]
        text = "%s: check mode: %s, at most %s, %s in the relay's log and %s."
        costs = [counted(plan[one], one[:-1]) for one in ("connections", "errors", "messages")]
        return text % (where(report["host"], report["port"]), counted(len(plan["probes"]), "probe"), *costs)
    return _told_in_full(report)


def _told_in_full(report: Mapping[str, Any]) -> str:
    return " ".join([headline(report), *map(_told, gravest_first(report["probes"])), *beyond([report])])


def with_probes(report: Mapping[str, Any], probes: Sequence[Dict[str, Any]]) -> Dict[str, Any]:
    """Return a report with other probes, and what it says of them. Where they settle something, it says so."""
    other = {**report, "probes": list(probes), "summary": _summary(probes)}
    grave = _fails(probes)
    if (report["cause"] == _NOTHING_SETTLED and _settled(probes)) or (grave and _came_to_its_end(report["failure"])):
        other.update(verdict="passed", cause=None, failure=None)
    if grave:
        other["verdict"] = "failed"
    return {**other, "msg": _told_in_full(other)}


def _came_to_its_end(failure: Optional[Mapping[str, Any]]) -> bool:
    """Whether an audit with this failure was put off by a control, and went on: a 421 would have ended it."""
    return failure is not None and failure["recipient"] is not None and failure["code"] != 421


def beyond(reports: Sequence[Mapping[str, Any]]) -> List[str]:
    """Return what was not asked, for it takes a higher intensity or another program: a sentence for each reason."""
    reasons: Dict[str, Dict[str, None]] = {}
    for report in reports:
        for name in report["not_asked"]:
            reasons.setdefault("Not asked at intensity %s" % report["intensity"], {})[name] = None
    for report in reports:
        for one in report["probes"]:
            if one["status"] == UNKNOWN and one["left_to"]:
                reasons.setdefault("Only %s can ask" % one["left_to"], {})[one["name"]] = None
    return ["%s: %s." % (reason, ", ".join(names)) for reason, names in reasons.items()]


def headline(report: Mapping[str, Any]) -> str:
    """Return what an audit came to, in a sentence: how many findings there are, what passed, what is unknown."""
    by_status, by_severity = report["summary"]["probes"], report["summary"]["findings"]
    found = counted(by_status[FINDING], "finding")
    if by_status[FINDING]:
        found += " (%s)" % ", ".join("%d %s" % (number, name) for name, number in by_severity.items() if number)
    relay = where(report["host"], report["port"])
    not_made = ", %d not made" % len(report["not_made"]) if report["not_made"] else ""
    text = "%s: %s, %d passed, %d unknown%s." % (relay, found, by_status[PASS], by_status[UNKNOWN], not_made)
    failure = report["failure"]
    if failure:
        said = " ".join(filter(None, (str(failure["code"] or ""), " ".join(failure["text"].split()))))
        at = at_stage(failure["stage"])
        text += " It %s%s (%s)" % (how_it_stopped(report), at and "," + at, failure["cause"])
        text += ": %s." % said if said else "."
        text += " %(explanation)s " % failure + next_sentence(failure["hint"])
    return text


def next_sentence(hint: str) -> str:
    """Return the next step as a sentence among others: it may end with where there is more to read."""
    return "Next: " + (hint if hint.endswith(".") else hint + ".")


def how_it_stopped(report: Mapping[str, Any]) -> str:
    """Return how an audit with a cause went, as what is said of it."""
    if report["cause"] == _NOTHING_SETTLED:
        return "settled nothing"
    return "was put off" if report["verdict"] == "deferred" else "ended early"


def gravest_first(probes: Iterable[Mapping[str, Any]]) -> List[Mapping[str, Any]]:
    """Return the findings among what probes came to."""
    return sorted(
        (one for one in probes if one["status"] == FINDING), key=lambda one: SEVERITIES.index(one["severity"])
    )


def _told(one: Mapping[str, Any]) -> str:
    proof = ", likely" if one["proof"] == "none" else ""
    return "%s (%s%s): %s. %s Next: %s" % (
        one["name"], one["severity"], proof, one["text"], one["meaning"], one["remedy"],
    )  # fmt: skip
