# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# A connection whose peer is to speak first, and a second one beside it, which asks why it does not.
#
# A peer that keeps silent may be slow, which is no fault, or wait for something else. So nothing is said on the
# connection itself, which goes on waiting: after a while one more is made to the same address, with the protocol that
# the attempt brings (`if_silent`). It is part of its attempt. It has a slot of the target like any other, the
# descriptor that the address race no longer needs, and ends with the silence, or with the attempt.

from __future__ import annotations

from typing import TYPE_CHECKING

from .connection import Connection

if TYPE_CHECKING:
    import socket
    from typing import Optional, Tuple

    from .attempts import Attempt, Outcome
    from .connection import Done
    from .loop import Loop
    from .names import Address, Resolver
    from .session import Session
    from .slots import Slots

# For so long a peer may be silent before it is asked, and then for so long again, in seconds: half the attempt's time
# where that is less.
PATIENCE = 3.0


class PatientConnection(Connection):
    """Its outcome has what the second connection has learned, as `beside`."""

    def __init__(self, loop: Loop, resolver: Resolver, slots: Slots, attempt: Attempt, done: Done) -> None:
        super().__init__(loop, resolver, slots, attempt, done)
        self._slots = slots
        self._due: Optional[Tuple[float, Address]] = None  # when it is asked, and where
        self._second: Optional[Connection] = None

    def won(self, sock: socket.socket, address: Address, session: Optional[Session], seconds: float) -> None:
        super().won(sock, address, session, seconds)
        if self._attempt.if_silent is not None and not self._over:
            now = self._loop.clock()
            when = now + min(PATIENCE, (self._deadline - now) / 2)
            self._due = when, address
            self._set_alarm(when)

    def _time_is_up(self) -> None:
        now, due = self._loop.clock(), self._due
        if due is not None and due[0] <= now:
            self._due = None
            self._ask(due[1], min(PATIENCE, self._deadline - now))
        super()._time_is_up()

    def _ask(self, address: Address, timeout: float) -> None:
        ask = self._attempt.if_silent
        question = self._attempt._replace(make_protocol=ask, timeout=timeout, tls_policy=None)  # type: ignore[arg-type]
        second = Connection(self._loop, self._resolver, self._slots, question, self._hear)
        if second.share.take():  # else others need it more
            self._second = second
            second.start_at(address)

    def _hear(self, _second: Connection, outcome: Outcome) -> None:
        self._second, self._beside = None, outcome.facts

    def _look_after(self, session: Session, now: float) -> None:
        if not session.protocol.silent:
            self._stop_asking()
        super()._look_after(session, now)

    def _stop_asking(self) -> None:
        self._due = None
        if self._second is not None:
            self._second.abandon()
            self._second = None

    def abandon(self) -> None:
        self._stop_asking()
        super().abandon()
