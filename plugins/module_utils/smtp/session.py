# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the collection. One open connection: octets between a socket, TLS and a dialogue.
#
# What a read brings is worked off through TLS, parser and conversation before anything is written; then all
# output leaves in one send. So the client's TLS Finished and the next EHLO share a segment, and a relay that
# talks while a message goes out is heard.

from __future__ import annotations

import selectors
import socket
from typing import TYPE_CHECKING

from . import model
from .dialogue import BLOCK_OCTETS
from .talk import Broken

if TYPE_CHECKING:
    from typing import Callable, Optional

    from .dialogue import Dialogue
    from .tls import Channel

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
_QUICK_ACK = getattr(socket, "TCP_QUICKACK", None)
_TLS_ALERT_OR_HANDSHAKE = (0x15, 0x16)  # RFC 8446 5.1
_LAST_QUESTION_SECONDS = 0.8


class Session:
    """`events` is what to wait for; the session is over when its dialogue has ended."""

    def __init__(
        self,
        sock: socket.socket,
        dialogue: Dialogue,
        tls_policy: Optional[model.TlsPolicy],
        tls_server_name: str,
        clock: Callable[[], float],
    ) -> None:
        self.sock, self.dialogue = sock, dialogue
        self.events = READ
        self._tls_policy, self._tls_server_name, self._clock = tls_policy, tls_server_name, clock
        self._channel: Optional[Channel] = None
        self._unsent = b""
        self._asked_for_tls = False

    def begin(self, now: float) -> None:
        self.dialogue.begin(now)
        self._go_on(now)

    def ready(self, mask: int, now: float) -> None:
        """The socket can be read or written, as `mask` says."""
        if mask & READ:
            self._read(now)
        self._go_on(now)

    def time_out(self, now: float) -> None:
        """The dialogue's deadline has come."""
        if self.dialogue.silent and self._channel is None and not self._asked_for_tls:
            self._ask_for_tls(now)
        else:
            self.dialogue.time_out(now)
            self._go_on(now)

    def stop(self, now: float) -> None:
        self.dialogue.break_off(Broken("deadline_reached", "the task's time was up"), now)

    def _read(self, now: float) -> None:
        try:
            data = self.sock.recv(65536)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self.dialogue.lose("the connection broke: %s" % (error.strerror or "unknown reason").lower(), now)
            return
        if not data:
            self.dialogue.lose("the relay closed the connection", now)
        elif self._asked_for_tls:
            self._hear_last_answer(data, now)
        elif self._channel is None:
            self.dialogue.receive(data, now)
        else:
            self._receive_tls(self._channel, data, now)

    def _receive_tls(self, channel: Channel, data: bytes, now: float) -> None:
        channel.feed(data)
        try:
            if self.dialogue.wants_tls:
                established = channel.handshake()
                if established is None:
                    return
                # What came along with the relay's Finished was there before the next command is written.
                self.dialogue.receive(channel.read(), now)
                self.dialogue.tls_established(established, self._clock())
            plain = channel.read()
        except model.TlsFailure as failure:
            # In TLS 1.3 the relay's objection to our certificate comes after our side of the handshake is done.
            self._give_up_tls(failure, now)
            return
        if plain:
            self.dialogue.receive(plain, now)
        if channel.closed:
            self.dialogue.lose("the relay closed the TLS session", now)

    def _begin_tls(self, policy: model.TlsPolicy, now: float) -> None:
        from .tls import Channel

        try:
            self._channel = Channel(policy, self._tls_server_name)
            self._channel.handshake()
        except model.TlsFailure as failure:
            self._give_up_tls(failure, now)

    def _give_up_tls(self, failure: model.TlsFailure, now: float) -> None:
        stage = None if failure.cause == "connection_lost" else "tls"
        self.dialogue.break_off(Broken(failure.cause, str(failure), stage, tls=failure.facts), now)

    def _go_on(self, now: float) -> None:
        if self.dialogue.wants_tls and self._channel is None and self._tls_policy is not None:
            self._unsent += self._next_octets()  # what is said in clear before implicit TLS: a PROXY header
            self._begin_tls(self._tls_policy, now)
        self._flush()

    def _flush(self) -> None:
        """Send what there is to send. A message goes block by block, with the loop's other work in between."""
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
                break  # what the relay said last may still be there to read; the end of it will be, too
            sent += taken
            self._unsent = self._unsent[taken:]
        if sent and self._channel is not None and _QUICK_ACK is not None:
            # A relay that has session tickets under way holds back its next reply until they are acknowledged
            # (Nagle): without this, 40 ms go by after each handshake.
            self.sock.setsockopt(socket.IPPROTO_TCP, _QUICK_ACK, 1)

    def _next_octets(self) -> bytes:
        plain = self.dialogue.output(self._clock())
        if self._channel is None:
            return plain
        if plain:
            self._channel.write(plain)
        return self._channel.output()

    # A relay that has said nothing all the time may be waiting for us: that is what a TLS port does. The check
    # has failed anyway, so the last thing to do is to begin a handshake, and to see whether TLS answers.

    def _ask_for_tls(self, now: float) -> None:
        from .tls import Channel

        self._asked_for_tls = True
        self.dialogue.deadline = now + _LAST_QUESTION_SECONDS
        channel = Channel(model.TlsPolicy(verify=False), self._tls_server_name or "localhost")
        channel.handshake()
        self._unsent = channel.output()
        self._flush()

    def _hear_last_answer(self, data: bytes, now: float) -> None:
        if data[0] in _TLS_ALERT_OR_HANDSHAKE:
            text = "the relay said nothing, and answered a TLS handshake"
            self.dialogue.break_off(Broken("tls_expected", text), now)
        else:
            self.dialogue.time_out(now)
