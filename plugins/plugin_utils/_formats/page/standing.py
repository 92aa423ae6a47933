# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# How things stand, at a glance: what each subject comes to, a sentence, and what changed since the last run.
#
# A verdict is about the check alone; here a breach that is waived is no failure, and what was not judged no success.

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.words import counted, in_word
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._score import score_of, weight_of
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import AS_SUCH, in_words, kinds

if TYPE_CHECKING:
    from typing import Dict, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

    from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import Assessment, Change, Row

# What a subject may come to, the most urgent first, and how it is said.
STATES = {
    "failed": "failed",
    "unreachable": "unreachable",
    "deferred": "deferred",
    "not_checked": "not checked",
    "not_judged": "not judged",
    "advised": "advice",
    "waived": "waived",
    "passed": "passed",
}
# What is said of one, and of several: of those that need work, then of the others.
_NEED_WORK = {
    "failed": ("fails", "fail"),
    "unreachable": ("does not answer", "do not answer"),
    "deferred": ("puts us off for now", "put us off for now"),
    "not_checked": ("was not checked", "were not checked"),
}
_BESIDES = {
    "not_judged": ("could not be judged in full", "could not be judged in full"),
    "advised": ("has advice of low severity", "have advice of low severity"),
    "waived": ("breaks a rule that a waiver excuses", "break rules that waivers excuse"),
}


def state_of(row: Row) -> str:
    """Return what a subject comes to, of STATES."""
    if row["verdict"] in ("unreachable", "deferred", "not_checked"):
        outcomes = {rule["outcome"] for rule in row["rules"] if rule["id"] in AS_SUCH}
        return "waived" if "waived" in outcomes and "unmet" not in outcomes else row["verdict"]
    if row["assessment"] == "unmet":
        return "advised" if row["verdict"] == "passed" else "failed"
    return {"unknown": "not_judged", "waived": "waived"}.get(row["assessment"], "passed")


def sentence_of(rows: Sequence[Row], states: Mapping[str, int]) -> Tuple[str, str]:
    """Say how many of the subjects need work, and in another sentence what there is to know of others, if there is."""
    if not rows:
        return "Nothing was checked.", ""
    besides = _told(_BESIDES, states)
    needing = sum(states.get(state, 0) for state in _NEED_WORK)
    if len(rows) == 1:
        words = [forms[0] for state, forms in {**_NEED_WORK, **_BESIDES}.items() if states.get(state)]
        return "The %s %s." % (next(iter(kinds(rows))), words[0] if words else "keeps every rule"), ""
    if needing:
        passed = states.get("passed", 0)
        told = "%s of %d %s %s every rule; %d %s work: %s." % (
            passed or "None", len(rows), in_words(rows, " and "), "keeps" if passed < 2 else "keep",
            needing, "needs" if needing == 1 else "need", ", ".join(_told(_NEED_WORK, states)),
        )  # fmt: skip
    elif besides:
        told = "None of %d %s needs work at once." % (len(rows), in_words(rows, " and "))
    else:
        told = "All %d %s keep every rule." % (len(rows), in_words(rows, " and "))
    return told, "%s." % ", ".join(besides) if besides else ""


def _told(words: Mapping[str, Tuple[str, str]], states: Mapping[str, int]) -> List[str]:
    return ["%d %s" % (states[state], forms[states[state] != 1]) for state, forms in words.items() if states.get(state)]


def since_last_run(assessment: Assessment) -> List[Tuple[str, str]]:
    """Return what differs from the last run as short phrases, each with what it is: `better`, `worse` or `other`."""
    changes = assessment["changes"] or ()
    rules = [(one["before"], one["now"]) for one in changes if one["what"].startswith("rule ")]
    subjects = [(one["before"], one["now"]) for one in changes if one["what"] == "endpoint"]
    counts = (
        ("worse", sum(now == "unmet" for _before, now in rules), "broken anew"),
        ("better", sum(pair == ("unmet", "met") for pair in rules), "mended"),
        ("other", sum(before is None for before, _now in subjects), "new here"),
        ("other", sum(now is None for _before, now in subjects), "gone"),
    )
    told = [(kind, "%d %s" % (number, words)) for kind, number, words in counts if number]
    if changes and not told:
        told = [("other", counted(len(changes), "smaller change"))]
    return [*_score_since(assessment), *(told or [("other", "nothing has changed")])]


def _score_since(assessment: Assessment) -> Iterator[Tuple[str, str]]:
    now, before = score_of(assessment["endpoints"]).percent, assessment.get("last")
    last = before["score"] if before else None
    if now is None or last is None:
        return
    if now == last:
        yield "other", "score %d %% as before" % now
    else:
        yield "better" if now > last else "worse", "score %d %%, before %d %%" % (now, last)


_VALUES = {None: "none", "not_checked": "not checked"}


class Same(NamedTuple):
    """Subjects to which the same happened: each line is what changed, its value before, and now."""

    names: List[str]
    lines: List[Tuple[str, str, str]]


def in_short(changes: Sequence[Change]) -> List[Same]:
    """Return the changes by subject, those of all to which the same happened at once, the commonest first."""
    by_subject: Dict[str, Dict[Tuple[str, str], List[str]]] = {}
    for one in changes:
        pair = tuple(_VALUES.get(value, str(in_word(value))) for value in (one["before"], one["now"]))
        name = one["what"].partition("rule ")[2] or one["what"]
        by_subject.setdefault(one["endpoint"], {}).setdefault((pair[0], pair[1]), []).append(name)
    same: Dict[Tuple[Tuple[str, str, str], ...], List[str]] = {}
    for name, pairs in by_subject.items():
        lines = tuple((_listed(names), before, now) for (before, now), names in pairs.items())
        same.setdefault(lines, []).append(name)
    return sorted((Same(names, list(lines)) for lines, names in same.items()), key=lambda one: -len(one.names))


def _listed(names: Sequence[str]) -> str:
    """Name a few rules, and count the others: a check that failed leaves all of them open."""
    return ", ".join(names if len(names) < 5 else [*names[:3], "%d more rules" % (len(names) - 3)])


def broken_anew(changes: Optional[Sequence[Change]]) -> Set[Tuple[str, str]]:
    """Return the names of subjects and rules that are unmet now and were not in the last run."""
    return {(one["endpoint"], one["what"].partition(" ")[2]) for one in changes or () if one["now"] == "unmet"}


def worst_first(assessment: Assessment) -> List[Tuple[int, Row, str]]:
    """Return each row with its place and its state: the most urgent first, then those whose breaches weigh most."""
    order = {state: place for place, state in enumerate(STATES)}
    rows = [(index, row, state_of(row)) for index, row in enumerate(assessment["endpoints"])]
    return sorted(rows, key=lambda one: (order[one[2]], -_unmet_weight(one[1])))


def _unmet_weight(row: Row) -> int:
    return sum(weight_of(rule) for rule in row["rules"] if rule["outcome"] == "unmet")


def tally(rows: Sequence[Tuple[int, Row, str]]) -> Dict[str, int]:
    """Return state -> how many, the most urgent first."""
    counts = Counter(state for _index, _row, state in rows)
    return {state: counts[state] for state in STATES if counts[state]}
