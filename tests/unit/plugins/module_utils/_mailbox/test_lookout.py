# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A mailbox that is looked into while something else goes on.

from __future__ import annotations

import time

from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.lookout import Lookout
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.maildir import Maildir
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.request import request_of
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.attempts import Broken
from ansible_collections.postmaster.mailcheck.tests.support.delivering import make_maildir
from ansible_collections.postmaster.mailcheck.tests.support.mailboxes import bounce, mail

TOKENS = ("0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210")


def lookout(place):
    return Lookout(request_of({"protocol": "maildir", "path": str(place)}), time.monotonic)


def test_what_comes_after_it_was_noted_is_seen(tmp_path):
    place = make_maildir(tmp_path / "own")
    (place / "new" / "0.old").write_bytes(mail(TOKENS[0]))
    looking = lookout(place)
    assert looking.note() is True
    looking.begin(TOKENS, 5.0)
    assert (looking.look(), looking.found, looking.bounced) == (True, {}, {})
    (place / "new" / "1.a").write_bytes(mail(TOKENS[0]))
    (place / "new" / "2.b").write_bytes(bounce(TOKENS[1]))
    looking.look()
    assert looking.found == {TOKENS[0]: mail(TOKENS[0])}
    assert looking.bounced[TOKENS[1]].status == "5.1.1"
    assert looking.why == ""


def test_a_message_that_was_seen_and_cannot_be_read_is_said(tmp_path, monkeypatch):
    place = make_maildir(tmp_path / "own")
    looking = lookout(place)
    looking.note()
    looking.begin(TOKENS, 5.0)
    (place / "new" / "1.a").write_bytes(mail(TOKENS[0]))

    def whole(*_given):
        raise Broken("mailbox_unavailable", "Permission denied", "find")

    monkeypatch.setattr(Maildir, "whole", whole)
    looking.look()
    assert (looking.found, looking.why) == ({}, "mailbox_unavailable: Permission denied")


def test_a_mailbox_that_is_none_is_said_before_anything_is_sent(tmp_path):
    looking = lookout(tmp_path / "nowhere")
    assert looking.note() is False
    assert looking.why.startswith("mailbox_unavailable: ")


def test_it_may_be_stopped_before_it_has_begun(tmp_path):
    looking = lookout(tmp_path)
    looking.interrupt()
    looking.close()
    assert looking.found == {}
