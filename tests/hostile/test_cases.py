# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Every case of cases.py, by itself and all together in one sweep beside healthy relays. Real sockets, real TLS.

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net import names as resolve
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.names import Address
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.check import check
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.sweep import sweep
from ansible_collections.postmaster.mailcheck.tests.hostile.cases import (
    CASES,
    HEALTHY,
    HEALTHY_OPTIONS,
    PLAIN_EHLO,
    QUIT,
    fact,
)
from ansible_collections.postmaster.mailcheck.tests.hostile.measure import clock
from ansible_collections.postmaster.mailcheck.tests.support.authority import NAME
from ansible_collections.postmaster.mailcheck.tests.support.hostile import PASSWORD, ScriptedRelay, disguises

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List

    from ansible_collections.postmaster.mailcheck.tests.hostile.cases import Case
    from ansible_collections.postmaster.mailcheck.tests.support.authority import Authority

    Start = Callable[..., ScriptedRelay]

IDS = ["case-%02d-%s" % (case.number, case.title.replace(" ", "-").replace(",", "")) for case in CASES]
DISGUISES = disguises(PASSWORD)


def options_of(case_options: Dict[str, Any], authority: Authority) -> Dict[str, Any]:
    options = {"tls": "none", "timeout": 5.0, "ehlo_name": "client.example.org", **case_options}
    if options["tls"] != "none":
        options.update(ca_path=authority.ca_path, tls_server_name=NAME)
    return options


def is_client_hello(octets: bytearray) -> bool:
    return octets[:3] == b"\x16\x03\x01" and len(octets) == 5 + int.from_bytes(octets[3:5], "big")


def judge(case: Case, report: Dict[str, Any], relay: ScriptedRelay) -> None:
    relay.settle()
    session, *others = relay.sessions  # no case is one that may be tried again
    for other in others:  # asks whether it is TLS that a silent relay waits for: a ClientHello, and nothing else
        assert not other.raw or is_client_hello(other.raw)
    failure = report["failure"]
    shown = (report["verdict"], failure and failure["stage"], failure and failure["cause"], failure and failure["text"])
    got = "passed" if failure is None else "%(stage)s %(cause)s" % failure
    assert (got if failure is None else report["verdict"] + " " + got) == case.outcome, shown
    for path, expected in case.facts.items():
        if path != "changed" or "changed" in report:
            assert fact(report, path) == expected, path
    for command in case.wants:
        assert command in session.said
    heard = bytes(session.clear + session.inside)
    for word in case.never:
        assert word.encode() not in heard, "%s was said" % word
    if report["verdict"] == "passed":
        assert session.unexpected is None
    judge_secrets(report, relay)


def judge_row(case: Case, row: Dict[str, Any], relay: ScriptedRelay, certificates: Dict[str, Any]) -> None:
    """One row of a sweep, which tells each certificate once."""
    if row["tls"] and row["tls"]["certificate"]:
        row["tls"]["certificate"] = certificates[row["tls"]["certificate"]]
    try:
        judge(case, row, relay)
    except AssertionError as error:
        raise AssertionError("case %d, %s: %s" % (case.number, case.title, error)) from error


def judge_secrets(report: Dict[str, Any], relay: ScriptedRelay) -> None:
    """No secret is shown, and none has left in clear."""
    report = json.dumps(report, ensure_ascii=False).encode("utf-8", "surrogatepass")
    for name, form in DISGUISES.items():
        assert form not in report, name
        for session in relay.sessions:
            assert form not in session.raw, name


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_each_hostile_relay_by_itself(case: Case, start: Start, authority: Authority) -> None:
    relay = start(case.script, split=case.split)
    options = options_of(case.options, authority)
    began = clock()
    report = check(relay.host, port=relay.port, **options)
    assert clock() - began < options["timeout"] + 1.0
    judge(case, report, relay)


def test_all_hostile_relays_together_beside_healthy_ones(start: Start, authority: Authority) -> None:
    healthy = [start(HEALTHY) for _index in range(20)]
    hostile = [start(case.script, split=case.split) for case in CASES]
    endpoints: List[Dict[str, Any]] = []
    for case, relay in zip(CASES, hostile):
        endpoints.append({"host": relay.host, "port": relay.port, **options_of(case.options, authority)})
    for index, relay in enumerate(healthy):
        good = {"host": relay.host, "port": relay.port, **options_of(HEALTHY_OPTIONS, authority)}
        endpoints.insert(index * (len(endpoints) // 20), good)
    began = clock()
    result = sweep(endpoints=endpoints, details="all", transcript="always")
    assert clock() - began < 15.0
    assert result["summary"]["verdicts"]["passed"] == 20 + sum(case.outcome == "passed" for case in CASES)
    by_port = {row["port"]: row for row in result["endpoints"]}
    assert [row["port"] for row in result["endpoints"]] == [entry["port"] for entry in endpoints]
    for relay in healthy:
        row = by_port[relay.port]
        assert (row["verdict"], row["tls"]["verified"], row["auth"]["accepted"]) == ("passed", True, True), row[
            "failure"
        ]
        assert row["recipients"][0]["outcome"] == "accepted"
        relay.settle()
        assert relay.sessions[0].unexpected is None
        judge_secrets(row, relay)
    for case, relay in zip(CASES, hostile):
        judge_row(case, by_port[relay.port], relay, result["certificates"])


# Here the place where a packet ends is the case itself, or a relay never ends.
PACKED = [case for case in CASES if case.number in (16, 43) or case.title == "421 unasked" or "endless" in case.script]


def test_all_hostile_relays_together_octet_by_octet(start: Start, authority: Authority) -> None:
    """The same outcome and facts for each, though every octet of the relay's, in clear and in TLS, comes by itself."""
    cases = [case for case in CASES if case not in PACKED]
    relays = [start(case.script, split=1, pause=0.0) for case in cases]
    endpoints = [
        {"host": relay.host, "port": relay.port, **options_of({**case.options, "timeout": 30.0}, authority)}
        if case.options.get("timeout") is None
        else {"host": relay.host, "port": relay.port, **options_of(case.options, authority)}
        for case, relay in zip(cases, relays)
    ]
    result = sweep(endpoints=endpoints, details="all", transcript="always", concurrency=20)
    for case, relay, row in zip(cases, relays, result["endpoints"]):
        judge_row(case, row, relay, result["certificates"])


def test_every_case_on_the_wire_is_here() -> None:
    # 56 needs no relay: tests/unit/plugins/module_utils/_smtp/test_options.py::test_nothing_that_is_not_text_reaches_the_wire
    assert {case.number for case in CASES} == set(range(1, 59)) - {56}


def test_a_session_may_be_split_at_every_octet(start: Start, authority: Authority) -> None:
    """A whole session, each write of the relay's in two pieces, at each place."""
    relays = [start(HEALTHY, split=place, pause=0.01) for place in range(2, 70)]
    options = options_of(HEALTHY_OPTIONS, authority)
    endpoints = [{"host": relay.host, "port": relay.port, **options} for relay in relays]
    result = sweep(endpoints=endpoints, details="all", transcript="always", concurrency=20)
    shown = {_without_times(row) for row in result["endpoints"]}
    assert len(shown) == 1, "where a packet ends makes a difference"
    assert result["summary"]["verdicts"] == {"passed": len(relays)}


def _without_times(row: Dict[str, Any]) -> str:
    facts = (
        "verdict",
        "codes",
        "greeting",
        "capabilities",
        "capabilities_before_tls",
        "auth",
        "recipients",
        "warnings",
    )
    transcript = [(entry["from"], entry["text"], entry["tls"]) for entry in row["transcript"]]
    return json.dumps([[row.get(name) for name in facts], transcript])


def test_a_long_address_is_warned_of(start: Start) -> None:
    relay = start(PLAIN_EHLO + "C: MAIL\nS: 250 ok\nC: RSET\nS: 250 ok\n" + QUIT)
    report = check(relay.host, port=relay.port, tls="none", ehlo_name="client.example.org", sender="x" * 65 + "@example.com",
                   stop_after="mail")  # fmt: skip
    assert report["verdict"] == "passed"
    assert any("64 and 254 octets" in warning for warning in report["warnings"])


@pytest.mark.parametrize("host", ["::1", "[::1]", "[IPv6:::1]"])
def test_an_ipv6_literal_is_connected_to(host: str, start: Start) -> None:
    try:
        relay = start(PLAIN_EHLO + QUIT, address="::1")
    except OSError:
        pytest.skip("this host has no IPv6 loopback")
    report = check(host, port=relay.port, tls="none", ehlo_name="client.example.org", timeout=5.0)
    assert report["verdict"] == "passed", report["msg"]
    assert (report["host"], report["address"]) == ("::1", "::1")
    assert report["msg"].startswith("[::1]:%d: " % relay.port)


@pytest.mark.parametrize(
    ("host", "asked", "server_name"),
    [
        ("relay.example.com.", "relay.example.com.", "relay.example.com"),
        ("b\u00fccher.example", "xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("RELAY.Example.COM", "RELAY.Example.COM", "RELAY.Example.COM"),
    ],
)
def test_a_name_is_asked_for_and_verified_as_the_dns_has_it(
    host: str, asked: str, server_name: str, start: Start, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay = start("S: 220 relay\n" + PLAIN_EHLO.partition("\n")[2] + QUIT)
    names = []

    def look_up(name: str, port: int, _family: str) -> List[Address]:
        names.append(name)
        return [Address(socket.AF_INET, ("127.0.0.1", port))]

    monkeypatch.setattr(resolve, "look_up", look_up)
    report = check(host, port=relay.port, ehlo_name="client.example.org", timeout=5.0, ca_path=authority.ca_path)
    assert names == [asked]
    assert report["failure"]["cause"] == "tls_not_offered"
    inside = start("S: 220 relay\nC: EHLO\nS: 250-relay\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nTLS good\nC: EHLO\n"
                   "S: 250 relay\n" + QUIT)  # fmt: skip
    report = check(host, port=inside.port, ehlo_name="client.example.org", timeout=5.0, ca_path=authority.ca_path)
    expected = None if server_name.lower() == NAME else "certificate_name_mismatch"
    assert (report["failure"] and report["failure"]["cause"]) == expected
    assert report["tls"]["server_name"] == server_name
