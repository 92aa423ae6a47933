# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What is said of a domain's SPF: its record as a tree, what is wrong with it, and what comes of each sender.

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, NamedTuple

from ..._net.dns.model import PRESENT, Question
from ..._net.dns.together import together
from ..._net.text import cut, decode, printable
from ..problems import is_valid
from ..unanswered import is_open, why
from .evaluate import check_host
from .judge import problems_of, undecided
from .reach import reach_of
from .record import cut_term, select
from .tree import grow

if TYPE_CHECKING:
    from typing import List, Optional, Sequence, Tuple

    from ..._net.dns.model import Evaluation
    from ..problems import Problem
    from .client import Sender
    from .evaluate import Step
    from .tree import Node

MAX_SHOWN = 200  # terms in the tree
MAX_ADDRESSES = 50  # of a sender's name


class TermFacts(NamedTuple):
    """A term; of an include and a redirect the record that it leads to, and that one's terms."""

    term: str  # as it is published
    lookups: int  # of this term and all below it, at worst (RFC 7208 4.6.4)
    domain: str  # what it looks up; "" where nothing, or where that depends on the sender
    state: str  # of what is looked up: present, absent, bogus, not_determined; "" where nothing is
    reason: str  # why it is bogus, not determined, absent, or not followed
    record: str
    terms: Tuple[TermFacts, ...]


class SenderFacts(NamedTuple):
    """What a receiver makes of a sender (RFC 7208 2.6). `path` leads to the term that decided."""

    address: str  # or the name, where none was found for it
    host: str  # whose address it is, "" where an address was given
    mail_from: str
    helo: str
    result: Optional[str]  # None: it could not be evaluated
    term: str
    path: Tuple[Step, ...]
    explanation: str
    lookups: Optional[int]
    void_lookups: Optional[int]
    reason: str


class SpfFacts(NamedTuple):
    state: str  # present, absent, bogus, not_determined
    reason: str  # of the last two; where `valid` is None, why
    valid: Optional[bool]  # None where there is no record, or part of what it leads to could not be looked up
    problems: Tuple[Problem, ...]
    record: str
    lookups: Optional[int]  # at worst; None where the record cannot be evaluated
    void_lookups: Optional[int]  # those that find nothing for any sender
    terms: Tuple[TermFacts, ...]
    senders: Tuple[SenderFacts, ...]
    strangers_pass: Optional[bool] = None  # None where there is no record, or it depends on what is not known


def spf_facts(domain: str, senders: Sequence[Sender] = (), now: int = 0) -> Evaluation[SpfFacts]:
    """Return the facts of a domain's SPF (RFC 7208).

    `domain`: in A-labels, lower case. A sender's `address` may be a host name in A-labels: each of its addresses is
    one. By default it sends as postmaster of the domain, and says the domain's name in EHLO. `now`: seconds since the
    epoch.
    """
    evaluations = [grow(domain), *(_sender_facts(domain, sender, now) for sender in senders)]
    (root, answer), *rows = yield from together(evaluations)
    of_senders = tuple(row for several in rows for row in several)
    problems = tuple(problems_of(root, answer))
    if root.state != PRESENT:
        return SpfFacts(root.state, root.reason, None, problems, "", None, None, (), of_senders)
    valid: Optional[bool] = is_valid(problems)
    reason = undecided(problems) if valid else ""
    evaluable = root.record is not None and not root.record.faults
    return SpfFacts(
        PRESENT,
        reason,
        None if reason else valid,
        problems,
        cut(root.record.text) if root.record else _several(answer.records),
        root.lookups if evaluable else None,
        root.void_lookups if evaluable else None,
        _terms(root, [MAX_SHOWN]),
        of_senders,
        _strangers_pass(root, problems),
    )


def _strangers_pass(root: Node, problems: Sequence[Problem]) -> Optional[bool]:
    if any(found.id == "spf_pass_all" for found in problems):
        return True
    return None if reach_of(root, most=True).strangers else False


def _several(records: Sequence[Sequence[bytes]]) -> str:
    """Return the SPF records of a domain that has more than one."""
    return cut("\n".join(decode(text) for text in select(records)))


def _terms(node: Node, room: List[int]) -> Tuple[TermFacts, ...]:
    """Return the facts of what is below a node, as far as there is room for them."""
    shown = []
    for below in node.below:
        if below.term is None or not room[0]:
            break
        room[0] -= 1
        record = cut(below.record.text) if below.record else ""
        shown.append(
            TermFacts(
                cut_term(below.term.text),
                below.lookups,
                cut_term(printable(below.domain)),
                below.state,
                below.reason,
                record,
                _terms(below, room),
            )
        )
    return tuple(shown)


def _sender_facts(domain: str, sender: Sender, now: int) -> Evaluation[List[SenderFacts]]:
    """Return what comes of a sender, or of each address of its name."""
    sender = sender._replace(mail_from=sender.mail_from or "postmaster@" + domain, helo=sender.helo or domain)
    host, reason = "", ""
    addresses = [sender.address]
    if not _is_address(sender.address):
        host = sender.address
        answers = yield (Question(host.lower(), "A"), Question(host.lower(), "AAAA"))
        addresses = [address for answer in answers for address in answer.records]
        reason = "; ".join(why(answer) for answer in answers if is_open(answer))
        if not addresses:
            reason = reason or "%s has no address" % host
    outcomes = yield from together(
        [check_host(sender._replace(address=address), now) for address in addresses[:MAX_ADDRESSES]]
    )
    rows = [
        SenderFacts(
            address,
            host,
            sender.mail_from,
            sender.helo,
            outcome.result,
            cut_term(outcome.term),
            tuple(step._replace(term=cut_term(step.term)) for step in outcome.path),
            outcome.explanation,
            outcome.lookups,
            outcome.void_lookups,
            outcome.reason,
        )
        for address, outcome in zip(addresses, outcomes)
    ]
    if len(addresses) > MAX_ADDRESSES:
        reason = "of %d addresses %d were evaluated" % (len(addresses), MAX_ADDRESSES)
    if reason:
        rows.append(SenderFacts(host, host, sender.mail_from, sender.helo, None, "", (), "", None, None, reason))
    return rows


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
