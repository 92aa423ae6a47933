# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What a plan and the driver hand each other: attempts, pauses, outcomes, and what several plans wait for.
#
# An attempt says where to connect and brings what makes its protocol, which turns octets into a conversation.
# The driver knows a protocol by the face described here, and nothing of what is said.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import typing
    from typing import Any, Callable, Mapping, Optional, Tuple

    from .tls.model import TlsFacts, TlsPolicy

# What a protocol hands out at once: what it has to say together, something long in blocks of about this size.
BLOCK_OCTETS = 65536


class Broken(Exception):
    """The connection could not be made, is gone, or cannot be trusted any more.

    `cause` is of the table of causes. `stage` is given where it is not the one that the conversation is in.
    """

    def __init__(self, cause: str, text: str, stage: Optional[str] = None, tls: Optional[TlsFacts] = None) -> None:
        super().__init__(text)
        self.cause, self.text, self.stage, self.tls = cause, text, stage, tls


if TYPE_CHECKING:

    class AnyProtocol(typing.Protocol):
        """One conversation as the driver sees it: octets in, octets out. Times are seconds of the driver's clock."""

        peer: str  # what the other side is called in texts: "relay"
        facts: Any  # what has been learned so far
        deadline: float  # when `time_out()` is due
        wants_tls: bool  # a handshake is under way, or to be begun
        ended: bool
        decided_at: Optional[float]  # since when there is nothing left to learn

        @property
        def silent(self) -> bool:
            """Whether the peer, who was to speak first, has said nothing: `Attempt.if_silent` may ask why."""

        def begin(self, now: float) -> None:
            """There is a connection."""

        def receive(self, data: bytes, now: float) -> None:
            """Take what was read: some octets of a stream, or one datagram."""

        def output(self, now: float) -> bytes:
            """Return what to send next, about BLOCK_OCTETS at most, or one datagram; nothing if there is nothing."""

        def tls_established(self, tls: TlsFacts, now: float) -> None:
            """The handshake is done."""

        def lose(self, text: str, now: float) -> None:
            """The peer has closed the connection, or it broke; `text` says how. Ends the conversation."""

        def time_out(self, now: float) -> None:
            """The deadline has come. Ends the conversation, unless it sets another."""

        def break_off(self, broken: Broken, now: float) -> None:
            """The connection is not to be used any more. Ends the conversation."""


class Connected(NamedTuple):
    """What is known once there is a connection. Times are of the driver's clock, in seconds."""

    address: str  # of the peer; the path of a Unix socket
    local_address: Optional[str]  # a Unix socket has none
    started: float  # when the attempt began
    deadline: float  # when it must be over


class Attempt(NamedTuple):
    """What a plan yields: one connection, and what makes the protocol that is spoken over it.

    `make_protocol` is called as soon as there is a connection; with datagrams, for each address that is asked.
    """

    make_protocol: Callable[[Connected], AnyProtocol]
    host: str  # a name, an address, or the path of a Unix socket
    port: int
    timeout: float  # seconds, for all of it
    connect_timeout: float  # seconds, for each address
    connect_to: Optional[str] = None  # the one address of the host to connect to
    address_family: str = "any"  # ipv4, ipv6
    source_address: Optional[str] = None
    tls_policy: Optional[TlsPolicy] = None
    tls_server_name: str = ""
    datagrams: Optional[Callable[..., Any]] = None  # datagrams.DatagramSession; a stream needs none of it
    # Makes what a second connection to the same address speaks, while the peer of the first is silent (patient.py).
    if_silent: Optional[Callable[[Connected], AnyProtocol]] = None

    @property
    def target(self) -> Tuple[str, int]:
        """Whom the limit of connections at once protects."""
        return (self.connect_to or self.host).lower(), self.port


class AddressAttempt(NamedTuple):
    """One address tried: outcome is `connected`, a cause, or `overtaken` by another address."""

    address: str
    outcome: str
    seconds: float


class Outcome(NamedTuple):
    """One attempt, ended: what the driver returns to a plan. Times are of the driver's clock, in seconds."""

    facts: Any  # the protocol's; None where there was no connection to speak it over
    addresses: Tuple[AddressAttempt, ...]
    address: Optional[str]
    local_address: Optional[str]
    started: float
    finished: float
    broken: Optional[Broken] = None  # why there was no conversation, or the fault of ours that cut it short
    timings: Mapping[str, float] = {}  # seconds: resolve, connect, total
    beside: Any = None  # the facts of `Attempt.if_silent`; None where it was not asked, or had no connection


class Wait(NamedTuple):
    """What a plan yields: go on at this time of the driver's clock."""

    until: float


class Shared(NamedTuple):
    """What a plan yields: wait for what is not its own, and what others may wait for too. An answer of the DNS is one.

    `begin` is given a function to call once with the value, which is what the plan is sent: at once, or later from the
    loop. `stop` is told, when the driver has to end, why: it has the same function called with what there is, now.
    """

    begin: Callable[[Callable[[Any], None]], None]
    stop: Callable[[str], None]
