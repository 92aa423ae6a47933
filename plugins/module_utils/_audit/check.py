# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# The engine's front doors for audits: one relay, and many, over the same driver as a check.

from __future__ import annotations

import secrets
import threading
import time
from typing import TYPE_CHECKING

from .._errors import describe_bug
from .._net.driver import Driver, Limits, affordable
from .._net.options import with_defaults
from .._verdicts.causes import Failure
from .fleet import Result, grouped, relays_of
from .options import AUDIT_OPTIONS, FLEET_OPTIONS, deadline_of, wanted_audit
from .plan import Audit, audit_plan
from .proving import Proving
from .report import as_report

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple

    from .._net.driver import Plan
    from .fleet import Group
    from .options import Wanted

    OnStart = Callable[[Callable[[], None]], None]

_STRANGERS = 3  # addresses that nobody has


def audit(host: str, *, check_mode: bool = False, on_start: Optional[OnStart] = None, **options: Any) -> Dict[str, Any]:
    """Audit one relay and return its report: plain data, the keys of smtp_audit's RETURN.

    `options` are those of smtp_audit; `check_mode` says what would be done, and connects to nobody. `on_start` is given
    a function that ends the audit early, with what has been learned. Raises OptionError for a caller's mistake, before
    any socket opens; whatever the relay does is in the report.
    """
    given = with_defaults(options, AUDIT_OPTIONS)
    wanted, until = wanted_audit(host, given), deadline_of(given, time.monotonic())
    if check_mode:
        return as_report(Audit(wanted, None, ()), time.time())
    ((_index, found),) = _run([((wanted, (0,)),)], Limits(), until, on_start)
    return as_report(found, time.time())


def audit_relays(
    hosts: Sequence[str] = (),
    *,
    check_mode: bool = False,
    on_start: Optional[OnStart] = None,
    on_report: Optional[Callable[[Dict[str, Any]], None]] = None,
    **options: Any,
) -> Dict[str, Any]:
    """Audit many relays side by side; return `endpoints` in input order, and `summary`: smtp_audit's RETURN.

    A relay that is named twice sees one audit after the other, and the same audit once. `on_report` is shown each
    report as it comes, the rest is as for audit().
    """
    began = time.monotonic()
    given = with_defaults(dict(options, hosts=list(hosts)), {**AUDIT_OPTIONS, **FLEET_OPTIONS})
    relays, until = relays_of(given), deadline_of(given, began)
    result = Result(relays, given["details"])

    def take(index: int, found: Audit) -> None:
        report = as_report(found, time.time())
        result.add(index, report)
        if on_report:
            on_report(report)

    if check_mode:
        for index, relay in enumerate(relays):
            take(index, Audit(relay.wanted, None, ()))
    else:
        for index, found in _run(grouped(relays), affordable(Limits(given["concurrency"])), until, on_start):
            take(index, found)
    return result.as_dict(time.monotonic() - began, check_mode)


def _run(
    groups: Sequence[Group], limits: Limits, until: Optional[float], on_start: Optional[OnStart]
) -> Iterator[Tuple[int, Audit]]:
    """Yield each audit as it ends, and those at the end that were not begun; with the index of each row it is for."""
    _prepare([wanted for group in groups for wanted, _indexes in group])
    driver, stopped = Driver(limits), threading.Event()
    proving = Proving(
        time.monotonic,
        lambda seconds: not stopped.wait(seconds) and (until is None or time.monotonic() < until),
    )

    def stop() -> None:
        stopped.set()
        driver.stop()
        proving.interrupt()

    if on_start:
        on_start(stop)
    waiting = {key: [(proving.noted(wanted), indexes) for wanted, indexes in group] for key, group in enumerate(groups)}
    to_prove: List[Tuple[Audit, Sequence[int]]] = []
    for key, results in driver.run(((key, _in_turn(group)) for key, group in waiting.copy().items()), until):
        group = waiting.pop(key)
        for (wanted, indexes), found in zip(group, results if isinstance(results, list) else [results] * len(group)):
            if not isinstance(found, Audit):
                found = Audit(wanted, None, (), Failure("resolve", "internal_error", text=describe_bug(found)))
            if any(one.proving for one in found.probed):
                to_prove.append((found, indexes))
            else:
                yield from ((index, found) for index in indexes)
    cause = "interrupted" if until is None or driver.clock() < until else "not_checked"
    ended = Failure("resolve", cause, text="the audit ended before its turn")
    for group in waiting.values():
        yield from ((index, Audit(wanted, None, (), ended)) for wanted, indexes in group for index in indexes)
    settled = proving.settled([found for found, _indexes in to_prove])
    yield from ((index, found) for found, (_sent, indexes) in zip(settled, to_prove) for index in indexes)


def _prepare(wanted: Sequence[Wanted]) -> None:
    """Read the authorities' files before any socket opens."""
    policies = {one.endpoint.tls_policy for one in wanted if one.endpoint.tls_policy is not None}
    if policies:
        from .._net.tls.contexts import prepare

        for policy in policies:
            prepare(policy, time.time())


def _in_turn(group: Group) -> Plan:
    """The audits of one relay, one after the other: it never sees two at once. A fault in one is that one's result."""
    from email.utils import formatdate

    results: List[Any] = []
    for wanted, _indexes in group:
        try:
            results.append((yield from audit_plan(wanted, _strangers(wanted.known_recipient), formatdate())))
        except Exception as bug:  # noqa: BLE001  # as the driver does for each plan
            results.append(bug)
    return results


def _strangers(known: str) -> Tuple[str, ...]:
    """Return addresses made up by chance, in the known recipient's domain."""
    domain = known.rpartition("@")[2] or "invalid.example"
    return tuple("%s@%s" % ("mc" + secrets.token_hex(6), domain) for _one in range(_STRANGERS))
