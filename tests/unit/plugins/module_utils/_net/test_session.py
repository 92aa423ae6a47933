# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Octets between a socket and a protocol, where the socket does not take, or give, what it was said to.

from __future__ import annotations

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.datagrams import DatagramSession
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.loop import READ, WRITE
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.session import Session


class Sock:
    """Each call of send() and recv() has the next of these outcomes; what was taken is kept."""

    def __init__(self, *outcomes):
        self.outcomes, self.taken = list(outcomes), b""

    def _next(self):
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def send(self, data):
        room = self._next()
        self.taken += data[:room]
        return min(room, len(data))

    def recv(self, _size):
        return self._next()


class Speaker:
    """Says one thing, and keeps what it hears."""

    wants_tls = ended = False
    peer = "relay"

    def __init__(self):
        self.unsaid, self.heard, self.lost = b"a question", [], ""

    def begin(self, _now):
        pass

    def output(self, _now):
        said, self.unsaid = self.unsaid, b""
        return said

    def receive(self, data, _now):
        self.heard.append(data)
        self.ended = True

    def lose(self, text, _now):
        self.lost, self.ended = text, True


def session_over(kind, *outcomes):
    speaker, sock = Speaker(), Sock(*outcomes)
    return kind(sock, speaker, None, "", lambda: 0.0), speaker, sock


@pytest.mark.parametrize("kind", [Session, DatagramSession])
@pytest.mark.parametrize("full", [BlockingIOError(), InterruptedError()])
def test_what_a_full_socket_does_not_take_leaves_when_it_can(kind, full):
    session, speaker, sock = session_over(kind, full, 100)
    session.begin(0.0)
    assert (sock.taken, session.events) == (b"", READ | WRITE)
    session.ready(WRITE, 1.0)
    assert (sock.taken, session.events, speaker.lost) == (b"a question", READ, "")


def test_what_is_taken_in_part_leaves_whole():
    session, _speaker, sock = session_over(Session, 3, BlockingIOError(), 100)
    session.begin(0.0)
    assert (sock.taken, session.events) == (b"a q", READ | WRITE)
    session.ready(WRITE, 1.0)
    assert (sock.taken, session.events) == (b"a question", READ)


@pytest.mark.parametrize("kind", [Session, DatagramSession])
def test_a_socket_that_has_nothing_after_all_is_waited_for(kind):
    session, speaker, _sock = session_over(kind, 100, BlockingIOError())
    session.begin(0.0)
    session.ready(READ, 1.0)
    assert (speaker.heard, speaker.lost, speaker.ended, session.events) == ([], "", False, READ)


@pytest.mark.parametrize("kind", [Session, DatagramSession])
def test_a_connection_that_breaks_says_how(kind):
    session, speaker, _sock = session_over(kind, 100, ConnectionResetError(104, "Connection reset by peer"))
    session.begin(0.0)
    session.ready(READ, 1.0)
    assert speaker.lost == "the connection broke: connection reset by peer"


def test_a_system_that_refuses_to_send_leaves_what_was_said_before_to_be_read():
    session, speaker, _sock = session_over(Session, BrokenPipeError(), b"421 Too busy", BrokenPipeError())
    session.begin(0.0)
    session.ready(READ, 1.0)
    assert (speaker.heard, speaker.lost) == ([b"421 Too busy"], "")


def test_a_second_datagram_that_the_system_refuses_is_left_to_the_deadline():
    session, speaker, _sock = session_over(DatagramSession, BlockingIOError(), OSError(101, "Network is unreachable"))
    session.begin(0.0)
    session.ready(WRITE, 1.0)
    assert (session.events, speaker.lost, speaker.ended) == (READ, "", False)
