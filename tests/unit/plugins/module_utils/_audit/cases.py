# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What an audit has to make of a relay that answers so: written from the standards, before the probes.

from __future__ import annotations

import base64
import struct
import time
from typing import TYPE_CHECKING, NamedTuple

from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit import check
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.driver import Driver

if TYPE_CHECKING:
    from typing import Any, Callable, Dict

    import pytest

KNOWN = "user@example.net"
OUTSIDE = "someone@elsewhere.example"


class Case(NamedTuple):
    probe: str
    situation: str
    status: str
    source: str
    answers: Dict[str, Any]  # of tests/support/relay.py: verb -> answer, or a function of the line


def by_address(known: str, unknown: str) -> Callable[[str], str]:
    """One answer for the known address, another for all others; `{line}` is what was said."""

    def answer(line: str) -> str:
        return (known if KNOWN in line else unknown).format(line=line.partition(" ")[2]) + "\r\n"

    return answer


def where(mark: str, one: str, other: str) -> Callable[[str], str]:
    """One answer to lines with the mark, another to the others."""
    return lambda line: one if mark in line else other


def numbered(known: str, unknown: str = "") -> Callable[[str], str]:
    """Each answer has a number of its own."""
    said = []

    def answer(line: str) -> str:
        said.append(line)
        return (known if KNOWN in line else unknown or known) % len(said) + "\r\n"

    return answer


def slow(monkeypatch: pytest.MonkeyPatch, seconds: float) -> Callable[[str], Callable[[str], str]]:
    """Make answers that take so long by the clock of the audit: a busy machine adds little, and nobody waits."""
    passed = [0.0]
    monkeypatch.setattr(check, "Driver", lambda limits: Driver(limits, lambda: time.monotonic() + passed[0]))

    def made(answer: str) -> Callable[[str], str]:
        def late(_line: str) -> str:
            passed[0] += seconds
            return answer

        return late

    return made


def tired(seconds: float) -> Callable[[str], str]:
    """The first message is taken at once, all others after so long."""
    taken = []

    def answer(line: str) -> str:
        time.sleep(seconds if taken else 0)
        taken.append(line)
        return "250 2.0.0 Ok\r\n"

    return answer


def counting(limit: int, refusal: str) -> Callable[[str], str]:
    """Recipients are taken up to the limit of each transaction."""
    said = []

    def answer(line: str) -> str:
        verb = line[:4].upper()
        if verb in ("RSET", "MAIL"):
            del said[:]
            return "250 2.0.0 Ok\r\n"
        said.append(line)
        return "250 2.1.5 Ok\r\n" if len(said) <= limit else refusal + "\r\n"

    return answer


def limited(limit: int, refusal: str) -> Dict[str, Any]:
    answer = counting(limit, refusal)
    return {"MAIL": answer, "RCPT": answer, "RSET": answer}


def relays_for(*marks: str) -> Callable[[str], str]:
    """Whatever holds one of the marks is taken, and so is mail for the relay's own domain."""

    def answer(line: str) -> str:
        path = line.partition("<")[2].partition(">")[0]
        ours = path == KNOWN or any(mark in path for mark in marks)
        return "250 2.1.5 Ok\r\n" if ours else "554 5.7.1 <%s>: Relay access denied\r\n" % path

    return answer


def in_turn(*answers: str) -> Callable[[str], str]:
    """One answer after the other, and the last for ever."""
    left = list(answers)
    return lambda _line: (left.pop(0) if len(left) > 1 else left[0]) + "\r\n"


def once(place: int, odd: str, usual: str) -> Callable[[str], str]:
    """One answer to all but the one at this place, counted from 1."""
    said = []

    def answer(line: str) -> str:
        said.append(line)
        return odd if len(said) == place else usual

    return answer


def ehlo(*keywords: str) -> str:
    lines = ["relay.example.com", *keywords]
    last = len(lines) - 1
    return "".join("250%s%s\r\n" % (" " if index == last else "-", line) for index, line in enumerate(lines))


def ntlm_challenge(name: str) -> str:
    """A CHALLENGE_MESSAGE that names a machine (MS-NLMP 2.2.1.2: the target information is at octet 40)."""
    shown = name.encode("utf-16-le")
    fields = struct.pack("<HH", 3, len(shown)) + shown + struct.pack("<HH", 0, 0)
    head = b"NTLMSSP\0" + struct.pack("<I", 2) + bytes(28) + struct.pack("<HHI", len(fields), len(fields), 48)
    return base64.b64encode(head + fields).decode("ascii")


_LISTED = "554 5.7.1 Service unavailable; Client host [127.0.0.1] blocked using zen.example.org\r\n"
_NOBODY = "550 5.1.1 User unknown"
_OK = "250 2.0.0 Ok\r\n"
LINES = ("nul", "long_line", "bare_lf")

CASES = [
    # VRFY and EXPN: RFC 5321 3.5.3 and 7.3 have 252 for whoever will not tell, and 502 where it is switched off.
    Case("vrfy", "252 for everybody", "pass", "RFC 5321 7.3", {"VRFY": by_address("252 2.0.0 {line}", "252 2.0.0 {line}")}),
    Case("vrfy", "known 252, unknown 550", "finding", "RFC 5321 7.3", {"VRFY": by_address("252 2.0.0 Ok", _NOBODY)}),
    Case("vrfy", "known 250, unknown 550", "finding", "RFC 5321 7.3", {"VRFY": by_address("250 <{line}>", _NOBODY)}),
    Case("vrfy", "the enhanced code tells", "finding", "RFC 3463 3.2", {"VRFY": by_address("252 2.1.5 Ok", "252 2.0.0 Ok")}),
    Case("vrfy", "the words tell", "finding", "RFC 5321 7.3", {"VRFY": by_address("252 Found", "252 Cannot verify")}),
    Case("vrfy", "the local part alone is named", "pass", "RFC 5321 7.3", {
        "VRFY": lambda line: "252 Cannot verify %s\r\n" % line.partition(" ")[2].partition("@")[0]}),
    Case("vrfy", "words that hold the local part", "pass", "RFC 5321 7.3", {
        "VRFY": "252 Cannot VRFY user, but will accept message\r\n"}),
    Case("vrfy", "switched off", "pass", "RFC 5321 7.3", {"VRFY": "502 5.5.1 VRFY is disabled\r\n"}),
    Case("vrfy", "not implemented", "pass", "RFC 5321 4.2.4", {"VRFY": "502 5.5.1 Command not implemented\r\n"}),
    Case("vrfy", "put off", "unknown", "RFC 5321 4.2.1", {"VRFY": "450 4.7.1 Greylisted\r\n"}),
    Case("vrfy", "unknown ones put off", "unknown", "RFC 5321 4.2.1", {"VRFY": by_address("252 Ok", "451 4.3.0 Later")}),
    Case("vrfy", "the client is listed", "unknown", "RFC 5782", {"VRFY": _LISTED}),
    Case("vrfy", "421", "unknown", "RFC 5321 3.8", {"VRFY": "421 4.7.0 Too many\r\n"}),
    Case("vrfy", "all refused, the known one is taken", "pass", "RFC 5321 7.3", {"VRFY": _NOBODY + "\r\n"}),
    Case("vrfy", "words that hold the local part anyway", "pass", "RFC 5321 7.3", {
        "VRFY": "252 2.0.0 Cannot verify user\r\n"}),
    Case("vrfy", "the address in each answer", "pass", "RFC 5321 7.3", {
        "VRFY": lambda line: "252 2.0.0 %s\r\n" % line.partition(" ")[2]}),
    Case("vrfy", "other words for the known one", "finding", "RFC 5321 7.3", {
        "VRFY": by_address("252 2.0.0 Mail is kept here for {line}", "252 2.0.0 Cannot verify {line}")}),
    Case("vrfy", "all refused, by RCPT too", "unknown", "the control", {
        "VRFY": _NOBODY + "\r\n", "RCPT": _NOBODY + "\r\n"}),
    Case("vrfy", "other words each time, and another code for the known", "finding", "RFC 5321 7.3", {
        "VRFY": by_address("252 2.0.0 Ok", "550 5.1.1 {line} unknown, seen as {line}-1")}),
    Case("vrfy", "other words each time, and for the known too", "pass", "RFC 5321 7.3", {
        "VRFY": numbered("252 2.0.0 Will do, ticket %d")}),
    Case("vrfy", "other words each time, of one code, and another for the known", "finding", "RFC 5321 7.3", {
        "VRFY": numbered("252 2.0.0 Will do, ticket %d", "550 5.1.1 Unknown, ticket %d")}),
    Case("vrfy", "tickets, and other words for the known", "finding", "RFC 5321 7.3", {
        "VRFY": numbered("252 2.0.0 Found, ticket %d", "252 2.0.0 Cannot verify, ticket %d")}),
    Case("vrfy", "codes of several kinds for who is not there", "finding", "RFC 5321 7.3", {
        "VRFY": in_turn("250 2.1.5 Ok", _NOBODY, "551 5.1.6 Moved", "550 5.7.1 Unknown, and enough", "250 2.1.5 Ok")}),
    Case("vrfy", "no two alike", "unknown", "the control", {
        "VRFY": in_turn("252 Ok", "252 Perhaps", _NOBODY, "252 Who knows", "252 Ok")}),
    Case("vrfy", "answered once, whoever it is", "unknown", "the control", {"VRFY": in_turn("252 Ok", _NOBODY)}),
    Case("expn", "502", "pass", "RFC 5321 7.3", {"EXPN": "502 5.5.1 Not implemented\r\n"}),
    Case("expn", "known 250, unknown 550", "finding", "RFC 5321 7.3", {"EXPN": by_address("250 {line}", _NOBODY)}),
    # RCPT: that an MX refuses unknown mailboxes is as it should be; told is that this makes them known.
    Case("rcpt", "everybody is taken", "pass", "RFC 5321 3.3", {}),
    Case("rcpt", "unknown ones refused", "finding", "RFC 5321 3.3", {"RCPT": by_address("250 2.1.5 Ok", _NOBODY)}),
    Case("rcpt", "one recipient, whoever it is", "unknown", "the control", limited(1, "550 5.5.3 Too many recipients")),
    Case("rcpt", "greylisting", "unknown", "RFC 6647", {"RCPT": "451 4.7.1 Greylisted, try again\r\n"}),
    Case("rcpt", "the known one is refused too", "unknown", "the control", {"RCPT": _NOBODY + "\r\n"}),
    # Relaying: a relay that takes mail from anybody for anybody.
    Case("relaying", "neither yes nor no", "unknown", "RFC 5321 4.2.1", {
        "RCPT": by_address("250 2.1.5 Ok", "220 2.0.0 Who knows")}),
    Case("relaying", "own domain only", "pass", "RFC 5321 7.9", {"RCPT": relays_for()}),
    Case("relaying", "open", "finding", "RFC 5321 7.9", {}),
    Case("relaying", "percent", "finding", "RFC 5321 3.6.1", {"RCPT": relays_for("%elsewhere.example@")}),
    Case("relaying", "source route", "finding", "RFC 5321 F.2", {"RCPT": relays_for("@relay.example.com:")}),
    Case("relaying", "bang", "finding", "RFC 976 2.6", {"RCPT": relays_for("elsewhere.example!")}),
    Case("relaying", "quoted", "finding", "RFC 5321 4.1.2", {"RCPT": relays_for('"someone@elsewhere.example"')}),
    Case("relaying", "a trailing at", "finding", "RFC 5321 4.1.2", {"RCPT": relays_for("elsewhere.example@")}),
    Case("relaying", "TLS first", "unknown", "the control", {"RCPT": "530 5.7.0 Must issue a STARTTLS command first\r\n"}),
    Case("relaying", "strangers put off", "unknown", "RFC 6647", {"RCPT": by_address("250 Ok", "450 4.7.1 Greylisted")}),
    # Postfix by default: strangers are put off for ever, as defer_unauth_destination says.
    Case("relaying", "denied by 454", "pass", "RFC 5321 7.9", {
        "RCPT": by_address("250 Ok", "454 4.7.1 <{line}>: Relay access denied")}),
    Case("relaying", "denied for want of a name", "unknown", "RFC 5321 4.2.1", {
        "RCPT": by_address("250 Ok", "451 4.7.1 Relaying temporarily denied. Cannot resolve PTR record")}),
    # A refusal of another kind may be that of an open relay, too.
    Case("relaying", "it knows no such domain", "unknown", "RFC 3463 3.2", {
        "RCPT": by_address("250 Ok", "550 5.1.2 <{line}>: Recipient address rejected: Domain not found")}),
    Case("relaying", "TLS first, for strangers", "unknown", "RFC 3207 4", {
        "RCPT": by_address("250 Ok", "530 5.7.0 Must issue a STARTTLS command first")}),
    Case("relaying", "sign in first, for strangers", "pass", "RFC 4954 6", {
        "RCPT": by_address("250 Ok", "530 5.7.0 Authentication required")}),
    Case("relaying", "one transaction only", "unknown", "the control", {"RSET": in_turn("250 Ok", "502 5.5.1 No")}),
    Case("relaying", "open, and then no more for anybody", "unknown", "the control", {
        "RCPT": in_turn(*["250 2.1.5 Ok"] * 4, "450 4.7.1 Enough for now")}),
    Case("relaying", "the client is listed", "unknown", "RFC 5782", {"RCPT": by_address("250 Ok", _LISTED.strip())}),
    Case("relaying", "listed, even for the control", "unknown", "RFC 5782", {"RCPT": _LISTED}),
    # AUTH in clear: RFC 4954 4 and 9.
    Case("auth_offered_in_clear", "PLAIN", "finding", "RFC 4954 4", {"EHLO": ehlo("AUTH PLAIN LOGIN")}),
    Case("auth_offered_in_clear", "none", "pass", "RFC 4954 4", {"EHLO": ehlo("PIPELINING")}),
    Case("auth_offered_in_clear", "SCRAM", "pass", "RFC 5802 9", {"EHLO": ehlo("AUTH SCRAM-SHA-256")}),
    Case("auth_begun_in_clear", "goes on", "finding", "RFC 4954 4", {"AUTH": "334 \r\n"}),
    Case("auth_begun_in_clear", "without a password", "finding", "RFC 4954 4", {"AUTH": "235 2.7.0 Welcome\r\n"}),
    Case("auth_begun_in_clear", "TLS first", "pass", "RFC 4954 6", {"AUTH": "538 5.7.11 Encryption required\r\n"}),
    Case("auth_begun_in_clear", "not known", "pass", "RFC 5321 4.2.4", {"AUTH": "503 5.5.1 AUTH not available\r\n"}),
    Case("auth_offered_in_clear", "masked on the way", "unknown", "RFC 5321 2.2.1", {"EHLO": ehlo("PIPELINING", "XXXXXXXA")}),
    Case("auth_begun_in_clear", "by LOGIN alone", "finding", "RFC 4954 4", {
        "EHLO": ehlo("AUTH LOGIN"),
        "AUTH": where("LOGIN", "334 VXNlcm5hbWU6\r\n", "504 5.5.4 Unrecognized authentication type\r\n")}),
    Case("auth_begun_in_clear", "by a token alone", "finding", "RFC 4954 4", {
        "EHLO": ehlo("AUTH CRAM-MD5 XOAUTH2"),
        "AUTH": where("XOAUTH2", "334 \r\n", "504 5.5.4 Unrecognized authentication type\r\n")}),
    Case("auth_begun_in_clear", "not by what it offers", "pass", "RFC 4954 4", {"AUTH": "504 5.5.4 Not known\r\n"}),
    Case("auth_begun_in_clear", "not by PLAIN, and others are not known", "unknown", "RFC 4954 4", {
        "EHLO": ehlo("PIPELINING"), "AUTH": "504 5.5.4 Not known\r\n"}),
    Case("auth_begun_in_clear", "no answer to AUTH", "unknown", "RFC 4954 6", {"AUTH": "250 2.0.0 Ok\r\n"}),
    Case("auth_begun_in_clear", "later", "unknown", "RFC 4954 6", {"AUTH": "454 4.7.0 Temporary failure\r\n"}),
    # AUTH without limit.
    Case("auth_attempts", "no limit", "finding", "RFC 4954 4", {"AUTH": "535 5.7.8 Authentication failed\r\n"}),
    Case("auth_attempts", "limit", "pass", "RFC 4954 4", {
        "AUTH": in_turn("535 5.7.8 Authentication failed", "421 4.7.0 Too many errors")}),
    Case("auth_attempts", "enough for now", "pass", "RFC 4954 6", {
        "AUTH": in_turn("535 5.7.8 Authentication failed", "454 4.7.0 Too many failures")}),
    Case("auth_attempts", "put off", "unknown", "RFC 5321 4.2.1", {
        "AUTH": in_turn("535 5.7.8 Authentication failed", "451 4.3.0 Later")}),
    Case("auth_attempts", "and then it goes on", "unknown", "RFC 4954 4", {
        "AUTH": in_turn("535 5.7.8 Authentication failed", "334 ")}),
    Case("auth_attempts", "listed at the second", "unknown", "RFC 5782", {
        "AUTH": in_turn("535 5.7.8 Authentication failed", _LISTED.strip())}),
    Case("auth_attempts", "nobody may try", "unknown", "RFC 5321 3.8", {"AUTH": "421 4.7.0 Not you\r\n"}),
    Case("auth_attempts", "none that is tried", "unknown", "RFC 4954 4", {"EHLO": ehlo("AUTH LOGIN CRAM-MD5")}),
    Case("auth_attempts", "nobody can sign in", "pass", "RFC 4954 3", {"EHLO": ehlo("PIPELINING")}),
    # NTLM: the names in its type 2 message.
    *(Case(probe, "masked on the way", "unknown", "RFC 5321 2.2.1", {"EHLO": ehlo("PIPELINING", "XXXXXXXA")})
      for probe in ("ntlm_names", "auth_attempts")),
    Case("ntlm_names", "not offered", "pass", "MS-SMTPNTLM 2.2", {}),
    Case("ntlm_names", "named", "finding", "MS-NLMP 2.2.1.2", {
        "EHLO": ehlo("AUTH NTLM"), "AUTH": "334 %s\r\n" % ntlm_challenge("mail.corp.example")}),
    Case("ntlm_names", "no challenge of NTLM", "pass", "MS-NLMP 2.2.1.2", {
        "EHLO": ehlo("AUTH NTLM"), "AUTH": "334 Zm9vYmFy\r\n"}),
    Case("ntlm_names", "no base64", "pass", "RFC 4954 4", {"EHLO": ehlo("AUTH NTLM"), "AUTH": "334 a\r\n"}),
    Case("ntlm_names", "refused", "pass", "MS-SMTPNTLM 2.2", {"EHLO": ehlo("AUTH NTLM"), "AUTH": "535 5.7.8 No\r\n"}),
    # What it says of itself: information, never a finding by itself.
    Case("banner", "in its help", "pass", "RFC 5321 4.1.1.8", {"EHLO": ehlo("HELP"), "HELP": "214 Foo 1.2\r\n"}),
    Case("banner", "a version", "pass", "RFC 5321 4.3.1", {"": "220 relay.example.com ESMTP Exim 4.96\r\n"}),
    # STARTTLS.
    Case("starttls", "not offered", "finding", "RFC 3207", {}),
    Case("starttls", "refused for now", "unknown", "RFC 3207 4", {
        "EHLO": ehlo("STARTTLS"), "STARTTLS": "454 4.7.0 TLS not available\r\n"}),
    *(Case("starttls", what, "unknown", "RFC 3207 4", {"EHLO": ehlo("STARTTLS"), "STARTTLS": said + "\r\n"}) for what, said in (
        ("refused to this client", "554 5.7.1 Your IP is blocked"), ("too often", "550 5.7.1 Too many connections from you"),
        ("neither yes nor no", "250 2.0.0 Ok"), ("the end", "421 4.3.2 Closing"))),
    Case("starttls", "refused for good", "finding", "RFC 3207 4", {
        "EHLO": ehlo("STARTTLS"), "STARTTLS": "501 5.5.4 No\r\n"}),
    *(Case(probe, "masked on the way", "unknown", "RFC 5321 2.2.1", {"EHLO": ehlo("PIPELINING", "XXXXXXXA")})
      for probe in ("starttls", "starttls_injection", "starttls_plaintext")),
    Case("starttls_injection", "no STARTTLS", "pass", "RFC 3207 4", {}),
    Case("starttls_plaintext", "no STARTTLS", "pass", "RFC 3207 4", {}),
    # Lines: this relay takes LF for the end of one.
    Case("bare_lf", "ends a command", "finding", "RFC 5321 2.3.8", {"NOOP": "250 2.0.0 Ok\r\n"}),
    Case("nul", "one answer", "pass", "RFC 5321 4.1.2", {}),
    Case("long_line", "one answer", "pass", "RFC 5321 4.5.3.1.10", {}),
    Case("long_line", "one too many", "finding", "RFC 5321 4.5.3.1.10", {
        "NOOP": where("xxx", "500 Too long\r\n500 What?\r\n", _OK)}),
    *(Case(probe, "two answers to all", "unknown", "the control", {"NOOP": _OK * 2}) for probe in LINES),
    *(Case(probe, "one answer too many to all", "unknown", "the control", {"EHLO": ehlo("HELP") + _OK}) for probe in LINES),
    *(Case(probe, "the client is listed", "unknown", "RFC 5782", {
        "NOOP": in_turn(_OK.strip(), _LISTED.strip())}) for probe in LINES[:2]),
    Case("long_line", "QUIT is answered strangely", "unknown", "RFC 5321 4.1.1.10", {
        "NOOP": "250 2.0.0 Ok\r\n", "QUIT": "250 Bye\r\n"}),
    Case("long_line", "refused, and farewell", "pass", "RFC 5321 3.8", {
        "NOOP": where("xxx", "500 Too long\r\n421 Go\r\n", _OK)}),
    Case("long_line", "421", "unknown", "RFC 5321 3.8", {"NOOP": "421 4.7.0 Go\r\n"}),
    # Smuggling: this relay takes LF for the end of a line, in messages too. test_octets.py has one that does not.
    Case("smuggling", "LF ends a line", "finding", "RFC 5321 4.1.1.4", {}),
    Case("smuggling", "LF ends a line, and the answer comes late", "unknown", "RFC 5321 4.1.1.4", {".": tired(0.6)}),
    Case("smuggling", "no message is taken", "unknown", "the control", {"DATA": "554 5.7.1 No\r\n"}),
    Case("smuggling", "too many messages", "unknown", "RFC 5321 3.8", {
        ".": in_turn("250 2.0.0 Ok", "421 4.7.0 Too many messages from you")}),
    Case("smuggling", "nor this one", "unknown", "the control", {".": "550 5.7.1 Spam\r\n"}),
    Case("smuggling", "no other is begun", "unknown", "the control", {"DATA": in_turn("354 Go on", "451 4.7.1 Later")}),
    # 100 recipients: RFC 5321 4.5.3.1.8.
    Case("recipient_limit", "no limit", "pass", "RFC 5321 4.5.3.1.8", {}),
    Case("recipient_limit", "100", "pass", "RFC 5321 4.5.3.1.8", limited(100, "452 4.5.3 Too many recipients")),
    Case("recipient_limit", "50", "finding", "RFC 5321 4.5.3.1.8", limited(50, "452 4.5.3 Too many recipients")),
    Case("recipient_limit", "50 for good", "finding", "RFC 5321 4.5.3.1.8", limited(50, "550 5.5.3 Too many recipients")),
    Case("recipient_limit", "put off at the twentieth", "unknown", "RFC 5321 4.2.1", limited(20, "451 4.7.1 Slow down")),
    Case("recipient_limit", "full at the twentieth", "unknown", "RFC 3463 3.3", limited(20, "452 4.2.2 Mailbox full")),
    Case("recipient_limit", "the disk is, at the twentieth", "unknown", "RFC 5321 4.2.3", limited(20, "452 4.3.1 Disk full")),
    Case("recipient_limit", "listed at the twentieth", "unknown", "RFC 5782", limited(20, _LISTED.strip())),
    Case("recipient_limit", "the message is not begun", "unknown", "the control", {
        "MAIL": once(2, "451 4.7.1 Later\r\n", "250 2.1.0 Ok\r\n")}),
    Case("recipient_limit", "the control is refused", "unknown", "the control", limited(0, _NOBODY)),
    # Conformance.
    Case("unknown_command", "500", "pass", "RFC 5321 4.2.4", {}),
    Case("unknown_command", "250", "finding", "RFC 5321 4.2.4", {"*": "250 2.0.0 Ok\r\n"}),
    Case("unknown_command", "the client is listed", "unknown", "RFC 5782", {"*": _LISTED}),
    Case("unknown_command", "421", "unknown", "RFC 5321 3.8", {"*": "421 4.7.0 Error\r\n"}),
    Case("size", "honoured", "pass", "RFC 1870 6.1", {
        "MAIL": lambda line: "552 5.3.4 Too big\r\n" if "SIZE=" in line else "250 2.1.0 Ok\r\n"}),
    Case("size", "refused for another reason", "unknown", "RFC 1870 6.1", {
        "MAIL": where("SIZE=", "555 5.5.4 Unsupported option\r\n", _OK)}),
    Case("size", "one transaction only", "unknown", "the control", {
        "MAIL": in_turn("250 Ok", "503 5.5.1 Nested MAIL"), "RSET": "502 5.5.1 No\r\n"}),
    Case("size", "ignored", "finding", "RFC 1870 6.1", {}),
    Case("size", "no limit announced", "pass", "RFC 1870 4", {"EHLO": ehlo("SIZE 0")}),
    Case("pipelining", "in order", "pass", "RFC 2920 3.1", {}),
    Case("pipelining", "not announced", "pass", "RFC 2920 3.1", {"EHLO": ehlo("HELP")}),
    Case("pipelining", "out of order", "finding", "RFC 2920 3.1", {
        "RSET": once(2, ehlo("PIPELINING"), _OK), "EHLO": once(3, _OK, ehlo("PIPELINING"))}),
    Case("pipelining", "refused", "finding", "RFC 2920 3.1", {
        "RSET": in_turn("250 2.0.0 Ok", "503 5.5.0 Improper use of pipelining")}),
    Case("pipelining", "the client is listed", "unknown", "RFC 5782", {"RSET": in_turn("250 2.0.0 Ok", _LISTED.strip())}),
    Case("pipelining", "refused by itself, too", "unknown", "the control", {"RSET": "502 5.5.1 Not here\r\n"}),
    Case("eightbit", "announced and taken", "pass", "RFC 6152 2", {"EHLO": ehlo("8BITMIME")}),
    Case("eightbit", "who has not signed in is refused", "unknown", "RFC 4954 6", {
        "EHLO": ehlo("8BITMIME"), "MAIL": "530 5.7.0 Authentication required\r\n"}),
    Case("eightbit", "one MAIL only, whatever it holds", "unknown", "the control", {
        "EHLO": ehlo("8BITMIME"), "MAIL": in_turn("250 Ok", "550 5.7.1 One message, and no more")}),
    Case("eightbit", "announced and refused", "finding", "RFC 6152 2", {
        "EHLO": ehlo("8BITMIME"), "MAIL": lambda line: "555 5.5.4 Unsupported\r\n" if "BODY" in line else "250 Ok\r\n"}),
]  # fmt: skip
