# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# The walk up the tree of names (RFC 9989 4.10): which names are asked for DMARC records, and what they tell of an
# organization.
#
# All names of a walk can be asked for at once; reading the answers leaves alone what lies behind the walk's end.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..._net.dns.model import Question
from ..txt import published, strangers
from ..unanswered import is_open
from .record import VERSION, parse_dmarc

if TYPE_CHECKING:
    from typing import List, Optional, Sequence, Tuple

    from ..._net.dns.model import Answer
    from ..problems import Problem
    from .record import DmarcRecord

MAX_QUERIES = 8


class Step(NamedTuple):
    """What was found at one name. `record` is the only one there; several discard each other."""

    name: str  # without the label _dmarc
    answer: Answer
    record: Optional[DmarcRecord]
    several: bool
    problems: Tuple[Problem, ...]  # why what is there is no record


def names_of_walk(domain: str) -> List[str]:
    """Return the names that are looked at, in order: the domain, and up to seven parents.

    >>> names_of_walk("a.mail.example.com")
    ['a.mail.example.com', 'mail.example.com', 'example.com', 'com']
    """
    parents = domain.split(".")[1:][-(MAX_QUERIES - 1) :]
    return [domain] + [".".join(parents[at:]) for at in range(len(parents))]


def questions_of_walk(domain: str) -> Tuple[Question, ...]:
    return tuple(Question("_dmarc." + name, "TXT") for name in names_of_walk(domain))


def read_walk(domain: str, answers: Sequence[Answer]) -> List[Step]:
    """Return what was found on the way, up to the record that ends it (steps 2 and 6: psd=y or psd=n)."""
    steps: List[Step] = []
    for name, answer in zip(names_of_walk(domain), answers):
        found = published(answer, VERSION, "DMARC")
        record = parse_dmarc(found.records[0]) if len(found.records) == 1 else None
        steps.append(Step(name, answer, record, len(found.records) > 1, strangers(found, "_dmarc." + name)))
        if record is not None and record.psd != "u":
            break
    return steps


def split_at_zones(steps: Sequence[Step]) -> Tuple[List[Step], List[Step]]:
    """Return the steps that could be asked, and those above all zone files; the domain's own is among the first.

    No zone file of a domain holds its parents. If they left open whether it has a record, none would ever be missed.
    """
    above = [step for step in steps[1:] if step.answer.above_zones]
    return [step for step in steps if step not in above], above


def unanswered(steps: Sequence[Step]) -> Optional[Answer]:
    """Return the first answer that is none, so that neither a record nor its absence is known."""
    return next((step.answer for step in steps if is_open(step.answer)), None)


def organizational_domain(domain: str, steps: Sequence[Step]) -> Optional[str]:
    """Return the organizational domain of the domain whose walk this is (RFC 9989 4.10.2); None: not known."""
    if unanswered(steps) is not None:
        return None
    for step in steps[::-1]:  # the last record is the one that ended the walk, or the one with the fewest labels
        if step.record is not None and step.record.psd == "y" and step.name != domain:
            return ".".join(domain.split(".")[-step.name.count(".") - 2 :])
        if step.record is not None:
            return step.name
    return domain
