# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What a domain is advised to publish: one step at a time, never what would break mail, and what must be true first.

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.advice import policy_for, records_for
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.dane import look_up_dane
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.dkim import look_up_dkim
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.dmarc.policy import look_up_dmarc
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.mta_sts.evaluate import (
    given_policy,
    judge_mta_sts,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.mta_sts.policy import (
    policy_text,
    read_policy,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.mta_sts.record import look_up_mta_sts
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.mx import look_up_exchangers
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.relays import RelayFacts
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.spf.client import Sender
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.spf.facts import spf_facts
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.tls_rpt import look_up_tls_rpt
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.model import INSECURE, SECURE
from ansible_collections.postmaster.mailcheck.tests.support.answers import play
from ansible_collections.postmaster.mailcheck.tests.support.published import NO_DATA, SERVFAIL, zone

MX = {"example.com MX": ["10 mx1.example.com."], "mx1.example.com A": ["192.0.2.25"]}
RUA = "rua=mailto:dmarc@example.com"
REPORTS = "rua=mailto:dmarc-reports@example.com"
DMARC, TLS_RPT = "_dmarc.example.com", "_smtp._tls.example.com"


def look_at(table, domain="example.com", spf=None, selectors=(), fields=("mx", "dmarc", "tls_rpt", "dkim"), senders=()):
    """Return the facts of what is published. `spf` are the TXT records of the domain; None: it is not looked at."""
    look_ups = {
        "mx": look_up_exchangers(domain),
        "dmarc": look_up_dmarc(domain),
        "tls_rpt": look_up_tls_rpt(domain),
        "dkim": look_up_dkim(domain, selectors),
        "spf": spf_facts(domain, senders, 0),
    }
    answers = zone({**table, domain + " TXT": spf} if spf else table)
    wanted = {*fields, "spf"} if spf is not None else fields
    facts = {name: play(look_up, answers) if name in wanted else None for name, look_up in look_ups.items()}
    return SimpleNamespace(mta_sts=None, dane=None, relays=None, **facts)


def listed(records):
    assert all(record.reason and record.after and record.ttl > 0 for record in records)
    return [(record.name, record.type, record.value) for record in records]


def advised(table, domain="example.com", **looking):
    """Return (name, type, value) of each record, after looking at what is published."""
    return listed(records_for(domain, look_at(table, domain, **looking)))


# (what it is about, the section of RFC 9989), the DMARC record, what is advised instead
STEPS = [
    (("nothing there: begin with none, and with reports", "5.1.4"), None, "v=DMARC1; p=none; " + REPORTS),
    (("none: quarantine", "5.1.7"), "v=DMARC1; p=none; " + RUA, "v=DMARC1; p=quarantine; " + RUA),
    (("quarantine: reject", "5.1.7"), "v=DMARC1; p=quarantine; " + RUA, "v=DMARC1; p=reject; " + RUA),
    (("reject: nothing", "5.1.7"), "v=DMARC1; p=reject; " + RUA, None),
    (("reject without reports: nothing is in the way", "5.1.7"), "v=DMARC1; p=reject", None),
    (("without reports nobody knows: those first", "5.1.5"), "v=DMARC1; p=none", "v=DMARC1; p=none; " + REPORTS),
    (("p left out", "4.7"), "v=DMARC1; " + RUA, "v=DMARC1; p=quarantine; " + RUA),
    (("being tested: that ends first", "4.7"), "v=DMARC1; p=quarantine; t=y; " + RUA,
     "v=DMARC1; p=quarantine; " + RUA),
    (("a part only: that ends first", "C.4"), "v=DMARC1; p=quarantine; pct=20; " + RUA,
     "v=DMARC1; p=quarantine; " + RUA),
    (("a hundredth of it: that ends first", "C.4"), "v=DMARC1; p=quarantine; pct=0; " + RUA,
     "v=DMARC1; p=quarantine; " + RUA),
    (("what else it says stays", "4.7"), "v=DMARC1; sp=none; adkim=s; p=none; %s; pct=100" % RUA,
     "v=DMARC1; p=quarantine; sp=none; adkim=s; " + RUA),
    (("what is broken is for its owner to mend", "4.7"), "v=DMARC1; p=block; " + RUA, None),
    (("what was meant to be a record, too", "4.7"), "v=DMARC1 p=reject", None),
]  # fmt: skip


@pytest.mark.parametrize("case", STEPS, ids=lambda case: "%s: %s" % case[0][::-1])
def test_dmarc_is_one_step_stricter(case):
    _about, record, expected = case
    table = {**MX, "_smtp._tls.example.com TXT": ["v=TLSRPTv1; rua=mailto:tls@example.com"]}
    if record is not None:
        table["_dmarc.example.com TXT"] = [record]
    assert advised(table) == ([] if expected is None else [(DMARC, "TXT", expected)])


def test_the_address_that_reports_go_to_has_to_exist_first():
    dmarc, tls_rpt = records_for("example.com", look_at({**MX, "_dmarc.example.com TXT": ["v=DMARC1; p=none"]}))
    assert dmarc.after.startswith("the mailbox dmarc-reports@example.com exists: ")
    assert tls_rpt.after.startswith("the mailbox tls-reports@example.com exists: ")


def test_a_stricter_policy_comes_after_reports_have_shown_that_all_pass():
    facts = look_at({"_dmarc.example.com TXT": ["v=DMARC1; p=none; " + RUA]}, fields=("dmarc",))
    (record,) = records_for("example.com", facts)
    assert "reports show" in record.after and "senders" in record.after


def test_nothing_is_advised_in_place_of_what_was_not_answered():
    assert advised({"_dmarc.example.com TXT": SERVFAIL, "_smtp._tls.example.com TXT": SERVFAIL, **MX}) == []
    assert advised({"example.com MX": SERVFAIL, "_dmarc.example.com TXT": ["v=DMARC1; p=reject"]}) == []


def test_another_domains_record_is_not_ours_to_change():
    table = {"_dmarc.example.com TXT": ["v=DMARC1; p=none; " + RUA], "news.example.com SOA": NO_DATA}
    assert advised(table, "news.example.com", fields=("dmarc",)) == []


def test_the_consent_of_who_gets_the_reports():
    record = "v=DMARC1; p=reject; rua=mailto:dmarc@consulting.example"
    assert advised({"_dmarc.example.com TXT": [record]}, fields=("dmarc",)) == [
        ("example.com._report._dmarc.consulting.example", "TXT", "v=DMARC1;")
    ]


def test_reports_about_tls_for_a_domain_that_takes_mail():
    reject = {"_dmarc.example.com TXT": ["v=DMARC1; p=reject"]}
    assert advised({**MX, **reject}) == [(TLS_RPT, "TXT", "v=TLSRPTv1; rua=mailto:tls-reports@example.com")]
    assert advised({"example.com MX": ["0 ."], **reject}) == []
    assert advised(reject, fields=("dmarc", "tls_rpt")) == []  # whether it takes mail was not looked at
    assert advised({**MX, **reject, "_smtp._tls.example.com TXT": ["v=TLSRPTv1 rua=x"]}) == []


# A domain that is parked: neither sends nor takes mail

NO_SPF = []
NEVER = ["v=spf1 -all"]
SENDS = ["v=spf1 ip4:192.0.2.25 -all"]
PARKED = [
    ("example.com", "MX", "0 ."), ("example.com", "TXT", "v=spf1 -all"), (DMARC, "TXT", "v=DMARC1; p=reject"),
]  # fmt: skip


def test_a_parked_domain_says_that_it_has_no_mail():
    assert advised({}, spf=NO_SPF) == PARKED
    assert advised({}, spf=NEVER) == [PARKED[0], PARKED[2]]
    assert advised({"example.com MX": ["0 ."]}, spf=NO_SPF) == PARKED[1:]
    assert advised({"example.com MX": ["0 ."], "_dmarc.example.com TXT": ["v=DMARC1; p=none; " + RUA]}, spf=NEVER) == [
        (DMARC, "TXT", "v=DMARC1; p=reject; " + RUA)
    ]
    assert advised({"example.com MX": ["0 ."], "_dmarc.example.com TXT": ["v=DMARC1; p=reject"]}, spf=NEVER) == []


def test_a_parked_domain_is_told_nothing_of_dmarc_that_was_not_looked_at():
    assert advised({}, spf=NO_SPF, fields=("mx",)) == PARKED[:2]


def test_a_domain_with_an_address_and_no_mx_is_parked_only_if_it_says_that_it_sends_nothing():
    web = {"example.com A": ["192.0.2.80"], "_dmarc.example.com TXT": ["v=DMARC1; p=reject"],
           "_smtp._tls.example.com TXT": ["v=TLSRPTv1; rua=mailto:tls@example.com"]}  # fmt: skip
    assert advised(web, spf=NO_SPF) == []
    assert advised(web, spf=NEVER) == [("example.com", "MX", "0 .")]


@pytest.mark.parametrize(
    "spf, selectors, table",
    [
        (SENDS, (), {}),
        (None, (), {}),
        (SERVFAIL, (), {}),
        (NO_SPF, ("s1",), {"s1._domainkey.example.com TXT": ["v=DKIM1; p=" + "A" * 40]}),
        (NO_SPF, ("s1",), {"s1._domainkey.example.com TXT": SERVFAIL}),
        (NO_SPF, (), {"example.com MX": SERVFAIL}),
        (NO_SPF, (), {"example.com A": SERVFAIL}),
    ],
)
def test_a_domain_that_may_have_mail_is_not_told_to_refuse_it(spf, selectors, table):
    table = {"_dmarc.example.com TXT": ["v=DMARC1; p=none"], **table}
    found = advised(table, spf=spf, selectors=selectors)
    assert [record for record in found if record[1] == "MX" or "-all" in record[2] or "reject" in record[2]] == []


def test_a_null_mx_beside_a_real_one_is_for_its_owner_to_mend():
    table = {"example.com MX": ["0 .", "10 mx1.example.com."], "mx1.example.com A": ["192.0.2.25"]}
    assert advised(table, fields=("mx",)) == []
    assert [record for record in advised(table, spf=NEVER) if record[1] == "MX"] == []


def test_a_domain_of_which_the_caller_names_senders_is_not_parked():
    facts = look_at({}, spf=NO_SPF, senders=(Sender("192.0.2.25"),))
    assert [record for record in listed(records_for("example.com", facts)) if record[1] == "MX"] == []


def test_an_spf_record_is_advised_where_what_is_meant_is_plain():
    found = advised({**MX, "_dmarc.example.com TXT": ["v=DMARC1; p=reject"]}, spf=["v=spf1 ipv4:192.0.2.25 -all"])
    assert ("example.com", "TXT", "v=spf1 ip4:192.0.2.25 -all") in found


MANY_TAGS = "; ".join("x%d=%s" % (number, "a" * 100) for number in range(60))


@pytest.mark.parametrize("rest", ["ruf: a", "x=\xe9", "sp=r\xe9ject", MANY_TAGS])
def test_a_dmarc_record_that_is_not_known_to_the_letter_is_not_rewritten(rest):
    table = {**MX, "_dmarc.example.com TXT": ["v=DMARC1; p=none; rua=mailto:a@example.com; " + rest]}
    assert not [record for record in advised(table) if record[0] == "_dmarc.example.com"]


def test_a_dmarc_record_whose_policy_is_no_text_is_advised_nothing():
    table = {**MX, "_dmarc.example.com TXT": ["v=DMARC1; p=r\xe9ject; rua=mailto:a@example.com"]}
    assert not [record for record in advised(table) if record[0] == "_dmarc.example.com"]


# MTA-STS: a policy first, then the record that announces it (RFC 8461 3)


def with_policy(policy, table=None, fields=("mx",)):
    return records_for("example.com", facts_with_policy(policy, table, fields))


def policy_of(policy, table=None):
    return policy_for(facts_with_policy(policy, table, ("mx",)))


def facts_with_policy(policy, table, fields):
    table = MX if table is None else table
    facts = look_at(table, fields=fields)
    hosts = [host.host for host in facts.mx.hosts] if facts.mx else None
    announced = play(look_up_mta_sts("example.com"), zone(table))
    facts.mta_sts = judge_mta_sts("example.com", announced, policy and given_policy(policy), hosts)
    return facts


def test_a_policy_that_nobody_announces_gets_its_record():
    (record,) = with_policy(policy_text("enforce", ["mx1.example.com"], 604800))
    assert (record.name, record.type) == ("_mta-sts.example.com", "TXT")
    assert "the policy is served" in record.after


@pytest.mark.parametrize("record", ["v=STSv1; id=1;", "v=STSv2; id=1;"])
def test_a_policy_beside_a_record_is_announced_by_no_other(record):
    policy = policy_text("enforce", ["mx1.example.com"], 604800)
    assert with_policy(policy, {**MX, "_mta-sts.example.com TXT": [record]}) == ()


def test_a_policy_that_would_stop_mail_is_not_announced():
    policy = policy_text("enforce", ["other.example.com"], 604800)
    assert with_policy(policy) == ()
    assert len(with_policy(policy_text("testing", ["other.example.com"], 604800))) == 1
    unknown = {"example.com MX": SERVFAIL}
    assert with_policy(policy_text("enforce", ["mx1.example.com"], 604800), unknown) == ()
    assert len(with_policy(policy_text("testing", ["mx1.example.com"], 604800), unknown)) == 1


def test_without_a_policy_one_in_testing_is_written_for_the_relays_there_are():
    (record,) = with_policy(None)
    lines = ["version: STSv1", "mode: testing", "mx: mx1.example.com"]
    text = policy_of(None)
    assert text.endswith("max_age: 604800\r\n")  # a week
    assert text.split("\r\n")[: len(lines)] == lines
    assert read_policy(text.encode())[0].mx == ("mx1.example.com",)
    for line in ("version: STSv1", "mode: testing", "mx: mx1.example.com", "max_age: "):
        assert line in record.after
    assert with_policy(None, {"example.com MX": ["0 ."]}) == ()
    assert with_policy(None, {"example.com MX": SERVFAIL}) == ()
    assert with_policy(None, {"_mta-sts.example.com TXT": SERVFAIL, **MX}) == ()
    assert with_policy(None, {"_mta-sts.example.com TXT": ["v=STSv1; id=1;"], **MX}) == ()
    assert with_policy(None, {"_mta-sts.example.com TXT": ["v=STSv2; id=1;"], **MX}) == ()
    for table in (
        {"example.com MX": ["0 ."]}, {"example.com MX": SERVFAIL}, {"_mta-sts.example.com TXT": ["v=STSv1; id=1;"], **MX},
    ):  # fmt: skip
        assert policy_of(None, table) is None
    assert policy_of(policy_text("enforce", ["mx1.example.com"], 604800)) is None  # it is served


# TLSA records of what is served

HOST, KEY, OTHER_KEY = "mx1.example.com", "ab" * 32, "cd" * 32
PUBLISHED = {HOST + " A": ["192.0.2.25"], "_25._tcp.%s TLSA" % HOST: ["3 1 1 " + KEY]}


def serving(*keys, host=HOST):
    """Return an address of the host for each key; None: it showed none."""
    nothing = RelayFacts(host, "192.0.2.25", 25, True, None, None, (), None, None, "", (), None)
    return tuple(nothing._replace(public_key_sha256=key) for key in keys)


@pytest.mark.parametrize(("about", "dnssec", "relays", "keys"), [
    # RFC 7671 5.1: 3 1 1 outlives a renewal with the same key. Each key that is served, and none that is not.
    ({}, SECURE, serving(KEY), [KEY]),
    ({}, INSECURE, serving(KEY), [KEY]),  # it says that the zone has to be signed first
    ({}, SECURE, serving(KEY, KEY), [KEY]),
    ({}, SECURE, serving(KEY, OTHER_KEY), [KEY, OTHER_KEY]),
    ({}, SECURE, serving(KEY, None), []),  # mail to the address that shows no key would be deferred
    ({}, SECURE, (), []),
    (PUBLISHED, SECURE, serving(OTHER_KEY), []),  # what is published is to be mended, and not to be added to
    ({"_25._tcp.%s TLSA" % HOST: SERVFAIL}, SECURE, serving(KEY), []),
    ({}, SECURE, serving(KEY, host="mx.provider.example"), []),  # another's zone
])  # fmt: skip
def test_tlsa_of_what_is_served(about, dnssec, relays, keys):
    facts = look_at({})
    host = relays[0].host if relays else HOST
    facts.dane = play(look_up_dane([host], SECURE), zone({host + " A": ["192.0.2.25"], **about}, dnssec))
    facts.relays = relays
    found = [record for record in records_for("example.com", facts) if record.type == "TLSA"]
    assert listed(found) == [("_25._tcp." + HOST, "TLSA", "3 1 1 " + key) for key in keys]
    assert all("signed" in record.after for record in found)
