# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What relays announce, and what is said only where they do: parameters of MAIL and RCPT, limits, BDAT, PRDR, XCLIENT;
# and commands of the caller's own.

from __future__ import annotations

from base64 import b64decode, b64encode

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.model import TlsPolicy
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.conversation.authentication import sign_in
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.conversation.state import State
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.facts import Facts
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.transcript import Transcript
from ansible_collections.postmaster.mailcheck.tests.support.script import (
    PASSWORD,
    SIGN_IN,
    VERIFIED,
    play,
    play_once,
    request_for,
    said,
)

QUIT = "\nC: QUIT\nS: 221 bye\n"
ANNA = {"tls": "none", "sender": "probe@example.org", "recipients": ["anna@example.com"]}
SEND = dict(ANNA, send=True)
MAIL, RCPT = "MAIL FROM:<probe@example.org>", "RCPT TO:<anna@example.com>"


def offers(*keywords: str, inside: bool = False) -> str:
    """A session up to the EHLO that announces these."""
    lines = ["250-" + line for line in ("relay.example.com", *keywords)]
    lines[-1] = "250 " + lines[-1][4:]
    ehlo = "C: EHLO client.example.org\n"
    answer = "".join("S: %s\n" % line for line in lines)
    starttls = "S: 250-relay.example.com\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nTLS\n"
    return "S: 220 relay.example.com\n" + ehlo + (starttls + ehlo if inside else "") + answer


def outcome(report):
    return report["verdict"], report["stage"], report["failure"] and report["failure"]["cause"]


# Parameters


def size_of(**options):
    return request_for(**options).actions.message.size


@pytest.mark.parametrize(
    "options, keyword",
    [
        (dict(SEND, chunking=True), "CHUNKING"),
        (dict(ANNA, requiretls=True), "REQUIRETLS"),
        (dict(SEND, prdr=True), "PRDR"),
        (dict(ANNA, dsn={"ret": "hdrs"}), "DSN"),
        (dict(ANNA, mail_parameters={"by": "120;R"}), "DELIVERBY"),
        (dict(ANNA, mail_parameters={"HOLDFOR": 60}), "FUTURERELEASE"),
        (dict(ANNA, mail_parameters={"HOLDUNTIL": "2026-01-01T00:00:00Z"}), "FUTURERELEASE"),
        (dict(ANNA, mail_parameters={"MT-PRIORITY": 3}), "MT-PRIORITY"),
        (dict(ANNA, mail_parameters={"CONPERM": None}), "CONPERM"),
        (dict(ANNA, mail_parameters={"SOLICIT": "net.example:ADV"}), "NO-SOLICITING"),
        (dict(ANNA, mail_parameters={"AUTH": "<>"}), "AUTH"),
        (dict(SEND, test_message={"body": "ä", "transfer_encoding": "8bit"}), "8BITMIME"),
    ],
)
def test_what_is_not_announced_is_not_asked_for(options, keyword):
    others = {
        "CHUNKING",
        "REQUIRETLS",
        "PRDR",
        "DSN",
        "DELIVERBY",
        "FUTURERELEASE",
        "MT-PRIORITY",
        "8BITMIME",
        "CONNEG",
    }
    report = play(offers(*sorted(others - {keyword})) + QUIT, **options)
    assert outcome(report) == ("failed", "mail", "extension_not_offered")
    assert keyword in report["failure"]["text"]
    assert (report["changed"], report["recipients"]) == (False, [])


@pytest.mark.parametrize(
    "options",
    [
        dict(ANNA, sender="jürgen@example.org"),
        dict(ANNA, recipients=["änna@exämple.com"]),
        dict(SEND, test_message={"headers": {"Reply-To": "jürgen@example.org"}}),
    ],
)
def test_an_address_that_is_not_ascii_needs_smtputf8(options):
    report = play(offers("8BITMIME", "SIZE") + QUIT, **options)
    assert outcome(report) == ("failed", "mail", "smtputf8_not_offered")


def test_a_domain_alone_that_is_not_ascii_needs_no_smtputf8():
    report = play(offers("PIPELINING") + """
        C: MAIL FROM:<probe@example.org>
        C: RCPT TO:<anna@xn--exmple-cua.com>
        C: RSET
        C: QUIT
        S: 250 ok
        S: 250 ok
        S: 250 ok
        S: 221 bye
    """, **{**ANNA, "sender": "probe@example.org", "recipients": ["anna@exämple.com"]})  # fmt: skip
    assert [to["address"] for to in report["recipients"]] == ["anna@xn--exmple-cua.com"]


def test_every_parameter_in_its_place():
    options = {
        **ANNA,
        "recipients": ["jürgen+a=b@example.com"],
        "tls": "starttls",
        "send": True,
        "test_message": {"body": "ä", "transfer_encoding": "8bit"},
        "requiretls": True,
        "dsn": {"ret": "full", "envid": "a+b c", "notify": ["success", "delay"], "orcpt": True},
        "mail_parameters": {"mt-priority": 3, "CONPERM": None},
        "check_mode": True,
    }
    keywords = "SMTPUTF8 8BITMIME SIZE REQUIRETLS DSN MT-PRIORITY CONPERM".split()
    size = size_of(**{name: value for name, value in options.items() if name != "check_mode"})
    report = play(offers(*keywords, inside=True) + """
        C: MAIL FROM:<probe@example.org> SMTPUTF8 BODY=8BITMIME SIZE=%d REQUIRETLS RET=FULL ENVID=a+2Bb+20c \
MT-PRIORITY=3 CONPERM
        S: 250 ok
        C: RCPT TO:<jürgen+a=b@example.com> NOTIFY=SUCCESS,DELAY ORCPT=utf-8;jürgen\\\\x{2B}a\\\\x{3D}b@example.com
        S: 250 ok
        C: RSET
        S: 250 ok
    """.replace("\\\\", "\\") % size + QUIT, **options)  # fmt: skip
    assert report["verdict"] == "passed"


def test_requiretls_is_worth_nothing_in_clear():
    report = play(offers("REQUIRETLS") + QUIT, requiretls=True, **ANNA)
    assert outcome(report) == ("failed", "mail", "extension_not_offered")
    assert "inside TLS" in report["failure"]["text"]


@pytest.mark.parametrize(
    "limits, text",
    [
        ("RCPTMAX=1", "2 recipients, the relay takes 1 at once (LIMITS RCPTMAX)"),
        ("MAILMAX=5 rcptdomainmax=1 RCPTMAX=100", "2 domains, the relay takes 1 at once (LIMITS RCPTDOMAINMAX)"),
    ],
)
def test_announced_limits_are_kept(limits, text):
    to = ["anna@example.com", "bert@example.net"]
    report = play(offers("LIMITS " + limits) + QUIT, **{**ANNA, "recipients": to})
    assert outcome(report) == ("failed", "mail", "limit_exceeded")
    assert report["failure"]["text"] == text
    assert report["capabilities"]["LIMITS"] == limits.split()


@pytest.mark.parametrize("limits", ["RCPTMAX=2 RCPTDOMAINMAX=1", "RCPTMAX=0x1 MAILMAX=1", ""])
def test_limits_that_do_not_stand_in_the_way(limits):
    options = {**ANNA, "recipients": ["anna@example.com", "bert@EXAMPLE.com"]}
    report = play(offers("LIMITS " + limits) + """
        C: MAIL FROM:<probe@example.org>
        S: 250 ok
        C: RCPT TO:<anna@example.com>
        S: 250 ok
        C: RCPT TO:<bert@EXAMPLE.com>
        S: 250 ok
        C: RSET
        S: 250 ok
    """ + QUIT, **options)  # fmt: skip
    assert report["verdict"] == "passed"


# BDAT (RFC 3030)

CHUNKED = dict(SEND, chunking=True)
BDAT = (
    offers("PIPELINING", "CHUNKING")
    + """
    C: MAIL FROM:<probe@example.org>
    C: RCPT TO:<anna@example.com>
    C: BDAT %d LAST
    C: <chunk>
    C: QUIT
"""
)


def play_bdat(answers: str, **options):
    """Play a group that holds its message: <chunk> stands for the content, which is not dot-stuffed."""
    request = request_for(**dict(CHUNKED, **options))
    content = b"".join(request.actions.message.blocks()).decode()
    script = BDAT % request.actions.message.size + answers
    lines = "\n".join("C: " + line for line in content.split("\r\n")[:-1])
    return play_once(script.replace("C: <chunk>", lines), request).report


def test_bdat_leaves_with_its_envelope():
    report = play_bdat("S: 250 ok\nS: 250 ok\nS: 250 2.0.0 Ok: queued as 4X\nS: 221 bye")
    assert (outcome(report), report["changed"]) == (("passed", "message", None), True)
    assert report["message"]["queue_id"] == "4X"


@pytest.mark.parametrize("ends", ["closes", "resets", "silent"])
@pytest.mark.parametrize(
    "answers, found",
    [
        ("S: 550 5.7.1 no sender like you", ("failed", "mail", "sender_rejected")),
        ("S: 250 ok\nS: 550 5.1.1 unknown", ("failed", "rcpt", "mailbox_unknown")),
        ("S: 250 ok\nS: 450 4.2.0 greylisted", ("deferred", "rcpt", "greylisted")),
    ],
)
def test_bdat_for_nobody_was_not_taken_however_the_session_ends(answers, found, ends):
    report = play_bdat(answers + "\n" + ends)
    assert (outcome(report), report["changed"]) == (found, False)


@pytest.mark.parametrize(
    "answers, stage", [("", "mail"), ("S: 250 ok\n", "rcpt"), ("S: 250 ok\nS: 250 ok\n", "message")]
)
def test_bdat_was_not_taken_where_a_421_comes(answers, stage):
    report = play_bdat(answers + "S: 421 4.3.2 closing")
    assert (outcome(report), report["changed"]) == (("deferred", stage, "service_closing"), False)


@pytest.mark.parametrize("answers", ["", "S: 250 ok\n", "S: 250 ok\nS: 250 ok\n", "S: 250 ok\nS: 250 ok\nS: 250\\\n"])
@pytest.mark.parametrize("ends", ["closes", "resets", "silent"])
def test_bdat_may_have_been_taken_where_nobody_says_no(answers, ends):
    report = play_bdat(answers + ends)
    assert (outcome(report), report["changed"]) == (("failed", "message", "acceptance_unknown"), True)


@pytest.mark.parametrize("reply, changed", [("354 go", True), ("299 hm", True), ("452 full", False), ("554 no", False)])
def test_only_a_refusal_says_that_a_message_was_not_taken(reply, changed):
    report = play_bdat("S: 250 ok\nS: 250 ok\nS: %s\nS: 221 bye" % reply)
    assert (report["verdict"] == "passed", report["stage"], report["changed"]) == (False, "message", changed)
    assert report["message"]["code"] == int(reply[:3])


# PRDR

PRDR = (
    offers("PIPELINING", "PRDR")
    + """
    C: MAIL FROM:<probe@example.org> PRDR
    C: RCPT TO:<anna@example.com>
    C: RCPT TO:<bert@example.com>
    C: DATA
    S: 250 ok
    S: 250 ok
    S: 250 ok
    S: 354 go
    C: <message>
    C: QUIT
    S: 353 content analysis has begun
"""
)
PRDR_OPTIONS = {**SEND, "prdr": True, "recipients": ["anna@example.com", "bert@example.com"]}


@pytest.mark.parametrize(
    "replies, outcomes, verdict, changed",
    [
        (("250 ok", "250 ok", "250 queued"), ["accepted", "accepted"], "passed", True),
        (("250 ok", "550 5.7.1 spam", "250 queued"), ["accepted", "rejected"], "failed", True),
        (("450 later", "250 ok", "250 queued"), ["deferred", "accepted"], "deferred", True),
        (("550 no", "550 no", "550 nobody wants it"), ["rejected", "rejected"], "failed", False),
    ],
)
def test_prdr_has_a_reply_for_each_recipient_and_one_for_all(replies, outcomes, verdict, changed):
    report = play(PRDR + "".join("S: %s\n" % reply for reply in replies) + "S: 221 bye", **PRDR_OPTIONS)
    assert [to["outcome"] for to in report["recipients"]] == outcomes
    assert (report["verdict"], report["changed"]) == (verdict, changed)


def test_prdr_lost_before_the_reply_for_all():
    report = play(PRDR + "S: 250 ok\nS: 250 ok\ncloses", **PRDR_OPTIONS)
    assert (outcome(report), report["changed"]) == (("failed", "message", "acceptance_unknown"), True)


# XCLIENT


def test_xclient_brings_a_new_greeting_and_a_new_ehlo():
    report = play(offers("XCLIENT NAME ADDR", "SIZE 1") + """
        C: XCLIENT ADDR=192.0.2.1 NAME=[UNAVAILABLE]
        S: 220 another.example.com
        C: EHLO client.example.org
        S: 250 another.example.com
    """ + QUIT, tls="none", xclient={"addr": "192.0.2.1", "NAME": "[UNAVAILABLE]"})  # fmt: skip
    assert report["verdict"] == "passed"
    assert (report["greeting"]["hostname"], report["capabilities"]) == ("another.example.com", {})


def test_xclient_takes_the_reverse_name():
    report = play(offers("XCLIENT REVERSE_NAME") + """
        C: XCLIENT REVERSE_NAME=mx.example.org
        S: 220 another.example.com
        C: EHLO client.example.org
        S: 250 another.example.com
    """ + QUIT, tls="none", xclient={"reverse_name": "mx.example.org"})  # fmt: skip
    assert report["verdict"] == "passed"


@pytest.mark.parametrize(
    "reply, verdict, cause",
    [
        ("550 5.7.0 insufficient authorization", "failed", "xclient_refused"),
        ("450 4.3.0 later", "deferred", "xclient_refused"),
        ("250 ok", "failed", "protocol_violation"),
    ],
)
def test_xclient_refused(reply, verdict, cause):
    report = play(offers("XCLIENT ADDR") + "C: XCLIENT ADDR=192.0.2.1\nS: " + reply + QUIT,
                  tls="none", xclient={"ADDR": "192.0.2.1"})  # fmt: skip
    assert outcome(report) == (verdict, "xclient", cause)


@pytest.mark.parametrize("offer, missing", [("SIZE 1", "ADDR NAME"), ("XCLIENT PORT name", "ADDR")])
def test_xclient_that_is_not_offered_for_all_of_it(offer, missing):
    report = play(offers(offer) + QUIT, tls="none", xclient={"ADDR": "192.0.2.1", "NAME": "client.example.org"})
    assert outcome(report) == ("failed", "xclient", "extension_not_offered")
    assert report["failure"]["text"] == "xclient needs XCLIENT " + missing


# Commands of the caller's own


def test_extra_commands_have_one_reply_each():
    report = play(offers() + """
        C: NOOP
        S: 250 ok
        C: vrfy anna
        S: 252-perhaps
        S: 252 2.1.5 perhaps not
        C: XFOO a b
        S: 500 what
    """ + QUIT, tls="none", extra_commands=["NOOP", "  vrfy anna ", "XFOO a b"])  # fmt: skip
    assert report["verdict"] == "passed"
    assert report["extra_replies"] == [
        {"command": "NOOP", "code": 250, "enhanced_code": None, "text": "ok"},
        {"command": "vrfy anna", "code": 252, "enhanced_code": "2.1.5", "text": "perhaps\n2.1.5 perhaps not"},
        {"command": "XFOO a b", "code": 500, "enhanced_code": None, "text": "what"},
    ]


@pytest.mark.parametrize("reply", ["354 send it", "334 VXNlcm5hbWU6"])
def test_nothing_follows_a_command_that_wants_more(reply):
    """What came next would be taken for its content."""
    report = play(offers() + "C: XMORE\nS: " + reply, extra_commands=["XMORE", "NOOP"], **ANNA)
    assert outcome(report) == ("failed", "extra", "protocol_violation")


def test_a_421_to_an_extra_command():
    report = play(offers() + "C: NOOP\nS: 421 closing", extra_commands=["NOOP"], **ANNA)
    assert outcome(report) == ("deferred", "extra", "service_closing")


@pytest.mark.parametrize(
    "verb",
    "DATA BDAT BURL STARTTLS AUTH XCLIENT QUIT ETRN ATRN TURN EHLO HELO LHLO MAIL RCPT RSET SEND SOML SAML PROXY "
    "XEXCH50 X-EXPS".split(),
)
def test_commands_that_change_the_session_are_refused(verb):
    for text in (verb, verb.lower(), "  %s" % verb, verb + " ", verb.title() + " x", verb + ":", verb + "."):
        with pytest.raises(OptionError, match=r"extra_commands\[1\]: %s is refused" % verb):
            request_for(tls="none", extra_commands=["NOOP", text])


@pytest.mark.parametrize(
    "text", ["", "  ", "\tDATA", "DATA\t", "NOOP\r\nDATA", "NOOP\nDATA", "NOOP\0", "\u2003DATA", "(x)", "NÖÖP"]
)
def test_what_is_no_command_is_refused(text):
    with pytest.raises(OptionError, match="extra_commands"):
        request_for(tls="none", extra_commands=[text])


# Signing in, where the unit tests of the mechanisms do not reach


def signs_in(offer: str, answers: str, **options):
    request = request_for(**options)
    if "client_cert" not in options:
        endpoint = request.endpoint._replace(tls_policy=TlsPolicy(client_cert="client.pem"))
        request = request._replace(endpoint=endpoint)
    return play_once(offers(offer, inside=True) + answers + QUIT, request).report


@pytest.mark.parametrize(
    "options, line",
    [
        ({"auth_mechanisms": ["EXTERNAL"]}, "AUTH EXTERNAL ="),
        ({"auth_mechanisms": ["external"], "username": "tim"}, "AUTH EXTERNAL dGlt"),
        ({"auth_mechanisms": ["ANONYMOUS"]}, "AUTH ANONYMOUS ="),
        ({"auth_mechanisms": ["ANONYMOUS"], "username": "sirhc"}, "AUTH ANONYMOUS c2lyaGM="),
    ],
)
def test_mechanisms_that_need_no_secret(options, line):
    """RFC 4954 4: an initial response that is empty goes out as `=`."""
    report = signs_in("auth external Anonymous", "C: %s\nS: 235 ok" % line, **options)
    assert (outcome(report), report["auth"]["accepted"]) == (("passed", "auth", None), True)


def test_what_is_too_long_for_a_command_waits_for_the_first_challenge():
    token = "t" * 400
    response = b64encode(b"user=tim\1auth=Bearer %s\1\1" % token.encode()).decode()
    report = signs_in("AUTH XOAUTH2", "C: AUTH XOAUTH2\nS: 334 \nC: %s\nS: 235 ok" % response,
                      username="tim", access_token=token)  # fmt: skip
    assert report["auth"]["accepted"] is True
    assert said(report)[-3:] == ["AUTH XOAUTH2", "<redacted>", "QUIT"]


def test_nobody_is_signed_in_whose_token_was_not_heard():
    report = signs_in("AUTH XOAUTH2", "C: AUTH XOAUTH2\nS: 235 welcome", username="tim", access_token="t" * 400)
    assert outcome(report) == ("failed", "auth", "auth_protocol_error")
    assert said(report)[-2:] == ["AUTH XOAUTH2", "QUIT"]


@pytest.mark.parametrize(
    "offer, wanted, flag",
    [
        ("SCRAM-SHA-256", ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"], "y"),
        ("SCRAM-SHA-1-PLUS SCRAM-SHA-256", ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"], "n"),
        ("SCRAM-SHA-256-PLUS SCRAM-SHA-256", ["SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"], "n"),
        ("SCRAM-SHA-256", None, "n"),
    ],
)
def test_the_flag_y_is_for_relays_that_offer_no_binding_at_all(offer, wanted, flag):
    """RFC 5802 6: a server that does support channel binding must refuse it."""

    class Certificate:
        signature_algorithm = "sha256WithRSAEncryption"

    request = request_for(auth_mechanisms=wanted, **SIGN_IN)
    facts = Facts(Transcript(0.0))
    facts.capabilities = {"AUTH": offer.split()}
    facts.tls = VERIFIED._replace(sent=(b"DER",), chain=(Certificate(),))
    step = next(sign_in(State(request.endpoint, request.actions, facts), request.actions.credentials))
    _verb, mechanism, first = step.commands[0].wire.split()
    assert mechanism == b"SCRAM-SHA-256"
    assert b64decode(first).startswith(flag.encode() + b",,n=tim,r=")


# No challenge is shown, wherever a relay puts one: it may hold what we said.

ECHO = b64encode(PASSWORD.encode()).decode()
PLAIN_IN_BASE64 = "AHRpbQB0YW5zdGFhZnRhbnN0YWFm"


@pytest.mark.parametrize("echo", [ECHO, PLAIN_IN_BASE64, PASSWORD, "user tim password " + PASSWORD])
@pytest.mark.parametrize(
    "answers",
    [
        "S: 334 {echo}\nC: *\nS: 501 no" + QUIT,
        "S: 334 %%%\nC: *\nS: 334 {echo}" + QUIT,
        "S: 334 %%%\nC: *\nS: 501 {echo}" + QUIT,
        "S: 535 {echo}" + QUIT,
        "S: 334-{echo}\nS: 535 no" + QUIT,
        "S: 235 ok\nC: MAIL FROM:<probe@example.org>\nS: 334 {echo}" + QUIT,
        "S: 235 ok\nC: MAIL FROM:<probe@example.org>\nS: 334-{echo}\nS: 550 {echo}" + QUIT,
        "S: 334 {echo}\\\ncloses",
    ],
)
def test_no_challenge_is_shown(answers, echo):
    report = play(offers("AUTH PLAIN", inside=True) + "C: AUTH PLAIN %s\n" % PLAIN_IN_BASE64
                  + answers.replace("{echo}", echo), sender="probe@example.org", **SIGN_IN)  # fmt: skip
    assert report["verdict"] != "passed"
    assert "<redacted>" in str(report)


@pytest.mark.parametrize("unasked", ["S: 334 %s", "S: 334 %s\\\n", "S: AUTH PLAIN %s"])
def test_no_challenge_is_shown_that_nobody_has_asked_for(unasked):
    request = request_for(sender="probe@example.org", **SIGN_IN)
    script = "C: AUTH PLAIN %s\nS: 235 ok\n%s" % (PLAIN_IN_BASE64, unasked % PLAIN_IN_BASE64)
    report = play_once(offers("AUTH PLAIN", inside=True) + script, request).report
    assert outcome(report) == ("failed", "mail", "protocol_violation")
    assert "<redacted>" in report["failure"]["text"]


def test_a_proof_that_the_relay_has_decoded_is_not_shown():
    report = play(offers("AUTH CRAM-MD5", inside=True) + """
        C: AUTH CRAM-MD5
        S: 334 PDFAeD4=
        C: dGltIGQzNTVjZmU2YjQ2NDczZmM4YTFlZmY0OTA1Y2JlN2Ni
        S: 535 bad digest: tim d355cfe6b46473fc8a1eff4905cbe7cb
    """ + QUIT, **SIGN_IN)  # fmt: skip
    assert report["failure"]["text"] == "bad digest: tim <redacted>"


@pytest.mark.parametrize("password, text, shown", [
    ("secret", "wrong: secret", "wrong: <redacted>"),
    ("secret", "ask your secretary", "ask your secretary"),
    ("p.w", "p.w? no, p-w", "<redacted>? no, p-w"),
])  # fmt: skip
def test_a_short_password_is_hidden_where_it_is_a_word(password, text, shown):
    line = "AUTH PLAIN " + b64encode(b"\0tim\0" + password.encode()).decode()
    report = play(offers("AUTH PLAIN", inside=True) + "C: %s\nS: 535 %s" % (line, text) + QUIT,
                  username="tim", password=password)  # fmt: skip
    assert report["failure"]["text"] == shown
