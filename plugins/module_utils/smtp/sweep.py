# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the collection. The engine's other front door: many relays at once, over the same driver as one.

from __future__ import annotations

import resource
import time
from itertools import takewhile
from typing import TYPE_CHECKING

from . import model
from .check import verdict_from
from .driver import Driver, Limits
from .fleet import Result, fleet_of, rows_of
from .plan import check_plan, unprobed
from .report import as_report

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

    from .check import OnStart
    from .fleet import Row
    from .plan import Plan, Verdict

    Groups = Dict[Union[str, int], Tuple[int, ...]]

# Descriptors that are not ours to use: files, the resolver's pair, the caller's own.
_SPARE_DESCRIPTORS = 64


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
    began = time.monotonic()
    fleet = fleet_of(dict(options, hosts=list(hosts)))
    deadline, most = fleet.options["deadline"], fleet.options["max_failures"]
    until = None if deadline is None else began + deadline
    rows = rows_of(fleet, time.time(), check_mode, until)
    result = Result(rows, fleet.options["details"])
    driver = Driver(_limits(fleet.options))
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

    plans = _plans(rows, groups, driver.clock, fleet.options["jitter"])
    for key, outcome in driver.run(takewhile(lambda _plan: not enough(), plans), until):
        indexes = waiting.pop(key)
        report = take(indexes, verdict_from(rows[indexes[0]].request, outcome, driver.clock()))
        probed += report["verdict"] != "not_checked"
        failures += report["verdict"] not in ("passed", "not_checked")
        if enough():
            driver.end_rests()
    for indexes in waiting.values():
        row = rows[indexes[0]]
        take(indexes, _not_tried(row.request, row.failure))
    return result.as_dict(time.monotonic() - began, driver.lag, probed)


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
) -> Iterator[Tuple[Any, Plan]]:
    for key, indexes in groups.items():
        request, failure = rows[indexes[0]].request, rows[indexes[0]].failure
        if failure is None:
            plan = check_plan(request, time.time)
            yield key, _after_pause(plan, clock, jitter, request) if jitter else plan


def _after_pause(plan: Plan, clock: Callable[[], float], jitter: float, request: model.Request) -> Plan:
    """Begin a little later: a fleet that is probed from many places is not hit by all of them at once."""
    import random  # takes as long to load as a hundred rows to make

    if (yield model.Wait(clock() + random.uniform(0, jitter))) is None:
        return _not_tried(request)
    return (yield from plan)


def _not_tried(request: model.Request, failure: Optional[model.Failure] = None) -> Verdict:
    ended = model.Failure("resolve", "not_checked", text="the sweep ended before its turn")
    return unprobed(request, failure or ended, time.monotonic())


def _limits(options: Mapping[str, Any]) -> Limits:
    """As many at once as there are file descriptors for, an address race's second connection included."""
    concurrency, per_relay = options["concurrency"], options["connections_per_relay"]
    descriptors, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors != resource.RLIM_INFINITY:
        concurrency = min(concurrency, (descriptors - _SPARE_DESCRIPTORS) // min(2, per_relay))
    return Limits(max(1, concurrency), per_relay, starts_per_second=options["starts_per_second"])
