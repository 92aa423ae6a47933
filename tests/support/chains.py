# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Certificates for chains that are right, or wrong in one way: everything about a certificate can be said.

from __future__ import annotations

import datetime
import ipaddress
import os
import ssl
from typing import TYPE_CHECKING, NamedTuple, Tuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from typing import Any, Optional, Sequence

NAME = "relay.example.com"
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
_NOW = datetime.datetime.now(datetime.timezone.utc)
_PEM = serialization.Encoding.PEM


class Identity(NamedTuple):
    key: Any
    certificate: x509.Certificate

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(_PEM)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    def key_pem(self, password: bytes = b"") -> bytes:
        how = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
        return bytes(self.key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, how))


class Chain(NamedTuple):
    """What a relay sends, and the key it holds."""

    leaf: Identity
    others: Tuple[Identity, ...] = ()

    @property
    def ders(self) -> Tuple[bytes, ...]:
        return tuple(one.der for one in (self.leaf, *self.others))

    def files(self, folder: Any, password: bytes = b"") -> Tuple[str, str]:
        """Write chain and key; return their paths."""
        chain, key = os.path.join(str(folder), "chain.pem"), os.path.join(str(folder), "key.pem")
        with open(chain, "wb") as file:
            file.write(b"".join(one.pem for one in (self.leaf, *self.others)))
        with open(key, "wb") as file:
            file.write(self.leaf.key_pem(password))
        return chain, key


def new_key(kind: str) -> Any:
    """RSA-1024, RSA-2048, P-256, Ed25519, Ed448."""
    if kind.startswith("RSA-"):
        return rsa.generate_private_key(65537, int(kind[4:]))
    made = {"P-256": lambda: ec.generate_private_key(ec.SECP256R1())}
    return made.get(kind, {"Ed25519": ed25519, "Ed448": ed448}.get(kind) and _edwards(kind))()


def _edwards(kind: str) -> Any:
    return ed25519.Ed25519PrivateKey.generate if kind == "Ed25519" else ed448.Ed448PrivateKey.generate
