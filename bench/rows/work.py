# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The engine at work, in a process of its own so that its time and memory are nobody else's.
#
#   echo '{"its": "arguments"}' | python work.py FUNCTION      prints what the function returns, as JSON

from __future__ import annotations

import contextlib
import functools
import gc
import json
import math
import os
import resource
import sys
import time
from collections.abc import Iterator
from typing import Any
from unittest import mock

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net import driver
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.options import secrets_of
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls import channel as tls
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.model import TlsFacts
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.attempts import attempt_of
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.check import check
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.conversation.steps import StartTls
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.facts import Facts
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.plan import check_plan
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.protocol import Protocol
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.request import build_request
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.sweep import sweep
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.transcript import Transcript

UNPACED = 1e5  # starts a second


def growth(**options: Any) -> Any:
    """Seconds that one sweep took, and the peak of memory in KiB, the interpreter included."""
    began = time.monotonic()
    _must_pass(sweep(**options))
    return time.monotonic() - began, _memory("VmHWM")


def parsing(runs: int) -> Any:
    """How much longer twice the input takes, by what grows; the shortest of some runs, so that others count little."""
    from ansible_collections.postmaster.mailcheck.tests.hostile.growth import GROWTH

    def shortest(row: Any, size: int) -> float:
        value, times = row.make(size), []
        for _run in range(runs):
            began = time.process_time()
            row.call(value)
            times.append(time.process_time() - began)
        return min(times)

    gc.disable()
    # Four times the input, of which the root is told: a step in how memory is taken weighs less. What takes less than
    # 10 µs counts as that.
    pairs = {name: (shortest(row, row.size // 4), shortest(row, row.size)) for name, row in GROWTH.items()}
    return {name: math.sqrt(whole / max(part, 1e-5)) for name, (part, whole) in pairs.items()}


def greetings(**options: Any) -> Any:
    """How long each greeting took, in seconds, as reported."""
    result = sweep(details="all", **options)
    _must_pass(result)
    return [endpoint["timings"]["greeting"] for endpoint in result["endpoints"]]


def transfer(**options: Any) -> Any:
    """Seconds from the end of EHLO to the reply that accepts the message."""
    report = check(send=True, **options)
    assert report["message"] and report["message"]["code"] == 250, report["msg"]
    heard = [entry for entry in report["transcript"] if entry["from"] == "server"]
    ehlo = max(entry["at"] for entry in heard if entry["text"].startswith("250-"))
    accepted = max(entry["at"] for entry in heard if report["message"]["text"] in entry["text"])
    return accepted - ehlo


def held(hosts: Any, sample_after: float, **options: Any) -> Any:
    """KiB that each session holds: memory with one of them open, then with all, as the loop itself sees it."""
    samples = []
    for some in (hosts[:1], hosts):
        gc.collect()
        runner = driver.Driver(driver.Limits(concurrency=len(some), unpaced=len(some)))
        runner.loop.at(runner.clock() + sample_after, lambda: samples.append(_memory("VmRSS")))
        requests = _requests(some, options)
        plans = ((index, check_plan(request, time.time)) for index, request in enumerate(requests))
        assert all(verdict.failure is None for _index, verdict in runner.run(plans))
    return (samples[1] - samples[0]) / (len(hosts) - 1)


def cpu(hosts: Any, starttls_port: int, tls_port: int, runs: int, **options: Any) -> Any:
    """CPU milliseconds a session, in turn: [[our checks, the least that TLS can cost in the same driver], …]."""
    bare = dict(options, port=tls_port, tls="implicit")
    pairs = []
    for _run in range(runs + 1):
        ours = _cpu_of(lambda: sweep(hosts, details="all", port=starttls_port, starts_per_second=UNPACED, **options))
        with _no_look_at_certificates():
            least = _cpu_of(functools.partial(_shake_hands_with_each, _requests(hosts, bare)))
        pairs.append([1000 * ours / len(hosts), 1000 * least / len(hosts)])
    return pairs[1:]  # the first one warms up


def domains(**options: Any) -> Any:
    """Seconds by the clock and of the processor that a check of domains took, and the peak of memory in KiB.

    All that it needs is loaded before.
    """
    from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.check import check_domains
    from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.messages import require_dnspython

    require_dnspython("domains")
    began, before = time.monotonic(), time.process_time()
    result = check_domains(**options)
    taken = time.monotonic() - began, time.process_time() - before
    judged = sum(result["summary"]["rules"].values()) - result["summary"]["rules"].get("unknown", 0)
    assert judged >= 10 * len(options["domains"]), result["msg"]
    return *taken, _memory("VmHWM")


def audits(**options: Any) -> Any:
    """Seconds by the clock and of the processor that an audit of all relays took."""
    from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.check import audit_relays

    return _taken(lambda: audit_relays(**options))


def surveys(**options: Any) -> Any:
    """The same of a sweep that surveys their TLS."""
    return _taken(lambda: sweep(survey=True, **options))


def _taken(work: Any) -> Any:
    began, before = time.monotonic(), time.process_time()
    result = work()
    taken = time.monotonic() - began, time.process_time() - before
    _must_pass(result)
    return taken


def _requests(hosts: Any, options: Any) -> Any:
    return [build_request(host, options, time.time()) for host in hosts]


def _shake_hands_with_each(requests: Any) -> None:
    """TCP and a verified handshake by the engine's own driver and TLS; no SMTP."""

    def conversation() -> Any:
        yield StartTls()

    def make_protocol(connected: Any) -> Protocol:
        return Protocol(conversation(), Facts(Transcript(connected.started)), connected.deadline, 0.0)

    def plan(request: Any) -> Any:
        attempt = attempt_of(request.endpoint, request.actions, secrets_of(request.actions.credentials))
        return (yield (attempt._replace(make_protocol=make_protocol),))

    runner = driver.Driver(driver.Limits(starts_per_second=UNPACED))
    for _key, (outcome,) in runner.run((index, plan(request)) for index, request in enumerate(requests)):
        assert outcome.broken is None and "tls" in outcome.facts.timings, outcome.broken


@contextlib.contextmanager
def _no_look_at_certificates() -> Iterator[None]:
    nothing = TlsFacts(None, None, None, "", True, (), None)
    with mock.patch.object(tls.Channel, "_facts", lambda _self: nothing):
        yield


def _cpu_of(work: Any) -> float:
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF)
    result = work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    if result is not None:
        _must_pass(result)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def soak(hosts: Any, checks: int, samples: int, **options: Any) -> Any:
    """Check one relay after another: [[CPU seconds a check, KiB, file descriptors], …] for each part of the way.

    Not the time by the clock: what else the machine does in a quarter of an hour would be a slope.
    """
    parts = []
    for part in range(samples):
        began = time.process_time()
        for index in range(checks // samples):
            report = check(hosts[(part + index) % len(hosts)], **options)
            assert report["verdict"] == "passed", report["msg"]
        taken = (time.process_time() - began) / (checks // samples)
        parts.append([taken, _memory("VmRSS"), len(os.listdir("/proc/self/fd"))])
    return parts


def _must_pass(result: Any) -> None:
    passed = result["summary"]["verdicts"].get("passed", 0)
    assert passed == len(result["endpoints"]), result["msg"]


def _memory(field: str) -> int:
    """KiB, of /proc/self/status: VmRSS is held now, VmHWM is its peak (getrusage's would be the parent's)."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(field + ":"))


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](**json.load(sys.stdin))))
