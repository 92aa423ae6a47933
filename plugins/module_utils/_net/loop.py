# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# The loop that waits for sockets and for times, and calls what is due.
#
# Time comes from the clock handed in. What a turn brings is worked off in one go: the sockets, and after each of them
# the timers that have become due meanwhile, so that many sockets keep no deadline waiting.

from __future__ import annotations

import heapq
import selectors
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    from typing import Callable, List

    Ready = Callable[[int, float], None]  # is given what the socket is ready for, and the time

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Timer(list):  # type: ignore[type-arg]  # [when, order, call]: lists compare fast
    """Something to be called at a time. Cancelled, it lets go of what it would have called."""

    def __init__(self, when: float, order: int, call: Callable[[], None]) -> None:
        super().__init__((when, order, call))

    def cancel(self) -> None:
        self[2] = nothing


def nothing() -> None:
    """What a cancelled timer calls."""


class Loop:
    """Sockets that are watched, and timers that were set; `turn()` works off what is due."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.lag = 0.0  # the longest that our own work has kept the loop from its sockets, in seconds
        self._selector = selectors.DefaultSelector()
        self._timers: List[Timer] = []
        self._tidy_at = 1000  # so many timers are looked through for the cancelled ones
        self._order = count()
        self._awake = clock()  # since when the loop has not looked at its sockets

    def at(self, when: float, call: Callable[[], None]) -> Timer:
        if len(self._timers) >= self._tidy_at:
            self._timers = [timer for timer in self._timers if timer[2] is not nothing]
            heapq.heapify(self._timers)
            self._tidy_at = max(1000, 2 * len(self._timers))
        timer = Timer(when, next(self._order), call)
        heapq.heappush(self._timers, timer)
        return timer

    def watch(self, sock: socket.socket, events: int, call: Ready) -> None:
        self._selector.register(sock, events, call)

    def watch_again(self, sock: socket.socket, events: int, call: Ready) -> None:
        self._selector.modify(sock, events, call)

    def forget(self, sock: socket.socket) -> None:
        try:
            self._selector.unregister(sock)
        except (KeyError, ValueError):
            pass

    def start(self) -> None:
        """From now on, what keeps the loop from its sockets counts as lag."""
        self._awake = self.clock()

    def turn(self, wait: bool) -> None:
        """Do what sockets and timers call for; with `wait`, not before one of them does."""
        pause = None if wait else 0.0
        if self._timers and wait:
            pause = max(0.0, self._timers[0][0] - self.clock())
        self.lag = max(self.lag, self.clock() - self._awake)
        events = self._selector.select(pause)
        now = self._awake = self.clock()
        for key, mask in events:
            key.data(mask, now)
            self._call_what_is_due(self.clock())
        self._call_what_is_due(now)

    def _call_what_is_due(self, now: float) -> None:
        while self._timers and self._timers[0][0] <= now:
            heapq.heappop(self._timers)[2]()

    def close(self) -> None:
        self._selector.close()
