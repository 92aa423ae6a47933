# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Results of sweeps, as smtp_sweep returns them, for the tests of reports: made, not recorded.

from __future__ import annotations

from typing import Any, Dict, Optional

DAY = "2026-06-15"
FINGERPRINT = "ab" * 32
# What a relay may say to break a report: markup, quotes, table cells, label ends, terminal codes already shown as text.
EVIL = "</script><script>document.title='owned'</script><img src=x onerror=alert(1)> \"q\" 'q' | `x` *b* \\ ]]> &amp; {{ 7*7 }}"

Row = Dict[str, Any]


def rule(name: str, outcome: str = "met", severity: str = "high", **more: Any) -> Row:
    return {
        "id": name,
        "outcome": outcome,
        "severity": severity,
        "expected": True,
        "observed": outcome == "met",
        "text": f"expected: the rule {name}; observed: no" if outcome == "unmet" else f"the rule {name}",
        "remedy": f"Set {name}.",
        **more,
    }


def relay(name: str = "a.example.com", rules: Optional[list[Row]] = None, **more: Any) -> Row:
    """A short row of smtp_sweep: passed, unless a rule is unmet."""
    rules = [rule("one"), rule("two")] if rules is None else rules
    unmet = any(one["outcome"] == "unmet" for one in rules)
    return {
        "name": name,
        "labels": {},
        "input": name,
        "msg": f"{name}:25: " + ("a rule is unmet" if unmet else "passed"),
        "host": name,
        "port": 25,
        "address": "192.0.2.1",
        "protocol": "smtp",
        "verdict": "failed" if unmet else "passed",
        "stage": "ehlo",
        "failure": {"stage": "ehlo", "cause": "rule_unmet", "code": None, "text": "x", "hint": "See rules."}
        if unmet
        else None,
        "changed": False,
        "tls": {"version": "TLSv1.3", "cipher": "TLS_AES_256_GCM_SHA384", "verified": True, "certificate": FINGERPRINT},
        "rules": rules,
        "seconds": 0.25,
        **more,
    }


def unreachable(name: str = "dead.example.com", **more: Any) -> Row:
    failure = {
        "stage": "connect", "cause": "connection_refused", "code": None, "text": "refused", "hint": "Start the server.",
    }  # fmt: skip
    rules = [rule("one", "unknown"), rule("two", "unknown")]
    return relay(name, rules, **{"verdict": "unreachable", "stage": "connect", "failure": failure, "tls": None, **more})


def result(*relays: Row) -> Row:
    certificate = {
        "subject": "CN=relay", "not_after": "2026-08-01T00:00:00Z", "days_left": 47, "sha256_fingerprint": FINGERPRINT,
    }  # fmt: skip
    return {"endpoints": list(relays), "certificates": {FINGERPRINT: certificate}, "summary": {}, "changed": False}


def big_result(relays: int, rules: int) -> Row:
    """A fleet of some size, where every seventh relay breaks a rule, all with the same words."""
    rows = []
    for index in range(relays):
        broken = index % rules if index % 7 == 0 else -1
        judged = [
            rule(f"rule_{number:02d}", "unmet" if number == broken else "met", "high" if number % 2 else "low")
            for number in range(rules)
        ]
        transcript = [
            {"at": 0.01 * line, "from": "server", "text": f"250 line {line} {EVIL}", "tls": line > 4}
            for line in range(12)
        ]
        full = {"checked_at": "2026-06-15T10:00:00Z", "transcript": transcript, "greeting": {"code": 220, "text": EVIL}}
        rows.append(relay(f"relay{index:04d}.example.com", judged, **(full if broken >= 0 else {})))
    return result(*rows)
