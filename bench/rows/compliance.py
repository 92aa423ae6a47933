# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Compliance, without a network: what 1,000 relays have said is held against 20 rules each, and written in every format.

from __future__ import annotations

import ssl
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible_collections.postmaster.mailcheck.bench.rows.common import Bench, Row, seconds
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.attempts import Outcome
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.certificates import read_certificate
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.model import TlsFacts
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.capabilities import parse_capabilities
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.facts import Facts
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.plan import Verdict
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.replies import Reply
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.report import as_report
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.request import build_request
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.rules import RULES
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.transcript import Transcript
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.causes import Failure
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.rules import Judged, evaluate, parse_expect
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._assessment import assess
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.register import FORMATS
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._profiles import load_profiles

RELAYS, TARGET = 1000, 3.0
EHLO = ("relay.lab.test", "PIPELINING", "SIZE 10240000", "STARTTLS", "AUTH PLAIN SCRAM-SHA-256", "8BITMIME", "DSN")
EXPECT: dict[str, Any] = {
    "capabilities": ["PIPELINING", "8BITMIME", "DSN"],
    "capabilities_absent": ["ETRN", "ATRN"],
    "capabilities_before_tls": ["STARTTLS"],
    "capabilities_before_tls_absent": ["XCLIENT"],
    "auth_mechanisms": ["PLAIN"],
    "auth_absent_before_tls": True,
    "tls_version_min": "TLSv1.3",
    "certificate_days_left": 14,
    "certificate_names": ["relay.lab.test"],
    "public_key_min_bits": {"RSA": 2048, "EC": 224},
    "greeting_matches": r"^\S+\.\S+ ",
    "min_message_size": 65536,
    "max_seconds": 5,
    "tls_versions_refused": ["TLSv1", "TLSv1.1"],
    "tls_required": True,
    "auth_refused_in_clear": True,
    "auth_required": "stranger@example.net",
    "relaying_refused": {"recipient": "stranger@example.net", "control_recipient": "postmaster"},
    "codes": {"greeting": 220, "ehlo": 250},
}
# What the probes of the rules that look for themselves would have found.
LOOKED = {
    "tls_versions_refused": Judged("met", {"TLSv1": "refused", "TLSv1.1": "refused"}),
    "tls_required": Judged("met", 530),
    "auth_refused_in_clear": Judged("met", 538),
    "auth_required": Judged("met", 530),
    "relaying_refused": Judged("met", [250, 554]),
}


def compliance(bench: Bench) -> Iterator[Row]:
    certificate = ssl.PEM_cert_to_DER_cert(bench.pki.relay.certificate.read_text())
    took, rules, octets = [], 0, 0
    for _run in range(bench.runs):
        began = time.process_time()
        rules, octets = _judge_and_write(certificate, bench.folder)
        took.append(time.process_time() - began)
    work = f"CPU to judge {RELAYS:,} relays by {rules} rules each and write {len(FORMATS) + 1} formats"
    yield Row(
        work,
        f"{seconds(statistics.median(took))}, {octets / 1e6:.0f} MB",
        "",
        statistics.median(took),
        TARGET,
        "s",
        len(took),
    )


def _judge_and_write(certificate: bytes, folder: Path) -> tuple[int, int]:
    """Return how many rules each relay was held against, and how much was written."""
    expect = parse_expect(RULES, EXPECT)
    chain = (read_certificate(certificate),)
    reports = [
        _report(index, expect, TlsFacts("TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, "x", True, (), chain))
        for index in range(RELAYS)
    ]
    waiver = {"rule": "capabilities", "endpoint": "relay00*", "reason": "old", "owner": "ops", "expires": "2999-12-31"}
    assessment = assess({"endpoints": reports}, profile=load_profiles(["submission"]), waivers=[waiver])
    written = {name: one.write(assessment) for name, one in FORMATS.items()}
    written["stable"] = FORMATS["json"].write(assessment, stable=True)
    for name, text in written.items():
        (folder / f"relays.{name}").write_text(text, encoding="utf-8")
    return len(reports[0]["rules"]), sum(map(len, written.values()))


def _report(index: int, expect: dict[str, Any], tls: TlsFacts) -> dict[str, Any]:
    """One relay's report, as a sweep would have it; every seventh lacks an extension."""
    transcript = Transcript(0.0)
    facts = Facts(transcript)
    facts.greeting = Reply(220, (f"relay{index}.lab.test ESMTP",))
    facts.capabilities = parse_capabilities(EHLO[:-1] if index % 7 == 0 else EHLO)
    facts.capabilities_before_tls = parse_capabilities((*EHLO[:4], EHLO[5]))
    facts.tls = tls
    facts.codes = {"greeting": 220, "ehlo": 250, "starttls": 220}
    facts.timings = {"greeting": 0.01, "ehlo": 0.01, "total": 0.05}
    rules = evaluate(RULES, expect, facts, LOOKED, time.time())
    unmet = [rule for rule in rules if rule.outcome == "unmet"]
    failure = Failure("ehlo", "rule_unmet", text=unmet[0].text) if unmet else None
    request = build_request(f"relay{index:04d}.lab.test", {"transcript": "always"}, 0.0, False)
    outcome = Outcome(facts, (), "192.0.2.1", "192.0.2.2", 0.0, 0.05)
    return as_report(Verdict(request, outcome, (), rules, failure), time.time())
