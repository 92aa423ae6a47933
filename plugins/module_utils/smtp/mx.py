# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the collection. The relays of a domain: MX records, by dnspython, which is imported only here.
#
# Apart from resolve.py, because a check of one relay needs none of it and is to be spared its source.

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from .resolve import MAX_THREADS, ResolveError, is_literal

if TYPE_CHECKING:
    from typing import Any, Callable, List, Optional, Sequence, Tuple


def look_up_mx(domain: str, servers: Optional[Sequence[str]], timeout: float) -> List[Tuple[Optional[int], str]]:
    """Return the relays of a domain, (preference, host), best first (RFC 5321 5.1). Raises ResolveError. Blocks.

    A domain without MX records is its own relay, with preference None, if it has an address.
    """
    try:
        import dns.exception
        import dns.nameserver
        import dns.resolver
    except ImportError:
        raise ResolveError("dns_library_missing", domain) from None
    try:
        resolver = dns.resolver.Resolver(configure=not servers)
        if servers:
            resolver.nameservers = [dns.nameserver.Do53Nameserver(*name_server(server)) for server in servers]
        resolver.lifetime = timeout
        found = sorted((record.preference, str(record.exchange)) for record in resolver.resolve(domain, "MX"))
    except dns.resolver.NXDOMAIN:
        raise ResolveError("name_not_found", "%s does not exist" % domain) from None
    except dns.resolver.NoAnswer:
        return [(None, domain)]
    except dns.exception.DNSException as error:
        raise ResolveError("name_server_failed", "%s: %s" % (domain, error)) from None
    if [host for _preference, host in found] == ["."]:
        raise ResolveError("null_mx", domain)
    return [(preference, host.rstrip(".")) for preference, host in found]


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
