# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: how lines get to the terminal.
#
# What is shown are the lines of a view (views/): pieces, each a text and a style. What a relay said is only ever a
# text, so that neither escape sequences nor rich's markup in it mean anything. In a terminal lines are broken between
# words, by us, and rich adds the styles where it is installed. In a pipe each line stays whole and plain: `grep` is to
# find it, and mail programs break it themselves.

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
from typing import TYPE_CHECKING, NamedTuple

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.text import printable
from postmaster_mailcheck.views.lines import NORMAL, QUIET, Line

if TYPE_CHECKING:
    import argparse
    from typing import Any, Callable, Iterator, List, Mapping, Optional, Sequence, TextIO, Tuple

    from rich.console import Console

    from postmaster_mailcheck.views.lines import Piece

    View = Callable[[Any, int], Iterator[Line]]  # what was found, and how much of it is told -> lines

_USUAL_WIDTH = 80
_NARROWEST = 20  # columns that are left for words beside a label


def tell(found: Any, view: View, given: argparse.Namespace, code: int) -> int:
    """Show what a command has found, as its arguments want it; return `code`, with which it is to end.

    With `--quiet` nothing is shown of what ends with 0: whoever hears nothing knows that all is well.
    """
    if given.detail == QUIET and code == 0:
        return code
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # a reader that has seen enough, as `head`, ends this quietly
    if given.format == "json":
        import json

        print(json.dumps(found, indent=2))
    else:
        _print(view(found, given.detail))
    return code


def show(lines: Iterator[Line]) -> None:
    """Print lines that are no result, such as a table."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    _print(lines)


def _print(lines: Iterator[Line]) -> None:
    console = _console(sys.stdout)
    width = width_of(sys.stdout)
    if console is None:
        for line in lines:
            for shown in wrapped(line, width):
                _print_plainly("".join(text for text, _style in shown))
        return
    from rich.text import Text

    for line in lines:
        for shown in wrapped(line, width):
            console.print(Text.assemble(*shown), soft_wrap=True)


def width_of(stream: TextIO) -> Optional[int]:
    """How many columns a terminal has; None for what is none."""
    if not stream.isatty():
        return None
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and int(given):
        return int(given)
    try:
        return os.get_terminal_size(stream.fileno()).columns or _USUAL_WIDTH
    except OSError:
        return _USUAL_WIDTH


def wrapped(line: Line, width: Optional[int]) -> Iterator[Sequence[Piece]]:
    """Break a line between words, so that it fits where that is possible. No word is broken."""
    pieces = [(printable(text), style) for text, style in line.pieces]
    if width is None or sum(_columns(text) for text, _style in pieces) <= width:
        yield pieces
        return
    hang = min(line.hang, max(width - _NARROWEST, 0))
    shown: List[Piece] = []
    column = 0
    for space, word in _words(pieces):
        gap, length = len(space[0]), sum(_columns(text) for text, _style in word)
        if column + gap + length > width and column > hang:
            yield shown
            shown, column, gap = [(" " * hang, "")], hang, 0
        else:
            word = [space, *word]
        for text, style in word:
            if shown and shown[-1][1] == style:
                shown[-1] = (shown[-1][0] + text, style)
            else:
                shown.append((text, style))
        column += gap + length
    yield shown


def _columns(text: str) -> int:
    """How many columns a text takes: Chinese characters take two each (UAX 11), marks above letters none."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(one) else 2 if east_asian_width(one) in "WF" else 1 for one in text)


def _words(pieces: Sequence[Piece]) -> Iterator[Tuple[Piece, List[Piece]]]:
    """Each word with the space before it. A word may be of several pieces; where a piece begins, none need begin."""
    space: Piece = ("", "")
    word: List[Piece] = []
    for text, style in pieces:
        for token in re.findall(r" +|[^ ]+", text):
            if not token.startswith(" "):
                word.append((token, style))
            elif word:
                yield space, word
                space, word = (token, style), []
            else:
                space = (space[0] + token, style)
    if word:
        yield space, word


def _console(stream: TextIO) -> Optional[Console]:
    """Return rich's console for a stream, or None without rich, and where nobody looks: rich takes long to load."""
    if not stream.isatty():
        return None
    try:
        from rich.console import Console
    except ImportError:
        return None
    return Console(file=stream, highlight=False, emoji=False, markup=False)


def _print_plainly(text: str) -> None:
    encoding = sys.stdout.encoding or "ascii"
    print(text.encode(encoding, "backslashreplace").decode(encoding))


@contextlib.contextmanager
def retries(detail: int) -> Iterator[Optional[Callable[[Mapping[str, Any]], None]]]:
    """A line on standard error, while it is a terminal, that tells of attempts; yields what to call for each.

    It goes away at the end: the result says what became of it all.
    """
    width = None if detail == QUIET else width_of(sys.stderr)
    if width is None:
        yield None
        return
    shown, room = False, width - 1

    def tell_of(retry: Mapping[str, Any]) -> None:
        nonlocal shown
        shown = True
        sys.stderr.write("\r\x1b[K" + _retried(retry)[:room])
        sys.stderr.flush()

    yield tell_of
    if shown:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


def _retried(retry: Mapping[str, Any]) -> str:
    return "attempt %(attempt)d: %(cause)s at %(stage)s; the next in %(wait).3g s" % retry


@contextlib.contextmanager
def waiting(what_for: str, detail: int) -> Iterator[None]:
    """A line on standard error, while it is a terminal, that counts the time until what is waited for has come."""
    console = None if detail == QUIET else _console(sys.stderr)
    if console is None:
        yield
        return
    from rich.progress import Progress, TextColumn, TimeElapsedColumn

    with Progress(
        TextColumn("{task.description}", markup=False), TimeElapsedColumn(), console=console, transient=True,
        disable=not console.is_terminal,
    ) as shown:  # fmt: skip
        shown.add_task(what_for, total=None)
        yield


class Bar(NamedTuple):
    """What to call for each report, and for each attempt that another one follows."""

    advance: Callable[[Any], None]
    retry: Callable[[Mapping[str, Any]], None]


@contextlib.contextmanager
def progress(total: Optional[int], detail: int = NORMAL) -> Iterator[Bar]:
    """A bar on standard error while it is a terminal, and beside it what was last tried in vain."""
    console = None if detail == QUIET else _console(sys.stderr)
    if console is None:
        yield Bar(lambda _report: None, lambda _retry: None)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    with Progress(
        BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False),
        console=console, transient=True, disable=not console.is_terminal,
    ) as shown:  # fmt: skip
        task = shown.add_task("", total=total)
        yield Bar(
            lambda _report: shown.advance(task),
            lambda retry: shown.update(task, description=printable("%s: %s" % (retry["relay"], _retried(retry)))),
        )
