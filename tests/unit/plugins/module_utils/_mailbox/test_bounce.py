# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Reports about delivery (RFC 3464): which are bounces, whose, and why. A delay and an auto-reply are none.

from __future__ import annotations

import base64
import email
import quopri

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox import bounce
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.bounce import MAX_OCTETS
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.finding import Wanted
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.parts import parts_of
from ansible_collections.postmaster.mailcheck.tests.support.mailboxes import report_in

TOKEN = "mc-3f1c2a7e"
OURS = Wanted(TOKEN)


def dsn(
    recipients, head="", returned="Message-ID: <%s@example.com>" % TOKEN, per_message="", subject="Undelivered Mail"
):
    """A report in the form of RFC 3464, with these fields."""
    return (
        "Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example.net\r\nTo: probe@example.com\r\nSubject: %s\r\n%s"
        "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.net\r\n%s\r\n%s\r\n"
        "--b\r\nContent-Type: text/rfc822-headers\r\n\r\n%s\r\n\r\n--b--\r\n"
        % (subject, head, per_message, recipients, returned)
    ).encode()


FAILED = (
    "Final-Recipient: rfc822; user@example.net\r\nOriginal-Recipient: rfc822;user@example.net\r\nAction: failed\r\n"
    "Status: 5.1.1\r\nRemote-MTA: dns; store.example.net\r\n"
    "Diagnostic-Code: smtp; 550 5.1.1 <user@example.net>: Recipient address rejected:\r\n User unknown in virtual table\r\n"
)


def test_a_bounce_with_everything_that_it_may_say():
    report = report_in(
        dsn(FAILED, per_message="Original-Envelope-Id: env-1\r\n", head="Content-Language: de\r\n"), OURS
    )
    assert report.kind == "bounce"
    assert report.as_dict() == {
        "action": "failed",
        "status": "5.1.1",
        "diagnostic_code": "smtp; 550 5.1.1 <user@example.net>: Recipient address rejected: User unknown in virtual table",
        "reporting_mta": "mx.example.net",
        "remote_mta": "store.example.net",
        "final_recipient": "user@example.net",
        "original_recipient": "user@example.net",
        "envelope_id": "env-1",
        "language": "de",
        "cause": "mailbox_unknown",
    }


# RFC 3464 2.3.3: action -> what it is
@pytest.mark.parametrize(
    "action, status, kind",
    [
        ("failed", "5.1.1", "bounce"),
        ("Failed (bad destination)", "5.1.1", "bounce"),
        ("delayed", "4.4.1", "delay"),
        ("delivered", "2.0.0", "success"),
        ("relayed", "2.0.0", "success"),
        ("expanded", "2.0.0", "success"),
        ("", "5.1.1", "bounce"),  # no action, but a status for good
        ("", "4.4.1", "delay"),
    ],
)
def test_what_a_report_is(action, status, kind):
    fields = "Final-Recipient: rfc822; user@example.net\r\nAction: %s\r\nStatus: %s\r\n" % (action, status)
    assert report_in(dsn(fields), OURS).kind == kind


def test_a_reason_that_stands_in_the_text_alone():
    """So does Exim with what it refuses itself. Of a delay nothing has been refused."""
    raw = dsn("Final-Recipient: rfc822; user@example.net\r\nAction: failed\r\nStatus: 5.0.0\r\n")
    raw = raw.replace(b"Sorry.", b"user@example.net\r\n  550 5.1.1 User unknown\r\nSorry.")
    report = report_in(raw, OURS)
    assert (report.kind, report.status, report.diagnostic_code) == ("bounce", "5.0.0", "550 5.1.1 User unknown")
    assert report.cause == "mailbox_unknown"
    delayed = report_in(raw.replace(b"Action: failed", b"Action: delayed"), OURS)
    assert (delayed.kind, delayed.diagnostic_code) == ("delay", None)


@pytest.mark.parametrize("subject", ["=?utf-8?b?a?= delayed", "=?utf-8?q?=ff?= delayed", "=?x-unknown?q?a?= delayed"])
def test_a_subject_that_cannot_be_decoded_is_read_as_it_stands(subject):
    text = PLAIN.replace("Mail delivery failed", subject).replace("550 5.1.1 User unknown", "")
    assert report_in(text.encode(), OURS).kind == "delay"


def test_of_several_recipients_one_that_failed_decides():
    delayed = "Final-Recipient: rfc822; other@example.net\r\nAction: delayed\r\nStatus: 4.4.1\r\n\r\n"
    report = report_in(dsn(delayed + FAILED), OURS)
    assert (report.kind, report.final_recipient) == ("bounce", "user@example.net")


def of(address, action, status, original="", diagnostic=""):
    """What a report says of one recipient."""
    lines = "Original-Recipient: rfc822;%s\r\n" % original if original else ""
    lines += "Final-Recipient: rfc822; %s\r\nAction: %s\r\nStatus: %s\r\n" % (address, action, status)
    return lines + ("Diagnostic-Code: smtp; %s\r\n" % diagnostic if diagnostic else "") + "\r\n"


FULL = of("full@example.net", "failed", "5.2.2", diagnostic="552 5.2.2 Mailbox full")
GONE = of("user@example.net", "failed", "5.1.1", diagnostic="550 5.1.1 User unknown")
SLOW = of("slow@example.net", "delayed", "4.4.1")
DONE = of("done@example.net", "delivered", "2.0.0")
ALIAS = of("box7@store.example.net", "failed", "5.2.1", original="alias@example.net")

# the recipient that is wanted -> kind, status and recipient of what is told, None if it is about others
RECIPIENTS = {
    "user@example.net": ("bounce", "5.1.1", "user@example.net"),
    "FULL@example.net": ("bounce", "5.2.2", "full@example.net"),
    "slow@example.net": ("delay", "4.4.1", "slow@example.net"),
    "done@example.net": ("success", "2.0.0", "done@example.net"),
    "alias@example.net": ("bounce", "5.2.1", "box7@store.example.net"),  # by the address that was given
}


@pytest.mark.parametrize("recipient", sorted(RECIPIENTS))
def test_of_several_recipients_the_one_that_is_wanted_is_read(recipient):
    report = report_in(dsn(SLOW + FULL + DONE + GONE + ALIAS), Wanted(TOKEN, recipient=recipient))
    assert (report.kind, report.status, report.final_recipient) == RECIPIENTS[recipient]


@pytest.mark.parametrize(
    "written", ["<alias@example.net>", "Alias@example.net (given)", " <alias@example.net> (given)"]
)
def test_a_recipient_is_known_however_its_address_is_written(written):
    fields = ALIAS.replace("alias@example.net", written) + GONE
    report = report_in(dsn(fields), Wanted(TOKEN, recipient="alias@example.net"))
    assert report is not None and report.status == "5.2.1"


@pytest.mark.parametrize(
    "recipients, recipient, status, guessed",
    [
        (FULL, None, "5.2.2", False),
        (SLOW + FULL + GONE, None, "5.2.2", True),
        (SLOW + DONE, None, "4.4.1", True),
        (FULL, "other@example.net", "5.2.2", False),  # known to that server by another name
        (FULL + ALIAS, "other@example.net", "5.2.2", False),
        (FULL + GONE, "other@example.net", "5.2.2", True),
        (ALIAS, "other@example.net", None, False),  # about another, who is named as the sender gave it
    ],
)
def test_where_nothing_tells_which_recipient_is_meant_that_is_known(recipients, recipient, status, guessed):
    report, is_guess = bounce.report_of(bounce.reported_in(dsn(recipients)), recipient)
    assert (report and report.status, is_guess) == (status, guessed)


IN_TEXT = (
    "Sorry.\r\n\r\n  user@example.net\r\n    550 5.1.1 User unknown\r\n\r\n  full@example.net\r\n"
    "    552 5.2.2 Mailbox full\r\n"
)


@pytest.mark.parametrize(
    "recipient, cause", [("user@example.net", "mailbox_unknown"), ("full@example.net", "mailbox_full")]
)
def test_of_several_recipients_the_reason_that_the_text_gives_is_that_of_the_wanted_one(recipient, cause):
    """As Exim tells it: the fields say 5.0.0 of each."""
    fields = of("user@example.net", "failed", "5.0.0") + of("full@example.net", "failed", "5.0.0")
    raw = dsn(fields).replace(b"Sorry.\r\n", IN_TEXT.encode())
    report = report_in(raw, Wanted(TOKEN, recipient=recipient))
    assert (report.status, report.cause, report.final_recipient) == ("5.0.0", cause, recipient)


@pytest.mark.parametrize("recipient, status", [("user@example.net", "5.1.1"), ("full@example.net", "5.2.2")])
@pytest.mark.parametrize("server", ["exim", "qmail"])
def test_of_several_recipients_in_plain_text_the_wanted_one_is_read(server, recipient, status):
    if server == "exim":
        text = PLAIN.replace("Recipients: user@example.net", "Recipients: user@example.net,\r\n  full@example.net")
        text = text.replace("------ This", "  full@example.net\r\n    552 5.2.2 Mailbox full\r\n\r\n------ This")
    else:
        text = QMAIL.replace("--- Below", "<full@example.net>:\r\nOver quota. (#5.2.2)\r\n\r\n--- Below")
    report = report_in(text.encode(), Wanted(TOKEN, recipient=recipient))
    assert (report.kind, report.status, report.final_recipient) == ("bounce", status, recipient)


# how it is known -> the report, what is wanted, whether it is ours
WHOSE = {
    "by the returned token": (dsn(FAILED, returned="X-Mailcheck-Token: " + TOKEN), OURS, True),
    "by the returned Message-ID": (dsn(FAILED), OURS, True),
    "by another Message-ID that is named": (
        dsn(FAILED, returned="Message-ID: <x@y>"), Wanted(TOKEN, message_id="<x@y>"), True),
    "by the envelope id": (
        dsn(FAILED, returned="Subject: x", per_message="Original-Envelope-Id: env-1\r\n"),
        Wanted(TOKEN, envelope_id="env-1"), True),
    "by xtext in the envelope id (RFC 3461 4)": (
        dsn(FAILED, returned="Subject: x", per_message="Original-Envelope-Id: env+2B1\r\n"),
        Wanted(TOKEN, envelope_id="env+1"), True),
    "by the original recipient": (
        dsn(FAILED, returned="Subject: x"), Wanted(TOKEN, recipient="User@Example.Net"), True),
    "not by a recipient alone, where another message was returned": (
        dsn(FAILED, returned="Message-ID: <other@example.com>"), Wanted(TOKEN, recipient="user@example.net"), False),
    "another's": (dsn(FAILED, returned="Message-ID: <mc-00000000@example.com>"), OURS, False),
    "another's, whose token begins alike": (dsn(FAILED, returned="X-Mailcheck-Token: %s0" % TOKEN), OURS, False),
    "nobody's": (dsn(FAILED, returned="Subject: x"), OURS, False),
}  # fmt: skip


@pytest.mark.parametrize("how", sorted(WHOSE))
def test_whose_it_is(how):
    raw, wanted, ours = WHOSE[how]
    assert (report_in(raw, wanted) is not None) is ours


# status and diagnostic text -> cause. Status is told as it stands; where the two differ, the words decide.
@pytest.mark.parametrize(
    "status, diagnostic, cause",
    [
        ("5.1.1", "smtp; 550 5.1.1 User unknown", "mailbox_unknown"),
        ("5.2.2", "smtp; 552 5.2.2 Mailbox full", "mailbox_full"),
        ("5.2.2", "", "mailbox_full"),
        ("5.0.0", "smtp; 550 5.7.1 Message rejected as spam", "message_is_spam"),
        ("5.1.1", "smtp; 552 Quota exceeded: mailbox is full", "mailbox_full"),
        ("5.7.1", "smtp; 554 5.7.1 <u@example.net>: Relay access denied", "relay_denied"),
        ("5.4.6", "X-Postfix; mail for example.net loops back to myself", "routing_failed"),
        ("5.1.2", "x-unix; host not found", "domain_unknown"),
        ("5.3.4", "smtp; 552 5.3.4 Message size exceeds fixed limit", "message_too_large"),
    ],
)
def test_the_cause_of_a_bounce(status, diagnostic, cause):
    lines = "Final-Recipient: rfc822; user@example.net\r\nAction: failed\r\nStatus: %s\r\n" % status
    report = report_in(dsn(lines + ("Diagnostic-Code: %s\r\n" % diagnostic if diagnostic else "")), OURS)
    assert (report.status, report.cause) == (status, cause)


PLAIN = (
    "Return-Path: <>\r\nFrom: Mail Delivery System <Mailer-Daemon@relay.example.com>\r\nSubject: Mail delivery failed\r\n"
    "X-Failed-Recipients: user@example.net\r\nAuto-Submitted: auto-replied\r\n\r\n"
    "This message was created automatically by mail delivery software.\r\n\r\n  user@example.net\r\n"
    "    host mx.example.net [192.0.2.25]\r\n    SMTP error from remote mail server after RCPT TO:<user@example.net>:\r\n"
    "    550 5.1.1 User unknown\r\n\r\n------ This is a copy of the message ------\r\n\r\n"
    "X-Mailcheck-Token: mc-3f1c2a7e\r\nSubject: mailcheck\r\n"
)
QMAIL = (
    "Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example.net\r\nSubject: failure notice\r\n\r\n"
    "Hi. This is the qmail-send program at mx.example.net.\r\n\r\n<user@example.net>:\r\n"
    "Sorry, no mailbox here by that name. (#5.1.1)\r\n\r\n--- Below this line is a copy of the message.\r\n\r\n"
    "Message-ID: <mc-3f1c2a7e@example.com>\r\n"
)


@pytest.mark.parametrize("text", [PLAIN, QMAIL], ids=["exim", "qmail"])
def test_a_bounce_in_plain_text(text):
    report = report_in(text.encode(), OURS)
    assert (report.kind, report.status, report.final_recipient) == ("bounce", "5.1.1", "user@example.net")
    assert report.cause == "mailbox_unknown"


def test_a_plain_warning_of_a_delay_is_no_bounce():
    text = PLAIN.replace("Mail delivery failed", "Warning: message delayed 24 hours").replace(
        "550 5.1.1 User unknown", ""
    )
    assert report_in(text.encode(), OURS).kind == "delay"


def in_words(
    subject, text, head="", charset="utf-8", encoding="base64", kind="plain", sender="MAILER-DAEMON@mx.example.net"
):
    """A report in words alone, as text travels: encoded, in a character set (RFC 2045 6)."""
    octets = (text + "\r\n\r\n> Message-ID: <%s@example.com>\r\n" % TOKEN).encode(charset)
    body = base64.encodebytes(octets) if encoding == "base64" else quopri.encodestring(octets)
    subject = "=?utf-8?b?%s?=" % base64.b64encode(subject.encode()).decode()
    return (
        "Return-Path: <>\r\nFrom: %s\r\nSubject: %s\r\n%sMIME-Version: 1.0\r\nContent-Type: text/%s; charset=%s\r\n"
        "Content-Transfer-Encoding: %s\r\n\r\n" % (sender, subject, head, kind, charset, encoding)
    ).encode() + body


SYSTEM = "=?utf-8?b?U3lzdMOobWUgZGUgbWVzc2FnZXJpZQ==?= <noreply@mx.example.net>"
REFUSED = "<user@example.net>: host mx.example.net said: 550 5.1.1 User unknown"
# What a server says in words -> kind, status
WORDS = {
    "English, base64": (in_words("Undelivered Mail", "Sorry.\r\n" + REFUSED), "bounce", "5.1.1"),
    "English, quoted-printable": (in_words("Undelivered", REFUSED, encoding="quoted-printable"), "bounce", "5.1.1"),
    "German, Latin-1": (
        in_words("Unzustellbar", "Ihre Nachricht wurde zur\u00fcckgewiesen.\r\n" + REFUSED, charset="iso-8859-1"), "bounce", "5.1.1"),
    "French, by a name that is no daemon's": (
        in_words("Non remis", "\u00c9chec de la remise.\r\n" + REFUSED, sender=SYSTEM), "bounce", "5.1.1"),
    "Japanese, ISO-2022-JP": (
        in_words("\u914d\u4fe1\u4e0d\u80fd", "\u914d\u4fe1\u3067\u304d\u307e\u305b\u3093\r\n" + REFUSED, charset="iso-2022-jp"), "bounce", "5.1.1"),
    "Chinese, GB 18030": (in_words("\u9000\u4fe1", "\u65e0\u6cd5\u6295\u9012\r\n" + REFUSED, charset="gb18030"), "bounce", "5.1.1"),
    "HTML alone": (
        in_words("Undeliverable", "<p>Refused:</p>" + REFUSED.replace("<", "&lt;").replace(">", "&gt;"), kind="html"), "bounce", "5.1.1"),
    "a character set that there is not": (
        in_words("Undelivered", REFUSED).replace(b"charset=utf-8", b"charset=x-unknown"), "bounce", "5.1.1"),
    "no code at all": (in_words("Undelivered Mail", "user@example.net has no mailbox here."), "bounce", None),
    "English delay": (in_words("Warning: message delayed 24 hours", "Attempts will continue."), "delay", None),
    "delay of 500 seconds": (in_words("Delivery delayed", "It has waited for 500 seconds by now."), "delay", None),
    "delay told in the text": (
        in_words("Delivery Status Notification", "4.4.1 no answer.\r\nYou do not need to resend your message."), "delay", "4.4.1"),
    "German delay": (in_words("Verz\u00f6gerte Zustellung", "Wird weiterhin versucht.", charset="iso-8859-1"), "delay", None),
    "Russian delay": (in_words("\u0417\u0430\u0434\u0435\u0440\u0436\u043a\u0430", "\u0416\u0434\u0438\u0442\u0435", charset="koi8-r"), "delay", None),
    "delay in a language that nobody knows": (in_words("Xyz", "Xyz 4.4.1 xyz"), "delay", "4.4.1"),
    "given up after a delay": (
        in_words("Undelivered Mail", "Delayed for 5 days: 4.4.7 retry timeout exceeded, giving up."), "bounce", "4.4.7"),
    "out of office of a postmaster": (
        in_words("Away", "I am away.", "Auto-Submitted: auto-replied (vacation)\r\n", sender="postmaster@example.net"), "auto_reply", None),
    "out of office in the 550s of a street": (
        in_words("Away", "550 Madison Ave", "Auto-Submitted: auto-replied\r\n", sender="user@example.net"), "auto_reply", None),
    "an answer by a postmaster, without a code": (
        in_words("Re: mailcheck", "We have your message.", "In-Reply-To: <%s@example.com>\r\n" % TOKEN, sender="postmaster@example.net"),
        "auto_reply", None),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(WORDS))
def test_what_is_told_in_words_however_it_travels(name):
    raw, kind, status = WORDS[name]
    report = report_in(raw, OURS)
    assert (report.kind, report.status) == (kind, status)
    assert report_in(raw, Wanted("mc-00000000")) is None
    assert report.cause == ("mailbox_unknown" if status == "5.1.1" else report.cause)


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted("a"),
        Wanted("user"),
        Wanted("550"),
        Wanted("0" * 32, envelope_id="5.1.1"),
        Wanted("0" * 32, message_id="<a>"),
    ],
)
def test_a_word_that_is_found_anywhere_makes_no_report_ours(wanted):
    raw = in_words("Undelivered Mail", "a 550 5.1.1 <user@example.net> unknown, user@example.net")
    assert report_in(raw, wanted) is None


def test_a_report_of_a_log_that_names_ours_is_no_bounce():
    raw = in_words("Log summary", REFUSED).replace(b"Return-Path: <>", b"Return-Path: <root@example.net>")
    assert report_in(raw, OURS) is None


def test_an_answer_of_a_reader_is_no_bounce():
    """RFC 8098: a disposition is a report, but not about delivery."""
    text = dsn("Disposition: manual-action/MDN-sent-manually; displayed\r\n").replace(
        b"delivery-status", b"disposition-notification"
    )
    assert report_in(text, OURS).kind == "auto_reply"


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "8bit"])
def test_a_report_for_addresses_in_unicode(encoding):
    """RFC 6533: message/global-delivery-status, which may be encoded."""
    fields = "Reporting-MTA: dns; mx.example.net\r\n\r\n" + FAILED.replace("user@", "\u00fcser@")
    body = {"base64": base64.encodebytes, "quoted-printable": quopri.encodestring}.get(encoding, bytes)(fields.encode())
    raw = (
        b"Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example.net\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n"
        b"Content-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: %s\r\n\r\n%s\r\n"
        b"--b\r\nContent-Type: message/global-headers\r\n\r\nX-Mailcheck-Token: %s\r\n\r\n--b--\r\n"
        % (encoding.encode(), body, TOKEN.encode())
    )
    report = report_in(raw, OURS)
    assert (report.kind, report.status, report.final_recipient) == ("bounce", "5.1.1", "\u00fcser@example.net")


AUTO_REPLY = (
    "Return-Path: <>\r\nFrom: user@example.net\r\nTo: probe@example.com\r\nSubject: Out of office\r\n"
    "Auto-Submitted: auto-replied (vacation)\r\nIn-Reply-To: <mc-3f1c2a7e@example.com>\r\n\r\nI am away.\r\n"
)


def test_an_auto_reply_is_no_bounce():
    assert report_in(AUTO_REPLY.encode(), OURS).kind == "auto_reply"
    assert report_in(AUTO_REPLY.replace("mc-3f1c2a7e", "mc-00000000").encode(), OURS) is None


def test_an_ordinary_message_is_no_report():
    raw = "Return-Path: <a@b.example>\r\nFrom: a@b.example\r\nSubject: re\r\n\r\nX-Mailcheck-Token: %s\r\n" % TOKEN
    assert report_in(raw.encode(), OURS) is None


HOSTILE = {
    "nested": b"".join(b"Content-Type: multipart/report; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(3000)),
    "no boundary": b"Content-Type: multipart/report; report-type=delivery-status\r\n\r\n" + b"--" * 30_000,
    "boundary of 60 KB": b"Content-Type: multipart/report; boundary=" + b"b" * 60_000 + b"\r\n\r\n",
    "parameters": b"Content-Type: multipart/report" + b"; a*0=b" * 8_000 + b"\r\n\r\n",
    "NUL and 8 bits": b"\x00\xff" * 30_000,
    "encoded words": b"Subject: " + b"=?utf-8?q?x?= " * 4_000 + b"\r\n\r\n",
    "charset unknown": b"Return-Path: <>\r\nContent-Type: text/plain; charset=x-none\r\n\r\n" + TOKEN.encode(),
    "nothing": b"",
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_reports_end(name):
    report = report_in(HOSTILE[name], OURS)
    assert report is None or report.status is None


def test_what_a_report_says_is_shown_safely():
    report = report_in(
        dsn("Action: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 \x1b[2J\u202e%s\r\n" % ("x" * 9000)), OURS
    )
    assert report.diagnostic_code.isprintable()
    assert len(report.diagnostic_code) < 5000


@pytest.mark.parametrize("parts", [1, 300])
def test_of_a_report_about_thousands_of_recipients_some_are_read(monkeypatch, parts):
    """Whoever can send a report must not have each of them judged."""
    judged = []
    monkeypatch.setattr(bounce, "cause_of_report", lambda *words: judged.append(words) or "message_rejected")
    part = "--b\r\nContent-Type: message/delivery-status\r\n\r\n%s"
    raw = (
        "Return-Path: <>\r\nFrom: mailer-daemon@example.net\r\nContent-Type: multipart/report; boundary=b\r\n\r\n"
        + part % ("Action: failed\r\n\r\n" * (2400 // parts)) * parts
        + "--b\r\nContent-Type: text/rfc822-headers\r\n\r\nX-Mailcheck-Token: %s\r\n\r\n--b--\r\n" % TOKEN
    )
    assert len(raw) < MAX_OCTETS
    assert report_in(raw.encode(), OURS).kind == "bounce"
    assert len(judged) <= 100


def test_what_the_library_for_messages_breaks_at_is_no_report(monkeypatch):
    """Its parser has raised all kinds of errors in its time; a message from anybody must not end the wait."""
    raw = dsn(FAILED)
    assert report_in(raw, OURS) is not None
    for fault in (IndexError("list index out of range"), RecursionError(), LookupError("unknown encoding")):
        monkeypatch.setattr(email, "message_from_bytes", raising(fault))
        assert parts_of(raw) == []


def raising(fault):
    def message_from_bytes(_raw):
        raise fault

    return message_from_bytes
