# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# From what was learned of a domain to plain data: what domain_check documents under RETURN.

from __future__ import annotations

import datetime
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from .._net.text import counted, printable
from .._verdicts.causes import CAUSES, more_about
from .._verdicts.rules import UNKNOWN, UNMET
from .facts import DomainFacts, plain
from .remarks import remarks_on

if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Sequence, Tuple

    from .._verdicts.rules import Rule
    from .options import Wanted
    from .publishing import Record

_SHOWN = 3  # rules, or names, in a sentence
_MOST = 5  # rules in the sentence about many domains
NOT_PASSED = " Not passed: "  # behind all that is counted, in that sentence


class Looked(NamedTuple):
    """One domain, looked at. `ended`: why it was not, or not to the end, of the table of causes; `text` says more."""

    wanted: Wanted
    facts: DomainFacts
    rules: Tuple[Rule, ...]
    records: Tuple[Record, ...]
    policy: Optional[str] = None  # of MTA-STS, to serve
    ended: Optional[str] = None  # not_checked, internal_error, name_not_found
    text: str = ""


def verdict_of(looked: Looked) -> str:
    """passed, failed, unreachable, not_checked. What is only advice (severity low, not asked for) fails nothing."""
    if looked.ended is not None:
        return CAUSES[looked.ended].verdict
    if not looked.rules:
        return "not_checked"
    if any(_fails(rule, looked) for rule in looked.rules):
        return "failed"
    return "unreachable" if all(rule.outcome == UNKNOWN for rule in looked.rules) else "passed"


def _fails(rule: Rule, looked: Looked) -> bool:
    asked_for = rule.id in looked.wanted.expect
    return rule.outcome == UNMET and (asked_for or rule.severity != "low")


def as_report(looked: Looked, checked_at: float) -> Dict[str, Any]:
    """Return the report of one domain. `checked_at` is the time of day."""
    verdict = verdict_of(looked)
    remarks = () if looked.ended == "name_not_found" else remarks_on(looked.facts, looked.rules)
    report: Dict[str, Any] = {
        "domain": looked.wanted.domain,
        "input": looked.wanted.given,
        "labels": dict(looked.wanted.labels),
        "verdict": verdict,
        "cause": _cause(looked, verdict),
        "msg": _sentence(looked, verdict, len(remarks)),
        "checked_at": datetime.datetime.fromtimestamp(checked_at, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    report.update((name, value) for name, value in plain(looked.facts, checked_at).items() if value is not None)
    report["rules"] = [plain(rule) for rule in looked.rules]
    report["remarks"] = [{**plain(remark), "title": remark.title} for remark in remarks]
    report["not_applied"] = list(looked.wanted.not_applied)
    report["records"] = [plain(record) for record in looked.records]
    report["mta_sts_policy"] = looked.policy
    return report


def _cause(looked: Looked, verdict: str) -> Optional[str]:
    """Of the table of causes."""
    causes = {"failed": "rule_unmet", "unreachable": "name_server_failed", "not_checked": "not_checked"}
    return looked.ended or causes.get(verdict)


def _sentence(looked: Looked, verdict: str, remarks: int) -> str:
    where = _name(looked.wanted)
    if looked.ended is not None:
        return "%s: %s." % (where, looked.text)
    if verdict == "not_checked":
        return "%s: there was nothing to judge in what was to be looked at." % where
    if verdict == "unreachable":
        return "%s: nothing could be judged: %s." % (where, looked.rules[0].text)
    open_ = sum(rule.outcome == UNKNOWN for rule in looked.rules)
    unjudged = ["%s not judged" % counted(open_, "rule")] if open_ else []
    if looked.wanted.not_applied:
        unjudged.append("%s not applied, since relays is false" % counted(len(looked.wanted.not_applied), "rule"))
    if verdict == "passed":
        low = sum(rule.outcome == UNMET for rule in looked.rules)
        advice = ["%s of low severity not met" % counted(low, "rule")] if low else []
        warned = [counted(remarks, "warning")] if remarks else []
        return "%s: %s." % (where, ", ".join(["passed", *advice, *warned, *unjudged]))
    failed = [rule for rule in looked.rules if _fails(rule, looked)]
    parts = ["%s (%s)" % (rule.text, rule.id) for rule in failed[:_SHOWN]]
    more = ["%d more" % (len(failed) - _SHOWN)] if len(failed) > _SHOWN else []
    return "%s: not met: %s. Next: %s" % (where, "; ".join(parts + more + unjudged), failed[0].remedy)


def _name(wanted: Wanted) -> str:
    """Return the domain, as it was given and as the DNS has it where that looks different."""
    return wanted.domain if wanted.given.isascii() else "%s (%s)" % (printable(wanted.given), wanted.domain)


def warnings_of(reports: Sequence[Dict[str, Any]]) -> List[str]:
    """Return which rules it is not known of whether domains that pass keep them, and which were not applied at all;
    and what no rule tells, each kind of problem once."""
    open_: Dict[str, Dict[str, str]] = {}
    amiss: Dict[str, Dict[str, str]] = {}
    for report in reports:
        for rule in report["rules"] if report["verdict"] == "passed" else ():
            if rule["outcome"] == UNKNOWN:
                open_.setdefault(rule["id"], {})[report["domain"]] = rule["text"]
        for remark in report["remarks"]:
            text = "%(title)s: %(text)s" % remark
            amiss.setdefault(remark["id"], {}).setdefault(report["domain"], text)
    found = [_of_domains(name, seen, len(reports)) for kinds in (open_, amiss) for name, seen in kinds.items()]
    not_applied = sorted({rule_id for report in reports for rule_id in report["not_applied"]})
    if not_applied:
        found.append("relays is false, so that these rules are not applied: %s." % ", ".join(not_applied))
    return found


def _of_domains(about: str, seen: Dict[str, str], among: int) -> str:
    """Say it of the first ones, in the words about the very first."""
    names = ", ".join(list(seen)[:_SHOWN]) + (" and others" if len(seen) > _SHOWN else "")
    return "%s%s: %s." % (about, " of " + names if among > 1 else "", next(iter(seen.values())).rstrip("."))


def summary_of(reports: Sequence[Dict[str, Any]], seconds: float) -> Dict[str, Any]:
    """Return what a run came to: how many domains have which verdict, how many rules which outcome."""
    rules = [rule for report in reports for rule in report["rules"]]
    return {
        "domains": len(reports),
        "verdicts": dict(sorted(Counter(report["verdict"] for report in reports).items())),
        "rules": dict(sorted(Counter(rule["outcome"] for rule in rules).items())),
        "unmet": dict(Counter(rule["id"] for rule in rules if rule["outcome"] == UNMET).most_common()),
        "not_judged": dict(Counter(rule["id"] for rule in rules if rule["outcome"] == UNKNOWN).most_common()),
        "seconds": round(seconds, 3),
    }


def sentence_of(summary: Dict[str, Any], reports: Sequence[Dict[str, Any]]) -> str:
    """Return the run in a sentence; that of the one domain where there is but one."""
    if len(reports) == 1:
        return str(reports[0]["msg"])
    counts = ", ".join("%d %s" % (count, verdict.replace("_", " ")) for verdict, count in summary["verdicts"].items())
    text = "%s in %.3g s: %s." % (counted(summary["domains"], "domain"), summary["seconds"], counts)
    failing = [report for report in reports if report["verdict"] != "passed"]
    for name, title in (("unmet", "Not met"), ("not_judged", "Rules not judged")):
        most = ["%s (%d)" % pair for pair in list(summary[name].items())[:_MOST]]
        text += " %s: %s." % (title, ", ".join(most)) if most else ""
    if len(failing) == 1:  # what it says of itself has the next step
        text += NOT_PASSED + str(failing[0]["msg"])
    elif failing:
        more = " and %d more" % (len(failing) - _SHOWN) if len(failing) > _SHOWN else ""
        shown = [_named_with_cause(report) for report in failing[:_SHOWN]]
        cause = Counter(report["cause"] for report in failing).most_common(1)[0][0]
        about = "mailcheck explain " + next(iter(summary["unmet"])) if cause == "rule_unmet" else more_about(cause)
        text += "%s%s%s. More: %s" % (NOT_PASSED, ", ".join(shown), more, about)
    return text


def _named_with_cause(report: Dict[str, Any]) -> str:
    """Which rules are unmet the sentence tells of all domains together."""
    rules = report["cause"] == "rule_unmet"
    return str(report["domain"]) if rules else "%(domain)s: %(cause)s" % report
