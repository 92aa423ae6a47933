# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Sending: who is told to have got the message, and the message itself, as it lies in the mailbox.

from __future__ import annotations

import email
import email.policy
import re
import uuid
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.postmaster.mailcheck.tests.real import servers
from ansible_collections.postmaster.mailcheck.tests.real.dovecot import Dovecot
from ansible_collections.postmaster.mailcheck.tests.real.exim import Exim
from ansible_collections.postmaster.mailcheck.tests.real.postfix import Postfix
from ansible_collections.postmaster.mailcheck.tests.real.reports import PASSED, Check, Log, Report, outcome, said, verbs

SENDER = "sender@elsewhere.test"
SIGN_IN = {"username": servers.USERNAME, "password": servers.PASSWORD}
DOTS = ".\r\n..\r\n.hidden\r\n...\r\nnot hidden.\r\n \r\n.\r\n\r\n\r\n."


class Peer:
    """A server to send to, and the mailbox where it arrives."""

    def __init__(self, check: Check, port: int, server: Postfix | Exim | Dovecot, **options: Any) -> None:
        self.maildir, self.log = server.maildir, server.log
        self._check, self._port, self._options = check, port, options

    def send(self, *recipients: str, **options: Any) -> Report:
        given = {"sender": SENDER, "recipients": list(recipients), "send": True, **self._options, **options}
        return self._check(self._port, **given)

    def delivered(self, report: Report) -> bytes:
        """The message as it was sent: what the servers add stands above it."""
        message_id, size = report["message"]["message_id"], report["message"]["size"]
        return servers.wait_for_message(self.maildir, message_id)[-size:]


@pytest.fixture(params=["postfix", "postfix_in_clear", "exim", "dovecot"])
def peer(request: pytest.FixtureRequest, check: Check, postfix: Postfix) -> Peer:
    if request.param == "exim":
        exim: Exim = request.getfixturevalue("exim")
        return Peer(check, exim.ports["smtp"], exim)
    if request.param == "dovecot":
        dovecot: Dovecot = request.getfixturevalue("dovecot")
        return Peer(check, dovecot.ports["submission"], dovecot, **SIGN_IN)
    return Peer(check, postfix.ports["mx"], postfix, tls="none" if request.param == "postfix_in_clear" else "starttls")


@pytest.fixture
def lmtp(request: pytest.FixtureRequest, check: Check, dovecot: Dovecot) -> Peer:
    """Dovecot's LMTP, by port unless a test wants the socket."""
    if getattr(request, "param", "port") == "socket":
        return Peer(check, 24, dovecot, protocol="lmtp", host=str(dovecot.lmtp_socket))
    return Peer(check, dovecot.ports["lmtp"], dovecot, protocol="lmtp")


def parsed(content: bytes) -> EmailMessage:
    message = email.message_from_bytes(content.replace(b"\r\n", b"\n"), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def raw_file(folder: Path, body: str = DOTS) -> tuple[str, bytes]:
    """A raw message in a file, its last line end missing where the body ends without one; and its octets."""
    # With a Date: for clients on its own address Postfix would add one.
    fields = {
        "From": SENDER,
        "To": servers.ACCEPTED,
        "Date": "Mon, 05 Jan 2026 00:00:00 +0000",
        "Message-ID": f"<{uuid.uuid4().hex}@client.lab.test>",
    }
    content = "".join(f"{name}: {value}\r\n" for name, value in fields.items()) + "\r\n" + body
    path = folder / "message.eml"
    path.write_bytes(content.encode())
    return str(path), content.encode()


# Who got it


def test_two_recipients_of_which_one_is_refused(peer: Peer) -> None:
    report = peer.send(servers.ACCEPTED, servers.UNKNOWN)
    assert outcome(report) == ("failed", "mailbox_unknown")
    assert report["changed"] is True
    told = [(to["address"], to["code"], to["enhanced_code"], to["outcome"]) for to in report["recipients"]]
    assert (told[0][0], told[0][1], told[0][3]) == (servers.ACCEPTED, 250, "accepted")
    assert told[1] == (servers.UNKNOWN, 550, "5.1.1", "rejected")
    assert (report["stage"], report["failure"]["recipient"]) == ("rcpt", servers.UNKNOWN)
    assert f"At rcpt ({servers.UNKNOWN}) the relay said: 550" in report["msg"]
    assert f"The message did go out to {servers.ACCEPTED}." in report["msg"]
    assert (report["codes"]["data"], report["codes"]["message"], report["message"]["code"]) == (354, 250, 250)
    content = peer.delivered(report)
    assert content.startswith(b"Date: ")
    assert parsed(content)["X-Mailcheck-Token"] == report["message"]["token"]


def test_the_message_passes(peer: Peer) -> None:
    report = peer.send(servers.ACCEPTED)
    assert (outcome(report), report["stage"], report["changed"]) == (PASSED, "message", True)
    message = parsed(peer.delivered(report))
    assert (message["From"], message["To"], message["Message-ID"]) == (
        SENDER,
        servers.ACCEPTED,
        report["message"]["message_id"],
    )
    assert message["Auto-Submitted"] == "auto-generated"
    assert report["message"]["token"] in message["Subject"] and report["message"]["token"] in message.get_content()


def test_the_queue_id_is_the_one_in_the_log(check: Check, postfix: Postfix, exim: Exim, dovecot: Dovecot) -> None:
    # Dovecot's submission passes on the reply of the relay behind it, which is Postfix.
    for peer, line in (
        (Peer(check, postfix.ports["mx"], postfix), r": (\w+): message-id=<{}>"),
        (Peer(check, dovecot.ports["submission"], dovecot, **SIGN_IN), r": (\w+): message-id=<{}>"),
        (Peer(check, exim.ports["smtp"], exim), r" ([\w-]+) <= .* id={}"),
    ):
        message = peer.send(servers.ACCEPTED)["message"]
        bare = message["message_id"].strip("<>")
        log = Log(exim.log if peer.log == exim.log else postfix.log, bare)
        written = re.search(line.format(re.escape(bare)), log.wait_for(bare))
        assert written and written.group(1) == message["queue_id"]


def test_send_if_all(peer: Peer) -> None:
    report = peer.send(servers.ACCEPTED, servers.UNKNOWN, send_if="all")
    assert (outcome(report), report["changed"], report["message"]) == (("failed", "mailbox_unknown"), False, None)
    assert [to["outcome"] for to in report["recipients"]] == ["accepted", "rejected"]
    assert "DATA" not in verbs(report)
    report = peer.send(servers.ACCEPTED, send_if="all")
    assert (outcome(report), report["changed"]) == (PASSED, True)
    peer.delivered(report)


def test_nobody_is_accepted(peer: Peer) -> None:
    report = peer.send(servers.UNKNOWN, servers.FULL)
    assert (outcome(report)[0], report["changed"], report["message"]) == ("failed", False, None)
    assert [to["outcome"] for to in report["recipients"]] == ["rejected", "rejected"]
    assert not any(text.startswith("<message") for text in said(report))


def test_deferred_beside_accepted(check: Check, postfix: Postfix, exim: Exim) -> None:
    for peer in (Peer(check, postfix.ports["mx"], postfix), Peer(check, exim.ports["smtp"], exim)):
        # Time for a retry changes nothing: the message has gone out.
        report = peer.send(servers.ACCEPTED, servers.DEFERRED, retry_for=5, retry_interval=0.1)
        assert outcome(report) == ("deferred", "system_error")
        assert (report["changed"], len(report["addresses_tried"])) == (True, 1)
        peer.delivered(report)


def test_check_mode_sends_nothing(peer: Peer) -> None:
    report = peer.send(servers.ACCEPTED, check_mode=True)
    assert (outcome(report), report["changed"], report["message"]) == (PASSED, True, None)
    assert report["recipients"][0]["outcome"] == "accepted"
    assert verbs(report)[-4:] == ["MAIL", "RCPT", "RSET", "QUIT"]
    assert peer.send(servers.UNKNOWN, check_mode=True)["changed"] is False


def test_postfix_saw_no_message_in_check_mode(check: Check, postfix: Postfix) -> None:
    log = Log(postfix.log)
    Peer(check, postfix.ports["mx"], postfix).send(servers.ACCEPTED, check_mode=True, source_address=log.client)
    assert "starttls=1 mail=1 rcpt=1 rset=1 quit=1 commands=" in log.wait_for("disconnect from")


def test_the_null_reverse_path(peer: Peer) -> None:
    report = peer.send(servers.ACCEPTED, sender="")
    assert outcome(report) == PASSED
    assert any(text.startswith("MAIL FROM:<>") for text in said(report))
    whole = servers.wait_for_message(peer.maildir, report["message"]["message_id"])
    assert b"SENDER" not in whole and SENDER.encode() not in whole
    assert parsed(peer.delivered(report))["From"].startswith("MAILER-DAEMON@")


# What was in it


@pytest.mark.parametrize("ending", ["", "\r\n"])
def test_a_raw_file_arrives_byte_for_byte(peer: Peer, tmp_path: Path, ending: str) -> None:
    path, content = raw_file(tmp_path, DOTS + ending)
    report = peer.send(servers.ACCEPTED, test_message={"file": path})
    assert outcome(report) == PASSED
    assert peer.delivered(report) == content + (b"" if ending else b"\r\n")
    assert report["message"]["token"] is None


def test_dots_at_every_border_of_a_large_file(peer: Peer, tmp_path: Path) -> None:
    # 3 octets a line, with a prime number of octets before them: whatever the size of a block, over 1.5 MB each of
    # its borders falls before, within and behind a line end somewhere.
    path, content = raw_file(tmp_path, "x" * 101 + "\r\n" + ".\r\n" * 400_000 + "..\r\n" * 100_000)
    report = peer.send(servers.ACCEPTED, test_message={"file": path})
    assert (outcome(report), report["message"]["size"]) == (PASSED, len(content))
    assert peer.delivered(report) == content


def test_line_ends_are_normalised_where_asked_for(peer: Peer, tmp_path: Path) -> None:
    path, content = raw_file(tmp_path)
    Path(path).write_bytes(content.replace(b"\r\n", b"\n"))
    report = peer.send(servers.ACCEPTED, test_message={"file": path, "normalise_line_endings": True})
    assert outcome(report) == PASSED
    assert peer.delivered(report) == content + b"\r\n"


def test_a_composed_body_begins_its_lines_with_dots(peer: Peer) -> None:
    body = DOTS.replace("\r\n", "\n")
    report = peer.send(servers.ACCEPTED, test_message={"subject": "Dots", "body": body})
    content = peer.delivered(report)
    assert content.partition(b"\r\n\r\n")[2].rstrip(b"\r\n") == DOTS.rstrip("\r\n").encode()
    assert parsed(content)["Subject"] == "Dots"


def test_attachments_and_html(peer: Peer, tmp_path: Path) -> None:
    binary = bytes(range(256)) * 700
    (tmp_path / "Bericht für Jürgen.pdf").write_bytes(binary)
    report = peer.send(
        servers.ACCEPTED,
        test_message={
            "body": "plain",
            "html": "<p>Grüße</p>",
            "headers": {
                "X-Purpose": "check",
                "Reply-To": "Jürgen <j@elsewhere.test>",
                "Bcc": "secretly@elsewhere.test",
            },
            "attachments": [
                {"path": str(tmp_path / "Bericht für Jürgen.pdf")},
                {"content": "a,b\n1,2\n", "filename": "table.csv"},
            ],
        },
    )
    assert outcome(report) == PASSED
    message = parsed(peer.delivered(report))
    assert b"secretly" not in servers.wait_for_message(peer.maildir, report["message"]["message_id"])
    assert (message["X-Purpose"], message["Reply-To"]) == ("check", "Jürgen <j@elsewhere.test>")
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain and plain.get_content() == "plain\n"
    assert html and html.get_content() == "<p>Grüße</p>\n"
    pdf, table = message.iter_attachments()
    assert (pdf.get_filename(), pdf.get_content_type(), pdf.get_content()) == (
        "Bericht für Jürgen.pdf",
        "application/pdf",
        binary,
    )
    assert (table.get_filename(), table.get_content_type()) == ("table.csv", "text/csv")
    assert table.get_content() == "a,b\n1,2\n"


def test_utf8_travels_in_seven_bits(peer: Peer) -> None:
    report = peer.send(servers.ACCEPTED, test_message={"subject": "Grüße 🚀 " * 12, "body": "Füße\n.Ω\n"})
    content = peer.delivered(report)
    assert content.isascii()
    message = parsed(content)
    assert message["Subject"].strip() == ("Grüße 🚀 " * 12).strip()
    assert message.get_content() == "Füße\r\n.Ω\r\n"  # the line ends of text/plain (RFC 2046 4.1.1), in base64


def test_eight_bits_where_they_are_wanted(peer: Peer) -> None:
    report = peer.send(servers.ACCEPTED, test_message={"body": "Füße\n.Ω\n", "transfer_encoding": "8bit"})
    assert outcome(report) == PASSED
    assert any(text.startswith("MAIL ") and "BODY=8BITMIME" in text for text in said(report))
    assert peer.delivered(report).endswith("\r\n\r\nFüße\r\n.Ω\r\n".encode())


def test_gtube(peer: Peer) -> None:
    report = peer.send(servers.ACCEPTED, test_message={"probe": "gtube"})
    assert b"GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL" in peer.delivered(report)


def test_eicar(peer: Peer) -> None:
    report = peer.send(servers.ACCEPTED, test_message={"probe": "eicar", "body": "A virus scanner stops this."})
    (attached,) = parsed(peer.delivered(report)).iter_attachments()
    content = attached.get_content()
    # The test file's own rules: 68 octets, and how they begin and end. This file must not hold it whole.
    assert (attached.get_filename(), len(content)) == ("eicar.com", 68)
    assert content.startswith(b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-") and content.endswith(b"-FILE!$H+H*")


def test_the_time_that_acceptance_took(peer: Peer) -> None:
    timings = peer.send(servers.ACCEPTED)["timings"]
    assert 0 < timings["message"] < timings["total"]


# LMTP


@pytest.mark.parametrize("lmtp", ["port", "socket"], indirect=True)
def test_lmtp_delivers_byte_for_byte(lmtp: Peer, tmp_path: Path) -> None:
    path, content = raw_file(tmp_path)
    report = lmtp.send(servers.ACCEPTED, test_message={"file": path})
    assert (outcome(report), report["changed"]) == (PASSED, True)
    assert verbs(report) == ["LHLO", "MAIL", "RCPT", "DATA", "<message,", "QUIT"]
    assert lmtp.delivered(report) == content + b"\r\n"


@pytest.mark.parametrize("lmtp", ["port", "socket"], indirect=True)
def test_lmtp_answers_for_each_recipient(lmtp: Peer) -> None:
    # full@ is taken at RCPT and refused after the dot; nobody@ is refused at RCPT and has no reply of its own there.
    report = lmtp.send(servers.FULL, servers.UNKNOWN, servers.ACCEPTED)
    told = [(to["address"], to["code"], to["enhanced_code"], to["outcome"]) for to in report["recipients"]]
    assert told == [
        (servers.FULL, 552, "5.2.2", "rejected"),
        (servers.UNKNOWN, 550, "5.1.1", "rejected"),
        (servers.ACCEPTED, 250, "2.0.0", "accepted"),
    ]
    assert (outcome(report), report["changed"]) == (("failed", "mailbox_full"), True)
    assert (report["stage"], report["failure"]["recipient"]) == ("message", servers.FULL)
    assert "Quota exceeded" in report["msg"]
    assert f"The message did go out to {servers.ACCEPTED}." in report["msg"]
    lmtp.delivered(report)


def test_lmtp_where_the_refusal_came_before_the_message(lmtp: Peer) -> None:
    report = lmtp.send(servers.UNKNOWN, servers.ACCEPTED)
    assert (outcome(report), report["changed"]) == (("failed", "mailbox_unknown"), True)
    assert (report["stage"], report["failure"]["stage"], report["failure"]["recipient"]) == (
        "rcpt",
        "rcpt",
        servers.UNKNOWN,
    )
    assert report["message"]["code"] == 250


def test_lmtp_where_nobody_has_room(lmtp: Peer) -> None:
    report = lmtp.send(servers.FULL)
    assert (outcome(report), report["changed"]) == (("failed", "mailbox_full"), False)
    assert report["stage"] == "message"


# SMTPUTF8


def test_an_international_sender(check: Check, exim: Exim) -> None:
    peer = Peer(check, exim.ports["smtp"], exim)
    report = peer.send(servers.ACCEPTED, sender="postmästare@elsewhere.test")
    assert outcome(report) == PASSED
    assert any(
        text.startswith("MAIL FROM:<postmästare@elsewhere.test> ") and "SMTPUTF8" in text for text in said(report)
    )
    assert "From: postmästare@elsewhere.test\r\n".encode() in peer.delivered(report)
