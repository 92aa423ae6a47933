# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What is amiss is heard of once: from a rule that is unmet, or else as a remark.

from __future__ import annotations

import pytest

pytest.importorskip("dns", reason="dnspython is not installed for this Python")

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain import remarks
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.check import check_domains
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.problems import PROBLEMS
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.rules import RULES
from ansible_collections.postmaster.mailcheck.tests.support.domains import write_zone

KEY = "k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
GOOD = {
    "@": ["MX 10 mx", 'TXT "v=spf1 mx -all"'],
    "mx": ["A 192.0.2.25"],
    "_dmarc": ['TXT "v=DMARC1; p=reject; rua=mailto:d@a.example"'],
    "s1._domainkey": ['TXT "v=DKIM1; %s"' % KEY],
    "_smtp._tls": ['TXT "v=TLSRPTv1; rua=mailto:t@a.example"'],
    "_mta-sts": ['TXT "v=STSv1; id=1"'],
}
POLICY = "version: STSv1\nmode: %s\nmx: mx.a.example\nmax_age: 604800\n"
TESTING = POLICY % "testing"


def apex(*records):
    return {"@": list(records)}


def spf(text):
    return apex("MX 10 mx", 'TXT "v=spf1 %s"' % text)


def dmarc(text):
    return {"_dmarc": ['TXT "v=DMARC1; %s"' % text]}


def check(folder, names=("a.example",), zone=None, **options):
    files = [write_zone(folder / name, name, {**GOOD, **(zone or {})}) for name in names]
    files.append(write_zone(folder / "example", "example", {"other": ["A 192.0.2.80"]}))
    wanted = {"selectors": ["s1"], "mta_sts_policies": dict.fromkeys(names, POLICY % "enforce"), **options}
    return check_domains(list(names), zone_files=files, **wanted)


def remarked(result):
    return [remark["id"] for remark in result["domains"][0]["remarks"]]


def unmet(result):
    return [rule["id"] for rule in result["domains"][0]["rules"] if rule["outcome"] == "unmet"]


def test_of_what_is_in_order_nothing_is_remarked(tmp_path):
    result = check(tmp_path)
    assert (remarked(result), unmet(result), result["warnings"]) == ([], [], [])
    assert result["msg"] == "a.example: passed."


# What would pass in silence. A zone, options, what is remarked, which rules are unmet
AMISS = [
    (spf("mx +all"), {}, [], ["spf_restricts"]),
    (spf("mx +all"), {"expect": {"spf_restricts": None}}, ["spf_pass_all"], []),
    (spf("mx ?all"), {}, ["spf_neutral_all"], []),
    (spf("mx"), {}, ["spf_no_all"], []),
    (spf("mx ptr -all"), {}, ["spf_ptr"], []),
    (spf("moo -all"), {}, [], ["spf_valid"]),
    (spf("moo -all"), {"expect": {"spf_valid": None}}, ["spf_syntax"], []),
    (dmarc("p=reject; sp=none; rua=mailto:d@a.example"), {}, ["dmarc_subdomains_weaker"], []),
    (dmarc("p=none"), {}, ["dmarc_no_reports"], []),
    (dmarc("p=none; pct=50; rua=mailto:d@a.example"), {}, ["dmarc_tag_removed"], []),
    (dmarc("p=reject; t=y; rua=mailto:d@a.example"), {}, ["dmarc_testing"], []),
    (dmarc("p=reject; t=y; rua=mailto:d@a.example"), {"expect": {"dmarc_policy": "reject"}}, [], ["dmarc_policy"]),
    (dmarc("p=reject; rua=mailto:d@other.example"), {}, [], ["dmarc_reports_authorised"]),
    ({"_dmarc": ['TXT "v=DMARC1; p=none"', 'TXT "v=DMARC1; p=reject"']}, {}, [], ["dmarc_valid"]),
    ({"s1._domainkey": ['TXT "v=DKIM1; t=y; %s"' % KEY]}, {}, ["dkim_testing"], []),
    ({"s1._domainkey": ['TXT "v=DKIM1; p="']}, {}, [], ["dkim_valid"]),
    ({}, {"mta_sts_policies": {"a.example": TESTING}}, ["mta_sts_testing"], []),
    ({}, {"mta_sts_policies": {"a.example": TESTING}, "expect": {"mta_sts_mode": "enforce"}}, [], ["mta_sts_mode"]),
    ({}, {"mta_sts_policies": {"a.example": POLICY % "none"}}, ["mta_sts_none"], []),
    ({"mx": ["A 10.0.0.25"]}, {}, ["mx_private"], []),
    ({"mx": ["AAAA fd00::25"]}, {}, ["mx_private"], []),
    ({"mx": ["A 127.0.0.1"]}, {}, [], ["mx_valid"]),
    (apex("A 192.0.2.1", 'TXT "v=spf1 a -all"'), {"look_at": ["mx"]}, [], ["mx_present"]),
    (apex("A 192.0.2.1"), {"look_at": ["mx"], "expect": {"mx_present": None}}, ["mx_implicit"], []),
    (apex("MX 10 mx", 'CAA 0 issue ";"'), {"look_at": ["caa"]}, ["caa_nobody"], []),
    (apex("MX 10 mx", 'CAA 128 tbs "x"'), {"look_at": ["caa"]}, ["caa_critical"], []),  # an error that no rule tells
]  # fmt: skip


@pytest.mark.parametrize(("zone", "options", "ids", "rules"), AMISS)
def test_what_is_amiss_is_told_by_a_rule_or_remarked(zone, options, ids, rules, tmp_path):
    result = check(tmp_path, zone=zone, **options)
    assert (remarked(result), unmet(result)) == (ids, rules)
    assert [text.partition(":")[0] for text in result["warnings"]] == ids


def test_a_remark_says_of_what_and_the_sentence_counts_it(tmp_path):
    result = check(tmp_path, zone={"s1._domainkey": ['TXT "v=DKIM1; t=y; %s"' % KEY]})
    (remark,) = result["domains"][0]["remarks"]
    assert (remark["of"], remark["title"], remark["level"]) == ("dkim", "DKIM", "warning")
    assert remark["text"].startswith("s1: t=y: ") and remark["source"] == "RFC 6376 3.6.1"
    assert result["msg"] == "a.example: passed, 1 warning."


def test_of_many_domains_each_kind_is_warned_of_once(tmp_path):
    names = ["d%d.example" % number for number in range(5)]
    result = check(tmp_path, names, spf("mx ?all"), look_at=["spf"])
    (warning,) = result["warnings"]
    assert warning.startswith("spf_neutral_all of d0.example, d1.example, d2.example and others: SPF: ")
    assert warning.endswith(".") and not warning.endswith("..")


def test_of_a_thousand_of_a_kind_the_first_ones_are_shown(tmp_path):
    result = check(
        tmp_path,
        zone=spf("ptr:a.example ptr:b.example ptr:c.example ptr:d.example ptr:e.example ptr:f.example ptr ?all"),
        look_at=["spf"],
    )
    assert remarked(result) == ["spf_ptr"] * 6 + ["spf_neutral_all"]
    assert result["domains"][0]["remarks"][5]["text"] == "and 2 more, see problems"
    assert len(result["warnings"]) == 2


def test_what_a_rule_that_is_not_judged_says_is_not_said_again(tmp_path):
    result = check(tmp_path, zone=spf("include:elsewhere.test -all"))
    outcomes = {rule["id"]: rule["outcome"] for rule in result["domains"][0]["rules"]}
    assert outcomes["spf_valid"] == outcomes["spf_restricts"] == "unknown"
    assert remarked(result) == []


def test_rules_and_problems_are_named_as_they_are():
    for name, rules in remarks._TOLD_BY.items():
        assert name in PROBLEMS and set(rules) <= set(RULES)
