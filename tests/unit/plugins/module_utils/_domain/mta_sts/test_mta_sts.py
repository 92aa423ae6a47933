# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What a domain announces, serves and covers by MTA-STS (RFC 8461).

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.mta_sts.evaluate import (
    given_policy,
    judge_mta_sts,
    policy_address,
    record_to_publish,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.mta_sts.policy import (
    policy_text,
    read_policy,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.mta_sts.record import look_up_mta_sts
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.https import Fetched
from ansible_collections.postmaster.mailcheck.tests.support.answers import play
from ansible_collections.postmaster.mailcheck.tests.support.published import (
    BAD_SIGNATURE,
    NO_DATA,
    SERVFAIL,
    alias,
    zone,
)

RECORD = "v=STSv1; id=20261128T0000;"
POLICY = "version: STSv1\r\nmode: enforce\r\nmx: mx1.example.com\r\nmx: *.example.net\r\nmax_age: 604800\r\n"


def ids(problems):
    return [problem.id for problem in problems]


def the_record(records):
    return play(look_up_mta_sts("example.com"), zone({"_mta-sts.example.com TXT": records}))


# What is announced: (what it is about, the section of RFC 8461), the records, what must come of it
RECORDS = [
    (("a record", "3.1"), [RECORD], {"state": "present", "id": "20261128T0000", "problems": []}),
    (("without a semicolon at the end", "3.1"), ["v=STSv1; id=a1"], {"state": "present", "id": "a1", "problems": []}),
    (("blanks around semicolons", "3.1"), ["v=STSv1 ;\tid=a1 ; "], {"id": "a1", "problems": []}),
    (("blanks around an equals sign", "3.1"), ["v=STSv1; id = a1;"], {"id": "", "problems": ["field_malformed"]}),
    (("a blank before the id", "3.1"), ["v=STSv1; id= a1;"], {"id": "", "problems": ["field_malformed"]}),
    (("an extension of every character", "3.1"), ["v=STSv1; id=a1; 1x-y_z.9=!-:<~"], {"id": "a1", "problems": []}),
    (("a field without a value", "3.1"), ["v=STSv1; id=a1; ext"], {"id": "a1", "problems": ["field_malformed"]}),
    (("an extension with blanks in it", "3.1"), ["v=STSv1; id=a1; ext=x y"], {"problems": ["field_malformed"]}),
    (("an extension's name that is too long", "3.1"), ["v=STSv1; id=a1; %s=x" % ("e" * 33)],
     {"problems": ["field_malformed"]}),
    (("an extension", "3.1"), ["v=STSv1; id=a1; ext=x"], {"id": "a1", "problems": []}),
    (("several strings", "3.1"), [["v=STSv1; ", "id=a1;"]], {"id": "a1", "problems": []}),
    (("others beside it are discarded", "3.1"), ["v=spf1 -all", RECORD], {"id": "20261128T0000", "problems": []}),
    (("several", "3.1"), [RECORD, "v=STSv1; id=b"], {"state": "present", "id": "", "problems": ["mta_sts_several"]}),
    (("no id", "3.1"), ["v=STSv1;"], {"state": "present", "id": "", "problems": ["mta_sts_id"]}),
    (("an id of other characters", "3.1"), ["v=STSv1; id=2026-11-28"], {"problems": ["mta_sts_id"]}),
    (("an id of 33 characters", "3.1"), ["v=STSv1; id=" + "a" * 33], {"problems": ["mta_sts_id"]}),
    (("an id of 32", "3.1"), ["v=STSv1; id=" + "a" * 32], {"id": "a" * 32, "problems": []}),
    (("two ids", "3.1"), ["v=STSv1; id=a; id=b"], {"problems": ["tag_twice"]}),
    (("the version in other letters", "3.1"), ["v=stsv1; id=a"], {"state": "absent", "problems": ["version_garbled"]}),
    (("no semicolon behind the version", "3.1"), ["v=STSv1 id=a"], {"state": "absent", "problems": ["version_garbled"]}),
    (("the version not first", "3.1"), ["id=a; v=STSv1"], {"state": "absent", "problems": ["version_garbled"]}),
    (("a wildcard's text", "3.1"), ["vendor-verification=51c2e0aa7f"],
     {"state": "absent", "problems": ["txt_of_another_kind"]}),
    (("nothing", "3.1"), NO_DATA, {"state": "absent", "record": "", "problems": []}),
    (("an alias of a provider's", "8.2"), alias("_mta-sts.provider.example", [(b"v=STSv1; id=p1",)]),
     {"state": "present", "id": "p1", "problems": []}),
    (("no answer", "3.1"), SERVFAIL, {"state": "not_determined", "problems": []}),
    (("a bogus answer", "3.1"), BAD_SIGNATURE, {"state": "bogus", "problems": []}),
]  # fmt: skip


@pytest.mark.parametrize("case", RECORDS, ids=lambda case: "%s: %s" % case[0][::-1])
def test_what_is_announced(case):
    _about, records, expected = case
    facts = the_record(records)
    found = {name: ids(facts.problems) if name == "problems" else getattr(facts, name) for name in expected}
    assert found == expected
    assert bool(facts.reason) == (facts.state in ("bogus", "not_determined"))


def test_one_question_is_asked():
    asked = []
    play(look_up_mta_sts("example.com"), {}, asked)
    assert [[tuple(question) for question in questions] for questions in asked] == [[("_mta-sts.example.com", "TXT")]]


# What is served (RFC 8461 3.2)
POLICIES = [
    ("enforce", POLICY, {"version": "STSv1", "mode": "enforce", "mx": ("mx1.example.com", "*.example.net"),
                         "max_age": 604800, "problems": []}),
    ("line feeds alone", POLICY.replace("\r", ""), {"mode": "enforce", "max_age": 604800, "problems": []}),
    ("no end of the last line", POLICY.rstrip(), {"max_age": 604800, "problems": []}),
    ("in another order", "max_age:604800\nmx:\ta.example\nmode: enforce \nversion:  STSv1", {"mode": "enforce", "problems": []}),
    ("keys nobody knows", POLICY + "x-more: yes\r\n", {"problems": []}),
    ("names in capitals", POLICY.replace("mx1", "MX1"), {"mx": ("mx1.example.com", "*.example.net"), "problems": []}),
    ("testing", POLICY.replace("enforce", "testing"), {"mode": "testing", "problems": ["mta_sts_testing"]}),
    ("none, without mx", "version: STSv1\nmode: none\nmax_age: 86400\n",
     {"mode": "none", "mx": (), "problems": ["mta_sts_none"]}),
    ("no mx", "version: STSv1\nmode: enforce\nmax_age: 86400\n", {"problems": ["mta_sts_mx_missing"]}),
    ("no version", POLICY[16:], {"version": "", "problems": ["mta_sts_version"]}),
    ("another version", POLICY.replace("STSv1", "STSv2"), {"problems": ["mta_sts_version"]}),
    ("no mode", POLICY.replace("mode: enforce\r\n", ""), {"problems": ["mta_sts_mode"]}),
    ("another mode", POLICY.replace("enforce", "report"), {"problems": ["mta_sts_mode"]}),
    ("a mode in capitals", POLICY.replace("enforce", "Enforce"), {"problems": ["mta_sts_mode"]}),
    ("no max_age", POLICY.replace("max_age: 604800\r\n", ""), {"max_age": None, "problems": ["mta_sts_max_age"]}),
    ("max_age in words", POLICY.replace("604800", "1w"), {"max_age": None, "problems": ["mta_sts_max_age"]}),
    ("a negative max_age", POLICY.replace("604800", "-1"), {"problems": ["mta_sts_max_age"]}),
    ("max_age of eleven digits", POLICY.replace("604800", "00000604800"), {"problems": ["mta_sts_max_age"]}),
    ("max_age above a year", POLICY.replace("604800", "31557601"), {"problems": ["mta_sts_max_age"]}),
    ("max_age of a year", POLICY.replace("604800", "31557600"), {"max_age": 31557600, "problems": []}),
    ("max_age below a day", POLICY.replace("604800", "86399"), {"max_age": 86399, "problems": ["mta_sts_max_age_short"]}),
    ("max_age 0", POLICY.replace("604800", "0"), {"max_age": 0, "problems": ["mta_sts_max_age_short"]}),
    ("the mode twice: the first counts", POLICY + "mode: none\r\n", {"mode": "enforce", "problems": ["mta_sts_twice"]}),
    ("an address as mx", POLICY.replace("mx1.example.com", "192.0.2.25"), {"problems": ["mta_sts_mx_address"]}),
    ("an address in brackets", POLICY.replace("mx1.example.com", "[2001:db8::1]"), {"problems": ["mta_sts_mx_address"]}),
    ("a wildcard that is not first", POLICY.replace("mx1.example", "mx.*"), {"problems": ["mta_sts_mx_pattern"]}),
    ("a wildcard within a label", POLICY.replace("mx1.", "mx*."), {"problems": ["mta_sts_mx_pattern"]}),
    ("a wildcard alone", POLICY.replace("mx1.example.com", "*"), {"problems": ["mta_sts_mx_pattern"]}),
    ("a dot in front instead of a wildcard", POLICY.replace("mx1.", "."), {"problems": ["mta_sts_mx_pattern"]}),
    ("several in one line", POLICY.replace("mx1.example.com", "a.example, b.example"), {"problems": ["mta_sts_mx_pattern"]}),
    ("an empty mx", POLICY.replace("mx1.example.com", ""), {"problems": ["mta_sts_mx_pattern"]}),
    ("a U-label", POLICY.replace("mx1", "b\u00fccher"), {"problems": ["mta_sts_mx_pattern"]}),
    ("a line that is none", POLICY + "hello\r\n", {"problems": ["mta_sts_line"]}),
    ("a blank before the colon", POLICY.replace("mode:", "mode :"), {"problems": ["mta_sts_line", "mta_sts_mode"]}),
    ("a page", "<!DOCTYPE html><html>", {"problems": ["mta_sts_line", "mta_sts_version", "mta_sts_mode",
                                                      "mta_sts_max_age", "mta_sts_mx_missing"]}),
    ("nothing", "", {"problems": ["mta_sts_version", "mta_sts_mode", "mta_sts_max_age", "mta_sts_mx_missing"]}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in POLICIES], ids=[case[0] for case in POLICIES])
def test_what_is_served(text, expected):
    policy, problems = read_policy(text.encode("utf-8"))
    found = {name: ids(problems) if name == "problems" else getattr(policy, name) for name in expected}
    assert found == expected


def judged(records=None, fetched=None, hosts=("mx1.example.com",)):
    announced = the_record([RECORD] if records is None else records)
    return judge_mta_sts("example.com", announced, fetched, hosts)


def served(text=POLICY, **more):
    return Fetched(**{"status": 200, "content_type": "text/plain; charset=utf-8", "body": text.encode("utf-8"), **more})


def test_announced_served_and_covered():
    facts = judged(fetched=served(), hosts=("MX1.example.com.", "mx2.example.net"))
    assert (facts.state, facts.reason, facts.valid, facts.problems) == ("present", "", True, ())
    assert [tuple(one) for one in facts.mx] == [("mx1.example.com", True), ("mx2.example.net", True)]
    assert facts.policy.mode == "enforce"
    assert facts.policy.text == POLICY.replace("\r", "")
    assert facts.fetch.url == "https://mta-sts.example.com/.well-known/mta-sts.txt"
    assert facts.fetch.status == 200


@pytest.mark.parametrize(("pattern", "host", "covered"), [
    # RFC 8461 4.1: a wildcard is the whole first label, and stands for one label.
    ("mx.example.com", "mx.example.com", True),
    ("*.example.com", "mx.example.com", True),
    ("*.example.com", "a.mx.example.com", False),
    ("*.example.com", "example.com", False),
    ("example.com", "mx.example.com", False),
    ("*.com", "example.com", True),
])  # fmt: skip
def test_which_hosts_are_covered(pattern, host, covered):
    facts = judged(
        fetched=served(POLICY.replace("mx1.example.com", pattern).replace("*.example.net", pattern)), hosts=(host,)
    )
    assert [tuple(one) for one in facts.mx] == [(host, covered)]
    assert facts.valid is covered


def test_a_host_that_is_not_covered_gets_no_mail():
    """RFC 8461 5: with enforce a sender must not deliver there; with testing it reports, and does."""
    facts = judged(fetched=served(), hosts=("mx1.example.com", "backup.example.org"))
    assert (facts.state, facts.valid) == ("present", False)
    assert ids(facts.problems) == ["mta_sts_mx_uncovered", "mta_sts_mx_unused"]
    assert "backup.example.org" in facts.problems[0].text
    facts = judged(fetched=served(POLICY.replace("enforce", "testing")), hosts=("backup.example.org",))
    assert (facts.valid, ids(facts.problems)) == (
        True,
        ["mta_sts_testing", "mta_sts_mx_uncovered_testing", "mta_sts_mx_unused"],
    )
    facts = judged(fetched=served("version: STSv1\nmode: none\nmax_age: 86400\n"), hosts=("backup.example.org",))
    assert (facts.valid, ids(facts.problems)) == (True, ["mta_sts_none"])


def test_hosts_that_are_not_known_are_not_said_to_be_covered():
    facts = judged(fetched=served(), hosts=None)
    assert (facts.state, facts.valid, facts.mx) == ("present", None, ())


# RFC 8461 3.3: what is fetched counts only if the answer is 200, from a host with a certificate of its name.
FETCHES = [
    ("not found", Fetched(status=404), "mta_sts_policy_status", "404"),
    ("no redirects are followed", Fetched(status=301, location="https://www.example.com/mta-sts.txt"),
     "mta_sts_policy_redirect", "https://www.example.com/mta-sts.txt"),
    ("a page", served(content_type="text/html"), "mta_sts_content_type", "text/html"),
    ("no type", served(content_type=""), "mta_sts_content_type", "text/plain"),
    ("expired", Fetched(cause="certificate_expired", text="OpenSSL says: certificate has expired"),
     "mta_sts_policy_certificate", "certificate has expired"),
    ("wrong name", Fetched(cause="certificate_name_mismatch", text="OpenSSL says: Hostname mismatch"),
     "mta_sts_policy_certificate", "mta-sts.example.com"),
    ("no such host", Fetched(cause="name_not_found", text="mta-sts.example.com: Name or service not known"),
     "mta_sts_policy_unreachable", "not known"),
    ("nobody there", Fetched(cause="connection_refused", text="192.0.2.80: connection refused"),
     "mta_sts_policy_unreachable", "refused"),
    ("slow", Fetched(cause="timed_out", text="no whole answer within 10 s"), "mta_sts_policy_unreachable", "10 s"),
    ("oversize", Fetched(cause="protocol_violation", text="the body is longer than 64 KiB"),
     "mta_sts_policy_unreachable", "64 KiB"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("fetched", "problem", "says"), [case[1:] for case in FETCHES], ids=[case[0] for case in FETCHES]
)
def test_a_policy_that_senders_do_not_get(fetched, problem, says):
    facts = judged(fetched=fetched)
    assert (facts.state, facts.valid) == ("present", False)
    assert ids(facts.problems) == [problem]
    assert says in facts.problems[0].text


@pytest.mark.parametrize("fetched", [
    None,
    Fetched(cause="deadline_reached", text="the task's time was up"),
    Fetched(cause="interrupted", text="the check was stopped"),
    Fetched(cause="not_checked", text="the check was stopped before its turn"),
    Fetched(cause="internal_error", text="a fault"),
    Fetched(cause="name_server_failed", text="no answer about mta-sts.example.com within 10 s"),
    Fetched(cause="network_unreachable", text="2001:db8::80: network is unreachable"),
    Fetched(cause="no_address_of_family", text="mta-sts.example.com has none of source_address's"),
])  # fmt: skip
def test_what_was_not_fetched_is_not_judged(fetched):
    facts = judged(fetched=fetched)
    assert (facts.state, facts.valid, facts.problems) == ("not_determined", None, ())
    assert "policy" in facts.reason
    assert facts.record == RECORD


def test_a_policy_that_nobody_announces():
    """The policy is served, the record is missing: senders never ask for it (RFC 8461 3.1)."""
    facts = judged(records=NO_DATA, fetched=served(POLICY.replace("enforce", "testing")))
    assert (facts.state, facts.valid, ids(facts.problems)) == ("absent", None, ["mta_sts_not_announced"])
    assert "_mta-sts" in facts.problems[0].text
    assert facts.policy.mode == "testing"
    for fetched in (None, Fetched(status=404), Fetched(cause="name_not_found", text="x"), served("<html>", content_type="text/html")):  # fmt: skip
        facts = judged(records=NO_DATA, fetched=fetched)
        assert (facts.state, facts.problems) == ("absent", ())


def test_a_stranger_at_the_name_is_named():
    facts = judged(records=["vendor-verification=51c2e0aa7f"], fetched=Fetched(cause="name_not_found", text="x"))
    assert (facts.state, facts.valid, ids(facts.problems)) == ("absent", None, ["txt_of_another_kind"])
    assert "vendor-verification" in facts.problems[0].text


@pytest.mark.parametrize(("answer", "state"), [(SERVFAIL, "not_determined"), (BAD_SIGNATURE, "bogus")])
def test_a_failed_look_up_is_not_the_lack_of_a_record(answer, state):
    facts = judged(records=answer, fetched=served())
    assert (facts.state, facts.valid, facts.problems) == (state, None, ())
    assert facts.reason


@pytest.mark.parametrize(("count", "problems"), [(500, []), (501, ["mta_sts_mx_many"])])
def test_five_hundred_patterns_are_looked_at(count, problems):
    lines = "".join("mx: mx%d.example.com\r\n" % number for number in range(count))
    policy, faults = read_policy(("version: STSv1\r\nmode: enforce\r\n%smax_age: 604800\r\n" % lines).encode())
    assert (len(policy.mx), ids(faults)) == (500, problems)


def test_several_records_are_as_none():
    facts = judged(records=[RECORD, "v=STSv1; id=b"], fetched=served())
    assert (facts.state, facts.valid, ids(facts.problems)) == ("present", False, ["mta_sts_several"])


def test_a_policy_before_it_is_served():
    facts = judged(fetched=given_policy(POLICY))
    assert (facts.state, facts.valid, facts.fetch.certificate) == ("present", True, None)


DAY = 86400


@pytest.mark.parametrize(
    ("life", "left", "said"),
    [
        (90, 8.0, None),
        (90, 6.5, "ends in 6 days"),
        (90, 0.5, "ends in 0 days"),
        (6, 5.0, None),  # made for a short time
        (6, 1.5, "ends in 1 day"),
    ],
)
def test_a_certificate_of_the_policy_host_that_ends_soon_is_told(life, left, said):
    now = 1000 * DAY
    ends = now + left * DAY
    certificate = SimpleNamespace(not_before_timestamp=ends - life * DAY, not_after_timestamp=ends)
    fetched = served(tls=SimpleNamespace(chain=(certificate,), version="TLSv1.3"))
    found = judge_mta_sts("example.com", the_record([RECORD]), fetched, ["mx1.example.com"], now)
    texts = [one.text for one in found.problems if one.id == "mta_sts_policy_certificate_ends"]
    assert len(texts) == (said is not None) and all(said in text for text in texts)
    assert found.valid is True


# What to publish


def test_the_record_to_publish():
    record = record_to_publish("example.com", POLICY)
    assert (record.name, record.type) == ("_mta-sts.example.com", "TXT")
    assert the_record([record.value]).problems == ()
    assert "policy is served at https://mta-sts.example.com/.well-known/mta-sts.txt" in record.after
    again = record_to_publish("example.com", POLICY)
    changed = record_to_publish("example.com", POLICY.replace("mx1", "mx2"))
    assert record == again  # the id changes with the policy, and only then
    assert changed.value != record.value


def test_the_policy_to_serve():
    """First for testing: nothing breaks by it."""
    text = policy_text("testing", ["MX1.example.com.", "mx2.example.com"], 604800)
    assert (
        text == "version: STSv1\r\nmode: testing\r\nmx: mx1.example.com\r\nmx: mx2.example.com\r\nmax_age: 604800\r\n"
    )
    policy, problems = read_policy(text.encode())
    assert (policy.mx, ids(problems)) == (("mx1.example.com", "mx2.example.com"), ["mta_sts_testing"])


def test_where_the_policy_is():
    assert policy_address("example.com") == ("mta-sts.example.com", "/.well-known/mta-sts.txt")


# Hostile


@pytest.mark.parametrize("text", [
    "version: STSv1\nmode: \x1b[2J<script>\nmax_age: \u202e1\nmx: \x00",
    "mx: a.example\n" * 4000,
    "x" * 65536,
    ":" * 65536,
    "\n" * 65536,
    "\xff\xfe" * 1000,
])  # fmt: skip
def test_a_hostile_policy_is_shown_safely_and_at_bounded_length(text):
    facts = judged(fetched=served(text), hosts=tuple("mx%d.example.com" % number for number in range(60)))
    shown = [*facts.policy.mx, facts.policy.mode, facts.policy.version, *(problem.text for problem in facts.problems)]
    assert all(part.isprintable() and len(part) < 5000 for part in shown)
    assert len(shown) < 600
    assert len(facts.policy.text) < 5000
    assert all(line.isprintable() for line in facts.policy.text.split("\n"))
    assert facts.valid is False
