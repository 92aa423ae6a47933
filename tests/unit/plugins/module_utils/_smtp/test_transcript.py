# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What was said, by whom, when and whether under TLS; bounded, whatever a relay does.

from __future__ import annotations

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.text import MAX_TEXT
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp import transcript
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.replies import Reply
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.transcript import Transcript


def test_both_sides_in_order():
    heard = Transcript(100.0)
    heard.server(Reply(220, ("relay.example.com",)), 100.05)
    heard.client("EHLO client.example.org", 100.05)
    heard.server(Reply(250, ("relay.example.com", "SIZE 1000", "HELP")), 100.1234567)
    heard.client("STARTTLS", 100.2)
    heard.tls = True
    heard.client("QUIT", 101.0)
    assert heard.as_dicts() == [
        {"at": 0.05, "from": "server", "text": "220 relay.example.com", "tls": False},
        {"at": 0.05, "from": "client", "text": "EHLO client.example.org", "tls": False},
        {
            "at": 0.1235,
            "from": "server",
            "text": "250-relay.example.com\n250-SIZE 1000\n250 HELP",
            "tls": False,
        },
        {"at": 0.2, "from": "client", "text": "STARTTLS", "tls": False},
        {"at": 1.0, "from": "client", "text": "QUIT", "tls": True},
    ]


def test_codes_have_three_digits():
    heard = Transcript(0.0)
    heard.server(Reply(7, ("odd",)), 0.0)
    assert heard.as_dicts()[0]["text"] == "007 odd"


def test_a_transcript_of_nothing_is_empty():
    assert Transcript(0.0).as_dicts() == []


def test_a_long_text_is_cut_and_counted():
    heard = Transcript(0.0)
    heard.server(Reply(250, ("x" * 100000,)), 0.0)
    (entry,) = heard.as_dicts()
    assert len(entry["text"]) < MAX_TEXT + 100
    assert entry["text"].startswith("250 xxx")
    assert entry["text"].endswith("characters more)")
    heard.server(Reply(250, ("x" * (MAX_TEXT - 3),)), 0.0)
    assert heard.as_dicts()[-1]["text"].endswith("(1 character more)")


def test_what_fits_exactly_is_kept(monkeypatch):
    monkeypatch.setattr(transcript, "MAX_CHARACTERS", 8)
    heard = Transcript(0.0)
    for text in ("NOOP", "RSET", "X"):
        heard.client(text, 0.0)
    assert [entry["text"] for entry in heard.as_dicts()] == ["NOOP", "RSET", "further entries left out: 1"]


def test_what_is_left_out_is_counted():
    heard = Transcript(0.0)
    for number in range(transcript.MAX_ENTRIES + 7):
        heard.client("NOOP %d" % number, float(number))
    shown = heard.as_dicts()
    assert len(shown) == transcript.MAX_ENTRIES + 1
    assert shown[-1]["text"] == "further entries left out: 7"


def test_long_entries_are_left_out_before_short_ones_are_too_many():
    heard = Transcript(0.0)
    for _number in range(transcript.MAX_ENTRIES):
        heard.client("x" * MAX_TEXT, 0.0)
    shown = heard.as_dicts()
    assert sum(len(entry["text"]) for entry in shown[:-1]) <= transcript.MAX_CHARACTERS
    assert shown[-1]["text"] == "further entries left out: %d" % (transcript.MAX_ENTRIES - len(shown) + 1)
