# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A stub resolver over the driver, and name servers on loopback that answer, keep silent, or lie.

from __future__ import annotations

import errno
import os
import random
import socket
import struct

import dns.rrset
import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.attempts import Broken, Connected
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns import exchange, messages
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns import lookup as lookup_module
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns import resolver as resolver_module
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns import server as server_module
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.evaluations import evaluate
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.model import Mx, Question
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.resolver import StubResolver
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.servers import name_servers
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.driver import Driver, Limits
from ansible_collections.postmaster.mailcheck.tests.support.name_server import (
    Drip,
    NameServer,
    bent,
    by_way,
    nothing,
    records,
    refusal,
    response,
    silence,
    unless_told,
)
from ansible_collections.postmaster.mailcheck.tests.support.ports import free_port

# Far more than any of this takes, on any machine: who waits for so long has failed.
AGES = 10.0
NAME = "mail.example"
MAIL = Question(NAME, "MX")
ADDRESS = Question(NAME, "A")
TEXT = Question(NAME, "TXT")

pytestmark = pytest.mark.usefixtures("nothing_is_left_over")


def ask(servers, *questions, timeout=AGES, deadline=None, trusted=()):
    """Return the answers to questions that are asked at once, and what is known of the servers then."""

    def evaluation():
        return (yield questions)

    driver = Driver(Limits())
    addresses = [server if isinstance(server, str) else server.address for server in servers]
    resolver = StubResolver(driver, name_servers(addresses, trusted), timeout)
    try:
        end = None if deadline is None else driver.clock() + deadline
        ((_key, result),) = driver.run(iter([(0, evaluate(resolver, [evaluation()]))]), end)
    finally:
        resolver.close()
    if isinstance(result, Exception):
        raise result
    return result[0], resolver.facts()


def answer_to(question, *steps, timeout=AGES, **server):
    """Return the answer to a question that a server has these steps for."""
    with NameServer({question[:2]: list(steps)}, **server) as name_server:
        ((answer,), _facts) = ask([name_server], question, timeout=timeout)
        answer = answer._replace(reason=answer.reason.replace(name_server.address, "SERVER"))
        assert answer.server in ("", name_server.address)
    return answer


# Answers


def ask_one(question, step):
    with NameServer({question[:2]: step}) as name_server:
        return ask([name_server], question)


def test_records_of_each_kind():
    zone = {
        (NAME, "A"): records("192.0.2.1", "192.0.2.2"),
        (NAME, "AAAA"): records("2001:db8::1"),
        (NAME, "CAA"): records('0 issue "ca.example"'),
        (NAME, "MX"): records("10 Relay.example.", "0 ."),
        (NAME, "NS"): records("ns.example."),
        (NAME, "PTR"): records("host.example."),
        (NAME, "SOA"): records("ns.example. hostmaster.example. 1 2 3 4 5"),
        (NAME, "TLSA"): records("3 1 0 abcd"),
        (NAME, "TXT"): records('"a b" "\\255\\000"', '"c"'),
    }
    with NameServer(zone) as name_server:
        answers, _facts = ask([name_server], *(Question(*key) for key in zone))
    assert {answer.question.kind: tuple(sorted(answer.records)) for answer in answers} == {
        "A": ("192.0.2.1", "192.0.2.2"),
        "AAAA": ("2001:db8::1",),
        "CAA": ((0, "issue", "ca.example"),),
        "MX": ((0, ""), (10, "Relay.example")),
        "NS": ("ns.example",),
        "PTR": ("host.example",),
        "SOA": ("ns.example",),
        "TLSA": ((3, 1, 0, b"\xab\xcd"),),
        "TXT": ((b"a b", b"\xff\x00"), (b"c",)),
    }
    assert {(answer.state, answer.exists, answer.ttl, answer.reason) for answer in answers} == {
        ("present", True, 600, "")
    }


def test_a_digest_of_another_length_is_one_record_s_fault():
    octets = [b"\x03\x01\x01" + digest for digest in (b"", bytes(32))]
    answer = answer_to(Question(NAME, "TLSA"), with_records(*octets))
    assert answer.records == ((3, 1, 1, b""), (3, 1, 1, bytes(32)))


@pytest.mark.parametrize("step, exists", [(nothing, True), (refusal("NXDOMAIN"), False)])
def test_what_is_not_there(step, exists):
    """RFC 2308: no such name, or none of this kind; for how long it holds is the least of the SOA record's."""
    answer = answer_to(MAIL, step)
    assert (answer.state, answer.exists, answer.records, answer.ttl) == ("absent", exists, (), 60)


def test_aliases_are_followed():
    chain = [(NAME, "Two.example."), ("two.EXAMPLE.", "three.example.")]
    answer = answer_to(ADDRESS, records("192.0.2.1", chain=chain))
    assert (answer.state, answer.records, answer.ttl) == ("present", ("192.0.2.1",), 300)
    assert answer.aliases == ("Two.example", "three.example")


def test_an_alias_of_nothing():
    answer = answer_to(ADDRESS, records(chain=[(NAME, "two.example.")]))
    assert (answer.state, answer.exists, answer.aliases) == ("absent", True, ("two.example",))


@pytest.mark.parametrize("chain", [
    [(NAME, "two.example."), ("two.example.", NAME + ".")],
    [(NAME, NAME + ".")],
    [(NAME, "0.example."), *(("%d.example." % number, "%d.example." % (number + 1)) for number in range(20))],
])  # fmt: skip
def test_aliases_that_lead_nowhere(chain):
    answer = answer_to(ADDRESS, records(chain=chain))
    assert answer.state == "not_determined"
    assert "CNAME" in answer.reason


def test_an_alias_is_an_answer_to_who_asks_for_it():
    question = Question(NAME, "CNAME")
    assert answer_to(question, records("two.example.")).records == ("two.example",)


# DNSSEC


def test_secure_and_insecure():
    with NameServer({MAIL[:2]: records("10 a.example.")}) as name_server:
        (answer,), facts = ask([name_server], MAIL, trusted=[name_server.address])
    assert (answer.dnssec, answer.reason) == ("secure", "")
    assert facts == ((name_server.address, "loopback", True, True),)


def without_ad(query, stream):
    """An insecure answer of a resolver that validates: octets, to which the server adds nothing."""
    return records("10 a.example.")(query, stream).to_wire()


def test_insecure_behind_a_resolver_that_validates():
    assert answer_to(MAIL, without_ad).dnssec == "insecure"


def test_a_resolver_that_does_not_validate_says_nothing_of_dnssec():
    with NameServer({MAIL[:2]: records("10 a.example.")}, validates=False) as name_server:
        (answer,), facts = ask([name_server], MAIL)
        assert name_server.count("", "NS") == 1
    assert (answer.state, answer.dnssec) == ("present", "not_determined")
    assert answer.reason == "this resolver (%s) does not validate" % name_server.address
    assert facts[0].validates is False


@pytest.mark.parametrize("code", ["REFUSED", "SERVFAIL"])
def test_a_resolver_that_does_not_know_the_root(code):
    zone = {MAIL[:2]: records("10 a.example."), ("", "NS"): refusal(code)}
    with NameServer(zone) as name_server:
        (answer,), facts = ask([name_server], MAIL)
    assert (answer.state, answer.dnssec, facts[0].validates) == ("present", "not_determined", None)
    assert code in answer.reason


@pytest.mark.parametrize(
    ("complaint", "words"), [(refusal("SERVFAIL", (7, "")), "signature expired"), (refusal("SERVFAIL"), "SERVFAIL")]
)
def test_a_resolver_whose_root_is_bogus(complaint, words):
    zone = {MAIL[:2]: records("10 a.example."), ("", "NS"): unless_told(complaint, records("a.example."))}
    with NameServer(zone) as name_server:
        (answer,), facts = ask([name_server], MAIL)
    assert (answer.state, answer.dnssec, facts[0].validates) == ("present", "not_determined", None)
    assert "its answer about the root is " + words in answer.reason


@pytest.mark.parametrize("hidden", [records("10 a.example."), nothing, refusal("NXDOMAIN")])
def test_what_is_there_only_without_checks_is_bogus(hidden):
    """RFC 4035 5.5, RFC 8914: also where what is hidden is that there is nothing."""
    answer = answer_to(MAIL, unless_told(refusal("SERVFAIL", (7, "expired\x1b[2J long ago")), hidden))
    assert (answer.state, answer.dnssec, answer.records) == ("bogus", "bogus", ())
    assert answer.reason == "bogus for this resolver (SERVER): signature expired: expired\\x1b[2J long ago"


def test_a_resolver_that_does_not_say_why_is_asked_once_more():
    step = unless_told(refusal("SERVFAIL"), records("10 a.example."))
    with NameServer({MAIL[:2]: step}) as name_server:
        (answer,), _facts = ask([name_server], MAIL)
        assert [bool(flags & 0x10) for name, _kind, flags, _stream in name_server.asked if name] == [False, True, False]
    assert answer.state == "bogus"
    assert "SERVFAIL, but an answer where it is told not to check signatures" in answer.reason


def test_a_moment_s_failure_is_not_bogus():
    answer = answer_to(MAIL, refusal("SERVFAIL"), records("10 a.example."))
    assert (answer.state, answer.dnssec, answer.records) == ("present", "secure", ((10, "a.example"),))


def test_what_fails_without_checks_too_is_not_determined():
    answer = answer_to(MAIL, refusal("SERVFAIL", (22, "")))
    assert (answer.state, answer.exists) == ("not_determined", None)
    assert answer.reason == "SERVFAIL (no reachable authority) from SERVER"


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        ((refusal("SERVFAIL"), refusal("REFUSED")), "SERVFAIL, and REFUSED with CD from SERVER"),
        ((unless_told(refusal("SERVFAIL"), records("10 a.example.")), refusal("REFUSED")), "REFUSED"),
    ],
)
def test_what_it_says_when_asked_otherwise_is_told(steps, reason):
    assert reason in answer_to(MAIL, *steps).reason


def test_who_does_not_validate_finds_nothing_bogus():
    answer = answer_to(MAIL, unless_told(refusal("SERVFAIL"), records("10 a.example.")), validates=False)
    assert answer.state == "not_determined"
    assert "SERVFAIL" in answer.reason and "does not validate" in answer.reason
    told = refusal("SERVFAIL", (6, ""))
    assert answer_to(MAIL, unless_told(told, records("10 a.example.")), validates=False).state == "bogus"


def test_checks_are_only_switched_off_after_a_servfail():
    with NameServer({MAIL[:2]: refusal("SERVFAIL")}) as name_server:
        ask([name_server], MAIL)
    assert [bool(flags & 0x10) for name, _kind, flags, _stream in name_server.asked if name] == [False, True]


# Servers, time


def test_a_datagram_that_gets_lost_is_asked_for_again():
    assert answer_to(MAIL, silence, records("10 a.example."), timeout=2.0).state == "present"


def test_a_server_that_is_silent():
    answer = answer_to(MAIL, silence, timeout=0.2)
    assert (answer.state, answer.reason) == ("not_determined", "no answer from SERVER within 0.2 s")


@pytest.mark.parametrize("dead", ["silent", "closed"])
def test_a_dead_server_leaves_time_for_the_next_and_is_asked_last_from_then_on(dead, monkeypatch):
    monkeypatch.setattr(server_module, "MOST_AT_ONCE", 3)
    zone = {("%d.example" % number, "MX"): records("10 a.example.") for number in range(12)}
    with NameServer(dict.fromkeys(zone, silence)) as silent, NameServer(zone) as good:
        first = silent.address if dead == "silent" else "127.0.0.1:%d" % free_port()
        answers, _facts = ask([first, good], *(Question(*key) for key in zone), timeout=4.0)
        asked = len([1 for one in silent.asked if one[0]])
    assert {(answer.state, answer.server, answer.reason) for answer in answers} == {("present", good.address, "")}
    assert asked <= 3


@pytest.mark.parametrize("step", [
    refusal("REFUSED"), refusal("NOTIMP"), refusal("SERVFAIL"), refusal("FORMERR"),
    bent(lambda octets: octets[:-3]),
], ids=["REFUSED", "NOTIMP", "SERVFAIL", "FORMERR", "cut off"])  # fmt: skip
def test_who_does_not_answer_is_not_asked_again_but_another_is(step):
    with NameServer({MAIL[:2]: step}) as bad, NameServer({MAIL[:2]: records("10 a.example.")}) as good:
        (answer,), _facts = ask([bad, good], MAIL)
    assert (answer.state, answer.server) == ("present", good.address)
    assert bad.count(*MAIL[:2]) <= 2


def test_what_each_server_has_said_is_told():
    with NameServer({MAIL[:2]: refusal("REFUSED")}) as one, NameServer({MAIL[:2]: silence}) as other:
        (answer,), _facts = ask([one, other], MAIL, timeout=2.0)
    assert answer.reason == "REFUSED from %s; no answer from %s within 2 s" % (one.address, other.address)


def test_a_server_that_does_not_understand_edns_is_asked_without():
    """RFC 6891 7; with nothing but a header in its complaint, or with the question."""

    def plain_only(complain):
        return lambda query, stream: (complain if query.edns >= 0 else records("10 a.example."))(query, stream)

    assert answer_to(MAIL, plain_only(refusal("FORMERR"))).state == "present"
    header = bent(lambda octets: octets[:2] + b"\x81\x81" + bytes(8))
    assert answer_to(MAIL, plain_only(header)).state == "present"


def test_so_many_questions_at_once_and_no_more(monkeypatch):
    monkeypatch.setattr(server_module, "MOST_AT_ONCE", 5)
    zone = {("%d.example" % number, "MX"): silence for number in range(15)}
    with NameServer(zone) as name_server:
        ask([name_server], *(Question(*key) for key in zone), deadline=0.5)
        assert len([1 for asked in name_server.asked if asked[0]]) == 5


def test_what_is_asked_twice_is_asked_once():
    with NameServer({MAIL[:2]: records("10 a.example.")}) as name_server:
        answers, _facts = ask([name_server], MAIL, MAIL, MAIL)
        assert name_server.count(*MAIL[:2]) == 1
    assert [answer.records for answer in answers] == [(Mx(10, "a.example"),)] * 3


@pytest.mark.parametrize(
    ("kind", "text"), [("CAA", '0 issue "%s"' % ("x" * 3000)), ("TLSA", "3 1 0 " + "ab" * 3000), ("TXT", "x" * 250)]
)
def test_what_is_kept_is_counted_by_its_length(kind, text):
    (record,), _servers = ask_one(Question(NAME, kind), records(" ".join([text] * (12 if kind == "TXT" else 1))))
    assert resolver_module._size(record) >= 4000


def test_so_much_is_kept():
    assert resolver_module.MOST_KEPT == 67108864  # 64 MiB: some 60,000 answers


def test_a_value_that_is_too_long_to_be_shown_is_not_kept_whole():
    (answer,), _servers = ask_one(Question(NAME, "CAA"), records('0 issue "%s"' % ("x" * 60000)))
    assert len(answer.records[0].value) < 5000 and "56000 characters more" in answer.records[0].value


@pytest.mark.parametrize(("room", "times"), [(2201, 1), (2200, 1), (2199, 2), (1500, 2)])
def test_what_is_forgotten_is_asked_for_again(monkeypatch, room, times):
    """A zone decides how long its records are, not how much of them is kept: here there is room for two answers, or one."""
    monkeypatch.setattr(resolver_module, "MOST_KEPT", room)

    def evaluation():
        states = []
        for question in (ADDRESS, ADDRESS, MAIL, ADDRESS):
            (answer,) = yield (question,)
            states.append(answer.state)
        return states

    with NameServer({ADDRESS[:2]: records("192.0.2.1"), MAIL[:2]: records("10 a.example.")}) as name_server:
        driver = Driver(Limits())
        resolver = StubResolver(driver, name_servers([name_server.address]), AGES)
        ((_key, result),) = driver.run(iter([(0, evaluate(resolver, [evaluation()]))]))
        resolver.close()
        assert result == (["present"] * 4,)
        assert (name_server.count(NAME, "A"), name_server.count(*MAIL[:2])) == (times, 1)


def test_a_fault_of_ours_is_one_question_s(monkeypatch):
    def fail(question, reply):
        if question == MAIL:
            raise ZeroDivisionError
        return read(question, reply)

    read = lookup_module.read
    monkeypatch.setattr(lookup_module, "read", fail)
    monkeypatch.setattr(server_module, "MOST_AT_ONCE", 1)
    with NameServer({TEXT[:2]: records('"a"'), MAIL[:2]: records("10 a.example.")}) as name_server:
        (mail, text), _facts = ask([name_server], MAIL, TEXT)
    assert (mail.state, text.state) == ("not_determined", "present")
    assert mail.reason.startswith("ZeroDivisionError at test_resolver.py:")


def test_no_descriptor_left_for_a_socket(monkeypatch):
    def refuse(*_kind):
        raise OSError(errno.EMFILE, "Too many open files")

    with NameServer() as name_server:
        driver = Driver(Limits())
        resolver = StubResolver(driver, name_servers([name_server.address]), AGES)
        monkeypatch.setattr(socket, "socket", refuse)

        def evaluation():
            return (yield (MAIL, ADDRESS, TEXT))

        ((_key, (answers,)),) = driver.run(iter([(0, evaluate(resolver, [evaluation()]))]))
        resolver.close()
        monkeypatch.undo()
    assert {answer.reason for answer in answers} == {"too many open files from %s" % name_server.address}


def test_the_end_comes_at_once():
    with NameServer({MAIL[:2]: silence}) as name_server:
        (answer,), _facts = ask([name_server], MAIL, deadline=0.2)
    assert (answer.state, answer.reason) == ("not_determined", "the task's time was up")


def test_what_is_under_way_is_closed():
    with NameServer({MAIL[:2]: silence}) as name_server:
        driver = Driver(Limits())
        resolver = StubResolver(driver, name_servers([name_server.address]), AGES)

        def evaluation():
            return (yield (MAIL,))

        list(driver.run(iter([(0, evaluate(resolver, [evaluation()]))]), driver.clock() + 0.05))
        before = os.listdir("/proc/self/fd")
        resolver.close()
        assert len(os.listdir("/proc/self/fd")) < len(before)


def test_a_name_that_cannot_be_one_is_not_asked():
    with NameServer() as name_server:
        answers, _facts = ask([name_server], Question("a" * 64 + ".example", "A"), Question("a..b", "A"))
        assert [asked for asked in name_server.asked if asked[0]] == []
    assert [answer.state for answer in answers] == ["not_determined"] * 2
    assert all(answer.reason.startswith("it is no name: ") for answer in answers)


# TCP

MANY = ["%d a-relay-with-quite-a-long-name-%d.example." % (number, number) for number in range(60)]


def test_what_does_not_fit_comes_by_tcp():
    with NameServer({MAIL[:2]: records(*MANY)}) as name_server:
        (answer,), _facts = ask([name_server], MAIL)
        assert [stream for name, _kind, _flags, stream in name_server.asked if name] == [False, True]
    assert len(answer.records) == 60


def test_64_kib_of_text():
    text = " ".join('"%s"' % ("x" * 255) for _string in range(255))
    answer = answer_to(TEXT, records(text))
    assert sum(map(len, answer.records[0])) == 255 * 255


def test_cut_off_and_no_tcp():
    answer = answer_to(MAIL, records(*MANY), streams=False)
    assert answer.state == "not_determined"
    assert answer.reason.startswith("a reply that is cut off, and by TCP: ")
    assert "connection refused" in answer.reason


def test_a_slow_drip_by_tcp_ends_with_its_time():
    def drip(query, stream):
        return [Drip(records(*MANY)(query, stream).to_wire(max_size=65535))]

    answer = answer_to(MAIL, by_way(records(*MANY), drip), timeout=2.0)
    assert answer.state == "not_determined"
    assert answer.reason == "a reply that is cut off, and by TCP: no answer from SERVER within 2 s"


@pytest.mark.parametrize("junk", [b"", b"\x00", b"junk", bytes(12)])
def test_junk_by_tcp_is_passed_over(junk):
    def talk(query, stream):
        return [junk, records(*MANY)(query, stream)]

    assert answer_to(MAIL, by_way(records(*MANY), talk)).state == "present"


def test_cut_off_by_tcp_too():
    def cut_off(query, stream):
        reply = response(query)
        reply.flags |= 0x0200
        return reply

    assert answer_to(MAIL, cut_off).reason == "a reply that is cut off from SERVER"


# Lies


def flip(at, bits):
    def change(octets):
        return octets[:at] + bytes([octets[at] ^ bits]) + octets[at + 1 :]

    return change


LIES = {
    "another id": bent(flip(1, 1)),
    "a query": bent(flip(2, 0x80)),
    "another opcode": bent(flip(2, 0x08)),
    "another name": bent(flip(13, 1)),
    "another kind": bent(flip(12 + len(NAME) + 3, 1)),
    "another class": bent(flip(12 + len(NAME) + 5, 2)),
    "two questions": bent(flip(5, 3)),
    "no question": bent(flip(5, 1)),
    "junk": lambda _query, _stream: b"junk",
    "nothing": lambda _query, _stream: b"",
    "a header cut off": bent(lambda octets: octets[:11]),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_passed_over(lie):
    def lie_first(query, stream):
        return [LIES[lie](query, stream), records("10 a.example.")(query, stream)]

    assert answer_to(MAIL, lie_first).records == ((10, "a.example"),)


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_alone_is_no_answer(lie):
    def lie_then_refuse(query, stream):
        return [LIES[lie](query, stream), refusal("REFUSED")(query, stream)]

    answer = answer_to(MAIL, lie_then_refuse)
    assert (answer.state, answer.reason) == ("not_determined", "REFUSED from SERVER")


def test_lies_are_counted():
    answer = answer_to(MAIL, LIES["another id"], timeout=2.0)
    assert answer.reason == "no answer, but 1 that do not fit the question, from SERVER within 2 s"


def test_an_answer_from_another_source_does_not_arrive():
    """It is right in all else."""
    with socket.socket(type=socket.SOCK_DGRAM) as other, NameServer() as name_server:
        true = records("10 a.example.")

        def answer_elsewhere(query, stream):
            other.sendto(true(query, stream).to_wire(), name_server.client)

        name_server.zone[MAIL[:2]] = answer_elsewhere
        (answer,), _facts = ask([name_server], MAIL, timeout=0.2)
    assert answer.state == "not_determined"
    assert "fit" not in answer.reason


def test_the_number_of_a_query_is_no_pseudo_random_one():
    """RFC 5452 9.2: who has seen some must not be able to guess the next."""
    seen = []

    def note(query, stream):
        seen.append(query.id)
        return nothing(query, stream)

    for _time in range(2):
        random.seed(5452)
        with NameServer({(NAME, kind): note for kind in ("A", "AAAA", "MX", "TXT")}) as name_server:
            ask([name_server], *(Question(NAME, kind) for kind in ("A", "AAAA", "MX", "TXT")))
    assert len(seen) == 8
    assert sorted(seen[:4]) != sorted(seen[4:])


def test_the_name_of_an_alias_is_read_once_however_many_records_it_has(monkeypatch):
    read = []
    name_at = messages._name
    monkeypatch.setattr(messages, "_name", lambda reply, at: read.append(at) or name_at(reply, at))
    (answer,), _servers = ask_one(TEXT, records(*map(str, range(900)), chain=[(NAME, "www.example.")]))
    assert len(answer.records) == 900
    assert len(read) < 10


def test_a_reply_of_more_records_than_anybody_publishes_is_not_read():
    (answer,), _servers = ask_one(TEXT, records(*map(str, range(messages.MAX_RECORDS + 1))))
    assert (answer.state, answer.records) == ("not_determined", ())
    assert "it has more than 1000 records" in answer.reason


def test_the_case_of_letters_does_not_count():
    upper = bent(lambda octets: octets[:12] + octets[12:30].upper() + octets[30:])
    assert answer_to(MAIL, upper).state == "absent"


# What cannot be read


def with_records(*data, count=None):
    """An answer that holds records with these octets, and says that there are so many."""

    def answer(query, _stream):
        octets = response(query).to_wire()
        question = query.question[0]
        end = 12 + len(question.name.to_wire()) + 4
        counts = struct.pack("!HHHH", 1, len(data) if count is None else count, 0, 0)
        heads = [b"\xc0\x0c" + struct.pack("!HHIH", question.rdtype, 1, 60, len(one)) for one in data]
        return octets[:4] + counts + octets[12:end] + b"".join(head + one for head, one in zip(heads, data))

    return answer


@pytest.mark.parametrize("kind, rdata", [
    ("A", b"\x01\x02\x03"), ("A", b""), ("AAAA", bytes(15)), ("MX", b"\x00"), ("MX", b"\x00\x0a\xff"), ("TXT", b"\x05ab"),
    ("TLSA", b"\x03"), ("CAA", b"\x00"), ("CAA", b"\x00\x05ab"), ("SOA", b"\x00"), ("PTR", b"\x3fa"), ("NS", b"\xc0\xff"),
])  # fmt: skip
def test_a_record_that_cannot_be_read_is_not_determined(kind, rdata):
    answer = answer_to(Question(NAME, kind), with_records(rdata))
    assert answer.state == "not_determined"
    assert "cannot be read" in answer.reason


@pytest.mark.parametrize("step", [
    with_records(b"", count=2), bent(lambda octets: octets[:-3]), bent(lambda octets: octets[:6] + b"\xff\xff" + octets[8:]),
])  # fmt: skip
def test_a_reply_that_cannot_be_read(step):
    answer = answer_to(ADDRESS, step)
    assert answer.state == "not_determined"
    assert "cannot be read" in answer.reason


def test_a_reference_to_other_servers_is_no_answer():
    """RFC 2308 2.1.2: what a server says that looks nothing up."""

    def refer(query, _stream):
        reply = response(query)
        reply.authority.append(dns.rrset.from_text("example.", 60, "IN", "NS", "ns.example."))
        return reply

    answer = answer_to(MAIL, refer)
    assert (answer.state, answer.exists) == ("not_determined", None)
    assert answer.reason == "a reply that only refers to other servers from SERVER"


def test_an_empty_reply_of_a_lame_server_is_no_denial():
    """RFC 1034 4.2.2, RFC 2308 2.2: it is not the zone's (AA), and looks nothing up (RA)."""

    def empty(flags):
        def say(query, _stream):
            reply = response(query)
            reply.flags = reply.flags & ~0x0480 | flags
            return reply

        return say

    answer = answer_to(MAIL, empty(0))
    assert (answer.state, answer.exists) == ("not_determined", None)
    assert "an empty reply" in answer.reason
    assert [answer_to(MAIL, empty(flags)).state for flags in (0x0400, 0x0080)] == ["absent", "absent"]


def test_an_alias_that_the_server_does_not_look_up_is_no_denial():
    def leave(query, stream):
        reply = records("192.0.2.1", chain=[(NAME, "two.example.")])(query, stream)
        reply.answer = reply.answer[:1]
        reply.flags &= ~0x0080
        return reply

    answer = answer_to(ADDRESS, leave)
    assert answer.state == "not_determined"
    assert "does not follow the alias two.example" in answer.reason


@pytest.mark.parametrize(
    "ends, why, facts",
    [
        ("lose", "the name server closed the connection", "the name server closed the connection"),
        ("time_out", None, ""),
        ("break_off", Broken("interrupted", "the check was stopped"), "the check was stopped"),
    ],
)
def test_what_ends_a_question_by_tcp_is_the_reason(ends, why, facts):
    stream = exchange._Stream(b"a query", Connected("192.0.2.1", None, 0.0, 5.0))
    assert stream.output(0.0) == b"\0\x07a query"
    getattr(stream, ends)(*filter(None, [why]), 1.0)
    assert (stream.ended, stream.facts) == (True, facts)
