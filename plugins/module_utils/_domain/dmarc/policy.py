# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# DMARC for one domain (RFC 9989 4.10.1): the record that applies to it, and what that asks for.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..._net.dns.model import ABSENT, PRESENT, Question
from ..problems import is_valid, problem
from ..txt import listed, shown
from ..unanswered import why
from .record import milder
from .report_destinations import look_up_destinations
from .tree_walk import organizational_domain, questions_of_walk, read_walk, split_at_zones, unanswered

if TYPE_CHECKING:
    from typing import Optional, Sequence, Tuple

    from ..._net.dns.model import Answer, Evaluation
    from ..problems import Problem
    from .record import DmarcRecord
    from .report_destinations import ReportDestination
    from .tree_walk import Step


class Dmarc(NamedTuple):
    """What DMARC asks of receivers for a domain."""

    state: str
    reason: str
    valid: Optional[bool]
    problems: Tuple[Problem, ...]
    record: str = ""
    organizational_domain: Optional[str] = None  # None: not known
    policy_domain: Optional[str] = None  # whose record applies
    policy: Optional[str] = None  # none, quarantine, reject, as it applies to this domain; None: no DMARC
    effective_policy: Optional[str] = None  # what receivers are asked to apply: one step less while it is tested
    subdomain_policy: Optional[str] = None
    nonexistent_policy: Optional[str] = None
    testing: bool = False
    psd: str = "u"
    dkim_alignment: str = "relaxed"
    spf_alignment: str = "relaxed"
    failure_options: str = "0"
    rua: Tuple[str, ...] = ()
    ruf: Tuple[str, ...] = ()
    queries: Tuple[str, ...] = ()  # the names that the walk needs, in its order
    report_destinations: Tuple[ReportDestination, ...] = ()


def look_up_dmarc(domain: str) -> Evaluation[Dmarc]:
    """Return the DMARC policy of a domain, in at most two round trips."""
    *answers, existence = yield (*questions_of_walk(domain), Question(domain, "SOA"))
    steps = read_walk(domain, answers)
    organization = organizational_domain(domain, steps)
    facts = Dmarc(ABSENT, "", None, steps[0].problems, organizational_domain=organization)
    facts = facts._replace(queries=tuple("_dmarc." + step.name for step in steps))
    known, above = split_at_zones(steps)
    step = _applied(domain, known)
    if above and (step is None or step.name != domain):
        told = problem("dmarc_not_asked_above", listed("_dmarc." + one.name for one in above))
        facts = facts._replace(problems=(*facts.problems, told))
    if step is None or step.record is None:
        return _without_record(facts, known)
    policy, failed = _policy(domain, step.name, step.record, existence)
    if failed is not None:
        return _not_known(facts, failed)
    facts = _with_record(facts, step.record)._replace(policy_domain=step.name, policy=policy, effective_policy=policy)
    if policy and policy != "none" and step.record.testing:
        milder_one = milder(policy)
        facts = facts._replace(
            effective_policy=milder_one, problems=(*facts.problems, problem("dmarc_testing", milder_one))
        )
    discarded = [other.name for other in steps[: steps.index(step)] if other.several]
    if discarded:
        told = problem("dmarc_several_discarded", listed(discarded))
        facts = facts._replace(problems=(*facts.problems, told))
    uris = step.record.rua + step.record.ruf
    destinations, more = yield from look_up_destinations(step.name, organization, uris)
    return facts._replace(report_destinations=destinations, problems=facts.problems + more)


def _applied(domain: str, steps: Sequence[Step]) -> Optional[Step]:
    """Return the step whose record applies; None where there is none, or an answer is missing that it needs.

    The domain's own record is preferred to all others, so their answers do not matter. Without it all of them do:
    any could end the walk. Behind the organizational domain's comes that of the public suffix.
    """
    with_record = [step for step in steps if step.record is not None]
    if with_record and with_record[0].name == domain:
        return with_record[0]
    if unanswered(steps) is not None:
        return None
    organization = organizational_domain(domain, steps)
    of_organization = [step for step in with_record if step.name == organization]
    of_suffix = [step for step in with_record if step.record is not None and step.record.psd == "y"]
    return next(iter(of_organization + of_suffix), None)


def _without_record(facts: Dmarc, steps: Sequence[Step]) -> Dmarc:
    failed = unanswered(steps)
    if failed is not None:
        return _not_known(facts, failed)
    several = [step.name for step in steps if step.several]
    if several:
        told = problem("dmarc_several", listed(several))
        return facts._replace(state=PRESENT, valid=False, problems=(*facts.problems, told))
    return facts


def _not_known(facts: Dmarc, failed: Answer) -> Dmarc:
    return facts._replace(state=failed.state, reason=why(failed), valid=None)


def _policy(domain: str, owner: str, record: DmarcRecord, existence: Answer) -> Tuple[Optional[str], Optional[Answer]]:
    """Return the policy that a record at `owner` has for a domain, or else the answer that is missing for it."""
    if owner == domain:
        return record.policy, None
    if existence.exists is None and record.subdomain_policy != record.nonexistent_policy:
        return None, existence
    return (record.nonexistent_policy if existence.exists is False else record.subdomain_policy), None


def _with_record(facts: Dmarc, record: DmarcRecord) -> Dmarc:
    problems = facts.problems + record.problems
    return facts._replace(
        state=PRESENT,
        valid=is_valid(problems),
        problems=problems,
        record=shown(record.text),
        subdomain_policy=record.subdomain_policy,
        nonexistent_policy=record.nonexistent_policy,
        testing=record.testing,
        psd=record.psd,
        dkim_alignment=record.dkim_alignment,
        spf_alignment=record.spf_alignment,
        failure_options=record.failure_options,
        rua=tuple(shown(uri.uri) for uri in record.rua),
        ruf=tuple(shown(uri.uri) for uri in record.ruf),
    )
