# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Whole sessions, with a server that says anything: those with a mailbox, and those of an audit.

from __future__ import annotations

import contextlib
import functools
import imaplib
import json
import re
import socket
import time
from typing import Any, Callable, Dict, Iterator, List, Tuple
from unittest import mock

from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.options import AUDIT_OPTIONS, wanted_audit
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.plan import audit_plan
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.register import PROBES
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.report import as_report as audit_report
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox import connection
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.report import Result
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.report import as_report as mailbox_report
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.request import request_of
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.search import Search
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.wait import mailbox_of
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.attempts import (
    AddressAttempt,
    Connected,
    Outcome,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.options import with_defaults
from ansible_collections.postmaster.mailcheck.tests.fuzz.targets import (
    NOW,
    PASSWORD,
    SECRETS,
    VERIFIED,
    assert_printable,
    texts_in,
)

TOKEN = "0123456789abcdef"
_MOST_SAID = 200  # commands of one session: with a server that answers little, there is little to ask


class Peer:
    """A socket whose other side says one piece each time it is spoken to; \\x01 in it is the tag of what it was told."""

    def __init__(self, pieces: List[bytes]) -> None:
        self._pieces, self._ready, self.said = pieces[1:], [piece for piece in pieces[:1] if piece], b""
        self.commands, self._tag = 0, b""

    def sendall(self, data: bytes) -> None:
        self.said += data
        self.commands += 1
        assert self.commands < _MOST_SAID, "it never stops asking"
        if b" " in data:  # a command, and no response to a challenge
            self._tag = data.split(b" ")[0]
        if self._pieces and data.endswith(b"\r\n"):
            self._ready.append(self._pieces.pop(0).replace(b"\x01", self._tag))

    def recv(self, _size: int) -> bytes:
        return self._ready.pop(0) if self._ready else b""

    def settimeout(self, _seconds: float) -> None:
        pass

    def setsockopt(self, *_option: int) -> None:
        pass

    def shutdown(self, how: int) -> None:
        assert how == socket.SHUT_RDWR

    def close(self) -> None:
        self._ready, self._pieces = [], []


@contextlib.contextmanager
def _spoken_to(peer: Peer) -> Iterator[None]:
    def dial(*where: Any) -> Peer:
        where[-1].append(AddressAttempt("192.0.2.143", "connected", 0.0))
        return peer

    with mock.patch.object(connection, "dial", dial), mock.patch.object(
        imaplib.random,
        "randint",
        lambda low, _high: low,  # type: ignore[attr-defined]  # imaplib's tags, by chance
    ):
        yield


_CLIENT_LINE = re.compile(rb"[\x20-\x7e]*")


def _mailbox_sessions(protocol: str, data: bytes) -> None:
    """The first octet says how to sign in; then what the server says, ended by NUL where the client is to speak."""
    choice, pieces = data[0] if data else 0, data[1:].split(b"\0")
    request = request_of(
        {
            "host": "mail.example.com", "protocol": protocol, "tls": "none", "allow_plaintext_auth": True,
            "username": "tim", "password": PASSWORD, "token": TOKEN, "recipient": "user@example.net",
            "auth_mechanisms": ["PLAIN"] if choice & 1 else None, "trusted_authserv_ids": ["mx.example.net"],
            "folders": ["INBOX", "Spam"] if choice & 2 else [], "delete": bool(choice & 4),
        }
    )  # fmt: skip
    peer = Peer(pieces)
    with _spoken_to(peer):
        mailbox = mailbox_of(request)
        search = Search(request, mailbox, time.monotonic, lambda _seconds: False)  # one look
        search.run()
        mailbox.close()
    findings, warnings = tuple(search.findings.values()), list(mailbox.warnings)
    folders = tuple(mailbox.folders())
    report = mailbox_report(
        Result(request, mailbox.session, {}, findings, search.broken, folders, 1.0, 0, warnings), NOW
    )
    shown = json.dumps(report, ensure_ascii=False, allow_nan=False)
    assert_printable(*texts_in(report))
    assert not any(secret in shown for secret in SECRETS)
    assert len(shown) < 60 * len(data) + 20000
    if report["verdict"] == "passed":
        assert TOKEN.encode() in data, "what was found was not there"
    for line in peer.said.split(b"\r\n"):
        assert _CLIENT_LINE.fullmatch(line), line


def imap_sessions(data: bytes) -> None:
    _mailbox_sessions("imap", data)


def pop3_sessions(data: bytes) -> None:
    _mailbox_sessions("pop3", data)


_AUDITED = "user@example.net"
_GIVEN: Dict[str, Any] = {
    **with_defaults({}, AUDIT_OPTIONS),
    "known_recipient": _AUDITED,
    "outside_recipient": "user@outside.example",
    "mailbox_recipient": _AUDITED,
    "intensity": "intrusive",
    "authorised": ["192.0.2.25"],
    "ehlo_name": "audit.example.org",
    "pause": 0.0,
}
_NAMES = sorted(PROBES)


@functools.lru_cache(maxsize=None)
def _wanted(names: Tuple[str, ...]) -> Any:
    return wanted_audit("192.0.2.25", {**_GIVEN, "probes": list(names)})


def audits(data: bytes) -> None:
    """Two octets name two probes; then what the relay says, ended by NUL where it is spoken to, by \\x02 where it hangs up."""
    names = tuple(sorted({_NAMES[octet % len(_NAMES)] for octet in data[:2]})) or (_NAMES[0],)
    connections = [one.split(b"\0") for one in data[2:].split(b"\x02")]
    strangers = tuple("mc%012x@example.net" % number for number in range(4))
    plan = audit_plan(_wanted(names), strangers, "Sun, 29 Nov 2026 00:00:00 +0000")
    told: Any = None
    made = 0
    audit = None
    try:
        while True:
            wished = plan.send(told)
            told = tuple(_outcome(attempt, connections[min(made, len(connections) - 1)]) for attempt in wished)
            made += len(wished)
    except StopIteration as stop:
        audit = stop.value
    report = audit_report(audit, NOW)
    json.dumps(report, allow_nan=False)
    assert_printable(*texts_in(report))
    assert made <= report["plan"]["connections"] + sum(probe.proof.cost.connections for probe in _proofs(names))
    for one in report["probes"]:
        assert one["status"] in ("pass", "finding", "unknown") and one["text"] and len(one["text"]) < 500
        assert (one["severity"] is not None) is (one["proof"] is not None) is (one["status"] == "finding")
        if one["status"] != "unknown":
            assert audit.first.facts.capabilities is not None, "nobody has been asked"


def _proofs(names: Tuple[str, ...]) -> List[Any]:
    return [PROBES[name] for name in names if PROBES[name].proof is not None]


def _outcome(attempt: Any, pieces: List[bytes]) -> Outcome:
    """One connection, in which the relay says a piece whenever the client has spoken."""
    protocol = attempt.make_protocol(Connected("192.0.2.25", "192.0.2.9", 0.0, 30.0))
    protocol.begin(0.0)
    for piece in pieces:
        if protocol.ended:
            break
        while protocol.output(0.5):
            pass
        if protocol.wants_tls:
            protocol.tls_established(VERIFIED, 1.0)
        if not protocol.ended:
            protocol.receive(piece, 1.0)
    while protocol.output(1.5):
        pass
    if not protocol.ended:
        protocol.lose("the relay closed the connection", 2.0)
    assert protocol.ended
    return Outcome(protocol.facts, (), "192.0.2.25", "192.0.2.9", 0.0, 2.0)


TARGETS: Dict[str, Callable[[bytes], None]] = {
    target.__name__: target for target in (imap_sessions, pop3_sessions, audits)
}
