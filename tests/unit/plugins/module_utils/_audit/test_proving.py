# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Suspicions that messages settle: what arrives, what must not, and what came of it.

from __future__ import annotations

import base64
import re
import threading
from types import SimpleNamespace

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit import check, proving
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.check import audit, audit_relays
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.model import Arrivals, Audited
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.probes import (
    relaying_by_message,
    smuggling_by_message,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.probes.envelopes import Form
from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.lookout import Lookout
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.causes import Failure
from ansible_collections.postmaster.mailcheck.tests.support.delivering import DeliveringRelay, make_maildir
from ansible_collections.postmaster.mailcheck.tests.unit.plugins.module_utils._audit.cases import KNOWN, OUTSIDE
from ansible_collections.postmaster.mailcheck.tests.unit.plugins.module_utils._audit.test_probes import GIVEN

MAILDIR = {"protocol": "maildir", "path": "/srv/audit"}
LF_ENDS = re.compile(rb"\r\n\.\r\n|\n\.\n")


@pytest.fixture
def maildirs(tmp_path, monkeypatch):
    monkeypatch.setattr(proving, "_PAUSE", 0.05)
    return make_maildir(tmp_path / "own"), make_maildir(tmp_path / "outside")


def audited(relay, maildirs, *probes, **options):
    own, outside = ({"protocol": "maildir", "path": str(path)} for path in maildirs)
    given = {
        **GIVEN,
        "mailbox_recipient": KNOWN,
        "mailbox": own,
        "outside_mailbox": outside,
        "arrival_timeout": 0.1,
        **options,
    }
    return audit("127.0.0.1", port=relay.port, probes=probes, **given)


def only(report):
    (probed,) = report["probes"]
    return probed["status"], probed["proof"]


def messages(maildir):
    return list((maildir / "new").iterdir())


def by_recipient(maildirs):
    own, outside = maildirs
    return lambda _sender, recipient, _content: outside if recipient == OUTSIDE else own


# Relaying


def test_an_open_relay_is_proven_by_what_arrives(maildirs):
    with DeliveringRelay(by_recipient(maildirs)) as relay:
        report = audited(relay, maildirs, "relaying")
    assert only(report) == ("finding", "message")
    assert "arrived elsewhere" in report["probes"][0]["text"]
    assert report["changed"] and messages(maildirs[1])


@pytest.mark.parametrize("given, takes", [
    ({"intensity": "active"}, "the options intensity: intrusive, mailbox_recipient, mailbox, outside_mailbox"),
    ({}, "the options mailbox_recipient, mailbox, outside_mailbox"),
    ({"mailbox": MAILDIR, "mailbox_recipient": KNOWN}, "the option outside_mailbox"),
])  # fmt: skip
def test_a_suspicion_says_what_to_give_for_its_proof(given, takes, maildirs):
    with DeliveringRelay(by_recipient(maildirs)) as relay:
        report = audit("127.0.0.1", port=relay.port, probes=["relaying"], **{**GIVEN, **given})
    assert only(report) == ("finding", "none")
    assert report["probes"][0]["text"].endswith(". Messages can settle it, with " + takes)


def test_messages_settle_nothing_where_the_control_is_refused(maildirs):
    with DeliveringRelay(by_recipient(maildirs), rcpt=lambda _recipient: "550 5.1.1 No such user") as relay:
        report = audit("127.0.0.1", port=relay.port, probes=["relaying"], **GIVEN)
    assert only(report) == ("unknown", None)
    assert "Messages can settle it" not in report["probes"][0]["text"]


def test_nothing_is_sent_where_nothing_is_suspected(maildirs):
    def rcpt(recipient):
        return "250 2.1.5 Ok" if recipient == KNOWN else "554 5.7.1 Relay access denied"

    with DeliveringRelay(by_recipient(maildirs), rcpt=rcpt) as relay:
        report = audited(relay, maildirs, "relaying")
    assert (only(report), report["changed"], relay.delivered) == (("pass", None), False, 0)


def test_what_is_refused_once_it_was_sent_is_not_relayed(maildirs):
    def answer(recipient, _content):
        return "250 2.0.0 Ok" if recipient == KNOWN else "554 5.7.1 Not for strangers"

    with DeliveringRelay(by_recipient(maildirs), message=answer) as relay:
        report = audited(relay, maildirs, "relaying")
    assert only(report) == ("pass", None), report["probes"][0]["text"]
    assert len(messages(maildirs[0])) == 1 and not messages(maildirs[1])  # the control


def test_what_comes_back_is_not_relayed(maildirs):
    def place(_sender, recipient, content):
        if recipient == KNOWN:
            return maildirs[0]
        token = re.search(rb"X-Mailcheck-Token: (\S+)", content).group(1)
        relay.deliver(maildirs[0], BOUNCE % {b"token": token, b"to": recipient.encode()})
        return None

    with DeliveringRelay(place) as relay:
        report = audited(relay, maildirs, "relaying")
    assert only(report) == ("pass", None), report["probes"][0]["text"]


def test_what_is_put_off_once_it_was_sent_leaves_the_suspicion(maildirs):
    def answer(recipient, _content):
        return "250 2.0.0 Ok" if recipient == KNOWN else "451 4.7.1 Greylisted"

    with DeliveringRelay(by_recipient(maildirs), message=answer) as relay:
        report = audited(relay, maildirs, "relaying")
    assert only(report) == ("finding", "none"), report["probes"][0]["text"]
    assert "451 4.7.1 Greylisted, which is for now only" in report["probes"][0]["text"]


@pytest.mark.parametrize("remote, came_to", [
    (b"mx.elsewhere.example", ("finding", "none")),
    (b"[192.0.2.25]", ("finding", "none")),
    (b"127.0.0.1", ("pass", None)),  # a delivery agent of its own, as Postfix names it where it listens on a port
    (b"relay.example.com", ("pass", None)),  # and where it listens on a socket
])  # fmt: skip
def test_what_another_host_refuses_was_relayed_to_it(remote, came_to, maildirs):
    """As what forges its sender is, by hosts that look at SPF: the relay is as open as ever."""

    def place(_sender, recipient, content):
        if recipient == KNOWN:
            return maildirs[0]
        token = re.search(rb"X-Mailcheck-Token: (\S+)", content).group(1)
        bounce = BOUNCE % {b"token": token, b"to": recipient.encode()}
        relay.deliver(maildirs[0], bounce.replace(b"Status:", b"Remote-MTA: dns; %s\r\nStatus:" % remote))
        return None

    with DeliveringRelay(place) as relay:
        report = audited(relay, maildirs, "relaying")
    assert only(report) == came_to, report["probes"][0]["text"]
    assert ("handed on to" in report["probes"][0]["text"]) is (came_to[0] == "finding")


def test_a_message_settles_what_a_control_left_open(maildirs):
    """Once the first envelopes were taken, the relay takes nothing for anybody any more: that alone shows little."""
    left = ["250 2.1.5 Ok"]

    def rcpt(recipient):
        return (left.pop() if left else "450 4.7.1 Enough for now") if recipient == KNOWN else "250 2.1.5 Ok"

    with DeliveringRelay(by_recipient(maildirs), rcpt=rcpt) as relay:
        report = audited(relay, maildirs, "relaying")
    assert only(report) == ("finding", "message"), report["probes"][0]["text"]


def test_what_a_catch_all_keeps_is_not_relayed(maildirs):
    with DeliveringRelay(lambda _sender, _recipient, _content: maildirs[0]) as relay:
        report = audited(relay, maildirs, "relaying")
    assert only(report) == ("pass", None), report["probes"][0]["text"]


@pytest.mark.parametrize("control", [True, False])
def test_what_is_lost_leaves_the_suspicion(control, maildirs):
    """A relay that has answered 250 is answerable for the message (RFC 5321 4.2.5), whether it has arrived yet or not."""

    def place(_sender, recipient, _content):
        return maildirs[0] if control and recipient == KNOWN else None

    with DeliveringRelay(place) as relay:
        report = audited(relay, maildirs, "relaying")
    assert only(report) == ("finding", "none")  # from an address that a relay may be meant to relay for
    assert ("neither arrived nor came back" in report["probes"][0]["text"]) is control


@pytest.mark.parametrize("answer, text", [
    ("250 2.0.0 Ok", "1 message neither arrived nor came back"),
    ("554 5.7.1 No", "nothing was relayed of 1 envelope taken at RCPT: 1 refused later, 0 came back, 0 stayed here"),
])  # fmt: skip
def test_one_message_is_told_as_one(answer, text, maildirs):
    quoted = '"%s"' % OUTSIDE
    with DeliveringRelay(
        lambda _sender, recipient, _content: maildirs[0] if recipient == KNOWN else None,
        rcpt=lambda to: "250 2.1.5 Ok" if to in (KNOWN, quoted) else "554 5.7.1 No",
        message=lambda to, _content: "250 2.0.0 Ok" if to == KNOWN else answer,
    ) as relay:
        report = audited(relay, maildirs, "relaying")
    assert text in report["probes"][0]["text"]


# Where a message ends


def test_a_second_message_that_arrives_proves_smuggling(maildirs):
    with DeliveringRelay(by_recipient(maildirs), LF_ENDS) as relay:
        report = audited(relay, maildirs, "smuggling")
    assert only(report) == ("finding", "message")
    assert report["probes"][0]["text"].endswith(r"hidden behind \n.\n")


def test_a_message_that_arrives_cut_short_proves_it_too(maildirs):
    with DeliveringRelay(by_recipient(maildirs), LF_ENDS, hurried=False) as relay:
        report = audited(relay, maildirs, "smuggling")
    assert only(report) == ("finding", "message")
    assert "without what stood behind" in report["probes"][0]["text"]


def test_messages_that_arrive_whole_prove_that_there_is_none(maildirs):
    with DeliveringRelay(by_recipient(maildirs)) as relay:
        report = audited(relay, maildirs, "smuggling")
    assert only(report) == ("pass", None)
    assert report["probes"][0]["text"] == "messages with another ending inside: 7 arrived whole"


@pytest.mark.parametrize("rewritten", [
    lambda head, body: head + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(body),
    lambda head, _body: head + b"\r\n\r\n",  # as if nothing but the header could be read
])  # fmt: skip
def test_messages_in_which_nothing_shows_any_more_prove_nothing(rewritten, maildirs):
    """They may have arrived whole, and been written anew on the way."""

    def place(_sender, _recipient, content):
        head, _empty, body = content.partition(b"\r\n\r\n")
        return relay.deliver(maildirs[0], rewritten(head, body))

    with DeliveringRelay(place) as relay:
        report = audited(relay, maildirs, "smuggling")
    assert only(report) == ("unknown", None), report["probes"][0]["text"]
    assert "was not seen" in report["probes"][0]["text"]


def test_messages_that_are_refused_prove_it_where_the_control_arrives(maildirs):
    def answer(_recipient, content):
        rest = content.replace(b"\r\n", b"")
        return "550 5.5.2 Bare <LF>" if any(mark in rest for mark in (b"\r", b"\n", b"\0")) else "250 2.0.0 Ok"

    with DeliveringRelay(by_recipient(maildirs), message=answer) as relay:
        report = audited(relay, maildirs, "smuggling")
    assert only(report) == ("pass", None)
    assert report["probes"][0]["text"] == "messages with another ending inside: 7 refused"


@pytest.mark.parametrize("reply", [
    "550 5.7.1 Too many messages from you", "421 4.7.0 Too many messages from you", "550 5.4.5 Daily sending quota exceeded",
])  # fmt: skip
def test_messages_that_are_refused_because_of_us_prove_nothing(reply, maildirs):
    def answer(_recipient, content):
        return reply if b"This one was inside" in content else "250 2.0.0 Ok"

    with DeliveringRelay(by_recipient(maildirs), message=answer) as relay:
        report = audited(relay, maildirs, "smuggling")
    assert only(report) == ("unknown", None), report["probes"][0]["text"]


def refuses_the_outer_one(_recipient, content):
    return "554 5.7.1 Spam" if rb"message: \n.\n" in content else "250 2.0.0 Ok"


def test_a_second_message_is_waited_for_where_the_outer_one_was_refused(maildirs, monkeypatch):
    """The relay took what stood behind the ending for commands; what they sent comes after the control."""
    inside, looks, look = [], [], Lookout.look

    def place(_sender, _recipient, content):
        if b"This one was inside." not in content or b"is to be a part" in content:
            return maildirs[0]
        return inside.append(content)

    def look_again(lookout):
        looks.append(lookout)
        for content in inside if len(looks) == 2 else ():
            relay.deliver(maildirs[0], content + b"\r\n")
        return look(lookout)

    monkeypatch.setattr(Lookout, "look", look_again)
    with DeliveringRelay(place, LF_ENDS, message=refuses_the_outer_one) as relay:
        report = audited(relay, maildirs, "smuggling", arrival_timeout=60.0)
    assert only(report) == ("finding", "message")
    assert report["probes"][0]["text"] == r"a second message arrived that was hidden behind \n.\n"


@pytest.mark.parametrize("hurried", [True, False])
def test_commands_behind_a_message_that_was_refused_are_no_pass(hurried, maildirs):
    """Whether they were obeyed, and nothing came of it, or refused because they came in one write."""

    def place(_sender, _recipient, content):
        return maildirs[0] if b"is to be a part" in content else None

    with DeliveringRelay(place, LF_ENDS, message=refuses_the_outer_one, hurried=hurried) as relay:
        report = audited(relay, maildirs, "smuggling")
    assert only(report) == ("unknown", None)
    assert report["probes"][0]["text"].startswith(r"what became of messages with \n.\n was not seen")


def test_messages_that_are_filtered_prove_nothing(maildirs):
    def place(_sender, _recipient, content):
        rest = content.replace(b"\r\n", b"")
        return None if any(mark in rest for mark in (b"\r", b"\n", b"\0")) else maildirs[0]

    with DeliveringRelay(place) as relay:
        report = audited(relay, maildirs, "smuggling")
    assert only(report) == ("unknown", None)


def test_a_control_that_does_not_arrive_proves_nothing(maildirs):
    with DeliveringRelay(lambda *_all: None) as relay:
        report = audited(relay, maildirs, "smuggling")
    assert only(report) == ("unknown", None)
    assert "did not arrive" in report["probes"][0]["text"]


# What it takes


def test_a_mailbox_that_cannot_be_looked_at_gets_no_message(maildirs, tmp_path):
    with DeliveringRelay(by_recipient(maildirs)) as relay:
        report = audited(relay, (maildirs[0], tmp_path / "missing"), "relaying")
    assert (only(report), report["changed"], relay.delivered) == (("finding", "none"), False, 0)
    assert any("nothing was sent" in warning for warning in report["warnings"])


def test_the_plan_counts_what_proofs_cost(maildirs):
    own, outside = ({"protocol": "maildir", "path": str(path)} for path in maildirs)
    given = {**GIVEN, "mailbox_recipient": KNOWN, "probes": ["relaying", "smuggling"], "check_mode": True}
    without = audit("127.0.0.1", **given)["plan"]
    plan = audit("127.0.0.1", mailbox=own, outside_mailbox=outside, **given)["plan"]
    assert plan["messages"] == without["messages"] + 17 + 14
    assert plan["connections"] > without["connections"]
    below = audit("127.0.0.1", mailbox=own, outside_mailbox=outside, **{**given, "intensity": "active", "probes": None})
    assert below["plan"]["messages"] == 0


def test_messages_go_to_the_two_addresses_of_the_caller(maildirs):
    """In all the forms in which the one elsewhere is written; and each in the name of the caller, so that he gets what
    comes back."""
    envelopes = []

    def place(sender, recipient, _content):
        envelopes.append((sender, recipient))
        return maildirs[0]

    with DeliveringRelay(place, LF_ENDS) as relay:
        audited(relay, maildirs, "relaying", "smuggling")
    assert {sender for sender, _recipient in envelopes} <= {KNOWN, OUTSIDE}
    user, domain = OUTSIDE.split("@")
    strange = [recipient for _sender, recipient in envelopes if recipient not in (KNOWN, OUTSIDE)]
    assert strange and all(user in recipient and domain in recipient for recipient in strange)


@pytest.mark.parametrize("probe, ends", [("smuggling", LF_ENDS), ("relaying", LF_ENDS)])
def test_a_relay_gets_no_more_than_was_announced(probe, ends, maildirs):
    with DeliveringRelay(by_recipient(maildirs), ends) as relay:
        report = audited(relay, maildirs, probe)
    assert relay.sessions <= report["plan"]["connections"]
    assert relay.delivered <= report["plan"]["messages"]


@pytest.mark.parametrize("option, given", [
    ("mailbox.username", {"mailbox": {"host": "imap.example.com"}}),
    ("mailbox.path", {"mailbox": {"protocol": "maildir"}}),
    ("mailbox.folder", {"mailbox": {"folder": "INBOX"}}),
    ("outside_mailbox", {"mailbox": MAILDIR, "outside_mailbox": MAILDIR}),
    ("arrival_timeout", {"arrival_timeout": 0.0}),
])  # fmt: skip
def test_a_mistake_is_refused_before_any_socket_opens(option, given, monkeypatch):
    monkeypatch.setattr("socket.socket.connect", None)
    with pytest.raises(OptionError) as refused:
        audit("127.0.0.1", **GIVEN, **given)
    assert refused.value.option == option


def test_many_relays_share_the_mailboxes_and_none_takes_another_s_mail_for_its_own(maildirs):
    own, outside = ({"protocol": "maildir", "path": str(path)} for path in maildirs)
    with DeliveringRelay(by_recipient(maildirs), LF_ENDS) as loose, DeliveringRelay(by_recipient(maildirs)) as strict:
        found = audit_relays(
            ["127.0.0.1:%d" % relay.port for relay in (loose, strict)],
            probes=["smuggling"],
            mailbox_recipient=KNOWN,
            mailbox=own,
            outside_mailbox=outside,
            arrival_timeout=0.1,
            **GIVEN,
        )
    assert [row["probes"][0]["status"] for row in found["endpoints"]] == ["finding", "pass"]
    assert [row["verdict"] for row in found["endpoints"]] == ["failed", "passed"]


def test_a_wait_that_is_stopped_ends_with_what_was_learned(maildirs, monkeypatch):
    stops = []

    class Stopped(threading.Event):
        def wait(self, timeout=None):
            """In the first pause, when all but the waiting is over, somebody else ends it."""
            threading.Thread(target=stops[0]).start()
            return super().wait(60)

    monkeypatch.setattr(check, "threading", SimpleNamespace(Event=Stopped))
    with DeliveringRelay(
        lambda *_message: None, rcpt=lambda to: "250 Ok" if to in (KNOWN, OUTSIDE) else "550 No"
    ) as relay:
        report = audited(relay, maildirs, "relaying", arrival_timeout=3600.0, on_start=stops.append)
    assert only(report) == ("finding", "none")
    assert "the control did not arrive" in report["probes"][0]["text"]


BOUNCE = b"""From: MAILER-DAEMON@relay.example.com\r
Auto-Submitted: auto-replied\r
Content-Type: multipart/report; report-type=delivery-status; boundary=B\r
\r
--B\r
Content-Type: text/plain\r
\r
No.\r
--B\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns; relay.example.com\r
\r
Final-Recipient: rfc822; %(to)s\r
Action: failed\r
Status: 5.7.1\r
\r
--B\r
Content-Type: text/rfc822-headers\r
\r
X-Mailcheck-Token: %(token)s\r
Message-ID: <%(token)s@mailcheck.invalid>\r
\r
--B--\r
"""


NOBODY = Audited._make([None] * len(Audited._fields))._replace(strangers=("mc0123456789ab@example.net",))


def test_messages_that_were_never_sent_prove_nothing():
    """The audit had to end before them, while the control has arrived."""
    arrived = Arrivals({NOBODY.token(0): b""}, {}, {}, 1.0)
    judged = smuggling_by_message.PROOF.judge(NOBODY, [], [], arrived)
    assert judged.status == "unknown"
    assert judged.text.startswith("what became of messages with ")


def test_a_dialogue_that_breaks_off_before_all_was_sent_proves_nothing(monkeypatch):
    marked = [(NOBODY.token(49), Form(KNOWN, OUTSIDE, True))]
    monkeypatch.setattr(relaying_by_message, "_marked", lambda *_given: marked)
    broken = Failure("extra", "connection_lost", text="the relay closed the connection")
    proving = [SimpleNamespace(facts=SimpleNamespace(failure=broken, extra_replies=[]))]
    judged = relaying_by_message.PROOF.judge(NOBODY, [], proving, Arrivals({NOBODY.token(48): b""}, {}, {}, 1.0))
    assert (judged.status, judged.text) == ("unknown", "not all that was taken at RCPT could be sent")
