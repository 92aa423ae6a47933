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
    from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple

    from .fleet import Row
    from .model import Request
    from .plan import Plan

    OnStart = Callable[[Callable[[], None]], None]

# Descriptors that are not ours to use: files, the resolver's pair, the caller's own.
_SPARE_DESCRIPTORS = 64


def check(host: str, check_mode: bool = False, on_start: Optional[OnStart] = None, **options: Any) -> Dict[str, Any]:
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
    endpoints: Sequence[Dict[str, Any]] = (),
    domains: Sequence[str] = (),
    all_addresses: bool = False,
    dns_servers: Optional[Sequence[str]] = None,
    dns_timeout: float = 5.0,
    concurrency: int = 200,
    connections_per_relay: int = 2,
    starts_per_second: float = 600.0,
    jitter: float = 0.0,
    deadline: Optional[float] = None,
    max_failures: Optional[int] = None,
    details: str = "failures",
    check_mode: bool = False,
    on_start: Optional[OnStart] = None,
    on_report: Optional[Callable[[Dict[str, Any]], None]] = None,
    **shared: Any,
) -> Dict[str, Any]:
    """Check many relays at once; return `endpoints` in input order, `certificates`, `summary`: smtp_sweep's RETURN.

    `shared` are the options of a check, which an entry of `endpoints` may override. `deadline` (seconds) bounds the
    whole; `max_failures` ends it early; `on_report` is shown each report as it comes. Raises OptionError as check()
    does.
    """
    from .fleet import Fleet, Result, rows_of

    shared.setdefault("transcript", "on_failure")
    fleet = Fleet(hosts, endpoints, domains, all_addresses, dns_servers, dns_timeout, shared)
    began = time.monotonic()
    rows = rows_of(fleet, time.time(), check_mode)
    result = Result(rows, details)
    driver = Driver(_limits(concurrency, connections_per_relay, starts_per_second))
    if on_start:
        on_start(driver.stop)
    failures, groups = 0, _groups(rows)
    waiting = dict(groups)
    plans = _plans(rows, groups, driver.clock, jitter)
    for key, outcome in driver.run(plans, None if deadline is None else began + deadline):
        indexes = waiting.pop(key)
        report = as_report(_verdict(rows[indexes[0]].request, outcome, driver.clock()), time.time())
        result.add(indexes, report)
        if on_report:
            on_report(report)
        failures += report["verdict"] != "passed"
        if max_failures is not None and failures > max_failures:
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


def _limits(concurrency: int, connections_per_relay: int, starts_per_second: float) -> Limits:
    """As many at once as there are file descriptors for, an address race's second connection included."""
    descriptors, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors != resource.RLIM_INFINITY:
        concurrency = min(concurrency, (descriptors - _SPARE_DESCRIPTORS) // min(2, connections_per_relay))
    return Limits(max(1, concurrency), connections_per_relay, starts_per_second=starts_per_second)
