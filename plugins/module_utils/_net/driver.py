# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Runs any number of plans side by side, within limits.
#
# A plan is a generator. It yields a tuple of attempts, which are made side by side and answered by their outcomes,
# or a Wait, which is answered by the time, or by None when no time is left, or a Shared, which is answered by its
# value. What it returns is its result. Nothing here knows what the attempts are about. Whatever one plan does, the
# others go on, and everything that waits has a deadline.

from __future__ import annotations

import resource
import time
from collections import deque
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from .attempts import Shared, Wait
from .connection import Connection
from .loop import READ, Loop
from .names import Resolver
from .patient import PatientConnection
from .race import MAX_RACING
from .slots import Slots

if TYPE_CHECKING:
    from typing import Any, Callable, Deque, Dict, Generator, Iterator, List, Optional, Set, Tuple, Union

    from .attempts import Attempt, Outcome
    from .connection import Done
    from .names import LookUp
    from .slots import Target

    Plan = Generator[Union[Tuple[Attempt, ...], Wait, Shared], Any, Any]


# Descriptors that are not ours to use: files, the resolver's pair, the caller's own.
_SPARE_DESCRIPTORS = 64


class Limits(NamedTuple):
    """How hard the driver may push. Bursts of handshakes would falsify the latencies it reports."""

    concurrency: int = 200
    per_target: int = 2
    unpaced: int = 200  # so many starts at once, the rest at this pace
    starts_per_second: float = 600.0


def affordable(limits: Limits) -> Limits:
    """Return limits with no more at once than there are file descriptors for.

    An attempt may need a second one: for its address race, and then for what it asks a silent peer.
    """
    descriptors, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors == resource.RLIM_INFINITY:
        return limits
    most = (descriptors - _SPARE_DESCRIPTORS) // min(MAX_RACING, limits.per_target)
    return limits._replace(concurrency=max(1, min(limits.concurrency, most)))


class Driver:
    """Runs plans. `run()` yields (key, what the plan returned), in the order in which they end."""

    def __init__(
        self, limits: Limits, clock: Callable[[], float] = time.monotonic, look_up: Optional[LookUp] = None
    ) -> None:
        self.limits, self.clock = limits, clock
        self.loop = Loop(clock)
        self.resolver = Resolver(look_up)
        self.stopping = False
        self._why_ended = "interrupted", "the check was stopped"  # cause and text
        self.loop.watch(self.resolver.woken, READ, lambda mask, now: self.resolver.deliver())
        self._slots = Slots(limits.per_target, self._unblock)
        self._queue: Deque[Connection] = deque()  # to be started as soon as there is room
        self._blocked: Dict[Target, Deque[Connection]] = {}  # whose target has all it may have at once
        self._active: Set[Connection] = set()
        self._paused: Dict[_RunningPlan, None] = {}  # until their next attempt
        self._sharing: Dict[_RunningPlan, Shared] = {}  # and what each of them waits for
        self._no_pauses = False  # nothing waits for a next attempt any more
        self._open_plans = 0
        self._started = 0
        self._next_start = 0.0
        self._pacing = False  # a timer will wake the loop for the next start
        self._results: Deque[Tuple[Any, Any]] = deque()

    def run(self, plans: Iterator[Tuple[Any, Plan]], deadline: Optional[float] = None) -> Iterator[Tuple[Any, Any]]:
        """Run `plans`, pairs of a key and a plan; a plan that fails gives its exception as its result.

        At `deadline`, and when `stop()` is called, what is under way ends with what it has learned, and plans
        not yet begun are left in the iterator.
        """
        if deadline is not None:
            self.loop.at(deadline, self._reach_deadline)
            self.stopping = self.stopping or self.clock() >= deadline
        exhausted = False
        self.loop.start()
        try:
            while True:
                self._admit()
                while not exhausted and not self.stopping and not self._results and self._has_room():
                    pair = next(plans, None)
                    exhausted = pair is None
                    if pair is not None:
                        self._open_plans += 1
                        _RunningPlan(self, *pair).go_on(None)
                        self._admit()
                if self.stopping:
                    self._end_everything()
                while self._results:
                    self._open_plans -= 1
                    yield self._results.popleft()
                more = not exhausted and not self.stopping
                if self._open_plans or more:
                    self.loop.turn(wait=not (more and self._has_room()))
                else:
                    return
        finally:
            self._close()

    def stop(self) -> None:
        """End everything at the next turn of the loop. May be called by a signal handler."""
        self.stopping = True
        self.resolver.wake()

    def _reach_deadline(self) -> None:
        if not self.stopping:
            self._why_ended = "deadline_reached", "the task's time was up"
            self.stop()

    def end_pauses(self) -> None:
        """Let all that wait for their next attempt, now or later, know that there is no time for one."""
        self._no_pauses = True
        for plan in list(self._paused):
            del self._paused[plan]
            plan.go_on(None)

    # What running plans use

    def enqueue(self, attempt: Attempt, done: Done) -> None:
        kind = Connection if attempt.if_silent is None else PatientConnection
        self._queue.append(kind(self.loop, self.resolver, self._slots, attempt, done))

    def ended(self, connection: Connection) -> None:
        self._active.discard(connection)

    def finished(self, key: Any, result: Any) -> None:
        self._results.append((key, result))

    def pause(self, plan: _RunningPlan, until: float) -> None:
        """Let a plan wait for its next attempt, out of the way of the others."""
        if self._no_pauses:
            plan.go_on(None)
            return
        self._paused[plan] = None

        def resume() -> None:
            if self._paused.pop(plan, plan) is None:
                plan.go_on(self.clock())

        self.loop.at(until, resume)

    def share(self, plan: _RunningPlan, shared: Shared) -> None:
        """Let a plan wait for what is not its own. A fault in beginning it is that plan's result."""

        def go_on(value: Any) -> None:
            if self._sharing.get(plan) is shared:
                del self._sharing[plan]
                plan.go_on(value)

        self._sharing[plan] = shared
        try:
            shared.begin(go_on)
        except Exception as bug:  # noqa: BLE001  # as above
            if self._sharing.pop(plan, None) is not None:
                self.finished(plan.key, bug)

    # Limits

    def _admit(self) -> None:
        """Start waiting connections as far as the limits go: all together, per target, and by their pace."""
        while self._queue and len(self._active) < self.limits.concurrency and not self.stopping:
            now = self.clock()
            if self._started >= self.limits.unpaced and now < self._next_start:
                if not self._pacing:
                    self._pacing = True
                    self.loop.at(self._next_start, self._end_pacing)
                return
            connection = self._queue.popleft()
            if not connection.share.take():
                self._blocked.setdefault(connection.target, deque()).append(connection)
                continue
            self._started += 1
            self._next_start = max(now, self._next_start) + 1 / self.limits.starts_per_second
            self._active.add(connection)
            connection.start()

    def _has_room(self) -> bool:
        """What waits for its own target holds up nobody else."""
        return len(self._queue) + len(self._active) + len(self._sharing) < self.limits.concurrency

    def _end_pacing(self) -> None:
        self._pacing = False

    def _unblock(self, target: Target) -> None:
        """A target has one connection less: the first that waits for it is the next to be started."""
        if target in self._blocked:
            self._queue.appendleft(self._blocked[target].popleft())
            if not self._blocked[target]:
                del self._blocked[target]

    # Ends

    def _end_everything(self) -> None:
        # A plan may ask for more before it ends.
        while self._queue or self._blocked or self._active or self._paused or self._sharing:
            stopped = [*self._queue, *chain(*self._blocked.values()), *self._active]
            self._queue.clear()
            self._blocked.clear()
            for connection in stopped:
                connection.stop(*self._why_ended)
            for shared in list(self._sharing.values()):
                shared.stop(self._why_ended[1])
            self.end_pauses()

    def _close(self) -> None:
        for connection in list(self._active):
            connection.abandon()
        self.loop.close()
        self.resolver.close()


class _RunningPlan:
    """Carries one plan through its attempts."""

    def __init__(self, driver: Driver, key: Any, plan: Plan) -> None:
        self._driver, self.key, self._plan = driver, key, plan
        self._outcomes: List[Optional[Outcome]] = []

    def go_on(self, value: Any) -> None:
        try:
            wanted = self._plan.send(value)
        except StopIteration as stop:
            self._driver.finished(self.key, stop.value)
            return
        except Exception as bug:  # noqa: BLE001  # a fault in one plan is that plan's result
            self._driver.finished(self.key, bug)
            return
        if isinstance(wanted, Wait):
            self._driver.pause(self, wanted.until)
            return
        if isinstance(wanted, Shared):
            self._driver.share(self, wanted)
            return
        if not wanted:
            self.go_on(())  # nothing to wait for
            return
        self._outcomes = [None] * len(wanted)
        for index, attempt in enumerate(wanted):
            self._driver.enqueue(attempt, self._keep(index))

    def _keep(self, index: int) -> Done:
        def keep(connection: Connection, outcome: Outcome) -> None:
            self._driver.ended(connection)
            self._outcomes[index] = outcome
            if None not in self._outcomes:
                self.go_on(tuple(self._outcomes))

        return keep
