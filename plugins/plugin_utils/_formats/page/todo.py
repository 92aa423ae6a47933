# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What to do first: the findings by rule, each with its remedy once and with all subjects that need it.

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.register import PROBES
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.text import where
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.causes import CAUSES
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.rules import told_apart as halves
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.page.standing import broken_anew
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.words import counted, source, told
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import AS_SUCH, SEVERITIES

if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, List, Mapping, Sequence, Tuple

    from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import Assessment, Row, Rule

_UNJUDGED, _UNANSWERED = "; this could not be judged: ", "This could not be judged: "
# What strangers abuse as soon as they find it, at one relay or at many: of equal severity it comes first.
_ABUSED = ("relaying_refused", "auth_required", "relaying", "smuggling")
_LEFT = {name: probe.left_to for name, probe in PROBES.items() if probe.left_to}
_WHOLE = "What failed checks did not come to"
_BROKEN_OFF = "the check ended before: %s"


class Seen(NamedTuple):
    """What was seen of a rule, and the places of all rows where it was."""

    text: str
    rows: List[int]


class Task(NamedTuple):
    """One rule that is unmet or not judged, or one cause of failed checks."""

    name: str  # the rule's, or the cause; empty where it is about more than one
    severity: str
    title: str
    reason: str
    source: str
    remedies: List[str]  # the commonest first: most often there is one
    seen: List[Seen]
    places: List[int]  # of the rows that it is about
    about: str  # how many of which kind these are
    anew: int  # of these, those that were no finding in the last run


def tasks(assessment: Assessment) -> List[Task]:
    """Return what is unmet: the gravest first; of these what is abused, failed checks, what concerns most."""
    anew = broken_anew(assessment["changes"])
    groups: Dict[str, List[Tuple[int, Row, Rule]]] = {}
    for index, row, rule in _with_outcome("unmet", assessment):
        members = groups.setdefault(_name(rule), [])
        if not members or members[-1][0] != index:  # a relay whose audit failed as its check did
            members.append((index, row, rule))
    made = [
        _task(members, sum((row["id"], rule["id"]) in anew for _index, row, rule in members))
        for members in groups.values()
    ]
    return sorted(made, key=_urgency)


def open_questions(assessment: Assessment) -> List[Task]:
    """Return what could not be judged, in the same way.

    One question is what failed checks left open, and what another program has to be asked.
    """
    groups: Dict[str, List[Tuple[int, Row, Rule]]] = {}
    ended: Dict[str, Dict[int, Row]] = {}
    for index, row, rule in _with_outcome("unknown", assessment):
        if row["cause"] in (None, "rule_unmet"):
            groups.setdefault(_LEFT.get(rule["id"], rule["id"]), []).append((index, row, rule))
        else:
            ended.setdefault(row["cause"], {})[index] = row
    made = [
        _left_to(name, members) if name in _LEFT.values() else _task(members, 0) for name, members in groups.items()
    ]
    if ended:
        seen = [Seen(_BROKEN_OFF % cause, list(rows)) for cause, rows in ended.items()]
        left_open = {index: row for rows in ended.values() for index, row in rows.items()}
        made.append(Task("", SEVERITIES[-1], _WHOLE, "", "", [], seen, list(left_open), told([*left_open.values()]), 0))
    return sorted(made, key=_urgency)


def _left_to(program: str, members: List[Tuple[int, Row, Rule]]) -> Task:
    """Of how it is asked the relays' names are left out, which is then the same for all."""
    seen: Dict[str, Dict[int, Row]] = {}
    for index, row, rule in members:
        text = told_apart(rule)[1].replace(where(row["host"], row["port"]), "HOST:PORT")
        seen.setdefault(text, {})[index] = row
    rows = {index: row for index, row, _rule in members}
    names = list(dict.fromkeys(rule["id"] for _index, _row, rule in members))
    title = "Only %s can ask %s: %s." % (program, counted(len(names), "probe"), ", ".join(names))
    return _task(members, 0)._replace(
        name=program,
        title=title,
        reason="",
        source="",
        seen=[Seen(text, list(own)) for text, own in seen.items()],
        places=list(rows),
        about=told([*rows.values()]),
    )


def _with_outcome(outcome: str, assessment: Assessment) -> Iterator[Tuple[int, Row, Rule]]:
    for index, row in enumerate(assessment["endpoints"]):
        for rule in row["rules"]:
            if rule["outcome"] == outcome:
                yield index, row, rule


def _urgency(task: Task) -> Tuple[int, bool, bool, int]:
    """What strangers abuse at once comes before checks that failed, and these before what relays that answer break."""
    return -_gravity(task.severity), task.name not in _ABUSED, task.name not in CAUSES, -len(task.places)


def _gravity(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else -1


def _task(members: List[Tuple[int, Row, Rule]], anew: int) -> Task:
    rules = [rule for _index, _row, rule in members]
    seen: Dict[str, List[int]] = {}
    for index, _row, rule in members:
        text = told_apart(rule)[1] or rule["text"]
        if rule["id"] in AS_SUCH and text.startswith("%s at " % rule["observed"]):  # which the name of the task is
            text = text.partition(" ")[2]
        seen.setdefault(text, []).append(index)
    remedies = [one for one, _number in Counter(rule["remedy"] for rule in rules if rule["remedy"]).most_common()]
    worst = max(rules, key=lambda rule: _gravity(rule["severity"]))
    return Task(
        name=_name(worst),
        severity=worst["severity"],
        title=_title(worst),
        reason=str(worst.get("reason") or ""),
        source=source(worst),
        remedies=_in_general(remedies) if worst["id"] in AS_SUCH else remedies,
        seen=[Seen(*one) for one in sorted(seen.items(), key=lambda one: -len(one[1]))],
        places=[index for index, _row, _rule in members],
        about=told([row for _index, row, _rule in members]),
        anew=anew,
    )


def _in_general(hints: List[str]) -> List[str]:
    """One hint after a cause, without the names and ports of the relays that it was given for, if they alone differ."""
    words = [re.split(r"([^\s`()]+)", hint) for hint in hints]
    if len(hints) < 2 or len(set(map(len, words))) > 1:
        return hints
    return ["".join(same[0] if len(set(same)) == 1 else _placeholder(same) for same in zip(*words))]


def _placeholder(names: Sequence[str]) -> str:
    bare = {name.rstrip(".,;") for name in names}
    ending = names[0][len(names[0].rstrip(".,;")) :]
    return ("PORT" if all(map(str.isdigit, bare)) else "HOST") + ending


def _name(rule: Rule) -> str:
    """The rule's own, or why the check, or the audit, did not go as asked."""
    return str(rule["observed"]) if rule["id"] in AS_SUCH else rule["id"]


def _title(rule: Rule) -> str:
    """What went wrong with the check, or what is expected."""
    if _name(rule) in CAUSES:
        return CAUSES[_name(rule)].explanation
    expected = told_apart(rule)[0]
    return expected if expected.endswith("?") else "Expected: %s." % expected


def told_apart(rule: Rule) -> Tuple[str, str]:
    """Return what is expected, and what was seen or why it was not: the two halves of a rule's sentence.

    An audit's rules are questions with an answer.
    """
    text = rule["text"]
    if rule["outcome"] != "met":
        expected, seen = halves(text)
        if not seen:
            expected, _mark, seen = text.partition(_UNJUDGED)
        if seen:
            return expected, seen
    question, mark, answer = text.partition("? ")
    if answer.startswith(_UNANSWERED):
        answer = answer[len(_UNANSWERED) :]
    return (question + "?", answer) if mark else (text, "")


def rules_by_kind(assessment: Assessment) -> Dict[str, List[Mapping[str, Any]]]:
    """Return kind -> every rule that it was judged by: what it says for most, where it comes from, its outcomes."""
    found: Dict[str, Dict[str, List[Rule]]] = {}
    for row in assessment["endpoints"]:
        own = found.setdefault(row["subject"]["kind"], {})
        for rule in row["rules"]:
            own.setdefault(rule["id"], []).append(rule)
    return {kind: [_described(rules) for rules in own.values()] for kind, own in found.items()}


def _described(rules: List[Rule]) -> Mapping[str, Any]:
    said: Counter[str] = Counter(told_apart(rule)[0] for rule in rules)
    return {
        "id": rules[0]["id"],
        "severity": max((rule["severity"] for rule in rules), key=_gravity),
        "text": said.most_common(1)[0][0],
        "reason": rules[0].get("reason") or "",
        "source": source(rules[0]),
        "outcomes": Counter(rule["outcome"] for rule in rules),
    }
