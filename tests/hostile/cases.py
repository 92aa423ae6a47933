# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What relays do, and what must come of it. Every row's outcome was written down from the RFC named with it, or from
# the rules of the engine, before anything ran.
#
# The outcome is "verdict stage cause", or "passed"; a fact is named by its path in the report. `wants`: commands that
# the relay must have heard, `never`: words that it must not.

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Tuple

from ansible_collections.postmaster.mailcheck.tests.support.authority import NAME
from ansible_collections.postmaster.mailcheck.tests.support.hostile import SIGN_IN


class Case(NamedTuple):
    number: int
    title: str
    script: str
    outcome: str
    facts: Dict[str, Any] = {}
    options: Dict[str, Any] = {}
    wants: Tuple[str, ...] = ()
    never: Tuple[str, ...] = ()
    split: int = 0  # how the relay's writes are cut


GREETING = "S: 220 relay.example.com ESMTP\n"
EHLO = "C: EHLO client.example.org\n"
OPEN = GREETING + EHLO
QUIT = "C: QUIT\nS: 221 bye\n"
PLAIN_EHLO = OPEN + "S: 250 relay.example.com\n"
PIPELINING = OPEN + "S: 250-relay.example.com\nS: 250 PIPELINING\n"
OFFER = OPEN + "S: 250-relay.example.com\nS: 250 STARTTLS\nC: STARTTLS\n"
READY = OFFER + "S: 220 go ahead\n"
INSIDE = READY + "TLS good\n" + EHLO
AUTH = INSIDE + "S: 250-relay.example.com\nS: 250 AUTH PLAIN\n"
LOGIN = INSIDE + "S: 250-relay.example.com\nS: 250 AUTH LOGIN\nC: AUTH LOGIN\n"
SCRAM = INSIDE + "S: 250-relay.example.com\nS: 250 AUTH SCRAM-SHA-256\n"

TLS: Dict[str, Any] = {"tls": "starttls"}
SIGNED: Dict[str, Any] = dict(TLS, **SIGN_IN)
PROBE: Dict[str, Any] = {"sender": "probe@example.org", "recipients": ["anna@example.com", "bert@example.com"]}
ONE: Dict[str, Any] = {"sender": "probe@example.org", "recipients": ["anna@example.com"]}
SEND: Dict[str, Any] = dict(PROBE, send=True)
SEND_ONE: Dict[str, Any] = dict(ONE, send=True)
BRIEF = 0.5  # seconds, where a time-out is what the case is about

MAIL = "C: MAIL FROM:<probe@example.org>\n"
ANNA, BERT = "C: RCPT TO:<anna@example.com>\n", "C: RCPT TO:<bert@example.com>\n"
DATA = PLAIN_EHLO + MAIL + "S: 250 ok\n" + ANNA + "S: 250 ok\nC: DATA\n"
MESSAGE = DATA + "S: 354 go on\nC: <message>\n"


def _certificate(name: str, outcome: str, verified: bool = False, **facts: Any) -> Case:
    given = {"tls.verified": verified, "tls.certificate.subject_alt_names": ["DNS:" + NAME]}
    return Case(45, "certificate " + name, READY + "TLS %s\n" % name, outcome, dict(given, **facts), TLS)


def _closing(stage: str, script: str, options: Dict[str, Any], cause: str = "service_closing") -> Case:
    """RFC 5321 3.8: a 421 may come at any time, and ends the session."""
    return Case(
        27, "421 at " + stage, script + "S: 421 4.3.2 closing\ncloses\n", "deferred %s %s" % (stage, cause),
        {"failure.code": 421, "failure.enhanced_code": "4.3.2", "changed": False}, options, never=("QUIT",),
    )  # fmt: skip


CASES: List[Case] = [
    # Replies
    Case(1, "multi-line greeting",
         "S: 220-relay.example.com ESMTP\nS: 220-second\nS: 220 third\n" + EHLO + "S: 250 relay\n" + QUIT,
         "passed", {"greeting.code": 220, "greeting.text": "relay.example.com ESMTP\nsecond\nthird",
                    "greeting.hostname": "relay.example.com"}),
    Case(2, "every octet by itself", OPEN + "S: 250-relay.example.com\nS: 250-SIZE 1000\nS: 250 AUTH PLAIN\n" + QUIT,
         "passed", {"capabilities": {"SIZE": ["1000"], "AUTH": ["PLAIN"]}}, split=1),
    # RFC 5321 4.2.1 lets a client go by the last line.
    Case(3, "greeting 220- then 521", "S: 220-relay.example.com wait\nS: 521 not you\n" + QUIT,
         "failed greeting greeting_refused", {"failure.code": 521}),
    Case(3, "EHLO 250- then 421", OPEN + "S: 250-relay.example.com\nS: 421 full\ncloses\n",
         "deferred ehlo service_closing", {"failure.code": 421, "capabilities": None}),
    Case(4, "code only", "S: 220\n" + EHLO + "S: 250\n" + QUIT, "passed",
         {"greeting.text": "", "greeting.hostname": None, "capabilities": {}}),
    Case(4, "code and space only", "S: 220 \n" + EHLO + "S: 250-\nS: 250 \n" + QUIT, "passed", {"capabilities": {}}),
    Case(5, "bare LF", "S: 220 relay.example.com\\n\\\n" + EHLO + "S: 250-relay\\n250 SIZE 5\\n\\\n" + QUIT,
         "passed", {"capabilities": {"SIZE": ["5"]}, "greeting.text": "relay.example.com"}),
    # RFC 5321 4.2.1: every line begins with the code.
    Case(6, "blank line inside", OPEN + "S: 250-relay\nS:\nS: 250 SIZE\n", "failed ehlo protocol_violation",
         {"capabilities": None, "greeting.code": 220}),
    Case(7, "words for a greeting", "S: Welcome to the relay\n", "failed greeting not_smtp", {"greeting": None}),
    Case(7, "words inside a reply", OPEN + "S: 250-relay\nS: hello\nS: 250 SIZE\n", "failed ehlo protocol_violation"),
    Case(7, "another protocol", "S: HTTP/1.1 400 Bad Request\ncloses\n", "failed greeting not_smtp"),
    Case(8, "two digits", OPEN + "S: 25 relay\n", "failed ehlo protocol_violation"),
    Case(8, "two digits for a greeting", "S: 22 relay\n", "failed greeting not_smtp"),
    # RFC 5321 4.2: no reply of SMTP begins with 1, and nothing waits for another one.
    Case(9, "120 greeting", "S: 120 wait\n", "failed greeting protocol_violation", {"failure.code": None}),
    Case(9, "199 greeting", "S: 199 hm\n", "failed greeting protocol_violation", {"greeting": None}),
    Case(10, "greeting of 9000 octets", "S: 220 " + "x" * 9000 + "\n", "failed greeting protocol_violation"),
    Case(10, "EHLO line of 9000 octets", OPEN + "S: 250-relay\nS: 250 " + "x" * 9000 + "\n",
         "failed ehlo protocol_violation", {"greeting.code": 220}),
    Case(10, "line of 8000 octets", "S: 220 " + "x" * 8000 + "\n" + EHLO + "S: 250 relay\n" + QUIT, "passed"),
    Case(11, "endless octets", OPEN + "endless x\n", "failed ehlo protocol_violation", {"greeting.code": 220}),
    Case(11, "endless greeting", "S: 220 \\\nendless x\n", "failed greeting protocol_violation"),
    Case(12, "endless lines", OPEN + "endless 250-x\\r\\n\n", "failed ehlo protocol_violation", {"capabilities": None}),
    Case(12, "endless greeting lines", "endless 220-x\\r\\n\n", "failed greeting protocol_violation"),
    Case(13, "end in mid-line", OPEN + "S: 250-relay\nS: 250 SI\\\ncloses\n", "failed ehlo connection_lost"),
    Case(13, "end in the greeting", "S: 220 rel\\\ncloses\n", "failed greeting connection_lost", {"greeting": None}),
    Case(13, "end between lines", "S: 220-relay\ncloses\n", "failed greeting connection_lost"),
    Case(14, "Latin-1", "S: 220 caf\\xe9\n" + EHLO + "S: 250 relay\n" + QUIT, "passed",
         {"greeting.text": "caf\u00e9"}),
    Case(15, "UTF-8 in two packets", "S: 220 caf\\xc3\\\nwaits 0.02\nS: \\xa9 relay\n" + EHLO + "S: 250 relay\n" + QUIT,
         "passed", {"greeting.text": "caf\u00e9 relay"}),
    Case(16, "unsolicited line", OPEN + "S: 250 relay\nS: 250 and more\n", "failed mail protocol_violation",
         {"capabilities": {}, "recipients": []}, PROBE, never=("MAIL", "RCPT")),
    Case(16, "unsolicited beginning of a line", OPEN + "S: 250 relay\nS: 25\\\n", "failed mail protocol_violation",
         {"recipients": []}, PROBE, never=("MAIL",)),
    Case(16, "unsolicited line before TLS", OPEN + "S: 250-relay\nS: 250 STARTTLS\nS: 220 go\n", "failed starttls protocol_violation",
         {"tls": None}, TLS, never=("STARTTLS",)),
    # RFC 5321 4.2.1: without its hyphen the first line is the whole answer to EHLO, and the next one is nobody's.
    Case(16, "unsolicited line before QUIT", OPEN + "S: 250 relay\nS: 250 SIZE\n", "failed quit protocol_violation",
         {"codes": {"greeting": 220, "ehlo": 250}}, never=("QUIT",)),
    Case(17, "late reply", OPEN + "waits 0.9\nS: 250 relay\n", "failed ehlo timed_out", {"greeting.code": 220},
         {"timeout": BRIEF}, never=("MAIL", "QUIT")),
    # EHLO
    Case(18, "lower-case keywords", OPEN + "S: 250-relay\nS: 250-size 1000\nS: 250 starttls\nC: STARTTLS\nS: 220 go\n"
         "TLS good\n" + EHLO + "S: 250-relay\nS: 250 auth plain login\n" + QUIT, "passed",
         {"capabilities_before_tls": {"SIZE": ["1000"], "STARTTLS": []}, "capabilities": {"AUTH": ["plain", "login"]},
          "auth_mechanisms": ["PLAIN", "LOGIN"], "auth_mechanisms_before_tls": [], "tls.verified": True}, TLS),
    Case(19, "AUTH=LOGIN alone", OPEN + "S: 250-relay\nS: 250 AUTH=LOGIN\n" + QUIT, "passed",
         {"auth_mechanisms": ["LOGIN"]}),
    Case(19, "AUTH=LOGIN beside AUTH", OPEN + "S: 250-relay\nS: 250-AUTH=LOGIN\nS: 250 AUTH PLAIN LOGIN\n" + QUIT,
         "passed", {"auth_mechanisms": ["LOGIN", "PLAIN"]}),
    Case(20, "two AUTH lines", OPEN + "S: 250-relay\nS: 250-AUTH PLAIN\nS: 250 AUTH CRAM-MD5 PLAIN\n" + QUIT, "passed",
         {"auth_mechanisms": ["PLAIN", "CRAM-MD5"]}),
    # RFC 1870 4: without a number nothing is said, and 0 is "no fixed limit".
    Case(21, "SIZE bare", OPEN + "S: 250-relay\nS: 250 SIZE\n" + QUIT, "passed",
         {"max_message_size": None, "capabilities": {"SIZE": []}}),
    Case(21, "SIZE 0", OPEN + "S: 250-relay\nS: 250 SIZE 0\n" + MAIL + "S: 250 ok\n" + ANNA + "S: 250 ok\nC: DATA\n"
         "S: 354 go\nC: <message>\nS: 250 ok\n" + QUIT, "passed", {"max_message_size": 0, "changed": True}, SEND_ONE),
    Case(22, "STARTTLS on the last line", OPEN + "S: 250-relay\nS: 250-SIZE\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\n"
         "TLS good\n" + EHLO + "S: 250 relay\n" + QUIT, "passed", {"tls.verified": True, "capabilities": {}}, TLS),
    Case(23, "no extensions", PLAIN_EHLO + QUIT, "passed", {"capabilities": {}, "auth_mechanisms": []}),
    Case(23, "no extensions, TLS wanted", PLAIN_EHLO + QUIT, "failed starttls tls_not_offered",
         {"tls": None, "capabilities": {}}, TLS, never=("STARTTLS",)),
    # RFC 5321 3.2, 4.1.4
    Case(24, "EHLO refused", OPEN + "S: 502 unknown\nC: HELO client.example.org\nS: 250 relay\n" + QUIT, "passed",
         {"codes.ehlo": 250, "capabilities": {}}),
    Case(24, "EHLO refused, TLS wanted", OPEN + "S: 500 what\nC: HELO\nS: 250 relay\n" + QUIT,
         "failed starttls tls_not_offered", {"codes.ehlo": 250}, TLS),
    Case(24, "EHLO and HELO refused", OPEN + "S: 500 what\nC: HELO\nS: 500 what\n" + QUIT, "failed ehlo ehlo_refused",
         {"failure.code": 500}),
    Case(24, "EHLO refused, with credentials", OPEN + "S: 502 what\n" + QUIT, "failed ehlo ehlo_refused", {"auth": None},
         dict(SIGN_IN, tls="none", allow_plaintext_auth=True), never=("HELO", "AUTH")),
    Case(24, "EHLO refused inside TLS", INSIDE + "S: 502 what\n" + QUIT, "failed ehlo ehlo_refused",
         {"tls.verified": True, "capabilities": None}, TLS, never=("HELO",)),
    Case(24, "EHLO refused for good", OPEN + "S: 550 not you\n" + QUIT, "failed ehlo ehlo_refused",
         {"failure.code": 550}, never=("HELO",)),
    Case(24, "EHLO refused for now", OPEN + "S: 451 later\n" + QUIT, "deferred ehlo ehlo_refused", never=("HELO",)),
    Case(25, "closes on EHLO", OPEN + "closes\n", "failed ehlo connection_lost", {"greeting.code": 220}),
    Case(25, "resets on EHLO", OPEN + "resets\n", "failed ehlo connection_lost", {"greeting.code": 220}),
    Case(26, "masked keywords", OPEN + "S: 250-relay\nS: 250-XXXXXXXA\nS: 250 XXXB\n" + QUIT,
         "failed starttls tls_stripped", {"capabilities": {"XXXXXXXA": [], "XXXB": []}}, TLS),
    # Session
    _closing("greeting", "", {}, "rate_limited"),
    _closing("ehlo", OPEN, {}),
    _closing("starttls", OFFER, TLS),
    _closing("ehlo", INSIDE, TLS),
    _closing("auth", AUTH + "C: AUTH PLAIN\n", SIGNED),
    _closing("auth", LOGIN + "S: 334 VXNlcm5hbWU6\nC:\n", SIGNED),
    _closing("extra", PLAIN_EHLO + "C: VRFY\n", {"extra_commands": ["VRFY postmaster"]}),
    _closing("xclient", OPEN + "S: 250-relay\nS: 250 XCLIENT NAME\nC: XCLIENT\n", {"xclient": {"NAME": "x"}}),
    _closing("mail", PLAIN_EHLO + MAIL, PROBE),
    _closing("rcpt", PLAIN_EHLO + MAIL + "S: 250 ok\n" + ANNA, PROBE),
    _closing("rcpt", PLAIN_EHLO + MAIL + "S: 250 ok\n" + ANNA + "S: 250 ok\n" + BERT, PROBE),
    _closing("data", DATA, SEND_ONE),
    _closing("message", MESSAGE, SEND_ONE),
    Case(27, "421 inside a group", PIPELINING + MAIL + ANNA + BERT + "S: 250 ok\nS: 421 4.3.2 closing\ncloses\n",
         "deferred rcpt service_closing", {"failure.code": 421, "recipients.0.outcome": "deferred"}, PROBE, never=("DATA",)),
    # What was asked is known by then, and all of it was granted.
    Case(27, "421 at RSET", PLAIN_EHLO + MAIL + "S: 250 ok\n" + ANNA + "S: 250 ok\nC: RSET\nS: 421 bye\ncloses\n", "passed",
         {"recipients.0.outcome": "accepted"}, ONE, never=("QUIT",)),
    Case(27, "421 at quit", PLAIN_EHLO + "C: QUIT\nS: 421 bye\ncloses\n", "passed", {"codes.quit": 421}),
    Case(27, "421 unasked", OPEN + "S: 250 relay\nS: 421 idle too long\n", "deferred mail service_closing",
         {"failure.code": 421}, PROBE, never=("MAIL",)),
    # RFC 5321 3.1
    Case(28, "554 greeting", "S: 554 no service\n" + QUIT, "failed greeting greeting_refused", {"failure.code": 554},
         never=("EHLO",)),
    Case(28, "450 greeting", "S: 450 later\n" + QUIT, "deferred greeting rate_limited", {"failure.code": 450}),
    Case(28, "521 greeting", "S: 521 takes no mail\n" + QUIT, "failed greeting greeting_refused", {"failure.code": 521},
         never=("EHLO",)),
    Case(29, "late greeting", "waits 0.3\n" + PLAIN_EHLO + QUIT, "passed", {"greeting.code": 220}),
    Case(30, "never a greeting", "silent\n", "unreachable greeting no_greeting", {"greeting": None},
         {"timeout": BRIEF}),
    Case(30, "closes before the greeting", "closes\n", "unreachable greeting no_greeting"),
    Case(30, "resets before the greeting", "resets\n", "unreachable greeting no_greeting"),
    Case(31, "TLS port in clear", "TLS good\n" + PLAIN_EHLO, "failed greeting tls_expected", {"tls": None},
         {"timeout": 4 * BRIEF}),
    Case(31, "TLS port that says so", "S: \\x15\\x03\\x01\\x00\\x02\\x02\\x0a\\\ncloses\n",
         "failed greeting tls_expected"),
    Case(31, "clear port spoken to in TLS", GREETING + "C: <octets>\nS: 500 what\n", "failed tls tls_not_spoken",
         {"greeting": None}, {"tls": "implicit"}, never=("EHLO",)),
    Case(32, "closes after RCPT", PLAIN_EHLO + MAIL + "S: 250 ok\n" + ANNA + "S: 250 ok\n" + BERT + "closes\n",
         "failed rcpt connection_lost", {"recipients.0.outcome": "accepted", "codes.rcpt": {"anna@example.com": 250}},
         PROBE),
    Case(32, "closes after the last RCPT is refused", PLAIN_EHLO + MAIL + "S: 250 ok\n" + ANNA + "S: 550 5.1.1 no\ncloses\n",
         "failed rcpt mailbox_unknown", {"failure.code": 550, "recipients.0.outcome": "rejected"}, ONE),
    Case(33, "recipients of mixed fate",
         PLAIN_EHLO + MAIL + "S: 250 ok\n" + ANNA + "S: 450 later\n" + BERT + "S: 550 5.1.1 no\n"
         "C: RCPT TO:<cleo@example.com>\nS: 250 ok\nC: DATA\nS: 354 go\nC: <message>\nS: 250 ok\n" + QUIT,
         "failed rcpt mailbox_unknown", {"changed": True, "failure.recipient": "bert@example.com", "codes.rcpt": {
             "anna@example.com": 450, "bert@example.com": 550, "cleo@example.com": 250}},
         dict(SEND, recipients=[*PROBE["recipients"], "cleo@example.com"])),
    Case(33, "the same, where all were wanted",
         PLAIN_EHLO + MAIL + "S: 250 ok\n" + ANNA + "S: 250 ok\n" + BERT + "S: 450 later\nC: RSET\nS: 250 ok\n" + QUIT,
         "deferred rcpt recipient_deferred", {"changed": False, "failure.recipient": "bert@example.com"},
         dict(SEND, send_if="all"), never=("DATA",)),
    Case(34, "all recipients 4yz",
         PLAIN_EHLO + MAIL + "S: 250 ok\n" + ANNA + "S: 450 later\n" + BERT + "S: 452 later\nC: RSET\nS: 250 ok\n" + QUIT,
         "deferred rcpt recipient_deferred", {"changed": False, "failure.code": 450}, SEND, never=("DATA",)),
    Case(35, "DATA answered 250", DATA + "S: 250 ok\nC: RSET\nS: 250 ok\n" + QUIT, "failed data protocol_violation",
         {"changed": False, "failure.code": 250}, SEND_ONE, never=("Subject",)),
    # RFC 2920 3.1: the 354 gets a lone dot.
    Case(36, "354 for nobody", PIPELINING + MAIL + ANNA + "C: DATA\nS: 250 ok\nS: 550 5.1.1 no\nS: 354 go on\nC: .\n"
         "S: 554 nobody\n" + QUIT, "failed rcpt mailbox_unknown", {"changed": False}, SEND_ONE, never=("Subject",)),
    Case(36, "354 for nobody, and 250", PIPELINING + MAIL + ANNA + "C: DATA\nS: 250 ok\nS: 550 5.1.1 no\nS: 354 go on\n"
         "C: .\nS: 250 taken\n" + QUIT, "failed rcpt mailbox_unknown", {"changed": False, "message": None}, SEND_ONE),
    Case(37, "a group that fails in the middle", PIPELINING + MAIL + ANNA + BERT + "C: DATA\nS: 250 ok\nS: 550 5.1.1 no\n"
         "S: 250 ok\nS: 354 go\nC: <message>\nS: 250 ok\n" + QUIT, "failed rcpt mailbox_unknown",
         {"changed": True, "failure.recipient": "anna@example.com"}, SEND),
    Case(37, "a group that fails at its head", PIPELINING + MAIL + ANNA + BERT + "C: DATA\nS: 553 5.1.8 no\nS: 503 mail\n"
         "S: 503 mail\nS: 503 mail\n" + QUIT, "failed mail sender_rejected", {"changed": False, "recipients": []}, SEND,
         never=("Subject",)),
    Case(37, "a group cut short", PIPELINING + MAIL + ANNA + BERT + "C: DATA\nS: 250 ok\nS: 250 ok\ncloses\n",
         "failed rcpt connection_lost", {"changed": False, "recipients.0.outcome": "accepted"}, SEND),
    Case(38, "QUIT unanswered", PLAIN_EHLO + "C: QUIT\nsilent\n", "passed", {"codes": {"greeting": 220, "ehlo": 250}}),
    Case(38, "QUIT answered by a close", PLAIN_EHLO + "C: QUIT\ncloses\n", "passed"),
    Case(38, "QUIT answered by a reset", PLAIN_EHLO + "C: QUIT\nresets\n", "passed"),
    Case(38, "QUIT answered by noise", PLAIN_EHLO + "C: QUIT\nS: what\n", "failed quit protocol_violation"),
    Case(38, "QUIT answered by an endless line", PLAIN_EHLO + "C: QUIT\nendless x\n", "failed quit protocol_violation"),
    Case(38, "QUIT answered by 250", PLAIN_EHLO + "C: QUIT\nS: 250 ok\n", "failed quit protocol_violation"),
    # TLS (RFC 3207 4)
    Case(39, "STARTTLS 454", OFFER + "S: 454 4.7.0 not now\n" + QUIT, "deferred starttls tls_unavailable",
         {"failure.code": 454, "tls": None}, TLS, never=("MAIL",)),
    Case(39, "STARTTLS 501", OFFER + "S: 501 what\n" + QUIT, "failed starttls tls_refused", {"failure.code": 501}, TLS),
    Case(39, "STARTTLS 502", OFFER + "S: 502 what\n" + QUIT, "failed starttls tls_stripped", {"failure.code": 502}, TLS),
    Case(40, "offered but refused", OFFER + "S: 554 5.7.3 no\n" + QUIT, "failed starttls tls_refused",
         {"failure.code": 554}, dict(SIGNED, **PROBE), never=("AUTH", "MAIL")),
    Case(40, "offered but refused, opportunistic", OFFER + "S: 554 no\n" + MAIL + "S: 250 ok\n" + ANNA + "S: 250 ok\n"
         "C: RSET\nS: 250 ok\n" + QUIT, "passed", {"tls": None, "codes.starttls": 554}, dict(ONE, tls="opportunistic")),
    Case(41, "220, then close", READY + "closes\n", "failed tls tls_handshake_reset",
         {"capabilities_before_tls": {"STARTTLS": []}}, TLS, never=("QUIT",)),
    Case(41, "220, then close, opportunistic", READY + "C: <octets>\ncloses\n", "failed tls tls_handshake_reset", {},
         dict(ONE, tls="opportunistic"), never=("MAIL",)),
    Case(42, "220, then plaintext", READY + "C: <octets>\nS: 250 relay\n", "failed tls tls_not_spoken", {}, TLS,
         never=("QUIT",)),
    # CVE-2011-0411, CVE-2021-38371
    Case(43, "octets after the 220", OFFER + "S: 220 go\nS: 250 injected\n", "failed starttls tls_injection",
         {"capabilities_before_tls": {"STARTTLS": []}}, dict(SIGNED, **PROBE), never=("AUTH", "MAIL", "QUIT")),
    Case(43, "half a line after the 220", OFFER + "S: 220 go\nS: 2\\\n", "failed starttls tls_injection", {}, TLS),
    Case(43, "octets after the 220, opportunistic", OFFER + "S: 220 go\nS: 250 x\n", "failed starttls tls_injection", {},
         dict(ONE, tls="opportunistic"), never=("MAIL",)),
    Case(44, "AUTH only after TLS", AUTH + "C: AUTH PLAIN\nS: 235 2.7.0 welcome\n" + QUIT, "passed",
         {"auth_mechanisms_before_tls": [], "auth_mechanisms": ["PLAIN"], "auth.accepted": True, "auth.code": 235,
          "tls.verified": True}, SIGNED),
    Case(44, "AUTH only after TLS, in clear", OPEN + "S: 250-relay\nS: 250 STARTTLS\n" + QUIT,
         "failed auth auth_not_offered_in_clear", {}, dict(SIGN_IN, tls="none", allow_plaintext_auth=True),
         never=("AUTH",)),
    _certificate("expired", "failed tls certificate_expired"),
    _certificate("early", "failed tls certificate_not_yet_valid"),
    _certificate("self-signed", "failed tls certificate_self_signed"),
    _certificate("stranger", "failed tls certificate_issuer_not_found"),
    _certificate("no-intermediate", "failed tls certificate_issuer_not_found"),
    Case(45, "certificate other-name", READY + "TLS other-name\n", "failed tls certificate_name_mismatch",
         {"tls.verified": False, "tls.verify_errors": ["certificate_name_mismatch"],
          "tls.certificate.subject_alt_names": ["DNS:other.example.net"]}, TLS),
    Case(45, "certificate intermediate", READY + "TLS intermediate\n" + EHLO + "S: 250 relay\n" + QUIT, "passed",
         {"tls.verified": True, "tls.verify_errors": []}, TLS),
    Case(45, "certificate expired, only reported", READY + "TLS expired\n" + EHLO + "S: 250 relay\n" + QUIT, "passed",
         {"tls.verified": False, "tls.verify_errors": ["certificate_expired"]}, dict(TLS, validate_certs=False)),
    Case(46, "no common version", READY + "TLS tls13\n", "failed tls tls_version_mismatch", {},
         dict(TLS, tls_max_version="TLSv1.2")),
    Case(46, "no common version, theirs is lower", READY + "TLS tls12\n", "failed tls tls_version_mismatch", {},
         dict(TLS, tls_min_version="TLSv1.3")),
    Case(46, "no common cipher", READY + "TLS aes256\n", "failed tls tls_cipher_mismatch", {},
         dict(TLS, tls_max_version="TLSv1.2", tls_ciphers="ECDHE+CHACHA20")),
    Case(47, "client certificate, TLS 1.2", READY + "TLS asks-12\n" + EHLO, "failed tls client_certificate_required",
         {}, TLS),
    Case(47, "client certificate, TLS 1.3", READY + "TLS asks-13\n" + EHLO, "failed tls client_certificate_required",
         {}, TLS),
    Case(48, "handshake stalls", READY + "C: <octets>\nsilent\n", "failed tls tls_handshake_stalled", {},
         dict(TLS, timeout=BRIEF), never=("QUIT",)),
    Case(48, "handshake stalls half-way", READY + "TLS good cut 300\nsilent\n", "failed tls tls_handshake_stalled", {},
         dict(TLS, timeout=BRIEF)),
    Case(48, "handshake is reset", READY + "C: <octets>\nresets\n", "failed tls tls_handshake_reset", {}, TLS),
    Case(48, "handshake is reset half-way", READY + "TLS good cut 300\nresets\n", "failed tls tls_handshake_reset", {},
         TLS),
    Case(48, "handshake octet by octet", INSIDE + "S: 250 relay\n" + QUIT, "passed", {"tls.verified": True},
         dict(TLS, timeout=30.0), split=1),
    Case(49, "by address, another name", INSIDE + "S: 250 relay\n" + QUIT, "passed",
         {"host": "127.0.0.1", "tls.server_name": NAME, "tls.verified": True}, TLS),
    # AUTH (RFC 4954 4)
    Case(50, "334 with no text", LOGIN + "S: 334\nC: dGlt\nS: 334 \nC:\nS: 235 ok\n" + QUIT, "passed",
         {"auth.accepted": True, "auth.mechanism": "LOGIN"}, SIGNED),
    Case(51, "334 with bad base64", LOGIN + "S: 334 !!!\nC: *\nS: 501 cancelled\n" + QUIT,
         "failed auth auth_protocol_error", {"auth.accepted": False}, SIGNED, wants=("*",)),
    Case(52, "endless 334", LOGIN + "S: 334 x\nanswers 334 VXNlcm5hbWU6\n", "failed auth auth_protocol_error",
         {"auth.accepted": False}, SIGNED),
    Case(52, "endless 334, well-formed", LOGIN + "S: 334 VXNlcm5hbWU6\nanswers 334 VXNlcm5hbWU6\n",
         "failed auth auth_protocol_error", {"auth.accepted": False}, SIGNED, wants=("*",)),
    Case(52, "endless 334 unasked", LOGIN + "endless 334 VXNlcm5hbWU6\\r\\n\n", "failed auth protocol_violation", {},
         SIGNED),
    Case(53, "initial response refused", AUTH + "C: AUTH PLAIN\nS: 501 5.5.2 not so\n" + QUIT,
         "failed auth auth_mechanism_refused", {"failure.code": 501, "auth.accepted": False}, SIGNED),
    Case(53, "initial response ignored", AUTH + "C: AUTH PLAIN\nS: 334 \nC: *\nS: 501 cancelled\n" + QUIT,
         "failed auth auth_protocol_error", {"auth.accepted": False}, SIGNED),
    Case(54, "535, then close", AUTH + "C: AUTH PLAIN\nS: 535 5.7.8 no\ncloses\n", "failed auth auth_rejected",
         {"failure.code": 535, "failure.enhanced_code": "5.7.8", "auth.accepted": False}, SIGNED),
    # RFC 5802 5.1
    Case(55, "SCRAM", SCRAM + "scram 4096 right\n" + QUIT, "passed", {"auth.mechanism": "SCRAM-SHA-256"}, SIGNED),
    Case(55, "SCRAM, wrong signature", SCRAM + "scram 4096 wrong\n" + QUIT, "failed auth auth_server_not_authentic",
         {"auth.accepted": False}, SIGNED),
    Case(55, "SCRAM, no signature", SCRAM + "scram 4096 none\n" + QUIT, "failed auth auth_server_not_authentic",
         {"auth.accepted": False}, SIGNED),
    Case(55, "SCRAM, too few iterations", SCRAM + "scram 1000 right\n" + QUIT, "failed auth auth_protocol_error",
         {"auth.accepted": False}, SIGNED, wants=("*",)),
    Case(55, "SCRAM, too many iterations", SCRAM + "scram 4294967295 right\n" + QUIT, "failed auth auth_protocol_error",
         {"auth.accepted": False}, SIGNED, wants=("*",)),
    Case(54, "454, then another mechanism", INSIDE + "S: 250-relay\nS: 250 AUTH PLAIN LOGIN\nC: AUTH PLAIN\nS: 454 4.7.0 later\n"
         + QUIT, "deferred auth auth_temporarily_failed", {"failure.code": 454, "auth.accepted": False}, SIGNED,
         never=("AUTH LOGIN",)),
    # Addresses
    Case(57, "non-ASCII address without SMTPUTF8", PLAIN_EHLO + QUIT, "failed mail smtputf8_not_offered",
         {"recipients": []}, dict(ONE, recipients=["j\u00fcrgen@example.com"]), never=("MAIL",)),
    Case(57, "non-ASCII address with SMTPUTF8", OPEN + "S: 250-relay\nS: 250 SMTPUTF8\nC: MAIL FROM:<probe@example.org> "
         "SMTPUTF8\nS: 250 ok\nC: RCPT TO:<j\u00fcrgen@example.com>\nS: 250 ok\nC: RSET\nS: 250 ok\n" + QUIT, "passed",
         {"recipients.0.address": "j\u00fcrgen@example.com"}, dict(ONE, recipients=["j\u00fcrgen@example.com"])),
    Case(58, "long local part", PLAIN_EHLO + MAIL + "S: 250 ok\nC: RCPT TO:<%s@example.com>\nS: 250 ok\nC: RSET\n"
         "S: 250 ok\n" % ("x" * 65) + QUIT, "passed", {"recipients.0.code": 250},
         dict(ONE, recipients=["x" * 65 + "@example.com"])),
    Case(58, "address over 254 octets", PLAIN_EHLO + "C: MAIL FROM:<%s>\nS: 250 ok\nC: RSET\nS: 250 ok\n"
         % ("bounces+" + "x" * 240 + "@example.com") + QUIT, "passed", {"codes.mail": 250},
         {"sender": "bounces+" + "x" * 240 + "@example.com", "stop_after": "mail"}),
    Case(58, "open-relay forms", PLAIN_EHLO + MAIL + 'S: 250 ok\nC: RCPT TO:<a%b@example.com>\nS: 550 5.7.1 relaying denied\n'
         'C: RCPT TO:<"a@b"@example.com>\nS: 550 5.7.1 relaying denied\nC: RCPT TO:<b.example!a>\nS: 550 5.7.1 relaying '
         'denied\nC: RSET\nS: 250 ok\n' + QUIT, "failed rcpt relay_denied", {},
         dict(ONE, recipients=["a%b@example.com", '"a@b"@example.com', "b.example!a"])),
]  # fmt: skip

HEALTHY = (
    OPEN + "S: 250-relay.example.com\nS: 250-PIPELINING\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nTLS good\n" + EHLO
    + "S: 250-relay.example.com\nS: 250-PIPELINING\nS: 250 AUTH PLAIN\nC: AUTH PLAIN\nS: 235 ok\n" + MAIL + ANNA
    + "C: RSET\nC: QUIT\nS: 250 ok\nS: 250 ok\nS: 250 ok\nS: 221 bye\n"
)  # fmt: skip
HEALTHY_OPTIONS: Dict[str, Any] = dict(SIGNED, **ONE)

if TYPE_CHECKING:
    from typing import Mapping


def fact(report: Mapping[str, Any], path: str) -> Any:
    """`tls.chain.0.issuer`; a code's recipient holds dots, so codes.rcpt is asked for as a whole."""
    value: Any = report
    for name in path.split("."):
        value = value[int(name)] if isinstance(value, list) else value[name]
    return value
