# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.attempts import Outcome
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.facts import Facts
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.plan import Verdict
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.report import as_report
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.request import build_request
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.transcript import Transcript
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.causes import Failure


def warnings_after(timings, failure=None):
    facts = Facts(Transcript(0.0))
    facts.timings.update(timings)
    request = build_request("relay.example.com", {"tls": "none"}, 0.0)
    outcome = Outcome(facts, (), "192.0.2.25", None, 0.0, sum(timings.values()))
    return as_report(Verdict(request, outcome, (), (), failure), 0.0)["warnings"]


def test_a_relay_that_passes_says_what_it_took_long_for():
    """A message is looked at for as long as its filters take; who is done may be slow to say goodbye."""
    timings = {"greeting": 6.0, "ehlo": 5.0, "rcpt": 7.25, "message": 30.0, "quit": 9.0}
    assert warnings_after(timings) == ["greeting took 6.0 s.", "rcpt took 7.2 s."]


def test_where_a_relay_fails_that_is_what_is_told():
    assert warnings_after({"greeting": 6.0}, Failure("ehlo", "ehlo_refused")) == []
