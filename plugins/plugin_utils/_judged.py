# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The rules of a row, whatever it is about: `check`, which stands for the check itself, then those of the report, each
# with the document that its profile names.

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping, NamedTuple, cast

from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.rules import unmet_text
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._profiles import PROFILES, rules_of_label
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import CHECK

if TYPE_CHECKING:
    from typing import Collection, Dict, List, Optional

    from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import Rule

    SourcesOf = Mapping[str, Mapping[str, Any]]  # kind -> rule -> document, section, reason, severity


class Sources(NamedTuple):
    """Where rules come from, and how grave their breach is."""

    of_all: SourcesOf
    profiles: Collection[str]  # those that the label of a row may name instead
    expected: Mapping[str, Mapping[str, Any]] = {}  # kind -> rule -> what profiles expect, null of what is not to count


def judged_rules(kind: str, report: Mapping[str, Any], sources: Sources, check: Rule) -> List[Rule]:
    """Return the rules of a report about something of this kind, after `check`. Raises ProfileError."""
    own = rules_of_label((report.get("labels") or {}).get(PROFILES), sources.profiles, kind)
    known = sources.of_all.get(kind) or {} if own is None else own
    return [check, *(_with_source(rule, known) for rule in report.get("rules") or ())]


def check_rule(verdict: str, cause: Optional[str], seen: str, hint: str) -> Rule:
    """Return whether the check went as asked; an unmet rule is its own finding, and none of the check's.

    `seen`: what kept it from that; `hint`: the next step.
    """
    fine = verdict == "passed" or cause == "rule_unmet"
    return {
        "id": CHECK,
        "outcome": "met" if fine else "unmet",
        "severity": "medium" if verdict == "deferred" else "high",
        "expected": "passed",
        "observed": "passed" if fine else cause or verdict,
        "text": "the check succeeds" if fine else unmet_text("the check succeeds", seen),
        "remedy": "" if fine else hint,
    }


def _with_source(rule: Rule, known: Mapping[str, Dict[str, str]]) -> Rule:
    source = known.get(rule["id"].partition(".")[0]) or {}
    return cast("Rule", {**rule, **source})
