# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# The way from hosts, endpoints and domains to rows.
#
# Rows are made before anything is probed: what a caller wrote becomes one row a relay (or a relay's address), in
# the order of the input. Rows that ask for the same have the same key, and are probed once.

from __future__ import annotations

import functools
import hashlib
import ipaddress
import json
import re
from typing import TYPE_CHECKING, NamedTuple

from .._errors import OptionError
from .._net.names import ResolveError, is_literal, is_of_every_host, is_of_this_host
from .._net.options import Credentials, is_host_name
from .._verdicts.causes import Failure
from .endpoint import host_and_port
from .lookups import LookUps
from .request import build_request

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

    from .lookups import Asked, Found, Part
    from .request import Request
    from .sweep_options import SweepOptions


class Row(NamedTuple):
    """One line of the result: what was asked for."""

    input: Any
    name: str
    labels: Mapping[str, Any]
    request: Request
    key: str  # equal for rows that ask for the same; empty where there is nothing to ask
    failure: Optional[Failure] = None  # why it is not even tried


class Entry(NamedTuple):
    """One relay as a caller, or the DNS, names it: what a row is made from."""

    where: str  # the option it comes from, as errors name it: hosts[0]
    input: Any  # as the result shows it
    host: str
    name: str
    labels: Mapping[str, Any] = {}
    options: Mapping[str, Any] = {}  # its own, which go before those that all checks share

    def __repr__(self) -> str:
        return "Entry(%s, <redacted>)" % self.where


class DnsBounds:
    """How much of what the DNS names becomes rows. `left_out`: option -> the name it is about -> how many more."""

    def __init__(self, own: Mapping[str, Any]) -> None:
        self._own = own
        self.left_out: Dict[str, Dict[str, int]] = {}

    def first(self, option: str, name: str, found: Sequence[Any]) -> Sequence[Any]:
        """Return as many as `option` allows."""
        most = self._own[option]
        if len(found) > most:
            more = self.left_out.setdefault(option, {})
            more[name] = more.get(name, 0) + len(found) - most
        return found[:most]


def rows_of(
    options: SweepOptions, now: float, check_mode: bool, bounds: DnsBounds, until: Optional[float] = None
) -> List[Row]:
    """Return the rows of a sweep, in the order of hosts, endpoints, domains. Raises OptionError.

    `until`, of the monotonic clock, bounds the look-ups.
    """
    row_of = functools.partial(_row, options.shared, now, check_mode)
    rows = [row_of(entry) for entry in entries(options.own)]
    if options.own["all_addresses"]:
        look_ups = LookUps(until)
        rows = look_ups.run(_each_address(rows, look_ups.system_addresses, bounds))
    if options.own["domains"]:
        domains = _domains(options.own, row_of)
        look_ups = LookUps(until, options.own["resolvers"])
        rows.extend(look_ups.run(_domain_rows(domains, options.own, row_of, bounds, look_ups)))
    if not rows:
        raise OptionError("hosts", "is empty, and so are endpoints and domains: there is nothing to check.")
    return rows


def entries(own: Mapping[str, Any]) -> Iterator[Entry]:
    """Yield what `hosts` and `endpoints` hold, in their order."""
    for index, text in enumerate(own["hosts"]):
        where = "hosts[%d]" % index
        host, port = host_and_port(text, where)
        yield Entry(where, text, host, text, options={"port": port} if port else {})
    for index, endpoint in enumerate(own["endpoints"]):
        where = "endpoints[%d]" % index
        given = {name: value for name, value in endpoint.items() if value is not None}
        host, name, labels = given.pop("host", ""), given.pop("name", None), given.pop("labels", {})
        if not host:
            raise OptionError(where + ".host", "is needed.")
        shown = {"host": host, **({"port": given["port"]} if "port" in given else {})}
        yield Entry(where, shown, host, name or host, labels, given)


def _row(shared: Mapping[str, Any], now: float, check_mode: bool, entry: Entry) -> Row:
    options = dict(shared, **entry.options)
    for one, other in (("password", "access_token"), ("access_token", "password")):
        if one in entry.options and other not in entry.options:
            options.pop(other, None)  # which exclude each other: a relay's own comes instead of what is shared
    try:
        request = build_request(entry.host, options, now, check_mode)
    except OptionError as error:
        raise blamed(entry, shared, error) from None
    return Row(entry.input, entry.name, entry.labels, request, _key(request, options))


def blamed(entry: Entry, shared: Mapping[str, Any], error: OptionError) -> OptionError:
    """Return the mistake with the entry's name before it, unless it is in what all relays share."""
    name = re.split(r"[.\[]", error.option)[0]
    if name in shared and name not in entry.options:
        return error
    return OptionError("%s.%s" % (entry.where, error.option), str(error).partition(": ")[2])


def _key(request: Request, options: Mapping[str, Any]) -> str:
    """Equal for equal checks, however they were written. Each message has a token of its own: its options count."""
    endpoint, actions, judging = request
    host, name = endpoint.host.lower(), endpoint.tls_server_name.lower()
    asked = (endpoint._replace(host=host, tls_server_name=name), actions._replace(message=None), judging)
    text = json.dumps([asked, options.get("test_message")], sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()  # there are passwords in the text


def _domains(own: Mapping[str, Any], row_of: Callable[[Entry], Row]) -> List[Row]:
    """A row for each domain. Mistakes of the caller's are found before any question."""
    return [
        row_of(Entry("domains[%d]" % index, domain, domain, domain, {"domain": domain}))
        for index, domain in enumerate(own["domains"])
    ]


def _domain_rows(
    domains: Sequence[Row],
    own: Mapping[str, Any],
    row_of: Callable[[Entry], Row],
    bounds: DnsBounds,
    look_ups: LookUps,
) -> Part[List[Row]]:
    """Rows for every address of every relay of the domains."""
    answers = yield from look_ups.relays([row.request.endpoint.host for row in domains])
    relays: List[Row] = []
    for row, answer in zip(domains, answers):
        if isinstance(answer, ResolveError):
            relays.append(_given_up(row, answer))
        else:
            found = bounds.first("mx_per_domain", row.name, answer)
            relays.extend(_relays(row, found, row_of, own["credentials_for"]))
    by_domain: Dict[str, List[Row]] = {}
    for row in (yield from _each_address(relays, look_ups.addresses, bounds)):
        by_domain.setdefault(row.input, []).append(row)
    kept = (bounds.first("rows_per_domain", domain, own_rows) for domain, own_rows in by_domain.items())
    return [_of_others(row) for own_rows in kept for row in own_rows]


def _of_others(row: Row) -> Row:
    """Where a relay that the DNS names is ourselves: what others would reach is not seen from here.

    With an address of the loopback each of them would reach himself. One of our own may be right, and brings a warning.
    """
    endpoint, _actions, judging = row.request
    if row.failure or endpoint.connect_to is None:
        return row
    if is_of_every_host(endpoint.connect_to):
        text = "the DNS gives the relay %s the address %s" % (endpoint.host, endpoint.connect_to)
        return _given_up(row, ResolveError("mx_is_localhost", text))
    if not is_of_this_host(endpoint.connect_to):
        return row
    text = "%s (%s) is the host that the check runs on: what another host would reach there was not checked."
    warnings = (*judging.warnings, text % (endpoint.host, endpoint.connect_to))
    return row._replace(request=row.request._replace(judging=judging._replace(warnings=warnings)))


def _relays(
    domain: Row,
    found: Iterable[Tuple[Optional[int], str]],
    row_of: Callable[[Entry], Row],
    trusted: Sequence[str],
) -> Iterator[Row]:
    """What the DNS names is no mistake of the caller's: a name that cannot be one is that row's failure."""
    for preference, host in found:
        labels = {**domain.labels, "preference": preference}
        unusable = _unusable(host)
        if unusable is not None:
            yield _given_up(domain._replace(name=host, labels=labels), unusable)
            continue
        try:
            if not is_host_name(host):  # protocol lmtp would take a path for a socket of this host's
                raise OptionError("host", "is no host name")
            relay = _on_the_way_to(domain, row_of(Entry("", domain.input, host, host, labels)))
            yield relay if _is_trusted(host, trusted) else _without_credentials(relay)
        except OptionError:
            failure = ResolveError("name_not_found", "an MX record names '%s', which is no host name" % (host or "."))
            yield _given_up(domain._replace(name=host or ".", labels=labels), failure)


def _on_the_way_to(domain: Row, row: Row) -> Row:
    """Where TLSA records count, whom the mail is for makes a difference: such rows are not probed as one."""
    judging = row.request.judging
    if not judging.tlsa and judging.resolvers is None:
        return row
    next_hop = domain.request.endpoint.host
    request = row.request._replace(judging=judging._replace(next_hop=next_hop))
    return row._replace(request=request, key="%s for %s" % (row.key, next_hop))


def _unusable(host: str) -> Optional[ResolveError]:
    """Return why an MX record that holds this cannot lead to a relay, where it looks like a name that could."""
    if is_literal(host.strip("[]")):
        return ResolveError("mx_is_address", "an MX record holds the address %s instead of a host name" % host)
    if host.lower().split(".")[-1] == "localhost" or host.lower() == "localhost.localdomain":  # RFC 6761 6.3
        return ResolveError("mx_is_localhost", "an MX record names %s" % host)
    return None


def _is_trusted(host: str, trusted: Sequence[str]) -> bool:
    """Return whether a relay that the DNS has named is one of those that credentials are for."""
    from .._net.tls.identity import is_covered

    return is_covered(host, trusted)


def _without_credentials(row: Row) -> Row:
    """Take the credentials, if any, out of what is asked of a relay. Its check then ends where it would sign in."""
    if not row.request.actions.credentials:
        return row
    actions = row.request.actions._replace(credentials=Credentials(withheld=True))
    return row._replace(request=row.request._replace(actions=actions), key=row.key + " without credentials")


def _given_up(row: Row, error: ResolveError) -> Row:
    return row._replace(failure=Failure("resolve", error.cause, text=str(error)), key="")


def _each_address(
    rows: Sequence[Row], look_up: Callable[[Sequence[Asked]], Part[List[Found[str]]]], bounds: DnsBounds
) -> Part[List[Row]]:
    """Give every address of a host a row of its own, in the order of the addresses."""
    named = [row for row in rows if not row.failure and not row.request.endpoint.host.startswith("/")]
    names = list({_question(row): None for row in named})
    found = dict(zip(names, (yield from look_up(names))))
    spread: List[Row] = []
    for row in rows:
        addresses = None if row.failure else found.get(_question(row))
        if addresses is None:
            spread.append(row)
        elif isinstance(addresses, ResolveError):
            spread.append(_given_up(row, addresses))
        else:
            host = row.request.endpoint.host
            for address in bounds.first("addresses_per_relay", host, sorted(set(addresses), key=_order)):
                endpoint, key = row.request.endpoint._replace(connect_to=address), "%s %s" % (row.key, address)
                spread.append(row._replace(request=row.request._replace(endpoint=endpoint), key=key))
    return spread


def _question(row: Row) -> Asked:
    endpoint = row.request.endpoint
    return endpoint.host, endpoint.port, endpoint.address_family


def _order(address: str) -> Tuple[int, int]:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    return parsed.version, int(parsed)
