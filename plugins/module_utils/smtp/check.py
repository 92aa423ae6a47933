# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the collection. The engine's front door: what to do goes in, a report comes out.
#
# Checking many (sweep.py) is the same thing over the same driver.

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from . import model
from .driver import Driver, Limits, describe_bug
from .options import build_request
from .plan import Verdict, check_plan, unprobed
from .report import as_report

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Optional

    OnStart = Callable[[Callable[[], None]], None]


def check(host: str, *, check_mode: bool = False, on_start: Optional[OnStart] = None, **options: Any) -> Dict[str, Any]:
    """Check one relay and return its report: plain data, the keys of smtp_check's RETURN.

    `options` are those of smtp_check; `check_mode` stops short of sending. `on_start` is given a function that
    ends the check early, with what has been learned. Raises OptionError for a caller's mistake, before any socket
    opens; whatever the relay does is in the report.
    """
    request = build_request(host, options, time.time(), check_mode)
    driver = Driver(Limits())
    if on_start:
        on_start(driver.stop)
    results = dict(driver.run(iter([(0, check_plan(request, time.time))])))
    ended = unprobed(request, model.Failure("resolve", "deadline_reached"), driver.clock())  # before it had begun
    return as_report(verdict_from(request, results.get(0, ended), driver.clock()), time.time())


def verdict_from(request: model.Request, result: Any, now: float) -> Verdict:
    """A plan's own fault becomes its endpoint's verdict: the others go on."""
    if isinstance(result, Verdict):
        return result
    return unprobed(request, model.Failure("resolve", "internal_error", text=describe_bug(result)), now)
