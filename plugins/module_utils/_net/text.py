# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# A peer's octets as text that is safe to print, and without the secrets it repeats.

from __future__ import annotations

import re
from collections import deque
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import FrozenSet, Iterable, Iterator, List, Optional, Sequence, Tuple

    Span = Tuple[int, int]  # where something begins, and where it has ended

REDACTED = "<redacted>"


# From this many characters on, a part of a secret counts as one: fewer are found in innocent words.
_SHORTEST_PART = 8


# A word begins after what is no letter and no digit, or after an escape that stands for such.
_WORD_BEGINS = re.compile(r"(?<!\w)|(?<=\\x[0-9a-f]{2})|(?<=\\[tnr])")
_WORD_ENDS = re.compile(r"(?!\w)")


MAX_TEXT = 4000  # characters of anything that a peer says at once, as it is shown


# Most texts are plain, so that what looks for these is compiled by re where one is not.
#
# C0, DEL and C1 controls steer terminals and end lines; lone surrogates, which stand for octets that are not UTF-8,
# cannot be encoded.
_CONTROLS = "\x00-\x1f\x7f-\x9f\ud800-\udfff"
# Separators, bidirectional controls and what has no width falsify what a reader sees: format characters that have no
# shape, and what Unicode calls default-ignorable (UAX 44), fillers and selectors of variants included.
_UNPRINTABLE = (
    "[%s\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]" % _CONTROLS
)


def holds_control(text: str) -> bool:
    """Return whether `text` has a control character in it, or half a surrogate pair."""
    return not _is_plain(text) and re.search("[%s]" % _CONTROLS, text) is not None


def printable(text: str) -> str:
    """Return `text` with everything that could steer a terminal shown as a backslash escape."""
    if _is_plain(text):
        return text
    return re.sub(_UNPRINTABLE, lambda odd: odd.group().encode("unicode_escape", "surrogatepass").decode("ascii"), text)


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable()


# What is plainly words though not UTF-8: letters of GBK (two octets each, several in a row), of Latin-1 within words.
_GBK = rb"[\x00-\x7f]*(?:(?:[\xa1-\xf7][\xa1-\xfe]){2,}(?:[\x00-\x7f]+|\Z))+"
_NOT_LATIN_1 = rb"[\x80-\xbf]|(?<![A-Za-z])[\xc0-\xff](?![A-Za-z])"


def decode(data: bytes, other_charsets: bool = False) -> str:
    """Return the peer's bytes as text: UTF-8, with other octets and controls as backslash escapes.

    `other_charsets`: what is plainly words in GBK or Latin-1 is read as such. Not where a secret is not ASCII: in
    another reading it would not be known again.
    """
    if data.isascii():  # as nearly all is
        text = data.decode("ascii")
        return text if text.isprintable() else printable(text)
    try:
        return printable(data.decode("utf-8"))
    except UnicodeDecodeError:
        pass
    if other_charsets:
        if re.fullmatch(_GBK, data):
            return printable(data.decode("gbk", "backslashreplace"))
        if not re.search(_NOT_LATIN_1, data):
            return printable(data.decode("latin-1"))
    return printable(data.decode("utf-8", "backslashreplace"))


def cut(text: str) -> str:
    """Return the beginning of a text that is too long to be shown, and how much there is more of it."""
    if len(text) <= MAX_TEXT:
        return text
    return "%s… (%s more)" % (text[:MAX_TEXT], counted(len(text) - MAX_TEXT, "character"))


def where(host: str, port: Optional[int] = None) -> str:
    """Return an endpoint as people write it: `relay.example.com:25`, `[2001:db8::1]:25`; the path of a socket."""
    if port is None or host.startswith("/"):
        return host
    return "%s:%d" % ("[%s]" % host if ":" in host else host, port)


def counted(number: int, noun: str) -> str:
    """Return `1 relay`, `2 relays`."""
    return "%d %s%s" % (number, noun, "" if number == 1 else "s")


class Secrets:
    """What a peer was told, or could be, and must not be shown when it repeats it.

    Whatever has eight characters in a row in common with one of them is left out, wherever in the secret it stands,
    and across the ends of lines. A secret that is shorter is left out where it stands by itself: in other words it may
    be chance. The work grows with the length of the text, however often and however oddly a secret is repeated in it.
    """

    def __init__(self, texts: Iterable[str] = ()) -> None:
        texts = tuple(texts)
        self._known, self._words = _pieces(texts)
        self._added: FrozenSet[str] = frozenset()
        self.ascii = all(map(str.isascii, texts))
        self.any = bool(self._known or self._words)

    def __repr__(self) -> str:
        return "<Secrets>"

    def __eq__(self, other: object) -> bool:
        """Whether both keep the same: what is asked for with equal secrets is asked for once."""
        if not isinstance(other, Secrets):
            return NotImplemented
        return (self._known | self._added, self._words) == (other._known | other._added, other._words)

    __hash__ = None  # type: ignore[assignment]  # more may be added

    def add(self, texts: Iterable[str]) -> None:
        texts = tuple(texts)
        if not texts:
            return
        runs, words = _pieces(texts)
        self.ascii = self.ascii and all(map(str.isascii, texts))
        self._added |= runs - self._known
        self._words |= words
        self.any = bool(self._known or self._added or self._words)

    def redacted(self, text: str) -> str:
        """Return printable `text` without the secrets."""
        return self.redacted_lines((text,))[0] if self.any else text

    def redacted_lines(self, lines: Sequence[str]) -> List[str]:
        """Return the printable lines of one text, without secrets that stand in them, or that they share."""
        if not self.any:
            return list(lines)
        text, shown, begin = "".join(lines), [], 0
        hidden = deque(self._hidden(lines))
        for line in lines:
            end, parts = begin + len(line), []
            while begin < end and hidden and hidden[0][0] < end:
                first, last = hidden[0]
                parts += [text[begin:first], REDACTED]
                begin = min(last, end)
                if last > end:
                    break  # the next line has the rest of it
                hidden.popleft()
            shown.append("".join([*parts, text[begin:end]]))
            begin = end
        return shown

    def _hidden(self, lines: Sequence[str]) -> List[Span]:
        """Return where in the lines, put together, is something to be left out. What meets is one."""
        found = self._runs("".join(lines))
        if self._words:
            found = sorted([*found, *self._words_in(lines, found)])
        hidden: List[Span] = []
        for first, last in found:
            if hidden and first <= hidden[-1][1]:
                first, last = hidden[-1][0], max(last, hidden.pop()[1])
            hidden.append((first, last))
        return hidden

    def _runs(self, text: str) -> List[Span]:
        """Return where in `text` are parts of secrets that are long enough."""
        ends = range(_SHORTEST_PART, len(text) + 1)
        runs = ((text[end - _SHORTEST_PART : end], end) for end in ends)
        return [(end - _SHORTEST_PART, end) for run, end in runs if run in self._known or run in self._added]

    def _words_in(self, lines: Sequence[str], runs: Sequence[Span]) -> Iterator[Span]:
        """Yield where short secrets stand by themselves, or meet what is left out."""
        shown = list("".join(lines))
        for first, last in runs:
            shown[first:last] = " " * (last - first)
        begin = 0
        for line in lines:
            around = "".join(shown[begin : begin + len(line)])
            for word in self._words:
                for found in re.finditer("(?=%s)" % re.escape(word), line):
                    first, last = found.start(), found.start() + len(word)
                    if _WORD_BEGINS.match(around, first) and _WORD_ENDS.match(around, last):
                        yield begin + first, begin + last
            begin += len(line)


@lru_cache(maxsize=2)  # all relays of a sweep have the same credentials, or nearly so
def _pieces(texts: Tuple[str, ...]) -> Tuple[FrozenSet[str], FrozenSet[str]]:
    """Return each run of characters that gives one of the secrets away, and what is too short to have one."""
    shown = [printable(text) for text in texts if text]
    runs = (text[end - _SHORTEST_PART : end] for text in shown for end in range(_SHORTEST_PART, len(text) + 1))
    return frozenset(runs), frozenset(text for text in shown if len(text) < _SHORTEST_PART)
