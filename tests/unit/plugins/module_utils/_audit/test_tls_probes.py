# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What the probes that look at TLS come to, from outcomes that are handed in.

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Optional

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.model import Audited, Unsettled
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.options import AUDIT_OPTIONS, wanted_audit
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.register import PROBES
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.options import with_defaults
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.facts import ExtraReply
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.causes import Failure


def audited(mode: str = "starttls", **facts: Any) -> Audited:
    known = {"capabilities_before_tls": {"STARTTLS": []}, "capabilities": {}, "tls": None, "codes": {},
             "starttls_refusal": None, "failure": None, **facts}  # fmt: skip
    nobody = Audited._make([None] * len(Audited._fields))  # type: ignore[arg-type]
    return nobody._replace(
        first=SimpleNamespace(facts=SimpleNamespace(**known)), endpoint=SimpleNamespace(tls=mode), tls_failure=None
    )


def outcome(version: Optional[str] = None, cause: str = "") -> Any:
    tls = SimpleNamespace(version=version) if version else None
    failure = Failure("tls", cause, text="so it was") if cause else None
    return SimpleNamespace(facts=SimpleNamespace(tls=tls, failure=failure, extra_replies=()))


REFUSED, NOT_TRIED = outcome(cause="tls_version_mismatch"), outcome(cause="tls_version_unavailable")
ODD = outcome(cause="timed_out")


BETTER_THAN_NOTHING = (
    "of TLSv1 and TLSv1.1, offered together, it accepts TLSv1.1, "
    "which for mail that would else come in clear is better than nothing"
)


@pytest.mark.parametrize(
    ("mode", "answer", "status", "severity", "text"),
    [
        ("implicit", outcome("TLSv1"), "finding", None, "of TLSv1 and TLSv1.1, offered together, it accepts TLSv1"),
        ("implicit", outcome("TLSv1.1"), "finding", None, "of TLSv1 and TLSv1.1, offered together, it accepts TLSv1.1"),
        ("starttls", outcome("TLSv1.1"), "finding", "low", BETTER_THAN_NOTHING),
        ("starttls", REFUSED, "pass", None, "it refuses TLSv1 and TLSv1.1"),
    ],
)  # fmt: skip
def test_versions_that_are_given_up(mode, answer, status, severity, text):
    """RFC 8996. Where mail would else come in clear, an old version is no grave fault (RFC 7435)."""
    judged = PROBES["tls_versions"].judge(audited(mode), [answer, outcome()])
    assert (judged.status, judged.severity, judged.text) == (status, severity, text)


@pytest.mark.parametrize(
    ("outcomes", "why"),
    [
        ([], "there was no TLS in the first connection"),
        ([NOT_TRIED, outcome()], "this host's OpenSSL cannot ask for TLSv1 and TLSv1.1; sslyze can"),
        ([REFUSED, ODD], "the dialogue ended at tls"),
        ([ODD, outcome()], "a handshake was neither accepted nor refused"),
    ],
)
def test_versions_of_which_nothing_is_known(outcomes, why):
    with pytest.raises(Unsettled, match=why):
        PROBES["tls_versions"].judge(audited(), outcomes)


@pytest.mark.parametrize(
    ("outcomes", "why"),
    [
        ([NOT_TRIED, outcome()], "this host's OpenSSL cannot ask for such suites; sslyze can"),
        ([ODD, outcome()], "a handshake was neither accepted nor refused"),
    ],
)
def test_suites_of_which_nothing_is_known(outcomes, why):
    with pytest.raises(Unsettled, match=why):
        PROBES["unprotected_suites"].judge(audited(), outcomes)


def test_without_tls_no_version_is_tried():
    assert PROBES["tls_versions"].trials(audited()) == []


SPOKEN = SimpleNamespace(version="TLSv1.3")


@pytest.mark.parametrize(
    ("mode", "facts", "status", "severity", "text"),
    [
        ("implicit", {"capabilities_before_tls": None}, "pass", None, "TLS begins with the first octet"),
        ("starttls", {"capabilities_before_tls": {}}, "finding", None, "it does not offer STARTTLS"),
        (
            "starttls",
            {"tls": SPOKEN, "capabilities": {"STARTTLS": []}},
            "finding",
            "low",
            "it offers STARTTLS once more",
        ),
        ("starttls", {"tls": SPOKEN}, "pass", None, "it offers STARTTLS, spoke TLSv1.3, and has forgotten STARTTLS"),
    ],
)
def test_starttls(mode, facts, status, severity, text):
    """RFC 3207 4.2: what was said before TLS is forgotten."""
    judged = PROBES["starttls"].judge(audited(mode, **facts), ())
    assert (judged.status, judged.severity) == (status, severity)
    assert judged.text.startswith(text)


@pytest.mark.parametrize("under_tls, tls", [({"AUTH": ["PLAIN", "NTLM"]}, "opportunistic"), ({}, "none")])
@pytest.mark.parametrize("name", ["ntlm_names", "auth_attempts"])
def test_where_auth_is_offered_in_clear_alone_it_is_tried_there(name, under_tls, tls):
    """Who offers none under TLS may be asked all the same."""
    wanted = wanted_audit("relay.example.com", with_defaults({}, AUDIT_OPTIONS))
    offered = {"capabilities_before_tls": {"STARTTLS": [], "AUTH": ["PLAIN", "NTLM"]}, "capabilities": under_tls}
    asked = audited(**offered)._replace(endpoint=wanted.endpoint, strangers=("a@example.net", "b@example.net"))
    ((endpoint, _actions),) = PROBES[name].trials(asked)
    assert endpoint.tls == tls


def test_starttls_that_was_not_begun_is_not_judged():
    with pytest.raises(Unsettled, match="was not asked to begin it"):
        PROBES["starttls"].judge(audited(), ())


@pytest.mark.parametrize(
    ("verified", "errors", "status", "severity", "text"),
    [
        (True, (), "pass", None, "its certificate was verified for relay.example.com"),
        (
            False,
            ("self_signed",),
            "finding",
            None,
            "its certificate was not verified for relay.example.com: self_signed",
        ),
        (False, ("certificate_expired", "self_signed"), "finding", "medium", "its certificate was not verified for"),
    ],
)
def test_a_certificate(verified, errors, status, severity, text):
    tls = SimpleNamespace(verified=verified, verify_errors=errors, server_name="relay.example.com")
    judged = PROBES["certificate"].judge(audited(tls=tls), ())
    assert (judged.status, judged.severity) == (status, severity)
    assert judged.text.startswith(text)


@pytest.mark.parametrize("tls", [None, SimpleNamespace(verified=None)])
def test_a_certificate_that_was_not_seen_is_not_judged(tls):
    with pytest.raises(Unsettled, match="no certificate was seen"):
        PROBES["certificate"].judge(audited(tls=tls), ())


# What comes with STARTTLS, and after it


def said(*replies: Any, cause: str = "") -> Any:
    """An outcome: what STARTTLS, and what came with it, was answered."""
    failure = Failure("tls", cause, text="so it was") if cause else None
    answered = [ExtraReply(command, code, None, text) for command, code, text in replies]
    return SimpleNamespace(facts=SimpleNamespace(failure=failure, extra_replies=answered, timings={}))


GO_AHEAD = ("STARTTLS", 220, "Go ahead")
HANGS_UP = "it hung up after its 220, and on an ordinary handshake as well"


@pytest.mark.parametrize(
    ("probe", "found", "why"),
    [
        ("starttls_injection", said(GO_AHEAD, cause="connection_lost"), HANGS_UP),
        ("starttls_injection", said(("STARTTLS", 454, "Not now")), "STARTTLS was answered 454 Not now, which is for now only"),
        ("starttls_plaintext", said(GO_AHEAD, cause="connection_lost"), HANGS_UP),
        ("starttls_plaintext", said(("STARTTLS", 454, "Not now")), "STARTTLS was answered 454 Not now, which is for now only"),
        ("starttls_plaintext", said(("STARTTLS", 502, "Unknown")), "STARTTLS was answered 502 Unknown"),
        ("starttls_plaintext", said(GO_AHEAD), "nothing was heard after its 220"),
        ("starttls_plaintext", said(GO_AHEAD, cause="timed_out"), r"the dialogue ended at tls \(timed_out\): so it was"),
    ],
)  # fmt: skip
def test_starttls_that_comes_to_nothing_settles_nothing(probe, found, why):
    """RFC 3207 4: 220, 501 or 454. A relay that hangs up on every handshake says nothing by hanging up on this one."""
    with pytest.raises(Unsettled, match=why):
        PROBES[probe].judge(audited(failure=None), [found])


def test_starttls_that_fails_by_itself_tells_nothing_of_what_came_with_it():
    by_itself = Failure("starttls", "tls_refused", 554, text="no certificate")
    with pytest.raises(Unsettled, match="STARTTLS by itself came to nothing: no certificate"):
        PROBES["starttls_injection"].judge(audited(failure=by_itself), [said(("STARTTLS", 554, "No"))])


def test_a_refusal_in_clear_is_no_tls_and_no_obedience():
    judged = PROBES["starttls_plaintext"].judge(audited(), [said(GO_AHEAD, ("NOOP", 503, "TLS first"))])
    assert (judged.status, judged.text) == ("pass", "after its 220 it answered NOOP in clear by 503 TLS first")
