# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# One name server, as far as it is known in this run: whether it answers, whether it validates, who asks it.

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from ..names import look_up
from .model import ABSENT, BOGUS, NOT_DETERMINED, PRESENT, SECURE, Answer, not_determined

if TYPE_CHECKING:
    from typing import Callable, Deque, List, Optional

    from .messages import Reply
    from .servers import NameServer

MOST_AT_ONCE = 64  # questions that one server is asked at the same time; more wait


class ServerFacts(NamedTuple):
    """What a report says of a server that was to be asked."""

    address: str  # with the port, where it is not the usual one
    path: str  # loopback, network
    validates: Optional[bool]  # whether it says of the root's name servers that DNSSEC proves them; None: not known
    trusted: bool  # the caller vouches for what it says of DNSSEC, and for the path to it


class Server:
    """`probe` is called once, when the first question goes out: it is to find out whether this server validates."""

    def __init__(self, given: NameServer, probe: Callable[[Server], None]) -> None:
        self.name, self._given, self._probe = str(given), given, probe
        (self.address,) = look_up(given.address, given.port, "any")
        self.host, self.port = given.address, given.port
        self.dead = False  # nothing came back when it was asked last: the others are asked first
        self._probing = self._probed = False
        self._validates: Optional[bool] = None
        self._why_unknown = ""
        self._undecided: List[Callable[[], None]] = []  # they wait for what the probe says
        self._visitors = 0
        self._queue: Deque[Callable[[], bool]] = deque()

    def enter(self, visit: Callable[[], bool]) -> None:
        """Call `visit` when there is a slot. It returns whether it takes it, and whoever did leaves() in the end."""
        self._queue.append(visit)
        self._admit()

    def leave(self) -> None:
        self._visitors -= 1
        self._admit()

    def _admit(self) -> None:
        while self._queue and self._visitors < MOST_AT_ONCE:
            self._visitors += 1
            if not self._queue.popleft()():
                self._visitors -= 1
            elif not self._probing:
                self._probing = True
                self._probe(self)

    def probed(self, answer: Answer) -> None:
        """Take the answer about the root: from a server that validates it comes with AD."""
        if answer.state in (PRESENT, ABSENT):
            self._validates = answer.dnssec == SECURE
        self._probed, self._why_unknown = True, answer.reason
        waiting, self._undecided = self._undecided, []
        for go_on in waiting:
            go_on()

    def when_probed(self, go_on: Callable[[], None]) -> None:
        """Call when it is known whether the server validates, or that this cannot be known."""
        if self._probed:
            go_on()
        else:
            self._undecided.append(go_on)

    def judged(self, answer: Answer, complaint: Optional[Reply]) -> Answer:
        """Return an answer of this server with what DNSSEC says of it.

        `complaint` is its SERVFAIL, where it has answered only when told not to check signatures.
        """
        answer = answer._replace(server=self.name)
        if complaint is not None:
            return self._bogus(answer, complaint)
        if answer.state == NOT_DETERMINED or self._validates:
            return answer
        return answer._replace(dnssec=NOT_DETERMINED, reason=self._does_not_validate())

    def _bogus(self, answer: Answer, complaint: Reply) -> Answer:
        why = complaint.extended or "SERVFAIL, but an answer where it is told not to check signatures (CD)"
        if self._validates is False and not complaint.of_dnssec:
            text = "SERVFAIL from %s (%s), yet %s" % (self.name, why, self._does_not_validate())
            return not_determined(answer.question, text, self.name)
        reason = "bogus for this resolver (%s): %s" % (self.name, why)
        return Answer(answer.question, BOGUS, dnssec=BOGUS, reason=reason, server=self.name)

    def _does_not_validate(self) -> str:
        if self._validates is False:
            return "this resolver (%s) does not validate" % self.name
        return "it is not known whether this resolver (%s) validates: %s" % (self.name, self._why_unknown)

    def facts(self) -> ServerFacts:
        path = "loopback" if self._given.is_loopback else "network"
        return ServerFacts(self.name, path, self._validates, self._given.trusted)
