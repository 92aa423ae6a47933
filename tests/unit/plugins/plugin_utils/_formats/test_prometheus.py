# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Prometheus' text, read by its own client.

from __future__ import annotations

import pytest

pytest.importorskip("ansible", reason="ansible-core is not installed for this Python")

from prometheus_client.parser import text_string_to_metric_families

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._assessment import assess
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.prometheus import as_prometheus
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import Assessment
from ansible_collections.postmaster.mailcheck.tests.support import assessments
from ansible_collections.postmaster.mailcheck.tests.support.assessments import waiver
from ansible_collections.postmaster.mailcheck.tests.support.sweeps import DAY, EVIL, relay, result, rule


@pytest.fixture(scope="module")
def evil() -> Assessment:
    return assessments.evil()


def samples(assessment: Assessment) -> dict[str, list[tuple[dict[str, str], float]]]:
    read: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(as_prometheus(assessment)):
        assert family.type == "gauge" and family.documentation
        read[family.name] = [(sample.labels, sample.value) for sample in family.samples]
    return read


def test_prometheus_is_read_by_its_own_client(evil: Assessment) -> None:
    read = samples(evil)
    assert [value for _labels, value in read["mailcheck_passed"]] == [1, 0, 0]
    assert read["mailcheck_passed"][2][0] == {"endpoint": f"{EVIL}:25", "host": EVIL, "port": "25"}
    findings = [(labels["rule"], labels["severity"]) for labels, value in read["mailcheck_finding_info"] if value == 1]
    assert findings == [("one", "high"), ("check", "high")]  # two is waived
    broken = [
        (labels["rule"], value) for labels, value in read["mailcheck_rule_met"] if labels["host"] == "a.example.com"
    ]
    assert broken == [("check", 1), ("one", 0), ("two", 0), ("three", -1)]
    (failure,) = [labels for labels, _value in read["mailcheck_failure_info"] if labels["host"] == EVIL]
    assert (failure["cause"], failure["stage"]) == ("connection_refused", "connect")
    assert read["mailcheck_findings"] == [
        ({"severity": "high"}, 2),
        ({"severity": "medium"}, 1),
        ({"severity": "low"}, 0),
    ]
    assert read["mailcheck_not_judged"] == [
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


def test_a_rule_is_the_same_series_whatever_becomes_of_it() -> None:
    """Whoever draws it sees one line that moves, and no new one."""
    series = [
        [labels for labels, _value in samples(assess(result(relay(rules=[rule("one", outcome)])), today=DAY))["mailcheck_rule_met"]]
        for outcome in ("met", "unmet", "unknown")
    ]  # fmt: skip
    assert series[0] == series[1] == series[2]
    excused = samples(assess(result(relay(rules=[rule("one", "unmet")])), today=DAY, waivers=[waiver()]))
    assert series[0] == [labels for labels, _value in excused["mailcheck_rule_met"]]
    assert excused["mailcheck_finding_info"] == []


def test_a_mail_domain_and_a_socket_have_labels_too() -> None:
    socket = relay("/run/lmtp", host="/run/lmtp", port=None)
    (labels,) = [labels for labels, _value in samples(assess(result(socket), today=DAY))["mailcheck_passed"]]
    assert labels == {"endpoint": "/run/lmtp", "host": "/run/lmtp", "port": ""}


def test_no_word_of_a_relay_is_a_label() -> None:
    said = {"stage": "rcpt", "cause": "policy_rejected", "code": 554, "text": EVIL, "hint": EVIL}
    broken = relay(
        rules=[rule("one", "unmet", text=EVIL, observed=EVIL, remedy=EVIL)], verdict="failed", failure=said, msg=EVIL,
        greeting={"code": 220, "text": EVIL}, labels={"site": EVIL},
    )  # fmt: skip
    text = as_prometheus(assess(result(broken), today=DAY))
    assert "owned" in EVIL and "owned" not in text
