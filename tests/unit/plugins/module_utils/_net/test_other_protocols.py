# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The driver carries any conversation: here the echo service (RFC 862), over TCP and over UDP. A client of it asks
# its questions one after the other, and goes on when a question has come back.

from __future__ import annotations

import contextlib
import gc
import socket
import socketserver
import threading
import time
import weakref
from functools import partial

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.attempts import Attempt
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.datagrams import DatagramSession
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.driver import Driver, Limits
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.names import Address
from ansible_collections.postmaster.mailcheck.tests.support.ports import free_port

# Far more than any of this takes, on any machine: who waits for so long has failed.
AGES = 20.0

pytestmark = pytest.mark.usefixtures("nothing_is_left_over")
over_both = pytest.mark.parametrize("datagrams", [False, True], ids=["TCP", "UDP"])


class Echo:
    """A client's side. With `patience`, a question that has not come back for so long is asked again."""

    peer = "echo service"
    silent = False
    wants_tls = False
    decided_at = None

    def __init__(self, questions, connected, patience=None):
        self.facts = {"came_back": [], "end": None}
        self.deadline = self._last_deadline = connected.deadline
        self.ended = False
        self._questions, self._patience = iter(questions), patience
        self._question = self._unsent = self._received = b""

    def begin(self, now):
        self._ask(next(self._questions), now)

    def _ask(self, question, now):
        self._question = self._unsent = question
        if self._patience:
            self.deadline = min(now + self._patience, self._last_deadline)

    def output(self, _now):
        unsent, self._unsent = self._unsent, b""
        return unsent

    def receive(self, data, now):
        self._received += data
        if self._received == self._question:
            self.facts["came_back"].append(self._received)
            self._received, question = b"", next(self._questions, None)
            if question is None:
                self.ended = True
            else:
                self._ask(question, now)
        elif not self._question.startswith(self._received):
            raise ValueError("tanstaaftanstaaf")

    def time_out(self, now):
        if now < self._last_deadline:
            self._ask(self._question, now)
        else:
            self._end("nothing came back")

    def lose(self, text, _now):
        self._end(text)

    def break_off(self, broken, _now):
        self._end(broken.cause)

    def _end(self, how):
        self.ended, self.facts["end"] = True, how


class Server:
    """Listens on a loopback address; `behave(handler)` serves one connection, or one datagram."""

    def __init__(self, behave, datagrams, host="127.0.0.1", port=0):
        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                with contextlib.suppress(OSError):
                    behave(self)

        kind = socketserver.ThreadingUDPServer if datagrams else socketserver.ThreadingTCPServer
        self.server = kind((host, port), Handler)
        self.port = self.server.server_address[1]

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), name="relay")
        self.thread.start()
        return self

    def __exit__(self, *_error):
        self.server.shutdown()
        self.thread.join(AGES)
        self.server.server_close()


def echo(handler):
    if isinstance(handler.request, tuple):  # a datagram, and the socket it came to
        data, sock = handler.request
        sock.sendto(data, handler.client_address)
        return
    while True:
        data = handler.request.recv(1024)
        if not data:
            return
        handler.request.sendall(data)


def silent(handler):
    if not isinstance(handler.request, tuple):
        handler.request.recv(1024)  # the question
        handler.request.recv(1024)  # the end of the connection


def attempt(port, datagrams, questions=(b"one\n", b"two\n"), make_protocol=None, host="127.0.0.1", **given):
    given = dict({"timeout": AGES, "connect_timeout": AGES}, **given)
    make_protocol = make_protocol or partial(Echo, questions)
    return Attempt(make_protocol, host, port, datagrams=DatagramSession if datagrams else None, **given)


def run(*attempts, limits=Limits(), addresses=()):  # noqa: B008
    """Return the outcomes of attempts made side by side. Every name has `addresses`."""

    def plan():
        return (yield attempts)

    driver = Driver(
        limits, look_up=lambda _host, port, _family: [Address(socket.AF_INET, (a, port)) for a in addresses]
    )
    ((_key, outcomes),) = driver.run(iter([("all", plan())]))
    return outcomes


def tried(outcome):
    return [(address.address, address.outcome) for address in outcome.addresses]


@over_both
def test_what_is_asked_comes_back(datagrams):
    with Server(echo, datagrams) as server:
        (outcome,) = run(attempt(server.port, datagrams, source_address="127.0.0.3"))
    assert outcome.broken is None
    assert outcome.facts == {"came_back": [b"one\n", b"two\n"], "end": None}
    assert (outcome.address, outcome.local_address) == ("127.0.0.1", "127.0.0.3")
    assert tried(outcome) == [("127.0.0.1", "connected")]
    assert set(outcome.timings) == {"resolve", "connect", "total"}
    assert 0 < outcome.timings["connect"] <= outcome.timings["total"] <= outcome.finished - outcome.started < AGES


@over_both
def test_the_maker_is_told_of_the_connection(datagrams):
    told = []

    def make_protocol(connected):
        told.append(connected)
        return Echo([b"?"], connected)

    with Server(echo, datagrams) as server:
        (outcome,) = run(attempt(server.port, datagrams, make_protocol=make_protocol, timeout=7.0))
    assert [(one.address, one.local_address, one.started) for one in told] == [
        ("127.0.0.1", "127.0.0.1", outcome.started)
    ]
    assert told[0].deadline == outcome.started + 7.0


@over_both
def test_the_first_address_refuses(datagrams):
    """Over UDP that is ICMP's word for a datagram to a port where nobody listens."""
    with Server(echo, datagrams, "127.0.0.2", free_port()) as server:
        (outcome,) = run(attempt(server.port, datagrams, host="echo.example"), addresses=["127.0.0.1", "127.0.0.2"])
    assert outcome.facts["came_back"] == [b"one\n", b"two\n"]
    assert outcome.address == "127.0.0.2"
    assert tried(outcome) == [("127.0.0.1", "connection_refused"), ("127.0.0.2", "connected")]


def test_an_address_that_answers_no_datagram_is_overtaken():
    with Server(echo, True, "127.0.0.2", free_port()) as server, Server(silent, True, port=server.port):
        (outcome,) = run(attempt(server.port, True, host="echo.example"), addresses=["127.0.0.1", "127.0.0.2"])
    assert outcome.facts["came_back"] == [b"one\n", b"two\n"]
    assert sorted(tried(outcome)) == [("127.0.0.1", "overtaken"), ("127.0.0.2", "connected")]


@over_both
def test_every_address_refuses(datagrams):
    port = free_port()
    (outcome,) = run(attempt(port, datagrams, host="echo.example"), addresses=["127.0.0.1", "127.0.0.2"])
    assert outcome.facts is None
    assert (outcome.broken.stage, outcome.broken.cause) == ("connect", "connection_refused")
    assert outcome.broken.text == "127.0.0.1: connection refused, 127.0.0.2: connection refused"


@over_both
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_connection_that_is_over_is_let_go_of_at_once(datagrams, host):
    """One that waited for the collector of garbage would keep its octets, and cost every check that follows."""
    kept = []

    class Kept(Echo):
        def __init__(self, questions, connected):
            super().__init__(questions, connected)
            kept.append(weakref.ref(self))

    gc.disable()
    try:
        with Server(echo, datagrams) as server:
            before = threading.enumerate()
            run(
                attempt(server.port, datagrams, make_protocol=partial(Kept, (b"one\n",)), host=host),
                addresses=["127.0.0.1"],
            )
        for thread in threading.enumerate():
            if thread not in before:  # who has looked the name up holds on to what was asked until it ends
                thread.join(AGES)
        assert kept
        assert [one() for one in kept if one() is not None] == []
    finally:
        gc.enable()


@pytest.mark.parametrize("limit", ["timeout", "connect_timeout"])
def test_a_datagram_that_nobody_answers(limit):
    with Server(silent, True) as server:
        (outcome,) = run(attempt(server.port, True, **{limit: 0.2}))
    assert outcome.facts is None
    assert (outcome.broken.stage, outcome.broken.cause) == ("connect", "connection_timed_out")
    assert 0.2 <= outcome.timings["total"] < AGES


@over_both
def test_the_deadline_ends_a_conversation(datagrams):
    def once(handler):
        if datagrams and handler.request[0] == b"one\n":
            echo(handler)
        elif not datagrams:
            handler.request.sendall(handler.request.recv(1024))
            silent(handler)

    with Server(once, datagrams) as server:
        (outcome,) = run(attempt(server.port, datagrams, timeout=1.0))
    assert outcome.broken is None
    assert outcome.facts == {"came_back": [b"one\n"], "end": "nothing came back"}
    assert 1.0 <= outcome.timings["total"] < AGES


def test_a_plan_that_wants_nothing_goes_on():
    def plan():
        assert (yield ()) == ()
        return "done"

    driver = Driver(Limits())
    assert dict(driver.run(iter([("one", plan())]), driver.clock() + AGES)) == {"one": "done"}


def test_the_driver_s_deadline_leaves_what_was_learned():
    with Server(silent, False) as server:
        driver = Driver(Limits())

        def plan():
            return (yield (attempt(server.port, False),))

        ((_key, (outcome,)),) = driver.run(iter([("one", plan())]), driver.clock() + 0.2)
    assert outcome.facts == {"came_back": [], "end": "deadline_reached"}


def test_a_protocol_may_ask_again():
    """The second question gets lost the first time; the deadline that has come was not the last one."""
    lost = []

    def lossy(handler):
        if handler.request[0] == b"two\n" and not lost:
            lost.append(True)
        else:
            echo(handler)

    with Server(lossy, True) as server:
        patient = partial(Echo, (b"one\n", b"two\n"), patience=0.2)
        (outcome,) = run(attempt(server.port, True, make_protocol=patient))
    assert lost
    assert outcome.facts == {"came_back": [b"one\n", b"two\n"], "end": None}


@over_both
def test_each_target_has_its_share_and_no_more(datagrams):
    under_way, most, both_asked = set(), [], threading.Barrier(2)

    class Counted(Echo):
        def begin(self, now):
            under_way.add(self)
            most.append(len(under_way))
            super().begin(now)

        def receive(self, data, now):
            super().receive(data, now)
            if self.ended:
                under_way.discard(self)

    def in_pairs(handler):
        with contextlib.suppress(threading.BrokenBarrierError):
            both_asked.wait(AGES)
        echo(handler)

    with Server(in_pairs, datagrams) as server:
        one = attempt(server.port, datagrams, make_protocol=partial(Counted, [b"?"]))
        outcomes = run(*[one] * 8, limits=Limits(per_target=2))
    assert [outcome.facts["came_back"] for outcome in outcomes] == [[b"?"]] * 8
    assert max(most) == 2


@over_both
def test_a_fault_in_a_maker_is_that_attempt_s_outcome(datagrams):
    def faulty(_connected):
        raise ZeroDivisionError("tanstaaftanstaaf")

    with Server(echo, datagrams) as server:
        good = attempt(server.port, datagrams)
        outcomes = run(good, attempt(server.port, datagrams, make_protocol=faulty), good)
    assert [outcome.broken is None for outcome in outcomes] == [True, False, True]
    assert outcomes[0].facts == outcomes[2].facts == {"came_back": [b"one\n", b"two\n"], "end": None}
    assert outcomes[1].facts is None
    broken = outcomes[1].broken
    assert (broken.stage, broken.cause) == ("connect", "internal_error")
    assert broken.text.startswith("ZeroDivisionError at test_other_protocols.py:")


@over_both
def test_a_fault_in_a_protocol_keeps_what_was_learned(datagrams):
    """The protocol alone knows at which stage it was."""

    def garble(handler):
        if datagrams:
            data, sock = handler.request
            sock.sendto(data if data == b"one\n" else b"?", handler.client_address)
        else:
            handler.request.sendall(handler.request.recv(1024))
            handler.request.recv(1024)
            handler.request.sendall(b"?")

    with Server(garble, datagrams) as server:
        (outcome,) = run(attempt(server.port, datagrams))
    assert outcome.facts == {"came_back": [b"one\n"], "end": None}
    assert (outcome.broken.stage, outcome.broken.cause) == (None, "internal_error")
    assert outcome.broken.text.startswith("ValueError at test_other_protocols.py:")


def test_a_peer_that_hangs_up_in_the_middle():
    def hang_up(handler):
        handler.request.sendall(handler.request.recv(1024)[:2])

    with Server(hang_up, False) as server:
        (outcome,) = run(attempt(server.port, False))
    assert outcome.broken is None
    assert outcome.facts == {"came_back": [], "end": "the echo service closed the connection"}


def test_a_peer_that_is_gone_after_its_first_datagram():
    def answer_and_go(sock):
        question, client = sock.recvfrom(1024)
        sock.sendto(question, client)
        sock.recvfrom(1024)
        sock.close()

    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(AGES)
        thread = threading.Thread(target=answer_and_go, args=(sock,), name="relay")
        thread.start()
        patient = partial(Echo, (b"one\n", b"two\n"), patience=0.1)
        (outcome,) = run(attempt(sock.getsockname()[1], True, make_protocol=patient))
        thread.join(AGES)
    assert outcome.facts == {"came_back": [b"one\n"], "end": "the connection broke: connection refused"}


def test_datagrams_from_elsewhere_are_not_heard():
    """They would be answers that the protocol takes for a fault; and an answer may come in several datagrams."""

    def interrupted(handler):
        question, sock = handler.request
        with socket.socket(type=socket.SOCK_DGRAM) as other:
            other.bind(("127.0.0.2", 0))
            other.sendto(b"forged", handler.client_address)
        for octet in question:
            sock.sendto(bytes((octet,)), handler.client_address)

    with Server(interrupted, True) as server:
        (outcome,) = run(attempt(server.port, True))
    assert outcome.broken is None
    assert outcome.facts["came_back"] == [b"one\n", b"two\n"]


def test_the_time_that_others_wait_is_not_an_attempt_s_own():
    """One that is silent takes its target's only slot; the next one's time begins with its own turn."""
    with Server(silent, False) as server:
        outcomes = run(*[attempt(server.port, False, timeout=0.2)] * 2, limits=Limits(per_target=1))
    assert [outcome.facts["end"] for outcome in outcomes] == ["nothing came back"] * 2
    assert outcomes[1].started >= outcomes[0].started + 0.2


def test_a_look_up_is_handed_in_and_told_what_is_asked():
    asked = []

    def look_up(*question):
        asked.append(question)
        return [Address(socket.AF_INET, ("127.0.0.1", question[1]))]

    def plan():
        return (yield (attempt(server.port, False, host="echo.example", address_family="ipv4"),))

    with Server(echo, False) as server:
        ((_key, (outcome,)),) = Driver(Limits(), time.monotonic, look_up).run(iter([("one", plan())]))
    assert asked == [("echo.example", server.port, "ipv4")]
    assert outcome.facts["end"] is None
