# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The names of addresses, and whether they lead back (RFC 1912 2.1, RFC 8601 3: what receivers call iprev).

from __future__ import annotations

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.reverse import look_up_reverse
from ansible_collections.postmaster.mailcheck.tests.support.answers import play
from ansible_collections.postmaster.mailcheck.tests.support.published import (
    BAD_SIGNATURE,
    NO_DATA,
    SERVFAIL,
    alias,
    zone,
)

PTR = "25.2.0.192.in-addr.arpa PTR"
NAMED = {PTR: ["mail.example.com"]}

# what it is about, what is published, (state, valid, confirmed, names, names that lead back, problems)
CASES = [
    ("the name leads back", {**NAMED, "mail.example.com A": ["192.0.2.24", "192.0.2.25"]},
     ("present", True, True, ("mail.example.com",), ("mail.example.com",), [])),
    ("it leads elsewhere", {**NAMED, "mail.example.com A": ["192.0.2.1"]},
     ("present", False, False, ("mail.example.com",), (), ["reverse_not_confirmed"])),
    ("it leads nowhere", NAMED, ("present", False, False, ("mail.example.com",), (), ["reverse_not_confirmed"])),
    ("one of several leads back", {PTR: ["gone.example.com", "mail.example.com"],
                                   "mail.example.com A": ["192.0.2.25"]},
     ("present", True, True, ("gone.example.com", "mail.example.com"), ("mail.example.com",), [])),
    ("there is none", {PTR: NO_DATA}, ("absent", None, False, (), (), [])),
    ("there is no answer", {PTR: SERVFAIL}, ("not_determined", None, None, (), (), [])),
    ("a bogus answer", {PTR: BAD_SIGNATURE}, ("bogus", None, None, (), (), [])),
    ("whether it leads back is not known", {**NAMED, "mail.example.com A": SERVFAIL},
     ("not_determined", None, None, ("mail.example.com",), (), [])),
    ("of two that do not answer the first is told",
     {PTR: ["mail.example.com", "mx.example.com"], "mail.example.com A": BAD_SIGNATURE, "mx.example.com A": SERVFAIL},
     ("bogus", None, None, ("mail.example.com", "mx.example.com"), (), [])),
    ("one leads back, the other does not answer",
     {PTR: ["slow.example.com", "mail.example.com"], "slow.example.com A": SERVFAIL,
      "mail.example.com A": ["192.0.2.25"]},
     ("present", True, True, ("slow.example.com", "mail.example.com"), ("mail.example.com",), [])),
    ("a zone that is delegated by an alias (RFC 2317)", {PTR: alias("25.0-63.2.0.192.in-addr.arpa", ["mail.example.com"]),
                                                         "mail.example.com A": ["192.0.2.25"]},
     ("present", True, True, ("mail.example.com",), ("mail.example.com",), [])),
]  # fmt: skip


@pytest.mark.parametrize("about, table, expected", CASES, ids=[case[0] for case in CASES])
def test_the_name_of_an_address(about, table, expected):
    (name,) = play(look_up_reverse(["192.0.2.25"]), zone(table))
    problems = [problem.id for problem in name.problems]
    assert (name.state, name.valid, name.confirmed, name.names, name.confirmed_names, problems) == expected
    assert bool(name.reason) == (name.state in ("bogus", "not_determined"))


def test_ipv6_addresses_are_asked_for_by_nibbles_and_compared_as_addresses():
    pointer = "5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR"
    table = {pointer: ["mail.example.com"], "mail.example.com AAAA": ["2001:db8:0:0::25"]}
    (name,) = play(look_up_reverse(["2001:db8::25"]), zone(table))
    assert (name.address, name.confirmed) == ("2001:db8::25", True)


def test_addresses_are_asked_for_together():
    asked = []
    addresses = ["192.0.2.%d" % number for number in range(50)]
    table = {"%d.2.0.192.in-addr.arpa PTR" % number: ["h%d.example.com" % number] for number in range(50)}
    names = play(look_up_reverse(addresses), zone(table), asked)
    assert [name.address for name in names] == addresses
    assert len(asked) == 2
    assert play(look_up_reverse([]), {}) == ()


def test_what_is_given_twice_is_looked_up_once():
    asked = []
    assert len(play(look_up_reverse(["192.0.2.25", "192.0.2.25"]), {}, asked)) == len(asked[0]) == 1


@pytest.mark.parametrize(("count", "problems"), [(10, []), (11, ["reverse_many"])])
def test_ten_names_are_looked_at(count, problems):
    names = ["h%d.example.com" % number for number in range(count)]
    (name,) = play(look_up_reverse(["192.0.2.25"]), zone({PTR: names, "h9.example.com A": ["192.0.2.25"]}))
    assert (name.confirmed, [problem.id for problem in name.problems]) == (True, problems)


def test_there_is_a_limit_to_the_names_of_an_address():
    asked = []
    table = {PTR: ["\x1b[2Jh%d.example.com" % number for number in range(3000)]}
    (name,) = play(look_up_reverse(["192.0.2.25"]), zone(table), asked)
    assert (len(name.names), len(asked[1])) == (10, 10)
    assert "reverse_many" in [problem.id for problem in name.problems]
    assert all(text.isprintable() for text in (*name.names, *(problem.text for problem in name.problems)))
