# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What changed since the last run: the form of an assessment in which equal states are equal, and the difference of two.

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import FORMAT, AssessmentError

if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple, Union

    from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import Change

# What differs from run to run though nothing has changed, and what follows from the rest: left out of the form that is
# to be compared.
_VOLATILE = (
    "checked_at", "seconds", "msg", "address", "greeting", "transcript", "warnings", "message", "days_left", "records",
    "local_address", "sender", "recipients", "evidence",
)  # fmt: skip
_VOLATILE_RULES = ("certificate_days_left", "max_seconds", "greeting_matches")


def stable_form(assessment: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the assessment without what changes with every run: equal states give equal text."""
    rows = []
    for row in sorted(assessment["endpoints"], key=lambda one: str(one["id"])):
        kept = {name: value for name, value in row.items() if name not in _VOLATILE}
        kept["rules"] = [_stable_rule(rule) for rule in sorted(row["rules"], key=lambda one: str(one["id"]))]
        rows.append(kept)
    certificates = {
        name: {key: value for key, value in facts.items() if key != "days_left"}
        for name, facts in sorted(assessment["certificates"].items())
    }
    rest = {name: value for name, value in assessment.items() if name not in (*_VOLATILE, "changes", "last")}
    return {**rest, "endpoints": rows, "certificates": certificates}


def _stable_rule(rule: Mapping[str, Any]) -> Dict[str, Any]:
    """The sentence repeats what was observed, and a remedy may repeat the relay's own words."""
    left_out = {"text", "remedy", "dialogues"} | ({"observed"} if rule["id"] in _VOLATILE_RULES else set())
    return {name: value for name, value in rule.items() if name not in left_out}


def read_assessment(last: Union[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the last run's assessment, which may be the text of its file. Raises AssessmentError."""
    try:
        loaded: Mapping[str, Any] = json.loads(last) if isinstance(last, str) else last
    except (ValueError, RecursionError) as error:
        text = "the last run's report is cut off, or no JSON (%s): move it away to start anew" % error
        raise AssessmentError(text) from None
    if not isinstance(loaded, dict) or loaded.get("format") != FORMAT:
        raise AssessmentError("the last run's report was not written by this version: move it away to start anew")
    return loaded


def drift(last: Union[str, Mapping[str, Any]], now: Mapping[str, Any]) -> List[Change]:
    """Return what changed between two assessments, each in either form; the subjects in today's order.

    The last run's may be the text of its file. Raises AssessmentError if that cannot be read, or if one is of another
    format. Version 0.1.0 wrote this one.
    """
    before = read_assessment(last)
    read_assessment(now)
    old = {row["id"]: row for row in before["endpoints"]}
    changes: List[Change] = []
    for row in now["endpoints"]:
        previous = old.pop(row["id"], None)
        if previous is None:
            changes.append(_change(row["id"], "endpoint", None, row["verdict"]))
        else:
            changes.extend(_changes(previous, row))
    changes.extend(_change(name, "endpoint", gone["verdict"], None) for name, gone in old.items())
    states = [{_waiver_name(waiver): waiver["state"] for waiver in given["waivers"]} for given in (before, now)]
    for name in sorted({*states[0], *states[1]}):
        if states[0].get(name) != states[1].get(name):
            changes.append(_change(name[1], "waiver of %s" % name[0], states[0].get(name), states[1].get(name)))
    return changes


def _waiver_name(waiver: Mapping[str, Any]) -> Tuple[str, str]:
    return str(waiver["rule"]), str(waiver["endpoint"])


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Change]:
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


def _certificate(row: Mapping[str, Any]) -> Optional[str]:
    if not row["certificate"]:
        return None
    return "%s…, until %s" % (row["certificate"][:16], (row["not_after"] or "?")[:10])


def _change(endpoint: str, what: str, before: Any, now: Any) -> Change:
    return {"endpoint": endpoint, "what": what, "before": before, "now": now}
