# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Small charts as SVG inside the page: shapes at percentages of the width, so that they fit any; colours are classes of
# the page's style. Whatever a chart shows stands in words beside it.

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import OUTCOMES, SEVERITIES

if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence

    from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import Row

_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # where one bar of the histogram ends
_UNSEEN = "none seen"
_SOON, _URGENT = 30, 14  # days left
# The time line: a few days that have run out, then more and more room for a day the nearer it is.
_TODAY, _FARTHEST, _TICKS = 12.0, 400, (14, 30, 90, 180, 365)
_DOT, _STACK = 1.5, 8  # the width of a dot, per cent; how many at most stand above one another


class Bar(NamedTuple):
    """One line of a chart of bars: a label, a number, and the bar itself."""

    label: str
    number: int
    svg: Markup


def bars(counts: Mapping[str, int], style: str = "plain") -> List[Bar]:
    """Return a bar for each count, the longest as wide as the chart; `style` is a class."""
    most = max(counts.values(), default=0)
    return [Bar(label, number, _strip([(style, number)], most)) for label, number in counts.items()]


def _strip(parts: Iterable[Any], whole: float) -> Markup:
    """A bar of parts, each a class and a number, of a whole that fills the width."""
    at, shapes = 0.0, []
    for style, number in parts:
        width = 100.0 * number / whole if whole else 0.0
        if width:
            shapes.append('<rect class="%s" x="%.2f%%" width="%.2f%%" height="100%%"/>' % (style, at, width))
        at += width
    return Markup('<svg class="bar" aria-hidden="true" focusable="false">%s</svg>' % "".join(shapes))


def ring(weights: Mapping[str, int]) -> Markup:
    """The share of each outcome, as a ring that begins at the top."""
    whole, at, arcs = sum(weights.values()), 0.0, []
    for outcome in OUTCOMES:
        share = 100.0 * weights.get(outcome, 0) / whole if whole else 0.0
        if share:
            arcs.append(
                '<circle class="arc %s" cx="60" cy="60" r="50" pathLength="100" stroke-dasharray="%.2f %.2f" '
                'stroke-dashoffset="%.2f"/>' % (outcome, share, 100 - share, -at)
            )
        at += share
    back = '<circle class="arc none" cx="60" cy="60" r="50"/>'
    text = '<svg class="ring" viewBox="0 0 120 120" aria-hidden="true" focusable="false"><g>%s%s</g></svg>'
    return Markup(text % (back, "".join(arcs)))


def by_severity(rows: Sequence[Row]) -> List[Bar]:
    """Return a bar for each severity, the gravest first: the outcomes of its rules."""
    found: Dict[str, Counter[str]] = {severity: Counter() for severity in reversed(SEVERITIES)}
    for row in rows:
        for rule in row["rules"]:
            found.setdefault(rule["severity"], Counter())[rule["outcome"]] += 1
    made = []
    for severity, outcomes in found.items():
        number = sum(outcomes.values())
        if number:
            made.append(Bar(severity, number, _strip([(one, outcomes[one]) for one in OUTCOMES], number)))
    return made


def tls_versions(rows: Sequence[Row]) -> Dict[str, int]:
    """Return how many relays agreed on which version, the newest first; those of which none is known last.

    Nothing where none of them has any.
    """
    relays = [row["tls"] for row in rows if row["subject"]["kind"] == "relay"]
    found = Counter((tls and tls["version"]) or _UNSEEN for tls in relays)
    if list(found) == [_UNSEEN]:
        return {}
    return dict(sorted(found.items(), key=lambda one: (one[0] == _UNSEEN, -_version(one[0]))))


def _version(name: str) -> float:
    digits = "".join(part for part in name if part.isascii() and (part.isdigit() or part == "."))
    return float(digits) if digits.count(".") < 2 and digits.strip(".") else 0.0


def causes(rows: Sequence[Row]) -> Dict[str, int]:
    """Return why checks failed, the commonest first."""
    found = Counter(str(row["cause"]) for row in rows if row["cause"] not in (None, "rule_unmet"))
    return dict(found.most_common())


class Times(NamedTuple):
    """How long checks took: how many in each span, and in seconds the one in the middle and the longest."""

    spans: Dict[str, int]
    median: float
    longest: float
    slowest: str  # whose it is


def times(rows: Sequence[Row]) -> Optional[Times]:
    taken = sorted((float(row["seconds"]), row["id"]) for row in rows if row["seconds"] is not None)
    if not taken:
        return None
    spans = dict.fromkeys([*("≤ %g s" % end for end in _SECONDS), "> %g s" % _SECONDS[-1]], 0)
    names = list(spans)
    for seconds, _name in taken:
        spans[names[sum(seconds > end for end in _SECONDS)]] += 1
    shown = [place for place, number in enumerate(spans.values()) if number]
    kept = dict(list(spans.items())[shown[0] : shown[-1] + 1])
    return Times(kept, taken[len(taken) // 2][0], *taken[-1])


def time_line(days: Sequence[int]) -> Markup:
    """A dot for each certificate at the days that it is still valid; those of about the same day stand in a stack."""
    stacks: Dict[int, List[int]] = {}
    for left in sorted(days):
        stacks.setdefault(round(_place(left) / _DOT), []).append(left)
    ground = 26 + 11 * min(max(map(len, stacks.values()), default=1), _STACK)
    shapes = [
        _zone("unmet", 0, _TODAY, ground),
        _zone("waived", _TODAY, _place(_SOON), ground),
        '<line class="axis" x1="0" x2="100%%" y1="%d" y2="%d"/>' % (ground, ground),
        _text(2, ground + 14, "expired"),
        _text(_TODAY, ground + 14, "today"),
        *(_text(_place(tick), ground + 14, _tick(tick)) for tick in _TICKS),
    ]
    for column, stack in stacks.items():
        place = column * _DOT
        for level, left in enumerate(stack[:_STACK]):
            shape = '<circle class="dot %s" cx="%.2f%%" cy="%d" r="5"/>'
            shapes.append(shape % (days_class(left), place, ground - 7 - 11 * level))
        if len(stack) > _STACK:
            shapes.append(_text(place, ground - 15 - 11 * (_STACK - 1), str(len(stack))))
    text = '<svg class="line" height="%d" role="img" aria-label="%s">%s</svg>'
    return Markup(text % (ground + 18, _in_words(days), "".join(shapes)))


def _zone(style: str, start: float, end: float, height: int) -> str:
    shape = '<rect class="zone %s" x="%.1f%%" width="%.1f%%" height="%d"/>'
    return shape % (style, start, end - start, height)


def _text(place: float, y: int, text: str) -> str:
    anchor = "start" if place < _TODAY else "middle"
    return '<text x="%.2f%%" y="%d" text-anchor="%s">%s</text>' % (place, y, anchor, text)


def _place(days: float) -> float:
    """Where a day is, per cent of the width."""
    if days < 0:
        return _TODAY - (_TODAY - 2) * math.sqrt(min(-days, 90) / 90)
    return _TODAY + (97 - _TODAY) * math.sqrt(min(days, _FARTHEST) / _FARTHEST)


def _tick(days: int) -> str:
    return "1 year" if days == 365 else "%d days" % days if days == _TICKS[0] else str(days)


def _in_words(days: Sequence[int]) -> str:
    counts = (
        ("expired", sum(left < 0 for left in days)),
        ("within %d days" % _SOON, sum(0 <= left < _SOON for left in days)),
        ("later", sum(left >= _SOON for left in days)),
    )
    return "When certificates expire: " + ", ".join("%d %s" % (number, words) for words, number in counts)


def days_class(days: int) -> str:
    """Return how urgent it is to renew a certificate: a class."""
    return "unmet" if days < _URGENT else "waived" if days < _SOON else "met"
