# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the collection. The engine's front door: what to do goes in, reports come out.
#
# `check()` and `sweep()` are one thing: a check is a sweep of one, over the same driver.

from __future__ import annotations

import random
import resource
import time
from typing import TYPE_CHECKING

from .driver import Driver, Limits, describe_bug
from .model import Failure, Wait
from .options import build_request
from .plan import Verdict, check_plan, unprobed
from .report import as_report

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

    from .fleet import Row
    from .model import Request
    from .plan import Plan

    OnStart = Callable[[Callable[[], None]], None]

# Descriptors that are not ours to use: files, the resolver's pair, the caller's own.
_SPARE_DESCRIPTORS = 64


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
    ((_key, result),) = driver.run(iter([(0, check_plan(request, driver.clock(), time.time))]))
    return as_report(_verdict(request, result, driver.clock()), time.time())


def _verdict(request: Request, result: Any, now: float) -> Verdict:
    """A plan's own fault becomes its endpoint's verdict: the others go on."""
    if isinstance(result, Verdict):
        return result
    return unprobed(request, Failure("resolve", "internal_error", text=describe_bug(result)), now)


def sweep(
    hosts: Sequence[str] = (),
    *,
    check_mode: bool = False,
    on_start: Optional[OnStart] = None,
    on_report: Optional[Callable[[Dict[str, Any]], None]] = None,
    **options: Any,
) -> Dict[str, Any]:
    """Check many relays at once; return `endpoints` in input order, `certificates`, `summary`: smtp_sweep's RETURN.

    `options` are those of smtp_sweep; `on_report` is shown each report as it comes, the rest is as for check().
    """
    from .fleet import Result, fleet_of, rows_of

    began = time.monotonic()
    fleet = fleet_of(dict(options, hosts=list(hosts)))
    rows = rows_of(fleet, time.time(), check_mode)
    result = Result(rows, fleet.options["details"])
    driver = Driver(_limits(fleet.options))
    if on_start:
        on_start(driver.stop)
    deadline, most = fleet.options["deadline"], fleet.options["max_failures"]
    failures, groups = 0, _groups(rows)
    waiting = dict(groups)
    plans = _plans(rows, groups, driver.clock, fleet.options["jitter"])
    for key, outcome in driver.run(plans, None if deadline is None else began + deadline):
        indexes = waiting.pop(key)
        report = as_report(_verdict(rows[indexes[0]].request, outcome, driver.clock()), time.time())
        result.add(indexes, report)
        if on_report:
            on_report(report)
        failures += report["verdict"] != "passed"
        if most is not None and failures > most:
            driver.stop()
    for indexes in waiting.values():
        result.add(indexes, as_report(_unprobed(rows[indexes[0]], driver.clock()), time.time()))
    return result.as_dict(time.monotonic() - began, driver.lag, len(groups) - len(waiting))


def _groups(rows: Sequence[Row]) -> Dict[Any, List[int]]:
    """Rows that ask for the same are probed once: key -> their indexes, in input order."""
    groups: Dict[Any, List[int]] = {}
    for index, row in enumerate(rows):
        groups.setdefault(row.key or index, []).append(index)
    return groups


def _plans(
    rows: Sequence[Row], groups: Dict[Any, List[int]], clock: Callable[[], float], jitter: float
) -> Iterator[Tuple[Any, Plan]]:
    for key, indexes in groups.items():
        row = rows[indexes[0]]
        if row.failure is None:
            plan = check_plan(row.request, clock(), time.time)
            yield key, _after_pause(plan, clock() + random.uniform(0, jitter)) if jitter else plan


def _after_pause(plan: Plan, until: float) -> Plan:
    """Begin a little later: a fleet that is probed from many places is not hit by all of them at once."""
    yield Wait(until)
    return (yield from plan)


def _unprobed(row: Row, now: float) -> Verdict:
    failure = row.failure or Failure("resolve", "not_checked", text="the sweep ended before its turn")
    return unprobed(row.request, failure, now)


def _limits(options: Mapping[str, Any]) -> Limits:
    """As many at once as there are file descriptors for, an address race's second connection included."""
    concurrency, per_relay = options["concurrency"], options["connections_per_relay"]
    descriptors, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors != resource.RLIM_INFINITY:
        concurrency = min(concurrency, (descriptors - _SPARE_DESCRIPTORS) // min(2, per_relay))
    return Limits(max(1, concurrency), per_relay, starts_per_second=options["starts_per_second"])
