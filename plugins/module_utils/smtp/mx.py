# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the collection. The relays of a domain: MX and address records, by dnspython, imported only here.
#
# Apart from resolve.py, because a check of one relay needs none of it and is to be spared its source.

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from . import model
from .resolve import MAX_THREADS, ResolveError, is_literal

if TYPE_CHECKING:
    from typing import Any, Callable, List, Optional, Sequence, Tuple

_RECORDS = {"any": ("A", "AAAA"), "ipv4": ("A",), "ipv6": ("AAAA",)}


def make_resolver(servers: Optional[Sequence[str]], timeout: float) -> Any:
    """Return a resolver of dnspython's, which threads may share. Raises OptionError where there can be none."""
    try:
        import dns.nameserver
        import dns.resolver
    except ImportError:
        text = "need dnspython (2.6 or newer) where the check runs. Install it on that host, or name relays by hosts."
        raise model.OptionError("domains", text) from None
    try:
        resolver = dns.resolver.Resolver(configure=not servers)
    except dns.resolver.NoResolverConfiguration:
        text = "are needed: the host where the check runs names none of its own (/etc/resolv.conf)."
        raise model.OptionError("dns_servers", text) from None
    if servers:
        resolver.nameservers = [dns.nameserver.Do53Nameserver(*name_server(server)) for server in servers]
    resolver.lifetime = timeout
    return resolver


def look_up_mx(resolver: Any, domain: str) -> List[Tuple[Optional[int], str]]:
    """Return the relays of a domain, (preference, host), best first (RFC 5321 5.1). Raises ResolveError. Blocks.

    A domain without MX records is its own relay, with preference None, if it has an address.
    """
    found = sorted((record.preference, str(record.exchange)) for record in _ask(resolver, domain, "MX"))
    if [host for _preference, host in found] == ["."]:
        raise ResolveError("null_mx", domain)
    if not found and not _has_address(resolver, domain):
        raise ResolveError("mx_missing", domain)
    return [(preference, host.rstrip(".")) for preference, host in found] or [(None, domain)]


def look_up_addresses(resolver: Any, host: str, address_family: str) -> List[str]:
    """Return the addresses that the DNS has for a host. Raises ResolveError. Blocks."""
    found: List[str] = []
    failure = ResolveError(
        "name_not_found" if address_family == "any" else "no_address_of_family",
        "%s has no %s record" % (host, " or ".join(_RECORDS[address_family])),
    )
    for kind in _RECORDS[address_family]:
        try:
            found.extend(str(record.address) for record in _ask(resolver, host, kind))
        except ResolveError as error:
            failure = error
    if not found:
        raise failure
    return found


def _has_address(resolver: Any, host: str) -> bool:
    try:
        return bool(look_up_addresses(resolver, host, "any"))
    except ResolveError as error:
        if error.cause == "name_server_failed":
            raise
        return False


def _ask(resolver: Any, name: str, kind: str) -> Any:
    """Return the records of a name: none where it has none of this kind. Raises ResolveError."""
    import dns.exception
    import dns.resolver

    try:
        return resolver.resolve(name, kind)
    except dns.resolver.NoAnswer:
        return ()
    except dns.resolver.NXDOMAIN:
        raise ResolveError("name_not_found", "%s does not exist" % name) from None
    except dns.exception.DNSException as error:
        raise ResolveError("name_server_failed", "%s: %s" % (name, error)) from None


def name_server(text: str) -> Tuple[str, int]:
    """Return host and port of `192.0.2.1`, `192.0.2.1:53`, `2001:db8::1` or `[2001:db8::1]:53`. Raises ValueError."""
    if is_literal(text):
        return text, 53
    address, _colon, port = text.rpartition(":")
    address = address[1:-1] if address.startswith("[") and address.endswith("]") else address
    if not is_literal(address):
        raise ValueError(text)
    return address, int(port)


def in_threads(call: Callable[[Any], Any], values: Sequence[Any], until: Optional[float] = None) -> List[Any]:
    """Return `call(value)`, or its ResolveError, for each of `values`, asking up to MAX_THREADS at a time.

    What has no answer by `until`, of the monotonic clock, is left alone: `not_checked`.
    """
    unasked = ResolveError("not_checked", "the sweep ended before the name was looked up")
    answers: List[Any] = [unasked] * len(values)
    todo = iter(range(len(values)))
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                index = next(todo, None)
            if index is None:
                return
            try:
                answers[index] = call(values[index])
            except ResolveError as error:
                answers[index] = error
            except Exception as error:  # noqa: BLE001  # an odd name must not cost the others their answer
                answers[index] = ResolveError("name_not_found", "%s: %s" % (values[index], error))

    threads = [threading.Thread(target=work, daemon=True) for _index in range(min(MAX_THREADS, len(values)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(None if until is None else max(0.0, until - time.monotonic()))
    return list(answers)
