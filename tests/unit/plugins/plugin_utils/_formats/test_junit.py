# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# JUnit, held against the schemas of what reads it, with what relays may say to break it.

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ansible", reason="ansible-core is not installed for this Python")

from lxml import etree

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.junit import as_junit
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import Assessment
from ansible_collections.postmaster.mailcheck.tests.support import assessments
from ansible_collections.postmaster.mailcheck.tests.support.assessments import mixed
from ansible_collections.postmaster.mailcheck.tests.support.sweeps import EVIL

# What Jenkins publishes, and what Ant's own reports keep to, which is stricter.
SCHEMAS = [
    etree.XMLSchema(etree.parse(str(Path(__file__).with_name(name)))) for name in ("jenkins-junit-10.xsd", "junit.xsd")
]


@pytest.fixture(scope="module")
def evil() -> Assessment:
    return assessments.evil()


def read_junit(assessment: Assessment) -> Any:
    tree = etree.fromstring(as_junit(assessment).encode())
    for schema in SCHEMAS:
        schema.assertValid(tree)
    return tree


def test_junit_keeps_to_the_schemas(evil: Assessment) -> None:
    tree = read_junit(evil)
    suites = tree.findall("testsuite")
    assert [suite.get("name") for suite in suites] == [*(row["id"] for row in evil["endpoints"]), "waivers"]
    broken = suites[1]
    assert [case.get("name") for case in broken.findall("testcase")] == ["check", "one", "two", "three"]
    assert [broken.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["4", "1", "1", "1"]
    (failure,) = broken.iter("failure")
    assert (failure.get("type"), failure.get("message")) == ("high", EVIL)
    assert f"Source: RFC 5321 4.2\nRemedy: {EVIL}" in failure.text
    assert [one.get("message") for one in broken.iter("skipped")] == [f"until 2026-12-31 by {EVIL}: {EVIL}"]
    assert [(one.get("type"), one.get("message")) for one in broken.iter("error")] == [("medium", "the rule three")]
    assert broken.findtext("system-out") == EVIL
    assert [case.find("failure") is not None for case in suites[3]][1:3] == [False, True]  # after properties


def test_junit_of_texts_that_xml_cannot_hold() -> None:
    tree = read_junit(mixed("nul \0 bell \x07 end"))
    assert "nul \ufffd bell \ufffd end" in [suite.findtext("system-out") for suite in tree]
