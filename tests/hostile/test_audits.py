# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Relays that greet an audit as they should, and then answer each command of a probe by what is no answer. From RFC 5321
# 4.2: what is no reply settles nothing, and what is one settles no more than it says.

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Dict, List, NamedTuple, Sequence, Tuple

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.check import audit_relays
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.register import PROBES
from ansible_collections.postmaster.mailcheck.tests.hostile import measure
from ansible_collections.postmaster.mailcheck.tests.support.relay import ANSWERS, Relay, Session, running

if TYPE_CHECKING:
    from typing import Any

KNOWN, OUTSIDE = "user@example.net", "someone@elsewhere.example"
TIMEOUT = 1.0
GIVEN = {
    "known_recipient": KNOWN,
    "mailbox_recipient": KNOWN,
    "outside_recipient": OUTSIDE,
    "intensity": "intrusive",
    "authorised": ["127.0.0.1"],
    "ehlo_name": "audit.example.org",
    "arrival_timeout": 0.1,
}
HELLO = "".join(
    "250%s\r\n" % keyword
    for keyword in (
        "-relay.example.com", "-PIPELINING", "-8BITMIME", "-HELP", "-SIZE 52428800", " AUTH PLAIN LOGIN NTLM",
    )
)  # fmt: skip
HANGS_UP = "\x04"  # at the end of an answer
ENDLESS = 1 << 22  # octets: more than any reply may have

# What shows before the first command of a probe: the greeting and EHLO, which are as they should be.
BEFORE = {
    "banner": "pass",
    "starttls": "finding",
    "auth_offered_in_clear": "finding",
    "starttls_injection": "pass",
    "starttls_plaintext": "pass",
}
# Two replies, or one that is none, to a line that holds more than one command for this relay: it takes LF for a line's end.
SPLITS = {"bare_lf": "finding"}
ONE_ANSWER = {"nul": "pass", "long_line": "pass", "ntlm_names": "pass", **SPLITS}


class Case(NamedTuple):
    """An answer to every command but EHLO and QUIT; and what comes of the probes that it does settle."""

    answer: str
    settles: Dict[str, str] = {}
    without: Tuple[str, ...] = ()  # probes of many connections, where each takes its time
    waits: bool = False  # whether more is waited for, until the time is up


def flood(line: str) -> str:
    return line * (ENDLESS // len(line))


CASES: Dict[str, Case] = {
    # Nothing that is a reply.
    "silence": Case("", waits=True),
    "lines for ever": Case(flood("250-x\r\n")),
    "a line for ever": Case("250 " + flood("x")),
    "NUL for ever": Case(flood("\0")),
    "half a reply": Case("250-Ok\r\n", without=("relaying", "smuggling"), waits=True),
    "a reply, cut off": Case("250 2.0.0 O" + HANGS_UP),
    "nothing, cut off": Case(HANGS_UP),
    "NUL": Case("\0\0\0\r\n"),
    "an empty line": Case("\r\n"),
    "two digits": Case("25 Ok\r\n"),
    "a code of four digits": Case("2500 Ok\r\n"),
    "0yz": Case("000 Ok\r\n"),
    "1yz (RFC 5321 4.2.1: there is none)": Case("150 Go on\r\n"),
    "6yz": Case("650 No\r\n"),
    "a web server": Case("HTTP/1.1 400 Bad Request\r\n\r\n"),
    "a mailbox": Case("* OK ready\r\n"),
    # Replies that come too early, of which one is for the next command.
    "two replies": Case("250 2.0.0 Ok\r\n550 5.7.1 No\r\n"),
    "the answer to the next command as well": Case("250 2.0.0 Ok\r\n" * 2),
    # Replies, but not to these commands (RFC 5321 4.3.2).
    "421 (3.8)": Case("421 4.3.2 Closing\r\n" + HANGS_UP),
    "450, for now only": Case("450 4.3.0 Later\r\n", SPLITS),
    "354": Case("354 Go on\r\n", without=("relaying", "smuggling"), waits=True),
    "220": Case("220 relay.example.com\r\n", {"unknown_command": "finding", **ONE_ANSWER}),
    "334": Case("334 \r\n", {"unknown_command": "finding", "auth_begun_in_clear": "finding", **ONE_ANSWER}),
    # Replies that settle what they say, with words that are not to be obeyed.
    "escape sequences and markup": Case("550 \x1b[2J\x9b<script>{{ 7*7 }}\r\n", {
        "unknown_command": "pass", "auth_begun_in_clear": "pass", **ONE_ANSWER}),
    "codes that change (4.2.1)": Case("250-2.0.0 Ok\r\n550 5.7.1 No\r\n", {
        "unknown_command": "pass", "auth_begun_in_clear": "pass", **ONE_ANSWER}),
}  # fmt: skip


class _Session(Session):
    """Says any octets, perhaps each by itself."""

    server: Cruel

    def _say(self, answer: str) -> None:
        octets = answer.rstrip(HANGS_UP).encode("latin-1")
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in [octets[at : at + 1] for at in range(len(octets))] if self.server.split else [octets]:
            self.request.sendall(piece)
        if answer.endswith(HANGS_UP):
            raise ConnectionAbortedError


class Cruel(Relay):
    def __init__(self, answer: str, split: bool = False, **answers: Any) -> None:
        super().__init__()
        greeting = {verb: ANSWERS[verb] for verb in ("", "QUIT")}
        self.answers = {**greeting, "EHLO": HELLO, **answers, "*": answer}
        self.RequestHandlerClass, self.split = _Session, split


def audited(relays: Sequence[Tuple[str, Cruel]], timeout: float = TIMEOUT) -> List[Dict[str, Any]]:
    """The rows of an audit for each pair of a probe and its relay, and last that of a healthy one."""
    healthy = Relay(RCPT=_refuses_unknown, VRFY="252 2.0.0 Cannot VRFY\r\n")
    with contextlib.ExitStack() as running_:
        for relay in [*(relay for _probe, relay in relays), healthy]:
            running_.enter_context(running(relay))
        rows: List[Dict[str, Any]] = [
            {"host": "127.0.0.1", "port": relay.port, "probes": [probe], "timeout": timeout} for probe, relay in relays
        ]
        rows.append({"host": "127.0.0.1", "port": healthy.port, "probes": ["vrfy", "relaying"], "timeout": 20.0})
        found = audit_relays(endpoints=rows, details="all", **GIVEN)["endpoints"]
    assert [(one["name"], one["status"]) for one in found[-1]["probes"]] == [("vrfy", "pass"), ("relaying", "pass")]
    return list(found[:-1])


def _refuses_unknown(line: str) -> str:
    return "250 2.1.5 Ok\r\n" if "@example.net>" in line else "554 5.7.1 Relay access denied\r\n"


def judge(case: Case, split: bool) -> None:
    probes = [name for name in PROBES if name not in case.without]
    timeout = TIMEOUT if case.waits else 20 * TIMEOUT
    rows = audited([(name, Cruel(case.answer, split)) for name in probes], timeout)
    found = {one["name"]: one["status"] for row in rows for one in row["probes"]}
    expected = {**dict.fromkeys(probes, "unknown"), **BEFORE, **case.settles}
    assert found == expected, [row["probes"][0]["text"] for row in rows if row["probes"][0]["status"] != "unknown"]
    for row in rows:
        said = json.dumps(row, ensure_ascii=False)
        assert "internal_error" not in said and len(said) < 100_000
        assert row["msg"].isprintable() and all(one["text"].isprintable() for one in row["probes"])
        assert case.waits or "timed_out" not in said, row["msg"]  # whatever time there was, it was none to wait for
        # A session, its farewell, and what is waited for where it may not come.
        assert row["seconds"] < row["plan"]["connections"] * (2 * timeout + 1.0)


@pytest.mark.parametrize("what", CASES)
def test_what_is_no_answer_settles_nothing(what: str) -> None:
    judge(CASES[what], split=False)


MOST_OCTETS = 4 << 20  # above a healthy relay's


@pytest.mark.parametrize("what", [what for what in CASES if "for ever" in what])
def test_a_flood_costs_little_memory(what: str) -> None:
    healthy = Relay(VRFY="252 2.0.0 Cannot VRFY\r\n")
    cruel = Cruel(CASES[what].answer)
    with running(healthy), running(cruel):
        rows = [{"host": "127.0.0.1", "port": one.port, **GIVEN, "probes": ["vrfy"]} for one in (healthy, cruel)]
        done = subprocess.run(
            [sys.executable, measure.__file__], input=json.dumps([*rows, "audit"]), stdout=subprocess.PIPE, timeout=60,
            check=True, encoding="utf-8", env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip
    cost = json.loads(done.stdout)
    assert [one["status"] for one in cost["report"]["probes"]] == ["unknown"]
    assert cost["octets"] < MOST_OCTETS


@pytest.mark.parametrize(
    "what", ["421 (3.8)", "334", "1yz (RFC 5321 4.2.1: there is none)", "codes that change (4.2.1)"]
)
def test_nor_does_it_octet_by_octet(what: str) -> None:
    judge(CASES[what], split=True)


OF_TLS = ("starttls", "certificate", "tls_versions", "unprotected_suites", "starttls_injection", "starttls_plaintext")
NO_TO_STARTTLS = {"starttls": "finding", "starttls_injection": "pass"}
STARTTLS = {
    **{what: Case(case.answer) for what, case in CASES.items()},
    # RFC 3207 4: 220 is yes, 501 and 454 are no. TLS that begins for nobody tells nothing of how it begins.
    "220": Case("220 Go ahead\r\n", {"starttls": "finding", "starttls_injection": "pass", "starttls_plaintext": "pass"}),
    "220, and it hangs up": Case("220 Go ahead\r\n" + HANGS_UP, {"starttls": "finding"}),
    "220, and words in clear": Case("220 Go ahead\r\n500 5.5.2 What?\r\n"),
    "454": Case("454 4.7.0 TLS not available\r\n"),
    "501": Case("501 5.5.4 No parameters\r\n", NO_TO_STARTTLS),
    "escape sequences and markup": Case(CASES["escape sequences and markup"].answer, NO_TO_STARTTLS),
    "codes that change (4.2.1)": Case(CASES["codes that change (4.2.1)"].answer, NO_TO_STARTTLS),
}  # fmt: skip


def test_what_is_no_answer_to_starttls_settles_nothing() -> None:
    """All at once; to what comes in clear besides this relay says 500."""
    asked = [(what, probe) for what in STARTTLS for probe in OF_TLS]
    hello = "250-relay.example.com\r\n250 STARTTLS\r\n"
    rows = audited(
        [(probe, Cruel(ANSWERS["*"], EHLO=hello, STARTTLS=STARTTLS[what].answer)) for what, probe in asked], timeout=2.0
    )
    found = dict(zip(asked, [row["probes"][0]["status"] for row in rows]))
    assert found == {(what, probe): STARTTLS[what].settles.get(probe, "unknown") for what, probe in asked}


@pytest.mark.parametrize("verb", ["VRFY", "RCPT"])
def test_a_reply_that_is_cut_off_anywhere_settles_nothing(verb: str) -> None:
    """Without its CRLF it is none (RFC 5321 4.2), and with it the session goes on."""
    reply, others = "252 2.0.0 Cannot tell\r\n", {verb: ANSWERS[verb] for verb in ("MAIL", "RSET")}
    cuts = [reply[:length] + HANGS_UP for length in range(len(reply))]
    rows = audited([(verb.lower(), Cruel(ANSWERS["*"], **{**others, verb: answer})) for answer in [*cuts, reply]])
    assert [row["probes"][0]["status"] for row in rows] == ["unknown"] * len(cuts) + ["pass"]
