# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: what a fleet comes to when it is held against profiles: a table, what is to be done, what has changed.

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.page.todo import (
    open_questions,
    tasks,
)
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.table import as_table
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.words import counted, in_word, told
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._score import score_of
from postmaster_mailcheck.views.lines import LABEL, QUIET, Line, groups, row, text

if TYPE_CHECKING:
    from typing import Iterator, List, Tuple

    from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.page.todo import Task
    from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import Assessment

_STYLES = {"high": "bold red", "medium": "red", "low": "yellow"}
_NAMED = 8  # of those that showed the same; the table has all


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
    rules = ", ".join("%d %s" % (number, in_word(outcome)) for outcome, number in summary["rules"].items() if number)
    grave = ", ".join("%d %s" % (number, severity) for severity, number in summary["findings"].items() if number)
    said = "%s. Rules: %s. Findings: %s." % (told(assessed["endpoints"]), rules, grave or "none")
    percent, last = score_of(assessed["endpoints"]).percent, assessed.get("last")
    before = " (%d %% in the last run)" % last["score"] if last and last["score"] is not None else ""
    return said if percent is None else "%s Score: %d %% of what was judged%s." % (said, percent, before)


def _findings(assessed: Assessment) -> Iterator[Line]:
    """Each rule, or cause of failed checks, once: what was seen where, and what to do."""
    for task in tasks(assessed):
        yield from _task(task, task.severity, _STYLES[task.severity], assessed)
        for remedy in task.remedies:
            yield row("next", remedy)
    for waiver in assessed["waivers"]:
        if waiver["state"] == "expired":
            said = "%(endpoint)s %(rule)s: a waiver has expired on %(expires)s (%(owner)s: %(reason)s)" % waiver
            yield row("medium", said, label_style=_STYLES["medium"])
        elif waiver["state"] == "unused":
            said = "%(rule)s at %(endpoint)s excuses nothing: %(note)s" % waiver
            yield row("waiver", said, label_style="yellow")


def _open(assessed: Assessment) -> Iterator[Line]:
    """What could not be judged; of what could not be checked at all that says enough."""
    for task in open_questions(assessed):
        if task.name:
            yield from _task(task, "not judged", "yellow", assessed)
        else:
            left = [rule for place in task.places for rule in assessed["endpoints"][place]["rules"]]
            number = sum(rule["outcome"] == "unknown" for rule in left)
            said = "%s of %s whose check failed" % (counted(number, "rule"), task.about)
            yield row("not judged", said, label_style="yellow")


def _task(task: Task, label: str, style: str, assessed: Assessment) -> Iterator[Line]:
    ids = [one["id"] for one in assessed["endpoints"]]
    yield Line(((label.ljust(LABEL), style), (task.name, "bold"), (", %s: %s" % (task.about, task.title), "")), LABEL)
    for seen in task.seen:
        more = len(seen.rows) - _NAMED
        names = ", ".join(ids[place] for place in seen.rows[:_NAMED]) + (" and %d more" % more if more > 0 else "")
        yield row("", "%s: %s" % (names, seen.text))


def _changes(assessed: Assessment) -> Iterator[Line]:
    for one in assessed["changes"] or ():
        if one["before"] is None:
            said = "%(endpoint)s %(what)s: new, %(now)s"
        elif one["now"] is None:
            said = "%(endpoint)s %(what)s: gone, was %(before)s"
        else:
            said = "%(endpoint)s %(what)s: %(before)s, now %(now)s"
        yield row("changed", said % {**one, "before": in_word(one["before"]), "now": in_word(one["now"])})
