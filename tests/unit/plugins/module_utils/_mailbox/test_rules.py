# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What is expected of a message that has arrived, judged by what was found.

from __future__ import annotations

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.authentication import authentication_of
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.finding import Finding, Wanted
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.headers import fields_of
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.rules import RULES
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.signatures import Dkim
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.spam import spam_of
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.trace import trace_of

CLAIM = b"Authentication-Results: mx.example.net; dkim=%s\r\n"
HOP = b"Received: from relay.example.com (192.0.2.7) by mx.example.net%s id 1; Sat, 28 Nov 2026 12:00:01 +0000\r\n"


def outcome(name, expected, **found):
    judged = RULES[name].judge(expected, Finding(Wanted("a"), **found), 0.0)
    return judged.outcome, judged.observed


@pytest.mark.parametrize(
    "own, claimed, expected",
    [
        (Dkim("present", "", True, "example.com", "s1"), b"fail", ("met", "pass")),
        (Dkim("present", "the key was revoked", False, "example.com", "s1"), b"pass", ("unmet", "fail")),
        (Dkim("not_determined", "the key could not be asked for", None, "example.com", "s1"), b"pass", ("met", "pass")),
        (Dkim("absent", "", None, None, None), b"fail", ("unmet", "fail")),
    ],
)
def test_a_signature_that_was_verified_counts_more_than_what_a_receiver_claims(own, claimed, expected):
    claim = authentication_of(fields_of(CLAIM % claimed), ["mx.example.net"])
    assert outcome("dkim", ["pass"], dkim=own, authentication=claim) == expected


@pytest.mark.parametrize(
    "hop, expected",
    [(b" with ESMTPS", "met"), (b" with ESMTP", "unmet"), (b"", "unknown")],
)
def test_a_server_that_does_not_say_how_it_got_the_message_leaves_open_whether_all_is_encrypted(hop, expected):
    assert outcome("tls_on_every_hop", True, trace=trace_of(fields_of(HOP % hop)))[0] == expected


@pytest.mark.parametrize("word, flagged", [(b"YES", True), (b"NO", False)])
@pytest.mark.parametrize("expected", [True, False])
def test_what_a_filter_says(word, flagged, expected):
    spam = spam_of(fields_of(b"X-Spam-Flag: %s\r\n" % word + HOP % b" with ESMTPS"), [])
    assert outcome("spam", expected, spam=spam) == ("met" if expected is flagged else "unmet", flagged)
