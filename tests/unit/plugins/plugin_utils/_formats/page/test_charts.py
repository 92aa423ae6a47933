# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What charts show: that shapes are where numbers say.

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

pytest.importorskip("ansible", reason="ansible-core is not installed for this Python")

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._assessment import assess
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.page import charts
from ansible_collections.postmaster.mailcheck.tests.support.sweeps import DAY, relay, result, rule, unreachable

ROWS = assess(
    result(
        relay("a", seconds=0.2), relay("b", [rule("one", "unmet", "low")], seconds=30.0),
        relay("c", tls={"version": "TLSv1.2", "cipher": None, "verified": True}, seconds=0.3), unreachable(seconds=None),
    ),
    today=DAY,
)["endpoints"]  # fmt: skip


def widths(svg: str) -> list[tuple[str, float]]:
    """The parts of a bar, each a class and its width."""
    return [(one.attrib["class"], float(one.attrib["width"].rstrip("%"))) for one in ET.fromstring(svg)]


def test_the_longest_bar_fills_the_width() -> None:
    long, short, none = charts.bars({"a": 4, "b": 1, "c": 0})
    assert (long.label, long.number, widths(long.svg)) == ("a", 4, [("plain", 100.0)])
    assert (widths(short.svg), widths(none.svg)) == ([("plain", 25.0)], [])


def test_the_parts_of_the_ring_make_a_whole() -> None:
    arcs = ET.fromstring(charts.ring({"met": 6, "unmet": 3, "unknown": 1}))[0][1:]
    shares = [float(arc.attrib["stroke-dasharray"].split()[0]) for arc in arcs]
    assert shares == [60.0, 30.0, 10.0]
    assert [-float(arc.attrib["stroke-dashoffset"]) for arc in arcs] == [0.0, 60.0, 90.0]  # each begins where one ends
    assert len(ET.fromstring(charts.ring({}))[0]) == 1  # nothing was judged: an empty ring


def test_rules_by_severity() -> None:
    high, low = charts.by_severity(ROWS)
    assert (high.label, high.number) == ("high", 10)
    assert widths(high.svg) == [("met", 70.0), ("unmet", 10.0), ("unknown", 20.0)]
    assert (low.label, widths(low.svg)) == ("low", [("unmet", 100.0)])


def test_tls_versions_the_newest_first() -> None:
    assert list(charts.tls_versions(ROWS).items()) == [("TLSv1.3", 2), ("TLSv1.2", 1), ("none seen", 1)]


def test_versions_of_any_form_are_sorted() -> None:
    odd = assess(
        result(*(relay(name, tls={"version": name}) for name in ("SSLv3", "DTLSv1.2.3", "x", "TLSv1"))), today=DAY
    )
    assert set(charts.tls_versions(odd["endpoints"])) == {"SSLv3", "DTLSv1.2.3", "x", "TLSv1"}


def test_causes_are_those_of_checks() -> None:
    assert charts.causes(ROWS) == {"connection_refused": 1}


def test_how_long_checks_took() -> None:
    found = charts.times(ROWS)
    assert found is not None
    assert found.spans == {"≤ 0.25 s": 1, "≤ 0.5 s": 1, "≤ 1 s": 0, "≤ 2.5 s": 0, "≤ 5 s": 0, "≤ 10 s": 0, "> 10 s": 1}
    assert found[1:] == (0.3, 30.0, "b:25")
    assert charts.times(ROWS[3:]) is None


def dots(days: list[int]) -> list[tuple[str, float]]:
    found = re.findall(r'<circle class="dot (\w+)" cx="([\d.]+)%"', charts.time_line(days))
    return [(style, float(place)) for style, place in found]


def test_certificates_stand_by_their_days() -> None:
    expired, soon, later, far = dots([-3, 5, 200, 4000])
    assert [one[0] for one in (expired, soon, later, far)] == ["unmet", "unmet", "met", "met"]
    assert expired[1] < 12 < soon[1] < later[1] < far[1] <= 100
    assert dots([20]) == [("waived", dots([20])[0][1])]


def test_a_stack_of_certificates_has_an_end() -> None:
    svg = charts.time_line([90] * 500)
    assert svg.count("<circle") == 8
    assert ">500</text>" in svg
    assert 'aria-label="When certificates expire: 0 expired, 0 within 30 days, 500 later"' in svg
