# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Whether strangers pass: what a record says of addresses that nobody named, by RFC 7208 4.6.2, 5 and 6.1.

from __future__ import annotations

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.spf import reach, tree
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.spf.facts import spf_facts
from ansible_collections.postmaster.mailcheck.tests.support.answers import play
from ansible_collections.postmaster.mailcheck.tests.support.zones import zone

THERE = "x.example.net"


def facts(text, there=None):
    names = {"example.com": ["TXT v=spf1 " + text, "MX 10 mx.example.com"]}
    if there is not None:
        names[THERE] = there if isinstance(there, list) else "v=spf1 " + there
    return play(spf_facts("example.com"), zone(names))


EIGHTHS = ["ip4:%d.0.0.0/3" % first for first in (0, 32, 64, 96)]
LATE = ["exists:%%{i}.%d.example.net" % number for number in range(11)]
VOID = ["a:v%d.example.net" % number for number in range(3)]
# Of the 57,344 /16 below 224.0.0.0 half, but for 0.0.0.0/16.
NEARLY_HALF = " ".join(
    ["ip4:0.%d.0.0/%d" % (1 << bit, 16 - bit) for bit in range(8)]
    + ["ip4:%d.0.0.0/%d" % (1 << bit, 8 - bit) for bit in range(6)]
    + ["ip4:64.0.0.0/3", "ip4:96.0.0.0/4"]
)

STRANGERS = [
    # 5.1: all, with or without its qualifier
    ("+all", None, True),
    ("all", None, True),
    ("ALL", None, True),
    ("-all", None, False),
    ("~all", None, False),
    ("?all", None, False),
    ("", None, False),
    # 4.6.2: the first term that matches decides
    ("-all +all", None, False),
    ("-ip4:192.0.2.0/24 +all", None, True),
    ("-ip4:0.0.0.0/0 -ip6:::/0 all", None, False),
    ("-ip4:0.0.0.0/0 all", None, True),
    # 5.6: networks
    ("ip4:0.0.0.0/0 -all", None, True),
    ("ip6:::/0 -all", None, True),
    ("ip6:2000::/3 -all", None, True),
    ("ip6:fc00::/7 -all", None, False),
    ("ip4:0.0.0.0/1 ip4:128.0.0.0/1 -all", None, True),
    ("ip6:::/1 -all", None, True),
    ("ip6:8000::/1 -all", None, False),
    (" ".join(EIGHTHS) + " -all", None, True),
    (" ".join(EIGHTHS[:3]) + " -all", None, False),
    ("?ip4:0.0.0.0/0 -all", None, False),
    ("ip4:0.0.0.0 -all", None, False),
    ("ip4:192.0.0.0/8 -all", None, False),
    ("ip4:224.0.0.0/3 -all", None, False),
    # Half of the addresses of a family are strangers, less are not
    (NEARLY_HALF + " -all", None, False),
    (NEARLY_HALF + " ip4:0.0.0.0/16 -all", None, True),
    (NEARLY_HALF + " ip4:128.0.0.0/16 -all", None, True),
    (NEARLY_HALF + " ip4:1.2.0.0/16 -all", None, False),
    (NEARLY_HALF + " exists:%{i}.example.net ptr -all", None, False),
    (NEARLY_HALF + " a:x.example.net -all", ["A 0.0.0.1"], False),
    (NEARLY_HALF + " include:x.example.net -all", ["TIMEOUT"], None),
    (NEARLY_HALF + " exists:x.example.net -all", ["TIMEOUT"], None),
    (NEARLY_HALF + " include:x.example.net -all", "-all", False),
    (NEARLY_HALF + " include:x.example.net -all", "moo", False),
    (NEARLY_HALF + " include:x.example.net -all", ["A 192.0.2.1"], False),
    (NEARLY_HALF + " ip4:224.0.0.0/4 -all", None, False),
    (NEARLY_HALF + " " + " ".join(LATE) + " -all", None, False),
    ("ip6:2000::/4 -all", None, True),
    ("-ip6:2fff:e000::/19 ip6:2000::/4 -all", None, False),
    ("-ip6:2fff:e000::/20 ip6:2000::/4 -all", None, True),
    # 5.2: what an include passes, passes; what else it says does not matter
    ("include:x.example.net -all", "+all", True),
    ("include:x.example.net -all", "ip4:0.0.0.0/0 -all", True),
    ("include:x.example.net -all", "?all", False),
    ("include:x.example.net +all", "-all", True),
    ("-include:x.example.net +all", "+all", False),
    ("?include:x.example.net -all", "+all", False),
    ("include:x.example.net +all", ["A 192.0.2.1"], False),  # permerror, whoever sends
    ("-all include:x.example.net", "+all", False),
    # 6.1: redirect, where there is no all
    ("redirect=x.example.net", "+all", True),
    ("redirect=x.example.net", "-all", False),
    ("redirect=x.example.net ~all", "+all", False),
    ("ip4:192.0.2.1 redirect=x.example.net", "+all", True),
    ("a redirect=x.example.net", "+all", True),
    ("redirect=x.example.net ip4:192.0.2.1", "+all", True),
    ("-ip4:0.0.0.0/1 redirect=x.example.net", "ip4:0.0.0.0/0", False),
    ("exp=x.example.net x-all=+all -all", "+all", False),
    # 5.3: addresses with a prefix
    ("a:x.example.net/0 -all", ["A 192.0.2.1"], True),
    ("a:x.example.net//0 -all", ["AAAA 2001:db8::1"], True),
    ("a:x.example.net//0 -all", ["A 192.0.2.1"], False),
    ("a:x.example.net -all", ["A 192.0.2.1"], False),
    # 5.7: exists, of a name that is the same for everybody
    ("exists:x.example.net -all", ["A 127.0.0.2"], True),
    ("exists:%{i}.x.example.net -all", ["A 127.0.0.2"], False),
    ("ptr -all", None, False),
    # 4.6: an error passes nobody
    ("+all moo:x", None, False),
    (" ".join(LATE) + " +all", None, False),
    (" ".join(LATE[:10]) + " +all", None, True),
    ("ip4:0.0.0.0/0 " + " ".join(LATE) + " -all", None, True),
    (" ".join(VOID) + " +all", None, False),
    (" ".join(VOID[:2]) + " +all", None, True),
    # What is not known of a term matters only where it decides
    ("include:x.example.net -all", ["TIMEOUT"], None),
    ("redirect=x.example.net", ["TIMEOUT"], None),
    ("include:x.example.net ip4:0.0.0.0/0 -all", ["TIMEOUT"], True),
    ("-include:x.example.net +all", ["TIMEOUT"], None),
    ("?all include:x.example.net", ["TIMEOUT"], False),
    ("include:%{i}.example.net -all", None, None),
    ("exists:x.example.net -all", ["TIMEOUT"], None),
    ("a:x.example.net/0 -all", ["TIMEOUT"], None),
    ("a:x.example.net -all", ["TIMEOUT"], False),
    ("mx/0 -all", None, None),
    ("mx -all", None, False),
]  # fmt: skip


@pytest.mark.parametrize(("text", "there", "pass_"), STRANGERS)
def test_whether_strangers_pass(text, there, pass_):
    found = facts(text, there)
    assert found.strangers_pass is pass_
    assert ("spf_pass_all" in [problem.id for problem in found.problems]) is (pass_ is True)


@pytest.mark.parametrize(
    ("text", "pass_"),
    [("ip4:192.0.2.1 ip4:192.0.2.2 +all", None), ("-all ip4:192.0.2.1 +all", False), ("+all a mx", True)],
)
def test_terms_that_there_is_no_room_for_may_let_pass_anybody(text, pass_, monkeypatch):
    monkeypatch.setattr(tree, "MAX_TERMS", 2)
    assert facts(text).strangers_pass is pass_


@pytest.mark.parametrize(
    ("text", "there", "named"),
    [
        ("mx +all", None, "by example.com: +all"),
        ("include:x.example.net -all", "ip4:0.0.0.0/1 ip4:128.0.0.0/1", "by x.example.net: ip4:0.0.0.0/1, x.example.net: ip4:128.0.0.0/1"),
        (" ".join(EIGHTHS) + " all", None, "by example.com: ip4:0.0.0.0/3, example.com: ip4:32.0.0.0/3, example.com: ip4:64.0.0.0/3 and 2 more"),
    ],
)  # fmt: skip
def test_the_terms_are_named(text, there, named):
    (found,) = [problem.text for problem in facts(text, there).problems if problem.id == "spf_pass_all"]
    assert found.endswith(named)


def test_who_has_no_record_has_no_strangers():
    assert play(spf_facts("example.com"), zone({"example.com": ["A 192.0.2.1"]})).strangers_pass is None


@pytest.mark.parametrize(
    ("address", "prefix", "first", "count"),
    [
        ("0.0.0.0", 0, 0, 0xE000),  # up to 224.0.0.0, from where on nobody sends
        ("128.0.0.0", 1, 0x8000, 0x6000),
        ("192.0.0.0", 16, 0xC000, 1),
        ("192.0.0.7", 15, 0xC000, 2),
        ("192.0.0.0", 17, 0, 0),
        ("224.0.0.0", 3, 0, 0),
        ("::", 0, 0xE000, 0x10000),
        ("2000::", 3, 0xE000, 0x10000),
        ("2000::", 19, 0xE000, 1),
        ("3fff:e000::", 19, 0xE000 + 0xFFFF, 1),
        ("2000::", 20, 0, 0),
        ("4000::", 3, 0, 0),
    ],
)
def test_the_cells_of_a_network(address, prefix, first, count):
    """A cell is a /16 of IPv4 below 224.0.0.0, or a /19 of 2000::/3 (RFC 4291 2.4), whose bits come behind."""
    assert reach._network(address, prefix) == ((1 << count) - 1) << first
