# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: what views are made of. A view is a generator: what was found, and how much of it is to be told -> lines.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.rules import UNKNOWN, UNMET, not_judged
from postmaster_mailcheck.commands.words import in_flags

if TYPE_CHECKING:
    from typing import Any, Iterable, Iterator, Mapping, Optional, Tuple

    Piece = Tuple[str, str]  # a text, and rich's name of a style

# How much is told: the result where something is wrong; the result and the facts; the whole dialogue, too.
QUIET, NORMAL, VERBOSE = range(3)

LABEL = 13  # columns
VERDICTS = {"passed": "bold green", "failed": "bold red", "unreachable": "bold red", "deferred": "bold yellow"}
OUTCOMES = {
    "met": "green", "accepted": "green", "pass": "green", "unmet": "red", "rejected": "red", "finding": "red",
}  # fmt: skip


class Line(NamedTuple):
    """`hang`: how far what does not fit is indented on the lines below."""

    pieces: Tuple[Piece, ...] = ()
    hang: int = 0


def row(label: str, text: str, style: str = "", label_style: str = "bold") -> Line:
    """A label in a column of its own, and what it is about."""
    return Line(((label.ljust(LABEL), label_style), (text, style)), LABEL)


def text(words: str, style: str = "") -> Line:
    return Line(((words, style),))


def word_of(report: Mapping[str, Any]) -> Piece:
    """The verdict; one that passed without having shown all that was asked does not look as good."""
    doubtful = report["verdict"] == "passed" and not_judged(report["rules"])
    style = "bold yellow" if doubtful else VERDICTS.get(report["verdict"], "bold")
    return report["verdict"].ljust(LABEL), style


def rules(found: Iterable[Mapping[str, Any]], told: Optional[str] = None) -> Iterator[Line]:
    """Each rule by its outcome; what is unmet with its remedy, but for the one that the result has `told`."""
    for rule in found:
        outcome = rule["outcome"]
        label = "not judged" if outcome == UNKNOWN else outcome
        yield row(label, "%(text)s (%(id)s, %(severity)s)" % rule, label_style=OUTCOMES.get(outcome, "yellow"))
        if outcome == UNMET and rule["id"] != told:
            yield row("", in_flags(rule["remedy"]), "dim")


def warnings(found: Iterable[str]) -> Iterator[Line]:
    for warning in found:
        yield row("warning", in_flags(warning), label_style="bold yellow")


def groups(*of_lines: Iterable[Line]) -> Iterator[Line]:
    """Groups of lines, an empty line before each that is not empty."""
    for lines in of_lines:
        found = list(lines)
        if found:
            yield Line()
            yield from found
