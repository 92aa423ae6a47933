# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: mail domains.

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.report import NOT_PASSED
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.text import counted
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.rules import not_judged
from postmaster_mailcheck.commands.words import in_flags
from postmaster_mailcheck.views import lines
from postmaster_mailcheck.views.lines import LABEL, NORMAL, Line, row

if TYPE_CHECKING:
    from typing import Any, Iterator, Mapping

_TOLD = ("unmet", "unknown")  # outcomes of rules, in this order
_SEVERITIES = ("high", "medium", "low")


def domain(result: Mapping[str, Any], detail: int) -> Iterator[Line]:
    reports = result["domains"]
    if len(reports) > 1:
        yield lines.text(result["msg"].partition(NOT_PASSED)[0], "bold")  # what did not pass follows, rule by rule
        yield Line()
    told = [report for report in reports if detail >= NORMAL or _is_open(report)]
    for index, report in enumerate(told):
        if index:
            yield Line()
        yield from _domain(report, detail)


def _is_open(report: Mapping[str, Any]) -> bool:
    """Whether a domain did not pass, or passed with something that could not be judged."""
    return report["verdict"] != "passed" or bool(not_judged(report["rules"]))


def _domain(report: Mapping[str, Any], detail: int) -> Iterator[Line]:
    outcomes = [[rule for rule in report["rules"] if rule["outcome"] == outcome] for outcome in _TOLD]
    yield Line((lines.word_of(report), (report["domain"], "bold"), (_in_short(report), "")), LABEL)
    for rules in outcomes:
        yield from lines.rules(sorted(rules, key=lambda rule: _SEVERITIES.index(rule["severity"])))
    for remark in report["remarks"]:
        text = "%s: %s (%s)" % (remark["title"], remark["text"].rstrip("."), remark["source"])
        yield row("warning", in_flags(text), label_style="bold yellow")
    if detail < NORMAL:
        return
    for record in report["records"]:
        yield row("publish", "%(name)s %(type)s %(value)s" % record, "cyan")
        yield row("", in_flags("%(reason)s. First: %(after)s." % record))


def _in_short(report: Mapping[str, Any]) -> str:
    """How many rules came to what; what the sentence says where there was no rule to judge."""
    if not report["rules"]:
        return ": " + str(report["msg"]).partition(": ")[2]
    counts = [(sum(rule["outcome"] == outcome for rule in report["rules"]), word) for outcome, word in _COUNTED]
    parts = ["%d %s" % one for one in counts if one[0]]
    return ": of %s %s" % (counted(len(report["rules"]), "rule"), ", ".join(parts))


_COUNTED = (("unmet", "unmet"), ("unknown", "not judged"), ("met", "met"))
