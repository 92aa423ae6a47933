# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# The relays of a domain themselves: each address of each MX host is spoken to as a sending server would, by the SMTP
# engine, as far as STARTTLS. No message is begun, and no certificate is refused, so that all can be told.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .._net.options import secrets_of
from .._net.tls.certificates import days_left
from .._smtp.attempts import attempt_all
from .._smtp.request import build_request
from .delivery import SeenRelay, deliveries
from .unanswered import OURS

if TYPE_CHECKING:
    from typing import Any, Generator, Mapping, Optional, Sequence, Tuple

    from .._net.attempts import Attempt, Outcome
    from .._smtp.request import Request
    from .dane import Dane
    from .mta_sts.evaluate import MtaSts
    from .mx import MailExchangers

    Looking = Generator[Tuple[Attempt, ...], Any, "Tuple[RelayFacts, ...]"]

MAX_RELAYS = 512  # addresses of one domain that are connected to
_AS_A_SENDER = {"tls": "opportunistic", "stop_after": "tls"}


class DeliveryFacts(NamedTuple):
    """What a sender of one kind does with mail for the domain at this address."""

    sender: str  # dane, mta_sts, opportunistic
    outcome: str  # delivers, defers, unknown
    text: str  # a sentence without its full stop


class RelayFacts(NamedTuple):
    """One address of one MX host, as it showed itself."""

    host: str
    address: str
    port: int
    starttls: Optional[bool]  # None: EHLO was not answered
    tls_version: Optional[str]
    verified: Optional[bool]  # the certificate, for the MX host's name; None: not seen, or not judged
    verify_errors: Tuple[str, ...]
    days_left: Optional[int]
    cause: Optional[str]  # why it did not get as far as TLS, of the table of causes
    reason: str  # in the relay's words
    deliveries: Tuple[DeliveryFacts, ...]
    public_key_sha256: Optional[str]  # of the certificate: what a TLSA record 3 1 1 holds


def requests_for(mx: MailExchangers, options: Mapping[str, Any], now: float) -> Tuple[Request, ...]:
    """Return what is to be tried: each address of each host that the domain names. `now` is the time of day."""
    found = []
    for exchanger in mx.hosts:
        for address in exchanger.addresses:
            if not may_connect_to(address, options):
                continue
            request = build_request(exchanger.host, {**options, **_AS_A_SENDER}, now)
            found.append(request._replace(endpoint=request.endpoint._replace(connect_to=address)))
    return tuple(found[:MAX_RELAYS])


def may_connect_to(address: str, options: Mapping[str, Any]) -> bool:
    """Return whether an address is of the family that the options want to connect to, or from."""
    family = "ipv6" if ":" in address else "ipv4"
    source = options["source_address"]
    return options["address_family"] in ("any", family) and (source is None or (":" in source) is (":" in address))


def look_at_relays(
    domain: str, requests: Sequence[Request], dane: Sequence[Dane], mta_sts: Optional[MtaSts], now: float
) -> Looking:
    """Return what each address shows, and what senders make of it."""
    if not requests:
        return ()
    by_host = {one.host: one for one in dane}
    wanted = [(request.endpoint, request.actions) for request in requests]
    outcomes = yield from attempt_all(wanted, secrets_of(requests[0].actions.credentials))
    return tuple(
        _relay_facts(domain, request, outcome, by_host.get(request.endpoint.host), mta_sts, now)
        for request, outcome in zip(requests, outcomes)
    )


def _relay_facts(
    domain: str, request: Request, outcome: Outcome, dane: Optional[Dane], mta_sts: Optional[MtaSts], now: float
) -> RelayFacts:
    facts, endpoint = outcome.facts, request.endpoint
    before = facts.capabilities_before_tls or facts.capabilities
    offers = None if before is None else "STARTTLS" in before
    failure = facts.failure
    tls = facts.tls if "tls" in facts.timings else None
    trouble = (
        "" if failure is None else " ".join(filter(None, (str(failure.code or ""), failure.text or failure.cause)))
    )
    seen = SeenRelay(endpoint.host, offers, tls, trouble, failure is not None and failure.cause in OURS)
    leaf = tls.chain[0] if tls and tls.chain else None
    return RelayFacts(
        host=endpoint.host,
        address=str(endpoint.connect_to),
        port=endpoint.port,
        starttls=offers,
        tls_version=tls.version if tls else None,
        verified=tls.verified if tls else None,
        verify_errors=tls.verify_errors if tls else (),
        days_left=days_left(leaf, now) if leaf else None,
        cause=failure.cause if failure else None,
        reason=failure.text if failure else "",
        deliveries=tuple(
            DeliveryFacts(one.sender, one.outcome, one.sentence) for one in deliveries(seen, domain, dane, mta_sts)
        ),
        public_key_sha256=leaf.public_key_sha256 if leaf else None,
    )
