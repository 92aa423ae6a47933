# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Faults of our own machine: interrupted calls, clocks that jump, a resolver that hangs, no route, signals. Nothing is
# left open, nothing hangs, and what was learned is told.

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net import names as resolve
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.driver import Driver, Limits
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.names import Address
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.check import check
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.plan import check_plan
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.protocol import Protocol
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.request import build_request
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.sweep import sweep
from ansible_collections.postmaster.mailcheck.tests.hostile.cases import (
    HEALTHY,
    HEALTHY_OPTIONS,
    OPEN,
    PLAIN_EHLO,
    QUIT,
    READY,
    TLS,
)
from ansible_collections.postmaster.mailcheck.tests.hostile.measure import clock
from ansible_collections.postmaster.mailcheck.tests.hostile.test_cases import options_of

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List

    from ansible_collections.postmaster.mailcheck.tests.support.authority import Authority

CLEAR: Dict[str, Any] = {"tls": "none", "ehlo_name": "client.example.org"}


def descriptors() -> List[str]:
    """What this process holds open that could be ours; relays in threads of their own are left out by the caller."""
    links = []
    for name in os.listdir("/proc/self/fd"):
        try:
            links.append(os.readlink("/proc/self/fd/" + name))
        except OSError:  # the listing's own
            pass
    return sorted(link for link in links if link.startswith(("socket:", "anon_inode:")))


def run_python(code: str, *arguments: str, **given: Any) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        [*given.pop("prefix", ()), sys.executable, "-c", code, *arguments], capture_output=True,
        encoding="utf-8", timeout=120, env=environ, check=False, **given,
    )  # fmt: skip


# Nothing is left


def test_no_descriptor_and_no_thread_is_left(start: Any, authority: Authority) -> None:
    scripts = [PLAIN_EHLO + QUIT, "closes\n", "resets\n", OPEN + "endless x\n", READY + "TLS stranger\n", HEALTHY]
    relays = [start(script) for script in scripts]
    while_it_ran: List[List[str]] = []

    def on_start(_stop: Callable[[], None]) -> None:
        while_it_ran.append(descriptors())

    for relay in relays:
        settings = options_of(HEALTHY_OPTIONS if relay is relays[-1] else TLS, authority)
        with _quiet(relay):
            before = descriptors()
        for _again in range(3):
            check(relay.host, port=relay.port, on_start=on_start, **settings)
        with _quiet(relay):
            assert descriptors() == before
        assert len(while_it_ran[-1]) > len(before)  # the count does see a driver's selector and socket pair


class _quiet:
    """No session of the relay's is open: its sockets are of this process, too."""

    def __init__(self, relay: Any) -> None:
        self._relay = relay

    def __enter__(self) -> None:
        self._relay.settle()

    def __exit__(self, *_error: object) -> None:
        pass


def test_a_mistake_leaves_nothing_open() -> None:
    before = descriptors()
    with pytest.raises(OptionError):
        check("127.0.0.1", sender="a\r\n")
    assert descriptors() == before


def test_the_resolver_s_threads_end_with_their_check(start: Any) -> None:
    relay = start(PLAIN_EHLO + QUIT)
    before = set(threading.enumerate())
    for _again in range(5):
        assert check("localhost", port=relay.port, address_family="ipv4", **CLEAR)["verdict"] == "passed"
    relay.settle()
    ours = [thread for thread in threading.enumerate() if thread not in before and "resolver" in thread.name]
    for thread in ours:
        thread.join(5.0)
    assert not any(thread.is_alive() for thread in ours)


def test_without_descriptors_a_check_says_so_and_goes_on(start: Any) -> None:
    """A process at its limit cannot connect; that is no fault of the relay's, and no traceback."""
    relay = start(PLAIN_EHLO + QUIT)
    code = """
import json, resource, sys
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.check import check
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
held = []
try:
    while True:
        held.append(open("/dev/null"))
except OSError:
    pass
for _spare in range(3):  # the selector, the resolver's pair; none for a connection
    held.pop().close()
report = check("127.0.0.1", port=int(sys.argv[1]), tls="none", timeout=2.0)
print(json.dumps(report["failure"]))
"""
    done = run_python(code, str(relay.port))
    assert done.returncode == 0, done.stderr
    failure = json.loads(done.stdout)
    assert (failure["stage"], failure["cause"]) == ("connect", "internal_error")
    assert "open files" in failure["text"]


@pytest.mark.parametrize("fault", [MemoryError(), OSError(errno.EMFILE, "Too many open files"), RecursionError()])
def test_what_one_session_lacks_the_others_have(fault: Exception, start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """No memory, no descriptor for one of three: its own failure, with what it had learned, and nobody else's."""
    names = ("lucky.example", "unlucky.example", "lucky.example")
    relays = [start("S: 220 %s\n" % name + PLAIN_EHLO.partition("\n")[2] + QUIT) for name in names]
    real = Protocol.receive

    def receive(self: Protocol, data: bytes, now: float) -> None:
        if self.facts.greeting and self.facts.greeting.text == "unlucky.example":
            raise fault
        real(self, data, now)

    monkeypatch.setattr(Protocol, "receive", receive)
    result = sweep(["%s:%d" % (relay.host, relay.port) for relay in relays], details="all", **CLEAR)
    assert [row["verdict"] for row in result["endpoints"]] == ["passed", "failed", "passed"]
    row = result["endpoints"][1]
    assert (row["failure"]["stage"], row["failure"]["cause"]) == ("ehlo", "internal_error")
    assert row["greeting"]["code"] == 220


# Interruptions


def test_interrupted_system_calls_change_nothing(start: Any, authority: Authority) -> None:
    relay = start(HEALTHY, split=1)
    heard = []
    old = signal.signal(signal.SIGALRM, lambda number, frame: heard.append(number))
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    try:
        report = check(relay.host, port=relay.port, **options_of(dict(HEALTHY_OPTIONS, timeout=20.0), authority))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    assert report["verdict"] == "passed"
    assert len(heard) > 10


SWEEP_UNTIL_STOPPED = """
import json, os, signal, sys
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.sweep import sweep

def on_start(stop):
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_now: stop())

def on_report(report):
    if report["verdict"] == "passed":
        os.write(2, b"one is done")

def sockets():
    links = [os.readlink("/proc/self/fd/" + name) for name in os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd/" + name)]
    return sum(link.startswith(("socket:", "anon_inode:")) for link in links)

before = sockets()
hosts = sys.argv[1].split(",")
result = sweep(hosts, tls="none", ehlo_name="client.example.org", timeout=120.0, concurrency=5, details="all",
               expect={"tls_required": True}, on_start=on_start, on_report=on_report)
print(json.dumps({"left": sockets() - before, "result": result}))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_in_mid_sweep_ends_it_with_what_was_learned(number: signal.Signals, start: Any) -> None:
    good = start("S: 220 relay\nC: EHLO\nS: 250 relay\nC:\nS: 530 5.7.0 TLS first\nC:\nS: 221 bye\n")
    stuck = [start(OPEN + "silent\n") for _index in range(8)]
    hosts = ",".join("%s:%d" % (relay.host, relay.port) for relay in [good, *stuck])
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        [sys.executable, "-c", SWEEP_UNTIL_STOPPED, hosts], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ
    )
    try:
        assert process.stderr is not None
        assert process.stderr.read(11) == b"one is done"
        process.send_signal(number)
        output, errors = process.communicate(timeout=60)  # of the 120 that each check may take
    finally:
        process.kill()
    told = json.loads(output)
    assert told["left"] == 0, errors
    endpoints = told["result"]["endpoints"]
    assert len(endpoints) == 9
    assert endpoints[0]["verdict"] == "passed"
    causes = [endpoint["failure"]["cause"] for endpoint in endpoints[1:]]
    assert set(causes) == {"interrupted", "not_checked"}
    assert {endpoint["verdict"] for endpoint in endpoints[1:]} == {"not_checked"}
    greeted = [endpoint for endpoint in endpoints[1:] if endpoint["greeting"]]
    assert all(endpoint["greeting"]["code"] == 220 for endpoint in greeted)
    assert greeted, "what was learned is told"


# Clocks


def test_the_time_of_day_may_jump(start: Any, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody sets the clock in mid-check: time-outs and timings go by the monotonic one."""
    now, real = [0.0], time.time
    jumps = iter([0.0, 4e8, -4e8, 4e8] * 100)

    def time_of_day() -> float:
        now[0] = real() + next(jumps)
        return now[0]

    monkeypatch.setattr(time, "time", time_of_day)
    relay = start(PLAIN_EHLO + QUIT)
    began = time.monotonic()
    report = check(relay.host, port=relay.port, timeout=20.0, **CLEAR)
    assert report["verdict"] == "passed"
    assert 0 <= report["timings"]["total"] <= time.monotonic() - began
    silent = start("silent\n")
    report = check(silent.host, port=silent.port, timeout=0.3, **CLEAR)
    assert report["failure"]["cause"] == "no_greeting"
    assert time.monotonic() - began < 60.0


@pytest.mark.parametrize("jump", [3600.0, 1e9])
def test_a_machine_that_slept_finds_its_time_up(jump: float, start: Any) -> None:
    """The clock handed in leaps forward: what is under way times out, once, and the rest of the plan still ends."""
    relay = start(OPEN + "silent\n")
    asleep = [0.0]

    def clock() -> float:
        return time.monotonic() + asleep[0]

    driver = Driver(Limits(), clock)
    request = build_request(relay.host, dict(CLEAR, port=relay.port, timeout=60.0, retry_for=10.0), time.time())
    threading.Timer(0.2, lambda: (asleep.__setitem__(0, jump), driver.resolver.wake())).start()
    began = time.monotonic()
    ((_key, verdict),) = driver.run(iter([(0, check_plan(request, time.time))]))
    assert time.monotonic() - began < 30.0  # of the 60 that it may take
    assert verdict.failure.cause == "timed_out"


# Names and routes


def test_a_resolver_that_hangs_ends_with_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    back = threading.Event()
    monkeypatch.setattr(resolve, "look_up", lambda *_question: back.wait(20.0) and [])
    began = clock()
    report = check("relay.example.com", timeout=0.3, **CLEAR)
    assert clock() - began < 10.0  # of the 20 that the look-up hangs
    back.set()
    assert (report["verdict"], report["stage"]) == ("unreachable", "resolve")
    assert report["failure"]["cause"] == "name_server_failed"


def test_a_resolver_that_hangs_does_not_keep_the_process() -> None:
    code = """
import threading
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net import names as resolve
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.check import check
resolve.look_up = lambda *_question: threading.Event().wait(120)
print(check("relay.example.com", timeout=0.3, tls="none")["failure"]["cause"])
"""
    began = clock()
    done = run_python(code)
    assert done.stdout.strip() == "name_server_failed", done.stderr
    assert clock() - began < 60.0  # of the 120 that the look-up hangs


@pytest.mark.parametrize("given", [{"domains": ["a.example", "b.example"]}, {"all_addresses": True}])
def test_hanging_look_ups_keep_to_the_sweep_s_deadline(given: Dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    back, hosts = threading.Event(), []
    if "domains" not in given:
        monkeypatch.setattr(resolve, "look_up", lambda *_question: back.wait(20.0) and [])
        hosts = ["relay%d.example.com" % index for index in range(40)]
    with socket.socket(type=socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        began = clock()
        servers = ["127.0.0.1:%d" % silent.getsockname()[1]]
        result = sweep(hosts, deadline=0.4, tls="none", dns_servers=servers, dns_timeout=20.0, **given)
        assert clock() - began < 10.0  # of the 20 that a look-up may take
    back.set()
    assert result["summary"]["verdicts"] == {"not_checked": len(hosts) or 2}


def test_one_name_that_hangs_holds_up_no_other(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    relay, back = start(PLAIN_EHLO + QUIT), threading.Event()

    def look_up(name: str, port: int, _family: str) -> List[Address]:
        if name.startswith("slow"):
            back.wait(20.0)
        return [Address(socket.AF_INET, ("127.0.0.1", port))]

    monkeypatch.setattr(resolve, "look_up", look_up)
    endpoints = [{"host": name, "port": relay.port} for name in ("slow.example", "quick.example")]
    endpoints[0]["timeout"] = 0.6
    result = sweep(endpoints=endpoints, **CLEAR)
    back.set()
    assert [endpoint["verdict"] for endpoint in result["endpoints"]] == ["unreachable", "passed"]


def test_ipv6_without_a_route() -> None:
    """In a network of its own, where there is nothing but a loopback device that is down."""
    apart = ["unshare", "--user", "--map-root-user", "--net"]
    if subprocess.run([*apart, "true"], stderr=subprocess.DEVNULL, check=False).returncode:
        pytest.skip("this host lets nobody make a network namespace")
    code = """
import json
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.check import check
print(json.dumps(check("2001:db8::25", tls="none", timeout=5.0)))
"""
    done = run_python(code, prefix=apart)
    report = json.loads(done.stdout)
    assert (report["verdict"], report["failure"]["cause"]) == ("unreachable", "network_unreachable")
    assert report["addresses_tried"][0]["outcome"] == "network_unreachable"


def test_a_dead_ipv6_address_behind_a_living_ipv4_one(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first address refuses; the check goes on to the next, and tells of both."""
    relay = start(PLAIN_EHLO + QUIT)
    both = [
        Address(socket.AF_INET6, ("::1", relay.port, 0, 0)),
        Address(socket.AF_INET, ("127.0.0.1", relay.port)),
    ]
    monkeypatch.setattr(resolve, "look_up", lambda *_question: both)
    report = check("relay.example.com", port=relay.port, timeout=5.0, **CLEAR)
    assert report["verdict"] == "passed"
    outcomes = [attempt["outcome"] for attempt in report["addresses_tried"]]
    assert outcomes[-1] == "connected" and outcomes[0] in ("connection_refused", "network_unreachable")
