# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# A mailbox by IMAP: folders, their state, what is new in them.
#
# What is new is told by UIDs above those that were there before, and known by its header; SEARCH by a header may lag
# behind, so it only finds what lies further back.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..connection import Interrupter
from ..headers import first
from ..model import MOST_NEW, RECENT, Message, Noted
from .answers import day_of, quoted
from .client import ImapClient
from .folders import Folders

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence

    from ..headers import Fields
    from ..request import Request
    from .folders import Marks

_FEW = 100  # UIDs that are asked for as they are numbered
_MADE_ANEW = "%s: its UIDVALIDITY was %d and is %d, so it is another folder by now: looked through anew, by the token."
_WITHOUT_UIDPLUS = "The server cannot expunge single messages (UIDPLUS, RFC 4315): ours are only marked as deleted."


class _Place(NamedTuple):
    """How far a folder has been looked through. `next_uid`: the lowest that has not been looked at."""

    validity: Optional[int]
    next_uid: int
    fresh: bool  # what comes is known to have come after the state that was noted before
    anew: bool  # what lies before is to be searched by the tokens


class ImapMailbox(Noted):
    """See model.Mailbox."""

    def __init__(self, request: Request, tokens: Sequence[str]) -> None:
        super().__init__()
        self._request, self._tokens = request, tokens
        self._client: Optional[ImapClient] = None
        self._interrupter = Interrupter()
        self._opened: Optional[Folders] = None
        self._names: Dict[str, bool] = {}  # of folders -> whether it is the one for spam
        self._places: Dict[str, _Place] = {}
        self._deadline = 0.0

    def folders(self) -> Sequence[str]:
        return list(self._names)

    def is_junk(self, folder: str) -> bool:
        return self._names.get(folder, False)

    def state(self, deadline: float) -> Dict[str, Dict[str, Any]]:
        opened = self._connected(deadline)
        found = {name: opened.open(name) for name in self._names}
        opened.insist()
        return {name: marks._asdict() for name, marks in found.items() if marks is not None}

    def look(self, deadline: float, is_wanted: Callable[[Fields], bool]) -> List[Message]:
        """All or nothing: what a look that breaks off has seen is seen again by the next."""
        opened = self._connected(deadline)
        if self._places and not any(self._names.values()):  # the one for spam may be made with the first of it
            self._names = opened.names(self._request.folders)
        found: List[Message] = []
        places: Dict[str, _Place] = {}
        for name in self._names:
            marks = opened.open(name)
            if marks is not None:  # while the folder is open: to open a large one once more takes its time
                found += opened.with_headers(name, list(self._new_in(opened, name, marks, places)), is_wanted)
        self._places.update(places)
        return found

    def whole(self, message: Message, octets: int) -> Optional[bytes]:
        return self._connected(self._deadline).whole(message, octets)

    def probes_before(self, moment: float) -> List[Message]:
        opened = self._connected(self._deadline)
        criteria = "BEFORE %s HEADER X-Mailcheck-Token %s" % (day_of(moment + 86400), quoted(""))
        found: List[Message] = []
        for name in self._names:
            if opened.open(name) is not None:
                old = opened.messages(name, opened.search(criteria)[:MOST_NEW], False)
                found += [message for message in old if message.arrived is not None and message.arrived < moment]
        return found

    def delete(self, messages: Sequence[Message]) -> None:
        opened = self._connected(self._deadline)
        for folder, validity in dict.fromkeys((message.folder, message.validity) for message in messages):
            uids = [one.uid for one in messages if (one.folder, one.validity) == (folder, validity)]
            opened.delete(folder, uids, validity)
            self.deleted += len(uids)
        if messages and "UIDPLUS" not in self.session.capabilities:
            self.warnings.append(_WITHOUT_UIDPLUS)

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def interrupt(self) -> None:
        self._interrupter.interrupt()

    def _connected(self, deadline: float) -> Folders:
        self._deadline = deadline
        if self._client is None or self._opened is None:
            self._client = ImapClient(self._request, deadline, self._interrupter, self._learn)
            self._opened = Folders(self._client, self.warnings, self.closed)
            self._names = self._opened.names(self._request.folders)
        self._client.deadline = deadline
        return self._opened

    def _new_in(self, opened: Folders, folder: str, marks: Marks, places: Dict[str, _Place]) -> Iterator[Message]:
        """Yield what is new in a folder, and note in `places` how far it has been looked through."""
        noted = (self._request.since or {}).get(folder) or {}
        place = self._places.get(folder) or _first_place(noted, marks)
        if place.validity is not None and marks.uidvalidity is not None and marks.uidvalidity != place.validity:
            said = _MADE_ANEW % (folder, place.validity, marks.uidvalidity)
            self.warnings += [] if said in self.warnings else [said]
            place = _Place(marks.uidvalidity, _recent(marks.uidnext), False, True)
        if marks.uidnext is not None and marks.uidnext - place.next_uid > MOST_NEW:
            place = place._replace(next_uid=marks.uidnext - MOST_NEW, anew=True)
        seen, known = 0, set()
        for message in opened.messages(folder, _new_uids(opened, place.next_uid, marks.uidnext), place.fresh):
            seen = max(seen, int(message.uid))
            known.add(first(message.fields, "X-Mailcheck-Token"))
            yield message
        for token in self._tokens if place.anew else ():
            if token not in known:  # a server may have to read every message to tell
                found = opened.search("HEADER X-Mailcheck-Token " + quoted(token))
                yield from opened.messages(folder, [uid for uid in found if uid < place.next_uid][-RECENT:], False)
        next_uid = max(seen + 1, place.next_uid)
        places[folder] = place._replace(validity=marks.uidvalidity, next_uid=next_uid, anew=False)


def _new_uids(opened: Folders, lowest: int, uidnext: Optional[int]) -> Sequence[int]:
    """Few are asked for as they are numbered, since SEARCH may lag; of many SEARCH tells which there are."""
    if uidnext is not None and uidnext - lowest <= _FEW:
        return range(lowest, uidnext)
    return [uid for uid in opened.search("UID %d:*" % lowest) if uid >= lowest][-MOST_NEW:]


def _recent(uidnext: Optional[int]) -> int:
    return max(1, (uidnext or 1) - RECENT)


def _first_place(noted: Mapping[str, Any], marks: Marks) -> _Place:
    """Return where a folder's new messages begin: `noted` is what `since` says of it."""
    before, lowest = noted.get("uidvalidity"), noted.get("uidnext")
    if isinstance(before, int) and isinstance(lowest, int) and lowest > 0:
        return _Place(before, lowest, True, False)
    return _Place(marks.uidvalidity, _recent(marks.uidnext), False, True)
