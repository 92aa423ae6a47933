# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The way of one question from server to server, at the test's own clock: what is sent where, and for how long.

from __future__ import annotations

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns import lookup
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns import server as server_module
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.exchange import NO_ANSWER, NoReply
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.lookup import LookUp
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.model import Question
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.server import Server
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.servers import NameServer

MAIL = Question("mail.example", "MX")
SILENCE = NoReply(NO_ANSWER, True)
ONE, TWO, THREE = "192.0.2.1", "192.0.2.2", "192.0.2.3"


class Sent:
    """A query on its way: to whom, how, for how many seconds."""

    def __init__(self, address, stream, octets, timeout, heard):
        self.address, self.stream, self.timeout, self.heard = address, stream, timeout, heard
        self.query = dns.message.from_wire(octets)
        self.closed = False

    def close(self):
        self.closed = True

    def is_answered(self, rcode="NOERROR", flags=dns.flags.RA, errors=()):
        """Let a reply arrive: with a record, if it is no error."""
        reply = dns.message.make_response(self.query)
        reply.flags |= flags
        reply.set_rcode(dns.rcode.from_text(rcode))
        if rcode == "NOERROR":
            reply.answer = [dns.rrset.from_text("mail.example.", 60, "IN", "MX", "10 a.example.")]
        if errors:
            reply.use_edns(0, options=[dns.edns.EDEOption(code) for code in errors])
        self.heard(reply.to_wire())

    @property
    def how(self):
        """To whom, and what is unusual about it: without EDNS, CD, TCP."""
        words = [("plain", self.query.edns < 0), ("CD", self.query.flags & dns.flags.CD), ("TCP", self.stream)]
        return " ".join([self.address, *(word for word, said in words if said)])


class Network:
    """What look-ups see of the world: a clock that stands still unless told, and exchanges that the test ends."""

    def __init__(self):
        self.now = 2.0
        self.sent = []
        self.servers = {}

    def clock(self):
        return self.now

    def datagram(self, _loop, server, octets, timeout, heard):
        return self._send(server.sockaddr[0], False, octets, timeout, heard)

    def stream(self, _loop, _names, host, _port, octets, timeout, heard):
        return self._send(host, True, octets, timeout, heard)

    def _send(self, *how):
        self.sent.append(Sent(*how))
        return self.sent[-1]

    def look_up(self, *addresses, question=MAIL, timeout=8.0, told=None):
        """Begin one; return the list that takes the answer, who gave it, and the SERVFAIL before."""
        told = [] if told is None else told
        for address in addresses:
            self.servers.setdefault(address, Server(NameServer(address), lambda _server: None))
        asked = [self.servers[address] for address in addresses]
        looking = LookUp(self, None, timeout, question, asked, lambda *end: told.append(end))
        looking.begin()
        return looking, told

    def after(self, seconds):
        """Let time go by; return the query that was sent last."""
        self.now += seconds
        return self.sent[-1]


@pytest.fixture
def network(monkeypatch):
    world = Network()
    monkeypatch.setattr(lookup, "DatagramExchange", world.datagram)
    monkeypatch.setattr(lookup, "StreamExchange", world.stream)
    return world


@pytest.fixture
def one_at_once(monkeypatch):
    monkeypatch.setattr(server_module, "MOST_AT_ONCE", 1)


def reason(told):
    ((_look_up, answer, server, _complaint),) = told
    assert (answer.state, server) == ("not_determined", None)
    return answer.reason


# Time


def test_each_server_is_asked_twice_for_an_equal_share_of_the_time(network):
    _looking, told = network.look_up(ONE, TWO, THREE, timeout=15.0)
    for number in range(6):
        assert (len(network.sent), told) == (number + 1, [])
        network.after(2.5).heard(SILENCE)
    assert [sent.how for sent in network.sent] == [ONE, TWO, THREE] * 2
    assert [sent.timeout for sent in network.sent] == [2.5] * 6
    assert reason(told) == ("no answer from %s; no answer from %s; no answer from %s within 15 s" % (ONE, TWO, THREE))


def test_what_a_visit_leaves_over_is_nobody_s(network):
    network.look_up(ONE, TWO, timeout=9.0)
    network.after(0.5).heard(SILENCE)
    assert network.after(0.0).timeout == 2.25


def test_a_visit_of_several_queries_has_no_more_than_what_is_left(network):
    _looking, told = network.look_up(ONE, timeout=4.0)
    network.after(1.5).is_answered("SERVFAIL")
    assert network.after(0.0).timeout == 2.0
    network.after(2.0).is_answered(flags=dns.flags.RA | dns.flags.TC)
    assert (network.after(0.0).how, network.sent[-1].timeout) == (ONE + " CD TCP", 0.5)
    assert told == []


@pytest.mark.parametrize("late", [0.0, 0.25, 2.0])
def test_a_visit_whose_time_is_over_goes_no_further(network, late):
    _looking, told = network.look_up(ONE, timeout=4.0)
    network.after(4.0 + late).is_answered(flags=dns.flags.RA | dns.flags.TC)
    assert len(network.sent) == 1
    assert reason(told) == "no answer from %s within 4 s" % ONE


@pytest.mark.parametrize(("took", "more"), [(3.5, True), (4.0, False), (4.25, False), (6.0, False)])
def test_the_time_of_all_visits_is_what_there_is(network, took, more):
    _looking, told = network.look_up(ONE, TWO, timeout=4.0)
    network.after(took).is_answered("REFUSED")
    if more:
        assert ([sent.how for sent in network.sent], network.sent[1].timeout, told) == ([ONE, TWO], 0.5, [])
    else:
        assert reason(told) == "REFUSED from %s" % ONE  # nothing is said of whom nobody has asked


def test_a_second_visit_has_what_the_first_has_left(network):
    network.look_up(ONE, TWO, timeout=4.0)
    network.after(1.0).heard(SILENCE)
    network.after(2.75).heard(SILENCE)
    assert (network.sent[-1].how, network.sent[-1].timeout) == (ONE, 0.25)


@pytest.mark.usefixtures("one_at_once")
def test_the_time_of_waiting_for_a_turn_does_not_count(network):
    network.look_up(ONE, timeout=4.0)
    network.look_up(ONE, timeout=4.0)
    assert len(network.sent) == 1
    network.after(100.0).is_answered()
    assert (len(network.sent), network.sent[1].timeout) == (2, 2.0)


# Servers


@pytest.mark.parametrize("name", ["a..b", "a" * 64 + ".example"])
def test_nobody_is_asked_about_what_is_no_name(network, name):
    """RFC 1035 2.3.4."""
    _looking, told = network.look_up(ONE, question=Question(name, "MX"))
    words = reason(told)
    assert words.startswith("it is no name: ") and len(words) > len("it is no name: ")
    assert network.sent == []


def test_who_has_refused_is_not_asked_again(network):
    _looking, told = network.look_up(ONE, TWO)
    network.after(1.0).is_answered("REFUSED")
    network.after(1.0).heard(SILENCE)
    network.after(1.0).heard(NoReply("connection refused", True))
    assert [sent.how for sent in network.sent] == [ONE, TWO, TWO]
    assert reason(told) == "REFUSED from %s; connection refused from %s" % (ONE, TWO)


def test_who_is_dead_is_asked_last_until_something_comes_of_it(network):
    network.look_up(ONE, TWO)
    network.after(0.0).heard(SILENCE)
    network.after(0.0).is_answered()
    assert network.servers[ONE].dead
    network.look_up(ONE, TWO)
    network.after(0.0).is_answered("REFUSED")
    network.after(0.0).is_answered("REFUSED")  # of which it is seen to be alive
    network.look_up(ONE, TWO)
    assert [sent.how for sent in network.sent[2:]] == [TWO, ONE, ONE]


def test_a_shortage_of_ours_is_no_server_s_death(network):
    network.look_up(ONE, TWO)
    network.after(0.0).heard(NoReply("too many open files", False))
    assert not network.servers[ONE].dead


@pytest.mark.usefixtures("one_at_once")
def test_who_waits_for_a_server_that_is_found_dead_goes_to_another(network):
    """Unless it knows of none: and nobody keeps a place in the queue that he has left."""
    network.look_up(ONE, TWO)
    network.look_up(ONE, TWO)
    network.look_up(ONE)
    network.sent[0].heard(SILENCE)
    assert [sent.how for sent in network.sent] == [ONE, TWO, ONE]
    network.sent[1].is_answered()
    network.sent[2].is_answered()
    assert [sent.how for sent in network.sent[3:]] == [TWO]  # the first one's turn


@pytest.mark.usefixtures("one_at_once")
def test_who_has_failed_elsewhere_asks_the_dead(network):
    network.look_up(ONE)
    _looking, told = network.look_up(TWO, ONE)
    network.sent[1].is_answered("REFUSED")
    network.sent[0].heard(SILENCE)
    assert network.sent[2].how == ONE
    network.sent[2].is_answered()
    assert told[0][1].state == "present"


@pytest.mark.usefixtures("one_at_once")
def test_who_is_closed_while_it_waits_leaves_its_turn_to_the_next(network):
    network.look_up(ONE)
    waiting, told = network.look_up(ONE)
    network.look_up(ONE)
    waiting.close()
    network.sent[0].is_answered()
    assert ([sent.how for sent in network.sent], told) == ([ONE, ONE], [])


def test_what_is_closed_closes_its_exchange_and_tells_nobody(network):
    looking, told = network.look_up(ONE)
    looking.close()
    assert network.sent[0].closed
    looking.close()
    network.sent[0].is_answered()
    assert told == []


# One visit


def test_a_server_that_does_not_understand_a_query_is_asked_without_edns_and_then_with_it_again(network):
    """RFC 6891 7: the next server is a stranger."""
    _looking, told = network.look_up(ONE, TWO)
    network.after(0.0).is_answered("FORMERR")
    network.after(0.0).is_answered("FORMERR")
    network.after(0.0).is_answered("BADVERS")
    network.after(0.0).is_answered("SERVFAIL")
    network.after(0.0).is_answered("SERVFAIL")
    assert [sent.how for sent in network.sent] == [ONE, ONE + " plain", TWO, TWO + " plain", TWO + " plain CD"]
    assert reason(told) == "FORMERR from %s; SERVFAIL from %s" % (ONE, TWO)


def test_what_is_cut_off_is_asked_for_by_tcp_once(network):
    _looking, told = network.look_up(ONE)
    network.after(0.0).is_answered(flags=dns.flags.RA | dns.flags.TC)
    network.after(0.0).is_answered(flags=dns.flags.RA | dns.flags.TC)
    assert [sent.how for sent in network.sent] == [ONE, ONE + " TCP"]
    assert reason(told) == "a reply that is cut off from %s" % ONE


def test_who_is_silent_by_tcp_is_not_asked_again(network):
    _looking, told = network.look_up(ONE)
    network.after(0.0).is_answered(flags=dns.flags.RA | dns.flags.TC)
    network.after(0.0).heard(NoReply("connection refused", False))
    assert len(network.sent) == 2
    assert reason(told) == "a reply that is cut off, and by TCP: connection refused from %s" % ONE


def test_bogus_is_what_is_there_without_checks_alone(network):
    """RFC 4035 5.5: who does not say why is asked once more with checks."""
    _looking, told = network.look_up(ONE)
    for rcode in ("SERVFAIL", "NOERROR", "SERVFAIL"):
        network.after(0.0).is_answered(rcode)
    assert [sent.how for sent in network.sent] == [ONE, ONE + " CD", ONE]
    ((_look_up, answer, server, complaint),) = told
    assert (answer.state, server, complaint.rcode) == ("present", network.servers[ONE], 2)


def test_who_says_that_signatures_are_the_matter_is_believed(network):
    """RFC 8914 4.7, 4.8."""
    _looking, told = network.look_up(ONE)
    network.after(0.0).is_answered("SERVFAIL", errors=[6])
    network.after(0.0).is_answered()
    assert [sent.how for sent in network.sent] == [ONE, ONE + " CD"]
    assert told[0][3].of_dnssec


def test_an_answer_after_a_moment_s_failure_has_no_complaint(network):
    _looking, told = network.look_up(ONE)
    for rcode in ("SERVFAIL", "NOERROR", "NOERROR"):
        network.after(0.0).is_answered(rcode)
    assert told[0][3] is None


@pytest.mark.parametrize(
    ("replies", "words"),
    [
        (["SERVFAIL", "REFUSED"], "SERVFAIL (no reachable authority), and REFUSED with CD"),
        (["SERVFAIL", "NOERROR", "REFUSED"], "SERVFAIL (no reachable authority), and REFUSED when asked again"),
        (["SERVFAIL", "SERVFAIL"], "SERVFAIL (no reachable authority)"),
    ],
)
def test_what_it_said_first_and_then_is_told(network, replies, words):
    _looking, told = network.look_up(ONE)
    for rcode in replies:
        network.after(0.0).is_answered(rcode, errors=[22])
    assert reason(told) == "%s from %s" % (words.replace("REFUSED", "REFUSED (no reachable authority)"), ONE)


def test_who_has_failed_and_is_silent_then_is_not_asked_again(network):
    _looking, told = network.look_up(ONE)
    network.after(0.0).is_answered("SERVFAIL")
    network.after(2.0).heard(SILENCE)
    assert len(network.sent) == 2
    assert reason(told) == "SERVFAIL, and no answer with CD from %s within 8 s" % ONE


def test_a_complaint_is_forgotten_at_the_next_server(network):
    _looking, told = network.look_up(ONE, TWO)
    network.after(0.0).is_answered("SERVFAIL")
    network.after(0.0).is_answered("REFUSED")
    network.after(0.0).is_answered()
    assert [sent.how for sent in network.sent] == [ONE, ONE + " CD", TWO]
    assert told[0][2:] == (network.servers[TWO], None)


def test_the_ids_of_queries_are_of_sixteen_bits(network):
    """RFC 1035 4.1.1: of sixty by chance some are large, and hardly any are the same."""
    for _time in range(60):
        network.look_up(ONE)
    numbers = {sent.query.id for sent in network.sent}
    assert max(numbers) > 255 and len(numbers) > 30


# Faults


@pytest.mark.usefixtures("one_at_once")
def test_a_fault_of_ours_ends_a_look_up_and_frees_its_place(network, monkeypatch):
    def fail(*_reply):
        raise ZeroDivisionError

    _looking, told = network.look_up(ONE)
    network.look_up(ONE)
    monkeypatch.setattr(lookup, "read", fail)
    network.sent[0].is_answered()
    assert reason(told).startswith("ZeroDivisionError at test_lookup.py:")
    assert len(network.sent) == 2


def test_a_fault_of_who_is_told_is_not_the_look_up_s(network):
    class Full(list):
        def append(self, _answer):
            raise ZeroDivisionError

    network.look_up(ONE, told=Full())
    with pytest.raises(ZeroDivisionError):
        network.sent[0].is_answered()
