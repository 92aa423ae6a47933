# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# The engine's other front door: many relays at once, over the same driver as one.

from __future__ import annotations

import time
from itertools import takewhile
from typing import TYPE_CHECKING

from .._net.attempts import Wait
from .._net.driver import Driver, Limits, affordable
from .._verdicts.causes import Failure
from .check import verdict_from
from .plan import check_plan, verdict_without_facts
from .report import as_report
from .resolvers import Answerers
from .rows import DnsBounds, rows_of
from .summary import Result
from .sweep_options import sweep_options

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

    from .check import OnStart
    from .plan import OnRetry, Plan, Verdict
    from .request import Request
    from .rows import Row

    Groups = Dict[Union[str, int], Tuple[int, ...]]


def sweep(
    hosts: Sequence[str] = (),
    *,
    check_mode: bool = False,
    on_start: Optional[OnStart] = None,
    on_report: Optional[Callable[[Dict[str, Any]], None]] = None,
    on_retry: Optional[OnRetry] = None,
    **options: Any,
) -> Dict[str, Any]:
    """Check many relays at once; return `endpoints` in input order, `certificates`, `summary`: smtp_sweep's RETURN.

    `options` are those of smtp_sweep; `on_report` is shown each report as it comes, the rest is as for check().
    """
    began = time.monotonic()
    given = sweep_options(dict(options, hosts=list(hosts)))
    deadline, most = given.own["deadline"], given.own["max_failures"]
    until = None if deadline is None else began + deadline
    bounds = DnsBounds(given.own)
    rows = rows_of(given, time.time(), check_mode, bounds, until)
    result = Result(rows, given.own["details"], bounds.left_out)
    driver = Driver(_limits(given.own))
    if on_start:
        on_start(driver.stop)
    groups = _groups(rows)
    waiting, probed, failures = dict(groups), 0, 0

    def enough() -> bool:
        return most is not None and failures > most

    def take(indexes: Tuple[int, ...], verdict: Verdict) -> Dict[str, Any]:
        report = as_report(verdict, time.time())
        result.add(indexes, report)
        if on_report:
            on_report(report)
        return report

    with Answerers(driver, [row.request.judging.resolvers for row in rows if row.failure is None]) as answerers:
        plans = _plans(rows, groups, driver.clock, given.own["jitter"], answerers, on_retry)
        for key, outcome in driver.run(takewhile(lambda _plan: not enough(), plans), until):
            indexes = waiting.pop(key)
            report = take(indexes, verdict_from(rows[indexes[0]].request, outcome, driver.clock()))
            probed += report["verdict"] != "not_checked"
            failures += report["verdict"] not in ("passed", "not_checked")
            if enough():
                driver.end_pauses()
    for indexes in waiting.values():
        row = rows[indexes[0]]
        take(indexes, _not_tried(row.request, row.failure))
    return result.as_dict(time.monotonic() - began, driver.loop.lag, probed)


def _groups(rows: Sequence[Row]) -> Groups:
    """Rows that ask for the same are probed once: key -> their indexes, in input order."""
    groups: Dict[Union[str, int], List[int]] = {}
    for index, row in enumerate(rows):
        groups.setdefault(row.key or index, []).append(index)
    # The garbage collector looks at tuples of numbers once, at lists over and over.
    return {key: tuple(indexes) for key, indexes in groups.items()}


def _plans(
    rows: Sequence[Row],
    groups: Groups,
    clock: Callable[[], float],
    jitter: float,
    answerers: Answerers,
    on_retry: Optional[OnRetry],
) -> Iterator[Tuple[Any, Plan]]:
    for key, indexes in groups.items():
        request, failure = rows[indexes[0]].request, rows[indexes[0]].failure
        if failure is None:
            plan = check_plan(request, time.time, answerers.of(request.judging.resolvers), on_retry)
            yield key, _after_pause(plan, clock, jitter, request) if jitter else plan


def _after_pause(plan: Plan, clock: Callable[[], float], jitter: float, request: Request) -> Plan:
    """Begin a little later: a fleet that is probed from many places is not hit by all of them at once."""
    import random  # takes as long to load as a hundred rows to make

    if (yield Wait(clock() + random.uniform(0, jitter))) is None:
        return _not_tried(request)
    return (yield from plan)


def _not_tried(request: Request, failure: Optional[Failure] = None) -> Verdict:
    ended = Failure("resolve", "not_checked", text="the sweep ended before its turn")
    return verdict_without_facts(request, failure or ended, time.monotonic())


def _limits(options: Mapping[str, Any]) -> Limits:
    per_relay, pace = options["connections_per_relay"], options["starts_per_second"]
    return affordable(Limits(options["concurrency"], per_relay, starts_per_second=pace))
