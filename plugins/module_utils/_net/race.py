# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# One of several addresses is to be connected to: they race (RFC 8305).
#
# The next address is begun with when the one before has failed, or has not answered for a while. A stream has
# answered when it is connected. A datagram socket is connected at once, whoever is there: so the question goes
# out at once too, and what comes back, an answer or ICMP's refusal, decides.

from __future__ import annotations

import errno
import os
import socket
from collections import deque
from itertools import zip_longest
from typing import TYPE_CHECKING

from .attempts import AddressAttempt, Broken
from .loop import READ, WRITE

if TYPE_CHECKING:
    import typing
    from typing import Any, Callable, Deque, Dict, Iterator, List, Optional, Sequence, Tuple

    from .attempts import Attempt
    from .loop import Loop, Timer
    from .names import Address
    from .session import Session
    from .slots import Share

    class Owner(typing.Protocol):
        """Whose race it is (connection.Connection)."""

        def guarded(self, call: Callable[..., None], *values: Any) -> None:
            """Run one step of the race; a fault in it ends the attempt."""

        def ask(self, sock: socket.socket, address: Address, now: float) -> Session:
            """Send the question over a datagram socket; an OSError is the address's failure."""

        def won(self, sock: socket.socket, address: Address, session: Optional[Session], seconds: float) -> None:
            """This socket is connected, and open: the only one that is. `session`: where it was asked already."""

        def fail(self, broken: Broken) -> None:
            """No address is left."""


# RFC 8305 8: the next address is tried when the one before has not answered for this long.
ADDRESS_DELAY = 0.25
# So many are under way at once, however many addresses there are: each costs a descriptor that others wait for.
MAX_RACING = 2

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
_MOST_TELLING_FIRST = (
    "socket_not_served",
    "connection_refused",
    "connection_timed_out",
    "host_unreachable",
    "network_unreachable",
)


class AddressRace:
    """`tried` has what became of each address, in the order in which that was known."""

    def __init__(self, loop: Loop, share: Share, attempt: Attempt, addresses: List[Address], owner: Owner) -> None:
        self._loop, self._share, self._attempt, self._owner = loop, share, attempt, owner
        self.tried: List[AddressAttempt] = []
        self._addresses: Deque[Address] = deque(interleaved(addresses))
        self._racing: Dict[socket.socket, Tuple[Address, float]] = {}
        self._asked: Dict[socket.socket, Session] = {}  # with datagrams
        self._alarms: List[Timer] = []

    def go_on(self) -> None:
        """Begin with the next address; when there is none left and none under way, the race is lost."""
        # Without a slot for one more it goes on when an address under way has failed.
        while self._addresses and (not self._racing or (len(self._racing) < MAX_RACING and self._share.take())):
            address = self._addresses.popleft()
            now = self._loop.clock()
            try:
                self._connect(address, now)
            except OSError as error:
                if error.errno in _OUR_SHORTAGES:
                    raise  # says nothing about the address
                self._failed(address, now, error)
                continue
            if self._addresses:
                self._alarms.append(self._loop.at(now + ADDRESS_DELAY, lambda: self._owner.guarded(self.go_on)))
            return
        if not self._addresses and not self._racing:
            self._all_failed()

    def time_out(self, now: float) -> None:
        """There is no time for any of them any more."""
        for address, began in self._racing.values():
            self.tried.append(AddressAttempt(address.text, "connection_timed_out", now - began))
        self._all_failed()

    def close(self) -> None:
        """Close what is still under way."""
        for sock in self._racing:
            self._close_socket(sock)
        self._racing.clear()
        for alarm in self._alarms:
            alarm.cancel()

    def _connect(self, address: Address, now: float) -> None:
        datagrams = self._attempt.datagrams is not None
        sock = socket.socket(address.family, socket.SOCK_DGRAM if datagrams else socket.SOCK_STREAM)
        self._racing[sock] = (address, now)
        try:
            sock.setblocking(False)
            if address.family != socket.AF_UNIX:
                if not datagrams:
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self._attempt.source_address is not None:
                    sock.bind((self._attempt.source_address, 0))
            code = sock.connect_ex(address.sockaddr if address.family != socket.AF_UNIX else address.text)
            if code not in (0, errno.EINPROGRESS, errno.EAGAIN):
                raise OSError(code, os.strerror(code))
            if datagrams:
                self._asked[sock] = self._owner.ask(sock, address, now)
        except OSError:
            del self._racing[sock]
            sock.close()
            raise
        events = READ if datagrams else WRITE
        self._loop.watch(sock, events, lambda _mask, _now: self._owner.guarded(self._answered, sock))
        give_up = now + self._attempt.connect_timeout
        self._alarms.append(self._loop.at(give_up, lambda: self._owner.guarded(self._timed_out, sock)))

    def _answered(self, sock: socket.socket) -> None:
        if sock not in self._racing:
            return  # overtaken in this very turn of the loop
        address, began = self._racing[sock]
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code not in (0, errno.ECONNRESET):  # a reset comes after a connection: the read that follows will see it
            self._give_up(sock, OSError(code, os.strerror(code)))
            return
        now = self._loop.clock()
        self.tried.append(AddressAttempt(address.text, "connected", now - began))
        for other, (slower, its_start) in list(self._racing.items()):
            if other is not sock:
                self.tried.append(AddressAttempt(slower.text, "overtaken", now - its_start))
                self._close_socket(other)
                del self._racing[other]
        for alarm in self._alarms:
            alarm.cancel()
        self._share.keep(1)
        self._owner.won(sock, address, self._asked.get(sock), now - began)

    def _timed_out(self, sock: socket.socket) -> None:
        if sock not in self._racing:
            return
        if self._attempt.datagrams is None and _is_connected(sock):
            self._answered(sock)  # in time, and it is we who are late
        else:
            self._give_up(sock, OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT)))

    def _give_up(self, sock: socket.socket, error: OSError) -> None:
        address, began = self._racing.pop(sock)
        self._close_socket(sock)
        self._failed(address, began, error)
        self.go_on()

    def _failed(self, address: Address, began: float, error: OSError) -> None:
        cause = connect_cause(error)
        if cause == "connection_refused" and address.family == socket.AF_UNIX:
            cause = "socket_not_served"
        self.tried.append(AddressAttempt(address.text, cause, self._loop.clock() - began))
        self._share.keep(max(1, len(self._racing)))

    def _all_failed(self) -> None:
        causes = [tried.outcome for tried in self.tried]
        shown = ", ".join("%s: %s" % (tried.address, tried.outcome.replace("_", " ")) for tried in self.tried)
        self._owner.fail(Broken(most_telling(causes), shown, "connect"))

    def _close_socket(self, sock: socket.socket) -> None:
        self._loop.forget(sock)
        sock.close()


def connect_cause(error: OSError) -> str:
    """Return the cause of a connection that could not be made."""
    return _CONNECT_CAUSES.get(error.errno or 0, "host_unreachable")


def most_telling(causes: Sequence[str]) -> str:
    """Return the cause that stands for all addresses, none of which was connected to."""
    return min(causes, key=_MOST_TELLING_FIRST.index)


def _is_connected(sock: socket.socket) -> bool:
    try:
        sock.getpeername()
    except OSError:
        return False
    return True


def reachable_from(source: Optional[str], addresses: List[Address]) -> List[Address]:
    """Return the addresses of a source address's own family; all, where there is none."""
    if source is None:
        return addresses
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    return [address for address in addresses if address.family == family]


def interleaved(addresses: List[Address]) -> Iterator[Address]:
    """Alternate between the families, in the system's order within each (RFC 8305 4)."""
    first = [address for address in addresses if address.family == addresses[0].family]
    second = [address for address in addresses if address.family != addresses[0].family]
    for pair in zip_longest(first, second):
        yield from (address for address in pair if address is not None)
