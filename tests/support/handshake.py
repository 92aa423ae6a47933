# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A world of certificates, and handshakes in it: a channel and a relay's context, between two memory buffers.

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, NamedTuple

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.channel import Channel
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.model import TlsPolicy
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.request import build_request
from ansible_collections.postmaster.mailcheck.tests.support.chains import NAME, Chain, issue

if TYPE_CHECKING:
    from typing import Any


def ssl_version(name: str) -> ssl.TLSVersion:
    """Return Python's form of a version: "TLSv1.2" is TLSv1_2 there."""
    return ssl.TLSVersion[name.replace(".", "_")]


class World:
    """A root to trust, an intermediate below it, and a stranger who calls himself a root as well."""

    def __init__(self, folder: Any) -> None:
        self.folder = folder
        self.root = issue(None, subject="Root", authority=True)
        self.middle = issue(self.root, subject="Intermediate", authority=True)
        self.stranger = issue(None, subject="Strange Root", authority=True)
        self.rsa_root = issue(None, subject="RSA Root", key="RSA-2048", authority=True)
        self.ca_path = str(folder / "ca.pem")
        with open(self.ca_path, "wb") as file:
            file.write(self.root.pem + self.rsa_root.pem)

    def leaf(self, *names: str, **how: Any) -> Chain:
        """A leaf by the root; of the right name if no other is given."""
        return Chain(issue(self.root, *(names or (NAME,)), **how))

    def below(self, *parents: Any, **how: Any) -> Chain:
        """A leaf of the right name, and those above it in the order of sending; the first is its issuer."""
        return Chain(issue(parents[0], NAME, **how), parents)


class Hands(NamedTuple):
    channel: Channel
    facts: Any
    relay: ssl.SSLObject
    from_relay: ssl.MemoryBIO


def shake_hands(policy: TlsPolicy, server: ssl.SSLContext, name: str = NAME) -> Hands:
    """Return both ends once both are done. Raises TlsFailure."""
    channel = Channel(policy, name)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    relay = server.wrap_bio(incoming, outgoing, server_side=True)
    facts, relay_is_done = None, False
    while facts is None or not relay_is_done:
        facts = facts or channel.handshake()
        incoming.write(channel.output())
        try:
            relay_is_done = relay_is_done or relay.do_handshake() is None
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:
            relay_is_done = True  # it has said why, by an alert
        answer = outgoing.read()
        assert answer or facts, "both wait"
        channel.feed(answer)
    return Hands(channel, facts, relay, outgoing)


def policy_of(world: World, version: str, **more: Any) -> TlsPolicy:
    return TlsPolicy(world.ca_path, version, version, **more)


def refused(option: str, **options: Any) -> str:
    """Return what a check says that refuses its options, because of `option`, before any socket opens."""
    with pytest.raises(OptionError) as error:
        build_request("relay.example.com", options, 0.0)
    assert error.value.option == option
    return str(error.value)
