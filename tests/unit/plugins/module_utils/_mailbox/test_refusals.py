# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Mailboxes that refuse a step, or say what no standard has: what could not be looked at is never called missing, and
# what could not be deleted is never called deleted.

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox import maildir as module
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.connection import Interrupter
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.model import MOST_FOLDERS, RECENT
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.request import request_of
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.wait import wait_for_mail
from ansible_collections.postmaster.mailcheck.tests.support.mailboxes import (
    SIGN_IN,
    Folder,
    ImapServer,
    PopServer,
    bounce,
    mail,
)

TOKEN = "0123456789abcdef0123456789abcdef"
SINCE = {"INBOX": {"uidvalidity": 7, "uidnext": 11}}
SIGNED = "DKIM-Signature: v=1; a=rsa-sha1; d=example.com; s=s1\r\n"  # so that the whole of it is read


def wait(server, **options):
    where = {"host": "127.0.0.1", "port": server.port, "tls": "none", "allow_plaintext_auth": True}
    where["protocol"] = "pop3" if isinstance(server, PopServer) else "imap"
    return wait_for_mail(**{**where, **SIGN_IN, "token": TOKEN, "timeout": 0.9, "poll_interval": 0.1, **options})


def ended(report):
    failure = report["failure"] or {}
    return report["verdict"], report["found"], failure.get("cause"), failure.get("stage")


# IMAP


@pytest.mark.parametrize(
    "greeting, cause",
    [
        ("* BYE too busy", "mailbox_unavailable"),  # RFC 9051 7.1.5
        ("+OK POP3 ready", "not_a_mailbox"),
    ],
)
def test_imap_a_greeting_that_begins_no_session(greeting, cause):
    with ImapServer(greeting=greeting) as server:
        assert ended(wait(server)) == ("unreachable", None, cause, "greeting")
    assert server.heard("AUTHENTICATE") == []


@pytest.mark.parametrize("verb", ["UID SEARCH", "UID FETCH"])
def test_imap_a_server_that_refuses_to_look(verb):
    """Without a state from before the latest are looked at, and the server searches among the others."""
    with ImapServer({"INBOX": Folder({number: mail(TOKEN) for number in range(1, RECENT + 2)})}) as server:
        server.override[verb] = "{tag} NO [SERVERBUG] index is broken\r\n"
        report = wait(server)
    assert ended(report) == ("unreachable", None, "mailbox_unavailable", "find")
    assert "%s: [SERVERBUG] index is broken" % verb.split()[1] in report["failure"]["text"]


def test_imap_an_answer_that_no_number_fits():
    with ImapServer({"INBOX": Folder({11: mail(TOKEN)})}) as server:
        server.override["EXAMINE"] = "* 1 FETCH (BODY[] {%s}\r\n" % ("9" * 5000)
        assert ended(wait(server)) == ("unreachable", None, "protocol_violation", "folder")


def test_imap_what_the_server_does_not_delete_is_not_told_as_deleted():
    with ImapServer({"INBOX": Folder({11: mail(TOKEN)})}) as server:
        server.override["UID STORE"] = "{tag} NO [NOPERM] read-only mailbox\r\n"
        report = wait(server, delete=True)
    assert (report["found"], report["deleted"], report["changed"], server.expunged) == (True, 0, False, [])
    assert any("INBOX: [NOPERM] read-only mailbox" in warning for warning in report["warnings"])


@pytest.mark.parametrize(
    "more, password, cause",
    [
        ("LOGINDISABLED", SIGN_IN["password"], "auth_not_offered_in_clear"),  # RFC 9051 6.2.3
        ("", "pa\u00dfwort", "auth_no_common_mechanism"),
    ],
)
def test_imap_no_password_leaves_by_login_where_it_must_not_or_cannot(more, password, cause):
    with ImapServer(capabilities="UIDPLUS " + more) as server:
        assert ended(wait(server, password=password)) == ("unreachable", None, cause, "auth")
    assert server.heard("LOGIN") == []


def test_imap_a_server_that_lists_nothing_is_looked_into_all_the_same():
    folders = {"INBOX": Folder(), "Filed": Folder({11: mail(TOKEN)})}
    with ImapServer(folders) as server:
        server.override["LIST"] = "{tag} NO not for you\r\n"
        report = wait(server, folders=["Filed"])
    assert (report["found"], report["mailbox"]) == (True, "Filed")
    assert any("lists no folders (not for you)" in warning for warning in report["warnings"])


def test_imap_of_folders_for_spam_without_end_only_so_many_are_opened():
    folders = {"Junk %02d" % number: Folder(flags=r"\Junk") for number in range(MOST_FOLDERS + 2)}
    with ImapServer({"INBOX": Folder({11: mail(TOKEN)}), **folders}) as server:
        report = wait(server)
    assert report["found"] is True
    assert {line for line in server.heard("EXAMINE") if "Junk" in line} == {
        'EXAMINE "Junk %02d"' % number for number in range(MOST_FOLDERS)
    }
    assert any("%d folders for spam" % (MOST_FOLDERS + 2) in warning for warning in report["warnings"])


def test_imap_a_message_that_is_shown_twice_is_one():
    inbox = Folder({11: mail(TOKEN)})
    with ImapServer({"INBOX": inbox}) as server:
        twice = ("* 1 FETCH (UID 11 BODY[] {%d}\r\n%s)\r\n" % (len(mail(TOKEN)), mail(TOKEN).decode())) * 2
        server.override["UID FETCH"] = twice + "* 2 FETCH (UID 99 BODY[] {4}\r\ntest)\r\n{tag} OK done\r\n"
        report = wait(server, delete=True, since=SINCE)
    assert (report["found"], report["deleted"], server.heard("UID STORE")) == (
        True, 1, [r"UID STORE 11 +FLAGS.SILENT (\Deleted)"],
    )  # fmt: skip


def test_imap_a_folder_that_is_gone_when_its_message_is_to_be_read():
    """It has been seen, but not whether its signature holds: then nothing is said to have arrived."""
    folders = {"INBOX": Folder({11: mail(TOKEN, SIGNED)}), "Junk": Folder(flags=r"\Junk")}

    def only_junk(_tag, rest):
        return None if "Junk" in rest else "{tag} NO [NONEXISTENT] gone\r\n"

    with ImapServer(folders) as server:
        server.after["UID FETCH"] = lambda: server.override.update({"EXAMINE": only_junk})
        report = wait(server, since=SINCE)
    assert ended(report) == ("unreachable", None, "mailbox_unavailable", "folder")
    assert report["failure"]["text"] == "INBOX: [NONEXISTENT] gone"


def test_imap_a_server_that_hides_what_it_does_not_open_for_writing():
    with ImapServer({"INBOX": Folder({11: mail(TOKEN)})}) as server:
        server.override.update({"UID FETCH": "{tag} OK done\r\n", "SELECT": "{tag} NO [NOPERM] read-only\r\n"})
        report = wait(server)
    assert ended(report) == ("unreachable", None, "mailbox_unavailable", "folder")
    assert report["failure"]["text"] == "INBOX: [NOPERM] read-only"


def test_imap_old_probes_are_looked_for_where_a_folder_opens():
    inbox = Folder({10: mail("f" * 32), 11: mail(TOKEN)})
    inbox.dates = {10: "01-Jan-2026 12:00:00 +0000", 11: "28-Nov-2036 12:00:00 +0000"}
    with ImapServer({"INBOX": inbox}) as server:
        report = wait(server, folders=["Gone"], delete_older_than=86400 * 30)
    assert (report["found"], report["deleted"], server.expunged) == (True, 1, [("INBOX", 10)])


def test_a_copy_of_a_message_is_ours_as_well():
    with ImapServer({"INBOX": Folder({11: mail(TOKEN), 12: mail(TOKEN)})}) as server:
        report = wait(server, delete=True)
    assert (report["found"], report["deleted"], server.expunged) == (True, 2, [("INBOX", 11), ("INBOX", 12)])


def test_of_two_bounces_of_one_message_the_first_counts():
    """A server may send one for each attempt; the second tells nothing new."""
    with ImapServer({"INBOX": Folder({11: bounce(TOKEN), 12: bounce(TOKEN, status="5.2.2")})}) as server:
        report = wait(server, delete=True)
    assert (report["bounce"]["status"], report["notices"], report["deleted"]) == ("5.1.1", [], 2)


# SASL, in IMAP and POP3


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
@pytest.mark.parametrize(
    "challenges, said",
    [
        (["!!!"], "is not base64"),
        (["", "", ""], "another challenge after the mechanism's last response"),
    ],
)
def test_a_server_that_breaks_the_rules_of_a_sign_in(protocol, challenges, said):
    """RFC 9051 6.2.2, RFC 5034 4: a challenge is base64; RFC 4616 2: PLAIN has one response."""
    server = PopServer([], "UIDL\r\nTOP\r\nSASL PLAIN") if protocol == "pop3" else ImapServer()
    lines = "".join("+ %s\r\n" % challenge for challenge in challenges)
    with server:
        server.override.update({"AUTHENTICATE": lines, "AUTH": lines})
        report = wait(server)
    assert ended(report) == ("unreachable", None, "auth_protocol_error", "auth")
    assert said in report["failure"]["text"]


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_a_password_that_no_mechanism_can_carry_does_not_leave(protocol):
    """RFC 4013 2.3: SASLprep prohibits characters of private use (table C.3). Only SCRAM prepares what it is given."""
    server = (
        PopServer([], "UIDL\r\nTOP\r\nSASL SCRAM-SHA-256")
        if protocol == "pop3"
        else ImapServer(capabilities="AUTH=SCRAM-SHA-256")
    )
    with server:
        report = wait(server, password="\ue000tanstaaf")
    assert ended(report) == ("unreachable", None, "auth_protocol_error", "auth")
    assert not any(line.startswith("AUTH") for line in server.said)


# POP3


@pytest.mark.parametrize("verb, found, stage", [("TOP", None, "find"), ("DELE", True, "delete")])
def test_pop3_a_server_that_refuses_a_step(verb, found, stage):
    with PopServer([mail(TOKEN)]) as server:
        server.override[verb] = "-ERR [SYS/TEMP] later\r\n"
        report = wait(server, delete=True)
    assert (report["found"], report["deleted"], len(server.messages)) == (found, 0, 1)
    said = [report["failure"]["text"]] if found is None else report["warnings"]
    assert any("%s: -ERR [SYS/TEMP] later" % verb in text for text in said)


def test_pop3_a_server_that_does_not_say_what_it_can_do():
    """RFC 2449 5: CAPA is an extension. USER and PASS are what is left."""
    with PopServer([mail(TOKEN)]) as server:
        server.override["CAPA"] = "-ERR unknown command\r\n"
        report = wait(server)
    assert (report["found"], report["auth"]["mechanism"]) == (True, "USER and PASS")


def test_pop3_old_probes_are_not_looked_for_and_that_is_said():
    with PopServer([mail("f" * 32), mail(TOKEN)]) as server:
        report = wait(server, delete_older_than=86400)
    assert (report["found"], report["deleted"], len(server.messages)) == (True, 0, 2)
    assert report["warnings"] == ["POP3 tells no age of messages: old probes are not looked for."]


def test_pop3_in_a_mailbox_that_was_empty_all_is_new():
    with PopServer([]) as server:
        noted = wait(server, token=None)["mailbox_state"]
        server.messages += [mail("%032x" % number) for number in range(RECENT + 1)] + [mail(TOKEN)]
        report = wait(server, token="0" * 32, since=noted)
    assert (report["found"], report["warnings"]) == (True, [])


def test_pop3_a_message_that_another_client_has_removed_is_not_told_as_deleted():
    with PopServer([mail(TOKEN)]) as server:
        play = server.behave

        def removed_by_another(lines, say, sock):
            play(lines, say, sock)
            server.messages.clear()

        server.behave = removed_by_another
        report = wait(server, token=None, tokens=[TOKEN, "0" * 32], delete=True)
    assert [one["found"] for one in report["messages"]] == [True, False]
    assert (report["deleted"], report["changed"]) == (0, False)
    assert any("a message is gone that was there" in warning for warning in report["warnings"])


# Maildir


def maildir(path, **options):
    return wait_for_mail(protocol="maildir", path=str(path), timeout=0.9, poll_interval=0.1, **options)


def refuse(*_given):
    raise PermissionError(13, "Permission denied")


@pytest.fixture
def folder(tmp_path):
    for part in ("tmp", "new", "cur"):
        (tmp_path / part).mkdir()
    (tmp_path / "new" / "1.a").write_bytes(mail(TOKEN, SIGNED))
    return tmp_path


def test_maildir_a_part_that_is_no_folder(folder):
    (folder / "cur").rmdir()
    (folder / "cur").write_bytes(b"")
    report = maildir(folder, token=TOKEN)
    assert ended(report) == ("unreachable", None, "mailbox_unavailable", "folder")
    assert report["failure"]["text"] == "%s/cur: Not a directory" % folder


def test_maildir_a_name_that_leads_nowhere_is_passed_over(folder):
    (folder / "new" / "2.b").symlink_to(folder / "gone")
    report = maildir(folder, token=TOKEN)
    assert report["found"] is True
    assert maildir(folder)["mailbox_state"]["INBOX"]["messages"] == 1


def test_maildir_a_message_that_cannot_be_read_is_not_called_missing(folder, monkeypatch):
    monkeypatch.setattr(module, "_open_at_once", refuse)
    report = maildir(folder, token=TOKEN)
    assert ended(report) == ("unreachable", None, "mailbox_unavailable", "find")
    assert report["failure"]["text"] == "%s: Permission denied" % (folder / "new" / "1.a")


def test_maildir_what_is_not_removed_is_not_told_as_deleted(folder, monkeypatch):
    monkeypatch.setattr(os, "unlink", refuse)
    report = maildir(folder, token=TOKEN, delete=True)
    assert (report["found"], report["deleted"], report["changed"]) == (True, 0, False)
    assert any("Permission denied" in warning for warning in report["warnings"])


def test_maildir_a_message_that_goes_while_the_folder_is_gone_through(folder, monkeypatch):
    (folder / "new" / "2.b").write_bytes(mail("f" * 32))
    os.utime(str(folder / "new" / "2.b"), (1000, 1000))
    read = module.Maildir._read
    monkeypatch.setattr(
        module.Maildir, "_read", lambda self, path, octets: None if path.endswith("2.b") else read(self, path, octets)
    )
    report = maildir(folder, token=TOKEN, delete_older_than=60)
    assert (report["found"], report["deleted"]) == (True, 0)


def test_maildir_inbox_by_name_and_a_folder_that_is_not_there(folder):
    report = maildir(folder, token=TOKEN, folders=["inbox", "Later"])
    assert (report["found"], report["mailbox"]) == (True, "INBOX")


# What stops a wait


@pytest.mark.parametrize("first", ["stopped", "connected"])
def test_a_session_ends_whether_it_is_there_when_the_wait_is_stopped_or_comes_later(first):
    interrupted = []
    session, interrupter = SimpleNamespace(interrupt=lambda: interrupted.append(first)), Interrupter()
    steps = [interrupter.interrupt, lambda: interrupter.watch(session)]
    for step in steps if first == "stopped" else reversed(steps):
        step()
    assert interrupted == [first]


# What is asked for


@pytest.mark.parametrize(
    "option, given",
    [
        ("delete_older_than", {"delete_older_than": 59}),
        ("token", {"token": None, "recipient": "user@example.net"}),
        ("expect.folder", {"expect": {"folder": " "}}),
        ("expect.bounce", {"expect": {"bounce": "5.1.1"}}),
    ],
)
def test_a_mistake_is_refused_before_any_connection(option, given):
    with pytest.raises(OptionError) as refused:
        request_of({"host": "imap.example.net", "token": TOKEN, **SIGN_IN, **given})
    assert refused.value.option == option


def test_no_traceback_shows_a_password():
    request = request_of({"host": "imap.example.net", **SIGN_IN})
    assert repr(request) == "<Request of imap.example.net>"
    assert repr(request_of({"protocol": "maildir", "path": "/var/mail/tim"})) == "<Request of /var/mail/tim>"
