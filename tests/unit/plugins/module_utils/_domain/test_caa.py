# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Which authorities may issue certificates for a host (RFC 8659).

from __future__ import annotations

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.caa import look_up_caa
from ansible_collections.postmaster.mailcheck.tests.support.answers import play
from ansible_collections.postmaster.mailcheck.tests.support.published import (
    BAD_SIGNATURE,
    NO_DATA,
    SERVFAIL,
    zone,
)

CA = ["0 issue ca.example.net", "0 iodef mailto:security@example.com"]

# (what it is about, the section of RFC 8659), what is published, what must come of it
CASES = [
    (("at the host itself", "3"), {"mx1.example.com CAA": CA},
     {"state": "present", "valid": True, "found_at": "mx1.example.com", "issue": ("ca.example.net",),
      "issuewild": (), "iodef": ("mailto:security@example.com",), "problems": []}),
    (("at a parent", "3"), {"example.com CAA": CA, "mx1.example.com CAA": NO_DATA},
     {"state": "present", "found_at": "example.com", "issue": ("ca.example.net",)}),
    (("the closest set counts alone", "3"), {"example.com CAA": CA, "mx1.example.com CAA": ["0 issue other.example"]},
     {"found_at": "mx1.example.com", "issue": ("other.example",), "iodef": ()}),
    (("at the top level", "3"), {"com CAA": CA}, {"state": "present", "found_at": "com"}),
    (("nowhere: every authority may issue", "3"), {}, {"state": "absent", "valid": None, "found_at": "", "issue": ()}),
    (("nobody may issue", "4.2"), {"example.com CAA": ["0 issue ;"]},
     {"state": "present", "valid": True, "issue": (";",), "problems": ["caa_nobody"]}),
    (("what is malformed is nobody", "4.2"), {"example.com CAA": ["0 issue %%%%%"]},
     {"state": "present", "valid": True, "problems": ["caa_nobody"]}),
    (("an authority with parameters", "4.2"), {"example.com CAA": ["0 issue ca.example.net; validationmethods=dns-01"]},
     {"valid": True, "issue": ("ca.example.net; validationmethods=dns-01",), "problems": []}),
    (("only wildcards are restricted", "4.3"), {"example.com CAA": ["0 issuewild ;"]},
     {"valid": True, "issue": (), "issuewild": (";",), "problems": []}),
    (("tags in capitals", "4.1"), {"example.com CAA": ["0 ISSUE ca.example.net"]}, {"issue": ("ca.example.net",)}),
    (("an unknown tag is ignored", "4.1"), {"example.com CAA": ["0 future x", "0 issue ca.example.net"]},
     {"valid": True, "problems": []}),
    (("an unknown tag that is critical forbids to issue", "4.1"), {"example.com CAA": ["128 future x"]},
     {"valid": False, "problems": ["caa_critical"]}),
    (("other flags do not make a tag critical", "4.1"), {"example.com CAA": ["1 future x", "127 other x"]},
     {"valid": True, "problems": []}),
    (("a known tag may be critical", "4.1"), {"example.com CAA": ["128 issue ca.example.net"]},
     {"valid": True, "problems": []}),
    (("no answer at the host", "3"), {"mx1.example.com CAA": SERVFAIL, "example.com CAA": CA},
     {"state": "not_determined", "valid": None, "found_at": "", "issue": ()}),
    (("no answer at a parent of where it is", "3"), {"example.com CAA": CA, "com CAA": SERVFAIL},
     {"state": "present", "found_at": "example.com"}),
    (("a bogus answer", "3"), {"example.com CAA": BAD_SIGNATURE}, {"state": "bogus", "valid": None}),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: "%s: %s" % case[0][::-1])
def test_who_may_issue(case):
    _about, table, expected = case
    (facts,) = play(look_up_caa(["mx1.example.com"]), zone(table))
    found = {name: getattr(facts, name) for name in expected}
    if "problems" in expected:
        found["problems"] = [problem.id for problem in facts.problems]
    assert found == expected
    assert bool(facts.reason) == (facts.state in ("bogus", "not_determined"))


def test_hosts_share_their_parents_questions_and_one_round_trip():
    asked = []
    facts = play(look_up_caa(["mx1.example.com", "mx2.example.com"]), {}, asked)
    assert [item.host for item in facts] == ["mx1.example.com", "mx2.example.com"]
    assert [question.name for question in asked[0]] == ["mx1.example.com", "example.com", "com", "mx2.example.com"]
    assert len(asked) == 1
    assert play(look_up_caa([]), {}) == ()


def test_a_name_of_a_hundred_labels_is_left_alone():
    asked = []
    (facts,) = play(look_up_caa(["a." * 100 + "example.com"]), {}, asked)
    assert (facts.state, facts.reason) == ("not_determined", "the name has more than 10 labels")
    assert asked == []
    play(look_up_caa(["a." * 8 + "example.com"]), {}, asked)
    assert len(asked[0]) == 10


def test_hostile_values_are_shown_safely_and_at_bounded_length():
    records = ["0 issue \x1b[2J<b>%d" % number for number in range(2000)] + [
        "128 x%d y" % number for number in range(999)
    ]
    (facts,) = play(look_up_caa(["mx1.example.com"]), zone({"mx1.example.com CAA": records}))
    assert all(value.isprintable() for value in (*facts.issue, *(problem.text for problem in facts.problems)))
    assert len(facts.issue) == 20 and [found.id for found in facts.problems] == ["caa_critical", "caa_nobody"]
