# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the collection. Bytes in, replies out, with limits.
#
# The reader keeps what is not yet a whole line, and remembers how far it has looked for the line's end, so
# that no input costs more than its length. It is generous with what does no harm (bare LF, a missing text,
# codes that differ between lines) and notes it; whatever could make two parties read different replies
# out of the same bytes is a ReplyError. Text becomes safe to print here, once, for everything that follows.

from __future__ import annotations

import re
from itertools import takewhile
from typing import TYPE_CHECKING

from . import model

if TYPE_CHECKING:
    from typing import Iterable, List, Optional

# RFC 5321 4.5.3.1.5 allows 512 octets a line; real servers stay below 2 KiB.
MAX_LINE_OCTETS = 8192
MAX_CHALLENGE_LINE_OCTETS = len(b"334 ") + 12288 + len(b"\r\n")  # RFC 4954 4
MAX_REPLY_LINES = 512
MAX_REPLY_OCTETS = 65536

REDACTED = "<redacted>"
# So many characters of a secret tell something of it; fewer would be found in innocent words.
_TELLING = 8

# RFC 2034 4: the code opens the text and is followed by a space or the end.
_ENHANCED = re.compile(r"([245])\.[0-9]{1,3}\.[0-9]{1,3}(?= |$)")
# C0, DEL and C1 controls steer terminals; separators, bidirectional controls and what has no width falsify
# what a reader sees; lone surrogates cannot be encoded.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff"
    "\U000e0000-\U000e007f]"
)


class ReplyError(Exception):
    """The peer's bytes are not a reply as RFC 5321 4.2 defines it; `str()` says how."""


def printable(text: str) -> str:
    """Return `text` with everything that could steer a terminal shown as a backslash escape."""
    if text.isprintable():
        return text
    return _UNPRINTABLE.sub(lambda found: found.group().encode("unicode_escape", "surrogatepass").decode("ascii"), text)


def decode(data: bytes) -> str:
    """Return the peer's bytes as text: UTF-8, with other octets and controls as backslash escapes."""
    return printable(data.decode("utf-8", "backslashreplace"))


def redacted(text: str, secrets: Iterable[str]) -> str:
    """Return printable `text` without the secrets, or a long enough beginning of one. A short one counts as a word."""
    for secret in map(printable, filter(None, secrets)):
        if secret[:_TELLING] not in text:
            continue
        if len(secret) < _TELLING:
            text = re.sub(r"(?<!\w)%s(?!\w)" % re.escape(secret), REDACTED, text)
        else:
            text = _without(secret, text)
    return text


def _without(secret: str, text: str) -> str:
    """Leave out the secret, then whatever of its beginning is there, in one pass: a relay may repeat it many times."""
    text, kept, at = text.replace(secret, REDACTED), [], 0
    found = text.find(secret[:_TELLING])
    while found >= 0:
        pairs = zip(secret, text[found : found + len(secret)])
        kept += [text[at:found], REDACTED]
        at = found + sum(1 for _same in takewhile(lambda pair: pair[0] == pair[1], pairs))
        found = text.find(secret[:_TELLING], at)
    return "".join([*kept, text[at:]])


class ReplyReader:
    """Collects bytes and gives replies, one at a time (RFC 5321 4.2).

    `feed(data)`, then `next_reply()` until it returns None. After a ReplyError the reader is of no more use.
    What is in `secrets` is in no text that comes from here: some relays repeat what they did not understand. Nor
    is a challenge (334): by SCRAM's salt and signature (RFC 5802 3) a password can be guessed, and an error may
    repeat a token in base64. Only `Reply.challenge` has it, for whoever signs in.
    """

    def __init__(self) -> None:
        self.secrets: List[str] = []
        self.head = b""  # the first octets of all, for telling other protocols by their look
        self._buffer = bytearray()
        self._searched = 0
        self._codes: List[int] = []
        self._lines: List[str] = []
        self._challenge: List[bytes] = []
        self._octets = 0
        self._notes: List[str] = []

    @property
    def pending(self) -> bool:
        """Whether bytes have been read that belong to no reply returned so far."""
        return bool(self._buffer or self._lines)

    @property
    def waiting(self) -> str:
        """The first octets that wait to become a reply, as they may be shown."""
        return "334 " + REDACTED if self._buffer.startswith(b"334") else self.shown(bytes(self._buffer[:64]))

    def feed(self, data: bytes) -> None:
        self.head = (self.head + data)[:8] if len(self.head) < 8 else self.head
        self._buffer += data

    def next_reply(self) -> Optional[model.Reply]:
        """Return the next complete reply, or None when more bytes are needed. Raises ReplyError."""
        while True:
            line = self._next_line()
            if line is None:
                return None
            if self._add(line):
                return self._finish()

    def _next_line(self) -> Optional[bytes]:
        end = self._buffer.find(b"\n", self._searched)
        octets = end + 1 or len(self._buffer)
        limit = MAX_CHALLENGE_LINE_OCTETS if self._buffer.startswith(b"334") else MAX_LINE_OCTETS
        if octets > limit:
            raise ReplyError("a reply line is longer than %d octets" % limit)
        if end < 0:
            self._searched = octets
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._searched = 0
        if line.endswith(b"\r"):
            return line[:-1]
        self._note("lines end with a bare LF")
        return line

    def _add(self, line: bytes) -> bool:
        """Take one line into the reply under way; return whether it was the last."""
        code, separator, text = line[:3], line[3:4], line[4:]
        if len(code) < 3 or not code.isdigit() or separator not in b" -":
            raise ReplyError("not a reply line: '%s'" % self.shown(line[:200]))
        self._codes.append(int(code))
        if code == b"334":
            self._challenge.append(text)
        self._lines.append(REDACTED if code == b"334" else self.shown(text))
        self._octets += len(line)
        if len(self._lines) > MAX_REPLY_LINES or self._octets > MAX_REPLY_OCTETS:
            raise ReplyError("a reply has more than %d lines or %d octets" % (MAX_REPLY_LINES, MAX_REPLY_OCTETS))
        return separator != b"-"

    def _finish(self) -> model.Reply:
        code = self._codes[-1]
        if self._codes.count(code) < len(self._codes):
            # RFC 5321 4.2.1 lets a client search for the last line: greet pauses (`220-`, then `521`) rely on it.
            self._note("the lines of one reply carry different codes")
        enhanced_code, challenge = _enhanced_code(code, self._lines), b"".join(self._challenge)
        reply = model.Reply(code, tuple(self._lines), enhanced_code, tuple(self._notes), challenge)
        self._codes, self._lines, self._notes, self._challenge, self._octets = [], [], [], [], 0
        return reply

    def shown(self, data: bytes) -> str:
        text = decode(data)
        return redacted(text, self.secrets) if self.secrets else text

    def _note(self, text: str) -> None:
        if text not in self._notes:
            self._notes.append(text)


def _enhanced_code(code: int, lines: List[str]) -> Optional[str]:
    """Return the enhanced status code of a reply (RFC 2034), or None. Its class must be the code's first digit."""
    found = _ENHANCED.match(lines[-1]) or _ENHANCED.match(lines[0])
    return found.group() if found and int(found.group(1)) == code // 100 else None
