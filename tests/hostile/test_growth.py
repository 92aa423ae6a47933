# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Twice the input, at most 2.3 times the time: one relay's words may not hold up everybody else's check.

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp import explain, sasl, tls
from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.capabilities import (
    auth_mechanisms,
    parse_capabilities,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.certificates import (
    CertificateError,
    read_certificate,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.commands import dot_stuffed
from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.model import Reply
from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.options import build_request
from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.replies import (
    MAX_REPLY_OCTETS,
    ReplyReader,
    printable,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.transaction import queue_id

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterable, List

MOST = 2.3
LINE = 8000  # octets that a line of the relay's may have


def _lines(keyword: str, octets: int) -> List[str]:
    """Lines as the reader lets them pass, filled with parameters, as many octets in all as asked for."""
    lines, line, taken = ["relay"], keyword, 0
    for word in _numbers():
        if len(line) + len(word) >= LINE:
            lines.append(line)
            line = keyword
        line += " " + word
        taken += len(word) + 1
        if taken >= octets:
            return [*lines, line]
    raise AssertionError


def _numbers(prefix: str = "") -> Iterable[str]:
    number = 0
    while True:
        yield prefix + "%x" % number
        number += 1


def _der(tag: int, content: bytes) -> bytes:
    return bytes([tag, 0x84]) + len(content).to_bytes(4, "big") + content


def _read(data: bytes, step: int) -> None:
    reader = ReplyReader()
    for at in range(0, len(data), step):
        reader.feed(data[at : at + step])
        reader.next_reply()


def _certificate(octets: int) -> bytes:
    """Names without number: of an issuer, which is read before anything else that could end it."""
    attribute = _der(0x31, _der(0x30, b"\x06\x03\x55\x04\x03" + b"\x0c\x01\x1b"))
    name = _der(0x30, attribute * (octets // len(attribute)))
    times = _der(0x30, (b"\x17\x0d" + b"260101000000Z") * 2)
    key = _der(0x30, _der(0x30, b"\x06\x01\x2a") + b"\x03\x01\x00")
    body = _der(0x30, b"\x02\x01\x01" + _der(0x30, b"\x06\x01\x2a") + name + times + name + key)
    return _der(0x30, body + _der(0x30, b"\x06\x01\x2a") + b"\x03\x01\x00")


def _read_certificate(data: bytes) -> None:
    try:
        read_certificate(data)
    except CertificateError:
        pass


def _oauth(challenge: bytes) -> None:
    exchange = sasl.Exchange("tim", access_token="token")
    dialogue = sasl.MECHANISMS["XOAUTH2"].dialogue(exchange)
    next(dialogue)
    dialogue.send(challenge)


def _reply(text: str, octets: int) -> Reply:
    lines = (text * (LINE // len(text)),) * (octets // LINE)
    return Reply(550, lines)


FULL = MAX_REPLY_OCTETS - 2000
# What grows: a function of a size, which makes the input, and one that is timed with it.
GROWTH: Dict[str, Any] = {
    "a reply of many lines": (lambda n: b"250-x\r\n" * (n // 7) + b"250 x\r\n", lambda d: _read(d, 65536), 1700),
    "a reply octet by octet": (lambda n: b"250-" + b"x" * n, lambda d: _read(d, 1), 4000),
    "many replies at once": (lambda n: b"250 x\r\n" * (n // 7), lambda d: [None for _i in range(1) if _all(d)], 200000),
    "text that must be escaped": (lambda n: "\x1b\u202e\u00ad" * n, printable, 20000),
    "capabilities with many parameters": (
        lambda n: _lines("AUTH", n), parse_capabilities, FULL // 2),
    "many capabilities": (lambda n: ["relay", *_first(_numbers("x"), n // 5)], parse_capabilities, FULL // 2),
    "many mechanisms": (
        lambda n: parse_capabilities(_lines("AUTH", n)), auth_mechanisms, FULL // 2),
    "a refusal of many words": (
        lambda n: _reply("user tls must relay mailbox size exceed auth sender ", n),
        lambda d: explain.cause_of("rcpt", d), FULL // 2),
    "an answer without spaces": (lambda n: "x" * n, queue_id, FULL // 2),
    "an answer of many words": (lambda n: "id=x message queued as " * (n // 23), queue_id, FULL // 2),
    "a certificate of many names": (_certificate, _read_certificate, 50000),
    "a certificate of one long number": (
        lambda n: _der(0x30, _der(0x30, _der(0x02, b"\x7f" * n))), _read_certificate, 100000),
    "records of a handshake": (
        lambda n: b"\x16\x03\x03\x00\x05\x0b\x00\x00\x01\x00" * (n // 10), tls.key_exchange_group, 100000),
    "an OAuth error": (lambda n: json.dumps({"a": ["x\x1b"] * (n // 7)}).encode(), _oauth, FULL // 2),
    "an OAuth error in depth": (lambda n: b"[" * n + b"]" * n, _oauth, FULL // 4),
    "dots": (lambda n: [b"\r\n."] * (n // 3), lambda d: sum(map(len, dot_stuffed(d))), 200000),
    "bare line ends": (
        lambda n: dict(SENT, test_message={"body": "a\n\r.\r\n" * (n // 6)}),
        lambda d: build_request("relay.example.com", d, 0.0), 60000),
    "many recipients": (
        lambda n: dict(SENT, send=False, recipients=["a%d@example.com" % i for i in range(n)]),
        lambda d: build_request("relay.example.com", d, 0.0), 5000),
    "an address in quotes": (
        lambda n: dict(SENT, send=False, sender='"' + '\\"' * n + '@example.com'), lambda d: bool(_refused(d)), 5000),
}  # fmt: skip
SENT: Dict[str, Any] = {"tls": "none", "sender": "a@example.org", "recipients": ["b@example.com"], "send": True}


def _all(data: bytes) -> bool:
    reader = ReplyReader()
    reader.feed(data)
    while reader.next_reply():
        pass
    return True


def _refused(options: Dict[str, Any]) -> None:
    try:
        build_request("relay.example.com", options, 0.0)
    except ValueError:
        pass
    except Exception as error:
        if type(error).__name__ != "OptionError":
            raise


def _first(words: Iterable[str], count: int) -> List[str]:
    return [word for word, _n in zip(words, range(count))]


def _seconds(call: Callable[[Any], Any], value: Any) -> float:
    began = time.process_time()
    call(value)
    return time.process_time() - began


@pytest.mark.parametrize("name", GROWTH)
def test_twice_the_input_is_no_more_than_twice_the_time(name: str) -> None:
    make, call, size = GROWTH[name]
    small, large = make(size), make(2 * size)
    for attempt in range(6):  # others use this processor too: what holds once holds
        times = 3 + 4 * attempt
        one = min(_seconds(call, small) for _time in range(times))
        two = min(_seconds(call, large) for _time in range(times))
        if two < 0.001 or two <= MOST * one:
            break
    else:
        raise AssertionError("%.4f s, and %.4f s for twice as much" % (one, two))
    assert two < 0.5
