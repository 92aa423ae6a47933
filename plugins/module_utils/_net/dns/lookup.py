# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# The way of one question from server to server, until one has answered it or the time is up.
#
# It goes round twice, each visit with an equal share of the time, so that neither a dead server nor a lost datagram
# uses it up. Time counts while a server is asked, not while the question waits for its turn. A visit goes on to TCP
# where a reply is cut off, to a query without EDNS where that is not understood, and after SERVFAIL to a query with
# CD: a resolver that has an answer then has found fault with its signatures (RFC 4035 5.5). Unless it says so itself,
# it is asked once more without CD, since the failure may have been a moment's.

from __future__ import annotations

import os
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from ..._errors import describe_bug
from .exchange import NO_ANSWER, DatagramExchange, NoReply, StreamExchange
from .messages import BADVERS, FORMERR, SERVFAIL, name_octets, query, read
from .model import not_determined

if TYPE_CHECKING:
    from typing import Any, Callable, Deque, Dict, Optional, Sequence, Set, Union

    from ..loop import Loop
    from ..names import Resolver
    from .messages import Reply
    from .model import Answer, Question
    from .server import Server

    # The answer, who gave it, and the SERVFAIL that he had said before, if any.
    Done = Callable[["LookUp", Answer, Optional[Server], Optional[Reply]], None]

ROUNDS = 2


class LookUp:
    """Calls `done` once, unless it is closed before."""

    def __init__(
        self, loop: Loop, names: Resolver, timeout: float, question: Question, servers: Sequence[Server], done: Done
    ) -> None:
        self._loop, self._names, self._question, self._servers, self._done = loop, names, question, servers, done
        self._timeout = self._left = timeout  # seconds
        self._share = timeout / (ROUNDS * len(servers))
        self._name = b""
        self._route: Deque[Server] = deque()
        self._failures: Dict[str, str] = {}  # name of a server -> what it said instead of an answer
        self._useless: Set[Server] = set()  # they would say the same again
        self._visited: Optional[Server] = None  # now
        self._arrived = 0.0  # there
        self._exchange: Union[DatagramExchange, StreamExchange, None] = None
        self._edns = True
        self._complaint: Optional[Reply] = None  # a SERVFAIL
        self._unchecked: Optional[Reply] = None  # and what there was with CD
        self._checking_disabled = False
        self._over = False

    def begin(self) -> None:
        try:
            self._name = name_octets(self._question.name)
        except ValueError as error:
            self._end(not_determined(self._question, "it is no name: %s" % error))
        else:
            self._set_out()

    def close(self) -> None:
        self._over = True
        if self._exchange is not None:
            self._exchange.close()

    def _end(self, answer: Answer, server: Optional[Server] = None, complaint: Optional[Reply] = None) -> None:
        if not self._over:
            self.close()
            self._done(self, answer, server, complaint)

    def _set_out(self) -> None:
        """Who is known to be dead is asked last."""
        self._route = deque(sorted(self._servers, key=lambda server: server.dead) * ROUNDS)
        self._go_on()

    def _go_on(self) -> None:
        while self._route and self._left > 0:
            server = self._route.popleft()
            if server not in self._useless:
                server.enter(partial(self._visit, server))
                return
        failures = "; ".join("%s from %s" % (text, name) for name, text in self._failures.items())
        within = " within %.3g s" % self._timeout if NO_ANSWER in failures else ""
        self._end(not_determined(self._question, failures + within))

    def _visit(self, server: Server) -> bool:
        if self._over:
            return False
        if server.dead and not self._failures and not all(other.dead for other in self._servers):
            self._set_out()  # it was found dead while we waited for our turn
            return False
        self._visited, self._arrived = server, self._loop.clock()
        self._edns, self._checking_disabled = True, False
        self._complaint = self._unchecked = None
        self._guarded(self._ask, server)
        return True

    def _guarded(self, call: Callable[..., None], *values: Any) -> None:
        """Do one step. A fault of ours in it ends this look-up, and no other."""
        try:
            call(*values)
        except Exception as bug:  # noqa: BLE001  # the boundary: whatever it is, it is in the answer
            self._end_by(bug)

    def _end_by(self, bug: Exception) -> None:
        if self._over:
            raise bug  # the fault is of whoever was told of the end
        if self._visited is not None:
            self._leave(self._visited)
        self._end(not_determined(self._question, describe_bug(bug)))

    def _ask(self, server: Server, stream: bool = False) -> None:
        timeout = min(self._share, self._left - (self._loop.clock() - self._arrived))
        if timeout <= 0:
            self._fail(server, NO_ANSWER)
            return
        number = int.from_bytes(os.urandom(2), "big")  # nobody can guess it (RFC 5452 9.2)
        octets = query(self._name, self._question.kind, number, self._edns, self._checking_disabled)
        heard = partial(self._heard, server, stream)
        if stream:
            self._exchange = StreamExchange(self._loop, self._names, server.host, server.port, octets, timeout, heard)
        else:
            self._exchange = DatagramExchange(self._loop, server.address, octets, timeout, heard)

    def _heard(self, server: Server, stream: bool, said: Union[bytes, NoReply]) -> None:
        self._exchange = None
        self._guarded(self._hear_nothing if isinstance(said, NoReply) else self._hear, server, stream, said)

    def _hear_nothing(self, server: Server, stream: bool, why: NoReply) -> None:
        if not stream:
            server.dead = why.dead
            self._fail(server, why.text)
        else:
            self._useless.add(server)
            self._fail(server, "a reply that is cut off, and by TCP: %s" % why.text)

    def _hear(self, server: Server, stream: bool, said: bytes) -> None:
        server.dead, reply = False, read(self._question, said)
        if reply.truncated and not stream:
            self._ask(server, stream=True)
        elif reply.rcode in (FORMERR, BADVERS) and self._edns:
            self._edns = False
            self._ask(server)
        elif reply.rcode == SERVFAIL and self._complaint is None:
            self._complaint, self._checking_disabled = reply, True
            self._ask(server)
        elif reply.rcode == SERVFAIL and self._unchecked is not None:
            self._leave(server)
            self._end(self._unchecked.answer, server, self._complaint)
        elif reply.failure:
            self._useless.add(server)
            self._fail(server, _in_words(reply))
        else:
            self._answered(server, reply)

    def _answered(self, server: Server, reply: Reply) -> None:
        complaint = self._complaint if self._checking_disabled else None
        if complaint is not None and not complaint.of_dnssec:
            self._unchecked, self._checking_disabled = reply, False
            self._ask(server)
        else:
            self._leave(server)
            self._end(reply.answer, server, complaint)

    def _fail(self, server: Server, text: str) -> None:
        if self._complaint is not None:
            self._useless.add(server)
            again = "with CD" if self._checking_disabled else "when asked again"
            again = "" if text.startswith(self._complaint.failure) else ", and %s %s" % (text, again)
            text = _in_words(self._complaint) + again
        self._failures[server.name] = text
        self._leave(server)
        self._go_on()

    def _leave(self, server: Server) -> None:
        self._left -= self._loop.clock() - self._arrived
        self._visited = None
        server.leave()


def _in_words(reply: Reply) -> str:
    return reply.failure + (" (%s)" % reply.extended if reply.extended else "")
