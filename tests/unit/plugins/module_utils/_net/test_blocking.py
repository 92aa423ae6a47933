# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A connection for a client that blocks: which address is taken, what ends a wait, how much is taken.

from __future__ import annotations

import socket
import threading
import time

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net import blocking
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.attempts import Broken
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.blocking import BlockingSession, dial
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.names import Address, ResolveError
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.model import TlsFailure
from ansible_collections.postmaster.mailcheck.tests.support.ports import free_port

AGES = 20.0


@pytest.fixture
def knows(monkeypatch):
    """Let the resolver know these addresses, or answer with this error."""

    def answer(*found):
        def look_up(_host, _port, _family):
            if isinstance(found[0], Exception):
                raise found[0]
            return [Address(socket.AF_INET, one) for one in found]

        monkeypatch.setattr(blocking, "look_up", look_up)

    return answer


@pytest.fixture
def listener():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen(5)
        yield sock


def reach(host="mail.example.com", **more):
    now = time.monotonic()
    given = {
        "port": 143,
        "address_family": "any",
        "source_address": None,
        "connect_timeout": 5.0,
        "deadline": now + AGES,
    }
    tried = []
    return dial(host=host, clock=time.monotonic, tried=tried, **{**given, **more}), tried


def test_the_first_address_that_answers_is_taken(knows, listener):
    dead = ("127.0.0.1", free_port())
    knows(dead, listener.getsockname())
    sock, tried = reach()
    sock.close()
    assert [one.outcome for one in tried] == ["connection_refused", "connected"]


def test_where_none_answers_the_failure_says_why(knows):
    knows(("127.0.0.1", free_port()))
    with pytest.raises(Broken) as broken:
        reach()
    assert (broken.value.cause, broken.value.stage) == ("connection_refused", "connect")


@pytest.mark.parametrize("cause", ["name_not_found", "name_server_failed"])
def test_a_name_that_gives_no_address(knows, cause):
    knows(ResolveError(cause, "the system's words"))
    with pytest.raises(Broken) as broken:
        reach()
    assert (broken.value.cause, broken.value.stage, broken.value.text) == (cause, "resolve", "the system's words")


def test_a_resolver_that_hangs_keeps_nobody_beyond_the_deadline(monkeypatch):
    over = threading.Event()
    monkeypatch.setattr(blocking, "look_up", lambda *_asked: over.wait(AGES) and [])
    with pytest.raises(Broken) as broken:
        reach(deadline=time.monotonic() + 0.05)
    over.set()
    assert broken.value.cause == "name_server_failed"


def test_an_address_of_another_family_than_source_address(knows):
    knows(("127.0.0.1", 1))
    with pytest.raises(Broken) as broken:
        reach(source_address="::1")
    assert broken.value.cause == "no_address_of_family"


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    session = BlockingSession(ours, time.monotonic)
    session.deadline = time.monotonic() + AGES
    session.allow(1000, 10)
    with ours, theirs:
        yield session, theirs


def cause_of(call):
    with pytest.raises(Broken) as broken:
        call()
    return broken.value.cause


def test_lines_and_octets_come_as_they_are_asked_for(pair):
    session, peer = pair
    peer.sendall(b"one\r\ntwo\nthree")
    assert (session.readline(), session.readline(), session.read(5)) == (b"one\r\n", b"two\n", b"three")
    peer.sendall(b"four")
    assert session.read(4) == b"four"


def test_a_line_has_an_end_somewhere(pair):
    session, peer = pair
    peer.sendall(b"x" * 500)
    assert cause_of(lambda: session.readline(limit=100)) == "protocol_violation"


def test_more_than_is_allowed_is_not_taken(pair):
    session, peer = pair
    peer.sendall(b"x" * 2000)
    assert cause_of(session.readline) == "protocol_violation"


def test_more_lines_than_are_allowed_are_not_taken(pair):
    session, peer = pair
    peer.sendall(b"\n" * 11)
    assert [session.readline() for _line in range(10)] == [b"\n"] * 10
    assert cause_of(session.readline) == "protocol_violation"


def test_what_is_announced_beyond_the_bound_is_not_waited_for(pair):
    session, _peer = pair
    assert cause_of(lambda: session.read(5000)) == "protocol_violation"


def test_silence_ends_at_the_deadline(pair):
    session, _peer = pair
    session.deadline = time.monotonic() + 0.05
    assert cause_of(session.readline) == "timed_out"


def test_a_peer_that_leaves(pair):
    session, peer = pair
    peer.close()
    assert cause_of(session.readline) == "connection_lost"


def test_a_wait_can_be_broken_off(pair):
    session, _peer = pair
    threading.Timer(0.05, session.interrupt).start()
    assert cause_of(session.readline) == "connection_lost"


def test_what_is_closed_already_can_be_broken_off(pair):
    session, _peer = pair
    session.close()
    session.interrupt()
    assert cause_of(session.readline) == "connection_lost"


def test_a_peer_that_takes_nothing_ends_with_the_deadline(pair):
    session, _peer = pair
    session.deadline = time.monotonic()
    assert cause_of(lambda: session.send(b"x" * (1 << 24))) == "timed_out"


def test_a_system_that_acknowledges_as_it_likes_is_spoken_to_all_the_same(pair, monkeypatch):
    monkeypatch.setattr(blocking, "_QUICK_ACK", None)
    session, peer = pair
    session.send(b"NOOP\r\n")
    assert peer.recv(100) == b"NOOP\r\n"


def test_no_address_is_tried_when_the_time_is_up():
    with pytest.raises(Broken) as broken:
        reach("127.0.0.1", deadline=time.monotonic())
    assert (broken.value.cause, broken.value.stage) == ("connection_timed_out", "connect")


def test_the_source_address_is_the_callers(listener):
    sock, _tried = reach("127.0.0.1", port=listener.getsockname()[1], source_address="127.0.0.3")
    with sock:
        peer, address = listener.accept()
        peer.close()
    assert address[0] == "127.0.0.3"


class FakeChannel:
    """TLS that has been agreed: what comes in may be an alert, or the end of the session."""

    closed = False

    def __init__(self, alert=None):
        self.alert = alert

    def feed(self, data):
        self.closed = data == b"close_notify"

    def read(self):
        if self.alert:
            raise self.alert
        return b""

    def output(self):
        return b""


@pytest.mark.parametrize(
    "alert, cause, stage",
    [
        (None, "connection_lost", None),
        (TlsFailure("client_certificate_required", "alert 116"), "client_certificate_required", "tls"),
        (TlsFailure("connection_lost", "the TLS session broke"), "connection_lost", None),
    ],
)
def test_a_tls_session_that_ends(pair, alert, cause, stage):
    """RFC 8446 6: by close_notify, or by an alert, which in TLS 1.3 may be about our certificate."""
    session, peer = pair
    session._channel = FakeChannel(alert)
    peer.sendall(b"close_notify")
    with pytest.raises(Broken) as broken:
        session.readline()
    assert (broken.value.cause, broken.value.stage) == (cause, stage)
