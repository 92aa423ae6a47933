# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Mail domains in a BIND that signs, asked by an Unbound that validates: one playbook, run in Ansible's own process and
# with the module.

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

import pytest

pytest.importorskip("ansible", reason="ansible-core is not installed for this Python")

from ansible_collections.postmaster.mailcheck.tests.real.names import Names
from ansible_collections.postmaster.mailcheck.tests.real.test_in_process import command, environment, settled

# Domain -> its options, and the state of what was looked at.
DOMAINS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "secure.test": (
        {"senders": ["192.0.2.25", "mx.secure.test"]},
        {"mx": "present", "dnssec": "present", "spf": "present", "dmarc": "absent", "tls_rpt": "absent", "mta_sts": "absent"},
    ),
    "insecure.test": ({}, {"mx": "present", "dnssec": "present", "spf": "present", "dmarc": "absent"}),
    "nullmx.secure.test": ({}, {"mx": "present", "dnssec": "present", "spf": "absent"}),
    "expired.test": ({}, {"mx": "bogus", "dnssec": "bogus", "spf": "bogus", "dmarc": "bogus", "mta_sts": "bogus"}),
    "broken.test": ({}, dict.fromkeys(["mx", "dnssec", "spf", "dmarc", "tls_rpt", "mta_sts"], "not_determined")),
    # every TXT question is answered, with what is no record of any kind (RFC 4592 2.2)
    "any.wild.secure.test": ({"selectors": ["s1"]}, {"mx": "present", "spf": "absent", "dmarc": "absent", "mta_sts": "absent"}),
}  # fmt: skip
VERDICTS = {
    "secure.test": "failed", "insecure.test": "failed", "nullmx.secure.test": "failed", "expired.test": "failed",
    "broken.test": "unreachable", "any.wild.secure.test": "failed",
}  # fmt: skip


def look(name: str, **options: Any) -> dict[str, Any]:
    return {"name": name, "postmaster.mailcheck.domain_check": options, "ignore_errors": True}


@pytest.fixture(scope="module")
def both(names: Names, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, dict[str, Any]]]:
    """Task -> its result, in Ansible's own process and with the module."""
    domains = [{"domain": name, **options} for name, (options, _states) in DOMAINS.items()]
    tasks = [
        look("by the validator", domains=domains, dns_servers=[names.resolver], dns_timeout=20),
        look("by the authority", domains=["secure.test"], dns_servers=[names.authority], dns_timeout=20),
        look("by the zone file", domains=["secure.test"], zone_files=[str(names.zone_file)], look_at=["mx", "spf"]),
        look("a mistake", domains=["secure.test", "not a name"], dns_servers=[names.resolver]),
    ]
    results = []
    for in_process in (True, False):
        folder = tmp_path_factory.mktemp("domains")
        (folder / "play.json").write_text(json.dumps([{"hosts": "a", "gather_facts": False, "tasks": tasks}]))
        ended = subprocess.run(
            command(folder),
            cwd=folder,
            env=environment(folder, in_process),
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        lines = [json.loads(line) for line in (folder / "results").read_text().splitlines()]
        results.append({line["task"]: line["result"] for line in lines})
    return results


def report_of(result: dict[str, Any], name: str) -> dict[str, Any]:
    (report,) = [report for report in result["domains"] if report["domain"] == name]
    return report


def outcomes(report: dict[str, Any]) -> dict[str, str]:
    return {rule["id"]: rule["outcome"] for rule in report["rules"]}


def without_extended_errors(result: dict[str, Any]) -> Any:
    """Unbound gives another one (RFC 8914) where it answers from its cache."""
    return json.loads(re.sub(r"(bogus for this resolver \([^)]*\)): [^.]*\.", r"\1.", json.dumps(result)))


def test_both_ways_come_to_the_same(both: list[dict[str, dict[str, Any]]]) -> None:
    here, there = (without_extended_errors(settled(result)) for result in both)
    assert here == there
    assert [result["by the validator"]["engine"]["in_process"] for result in both] == [True, False]


@pytest.mark.parametrize("name", DOMAINS)
def test_what_is_seen_of_a_domain(both: list[dict[str, dict[str, Any]]], name: str) -> None:
    report = report_of(both[0]["by the validator"], name)
    states = DOMAINS[name][1]
    assert {fact: report[fact]["state"] for fact in states} == states
    assert report["verdict"] == VERDICTS[name]
    if {"bogus", "not_determined"} & set(states.values()):
        assert set(outcomes(report).values()) <= {"unknown", "unmet"}
        assert report["records"] == []


def test_a_signed_domain(both: list[dict[str, dict[str, Any]]]) -> None:
    report = report_of(both[0]["by the validator"], "secure.test")
    assert (report["dnssec"]["status"], report["dnssec"]["basis"]) == ("secure", "resolver_ad")
    assert [(one["host"], one["state"], one["valid"]) for one in report["dane"]] == [
        ("mx.secure.test", "present", True)
    ]
    assert {sender["result"] for sender in report["spf"]["senders"]} == {"pass"}
    assert {name for name, outcome in outcomes(report).items() if outcome == "unknown"} == set()


def test_what_is_not_signed_is_insecure_and_what_is_forged_is_broken(both: list[dict[str, dict[str, Any]]]) -> None:
    result = both[0]["by the validator"]
    insecure, expired = (report_of(result, name) for name in ("insecure.test", "expired.test"))
    assert insecure["dnssec"]["status"] == "insecure"
    assert (outcomes(insecure)["dnssec_secure"], outcomes(insecure)["dnssec_valid"]) == ("unmet", "met")
    assert (outcomes(expired)["dnssec_secure"], outcomes(expired)["dnssec_valid"]) == ("unmet", "unmet")
    assert (outcomes(expired)["mx_valid"], outcomes(expired)["spf_present"]) == ("unknown", "unknown")


def test_a_wildcard_s_text_is_no_policy_and_no_key(both: list[dict[str, dict[str, Any]]]) -> None:
    report = report_of(both[0]["by the validator"], "any.wild.secure.test")
    (key,) = report["dkim"]
    assert (key["valid"], [found["id"] for found in key["problems"]]) == (False, ["dkim_no_key"])
    assert "txt_of_another_kind" in [found["id"] for found in report["dmarc"]["problems"]]


def test_of_a_server_that_does_not_validate_nothing_is_called_insecure(both: list[dict[str, dict[str, Any]]]) -> None:
    result = both[0]["by the authority"]
    (report,) = result["domains"]
    assert [facts["validates"] for facts in result["resolvers"]] == [False]
    assert (report["mx"]["state"], report["dnssec"]["status"]) == ("present", "not_determined")
    assert {outcomes(report)[name] for name in ("dnssec_secure", "dnssec_valid", "dane_present")} == {"unknown"}


def test_the_zone_file_says_the_same_as_its_server(both: list[dict[str, dict[str, Any]]]) -> None:
    by_file = report_of(both[0]["by the zone file"], "secure.test")
    by_server = report_of(both[0]["by the validator"], "secure.test")
    assert by_file["mx"] == by_server["mx"]
    assert {**by_file["spf"], "senders": []} == {**by_server["spf"], "senders": []}


def test_a_mistake_is_the_task_s(both: list[dict[str, dict[str, Any]]]) -> None:
    assert both[0]["a mistake"]["msg"].startswith("domains[1]: is no name: ")
