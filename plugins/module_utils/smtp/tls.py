# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the collection. TLS without sockets: contexts by policy, one handshake, its facts and its reasons.
#
# `ssl.create_default_context()` is not used: what it accepts drifts from one interpreter to the next. Versions,
# ciphers, flags and the security level are pinned here. A chain that is not accepted is reported with every
# fact it shows; a chain that nobody asked to verify is judged all the same, without a second connection.

from __future__ import annotations

import functools
import os
import ssl
import sys
import time
import warnings
import weakref
from typing import TYPE_CHECKING

from .certificates import CertificateError, names_match, read_certificate
from .model import OptionError, TlsFacts, TlsFailure, TlsPolicy
from .replies import decode

if TYPE_CHECKING:
    from typing import Any, Iterator, List, Optional, Tuple

    from .certificates import Certificate

VERSIONS = {
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}
# RFC 9325 4.2 and what relays of the last decade offer besides. Security level 2 (112 bits) is Debian's
# default, not OpenSSL's: unpinned, "weak" would depend on the distribution. TLS 1.0 and 1.1 sign with
# SHA-1, which only level 0 lets pass.
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:ECDHE+AES:DHE+AES:RSA+AESGCM:RSA+AES:!aNULL:!eNULL"
OLD_CIPHERS = "ALL:!aNULL:!eNULL"

# X509_V_ERR_* -> cause; any other code is `certificate_rejected`.
_VERIFY_CAUSES = {
    2: "certificate_issuer_not_found",
    9: "certificate_not_yet_valid",
    10: "certificate_expired",
    18: "certificate_self_signed",
    19: "certificate_issuer_not_found",  # the root was sent, and is not among ours
    20: "certificate_issuer_not_found",
    21: "certificate_issuer_not_found",
    26: "certificate_wrong_purpose",
    62: "certificate_name_mismatch",
    64: "certificate_name_mismatch",
    66: "certificate_weak",
    67: "certificate_weak",
    68: "certificate_weak",
}
# OpenSSL's reasons -> cause, once the certificate has been ruled out.
_REASONS = {
    "UNSUPPORTED_PROTOCOL": "tls_version_mismatch",
    "TLSV1_ALERT_PROTOCOL_VERSION": "tls_version_mismatch",
    "WRONG_SSL_VERSION": "tls_version_mismatch",
    "VERSION_TOO_LOW": "tls_version_mismatch",
    "NO_PROTOCOLS_AVAILABLE": "tls_version_unavailable",  # ours: nothing has been sent yet
    "BAD_PROTOCOL_VERSION_NUMBER": "tls_version_mismatch",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "tls_cipher_mismatch",
    "TLSV1_ALERT_INSUFFICIENT_SECURITY": "tls_cipher_mismatch",
    "NO_CIPHERS_AVAILABLE": "tls_cipher_unavailable",  # ours as well
    "WRONG_CIPHER_RETURNED": "tls_cipher_mismatch",
    "DH_KEY_TOO_SMALL": "tls_cipher_mismatch",
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
_TLS_RECORD_TYPES = (0x14, 0x15, 0x16, 0x17)  # RFC 8446 5.1
_HANDSHAKE_RECORD = 0x16
# Enough for a ServerHello, which shows the group in TLS 1.3, and for the long chains before a ServerKeyExchange.
_KEPT_OCTETS = 32768
_GROUPS = {
    23: "secp256r1", 24: "secp384r1", 25: "secp521r1", 29: "x25519", 30: "x448", 256: "ffdhe2048", 257: "ffdhe3072",
    258: "ffdhe4096", 4587: "SecP256r1MLKEM768", 4588: "X25519MLKEM768", 4589: "SecP384r1MLKEM1024",
}  # fmt: skip


@functools.lru_cache(maxsize=None)
def context(policy: TlsPolicy) -> ssl.SSLContext:
    """Return the one context of a policy. Raises OptionError for files that cannot be used."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # old versions are asked for on purpose
        made.minimum_version = VERSIONS[policy.minimum]
        made.maximum_version = VERSIONS[policy.maximum] if policy.maximum else ssl.TLSVersion.MAXIMUM_SUPPORTED
    made.options |= ssl.OP_NO_COMPRESSION
    made.verify_flags = ssl.VERIFY_X509_TRUSTED_FIRST
    made.hostname_checks_common_name = False  # RFC 9525 2: names in the subject do not count
    if not policy.verify:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    _set_ciphers(made, policy)
    if policy.verify:
        _load_authorities(made, policy.ca_path)
    if policy.client_cert:
        _load_client_certificate(made, policy.client_cert, policy)
    if sys.version_info < (3, 10):
        made._msg_callback = _keep_chain
    return made


def prepare(policy: TlsPolicy) -> None:
    """Make the contexts a policy will need, before any socket opens: reading the authorities takes its time."""
    context(policy)
    if not policy.verify:
        context(_judging(policy))


def _set_ciphers(made: ssl.SSLContext, policy: TlsPolicy) -> None:
    old = VERSIONS[policy.minimum] < ssl.TLSVersion.TLSv1_2
    ciphers = policy.ciphers or (OLD_CIPHERS if old else CIPHERS)
    if "@SECLEVEL" not in ciphers:
        ciphers += ":@SECLEVEL=%d" % (0 if old else 2)
    try:
        made.set_ciphers(ciphers)
    except (ssl.SSLError, ValueError):  # ValueError: a NUL
        raise OptionError(
            "tls_ciphers", "OpenSSL knows none of '%s'; see `openssl ciphers`." % policy.ciphers
        ) from None


def _load_authorities(made: ssl.SSLContext, ca_path: Optional[str]) -> None:
    if ca_path is None:
        made.set_default_verify_paths()
        return
    try:
        files = [ca_path]
        if os.path.isdir(ca_path):
            inside = (os.path.join(ca_path, name) for name in sorted(os.listdir(ca_path)))
            files = [name for name in inside if os.path.isfile(name)]
        for name in files:
            with open(name, encoding="ascii", errors="ignore") as file:
                certificates = _certificates_only(file.read())
            if certificates:
                made.load_verify_locations(cadata=certificates)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError; ValueError: a NUL in the path
        reason = "holds a certificate that cannot be read" if isinstance(error, ssl.SSLError) else str(error)
        raise OptionError("ca_path", "'%s': %s. Give a PEM file, or a folder of them." % (ca_path, reason)) from None
    if not made.cert_store_stats()["x509"]:
        raise OptionError("ca_path", "'%s' holds no certificate. Give a PEM file, or a folder of them." % ca_path)


def _certificates_only(pem: str) -> str:
    """Return the certificates of a PEM file: it may also hold comments, keys and revocation lists."""
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    pem = pem.replace("TRUSTED CERTIFICATE", "CERTIFICATE")
    return "\n".join(begin + part.split(end)[0] + end for part in pem.split(begin)[1:] if end in part)


def _load_client_certificate(made: ssl.SSLContext, certificate: str, policy: TlsPolicy) -> None:
    try:
        # Without a password of our own OpenSSL would ask on the terminal.
        made.load_cert_chain(certificate, policy.client_key, lambda: policy.client_key_password or "")
    except ssl.SSLError:
        raise OptionError(
            "client_cert",
            "'%s' with its key is not a usable pair. Give PEM files, the key of this certificate, and "
            "client_key_password when the key is encrypted." % certificate,
        ) from None
    except (OSError, ValueError) as error:
        raise OptionError("client_cert", "'%s': %s." % (policy.client_key or certificate, error)) from None


class Channel:
    """One TLS connection between two memory buffers: what the driver moves is bytes.

    `feed()` what was read from the socket, send what `output()` returns; `handshake()` until it is True;
    then `read()` and `write()`. Raises TlsFailure.
    """

    def __init__(self, policy: TlsPolicy, server_name: str) -> None:
        self._policy, self._server_name = policy, server_name
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._ssl = context(policy).wrap_bio(self._incoming, self._outgoing, server_hostname=server_name)
        self._first = b""  # of what the relay sends in the handshake
        self._established = False
        self.closed = False

    def feed(self, data: bytes) -> None:
        if len(self._first) < _KEPT_OCTETS and not self._established:
            self._first += data[:_KEPT_OCTETS]
        self._incoming.write(data)

    def feed_end(self) -> None:
        self._incoming.write_eof()

    def output(self) -> bytes:
        return self._outgoing.read()

    def handshake(self) -> Optional[TlsFacts]:
        """Go on with the handshake; return its facts once it is complete."""
        if self._first and self._first[0] not in _TLS_RECORD_TYPES:
            raise TlsFailure("tls_not_spoken", "the relay answered the handshake with '%s'" % decode(self._first[:200]))
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
            while not self.closed:
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

    def _failed(self, error: ssl.SSLError) -> TlsFailure:
        if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
            return TlsFailure("tls_handshake_reset", "the relay closed the connection in the handshake")
        reason = error.reason or "unknown"
        cause = _REASONS.get(reason, "tls_protocol_error")
        if cause == "tls_cipher_mismatch" and self._first and self._first[0] == _HANDSHAKE_RECORD:
            # The relay had agreed to a version and a cipher before it gave up: what it missed is our certificate.
            cause = "client_certificate_required"
        return TlsFailure(cause, "OpenSSL says %s" % reason)

    def _not_accepted(self, error: ssl.SSLCertVerificationError) -> TlsFailure:
        cause = _VERIFY_CAUSES.get(error.verify_code, "certificate_rejected")
        chain = _sent_chain(self._ssl)
        text = "OpenSSL says: %s" % error.verify_message.rstrip(".")
        if chain and cause == "certificate_issuer_not_found":
            text += " (certificates sent by the relay: %d)" % len(chain)
        return TlsFailure(cause, text, self._facts_of(chain, cause))

    def _facts(self) -> TlsFacts:
        chain = _sent_chain(self._ssl)
        if self._policy.verify:
            return self._facts_of(chain, None)
        return self._facts_of(chain, judge(chain, self._server_name, self._policy) if chain else "not_determined")

    def _facts_of(self, chain: Tuple[bytes, ...], verdict: Optional[str]) -> TlsFacts:
        name, _protocol, bits = self._ssl.cipher() or (None, None, None)
        certificates = _certificates(chain)
        errors: Tuple[str, ...] = ()
        if verdict is not None:
            errors = (verdict,)
            if verdict != "not_determined" and certificates:
                errors += tuple(e for e in _visible_errors(certificates[0], self._server_name) if e != verdict)
        verified = None if verdict == "not_determined" else verdict is None
        leaf = chain[0] if chain else None
        group = key_exchange_group(self._first)
        return TlsFacts(self._ssl.version(), name, bits, self._server_name, verified, errors, certificates, leaf, group)


def _visible_errors(leaf: Certificate, server_name: str) -> Iterator[str]:
    """What a certificate shows by itself: OpenSSL names its first objection only."""
    now = time.time()
    if now > leaf.not_after_timestamp:
        yield "certificate_expired"
    if now < leaf.not_before_timestamp:
        yield "certificate_not_yet_valid"
    if leaf.self_signed:
        yield "certificate_self_signed"
    if not names_match(leaf, server_name):
        yield "certificate_name_mismatch"


@functools.lru_cache(maxsize=2048)
def _certificates(chain: Tuple[bytes, ...]) -> Optional[Tuple[Certificate, ...]]:
    """Return the chain's certificates; None where none was seen, or one cannot be read."""
    try:
        return tuple(read_certificate(der) for der in chain) or None
    except CertificateError:
        return None


# The chain as sent. Public from Python 3.13, reachable from 3.10; before that a hook sees the Certificate
# message go by. Where neither works the facts say so: an empty chain here, null in the report.

_chains_seen: weakref.WeakKeyDictionary[ssl.SSLObject, Tuple[bytes, ...]] = weakref.WeakKeyDictionary()


def _sent_chain(connection: ssl.SSLObject) -> Tuple[bytes, ...]:
    if hasattr(connection, "get_unverified_chain"):
        return tuple(connection.get_unverified_chain() or ())
    inner: Any = getattr(connection, "_sslobj", None)
    if hasattr(inner, "get_unverified_chain"):
        return tuple(ssl.PEM_cert_to_DER_cert(c.public_bytes()) for c in inner.get_unverified_chain() or ())
    return _chains_seen.get(connection, ())


def _keep_chain(connection: Any, direction: str, version: Any, content: Any, message: Any, data: bytes) -> None:
    """`SSLContext._msg_callback`: keep what a server's Certificate message holds (RFC 5246 7.4.2, RFC 8446 4.4.2)."""
    if direction != "read" or content != 22 or message != 11:
        return
    with_extensions = connection.version() == "TLSv1.3"
    position = 4 + (1 + data[4] if with_extensions else 0) + 3
    chain = []
    while position + 3 <= len(data):
        end = position + 3 + int.from_bytes(data[position : position + 3], "big")
        chain.append(data[position + 3 : end])
        position = end + (2 + int.from_bytes(data[end : end + 2], "big") if with_extensions else 0)
    _chains_seen[connection] = tuple(chain)


# The group of the key exchange, which Python's ssl does not tell: in TLS 1.3 the ServerHello names it, before that
# the ServerKeyExchange, both in clear.


def key_exchange_group(received: bytes) -> Optional[str]:
    """Return the group's name (IANA's), or its number; None where there is none to be seen."""
    messages = bytearray()
    position = 0
    while received[position : position + 1] == b"\x16" and position + 5 <= len(received):
        length = int.from_bytes(received[position + 3 : position + 5], "big")
        messages += received[position + 5 : position + 5 + length]
        position += 5 + length
    position = 0
    while position + 4 <= len(messages):
        kind, length = messages[position], int.from_bytes(messages[position + 1 : position + 4], "big")
        body = bytes(messages[position + 4 : position + 4 + length])
        number = _group_of_server_hello(body) if kind == 2 else _group_of_key_exchange(body) if kind == 12 else None
        if number is not None:
            return _GROUPS.get(number, "group %d" % number)
        position += 4 + length
    return None


def _group_of_server_hello(body: bytes) -> Optional[int]:
    """RFC 8446 4.1.3: version, random, session id, suite, compression, extensions; 51 is key_share."""
    position = 35 + body[34] + 3 if len(body) > 34 else len(body)
    position += 2
    while position + 4 <= len(body):
        kind, length = (
            int.from_bytes(body[position : position + 2], "big"),
            int.from_bytes(body[position + 2 : position + 4], "big"),
        )
        if kind == 51 and length >= 2:
            return int.from_bytes(body[position + 4 : position + 6], "big")
        position += 4 + length
    return None


def _group_of_key_exchange(body: bytes) -> Optional[int]:
    """RFC 8422 5.4: curve type 3 is a named curve. Finite-field parameters have no name here."""
    return int.from_bytes(body[1:3], "big") if body[:1] == b"\x03" else None


# The judge. OpenSSL's client judges a chain while it reads the Certificate message, and up to TLS 1.2 that
# message comes in the clear: a client that is handed a ServerHello made by hand and the chain either asks
# for more (it trusts the chain) or raises with the reason. The verdict is that of a real handshake.


@functools.lru_cache(maxsize=2048)
def judge(chain: Tuple[bytes, ...], server_name: str, policy: TlsPolicy) -> Optional[str]:
    """Return None when `chain` is to be trusted for `server_name`, else the cause, or `not_determined`."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context(_judging(policy)).wrap_bio(incoming, outgoing, server_hostname=server_name)
    algorithm = (_certificates(chain[:1]) or (None,))[0]
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    rsa = algorithm is not None and algorithm.public_key.algorithm.startswith("RSA")
    incoming.write(_records(_server_hello(b"\xc0\x2f" if rsa else b"\xc0\x2b") + _certificate_message(chain)))
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        return None
    except ssl.SSLCertVerificationError as error:
        return _VERIFY_CAUSES.get(error.verify_code, "certificate_rejected")
    except ssl.SSLError:
        pass
    return "not_determined"


def _judging(policy: TlsPolicy) -> TlsPolicy:
    """Only what decides about a chain matters to the judge."""
    ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"
    return TlsPolicy(policy.ca_path, "TLSv1.2", "TLSv1.2", ciphers, verify=True)


def _server_hello(suite: bytes) -> bytes:
    """RFC 5246 7.4.1.3, with an empty renegotiation_info (RFC 5746 3.6), which OpenSSL demands."""
    body = b"\x03\x03" + bytes(32) + b"\x00" + suite + b"\x00" + b"\x00\x05\xff\x01\x00\x01\x00"
    return b"\x02" + len(body).to_bytes(3, "big") + body


def _certificate_message(chain: Tuple[bytes, ...]) -> bytes:
    """RFC 5246 7.4.2"""
    body = b"".join(len(der).to_bytes(3, "big") + der for der in chain)
    return b"\x0b" + (len(body) + 3).to_bytes(3, "big") + len(body).to_bytes(3, "big") + body


def _records(messages: bytes) -> bytes:
    """Split handshake messages into records of at most 2^14 octets (RFC 5246 6.2.1)."""
    parts = (messages[i : i + 16384] for i in range(0, len(messages), 16384))
    return b"".join(b"\x16\x03\x03" + len(part).to_bytes(2, "big") + part for part in parts)
