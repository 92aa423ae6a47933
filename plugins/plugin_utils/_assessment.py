# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# From the results of modules to an assessment: what all reports are made from.
#
# Every subject gets a row of rules; the first, `check`, is whether the check itself went as asked. A waiver that has
# run out is a finding of its own.

from __future__ import annotations

import datetime
from collections import Counter
from typing import TYPE_CHECKING, cast

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.text import printable
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.rules import told_apart
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._audits import audit_row, with_audits
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._domains import domain_row
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._drift import drift, read_assessment
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._evidence import evidence_of
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._judged import Sources
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._mailboxes import mailbox_row
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._profiles import RELAY, names_of, shipped_profiles
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._relays import relay_row, relay_subject
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._score import score_of
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import (
    CHECK,
    FORMAT,
    OUTCOMES,
    SEVERITIES,
    VERDICTS,
    AssessmentError,
    in_words,
)
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._waivers import (
    apply_waivers,
    read_day,
    read_waivers,
)

if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Union

    from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import (
        Assessment,
        JudgedWaiver,
        Row,
        Rule,
        Summary,
    )


def assess(
    result: Union[Mapping[str, Any], Sequence[Mapping[str, Any]]],
    profile: Union[Mapping[str, Any], Sequence[Mapping[str, Any]], None] = None,
    waivers: Iterable[Any] = (),
    previous: Union[str, Mapping[str, Any], None] = None,
    title: Optional[str] = None,
    today: Any = None,
    own_profiles: Sequence[str] = (),
) -> Assessment:
    """Return the assessment of what a module of this collection returned, or several.

    `profile`: what load_profiles() returned, for where rules come from and how grave their breach is; one for each kind
    of what was judged; `waivers`: dictionaries with the fields of Waiver; `previous`: the last run's assessment, or its
    JSON, for `changes` and `last`; `title`: None for what was judged; `today`: the day that decides whether a waiver
    holds (UTC); `own_profiles`: paths of profiles that endpoints had by with_profiles(), besides those that ship.

    What is an assessment already is returned as it is. Raises AssessmentError, ProfileError.
    """
    results = _all_of(result)
    if len(results) == 1 and results[0].get("format") == FORMAT:
        return _with_subjects(results[0])
    day = read_day("today", today) if today else datetime.datetime.now(datetime.timezone.utc).date()
    accepted = read_waivers(waivers)
    merged = _all_of(profile)
    sources = Sources(
        {one.get("kind", RELAY): one.get("rules") or {} for one in merged},
        {*shipped_profiles(), *names_of(own_profiles)},
        {one.get("kind", RELAY): one.get("expect") or {} for one in merged},
    )
    certificates = {name: facts for one in results for name, facts in (one.get("certificates") or {}).items()}
    rows = with_audits(_row(report, sources, certificates) for one in results for report in _reports(one))
    _tell_apart(rows)
    judged = apply_waivers(rows, accepted, day)
    for row in rows:
        row["assessment"] = _worst(row["rules"])
    assessment: Assessment = {
        "format": FORMAT,
        "title": title or _title(in_words(rows, " and ")),
        "checked_at": max((row["checked_at"] for row in rows if row["checked_at"]), default=None),
        "profiles": [name for one in merged for name in one.get("profiles") or ()],
        "summary": _summary(rows, judged),
        "endpoints": rows,
        "certificates": certificates,
        "waivers": judged,
        "changes": None,
        "last": None,
        "evidence": evidence_of(results, rows, merged, sources.profiles, day),
    }
    if previous:
        before = read_assessment(previous)
        assessment["changes"] = drift(before, assessment)
        assessment["last"] = {"checked_at": before.get("checked_at"), "score": score_of(before["endpoints"]).percent}
    return assessment


def _title(words: str) -> str:
    return words.capitalize() if words.startswith("mail") else "Mail " + words


def _all_of(given: Any) -> List[Mapping[str, Any]]:
    """Return what may be one, several, or none."""
    return [given] if isinstance(given, dict) else list(given or ())


def _with_subjects(written: Mapping[str, Any]) -> Assessment:
    """Version 0.1.0 knew relays alone, and wrote no subjects."""
    rows = [
        row if "subject" in row else {"id": row["id"], "subject": relay_subject(row), **row}
        for row in written["endpoints"]
    ]
    return cast("Assessment", {**written, "endpoints": rows})


def _row(report: Mapping[str, Any], sources: Sources, certificates: Dict[str, Dict[str, Any]]) -> Row:
    """Return the row of a report, told apart by what only one module returns."""
    if "domain" in report:
        return domain_row(report, sources)
    if "probes" in report:
        return audit_row(report, sources)
    row = mailbox_row if "mailbox_state" in report else relay_row
    return row(report, sources, certificates)


def _reports(result: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    if result.get("format") == FORMAT:
        raise AssessmentError("an assessment is judged already: give the results of modules, or it alone")
    for name in ("endpoints", "domains"):
        if isinstance(result.get(name), (list, tuple)):
            return result[name]  # type: ignore[no-any-return]
    if "verdict" in result:
        return [result]
    text = "this is no result of a module of this collection: it has no endpoints, domains or verdict"
    # What a failed task says has been shown before; anything else may hold a secret under this name.
    raise AssessmentError("%s (%s)" % (text, result.get("msg")) if result.get("failed") is True else text)


def _tell_apart(rows: Sequence[Row]) -> None:
    """Give rows of one name a name of their own that is the same in the next run: with the address, else by number."""
    seen: Counter[str] = Counter(row["id"] for row in rows)
    for row in rows:
        if seen[row["id"]] > 1 and row["address"]:
            row["id"] += " (%s)" % row["address"]
    seen.clear()
    for row in rows:
        seen[row["id"]] += 1
        if seen[row["id"]] > 1:
            row["id"] += " #%d" % seen[row["id"]]


def _worst(rules: Sequence[Rule]) -> str:
    """What one subject comes to: one breach makes it unmet, else one rule that was not judged unknown."""
    outcomes = {rule["outcome"] for rule in rules}
    return next((one for one in ("unmet", "unknown", "waived") if one in outcomes), "met")


def _summary(rows: Sequence[Row], waivers: Sequence[JudgedWaiver]) -> Summary:
    verdicts = Counter(row["verdict"] for row in rows)
    rules = [rule for row in rows for rule in row["rules"]]
    outcomes = Counter(rule["outcome"] for rule in rules)
    severities = Counter(rule["severity"] for rule in rules if rule["outcome"] == "unmet")
    expired = sum(waiver["state"] == "expired" for waiver in waivers)
    severities["medium"] += expired
    return {
        "endpoints": len(rows),
        "verdicts": {verdict: verdicts[verdict] for verdict in VERDICTS},
        "rules": {outcome: outcomes[outcome] for outcome in OUTCOMES},
        "findings": {severity: severities[severity] for severity in reversed(SEVERITIES)},
        "expired_waivers": expired,
    }


def findings(assessment: Assessment, least: str = "low") -> Iterator[Dict[str, Any]]:
    """Yield every finding down to a severity, the gravest first: what is unmet, and every waiver that has run out.

    Each is a rule with its subject's `endpoint`, and `line`, which says it all: subject, cause or rule, what was seen.
    """
    for severity in _down_to(least):
        yield from _with_outcome("unmet", severity, assessment)
        for waiver in assessment["waivers"] if severity == "medium" else ():
            if waiver["state"] == "expired":
                text = "a waiver has expired on %(expires)s (%(owner)s: %(reason)s)" % waiver
                yield {
                    "endpoint": waiver["endpoint"],
                    "rule": waiver["rule"],
                    "severity": severity,
                    "text": text,
                    "remedy": "Mend what it excused, or agree on a new date.",
                    "line": _line(waiver["endpoint"], waiver["rule"], text, severity),
                }


def not_judged(assessment: Assessment, least: str = "low") -> Iterator[Dict[str, Any]]:
    """Yield every rule that could not be judged, down to a severity, the gravest first."""
    for severity in _down_to(least):
        yield from _with_outcome("unknown", severity, assessment)


def _down_to(least: str) -> Iterator[str]:
    if least not in SEVERITIES:
        raise AssessmentError("severity: must be one of %s" % ", ".join(SEVERITIES))
    return reversed(SEVERITIES[SEVERITIES.index(least) :])


def _with_outcome(outcome: str, severity: str, assessment: Assessment) -> Iterator[Dict[str, Any]]:
    for row in assessment["endpoints"]:
        for rule in row["rules"]:
            if rule["outcome"] == outcome and rule["severity"] == severity:
                line = _line(row["id"], rule["id"], rule["text"], severity)
                yield {"endpoint": row["id"], "rule": rule["id"], **rule, "line": line}


def _line(subject: str, rule: str, text: str, severity: str) -> str:
    """Of a check that failed its cause, which begins what was observed: that it should not fail goes without saying."""
    said = (rule == CHECK and told_apart(text)[1]) or "%s: %s" % (rule, text)
    return printable("%s: %s [%s]" % (subject, said, severity))
