# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The engine by itself, against a relay that does little: CPU, memory, growth, honest latencies, endurance.

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from ansible_collections.postmaster.mailcheck.bench.lab.relay import run_relay
from ansible_collections.postmaster.mailcheck.bench.rows.common import Bench, Row, addresses, engine, ratio_row
from ansible_collections.postmaster.mailcheck.tests.hostile.growth import MOST

MIB = 1024


def cpu(bench: Bench) -> Iterator[Row]:
    hosts = addresses("127.1", 1000)
    with run_relay(bench.pki.relay, "starttls") as port, run_relay(bench.pki.relay, "implicit") as tls_port:
        pairs = engine(
            "cpu", hosts=hosts, starttls_port=port, tls_port=tls_port, runs=bench.runs, **bench.tls_options()
        )
    ours, least = (statistics.median(column) for column in zip(*pairs))
    work = "CPU a session, 1,000 STARTTLS, 200 at once"
    yield Row(work, f"{ours:.2f} ms", f"TCP + verified TLS {least:.2f} ms", ours / least, 2.0, runs=len(pairs))


def memory(bench: Bench) -> Iterator[Row]:
    hosts = addresses("127.2", 500)
    with run_relay(bench.pki.relay, "starttls", delay_inside_tls=4.0) as port:
        runs = [engine("held", hosts=hosts, sample_after=3.0, port=port, **bench.tls_options()) for _run in range(3)]
    held = statistics.median(runs)
    yield Row("memory a session, 500 held open", f"{held:.0f} KiB", "", held, 100, "KiB", len(runs))


def growth(bench: Bench) -> Iterator[Row]:
    """Unpaced, so that the engine is measured; with the default pace, (10,000 - 200) / 600 s is the time."""
    runs = []
    with run_relay(bench.pki.relay, "none") as port:
        for _run in range(3):
            counts = (1000, 10000)
            options = {"port": port, "tls": "none", "starts_per_second": 1e5}
            runs.append([engine("growth", hosts=addresses("127.3", count), **options) for count in counts])
    times = {str(i): [run[i][0] for run in runs] for i in (0, 1)}
    peaks = [statistics.median(run[i][1] for run in runs) / MIB for i in (0, 1)]
    row = ratio_row("10,000 endpoints in clear over 1,000: time", times, "1", "0", 11)
    yield row._replace(peer=row.peer.partition(" ")[2])
    ours, peer = (f"{peak:.0f} MiB" for peak in reversed(peaks))
    yield Row("10,000 over 1,000: peak memory", ours, peer, peaks[1] / peaks[0], 6, runs=len(runs))


def parsing(bench: Bench) -> Iterator[Row]:
    runs = 5 * bench.runs
    name, worst = max(engine("parsing", runs=runs).items(), key=lambda item: item[1])
    yield Row("twice the input to a parser, the worst: time", name, "", worst, MOST, runs=runs)


def latency(bench: Bench) -> Iterator[Row]:
    """What is reported of relays that take 50 ms for each reply must not be our own load."""
    with run_relay(bench.pki.relay, "starttls", delay=0.05, delay_inside_tls=0.05) as port:
        hosts = addresses("127.4", 500)
        runs = [engine("greetings", hosts=hosts, port=port, **bench.tls_options()) for _run in range(bench.runs)]
    tails = [1000 * statistics.quantiles(run, n=20)[-1] for run in runs]
    tail = statistics.median(tails)
    yield Row("greetings of 500 relays that take 50 ms: p95", f"{tail:.0f} ms", "", tail, 75, "ms", len(runs))


def soak(bench: Bench) -> Iterator[Row]:
    """Slopes: what the line through 20 parts of the way gains from its start to its end, the first part aside."""
    parts = 20
    with run_relay(bench.pki.relay, "starttls") as port:
        samples = engine(
            "soak", hosts=addresses("127.5", 250), checks=bench.soak, samples=parts, port=port, **bench.tls_options()
        )
    times, memories, descriptors = ([sample[i] for sample in samples[1:]] for i in range(3))
    work = f"soak, {bench.soak:,} checks"
    shown = f"{1000 * times[0]:.2f} to {1000 * times[-1]:.2f} ms"
    yield Row(work + ": CPU a check", shown, "", 100 * _gain(times) / statistics.mean(times), 10, "%", 1)
    shown = f"{memories[0] / MIB:.1f} to {memories[-1] / MIB:.1f} MiB"
    yield Row(work + ": memory", shown, "", _gain(memories) / MIB, 1, "MiB", 1)
    shown = f"{descriptors[0]} to {descriptors[-1]}"
    yield Row(work + ": file descriptors", shown, "", _gain(descriptors), 0, "", 1)


def _gain(values: Sequence[float]) -> float:
    return statistics.linear_regression(range(len(values)), values).slope * (len(values) - 1)
