# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Policies in TXT records: found by version, quoted and listed for a sentence; and what an answer leaves open.

from __future__ import annotations

import re

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.txt import listed, published, quoted
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.unanswered import is_open, why
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.model import (
    ABSENT,
    BOGUS,
    NOT_DETERMINED,
    PRESENT,
    Answer,
    Question,
)

QUESTION = Question("_dmarc.example.com", "TXT")


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (1, '"t0"'),
        (4, '"t0", "t1", "t2", "t3"'),
        (5, '"t0", "t1", "t2", "t3" and 1 more'),
        (9, '"t0", "t1", "t2", "t3" and 5 more'),
    ],
)
def test_the_first_four_are_listed_and_the_others_counted(count, text):
    assert listed(["t%d" % number for number in range(count)] * 2) == text


def test_eighty_characters_are_quoted():
    assert quoted("x" * 80) == '"%s"' % ("x" * 80)
    assert quoted("x" * 81) == '"%s\u2026"' % ("x" * 80)
    assert quoted("") == '""'


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("v=DMARC1; p=none", "records"),
        ("v=DMARC1", "records"),
        ("V=dmarc1; p=none", "garbled"),
        ("v = DMARC2; p=none", "garbled"),
        ("'v=DMARC1'", "garbled"),
        ("p=none; v=DMARC1", "garbled"),
        ("p=none\n; v=DMARC1", "garbled"),
        ("token; dmarc", "others"),
        ("", "others"),
    ],
)
def test_what_was_meant_to_be_a_record_is_told_from_other_texts(text, kind):
    answer = Answer(QUESTION, PRESENT, ((text.encode(),),))
    found = published(answer, re.compile("v=DMARC1(;|$)"), "DMARC")
    assert found._asdict() == {"records": (), "garbled": (), "others": (), kind: (text,)}


@pytest.mark.parametrize(("state", "open_"), [(PRESENT, False), (ABSENT, False), (BOGUS, True), (NOT_DETERMINED, True)])
def test_an_answer_that_is_missing_or_bogus_leaves_a_question_open(state, open_):
    assert is_open(Answer(QUESTION, state)) == open_


def test_what_is_said_of_a_bogus_answer_and_of_a_missing_one():
    missing = why(Answer(QUESTION, NOT_DETERMINED, reason="SERVFAIL"))
    bogus = why(Answer(QUESTION, BOGUS, reason="RRSIGs missing"))
    assert missing == "_dmarc.example.com TXT: SERVFAIL"
    assert bogus.startswith("_dmarc.example.com TXT: ")
    assert "RRSIGs missing" in bogus and "another resolver" in bogus and "%" not in bogus
