# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# A record as a tree: each include and redirect followed, whoever sends, and look-ups counted (RFC 7208 4.6.4).
#
# It grows breadth first, so that all that one level wants to know is asked at once. It does not stop at the eleventh
# look-up, because who has to get below ten wants to see them all; it does stop at limits of its own.

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._net.dns.model import ABSENT, PRESENT, Question
from ..unanswered import is_open, why
from .macros import expand, fault_of_name, letters_in, target_of
from .record import LOOKING_UP, parse_record, select

if TYPE_CHECKING:
    from typing import Iterator, List, Optional, Sequence, Tuple

    from ..._net.dns.model import Answer, Evaluation
    from .record import Record, Term

MAX_FOLLOWED = 100  # terms whose names are looked up
MAX_TERMS = 2000
MAX_DEPTH = 12  # records below each other: more than ten look-ups allow

_LEADING_ON = ("include", "redirect")
_KINDS = {"a": ("A", "AAAA"), "mx": ("MX",), "exists": ("A",), "include": ("TXT",), "redirect": ("TXT",)}


class Node:
    """A term with what it leads to; the root has no term, and leads to the domain's own record."""

    def __init__(self, term: Optional[Term], above: Tuple[str, ...] = ()) -> None:
        self.term = term
        self.above = above  # the domains whose records lead here, in lower case
        self.counted = False  # an evaluation can reach it, and looks something up
        self.domain = ""  # what it is about, where that does not depend on the sender
        self.questions: Tuple[Question, ...] = ()
        self.state = ""  # of what was looked up; "" where nothing was
        self.reason = ""  # why it is bogus, not determined, not followed, or absent without a question
        self.followed = True
        self.loops = False
        self.void = False  # every sender's look-up finds nothing
        self.mail_servers = 0
        self.addresses: Tuple[str, ...] = ()  # of an a mechanism
        self.records = 0  # of SPF, where TXT was asked for
        self.record: Optional[Record] = None
        self.below: List[Node] = []

    @property
    def leads_on(self) -> bool:
        return self.term is None or self.term.name in _LEADING_ON

    @property
    def lookups(self) -> int:
        """Of the term and all below it, at worst: those of a sender that nothing matches."""
        return self.counted + sum(node.lookups for node in self.below)

    @property
    def void_lookups(self) -> int:
        return self.void + sum(node.void_lookups for node in self.below)

    def walk(self) -> Iterator[Node]:
        yield self
        for node in self.below:
            yield from node.walk()


def grow(domain: str) -> Evaluation[Tuple[Node, Answer]]:
    """Return the tree of a domain's record, and the answer that held it or not."""
    root = Node(None)
    root.domain, root.questions = domain, (Question(domain, "TXT"),)
    firsts: List[Answer] = []  # the first of each wave; there is one, because the root has a question
    wave, followed, room = [root], 0, MAX_TERMS
    while wave:
        answers = yield tuple(question for node in wave for question in node.questions)
        firsts.append(answers[0])
        grown: List[Node] = []
        at = 0
        for node in wave:
            _learn(node, answers[at : at + len(node.questions)])
            at += len(node.questions)
            grown += _branch(node, domain, room)
            room -= len(node.below)
        wave, rest = grown[: MAX_FOLLOWED - followed], grown[MAX_FOLLOWED - followed :]
        followed += len(wave)
        for node in rest:
            node.followed, node.reason = False, "no more than %d terms are looked up here" % MAX_FOLLOWED
    return root, firsts[0]


def _learn(node: Node, answers: Sequence[Answer]) -> None:
    """Keep what the answers say of a node."""
    failed = next(filter(is_open, answers), None)
    if failed:
        node.state, node.reason = failed.state, why(failed)
        return
    node.state = PRESENT if any(answer.state == PRESENT for answer in answers) else ABSENT
    if not node.leads_on:
        node.void = node.state == ABSENT
        if answers[0].question.kind == "MX":
            node.mail_servers = len(answers[0].records)
        else:
            node.addresses = tuple(address for answer in answers for address in answer.records)
        return
    found = select(answers[0].records)
    node.records = len(found)
    node.state = PRESENT if found else ABSENT
    if len(found) == 1:
        node.record = parse_record(found[0])


def _branch(node: Node, origin: str, room: int) -> List[Node]:
    """Give a node the terms of its record, `room` at most, and return those that have something to look up."""
    if node.record is None:
        return []
    reached, wanted = True, []
    above = (*node.above, node.domain.lower())
    ends = any(term.name == "all" for term in node.record.directives)
    if len(node.record.terms) > room:
        node.followed, node.reason = False, "no more than %d terms are looked at here" % MAX_TERMS
    for term in node.record.terms[:room]:
        below = Node(term, above)
        node.below.append(below)
        live = reached if term.qualifier else not ends  # redirect= is looked at after all directives
        if term.name in LOOKING_UP and live and not node.record.faults:
            below.counted = True
            _aim(below, node.domain, origin)
            if below.questions:
                wanted.append(below)
        reached = reached and term.name != "all"
    return wanted


def _aim(node: Node, domain: str, origin: str) -> None:
    """Find out what a term looks up, whoever sends: its questions, or why there are none."""
    term = node.term
    if term is None or not letters_in(term.domain_spec) <= {"d", "o"}:
        node.followed, node.reason = False, "what it looks up depends on the sender"
        return
    target = target_of(expand(term.domain_spec, {"d": domain, "o": origin})) if term.domain_spec else domain
    node.domain = target
    fault = fault_of_name(target)
    if fault:
        node.state, node.reason = ABSENT, "this is no name of the DNS: " + fault
    elif node.leads_on and target.lower() in node.above:
        node.loops, node.reason = True, "it leads back to where it comes from"
    elif node.leads_on and len(node.above) >= MAX_DEPTH:
        node.followed, node.reason = False, "no more than %d records are followed below each other" % MAX_DEPTH
    else:
        node.questions = tuple(Question(target.lower(), kind) for kind in _KINDS.get(term.name, ()))
