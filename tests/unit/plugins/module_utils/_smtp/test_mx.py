# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What a domain's relays are where the DNS does not say all. What real servers answer: tests/real/test_sweep.py.

from __future__ import annotations

import socket
import threading

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns import servers
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.model import (
    ABSENT,
    PRESENT,
    Answer,
    Mx,
    not_determined,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.names import ResolveError
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp import mx
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.lookups import LookUps
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.resolvers import Resolvers
from ansible_collections.postmaster.mailcheck.tests.support.name_server import NameServer, records, silence

DOMAIN = "example.com"


def play(evaluation, **states):
    """Run an evaluation. `states`: kind of record -> what becomes of each question for it; otherwise there is none."""
    answers = None
    try:
        while True:
            questions = evaluation.send(answers)
            answers = tuple(
                states.get(question.kind, lambda question: Answer(question, ABSENT, exists=True))(question)
                for question in questions
            )
    except StopIteration as stop:
        return stop.value


def failing(question):
    return not_determined(question, "SERVFAIL")


def missing(question):
    return Answer(question, ABSENT, exists=False)


def test_a_name_server_that_is_dead_leaves_time_for_the_next():
    with NameServer({(DOMAIN, "MX"): silence}) as dead, NameServer(
        {(DOMAIN, "MX"): records("10 relay.example.com.")}
    ) as good:
        look_ups = LookUps(None, Resolvers((dead.address, good.address), 2.0))
        assert look_ups.run(look_ups.relays([DOMAIN])) == [[(10, "relay.example.com")]]


def test_addresses_as_the_system_has_them():
    look_ups = LookUps(None)
    found, missing = look_ups.run(
        look_ups.system_addresses([("127.0.0.1", 25, "any"), ("a" * 64 + ".example", 25, "any")])
    )
    assert found == ["127.0.0.1"]
    assert isinstance(missing, ResolveError)
    look_ups = LookUps(None)
    assert look_ups.run(look_ups.system_addresses([])) == []


def test_what_the_system_has_not_answered_in_time_is_not_checked(monkeypatch):
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_asked: [] if over.wait(10) else None)
    look_ups = LookUps(0.0)
    try:
        (found,) = look_ups.run(look_ups.system_addresses([("relay.example.com", 25, "any")]))
    finally:
        over.set()
    assert (found.cause, str(found)) == ("not_checked", "the sweep ended before the name was looked up")


def test_a_host_that_names_no_server(monkeypatch, tmp_path):
    monkeypatch.setattr(servers, "RESOLV_CONF", str(tmp_path / "resolv.conf"))
    with pytest.raises(OptionError, match=r"^dns_servers: are needed"):
        LookUps(None, Resolvers((), 1.0))


def test_whether_a_domain_is_its_own_relay_is_not_guessed_where_servers_fail():
    """RFC 5321 5.1: an address that could not be asked for is not one that is missing."""
    with pytest.raises(ResolveError) as raised:
        play(mx.relays_of(DOMAIN), A=failing, AAAA=failing)
    assert raised.value.cause == "name_server_failed"


@pytest.mark.parametrize("states", [{}, {"A": missing, "AAAA": missing}])
def test_a_domain_with_neither_mx_nor_address(states):
    with pytest.raises(ResolveError) as raised:
        play(mx.relays_of(DOMAIN), **states)
    assert raised.value.cause == "mx_missing"


def test_a_name_that_breaks_the_look_up_costs_the_others_nothing(monkeypatch):
    def relays_of(domain):
        yield ()
        return [1 // len(domain)]

    monkeypatch.setattr(mx, "relays_of", relays_of)
    look_ups = LookUps(None, Resolvers(("127.0.0.1:9",), 1.0))
    first, second = look_ups.run(look_ups.relays(["a", ""]))
    assert first == [1]
    assert second.cause == "name_not_found"


def published(*hosts):
    return lambda question: Answer(question, PRESENT, tuple(Mx(0, host) for host in hosts), exists=True)


def test_a_domain_that_takes_no_mail():
    """RFC 7505 3: a null MX is the only record. Beside others it is none, and no host."""
    with pytest.raises(ResolveError) as raised:
        play(mx.relays_of(DOMAIN), MX=published(""))
    assert (raised.value.cause, str(raised.value)) == ("null_mx", DOMAIN)
    assert play(mx.relays_of(DOMAIN), MX=published("", "mx.example.com")) == [(0, ""), (0, "mx.example.com")]


def test_one_domain_without_an_answer_costs_the_others_nothing():
    zone = {(DOMAIN, "MX"): records("10 relay.example.com."), ("null.example", "MX"): records("0 .")}
    with NameServer(zone) as server:
        look_ups = LookUps(None, Resolvers((server.address,), 20.0))
        null, found = look_ups.run(look_ups.relays(["null.example", DOMAIN]))
    assert (null.cause, found) == ("null_mx", [(10, "relay.example.com")])


def test_a_fault_of_a_plan_is_not_taken_for_an_answer():
    def plan():
        yield from ()
        raise RuntimeError("of our own")

    with pytest.raises(RuntimeError, match="of our own"):
        LookUps(None).run(plan())


def test_of_names_that_the_system_was_asked_for_some_have_an_answer_when_the_time_is_up(monkeypatch):
    over, gate = threading.Event(), threading.Event()

    def getaddrinfo(host, *_asked):
        if host == b"late.example":
            over.wait(20)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 25))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    look_ups = LookUps(None)
    names = look_ups._driver.resolver
    deliver = names.deliver

    def stop_after_the_first():
        deliver()
        if not gate.is_set():
            gate.set()
            look_ups._driver.stop()

    monkeypatch.setattr(names, "deliver", stop_after_the_first)
    try:
        early, late = look_ups.run(
            look_ups.system_addresses([("early.example", 25, "any"), ("late.example", 25, "any")])
        )
    finally:
        over.set()
    assert (early, late.cause) == (["192.0.2.1"], "not_checked")
