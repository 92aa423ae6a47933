# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# The handshake as octets. Python's ssl does not tell all of it, and much of it is said in clear: the version that the
# relay has agreed to, even where the handshake fails afterwards, the group of the key exchange (in TLS 1.3 in the
# ServerHello, before in the ServerKeyExchange), and whether a client certificate is asked for. What is written here is
# what the judge is told (judging.py).

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from .model import VERSIONS

if TYPE_CHECKING:
    from typing import Callable, Container, Dict, Iterator, Optional, Tuple

# Enough for a ServerHello, which shows the group in TLS 1.3, and for the long chains before a ServerKeyExchange.
KEPT_OCTETS = 32768
RECORD_TYPES = (0x14, 0x15, 0x16, 0x17)  # RFC 8446 5.1
HANDSHAKE, CERTIFICATE = 22, 11  # a type of record, and of handshake message (RFC 8446 4, 5.1)

_SERVER_HELLO, _KEY_EXCHANGE, _CERTIFICATE_REQUEST = 2, 12, 13
_KEY_SHARE, _SUPPORTED_VERSIONS = 51, 43  # of a ServerHello's extensions (RFC 8446 4.2)
_SUITE_WITHIN = 2 + 32 + 1 + 32 + 2  # octets of a ServerHello (RFC 5246 7.4.1.3)
_FIRST_VERSION = 0x0300  # SSLv3; those after it count up
_GROUPS = {
    23: "secp256r1", 24: "secp384r1", 25: "secp521r1", 29: "x25519", 30: "x448", 256: "ffdhe2048", 257: "ffdhe3072",
    258: "ffdhe4096", 259: "ffdhe6144", 260: "ffdhe8192", 4587: "SecP256r1MLKEM768", 4588: "X25519MLKEM768",
    4589: "SecP384r1MLKEM1024",
}  # fmt: skip


class ModulusReader:
    """Reads along what a relay sends in clear (up to TLS 1.2), for the size of its Diffie-Hellman modulus.

    However much comes before it, and in pieces however small: no octet is looked at twice, and few are kept.
    """

    def __init__(self) -> None:
        self._records, self._messages = bytearray(), bytearray()
        self._record_left = self._message_left = 0  # of what is under way
        self._suite = b""
        self._done = False

    def bits_in(self, data: bytes, suites: Callable[[], Container[bytes]]) -> int:
        """Return the bits of a modulus that has come with `data`, 0 where none has. `suites`: those that have one."""
        if self._done:
            return 0
        self._records += data
        while self._records:
            if not self._record_left:
                if self._records[0] != HANDSHAKE:
                    self._done = True
                    return 0
                if len(self._records) < 5:
                    return 0
                self._record_left = int.from_bytes(self._records[3:5], "big")
                del self._records[:5]
            part = self._records[: self._record_left]
            del self._records[: len(part)]
            self._record_left -= len(part)
            self._messages += part
            key_exchange = self._next_key_exchange()
            if key_exchange:
                self._done = True
                return 8 * int.from_bytes(key_exchange, "big") if self._suite in suites() else 0
        return 0

    def _next_key_exchange(self) -> bytes:
        """Return the length that a ServerKeyExchange begins with (RFC 5246 7.4.3)."""
        while True:
            skipped = min(self._message_left, len(self._messages))
            del self._messages[:skipped]
            self._message_left -= skipped
            if len(self._messages) < 6:
                return b""
            kind, length = self._messages[0], int.from_bytes(self._messages[1:4], "big")
            if kind == _KEY_EXCHANGE:
                return bytes(self._messages[4:6])
            if kind == _SERVER_HELLO:
                if len(self._messages) < 4 + min(length, _SUITE_WITHIN):
                    return b""
                after = 39 + self._messages[38] if length > 34 else 4
                self._suite = bytes(self._messages[after : after + 2])
            self._message_left = 4 + length


def agreed_version(received: bytes) -> Optional[str]:
    """Return the version that a ServerHello chooses (RFC 8446 4.1.3, 4.2.1); None where there is none."""
    for kind, body in _in_clear(received):
        if kind == _SERVER_HELLO:
            number = int.from_bytes(_extensions(body).get(_SUPPORTED_VERSIONS, body[:2]), "big")
            return dict(enumerate(VERSIONS, _FIRST_VERSION)).get(number)
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


def finite_field_bits(group: Optional[str]) -> int:
    """Return the size of the modulus where the group is one of RFC 7919, in TLS 1.3 or before; else 0."""
    return int(group[5:]) if group and group.startswith("ffdhe") else 0


def asks_for_certificate(received: bytes) -> bool:
    """Return whether the relay wants the client's certificate, as far as it says so in clear (up to TLS 1.2)."""
    return any(kind == _CERTIFICATE_REQUEST for kind, _body in _in_clear(received))


def chain_in(message: bytes, with_extensions: bool) -> Tuple[bytes, ...]:
    """Return what a Certificate message holds (RFC 5246 7.4.2; RFC 8446 4.4.2, with extensions), in DER."""
    position = 4 + (1 + int.from_bytes(message[4:5], "big") if with_extensions else 0) + 3
    chain = []
    while position + 3 <= len(message):
        end = position + 3 + int.from_bytes(message[position : position + 3], "big")
        chain.append(message[position + 3 : end])
        position = end + (2 + int.from_bytes(message[end : end + 2], "big") if with_extensions else 0)
    return tuple(chain)


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


def server_hello(suite: bytes) -> bytes:
    """RFC 5246 7.4.1.3, with an empty renegotiation_info (RFC 5746 3.6), which OpenSSL demands."""
    body = b"\x03\x03" + bytes(32) + b"\x00" + suite + b"\x00" + b"\x00\x05\xff\x01\x00\x01\x00"
    return b"\x02" + len(body).to_bytes(3, "big") + body


def certificate_message(chain: Tuple[bytes, ...]) -> bytes:
    """RFC 5246 7.4.2"""
    body = b"".join(len(der).to_bytes(3, "big") + der for der in chain)
    return b"\x0b" + (len(body) + 3).to_bytes(3, "big") + len(body).to_bytes(3, "big") + body


def in_records(messages: bytes) -> bytes:
    """Split handshake messages into records of at most 2^14 octets (RFC 5246 6.2.1)."""
    parts = (messages[i : i + 16384] for i in range(0, len(messages), 16384))
    return b"".join(b"\x16\x03\x03" + len(part).to_bytes(2, "big") + part for part in parts)
