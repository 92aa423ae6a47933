# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Whether TLS is spoken at a port: a handshake is begun, and whatever comes back ends it.

from __future__ import annotations

from typing import TYPE_CHECKING

from .model import TlsPolicy, begins_tls

if TYPE_CHECKING:
    from typing import Optional

    from ..attempts import Broken, Connected
    from .model import TlsFacts


class TlsQuestion:
    """Says a ClientHello, after what the peer has to hear `before` it (attempts.AnyProtocol).

    Its facts are whether the answer was one of TLS: an alert too, but neither silence nor an end.
    """

    silent = wants_tls = False
    decided_at: Optional[float] = None

    def __init__(self, peer: str, server_name: str, before: bytes, connected: Connected) -> None:
        self.peer = peer
        self.deadline = connected.deadline
        self.facts = self.ended = False
        self._server_name, self._unsent = server_name or "localhost", before

    def begin(self, now: float) -> None:
        from .channel import Channel

        channel = Channel(TlsPolicy(verify=False), self._server_name, self.peer)
        channel.handshake()
        self._unsent += channel.output()

    def output(self, now: float) -> bytes:
        unsent, self._unsent = self._unsent, b""
        return unsent

    def receive(self, data: bytes, now: float) -> None:
        self.facts, self.ended = begins_tls(data), True

    def tls_established(self, tls: TlsFacts, now: float) -> None:
        """None is."""

    def lose(self, text: str, now: float) -> None:
        self.ended = True

    def time_out(self, now: float) -> None:
        self.ended = True

    def break_off(self, broken: Broken, now: float) -> None:
        self.ended = True
