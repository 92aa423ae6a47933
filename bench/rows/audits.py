# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Audits of intensity safe beside a sweep that surveys the same relays' TLS: the most that is asked elsewhere.

from __future__ import annotations

import statistics
from collections.abc import Iterator
from functools import partial

from ansible_collections.postmaster.mailcheck.bench.lab.postfix import run_postfix
from ansible_collections.postmaster.mailcheck.bench.rows.common import Bench, Row, engine, race, ratio_row

COUNT = 200
AUDITS, SURVEYS = "audits", "surveys"


def audits(bench: Bench) -> Iterator[Row]:
    work = f"{COUNT} audits, safe, beside a sweep with survey"
    with run_postfix(bench.subfolder("audits"), bench.pki.relay, ready=COUNT) as port:
        options = {"hosts": [f"127.0.1.{number}:{port}" for number in range(1, COUNT + 1)], **bench.tls_options()}
        taken: dict[str, list[tuple[float, float]]] = {AUDITS: [], SURVEYS: []}

        def once(name: str) -> float:
            wall, cpu = engine(name, **options)
            taken[name].append((wall, cpu))
            return float(wall)

        times = race(min(bench.runs, 3), {name: partial(once, name) for name in taken})
    yield ratio_row(work, times, AUDITS, SURVEYS, 3)
    ours, theirs = (statistics.median(cpu for _wall, cpu in taken[name]) for name in (AUDITS, SURVEYS))
    runs = len(times[AUDITS])
    yield Row(
        work + ": CPU",
        f"{1000 * ours / COUNT:.1f} ms each",
        f"{1000 * theirs / COUNT:.1f} ms each",
        ours / theirs,
        3,
        runs=runs,
    )
