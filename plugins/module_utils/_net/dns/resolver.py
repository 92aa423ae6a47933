# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Answers questions by asking name servers, over the driver's loop: a stub resolver (RFC 1034 5.3.1).
#
# A question is asked once in a run: who asks for it while it is under way, or later, gets the same answer, be it that
# there is none. So what a run says is of one piece, and a fault is waited for once. lookup.py is the way of a question.

from __future__ import annotations

from typing import TYPE_CHECKING

from .lookup import LookUp
from .messages import require_dnspython
from .model import Question, not_determined
from .server import Server

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Sequence, Set, Tuple

    from ..driver import Driver
    from .messages import Reply
    from .model import Answer
    from .server import ServerFacts
    from .servers import NameServer

    Then = Callable[[Answer], None]

MOST_KEPT = 64 * 2**20  # octets of answers, about; the oldest are forgotten, and would be asked for again

_ROOT = Question("", "NS")


class StubResolver:
    """Answers what `ask()` is asked, about which the servers have `timeout` seconds in all.

    Whoever makes it closes it when the driver has ended. Raises OptionError without dnspython.
    """

    def __init__(self, driver: Driver, servers: Sequence[NameServer], timeout: float) -> None:
        require_dnspython("domains")
        self._loop, self._names, self._timeout = driver.loop, driver.resolver, timeout
        self._servers = [Server(server, self._probe) for server in servers]
        self._known: Dict[Question, Answer] = {}
        self._kept = 0  # octets, about
        self._waiting: Dict[Question, List[Then]] = {}  # for what is under way
        self._under_way: Set[LookUp] = set()

    def ask(self, question: Question, then: Then) -> None:
        """Call `then` with the answer: at once, if it is known, else from the loop."""
        if question in self._known:
            then(self._known[question])
        elif question in self._waiting:
            self._waiting[question].append(then)
        else:
            self._waiting[question] = [then]
            self._begin(LookUp(self._loop, self._names, self._timeout, question, self._servers, self._answered))

    def facts(self) -> Tuple[ServerFacts, ...]:
        """Return what is known of the servers by now, in the order in which they were given."""
        return tuple(server.facts() for server in self._servers)

    def close(self) -> None:
        """Close what is open. Nobody is answered any more."""
        for look_up in self._under_way:
            look_up.close()

    def _begin(self, look_up: LookUp) -> None:
        self._under_way.add(look_up)
        look_up.begin()

    def _answered(self, look_up: LookUp, answer: Answer, server: Optional[Server], complaint: Optional[Reply]) -> None:
        self._under_way.discard(look_up)
        if server is None:
            self._keep(answer)
        else:
            judge = server  # for the type checker, which forgets what it knew inside the function below
            judge.when_probed(lambda: self._keep(judge.judged(answer, complaint)))

    def _keep(self, answer: Answer) -> None:
        self._known[answer.question] = answer
        self._kept += _size(answer)
        while self._kept > MOST_KEPT:
            self._kept -= _size(self._known.pop(next(iter(self._known))))
        for then in self._waiting.pop(answer.question):
            then(answer)

    def _probe(self, server: Server) -> None:
        """Ask this server alone about the root, which is signed: whether it validates shows by what it says of that."""

        def answered(look_up: LookUp, answer: Answer, by: Optional[Server], complaint: Optional[Reply]) -> None:
            self._under_way.discard(look_up)
            if complaint is not None:
                text = "its answer about the root is %s" % (complaint.extended or complaint.failure)
                answer = not_determined(_ROOT, text)
            server.probed(answer)

        self._begin(LookUp(self._loop, self._names, self._timeout, _ROOT, [server], answered))


# Kind → how long a record is, where its owner decides that.
_LENGTHS: Dict[str, Callable[[Any], int]] = {
    "CAA": lambda record: len(record.value),
    "TLSA": lambda record: len(record.data),
    "TXT": lambda record: sum(map(len, record)),
}


def _size(answer: Answer) -> int:
    """About how many octets an answer takes."""
    length = _LENGTHS.get(answer.question.kind, lambda _record: 0)
    return 1000 + sum(100 + length(record) for record in answer.records)
