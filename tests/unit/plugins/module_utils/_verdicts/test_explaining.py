# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What a failure means in words, and what else the relay's words hold.

from __future__ import annotations

import re

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts import explaining, wording
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.causes import CAUSES, Failure
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.explaining import explanation_of, facts_of


@pytest.mark.parametrize(
    "cause, code, enhanced_code, codes",
    [
        ("relay_denied", 554, "5.7.1", "554: transaction failed, or refused by policy (refused for good); 5.7.1: delivery not authorised"),
        ("auth_limited", 432, "4.3.2", "432: refused for now"),
        ("mailbox_unknown", 550, "5.4.1", "550: mailbox not available, or refused by policy (refused for good)"),
        ("mailbox_disabled", 552, "5.2.1", "552: refused for good; 5.2.1: mailbox disabled"),
        ("greylisted", 452, "4.2.2", "452: refused for now"),
        ("auth_disabled", 534, "5.7.9", "534: refused for good"),
        ("auth_mechanism_refused", 534, "5.7.9", "534: mechanism too weak (refused for good); 5.7.9: mechanism too weak"),
        # a general cause says no more than the codes
        ("recipient_rejected", 552, "5.2.2", "552: storage exceeded (refused for good); 5.2.2: mailbox full"),
    ],
)  # fmt: skip
def test_a_meaning_that_contradicts_the_words_is_left_out(cause, code, enhanced_code, codes):
    failure = Failure("rcpt", cause, code, enhanced_code)
    assert explanation_of(failure) == "%s %s." % (CAUSES[cause].explanation, codes)


def test_what_no_reply_told_has_no_codes():
    assert explanation_of(Failure("connect", "connection_refused")) == CAUSES["connection_refused"].explanation


@pytest.mark.parametrize(
    "cause, text, facts",
    [
        ("client_blocked", "5.7.1 Client host [192.0.2.9] blocked using bl.example.org; https://bl.example.org/192.0.2.9.",
         {"blocklist": "bl.example.org", "client_address": "192.0.2.9", "url": "https://bl.example.org/192.0.2.9"}),
        ("client_blocked", "2001:db8::9 is listed by Spamhaus", {"blocklist": "Spamhaus", "client_address": "2001:db8::9"}),
        ("client_refused", "[TSS04] Messages from 192.0.2.9 deferred", {"client_address": "192.0.2.9", "policy": "TSS04"}),
        ("message_too_large", "5.2.3 Message exceeds maximum fixed size (1000)", {"limit": "1000"}),
        ("message_too_large", "message size 2000 exceeds size limit 1000 of server", {"limit": "1000"}),
        ("message_too_large", "exceeds my databytes limit (#5.3.4)", {}),
        ("sending_limit_reached", "hourly limit of 100 messages exceeded", {"limit": "100"}),
        ("policy_rejected", "see AUP#1310", {"policy": "AUP#1310"}),
        ("policy_rejected", "the From header (RFC5322) is missing", {}),
        ("mailbox_unknown", "User unknown, limit 5, 192.0.2.9", {}),
        ("bad_sequence", "blocked using bl.example.org", {}),
        ("policy_rejected", "blocked using bl.example.org", {}),
    ],
)  # fmt: skip
def test_what_else_the_words_hold(cause, text, facts):
    assert facts_of(Failure("rcpt", cause, 550, None, text)) == facts


class Counted:
    """A pattern that counts the characters it is shown: what it does with them shows in no count of Python's steps."""

    def __init__(self, pattern, shown):
        self._pattern, self._shown = pattern, shown

    def __getattr__(self, method):
        def used(*given):
            self._shown.append(len(given[-1]))
            return getattr(self._pattern, method)(*given)

        return used


@pytest.mark.parametrize("text", ["listed by ", "a.", "limit ", "x" * 997 + " ", "https://", "queued as", "1.2.3.4 "])
def test_no_pattern_is_shown_more_than_the_beginning_of_a_text(text, monkeypatch):
    """Some take longer than their text is long, though none longer than 3 ms for what it is shown."""
    shown = []
    for module in (explaining, wording):
        for name, value in vars(module).copy().items():
            if isinstance(value, re.Pattern):
                monkeypatch.setattr(module, name, Counted(value, shown))
    monkeypatch.setattr(wording, "_QUEUE_IDS", [Counted(form, shown) for form in wording._QUEUE_IDS])
    sums = []
    for octets in (2000, 64000):
        words = text * (octets // len(text))
        shown.clear()
        for cause in ("client_blocked", "message_too_large"):
            facts_of(Failure("rcpt", cause, 550, None, words))
        wording.cause_of("rcpt", 550, None, words)
        wording.queue_id(words)
        assert 0 < max(shown) <= wording.CHARACTERS_READ + len(" not")
        sums.append(sum(shown))
    assert sums[0] == sums[1]


@pytest.mark.parametrize("text", ["blocked " * 2000, "using " * 2000, "limit " * 2000, "[A1" * 3000, "a." * 4000, ""])
def test_no_text_holds_what_it_does_not(text):
    for cause in ("client_blocked", "message_too_large"):
        assert facts_of(Failure("rcpt", cause, 550, None, text)) == {}
