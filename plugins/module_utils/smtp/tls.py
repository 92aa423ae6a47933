# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the collection. TLS without sockets: contexts by policy, one handshake, its facts and its reasons.
#
# `ssl.create_default_context()` is not used: what it accepts drifts from one interpreter to the next. Versions,
# ciphers, flags and the security level are pinned here. A chain that is not accepted is reported with every
# fact it shows; a chain that nobody asked to verify is judged all the same, without a second connection.

from __future__ import annotations

import _ssl
import functools
import os
import re
import ssl
import struct
import sys
import time
import warnings
import weakref
from typing import TYPE_CHECKING

from . import model
from .certificates import CertificateError, common_name_matches, names_match, read_certificate
from .replies import decode

if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, List, Optional, Tuple

    from .certificates import Certificate

VERSIONS = {
    "SSLv3": ssl.TLSVersion.SSLv3,
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}
# RFC 9325 4.2 and what relays of the last decade offer besides. Security level 2 (112 bits) is Debian's
# default, not OpenSSL's: unpinned, "weak" would depend on the distribution. TLS 1.0 and 1.1 sign with
# SHA-1, which only level 0 lets pass; of certificates level 2 is asked for all the same.
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:ECDHE+AES:DHE+AES:RSA+AESGCM:RSA+AES"
ANY_CIPHERS = "ALL"

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
_TLS_RECORD_TYPES = (0x14, 0x15, 0x16, 0x17)  # RFC 8446 5.1
_LEGACY_SERVER_CONNECT = 0x4  # ssl.OP_LEGACY_SERVER_CONNECT, which Python has from 3.12
_SERVER_HELLO, _KEY_EXCHANGE, _CERTIFICATE_REQUEST = 2, 12, 13
_KEY_SHARE, _SUPPORTED_VERSIONS = 51, 43  # of a ServerHello's extensions (RFC 8446 4.2)
# Enough for a ServerHello, which shows the group in TLS 1.3, and for the long chains before a ServerKeyExchange.
_KEPT_OCTETS = 32768
_GROUPS = {
    23: "secp256r1", 24: "secp384r1", 25: "secp521r1", 29: "x25519", 30: "x448", 256: "ffdhe2048", 257: "ffdhe3072",
    258: "ffdhe4096", 4587: "SecP256r1MLKEM768", 4588: "X25519MLKEM768", 4589: "SecP384r1MLKEM1024",
}  # fmt: skip


def context(policy: model.TlsPolicy) -> ssl.SSLContext:
    """Return the one context of a policy, made anew when a file of it has been renewed: processes live for months.

    Raises OptionError for files that cannot be used, TlsFailure for versions that this OpenSSL was built without.
    """
    authorities = policy.ca_path or ssl.get_default_verify_paths().cafile
    return _context(policy, tuple(map(_stamp, filter(None, (authorities, policy.client_cert, policy.client_key)))))


def _stamp(path: str) -> Optional[Tuple[int, int]]:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None  # who reads it will say why
    return status.st_mtime_ns, status.st_size


@functools.lru_cache(maxsize=256)
def _context(policy: model.TlsPolicy, _stamps: Tuple[Optional[Tuple[int, int]], ...]) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    # RFC 5746: a relay without it is refused where it is to be trusted, whatever this OpenSSL would do by itself.
    if _is_old(policy) or not policy.verify:
        made.options |= _LEGACY_SERVER_CONNECT
    else:
        made.options &= ~_LEGACY_SERVER_CONNECT
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # old versions are asked for on purpose
        try:
            made.minimum_version = VERSIONS[policy.minimum]
            made.maximum_version = VERSIONS[policy.maximum] if policy.maximum else ssl.TLSVersion.MAXIMUM_SUPPORTED
        except ValueError as error:
            raise model.TlsFailure("tls_version_unavailable", "OpenSSL says: %s" % error) from None
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


def prepare(policy: model.TlsPolicy) -> None:
    """Make the contexts a policy will need, before any socket opens: reading the authorities takes its time."""
    for needed in (policy, _judging(policy)) if _judged_apart(policy) else (policy,):
        try:
            context(needed)
        except model.TlsFailure:
            pass  # the handshake will say so


def _is_old(policy: model.TlsPolicy) -> bool:
    return VERSIONS[policy.minimum] < ssl.TLSVersion.TLSv1_2


def _judged_apart(policy: model.TlsPolicy) -> bool:
    """Whether the handshake's own verdict does not do: it asks for none, or would take any key and signature."""
    return not policy.verify or _is_old(policy)


def _security_level(policy: model.TlsPolicy, otherwise: int = 2) -> int:
    given = re.findall("@SECLEVEL=([0-9])", policy.ciphers or "")
    return int(given[-1]) if given else otherwise


def _set_ciphers(made: ssl.SSLContext, policy: model.TlsPolicy) -> None:
    ciphers = policy.ciphers or (ANY_CIPHERS if _is_old(policy) else CIPHERS)
    # Suites without a certificate, or without encryption, would pass for a verified session.
    ciphers += ":!aNULL:!eNULL:@SECLEVEL=%d" % _security_level(policy, 0 if _is_old(policy) else 2)
    try:
        made.set_ciphers(ciphers)
    except (ssl.SSLError, ValueError):  # ValueError: a NUL
        text = "OpenSSL knows none of '%s' that has a certificate and encrypts; see `openssl ciphers`." % policy.ciphers
        raise model.OptionError("tls_ciphers", text) from None


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
        raise model.OptionError(
            "ca_path", "'%s': %s. Give a PEM file, or a folder of them." % (ca_path, reason)
        ) from None
    if not made.cert_store_stats()["x509"]:
        raise model.OptionError("ca_path", "'%s' holds no certificate. Give a PEM file, or a folder of them." % ca_path)


def _certificates_only(pem: str) -> str:
    """Return the certificates of a PEM file: it may also hold comments, keys and revocation lists."""
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    pem = pem.replace("TRUSTED CERTIFICATE", "CERTIFICATE")
    return "\n".join(begin + part.split(end)[0] + end for part in pem.split(begin)[1:] if end in part)


def _load_client_certificate(made: ssl.SSLContext, certificate: str, policy: model.TlsPolicy) -> None:
    try:
        for path in (certificate, policy.client_key or certificate):
            with open(path, "rb"):  # OpenSSL would not say which one it cannot read
                pass
        # Without a password of our own OpenSSL would ask on the terminal.
        made.load_cert_chain(certificate, policy.client_key, lambda: policy.client_key_password or "")
    except ssl.SSLError as error:
        raise model.OptionError(
            "client_cert",
            "'%s' with its key is not a usable pair (%s). Give PEM files, the key of this certificate, and "
            "client_key_password when the key is encrypted." % (certificate, error.reason or "not PEM"),
        ) from None
    except (OSError, ValueError) as error:
        raise model.OptionError("client_cert", "%s." % error) from None


class Channel:
    """One TLS connection between two memory buffers: what the driver moves is bytes.

    `feed()` what was read from the socket, send what `output()` returns; `handshake()` until it is True;
    then `read()` and `write()`. Raises TlsFailure.
    """

    def __init__(self, policy: model.TlsPolicy, server_name: str) -> None:
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

    def output(self) -> bytes:
        return self._outgoing.read()

    def handshake(self) -> Optional[model.TlsFacts]:
        """Go on with the handshake; return its facts once it is complete."""
        if self._first and self._first[0] not in _TLS_RECORD_TYPES:
            raise model.TlsFailure(
                "tls_not_spoken", "the relay answered the handshake with '%s'" % decode(self._first[:200])
            )
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

    def _failed(self, error: ssl.SSLError) -> model.TlsFailure:
        if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
            return model.TlsFailure("tls_handshake_reset", "the relay closed the connection in the handshake")
        reason = error.reason or "unknown"
        # Before the relay has said a word, what fails is ours.
        other = "tls_protocol_error" if self._first else "tls_version_unavailable"
        cause = _REASONS.get(reason, "connection_lost" if self._established else other)
        if cause == "client_certificate_rejected" or reason == "SSLV3_ALERT_HANDSHAKE_FAILURE":
            asked = self._established or any(kind == _CERTIFICATE_REQUEST for kind, _b in _in_clear(self._first))
            if asked:  # what the relay objects to is our certificate, or that there is none
                cause = "client_certificate_" + ("rejected" if self._policy.client_cert else "required")
            elif cause == "client_certificate_rejected":
                cause = "tls_protocol_error"
        facts = None
        if agreed_version(self._first):
            chain = _sent_chain(self._ssl)
            facts = self._facts_of(chain, self._judge(chain))
        return model.TlsFailure(cause, "OpenSSL says %s" % reason, facts)

    def _not_accepted(self, error: ssl.SSLCertVerificationError) -> model.TlsFailure:
        cause = _VERIFY_CAUSES.get(error.verify_code, "certificate_rejected")
        chain = _sent_chain(self._ssl)
        text = "OpenSSL says: %s" % error.verify_message.rstrip(".")
        if chain and cause == "certificate_issuer_not_found":
            text += " (certificates sent by the relay: %d)" % len(chain)
        leaf = (_certificates(chain) or (None,))[0]
        if cause == "certificate_name_mismatch" and leaf and common_name_matches(leaf, self._server_name):
            text += "; the certificate names it in its common name only, which does not count"
        return model.TlsFailure(cause, text, self._facts_of(chain, cause))

    def _facts(self) -> model.TlsFacts:
        chain = _sent_chain(self._ssl)
        facts = self._facts_of(chain, self._judge(chain) if _judged_apart(self._policy) else None)
        if self._policy.verify and not facts.verified:
            cause = "certificate_rejected" if facts.verified is None else facts.verify_errors[0]
            text = "OpenSSL accepts it at security level 0 only, which `@SECLEVEL=0` in tls_ciphers would allow"
            raise model.TlsFailure(cause, text, facts)
        return facts

    def _judge(self, chain: Tuple[bytes, ...]) -> Optional[str]:
        return judge(chain, self._server_name, self._policy) if chain else "not_determined"

    def _facts_of(self, chain: Tuple[bytes, ...], verdict: Optional[str]) -> model.TlsFacts:
        name, _protocol, bits = self._ssl.cipher() or (None, None, None)
        certificates = _certificates(chain)
        errors: Tuple[str, ...] = ()
        if verdict is not None:
            errors = (verdict,)
            if verdict != "not_determined" and certificates:
                errors += tuple(e for e in _visible_errors(certificates[0], self._server_name) if e != verdict)
        verified = None if verdict == "not_determined" else verdict is None
        leaf = chain[0] if chain else None
        version = self._ssl.version() or agreed_version(self._first)
        # Primes may begin like a named curve.
        group = None if name and name.startswith("DHE-") else key_exchange_group(self._first)
        return model.TlsFacts(version, name, bits, self._server_name, verified, errors, certificates, leaf, group)


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


@functools.lru_cache(maxsize=512)
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
        return tuple(c.public_bytes(_ssl.ENCODING_DER) for c in inner.get_unverified_chain() or ())
    return _chains_seen.get(connection, ())


def _keep_chain(connection: Any, direction: str, version: Any, content: Any, message: Any, data: bytes) -> None:
    """`SSLContext._msg_callback`: keep what a server's Certificate message holds (RFC 5246 7.4.2, RFC 8446 4.4.2)."""
    if direction != "read" or content != 22 or message != 11:
        return
    with_extensions = version == ssl.TLSVersion.TLSv1_3
    position = 4 + (1 + int.from_bytes(data[4:5], "big") if with_extensions else 0) + 3
    chain = []
    while position + 3 <= len(data):
        end = position + 3 + int.from_bytes(data[position : position + 3], "big")
        chain.append(data[position + 3 : end])
        position = end + (2 + int.from_bytes(data[end : end + 2], "big") if with_extensions else 0)
    _chains_seen[connection] = tuple(chain)


# What Python's ssl does not tell, and the relay says in clear: the version it has agreed to, even where the handshake
# fails afterwards, and the group of the key exchange, in TLS 1.3 in the ServerHello, before in the ServerKeyExchange.


def agreed_version(received: bytes) -> Optional[str]:
    """Return the version that a ServerHello chooses (RFC 8446 4.1.3, 4.2.1); None where there is none."""
    for kind, body in _in_clear(received):
        if kind == _SERVER_HELLO:
            number = int.from_bytes(_extensions(body).get(_SUPPORTED_VERSIONS, body[:2]), "big")
            return next((name for name, version in VERSIONS.items() if version.value == number), None)
    return None


def key_exchange_group(received: bytes) -> Optional[str]:
    """Return the group's name (IANA's), or its number; None where there is none to be seen."""
    for kind, body in _in_clear(received):
        group = b""
        if kind == _SERVER_HELLO:
            group = _extensions(body).get(_KEY_SHARE, b"")[:2]
        elif kind == _KEY_EXCHANGE and body[:1] == b"\x03":  # RFC 8422 5.4: a named curve
            group = body[1:3]
        if len(group) == 2:
            number = int.from_bytes(group, "big")
            return _GROUPS.get(number, "group %d" % number)
    return None


def _in_clear(received: bytes) -> Iterator[Tuple[int, bytes]]:
    """Yield type and body of the handshake messages that came before any record of another kind."""
    messages = bytearray()
    position = 0
    while received[position : position + 1] == b"\x16" and position + 5 <= len(received):
        length = int.from_bytes(received[position + 3 : position + 5], "big")
        messages += received[position + 5 : position + 5 + length]
        position += 5 + length
    position = 0
    while position + 4 <= len(messages):
        length = int.from_bytes(messages[position + 1 : position + 4], "big")
        yield messages[position], bytes(messages[position + 4 : position + 4 + length])
        position += 4 + length


def _extensions(server_hello: bytes) -> Dict[int, bytes]:
    """RFC 8446 4.1.3: version, random, session id, suite, compression, extensions."""
    found = {}
    position = 35 + server_hello[34] + 5 if len(server_hello) > 34 else len(server_hello)
    while position + 4 <= len(server_hello):
        kind, length = struct.unpack_from(">HH", server_hello, position)
        found[kind] = server_hello[position + 4 : position + 4 + length]
        position += 4 + length
    return found


# The judge. OpenSSL's client judges a chain while it reads the Certificate message, and up to TLS 1.2 that
# message comes in the clear: a client that is handed a ServerHello made by hand and the chain either asks
# for more (it trusts the chain) or raises with the reason. The verdict is that of a real handshake.


def judge(chain: Tuple[bytes, ...], server_name: str, policy: model.TlsPolicy) -> Optional[str]:
    """Return None when `chain` is to be trusted for `server_name`, else the cause, or `not_determined`."""
    return _judged(chain, server_name, _judging(policy), int(time.time() // 60))  # certificates expire


@functools.lru_cache(maxsize=512)
def _judged(chain: Tuple[bytes, ...], server_name: str, policy: model.TlsPolicy, minute: int) -> Optional[str]:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context(policy).wrap_bio(incoming, outgoing, server_hostname=server_name)
    leaf = (_certificates(chain[:1]) or (None,))[0]
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    rsa = leaf is not None and leaf.public_key.algorithm.startswith("RSA")
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


def _judging(policy: model.TlsPolicy) -> model.TlsPolicy:
    """Only what decides about a chain matters to the judge."""
    ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=%d" % _security_level(policy)
    return model.TlsPolicy(policy.ca_path, "TLSv1.2", "TLSv1.2", ciphers, verify=True)


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
