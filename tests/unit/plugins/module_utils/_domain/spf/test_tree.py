# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# How far the records of others are followed, and what is said of those that are not.

from __future__ import annotations

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.spf.tree import (
    MAX_DEPTH,
    MAX_FOLLOWED,
    MAX_TERMS,
    grow,
)
from ansible_collections.postmaster.mailcheck.tests.support.answers import play
from ansible_collections.postmaster.mailcheck.tests.support.zones import zone


def nodes_of(names, asked=None):
    root, _answer = play(grow("example.com"), zone(names), asked)
    return list(root.walk())


def test_a_chain_of_includes_is_followed_to_its_limit():
    names = {"%d.example.com" % n: "v=spf1 include:%d.example.com" % (n + 1) for n in range(30)}
    nodes = nodes_of({"example.com": "v=spf1 include:0.example.com", **names})
    assert len(nodes) == 1 + MAX_DEPTH == 13
    assert [node.followed for node in nodes] == [True] * 12 + [False]
    assert nodes[-1].reason == "no more than 12 records are followed below each other"


def test_of_the_terms_of_all_records_a_hundred_are_looked_up():
    terms = {"s%d.example.net" % n: "v=spf1 " + "a:h.example.org " * 50 for n in range(3)}
    nodes = nodes_of({"example.com": "v=spf1 " + " ".join("include:" + name for name in terms), **terms})
    left_out = [node for node in nodes if not node.followed]
    assert sum(bool(node.term and node.state) for node in nodes) == MAX_FOLLOWED == 100
    assert len(left_out) == 53
    assert {node.reason for node in left_out} == {"no more than 100 terms are looked up here"}


@pytest.mark.parametrize(("count", "reason"), [(500, ""), (501, "no more than 2000 terms are looked at here")])
def test_of_the_terms_of_all_records_two_thousand_are_looked_at(count, reason):
    names = {"s%d.example.net" % n: "v=spf1 " + "ip4:192.0.2.1 " * 499 for n in range(3)}
    names["s3.example.net"] = "v=spf1 " + "ip4:192.0.2.1 " * (count - 1)
    nodes = nodes_of({"example.com": "v=spf1 " + " ".join("include:" + name for name in names), **names})
    assert len(nodes) <= 1 + MAX_TERMS == 2001
    assert nodes[4 + 3 * 499].reason == reason


@pytest.mark.parametrize(
    ("spec", "asked_for"),
    [
        ("%{d}.example.net", "example.com.example.net"),
        ("%{o}.example.net", "example.com.example.net"),
        ("%{d1}.%{o}.example.net", "com.example.com.example.net"),
        ("%{d}.%{i}.example.net", None),
        ("%{l}.example.net", None),
    ],
)
def test_a_name_that_depends_on_no_sender_is_looked_up(spec, asked_for):
    asked = []
    nodes = nodes_of({"example.com": "v=spf1 include:" + spec}, asked)
    assert [question.name for questions in asked[1:] for question in questions] == [asked_for] * bool(asked_for)
    assert nodes[1].followed == bool(asked_for)
