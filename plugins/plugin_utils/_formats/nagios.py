# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What a plugin of Nagios, Icinga, Naemon or Checkmk says, by the guidelines of the Monitoring Plugins: state and reason
# in the first line, performance data behind a bar, then a line for each finding.
#
# A finding of severity high is critical, others warn. What could not be judged is unknown, and never OK.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.text import printable
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.rules import told_apart
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.words import encodable, told
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import AS_SUCH, CHECK, OUTCOMES

if TYPE_CHECKING:
    from typing import Iterator, List, Optional

    from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import Assessment, Row, Rule

STATES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")  # a state's place is its exit status
OK, WARNING, CRITICAL, UNKNOWN = range(len(STATES))
_GRAVEST_FIRST = (CRITICAL, WARNING, UNKNOWN)
# Nagios keeps 8 KiB of what a plugin says, with the performance data.
_MAX_LINES = 20
_MAX_TEXT = 250


class _Problem(NamedTuple):
    state: int
    subject: str
    rule: str
    text: str


def as_nagios(assessment: Assessment, lenient: bool = False) -> str:
    """The lines of a plugin. `lenient`: rules that could not be judged do not make the state unknown."""
    problems = _problems(assessment, lenient)
    status = _status(problems)
    lines = ["MAILCHECK %s - %s | %s" % (STATES[status], _summary(assessment, problems), _performance(assessment))]
    lines += ["[%s] %s %s: %s" % (STATES[one.state], *one[1:]) for one in problems[:_MAX_LINES]]
    if len(problems) > _MAX_LINES:
        lines.append("and %d more" % (len(problems) - _MAX_LINES))
    return encodable("\n".join(lines) + "\n")


def exit_status(assessment: Assessment, lenient: bool = False) -> int:
    """The state as a plugin tells it to its caller: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN."""
    return _status(_problems(assessment, lenient))


def unknown(text: str) -> str:
    """The line of a plugin that could not look at all."""
    return encodable("MAILCHECK %s - %s\n" % (STATES[UNKNOWN], _plain(text)))


def _status(problems: List[_Problem]) -> int:
    return problems[0].state if problems else OK


def _problems(assessment: Assessment, lenient: bool) -> List[_Problem]:
    """What keeps the state from being OK, the gravest first."""
    found = list(_found(assessment, lenient))
    return sorted(found, key=lambda one: _GRAVEST_FIRST.index(one.state))


def _found(assessment: Assessment, lenient: bool) -> Iterator[_Problem]:
    if not assessment["endpoints"]:
        yield _Problem(UNKNOWN, "mailcheck", CHECK, "nothing was checked")
    for row in assessment["endpoints"]:
        # Of a relay that could not be checked nothing else is known: that says enough.
        says_enough = any(rule["id"] == CHECK and rule["outcome"] == "unmet" for rule in row["rules"])
        for rule in row["rules"]:
            state = _state(row, rule, lenient or says_enough)
            if state != OK:
                yield _Problem(state, _plain(row["id"]), _plain(rule["id"]), _said(rule))
    for waiver in assessment["waivers"]:
        if waiver["state"] == "expired":
            text = "a waiver has expired on %(expires)s (%(owner)s: %(reason)s)" % waiver
            yield _Problem(WARNING, _plain(waiver["endpoint"]), _plain(waiver["rule"]), _plain(text))


def _state(row: Row, rule: Rule, lenient: bool) -> int:
    if rule["outcome"] == "unknown":
        return OK if lenient else UNKNOWN
    if rule["outcome"] != "unmet":
        return OK
    if rule["id"] in AS_SUCH and row["verdict"] == "not_checked":
        return UNKNOWN
    if rule["severity"] == "low" and row["verdict"] == "passed":  # advice
        return OK
    return CRITICAL if rule["severity"] == "high" else WARNING


def _said(rule: Rule) -> str:
    """What was seen; of a check that failed, only that."""
    text = str(rule["text"])
    return _plain((rule["id"] in AS_SUCH and told_apart(text)[1]) or text)


def _plain(text: object) -> str:
    """Text on one line and of some length, without the bar at which performance data begins."""
    line = " ".join(printable(" ".join(str(text).split())).replace("|", "/").split())
    return line if len(line) <= _MAX_TEXT else line[: _MAX_TEXT - 3] + "..."


def _summary(assessment: Assessment, problems: List[_Problem]) -> str:
    if problems:
        more = " (and %d more)" % (len(problems) - 1) if len(problems) > 1 else ""
        return "%s: %s%s" % (problems[0].subject, problems[0].text, more)
    rows, rules = assessment["endpoints"], assessment["summary"]["rules"]
    if len(rows) == 1 and rows[0]["verdict"] == "passed":
        return _plain(rows[0]["msg"])
    outcomes = ", ".join("%d %s" % (rules[outcome], outcome) for outcome in OUTCOMES if rules[outcome])
    return "%s; rules: %s" % (told(rows), outcomes)


def _performance(assessment: Assessment) -> str:
    """Performance data under the same labels in every run, however many were looked at."""
    rows, rules = assessment["endpoints"], assessment["summary"]["rules"]
    data: List[str] = []
    seconds = _known(seconds for row in rows for seconds in _seconds(row))
    if seconds:
        data.append("time=%.6fs;;;0" % max(seconds))
    days = _known(row["days_left"] for row in rows)
    if days:
        data.append("certificate_days_left=%d" % min(days))
    data.append("passed=%d;;;0;%d" % (assessment["summary"]["verdicts"]["passed"], len(rows)))
    data += ["rules_%s=%d;;;0" % (outcome, rules[outcome]) for outcome in OUTCOMES]
    return " ".join(data)


def _seconds(row: Row) -> List[Optional[float]]:
    """How long a check took; of a mailbox, how long mail did."""
    return [row["seconds"], *(one["seconds"] for one in row.get("arrivals") or ())]


def _known(values: Iterator[Optional[float]]) -> List[float]:
    return [value for value in values if value is not None]
