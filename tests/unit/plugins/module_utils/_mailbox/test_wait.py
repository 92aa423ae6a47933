# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Waiting for mail, against mailboxes that behave and such that do not: what is found, what is never touched, what is
# said where nothing could be known.

from __future__ import annotations

import base64
import json
import os
import re
import socket
import time

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox import connection
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.headers import fields_of
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.maildir import Maildir
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.model import Message, Session
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.request import request_of
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.search import Search
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.wait import wait_for_mail
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.attempts import Broken
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.causes import CAUSES, hint_of, of_a_server
from ansible_collections.postmaster.mailcheck.tests.support.authority import Authority
from ansible_collections.postmaster.mailcheck.tests.support.mailboxes import (
    PASSWORD,
    RECEIVED,
    SIGN_IN,
    Folder,
    ImapServer,
    PopServer,
    bounce,
    mail,
)
from ansible_collections.postmaster.mailcheck.tests.support.ports import free_port

TOKEN, OTHER = "0123456789abcdef0123456789abcdef", "ffffffffffffffffffffffffffffffff"
AGES = 30.0  # seconds, that nothing here takes
PATIENT = {"timeout": AGES, "poll_interval": AGES / 6}  # six pauses, none of which lasts

pytestmark = pytest.mark.usefixtures("no_pause_lasts")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(str(tmp_path_factory.mktemp("authority")))


def wait(server, **options):
    where = {"host": "127.0.0.1", "port": server.port, "tls": "none", "allow_plaintext_auth": True}
    if isinstance(server, PopServer):
        where["protocol"] = "pop3"
    if "token" not in options and "tokens" not in options:
        options["token"] = TOKEN
    return wait_for_mail(**{**where, **SIGN_IN, **PATIENT, **options})


def cause(report):
    return report["failure"] and report["failure"]["cause"]


# What is found


@pytest.mark.parametrize("stands, warnings", [("above", 0), ("below", 1)])
def test_results_that_a_sender_may_have_written_too_are_told_with_a_warning(stands, warnings):
    """Below the receiver's line a milter of Sendmail writes, and so does whoever delivers to it (RFC 8601 5)."""
    results = "Authentication-Results: mx.example.net; dkim=pass\r\n"
    received = RECEIVED.replace("(Postfix)", "(Sendmail)")
    lines = results + received if stands == "above" else received + results
    with ImapServer({"INBOX": Folder({1: mail(TOKEN, received=lines)})}) as server:
        report = wait(server, trusted_authserv_ids=["mx.example.net"])
    assert report["authentication"]["dkim"] == "pass"
    assert len(report["warnings"]) == warnings
    assert all("mx.example.net" in one for one in report["warnings"])


@pytest.mark.parametrize(
    "recipient, found, warnings",
    [("user@example.net", "bounce", 0), ("done@example.net", "success", 0), (None, "bounce", 1)],
)
def test_a_report_about_several_recipients(recipient, found, warnings):
    """It is read for the one that is wanted; where none is named, that is said."""
    done = b"Final-Recipient: rfc822; done@example.net\r\nAction: delivered\r\nStatus: 2.0.0\r\n\r\n"
    raw = bounce(TOKEN).replace(b"Final-Recipient", done + b"Final-Recipient")
    with ImapServer({"INBOX": Folder({1: raw})}) as server:
        report = wait(server, recipient=recipient)
    assert [one["kind"] for one in report["notices"]] == ([] if found == "bounce" else ["success"])
    assert cause(report) == ("mail_bounced" if found == "bounce" else "mail_not_found")
    assert len([one for one in report["warnings"] if "several recipients" in one]) == warnings


def test_a_report_about_another_recipient_is_no_bounce_and_is_told():
    """It may be the same one, by a name that a relay on the way has given it."""
    original = b"Original-Recipient: rfc822; box7@store.example.net\r\nFinal-Recipient"
    raw = bounce(TOKEN).replace(b"Final-Recipient", original)
    with ImapServer({"INBOX": Folder({1: raw})}) as server:
        report = wait(server, recipient="alias@example.net")
    assert cause(report) == "mail_not_found"
    assert [one for one in report["warnings"] if "about box7@store.example.net (bounce, 5." in one]


def test_many_reports_about_others_are_not_all_told():
    raws = [
        bounce(TOKEN).replace(b"Final-Recipient", b"Original-Recipient: rfc822; a%d\x1b@b\r\nFinal-Recipient" % number)
        for number in range(100)
    ]
    with ImapServer({"INBOX": Folder(dict(enumerate(raws, 1)))}) as server:
        report = wait(server, recipient="alias@example.net")
    assert 1 < len(report["warnings"]) < 30
    assert all(one.isprintable() for one in report["warnings"])


def test_a_new_message_and_all_that_is_told_of_it():
    results = "Authentication-Results: mx.example.net; dkim=pass header.d=example.com\r\nX-Spam-Status: No, score=1.5 required=5\r\n"
    with ImapServer({"INBOX": Folder({10: mail(OTHER), 11: mail(TOKEN, results)})}) as server:
        report = wait(
            server, since={"INBOX": {"uidvalidity": 7, "uidnext": 11}}, trusted_authserv_ids=["mx.example.net"]
        )
    assert (report["verdict"], report["found"], report["mailbox"], report["junk"]) == ("passed", True, "INBOX", False)
    assert report["arrived_at"] == "2026-11-28T12:00:02Z"
    assert report["trace"]["hops"][0]["by"] == "mx.example.net"
    assert report["authentication"]["dkim"] == "pass"
    assert report["spam"]["score"] == 1.5
    assert report["dkim"]["state"] == "absent"
    assert report["bounce"] is None and report["notices"] == []
    assert report["msg"].startswith("127.0.0.1:%d: arrived in INBOX after" % server.port)


def test_nothing_is_changed_and_nothing_marked_as_read():
    with ImapServer({"INBOX": Folder({11: mail(TOKEN)})}) as server:
        assert wait(server)["changed"] is False
    assert [line for line in server.said if line.startswith(("SELECT", "UID STORE", "UID EXPUNGE", "EXPUNGE"))] == []
    assert all("BODY.PEEK[" in line for line in server.heard("UID FETCH"))


def test_what_was_there_before_is_not_looked_at():
    with ImapServer({"INBOX": Folder({10: mail(TOKEN)})}) as server:
        report = wait(server, since={"INBOX": {"uidvalidity": 7, "uidnext": 11}})
    assert (report["verdict"], report["found"], cause(report)) == ("failed", False, "mail_not_found")
    assert server.heard("UID FETCH") == []
    assert "INBOX" in report["failure"]["text"]


def test_without_a_state_what_is_there_already_is_found():
    with ImapServer({"INBOX": Folder({10: mail(TOKEN), **{n: mail(OTHER) for n in range(11, 400)}})}) as server:
        report = wait(server)
    assert report["found"] is True
    assert any("HEADER X-Mailcheck-Token" in line for line in server.heard("UID SEARCH"))


def test_a_server_is_not_made_to_search_for_what_is_among_the_latest():
    with ImapServer({"INBOX": Folder({10: mail(TOKEN), 11: mail(OTHER)})}) as server:
        assert wait(server)["found"] is True
    assert server.heard("UID SEARCH") == []


def test_of_thousands_that_came_since_none_is_overlooked():
    inbox = Folder({11: mail(TOKEN), 5000: mail(OTHER)})
    with ImapServer({"INBOX": inbox}) as server:
        report = wait(server, since={"INBOX": {"uidvalidity": 7, "uidnext": 11}})
    assert report["found"] is True
    assert server.octets < 20_000


def test_a_message_that_comes_while_we_look():
    inbox = Folder({10: mail(OTHER)})
    with ImapServer({"INBOX": inbox}) as server:
        server.after["NOOP"] = lambda: len(inbox.messages) > 1 or inbox.add(mail(TOKEN))
        assert wait(server, since={"INBOX": {"uidvalidity": 7, "uidnext": 11}})["found"] is True


def test_a_search_that_lags_is_not_relied_upon():
    with ImapServer({"INBOX": Folder({11: mail(TOKEN)})}) as server:
        server.override["UID SEARCH"] = "* SEARCH\r\n{tag} OK done\r\n"
        assert wait(server, since={"INBOX": {"uidvalidity": 7, "uidnext": 11}})["found"] is True


def test_a_search_that_finds_everything_is_not_believed():
    with ImapServer({"INBOX": Folder({10: mail(OTHER)})}) as server:
        server.override["UID SEARCH"] = "* SEARCH 10\r\n{tag} OK done\r\n"
        assert wait(server)["found"] is False


@pytest.mark.parametrize("name, flags", [("Filtered", r"\Junk"), ("Spam", ""), ("INBOX/Junk E-Mail", "")])
def test_junk_is_looked_at_and_said(name, flags):
    with ImapServer({"INBOX": Folder(), name: Folder({5: mail(TOKEN)}, flags=flags)}) as server:
        report = wait(server, since={"INBOX": {"uidvalidity": 7, "uidnext": 1}}, expect={"folder": "INBOX"})
    assert (report["found"], report["mailbox"], report["junk"]) == (True, name, True)
    assert (report["verdict"], cause(report)) == ("failed", "rule_unmet")


def test_folders_are_named_in_any_script():
    with ImapServer({"INBOX": Folder(), "Entw&APw-rfe &- mehr": Folder({5: mail(TOKEN)})}) as server:
        report = wait(server, folders=["Entw\u00fcrfe & mehr"])
    assert report["mailbox"] == "Entw\u00fcrfe & mehr"


def test_a_folder_that_was_made_anew_is_looked_through_anew_with_a_warning():
    with ImapServer({"INBOX": Folder({3: mail(TOKEN)}, validity=8)}) as server:
        report = wait(server, since={"INBOX": {"uidvalidity": 7, "uidnext": 11}})
    assert report["found"] is True
    assert "UIDVALIDITY" in report["warnings"][0]


def test_a_server_that_shows_nothing_to_who_only_examines():
    inbox = Folder({11: mail(TOKEN)})
    with ImapServer({"INBOX": inbox}) as server:
        server.override["UID FETCH"] = lambda tag, _rest: None if server.heard("SELECT") else tag + " OK done\r\n"
        report = wait(server, since={"INBOX": {"uidvalidity": 7, "uidnext": 11}})
    assert report["found"] is True
    assert server.heard("UID STORE") == []
    assert "read-only" in report["warnings"][0]


def test_the_state_is_a_fact_and_an_option():
    inbox = Folder({10: mail(OTHER)})
    with ImapServer({"INBOX": inbox, "Junk": Folder(validity=9)}) as server:
        noted = wait(server, token=None)
        assert (noted["verdict"], noted["found"], noted["messages"]) == ("passed", None, [])
        assert noted["mailbox_state"] == {
            "INBOX": {"uidvalidity": 7, "uidnext": 11, "messages": 1},
            "Junk": {"uidvalidity": 9, "uidnext": 1, "messages": 0},
        }
        inbox.add(mail(TOKEN))
        assert wait(server, since=json.loads(json.dumps(noted["mailbox_state"])))["found"] is True


def test_the_whole_result_serves_as_the_state():
    inbox = Folder({10: mail(TOKEN)})
    with ImapServer({"INBOX": inbox}) as server:
        noted = json.loads(json.dumps(wait(server, token=None)))
        assert wait(server, since=noted)["found"] is False
        inbox.add(mail(TOKEN))
        assert wait(server, since=noted)["found"] is True


def test_a_result_without_a_state_is_refused():
    with ImapServer() as server:
        server.override["EXAMINE"] = "{tag} NO locked\r\n"
        noted = wait(server, token=None)
        assert noted["verdict"] == "unreachable"
        with pytest.raises(OptionError) as refused:
            wait(server, since=noted)
    assert refused.value.option == "since"


@pytest.mark.parametrize("given", ["<abc@example.com>", "abc@example.com"])
def test_a_message_id_with_or_without_brackets(given):
    raw = mail("x").replace(b"X-Mailcheck-Token: x\r\n", b"").replace(b"<x@example.com>", b"<abc@example.com>")
    with ImapServer({"INBOX": Folder({11: raw})}) as server:
        assert wait(server, message_id=given)["found"] is True


def test_many_tokens_in_one_session():
    tokens = ["%032x" % number for number in range(200)]
    with ImapServer({"INBOX": Folder({n + 1: mail(token) for n, token in enumerate(tokens)})}) as server:
        report = wait(server, tokens=tokens, since={"INBOX": {"uidvalidity": 7, "uidnext": 1}})
    assert report["found"] is True and [one["found"] for one in report["messages"]] == [True] * 200
    assert len(server.heard("AUTHENTICATE")) == 1


def test_one_of_several_is_missing():
    with ImapServer({"INBOX": Folder({1: mail(TOKEN)})}) as server:
        report = wait(server, tokens=[TOKEN, OTHER])
    assert (report["verdict"], report["found"]) == ("failed", False)
    assert [(one["token"], one["found"]) for one in report["messages"]] == [(TOKEN, True), (OTHER, False)]
    assert "1 of 2 messages" in report["msg"]


def test_a_flag_that_changes_while_we_ask_hides_no_message():
    """RFC 9051 7.5.2: a server tells of it at any time, and with RFC 7162 by its UID."""

    def answer(_tag, _rest):
        server.sockets[-1].sendall(b"* 1 FETCH (FLAGS (\\Seen) UID 11)\r\n")

    with ImapServer({"INBOX": Folder({11: mail(TOKEN)})}) as server:
        server.override["UID FETCH"] = answer
        assert wait(server, since={"INBOX": {"uidvalidity": 7, "uidnext": 11}})["found"] is True


def test_a_folder_for_spam_that_is_made_with_the_first_that_is_filed_there():
    with ImapServer() as server:
        server.after["NOOP"] = lambda: server.folders.setdefault("Junk", Folder({1: mail(TOKEN)}, flags=r"\Junk"))
        report = wait(server, since={"INBOX": {"uidvalidity": 7, "uidnext": 1}})
    assert (report["found"], report["mailbox"], report["junk"]) == (True, "Junk", True)


@pytest.mark.parametrize("words, extended", [("SPECIAL-USE", False), ("SPECIAL-USE LIST-EXTENDED", True)])
def test_folders_are_listed_as_the_server_can(words, extended):
    """RFC 6154 2: the return option is for servers with LIST-EXTENDED (RFC 5258); to others it is BAD."""
    folders = {"INBOX": Folder(), "Werbung": Folder({5: mail(TOKEN)}, flags=r"\Junk")}
    with ImapServer(folders, capabilities="AUTH=PLAIN " + words) as server:
        server.override["LIST"] = lambda tag, rest: (
            None if ("RETURN" in rest) is extended else tag + " BAD no such option\r\n"
        )
        report = wait(server)
    assert (report["mailbox"], report["junk"], report["warnings"]) == ("Werbung", True, [])


def test_the_message_is_found_before_what_servers_report_is_read():
    inbox = Folder({**{number: bounce(OTHER) for number in range(1, 40)}, 40: mail(TOKEN)})
    with ImapServer({"INBOX": inbox}) as server:
        server.override["UID FETCH"] = lambda _tag, rest: "* BYE enough\r\n" if "BODY.PEEK[]" in rest else None
        report = wait(server)
    assert (report["found"], report["verdict"]) == (True, "passed")


def test_a_thousand_tokens_cost_no_more_than_one():
    """A sweep's mailbox may hold thousands of messages, each of which might be any of them."""
    tokens = ["%032x" % number for number in range(1000)]
    search = Search(request_of({"host": "imap.example.net", "tokens": tokens, **SIGN_IN}), None, lambda: 0.0, None)
    compared = []

    class Counted(str):
        __hash__ = str.__hash__

        def __eq__(self, other):
            compared.append(other)
            return str.__eq__(self, other)

    assert search._finding_of((("X-Mailcheck-Token", Counted(OTHER)),)) is None
    assert search._finding_of((("X-Mailcheck-Token", Counted(tokens[999])),)).wanted.token == tokens[999]
    assert len(compared) < 20


def test_a_large_mailbox_costs_little():
    inbox = Folder({99_999: mail(OTHER), 100_000: mail(TOKEN)})
    with ImapServer({"INBOX": inbox}) as server:
        assert wait(server, since={"INBOX": {"uidvalidity": 7, "uidnext": 100_000}})["found"] is True
    assert server.octets <= 100_000


def test_what_is_known_of_its_way_is_said_where_it_does_not_arrive():
    sent = {
        "host": "relay.example.com",
        "checked_at": "2026-11-28T12:00:00Z",
        "message": {"token": TOKEN, "queue_id": "4XyZ"},
    }
    with ImapServer() as server:
        report = wait(server, token=None, sent=sent)
    assert report["failure"]["text"].endswith("relay.example.com took it at 2026-11-28T12:00:00Z, queue id 4XyZ")


# Bounces


def test_a_bounce_ends_the_wait_and_says_why():
    with ImapServer(
        {"INBOX": Folder({11: bounce(OTHER), 12: bounce(TOKEN, "5.2.2", "smtp; 552 5.2.2 Mailbox full")})}
    ) as server:
        report = wait(server)
    assert (report["verdict"], report["found"], cause(report)) == ("failed", False, "mail_bounced")
    assert (report["bounce"]["status"], report["bounce"]["cause"]) == ("5.2.2", "mailbox_full")
    assert "The mailbox has no room left" in report["msg"]


def test_a_delay_is_no_bounce():
    delay = bounce(TOKEN, "4.4.1", "smtp; 450 4.4.1 later", "delayed")
    with ImapServer({"INBOX": Folder({11: delay})}) as server:
        report = wait(server)
    assert (report["found"], report["bounce"], cause(report)) == (False, None, "mail_not_found")
    assert [(one["kind"], one["status"]) for one in report["notices"]] == [("delay", "4.4.1")]
    assert "delayed (4.4.1)" in report["failure"]["text"]


@pytest.mark.parametrize(
    "expected, verdict",
    [
        (True, "passed"),
        ({"status": "5.1.1", "within": 60}, "passed"),
        ({"status": "5.2.2"}, "failed"),
        ({"cause": "mailbox_unknown"}, "passed"),
    ],
)
def test_a_bounce_that_is_expected(expected, verdict):
    with ImapServer({"INBOX": Folder({11: bounce(TOKEN)})}) as server:
        report = wait(server, expect={"bounce": expected})
    assert report["verdict"] == verdict


def test_a_bounce_that_does_not_come():
    with ImapServer({"INBOX": Folder({11: mail(TOKEN)})}) as server:
        report = wait(server, expect={"bounce": True})
    assert (report["verdict"], report["found"], cause(report)) == ("failed", True, "rule_unmet")


@pytest.mark.parametrize("expected", [True, {"status": "5.1.1"}])
def test_a_bounce_that_nobody_could_look_for_is_not_told_as_missing(expected):
    """The message has come, as a copy; then the mailbox is out of reach, and with it the bounce, if there is one."""
    with ImapServer({"INBOX": Folder({11: mail(TOKEN)})}) as server:
        server.override["NOOP"] = lambda _tag, _rest: "* BYE no more\r\n" if len(server.heard("NOOP")) > 1 else None
        report = wait(server, expect={"bounce": expected})
    assert (report["verdict"], report["found"], cause(report)) == ("unreachable", True, "connection_lost")
    assert report["rules"] == []


def test_a_bounce_that_is_known_by_its_recipient_alone_is_believed_and_left_where_it_is():
    """It may be about another message to the same recipient."""
    unnamed = bounce(TOKEN).replace(b"X-Mailcheck-Token: " + TOKEN.encode(), b"Subject: another")
    since = {"INBOX": {"uidvalidity": 7, "uidnext": 11}}
    with ImapServer({"INBOX": Folder({11: unnamed})}) as server:
        report = wait(server, recipient="user@example.net", since=since, delete=True, expect={"bounce": True})
    assert (report["verdict"], report["bounce"]["status"], report["deleted"]) == ("passed", "5.1.1", 0)
    assert (server.expunged, server.folders["INBOX"].deleted) == ([], set())


@pytest.mark.parametrize("empty", ["", " ", "<>"])
def test_what_is_empty_names_no_message(empty):
    """A variable of a playbook may be: mail without a Message-ID is not ours for that."""
    others = mail("x").replace(b"X-Mailcheck-Token: x\r\n", b"").replace(b"Message-ID: <x@example.com>\r\n", b"")
    nameless = others.replace(b"Subject:", b"Message-ID: <>\r\nSubject:")
    unnamed = bounce(TOKEN).replace(b"X-Mailcheck-Token: " + TOKEN.encode(), b"Subject: another")
    unnamed = unnamed.replace(b"Final-Recipient: rfc822; user@example.net\r\n", b"")
    unmarked = unnamed.replace(b"Reporting-MTA:", b"Original-Envelope-Id:\r\nReporting-MTA:")
    since = {"INBOX": {"uidvalidity": 7, "uidnext": 1}}
    with ImapServer({"INBOX": Folder({1: others, 2: nameless, 3: unnamed, 4: unmarked})}) as server:
        report = wait(server, message_id=empty, recipient=empty, envelope_id=empty, since=since, delete=True)
    assert (report["found"], report["bounce"], report["notices"]) == (False, None, [])
    assert server.expunged == []


def test_a_token_that_is_a_word_does_not_take_others_mail():
    """<info@example.com> may be anybody's Message-ID; the token's own header is not."""
    others = mail("info").replace(b"X-Mailcheck-Token: info\r\n", b"")
    with ImapServer({"INBOX": Folder({1: others, 2: mail("info")})}) as server:
        report = wait(server, token="info", delete=True)
    assert (report["found"], server.expunged) == (True, [("INBOX", 2)])


def test_a_bounce_to_the_same_recipient_from_before_is_not_taken_for_ours():
    old = bounce(TOKEN).replace(b"X-Mailcheck-Token: " + TOKEN.encode(), b"Subject: another")
    with ImapServer({"INBOX": Folder({11: old})}) as server:
        assert wait(server, recipient="user@example.net")["bounce"] is None
        since = {"INBOX": {"uidvalidity": 7, "uidnext": 11}}
        assert wait(server, recipient="user@example.net", since=since)["bounce"]["status"] == "5.1.1"


# What is expected


@pytest.mark.parametrize(
    "expect, outcome",
    [
        ({"arrived_within": 60}, "met"),
        ({"folder": "inbox"}, "met"),
        ({"folder": "junk"}, "unmet"),
        ({"bounce": False}, "met"),
        ({"dkim": "pass"}, "met"),
        ({"spf": ["pass", "neutral"]}, "unmet"),
        ({"dmarc": "pass"}, "unknown"),
        ({"tls_on_every_hop": True}, "met"),
        ({"spam": False}, "unknown"),
    ],
)
def test_rules(expect, outcome):
    results = "Authentication-Results: mx.example.net; dkim=pass; spf=fail\r\n"
    with ImapServer({"INBOX": Folder({11: mail(TOKEN, results)})}) as server:
        report = wait(server, expect=expect, authserv_ids=["mx.example.net"])
    (rule,) = report["rules"]
    assert rule["outcome"] == outcome
    assert report["verdict"] == ("failed" if outcome == "unmet" else "passed")
    assert ("could not be judged" in report["msg"]) is (outcome == "unknown")


@pytest.mark.parametrize("rule", ["folder", "dkim", "spf", "dmarc", "tls_on_every_hop", "spam"])
def test_of_mail_that_has_not_arrived_nothing_is_judged(rule):
    expected = {"folder": "INBOX", "tls_on_every_hop": True, "spam": False}.get(rule, "pass")
    with ImapServer() as server:
        report = wait(server, expect={rule: expected})
    assert [one["outcome"] for one in report["rules"]] == ["unknown"]
    assert cause(report) == "mail_not_found"


def test_mail_that_has_not_arrived_is_late():
    with ImapServer() as server:
        assert wait(server, expect={"arrived_within": 60})["rules"][0]["outcome"] == "unmet"


# What is deleted


def test_only_ours_is_deleted_and_only_where_asked_for():
    with ImapServer({"INBOX": Folder({10: mail(OTHER), 11: mail(TOKEN), 12: mail(OTHER)})}) as server:
        server.folders["INBOX"].deleted = {10}  # by somebody else, who may want it back
        assert wait(server, delete=True, check_mode=True)["deleted"] == 1
        assert server.expunged == []
        report = wait(server, delete=True)
    assert (report["changed"], report["deleted"], server.expunged) == (True, 1, [("INBOX", 11)])
    assert server.heard("EXPUNGE") == []


def test_it_says_what_was_deleted():
    with ImapServer({"INBOX": Folder({11: mail(TOKEN)})}) as server:
        assert wait(server)["msg"].endswith("all encrypted.")
        assert wait(server, delete=True, check_mode=True)["msg"].endswith("; 1 message would be deleted.")
        assert wait(server, delete=True)["msg"].endswith("; 1 message deleted.")
        assert "Nothing deleted." in wait(server, delete=True)["msg"]


def test_a_folder_that_is_made_anew_before_its_mail_is_deleted_keeps_it():
    """RFC 9051 2.3.1.1: with another UIDVALIDITY a UID is another message's."""
    inbox = Folder({11: mail(TOKEN)})
    with ImapServer({"INBOX": inbox}) as server:

        def remake():
            if len(server.heard("UID FETCH")) == 2:  # it has been found, and its header read
                inbox.validity, inbox.messages = 8, {11: mail(OTHER)}

        server.after["UID FETCH"] = remake
        report = wait(server, delete=True, since={"INBOX": {"uidvalidity": 7, "uidnext": 11}})
    assert (report["found"], report["deleted"], report["changed"]) == (True, 0, False)
    assert (inbox.deleted, server.expunged) == (set(), [])
    assert any("UIDVALIDITY" in warning for warning in report["warnings"])


def test_without_uidvalidity_nothing_is_deleted():
    """RFC 9051 2.3.1.1: without it UIDs mean nothing once the folder is opened again."""
    inbox = Folder({11: mail(TOKEN)})
    with ImapServer({"INBOX": inbox}) as server:
        answer = "* 1 FETCH (UID 11 BODY[] {%d}\r\n%s)\r\n{tag} OK done\r\n" % (len(mail(TOKEN)), mail(TOKEN).decode())
        server.override["EXAMINE"] = "* 1 EXISTS\r\n* OK [UIDNEXT 12] ok\r\n{tag} OK opened\r\n"
        server.override.update(
            {"SELECT": server.override["EXAMINE"], "UID FETCH": answer, "UID STORE": "{tag} OK done\r\n"}
        )
        report = wait(server, delete=True, since={"INBOX": {}})
    assert (report["found"], report["deleted"], server.heard("UID STORE")) == (True, 0, [])
    assert any("UIDVALIDITY" in warning for warning in report["warnings"])


def test_without_uidplus_it_is_marked_only():
    with ImapServer({"INBOX": Folder({10: mail(OTHER), 11: mail(TOKEN)})}, capabilities="AUTH=PLAIN") as server:
        report = wait(server, delete=True)
    assert (server.folders["INBOX"].deleted, server.expunged) == ({11}, [])
    assert "UIDPLUS" in report["warnings"][0]


def test_old_probes_are_swept_by_token_header_and_age():
    inbox = Folder({1: mail(OTHER), 2: mail("not-a-token-of-ours"), 3: mail("0" * 32), 11: mail(TOKEN)})
    inbox.dates = {1: "01-Jan-2026 12:00:00 +0000", 2: "01-Jan-2026 12:00:00 +0000", 3: "28-Nov-2036 12:00:00 +0000"}
    with ImapServer({"INBOX": inbox}) as server:
        report = wait(server, delete_older_than=3600 * 24 * 30)
    assert (report["deleted"], server.expunged) == (1, [("INBOX", 1)])


# What could not be looked at is never called missing


@pytest.mark.parametrize("verb, place", [("EXAMINE", "Junk"), ("UID FETCH", "HEADER]"), ("UID FETCH", "BODY.PEEK[]")])
def test_what_a_look_that_breaks_off_has_seen_is_seen_again(verb, place):
    """The message has been seen when the connection is lost: in the next folder, by its header, by its whole."""
    raw = mail(TOKEN, "DKIM-Signature: v=1; a=rsa-sha1; d=example.com; s=s1\r\n")
    lost = []

    def lose_once(_tag, rest):
        if place in rest and not lost:
            lost.append(rest)
            return "* BYE going down\r\n"
        return None

    with ImapServer({"INBOX": Folder(), "Junk": Folder(flags=r"\Junk")}) as server:
        server.after["NOOP"] = lambda: len(server.heard("NOOP")) == 3 and server.folders["INBOX"].add(raw)
        server.override[verb] = lambda tag, rest: lose_once(tag, rest) if server.folders["INBOX"].messages else None
        report = wait(server, since={"INBOX": {"uidvalidity": 7, "uidnext": 1}}, delete=True)
    assert len(lost) == 1
    assert (report["found"], report["mailbox"], report["deleted"]) == (True, "INBOX", 1)


def test_a_file_in_a_maildir_that_cannot_be_read_at_first(tmp_path, monkeypatch):
    deliver(tmp_path, mail(TOKEN), "1.a")
    refused = []

    def read(self, path, octets):
        if not refused:
            refused.append(path)
            raise Broken("mailbox_unavailable", "permission denied", "find")
        return whole(self, path, octets)

    whole = Maildir._read
    monkeypatch.setattr(Maildir, "_read", read)
    assert maildir(tmp_path, token=TOKEN)["found"] is True


class Slow:
    """A mailbox that takes a second for each look, on a clock of its own, and breaks off where there is less time."""

    session, warnings, closed, deleted, least_interval = Session(), [], {}, 0, 0.0

    def __init__(self):
        self.now = 0.0

    def look(self, deadline, _is_wanted):
        self.now += 1.0
        if self.now > deadline:
            raise Broken("timed_out", "no answer in time", "find")
        return []

    def close(self):
        pass


def test_no_report_is_read_when_the_time_is_up():
    """Of a mailbox that somebody fills with them only so many are read as there is time for."""

    class Full(Slow):
        read = 0

        def look(self, _deadline, _is_wanted):
            fields = (("From", "mailer-daemon@example.net"), ("Auto-Submitted", "auto-replied"))
            return [Message("INBOX", str(number), fields, None, True) for number in range(1000)]

        def whole(self, _message, _octets):
            self.now, self.read = self.now + 1.0, self.read + 1
            return None

    full = Full()
    request = request_of({"host": "imap.example.net", "token": TOKEN, "timeout": 10.0, **SIGN_IN})
    search = Search(request, full, lambda: full.now, lambda _seconds: True)
    search.run()
    assert (full.read, search.broken.cause) == (10, "timed_out")


def test_what_is_read_of_one_message_does_not_make_the_next_one_late():
    """Of all that a look has shown the time is the same, however long a name server takes for a key of one."""

    class Signed(Slow):
        def look(self, _deadline, _is_wanted):
            headers = [b"X-Mailcheck-Token: %s\r\n%s\r\n" % (one.encode(), SIGNED.encode()) for one in (TOKEN, OTHER)]
            return [
                Message("INBOX", header[19:51].decode(), fields_of(header), None, True, header) for header in headers
            ]

        def whole(self, _message, _octets):
            self.now += 5.0
            return None

        def is_junk(self, _folder):
            return False

    slow = Signed()
    request = request_of({"host": "imap.example.net", "tokens": [TOKEN, OTHER], "timeout": 60.0, **SIGN_IN})
    search = Search(request, slow, lambda: slow.now, lambda _seconds: True)
    search.run()
    assert [one.seconds for one in search.findings.values()] == [0.0, 0.0]


def test_where_looks_take_long_the_last_one_is_complete():
    """Else each wait by a slow line would end as unreachable."""
    slow = Slow()
    request = request_of({"host": "imap.example.net", "token": TOKEN, "timeout": 60.0, **SIGN_IN})

    def pause(seconds):
        slow.now += seconds
        return True

    search = Search(request, slow, lambda: slow.now, pause)
    search.run()
    assert (search.broken, search.looks > 10) == (None, True)
    assert 55 < slow.now <= 60


def test_a_folder_for_spam_that_holds_no_mail_does_not_hinder():
    with ImapServer({"INBOX": Folder({1: mail(TOKEN)}), "Junk": Folder(flags=r"\Junk \Noselect")}) as server:
        server.override["EXAMINE"] = lambda tag, rest: tag + " NO no\r\n" if "Junk" in rest else None
        assert wait(server, token=OTHER)["verdict"] == "failed"


def test_a_port_where_nothing_listens():
    report = wait_for_mail(host="127.0.0.1", port=free_port(), token=TOKEN, **SIGN_IN, **PATIENT)
    assert (report["verdict"], report["found"], cause(report)) == ("unreachable", None, "connection_refused")


def test_a_wrong_password_is_tried_once():
    with ImapServer() as server:
        report = wait(server, password="something-else-altogether")
    assert (report["verdict"], report["found"], cause(report)) == ("unreachable", None, "auth_rejected")
    assert len(server.heard("AUTHENTICATE")) == 1
    assert "something-else" not in json.dumps(report)


@pytest.mark.parametrize(
    "answer, expected",
    [
        ("NO [UNAVAILABLE] later", "auth_temporarily_failed"),
        ("NO [ALERT] Application-specific password required", "auth_disabled"),
        ("NO [AUTHENTICATIONFAILED] Invalid credentials", "auth_rejected"),
        ("NO LOGIN failed.", "auth_rejected"),
        ("BAD what?", "auth_rejected"),
        ("NO [PRIVACYREQUIRED] TLS first", "tls_required"),
    ],
)
def test_why_a_sign_in_is_refused(answer, expected):
    with ImapServer() as server:
        server.override["AUTHENTICATE"] = "{tag} %s\r\n" % answer
        assert cause(wait(server)) == expected


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "LOGIN"])
@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_a_server_that_is_content_before_it_has_heard_the_credentials(protocol, mechanism):
    """It takes everybody for signed in, so what it shows is nobody's mailbox."""
    offered = "UIDL\r\nTOP\r\nSASL " + mechanism
    server = PopServer([], offered) if protocol == "pop3" else ImapServer(capabilities="AUTH=" + mechanism)
    with server:
        server.override.update({"AUTHENTICATE": "{tag} OK welcome\r\n", "AUTH": "+OK welcome\r\n"})
        report = wait(server)
    assert (report["verdict"], report["failure"]["stage"]) == ("unreachable", "auth")
    assert cause(report) in ("auth_protocol_error", "auth_server_not_authentic")


def test_a_port_of_another_protocol_is_told_about_mailboxes(authority):
    server = ImapServer()
    server.behave = lambda lines, say, _sock: (say("220 relay.example.com ESMTP"), lines.readline())
    with server:
        spoken = wait(server, tls="implicit", ca_path=authority.ca_path)
        greeted = wait(server, tls="starttls", ca_path=authority.ca_path)
    assert (cause(spoken), cause(greeted)) == ("tls_not_spoken", "not_a_mailbox")
    for report in (spoken, greeted):
        assert "IMAP" in report["failure"]["hint"] and "143" in report["failure"]["hint"]
        assert re.findall(r"SMTP|587|465", report["failure"]["hint"]) == []


def test_a_server_that_refuses_to_tell_what_it_can_do_after_the_sign_in():
    with ImapServer() as server:
        server.override["CAPABILITY"] = lambda _tag, _rest: "{tag} NO not now\r\n" if server.heard("AUTH") else None
        report = wait(server)
    assert (cause(report), report["failure"]["stage"]) == ("protocol_violation", "auth")
    assert "CAPABILITY: not now" in report["msg"]


def test_a_server_that_refuses_noop_is_looked_into_all_the_same():
    with ImapServer({"INBOX": Folder({1: mail(TOKEN)})}) as server:
        server.override["NOOP"] = "{tag} NO [INUSE] not now\r\n"
        assert wait(server)["verdict"] == "passed"


def test_what_a_pop3_server_offers_steers_no_terminal():
    with PopServer([], capabilities="UIDL\r\nTOP\r\nSASL X\x1b[2J") as server:
        report = wait(server, protocol="pop3", auth_mechanisms=["PLAIN"])
    assert cause(report) == "auth_no_common_mechanism" and "X\\X1B[2J" in report["msg"]


def test_a_server_that_repeats_the_password():
    with ImapServer() as server:
        server.override["AUTHENTICATE"] = "{tag} NO your password %s is wrong\r\n" % PASSWORD
        assert PASSWORD not in json.dumps(wait(server))


SIGNED_IN = base64.b64encode(("\0tim\0" + PASSWORD).encode()).decode()  # RFC 4616


@pytest.mark.parametrize("said", [PASSWORD, PASSWORD.encode().hex(), SIGNED_IN])
def test_a_server_that_repeats_the_password_wherever_it_can(said):
    raw = mail(
        TOKEN,
        "X-Spam-Status: No, %s\r\nAuthentication-Results: mx.example.net; dkim=pass header.d=%s\r\n" % (said, said),
    )
    raw = raw.replace(b"by mx.example.net", b"by %s" % said.encode())
    folders = {
        "INBOX": Folder({1: raw, 2: bounce(TOKEN, diagnostic="smtp; 550 " + said)}),
        said: Folder(flags=r"\Junk"),
    }
    with ImapServer(folders, capabilities="AUTH=PLAIN UIDPLUS X" + said) as server:
        found = wait(server, trusted_authserv_ids=["mx.example.net"], expect={"bounce": True})
        noted = wait(server, token=None)
        server.override["EXAMINE"] = "{tag} NO %s\r\n" % said
        locked = wait(server)
    assert (found["verdict"], noted["verdict"], locked["verdict"]) == ("passed", "passed", "unreachable")
    assert said not in json.dumps([found, noted, locked])


@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER", "PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256"])
def test_a_server_that_repeats_the_response_of_a_mechanism(mechanism):
    """It takes the response for a tag, and says BAD to it."""
    secret = "ya29.a-Token_with+all/of~its.kinds=="
    by_token = mechanism in ("XOAUTH2", "OAUTHBEARER")
    credentials = {"password": None, "access_token": secret} if by_token else {"password": secret}
    with ImapServer(capabilities="AUTH=" + mechanism) as server:
        server.override["AUTHENTICATE"] = "+ PDFAeD4=\r\n" if mechanism == "CRAM-MD5" else "+ \r\n"
        report = wait(server, auth_mechanisms=[mechanism], **credentials)
    assert report["verdict"] == "unreachable"
    shown = json.dumps(report)
    said = base64.b64encode(b"\0tim\0" + secret.encode()).decode()
    forms = [secret, said, *(base64.b64encode(b"\0" * shift + secret.encode()).decode()[4:-4] for shift in range(3))]
    for form in forms:
        assert not any(form[at : at + 12] in shown for at in range(len(form) - 12))


def test_a_locked_inbox_is_unreachable():
    with ImapServer() as server:
        server.override["EXAMINE"] = "{tag} NO [INUSE] locked by another session\r\n"
        report = wait(server)
    assert (report["verdict"], report["found"], cause(report)) == ("unreachable", None, "mailbox_unavailable")
    assert "locked by another session" in report["msg"]


def test_a_locked_inbox_that_opens_after_a_while():
    with ImapServer({"INBOX": Folder({1: mail(TOKEN)})}) as server:
        left = [1, 2]
        server.override["EXAMINE"] = lambda tag, _rest: (
            "%s NO [INUSE] locked\r\n" % tag if left and left.pop() else None
        )
        assert wait(server)["found"] is True


def test_a_folder_named_that_does_not_exist_is_said_and_does_not_hinder():
    with ImapServer({"INBOX": Folder({1: mail(TOKEN)})}) as server:
        report = wait(server, folders=["Nowhere"])
        assert report["found"] is True
        assert "no folder Nowhere" in report["warnings"][0]
        assert wait(server, token=OTHER, folders=["Nowhere"])["verdict"] == "failed"


def test_a_connection_that_is_lost_on_the_way_is_made_again():
    inbox = Folder()
    with ImapServer({"INBOX": inbox}) as server:

        def bye(_tag, _rest):
            if len(server.heard("NOOP")) == 2:
                inbox.add(mail(TOKEN))
                return "* BYE shutting down\r\n"
            return None

        server.override["NOOP"] = bye
        report = wait(server)
    assert report["found"] is True


def test_a_connection_that_stays_lost_is_unreachable():
    with ImapServer() as server:
        server.override["NOOP"] = lambda _tag, _rest: "* BYE no more\r\n" if len(server.heard("NOOP")) > 1 else None
        report = wait(server)
    assert (report["verdict"], report["found"], cause(report)) == ("unreachable", None, "connection_lost")
    assert "BYE" in report["failure"]["text"]


# Credentials and TLS


def test_credentials_are_not_sent_in_clear():
    with ImapServer() as server:
        with pytest.raises(OptionError) as refused:
            wait(server, allow_plaintext_auth=False)
        assert refused.value.option == "tls"
    assert server.said == []


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_tls_with_its_facts(authority, tls):
    with ImapServer({"INBOX": Folder({1: mail(TOKEN)})}, context=None, capabilities="STARTTLS AUTH=PLAIN") as server:
        server.context = authority.contexts["good"]
        if tls == "starttls":
            server.behave = lambda lines, say, sock: _in_clear_first(server, lines, sock)
        report = wait(server, tls=tls, ca_path=authority.ca_path, allow_plaintext_auth=False)
    assert report["found"] is True
    assert (report["tls"]["verified"], report["tls"]["certificate"]["self_signed"]) == (True, False)
    assert report["auth"]["mechanism"] == "PLAIN"


def _in_clear_first(server, lines, sock):
    from ansible_collections.postmaster.mailcheck.tests.support import mailboxes

    mailboxes._ImapSession(server, lines, sock).play()


@pytest.mark.parametrize(
    "name, expected",
    [
        ("expired", "certificate_expired"),
        ("stranger", "certificate_issuer_not_found"),
        ("other-name", "certificate_name_mismatch"),
        ("self-signed", "certificate_self_signed"),
    ],
)
def test_certificates_that_are_not_accepted(authority, name, expected):
    with ImapServer(context=authority.contexts[name]) as server:
        report = wait(server, tls="implicit", ca_path=authority.ca_path, tls_server_name="relay.example.com")
    assert (report["verdict"], cause(report)) == ("unreachable", expected)
    assert report["tls"]["verified"] is False
    assert server.said == []
    assert "the relay" not in report["failure"]["text"] and "the relay" not in report["msg"]


@pytest.mark.parametrize(
    "made, said",
    [(ImapServer, "[AUTHENTICATIONFAILED] no such user or password"), (lambda: PopServer([]), "-ERR [AUTH] wrong")],
)
def test_a_sign_in_that_was_refused_is_a_fact(made, said):
    with made() as server:
        report = wait(server, password="another")
    assert report["failure"]["cause"] == "auth_rejected"
    assert (report["address"], [one["outcome"] for one in report["addresses_tried"]]) == ("127.0.0.1", ["connected"])
    assert report["auth"] == {"mechanism": "PLAIN", "accepted": False, "text": said}


def test_a_certificate_that_repeats_the_password_is_shown_without_it(authority):
    with ImapServer(context=authority.contexts["good"]) as server:
        report = wait(server, tls="implicit", ca_path=authority.ca_path, password="relay.example.com")
    assert (report["failure"]["cause"], report["tls"]["verified"]) == ("auth_rejected", True)
    assert "DNS:<redacted>" in report["tls"]["certificate"]["subject_alt_names"]
    assert "relay.example.com" not in str(report["tls"]["chain"])


def test_each_address_that_refused_is_told():
    with ImapServer() as server:
        server.port = free_port()
        report = wait(server)
    assert [one["outcome"] for one in report["addresses_tried"]] == ["connection_refused"]
    assert (report["address"], report["tls"], report["auth"]) == (None, None, None)


def test_what_a_broken_chain_is_said_to_lack(authority):
    with ImapServer(context=authority.contexts["stranger"]) as server:
        report = wait(server, tls="implicit", ca_path=authority.ca_path)
    assert "sent by the mailbox server" in report["failure"]["text"]


@pytest.mark.parametrize(
    "greeting, capabilities, answer, expected",
    [
        ("* OK ready", "AUTH=PLAIN", None, "tls_not_offered"),
        ("* OK ready", "STARTTLS", "{tag} NO not now\r\n", "tls_refused"),
        ("* OK ready", "STARTTLS", "{tag} OK begin\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n", "tls_injection"),
        ("* OK ready", "STARTTLS", "{tag} OK begin\r\n", "tls_handshake_reset"),
        ("* PREAUTH welcome", "STARTTLS", None, "tls_refused"),
    ],
)
def test_starttls_that_fails_ends_the_session_before_any_secret(authority, greeting, capabilities, answer, expected):
    def hang_up():
        server.sockets[-1].shutdown(socket.SHUT_RDWR)
        raise ConnectionAbortedError  # what has come by now is read by nobody

    with ImapServer(greeting=greeting, capabilities=capabilities) as server:
        if answer:
            server.override["STARTTLS"] = answer
        server.after["STARTTLS"] = hang_up
        report = wait(server, tls="starttls", allow_plaintext_auth=False)
    assert (report["verdict"], cause(report)) == ("unreachable", expected)
    assert server.heard("AUTHENTICATE") == server.heard("LOGIN") == []


def test_credentials_for_an_unverified_server_go_out_only_with_a_warning(authority):
    with ImapServer({"INBOX": Folder({1: mail(TOKEN)})}, context=authority.contexts["stranger"]) as server:
        report = wait(server, tls="implicit", validate_certs=False, ca_path=authority.ca_path)
    assert (report["found"], report["tls"]["verified"]) == (True, False)
    assert "not verified" in report["warnings"][0]


def test_whoever_takes_everybody_for_signed_in_is_not_believed():
    with ImapServer({"INBOX": Folder({1: mail(TOKEN)})}, greeting="* PREAUTH welcome") as server:
        assert cause(wait(server)) == "protocol_violation"


def test_login_for_servers_without_a_mechanism_of_ours():
    with ImapServer({"INBOX": Folder({1: mail(TOKEN)})}, capabilities="UIDPLUS") as server:
        report = wait(server)
    assert (report["found"], report["auth"]["mechanism"]) == (True, "LOGIN command")


def test_a_mechanism_by_name_that_is_not_offered():
    with ImapServer() as server:
        report = wait(server, auth_mechanisms=["SCRAM-SHA-256"])
    assert cause(report) == "auth_no_common_mechanism"


# Servers that lie; tests/hostile has those that mean ill

ENDLESS = 1 << 26  # octets: far more than is ever read


def flood(line):
    return line * (ENDLESS // len(line) // 8)


def test_a_server_that_lies_about_what_there_is():
    with ImapServer() as server:
        server.folders["INBOX"].uidnext = 4294967295
        report = wait(server, since={"INBOX": {"uidvalidity": 7, "uidnext": 1}})
    assert (report["found"], cause(report)) == (False, "mail_not_found")


def test_headers_of_eight_bits_and_worse_are_shown_safely():
    raw = mail(TOKEN).replace(b"Received: from relay", b"Received: from \xff\x00\x1b[2Jrelay")
    with ImapServer({"INBOX": Folder({1: raw})}) as server:
        report = wait(server)
    assert report["found"] is True
    assert "\x1b" not in json.dumps(report, ensure_ascii=False) and "\\x1b" in report["trace"]["hops"][0]["from"]


@pytest.mark.parametrize("token", [TOKEN, None])
@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_it_can_be_stopped_before_the_server_has_said_a_word(protocol, token):
    stops = []
    server = PopServer([]) if protocol == "pop3" else ImapServer()
    server.behave = lambda lines, _say, _sock: (stops[0](), lines.readline())
    with server:
        began = time.monotonic()
        report = wait(server, token=token, timeout=AGES, on_start=stops.append)
        took = time.monotonic() - began
    assert (report["verdict"], cause(report)) == ("not_checked", "interrupted")
    assert took < AGES / 2


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_no_goodbye_is_waited_for_when_the_time_is_up(protocol, monkeypatch):
    monkeypatch.setattr(connection, "_GOODBYE_SECONDS", AGES)
    server = PopServer([]) if protocol == "pop3" else ImapServer()
    server.override.update(dict.fromkeys(("NOOP", "UIDL", "QUIT"), ""))
    server.override["LOGOUT"] = lambda *_: server.sockets[-1].recv(1).decode()  # until the client is gone
    with server:
        began = time.monotonic()
        report = wait(server, timeout=2)
        took = time.monotonic() - began
    assert cause(report) == "timed_out"
    assert took < AGES / 2


def test_it_can_be_stopped():
    with ImapServer() as server:
        stops = []
        server.after["NOOP"] = lambda: stops and stops[0]()
        report = wait(server, timeout=60, on_start=stops.append)
    assert (report["verdict"], cause(report)) == ("not_checked", "interrupted")


# POP3


def test_pop3_finds_what_is_new_and_deletes_only_that():
    with PopServer([mail(OTHER)]) as server:
        noted = wait(server, token=None)["mailbox_state"]
        server.messages.append(mail(TOKEN))
        report = wait(server, since=noted, delete=True)
    assert (report["found"], report["mailbox"], report["deleted"]) == (True, "INBOX", 1)
    assert server.messages == [mail(OTHER)]
    assert report["auth"]["mechanism"] == "PLAIN"


def test_pop3_does_not_look_at_what_was_there_before():
    with PopServer([mail(TOKEN)]) as server:
        noted = wait(server, token=None)["mailbox_state"]
        assert wait(server, since=noted)["found"] is False
    assert [line for line in server.said if line.startswith("TOP")] == []


def test_pop3_a_server_that_wants_time_between_two_sessions_gets_it():
    """RFC 2449 6.4: LOGIN-DELAY, in seconds."""
    with PopServer([mail(OTHER)], capabilities="TOP\r\nUIDL\r\nSASL PLAIN\r\nLOGIN-DELAY 900") as server:
        report = wait(server)
    assert (report["verdict"], report["found"], cause(report)) == ("unreachable", None, "auth_limited")
    assert "900 s between two sessions" in report["msg"]
    assert server.sessions == 1


def test_pop3_the_last_message_that_was_noted_is_gone():
    with PopServer([mail(OTHER)]) as server:
        noted = wait(server, token=None)
        server.messages[:] = [mail(TOKEN)]
        report = wait(server, since=noted)
    assert report["found"] is True
    assert "is gone" in report["warnings"][0]


def test_pop3_a_message_that_is_another_by_now_is_left_alone():
    """RFC 1939 7: a UIDL is unique and lasts; there are servers that number instead."""
    with PopServer([mail(TOKEN), mail(OTHER)]) as server:
        server.override["UIDL"] = "+OK\r\n1 1\r\n2 2\r\n.\r\n"
        play = server.behave

        def taken_by_another(lines, say, sock):
            play(lines, say, sock)
            if len(server.messages) == 2:
                del server.messages[0]
                server.override["UIDL"] = "+OK\r\n1 1\r\n.\r\n"

        server.behave = taken_by_another
        report = wait(server, tokens=[TOKEN, "0" * 32], delete=True)
    assert [one["found"] for one in report["messages"]] == [True, False]
    assert (report["deleted"], server.messages) == (0, [mail(OTHER)])
    assert "another by now" in report["warnings"][0]


def test_pop3_what_the_server_does_not_remove_is_not_told_as_deleted():
    """RFC 1939 6: messages go when QUIT is answered, unless it says otherwise."""
    with PopServer([mail(TOKEN)]) as server:
        server.override["QUIT"] = "-ERR some deleted messages not removed\r\n"
        report = wait(server, delete=True)
    assert (report["found"], report["deleted"], report["changed"]) == (True, 0, False)
    assert "not removed" in report["warnings"][0]


def test_pop3_reads_a_bounce():
    with PopServer([bounce(TOKEN)]) as server:
        assert wait(server)["bounce"]["status"] == "5.1.1"


def test_pop3_by_user_and_pass():
    with PopServer([mail(TOKEN)], capabilities="USER") as server:
        assert wait(server)["auth"]["mechanism"] == "USER and PASS"


@pytest.mark.parametrize(
    "verb, text, expected",
    [
        ("PASS", "-ERR [AUTH] wrong\r\n", "auth_rejected"),
        ("PASS", "-ERR [SYS/TEMP] later\r\n", "auth_temporarily_failed"),
        ("PASS", "-ERR [IN-USE] locked\r\n", "mailbox_unavailable"),
        ("UIDL", "-ERR no\r\n", "mailbox_unavailable"),
        ("UIDL", "+OK\r\n" + flood("1 a\r\n"), "protocol_violation"),
        ("UIDL", "+OK\r\n" + flood("x"), "protocol_violation"),
        ("UIDL", "+OK\r\n\x00\r\n", "timed_out"),
        ("CAPA", "+OK\r\n\r\n.\r\n", "protocol_violation"),
    ],
)
def test_pop3_servers_that_refuse_or_misbehave(verb, text, expected):
    with PopServer([mail(TOKEN)], capabilities="USER") as server:
        server.override[verb] = text
        report = wait(server, timeout=2 if expected == "timed_out" else AGES)  # what floods us ends by its bound
    assert (report["verdict"], report["found"], cause(report)) == ("unreachable", None, expected)


def test_pop3_over_tls_after_stls(authority):
    with PopServer([mail(TOKEN)], capabilities="USER\r\nSTLS") as server:
        server.context = authority.contexts["good"]
        report = wait(server, tls="starttls", ca_path=authority.ca_path, allow_plaintext_auth=False)
    assert (report["found"], report["tls"]["verified"]) == (True, True)


@pytest.mark.parametrize(
    "capabilities, answer, expected",
    [
        ("USER", None, "tls_not_offered"),
        ("USER\r\nSTLS", "-ERR not now\r\n", "tls_refused"),
        ("USER\r\nSTLS", "+OK\r\n+OK too early\r\n", "tls_injection"),
    ],
)
def test_pop3_without_tls_no_secret_is_said(capabilities, answer, expected):
    with PopServer([mail(TOKEN)], capabilities=capabilities) as server:
        if answer:
            server.override["STLS"] = answer
        report = wait(server, tls="starttls", allow_plaintext_auth=False)
    assert (report["verdict"], cause(report)) == ("unreachable", expected)
    assert [line for line in server.said if line.startswith(("USER", "PASS", "AUTH"))] == []


def test_pop3_a_greeting_of_another_protocol():
    with PopServer([]) as server:
        server.greeting = "220 relay.example.com ESMTP"
        assert cause(wait(server)) == "not_a_mailbox"


# Maildir


def deliver(folder, raw, name, when=None):
    for part in ("tmp", "new", "cur"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    path = folder / "new" / name
    path.write_bytes(raw)
    if when is not None:
        os.utime(path, (when, when))
    return path


def maildir(path, **options):
    return wait_for_mail(protocol="maildir", path=str(path), **PATIENT, **options)


def test_maildir(tmp_path):
    deliver(tmp_path, mail(OTHER), "1.a", when=1000)
    noted = maildir(tmp_path)["mailbox_state"]
    assert noted == {"INBOX": {"messages": 1, "newest": 1000 * 10**9, "newest_names": ["1.a"]}}
    ours = deliver(tmp_path / ".Junk", mail(TOKEN), "2.b")
    report = maildir(tmp_path, token=TOKEN, since=noted, delete=True)
    assert (report["found"], report["mailbox"], report["junk"], report["deleted"]) == (True, "Junk", True, 1)
    assert not ours.exists()
    assert len(list((tmp_path / "new").iterdir())) == 1


def test_what_was_in_a_maildir_when_its_state_was_noted_is_not_new(tmp_path):
    read = deliver(tmp_path, mail(TOKEN), "1.a", when=1000)
    deliver(tmp_path, mail(TOKEN), "2.b", when=999)
    noted = json.loads(json.dumps(maildir(tmp_path)["mailbox_state"]))
    read.rename(tmp_path / "cur" / "1.a:2,S")
    assert maildir(tmp_path, token=TOKEN, since=noted)["found"] is False
    deliver(tmp_path, mail(TOKEN), "3.c", when=1000)
    assert maildir(tmp_path, token=TOKEN, since=noted)["found"] is True


def test_a_message_with_a_time_that_is_yet_to_come_hides_none(tmp_path):
    """Clocks are set back, and IMAP gives a copy the time of what it is a copy of."""
    deliver(tmp_path, mail(OTHER), "1.a", when=time.time() + 86400)
    noted = json.loads(json.dumps(maildir(tmp_path)["mailbox_state"]))
    deliver(tmp_path, mail(TOKEN), "2.b")
    assert maildir(tmp_path, token=TOKEN, since=noted)["found"] is True
    assert maildir(tmp_path, token=OTHER, since=noted)["found"] is False


def test_a_message_that_was_begun_first_and_comes_last(tmp_path):
    """A file has the time of its last octet, and is moved to its place after that."""
    deliver(tmp_path, mail(OTHER), "1.a")
    noted = maildir(tmp_path)["mailbox_state"]
    deliver(tmp_path, mail(TOKEN), "0.z", when=time.time() - 5)
    assert maildir(tmp_path, token=TOKEN, since=noted)["found"] is True
    assert maildir(tmp_path, token=OTHER, since=noted)["found"] is False


SIGNED = "DKIM-Signature: v=1; a=rsa-sha1; d=example.com; s=s1\r\n"  # so that the whole of it is read


def test_a_large_maildir_is_not_gone_through_for_each_message(tmp_path, monkeypatch):
    tokens = ["%032x" % number for number in range(20)]
    for number, token in enumerate(tokens):
        deliver(tmp_path, mail(token, SIGNED), "%d.a" % number)
    gone_through = []
    files = Maildir._files
    monkeypatch.setattr(Maildir, "_files", lambda self, place: gone_through.append(place) or files(self, place))
    report = maildir(tmp_path, tokens=tokens, delete=True)
    assert (report["found"], report["deleted"]) == (True, 20)
    assert len(gone_through) == 2  # to look, and to delete


def test_a_message_that_somebody_reads_while_we_look(tmp_path, monkeypatch):
    path = deliver(tmp_path, mail(TOKEN, SIGNED), "1.a")
    look = Maildir.look

    def looked(self, *given):
        found = look(self, *given)
        path.rename(tmp_path / "cur" / "1.a:2,S")
        return found

    monkeypatch.setattr(Maildir, "look", looked)
    report = maildir(tmp_path, token=TOKEN)
    assert (report["found"], report["dkim"]["state"]) == (True, "present")


def test_a_state_of_a_maildir_without_names_still_serves(tmp_path):
    deliver(tmp_path, mail(OTHER), "1.a", when=999)
    deliver(tmp_path, mail(TOKEN), "2.b", when=1000)
    since = {"INBOX": {"messages": 1, "newest": 1000 * 10**9}}
    assert maildir(tmp_path, token=TOKEN, since=since)["found"] is True
    assert maildir(tmp_path, token=OTHER, since=since)["found"] is False


def test_a_maildir_that_is_none(tmp_path):
    report = maildir(tmp_path / "nowhere", token=TOKEN)
    assert (report["verdict"], report["found"], cause(report)) == ("unreachable", None, "mailbox_unavailable")


def test_a_maildir_tells_of_a_bounce_and_of_folders_that_are_named(tmp_path):
    deliver(tmp_path, bounce(TOKEN), "1.a")
    deliver(tmp_path / ".lists.ours", mail(OTHER), "2.b")
    assert maildir(tmp_path, token=TOKEN)["bounce"]["status"] == "5.1.1"
    assert maildir(tmp_path, token=OTHER, folders=["lists/ours"])["mailbox"] == "lists/ours"


def test_what_is_no_file_in_a_maildir_is_passed_over(tmp_path):
    """To open a FIFO waits for whoever writes into it, for ever."""
    deliver(tmp_path, mail(OTHER), "1.a")
    os.mkfifo(str(tmp_path / "new" / "2.fifo"))
    (tmp_path / "new" / "3.folder").mkdir()
    assert maildir(tmp_path, token=TOKEN)["verdict"] == "failed"
    assert maildir(tmp_path)["mailbox_state"]["INBOX"]["messages"] == 1


def test_a_folder_without_messages_is_no_maildir(tmp_path):
    report = maildir(tmp_path, token=TOKEN)
    assert cause(report) == "mailbox_unavailable"
    assert "is no Maildir" in report["failure"]["text"]


def test_old_probes_in_a_maildir(tmp_path):
    old = deliver(tmp_path, mail(OTHER), "1.a", when=time.time() - 7200)
    deliver(tmp_path, mail(TOKEN), "2.b")
    assert maildir(tmp_path, token=TOKEN, delete_older_than=3600)["deleted"] == 1
    assert not old.exists()


# What it says


WHERE_A_WAIT_MAY_END = (
    "name_not_found", "connection_refused", "connection_timed_out", "connection_lost", "timed_out", "no_greeting",
    "protocol_violation", "tls_not_offered", "tls_refused", "tls_injection", "tls_handshake_stalled",
    "tls_handshake_reset", "tls_not_spoken", "tls_dh_weak", "tls_version_mismatch", "tls_cipher_mismatch",
    "tls_protocol_error", "client_certificate_required", "client_certificate_rejected", "auth_server_not_authentic",
    "auth_mechanism_refused", "client_blocked", "certificate_expired", "certificate_name_mismatch", "credentials_withheld", "tls_required",
    "auth_rejected", "auth_not_offered", "auth_not_offered_in_clear", "auth_no_common_mechanism", "auth_protocol_error",
    "auth_limited", "auth_temporarily_failed", "auth_disabled", "mailbox_unavailable", "not_a_mailbox",
)  # fmt: skip


@pytest.mark.parametrize("name", WHERE_A_WAIT_MAY_END)
def test_no_word_of_relays_where_a_mailbox_fails(name):
    hint = hint_of(name, "imap.example.net", 993, kind="mailbox")
    said = "%s %s" % (of_a_server(CAUSES[name].explanation), hint)
    assert (
        re.findall(r"(?i)\b(?:relays?|SMTP|EHLO|submission|Postfix|Exim|25|587|465|retry_for|dns_servers)\b", said)
        == []
    )


# Mistakes


@pytest.mark.parametrize(
    "option, options",
    [
        ("host", {"username": "a", "password": "b"}),
        ("username", {"host": "imap.example.net"}),
        ("path", {"protocol": "maildir"}),
        ("path", {"host": "imap.example.net", "path": "/x", **SIGN_IN}),
        ("token", {"host": "imap.example.net", "token": 'a" OR ALL', **SIGN_IN}),
        ("token", {"host": "imap.example.net", "token": "a\r\nb", **SIGN_IN}),
        ("folders[0]", {"host": "imap.example.net", "folders": ["a\r\nb"], **SIGN_IN}),
        ("tokens", {"host": "imap.example.net", "tokens": ["a", "a"], **SIGN_IN}),
        ("sent", {"host": "imap.example.net", "sent": {"message": None}, **SIGN_IN}),
        ("since", {"host": "imap.example.net", "since": {"INBOX": 3}, **SIGN_IN}),
        ("since", {"host": "imap.example.net", "since": {"INBOX": {"newest_names": [3]}}, **SIGN_IN}),
        ("expect.dkmi", {"host": "imap.example.net", "expect": {"dkmi": "pass"}, **SIGN_IN}),
        ("expect.bounce.state", {"host": "imap.example.net", "expect": {"bounce": {"state": 5}}, **SIGN_IN}),
        ("timeout", {"host": "imap.example.net", "timeout": 0, **SIGN_IN}),
        ("source_address", {"host": "imap.example.net", "source_address": "here", **SIGN_IN}),
    ],
)
def test_mistakes_are_refused_before_any_connection(option, options):
    with pytest.raises(OptionError) as refused:
        wait_for_mail(**options)
    assert refused.value.option == option
