# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Each rule with facts that meet it, that break it, and that do not say; what is not known is never taken for good.

from __future__ import annotations

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.bimi import Bimi
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.blocklists import Listing
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.caa import HostCaa
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.dane import Dane
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.dkim import DkimKey
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.dmarc.policy import Dmarc
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.dmarc.report_destinations import (
    ReportDestination,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.dnssec import Dnssec
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.facts import DomainFacts
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.mta_sts.evaluate import MtaSts, PolicyFetch
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.mta_sts.policy import Policy
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.mx import MailExchanger, MailExchangers
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.problems import Problem
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.relays import DeliveryFacts, RelayFacts
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.reverse import ReverseName
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.rules import (
    ALWAYS,
    RULES,
    WHERE_PRESENT,
    usual_expectations,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.spf.facts import (
    SenderFacts,
    SpfFacts,
    TermFacts,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.tls_rpt import TlsRpt
from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.rules import evaluate, parse_expect

ERROR = (Problem("some_error", "error", "this is wrong", "RFC 0 0"),)
WARNING = (Problem("some_warning", "warning", "this is odd", "RFC 0 0"),)
OPEN = {"bogus": "its signature has expired", "not_determined": "SERVFAIL"}


def a_fact(of, state, problems=(), valid=..., **fields):
    """A record of facts; what is not given is None, or its default."""
    if valid is ...:
        valid = not any(found.level == "error" for found in problems) if state == "present" else None
    common = {"state": state, "reason": OPEN.get(state, ""), "valid": valid, "problems": problems}
    empty = dict.fromkeys(of._fields)
    return of(**{**empty, **of._field_defaults, **common, **fields})


def mx(state="present", *hosts, **fields):
    return a_fact(MailExchangers, state, hosts=tuple(hosts), **fields)


def host(state="present", name="mx.example.com", **fields):
    return a_fact(MailExchanger, state, host=name, addresses=("192.0.2.1",) if state == "present" else (), **fields)


def dnssec(status):
    return a_fact(Dnssec, status if status in OPEN else "present", status=status)


def dane(state, problems=(), name="mx.example.com"):
    return a_fact(Dane, state, problems, host=name)


def mta_sts(state, problems=(), mode=None, applies=True, **fields):
    policy = Policy(*[None] * len(Policy._fields))._replace(mode=mode) if mode else None
    return a_fact(
        MtaSts, state, problems, fetch=PolicyFetch("https://x"), policy=policy, applies=applies and bool(mode), **fields
    )


def sender(result, address="192.0.2.1"):
    empty = SenderFacts(*[None] * len(SenderFacts._fields))
    return empty._replace(address=address, host="", result=result, reason="SERVFAIL")


def spf(state="present", problems=(), results=(), **fields):
    return a_fact(SpfFacts, state, problems, senders=tuple(sender(result) for result in results), **fields)


def term(text, *below):
    return TermFacts(text, 0, "", "", "", "", below)


def key(state="present", problems=(), key_type="", bits=None, selector="s1"):
    return a_fact(DkimKey, state, problems, selector=selector, key_type=key_type, bits=bits)


def dmarc(state="present", problems=(), policy=None, effective=None, agreed=()):
    found = tuple(a_fact(ReportDestination, "present", domain="d.example", authorised=one) for one in agreed)
    return a_fact(
        Dmarc, state, problems, policy=policy, effective_policy=effective or policy, report_destinations=found
    )


def address(state="present", confirmed=None, name="192.0.2.1"):
    return a_fact(ReverseName, state, address=name, confirmed=confirmed)


def listing(state, zone="bl.example", codes=()):
    return a_fact(Listing, state, zone=zone, address="192.0.2.1", codes=codes)


def relay(*outcomes, name="mx.example.com"):
    kinds = ("dane", "mta_sts", "opportunistic")
    told = tuple(DeliveryFacts(kind, outcome, "%s %s" % (name, outcome)) for kind, outcome in zip(kinds, outcomes))
    return RelayFacts(*[None] * len(RelayFacts._fields))._replace(host=name, deliveries=told)


def state_rules(name, field, make, valid_too=True):
    """The same for every fact: NAME_present and, where `valid_too`, NAME_valid."""
    yield name + "_present", True, {field: make("present")}, "met"
    yield name + "_present", True, {field: make("present", ERROR)}, "met"
    yield name + "_present", True, {field: make("absent")}, "unmet"
    yield name + "_present", False, {field: make("absent")}, "met"
    yield name + "_present", False, {field: make("present")}, "unmet"
    yield name + "_present", True, {}, "unknown"
    strict = name == "dane"
    for state in OPEN:
        outcome = "unmet" if strict and state == "bogus" else "unknown"
        yield name + "_present", True, {field: make(state)}, outcome
        if valid_too:
            yield name + "_valid", True, {field: make(state)}, outcome
    if valid_too:
        yield name + "_valid", True, {field: make("present")}, "met"
        yield name + "_valid", True, {field: make("present", WARNING)}, "met"
        yield name + "_valid", True, {field: make("present", ERROR)}, "unmet"
        yield name + "_valid", False, {field: make("present", ERROR)}, "met"
        yield name + "_valid", True, {field: make("absent")}, "unmet"


HOSTS = mx("present", host(), host(name="mx2.example.com"))
ONE_OPEN = mx("present", host(), host("not_determined", "mx2.example.com"))
CASES = [
    *state_rules("mx", "mx", mx, valid_too=False),
    *state_rules("dane", "dane", lambda *given: (dane(*given),)),
    *state_rules("mta_sts", "mta_sts", mta_sts),
    *state_rules("tls_rpt", "tls_rpt", lambda *given: a_fact(TlsRpt, *given)),
    *state_rules("spf", "spf", spf),
    *state_rules("dmarc", "dmarc", dmarc),
    *state_rules("caa", "caa", lambda *given: (a_fact(HostCaa, *given, host="mx"),), valid_too=False),
    *[case for case in state_rules("bimi", "bimi", lambda *given: a_fact(Bimi, *given)) if case[0] == "bimi_valid"],
    *[case for case in state_rules("dkim", "dkim", lambda *given: (key(*given),)) if case[0] == "dkim_valid"],
    # a domain without mail
    ("null_mx", True, {"mx": mx("present", null=True)}, "met"),
    ("null_mx", True, {"mx": HOSTS}, "unmet"),
    ("null_mx", False, {"mx": HOSTS}, "met"),
    ("null_mx", False, {"mx": mx("present", null=True)}, "unmet"),
    ("null_mx", True, {"mx": mx("absent", implicit=True)}, "unmet"),
    ("null_mx", True, {"mx": mx("not_determined")}, "unknown"),
    ("spf_denies_all", True, {"spf": spf(terms=(term("-all"),))}, "met"),
    ("spf_denies_all", True, {"spf": spf(terms=(term("redirect=x.example", term("-ALL")),))}, "met"),
    ("spf_denies_all", True, {"spf": spf(terms=(term("mx"), term("-all")))}, "unmet"),
    ("spf_denies_all", True, {"spf": spf(terms=(term("~all"),))}, "unmet"),
    ("spf_denies_all", True, {"spf": spf("present", ERROR, terms=(term("-all"),))}, "unmet"),
    ("spf_denies_all", True, {"spf": spf("absent", terms=())}, "unmet"),
    ("spf_denies_all", True, {"spf": spf("not_determined")}, "unknown"),
    # TLS that a sender can insist on: one of two is enough
    ("dane_or_mta_sts", True, {"dane": (dane("present"),), "mta_sts": mta_sts("absent")}, "met"),
    ("dane_or_mta_sts", True, {"dane": (dane("absent"),), "mta_sts": mta_sts("present", mode="enforce")}, "met"),
    ("dane_or_mta_sts", True, {"dane": (dane("not_determined"),), "mta_sts": mta_sts("present", mode="enforce")}, "met"),
    ("dane_or_mta_sts", True, {"dane": (dane("present"),), "mta_sts": mta_sts("not_determined")}, "met"),
    ("dane_or_mta_sts", False, {"dane": (dane("present"),), "mta_sts": mta_sts("absent")}, "unmet"),
    ("dane_or_mta_sts", True, {"dane": (dane("absent"),), "mta_sts": mta_sts("absent")}, "unmet"),
    ("dane_or_mta_sts", True, {"dane": (dane("absent"),), "mta_sts": mta_sts("present", mode="testing")}, "unmet"),
    ("dane_or_mta_sts", True, {"dane": (dane("present"), dane("absent", name="mx2")), "mta_sts": mta_sts("absent")},
     "unmet"),
    ("dane_or_mta_sts", True, {"dane": (dane("bogus"),), "mta_sts": mta_sts("absent")}, "unmet"),
    ("dane_or_mta_sts", False, {"dane": (dane("absent"),), "mta_sts": mta_sts("absent")}, "met"),
    ("dane_or_mta_sts", True, {"dane": (dane("absent"),), "mta_sts": mta_sts("bogus")}, "unknown"),
    ("dane_or_mta_sts", True, {"dane": (dane("not_determined"),), "mta_sts": mta_sts("absent")}, "unknown"),
    ("dane_or_mta_sts", True, {"mx": HOSTS, "dane": (), "mta_sts": mta_sts("absent")}, "unknown"),
    # where mail goes
    ("mx_valid", True, {"mx": HOSTS}, "met"),
    ("mx_valid", True, {"mx": mx("present", null=True)}, "met"),
    ("mx_valid", True, {"mx": mx("present", host(), problems=ERROR)}, "unmet"),
    ("mx_valid", True, {"mx": mx("present", host(), host("absent", problems=ERROR))}, "unmet"),
    ("mx_valid", True, {"mx": ONE_OPEN}, "unknown"),
    ("mx_valid", True, {"mx": mx("present", host("bogus"))}, "unknown"),
    ("mx_valid", True, {"mx": mx("present", host("bogus"), host("absent", problems=ERROR))}, "unmet"),
    ("mx_valid", True, {"mx": mx("absent", host(), implicit=True)}, "met"),
    ("mx_valid", True, {"mx": mx("absent", implicit=False)}, "unmet"),
    ("mx_valid", True, {"mx": mx("absent", host("not_determined"), implicit=None)}, "unknown"),
    ("mx_valid", True, {"mx": mx("not_determined")}, "unknown"),
    ("null_mx_alone", True, {"mx": mx("present", null=True)}, "met"),
    ("null_mx_alone", True, {"mx": mx("present", problems=(Problem("mx_null_beside_others", "error", "t", "s"),))}, "unmet"),
    ("null_mx_alone", True, {"mx": mx("not_determined")}, "unknown"),
    # DNSSEC: what is bogus fails at senders that validate
    ("dnssec_secure", True, {"dnssec": dnssec("secure")}, "met"),
    ("dnssec_secure", True, {"dnssec": dnssec("insecure")}, "unmet"),
    ("dnssec_secure", True, {"dnssec": dnssec("bogus")}, "unmet"),
    ("dnssec_secure", False, {"dnssec": dnssec("bogus")}, "met"),
    ("dnssec_secure", True, {"dnssec": dnssec("not_determined")}, "unknown"),
    ("dnssec_valid", True, {"dnssec": dnssec("secure")}, "met"),
    ("dnssec_valid", True, {"dnssec": dnssec("insecure")}, "met"),
    ("dnssec_valid", True, {"dnssec": dnssec("bogus")}, "unmet"),
    ("dnssec_valid", True, {"dnssec": dnssec("not_determined")}, "unknown"),
    # DANE: of several hosts one is enough to break it
    ("dane_valid", True, {"dane": (dane("present"), dane("present", ERROR))}, "unmet"),
    ("dane_valid", True, {"dane": (dane("present"), dane("not_determined"))}, "unknown"),
    ("dane_valid", True, {"dane": (dane("present", ERROR), dane("not_determined"))}, "unmet"),
    ("dane_valid", False, {"dane": (dane("present"), dane("present", ERROR))}, "met"),
    ("dane_valid", False, {"dane": (dane("present"), dane("not_determined"))}, "unknown"),
    ("dane_valid", False, {"dane": (dane("present"),)}, "unmet"),
    ("dane_valid", True, {"dane": (), "mx": mx("not_determined")}, "unknown"),
    ("dane_valid", True, {"dane": (), "mx": mx("present", null=True)}, "unknown"),
    # MTA-STS: only a policy that senders find and go by has a mode
    ("mta_sts_mode", "testing", {"mta_sts": mta_sts("present", mode="testing")}, "met"),
    ("mta_sts_mode", "testing", {"mta_sts": mta_sts("present", mode="enforce")}, "met"),
    ("mta_sts_mode", "enforce", {"mta_sts": mta_sts("present", mode="testing")}, "unmet"),
    ("mta_sts_mode", "testing", {"mta_sts": mta_sts("present", mode="none")}, "unmet"),
    ("mta_sts_mode", "testing", {"mta_sts": mta_sts("present", ERROR)}, "unmet"),
    ("mta_sts_mode", "enforce", {"mta_sts": mta_sts("absent", mode="enforce", applies=False)}, "unmet"),
    ("mta_sts_mode", "testing", {"mta_sts": mta_sts("not_determined")}, "unknown"),
    ("mta_sts_valid", True, {"mta_sts": mta_sts("present", mode="enforce", valid=None, reason="SERVFAIL")}, "unknown"),
    # SPF
    ("spf_valid", True, {"spf": spf(valid=None, reason="SERVFAIL")}, "unknown"),
    ("spf_lookups", 10, {"spf": spf(lookups=10)}, "met"),
    ("spf_lookups", 10, {"spf": spf(lookups=11)}, "unmet"),
    ("spf_lookups", 10, {"spf": spf(lookups=9, valid=None, reason="SERVFAIL")}, "unknown"),
    ("spf_lookups", 10, {"spf": spf(lookups=11, valid=None, reason="SERVFAIL")}, "unmet"),
    ("spf_lookups", 10, {"spf": spf(lookups=None)}, "unknown"),
    ("spf_lookups", 10, {"spf": spf("absent")}, "met"),
    ("spf_lookups", 10, {"spf": spf("bogus")}, "unknown"),
    ("spf_restricts", True, {"spf": spf(strangers_pass=False)}, "met"),
    ("spf_restricts", True, {"spf": spf(strangers_pass=True)}, "unmet"),
    ("spf_restricts", True, {"spf": spf(valid=None, reason="SERVFAIL")}, "unknown"),
    ("spf_restricts", True, {"spf": spf()}, "unknown"),
    ("spf_restricts", True, {"spf": spf("absent")}, "met"),
    ("spf_restricts", True, {"spf": spf("bogus")}, "unknown"),
    ("spf_restricts", False, {"spf": spf(strangers_pass=True)}, "met"),
    ("spf_senders_pass", True, {"spf": spf(results=["pass", "pass"])}, "met"),
    ("spf_senders_pass", True, {"spf": spf(results=["pass", "fail"])}, "unmet"),
    ("spf_senders_pass", True, {"spf": spf(results=["pass", "softfail"])}, "unmet"),
    ("spf_senders_pass", True, {"spf": spf(results=["pass", "neutral"])}, "unmet"),
    ("spf_senders_pass", True, {"spf": spf(results=["pass", "permerror"])}, "unmet"),
    ("spf_senders_pass", True, {"spf": spf(results=["pass", "temperror"])}, "unknown"),
    ("spf_senders_pass", True, {"spf": spf(results=["pass", None])}, "unknown"),
    ("spf_senders_pass", True, {"spf": spf(results=["fail", "temperror"])}, "unmet"),
    ("spf_senders_pass", True, {"spf": spf("absent", results=["none"])}, "unmet"),
    ("spf_senders_pass", False, {"spf": spf(results=["fail", "pass"])}, "met"),
    ("spf_senders_pass", True, {"spf": spf()}, "unknown"),
    ("spf_senders_pass", True, {}, "unknown"),
    # DKIM
    ("dkim_valid", True, {"dkim": ()}, "unknown"),
    ("dkim_valid", True, {"dkim": (key(), key("absent", selector="s2"))}, "unmet"),
    ("dkim_min_bits", 2048, {"dkim": (key(key_type="rsa", bits=2048),)}, "met"),
    ("dkim_min_bits", 2048, {"dkim": (key(key_type="rsa", bits=1024),)}, "unmet"),
    ("dkim_min_bits", 2048, {"dkim": (key(key_type="ed25519", bits=256),)}, "met"),
    ("dkim_min_bits", {"ed25519": 256}, {"dkim": (key(key_type="rsa", bits=1024),)}, "met"),
    ("dkim_min_bits", 2048, {"dkim": (key(key_type="rsa"),)}, "unmet"),
    ("dkim_min_bits", 2048, {"dkim": (key("absent"),)}, "unmet"),
    ("dkim_min_bits", 2048, {"dkim": (key("not_determined"),)}, "unknown"),
    ("dkim_min_bits", 2048, {"dkim": ()}, "unknown"),
    # DMARC: what receivers apply counts
    ("dmarc_policy", "quarantine", {"dmarc": dmarc(policy="reject")}, "met"),
    ("dmarc_policy", "quarantine", {"dmarc": dmarc(policy="quarantine")}, "met"),
    ("dmarc_policy", "quarantine", {"dmarc": dmarc(policy="none")}, "unmet"),
    ("dmarc_policy", "reject", {"dmarc": dmarc(policy="reject", effective="quarantine")}, "unmet"),
    ("dmarc_policy", "quarantine", {"dmarc": dmarc(policy="reject", effective="quarantine")}, "met"),
    ("dmarc_policy", "none", {"dmarc": dmarc(policy="none")}, "met"),
    ("dmarc_policy", "none", {"dmarc": dmarc("absent")}, "unmet"),
    ("dmarc_policy", "none", {"dmarc": dmarc("present", ERROR)}, "unmet"),
    ("dmarc_policy", "none", {"dmarc": dmarc("not_determined")}, "unknown"),
    ("dmarc_reports_authorised", True, {"dmarc": dmarc(agreed=[True])}, "met"),
    ("dmarc_reports_authorised", True, {"dmarc": dmarc()}, "met"),
    ("dmarc_reports_authorised", True, {"dmarc": dmarc(agreed=[True, False])}, "unmet"),
    ("dmarc_reports_authorised", True, {"dmarc": dmarc(agreed=[True, None])}, "unknown"),
    ("dmarc_reports_authorised", True, {"dmarc": dmarc(agreed=[False, None])}, "unmet"),
    ("dmarc_reports_authorised", True, {"dmarc": dmarc("absent")}, "unmet"),
    ("dmarc_reports_authorised", True, {"dmarc": dmarc("not_determined")}, "unknown"),
    # addresses
    ("reverse_names_confirmed", True, {"reverse": (address(confirmed=True),)}, "met"),
    ("reverse_names_confirmed", True, {"reverse": (address(confirmed=True), address(confirmed=False))}, "unmet"),
    ("reverse_names_confirmed", True, {"reverse": (address("absent", confirmed=False),)}, "unmet"),
    ("reverse_names_confirmed", True, {"reverse": (address(confirmed=True), address("bogus"))}, "unknown"),
    ("reverse_names_confirmed", True, {"reverse": ()}, "unknown"),
    ("not_listed", True, {"blocklists": {"bl.example": (listing("absent"),)}}, "met"),
    ("not_listed", True, {"blocklists": {"a.example": (listing("absent"),), "b.example": (listing("present"),)}}, "unmet"),
    ("not_listed", True, {"blocklists": {"bl.example": (listing("not_determined"),)}}, "unknown"),
    ("not_listed", True, {"blocklists": {"bl.example": ()}}, "unknown"),
    ("not_listed", True, {"blocklists": {}}, "unknown"),
]  # fmt: skip
for at, kind in enumerate(("dane", "mta_sts", "opportunistic")):
    rule = "delivers_" + kind

    def seen(*outcomes, at=at):
        """Relays that show this to senders of one kind."""
        return tuple(relay(*["unknown"] * at, outcome, "unknown", "unknown") for outcome in outcomes)

    CASES += [
        (rule, True, {"mx": HOSTS, "relays": seen("delivers", "delivers")}, "met"),
        (rule, True, {"mx": HOSTS, "relays": seen("delivers", "defers")}, "unmet"),
        (rule, True, {"mx": HOSTS, "relays": seen("delivers", "unknown")}, "unknown"),
        (rule, True, {"mx": HOSTS, "relays": seen("defers", "unknown")}, "unmet"),
        (rule, False, {"mx": HOSTS, "relays": seen("defers", "delivers")}, "met"),
        (rule, True, {"mx": ONE_OPEN, "relays": seen("delivers")}, "unknown"),
        (rule, True, {"mx": mx("not_determined"), "relays": ()}, "unknown"),
        (rule, True, {"mx": mx("present", null=True), "relays": ()}, "unknown"),
        (rule, True, {"mx": HOSTS}, "unknown"),
    ]


def judge(rule, expected, facts):
    expect = parse_expect(RULES, {rule: expected})
    (found,) = evaluate(RULES, expect, DomainFacts(**facts), {}, 0.0)
    return found


@pytest.mark.parametrize("rule, expected, facts, outcome", CASES)
def test_the_outcome(rule, expected, facts, outcome):
    found = judge(rule, expected, facts)
    assert found.outcome == outcome
    if outcome == "unknown":
        assert found.text.partition("this could not be judged: ")[2]
    elif outcome == "unmet":
        assert found.text.partition("observed: ")[2] and found.remedy


@pytest.mark.parametrize("known, told", [
    ({"cause": "connection_refused"}, "See that the mail server runs and listens on port 25"),
    ({"starttls": False}, "Give the relay a certificate and switch TLS on"),
    ({"starttls": True, "cause": "tls_handshake_reset"}, "See the relay's log."),
    ({"starttls": True, "tls_version": "TLSv1.3"}, RULES["delivers_mta_sts"].remedy),
])  # fmt: skip
def test_nothing_is_advised_about_a_certificate_that_nobody_saw(known, told):
    one = relay("unknown", "defers", "defers")._replace(port=25, **known)
    for rules in ("delivers_mta_sts", "delivers_opportunistic")[: 1 if "tls_version" in known else 2]:
        assert judge(rules, True, {"mx": HOSTS, "relays": (one,)}).remedy.startswith(told)
    assert judge("delivers_mta_sts", False, {"mx": HOSTS, "relays": (relay("", "delivers"),)}).remedy.startswith("Undo")


def test_every_rule_has_facts_that_meet_it_that_break_it_and_that_do_not_say():
    for rule in RULES:
        outcomes = {outcome for name, _expected, _facts, outcome in CASES if name == rule}
        assert outcomes == {"met", "unmet", "unknown"}, rule


@pytest.mark.parametrize("rule", RULES)
def test_what_was_not_looked_at_is_not_judged_and_said(rule):
    expected = {"spf_lookups": 10, "mta_sts_mode": "enforce", "dkim_min_bits": 2048, "dmarc_policy": "none"}
    found = judge(rule, expected.get(rule, True), {})
    assert found.outcome == "unknown"
    option = "relays" if RULES[rule].stage == "relays" else "%s to look_at" % RULES[rule].stage
    assert option in found.text


def test_what_is_seen_at_many_hosts_is_cut():
    many = tuple(dane("absent", name="mx%d.example.com" % number) for number in range(100))
    found = judge("dane_present", True, {"dane": many})
    assert found.observed[-1] == "and 95 more" and len(found.observed) == 6


@pytest.mark.parametrize(
    "rule, facts, observed",
    [
        ("dkim_valid", {"dkim": (key(), key("absent", selector="s2"))}, ["s2: absent"]),
        ("dane_valid", {"dane": (dane("present", ERROR),)}, ["mx.example.com: this is wrong"]),
        ("spf_senders_pass", {"spf": spf(results=["pass", "fail"])}, ["192.0.2.1: fail"]),
        ("null_mx_alone", {"mx": mx("present", null=True)}, ["present"]),
        ("dmarc_reports_authorised", {"dmarc": dmarc()}, ["nobody is to"]),
        ("reverse_names_confirmed", {"reverse": (address("absent"),)}, ["192.0.2.1: no name"]),
        ("not_listed", {"blocklists": {"bl.example": (listing("present", codes=("127.0.0.2",)),)}},
         ["192.0.2.1 is on bl.example: 127.0.0.2"]),
        ("mx_valid", {"mx": mx("present", null=True)}, ["null MX"]),
    ],
)  # fmt: skip
def test_what_is_seen_says_of_whom(rule, facts, observed):
    assert judge(rule, True, facts).observed == observed


# What is expected of any domain


def expected_of(asked, **facts):
    return set(usual_expectations(DomainFacts(**facts), asked))


def test_what_was_not_asked_for_is_not_judged():
    assert expected_of(("spf",), mx=HOSTS, spf=spf("absent")) == {"spf_present"}


def test_what_is_there_has_to_be_valid():
    always = {"spf_present", "spf_valid", "spf_restricts"}
    assert expected_of(("spf",), spf=spf()) == always
    assert expected_of(("spf",), spf=spf(results=["pass"])) == {*always, "spf_senders_pass"}
    assert expected_of(("spf",), spf=spf("not_determined")) == {"spf_present"}


def test_without_anything_to_look_at_nothing_is_expected():
    null = mx("present", null=True)
    assert expected_of(("dane", "dkim", "relays"), mx=null, dane=(), dkim=(), relays=()) == set()


def test_who_takes_no_mail_is_not_asked_how_to_deliver_it():
    asked = ("mx", "mta_sts", "tls_rpt")
    facts = {"mta_sts": mta_sts("absent"), "tls_rpt": a_fact(TlsRpt, "absent")}
    assert {"mta_sts_present", "tls_rpt_present"} <= expected_of(asked, mx=HOSTS, **facts)
    null = expected_of(asked, mx=mx("present", null=True), **facts)
    assert null == {"mx_present", "mx_valid", "null_mx_alone"}


def test_hosts_that_are_not_known_are_not_taken_for_none():
    found = expected_of(("dane", "dkim", "relays"), mx=mx("bogus"), dane=(), dkim=(), relays=())
    assert found == {"dane_present", "delivers_dane", "delivers_mta_sts", "delivers_opportunistic"}


@pytest.mark.parametrize("rule", [name for name in RULES if RULES[name].severity == "high"])
def test_what_is_grave_is_expected_without_being_asked_for_but_what_is_the_callers_to_say(rule):
    """What breaks mail, or lets it be forged, is told of any domain; how much of something is the caller's to say."""
    facts = {
        "mx": HOSTS, "dane": (dane("present"),), "mta_sts": mta_sts("present"), "spf": spf(results=["pass"]),
        "dkim": (key(),), "dmarc": dmarc(), "reverse": (address(),), "blocklists": {"bl.example": (listing("absent"),)},
        "relays": (relay(),),
    }  # fmt: skip
    callers_to_say = {"spf_lookups", "dmarc_policy", "spf_denies_all"}  # the last of a domain without mail alone
    assert (rule in expected_of(tuple(facts), **facts)) is (rule not in callers_to_say)


@pytest.mark.parametrize(
    ("rule", "value", "form"),
    [
        ("dkim_min_bits", 2048, {"RSA": 2048}),
        ("dkim_min_bits", {"rsa": 2048, "ed25519": 256}, {"RSA": 2048, "ED25519": 256}),
        ("dmarc_policy", "quarantine", "quarantine"),
    ],
)
def test_what_may_be_expected(rule, value, form):
    assert RULES[rule].form(rule, value) == form


@pytest.mark.parametrize(
    ("rule", "value", "words"),
    [
        ("dkim_min_bits", True, "must be a number of bits"),
        ("dkim_min_bits", "2048", "must be a number of bits"),
        ("dkim_min_bits", {"RSA": "2048"}, "must be a number of bits"),
        ("dkim_min_bits", {"RSA": True}, "must be a number of bits"),
        ("dkim_min_bits", {"DSA": 1024}, "must name types of keys: RSA, ED25519"),
        ("dkim_min_bits", {"RSA": 2048, "DSA": 1024}, "must name types of keys: RSA, ED25519"),
        ("dmarc_policy", "some", "must be one of none, quarantine, reject."),
    ],
)
def test_what_may_not_be_expected_is_said(rule, value, words):
    with pytest.raises(OptionError) as error:
        RULES[rule].form(rule, value)
    assert words in str(error.value)


def test_what_is_usually_expected_is_that_things_are_so():
    assert set(ALWAYS.values()) == set(WHERE_PRESENT.values()) == {True}


@pytest.mark.parametrize(("count", "outcome"), [(511, "met"), (512, "unknown")])
def test_so_many_addresses_that_more_may_be_left_out_are_no_proof(count, outcome):
    relays = tuple(relay("delivers", "delivers", "delivers") for _number in range(count))
    assert judge("delivers_opportunistic", True, {"mx": HOSTS, "relays": relays}).outcome == outcome
