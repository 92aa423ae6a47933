# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The profiles for domains, held against zone files: one that keeps every rule, and for each rule one that breaks it.
# What needs a signature or a connection cannot be told from a zone file, and says so.

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional

import pytest

pytest.importorskip("ansible", reason="ansible-core is not installed for this Python")

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.check import check_domains
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._profiles import (
    DOMAIN,
    known_profiles,
    load_profiles,
)
from ansible_collections.postmaster.mailcheck.tests.support.domains import PARKED, dkim_record, write_zone

Zone = dict[str, list[str]]
LIVING: Zone = {
    "@": ["MX 10 mx", 'TXT "v=spf1 mx -all"'],
    "mx": ["A 192.0.2.25"],
    "_dmarc": ['TXT "v=DMARC1; p=none"'],
    "s1._domainkey": [dkim_record(2048)],
    "_mta-sts": ['TXT "v=STSv1; id=1"'],
    "mta-sts": ["A 192.0.2.80"],
    "_smtp._tls": ['TXT "v=TLSRPTv1; rua=mailto:tls@a.example"'],
}
POLICY = "version: STSv1\nmode: %s\nmx: mx.a.example\nmax_age: 604800\n"
NO_CONNECTION = {"delivers_opportunistic", "delivers_mta_sts", "delivers_dane"}
GOOD = {"bulk-sender": LIVING, "receiving-domain": LIVING, "parked-domain": PARKED}
UNKNOWN = {"bulk-sender": set(), "receiving-domain": {"dnssec_valid", *NO_CONNECTION}, "parked-domain": set()}


def with_mx(*records: str) -> Zone:
    return {**LIVING, "@": [*records, 'TXT "v=spf1 ip4:192.0.2.25 -all"']}


def with_spf(text: str, zone: Optional[Zone] = None) -> Zone:
    zone = LIVING if zone is None else zone
    return {**zone, "@": [zone["@"][0], f'TXT "{text}"']}


def without(name: str, zone: Optional[Zone] = None) -> Zone:
    return {own: records for own, records in (LIVING if zone is None else zone).items() if own != name}


LOOKUPS = "v=spf1 mx %s -all" % " ".join(["a:mx.a.example"] * 10)
# (profile, rule, zone that breaks it, options of the check besides)
BROKEN: list[tuple[str, str, Zone, dict[str, Any]]] = [
    ("bulk-sender", "spf_present", {**LIVING, "@": ["MX 10 mx"]}, {}),
    ("bulk-sender", "spf_valid", with_spf("v=spf1 mx ip5:1 -all"), {}),
    ("bulk-sender", "spf_lookups", with_spf(LOOKUPS), {}),
    ("bulk-sender", "spf_restricts", with_spf("v=spf1 mx +all"), {}),
    ("bulk-sender", "spf_senders_pass", LIVING, {"senders": ["192.0.2.26"]}),
    ("bulk-sender", "dkim_valid", without("s1._domainkey"), {}),
    ("bulk-sender", "dkim_min_bits", {**LIVING, "s1._domainkey": [dkim_record(1024)]}, {}),
    ("bulk-sender", "dmarc_present", without("_dmarc"), {}),
    ("bulk-sender", "dmarc_valid", {**LIVING, "_dmarc": ['TXT "v=DMARC1; p=sometimes"']}, {}),
    ("bulk-sender", "null_mx", with_mx("MX 0 ."), {}),
    ("bulk-sender", "mx_valid", with_mx("MX 10 nowhere"), {}),
    ("bulk-sender", "reverse_names_confirmed", LIVING, {"senders": ["192.0.2.27"]}),
    ("receiving-domain", "mx_present", {**with_mx(), "@": ["A 192.0.2.25"]}, {}),
    ("receiving-domain", "mx_valid", with_mx("MX 10 192.0.2.25."), {}),
    ("receiving-domain", "null_mx", with_mx("MX 0 ."), {}),
    ("receiving-domain", "null_mx_alone", with_mx("MX 0 .", "MX 10 mx"), {}),
    ("receiving-domain", "tls_rpt_present", without("_smtp._tls"), {}),
    ("parked-domain", "null_mx", {**PARKED, "@": ["A 192.0.2.1", PARKED["@"][1]]}, {}),
    ("parked-domain", "null_mx_alone", {**PARKED, "@": [*PARKED["@"], "MX 10 mx"], "mx": ["A 192.0.2.1"]}, {}),
    ("parked-domain", "spf_denies_all", with_spf("v=spf1 ~all", PARKED), {}),
    ("parked-domain", "dmarc_valid", {**PARKED, "_dmarc": ['TXT "v=DMARC1; p=never"']}, {}),
    ("parked-domain", "dmarc_policy", {**PARKED, "_dmarc": ['TXT "v=DMARC1; p=quarantine"']}, {}),
]


def outcomes(folder: Path, profile: str, zone: Zone, **more: Any) -> dict[str, str]:
    """What becomes of the rules of a profile, by a zone and by what the addresses of senders are called."""
    names = {"25": ["PTR mx.a.example."], "26": ["PTR mx.a.example."], "27": ["PTR a.example."]}
    files = [
        write_zone(folder / "a.zone", "a.example", zone),
        write_zone(folder / "example.zone", "example", {}),  # which is asked for a policy of DMARC, too
        write_zone(folder / "reverse.zone", "2.0.192.in-addr.arpa", names),
    ]
    loaded = load_profiles([profile])
    options = {"selectors": ["s1"], "senders": ["192.0.2.25"], "mta_sts_policies": {"a.example": POLICY % "enforce"}}
    if profile == "parked-domain":
        options.update(selectors=[], senders=[])
    result = check_domains(["a.example"], expect=loaded["expect"], zone_files=files, **{**options, **more})
    (row,) = result["domains"]
    return {rule["id"]: rule["outcome"] for rule in row["rules"] if rule["id"] in loaded["rules"]}


@pytest.mark.parametrize("profile", GOOD)
def test_a_domain_that_keeps_every_rule(profile: str, tmp_path: Path) -> None:
    found = outcomes(tmp_path, profile, GOOD[profile])
    assert list(found.values()).count("unmet") == 0
    assert {name for name, outcome in found.items() if outcome == "unknown"} == UNKNOWN[profile]
    assert set(found) == set(load_profiles([profile])["rules"])


@pytest.mark.parametrize(("profile", "rule", "zone", "more"), BROKEN, ids=[" ".join(case[:2]) for case in BROKEN])
def test_a_domain_that_breaks_a_rule(profile: str, rule: str, zone: Zone, more: dict[str, Any], tmp_path: Path) -> None:
    assert outcomes(tmp_path, profile, zone, **more)[rule] == "unmet"


def test_every_rule_of_every_profile_is_broken_once() -> None:
    """But those of which a zone file cannot show the contrary."""
    wanted = {
        (name, rule)
        for name, kind in known_profiles().items()
        if kind == DOMAIN
        for rule in set(load_profiles([name])["rules"]) - UNKNOWN[name] - {"dane_or_mta_sts"}
    }
    assert {case[:2] for case in BROKEN} == wanted


@pytest.mark.parametrize(("rule", "more"), [
    ("dkim_valid", {"selectors": []}), ("dkim_min_bits", {"selectors": []}), ("spf_senders_pass", {"senders": []}),
])  # fmt: skip
def test_a_bulk_sender_whose_senders_are_not_told_is_not_judged(
    rule: str, more: dict[str, Any], tmp_path: Path
) -> None:
    assert outcomes(tmp_path, "bulk-sender", LIVING, **more)[rule] == "unknown"


@pytest.mark.parametrize(("text", "outcome"), [
    ("v=spf1 -all", "met"), ("v=spf1 -ALL", "met"), ("v=spf1 redirect=none.a.example", "met"), ("v=spf1 -all mx", "met"),
    ("v=spf1 mx -all", "unmet"), ("v=spf1 ?all", "unmet"), ("v=spf1", "unmet"), ("v=spf1 redirect=mx.a.example", "unmet"),
])  # fmt: skip
def test_what_says_that_nothing_sends(text: str, outcome: str, tmp_path: Path) -> None:
    zone = {**with_spf(text, PARKED), "none": ['TXT "v=spf1 -all"'], "mx": ['TXT "v=spf1 ip4:192.0.2.1 -all"']}
    assert outcomes(tmp_path, "parked-domain", zone)["spf_denies_all"] == outcome
