# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A certificate authority of our own, and the server contexts that hostile relays use: each is wrong in one way.

from __future__ import annotations

import datetime
import os
import ssl
from typing import TYPE_CHECKING

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from typing import Dict, List, Tuple

NAME = "relay.example.com"
_DAY = datetime.timedelta(days=1)


class Authority:
    """`ca_path` is what to trust; `contexts` are by name."""

    def __init__(self, folder: str) -> None:
        now = datetime.datetime.now(datetime.timezone.utc)
        ca, stranger = trustme.CA(), trustme.CA()
        self.ca_path = os.path.join(folder, "ca.pem")
        ca.cert_pem.write_to_path(self.ca_path)
        self._folder = folder
        good = ca.issue_cert(NAME, "localhost", "127.0.0.1", "::1")
        child = ca.create_child_ca()
        behind = child.issue_cert(NAME)
        self.client_cert = os.path.join(folder, "client.pem")
        ca.issue_cert("client.example.org").private_key_and_cert_chain_pem.write_to_path(self.client_cert)
        self.contexts: Dict[str, ssl.SSLContext] = {
            "good": _context(good),
            "stranger": _context(stranger.issue_cert(NAME)),
            "other-name": _context(ca.issue_cert("other.example.net")),
            "expired": self._from_pem("expired", *_issued(ca, now - 9 * _DAY, now - _DAY)),
            "early": self._from_pem("early", *_issued(ca, now + _DAY, now + 9 * _DAY)),
            "self-signed": self._from_pem("self-signed", *_issued(None, now - _DAY, now + 9 * _DAY)),
            "no-intermediate": self._from_pem(
                "leaf", behind.private_key_pem.bytes(), behind.cert_chain_pems[0].bytes()
            ),
            "intermediate": _context(behind),
            "tls13": _context(good, lowest=ssl.TLSVersion.TLSv1_3),
            "tickets": _context(good, lowest=ssl.TLSVersion.TLSv1_3),
            "tls12": _context(good, highest=ssl.TLSVersion.TLSv1_2),
            "aes256": _context(good, highest=ssl.TLSVersion.TLSv1_2, ciphers="ECDHE+AES256+AESGCM"),
            "asks-12": _context(good, highest=ssl.TLSVersion.TLSv1_2, asks=ca),
            "asks-13": _context(good, lowest=ssl.TLSVersion.TLSv1_3, asks=ca),
            # OpenSSL's clients take up to 100 KiB.
            "long": self._from_pem(
                "long", good.private_key_pem.bytes(), good.cert_chain_pems[0].bytes() + ca.cert_pem.bytes() * 150
            ),
            "odd-names": self._from_pem("odd", *_issued(None, now - _DAY, now + 9 * _DAY, odd=True)),
        }

        self.contexts["tickets"].num_tickets = 20000

    def _from_pem(self, name: str, key: bytes, certificate: bytes) -> ssl.SSLContext:
        path = os.path.join(self._folder, name + ".pem")
        with open(path, "wb") as file:
            file.write(key + certificate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


def _context(
    certificate: trustme.LeafCert,
    lowest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2,
    highest: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED,
    ciphers: str = "",
    asks: trustme.CA | None = None,
) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version, context.maximum_version = lowest, highest
    certificate.configure_cert(context)
    if ciphers:
        context.set_ciphers(ciphers)
    if asks is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        asks.configure_trust(context)
    return context


# Names that would do harm where they are shown as they are: a terminal's, a template's, a page's.
ODD_TEXTS: Tuple[str, ...] = ("\x1b[2J", "{{ lookup('pipe','id') }}", "<script>", "\u202e", "\x9b31m")


def _issued(
    ca: trustme.CA | None, begins: datetime.datetime, ends: datetime.datetime, odd: bool = False
) -> Tuple[bytes, bytes]:
    """Return key and certificate, as PEM; without an authority it is signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    attributes: List[x509.NameAttribute[str]] = [x509.NameAttribute(NameOID.COMMON_NAME, NAME)]
    names: List[x509.GeneralName] = [x509.DNSName(NAME)]
    if odd:
        attributes += [x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, text) for text in ODD_TEXTS]
        names += [x509.UniformResourceIdentifier("https://x/\x1b[2J{{ 7*7 }}<script>")]
        names += [x509.RFC822Name("a@b\x07.example")]
    issuer, signing_key = x509.Name(attributes), key
    if ca is not None:
        issuer = x509.load_pem_x509_certificate(ca.cert_pem.bytes()).subject
        signing_key = serialization.load_pem_private_key(ca.private_key_pem.bytes(), None)
    builder = x509.CertificateBuilder().subject_name(x509.Name(attributes)).issuer_name(issuer)
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(begins).not_valid_after(ends)
    made = builder.add_extension(x509.SubjectAlternativeName(names), False).sign(signing_key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private, made.public_bytes(pem)
