# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# One attempt, from a name to its outcome.
#
# The name is resolved, its addresses race, and the socket that wins is handed to a session with the protocol that
# the attempt brings. Deadlines and ends are here. A fault of ours, in any step, ends this attempt and no other.

from __future__ import annotations

import socket
from functools import partial
from typing import TYPE_CHECKING

from .._errors import describe_bug
from .attempts import Broken, Connected, Outcome
from .loop import READ
from .names import Question, ResolveError
from .race import AddressRace, reachable_from
from .session import Session
from .slots import Share

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Union

    from .attempts import AddressAttempt, Attempt
    from .loop import Loop, Timer
    from .names import Address, Resolver
    from .slots import Slots

    Done = Callable[["Connection", Outcome], None]


class Connection:
    """Calls `done` with itself and the outcome, once, unless it is abandoned."""

    def __init__(self, loop: Loop, resolver: Resolver, slots: Slots, attempt: Attempt, done: Done) -> None:
        self._loop, self._resolver, self._attempt, self._done = loop, resolver, attempt, done
        self.target = attempt.target
        self.share = Share(slots, self.target)
        self._started = loop.clock()
        self._deadline = 0.0
        self._alarm: Optional[Timer] = None  # wakes us at our deadline
        self._stage = "resolve"  # until there is a session
        self._timings: Dict[str, float] = {}
        self._tried: List[AddressAttempt] = []
        self._question: Optional[Question] = None
        self._race: Optional[AddressRace] = None
        self._session: Optional[Session] = None
        self._events = 0  # what the session's socket is watched for
        self._address: Optional[str] = None
        self._local_address: Optional[str] = None
        self._beside: Any = None  # what a connection beside this one has learned
        self._over = False

    def start(self) -> None:
        self._started = self._loop.clock()
        self.guarded(self._resolve, self._attempt)

    def start_at(self, address: Address) -> None:
        """Connect to an address that is known already."""
        self._begin()
        self.guarded(self._resolved, [address])

    def guarded(self, call: Callable[..., None], *values: Any) -> None:
        """Run one step; a fault of our own ends this attempt, and no other."""
        if self._over:
            return
        try:
            call(*values)
        except Exception as bug:  # noqa: BLE001  # the boundary: whatever it is, it is in the report
            self.fail(Broken("internal_error", describe_bug(bug), None if self._session else self._stage))

    # The name

    def _resolve(self, attempt: Attempt) -> None:
        asked = (attempt.connect_to or attempt.host, attempt.port, attempt.address_family)
        self._question = Question(asked, partial(self.guarded, self._begin), partial(self.guarded, self._resolved))
        self._resolver.resolve(self._question)

    def _begin(self) -> None:
        """The time counts from here: what we have waited for a thread of our own says nothing about the peer."""
        self._started = self._loop.clock()
        self._deadline = self._started + self._attempt.timeout
        self._set_alarm(self._deadline)

    def _resolved(self, answer: Union[List[Address], ResolveError]) -> None:
        self._question = None  # it holds on to us
        self._timings["resolve"] = self._loop.clock() - self._started
        if isinstance(answer, ResolveError):
            self.fail(Broken(answer.cause, str(answer), "resolve"))
            return
        addresses = reachable_from(self._attempt.source_address, answer)
        if not addresses:
            self.fail(Broken("no_address_of_family", "%s has none of source_address's" % self._attempt.host, "resolve"))
            return
        self._stage = "connect"
        self._race = AddressRace(self._loop, self.share, self._attempt, addresses, self)
        self._tried = self._race.tried
        self._race.go_on()

    # What the race of its addresses asks for (race.Owner)

    def ask(self, sock: socket.socket, address: Address, now: float) -> Session:
        session = self._session_over(sock, address.text, _local_address(sock))
        session.begin(now)
        return session

    def won(self, sock: socket.socket, address: Address, session: Optional[Session], seconds: float) -> None:
        now = self._loop.clock()
        self._timings["connect"] = seconds
        self._address, self._local_address = address.text, _local_address(sock)
        asked = session is not None
        self._session = session or self._session_over(sock, address.text, self._local_address)
        self._race = None  # the socket is the session's now
        if asked:
            self._session.ready(READ, now)
        else:
            self._session.begin(now)
        self._look_after(self._session, now)

    def fail(self, broken: Broken) -> None:
        self._finish(self._loop.clock(), broken)

    # The session

    def _session_over(self, sock: socket.socket, address: str, local_address: Optional[str]) -> Session:
        attempt = self._attempt
        protocol = attempt.make_protocol(Connected(address, local_address, self._started, self._deadline))
        session: Session = (attempt.datagrams or Session)(
            sock, protocol, attempt.tls_policy, attempt.tls_server_name, self._loop.clock
        )
        return session

    def _go_on(self, session: Session, mask: int, now: float) -> None:
        session.ready(mask, now)
        self._look_after(session, now)

    def _look_after(self, session: Session, now: float) -> None:
        """Wait for what the session needs next, or be done with it."""
        protocol = session.protocol
        if protocol.ended:
            self._finish(now if protocol.decided_at is None else protocol.decided_at)
            return
        self._set_alarm(protocol.deadline)
        if session.events != self._events:
            self._events = session.events
            self._loop.watch_again(session.sock, session.events, partial(self.guarded, self._go_on, session))

    # Deadlines and ends

    def _set_alarm(self, when: float) -> None:
        if self._alarm is None or when < self._alarm[0]:
            if self._alarm is not None:
                self._alarm.cancel()
            self._alarm = self._loop.at(when, partial(self.guarded, self._time_is_up))

    def _time_is_up(self) -> None:
        now, self._alarm = self._loop.clock(), None
        session = self._session
        deadline = session.protocol.deadline if session else self._deadline
        if now < deadline:
            self._set_alarm(deadline)
        elif session is not None:
            session.ready(READ, now)  # what has come in time counts, though we come to it late
            if not session.protocol.ended and session.protocol.deadline <= now:
                session.time_out(now)
            self._look_after(session, now)
        elif self._race is not None:
            self._race.time_out(now)
        else:
            text = "no answer about %s within %.3g s" % (self._attempt.host, now - self._started)
            self.fail(Broken("name_server_failed", text, "resolve"))

    def stop(self, cause: str, text: str) -> None:
        """End now, with what has been learned."""
        if self._over:
            return
        if not self.share.held:
            self.fail(Broken("not_checked", "%s before its turn" % text, "resolve"))
        elif self._session is None:
            self.fail(Broken(cause, text, self._stage))
        else:
            now = self._loop.clock()
            self._session.stop(Broken(cause, text), now)
            self.guarded(self._look_after, self._session, now)

    def _finish(self, finished: float, broken: Optional[Broken] = None) -> None:
        if self._over:
            return
        self.abandon()
        self._timings["total"] = finished - self._started
        facts = self._session.protocol.facts if self._session else None
        tried, ended, where = tuple(self._tried), self._loop.clock(), (self._address, self._local_address)
        self._done(self, Outcome(facts, tried, *where, self._started, ended, broken, self._timings, self._beside))

    def abandon(self) -> None:
        """Close whatever is open."""
        self._over = True
        if self._question is not None:
            self._resolver.give_up(self._question)
            self._question = None
        if self._race is not None:
            self._race.close()
            self._race = None
        if self._session is not None:
            self._loop.forget(self._session.sock)
            self._session.sock.close()
        if self._alarm is not None:
            self._alarm.cancel()
        self.share.keep(0)


def _local_address(sock: socket.socket) -> Optional[str]:
    name = sock.getsockname()
    return name[0] if isinstance(name, tuple) else None
