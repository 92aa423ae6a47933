# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# From an endpoint, and what is to be done there, to an attempt of the driver; from the attempt's outcome to facts.

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from .._net.attempts import Attempt
from .._net.text import cut
from .._verdicts.causes import Failure
from .commands import proxy_header
from .conversation.converse import converse
from .endpoint import SMTP
from .facts import Facts
from .protocol import Protocol
from .transcript import Transcript

if TYPE_CHECKING:
    from typing import Any, Callable, Generator, Optional, Sequence, Tuple

    from .._net.attempts import AnyProtocol, Connected, Outcome
    from .._net.text import Secrets
    from .._net.tls.question import TlsQuestion
    from .actions import Actions
    from .endpoint import Endpoint

    MakeProtocol = Callable[[Connected], AnyProtocol]
    Attempts = Generator[Tuple[Attempt, ...], Any, Tuple[Outcome, ...]]


def attempt_all(wanted: Sequence[Tuple[Endpoint, Actions]], secrets: Secrets) -> Attempts:
    """Have all that is `wanted` attempted, side by side; return the outcomes, each with Facts.

    `secrets` are those of the whole check: what one connection was told the relay may repeat in the next.
    """
    outcomes = (yield tuple(attempt_of(*one, secrets) for one in wanted)) if wanted else ()
    return tuple(map(with_facts, outcomes))


def attempt_first(endpoint: Endpoint, actions: Actions, secrets: Secrets) -> Generator[Tuple[Attempt], Any, Outcome]:
    """Have attempted what shows whether a relay is there at all. One that is silent is asked whether it waits for TLS.

    Not on port 25, where none does, and a client that speaks before the greeting is taken for a spammer's.
    """
    may_wait = endpoint.tls != "implicit" and endpoint.port != SMTP and not endpoint.host.startswith("/")
    if_silent = partial(_tls_question_for, endpoint) if may_wait else None
    (outcome,) = yield (attempt_of(endpoint, actions, secrets, if_silent),)
    return with_facts(outcome)


def attempt_of(
    endpoint: Endpoint, actions: Actions, secrets: Secrets, if_silent: Optional[MakeProtocol] = None
) -> Attempt:
    return Attempt(
        partial(_protocol_for, endpoint, actions, secrets),
        endpoint.host,
        endpoint.port,
        endpoint.timeout,
        endpoint.connect_timeout,
        endpoint.connect_to,
        endpoint.address_family,
        endpoint.source_address,
        endpoint.tls_policy,
        endpoint.tls_server_name,
        if_silent=if_silent,
    )


def _protocol_for(endpoint: Endpoint, actions: Actions, secrets: Secrets, connected: Connected) -> Protocol:
    facts = Facts(Transcript(connected.started), secrets)
    ehlo_name = endpoint.ehlo_name or _address_literal(connected.local_address)
    known = endpoint._replace(ehlo_name=ehlo_name, connect_to=connected.address)
    conversation = converse(known, actions, facts)
    return Protocol(conversation, facts, connected.deadline, endpoint.acceptance_timeout)


def _tls_question_for(endpoint: Endpoint, connected: Connected) -> TlsQuestion:
    from .._net.tls.question import TlsQuestion

    proxy = endpoint.proxy_protocol
    before = proxy_header(proxy, connected.address, endpoint.port).wire if proxy else b""
    return TlsQuestion(Protocol.peer, endpoint.tls_server_name, before, connected)


def _address_literal(address: Optional[str]) -> str:
    """RFC 5321 4.1.3: what a client without a host name says in EHLO."""
    if address is None:
        return "localhost"
    return "[IPv6:%s]" % address.partition("%")[0] if ":" in address else "[%s]" % address


def with_facts(outcome: Outcome) -> Outcome:
    """Return the outcome with Facts, which tell of the connection too, even where there was none."""
    if outcome.facts is None:
        outcome = outcome._replace(facts=Facts(Transcript(outcome.started)))
    facts: Facts = outcome.facts
    facts.timings.update(outcome.timings)
    if outcome.beside and facts.failure is not None and facts.failure.cause == "no_greeting":
        text = "the relay said nothing, and answered a TLS handshake on a second connection"
        facts.failure = facts.failure._replace(cause="tls_expected", text=text)
    if outcome.broken is not None:
        facts.stage = outcome.broken.stage or facts.stage
        facts.failure = Failure(facts.stage, outcome.broken.cause, text=cut(outcome.broken.text))
    return outcome
