# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What a name server that does not answer as it should is taken for. What real ones answer: tests/real/test_sweep.py.

from __future__ import annotations

import dns.resolver
import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp import mx
from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.model import OptionError
from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.resolve import ResolveError

DOMAIN = "example.com"


class Resolver:
    """Answers by kind of record: a list of records, or an exception."""

    def __init__(self, **answers):
        self._answers = answers

    def resolve(self, _name, kind):
        answer = self._answers.get(kind, dns.resolver.NoAnswer)
        if isinstance(answer, list):
            return answer
        raise answer() if isinstance(answer, type) else answer


@pytest.mark.parametrize("text, server", [
    ("192.0.2.1", ("192.0.2.1", 53)),
    ("192.0.2.1:5353", ("192.0.2.1", 5353)),
    ("2001:db8::1", ("2001:db8::1", 53)),
    ("[2001:db8::1]:5353", ("2001:db8::1", 5353)),
])  # fmt: skip
def test_a_name_server_with_or_without_its_port(text, server):
    assert mx.name_server(text) == server


@pytest.mark.parametrize("text", ["", "ns.example.com", "ns.example.com:53", "192.0.2.1:", "192.0.2.1:x"])
def test_a_name_server_is_an_address(text):
    with pytest.raises(ValueError):
        mx.name_server(text)


def test_a_host_that_names_no_server(monkeypatch):
    def no_configuration(configure):
        assert configure
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.resolver, "Resolver", no_configuration)
    with pytest.raises(OptionError, match=r"^dns_servers: are needed"):
        mx.make_resolver(None, 1.0)


def test_whether_a_domain_is_its_own_relay_is_not_guessed_where_servers_fail():
    """RFC 5321 5.1: an address that could not be asked for is not one that is missing."""
    with pytest.raises(ResolveError) as raised:
        mx.look_up_mx(Resolver(A=dns.resolver.NoNameservers, AAAA=dns.resolver.NoNameservers), DOMAIN)
    assert raised.value.cause == "name_server_failed"


@pytest.mark.parametrize("missing", [dns.resolver.NoAnswer, dns.resolver.NXDOMAIN])
def test_a_domain_with_neither_mx_nor_address(missing):
    with pytest.raises(ResolveError) as raised:
        mx.look_up_mx(Resolver(A=missing, AAAA=missing), DOMAIN)
    assert raised.value.cause == "mx_missing"


def test_a_name_that_breaks_the_look_up_costs_the_others_nothing():
    def look(name):
        return 1 // len(name)

    first, second = mx.in_threads(look, ["a", ""])
    assert first == 1
    assert second.cause == "name_not_found"
