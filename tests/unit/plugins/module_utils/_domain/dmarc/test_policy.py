# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# DMARC as RFC 9989 has it: which record applies to a domain, what it asks for, and who gets the reports (RFC 9990 4).

from __future__ import annotations

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.dmarc.policy import look_up_dmarc
from ansible_collections.postmaster.mailcheck.tests.support.answers import play
from ansible_collections.postmaster.mailcheck.tests.support.published import (
    BAD_SIGNATURE,
    NO_DATA,
    SERVFAIL,
    zone,
)

LONG = "a.b.c.d.e.f.g.h.i.j.mail.example.com"
RUA = "rua=mailto:dmarc@example.com"

# (what it is about, the section of RFC 9989), the domain, what is published, what must come of it.
WALK = [
    (
        ("the record of the author domain applies", "4.10.1"),
        "example.com",
        {"_dmarc.example.com TXT": ["v=DMARC1; p=reject"]},
        {"state": "present", "valid": True, "policy": "reject", "policy_domain": "example.com",
         "organizational_domain": "example.com", "queries": ("_dmarc.example.com", "_dmarc.com")},
    ),
    (
        ("no record anywhere: the domain is its own organizational domain", "4.10.2"),
        "mail.example.com",
        {},
        {"state": "absent", "valid": None, "policy": None, "policy_domain": None, "testing": False,
         "organizational_domain": "mail.example.com"},
    ),
    (
        ("the record with the fewest labels is the organizational domain's", "4.10.2"),
        "a.mail.example.com",
        {"_dmarc.mail.example.com TXT": ["v=DMARC1; p=none"], "_dmarc.example.com TXT": ["v=DMARC1; p=reject"],
         "a.mail.example.com SOA": NO_DATA},
        {"state": "present", "policy": "reject", "policy_domain": "example.com",
         "organizational_domain": "example.com"},
    ),
    (
        ("psd=n ends the walk: this is the organizational domain", "4.10.2"),
        "a.mail.example.com",
        {"_dmarc.mail.example.com TXT": ["v=DMARC1; p=quarantine; psd=n"],
         "_dmarc.example.com TXT": ["v=DMARC1; p=reject"], "a.mail.example.com SOA": NO_DATA},
        {"policy": "quarantine", "policy_domain": "mail.example.com", "organizational_domain": "mail.example.com",
         "queries": ("_dmarc.a.mail.example.com", "_dmarc.mail.example.com")},
    ),
    (
        ("psd=y: the organizational domain is one label below, and the PSD's record applies", "4.10.2"),
        "a.mail.example.com",
        {"_dmarc.com TXT": ["v=DMARC1; p=reject; sp=quarantine; psd=y"], "a.mail.example.com SOA": NO_DATA},
        {"policy": "quarantine", "policy_domain": "com", "organizational_domain": "example.com"},
    ),
    (
        ("psd=y at a suffix of two labels", "4.10.2"),
        "x.mail.example.co.uk",
        {"_dmarc.co.uk TXT": ["v=DMARC1; p=reject; psd=y"], "x.mail.example.co.uk SOA": NO_DATA},
        {"policy": "reject", "policy_domain": "co.uk", "organizational_domain": "example.co.uk"},
    ),
    (
        ("a record between the domain and its organization does not apply", "4.10.1"),
        "x.a.example.com",
        {"_dmarc.a.example.com TXT": ["v=DMARC1; p=none"], "_dmarc.example.com TXT": ["v=DMARC1; p=reject"],
         "x.a.example.com SOA": NO_DATA},
        {"policy": "reject", "policy_domain": "example.com", "testing": False},
    ),
    (
        ("a PSD's record is not used where the organizational domain has one", "4.10.1"),
        "a.mail.example.com",
        {"_dmarc.com TXT": ["v=DMARC1; p=reject; psd=y"], "_dmarc.example.com TXT": ["v=DMARC1; p=none"],
         "a.mail.example.com SOA": NO_DATA},
        {"policy": "none", "policy_domain": "example.com", "organizational_domain": "example.com"},
    ),
    (
        ("psd=y at the domain itself: it is a public suffix, and its own organizational domain", "4.10.2"),
        "co.example",
        {"_dmarc.co.example TXT": ["v=DMARC1; p=reject; psd=y"]},
        {"policy": "reject", "policy_domain": "co.example", "organizational_domain": "co.example",
         "queries": ("_dmarc.co.example",)},
    ),
    (
        ("psd=u is the default", "4.7"),
        "a.example.com",
        {"_dmarc.a.example.com TXT": ["v=DMARC1; p=reject; psd=u"], "_dmarc.example.com TXT": ["v=DMARC1; p=none"]},
        {"policy": "reject", "policy_domain": "a.example.com", "organizational_domain": "example.com"},
    ),
    (
        ("more than eight labels: the name itself, then the last seven downwards", "4.10"),
        LONG,
        {"_dmarc.example.com TXT": ["v=DMARC1; p=reject"], LONG + " SOA": NO_DATA},
        {"policy": "reject",
         "queries": ("_dmarc." + LONG, "_dmarc.g.h.i.j.mail.example.com", "_dmarc.h.i.j.mail.example.com",
                     "_dmarc.i.j.mail.example.com", "_dmarc.j.mail.example.com", "_dmarc.mail.example.com",
                     "_dmarc.example.com", "_dmarc.com")},
    ),
    (
        ("a record that the shortcut jumps over is never found", "5.1.7"),
        LONG,
        {"_dmarc.f.g.h.i.j.mail.example.com TXT": ["v=DMARC1; p=reject"]},
        {"state": "absent", "policy": None},
    ),
    (
        ("several records at one name are discarded, and the walk goes on", "4.10"),
        "a.mail.example.com",
        {"_dmarc.mail.example.com TXT": ["v=DMARC1; p=none; psd=n", "v=DMARC1; p=quarantine"],
         "_dmarc.example.com TXT": ["v=DMARC1; p=reject"], "a.mail.example.com SOA": NO_DATA},
        {"state": "present", "policy": "reject", "policy_domain": "example.com", "valid": True,
         "problems": ["dmarc_several_discarded"]},
    ),
    (
        ("several records at the domain itself, and no other: none applies", "4.10"),
        "example.com",
        {"_dmarc.example.com TXT": ["v=DMARC1; p=none", "v=DMARC1; p=reject"]},
        {"state": "present", "valid": False, "policy": None, "policy_domain": None, "problems": ["dmarc_several"]},
    ),
    (
        ("other TXT records beside it do not count", "4.10"),
        "example.com",
        {"_dmarc.example.com TXT": ["token=1", "v=DMARC1; p=reject"]},
        {"state": "present", "valid": True, "policy": "reject", "problems": []},
    ),
    (
        ("a TXT that answers every question is no record", "4.10"),
        "example.com",
        {"_dmarc.example.com TXT": ["vendor-verification=51c2e0aa7f"],
         "_dmarc.com TXT": ["vendor-verification=51c2e0aa7f"]},
        {"state": "absent", "valid": None, "policy": None, "problems": ["txt_of_another_kind"]},
    ),
]  # fmt: skip

POLICY = [
    (
        ("sp holds for a domain below that exists", "4.10.1"),
        {"_dmarc.example.com TXT": ["v=DMARC1; p=reject; sp=none; np=quarantine"], "mail.example.com SOA": NO_DATA},
        {"policy": "none"},
    ),
    (
        ("np holds for a domain below that does not exist", "4.10.1"),
        {"_dmarc.example.com TXT": ["v=DMARC1; p=none; sp=none; np=reject"]},
        {"policy": "reject"},
    ),
    (
        ("without np, sp holds for what does not exist", "4.7"),
        {"_dmarc.example.com TXT": ["v=DMARC1; p=none; sp=quarantine"]},
        {"policy": "quarantine"},
    ),
    (
        ("without sp, p holds for what exists, whatever np says", "4.7"),
        {"_dmarc.example.com TXT": ["v=DMARC1; p=quarantine; np=reject"], "mail.example.com SOA": NO_DATA},
        {"policy": "quarantine"},
    ),
    (
        ("whether the domain exists is not known, and it matters", "4.10.1"),
        {"_dmarc.example.com TXT": ["v=DMARC1; p=none; np=reject"], "mail.example.com SOA": SERVFAIL},
        {"state": "not_determined", "policy": None},
    ),
    (
        ("whether the domain exists is not known, and it does not matter", "4.10.1"),
        {"_dmarc.example.com TXT": ["v=DMARC1; p=reject"], "mail.example.com SOA": SERVFAIL},
        {"state": "present", "policy": "reject"},
    ),
    (
        ("sp of the domain's own record does not hold for itself", "4.10.1"),
        {"_dmarc.mail.example.com TXT": ["v=DMARC1; p=reject; sp=none"]},
        {"policy": "reject", "subdomain_policy": "none", "problems": ["dmarc_subdomains_weaker"]},
    ),
    (
        ("t=y asks for one step less than is written", "4.7"),
        {"_dmarc.mail.example.com TXT": ["v=DMARC1; p=reject; t=y"]},
        {"policy": "reject", "testing": True, "effective_policy": "quarantine", "problems": ["dmarc_testing"]},
    ),
    (
        ("t=y with quarantine asks for nothing", "4.7"),
        {"_dmarc.mail.example.com TXT": ["v=DMARC1; p=quarantine; t=y"]},
        {"policy": "quarantine", "testing": True, "effective_policy": "none"},
    ),
    (
        ("t has no effect on a policy of none", "4.7"),
        {"_dmarc.mail.example.com TXT": ["v=DMARC1; p=none; t=y"]},
        {"policy": "none", "effective_policy": "none", "problems": ["dmarc_no_reports"]},
    ),
]

RECORDS = [
    (("a whole one", "4.8"), "v=DMARC1; p=none; sp=none; np=reject; adkim=s; aspf=r; fo=1; psd=n; t=n; " + RUA,
     {"valid": True, "policy": "none", "subdomain_policy": "none", "nonexistent_policy": "reject",
      "dkim_alignment": "strict", "spf_alignment": "relaxed", "psd": "n", "rua": ("mailto:dmarc@example.com",),
      "problems": []}),
    (("blanks and the last semicolon", "4.8"), "v = DMARC1 ;p =\treject ; ", {"valid": True, "policy": "reject"}),
    (("names and values in capitals", "4.8"), "V=DMARC1; P=REJECT; ADKIM=S",
     {"valid": True, "policy": "reject", "dkim_alignment": "strict"}),
    (("any order behind v", "4.8"), "v=DMARC1; adkim=s; p=reject", {"valid": True, "policy": "reject"}),
    (("p is missing: none", "4.7"), "v=DMARC1; " + RUA,
     {"valid": True, "policy": "none", "problems": ["dmarc_policy_missing"]}),
    (("p is no policy, but reports are asked for: none", "4.10.1"), "v=DMARC1; p=block; " + RUA,
     {"valid": False, "policy": "none", "problems": ["dmarc_policy_unknown"]}),
    (("p is no policy, and no reports: no DMARC", "4.10.1"), "v=DMARC1; p=block",
     {"valid": False, "policy": None, "problems": ["dmarc_policy_unknown"]}),
    (("sp is no policy: like p", "4.10.1"), "v=DMARC1; p=reject; sp=all; " + RUA,
     {"valid": False, "policy": "none", "problems": ["dmarc_policy_unknown"]}),
    (("an empty p", "4.8"), "v=DMARC1; p=", {"valid": False, "policy": None}),
    (("tags that are gone", "C.4"), "v=DMARC1; p=reject; pct=50; rf=afrf; ri=3600",
     {"valid": True, "policy": "reject", "problems": ["dmarc_tag_removed"]}),
    (("unknown tags are ignored", "4.7"), "v=DMARC1; p=reject; policy=none",
     {"valid": True, "policy": "reject", "problems": ["dmarc_tag_unknown"]}),
    (("other faults give way to defaults", "4.7"), "v=DMARC1; p=reject; adkim=strict; fo=2; t=yes",
     {"policy": "reject", "dkim_alignment": "relaxed", "testing": False,
      "problems": ["dmarc_value_unknown"] * 3}),
    (("options for failures in any order", "4.8"), "v=DMARC1; p=reject; fo=d:1:s",
     {"failure_options": "d:1:s", "valid": True}),
    (("0 and 1 exclude each other in fo", "4.8"), "v=DMARC1; p=reject; fo=0:1",
     {"failure_options": "0", "problems": ["dmarc_value_unknown"]}),
    (("d and s come once in fo", "4.8"), "v=DMARC1; p=reject; fo=s:d:s",
     {"failure_options": "0", "problems": ["dmarc_value_unknown"]}),
    (("a tag without a value", "4.8"), "v=DMARC1; p=reject; nonsense",
     {"policy": "reject", "problems": ["tag_malformed"]}),
    (("a tag that comes twice", "RFC 6376 3.2"), "v=DMARC1; p=none; p=reject",
     {"valid": False, "policy": None, "problems": ["tag_twice"]}),
    (("commas instead of semicolons", "4.8"), "v=DMARC1, p=reject",
     {"state": "absent", "policy": None, "problems": ["version_garbled"]}),
    (("no semicolon at all", "4.8"), "v=DMARC1 p=reject", {"state": "absent", "problems": ["version_garbled"]}),
    (("the version in small letters", "4.8"), "v=dmarc1; p=reject",
     {"state": "absent", "problems": ["version_garbled"]}),
    (("quotes that were published", "4.8"), '"v=DMARC1; p=reject"',
     {"state": "absent", "problems": ["version_garbled"]}),
    (("v is not the first", "4.7"), "p=reject; v=DMARC1", {"state": "absent", "problems": ["version_garbled"]}),
    (("the version alone", "4.7"), "v=DMARC1",
     {"state": "present", "policy": "none", "valid": True, "problems": ["dmarc_policy_missing", "dmarc_no_reports"]}),
    (("a report address without mailto:", "4.8"), "v=DMARC1; p=reject; rua=dmarc@example.com",
     {"policy": "reject", "valid": False, "rua": (), "problems": ["report_uri_malformed"]}),
    (("another scheme", "4.7"), "v=DMARC1; p=reject; rua=https://example.com/dmarc",
     {"valid": True, "problems": ["report_uri_unsupported"]}),
    (("a limit of size", "C.4"), "v=DMARC1; p=reject; rua=mailto:dmarc@example.com!10m",
     {"valid": True, "rua": ("mailto:dmarc@example.com",), "problems": ["report_size_limit"]}),
]  # fmt: skip


def outcome(domain, table, asked=None):
    return play(look_up_dmarc(domain), zone(table), asked)


def compare(facts, expected):
    found = {name: getattr(facts, name) for name in expected}
    if "problems" in expected:
        found["problems"] = [problem.id for problem in facts.problems]
    assert found == expected


def name_of(case):
    return "%s: %s" % case[0][::-1]


@pytest.mark.parametrize("case", WALK, ids=name_of)
def test_which_record_applies(case):
    _about, domain, table, expected = case
    compare(outcome(domain, table), expected)


@pytest.mark.parametrize("case", POLICY, ids=name_of)
def test_which_policy_of_the_record_applies(case):
    _about, table, expected = case
    compare(outcome("mail.example.com", table), expected)


@pytest.mark.parametrize("case", RECORDS, ids=name_of)
def test_what_a_record_says(case):
    _about, text, expected = case
    compare(
        outcome("example.com", {"_dmarc.example.com TXT": [text], "example.com MX": ["10 mx.example.com"]}), expected
    )


@pytest.mark.parametrize("fault, state", [(SERVFAIL, "not_determined"), (BAD_SIGNATURE, "bogus")])
def test_what_was_not_answered_is_never_no_record(fault, state):
    facts = outcome("example.com", {"_dmarc.example.com TXT": fault})
    assert (facts.state, facts.valid, facts.policy, facts.organizational_domain) == (state, None, None, None)
    assert "_dmarc.example.com" in facts.reason and fault.reason in facts.reason


def test_a_parent_that_does_not_answer_leaves_the_policy_open():
    """It could hold psd=n, or be the organizational domain's (RFC 9989 4.10.2)."""
    table = {"_dmarc.example.com TXT": ["v=DMARC1; p=reject"], "_dmarc.mail.example.com TXT": SERVFAIL}
    assert outcome("a.mail.example.com", table).state == "not_determined"


def test_the_domains_own_record_applies_whatever_a_parent_answers():
    table = {"_dmarc.mail.example.com TXT": ["v=DMARC1; p=reject"], "_dmarc.example.com TXT": SERVFAIL}
    facts = outcome("mail.example.com", table)
    assert (facts.state, facts.policy, facts.organizational_domain) == ("present", "reject", None)


NOT_HERE = SERVFAIL._replace(above_zones=True)  # as zone files answer what is above them
ABOVE = {"_dmarc.example.com TXT": NOT_HERE, "_dmarc.com TXT": NOT_HERE}


def test_what_is_above_all_zone_files_is_told_where_a_record_there_could_apply():
    facts = outcome("mail.example.com", ABOVE)
    assert (facts.state, facts.policy) == ("absent", None)
    (told,) = facts.problems
    assert told.id == "dmarc_not_asked_above"
    assert '"_dmarc.example.com", "_dmarc.com"' in told.text


def test_the_domains_own_record_applies_whatever_is_above_the_zone_files():
    facts = outcome("mail.example.com", {"_dmarc.mail.example.com TXT": ["v=DMARC1; p=reject"], **ABOVE})
    assert (facts.policy, facts.problems) == ("reject", ())


def test_what_is_above_all_zone_files_is_told_beside_a_parents_record():
    table = {"_dmarc.b.example.com TXT": ["v=DMARC1; p=reject"], "a.b.example.com SOA": NO_DATA, **ABOVE}
    facts = outcome("a.b.example.com", table)
    assert (facts.policy, facts.policy_domain) == ("reject", "b.example.com")
    assert [problem.id for problem in facts.problems] == ["dmarc_not_asked_above"]


def test_a_domain_that_its_own_zone_file_cannot_answer_for_is_not_determined():
    assert outcome("mail.example.com", {"_dmarc.mail.example.com TXT": NOT_HERE, **ABOVE}).state == "not_determined"


def test_the_strings_of_a_record_are_one_text():
    facts = outcome("example.com", {"_dmarc.example.com TXT": [["v=DMA", "RC1; p=rej", "ect"]]})
    assert (facts.policy, facts.record) == ("reject", "v=DMARC1; p=reject")


# Reports (RFC 9990 4)

BLUE = "v=DMARC1; p=reject; rua=mailto:reports@red.example.net"
AGREED = "blue.example.com._report._dmarc.red.example.net TXT"
MAIL = {"red.example.net MX": ["10 mx.red.example.net"]}

REPORTS = [
    ("the other side has agreed", {AGREED: ["v=DMARC1;"], **MAIL}, ("present", True, True, [])),
    ("with a wildcard, of which the answer does not tell", {AGREED: ["v=DMARC1"], **MAIL}, ("present", True, True, [])),
    ("it has not", MAIL, ("absent", False, True, ["dmarc_reports_unauthorised"])),
    ("something else stands there", {AGREED: ["vendor=1"], **MAIL},
     ("absent", False, True, ["dmarc_reports_unauthorised"])),
    ("one record of several is enough", {AGREED: ["vendor=1", "v=DMARC1", "v=DMARC1; p=none"], **MAIL},
     ("present", True, True, [])),
    ("it is not known", {AGREED: SERVFAIL, **MAIL}, ("not_determined", None, True, [])),
    ("it is bogus", {AGREED: BAD_SIGNATURE, **MAIL}, ("bogus", None, True, [])),
    ("another address of the same host", {AGREED: ["v=DMARC1; rua=mailto:x@red.example.net"], **MAIL},
     ("present", True, True, [])),
    ("another address elsewhere", {AGREED: ["v=DMARC1; rua=mailto:x@third.example"], **MAIL},
     ("present", False, True, ["dmarc_reports_elsewhere"])),
    ("no mail is taken there", {AGREED: ["v=DMARC1"], "red.example.net MX": ["0 ."]},
     ("present", True, False, ["dmarc_reports_undeliverable"])),
    ("nothing is there", {AGREED: ["v=DMARC1"]}, ("present", True, False, ["dmarc_reports_undeliverable"])),
    ("an address without MX takes mail", {AGREED: ["v=DMARC1"], "red.example.net A": ["192.0.2.1"]},
     ("present", True, True, [])),
    ("whether mail is taken is not known", {AGREED: ["v=DMARC1"], "red.example.net MX": SERVFAIL},
     ("present", True, None, [])),
]  # fmt: skip


@pytest.mark.parametrize("about, table, expected", REPORTS, ids=[case[0] for case in REPORTS])
def test_who_gets_the_reports(about, table, expected):
    facts = outcome("blue.example.com", {"_dmarc.blue.example.com TXT": [BLUE], **table})
    (destination,) = facts.report_destinations
    state, authorised, receives_mail, problems = expected
    assert (destination.domain, destination.external) == ("red.example.net", True)
    assert destination.query == AGREED.split()[0]
    assert (destination.state, destination.authorised, destination.receives_mail) == (state, authorised, receives_mail)
    assert [problem.id for problem in destination.problems] == problems
    assert facts.valid is True


@pytest.mark.parametrize(
    "host, table",
    [
        ("example.com", {}),
        ("mail.example.com", {}),
        ("reports.example.com", {"_dmarc.reports.example.com TXT": ["v=DMARC1; p=none"]}),
    ],
)
def test_a_destination_inside_the_organizational_domain_needs_no_consent(host, table):
    record = "v=DMARC1; p=reject; rua=mailto:dmarc@" + host
    asked = []
    facts = outcome("example.com", {"_dmarc.example.com TXT": [record], host + " A": ["192.0.2.1"], **table}, asked)
    (destination,) = facts.report_destinations
    assert (destination.external, destination.authorised, destination.problems) == (False, True, ())


def test_whose_host_it_is_may_be_open():
    """RFC 9990 4: without a consent that is there it matters, and a missing answer is no "no"."""
    table = {"_dmarc.example.com TXT": ["v=DMARC1; p=reject; rua=mailto:dmarc@reports.example.net"],
             "_dmarc.example.net TXT": SERVFAIL, "reports.example.net MX": ["10 mx.example.net"]}  # fmt: skip
    (destination,) = outcome("example.com", table).report_destinations
    assert (destination.state, destination.authorised, destination.valid) == ("not_determined", None, None)
    assert (destination.external, destination.reason) == (None, "not known whose host it is")


def test_a_part_that_is_an_organization_of_its_own_must_agree():
    table = {
        "_dmarc.example.com TXT": ["v=DMARC1; p=reject; rua=mailto:dmarc@dept.example.com"],
        "_dmarc.dept.example.com TXT": ["v=DMARC1; p=none; psd=n"],
        "dept.example.com MX": ["10 mx.example.com"],
    }
    (destination,) = outcome("example.com", table).report_destinations
    assert (destination.external, destination.authorised) == (True, False)


def test_an_inherited_record_is_authorised_for_the_domain_that_it_comes_from():
    table = {"_dmarc.example.com TXT": [BLUE], "mail.example.com SOA": NO_DATA, **MAIL}
    (destination,) = outcome("mail.example.com", table).report_destinations
    assert destination.query == "example.com._report._dmarc.red.example.net"


def test_every_host_is_asked_once_and_all_in_two_round_trips():
    record = "v=DMARC1; p=none; rua=mailto:a@one.example,mailto:b@two.example; ruf=mailto:c@one.example"
    asked = []
    facts = outcome("example.com", {"_dmarc.example.com TXT": [record]}, asked)
    assert [(item.domain, len(item.uris)) for item in facts.report_destinations] == [
        ("one.example", 2),
        ("two.example", 1),
    ]
    assert len(asked) == 2


def test_there_is_a_limit_to_the_hosts_that_are_looked_at():
    hosts = ["h%d.example" % number for number in range(500)]
    record = "v=DMARC1; p=none; rua=" + ",".join("mailto:a@" + host for host in hosts)
    facts = outcome("example.com", {"_dmarc.example.com TXT": [record]})
    assert len(facts.report_destinations) == 10
    assert [problem.id for problem in facts.problems if problem.id == "dmarc_destinations_many"] != []


def test_a_name_that_the_dns_cannot_have_is_not_asked_for():
    host = ".".join(["a" * 60] * 4)
    asked = []
    record = "v=DMARC1; p=none; rua=mailto:a@" + host
    facts = outcome("example.com", {"_dmarc.example.com TXT": [record], host + " A": ["192.0.2.1"]}, asked)
    assert max(len(question.name) for round_trip in asked for question in round_trip) <= 253
    (destination,) = facts.report_destinations
    assert (destination.state, destination.authorised) == ("absent", False)


def test_a_consent_of_the_longest_name_is_asked_for():
    host = ".".join(["a" * 54, "b" * 56, "c" * 56, "d" * 57])
    consent = "example.com._report._dmarc." + host
    assert len(consent) == 253
    record = "v=DMARC1; p=none; rua=mailto:a@" + host
    table = {"_dmarc.example.com TXT": [record], host + " A": ["192.0.2.1"], consent + " TXT": ["v=DMARC1"]}
    (destination,) = outcome("example.com", table).report_destinations
    assert (destination.external, destination.authorised) == (True, True)


HOSTILE = [
    b"v=DMARC1; p=\x1b[2Jreject\x00; rua=mailto:<script>@x",
    b"v=DMARC1; p=none; \xff\xfe\x80=\xff",
    b"v=DMARC1" + b";" * 60000,
    b"v=DMARC1; " + b"a=b;" * 15000,
    b"v=DMARC1; rua=" + b"mailto:a@b.example," * 3000,
    b"v=DMARC1; rua=mailto:" + b"a" * 60000,
    b"v=DMARC1; p=" + b" " * 60000 + b"x",
    b" " * 60000 + b"v=DMARC1",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_record_is_shown_safely_and_at_bounded_length(text):
    strings = [text[at : at + 255] for at in range(0, len(text), 255)]
    facts = outcome("example.com", {"_dmarc.example.com TXT": [strings]})
    shown = [facts.record, *facts.rua, *(problem.text for problem in facts.problems)]
    assert all(part.isprintable() and len(part) < 5000 for part in shown)
    assert len(facts.problems) < 20


def test_four_thousand_texts_are_no_record():
    facts = outcome("example.com", {"_dmarc.example.com TXT": ["token=%d" % number for number in range(4000)]})
    assert (facts.state, [problem.id for problem in facts.problems]) == ("absent", ["txt_of_another_kind"])
    assert len(facts.problems[0].text) < 600
