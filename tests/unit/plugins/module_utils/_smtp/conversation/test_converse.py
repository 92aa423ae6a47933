# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Whole dialogues, each written down as its transcript (tests/support/script.py). What must come of each follows from
# the RFC named with it; every script is played whole, byte by byte, and with more bytes after its end.

from __future__ import annotations

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.certificates import read_certificate
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.actions import Actions
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.conversation.converse import converse
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.facts import Facts
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.protocol import Protocol
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.transcript import Transcript
from ansible_collections.postmaster.mailcheck.tests.support.script import (
    SIGN_IN,
    UNVERIFIED,
    VERIFIED,
    play,
    play_once,
    request_for,
    said,
)

CLEAR = {"tls": "none"}
SENDER = {"tls": "none", "sender": "probe@example.org"}
TWO = dict(SENDER, recipients=["anna@example.com", "bert@example.com"])
SEND = dict(TWO, send=True)
LONG = {"subject": "long", "body": "A line of text, and many more like it.\n" * 5000}
OPEN = """
    S: 220 relay.example.com ESMTP
    C: EHLO client.example.org
    S: 250 relay.example.com
"""
OPEN_PIPELINING = """
    S: 220 relay.example.com ESMTP
    C: EHLO client.example.org
    S: 250-relay.example.com
    S: 250 PIPELINING
"""
OPEN_TLS = """
    S: 220 relay.example.com ESMTP
    C: EHLO client.example.org
    S: 250-relay.example.com
    S: 250-AUTH NTLM
    S: 250 STARTTLS
    C: STARTTLS
    S: 220 2.0.0 Ready to start TLS
    TLS
    C: EHLO client.example.org
"""
OPEN_AUTH = OPEN_TLS + "S: 250-relay.example.com\nS: 250 AUTH %s\n"
QUIT = """
    C: QUIT
    S: 221 2.0.0 Bye
"""
RSET_QUIT = """
    C: RSET
    S: 250 2.0.0 Ok
    C: QUIT
    S: 221 2.0.0 Bye
"""


def outcome(report):
    """Return verdict, stage and cause."""
    return report["verdict"], report["stage"], report["failure"] and report["failure"]["cause"]


# Greeting (RFC 5321 3.1, 4.2, 4.3.1)


def test_a_greeting_of_several_lines():
    report = play("""
        S: 220-relay.example.com ESMTP
        S: 220-No unsolicited mail
        S: 220 please
    """ + QUIT, stop_after="greeting")  # fmt: skip
    assert outcome(report) == ("passed", "greeting", None)
    assert report["greeting"] == {
        "code": 220,
        "text": "relay.example.com ESMTP\nNo unsolicited mail\nplease",
        "hostname": "relay.example.com",
    }
    assert report["codes"] == {"greeting": 220, "quit": 221}


def test_an_enhanced_code_is_no_host_name():
    """RFC 2034 4 has none in a greeting; some relays do."""
    report = play("S: 220 2.0.0 relay.example.com ESMTP" + QUIT, stop_after="greeting")
    assert report["greeting"]["hostname"] == "relay.example.com"
    report = play("S: 220 2.0.0" + QUIT, stop_after="greeting")
    assert report["greeting"]["hostname"] is None


def test_a_greeting_without_text():
    report = play("S: 220" + QUIT, stop_after="greeting")
    assert outcome(report) == ("passed", "greeting", None)
    assert report["greeting"] == {"code": 220, "text": "", "hostname": None}


@pytest.mark.parametrize(
    "greeting, verdict, cause",
    [
        ("554 relay.example.com No SMTP service here", "failed", "greeting_refused"),
        ("550 5.7.1 Your address is listed", "failed", "client_blocked"),
        ("521 relay.example.com does not accept mail", "failed", "greeting_refused"),
        ("450 4.3.2 Try again later", "deferred", "rate_limited"),
        ("250 relay.example.com", "failed", "protocol_violation"),
        ("354 go ahead", "failed", "protocol_violation"),
    ],
)
def test_a_greeting_other_than_220_ends_the_check_with_quit(greeting, verdict, cause):
    report = play("S: " + greeting + QUIT)
    assert outcome(report) == (verdict, "greeting", cause)
    assert report["failure"]["code"] == report["codes"]["greeting"] == int(greeting[:3])
    assert report["failure"]["text"] == greeting[4:]


@pytest.mark.parametrize("line", ["199 relay.example.com", "120 soon", "012 relay", "999 relay.example.com"])
def test_a_code_outside_the_standards_range_makes_no_reply(line):
    """RFC 5321 4.2: Reply-code begins with a digit from 2 to 5."""
    report = play("S: " + line)
    assert outcome(report) == ("failed", "greeting", "protocol_violation")
    assert (report["failure"]["code"], report["greeting"]) == (None, None)
    assert report["failure"]["text"] == "not a reply line: '%s'" % line


def test_a_421_greeting_is_answered_by_nothing():
    report = play("S: 421 4.7.0 Too many connections from 192.0.2.9")
    assert outcome(report) == ("deferred", "greeting", "rate_limited")
    assert said(report) == []


def test_a_greeting_whose_last_line_refuses():
    """A greet pause: `220-` at once, the verdict later (RFC 5321 4.2.1: the last line's code counts)."""
    report = play("""
        S: 220-relay.example.com please wait
        S: 521 relay.example.com you did not
    """ + QUIT)  # fmt: skip
    assert outcome(report) == ("failed", "greeting", "greeting_refused")
    assert report["failure"]["code"] == 521
    assert any("different codes" in warning for warning in report["warnings"])


@pytest.mark.parametrize("end", ["closes", "resets", "silent"])
def test_no_greeting_at_all(end):
    report = play(end)
    assert outcome(report) == ("unreachable", "greeting", "no_greeting")
    assert report["greeting"] is None


@pytest.mark.parametrize(
    "end, cause", [("silent", "timed_out"), ("closes", "connection_lost"), ("resets", "connection_lost")]
)
@pytest.mark.parametrize("part", ["220-relay.example.com", "220-relay.example.com\\", "220 relay\\", "2\\"])
def test_half_a_greeting_is_smtp_and_not_silence(part, end, cause):
    report = play("S: %s\n%s" % (part, end))
    assert outcome(report) == ("failed", "greeting", cause)


@pytest.mark.parametrize(
    "noise, cause",
    [
        ("SSH-2.0-OpenSSH_9.2", "not_smtp"),
        ("HTTP/1.1 400 Bad Request", "not_smtp"),
        ("+OK POP3 ready", "not_smtp"),
        ("* OK IMAP4rev1 ready", "not_smtp"),
        ("22 relay.example.com", "not_smtp"),
        (r"\x15\x03\x01\x00\x02\x02\x46", "tls_expected"),
        ("220 relay.example.com" + "x" * 8192, "protocol_violation"),
        ("220relay.example.com", "protocol_violation"),
    ],
)
def test_what_answers_is_told_by_its_first_octets(noise, cause):
    report = play("S: " + noise)
    assert outcome(report) == ("failed", "greeting", cause)
    assert said(report) == []


@pytest.mark.parametrize("greeting, by", [("+OK POP3 ready", "`+OK` (POP3)"), ("* OK IMAP4rev1 ready", "`*` (IMAP)")])
def test_who_asks_a_mailbox_is_led_to_what_looks_into_one(greeting, by):
    hint = play("S: " + greeting)["failure"]["hint"]
    assert by in hint and "looked into by wait_for_mail (`mailcheck wait`)." in hint


def test_a_tls_alert_without_a_line_end_then_a_close():
    report = play("""
        S: \\x15\\x03\\x01\\x00\\x02\\x02\\x46\\
        closes
    """)
    assert outcome(report) == ("failed", "greeting", "tls_expected")


# EHLO and HELO (RFC 5321 4.1.1.1, 4.1.4)


def test_ehlo_and_what_the_relay_can():
    report = play("""
        S: 220 relay.example.com ESMTP
        C: EHLO client.example.org
        S: 250-relay.example.com greets client.example.org
        S: 250-size 10240000
        S: 250-AUTH=LOGIN
        S: 250-AUTH PLAIN login
        S: 250 8bitmime
    """ + QUIT, **CLEAR)  # fmt: skip
    assert outcome(report) == ("passed", "ehlo", None)
    assert report["capabilities"] == {"SIZE": ["10240000"], "AUTH": ["LOGIN", "PLAIN", "login"], "8BITMIME": []}
    assert report["auth_mechanisms"] == ["LOGIN", "PLAIN"]
    assert report["max_message_size"] == 10240000
    assert report["capabilities_before_tls"] is None


@pytest.mark.parametrize("code", [500, 501, 502, 504])
def test_helo_follows_where_ehlo_is_not_known(code):
    report = play("""
        S: 220 relay.example.com
        C: EHLO client.example.org
        S: %d 5.5.1 What?
        C: HELO client.example.org
        S: 250-relay.example.com
        S: 250 STARTTLS
    """ % code + QUIT, **CLEAR)  # fmt: skip
    assert outcome(report) == ("passed", "ehlo", None)
    assert report["capabilities"] == {}  # HELO announces nothing, whatever it says
    assert report["codes"]["ehlo"] == 250


@pytest.mark.parametrize("code, verdict", [(550, "failed"), (554, "failed"), (503, "failed"), (450, "deferred")])
def test_no_helo_after_any_other_refusal(code, verdict):
    report = play("""
        S: 220 relay.example.com
        C: EHLO client.example.org
        S: %d Bad name
    """ % code + QUIT, **CLEAR)  # fmt: skip
    assert outcome(report) == (verdict, "ehlo", "ehlo_refused")


def test_no_helo_where_credentials_are_to_follow():
    report = play("""
        S: 220 relay.example.com
        C: EHLO client.example.org
        S: 502 Command not implemented
    """ + QUIT, tls="none", allow_plaintext_auth=True, **SIGN_IN)  # fmt: skip
    assert outcome(report) == ("failed", "ehlo", "ehlo_refused")


def test_no_helo_inside_tls():
    report = play(OPEN_TLS + "S: 502 Command not implemented" + QUIT)
    assert outcome(report) == ("failed", "ehlo", "ehlo_refused")
    assert report["capabilities"] is None
    assert report["capabilities_before_tls"] == {"AUTH": ["NTLM"], "STARTTLS": []}


def test_helo_only_completes_the_facts_where_tls_is_required():
    report = play("""
        S: 220 relay.example.com
        C: EHLO client.example.org
        S: 500 Syntax error
        C: HELO client.example.org
        S: 250 relay.example.com
    """ + QUIT)  # fmt: skip
    assert outcome(report) == ("failed", "starttls", "tls_not_offered")


def test_ehlo_and_helo_refused():
    report = play("""
        S: 220 relay.example.com
        C: EHLO client.example.org
        S: 502 Command not implemented
        C: HELO client.example.org
        S: 550 Access denied
    """ + QUIT, **CLEAR)  # fmt: skip
    assert outcome(report) == ("failed", "ehlo", "ehlo_refused")
    assert report["failure"]["code"] == 550


@pytest.mark.parametrize("code", [251, 354, 299])
def test_ehlo_answered_by_nonsense(code):
    report = play("S: 220 x\nC: EHLO client.example.org\nS: %d hm" % code + QUIT)
    assert outcome(report) == ("failed", "ehlo", "protocol_violation")


@pytest.mark.parametrize("end, cause", [("closes", "connection_lost"), ("silent", "timed_out")])
def test_the_relay_goes_away_on_ehlo(end, cause):
    report = play("S: 220 relay.example.com\nC: EHLO client.example.org\n" + end)
    assert outcome(report) == ("failed", "ehlo", cause)
    assert report["greeting"]["hostname"] == "relay.example.com"


@pytest.mark.parametrize(
    "line", ["250 relay.example.com" + "x" * 8192, "relay.example.com", "25", "", "-1 hello", "2500 relay"]
)
def test_an_ehlo_reply_that_is_none(line):
    report = play("S: 220 relay.example.com\nC: EHLO client.example.org\nS: 250-relay.example.com\nS: %s\n" % line)
    assert outcome(report) == ("failed", "ehlo", "protocol_violation")
    assert report["greeting"]["code"] == 220


def test_endless_ehlo_lines():
    lines = "\n".join("S: 250-X%d" % number for number in range(600))
    report = play("S: 220 relay.example.com\nC: EHLO client.example.org\n" + lines)
    assert outcome(report) == ("failed", "ehlo", "protocol_violation")


def test_what_ehlo_says_and_does_not_mean_is_told_once():
    ehlo = "S: 250-STARTTLS\nS: 250-SIZE 5000\nS: 250-SIZE 1000\nS: 250 %s\n"
    report = play("S: 220 x\nC: EHLO client.example.org\n" + ehlo % "STARTTLS" + "C: STARTTLS\nS: 220 go\nTLS\n"
                  "C: EHLO client.example.org\n" + ehlo % "LIMITS RCPTMAX=0" + QUIT)  # fmt: skip
    assert (outcome(report), report["max_message_size"]) == (("passed", "tls", None), 1000)
    assert report["warnings"] == [
        (
            "ehlo: STARTTLS stands in the first line, which holds the relay's name and announces nothing "
            "(RFC 5321 4.1.1.1)"
        ),
        "ehlo: SIZE is announced as 5000 and 1000: the smallest limit counts here",
        "ehlo: LIMITS RCPTMAX=0 is no number of RFC 9422 and does not count",
    ]


# STARTTLS (RFC 3207)


def test_starttls_then_everything_is_asked_again():
    report = play(OPEN_TLS + """
        S: 250-relay.example.com
        S: 250 AUTH PLAIN
    """ + QUIT)  # fmt: skip
    assert outcome(report) == ("passed", "tls", None)
    assert report["capabilities_before_tls"] == {"AUTH": ["NTLM"], "STARTTLS": []}
    assert report["auth_mechanisms_before_tls"] == ["NTLM"]
    assert report["capabilities"] == {"AUTH": ["PLAIN"]}
    assert report["codes"] == {"greeting": 220, "ehlo": 250, "starttls": 220, "quit": 221}
    assert [entry["tls"] for entry in report["transcript"]] == [False] * 5 + [True] * 4


def test_nothing_said_in_clear_counts_in_tls():
    """PIPELINING was offered in clear only: inside TLS each command waits for its reply."""
    report = play("""
        S: 220 relay.example.com ESMTP
        C: EHLO client.example.org
        S: 250-relay.example.com
        S: 250-PIPELINING
        S: 250 STARTTLS
        C: STARTTLS
        S: 220 go
        TLS
        C: EHLO client.example.org
        S: 250 relay.example.com
        C: MAIL FROM:<probe@example.org>
        S: 250 ok
    """ + RSET_QUIT, sender="probe@example.org")  # fmt: skip
    assert outcome(report) == ("passed", "mail", None)


@pytest.mark.parametrize(
    "offers, cause",
    [
        (["PIPELINING"], "tls_not_offered"),
        ([], "tls_not_offered"),
        (["SIZE 1000", "XXXXXXXA"], "tls_stripped"),
        (["XXXXXXXX"], "tls_stripped"),
        (["X-STARTTLS-X"], "tls_not_offered"),
    ],
)
def test_tls_is_not_offered(offers, cause):
    lines = "".join("S: 250-%s\n" % line for line in ["relay.example.com", *offers][:-1])
    lines += "S: 250 %s" % ["relay.example.com", *offers][-1]
    report = play("S: 220 x\nC: EHLO client.example.org\n" + lines + QUIT)
    assert outcome(report) == ("failed", "starttls", cause)
    assert report["tls"] is None
    assert list(report["capabilities_before_tls"]) == [offer.split()[0] for offer in offers]
    shown = offers[-1:] if cause == "tls_stripped" else offers
    assert report["failure"]["text"] == "offered: " + (" ".join(shown) or "nothing")


OFFERS_TLS = """
    S: 220 relay.example.com
    C: EHLO client.example.org
    S: 250-relay.example.com
    S: 250 STARTTLS
    C: STARTTLS
"""


@pytest.mark.parametrize(
    "reply, verdict, cause",
    [
        ("454 4.7.0 TLS not available due to local problem", "deferred", "tls_unavailable"),
        ("450 later", "deferred", "tls_unavailable"),
        ("501 5.5.4 Syntax error", "failed", "tls_refused"),
        ("502 5.5.1 Not implemented", "failed", "tls_stripped"),
        ("554 5.7.3 no", "failed", "tls_refused"),
        ("250 ok", "failed", "protocol_violation"),
    ],
)
def test_starttls_refused(reply, verdict, cause):
    report = play(OFFERS_TLS + "S: " + reply + QUIT, **SIGN_IN)
    assert outcome(report) == (verdict, "starttls", cause)
    assert report["codes"]["starttls"] == int(reply[:3])


@pytest.mark.parametrize("reply", ["400 no", "454 4.7.0 not now", "502 not implemented", "599 no"])
def test_opportunistic_goes_on_in_clear_after_a_refusal(reply):
    report = play(OFFERS_TLS + "S: " + reply + QUIT, tls="opportunistic")
    assert outcome(report) == ("passed", "starttls", None)
    assert report["tls"] is None
    assert report["warnings"] == ["TLS was not used: the relay answered STARTTLS with %s." % reply[:3]]


@pytest.mark.parametrize("reply", ["250 ok", "399 hm", "299 hm"])
def test_opportunistic_ends_where_the_answer_is_neither(reply):
    report = play(OFFERS_TLS + "S: " + reply + QUIT, tls="opportunistic")
    assert outcome(report) == ("failed", "starttls", "protocol_violation")


@pytest.mark.parametrize("offer, why", [
    ("SIZE 1000", "the relay does not offer STARTTLS"),
    ("XXXXXXXA", "something masks its keywords: XXXXXXXA"),
])  # fmt: skip
def test_opportunistic_goes_on_where_tls_is_not_offered(offer, why):
    report = play(OPEN.replace("S: 250 relay.example.com", "S: 250-relay.example.com\nS: 250 " + offer) + QUIT,
                  tls="opportunistic")  # fmt: skip
    assert outcome(report) == ("passed", "ehlo", None)
    assert report["warnings"] == ["TLS was not used: %s." % why]


@pytest.mark.parametrize("errors, common_name, told", [
    (("certificate_name_mismatch",), "relay.example.com", True),
    (("certificate_name_mismatch",), "another.example.com", False),
    (("certificate_expired",), "relay.example.com", False),
])  # fmt: skip
def test_a_common_name_that_would_match_is_told_of(errors, common_name, told):
    """RFC 9525: it does not count."""
    issuer = trustme.CA()
    leaf = issuer.issue_cert("another.example.org", common_name=common_name).cert_chain_pems[0]
    ders = [x509.load_pem_x509_certificate(pem.bytes()) for pem in (leaf, issuer.cert_pem)]
    chain = tuple(read_certificate(one.public_bytes(serialization.Encoding.DER)) for one in ders)
    handshake = VERIFIED._replace(verified=False, verify_errors=errors, chain=chain)
    report = play(OPEN_TLS + "S: 250 relay.example.com" + QUIT, handshake, validate_certs=False)
    warning = "The certificate names relay.example.com in its common name only, which does not count (RFC 9525)."
    assert report["warnings"] == [warning] * told


def test_opportunistic_never_signs_in_in_clear():
    report = play("""
        S: 220 relay.example.com
        C: EHLO client.example.org
        S: 250-relay.example.com
        S: 250 AUTH PLAIN LOGIN
    """ + QUIT, tls="opportunistic", **SIGN_IN)  # fmt: skip
    assert outcome(report) == ("failed", "auth", "credentials_withheld")


def test_opportunistic_ends_where_the_handshake_fails():
    """No plaintext command follows a failed handshake, QUIT included (rule 4)."""
    report = play(OFFERS_TLS + "S: 220 go\nTLS fails tls_version_mismatch", tls="opportunistic")
    assert outcome(report) == ("failed", "tls", "tls_version_mismatch")
    assert said(report)[-1] == "STARTTLS"


@pytest.mark.parametrize("rest", ["250 relay.example.com", "250-relay", "\\x16\\x03\\x03\\", "x\\", "421 too late"])
def test_nothing_that_waits_before_the_handshake_is_used(rest):
    """CVE-2011-0411: the session ends, and not one octet follows."""
    script = OFFERS_TLS + "S: 220 go\nS: %s" % rest
    report = play_once(script, request_for()).report
    assert outcome(report) == ("failed", "starttls", "tls_injection")
    assert report["tls"] is None
    assert said(report)[-1] == "STARTTLS"


def test_nothing_before_the_greeting_counts_under_implicit_tls():
    report = play("""
        TLS
        S: 220 relay.example.com ESMTP
        C: EHLO client.example.org
        S: 250-relay.example.com
        S: 250 STARTTLS
    """ + QUIT, tls="implicit")  # fmt: skip
    assert outcome(report) == ("passed", "tls", None)
    assert report["port"] == 465
    assert all(entry["tls"] for entry in report["transcript"])
    assert report["timings"]["tls"] == report["timings"]["greeting"] == 0.05


@pytest.mark.parametrize(
    "end, cause",
    [
        ("closes", "tls_handshake_reset"),
        ("resets", "tls_handshake_reset"),
        ("silent", "tls_handshake_stalled"),
        ("TLS fails certificate_expired", "certificate_expired"),
        ("TLS fails tls_not_spoken", "tls_not_spoken"),
    ],
)
@pytest.mark.parametrize("script, tls", [("", "implicit"), (OFFERS_TLS + "S: 220 go\n", "starttls")])
def test_the_handshake_fails_and_nothing_follows(script, tls, end, cause):
    report = play(script + end, tls=tls, **SIGN_IN)
    assert outcome(report) == ("failed", "tls", cause)
    assert "QUIT" not in said(report)
    if "fails" in end:  # the facts of the chain survive
        assert report["tls"]["verified"] is False


def test_an_alert_after_the_handshake_belongs_to_tls():
    """TLS 1.3: that our certificate is missed shows only when the relay's next record is read."""
    report = play(OFFERS_TLS + """
        S: 220 go
        TLS
        C: EHLO client.example.org
        TLS alert client_certificate_required
    """)  # fmt: skip
    assert outcome(report) == ("failed", "tls", "client_certificate_required")


def test_an_alert_when_the_check_is_over_changes_nothing():
    report = play(OPEN_TLS + "S: 250 relay.example.com\nC: QUIT\nTLS alert tls_protocol_error")
    assert outcome(report) == ("passed", "tls", None)


def test_a_421_to_starttls_is_service_closing():
    report = play(OFFERS_TLS + "S: 421 4.3.2 shutting down")
    assert outcome(report) == ("deferred", "starttls", "service_closing")


# AUTH (RFC 4954, 4616)

PLAIN = "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm"
REFUSED = "535 5.7.8 Authentication credentials invalid"


def test_auth_plain_with_an_initial_response():
    report = play(OPEN_AUTH % "LOGIN PLAIN" + "C: " + PLAIN + "\nS: 235 2.7.0 Welcome" + QUIT, **SIGN_IN)
    assert outcome(report) == ("passed", "auth", None)
    assert report["auth"]["mechanism"] == "PLAIN"
    assert report["auth"]["accepted"] is True
    assert report["auth"]["code"] == report["codes"]["auth"] == 235
    assert "AUTH PLAIN <redacted>" in said(report)


def test_auth_login_answers_two_prompts():
    report = play(OPEN_AUTH % "LOGIN" + """
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C: dGlt
        S: 334 UGFzc3dvcmQ6
        C: dGFuc3RhYWZ0YW5zdGFhZg==
        S: 235 2.7.0 Welcome
    """ + QUIT, **SIGN_IN)  # fmt: skip
    assert outcome(report) == ("passed", "auth", None)
    assert report["auth"]["mechanism"] == "LOGIN"
    assert said(report)[-4:] == ["AUTH LOGIN", "<redacted>", "<redacted>", "QUIT"]


def test_prompts_without_text():
    report = play(OPEN_AUTH % "LOGIN" + """
        C: AUTH LOGIN
        S: 334
        C: dGlt
        S: 334
        C: dGFuc3RhYWZ0YW5zdGFhZg==
        S: 235 ok
    """ + QUIT, **SIGN_IN)  # fmt: skip
    assert outcome(report) == ("passed", "auth", None)


def test_a_bearer_token_refused():
    """RFC 7628 3.2.3: the 334 holds the error; the relay's 535 comes after our answer to it."""
    report = play(OPEN_AUTH % "OAUTHBEARER PLAIN" + """
        C: AUTH OAUTHBEARER bixhPXRpbSwBaG9zdD1yZWxheS5leGFtcGxlLmNvbQFwb3J0PTI1AWF1dGg9QmVhcmVyIG1GXzkuQjVmAQE=
        S: 334 eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIn0=
        C: AQ==
        S: 535 5.7.8 no
    """ + QUIT, username="tim", access_token="mF_9.B5f")  # fmt: skip
    assert outcome(report) == ("failed", "auth", "auth_rejected")
    assert report["auth"]["server_error"] == {"status": "invalid_token"}


@pytest.mark.parametrize(
    "reply, verdict, cause",
    [
        (REFUSED, "failed", "auth_rejected"),
        ("534 5.7.9 Authentication mechanism is too weak", "failed", "auth_mechanism_refused"),
        ("501 5.5.2 Cannot decode", "failed", "auth_mechanism_refused"),
        ("500 5.5.6 line too long", "failed", "auth_mechanism_refused"),
        ("503 5.5.1 already authenticated", "failed", "auth_mechanism_refused"),
        ("504 5.5.4 Unrecognized authentication type", "failed", "auth_mechanism_refused"),
        ("538 5.7.11 Encryption required", "failed", "tls_required"),
        ("530 5.7.0 Must issue a STARTTLS command first", "failed", "tls_required"),
        ("454 4.7.0 Temporary authentication failure", "deferred", "auth_temporarily_failed"),
        ("432 4.7.12 A password transition is needed", "deferred", "auth_temporarily_failed"),
        ("250 ok", "failed", "protocol_violation"),
    ],
)
def test_auth_refused_and_no_other_mechanism_follows(reply, verdict, cause):
    report = play(OPEN_AUTH % "PLAIN LOGIN" + "C: " + PLAIN + "\nS: " + reply + QUIT, sender="", **SIGN_IN)
    assert outcome(report) == (verdict, "auth", cause)
    assert report["auth"]["accepted"] is False
    assert report["auth"]["code"] == int(reply[:3])


def test_auth_refused_names_the_mechanism_and_the_others():
    report = play(
        OPEN_AUTH % "LOGIN PLAIN" + "C: " + PLAIN + "\nS: " + REFUSED + QUIT, **SIGN_IN, auth_mechanisms=["PLAIN"]
    )
    assert report["failure"]["explanation"].startswith("PLAIN was tried; also offered: LOGIN. ")


@pytest.mark.parametrize("said", ["554 5.7.1 <client[192.0.2.9]>: Client host rejected: Access denied", "550 no"])
def test_a_refusal_where_signing_in_is_offered_says_that_nobody_had(said):
    session = OPEN.rstrip().replace("S: 250 ", "S: 250-") + "\nS: 250 AUTH PLAIN\n"
    report = play(session + "C: MAIL FROM:<probe@example.org>\nS: " + said + QUIT, **SENDER)
    assert report["failure"]["explanation"].startswith("Nobody had signed in, which the relay offers here. ")
    assert not play(OPEN + "C: MAIL FROM:<probe@example.org>\nS: " + said + QUIT, **SENDER)["failure"][
        "explanation"
    ].startswith("Nobody")


def test_x_exps_is_no_sign_in_for_clients():
    report = play(OPEN_TLS + "S: 250-relay.example.com\nS: 250 X-EXPS GSSAPI NTLM\n" + QUIT, **SIGN_IN)
    assert outcome(report) == ("failed", "auth", "auth_not_offered")
    assert report["failure"]["explanation"].startswith("X-EXPS, which the relay offers, is how Exchange servers")


def test_what_else_a_refusal_holds_is_a_fact():
    said = "554 5.7.1 Client host [192.0.2.9] blocked using bl.example.org; see https://bl.example.org/192.0.2.9"
    report = play(OPEN + "C: MAIL FROM:<probe@example.org>\nS: " + said + QUIT, **SENDER)
    assert report["failure"]["facts"] == {
        "blocklist": "bl.example.org", "client_address": "192.0.2.9", "url": "https://bl.example.org/192.0.2.9",
    }  # fmt: skip


def test_a_name_in_the_greeting_ends_before_a_comma():
    report = play("S: 220 relay.example.com, at your service\nC: EHLO client.example.org\nS: 250 x" + QUIT, tls="none")
    assert report["greeting"]["hostname"] == "relay.example.com"


def test_auth_refused_in_the_middle_of_login():
    report = play(OPEN_AUTH % "LOGIN" + """
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C: dGlt
        S: 535 5.7.8 no such user
    """ + QUIT, **SIGN_IN)  # fmt: skip
    assert outcome(report) == ("failed", "auth", "auth_rejected")


def test_a_535_then_a_close():
    report = play(OPEN_AUTH % "PLAIN" + "C: " + PLAIN + "\nS: " + REFUSED + "\nC: QUIT\ncloses", **SIGN_IN)
    assert outcome(report) == ("failed", "auth", "auth_rejected")
    assert report["failure"]["enhanced_code"] == "5.7.8"


@pytest.mark.parametrize("challenge", ["334 more?", "334 not*base64", "334 VXNlcm5hbWU6"])
def test_plain_is_cancelled_where_the_relay_asks_for_more(challenge):
    report = play(OPEN_AUTH % "PLAIN" + "C: " + PLAIN + """
        S: %s
        C: *
        S: 501 5.7.0 Authentication aborted
    """ % challenge + QUIT, **SIGN_IN)  # fmt: skip
    assert outcome(report) == ("failed", "auth", "auth_protocol_error")
    assert report["auth"]["accepted"] is False


def test_endless_challenges_are_cancelled():
    report = play(OPEN_AUTH % "LOGIN" + """
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C: dGlt
        S: 334 UGFzc3dvcmQ6
        C: dGFuc3RhYWZ0YW5zdGFhZg==
        S: 334 VXNlcm5hbWU6
        C: *
        S: 334 VXNlcm5hbWU6
    """ + QUIT, **SIGN_IN)  # fmt: skip
    assert outcome(report) == ("failed", "auth", "auth_protocol_error")


def test_a_challenge_that_is_not_base64_is_cancelled():
    report = play(OPEN_AUTH % "LOGIN" + """
        C: AUTH LOGIN
        S: 334 %%%
        C: *
        S: 501 5.7.0 aborted
    """ + QUIT, **SIGN_IN)  # fmt: skip
    assert outcome(report) == ("failed", "auth", "auth_protocol_error")


def test_a_relay_that_succeeds_before_it_has_the_password():
    report = play(OPEN_AUTH % "LOGIN" + """
        C: AUTH LOGIN
        S: 235 2.7.0 welcome, whoever you are
    """ + QUIT, **SIGN_IN)  # fmt: skip
    assert outcome(report) == ("failed", "auth", "auth_protocol_error")
    assert report["auth"]["accepted"] is False


def test_scram_is_preferred_and_a_relay_that_skips_its_proof_is_not_authentic():
    request = request_for(**SIGN_IN)
    played = play_once(OPEN_TLS + "S: 250-relay.example.com\nS: 250 AUTH PLAIN CRAM-MD5 LOGIN" + """
        C: AUTH CRAM-MD5
        S: 535 5.7.8 no
    """ + QUIT, request)  # fmt: skip
    assert played.report["auth"]["mechanism"] == "CRAM-MD5"


@pytest.mark.parametrize(
    "offer, cause",
    [
        ("250 AUTH GSSAPI NTLM", "auth_no_common_mechanism"),
        ("250 AUTH", "auth_not_offered"),
        ("250 PIPELINING", "auth_not_offered"),
    ],
)
def test_no_mechanism_to_use(offer, cause):
    report = play(OPEN_TLS + "S: 250-relay.example.com\nS: " + offer + QUIT, **SIGN_IN)
    assert outcome(report) == ("failed", "auth", cause)
    assert report["auth"] is None


def test_a_certificate_that_cannot_be_bound_to_is_named_as_the_reason():
    """VERIFIED has no chain, as where a certificate's signature has no hash: nothing to bind a -PLUS mechanism to."""
    plus = dict(SIGN_IN, auth_mechanisms=["SCRAM-SHA-256-PLUS"])
    offer = OPEN_TLS + "S: 250-relay.example.com\nS: 250 AUTH SCRAM-SHA-256-PLUS" + QUIT
    report = play(offer, **plus)
    assert outcome(report) == ("failed", "auth", "auth_no_common_mechanism")
    assert "RFC 5929" in report["msg"]
    assert "RFC 5929" not in play(offer, **SIGN_IN)["msg"]  # it was not asked for


def test_a_password_that_no_mechanism_can_carry_does_not_leave():
    """RFC 4013 2.3: SASLprep prohibits characters of private use (table C.3). Only SCRAM prepares what it is given."""
    given = {"username": "tim", "password": "\ue000tanstaaf"}
    report = play(OPEN_AUTH % "SCRAM-SHA-256" + QUIT, **given)
    assert outcome(report) == ("failed", "auth", "auth_protocol_error")
    assert "SASLprep" in report["failure"]["text"]
    assert not any(line.startswith("AUTH") for line in said(report))


def test_auth_is_offered_only_after_tls():
    report = play("""
        S: 220 relay.example.com
        C: EHLO client.example.org
        S: 250-relay.example.com
        S: 250 STARTTLS
    """ + QUIT, tls="none", allow_plaintext_auth=True, **SIGN_IN)  # fmt: skip
    assert outcome(report) == ("failed", "auth", "auth_not_offered_in_clear")


def test_credentials_do_not_travel_in_unverified_tls():
    report = play(OPEN_AUTH % "PLAIN" + QUIT, handshake=VERIFIED._replace(verified=None), **SIGN_IN)
    assert outcome(report) == ("failed", "auth", "credentials_withheld")


def test_credentials_travel_in_unverified_tls_where_the_caller_says_so():
    report = play(
        OPEN_AUTH % "PLAIN" + "C: " + PLAIN + "\nS: 235 ok" + QUIT, UNVERIFIED, validate_certs=False, **SIGN_IN
    )
    assert outcome(report) == ("passed", "auth", None)
    assert report["tls"]["verified"] is False
    (warning,) = report["warnings"]
    assert "was not verified (certificate_self_signed): validate_certs is false" in warning


def test_where_no_credentials_leave_nothing_is_told_of_them():
    report = play(OPEN_AUTH % "GSSAPI" + QUIT, UNVERIFIED, validate_certs=False, **SIGN_IN)
    assert outcome(report) == ("failed", "auth", "auth_no_common_mechanism")
    assert report["warnings"] == []
    report = play(OPEN_AUTH % "PLAIN" + "C: " + PLAIN + "\nS: 235 ok" + QUIT, **SIGN_IN)
    assert report["warnings"] == []


@pytest.mark.parametrize("end, cause", [("closes", "connection_lost"), ("silent", "timed_out")])
def test_no_answer_to_auth(end, cause):
    report = play(OPEN_AUTH % "PLAIN" + "C: " + PLAIN + "\n" + end, **SIGN_IN)
    assert outcome(report) == ("failed", "auth", cause)


@pytest.mark.parametrize(
    "offered, asked", [("LOGIN PLAIN", "PLAIN"), ("CRAM-MD5 LOGIN", "LOGIN"), ("CRAM-MD5", "PLAIN"), ("", "PLAIN")]
)
def test_a_rule_asks_for_a_mechanism_that_is_offered(offered, asked):
    request = request_for(tls="none")._replace(actions=Actions(stop_after="auth_probe"))
    script = "S: 220 x\nC: EHLO client.example.org\nS: 250-x\nS: 250 AUTH %s\nC: AUTH %s\nS: 504 no" + QUIT
    assert play_once(script % (offered, asked), request).facts.auth_probe == 504


def test_a_421_to_auth():
    report = play(OPEN_AUTH % "PLAIN" + "C: " + PLAIN + "\nS: 421 4.7.0 Too many errors", **SIGN_IN)
    assert outcome(report) == ("deferred", "auth", "service_closing")


# The envelope (RFC 5321 3.3, RFC 2920)


def test_recipients_are_probed_in_one_flight():
    report = play(OPEN_PIPELINING + """
        C: MAIL FROM:<probe@example.org>
        C: RCPT TO:<anna@example.com>
        C: RCPT TO:<bert@example.com>
        C: RSET
        C: QUIT
        S: 250 2.1.0 Ok
        S: 250 2.1.5 Ok
        S: 250 2.1.5 Ok
        S: 250 2.0.0 Ok
        S: 221 2.0.0 Bye
    """, **TWO)  # fmt: skip
    assert outcome(report) == ("passed", "rcpt", None)
    assert report["codes"]["rcpt"] == {"anna@example.com": 250, "bert@example.com": 250}
    assert report["message"] is None
    assert report["changed"] is False


def test_recipients_are_probed_one_by_one():
    report = play(OPEN + """
        C: MAIL FROM:<probe@example.org>
        S: 250 2.1.0 Ok
        C: RCPT TO:<anna@example.com>
        S: 250 2.1.5 Ok
        C: RCPT TO:<bert@example.com>
        S: 550 5.1.1 <bert@example.com>: User unknown
    """ + RSET_QUIT, **TWO)  # fmt: skip
    assert outcome(report) == ("failed", "rcpt", "mailbox_unknown")
    assert report["failure"]["recipient"] == "bert@example.com"
    assert [to["outcome"] for to in report["recipients"]] == ["accepted", "rejected"]
    assert report["changed"] is False


def test_codes_that_contradict_each_other_are_told_once():
    report = play(OPEN + """
        C: MAIL FROM:<probe@example.org>
        S: 250 2.1.0 Ok
        C: RCPT TO:<anna@example.com>
        S: 250 5.1.1 Ok
        C: RCPT TO:<bert@example.com>
        S: 250 5.1.2 Ok
    """ + RSET_QUIT, **TWO)  # fmt: skip
    assert outcome(report) == ("passed", "rcpt", None)
    assert report["warnings"] == ["rcpt: an enhanced status code 5.X.X contradicts the reply code 250"]


def test_251_accepts_a_recipient_and_252_says_that_it_was_not_looked_up():
    """RFC 5321 3.4, 3.5.3"""
    report = play(OPEN + """
        C: MAIL FROM:<probe@example.org>
        S: 250 ok
        C: RCPT TO:<anna@example.com>
        S: 251 User not local; will forward
        C: RCPT TO:<bert@example.com>
        S: 252 Cannot verify, will try
    """ + RSET_QUIT, **TWO)  # fmt: skip
    assert outcome(report) == ("passed", "rcpt", None)
    assert report["warnings"] == [
        "rcpt: bert@example.com was answered 252: taken without knowing whether it exists (RFC 5321 3.5.3)"
    ]


@pytest.mark.parametrize("code", [200, 211, 214, 220, 221, 235, 253, 299, 354])
def test_no_other_2yz_accepts_a_recipient(code):
    """RFC 5321 4.3.2: RCPT succeeds by 250 or 251."""
    mail_and_rcpt = "C: MAIL FROM:<probe@example.org>\nS: 250 ok\nC: RCPT TO:<anna@example.com>\n"
    report = play(OPEN + mail_and_rcpt + "S: %d hm" % code + RSET_QUIT, recipients=["anna@example.com"], **SENDER)
    assert outcome(report) == ("failed", "rcpt", "protocol_violation")
    assert (report["failure"]["code"], report["failure"]["recipient"]) == (code, "anna@example.com")
    assert [to["outcome"] for to in report["recipients"]] == ["rejected"]


@pytest.mark.parametrize("code", [200, 220, 221, 235, 251, 252])
def test_only_250_accepts_the_sender(code):
    """RFC 5321 4.3.2"""
    report = play(OPEN + "C: MAIL FROM:<probe@example.org>\nS: %d hm" % code + QUIT, **TWO)
    assert outcome(report) == ("failed", "mail", "protocol_violation")
    assert report["recipients"] == []


def test_a_refusal_for_good_weighs_more_than_one_for_now():
    report = play(OPEN + """
        C: MAIL FROM:<probe@example.org>
        S: 250 ok
        C: RCPT TO:<anna@example.com>
        S: 450 4.2.0 Greylisted, see http://postgrey.example/
        C: RCPT TO:<bert@example.com>
        S: 554 5.7.1 <bert@example.com>: Relay access denied
    """ + RSET_QUIT, **TWO)  # fmt: skip
    assert outcome(report) == ("failed", "rcpt", "relay_denied")
    assert [to["outcome"] for to in report["recipients"]] == ["deferred", "rejected"]


def test_all_recipients_put_off():
    report = play(OPEN + """
        C: MAIL FROM:<probe@example.org>
        S: 250 ok
        C: RCPT TO:<anna@example.com>
        S: 450 4.7.1 Greylisted
        C: RCPT TO:<bert@example.com>
        S: 451 4.7.1 Greylisted
    """ + RSET_QUIT, **TWO)  # fmt: skip
    assert outcome(report) == ("deferred", "rcpt", "greylisted")
    assert report["failure"]["recipient"] == "anna@example.com"


def test_mail_refused_ends_the_envelope():
    report = play(OPEN + """
        C: MAIL FROM:<probe@example.org>
        S: 550 5.1.8 Sender domain does not exist
    """ + QUIT, **TWO)  # fmt: skip
    assert outcome(report) == ("failed", "mail", "sender_rejected")
    assert report["recipients"] == []


@pytest.mark.parametrize(
    "reply, verdict, cause",
    [
        ("530 5.7.0 Must issue a STARTTLS command first", "failed", "tls_required"),
        ("530 5.7.0 Authentication required", "failed", "authentication_required"),
        ("451 4.3.0 Temporary lookup failure", "deferred", "system_error"),
        ("452 4.3.1 Insufficient system storage", "deferred", "system_full"),
        ("354 go", "failed", "protocol_violation"),
    ],
)
def test_mail_refused(reply, verdict, cause):
    report = play(OPEN + "C: MAIL FROM:<>\nS: " + reply + QUIT, tls="none", sender="")
    assert outcome(report) == (verdict, "mail", cause)
    assert report["codes"]["mail"] == int(reply[:3])


def test_stop_after_mail():
    report = play(OPEN + "C: MAIL FROM:<probe@example.org>\nS: 250 ok" + RSET_QUIT, stop_after="mail", **TWO)
    assert outcome(report) == ("passed", "mail", None)


def test_the_last_refusal_stands_where_the_relay_hangs_up_over_rset():
    """The check was over, and what the recipients got is its outcome."""
    report = play(OPEN_PIPELINING + """
        C: MAIL FROM:<probe@example.org>
        C: RCPT TO:<anna@example.com>
        C: RCPT TO:<bert@example.com>
        C: RSET
        C: QUIT
        S: 250 2.1.0 Ok
        S: 250 2.1.5 Ok
        S: 550 5.7.1 Relaying denied
        closes
    """, **TWO)  # fmt: skip
    assert outcome(report) == ("failed", "rcpt", "relay_denied")


@pytest.mark.parametrize("end", ["closes", "silent"])
def test_the_recipients_answers_stand_where_rset_is_unanswered(end):
    report = play(OPEN_PIPELINING + """
        C: MAIL FROM:<probe@example.org>
        C: RCPT TO:<anna@example.com>
        C: RCPT TO:<bert@example.com>
        C: RSET
        C: QUIT
        S: 250 2.1.0 Ok
        S: 250 2.1.5 Ok
        S: 250 2.1.5 Ok
    """ + end, **TWO)  # fmt: skip
    assert outcome(report) == ("passed", "rcpt", None)


def test_mail_refused_in_a_group_explains_what_follows():
    """The relay answers all that it was sent; after a refused MAIL the rest says nothing."""
    report = play(OPEN_PIPELINING + """
        C: MAIL FROM:<probe@example.org>
        C: RCPT TO:<anna@example.com>
        C: RCPT TO:<bert@example.com>
        C: RSET
        C: QUIT
        S: 553 5.7.1 Sender address rejected: not owned by user
        S: 503 5.5.1 Need MAIL first
        S: 503 5.5.1 Need MAIL first
        S: 250 2.0.0 Ok
        S: 221 2.0.0 Bye
    """, **TWO)  # fmt: skip
    assert outcome(report) == ("failed", "mail", "sender_not_authorised")
    assert report["failure"]["code"] == 553
    assert report["recipients"] == []


@pytest.mark.parametrize("end", ["closes", "S: 421 4.7.0 Too many errors"])
def test_mail_refused_in_a_group_then_the_end(end):
    report = play(OPEN_PIPELINING + """
        C: MAIL FROM:<probe@example.org>
        C: RCPT TO:<anna@example.com>
        C: RCPT TO:<bert@example.com>
        C: RSET
        C: QUIT
        S: 553 5.7.1 Sender address rejected
    """ + end, **TWO)  # fmt: skip
    assert outcome(report) == ("failed", "mail", "sender_rejected")


@pytest.mark.parametrize("end, cause", [("closes", "connection_lost"), ("silent", "timed_out")])
def test_the_relay_goes_away_after_a_recipient(end, cause):
    report = play(OPEN + """
        C: MAIL FROM:<probe@example.org>
        S: 250 ok
        C: RCPT TO:<anna@example.com>
        S: 250 ok
        C: RCPT TO:<bert@example.com>
    """ + end, **TWO)  # fmt: skip
    assert outcome(report) == ("failed", "rcpt", cause)
    assert report["codes"]["rcpt"] == {"anna@example.com": 250}


def test_a_421_is_the_answer_to_the_recipient_it_came_for():
    """A refusal that was expected of both is none that the other has given."""
    report = play(OPEN_PIPELINING + """
        C: MAIL FROM:<probe@example.org>
        C: RCPT TO:<anna@example.com>
        C: RCPT TO:<bert@example.com>
        C: RSET
        C: QUIT
        S: 250 ok
        S: 550 5.7.1 Relaying denied
        S: 421 4.7.0 Too many errors
    """, expect={"codes": {"rcpt": [550]}}, **TWO)  # fmt: skip
    assert [(to["code"], to["outcome"]) for to in report["recipients"]] == [(550, "rejected"), (421, "deferred")]
    assert report["verdict"] == "failed"
    assert [(rule["outcome"], rule["observed"]) for rule in report["rules"]] == [("unmet", [550, 421])]


def test_open_relay_forms_and_quoted_local_parts_go_as_they_are():
    report = play(
        OPEN
        + """
        C: MAIL FROM:<probe@example.org>
        S: 250 ok
        C: RCPT TO:<a%b@example.com>
        S: 550 5.7.1 no
        C: RCPT TO:<"a b>"@example.com>
        S: 550 5.7.1 no
        C: RCPT TO:<@other.example:c@example.com>
        S: 550 5.7.1 no
    """
        + RSET_QUIT,
        recipients=["a%b@example.com", '"a b>"@example.com', "@other.example:c@example.com"],
        **SENDER,
    )
    assert [to["outcome"] for to in report["recipients"]] == ["rejected"] * 3


def test_a_non_ascii_address_needs_smtputf8():
    options = dict(SENDER, recipients=["jörg@example.com"])
    report = play(OPEN + QUIT, **options)
    assert outcome(report) == ("failed", "mail", "smtputf8_not_offered")
    report = play("""
        S: 220 x
        C: EHLO client.example.org
        S: 250-relay.example.com
        S: 250-8BITMIME
        S: 250 SMTPUTF8
        C: MAIL FROM:<probe@example.org> SMTPUTF8
        S: 250 ok
        C: RCPT TO:<jörg@example.com>
        S: 250 ok
    """ + RSET_QUIT, **options)  # fmt: skip
    assert outcome(report) == ("passed", "rcpt", None)


# Sending (RFC 5321 3.3, 4.1.1.4, 4.5.2)


def test_a_message_sent_in_lockstep():
    """Without PIPELINING every command waits for the reply before it, QUIT too."""
    report = play(OPEN + """
        C: MAIL FROM:<probe@example.org>
        S: 250 2.1.0 Ok
        C: RCPT TO:<anna@example.com>
        S: 250 2.1.5 Ok
        C: RCPT TO:<bert@example.com>
        S: 250 2.1.5 Ok
        C: DATA
        S: 354 End data with <CR><LF>.<CR><LF>
        C: <message>
        S: 250 2.0.0 Ok: queued as 4XyZ12abcd
        C: QUIT
        S: 221 2.0.0 Bye
    """, test_message={"body": ".a dot\n..two\n.\n"}, **SEND)  # fmt: skip
    assert outcome(report) == ("passed", "message", None)
    assert report["changed"] is True
    assert report["message"]["queue_id"] == "4XyZ12abcd"
    assert report["message"]["code"] == report["codes"]["message"] == 250


def test_a_message_sent_in_two_flights():
    report = play(OPEN_PIPELINING + """
        C: MAIL FROM:<probe@example.org>
        C: RCPT TO:<anna@example.com>
        C: RCPT TO:<bert@example.com>
        C: DATA
        S: 250 2.1.0 Ok
        S: 250 2.1.5 Ok
        S: 250 2.1.5 Ok
        S: 354 go
        C: <message>
        C: QUIT
        S: 250 2.0.0 Ok: queued as 4XyZ12abcd
        S: 221 2.0.0 Bye
    """, test_message={"body": ".a dot\n..two\n.\n"}, **SEND)  # fmt: skip
    assert outcome(report) == ("passed", "message", None)
    assert report["codes"] == {
        "greeting": 220, "ehlo": 250, "mail": 250, "rcpt": {"anna@example.com": 250, "bert@example.com": 250},
        "data": 354, "message": 250, "quit": 221,
    }  # fmt: skip
    assert said(report)[-2] == "<message, %d octets>" % report["message"]["size"]


def test_the_size_is_announced_where_the_relay_takes_it():
    size = request_for(**SEND).actions.message.size
    report = play("""
        S: 220 x
        C: EHLO client.example.org
        S: 250-relay.example.com
        S: 250 SIZE 0
        C: MAIL FROM:<probe@example.org> SIZE=%d
        S: 552 5.3.4 Message size exceeds fixed limit
    """ % size + QUIT, **SEND)  # fmt: skip
    assert outcome(report) == ("failed", "mail", "message_too_large")
    assert report["changed"] is False


def test_a_message_over_the_announced_size_is_not_offered():
    report = play("""
        S: 220 x
        C: EHLO client.example.org
        S: 250-relay.example.com
        S: 250 SIZE 100
    """ + QUIT, **SEND)  # fmt: skip
    assert outcome(report) == ("failed", "mail", "message_too_large")
    assert report["failure"]["code"] is None


def test_check_mode_stops_before_data():
    report = play(OPEN_PIPELINING + """
        C: MAIL FROM:<probe@example.org>
        C: RCPT TO:<anna@example.com>
        C: RCPT TO:<bert@example.com>
        C: RSET
        C: QUIT
        S: 250 ok
        S: 250 ok
        S: 250 ok
        S: 250 ok
        S: 221 bye
    """, check_mode=True, **SEND)  # fmt: skip
    assert outcome(report) == ("passed", "rcpt", None)
    assert report["message"] is None
    assert report["changed"] is True


def test_check_mode_foretells_nothing_of_a_session_that_ends_before_data():
    report = play(OPEN_PIPELINING + """
        C: MAIL FROM:<probe@example.org>
        C: RCPT TO:<anna@example.com>
        C: RCPT TO:<bert@example.com>
        C: RSET
        C: QUIT
        S: 250 ok
        S: 250 ok
        S: 421 closing
    """, check_mode=True, **SEND)  # fmt: skip
    assert outcome(report) == ("deferred", "rcpt", "service_closing")
    assert report["changed"] is False


CHECK_MODE = """
    C: MAIL FROM:<probe@example.org>
    C: RCPT TO:<anna@example.com>
    C: RCPT TO:<bert@example.com>
    C: RCPT TO:<cora@example.com>
    C: RSET
    C: QUIT
"""


@pytest.mark.parametrize(
    "replies, send_if, changed",
    [
        (["250 ok", "250 ok", "550 no", "450 later", "250 ok", "221 bye"], "any", True),
        (["250 ok", "250 ok", "550 no", "450 later", "250 ok", "221 bye"], "all", False),
        (["250 ok", "250 ok", "250 ok", "250 ok", "250 ok", "221 bye"], "all", True),
        (["250 ok", "550 no", "550 no", "450 later", "250 ok", "221 bye"], "any", False),
        (["250 ok", "250 ok", "550 no", "421 closing"], "any", False),  # RFC 5321 3.8: nothing more can be said
        (["250 ok", "250 ok", "554 unasked for"], "any", False),
        (["553 no", "503 no", "503 no", "503 no", "250 ok", "221 bye"], "any", False),
    ],
)
def test_check_mode_foretells_what_a_run_would_do(replies, send_if, changed):
    script = CHECK_MODE + "".join("S: %s\n" % reply for reply in replies) + "closes" * (len(replies) < 5)
    to = ["anna@example.com", "bert@example.com", "cora@example.com"]
    report = play(OPEN_PIPELINING + script, check_mode=True, **{**SEND, "recipients": to, "send_if": send_if})
    assert report["changed"] is changed


def test_check_mode_foretells_nothing_where_a_reply_comes_unasked():
    script = "C: MAIL FROM:<probe@example.org>\nS: 250 ok\nC: RCPT TO:<anna@example.com>\nS: 250 ok\nS: 554 unasked"
    report = play_once(OPEN + script, request_for(check_mode=True, **SEND)).report
    assert outcome(report) == ("failed", "rcpt", "protocol_violation")
    assert report["changed"] is False


def test_the_message_goes_to_those_who_were_accepted():
    report = play(OPEN_PIPELINING + """
        C: MAIL FROM:<probe@example.org>
        C: RCPT TO:<anna@example.com>
        C: RCPT TO:<bert@example.com>
        C: DATA
        S: 250 ok
        S: 250 ok
        S: 550 5.1.1 No such user
        S: 354 go
        C: <message>
        C: QUIT
        S: 250 2.0.0 Ok: queued as X1
        S: 221 bye
    """, **SEND)  # fmt: skip
    assert outcome(report) == ("failed", "rcpt", "mailbox_unknown")
    assert report["failure"]["recipient"] == "bert@example.com"
    assert report["changed"] is True
    assert report["message"]["queue_id"] == "X1"
    assert "bert@example.com" in report["msg"]
    assert "did go out to anna@example.com" in report["msg"]


def test_send_if_all_asks_for_data_only_when_all_are_accepted():
    report = play(OPEN_PIPELINING + """
        C: MAIL FROM:<probe@example.org>
        C: RCPT TO:<anna@example.com>
        C: RCPT TO:<bert@example.com>
        S: 250 ok
        S: 250 ok
        S: 250 ok
        C: DATA
        S: 354 go
        C: <message>
        C: QUIT
        S: 250 ok
        S: 221 bye
    """, send_if="all", **SEND)  # fmt: skip
    assert outcome(report) == ("passed", "message", None)
    assert report["changed"] is True


def test_send_if_all_sends_nothing_when_one_is_refused():
    report = play(OPEN_PIPELINING + """
        C: MAIL FROM:<probe@example.org>
        C: RCPT TO:<anna@example.com>
        C: RCPT TO:<bert@example.com>
        S: 250 ok
        S: 250 ok
        S: 450 4.2.0 Greylisted
    """ + RSET_QUIT, send_if="all", **SEND)  # fmt: skip
    assert outcome(report) == ("deferred", "rcpt", "greylisted")
    assert report["changed"] is False
    assert report["message"] is None


def test_no_recipient_accepted_in_lockstep_then_no_data():
    report = play(OPEN + """
        C: MAIL FROM:<probe@example.org>
        S: 250 ok
        C: RCPT TO:<anna@example.com>
        S: 550 5.1.1 unknown
        C: RCPT TO:<bert@example.com>
        S: 550 5.1.1 unknown
    """ + RSET_QUIT, **SEND)  # fmt: skip
    assert outcome(report) == ("failed", "rcpt", "mailbox_unknown")
    assert report["changed"] is False


NOBODY = """
    C: MAIL FROM:<probe@example.org>
    C: RCPT TO:<anna@example.com>
    C: RCPT TO:<bert@example.com>
    C: DATA
    S: 250 ok
    S: 550 5.1.1 unknown
    S: 450 4.2.0 later
"""


@pytest.mark.parametrize("answer", ["554 5.5.1 No valid recipients", "503 5.5.1 RCPT first", "451 4.3.0 later"])
def test_no_recipient_accepted_and_data_refused(answer):
    report = play(OPEN_PIPELINING + NOBODY + "S: " + answer + QUIT, **SEND)
    assert outcome(report) == ("failed", "rcpt", "mailbox_unknown")
    assert report["codes"]["data"] == int(answer[:3])


@pytest.mark.parametrize("answer", ["554 5.5.1 no valid recipients", "250 queued as nothing"])
def test_no_recipient_accepted_but_data_went_through(answer):
    """RFC 2920 3.1: a 354 must get a lone dot; what comes of it is nobody's message."""
    report = play(OPEN_PIPELINING + NOBODY + "S: 354 go\nC: .\nS: " + answer + QUIT, **SEND)
    assert outcome(report) == ("failed", "rcpt", "mailbox_unknown")
    assert report["message"] is None
    assert report["changed"] is False


def test_mail_refused_in_a_group_but_data_went_through():
    report = play(OPEN_PIPELINING + """
        C: MAIL FROM:<probe@example.org>
        C: RCPT TO:<anna@example.com>
        C: RCPT TO:<bert@example.com>
        C: DATA
        S: 550 5.1.8 Sender domain does not exist
        S: 503 5.5.1 MAIL first
        S: 503 5.5.1 MAIL first
        S: 354 go
        C: .
        S: 554 5.5.1 no valid recipients
    """ + QUIT, **SEND)  # fmt: skip
    assert outcome(report) == ("failed", "mail", "sender_rejected")
    assert report["recipients"] == []
    assert report["changed"] is False


def test_recipients_accepted_after_a_refused_mail_do_not_count():
    report = play(OPEN_PIPELINING + """
        C: MAIL FROM:<probe@example.org>
        C: RCPT TO:<anna@example.com>
        C: RCPT TO:<bert@example.com>
        C: DATA
        S: 451 4.1.8 Sender domain cannot be resolved
        S: 250 ok
        S: 250 ok
        S: 354 go
        C: .
        S: 250 ok
    """ + QUIT, **SEND)  # fmt: skip
    assert outcome(report) == ("deferred", "mail", "sender_rejected")
    assert report["changed"] is False


@pytest.mark.parametrize("end", ["closes", "silent", "S: 421 4.7.0 too many errors"])
def test_all_recipients_refused_then_the_end(end):
    """What the relay said before it went away is the reason; that it went away is not."""
    report = play(OPEN_PIPELINING + """
        C: MAIL FROM:<probe@example.org>
        C: RCPT TO:<anna@example.com>
        C: RCPT TO:<bert@example.com>
        C: DATA
        S: 250 ok
        S: 550 5.1.1 unknown
        S: 550 5.1.1 unknown
    """ + end, **SEND)  # fmt: skip
    assert outcome(report) == ("failed", "rcpt", "mailbox_unknown")
    assert report["changed"] is False


@pytest.mark.parametrize(
    "reply, verdict, cause",
    [
        ("250 ok", "failed", "protocol_violation"),
        ("554 5.7.1 Spam", "failed", "message_is_spam"),
        ("451 4.3.0 Try again later", "deferred", "system_error"),
        ("452 4.3.1 Insufficient storage", "deferred", "system_full"),
    ],
)
def test_data_answered_otherwise_then_nothing_is_sent(reply, verdict, cause):
    report = play(OPEN + """
        C: MAIL FROM:<probe@example.org>
        S: 250 ok
        C: RCPT TO:<anna@example.com>
        S: 250 ok
        C: DATA
        S: %s
    """ % reply + RSET_QUIT, send=True, recipients=["anna@example.com"], **SENDER)  # fmt: skip
    assert outcome(report) == (verdict, "data", cause)
    assert report["message"] is None
    assert report["changed"] is False


@pytest.mark.parametrize(
    "reply, verdict, cause",
    [
        ("554 5.7.1 Message rejected as spam", "failed", "message_is_spam"),
        ("552 5.2.2 Mailbox full", "failed", "mailbox_full"),
        ("552 5.3.4 Message too big", "failed", "message_too_large"),
        ("451 4.7.1 Greylisted", "deferred", "greylisted"),
        ("451 4.3.0 Queue file write error", "deferred", "system_error"),
    ],
)
def test_the_message_is_refused_at_its_end(reply, verdict, cause):
    report = play(OPEN_PIPELINING + SENT + "S: " + reply + "\nS: 221 bye", **SEND)
    assert outcome(report) == (verdict, "message", cause)
    assert report["changed"] is False
    assert report["message"]["code"] == int(reply[:3])


SENT = """
    C: MAIL FROM:<probe@example.org>
    C: RCPT TO:<anna@example.com>
    C: RCPT TO:<bert@example.com>
    C: DATA
    S: 250 ok
    S: 250 ok
    S: 250 ok
    S: 354 go
    C: <message>
    C: QUIT
"""


def test_nothing_is_said_to_have_gone_out_that_may_not_have():
    report = play(OPEN_PIPELINING + SENT + "closes", **SEND)
    assert outcome(report) == ("failed", "message", "acceptance_unknown")
    assert report["changed"] is True
    assert "did go out" not in report["msg"]


def test_a_reply_too_many_makes_no_acceptance_of_a_refusal():
    # The stray 250 stands where the final reply belongs, the refusal where QUIT's does, and 221 comes after the end.
    report = play(OPEN_PIPELINING + SENT + "S: 250 stray\nS: 550 5.7.1 spam\nS: 221 bye", **SEND)
    assert outcome(report) == ("failed", "quit", "protocol_violation")
    assert "550 5.7.1 spam" in report["msg"] and "did go out" not in report["msg"]
    assert report["changed"] is True


@pytest.mark.parametrize("end", ["closes", "silent"])
def test_quit_may_be_refused_after_a_message(end):
    report = play(OPEN_PIPELINING + SENT + "S: 250 2.0.0 Ok\nS: 503 5.5.1 not now\n" + end, **SEND)
    assert outcome(report) == ("passed", "message", None)


def test_a_message_whose_refusal_was_expected_was_not_accepted():
    expect = {"codes": {"message": [550]}}
    report = play(OPEN_PIPELINING + SENT + "S: 550 5.7.1 spam\nS: 221 bye", expect=expect, **SEND)
    assert (report["verdict"], report["changed"]) == ("passed", False)
    assert report["msg"] == "relay.example.com:25: passed (message not accepted, as expected)."


@pytest.mark.parametrize("code", [200, 214, 220, 221, 235, 251, 252])
@pytest.mark.parametrize("pipelining", [True, False])
def test_only_250_accepts_a_message(pipelining, code):
    """RFC 5321 4.3.2, 4.2.5: any other 2yz has not taken it for sure. It may have: that counts as a change."""
    final = "S: %d closing, queued as 4XyZ12abcd\n" % code
    if pipelining:
        report = play(OPEN_PIPELINING + SENT + final + "closes", **SEND)
    else:
        report = play(OPEN + LOCKSTEP + final + QUIT, send=True, recipients=["anna@example.com"], **SENDER)
    assert outcome(report) == ("failed", "message", "protocol_violation")
    assert report["failure"]["code"] == report["message"]["code"] == code
    assert (report["changed"], report["message"]["queue_id"]) == (True, None)
    assert "did go out" not in report["msg"]


LOCKSTEP = """
    C: MAIL FROM:<probe@example.org>
    S: 250 ok
    C: RCPT TO:<anna@example.com>
    S: 250 ok
    C: DATA
    S: 354 go
    C: <message>
"""


def test_an_odd_answer_that_was_expected_is_not_told_as_acceptance():
    script = OPEN_PIPELINING + SENT + "S: 221 closing\ncloses"
    report = play(script, expect={"codes": {"message": [221]}}, **SEND)
    assert report["msg"] == "relay.example.com:25: passed (message not accepted, as expected)."


def test_a_353_means_nothing_where_prdr_was_not_asked_for():
    report = play(OPEN_PIPELINING + SENT + "S: 353 analysis\nS: 250 ok", **SEND)
    assert outcome(report) == ("failed", "message", "protocol_violation")


def test_a_421_to_the_message_is_a_refusal_for_now():
    """RFC 5321 4.2.1: with a 4yz the relay has not taken it."""
    report = play(OPEN_PIPELINING + SENT + "S: 421 4.3.2 shutting down", **SEND)
    assert outcome(report) == ("deferred", "message", "service_closing")
    assert report["changed"] is False
    assert report["message"]["code"] == 421


@pytest.mark.parametrize("end", ["closes", "resets", "silent", "S: 25\\\nsilent", "S: nonsense", "S: 250 ok\\\ncloses"])
def test_lost_between_the_dot_and_its_reply(end):
    """RFC 5321 4.5.3.2.6 and rule 5: the relay may have taken it."""
    report = play(OPEN_PIPELINING + SENT + end, **SEND)
    assert outcome(report) == ("failed", "message", "acceptance_unknown")
    assert report["changed"] is True
    assert report["message"]["message_id"]
    assert report["message"]["code"] is None


@pytest.mark.parametrize("end", ["closes", "resets", "silent"])
def test_lost_after_the_reply_to_the_dot(end):
    report = play(OPEN_PIPELINING + SENT + "S: 250 2.0.0 Ok: queued as X1\n" + end, **SEND)
    assert outcome(report) == ("passed", "message", None)
    assert report["changed"] is True


def test_noise_after_the_reply_to_the_dot():
    """The message was taken, and the session is not what it should be: both are told."""
    report = play(OPEN_PIPELINING + SENT + "S: 250 2.0.0 Ok: queued as X1\nS: nonsense", **SEND)
    assert outcome(report) == ("failed", "quit", "protocol_violation")
    assert report["changed"] is True
    assert "The message did go out to anna@example.com, bert@example.com." in report["msg"]


def test_the_final_reply_has_its_own_patience():
    request = request_for(acceptance_timeout=120.0, timeout=5.0, **SEND)
    played = play_once(OPEN_PIPELINING + SENT + "silent", request)
    assert 120.0 <= played.report["timings"]["total"] < 121.0


BEGUN = """
    C: MAIL FROM:<probe@example.org>
    C: RCPT TO:<anna@example.com>
    C: RCPT TO:<bert@example.com>
    C: DATA
    S: 250 ok
    S: 250 ok
    S: 250 ok
    S: 354 go
    C: <part>
"""


@pytest.mark.parametrize(
    "reply, verdict, cause",
    [
        ("552 5.3.4 Too much", "failed", "message_too_large"),
        ("554 5.7.1 Virus", "failed", "message_has_virus"),
        ("451 4.3.0 disk full", "deferred", "system_full"),
        ("421 4.3.2 shutting down", "deferred", "service_closing"),
    ],
)
def test_a_refusal_in_the_middle_of_the_message_stops_it(reply, verdict, cause):
    report = play(OPEN_PIPELINING + BEGUN + "S: " + reply, test_message=LONG, **SEND)
    assert outcome(report) == (verdict, "message", cause)
    assert report["changed"] is False
    assert report["message"]["code"] == int(reply[:3])


def test_no_relay_can_accept_a_message_before_its_end():
    """RFC 5321 4.1.1.4: without the end of its data there is no message to take."""
    report = play(OPEN_PIPELINING + BEGUN + "S: 250 2.0.0 Ok: queued as 4XyZ12abcd", test_message=LONG, **SEND)
    assert outcome(report) == ("failed", "message", "protocol_violation")
    assert (report["changed"], report["message"]["code"], report["message"]["queue_id"]) == (False, 250, None)
    assert "did go out" not in report["msg"]


@pytest.mark.parametrize("end, cause", [("closes", "connection_lost"), ("silent", "timed_out")])
def test_lost_in_the_middle_of_the_message(end, cause):
    report = play(OPEN_PIPELINING + BEGUN + end, test_message=LONG, **SEND)
    assert outcome(report) == ("failed", "message", cause)
    assert report["changed"] is False


def test_a_rejected_recipient_outweighs_a_message_put_off():
    """Any 5yz makes it failed: waiting cannot mend it."""
    report = play(OPEN_PIPELINING + SENT.replace("S: 250 ok\n    S: 354", "S: 550 5.1.1 unknown\n    S: 354")
                  + "S: 451 4.3.0 later\nS: 221 bye", **SEND)  # fmt: skip
    assert outcome(report) == ("failed", "rcpt", "mailbox_unknown")
    assert report["message"]["code"] == 451
    assert report["changed"] is False


# 421 at every stage, and what nobody asked for


@pytest.mark.parametrize(
    "script, stage",
    [
        ("S: 220 x\nC: EHLO client.example.org\n", "ehlo"),
        (OPEN + "C: MAIL FROM:<probe@example.org>\n", "mail"),
        (OPEN + "C: MAIL FROM:<probe@example.org>\nS: 250 ok\nC: RCPT TO:<anna@example.com>\n", "rcpt"),
        (OPEN_PIPELINING + SENT.partition("S: 354")[0], "data"),
        (OPEN_PIPELINING + SENT, "message"),
    ],
)
def test_a_421_ends_the_session_at_any_stage(script, stage):
    report = play(script + "S: 421 4.3.2 Service shutting down", **SEND)
    assert outcome(report) == ("deferred", stage, "service_closing")
    assert report["failure"]["code"] == 421
    assert "QUIT" not in said(report)[:-1]
    assert report["changed"] is False


def test_a_421_to_rset_or_quit_changes_nothing():
    report = play(OPEN + "C: MAIL FROM:<probe@example.org>\nS: 250 ok\nC: RSET\nS: 421 bye", **SENDER)
    assert outcome(report) == ("passed", "mail", None)
    report = play(OPEN + "C: QUIT\nS: 421 4.3.2 bye", **CLEAR)
    assert outcome(report) == ("passed", "ehlo", None)


@pytest.mark.parametrize("extra", ["250 ok", "354 go", "220 again", "nonsense"])
def test_what_nobody_asked_for_is_nobodys_reply(extra):
    script = "S: 220 x\nC: EHLO client.example.org\nS: 250 relay.example.com\nS: %s" % extra
    report = play_once(script, request_for(**SENDER)).report
    assert outcome(report) == ("failed", "mail", "protocol_violation")
    assert "MAIL FROM:<probe@example.org>" not in said(report)


def test_an_unsolicited_421_is_service_closing():
    script = "S: 220 x\nC: EHLO client.example.org\nS: 250 relay.example.com\nS: 421 4.4.2 idle too long"
    report = play_once(script, request_for(**SENDER)).report
    assert outcome(report) == ("deferred", "mail", "service_closing")
    assert "QUIT" not in said(report)


def test_two_greetings():
    report = play_once("S: 220 x\nS: 220 y", request_for()).report
    assert outcome(report) == ("failed", "ehlo", "protocol_violation")


# Leaving


@pytest.mark.parametrize("end", ["closes", "resets", "silent", "S: 500 what?", "S: 2\\\nsilent"])
def test_quit_is_a_courtesy(end):
    report = play(OPEN + "C: QUIT\n" + end, **CLEAR)
    assert outcome(report) == ("passed", "ehlo", None)


def test_what_is_no_reply_is_none_to_quit():
    report = play(OPEN + "C: QUIT\nS: nonsense", **CLEAR)
    assert outcome(report) == ("failed", "quit", "protocol_violation")
    assert report["failure"]["text"] == "not a reply line: 'nonsense'"


@pytest.mark.parametrize("junk", [b"\r\n", b"nonsense\r\n", b"250 ok\r\n", b"25"])
def test_what_comes_with_the_end_of_the_handshake_belongs_to_no_reply(junk):
    """In TLS 1.2 the relay's Finished is the last of the handshake, and more may share its segment."""
    endpoint, actions, _judging = request_for()
    facts = Facts(Transcript(0.0))
    protocol = Protocol(converse(endpoint, actions, facts), facts, 30.0, 30.0)
    protocol.begin(0.0)
    protocol.receive(b"220 x\r\n250-x\r\n", 0.0)
    protocol.receive(b"250 STARTTLS\r\n", 0.0)
    protocol.receive(b"220 go\r\n", 0.0)
    protocol.receive(junk, 0.0)
    protocol.tls_established(VERIFIED, 0.0)
    assert protocol.ended
    assert (facts.failure.stage, facts.failure.cause) == ("ehlo", "protocol_violation")


@pytest.mark.parametrize(
    "reply",
    ["500 5.5.1 Invalid command: Pipelining not supported", "503 5.5.0 Improper use of SMTP command pipelining"],
)
def test_a_group_refused_where_pipelining_is_announced(reply):
    """A proxy announces what the relay behind it cannot do. The sender has nothing to do with it."""
    group = "C: MAIL FROM:<probe@example.org>\nC: RCPT TO:<anna@example.com>\nC: RCPT TO:<bert@example.com>\n"
    report = play(OPEN_PIPELINING + group + "C: RSET\nC: QUIT\nS: " + reply + "\ncloses", **TWO)
    assert outcome(report) == ("failed", "mail", "pipelining_refused")
    report = play(OPEN + "C: MAIL FROM:<probe@example.org>\nS: " + reply + QUIT, **TWO)
    assert report["failure"]["cause"] == "command_rejected"  # it was no group


@pytest.mark.parametrize("answer", ["250 ok", "220 relay.example.com", "354 go ahead", "235 welcome"])
def test_an_answer_to_something_else_is_none_to_quit(answer):
    """RFC 5321 4.3.2. Replies have shifted against commands: what the others were answers to is not known."""
    report = play(OPEN + "C: QUIT\nS: " + answer, **CLEAR)
    assert outcome(report) == ("failed", "quit", "protocol_violation")
    assert report["failure"]["text"] == answer[4:]
    report = play(OPEN_PIPELINING + """
        C: MAIL FROM:<probe@example.org>
        C: RCPT TO:<anna@example.com>
        C: RCPT TO:<bert@example.com>
        C: RSET
        C: QUIT
        S: 250 ok
        S: 250 one too many
        S: 250 ok
        S: 550 5.1.1 unknown
        S: %s
    """ % answer, **TWO)  # fmt: skip
    assert outcome(report) == ("failed", "quit", "protocol_violation")


def test_an_answer_to_something_else_is_none_to_rset():
    script = OPEN + "C: MAIL FROM:<probe@example.org>\nS: 250 ok\nC: RSET\nS: 354 go"
    assert outcome(play(script, **SENDER)) == ("failed", "quit", "protocol_violation")


def test_quit_is_waited_for_one_second_at_most():
    played = play_once(OPEN + "C: QUIT\nsilent", request_for(**CLEAR))
    assert played.report["timings"]["total"] < 1.5
    assert played.protocol.decided_at is not None


# LMTP (RFC 2033)

LMTP = {"protocol": "lmtp", "sender": "probe@example.org", "send": True,
        "recipients": ["anna@example.com", "bert@example.com", "cora@example.com"]}  # fmt: skip
LMTP_SENT = """
    S: 220 relay.example.com LMTP
    C: LHLO client.example.org
    S: 250-relay.example.com
    S: 250 PIPELINING
    C: MAIL FROM:<probe@example.org>
    C: RCPT TO:<anna@example.com>
    C: RCPT TO:<bert@example.com>
    C: RCPT TO:<cora@example.com>
    C: DATA
    S: 250 ok
    S: 250 ok
    S: 550 5.1.1 unknown
    S: 250 ok
    S: 354 go
    C: <message>
    C: QUIT
"""


def test_lmtp_answers_once_for_each_recipient_it_accepted():
    report = play(LMTP_SENT + """
        S: 250 2.0.0 <anna@example.com> Saved
        S: 452 4.2.2 <cora@example.com> Mailbox full
        S: 221 bye
    """, **LMTP)  # fmt: skip
    assert [to["outcome"] for to in report["recipients"]] == ["accepted", "rejected", "deferred"]
    assert report["verdict"] == "failed"
    assert report["failure"]["recipient"] == "bert@example.com"
    assert report["changed"] is True
    assert report["port"] == 24


def test_lmtp_keeps_the_queue_id_of_what_was_taken():
    report = play(LMTP_SENT + "S: 250 Ok: queued as 4XyZ12abcd\nS: 452 4.2.2 full\nS: 221 bye", **LMTP)
    assert report["message"]["queue_id"] == "4XyZ12abcd"


def test_lmtp_delivers_to_nobody_after_a_421():
    script = LMTP_SENT.replace("S: 550 5.1.1 unknown", "S: 250 ok")
    report = play(script + "S: 250 saved\nS: 421 4.3.2 closing", **LMTP)
    assert outcome(report) == ("deferred", "message", "service_closing")
    assert [to["outcome"] for to in report["recipients"]] == ["accepted", "deferred", "deferred"]
    assert "did go out to anna@example.com. Next" in report["msg"]


def test_lmtp_takes_a_message_by_250_alone():
    report = play(LMTP_SENT + "S: 250 saved\nS: 251 hm\nS: 221 bye", **LMTP)
    assert [to["outcome"] for to in report["recipients"]] == ["accepted", "rejected", "rejected"]
    assert report["msg"].count("did go out to anna@example.com.") == 1


def test_lmtp_all_saved():
    script = LMTP_SENT.replace("S: 550 5.1.1 unknown", "S: 250 ok")
    report = play(script + "S: 250 saved\nS: 250 saved\nS: 250 saved\nS: 221 bye", **LMTP)
    assert outcome(report) == ("passed", "message", None)
    assert report["changed"] is True


@pytest.mark.parametrize("end", ["closes", "silent"])
def test_lmtp_lost_between_the_replies(end):
    """The second delivery may have been made: nobody knows."""
    report = play(LMTP_SENT.replace("S: 550 5.1.1 unknown", "S: 250 ok") + "S: 250 saved\n" + end, **LMTP)
    assert outcome(report) == ("failed", "message", "acceptance_unknown")
    assert report["changed"] is True


@pytest.mark.parametrize("end", ["closes", "silent"])
def test_lmtp_lost_after_a_refusal(end):
    """One delivery was refused; of the other nobody knows."""
    report = play(LMTP_SENT.replace("S: 550 5.1.1 unknown", "S: 250 ok") + "S: 552 5.2.2 Mailbox full\n" + end, **LMTP)
    assert outcome(report) == ("failed", "message", "acceptance_unknown")
    assert report["changed"] is True


def test_lmtp_refused_before_the_message_was_complete():
    script = LMTP_SENT.replace("S: 550 5.1.1 unknown", "S: 250 ok").partition("C: <message>")[0]
    report = play(script + "C: <part>\nS: 452 4.3.1 disk full", test_message=LONG, **LMTP)
    assert outcome(report) == ("deferred", "message", "system_full")
    assert report["changed"] is False


def test_lmtp_knows_no_helo():
    report = play("S: 220 x\nC: LHLO client.example.org\nS: 500 what?" + QUIT, protocol="lmtp")
    assert outcome(report) == ("failed", "ehlo", "ehlo_refused")
