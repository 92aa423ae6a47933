# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Round trips. One turn is counted when the relay has replied to everything it holds and waits. For that to mean
# something on a loopback, the relay is far away: it looks at what has come only when nothing more comes for a while.

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading

import pytest
import trustme

from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.check import check

AWAY_SECONDS = 0.02
ENVELOPE = {"sender": "probe@example.org"}
SIGN_IN = {"username": "tim", "password": "tanstaaftanstaaf"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """An authority: its file, and a server context of its making, TLS 1.3."""
    made = trustme.CA()
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    made.cert_pem.write_to_path(str(path))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    made.issue_cert("127.0.0.1").configure_cert(context)
    return str(path), context


class FarRelay:
    """A relay for one session. `turns` is what it counted, TCP included; `last` what it counted when QUIT came."""

    def __init__(self, context, implicit=False, extensions=()):
        self.context, self.implicit, self.extensions = context, implicit, extensions
        self.turns = self.last = 0
        self.verbs, self.recipients = [], 0
        self.incoming, self.outgoing, self.tls = ssl.MemoryBIO(), ssl.MemoryBIO(), None
        self.held, self.in_message, self.chunk = b"", False, 0
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(1)
        self.port = self.listener.getsockname()[1]

    def serve(self):
        sock, _peer = self.listener.accept()
        with sock:
            self.turns = 1  # TCP's own
            if self.implicit:
                self.begin_tls()
            else:
                self.reply(sock, b"220 relay.example.com ESMTP\r\n")
            while self.hear(sock):
                self.answer(sock)

    def hear(self, sock):
        """Wait; then take all that comes until nothing more does. Return whether the client is still there."""
        data = sock.recv(65536)
        while data and select.select([sock], [], [], AWAY_SECONDS)[0]:
            more = sock.recv(65536)
            if not more:
                break
            data += more
        if self.tls is None:
            self.held += data
        else:
            self.incoming.write(data)
        return bool(data)

    def begin_tls(self):
        self.tls = self.context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        self.shaken = False

    def answer(self, sock):
        """Reply to everything that is held, in one write, and count the turn."""
        replies = b""
        if self.tls is not None and not self.shaken:
            try:
                self.tls.do_handshake()
                self.shaken = True
                replies += b"220 relay.example.com ESMTP\r\n" if self.implicit else b""
            except ssl.SSLWantReadError:
                pass
        if self.tls is not None and self.shaken:
            with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLZeroReturnError):
                while True:
                    self.held += self.tls.read(65536)
        while True:
            reply = self.next_reply()
            if reply is None:
                break
            replies += reply
        self.reply(sock, replies)

    def reply(self, sock, replies):
        if self.tls is not None and self.shaken and replies:
            self.tls.write(replies)
            replies = b""
        replies = self.outgoing.read() + replies
        if replies:
            sock.sendall(replies)
            self.turns += 1
        if self.held.startswith(b"<starttls>"):
            self.held = b""
            self.begin_tls()

    def next_reply(self):
        """Take one command, or one message, out of what is held; return its reply."""
        if self.chunk:
            if len(self.held) < self.chunk:
                return None
            self.held, self.chunk = self.held[self.chunk :], 0
            return b"250 2.0.0 Ok: queued as C4UNK3D\r\n"
        if self.in_message:
            _content, dot, rest = self.held.partition(b"\r\n.\r\n")
            if not dot:
                return None
            self.held, self.in_message = rest, False
            return b"250 2.0.0 Ok: queued as D0773D\r\n"
        line, end, rest = self.held.partition(b"\r\n")
        if not end or line == b"<starttls>":
            return None
        self.held = rest
        verb = line.split(b" ")[0].split(b":")[0].upper().decode()
        self.verbs.append(verb)
        if verb == "QUIT":
            self.last = self.turns
        if verb == "EHLO":
            lines = ["relay.example.com", "PIPELINING", *self.extensions]
            lines += ["AUTH PLAIN"] if self.tls is not None else ["STARTTLS"]
            return "".join(
                "250%s%s\r\n" % (" " if i == len(lines) - 1 else "-", x) for i, x in enumerate(lines)
            ).encode()
        if verb == "STARTTLS":
            assert not self.held, "something came after STARTTLS in the same group"
            self.held = b"<starttls>"
            return b"220 2.0.0 Go ahead\r\n"
        if verb == "AUTH":
            assert not self.held, "something came after AUTH in the same group"
            return b"235 2.7.0 Welcome\r\n"
        if verb == "DATA":
            assert not self.held, "something came after DATA in the same group"
            self.in_message = True
            return b"354 go\r\n"
        if verb == "BDAT":
            self.chunk = int(line.split(b" ")[1])
            return self.next_reply()
        return b"221 bye\r\n" if verb == "QUIT" else b"250 ok\r\n"


def counted(authority, implicit=False, extensions=(), **options):
    """Return the report and the turns it took until QUIT came."""
    path, context = authority
    relay = FarRelay(context, implicit, extensions)
    thread = threading.Thread(target=relay.serve)
    thread.start()
    try:
        report = check(
            "127.0.0.1", port=relay.port, ca_path=path, ehlo_name="client.example.org", timeout=20.0, **options
        )
    finally:
        relay.listener.close()
        thread.join(20)
    assert not thread.is_alive()
    assert report["verdict"] == "passed", report["msg"]
    return report, relay


def test_a_starttls_probe_takes_six(authority):
    """TCP, greeting, EHLO, STARTTLS, TLS, and Finished with EHLO."""
    report, relay = counted(authority)
    assert relay.verbs == ["EHLO", "STARTTLS", "EHLO", "QUIT"]
    assert report["tls"]["version"] == "TLSv1.3"
    assert relay.last == 6


def test_an_implicit_tls_probe_takes_four(authority):
    """TCP, TLS, Finished answered by the greeting, EHLO."""
    _report, relay = counted(authority, implicit=True, tls="implicit")
    assert relay.verbs == ["EHLO", "QUIT"]
    assert relay.last == 4


def recipients(number):
    return ["user%d@example.com" % index for index in range(number)]


@pytest.mark.parametrize("number", [1, 50])
def test_probing_recipients_takes_one_more(authority, number):
    """[MAIL RCPT ... RSET QUIT] in one flight: QUIT comes with it, before its turn is counted."""
    report, relay = counted(authority, recipients=recipients(number), **ENVELOPE)
    assert relay.verbs[3:] == ["MAIL"] + ["RCPT"] * number + ["RSET", "QUIT"]
    assert len(report["recipients"]) == number
    assert relay.last + 1 == 7


@pytest.mark.parametrize("number", [1, 50])
def test_signing_in_and_sending_takes_nine(authority, number):
    """... AUTH PLAIN, [MAIL RCPT ... DATA], [message . QUIT], the last of which brings the final reply."""
    report, relay = counted(authority, recipients=recipients(number), send=True, **ENVELOPE, **SIGN_IN)
    assert relay.verbs == ["EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL"] + ["RCPT"] * number + ["DATA", "QUIT"]
    assert report["changed"] is True
    assert report["message"]["queue_id"] == "D0773D"
    assert relay.last + 1 == 9
    assert relay.turns == 9  # QUIT's reply came along


@pytest.mark.parametrize("number", [1, 50])
def test_sending_in_one_chunk_takes_eight(authority, number):
    options = {"recipients": recipients(number), "send": True, "chunking": True}
    report, relay = counted(authority, extensions=["CHUNKING"], **options, **ENVELOPE, **SIGN_IN)
    assert relay.verbs[4:] == ["MAIL"] + ["RCPT"] * number + ["BDAT", "QUIT"]
    assert report["message"]["queue_id"] == "C4UNK3D"
    assert relay.turns == 8


def test_signing_in_and_sending_in_implicit_tls_takes_seven(authority):
    options = {"recipients": recipients(3), "send": True, "tls": "implicit"}
    _report, relay = counted(authority, implicit=True, **options, **ENVELOPE, **SIGN_IN)
    assert relay.turns == 7
