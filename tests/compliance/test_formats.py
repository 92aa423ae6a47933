# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The formats, each read back by a reader that is not ours, with what relays may say to break them.

from __future__ import annotations

import html.parser
import json
from pathlib import Path
from typing import Any, Callable

import pytest
from ansible.errors import AnsibleFilterError
from lxml import etree
from prometheus_client.parser import text_string_to_metric_families

from ansible_collections.postmaster.mailcheck.plugins.filter.report_table import FilterModule as ReportTable
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils import formats
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils.assessment import assess
from ansible_collections.postmaster.mailcheck.tests.compliance.sweeps import (
    DAY,
    EVIL,
    Row,
    big_result,
    relay,
    result,
    rule,
    unreachable,
)

# What Jenkins publishes, and what Ant's own reports keep to, which is stricter.
SCHEMAS = [
    etree.XMLSchema(etree.parse(str(Path(__file__).with_name(name)))) for name in ("jenkins-junit-10.xsd", "junit.xsd")
]
ALL: dict[str, Callable[[Row], str]] = {
    "json": formats.as_json,
    "stable": lambda assessment: formats.as_json(assessment, stable=True),
    "junit": formats.as_junit,
    "prometheus": formats.as_prometheus,
    "markdown": formats.as_markdown,
    "html": formats.as_html,
    "table": formats.as_table,
}
WAIVERS = [
    {"rule": "two", "endpoint": "*", "reason": EVIL, "owner": EVIL, "expires": "2026-12-31"},
    {"rule": "gone", "endpoint": EVIL, "reason": "old", "owner": "ops", "expires": "2026-01-01"},
]


def mixed(words: str = "plain", **more: Any) -> Row:
    """A relay of each kind, that speaks in `words`."""
    broken = relay(
        rules=[
            rule("one", "unmet", text=words, observed=words, remedy=words, document="RFC 5321", section="4.2"),
            rule("two", "unmet", "low"),
            rule("three", "unknown", "medium"),
        ],
        msg=words, labels={"site": words}, greeting={"code": 220, "text": words}, checked_at="2026-06-15T10:00:00Z",
        transcript=[{"at": 0.0, "from": "server", "text": words, "tls": False}],
    )  # fmt: skip
    failure = {"stage": "connect", "cause": "connection_refused", "code": None, "text": words, "hint": words}
    return assess(
        result(relay("good.example.com"), broken, unreachable(name=words, failure=failure)), today=DAY, **more
    )


@pytest.fixture(scope="module")
def evil() -> Row:
    return mixed(EVIL, waivers=WAIVERS, previous=assess(result(relay(EVIL)), today=DAY), title=EVIL)


@pytest.mark.parametrize("name", ALL)
def test_equal_assessments_give_equal_text(name: str) -> None:
    assert ALL[name](mixed()) == ALL[name](mixed())


@pytest.mark.parametrize("name", ALL)
def test_an_empty_fleet_can_be_written(name: str) -> None:
    text = ALL[name](assess(result(), today=DAY))
    assert text.strip()


@pytest.mark.parametrize("name", ALL)
def test_every_text_can_be_encoded(name: str) -> None:
    # The engine shows controls as escapes; labels and waivers come from the caller as they are.
    given = mixed("nul \0 bell \x07 escape \x1b[31m lone \ud800 far \U0001f4e7 line\nend")
    assert ALL[name](given).encode("utf-8", "strict")


def test_a_table_steers_no_terminal_and_has_a_line_for_each_relay() -> None:
    text = formats.as_table(assess(result(relay("a \x1b[2J\u202e\nb")), today=DAY))
    assert text.count("\n") == 1
    assert "a \\x1b[2J\\u202e\\nb" in text


# JSON


def test_json_is_the_assessment(evil: Row) -> None:
    text = formats.as_json(evil)
    assert json.loads(text) == evil
    rules = [line for line in text.splitlines() if '"outcome"' in line]
    assert len(rules) == sum(len(row["rules"]) for row in evil["endpoints"])  # a line each


def test_a_change_of_one_rule_changes_one_line_of_its_relay() -> None:
    texts = [
        formats.as_json(assess(result(relay(rules=[rule("one", one), rule("two", "unmet")])), today=DAY), stable=True)
        for one in ("met", "unmet")
    ]
    lines = [text.splitlines() for text in texts]
    assert len(lines[0]) == len(lines[1])
    changed = [line.strip() for line, other in zip(*lines, strict=True) if line != other]
    assert len([line for line in changed if '"one"' in line]) == 1
    assert len(changed) == 3  # the rule, and the summary's two counts


# JUnit


def read_junit(assessment: Row) -> Any:
    tree = etree.fromstring(formats.as_junit(assessment).encode())
    for schema in SCHEMAS:
        schema.assertValid(tree)
    return tree


def test_junit_keeps_to_the_schemas(evil: Row) -> None:
    tree = read_junit(evil)
    suites = tree.findall("testsuite")
    assert [suite.get("name") for suite in suites] == [*(row["id"] for row in evil["endpoints"]), "waivers"]
    broken = suites[1]
    assert [case.get("name") for case in broken.findall("testcase")] == ["check", "one", "two", "three"]
    assert [broken.get(name) for name in ("tests", "failures", "skipped")] == ["4", "1", "2"]
    (failure,) = broken.iter("failure")
    assert (failure.get("type"), failure.get("message")) == ("high", EVIL)
    assert f"Source: RFC 5321 4.2\nRemedy: {EVIL}" in failure.text
    assert [one.get("message") for one in broken.iter("skipped")] == [
        f"until 2026-12-31 by {EVIL}: {EVIL}",
        "the rule three",
    ]
    assert broken.findtext("system-out") == EVIL
    assert [case.find("failure") is not None for case in suites[3]][1:3] == [False, True]  # after properties


def test_junit_of_texts_that_xml_cannot_hold() -> None:
    tree = read_junit(mixed("nul \0 bell \x07 end"))
    assert "nul \ufffd bell \ufffd end" in [suite.findtext("system-out") for suite in tree]


# Prometheus


def samples(assessment: Row) -> dict[str, list[tuple[dict[str, str], float]]]:
    read: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(formats.as_prometheus(assessment)):
        assert family.type == "gauge" and family.documentation
        read[family.name] = [(sample.labels, sample.value) for sample in family.samples]
    return read


def test_prometheus_is_read_by_its_own_client(evil: Row) -> None:
    read = samples(evil)
    assert [value for _labels, value in read["mailcheck_passed"]] == [1, 0, 0]
    assert read["mailcheck_passed"][2][0] == {"endpoint": f"{EVIL}:25", "host": EVIL, "port": "25"}
    unmet = [labels["rule"] for labels, value in read["mailcheck_rule_unmet"] if value == 1]
    assert unmet == ["one", "check"]
    waived = [labels for labels, _value in read["mailcheck_rule_unmet"] if labels["outcome"] == "waived"]
    assert [(labels["rule"], labels["severity"]) for labels in waived] == [("two", "low")]
    assert read["mailcheck_findings"] == [
        ({"severity": "high"}, 2),
        ({"severity": "medium"}, 1),
        ({"severity": "low"}, 0),
    ]
    assert read["mailcheck_expired_waivers"] == [({}, 1)]
    assert {value for _labels, value in read["mailcheck_certificate_not_after_timestamp_seconds"]} == {1785542400}
    assert read["mailcheck_checked_timestamp_seconds"] == [({}, 1781517600)]
    (up,) = [labels for labels, value in read["mailcheck_verdict"] if value and labels["host"] == EVIL]
    assert up["verdict"] == "unreachable"


def test_no_sample_comes_twice() -> None:
    assessment = assess(result(relay(), relay(), relay("b.example.com")), today=DAY)
    for name, found in samples(assessment).items():
        keys = [tuple(sorted(labels.items())) for labels, _value in found]
        assert len(keys) == len(set(keys)), name


# Markdown


def test_markdown_keeps_its_tables(evil: Row) -> None:
    text = formats.as_markdown(evil)
    assert "<script" not in text and "<img" not in text
    tables = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert len(tables) == 4  # findings, changes, waivers, relays
    for table in tables:
        bars = {line.replace("\\|", "").count("|") for line in table}
        assert len(bars) == 1, table
    assert len(tables[3]) == 2 + len(evil["endpoints"])


def test_markdown_in_full() -> None:
    given = assess(result(relay(rules=[rule("one", "unmet", document="RFC 5321", section="4.2")])), today=DAY)
    assert formats.as_markdown(given) == (
        "# Mail relays\n\n1 relay:\n1 failed.\nRules: 1 met, 1 unmet, 0 waived, 0 not judged.\n\n## Findings\n\n"
        "| Severity | Relay | Rule | Finding | Source | Remedy |\n| --- | --- | --- | --- | --- | --- |\n"
        "| high | a.example.com:25 | one | the rule one; observed: no | RFC 5321 4.2 | Set one. |\n\n## Relays\n\n"
        "| Relay | Rules | Verdict | TLS | Days left | Cause |\n| --- | --- | --- | --- | --- | --- |\n"
        "| a.example.com:25 | unmet | failed | TLSv1.3 | 47 | rule\\_unmet |\n"
    )


# The table


def test_the_table() -> None:
    given = mixed(waivers=WAIVERS[:1])
    assert formats.as_table(given).splitlines() == [
        "assessment  verdict      relay                tls      days  why",
        "met         passed       good.example.com:25  TLSv1.3  47",
        "unmet       failed       a.example.com:25     TLSv1.3  47    one; waived: two; unknown: three",
        "unmet       unreachable  plain:25             -              connection_refused",
    ]


def test_the_table_of_some_rows_alone() -> None:
    """Without the certificates of the whole: a row of a sweep knows its own days left."""
    rows = [dict(relay("a.example.com"), tls={"version": "TLSv1.2", "certificate": "12ab", "days_left": 5})]
    (table,) = ReportTable().filters().values()
    assert table(rows).splitlines()[1].split() == ["met", "passed", "a.example.com:25", "TLSv1.2", "5"]
    assert len(table([]).splitlines()) == 1  # the head: nobody to tell of
    for given in ([1], [{"host": "a"}]):
        with pytest.raises(AnsibleFilterError, match="holds no assessment"):
            table(given)


# HTML: the rest of it is tested in a browser


class Elements(html.parser.HTMLParser):
    """Which elements a page has, and what its scripts are."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.scripts: list[tuple[dict[str, Any], str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, Any]]) -> None:
        self.tags.append(tag)
        self.attributes.update(name for name, _value in attrs)
        if tag == "script":
            self.scripts.append((dict(attrs), ""))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] == "script" and self.scripts:
            self.scripts[-1] = (self.scripts[-1][0], self.scripts[-1][1] + data)


def elements(text: str) -> Elements:
    read = Elements()
    read.feed(text)
    return read


def test_nothing_that_is_said_becomes_an_element(evil: Row) -> None:
    said, plain = (
        elements(formats.as_html(evil)),
        elements(formats.as_html(mixed("plain", waivers=WAIVERS, previous=mixed()))),
    )
    assert set(said.tags) <= set(plain.tags)
    assert "img" not in said.tags and "onerror" not in said.attributes
    assert [attributes.get("type") for attributes, _text in said.scripts] == ["application/json", None]
    assert said.scripts[1] == plain.scripts[1]


def test_the_page_asks_for_nothing(evil: Row) -> None:
    page = elements(formats.as_html(evil))
    assert not page.attributes & {"src", "srcset", "style", "action"}
    assert not {"link", "iframe", "object", "base"} & set(page.tags)
    assert "{{" not in formats.as_html(mixed())


def test_the_page_holds_all_that_is_known() -> None:
    page = elements(formats.as_html(assess(big_result(50, 20), today=DAY)))
    data = json.loads(page.scripts[0][1])
    assert len(data["endpoints"]) == 50
    assert {len(row["rules"]) for row in data["endpoints"]} == {21}
    assert len(data["kinds"]) < 60  # not 50 * 21: what rules have in common is told once
    assert page.tags.count("td") > 50 * 21
