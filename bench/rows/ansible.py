# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What Ansible's users wait for: whole `ansible` commands, beside `ansible.builtin.ping`.

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible_collections.postmaster.mailcheck.bench.lab.postfix import run_postfix
from ansible_collections.postmaster.mailcheck.bench.rows.common import (
    Absent,
    Bench,
    Row,
    program,
    race,
    ratio_row,
    timed,
)

ROOT = Path(__file__).resolve().parents[2]
CHECK, SWEEP, PING = "smtp_check", "smtp_sweep", "ping"
COUNT = 200


def one(bench: Bench) -> Iterator[Row]:
    _must_exist(CHECK)
    _must_exist(SWEEP)
    with run_postfix(bench.subfolder("ansible-one"), bench.pki.relay) as port:
        options = {"port": port, **bench.tls_options()}
        alone, in_a_list = {"host": "127.0.0.1", **options}, {"hosts": ["127.0.0.1"], **options}
        contestants = {
            CHECK: lambda: _ad_hoc("postmaster.mailcheck.smtp_check", alone, '"verdict": "passed"'),
            SWEEP: lambda: _ad_hoc("postmaster.mailcheck.smtp_sweep", in_a_list, '"passed": 1'),
            PING: lambda: _ad_hoc("ansible.builtin.ping", {}, '"ping": "pong"'),
        }
        race(1, contestants)
        times = race(bench.runs, contestants)
        yield ratio_row("ad-hoc smtp_check, STARTTLS", times, CHECK, PING, 1.25)
        yield ratio_row("ad-hoc smtp_sweep of one, STARTTLS", times, SWEEP, CHECK, 1.0)


def fleet(bench: Bench) -> Iterator[Row]:
    _must_exist(SWEEP)
    playbook = bench.subfolder("ansible-fleet") / "loop.json"
    hosts = [f"127.0.1.{number}" for number in range(1, COUNT + 1)]
    with run_postfix(bench.subfolder("ansible-postfix"), bench.pki.relay, ready=COUNT) as port:
        options = {"port": port, **bench.tls_options()}
        sweep = {"hosts": hosts, **options}
        contestants = {
            SWEEP: lambda: _ad_hoc("postmaster.mailcheck.smtp_sweep", sweep, '"passed": %d' % COUNT),
            PING: lambda: _ad_hoc("ansible.builtin.ping", {}, '"ping": "pong"'),
        }
        race(1, contestants)
        times = race(bench.runs, contestants)
        yield ratio_row(f"{COUNT} STARTTLS as one task of smtp_sweep", times, SWEEP, PING, 1.6)
        task = {"postmaster.mailcheck.smtp_check": {"host": "{{ item }}", **options}, "loop": hosts}
        playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]))
        command = [_ansible("ansible-playbook"), "-i", "localhost,", "-c", "local", playbook]
        loop = f"{COUNT} loop items"
        times = race(1, {loop: lambda: timed(command, r"(?m)^ok: .*item=", COUNT), SWEEP: contestants[SWEEP]})
        yield ratio_row("the same, over loop items of smtp_check", times, SWEEP, loop, 0.05)


def _must_exist(module: str) -> None:
    if not (ROOT / "plugins/modules" / (module + ".py")).exists():
        raise Absent(f"not there yet: plugins/modules/{module}.py")


def _ansible(name: str) -> str:
    return program(name, str(Path(sys.executable).parent))


def _ad_hoc(module: str, options: dict[str, Any], expected: str) -> float:
    given = ["-a", json.dumps(options)] if options else []
    return timed([_ansible("ansible"), "localhost", "-m", module, *given], expected, 1)
