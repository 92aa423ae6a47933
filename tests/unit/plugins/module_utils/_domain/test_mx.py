# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Where mail for a domain goes (RFC 5321 5.1, RFC 7505), and what is wrong on the way there.

from __future__ import annotations

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.mx import look_up_exchangers
from ansible_collections.postmaster.mailcheck.tests.support.answers import play
from ansible_collections.postmaster.mailcheck.tests.support.published import (
    BAD_SIGNATURE,
    NO_DATA,
    SERVFAIL,
    alias,
    zone,
)

MX1 = {"mx1.example.com A": ["192.0.2.25"], "mx1.example.com AAAA": ["2001:db8::25"]}

# (what it is about, the section), what is published, the facts, the hosts with their problems
CASES = [
    (("two hosts, the preferred first", "RFC 5321 5.1"),
     {"example.com MX": ["20 mx2.example.net.", "10 mx1.example.com."], **MX1, "mx2.example.net A": ["198.51.100.25"],
      "mx2.example.net AAAA": NO_DATA},
     {"state": "present", "valid": True, "null": False, "implicit": False, "problems": []},
     [("mx1.example.com", 10, ("192.0.2.25", "2001:db8::25"), "present", []),
      ("mx2.example.net", 20, ("198.51.100.25",), "present", [])]),
    (("a null MX alone", "RFC 7505 3"), {"example.com MX": ["0 ."], "example.com A": ["192.0.2.80"]},
     {"state": "present", "valid": True, "null": True, "implicit": False, "problems": []}, []),
    (("a null MX of another preference", "RFC 7505 3"), {"example.com MX": ["10 ."]},
     {"valid": True, "null": True, "problems": ["mx_null_preference"]}, []),
    (("null MX records of several preferences", "RFC 7505 3"), {"example.com MX": ["0 .", "10 ."]},
     {"valid": True, "null": True, "problems": ["mx_null_preference"]}, []),
    (("a null MX beside a real one", "RFC 7505 3"), {"example.com MX": ["0 .", "10 mx1.example.com."], **MX1},
     {"state": "present", "valid": False, "null": False, "problems": ["mx_null_beside_others"]},
     [("mx1.example.com", 10, ("192.0.2.25", "2001:db8::25"), "present", [])]),
    (("no MX, but an address", "RFC 5321 5.1"), {"example.com A": ["192.0.2.80"]},
     {"state": "absent", "valid": None, "null": False, "implicit": True, "problems": ["mx_implicit"]},
     [("example.com", None, ("192.0.2.80",), "present", [])]),
    (("nothing at all", "RFC 5321 5.1"), {},
     {"state": "absent", "valid": None, "null": False, "implicit": False, "problems": []}, []),
    (("no MX, and whether there is an address is not known", "RFC 5321 5.1"), {"example.com A": SERVFAIL},
     {"state": "absent", "implicit": None, "problems": []}, [("example.com", None, (), "not_determined", [])]),
    (("MX is not answered", "RFC 5321 5.1"), {"example.com MX": SERVFAIL, "example.com A": ["192.0.2.80"]},
     {"state": "not_determined", "valid": None, "implicit": None, "problems": []}, []),
    (("MX is bogus", "RFC 4035 5.5"), {"example.com MX": BAD_SIGNATURE}, {"state": "bogus", "valid": None}, []),
    (("a host is an alias", "RFC 2181 10.3"),
     {"example.com MX": ["10 mx.example.com."], "mx.example.com A": alias("web.example.net", ["192.0.2.25"]),
      "mx.example.com AAAA": alias("web.example.net")},
     {"state": "present", "valid": False, "problems": []},
     [("mx.example.com", 10, ("192.0.2.25",), "present", ["mx_alias"])]),
    (("a host is an address", "RFC 5321 5.1"), {"example.com MX": ["10 192.0.2.25."]},
     {"valid": False, "problems": ["mx_no_address"]}, [("192.0.2.25", 10, (), "absent", ["mx_address_literal"])]),
    (("a host is an IPv6 address", "RFC 5321 5.1"), {"example.com MX": ["10 2001:db8::1.", "20 mx1.example.com."], **MX1},
     {"valid": False, "problems": []},
     [("2001:db8::1", 10, (), "absent", ["mx_address_literal"]),
      ("mx1.example.com", 20, ("192.0.2.25", "2001:db8::25"), "present", [])]),
    (("a host does not exist", "RFC 5321 5.1"), {"example.com MX": ["10 gone.example.com."]},
     {"valid": False, "problems": ["mx_no_address"]}, [("gone.example.com", 10, (), "absent", ["mx_host_missing"])]),
    (("a host has no address", "RFC 5321 5.1"),
     {"example.com MX": ["10 mx.example.com."], "mx.example.com A": NO_DATA, "mx.example.com AAAA": NO_DATA},
     {"valid": False, "problems": ["mx_no_address"]},
     [("mx.example.com", 10, (), "absent", ["mx_host_without_address"])]),
    (("AAAA fails while A answers", "RFC 4074 4"),
     {"example.com MX": ["10 mx.example.com."], "mx.example.com A": ["192.0.2.25"], "mx.example.com AAAA": SERVFAIL},
     {"valid": True, "problems": []},
     [("mx.example.com", 10, ("192.0.2.25",), "present", ["mx_family_unanswered"])]),
    (("a host is not answered at all", "RFC 5321 5.1"),
     {"example.com MX": ["10 mx.example.com."], "mx.example.com A": SERVFAIL, "mx.example.com AAAA": SERVFAIL},
     {"valid": None, "problems": []}, [("mx.example.com", 10, (), "not_determined", [])]),
    (("A is absent and AAAA not answered", "RFC 5321 5.1"),
     {"example.com MX": ["10 mx.example.com."], "mx.example.com A": NO_DATA, "mx.example.com AAAA": BAD_SIGNATURE},
     {"valid": None, "problems": []}, [("mx.example.com", 10, (), "bogus", [])]),
    (("one of two hosts is not answered", "RFC 5321 5.1"),
     {"example.com MX": ["10 mx1.example.com.", "20 mx2.example.com."], **MX1, "mx2.example.com A": SERVFAIL},
     {"valid": None, "reason": "mx2.example.com A: SERVFAIL", "problems": []},
     [("mx1.example.com", 10, ("192.0.2.25", "2001:db8::25"), "present", []),
      ("mx2.example.com", 20, (), "not_determined", [])]),
    (("one is not answered, and one does not exist", "RFC 5321 5.1"),
     {"example.com MX": ["10 gone.example.com.", "20 mx2.example.com."], "mx2.example.com A": SERVFAIL},
     {"valid": False, "reason": "", "problems": []},
     [("gone.example.com", 10, (), "absent", ["mx_host_missing"]),
      ("mx2.example.com", 20, (), "not_determined", [])]),
    (("localhost", "RFC 6761 6.3"), {"example.com MX": ["0 localhost."], "localhost A": ["127.0.0.1"]},
     {"valid": False}, [("localhost", 0, ("127.0.0.1",), "present", ["mx_this_host"])]),
    (("an address of every host's own", "RFC 5735 3"),
     {"example.com MX": ["0 mx.example.com."], "mx.example.com A": ["127.0.0.1", "0.0.0.0"],
      "mx.example.com AAAA": ["::1"]},
     {"valid": False},
     [("mx.example.com", 0, ("127.0.0.1", "0.0.0.0", "::1"), "present", ["mx_this_host"])]),
    (("such an address, mapped", "RFC 4291 2.5.5.2"),
     {"example.com MX": ["0 mx.example.com."], "mx.example.com AAAA": ["::ffff:127.0.0.1"]},
     {"valid": False}, [("mx.example.com", 0, ("::ffff:127.0.0.1",), "present", ["mx_this_host"])]),
    (("a host twice", "RFC 5321 5.1"), {"example.com MX": ["10 mx1.example.com.", "20 mx1.example.com."], **MX1},
     {"valid": True, "problems": ["mx_twice"]},
     [("mx1.example.com", 10, ("192.0.2.25", "2001:db8::25"), "present", [])]),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: "%s: %s" % case[0][::-1])
def test_where_mail_goes(case):
    _about, table, expected, hosts = case
    facts = play(look_up_exchangers("example.com"), zone(table))
    found = {name: getattr(facts, name) for name in expected}
    if "problems" in expected:
        found["problems"] = [problem.id for problem in facts.problems]
    assert found == expected
    assert [
        (host.host, host.preference, host.addresses, host.state, [problem.id for problem in host.problems])
        for host in facts.hosts
    ] == hosts
    assert all(bool(host.reason) == (host.state in ("bogus", "not_determined")) for host in facts.hosts)


def test_a_null_mx_beside_others_is_told_in_words_of_its_own():
    table = {"example.com MX": ["0 .", "10 mx1.example.com."], **MX1}
    (told,) = play(look_up_exchangers("example.com"), zone(table)).problems
    assert "null MX" in told.text and "beside" in told.text and "emove" in told.text


def test_an_alias_is_told_with_its_target():
    table = {"example.com MX": ["10 mx.example.com."], "mx.example.com A": alias("web.example.net", ["192.0.2.25"])}
    (host,) = play(look_up_exchangers("example.com"), zone(table)).hosts
    assert host.alias == "web.example.net"


def test_of_several_aliases_the_last_is_the_target():
    chain = alias("web.example.net", ["192.0.2.25"])._replace(aliases=("www.example.net", "web.example.net"))
    table = {"example.com MX": ["10 mx.example.com."], "mx.example.com A": chain}
    (host,) = play(look_up_exchangers("example.com"), zone(table)).hosts
    assert host.alias == "web.example.net"


def test_of_many_private_addresses_four_are_named():
    table = {"example.com MX": ["10 mx.example.com."], "mx.example.com A": ["10.0.0.%d" % n for n in range(1, 7)]}
    (told,) = play(look_up_exchangers("example.com"), zone(table)).hosts[0].problems
    assert "(10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4)" in told.text


def test_sixty_hosts_take_two_round_trips():
    table = {"example.com MX": ["10 mx%d.example.com." % number for number in range(60)]}
    asked = []
    facts = play(look_up_exchangers("example.com"), zone(table), asked)
    assert len(facts.hosts) == 60
    assert [len(questions) for questions in asked] == [3, 120]


def test_there_is_a_limit_to_the_hosts_that_are_looked_at():
    table = {"example.com MX": ["10 mx%d.example.com." % number for number in range(4000)]}
    facts = play(look_up_exchangers("example.com"), zone(table))
    assert len(facts.hosts) == 100
    assert "mx_many" in [problem.id for problem in facts.problems]


def test_there_is_a_limit_to_the_addresses_of_a_host():
    addresses = ["192.0.%d.%d" % (number // 250, number % 250) for number in range(4000)]
    table = {"example.com MX": ["10 mx.example.com."], "mx.example.com A": addresses}
    (host,) = play(look_up_exchangers("example.com"), zone(table)).hosts
    assert host.addresses == tuple(addresses[:32])
    assert [problem.id for problem in host.problems] == ["mx_addresses_many"]
    assert "mx.example.com has 4000" in host.problems[0].text


def test_a_host_name_is_asked_for_in_lower_case():
    asked = []
    play(look_up_exchangers("example.com"), zone({"example.com MX": ["10 MX1.Example.COM."]}), asked)
    assert {question.name for question in asked[1]} == {"mx1.example.com"}


def test_a_hostile_name_is_shown_safely():
    table = {"example.com MX": ["10 \x1b[2J<b>\u202e.example.com."]}
    facts = play(look_up_exchangers("example.com"), zone(table))
    assert all(host.host.isprintable() for host in facts.hosts)
    assert all(problem.text.isprintable() for host in facts.hosts for problem in host.problems)


@pytest.mark.parametrize(
    ("ip4", "ip6", "ids"),
    [
        (["10.0.0.25"], [], ["mx_private"]),
        (["172.16.0.1", "192.168.1.1"], [], ["mx_private"]),
        (["100.64.0.1"], [], ["mx_private"]),  # RFC 6598
        ([], ["fe80::1", "fd00::1"], ["mx_private"]),
        (["10.0.0.25"], ["2001:db8::25"], []),  # who has IPv6 gets there
        (["172.32.0.1"], [], []),
        (["127.0.0.1"], [], ["mx_this_host"]),
    ],
)
def test_a_host_that_only_a_private_network_reaches_is_told(ip4, ip6, ids):
    table = {"example.com MX": ["10 mx.example.com."], "mx.example.com A": ip4, "mx.example.com AAAA": ip6}
    (host,) = play(look_up_exchangers("example.com"), zone({name: data for name, data in table.items() if data})).hosts
    assert [found.id for found in host.problems] == ids
