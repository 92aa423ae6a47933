# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Where reports about TLS go (RFC 8460 3).

from __future__ import annotations

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.tls_rpt import look_up_tls_rpt
from ansible_collections.postmaster.mailcheck.tests.support.answers import play
from ansible_collections.postmaster.mailcheck.tests.support.published import BAD_SIGNATURE, NO_DATA, SERVFAIL, zone

MAILTO, HTTPS = "mailto:tls@example.com", "https://reports.example.net/v1/tlsrpt"

# (what it is about, the section of RFC 8460), the records, what must come of it
CASES = [
    (("an address", "3"), ["v=TLSRPTv1; rua=" + MAILTO],
     {"state": "present", "valid": True, "rua": (MAILTO,), "problems": []}),
    (("both kinds, and a semicolon at the end", "3"), ["v=TLSRPTv1;rua=%s,%s;" % (MAILTO, HTTPS)],
     {"valid": True, "rua": (MAILTO, HTTPS), "problems": []}),
    (("an extension", "3"), ["v=TLSRPTv1; rua=%s; ext=1" % MAILTO], {"valid": True, "problems": []}),
    (("an extension of every character", "3"), ["v=TLSRPTv1; rua=%s; 1x-y_z.9=!-:<~" % MAILTO],
     {"valid": True, "problems": []}),
    (("a field without a value", "3"), ["v=TLSRPTv1; rua=%s; ext" % MAILTO],
     {"state": "present", "valid": False, "problems": ["field_malformed"]}),
    (("blanks around an equals sign", "3"), ["v=TLSRPTv1; rua = " + MAILTO],
     {"valid": False, "problems": ["field_malformed", "tls_rpt_no_address"]}),
    (("blanks around a comma", "3"), ["v=TLSRPTv1; rua=%s , %s?a=b" % (MAILTO, HTTPS)],
     {"valid": True, "rua": (MAILTO, HTTPS + "?a=b"), "problems": []}),
    (("others beside it", "3"), ["token=1", "v=TLSRPTv1; rua=" + MAILTO], {"valid": True, "problems": []}),
    (("several", "3"), ["v=TLSRPTv1; rua=" + MAILTO, "v=TLSRPTv1; rua=" + HTTPS],
     {"state": "present", "valid": False, "rua": (), "problems": ["tls_rpt_several"]}),
    (("no address", "3"), ["v=TLSRPTv1;"], {"valid": False, "rua": (), "problems": ["tls_rpt_no_address"]}),
    (("an address without mailto:", "3"), ["v=TLSRPTv1; rua=tls@example.com"],
     {"valid": False, "rua": (), "problems": ["report_uri_malformed", "tls_rpt_no_address"]}),
    (("one that is right and one that is not", "3"), ["v=TLSRPTv1; rua=%s,http://example.com/" % MAILTO],
     {"valid": True, "rua": (MAILTO,), "problems": ["report_uri_unsupported"]}),
    (("one that nobody supports before one that is right", "3"), ["v=TLSRPTv1; rua=ftp://example.com/,%s" % MAILTO],
     {"valid": True, "rua": (MAILTO,), "problems": ["report_uri_unsupported"]}),
    (("the address twice", "3"), ["v=TLSRPTv1; rua=%s; rua=%s" % (MAILTO, HTTPS)],
     {"valid": False, "problems": ["tag_twice"]}),
    (("no semicolon", "3"), ["v=TLSRPTv1 rua=" + MAILTO],
     {"state": "absent", "valid": None, "problems": ["version_garbled"]}),
    (("the version in other letters", "3"), ["v=tlsrptv1; rua=" + MAILTO],
     {"state": "absent", "problems": ["version_garbled"]}),
    (("the version of something else", "3"), ["v=TLSRPT1; rua=" + MAILTO],
     {"state": "absent", "problems": ["version_garbled"]}),
    (("a wildcard's text", "3"), ["vendor-verification=51c2e0aa7f"],
     {"state": "absent", "valid": None, "problems": ["txt_of_another_kind"]}),
    (("nothing", "3"), NO_DATA, {"state": "absent", "valid": None, "record": "", "problems": []}),
    (("no answer", "3"), SERVFAIL, {"state": "not_determined", "valid": None, "problems": []}),
    (("a bogus answer", "3"), BAD_SIGNATURE, {"state": "bogus", "valid": None, "problems": []}),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: "%s: %s" % case[0][::-1])
def test_what_a_domain_publishes(case):
    _about, records, expected = case
    facts = play(look_up_tls_rpt("example.com"), zone({"_smtp._tls.example.com TXT": records}))
    found = {name: getattr(facts, name) for name in expected}
    if "problems" in expected:
        found["problems"] = [problem.id for problem in facts.problems]
    assert found == expected
    assert bool(facts.reason) == (facts.state in ("bogus", "not_determined"))


@pytest.mark.parametrize(
    "text", [b"v=TLSRPTv1; rua=\x1b[2J<script>\xff", b"v=TLSRPTv1;" + b"rua=mailto:a@b.example," * 2700]
)
def test_a_hostile_record_is_shown_safely_and_at_bounded_length(text):
    strings = [text[at : at + 255] for at in range(0, len(text), 255)]
    facts = play(look_up_tls_rpt("example.com"), zone({"_smtp._tls.example.com TXT": [strings]}))
    shown = [facts.record, *facts.rua, *(problem.text for problem in facts.problems)]
    assert all(part.isprintable() and len(part) < 5000 for part in shown)
    assert len(shown) < 110
