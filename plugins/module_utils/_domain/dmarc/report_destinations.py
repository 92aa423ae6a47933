# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# The hosts that DMARC reports go to: one outside the organizational domain must have agreed (RFC 9990 4, RFC 9991 5),
# and mail must arrive there.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..._net.dns.model import ABSENT, NOT_DETERMINED, PRESENT, Question
from ..problems import is_valid, problem
from ..report_uris import parse_uris
from ..txt import listed, parse_tags, published, shown
from ..unanswered import is_open, why
from .record import VERSION
from .tree_walk import organizational_domain, questions_of_walk, read_walk

if TYPE_CHECKING:
    from typing import Dict, List, Optional, Sequence, Tuple

    from ..._net.dns.model import Answer, Evaluation
    from ..problems import Problem
    from ..report_uris import ReportUri

MAX_DESTINATIONS = 10  # hosts; the others are not looked at, and said to be left out
_MAX_NAME = 253  # characters of a name in the DNS (RFC 1035 2.3.4)
_ADDRESSES = ("MX", "A", "AAAA")


class ReportDestination(NamedTuple):
    """A host that reports go to. The state is that of its consent; inside the organization none is needed."""

    state: str
    reason: str
    valid: Optional[bool]
    problems: Tuple[Problem, ...]
    domain: str
    uris: Tuple[str, ...]
    external: Optional[bool]  # outside the organizational domain; None: not known
    authorised: Optional[bool]
    receives_mail: Optional[bool]
    query: str  # where the consent has to be published


def look_up_destinations(
    policy_domain: str, organization: Optional[str], uris: Sequence[ReportUri]
) -> Evaluation[Tuple[Tuple[ReportDestination, ...], Tuple[Problem, ...]]]:
    """Return each host of `uris`, and what is to be said of all, in one round trip.

    `policy_domain` is where the record was found, `organization` its organizational domain, as far as known.
    """
    by_host: Dict[str, List[str]] = {}
    for uri in uris:
        by_host.setdefault(uri.host, []).append(shown(uri.uri))
    hosts = list(by_host)[:MAX_DESTINATIONS]
    left_out = list(by_host)[MAX_DESTINATIONS:]
    problems = (problem("dmarc_destinations_many", listed(left_out)),) if left_out else ()
    if not hosts:
        return (), problems
    plans = [_questions(policy_domain, host) for host in hosts]
    answers = yield tuple(question for plan in plans for question in plan)
    found, at = [], 0
    for host, plan in zip(hosts, plans):
        told = answers[at : at + len(plan)]
        at += len(plan)
        found.append(_destination(policy_domain, organization, host, tuple(by_host[host]), told))
    return tuple(found), problems


def _consent_name(policy_domain: str, host: str) -> str:
    return "%s._report._dmarc.%s" % (policy_domain, host)


def _questions(policy_domain: str, host: str) -> Tuple[Question, ...]:
    """Return whether mail is taken, to which organization the host belongs, and whether it has agreed."""
    consent = Question(_consent_name(policy_domain, host), "TXT")
    asked = tuple(Question(host, kind) for kind in _ADDRESSES) + questions_of_walk(host)
    return (*asked, consent) if len(consent.name) <= _MAX_NAME else asked


def _destination(
    policy_domain: str, organization: Optional[str], host: str, uris: Tuple[str, ...], answers: Sequence[Answer]
) -> ReportDestination:
    query = _consent_name(policy_domain, host)
    has_consent = answers[-1].question.name == query
    of_walk = answers[len(_ADDRESSES) : -1] if has_consent else answers[len(_ADDRESSES) :]
    external = _is_external(host, (policy_domain, organization), of_walk)
    found = ReportDestination(PRESENT, "", None, (), host, uris, external, True, _receives(answers[:3]), query)
    if external is not False:
        found = _with_consent(found, answers[-1] if has_consent else None)
    if found.receives_mail is False:
        found = found._replace(problems=(*found.problems, problem("dmarc_reports_undeliverable", host)))
    return found._replace(valid=is_valid(found.problems) if found.state == PRESENT else None)


def _is_external(host: str, own: Sequence[Optional[str]], of_walk: Sequence[Answer]) -> Optional[bool]:
    """Return whether the host belongs to another organization than `own`: the domain and its organizational domain."""
    if host in own:
        return False
    organization = organizational_domain(host, read_walk(host, of_walk))
    return None if None in (organization, own[1]) else organization != own[1]


def _with_consent(found: ReportDestination, consent: Optional[Answer]) -> ReportDestination:
    """Read what stands at the name of the consent; None: the DNS can have no such name."""
    if consent is not None and is_open(consent):
        return found._replace(state=consent.state, reason=why(consent), authorised=None)
    records = published(consent, VERSION, "DMARC").records if consent is not None else ()
    if not records:
        if found.external is None:
            return found._replace(state=NOT_DETERMINED, reason="not known whose host it is", authorised=None)
        told = problem("dmarc_reports_unauthorised", found.query)
        return found._replace(state=ABSENT, authorised=False, problems=(told,))
    elsewhere = [
        uri.uri
        for record in records
        for uri in parse_uris(parse_tags(record, fold=True)[0].get("rua"), ("mailto",))[0]
        if uri.host != found.domain
    ]
    if elsewhere:
        told = problem("dmarc_reports_elsewhere", listed(elsewhere))
        return found._replace(authorised=False, problems=(told,))
    return found


def _receives(answers: Sequence[Answer]) -> Optional[bool]:
    """Return whether mail for a host has somewhere to go, by its MX, A and AAAA (RFC 5321 5.1, RFC 7505)."""
    mx = answers[0]
    if mx.state == PRESENT:
        return any(record.host for record in mx.records)
    if any(answer.state == PRESENT for answer in answers[1:]) and mx.state == ABSENT:
        return True
    return None if any(map(is_open, answers)) else False
