# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: what a sink received.

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.outbound import (
    CHANGED,
    CUT,
    PASSED_ON,
    REFUSED,
)
from postmaster_mailcheck.sink.outbound import RULE
from postmaster_mailcheck.views import lines
from postmaster_mailcheck.views.lines import LABEL, NORMAL, QUIET, Line

if TYPE_CHECKING:
    from typing import Any, Iterator, Mapping

_STYLES = {"client": "cyan", "sink": ""}
_FATES = {PASSED_ON: "red", CUT: "red", CHANGED: "green", REFUSED: "green"}
_MARKS = {"client": ">", "sink": "<"}


def sink(report: Mapping[str, Any], detail: int) -> Iterator[Line]:
    """What the client comes to, then what was said; of messages through a relay, what became of each ending first."""
    yield lines.text(report["msg"], "bold")
    yield from lines.warnings(report["warnings"])
    yield from lines.rules(report["rules"])
    through = [rule for rule in report["rules"] if rule["id"] == RULE]
    if detail > QUIET:
        yield from lines.groups(*map(_endings, through))
    if detail > (NORMAL if through else QUIET):  # there they are many, and of our own making
        yield from lines.groups(*map(_session, report["sessions"]))


def _endings(rule: Mapping[str, Any]) -> Iterator[Line]:
    """A line for each ending: what became of it. None where the relay took no message."""
    for ending, fate in (rule["observed"] or {}).items():
        yield lines.row(fate.replace("_", " "), ending, label_style=_FATES.get(fate, "yellow"))


def _session(session: Mapping[str, Any]) -> Iterator[Line]:
    name = ("session %(number)d" % session).ljust(LABEL)
    yield Line(((name, "bold"), ("from %(peer)s" % session, "")), LABEL)
    for event in session["events"]:
        yield from _told(event)


def _told(event: Mapping[str, Any]) -> Iterator[Line]:
    """Octets are shown as they are, but for the line end that belongs there."""
    at = "%7.3f " % event["seconds"]
    if "octets" not in event:
        words = " ".join(str(value) for name, value in event.items() if name not in ("session", "seconds"))
        yield Line(((at, "dim"), (words, "dim")), LABEL)
        return
    head = "%s%s %s " % (at, "TLS" if event["tls"] else "   ", _MARKS[event["from"]])
    for line in re.findall("[^\n]*\n|[^\n]+", event["octets"]):
        shown = line.encode("unicode_escape").decode("ascii")
        shown = shown[: -len(r"\r\n")] if shown.endswith(r"\r\n") else shown
        yield Line(((head, "dim"), (shown, _STYLES[event["from"]])), len(head))
        head = " " * len(head)
