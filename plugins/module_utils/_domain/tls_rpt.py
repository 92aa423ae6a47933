# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Where reports about TLS go (RFC 8460 3).

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from .._net.dns.model import ABSENT, PRESENT, Question
from .problems import is_valid, problem
from .report_uris import parse_uris
from .txt import parse_fields, published, shown, strangers
from .unanswered import is_open, why

if TYPE_CHECKING:
    from typing import Optional, Tuple

    from .._net.dns.model import Evaluation
    from .problems import Problem

_VERSION = re.compile("v=TLSRPTv1[ \t]*;")
_SCHEMES = ("mailto", "https")


class TlsRpt(NamedTuple):
    """A domain's TLS-RPT record."""

    state: str
    reason: str
    valid: Optional[bool]
    problems: Tuple[Problem, ...]
    record: str = ""
    rua: Tuple[str, ...] = ()


def look_up_tls_rpt(domain: str) -> Evaluation[TlsRpt]:
    """Return a domain's TLS-RPT record, in one round trip."""
    (answer,) = yield (Question("_smtp._tls." + domain, "TXT"),)
    if is_open(answer):
        return TlsRpt(answer.state, why(answer), None, ())
    found = published(answer, _VERSION, "TLSRPT")
    if not found.records:
        return TlsRpt(ABSENT, "", None, strangers(found, answer.question.name))
    record, *others = found.records
    if others:
        return TlsRpt(PRESENT, "", False, (problem("tls_rpt_several", answer.question.name),))
    fields, problems = parse_fields(record, ("rua",))
    uris, faults = parse_uris(fields.get("rua"), _SCHEMES)
    problems += faults if uris else [*faults, problem("tls_rpt_no_address")]
    return TlsRpt(
        state=PRESENT,
        reason="",
        valid=is_valid(problems),
        problems=tuple(problems),
        record=shown(record),
        rua=tuple(shown(uri.uri) for uri in uris),
    )
