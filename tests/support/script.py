# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Plays a conversation from a written transcript: no socket, no thread, no clock.
#
#     S: 220 relay.example.com ESMTP        what the relay sends: lines in a row arrive together
#     C: EHLO client.example.org            what must leave: lines in a row in one write, and nothing else
#     C: <message>                          the test message, dot-stuffed, with its final dot
#     C: <part>                             only the message's first block is taken
#     TLS                                   the handshake that must have been asked for succeeds
#     TLS fails certificate_expired         it fails
#     TLS alert client_certificate_required the relay objects once the handshake is over
#     closes, resets, silent                the relay hangs up; the deadline comes
#
# A line of the relay's that ends in a backslash gets no line end, and `\xe9` stands for that octet. Every script is
# played three ways, which must come to the same report: whole, byte by byte, and with more bytes after the end.

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.attempts import BLOCK_OCTETS, Broken, Outcome
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.options import secrets_of
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.model import TlsFacts
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.conversation.converse import converse
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.facts import Facts
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.plan import check_plan
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.protocol import Protocol
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.report import as_report
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.request import build_request
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.transcript import Transcript

if TYPE_CHECKING:
    from typing import Any, Dict, List, Sequence, Tuple

    from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.request import Request

# 2026-01-01, for Date headers and `checked_at`; and where the driver's clock begins.
TIME_OF_DAY, CLOCK = 1767225600.0, 100.0
TURN_SECONDS = 0.05
MODES = ("whole", "byte by byte", "trailing")
VERIFIED = TlsFacts("TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, "relay.example.com", True, (), None)
UNVERIFIED = VERIFIED._replace(verified=False, verify_errors=("certificate_self_signed",))
PASSWORD = "tanstaaftanstaaf"
# What must never be shown: the password, and its base64 alone and inside AUTH PLAIN's response for user `tim`.
SECRETS = (PASSWORD, "dGFuc3RhYWZ0YW5zdGFhZg", "AHRpbQB0YW5zdGFhZnRhbnN0YWFm")
SIGN_IN = {"username": "tim", "password": PASSWORD}


class Turn(NamedTuple):
    kind: str
    lines: Tuple[str, ...]


class Played(NamedTuple):
    facts: Facts
    report: Dict[str, Any]
    protocol: Protocol


def request_for(check_mode: bool = False, **options: Any) -> Request:
    options.setdefault("ehlo_name", "client.example.org")
    return build_request("relay.example.com", options, TIME_OF_DAY, check_mode)


def play(script: str, handshake: TlsFacts = VERIFIED, check_mode: bool = False, **options: Any) -> Dict[str, Any]:
    """Return the report that `script` comes to, the same in every mode. `options` are those of smtp_check."""
    request = request_for(check_mode, **options)
    reports = {mode: play_once(script, request, handshake, mode).report for mode in MODES}
    for mode in MODES[1:]:
        assert reports[mode] == reports["whole"], "fed %s, the report is another" % mode
    return reports["whole"]


def play_once(script: str, request: Request, handshake: TlsFacts = VERIFIED, mode: str = "whole") -> Played:
    turns = _turns(script)
    (endpoint, actions, _judging), facts = request, Facts(Transcript(CLOCK), secrets_of(request.actions.credentials))
    protocol = Protocol(
        converse(endpoint, actions, facts), facts, CLOCK + endpoint.timeout, endpoint.acceptance_timeout
    )
    now = CLOCK
    protocol.begin(now)
    sent = _drain(protocol, now)
    for index, turn in enumerate(turns):
        following = turns[index + 1] if index + 1 < len(turns) else None
        now += TURN_SECONDS
        if turn.kind == "C":
            assert sent == _expected(turn.lines, request), "what left is not %s" % (turn.lines,)
            sent = b""
            continue
        if turn.kind == "part":
            _check_part(sent, request)
            sent = b""
            continue
        assert sent == b"", "nobody has asked for %r" % sent
        if turn.kind == "S":
            data = b"".join(map(_octets, turn.lines))
            if mode == "trailing" and following is None:
                data += b"250 more\r\n\x00\xff"
            in_message = index > 0 and turns[index - 1].kind == "part"  # which goes on only when all has been heard
            pieces = [data[i : i + 1] for i in range(len(data))] if mode == "byte by byte" else [data]
            for number, piece in enumerate(pieces, 1):
                if not protocol.ended:
                    protocol.receive(piece, now)
                if number == len(pieces) or not in_message:
                    sent += _drain(protocol, now, whole=following is None or following.kind != "part")
        else:
            now = _happen(turn, protocol, handshake, now)
            sent += _drain(protocol, now)
    assert sent == b"", "nobody has asked for %r" % sent
    assert protocol.ended, "the conversation waits for more"
    if mode == "trailing":
        protocol.receive(b"421 too late\r\nnonsense", now)
        protocol.lose("the relay closed the connection", now)
    facts.timings["total"] = now - CLOCK
    return Played(facts, _report(request, facts, now), protocol)


def _happen(turn: Turn, protocol: Protocol, handshake: TlsFacts, now: float) -> float:
    """Let something befall the connection; return the time."""
    what = turn.lines[0].split()
    if what == ["TLS"]:
        assert protocol.wants_tls, "nobody has asked for TLS"
        protocol.tls_established(handshake, now)
    elif what[:2] == ["TLS", "fails"]:
        assert protocol.wants_tls, "nobody has asked for TLS"
        protocol.break_off(Broken(what[2], "OpenSSL says so", "tls", tls=UNVERIFIED), now)
    elif what[:2] == ["TLS", "alert"]:
        protocol.break_off(Broken(what[2], "OpenSSL says so", "tls"), now)
    elif what == ["closes"]:
        protocol.lose("the relay closed the connection", now)
    elif what == ["resets"]:
        protocol.lose("the connection broke: connection reset by peer", now)
    elif what == ["silent"]:
        assert protocol.deadline > now, "the deadline is over already"
        now = protocol.deadline
        protocol.time_out(now)
    else:
        raise ValueError("not a line of a script: %s" % turn.lines[0])
    return now


def _turns(script: str) -> List[Turn]:
    turns: List[Turn] = []
    for line in filter(None, map(str.strip, script.splitlines())):
        speaker, colon, text = line.partition(":")
        kind = speaker if colon and speaker in ("S", "C") else "event"
        text = text.strip()
        if text == "<part>":
            kind = "part"
        if turns and kind in ("S", "C") and turns[-1].kind == kind:
            turns[-1] = Turn(kind, turns[-1].lines + (text,))
        else:
            turns.append(Turn(kind, (line if kind == "event" else text,)))
    return turns


def _octets(line: str) -> bytes:
    text = re.sub(r"\\x(..)", lambda found: chr(int(found.group(1), 16)), line)
    return text[:-1].encode("latin-1") if text.endswith("\\") else text.encode("latin-1") + b"\r\n"


def _expected(lines: Sequence[str], request: Request) -> bytes:
    return b"".join(
        stuffed(b"".join(request.actions.message.blocks())) + b".\r\n"
        if line == "<message>" and request.actions.message
        else line.encode("utf-8") + b"\r\n"
        for line in lines
    )


def stuffed(content: bytes) -> bytes:
    """RFC 5321 4.5.2, the plain way."""
    lines = content.split(b"\r\n")
    return b"\r\n".join(b"." + line if line.startswith(b".") else line for line in lines)


def _check_part(sent: bytes, request: Request) -> None:
    whole = _expected(("<message>",), request)
    assert 0 < len(sent) < len(whole), "the message is too short to be stopped in its middle"
    assert whole.startswith(sent)


def _drain(protocol: Protocol, now: float, whole: bool = True) -> bytes:
    """Take what is to be sent. What is shorter than a block must be there at once, in one piece."""
    first = sent = protocol.output(now)
    while whole:
        more = protocol.output(now)
        if not more:
            break
        assert len(first) >= BLOCK_OCTETS, "%r came in two pieces" % (first + more)
        sent += more
    return sent


def _report(request: Request, facts: Facts, now: float) -> Dict[str, Any]:
    """Let a plan judge it, as in a check. A retry is asked for nowhere here."""
    plan = check_plan(request._replace(judging=request.judging._replace(retry_for=0.0)), lambda: TIME_OF_DAY)
    next(plan)
    with pytest.raises(StopIteration) as stopped:
        plan.send((Outcome(facts, (), "192.0.2.1", "192.0.2.9", CLOCK, now),))
    verdict = stopped.value.value
    report = as_report(verdict, TIME_OF_DAY)
    shown = json.dumps(report) + repr(verdict)
    assert not [secret for secret in SECRETS if secret in shown], "a secret is shown"
    return report


def said(report: Dict[str, Any], speaker: str = "client") -> List[str]:
    """Return what one side said, as the transcript shows it."""
    return [entry["text"] for entry in report["transcript"] if entry["from"] == speaker]
