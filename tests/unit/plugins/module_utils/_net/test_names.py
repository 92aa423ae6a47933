# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What the system's resolver says, and what it is taken for. It is asked nothing here: its answers are handed in.

from __future__ import annotations

import errno
import socket
import threading

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net import names
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.names import (
    FAMILIES,
    ResolveError,
    answered,
    is_of_this_host,
    look_up,
)

AGES = 20.0


@pytest.fixture
def system(monkeypatch):
    """Let the system know these: family -> the address, or the error number of getaddrinfo()."""

    def knows(**answers):
        def getaddrinfo(_host, port, family, *_rest):
            answer = answers[next(name for name, number in FAMILIES.items() if number == family)]
            if isinstance(answer, int):
                raise socket.gaierror(answer, "the system's words")
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answer, port))]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    return knows


@pytest.mark.parametrize(
    "of_family, of_any, cause, text",
    [
        (socket.EAI_NONAME, "192.0.2.1", "no_address_of_family", "relay.example.com has no ipv6 address"),  # hosts file
        (socket.EAI_NONAME, socket.EAI_NONAME, "name_not_found", "relay.example.com: the system's words"),
        (socket.EAI_NONAME, socket.EAI_AGAIN, "name_server_failed", "relay.example.com: the system's words"),
        (socket.EAI_AGAIN, "192.0.2.1", "name_server_failed", "relay.example.com: the system's words"),
    ],
)
def test_a_name_without_an_address_of_the_family_asked_for_exists(system, of_family, of_any, cause, text):
    system(ipv6=of_family, any=of_any)
    with pytest.raises(ResolveError) as raised:
        look_up("relay.example.com", 25, "ipv6")
    assert (raised.value.cause, str(raised.value)) == (cause, text)


@pytest.mark.parametrize("address, own", [("127.0.0.1", True), ("127.0.0.2", True), ("192.0.2.1", False)])
def test_which_addresses_are_ours(address, own):
    assert is_of_this_host(address) is own


@pytest.mark.parametrize("number", ["EAI_FAMILY", "EAI_ADDRFAMILY", "EAI_NODATA"])
def test_a_system_that_tells_a_family_from_a_name(system, number):
    """RFC 3493 6.1 has EAI_FAMILY; older systems say more."""
    if not hasattr(socket, number):
        pytest.skip("this system has no " + number)
    system(ipv6=getattr(socket, number), any=getattr(socket, number))
    for family, cause in (("ipv6", "no_address_of_family"), ("any", "name_not_found")):
        with pytest.raises(ResolveError) as raised:
            look_up("relay.example.com", 25, family)
        assert raised.value.cause == cause


def test_a_system_without_descriptors_is_no_missing_name(monkeypatch):
    def getaddrinfo(*_asked):
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(ResolveError) as raised:
        look_up("relay.example.com", 25, "any")
    assert (raised.value.cause, str(raised.value)) == ("name_server_failed", "relay.example.com: Too many open files")


def test_an_odd_name_costs_no_thread():
    def look_up_name(*_asked):
        raise ValueError("embedded null byte")

    found = answered(look_up_name, "a\0b", 25, "any")
    assert (found.cause, str(found)) == ("name_not_found", "a\0b: embedded null byte")


def test_a_question_that_nobody_waits_for_any_more_is_not_asked(monkeypatch):
    """Of three names the first takes the only thread. What is given up while it waits never gets one."""
    monkeypatch.setattr(names, "MAX_THREADS", 1)
    asked, gate, found = [], threading.Event(), []

    def look_up_name(host, *_more):
        asked.append(host)
        gate.wait(AGES)
        return [names.Address(socket.AF_INET, ("192.0.2.1", 25))]

    resolver = names.Resolver(look_up_name)
    questions = [
        names.Question((host, 25, "any"), lambda: None, found.append)
        for host in ("a.example", "b.example", "c.example")
    ]
    try:
        for question in questions:
            resolver.resolve(question)
        resolver.deliver()  # woken for nothing
        resolver.give_up(questions[1])
        gate.set()
        resolver.woken.setblocking(True)
        while len(found) < 2:
            resolver.deliver()
    finally:
        resolver.close()
    assert asked == ["a.example", "c.example"]


def test_an_answer_that_comes_too_late_is_nobody_s():
    gate, found = threading.Event(), []
    resolver = names.Resolver(lambda *_asked: gate.wait(AGES) and [names.Address(socket.AF_INET, ("192.0.2.1", 25))])
    question = names.Question(("a.example", 25, "any"), lambda: None, found.append)
    try:
        resolver.resolve(question)
        resolver.give_up(question)
        gate.set()
        resolver.woken.setblocking(True)
        resolver.deliver()
    finally:
        resolver.close()
    assert found == []
