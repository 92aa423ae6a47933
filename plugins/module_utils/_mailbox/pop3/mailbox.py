# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# A mailbox by POP3.
#
# A session shows what was there when it began, so each look is a session of its own. Messages are told apart by UIDL,
# in the order of the server's list, which is that of their arrival.

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._net.attempts import Broken
from ..connection import Interrupter
from ..headers import fields_of, first
from ..model import MAX_HEADER, MOST_NEW, RECENT, TELLING, Message, Noted
from .client import PopClient

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

    from ..headers import Fields
    from ..request import Request

_INBOX = "INBOX"
_GONE = "The message that was the last when the state was noted is gone: looked at are the latest."


class PopMailbox(Noted):
    """See model.Mailbox."""

    def __init__(self, request: Request) -> None:
        super().__init__()
        self._request = request
        self._client: Optional[PopClient] = None
        self._interrupter = Interrupter()
        self._seen: Dict[str, int] = {}  # UIDL -> number in this session
        self._known: Optional[List[str]] = None  # every UIDL that has been looked at

    def folders(self) -> Sequence[str]:
        return [_INBOX]

    def is_junk(self, _folder: str) -> bool:
        return False

    def state(self, deadline: float) -> Dict[str, Dict[str, Any]]:
        listed = list(self._begin(deadline).listed())
        self.close()
        return {_INBOX: {"messages": len(listed), "last_uidl": listed[-1] if listed else None}}

    def look(self, deadline: float, _is_wanted: Callable[[Fields], bool]) -> List[Message]:
        self.close()
        self._seen = self._begin(deadline).listed()
        listed = list(self._seen)
        new, fresh = self._new(listed)
        headers = [(uidl, self._top(uidl, 0)[:MAX_HEADER]) for uidl in new]
        self._known = listed
        return [Message(_INBOX, uidl, fields_of(header), None, fresh, header) for uidl, header in headers]

    def whole(self, message: Message, octets: int) -> Optional[bytes]:
        """A line has 1,000 octets at most, and mostly far fewer; what is longer in all is cut off."""
        return self._top(message.uid, octets // 40)[:octets] if message.uid in self._seen else None

    def probes_before(self, _moment: float) -> List[Message]:
        self.warnings.append("POP3 tells no age of messages: old probes are not looked for.")
        return []

    def delete(self, messages: Sequence[Message]) -> None:
        """What is deleted is read once more: with some servers a UIDL lasts for one session only, or is not unique."""
        marked = 0
        for message in messages:
            client, number = self._place_of(message.uid)
            if _telling(fields_of(client.top(number, 0)[:MAX_HEADER])) != _telling(message.fields):
                self.warnings.append("A message is another by now, by its UIDL (%s): it was left alone." % message.uid)
                continue
            client.delete(number)
            marked += 1
        if marked:
            client.commit()
            self.deleted += marked
            self._client = None

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def interrupt(self) -> None:
        self._interrupter.interrupt()

    def _begin(self, deadline: float) -> PopClient:
        self._client = PopClient(self._request, deadline, self._interrupter, self._learn)
        for capability in self.session.capabilities:
            name, _space, number = capability.partition(" ")
            if name == "LOGIN-DELAY" and number.isdigit():  # RFC 2449 6.4; `USER` may follow
                self.least_interval = float(number[:5])
        return self._client

    def _new(self, listed: List[str]) -> Tuple[List[str], bool]:
        """Return what no look before has seen, and whether it is known to have come after the state noted before."""
        noted = ((self._request.since or {}).get(_INBOX) or {}) if self._known is None else {}
        if self._known is not None:
            before = set(self._known)
            return [uidl for uidl in listed if uidl not in before][-MOST_NEW:], True
        last = noted.get("last_uidl")
        if last in self._seen:
            return listed[listed.index(last) + 1 :][-MOST_NEW:], True
        if self._request.since is not None and noted.get("messages") == 0:
            return listed[-MOST_NEW:], True
        if last is not None and _GONE not in self.warnings:
            self.warnings.append(_GONE)
        return listed[-RECENT:], False

    def _place_of(self, uidl: str) -> Tuple[PopClient, int]:
        if self._client is None or uidl not in self._seen:
            raise Broken("mailbox_unavailable", "a message is gone that was there", "find")
        return self._client, self._seen[uidl]

    def _top(self, uidl: str, lines: int) -> bytes:
        client, number = self._place_of(uidl)
        return client.top(number, lines)


def _telling(fields: Fields) -> List[Optional[str]]:
    return [first(fields, name) for name in TELLING]
