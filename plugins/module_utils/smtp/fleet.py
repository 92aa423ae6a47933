# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the collection. A fleet: from hosts, endpoints and domains to rows, and from reports to one result.
#
# Rows are made before anything is probed: what a caller wrote becomes one row a relay (or a relay's address), in
# the order of the input; rows that ask for the same are probed once. What passed is told in a short row, each
# certificate once, and the whole in a summary: that keeps a thousand relays readable, and quick to hand over.

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from . import model
from .options import OPTIONS, build_request, did_you_mean, is_host_name, with_defaults
from .resolve import ResolveError, look_up

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

# What one entry of `endpoints` may hold: the options of a check, without their defaults, and these.
ENDPOINT_OPTIONS: Dict[str, Dict[str, Any]] = {
    "host": {"type": "str", "required": True},
    "name": {"type": "str"},
    "labels": {"type": "dict"},
    **{name: {key: row[key] for key in row if key != "default"} for name, row in OPTIONS.items()},
}
SWEEP_OPTIONS: Dict[str, Dict[str, Any]] = {
    "hosts": {"type": "list", "elements": "str", "default": []},
    "endpoints": {"type": "list", "elements": "dict", "default": [], "options": ENDPOINT_OPTIONS},
    "domains": {"type": "list", "elements": "str", "default": []},
    "all_addresses": {"type": "bool", "default": False},
    "dns_servers": {"type": "list", "elements": "str"},
    "dns_timeout": {"type": "float", "default": 5.0},
    "concurrency": {"type": "int", "default": 200},
    "connections_per_relay": {"type": "int", "default": 2},
    "starts_per_second": {"type": "float", "default": 600.0},
    "jitter": {"type": "float", "default": 0.0},
    "deadline": {"type": "float"},
    "max_failures": {"type": "int"},
    "details": {"type": "str", "choices": ["failures", "all", "none"], "default": "failures"},
}

# Option -> the least and the most it may be.
_RANGES = {
    "dns_timeout": (0.001, 86400),
    "concurrency": (1, 10000),
    "connections_per_relay": (1, 1000),
    "starts_per_second": (0.001, 100000),
    "jitter": (0, 86400),
    "deadline": (0.001, 86400),
    "max_failures": (0, 10000000),
}
_SHOWN = 5  # names in a summary


class Row(NamedTuple):
    """One line of the result: what was asked for."""

    input: Any
    name: str
    labels: Mapping[str, Any]
    request: model.Request
    key: str  # equal for rows that ask for the same; empty where there is nothing to ask
    failure: Optional[model.Failure] = None  # why it is not even tried


class Fleet(NamedTuple):
    """What a sweep is given: its own `options`, and those of its checks, which an entry of `endpoints` may override."""

    options: Mapping[str, Any]
    shared: Mapping[str, Any]

    def __repr__(self) -> str:
        return "Fleet(<redacted>)"


def fleet_of(given: Mapping[str, Any]) -> Fleet:
    """Sort what a caller gave into a sweep's own options, checked, and those of its checks. Raises OptionError."""
    own = with_defaults({name: value for name, value in given.items() if name in SWEEP_OPTIONS}, SWEEP_OPTIONS)
    shared = {name: value for name, value in given.items() if name not in SWEEP_OPTIONS}
    for name in shared:
        if name not in OPTIONS:
            hint = did_you_mean(name, [*OPTIONS, *SWEEP_OPTIONS])
            raise model.OptionError(name, "there is no such option.%s" % hint)
    for name, (low, high) in _RANGES.items():
        if own[name] is not None and not low <= own[name] <= high:  # NaN is neither
            raise model.OptionError(name, "%s will not do: give a number from %s to %s." % (own[name], low, high))
    for index, server in enumerate(own["dns_servers"] or ()):
        from .mx import name_server

        try:
            name_server(server)
        except ValueError:
            text = "'%s' is no address. Give one, perhaps with a port: 192.0.2.1:53." % server
            raise model.OptionError("dns_servers[%d]" % index, text) from None
    if shared.get("transcript") is None:
        shared["transcript"] = "on_failure"
    return Fleet(own, shared)


def rows_of(fleet: Fleet, now: float, check_mode: bool, until: Optional[float] = None) -> List[Row]:
    """Return the rows of a sweep, in the order of hosts, endpoints, domains. Raises OptionError.

    `until`, of the monotonic clock, bounds the look-ups.
    """
    rows: List[Row] = []
    for index, text in enumerate(fleet.options["hosts"]):
        host, port = host_and_port(text, "hosts[%d]" % index)
        row = _row("hosts[%d]" % index, text, text, {}, host, fleet, {"port": port} if port else {}, now, check_mode)
        rows.append(row)
    for index, entry in enumerate(fleet.options["endpoints"]):
        given = {name: value for name, value in entry.items() if value is not None}
        host, name = given.pop("host", ""), given.pop("name", None)
        labels = given.pop("labels", {})
        where = "endpoints[%d]" % index
        if not host:
            raise model.OptionError(where + ".host", "is needed.")
        shown = {"host": host, **({"port": given["port"]} if "port" in given else {})}
        rows.append(_row(where, shown, name or host, labels, host, fleet, given, now, check_mode))
    if fleet.options["all_addresses"]:
        rows = _each_address(rows, _system_addresses, until)
    rows.extend(_domain_rows(fleet, now, check_mode, until))
    if not rows:
        raise model.OptionError("hosts", "is empty, and so are endpoints and domains: there is nothing to check.")
    return rows


def host_and_port(text: str, where: str) -> Tuple[str, Optional[int]]:
    """`host`, `host:port`, `[2001:db8::1]:port` or a bare IPv6 address."""
    head, colon, tail = text.rpartition(":")
    if not colon or (":" in head and not head.endswith("]")):
        return text, None
    if not re.fullmatch("[0-9]{1,5}", tail):
        raise model.OptionError(where, "'%s': the port must be a number, as in relay.example.com:587." % text)
    return head, int(tail)


def _row(
    where: str,
    given: Any,
    name: str,
    labels: Mapping[str, Any],
    host: str,
    fleet: Fleet,
    own: Mapping[str, Any],
    now: float,
    check_mode: bool,
) -> Row:
    options = dict(fleet.shared, **own)
    for one, other in (("password", "access_token"), ("access_token", "password")):
        if one in own and other not in own:
            options.pop(other, None)  # which exclude each other: a relay's own comes instead of what is shared
    try:
        request = build_request(host, options, now, check_mode)
    except model.OptionError as error:
        name = re.split(r"[.\[]", error.option)[0]
        if name in fleet.shared and name not in own:
            raise  # a mistake that all relays share names itself
        raise model.OptionError("%s.%s" % (where, error.option), str(error).partition(": ")[2]) from None
    return Row(given, name, labels, request, _key(request, options))


def _key(request: model.Request, options: Mapping[str, Any]) -> str:
    """Equal for equal checks, however they were written. Each message has a token of its own: its options count."""
    host, name = request.host.lower(), request.tls_server_name.lower()
    asked = request._replace(host=host, tls_server_name=name, message=None)
    text = json.dumps([asked, options.get("test_message")], sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()  # there are passwords in the text


def _domain_rows(fleet: Fleet, now: float, check_mode: bool, until: Optional[float]) -> List[Row]:
    """Rows for every address of every relay of the domains. Mistakes of the caller's are found before any question."""
    domains, servers, timeout = (fleet.options[name] for name in ("domains", "dns_servers", "dns_timeout"))
    if not domains:
        return []
    from . import mx

    own = [
        _row("domains[%d]" % index, domain, domain, {"domain": domain}, domain, fleet, {}, now, check_mode)
        for index, domain in enumerate(domains)
    ]
    resolver = mx.make_resolver(servers, timeout)
    answers = mx.in_threads(lambda row: mx.look_up_mx(resolver, row.request.host), own, until)
    relays: List[Row] = []
    for row, answer in zip(own, answers):
        if isinstance(answer, ResolveError):
            relays.append(_given_up(row, answer))
        else:
            relays.extend(_relays(row, answer, fleet, now, check_mode))
    return _each_address(relays, lambda host, _port, family: mx.look_up_addresses(resolver, host, family), until)


def _relays(
    row: Row, found: Iterable[Tuple[Optional[int], str]], fleet: Fleet, now: float, check_mode: bool
) -> Iterator[Row]:
    """What the DNS names is no mistake of the caller's: a name that cannot be one is that row's failure."""
    for preference, host in found:
        labels = {**row.labels, "preference": preference}
        try:
            if not is_host_name(host):  # protocol lmtp would take a path for a socket of this host's
                raise model.OptionError("host", "is no host name")
            yield _row("", row.input, host, labels, host, fleet, {}, now, check_mode)
        except model.OptionError:
            failure = ResolveError("name_not_found", "an MX record names '%s', which is no host name" % (host or "."))
            yield _given_up(row._replace(name=host or ".", labels=labels), failure)


def _given_up(row: Row, error: ResolveError) -> Row:
    return row._replace(failure=model.Failure("resolve", error.cause, text=str(error)), key="")


def _each_address(rows: Sequence[Row], look: Callable[..., List[str]], until: Optional[float]) -> List[Row]:
    """Give every address of a host a row of its own, in the order of the addresses."""
    named = [row for row in rows if not row.failure and not row.request.host.startswith("/")]
    from .mx import in_threads

    names = list({_question(row): None for row in named})
    found = dict(zip(names, in_threads(lambda name: look(*name), names, until)))
    spread: List[Row] = []
    for row in rows:
        addresses = None if row.failure else found.get(_question(row))
        if addresses is None:
            spread.append(row)
        elif isinstance(addresses, ResolveError):
            spread.append(_given_up(row, addresses))
        else:
            for address in sorted(set(addresses), key=_order):
                key = "%s %s" % (row.key, address)
                spread.append(row._replace(request=row.request._replace(connect_to=address), key=key))
    return spread


def _question(row: Row) -> Tuple[str, int, str]:
    return row.request.host, row.request.port, row.request.address_family


def _system_addresses(host: str, port: int, address_family: str) -> List[str]:
    return [address.text for address in look_up(host, port, address_family)]


def _order(address: str) -> Tuple[int, int]:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    return parsed.version, int(parsed)


# The result


class Result:
    """Collects reports, in any order, into `endpoints`, `certificates` and `summary`."""

    def __init__(self, rows: Sequence[Row], details: str) -> None:
        self._rows, self._details = rows, details
        self._endpoints: List[Optional[Dict[str, Any]]] = [None] * len(rows)
        self._certificates: Dict[str, Dict[str, Any]] = {}
        self._counts: Dict[str, Counter[str]] = {
            name: Counter() for name in ("verdicts", "causes", "tls_versions", "auth_mechanisms")
        }
        self._seconds: List[Tuple[float, int]] = []
        self._changed = False
        self._engine: Dict[str, str] = {}
        self._warnings: Dict[str, None] = {}

    def add(self, indexes: Iterable[int], report: Dict[str, Any]) -> None:
        """Take the report that all rows at `indexes` asked for."""
        self._engine = report.pop("engine")  # one for all, and each warning once
        self._warnings.update(dict.fromkeys(report.pop("warnings")))
        report = self._without_certificates(report)
        shown = report if self._shows(report) else _short(report)
        for index in indexes:
            row = self._rows[index]
            self._endpoints[index] = {"name": row.name, "labels": dict(row.labels), "input": row.input, **shown}
            self._count(index, report)
        self._changed = self._changed or report["changed"]

    def as_dict(self, seconds: float, lag: float, probed: int) -> Dict[str, Any]:
        endpoints = [endpoint for endpoint in self._endpoints if endpoint is not None]
        summary: Dict[str, Any] = {name: dict(sorted(count.items())) for name, count in self._counts.items()}
        summary["slowest"] = [
            {"name": self._rows[index].name, "seconds": taken}
            for taken, index in sorted(self._seconds, key=lambda one: -one[0])[:_SHOWN]
        ]
        summary["soonest_expiry"] = self._soonest_expiry(endpoints)
        summary.update(endpoints=len(endpoints), probed=probed, seconds=round(seconds, 3), lag=round(lag, 4))
        return {
            "changed": self._changed,
            "msg": _sentence(summary),
            "endpoints": endpoints,
            "certificates": self._certificates,
            "summary": summary,
            "engine": self._engine,
            "warnings": list(self._warnings),
        }

    def _shows(self, report: Mapping[str, Any]) -> bool:
        return self._details == "all" or (self._details == "failures" and report["verdict"] != "passed")

    def _without_certificates(self, report: Dict[str, Any]) -> Dict[str, Any]:
        """Move a report's certificates into the one table; their SHA-256 stays."""
        tls = report["tls"]
        if not tls or not tls["chain"]:
            return report
        for certificate in tls["chain"]:
            self._certificates.setdefault(certificate["sha256_fingerprint"], certificate)
        names = [certificate["sha256_fingerprint"] for certificate in tls["chain"]]
        return dict(report, tls=dict(tls, certificate=names[0], chain=names, days_left=tls["chain"][0]["days_left"]))

    def _count(self, index: int, report: Mapping[str, Any]) -> None:
        self._counts["verdicts"][report["verdict"]] += 1
        if report["failure"]:
            self._counts["causes"][report["failure"]["cause"]] += 1
        if "tls" in report["timings"]:  # a handshake that was completed
            self._counts["tls_versions"][report["tls"]["version"]] += 1
        for mechanism in report["auth_mechanisms"] or ():
            self._counts["auth_mechanisms"][mechanism] += 1
        if "total" in report["timings"]:
            self._seconds.append((report["timings"]["total"], index))

    def _soonest_expiry(self, endpoints: Sequence[Mapping[str, Any]]) -> Optional[Dict[str, Any]]:
        leaves: Dict[str, List[str]] = {}
        for endpoint in endpoints:
            if endpoint["tls"] and endpoint["tls"]["certificate"]:
                leaves.setdefault(endpoint["tls"]["certificate"], []).append(endpoint["name"])
        if not leaves:
            return None
        soonest = min(leaves, key=lambda sha256: self._certificates[sha256]["not_after"])
        certificate = self._certificates[soonest]
        expiry = {name: certificate[name] for name in ("not_after", "days_left", "subject")}
        return dict(expiry, certificate=soonest, names=leaves[soonest][:_SHOWN], endpoints=len(leaves[soonest]))


def _short(report: Mapping[str, Any]) -> Dict[str, Any]:
    """What there is to say of a relay that does as it should."""
    short = {
        name: report[name]
        for name in ("msg", "host", "port", "address", "protocol", "verdict", "stage", "failure", "changed")
    }
    tls = report["tls"]
    if tls:
        tls = {name: tls.get(name) for name in ("version", "cipher", "verified", "certificate", "days_left")}
    return dict(short, tls=tls, rules=report["rules"], seconds=report["timings"].get("total"))


def _sentence(summary: Mapping[str, Any]) -> str:
    counts = ", ".join("%d %s" % (count, verdict.replace("_", " ")) for verdict, count in summary["verdicts"].items())
    text = "%d relays in %.3g s: %s." % (summary["endpoints"], summary["seconds"], counts)
    causes = ["%s (%d)" % pair for pair in Counter(summary["causes"]).most_common(5)]
    return text + (" Causes: %s." % ", ".join(causes) if causes else "")
