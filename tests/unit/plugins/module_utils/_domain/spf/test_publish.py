# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Which SPF record a domain is advised to publish, and where there is no certain one.

from __future__ import annotations

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.spf.client import Sender
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.spf.facts import spf_facts
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.spf.publish import record_to_publish
from ansible_collections.postmaster.mailcheck.tests.support.answers import play
from ansible_collections.postmaster.mailcheck.tests.support.zones import zone


def advised(rows, senders=(), parked=False, **others):
    names = {"example.com": rows, **{name.replace("_", "."): value for name, value in others.items()}}
    facts = play(spf_facts("example.com", tuple(Sender(*sender) for sender in senders)), zone(names))
    return record_to_publish("example.com", facts, parked)


REPAIRS = [
    ("v=spf1 ip4:192.0.2.81~all", "v=spf1 ip4:192.0.2.81 ~all"),
    ("v=spf1 mx ipv4:192.0.2.1  ipv6:2001:db8::1 -all", "v=spf1 mx ip4:192.0.2.1 ip6:2001:db8::1 -all"),
    ("v=spf1 -a:192.0.2.0/24 ?all", "v=spf1 -ip4:192.0.2.0/24 ?all"),
    ("v=spf1 redirect:a.example.com", "v=spf1 redirect=a.example.com"),
    ("v=spf1 include:a.example.net-all", "v=spf1 include:a.example.net -all"),
    (["TXT v=spf1 mx -all", "TXT v=spf1 mx -all"], "v=spf1 mx -all"),
    (["TXT v=spf1 mx -all", "TXT v=spf1 ip4:192.0.2.1 mx -all"], "v=spf1 mx ip4:192.0.2.1 -all"),
    (
        ["TXT v=spf1 mx ip4:192.0.2.2 -all", "TXT v=spf1 ip4:192.0.2.1 a -ALL"],
        "v=spf1 mx ip4:192.0.2.2 ip4:192.0.2.1 a -all",
    ),
]


@pytest.mark.parametrize(("rows", "value"), REPAIRS)
def test_what_is_plainly_meant_is_repaired(rows, value):
    found = advised(rows)
    assert (found.name, found.type, found.value) == ("example.com", "TXT", value)
    assert found.reason and found.after
    again = play(spf_facts("example.com"), zone({"example.com": value}))
    assert "spf_syntax" not in [problem.id for problem in again.problems]


def test_of_several_records_with_includes_the_look_ups_are_to_be_counted_first():
    records = ["TXT v=spf1 include:a.example.net -all", "TXT v=spf1 mx -all"]
    assert advised(records).after == (
        "it replaces each of the 2 SPF records of the domain, "
        "and what its includes look up does not make more than 10 look-ups"
    )
    assert advised(records[1:] * 2).after == "it replaces each of the 2 SPF records of the domain"


NOTHING = [
    "v=spf1 mx -all",  # nothing is wrong
    "v=spf1 moo -all",  # nobody knows what is meant
    "v=spf1 moo ip4:192.0.2.81~all",
    "v=spf1 ip4:192.0.2.300~all",
    "v=spf1 include:a.example.net -all",
    ["TXT v=spf1 mx -all", "TXT v=spf1 mx ~all"],  # which of the two is not certain
    ["TXT v=spf1 mx -all", "TXT v=spf1 redirect=a.example.com"],
    ["TXT v=spf1 mx -all", "TXT v=spf1 -ip4:192.0.2.1 -all"],
    ["TXT v=spf1 mx -all", "TXT v=spf1 a all -all"],
    ["TXT v=spf1 mx redirect=a.example.com", "TXT v=spf1 a redirect=a.example.com"],
    ["TXT v=spf1 mx a", "TXT v=spf1 a"],
    ["TXT v=spf1", "TXT v=spf1"],
    "v=spf1 a:b.example.net-all ~all",  # a name that has no address now may have one
    ["TXT v=spf1 " + "a " * 6 + "-all", "TXT v=spf1 " + "".join("a:h%d.example.com " % n for n in range(10)) + "-all"],
    ["TIMEOUT"],
    ["BOGUS"],
    [],
    "v=spf1 a:\xe9.example.com ip4:192.0.2.1~all",  # shown as an escape
    "v=spf1 a:\x1b.example.com ip4:192.0.2.1~all",
    "v=spf1 ip4:192.0.2.1~all " + "x=" + "a" * 5000,
]


@pytest.mark.parametrize("rows", NOTHING)
def test_what_is_not_certain_is_not_advised(rows):
    assert advised(rows) is None


def test_an_include_that_leads_to_a_record_is_meant_as_it_stands():
    assert advised("v=spf1 include:a.example.net-all", **{"a.example.net-all": "v=spf1 mx -all"}) is None


@pytest.mark.parametrize(("octets", "advised_"), [(450, True), (451, False)])
def test_no_record_beyond_450_octets_is_advised(octets, advised_):
    """RFC 7208 3.4."""
    name = "a" * (octets - 28)
    found = advised("v=spf1 ip4:192.0.2.1~all x=%s" % name)
    assert (found is not None) is advised_
    assert not advised_ or len(found.value) == 450


@pytest.mark.parametrize(("count", "advised_"), [(10, True), (11, False)])
def test_no_record_of_more_than_ten_look_ups_is_advised(count, advised_):
    """RFC 7208 4.6.4: of those that are joined each counts once."""
    terms = ["a:h%d.example.com" % number for number in range(count)]
    found = advised(["TXT v=spf1 %s -all" % " ".join(terms), "TXT v=spf1 %s ip4:192.0.2.1 -all" % terms[0]])
    assert (found is not None) is advised_


def test_a_parked_domain_says_that_it_sends_nothing():
    found = advised([], parked=True)
    assert found.value == "v=spf1 -all"
    assert "sends" in found.after
    assert advised("v=spf1  -all", parked=True) is None
    assert advised(["TIMEOUT"], parked=True) is None


def test_a_domain_without_a_record_lists_the_senders_it_has_named():
    found = advised([], [("192.0.2.1",), ("h.example.com",), ("192.0.2.1",)], h_example_com=["AAAA 2001:db8::1"])
    assert found.value == "v=spf1 ip4:192.0.2.1 ip6:2001:db8::1 ~all"
    assert "all that send" in found.after


@pytest.mark.parametrize(
    "senders",
    [
        [],
        [("192.0.2.1",), ("silent.example.com",)],  # not all of them are known
        [("192.0.2.1", "x@other.example")],  # another domain's record
        [("2001:db8:0:1:2:3:4:%x" % number,) for number in range(4096, 4126)],  # too long
    ],
)
def test_but_no_others(senders):
    assert advised([], senders, silent_example_com=["TIMEOUT"]) is None


def test_what_was_meant_to_be_the_record_is_for_its_owner_to_mend():
    assert advised(["TXT v=spf1;mx -all"], [("192.0.2.1",)]) is None
