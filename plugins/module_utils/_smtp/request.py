# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# One check, whole: the endpoint, what is done there, and how what comes of it is judged and told.
#
# `build_request()` refuses every mistake of a caller before any socket opens, with an OptionError that names the
# option and the remedy; what it returns needs no further looking at.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .._errors import OptionError
from .._net.names import is_literal
from .._net.options import seconds, with_defaults
from .actions import Actions, actions_of
from .endpoint import Endpoint, about_port, endpoint_of
from .options import OPTIONS
from .resolvers import Resolvers, resolvers_of
from .tlsa import tlsa_records

if TYPE_CHECKING:
    from typing import Any, Dict, List, Mapping, Optional, Tuple

    from .._net.dns.model import Tlsa
    from .._net.tls.model import TlsPolicy


class Judging(NamedTuple):
    """What is expected of the relay, how long it may take to come round, and how much of it all is told."""

    expect: Mapping[str, Any]
    tlsa: Tuple[Tlsa, ...]  # what its certificate is held against
    resolvers: Optional[Resolvers]  # whom to ask for them, where none were given, and they are needed
    next_hop: Optional[str]  # the mail domain that led here: a certificate may be for that, too (RFC 7672 3.2.2)
    survey: bool
    retry_for: float
    retry_interval: float
    transcript: str
    warnings: Tuple[str, ...]


class Request(NamedTuple):
    """One endpoint to check, every option validated and its default filled in."""

    endpoint: Endpoint
    actions: Actions
    judging: Judging


def build_request(host: str, given: Mapping[str, Any], now: float, check_mode: bool = False) -> Request:
    """Return the Request for one endpoint. `now` is the time of day. Raises OptionError."""
    options = with_defaults(given, OPTIONS)
    endpoint = endpoint_of(host, options)
    warnings = about_port(options, endpoint)
    actions = actions_of(options, endpoint.tls, now, check_mode, warnings)
    expect = _expect(options)
    if endpoint.tls_policy is not None:
        _make_contexts(endpoint.tls_policy, expect, options["survey"], now, warnings)
    judging = Judging(
        expect=expect,
        tlsa=tlsa_records(options["tlsa"]),
        resolvers=_resolvers(host, expect, options),
        next_hop=None,
        survey=options["survey"],
        retry_for=seconds("retry_for", options["retry_for"], 0),
        retry_interval=seconds("retry_interval", options["retry_interval"]),
        transcript=options["transcript"] or "always",
        warnings=tuple(warnings),
    )
    return Request(endpoint, actions, judging)


def _expect(options: Mapping[str, Any]) -> Dict[str, Any]:
    if not options["expect"]:
        return {}
    from .._verdicts.rules import parse_expect
    from .rules import RULES

    expect = parse_expect(RULES, options["expect"])
    if options["send"] and any(code >= 400 for code in expect.get("codes", {}).get("rcpt", ())):
        text = "expects a refusal: with send it could let a message out. Set send to false."
        raise OptionError("expect.codes.rcpt", text)
    return expect


def _resolvers(host: str, expect: Mapping[str, Any], options: Mapping[str, Any]) -> Optional[Resolvers]:
    """Return whom to ask for TLSA records; None where no rule needs them, or they are given. Raises OptionError."""
    resolvers = resolvers_of(options)
    if "dane_valid" not in expect or options["tlsa"]:
        return None
    if host.startswith("/") or is_literal(host.strip("[]")):
        raise OptionError("expect.dane_valid", "needs tlsa: the DNS has TLSA records for names, and this is none.")
    from .._net.dns.messages import require_dnspython

    require_dnspython("expect.dane_valid", "give the records by tlsa")
    return resolvers


def _make_contexts(policy: TlsPolicy, expect: Mapping[str, Any], survey: bool, now: float, warnings: List[str]) -> None:
    """Read certificates and keys before any socket opens, for the probes as well. Raises OptionError.

    Doubts about them are added to `warnings`.
    """
    from .._net.tls.contexts import prepare  # the ssl module is loaded only where it is used

    policies = [policy]
    if survey or "tls_versions_refused" in expect:
        from .probes import tls_policies

        policies += tls_policies(policy, expect.get("tls_versions_refused", ()), survey)
    for one in policies:
        warnings.extend(text for text in prepare(one, now) if text not in warnings)
