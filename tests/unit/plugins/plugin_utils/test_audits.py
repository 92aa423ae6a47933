# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Audits as an assessment: each probe a rule, whatever the format.

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest

pytest.importorskip("ansible", reason="ansible-core is not installed for this Python")

from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.check import audit, audit_relays
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.register import PROBES
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.check import check
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._assessment import assess, findings, not_judged
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._audits import audit_endpoints
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._drift import drift
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.nagios import exit_status
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.register import FORMATS
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._profiles import (
    AUDIT,
    RELAY,
    ProfileError,
    load_profiles,
    with_profiles,
)
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import AssessmentError
from ansible_collections.postmaster.mailcheck.tests.support.assessments import DAY, outcomes, waiver
from ansible_collections.postmaster.mailcheck.tests.support.relay import Relay, running

TELLS_USERS = {
    "VRFY": lambda line: "252 2.0.0 Ok\r\n" if "user@example.net" in line else "550 5.1.1 Unknown\r\n",
    "EXPN": "450 4.3.0 Later\r\n",
    "RCPT": lambda line: "250 2.1.5 Ok\r\n" if "user@example.net" in line else "550 5.1.1 Unknown\r\n",
}
PROBED = ["auth_offered_in_clear", "pipelining", "vrfy", "expn", "rcpt"]


def audited(answers: Any = None, **more: Any) -> dict[str, Any]:
    given = {
        "known_recipient": "user@example.net",
        "intensity": "active",
        "authorised": ["127.0.0.1"],
        "probes": PROBED,
    }
    with running(Relay(**(TELLS_USERS if answers is None else answers))) as relay:
        return audit("127.0.0.1", port=relay.port, ehlo_name="audit.example.org", **{**given, **more})


def rule(assessment: Any, name: str, row: int = 0) -> dict[str, Any]:
    return next(one for one in assessment["endpoints"][row]["rules"] if one["id"] == name)


def test_pass_finding_and_unknown_are_met_unmet_and_unknown() -> None:
    report = audited()
    assessment = assess(report, today=DAY)
    assert outcomes(assessment) == {
        "check": "met", "auth_offered_in_clear": "unmet", "pipelining": "met", "vrfy": "unmet", "expn": "unknown",
        "rcpt": "met",
    }  # fmt: skip
    row = assessment["endpoints"][0]
    assert (row["verdict"], row["cause"], row["assessment"]) == ("failed", "rule_unmet", "unmet")
    assert (row["subject"]["kind"], row["audit"]["intensity"]) == ("relay", "active")
    vrfy = rule(assessment, "vrfy")
    assert (vrfy["severity"], vrfy["document"], vrfy["section"], vrfy["proof"]) == ("low", "RFC 5321", "7.3", "reply")
    assert vrfy["remedy"] == PROBES["vrfy"].remedy and PROBES["vrfy"].meaning.rstrip(".") in vrfy["text"]
    assert vrfy["dialogues"] and vrfy["text"].startswith("Does VRFY tell which mailboxes there are? The known address")
    unknown = rule(assessment, "expn")
    assert (
        "This could not be judged: EXPN user@example.net was answered 450" in unknown["text"] and not unknown["remedy"]
    )


def test_what_only_informs_breaks_no_rule_unless_a_profile_says_how_grave_it_is(tmp_path: Any) -> None:
    report, path = audited(), tmp_path / "ours.yml"
    told = rule(assess(report, today=DAY), "rcpt")
    assert told["outcome"] == "met" and "For information: the known address was answered 250" in told["text"]
    path.write_text("{title: Ours, kind: audit, rules: {rcpt: {expect: true, severity: high, document: Ours}}}")
    told = rule(assess(report, profile=load_profiles([str(path)]), today=DAY), "rcpt")
    assert (told["outcome"], told["severity"], told["document"]) == ("unmet", "high", "Ours")


def test_the_profile_says_where_a_rule_comes_from_and_what_was_not_asked_is_not_judged() -> None:
    profile = load_profiles(["hardened-relay"])
    assessment = assess(audited(), profile=profile, today=DAY)
    vrfy = rule(assessment, "vrfy")
    assert (vrfy["severity"], vrfy["profile"]) == ("medium", "hardened-relay") and vrfy["reason"]
    smuggling = rule(assessment, "smuggling")
    assert (smuggling["outcome"], smuggling["severity"]) == ("unknown", "high")
    assert (
        "it was not asked, which takes intensity intrusive, with known_recipient and mailbox_recipient"
        in (smuggling["text"])
    )
    relaying = rule(assessment, "relaying")
    assert "it was not asked, which takes its name among probes, or an audit without that option" in relaying["text"]
    assert {"smuggling", "relaying"} <= {one["rule"] for one in not_judged(assessment, "high")}
    assert assessment["profiles"] == ["hardened-relay"]


def test_a_probe_that_lacks_an_option_is_not_judged() -> None:
    report = audited(probes=None)
    assert rule(assess(report, today=DAY), "relaying")["outcome"] == "unknown"
    needs = "it needs the option outside_recipient (in all known_recipient and outside_recipient)"
    assert needs in rule(assess(report, today=DAY), "relaying")["text"]


def test_a_rule_that_is_set_to_null_does_not_count() -> None:
    profile = load_profiles(["hardened-relay"], {"smuggling": None, "vrfy": None}, AUDIT)
    assert not {"smuggling", "vrfy"} & set(outcomes(assess(audited(), profile=profile, today=DAY)))


@pytest.mark.parametrize("wrong", [False, "yes", 1])
def test_a_probe_counts_or_it_does_not(wrong: Any) -> None:
    with pytest.raises(ProfileError, match=r"expect\.vrfy: must be true, or null"):
        load_profiles(["hardened-relay"], {"vrfy": wrong})


def test_profiles_of_audits_and_of_relays_do_not_mix() -> None:
    with pytest.raises(
        ProfileError, match=r"profiles\[1\]: 'hardened-relay' is about audits, and what is judged are relays"
    ):
        load_profiles(["relay", "hardened-relay"])


def test_the_profile_names_probes_that_there_are_and_as_grave_at_least_as_they_say() -> None:
    grave = ("info", "low", "medium", "high")
    for name, about in load_profiles(["hardened-relay"])["rules"].items():
        assert grave.index(about["severity"]) >= grave.index(PROBES[name].severity), name


def test_an_audit_that_ended_early_is_no_check_that_succeeds() -> None:
    refusing = audited({"": "421 4.7.0 Too many connections\r\n"})
    row = assess(refusing, today=DAY)["endpoints"][0]
    assert (row["verdict"], row["stage"], row["code"]) == ("deferred", "greeting", 421)
    assert row["rules"][0]["outcome"] == "unmet" and row["rules"][0]["remedy"] == refusing["failure"]["hint"]
    assert {one["outcome"] for one in row["rules"][1:]} == {"unknown"}


@pytest.mark.parametrize("answer, verdict, severity, nagios", [
    ("450 4.2.1 Later\r\n", "not_checked", "high", 3), ("451 4.7.1 Greylisted, try again\r\n", "deferred", "medium", 1),
])  # fmt: skip
@pytest.mark.parametrize("with_check", [False, True])
def test_an_audit_that_could_judge_nothing_is_shown_as_good_nowhere(
    answer: str, verdict: str, severity: str, nagios: int, with_check: bool
) -> None:
    """Not by a finding that is none, either: Nagios has a word of its own for what is not known."""
    report = audited({"VRFY": "450 4.2.1 Later\r\n", "RCPT": answer}, probes=["vrfy", *["rcpt"] * (nagios == 1)])
    checked = {name: value for name, value in report.items() if name not in ("probes", "failure")}
    checked.update(verdict="passed", cause=None, failure=None)
    assessment = assess([report, checked] if with_check else report, today=DAY)
    (row,) = assessment["endpoints"]
    name = "audit" if with_check else "check"
    assert (row["verdict"], row["cause"], row["assessment"]) == (verdict, report["cause"], "unmet")
    told = rule(assessment, name)
    assert (told["outcome"], told["severity"], told["remedy"]) == ("unmet", severity, report["failure"]["hint"])
    assert {one["outcome"] for one in row["rules"] if one["id"] not in ("check", "audit")} == {"unknown"}
    assert [one["rule"] for one in findings(assessment)] == [name]  # on which the role compliance fails
    assert exit_status(assessment) == nagios
    assert 'verdict="%s"} 1' % verdict in FORMATS["prometheus"].write(assessment)
    assert "mailcheck_passed" in FORMATS["prometheus"].write(assessment)
    suite = ET.fromstring(FORMATS["junit"].write(assessment))
    assert [case.get("name") for case in suite.iter("testcase") if case.find("failure") is not None] == [name]
    shown = " ".join(FORMATS["markdown"].write(assessment).split())
    assert {"not_checked": "1 not checked.", "deferred": "1 deferred."}[verdict] in shown


def test_what_is_known_not_to_be_judged_may_be_waived() -> None:
    report = audited({"VRFY": "450 4.2.1 Later\r\n"}, probes=["vrfy"])
    host = "127.0.0.1:%d" % report["port"]
    assessment = assess(report, waivers=[waiver(rule="check.nothing_settled", endpoint=host)], today=DAY)
    assert outcomes(assessment) == {"check": "waived", "vrfy": "unknown"}


def test_a_plan_is_no_audit() -> None:
    plan = audit("relay.example.com", check_mode=True)
    assert outcomes(assess(plan, profile=load_profiles(["hardened-relay"]), today=DAY)) == {"check": "unmet"}


def test_a_relay_that_is_checked_and_audited_has_one_row() -> None:
    with running(Relay(**TELLS_USERS)) as relay:
        checked = check("127.0.0.1", port=relay.port, tls="none", expect={"capabilities": ["SIZE"]})
        fleet = audit_relays(["127.0.0.1:%d" % relay.port, "localhost:%d" % relay.port], probes=PROBED[:2])
    checked["name"] = "127.0.0.1:%d" % relay.port
    profile = [load_profiles(["relay"]), load_profiles(["hardened-relay"])]
    assessment = assess([fleet, checked], profile=profile, today=DAY)
    both, alone = assessment["endpoints"]
    names = [one["id"] for one in both["rules"]]
    assert names[:4] == ["check", "capabilities", "audit", "auth_offered_in_clear"]
    assert (both["verdict"], both["cause"], both["assessment"]) == ("failed", "rule_unmet", "unmet")
    assert checked["msg"] in both["msg"] and fleet["endpoints"][0]["msg"] in both["msg"]
    assert alone["id"] == "localhost:%d" % relay.port and alone["rules"][0]["id"] == "check"
    assert assessment["profiles"] == ["relay", "hardened-relay"]
    assert load_profiles(["relay"])["kind"] == RELAY


@pytest.mark.parametrize("checks, audits, rows", [
    # How a sweep names it, how an audit does: the row is the check's.
    (["127.0.0.1:25"], ["ours"], [("127.0.0.1:25", "ours")]),
    # One of the name comes first, in whatever order they are.
    (["a", "b"], ["b", "a"], [("a", "a"), ("b", "b")]),
    (["a", "b"], ["other", "a"], [("a", "a"), ("b", "other")]),
    # A check has one audit: what is left has its own row.
    (["a"], ["other", "a"], [("a", "a"), (None, "other")]),
])  # fmt: skip
def test_a_relay_has_one_row_however_check_and_audit_name_it(checks: Any, audits: Any, rows: Any) -> None:
    report = audited(probes=["pipelining"])
    as_check = {key: value for key, value in report.items() if key not in ("probes", "failure")}
    swept = [{**as_check, "host": "Relay.example.com.", "name": one, "msg": "check of %s." % one} for one in checks]
    asked = [{**report, "host": "relay.example.COM", "name": one, "msg": "of %s." % one} for one in audits]
    found = []
    for row in assess([{"endpoints": asked}, {"endpoints": swept}], today=DAY)["endpoints"]:
        check, _joined, audit = row["msg"].rpartition(" Audit: ")
        found.append((check[len("check of ") : -1] or None, audit[len("of ") : -1]))
    assert found == rows


def test_the_labels_of_both_are_the_row_s() -> None:
    report = {**audited(probes=["pipelining"]), "labels": {"site": "north", "role": "audited"}}
    checked = {key: value for key, value in report.items() if key not in ("probes", "failure")}
    checked["labels"] = {"role": "mx"}
    (row,) = assess([{"endpoints": [checked]}, {"endpoints": [report]}], today=DAY)["endpoints"]
    assert row["labels"] == {"site": "north", "role": "mx"}


def test_waivers_excuse_what_an_audit_found() -> None:
    report = audited()
    host = "127.0.0.1:%d" % report["port"]
    assessment = assess(report, waivers=[waiver(rule="auth_*", endpoint=host)], today=DAY)
    assert outcomes(assessment)["auth_offered_in_clear"] == "waived"
    assert [one["rule"] for one in findings(assessment)] == ["vrfy"]


@pytest.mark.parametrize("endpoint", ["the check's", "the audit's", "the audit's:*", "127.0.0.1"])
def test_a_waiver_holds_by_either_name_of_a_relay(endpoint: str) -> None:
    """Which a sweep and an audit may call by two names, and which has one row."""
    report = {**audited(probes=["vrfy"]), "name": "the audit's"}
    checked = {key: value for key, value in report.items() if key not in ("probes", "failure")}
    checked.update(name="the check's", verdict="passed", cause=None)
    given = [waiver(rule="vrfy", endpoint=endpoint)]
    assessment = assess([{"endpoints": [report]}, {"endpoints": [checked]}], waivers=given, today=DAY)
    (row,) = assessment["endpoints"]
    assert (row["name"], row["audit"]["name"]) == ("the check's", "the audit's")
    assert outcomes(assessment)["vrfy"] == "waived" and assessment["waivers"][0]["state"] == "active"


def test_a_waiver_may_be_for_one_reason_that_an_audit_did_not_pass() -> None:
    """As for a check, where the audit is a rule beside it."""
    report = audited({"VRFY": "450 4.2.1 Later\r\n"}, probes=["vrfy"])
    checked = {key: value for key, value in report.items() if key not in ("probes", "failure")}
    checked.update(verdict="passed", cause=None)
    for cause, outcome in (("nothing_settled", "waived"), ("greylisted", "unmet")):
        given = [waiver(rule="audit.%s" % cause, endpoint="127.0.0.1")]
        assessment = assess([report, checked], waivers=given, today=DAY)
        assert (outcomes(assessment)["check"], outcomes(assessment)["audit"]) == ("met", outcome)


def test_drift_tells_what_an_audit_finds_anew() -> None:
    with running(Relay(**TELLS_USERS)) as relay:
        before = assess(audit("127.0.0.1", port=relay.port, probes=["auth_offered_in_clear"]), today=DAY)
        relay.answers["EHLO"] = "250 relay.example.com\r\n"
        after = assess(audit("127.0.0.1", port=relay.port, probes=["auth_offered_in_clear"]), today=DAY)
    changed = {(one["what"], one["before"], one["now"]) for one in drift(before, after)}
    assert ("rule auth_offered_in_clear", "unmet", "met") in changed and ("verdict", "failed", "passed") in changed


def test_two_audits_of_one_state_have_one_stable_form() -> None:
    """Though the addresses that nobody has are others, and so is the time."""
    with running(Relay(**TELLS_USERS)) as relay:
        given = {"known_recipient": "user@example.net", "intensity": "active", "authorised": ["127.0.0.1"]}
        texts = {
            FORMATS["json"].write(assess(audit("127.0.0.1", port=relay.port, **given), today=DAY), stable=True)
            for _run in range(2)
        }
    assert len(texts) == 1


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_tells_of_it(name: str) -> None:
    assessment = assess(audited(), profile=load_profiles(["hardened-relay"]), today=DAY)
    text = FORMATS[name].write(assessment)
    assert "vrfy" in text
    if name == "junit":
        cases = {case.get("name"): [child.tag for child in case] for case in ET.fromstring(text).iter("testcase")}
        assert (cases["vrfy"], cases["expn"], cases["pipelining"]) == (["failure"], ["error"], [])
    elif name == "json":
        assert json.loads(text)["endpoints"][0]["audit"] == {"intensity": "active", "verdict": "failed"}
    elif name in ("html", "markdown"):
        assert re.search("RFC 5321 7.3", text) and "disable" in text


# The endpoints of a sweep


def test_the_endpoints_of_a_sweep_are_audited_as_they_are_reached_and_nothing_else_is_handed_on() -> None:
    relay = {"host": "mx.example.com", "port": 26, "name": "mx", "labels": {"site": "north"}, "ca_path": "/ca.pem"}
    secret = {"username": "user", "password": "secret", "send": True, "recipients": ["user@example.com"], "expect": {}}
    endpoints = [
        {**relay, **secret, "tls": "starttls", "profiles": ["mx"], "audit": {"known_recipient": "user@example.com"}},
        {"host": "other.example.com", "tls": "implicit", "protocol": "smtp", "xclient": {}, "port": None},
        {"host": "/var/run/lmtp", "protocol": "lmtp", "audit": False},
    ]
    assert audit_endpoints(endpoints) == [
        {**relay, "tls": "opportunistic", "known_recipient": "user@example.com"},
        {"host": "other.example.com", "tls": "implicit"},
    ]
    swept = with_profiles([{"host": "mx.example.com", "audit": {"intensity": "active"}}])
    assert swept == [{"host": "mx.example.com"}]


@pytest.mark.parametrize("option, given", [
    ("audit", {"audit": True}), ("protocol", {"protocol": "lmtp"}), ("proxy_protocol", {"proxy_protocol": {"a": 1}}),
    ("xclient", {"xclient": {"ADDR": "192.0.2.1"}}),
])  # fmt: skip
def test_what_an_audit_cannot_reach_is_said(option: str, given: dict[str, Any]) -> None:
    with pytest.raises(AssessmentError, match=rf"\[0\]\.{option}: "):
        audit_endpoints([{"host": "mx.example.com", **given}])


def test_of_several_addresses_the_one_that_was_audited_has_the_audit() -> None:
    report = audited(probes=["pipelining"])
    rows = [{**report, "address": address} for address in ("192.0.2.1", "127.0.0.1")]
    checked = [{key: value for key, value in row.items() if key not in ("probes", "failure")} for row in rows]
    assessment = assess([{"endpoints": checked}, report], today=DAY)
    assert ["audit" in row for row in assessment["endpoints"]] == [False, True]
