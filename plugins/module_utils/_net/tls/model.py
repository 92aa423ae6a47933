# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# The records of TLS: its versions, what a context is made from, what a handshake showed, why one failed. They stand
# apart from what makes them, because they are needed where TLS, and so Python's ssl, is not.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Optional, Tuple

    from .certificates import Certificate

VERSIONS = ("SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")  # the oldest first
OFFERED_VERSIONS = VERSIONS[1:]  # no OpenSSL at hand speaks SSLv3 any more

# OpenSSL's word for the alert by which a peer refuses every version that was offered (RFC 8446 6.2).
REFUSES_VERSIONS = "TLSV1_ALERT_PROTOCOL_VERSION"


def begins_tls(octets: bytes) -> bool:
    """Whether what a peer says first, one octet or more, is an alert or a handshake of TLS (RFC 8446 5.1)."""
    return octets[0] in (0x15, 0x16) and octets[1:2] in (b"", b"\x03")


class TlsPolicy(NamedTuple):
    """What a TLS context is made from: equal policies share one context."""

    ca_path: Optional[str] = None
    minimum: str = "TLSv1.2"
    maximum: Optional[str] = None
    ciphers: Optional[str] = None
    client_cert: Optional[str] = None
    client_key: Optional[str] = None
    client_key_password: Optional[str] = None
    verify: bool = True  # a certificate that is not accepted ends the handshake
    unprotected: bool = False  # suites without certificate or encryption count: to see whether a peer takes them

    def __repr__(self) -> str:
        return "TlsPolicy(<redacted>)"


class TlsFacts(NamedTuple):
    """What a handshake showed. `verified` is None where it could not be judged, `chain` where it could not be read."""

    version: Optional[str]
    cipher: Optional[str]
    bits: Optional[int]
    server_name: str
    verified: Optional[bool]
    verify_errors: Tuple[str, ...]
    chain: Optional[Tuple[Certificate, ...]]
    sent: Tuple[bytes, ...] = ()  # the chain as it came, in DER: what `chain` was read from
    group: Optional[str] = None  # of the key exchange

    @property
    def leaf(self) -> Optional[bytes]:
        """The peer's own certificate, in DER."""
        return self.sent[0] if self.sent else None


class TlsFailure(Exception):
    """A handshake, or what came after it, failed: `cause` is of the table of causes, `facts` what was seen."""

    def __init__(self, cause: str, text: str, facts: Optional[TlsFacts] = None) -> None:
        super().__init__(text)
        self.cause = cause
        self.facts = facts
