# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# The relays of a domain, and their addresses, as the DNS has them: evaluations (_net/dns/model.py).

from __future__ import annotations

from typing import TYPE_CHECKING

from .._net.dns.model import ABSENT, PRESENT, Question
from .._net.names import ResolveError

if TYPE_CHECKING:
    from typing import Any, List, Optional, Tuple

    from .._net.dns.model import Answer, Evaluation

_KINDS = {"any": ("A", "AAAA"), "ipv4": ("A",), "ipv6": ("AAAA",)}


def relays_of(domain: str) -> Evaluation[List[Tuple[Optional[int], str]]]:
    """Return the relays of a domain, (preference, host), best first (RFC 5321 5.1). Raises ResolveError.

    A domain without MX records is its own relay, with preference None, if it has an address.
    """
    (answer,) = yield (_question(domain, "MX"),)
    found = sorted((mx.preference, mx.host + ".") for mx in _records(answer, domain))
    if [host for _preference, host in found] == ["."]:
        raise ResolveError("null_mx", domain)
    if not found and not (yield from _has_address(domain)):
        raise ResolveError("mx_missing", domain)
    return [(preference, host.rstrip(".")) for preference, host in found] or [(None, domain)]


def addresses_of(host: str, address_family: str) -> Evaluation[List[str]]:
    """Return the addresses that the DNS has for a host. Raises ResolveError."""
    kinds = _KINDS[address_family]
    found: List[str] = []
    failure = ResolveError(
        "name_not_found" if address_family == "any" else "no_address_of_family",
        "%s has no %s record" % (host, " or ".join(kinds)),
    )
    for answer in (yield tuple(_question(host, kind) for kind in kinds)):
        try:
            found.extend(_records(answer, host))
        except ResolveError as error:
            failure = error
    if not found:
        raise failure
    return found


def _has_address(host: str) -> Evaluation[bool]:
    try:
        return bool((yield from addresses_of(host, "any")))
    except ResolveError as error:
        if error.cause == "name_server_failed":
            raise
        return False


def _question(name: str, kind: str) -> Question:
    return Question(name.rstrip(".").lower(), kind)


def _records(answer: Answer, name: str) -> Tuple[Any, ...]:
    """Return the records of a name: none where it has none of this kind. Raises ResolveError."""
    if answer.state == ABSENT and answer.exists is False:
        raise ResolveError("name_not_found", "%s does not exist" % name)
    if answer.state not in (PRESENT, ABSENT):
        raise ResolveError("name_server_failed", "%s: %s" % (name, answer.reason))
    return answer.records
