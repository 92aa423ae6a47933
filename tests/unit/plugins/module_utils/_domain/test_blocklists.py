# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Block lists (RFC 5782): what is a listing, and what only looks like one.

from __future__ import annotations

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.blocklists import look_up_blocklists
from ansible_collections.postmaster.mailcheck.tests.support.answers import play
from ansible_collections.postmaster.mailcheck.tests.support.published import (
    BAD_SIGNATURE,
    NO_DATA,
    SERVFAIL,
    zone,
)

LIST = "multi.list.example"
ENTRY = "25.2.0.192.%s" % LIST
TESTS = {"2.0.0.127.%s A" % LIST: ["127.0.0.2"]}
CONTROL = "1.0.0.127.%s A" % LIST
V6_ENTRY = "5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.%s" % LIST
V6_TEST = "2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.%s A" % LIST

# (what it is about, the section of RFC 5782), what the list answers, (state, listed, codes), a word of the reason
CASES = [
    (("listed", "2.1"), {**TESTS, ENTRY + " A": ["127.0.0.2"]}, ("present", True, ("127.0.0.2",)), ""),
    (("listed in several parts", "2.3"), {**TESTS, ENTRY + " A": ["127.0.0.4", "127.0.0.10"]},
     ("present", True, ("127.0.0.4", "127.0.0.10")), ""),
    (("not listed", "2.1"), TESTS, ("absent", False, ()), ""),
    (("a code of 127.1.0.0/16", "2.3"), {**TESTS, ENTRY + " A": ["127.1.0.1"]},
     ("present", True, ("127.1.0.1",)), ""),
    (("127.0.0.1 is no listing", "2.1"), {**TESTS, ENTRY + " A": ["127.0.0.1"]},
     ("not_determined", None, ("127.0.0.1",)), "the list answers 127.0.0.1, which"),
    (("127.0.0.1 beside a code", "2.1"), {**TESTS, ENTRY + " A": ["127.0.0.1", "127.0.0.3"]},
     ("present", True, ("127.0.0.1", "127.0.0.3")), ""),
    (("127.0.0.1 for everything", "5"),
     {ENTRY + " A": ["127.0.0.1"], CONTROL: ["127.0.0.1"], "2.0.0.127.%s A" % LIST: ["127.0.0.1"]},
     ("not_determined", None, ("127.0.0.1",)), "127.0.0.1"),
    (("the list refuses", "2.1"), {**TESTS, ENTRY + " A": ["127.255.255.254"]},
     ("not_determined", None, ("127.255.255.254",)), "127.255.255.254"),
    (("the list refuses its test entry, too", "5"),
     {"2.0.0.127.%s A" % LIST: ["127.255.255.254"]}, ("not_determined", None, ()), "127.255.255.254"),
    (("a resolver that rewrites what does not exist", "2.1"),
     {ENTRY + " A": ["198.51.100.7"], CONTROL: ["198.51.100.7"], "2.0.0.127.%s A" % LIST: ["127.0.0.2"]},
     ("not_determined", None, ("198.51.100.7",)), "198.51.100.7"),
    (("a list that lists everything", "5"), {**TESTS, ENTRY + " A": ["127.0.0.2"], CONTROL: ["127.0.0.2"]},
     ("not_determined", None, ("127.0.0.2",)), "everything, even 127.0.0.1 ("),
    (("a list that is gone", "5"), {}, ("not_determined", None, ()), "127.0.0.2"),
    (("a listing counts without the test entry", "5"), {ENTRY + " A": ["127.0.0.3"]},
     ("present", True, ("127.0.0.3",)), ""),
    (("no answer", "2.1"), {**TESTS, ENTRY + " A": SERVFAIL}, ("not_determined", None, ()), "SERVFAIL"),
    (("a bogus answer", "2.1"), {**TESTS, ENTRY + " A": BAD_SIGNATURE}, ("bogus", None, ()), "RRSIG"),
    (("no answer for the test entry", "5"), {"2.0.0.127.%s A" % LIST: SERVFAIL, ENTRY + " A": NO_DATA},
     ("not_determined", None, ()), "SERVFAIL"),
    (("no answer for the control, and listed", "5"), {**TESTS, CONTROL: SERVFAIL, ENTRY + " A": ["127.0.0.2"]},
     ("present", True, ("127.0.0.2",)), ""),
    (("no answer for the control, and not listed", "5"), {**TESTS, CONTROL: SERVFAIL}, ("absent", False, ()), ""),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: "%s: %s" % case[0][::-1])
def test_what_an_answer_means(case):
    _about, table, expected, word = case
    facts = play(look_up_blocklists([LIST], ["192.0.2.25"]), zone(table))
    (listing,) = facts[LIST]
    assert (listing.address, listing.zone) == ("192.0.2.25", LIST)
    assert (listing.state, listing.listed, listing.codes) == expected
    assert word in listing.reason and bool(listing.reason) == bool(word)
    assert listing.valid == (True if listing.state == "present" else None)


def test_the_reason_of_a_listing_is_asked_for_where_there_is_one():
    table = {
        **TESTS,
        ENTRY + " A": ["127.0.0.2"],
        ENTRY + " TXT": ["https://list.example/?ip=192.0.2.25", "spam\x1b[2J"],
    }
    asked = []
    facts = play(look_up_blocklists([LIST], ["192.0.2.25", "192.0.2.26"]), zone(table), asked)
    assert facts[LIST][0].explanation == "https://list.example/?ip=192.0.2.25 / spam\\x1b[2J"
    assert facts[LIST][1].explanation == ""
    assert [(question.name, question.kind) for question in asked[1]] == [(ENTRY, "TXT")]


def test_each_list_is_asked_for_its_test_entries_once():
    asked = []
    addresses = ["192.0.2.%d" % number for number in range(20)]
    play(look_up_blocklists([LIST, "other.example"], addresses), {}, asked)
    assert len(asked) == 1
    assert len(asked[0]) == len(set(asked[0])) == 2 * (2 + 20)


def test_what_is_given_twice_is_looked_up_once():
    asked = []
    facts = play(look_up_blocklists([LIST, LIST], ["192.0.2.25", "192.0.2.25"]), {}, asked)
    assert len(facts[LIST]) == 1 and len(asked[0]) == 3


def test_ipv6_addresses_have_test_entries_of_their_own():
    """RFC 5782 2.4 and 5: a list of IPv4 addresses knows nothing of others, and answers that they are not listed."""
    (listing,) = play(look_up_blocklists([LIST], ["2001:db8::25"]), zone(TESTS))[LIST]
    assert (listing.state, listing.listed) == ("not_determined", None) and "IPv6" in listing.reason
    (listing,) = play(look_up_blocklists([LIST], ["2001:db8::25"]), zone({**TESTS, V6_TEST: ["127.0.0.2"]}))[LIST]
    assert (listing.state, listing.listed) == ("absent", False)
    (listing,) = play(look_up_blocklists([LIST], ["2001:db8::25"]), zone({V6_ENTRY + " A": ["127.0.0.2"]}))[LIST]
    assert (listing.state, listing.listed) == ("present", True)


def test_nothing_is_asked_without_lists_or_addresses():
    assert play(look_up_blocklists([], ["192.0.2.25"]), {}) == {}
    assert play(look_up_blocklists([LIST], []), {}) == {LIST: ()}


def test_a_hostile_list_is_shown_safely_and_at_bounded_length():
    table = {**TESTS, ENTRY + " A": ["127.0.%d.%d" % (number // 250, number % 250 + 2) for number in range(3000)],
             ENTRY + " TXT": [["<b>\x00" * 60] * 200] * 5}  # fmt: skip
    (listing,) = play(look_up_blocklists([LIST], ["192.0.2.25"]), zone(table))[LIST]
    assert listing.listed is True
    assert len(listing.codes) == 20
    assert len(listing.explanation) < 5000 and listing.explanation.isprintable()
