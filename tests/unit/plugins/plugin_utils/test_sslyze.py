# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What sslyze wrote, as rules beside those of an audit. The samples are ours, in the form that sslyze documents.

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.check import audit
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.model import Audited, Unsettled
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.options import AUDIT_OPTIONS, wanted_audit
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.register import PROBES
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.options import with_defaults
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._assessment import assess, findings, not_judged
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.register import FORMATS
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._profiles import load_profiles
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
    **{
        "tls_1_%d_cipher_suites" % version: {
            "accepted_cipher_suites": [{"cipher_suite": {"name": "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"}}]
        }
        for version in range(3)
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
WEAK = {"cipher_suite": {"name": "TLS_RSA_WITH_3DES_EDE_CBC_SHA", "key_size": 112}}
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
    """Without a relay's TLS, so that nothing but sslyze's own output says anything of it."""
    with running(Relay(EHLO="250-relay.example.com\r\n250 PIPELINING\r\n")) as relay:
        return audit("127.0.0.1", port=relay.port, probes=["pipelining", "auth_offered_in_clear", *QUESTIONS])


def joined(audited: dict[str, Any], **results: Any) -> dict[str, Any]:
    (row,) = with_sslyze(audited, output(scanned("127.0.0.1", audited["port"], **results)))["endpoints"]
    return row


def told(row: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["status"] for one in row["probes"] if one["name"] in QUESTIONS}


ALL_PASS = dict.fromkeys(QUESTIONS, "pass")


def test_what_is_left_to_it_is_unknown_by_name_until_its_answers_take_the_place(audited: dict[str, Any]) -> None:
    left = [one for one in audited["probes"] if one["left_to"] == "sslyze"]
    assert told(audited) == dict.fromkeys(QUESTIONS, "unknown") and [one["name"] for one in left] == list(QUESTIONS)
    assert all("sslyze" in one["text"] for one in left)
    assert "Only sslyze can ask: robot, heartbleed, ccs_injection" in audited["msg"]
    assert not [one for one in audited["warnings"] if "robot" in one]  # nothing that the relay has left open
    row = joined(audited)
    assert [one["name"] for one in row["probes"]] == [one["name"] for one in audited["probes"]]
    assert not [one for one in row["probes"] if one["left_to"]] and "Only sslyze" not in row["msg"]
    assert (audited["summary"]["probes"]["unknown"], row["summary"]["probes"]["unknown"]) == (7, 0)


def test_it_is_named_with_the_command_that_asks_this_relay() -> None:
    facts = SimpleNamespace(tls="TLS was spoken")
    nobody = Audited._make([None] * len(Audited._fields))  # type: ignore[arg-type]
    texts = []
    for given in ({"port": 465}, {"port": 25}):
        endpoint = wanted_audit("2001:db8::25", with_defaults(given, AUDIT_OPTIONS)).endpoint
        audited = nobody._replace(first=SimpleNamespace(facts=facts), endpoint=endpoint)
        with pytest.raises(Unsettled) as why:
            PROBES["robot"].judge(audited, ())
        texts.append(str(why.value))
    assert "`sslyze --json_out=scan.json [2001:db8::25]:465`" in texts[0]
    assert "`sslyze --starttls smtp --json_out=scan.json [2001:db8::25]:25`" in texts[1]


def test_it_weighs_once_it_was_asked_or_a_profile_wants_it(audited: dict[str, Any], tmp_path: Any) -> None:
    pytest.importorskip("yaml", reason="PyYAML is on the controller's Python alone")
    own = tmp_path / "ours.yml"
    own.write_text("{title: Ours, kind: audit, rules: {robot: {expect: true, severity: high, document: Ours}}}")
    grave = [list(not_judged(one, "medium")) for one in (
        assess(audited), assess(audited, profile=load_profiles([str(own)])), assess(with_sslyze(audited, output())),
    )]  # fmt: skip
    assert [[one["rule"] for one in found] for found in grave] == [
        [], ["robot"], ["robot", "heartbleed", "ccs_injection", "ssl_versions", "renegotiation", "compression", "broken_suites"],
    ]  # fmt: skip


def test_where_all_is_fine_all_pass(audited: dict[str, Any]) -> None:
    row = joined(audited)
    assert (told(row), row["verdict"]) == (ALL_PASS, "passed")
    assert row["probes"][:2] == audited["probes"][:2]


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
        ({"tls_1_0_cipher_suites": {"accepted_cipher_suites": [WEAK]}}, "broken_suites", "finding"),
        ({"tls_1_2_cipher_suites": {"accepted_cipher_suites": [{}]}}, "broken_suites", "unknown"),
        ({"tls_1_1_cipher_suites": None}, "broken_suites", "unknown"),
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


@pytest.mark.parametrize("worst_at", [0, 1])
def test_of_several_machines_behind_a_name_the_worst_counts(audited: dict[str, Any], worst_at: int) -> None:
    scans = [scanned("127.0.0.1", audited["port"]) for _machine in range(2)]
    scans[worst_at] = scanned("127.0.0.1", audited["port"], robot={"robot_result": "VULNERABLE_STRONG_ORACLE"})
    (row,) = with_sslyze(audited, output(*scans))["endpoints"]
    assert told(row) == {**ALL_PASS, "robot": "finding"} and row["verdict"] == "failed"


@pytest.mark.parametrize("robot, verdict", [
    ("NOT_VULNERABLE_NO_ORACLE", "passed"), ("VULNERABLE_STRONG_ORACLE", "failed"),
])  # fmt: skip
def test_what_settles_something_ends_that_nothing_was_settled(robot: str, verdict: str) -> None:
    with running(Relay()) as relay:
        report = audit("127.0.0.1", port=relay.port, probes=["robot"])
    assert (report["verdict"], report["cause"]) == ("not_checked", "nothing_settled")
    (open_,) = with_sslyze(report, output())["endpoints"]
    assert (open_["verdict"], open_["cause"]) == ("not_checked", "nothing_settled")
    (row,) = with_sslyze(report, output(scanned("127.0.0.1", report["port"], robot={"robot_result": robot})))[
        "endpoints"
    ]
    assert (row["verdict"], row["cause"], row["failure"]) == (verdict, None, None)
    assert "nothing_settled" not in row["msg"]


@pytest.mark.parametrize(
    "said, cause", [("451 4.7.1 Greylisted, try again", None), ("421 4.7.0 Enough", "service_closing")]
)
def test_a_relay_that_put_off_a_control_has_no_cause_beside_a_grave_finding(said: str, cause: str | None) -> None:
    """As in an audit that finds it itself; what ended the audit stays."""
    with running(Relay(RCPT=said + "\r\n")) as relay:
        report = audit(
            "127.0.0.1",
            port=relay.port,
            intensity="active",
            authorised=["127.0.0.1"],
            known_recipient="user@example.net",
            probes=["pipelining", "rcpt", "robot"],
        )
    assert report["verdict"] == "deferred" and joined(report)["cause"] == report["cause"] == (cause or "greylisted")
    row = joined(report, robot={"robot_result": "VULNERABLE_STRONG_ORACLE"})
    assert (row["verdict"], row["cause"], row["failure"] is None) == ("failed", cause, cause is None)
    assert ("was put off" in row["msg"], "ended early" in row["msg"]) == (False, cause is not None)


def test_what_ended_an_audit_stays_beside_a_grave_finding() -> None:
    with running(Relay(**{"": "554 5.7.1 No service for you\r\n"})) as relay:
        report = audit("127.0.0.1", port=relay.port, probes=["robot"])
    row = joined(report, robot={"robot_result": "VULNERABLE_STRONG_ORACLE"})
    assert report["cause"] and (row["verdict"], row["cause"]) == ("failed", report["cause"])
    assert row["failure"] == report["failure"]


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


def test_each_question_is_a_probe_that_is_left_to_it() -> None:
    assert [name for name, probe in PROBES.items() if probe.left_to == "sslyze"] == list(QUESTIONS)
