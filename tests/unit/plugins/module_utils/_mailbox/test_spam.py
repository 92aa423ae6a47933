# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What filters have written about a message; believed only above the receiver's own Received lines.

from __future__ import annotations

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.headers import fields_of
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.spam import spam_of

RECEIVED = (
    "Received: from relay.example.com (192.0.2.7) by mx.example.net with ESMTPS id 1; Sat, 28 Nov 2026 12:00:01 +0000"
)
INSIDE = "Received: from mx.example.net by mx.example.net with LMTP id 2; Sat, 28 Nov 2026 12:00:02 +0000"

# filter -> its line, and: flagged, score, threshold
LINES = {
    "spamassassin": ("X-Spam-Status: Yes, score=6.2 required=5.0 tests=GTUBE,HTML_MESSAGE\r\n\tautolearn=no version=4.0.0",
                     (True, 6.2, 5.0)),
    "spamassassin, none": ("X-Spam-Status: No, score=-1.9 required=5.0 tests=BAYES_00", (False, -1.9, 5.0)),
    "spamassassin, its flag alone": ("X-Spam-Flag: YES", (True, None, None)),
    "spamassassin, its score alone": ("X-Spam-Score: 3.4", (None, 3.4, None)),
    "amavis": ("X-Spam-Status: No, hits=0.5 tagged_above=-999 required=6.31 tests=[A=0.5]", (False, 0.5, 6.31)),
    "rspamd": ("X-Spamd-Result: default: False [1.20 / 15.00];\r\n\tARC_NA(0.00)[]", (False, 1.2, 15.0)),
    "rspamd, spam": ("X-Spamd-Result: default: True [1000.00 / 15.00]; GTUBE(0.00)[]", (True, 1000.0, 15.0)),
    "rspamd, its action": ("X-Rspamd-Action: add header", (True, None, None)),
    "rspamd, no action": ("X-Rspamd-Action: no action", (False, None, None)),
    "microsoft": ("X-MS-Exchange-Organization-SCL: 6", (True, 6.0, 5.0)),
    "microsoft, none": ("X-MS-Exchange-Organization-SCL: -1", (False, -1.0, 5.0)),
    "microsoft, in a report": ("X-Forefront-Antispam-Report: CIP:192.0.2.7;CTRY:DE;LANG:en;SCL:1;SRV:;", (False, 1.0, 5.0)),
    "barracuda": ("X-Barracuda-Spam-Status: No, SCORE=0.50 using per-user scores of TAG_LEVEL=3.5 KILL_LEVEL=7.0",
                  (False, 0.5, 7.0)),
    "proofpoint": ("X-Proofpoint-Spam-Details: rule=spam policy=default score=99 spamscore=99", (True, 99.0, None)),
    "proofpoint, none": ("X-Proofpoint-Spam-Details: rule=notspam policy=default score=0", (False, 0.0, None)),
    "bogofilter": ("X-Bogosity: Spam, tests=bogofilter, spamicity=0.999999, version=1.2.5", (True, 0.999999, None)),
    "bogofilter, none": ("X-Bogosity: Ham, tests=bogofilter, spamicity=0.000001, version=1.2.5", (False, 0.000001, None)),
    "mimecast": ("X-Mimecast-Spam-Score: 2", (None, 2.0, None)),
    "dspam": ("X-DSPAM-Result: Innocent", (False, None, None)),
    "a number that is none": ("X-Spam-Status: No, score=nan required=1e999", (False, None, None)),
    "no number at all": ("X-Spam-Score: *****", (None, None, None)),
}  # fmt: skip


def read(*lines):
    return spam_of(fields_of("".join(line + "\r\n" for line in lines).encode()), ("mx.example.net",))


@pytest.mark.parametrize("name", sorted(LINES))
def test_a_line_of(name):
    line, expected = LINES[name]
    spam = read(line, RECEIVED)
    (one,) = spam.filters
    assert one.filter == (
        "spamassassin" if name.startswith(("amavis", "a number", "no number")) else name.split(",")[0]
    )
    assert (one.flagged, one.score, one.threshold) == expected
    assert (spam.state, spam.flagged, spam.score, spam.threshold) == ("present", *expected)


def test_below_the_receivers_own_lines_anybody_may_have_written_it():
    line = LINES["spamassassin"][0]
    assert read(RECEIVED, line).filters == ()
    assert read(RECEIVED, line).state == "absent"
    assert len(read(INSIDE, line, RECEIVED).filters) == 1  # between two lines of the receiver
    claims = RECEIVED.replace("from relay.example.com", "from mx.example.net")
    assert read(claims, line, RECEIVED).filters == ()  # it calls itself so
    assert read(RECEIVED, line, RECEIVED).filters == ()  # the lower one is in its name, and not by whom it had it from


@pytest.mark.parametrize("above", [(), ("Return-Path: <probe@example.com>",)])
def test_between_lines_of_others_anybody_may_have_written_it(above):
    """Whoever writes a Received line, of any server's name, may write a filter's line beside it."""
    before = "Received: from a.example by relay.example.com with SMTP id 3; Sat, 28 Nov 2026 12:00:00 +0000"
    line = LINES["spamassassin, none"][0]
    assert read(*above, RECEIVED, line, before).filters == ()
    assert read(*above, RECEIVED, before, line, RECEIVED).filters == ()


def test_flagged_by_one_of_several_filters():
    spam = read(LINES["rspamd"][0], LINES["spamassassin"][0], RECEIVED)
    assert [one.filter for one in spam.filters] == ["rspamd", "spamassassin"]
    assert (spam.flagged, spam.score) == (True, 1.2)  # of the topmost filter


def test_nothing_is_said():
    spam = read(RECEIVED)
    assert (spam.state, spam.flagged, spam.score, spam.filters) == ("absent", None, None, ())
