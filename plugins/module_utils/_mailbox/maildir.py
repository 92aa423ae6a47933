# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# A Maildir on this host: a message is a file, in `new` or `cur` of the folder or of one below it (Maildir++).

from __future__ import annotations

import os
import stat
import time
from typing import TYPE_CHECKING

from .._net.attempts import Broken
from .headers import fields_of
from .model import JUNK_NAMES, MAX_HEADER, MOST_NEW, RECENT, Message, Noted

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Set, Tuple

    from .headers import Fields
    from .request import Request

_INBOX = "INBOX"
# A file has the time of its last octet, and comes into its place later: others may come before it. And there are files
# with a time that is yet to come. So of those of the last minute it is the names that tell what is new.
_SETTLED = 60 * 10**9  # nanoseconds


class Maildir(Noted):
    """See model.Mailbox. A message's uid is the name of its file, without flags."""

    def __init__(self, request: Request) -> None:
        super().__init__()
        self._request = request
        self._root = request.path
        self._seen: Set[Tuple[str, str]] = set()
        self._paths: Dict[Tuple[str, str], str] = {}  # of those that were returned, where they were then
        self._names: List[str] = [_INBOX]

    def folders(self) -> Sequence[str]:
        return self._names

    def is_junk(self, folder: str) -> bool:
        return folder.rpartition("/")[2].rpartition(".")[2].lower() in JUNK_NAMES

    def state(self, _deadline: float) -> Dict[str, Dict[str, Any]]:
        found: Dict[str, Dict[str, Any]] = {}
        for name, place in self._folders().items():
            files = list(self._files(place))
            newest = min(max((changed for _path, changed in files), default=0), time.time_ns() - _SETTLED)
            names = sorted(_uid(path) for path, changed in files if changed >= newest)
            found[name] = {"messages": len(files), "newest": newest, "newest_names": names}
        return found

    def look(self, _deadline: float, _is_wanted: Callable[[Fields], bool]) -> List[Message]:
        found: List[Message] = []
        seen: List[Tuple[str, str]] = []
        for name, place in self._folders().items():
            noted = (self._request.since or {}).get(name) or {}
            newest, names = noted.get("newest"), noted.get("newest_names")
            oldest = newest if isinstance(newest, int) else None
            known = set(names) if isinstance(names, list) else set()
            files = sorted((changed, path) for path, changed in self._files(place))
            new = [one for one in files if (name, _uid(one[1])) not in self._seen]
            if oldest is None:
                latest = new[-RECENT:]
            else:
                latest = [one for one in new if one[0] >= oldest and _uid(one[1]) not in known][-MOST_NEW:]
            seen += [(name, _uid(path)) for _changed, path in new]
            for changed, path in latest:
                octets = self._read(path, MAX_HEADER)
                if octets is not None:
                    fields = fields_of(octets)
                    self._paths[name, _uid(path)] = path
                    found.append(Message(name, _uid(path), fields, changed / 1e9, oldest is not None, octets))
        self._seen.update(seen)
        return found

    def whole(self, message: Message, octets: int) -> Optional[bytes]:
        """A message moves from new to cur, and gets flags, when somebody reads it."""
        path = self._paths.get((message.folder, message.uid))
        found = self._read(path, octets) if path else None
        if found is None:
            found = next((self._read(one, octets) for one in self._of([message])), None)
        return found

    def probes_before(self, moment: float) -> List[Message]:
        found: List[Message] = []
        for name, place in self._folders().items():
            old = sorted((changed, path) for path, changed in self._files(place) if changed / 1e9 < moment)
            for changed, path in old[:MOST_NEW]:
                octets = self._read(path, MAX_HEADER)
                if octets is not None:
                    found.append(Message(name, _uid(path), fields_of(octets), changed / 1e9, False))
        return found

    def delete(self, messages: Sequence[Message]) -> None:
        try:
            for path in self._of(messages):
                os.unlink(path)
                self.deleted += 1
        except OSError as error:
            raise Broken("mailbox_unavailable", error.strerror or "the file cannot be removed", "delete") from None

    def close(self) -> None:
        """There is nothing open."""

    def interrupt(self) -> None:
        """Nothing here waits."""

    def _folders(self) -> Dict[str, str]:
        """Return INBOX, folders for spam, and those named -> where they are."""
        found = {_INBOX: self._root}
        try:
            names = [entry.name for entry in os.scandir(self._root) if entry.name.startswith(".") and entry.is_dir()]
        except OSError as error:
            text = "%s: %s" % (self._root, error.strerror or "cannot be read")
            raise Broken("mailbox_unavailable", text, "folder") from None
        for name in sorted(names):
            if self.is_junk(name[1:]):
                found[name[1:]] = os.path.join(self._root, name)
        for name in self._request.folders:
            if name.upper() != _INBOX:
                found[name] = os.path.join(self._root, "." + name.replace("/", "."))
        self._names = list(found)
        return found

    def _files(self, place: str) -> Iterator[Tuple[str, int]]:
        """Yield the path of each message, and when it was delivered, in nanoseconds of the time of day."""
        for part in ("new", "cur"):
            try:
                with os.scandir(os.path.join(place, part)) as entries:
                    for entry in entries:
                        try:
                            known = entry.stat()
                        except OSError:
                            continue  # moved or removed just now: the next look finds it
                        if stat.S_ISREG(known.st_mode):  # whoever opens a FIFO waits for somebody to write
                            yield entry.path, known.st_mtime_ns
            except FileNotFoundError:
                if place == self._root:
                    text = "%s is no Maildir: it has no folder %s" % (place, part)
                    raise Broken("mailbox_unavailable", text, "folder") from None
            except OSError as error:
                text = "%s/%s: %s" % (place, part, error.strerror or "cannot be read")
                raise Broken("mailbox_unavailable", text, "folder") from None

    def _of(self, messages: Sequence[Message]) -> List[str]:
        """Return where these messages are now, as far as they are there; each folder is gone through once."""
        found: List[str] = []
        for name, place in self._folders().items():
            uids = {message.uid for message in messages if message.folder == name}
            found += [path for path, _changed in self._files(place) if _uid(path) in uids] if uids else []
        return found

    def _read(self, path: str, octets: int) -> Optional[bytes]:
        try:
            with open(path, "rb", opener=_open_at_once) as file:
                return file.read(octets)
        except FileNotFoundError:
            return None
        except OSError as error:
            text = "%s: %s" % (path, error.strerror or "cannot be read")
            raise Broken("mailbox_unavailable", text, "find") from None


def _open_at_once(path: str, flags: int) -> int:
    """What was a file may be a FIFO by now."""
    return os.open(path, flags | os.O_NONBLOCK)


def _uid(path: str) -> str:
    return os.path.basename(path).partition(":")[0]
