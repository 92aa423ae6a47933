# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Assessments for the tests, what they hold, and a relay of each kind, which may speak in words that are to break a report.

from __future__ import annotations

from typing import Any

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._assessment import assess, findings
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import Assessment
from ansible_collections.postmaster.mailcheck.tests.support.sweeps import (
    DAY,
    EVIL,
    Row,
    relay,
    result,
    rule,
    unreachable,
)

BROKEN = [rule("one", "unmet"), rule("two", "unmet", "low"), rule("three", "unknown")]
WAIVERS = [
    {"rule": "two", "endpoint": "*", "reason": EVIL, "owner": EVIL, "expires": "2026-12-31"},
    {"rule": "gone", "endpoint": EVIL, "reason": "old", "owner": "ops", "expires": "2026-01-01"},
]


def mixed(words: str = "plain", **more: Any) -> Assessment:
    """A relay of each kind, that speaks in `words`."""
    broken = relay(
        rules=[
            rule("one", "unmet", text=words, observed=words, remedy=words, document="RFC 5321", section="4.2"),
            rule("two", "unmet", "low"),
            rule("three", "unknown", "medium"),
        ],
        msg=words, labels={"site": words}, greeting={"code": 220, "text": words}, checked_at="2026-06-15T10:00:00Z",
        transcript=[{"at": 0.0, "from": "server", "text": words, "tls": False}],
    )  # fmt: skip
    failure = {"stage": "connect", "cause": "connection_refused", "code": None, "text": words, "hint": words}
    return assess(
        result(relay("good.example.com"), broken, unreachable(name=words, failure=failure)), today=DAY, **more
    )


# What wait_for_mail says of one message that has arrived, as far as an assessment needs it.
MAILBOX = {
    "host": "imap.example.net", "port": 993, "verdict": "passed", "failure": None, "msg": "", "tls": None,
    "checked_at": "2026-06-15T10:00:00Z", "mailbox_state": {},
    "messages": [{"found": True, "mailbox": "INBOX", "junk": False, "seconds": 2.3, "rules": []}],
}  # fmt: skip


def evil() -> Assessment:
    """All that a report can tell, and all of it in evil words."""
    return mixed(EVIL, waivers=WAIVERS, previous=assess(result(relay(EVIL)), today=DAY), title=EVIL)


def waiver(**more: Any) -> Row:
    return {"rule": "one", "endpoint": "a.example.com:25", "reason": "why", "owner": "ops", "expires": DAY, **more}


def outcomes(assessment: Assessment, row: int = 0) -> dict[str, str]:
    return {one["id"]: one["outcome"] for one in assessment["endpoints"][row]["rules"]}


def found(assessment: Assessment, least: str = "low") -> list[tuple[str, str, str]]:
    return [(one["severity"], one["endpoint"], one["rule"]) for one in findings(assessment, least)]
