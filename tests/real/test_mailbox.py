# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Does the mail arrive? Postfix delivers to Dovecot, Exim to a Maildir; looked at by IMAP, by POP3 and in the folder.

from __future__ import annotations

import contextlib
import imaplib
import os
import shutil
from collections.abc import Iterator
from typing import Any, Callable

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.wait import wait_for_mail
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.blocking import BlockingSession
from ansible_collections.postmaster.mailcheck.tests.real import servers
from ansible_collections.postmaster.mailcheck.tests.real.dovecot import (
    JUNK_SUBJECT,
    MECHANISMS,
    TOKEN_MECHANISMS,
    Dovecot,
)
from ansible_collections.postmaster.mailcheck.tests.real.exim import Exim
from ansible_collections.postmaster.mailcheck.tests.real.introspection import TOKEN
from ansible_collections.postmaster.mailcheck.tests.real.pki import Pki
from ansible_collections.postmaster.mailcheck.tests.real.postfix import Postfix
from ansible_collections.postmaster.mailcheck.tests.real.reports import Check, Report

LONG = 120  # seconds, which nothing takes: a wait ends with what it waits for
SIGN_IN = {"username": servers.USERNAME, "password": servers.PASSWORD}
# How a mailbox of Dovecot's is reached -> its port, and the options.
WAYS: dict[str, dict[str, Any]] = {
    "imaps": {},
    "imap": {"tls": "starttls"},
    "pop3s": {"protocol": "pop3"},
    "pop3": {"protocol": "pop3", "tls": "starttls"},
}

Wait = Callable[..., Report]


@pytest.fixture
def wait(dovecot: Dovecot, pki: Pki) -> Wait:
    """wait_for_mail() in the mailbox of user@lab.test."""

    def wait_in_mailbox(way: str = "imaps", **options: Any) -> Report:
        given = {"ca_path": str(pki.ca), "timeout": LONG, "poll_interval": 0.2, **SIGN_IN, **WAYS[way], **options}
        return wait_for_mail(host=servers.HOST, port=dovecot.ports[way], **given)

    return wait_in_mailbox


def send(check: Check, port: int, recipient: str = servers.ACCEPTED, **options: Any) -> Report:
    report = check(port, sender=servers.USERNAME, recipients=[recipient], send=True, **options)
    assert report["verdict"] == "passed", report["msg"]
    return report


@contextlib.contextmanager
def client_of(dovecot: Dovecot, pki: Pki) -> Iterator[imaplib.IMAP4]:
    """Somebody else in the same mailbox."""
    with imaplib.IMAP4_SSL(servers.HOST, dovecot.ports["imaps"], ssl_context=pki.client_context()) as client:
        client.login(servers.USERNAME, servers.PASSWORD)
        yield client


def mail(token: str) -> bytes:
    return f"X-Mailcheck-Token: {token}\r\nSubject: mailcheck\r\n\r\ntest\r\n".encode()


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("way", WAYS)
def test_a_sign_in_by_each_mechanism(wait: Wait, way: str, mechanism: str) -> None:
    report = wait(way, auth_mechanisms=[mechanism])
    assert (report["verdict"], report["auth"]["mechanism"]) == ("passed", mechanism), report["msg"]
    assert report["tls"]["verified"] is True
    assert "INBOX" in report["mailbox_state"]


@pytest.mark.parametrize("mechanism", TOKEN_MECHANISMS)
@pytest.mark.parametrize("way", WAYS)
def test_a_sign_in_by_token(wait: Wait, way: str, mechanism: str) -> None:
    report = wait(way, auth_mechanisms=[mechanism], password=None, access_token=TOKEN)
    assert (report["verdict"], report["auth"]["mechanism"]) == ("passed", mechanism), report["msg"]


@pytest.mark.parametrize("way", WAYS)
def test_a_wrong_password(wait: Wait, way: str) -> None:
    report = wait(way, password="wrong-in-every-way", token="0" * 32)
    assert (report["verdict"], report["found"], report["failure"]["cause"]) == ("unreachable", None, "auth_rejected")


@pytest.mark.parametrize("way", WAYS)
def test_a_message_arrives_and_is_removed(wait: Wait, check: Check, postfix: Postfix, way: str) -> None:
    before = wait(way)["mailbox_state"]
    sent = send(check, postfix.ports["mx"])
    report = wait(way, sent=sent, since=before, delete=True, expect={"folder": "INBOX"})
    assert (report["verdict"], report["found"], report["mailbox"]) == ("passed", True, "INBOX"), report["msg"]
    first = report["trace"]["hops"][0]
    assert (first["by"], first["id"]) == ("relay.lab.test", sent["message"]["queue_id"])
    assert (first["tls"], first["tls_version"]) == (True, "TLSv1.3")
    assert report["deleted"] == 1
    assert servers.delivered_message(postfix.maildir, sent["message"]["token"].encode()) is None


def test_a_hop_in_clear_is_seen(wait: Wait, check: Check, postfix: Postfix) -> None:
    sent = send(check, postfix.ports["mx"], tls="none")
    first = wait(sent=sent)["trace"]["hops"][0]
    assert (first["by"], first["tls"], first["local"]) == ("relay.lab.test", False, True)  # all of this is one host


def test_a_message_that_is_filed_as_junk(wait: Wait, check: Check, postfix: Postfix) -> None:
    before = wait()["mailbox_state"]
    sent = send(check, postfix.ports["mx"], test_message={"subject": JUNK_SUBJECT})
    report = wait(sent=sent, since=before)
    assert (report["found"], report["mailbox"], report["junk"]) == (True, "Junk", True)


def test_a_message_that_comes_while_we_wait(wait: Wait, check: Check, postfix: Postfix) -> None:
    before = wait()["mailbox_state"]
    sent = [send(check, postfix.ports["mx"]) for _number in range(20)]
    report = wait(tokens=[one["message"]["token"] for one in sent], since=before)
    assert [one["found"] for one in report["messages"]] == [True] * 20


def test_a_mailbox_of_a_hundred_thousand_messages(
    wait: Wait, dovecot: Dovecot, pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of those that were there before none is read."""
    read: list[int] = []
    received = BlockingSession._received

    def counted(*given: Any) -> bytes:
        data = received(*given)
        read.append(len(data))
        return data

    folder = dovecot.maildir / ".Large"
    with client_of(dovecot, pki) as client:
        client.create("Large")
        for number in range(100_000):  # under names as delivery gives them: those that Dovecot finds slowly are rare
            if number % 50_000 == 0:  # of so many names a file can have no more
                original = folder / f"one.{number}"
                original.write_bytes(mail("0" * 32))
                shutil.chown(original, "dovecot", "dovecot")
            size = 900 + number * 7919 % 90_000
            name = f"{1700000000 + 37 * number}.M{number * 7919 % 10**6}P{number}.mx,S={size}:2,S"
            os.link(original, folder / "cur" / name)
        before = wait(folders=["Large"])
        client.append("Large", "", None, mail("1" * 32))
        monkeypatch.setattr(BlockingSession, "_received", counted)
        report = wait(token="1" * 32, since=before, folders=["Large"])
        client.delete("Large")
    assert before["mailbox_state"]["Large"]["messages"] == 100_000
    assert (report["found"], report["mailbox"]) == (True, "Large"), report["msg"]
    assert sum(read) <= 100_000


@pytest.mark.parametrize("way", WAYS)
def test_a_bounce(wait: Wait, check: Check, postfix: Postfix, way: str) -> None:
    before = wait(way)["mailbox_state"]
    sent = send(check, postfix.ports["mx"], servers.GONE, dsn={"envid": "envelope-7"})
    report = wait(way, sent=sent, since=before, expect={"bounce": {"status": "5.1.1", "within": LONG}})
    assert report["verdict"] == "passed", report["msg"]
    bounce = report["bounce"]
    assert (bounce["action"], bounce["cause"]) == ("failed", "mailbox_unknown")
    assert (bounce["final_recipient"], bounce["reporting_mta"]) == (servers.GONE, "relay.lab.test")
    assert bounce["envelope_id"] == "envelope-7"


def test_exim_delivers_to_a_maildir(check: Check, exim: Exim) -> None:
    where = {"protocol": "maildir", "path": str(exim.maildir), "timeout": LONG, "poll_interval": 0.2}
    first = send(check, exim.ports["smtp"])
    assert wait_for_mail(sent=first, **where)["found"] is True
    before = wait_for_mail(**where)["mailbox_state"]
    sent = send(check, exim.ports["smtp"])
    report = wait_for_mail(sent=sent, since=before, delete=True, **where)
    assert (report["verdict"], report["found"], report["deleted"]) == ("passed", True, 1), report["msg"]
    last = report["trace"]["hops"][-1]
    assert (last["by"], last["with"], last["tls"], last["tls_version"]) == ("exim.lab.test", "esmtps", True, "TLSv1.3")
    assert servers.delivered_message(exim.maildir, sent["message"]["token"].encode()) is None
