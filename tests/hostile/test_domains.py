# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Name servers that lie, zones that are built to cost, policy hosts that misbehave: what comes of a whole check. What is
# expected comes from the standards, which each case names.

from __future__ import annotations

import contextlib
import json
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, Iterator

import dns.message
import pytest
from cryptography.x509 import SubjectAlternativeName

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain import plan, relays
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.check import check_domains
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.options import LOOK_AT
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.connection import Connection
from ansible_collections.postmaster.mailcheck.tests.support.authority import ODD_NAMES, ODD_TEXTS
from ansible_collections.postmaster.mailcheck.tests.support.chains import Chain, issue, server_context
from ansible_collections.postmaster.mailcheck.tests.support.handshake import World
from ansible_collections.postmaster.mailcheck.tests.support.hostile import ScriptedRelay
from ansible_collections.postmaster.mailcheck.tests.support.name_server import (
    NameServer,
    asked_in,
    nothing,
    records,
    refusal,
    response,
    silence,
    unless_told,
)
from ansible_collections.postmaster.mailcheck.tests.support.relay import Relay, running

if TYPE_CHECKING:
    from pathlib import Path

    Step = Callable[[dns.message.Message, bool], Any]

EVERYTHING = [name for name in LOOK_AT if name != "blocklists"]
PATIENCE = {"timeout": 20.0, "connect_timeout": 20.0, "dns_timeout": 20.0}


class Zone(dict):  # type: ignore[type-arg]
    """A zone in which every name is there."""

    def __init__(self, known: dict[Any, Any], step: Step) -> None:
        super().__init__(known)
        self.step = step

    def get(self, key: Any, _default: Any = None) -> Any:
        return super().get(key, self.step)


class Everywhere(NameServer):
    """Does the same for every name but the root."""

    def __init__(self, step: Step) -> None:
        super().__init__()
        self.zone = Zone(self.zone, step)


def look(server: NameServer, *domains: str, **options: Any) -> list[dict[str, Any]]:
    result = check_domains(list(domains or ("example.com",)), dns_servers=[server.address], **{**PATIENCE, **options})
    return list(result["domains"])


# Name servers


def of_another_id(query: dns.message.Message, _stream: bool) -> dns.message.Message:
    reply = response(query)
    reply.id = (query.id + 1) % 65536
    return reply


def of_another_question(query: dns.message.Message, _stream: bool) -> dns.message.Message:
    other = dns.message.make_query("other.example", query.question[0].rdtype)
    other.id = query.id
    return response(other)


def garbage(query: dns.message.Message, _stream: bool) -> bytes:
    return query.id.to_bytes(2, "big") + b"\x84\x00" + b"\xff" * 40


LIARS = {
    "SERVFAIL (RFC 1035 4.1.1)": refusal("SERVFAIL"),
    "REFUSED": refusal("REFUSED"),
    "NOTIMP": refusal("NOTIMP"),
    "silence": silence,
    "another id (RFC 5452 9.1)": of_another_id,
    "another question (RFC 5452 9.1)": of_another_question,
    "octets that are no message": garbage,
    "a signature that does not hold (RFC 4035 5.5)": unless_told(refusal("SERVFAIL", (6, "bogus")), nothing),
}


@pytest.mark.parametrize("liar", LIARS)
def test_what_is_not_known_is_neither_good_nor_missing(liar: str) -> None:
    """The rules about DNSSEC and DANE are unmet where a validating sender fails (RFC 7672 2.1.1)."""
    bogus = "signature" in liar
    with Everywhere(LIARS[liar]) as server:
        (report,) = look(server, look_at=EVERYTHING, selectors=["s1"], senders=["192.0.2.1"], dns_timeout=0.5)
    outcomes = {rule["id"]: rule["outcome"] for rule in report["rules"]}
    broken = {"dnssec_secure", "dnssec_valid"} if bogus else set()
    assert {name for name, outcome in outcomes.items() if outcome == "unmet"} == broken
    assert {name for name, outcome in outcomes.items() if outcome == "met"} == set()
    assert {"mx_valid", "spf_present", "dkim_valid", "dmarc_present", "dane_present", "reverse_names_confirmed"} <= set(
        outcomes
    )
    assert report["verdict"] == ("failed" if bogus else "unreachable")
    state = "bogus" if bogus else "not_determined"
    assert {report[name]["state"] for name in ("mx", "dnssec", "mta_sts", "tls_rpt", "spf", "dmarc", "bimi")} == {state}
    assert report["records"] == []  # nobody knows what is missing


# Zones

HEALTHY = {("healthy.example", "MX"): records("0 ."), ("healthy.example", "TXT"): records('"v=spf1 -all"')}


def built_to_cost(query: dns.message.Message, stream: bool) -> Any:
    """Two more includes in each SPF record, hosts without end, aliases that lead on, and as much text as there is room for."""
    name, kind = asked_in(query)
    deeper = ["%s.%s" % (label, name) for label in "ab"]
    if name.endswith("healthy.example"):
        return HEALTHY.get((name, kind), nothing)(query, stream)
    if len(name) > 200:
        return nothing(query, stream)
    if kind == "MX":
        return records(*["%d %d.%s." % (number, number, name) for number in range(150)])(query, stream)
    if kind == "TXT" and name.startswith("_dmarc"):
        uris = ",".join("mailto:a@%d.example" % number for number in range(500))
        text = " ".join('"%s"' % uris[at : at + 250] for at in range(0, len(uris), 250))
        return records('"v=DMARC1; p=none; rua=" %s' % text)(query, stream)
    if kind == "TXT" and name.startswith(("_", "s1")):
        return records(*["%s" % " ".join(['"' + "x" * 250 + '"'] * 4) for _number in range(50)])(query, stream)
    if kind == "TXT":
        return records('"v=spf1 include:%s include:%s ptr mx -all"' % tuple(deeper))(query, stream)
    if kind == "PTR":
        return records(*["%d.example." % number for number in range(50)])(query, stream)
    if kind in ("A", "AAAA") and name.startswith("mta-sts"):
        return nothing(query, stream)
    return records(chain=[(name + ".", "c." + name + ".")])(query, stream)


def test_a_domain_that_is_built_to_cost_ends_within_its_limits() -> None:
    """The limits of RFC 7208 4.6.4 and ours: so many questions, so long a report; and the next domain is as it was."""
    with Everywhere(built_to_cost) as server:
        costly, healthy = look(
            server, "costly.example", "healthy.example", look_at=EVERYTHING, selectors=["s1"], senders=["192.0.2.1"]
        )
        asked = len(server.asked)
    assert asked < 1500
    assert len(json.dumps(costly)) < 1_000_000
    assert {"mx_many", "spf_lookups", "dmarc_destinations_many"} <= {
        found["id"] for name in ("mx", "spf", "dmarc") for found in costly[name]["problems"]
    }
    assert {rule["id"] for rule in healthy["rules"] if rule["outcome"] == "unknown"} == set()
    assert healthy["mx"]["null"] is True


# Policy hosts, and relays


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def contexts(world: World, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    chains = {
        "good": Chain(
            issue(world.root, "mta-sts.example.com", *("mta-sts.%d.example" % number for number in range(50)))
        ),
        "expired": Chain(issue(world.root, "mta-sts.example.com", days=(-30, -1))),
        "another": Chain(issue(world.root, "www.example.com")),
        "early": Chain(issue(world.root, "mta-sts.example.com", days=(1, 9))),
        "self-signed": Chain(issue(None, "mta-sts.example.com")),
        "odd names": Chain(issue(None, units=ODD_TEXTS, extensions=[(SubjectAlternativeName(ODD_NAMES), False)])),
        "healthy": Chain(issue(world.root, "mta-sts.healthy.example")),
        "relay": Chain(issue(world.root, "mx.example.com")),
    }
    return {name: server_context(chain, tmp_path_factory.mktemp(name)) for name, chain in chains.items()}


PUBLISHED = {
    ("example.com", "MX"): records("10 mx.example.com."),
    ("mx.example.com", "A"): records("127.0.0.1"),
    ("_mta-sts.example.com", "TXT"): records('"v=STSv1; id=1"'),
    ("mta-sts.example.com", "A"): records("127.0.0.1"),
}
GET = "C: GET /.well-known/mta-sts.txt HTTP/1.1\n"
OK = "S: HTTP/1.1 200 OK\nS: Content-Type: text/plain\nS:\n"
POLICY = "S: version: STSv1\nS: mode: enforce\nS: mx: mx.example.com\nS: max_age: 604800\ncloses"
# What the host does -> the problem (RFC 8461 3.2, 3.3).
CHUNKED = OK.replace("S:\n", "S: Transfer-Encoding: chunked\nS:\n", 1)
MISBEHAVES = {
    # RFC 8461 3.3: the certificate is verified, and for this name.
    "an expired certificate": ("TLS expired\n", "mta_sts_policy_certificate"),
    "a certificate for another name": ("TLS another\n", "mta_sts_policy_certificate"),
    "a certificate of tomorrow": ("TLS early\n", "mta_sts_policy_certificate"),
    "a certificate by itself": ("TLS self-signed\n", "mta_sts_policy_certificate"),
    "a certificate full of commands and markup": ("TLS odd names\n", "mta_sts_policy_certificate"),
    "no TLS": ("S: HTTP/1.1 400 Bad Request\nS:\ncloses", "mta_sts_policy_unreachable"),
    "a handshake that breaks off": ("TLS good cut 100\ncloses", "mta_sts_policy_unreachable"),
    # 3.3: HTTP redirects MUST NOT be followed; anything but 200 is a failure.
    "a redirection": ("302 Found\nS: Location: https://other.example/\nS:\ncloses", "mta_sts_policy_redirect"),
    "a redirection to itself": (
        "301 Moved\nS: Location: https://mta-sts.example.com/.well-known/mta-sts.txt\nS:\ncloses", "mta_sts_policy_redirect"
    ),
    "a redirection with a policy": ("307 See there\nS: Location: /\\x1b[2J\nS:\n" + POLICY, "mta_sts_policy_redirect"),
    "no such page": ("404 Not Found\nS:\ncloses", "mta_sts_policy_status"),
    "a part": ("206 Partial Content\nS: Content-Type: text/plain\nS:\n" + POLICY, "mta_sts_policy_status"),
    # 3.3: the media type is text/plain.
    "any page for everything": ("200 OK\nS: Content-Type: text/html\nS:\nS: <html></html>\ncloses", "mta_sts_content_type"),
    "a policy as a page": ("200 OK\nS: Content-Type: text/html\nS:\n" + POLICY, "mta_sts_content_type"),
    # RFC 9112, RFC 9110 8.4
    "HTTP/0.9": ("TLS good\n" + GET + POLICY, "mta_sts_policy_unreachable"),
    "headers for ever": ("200 OK\nendless X: y\\r\\n", "mta_sts_policy_unreachable"),
    "a header for ever": ("200 OK\nendless X", "mta_sts_policy_unreachable"),
    "interim answers for ever": ("100 Continue\nS:\nendless HTTP/1.1 103 Hints\\r\\n\\r\\n", "mta_sts_policy_unreachable"),
    "slow headers": ("200 OK\ndrips X", "mta_sts_policy_unreachable"),
    "a slow policy": (OK + "drips v", "mta_sts_policy_unreachable"),
    "a body for ever": (OK + "endless version: STSv1\\r\\n", "mta_sts_policy_unreachable"),
    "chunks for ever": (CHUNKED + "endless 1\\r\\nx\\r\\n", "mta_sts_policy_unreachable"),
    "a chunk of 2**80 octets": (CHUNKED + "S: " + "f" * 20 + "\n" + POLICY.replace("closes", "S: 0\nS:\ncloses"), "mta_sts_policy_unreachable"),
    "a chunk of less than none": (CHUNKED + "S: -1\n" + POLICY.replace("closes", "S: 0\nS:\ncloses"), "mta_sts_policy_unreachable"),
    "it is compressed, unasked": (
        OK.replace("S:\n", "S: Content-Encoding: gzip\nS:\n", 1) + "S: \\x1f\\x8b\\x08\ncloses", "mta_sts_policy_unreachable"
    ),
    "two lengths": (
        OK.replace("S:\n", "S: Content-Length: 1\nS: Content-Length: 2\nS:\n", 1) + POLICY, "mta_sts_policy_unreachable"
    ),
    "more than there is room for": (OK.replace("S:\n", "S: Content-Length: 99999999\nS:\n", 1) + POLICY, "mta_sts_policy_unreachable"),
    "half a policy": (OK.replace("S:\n", "S: Content-Length: 500\nS:\n", 1) + POLICY, "mta_sts_policy_unreachable"),
    # 3.2: the fields of a policy.
    "a policy of another version": (OK + POLICY.replace("STSv1", "STSv2"), "mta_sts_version"),
    "a mode full of commands and markup": (OK + POLICY.replace("enforce", "\\x1b[2J<script>{{ 7*7 }}\\0"), "mta_sts_mode"),
    "3,000 patterns": (OK + "S: mx: a.example\n" * 3000 + POLICY, "mta_sts_mx_many"),
    "lines that are none": (OK + "S: \\0\\xff\\x9b\n" * 3000 + POLICY.replace("version", "v"), "mta_sts_line"),
}  # fmt: skip


def script_of(what: str) -> str:
    """What such a host does from the beginning: with a status, or headers, alone it is asked in TLS first."""
    script = MISBEHAVES[what][0]
    if script.startswith("S: HTTP/1.1 200"):
        return "TLS good\n" + GET + script
    return script if not script[0].isdigit() else "TLS good\n" + GET + "S: HTTP/1.1 " + script


@contextlib.contextmanager
def policy_host(monkeypatch: pytest.MonkeyPatch, contexts: dict[str, Any], script: str) -> Iterator[NameServer]:
    with ScriptedRelay(script, contexts) as host, NameServer(PUBLISHED) as server:
        monkeypatch.setattr(plan, "https_get", partial(plan.https_get, port=host.port))
        yield server


EXPECTED = {"mta_sts_mode": "testing"}


def has_no_policy(what: str, report: dict[str, Any]) -> None:
    assert MISBEHAVES[what][1] in [found["id"] for found in report["mta_sts"]["problems"]], what
    outcomes = {rule["id"]: rule["outcome"] for rule in report["rules"]}
    assert outcomes == {"mta_sts_present": "met", "mta_sts_valid": "unmet", "mta_sts_mode": "unmet"}, what
    assert report["mta_sts"]["applies"] is False
    said = json.dumps(report, ensure_ascii=False)
    assert said.isprintable() and len(said) < 100_000


@pytest.mark.parametrize("what", MISBEHAVES)
def test_a_policy_host_that_misbehaves_gives_no_policy(
    what: str, monkeypatch: pytest.MonkeyPatch, world: World, contexts: dict[str, Any]
) -> None:
    timeout = 1.0 if "slow" in what else 20.0
    with policy_host(monkeypatch, contexts, script_of(what)) as server:
        (report,) = look(server, look_at=["mta_sts"], ca_path=world.ca_path, expect=EXPECTED, timeout=timeout)
    has_no_policy(what, report)


@pytest.mark.parametrize("split", [0, 1], ids=["whole", "octet by octet"])
def test_all_policy_hosts_together_beside_a_healthy_one(
    split: int, monkeypatch: pytest.MonkeyPatch, world: World, contexts: dict[str, Any]
) -> None:
    """Each host has an address of its own; none costs the others anything. An octet by itself is no record of TLS."""
    chosen = [what for what in MISBEHAVES if not split or not set(MISBEHAVES[what][0].split()) & {"endless", "drips"}]
    scripts = {"%d.example" % number: script_of(what) for number, what in enumerate(chosen)}
    healthy = (
        "TLS healthy\n"
        + GET
        + OK
        + POLICY.replace("mx.example.com", "mx.healthy.example").replace("enforce", "testing")
    )
    zone = {}
    for domain in [*scripts, "healthy.example"]:
        zone[("_mta-sts." + domain, "TXT")] = records('"v=STSv1; id=1"')
        zone[("mta-sts." + domain, "A")] = records("127.0.0.1")
        zone[(domain, "MX")] = records("10 mx.%s." % domain)
    with contextlib.ExitStack() as hosts:
        ports = {
            "mta-sts." + domain: hosts.enter_context(ScriptedRelay(script, contexts, split=split, pause=0.0)).port
            for domain, script in [*scripts.items(), ("healthy.example", healthy)]
        }
        server = hosts.enter_context(NameServer(zone))
        get = plan.https_get
        monkeypatch.setattr(plan, "https_get", lambda host, *how, **more: get(host, *how, port=ports[host], **more))
        domains = [*scripts, "healthy.example"]
        *reports, good = look(
            server,
            *domains,
            look_at=["mta_sts"],
            ca_path=world.ca_path,
            expect=EXPECTED,
            timeout=3.0 if not split else 20.0,
        )
    for what, report in zip(chosen, reports):
        has_no_policy(what, report)
    assert {rule["outcome"] for rule in good["rules"]} == {"met"}


def test_with_zone_files_nobody_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    zone = tmp_path / "zone"
    zone.write_text(
        "$ORIGIN example.com.\n$TTL 60\n@ IN SOA ns hostmaster 1 2 3 4 5\n@ IN NS ns\n@ IN MX 10 mx\nmx IN A 127.0.0.1\n"
        "mta-sts IN A 127.0.0.1\n_mta-sts IN TXT \"v=STSv1; id=1\"\n@ IN TXT \"v=spf1 include:example.net -all\"\n"
    )  # fmt: skip
    connected: list[Connection] = []
    monkeypatch.setattr(Connection, "start", connected.append)
    with NameServer() as server:
        look(server, zone_files=[str(zone)], look_at=EVERYTHING, selectors=["s1"], senders=["mail.example.net"])
        assert server.asked == []
    assert connected == []


def test_no_message_is_begun(monkeypatch: pytest.MonkeyPatch, world: World, contexts: dict[str, Any]) -> None:
    with running(Relay(contexts["relay"])) as relay, NameServer(PUBLISHED) as server:
        monkeypatch.setitem(relays._AS_A_SENDER, "port", relay.port)
        (report,) = look(server, look_at=["mx"], relays=True, ca_path=world.ca_path)
    assert [row["starttls"] for row in report["relays"]] == [True]
    assert {line.split()[0] for line in relay.said} == {"EHLO", "STARTTLS", "QUIT"}
