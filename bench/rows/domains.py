# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Mail domains: MX, SPF with three includes, DKIM of two selectors, DMARC, the record of MTA-STS, TLS-RPT, DNSSEC and
# DANE of each. One by whole processes, beside checkdmarc, which looks for no keys of DKIM; a thousand at a resolver
# 20 ms away.

from __future__ import annotations

import importlib.util
import statistics
import sys
from collections.abc import Iterator
from typing import Callable

from ansible_collections.postmaster.mailcheck.bench.lab.resolver import run_resolver
from ansible_collections.postmaster.mailcheck.bench.rows.common import (
    Absent,
    Bench,
    Row,
    engine,
    race,
    ratio_row,
    seconds,
    timed,
)
from ansible_collections.postmaster.mailcheck.bench.rows.fleet import MAILCHECK, OURS

COUNT = 1000
DELAY, FAR = 0.02, 0.5  # seconds
MIB = 1024
PEER = "checkdmarc"
# The policy host has no address, whatever the system's resolver, which checkdmarc would ask, may say or wait for.
CHECKDMARC = """
import socket, sys
import checkdmarc
from dns.nameserver import Do53Nameserver
def nowhere(*_arguments, **_named):
    raise socket.gaierror(socket.EAI_NONAME, "no address")
socket.getaddrinfo = nowhere
found = checkdmarc.check_domains([sys.argv[1]], nameservers=[Do53Nameserver("127.0.0.1", int(sys.argv[2]))])
print(checkdmarc.results_to_json(found))
"""


def _by_processes(bench: Bench) -> Iterator[Row]:
    if importlib.util.find_spec(PEER) is None:
        raise Absent(f"{PEER} is not installed")
    for where, delay in (("on loopback", 0.0), ("20 ms away", DELAY)):
        with run_resolver(delay) as (port, _asked):
            contestants = _contestants(port)
            race(1, contestants)
            yield ratio_row(f"one domain, a resolver {where}", race(bench.runs, contestants), OURS, PEER, 0.6)


def _contestants(port: int) -> dict[str, Callable[[], float]]:
    server, name = f"127.0.0.1:{port}", "d0.example"
    ours = [*MAILCHECK, "domain", name, "--dns-servers", server, "--selectors", "s1", "--selectors", "s2"]
    return {
        OURS: lambda: timed(ours, "(?m)^failed +d0.example", 1),
        PEER: lambda: timed([sys.executable, "-c", CHECKDMARC, name, port], '"p": {', 1),
    }


def domains(bench: Bench) -> Iterator[Row]:
    try:
        yield from _by_processes(bench)
    except Absent as reason:
        yield Row("one domain", "", str(reason), None, 0.6)
    with run_resolver(DELAY) as (port, asked):
        options = {"dns_servers": [f"127.0.0.1:{port}"], "selectors": ["s1", "s2"]}
        names = [f"d{number}.example" for number in range(COUNT)]
        runs, before = [], asked()
        for _run in range(3):
            runs.append(engine("domains", domains=names, **options))
        questions = (asked() - before) / len(runs)
        alone = [engine("domains", domains=names[:1], **options) for _run in range(bench.runs)]
    with run_resolver(FAR) as (port, _asked):
        options["dns_servers"] = [f"127.0.0.1:{port}"]
        far = [engine("domains", domains=names[:1], **options)[0] for _run in range(bench.runs)]
    wall, cpu, memory = (statistics.median(column) for column in zip(*runs))
    _one_wall, one_cpu, one_memory = (statistics.median(column) for column in zip(*alone))
    work = f"{COUNT:,} domains at a resolver 20 ms away"
    yield Row(work, seconds(wall), f"{questions:,.0f} questions", wall, 20, "s", len(runs))
    cpu -= one_cpu  # what the first one takes is the start
    yield Row(work + ": CPU a question", "", "", 1000 * cpu / questions, 0.45, "ms", len(runs))
    yield Row(work + ": CPU a domain", "", "", 1000 * cpu / COUNT, 15, "ms", len(runs))
    most = 60 + COUNT * 30 / MIB
    yield Row(work + ": memory", f"one {one_memory / MIB:.0f} MiB", "", memory / MIB, most, "MiB", len(runs))
    # So far away that what else takes time, here and on a machine that is busy, is next to nothing.
    trips = statistics.median(far) / FAR
    work = f"one domain: its time in round trips of {FAR * 1000:.0f} ms"
    yield Row(work, seconds(statistics.median(far)), "", trips, 8, "", len(far))
