# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What a receiver makes of a sender: expected outcomes, each with its section of RFC 7208.

from __future__ import annotations

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.spf.client import Sender
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.spf.evaluate import check_host
from ansible_collections.postmaster.mailcheck.tests.support.answers import play
from ansible_collections.postmaster.mailcheck.tests.support.zones import answers_of, zone

V4, V6 = "192.0.2.3", "2001:db8::3"


def outcome(names, address=V4, mail_from="strong-bad@example.com", helo="mx.example.org", asked=None):
    return play(check_host(Sender(address, mail_from, helo), now=1795910400), zone(names), asked)


def record(text, **others):
    return {"example.com": text, **{name.replace("_", "."): rows for name, rows in others.items()}}


ELEVEN = "v=spf1 " + " ".join("a:h%d.example.com" % number for number in range(11)) + " -all"

# section, record of example.com, other names, address, result, the term that decided
RESULTS = [
    ("2.6.1", "v=something else", {}, V4, "none", ""),
    ("4.5", "v=spf10 +all", {}, V4, "none", ""),
    ("4.5", "V=SPF1 ALL", {}, V4, "pass", "ALL"),
    ("4.6", "v=spf1 +all moo", {}, V4, "permerror", ""),
    ("4.7", "v=spf1", {}, V4, "neutral", ""),
    ("4.7", "v=spf1 ip4:192.0.2.4", {}, V4, "neutral", ""),
    ("5.1", "v=spf1 -all", {}, V4, "fail", "-all"),
    ("5.1", "v=spf1 ~all +all", {}, V6, "softfail", "~all"),
    ("5.1", "v=spf1 ?all", {}, V6, "neutral", "?all"),
    ("5.1", "v=spf1 -all:x", {}, V4, "permerror", ""),
    ("5.3", "v=spf1 a -all", {}, V4, "fail", "-all"),
    ("5.3", "v=spf1 a:A.example.org/24 -all", {"a.example.org": ["A 192.0.2.200"]}, V4, "pass", "a:A.example.org/24"),
    ("5.3", "v=spf1 a:a.example.org//32 -all", {"a.example.org": ["AAAA 2001:db8:1::"]}, V6, "pass", "a:a.example.org//32"),
    ("5.3", "v=spf1 a:a.example.org//48 -all", {"a.example.org": ["AAAA 2001:db8:1::"]}, V6, "fail", "-all"),
    ("5.3", "v=spf1 a:a.example.org -all", {"a.example.org": ["A 192.0.2.2"]}, V4, "fail", "-all"),
    ("5.3", "v=spf1 a:a.example.org/31 -all", {"a.example.org": ["A 192.0.2.2"]}, V4, "pass", "a:a.example.org/31"),
    ("5.3", "v=spf1 a:a.example.org/0 -all", {"a.example.org": ["A 198.51.100.1"]}, V4, "pass", "a:a.example.org/0"),
    ("5.3", "v=spf1 a:a.example.org/24 -all", {"a.example.org": ["AAAA 2001:db8::2"]}, V6, "fail", "-all"),
    ("5.3", "v=spf1 a:a.example.org/24//127 -all", {"a.example.org": ["AAAA 2001:db8::2"]}, V6, "pass", "a:a.example.org/24//127"),
    ("5.3", "v=spf1 a:a.example.org/32//128 -all", {"a.example.org": ["A 192.0.2.3"]}, V4, "pass", "a:a.example.org/32//128"),
    ("5.3", "v=spf1 a:a.example.org/24 -all", {"a.example.org": ["AAAA 2001:db8::3"]}, V4, "fail", "-all"),
    ("5.4", "v=spf1 mx:m.example.org -all", {"m.example.org": ["MX 10 h.example.org"], "h.example.org": ["A 192.0.2.3"]}, V4, "pass", "mx:m.example.org"),
    ("5.4", "v=spf1 mx:m.example.org -all", {"m.example.org": ["MX 0 ."]}, V4, "fail", "-all"),
    ("5.4", "v=spf1 mx:m.example.org -all", {"m.example.org": ["A 192.0.2.3"]}, V4, "fail", "-all"),
    ("5.5", "v=spf1 ptr:example.org -all", {"3.2.0.192.in-addr.arpa": ["PTR h.example.org"], "h.example.org": ["A 192.0.2.3"]}, V4, "pass", "ptr:example.org"),
    ("5.5", "v=spf1 ptr:example.org -all", {"3.2.0.192.in-addr.arpa": ["PTR h.anexample.org"], "h.anexample.org": ["A 192.0.2.3"]}, V4, "fail", "-all"),
    ("5.5", "v=spf1 ptr:example.org -all", {"3.2.0.192.in-addr.arpa": ["PTR h.example.org"], "h.example.org": ["A 192.0.2.4"]}, V4, "fail", "-all"),
    ("5.5", "v=spf1 ptr:example.org -all", {"3.2.0.192.in-addr.arpa": ["PTR h.example.org"], "h.example.org": ["A 192.0.2.2"]}, V4, "fail", "-all"),
    ("5.5", "v=spf1 ptr -all", {"3.2.0.192.in-addr.arpa": ["TIMEOUT"]}, V4, "fail", "-all"),
    ("5.5", "v=spf1 ptr:example.org -all", {"3.2.0.192.in-addr.arpa": ["PTR a.example.net"], "a.example.net": ["A 192.0.2.3"]}, V4, "fail", "-all"),
    ("5.6", "v=spf1 ip4:192.0.0.0/16 -all", {}, V4, "pass", "ip4:192.0.0.0/16"),
    ("5.6", "v=spf1 ip4:192.0.2.0/24 -all", {}, "::ffff:192.0.2.3", "pass", "ip4:192.0.2.0/24"),
    ("5.6", "v=spf1 ip6:2001:DB8::/32 -all", {}, V6, "pass", "ip6:2001:DB8::/32"),
    ("5.6", "v=spf1 ip6:::/0 -all", {}, V4, "fail", "-all"),
    ("5.6", "v=spf1 ip4:192.0.2.3 -all", {}, "::192.0.2.3", "fail", "-all"),
    ("5.6", "v=spf1 ip6:::192.0.2.3 -all", {}, V4, "fail", "-all"),
    ("5.6", "v=spf1 ip4:192.0.2.2 -all", {}, V4, "fail", "-all"),
    ("5.6", "v=spf1 ip6:2001:db8::2 -all", {}, V6, "fail", "-all"),
    ("5.6", "v=spf1 ip4:192.0.2.2/31 -all", {}, V4, "pass", "ip4:192.0.2.2/31"),
    ("5.6", "v=spf1 ip4:192.0.2.3/32 -all", {}, V4, "pass", "ip4:192.0.2.3/32"),
    ("5.6", "v=spf1 ip6:2001:db8::2/127 -all", {}, V6, "pass", "ip6:2001:db8::2/127"),
    ("5.6", "v=spf1 ip6:2001:db8::3/128 -all", {}, V6, "pass", "ip6:2001:db8::3/128"),
    ("5.6", "v=spf1 ip4:192.0.2.0/33 -all", {}, V4, "permerror", ""),
    ("5.6", "v=spf1 ip6:2001:db8::/129 -all", {}, V6, "permerror", ""),
    ("5.6", "v=spf1 ip6:1:2 -all", {}, V6, "permerror", ""),
    ("5.3", "v=spf1 a/33 -all", {}, V4, "permerror", ""),
    ("5.3", "v=spf1 a//129 -all", {}, V4, "permerror", ""),
    ("5.6", "v=spf1 ip4:192.0.02.3 -all", {}, V4, "permerror", ""),
    ("5.6", "v=spf1 ip6:fe80::1%eth0 -all", {}, V4, "permerror", ""),
    ("5.7", "v=spf1 exists:%{ir}.x.example.org -all", {"3.2.0.192.x.example.org": ["A 127.0.0.2"]}, V4, "pass", "exists:%{ir}.x.example.org"),
    ("5.7", "v=spf1 exists:x.example.org -all", {"x.example.org": ["AAAA ::1"]}, V6, "fail", "-all"),
    ("5.2", "v=spf1 include:i.example.org -all", {"i.example.org": "v=spf1 ip4:192.0.2.3 -all"}, V4, "pass", "ip4:192.0.2.3"),
    ("5.2", "v=spf1 ~include:i.example.org -all", {"i.example.org": "v=spf1 +all"}, V4, "softfail", "+all"),
    ("5.2", "v=spf1 include:i.example.org ~all", {"i.example.org": "v=spf1 -all"}, V4, "softfail", "~all"),
    ("5.2", "v=spf1 include:i.example.org -all", {"i.example.org": "v=spf1 ~all"}, V4, "fail", "-all"),
    ("5.2", "v=spf1 include:i.example.org -all", {"i.example.org": "v=spf1 ?all"}, V4, "fail", "-all"),
    ("5.2", "v=spf1 include:i.example.org ~all", {}, V4, "permerror", "include:i.example.org"),
    ("5.2", "v=spf1 include:i.example.org ~all", {"i.example.org": ["TIMEOUT"]}, V4, "temperror", "include:i.example.org"),
    ("5.2", "v=spf1 include:i.example.org ~all", {"i.example.org": ["BOGUS"]}, V4, "temperror", "include:i.example.org"),
    ("6.1", "v=spf1 redirect=r.example.org", {"r.example.org": "v=spf1 -all"}, V4, "fail", "-all"),
    ("6.1", "v=spf1 redirect=r.example.org", {}, V4, "permerror", "redirect=r.example.org"),
    ("6.1", "v=spf1 redirect=r.example.org ?all", {"r.example.org": "v=spf1 -all"}, V4, "neutral", "?all"),
    ("6", "v=spf1 redirect=r.example.org redirect=r.example.org", {"r.example.org": "v=spf1 -all"}, V4, "permerror", ""),
    ("6", "v=spf1 unknown=%{i}:/x -all", {}, V4, "fail", "-all"),
    ("6", "v=spf1 unknown=% -all", {}, V4, "permerror", ""),
    ("7.1", "v=spf1 exists:%{d0}.example.org -all", {}, V4, "permerror", ""),
    ("7.2", "v=spf1 exists:%{t}.example.org -all", {}, V4, "permerror", ""),
    ("7.3", "v=spf1 exists:%{p}.p.example.org -all", {"unknown.p.example.org": ["A 127.0.0.2"]}, V4, "pass", "exists:%{p}.p.example.org"),
    ("7.3", "v=spf1 exists:%{d99999999999999999999}.x -all", {"example.com.x": ["A 127.0.0.2"]}, V4, "pass", "exists:%{d99999999999999999999}.x"),
    ("4.8", "v=spf1 a:%{d}..example.org -all", {}, V4, "fail", "-all"),
    ("4.6.4", ELEVEN, {"h%d.example.com" % n: ["A 192.0.2.9"] for n in range(11)}, V4, "permerror", "a:h10.example.com"),
    ("4.6.4", "v=spf1 redirect=example.com", {}, V4, "permerror", "redirect=example.com"),
    ("4.6.4", "v=spf1 a:x.example.org a:y.example.org a:z.example.org +all", {}, V4, "permerror", "a:z.example.org"),
    ("4.6.4", "v=spf1 a:x.example.org a:y.example.org +all", {}, V4, "pass", "+all"),
    ("4.6.4", "v=spf1 mx:m.example.org +all", {"m.example.org": ["MX %d h%d.example.org" % (n, n) for n in range(11)]}, V4, "permerror", "mx:m.example.org"),
    # A term counts once as void, however many of its look-ups are.
    ("4.6.4", "v=spf1 mx:m.example.org +all", {"m.example.org": ["MX %d h%d.example.org" % (n, n) for n in range(9)]}, V4, "pass", "+all"),
    ("4.6.4", "v=spf1 exists:%{p}.a.example.org exists:%{p}.b.example.org +all", {}, V4, "pass", "+all"),
    ("3.2", ["TXT v=spf1 -all", "TXT v=spf1 +all"], {}, V4, "permerror", ""),
    ("3.1", "v=spf1 a:\xe9.example.org +all", {}, V4, "permerror", ""),
    ("4.4", ["TIMEOUT"], {}, V4, "temperror", ""),
    ("4.4", ["BOGUS"], {}, V4, "temperror", ""),
]  # fmt: skip


@pytest.mark.parametrize(("section", "text", "others", "address", "result", "term"), RESULTS)
def test_result_and_the_term_that_decided(section, text, others, address, result, term):
    found = outcome({"example.com": text, **others}, address)
    assert (found.result, found.term) == (result, term)
    assert bool(found.reason) == (result in ("none", "permerror", "temperror"))


@pytest.mark.parametrize(
    ("mail_from", "helo", "result"),
    [
        ("", "example.com", "pass"),  # RFC 7208 2.4: postmaster at the name of EHLO
        ("@example.com", "x", "pass"),  # 4.3
        ("a@b@example.com", "x", "pass"),  # the last @ divides
        ("x@example.com.", "x", "pass"),  # the root's dot is no part of a name
        ("x@[192.0.2.3]", "x", "none"),  # 4.3
        ("x@localhost", "x", "none"),
        ("x@a..example.com", "x", "none"),
        ("x@" + "a" * 64 + ".example.com", "x", "none"),
        ("x@" + "a." * 130 + "example.com", "x", "none"),
        ("x@ex\xe4mple.com", "x", "none"),
        ("", "", "none"),
    ],
)
def test_the_domain_that_is_asked(mail_from, helo, result):
    """What is no domain name is not asked for."""
    asked = []
    assert outcome({"example.com": "v=spf1 +all"}, V4, mail_from, helo, asked).result == result
    assert bool(asked) == (result == "pass")


def test_the_path_leads_to_the_term_through_includes():
    names = {
        "example.com": "v=spf1 include:no.example.com include:i.example.org -all",
        "no.example.com": "v=spf1 -all",
        "i.example.org": "v=spf1 redirect=r.example.org",
        "r.example.org": "v=spf1 ip4:192.0.2.3 -all",
    }
    assert [tuple(step) for step in outcome(names).path] == [
        ("example.com", "include:i.example.org"),
        ("i.example.org", "redirect=r.example.org"),
        ("r.example.org", "ip4:192.0.2.3"),
    ]


def test_look_ups_are_counted_as_far_as_the_evaluation_went():
    names = {"example.com": "v=spf1 a:x.example.org mx:m.example.org include:i.example.org a -all",
             "m.example.org": ["MX 1 h.example.org", "MX 2 i.example.org"], "h.example.org": ["A 192.0.2.9"],
             "i.example.org": ["TXT v=spf1 ip4:192.0.2.3", "A 192.0.2.10"]}  # fmt: skip
    found = outcome(names)
    assert (found.result, found.lookups, found.void_lookups) == ("pass", 3, 1)


NAMED = {"3.2.0.192.in-addr.arpa": ["PTR h.example.org"], "h.example.org": ["A 192.0.2.3"]}
VOID = [
    ("exists:x.example.org exists:h.example.org", {}, 1),
    ("a:x.example.org", {}, 1),
    ("mx:x.example.org", {}, 1),
    ("ptr:example.net", NAMED, 0),
    ("a:%{p} ptr:example.net", {"h.example.org": ["A 192.0.2.9"]}, 2),
    ("exists:%{p} ptr:example.net", NAMED, 0),
    ("exists:h.%{d} exists:%{p}", {"h.example.com": ["A 127.0.0.2"]}, 0),
]


@pytest.mark.parametrize(("terms", "others", "void"), VOID)
def test_only_terms_that_find_nothing_are_counted_as_void(terms, others, void):
    """RFC 7208 4.6.4."""
    names = {"example.com": "v=spf1 %s +all" % terms, "h.example.org": ["A 127.0.0.2"], **others}
    found = outcome(names)
    assert (found.result, found.void_lookups) == ("pass", void)


REASONS = [
    ({"example.com": ["A 192.0.2.3"]}, "example.com has no SPF record"),
    ({"example.com": "v=spf1 moo ip4:x -all"}, "example.com: moo: there is no such mechanism"),
    ({"example.com": ["TXT v=spf1 -all", "TXT v=spf1 +all"]}, "example.com has 2 SPF records"),
    (
        {"example.com": "v=spf1 include:i.example.org", "i.example.org": ELEVEN},
        "more than 10 terms look something up before one matches: a:h9.example.com is number 11",
    ),
    (
        {"example.com": "v=spf1 include:i.example.org", "i.example.org": "v=spf1 a:x.de a:y.de a:z.de"},
        "more than 2 terms look up what does not exist: a:z.de is number 3",
    ),
    (
        {"example.com": ["TXT v=spf1 mx -all", *("MX 1 h%d.example.com" % number for number in range(11))]},
        "example.com has 11 mail servers, and an mx mechanism may look up 10 at most",
    ),
]


@pytest.mark.parametrize(("names", "reason"), REASONS)
def test_a_reason_names_what_ended_it(names, reason):
    hosts = {"h%d.example.com" % number: ["A 192.0.2.9"] for number in range(11)}
    assert outcome({**hosts, **names}).reason == reason


def test_only_a_fail_is_explained():
    """RFC 7208 6.2."""
    names = {"example.com": "v=spf1 ~all exp=why.example.com", "why.example.com": "no"}
    found = outcome(names)
    assert (found.result, found.explanation) == ("softfail", "")


EXPLAINED = [
    ("6.2", ["TXT %{i} at %{c}, %{r}, %{t}"], "192.0.2.3 at 192.0.2.3, unknown, 1795910400"),
    ("6.2", ["TXT See http://%{d}/why.html?s=%{S}&i=%{I}"], "See http://example.com/why.html?s=strong-bad%40example.com&i=192.0.2.3"),
    ("6.2", ["TXT one", "TXT two"], ""),
    ("6.2", ["TIMEOUT"], ""),
    ("6.2", ["TXT bad %{x}"], ""),
    ("6.2", ["TXT n\xf6"], ""),
    ("6.2", ["TXT a bell\x07"], ""),
    ("6.2", ["TXT a delete\x7f"], ""),
    ("6.2", [], ""),
]  # fmt: skip


@pytest.mark.parametrize(("section", "rows", "text"), EXPLAINED)
def test_explanation(section, rows, text):
    found = outcome({"example.com": "v=spf1 -all exp=why.example.com", "why.example.com": rows})
    assert (found.result, found.explanation) == ("fail", text)


def test_an_explanation_at_what_is_no_name_is_none():
    """RFC 7208 6.2: whatever is wrong with it, the result stays."""
    found = outcome({"example.com": "v=spf1 -all exp=%{l}..example.com"})
    assert (found.result, found.explanation) == ("fail", "")


def test_an_explanation_comes_from_the_record_that_a_redirect_leads_to():
    """RFC 7208 6.2: not from the one before, nor from one that is included."""
    names = {
        "example.com": "v=spf1 exp=no.example.com include:i.example.com redirect=r.example.com",
        "i.example.com": "v=spf1 -all exp=no.example.com",
        "r.example.com": "v=spf1 -all exp=yes.example.com",
        "no.example.com": "no",
        "yes.example.com": "%{d} says no",
    }
    assert outcome(names).explanation == "r.example.com says no"


def test_what_an_explanation_costs_changes_no_result():
    """RFC 7208 4.6.4: look-ups for the explanation come after the result, and are not counted."""
    names = {"example.com": "v=spf1 a:x.example.org a:y.example.org -all exp=%{p}.example.com",
             "unknown.example.com": "no"}  # fmt: skip
    found = outcome(names)
    assert (found.result, found.explanation, found.lookups, found.void_lookups) == ("fail", "no", 2, 2)


def test_names_beyond_253_characters_lose_labels_on_the_left():
    """RFC 7208 7.3."""
    label = "a" * 60
    long = ".".join([label] * 4)
    names = {
        "example.com": "v=spf1 exists:x.%s.%%{d} -all" % long,
        ".".join([label] * 3) + ".example.com": ["A 127.0.0.2"],
    }
    asked = []
    assert outcome(names, asked=asked).result == "pass"
    assert len(asked[-1][0].name) <= 253


def test_what_is_asked_together_is_asked_at_once():
    hosts = ["MX %d h%d.example.com" % (number, number) for number in range(10)]
    asked = []
    outcome({"example.com": ["TXT v=spf1 mx -all", *hosts]}, asked=asked)
    assert [len(questions) for questions in asked] == [1, 1, 10]
    assert {question.kind for question in asked[-1]} == {"A"}


@pytest.mark.parametrize(("number", "result"), [(9, "pass"), (10, "fail")])
def test_at_most_ten_reverse_names_are_looked_up(number, result):
    """RFC 7208 4.6.4: what is beyond them is ignored."""
    names = {"3.2.0.192.in-addr.arpa": ["PTR h%d.example.com" % at for at in range(11)],
             "h%d.example.com" % number: ["A 192.0.2.3"], "example.com": "v=spf1 ptr -all"}  # fmt: skip
    assert outcome(names).result == result


def test_without_the_time_an_explanation_has_the_epoch_s():
    answers = zone({"example.com": "v=spf1 -all exp=why.example.com", "why.example.com": "%{t}"})
    assert play(check_host(Sender(V4, "a@example.com", "x")), answers).explanation == "0"


@pytest.mark.parametrize(
    ("names", "preferred"),
    [
        (["z.example.org", "b.example.com", "Example.com"], "Example.com"),
        (["z.example.org", "b.Example.com"], "b.Example.com"),
        (["z.example.org", "anexample.com"], "z.example.org"),
    ],
)
def test_the_domain_then_a_name_below_it_are_preferred_of_the_validated_names(names, preferred):
    """RFC 7208 7.3, %{p}."""
    zone_of_names = {name: ["A 192.0.2.3"] for name in names if name.lower() != "example.com"}
    found = outcome({"3.2.0.192.in-addr.arpa": ["PTR " + name for name in names], **zone_of_names,
                     "example.com": ["TXT v=spf1 -all exp=why.example.com", "A 192.0.2.3"],
                     "why.example.com": "%{p}"})  # fmt: skip
    assert found.explanation == preferred


# No record of the DNS is longer than 65,535 octets.
HOSTILE = {
    "4,000 strings": [b"v=spf1 "] + [b"a:%012d" % number for number in range(4000)],
    "many terms": [b"v=spf1 " + b"a " * 32000],
    "huge macros": [b"v=spf1 exists:" + b"%{s}" * 16000 + b" -all"],
    "percent signs": [b"v=spf1 exists:" + b"%" * 64001 + b" -all"],
    "dots and dashes": [b"v=spf1 a:" + b"-.-" * 20000 + b" -all"],
    "glued": [b"v=spf1 ip4:" + b"~all" * 16000],
    "slashes": [b"v=spf1 a:" + b"/1" * 32000],
    "digits": [b"v=spf1 a/" + b"1" * 32000 + b" exists:%{d" + b"9" * 32000 + b"}"],
}  # fmt: skip


@pytest.mark.parametrize("strings", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_records_end(strings):
    answers = answers_of({"example.com": [("TXT", strings)]})
    asked = []
    found = play(check_host(Sender(V4, "x@example.com", "h.example.com")), answers, asked)
    assert found.result in ("permerror", "fail")
    assert len(asked) <= 12 and len(found.term) <= 4100 and len(found.reason) <= 4100


def test_endless_includes_end_at_the_eleventh_look_up():
    names = {"example.com": "v=spf1 include:0.example.com"}
    names.update(
        {
            "%d.example.com" % n: "v=spf1 include:%d.example.com include:%d.example.com" % (n + 1, n + 1)
            for n in range(50)
        }
    )
    asked = []
    found = outcome(names, asked=asked)
    assert (found.result, found.lookups, len(asked)) == ("permerror", 11, 11)
