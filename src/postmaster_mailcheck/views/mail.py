# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: mail that is waited for.

from __future__ import annotations

from typing import TYPE_CHECKING

from postmaster_mailcheck.views import lines
from postmaster_mailcheck.views.lines import QUIET, Line, row
from postmaster_mailcheck.views.results import result

if TYPE_CHECKING:
    from typing import Any, Iterator, Mapping


def wait(report: Mapping[str, Any], detail: int) -> Iterator[Line]:
    yield from result(report)
    yield from lines.warnings(report["warnings"])
    if detail == QUIET:
        return
    yield from lines.groups(*map(_way_of, report["messages"]), _folders(report["mailbox_state"]))


def _folders(state: Mapping[str, Any]) -> Iterator[Line]:
    for folder, marks in state.items():
        shown = ", ".join("%s %s" % (name, mark) for name, mark in marks.items() if not isinstance(mark, list))
        yield row("folder", "%s: %s" % (folder, shown))


def _way_of(message: Mapping[str, Any]) -> Iterator[Line]:
    """Where a message is, the hops that it came over, each with its delay, and what is said of it."""
    yield row("token", message["token"])
    if message["found"]:
        text = "%s after %.1f s" % (message["mailbox"], message["seconds"])
        yield row("arrived", text, "yellow" if message["junk"] else "green")
    for label, report in [("bounce", message["bounce"])] + [(one["kind"], one) for one in message["notices"]]:
        if report:
            said = " ".join(filter(None, (report["status"], report["diagnostic_code"])))
            yield row(label, said, "red" if label == "bounce" else "")
    for hop in message["trace"]["hops"] if message["trace"] else ():
        delay = "" if hop["delay"] is None else "%+.0f s, " % hop["delay"]
        secured = {True: hop["tls_version"] or "TLS", False: "in clear", None: "TLS not told"}[hop["tls"]]
        told = "within one host" if hop["local"] else secured
        yield row("hop", "%s -> %s (%s%s)" % (hop["from"] or "?", hop["by"] or "?", delay, told))
    if message["authentication"] and message["authentication"]["state"] == "present":
        results = ", ".join("%(method)s %(result)s" % one for one in message["authentication"]["methods"])
        yield row("results", "%s, by %s" % (results or "none", message["authentication"]["authserv_id"]))
    yield from lines.rules(message["rules"])
