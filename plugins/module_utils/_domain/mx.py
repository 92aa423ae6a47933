# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Where mail for a domain goes: its MX records, their hosts and their addresses (RFC 5321 5.1, RFC 7505).

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from .._net.dns.model import ABSENT, PRESENT, Question
from .._net.names import is_literal, is_of_every_host, is_private
from .._net.text import printable
from .problems import is_valid, problem
from .txt import listed
from .unanswered import is_open, why

if TYPE_CHECKING:
    from typing import List, Optional, Sequence, Tuple

    from .._net.dns.model import Answer, Evaluation, Mx
    from .problems import Problem

# The others are not looked at, and said to be left out.
MAX_HOSTS = 100
MAX_ADDRESSES = 32  # of one host
_FAMILIES = ("A", "AAAA")


class MailExchanger(NamedTuple):
    """A host that takes mail. The state is that of its addresses."""

    state: str
    reason: str
    valid: Optional[bool]
    problems: Tuple[Problem, ...]
    host: str
    preference: Optional[int]  # None: there is no MX record, the domain itself is the host
    addresses: Tuple[str, ...] = ()
    alias: str = ""  # the name that has the addresses, where a CNAME leads to it


class MailExchangers(NamedTuple):
    """Where mail for a domain goes. The state is that of the MX records.

    `valid` counts the hosts' problems, too. None: nothing is wrong, as far as is known; `reason` says what is not.
    """

    state: str
    reason: str
    valid: Optional[bool]
    problems: Tuple[Problem, ...]
    null: bool = False  # the domain says that it takes no mail (RFC 7505)
    implicit: Optional[bool] = None  # no MX record, but an address (RFC 5321 5.1); None: not known
    hosts: Tuple[MailExchanger, ...] = ()  # the preferred ones first, each once


def look_up_exchangers(domain: str) -> Evaluation[MailExchangers]:
    """Return where mail for a domain goes, in at most two round trips."""
    mx, *addresses = yield (Question(domain, "MX"), *(Question(domain, kind) for kind in _FAMILIES))
    if mx.state == ABSENT:
        return _without_mx(domain, addresses)
    if mx.state != PRESENT:
        return MailExchangers(mx.state, why(mx), None, ())
    records: List[Mx] = sorted(mx.records, key=lambda record: record.preference)
    named = {record.host.lower(): record.preference for record in reversed(records) if record.host}
    hosts = sorted(named, key=lambda host: (named[host], host))[:MAX_HOSTS]
    asked = [host for host in hosts if not is_literal(host)]
    answers: Sequence[Answer] = ()
    if asked:
        answers = yield tuple(Question(host, kind) for host in asked for kind in _FAMILIES)
    told = {host: answers[2 * at : 2 * at + 2] for at, host in enumerate(asked)}
    exchangers = [_exchanger(host, named[host], told.get(host, ())) for host in hosts]
    problems = _problems(records, exchangers)
    valid = is_valid(problems) and all(is_valid(exchanger.problems) for exchanger in exchangers)
    reason = "; ".join(dict.fromkeys(exchanger.reason for exchanger in exchangers if exchanger.reason)) if valid else ""
    return MailExchangers(
        state=PRESENT,
        reason=reason,
        valid=None if reason else valid,
        problems=problems,
        null=not named,
        implicit=False,
        hosts=tuple(exchangers),
    )


def _without_mx(domain: str, addresses: Sequence[Answer]) -> MailExchangers:
    """Return the domain as its own host, if it has an address (RFC 5321 5.1)."""
    host = _exchanger(domain, None, addresses)
    if host.state == ABSENT:
        return MailExchangers(ABSENT, "", None, (), implicit=False)
    if host.state == PRESENT:
        return MailExchangers(ABSENT, "", None, (problem("mx_implicit"),), implicit=True, hosts=(host,))
    return MailExchangers(ABSENT, "", None, (), implicit=None, hosts=(host,))


def _exchanger(host: str, preference: Optional[int], answers: Sequence[Answer]) -> MailExchanger:
    """Return a host from its answers for A and AAAA; none are there for what is an address itself."""
    facts = MailExchanger(ABSENT, "", None, (), printable(host), preference)
    if not answers:
        return facts._replace(problems=(problem("mx_address_literal", host),))
    addresses = tuple(printable(address) for answer in answers for address in answer.records)
    aliases = [answer.aliases[-1] for answer in answers if answer.aliases]
    alias = printable(aliases[0]) if aliases else ""
    failed = [answer for answer in answers if is_open(answer)]
    reasons = "; ".join(map(why, failed))
    problems: List[Problem] = []
    if alias and preference is not None:
        problems.append(problem("mx_alias", alias))
    if len(addresses) > MAX_ADDRESSES:
        problems.append(problem("mx_addresses_many", "%s has %d" % (facts.host, len(addresses))))
        addresses = addresses[:MAX_ADDRESSES]
    own = [address for address in addresses if is_of_every_host(address)]
    if own:
        problems.append(problem("mx_this_host", ", ".join(own[:4])))
    if addresses and all(map(is_private, addresses)):
        problems.append(problem("mx_private", "%s (%s)" % (facts.host, ", ".join(addresses[:4]))))
    if failed and not addresses:
        return facts._replace(state=failed[0].state, reason=reasons, alias=alias, problems=tuple(problems))
    if failed:
        problems.append(problem("mx_family_unanswered", reasons))
    if not addresses:
        missing = all(answer.exists is False for answer in answers)
        problems.append(problem("mx_host_missing" if missing else "mx_host_without_address", facts.host))
        return facts._replace(alias=alias, problems=tuple(problems))
    return facts._replace(
        state=PRESENT, valid=is_valid(problems), problems=tuple(problems), addresses=addresses, alias=alias
    )


def _problems(records: Sequence[Mx], exchangers: Sequence[MailExchanger]) -> Tuple[Problem, ...]:
    """Return what is wrong with the MX records as a whole; the hosts have problems of their own."""
    found: List[Problem] = []
    hosts = [record.host.lower() for record in records if record.host]
    null = [record.preference for record in records if not record.host]
    if null and hosts:
        found.append(problem("mx_null_beside_others"))
    elif any(null):
        found.append(problem("mx_null_preference", "%d" % max(null)))
    twice = [host for host, count in Counter(hosts).items() if count > 1]
    if twice:
        found.append(problem("mx_twice", listed(twice)))
    left_out = list(dict.fromkeys(hosts))[MAX_HOSTS:]
    if left_out:
        found.append(problem("mx_many", listed(left_out)))
    if exchangers and all(exchanger.state == ABSENT for exchanger in exchangers):
        found.append(problem("mx_no_address"))
    return tuple(found)
