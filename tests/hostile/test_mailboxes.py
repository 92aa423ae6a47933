# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# IMAP and POP3 servers that misbehave, and mailboxes full of what anybody may have sent. Every outcome was written down
# from the RFC named with it, or from the promises of SECURITY.md, before anything ran: what could not be looked at is
# unreachable, never missing; a wait ends with its timeout, and takes less than 50 MB.

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Dict, NamedTuple, Tuple

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.trace import MAX_HOPS
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.wait import wait_for_mail
from ansible_collections.postmaster.mailcheck.tests.hostile import measure
from ansible_collections.postmaster.mailcheck.tests.support.mailboxes import (
    PASSWORD,
    RECEIVED,
    SIGN_IN,
    Folder,
    ImapServer,
    PopServer,
    bounce,
    mail,
)

if TYPE_CHECKING:
    from typing import Callable

TOKEN, OTHER = "0" * 32, "f" * 32
TIMEOUT, AGES = 1.5, 30.0
MOST_OCTETS = 50_000_000
ENDLESS = 1 << 23  # octets: more than any answer may have

pytestmark = pytest.mark.usefixtures("no_pause_lasts")


def flood(line: str, octets: int = ENDLESS) -> str:
    return line * (octets // len(line))


DRIP = "<drip>"  # in an answer: from here on an octet every hundredth of a second, for ever


class Dripping:
    """A socket that sends so."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock

    def sendall(self, data: bytes) -> None:
        begin, drip, _never = data.partition(DRIP.encode())
        self._sock.sendall(begin)
        while drip:  # until the client has left
            self._sock.sendall(b"x")
            threading.Event().wait(0.01)


class Case(NamedTuple):
    """What a server answers to one command, and "verdict stage cause" of the wait for a message that lies there.

    `ends`: whether the answer itself ends it; else the time does.
    """

    verb: str
    answer: str
    outcome: str
    ends: bool = True


IMAP: Dict[str, Case] = {
    # The greeting (RFC 9051 7.1): OK, PREAUTH or BYE, and nothing else.
    "greeting BYE": Case("", "* BYE too many connections", "unreachable greeting mailbox_unavailable", False),
    "greeting of a relay": Case("", "220 relay.example.com ESMTP", "unreachable greeting not_a_mailbox"),
    "greeting of POP3": Case("", "+OK ready", "unreachable greeting not_a_mailbox"),
    "greeting of NUL": Case("", "\0" * 100, "unreachable greeting not_a_mailbox"),
    "greeting without end": Case("", flood("x"), "unreachable greeting protocol_violation"),
    "greeting without IMAP4": Case("CAPABILITY", "* CAPABILITY X\r\n{tag} OK done\r\n", "unreachable greeting not_a_mailbox"),
    # RFC 9051 4.3: a literal has as many octets as it announces; no answer to these commands needs so many.
    "a literal of 4 GB": Case("EXAMINE", "* 1 FETCH (BODY[] {4294967295}\r\n", "unreachable folder protocol_violation"),
    "a literal of 20 digits": Case(
        "EXAMINE", "* 1 FETCH (BODY[] {99999999999999999999}\r\n", "unreachable folder protocol_violation"),
    "a literal of 5,000 digits": Case(
        "EXAMINE", "* 1 FETCH (BODY[] {%s}\r\n" % ("9" * 5000), "unreachable folder protocol_violation"),
    "a literal that does not end": Case(
        "UID FETCH", "* 1 FETCH (UID 1 BODY[] {100}\r\nshort", "unreachable find timed_out", False),
    "literals for ever": Case("LIST", flood("* LIST () {4}\r\nabcd\r\n"), "unreachable folder protocol_violation"),
    # RFC 9051 7: untagged data may come at any time, but an answer ends with its tagged line.
    "untagged noise for ever": Case("EXAMINE", flood("* OK still here\r\n"), "unreachable folder protocol_violation"),
    "a line for ever": Case("EXAMINE", "* OK " + flood("x"), "unreachable folder protocol_violation"),
    "continuations for ever": Case("EXAMINE", flood("+ \r\n"), "unreachable folder protocol_violation"),
    "empty lines for ever": Case("EXAMINE", flood("\r\n"), "unreachable folder protocol_violation"),
    "no line end": Case("EXAMINE", "{tag} OK", "unreachable folder timed_out", False),
    "silence": Case("UID FETCH", "", "unreachable find timed_out", False),
    # A wait has an end, however busy a server looks.
    "a greeting that drips": Case("", "* OK " + DRIP, "unreachable greeting no_greeting", False),
    "an answer that drips": Case("EXAMINE", "* OK " + DRIP, "unreachable folder timed_out", False),
    "a literal that drips": Case(
        "UID FETCH", "* 1 FETCH (UID 1 BODY[] {9000}\r\n" + DRIP, "unreachable find timed_out", False),
    "a challenge that drips": Case("AUTHENTICATE", "+ " + DRIP, "unreachable auth timed_out", False),
    # RFC 9051 2.2.1: the tag is that of the command.
    "a wrong tag": Case("EXAMINE", "ZZZZ1 OK done\r\n", "unreachable folder protocol_violation"),
    "another's tag": Case("UID FETCH", "* 1 FETCH (UID 1)\r\nX1 OK done\r\n", "unreachable find protocol_violation"),
    "BAD": Case("EXAMINE", "{tag} BAD what\r\n", "unreachable folder mailbox_unavailable", False),
    "NO to a search": Case("UID SEARCH", "{tag} NO [CANNOT] not today\r\n", "unreachable find mailbox_unavailable", False),
    # RFC 9051 7.1.5: BYE ends the session, at any time.
    "BYE for EXAMINE": Case("EXAMINE", "* BYE [UNAVAILABLE] going down\r\n", "unreachable folder connection_lost", False),
    "BYE within FETCH": Case(
        "UID FETCH", "* 1 FETCH (UID 1 BODY[] {2}\r\nab)\r\n* BYE bye\r\n", "unreachable find connection_lost", False),
    # RFC 9051 9: no NUL but in literals of binary data.
    "NUL in the middle": Case("EXAMINE", "* OK \0\0\r\n\0{tag} OK done\r\n", "unreachable folder protocol_violation"),
    # RFC 9051 6.2.2: a challenge is base64; the mechanism says when it is over.
    "challenges for ever": Case("AUTHENTICATE", flood("+ YWJj\r\n"), "unreachable auth auth_protocol_error"),
    "a challenge that is no base64": Case("AUTHENTICATE", "+ %%%\r\n", "unreachable auth auth_protocol_error"),
    "a capability for ever": Case("CAPABILITY", "* CAPABILITY " + flood("A "), "unreachable greeting protocol_violation"),
}  # fmt: skip

POP3: Dict[str, Case] = {
    # RFC 1939 4: a positive greeting, or none at all.
    "greeting -ERR": Case("", "-ERR [SYS/TEMP] overloaded", "unreachable greeting mailbox_unavailable", False),
    "greeting of a relay": Case("", "220 relay.example.com ESMTP", "unreachable greeting not_a_mailbox"),
    "greeting of NUL": Case("", "\0" * 100, "unreachable greeting not_a_mailbox"),
    # RFC 1939 3: a reply has 512 octets, a list ends with a dot alone.
    "a list for ever": Case("UIDL", "+OK\r\n" + flood("1 a\r\n", 1 << 25), "unreachable find protocol_violation"),
    "a line for ever": Case("UIDL", "+OK\r\n" + flood("x"), "unreachable find protocol_violation"),
    "a list without its dot": Case("UIDL", "+OK\r\n1 a\r\n", "unreachable find timed_out", False),
    "a message for ever": Case("TOP", "+OK\r\n" + flood("X: y\r\n", 1 << 25), "unreachable find protocol_violation"),
    "no TOP": Case("TOP", "-ERR unknown command\r\n", "unreachable find mailbox_unavailable", False),
    "neither of both": Case("UIDL", "HELLO\r\n", "unreachable find mailbox_unavailable", False),
    "numbers that are none": Case("UIDL", "+OK\r\nx y\r\n-1 z\r\n\0 1\r\n.\r\n", "failed find mail_not_found", False),
    "silence": Case("UIDL", "", "unreachable find timed_out", False),
    "a greeting that drips": Case("", "+OK " + DRIP, "unreachable greeting no_greeting", False),
    "a list that drips": Case("UIDL", "+OK\r\n1 " + DRIP, "unreachable find timed_out", False),
    "a message that drips": Case("TOP", "+OK\r\nSubject: " + DRIP, "unreachable find timed_out", False),
    "NUL in the middle": Case("TOP", "+OK \0\r\nX: \0\0\r\n\0\r\n.\r\n", "failed find mail_not_found", False),
}  # fmt: skip


def where(server: Any, **options: Any) -> Dict[str, Any]:
    given = {"host": "127.0.0.1", "port": server.port, "tls": "none", "allow_plaintext_auth": True, "token": TOKEN}
    protocol = {"protocol": "pop3"} if isinstance(server, PopServer) else {}
    return {**given, **protocol, **SIGN_IN, "timeout": AGES, "poll_interval": AGES / 6, **options}


def misbehave(server: Any, case: Case) -> None:
    if case.verb:
        server.override[case.verb] = case.answer
    else:
        server.greeting = case.answer


def server_of(protocol: str, case: Case) -> Any:
    # An old message, so that the server is asked to search as well.
    folders = {"INBOX": Folder({1: mail(TOKEN), 300: mail(OTHER)})}
    server: Any = ImapServer(folders) if protocol == "imap" else PopServer([mail(TOKEN)])
    misbehave(server, case)
    play = server.behave
    server.behave = lambda lines, _say, sock: play(
        lines, lambda text: Dripping(sock).sendall(text.encode() + b"\r\n"), Dripping(sock)
    )
    return server


def came_of(report: Dict[str, Any]) -> str:
    return "%s %s %s" % (report["verdict"], report["failure"]["stage"], report["failure"]["cause"])


def looks_right(case: Case, report: Dict[str, Any]) -> None:
    assert came_of(report) == case.outcome, report["failure"]["text"]
    assert report["found"] is (None if report["verdict"] == "unreachable" else False)
    assert report["msg"].isprintable() and len(json.dumps(report)) < 20_000
    assert PASSWORD not in json.dumps(report)


def patience(case: Case) -> float:
    """What ends otherwise has all the time there is."""
    return TIMEOUT if case.outcome.endswith(("timed_out", "no_greeting")) else AGES


ALL = [("imap", name) for name in sorted(IMAP)] + [("pop3", name) for name in sorted(POP3)]
CASES = {"imap": IMAP, "pop3": POP3}


@pytest.mark.parametrize("protocol, name", ALL)
def test_what_comes_of_a_server(protocol: str, name: str) -> None:
    case = CASES[protocol][name]
    with server_of(protocol, case) as server:
        looks_right(case, wait_for_mail(**where(server, timeout=patience(case))))


class OctetByOctet:
    """A socket that sends so."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock

    def sendall(self, data: bytes) -> None:
        for at in range(len(data)):
            self._sock.sendall(data[at : at + 1])


@pytest.mark.parametrize("protocol, name", [one for one in ALL if len(CASES[one[0]][one[1]].answer) < 10_000])
def test_the_same_comes_of_it_octet_by_octet(protocol: str, name: str) -> None:
    case = CASES[protocol][name]
    with server_of(protocol, case) as server:
        play = server.behave
        server.behave = lambda lines, _say, sock: play(
            lines, lambda text: OctetByOctet(sock).sendall(text.encode() + b"\r\n"), OctetByOctet(sock)
        )
        looks_right(case, wait_for_mail(**where(server, timeout=2 * patience(case))))


def test_all_at_once_beside_healthy_ones() -> None:
    """Waits of one process, each in a thread: what one server does changes nothing for another."""
    some = [one for one in ALL if len(CASES[one[0]][one[1]].answer) < 10_000]
    with ExitStack() as running, ThreadPoolExecutor(len(some) + 2) as threads:
        servers = [running.enter_context(server_of(protocol, CASES[protocol][name])) for protocol, name in some]
        healthy = [
            running.enter_context(ImapServer({"INBOX": Folder({1: mail(TOKEN)})})),
            running.enter_context(PopServer([mail(TOKEN)])),
        ]
        given = [where(server, timeout=2 * patience(CASES[one[0]][one[1]])) for one, server in zip(some, servers)]
        given += [where(server) for server in healthy]
        reports = list(threads.map(lambda options: wait_for_mail(**options), given))
    for one, report in zip(some, reports):
        looks_right(CASES[one[0]][one[1]], report)
    assert [report["found"] for report in reports[-2:]] == [True, True]


# What costs: in a process of its own, after a wait at a server that behaves


def measured(server: Any, **options: Any) -> Dict[str, Any]:
    with ImapServer({"INBOX": Folder({1: mail(TOKEN)})}) as healthy:
        given = [where(healthy), where(server, **{"timeout": TIMEOUT, "poll_interval": 0.1, **options}), "wait"]
        done = subprocess.run(
            [sys.executable, measure.__file__], input=json.dumps(given), stdout=subprocess.PIPE, timeout=60, check=True,
            encoding="utf-8", env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip
    found: Dict[str, Any] = json.loads(done.stdout)
    return found


COSTLY = [one for one in ALL if len(CASES[one[0]][one[1]].answer) > 10_000 or not CASES[one[0]][one[1]].ends]


@pytest.mark.parametrize("protocol, name", COSTLY)
def test_a_wait_ends_in_time_and_stays_small(protocol: str, name: str) -> None:
    with server_of(protocol, CASES[protocol][name]) as server:
        cost = measured(server)
    assert cost["seconds"] < TIMEOUT + 1.0
    assert cost["octets"] < MOST_OCTETS


# Names of folders: whatever a server says, it ends neither a line nor a page nor a command

NAMES = [
    "<script>alert(1)</script>",
    "\x1b[2Jx",
    "a' OR 1=1 --",
    "{{ 7 * 7 }}",
    "\u202egpj.exe",
    "x" * 3000,
    "%s%n",
    "../../etc",
]


@pytest.mark.parametrize("name", NAMES)
def test_names_of_folders_are_shown_safely_and_said_as_they_are(name: str) -> None:
    with ImapServer({"INBOX": Folder({1: mail(TOKEN)})}) as server:
        server.override["LIST"] = '* LIST (\\Junk) "/" {%d}\r\n%s\r\n{tag} OK done\r\n' % (
            len(name),
            name.encode("utf-8").decode("latin-1"),
        )
        report = wait_for_mail(**where(server, token=OTHER))
    assert report["msg"].isprintable() and report["found"] is not True
    assert all(text.isprintable() for text in report["folders"])
    assert len([line for line in server.said if line.startswith(("EXAMINE", "SELECT")) and "\r" in line]) == 0


def test_a_name_with_line_ends_is_no_command() -> None:
    name = 'x"\r\nA1 DELETE INBOX\r\n'
    with ImapServer({"INBOX": Folder({1: mail(TOKEN)})}) as server:
        server.override["LIST"] = '* LIST (\\Junk) "/" {%d}\r\n%s\r\n{tag} OK done\r\n' % (len(name), name)
        wait_for_mail(**where(server))
    assert [line for line in server.said if line.upper().startswith(("DELETE", "A1 "))] == []


def test_folders_for_spam_without_number() -> None:
    """RFC 6154 2: there may be several; twenty thousand are none that anybody has."""
    listed = "".join('* LIST (\\Junk) "/" "junk%d"\r\n' % number for number in range(15_000))
    with ImapServer({"INBOX": Folder({1: mail(TOKEN)}), "junk0": Folder()}) as server:
        server.override["LIST"] = listed + "{tag} OK done\r\n"
        report = wait_for_mail(**where(server))
    assert report["found"] is True
    assert len(report["folders"]) < 30
    assert "folders for spam" in report["warnings"][0]


# Answers that lie about what there is


def test_uids_without_number_are_not_all_asked_for() -> None:
    """A SEARCH that finds 700,000 messages in a folder without UIDNEXT (RFC 9051 6.3.2 demands it)."""
    found = " ".join(str(number) for number in range(1, 400_000))
    with ImapServer({"INBOX": Folder({1: mail(OTHER)})}) as server:
        server.override["EXAMINE"] = "* 1 EXISTS\r\n{tag} OK [READ-ONLY] opened\r\n"
        server.override["UID SEARCH"] = "* SEARCH %s\r\n{tag} OK done\r\n" % found
        server.override["UID FETCH"] = "{tag} OK done\r\n"
        report = wait_for_mail(**where(server, expect={"bounce": False}))
    assert report["found"] is not True
    assert len(server.heard("UID FETCH")) < 2000


def test_numbers_that_are_none() -> None:
    """RFC 9051 9: UIDs and their like have 32 bits, and are not zero."""
    with ImapServer() as server:
        told = "* 99999999999999999999 EXISTS\r\n* OK [UIDVALIDITY 99999999999999999999] x\r\n* OK [UIDNEXT -3] x\r\n"
        server.override["EXAMINE"] = told + "{tag} OK done\r\n"
        server.override["UID SEARCH"] = "* SEARCH 0 -1 x 99999999999999999999\r\n{tag} OK done\r\n"
        server.override["UID FETCH"] = server.override["NOOP"] = "{tag} OK done\r\n"
        assert came_of(wait_for_mail(**where(server))) == "failed find mail_not_found"


def test_messages_that_nobody_asked_for_are_passed_over() -> None:
    told = b"X-Mailcheck-Token: %s\r\n\r\n" % TOKEN.encode()
    answer = "* 1 FETCH (UID 77 BODY[] {%d}\r\n%s)\r\n{tag} OK done\r\n" % (len(told), told.decode())
    with ImapServer({"INBOX": Folder({1: mail(OTHER)})}) as server:
        server.override["UID FETCH"] = answer
        assert wait_for_mail(**where(server))["found"] is False


def test_a_header_that_names_ours_is_not_enough_to_delete_another() -> None:
    """The server shows our token for every message that it is asked for; its own mail is its own loss, but no more."""
    with ImapServer({"INBOX": Folder({1: mail(TOKEN), 2: mail(OTHER)})}) as server:
        report = wait_for_mail(**where(server, delete=True))
    assert (report["deleted"], server.expunged) == (1, [("INBOX", 1)])


# Mail that anybody may have sent

RESULTS = "Authentication-Results: mx.example.net; dkim=pass\r\n"
BOMB = "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n"
ZEROS = base64.b64encode(bytes(40_000)).decode()
MESSAGES: Dict[str, Tuple[bytes, Callable[[Dict[str, Any]], bool]]] = {
    # RFC 5321 6.3: servers give up at a hundred hops.
    "10,000 Received lines": (
        mail(TOKEN, received=RECEIVED * 10_000).replace(b"X-Mailcheck-Token: %s\r\n" % TOKEN.encode(), b"")
        .replace(b"Return-Path", b"X-Mailcheck-Token: %s\r\nReturn-Path" % TOKEN.encode(), 1),
        lambda report: len(report["trace"]["hops"]) <= MAX_HOPS and bool(report["trace"]["problems"])),
    "5,000 results": (
        mail(TOKEN, received=RESULTS + "X-Mailcheck-Token: %s\r\n" % TOKEN + RESULTS * 4999),
        lambda report: len(report["authentication"]["methods"]) == 1,
    ),
    # RFC 8601 5: what was there before the receiver had the message is not the receiver's.
    "results below the receiver's line": (
        mail(TOKEN, received=RECEIVED + RECEIVED.replace("mx.example.net", "elsewhere.example"))
        .replace(b"From:", b"Authentication-Results: mx.example.net; dkim=pass\r\nFrom:", 1),
        lambda report: report["authentication"]["dkim"] is None and "forged" in report["authentication"]["reason"]),
    "a subject of 1 MB": (
        mail(TOKEN).replace(b"Subject: mailcheck", b"Subject: " + b"x" * 1_000_000),
        lambda report: len(json.dumps(report)) < 50_000),
    "comments in comments": (
        mail(TOKEN, received=RECEIVED.replace("(Postfix)", "(" * 5000 + ")" * 5000)),
        lambda report: len(report["trace"]["hops"]) == 1),
    "8 bits, NUL and what steers terminals": (
        mail(TOKEN).replace(b"from relay", b"from \xff\0\x1b[2Jrelay"),
        lambda report: "\x1b" not in json.dumps(report, ensure_ascii=False)),
    "a date beyond all calendars": (
        mail(TOKEN, received=RECEIVED.replace("2026", "99999999")), lambda report: report["trace"]["hops"][0]["time"] is None),
}  # fmt: skip


@pytest.mark.parametrize("kind", [ImapServer, PopServer])
@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_a_message_of_ours_that_others_have_written_in(name: str, kind: Any) -> None:
    raw, is_right = MESSAGES[name]
    server = ImapServer({"INBOX": Folder({1: raw})}) if kind is ImapServer else PopServer([raw])
    if kind is PopServer and b"\xff" in raw:
        server.messages = [raw.replace(b"\xff", b"")]  # the stand-in speaks UTF-8
    with server:
        report = wait_for_mail(**where(server, trusted_authserv_ids=["mx.example.net"]))
    assert report["found"] is True, report["msg"]
    assert is_right(report)
    assert report["msg"].isprintable() and len(json.dumps(report)) < 200_000


BOUNCES = {
    "parts in parts": bounce(TOKEN).replace(b"Content-Type: multipart/report", "".join(BOMB % (n, n) for n in range(500)).encode(), 1),
    "10,000 parts": bounce(TOKEN).replace(b"--b--", b"--b\r\nContent-Type: message/delivery-status\r\n\r\nAction: x\r\n" * 10_000),
    "a body that swells": bounce(OTHER).replace(b"--b--", b"--b\r\nContent-Transfer-Encoding: base64\r\n\r\n" + ZEROS.encode()),
    "codes without number": b"Return-Path: <>\r\nFrom: mailer-daemon\r\n\r\n" + b"550 5.1.1 no <x@a>\r\n" * 3000,
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(BOUNCES))
def test_reports_that_are_none_hold_nobody_up(name: str) -> None:
    """Beside them the message is found, and what they cost is bounded."""
    with ImapServer({"INBOX": Folder({1: BOUNCES[name], 2: mail(TOKEN)})}) as server:
        cost = measured(server, timeout=10.0)
    assert cost["report"]["found"] is True
    assert cost["seconds"] < 5.0
    assert cost["octets"] < MOST_OCTETS
