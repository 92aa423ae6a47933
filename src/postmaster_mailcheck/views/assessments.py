# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: what a fleet comes to when it is held against profiles: a table, what is to be done, what has changed.

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._assessment import findings, not_judged
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.table import as_table
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.words import told
from postmaster_mailcheck.views.lines import QUIET, groups, row, text

if TYPE_CHECKING:
    from typing import Iterator, List, Tuple

    from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import Assessment
    from postmaster_mailcheck.views.lines import Line

_STYLES = {"high": "bold red", "medium": "red", "low": "yellow"}


def assessment(found: Tuple[Assessment, List[str]], detail: int) -> Iterator[Line]:
    """`found`: the assessment, and the files of its reports."""
    assessed, files = found
    yield text(_sum(assessed), "bold")
    yield from groups(
        map(text, as_table(assessed).splitlines() if detail > QUIET else ()),
        _findings(assessed),
        _open(assessed),
        _changes(assessed),
        [row("reports", ", ".join(files))] if files and detail > QUIET else (),
    )


def _sum(assessed: Assessment) -> str:
    summary = assessed["summary"]
    rules = ", ".join("%d %s" % (number, outcome) for outcome, number in summary["rules"].items() if number)
    grave = ", ".join("%d %s" % (number, severity) for severity, number in summary["findings"].items() if number)
    return "%s. Rules: %s. Findings: %s." % (told(assessed["endpoints"]), rules, grave or "none")


def _findings(assessed: Assessment) -> Iterator[Line]:
    for one in findings(assessed):
        yield row(one["severity"], "%(endpoint)s %(rule)s: %(text)s" % one, label_style=_STYLES[one["severity"]])
        if one["remedy"]:
            yield row("", one["remedy"], "dim")


def _open(assessed: Assessment) -> Iterator[Line]:
    """What could not be judged; of what could not be checked at all that says enough."""
    unseen = {one["id"] for one in assessed["endpoints"] if one["rules"][0]["outcome"] == "unmet"}
    for one in not_judged(assessed):
        if one["endpoint"] not in unseen:
            yield row("not judged", "%(endpoint)s %(rule)s: %(text)s" % one, label_style="yellow")


def _changes(assessed: Assessment) -> Iterator[Line]:
    for one in assessed["changes"] or ():
        if one["before"] is None:
            said = "%(endpoint)s %(what)s: new, %(now)s"
        elif one["now"] is None:
            said = "%(endpoint)s %(what)s: gone, was %(before)s"
        else:
            said = "%(endpoint)s %(what)s: %(before)s, now %(now)s"
        yield row("changed", said % one)
