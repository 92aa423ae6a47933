# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Which TLSA records a client finds, by the way that leads to them (RFC 7672 2.2, RFC 7671 7).

from __future__ import annotations

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.model import Answer, Question, Tlsa
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.tlsa import look_up_tlsa, tlsa_name
from ansible_collections.postmaster.mailcheck.tests.support.answers import play

HOST = "mx.example.com"
RECORD = Tlsa(3, 1, 1, bytes(32))
OTHER = Tlsa(2, 0, 1, bytes(32))
ELSEWHERE = "; ask another resolver whether it is this one's fault"
NOBODY_LOOKED = "whether they are signed is not known: nothing that validates was asked"


def present(dnssec="secure", *aliases, records=("192.0.2.1",), ttl=60):
    return Answer(Question("", ""), "present", records, dnssec, True, aliases, ttl)


def absent(dnssec="secure"):
    return Answer(Question("", ""), "absent", dnssec=dnssec, exists=True)


def records(dnssec="secure", *values):
    return present(dnssec, records=values or (RECORD,))


BOGUS = Answer(Question("", ""), "bogus", dnssec="bogus", reason="expired")
SILENT = Answer(Question("", ""), "not_determined", reason="no answer")


def found(table, asked=None):
    answers = {(name, kind): answer for name, kinds in table.items() for kind, answer in kinds.items()}
    return play(look_up_tlsa(HOST, 25), answers, asked)


def at(base):
    return "_25._tcp." + base


def test_where_they_are():
    """RFC 6698 3."""
    assert tlsa_name(HOST, 465) == "_465._tcp.mx.example.com"


# The addresses: what is not signed there leads to no question for TLSA (RFC 7672 2.2.2)
ADDRESSES = [
    ({"A": present(), "AAAA": present("insecure")}, "absent", "insecure", ""),
    ({"A": present("insecure"), "AAAA": present()}, "absent", "insecure", ""),
    ({"A": present("insecure")}, "absent", "insecure", ""),
    ({"A": present("not_determined"), "AAAA": present()}, "not_determined", "not_determined",
     "the addresses of mx.example.com: " + NOBODY_LOOKED),
    ({"A": absent(), "AAAA": absent()}, "absent", "secure", ""),
    ({"A": absent("insecure"), "AAAA": absent("insecure")}, "absent", "insecure", ""),
    ({"A": absent("insecure"), "AAAA": absent()}, "absent", "insecure", ""),
    ({"A": absent(), "AAAA": absent("insecure")}, "absent", "insecure", ""),
    ({"A": absent(), "AAAA": absent("not_determined")}, "absent", "not_determined", ""),
    ({"A": absent(), "AAAA": SILENT}, "not_determined", "not_determined",
     "the look-up of addresses at mx.example.com failed: no answer"),
    ({"A": SILENT, "AAAA": absent()}, "not_determined", "not_determined",
     "the look-up of addresses at mx.example.com failed: no answer"),
    ({"A": SILENT, "AAAA": BOGUS}, "bogus", "bogus",
     "the look-up of addresses at mx.example.com failed: expired" + ELSEWHERE),
    ({"A": absent(), "AAAA": BOGUS}, "bogus", "bogus",
     "the look-up of addresses at mx.example.com failed: expired" + ELSEWHERE),
]  # fmt: skip


@pytest.mark.parametrize(("addresses", "state", "dnssec", "reason"), ADDRESSES)
def test_addresses_that_lead_to_no_records(addresses, state, dnssec, reason):
    asked = []
    one = found({HOST: addresses, at(HOST): {"TLSA": records()}}, asked)
    assert (one.state, one.dnssec, one.reason, one.records) == (state, dnssec, reason, ())
    assert (one.base_domain, one.names, one.unsigned) == (HOST, (HOST,), False)
    assert one.look_up_failed is ("look-up" in reason)
    assert [questions for questions in asked if questions[0].kind == "TLSA"] == []


@pytest.mark.parametrize("addresses", [
    {"A": present()}, {"AAAA": present()}, {"A": present(), "AAAA": present()}, {"A": present(), "AAAA": SILENT},
    {"A": present(), "AAAA": BOGUS}, {"A": present(), "AAAA": absent("insecure")},
])  # fmt: skip
def test_addresses_that_are_signed(addresses):
    asked = []
    one = found({HOST: addresses, at(HOST): {"TLSA": records("secure", RECORD, OTHER)}}, asked)
    assert (one.state, one.records, one.dnssec, one.ttl) == ("present", (RECORD, OTHER), "secure", 60)
    assert (one.base_domain, one.names, one.look_up_failed) == (HOST, (HOST,), False)
    assert len(asked) == 2


# The records: base domains are the last of the aliases, then the host's own name (RFC 7672 2.2.2)
A_TWICE_REMOVED = {"A": present("secure", "one.example.net", "two.example.net")}
TWO = "two.example.net"
RECORDS = [
    ({TWO: records(), HOST: records("secure", OTHER)}, "present", TWO, (RECORD,), ""),
    ({HOST: records("secure", OTHER)}, "present", HOST, (OTHER,), ""),
    ({TWO: absent(), HOST: records("secure", OTHER)}, "present", HOST, (OTHER,), ""),
    ({"one.example.net": records()}, "absent", HOST, (), ""),
    ({TWO: SILENT, HOST: records()}, "not_determined", TWO, (), "the look-up of TLSA at _25._tcp.%s failed: no answer" % TWO),
    ({TWO: BOGUS, HOST: records()}, "bogus", TWO, (),
     "the look-up of TLSA at _25._tcp.two.example.net failed: expired" + ELSEWHERE),
    ({TWO: records(), HOST: BOGUS}, "present", TWO, (RECORD,), ""),
    ({TWO: absent(), HOST: SILENT}, "not_determined", HOST, (), "the look-up of TLSA at _25._tcp.%s failed: no answer" % HOST),
    ({TWO: records("not_determined")}, "not_determined", TWO, (),
     "TLSA at _25._tcp.two.example.net: " + NOBODY_LOOKED),
]  # fmt: skip


@pytest.mark.parametrize(("tables", "state", "base", "values", "reason"), RECORDS)
def test_records_behind_aliases(tables, state, base, values, reason):
    one = found({HOST: A_TWICE_REMOVED, **{at(name): {"TLSA": answer} for name, answer in tables.items()}})
    assert (one.state, one.base_domain, one.records, one.reason) == (state, base, values, reason)
    assert one.names == ((TWO, HOST) if base == TWO else (HOST, TWO))
    assert one.look_up_failed is ("look-up" in reason)


@pytest.mark.parametrize(("answer", "unsigned", "dnssec"), [
    (records("insecure"), True, "insecure"), (absent("insecure"), False, "secure"), (absent(), False, "secure"),
])  # fmt: skip
def test_records_that_nobody_has_signed_do_not_count(answer, unsigned, dnssec):
    """RFC 7672 2.1.1."""
    one = found({HOST: {"A": present()}, at(HOST): {"TLSA": answer}})
    assert (one.state, one.records, one.unsigned, one.dnssec) == ("absent", (), unsigned, dnssec)


# An alias from a signed zone into one that is not: the alias's own name may have records (RFC 7672 2.2.2)
AWAY = {"A": present("insecure", "mx.example.net")}


@pytest.mark.parametrize(
    ("alias", "state", "reason"),
    [
        (present("secure"), "present", ""),
        (present("insecure"), "absent", ""),
        (present("not_determined"), "not_determined", "the alias mx.example.com: " + NOBODY_LOOKED),
        (SILENT, "not_determined", "the look-up of alias at mx.example.com failed: no answer"),
        (BOGUS, "bogus", "the look-up of alias at mx.example.com failed: expired" + ELSEWHERE),
    ],
)
def test_an_alias_into_a_zone_that_is_not_signed(alias, state, reason):
    asked = []
    one = found({HOST: {**AWAY, "CNAME": alias}, at(HOST): {"TLSA": records()}}, asked)
    assert (one.state, one.reason, one.base_domain, one.names) == (state, reason, HOST, (HOST,))
    assert [question.kind for questions in asked[1:] for question in questions][1:] == ["TLSA"] * (state == "present")


def test_what_a_reason_says_is_shown_safely():
    one = found({HOST: {"A": SILENT._replace(reason="\x1b[2J")}})
    assert one.reason.endswith("failed: \\x1b[2J")
