# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What DNSSEC says of a domain and of its relays' addresses, as far as the resolver can be believed (RFC 4035 4.3).
#
# Whoever answers has found out whether the resolver validates: where it does not, an answer is neither secure nor
# insecure. A bogus one is bogus for that resolver, which may itself be at fault.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .._net.dns.model import BOGUS, INSECURE, NOT_DETERMINED, PRESENT, SECURE, Question
from .._net.text import printable
from .unanswered import is_open, why

if TYPE_CHECKING:
    from typing import Optional, Sequence, Tuple

    from .._net.dns.model import Answer, Evaluation
    from .problems import Problem

# From what is sure to what is not: several answers are as good as the last of these that one of them has.
_STATUSES = (SECURE, INSECURE, NOT_DETERMINED, BOGUS)


class DnssecHost(NamedTuple):
    """The status of a relay's addresses, on which DANE depends (RFC 7672 2.2.2)."""

    state: str
    reason: str
    valid: Optional[bool]
    problems: Tuple[Problem, ...]
    host: str
    status: str  # secure, insecure, bogus, not_determined


class Dnssec(NamedTuple):
    """The status of a domain's own answers, and of its relays' addresses."""

    state: str
    reason: str
    valid: Optional[bool]
    problems: Tuple[Problem, ...]
    status: str  # secure, insecure, bogus, not_determined
    basis: str  # resolver_ad: the resolver says so by its AD bit; none
    resolver: str
    hosts: Tuple[DnssecHost, ...] = ()


def look_up_dnssec(domain: str, hosts: Sequence[str]) -> Evaluation[Dnssec]:
    """Return what DNSSEC says of a domain and of these relays, in one round trip."""
    hosts = list(dict.fromkeys(hosts))
    families = tuple(Question(host, kind) for host in hosts for kind in ("A", "AAAA"))
    answers = yield (Question(domain, "SOA"), *families)
    state, status, reason = _said(answers[:1])
    of_hosts = []
    for at, host in enumerate(hosts):
        host_state, host_status, why = _said(answers[1 + 2 * at : 3 + 2 * at])
        valid = True if host_state == PRESENT else None
        of_hosts.append(DnssecHost(host_state, why, valid, (), printable(host), host_status))
    return Dnssec(
        state=state,
        reason=reason,
        valid=True if state == PRESENT else None,
        problems=(),
        status=status,
        basis="resolver_ad" if state == PRESENT else "none",
        resolver=answers[0].server,
        hosts=tuple(of_hosts),
    )


def _said(answers: Sequence[Answer]) -> Tuple[str, str, str]:
    """Return state, status and reason of what several answers say together."""
    worst = max(answers, key=lambda answer: _STATUSES.index(_status(answer)))
    status = _status(worst)
    return (status, status, why(worst)) if status in (BOGUS, NOT_DETERMINED) else (PRESENT, status, "")


def _status(answer: Answer) -> str:
    return answer.state if is_open(answer) else answer.dnssec
