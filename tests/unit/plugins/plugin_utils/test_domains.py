# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Mail domains as subjects of an assessment: alone, and beside relays.

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ansible", reason="ansible-core is not installed for this Python")

from prometheus_client.parser import text_string_to_metric_families

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.check import check_domains
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._assessment import assess, findings, not_judged
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._drift import drift, stable_form
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.register import FORMATS
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._profiles import load_profiles, with_profiles
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import AssessmentError
from ansible_collections.postmaster.mailcheck.tests.support.assessments import BROKEN, found, outcomes, waiver
from ansible_collections.postmaster.mailcheck.tests.support.domains import (
    RECORD,
    checked,
    domain,
    write_zone,
)
from ansible_collections.postmaster.mailcheck.tests.support.page import elements
from ansible_collections.postmaster.mailcheck.tests.support.sweeps import DAY, EVIL, relay, result, rule

DOMAINS = checked(domain(rules=BROKEN, records=[RECORD]), domain("b.example"))


def test_a_domain_is_a_subject() -> None:
    assessment = assess(checked(domain("xn--bcher-kva.example", input="bücher.example")), today=DAY)
    (row,) = assessment["endpoints"]
    assert (row["id"], row["name"]) == ("xn--bcher-kva.example", "bücher.example")
    assert row["subject"] == {
        "kind": "domain",
        "name": "bücher.example",
        "identity": {"domain": "xn--bcher-kva.example"},
    }
    assert [row[name] for name in ("address", "tls", "certificate", "transcript")] == [None] * 4
    assert not {"host", "port"} & set(row)
    assert (assessment["title"], assessment["checked_at"]) == ("Mail domains", "2026-06-15T10:00:00Z")


def test_what_is_found_of_a_domain() -> None:
    assessment = assess(DOMAINS, today=DAY)
    assert outcomes(assessment) == {"check": "met", "one": "unmet", "two": "unmet", "three": "unknown"}
    assert found(assessment) == [("high", "a.example", "one"), ("low", "a.example", "two")]
    assert [one["rule"] for one in not_judged(assessment)] == ["three"]
    assert [row["assessment"] for row in assessment["endpoints"]] == ["unmet", "met"]


def test_a_domain_of_which_nothing_is_known_is_a_finding() -> None:
    words = "a.example: nothing could be judged: no answer."
    gone = domain(rules=[rule("one", "unknown")], verdict="unreachable", cause="name_server_failed", msg=words)
    (one,) = findings(assess(checked(gone), today=DAY))
    assert (one["rule"], one["severity"], one["observed"]) == ("check", "high", "name_server_failed")
    assert one["text"] == "expected: the check succeeds; observed: name_server_failed: " + words
    assert one["remedy"].startswith("Check the resolver")


@pytest.mark.parametrize(("pattern", "state"), [
    ("a.example", "active"), ("*.example", "active"), ("b.example", "unused"), ("a.example:25", "unused"),
])  # fmt: skip
def test_a_waiver_of_a_domain(pattern: str, state: str) -> None:
    assessment = assess(DOMAINS, waivers=[waiver(endpoint=pattern)], today=DAY)
    assert assessment["waivers"][0]["state"] == state
    assert outcomes(assessment)["one"] == ("waived" if state == "active" else "unmet")


def test_what_changed_at_domains() -> None:
    before = assess(checked(domain(), domain("gone.example")), today=DAY)
    now = assess(DOMAINS, today=DAY, previous=json.dumps(before))
    assert [tuple(change.values()) for change in now["changes"] or ()] == [
        ("a.example", "verdict", "passed", "failed"),
        ("a.example", "cause", None, "rule_unmet"),
        ("a.example", "rule one", "met", "unmet"),
        ("a.example", "rule two", "met", "unmet"),
        ("a.example", "rule three", None, "unknown"),
        ("b.example", "endpoint", None, "passed"),
        ("gone.example", "endpoint", "passed", None),
    ]


def test_the_state_of_a_domain_is_not_what_is_advised() -> None:
    """Advice follows from the state, and may name addresses that come in another order."""
    one, other = (assess(checked(domain(records=records)), today=DAY) for records in ([RECORD], []))
    assert stable_form(one) == stable_form(other)
    assert drift(one, other) == []


def test_a_domain_that_does_not_exist_is_one_finding(tmp_path: Path) -> None:
    files = [write_zone(tmp_path / "a.zone", "a.example", {"@": ["A 192.0.2.1"]})]
    profile = load_profiles(["receiving-domain"])
    looked = check_domains(["gone.a.example"], expect=profile["expect"], zone_files=files)
    assessment = assess(looked, profile=profile, today=DAY)
    (finding,) = findings(assessment)
    assert (finding["rule"], finding["severity"]) == ("check", "high")
    assert "name_not_found" in finding["text"] and "it does not exist" in finding["text"]
    assert list(not_judged(assessment)) == []
    assert {outcome: count for outcome, count in assessment["summary"]["rules"].items() if count} == {"unmet": 1}


@pytest.mark.parametrize("name", ["table", "markdown"])  # HTML shows `msg`, which says so, too
def test_rules_that_were_not_applied_are_told_of_a_domain_that_passes(name: str) -> None:
    assessment = assess(checked(domain(not_applied=["delivers_dane", "delivers_mta_sts"])), today=DAY)
    assert assessment["endpoints"][0]["assessment"] == "met"
    text = FORMATS[name].write(assessment).replace("\\_", "_")
    assert "not applied: delivers_dane, delivers_mta_sts" in text


REMARK = {
    "id": "spf_ptr", "level": "warning", "text": "ptr is slow <b>", "source": "RFC 7208 5.5", "of": "spf", "title": "SPF",
}  # fmt: skip


@pytest.mark.parametrize(("name", "said"), [
    ("table", ["warnings: spf_ptr"]),
    ("markdown", ["warnings: spf_ptr", "| SPF | ptr is slow &lt;b&gt; | RFC 7208 5.5 |"]),
    ("html", ["Warnings", "SPF: ptr is slow &lt;b&gt;"]),
])  # fmt: skip
def test_what_no_rule_tells_is_told_of_a_domain_that_passes(name: str, said: list[str]) -> None:
    for remarks in ([REMARK], []):
        text = FORMATS[name].write(assess(checked(domain(remarks=remarks)), today=DAY)).replace("\\_", "_")
        assert [words in text for words in said] == [bool(remarks)] * len(said)


def test_a_result_from_before_there_were_remarks_has_none() -> None:
    assert assess(checked(domain()), today=DAY)["endpoints"][0]["remarks"] == []


# Profiles


def test_a_domain_is_judged_by_its_own_profiles_or_by_those_of_all(tmp_path: Path) -> None:
    zone = {"@": ["A 192.0.2.1"]}
    files = [write_zone(tmp_path / f"{name}.zone", f"{name}.example", zone) for name in ("a", "b")]
    files.append(write_zone(tmp_path / "example.zone", "example", {}))
    domains = with_profiles(["a.example", {"domain": "b.example", "profiles": ["parked-domain"]}])
    profile = load_profiles(["receiving-domain"])
    looked = check_domains(domains, expect=profile["expect"], zone_files=files)
    assessment = assess(looked, profile=profile, today=DAY)
    sources = [
        {(one["id"], one["severity"], one["profile"]) for one in row["rules"] if "profile" in one}
        for row in assessment["endpoints"]
    ]
    assert ("null_mx", "high", "receiving-domain") in sources[0]
    assert ("null_mx", "medium", "parked-domain") in sources[1]
    assert {profile for _rule, _severity, profile in sources[1]} == {"parked-domain"}


def test_the_label_of_a_domain_names_no_profile_of_relays() -> None:
    row = domain(rules=[rule("dane_valid", "unmet")], labels={"profiles": "relay"})
    profile = {"kind": "domain", "rules": {"dane_valid": {"severity": "low"}}}
    assert assess(checked(row), profile=profile, today=DAY)["endpoints"][0]["rules"][1]["severity"] == "low"


# Relays and domains together


def both(**more: Any) -> Any:
    relays = result(relay(rules=[rule("dane_valid", "unmet")]))
    domains = checked(domain(rules=[rule("dane_valid", "unmet"), rule("three", "unknown")], records=[RECORD]))
    return assess([relays, domains], today=DAY, **more)


def test_one_assessment_of_relays_and_domains() -> None:
    profiles = [
        {"kind": kind, "profiles": [kind], "rules": {"dane_valid": {"severity": severity}}}
        for kind, severity in (("relay", "medium"), ("domain", "low"))
    ]
    assessment = both(profile=profiles, waivers=[waiver(rule="*", endpoint="a.example")])
    assert [row["id"] for row in assessment["endpoints"]] == ["a.example.com:25", "a.example"]
    assert [row["rules"][1]["severity"] for row in assessment["endpoints"]] == ["medium", "low"]
    assert [row["assessment"] for row in assessment["endpoints"]] == ["unmet", "unknown"]
    assert (assessment["profiles"], assessment["title"]) == (["relay", "domain"], "Mail relays and domains")
    assert assessment["summary"]["endpoints"] == 2 and len(assessment["certificates"]) == 1


def test_an_assessment_is_not_judged_again_among_others() -> None:
    once = assess(DOMAINS, today=DAY)
    assert assess(once) == assess([once]) == once
    with pytest.raises(AssessmentError, match="judged already"):
        assess([once, result(relay())])


# Formats: no word of relays where there are none, and no column that has no sense


ONLY_RELAYS = ("relay", "TLS", "Days left", "days", "certificate", "transcript")


@pytest.mark.parametrize("name", ["junit", "markdown", "table"])
def test_a_fleet_of_domains_is_not_told_as_one_of_relays(name: str) -> None:
    text = FORMATS[name].write(assess(DOMAINS, today=DAY))
    assert "a.example" in text and "b.example" in text
    assert [word for word in ONLY_RELAYS if word.lower() in text.lower()] == []


def test_the_table_of_domains() -> None:
    assert FORMATS["table"].write(assess(DOMAINS, today=DAY)).splitlines() == [
        "assessment  verdict  domain     why",
        "unmet       failed   a.example  one, two; not judged: three",
        "met         passed   b.example",
    ]
    assert FORMATS["table"].write(both()).splitlines() == [
        "assessment  verdict  relay or domain   tls      days  why",
        "unmet       failed   a.example.com:25  TLSv1.3  47    dane_valid",
        "unmet       failed   a.example         -              dane_valid; not judged: three",
    ]


def test_the_metrics_of_a_domain_are_labelled_by_it() -> None:
    text = FORMATS["prometheus"].write(both())
    read = {family.name: family.samples for family in text_string_to_metric_families(text)}
    assert [sample.labels for sample in read["mailcheck_passed"]] == [
        {"endpoint": "a.example.com:25", "host": "a.example.com", "port": "25"},
        {"endpoint": "a.example", "domain": "a.example"},
    ]
    assert [sample.labels["endpoint"] for sample in read["mailcheck_tls_info"]] == ["a.example.com:25"]


def test_markdown_of_relays_and_domains() -> None:
    text = FORMATS["markdown"].write(both())
    assert "\n1 relay, 1 domain, 2026-06-15T10:00:00Z:\n" in text
    assert "| Severity | Relay or domain | Rule |" in text
    assert "\n## Relays\n\n| Relay | Rules | Verdict | TLS |" in text
    assert (
        "\n## Domains\n\n| Domain | Rules | Verdict | Why |\n| --- | --- | --- | --- |\n| a.example | unmet |" in text
    )
    assert "\n| \\_dmarc.a.example | TXT | v=DMARC1; p=none | 3600 | receivers have no policy | nothing:" in text
    assert "Records" not in FORMATS["markdown"].write(assess(result(relay()), today=DAY))


def test_the_page_of_relays_and_domains() -> None:
    text = FORMATS["html"].write(both())
    assert ">1 relay, 1 domain, checked at" in text
    assert "<caption>1 relay, 2 rules</caption>" in text and "<caption>1 domain, 3 rules</caption>" in text
    assert "v=DMARC1; p=none" in text.partition("Records to publish")[2]
    assert "The 2 rules of relays" in text and "The 3 rules of domains" in text


def test_the_page_of_domains_alone() -> None:
    text = FORMATS["html"].write(assess(DOMAINS, today=DAY))
    seen = text.partition("</style>")[2].partition("<script>")[0]
    assert [word for word in ONLY_RELAYS if word.lower() in seen.lower()] == []
    assert "<caption>2 domains, 4 rules</caption>" in seen and ">2 domains, checked at" in seen


@pytest.mark.parametrize("name", FORMATS)
def test_what_a_domain_publishes_breaks_no_format(name: str) -> None:
    record = {**RECORD, "value": EVIL, "reason": EVIL, "after": EVIL, "name": EVIL}
    said = domain(rules=[rule("one", "unmet", text=EVIL, remedy=EVIL)], msg=EVIL, records=[record], labels={"x": EVIL})
    text = FORMATS[name].write(assess(checked(said), today=DAY, title=EVIL))
    assert text and text == FORMATS[name].write(assess(checked(said), today=DAY, title=EVIL))
    if name == "html":
        assert "img" not in elements(text).tags
    if name == "markdown":
        assert "<img" not in text
