# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The fixtures themselves keep their promises, as seen by the standard library's clients: where one of these
# fails, the engine is not to blame.

from __future__ import annotations

import imaplib
import os
import smtplib
import socket
import ssl
import time
import uuid
from pathlib import Path
from typing import Callable

import pytest

from ansible_collections.postmaster.mailcheck.tests.real import servers
from ansible_collections.postmaster.mailcheck.tests.real.dovecot import EXTERNAL, MECHANISMS, TOKEN_MECHANISMS, Dovecot
from ansible_collections.postmaster.mailcheck.tests.real.exim import Exim, run_exim
from ansible_collections.postmaster.mailcheck.tests.real.pki import IdentityFiles, Pki
from ansible_collections.postmaster.mailcheck.tests.real.postfix import SMALL_MESSAGE_SIZE, Postfix

OFFERED = {*MECHANISMS, *TOKEN_MECHANISMS}
OTHER_HOST = "127.0.0.2"  # to Dovecot, a client on its own address is as good as encrypted; this one is not


def smtp(port: int, host: str = servers.HOST, source: str = "") -> smtplib.SMTP:
    return smtplib.SMTP(
        host,
        port,
        local_hostname="client.lab.test",
        timeout=servers.PATIENCE,
        source_address=(source, 0) if source else None,
    )


def smtp_over_tls(port: int, pki: Pki) -> smtplib.SMTP:
    return smtplib.SMTP_SSL(
        servers.HOST,
        port,
        local_hostname="client.lab.test",
        timeout=servers.PATIENCE,
        context=pki.client_context(),
    )


def inside_tls(session: smtplib.SMTP, pki: Pki, context: ssl.SSLContext | None = None) -> smtplib.SMTP:
    session.starttls(context=context or pki.client_context())
    session.ehlo()
    return session


def submitting(port: int, pki: Pki) -> smtplib.SMTP:
    session = inside_tls(smtp(port), pki)
    session.login(servers.USERNAME, servers.PASSWORD)
    return session


def new_message() -> tuple[str, bytes]:
    """A token and a message with it, in wire form without dot-stuffing; some lines begin with a dot."""
    token = uuid.uuid4().hex
    header = (
        f"From: sender@elsewhere.test\r\nTo: user@lab.test\r\nDate: Mon, 05 Jan 2026 00:00:00 +0000\r\n"
        f"Message-ID: <{token}@client.lab.test>\r\nSubject: {token}\r\n\r\n"
    )
    return token, header.encode() + b".\r\n..\r\n.hidden\r\nnot hidden.\r\n\r\n"


def recipient_reply(session: smtplib.SMTP, recipient: str) -> tuple[int, str]:
    session.ehlo_or_helo_if_needed()
    session.mail("sender@elsewhere.test")
    code, text = session.rcpt(recipient)
    session.rset()
    return code, text.decode()


# -- Postfix -------------------------------------------------------------------------------------------------


def test_mx_offers_starttls_and_no_sign_in(postfix: Postfix, pki: Pki) -> None:
    with smtp(postfix.ports["mx"]) as session:
        session.ehlo()
        assert session.has_extn("starttls") and session.has_extn("chunking") and session.has_extn("smtputf8")
        inside_tls(session, pki)
        assert not session.has_extn("auth")


def test_mx_listens_on_ipv6(postfix: Postfix) -> None:
    if not postfix.ipv6:
        pytest.skip("no IPv6 loopback on this machine")
    with smtp(postfix.ports["mx"], "::1") as session:
        assert session.ehlo()[0] == 250


@pytest.mark.parametrize(
    ("recipient", "code", "words"),
    [
        (servers.ACCEPTED, 250, "2.1.5"),
        (servers.DISCARDED, 250, "2.1.5"),
        (servers.FULL, 552, "5.2.2"),
        (servers.DEFERRED, 451, "4.3.0"),
        (servers.UNKNOWN, 550, "5.1.1"),
        (servers.STRANGER, 554, "5.7.1"),
    ],
)
def test_mx_answers_each_recipient(postfix: Postfix, recipient: str, code: int, words: str) -> None:
    with smtp(postfix.ports["mx"]) as session:
        reply = recipient_reply(session, recipient)
        assert reply[0] == code and reply[1].startswith(words), reply


def test_mx_delivers_to_the_mailbox_byte_for_byte(postfix: Postfix) -> None:
    token, message = new_message()
    with smtp(postfix.ports["mx"]) as session:
        refused = session.sendmail("sender@elsewhere.test", [servers.ACCEPTED, servers.FULL], message)
    assert list(refused) == [servers.FULL]
    assert servers.wait_for_message(postfix.maildir, token).endswith(message)


def test_submission_wants_tls_then_sign_in(postfix: Postfix, pki: Pki) -> None:
    with smtp(postfix.ports["submission"]) as session:
        session.ehlo()
        assert not session.has_extn("auth")
        assert session.mail("sender@elsewhere.test")[0] == 530
        inside_tls(session, pki)
        assert set(session.esmtp_features["auth"].split()) == OFFERED
        assert recipient_reply(session, servers.ACCEPTED)[0] == 554
        session.login(servers.USERNAME, servers.PASSWORD)
        assert recipient_reply(session, servers.STRANGER)[0] == 250
        assert recipient_reply(session, servers.FULL)[0] == 552


@pytest.mark.parametrize("mechanism", ["plain", "login", "cram_md5"])
def test_submission_takes_the_right_password_only(postfix: Postfix, pki: Pki, mechanism: str) -> None:
    for password, expected in (("wrong", 535), (servers.PASSWORD, 235)):
        with inside_tls(smtp(postfix.ports["submission"]), pki) as session:
            session.user, session.password = servers.USERNAME, password
            sign_in = getattr(session, f"auth_{mechanism}")
            try:
                code = session.auth(mechanism.upper().replace("_", "-"), sign_in)[0]
            except smtplib.SMTPAuthenticationError as refusal:
                code = refusal.smtp_code
        assert code == expected


def test_submissions_is_tls_from_the_first_byte(postfix: Postfix, pki: Pki) -> None:
    token, message = new_message()
    with smtp_over_tls(postfix.ports["submissions"], pki) as session:
        session.login(servers.USERNAME, servers.PASSWORD)
        session.sendmail(servers.USERNAME, [servers.ACCEPTED], message)
    assert servers.wait_for_message(postfix.maildir, token).endswith(message)


def test_auth_in_clear_offers_sign_in_and_no_tls(postfix: Postfix) -> None:
    with smtp(postfix.ports["auth_in_clear"]) as session:
        session.ehlo()
        assert session.has_extn("auth") and not session.has_extn("starttls")
        assert session.login(servers.USERNAME, servers.PASSWORD)[0] == 235


def test_tls_required_refuses_mail_in_clear(postfix: Postfix, pki: Pki) -> None:
    with smtp(postfix.ports["tls_required"]) as session:
        session.ehlo()
        code, text = session.mail("sender@elsewhere.test")
        assert code == 530 and text.startswith(b"5.7.0")
        inside_tls(session, pki)
        assert recipient_reply(session, servers.ACCEPTED)[0] == 250


@pytest.mark.parametrize(("purpose", "verify_code"), [("expired", 10), ("wrong_name", 64)])
def test_a_bad_certificate_fails_verification(postfix: Postfix, pki: Pki, purpose: str, verify_code: int) -> None:
    # X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_IP_ADDRESS_MISMATCH
    with smtp(postfix.ports[purpose]) as session:
        with pytest.raises(ssl.SSLCertVerificationError) as failure:
            session.starttls(context=pki.client_context())
        session.close()
    assert failure.value.verify_code == verify_code


@pytest.mark.parametrize("identity", ["relay", "seven_days", "rsa"])
def test_a_good_certificate_is_the_listener_s_own(postfix: Postfix, pki: Pki, identity: str) -> None:
    purpose = {"relay": "mx", "rsa": "rsa_tls12"}.get(identity, identity)
    own: IdentityFiles = getattr(pki, identity)
    with inside_tls(smtp(postfix.ports[purpose]), pki) as session:
        assert isinstance(session.sock, ssl.SSLSocket)
        assert session.sock.getpeercert(True) == ssl.PEM_cert_to_DER_cert(own.certificate.read_text())


def test_seven_days_are_left(pki: Pki, postfix: Postfix) -> None:
    with inside_tls(smtp(postfix.ports["seven_days"]), pki) as session:
        assert isinstance(session.sock, ssl.SSLSocket)
        certificate = session.sock.getpeercert()
    assert certificate is not None
    assert (ssl.cert_time_to_seconds(str(certificate["notAfter"])) - time.time()) // 86400 == 7


def test_rsa_listener_stops_at_tls_1_2(postfix: Postfix, pki: Pki) -> None:
    with inside_tls(smtp(postfix.ports["rsa_tls12"]), pki) as session:
        assert isinstance(session.sock, ssl.SSLSocket) and session.sock.version() == "TLSv1.2"
    with inside_tls(smtp(postfix.ports["mx"]), pki) as session:
        assert isinstance(session.sock, ssl.SSLSocket) and session.sock.version() == "TLSv1.3"


@pytest.mark.parametrize(("ciphers", "identity"), [("ECDHE+aRSA", "rsa"), ("ECDHE+ECDSA", "relay")])
def test_rsa_and_ecdsa_has_a_certificate_for_either(postfix: Postfix, pki: Pki, ciphers: str, identity: str) -> None:
    context = pki.client_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(ciphers)
    own: IdentityFiles = getattr(pki, identity)
    with inside_tls(smtp(postfix.ports["rsa_and_ecdsa"]), pki, context) as session:
        assert isinstance(session.sock, ssl.SSLSocket)
        assert session.sock.getpeercert(True) == ssl.PEM_cert_to_DER_cert(own.certificate.read_text())


def with_client_certificate(pki: Pki) -> ssl.SSLContext:
    context = pki.client_context()
    context.load_cert_chain(pki.client.chain, pki.client.key)
    return context


def test_client_certificate_asked_goes_on_without_one(postfix: Postfix, pki: Pki) -> None:
    with inside_tls(smtp(postfix.ports["client_certificate_asked"]), pki) as session:
        assert recipient_reply(session, servers.ACCEPTED)[0] == 250


@pytest.mark.parametrize("purpose", ["client_certificate_asked", "client_certificate_required"])
def test_client_certificate_is_taken(postfix: Postfix, pki: Pki, purpose: str) -> None:
    with inside_tls(smtp(postfix.ports[purpose]), pki, with_client_certificate(pki)) as session:
        assert recipient_reply(session, servers.ACCEPTED)[0] == 250


def test_client_certificate_required_closes_without_one(postfix: Postfix, pki: Pki) -> None:
    # Not by a TLS alert: the handshake completes, then the first command draws a 421.
    session = smtp(postfix.ports["client_certificate_required"])
    session.starttls(context=pki.client_context())
    assert session.docmd("EHLO", "client.lab.test")[0] == 421
    session.close()


def test_greylisting_accepts_the_second_try(postfix: Postfix) -> None:
    sender = f"{uuid.uuid4().hex}@elsewhere.test"

    def try_it() -> tuple[int, bytes]:
        with smtp(postfix.ports["greylisting"]) as session:
            session.ehlo()
            session.mail(sender)
            return session.rcpt(servers.ACCEPTED)

    code, text = try_it()
    assert code == 450 and text.startswith(b"4.7.1") and b"Greylisted" in text
    postfix.greylist.first_seen["127.0.0.1", sender, servers.ACCEPTED] -= postfix.greylist.delay
    assert try_it()[0] == 250


def test_xclient_is_offered_and_believed(postfix: Postfix) -> None:
    token, message = new_message()
    with smtp(postfix.ports["xclient"]) as session:
        session.ehlo()
        assert session.has_extn("xclient")
        assert session.docmd("XCLIENT", "ADDR=192.0.2.33 NAME=far.example")[0] == 220
        session.ehlo()
        session.sendmail("sender@elsewhere.test", [servers.ACCEPTED], message)
    assert b"far.example [192.0.2.33]" in servers.wait_for_message(postfix.maildir, token)


def test_proxy_protocol_speaks_after_the_header(postfix: Postfix) -> None:
    address = servers.HOST, postfix.ports["proxy_protocol"]
    with socket.create_connection(address, timeout=servers.PATIENCE) as connection:
        connection.sendall(b"PROXY TCP4 192.0.2.33 127.0.0.1 40000 25\r\n")
        assert connection.recv(512).startswith(b"220 ")
    with socket.create_connection(address, timeout=servers.PATIENCE) as connection:
        connection.sendall(b"EHLO client.lab.test\r\n")
        assert connection.recv(512).startswith(b"421 ")


def test_small_messages_refuses_a_large_one(postfix: Postfix) -> None:
    with smtp(postfix.ports["small_messages"]) as session:
        session.ehlo()
        assert session.esmtp_features["size"] == str(SMALL_MESSAGE_SIZE)
        assert session.mail("sender@elsewhere.test", [f"SIZE={SMALL_MESSAGE_SIZE + 1}"])[0] == 552
    # On a new connection: Postfix would hold that SIZE against the next MAIL.
    with smtp(postfix.ports["small_messages"]) as session:
        session.ehlo()
        session.mail("sender@elsewhere.test")
        session.rcpt(servers.ACCEPTED)
        assert session.data(b"X: y\r\n\r\n" + b"x" * 70 + b"\r\n" * SMALL_MESSAGE_SIZE)[0] == 552


# -- Dovecot -------------------------------------------------------------------------------------------------


def test_dovecot_submission_wants_tls_then_relays(dovecot: Dovecot, postfix: Postfix, pki: Pki) -> None:
    token, message = new_message()
    with smtp(dovecot.ports["submission"], source=OTHER_HOST) as session:
        session.ehlo()
        assert session.has_extn("starttls") and not session.has_extn("auth")
        assert session.docmd("AUTH", "PLAIN")[0] == 530
        inside_tls(session, pki)
        assert set(session.esmtp_features["auth"].split()) == {*OFFERED, EXTERNAL}
        session.login(servers.USERNAME, servers.PASSWORD)
        refused = session.sendmail(servers.USERNAME, [servers.ACCEPTED, servers.UNKNOWN], message)
    assert refused[servers.UNKNOWN][0] == 550
    assert servers.wait_for_message(dovecot.maildir, token).endswith(message)


def test_dovecot_submission_takes_a_sign_in_in_clear_from_its_own_address(dovecot: Dovecot) -> None:
    with smtp(dovecot.ports["submission"]) as session:
        assert session.login(servers.USERNAME, servers.PASSWORD)[0] == 235


def test_dovecot_submissions_is_tls_from_the_first_byte(dovecot: Dovecot, pki: Pki) -> None:
    with smtp_over_tls(dovecot.ports["submissions"], pki) as session:
        assert session.ehlo()[0] == 250
        assert session.has_extn("auth") and not session.has_extn("starttls")


def lmtp_by_port(dovecot: Dovecot) -> smtplib.LMTP:
    return smtplib.LMTP(dovecot.host, dovecot.ports["lmtp"], local_hostname="client.lab.test", timeout=servers.PATIENCE)


def lmtp_by_socket(dovecot: Dovecot) -> smtplib.LMTP:
    return smtplib.LMTP(os.fspath(dovecot.lmtp_socket), local_hostname="client.lab.test")


@pytest.mark.parametrize("connect", [lmtp_by_port, lmtp_by_socket])
def test_lmtp_delivers_byte_for_byte(dovecot: Dovecot, connect: Callable[[Dovecot], smtplib.LMTP]) -> None:
    token, message = new_message()
    with connect(dovecot) as session:
        session.sendmail("sender@elsewhere.test", [servers.ACCEPTED], message)
    assert servers.wait_for_message(dovecot.maildir, token).endswith(message)


def test_lmtp_answers_each_recipient_after_the_dot(dovecot: Dovecot) -> None:
    _token, message = new_message()
    with lmtp_by_port(dovecot) as session:
        session.ehlo()
        session.mail("sender@elsewhere.test")
        replies = [session.rcpt(recipient)[0] for recipient in (servers.ACCEPTED, servers.FULL, servers.UNKNOWN)]
        assert replies == [250, 250, 550]
        session.docmd("DATA")
        session.send(message.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        assert [session.getreply()[0] for _accepted in range(2)] == [250, 552]


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_imap_shows_what_was_delivered(dovecot: Dovecot, pki: Pki, tls: str) -> None:
    token, message = new_message()
    with lmtp_by_port(dovecot) as session:
        session.sendmail("sender@elsewhere.test", [servers.ACCEPTED], message)
    if tls == "starttls":
        mailbox = imaplib.IMAP4(dovecot.host, dovecot.ports["imap"], timeout=servers.PATIENCE)
        mailbox.starttls(pki.client_context())
    else:
        mailbox = imaplib.IMAP4_SSL(
            dovecot.host, dovecot.ports["imaps"], ssl_context=pki.client_context(), timeout=servers.PATIENCE
        )
    with mailbox:
        mailbox.login(servers.USERNAME, servers.PASSWORD)
        mailbox.select(readonly=True)
        found = mailbox.search(None, "HEADER", "Subject", token)[1][0]
        content = mailbox.fetch(found.decode(), "(BODY.PEEK[])")[1][0]
    assert isinstance(content, tuple) and content[1].endswith(message)


# -- Exim ----------------------------------------------------------------------------------------------------


def test_exim_offers_its_extensions(exim: Exim, pki: Pki) -> None:
    with smtp(exim.ports["smtp"]) as session:
        session.ehlo()
        for keyword in ("starttls", "pipelining", "chunking", "prdr", "smtputf8", "dsn", "size", "8bitmime"):
            assert session.has_extn(keyword), keyword
        assert not session.has_extn("auth")
        inside_tls(session, pki)
        assert session.esmtp_features["auth"].split() == ["PLAIN", "LOGIN", "CRAM-MD5"]


@pytest.mark.parametrize(
    ("recipient", "code", "words"),
    [
        (servers.ACCEPTED, 250, "Accepted"),
        (servers.DISCARDED, 250, "Accepted"),
        (servers.FULL, 552, "5.2.2"),
        (servers.DEFERRED, 451, "4.3.0"),
        (servers.UNKNOWN, 550, "5.1.1"),
        (servers.STRANGER, 550, "relay not permitted"),
    ],
)
def test_exim_answers_each_recipient(exim: Exim, recipient: str, code: int, words: str) -> None:
    with smtp(exim.ports["smtp"]) as session:
        reply = recipient_reply(session, recipient)
        assert reply[0] == code and reply[1].startswith(words), reply


@pytest.mark.parametrize("mechanism", ["plain", "login"])
def test_exim_relays_for_the_right_password_only(exim: Exim, pki: Pki, mechanism: str) -> None:
    for password, code, recipient_code in (("wrong", 535, 550), (servers.PASSWORD, 235, 250)):
        with inside_tls(smtp(exim.ports["smtp"]), pki) as session:
            session.user, session.password = servers.USERNAME, password
            try:
                reply = session.auth(mechanism.upper(), getattr(session, f"auth_{mechanism}"))[0]
            except smtplib.SMTPAuthenticationError as refusal:
                reply = refusal.smtp_code
            assert reply == code
            assert recipient_reply(session, servers.STRANGER)[0] == recipient_code


@pytest.mark.parametrize("purpose", ["smtp", "smtps"])
def test_exim_delivers_byte_for_byte(exim: Exim, pki: Pki, purpose: str) -> None:
    token, message = new_message()
    with smtp(exim.ports["smtp"]) if purpose == "smtp" else smtp_over_tls(exim.ports["smtps"], pki) as session:
        session.sendmail("sender@elsewhere.test", [servers.ACCEPTED], message)
    assert servers.wait_for_message(exim.maildir, token).endswith(message)


# -- starting, stopping, waiting -----------------------------------------------------------------------------


def test_a_stopped_server_leaves_no_process(server_folder: Path, pki: Pki) -> None:
    folder = server_folder / "stopped"
    folder.mkdir()
    with servers.skip_where_unavailable(), run_exim(folder, pki) as exim:
        master = int((folder / "exim.pid").read_text())
        with smtp(exim.ports["smtp"]) as session:  # a connection has a process of its own
            session.ehlo()
            assert len(servers.group_members(master)) > 1
    assert servers.group_members(master) == []
    with pytest.raises(ConnectionRefusedError):
        servers.read_greeting(exim.ports["smtp"])


def test_waiting_for_a_message_that_never_comes_ends(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"'the-token' in .* within 0\.1 s"):
        servers.wait_for_message(tmp_path, "the-token", timeout=0.1)


@pytest.mark.parametrize(("required", "outcome"), [("", pytest.skip.Exception), ("1", pytest.fail.Exception)])
def test_an_absent_server_skips_or_fails(
    monkeypatch: pytest.MonkeyPatch, required: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setenv("MAILCHECK_REQUIRE_SERVERS", required)
    with pytest.raises(outcome, match="not installed: no-such-server"):
        with servers.skip_where_unavailable():
            servers.find_program("/nowhere/no-such-server", "no-such-server")
