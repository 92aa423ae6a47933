# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# The engine's front door for mail domains: one or thousands, over one driver, with one cache of answers.

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .._errors import describe_bug
from .._net.dns.resolver import StubResolver
from .._net.dns.servers import name_servers
from .._net.dns.zone_files import ZoneFiles
from .._net.driver import Driver, Limits
from .._net.tls.model import TlsPolicy
from .._version import engine
from .facts import DomainFacts, plain
from .options import CONNECTING, domain_options, wanted_domains
from .plan import Sources, domain_plan
from .report import Looked, as_report, sentence_of, summary_of, verdict_of, warnings_of

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Mapping, Optional, Sequence

    from .options import Wanted

    OnStart = Callable[[Callable[[], None]], None]


def check_domains(
    domains: Sequence[Any],
    *,
    check_mode: bool = False,
    on_start: Optional[OnStart] = None,
    on_report: Optional[Callable[[Dict[str, Any]], None]] = None,
    **options: Any,
) -> Dict[str, Any]:
    """Check mail domains; return `domains` in the order given, `summary`, `resolvers`: domain_check's RETURN.

    `options` are those of domain_check. Nothing is ever changed, so `check_mode` makes no difference. `on_start` is
    given a function that ends the check early, with what has been learned; `on_report` each domain's report as it
    comes. Raises OptionError for a caller's mistake, before anything is asked.
    """
    began = time.monotonic()
    given = domain_options(dict(options, domains=domains))
    wanted = wanted_domains(given)
    zone_files = ZoneFiles([(path, "") for path in given["zone_files"]]) if given["zone_files"] else None
    servers = [] if zone_files else name_servers(given["dns_servers"], given["trusted_resolvers"])
    policy = _tls_policy(given, wanted, time.time())
    driver = Driver(Limits(given["concurrency"]))
    resolver = StubResolver(driver, servers, given["dns_timeout"])
    connecting = {name: given[name] for name in CONNECTING}
    sources = Sources(zone_files or resolver, policy, connecting, time.time())
    if on_start:
        on_start(driver.stop)
    until = None if given["deadline"] is None else began + given["deadline"]
    reports: Dict[int, Dict[str, Any]] = {}

    def take(index: int, looked: Looked) -> None:
        reports[index] = as_report(looked, time.time())
        if on_report:
            on_report(reports[index])

    try:
        for index, result in driver.run(
            ((index, domain_plan(one, sources)) for index, one in enumerate(wanted)), until
        ):
            looked = result if isinstance(result, Looked) else _fault(wanted[index], result)
            if driver.stopping and looked.ended is None and verdict_of(looked) == "unreachable":
                looked = looked._replace(ended="not_checked", text="the run ended before anything was known of it")
            take(index, looked)
    finally:
        resolver.close()
    for index, one in enumerate(wanted):
        if index not in reports:
            take(index, _ended(one, "not_checked", "the run ended before its turn"))
    return _result([reports[index] for index in range(len(wanted))], resolver, time.monotonic() - began)


def _tls_policy(given: Mapping[str, Any], wanted: Sequence[Wanted], now: float) -> Optional[TlsPolicy]:
    """Return how policy hosts are judged, the authorities read before any socket opens.

    With zone files no policy host is asked.
    """
    policy = TlsPolicy(ca_path=given["ca_path"])
    if given["ca_path"] or any("mta_sts" in one.look_at or one.relays for one in wanted):
        from .._net.tls.contexts import prepare

        prepare(policy, now)
    return None if given["zone_files"] else policy


def _fault(wanted: Wanted, bug: Any) -> Looked:
    return _ended(wanted, "internal_error", "a fault of this collection, please report it: %s" % describe_bug(bug))


def _ended(wanted: Wanted, cause: str, text: str) -> Looked:
    return Looked(wanted, DomainFacts(), (), (), ended=cause, text=text)


def _result(reports: Sequence[Dict[str, Any]], resolver: StubResolver, seconds: float) -> Dict[str, Any]:
    summary = summary_of(reports, seconds)
    return {
        "changed": False,
        "msg": sentence_of(summary, reports),
        "domains": list(reports),
        "summary": summary,
        "resolvers": plain(resolver.facts()),
        "engine": engine(),
        "warnings": warnings_of(reports),
    }
