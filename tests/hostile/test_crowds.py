# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Real life: many checks of one relay, relays that count their clients, that put strangers off, and that take their time.

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net import patient
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.check import check
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.sweep import sweep
from ansible_collections.postmaster.mailcheck.tests.hostile.cases import (
    ANNA,
    HEALTHY,
    HEALTHY_OPTIONS,
    MAIL,
    ONE,
    PLAIN_EHLO,
    QUIT,
    SEND_ONE,
)
from ansible_collections.postmaster.mailcheck.tests.hostile.test_cases import options_of

if TYPE_CHECKING:
    from typing import Any, Dict, List

    from ansible_collections.postmaster.mailcheck.tests.support.authority import Authority
    from ansible_collections.postmaster.mailcheck.tests.support.hostile import ScriptedRelay

CLEAR: Dict[str, Any] = {"tls": "none", "ehlo_name": "client.example.org"}
SEPARATE_PLAIN = "S: 220 relay.example.com\nC: EHLO\nS: 250 relay.example.com\n" + QUIT
TOO_MANY = "S: 421 4.7.0 Too many connections\ncloses\n"


def of(relay: ScriptedRelay, count: int) -> List[Dict[str, Any]]:
    """So many checks of one relay that are not the same: equal ones would be run once."""
    return [{"host": relay.host, "port": relay.port, "ehlo_name": "c%d.example.org" % n} for n in range(count)]


@pytest.fixture
def slow_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    """These relays gather their clients first: on a busy machine that takes longer than silence is left alone."""
    monkeypatch.setattr(patient, "PATIENCE", 60.0)


@pytest.mark.usefixtures("slow_to_ask")
def test_200_checks_of_one_relay_at_once(start: Any) -> None:
    """Each waits for its greeting until all are there."""
    relay = start("gathers 200\n" + SEPARATE_PLAIN)
    result = sweep(endpoints=of(relay, 200), tls="none", timeout=20.0, connections_per_relay=200, concurrency=200)
    assert result["summary"]["verdicts"] == {"passed": 200}
    relay.settle()
    names = {line.split()[1] for session in relay.sessions for line in session.said if line.startswith("EHLO")}
    assert len(names) == len(relay.sessions) == 200


def test_200_checks_of_one_relay_by_turns(start: Any) -> None:
    """By default no relay has more than two connections at once, and each check has its turn and its answer."""
    relay = start(SEPARATE_PLAIN)
    result = sweep(endpoints=of(relay, 200), tls="none", timeout=10.0)
    assert result["summary"]["verdicts"] == {"passed": 200}
    assert len(relay.sessions) == 200


@pytest.mark.usefixtures("slow_to_ask")
def test_a_relay_that_counts_its_clients(start: Any) -> None:
    """50 at once, 10 are served: the others are told so, which is no fault of the relay, and are not tried again."""
    relay = start("gathers 50\n" + SEPARATE_PLAIN, most=10, refusal="gathers 50\n" + TOO_MANY)
    healthy = start(SEPARATE_PLAIN)
    endpoints = [*of(relay, 50), *of(healthy, 2)]
    result = sweep(endpoints=endpoints, tls="none", timeout=20.0, connections_per_relay=50, details="all")
    assert result["summary"]["verdicts"] == {"passed": 12, "deferred": 40}
    refused = [row["failure"] for row in result["endpoints"] if row["failure"]]
    assert {(one["stage"], one["cause"], one["code"]) for one in refused} == {("greeting", "rate_limited", 421)}
    assert len(relay.sessions) == 50


@pytest.mark.parametrize(
    ("script", "cause"),
    [
        (TOO_MANY, "greeting rate_limited"),
        ("S: 450 4.3.2 Try again later\n" + QUIT, "greeting rate_limited"),
        (PLAIN_EHLO + MAIL + "S: 421 4.7.0 Slow down\ncloses\n", "mail rate_limited"),
        (PLAIN_EHLO + MAIL + "S: 250 ok\n" + ANNA + "S: 450 4.2.0 Greylisted\nC: RSET\nS: 250 ok\n" + QUIT, "rcpt greylisted"),
    ],
)  # fmt: skip
def test_what_counts_too_soon_against_the_client_waits_half_a_minute(script: str, cause: str, start: Any) -> None:
    """So within two seconds there is no second attempt, however short an interval was asked for."""
    relay = start(script)
    report = check(relay.host, port=relay.port, retry_for=2.0, retry_interval=0.05, **CLEAR, **ONE)
    assert (report["verdict"], "%(stage)s %(cause)s" % report["failure"]) == ("deferred", cause)
    assert len(relay.sessions) == 1


def test_greylisting_puts_off_one_recipient_and_no_other(start: Any) -> None:
    script = PLAIN_EHLO + MAIL + "S: 250 ok\n" + ANNA + "S: 450 4.2.0 Greylisted, try again in 300 seconds\n"
    relay = start(script + "C: RCPT\nS: 250 ok\nC: DATA\nS: 354 go\nC: <message>\nS: 250 ok\n" + QUIT)
    given = {**SEND_ONE, "recipients": ["anna@example.com", "bert@example.com"]}
    report = check(relay.host, port=relay.port, **CLEAR, **given)
    assert (report["verdict"], report["changed"], report["failure"]["cause"]) == ("deferred", True, "greylisted")
    assert [to["outcome"] for to in report["recipients"]] == ["deferred", "accepted"]


def _slow(seconds: float) -> str:
    return SEPARATE_PLAIN.replace("S: ", "waits %s\nS: " % seconds)


def test_a_tarpit_is_slow_and_no_failure(start: Any, authority: Authority) -> None:
    """It holds back each reply; what it costs is told, and its neighbours do not wait for it."""
    slow, healthy = start(_slow(0.3)), [start(HEALTHY) for _index in range(10)]
    endpoints = [{"host": slow.host, "port": slow.port, **options_of({}, authority)}]
    good = options_of(HEALTHY_OPTIONS, authority)
    endpoints += [{"host": relay.host, "port": relay.port, **good} for relay in healthy]
    result = sweep(endpoints=endpoints, details="all")
    assert result["summary"]["verdicts"] == {"passed": 11}
    timings = result["endpoints"][0]["timings"]
    assert timings["greeting"] > 0.2 and timings["ehlo"] > 0.2  # the clocks of two threads do not begin alike
    assert all(row["timings"]["greeting"] < timings["total"] for row in result["endpoints"][1:])


def test_a_tarpit_that_outlasts_the_patience_is_left_with_what_it_said(start: Any) -> None:
    """It holds back its greeting for a while, and its next reply for far longer than anybody waits here."""
    relay = start(_slow(60.0).replace("60.0", "0.1", 1))
    report = check(relay.host, port=relay.port, timeout=1.0, **CLEAR)
    assert (report["verdict"], report["stage"], report["failure"]["cause"]) == ("failed", "ehlo", "timed_out")
    assert report["greeting"]["code"] == 220
