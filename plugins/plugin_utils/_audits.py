# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# From what smtp_audit reports of a relay to its row of an assessment: each probe is a rule, which is met where nothing
# was found. What a profile expects and was not asked is not judged. A relay that was checked too has one row for both.

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.dialogue import at_stage
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.model import INTENSITIES
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.options import FLEET_OPTIONS, the_options
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.register import PROBES
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.rules import INFO, RULES
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._judged import check_rule
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._profiles import AUDIT
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._relays import relay_row, which_relay
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import AssessmentError

if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, Iterator, List, Mapping, Sequence

    from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._judged import Sources
    from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._relays import Relay
    from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import Row, Rule

_OUTCOMES = {"pass": "met", "finding": "unmet", "unknown": "unknown"}
_SOURCE = re.compile(r"(RFC \d+|\S+)(?: (.+))?")
# How smtp_sweep may reach a relay, and smtp_audit may not.
_BEYOND_AUDITS = ("protocol", "proxy_protocol", "xclient")
# In what a check and an audit of one relay are alike, where several may be of it.
_LIKEST_FIRST = (("name", "address"), ("name",), ("address",), ())
_WORST_FIRST = ("failed", "unreachable", "deferred", "not_checked", "passed")


def audit_row(report: Mapping[str, Any], sources: Sources) -> Row:
    """Return the row of a relay, before waivers.

    `report`: what smtp_audit returned of one relay, or a row of what it returned of several. Raises ProfileError.
    """
    cause = report["cause"] or ("rule_unmet" if report["verdict"] == "failed" else None)
    failure = report["failure"] or {}
    said = " ".join(str(failure[part]) for part in ("code", "text") if failure.get(part))
    seen = "%s%s: %s" % (cause, at_stage(failure["stage"]), said) if failure else report["verdict"]
    row = relay_row({**report, "failure": None}, sources, {})
    row["audit"] = {name: report[name] for name in ("intensity", "verdict")}
    row["cause"], row["stage"], row["code"] = cause, failure.get("stage"), failure.get("code")
    row["rules"] = [check_rule(report["verdict"], cause, seen, failure.get("hint") or ""), *_rules(report, sources)]
    return row


def _rules(report: Mapping[str, Any], sources: Sources) -> Iterator[Rule]:
    """Yield a rule for each probe that was to be made, and for each that a profile expects."""
    known, expected = sources.of_all.get(AUDIT) or {}, sources.expected.get(AUDIT) or {}
    open_ = {one["name"]: "it needs %s%s" % (the_options(one["lacks"]), _all(one)) for one in report["not_made"]}
    made = {one["name"]: one for one in report["probes"]}
    for name in expected if report["probes"] else ():  # what was not even begun says so by its check
        if name not in made and name in PROBES:
            open_.setdefault(name, "it was not asked, which takes %s" % _takes(name, report["intensity"]))
    for name in [*made, *(name for name in open_ if name not in made)]:
        if expected.get(name, True) is not None:
            judged = made.get(name) or _not_made(name, open_[name])
            yield _rule(judged, known.get(name) or {})


def _all(not_made: Mapping[str, Any]) -> str:
    needs = PROBES[not_made["name"]].needs
    return " (in all %s)" % " and ".join(needs) if len(needs) > len(not_made["lacks"]) else ""


def _takes(name: str, given: str) -> str:
    """Return what has to be given for a probe that the audit has left out, where its intensity was `given`."""
    probe = PROBES[name]
    if INTENSITIES.index(probe.intensity) <= INTENSITIES.index(given):
        return "its name among probes, or an audit without that option"
    options = ", with %s" % " and ".join(probe.needs) if probe.needs else ""
    return "intensity %s%s" % (probe.intensity, options)


def _not_made(name: str, why: str) -> Dict[str, Any]:
    probe = PROBES[name]
    about = {"question": probe.question, "source": probe.source, "meaning": "", "remedy": "", "proof": None}
    return {"name": name, "status": "unknown", "text": why, "severity": None, "dialogues": [], **about}


def _rule(one: Mapping[str, Any], source: Mapping[str, Any]) -> Rule:
    """Return what a probe came to as a rule; `source`: what a profile says of it."""
    name, outcome = one["name"], _OUTCOMES[one["status"]]
    severity = source.get("severity") or one["severity"] or RULES[name].severity
    seen = one["text"][:1].upper() + one["text"][1:]
    if severity == INFO:
        outcome, severity, seen = "met", "low", "For information: " + one["text"]
    elif outcome == "unmet":
        seen += ". " + one["meaning"].rstrip(".")
    elif outcome == "unknown":
        seen = "This could not be judged: " + one["text"]
    document, section = _SOURCE.fullmatch(one["source"]).groups()  # type: ignore[union-attr]
    return {
        "id": name,
        "outcome": outcome,
        "severity": severity,
        "expected": "pass",
        "observed": one["status"],
        "text": "%s %s" % (one["question"], seen),
        "remedy": one["remedy"] if outcome == "unmet" else "",
        "proof": one["proof"],
        "dialogues": one["dialogues"],
        "document": document,
        "section": section or "",
        **{key: value for key, value in source.items() if key != "severity"},  # type: ignore[typeddict-item]
    }


def audit_endpoints(endpoints: Iterable[Any]) -> List[Dict[str, Any]]:
    """Return endpoints of smtp_sweep as those of smtp_audit: the same relays, reached the same way.

    What smtp_audit has no option for, credentials and messages among it, is left out. An endpoint's `audit` holds
    options of its audit, or is false, which leaves it out. Raises AssessmentError for one that an audit cannot reach.
    """
    return [
        _audit_endpoint("[%d]" % index, endpoint)
        for index, endpoint in enumerate(endpoints)
        if endpoint.get("audit") is not False
    ]


def _audit_endpoint(where: str, endpoint: Mapping[str, Any]) -> Dict[str, Any]:
    own = endpoint.get("audit")
    if not isinstance(own, (dict, type(None))):
        raise AssessmentError("%s.audit: must be a dictionary of options, or false" % where)
    for name in beyond_audits(endpoint):
        text = "smtp_audit cannot reach a relay so. Set audit to false, which leaves this one out"
        raise AssessmentError("%s.%s: %s" % (where, name, text))
    taken = {name: endpoint[name] for name in FLEET_OPTIONS["endpoints"]["options"] if endpoint.get(name) is not None}
    if taken.get("tls") == "starttls":  # which an audit takes where it is offered, or tells that it is not
        taken["tls"] = "opportunistic"
    return {**taken, **(own or {})}


def beyond_audits(options: Mapping[str, Any]) -> List[str]:
    """Return which of these options of smtp_sweep reach a relay as no audit can."""
    return [name for name in _BEYOND_AUDITS if options.get(name) not in (None, {}, "smtp")]


def with_audits(rows: Iterable[Row]) -> List[Row]:
    """Return the rows, each audit's put into that of the same relay's check where there is one, whatever its name."""
    checks: List[Row] = []
    audits: List[Row] = []
    for row in rows:
        (audits if "audit" in row else checks).append(row)
    free: Dict[Relay, List[Row]] = {}
    for check in checks:
        if check["subject"]["kind"] == "relay":
            free.setdefault(which_relay(check), []).append(check)
    for likeness in _LIKEST_FIRST:
        audits = [audit for audit in audits if not _joined(free.get(which_relay(audit), []), audit, likeness)]
    return checks + audits


def _joined(free: Sequence[Row], audit: Row, likeness: Sequence[str]) -> bool:
    """Put an audit into the first check that has none and is alike in these fields; return whether there is one."""
    for check in free:
        if "audit" not in check and all(check[field] == audit[field] for field in likeness):  # type: ignore[literal-required]
            _add(check, audit)
            return True
    return False


def _add(check: Row, audit: Row) -> None:
    """Make an audit a part of the row of a check, as bad as the worse of both. Its own check is the rule `audit`."""
    own, *found = audit["rules"]
    check["rules"] += [{**own, "id": AUDIT, "text": own["text"].replace("the check", "the audit", 1)}, *found]
    check["audit"] = {**audit["audit"], **({"name": audit["name"]} if audit["name"] != check["name"] else {})}
    check["labels"] = {**audit["labels"], **check["labels"]}
    check["msg"] = "%s Audit: %s" % (check["msg"], audit["msg"])
    check["checked_at"] = max(filter(None, (check["checked_at"], audit["checked_at"])), default=None)
    if _WORST_FIRST.index(audit["verdict"]) < _WORST_FIRST.index(check["verdict"]):
        check["verdict"] = audit["verdict"]
    if check["cause"] in (None, "rule_unmet") and audit["cause"]:
        check["cause"], check["stage"], check["code"] = audit["cause"], audit["stage"], audit["code"]
