# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The rows of the page: the matrix, and the details that it leads to.
#
# Both grow with relays times rules, so they are put together here and not in the template. Everything that is not one
# of our own words goes through escape().

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup, escape

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.text import where
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.page.standing import STATES
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.page.todo import told_apart
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.words import IN_WORDS, counted, waived_by
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import OUTCOMES, kinds

if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

    from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import Row, Rule

    Placed = Tuple[int, Row, str]  # a row, its place in the assessment, and its state

_PORT = re.compile(r"^(.*?)(:\d{1,5})( .*)?$", re.DOTALL)
_TYPED = re.compile("`([^`]+)`")
_PROOFS = {"none": "Proof: none, it is a suspicion", "reply": "Proof: its reply", "message": "Proof: a message arrived"}
_MET = '<td class="o met">met</td>'
_NONE = '<td class="o none"></td>'
_LAST_TO_TELL = ("unmet", "unknown", "waived", "met")  # in the details


class Table(NamedTuple):
    """The matrix of one kind: its rules are columns, its rows are markup."""

    kind: str
    title: str
    rules: List[str]
    lines: List[Markup]


def name_of(row_id: str) -> Markup:
    """A subject's name, that is broken over lines where its labels end, and never in its port."""
    found = _PORT.match(row_id)
    host, port, rest = (escape(part or "") for part in (found.groups() if found else (row_id, "", "")))
    host = Markup(str(host).replace(".", ".<wbr>"))
    return Markup('%s<span class="port">%s</span>%s') % (host, port, rest) if port else host


def rule_name(name: str) -> Markup:
    """A rule's name, that may be broken between its words."""
    return Markup(str(escape(name)).replace("_", "_<wbr>"))


def link_to(index: int, row_id: str) -> Markup:
    """A link to a subject's details, its name once more in one piece: readers aloud take places to break for spaces."""
    return Markup('<a href="#s%d" aria-label="%s">%s</a>') % (index, row_id, name_of(row_id))


def tables(placed: Sequence[Placed]) -> List[Table]:
    """Return a matrix for each kind of subject, its rows in the order given."""
    made = []
    for kind, number in kinds([row for _index, row, _state in placed]).items():
        own = [one for one in placed if one[1]["subject"]["kind"] == kind]
        rules = list(
            dict.fromkeys(rule["id"] for _index, row, _state in sorted(own, key=_place) for rule in row["rules"])
        )
        cells = {rule: {one: _cell(rule, one) for one in OUTCOMES} for rule in rules}
        lines = [_line(kind, index, row, state, rules, cells) for index, row, state in own]
        made.append(Table(kind, counted(number, kind), rules, lines))
    return made


def _place(placed: Placed) -> int:
    return placed[0]


def _cell(rule: str, outcome: str) -> str:
    """One cell; where columns have no room, on a phone, it says which rule it is about."""
    if outcome == "met":
        return _MET
    return '<td class="o %s">%s<i> %s</i></td>' % (outcome, IN_WORDS[outcome], escape(rule.replace("_", " ")))


def _line(
    kind: str, index: int, row: Row, state: str, rules: Sequence[str], cells: Mapping[str, Mapping[str, str]]
) -> Markup:
    outcomes = {rule["id"]: rule["outcome"] for rule in row["rules"]}
    met = sum(outcome == "met" for outcome in outcomes.values())
    parts = [
        '<tr id="r%d" data-state="%s" data-outcomes="%s">' % (index, state, " ".join(sorted(set(outcomes.values())))),
        '<th scope="row">%s</th>' % link_to(index, row["id"]),
        '<td class="state"><span class="chip %s">%s</span>%s</td>' % (state, STATES[state], _cause(row)),
        '<td class="of">%d of %d</td>' % (met, len(row["rules"])),
    ]
    if kind == "relay":
        days, tls = row["days_left"], row["tls"]
        parts.append('<td class="tls">%s</td>' % escape((tls and tls["version"]) or ""))
        parts.append('<td class="days">%s</td>' % ("" if days is None else escape(days)))
    parts.extend(cells[rule][outcomes[rule]] if rule in outcomes else _NONE for rule in rules)
    return Markup("".join(parts) + "</tr>")


def _cause(row: Row) -> str:
    cause = row["cause"]
    return "" if cause in (None, "rule_unmet") else "<small>%s</small>" % escape(str(cause).replace("_", " "))


# The details of one subject


class Details(NamedTuple):
    """What is known of one subject, ready for the template."""

    place: int
    name: Markup
    state: str
    msg: str
    facts: List[Tuple[str, str]]
    rules: Markup
    dialogues: List[Tuple[str, str]]  # a title, and the lines of a dialogue
    records: Sequence[Mapping[str, Any]]  # to publish


def details(placed: Sequence[Placed]) -> List[Details]:
    return [
        Details(
            index, name_of(row["id"]), state, _said(row), _facts(row), _rule_lines(row["rules"]), _dialogues(row),
            row.get("records") or (),
        )
        for index, row, state in placed
    ]  # fmt: skip


def _said(row: Row) -> str:
    """What it came to, without the name, beside which it stands."""
    name, mark, said = row["msg"].partition(": ")
    named = (row["id"], row["name"], row.get("host") and where(row["host"], row["port"]))
    return said if mark and name in named else row["msg"]


def with_code(text: str) -> Markup:
    """Text in which what stands between backticks is to be typed."""
    return Markup(_TYPED.sub(r"<code>\1</code>", str(escape(text))))


def _facts(row: Row) -> List[Tuple[str, str]]:
    tls: Mapping[str, Any] = row["tls"] or {}
    trust = {True: "verified", False: "not verified", None: "not judged"}
    found: Dict[str, Any] = {
        "Verdict": row["verdict"].replace("_", " "),
        "Cause": row["cause"],
        **{name.capitalize(): value for name, value in row["subject"]["identity"].items()},
        "Warnings": "; ".join("%(title)s: %(text)s" % remark for remark in row.get("remarks") or ()),
        "Address": row["address"],
        "Seen from": row.get("local_address"),
        "Greeting": row["greeting"],
        "Arrived": "; ".join(map(_arrived, row.get("arrivals") or ())),
        "TLS": ", ".join(filter(None, (tls.get("version"), tls.get("cipher"), trust.get(tls.get("verified")))))
        if tls
        else None,
        "Certificate": row["certificate"],
        "Valid until": row["not_after"],
        "Days left": row["days_left"],
        "Seconds": row["seconds"],
        "Checked at": row["checked_at"],
        **{str(name): value for name, value in row["labels"].items()},
    }
    return [(name, plain(value)) for name, value in found.items() if value not in (None, "")]


def _arrived(one: Mapping[str, Any]) -> str:
    if not one["found"]:
        return "not found" if one["found"] is False else "not known"
    return "in %s after %s s" % (one["folder"], plain(one["seconds"]))


def plain(value: Any) -> str:
    """Return a fact as a reader would write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return "%.4g" % value
    if isinstance(value, dict):
        return ", ".join("%s %s" % (name, plain(one)) for name, one in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(plain, value)) or "none"
    return "nothing" if value is None else str(value)


def _rule_lines(rules: Iterable[Rule]) -> Markup:
    """The rows of a table: what is not met first."""
    made = []
    for rule in sorted(rules, key=lambda one: _LAST_TO_TELL.index(one["outcome"])):
        outcome, (expected, seen) = rule["outcome"], told_apart(rule)
        made.append(
            '<tr><th scope="row">%s</th><td><span class="chip %s">%s</span></td><td>%s%s</td><td>%s</td></tr>'
            % (
                rule_name(rule["id"]), outcome, IN_WORDS[outcome], with_code(expected), _besides(rule),
                with_code(seen or _observed(rule)),
            )
        )  # fmt: skip
    return Markup("".join(made))


def _observed(rule: Rule) -> str:
    """What was seen of a rule that is met; of two codes, whose is which."""
    codes = rule["observed"]
    if rule["id"] == "relaying_refused" and isinstance(codes, list) and len(codes) == 2:
        return "the control recipient was answered %s, the stranger's %s" % tuple(map(plain, codes))
    return plain(codes)


def _besides(rule: Rule) -> str:
    """What there is to say of a rule that is not met."""
    if rule["outcome"] == "met":
        return ""
    said = [rule["remedy"] and "Remedy: " + rule["remedy"]]
    said.append(_PROOFS.get(rule.get("proof") or "", ""))
    said.append("Waived " + waived_by(rule["waiver"]) if "waiver" in rule else "")
    said.append("A waiver has expired: " + waived_by(rule["expired_waiver"]) if "expired_waiver" in rule else "")
    return "".join("<p>%s</p>" % with_code(line) for line in said if line)


def _dialogues(row: Row) -> List[Tuple[str, str]]:
    """Return all that was said: on the connection of the check, and on those of rules that looked for themselves."""
    found = [("The check", row["transcript"])]
    for rule in row["rules"]:
        found.extend(("For %s" % rule["id"], one) for one in rule.get("dialogues") or ())
    return [("%s, %s" % (title, counted(len(said), "line")), _dialogue(said)) for title, said in found if said]


def _dialogue(said: Optional[Iterable[Mapping[str, Any]]]) -> str:
    """As a transcript is shown in a terminal: seconds, whether inside TLS, who speaks."""
    lines = []
    for entry in said or ():
        head = "%8.3f %s %s " % (entry["at"], "TLS" if entry["tls"] else "   ", "<>"[entry["from"] == "client"])
        lines.append(head + str(entry["text"]).replace("\n", "\n" + " " * len(head)))
    return "\n".join(lines)
