# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Which TLSA records a sender finds for the MX hosts of a domain, and what it makes of them (RFC 7672).

from __future__ import annotations

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.dane import look_up_dane, tlsa_to_publish
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.model import (
    INSECURE,
    NOT_DETERMINED,
    SECURE,
    Tlsa,
)
from ansible_collections.postmaster.mailcheck.tests.support.answers import play
from ansible_collections.postmaster.mailcheck.tests.support.published import (
    BAD_SIGNATURE,
    NO_DATA,
    SERVFAIL,
    alias,
    zone,
)

HOST = "mx1.example.com"
AT = "_25._tcp."
ONE, OTHER = "3 1 1 " + "ab" * 32, "3 1 1 " + "cd" * 32
AUTHORITY = "2 0 1 " + "ef" * 32
A, A6 = HOST + " A", HOST + " AAAA"
HERE = {A: ["192.0.2.25"]}
THERE = "mail.example.net"
SIGNED_ALIAS = alias(THERE, ["192.0.2.25"])
ALIAS_INTO_THE_UNSIGNED = alias(THERE, ["192.0.2.25"], INSECURE)


# (what it is about, the section of RFC 7672), the answers, what must come of it
CASES = [
    (("a record", "2.2"), zone({**HERE, AT + HOST + " TLSA": [ONE]}),
     {"state": "present", "valid": True, "dnssec": "secure", "base_domain": HOST, "problems": [], "rollover": False}),
    (("several hosts' worth of addresses", "2.2"),
     zone({**HERE, A6: ["2001:db8::25"], AT + HOST + " TLSA": [ONE]}), {"state": "present", "valid": True}),
    (("AAAA fails, A answers: the host is reached by that", "2.2"),
     zone({**HERE, A6: SERVFAIL, AT + HOST + " TLSA": [ONE]}), {"state": "present", "valid": True}),
    (("a signed denial", "2.2"), zone({**HERE, AT + HOST + " TLSA": NO_DATA}),
     {"state": "absent", "valid": None, "reason": "", "dnssec": "secure", "problems": [], "look_up_failed": False}),
    (("an insecure denial below signed addresses is a denial", "2.1"),
     zone({**HERE, AT + HOST + " TLSA": NO_DATA._replace(dnssec=INSECURE)}), {"state": "absent", "reason": "", "problems": []}),
    (("unsigned addresses", "2.2"), {**zone({A: ["192.0.2.25"]}, INSECURE), **zone({AT + HOST + " TLSA": [ONE]})},
     {"state": "absent", "dnssec": "insecure", "records": (), "problems": []}),
    (("unsigned TLSA records below signed addresses", "2.2"),
     {**zone(HERE), **zone({AT + HOST + " TLSA": [ONE]}, INSECURE)},
     {"state": "absent", "dnssec": "insecure", "records": (), "problems": ["dane_records_unsigned"]}),
    (("TLSA fails", "2.1"), zone({**HERE, AT + HOST + " TLSA": SERVFAIL}),
     {"state": "not_determined", "valid": None, "problems": [], "look_up_failed": True}),
    (("TLSA is bogus", "2.1"), zone({**HERE, AT + HOST + " TLSA": BAD_SIGNATURE}),
     {"state": "bogus", "valid": None, "dnssec": "bogus", "problems": [], "look_up_failed": True}),
    (("the addresses fail", "2.1"), zone({A: SERVFAIL, A6: SERVFAIL}), {"state": "not_determined", "valid": None}),
    (("the addresses are bogus", "2.1"), zone({A: BAD_SIGNATURE, A6: BAD_SIGNATURE}), {"state": "bogus"}),
    (("no addresses", "2.2"), zone({A: NO_DATA, A6: NO_DATA}), {"state": "absent", "problems": []}),
    (("a resolver that does not validate", "2.1"), zone({**HERE, AT + HOST + " TLSA": [ONE]}, NOT_DETERMINED),
     {"state": "not_determined", "records": (), "look_up_failed": False}),
    (("TLSA records of which it is not known whether they are signed", "2.1"),
     {**zone(HERE), **zone({AT + HOST + " TLSA": [ONE]}, NOT_DETERMINED)},
     {"state": "not_determined", "valid": None, "records": (), "dnssec": "not_determined", "look_up_failed": False}),
    # Aliases
    (("a signed alias: what it leads to", "2.2.2"),
     zone({A: SIGNED_ALIAS, AT + THERE + " TLSA": [ONE], AT + HOST + " TLSA": [OTHER]}),
     {"state": "present", "base_domain": THERE, "names": (THERE, HOST)}),
    (("a signed alias: else the name itself", "2.2.2"),
     zone({A: SIGNED_ALIAS, AT + THERE + " TLSA": NO_DATA, AT + HOST + " TLSA": [OTHER]}),
     {"state": "present", "base_domain": HOST, "names": (HOST, THERE)}),
    (("a signed alias to a name whose TLSA fails", "2.2.2"),
     zone({A: SIGNED_ALIAS, AT + THERE + " TLSA": SERVFAIL, AT + HOST + " TLSA": [OTHER]}),
     {"state": "not_determined", "base_domain": THERE}),
    (("a signed alias whose own TLSA fails, unasked", "2.2.2"),
     zone({A: SIGNED_ALIAS, AT + THERE + " TLSA": [ONE], AT + HOST + " TLSA": SERVFAIL}),
     {"state": "present", "base_domain": THERE}),
    (("a signed alias into an unsigned zone", "2.2.2"),
     zone({A: ALIAS_INTO_THE_UNSIGNED, HOST + " CNAME": [THERE], AT + HOST + " TLSA": [OTHER]}),
     {"state": "present", "base_domain": HOST, "names": (HOST,)}),
    (("an unsigned alias", "2.2.2"),
     {**zone({A: ALIAS_INTO_THE_UNSIGNED, AT + HOST + " TLSA": [OTHER]}), **zone({HOST + " CNAME": [THERE]}, INSECURE)},
     {"state": "absent", "dnssec": "insecure", "records": ()}),
    (("an alias that cannot be asked for", "2.1"),
     zone({A: ALIAS_INTO_THE_UNSIGNED, HOST + " CNAME": SERVFAIL}), {"state": "not_determined"}),
    # What is published
    (("current and next key", "RFC 7671 8.1"), zone({**HERE, AT + HOST + " TLSA": [ONE, OTHER]}),
     {"valid": True, "rollover": True, "problems": []}),
    (("a key, and the authority above", "RFC 7671 8.4"), zone({**HERE, AT + HOST + " TLSA": [ONE, AUTHORITY]}),
     {"valid": True, "rollover": True, "problems": []}),
    (("certificate and key of the same", "RFC 7671 8.1"),
     zone({**HERE, AT + HOST + " TLSA": [ONE, "3 0 1 " + "cd" * 32]}), {"valid": True, "rollover": False}),
    (("a key by two digests", "RFC 7671 9"),
     zone({**HERE, AT + HOST + " TLSA": [ONE, "3 1 2 " + "cd" * 64]}), {"valid": True, "rollover": False}),
    (("one that is not for SMTP beside one that is", "3.1.3"),
     zone({**HERE, AT + HOST + " TLSA": [ONE, "1 1 1 " + "ab" * 32]}),
     {"valid": True, "problems": ["dane_record_unusable"]}),
    (("none that is usable", "2.2"), zone({**HERE, AT + HOST + " TLSA": ["1 1 1 " + "ab" * 32, "3 1 1 abcd"]}),
     {"state": "present", "valid": False, "problems": ["dane_record_unusable", "dane_none_usable"]}),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: "%s: %s" % case[0][::-1])
def test_the_records_of_a_host(case):
    _about, answers, expected = case
    (facts,) = play(look_up_dane([HOST], SECURE), answers)
    assert facts.host == HOST
    found = {name: getattr(facts, name) for name in expected}
    if "problems" in expected:
        found["problems"] = [problem.id for problem in facts.problems]
    assert found == expected
    assert bool(facts.reason) == (facts.state in ("bogus", "not_determined"))
    assert facts.explanation.startswith("a sender that does DANE ")


def test_what_is_published_is_told():
    (facts,) = play(look_up_dane([HOST], SECURE), zone({**HERE, AT + HOST + " TLSA": [ONE, "0 1 1 " + "ab" * 32]}))
    first, second = facts.records
    assert (first.usage, first.selector, first.matching_type, first.data) == (3, 1, 1, "ab" * 32)
    assert (first.usable, first.reason) == (True, "")
    assert second.usable is False
    assert "usage 0" in second.reason


@pytest.mark.parametrize(("failed", "says"), [(SERVFAIL, "SERVFAIL"), (BAD_SIGNATURE, "RRSIGs missing")])
def test_a_sender_defers_while_the_look_up_fails(failed, says):
    """RFC 7672 2.1: it must not take that for the lack of records."""
    (facts,) = play(look_up_dane([HOST], SECURE), zone({**HERE, AT + HOST + " TLSA": failed}))
    assert "TLSA" in facts.reason
    assert "_25._tcp." + HOST in facts.reason
    assert says in facts.reason
    assert "defers" in facts.explanation


EXPLAINED = [
    ({AT + HOST + " TLSA": [ONE]}, "delivers to %s in TLS only, and only where its certificate is one that the records name"),
    ({AT + HOST + " TLSA": ["1 1 1 " + "ab" * 32]}, "delivers to %s in TLS only, and authenticates nobody"),
    ({AT + HOST + " TLSA": NO_DATA}, "finds no records for %s, and delivers as if there were no DANE"),
    ({AT + HOST + " TLSA": SERVFAIL}, "defers mail for %s while the look-up fails"),
    ({AT + HOST + " TLSA": BAD_SIGNATURE}, "defers mail for %s: for it, as for this resolver, the look-up fails"),
]  # fmt: skip


@pytest.mark.parametrize(("records", "does"), EXPLAINED)
def test_what_a_sender_does_about_it(records, does):
    """RFC 7672 2.1, 2.2, 3."""
    (facts,) = play(look_up_dane([HOST], SECURE), zone({**HERE, **records}))
    assert facts.explanation == "a sender that does DANE " + does % HOST


@pytest.mark.parametrize(
    ("mx_dnssec", "does"),
    [
        (INSECURE, "finds nothing signed about %s, and delivers as if there were no DANE" % HOST),
        (NOT_DETERMINED, "asks a resolver that validates: what that says is not known here"),
    ],
)
def test_what_a_sender_does_without_signed_mx_records(mx_dnssec, does):
    """RFC 7672 2.2.1."""
    (facts,) = play(look_up_dane([HOST], mx_dnssec), {})
    assert facts.explanation == "a sender that does DANE " + does
    assert bool(facts.reason) == (mx_dnssec == NOT_DETERMINED)


def test_unsigned_mx_records_end_it():
    """RFC 7672 2.2.1: whoever forges those names a host of his own; nothing is asked."""
    asked = []
    (facts,) = play(look_up_dane([HOST], INSECURE), zone({**HERE, AT + HOST + " TLSA": [ONE]}), asked)
    assert asked == []
    assert (facts.state, facts.dnssec, facts.records) == ("absent", "insecure", ())
    (facts,) = play(look_up_dane([HOST], NOT_DETERMINED), {})
    assert (facts.state, facts.records) == ("not_determined", ())
    assert "validate" in facts.reason


def test_no_more_is_asked_than_needed():
    """All hosts side by side: addresses, TLSA; an unsigned host is not asked for TLSA (RFC 7672 2.2)."""
    asked, hosts = [], ["mx%d.example.com" % number for number in range(1, 4)]
    signed = zone({host + " A": ["192.0.2.25"] for host in hosts[:2]})
    answers = {**signed, **zone({hosts[2] + " A": ["192.0.2.26"]}, INSECURE)}
    facts = play(look_up_dane(hosts, SECURE), answers, asked)
    assert [one.host for one in facts] == hosts
    assert [len(questions) for questions in asked] == [6, 2]
    assert [question.name for question in asked[1]] == [AT + host for host in hosts[:2]]


def test_no_hosts():
    assert play(look_up_dane([], SECURE), {}) == ()


def test_what_to_publish():
    record = tlsa_to_publish(HOST, "ab" * 32)
    assert (record.name, record.type, record.value) == ("_25._tcp." + HOST, "TLSA", "3 1 1 " + "ab" * 32)
    assert "signed" in record.after
    assert "key" in record.after


def test_a_hostile_answer_is_told_at_bounded_length():
    many = ["3 1 1 %064x" % number for number in range(4000)] + ["3 0 0 " + "00" * 4000]
    (facts,) = play(look_up_dane([HOST], SECURE), zone({**HERE, AT + HOST + " TLSA": many}))
    assert len(facts.records) <= 64
    assert all(len(problem.text) < 5000 for problem in facts.problems)
    (told,) = [problem.text for problem in facts.problems if problem.id == "dane_records_many"]
    assert str(4001 - 64) in told


def test_records_keep_their_octets_for_who_judges_a_chain():
    (facts,) = play(look_up_dane([HOST], SECURE), zone({**HERE, AT + HOST + " TLSA": [ONE]}))
    (record,) = facts.records
    assert record.tlsa() == Tlsa(3, 1, 1, b"\xab" * 32)
