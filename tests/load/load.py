# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Endurance and size, against servers of our own on the loopback: prints a table as it goes.

    make load                                           everything, about an hour
    make load ARGS="--only checks --scale 0.1"          one kind of row, a tenth of its size

A line that is `missed` makes it fail, but for those about time, which depends on what else the machine does: they are
`slower`. Flat means: CPU of the last tenth within 10 % of that of the second; memory from the second tenth to the last
within 2 MiB; no more descriptors and threads.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable, NamedTuple

from ansible_collections.postmaster.mailcheck.bench.lab.relay import run_relay
from ansible_collections.postmaster.mailcheck.bench.lab.resolver import run_resolver
from ansible_collections.postmaster.mailcheck.tests.load.fleet import play
from ansible_collections.postmaster.mailcheck.tests.load.peers import TOKEN, relays, run_fleet, run_peers
from ansible_collections.postmaster.mailcheck.tests.load.work import Part
from ansible_collections.postmaster.mailcheck.tests.real.pki import Pki, make_pki
from ansible_collections.postmaster.mailcheck.tests.support.mailboxes import SIGN_IN

WORK = Path(__file__).with_name("work.py")
MIB = 1024
UNPACED = 1e5  # starts a second
PATIENT = 30.0  # seconds that a check may take: far more than the healthy ones need on a busy machine
CHECKS, DOMAINS, WAITS, SWEPT, DEALT = 100_000, 20_000, 1_000, 50_000, 100_000


class Line(NamedTuple):
    """One line of the table. `time`: it is about time."""

    work: str
    seen: str
    met: bool
    time: bool = False


class Lab(NamedTuple):
    folder: Path
    pki: Pki
    scale: float

    def count(self, whole: int) -> int:
        return max(100, int(whole * self.scale))

    def tls(self) -> dict[str, Any]:
        return {"ca_path": str(self.pki.ca), "tls_server_name": "relay.lab.test"}


def engine(name: str, **arguments: Any) -> Any:
    """Run a function of work.py in a process of its own; return what it returned."""
    given = json.dumps(arguments).encode()
    ended = subprocess.run([sys.executable, str(WORK), name], input=given, stdout=subprocess.PIPE, check=True)
    return json.loads(ended.stdout)


def checks(lab: Lab) -> Iterator[Line]:
    with run_relay(lab.pki.relay, "starttls") as port:
        each = {"host": [f"127.5.0.{number}" for number in range(1, 251)]}
        yield from _soaked("checks", lab.count(CHECKS), "check", each, ["passed"], port=port, **lab.tls())


def domains(lab: Lab) -> Iterator[Line]:
    with run_resolver(0.0) as (port, _asked):
        each = {"domains": [[f"d{number}.example"] for number in range(1000)]}
        options = {"dns_servers": [f"127.0.0.1:{port}"], "selectors": ["s1", "s2"]}
        yield from _soaked("checks of a domain", lab.count(DOMAINS), "domain", each, ["passed", "failed"], **options)


def waits(lab: Lab) -> Iterator[Line]:
    with run_peers("mailbox") as (port,):
        options = {"host": "127.0.0.1", "port": port, "tls": "none", "allow_plaintext_auth": True, **SIGN_IN}
        yield from _soaked("waits for mail", lab.count(WAITS), "wait", {}, ["passed"], token=TOKEN, **options)


def _soaked(what: str, count: int, door: str, each: Any, verdicts: list[str], **options: Any) -> Iterator[Line]:
    given = {"door": door, "count": count, "each": each, "verdicts": verdicts, **options}
    parts = [Part(*part) for part in engine("soak", **given)]
    second, last = parts[1], parts[-1]
    work, shown = f"{count:,} {what}: ", "{} to {}, of the tenths {}"
    costs = [f"{1000 * part.cpu:.2f}" for part in parts]
    flat = last.cpu <= 1.1 * second.cpu
    yield Line(work + "CPU each, ms", shown.format(costs[1], costs[-1], " ".join(costs)), flat, True)
    sizes = [f"{part.memory / MIB:.1f}" for part in parts]
    flat = last.memory - second.memory <= 2 * MIB
    yield Line(work + "memory, MiB", shown.format(sizes[1], sizes[-1], " ".join(sizes)), flat)
    for name, seen in (
        ("descriptors", [one.descriptors for one in parts]),
        ("threads", [one.threads for one in parts]),
    ):
        yield Line(work + name, f"{seen[1]} to {seen[-1]}, at most {max(seen)}", seen[-1] <= seen[1])


def large(lab: Lab) -> Iterator[Line]:
    few, many = lab.count(SWEPT // 5), lab.count(SWEPT)
    options = {"timeout": PATIENT, "starts_per_second": UNPACED, **lab.tls()}
    with run_fleet(lab.pki) as ports:
        hosts, causes = relays(ports, many)
        _rows, short, _peak = engine("fleet", hosts=hosts[:few], **options)
        rows, long, peak = engine("fleet", hosts=hosts, **options)
        right = _right(rows, hosts, causes)
        work = f"a sweep of {many:,}, one in five broken: "
        yield Line(work + "rows right, in order", f"{right:,}", right == many)
        ratio = long / short * few / many
        seen = f"{ratio:.2f} x, {long:.1f} s and {short:.1f} s for {few:,}"
        yield Line(work + "time over linear", seen, ratio <= 1.2, True)
        yield Line(work + "memory", f"{peak / MIB:.0f} MiB", True)
        rows, reported = engine("stopped", hosts=hosts, after=many // 2, **options)
        known = [index for index, row in enumerate(rows) if row[1] != "not_checked"]
        right = _right([rows[i] for i in known], [hosts[i] for i in known], [causes[i] for i in known])
        seen = f"{len(rows):,} rows, {right:,} of {len(known):,} that were checked right"
        kept = [row[0] for row in rows] == hosts and right == len(known) == reported
        yield Line(work + "SIGTERM at half", seen, kept and many // 2 <= right < many)
        rows, least = engine("set_back", hosts=hosts, after=many // 2, **options)
        right = _right(rows, hosts, causes)
        seen = f"{right:,} rows right, least time {least:.4f} s"
        yield Line(work + "the clock set back an hour", seen, right == many and least >= 0)


def _right(rows: list[list[Any]], hosts: list[str], causes: list[str]) -> int:
    """How many rows are of the relay that stands at this place, and come to what it does; days left where it is well."""
    return sum(
        row[0] == host and row[2] == cause and (row[1] == "passed" and row[3] > 0 if not cause else row[1] != "passed")
        for row, host, cause in zip(rows, hosts, causes)
    )


def dealt(lab: Lab) -> Iterator[Line]:
    count = lab.count(DEALT)
    folder = lab.folder / "dealt"
    folder.mkdir()
    with run_fleet(lab.pki) as ports:
        hosts, causes = relays(ports, count)
        played = play(folder, hosts, timeout=PATIENT, starts_per_second=UNPACED, **lab.tls())
    rows = [[relay, verdict, cause, int(days or 0)] for verdict, relay, days, cause in played.rows]
    work = f"{count:,} relays over 4 vantage hosts: "
    right = _right(rows, hosts, causes)
    yield Line(work + "rows right, in order", f"{right:,}", right == count)
    yield Line(work + "time", f"{played.seconds:.0f} s", True)
    seen = f"{played.largest:,.0f} MiB of the largest process, {played.together:,.0f} MiB of all"
    yield Line(work + "memory", seen, played.together <= 2048)


KINDS: dict[str, Callable[[Lab], Iterator[Line]]] = {
    "checks": checks, "domains": domains, "waits": waits, "large": large, "dealt": dealt,
}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description="Endurance and size.")
    parser.add_argument("--only", nargs="+", choices=KINDS, default=list(KINDS), metavar="WHAT", help=", ".join(KINDS))
    parser.add_argument("--scale", type=float, default=1.0, help="how much of the full size (default 1)")
    arguments = parser.parse_args()
    missed = 0
    with tempfile.TemporaryDirectory(prefix="mailcheck-load-") as name:
        folder = Path(name)
        (folder / "pki").mkdir()
        lab = Lab(folder, make_pki(folder / "pki"), arguments.scale)
        for kind in arguments.only:
            for line in KINDS[kind](lab):
                missed += not line.met and not line.time
                state = "met" if line.met else "slower" if line.time else "MISSED"
                print("| " + " | ".join((line.work, line.seen, state)) + " |", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
