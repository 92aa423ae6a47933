# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: what every view of a check begins with: the verdict, what it means, and what to do next.

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.text import where
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.rules import told_apart
from postmaster_mailcheck.commands.words import as_argument, in_flags
from postmaster_mailcheck.views.lines import LABEL, Line, row, word_of

if TYPE_CHECKING:
    from typing import Any, Iterator, List, Mapping, Sequence

    from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.causes import Kind


def result(report: Mapping[str, Any]) -> Iterator[Line]:
    failure = report["failure"]
    if not failure:
        yield Line((word_of(report), (report["msg"].replace(": passed", "", 1), "")), LABEL)
        return
    place = where(report["host"], report["port"])
    head = "%s: %s, at %s" % (place, failure["cause"], failure["stage"])
    yield Line((word_of(report), (head, "bold")), LABEL)
    if failure["cause"] == "rule_unmet":
        yield from _unmet(report)
        return
    said = failure["text"].split("\n")
    if failure.get("code") is not None:
        said[0] = "%s %s" % (failure["code"], said[0])
    if failure["recipient"]:
        yield row("recipient", failure["recipient"])
    for text in filter(None, said):
        yield row("seen", text)
    yield row("it means", in_flags(failure["explanation"]))
    yield row("next", next_step(report))
    yield more(failure["cause"])


def _unmet(report: Mapping[str, Any]) -> Iterator[Line]:
    """What is expected, and what was seen, which says enough of what it means."""
    failure = report["failure"]
    expected, seen = told_apart(failure["text"])
    yield row("expected", expected)
    if seen:  # what is expected may be longer than there is room in a report
        yield row("seen", seen)
    yield row("next", next_step(report))
    yield more(failure.get("rule") or failure["cause"])  # which rule is known of relays alone


def more(name: str) -> Line:
    """Where to read more of a cause, or a rule; of one by stage, such as `codes.rcpt`, what all of them are."""
    return row("more", "mailcheck explain %s" % name.partition(".")[0], "dim")


def next_steps(reports: Sequence[Mapping[str, Any]]) -> List[str]:
    """What to do about relays that failed alike: each step once, without the names of hosts if these differ."""
    steps = list(dict.fromkeys(map(next_step, reports)))
    if len(steps) == 1 or reports[0]["failure"]["cause"] == "rule_unmet":
        return steps
    return [next_step({**reports[0], "host": "HOST", "port": "PORT"})]


def next_step(report: Mapping[str, Any]) -> str:
    """What to do, as one says it to this command: `--tls implicit`, where a playbook has `tls: implicit`."""
    from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.causes import hint_of

    failure = report["failure"]
    if failure["cause"] == "rule_unmet":
        return in_flags(str(failure["hint"]))  # the rule's own remedy
    return hint_of(failure["cause"], report["host"], report["port"] or "-", as_argument, _kind(report))


def _kind(report: Mapping[str, Any]) -> Kind:
    """What a report is of, by what it alone has."""
    if "intensity" in report:
        return "audit"
    return "check" if report.get("protocol", "smtp") in ("smtp", "lmtp") else "mailbox"
