# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What one domain needs of the DNS, of its policy host and of its relays: no socket, no clock.
#
# A plan is a generator for the driver. First comes all that the DNS alone answers, side by side; then the policy of
# MTA-STS, whose host has an address by then; then, if the caller wants it, the relays.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .._net.dns.evaluations import evaluate
from .._net.dns.model import ABSENT, NOT_DETERMINED, PRESENT, Question
from .._net.dns.together import together
from .._net.https import Fetched, fetched, https_get
from .._net.names import is_literal
from .._net.text import printable
from .._verdicts.rules import evaluate as judge
from .advice import policy_for, records_for
from .bimi import look_up_bimi
from .blocklists import Listing, look_up_blocklists
from .caa import look_up_caa
from .dane import look_up_dane
from .dkim import look_up_dkim
from .dmarc.policy import look_up_dmarc
from .dnssec import look_up_dnssec
from .facts import DomainFacts
from .mta_sts.evaluate import given_policy, judge_mta_sts, policy_address
from .mta_sts.record import look_up_mta_sts
from .mx import look_up_exchangers
from .relays import look_at_relays, may_connect_to, requests_for
from .report import Looked
from .reverse import ReverseName, look_up_reverse
from .rules import RULES, usual_expectations
from .spf.facts import spf_facts
from .tls_rpt import look_up_tls_rpt
from .unanswered import is_open, why

if TYPE_CHECKING:
    from typing import Any, Dict, Generator, List, Mapping, Optional, Sequence, Tuple

    from .._net.dns.evaluations import Answerer
    from .._net.dns.model import Answer, Evaluation
    from .._net.tls.model import TlsPolicy
    from .mx import MailExchangers
    from .options import Wanted

    Found = Dict[str, Any]
    Open = Tuple[str, str, str]  # a name, a state, why

_MOST_POLICY_ADDRESSES = 4
_MOST_ADDRESSES = 512  # of relays and senders together, that names and listings are looked up for


class Sources(NamedTuple):
    """Whom plans ask, and how. `tls_policy` is None where nobody but the DNS is to be asked."""

    answerer: Answerer
    tls_policy: Optional[TlsPolicy]
    connecting: Mapping[str, Any]  # the options of a relay's check that a domain's has, too
    now: float  # the time of day


def domain_plan(wanted: Wanted, sources: Sources) -> Generator[Any, Any, Looked]:
    """Look at one domain, and judge it."""
    found: Found = {}
    evaluations = [_mail_path(wanted, found), *_records(wanted, found, sources.now)]
    evaluations.append(_existence(wanted.domain, found))
    yield from evaluate(sources.answerer, evaluations)
    gone, policy_host = found.pop("gone"), found.pop("policy_host", ())
    if "mta_sts" in wanted.look_at:
        policy = None if gone else (yield from _fetch(wanted, policy_host, sources))
        hosts = [one.host for one in found["mx"].hosts] if found["mx"].state in (PRESENT, ABSENT) else None
        found["mta_sts"] = judge_mta_sts(wanted.domain, found["mta_sts"], policy, hosts, sources.now)
    if wanted.relays and not gone:
        requests = requests_for(found["mx"], sources.connecting, sources.now)
        found["relays"] = yield from look_at_relays(
            wanted.domain, requests, found["dane"], found.get("mta_sts"), sources.now
        )
    looked = _judged(wanted, DomainFacts(**found), sources.now)
    return looked._replace(ended="name_not_found", text=gone, rules=(), records=(), policy=None) if gone else looked


def _judged(wanted: Wanted, facts: DomainFacts, now: float) -> Looked:
    """Judge by all that is known. What was looked at only for the sake of something else is not told."""
    asked = (*wanted.look_at, *(("relays",) if wanted.relays else ()))
    expect = {**usual_expectations(facts, asked), **wanted.expect}
    rules = judge(RULES, {name: value for name, value in expect.items() if value is not None}, facts, {}, now)
    told = facts._replace(**{name: None for name in facts._fields if name not in asked})
    return Looked(wanted, told, rules, records_for(wanted.domain, facts), policy_for(facts))


def _mail_path(wanted: Wanted, found: Found) -> Evaluation[None]:
    """Find the MX hosts, and then what depends on them and their addresses."""
    domain, look_at = wanted.domain, wanted.look_at
    if not wanted.relays and not {"mx", "dnssec", "dane", "mta_sts", "reverse", "blocklists", "caa"} & set(look_at):
        return
    mx = found["mx"] = yield from look_up_exchangers(domain)
    (answer,) = yield (Question(domain, "MX"),)  # it is known by now
    hosts = [one.host for one in mx.hosts]
    of_hosts: Found = {}
    if "dnssec" in look_at:
        of_hosts["dnssec"] = look_up_dnssec(domain, hosts)
    if "dane" in look_at or wanted.relays:
        of_hosts["dane"] = look_up_dane(hosts, answer.dnssec)
    if "caa" in look_at:
        of_hosts["caa"] = look_up_caa(hosts or [domain])
    addresses, open_ = yield from _addresses(wanted, mx)
    if "reverse" in look_at:
        of_hosts["reverse"] = look_up_reverse(addresses)
    if "blocklists" in look_at:
        of_hosts["blocklists"] = look_up_blocklists(wanted.blocklists, addresses)
    results = yield from together(list(of_hosts.values()))
    found.update(zip(of_hosts, results))
    if "reverse" in look_at:
        found["reverse"] += tuple(ReverseName(state, reason, None, (), name) for name, state, reason in open_)
    for zone in wanted.blocklists if "blocklists" in look_at else ():
        found["blocklists"][zone] += tuple(
            Listing(state, why, None, (), zone, name, None) for name, state, why in open_
        )


def _addresses(wanted: Wanted, mx: MailExchangers) -> Evaluation[Tuple[List[str], List[Open]]]:
    """Return the addresses of relays and senders, and each name whose addresses are not known, and why."""
    if not {"reverse", "blocklists"} & set(wanted.look_at):
        return [], []
    known = (PRESENT, ABSENT)
    addresses = [address for host in mx.hosts for address in host.addresses]
    open_ = [(host.host, host.state, host.reason) for host in mx.hosts if host.state not in known]
    if mx.state not in known:
        open_.append((wanted.domain, mx.state, mx.reason))
    names = [sender.address for sender in wanted.senders if not is_literal(sender.address)]
    addresses += [sender.address for sender in wanted.senders if is_literal(sender.address)]
    if names:
        answers = yield tuple(Question(name, kind) for name in names for kind in ("A", "AAAA"))
        for name, *both in zip(names, answers[::2], answers[1::2]):
            addresses += [address for answer in both for address in answer.records]
            failed = [answer for answer in both if is_open(answer)]
            if failed:
                open_.append((name, failed[0].state, why(failed[0])))
            elif not any(answer.records for answer in both):
                open_.append((name, NOT_DETERMINED, "%s has no address" % name))
    addresses = list(dict.fromkeys(addresses))
    if len(addresses) > _MOST_ADDRESSES:
        text = "of %d addresses only the first %d were looked at" % (len(addresses), _MOST_ADDRESSES)
        open_.append((wanted.domain, NOT_DETERMINED, text))
    return addresses[:_MOST_ADDRESSES], open_


def _records(wanted: Wanted, found: Found, now: float) -> List[Evaluation[None]]:
    """Return the evaluations of what stands by itself."""
    domain = wanted.domain
    of_each = {
        "spf": lambda: spf_facts(domain, wanted.senders, int(now)),
        "dkim": lambda: look_up_dkim(domain, wanted.selectors),
        "tls_rpt": lambda: look_up_tls_rpt(domain),
        "mta_sts": lambda: look_up_mta_sts(domain),
    }
    evaluations = [_keep(found, name, make()) for name, make in of_each.items() if name in wanted.look_at]
    if "dmarc" in wanted.look_at or "bimi" in wanted.look_at:
        evaluations.append(_dmarc_and_bimi(wanted, found))
    if "mta_sts" in wanted.look_at:
        evaluations.append(_policy_host(domain, found))
    return evaluations


def _existence(domain: str, found: Found) -> Evaluation[None]:
    """Find whether the domain does not exist, and say so: that is the one finding.

    All that it lacks is only for that reason missing, so no rule is about it.
    """
    (answer,) = yield (Question(domain, "MX"),)
    found["gone"] = ""
    if answer.exists is not False or answer.aliases:  # an alias exists, wherever it leads
        return
    soa, txt, *addresses = yield tuple(Question(domain, kind) for kind in ("SOA", "TXT", "A", "AAAA"))
    if soa.exists is not False or txt.exists is not False:  # its server denies what it has not (RFC 4074 4.2)
        return
    text = "it does not exist in the zone files: check its spelling, or give it records"
    if answer.server:
        text = "it does not exist in the DNS (NXDOMAIN): check its spelling, or that it is registered and delegated"
    made_up = [address for answer in addresses for address in answer.records]
    if made_up:
        text += "; an address that was answered all the same (%s) is the resolver's own, or its server is at fault"
        text %= printable(made_up[0])
    found["gone"] = text


def _keep(found: Found, name: str, evaluation: Evaluation[Any]) -> Evaluation[None]:
    found[name] = yield from evaluation


def _dmarc_and_bimi(wanted: Wanted, found: Found) -> Evaluation[None]:
    found["dmarc"] = yield from look_up_dmarc(wanted.domain)
    if "bimi" in wanted.look_at:
        found["bimi"] = yield from look_up_bimi(wanted.domain, found["dmarc"])


def _policy_host(domain: str, found: Found) -> Evaluation[None]:
    host, _path = policy_address(domain)
    found["policy_host"] = yield (Question(host, "A"), Question(host, "AAAA"))


def _fetch(wanted: Wanted, answers: Sequence[Answer], sources: Sources) -> Generator[Any, Any, Optional[Fetched]]:
    """Return what the policy host serves; None where it is not to be asked."""
    if wanted.policy is not None:
        return given_policy(wanted.policy)
    if sources.tls_policy is None:
        return None
    host, path = policy_address(wanted.domain)
    options = sources.connecting
    addresses = [address for answer in answers for address in answer.records if may_connect_to(address, options)]
    got = _no_address(host, answers)
    for address in addresses[:_MOST_POLICY_ADDRESSES]:
        attempt = https_get(
            host, path, sources.tls_policy, options["timeout"], options["connect_timeout"], connect_to=address,
            source_address=options["source_address"],
        )  # fmt: skip
        (outcome,) = yield (attempt,)
        got = fetched(outcome)
        if got.status is not None:
            return got
    return _no_address(host, answers) if any(map(is_open, answers)) else got


def _no_address(host: str, answers: Sequence[Answer]) -> Fetched:
    failed = [answer for answer in answers if is_open(answer)]
    if failed:
        return Fetched(cause="name_server_failed", text=why(failed[0]))
    if any(answer.records for answer in answers):
        return Fetched(cause="no_address_of_family", text="%s has no address of the family to connect to" % host)
    return Fetched(cause="name_not_found", text="%s has no address" % host)
