# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# No credential leaves on a channel that is not verified TLS: each way of talking a client out of it is played with a
# relay that records every octet. And a message goes out at most once, wherever the connection breaks.

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.check import check
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.request import build_request
from ansible_collections.postmaster.mailcheck.tests.hostile.cases import (
    ANNA,
    DATA,
    EHLO,
    HEALTHY,
    HEALTHY_OPTIONS,
    INSIDE,
    MAIL,
    OFFER,
    ONE,
    OPEN,
    PIPELINING,
    PLAIN_EHLO,
    QUIT,
    READY,
    SEND_ONE,
    SIGNED,
    TLS,
)
from ansible_collections.postmaster.mailcheck.tests.hostile.test_cases import judge_secrets, options_of
from ansible_collections.postmaster.mailcheck.tests.support.hostile import PASSWORD, disguises

if TYPE_CHECKING:
    from typing import Any, Dict

    from ansible_collections.postmaster.mailcheck.tests.support.authority import Authority

ALL = "S: 250-relay.example.com\nS: 250 AUTH PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256 XOAUTH2 OAUTHBEARER\n"
TAKES_ALL = "answers 334 \n"  # whoever talks to this relay is asked for more
SIGN_IN_ANYWAY = ALL + TAKES_ALL

# What stands between the client and verified TLS.
DOWNGRADES: Dict[str, str] = {
    "keyword stripped": OPEN + SIGN_IN_ANYWAY,
    "keyword masked": OPEN + "S: 250-relay\nS: 250-XXXXXXXX\nS: 250 AUTH PLAIN LOGIN\n" + TAKES_ALL,
    "keyword of another spelling": OPEN
    + "S: 250-relay\nS: 250-STARTTLSX\nS: 250-X-STARTTLS\nS: 250 AUTH PLAIN\n"
    + TAKES_ALL,
    "EHLO refused": OPEN + "S: 502 what\n" + TAKES_ALL,
    "STARTTLS refused for good": OFFER + "S: 554 no\n" + TAKES_ALL,
    "STARTTLS refused for now": OFFER + "S: 454 later\n" + TAKES_ALL,
    "STARTTLS answered 250": OFFER + "S: 250 ok\n" + TAKES_ALL,
    "STARTTLS answered 334": OFFER + "S: 334 \n" + TAKES_ALL,
    "STARTTLS answered by another EHLO": OFFER + "S: 220 go\n" + ALL + TAKES_ALL,
    "words instead of TLS": READY + "C: <octets>\n" + ALL + TAKES_ALL,
    "an alert instead of TLS": READY + "C: <octets>\nS: \\x15\\x03\\x03\\x00\\x02\\x02\\x28\\\n" + TAKES_ALL,
    "handshake reset": READY + "C: <octets>\nresets\n",
    "handshake closed": READY + "C: <octets>\ncloses\n",
    "handshake stalled": READY + "silent\n",
    "handshake cut at 1": READY + "TLS good cut 1\nsilent\n",
    "handshake cut at 200": READY + "TLS good cut 200\ncloses\n",
    "a stranger's certificate": READY + "TLS stranger\n" + EHLO + SIGN_IN_ANYWAY,
    "another name's certificate": READY + "TLS other-name\n" + EHLO + SIGN_IN_ANYWAY,
    "an expired certificate": READY + "TLS expired\n" + EHLO + SIGN_IN_ANYWAY,
    "a certificate of tomorrow": READY + "TLS early\n" + EHLO + SIGN_IN_ANYWAY,
    "a self-signed certificate": READY + "TLS self-signed\n" + EHLO + SIGN_IN_ANYWAY,
    "no intermediate": READY + "TLS no-intermediate\n" + EHLO + SIGN_IN_ANYWAY,
    "421 instead of the 220": OFFER + "S: 421 busy\n" + TAKES_ALL,
}
SETTINGS: Dict[str, Dict[str, Any]] = {
    "required": {"tls": "starttls"},
    "opportunistic": {"tls": "opportunistic"},
    "tried again": {"tls": "starttls", "retry_for": 0.3, "retry_interval": 0.1},
    "rules that look for themselves": {
        "tls": "starttls",
        "expect": {"auth_refused_in_clear": True, "tls_required": True, "tls_versions_refused": ["TLSv1.1"]},
    },
}
CREDENTIALS: Dict[str, Dict[str, Any]] = {
    "password": {"username": "tim", "password": PASSWORD},
    "token": {"username": "tim", "access_token": PASSWORD},
}


@pytest.mark.parametrize("name", DOWNGRADES)
def test_no_credential_leaves_but_in_verified_tls(name: str, start: Any, authority: Authority) -> None:
    for setting in SETTINGS.values():
        for credentials in CREDENTIALS.values():
            relay = start(DOWNGRADES[name])
            options = dict(options_of({**setting, **credentials}, authority), timeout=0.3)
            report = check(relay.host, port=relay.port, **options)
            assert report["verdict"] != "passed"
            assert report["auth"] is None
            relay.settle()
            judge_secrets(report, relay)
            for session in relay.sessions:
                heard = bytes(session.clear + session.inside)
                assert b"AUTH PLAIN " not in heard and b64encode(b"tim") not in heard
                raw = bytes(session.raw)
                # Six octets of a form are too many to be there by chance, as fewer may be in a handshake.
                for form in disguises(PASSWORD).values():
                    assert not any(form[at : at + 6] in raw for at in range(len(form) - 5))
            relay.stop()


def test_the_judge_of_secrets_would_see_one(start: Any) -> None:
    """The tests above must be able to fail: here a caller wants its password in clear."""
    relay = start(OPEN + ALL + "C: AUTH PLAIN\nS: 235 ok\n" + QUIT)
    options: Dict[str, Any] = {"tls": "none", "allow_plaintext_auth": True, "auth_mechanisms": ["PLAIN"]}
    report = check(relay.host, port=relay.port, ehlo_name="client.example.org", **options, **CREDENTIALS["password"])
    assert report["auth"]["accepted"] is True
    relay.settle()
    assert PASSWORD not in json.dumps(report)
    with pytest.raises(AssertionError):
        judge_secrets(report, relay)


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256", "XOAUTH2", "OAUTHBEARER"])
@pytest.mark.parametrize(
    "answer",
    [
        "S: 334 \n", "S: 535 5.7.8 {password}\ncloses\n", "S: 334 {base64}\n", "S: 454 {password}\n", "resets\n",
        "S: 334 eyJzdGF0dXMiOiI0MDEifQ==\n", "S: 235 {password}\n", "S: 334 x\nS: 334 y\n",
    ],
)  # fmt: skip
def test_no_secret_is_shown_whatever_is_answered(mechanism: str, answer: str, start: Any, authority: Authority) -> None:
    """Not even one that the relay repeats in base64. In clear it may: then it is the relay who has told it."""
    forms = {"password": "words", "base64": "dGFuc3RhYWZ0YW5zdGFhZg=="}
    relay = start(INSIDE + "S: 250-relay\nS: 250 AUTH %s\nC: AUTH\n" % mechanism + answer.format(**forms) + TAKES_ALL)
    kind = "token" if mechanism in ("XOAUTH2", "OAUTHBEARER") else "password"
    options = options_of(dict(CREDENTIALS[kind], tls="starttls", auth_mechanisms=[mechanism]), authority)
    options["timeout"] = 2.0
    report = check(relay.host, port=relay.port, **options)
    relay.settle()
    judge_secrets(report, relay)
    assert len(relay.sessions) == 1


def test_a_refused_password_is_tried_once(start: Any, authority: Authority) -> None:
    relay = start(INSIDE + "S: 250-relay\nS: 250 AUTH PLAIN LOGIN\nC: AUTH PLAIN\nS: 535 no\n" + QUIT)
    options = options_of(dict(SIGNED, retry_for=1.0, retry_interval=0.05), authority)
    report = check(relay.host, port=relay.port, **options)
    assert report["failure"]["cause"] == "auth_rejected"
    relay.settle()
    (session,) = relay.sessions
    assert [line for line in session.said if line.startswith("AUTH")] == ["AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm"]


# A message goes out at most once

RETRY: Dict[str, Any] = {"retry_for": 5.0, "retry_interval": 0.05}


ACCEPTED = "S: 250 ok\n"
CHUNKING = OPEN + "S: 250-relay.example.com\nS: 250 CHUNKING\n"
LHLO = "S: 220 relay.example.com LMTP\nC: LHLO\nS: 250-relay.example.com\nS: 250 CHUNKING\n"
GROUP = PIPELINING.replace("S: 250 PIPELINING", "S: 250-PIPELINING\nS: 250 CHUNKING") + MAIL + ANNA
# How a message may leave: what comes before its first octet, and what ends it besides the end of the connection.
WAYS: Dict[str, Any] = {
    "DATA": (DATA + "S: 354 go\n", {}, b".\r\n"),
    "DATA in a group": (GROUP + "C: DATA\n" + ACCEPTED * 2 + "S: 354 go\n", {}, b".\r\n"),
    "DATA in TLS": (
        INSIDE + "S: 250 relay\n" + MAIL + ACCEPTED + ANNA + ACCEPTED + "C: DATA\nS: 354 go\n", TLS, b".\r\n"),
    "BDAT": (CHUNKING + MAIL + ACCEPTED + ANNA + ACCEPTED + "C: BDAT\n", {"chunking": True}, b""),
    "BDAT in a group": (GROUP + "C: BDAT\n", {"chunking": True}, b""),
    "LMTP": (LHLO + MAIL + ACCEPTED + ANNA + ACCEPTED + "C: DATA\nS: 354 go\n", {"protocol": "lmtp"}, b".\r\n"),
    "LMTP and BDAT": (
        LHLO + MAIL + ACCEPTED + ANNA + ACCEPTED + "C: BDAT\n", {"protocol": "lmtp", "chunking": True}, b""),
}  # fmt: skip


@pytest.mark.parametrize("end", ["closes", "resets"])
@pytest.mark.parametrize("way", WAYS)
def test_a_connection_that_breaks_around_the_end_of_a_message(
    way: str, end: str, start: Any, authority: Authority
) -> None:
    """The relay hears so many octets of the message and is gone, from some before its last to all of them."""
    begin, own, dot = WAYS[way]
    options = options_of(dict(SEND_ONE, **own, **RETRY), authority)
    size = build_request("127.0.0.1", options, 0.0).actions.message.size + len(dot)
    for heard in range(size - 8, size + 1):
        relay = start(begin + "C: <%d octets>\n%s\n" % (heard, end))
        report = check(relay.host, port=relay.port, **options)
        found = (report["verdict"], report["failure"]["stage"], report["failure"]["cause"], report["changed"])
        assert found == ("failed", "message", "acceptance_unknown", True), heard
        assert report["message"]["message_id"] and len(report["addresses_tried"]) == 1
        relay.settle()
        (session,) = relay.sessions
        assert [line for line in session.said if line.startswith(("DATA", "BDAT"))][1:] == []
        relay.stop()


@pytest.mark.parametrize("end", ["closes", "resets", "S: 451 4.3.0 later\ncloses", "S: 421 bye\ncloses"])
def test_after_its_first_octet_a_message_is_never_sent_again(end: str, start: Any, tmp_path: Any) -> None:
    """A message of many blocks, of which the relay hears a part: it has not been handed over, and is not tried again."""
    path = tmp_path / "message.eml"
    path.write_bytes(b"Subject: large\r\n\r\n" + (b"x" * 76 + b"\r\n") * 100000)
    relay = start(DATA + "S: 354 go\nC: <1000 octets>\n%s\n" % end, receive_buffer=4096)
    options = dict(
        ONE, send=True, test_message={"file": str(path)}, tls="none", ehlo_name="client.example.org", **RETRY
    )
    report = check(relay.host, port=relay.port, timeout=5.0, **options)
    assert (report["verdict"] != "passed", report["failure"]["stage"], report["changed"]) == (True, "message", False)
    relay.settle()
    assert len(relay.sessions) == 1


@pytest.mark.parametrize("answer", ["S: 451 4.3.0 later\n", "S: 554 no\n"])
def test_a_refused_message_was_not_taken(answer: str, start: Any) -> None:
    relay = start(DATA + "S: 354 go\nC: <message>\n" + answer + QUIT)
    options = dict(SEND_ONE, tls="none", ehlo_name="client.example.org", timeout=5.0, **RETRY)
    report = check(relay.host, port=relay.port, **options)
    assert (report["changed"], report["failure"]["stage"]) == (False, "message")
    relay.settle()
    assert len(relay.sessions) == 1


def test_silence_after_the_dot_leaves_acceptance_unknown(start: Any) -> None:
    relay = start(DATA + "S: 354 go\nC: <message>\nsilent\n")
    options = dict(SEND_ONE, tls="none", ehlo_name="client.example.org", timeout=5.0, acceptance_timeout=0.3, **RETRY)
    report = check(relay.host, port=relay.port, **options)
    assert (report["failure"]["cause"], report["changed"]) == ("acceptance_unknown", True)
    relay.settle()
    assert len(relay.sessions) == 1


def test_what_may_pass_later_is_tried_again_before_a_message_has_begun(start: Any) -> None:
    relay = start(PLAIN_EHLO + MAIL + "S: 451 later\nC: QUIT\nS: 221 bye\n")
    options = dict(SEND_ONE, tls="none", ehlo_name="client.example.org", retry_for=2.0, retry_interval=0.5)
    report = check(relay.host, port=relay.port, **options)
    assert report["verdict"] == "deferred"
    assert len(relay.sessions) > 1


def test_a_group_with_its_message_is_not_sent_again(start: Any) -> None:
    """BDAT leaves with its envelope: what is lost then may have been taken."""
    offer = PIPELINING.replace("S: 250 PIPELINING", "S: 250-PIPELINING\nS: 250 CHUNKING")
    relay = start(offer + MAIL + ANNA + "C: BDAT\ncloses\n")
    options = dict(SEND_ONE, tls="none", ehlo_name="client.example.org", chunking=True, **RETRY)
    report = check(relay.host, port=relay.port, **options)
    assert (report["failure"]["cause"], report["changed"]) == ("acceptance_unknown", True)
    relay.settle()
    assert len(relay.sessions) == 1


def test_nor_is_one_that_was_taken_though_its_recipients_were_put_off(start: Any) -> None:
    """BDAT leaves with its envelope: the relay may accept it for nobody."""
    options = dict(SEND_ONE, tls="none", ehlo_name="client.example.org", chunking=True, **RETRY)
    size = build_request("127.0.0.1", options, 0.0).actions.message.size
    relay = start(GROUP + "C: BDAT\nC: <%d octets>\nS: 250 ok\nS: 451 later\nS: 250 queued\n" % size + QUIT)
    report = check(relay.host, port=relay.port, **options)
    relay.settle()
    assert len(relay.sessions) == 1
    assert (report["changed"], report["failure"]["stage"], report["failure"]["code"]) == (True, "rcpt", 451)


@pytest.mark.parametrize("code, changed", [(451, False), (554, False), (600, True), (999, True)])
def test_what_is_no_reply_of_smtp_refuses_no_message(code: int, changed: bool, start: Any) -> None:
    relay = start(DATA + "S: 354 go\nC: <message>\nS: %d what\n" % code + QUIT)
    report = check(relay.host, port=relay.port, **dict(SEND_ONE, tls="none", ehlo_name="client.example.org"))
    assert report["verdict"] != "passed"
    assert report["changed"] is changed


def test_the_healthy_relay_does_see_the_password(start: Any, authority: Authority) -> None:
    relay = start(HEALTHY)
    report = check(relay.host, port=relay.port, **options_of(HEALTHY_OPTIONS, authority))
    assert report["verdict"] == "passed"
    relay.settle()
    assert "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm" in relay.sessions[0].said
    judge_secrets(report, relay)


# What a relay that repeats our words may say after AUTH PLAIN; the first was Sendmail's way.
ECHOES = {
    "the command": 'S: 500 5.5.1 Command unrecognized: "AUTH PLAIN {base64}"\n',
    "its beginning": "S: 501 5.5.2 bad: AUTH PLAIN {beginning}\n",
    "in a second line": "S: 535-no\nS: 535 {base64}\n",
    "no reply at all": "S: AUTH PLAIN {base64}\n",
    "half a line": "S: AUTH PLAIN {beginning}\\\ncloses\n",
    "half a reply": "S: 535 {base64}\\\ncloses\n",
    "the password": "S: 535 5.7.8 wrong password: {password}\n",
    "after a success": "S: 235 welcome\nC: QUIT\nS: 221 AUTH PLAIN {base64}\n",
    "without being asked": "S: 235 welcome\nS: AUTH PLAIN {base64}\n",
}


@pytest.mark.parametrize("name", ECHOES)
def test_a_relay_that_repeats_our_words_shows_no_secret(name: str, start: Any, authority: Authority) -> None:
    base64 = "AHRpbQB0YW5zdGFhZnRhbnN0YWFm"
    answer = ECHOES[name].format(base64=base64, beginning=base64[:20], password=PASSWORD)
    relay = start(INSIDE + "S: 250-relay\nS: 250 AUTH PLAIN\nC: AUTH PLAIN\n" + answer)
    report = check(relay.host, port=relay.port, **options_of(dict(SIGNED, **ONE), authority))
    judge_secrets(report, relay)
    shown = json.dumps(report)
    assert "<redacted>" in shown
    assert base64[:12] not in shown


_BASE64 = "AHRpbQB0YW5zdGFhZnRhbnN0YWFm"
# What a relay that has heard the sign-in may say on the next connection, before it hears another.
LATER_ECHOES = {
    "in its greeting": "S: 220 relay {base64} {password}\n" + EHLO + "S: 250 relay\n" + QUIT,
    "instead of one": "S: {base64}\n",
    "as a keyword": OPEN + "S: 250-relay\nS: 250-{base64} {password}\nS: 250 {password}={base64}\n" + QUIT,
    "over two lines": "S: 220-relay {base64_begins}\nS: 220 {base64_ends}\n" + EHLO + "S: 250 relay\n" + QUIT,
    "without its beginning": "S: 220 relay {base64_ends}\n" + EHLO + "S: 250 relay\n" + QUIT,
}


@pytest.mark.parametrize("name", LATER_ECHOES)
def test_nor_does_its_next_connection(name: str, start: Any, authority: Authority) -> None:
    forms = {"base64": _BASE64, "base64_begins": _BASE64[:14], "base64_ends": _BASE64[14:], "password": PASSWORD}
    first = INSIDE + "S: 250-relay\nS: 250 AUTH PLAIN\nC: AUTH PLAIN\nS: 454 later\n" + QUIT
    relay = start(first, most=1, refusal=LATER_ECHOES[name].format(**forms))
    report = check(
        relay.host, port=relay.port, **options_of(dict(SIGNED, retry_for=1.5, retry_interval=0.5), authority)
    )
    judge_secrets(report, relay)
    assert len(relay.sessions) > 1
    shown = json.dumps(report)
    assert "<redacted>" in json.dumps(report["transcript"]) + json.dumps(report["failure"])
    for part in (_BASE64, PASSWORD):
        assert not any(part[at : at + 8] in shown for at in range(len(part) - 7))
