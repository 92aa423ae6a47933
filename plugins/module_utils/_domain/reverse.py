# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# The names of addresses (PTR), and whether they lead back to them (RFC 8601 3: iprev).

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple

from .._net.dns.model import PRESENT, Question
from .._net.text import printable
from .problems import is_valid, problem
from .txt import listed
from .unanswered import is_open, why

if TYPE_CHECKING:
    from typing import Dict, List, Mapping, Optional, Sequence, Tuple

    from .._net.dns.model import Answer, Evaluation
    from .problems import Problem

MAX_NAMES = 10  # of an address; the others are not looked at, and said to be left out (RFC 7208 5.5 has the same)


class ReverseName(NamedTuple):
    """The names of an address. Where it is not known whether one leads back, the state is not determined."""

    state: str
    reason: str
    valid: Optional[bool]
    problems: Tuple[Problem, ...]
    address: str
    names: Tuple[str, ...] = ()
    confirmed: Optional[bool] = None
    confirmed_names: Tuple[str, ...] = ()


def look_up_reverse(addresses: Sequence[str]) -> Evaluation[Tuple[ReverseName, ...]]:
    """Return the names of each address, once, in at most two round trips."""
    addresses = list(dict.fromkeys(addresses))
    if not addresses:
        return ()
    pointers = yield tuple(Question(ip_address(address).reverse_pointer, "PTR") for address in addresses)
    asked = [
        Question(name.lower(), _kind(address))
        for address, pointer in zip(addresses, pointers)
        for name in pointer.records[:MAX_NAMES]
    ]
    asked = list(dict.fromkeys(asked))
    answers: Sequence[Answer] = ()
    if asked:
        answers = yield tuple(asked)
    forward = dict(zip(asked, answers))
    return tuple(_reverse_name(address, pointer, forward) for address, pointer in zip(addresses, pointers))


def _kind(address: str) -> str:
    return "AAAA" if ":" in address else "A"


def _reverse_name(address: str, pointer: Answer, forward: Mapping[Question, Answer]) -> ReverseName:
    facts = ReverseName(pointer.state, "", None, (), address)
    if is_open(pointer):
        return facts._replace(reason=why(pointer))
    if pointer.state != PRESENT:
        return facts._replace(confirmed=False)
    names = pointer.records[:MAX_NAMES]
    answers: Dict[str, Answer] = {name: forward[Question(name.lower(), _kind(address))] for name in names}
    confirmed = tuple(printable(name) for name, answer in answers.items() if _leads_to(answer, address))
    facts = facts._replace(names=tuple(map(printable, names)), confirmed_names=confirmed)
    failed = [answer for answer in answers.values() if is_open(answer)]
    if failed and not confirmed:
        return facts._replace(state=failed[0].state, reason=why(failed[0]))
    problems: List[Problem] = []
    if not confirmed:
        problems.append(problem("reverse_not_confirmed", listed(names)))
    if len(pointer.records) > MAX_NAMES:
        problems.append(problem("reverse_many", listed(pointer.records[MAX_NAMES:])))
    return facts._replace(valid=is_valid(problems), problems=tuple(problems), confirmed=bool(confirmed))


def _leads_to(answer: Answer, address: str) -> bool:
    return ip_address(address) in [ip_address(record) for record in answer.records]
