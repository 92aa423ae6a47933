# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# One open connection: octets between a socket, TLS and a protocol.
#
# What a read brings is worked off through TLS and protocol before anything is written; then all output leaves in
# one send. So the client's TLS Finished and its next words share a segment, and a peer that talks while something
# long goes out is heard.

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from .attempts import BLOCK_OCTETS, Broken
from .loop import READ, WRITE
from .tls.model import TlsFailure

if TYPE_CHECKING:
    from typing import Callable, Optional

    from .attempts import AnyProtocol
    from .tls.channel import Channel
    from .tls.model import TlsPolicy

_QUICK_ACK = getattr(socket, "TCP_QUICKACK", None)


class Session:
    """`events` is what to wait for; the session is over when its protocol has ended."""

    def __init__(
        self,
        sock: socket.socket,
        protocol: AnyProtocol,
        tls_policy: Optional[TlsPolicy],
        tls_server_name: str,
        clock: Callable[[], float],
    ) -> None:
        self.sock, self.protocol = sock, protocol
        self.events = READ
        self._tls_policy, self._tls_server_name, self._clock = tls_policy, tls_server_name, clock
        self._channel: Optional[Channel] = None
        self._unsent = b""

    def begin(self, now: float) -> None:
        self.protocol.begin(now)
        self._go_on(now)

    def ready(self, mask: int, now: float) -> None:
        """The socket can be read or written, as `mask` says."""
        if mask & READ:
            self._read(now)
        self._go_on(now)

    def time_out(self, now: float) -> None:
        """The protocol's deadline has come."""
        self.protocol.time_out(now)
        self._go_on(now)

    def stop(self, why: Broken, now: float) -> None:
        self.protocol.break_off(why, now)

    def _read(self, now: float) -> None:
        try:
            data = self.sock.recv(65536)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self.protocol.lose("the connection broke: %s" % (error.strerror or "unknown reason").lower(), now)
            return
        if not data:
            self.protocol.lose("the %s closed the connection" % self.protocol.peer, now)
        elif self._channel is None:
            self.protocol.receive(data, now)
        else:
            self._receive_tls(self._channel, data, now)

    def _receive_tls(self, channel: Channel, data: bytes, now: float) -> None:
        channel.feed(data)
        try:
            if self.protocol.wants_tls:
                established = channel.handshake()
                if established is None:
                    return
                # What came along with the peer's Finished was there before anything more is said.
                self.protocol.receive(channel.read(), now)
                self.protocol.tls_established(established, self._clock())
            plain = channel.read()
        except TlsFailure as failure:
            # In TLS 1.3 the peer's objection to our certificate comes after our side of the handshake is done.
            self._give_up_tls(failure, now)
            return
        if plain:
            self.protocol.receive(plain, now)
        if channel.closed:
            self.protocol.lose("the %s closed the TLS session" % self.protocol.peer, now)

    def _begin_tls(self, policy: TlsPolicy, now: float) -> None:
        from .tls.channel import Channel

        try:
            self._channel = Channel(policy, self._tls_server_name, self.protocol.peer)
            self._channel.handshake()
        except TlsFailure as failure:
            self._give_up_tls(failure, now)

    def _give_up_tls(self, failure: TlsFailure, now: float) -> None:
        stage = None if failure.cause == "connection_lost" else "tls"
        self.protocol.break_off(Broken(failure.cause, str(failure), stage, tls=failure.facts), now)

    def _go_on(self, now: float) -> None:
        if self.protocol.wants_tls and self._channel is None and self._tls_policy is not None:
            self._unsent += self._next_octets()  # what is said in clear before implicit TLS: a PROXY header
            self._begin_tls(self._tls_policy, now)
        self._flush()

    def _flush(self) -> None:
        """Send what there is to send. Something long goes block by block, with the loop's other work in between."""
        self.events, sent = READ, 0
        while True:
            self._unsent = self._unsent or self._next_octets()
            if not self._unsent:
                break
            if sent >= BLOCK_OCTETS:
                self.events |= WRITE
                break
            try:
                taken = self.sock.send(self._unsent)
            except (BlockingIOError, InterruptedError):
                self.events |= WRITE
                break
            except OSError:
                break  # what the peer said last may still be there to read; the end of it will be, too
            sent += taken
            self._unsent = self._unsent[taken:]
        if sent and self._channel is not None and _QUICK_ACK is not None:
            # A peer that has session tickets under way holds back its next words until they are acknowledged
            # (Nagle): without this, 40 ms go by after each handshake.
            self.sock.setsockopt(socket.IPPROTO_TCP, _QUICK_ACK, 1)

    def _next_octets(self) -> bytes:
        plain = self.protocol.output(self._clock())
        if self._channel is None:
            return plain
        if plain:
            self._channel.write(plain)
        return self._channel.output()
