# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Bytes in, replies out, with limits.
#
# The reader keeps what is not yet a whole line, and remembers how far it has looked for the line's end, so
# that no input costs more than its length. It is generous with what does no harm (bare LF, a missing text,
# codes that differ between lines or contradict each other) and notes it; whatever could make two parties read
# different replies out of the same bytes is a ReplyError. Text becomes safe to print here, once, for everything that
# follows.

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from .._net.text import REDACTED, Secrets, cut, decode

if TYPE_CHECKING:
    from typing import Dict, List, Optional, Tuple


class Reply(NamedTuple):
    """One reply (RFC 5321 4.2): its text is printable, its lines come without their codes."""

    code: int
    lines: Tuple[str, ...]
    enhanced_code: Optional[str] = None
    notes: Tuple[str, ...] = ()
    challenge: bytes = b""  # what follows a 334, and is shown nowhere

    @property
    def text(self) -> str:
        """All lines, cut where they are too many to be shown."""
        return cut("\n".join(self.lines))


# What the standard calls success at each stage (RFC 5321 4.3.2, RFC 3207 4, RFC 4954 4, Postfix's XCLIENT_README).
# Another 2yz is none, whatever its class promises: a 221 to the final dot closes the session and takes no message.
_SUCCESS: Dict[str, Tuple[int, ...]] = {
    "greeting": (220,),
    "ehlo": (250,),
    "starttls": (220,),
    "xclient": (220,),
    "auth": (235,),
    "mail": (250,),
    "rcpt": (250, 251, 252),
    "data": (354,),
    "message": (250,),
    "rset": (250,),
    "quit": (221,),
}
# RFC 5321 3.5.3: the relay takes mail for the address, and does not know whether it exists.
NOT_VERIFIED = 252


def is_success(stage: str, code: Optional[int]) -> bool:
    """Whether `code` is what the standard has for a command that is obeyed at this stage."""
    return code in _SUCCESS[stage]


# RFC 5321 4.5.3.1.5 allows 512 octets a line; real servers stay below 2 KiB.
MAX_LINE_OCTETS = 8192
MAX_CHALLENGE_LINE_OCTETS = len(b"334 ") + 12288 + len(b"\r\n")  # RFC 4954 4
MAX_REPLY_LINES = 512
MAX_REPLY_OCTETS = 65536


# RFC 5321 4.2: Reply-code, but for its second digit, which harms nobody.
_CODES = {b"%d" % code: code for code in range(200, 600)}
# RFC 2034 4: the code opens the text and is followed by a space or the end. Some (qmail, Cisco) write `#5.1.1`, or at
# the end `(#5.1.1)`.
_ENHANCED = re.compile(r"[245](?:\.[0-9]{1,3}){2}(?= |$)")
_MARKED = re.compile(r"#([245](?:\.[0-9]{1,3}){2})(?![.0-9])")


class ReplyError(Exception):
    """The peer's bytes are not a reply as RFC 5321 4.2 defines it; `str()` says how."""


class ReplyReader:
    """Collects bytes and gives replies, one at a time (RFC 5321 4.2).

    `feed(data)`, then `next_reply()` until it returns None. After a ReplyError the reader is of no more use.
    What is in `secrets` is in no text that comes from here: some relays repeat what they did not understand. Nor
    is a challenge (334): by SCRAM's salt and signature (RFC 5802 3) a password can be guessed, and an error may
    repeat a token in base64. Only `Reply.challenge` has it, for whoever signs in.
    """

    def __init__(self, secrets: Optional[Secrets] = None) -> None:
        self.secrets = Secrets() if secrets is None else secrets
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
        """The beginning of what waits to become a reply, as it may be shown."""
        return "334 " + REDACTED if self._buffer.startswith(b"334") else self._shown(bytes(self._buffer))[:64]

    def feed(self, data: bytes) -> None:
        self.head = (self.head + data)[:8] if len(self.head) < 8 else self.head
        self._buffer += data

    def next_reply(self) -> Optional[Reply]:
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
        code, separator, text = _CODES.get(line[:3]), line[3:4], line[4:]
        if code is None or separator not in b" -":
            raise ReplyError("not a reply line: '%s'" % self._shown(line)[:200])
        self._codes.append(code)
        if code == 334:
            self._challenge.append(text)
            self._lines.append(REDACTED)
        else:
            self._lines.append(self._decoded(text))
        self._octets += len(line)
        if len(self._lines) > MAX_REPLY_LINES or self._octets > MAX_REPLY_OCTETS:
            raise ReplyError("a reply has more than %d lines or %d octets" % (MAX_REPLY_LINES, MAX_REPLY_OCTETS))
        return separator != b"-"

    def _finish(self) -> Reply:
        code = self._codes[-1]
        lines, challenge = self.secrets.redacted_lines(self._lines), b"".join(self._challenge)
        if code < 400 <= max(self._codes):
            # Whoever reads the first line was refused.
            words = " ".join(lines)[:200]
            raise ReplyError("a reply is a refusal, %d, and ends as %d: '%s'" % (max(self._codes), code, words))
        if self._codes.count(code) < len(self._codes):
            # RFC 5321 4.2.1 lets a client search for the last line: greet pauses (`220-`, then `521`) rely on it.
            self._note("the lines of one reply carry different codes")
        enhanced_code = _enhanced_code(lines)
        if enhanced_code and int(enhanced_code[0]) != code // 100:  # RFC 2034 4
            # No class is that of a 3yz: `354 2.0.0 Go ahead`, as many servers in Go say it, contradicts nothing.
            if not (300 <= code < 400 and enhanced_code[0] == "2"):
                # Of its class alone: a relay cannot choose how many such notes there are to be told apart.
                self._note("an enhanced status code %s.X.X contradicts the reply code %d" % (enhanced_code[0], code))
            enhanced_code = None
        reply = Reply(code, tuple(lines), enhanced_code, tuple(self._notes), challenge)
        self._codes, self._lines, self._notes, self._challenge, self._octets = [], [], [], [], 0
        return reply

    def _decoded(self, data: bytes) -> str:
        return decode(data, other_charsets=self.secrets.ascii)

    def _shown(self, data: bytes) -> str:
        return self.secrets.redacted(self._decoded(data))

    def _note(self, text: str) -> None:
        if text not in self._notes:
            self._notes.append(text)


def _enhanced_code(lines: List[str]) -> Optional[str]:
    """Return the enhanced status code that the last line or the first one carries (RFC 2034), or None."""
    for line in (lines[-1], lines[0]):
        found = _ENHANCED.match(line) or _MARKED.search(line)
        if found:
            return found.group(found.lastindex or 0)
    return None
