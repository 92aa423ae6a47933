# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What every kind of mailbox shows of itself, and the messages in it.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import typing
    from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

    from .._net.attempts import AddressAttempt
    from .._net.tls.model import TlsFacts
    from .headers import Fields

# The stages of a wait that an SMTP session does not have; before them come those of any session.
STAGES = ("folder", "find", "delete")
# Fields by which a message is known; the rest of a header is asked for once it is found.
TELLING = (
    "X-Mailcheck-Token", "Message-ID", "From", "Return-Path", "Subject", "Content-Type", "Auto-Submitted",
    "X-Failed-Recipients", "In-Reply-To",
)  # fmt: skip
# Without a state from before, so many of the latest messages are looked at in each folder.
RECENT = 200
# Of more that have come since, only so many.
MOST_NEW = 2000
MAX_HEADER = 262144  # octets
MOST_FOLDERS = 20  # that a server says are for spam
JUNK_NAMES = frozenset(
    ("junk", "spam", "junk e-mail", "junk email", "junk mail", "bulk mail", "bulk", "spamverdacht", "indésirables")
)


class Message(NamedTuple):
    """One message in a folder. `fields`: those of TELLING. `fresh`: it came after the state that was noted before.

    `header` is the whole of it, of those messages that are looked for.
    `validity` is that of the uid (RFC 9051 2.3.1.1).
    """

    folder: str
    uid: str
    fields: Fields
    arrived: Optional[float]  # time of day, by the mailbox
    fresh: bool
    header: bytes = b""
    validity: Optional[int] = None


class Auth(NamedTuple):
    mechanism: str
    accepted: bool
    text: str


class Session(NamedTuple):
    """What is known of the connections to the mailbox."""

    addresses: Tuple[AddressAttempt, ...] = ()
    address: Optional[str] = None
    tls: Optional[TlsFacts] = None
    auth: Optional[Auth] = None
    capabilities: Tuple[str, ...] = ()


class Noted:
    """What a mailbox of any kind notes of itself: see Mailbox."""

    least_interval = 0.0

    def __init__(self) -> None:
        self.session = Session()
        self.warnings: List[str] = []
        self.closed: Dict[str, str] = {}
        self.deleted = 0

    def _learn(self, **facts: Any) -> None:
        self.session = self.session._replace(**facts)


if TYPE_CHECKING:

    class Mailbox(typing.Protocol):
        """A mailbox that can be looked at. Methods raise Broken, which says that it could not be."""

        session: Session
        warnings: List[str]
        closed: Dict[str, str]  # folders that could not be opened when they were last tried, and why
        deleted: int  # messages so far
        least_interval: float  # seconds that the server wants between two looks

        def state(self, deadline: float) -> Dict[str, Dict[str, Any]]:
            """Return, for each folder, what tells later what came after now."""

        def look(self, deadline: float, is_wanted: Callable[[Fields], bool]) -> List[Message]:
            """Return the messages that no look before has returned; those that are wanted with their headers.

            A look that raises has returned none: the next one returns them.
            """

        def whole(self, message: Message, octets: int) -> Optional[bytes]:
            """Return the message, its first octets at least; None where it is gone by now."""

        def probes_before(self, moment: float) -> List[Message]:
            """Return messages with a token that arrived before this time of day."""

        def delete(self, messages: Sequence[Message]) -> None:
            """Delete these and no other."""

        def folders(self) -> Sequence[str]:
            """Return the folders that are looked at."""

        def is_junk(self, folder: str) -> bool:
            """Whether a folder is the one for spam."""

        def interrupt(self) -> None:
            """Let a method that waits end, with Broken. Safe in a signal handler."""

        def close(self) -> None:
            """End the session, if there is one."""
