# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The table of causes, and how what real servers say is told apart. The replies are those that Postfix, Exim, Sendmail,
# Exchange, Dovecot, OpenSMTPD, Haraka, qmail and the large providers give.

from __future__ import annotations

import ast
import re
import string
import time
from pathlib import Path

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp import explain
from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.explain import (
    CAUSES,
    CODES,
    ENHANCED_CODES,
    cause_of,
    explain_code,
    may_pass_later,
    verdict_of,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.model import STAGES, Failure
from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.replies import ReplyReader

ENGINE = Path(explain.__file__).parent
# Which argument of these calls is a cause.
CAUSE_ARGUMENT = {"Failure": 1, "fail": 1, "Broken": 0, "TlsFailure": 0, "ResolveError": 0, "SaslError": 0, "_Sign": 0}
# Tables whose values are causes.
CAUSE_TABLES = ("_CONNECT_CAUSES", "_VERIFY_CAUSES", "_REASONS", "_TIMED_OUT", "_LOST", "_GENERAL")


def trees():
    return {path.name: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(ENGINE.glob("*.py"))}


def texts(node):
    return [n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)]


def named(node):
    target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
    return getattr(target, "id", "")


def causes_used():
    """Return (file, cause) for each cause that the engine's code gives as a literal."""
    for name, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                called = getattr(node.func, "id", getattr(node.func, "attr", ""))
                position = CAUSE_ARGUMENT.get(called)
                if position is not None and len(node.args) > position:
                    for text in [n.value for n in branches(node.args[position])]:
                        yield name, text
            elif isinstance(node, (ast.Assign, ast.AnnAssign)) and named(node) in CAUSE_TABLES:
                for value in node.value.values:
                    for text in texts(value):
                        yield name, text


def branches(node):
    """A literal, or the literals that an expression chooses from."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node
    elif isinstance(node, ast.IfExp):
        yield from branches(node.body)
        yield from branches(node.orelse)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from branches(value)


# The table


def test_every_cause_that_the_engine_gives_is_in_the_table():
    used = list(causes_used())
    assert len({cause for _file, cause in used}) > 30  # the search itself works
    assert [(file, cause) for file, cause in used if cause not in CAUSES] == []


def test_every_row_of_the_table_is_used():
    rows = {id(key) for node in ast.walk(trees()["explain.py"]) if named_causes(node) for key in node.value.keys}
    spoken = set()
    for tree in trees().values():
        spoken.update(
            n.value for n in ast.walk(tree)
            if isinstance(n, ast.Constant) and isinstance(n.value, str) and n.value in CAUSES
        )  # fmt: skip
    in_table = {key.value for node in ast.walk(trees()["explain.py"]) if named_causes(node) for key in node.value.keys}
    assert in_table == set(CAUSES) and rows
    counted = dict.fromkeys(CAUSES, 0)
    for path in ENGINE.glob("*.py"):
        source = path.read_text(encoding="utf-8")
        for cause in CAUSES:
            counted[cause] += len(re.findall('"%s"(?!: Cause)' % cause, source))
    assert [cause for cause, times in counted.items() if not times] == []
    assert spoken == set(CAUSES)


def named_causes(node):
    return isinstance(node, ast.AnnAssign) and named(node) == "CAUSES"


def test_the_causes_that_the_design_names_are_there():
    wanted = """
        name_not_found name_server_failed no_address_of_family connection_refused connection_timed_out
        network_unreachable host_unreachable no_greeting greeting_refused rate_limited not_smtp tls_expected
        tls_not_spoken ehlo_refused tls_not_offered tls_stripped tls_refused tls_unavailable tls_injection
        tls_handshake_reset tls_handshake_stalled tls_version_mismatch tls_cipher_mismatch client_certificate_required
        certificate_expired certificate_not_yet_valid certificate_self_signed certificate_issuer_not_found
        certificate_name_mismatch certificate_wrong_purpose certificate_weak certificate_rejected auth_not_offered
        auth_not_offered_in_clear auth_no_common_mechanism auth_rejected auth_temporarily_failed
        auth_server_not_authentic auth_protocol_error authentication_required tls_required sender_rejected relay_denied
        mailbox_unknown mailbox_full greylisted recipient_rejected recipient_deferred message_too_large
        smtputf8_not_offered message_rejected message_deferred acceptance_unknown service_closing connection_lost
        timed_out protocol_violation rule_unmet deadline_reached internal_error
    """
    assert [cause for cause in wanted.split() if cause not in CAUSES] == []


@pytest.mark.parametrize("cause", CAUSES)
def test_every_row_is_whole(cause):
    row = CAUSES[cause]
    assert row.verdict in ("not_checked", "unreachable", "failed", "deferred")
    assert row.stages == "any" or set(row.stages.split()) <= set(STAGES)
    assert row.explanation.endswith(".") and row.hint.endswith((".", ").", "`."))
    assert {field for _text, field, _spec, _conversion in string.Formatter().parse(row.hint)} <= {None, "host", "port"}
    assert "{" not in row.hint.format(host="relay.example.com", port=25)
    assert "{" not in row.explanation
    assert not (row.retried and row.verdict != "failed"), "what is unreachable or deferred is retried anyway"


@pytest.mark.parametrize("cause", CAUSES)
def test_what_may_pass_later(cause):
    """DESIGN: retried are the unreachable, TLS resets and stalls, 4yz and unmet rules, lost connections; never more."""
    retried = {"tls_handshake_reset", "tls_handshake_stalled", "rule_unmet", "connection_lost", "timed_out"}
    expected = cause in retried or CAUSES[cause].verdict in ("unreachable", "deferred")
    assert may_pass_later(Failure(CAUSES[cause].stages.split()[0], cause)) is expected


# Codes


def test_codes_in_words():
    assert explain_code(554, "5.7.1") == (
        "554: transaction failed, or refused by policy (refused for good); 5.7.1: delivery not authorised"
    )
    assert explain_code(250) == "250: done (success)"
    assert "not a registered code" in explain_code(599)
    assert "not a class of SMTP" in explain_code(199)
    assert "not a registered enhanced code" in explain_code(550, "5.9.9")


@pytest.mark.parametrize(
    "code", [211, 214, 220, 221, 235, 250, 251, 252, 334, 354, 421, 432, 450, 451, 452, 454, 455, 500, 501, 502, 503,
             504, 521, 530, 534, 535, 538, 550, 551, 552, 553, 554, 555, 556]
)  # fmt: skip
def test_the_codes_of_the_standards_are_known(code):
    assert CODES[code]


def test_enhanced_codes_are_subject_and_detail():
    assert all(re.fullmatch(r"[0-7]\.[0-9]{1,2}", code) for code in ENHANCED_CODES)


@pytest.mark.parametrize(
    "code, cause, verdict",
    [
        (550, "mailbox_unknown", "failed"),
        (454, "relay_denied", "deferred"),
        (452, "mailbox_full", "deferred"),
        (552, "mailbox_full", "failed"),
        (451, "greylisted", "deferred"),
        (421, "service_closing", "deferred"),
        (450, "ehlo_refused", "deferred"),
        (454, "client_certificate_required", "failed"),  # waiting would not bring one
        (None, "connection_lost", "failed"),
        (None, "connection_refused", "unreachable"),
    ],
)
def test_verdicts(code, cause, verdict):
    assert verdict_of(Failure("rcpt", cause, code)) == verdict


def test_no_failure_is_passed():
    assert verdict_of(None) == "passed"


# What servers say

SAID = {
    "mail": [
        # Postfix
        ("530 5.7.0 Must issue a STARTTLS command first", "tls_required"),
        ("552 5.3.4 Message size exceeds fixed limit", "message_too_large"),
        ("553 5.7.1 <a@example.org>: Sender address rejected: not owned by user tim", "sender_rejected"),
        ("501 5.1.7 Bad sender address syntax", "sender_rejected"),
        ("452 4.3.1 Insufficient system storage", "sender_deferred"),
        ("451 4.3.0 Temporary lookup failure", "sender_deferred"),
        # Exim
        ("552 Message size exceeds maximum permitted", "message_too_large"),
        ("550 Administrative prohibition", "sender_rejected"),
        ("451 Temporary local problem - please try later", "sender_deferred"),
        # Sendmail
        ("552 5.2.3 Message exceeds maximum fixed size (1000)", "message_too_large"),
        ("553 5.1.8 <a@b.invalid>... Domain of sender address a@b.invalid does not exist", "sender_rejected"),
        ("553 5.5.4 <root>... Domain name required for sender address root", "sender_rejected"),
        ("451 4.1.8 Domain of sender address a@b.example does not resolve", "sender_deferred"),
        # Exchange
        ("530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM", "authentication_required"),
        ("451 5.7.3 STARTTLS is required to send mail", "tls_required"),
        ("552 5.3.4 Message size exceeds fixed maximum message size", "message_too_large"),
        ("452 4.3.1 Insufficient system resources", "sender_deferred"),
        ("550 5.7.1 Client does not have permissions to send as this sender", "sender_rejected"),
        # providers
        ("530-5.7.0 Authentication Required. For more information, go to\r\n530 5.7.0 https://support.example/mail", "authentication_required"),
        ("530 5.7.0 Must issue a STARTTLS command first. For more information, go to https://support.example", "tls_required"),
        ("552-5.3.4 Your message exceeded the message size limits.\r\n552 5.3.4 For more, see below", "message_too_large"),
        ("450 4.7.1 Greylisted, please try again in 300 seconds", "greylisted"),
        ("550 5.7.1 Relaying denied", "relay_denied"),
        ("523 5.7.10 Encryption Needed", "tls_required"),
        ("503 5.5.1 Sender already specified", "sender_rejected"),
    ],
    "rcpt": [
        # Postfix
        ("550 5.1.1 <x@example.com>: Recipient address rejected: User unknown in local recipient table", "mailbox_unknown"),
        ("550 5.1.1 <x@example.com>: Recipient address rejected: User unknown in virtual mailbox table", "mailbox_unknown"),
        ("550 5.1.1 <x@example.com>: Recipient address rejected: undeliverable address: host said no", "mailbox_unknown"),
        ("450 4.1.1 <x@example.com>: Recipient address rejected: unverified address", "recipient_deferred"),
        ("554 5.7.1 <x@other.example>: Relay access denied", "relay_denied"),
        ("454 4.7.1 <x@other.example>: Relay access denied", "relay_denied"),
        ("554 5.7.1 <x@example.com>: Recipient address rejected: Access denied", "recipient_rejected"),
        ("550 5.1.8 <a@b.invalid>: Sender address rejected: Domain not found", "sender_rejected"),
        ("450 4.1.8 <a@b.invalid>: Sender address rejected: Domain not found", "sender_deferred"),
        ("450 4.7.25 Client host rejected: cannot find your hostname, [192.0.2.9]", "recipient_deferred"),
        ("450 4.7.1 Client host rejected: cannot find your reverse hostname, [192.0.2.9]", "recipient_deferred"),
        ("504 5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname", "recipient_rejected"),
        ("554 5.7.1 Service unavailable; Client host [192.0.2.9] blocked using bl.example; https://bl.example/192.0.2.9", "recipient_rejected"),
        ("450 4.2.0 <x@example.com>: Recipient address rejected: Greylisted, see http://postgrey.example/help", "greylisted"),
        ("552 5.2.2 <x@example.com>: Recipient address rejected: mailbox full", "mailbox_full"),
        ("451 4.3.0 <x@example.com>: Temporary lookup failure", "recipient_deferred"),
        ("452 4.5.3 Error: too many recipients", "recipient_deferred"),
        ("503 5.5.1 Error: need MAIL command", "recipient_rejected"),
        ("530 5.7.0 Must issue a STARTTLS command first", "tls_required"),
        # Exim
        ("550 relay not permitted", "relay_denied"),
        ("550 relaying to <x@other.example> prohibited by administrator", "relay_denied"),
        ("550 Unrouteable address", "mailbox_unknown"),
        ("550 Unknown user", "mailbox_unknown"),
        ("550 Unknown local part x in <x@example.com>", "mailbox_unknown"),
        ("550 Sender verify failed", "sender_rejected"),
        ("451 Could not complete sender verify", "sender_deferred"),
        ("550 Administrative prohibition", "recipient_rejected"),
        ("451 Temporary local problem - please try later", "recipient_deferred"),
        ("451 Greylisted - please try again a little later", "greylisted"),
        ("451-192.0.2.9 is not yet authorized to deliver mail from\r\n451 <a@b> to <c@d>. Please try later, grey listed.", "greylisted"),
        ("550 authentication required", "authentication_required"),
        ("552 mailbox is full", "mailbox_full"),
        # Sendmail
        ("550 5.1.1 <x@example.com>... User unknown", "mailbox_unknown"),
        ("550 5.7.1 <x@other.example>... Relaying denied", "relay_denied"),
        ("550 5.7.1 <x@other.example>... Relaying denied. IP name lookup failed [192.0.2.9]", "relay_denied"),
        ("550 5.7.1 <x@other.example>... Relaying denied. Proper authentication required.", "authentication_required"),
        # Exchange
        ("550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain", "relay_denied"),
        ("550 5.7.1 Unable to relay", "relay_denied"),
        ("550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup", "mailbox_unknown"),
        ("550 5.4.1 Recipient address rejected: Access denied", "recipient_rejected"),
        ("550 5.5.0 Requested action not taken: mailbox unavailable", "recipient_rejected"),
        ("451 4.7.500 Server busy. Please try again later from [192.0.2.9]", "recipient_deferred"),
        # providers
        ("550-5.1.1 The email account that you tried to reach does not\r\n550 5.1.1 exist. Please try double-checking.", "mailbox_unknown"),
        ("552-5.2.2 The email account that you tried to reach is over\r\n552 5.2.2 quota. Please direct the recipient", "mailbox_full"),
        ("452 4.2.2 The recipient's inbox is out of storage space and inactive.", "mailbox_full"),
        ("550 5.2.1 The email account that you tried to reach is inactive", "recipient_rejected"),
        ("450 4.2.1 The user you are trying to contact is receiving mail too quickly", "recipient_deferred"),
        ("554 delivery error: dd This user doesn't have an account", "recipient_rejected"),
        ("550 5.7.1 The IP address 192.0.2.9 was not found in our list of permitted hosts", "recipient_rejected"),
        # OpenSMTPD, Haraka, qmail, Dovecot, others
        ("550 Invalid recipient: <x@example.com>", "mailbox_unknown"),
        ("550 I cannot deliver mail for <x@example.com>", "recipient_rejected"),
        ("553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", "relay_denied"),
        ("550 sorry, no mailbox here by that name. (#5.1.1)", "mailbox_unknown"),
        ("550 5.1.1 <x@example.com> User doesn't exist: x@example.com", "mailbox_unknown"),
        ("550 5.1.1 <x@example.com>: not a local user", "mailbox_unknown"),
        ("550 Mailbox x@example.com does not exist", "mailbox_unknown"),
        ("550 No such user here", "mailbox_unknown"),
        ("552 5.2.2 <x@example.com> Quota exceeded (mailbox for user is full)", "mailbox_full"),
        ("550 User over quota", "mailbox_full"),
        ("550 We do not relay", "relay_denied"),
        ("556 5.1.10 Recipient address has null MX", "mailbox_unknown"),
        ("550 5.7.1 You must authenticate first", "authentication_required"),
        ("550 5.7.10 Encryption required", "tls_required"),
    ],
    "auth": [
        ("535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6", "auth_rejected"),
        ("535 Incorrect authentication data", "auth_rejected"),
        ("535 5.7.3 Authentication unsuccessful", "auth_rejected"),
        ("535-5.7.8 Username and Password not accepted. For more information, go to\r\n535 5.7.8 https://s.example", "auth_rejected"),
        ("534 5.7.9 Application-specific password required", "auth_rejected"),
        ("435 Unable to authenticate at present", "auth_temporarily_failed"),
        ("454 4.7.0 Temporary authentication failure: Connection lost to authentication server", "auth_temporarily_failed"),
        ("530 5.7.0 Must issue a STARTTLS command first", "tls_required"),
        ("538 5.7.11 Encryption required for requested authentication mechanism", "tls_required"),
        ("538 no", "tls_required"),
        ("503 AUTH command used when not advertised", "auth_rejected"),
        ("421 4.7.0 Error: too many errors", "service_closing"),
    ],
    "message": [
        ("554 5.7.1 Message rejected: spam", "message_rejected"),
        ("554 5.7.1 Spam score 15.0 exceeds the limit", "message_rejected"),
        ("550 5.7.26 Unauthenticated email from example.org is not accepted due to its DMARC policy", "message_rejected"),
        ("552-5.7.0 This message was blocked because its content presents a potential\r\n552 5.7.0 security issue.", "message_rejected"),
        ("552 5.3.4 Message size exceeds limit", "message_too_large"),
        ("552 Message too large", "message_too_large"),
        ("552 5.2.2 Over quota", "mailbox_full"),
        ("451 4.7.1 Greylisting in action, please come back later", "greylisted"),
        ("451 4.3.2 Please try again later", "message_deferred"),
        ("452 4.3.1 Insufficient system storage", "message_deferred"),
        ("550 5.1.1 User unknown", "mailbox_unknown"),
        ("421 4.7.0 Try again later, closing connection", "service_closing"),
        ("530 5.7.0 Authentication required", "authentication_required"),
    ],
    "data": [
        ("554 5.5.1 Error: no valid recipients", "message_rejected"),
        ("503 5.5.1 Bad sequence of commands", "message_rejected"),
        ("451 4.7.1 Greylisted, try again in 300 seconds", "greylisted"),
        ("550 5.7.60 SMTP; Client does not have permissions to send as this sender", "message_rejected"),
    ],
    "greeting": [
        ("554 5.7.1 relay.example.com You are not welcome", "greeting_refused"),
        ("421 4.7.0 Too many connections", "rate_limited"),
        ("450 4.3.2 come back later", "rate_limited"),
        ("521 relay.example.com does not accept mail", "greeting_refused"),
    ],
    "ehlo": [
        ("550 5.7.1 Helo command rejected: invalid name", "ehlo_refused"),
        ("450 4.7.1 Helo command rejected: Host not found", "ehlo_refused"),
        ("421 4.3.2 shutting down", "service_closing"),
    ],
    "starttls": [
        ("454 4.7.0 TLS not available due to local problem", "tls_unavailable"),
        ("454 TLS currently unavailable", "tls_unavailable"),
        ("502 5.5.1 Command not implemented", "tls_refused"),
        ("503 STARTTLS command used when not advertised", "tls_refused"),
        ("421 bye", "service_closing"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("stage, said, cause", [(stage, *row) for stage, rows in SAID.items() for row in rows])
def test_what_servers_say(stage, said, cause):
    reader = ReplyReader()
    reader.feed(said.encode("utf-8") + b"\r\n")
    found = cause_of(stage, reader.next_reply())
    assert found == cause
    assert CAUSES[found].stages == "any" or stage in CAUSES[found].stages.split()


@pytest.mark.parametrize("stage", list(STAGES[2:-1]) + ["anything"])
@pytest.mark.parametrize("code", [100, 199, 220, 250, 334, 354, 399, 600, 999, 0])
def test_a_reply_of_another_class_breaks_the_rules(stage, code):
    reader = ReplyReader()
    reader.feed(b"%03d hm\r\n" % code)
    assert cause_of(stage, reader.next_reply()) == "protocol_violation"


def test_a_long_text_takes_no_long_time():
    reader = ReplyReader()
    reader.feed(b"".join(b"550-" + b"user address relay must " * 300 + b"\r\n" for _line in range(8)) + b"550 x\r\n")
    reply = reader.next_reply()
    began = time.process_time()
    assert cause_of("rcpt", reply) == "recipient_rejected"
    assert time.process_time() - began < 0.2
