# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What sslyze wrote, as rules beside those of an audit. The samples are ours, in the form that sslyze documents.

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.check import audit
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.register import PROBES
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._assessment import assess, findings, not_judged
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.register import FORMATS
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import AssessmentError
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._sslyze import QUESTIONS, with_sslyze
from ansible_collections.postmaster.mailcheck.tests.support.relay import Relay, running

FINE: dict[str, Any] = {
    "ssl_2_0_cipher_suites": {
        "tls_version_used": "SSL_2_0",
        "accepted_cipher_suites": [],
        "rejected_cipher_suites": [],
    },
    "ssl_3_0_cipher_suites": {
        "tls_version_used": "SSL_3_0",
        "accepted_cipher_suites": [],
        "rejected_cipher_suites": [],
    },
    "tls_compression": {"supports_compression": False},
    "openssl_ccs_injection": {"is_vulnerable_to_ccs_injection": False},
    "heartbleed": {"is_vulnerable_to_heartbleed": False},
    "robot": {"robot_result": "NOT_VULNERABLE_NO_ORACLE"},
    "session_renegotiation": {
        "supports_secure_renegotiation": True,
        "is_vulnerable_to_client_renegotiation_dos": False,
        "client_renegotiations_success_count": 0,
    },
}
SUITE = {"cipher_suite": {"name": "SSL_RSA_WITH_RC4_128_MD5", "key_size": 128}, "ephemeral_key": None}


def scanned(host: str, port: int, **results: Any) -> dict[str, Any]:
    """One relay as sslyze has it, all fine but for `results`; None is a command that was not asked for."""
    told = {**FINE, **results}
    return {
        "uuid": "6c0f6f5e-1d1b-4a57-9d51-3f5f2a1b6f1c",
        "server_location": {"hostname": host, "port": port, "connection_type": "DIRECT", "ip_address": "127.0.0.1"},
        "network_configuration": {"tls_server_name_indication": host, "tls_opportunistic_encryption": "SMTP"},
        "connectivity_status": "COMPLETED",
        "connectivity_error_trace": None,
        "connectivity_result": {"highest_tls_version_supported": "TLS_1_3"},
        "scan_status": "COMPLETED",
        "scan_result": {
            name: {
                "status": "NOT_SCHEDULED" if result is None else "COMPLETED",
                "error_reason": None,
                "error_trace": None,
                "result": result,
            }
            for name, result in told.items()
        },
    }


def output(*scans: dict[str, Any]) -> dict[str, Any]:
    return {
        "invalid_server_strings": [],
        "server_scan_results": list(scans),
        "date_scans_started": "2026-01-01T00:00:00Z",
        "date_scans_completed": "2026-01-01T00:01:00Z",
        "sslyze_version": "6.3.1",
        "sslyze_url": "https://example.com/sslyze",
    }


@pytest.fixture(scope="module")
def audited() -> dict[str, Any]:
    with running(Relay(EHLO="250-relay.example.com\r\n250 PIPELINING\r\n")) as relay:
        return audit("127.0.0.1", port=relay.port, probes=["pipelining", "auth_offered_in_clear"])


def joined(audited: dict[str, Any], **results: Any) -> dict[str, Any]:
    (row,) = with_sslyze(audited, output(scanned("127.0.0.1", audited["port"], **results)))["endpoints"]
    return row


def told(row: dict[str, Any]) -> dict[str, str]:
    names = {one.name for one in QUESTIONS}
    return {one["name"]: one["status"] for one in row["probes"] if one["name"] in names}


ALL_PASS = dict.fromkeys((one.name for one in QUESTIONS), "pass")


def test_where_all_is_fine_all_pass(audited: dict[str, Any]) -> None:
    row = joined(audited)
    assert (told(row), row["verdict"]) == (ALL_PASS, "passed")
    assert row["probes"][:2] == audited["probes"]


@pytest.mark.parametrize(
    ("results", "name", "status"),
    [
        ({"robot": {"robot_result": "VULNERABLE_STRONG_ORACLE"}}, "robot", "finding"),
        ({"robot": {"robot_result": "VULNERABLE_WEAK_ORACLE"}}, "robot", "finding"),
        ({"robot": {"robot_result": "NOT_VULNERABLE_RSA_NOT_SUPPORTED"}}, "robot", "pass"),
        ({"robot": {"robot_result": "UNKNOWN_INCONSISTENT_RESULTS"}}, "robot", "unknown"),
        ({"robot": {"robot_result": "SOMETHING_NEW"}}, "robot", "unknown"),
        ({"heartbleed": {"is_vulnerable_to_heartbleed": True}}, "heartbleed", "finding"),
        ({"heartbleed": {"is_vulnerable_to_heartbleed": "no"}}, "heartbleed", "unknown"),
        ({"heartbleed": None}, "heartbleed", "unknown"),
        ({"openssl_ccs_injection": {"is_vulnerable_to_ccs_injection": True}}, "ccs_injection", "finding"),
        ({"tls_compression": {"supports_compression": True}}, "compression", "finding"),
        ({"ssl_3_0_cipher_suites": {"accepted_cipher_suites": [SUITE]}}, "ssl_versions", "finding"),
        ({"ssl_2_0_cipher_suites": {"accepted_cipher_suites": [SUITE]}}, "ssl_versions", "finding"),
        ({"ssl_2_0_cipher_suites": {}}, "ssl_versions", "unknown"),
        ({"session_renegotiation": {**FINE["session_renegotiation"], "supports_secure_renegotiation": False}},
         "renegotiation", "finding"),
        ({"session_renegotiation": {"supports_secure_renegotiation": True}}, "renegotiation", "unknown"),
    ],
)  # fmt: skip
def test_what_sslyze_says_is_one_rule(audited: dict[str, Any], results: Any, name: str, status: str) -> None:
    row = joined(audited, **results)
    assert told(row) == {**ALL_PASS, name: status}
    (probed,) = [one for one in row["probes"] if one["name"] == name]
    assert set(probed) == set(audited["probes"][0])
    assert (probed["proof"] is not None) is bool(probed["remedy"]) is bool(probed["meaning"]) is (status == "finding")
    assert row["verdict"] == ("failed" if status == "finding" else "passed")


def test_renegotiation_that_only_costs_fails_nothing(audited: dict[str, Any]) -> None:
    result = {"supports_secure_renegotiation": True, "is_vulnerable_to_client_renegotiation_dos": True}
    row = joined(audited, session_renegotiation=result)
    assert (told(row)["renegotiation"], row["verdict"]) == ("finding", "passed")


def test_what_sslyze_could_not_do_is_unknown_and_says_why(audited: dict[str, Any]) -> None:
    scan = scanned("127.0.0.1", audited["port"])
    scan["scan_result"]["robot"] = {"status": "ERROR", "error_reason": "CONNECTIVITY_ISSUE", "result": None}
    (row,) = with_sslyze(audited, output(scan))["endpoints"]
    (robot,) = [one for one in row["probes"] if one["name"] == "robot"]
    assert (robot["status"], "robot ended with CONNECTIVITY_ISSUE" in robot["text"]) == ("unknown", True)


def test_its_words_steer_no_terminal_and_have_an_end(audited: dict[str, Any]) -> None:
    scan = scanned("127.0.0.1", audited["port"], robot={"robot_result": "NOT_VULNERABLE_\x1b[2J\u202e" + "x" * 100000})
    scan["scan_result"]["heartbleed"] = {"status": "ERROR", "error_reason": "\x07\udcff", "result": None}
    (row,) = with_sslyze(audited, {"server_scan_results": [scan]})["endpoints"]
    told = {one["name"]: one["text"] for one in row["probes"]}
    assert told["robot"].startswith("sslyze says NOT_VULNERABLE_\\x1b[2J\\u202ex") and len(told["robot"]) < 5000
    assert told["heartbleed"] == "sslyze did not settle it: heartbleed ended with \\x07\\udcff"


@pytest.mark.parametrize("scans", [
    [],
    [scanned("other.example.com", 25)],
    [{**scanned("127.0.0.1", 1), "scan_result": None, "connectivity_status": "ERROR"}],
])  # fmt: skip
def test_a_relay_that_it_did_not_reach_has_all_open(audited: dict[str, Any], scans: list[dict[str, Any]]) -> None:
    for scan in scans:
        if scan["scan_result"] is None:
            scan["server_location"]["port"] = audited["port"]
    (row,) = with_sslyze(audited, output(*scans))["endpoints"]
    assert set(told(row).values()) == {"unknown"}


def test_the_names_of_hosts_are_compared_as_the_dns_does(audited: dict[str, Any]) -> None:
    named = {**audited, "host": "Relay.example.com"}
    (row,) = with_sslyze(named, output(scanned("relay.EXAMPLE.com", audited["port"])))["endpoints"]
    assert told(row) == ALL_PASS


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"server_scan_results": [{}]}', '{"server_scan_results": 5}', "[" * 5000]
)
def test_what_sslyze_did_not_write_is_refused(audited: dict[str, Any], text: str) -> None:
    with pytest.raises(AssessmentError, match="not what sslyze writes"):
        with_sslyze(audited, text)


def test_what_is_no_audit_is_refused() -> None:
    with pytest.raises(AssessmentError, match="no result of smtp_audit"):
        with_sslyze({"host": "relay.example.com", "port": 25, "verdict": "passed"}, output())


def test_one_assessment_has_both_in_every_format(audited: dict[str, Any]) -> None:
    pytest.importorskip("jinja2", reason="Jinja2 is on the controller's Python alone")
    text = json.dumps(output(scanned("127.0.0.1", audited["port"], robot={"robot_result": "VULNERABLE_STRONG_ORACLE"})))
    assessment = assess(with_sslyze(audited, text))
    assert [one["rule"] for one in findings(assessment)] == ["robot"]
    (row,) = assessment["endpoints"]
    assert {rule["id"] for rule in row["rules"]} >= {"pipelining", "robot", "heartbleed"}
    assert list(not_judged(assess(with_sslyze(audited, output()))))
    for name, one in FORMATS.items():
        assert "robot" in one.write(assessment) or name == "prometheus"


def test_no_question_has_the_name_of_a_probe() -> None:
    assert not {one.name for one in QUESTIONS} & set(PROBES)
