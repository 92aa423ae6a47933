# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The sink: what it keeps, how it misbehaves, and what that shows of a client. Clients are smtplib's, our own check, and
# octets by hand.

from __future__ import annotations

import base64
import contextlib
import json
import re
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import postmaster_mailcheck
from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError
from ansible_collections.postmaster.mailcheck.tests.support.delivering import DeliveringRelay
from postmaster_mailcheck import Sink
from postmaster_mailcheck.commands.main import main
from postmaster_mailcheck.sink import certificates
from postmaster_mailcheck.sink.behaviour import VERBS
from postmaster_mailcheck.sink.outbound import Through, look_outbound
from postmaster_mailcheck.views import sinks
from postmaster_mailcheck.views.lines import NORMAL, QUIET, VERBOSE

if TYPE_CHECKING:
    from pathlib import Path

PIECES = [b"EHLO a\r\n", b"MAIL FROM:<a@b.example>\r\n", b"RCPT TO:<c@d.example>\r\n", b"DATA\r\n", b"\r\n.\r\n", b"\n"]
SENDER, RECIPIENT = "audit@example.com", "audit@sink.example.com"
CONTENT = b"Subject: seen?\r\n\r\n.a line with a dot\r\n"
SECRET = "AHRpbQB0YW5zdGFhZnRhbnN0YWFm"


def trusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


@contextlib.contextmanager
def client(sink: Sink, tls: bool = False) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP(sink.host, sink.port, "client.example.com", timeout=20) as smtp:
        smtp.ehlo()
        if tls:
            smtp.starttls(context=trusting())
            smtp.ehlo()
        yield smtp


class Octets:
    """A client by hand: what smtplib refuses to send."""

    def __init__(self, sink: Sink) -> None:
        self.sock = socket.create_connection((sink.host, sink.port), timeout=20)
        self.hear()

    def hear(self) -> bytes:
        heard = b""
        while not re.search(rb"(?m)^[0-9]{3} .*\r\n\Z", heard):
            data = self.sock.recv(65536)
            if not data:
                return heard
            heard += data
        return heard

    def say(self, data: bytes) -> bytes:
        self.sock.sendall(data)
        return self.hear()

    def start_tls(self) -> None:
        self.sock = trusting().wrap_socket(self.sock)

    def deliver(self, content: bytes = CONTENT) -> bytes:
        for line in (b"MAIL FROM:<%s>" % SENDER.encode(), b"RCPT TO:<%s>" % RECIPIENT.encode(), b"DATA"):
            self.say(line + b"\r\n")
        return self.say(content + b".\r\n")

    def __enter__(self) -> Octets:
        return self

    def __exit__(self, *_error: object) -> None:
        self.sock.close()


def over(sink: Sink, sessions: int = 1) -> None:
    assert sink.wait(lambda: sink.over >= sessions, 20)


def outcomes(sink: Sink) -> Dict[str, str]:
    return {one["id"]: one["outcome"] for one in sink.rules()}


# What it keeps


@pytest.mark.parametrize("tls", [False, True])
def test_each_octet_is_kept(tls: bool) -> None:
    with Sink() as sink:
        with client(sink, tls) as smtp:
            smtp.sendmail(SENDER, [RECIPIENT], CONTENT)
        over(sink)
    (mail,) = sink.mails
    assert (mail.sender, mail.recipients, mail.tls, mail.taken) == (SENDER, (RECIPIENT,), tls, True)
    assert mail.octets == b"Subject: seen?\r\n\r\n..a line with a dot\r\n.\r\n"
    (session,) = sink.sessions
    assert session.said().splitlines()[0] == "ehlo client.example.com"
    assert session.said("sink").startswith("220 sink.invalid ESMTP\r\n")
    said = [one for one in session.events if one.get("from") == "client"]
    assert said[0]["tls"] is False and said[-1]["tls"] is tls


@pytest.mark.parametrize("ending", [b"\n.\n", b"\r.\r", b"\n.\r\n", b"\r\n\0.\r\n", b"\r\n.\r\r\n"])
def test_nothing_but_the_true_end_ends_a_message(ending: bytes) -> None:
    with Sink(tls="none") as sink, Octets(sink) as octets:
        assert octets.deliver(b"before" + ending + b"behind\r\n").startswith(b"250 ")
        assert [mail.octets for mail in sink.mails] == [b"before" + ending + b"behind\r\n.\r\n"]


def test_commands_in_one_write_are_answered_one_by_one() -> None:
    with Sink(tls="none") as sink, Octets(sink) as octets:
        octets.sock.sendall(b"EHLO a\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n")
        heard = b""
        while b"354" not in heard:
            heard += octets.sock.recv(65536)
        assert [line[:3] for line in heard.splitlines() if line[3:4] == b" "] == [b"250", b"250", b"250", b"354"]


@pytest.mark.parametrize("said, reply", [
    (b"RCPT TO:<a@b.example>\r\n", b"503"), (b"DATA\r\n", b"503"), (b"XFOO\r\n", b"502"), (b"\r\n", b"502"),
    (b"STARTTLS\r\n", b"502"), (b"GREETING\r\n", b"502"), (b"vrfy a\r\n", b"252"), (b"\xff\0\r\n", b"502"),
])  # fmt: skip
def test_what_is_out_of_place_is_refused(said: bytes, reply: bytes) -> None:
    with Sink(tls="none") as sink, Octets(sink) as octets:
        assert octets.say(said)[:3] == reply


def test_a_folder_keeps_events_and_messages_for_its_owner(tmp_path: Path) -> None:
    with Sink(record=str(tmp_path / "seen")) as sink:
        with client(sink) as smtp:
            smtp.sendmail(SENDER, [RECIPIENT], CONTENT)
        over(sink)
    journal = tmp_path / "seen" / "sink.jsonl"
    events = [json.loads(line) for line in journal.read_text().splitlines()]
    assert events == sink.sessions[0].events
    assert (tmp_path / "seen" / "1-1.eml").read_bytes() == sink.mails[0].octets
    assert [path.stat().st_mode & 0o077 for path in (tmp_path / "seen", *(tmp_path / "seen").iterdir())] == [0, 0, 0]
    with pytest.raises(OptionError) as refused:
        Sink(record=str(tmp_path / "seen"))
    assert refused.value.option == "record"


def test_what_a_client_says_to_sign_in_is_not_kept(tmp_path: Path) -> None:
    with Sink(tls="none", record=str(tmp_path / "seen")) as sink, Octets(sink) as octets:
        assert octets.say(b"auth  plain %s\r\n" % SECRET.encode())[:3] == b"502"
    kept = (tmp_path / "seen" / "sink.jsonl").read_text()
    assert SECRET not in kept and "auth  plain <redacted>\\r\\n" in kept


def test_nor_is_what_it_goes_on_with_as_if_that_had_been_taken(tmp_path: Path) -> None:
    """Clients that say their lines without listening; the next command is kept again."""
    with Sink(tls="none", record=str(tmp_path / "seen")) as sink, Octets(sink) as octets:
        for line in ("AUTH LOGIN", SECRET, SECRET + "=", "RSET", "X-OWN " + SECRET[::-1]):
            octets.say(line.encode() + b"\r\n")
    kept = (tmp_path / "seen" / "sink.jsonl").read_text()
    assert SECRET not in kept and kept.count('"<redacted>\\r\\n"') == 2
    assert "RSET" in kept and SECRET[::-1] in kept


def test_a_message_is_kept_as_it_came_whatever_it_speaks_of() -> None:
    content = b"Auth plain words stay\r\nAUTH LOGIN\r\nand these, too\r\n"
    with Sink(tls="none") as sink, Octets(sink) as octets:
        octets.deliver(content)
    assert content.decode() in sink.sessions[0].said()


def test_nor_is_what_comes_of_it_in_one_write_with_starttls() -> None:
    said = "STARTTLS\r\nAUTH LOGIN\r\n%s\r\n%s=\r\n" % (SECRET, SECRET)
    with Sink() as sink, Octets(sink) as octets:
        assert octets.say(said.encode()).startswith(b"220")
        octets.start_tls()
        octets.say(b"RSET\r\n")
        assert SECRET not in sink.sessions[0].said() and "AUTH LOGIN" in sink.sessions[0].said()


def test_a_message_that_is_too_long_ends_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postmaster_mailcheck.sink.dialogue._MOST_MESSAGE", 1000)
    with Sink(tls="none") as sink, Octets(sink) as octets:
        assert octets.deliver(b"x" * 2000 + b"\r\n").startswith(b"552 ")
        over(sink)
        assert sink.mails == []


def test_a_line_without_end_ends_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postmaster_mailcheck.sink.dialogue._MOST_LINE", 1000)
    with Sink(tls="none") as sink, Octets(sink) as octets:
        assert octets.say(b"x" * 2000) == b""
        over(sink)


def test_a_client_that_never_ends_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postmaster_mailcheck.sink.dialogue._MOST_COMMANDS", 5)
    with Sink(tls="none") as sink, Octets(sink) as octets:
        for _one in range(5):
            assert octets.say(b"NOOP\r\n").startswith(b"250")
        over(sink)


def test_the_oldest_sessions_are_forgotten_where_there_is_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postmaster_mailcheck.sink.server._KEPT_OCTETS", 20000)
    with Sink(tls="none") as sink:
        for number in range(4):
            with Octets(sink) as octets:
                octets.deliver(b"x" * 400 + b"\r\n")
            over(sink, number + 1)
        assert [session.number for session in sink.sessions] == [2, 3, 4]
        assert sink.warnings == ["There was no room for all: 1 session, the oldest, no longer held."]


def test_what_is_not_held_any_more_is_never_shown_as_good(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first sent in clear, the second left: of both together nobody knows any more."""
    monkeypatch.setattr("postmaster_mailcheck.sink.server._KEPT", 1)
    with Sink(tls="none") as sink:
        for number, says in enumerate((b"MAIL FROM:<a@b.example>\r\n", b"EHLO a\r\n")):
            with Octets(sink) as octets:
                octets.say(says)
            over(sink, number + 1)
            assert outcomes(sink)["client_requires_tls"] == ("unmet" if number == 0 else "unknown")
        assert "1 session no longer held" in sink.rules()[0]["text"]


def test_a_session_that_is_not_over_keeps_none_that_is_from_being_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postmaster_mailcheck.sink.server._KEPT_OCTETS", 10000)
    with Sink(tls="none") as sink, Octets(sink):
        for number in range(3):
            with Octets(sink) as octets:
                octets.deliver()
            over(sink, number + 1)
        assert [session.number for session in sink.sessions] == [1, 4]


def test_one_session_has_its_share_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it is filled with, messages or lines of one octet."""
    for line, most in ((b"\n", 20000), (b"NOOP " + b"x" * 20000 + b"\r\n", 100000)):
        monkeypatch.setattr("postmaster_mailcheck.sink.dialogue._MOST_HELD", most)
        with Sink(tls="none") as sink, Octets(sink) as octets:
            said = octets.say(line)
            with contextlib.suppress(OSError):  # it says 421 unasked, and goes
                while b"421 " not in said:
                    octets.sock.sendall(line)
                    said = octets.hear()
            over(sink)
            assert most <= sink.sessions[0].size < most + 2 * len(line) + 5000
            assert "octets, which are the most of one session" in str(sink.sessions[0].events)


def test_a_message_in_the_middle_counts_where_there_is_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postmaster_mailcheck.sink.server._KEPT_OCTETS", 50000)
    with Sink(tls="none") as sink, Octets(sink) as octets:
        for line in (b"MAIL FROM:<a@b.example>", b"RCPT TO:<c@d.example>", b"DATA"):
            octets.say(line + b"\r\n")
        assert octets.say(b"x" * 60000).startswith(b"452 ")
        over(sink)
        assert not sink.mails


def test_a_session_has_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often the client says something; a delay that was asked for is no time of its own."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr("postmaster_mailcheck.sink.dialogue.time", SimpleNamespace(monotonic=lambda: clock.now))
    with Sink(tls="none", delays={"NOOP": 0.01}) as sink, Octets(sink) as octets:
        assert octets.say(b"NOOP\r\n").startswith(b"250")
        clock.now = 3600.005
        assert octets.say(b"RSET\r\n").startswith(b"250")
        assert octets.say(b"RSET\r\n").startswith(b"250")
        clock.now = 3600.015
        octets.sock.sendall(b"RSET\r\n")
        over(sink)
        assert b"421 4.7.0 Enough" in octets.hear() + octets.hear()
        assert "3600 s, which are the most of one session" in str(sink.sessions[0].events)


def test_a_client_that_takes_nothing_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postmaster_mailcheck.sink.wire._PATIENCE", 0.1)
    monkeypatch.setattr("postmaster_mailcheck.sink.wire._FAREWELL", 0.1)
    reply = "250 " + "x" * 490
    with Sink(tls="none", answers={"NOOP": reply}) as sink:
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.connect((sink.host, sink.port))
            sock.settimeout(20)
            with contextlib.suppress(OSError):
                sock.sendall(b"NOOP\r\n" * 9990)
            over(sink)
        assert "the client took nothing" in str(sink.sessions[0].events)


def test_addresses_and_verbs_are_held_to_some_length() -> None:
    with Sink(tls="none", greylist=1.0) as sink, Octets(sink) as octets:
        octets.say(b"X" * 60000 + b"\r\n")
        octets.say(b"MAIL FROM:<%s@b.example>\r\n" % (b"a" * 50000))
        octets.say(b"RCPT TO:<%s@b.example>\r\n" % (b"a" * 50000))
        assert max(len(verb) for verb, _tls in sink.sessions[0].commands) < 100
        assert max(map(len, next(iter(sink._waiting)))) <= 1000


def test_too_many_at_once_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postmaster_mailcheck.sink.server._AT_ONCE", 1)
    with Sink(tls="none") as sink, Octets(sink):
        with socket.create_connection((sink.host, sink.port), timeout=20) as second:
            assert second.recv(100).startswith(b"421 ")


def test_a_client_that_leaves_in_the_middle_is_kept_too() -> None:
    with Sink(tls="none") as sink:
        with Octets(sink) as octets:
            octets.say(b"EHLO a\r\n")
            octets.sock.sendall(b"MAIL FRO")
        over(sink)
    assert sink.sessions[0].said() == "EHLO a\r\nMAIL FRO"


def test_a_record_that_cannot_be_written_is_told_and_stops_nothing(tmp_path: Path) -> None:
    with Sink(tls="none", record=str(tmp_path / "seen")) as sink, Octets(sink) as octets:
        (tmp_path / "seen" / "1-1.eml").mkdir()
        octets.deliver()
        octets.deliver()
        assert len(sink.mails) == 2
        assert sink.warnings == ["The record is not complete: File exists."]


def test_a_record_has_bounds_and_what_is_left_out_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What fits is whole: nothing follows what does not."""
    monkeypatch.setattr("postmaster_mailcheck.sink.server._KEPT_OCTETS", 20000)
    with Sink(tls="none", record=str(tmp_path / "seen")) as sink:
        for number in range(6):
            with Octets(sink) as octets:
                octets.deliver(b"x" * 400 + b"\r\n")
            over(sink, number + 1)
        warnings = sink.warnings
    assert warnings[0] == "The record is not complete: it may take 20000 octets, and they are used up."
    files = {path.name: path.read_bytes() for path in (tmp_path / "seen").iterdir()}
    journal = [json.loads(line) for line in files.pop("sink.jsonl").splitlines()]
    assert sorted(files) == ["1-1.eml", "2-1.eml", "3-1.eml"]
    assert {one["session"] for one in journal} == {1, 2, 3, 4}
    assert len(journal) > 3 * len([one for one in journal if one["session"] == 1])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=30), max_size=12))
def test_no_octets_are_a_fault_of_ours(pieces: List[bytes]) -> None:
    with Sink(tls="none") as sink:
        with Octets(sink) as octets:
            octets.sock.sendall(b"".join(pieces))
            octets.sock.shutdown(socket.SHUT_WR)
            while octets.sock.recv(65536):
                pass
        over(sink)
        assert not [event for event in sink.sessions[0].events if event.get("event") == "fault"]
        assert sink.sessions[0].said().encode("latin-1") in b"".join(pieces)


# How it misbehaves


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in ("GREETING", "MESSAGE", "HELO", "EHLO")])
def test_each_command_is_answered_as_asked(verb: str) -> None:
    lines = {"MAIL": "MAIL FROM:<a@b.example>", "RCPT": "RCPT TO:<c@d.example>"}
    with Sink(tls="none" if verb != "STARTTLS" else "starttls", answers={verb: "450 4.9.9 As asked"}) as sink:
        with Octets(sink) as octets:
            for line in ("EHLO a", "MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>"):
                if line[:4] != verb:
                    octets.say(line.encode() + b"\r\n")
                if line[:4] == verb or (verb == "MAIL" and line == "EHLO a"):
                    break
            assert octets.say(lines.get(verb, verb).encode() + b"\r\n") == b"450 4.9.9 As asked\r\n"


def test_a_greeting_that_refuses_is_the_last_word() -> None:
    with Sink(answers={"greeting": "554 5.7.1 Not you"}) as sink:
        report = postmaster_mailcheck.check(sink.host, port=sink.port)
    assert (report["verdict"], report["failure"]["text"]) == ("failed", "5.7.1 Not you")


def test_a_421_ends_the_session() -> None:
    with Sink(tls="none", answers={"EHLO": "421 4.3.2 Closing"}) as sink, Octets(sink) as octets:
        assert octets.say(b"EHLO a\r\n").startswith(b"421")
        assert octets.sock.recv(10) == b""


def test_a_message_that_is_refused_is_kept_as_such() -> None:
    with Sink(tls="none", answers={"MESSAGE": "554 5.7.1 Spam"}) as sink, Octets(sink) as octets:
        assert octets.deliver().startswith(b"554")
        assert [mail.taken for mail in sink.mails] == [False]


def test_a_delay_is_kept_to() -> None:
    with Sink(tls="none", delays={"NOOP": 0.2}) as sink, Octets(sink) as octets:
        octets.say(b"NOOP\r\n")
    noop, reply = [one["seconds"] for one in sink.sessions[0].events if "octets" in one][1:3]
    assert reply - noop >= 0.2


def test_a_sender_is_put_off_until_the_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    with Sink(tls="none", greylist=100.0) as sink:
        with Octets(sink) as octets:
            octets.say(b"MAIL FROM:<a@b.example>\r\n")
            assert octets.say(b"RCPT TO:<c@d.example>\r\n").startswith(b"451 4.7.1")
            assert outcomes(sink)["client_retries"] == "unknown"
            for who in sink._waiting:
                sink._waiting[who] -= 100.0
            assert octets.say(b"RCPT TO:<c@d.example>\r\n").startswith(b"250")
            octets.say(b"DATA\r\n")
            octets.say(b".\r\n")
            assert outcomes(sink)["client_retries"] == "met"


@pytest.mark.parametrize("which, error", [("expired", "certificate_expired"), (None, "certificate_self_signed")])
def test_its_certificate_is_what_was_asked_for(which: Any, error: str) -> None:
    with Sink(certificate=which) as sink:
        report = postmaster_mailcheck.check(sink.host, port=sink.port, tls="starttls")
    assert report["verdict"] == "failed"
    assert error in report["tls"]["verify_errors"]


def test_tls_may_begin_with_the_first_octet() -> None:
    with Sink(tls="implicit") as sink:
        report = postmaster_mailcheck.check(sink.host, port=sink.port, tls="implicit", validate_certs=False)
        over(sink)
    assert report["verdict"] == "passed" and sink.sessions[0].tls == report["tls"]["version"]


def test_what_a_client_sends_behind_starttls_is_never_obeyed() -> None:
    with Sink() as sink, Octets(sink) as octets:
        assert octets.say(b"STARTTLS\r\nMAIL FROM:<a@b.example>\r\n").startswith(b"220 2.0.0")
        octets.start_tls()
        assert octets.say(b"RCPT TO:<c@d.example>\r\n").startswith(b"503")
        assert [one["text"] for one in sink.sessions[0].events if one.get("event") == "dropped"] != []


# What that shows of a client


def test_a_client_that_looks_notices_what_is_injected() -> None:
    with Sink(inject=True) as sink:
        report = postmaster_mailcheck.check(sink.host, port=sink.port, tls="starttls", validate_certs=False)
        over(sink)
        assert (report["failure"]["cause"], outcomes(sink)["client_forgets_injected"]) == ("tls_injection", "met")


def test_a_client_that_believes_what_is_injected_is_found() -> None:
    """It has read one reply too many before TLS, and so is ahead by one for ever."""
    with Sink(inject=True) as sink, Octets(sink) as octets:
        octets.say(b"EHLO a\r\n")
        octets.sock.sendall(b"STARTTLS\r\n")
        while b"injected" not in octets.hear():
            pass
        octets.start_tls()
        octets.sock.sendall(b"EHLO a\r\n")
        octets.sock.sendall(b"MAIL FROM:<a@b.example>\r\n")
        octets.hear()
        assert outcomes(sink)["client_forgets_injected"] == "unmet"


def test_a_client_that_drops_what_is_injected_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postmaster_mailcheck.sink.dialogue._HELD_BACK", 0.1)
    with Sink(inject=True) as sink, client(sink, tls=True):
        assert outcomes(sink)["client_forgets_injected"] == "met"


@pytest.mark.parametrize("options, sends, outcome", [
    ({"tls": "none"}, True, "unmet"),
    ({"tls": "none"}, False, "met"),
    ({}, True, "unmet"),
])  # fmt: skip
def test_a_downgrade(options: Dict[str, Any], sends: bool, outcome: str) -> None:
    with Sink(**options) as sink:
        with client(sink) as smtp:
            if sends:
                smtp.sendmail(SENDER, [RECIPIENT], CONTENT)
        over(sink)
        assert outcomes(sink)["client_requires_tls"] == outcome


@pytest.mark.parametrize("sends", [True, False])
def test_an_expired_certificate(sends: bool) -> None:
    with Sink(certificate="expired") as sink:
        if sends:
            with client(sink, tls=True) as smtp:
                smtp.sendmail(SENDER, [RECIPIENT], CONTENT)
        else:
            postmaster_mailcheck.check(sink.host, port=sink.port, tls="starttls")
        over(sink)
        assert outcomes(sink)["client_verifies"] == ("unmet" if sends else "met")


def test_line_ends() -> None:
    with Sink(tls="none") as sink, Octets(sink) as octets:
        assert outcomes(sink)["client_line_ends"] == "unknown"
        octets.deliver()
        assert outcomes(sink)["client_line_ends"] == "met"
        octets.deliver(b"a\nb\r\n")
        assert outcomes(sink)["client_line_ends"] == "unmet"


@pytest.mark.parametrize("options", [{}, {"inject": True}, {"certificate": "expired"}, {"greylist": 1.0}])
def test_without_a_client_nothing_is_known(options: Dict[str, Any]) -> None:
    with Sink(**options) as sink:
        assert set(outcomes(sink).values()) == {"unknown"}


# What it takes


@pytest.mark.parametrize("option, given", [
    ("tls", {"tls": "ssl"}),
    ("inject", {"tls": "none", "inject": True}),
    ("answers", {"answers": {"RCTP": "550 No"}}),
    ("answers", {"answers": {"RCPT": "no"}}),
    ("answers", {"answers": {"RCPT": "550 No\r\n250 Ok"}}),
    ("delays", {"delays": {"RCPT": float("nan")}}),
    ("greylist", {"greylist": -1.0}),
    ("certificate", {"certificate": "/nowhere.pem"}),
])  # fmt: skip
def test_a_mistake_is_refused_before_any_socket_opens(
    option: str, given: Dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.socket.bind", None)
    with pytest.raises(OptionError) as refused:
        Sink(**given)
    assert refused.value.option == option


def test_without_cryptography_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(OptionError, match="cryptography is needed"):
        certificates.context_for("expired", None, "sink.invalid")
    with Sink(tls="none") as sink:  # which needs none
        assert sink.port


# The command


def run(*words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "postmaster_mailcheck", "sink", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return process


def port_of(process: subprocess.Popen[str]) -> int:
    assert process.stderr is not None
    told = (re.fullmatch(r".* (\d+)\n", line) for line in process.stderr)  # libraries may warn of an old Python first
    return next(int(found[1]) for found in told if found)


def test_the_command_ends_after_so_many_sessions_and_tells() -> None:
    with run("--tls", "none", "--sessions", "1", "--json") as process:
        with smtplib.SMTP("127.0.0.1", port_of(process), timeout=20) as smtp:
            smtp.sendmail(SENDER, [RECIPIENT], CONTENT)
        out, _err = process.communicate(timeout=20)
    report = json.loads(out)
    assert process.returncode == 1  # mail came in clear
    assert [len(one["mails"]) for one in report["sessions"]] == [1]
    assert report["msg"] == "1 session, 1 message: 1 met, 1 unmet, 0 not judged."
    began = "it began a message in clear, since no STARTTLS was offered"
    assert report["rules"][0]["text"] == "expected: the client sends mail under TLS only; observed: " + began


def test_the_command_is_ended_by_an_interrupt_and_shows_what_was_said() -> None:
    with run("--answer", "RCPT=550 5.1.1 No such user", "--lenient") as process:
        with smtplib.SMTP("127.0.0.1", port_of(process), timeout=20) as smtp:
            smtp.ehlo("client.example.com")
            assert smtp.docmd("MAIL", "FROM:<>")[0] == 250
            assert smtp.docmd("RCPT", "TO:<a@b.example>") == (550, b"5.1.1 No such user")
        assert process.stderr is not None
        assert process.stderr.readline() == "session 1 from 127.0.0.1: 0 messages\n"
        process.send_signal(signal.SIGINT)
        out, _err = process.communicate(timeout=20)
    assert process.returncode == 1
    assert re.search(r"(?m)^ +[0-9.]+ +> RCPT TO:<a@b.example>$", out)
    assert re.search(r"(?m)^ +[0-9.]+ +< 550 5.1.1 No such user$", out)


@pytest.mark.parametrize("words, said", [
    (["--answer", "RCPT"], "--answer takes"),
    (["--delay", "RCPT=soon"], "--delay takes"),
    (["--answer", "RCTP=550 No"], "Did you mean RCPT?"),
    (["--through", "relay.example.com"], "--authorised"),
    (["--through", "relay.example.com", "--authorised", "relay.example.com"], "--sender and --recipient"),
])  # fmt: skip
def test_a_mistake_in_the_call(words: List[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sink", *words]) == 2
    assert said in capsys.readouterr().err


def test_an_audit_takes_the_password_of_a_mailbox_from_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["audit", "relay.example.com", "--check-mode", "--intensity", "intrusive"]
    words += ["--authorised", "relay.example.com", "--probes", "smuggling", "--known-recipient", RECIPIENT]
    words += ["--mailbox-recipient", RECIPIENT]
    assert main([*words, "--mailbox", "password=tanstaaftanstaaf"]) == 2
    told = capsys.readouterr().err
    assert "by @FILE" in told and "tanstaaf" not in told
    mailbox = {"host": "imap.example.com", "username": "audit", "password": "tanstaaftanstaaf"}
    (tmp_path / "mailbox.json").write_text(json.dumps(mailbox))
    assert main([*words, "--mailbox", "@%s" % (tmp_path / "mailbox.json")]) == 0
    assert "22 messages" in capsys.readouterr().out


def test_an_address_that_is_taken_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    with Sink(tls="none") as sink:
        assert main(["sink", "127.0.0.1:%d" % sink.port, "--tls", "none"]) == 2
    told = capsys.readouterr().err
    assert "nobody can listen there" in told and "Name another port, or none for one that is free" in told


# Through a relay


def relaying(said: Callable[[bytes], str]) -> DeliveringRelay:
    """A relay of which `said` decides what becomes of a message, and gives its reply."""
    return DeliveringRelay(lambda *_message: None, message=lambda _recipient, content: said(content + b"\r\n.\r\n"))


def hand_on(sink: Sink, content: bytes) -> None:
    with Octets(sink) as octets:
        octets.deliver(content[: -len(b".\r\n")])


def looked(sink: Sink, relay: DeliveringRelay, wait: float = 60.0) -> Dict[str, Any]:
    return look_outbound(sink, Through("127.0.0.1", relay.port, SENDER, RECIPIENT), wait)


def test_what_comes_though_it_was_refused_counts() -> None:
    late: List[bytes] = []

    def said(content: bytes) -> str:
        if b"\n.\nNOOP" in content:
            late.append(content)
            return "554 5.7.1 No"
        hand_on(sink, content.replace(b"\r\n", b"\n").replace(b"\r", b"").replace(b"\0", b"").replace(b"\n", b"\r\n"))
        return "250 2.0.0 Ok"

    with Sink(tls="none") as sink, relaying(said) as relay:
        wait = sink.wait

        def wait_on(condition: Callable[[], Any], timeout: float = 60.0) -> bool:
            while late and not condition():  # it comes once somebody waits for it, and for it alone
                hand_on(sink, late.pop())
            return wait(condition, timeout)

        sink.wait = wait_on  # type: ignore[method-assign]
        told = looked(sink, relay)
    assert (told["outcome"], told["observed"][r"\n.\n"]) == ("unmet", "passed_on"), told["text"]


@pytest.mark.parametrize("at", ["rcpt", "message"])
@pytest.mark.parametrize("refusal", ["550 5.7.1 Too many messages from you", "550 5.4.5 Daily sending quota exceeded"])
def test_a_relay_that_has_had_enough_of_us_is_not_said_to_refuse_what_messages_hold(at: str, refusal: str) -> None:
    """The control went through, and nothing that came after it was looked at."""
    came: List[bytes] = []

    def enough(*_said: object) -> str:
        return refusal if came else "250 2.1.5 Ok"

    def said(_recipient: str, content: bytes) -> str:
        reply = enough()
        came.append(content)
        if reply != refusal:
            hand_on(sink, content + b"\r\n.\r\n")
        return reply

    answers: Dict[str, Any] = {"rcpt": enough} if at == "rcpt" else {}
    with Sink(tls="none") as sink, DeliveringRelay(lambda *_message: None, message=said, **answers) as relay:
        told = looked(sink, relay, wait=1.0)
    assert (told["outcome"], {*told["observed"].values()}) == ("unknown", {"not_seen"}), told["text"]


def test_a_relay_that_writes_messages_anew_is_not_said_to_cut_them() -> None:
    def said(content: bytes) -> str:
        head, _empty, body = content.partition(b"\r\n\r\n")
        hand_on(sink, head + b"\r\n\r\n" + base64.encodebytes(body).replace(b"\n", b"\r\n") + b".\r\n")
        return "250 2.0.0 Ok"

    with Sink(tls="none") as sink, relaying(said) as relay:
        told = looked(sink, relay)
    assert (told["outcome"], {*told["observed"].values()}) == ("unknown", {"not_seen"}), told["text"]


def test_a_relay_that_is_not_there_has_answered_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with Sink(tls="none") as sink:
        told = look_outbound(sink, Through("127.0.0.1", port, SENDER, RECIPIENT), 60.0)
    assert told["outcome"] == "unknown"
    assert "a message as it should be could not be sent: 127.0.0.1: connection refused" in told["text"]


@pytest.mark.parametrize("detail, dialogues", [(QUIET, 0), (NORMAL, 0), (VERBOSE, 10)])
def test_what_went_through_a_relay_is_a_line_for_each_ending(detail: int, dialogues: int) -> None:
    def said(content: bytes) -> str:
        hand_on(sink, content.replace(b"\0", b""))
        return "250 2.0.0 Ok"

    with Sink(tls="none") as sink, relaying(said) as relay:
        rule = looked(sink, relay)
        over(sink, 10)
        report = {"msg": "", "warnings": [], "sessions": [one.as_dict() for one in sink.sessions], "rules": [rule]}
    shown = ["".join(text for text, _style in line.pieces) for line in sinks.sink(report, detail)]
    assert len([line for line in shown if line.startswith("session ")]) == dialogues
    assert [line for line in shown if line.startswith("passed on ")].count(r"passed on    \n.\n") == (detail > QUIET)


@pytest.mark.parametrize("messages", [1, 10])
def test_an_interrupt_ends_the_wait_for_what_a_relay_delivers(messages: int) -> None:
    """While it sends, and once all is sent."""
    came, goes_on = threading.Semaphore(0), threading.Event()

    def said(_content: bytes) -> str:
        came.release()
        assert messages > 1 or goes_on.wait(60)
        return "250 2.0.0 Ok"

    with relaying(said) as relay:
        words = ["--through", "127.0.0.1:%d" % relay.port, "--authorised", "127.0.0.1", "--sender", SENDER]
        with run("--tls", "none", *words, "--recipient", RECIPIENT, "--wait", "3000", "--json") as process:
            assert [came.acquire(timeout=60) for _one in range(messages)] == [True] * messages
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
            goes_on.set()
    assert process.returncode == 6, err
    assert [one["outcome"] for one in json.loads(out)["rules"]] == ["unknown"]
