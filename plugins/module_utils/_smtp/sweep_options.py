# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# A sweep's own options, and how they are told from those of its checks.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .._errors import OptionError, did_you_mean
from .._net.names import is_literal
from .._net.options import is_host_name, to_ascii, with_defaults
from .options import OPTIONS
from .resolvers import resolvers_of

if TYPE_CHECKING:
    from typing import Any, Dict, Mapping

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
    "credentials_for": {"type": "list", "elements": "str", "default": []},
    "all_addresses": {"type": "bool", "default": False},
    "mx_per_domain": {"type": "int", "default": 100},
    "addresses_per_relay": {"type": "int", "default": 32},
    "rows_per_domain": {"type": "int", "default": 512},
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
    "mx_per_domain": (1, 100000),
    "addresses_per_relay": (1, 100000),
    "rows_per_domain": (1, 1000000),
    "concurrency": (1, 10000),
    "connections_per_relay": (1, 1000),
    "starts_per_second": (0.001, 100000),
    "jitter": (0, 86400),
    "deadline": (0.001, 86400),
    "max_failures": (0, 10000000),
}
_RESOLVERS = ("dns_servers", "dns_timeout")
_SIGN_IN = ("username", "password", "access_token", "auth_mechanisms")


class SweepOptions(NamedTuple):
    """What a sweep is given: its `own` options, and the `shared` ones of its checks, which an endpoint may override."""

    own: Mapping[str, Any]
    shared: Mapping[str, Any]

    def __repr__(self) -> str:
        return "SweepOptions(<redacted>)"


def sweep_options(given: Mapping[str, Any]) -> SweepOptions:
    """Sort what a caller gave into a sweep's own options, checked, and those of its checks. Raises OptionError."""
    own = with_defaults({name: value for name, value in given.items() if name in SWEEP_OPTIONS}, SWEEP_OPTIONS)
    shared = {name: value for name, value in given.items() if name not in SWEEP_OPTIONS}
    for name in shared:
        if name not in OPTIONS:
            hint = did_you_mean(name, [*OPTIONS, *SWEEP_OPTIONS])
            raise OptionError(name, "there is no such option.%s" % hint)
    for name, (low, high) in _RANGES.items():
        if own[name] is not None and not low <= own[name] <= high:  # NaN is neither
            raise OptionError(name, "will not do: give a number from %s to %s." % (low, high))
    # Whom the checks ask is asked about the domains as well.
    own["resolvers"] = resolvers_of(with_defaults({name: shared.get(name) for name in _RESOLVERS}, OPTIONS))
    own["credentials_for"] = [_pattern(text, index) for index, text in enumerate(own["credentials_for"])]
    if own["domains"] and not own["credentials_for"] and any(shared.get(name) for name in _SIGN_IN):
        text = (
            "is needed where credentials may go to relays of domains, since whoever forges an MX record names a relay "
            "of his own. Give the names of those they are for, such as mx1.example.com or *.example.com."
        )
        raise OptionError("credentials_for", text)
    if shared.get("transcript") is None:
        shared["transcript"] = "on_failure"
    return SweepOptions(own, shared)


def _pattern(text: str, index: int) -> str:
    """A name as a certificate may hold it, `*` for a first label included: its A-labels. Raises OptionError."""
    option = "credentials_for[%d]" % index
    wildcard = "*." if text.startswith("*.") else ""
    name = to_ascii(option, text[len(wildcard) :])
    if not is_host_name(name) or is_literal(name) or (wildcard and "." not in name.rstrip(".")):
        raise OptionError(option, "is no name. Give that of a relay, or *. before that of a domain: *.example.com.")
    return wildcard + name
