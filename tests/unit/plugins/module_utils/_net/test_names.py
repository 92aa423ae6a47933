# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What the system's resolver says, and what it is taken for. It is asked nothing here: its answers are handed in.

from __future__ import annotations

import socket

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.names import (
    FAMILIES,
    ResolveError,
    is_of_this_host,
    look_up,
)


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
