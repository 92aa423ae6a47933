# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Forty relays, domains and a mailbox as one assessment: each state that a subject may come to, long names, waivers of both kinds, a
# last run, mail that was waited for, and every chart. Made, not recorded.

from __future__ import annotations

import datetime
from typing import Any

from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.rules import RULES
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.rules import _rule as rule_of
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.rules import judged, unknown
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._assessment import assess
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._profiles import load_profiles
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import Assessment
from ansible_collections.postmaster.mailcheck.tests.support.sweeps import DAY, Row, relay

PROFILES = ["modern-tls", "relay"]
SITES = ("fra1", "ams2", "nyc3", "sgp4")
WAIVERS = [
    {"rule": "greeting_matches", "endpoint": "relay-2*", "reason": "Behind a proxy until the move", "owner": "mail team",
     "expires": "2026-12-31"},
    {"rule": "tls_versions_refused", "endpoint": "relay-0*", "reason": "Old scanners", "owner": "print team",
     "expires": "2026-03-31"},
]  # fmt: skip
OLD_TLS = {"TLSv1": "accepted", "TLSv1.1": "accepted"}
BROKEN = {  # rule -> what is seen where it is met, where it is unmet, and where that is
    "tls_versions_refused": ({"TLSv1": "refused", "TLSv1.1": "refused"}, OLD_TLS, range(12)),
    "certificate_days_left": (47, 9, (3, 17)),
    "relaying_refused": ([250, 554], [250, 250], (5,)),
    "greeting_matches": ("relay.example.com ESMTP", "ESMTP ready", (20, 21, 22)),
}
ENGINE = {
    "version": "0.2.0",
    "python": "3.11.7",
    "openssl": "OpenSSL 3.0.19 27 Jan 2026",
    "host": "bastion.example.com",
}
HOP: Row = {
    "from": "app.example.com", "address": "192.0.2.9", "by": "relay-01.fra1.example.com", "with": "ESMTPS", "tls": True,
    "id": "4XyZ", "tls_version": "TLSv1.3", "cipher": None, "local": False, "time": None, "delay": None,
}  # fmt: skip


def forty() -> Assessment:
    """Return the assessment of today, which knows that of the last run."""
    profile = load_profiles(PROFILES)
    before = assess(_result(profile, broken=False), profile=profile, today=DAY)
    domains = {"domains": [_domain("example.com"), _domain("parked.example.net", unmet=())]}
    return assess(
        [_result(profile, broken=True), domains, _mailbox()], profile=profile, waivers=WAIVERS, previous=before, today=DAY,
        title="Mail of example.com",
    )  # fmt: skip


def _result(profile: dict[str, Any], broken: bool) -> Row:
    certificates = {_sha256(index): _certificate(index) for index in range(40)}
    rows = [_relay(index, profile, broken) for index in range(40)]
    return {"endpoints": rows, "certificates": certificates, "engine": ENGINE, "summary": {}, "changed": False}


def _relay(index: int, profile: dict[str, Any], broken: bool) -> Row:
    name = f"relay-{index:02d}.{SITES[index % 4]}.example.com"
    failure = _failure(index) if broken else None
    rules = [_rule(rule, index, profile, broken, failure is not None) for rule in profile["expect"]]
    unmet = any(rule["outcome"] == "unmet" for rule in rules)
    own: Row = {
        "failure": failure,
        "verdict": {30: "unreachable", 31: "unreachable", 32: "deferred"}.get(index, "failed"),
    }
    said = [
        {"at": 0.01, "from": "server", "text": f"220 {name} ESMTP", "tls": False},
        {"at": 0.02, "from": "client", "text": "EHLO probe.example.com", "tls": False},
    ]
    return relay(
        name, rules, address=f"192.0.2.{index + 1}", local_address="198.51.100.7", seconds=0.08 * 1.12**index, checked_at=f"{DAY}T10:00:00Z",
        tls={
            "version": "TLSv1.2" if index % 5 == 0 else "TLSv1.3", "cipher": "TLS_AES_256_GCM_SHA384", "verified": True,
            "certificate": _sha256(index),
        } if failure is None else None,
        **(own if failure else {}), **({"transcript": said} if failure or unmet else {}),
    )  # fmt: skip


def _failure(index: int) -> Any:
    causes = {30: "connection_refused", 31: "connect_timeout", 32: "greylisted", 33: "certificate_expired"}
    if index not in causes:
        return None
    words = {"code": 451, "text": "4.7.1 Greylisted, try again"} if index == 32 else {"code": None, "text": "no way in"}
    return {"stage": "rcpt" if index == 32 else "connect", "cause": causes[index], "hint": "See the relay.", **words}


def _rule(name: str, index: int, profile: dict[str, Any], broken: bool, failed: bool) -> Row:
    met, unmet, where = BROKEN.get(name, (True, False, ()))
    outcome = judged(index not in where or not broken, unmet if broken and index in where else met)
    if failed or (name == "relaying_refused" and index in (35, 36)):
        outcome = unknown(
            "the control recipient was answered 450 4.7.1 Greylisted" if not failed else "nobody answered"
        )
    return rule_of(name, RULES[name], profile["expect"][name], outcome)._asdict()


def _sha256(index: int) -> str:
    return f"{index // 2:02x}" * 32  # two relays share one


def _certificate(index: int) -> Row:
    days = (-20, 9, 25, 28)[index // 2] if index < 8 else 31 + (index // 2) * 4 + (index // 20) * 90
    last = datetime.date.fromisoformat(DAY) + datetime.timedelta(days)
    return {"subject": f"CN=relay-{index}", "not_after": f"{last}T12:00:00Z", "days_left": days}


def _mailbox() -> Row:
    hops = [HOP, {**HOP, "by": "mx.example.net", "tls": False, "delay": 2.0}]
    rule = {
        "id": "folder", "outcome": "met", "severity": "high", "expected": "INBOX", "observed": "INBOX", "remedy": "",
        "text": "the message lies in INBOX",
    }  # fmt: skip
    return {
        "host": "imap.example.net", "port": 993, "verdict": "passed", "msg": "imap.example.net:993: arrived.",
        "mailbox_state": "reachable", "rules": [], "checked_at": f"{DAY}T10:00:09Z",
        "messages": [{"found": True, "mailbox": "INBOX", "junk": False, "seconds": 3.25, "rules": [rule]}],
        "trace": {"hops": hops, "seconds": 2.0, "encrypted": False, "problems": ["One hop is in clear."]},
    }  # fmt: skip


def _domain(name: str, unmet: tuple[str, ...] = ("dmarc_policy", "mta_sts_present")) -> Row:
    names = ("mx_valid", "dnssec_secure", "spf_valid", "dmarc_policy", "mta_sts_present", "tls_rpt_present")
    rules = [
        {"id": one, "outcome": "unmet" if one in unmet else "met", "severity": "medium", "expected": True, "observed": one not in unmet,
         "text": f"the domain keeps {one}", "remedy": "Publish it."}
        for one in names
    ]  # fmt: skip
    record = {
        "name": f"_dmarc.{name}", "type": "TXT", "value": "v=DMARC1; p=reject; rua=mailto:dmarc@example.com", "ttl": 3600,
        "reason": "No policy is published.", "after": "Reports show that all that sends passes.",
    }  # fmt: skip
    return {
        "domain": name, "input": name, "verdict": "failed" if unmet else "passed", "cause": "rule_unmet" if unmet else None,
        "msg": f"{name}: looked at", "rules": rules, "records": [record] if unmet else [], "checked_at": f"{DAY}T10:00:05Z",
    }  # fmt: skip
