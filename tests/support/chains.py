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
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
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
    """P-256, Ed25519, Ed448, RSA-1024, RSA-2048 …"""
    if kind.startswith("RSA-"):
        return rsa.generate_private_key(65537, int(kind[4:]))
    if kind == "P-256":
        return ec.generate_private_key(ec.SECP256R1())
    return {"Ed25519": ed25519.Ed25519PrivateKey, "Ed448": ed448.Ed448PrivateKey}[kind].generate()


def issue(
    issuer: Optional[Identity],
    *names: str,
    key: str = "P-256",
    subject: str = "a relay",
    units: Sequence[str] = (),
    days: Tuple[float, float] = (-1, 30),
    authority: bool = False,
    path_length: Optional[int] = None,
    purposes: Sequence[x509.ObjectIdentifier] = (SERVER,),
    extensions: Sequence[Tuple[x509.ExtensionType, bool]] = (),
) -> Identity:
    """Return a certificate by `issuer`, or by itself. `days`: from when to when, counted from now; `units`: the
    organizational units of its subject."""
    own = new_key(key)
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, subject)]
    attributes += [x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit) for unit in units]
    subject_name = x509.Name(attributes)
    begins, ends = (_NOW + datetime.timedelta(days=day) for day in days)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject_name)
        .issuer_name(issuer.certificate.subject if issuer else subject_name)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), False)
    )
    if authority:
        builder = builder.add_extension(x509.BasicConstraints(True, path_length), True)
    elif purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), False)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), False)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    signing_key = issuer.key if issuer else own
    edwards = isinstance(signing_key, (ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey))
    return Identity(own, builder.sign(signing_key, None if edwards else hashes.SHA256()))


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def with_broken_signature(identity: Identity) -> Identity:
    der = bytearray(identity.der)
    der[-1] ^= 1
    return identity._replace(certificate=x509.load_der_x509_certificate(bytes(der)))


def signed_with_sha1(identity: Identity, issuer: Identity) -> Identity:
    """Sign anew what an RSA key has signed: cryptography makes no certificates with SHA-1 any more."""
    sha256, sha1 = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05"
    to_sign = identity.certificate.tbs_certificate_bytes
    assert to_sign.count(sha256) == 1
    signature = issuer.key.sign(to_sign.replace(sha256, sha1), padding.PKCS1v15(), hashes.SHA1())
    der = identity.der.replace(sha256, sha1).replace(identity.certificate.signature, signature)
    return identity._replace(certificate=x509.load_der_x509_certificate(der))


def server_context(chain: Chain, folder: Any) -> ssl.SSLContext:
    """A relay that shows `chain`, however weak, and speaks whatever its OpenSSL can."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_cert_chain(*chain.files(folder))
    return context
