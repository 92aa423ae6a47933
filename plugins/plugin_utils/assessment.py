# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection. From the result of a module to an assessment: what all reports are made from.
#
# Every relay gets a row of rules; the first, `check`, is whether the check itself went as asked. A breach for which a
# waiver holds is told as waived; a waiver that has run out is a finding of its own. The assessment is plain data: the
# JSON report is this and nothing else, and drift is the difference between two of them.

from __future__ import annotations

import datetime
import fnmatch
import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils.profiles import PROFILES, SEVERITIES, rules_of

if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence

VERDICTS = ("passed", "deferred", "failed", "unreachable", "not_checked")
OUTCOMES = ("met", "unmet", "unknown", "waived")
FORMAT = "postmaster.mailcheck assessment 1"
CHECK = "check"  # the rule that stands for the check itself
# What differs from run to run though nothing has changed: left out of the form that is to be compared.
_VOLATILE = ("checked_at", "seconds", "msg", "address", "greeting", "transcript", "warnings", "message", "days_left")
_VOLATILE_RULES = ("certificate_days_left", "max_seconds", "greeting_matches", CHECK)


class AssessmentError(Exception):
    """What is wrong with what an assessment was to be made from."""


class Waiver(NamedTuple):
    """One accepted breach: `rule` and `endpoint` are patterns (`*`, `?`)."""

    rule: str
    endpoint: str
    reason: str
    owner: str
    expires: datetime.date  # the last day that it holds


def assess(
    result: Mapping[str, Any],
    profile: Optional[Mapping[str, Any]] = None,
    waivers: Iterable[Any] = (),
    previous: Optional[Mapping[str, Any]] = None,
    title: str = "Mail relays",
    today: Any = None,
) -> Dict[str, Any]:
    """Return the assessment of a result of smtp_sweep, or of smtp_check.

    `profile`: what load_profiles() returned, for where rules come from and how grave their breach is; `waivers`:
    dictionaries with the fields of Waiver; `previous`: the last run's assessment, for `changes`; `today`: the day that
    decides whether a waiver holds (UTC). Raises AssessmentError; ProfileError for relays with profiles of their own.
    """
    if result.get("format") == FORMAT:
        return dict(result)
    day = _day("today", today) if today else datetime.datetime.now(datetime.timezone.utc).date()
    listed = [_waiver(index, given) for index, given in enumerate(waivers)]
    about = (profile or {}).get("rules") or {}
    certificates = dict(result.get("certificates") or {})
    endpoints = [_endpoint(report, about, certificates) for report in _reports(result)]
    _name_apart(endpoints)
    used = _waive(endpoints, listed, day)
    for endpoint in endpoints:
        endpoint["assessment"] = _worst(endpoint["rules"])
    told = [
        {**one._asdict(), "expires": one.expires.isoformat(), "state": _state(one, day, index in used)}
        for index, one in enumerate(listed)
    ]
    assessment: Dict[str, Any] = {
        "format": FORMAT,
        "title": title,
        "checked_at": max((one["checked_at"] for one in endpoints if one["checked_at"]), default=None),
        "profiles": list((profile or {}).get("profiles") or ()),
        "summary": _summary(endpoints, told),
        "endpoints": endpoints,
        "certificates": certificates,
        "waivers": told,
        "changes": None,
    }
    if previous:
        assessment["changes"] = drift(previous, assessment)
    return assessment


# Relays


def _reports(result: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    if isinstance(result.get("endpoints"), (list, tuple)):
        return result["endpoints"]  # type: ignore[no-any-return]
    if "verdict" in result:
        return [result]
    text = "this is no result of smtp_sweep or smtp_check: it has neither endpoints nor a verdict"
    raise AssessmentError("%s (%s)" % (text, result["msg"]) if result.get("msg") else text)


def _endpoint(report: Mapping[str, Any], about: Mapping[str, Any], certificates: Dict[str, Any]) -> Dict[str, Any]:
    tls = report.get("tls") or {}
    leaf = tls.get("certificate")
    if isinstance(leaf, dict):  # smtp_check's own form
        certificates[leaf["sha256_fingerprint"]] = leaf
        leaf = leaf["sha256_fingerprint"]
    certificate = certificates.get(str(leaf)) or {}
    failure = report.get("failure") or {}
    labels = report.get("labels") or {}
    if PROFILES in labels:  # what with_profiles() wrote there
        about = rules_of(labels[PROFILES].split(", "))
    timings = report.get("timings") or {}
    return {
        "id": "",
        "name": str(report.get("name") or report["host"]),
        "host": report["host"],
        "port": report["port"],
        "address": report.get("address"),
        "labels": labels,
        "verdict": report["verdict"],
        "assessment": "met",
        "stage": report.get("stage"),
        "cause": failure.get("cause"),
        "code": failure.get("code"),
        "msg": report.get("msg") or "",
        "tls": {key: tls.get(key) for key in ("version", "cipher", "verified")} if tls else None,
        "certificate": leaf,
        "not_after": certificate.get("not_after"),
        "days_left": certificate.get("days_left", tls.get("days_left")),
        "checked_at": report.get("checked_at"),
        "seconds": report["seconds"] if "seconds" in report else timings.get("total"),
        "rules": [_check_rule(report, failure), *(_rule(rule, about) for rule in report.get("rules") or ())],
        "message": report.get("message"),
        "greeting": (report.get("greeting") or {}).get("text"),
        "transcript": report.get("transcript"),
    }


def _check_rule(report: Mapping[str, Any], failure: Mapping[str, Any]) -> Dict[str, Any]:
    """Whether the check went as asked; an unmet rule is its own finding, and none of the check's."""
    fine = report["verdict"] == "passed" or failure.get("cause") == "rule_unmet"
    return {
        "id": CHECK,
        "outcome": "met" if fine else "unmet",
        "severity": "medium" if report["verdict"] == "deferred" else "high",
        "expected": "passed",
        "observed": "passed" if fine else failure.get("cause") or report["verdict"],
        "text": "the check succeeds" + ("" if fine else "; observed: %s" % _what_happened(report, failure)),
        "remedy": failure.get("hint") or "" if not fine else "",
    }


def _what_happened(report: Mapping[str, Any], failure: Mapping[str, Any]) -> str:
    words = [str(failure.get("cause") or report["verdict"])]
    if failure.get("stage"):
        words.append("at %s" % failure["stage"])
    said = " ".join(str(failure[part]) for part in ("code", "text") if failure.get(part))
    return " ".join(words) + (": " + said if said else "")


def _rule(rule: Mapping[str, Any], about: Mapping[str, Any]) -> Dict[str, Any]:
    source = about.get(rule["id"].partition(".")[0])
    return {**rule, **source} if source else dict(rule)


def _name_apart(endpoints: Sequence[Dict[str, Any]]) -> None:
    """Give each row a name of its own that is the same in the next run: with the port, if needed the address."""
    for endpoint in endpoints:
        name, port = endpoint["name"], endpoint["port"]
        named = name.startswith("/") or re.search(r"^[^:]+:%s$|\]:%s$" % (port, port), name)
        endpoint["id"] = name if named else "%s:%s" % ("[%s]" % name if ":" in name else name, port)
    seen: Counter[str] = Counter(endpoint["id"] for endpoint in endpoints)
    for endpoint in endpoints:
        if seen[endpoint["id"]] > 1 and endpoint["address"]:
            endpoint["id"] += " (%s)" % endpoint["address"]
    seen.clear()
    for endpoint in endpoints:
        seen[endpoint["id"]] += 1
        if seen[endpoint["id"]] > 1:
            endpoint["id"] += " #%d" % seen[endpoint["id"]]


# Waivers


def _waiver(index: int, given: Any) -> Waiver:
    where = "waivers[%d]" % index
    if not isinstance(given, dict):
        raise AssessmentError("%s: must be a dictionary of %s" % (where, ", ".join(Waiver._fields)))
    for name in given:
        if name not in Waiver._fields:
            raise AssessmentError("%s.%s: is not known. Known: %s" % (where, name, ", ".join(Waiver._fields)))
    for name in Waiver._fields:
        if not given.get(name):
            raise AssessmentError(
                "%s.%s: is needed: a waiver says what, where, why, whose and until when" % (where, name)
            )
    fields = {name: str(given[name]) for name in Waiver._fields[:-1]}
    return Waiver(expires=_day(where + ".expires", given["expires"]), **fields)


def _day(where: str, given: Any) -> datetime.date:
    if isinstance(given, datetime.datetime):
        return given.date()
    if isinstance(given, datetime.date):
        return given
    try:
        return datetime.date.fromisoformat(str(given)[:10])
    except ValueError:
        raise AssessmentError("%s: '%s' is no day, such as 2026-12-31" % (where, given)) from None


def _fits(name: str, pattern: str) -> bool:
    """Brackets stand for themselves: they are how an IPv6 address is written."""
    return fnmatch.fnmatchcase(name, pattern.replace("[", "[[]"))


def _state(waiver: Waiver, day: datetime.date, used: bool) -> str:
    if waiver.expires < day:
        return "expired"
    return "active" if used else "unused"


def _waive(endpoints: Iterable[Dict[str, Any]], waivers: Sequence[Waiver], day: datetime.date) -> set[int]:
    """Turn breaches for which a waiver holds into waived ones; return the indexes of the waivers that did so."""
    used = set()
    for endpoint in endpoints if waivers else ():
        names = {endpoint["id"], endpoint["name"], endpoint["host"], "%s:%s" % (endpoint["host"], endpoint["port"])}
        here = [index for index, waiver in enumerate(waivers) if any(_fits(name, waiver.endpoint) for name in names)]
        for rule in endpoint["rules"] if here else ():
            if rule["outcome"] != "unmet":
                continue
            called = [rule["id"]] + (["check.%s" % rule["observed"]] if rule["id"] == CHECK else [])
            for index in here:
                waiver = waivers[index]
                if not any(_fits(name, waiver.rule) for name in called):
                    continue
                told = {"reason": waiver.reason, "owner": waiver.owner, "expires": waiver.expires.isoformat()}
                if waiver.expires >= day:
                    rule.update(outcome="waived", waiver=told)
                    rule.pop("expired_waiver", None)
                    used.add(index)
                    break
                rule["expired_waiver"] = told
    return used


# The whole


def _worst(rules: Sequence[Mapping[str, Any]]) -> str:
    """What one relay comes to: one breach makes it unmet, one waiver waived, else what is unknown shows."""
    outcomes = {rule["outcome"] for rule in rules}
    return next((one for one in ("unmet", "waived", "unknown") if one in outcomes), "met")


def _summary(endpoints: Sequence[Mapping[str, Any]], waivers: Sequence[Mapping[str, Any]]) -> Dict[str, Any]:
    verdicts = Counter(endpoint["verdict"] for endpoint in endpoints)
    rules = [rule for endpoint in endpoints for rule in endpoint["rules"]]
    outcomes = Counter(rule["outcome"] for rule in rules)
    findings = Counter(rule["severity"] for rule in rules if rule["outcome"] == "unmet")
    expired = sum(waiver["state"] == "expired" for waiver in waivers)
    findings["medium"] += expired
    return {
        "endpoints": len(endpoints),
        "verdicts": {verdict: verdicts[verdict] for verdict in VERDICTS},
        "rules": {outcome: outcomes[outcome] for outcome in OUTCOMES},
        "findings": {severity: findings[severity] for severity in reversed(SEVERITIES)},
        "expired_waivers": expired,
    }


def findings(assessment: Mapping[str, Any], least: str = "low") -> Iterator[Dict[str, Any]]:
    """Yield every finding down to a severity, the gravest first: what is unmet, and every waiver that has run out."""
    if least not in SEVERITIES:
        raise AssessmentError("severity: must be one of %s" % ", ".join(SEVERITIES))
    for severity in reversed(SEVERITIES[SEVERITIES.index(least) :]):
        for endpoint in assessment["endpoints"]:
            for rule in endpoint["rules"]:
                if rule["outcome"] == "unmet" and rule["severity"] == severity:
                    yield {"endpoint": endpoint["id"], "rule": rule["id"], **rule}
        for waiver in assessment["waivers"] if severity == "medium" else ():
            if waiver["state"] == "expired":
                yield {
                    "endpoint": waiver["endpoint"],
                    "rule": waiver["rule"],
                    "severity": severity,
                    "text": "a waiver has expired on %(expires)s (%(owner)s: %(reason)s)" % waiver,
                    "remedy": "Mend what it excused, or agree on a new date.",
                }


def stable_form(assessment: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the assessment without what changes with every run: equal states give equal text."""
    endpoints = []
    for endpoint in sorted(assessment["endpoints"], key=lambda one: str(one["id"])):
        kept = {name: value for name, value in endpoint.items() if name not in _VOLATILE}
        kept["rules"] = [_stable_rule(rule) for rule in sorted(endpoint["rules"], key=lambda one: str(one["id"]))]
        endpoints.append(kept)
    certificates = {
        name: {key: value for key, value in facts.items() if key != "days_left"}
        for name, facts in sorted(assessment["certificates"].items())
    }
    told = {name: value for name, value in assessment.items() if name not in ("checked_at", "changes")}
    return {**told, "endpoints": endpoints, "certificates": certificates}


def _stable_rule(rule: Mapping[str, Any]) -> Dict[str, Any]:
    """The sentence repeats what was observed, and a remedy may repeat the relay's own words."""
    left_out = ["text", "remedy"]
    if rule["id"] in _VOLATILE_RULES and rule["id"] != CHECK:
        left_out.append("observed")
    return {name: value for name, value in rule.items() if name not in left_out}


# Drift


def drift(before: Mapping[str, Any], now: Mapping[str, Any]) -> List[Dict[str, Any]]:
    """Return what changed between two assessments: `endpoint`, `what`, `before`, `now`; the relays in today's order."""
    for given in (before, now):
        if given.get("format") != FORMAT:
            raise AssessmentError("the last run's report was not written by this version: move it away to start anew")
    old = {endpoint["id"]: endpoint for endpoint in before["endpoints"]}
    changes: List[Dict[str, Any]] = []
    for endpoint in now["endpoints"]:
        previous = old.pop(endpoint["id"], None)
        if previous is None:
            changes.append(_change(endpoint["id"], "endpoint", None, endpoint["verdict"]))
        else:
            changes.extend(_changes(previous, endpoint))
    changes.extend(_change(name, "endpoint", gone["verdict"], None) for name, gone in old.items())
    states = [{_waiver_name(waiver): waiver["state"] for waiver in given["waivers"]} for given in (before, now)]
    for name in sorted({*states[0], *states[1]}):
        if states[0].get(name) != states[1].get(name):
            changes.append(_change(name[1], "waiver of %s" % name[0], states[0].get(name), states[1].get(name)))
    return changes


def _waiver_name(waiver: Mapping[str, Any]) -> tuple[str, str]:
    return str(waiver["rule"]), str(waiver["endpoint"])


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Dict[str, Any]]:
    for what in ("verdict", "cause", "code"):
        if before[what] != now[what]:
            yield _change(now["id"], what, before[what], now[what])
    versions = [(given["tls"] or {}).get("version") for given in (before, now)]
    if versions[0] != versions[1]:
        yield _change(now["id"], "TLS version", *versions)
    if before["certificate"] != now["certificate"]:
        yield _change(now["id"], "certificate", *(_certificate(given) for given in (before, now)))
    outcomes = [{rule["id"]: rule["outcome"] for rule in given["rules"]} for given in (before, now)]
    for name in {**outcomes[1], **outcomes[0]}:
        if outcomes[0].get(name) != outcomes[1].get(name):
            yield _change(now["id"], "rule %s" % name, outcomes[0].get(name), outcomes[1].get(name))


def _certificate(endpoint: Mapping[str, Any]) -> Optional[str]:
    if not endpoint["certificate"]:
        return None
    return "%s…, until %s" % (endpoint["certificate"][:16], (endpoint["not_after"] or "?")[:10])


def _change(endpoint: str, what: str, before: Any, now: Any) -> Dict[str, Any]:
    return {"endpoint": endpoint, "what": what, "before": before, "now": now}
