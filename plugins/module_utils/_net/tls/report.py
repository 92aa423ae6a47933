# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What a handshake showed, as users see it. Needed only where there was one, and loaded there.

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from ..bounds import MAX_CERTIFICATES, Bounds
from ..text import Secrets
from .certificates import certificate_facts, days_left
from .judging import is_kept

if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple

    from .certificates import Certificate
    from .model import TlsFacts


def tls_report(tls: TlsFacts, bounds: Bounds, now: float) -> Dict[str, Any]:
    """Return what a handshake showed as plain data. `now`: time of day, from which `days_left` counts."""
    chain = chain_report(tls, bounds, now)
    return {
        "version": tls.version,
        "cipher": tls.cipher,
        "bits": tls.bits,
        "group": tls.group,
        "server_name": tls.server_name,
        "verified": tls.verified,
        "verify_errors": list(tls.verify_errors),
        "certificate": chain[0] if chain else None,
        "chain": chain,
    }


def chain_report(tls: Optional[TlsFacts], bounds: Bounds, now: float) -> Optional[List[Dict[str, Any]]]:
    """Return the peer's certificates as plain data, its own first; None where none was read."""
    if tls is None or tls.chain is None:
        return None
    shown = bounds.first("chain", tls.chain, MAX_CERTIFICATES)
    if bounds.secrets.any or not is_kept(tls.sent):  # whoever has heard a secret may put it into a certificate
        return [bounds.plain("certificate", certificate_facts(one, now)) for one in shown]
    for one in shown:
        bounds.tell(*_kept_facts(one)[1])
    return [_renewed(_kept_facts(one)[0], days_left(one, now)) for one in shown]


@functools.lru_cache(maxsize=128)
def _kept_facts(certificate: Certificate) -> Tuple[Dict[str, Any], List[str]]:
    """What a report shows of a certificate that comes again and again, and what it leaves out; no secret is known."""
    bounds = Bounds(Secrets())
    return bounds.plain("certificate", certificate_facts(certificate, 0.0)), bounds.left_out


def _renewed(facts: Dict[str, Any], days_left: int) -> Dict[str, Any]:
    """A copy of its own for each report, which its reader may change."""
    names, key = list(facts["subject_alt_names"]), dict(facts["public_key"])
    return {**facts, "subject_alt_names": names, "public_key": key, "days_left": days_left}
