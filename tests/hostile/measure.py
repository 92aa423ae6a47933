# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A process of its own, so that memory can be told: two healthy checks, then a hostile one. Gets options as JSON on
# standard input, [healthy, hostile]; prints how far the hostile one lifted the peak, how long it took, and its report.

from __future__ import annotations

import json
import sys
import time
from typing import Any, Callable, Dict

from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.check import audit
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.check import check_domains
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.wait import wait_for_mail
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.check import check


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


def domain(**options: Any) -> Dict[str, Any]:
    (report,) = check_domains(**options)["domains"]
    return dict(report)


DOORS: Dict[str, Callable[..., Dict[str, Any]]] = {
    "audit": audit, "check": check, "domain": domain, "wait": wait_for_mail,
}  # fmt: skip


def main() -> None:
    healthy, hostile, *what = json.load(sys.stdin)
    door = DOORS[what[0] if what else "check"]
    for _warm_up in range(2):
        if door(**healthy)["verdict"] != "passed":
            raise SystemExit("the healthy server is not")
    before, began = peak_octets(), clock()
    report = door(**hostile)
    seconds = clock() - began
    print(json.dumps({"octets": peak_octets() - before, "seconds": seconds, "report": report}))


if __name__ == "__main__":
    main()
