# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmarks: prints one table, each figure measured beside its peer on the same server in the same run.

    make bench                                     everything, under ten minutes
    make bench ARGS="--only soak --soak 100000"    one kind of row, at length

Figures are medians. Nothing here asserts on time: a target that is missed is marked in the table. What a machine
lacks (nmap, root, Postfix …) is named in its row. Debian: postfix nmap monitoring-plugins-basic swaks
libnet-ssleay-perl curl chromium. A run of everything also leaves the table, and what it was measured with, in
.build/bench.md: docs/benchmarks.md shows it as it stands there.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Callable

from ansible_collections.postmaster.mailcheck.bench.rows import (
    alone,
    ansible,
    audits,
    compliance,
    domains,
    fleet,
    message,
    page,
)
from ansible_collections.postmaster.mailcheck.bench.rows.common import Absent, Bench, Row
from ansible_collections.postmaster.mailcheck.tests.real.pki import make_pki
from ansible_collections.postmaster.mailcheck.tests.real.servers import Unavailable

RESULT = Path(__file__).resolve().parents[1] / ".build/bench.md"
ROWS: dict[str, Callable[[Bench], Iterator[Row]]] = {
    "task": ansible.one,
    "command": fleet.one,
    "loopback": fleet.loopback,
    "clear": fleet.in_clear,
    "far": fleet.far_away,
    "playbook": ansible.playbook,
    "sweep": ansible.fleet,
    "cpu": alone.cpu,
    "memory": alone.memory,
    "growth": alone.growth,
    "parsing": alone.parsing,
    "latency": alone.latency,
    "message": message.message,
    "compliance": compliance.compliance,
    "page": page.page,
    "domains": domains.domains,
    "audits": audits.audits,
    "soak": alone.soak,
}
VERSIONS = {
    "ansible-core": ("ansible", "--version"),
    "Postfix": ("postconf", "mail_version"),
    "nmap": ("nmap", "--version"),
    "check_smtp": ("/usr/lib/nagios/plugins/check_smtp", "--version"),
    "swaks": ("swaks", "--version"),
    "curl": ("curl", "--version"),
}


def main() -> int:
    parser = argparse.ArgumentParser(description="The benchmarks.")
    parser.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS), metavar="WHAT", help=", ".join(ROWS))
    parser.add_argument("--runs", type=int, default=5, help="of each measurement, where it is short (default 5)")
    parser.add_argument("--soak", type=int, default=10_000, help="how many checks to soak (default 10,000)")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="mailcheck-bench-"))
    folder.chmod(0o755)  # Postfix's own users read it
    # What is installed has its bytecode beside it; a module that Ansible sends has not, here as everywhere.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
    try:
        (folder / "pki").mkdir()
        bench = Bench(folder, make_pki(folder / "pki"), arguments.runs, arguments.soak)
        rows = [row for name in arguments.only for row in measured(name, bench)]
    finally:
        shutil.rmtree(folder)
    text = "\n".join([*table(rows), "", versions()])
    print("\n" + text)
    if set(arguments.only) == set(ROWS):
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(text + "\n", encoding="utf-8")
    return 0


def measured(name: str, bench: Bench) -> Iterator[Row]:
    print(f"{name} …", end="", flush=True)
    began = time.monotonic()
    try:
        yield from ROWS[name](bench)
    except (Absent, Unavailable) as reason:
        yield Row(name, "", str(reason), None, None)
    print(f" {time.monotonic() - began:.0f} s", flush=True)


def table(rows: Sequence[Row]) -> Iterator[str]:
    lines: list[tuple[str, ...]] = [("work", "ours", "peer", "ratio", "target", "", "runs")]
    for row in rows:
        figure = "" if row.figure is None else f"{row.figure:.3g} {row.unit}"
        target = "" if row.target is None else f"≤ {row.target:g} {row.unit}"
        met = "" if row.figure is None or row.target is None else "met" if row.figure <= row.target else "missed"
        lines.append((row.work, row.ours, row.peer, figure, target, met, str(row.runs or "")))
    widths = [max(map(len, column)) for column in zip(*lines)]
    lines.insert(1, tuple("-" * width for width in widths))
    for line in lines:
        yield "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |"


def versions() -> str:
    """What was measured with, in one line."""
    kernel = "%s %s" % (platform.system(), platform.release().partition("-")[0])
    found = [f"Python {platform.python_version()}", ssl.OPENSSL_VERSION, f"{os.cpu_count()} cores", kernel]
    for name, command in VERSIONS.items():
        try:
            said = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
        except OSError:
            continue
        number = re.search(r"\d[\w.]+", said.stdout)
        if number:
            found.append(f"{name} {number[0]}")
    return ", ".join(found)


if __name__ == "__main__":
    sys.exit(main())
