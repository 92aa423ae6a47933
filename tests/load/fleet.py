# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A fleet that playbooks/sweep.yml deals out over four vantage hosts: what its table shows, and what memory that takes.

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

VANTAGE = ("north", "east", "south", "west")
OF_A_SECOND = 0.5  # memory is looked at so often


class Played(NamedTuple):
    """What a play came to: the rows of its table, its seconds, and MiB: of one process, of all of them together."""

    rows: list[tuple[str, str, str, str]]  # verdict, relay, days left, cause
    seconds: float
    largest: float
    together: float


def play(folder: Path, hosts: list[str], **sweep_options: Any) -> Played:
    """Run the playbook in a folder of its own."""
    lines = "".join(f"{name} ansible_connection=local\n" for name in VANTAGE)
    (folder / "inventory").write_text("[vantage]\n" + lines, encoding="utf-8")
    given = {"relays": hosts, "vantage_hosts": "vantage", "sweep_options": sweep_options}
    (folder / "relays.json").write_text(json.dumps(given), encoding="utf-8")
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "inventory", "-e", "@relays.json"]
    environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "false"}
    environment["ANSIBLE_LOCAL_TEMP"] = str(folder / "tmp")
    began = time.monotonic()
    with open(folder / "shown", "wb") as shown:
        process = subprocess.Popen(
            [*command, "postmaster.mailcheck.sweep"], cwd=folder, env=environment, stdout=shown, stderr=shown
        )
        with _watched(process.pid) as peaks:
            process.wait()
    taken = time.monotonic() - began
    return Played(list(_rows(folder / "shown")), taken, *peaks)


def _rows(shown: Path) -> Iterator[tuple[str, str, str, str]]:
    """The lines of the table: assessment, verdict, relay, TLS, days left, why."""
    inside = False
    with shown.open(encoding="utf-8") as lines:
        for line in lines:
            cells = re.split(r"  +", line.strip().strip('",'))
            if inside and line.strip() == "]":
                return
            if inside:
                days = cells.pop(4) if cells[4].lstrip("-").isdigit() else ""
                yield cells[1], cells[2], days, "".join(cells[4:])
            inside = inside or cells[:3] == ["assessment", "verdict", "relay"]


@contextlib.contextmanager
def _watched(pid: int) -> Iterator[list[float]]:
    """Yield the peaks in MiB, once the process has ended: the largest of one process, and of all together.

    Together: what processes share is counted once (PSS).
    """
    ended, peaks = threading.Event(), [0.0, 0.0]

    def watch() -> None:
        while not ended.wait(OF_A_SECOND):
            sizes = [_size(one) for one in _family(pid)]
            peaks[0] = max([peaks[0], *(rss for rss, _pss in sizes)])
            peaks[1] = max(peaks[1], sum(pss for _rss, pss in sizes))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peaks
    finally:
        ended.set()
        thread.join()


def _family(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        return [pid, *(one for child in children for one in _family(int(child)))]
    return [pid]


def _size(pid: int) -> tuple[float, float]:
    with contextlib.suppress(OSError):
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
        kib = {name: int(size) for name, size in re.findall(r"(?m)^(Rss|Pss): +(\d+)", text)}
        return kib["Rss"] / 1024, kib["Pss"] / 1024
    return 0.0, 0.0
