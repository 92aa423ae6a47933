# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The loop over real sockets of the loopback: addresses raced and failed, clocks, limits, and that nothing one relay
# does, nor any fault of ours, disturbs another or leaves something open.

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net import loop as loop_module
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net import names, race
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.attempts import Wait
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.driver import Driver, Limits
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.names import Address, ResolveError
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.text import Secrets
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp import check as check_module
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.attempts import attempt_of, with_facts
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.conversation.converse import converse
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.facts import Facts
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.plan import check_plan
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.protocol import Protocol
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.report import as_report
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.request import build_request
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.transcript import Transcript
from ansible_collections.postmaster.mailcheck.tests.support.authority import Authority
from ansible_collections.postmaster.mailcheck.tests.support.behaving import AGES, BehavingRelay
from ansible_collections.postmaster.mailcheck.tests.support.ports import free_port

NOW = 1767225600.0

pytestmark = pytest.mark.usefixtures("nothing_is_left_over")


def well(lines, say, _sock):
    """A relay as it should be."""
    say("220 relay.example.com ESMTP")
    for line in lines:
        say("221 bye" if line.startswith(b"QUIT") else "250 relay.example.com")
        if line.startswith(b"QUIT"):
            return


def mute(lines, _say, _sock):
    """Opens the door and says nothing."""
    lines.read()


def mute_after_greeting(lines, say, _sock):
    say("220 relay.example.com")
    lines.read()


def request(port, host="127.0.0.1", **options):
    options = dict({"tls": "none", "ehlo_name": "client.example.org", "timeout": AGES}, **options)
    return build_request(host, dict(options, port=port), NOW)


def run(*requests, limits=Limits(), deadline=None, prepare=None, look_up=None):  # noqa: B008
    """Return the reports in the order of `requests`, and the driver."""
    driver = Driver(limits, look_up=look_up)
    if prepare:
        prepare(driver)
    plans = ((index, check_plan(one, lambda: NOW)) for index, one in enumerate(requests))
    end = None if deadline is None else driver.clock() + deadline
    verdicts = dict(driver.run(plans, end))
    return [as_report(verdicts[index], NOW) for index in range(len(verdicts))], driver


def check(*parameters, look_up=None, **named):
    ((report,), _driver) = run(request(*parameters, **named), look_up=look_up)
    return report


def outcome(report):
    return report["verdict"], report["stage"], report["failure"] and report["failure"]["cause"]


def tried(report):
    return [(attempt["address"], attempt["outcome"]) for attempt in report["addresses_tried"]]


def resolves_to(*answer):
    """Return a look-up that gives these addresses for every name, or fails."""

    def look_up(_host, port, _family):
        if isinstance(answer[0], Exception):
            raise answer[0]
        return [Address(socket.AF_INET6 if ":" in text else socket.AF_INET, (text, port)) for text in answer]

    return look_up


@contextlib.contextmanager
def black_hole(host="127.0.0.1", port=0):
    """A port that drops connection attempts: its queue is full and nobody accepts. Yields the port."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(0)
        for _number in range(3):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


# One relay


def test_a_relay_as_it_should_be():
    with BehavingRelay(well) as relay:
        report = check(relay.port)
    assert outcome(report) == ("passed", "ehlo", None)
    assert report["address"] == report["local_address"] == "127.0.0.1"
    assert tried(report) == [("127.0.0.1", "connected")]
    assert 0 < report["timings"]["connect"] <= report["timings"]["total"] < AGES


def test_without_a_name_of_its_own_the_client_says_its_address():
    heard = []

    def listen(lines, say, _sock):
        say("220 x")
        heard.append(lines.readline())

    with BehavingRelay(listen) as relay:
        nameless = request(relay.port).endpoint._replace(ehlo_name=None)
        ((_report,), _driver) = run(request(relay.port)._replace(endpoint=nameless))
    assert heard == [b"EHLO [127.0.0.1]\r\n"]


def test_a_port_where_nobody_listens():
    report = check(free_port())
    assert outcome(report) == ("unreachable", "connect", "connection_refused")
    assert tried(report) == [("127.0.0.1", "connection_refused")]


def test_a_socket_that_nobody_serves(tmp_path):
    """A hint about ports and firewalls would lead astray."""
    path = str(tmp_path / "lmtp")
    for _missing_then_left_behind in range(2):
        report = check(24, host=path, protocol="lmtp")
        assert outcome(report) == ("unreachable", "connect", "socket_not_served")
        assert "`namei -l %s`" % path in report["msg"]
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)


def test_thousands_of_addresses_that_fail_at_once():
    """One answer of the DNS has room for so many, and nobody can connect to the broadcast address."""
    report = check(25, host="relay.example.com", look_up=resolves_to(*["255.255.255.255"] * 3000))
    assert outcome(report) == ("unreachable", "connect", "network_unreachable")
    assert len(report["addresses_tried"]) == 256
    assert report["warnings"] == ["addresses_tried: 2744 more were left out."]
    assert len(report["failure"]["text"]) < 5000


def test_a_port_that_drops_packets():
    with black_hole() as port:
        report = check(port, connect_timeout=0.2)
    assert outcome(report) == ("unreachable", "connect", "connection_timed_out")
    assert 0.2 <= report["timings"]["total"] < AGES / 2


def test_the_attempts_timeout_bounds_the_connection():
    with black_hole() as port:
        report = check(port, connect_timeout=AGES, timeout=0.2)
    assert outcome(report) == ("unreachable", "connect", "connection_timed_out")
    assert report["timings"]["total"] < AGES / 2


def test_a_relay_that_never_greets():
    with BehavingRelay(mute) as relay:
        report = check(relay.port, timeout=0.2)
    assert outcome(report) == ("unreachable", "greeting", "no_greeting")
    assert report["timings"]["total"] < AGES / 2


def test_a_relay_that_greets_and_falls_silent():
    with BehavingRelay(mute_after_greeting) as relay:
        report = check(relay.port, timeout=1.0)
    assert outcome(report) == ("failed", "ehlo", "timed_out")
    assert report["greeting"]["hostname"] == "relay.example.com"


def test_a_relay_that_hangs_up_at_once():
    with BehavingRelay(lambda lines, say, sock: None) as relay:
        report = check(relay.port)
    assert outcome(report) == ("unreachable", "greeting", "no_greeting")


def test_a_relay_that_resets():
    def reset(_lines, say, sock):
        say("220 x")
        sock.recv(100)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    with BehavingRelay(reset) as relay:
        report = check(relay.port)
    assert outcome(report) == ("failed", "ehlo", "connection_lost")


def test_a_tls_port_spoken_to_in_clear():
    with BehavingRelay(lambda lines, say, sock: sock.sendall(b"\x15\x03\x01\x00\x02\x02\x46")) as relay:
        report = check(relay.port)
    assert outcome(report) == ("failed", "greeting", "tls_expected")


def test_a_silent_relay_inside_tls_is_not_asked_whether_it_speaks_tls(authority):
    """What came back would be an alert, and taken for a port that wants TLS."""

    def shake_hands_and_wait(_lines, _say, sock):
        with authority.contexts["tls12"].wrap_socket(sock, server_side=True) as inside:
            with contextlib.suppress(ssl.SSLError):
                inside.recv(100)

    with BehavingRelay(shake_hands_and_wait) as relay:
        report = check(relay.port, tls="implicit", ca_path=authority.ca_path, timeout=1.0)
    assert outcome(report) == ("unreachable", "greeting", "no_greeting")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(str(tmp_path_factory.mktemp("authority")))


def tls_with_words(context, words, in_clear=()):
    """A relay that lets `words` travel with the last octets of its handshake, and answers whatever follows."""

    def behave(lines, say, sock):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        inside = context.wrap_bio(incoming, outgoing, server_side=True)

        def patiently(call):
            while True:
                try:
                    return call()
                except ssl.SSLWantReadError:
                    sock.sendall(outgoing.read())
                    if not incoming.write(sock.recv(65536)):
                        raise ConnectionError from None

        for word in in_clear:
            say(word)
            lines.readline()
        if in_clear:
            say("220 go ahead")
        patiently(inside.do_handshake)
        inside.write(words)
        while True:
            sock.sendall(outgoing.read())
            leaving = patiently(lambda: inside.read(4096)).startswith(b"QUIT")
            inside.write(b"221 bye\r\n" if leaving else b"250 relay.example.com\r\n")

    return behave


# In TLS 1.2 the relay's Finished is the last of the handshake: nothing of ours has been said in TLS by then.


def test_a_reply_that_comes_along_with_the_handshake_answers_nothing(authority):
    behave = tls_with_words(
        authority.contexts["tls12"], b"250 forged.example.net\r\n", ["220 x", "250-x\r\n250 STARTTLS"]
    )
    with BehavingRelay(behave) as relay:
        report = check(relay.port, tls="starttls", ca_path=authority.ca_path)
    assert outcome(report) == ("failed", "ehlo", "protocol_violation")
    assert "forged.example.net" in report["failure"]["text"]
    assert report["capabilities"] is None
    assert report["tls"]["version"] == "TLSv1.2"


def test_under_implicit_tls_the_greeting_may_come_along_with_the_handshake(authority):
    behave = tls_with_words(authority.contexts["tls12"], b"220 relay.example.com ESMTP\r\n")
    with BehavingRelay(behave) as relay:
        report = check(relay.port, tls="implicit", ca_path=authority.ca_path)
    assert outcome(report) == ("passed", "tls", None)
    assert report["greeting"]["hostname"] == "relay.example.com"


def test_quit_unanswered_costs_a_second_in_the_background_and_counts_for_nothing():
    def no_goodbye(lines, say, _sock):
        say("220 x")
        lines.readline()
        say("250 x")
        lines.read()

    with BehavingRelay(no_goodbye) as relay:
        began = time.monotonic()
        report = check(relay.port)
        took = time.monotonic() - began
    assert outcome(report) == ("passed", "ehlo", None)
    assert took - report["timings"]["total"] > 0.9
    assert took < AGES


def test_a_reply_octet_by_octet():
    def dribble(lines, _say, sock):
        for octet in b"220-relay.example.com\r\n220 ready\r\n":
            sock.sendall(bytes((octet,)))
        lines.readline()
        sock.sendall(b"250 x\r\n")
        lines.readline()
        sock.sendall(b"221 x\r\n")

    with BehavingRelay(dribble) as relay:
        report = check(relay.port)
    assert outcome(report) == ("passed", "ehlo", None)
    assert report["greeting"]["text"] == "relay.example.com\nready"


def test_a_large_message_goes_out_whole(tmp_path):
    content = b"Subject: large\r\n\r\n" + b"".join(b".line %06d\r\n" % number for number in range(200000))
    (tmp_path / "large.eml").write_bytes(content)
    taken = []

    def take(lines, say, _sock):
        say("220 x")
        for line in lines:
            if line.startswith(b"DATA"):
                say("354 go")
                body = iter(lines.readline, b".\r\n")
                taken.append(b"".join(text[1:] if text.startswith(b".") else text for text in body))
            say("221 x" if line.startswith(b"QUIT") else "250 x")

    with BehavingRelay(take) as relay:
        report = check(
            relay.port,
            sender="",
            recipients=["anna@example.com"],
            send=True,
            test_message={"file": str(tmp_path / "large.eml")},
        )
    assert (report["verdict"], report["changed"]) == ("passed", True)
    assert taken == [content]


def test_an_early_refusal_stops_a_large_message(tmp_path):
    (tmp_path / "large.eml").write_bytes(b"Subject: large\r\n\r\n" + b"x" * 78 + b"\r\n" * 20000000)

    def refuse(lines, say, _sock):
        say("220 x")
        for line in lines:
            if line.startswith(b"DATA"):
                say("354 go")
                lines.readline()
                say("552 5.3.4 enough")
                lines.read(1000)
                return
            say("250 x")

    with BehavingRelay(refuse) as relay:
        options = {"sender": "", "recipients": ["anna@example.com"], "send": True}
        report = check(relay.port, test_message={"file": str(tmp_path / "large.eml")}, **options)
    assert outcome(report) == ("failed", "message", "message_too_large")
    assert report["changed"] is False


# Names and addresses


@pytest.mark.parametrize("cause", ["name_not_found", "name_server_failed", "no_address_of_family"])
def test_a_name_that_gives_no_address(cause):
    look_up = resolves_to(ResolveError(cause, "relay.example.com: no"))
    report = check(25, host="relay.example.com", look_up=look_up)
    assert outcome(report) == ("unreachable", "resolve", cause)
    assert report["addresses_tried"] == []


def test_a_look_up_that_hangs_holds_up_nobody():
    release = threading.Event()

    def look_up(host, port, _family):
        if host == "slow.example.com":
            release.wait(AGES)
        return [Address(socket.AF_INET, ("127.0.0.1", port))]

    try:
        with BehavingRelay(well) as relay:
            slow = request(relay.port, host="slow.example.com", timeout=1.5)
            reports, _driver = run(slow, request(relay.port, host="fast.example.com"), look_up=look_up)
    finally:
        release.set()
    assert outcome(reports[0]) == ("unreachable", "resolve", "name_server_failed")
    assert outcome(reports[1]) == ("passed", "ehlo", None)
    assert reports[1]["timings"]["total"] < reports[0]["timings"]["total"]


def test_names_that_hang_cost_a_healthy_relay_no_time_of_its_own(monkeypatch):
    """It waits for a thread of ours, longer than its own timeout, and is checked all the same."""
    monkeypatch.setattr(names, "MAX_THREADS", 2)
    release = threading.Event()

    def look_up(host, port, _family):
        if host.startswith("slow"):
            release.wait(AGES)
        return [Address(socket.AF_INET, ("127.0.0.1", port))]

    try:
        with BehavingRelay(well) as relay:
            slow = [request(relay.port, host="slow%d.example.com" % number, timeout=2.0) for number in range(2)]
            fast = request(relay.port, host="fast.example.com", timeout=1.5)
            reports, _driver = run(*slow, fast, look_up=look_up)
    finally:
        release.set()
    assert [outcome(report) for report in reports] == [
        *[("unreachable", "resolve", "name_server_failed")] * 2,
        ("passed", "ehlo", None),
    ]


def test_look_ups_that_never_come_back_are_not_started_without_end(monkeypatch):
    monkeypatch.setattr(names, "MAX_HANGING", 3)
    release = threading.Event()

    def look_up(_host, port, _family):
        release.wait(AGES)
        return [Address(socket.AF_INET, ("127.0.0.1", port))]

    try:
        slow = [request(25, host="slow%d.example.com" % number, timeout=0.2) for number in range(5)]
        reports, _driver = run(*slow, look_up=look_up)
    finally:
        release.set()
    assert {outcome(report) for report in reports} == {("unreachable", "resolve", "name_server_failed")}
    assert sum("resolver hangs with 3 names" in report["failure"]["text"] for report in reports) == 2


def test_what_has_come_in_time_counts_though_we_come_to_it_late():
    """The clock jumps past the deadline, as it does for who computes for long, while the greeting waits unread."""
    said, late_by = threading.Event(), [0.0]
    driver = Driver(Limits(), lambda: time.monotonic() + late_by[0])

    def greets(lines, say, _sock):
        say("220 relay.example.com")
        said.set()
        lines.read()

    def be_late():
        (connection,) = driver._active
        assert said.wait(AGES)
        late_by[0] = 2 * AGES
        connection._time_is_up()

    with BehavingRelay(greets) as relay:
        wanted = request(relay.port, stop_after="greeting")
        attempt = attempt_of(wanted.endpoint, wanted.actions, Secrets())

        def make_protocol(connected):
            driver.loop.at(0.0, be_late)
            return attempt.make_protocol(connected)

        def plan():
            (ended,) = yield (attempt._replace(make_protocol=make_protocol),)
            return with_facts(ended)

        ((_key, ended),) = driver.run(iter([(0, plan())]))
    assert ended.facts.greeting.code == 220
    assert ended.facts.failure is None


def test_deadlines_are_looked_at_between_the_sockets_of_a_turn():
    """Two sockets can be read; while the first is worked off, a time comes that was far off when the turn began."""
    now, called = [0.0], []
    loop = loop_module.Loop(lambda: now[0])
    pairs = [socket.socketpair() for _number in range(2)]

    def work(_mask, _now):
        called.append("socket")
        now[0] += 10.0

    for ours, theirs in pairs:
        theirs.send(b"!")
        loop.watch(ours, loop_module.READ, work)
    loop.at(5.0, lambda: called.append("timer"))
    loop.turn(wait=True)
    loop.close()
    for sock in (sock for pair in pairs for sock in pair):
        sock.close()
    assert called == ["socket", "timer", "socket"]


def test_the_second_address_is_tried_when_the_first_refuses():
    with BehavingRelay(well, "127.0.0.2", free_port()) as relay:
        report = check(relay.port, host="relay.example.com", look_up=resolves_to("127.0.0.1", "127.0.0.2"))
    assert outcome(report) == ("passed", "ehlo", None)
    assert report["address"] == "127.0.0.2"
    assert tried(report) == [("127.0.0.1", "connection_refused"), ("127.0.0.2", "connected")]


def test_a_dead_first_address_costs_a_quarter_of_a_second():
    """RFC 8305 5: and it is told, so that nobody overlooks it."""
    with BehavingRelay(well, "127.0.0.2", free_port()) as relay, black_hole("127.0.0.1", relay.port):
        report = check(relay.port, host="relay.example.com", look_up=resolves_to("127.0.0.1", "127.0.0.2"))
    assert outcome(report) == ("passed", "ehlo", None)
    assert sorted(tried(report)) == [("127.0.0.1", "overtaken"), ("127.0.0.2", "connected")]
    assert 0.2 < report["timings"]["total"] < AGES / 2


def test_no_more_addresses_race_than_there_are_descriptors_for():
    """However many connections a relay may have: the limit of all attempts together counts on two for each."""
    sizes = []

    def prepare(driver):
        def look():
            sizes.extend(len(one._race._racing) for one in driver._active if one._race)

        for tenth in range(1, 10):
            driver.loop.at(driver.clock() + tenth / 10, look)

    with black_hole() as port:
        addresses = [Address(socket.AF_INET, ("127.0.0.1", port))] * 4
        wanted = request(port, host="relay.example.com", connect_timeout=1.0, timeout=1.2)
        run(wanted, limits=Limits(per_target=40), prepare=prepare, look_up=lambda *_asked: addresses)
    assert max(sizes) == race.MAX_RACING


def test_where_all_addresses_fail_the_most_telling_reason_counts():
    look_up = resolves_to("127.0.0.1", "127.0.0.2")
    with black_hole(port=free_port()) as port:
        report = check(port, host="relay.example.com", connect_timeout=0.4, look_up=look_up)
    assert outcome(report) == ("unreachable", "connect", "connection_refused")
    assert sorted(tried(report)) == [("127.0.0.1", "connection_timed_out"), ("127.0.0.2", "connection_refused")]
    assert "127.0.0.1: connection timed out" in report["failure"]["text"]


def test_families_take_turns():
    addresses = [Address(socket.AF_INET6, ("2001:db8::%d" % n,)) for n in (1, 2, 3)]
    addresses.append(Address(socket.AF_INET, ("192.0.2.1",)))
    mixed = [address.text for address in race.interleaved(addresses)]
    assert mixed == ["2001:db8::1", "192.0.2.1", "2001:db8::2", "2001:db8::3"]


def test_two_addresses_that_connect_in_the_same_moment(monkeypatch):
    """One wins; the other, whose turn comes in the same round of the loop, is overtaken."""
    begin_next = race.AddressRace.go_on

    def begin_both(one_race):
        begin_next(one_race)
        begin_next(one_race)

    monkeypatch.setattr(race.AddressRace, "go_on", begin_both)
    with BehavingRelay(well, port=free_port()) as one, BehavingRelay(well, "127.0.0.2", one.port):
        report = check(one.port, host="relay.example.com", look_up=resolves_to("127.0.0.1", "127.0.0.2"))
    assert outcome(report) == ("passed", "ehlo", None)
    assert sorted(outcome for _address, outcome in tried(report)) == ["connected", "overtaken"]


def test_the_source_address_is_the_callers():
    with BehavingRelay(well) as relay:
        report = check(relay.port, source_address="127.0.0.3")
    assert report["local_address"] == "127.0.0.3"
    assert report["verdict"] == "passed"


def test_a_source_address_of_another_family():
    report = check(25, source_address="::1")
    assert outcome(report) == ("unreachable", "resolve", "no_address_of_family")


def test_a_unix_socket(tmp_path, monkeypatch):
    monkeypatch.setattr(socket, "gethostname", lambda: "no-full-name")
    path = str(tmp_path / "lmtp")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(1)

        def serve():
            sock, _peer = listener.accept()
            with sock, sock.makefile("rb") as lines:
                well(lines, lambda text: sock.sendall(text.encode() + b"\r\n"), sock)

        thread = threading.Thread(target=serve)
        thread.start()
        report = check(24, host=path, protocol="lmtp", ehlo_name=None)
        thread.join(AGES)
    assert outcome(report) == ("passed", "ehlo", None)
    assert report["transcript"][1]["text"] == "LHLO localhost"  # such a socket has no address to be named by


@pytest.mark.parametrize("name", ["lmtp", "lmtp-\u00e4"])
def test_a_silent_unix_socket(tmp_path, name):
    """Its path is no name for a handshake, nor one that could be encoded as such."""
    path = str(tmp_path / name)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(1)
        report = check(24, host=path, protocol="lmtp", timeout=0.1)
    assert outcome(report) == ("unreachable", "greeting", "no_greeting")
    assert "At connect" in check(24, host=path + "-gone", protocol="lmtp")["msg"]


# Many relays


def test_a_relay_that_hangs_holds_up_no_other():
    with BehavingRelay(mute) as hanging, BehavingRelay(well) as relay, BehavingRelay(well) as other:
        ports = [relay.port, hanging.port, other.port, free_port()]
        plans = [(index, check_plan(request(port), lambda: NOW)) for index, port in enumerate(ports)]
        results = Driver(Limits()).run(iter(plans))
        ended = dict(next(results) for _other in range(3))
        results.close()
    verdicts = {index: as_report(verdict, NOW)["verdict"] for index, verdict in ended.items()}
    assert verdicts == {0: "passed", 2: "passed", 3: "unreachable"}


def test_results_come_as_they_end():
    with BehavingRelay(mute) as hanging, BehavingRelay(well) as relay:
        driver = Driver(Limits())
        wanted = [request(hanging.port, timeout=1.0), request(relay.port)]
        plans = [(index, check_plan(one, lambda: NOW)) for index, one in enumerate(wanted)]
        assert [key for key, _verdict in driver.run(iter(plans))] == [1, 0]


@pytest.mark.parametrize("per_target", [1, 2, 5])
def test_no_relay_gets_more_connections_than_its_share(per_target):
    with BehavingRelay(well) as relay, BehavingRelay(well) as other:
        wanted = [request(relay.port)] * 12 + [request(other.port)] * 12
        reports, _driver = run(*wanted, limits=Limits(per_target=per_target))
    assert {report["verdict"] for report in reports} == {"passed"}
    assert relay.sessions == other.sessions == 12
    assert relay.most <= per_target and other.most <= per_target


def test_two_that_hang_keep_the_third_waiting_at_their_relay_only():
    release = threading.Event()

    def hang_twice(lines, say, sock):
        if relay.sessions <= 2:
            release.wait(AGES)
        well(lines, say, sock)

    with BehavingRelay(hang_twice) as relay, BehavingRelay(well) as other:
        driver = Driver(Limits())
        wanted = [request(relay.port)] * 3 + [request(other.port)]
        plans = [(index, check_plan(one, lambda: NOW)) for index, one in enumerate(wanted)]
        results = driver.run(iter(plans))
        assert next(results)[0] == 3
        assert relay.sessions <= 2
        release.set()
        assert sorted(key for key, _verdict in results) == [0, 1, 2]
        assert relay.sessions == 3


def test_no_more_at_once_than_the_limit():
    with BehavingRelay(well) as relay:
        reports, _driver = run(*[request(relay.port)] * 20, limits=Limits(concurrency=3, per_target=100))
    assert len(reports) == 20
    assert relay.most <= 3


def test_starts_are_paced_after_the_first():
    with BehavingRelay(well) as relay:
        began = time.monotonic()
        reports, _driver = run(
            *[request(relay.port)] * 8, limits=Limits(per_target=100, unpaced=2, starts_per_second=20.0)
        )
        took = time.monotonic() - began
    assert {report["verdict"] for report in reports} == {"passed"}
    assert took >= 5 / 20.0


def test_a_plan_that_waits_lets_others_go_on():
    def patient(wanted, driver):
        yield Wait(driver.clock() + 0.2)
        (ended,) = yield (attempt_of(wanted.endpoint, wanted.actions, Secrets()),)
        return ended.facts.codes["ehlo"]

    with BehavingRelay(well) as relay:
        driver = Driver(Limits(concurrency=1))
        wanted = request(relay.port)
        plans = [("patient", patient(wanted, driver)), ("other", check_plan(wanted, lambda: NOW))]
        results = list(driver.run(iter(plans)))
    assert [key for key, _result in results] == ["other", "patient"]
    assert results[1][1] == 250


def test_attempts_side_by_side_come_back_in_their_order():
    def both(one, other):
        outcomes = yield tuple(attempt_of(wanted.endpoint, wanted.actions, Secrets()) for wanted in (one, other))
        return [result.facts.failure and result.facts.failure.cause for result in map(with_facts, outcomes)]

    with BehavingRelay(mute) as hanging, BehavingRelay(well) as relay:
        driver = Driver(Limits())
        plan = both(request(hanging.port, timeout=0.2), request(relay.port))
        assert list(driver.run(iter([("both", plan)]))) == [("both", ["no_greeting", None])]


# Faults of ours


def speaking(make_protocol, plan):
    """The same plan, over another protocol."""
    answer = None
    while True:
        try:
            wanted = plan.send(answer)
        except StopIteration as stop:
            return stop.value
        answer = yield tuple(attempt._replace(make_protocol=make_protocol) for attempt in wanted)


def test_a_fault_in_a_conversation_ends_that_attempt_alone():
    def faulty(wanted, facts):
        steps = converse(wanted.endpoint, wanted.actions, facts)
        yield next(steps, None)
        raise KeyError("tanstaaftanstaaf")

    def make_protocol(connected):
        facts = Facts(Transcript(connected.started))
        return Protocol(faulty(wanted, facts), facts, connected.deadline, AGES)

    with BehavingRelay(well) as relay:
        wanted, good = request(relay.port, sender="fault@example.org"), request(relay.port, stop_after="greeting")
        plans = [check_plan(one, lambda: NOW) for one in (wanted, good, wanted)]
        plans[0], plans[2] = speaking(make_protocol, plans[0]), speaking(make_protocol, plans[2])
        verdicts = dict(Driver(Limits()).run(enumerate(plans)))
    reports = [as_report(verdicts[index], NOW) for index in range(3)]
    assert outcome(reports[0]) == outcome(reports[2]) == ("failed", "greeting", "internal_error")
    assert outcome(reports[1]) == ("passed", "greeting", None)
    assert "KeyError at test_driver.py:" in reports[0]["failure"]["text"]
    assert "tanstaaf" not in str(reports[0])  # the values that a fault arose from may be secret
    assert [entry["text"] for entry in reports[0]["transcript"]] == ["220 relay.example.com ESMTP"]


def test_a_fault_in_a_plan_is_that_plans_result():
    def faulty(wanted):
        yield (attempt_of(wanted.endpoint, wanted.actions, Secrets()),)
        raise ZeroDivisionError

    with BehavingRelay(well) as relay:
        driver = Driver(Limits())
        wanted = request(relay.port)
        plans = [("faulty", faulty(wanted)), ("good", check_plan(wanted, lambda: NOW))]
        results = dict(driver.run(iter(plans)))
    assert isinstance(results["faulty"], ZeroDivisionError)
    assert results["good"].failure is None


# Ends


def test_the_deadline_leaves_what_was_learned():
    with BehavingRelay(mute_after_greeting) as relay, BehavingRelay(well) as other:
        reports, _driver = run(request(relay.port), request(other.port), deadline=1.0)
    assert outcome(reports[0]) == ("failed", "ehlo", "deadline_reached")
    assert reports[0]["greeting"]["hostname"] == "relay.example.com"
    assert outcome(reports[1]) == ("passed", "ehlo", None)


def test_the_deadline_ends_whatever_is_under_way():
    hosts = [request(free_port(), retry_for=600.0)]
    with black_hole() as dropping, BehavingRelay(mute) as relay:
        hosts += [request(dropping), *[request(relay.port)] * 4]
        began = time.monotonic()
        reports, _driver = run(*hosts, deadline=0.5)
    assert time.monotonic() - began < AGES / 2
    causes = ["connection_refused"] + ["deadline_reached"] * 3 + ["not_checked"] * 2  # a relay has two at a time
    assert [report["failure"]["cause"] for report in reports] == causes
    assert [(report["verdict"], report["timings"]) for report in reports[-2:]] == [("not_checked", {})] * 2


def test_plans_not_begun_at_the_deadline_are_left_where_they_are():
    with BehavingRelay(mute) as relay:
        driver = Driver(Limits(concurrency=1))
        plans = iter([(index, check_plan(request(relay.port), lambda: NOW)) for index in range(3)])
        ended = [key for key, _verdict in driver.run(plans, driver.clock() + 0.2)]
        assert ended == [0]
        assert [key for key, _plan in plans] == [1, 2]


def test_stop_may_be_called_from_anywhere():
    greeted = threading.Event()

    def greet(lines, say, _sock):
        say("220 relay.example.com")
        lines.readline()
        greeted.set()
        lines.read()

    def stop_when_greeted(driver):
        def wait():
            greeted.wait(AGES)
            driver.stop()

        threading.Thread(target=wait, daemon=True).start()

    with BehavingRelay(greet) as relay:
        ((report,), _driver) = run(request(relay.port), prepare=stop_when_greeted)
    assert outcome(report) == ("not_checked", "ehlo", "interrupted")
    assert report["greeting"]["code"] == 220
    assert "raise the deadline" not in report["msg"].lower()


def test_a_check_may_be_ended_before_it_has_begun():
    report = check_module.check("127.0.0.1", port=free_port(), on_start=lambda stop: stop())
    assert outcome(report) == ("not_checked", "resolve", "interrupted")
    assert report["addresses_tried"] == []


def test_a_message_that_is_out_when_the_time_is_up_may_have_been_taken():
    taken = threading.Event()

    def take_and_think(lines, say, _sock):
        say("220 x")
        for line in lines:
            if line == b".\r\n":
                taken.set()
                lines.read()
                return
            if line[:4] in (b"EHLO", b"MAIL", b"RCPT"):
                say("250 x")
            elif line.startswith(b"DATA"):
                say("354 go")

    def stop_when_taken(driver):
        threading.Thread(target=lambda: (taken.wait(AGES), driver.stop()), daemon=True).start()

    with BehavingRelay(take_and_think) as relay:
        wanted = request(relay.port, sender="", recipients=["anna@example.com"], send=True)
        ((report,), _driver) = run(wanted, prepare=stop_when_taken)
    assert outcome(report) == ("failed", "message", "acceptance_unknown")
    assert report["changed"] is True


def test_a_plan_that_asks_for_more_while_everything_ends():
    """Rules look for themselves once the relay is known; at the deadline those attempts are over before they begin."""
    with BehavingRelay(mute_after_greeting) as relay:
        began = time.monotonic()
        ((report,), _driver) = run(request(relay.port, expect={"tls_required": True}, survey=True), deadline=1.0)
    assert time.monotonic() - began < AGES / 2
    assert outcome(report) == ("failed", "ehlo", "deadline_reached")
    assert [rule["outcome"] for rule in report["rules"]] == ["unknown"]


def test_who_stops_listening_leaves_nothing_open():
    with BehavingRelay(mute) as hanging, BehavingRelay(well) as relay:
        driver = Driver(Limits())
        wanted = [request(hanging.port), request(relay.port)]
        plans = [(index, check_plan(one, lambda: NOW)) for index, one in enumerate(wanted)]
        results = driver.run(iter(plans))
        assert next(results)[0] == 1
        results.close()
        assert list(results) == []


def test_cancelled_timers_do_not_pile_up():
    driver = Driver(Limits())
    kept = [driver.loop.at(float(index), lambda: None) for index in range(10)]
    for index in range(10000):
        driver.loop.at(5.0 + index, lambda: None).cancel()
    assert len(driver.loop._timers) <= 1001
    assert [timer for timer in sorted(driver.loop._timers) if timer[2] is not loop_module.nothing] == kept
    assert list(driver.run(iter(()))) == []  # which closes it


def test_timers_of_what_is_over_do_nothing():
    with BehavingRelay(well) as relay:
        _reports, driver = run(*[request(relay.port)] * 5)
    assert [timer for timer in driver.loop._timers if timer[2] is not loop_module.nothing] == []
    assert not driver._slots.in_use and not driver._active and not driver._queue and not driver._paused
