# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The table for terminals.

from __future__ import annotations

import pytest

pytest.importorskip("ansible", reason="ansible-core is not installed for this Python")

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._assessment import assess
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.table import as_table
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import AssessmentError
from ansible_collections.postmaster.mailcheck.tests.support.assessments import WAIVERS, mixed
from ansible_collections.postmaster.mailcheck.tests.support.sweeps import DAY, relay, result


def test_a_table_steers_no_terminal_and_has_a_line_for_each_relay() -> None:
    text = as_table(assess(result(relay("a \x1b[2J\u202e\nb")), today=DAY))
    assert text.count("\n") == 1
    assert "a \\x1b[2J\\u202e\\nb" in text


def test_the_table() -> None:
    given = mixed(waivers=WAIVERS[:1])
    assert as_table(given).splitlines() == [
        "assessment  verdict      relay                tls      days  why",
        "met         passed       good.example.com:25  TLSv1.3  47",
        "unmet       failed       a.example.com:25     TLSv1.3  47    one; not judged: three; waived: two",
        "unmet       unreachable  plain:25             -              connection_refused",
    ]


def test_the_table_of_changes() -> None:
    given = mixed(
        previous=assess(result(relay("good.example.com"), relay("b.example.com", verdict="failed")), today=DAY)
    )
    assert as_table(given, of="changes").splitlines() == [
        "relay             what      before  now",
        "a.example.com:25  endpoint  -       failed",
        "plain:25          endpoint  -       unreachable",
        "b.example.com:25  endpoint  failed  -",
    ]


def test_the_table_of_waivers_tells_which_excuse_nothing() -> None:
    reason = {"reason": "Old clients", "owner": "ops", "expires": "2026-12-31"}
    given = mixed(waivers=[{"rule": rule, "endpoint": "*", **reason} for rule in ("two", "four")])
    assert as_table(given, of="waivers").splitlines() == [
        "state   rule  endpoint  expires     owner  reason       note",
        "active  two   *         2026-12-31  ops    Old clients  -",
        "unused  four  *         2026-12-31  ops    Old clients  it has no rule of this name",
    ]


def test_without_changes_or_waivers_the_head_stands_alone() -> None:
    given = assess(result(relay("a\x1b")), today=DAY)
    assert as_table(given, of="changes").split() == ["relay", "what", "before", "now"]
    assert as_table(given, of="waivers").count("\n") == 0


def test_a_table_of_what_there_is_not() -> None:
    with pytest.raises(AssessmentError, match="of: must be one of subjects, changes, waivers"):
        as_table(mixed(), of="relays")
