# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What was learned of one mail domain: a record of what each evaluator returned, and how it becomes plain data.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .._net.tls.certificates import Certificate, certificate_facts

if TYPE_CHECKING:
    from typing import Any, Mapping, Optional, Tuple


class DomainFacts(NamedTuple):
    """A field for each thing that can be looked at: None where it was not."""

    mx: Any = None
    dnssec: Any = None
    dane: Optional[Tuple[Any, ...]] = None  # one for each MX
    mta_sts: Any = None
    tls_rpt: Any = None
    spf: Any = None
    dkim: Optional[Tuple[Any, ...]] = None  # one for each selector
    dmarc: Any = None
    bimi: Any = None
    reverse: Optional[Tuple[Any, ...]] = None  # one for each address
    blocklists: Optional[Mapping[str, Tuple[Any, ...]]] = None  # by zone, one for each address
    caa: Any = None
    relays: Optional[Tuple[Any, ...]] = None  # one for each address of each MX


def plain(value: Any, now: float = 0.0) -> Any:
    """Return a value made of records as dictionaries and lists. `now`, the time of day, is for certificates."""
    if isinstance(value, Certificate):
        return certificate_facts(value, now)
    if hasattr(value, "_asdict"):
        return {name: plain(entry, now) for name, entry in value._asdict().items()}
    if isinstance(value, dict):
        return {name: plain(entry, now) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(entry, now) for entry in value]
    return value
