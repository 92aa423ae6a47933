# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# A question and its answers over UDP, for an attempt that brings `datagrams=DatagramSession`.
#
# The socket is connected, so that the system drops what comes from anybody else. Each datagram is one piece of
# what the protocol says or hears, and the session lasts until the protocol has ended: one answer, or several.
# What gets lost on the way is not sent again, unless the protocol does so when its deadline has come.

from __future__ import annotations

from .loop import READ, WRITE
from .session import Session

# RFC 768: the length of a datagram has 16 bits.
MAX_DATAGRAM = 65535


class DatagramSession(Session):
    """What is said leaves one datagram at a time, as long as the socket takes them."""

    def begin(self, now: float) -> None:
        """Ask. An OSError is the system's refusal to send, which an answer would have to wait for in vain."""
        self.protocol.begin(now)
        self._send()

    def _read(self, now: float) -> None:
        while not self.protocol.ended:
            try:
                data = self.sock.recv(MAX_DATAGRAM)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:  # ICMP says that nobody listens there any more
                self.protocol.lose("the connection broke: %s" % (error.strerror or "unknown reason").lower(), now)
                return
            self.protocol.receive(data, now)

    def _flush(self) -> None:
        try:
            self._send()
        except OSError:
            self.events = READ  # the deadline decides

    def _send(self) -> None:
        self.events = READ
        while True:
            self._unsent = self._unsent or self.protocol.output(self._clock())
            if not self._unsent:
                return
            try:
                self.sock.send(self._unsent)
            except (BlockingIOError, InterruptedError):
                self.events |= WRITE
                return
            self._unsent = b""
