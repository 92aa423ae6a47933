# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# MTA-STS of a domain: what it announces, what its policy host serves, and which of its MX hosts that covers (RFC 8461).
#
# An evaluation asks the DNS and nobody else, so the policy is fetched by whoever runs it: a plan yields the attempt
# https_get(*policy_address(domain), …) while look_up_mta_sts() and the look-up of the MX hosts are under way, makes its
# outcome a Fetched by fetched(), and hands all three to judge_mta_sts(). The policy is fetched though there may be no
# record: one that nobody announces is a fault of its own. Where the network is not to be asked, given_policy() takes
# the place of the fetch.

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from ..._net.dns.model import ABSENT, NOT_DETERMINED, PRESENT
from ..._net.https import Fetched
from ..._net.text import counted
from ..._net.tls.certificates import days_left
from ..problems import is_valid, problem
from ..publishing import TTL, Record
from ..txt import listed, quoted, shown
from ..unanswered import OURS
from .policy import ENFORCE, NONE, covers, read_policy
from .record import record_name

if TYPE_CHECKING:
    from typing import Iterator, List, Optional, Sequence, Tuple

    from ..._net.tls.certificates import Certificate
    from ..problems import Problem
    from .policy import Policy
    from .record import Announcement

_SOON = 7  # days
_PATH = "/.well-known/mta-sts.txt"


class PolicyFetch(NamedTuple):
    """How the policy was come by."""

    url: str
    status: Optional[int] = None  # of HTTP; None: there was no answer
    content_type: str = ""
    cause: str = ""  # of the table of causes, where there was none, or not a whole one
    text: str = ""  # what happened then
    tls_version: Optional[str] = None
    certificate: Optional[Certificate] = None  # of the policy host


class MxCoverage(NamedTuple):
    """One MX host, and whether a pattern of the policy is for it."""

    host: str
    covered: bool


class MtaSts(NamedTuple):
    """What senders that honour MTA-STS find. `valid`: they get a policy, and it covers every MX host; None
    where these are not known."""

    state: str  # of the record; not_determined as well where the policy of a record could not be asked for
    reason: str
    valid: Optional[bool]
    problems: Tuple[Problem, ...]
    record: str
    id: str
    fetch: PolicyFetch
    policy: Optional[Policy] = None
    applies: bool = False  # senders find it, and go by it, whichever hosts it covers
    mx: Tuple[MxCoverage, ...] = ()


def policy_address(domain: str) -> Tuple[str, str]:
    """Return host and path of a domain's policy (RFC 8461 3.3)."""
    return "mta-sts." + domain, _PATH


def given_policy(text: str) -> Fetched:
    """Return what a fetch would bring if `text` were served as it should be."""
    return Fetched(200, "text/plain", body=text.encode("utf-8"))


def judge_mta_sts(
    domain: str, announced: Announcement, fetched: Optional[Fetched], hosts: Optional[Sequence[str]], now: float = 0.0
) -> MtaSts:
    """Return the facts. `fetched`: None where nobody asked for the policy; `hosts`: None where the MX are not known.

    `now`, the time of day, is for the policy host's certificate.
    """
    facts = MtaSts(
        announced.state, announced.reason, None, announced.problems, announced.record, announced.id,
        _fetch_facts(domain, fetched),
    )  # fmt: skip
    if fetched is not None and fetched.status == 200 and not fetched.cause:
        facts = _with_policy(facts, domain, fetched, hosts)
    elif announced.state == PRESENT:
        facts = _without_policy(facts, domain, fetched)
    if facts.state != PRESENT:
        return facts
    if fetched is not None and not fetched.cause:
        facts = facts._replace(problems=(*facts.problems, *_fault_of_certificate(facts.fetch.certificate, now)))
    if hosts is None and is_valid(facts.problems):
        return facts._replace(reason="which MX hosts the policy has to cover is not known")
    return facts._replace(valid=is_valid(facts.problems))


def _fault_of_certificate(certificate: Optional[Certificate], now: float) -> Iterator[Problem]:
    """Say that it ends soon, unless it was made for a short time, most of which is still to come."""
    if certificate is None or days_left(certificate, now) >= _SOON:
        return
    life = certificate.not_after_timestamp - certificate.not_before_timestamp
    if 3 * (certificate.not_after_timestamp - now) < life:
        yield problem("mta_sts_policy_certificate_ends", counted(days_left(certificate, now), "day"))


def record_to_publish(domain: str, policy: str) -> Record:
    """Return the record that announces a policy. Its id is made from the policy's text, and changes with it."""
    identifier = hashlib.sha256(policy.encode("utf-8", "surrogateescape")).hexdigest()[:20]
    return Record(
        record_name(domain), "TXT", "v=STSv1; id=%s;" % identifier, TTL,
        "senders ask for the policy only where this record announces it, and ask again when its id changes",
        "the policy is served at https://%s%s, and covers every MX host" % policy_address(domain),
    )  # fmt: skip


def _fetch_facts(domain: str, fetched: Optional[Fetched]) -> PolicyFetch:
    url = "https://%s%s" % policy_address(domain)
    if fetched is None:
        return PolicyFetch(url)
    tls = fetched.tls
    certificate = tls.chain[0] if tls and tls.chain else None
    version = tls.version if tls else None
    return PolicyFetch(url, fetched.status, fetched.content_type, fetched.cause, fetched.text, version, certificate)


def _without_policy(facts: MtaSts, domain: str, fetched: Optional[Fetched]) -> MtaSts:
    """There is a record, and senders get no policy: or nobody knows whether they do."""
    if fetched is None or fetched.cause in OURS:
        why = "the policy was not fetched" + (": %s" % shown(fetched.text) if fetched else "")
        return facts._replace(state=NOT_DETERMINED, reason=why)
    return facts._replace(problems=(*facts.problems, _fault_of_fetch(domain, fetched)))


def _fault_of_fetch(domain: str, fetched: Fetched) -> Problem:
    host, _path = policy_address(domain)
    if fetched.cause.startswith("certificate_"):
        return problem("mta_sts_policy_certificate", "%s: %s" % (host, shown(fetched.text)))
    if fetched.cause:
        return problem("mta_sts_policy_unreachable", "%s: %s" % (host, shown(fetched.text)))
    if fetched.location:
        return problem("mta_sts_policy_redirect", "%s (%s)" % (quoted(fetched.location), fetched.status))
    return problem("mta_sts_policy_status", str(fetched.status))


def _with_policy(facts: MtaSts, domain: str, fetched: Fetched, hosts: Optional[Sequence[str]]) -> MtaSts:
    policy, faults = read_policy(fetched.body)
    if fetched.content_type.partition(";")[0].strip().lower() != "text/plain":
        faults.insert(0, problem("mta_sts_content_type", quoted(fetched.content_type)))
    if facts.state == ABSENT:
        if not is_valid(faults):
            return facts  # what lies there is no policy
        unannounced = problem("mta_sts_not_announced", record_name(domain))
        return facts._replace(problems=(*facts.problems, unannounced), policy=policy)
    if facts.state != PRESENT:
        return facts._replace(policy=policy)
    if not is_valid(facts.problems):
        return facts._replace(policy=policy)  # senders do not come so far
    names = [host.lower().rstrip(".") for host in hosts or ()]
    mx = tuple(MxCoverage(name, any(covers(pattern, name) for pattern in policy.mx)) for name in names)
    applies = is_valid(faults)
    if applies and policy.mode != NONE:
        faults.extend(_faults_of_coverage(policy, mx))
    return facts._replace(problems=(*facts.problems, *faults), policy=policy, applies=applies, mx=mx)


def _faults_of_coverage(policy: Policy, mx: Sequence[MxCoverage]) -> List[Problem]:
    uncovered = [one.host for one in mx if not one.covered]
    unused = [pattern for pattern in policy.mx if not any(covers(pattern, one.host) for one in mx)]
    faults: List[Problem] = []
    if uncovered:
        name = "mta_sts_mx_uncovered" if policy.mode == ENFORCE else "mta_sts_mx_uncovered_testing"
        faults.append(problem(name, listed(uncovered)))
    if mx and unused:
        faults.append(problem("mta_sts_mx_unused", listed(unused)))
    return faults
