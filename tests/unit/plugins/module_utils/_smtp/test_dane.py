# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# TLSA records in whole checks of a relay: given as text or looked up, judged whatever becomes of the handshake, expected
# by a rule.

from __future__ import annotations

import hashlib
import time

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.model import (
    INSECURE,
    NOT_DETERMINED,
    SECURE,
    Tlsa,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.driver import Driver, Limits
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.check import check
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.plan import check_plan
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.report import as_report
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.request import build_request
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.rows import DnsBounds, rows_of
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.sweep_options import sweep_options
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.tlsa import tlsa_records
from ansible_collections.postmaster.mailcheck.tests.support.answers import answer_to
from ansible_collections.postmaster.mailcheck.tests.support.chains import NAME, Chain, issue, server_context
from ansible_collections.postmaster.mailcheck.tests.support.name_server import NameServer, records
from ansible_collections.postmaster.mailcheck.tests.support.published import (
    BAD_SIGNATURE,
    NO_DATA,
    SERVFAIL,
    zone,
)
from ansible_collections.postmaster.mailcheck.tests.support.relay import Relay, running

OTHER = "3 1 1 " + "00" * 32


def certificate_record(identity, usage=3):
    return "%d 0 1 %s" % (usage, hashlib.sha256(identity.der).hexdigest())


def checked(chain, folder, tlsa, **options):
    with running(Relay(server_context(chain, folder))) as relay:
        return check("127.0.0.1", port=relay.port, tls_server_name=NAME, tlsa=tlsa, expect={"dane_valid": True}, **options)  # fmt: skip


def outcome_of(report):
    (rule,) = report["rules"]
    assert rule["id"] == "dane_valid"
    return rule["outcome"]


def test_a_self_signed_certificate_that_a_record_names(tmp_path):
    """RFC 7672 3.1.1: nothing but the record counts; the handshake itself is the option's."""
    own = Chain(issue(None, "other.example.com", days=(-30, -1)))
    report = checked(own, tmp_path, [OTHER, certificate_record(own.leaf)], validate_certs=False)
    assert (report["verdict"], outcome_of(report)) == ("passed", "met")
    dane = report["tls"]["dane"]
    assert (dane["outcome"], dane["reason"]) == ("met", "")
    assert [one["outcome"] for one in dane["records"]] == ["unmet", "met"]
    assert dane["records"][1]["data"] == hashlib.sha256(own.leaf.der).hexdigest()


def test_the_chain_is_judged_though_the_handshake_ended(tmp_path):
    own = Chain(issue(None, NAME))
    report = checked(own, tmp_path, [certificate_record(own.leaf)])
    assert report["failure"]["cause"] == "certificate_self_signed"
    assert "The TLSA records name this certificate" in report["failure"]["explanation"]
    assert (report["tls"]["dane"]["outcome"], outcome_of(report)) == ("met", "met")


def test_a_certificate_that_no_record_names(tmp_path):
    own = Chain(issue(None, NAME))
    report = checked(own, tmp_path, [OTHER], validate_certs=False)
    assert (report["failure"]["cause"], outcome_of(report)) == ("rule_unmet", "unmet")
    assert "3 1 1 0000000000000000…: the relay's own key is another" in report["msg"]


@pytest.mark.parametrize(("name", "outcome"), [(NAME, "met"), ("other.example.com", "unmet")])
def test_an_authority_without_any_other(tmp_path, name, outcome):
    """RFC 7672 3.1.2: the record's authority, no other, and the name."""
    root = issue(None, subject="Own Root", authority=True)
    chain = Chain(issue(root, name), (root,))
    report = checked(chain, tmp_path, [certificate_record(root, usage=2)], validate_certs=False)
    assert (outcome_of(report), report["tls"]["dane"]["outcome"]) == (outcome, outcome)


def test_a_relay_without_starttls_is_not_delivered_to():
    """RFC 7672 2.2: with usable records TLS is mandatory."""
    with running(Relay()) as relay:
        report = check("127.0.0.1", port=relay.port, tls="opportunistic", tlsa=[OTHER], expect={"dane_valid": True})
    assert outcome_of(report) == "unmet"
    assert report["tls"] is None
    assert "no STARTTLS" in report["msg"]


def test_without_tls_nothing_is_judged(tmp_path):
    chain = Chain(issue(None, NAME))
    assert outcome_of(checked(chain, tmp_path, [OTHER], tls="none")) == "unknown"


@pytest.mark.parametrize("text", ["3 1 1 abcd", " 3\t1 1  AB CD ", "3 1 1 a b c d"])
def test_the_forms_of_a_record(text):
    """RFC 6698 2.2: white space may stand in the data."""
    assert tlsa_records([text]) == (Tlsa(3, 1, 1, b"\xab\xcd"),)


# Looked up


class Table:
    """Answers at once from a table; `asked` are the questions."""

    def __init__(self, answers):
        self.answers, self.asked = answers, []

    def ask(self, question, then):
        self.asked.append(tuple(question))
        then(answer_to(question, self.answers))


def looked_up(chain, folder, tlsa, dnssec=SECURE, **options):
    """Check a relay that is called localhost, with what the DNS is to say of it; return the report and the questions."""
    with running(Relay(server_context(chain, folder))) as relay:
        table = Table(zone({"localhost A": ["127.0.0.1"], "_%d._tcp.localhost TLSA" % relay.port: tlsa}, dnssec))
        given = {"port": relay.port, "validate_certs": False, "address_family": "ipv4", "expect": {"dane_valid": True}}
        request = build_request("LocalHost", {**given, **options}, time.time())
        ((_key, verdict),) = Driver(Limits()).run(iter([(0, check_plan(request, time.time, table))]))
        return as_report(verdict, time.time()), table.asked, relay.port


@pytest.mark.parametrize(("tlsa", "dnssec", "outcome", "state", "says"), [
    ("right", SECURE, "met", "present", ""),
    ([OTHER], SECURE, "unmet", "present", "the relay's own key is another"),
    (NO_DATA, SECURE, "unmet", "absent", "there are no TLSA records for localhost"),
    ("right", INSECURE, "unmet", "absent", "nothing signed leads to TLSA records for localhost"),
    ("right", NOT_DETERMINED, "unknown", "not_determined", "nothing that validates was asked"),
    (SERVFAIL, SECURE, "unknown", "not_determined", "SERVFAIL"),
    (BAD_SIGNATURE, SECURE, "unmet", "bogus", "RRSIGs missing"),  # a validating sender fails there
])  # fmt: skip
def test_records_that_are_looked_up(tmp_path, tlsa, dnssec, outcome, state, says):
    own = Chain(issue(None, NAME))
    report, _asked, _port = looked_up(
        own, tmp_path, [certificate_record(own.leaf)] if tlsa == "right" else tlsa, dnssec
    )
    dane = report["tls"]["dane"]
    assert (outcome_of(report), dane["outcome"], dane["state"]) == (outcome, outcome, state)
    assert (dane["base_domain"], report["verdict"]) == ("localhost", "failed" if outcome == "unmet" else "passed")
    assert says in dane["reason"]


def test_a_certificate_for_the_mail_domain_that_leads_here(tmp_path):
    """RFC 7672 3.2.2: the next-hop domain is a name as good as the host's, below an authority that a record names."""
    root = issue(None, subject="Own Root", authority=True)
    chain = Chain(issue(root, "example.com"), (root,))
    with running(Relay(server_context(chain, tmp_path))) as relay:
        options = {"port": relay.port, "validate_certs": False, "tlsa": [certificate_record(root, usage=2)]}
        request = build_request("127.0.0.1", {**options, "expect": {"dane_valid": True}}, time.time())
        for next_hop, outcome in ((None, "unmet"), ("example.net", "unmet"), ("example.com", "met")):
            judging = request.judging._replace(next_hop=next_hop)
            plan = check_plan(request._replace(judging=judging), time.time)
            ((_key, verdict),) = Driver(Limits()).run(iter([(0, plan)]))
            assert outcome_of(as_report(verdict, time.time())) == outcome


@pytest.mark.parametrize(("options", "keys"), [({}, 1), ({"tlsa": [OTHER]}, 2), ({"expect": {"dane_valid": True}}, 2)])
def test_relays_of_several_domains_are_held_against_each_of_them(options, keys):
    """Two domains with one relay: what its certificate may be for differs, where TLSA records count at all."""
    names = {
        (name, kind): records(*found)
        for name, kind, found in (
            ("a.example", "MX", ["10 mx.example."]), ("b.example", "MX", ["10 mx.example."]),
            ("mx.example", "A", ["192.0.2.25"]), ("mx.example", "AAAA", []),
        )
    }  # fmt: skip
    with NameServer(names) as server:
        given = {"domains": ["a.example", "b.example"], "dns_servers": [server.address], **options}
        made = sweep_options({"tls": "starttls", **given})
        rows = rows_of(made, 0.0, False, DnsBounds(made.own))
    assert [row.request.judging.next_hop for row in rows] == (["a.example", "b.example"] if options else [None, None])
    assert len({row.key for row in rows}) == keys


def test_what_is_asked(tmp_path):
    own = Chain(issue(None, NAME))
    _report, asked, port = looked_up(own, tmp_path, [OTHER])
    assert asked == [("localhost", "A"), ("localhost", "AAAA"), ("_%d._tcp.localhost" % port, "TLSA")]


def test_nothing_is_asked_where_records_are_given_or_nothing_is_expected():
    for options in ({"tlsa": [OTHER], "expect": {"dane_valid": True}}, {"tlsa": [OTHER]}, {}):
        assert build_request("relay.example.com", options, 0.0).judging.resolvers is None
    wanted = build_request("relay.example.com", {"expect": {"dane_valid": True}, "dns_servers": ["192.0.2.53"]}, 0.0)
    assert wanted.judging.resolvers == (("192.0.2.53",), 5.0)
