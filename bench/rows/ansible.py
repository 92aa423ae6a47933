# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What Ansible's users wait for: whole `ansible` commands, beside `ansible.builtin.ping`.

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

from ansible_collections.postmaster.mailcheck.bench.lab.postfix import run_postfix
from ansible_collections.postmaster.mailcheck.bench.rows.common import (
    Bench,
    Row,
    program,
    race,
    ratio_row,
    timed,
)

CHECK, SWEEP, PING, UPLOAD = "smtp_check", "smtp_sweep", "ping", "smtp_check by upload"
COUNT = 200
ITEMS = 30
OFF = ["-e", "ansible_mailcheck_in_process=false"]


def one(bench: Bench) -> Iterator[Row]:
    with run_postfix(bench.subfolder("ansible-one"), bench.pki.relay) as port:
        options = {"port": port, **bench.tls_options()}
        alone, in_a_list = {"host": "127.0.0.1", **options}, {"hosts": ["127.0.0.1"], **options}
        contestants = {
            CHECK: lambda: _ad_hoc(CHECK, alone, '"verdict": "passed"'),
            UPLOAD: lambda: _ad_hoc(CHECK, alone, '"verdict": "passed"', *OFF),
            SWEEP: lambda: _ad_hoc(SWEEP, in_a_list, '"passed": 1'),
            PING: lambda: _ad_hoc(PING, {}, '"ping": "pong"'),
        }
        race(1, contestants)
        times = race(bench.runs, contestants)
        yield ratio_row("ad-hoc smtp_check, STARTTLS", times, CHECK, PING, 0.8)
        yield ratio_row("the same by upload", times, UPLOAD, PING, 1.25)
        yield ratio_row("ad-hoc smtp_sweep of one, STARTTLS", times, SWEEP, CHECK, 1.0)


def playbook(bench: Bench) -> Iterator[Row]:
    folder = bench.subfolder("ansible-playbook")
    with run_postfix(folder, bench.pki.relay, ready=ITEMS) as port:
        options = {"host": "127.0.0.1", "port": port, **bench.tls_options()}
        works = (("one task of a playbook", 1, 0.75), (f"{ITEMS} items of a loop", ITEMS, 0.13))
        for work, count, target in works:
            contestants = {
                CHECK: _loop(folder / f"check-{count}.json", CHECK, options, count),
                UPLOAD: _loop(folder / f"check-{count}.json", CHECK, options, count, *OFF),
                PING: _loop(folder / f"ping-{count}.json", PING, {}, count),
            }
            race(1, contestants)
            times = race(bench.runs, contestants)
            yield ratio_row(f"smtp_check, STARTTLS: {work}", times, CHECK, PING, target)
            yield ratio_row("the same by upload", times, UPLOAD, PING, None)


def fleet(bench: Bench) -> Iterator[Row]:
    hosts = [f"127.0.1.{number}" for number in range(1, COUNT + 1)]
    folder = bench.subfolder("ansible-fleet")
    with run_postfix(folder, bench.pki.relay, ready=COUNT) as port:
        options = {"port": port, **bench.tls_options()}
        contestants = {
            SWEEP: lambda: _ad_hoc(SWEEP, {"hosts": hosts, **options}, '"passed": %d' % COUNT),
            PING: lambda: _ad_hoc(PING, {}, '"ping": "pong"'),
        }
        race(1, contestants)
        times = race(bench.runs, contestants)
        yield ratio_row(f"{COUNT} STARTTLS as one task of smtp_sweep", times, SWEEP, PING, 1.15)


NAMES = {
    CHECK: "postmaster.mailcheck.smtp_check",
    SWEEP: "postmaster.mailcheck.smtp_sweep",
    PING: "ansible.builtin.ping",
}


def _loop(file: Path, module: str, options: dict[str, Any], count: int, *words: str) -> Callable[[], float]:
    """A playbook with one task, which has `count` items where that is more than one."""
    items = {"loop": list(range(count))} if count > 1 else {}
    task = {NAMES[module]: options, **items}
    file.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]), encoding="utf-8")
    return lambda: timed([_ansible("ansible-playbook"), file, *words], r"(?m)^ok: ", count)


def _ansible(name: str) -> str:
    return program(name, str(Path(sys.executable).parent))


def _ad_hoc(module: str, options: dict[str, Any], expected: str, *words: str) -> float:
    given = ["-a", json.dumps(options)] if options else []
    return timed([_ansible("ansible"), "localhost", "-m", NAMES[module], *given, *words], expected, 1)
