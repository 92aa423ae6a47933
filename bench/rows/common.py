# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What every row stands on: one line of the table, whole processes timed in turn, and the engine in a process.

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Callable, NamedTuple, Optional

from ansible_collections.postmaster.mailcheck.tests.real.pki import Pki

WORK = Path(__file__).with_name("work.py")
SERVER_NAME = "relay.lab.test"


class Absent(Exception):
    """Why a row cannot be measured here."""


class Row(NamedTuple):
    """One line of the table. `figure` is the ratio, or what stands in its place, and must be at most `target`."""

    work: str
    ours: str
    peer: str
    figure: Optional[float]
    target: Optional[float]
    unit: str = "x"
    runs: int = 0


class Bench(NamedTuple):
    """What rows are given: a folder to work in, keys, how often to run, how long to soak."""

    folder: Path
    pki: Pki
    runs: int
    soak: int

    def subfolder(self, name: str) -> Path:
        (self.folder / name).mkdir()
        return self.folder / name

    def tls_options(self) -> dict[str, Any]:
        return {"ca_path": str(self.pki.ca), "tls_server_name": SERVER_NAME}


def seconds(value: float) -> str:
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.0f} ms"


def ratio_row(work: str, times: Mapping[str, Sequence[float]], ours: str, peer: str, target: Optional[float]) -> Row:
    """Ours over the peer, each by its median."""
    mine, its = statistics.median(times[ours]), statistics.median(times[peer])
    return Row(work, seconds(mine), f"{peer} {seconds(its)}", mine / its, target, runs=len(times[ours]))


def race(runs: int, contestants: Mapping[str, Callable[[], float]]) -> dict[str, list[float]]:
    """Let all run in turn, `runs` times over, so that whatever else the machine does meets all alike."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _run in range(runs):
        for name, contestant in contestants.items():
            times[name].append(contestant())
    return times


def timed(command: Sequence[object], expected: str, count: int, given: str = "") -> float:
    """Return the seconds that a whole process took; its output must match `expected` so many times."""
    words = [str(word) for word in command]
    began = time.monotonic()
    ended = subprocess.run(words, input=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    taken = time.monotonic() - began
    found = len(re.findall(expected, ended.stdout))
    if found != count:
        last = " ".join(ended.stdout.split())[-60:]
        raise Absent(f"{found} of {count} succeeded: … {last}")
    return taken


def engine(name: str, **arguments: Any) -> Any:
    """Run a function of work.py in a process of its own; return what it returned."""
    given = json.dumps(arguments).encode()
    ended = subprocess.run([sys.executable, str(WORK), name], input=given, stdout=subprocess.PIPE, check=False)
    if ended.returncode:
        raise Absent(f"the engine: {name} exited with {ended.returncode}")
    return json.loads(ended.stdout)


def addresses(network: str, count: int) -> list[str]:
    """`network` is the first two octets: .1.1 to .1.250, .2.1 and so on."""
    return [f"{network}.{1 + i // 250}.{1 + i % 250}" for i in range(count)]


def program(name: str, *folders: str) -> str:
    for folder in [*folders, *os.environ["PATH"].split(os.pathsep)]:
        if os.access(os.path.join(folder, name), os.X_OK):
            return os.path.join(folder, name)
    raise Absent(f"{name} is not installed")
