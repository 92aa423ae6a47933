# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What may grow with what a relay or a caller says. Twice the input may be at most 2.3 times the work: one relay's words
# may not hold up everybody else's check. test_growth.py counts steps, which are the same in each run; what one step of
# Python does inside (a search, a copy) shows in time alone, and `make bench ARGS="--only parsing"` measures that.

from __future__ import annotations

import json
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Tuple

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.mta_sts.policy import read_policy
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.report_uris import parse_uris
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.spf.record import parse_record
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.txt import parse_tags
from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.authentication import authentication_of
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.finding import Wanted
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.headers import fields_of
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.trace import trace_of
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.sasl.exchange import Exchange
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.sasl.mechanisms import MECHANISMS
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.text import Secrets, decode, printable
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls import handshake
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.certificates import (
    CertificateError,
    read_certificate,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.identity import names_match
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.capabilities import (
    auth_mechanisms,
    parse_capabilities,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.commands import dot_stuffed
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.replies import (
    MAX_REPLY_OCTETS,
    Reply,
    ReplyReader,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.request import build_request
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.wording import cause_of, queue_id
from ansible_collections.postmaster.mailcheck.tests.support.mailboxes import report_in

MOST = 2.3
LINE = 8000  # octets that a line of the relay's may have
FULL = MAX_REPLY_OCTETS - 2000
SENT: Dict[str, Any] = {"tls": "none", "sender": "a@example.org", "recipients": ["b@example.com"], "send": True}
PROBE: Dict[str, Any] = {"tls": "none", "sender": "a@example.org"}


class Growing(NamedTuple):
    """`make` returns an input of a size, `call` works through it; `size` is the largest to try."""

    make: Callable[[int], Any]
    call: Callable[[Any], Any]
    size: int


# What a relay sends


def _replies(step: int) -> Callable[[bytes], None]:
    """Read all replies, fed `step` octets at a time."""

    def read(data: bytes) -> None:
        reader = ReplyReader()
        for at in range(0, len(data), step):
            reader.feed(data[at : at + step])
            while reader.next_reply():
                pass

    return read


def _repeated(octets: int) -> Tuple[str, bytes]:
    """A secret, and an answer that is made of its beginning."""
    secret = ("tanstaaf" + "".join(_words("", octets)))[:octets]
    return secret, secret[:8].encode() * (octets // 8)


def _show(given: Tuple[str, bytes]) -> None:
    Secrets((given[0],)).redacted(decode(given[1]))


def _words(prefix: str, octets: int) -> Iterator[str]:
    """Words that differ, so many octets in all."""
    for number in range(octets):
        word = "%s%x" % (prefix, number)
        octets -= len(word) + 1
        if octets < 0:
            return
        yield word


def _lines(keyword: str, octets: int) -> List[str]:
    """Lines as the reader lets them pass, filled with parameters, as many octets in all as asked for."""
    lines, line = ["relay"], keyword
    for word in _words("", octets):
        if len(line) + len(word) >= LINE:
            lines.append(line)
            line = keyword
        line += " " + word
    return [*lines, line]


def _refusal(text: str) -> Callable[[int], Reply]:
    return lambda octets: Reply(550, (text * (LINE // len(text)),) * (octets // LINE))


def _der(tag: int, content: bytes) -> bytes:
    return bytes([tag, 0x84]) + len(content).to_bytes(4, "big") + content


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
        names_match(read_certificate(data), "relay.example.com")
    except CertificateError:
        pass


def _oauth(challenge: bytes) -> None:
    dialogue = MECHANISMS["XOAUTH2"].dialogue(Exchange("tim", access_token="token"))
    next(dialogue)
    dialogue.send(challenge)


# What a mail domain publishes


def _spf(record: bytes) -> None:
    parse_record.__wrapped__(record)  # what it has read once it would know


# What a caller gives


def _request(options: Dict[str, Any]) -> None:
    try:
        build_request("relay.example.com", options, 0.0)
    except OptionError:
        pass


HOP = "from a (b [192.0.2.1]) by c with ESMTPS id 1; Sat, 28 Nov 2026 12:00:01 +0000"
WITHIN = "from mx.example by mx.example with LMTP id 1; Sat, 28 Nov 2026 12:00:01 +0000"

GROWTH: Dict[str, Growing] = {
    "a reply of many lines": Growing(lambda n: b"250-x\r\n" * (n // 7) + b"250 x\r\n", _replies(65536), 3500),
    "a reply octet by octet": Growing(lambda n: b"250-" + b"x" * n, _replies(1), 8000),
    "many replies at once": Growing(lambda n: b"250 x\r\n" * (n // 7), _replies(65536), 100000),
    "text that must be escaped": Growing(lambda n: "\x1b\u202e\u00ad" * (n // 3), printable, FULL),
    "a secret repeated in part": Growing(_repeated, _show, FULL),
    "capabilities with many parameters": Growing(lambda n: _lines("AUTH", n), parse_capabilities, FULL),
    "many capabilities": Growing(lambda n: ["relay", *_words("x", n)], parse_capabilities, FULL),
    "many mechanisms": Growing(lambda n: parse_capabilities(_lines("AUTH", n)), auth_mechanisms, FULL),
    "a refusal of many words": Growing(
        _refusal("user tls must relay mailbox size exceed auth sender "),
        lambda reply: cause_of("rcpt", reply.code, reply.enhanced_code, reply.text), FULL),
    "a refusal about certificates": Growing(
        _refusal("your client certificate message token self signed expired queue "),
        lambda reply: cause_of("rcpt", reply.code, reply.enhanced_code, reply.text), FULL),
    "an answer without spaces": Growing(lambda n: "x" * n, queue_id, FULL),
    "an answer of many words": Growing(lambda n: "queued message accepted 01234567 Message " * (n // 41), queue_id, FULL),
    "a certificate of many names": Growing(_certificate, _read_certificate, 100000),
    "a certificate of one long number": Growing(
        lambda n: _der(0x30, _der(0x30, _der(0x02, b"\x7f" * n))), _read_certificate, 200000),
    "records of a handshake": Growing(
        lambda n: b"\x16\x03\x03\x00\x05\x0b\x00\x00\x01\x00" * (n // 10), handshake.key_exchange_group, 100000),
    "an OAuth error": Growing(lambda n: json.dumps({"a": ["x\x1b"] * (n // 7)}).encode(), _oauth, FULL),
    "an OAuth error in depth": Growing(lambda n: b"[" * (n // 2) + b"]" * (n // 2), _oauth, FULL),
    "a policy of many blanks": Growing(lambda n: b"mode: a%sb\n" % (b" " * n), read_policy, 65000),
    "a policy of many lines": Growing(lambda n: b"mx: a\n" * (n // 6), read_policy, 65000),
    "a record of many tags": Growing(lambda n: ";".join(_words("a=", n)), parse_tags, 65000),
    "an SPF record of one term": Growing(lambda n: b"v=spf1 a:" + b"?all:%{d}" * (n // 9), _spf, 65000),
    "an address for reports": Growing(
        lambda n: "mailto:" + "@" * 190 + "a." * (n // 2) + "!", lambda value: parse_uris(value, ("mailto",)), 65000),
    "a header of many fields": Growing(lambda n: b"Received: by x\r\n" * (n // 16), fields_of, 8000),
    "a header of one field": Growing(lambda n: b"A: b\r\n" + b" c\r\n" * (n // 4), fields_of, 100000),
    "many hops": Growing(lambda n: [("Received", HOP)] * (n // len(HOP)), trace_of, 8000),
    "a hop of many comments": Growing(lambda n: [("Received", "from a " + "(b)" * (n // 3) + " by c")], trace_of, 8000),
    "many results": Growing(
        lambda n: [("Authentication-Results", "mx; " + "dkim=pass a.b=c; " * (n // 17))],
        lambda fields: authentication_of(fields, ("mx",)), 1000),
    "many hops within the receiver": Growing(
        lambda n: [*[("Received", WITHIN)] * (n // len(WITHIN)), ("Authentication-Results", "mx.example; none")],
        lambda fields: authentication_of(fields, ("mx.example",)), 8000),
    "a bounce to many in plain text": Growing(
        lambda n: b"Return-Path: <>\r\nFrom: mailer-daemon\r\n\r\n" + b"".join(
            b"<a%d@b>:\r\n550 5.1.1 no\r\n" % number for number in range(n // 24)),
        lambda raw: report_in(raw, Wanted("token")), 400),
    "a bounce in plain text": Growing(
        lambda n: b"Return-Path: <>\r\nFrom: mailer-daemon\r\n\r\n" + b"550 5.1.1 no <token@a>\r\n" * (n // 24),
        lambda raw: report_in(raw, Wanted("token")), 400),
    "dots": Growing(lambda n: [b"\r\n."] * (n // 3), lambda blocks: sum(map(len, dot_stuffed(blocks))), 200000),
    "bare line ends": Growing(lambda n: dict(SENT, test_message={"body": "a\n\r.\r\n" * (n // 6)}), _request, 100000),
    "many recipients": Growing(
        lambda n: dict(PROBE, recipients=["a%d@example.com" % i for i in range(n // 20)]), _request, 100000),
    "an address in quotes": Growing(lambda n: dict(PROBE, sender='"' + '\\"' * (n // 2) + '@example.com'), _request, 100000),
}  # fmt: skip
