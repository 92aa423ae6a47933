# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# CHUNKING, PRDR, DSN, further parameters of MAIL; XCLIENT and the PROXY protocol; commands of the caller's own.

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from ansible_collections.postmaster.mailcheck.tests.real import servers
from ansible_collections.postmaster.mailcheck.tests.real.dovecot import Dovecot
from ansible_collections.postmaster.mailcheck.tests.real.exim import Exim
from ansible_collections.postmaster.mailcheck.tests.real.postfix import Postfix
from ansible_collections.postmaster.mailcheck.tests.real.reports import PASSED, Check, Log, outcome, said, verbs

SENDER = "sender@elsewhere.test"
DOTS = b".\r\n..\r\n.hidden\r\n"
# Small enough to leave with the envelope, and too large for that (RFC 3030 4.2).
REPEATED = [1, 40_000]


def raw_message(folder: Path, body: bytes) -> tuple[str, str, bytes]:
    """The path of a file, the Message-ID in it, and its octets."""
    message_id = f"<{uuid.uuid4().hex}@client.lab.test>"
    header = f"From: {SENDER}\r\nDate: Mon, 05 Jan 2026 00:00:00 +0000\r\nMessage-ID: {message_id}\r\n\r\n"
    path = folder / "message.eml"
    path.write_bytes(header.encode() + body)
    return str(path), message_id, header.encode() + body


# CHUNKING (RFC 3030)


@pytest.mark.parametrize("times", REPEATED)
def test_bdat_delivers_byte_for_byte(
    check: Check, postfix: Postfix, exim: Exim, dovecot: Dovecot, tmp_path: Path, times: int
) -> None:
    signed_in = {"username": servers.USERNAME, "password": servers.PASSWORD}
    for port, maildir, options in (
        (postfix.ports["mx"], postfix.maildir, {}),
        (exim.ports["smtp"], exim.maildir, {}),
        (dovecot.ports["submission"], dovecot.maildir, signed_in),
        (dovecot.ports["lmtp"], dovecot.maildir, {"protocol": "lmtp"}),
    ):
        path, message_id, content = raw_message(tmp_path, DOTS * times)
        report = check(
            port,
            sender=SENDER,
            recipients=[servers.ACCEPTED, servers.UNKNOWN],
            send=True,
            chunking=True,
            test_message={"file": path},
            **options,
        )
        assert (outcome(report), report["changed"]) == (("failed", "mailbox_unknown"), True)
        assert f"BDAT {len(content)} LAST" in " ".join(said(report)) and "DATA" not in verbs(report)
        assert servers.wait_for_message(maildir, message_id).endswith(content)


@pytest.mark.parametrize("times", REPEATED)
def test_bdat_for_nobody(check: Check, postfix: Postfix, exim: Exim, tmp_path: Path, times: int) -> None:
    for port in (postfix.ports["mx"], exim.ports["smtp"]):
        report = check(
            port,
            sender=SENDER,
            recipients=[servers.UNKNOWN],
            send=True,
            chunking=True,
            test_message={"file": raw_message(tmp_path, DOTS * times)[0]},
        )
        assert (outcome(report), report["changed"]) == (("failed", "mailbox_unknown"), False)
        # The small one left before the refusal was known: the relay says once more that nobody is to get it.
        assert report["message"] is None or report["message"]["code"] // 100 == 5


# PRDR, DSN, further parameters


def test_prdr_on_exim(check: Check, exim: Exim) -> None:
    report = check(exim.ports["smtp"], sender=SENDER, recipients=[servers.ACCEPTED], send=True, prdr=True)
    assert (outcome(report), report["changed"]) == (PASSED, True)
    assert any(text.startswith("MAIL ") and text.endswith(" PRDR") for text in said(report))
    assert servers.wait_for_message(exim.maildir, report["message"]["message_id"])


def test_prdr_answers_for_each_recipient(check: Check, exim: Exim) -> None:
    # One is refused at RCPT and has no reply of its own after the message.
    recipients = [servers.ACCEPTED, servers.UNKNOWN, servers.DISCARDED]
    report = check(exim.ports["smtp"], sender=SENDER, recipients=recipients, send=True, prdr=True)
    assert (outcome(report), report["stage"], report["changed"]) == (("failed", "mailbox_unknown"), "rcpt", True)
    assert [to["outcome"] for to in report["recipients"]] == ["accepted", "rejected", "accepted"]
    assert report["message"]["queue_id"]


def test_prdr_refuses_one_after_the_message(check: Check, exim: Exim) -> None:
    recipients = [servers.ACCEPTED, "refused@discard.test", servers.DISCARDED]
    report = check(exim.ports["smtp"], sender=SENDER, recipients=recipients, send=True, prdr=True)
    told = [(to["code"], to["enhanced_code"], to["outcome"]) for to in report["recipients"]]
    assert told == [(250, None, "accepted"), (550, "5.7.1", "rejected"), (250, None, "accepted")]
    assert (outcome(report)[0], report["stage"], report["changed"]) == ("failed", "message", True)
    assert report["failure"]["recipient"] == "refused@discard.test"
    assert f"The message did go out to {servers.ACCEPTED}, {servers.DISCARDED}." in report["msg"]
    assert servers.wait_for_message(exim.maildir, report["message"]["message_id"])
    # Without PRDR it is all or nothing.
    report = check(exim.ports["smtp"], sender=SENDER, recipients=recipients, send=True)
    assert outcome(report) == PASSED


def test_prdr_where_it_is_not_offered(check: Check, postfix: Postfix) -> None:
    report = check(postfix.ports["mx"], sender=SENDER, recipients=[servers.ACCEPTED], send=True, prdr=True)
    assert (outcome(report), report["changed"]) == (("failed", "extension_not_offered"), False)
    assert "MAIL" not in verbs(report)


def test_delivery_status_notifications(check: Check, postfix: Postfix, exim: Exim) -> None:
    dsn = {"notify": ["success", "failure"], "ret": "hdrs", "envid": "QQ+314=159", "orcpt": True}
    for server, port in ((postfix, "mx"), (exim, "smtp")):
        report = check(server.ports[port], sender=SENDER, recipients=[servers.ACCEPTED], dsn=dsn)
        assert outcome(report) == PASSED
        mail, rcpt = said(report)[3:5]
        assert "RET=HDRS" in mail and "ENVID=QQ+2B314+3D159" in mail
        assert "NOTIFY=SUCCESS,FAILURE" in rcpt and f"ORCPT=rfc822;{servers.ACCEPTED}" in rcpt


def test_a_parameter_that_is_not_announced(check: Check, postfix: Postfix) -> None:
    report = check(
        postfix.ports["mx"], sender=SENDER, recipients=[servers.ACCEPTED], mail_parameters={"MT-PRIORITY": 3}
    )
    assert outcome(report) == ("failed", "extension_not_offered")
    assert "MT-PRIORITY" in report["failure"]["text"]
    assert "MAIL" not in verbs(report)


# In front of the session


def test_xclient(check: Check, postfix: Postfix) -> None:
    report = check(
        postfix.ports["xclient"],
        sender=SENDER,
        recipients=[servers.ACCEPTED],
        send=True,
        xclient={"ADDR": "192.0.2.33", "NAME": "far.example"},
    )
    assert outcome(report) == PASSED
    assert verbs(report).count("XCLIENT") == 1
    received = servers.wait_for_message(postfix.maildir, report["message"]["message_id"])
    assert b"far.example [192.0.2.33]" in received
    report = check(postfix.ports["mx"], xclient={"ADDR": "192.0.2.33"})
    assert outcome(report) == ("failed", "extension_not_offered")


@pytest.mark.parametrize(
    ("version", "address"), [(1, "192.0.2.31"), (2, "192.0.2.32"), (1, "2001:db8::31"), (2, "2001:db8::32")]
)
def test_the_proxy_protocol(check: Check, postfix: Postfix, version: int, address: str) -> None:
    if ":" in address and not postfix.ipv6:
        pytest.skip("this Postfix knows no IPv6")
    log = Log(postfix.log, address)
    report = check(
        postfix.ports["proxy_protocol"],
        proxy_protocol={"version": version, "source_address": address, "source_port": 40000},
    )
    assert (outcome(report), report["tls"]["verified"]) == (PASSED, True)
    log.wait_for(f"disconnect from unknown[{address}]")


# Commands of the caller's own


def test_extra_commands(check: Check, postfix: Postfix) -> None:
    commands = ["NOOP", f"VRFY {servers.ACCEPTED}", f"VRFY {servers.UNKNOWN}", "XNONESUCH"]
    report = check(postfix.ports["mx"], extra_commands=commands)
    assert outcome(report) == PASSED
    exchanged = [entry["text"] for entry in report["transcript"]]
    replies = {command: exchanged[exchanged.index(command) + 1] for command in commands}
    assert [int(reply[:3]) for reply in replies.values()] == [250, 252, 550, 500]


def test_no_extra_commands_in_check_mode(check: Check, postfix: Postfix) -> None:
    report = check(postfix.ports["mx"], extra_commands=["NOOP"], check_mode=True)
    assert (outcome(report), verbs(report)) == (PASSED, ["EHLO", "STARTTLS", "EHLO", "QUIT"])
