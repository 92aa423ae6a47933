# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What a sweep makes of many relays: which rows, which are probed, in what order, and what it says of the whole.

from __future__ import annotations

import contextlib
import random
import resource
import socket
import ssl
import threading
import time

import pytest
import trustme

from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp import fleet
from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp import sweep as sweep_module
from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.sweep import sweep
from ansible_collections.postmaster.mailcheck.tests.support.relay import Relay, running

CLEAR = {"tls": "none", "ehlo_name": "client.example.org"}


@pytest.fixture
def relay():
    with running(Relay()) as server:
        yield server


@pytest.fixture
def refusing():
    """A port where nothing listens."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        yield "127.0.0.1:%d" % closed.getsockname()[1]


@contextlib.contextmanager
def silent_relay():
    """A port that takes every connection, and says nothing until the end."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(50)
        yield listener.getsockname()[1]


def verdicts(result):
    return [row["verdict"] for row in result["endpoints"]]


# Which rows, and which of them are probed


def test_what_asks_for_the_same_is_probed_once_however_it_is_written(relay):
    host, port = "localhost", relay.port
    result = sweep(
        ["%s:%d" % (host, port), "LOCALHOST:%d" % port],
        endpoints=[
            {"host": host, "port": port, "name": "other name", "labels": {"site": "north"}},
            {"host": host, "timeout": 30, "validate_certs": True, "protocol": "smtp"},  # as it would be anyway
        ],
        port=port,
        **CLEAR,
    )
    assert verdicts(result) == ["passed"] * 4
    assert result["summary"]["probed"] == 1
    assert result["summary"]["endpoints"] == 4
    assert relay.said.count("QUIT") == 1


def test_other_options_are_another_check(relay):
    one = {"host": "127.0.0.1", "port": relay.port}
    result = sweep(endpoints=[one, dict(one, ehlo_name="other.example.org"), dict(one, sender="")], **CLEAR)
    assert result["summary"]["probed"] == 3


def test_a_message_goes_out_once_to_a_relay_that_is_listed_twice(relay):
    mail = {"sender": "a@example.com", "recipients": ["b@example.com"], "send": True}
    result = sweep(["127.0.0.1:%d" % relay.port] * 2, details="all", **mail, **CLEAR)
    assert relay.said.count("DATA") == 1
    first, second = (row["message"]["token"] for row in result["endpoints"])
    assert first == second


def test_addresses_in_their_order_each_with_its_row(relay, monkeypatch):
    addresses = ["127.0.0.10", "127.0.0.9", "::1", "127.0.0.1", "127.0.0.1"]
    monkeypatch.setattr(fleet, "_system_addresses", lambda *_question: addresses)
    result = sweep(["relay.example.com:%d" % relay.port], all_addresses=True, **CLEAR)
    rows = [(row["name"], row["host"], row["address"]) for row in result["endpoints"]]
    name = "relay.example.com:%d" % relay.port
    assert rows == [(name, "relay.example.com", one) for one in ("127.0.0.1", "127.0.0.9", "127.0.0.10", "::1")]
    assert verdicts(result) == ["passed"] + ["unreachable"] * 3


# Nobody is in another's way


def test_many_that_wait_for_one_relay_hold_up_no_other(relay):
    """More checks of one relay, which hangs, than may run at once; the last in the list is another relay."""
    order = []
    with silent_relay() as port:
        stuck = [{"host": "127.0.0.1", "port": port, "ehlo_name": "client%d.example.org" % i} for i in range(9)]
        good = {"host": "127.0.0.1", "port": relay.port}
        result = sweep(
            endpoints=[*stuck, good],
            concurrency=3,
            timeout=0.3,
            on_report=lambda report: order.append(report["port"]),
            **CLEAR,
        )
    assert order[0] == relay.port
    assert verdicts(result) == ["unreachable"] * 9 + ["passed"]


def test_addresses_of_one_name_do_not_wait_for_each_other(relay, monkeypatch):
    monkeypatch.setattr(fleet, "_system_addresses", lambda *_question: ["127.0.0.1", "127.0.0.2"])
    with socket.socket() as hanging:
        hanging.bind(("127.0.0.2", relay.port))
        hanging.listen(5)
        order = []
        result = sweep(
            ["relay.example.com:%d" % relay.port],
            all_addresses=True,
            connections_per_relay=1,
            timeout=0.5,
            on_report=lambda report: order.append(report["address"]),
            **CLEAR,
        )
    assert order == ["127.0.0.1", "127.0.0.2"]
    assert verdicts(result) == ["passed", "unreachable"]


def test_no_more_at_once_than_there_are_file_descriptors_for(monkeypatch):
    options = fleet.fleet_of({"hosts": ["a"], "concurrency": 500}).options
    for soft, expected in ((1024, 480), (264, 100), (10, 1), (resource.RLIM_INFINITY, 500)):
        monkeypatch.setattr(resource, "getrlimit", lambda _what, limit=soft: (limit, limit))
        assert sweep_module._limits(options).concurrency == expected
    monkeypatch.setattr(resource, "getrlimit", lambda _what: (264, 264))
    alone = fleet.fleet_of({"hosts": ["a"], "concurrency": 500, "connections_per_relay": 1}).options
    assert sweep_module._limits(alone).concurrency == 200


# Pauses and early ends


def test_jitter_shifts_the_beginning(relay, monkeypatch):
    pauses = iter([0.2, 0.0])
    monkeypatch.setattr(random, "uniform", lambda _low, high: next(pauses) * high)
    order = []
    hosts = ["127.0.0.1:%d" % relay.port, "localhost:%d" % relay.port]
    result = sweep(hosts, jitter=1.0, on_report=lambda report: order.append(report["host"]), **CLEAR)
    assert order == ["localhost", "127.0.0.1"]
    assert [row["host"] for row in result["endpoints"]] == ["127.0.0.1", "localhost"]


def test_what_the_deadline_finds_in_its_pause_was_not_checked(relay, monkeypatch):
    monkeypatch.setattr(random, "uniform", lambda _low, high: high)
    result = sweep(["127.0.0.1:%d" % relay.port], jitter=3600.0, deadline=0.2, **CLEAR)
    (row,) = result["endpoints"]
    assert (row["verdict"], row["failure"]["cause"], result["summary"]["probed"]) == ("not_checked", "not_checked", 0)
    assert relay.said == []


def test_the_deadline_leaves_partial_results(relay):
    with silent_relay() as port:
        hosts = ["127.0.0.1:%d" % relay.port, "127.0.0.1:%d" % port, "localhost:%d" % port, "127.0.0.3:%d" % port]
        result = sweep(hosts, deadline=0.5, concurrency=2, **CLEAR)
    assert verdicts(result)[0] == "passed"
    assert [row["failure"]["cause"] for row in result["endpoints"][1:3]] == ["deadline_reached"] * 2
    assert verdicts(result)[3] == "not_checked"
    assert result["summary"]["probed"] == 3


def test_enough_failures_end_the_sweep_and_what_is_under_way_is_judged_by_what_it_does(refusing):
    hosts = ["127.0.0.%d:%s" % (1 + index, refusing.rpartition(":")[2]) for index in range(20)]
    told = []
    result = sweep(hosts, max_failures=2, concurrency=2, on_report=told.append, **CLEAR)
    assert len(told) == len(hosts)
    count = result["summary"]["verdicts"]
    assert set(count) == {"unreachable", "not_checked"}
    assert 3 <= count["unreachable"] <= 5
    assert result["summary"]["causes"]["connection_refused"] == count["unreachable"] == result["summary"]["probed"]


def test_enough_failures_end_the_pauses_too(refusing, monkeypatch):
    pauses = iter([0.0, 0.0, 1.0, 1.0])
    monkeypatch.setattr(random, "uniform", lambda _low, high: next(pauses) * high)
    hosts = ["127.0.0.%d:%s" % (1 + index, refusing.rpartition(":")[2]) for index in range(4)]
    result = sweep(hosts, max_failures=1, jitter=3600.0, **CLEAR)
    assert verdicts(result) == ["unreachable"] * 2 + ["not_checked"] * 2


def test_what_waits_for_a_retry_after_enough_failures_waits_no_more(refusing):
    """What is under way when enough have failed has its end, and no pause behind that."""
    answered = threading.Event()

    def late(_line):
        answered.wait(20)
        return "421 busy\r\n"

    def told(report):
        if report["failure"]["cause"] == "connection_refused":
            answered.set()

    with running(Relay(**{"": late})) as busy:
        endpoints = [{"host": "127.0.0.1", "port": busy.port, "retry_for": 45.0}]
        result = sweep([refusing], endpoints=endpoints, max_failures=0, on_report=told, **CLEAR)
    assert result["summary"]["causes"] == {"connection_refused": 1, "rate_limited": 1}
    assert len(result["endpoints"][1]["attempts"]) == 1


def test_no_row_shows_what_it_was_asked_with():
    given = {"hosts": ["relay.example.com"], "username": "tim", "password": "tanstaafl-tanstaafl"}
    made = fleet.fleet_of(given)
    assert "tanstaafl" not in repr(made) + repr(fleet.rows_of(made, 0.0, False))


# What is said


@pytest.fixture
def secure():
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("relay.example.com", key_type=trustme.KeyType.ECDSA).configure_cert(context)
    with authority.cert_pem.tempfile() as ca_path, running(Relay(context)) as server:
        server.options = {"ca_path": ca_path, "tls_server_name": "relay.example.com"}
        yield server


@pytest.mark.parametrize(
    "details, in_full", [("failures", [False, True]), ("all", [True, True]), ("none", [False, False])]
)
def test_details(secure, refusing, details, in_full):
    result = sweep(["127.0.0.1:%d" % secure.port, refusing], details=details, **secure.options)
    assert verdicts(result) == ["passed", "unreachable"]
    assert ["capabilities" in row for row in result["endpoints"]] == in_full
    for row in result["endpoints"]:
        assert {"name", "labels", "input", "msg", "host", "port", "verdict", "failure", "tls", "rules"} <= set(row)


@pytest.mark.parametrize("details", ["failures", "all", "none"])
def test_certificates_once_each_and_rows_name_theirs(secure, refusing, details):
    hosts = ["127.0.0.1:%d" % secure.port, "localhost:%d" % secure.port, refusing]
    result = sweep(hosts, details=details, **secure.options)
    first, second, third = (row["tls"] for row in result["endpoints"])
    assert first["certificate"] == second["certificate"]
    assert first["certificate"] in result["certificates"]
    assert third is None
    assert {sha256: facts["sha256_fingerprint"] for sha256, facts in result["certificates"].items()} == {
        sha256: sha256 for sha256 in result["certificates"]
    }


def test_the_summary(secure, refusing):
    hosts = ["127.0.0.1:%d" % secure.port, "localhost:%d" % secure.port, refusing]
    result = sweep(hosts, **secure.options)
    summary = result["summary"]
    assert summary["verdicts"] == {"passed": 2, "unreachable": 1}
    assert summary["causes"] == {"connection_refused": 1}
    assert summary["tls_versions"] == {"TLSv1.3": 2}
    assert summary["auth_mechanisms"] == {"LOGIN": 2, "PLAIN": 2}
    assert sorted(one["name"] for one in summary["slowest"]) == sorted(hosts)
    seconds = [one["seconds"] for one in summary["slowest"]]
    assert seconds == sorted(seconds, reverse=True) and 0 < seconds[0] <= summary["seconds"]
    soonest = summary["soonest_expiry"]
    assert (soonest["endpoints"], soonest["names"]) == (2, hosts[:2])
    assert soonest["days_left"] == result["certificates"][soonest["certificate"]]["days_left"]
    assert "2 passed, 1 unreachable" in result["msg"] and "connection_refused (1)" in result["msg"]


def test_work_of_our_own_between_two_looks_at_the_sockets_is_lag(relay):
    def work(_report):
        until = time.monotonic() + 0.05
        while time.monotonic() < until:
            pass

    hosts = ["127.0.0.1:%d" % relay.port, "localhost:%d" % relay.port]
    assert sweep(hosts, concurrency=1, on_report=work, **CLEAR)["summary"]["lag"] >= 0.05


def test_each_warning_once(relay):
    hosts = ["127.0.0.1:%d" % relay.port, "localhost:%d" % relay.port]
    result = sweep(hosts, test_message={"subject": "never sent"}, **CLEAR)
    assert result["warnings"] == ["test_message is not used: send is false."]


@pytest.mark.parametrize("details", ["failures", "all", "none"])
def test_nothing_returned_hides_a_method_of_dictionaries_or_looks_like_a_task(secure, refusing, details):
    result = sweep(["127.0.0.1:%d" % secure.port, refusing], details=details, **secure.options)
    assert "results" not in result

    def check(value):
        if isinstance(value, dict):
            assert not {"values", "items", "keys", "get", "pop", "copy", "update"} & set(value)
            for inner in value.values():
                check(inner)
        elif isinstance(value, list):
            for inner in value:
                check(inner)

    check(result)
