# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What holds of SPF whatever a domain publishes, and whoever sends.

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.spf.client import Sender
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.spf.evaluate import RESULTS
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.spf.facts import spf_facts
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.spf.publish import record_to_publish
from ansible_collections.postmaster.mailcheck.tests.support.answers import play
from ansible_collections.postmaster.mailcheck.tests.support.zones import answers_of

NOT_PRINTABLE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
WORDS = [b"v=spf1 ", b" ", b"a", b"mx", b"ptr", b":", b"/", b"//64", b"include:example.com", b"redirect=a.example.com",
         b"exp=a.example.com", b"ip4:192.0.2.1", b"ip6:::1", b"-all", b"~", b"%{", b"p}", b"%{s}", b"r", b".", b"\x1b[2J",
         b"\xe2\x80\xae", b"<b>", b"{{ x }}"]  # fmt: skip
records = st.lists(st.sampled_from(WORDS) | st.binary(max_size=3), max_size=30).map(b"".join)


def texts(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for inner in value:
            yield from texts(inner)
    else:
        assert value is None or isinstance(value, (int, bool))


@given(records, records, st.text(max_size=40), st.text(max_size=40), st.sampled_from(["192.0.2.1", "2001:db8::1"]))
@settings(max_examples=300, deadline=None)
def test_facts_are_plain_and_printable_and_questions_are_names(first, second, local_part, helo, address):
    answers = answers_of({"example.com": [("TXT", [b"v=spf1 " + first])], "a.example.com": [("TXT", [second])]})
    asked = []
    sender = Sender(address, local_part + "@example.com", helo)
    facts = play(spf_facts("example.com", (sender,)), answers, asked)
    shown = facts._replace(senders=tuple(row._replace(mail_from="", helo="") for row in facts.senders))
    for text in texts(shown):
        assert not NOT_PRINTABLE.search(text.replace("\n", "")), text
    assert facts.state == "present"
    assert facts.senders[0].result in {*RESULTS.values(), "none", "temperror", "permerror"}
    for question in (question for questions in asked for question in questions):
        assert question.name == question.name.lower() and question.name.isascii() and len(question.name) <= 253
        assert all(1 <= len(label) <= 63 for label in question.name.split("."))
    advice = record_to_publish("example.com", facts)
    assert advice is None or advice.value.startswith("v=spf1 ")


@given(st.lists(records, min_size=1, max_size=3))
@settings(max_examples=200, deadline=None)
def test_what_is_advised_can_be_evaluated(texts_published):
    answers = answers_of({"example.com": [("TXT", [b"v=spf1 " + text]) for text in texts_published]})
    advice = record_to_publish("example.com", play(spf_facts("example.com"), answers))
    if advice:
        again = play(spf_facts("example.com"), answers_of({"example.com": [("TXT", [advice.value])]}))
        assert "spf_syntax" not in [problem.id for problem in again.problems]


ADDRESSES = ["%d.%d.0.1" % (first, second) for first in range(0, 224, 8) for second in (0, 200)]
ADDRESSES += ["%x:1::1" % first for first in range(0x2000, 0x4000, 0x400)]
NETWORKS = ["ip4:%d.0.0.0/%d" % (first << (8 - bits), bits) for bits in (0, 1, 2, 3) for first in range(1 << bits)]
NETWORKS += [
    "ip6:%x::/%d" % (0x2000 + (first << (16 - bits)), bits) for bits in (3, 4, 5) for first in range(1 << (bits - 3))
]
NETWORKS += ["include:a.example.com", "all", "a:b.example.com/1", "exists:b.example.com", "exists:c.example.com"]
directives = st.tuples(st.sampled_from(["", "", "-", "?"]), st.sampled_from(NETWORKS)).map("".join)
terms = st.lists(directives, max_size=8).map(" ".join)


@given(terms, terms)
@settings(max_examples=60, deadline=None)
def test_strangers_pass_where_half_of_them_do_one_by_one(first, second):
    """check_host() of each of many addresses, evenly apart, says the same."""
    second = second.replace("include:a.example.com", "ip4:192.0.2.1")
    answers = answers_of({
        "example.com": [("TXT", [b"v=spf1 " + first.encode()])],
        "a.example.com": [("TXT", [b"v=spf1 " + second.encode()])],
        "b.example.com": [("A", "192.0.2.1")],
    })  # fmt: skip
    facts = play(spf_facts("example.com", tuple(Sender(address, "", "") for address in ADDRESSES)), answers)
    passed = [":" in row.address for row in facts.senders if row.result == "pass"]
    shares = [2 * passed.count(family) >= [":" in one for one in ADDRESSES].count(family) for family in (False, True)]
    assert facts.strangers_pass is any(shares)
