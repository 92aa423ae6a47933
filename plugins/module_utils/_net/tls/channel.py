# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# TLS without sockets: one handshake, its facts and its reasons.
#
# A chain that is not accepted is reported with every fact it shows; a chain that nobody asked to verify is judged all
# the same, without a second connection.

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from ..._errors import OptionError
from ..text import decode
from .contexts import context, finite_field_suites, judged_apart, sent_chain
from .handshake import (
    KEPT_OCTETS,
    RECORD_TYPES,
    ModulusReader,
    agreed_version,
    asks_for_certificate,
    finite_field_bits,
    key_exchange_group,
)
from .judging import cause_of, judge, missing_issuer, read_chain, visible_errors
from .model import REFUSES_VERSIONS, TlsFacts, TlsFailure, TlsPolicy

if TYPE_CHECKING:
    from typing import List, Optional, Tuple

# The relay chooses the modulus, and all other relays of a sweep wait while OpenSSL computes with it: with 3,072 bits
# for some 20 ms, with 10,000 for a second. Relays that have elliptic curves as well need none.
MAX_MODULUS_BITS = 3072

# OpenSSL's reasons -> cause, once the certificate has been ruled out.
_REASONS = {
    "UNSUPPORTED_PROTOCOL": "tls_version_mismatch",
    REFUSES_VERSIONS: "tls_version_mismatch",
    "WRONG_SSL_VERSION": "tls_version_mismatch",
    "VERSION_TOO_LOW": "tls_version_mismatch",
    "NO_PROTOCOLS_AVAILABLE": "tls_version_unavailable",  # ours: nothing has been sent yet
    "BAD_PROTOCOL_VERSION_NUMBER": "tls_version_mismatch",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "tls_cipher_mismatch",
    "TLSV1_ALERT_INSUFFICIENT_SECURITY": "tls_cipher_mismatch",
    "NO_CIPHERS_AVAILABLE": "tls_cipher_unavailable",  # ours as well
    "WRONG_CIPHER_RETURNED": "tls_cipher_mismatch",
    "DH_KEY_TOO_SMALL": "tls_dh_weak",
    "UNSAFE_LEGACY_RENEGOTIATION_DISABLED": "tls_renegotiation_insecure",
    "WRONG_CURVE": "tls_cipher_mismatch",
    "WRONG_SIGNATURE_TYPE": "tls_cipher_mismatch",
    "LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED": "tls_cipher_mismatch",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "client_certificate_required",
    "SSLV3_ALERT_BAD_CERTIFICATE": "client_certificate_rejected",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": "client_certificate_rejected",
    "SSLV3_ALERT_CERTIFICATE_REVOKED": "client_certificate_rejected",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "client_certificate_rejected",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "client_certificate_rejected",
    "TLSV1_ALERT_UNKNOWN_CA": "client_certificate_rejected",
    "TLSV1_ALERT_ACCESS_DENIED": "client_certificate_rejected",
    "TLSV1_ALERT_DECRYPT_ERROR": "client_certificate_rejected",
}


class Channel:
    """One TLS connection between two memory buffers: what the driver moves is bytes.

    `feed()` what was read from the socket, send what `output()` returns; `handshake()` until it is True;
    then `read()` and `write()`. Raises TlsFailure.
    """

    def __init__(self, policy: TlsPolicy, server_name: str, peer: str = "relay") -> None:
        self._policy, self._server_name, self._peer = policy, server_name, peer
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        # As bytes: given text, Python would load its IDNA codec for a name that is ASCII already.
        self._ssl = context(policy).wrap_bio(
            self._incoming, self._outgoing, server_hostname=server_name.encode("ascii")
        )
        self._first = b""  # of what the relay sends in the handshake
        self._group: Optional[str] = None  # of the key exchange
        self._modulus, self._modulus_bits = ModulusReader(), 0
        self._established = False
        self.closed = False

    def feed(self, data: bytes) -> None:
        if len(self._first) < KEPT_OCTETS and not self._established:
            self._first += data[:KEPT_OCTETS]
        if not self._established:
            self._modulus_bits |= self._modulus.bits_in(data, lambda: finite_field_suites(self._policy))
        self._incoming.write(data)

    def output(self) -> bytes:
        return self._outgoing.read()

    def handshake(self) -> Optional[TlsFacts]:
        """Go on with the handshake; return its facts once it is complete."""
        if self._first and self._first[0] not in RECORD_TYPES:
            raise TlsFailure(
                "tls_not_spoken", self._said("answered the handshake with '%s'" % decode(self._first[:200]))
            )
        self._group = key_exchange_group(self._first)
        bits = self._modulus_bits or finite_field_bits(self._group)
        if bits > MAX_MODULUS_BITS:
            wanted = (bits, MAX_MODULUS_BITS)
            text = self._said("wants a Diffie-Hellman modulus of %d bits; more than %d cost too much time" % wanted)
            facts = self._facts_of(sent_chain(self._ssl), "not_determined")
            raise TlsFailure("tls_cipher_mismatch", text, facts)
        try:
            self._ssl.do_handshake()
        except ssl.SSLWantReadError:
            return None
        except ssl.SSLCertVerificationError as error:
            raise self._not_accepted(error) from None
        except ssl.SSLError as error:
            raise self._failed(error) from None
        facts = self._facts()
        self._established, self._first = True, b""
        return facts

    def read(self) -> bytes:
        """Return what can be decrypted by now; `closed` turns true at the peer's close_notify."""
        blocks: List[bytes] = []
        try:
            while not self.closed and (self._incoming.pending or self._ssl.pending()):
                block = self._ssl.read(65536)
                self.closed = not block
                blocks.append(block)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            if not blocks:
                raise self._failed(error) from None
        return b"".join(blocks)

    def write(self, data: bytes) -> None:
        self._ssl.write(data)

    def _said(self, what: str) -> str:
        return "the %s %s" % (self._peer, what)

    def _failed(self, error: ssl.SSLError) -> TlsFailure:
        if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
            return TlsFailure("tls_handshake_reset", self._said("closed the connection in the handshake"))
        reason = error.reason or "unknown"
        text = "OpenSSL says %s" % reason
        # Before the relay has said a word, what fails is ours.
        other = "tls_protocol_error" if self._first else "tls_version_unavailable"
        cause = _REASONS.get(reason, "connection_lost" if self._established else other)
        if cause == "client_certificate_rejected" or reason == "SSLV3_ALERT_HANDSHAKE_FAILURE":
            asked = self._established or asks_for_certificate(self._first)
            if asked:  # what the relay objects to is our certificate, or that there is none
                cause = "client_certificate_" + ("rejected" if self._policy.client_cert else "required")
            elif cause == "client_certificate_rejected":
                cause = "tls_protocol_error"
                text += ": an alert about a certificate, though the %s has asked for none of ours" % self._peer
        facts = None
        if agreed_version(self._first):
            chain = sent_chain(self._ssl)
            facts = self._facts_of(chain, self._judge(chain))
        return TlsFailure(cause, text, facts)

    def _not_accepted(self, error: ssl.SSLCertVerificationError) -> TlsFailure:
        cause = cause_of(error)
        chain = sent_chain(self._ssl)
        text = "OpenSSL says: %s" % error.verify_message.rstrip(".")
        certificates = read_chain(chain)
        if chain and cause == "certificate_issuer_not_found":
            text += " (certificates sent by the %s: %d)" % (self._peer, len(chain))
            text += missing_issuer(certificates[-1]) if certificates else ""
        leaf = (certificates or (None,))[0]
        if cause == "certificate_name_mismatch" and leaf:
            from .identity import common_name_matches

            if common_name_matches(leaf, self._server_name):
                text += "; the certificate names it in its common name only, which does not count"
        return TlsFailure(cause, text, self._facts_of(chain, cause))

    def _facts(self) -> TlsFacts:
        chain = sent_chain(self._ssl)
        facts = self._facts_of(chain, self._judge(chain) if judged_apart(self._policy) else None)
        if self._policy.verify and not facts.verified:
            cause = "certificate_rejected" if facts.verified is None else facts.verify_errors[0]
            text = "OpenSSL accepts it at security level 0 only, which `@SECLEVEL=0` in tls_ciphers would allow"
            raise TlsFailure(cause, text, facts)
        return facts

    def _judge(self, chain: Tuple[bytes, ...]) -> Optional[str]:
        try:
            return judge(chain, self._server_name, self._policy) if chain else "not_determined"
        except OptionError:  # a file that could be used when this run began: how the handshake went stands all the same
            return "not_determined"

    def _facts_of(self, chain: Tuple[bytes, ...], verdict: Optional[str]) -> TlsFacts:
        name, _protocol, bits = self._ssl.cipher() or (None, None, None)
        certificates = read_chain(chain)
        errors: Tuple[str, ...] = ()
        if verdict is not None:
            errors = (verdict,)
            if verdict != "not_determined" and certificates:
                errors += tuple(e for e in visible_errors(certificates[0], self._server_name) if e != verdict)
        verified = None if verdict == "not_determined" else verdict is None
        version = self._ssl.version() or agreed_version(self._first)
        # Primes may begin like a named curve.
        group = None if name and name.startswith("DHE-") else self._group
        return TlsFacts(version, name, bits, self._server_name, verified, errors, certificates, chain, group)
