# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# The folders of one IMAP session: which there are, opened one at a time, their messages read.
#
# Read-only until something is to be deleted: EXAMINE, and PEEK.

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from ..._net.attempts import Broken
from ..headers import fields_of
from ..model import JUNK_NAMES, MAX_HEADER, MOST_FOLDERS, TELLING, Message
from .answers import listed, quoted, to_utf7
from .client import Refused

if TYPE_CHECKING:
    from typing import Callable, Dict, List, Optional, Sequence, Tuple

    from ..headers import Fields
    from .client import ImapClient

_CHUNK = 100  # messages that one command asks for
_HEADERS = 12  # whole headers
_FIELDS = "(UID INTERNALDATE BODY.PEEK[HEADER.FIELDS (%s)]<0.8192>)" % " ".join(TELLING).upper()
_NO_FOLDER = re.compile(rb"\\(?:noselect|nonexistent)\b", re.IGNORECASE)


class Marks(NamedTuple):
    """What a folder tells of itself when it is opened (RFC 9051 6.3.2)."""

    uidvalidity: Optional[int]
    uidnext: Optional[int]
    messages: int


class Folders:
    """`warnings` and `closed` (folders that could not be opened, and why) are the mailbox's. Methods raise Broken."""

    def __init__(self, client: ImapClient, warnings: List[str], closed: Dict[str, str]) -> None:
        self._client, self._warnings, self._closed = client, warnings, closed
        self._absent: Sequence[str] = ()
        self._current = ""  # the folder that is open
        self._validity: Optional[int] = None  # its UIDVALIDITY
        self._writes = False  # the server shows nothing to who only EXAMINEs

    def names(self, wanted: Sequence[str]) -> Dict[str, bool]:
        """Return INBOX, the one for spam (RFC 6154, else by its name) and those wanted -> whether it is for spam."""
        extended = {"SPECIAL-USE", "LIST-EXTENDED"} <= set(self._client.capabilities)  # RFC 6154 2, RFC 5258 3
        return_option = " RETURN (SPECIAL-USE)" if extended else ""
        flagged: Dict[str, bool] = {}
        try:
            for item in self._client.do("folder", self._client.library.list, '""', '"*"' + return_option):
                name, flags = listed(item)
                if name and not _NO_FOLDER.search(flags):
                    flagged[name] = b"\\junk" in flags.lower()
        except Refused as refused:
            self._warn("The server lists no folders (%s): looked at are INBOX and those named." % refused)
        junk = [name for name, special in flagged.items() if special]
        junk = junk or [name for name in flagged if re.split(r"[./\\]", name)[-1].lower() in JUNK_NAMES]
        if len(junk) > MOST_FOLDERS:
            self._warn("%d folders for spam: looked into are the first %d of them." % (len(junk), MOST_FOLDERS))
        named = [name for name in wanted if name.upper() != "INBOX"]
        self._absent = [name for name in named if flagged and name not in flagged]
        for name in self._absent:
            self._warn("There is no folder %s so far: the server lists no such." % name)
        return {"INBOX": False, **{name: name in junk for name in (*junk[:MOST_FOLDERS], *named)}}

    def open(self, folder: str) -> Optional[Marks]:
        """Open a folder; None where it cannot be opened, or is not there so far."""
        self._current = ""
        library = self._client.library
        try:
            data = self._client.do("folder", lambda: library.select(quoted(to_utf7(folder)), not self._writes))
        except Refused as refused:
            if folder not in self._absent:
                self._closed[folder] = str(refused)
            return None
        self._closed.pop(folder, None)
        self._current = folder
        count = data[-1] if data and isinstance(data[-1], bytes) and data[-1].isdigit() else b"0"
        marks = Marks(self._client.code("UIDVALIDITY"), self._client.code("UIDNEXT"), int(count[:10]))
        self._validity = marks.uidvalidity
        with suppress(Refused):
            self._client.do("folder", library.noop)  # some servers show what has just come only after it
        return marks

    def insist(self) -> None:
        """Raise Broken where a folder could not be opened."""
        if self._closed:
            text = "; ".join("%s: %s" % pair for pair in self._closed.items())
            raise Broken("mailbox_unavailable", text, "folder")

    def search(self, criteria: str) -> List[int]:
        return self._client.search(criteria)

    def messages(self, folder: str, uids: Sequence[int], fresh: bool) -> List[Message]:
        """Return the messages of the open folder with these UIDs, as far as they are there."""
        found: List[Message] = []
        for begin in range(0, len(uids), _CHUNK):
            wanted = set(uids[begin : begin + _CHUNK])
            for uid, moment, octets in self._fetch(folder, sorted(wanted), _FIELDS):
                if uid in wanted:
                    wanted.discard(uid)
                    fields = fields_of(octets)
                    found.append(Message(folder, str(uid), fields, moment, fresh, validity=self._validity))
        return found

    def with_headers(self, folder: str, messages: List[Message], is_wanted: Callable[[Fields], bool]) -> List[Message]:
        """Return the same, those that are wanted with all of their headers."""
        uids = [int(message.uid) for message in messages if is_wanted(message.fields)]
        headers: Dict[int, bytes] = {}
        for begin in range(0, len(uids), _HEADERS):
            headers.update(self._sections(folder, uids[begin : begin + _HEADERS], "HEADER", MAX_HEADER))
        return [message._replace(header=headers.get(int(message.uid), b"")) for message in messages]

    def whole(self, message: Message, octets: int) -> Optional[bytes]:
        """Return the first octets of a message at least; None where it is gone, or its folder is another by now."""
        uid = int(message.uid)
        found = self._sections(message.folder, [uid], "", octets)
        return found.get(uid) if self._validity == message.validity else None

    def delete(self, folder: str, uids: Sequence[str], validity: Optional[int]) -> None:
        self._current = ""
        self._client.delete(folder, uids, validity)

    def _fetch(self, folder: str, uids: Sequence[int], asked: str) -> List[Tuple[int, Optional[float], bytes]]:
        """Return UID, arrival and octets of each. A server that hides them from who only EXAMINEs is SELECTed."""
        found = self._client.fetch(uids, asked)
        if uids and not found and not self._writes and self.search("UID " + ",".join(map(str, uids))):
            self._writes = True
            self._warn("The server shows no message of a folder opened read-only: opened for writing, to read.")
            self._open_again(folder)
            return self._fetch(folder, uids, asked)
        return found

    def _sections(self, folder: str, uids: Sequence[int], section: str, octets: int) -> Dict[int, bytes]:
        """Return the same part of several messages of a folder, by their UIDs."""
        if self._current != folder:
            self._open_again(folder)
        found = self._fetch(folder, uids, "(UID BODY.PEEK[%s]<0.%d>)" % (section, octets))
        return {uid: read[:octets] for uid, _moment, read in found}

    def _open_again(self, folder: str) -> None:
        """Open a folder that has been open. Raises Broken where the server no longer lets us."""
        if self.open(folder) is None:
            raise Broken("mailbox_unavailable", "%s: %s" % (folder, self._closed.get(folder, "it is gone")), "folder")

    def _warn(self, text: str) -> None:
        """Say it once, however often the session is made anew."""
        if text not in self._warnings:
            self._warnings.append(text)
