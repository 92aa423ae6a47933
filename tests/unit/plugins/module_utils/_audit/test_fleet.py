# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Many relays in one audit: each for itself, in the order given.

from __future__ import annotations

import socket
import threading

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit import check
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.check import audit, audit_relays
from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError
from ansible_collections.postmaster.mailcheck.tests.support.relay import Relay, running

OFFERS_NO_AUTH = "250-relay.example.com\r\n250 PIPELINING\r\n"


def named(relay):
    return "127.0.0.1:%d" % relay.port


def test_the_rows_come_in_the_order_of_the_input():
    with running(Relay()) as open_, running(Relay(EHLO=OFFERS_NO_AUTH)) as quiet:
        endpoints = [{"host": "127.0.0.1", "port": quiet.port, "name": "quiet", "labels": {"site": "north"}}]
        found = audit_relays([named(open_), named(quiet)], endpoints=endpoints, probes=["auth_offered_in_clear"])
    rows = found["endpoints"]
    assert [row["name"] for row in rows] == [named(open_), named(quiet), "quiet"]
    assert [row["verdict"] for row in rows] == ["failed", "passed", "passed"]
    assert rows[2]["labels"] == {"site": "north"} and rows[2]["input"] == {"host": "127.0.0.1", "port": quiet.port}
    assert found["summary"]["found"] == {"auth_offered_in_clear": 1}


def test_a_relay_at_which_nothing_was_settled_is_told_apart_from_those_that_passed():
    with running(Relay(VRFY="450 4.2.1 Later\r\n")) as puts_off, running(Relay(VRFY="502 5.5.1 No\r\n")) as silent:
        given = {"known_recipient": "user@example.net", "intensity": "active", "authorised": ["127.0.0.1"]}
        found = audit_relays([named(puts_off), named(silent)], probes=["vrfy"], **given)
    assert [row["verdict"] for row in found["endpoints"]] == ["not_checked", "passed"]
    assert found["summary"]["causes"] == {"nothing_settled": 1}
    assert "Settled nothing (nothing_settled) at %s. Next: Each probe says why" % named(puts_off) in found["msg"]


def test_each_report_is_shown_as_it_comes():
    shown = []
    with running(Relay()) as one, running(Relay()) as other:
        found = audit_relays([named(one), named(other)], probes=["banner"], details="all", on_report=shown.append)
    assert sorted(report["port"] for report in shown) == sorted([one.port, other.port])
    assert [report["verdict"] for report in shown] == [row["verdict"] for row in found["endpoints"]] == ["passed"] * 2


def test_a_row_says_what_an_audit_of_its_relay_alone_says():
    """But for what differs with every run: times."""
    with running(Relay()) as relay:
        alone, (row,) = audit("127.0.0.1", port=relay.port), audit_relays([named(relay)], details="all")["endpoints"]
    differ = {"name", "labels", "input", "engine", "warnings", "checked_at", "seconds", "transcript", "probes"}
    assert {key: alone[key] for key in alone.keys() - differ} == {key: row[key] for key in row.keys() - differ}
    for one, other in zip(alone["probes"], row["probes"]):
        assert [len(talk) for talk in one.pop("dialogues")] == [len(talk) for talk in other.pop("dialogues")]
        assert one == other


def test_a_relay_named_twice_is_asked_once():
    with running(Relay()) as relay:
        found = audit_relays([named(relay), named(relay)], probes=["banner"])
        greeted = [line for line in relay.said if line.startswith("EHLO")]
    assert len(greeted) == 1 and len(found["endpoints"]) == 2
    assert [row["verdict"] for row in found["endpoints"]] == ["passed"] * 2


def test_a_relay_with_a_mailbox_named_twice_is_asked_once(tmp_path):
    mailbox = {"host": "imap.example.com", "username": "user", "password": "tanstaafl tanstaafl"}
    with running(Relay()) as relay:
        found = audit_relays([named(relay), named(relay)], probes=["banner"], mailbox=mailbox)
        greeted = [line for line in relay.said if line.startswith("EHLO")]
    assert len(greeted) == 1 and len(found["endpoints"]) == 2


def test_a_relay_sees_one_connection_at_a_time_however_often_it_is_named():
    at_once, most, lock = [], [], threading.Lock()

    def greet(_line):
        with lock:
            at_once.append(1)
            most.append(len(at_once))
        return "220 relay.example.com ESMTP\r\n"

    def leave(_line):
        with lock:
            at_once.pop()
        return "221 2.0.0 Bye\r\n"

    with running(Relay(**{"": greet, "QUIT": leave})) as relay:
        endpoints = [{"host": "127.0.0.1", "port": relay.port, "probes": [name]} for name in ("banner", "pipelining")]
        found = audit_relays(endpoints=endpoints)
    assert [len(row["probes"]) for row in found["endpoints"]] == [1, 1]
    assert len(most) == 3 and max(most) == 1


def test_a_relay_that_says_nothing_disturbs_no_other():
    with socket.create_server(("127.0.0.1", 0)) as silent, running(Relay(EHLO=OFFERS_NO_AUTH)) as relay:
        ports = [silent.getsockname()[1], relay.port]
        endpoints = [{"host": "127.0.0.1", "port": port} for port in ports]
        endpoints[0]["timeout"] = 0.5
        found = audit_relays(endpoints=endpoints, probes=["auth_offered_in_clear"])
    rows = found["endpoints"]
    assert [row["verdict"] for row in rows] == ["unreachable", "passed"]
    assert found["summary"]["causes"] == {rows[0]["cause"]: 1}
    assert "Ended early (%(cause)s) at %(name)s." % rows[0] in found["msg"]
    assert rows[0]["failure"]["hint"] in found["msg"]


def test_a_fault_of_ours_is_its_own_relay_s(monkeypatch):
    def planned(wanted, strangers, date, made=check.audit_plan):
        if wanted.endpoint.port == broken:
            raise ValueError("a bug")
        return made(wanted, strangers, date)

    monkeypatch.setattr(check, "audit_plan", planned)
    with running(Relay()) as one, running(Relay(EHLO=OFFERS_NO_AUTH)) as other:
        broken = one.port
        found = audit_relays([named(one), named(other)], probes=["auth_offered_in_clear"])
    assert [row["cause"] for row in found["endpoints"]] == ["internal_error", None]
    assert [row["verdict"] for row in found["endpoints"]] == ["not_checked", "passed"]


def test_what_the_deadline_leaves_out_is_not_checked():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hosts = ["127.0.0.1:%d" % silent.getsockname()[1], "127.0.0.2:%d" % silent.getsockname()[1]]
        found = audit_relays(hosts, deadline=0.2, concurrency=1)
    assert [row["cause"] for row in found["endpoints"]] == ["deadline_reached", "not_checked"]
    assert {row["verdict"] for row in found["endpoints"]} == {"not_checked"}


def test_each_relay_has_its_own_budget():
    found = audit_relays(["a.example.com", "b.example.com"], check_mode=True)
    plans = [row["plan"] for row in found["endpoints"]]
    assert plans[0] == plans[1] and found["plan"]["connections"] == 2 * plans[0]["connections"]
    assert {row["verdict"] for row in found["endpoints"]} == {"not_checked"}


@pytest.mark.parametrize(
    "details, kept", [("all", (True, True)), ("failures", (False, True)), ("none", (False, False))]
)
def test_details_decide_which_dialogues_come_along(details, kept):
    given = {"intensity": "active", "authorised": ["127.0.0.1"], "known_recipient": "user@example.net"}
    with running(Relay(EXPN="502 5.5.1 No\r\n", VRFY="450 4.2.1 Later\r\n")) as relay:
        found = audit_relays([named(relay)], probes=["vrfy", "expn"], details=details, **given)
    by_name = {one["name"]: bool(one["dialogues"]) for one in found["endpoints"][0]["probes"]}
    assert (by_name["expn"], by_name["vrfy"]) == kept


def test_the_message_tells_what_was_found_where_and_what_to_do():
    with running(Relay()) as one, running(Relay()) as other:
        found = audit_relays([named(one), named(other)], probes=["auth_offered_in_clear", "starttls"])
    probed = {probe["name"]: probe for probe in found["endpoints"][0]["probes"]}
    for name, probe in probed.items():
        text = "%s (medium) at %s, %s: %s Next: %s" % (
            name,
            named(one),
            named(other),
            probe["meaning"],
            probe["remedy"],
        )
        assert text in found["msg"]


def test_a_warning_names_the_relays_that_it_is_about():
    with running(Relay()) as open_, running(Relay(EHLO=OFFERS_NO_AUTH)) as quiet:
        endpoints = [{"host": "127.0.0.1", "port": quiet.port, "name": "quiet", "probes": ["banner", "certificate"]}]
        found = audit_relays([named(open_)], endpoints=endpoints, probes=["banner"])
    assert found["warnings"][0].startswith("TLS was not used: ")  # of both
    assert found["warnings"][1].startswith("quiet: Nothing is known of what 1 probe asks: certificate: ")


# Mistakes


@pytest.mark.parametrize("option, given", [
    ("hosts", {}),
    ("hosts[0]", {"hosts": ["relay.example.com:smtp"]}),
    ("hosts[0].host", {"hosts": ["no host"]}),
    ("endpoints[0].host", {"endpoints": [{"port": 25}]}),
    ("endpoints[0].port", {"endpoints": [{"host": "a.example.com", "port": 0}]}),
    ("endpoints[0].password", {"endpoints": [{"host": "a.example.com", "password": "secret"}]}),
    ("endpoints[0].authorised", {"endpoints": [{"host": "a.example.com", "authorised": ["a.example.com"]}]}),
    ("authorised", {"endpoints": [{"host": "a.example.com", "intensity": "active"}]}),
    ("authorised", {"hosts": ["a.example.com", "b.example.com"], "intensity": "active", "authorised": ["a.example.com"]}),
    ("pause", {"hosts": ["a.example.com"], "pause": -1.0}),
    ("concurrency", {"hosts": ["a.example.com"], "concurrency": 0}),
    ("deadline", {"hosts": ["a.example.com"], "deadline": 0.0}),
])  # fmt: skip
def test_a_mistake_names_its_entry_before_any_socket_opens(option, given, monkeypatch):
    monkeypatch.setattr("socket.socket.connect", None)
    with pytest.raises(OptionError) as refused:
        audit_relays(**given)
    assert refused.value.option == option
    assert "secret" not in str(refused.value)
