# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A process of its own, so that memory can be told: two healthy checks, then a hostile one. Gets options as JSON on
# standard input, [healthy, hostile]; prints how far the hostile one lifted the peak, how long it took, and its report.

from __future__ import annotations

import json
import sys
import time

from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.check import check


def peak_octets() -> int:
    """The most this process has ever held; getrusage() would count what the parent held before exec."""
    with open("/proc/self/status", encoding="ascii") as status:
        line = next(line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def clock() -> float:
    """Seconds, without those in which this thread was ready to run and other processes had the processor."""
    try:
        with open("/proc/thread-self/schedstat", encoding="ascii") as status:
            return time.monotonic() - int(status.read().split()[1]) / 1e9
    except OSError:  # a kernel that does not tell
        return time.monotonic()


def main() -> None:
    healthy, hostile = json.load(sys.stdin)
    for _warm_up in range(2):
        if check(**healthy)["verdict"] != "passed":
            raise SystemExit("the healthy relay is not")
    before, began = peak_octets(), clock()
    report = check(**hostile)
    seconds = clock() - began
    print(json.dumps({"octets": peak_octets() - before, "seconds": seconds, "report": report}))


if __name__ == "__main__":
    main()
