# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: audits, and the probes there are.

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.report import (
    gravest_first,
    headline,
    left_open,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.text import counted
from postmaster_mailcheck.commands.words import as_argument, in_flags, of_a_probe
from postmaster_mailcheck.views import lines
from postmaster_mailcheck.views.lines import LABEL, NORMAL, OUTCOMES, VERDICTS, Line, row
from postmaster_mailcheck.views.results import next_step

if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, Iterator, List, Mapping

    from postmaster_mailcheck.views.lines import Piece

_NAME = 24  # columns
_ORDER = ("finding", "unknown", "pass")


def audit(report: Mapping[str, Any], detail: int) -> Iterator[Line]:
    """The whole, then what was found, what is left unknown, and what is as it should be."""
    yield Line((_word(report), (_whole(report), "")), LABEL)
    if report["cause"]:
        yield row("more", "mailcheck explain %s" % report["cause"], "dim")
    yield from lines.warnings(report["warnings"])
    told = _ORDER if detail >= NORMAL else _ORDER[:2]
    yield from lines.groups(*(_probes(report, status) for status in told), _not_asked(report))


def _whole(report: Mapping[str, Any]) -> str:
    if report["failure"]:  # the next step as one types it
        return headline({**report, "failure": {**report["failure"], "hint": next_step(report)}})
    return str(report["msg"]) if report["verdict"] == "not_checked" else headline(report)


def audits(result: Mapping[str, Any], _detail: int) -> Iterator[Line]:
    """Many relays: the whole, then a line for each."""
    yield lines.text(in_flags(result["msg"]), "bold")
    yield from lines.warnings(result["warnings"])
    yield from lines.groups(_rows(result["endpoints"]))


def _rows(rows: List[Mapping[str, Any]]) -> Iterator[Line]:
    width = max([len(one["name"]) for one in rows], default=0)
    for one in rows:
        statuses = _ORDER[:1] if one["cause"] else _ORDER[:2]  # what ended it left the rest unknown
        told = {status: [probe["name"] for probe in one["probes"] if probe["status"] == status] for status in statuses}
        words = [
            one["cause"] or "",
            *("%s: %s" % (status, ", ".join(names)) for status, names in told.items() if names),
        ]
        yield Line(
            (_word(one), (one["name"].ljust(width + 2), "bold"), ("; ".join(filter(None, words)), "")), LABEL + 2
        )


def _probes(report: Mapping[str, Any], status: str) -> Iterator[Line]:
    asked = [one for one in report["probes"] if one["status"] == status]
    word = (status.ljust(LABEL), OUTCOMES.get(status, "yellow"))
    if status == "unknown":
        for text in dict.fromkeys(one["text"] for one in asked):  # several may have one reason
            names = [one["name"] for one in asked if one["text"] == text]
            yield Line((word, (", ".join(names), "bold"), (": " + of_a_probe(text), "")), LABEL)
        return
    for one in gravest_first(asked) if status == "finding" else asked:
        grave = " (%s)" % one["severity"] if one["severity"] else ""
        yield Line((word, (one["name"] + grave, "bold"), (": " + of_a_probe(one["text"]), "")), LABEL)
        if status == "finding":
            likely = " This is likely, and not proven." if one["proof"] == "none" else ""
            yield row("  it means", one["meaning"] + likely)
            yield row("  next", in_flags(one["remedy"]))


def _not_asked(report: Mapping[str, Any]) -> Iterator[Line]:
    for left_out in report["not_made"]:
        told = "%s: it needs %s" % (left_out["name"], _typed(left_out["lacks"]))
        yield row("not made", told, label_style="yellow")
    if report["not_asked"]:
        text = "at intensity %s: %s" % (report["intensity"], ", ".join(report["not_asked"]))
        yield row("not asked", text, label_style="yellow")


def _typed(options: Iterable[str]) -> str:
    return " ".join(map(as_argument, options))


def _word(report: Mapping[str, Any]) -> Piece:
    """The verdict; one that passed with something unknown does not look as good."""
    doubtful = report["verdict"] == "passed" and (left_open(report) or report["not_made"])
    return report["verdict"].ljust(LABEL), "bold yellow" if doubtful else VERDICTS.get(report["verdict"], "bold")


def probes(found: List[Dict[str, Any]], _detail: int) -> Iterator[Line]:
    for one in found:
        needs = "; needs %s" % _typed(one["needs"]) if one["needs"] else ""
        told = "%s, %s%s" % (one["intensity"], _cost(one), needs)
        yield Line(((one["name"].ljust(_NAME), "bold"), (told, "dim")), _NAME)
        yield Line((("  %(question)s (%(source)s)" % one, ""),), 2)
        if one["left_to"]:
            yield Line((("  only %(left_to)s can ask: unknown until with_sslyze adds its answers" % one, "dim"),), 4)
        if one["proof"]:
            told = "  proven by messages, intrusive: %s more; needs %s" % (
                _cost(one["proof"]),
                _typed(one["proof"]["needs"]),
            )
            yield Line(((told, "dim"),), 4)


def _cost(one: Mapping[str, Any]) -> str:
    return ", ".join(counted(one[kind + "s"], kind) for kind in ("connection", "error", "message"))
