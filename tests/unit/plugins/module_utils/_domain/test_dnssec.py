# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What DNSSEC says of a domain and of its relays' addresses (RFC 4035 4.3): as far as one resolver can tell.

from __future__ import annotations

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.dnssec import look_up_dnssec
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.model import INSECURE, NOT_DETERMINED
from ansible_collections.postmaster.mailcheck.tests.support.answers import play
from ansible_collections.postmaster.mailcheck.tests.support.published import (
    BAD_SIGNATURE,
    NO_DATA,
    SERVFAIL,
    zone,
)

SOA = {"example.com SOA": ["ns1.example.com"]}
WITHOUT_AD = NO_DATA._replace(dnssec=NOT_DETERMINED, reason="this resolver does not validate")

CASES = [
    ("signed", SOA, "secure", ("present", "secure", "resolver_ad")),
    ("not signed", SOA, INSECURE, ("present", "insecure", "resolver_ad")),
    ("no zone of its own, in a signed one", {"example.com SOA": NO_DATA}, None, ("present", "secure", "resolver_ad")),
    ("bogus", {"example.com SOA": BAD_SIGNATURE}, None, ("bogus", "bogus", "none")),
    ("no answer", {"example.com SOA": SERVFAIL}, None, ("not_determined", "not_determined", "none")),
    ("a resolver that does not validate", {"example.com SOA": WITHOUT_AD}, None,
     ("not_determined", "not_determined", "none")),
]  # fmt: skip


@pytest.mark.parametrize("about, table, dnssec, expected", CASES, ids=[case[0] for case in CASES])
def test_the_status_of_a_domain(about, table, dnssec, expected):
    facts = play(look_up_dnssec("example.com", ()), zone(table, dnssec or "secure"))
    assert (facts.state, facts.status, facts.basis) == expected
    assert facts.resolver == "192.0.2.52"
    assert facts.valid == (True if facts.state == "present" else None)
    assert bool(facts.reason) == (facts.state != "present")


def test_bogus_is_so_for_this_resolver_and_what_to_do_next_is_said():
    """Whose fault it is cannot be seen from one resolver."""
    reason = play(look_up_dnssec("example.com", ()), zone({"example.com SOA": BAD_SIGNATURE})).reason
    assert "this resolver (192.0.2.52)" in reason
    assert "RRSIGs missing" in reason
    assert "another resolver" in reason and "authoritative" in reason


def test_each_relay_has_a_status_the_worse_of_its_two_families():
    secure = zone({**SOA, "a.example.com A": ["192.0.2.1"], "a.example.com AAAA": NO_DATA, "b.example.net A": NO_DATA})
    other = zone({"b.example.net AAAA": ["2001:db8::1"]}, INSECURE)
    broken = zone({"c.example.org A": ["192.0.2.1"], "c.example.org AAAA": BAD_SIGNATURE, "d.example.org A": SERVFAIL})
    asked = []
    hosts = ("a.example.com", "b.example.net", "c.example.org", "d.example.org")
    facts = play(look_up_dnssec("example.com", hosts), {**secure, **other, **broken}, asked)
    assert [(host.host, host.state, host.status) for host in facts.hosts] == [
        ("a.example.com", "present", "secure"),
        ("b.example.net", "present", "insecure"),
        ("c.example.org", "bogus", "bogus"),
        ("d.example.org", "not_determined", "not_determined"),
    ]
    assert [host.valid for host in facts.hosts] == [True, True, None, None]
    assert (facts.status, len(asked)) == ("secure", 1)
    assert all(bool(host.reason) == (host.state != "present") for host in facts.hosts)


def test_the_answers_of_one_relay_are_no_others():
    good = {"%s.example.com %s" % (name, kind): NO_DATA for name in ("a", "c") for kind in ("A", "AAAA")}
    bad = {"b.example.com A": BAD_SIGNATURE, "b.example.com AAAA": NO_DATA,
           "d.example.com A": NO_DATA, "d.example.com AAAA": BAD_SIGNATURE}  # fmt: skip
    hosts = ["%s.example.com" % name for name in "abcd"]
    facts = play(look_up_dnssec("example.com", hosts), zone({**SOA, **good, **bad}))
    assert [host.status for host in facts.hosts] == ["secure", "bogus", "secure", "bogus"]
