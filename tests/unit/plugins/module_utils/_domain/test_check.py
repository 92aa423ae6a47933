# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Whole checks: by name servers that answer, keep silent or are stopped, and by zone files, before publishing.

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
from functools import partial

import pytest

pytest.importorskip("dns", reason="dnspython is not installed for this Python")

import dns.rrset

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain import check, plan, relays
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.check import check_domains
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.options import LOOK_AT
from ansible_collections.postmaster.mailcheck.tests.support.chains import Chain, issue, server_context
from ansible_collections.postmaster.mailcheck.tests.support.handshake import World
from ansible_collections.postmaster.mailcheck.tests.support.hostile import ScriptedRelay
from ansible_collections.postmaster.mailcheck.tests.support.name_server import (
    NameServer,
    nothing,
    records,
    refusal,
    silence,
)
from ansible_collections.postmaster.mailcheck.tests.support.relay import Relay, running

PATIENCE = {"dns_timeout": 20.0, "timeout": 20.0, "connect_timeout": 20.0}
SOA = "@ IN SOA ns hostmaster 1 3600 600 86400 60\n@ IN NS ns\n"
MAIL = """\
@ IN MX 10 mx
@ IN TXT "v=spf1 mx -all"
mx IN A 192.0.2.25
_dmarc IN TXT "v=DMARC1; p=reject; rua=mailto:d@example.com"
_smtp._tls IN TXT "v=TLSRPTv1; rua=mailto:t@example.com"
_mta-sts IN TXT "v=STSv1; id=20260101"
s1._domainkey IN TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
"""
POLICY = "version: STSv1\nmode: enforce\nmx: mx.example.com\nmax_age: 604800\n"


@pytest.fixture
def publish(tmp_path):
    """Write a zone file of a domain; return its path."""

    def write(text=MAIL, domain="example.com"):
        path = tmp_path / domain
        path.write_text("$ORIGIN %s.\n$TTL 300\n%s%s" % (domain, SOA, text))
        return str(path)

    return write


def outcomes(report):
    return {rule["id"]: rule["outcome"] for rule in report["rules"]}


def one(domain="example.com", **options):
    result = check_domains([domain], **{**PATIENCE, **options})
    (report,) = result["domains"]
    return report


def test_a_zone_before_it_is_published(publish):
    report = one(
        zone_files=[publish()], mta_sts_policies={"example.com": POLICY}, selectors=["s1"], senders=["192.0.2.25"]
    )
    assert set(outcomes(report).values()) == {"met"}
    assert (report["verdict"], report["cause"], report["msg"]) == ("passed", None, "example.com: passed.")
    assert report["mta_sts"]["mx"] == [{"host": "mx.example.com", "covered": True}]


def test_who_asks_for_what_a_zone_file_does_not_show_is_told_so(publish):
    report = one(zone_files=[publish()], look_at=["dnssec", "dane"])
    assert outcomes(report) == {"dnssec_secure": "unknown", "dnssec_valid": "unknown", "dane_present": "unknown"}
    assert "a zone file does not show it" in report["dnssec"]["reason"]
    assert "nothing that validates was asked" in report["dane"][0]["reason"]


def test_rules_not_judged_of_what_passes_are_warned_of(publish):
    files = [publish(), publish(MAIL.replace("example.com", "example.org"), "example.org")]
    result = check_domains(["example.com"], zone_files=files[:1], look_at=["mx", "dnssec"])
    assert [text.partition(":")[0] for text in result["warnings"]] == ["dnssec_secure", "dnssec_valid"]
    result = check_domains(["example.com", "example.org"], zone_files=files, look_at=["mx", "dnssec"])
    assert [text.partition(":")[0] for text in result["warnings"]] == [
        "dnssec_secure of example.com, example.org", "dnssec_valid of example.com, example.org",
    ]  # fmt: skip
    failed = check_domains(
        ["example.com"], zone_files=files[:1], look_at=["mx", "dnssec"], expect={"mx_present": False}
    )
    assert failed["domains"][0]["verdict"] == "failed" and failed["warnings"] == []


def test_without_the_policy_s_text_nothing_is_said_of_mta_sts(publish):
    """Zone files do not say what the policy host serves."""
    report = one(zone_files=[publish()], look_at=["mta_sts"])
    assert report["mta_sts"]["state"] == "not_determined"
    assert outcomes(report) == {"mta_sts_present": "unknown"}
    assert report["verdict"] == "unreachable"


def test_what_no_file_holds_is_not_determined(publish):
    report = one("example.net", zone_files=[publish()])
    assert set(outcomes(report).values()) == {"unknown"}
    assert (report["verdict"], report["cause"]) == ("unreachable", "name_server_failed")
    assert "example.net is not in the zone files" in report["msg"]


def test_a_zone_without_dmarc_lacks_it_though_no_file_holds_the_names_above(publish):
    report = one(zone_files=[publish(MAIL.replace("_dmarc IN", "elsewhere IN"))], look_at=["dmarc"])
    assert (report["dmarc"]["state"], report["dmarc"]["organizational_domain"]) == ("absent", None)
    assert outcomes(report) == {"dmarc_present": "unmet"}
    (told,) = report["dmarc"]["problems"]
    assert (told["id"], told["level"]) == ("dmarc_not_asked_above", "warning")
    assert "_dmarc.com" in told["text"]
    assert [record["name"] for record in report["records"]] == ["_dmarc.example.com"]


def test_below_the_apex_the_record_of_the_zone_applies(publish):
    report = one("mail.example.com", zone_files=[publish(MAIL + "mail IN A 192.0.2.26\n")], look_at=["dmarc"])
    assert (report["dmarc"]["policy_domain"], report["dmarc"]["policy"]) == ("example.com", "reject")
    assert [found["id"] for found in report["dmarc"]["problems"]] == ["dmarc_not_asked_above"]


def test_a_domain_that_no_file_holds_lacks_no_dmarc(publish):
    """Neither one beside the zone, nor one above it."""
    for domain in ("example.net", "com"):
        report = one(domain, zone_files=[publish()], look_at=["dmarc"])
        assert (report["dmarc"]["state"], report["verdict"]) == ("not_determined", "unreachable")


def test_a_name_that_its_zone_does_not_have_does_not_exist_in_the_files(publish):
    report = one("gone.example.com", zone_files=[publish()])
    assert (report["verdict"], report["cause"], report["records"]) == ("unreachable", "name_not_found", [])
    assert report["msg"].startswith("gone.example.com: it does not exist in the zone files: ")
    assert report["rules"] == []


def test_rules_about_relays_are_not_applied_where_these_are_not_to_be_looked_at(publish):
    """Not met, not unmet, and not in silence."""
    expect = {"mx_present": True, "delivers_dane": True, "delivers_mta_sts": None, "delivers_opportunistic": True}
    result = check_domains(
        ["example.com", {"domain": "example.com", "expect": {"mx_present": True}}],
        zone_files=[publish()], look_at=["mx"], relays=False, expect=expect,
    )  # fmt: skip
    report, own = result["domains"]
    assert set(outcomes(report)) == {"mx_present", "mx_valid", "null_mx_alone"}
    assert (report["verdict"], report["not_applied"]) == ("passed", ["delivers_dane", "delivers_opportunistic"])
    assert report["msg"] == "example.com: passed, 2 rules not applied, since relays is false."
    assert (own["verdict"], own["not_applied"], own["msg"]) == ("passed", [], "example.com: passed.")
    assert result["warnings"] == [
        "relays is false, so that these rules are not applied: delivers_dane, delivers_opportunistic."
    ]
    assert result["summary"]["not_judged"] == {}


def test_with_nothing_but_rules_that_are_not_applied_nothing_passes(publish):
    options = {"look_at": ["bimi"], "relays": False, "expect": {"delivers_dane": True}}
    report = one("mx.example.com", zone_files=[publish()], **options)
    assert report["verdict"] != "passed"


def test_only_what_was_to_be_looked_at_is_told(publish):
    report = one(zone_files=[publish()], look_at=["reverse", "caa"], senders=["mail.example.com"])
    assert set(report) & {*LOOK_AT, "relays"} == {"reverse", "caa"}
    assert {rule["stage"] for rule in report["rules"]} == {"reverse", "caa"}


def test_addresses_that_could_not_be_looked_up_are_not_left_out(publish):
    """Of a relay and of a sender: neither reverse names nor block lists pass for them."""
    zone = publish("@ IN MX 10 mx.example.net.\n")
    report = one(
        zone_files=[zone], look_at=["reverse", "blocklists"], blocklists=["bl.example.net"],
        senders=["mail.example.net", "gone.example.com"],
    )  # fmt: skip
    names = ["mx.example.net", "mail.example.net", "gone.example.com"]
    assert [(row["address"], row["state"]) for row in report["reverse"]] == [(name, "not_determined") for name in names]
    assert [row["address"] for row in report["blocklists"]["bl.example.net"]] == names
    assert outcomes(report) == {"reverse_names_confirmed": "unknown", "not_listed": "unknown"}
    assert "gone.example.com has no address" in report["reverse"][2]["reason"]


def test_a_sender_by_name_is_looked_at_by_its_addresses(publish):
    report = one(
        zone_files=[publish()], look_at=["blocklists"], blocklists=["bl.example.net"], senders=["mx.example.com"]
    )
    assert [row["address"] for row in report["blocklists"]["bl.example.net"]] == ["192.0.2.25"]


def test_a_domain_without_relays_has_none_to_look_at():
    """RFC 7505: a null MX."""
    with NameServer({("example.com", "MX"): records("0 .")}) as server:
        report = one(dns_servers=[server.address], look_at=["mx"], relays=True)
    assert (report["mx"]["null"], report["relays"]) == (True, [])


def test_relays_that_could_not_be_looked_up_are_not_left_out():
    with NameServer({("example.com", "MX"): refusal("REFUSED")}) as server:
        report = one(dns_servers=[server.address], look_at=["reverse"])
    assert [(row["address"], row["state"]) for row in report["reverse"]] == [("example.com", "not_determined")]
    assert outcomes(report) == {"reverse_names_confirmed": "unknown"}


def test_of_very_many_addresses_the_first_are_looked_at_and_nothing_passes_for_the_others(publish):
    hosts = range(20)
    lines = ["@ IN MX 10 mx%d.example.com." % host for host in hosts]
    lines += ["mx%d IN A 10.0.%d.%d" % (host, host, last) for host in hosts for last in range(32)]
    report = one(zone_files=[publish("\n".join(lines) + "\n")], look_at=["reverse"])
    assert len(report["reverse"]) == 513
    assert report["reverse"][-1]["reason"] == "of 640 addresses only the first 512 were looked at"
    assert outcomes(report)["reverse_names_confirmed"] == "unknown"


def test_where_there_is_nothing_to_judge_nothing_has_passed(publish):
    report = one(zone_files=[publish("@ IN MX 0 .\n")], look_at=["dane"])
    assert (report["rules"], report["verdict"], report["cause"]) == ([], "not_checked", "not_checked")


def test_one_s_own_name_for_a_domain_is_shown_beside_the_dns_s(publish):
    report = one("Büro.example", zone_files=[publish(MAIL, "xn--bro-hoa.example")], look_at=["mx"])
    assert (report["input"], report["domain"]) == ("Büro.example", "xn--bro-hoa.example")
    assert report["msg"].startswith("Büro.example (xn--bro-hoa.example): ")


def test_advice_fails_nothing_unless_it_was_asked_for(publish):
    zone = publish(MAIL.replace("_smtp._tls", "elsewhere"))
    report = one(zone_files=[zone], look_at=["tls_rpt", "mx"])
    assert (report["verdict"], outcomes(report)["tls_rpt_present"]) == ("passed", "unmet")
    assert report["msg"] == "example.com: passed, 1 rule of low severity not met."
    report = one(zone_files=[zone], look_at=["tls_rpt", "mx"], expect={"tls_rpt_present": True})
    assert (report["verdict"], report["cause"]) == ("failed", "rule_unmet")
    assert "(tls_rpt_present)" in report["msg"] and "Next: Publish a record at _smtp._tls" in report["msg"]
    report = one(zone_files=[zone], look_at=["tls_rpt", "mx"], expect={"tls_rpt_present": None})
    assert "tls_rpt_present" not in outcomes(report) and report["msg"] == "example.com: passed."


HOSTILE = "\\027[31m\\000<script>{{ 7 * 7 }}\\255\\r\\010[bold]"
NOT_PRINTABLE = re.compile("[\0-\x1f\x7f-\x9f\u202e\ud800-\udfff]")


def texts_in(value):
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from texts_in(inner)
    if isinstance(value, str):
        yield value


def test_nothing_that_a_domain_publishes_reaches_a_terminal_as_it_is(publish):
    """Control characters, escape sequences, bytes that are no text: in every record, and in the policy."""
    lines = [
        '@ IN MX 10 "%s"' % HOSTILE,
        '@ IN TXT "v=spf1 include:%s exp=%s -all"' % (HOSTILE, HOSTILE),
        '_dmarc IN TXT "v=DMARC1; p=%s; rua=mailto:%s@example.com"' % (HOSTILE, HOSTILE),
        '_smtp._tls IN TXT "v=TLSRPTv1; rua=%s"' % HOSTILE,
        '_mta-sts IN TXT "v=STSv1; id=%s"' % HOSTILE,
        's1._domainkey IN TXT "v=%s; k=%s; h=%s; p=%s"' % ((HOSTILE,) * 4),
        'default._bimi IN TXT "v=BIMI1; l=https://%s"' % HOSTILE,
        '@ IN CAA 128 issue "%s"' % HOSTILE,
    ]
    zone = publish(
        "\n".join(line for line in lines if " MX " not in line) + "\n@ IN MX 10 mx\\027\\.\\000.example.com.\n"
    )
    policy = POLICY + "mx: \x1b[2J\x00\n\x9bmode: \x07\n"
    look_at = [name for name in LOOK_AT if name != "blocklists"]
    result = check_domains(
        ["example.com"], zone_files=[zone], look_at=look_at, selectors=["s1"], senders=["192.0.2.1"],
        mta_sts_policies={"example.com": policy},
    )  # fmt: skip
    assert set(result["domains"][0]) >= set(look_at)
    unsafe = [text for text in texts_in(result) if NOT_PRINTABLE.search(text.replace("\n", ""))]
    assert unsafe == []
    json.dumps(result).encode("ascii")


# By name servers


ZONE = {("example.com", "MX"): records("10 mx.example.com."), ("mx.example.com", "A"): records("192.0.2.1")}


def test_results_come_in_the_order_of_the_input_each_for_itself():
    zone = dict(ZONE)
    zone["broken.example", "MX"] = refusal("SERVFAIL")
    with NameServer(zone) as server:
        given = ["none.example", {"domain": "broken.example"}, "EXAMPLE.com", "example.com"]
        shown = []
        result = check_domains(given, dns_servers=[server.address], look_at=["mx"], on_report=shown.append, **PATIENCE)
        asked = server.count("example.com")
    assert [report["input"] for report in result["domains"]] == [
        "none.example",
        "broken.example",
        "EXAMPLE.com",
        "example.com",
    ]
    assert [report["verdict"] for report in result["domains"]] == ["failed", "unreachable", "passed", "passed"]
    assert sorted(report["domain"] for report in shown) == sorted(report["domain"] for report in result["domains"])
    assert asked == 1
    assert result["summary"]["verdicts"] == {"failed": 1, "passed": 2, "unreachable": 1}
    assert result["summary"]["unmet"] == {"mx_present": 1, "mx_valid": 1}
    assert result["summary"]["not_judged"] == {"mx_present": 1, "mx_valid": 1}
    assert result["msg"].endswith(
        "1 failed, 2 passed, 1 unreachable. Not met: mx_present (1), mx_valid (1). Rules not judged: mx_present (1), "
        "mx_valid (1). Not passed: none.example, broken.example: name_server_failed. More: mailcheck explain mx_present"
    )
    assert [(facts["address"], facts["path"]) for facts in result["resolvers"]] == [(server.address, "loopback")]


def test_the_sentence_of_one_domain_that_did_not_pass_ends_with_its_next_step():
    with NameServer(dict(ZONE)) as server:
        result = check_domains(
            ["none.example", "example.com"], dns_servers=[server.address], look_at=["mx"], **PATIENCE
        )
    assert result["msg"].endswith(" Not passed: " + result["domains"][0]["msg"])
    assert " Next: " in result["msg"]


KINDS = ("MX", "SOA", "TXT", "A", "AAAA")


@pytest.mark.parametrize(
    ("look_at", "kinds"),
    [(["tls_rpt"], {"MX", "TXT"}), (["caa"], {"MX", "A", "AAAA", "CAA"}), (["reverse"], {"MX", "A", "AAAA"})],
)
def test_no_more_is_asked_than_what_was_to_be_looked_at_needs(look_at, kinds):
    zone = {("example.com", "MX"): records("10 mx.example.com."), ("mx.example.com", "A"): nothing}
    with NameServer(zone) as server:
        one(dns_servers=[server.address], look_at=look_at, relays=False, senders=["h.example.com"])
        asked = {(name, kind) for name, kind, _flags, _stream in server.asked if name}
    assert {kind for _name, kind in asked} - {"SOA", "NS"} == kinds
    assert (("h.example.com", "A") in asked) == (look_at == ["reverse"])


def test_an_address_alone_makes_no_domain_exist():
    """A resolver that makes addresses up: what is asked for MX is told that the name does not exist."""
    zone = {("gone.example", denied): refusal("NXDOMAIN") for denied in KINDS}
    zone["gone.example", "A"] = records("192.0.2.99")
    with NameServer(zone) as server:
        report = one("gone.example", dns_servers=[server.address], relays=True)
    assert (report["cause"], report["rules"], report["records"]) == ("name_not_found", [], [])
    assert "(192.0.2.99) is the resolver's own, or its server is at fault" in report["msg"]
    assert "relays" not in report


@pytest.mark.parametrize("kind", ["SOA", "TXT"])
def test_a_name_that_its_server_denies_for_mx_alone_exists(kind):
    """RFC 4074 4.2: of a server that knows a name by some kinds of records, and says of others NXDOMAIN."""
    zone = {("example.com", denied): refusal("NXDOMAIN") for denied in KINDS}
    zone["example.com", kind] = nothing
    with NameServer(zone) as server:
        report = one(dns_servers=[server.address], look_at=["mx"])
    assert report["cause"] == "rule_unmet" and report["rules"]


@pytest.mark.parametrize("look_at", [["mx"], ["dmarc"], ["dkim"], None])
def test_that_a_domain_does_not_exist_is_said_once(look_at):
    with NameServer({("exmaple.example", kind): refusal("NXDOMAIN") for kind in KINDS}) as server:
        report = one("exmaple.example", dns_servers=[server.address], look_at=look_at, relays=look_at is None)
    assert (report["verdict"], report["cause"], report["records"]) == ("unreachable", "name_not_found", [])
    assert report["rules"] == []
    assert report["msg"] == (
        "exmaple.example: it does not exist in the DNS (NXDOMAIN): check its spelling, or that it is registered and "
        "delegated."
    )


def alias_of_a_name_that_does_not_exist(query, stream):
    reply = refusal("NXDOMAIN")(query, stream)
    reply.answer.append(dns.rrset.from_text(query.question[0].name, 300, "IN", "CNAME", "gone.example."))
    return reply


@pytest.mark.parametrize("answer", [nothing, alias_of_a_name_that_does_not_exist, refusal("SERVFAIL"), silence])
def test_a_domain_that_has_no_mx_or_is_an_alias_or_is_not_known_is_not_said_not_to_exist(answer):
    with NameServer({("example.com", "MX"): answer}) as server:
        report = one(dns_servers=[server.address], look_at=["mx"], dns_timeout=0.5)
    assert report["cause"] in ("rule_unmet", "name_server_failed")


def test_who_started_it_can_stop_it_and_keeps_what_is_known():
    """While the second of three is under way, and the third has not had its turn."""
    stops = []

    def stop_and_keep_silent(_query, _stream):
        stops[0]()

    with NameServer({**ZONE, ("second.example", "MX"): stop_and_keep_silent}) as server:
        result = check_domains(
            ["example.com", "second.example", "third.example"], dns_servers=[server.address], look_at=["mx"],
            concurrency=1, on_start=stops.append, **PATIENCE,
        )  # fmt: skip
        assert server.count("third.example") == 0
    assert [report["verdict"] for report in result["domains"]] == ["passed", "not_checked", "not_checked"]
    assert [report["msg"].partition(": ")[2] for report in result["domains"][1:]] == [
        "the run ended before anything was known of it.", "the run ended before its turn.",
    ]  # fmt: skip


@pytest.mark.parametrize("how", [{"deadline": 0.001}, {"on_start": lambda stop: stop()}])
def test_what_ends_at_once_has_checked_nothing(how):
    with NameServer({("example.com", "MX"): silence}) as server:
        result = check_domains(["example.com", "example.com"], dns_servers=[server.address], look_at=["mx"], **how)
    assert result["summary"]["verdicts"] == {"not_checked": 2}
    assert {report["cause"] for report in result["domains"]} == {"not_checked"}


def test_a_fault_of_ours_is_that_of_its_domain(publish, monkeypatch):
    def faulty(wanted, sources):
        if wanted.domain == "bad.example":
            raise RuntimeError("values that nobody has to see")
        return (yield from plan.domain_plan(wanted, sources))

    monkeypatch.setattr(check, "domain_plan", faulty)
    result = check_domains(["bad.example", "example.com"], zone_files=[publish()], look_at=["mx"])
    bad, good = result["domains"]
    assert (bad["verdict"], bad["cause"], good["verdict"]) == ("failed", "internal_error", "passed")
    assert "RuntimeError at test_check.py:" in bad["msg"] and "nobody" not in bad["msg"]


@pytest.mark.parametrize("domain", [".".join(["a" * 60] * 4), ".".join(["a" * 61] * 4) + ".aaaaa"])
def test_a_name_as_long_as_names_are_has_no_room_for_policies(domain):
    """What stands at longer names cannot be there: that is no fault of ours, nor taken for good."""
    with NameServer() as server:
        report = one(domain, dns_servers=[server.address])
    assert report["cause"] != "internal_error"
    assert outcomes(report)["dmarc_present"] in ("unmet", "unknown")


# The policy host, and the relays


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def contexts(world, tmp_path_factory):
    names = {"policy": "mta-sts.example.com", "relay": "mx.example.com", "other": "other.example.com"}
    return {
        name: server_context(Chain(issue(world.root, host)), tmp_path_factory.mktemp(name))
        for name, host in names.items()
    }


@contextlib.contextmanager
def policy_host(monkeypatch, contexts, context="policy", answer=None):
    body = POLICY.replace("\n", "\\n")
    script = answer or "S: HTTP/1.1 200 OK\nS: Content-Type: text/plain\nS: Content-Length: %d\nS:\nS: %s\\" % (
        len(POLICY),
        body,
    )
    with ScriptedRelay("TLS %s\nC: GET /.well-known/mta-sts.txt HTTP/1.1\n%s" % (context, script), contexts) as server:
        monkeypatch.setattr(plan, "https_get", partial(plan.https_get, port=server.port))
        yield


PUBLISHED = {
    **ZONE,
    ("mx.example.com", "A"): records("127.0.0.1"),
    ("_mta-sts.example.com", "TXT"): records('"v=STSv1; id=1"'),
    ("mta-sts.example.com", "A"): records("127.0.0.1"),
}


def test_the_policy_is_fetched(monkeypatch, world, contexts):
    with NameServer(PUBLISHED) as server, policy_host(monkeypatch, contexts):
        report = one(
            dns_servers=[server.address], look_at=["mta_sts"], ca_path=world.ca_path, expect={"mta_sts_mode": "enforce"}
        )
    assert report["mta_sts"]["fetch"]["status"] == 200
    assert report["mta_sts"]["policy"]["mode"] == "enforce"
    assert (report["verdict"], set(outcomes(report).values())) == ("passed", {"met"})


def test_a_policy_host_with_another_s_certificate_is_unmet(monkeypatch, world, contexts):
    with NameServer(PUBLISHED) as server, policy_host(monkeypatch, contexts, "other"):
        report = one(dns_servers=[server.address], look_at=["mta_sts"], ca_path=world.ca_path)
    assert outcomes(report) == {"mta_sts_present": "met", "mta_sts_valid": "unmet"}
    assert [found["id"] for found in report["mta_sts"]["problems"]] == ["mta_sts_policy_certificate"]


@pytest.mark.parametrize("failed", ["A", "AAAA"])
def test_a_policy_host_whose_addresses_are_not_all_known_is_not_said_to_be_down(world, failed):
    """Nobody listens at the address that is known; another may answer."""
    zone = {
        **PUBLISHED,
        ("mta-sts.example.com", "A"): records("127.0.0.1"),
        ("mta-sts.example.com", "AAAA"): records("::1"),
    }
    zone["mta-sts.example.com", failed] = refusal("SERVFAIL")
    with NameServer(zone) as server:
        report = one(dns_servers=[server.address], look_at=["mta_sts"], ca_path=world.ca_path)
    assert report["mta_sts"]["state"] == "not_determined"
    assert outcomes(report) == {"mta_sts_present": "unknown"}


def test_what_the_relays_show(monkeypatch, world, contexts):
    with running(Relay(contexts["relay"])) as relay, NameServer(PUBLISHED) as server:
        monkeypatch.setitem(relays._AS_A_SENDER, "port", relay.port)
        with policy_host(monkeypatch, contexts):
            report = one(dns_servers=[server.address], look_at=["mta_sts"], relays=True, ca_path=world.ca_path)
    (row,) = report["relays"]
    assert (row["host"], row["address"], row["starttls"], row["verified"]) == (
        "mx.example.com",
        "127.0.0.1",
        True,
        True,
    )
    assert [one["outcome"] for one in row["deliveries"]] == ["delivers"] * 3
    assert {rule for rule, outcome in outcomes(report).items() if outcome == "met"} >= {
        "delivers_dane", "delivers_mta_sts", "delivers_opportunistic",
    }  # fmt: skip
    assert "MAIL" not in " ".join(relay.said)


def test_a_relay_with_another_s_certificate(monkeypatch, world, contexts):
    with running(Relay(contexts["other"])) as relay, NameServer(PUBLISHED) as server:
        monkeypatch.setitem(relays._AS_A_SENDER, "port", relay.port)
        with policy_host(monkeypatch, contexts):
            report = one(dns_servers=[server.address], look_at=["mta_sts"], relays=True, ca_path=world.ca_path)
    assert outcomes(report)["delivers_mta_sts"] == "unmet"
    assert outcomes(report)["delivers_opportunistic"] == "met"
    assert report["verdict"] == "failed"


def test_a_relay_that_the_run_had_no_time_for_is_not_said_to_be_down(monkeypatch, world):
    stops = []
    with socket.create_server(("127.0.0.1", 0)) as listener, NameServer(PUBLISHED) as server:

        def accept_and_stop():
            with listener.accept()[0] as connection:
                stops[0]()
                connection.recv(1)

        thread = threading.Thread(target=accept_and_stop, daemon=True)
        thread.start()
        monkeypatch.setitem(relays._AS_A_SENDER, "port", listener.getsockname()[1])
        report = one(
            dns_servers=[server.address], look_at=["mx"], relays=True, ca_path=world.ca_path, on_start=stops.append,
        )  # fmt: skip
        thread.join()
    assert [one["outcome"] for one in report["relays"][0]["deliveries"]] == ["unknown"] * 3
    assert {outcomes(report)["delivers_" + kind] for kind in ("dane", "mta_sts", "opportunistic")} == {"unknown"}


def test_a_policy_host_without_an_address_of_the_family_is_not_said_to_be_none(world):
    zone = {**PUBLISHED, ("mta-sts.example.com", "A"): nothing, ("mta-sts.example.com", "AAAA"): records("::1")}
    with NameServer(zone) as server:
        report = one(dns_servers=[server.address], look_at=["mta_sts"], ca_path=world.ca_path, address_family="ipv4")
    assert report["mta_sts"]["fetch"]["cause"] == "no_address_of_family"
    assert report["mta_sts"]["state"] == "not_determined"


def test_only_addresses_of_the_family_that_was_asked_for_are_connected_to(monkeypatch, world, contexts):
    zone = {**PUBLISHED, ("mx.example.com", "AAAA"): records("2001:db8::1")}
    with running(Relay(contexts["relay"])) as relay, NameServer(zone) as server:
        monkeypatch.setitem(relays._AS_A_SENDER, "port", relay.port)
        for how in ({"address_family": "ipv4"}, {"source_address": "127.0.0.1"}):
            report = one(dns_servers=[server.address], look_at=["mx"], relays=True, ca_path=world.ca_path, **how)
            assert [row["address"] for row in report["relays"]] == ["127.0.0.1"]
            assert outcomes(report)["delivers_opportunistic"] == "met"


def test_the_tlsa_record_of_what_is_served_is_advised_where_there_is_none(monkeypatch, world, contexts):
    """And none where there is one, or where nobody knows."""

    def look(*published, validates=True):
        tlsa = {("_25._tcp.mx.example.com", "TLSA"): records(*published)} if published else {}
        with NameServer({**PUBLISHED, **tlsa}, validates=validates) as server:
            report = one(dns_servers=[server.address], look_at=["dane"], relays=True, ca_path=world.ca_path)
        advised = [record["value"] for record in report["records"] if record["type"] == "TLSA"]
        return outcomes(report)["delivers_dane"], advised, report["relays"][0]["public_key_sha256"]

    with running(Relay(contexts["relay"])) as relay:
        monkeypatch.setitem(relays._AS_A_SENDER, "port", relay.port)
        outcome, advised, key = look()
        assert (outcome, advised) == ("met", ["3 1 1 " + key])
        assert look("3 1 1 " + "ab" * 32)[:2] == ("unmet", [])  # what is published may be what was meant
        assert look("3 1 1 " + key)[:2] == ("met", [])
        assert look(validates=False)[:2] == ("unknown", [])
