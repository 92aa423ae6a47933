# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the collection. One selectors loop that runs any number of plans side by side.
#
# A plan (plan.py) yields attempts or a time to wait for; an attempt is one connection: names are resolved,
# addresses raced (RFC 8305), TLS records moved, and octets carried between the socket and the Dialogue, which
# knows the protocol. Nothing here knows SMTP. Whatever one attempt does, the others go on: a fault in it
# ends that attempt alone. Everything that waits has a deadline, and time comes from the clock handed in.

from __future__ import annotations

import errno
import heapq
import os
import selectors
import socket
import time
from collections import deque
from itertools import chain, count, zip_longest
from typing import TYPE_CHECKING, NamedTuple

from . import model
from .conversation import converse
from .dialogue import Dialogue
from .resolve import Address, ResolveError, Resolver
from .session import READ, WRITE, Session
from .transcript import Transcript

if TYPE_CHECKING:
    from typing import Any, Callable, Deque, Dict, Generator, Iterator, List, Optional, Set, Tuple, Union

    Plan = Generator[Union[Tuple[model.Attempt, ...], model.Wait], Any, Any]

# RFC 8305 8: the next address is tried when the one before has not answered for this long.
ADDRESS_DELAY = 0.25

_CONNECT_CAUSES = {
    errno.ECONNREFUSED: "connection_refused",
    errno.ENOENT: "connection_refused",  # no such Unix socket
    errno.EACCES: "connection_refused",
    errno.ETIMEDOUT: "connection_timed_out",
    errno.ENETUNREACH: "network_unreachable",
    errno.EADDRNOTAVAIL: "network_unreachable",
    errno.EAFNOSUPPORT: "network_unreachable",
    errno.EHOSTUNREACH: "host_unreachable",
    errno.EHOSTDOWN: "host_unreachable",
}
_OUR_SHORTAGES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
# Where several addresses failed, the failure that tells most stands for all: a refusal shows a living host.
_TELLING = (
    "socket_not_served",
    "connection_refused",
    "connection_timed_out",
    "host_unreachable",
    "network_unreachable",
)


class Limits(NamedTuple):
    """How hard the driver may push. Bursts of handshakes would falsify the latencies it reports."""

    concurrency: int = 200
    per_relay: int = 2
    unpaced: int = 200  # so many starts at once, the rest at this pace
    starts_per_second: float = 600.0


class Timer(list):  # type: ignore[type-arg]  # [when, order, call]: lists compare fast
    """Something to be called at a time. Cancelled, it lets go of what it would have called."""

    def __init__(self, when: float, order: int, call: Callable[[], None]) -> None:
        super().__init__((when, order, call))

    def cancel(self) -> None:
        self[2] = _nothing


def _nothing() -> None:
    pass


class Driver:
    """Runs plans. `run()` yields (key, what the plan returned), in the order in which they end."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits, self.clock = limits, clock
        self.resolver = Resolver()
        self.stopping = False
        self.lag = 0.0  # the longest that our own work has kept the loop from its sockets, in seconds
        self._selector = selectors.DefaultSelector()
        self._selector.register(self.resolver.wake, READ, lambda mask, now: self.resolver.deliver())
        self._timers: List[Timer] = []
        self._tidy_at = 1000  # so many timers are looked through for the cancelled ones
        self._order = count()
        self._waiting: Deque[_Connection] = deque()  # to be started as soon as there is room
        self._blocked: Dict[Tuple[str, int], Deque[_Connection]] = {}  # whose relay has all it may have at once
        self._active: Set[_Connection] = set()
        self._resting: Dict[_Endpoint, None] = {}
        self._restless = False  # nothing waits for a next attempt any more
        self._in_use: Dict[Tuple[str, int], int] = {}
        self._open_plans = 0
        self._started = 0
        self._next_start = 0.0
        self._pacing = False  # a timer will wake the loop for the next start
        self._results: Deque[Tuple[Any, Any]] = deque()
        self._awake = 0.0  # since when the loop has not looked at its sockets

    def run(self, plans: Iterator[Tuple[Any, Plan]], deadline: Optional[float] = None) -> Iterator[Tuple[Any, Any]]:
        """Run `plans`, pairs of a key and a plan; a plan that fails gives its exception as its result.

        At `deadline`, and when `stop()` is called, what is under way ends with what it has learned, and plans
        not yet begun are left in the iterator.
        """
        if deadline is not None:
            self.at(deadline, self.stop)
            self.stopping = self.stopping or self.clock() >= deadline
        exhausted = False
        self._awake = self.clock()
        try:
            while True:
                self._admit()
                while not exhausted and not self.stopping and not self._results and self._has_room():
                    pair = next(plans, None)
                    exhausted = pair is None
                    if pair is not None:
                        self._open_plans += 1
                        _Endpoint(self, *pair).go_on(None)
                        self._admit()
                if self.stopping:
                    self._end_everything()
                while self._results:
                    self._open_plans -= 1
                    yield self._results.popleft()
                more = not exhausted and not self.stopping
                if self._open_plans or more:
                    self._turn(in_haste=more and self._has_room())
                else:
                    return
        finally:
            self._close()

    def stop(self) -> None:
        """End everything at the next turn of the loop. May be called by a signal handler."""
        self.stopping = True
        self.resolver.ring()

    # What endpoints and connections use

    def at(self, when: float, call: Callable[[], None]) -> Timer:
        if len(self._timers) >= self._tidy_at:
            self._timers = [timer for timer in self._timers if timer[2] is not _nothing]
            heapq.heapify(self._timers)
            self._tidy_at = max(1000, 2 * len(self._timers))
        timer = Timer(when, next(self._order), call)
        heapq.heappush(self._timers, timer)
        return timer

    def enqueue(self, connection: _Connection) -> None:
        self._waiting.append(connection)

    def finished(self, key: Any, result: Any) -> None:
        self._results.append((key, result))

    def take_slot(self, relay: Tuple[str, int]) -> bool:
        """Take one of the connections that a relay may have at once; return whether there was one."""
        if self._in_use.get(relay, 0) >= self.limits.per_relay:
            return False
        self._in_use[relay] = self._in_use.get(relay, 0) + 1
        return True

    def return_slot(self, relay: Tuple[str, int]) -> None:
        self._in_use[relay] -= 1
        if not self._in_use[relay]:
            del self._in_use[relay]
        if relay in self._blocked:
            self._waiting.appendleft(self._blocked[relay].popleft())
            if not self._blocked[relay]:
                del self._blocked[relay]

    def watch(self, sock: socket.socket, events: int, call: Callable[[int, float], None]) -> None:
        self._selector.register(sock, events, call)

    def watch_again(self, sock: socket.socket, events: int, call: Callable[[int, float], None]) -> None:
        self._selector.modify(sock, events, call)

    def forget(self, sock: socket.socket) -> None:
        try:
            self._selector.unregister(sock)
        except (KeyError, ValueError):
            pass

    def rest(self, endpoint: _Endpoint, until: float) -> None:
        """Let an endpoint wait for its next attempt, out of the way of the others."""
        if self._restless:
            endpoint.go_on(None)
            return
        self._resting[endpoint] = None

        def wake() -> None:
            if self._resting.pop(endpoint, endpoint) is None:
                endpoint.go_on(self.clock())

        self.at(until, wake)

    def end_rests(self) -> None:
        """Let all that wait for their next attempt, now or later, know that there is no time for one."""
        self._restless = True
        for endpoint in list(self._resting):
            del self._resting[endpoint]
            endpoint.go_on(None)

    def ended(self, connection: _Connection) -> None:
        self._active.discard(connection)

    # The loop

    def _turn(self, in_haste: bool) -> None:
        """Wait for sockets and timers, unless there is more to begin, and do what they call for."""
        pause = 0.0 if in_haste else None
        if self._timers and not in_haste:
            pause = max(0.0, self._timers[0][0] - self.clock())
        self.lag = max(self.lag, self.clock() - self._awake)
        events = self._selector.select(pause)
        now = self._awake = self.clock()
        for key, mask in events:
            key.data(mask, now)
        while self._timers and self._timers[0][0] <= now:
            heapq.heappop(self._timers)[2]()

    def _admit(self) -> None:
        """Start waiting connections as far as the limits go: all together, per relay, and by their pace."""
        while self._waiting and len(self._active) < self.limits.concurrency and not self.stopping:
            now = self.clock()
            if self._started >= self.limits.unpaced and now < self._next_start:
                if not self._pacing:
                    self._pacing = True
                    self.at(self._next_start, self._end_pause)
                return
            connection = self._waiting.popleft()
            if not connection.take_slot():
                self._blocked.setdefault(connection.relay, deque()).append(connection)
                continue
            self._started += 1
            self._next_start = max(now, self._next_start) + 1 / self.limits.starts_per_second
            self._active.add(connection)
            connection.start()

    def _has_room(self) -> bool:
        """What waits for its own relay holds up nobody else."""
        return len(self._waiting) + len(self._active) < self.limits.concurrency

    def _end_pause(self) -> None:
        self._pacing = False

    def _end_everything(self) -> None:
        while self._waiting or self._blocked or self._active or self._resting:  # a plan may ask for more before it ends
            stopped = [*self._waiting, *chain(*self._blocked.values()), *self._active]
            self._waiting.clear()
            self._blocked.clear()
            for connection in stopped:
                connection.stop()
            self.end_rests()

    def _close(self) -> None:
        for connection in list(self._active):
            connection.abandon()
        self._selector.close()
        self.resolver.close()


class _Endpoint:
    """Carries one plan through its attempts."""

    def __init__(self, driver: Driver, key: Any, plan: Plan) -> None:
        self._driver, self._key, self._plan = driver, key, plan
        self._outcomes: List[Optional[model.Outcome]] = []

    def go_on(self, value: Any) -> None:
        try:
            wanted = self._plan.send(value)
        except StopIteration as stop:
            self._driver.finished(self._key, stop.value)
            return
        except Exception as bug:  # noqa: BLE001  # a fault in one endpoint is that endpoint's result
            self._driver.finished(self._key, bug)
            return
        if isinstance(wanted, model.Wait):
            self._driver.rest(self, wanted.until)
            return
        self._outcomes = [None] * len(wanted)
        for index, attempt in enumerate(wanted):
            self._driver.enqueue(_Connection(self._driver, attempt.request, self._keep(index)))

    def _keep(self, index: int) -> Callable[[model.Outcome], None]:
        def keep(outcome: model.Outcome) -> None:
            self._outcomes[index] = outcome
            if None not in self._outcomes:
                self.go_on(tuple(self._outcomes))

        return keep


class _Connection:
    """One attempt: addresses, sockets, TLS and the dialogue, until there is an outcome."""

    def __init__(self, driver: Driver, request: model.Request, done: Callable[[model.Outcome], None]) -> None:
        self._driver, self._request, self._done = driver, request, done
        self.relay = ((request.connect_to or request.host).lower(), request.port)
        self._started = driver.clock()
        self._facts = model.Facts(Transcript(self._started))
        self._slots = 0  # of the relay's: one, and more for an address race
        self._addresses: Deque[Address] = deque()
        self._racing: Dict[socket.socket, Tuple[Address, float]] = {}
        self._tried: List[model.AddressAttempt] = []
        self._session: Optional[Session] = None
        self._events = 0  # what the session's socket is watched for
        self._address: Optional[str] = None
        self._local_address: Optional[str] = None
        self._deadline = 0.0
        self._alarm: Optional[Timer] = None  # wakes us at our deadline
        self._race_alarms: List[Timer] = []
        self._over = False

    def start(self) -> None:
        self._started = self._driver.clock()
        self._facts = model.Facts(Transcript(self._started))
        self._facts.stage = "resolve"
        self._deadline = self._started + self._request.timeout
        self._set_alarm(self._deadline)
        self._guarded(self._resolve, self._request)

    # Addresses (RFC 8305)

    def _resolve(self, request: model.Request) -> None:
        if request.host.startswith("/"):
            self._resolved([Address(socket.AF_UNIX, (request.host,))])
        else:
            self._driver.resolver.resolve(
                request.connect_to or request.host,
                request.port,
                request.address_family,
                lambda answer: self._guarded(self._resolved, answer),
            )

    def _resolved(self, answer: Union[List[Address], ResolveError]) -> None:
        self._facts.timings["resolve"] = self._driver.clock() - self._started
        if isinstance(answer, ResolveError):
            self._fail(model.Failure("resolve", answer.cause, text=str(answer)))
            return
        source = self._request.source_address
        if source is not None:
            family = socket.AF_INET6 if ":" in source else socket.AF_INET
            answer = [address for address in answer if address.family == family]
        if not answer:
            self._fail(
                model.Failure(
                    "resolve", "no_address_of_family", text="%s has none of source_address's" % self._request.host
                )
            )
            return
        self._facts.stage = "connect"
        self._addresses.extend(_interleaved(answer))
        self._try_next()

    def _try_next(self) -> None:
        """Begin with the next address; when there is none left and none under way, the attempt has failed."""
        if self._session is not None:
            return
        # Without a slot for one more it goes on when an address under way has failed.
        while self._addresses and (not self._racing or self.take_slot()):
            address = self._addresses.popleft()
            now = self._driver.clock()
            try:
                self._connect(address, now)
            except OSError as error:
                if error.errno in _OUR_SHORTAGES:
                    raise  # says nothing about the address
                self._address_failed(address, now, error)
                continue
            next_one = self._driver.at(now + ADDRESS_DELAY, lambda: self._guarded(self._try_next))
            self._race_alarms.append(next_one)
            return
        if not self._addresses and not self._racing:
            self._all_failed()

    def _connect(self, address: Address, now: float) -> None:
        sock = socket.socket(address.family, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            if address.family != socket.AF_UNIX:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self._request.source_address is not None:
                    sock.bind((self._request.source_address, 0))
            code = sock.connect_ex(address.sockaddr if address.family != socket.AF_UNIX else address.text)
            if code not in (0, errno.EINPROGRESS, errno.EAGAIN):
                raise OSError(code, os.strerror(code))
        except OSError:
            sock.close()
            raise
        self._racing[sock] = (address, now)
        self._driver.watch(sock, WRITE, lambda _mask, _now: self._guarded(self._connected, sock))
        give_up = now + self._request.connect_timeout
        alarm = self._driver.at(give_up, lambda: self._guarded(self._connect_timed_out, sock))
        self._race_alarms.append(alarm)

    def _connected(self, sock: socket.socket) -> None:
        if sock not in self._racing:
            return  # overtaken in this very turn of the loop
        address, began = self._racing.pop(sock)
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code not in (0, errno.ECONNRESET):  # a reset comes after a connection: the read that follows will see it
            self._close_socket(sock)
            self._address_failed(address, began, OSError(code, os.strerror(code)))
            self._try_next()
            return
        now = self._driver.clock()
        self._tried.append(model.AddressAttempt(address.text, "connected", now - began))
        self._facts.timings["connect"] = now - began
        for other, (slower, its_start) in list(self._racing.items()):
            self._tried.append(model.AddressAttempt(slower.text, "overtaken", now - its_start))
            self._close_socket(other)
        self._end_race()
        self._keep_slots(1)
        self._address = address.text
        name = sock.getsockname()
        self._local_address = name[0] if isinstance(name, tuple) else None
        self._converse(sock, now)

    def _connect_timed_out(self, sock: socket.socket) -> None:
        if sock in self._racing:
            address, began = self._racing.pop(sock)
            self._close_socket(sock)
            self._address_failed(address, began, OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT)))
            self._try_next()

    def _address_failed(self, address: Address, began: float, error: OSError) -> None:
        cause = _CONNECT_CAUSES.get(error.errno or 0, "host_unreachable")
        if cause == "connection_refused" and address.family == socket.AF_UNIX:
            cause = "socket_not_served"
        self._tried.append(model.AddressAttempt(address.text, cause, self._driver.clock() - began))
        self._keep_slots(max(1, len(self._racing)))

    def _all_failed(self) -> None:
        causes = [tried.outcome for tried in self._tried]
        cause = min(causes, key=_TELLING.index)
        shown = ", ".join("%s: %s" % (tried.address, tried.outcome.replace("_", " ")) for tried in self._tried)
        self._fail(model.Failure("connect", cause, text=shown))

    # The dialogue

    def _converse(self, sock: socket.socket, now: float) -> None:
        request = self._request
        ehlo_name = request.ehlo_name or _address_literal(self._local_address)
        conversation = converse(request._replace(ehlo_name=ehlo_name, connect_to=self._address), self._facts)
        dialogue = Dialogue(conversation, self._facts, self._deadline, request.acceptance_timeout)
        self._session = Session(sock, dialogue, request.tls_policy, request.tls_server_name, self._driver.clock)
        self._session.begin(now)
        self._look_after(self._session, now)

    def _ready(self, session: Session, mask: int, now: float) -> None:
        session.ready(mask, now)
        self._look_after(session, now)

    def _look_after(self, session: Session, now: float) -> None:
        """Wait for what the session needs next, or be done with it."""
        dialogue = session.dialogue
        if dialogue.ended:
            self._finish(now if dialogue.decided_at is None else dialogue.decided_at)
            return
        self._set_alarm(dialogue.deadline)
        if session.events != self._events:
            self._events = session.events
            self._driver.watch_again(
                session.sock, session.events, lambda mask, ready: self._guarded(self._ready, session, mask, ready)
            )

    # Deadlines and ends

    def _set_alarm(self, when: float) -> None:
        if self._alarm is None or when < self._alarm[0]:
            if self._alarm is not None:
                self._alarm.cancel()
            self._alarm = self._driver.at(when, lambda: self._guarded(self._alarm_rings))

    def _alarm_rings(self) -> None:
        now, self._alarm = self._driver.clock(), None
        session = self._session
        deadline = session.dialogue.deadline if session else self._deadline
        if now < deadline:
            self._set_alarm(deadline)
        elif session is None:
            self._time_out_early(now)
        else:
            session.time_out(now)
            self._look_after(session, now)

    def _time_out_early(self, now: float) -> None:
        for address, began in self._racing.values():
            self._tried.append(model.AddressAttempt(address.text, "connection_timed_out", now - began))
        if self._tried:
            self._all_failed()
        else:
            text = "no answer about %s within %.3g s" % (self._request.host, now - self._started)
            self._fail(model.Failure("resolve", "name_server_failed", text=text))

    def stop(self) -> None:
        """End now, with what has been learned."""
        if self._over:
            return
        if not self._slots:
            self._fail(model.Failure("resolve", "not_checked", text="the time was up before its turn"))
        elif self._session is None:
            self._fail(model.Failure(self._facts.stage, "deadline_reached"))
        else:
            now = self._driver.clock()
            self._session.stop(now)
            self._guarded(self._look_after, self._session, now)

    def _guarded(self, call: Callable[..., None], *values: Any) -> None:
        """Run one step; a fault of our own ends this attempt, and no other."""
        if self._over:
            return
        try:
            call(*values)
        except Exception as bug:  # noqa: BLE001  # the boundary: whatever it is, it is in the report
            self._fail(model.Failure(self._facts.stage, "internal_error", text=describe_bug(bug)))

    def _fail(self, failure: model.Failure) -> None:
        self._facts.failure = failure
        self._finish(self._driver.clock())

    def _finish(self, finished: float) -> None:
        if self._over:
            return
        self.abandon()
        self._facts.timings["total"] = finished - self._started
        self._driver.ended(self)
        self._done(
            model.Outcome(
                self._facts, tuple(self._tried), self._address, self._local_address, self._started, self._driver.clock()
            )
        )

    def abandon(self) -> None:
        """Close whatever is open."""
        self._over = True
        for sock in [*self._racing, *([self._session.sock] if self._session else [])]:
            self._close_socket(sock)
        self._end_race()
        if self._alarm is not None:
            self._alarm.cancel()
        self._keep_slots(0)

    def _end_race(self) -> None:
        self._racing.clear()
        for alarm in self._race_alarms:
            alarm.cancel()
        self._race_alarms.clear()

    def _close_socket(self, sock: socket.socket) -> None:
        self._driver.forget(sock)
        sock.close()

    def take_slot(self) -> bool:
        taken = self._driver.take_slot(self.relay)
        self._slots += taken
        return taken

    def _keep_slots(self, number: int) -> None:
        while self._slots > number:
            self._slots -= 1
            self._driver.return_slot(self.relay)


def _interleaved(addresses: List[Address]) -> Iterator[Address]:
    """Alternate between the families, in the system's order within each (RFC 8305 4)."""
    first = [address for address in addresses if address.family == addresses[0].family]
    second = [address for address in addresses if address.family != addresses[0].family]
    for pair in zip_longest(first, second):
        yield from (address for address in pair if address is not None)


def _address_literal(address: Optional[str]) -> str:
    """RFC 5321 4.1.3: what a client without a host name says in EHLO."""
    if address is None:
        return "localhost"
    return "[IPv6:%s]" % address.partition("%")[0] if ":" in address else "[%s]" % address


def describe_bug(bug: BaseException) -> str:
    """Say where a fault of our own arose, without the values it arose from: they may hold secrets."""
    if isinstance(bug, model.OptionError):  # a file that is no longer what it was when the options were checked
        return str(bug)
    place = bug.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = "%s:%d" % (os.path.basename(place.tb_frame.f_code.co_filename), place.tb_lineno) if place else "?"
    reason = " (%s)" % bug.strerror if isinstance(bug, OSError) and bug.strerror else ""
    return "%s%s at %s" % (type(bug).__name__, reason, where)
