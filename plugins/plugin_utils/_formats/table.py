# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Plain tables for a terminal: a line for each subject, for each change since the last run, or for each waiver.

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.text import printable
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.words import in_word, one_of, why
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import AssessmentError, kinds

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Sequence

    from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import Assessment, Row

    Lines = List[Sequence[Any]]

# The columns that only relays have.
_OF_RELAYS: Dict[str, Callable[[Row], str]] = {
    "tls": lambda row: (row["tls"] and row["tls"]["version"]) or "-",
    "days": lambda row: "" if row["days_left"] is None else str(row["days_left"]),
}


def as_table(assessment: Assessment, of: str = "subjects") -> str:
    """Return the table `of` this: a head, and its lines. Raises AssessmentError."""
    if of not in _TABLES:
        raise AssessmentError("of: must be one of %s" % ", ".join(_TABLES))
    head, *lines = _TABLES[of](assessment)
    # What is shown is the caller's own words, or a peer's, and this is for a terminal.
    table = [head, *(["-" if cell is None else printable(str(cell)) for cell in line] for line in lines)]
    widths = [max(len(line[column]) for line in table) for column in range(len(head) - 1)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(line, widths)), line[-1]]).rstrip() for line in table
    )


def _subjects(assessment: Assessment) -> Lines:
    """What each subject comes to, of relays TLS and days left, and why it is not as it should be."""
    rows = assessment["endpoints"]
    of_relays = tuple(_OF_RELAYS) if "relay" in kinds(rows) else ()
    lines: Lines = [("assessment", "verdict", one_of(rows), *of_relays, "why")]
    for row in rows:
        columns = (_OF_RELAYS[name](row) for name in of_relays)
        lines.append((in_word(row["assessment"]), row["verdict"], row["id"], *columns, why(row)))
    return lines


def _changes(assessment: Assessment) -> Lines:
    """What differs from the last run: `-` stands for what was not, or is no more."""
    lines: Lines = [(one_of(assessment["endpoints"]), "what", "before", "now")]
    for change in assessment["changes"] or ():
        lines.append([str(change["endpoint"]), change["what"], *map(in_word, (change["before"], change["now"]))])
    return lines


def _waivers(assessment: Assessment) -> Lines:
    """Each waiver: one that is unused excuses nothing, and its note says why."""
    fields = ("state", "rule", "endpoint", "expires", "owner", "reason", "note")
    return [fields, *([one.get(name) for name in fields] for one in assessment["waivers"])]


_TABLES: Dict[str, Callable[[Assessment], Lines]] = {
    "subjects": _subjects,
    "changes": _changes,
    "waivers": _waivers,
}
