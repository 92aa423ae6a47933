# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# One query to one server: octets out, octets back, or why none came.
#
# By UDP each query has a socket of its own, connected, with a port that the system chooses (RFC 5452 9.2): what comes
# from anybody else, or too late, never gets here. What comes from the server and does not fit is passed over, and
# counted. By TCP it is a connection like any other (RFC 7766).

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING, NamedTuple

from ..attempts import Attempt
from ..connection import Connection
from ..datagrams import MAX_DATAGRAM
from ..loop import READ
from ..slots import Slots
from .messages import fits

if TYPE_CHECKING:
    from typing import Callable, Optional, Union

    from ..attempts import Broken, Connected, Outcome
    from ..loop import Loop
    from ..names import Address, Resolver
    from ..tls.model import TlsFacts

    Done = Callable[[Union[bytes, "NoReply"]], None]

NO_ANSWER = "no answer"
MOST_UNFIT = 100  # replies, after which a server's time is over when it is over
# Shortages of this host's, which say nothing about the server.
_OURS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class NoReply(NamedTuple):
    """Why no reply came."""

    text: str
    dead: bool  # nothing has been heard of the server


class DatagramExchange:
    """Sends `query` when it is made, and calls `done` from the loop, once, unless it is closed before."""

    def __init__(self, loop: Loop, server: Address, query: bytes, timeout: float, done: Done) -> None:
        self._loop, self._query, self._done = loop, query, done
        self._unfit = 0  # so many came that are no reply to the query
        self._sock: Optional[socket.socket] = None  # None when it is over
        self._alarm = loop.at(loop.clock() + timeout, self._time_out)
        try:
            self._sock = socket.socket(server.family, socket.SOCK_DGRAM)
            self._sock.setblocking(False)
            self._sock.connect(server.sockaddr)
            loop.watch(self._sock, READ, self._ready)
            self._sock.send(query)
        except OSError as error:
            failure = error  # whoever has begun this is told of its end by the loop
            self._alarm.cancel()
            self._alarm = loop.at(loop.clock(), lambda: self._fail(failure))

    def _ready(self, _mask: int, _now: float) -> None:
        self._read()

    def _read(self) -> bool:
        """Take one datagram; return whether it was for nothing."""
        if self._sock is None:
            return False  # closed in this very turn of the loop
        try:
            reply = self._sock.recv(MAX_DATAGRAM)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError as error:
            self._fail(error)
            return False
        if fits(reply, self._query):
            self.close()
            self._done(reply)
            return False
        self._unfit += 1
        return True

    def _fail(self, error: OSError) -> None:
        self.close()
        self._done(NoReply((error.strerror or "unknown reason").lower(), error.errno not in _OURS))

    def _time_out(self) -> None:
        while self._unfit < MOST_UNFIT and self._read():
            pass  # what has come in time counts, though we come to it late
        if self._sock is not None:
            self.close()
            unfit = ", but %d that do not fit the question," % self._unfit if self._unfit else ""
            self._done(NoReply(NO_ANSWER + unfit, True))

    def close(self) -> None:
        self._alarm.cancel()
        if self._sock is not None:
            self._loop.forget(self._sock)
            self._sock.close()
            self._sock = None


class StreamExchange:
    """The same by TCP."""

    def __init__(
        self, loop: Loop, names: Resolver, host: str, port: int, query: bytes, timeout: float, done: Done
    ) -> None:
        self._done = done
        attempt = Attempt(lambda connected: _Stream(query, connected), host, port, timeout, timeout)
        self._connection = Connection(loop, names, Slots(1, lambda _target: None), attempt, self._ended)
        self._connection.share.take()
        loop.at(loop.clock(), self._connection.start)  # whoever has begun this is told of its end by the loop

    def _ended(self, _connection: Connection, outcome: Outcome) -> None:
        said = outcome.facts
        if isinstance(said, bytes):
            self._done(said)
            return
        why = outcome.broken.text if outcome.broken else said
        self._done(NoReply(why or NO_ANSWER, False))

    def close(self) -> None:
        self._connection.abandon()


class _Stream:
    """A query and its reply over TCP, each after its length in two octets (RFC 1035 4.2.2).

    `facts` is the reply, or the text of why there is none.
    """

    peer = "name server"
    silent = wants_tls = False
    decided_at: Optional[float] = None

    def __init__(self, query: bytes, connected: Connected) -> None:
        self.deadline = connected.deadline
        self.ended = False
        self.facts: Union[bytes, str] = ""
        self._query, self._unsent = query, len(query).to_bytes(2, "big") + query
        self._received = bytearray()

    def begin(self, now: float) -> None:
        """The query is what output() has to say."""

    def receive(self, data: bytes, now: float) -> None:
        self._received += data
        while not self.ended and len(self._received) >= 2:
            end = 2 + int.from_bytes(self._received[:2], "big")
            if len(self._received) < end:
                return
            reply = bytes(self._received[2:end])
            del self._received[:end]
            if fits(reply, self._query):
                self._end(reply)

    def output(self, now: float) -> bytes:
        unsent, self._unsent = self._unsent, b""
        return unsent

    def tls_established(self, tls: TlsFacts, now: float) -> None:
        raise AssertionError("nobody asks for TLS")

    def lose(self, text: str, now: float) -> None:
        self._end(text)

    def time_out(self, now: float) -> None:
        self._end("")

    def break_off(self, broken: Broken, now: float) -> None:
        self._end(broken.text)

    def _end(self, facts: Union[bytes, str]) -> None:
        self.facts, self.ended = facts, True
