# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What a relay says in clear: the version it agrees to, the group it chooses.

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls import contexts
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.handshake import (
    CERTIFICATE,
    HANDSHAKE,
    chain_in,
)
from ansible_collections.postmaster.mailcheck.tests.support.chains import server_context
from ansible_collections.postmaster.mailcheck.tests.support.handshake import World, policy_of, shake_hands

if TYPE_CHECKING:
    from typing import Any

VERSIONS = ["TLSv1.2", "TLSv1.3"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("curve", "group"), [
    ("prime256v1", "secp256r1"), ("secp384r1", "secp384r1"), ("secp521r1", "secp521r1"), ("", "x25519"),
])  # fmt: skip
def test_the_group_is_the_one_the_relay_has(world: World, tmp_path: Any, version: str, curve: str, group: str) -> None:
    """In TLS 1.3 all but the client's first guess come by a HelloRetryRequest."""
    server = server_context(world.below(world.middle), tmp_path)
    if curve:  # else what the client likes best
        server.set_ecdh_curve(curve)
    assert shake_hands(policy_of(world, version), server).facts.group == group


def test_no_group_without_one(world: World, tmp_path: Any) -> None:
    server = server_context(world.leaf(key="RSA-2048"), tmp_path)
    server.set_ciphers("kRSA")
    facts = shake_hands(policy_of(world, "TLSv1.2"), server).facts
    assert (facts.cipher, facts.group) == ("AES256-GCM-SHA384", None)


def certificate_message(*ders: bytes, extensions: bytes = b"") -> bytes:
    """A Certificate message: RFC 5246 7.4.2, or RFC 8446 4.4.2, where each certificate has extensions."""
    entries = b"".join(len(der).to_bytes(3, "big") + der + extensions for der in ders)
    body = (b"\0" if extensions else b"") + len(entries).to_bytes(3, "big") + entries
    return b"\x0b" + len(body).to_bytes(3, "big") + body


@pytest.mark.parametrize("extensions", [b"", b"\0\0", b"\0\5\0\5\0\1x"])
@pytest.mark.parametrize("ders", [(), (b"leaf",), (b"leaf", b"middle" * 100, b"root")])
def test_a_chain_is_read_from_its_message(ders: Any, extensions: bytes) -> None:
    """As Pythons before 3.10 need it."""
    message = certificate_message(*ders, extensions=extensions)
    assert chain_in(message, with_extensions=bool(extensions)) == ders


def test_the_chain_is_kept_for_the_connection_that_it_came_in() -> None:
    """By a hook that sees every message of a handshake go by."""

    class Connection:
        pass

    one, other, message = Connection(), Connection(), certificate_message(b"leaf")
    contexts._keep_chain(one, "write", ssl.TLSVersion.TLSv1_2, HANDSHAKE, CERTIFICATE, message)
    contexts._keep_chain(one, "read", ssl.TLSVersion.TLSv1_2, HANDSHAKE, CERTIFICATE - 1, message)
    assert contexts.sent_chain(one) == ()  # type: ignore[arg-type]
    contexts._keep_chain(one, "read", ssl.TLSVersion.TLSv1_2, HANDSHAKE, CERTIFICATE, message)
    assert contexts.sent_chain(one) == (b"leaf",)  # type: ignore[arg-type]
    message = certificate_message(b"another", extensions=b"\0\0")
    contexts._keep_chain(one, "read", ssl.TLSVersion.TLSv1_3, HANDSHAKE, CERTIFICATE, message)
    assert contexts.sent_chain(one) == (b"another",)  # type: ignore[arg-type]
    assert contexts.sent_chain(other) == ()  # type: ignore[arg-type]


def test_a_python_that_tells_the_chain_is_asked_for_it() -> None:
    """From 3.13 on."""

    class Connection:
        chain: Any = [b"leaf", b"root"]

        def get_unverified_chain(self) -> Any:
            return self.chain

    connection = Connection()
    assert contexts.sent_chain(connection) == (b"leaf", b"root")  # type: ignore[arg-type]
    connection.chain = None
    assert contexts.sent_chain(connection) == ()  # type: ignore[arg-type]
