# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: what the sink keeps. Every octet, in the order in which it came or left, but what a client says to sign in,
# which is a secret that nobody asked for.

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, NamedTuple

from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, TextIO, Tuple

    Clock = Callable[[], float]

_SECRET = re.compile(rb"(?i)(AUTH[ \t]+\S+[ \t]+)[^\r\n]+")
_SIGN_IN = re.compile(rb"(?i)AUTH\b")
_A_RECORD = 500  # octets, about, that one takes besides what was said
_A_FILE = 4096  # octets, about, that one takes on a disk besides what is in it
_COMMAND = re.compile(rb"(?i)(?:EHLO|HELO|STARTTLS|MAIL|RCPT|DATA|RSET|NOOP|VRFY|QUIT)\b")


class Mail(NamedTuple):
    """A message, and how it came. `octets`: as they came after DATA, dots doubled, with the end."""

    sender: str
    recipients: Tuple[str, ...]
    octets: bytes
    tls: bool
    taken: bool  # answered by 2yz


class Session:
    """One connection: what was said, and what it shows of the client."""

    def __init__(self, number: int, peer: str, clock: Clock, journal: Optional[Journal]) -> None:
        self.number, self.peer = number, peer
        self.events: List[Dict[str, Any]] = []
        self.commands: List[Tuple[str, bool]] = []  # the verb, and whether it came under TLS
        self.mails: List[Mail] = []
        self.tls: Optional[str] = None  # its version
        self.tls_failure = ""  # why the handshake broke off
        self.starttls_offered = False
        self.injected = False  # a reply in clear, behind that to STARTTLS
        self.believed = False  # the client took it for the answer to a command under TLS
        self.forgotten = False  # it waited for the answer under TLS
        self.deferred: List[Tuple[str, str, str]] = []  # client, sender, recipient
        self.ended = False
        self.size = 0  # octets that are held, about
        self.coming = 0  # octets of a message that has not come to its end
        self._signs_in = False  # AUTH was said, and no other command since: what comes may be a response to it
        self._clock, self._started, self._journal = clock, clock(), journal

    def octets(self, speaker: str, data: bytes) -> None:
        """Keep what `client` or `sink` said; as text each octet is the character of its number."""
        self._keep(speaker, self._without_secrets(data) if speaker == "client" else data)

    def content(self, data: bytes) -> None:
        """Keep a message, or what came of one: no line of it signs in, whatever it says."""
        self._keep("client", data)

    def lines(self, data: bytes) -> None:
        """Keep several lines of the client's in one record, each looked at by itself: what signs in is kept by none."""
        self._keep("client", b"".join(map(self._without_secrets, data.splitlines(keepends=True))))

    def _keep(self, speaker: str, shown: bytes) -> None:
        self.size += len(shown)
        self.event(**{"from": speaker, "tls": self.tls is not None, "octets": shown.decode("latin-1")})

    def _without_secrets(self, data: bytes) -> bytes:
        """Whoever says AUTH without being offered it may go on as if it were taken, in the lines that follow."""
        self._signs_in = bool(_SIGN_IN.match(data)) or (self._signs_in and not _COMMAND.match(data))
        if self._signs_in and not _SIGN_IN.match(data):
            return b"<redacted>" + data[len(data.rstrip(b"\r\n")) :]
        return _SECRET.sub(rb"\1<redacted>", data)

    def event(self, **facts: Any) -> None:
        record = {"session": self.number, "seconds": round(self._clock() - self._started, 4), **facts}
        self.events.append(record)
        self.size += _A_RECORD
        if self._journal is not None:
            self._journal.write(record)

    def mail(self, mail: Mail) -> None:
        self.mails.append(mail)
        self.size += len(mail.octets)
        if self._journal is not None:
            self._journal.keep("%d-%d.eml" % (self.number, len(self.mails)), mail.octets)

    def said(self, speaker: str = "client") -> str:
        """Return all that one side said, as the record has it."""
        return "".join(one["octets"] for one in self.events if one.get("from") == speaker)

    def as_dict(self) -> Dict[str, Any]:
        """Return what `mailcheck sink --json` shows of a session."""
        names = ("number", "peer", "tls", "tls_failure", "starttls_offered")
        shown = {name: getattr(self, name) for name in names}
        mails = [{**one._asdict(), "octets": len(one.octets), "recipients": list(one.recipients)} for one in self.mails]
        return {**shown, "mails": mails, "events": self.events}


class Journal:
    """A folder with `sink.jsonl`, a line an event, and a file for each message. Only its owner can read it.

    `failure`: why nothing more could be written, or nothing.
    """

    def __init__(self, folder: str, most: int) -> None:
        """`most`: octets that it may take. Raises OptionError where the folder, or a record in it, cannot be made."""
        self._folder, self.failure = folder, ""
        self._most, self._left = most, most
        try:
            os.makedirs(folder, mode=0o700, exist_ok=True)
            self._file: TextIO = os.fdopen(self._made("sink.jsonl"), "w", encoding="ascii")
        except FileExistsError:
            raise OptionError("record", "holds a record already: name another folder.") from None
        except OSError as error:
            raise OptionError("record", "cannot be written: %s." % error.strerror) from None

    def write(self, record: Dict[str, Any]) -> None:
        line = json.dumps(record) + "\n"
        try:
            if self._has_room(len(line)):
                self._file.write(line)
                self._file.flush()
        except OSError as error:
            self.failure = error.strerror or "it cannot be written"

    def keep(self, name: str, octets: bytes) -> None:
        try:
            if self._has_room(_A_FILE + len(octets)):
                with os.fdopen(self._made(name), "wb") as file:
                    file.write(octets)
        except OSError as error:
            self.failure = error.strerror or "it cannot be written"

    def close(self) -> None:
        try:
            self._file.close()
        except OSError:
            pass  # which a write has told

    def _has_room(self, octets: int) -> bool:
        """Whether so much can be written, which then counts. What is there is whole up to its end: nothing follows."""
        if not self.failure and octets > self._left:
            self.failure = "it may take %d octets, and they are used up" % self._most
        self._left -= octets
        return not self.failure

    def _made(self, name: str) -> int:
        return os.open(os.path.join(self._folder, name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
