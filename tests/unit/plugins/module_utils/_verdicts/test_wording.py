# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# How what real servers say is told apart.

from __future__ import annotations

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.facts import STAGES
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.replies import ReplyReader
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.causes import CAUSES
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.lexicon import LEXICON
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.wording import (
    cause_of,
    contradicts,
    first_address,
    first_enhanced_code,
    first_url,
    queue_id,
)
from ansible_collections.postmaster.mailcheck.tests.support.refusals import REFUSALS

# What a refusal stands for


def read(octets):
    reader = ReplyReader()
    reader.feed(octets)
    reply = reader.next_reply()
    return reply.code, reply.enhanced_code, reply.text


@pytest.mark.parametrize("stage, said, cause", [(stage, *row) for stage, rows in REFUSALS.items() for row in rows])
def test_what_servers_say(stage, said, cause):
    found = cause_of(stage, *read(said.encode("utf-8") + b"\r\n"))
    assert found == cause
    assert CAUSES[found].stages == "any" or stage in CAUSES[found].stages.split()


@pytest.mark.parametrize("stage", list(STAGES[2:-1]) + ["anything"])
@pytest.mark.parametrize("code", [100, 199, 220, 250, 334, 354, 399, 600, 999, 0])
def test_a_reply_of_another_class_breaks_the_rules(stage, code):
    assert cause_of(stage, code, None, "hm") == "protocol_violation"


@pytest.mark.parametrize("code", [400, 499, 500, 599])
def test_a_reply_of_the_classes_that_refuse_does_not(code):
    """RFC 5321 4.2.1."""
    assert cause_of("rcpt", code, None, "hm") != "protocol_violation"


def test_of_a_long_text_only_the_beginning_is_read():
    assert cause_of("rcpt", 550, None, "x " * 480 + "user unknown") == "mailbox_unknown"
    assert cause_of("rcpt", 550, None, "x " * 520 + "user unknown") == "recipient_rejected"


@pytest.mark.parametrize("stage", STAGES[2:-1])
def test_no_words_stand_for_a_cause_at_a_stage_where_its_row_says_it_cannot_be(stage):
    """Every phrase of the lexicon, at every stage."""
    for row in LEXICON.values():
        for phrase in row.split(","):
            for code in (450, 550):
                cause = cause_of(stage, code, None, phrase.replace("*", ""))
                assert (
                    CAUSES[cause].stages == "any"
                    or stage in CAUSES[cause].stages.split()
                    or cause == general(stage, code)
                )


def general(stage, code):
    return cause_of(stage, code, None, "hm")


@pytest.mark.parametrize(
    "stage, code, text, cause",
    [
        ("rcpt", 421, "4.4.2 mx.example.com Error: timeout exceeded", "service_closing"),
        ("ehlo", 421, "timeout", "service_closing"),
        ("auth", 535, "5.7.8 Error: authentication failed: Connection lost to authentication server", "auth_rejected"),
        ("auth", 454, "4.7.0 user database timeout", "auth_temporarily_failed"),
        ("greeting", 554, "5.7.1 Spam source, access denied", "greeting_refused"),
        ("greeting", 554, "user unknown", "greeting_refused"),
        ("auth", 535, "mailbox is full", "auth_rejected"),
        ("auth", 535, "relay denied", "auth_rejected"),
    ],
)
def test_the_stage_decides_what_words_can_be_about(stage, code, text, cause):
    assert cause_of(stage, code, None, text) == cause


@pytest.mark.parametrize(
    "text, cause",
    [
        ("#5.1.1 hm", "mailbox_unknown"),
        ("hm (#5.2.2)", "mailbox_full"),
        ("Relaying denied. Please check user unknown.", "relay_denied"),
        ("Please check user unknown. Mailbox full.", "mailbox_full"),
        ("Mailbox full. Check user unknown.", "mailbox_full"),
    ],
)
def test_a_code_within_the_text_counts_and_advice_only_where_nothing_else_is_said(text, cause):
    assert cause_of("rcpt", 550, None, text) == cause


@pytest.mark.parametrize(
    "words",
    [
        "5.7.1 TLS certificate has expired",
        "5.7.1 Server certificate not verified",
        "5.7.1 certificate verification failed for mx.example.net: untrusted issuer",
        "5.7.5 Certificate validation failed",
        "5.7.1 SSL certificate of sender's server is invalid",
        "5.7.1 Access token has expired",
        "5.7.1 The user's token has expired",
        "5.7.1 Your subscription has expired",
        "The license of this server has expired",
    ],
)
@pytest.mark.parametrize("stage", ["mail", "rcpt", "message"])
@pytest.mark.parametrize("code", [450, 550])
def test_of_a_certificate_or_a_token_that_may_be_anybody_s_no_more_than_the_stage_is_told(stage, code, words):
    """What expires besides a message's time in the queue."""
    assert cause_of(stage, code, None, words) == general(stage, code)


@pytest.mark.parametrize(
    "stage, code, words, cause",
    [
        ("rcpt", 550, "5.7.1 Client certificate has expired", "client_certificate_rejected"),
        ("mail", 550, "5.7.1 Your certificate was revoked", "client_certificate_rejected"),
        ("rcpt", 454, "4.7.1 your TLS certificate is not trusted", "client_certificate_rejected"),
        ("mail", 550, "5.7.1 You must present a client certificate", "client_certificate_required"),
        ("rcpt", 421, "4.7.0 certificate could not be loaded, closing connection", "service_closing"),
        ("auth", 535, "5.7.8 Access token has expired", "auth_rejected"),
        ("auth", 535, "5.7.8 The certificate has expired", "auth_rejected"),
        ("auth", 535, "5.7.8 Your subscription has expired", "auth_limited"),
        ("rcpt", 554, "4.4.7 Message expired: unable to deliver in 840 minutes", "routing_failed"),
        ("rcpt", 554, "delivery time expired", "routing_failed"),
        ("rcpt", 550, "5.2.1 This account has expired", "mailbox_disabled"),
    ],
)
def test_what_expires_is_told_apart(stage, code, words, cause):
    assert cause_of(stage, code, None, words) == cause


@pytest.mark.parametrize(
    "stage, words, cause",
    [
        ("rcpt", "5.1.1 User unknown. TLS certificate verified.", "mailbox_unknown"),
        ("rcpt", "5.7.1 Your client certificate was accepted, but relaying is denied", "relay_denied"),
        ("rcpt", "5.7.1 Relaying denied, though your certificate is valid", "relay_denied"),
        ("rcpt", "5.1.1 Your TLS certificate is trusted, the recipient is unknown", "mailbox_unknown"),
        ("rcpt", "5.7.1 Relaying denied: client certificate not accepted", "client_certificate_rejected"),
        ("rcpt", "5.7.1 Relaying denied: your client certificate is unknown", "client_certificate_rejected"),
        ("rcpt", "5.1.1 <certificates>: no such user", "mailbox_unknown"),
        ("rcpt", "5.1.2 Certificate of the domain: invalid", "domain_unknown"),
        (
            "rcpt",
            "5.7.1 Client host [192.0.2.9] blocked using bl.example; TLS: self-signed certificate",
            "client_blocked",
        ),
        ("message", "5.7.1 Message considered spam. It has no S/MIME certificate.", "message_is_spam"),
        ("rcpt", "5.7.5 The next hop's certificate has expired", "routing_failed"),
    ],
)
def test_beside_a_certificate_the_codes_and_the_other_sentences_still_tell(stage, words, cause):
    assert cause_of(stage, 550, None, words) == cause


@pytest.mark.parametrize("address", ["2001:db8::25", "[2001:db8::25]", "(2001:db8::25)", "192.0.2.25", "[192.0.2.25]"])
def test_an_address_is_the_client_s_whatever_its_family(address):
    """Postfix, Exim: who is named beside "blocked" is the client."""
    assert (
        cause_of("rcpt", 554, None, "Service unavailable; %s blocked using zen.example.org" % address)
        == "client_blocked"
    )


# Facts that words hold


@pytest.mark.parametrize(
    "text, code",
    [
        ("5.1.1 no", "5.1.1"),
        ("no #5.1.1", "5.1.1"),
        ("no (#5.1.1)", "5.1.1"),
        ("3.1.1, 5.1.1.1, 192.0.2.1: 4.7.1, 5.1.1", "4.7.1"),
        ("none", None),
        ("", None),
    ],
)
def test_the_first_enhanced_code(text, code):
    assert first_enhanced_code(text) == code


@pytest.mark.parametrize(
    "text, address",
    [
        ("[192.0.2.1]: no", "192.0.2.1"),
        ("mx[192.0.2.1] and 192.0.2.2", "192.0.2.1"),
        ("(2001:db8::1)", "2001:db8::1"),
        ("[IPv6:2001:db8::1] is blocked", "2001:db8::1"),  # RFC 5321 4.1.3: the tag is no part of the address
        ("2001:db8:0:0:0:0:0:1 is blocked", "2001:db8:0:0:0:0:0:1"),
        ("::ffff:192.0.2.1 is blocked", "192.0.2.1"),
        ("at 12:30:15", ""),
        ("1.2.3", ""),
        ("", ""),
    ],
)
def test_the_first_address(text, address):
    assert first_address(text) == address


@pytest.mark.parametrize(
    "text, url",
    [
        ("see <https://a.example/x>.", "https://a.example/x"),
        ("ftp://a.example/, http://b.example/", "ftp://a.example/"),
        ("no http:// here", ""),
        ("", ""),
    ],
)
def test_the_first_url(text, url):
    assert first_url(text) == url


@pytest.mark.parametrize(
    "code, cause",
    [
        (432, "auth_temporarily_failed"),  # RFC 4954 6
        (451, "system_error"),  # RFC 5321 4.2.3, as are most of these
        (452, "system_full"),
        (454, "tls_unavailable"),  # RFC 3207 4
        (521, "greeting_refused"),  # RFC 7504
        (530, "authentication_required"),  # RFC 4954 6
        (534, "auth_mechanism_refused"),
        (535, "auth_rejected"),
        (538, "tls_required"),
        (551, "mailbox_moved"),
        (552, "mailbox_full"),
        (553, "mailbox_unknown"),
        (556, "domain_unknown"),  # RFC 7504
        (500, "command_rejected"),
        (501, "command_rejected"),
        (502, "command_rejected"),
        (503, "command_rejected"),
        (504, "command_rejected"),
        (555, "command_rejected"),
        ("5.1.1", "mailbox_unknown"),
        ("5.2.2", "mailbox_full"),
    ],
)
def test_a_code_is_contradicted_by_what_it_does_not_stand_for(code, cause):
    assert not contradicts(code, cause)
    assert contradicts(code, "greylisted")


@pytest.mark.parametrize("code", [550, 554, 450, "5.0.0"])
def test_a_code_that_can_mean_anything_is_contradicted_by_nothing(code):
    assert not contradicts(code, "greylisted")


# What relays call a message


@pytest.mark.parametrize(
    "text, queued",
    [
        ("2.0.0 Ok: queued as 4XyZ12abcd", "4XyZ12abcd"),
        ("OK id=1rXyZ1-0001Ab-2C", "1rXyZ1-0001Ab-2C"),
        ("2.0.0 41BCdEfG012345 Message accepted for delivery", "41BCdEfG012345"),
        ("2.0.0 5f3b1a2c Message accepted for delivery", "5f3b1a2c"),
        ("2.6.0 <a@b> [InternalId=123456, Hostname=x] Queued mail for delivery", "123456"),
        ("2.0.0 Ok: 1024 bytes queued as 4XyZ12abcd", "4XyZ12abcd"),
        ("2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 4XyZ12abcd", "4XyZ12abcd"),
        ("Message Queued (1F2E-3D)", "1F2E-3D"),
        ("2.0.0 Ok: queued on mxback1.mail.example 1700000000-AbCdEf-XyZ", "1700000000-AbCdEf-XyZ"),
        ("2.0.0 Ok: queued on mx.example as 1700000000-AbCd", "1700000000-AbCd"),
        ("2.0.0 OK: queued QWERTYUIOPASDFGHJKLZXCVB", "QWERTYUIOPASDFGHJKLZXCVB"),
        ("Message queued as 65f0c0ffee", "65f0c0ffee"),
        ("2.0.0 Message queued with id 1a2b3c4d5e.", "1a2b3c4d5e"),
        ("2.0.0 Message accepted for delivery id=queue-42-b", "queue-42-b"),
        ("Requested mail action okay, completed: id=1MYNJg-1p0abc", "1MYNJg-1p0abc"),
        ("2.0.0 64a1b2c3-00000001 Message accepted for delivery", "64a1b2c3-00000001"),
        ("ok:  Message 12345678 accepted", "12345678"),
        ("2.0.0 OK  1700000000 a1-2002b05si123abc.45 - gsmtp", "a1-2002b05si123abc.45"),
        ("ok 1700000000 qp 12345", "12345"),
        ("Ok 0102018f6a5b-1c2d-4e5f-000000", "0102018f6a5b-1c2d-4e5f-000000"),
        ("Ok. 0000000000012345.00000000655.00000ABC", "0000000000012345.00000000655.00000ABC"),
        ("2.0.0 <x@example.com> qGkYJrPzXGc Saved", "qGkYJrPzXGc"),
        # none is better than a wrong one
        ("2.6.0 Message accepted for delivery", None),
        ("Mail queued for delivery", None),
        ("Message queued as requested", None),
        ("Queued (0.123 seconds)", None),
        ("OK: message queued", None),
        ("Message received", None),
        ("Great success", None),
        ("2.0.0 Ok", None),
        ("ok dirdel", None),
        ("", None),
    ],
)
def test_queue_id(text, queued):
    assert queue_id(text) == queued
