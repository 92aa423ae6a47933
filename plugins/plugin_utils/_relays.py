# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# From what the modules report of a relay to its row of an assessment.

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._judged import check_rule, judged_rules
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._profiles import RELAY

if TYPE_CHECKING:
    from typing import Any, Dict, Mapping, Optional, Tuple

    from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._judged import Sources
    from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import Row, Subject

    Relay = Tuple[str, Optional[int]]


def which_relay(report: Mapping[str, Any]) -> Relay:
    """Return which relay a report, or a row, is about: its host, however that is written, and its port."""
    return report["host"].lower().rstrip("."), report["port"]


def relay_subject(report: Mapping[str, Any]) -> Subject:
    """Return who a report, or a row that version 0.1.0 wrote, is about."""
    return {
        "kind": "relay",
        "name": str(report.get("name") or report["host"]),
        "identity": {"host": report["host"], "port": report["port"]},
    }


def relay_row(report: Mapping[str, Any], sources: Sources, certificates: Dict[str, Dict[str, Any]]) -> Row:
    """Return the row of a relay, before waivers.

    `report`: what smtp_check returned, or a row of smtp_sweep; `certificates`: by their SHA-256, to which the report's
    own is added. Raises ProfileError.
    """
    tls = report.get("tls") or {}
    leaf = tls.get("certificate")
    if isinstance(leaf, dict):  # smtp_check's own form
        certificates[leaf["sha256_fingerprint"]] = leaf
        leaf = leaf["sha256_fingerprint"]
    certificate = certificates.get(str(leaf)) or {}
    failure = report.get("failure") or {}
    check = check_rule(
        report["verdict"], failure.get("cause"), _what_happened(report, failure), failure.get("hint") or ""
    )
    subject = relay_subject(report)
    row: Row = {
        "id": _with_port(subject["name"], report["port"]),
        "subject": subject,
        "name": subject["name"],
        "host": report["host"],
        "port": report["port"],
        "address": report.get("address"),
        "labels": report.get("labels") or {},
        "verdict": report["verdict"],
        "assessment": "met",
        "stage": report.get("stage"),
        "cause": failure.get("cause"),
        "code": failure.get("code"),
        "msg": report.get("msg") or "",
        "tls": {"version": tls.get("version"), "cipher": tls.get("cipher"), "verified": tls.get("verified")}
        if tls
        else None,
        "certificate": leaf,
        "not_after": certificate.get("not_after"),
        "days_left": certificate.get("days_left", tls.get("days_left")),
        "checked_at": report.get("checked_at"),
        "seconds": report["seconds"] if "seconds" in report else (report.get("timings") or {}).get("total"),
        "rules": judged_rules(RELAY, report, sources, check),
        "message": report.get("message"),
        "greeting": (report.get("greeting") or {}).get("text"),
        "transcript": report.get("transcript"),
    }
    _add_evidence(row, report)
    return row


def _add_evidence(row: Row, report: Mapping[str, Any]) -> None:
    """From where, as whom and to whom it spoke; what was said on the connections that rules had of their own."""
    if report.get("local_address"):
        row["local_address"] = report["local_address"]
    if report.get("sender") is not None:  # that of bounces is empty
        row["sender"] = report["sender"]
        row["recipients"] = [to["address"] for to in report["recipients"]]
    said = report.get("rule_transcripts") or {}
    for rule in row["rules"]:
        if rule["id"] in said:
            rule["dialogues"] = said[rule["id"]]


def _with_port(name: str, port: Any) -> str:
    """The name of a row; that of a socket or a Maildir, and one with its port in it, as it is."""
    if port is None or name.startswith("/") or re.search(r"^[^:]+:%s$|\]:%s$" % (port, port), name):
        return name
    return "%s:%s" % ("[%s]" % name if ":" in name else name, port)


def _what_happened(report: Mapping[str, Any], failure: Mapping[str, Any]) -> str:
    """Return what kept a check from going as asked: the cause, the stage, and the relay's own words."""
    words = [str(failure.get("cause") or report["verdict"])]
    if failure.get("stage"):
        words.append("at %s" % failure["stage"])
    said = " ".join(str(failure[part]) for part in ("code", "text") if failure.get(part))
    return " ".join(words) + (": " + said if said else "")
