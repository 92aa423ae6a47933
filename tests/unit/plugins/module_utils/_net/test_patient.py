# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A relay that is silent is asked on a second connection whether it waits for TLS; the first one waits for its greeting.

from __future__ import annotations

import contextlib
import errno
import os
import socket
import threading

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.check import audit
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net import patient, race
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.attempts import Broken, Connected
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.text import Secrets
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.question import TlsQuestion
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.attempts import attempt_first
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.check import check
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.request import build_request
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.sweep import sweep
from ansible_collections.postmaster.mailcheck.tests.support.behaving import AGES, BehavingRelay

ALERT = b"\x15\x03\x01\x00\x02\x02\x46"
NO_GREETING = ("unreachable", "greeting", "no_greeting")
TLS_EXPECTED = ("failed", "greeting", "tls_expected")
PASSED = ("passed", "ehlo", None)

pytestmark = pytest.mark.usefixtures("nothing_is_left_over")


@pytest.fixture
def impatient(monkeypatch):
    """Silence is asked about at once, and the first connection has all the time that its test needs."""
    monkeypatch.setattr(patient, "PATIENCE", 0.05)


class Relay(BehavingRelay):
    """Each connection is met by the next of `behaviours`, the last one for good; `heard` is what each of them said."""

    def __init__(self, *behaviours):
        super().__init__(self.meet)
        self.behaviours, self.heard, self.clients = list(behaviours), [], []
        self.asked, self.left = threading.Event(), threading.Event()

    def meet(self, lines, say, sock):
        said = bytearray()
        self.heard.append(said)
        self.clients.append(sock.getpeername()[0])
        behave = self.behaviours.pop(0) if len(self.behaviours) > 1 else self.behaviours[0]
        behave(self, lines, say, sock, said)


def silent(_relay, lines, _say, _sock, said):
    said += lines.read()


def waits_for_tls(relay, lines, _say, sock, said):
    """What a port does that begins with TLS: whatever is no ClientHello draws an alert too."""
    first = sock.recv(65536)
    said += first
    if first:
        relay.asked.set()
        sock.sendall(ALERT)
        said += lines.read()
    relay.left.set()


def turns_away(relay, _lines, say, _sock, _said):
    """The limit of connections is one."""
    relay.asked.set()
    say("421 4.7.0 too many connections")


def hangs(relay, lines, _say, sock, said):
    said += sock.recv(65536)
    relay.asked.set()
    said += lines.read()
    relay.left.set()


def greets_once_asked(relay, lines, say, _sock, said):
    assert relay.asked.wait(AGES)
    say("220 relay.example.com ESMTP")
    for line in lines:
        said += line
        say("221 bye" if line.startswith(b"QUIT") else "250 relay.example.com")
        if line.startswith(b"QUIT"):
            return


def look(relay, **options):
    given = {"tls": "none", "ehlo_name": "client.example.org", "timeout": AGES, "port": relay.port, **options}
    return check("127.0.0.1", **given)


def outcome(report):
    return report["verdict"], report["stage"], report["failure"] and report["failure"]["cause"]


def is_client_hello(octets):
    """One record, and nothing after it."""
    return octets[:3] == b"\x16\x03\x01" and len(octets) == 5 + int.from_bytes(octets[3:5], "big") and octets[5] == 1


def test_a_port_that_waits_for_tls_is_found_and_the_first_connection_says_nothing():
    with Relay(waits_for_tls) as relay:
        report = look(relay, timeout=2.0)
    assert outcome(report) == TLS_EXPECTED
    assert report["failure"]["text"].endswith("answered a TLS handshake on a second connection")
    assert "Set tls: implicit" in report["failure"]["hint"]
    first, second = relay.heard
    assert first == b"" and is_client_hello(second)
    assert 2.0 <= report["timings"]["total"] < AGES  # all of its time
    assert [one["outcome"] for one in report["addresses_tried"]] == ["connected"]
    assert report["transcript"] == report["warnings"] == []
    assert report["tls"] is None


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("second", [waits_for_tls, turns_away, hangs])
def test_a_late_greeting_is_no_fault_whatever_was_heard_meanwhile(second):
    with Relay(greets_once_asked, second) as relay:
        report = look(relay)
    assert outcome(report) == PASSED
    assert report["warnings"] == []
    assert relay.heard[0] == b"EHLO client.example.org\r\nQUIT\r\n"
    assert relay.sessions == 2


@pytest.mark.usefixtures("impatient")
def test_the_second_connection_ends_with_the_silence(monkeypatch):
    ask = patient.PatientConnection._ask
    monkeypatch.setattr(patient.PatientConnection, "_ask", lambda self, where, _time: ask(self, where, AGES))

    def greets_and_waits(relay, lines, say, sock, said):
        assert relay.asked.wait(AGES)
        say("220 relay.example.com ESMTP")
        assert relay.left.wait(AGES)  # before a word more is heard of us
        say("250 relay.example.com")
        silent(relay, lines, say, sock, said)

    with Relay(greets_and_waits, hangs) as relay:
        report = look(relay, stop_after="ehlo")
    assert outcome(report) == PASSED


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("second", [silent, turns_away, hangs])
def test_what_is_no_answer_in_tls_leaves_silence_what_it_is(second):
    with Relay(silent, second) as relay:
        report = look(relay, timeout=0.5)
    assert outcome(report) == NO_GREETING
    assert relay.sessions == 2


@pytest.mark.usefixtures("impatient")
def test_a_second_connection_that_is_refused():
    def serve():
        sock, _peer = listener.accept()
        listener.close()
        with sock:
            heard.append(sock.recv(100))

    heard = []
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
        thread = threading.Thread(target=serve)
        thread.start()
        report = check("127.0.0.1", port=port, tls="none", timeout=0.5)
        thread.join(AGES)
    assert outcome(report) == NO_GREETING
    assert heard == [b""]
    assert [one["outcome"] for one in report["addresses_tried"]] == ["connected"]


@pytest.mark.usefixtures("impatient")
def test_no_descriptor_for_a_second_connection_costs_the_first_one_nothing(monkeypatch):
    connect, made = race.AddressRace._connect, []

    def once(self, *values):
        made.append(values)
        if len(made) > 1:
            relay.asked.set()
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        connect(self, *values)

    monkeypatch.setattr(race.AddressRace, "_connect", once)
    with Relay(greets_once_asked) as relay:
        report = look(relay)
    assert outcome(report) == PASSED
    assert (relay.sessions, len(made)) == (1, 2)


@pytest.mark.usefixtures("impatient")
def test_a_port_that_hangs_up_on_who_begins_no_tls():
    def hangs_up(relay, *_others):
        assert relay.left.wait(AGES)

    with Relay(hangs_up, waits_for_tls) as relay:
        report = look(relay)
    assert outcome(report) == TLS_EXPECTED


@pytest.mark.usefixtures("impatient")
def test_a_check_that_is_ended_says_so_whatever_was_heard():
    with Relay(waits_for_tls) as relay:
        hosts = ["127.0.0.1:%d" % relay.port]
        result = sweep(hosts, tls="none", timeout=AGES, deadline=0.5, details="all")
    assert outcome(result["endpoints"][0]) == ("failed", "greeting", "deadline_reached")
    assert relay.sessions == 2


@pytest.mark.usefixtures("impatient")
def test_it_comes_as_the_same_client():
    proxy = {"version": 1, "source_address": "192.0.2.7", "source_port": 4711, "destination_address": None}
    with Relay(silent, hangs) as relay:
        look(
            relay,
            timeout=0.5,
            source_address="127.0.0.9",
            proxy_protocol=dict(proxy, destination_port=25),
            tls="starttls",
        )
    first, second = relay.heard
    assert first == b"PROXY TCP4 192.0.2.7 127.0.0.1 4711 25\r\n"
    assert second.startswith(first) and is_client_hello(second[len(first) :])
    assert relay.clients == ["127.0.0.9"] * 2


@pytest.mark.usefixtures("impatient")
def test_it_takes_a_slot_of_the_relays_or_none():
    with Relay(silent) as relay:
        hosts = ["127.0.0.1:%d" % relay.port]
        sweep(hosts, tls="none", timeout=0.5, connections_per_relay=1)
        assert relay.sessions == relay.most == 1
        sweep(hosts * 3, tls="none", timeout=0.5, connections_per_relay=2)
        assert relay.most == 2


@pytest.mark.usefixtures("impatient")
def test_an_audit_makes_none():
    with Relay(silent) as relay:
        audit("127.0.0.1", port=relay.port, timeout=0.5)
    assert relay.sessions == 1


@pytest.mark.parametrize(
    "host, options, expected",
    [
        ("relay.example.com", {"port": 587}, True),
        ("relay.example.com", {"port": 24, "protocol": "lmtp"}, True),
        ("relay.example.com", {"port": 2525, "tls": "none"}, True),
        ("relay.example.com", {"port": 25}, False),
        ("relay.example.com", {"port": 465}, False),
        ("relay.example.com", {"port": 587, "tls": "implicit"}, False),
        ("/run/dovecot/lmtp", {"protocol": "lmtp"}, False),
    ],
)
def test_where_silence_is_asked_about(host, options, expected):
    wanted = build_request(host, options, 0.0)
    (attempt,) = next(attempt_first(wanted.endpoint, wanted.actions, Secrets()), ())
    assert (attempt.if_silent is not None) is expected


def test_many_that_greet_late_pass_with_two_connections_each(monkeypatch):
    """So do healthy relays with a greet delay: it is longer than our patience, and shorter than the attempt's time."""
    monkeypatch.setattr(patient, "PATIENCE", 0.2)
    with contextlib.ExitStack() as stack:
        relays = [stack.enter_context(Relay(greets_once_asked, hangs)) for _index in range(30)]
        result = sweep(["127.0.0.1:%d" % relay.port for relay in relays], tls="none", timeout=AGES)
    assert result["summary"]["verdicts"] == {"passed": 30}
    assert [relay.sessions for relay in relays] == [2] * 30


@pytest.mark.parametrize("ends", ["lose", "time_out", "break_off"])
def test_what_ends_without_an_answer_is_no_tls(ends):
    question = TlsQuestion("relay", "relay.example.com", b"", Connected("192.0.2.1", None, 0.0, 5.0))
    why = {"lose": "it hung up", "break_off": Broken("interrupted", "the check was stopped")}.get(ends)
    getattr(question, ends)(*filter(None, [why]), 1.0)
    assert (question.ended, question.facts) == (True, False)
