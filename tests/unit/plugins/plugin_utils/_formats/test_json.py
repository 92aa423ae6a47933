# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# JSON: read back, and compared line by line.

from __future__ import annotations

import json

import pytest

pytest.importorskip("ansible", reason="ansible-core is not installed for this Python")

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._assessment import assess
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.json import as_json
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import Assessment
from ansible_collections.postmaster.mailcheck.tests.support import assessments
from ansible_collections.postmaster.mailcheck.tests.support.sweeps import DAY, relay, result, rule


@pytest.fixture(scope="module")
def evil() -> Assessment:
    return assessments.evil()


def test_json_is_the_assessment(evil: Assessment) -> None:
    text = as_json(evil)
    assert json.loads(text) == evil
    rules = [line for line in text.splitlines() if '"outcome"' in line]
    assert len(rules) == sum(len(row["rules"]) for row in evil["endpoints"])  # a line each


def test_a_change_of_one_rule_changes_one_line_of_its_relay() -> None:
    texts = [
        as_json(assess(result(relay(rules=[rule("one", one), rule("two", "unmet")])), today=DAY), stable=True)
        for one in ("met", "unmet")
    ]
    lines = [text.splitlines() for text in texts]
    assert len(lines[0]) == len(lines[1])
    changed = [line.strip() for line, other in zip(*lines, strict=True) if line != other]
    assert len([line for line in changed if '"one"' in line]) == 1
    assert len(changed) == 3  # the rule, and the summary's two counts
