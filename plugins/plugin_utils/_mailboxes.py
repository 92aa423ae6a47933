# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# From what wait_for_mail reports of a mailbox to its row of an assessment: what arrived in it, and how.

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._relays import relay_row

if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, List, Mapping

    from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._judged import Sources
    from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import Arrival, Row


def mailbox_row(report: Mapping[str, Any], sources: Sources, certificates: Dict[str, Dict[str, Any]]) -> Row:
    """Return the row of a mailbox, before waivers.

    `report`: what wait_for_mail returned. The session with it is told as that with a relay; `certificates` as there.
    """
    messages: List[Mapping[str, Any]] = list(report.get("messages") or ())
    row = relay_row({**report, "rules": list(_rules(messages))}, sources, certificates)
    identity = {"mailbox": report["host"], "port": report.get("port")}
    row["subject"] = {
        "kind": "mailbox",
        "name": row["name"],
        "identity": {name: value for name, value in identity.items() if value is not None},
    }
    del row["host"], row["port"]
    row["seconds"] = None  # a wait takes as long as the message does
    row["stage"] = (report.get("failure") or {}).get("stage")
    row["arrivals"] = [_arrival(message) for message in messages]
    if report.get("trace"):
        row["trace"] = report["trace"]
    return row


def _rules(messages: List[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield the rules of every message; of several, with its number, which is the same in the next run."""
    for number, message in enumerate(messages, 1):
        for rule in message.get("rules") or ():
            if len(messages) == 1:
                yield rule
            else:
                about = "message %d: %s" % (number, rule["text"])
                yield {**rule, "id": "%s.%d" % (rule["id"], number), "text": about}


def _arrival(message: Mapping[str, Any]) -> Arrival:
    return {
        "found": message.get("found"),
        "folder": message.get("mailbox"),
        "junk": message.get("junk"),
        "seconds": message.get("seconds"),
    }
