# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Rules that look for themselves, on connections of their own, and the survey: what the listeners really do.

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.postmaster.mailcheck.tests.real import servers
from ansible_collections.postmaster.mailcheck.tests.real.exim import Exim
from ansible_collections.postmaster.mailcheck.tests.real.pki import Pki
from ansible_collections.postmaster.mailcheck.tests.real.postfix import Postfix
from ansible_collections.postmaster.mailcheck.tests.real.reports import PASSED, Check, Log, outcome

RELAYING = {"recipient": servers.STRANGER, "control_recipient": servers.ACCEPTED, "sender": "a@elsewhere.test"}

# The rule, the listener, and whether it keeps the rule. Every row has been seen with other clients (test_servers).
ON_POSTFIX: list[tuple[str, Any, str, str]] = [
    ("tls_required", True, "tls_required", "met"),
    ("tls_required", True, "mx", "unmet"),
    ("tls_required", False, "mx", "met"),
    ("auth_refused_in_clear", True, "submission", "met"),
    ("auth_refused_in_clear", True, "auth_in_clear", "unmet"),
    ("tls_versions_refused", ["TLSv1", "TLSv1.1"], "mx", "met"),
    ("tls_versions_refused", ["TLSv1.3"], "rsa_tls12", "met"),
    ("tls_versions_refused", ["TLSv1.1", "TLSv1.3"], "mx", "unmet"),
    ("relaying_refused", RELAYING, "mx", "met"),
    ("relaying_refused", {**RELAYING, "recipient": servers.DISCARDED}, "mx", "unmet"),
    # Nothing is known where the control recipient is refused as well.
    ("relaying_refused", {**RELAYING, "control_recipient": servers.FULL}, "mx", "unknown"),
    ("relaying_refused", {**RELAYING, "recipient": servers.DEFERRED}, "mx", "unknown"),
]


@pytest.mark.parametrize(("rule", "expected", "purpose", "judged"), ON_POSTFIX)
def test_a_rule_that_looks_for_itself(
    check: Check, postfix: Postfix, rule: str, expected: object, purpose: str, judged: str
) -> None:
    tls = "none" if purpose == "auth_in_clear" else "starttls"
    report = check(postfix.ports[purpose], tls=tls, expect={rule: expected})
    (told,) = report["rules"]
    assert (told["id"], told["outcome"]) == (rule, judged)
    assert outcome(report) == (("failed", "rule_unmet") if judged == "unmet" else PASSED)
    assert report["changed"] is False


def test_exim_keeps_the_rules(check: Check, exim: Exim) -> None:
    expect = {"relaying_refused": RELAYING, "auth_refused_in_clear": True, "tls_versions_refused": ["TLSv1"]}
    report = check(exim.ports["smtp"], expect=expect)
    assert {rule["id"]: rule["outcome"] for rule in report["rules"]} == dict.fromkeys(expect, "met")
    assert outcome(report) == PASSED
    assert outcome(check(exim.ports["smtp"], expect={"tls_required": True})) == ("failed", "rule_unmet")


def test_no_secret_leaves_for_a_rule(check: Check, postfix: Postfix) -> None:
    log = Log(postfix.log)
    report = check(
        postfix.ports["auth_in_clear"],
        tls="none",
        allow_plaintext_auth=True,
        username=servers.USERNAME,
        password=servers.PASSWORD,
        expect={"auth_refused_in_clear": True},
    )
    assert outcome(report) == ("failed", "rule_unmet")
    assert report["auth"]["accepted"] is True
    servers.poll_until(lambda: log.text().count("disconnect from") == 2, 10.0, "the end of both sessions")
    # The session of the rule began a sign-in and called it off; the check's own signed in.
    assert "auth=0/1" in log.text() and "auth=1 " in log.text()


def test_the_survey_of_a_relay_with_two_certificates(check: Check, postfix: Postfix, pki: Pki) -> None:
    survey = check(postfix.ports["rsa_and_ecdsa"], survey=True)["survey"]
    assert (survey["versions"]["TLSv1.2"], survey["versions"]["TLSv1.3"]) == ("accepted", "accepted")
    assert survey["versions"]["TLSv1"] in ("refused", "not_tried")
    kinds = {name.upper(): leaf["public_key"]["algorithm"] for name, leaf in survey["certificates"].items()}
    assert kinds == {"RSA": "RSA", "ECDSA": "EC"}


def test_the_survey_of_a_relay_that_stops_at_tls_1_2(check: Check, postfix: Postfix) -> None:
    survey = check(postfix.ports["rsa_tls12"], survey=True)["survey"]
    assert (survey["versions"]["TLSv1.2"], survey["versions"]["TLSv1.3"]) == ("accepted", "refused")
    assert [name.upper() for name, leaf in survey["certificates"].items() if leaf] == ["RSA"]
