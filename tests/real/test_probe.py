# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Looking without touching: STARTTLS, implicit TLS, no TLS, IPv4 and IPv6, against each kind of server.

from __future__ import annotations

import pytest

from ansible_collections.postmaster.mailcheck.tests.real import servers
from ansible_collections.postmaster.mailcheck.tests.real.dovecot import EXTERNAL, MECHANISMS, TOKEN_MECHANISMS, Dovecot
from ansible_collections.postmaster.mailcheck.tests.real.exim import Exim
from ansible_collections.postmaster.mailcheck.tests.real.postfix import Postfix
from ansible_collections.postmaster.mailcheck.tests.real.reports import PASSED, Check, Log, outcome, said, verbs

STARTTLS_PROBE = ["EHLO", "STARTTLS", "EHLO", "QUIT"]
OTHER_HOST = "127.0.0.2"  # Dovecot takes a client on its own address for encrypted; this one is not


@pytest.fixture(params=["postfix", "exim", "dovecot"])
def server(request: pytest.FixtureRequest) -> Postfix | Exim | Dovecot:
    fixture: Postfix | Exim | Dovecot = request.getfixturevalue(request.param)
    return fixture


def port_for(server: Postfix | Exim | Dovecot, tls: str) -> int:
    purposes = {
        Postfix: {"starttls": "mx", "implicit": "submissions"},
        Exim: {"starttls": "smtp", "implicit": "smtps"},
        Dovecot: {"starttls": "submission", "implicit": "submissions"},
    }
    return server.ports[purposes[type(server)][tls]]


def test_starttls(check: Check, server: Postfix | Exim | Dovecot) -> None:
    report = check(port_for(server, "starttls"))
    assert outcome(report) == PASSED
    assert (report["stage"], report["changed"]) == ("tls", False)
    assert verbs(report) == STARTTLS_PROBE
    assert report["codes"] == {"greeting": 220, "ehlo": 250, "starttls": 220, "quit": 221}
    assert [entry["tls"] for entry in report["transcript"]] == [False] * 5 + [True] * 4
    assert report["address"] == servers.HOST
    assert [(tried["address"], tried["outcome"]) for tried in report["addresses_tried"]] == [
        (servers.HOST, "connected")
    ]
    assert report["greeting"]["hostname"] == ("exim.lab.test" if isinstance(server, Exim) else "relay.lab.test")
    assert "STARTTLS" in report["capabilities_before_tls"] and "STARTTLS" not in report["capabilities"]
    assert (report["tls"]["version"], report["tls"]["verified"], report["tls"]["verify_errors"]) == (
        "TLSv1.3",
        True,
        [],
    )


def test_implicit_tls(check: Check, server: Postfix | Exim | Dovecot) -> None:
    report = check(port_for(server, "implicit"), tls="implicit")
    assert outcome(report) == PASSED
    assert verbs(report) == ["EHLO", "QUIT"]
    assert all(entry["tls"] for entry in report["transcript"])
    assert report["tls"]["verified"] is True
    assert report["capabilities_before_tls"] is None
    assert "AUTH" in report["capabilities"]


def test_no_tls(check: Check, server: Postfix | Exim | Dovecot) -> None:
    report = check(port_for(server, "starttls"), tls="none")
    assert outcome(report) == PASSED
    assert (report["stage"], report["tls"]) == ("ehlo", None)
    assert verbs(report) == ["EHLO", "QUIT"]
    assert "STARTTLS" in report["capabilities"]


def test_the_last_stage_is_the_one_asked_for(check: Check, server: Postfix | Exim | Dovecot) -> None:
    port = port_for(server, "starttls")
    for stage, commands in (("greeting", ["QUIT"]), ("ehlo", ["EHLO", "QUIT"]), ("tls", STARTTLS_PROBE)):
        report = check(port, stop_after=stage)
        assert (outcome(report), report["stage"], verbs(report)) == (PASSED, stage, commands)


def test_a_tls_port_spoken_to_in_clear(check: Check, server: Postfix | Exim | Dovecot) -> None:
    # None says a word in clear, and none of their ports is 465.
    report = check(port_for(server, "implicit"), timeout=2)
    assert outcome(report) == ("failed", "tls_expected")
    assert "Set tls: implicit" in report["failure"]["hint"]
    assert "answered a TLS handshake on a second connection" in report["failure"]["text"]
    assert report["transcript"] == []


def test_a_relay_that_waits_for_something_else(check: Check, postfix: Postfix) -> None:
    report = check(postfix.ports["proxy_protocol"], timeout=0.5)
    assert outcome(report) == ("unreachable", "no_greeting")
    assert report["greeting"] is None


@pytest.mark.parametrize("server", ["postfix", "exim"], indirect=True)
def test_a_clear_port_spoken_to_in_tls(check: Check, server: Postfix | Exim) -> None:
    # Not Dovecot: of about one ClientHello in ten a login process of its 2.3.19 is left behind, and outlives it.
    report = check(port_for(server, "starttls"), tls="implicit")
    assert outcome(report) == ("failed", "tls_not_spoken")
    assert report["stage"] == "tls"
    assert "220 " in report["failure"]["text"]
    assert "set tls: starttls" in report["failure"]["hint"]


def test_ipv6(check: Check, postfix: Postfix) -> None:
    if not postfix.ipv6:
        pytest.skip("no IPv6 loopback on this machine")
    for host in ("::1", "[::1]", "IPv6:::1"):
        report = check(postfix.ports["mx"], host=host)
        assert outcome(report) == PASSED
        assert (report["address"], report["local_address"]) == ("::1", "::1")
        assert report["tls"]["verified"] is True  # by the certificate's IP address
        assert report["msg"].startswith("[::1]:")


def test_an_address_family_that_the_host_lacks(check: Check, postfix: Postfix) -> None:
    report = check(postfix.ports["mx"], address_family="ipv6")
    assert outcome(report) == ("unreachable", "no_address_of_family")
    assert report["stage"] == "resolve"


def test_postfix_is_told_the_name_given(check: Check, postfix: Postfix) -> None:
    log = Log(postfix.log)
    report = check(
        postfix.ports["mx"],
        source_address=log.client,
        ehlo_name="probe.lab.test",
        sender="",
        recipients=[servers.UNKNOWN],
    )
    assert said(report)[0] == "EHLO probe.lab.test"
    assert "helo=<probe.lab.test>" in log.wait_for("disconnect from")


def test_exim_is_greeted_with_the_socket_s_own_address_without_a_name(
    check: Check, exim: Exim, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "undotted")
    report = check(exim.ports["smtp"], ehlo_name=None)
    assert said(report)[0] == f"EHLO [{servers.HOST}]"
    assert outcome(report) == PASSED


def test_the_source_address_is_what_the_server_sees(check: Check, dovecot: Dovecot) -> None:
    # Sign-in is offered to Dovecot's own address in clear, and to others inside TLS only.
    report = check(dovecot.ports["submission"], source_address=OTHER_HOST)
    assert report["local_address"] == OTHER_HOST
    assert report["auth_mechanisms_before_tls"] == []
    assert set(report["auth_mechanisms"]) == {*MECHANISMS, *TOKEN_MECHANISMS, EXTERNAL}
    assert check(dovecot.ports["submission"])["auth_mechanisms_before_tls"] == report["auth_mechanisms"]


def test_what_exim_offers(check: Check, exim: Exim) -> None:
    report = check(exim.ports["smtp"])
    assert report["auth_mechanisms_before_tls"] == []
    assert report["auth_mechanisms"] == ["PLAIN", "LOGIN", "CRAM-MD5"]
    assert report["max_message_size"] == 50 * 1024 * 1024  # Exim's default
    assert {"PIPELINING", "CHUNKING", "PRDR", "SMTPUTF8", "DSN", "8BITMIME"} <= set(report["capabilities"])


def test_what_is_expected_of_postfix(check: Check, postfix: Postfix) -> None:
    report = check(
        postfix.ports["submission"],
        expect={
            "capabilities": ["PIPELINING", "AUTH PLAIN LOGIN"],
            "capabilities_absent": ["STARTTLS"],
            "capabilities_before_tls": ["STARTTLS"],
            "auth_absent_before_tls": True,
            "auth_mechanisms": ["SCRAM-SHA-256"],
            "tls_version_min": "TLSv1.3",
            "certificate_names": ["relay.lab.test"],
            "greeting_matches": "^relay.lab.test ESMTP",
            "min_message_size": 10240000,
            "codes": {"starttls": 220},
        },
    )
    assert outcome(report) == PASSED
    assert {rule["outcome"] for rule in report["rules"]} == {"met"}
    report = check(postfix.ports["mx"], expect={"capabilities": ["AUTH"]})
    assert outcome(report) == ("failed", "rule_unmet")
