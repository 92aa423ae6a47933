# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# A connection for a client that blocks, such as the standard library's: by name and address, in clear or inside TLS.
#
# What the driver does for many conversations at once, this does for one: every wait ends at a deadline, every answer
# has a bound, TLS is ours with its facts and reasons. What goes wrong is Broken, whichever of the two it is.

from __future__ import annotations

import queue
import socket
import threading
from typing import TYPE_CHECKING

from .attempts import AddressAttempt, Broken
from .names import ResolveError, answered, is_literal, look_up
from .race import connect_cause, interleaved, most_telling, reachable_from
from .tls.model import TlsFailure

if TYPE_CHECKING:
    from typing import Callable, List, Optional, Union

    from .names import Address
    from .tls.channel import Channel
    from .tls.model import TlsFacts, TlsPolicy

    Clock = Callable[[], float]

MAX_LINE = 65536
_QUICK_ACK = getattr(socket, "TCP_QUICKACK", None)


def dial(
    host: str,
    port: int,
    address_family: str,
    source_address: Optional[str],
    connect_timeout: float,
    deadline: float,
    clock: Clock,
    tried: List[AddressAttempt],
) -> socket.socket:
    """Connect to the first address that answers. Raises Broken.

    `connect_timeout` is for each address, `deadline` for all of them, on `clock`. `tried`: where what became of each is
    noted, the one that answered last.
    """
    addresses = reachable_from(source_address, _addresses(host, port, address_family, deadline - clock()))
    if not addresses:
        raise Broken("no_address_of_family", "%s has none of source_address's" % host, "resolve")
    for address in interleaved(addresses):
        began = clock()
        if began >= deadline:
            break
        sock = socket.socket(address.family, socket.SOCK_STREAM)
        try:
            sock.settimeout(min(connect_timeout, deadline - began))
            if source_address is not None:
                sock.bind((source_address, 0))
            sock.connect(address.sockaddr)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            sock.close()
            cause = "connection_timed_out" if isinstance(error, socket.timeout) else connect_cause(error)
            tried.append(AddressAttempt(address.text, cause, clock() - began))
            continue
        tried.append(AddressAttempt(address.text, "connected", clock() - began))
        return sock
    shown = ", ".join("%s: %s" % (one.address, one.outcome.replace("_", " ")) for one in tried)
    raise Broken(most_telling([one.outcome for one in tried] or ["connection_timed_out"]), shown, "connect")


def _addresses(host: str, port: int, address_family: str, seconds: float) -> List[Address]:
    """Look the name up. A thread may hang in it: it keeps nobody waiting beyond these seconds."""
    answers: queue.SimpleQueue[Union[List[Address], ResolveError]] = queue.SimpleQueue()
    asked = (look_up, host, port, address_family)
    if is_literal(host):
        answers.put(answered(*asked))
    else:
        threading.Thread(target=lambda: answers.put(answered(*asked)), daemon=True, name="mailcheck-resolver").start()
    try:
        answer = answers.get(timeout=max(0.001, seconds))
    except queue.Empty:
        text = "no answer about %s within %.3g s" % (host, seconds)
        raise Broken("name_server_failed", text, "resolve") from None
    if isinstance(answer, ResolveError):
        raise Broken(answer.cause, str(answer), "resolve")
    return answer


class BlockingSession:
    """Octets in and out of one socket. Set `deadline` (on `clock`), and call allow() before each question.

    `peer` is what the other side is called in texts. All methods raise Broken.
    """

    def __init__(self, sock: socket.socket, clock: Clock, peer: str = "server") -> None:
        self._sock, self._clock, self._peer = sock, clock, peer
        self.deadline = 0.0
        self.tls: Optional[TlsFacts] = None
        self.octets = 0  # received in all
        self._channel: Optional[Channel] = None
        self._buffer = bytearray()
        self._octets_allowed = self._lines_allowed = 0

    def allow(self, octets: int, lines: int) -> None:
        """Take so much from now on and no more, until this is called again."""
        self._octets_allowed, self._lines_allowed = octets, lines

    def start_tls(self, policy: TlsPolicy, server_name: str) -> TlsFacts:
        """Do a handshake; what came before it must have been read by then."""
        from .tls.channel import Channel

        if self._buffer:
            raise Broken("tls_injection", "octets came after the answer and before the handshake", "starttls")
        try:
            channel = Channel(policy, server_name, self._peer)
            facts = channel.handshake()
            self._send(channel.output())
            while facts is None:
                channel.feed(self._received("tls_handshake_stalled", "tls_handshake_reset", "tls"))
                try:
                    facts = channel.handshake()
                finally:
                    self._send(channel.output())
            self._channel, self.tls = channel, facts
            self._buffer += channel.read()
        except TlsFailure as failure:
            raise Broken(failure.cause, str(failure), "tls", tls=failure.facts) from None
        return facts

    def readline(self, limit: int = MAX_LINE) -> bytes:
        """Return the next line with its end."""
        self._lines_allowed -= 1
        if self._lines_allowed < 0:
            raise self._too_much("more lines than such an answer can have")
        searched = 0
        while True:
            end = self._buffer.find(b"\n", searched)
            if end >= 0:
                return self._taken(end + 1)
            searched = len(self._buffer)
            if searched > limit:
                raise self._too_much("a line of more than %d octets" % limit)
            self._fill()

    def read(self, size: int) -> bytes:
        """Return exactly `size` octets."""
        if size > max(self._octets_allowed, 0) + len(self._buffer):
            raise self._too_much("it announces %d octets" % size)
        while len(self._buffer) < size:
            self._fill()
        return self._taken(size)

    def send(self, data: bytes) -> None:
        if self._channel is not None:
            self._channel.write(data)
            data = self._channel.output()
        self._send(data)

    def close(self) -> None:
        self._sock.close()

    def interrupt(self) -> None:
        """Let whoever waits for an answer learn that none will come. Safe in a signal handler."""
        try:
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it is closed already

    def _taken(self, size: int) -> bytes:
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def _fill(self) -> None:
        data = self._received("timed_out", "connection_lost", None)
        if self._channel is not None:
            try:
                self._channel.feed(data)
                data = self._channel.read()
                self._send(self._channel.output())
            except TlsFailure as failure:
                stage = None if failure.cause == "connection_lost" else "tls"
                raise Broken(failure.cause, str(failure), stage, tls=failure.facts) from None
            if self._channel.closed and not data:
                raise Broken("connection_lost", "the %s closed the TLS session" % self._peer)
        self._octets_allowed -= len(data)
        if self._octets_allowed < 0:
            raise self._too_much("more octets than such an answer can have")
        self._buffer += data

    def _received(self, when_late: str, when_closed: str, stage: Optional[str]) -> bytes:
        left = self.deadline - self._clock()
        try:
            if left <= 0:
                raise socket.timeout()
            self._sock.settimeout(left)
            data = self._sock.recv(65536)
        except socket.timeout:
            raise Broken(when_late, "no answer in time", stage) from None
        except OSError as error:
            text = "the connection broke: %s" % (error.strerror or "unknown reason").lower()
            raise Broken(when_closed, text, stage) from None
        if not data:
            raise Broken(when_closed, "the %s closed the connection" % self._peer, stage)
        self.octets += len(data)
        return data

    def _send(self, data: bytes) -> None:
        try:
            self._sock.settimeout(max(0.001, self.deadline - self._clock()))
            self._sock.sendall(data)
            if _QUICK_ACK is not None:
                # A server that answers in several writes holds the next back until the first is acknowledged (Nagle).
                self._sock.setsockopt(socket.IPPROTO_TCP, _QUICK_ACK, 1)
        except socket.timeout:
            raise Broken("timed_out", "the %s takes no more octets" % self._peer) from None
        except OSError:
            return  # what the peer said last may still be there to read; the end of it will be, too

    def _too_much(self, text: str) -> Broken:
        return Broken("protocol_violation", "the %s sends too much: %s" % (self._peer, text))
