# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# From what domain_check reports of a mail domain to its row of an assessment.

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.causes import CAUSES, hint_of
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._judged import check_rule, judged_rules
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._profiles import DOMAIN

if TYPE_CHECKING:
    from typing import Any, Mapping

    from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._judged import Sources
    from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import Row


def domain_row(report: Mapping[str, Any], sources: Sources) -> Row:
    """Return the row of a domain, before waivers.

    `report`: an entry of `domains` of what domain_check returned. What only a single session has is null. Raises
    ProfileError.
    """
    cause, said = report.get("cause"), report.get("msg") or ""
    hint = hint_of(cause, report["domain"], "") if cause in CAUSES else ""
    check = check_rule(report["verdict"], cause, ": ".join(filter(None, (cause or report["verdict"], said))), hint)
    return {
        "id": report["domain"],
        "subject": {"kind": "domain", "name": report["input"], "identity": {"domain": report["domain"]}},
        "name": report["input"],
        "address": None,
        "labels": report.get("labels") or {},
        "verdict": report["verdict"],
        "assessment": "met",
        "stage": None,
        "cause": cause,
        "code": None,
        "msg": said,
        "tls": None,
        "certificate": None,
        "not_after": None,
        "days_left": None,
        "checked_at": report.get("checked_at"),
        "seconds": None,
        "rules": judged_rules(DOMAIN, report, sources, check),
        "message": None,
        "greeting": None,
        "transcript": None,
        "records": [dict(record) for record in report.get("records") or ()],
        "remarks": [dict(remark) for remark in report.get("remarks") or ()],
        "not_applied": list(report.get("not_applied") or ()),
    }
