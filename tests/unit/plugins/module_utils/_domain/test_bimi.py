# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# BIMI records (draft-brand-indicators-for-message-identification): their syntax, and the DMARC policy that they need.

from __future__ import annotations

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.bimi import look_up_bimi
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.dmarc.policy import Dmarc
from ansible_collections.postmaster.mailcheck.tests.support.answers import play
from ansible_collections.postmaster.mailcheck.tests.support.published import (
    BAD_SIGNATURE,
    NO_DATA,
    SERVFAIL,
    zone,
)

LOGO, MARK = "https://example.com/logo.svg", "https://example.com/mark.pem"
ENFORCED = Dmarc("present", "", True, (), organizational_domain="example.com", policy="reject",
                 effective_policy="reject", subdomain_policy="reject")  # fmt: skip

# (what it is about, the section of the draft), the records, what must come of it
CASES = [
    (("a logo", "4.2"), ["v=BIMI1; l=" + LOGO],
     {"state": "present", "valid": True, "location": LOGO, "evidence": "", "declined": False, "problems": []}),
    (("a logo and evidence", "4.2"), ["v=BIMI1; l=%s; a=%s;" % (LOGO, MARK)], {"valid": True, "evidence": MARK}),
    (("declined", "4.2.1"), ["v=BIMI1; l=; a=;"], {"valid": True, "declined": True, "problems": []}),
    (("not by https", "4.2"), ["v=BIMI1; l=http://example.com/logo.svg"],
     {"valid": False, "problems": ["bimi_location"]}),
    (("no location", "4.2"), ["v=BIMI1; a=" + MARK], {"valid": False, "problems": ["bimi_location"]}),
    (("the version is not the first", "4.2"), ["l=%s; v=BIMI1" % LOGO],
     {"state": "absent", "problems": ["version_garbled"]}),
    (("several", "7.2"), ["v=BIMI1; l=" + LOGO, "v=BIMI1; l=;"], {"valid": False, "problems": ["bimi_several"]}),
    (("a wildcard's text", "7.2"), ["token=1"], {"state": "absent", "problems": ["txt_of_another_kind"]}),
    (("nothing", "7.2"), NO_DATA, {"state": "absent", "valid": None, "problems": []}),
    (("no answer", "7.2"), SERVFAIL, {"state": "not_determined", "valid": None}),
    (("bogus", "7.2"), BAD_SIGNATURE, {"state": "bogus", "valid": None}),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: "%s: %s" % case[0][::-1])
def test_what_a_domain_publishes(case):
    _about, records, expected = case
    facts = play(look_up_bimi("example.com", ENFORCED), zone({"default._bimi.example.com TXT": records}))
    found = {name: getattr(facts, name) for name in expected}
    if "problems" in expected:
        found["problems"] = [problem.id for problem in facts.problems]
    assert found == expected
    assert bool(facts.reason) == (facts.state in ("bogus", "not_determined"))


def test_the_organizational_domains_record_counts_where_a_domain_has_none():
    asked = []
    table = zone({"default._bimi.example.com TXT": ["v=BIMI1; l=" + LOGO]})
    facts = play(look_up_bimi("news.example.com", ENFORCED), table, asked)
    assert (facts.state, facts.found_at, len(asked)) == ("present", "default._bimi.example.com", 1)


@pytest.mark.parametrize(
    "change, problems",
    [
        ({}, []),
        ({"effective_policy": "quarantine"}, []),
        ({"effective_policy": "none"}, ["bimi_not_enforced"]),
        ({"subdomain_policy": "none"}, ["bimi_not_enforced"]),
        ({"state": "absent", "policy": None, "effective_policy": None}, ["bimi_not_enforced"]),
        ({"state": "not_determined", "policy": None, "effective_policy": None}, []),
    ],
)
def test_without_an_enforced_dmarc_policy_no_logo_is_shown(change, problems):
    table = zone({"default._bimi.example.com TXT": ["v=BIMI1; l=" + LOGO]})
    facts = play(look_up_bimi("example.com", ENFORCED._replace(**change)), table)
    assert [problem.id for problem in facts.problems] == problems
