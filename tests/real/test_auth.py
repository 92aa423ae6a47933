# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Signing in: every mechanism that the servers know, and a wrong password, which is tried exactly once.

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Callable, NamedTuple

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError
from ansible_collections.postmaster.mailcheck.tests.real import servers
from ansible_collections.postmaster.mailcheck.tests.real.dovecot import MECHANISMS, TOKEN_MECHANISMS, Dovecot
from ansible_collections.postmaster.mailcheck.tests.real.exim import Exim
from ansible_collections.postmaster.mailcheck.tests.real.introspection import TOKEN
from ansible_collections.postmaster.mailcheck.tests.real.pki import Pki
from ansible_collections.postmaster.mailcheck.tests.real.postfix import Postfix
from ansible_collections.postmaster.mailcheck.tests.real.reports import PASSED, Check, Log, Report, outcome, said, verbs

SIGN_IN = {"username": servers.USERNAME, "password": servers.PASSWORD}
WRONG = {**SIGN_IN, "password": "not-" + servers.PASSWORD}


class Submission(NamedTuple):
    """Where to sign in, and how the server's log tells that it saw one refused sign-in in a session, and no more."""

    port: int
    log: Path
    code: int
    enhanced_code: str | None
    attempt_in_log: str  # stands there once for each attempt
    session_in_log: str  # stands there at a session's end


@pytest.fixture
def submission(request: pytest.FixtureRequest) -> Callable[[str], Submission]:
    def find(name: str) -> Submission:
        server: Postfix | Exim | Dovecot = request.getfixturevalue(name)
        if isinstance(server, Postfix):
            return Submission(
                server.ports["submission"],
                server.log,
                535,
                "5.7.8",
                "authentication failed",
                "starttls=1 auth=0/1 quit=1",
            )
        if isinstance(server, Dovecot):
            return Submission(
                server.ports["submission"], server.log, 535, "5.7.8", "(auth failed, 1 attempts", "submission-login"
            )
        return Submission(server.ports["smtp"], server.log, 535, None, "authenticator failed", "authenticator failed")

    return find


SERVERS_AND_MECHANISMS = [
    *(("postfix", mechanism) for mechanism in MECHANISMS),
    *(("dovecot", mechanism) for mechanism in MECHANISMS),
    ("exim", "PLAIN"),
    ("exim", "LOGIN"),
    ("exim", "CRAM-MD5"),
]


@pytest.mark.parametrize(("server", "mechanism"), SERVERS_AND_MECHANISMS)
def test_every_mechanism(check: Check, submission: Callable[[str], Submission], server: str, mechanism: str) -> None:
    report = check(submission(server).port, auth_mechanisms=[mechanism.lower()], **SIGN_IN)
    assert outcome(report) == PASSED
    assert (report["stage"], report["codes"]["auth"]) == ("auth", 235)
    assert (report["auth"]["mechanism"], report["auth"]["accepted"], report["auth"]["code"]) == (mechanism, True, 235)
    assert f"signed in by {mechanism}" in report["msg"]
    assert_no_secret(report)


@pytest.mark.parametrize(
    ("server", "strongest"), [("postfix", "SCRAM-SHA-256"), ("dovecot", "SCRAM-SHA-256"), ("exim", "CRAM-MD5")]
)
def test_the_strongest_that_is_offered(
    check: Check, submission: Callable[[str], Submission], server: str, strongest: str
) -> None:
    report = check(submission(server).port, **SIGN_IN)
    assert (outcome(report), report["auth"]["mechanism"]) == (PASSED, strongest)


def test_the_order_that_is_asked_for(check: Check, postfix: Postfix) -> None:
    # -PLUS comes first, and is passed over: it is not offered.
    report = check(postfix.ports["submission"], auth_mechanisms=["SCRAM-SHA-256-PLUS", "LOGIN", "PLAIN"], **SIGN_IN)
    assert (outcome(report), report["auth"]["mechanism"]) == (PASSED, "LOGIN")
    report = check(postfix.ports["submission"], auth_mechanisms=["SCRAM-SHA-256-PLUS"], **SIGN_IN)
    assert outcome(report) == ("failed", "auth_no_common_mechanism")
    assert "AUTH" not in verbs(report)


@pytest.mark.parametrize(
    ("purpose", "port_of"), [("postfix", "submissions"), ("dovecot", "submissions"), ("exim", "smtps")]
)
def test_inside_implicit_tls(check: Check, request: pytest.FixtureRequest, purpose: str, port_of: str) -> None:
    report = check(request.getfixturevalue(purpose).ports[port_of], tls="implicit", **SIGN_IN)
    assert (outcome(report), report["auth"]["accepted"]) == (PASSED, True)
    assert verbs(report)[:2] == ["EHLO", "AUTH"]


@pytest.mark.parametrize(
    ("server", "mechanism"),
    [("postfix", "SCRAM-SHA-256"), ("postfix", "LOGIN"), ("dovecot", "CRAM-MD5"), ("exim", "PLAIN")],
)
def test_a_wrong_password_is_tried_exactly_once(
    check: Check, submission: Callable[[str], Submission], server: str, mechanism: str
) -> None:
    # Other mechanisms are on offer, and there is time for another try: neither is used.
    peer = submission(server)
    log = Log(peer.log)
    wanted = [mechanism, *(other for other in ("PLAIN", "LOGIN") if other != mechanism)]
    report = check(
        peer.port, source_address=log.client, auth_mechanisms=wanted, retry_for=5, retry_interval=0.1, **WRONG
    )
    assert outcome(report) == ("failed", "auth_rejected")
    failure = report["failure"]
    assert (failure["stage"], failure["code"], failure["enhanced_code"]) == ("auth", peer.code, peer.enhanced_code)
    assert (report["auth"]["mechanism"], report["auth"]["accepted"], report["auth"]["code"]) == (mechanism, False, 535)
    assert len(report["addresses_tried"]) == 1
    assert log.wait_for(peer.session_in_log).count(peer.attempt_in_log) == 1
    assert_no_secret(report)


@pytest.mark.parametrize("server", ["postfix", "dovecot", "exim"])
def test_a_wrong_password_may_be_what_is_expected_to_fail(
    check: Check, submission: Callable[[str], Submission], server: str
) -> None:
    report = check(submission(server).port, expect={"codes": {"auth": 535}}, **WRONG)
    assert outcome(report) == PASSED
    assert report["auth"]["accepted"] is False
    report = check(submission(server).port, expect={"codes": {"auth": 535}}, **SIGN_IN)
    assert outcome(report) == ("failed", "rule_unmet")


def test_an_unknown_user(check: Check, submission: Callable[[str], Submission]) -> None:
    for server in ("postfix", "dovecot", "exim"):
        report = check(submission(server).port, username=servers.UNKNOWN, password=servers.PASSWORD)
        assert (outcome(report), report["codes"]["auth"]) == (("failed", "auth_rejected"), 535)


# Without a password


@pytest.mark.parametrize("server", ["postfix", "dovecot"])
@pytest.mark.parametrize("mechanism", TOKEN_MECHANISMS)
def test_a_token(check: Check, submission: Callable[[str], Submission], server: str, mechanism: str) -> None:
    report = check(submission(server).port, auth_mechanisms=[mechanism], username=servers.USERNAME, access_token=TOKEN)
    assert outcome(report) == PASSED
    assert (report["auth"]["mechanism"], report["auth"]["code"]) == (mechanism, 235)
    assert_no_secret(report)


@pytest.mark.parametrize(("mechanism", "status"), [("XOAUTH2", "401"), ("OAUTHBEARER", "invalid_token")])
def test_a_token_that_is_not_active(
    check: Check, submission: Callable[[str], Submission], mechanism: str, status: str
) -> None:
    # The 334 with the error has to be answered before the 535 comes (RFC 7628 3.2.3).
    peer = submission("dovecot")
    log = Log(peer.log)
    report = check(
        peer.port,
        auth_mechanisms=[mechanism],
        username=servers.USERNAME,
        access_token="no-" + TOKEN,
        source_address=log.client,
        retry_for=5,
        retry_interval=0.1,
    )
    assert outcome(report) == ("failed", "auth_rejected")
    assert (report["failure"]["code"], report["auth"]["server_error"]["status"]) == (535, status)
    assert log.wait_for(peer.session_in_log).count(peer.attempt_in_log) == 1
    assert_no_secret(report)


def test_a_token_picks_a_mechanism_that_takes_one(check: Check, dovecot: Dovecot) -> None:
    report = check(dovecot.ports["submission"], username=servers.USERNAME, access_token=TOKEN)
    assert (outcome(report), report["auth"]["mechanism"]) == (PASSED, "OAUTHBEARER")


def test_external(check: Check, dovecot: Dovecot, pki: Pki) -> None:
    certificate = {"client_cert": str(pki.client.chain), "client_key": str(pki.client.key)}
    log = Log(dovecot.log)
    report = check(dovecot.ports["submission"], source_address=log.client, auth_mechanisms=["EXTERNAL"], **certificate)
    assert (outcome(report), report["auth"]["mechanism"]) == (PASSED, "EXTERNAL")
    assert "Login: user=<user@lab.test>, method=EXTERNAL" in log.wait_for("submission-login")
    # It is never used unasked.
    report = check(dovecot.ports["submission"], **SIGN_IN, **certificate)
    assert (outcome(report), report["auth"]["mechanism"]) == (PASSED, "SCRAM-SHA-256")


@pytest.mark.parametrize(("server", "where"), [("dovecot", "submission"), ("dovecot", "submissions"), ("exim", "smtp")])
def test_external_acts_as_the_user_that_is_named(
    check: Check, request: pytest.FixtureRequest, pki: Pki, server: str, where: str
) -> None:
    port = request.getfixturevalue(server).ports[where]
    options = {"client_cert": str(pki.client.chain), "client_key": str(pki.client.key), "auth_mechanisms": ["EXTERNAL"]}
    options["tls"] = "implicit" if where == "submissions" else "starttls"
    report = check(port, username=servers.USERNAME, **options)
    assert (outcome(report), report["auth"]["mechanism"], report["auth"]["accepted"]) == (PASSED, "EXTERNAL", True)
    report = check(port, username="somebody@lab.test", **options)
    assert (outcome(report), report["auth"]["code"]) == (("failed", "auth_rejected"), 535)


def test_external_without_a_certificate(check: Check, dovecot: Dovecot, postfix: Postfix, pki: Pki) -> None:
    report = check(dovecot.ports["submission"], auth_mechanisms=["EXTERNAL"])
    assert outcome(report) == ("failed", "auth_no_common_mechanism")
    assert "AUTH" not in verbs(report)
    certificate = {"client_cert": str(pki.client.chain), "client_key": str(pki.client.key)}
    report = check(postfix.ports["submission"], auth_mechanisms=["EXTERNAL"], **certificate)
    assert outcome(report) == ("failed", "auth_no_common_mechanism")


# Where credentials may go


def test_no_credentials_in_clear(check: Check, postfix: Postfix) -> None:
    port = postfix.ports["auth_in_clear"]
    report = check(port, **SIGN_IN)
    assert outcome(report) == ("failed", "tls_not_offered")
    report = check(port, tls="opportunistic", **SIGN_IN)
    assert outcome(report) == ("failed", "credentials_withheld")
    assert verbs(report) == ["EHLO", "QUIT"]
    with pytest.raises(OptionError, match="allow_plaintext_auth"):
        check(port, tls="none", **SIGN_IN)


@pytest.mark.parametrize("tls", ["none", "opportunistic"])
def test_credentials_in_clear_where_the_caller_says_so(check: Check, postfix: Postfix, tls: str) -> None:
    report = check(postfix.ports["auth_in_clear"], tls=tls, allow_plaintext_auth=True, **SIGN_IN)
    assert (outcome(report), report["tls"], report["auth"]["accepted"]) == (PASSED, None, True)
    assert_no_secret(report)


def test_no_credentials_over_a_certificate_that_is_not_accepted(check: Check, postfix: Postfix) -> None:
    report = check(postfix.ports["submission"], tls_server_name="other.example", **SIGN_IN)
    assert outcome(report) == ("failed", "certificate_name_mismatch")
    assert "AUTH" not in verbs(report)
    report = check(postfix.ports["submission"], tls_server_name="other.example", validate_certs=False, **SIGN_IN)
    assert (outcome(report), report["auth"]["accepted"]) == (PASSED, True)
    assert report["tls"]["verify_errors"] == ["certificate_name_mismatch"]


def test_sign_in_is_not_offered(check: Check, postfix: Postfix) -> None:
    report = check(postfix.ports["mx"], **SIGN_IN)
    assert outcome(report) == ("failed", "auth_not_offered")
    report = check(postfix.ports["submission"], tls="none", allow_plaintext_auth=True, **SIGN_IN)
    assert outcome(report) == ("failed", "auth_not_offered_in_clear")
    assert "AUTH" not in verbs(report)


def test_signed_in_mail_is_relayed(check: Check, submission: Callable[[str], Submission]) -> None:
    for server in ("postfix", "exim"):
        for credentials, fate in (({}, "rejected"), (SIGN_IN, "accepted")):
            report = check(
                submission(server).port, sender=servers.USERNAME, recipients=[servers.STRANGER], **credentials
            )
            assert [to["outcome"] for to in report["recipients"]] == [fate], server


# What the report gives away


def encodings(secret: str) -> list[str]:
    """The secret itself, and the parts of its base64 that are the same wherever it stands in the encoded text."""
    found = [secret]
    for shift in range(3):
        encoded = b64encode(b"\0" * shift + secret.encode()).decode().rstrip("=")
        found.append(encoded[2 if shift else 0 : -1])
    return found


def assert_no_secret(report: Report) -> None:
    text = json.dumps(report)
    for secret in (servers.PASSWORD, WRONG["password"], TOKEN):
        assert not [form for form in encodings(secret) if form in text]


def test_a_transcript_does_not_let_a_password_be_guessed(check: Check, dovecot: Dovecot) -> None:
    # With the server's salt, nonce and signature (RFC 5802 3) anyone could try passwords at leisure; with CRAM-MD5
    # the challenge is of no use, and the proof is ours, which is never shown.
    report = check(dovecot.ports["submission"], auth_mechanisms=["SCRAM-SHA-256"], **SIGN_IN)
    challenges = [text.partition(" ")[2] for text in said(report, "server") if text.startswith("334")]
    assert len(challenges) == 2
    for challenge in challenges:
        with pytest.raises(ValueError):
            b64decode(challenge, validate=True)
