# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# One query and its reply: datagrams over loopback at the test's own clock, and the octets of a stream.

from __future__ import annotations

import errno
import socket
import types

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.attempts import Broken
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns import exchange, messages
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.exchange import DatagramExchange, NoReply
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.loop import Loop
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.names import look_up

QUERY = messages.query(messages.name_octets("mail.example"), "MX", 0x1234)
REPLY = QUERY[:2] + b"\x80" + QUERY[3:]
UNFIT = b"\x12\x35" + REPLY[2:]


class Peer:
    """A server's socket, and a loop in which it is what the test says."""

    def __init__(self):
        self.now = 100.0
        self.loop = Loop(lambda: self.now)
        self.sock = socket.socket(type=socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.heard = []

    def ask(self, timeout=2.0):
        (server,) = look_up(*self.sock.getsockname(), "any")
        return DatagramExchange(self.loop, server, QUERY, timeout, self.heard.append)

    def say(self, *replies):
        """Let datagrams arrive: they have when one to ourselves is there that was sent after them."""
        query, client = self.sock.recvfrom(1000)
        assert query == QUERY
        for reply in replies:
            self.sock.sendto(reply, client)
        self.sock.sendto(b"", self.sock.getsockname())
        self.sock.recv(1)

    def turn(self, seconds=0.0):
        self.now += seconds
        self.loop.turn(False)


@pytest.fixture
def peer(nothing_is_left_over):
    one = Peer()
    yield one
    one.sock.close()
    one.loop.close()


def test_a_reply(peer):
    peer.ask()
    peer.say(REPLY, REPLY)
    peer.turn(1.0)
    assert peer.heard == [REPLY]
    peer.turn(9.0)
    assert peer.heard == [REPLY]


def test_what_does_not_fit_is_passed_over(peer):
    peer.ask()
    peer.say(UNFIT, REPLY)
    peer.turn()
    assert peer.heard == []
    peer.turn()
    assert peer.heard == [REPLY]


@pytest.mark.parametrize(
    ("unfit", "text"),
    [(0, "no answer"), (1, "no answer, but 1 that do not fit the question,"), (2, "no answer, but 2 that do not fit the question,")],
)  # fmt: skip
def test_the_time_is_over_when_it_is(peer, unfit, text):
    peer.ask(timeout=2.0)
    peer.say(*[UNFIT] * unfit)
    peer.turn(1.99)
    assert peer.heard == []
    peer.turn(0.01)
    assert peer.heard == [NoReply(text, True)]


@pytest.mark.parametrize("unfit", [0, 1, 99])
def test_what_has_come_in_time_counts_though_we_come_to_it_late(peer, unfit):
    """In one turn the timer is due first: nobody has looked at the socket."""
    asked = peer.ask()
    peer.say(*[UNFIT] * unfit, REPLY)
    asked._time_out()
    assert peer.heard == [REPLY]


def test_a_flood_of_what_does_not_fit_does_not_stretch_the_time(peer):
    asked = peer.ask()
    peer.say(*[UNFIT] * 100, REPLY)
    asked._time_out()
    assert peer.heard == [NoReply("no answer, but 100 that do not fit the question,", True)]


def test_what_is_closed_hears_nothing(peer):
    asked = peer.ask()
    peer.say(REPLY)
    asked.close()
    asked.close()
    asked._ready(0, 0.0)  # the loop had seen it in the same turn
    peer.turn(9.0)
    assert peer.heard == []


def test_a_port_where_nothing_listens(peer):
    """RFC 1122 4.1.3.3: what ICMP says of it is told."""
    (server,) = look_up(*peer.sock.getsockname(), "any")
    peer.sock.close()
    DatagramExchange(peer.loop, server, QUERY, 2.0, peer.heard.append)
    peer.loop.turn(True)
    peer.turn(9.0)
    assert peer.heard == [NoReply("connection refused", True)]


@pytest.mark.parametrize(
    ("error", "text", "dead"),
    [
        (OSError(errno.ENETUNREACH, "Network is unreachable"), "network is unreachable", True),
        (OSError(errno.ENFILE, "Too many open files in system"), "too many open files in system", False),
        (OSError(errno.ENOBUFS, "No buffer space available"), "no buffer space available", False),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "cannot allocate memory", False),
        (OSError(), "unknown reason", True),
    ],
)
def test_a_query_that_cannot_be_sent(peer, monkeypatch, error, text, dead):
    """Whoever has begun it is told by the loop, once; a shortage of this host's is not the server's fault."""

    def fail(*_kind):
        raise error

    server = look_up("127.0.0.1", 53, "any")[0]
    monkeypatch.setattr(exchange.socket, "socket", fail)
    DatagramExchange(peer.loop, server, QUERY, 2.0, peer.heard.append)
    assert peer.heard == []
    peer.turn()
    peer.turn(9.0)
    assert peer.heard == [NoReply(text, dead)]


# By TCP: each message after its length in two octets (RFC 1035 4.2.2)


def stream():
    return exchange._Stream(QUERY, types.SimpleNamespace(deadline=107.0))


def framed(message):
    return bytes([0, len(message)]) + message


def test_the_query_goes_out_once():
    speaker = stream()
    assert (speaker.deadline, speaker.output(0.0), speaker.output(0.0)) == (107.0, framed(QUERY), b"")


@pytest.mark.parametrize("more", [0, 1, 2, 3, 256])
def test_a_reply_is_whole_with_its_last_octet(more):
    speaker, reply = stream(), REPLY + bytes(more)
    for octet in len(reply).to_bytes(2, "big") + reply:
        assert (speaker.ended, speaker.facts) == (False, "")
        speaker.receive(bytes([octet]), 0.0)
    assert (speaker.ended, speaker.facts) == (True, reply)


def test_the_first_reply_that_fits_counts():
    speaker = stream()
    speaker.receive(framed(b"") + framed(UNFIT) + framed(REPLY) + framed(REPLY + b"more"), 0.0)
    assert speaker.facts == REPLY


@pytest.mark.parametrize("how, text", [
    (lambda speaker: speaker.lose("the server closed the connection", 0.0), "the server closed the connection"),
    (lambda speaker: speaker.time_out(0.0), ""),
    (lambda speaker: speaker.break_off(Broken("connection_lost", "connection reset"), 0.0), "connection reset"),
])  # fmt: skip
def test_a_stream_that_ends_without_a_reply(how, text):
    speaker = stream()
    speaker.receive(framed(REPLY)[:-1], 0.0)
    how(speaker)
    assert (speaker.ended, speaker.facts) == (True, text)


def test_a_name_server_is_spoken_to_first_and_without_tls():
    assert (exchange._Stream.silent, exchange._Stream.wants_tls) == (False, False)
