# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Rules that look for themselves, on connections of their own, and the survey: what the listeners really do.

from __future__ import annotations

import hashlib
import smtplib
import ssl
from typing import Any

import pytest

from ansible_collections.postmaster.mailcheck.tests.real import servers
from ansible_collections.postmaster.mailcheck.tests.real.exim import Exim
from ansible_collections.postmaster.mailcheck.tests.real.pki import IdentityFiles, Pki
from ansible_collections.postmaster.mailcheck.tests.real.postfix import Postfix
from ansible_collections.postmaster.mailcheck.tests.real.reports import PASSED, Check, Log, outcome

RELAYING = {"recipient": servers.STRANGER, "control_recipient": servers.ACCEPTED, "sender": "a@elsewhere.test"}

# The rule, the listener, and whether it keeps the rule.
ON_POSTFIX: list[tuple[str, Any, str, str]] = [
    ("tls_required", True, "tls_required", "met"),
    ("tls_required", True, "mx", "unmet"),
    ("tls_required", False, "mx", "met"),
    ("auth_refused_in_clear", True, "submission", "met"),
    ("auth_refused_in_clear", True, "auth_in_clear", "unmet"),
    ("tls_versions_refused", ["TLSv1", "TLSv1.1"], "tls_required", "met"),
    ("tls_versions_refused", ["TLSv1", "TLSv1.1"], "mx", "unmet"),
    ("tls_versions_refused", ["TLSv1.3"], "rsa_tls12", "met"),
    ("tls_versions_refused", ["TLSv1.1", "TLSv1.3"], "mx", "unmet"),
    ("tls_version_min", "TLSv1.3", "mx", "met"),
    ("tls_version_min", "TLSv1.3", "rsa_tls12", "unmet"),
    ("certificate_days_left", 7, "seven_days", "met"),
    ("certificate_days_left", 8, "seven_days", "unmet"),
    ("certificate_names", ["mx1.lab.test", "localhost"], "mx", "met"),
    ("certificate_names", ["mx1.lab.test", "mx2.lab.test"], "mx", "unmet"),
    ("public_key_min_bits", {"RSA": 2048, "EC": 384}, "rsa_tls12", "met"),
    ("public_key_min_bits", 3072, "rsa_tls12", "unmet"),
    ("public_key_min_bits", {"RSA": 2048, "EC": 384}, "mx", "unmet"),
    ("certificate_days_left", 7, "auth_in_clear", "unknown"),  # no TLS, no certificate
    ("auth_required", servers.STRANGER, "submission", "met"),
    ("auth_required", servers.ACCEPTED, "mx", "unmet"),
    ("auth_required", servers.DEFERRED, "mx", "unknown"),
    ("auth_required", servers.STRANGER, "deferring", "met"),
    ("relaying_refused", RELAYING, "mx", "met"),
    ("relaying_refused", RELAYING, "deferring", "met"),
    ("relaying_refused", {**RELAYING, "recipient": servers.DISCARDED}, "mx", "unmet"),
    # Nothing is known where the control recipient is refused as well.
    ("relaying_refused", {**RELAYING, "control_recipient": servers.FULL}, "mx", "unknown"),
    ("relaying_refused", {**RELAYING, "recipient": servers.DEFERRED}, "mx", "unknown"),
]


VERSIONS = {
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}


def accepts(port: int, version: ssl.TLSVersion) -> bool:
    """Whether the standard library's client comes to terms with the relay in this TLS version."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version
    context.set_ciphers("ALL:@SECLEVEL=0")
    session = smtplib.SMTP(servers.HOST, port, local_hostname="client.lab.test", timeout=servers.PATIENCE)
    try:
        return session.starttls(context=context)[0] == 220
    except ssl.SSLError:
        return False
    finally:
        session.close()


def fingerprint(identity: IdentityFiles) -> str:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(identity.certificate.read_text())).hexdigest()


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


def test_nothing_is_said_in_clear_to_a_relay_with_implicit_tls(check: Check, postfix: Postfix) -> None:
    expect = {"tls_required": True, "auth_refused_in_clear": True}
    report = check(postfix.ports["submissions"], tls="implicit", expect=expect)
    assert [(rule["outcome"], rule["observed"]) for rule in report["rules"]] == [("met", "implicit TLS")] * 2
    assert outcome(report) == PASSED


def test_exim_keeps_the_rules(check: Check, exim: Exim) -> None:
    expect = {"relaying_refused": RELAYING, "auth_refused_in_clear": True}
    report = check(exim.ports["smtp"], expect=expect)
    assert {rule["id"]: rule["outcome"] for rule in report["rules"]} == dict.fromkeys(expect, "met")
    assert outcome(report) == PASSED
    assert outcome(check(exim.ports["smtp"], expect={"tls_required": True})) == ("failed", "rule_unmet")


def test_no_secret_leaves_for_a_rule(check: Check, postfix: Postfix) -> None:
    log = Log(postfix.log)
    report = check(
        postfix.ports["auth_in_clear"],
        source_address=log.client,
        tls="none",
        allow_plaintext_auth=True,
        username=servers.USERNAME,
        password=servers.PASSWORD,
        expect={"auth_refused_in_clear": True},
    )
    assert outcome(report) == ("failed", "rule_unmet")
    assert report["auth"]["accepted"] is True
    text = log.wait_for("disconnect from", times=2)
    # The session of the rule began a sign-in and called it off; the check's own signed in.
    assert "auth=0/1" in text and "auth=1 " in text


@pytest.mark.parametrize(
    ("purpose", "order", "group"), [("rsa_and_ecdsa", "client", "x25519"), ("own_preferences", "relay", "secp384r1")]
)
def test_the_survey_of_a_relay_with_two_certificates(
    check: Check, postfix: Postfix, pki: Pki, purpose: str, order: str, group: str
) -> None:
    log = Log(postfix.log)
    report = check(postfix.ports[purpose], source_address=log.client, survey=True)
    assert outcome(report) == PASSED
    assert report["survey"]["cipher_order"] == order
    text = log.wait_for("disconnect from", times=9)  # the check's own connection, and eight of the survey's
    for version, found in report["survey"]["ciphers"].items():
        assert found["group"] == group
        assert f"{version} with cipher {found['cipher']} (" in text
    leaves = {name.upper(): leaf for name, leaf in report["survey"]["certificates"].items()}
    assert {name: leaf["sha256_fingerprint"] for name, leaf in leaves.items()} == {
        "RSA": fingerprint(pki.rsa),
        "ECDSA": fingerprint(pki.relay),
    }


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("purpose", ["mx", "tls_required", "rsa_tls12", "exim"])
def test_the_survey_finds_the_versions_that_another_client_finds(
    check: Check, request: pytest.FixtureRequest, purpose: str
) -> None:
    name, port = ("exim", "smtp") if purpose == "exim" else ("postfix", purpose)
    server: Postfix | Exim = request.getfixturevalue(name)
    survey = check(server.ports[port], survey=True)["survey"]
    assert survey["versions"] == {
        told: "accepted" if accepts(server.ports[port], version) else "refused" for told, version in VERSIONS.items()
    }
    kinds = [kind.upper() for kind, leaf in survey["certificates"].items() if leaf]
    assert kinds == (["RSA"] if purpose == "rsa_tls12" else ["ECDSA"])
