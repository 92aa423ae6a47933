# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Certificates put together by hand, an element at a time: those that no library makes.

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Sequence, Tuple

    from .chains import Identity


def tlv(tag: int, *parts: bytes) -> bytes:
    """One DER element."""
    content = b"".join(parts)
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    octets = (len(content).bit_length() + 7) // 8
    return bytes([tag, 0x80 | octets]) + len(content).to_bytes(octets, "big") + content


def attribute(value: bytes, oid: bytes = b"\x55\x04\x03") -> bytes:
    return tlv(0x31, tlv(0x30, tlv(0x06, oid), value))


RSA_ID, RSA_PSS_ID = (
    tlv(0x06, bytes.fromhex("2a864886f70d010101")),
    tlv(0x06, bytes.fromhex("2a864886f70d01010a")),
)
EC_ID, P_256 = tlv(0x06, bytes.fromhex("2a8648ce3d0201")), tlv(0x06, bytes.fromhex("2a8648ce3d030107"))
ECDSA_SHA256 = tlv(0x06, bytes.fromhex("2a8648ce3d040302"))


def spki(*algorithm: bytes, key: bytes = b"\x04" + b"k" * 64) -> bytes:
    return tlv(0x30, tlv(0x30, *algorithm), tlv(0x03, b"\0", key))


def by_hand(
    version: bytes = tlv(0xA0, tlv(0x02, b"\x02")),
    serial: bytes = tlv(0x02, b"\x01"),
    issuer: bytes = tlv(0x30, attribute(tlv(0x0C, b"Authority"))),
    not_before: bytes = tlv(0x17, b"260101000000Z"),
    not_after: bytes = tlv(0x17, b"261124000000Z"),
    subject: bytes = tlv(0x30, attribute(tlv(0x0C, b"relay"))),
    key: bytes = spki(EC_ID, P_256),
    extensions: Sequence[Tuple[bytes, bytes]] = (),
    signature: bytes = ECDSA_SHA256,
) -> bytes:
    listed = [tlv(0x30, tlv(0x06, oid), tlv(0x04, value)) for oid, value in extensions]
    body = tlv(
        0x30, version, serial, tlv(0x30, signature), issuer, tlv(0x30, not_before, not_after), subject, key,
        tlv(0xA3, tlv(0x30, *listed)) if listed else b"",
    )  # fmt: skip
    return tlv(0x30, body, tlv(0x30, signature), tlv(0x03, b"\0signature"))


def with_alt_names(*names: bytes) -> bytes:
    return by_hand(extensions=[(b"\x55\x1d\x11", tlv(0x30, *names))])


# Files of certificates (PEM). What one may be trusted with: RFC 5280 4.2.1.12.

SERVER_AUTH, EMAIL, ANY_PURPOSE = b"+\x06\x01\x05\x05\x07\x03\x01", b"+\x06\x01\x05\x05\x07\x03\x04", b"U\x1d%\x00"


def trusted_block(
    identity: Identity, trust: Sequence[bytes] = (), reject: Sequence[bytes] = (), alias: str = ""
) -> bytes:
    """A certificate with its settings behind it (OpenSSL's X509_CERT_AUX): for what it is trusted, for what rejected."""
    settings = b"".join((
        tlv(0x30, b"".join(tlv(6, purpose) for purpose in trust)) if trust else b"",
        tlv(0xA0, b"".join(tlv(6, purpose) for purpose in reject)) if reject else b"",
        tlv(0x0C, alias.encode()) if alias else b"",
    ))  # fmt: skip
    return block("TRUSTED CERTIFICATE", identity.der + (tlv(0x30, settings) if settings else b""))


def block(label: str, content: bytes) -> bytes:
    """RFC 7468, with lines of 64 characters."""
    text = base64.b64encode(content)
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return b"\n".join((b"-----BEGIN %s-----" % label.encode(), *lines, b"-----END %s-----" % label.encode(), b""))
