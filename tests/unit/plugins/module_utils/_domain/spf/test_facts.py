# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What a domain's SPF record is said to be: counts, problems, the tree; each case with its section of RFC 7208.

from __future__ import annotations

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.spf.client import Sender
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.spf.facts import spf_facts
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.spf.record import (
    MAX_TERMS,
    apart,
    meant,
    parse_record,
)
from ansible_collections.postmaster.mailcheck.tests.support.answers import play
from ansible_collections.postmaster.mailcheck.tests.support.zones import answers_of, zone


def facts(names, senders=(), asked=None):
    return play(spf_facts("example.com", tuple(Sender(*sender) for sender in senders)), zone(names), asked)


def includes(count, **others):
    """A record with `count` includes, each of them in order."""
    names = {"example.com": "v=spf1 %s -all" % " ".join("include:s%d.example.net" % n for n in range(count))}
    names.update({"s%d.example.net" % n: "v=spf1 ip4:198.51.100.%d -all" % n for n in range(count)})
    return {**names, **others}


HERE = {"mx.example.com": ["A 192.0.2.1", "AAAA 2001:db8::1"]}

# section, record, others, valid, look-ups, void look-ups, ids of problems
STATIC = [
    ("4.6.4", "v=spf1 ip4:192.0.2.0/24 -all", {}, True, 0, 0, []),
    ("4.6.4", "v=spf1 a:mx.example.com mx:mx.example.com exists:%{i}.example.com -all", HERE, True, 3, 1, []),
    ("4.6.4", "v=spf1 a:a.example.com a:b.example.com a:c.example.com -all", {}, False, 3, 3, ["spf_void_lookups"]),
    ("4.6.4", "v=spf1 a:a.example.com a:b.example.com -all", {}, True, 2, 2, []),
    ("4.6.4", "v=spf1 " + "a:mx.example.com " * 11 + "-all", HERE, False, 11, 0, ["spf_lookups"]),
    ("4.6.4", "v=spf1 mx -all", {"example.com": ["MX 1 h%d.example.com" % n for n in range(10)]}, True, 1, 0, []),
    ("4.6.4", "v=spf1 a:a.example.com a:a.example.com a:a.example.com -all", {}, False, 3, 3, ["spf_void_lookups"]),
    ("4.6.4", "v=spf1 " + "a:mx.example.com " * 10 + "-all", HERE, True, 10, 0, []),
    ("4.6.4", "v=spf1 " + "a:mx.example.com " * 13 + "-all", HERE, False, 13, 0, ["spf_lookups"]),
    ("4.6.4", "v=spf1 mx -all", {"example.com": ["MX 1 h%d.example.com" % n for n in range(11)]}, False, 1, 0, ["spf_mail_servers"]),
    ("4.6.4", "v=spf1 include:example.com -all", {}, False, 1, 0, ["spf_loop"]),
    ("4.6.4", "v=spf1 redirect=a.example.com", {"a.example.com": "v=spf1 include:EXAMPLE.com -all"}, False, 2, 0, ["spf_loop"]),
    ("5.1", "v=spf1 +all", {}, True, 0, 0, ["spf_pass_all"]),
    ("5.1", "v=spf1 all", {}, True, 0, 0, ["spf_pass_all"]),
    ("5.1", "v=spf1 ?all", {}, True, 0, 0, ["spf_neutral_all"]),
    ("4.7", "v=spf1 ip4:192.0.2.1", {}, True, 0, 0, ["spf_no_all"]),
    ("5.1", "v=spf1 -all a:mx.example.com", {}, True, 0, 0, ["spf_behind_all"]),
    ("6.1", "v=spf1 -all redirect=mx.example.com", {}, True, 0, 0, ["spf_redirect_ignored"]),
    ("5.5", "v=spf1 ptr -all", {}, True, 1, 0, ["spf_ptr"]),
    ("6", "v=spf1 redirect=a.example.com redirect=a.example.com", {}, False, None, None, ["spf_syntax"]),
    ("5.6", "v=spf1 ip6:1:2 -all", {}, False, None, None, ["spf_syntax"]),
    ("5.6", "v=spf1 ip6:2001:db8::1::2 -all", {}, False, None, None, ["spf_syntax"]),
    ("6", "v=spf1 moo=%{i} -all", {}, True, 0, 0, []),
    ("6", "v=spf1 include=a.example.com -all", {}, True, 0, 0, ["spf_looks_like_mechanism"]),
    ("3.1", "v=spf1 a:\xe9.example.com -all", {}, False, None, None, ["spf_syntax"]),
    ("3.2", ["TXT v=spf1 -all", "TXT v=spf1 +all"], {}, False, None, None, ["spf_several_records"]),
    ("3.4", "v=spf1 " + "ip4:192.0.2.100 " * 32 + "-all", {}, True, 0, 0, ["spf_long"]),
    ("4.6", "v=spf1 ip4:192.0.2.81~all", {}, False, None, None, ["spf_syntax"]),
    ("5.2", "v=spf1 include:a.example.net -all", {}, False, 1, 0, ["spf_include_without_record"]),
    ("5.2", "v=spf1 include:a.example.net-all", {}, False, 1, 0, ["spf_no_all", "spf_include_without_record"]),
    ("5.2", "v=spf1 include:a.example.net -all", {"a.example.net": "v=spf1 moo"}, False, 1, 0, ["spf_syntax"]),
    ("5.2", "v=spf1 include:a.example.net -all", {"a.example.net": ["TXT v=spf1", "TXT v=spf1 -all"]}, False, 1, 0, ["spf_several_records"]),
    ("5.2", "v=spf1 include:a..example.net -all", {}, False, 1, 0, ["spf_include_without_record"]),
    ("6.1", "v=spf1 redirect=a.example.net mx", {"a.example.net": "v=spf1 -all", "example.com": ["MX 1 mx.example.com"]}, True, 2, 0, []),
    ("6.1", "v=spf1 redirect=a.example.net", {}, False, 1, 0, ["spf_include_without_record"]),
    ("6.1", "v=spf1 redirect=a.example.net", {"a.example.net": "v=spf1 ip4:192.0.2.1"}, True, 1, 0, ["spf_no_all"]),
    ("5.2", "v=spf1 include:a.example.net -all", {"a.example.net": "v=spf1 +all"}, True, 1, 0, ["spf_pass_all"]),
    ("5.2", "v=spf1 include:a.example.net -all", {"a.example.net": "v=spf1 ip4:192.0.2.1"}, True, 1, 0, []),
    ("5.2", "v=spf1 include:a.example.net -all", {"a.example.net": "v=spf1 ?all"}, True, 1, 0, []),
    ("2.6.6", "v=spf1 include:a.example.net -all", {"a.example.net": ["TIMEOUT"]}, None, 1, 0, ["spf_not_determined"]),
    ("2.6.6", "v=spf1 include:a.example.net -all", {"a.example.net": ["BOGUS"]}, None, 1, 0, ["spf_not_determined"]),
    ("2.6.6", "v=spf1 a:a.example.net -all", {"a.example.net": ["TIMEOUT"]}, None, 1, 0, ["spf_not_determined"]),
    ("7", "v=spf1 include:%{i}.example.net -all", {}, None, 1, 0, ["spf_not_followed"]),
    ("7", "v=spf1 include:%{d2}.example.net -all", {"example.com.example.net": "v=spf1 -all"}, True, 1, 0, []),
]  # fmt: skip


@pytest.mark.parametrize(("section", "text", "others", "valid", "lookups", "void", "problems"), STATIC)
def test_a_record_is_counted_and_judged(section, text, others, valid, lookups, void, problems):
    others = dict(others)
    rows = (["TXT " + text] if isinstance(text, str) else text) + others.pop("example.com", [])
    found = facts({"example.com": rows, **others})
    assert found.state == "present"
    assert [problem.id for problem in found.problems] == problems
    assert (found.valid, found.lookups, found.void_lookups) == (valid, lookups, void)
    assert bool(found.reason) == (valid is None)


@pytest.mark.parametrize(
    ("rows", "state", "problems"),
    [
        ([], "absent", []),
        (["A 192.0.2.1", "TXT google-site-verification=x"], "absent", []),
        (["TXT v=spf1;-all"], "absent", ["spf_version"]),
        (["TXT v=spf10 -all"], "absent", ["spf_version"]),
        (['TXT "v=spf1 -all"'], "absent", ["spf_version"]),
        (["TXT spf2.0/pra -all"], "absent", []),  # Sender ID
        (["TIMEOUT"], "not_determined", []),
        (["BOGUS"], "bogus", []),
    ],
)
def test_states(rows, state, problems):
    found = facts({"example.com": rows}, [("192.0.2.1",)])
    assert (found.state, found.valid, found.record) == (state, None, "")
    assert (found.lookups, found.void_lookups, found.terms) == (None, None, ())
    assert [problem.id for problem in found.problems] == problems
    assert bool(found.reason) == (state in ("bogus", "not_determined"))
    assert [sender.result for sender in found.senders] == ["none" if state == "absent" else "temperror"]


def said(found):
    return " ".join(problem.text for problem in found.problems)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("v=spf1 ip4:192.0.2.81~all", "ip4:192.0.2.81~all: a space is missing before ~all"),
        ("v=spf1 include:a.example.com~all", "include:a.example.com~all: a space is missing before ~all"),
        ("v=spf1 ip4:192.0.2.1?mx:b.example.com", "a space is missing before ?mx:b.example.com"),
        ("v=spf1 foo~all", "foo~all: there is no such mechanism"),
        ("v=spf1 mx:a.example.com~all:b", "mx:a.example.com~all:b: "),
        ("v=spf1 include:a.example.net-all", "is a space missing before -all?"),
        ("v=spf1 a:192.0.2.1 -all", "write ip4:192.0.2.1"),
        ("v=spf1 ipv4:192.0.2.1 -all", "write ip4:192.0.2.1"),
        ("v=spf1 redirect:a.example.com", "write redirect=a.example.com"),
        ("v=spf1 ip4:192.0.2.300 -all", "ip4:192.0.2.300: this is no IPv4 network"),
        ("v=spf1 ip4:192.0.2.0/33 -all", "the prefix is longer than an address"),
        ("v=spf1 -all ip4:192.0.2.1 ip4:192.0.2.2", "example.com: ip4:192.0.2.1 ip4:192.0.2.2"),
        ("v=spf1" + " moo" * 12, "example.com: 2 more"),
        ("v=spf1" + " moo" * 23, "example.com: 13 more"),
        ("v=spf1 moo -all", "moo: there is no such mechanism"),
        ("v=spf1 include -all", "include: the domain name is missing"),
        ("v=spf1 a:\x1b[31m<b> -all", "a:\\x1b[31m<b>"),
        ("v=spf1 " + "a:b" * 1000, "…"),
    ],
)
def test_a_fault_quotes_its_term_and_says_what_to_write(text, words):
    found = facts({"example.com": text})
    assert words in said(found)
    assert "example.com" in said(found)
    assert "\x1b" not in repr(found)
    assert max(len(problem.text) for problem in found.problems) < 1000


def test_every_fault_of_a_record_is_said():
    found = facts({"example.com": "v=spf1 moo ip4:1.2.3 redirect=a.example.com redirect=b.example.com"})
    assert [problem.id for problem in found.problems] == ["spf_syntax"] * 3


def test_of_many_faults_ten_are_said_one_by_one():
    terms = ["moo%d" % number for number in range(12)]
    found = facts({"example.com": "v=spf1 " + " ".join(terms)})
    assert len(found.problems) == 11
    assert "moo9" in said(found) and "moo10" not in said(found)
    assert len(facts({"example.com": "v=spf1 " + " ".join(terms[:10])}).problems) == 10


def test_the_whole_tree_is_shown_beyond_the_tenth_look_up():
    found = facts(includes(11), [("198.51.100.0",), ("203.0.113.9",)])
    assert found.lookups == 11
    assert [(term.term, term.lookups) for term in found.terms][-2:] == [("include:s10.example.net", 1), ("-all", 0)]
    assert found.terms[10].record == "v=spf1 ip4:198.51.100.10 -all"
    assert [term.term for term in found.terms[10].terms] == ["ip4:198.51.100.10", "-all"]
    assert [sender.result for sender in found.senders] == ["pass", "permerror"]
    assert "11" in said(found) and "10" in said(found)


def test_a_term_counts_what_is_below_it():
    names = {"example.com": "v=spf1 include:a.example.com a:mx.example.com -all",
             "a.example.com": "v=spf1 a:mx.example.com include:b.example.com ?all",
             "b.example.com": "v=spf1 mx:mx.example.com -all", **HERE}  # fmt: skip
    found = facts(names)
    assert [term.lookups for term in found.terms] == [4, 1, 0]
    assert found.lookups == 5


def test_an_include_that_failed_says_so_and_is_no_missing_record():
    found = facts(includes(2, **{"s1.example.net": ["TIMEOUT"]}))
    first, second, _all = found.terms
    assert (first.state, second.state, second.record) == ("present", "not_determined", "")
    assert "no answer within 5 s" in second.reason and "no answer within 5 s" in found.reason


def test_three_includes_need_few_round_trips():
    asked = []
    facts(includes(3, **HERE), [("192.0.2.1",), ("2001:db8::1",), ("mx.example.com",)], asked)
    assert [len(questions) for questions in asked] == [3, 3]  # TXT and the sender's addresses; three includes


def test_nothing_is_asked_twice():
    asked = []
    facts({"example.com": "v=spf1 a a mx include:a.example.com include:a.example.com -all",
           "a.example.com": "v=spf1 a:example.com -all"}, [("192.0.2.1",), ("192.0.2.2",)], asked)  # fmt: skip
    questions = [question for round_trip in asked for question in round_trip]
    assert len(questions) == len(set(questions))


SENDERS = {
    "example.com": "v=spf1 ip4:192.0.2.1 include:i.example.net -all exp=why.example.com",
    "i.example.net": "v=spf1 ip6:2001:db8::/32 -all",
    "why.example.com": "%{i} may not send for %{d}",
    "bounce.example.com": "v=spf1 ip4:192.0.2.9 ~all",
    "host.example.com": ["A 192.0.2.1", "A 192.0.2.2", "AAAA 2001:db8::1"],
    "silent.example.com": ["TIMEOUT"],
}


@pytest.mark.parametrize(
    ("sender", "rows"),
    [
        (("192.0.2.1",), [("192.0.2.1", "pass", "ip4:192.0.2.1")]),
        (("host.example.com",), [("192.0.2.1", "pass", "ip4:192.0.2.1"), ("192.0.2.2", "fail", "-all"),
                                 ("2001:db8::1", "pass", "ip6:2001:db8::/32")]),
        (("192.0.2.9", "x@bounce.example.com"), [("192.0.2.9", "pass", "ip4:192.0.2.9")]),
        (("absent.example.com",), [("absent.example.com", None, "")]),
        (("silent.example.com",), [("silent.example.com", None, "")]),
    ],
)  # fmt: skip
def test_senders(sender, rows):
    """A name is each of its addresses; one that has none, or gives no answer, has no result."""
    found = facts(SENDERS, [sender]).senders
    assert [(row.address, row.result, row.term) for row in found] == rows
    assert all(bool(row.reason) == (row.result is None) for row in found)
    assert {row.host for row in found} == {"" if sender[0][0].isdigit() else sender[0]}


@pytest.mark.parametrize(
    ("sender", "reason"),
    [
        ("absent.example.com", "absent.example.com has no address"),
        ("silent.example.com", "silent.example.com A: no answer within 5 s; silent.example.com AAAA: no answer within 5 s"),
    ],
)  # fmt: skip
def test_why_a_sender_has_no_result(sender, reason):
    (found,) = facts(SENDERS, [(sender,)]).senders
    assert (found.address, found.host, found.reason) == (sender, sender, reason)
    assert (found.lookups, found.void_lookups, found.path, found.explanation) == (None, None, (), "")


@pytest.mark.parametrize(("count", "reasons"), [(50, []), (51, ["of 51 addresses 50 were evaluated"])])
def test_fifty_addresses_of_a_name_are_evaluated(count, reasons):
    names = {"example.com": "v=spf1 +all", "host.example.com": ["A 192.0.2.%d" % n for n in range(1, count + 1)]}
    found = facts(names, [("host.example.com",)]).senders
    assert [row.result for row in found] == ["pass"] * 50 + [None] * len(reasons)
    assert [row.reason for row in found if row.reason] == reasons


def test_of_a_tree_two_hundred_terms_are_shown():
    found = facts({"example.com": "v=spf1 " + "ip4:192.0.2.1 " * 205 + "-all"})
    assert len(found.terms) == 200


@pytest.mark.parametrize(
    ("text", "others", "strangers_pass"),
    [
        ("v=spf1 -all", {}, False),
        ("v=spf1 +all", {}, True),
        ("v=spf1 ip4:0.0.0.0/0 ip6:::/0 -all", {}, True),
        ("v=spf1 include:%{i}.example.net -all", {}, None),
        ("v=spf1 include:a.example.net -all", {"a.example.net": ["TIMEOUT"]}, None),
        ("v=spf1 moo include:a.example.net -all", {"a.example.net": "v=spf1 +all"}, False),
    ],
)
def test_whether_strangers_pass(text, others, strangers_pass):
    assert facts({"example.com": text, **others}).strangers_pass is strangers_pass


def test_the_time_of_an_explanation_is_the_callers():
    """RFC 7208 7.2: %{t} is in seconds since the epoch."""
    answers = zone({"example.com": "v=spf1 -all exp=why.example.com", "why.example.com": "%{t}"})
    sender = (Sender("192.0.2.1"),)
    assert play(spf_facts("example.com", sender, 5), answers).senders[0].explanation == "5"
    assert play(spf_facts("example.com", sender), answers).senders[0].explanation == "0"


def test_a_sender_says_the_way_the_costs_and_the_explanation():
    passed, failed = facts(SENDERS, [("2001:db8::1", "a@example.com", "h.example.com"), ("192.0.2.7",)]).senders
    assert [tuple(step) for step in passed.path] == [
        ("example.com", "include:i.example.net"),
        ("i.example.net", "ip6:2001:db8::/32"),
    ]
    assert (passed.mail_from, passed.helo, passed.lookups, passed.void_lookups) == (
        "a@example.com",
        "h.example.com",
        1,
        0,
    )
    assert failed.explanation == "192.0.2.7 may not send for example.com"
    assert (failed.mail_from, failed.helo) == ("postmaster@example.com", "example.com")


def test_a_forest_of_includes_ends():
    names = {"example.com": "v=spf1 include:0.example.com include:0.example.com -all"}
    names.update(
        {
            "%d.example.com" % n: "v=spf1 include:%d.example.com include:%d.example.com -all" % (n + 1, n + 1)
            for n in range(60)
        }
    )
    asked = []
    found = facts(names, [("192.0.2.1",)], asked)
    assert len(asked) <= 14
    assert found.valid is False and found.lookups >= 11
    assert {"spf_lookups", "spf_not_followed"} <= {problem.id for problem in found.problems}


@pytest.mark.parametrize(
    "data",
    [
        b"a " * 32000,
        b"include:a.example.com " * 2900,
        b"moo " * 16000,
        b"a:b%d.example.com " * 3000,
        b"ip4:192.0.2.1 " * 4600,
    ],
)
def test_a_record_of_64_KiB_ends_in_facts_of_some_size(data):
    number = iter(range(10**6))
    while b"%d" in data:
        data = data.replace(b"%d", b"%d" % next(number), 1)
    asked = []
    found = play(
        spf_facts("example.com", (Sender("192.0.2.1"),)),
        answers_of({"example.com": [("TXT", [b"v=spf1 " + data])]}),
        asked,
    )
    assert sum(map(len, asked)) <= 260
    assert len(repr(found)) < 150000
    assert any(problem.id in ("spf_not_followed", "spf_syntax", "spf_long") for problem in found.problems)


def test_a_large_record_that_is_included_often_is_read_once():
    answers = answers_of({"example.com": [("TXT", [b"v=spf1 " + b"include:a.example.com " * 100])],
                          "a.example.com": [("TXT", [b"v=spf1 " + b"a:x.example.com " * 4000])]})  # fmt: skip
    found = play(spf_facts("example.com", ()), answers)
    assert found.valid is False
    assert {"spf_lookups", "spf_not_followed"} <= {problem.id for problem in found.problems}


def test_of_too_many_terms_only_the_first_are_read_and_that_is_said():
    record = parse_record(b"v=spf1" + b" a" * (MAX_TERMS + 1))
    assert len(record.terms) == MAX_TERMS
    assert record.faults == ("it has 1001 terms, and no more than 1000 are read here",)
    assert parse_record(b"v=spf1" + b" a" * MAX_TERMS).faults == ()
    faults = parse_record(b"v=spf1 moo foo" + b" a" * MAX_TERMS).faults
    assert [fault.partition(":")[0] for fault in faults] == [
        "it has 1002 terms, and no more than 1000 are read here",
        "moo",
        "foo",
    ]


GLUED = [
    ("ip4:192.0.2.1~all", ("ip4:192.0.2.1", "~all")),
    ("include:a.example.com-ALL", ("include:a.example.com", "-ALL")),
    ("a:b.example.com?mx:c.example.com", ("a:b.example.com", "?mx:c.example.com")),
    ("mx+a", ("mx", "+a")),
    ("-all", None),
    ("moo~all", None),
    ("a~moo", None),
    ("a~ip4:1.2.3", None),
    ("redirect=a.example.com~all", None),
]


@pytest.mark.parametrize(("text", "parts"), GLUED)
def test_two_terms_without_a_space_between_them(text, parts):
    assert (apart(text) is None) == (parts is None)
    assert parts is None or apart(text) == parts
    assert meant(text) == " ".join(parts or ())


MEANT = [
    ("ipv4:192.0.2.1", "ip4:192.0.2.1"),
    ("-IPv4:192.0.2.0/24", "-ip4:192.0.2.0/24"),
    ("~ipv6:2001:db8::/32", "~ip6:2001:db8::/32"),
    ("a:192.0.2.1", "ip4:192.0.2.1"),
    ("+mx:192.0.2.0/24", "+ip4:192.0.2.0/24"),
    ("include:192.0.2.1", "ip4:192.0.2.1"),
    ("redirect:a.example.com", "redirect=a.example.com"),
    ("EXP:a.example.com", "exp=a.example.com"),
    ("-redirect:a.example.com", ""),
    ("redirect:a", ""),
    ("redirect", ""),
    ("exp", ""),
    ("moo:a.example.com", ""),
    ("include:a.example.com", ""),
    ("ipv4:192.0.2.300", ""),
    ("ipv4:192.0.2.0/33", ""),
    ("ipv6:192.0.2.1", ""),
    ("exists:192.0.2.1", ""),
    ("a:192.0.2.1.example.com", ""),
    ("ipv4", ""),
]


@pytest.mark.parametrize(("text", "repair"), MEANT)
def test_what_is_plainly_meant(text, repair):
    assert meant(text) == repair


@pytest.mark.parametrize(("octets", "problems"), [(450, []), (451, ["spf_long"])])
def test_a_record_has_450_octets_at_most(octets, problems):
    """RFC 7208 3.4."""
    text = "v=spf1 x=%s -all" % ("a" * (octets - 14))
    found = facts({"example.com": text})
    assert (len(text), [problem.id for problem in found.problems]) == (octets, problems)
    assert not problems or said(found).endswith("example.com: 451 octets")


@pytest.mark.parametrize(("before", "problems"), [(99, ["spf_version"]), (100, [])])
def test_of_many_texts_a_hundred_are_looked_at(before, problems):
    """For what was meant to be the record, where there is none."""
    found = facts({"example.com": ["TXT x"] * before + ["TXT spf1 -all"]})
    assert [problem.id for problem in found.problems] == problems


def test_facts_are_plain():
    def walk(value):
        if isinstance(value, tuple):
            for inner in value:
                walk(inner)
        else:
            assert value is None or isinstance(value, (str, int, bool))

    walk(facts(includes(3, **SENDERS), [("host.example.com",), ("192.0.2.1",)]))
