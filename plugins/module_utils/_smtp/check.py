# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# The engine's front door: what to do goes in, a report comes out.
#
# Checking many (sweep.py) is the same thing over the same driver.

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .._errors import describe_bug
from .._net.driver import Driver, Limits
from .._verdicts.causes import Failure
from .plan import Verdict, check_plan, verdict_without_facts
from .report import as_report
from .request import build_request
from .resolvers import Answerers

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Optional

    from .plan import OnRetry
    from .request import Request

    OnStart = Callable[[Callable[[], None]], None]


def check(
    host: str,
    *,
    check_mode: bool = False,
    on_start: Optional[OnStart] = None,
    on_retry: Optional[OnRetry] = None,
    **options: Any,
) -> Dict[str, Any]:
    """Check one relay and return its report: plain data, the keys of smtp_check's RETURN.

    `options` are those of smtp_check; `check_mode` stops short of sending. `on_start` is given a function that
    ends the check early, with what has been learned. `on_retry` is shown why an attempt did not pass that is to be
    followed by another: `relay`, `attempt`, `stage`, `cause`, `text`, and `wait`, the seconds until then. Raises
    OptionError for a caller's mistake, before any socket opens; whatever the relay does is in the report.
    """
    request = build_request(host, options, time.time(), check_mode)
    driver = Driver(Limits())
    with Answerers(driver, [request.judging.resolvers]) as answerers:
        if on_start:
            on_start(driver.stop)
        plan = check_plan(request, time.time, answerers.of(request.judging.resolvers), on_retry)
        results = dict(driver.run(iter([(0, plan)])))
    unbegun = Failure("resolve", "interrupted", text="the check was stopped before it began")
    ended = verdict_without_facts(request, unbegun, driver.clock())
    return as_report(verdict_from(request, results.get(0, ended), driver.clock()), time.time())


def verdict_from(request: Request, result: Any, now: float) -> Verdict:
    """A plan's own fault becomes its endpoint's verdict: the others go on."""
    if isinstance(result, Verdict):
        return result
    return verdict_without_facts(request, Failure("resolve", "internal_error", text=describe_bug(result)), now)
