# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The engine under load, in a process of its own so that its time, memory and descriptors are nobody else's.
#
#   echo '{"its": "arguments"}' | python work.py FUNCTION      prints what the function returns, as JSON

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from typing import Any, Callable, NamedTuple

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.check import check_domains
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.wait import wait_for_mail
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.check import check
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.sweep import sweep

PARTS = 10
HOUR = 3600.0
DOORS: dict[str, Callable[..., Any]] = {"check": check, "domain": check_domains, "wait": wait_for_mail}


class Part(NamedTuple):
    """A tenth of the way: CPU seconds each, KiB, open descriptors and threads at its end."""

    cpu: float
    memory: int
    descriptors: int
    threads: int


def soak(door: str, count: int, each: dict[str, list[Any]], verdicts: list[str], **options: Any) -> list[Part]:
    """Go through one door after another; `each` has options that change from turn to turn.

    Not the time by the clock: what else the machine does meanwhile would be a slope.
    """
    parts, turn = [], 0
    for _part in range(PARTS):
        began = time.process_time()
        for _turn in range(count // PARTS):
            result = DOORS[door](**options, **{name: values[turn % len(values)] for name, values in each.items()})
            (verdict,) = {one["verdict"] for one in result.get("domains", [result])}
            assert verdict in verdicts, result["msg"]
            turn += 1
        taken = (time.process_time() - began) / (count // PARTS)
        descriptors = len(os.listdir("/proc/self/fd"))
        parts.append(Part(taken, _memory("VmRSS"), descriptors, threading.active_count()))
        print(turn, parts[-1], file=sys.stderr)  # an hour is long
    return parts


def fleet(**options: Any) -> Any:
    """What one sweep comes to: (input, verdict, cause, days left) of each row; its seconds, and its peak in KiB."""
    began = time.monotonic()
    rows = _rows(sweep(details="none", **options))
    return rows, time.monotonic() - began, _memory("VmHWM")


def stopped(after: int, **options: Any) -> Any:
    """The rows of a sweep that gets a SIGTERM once so many have been checked, and how many it was told of by then."""
    seen: list[str] = []

    def on_report(report: dict[str, Any]) -> None:
        seen.append(report["verdict"])
        if len(seen) == after:
            os.kill(os.getpid(), signal.SIGTERM)

    def on_start(stop: Callable[[], None]) -> None:
        signal.signal(signal.SIGTERM, lambda *_now: stop())

    result = sweep(details="none", on_report=on_report, on_start=on_start, **options)
    return _rows(result), sum(verdict != "not_checked" for verdict in seen)


def set_back(after: int, **options: Any) -> Any:
    """The rows of a sweep during which the time of day goes back by an hour, and the least of its timings."""
    real, behind, seen = time.time, [0.0], [0]
    time.time = lambda: real() - behind[0]

    def on_report(_report: dict[str, Any]) -> None:
        seen[0] += 1
        if seen[0] == after:
            behind[0] = HOUR

    result = sweep(details="none", on_report=on_report, **options)
    return _rows(result), min(row["seconds"] for row in result["endpoints"] if row["seconds"] is not None)


def _rows(result: dict[str, Any]) -> list[list[Any]]:
    return [
        [row["input"], row["verdict"], (row["failure"] or {}).get("cause", ""), row["tls"] and row["tls"]["days_left"]]
        for row in result["endpoints"]
    ]


def _memory(field: str) -> int:
    """KiB, of /proc/self/status: VmRSS is held now, VmHWM is its peak."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(field + ":"))


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](**json.load(sys.stdin))))
