# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A fleet in one sweep: the lab's Postfix, Dovecot and Exim, and MX records from a BIND of our own.

from __future__ import annotations

import socket
import sys
from typing import Any

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp import rows
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.check import check
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.sweep import sweep
from ansible_collections.postmaster.mailcheck.tests.real import servers
from ansible_collections.postmaster.mailcheck.tests.real.bind import Bind
from ansible_collections.postmaster.mailcheck.tests.real.exim import Exim
from ansible_collections.postmaster.mailcheck.tests.real.pki import Pki
from ansible_collections.postmaster.mailcheck.tests.real.postfix import Postfix


@pytest.fixture
def ca(pki: Pki) -> dict[str, Any]:
    return {"ca_path": str(pki.ca), "timeout": 30.0}


def named(result: dict[str, Any]) -> list[tuple[str, str]]:
    return [(row["name"], row["verdict"]) for row in result["endpoints"]]


def test_each_relay_has_its_row_in_the_order_of_the_input(postfix: Postfix, exim: Exim, ca: dict[str, Any]) -> None:
    ports = [postfix.ports["expired"], postfix.ports["mx"], exim.ports["smtp"], servers.free_port()]
    result = sweep([f"127.0.0.1:{port}" for port in ports], **ca)
    assert [row["port"] for row in result["endpoints"]] == ports
    assert [row["verdict"] for row in result["endpoints"]] == ["failed", "passed", "passed", "unreachable"]
    assert result["summary"]["verdicts"] == {"failed": 1, "passed": 2, "unreachable": 1}
    assert result["summary"]["causes"] == {"certificate_expired": 1, "connection_refused": 1}
    assert result["summary"]["tls_versions"] == {"TLSv1.3": 2}


def test_the_sweep_says_of_a_relay_what_the_check_says(postfix: Postfix, ca: dict[str, Any]) -> None:
    port = postfix.ports["mx"]
    alone = check("127.0.0.1", port=port, **ca)
    (row,) = sweep([f"127.0.0.1:{port}"], details="all", transcript="always", **ca)["endpoints"]
    for volatile in (
        "checked_at",
        "timings",
        "attempts",
        "addresses_tried",
        "transcript",
        "engine",
        "warnings",
        "tls",
        "msg",
    ):
        alone.pop(volatile)
    assert {key: row[key] for key in alone} == alone


def test_a_certificate_is_told_once_however_many_relays_show_it(postfix: Postfix, ca: dict[str, Any]) -> None:
    port = postfix.ports["mx"]
    result = sweep([f"127.0.0.1:{port}", f"localhost:{port}"], details="all", **ca)
    fingerprints = {row["tls"]["certificate"] for row in result["endpoints"]}
    assert len(fingerprints) == 1
    assert len(result["certificates"]) == 2  # leaf and intermediate
    assert result["certificates"][fingerprints.pop()]["days_left"] > 300


def test_what_is_asked_twice_is_probed_once(postfix: Postfix, ca: dict[str, Any]) -> None:
    result = sweep([f"127.0.0.1:{postfix.ports['mx']}"] * 3, **ca)
    assert result["summary"]["probed"] == 1
    assert result["summary"]["verdicts"] == {"passed": 3}


def test_an_endpoint_overrides_what_is_shared(postfix: Postfix, ca: dict[str, Any]) -> None:
    user = {"username": servers.USERNAME, "password": servers.PASSWORD}
    result = sweep(
        endpoints=[
            {"host": "127.0.0.1", "port": postfix.ports["submission"], "name": "right", **user},
            {"host": "127.0.0.1", "port": postfix.ports["submission"], "name": "wrong", **dict(user, password="no")},
            {"host": "127.0.0.1", "port": postfix.ports["submissions"], "name": "implicit", "tls": "implicit"},
        ],
        **ca,
    )
    assert named(result) == [("right", "passed"), ("wrong", "failed"), ("implicit", "passed")]
    assert result["endpoints"][1]["failure"]["cause"] == "auth_rejected"


def test_labels_and_input_come_back_with_their_row(postfix: Postfix, ca: dict[str, Any]) -> None:
    endpoint = {"host": "127.0.0.1", "port": postfix.ports["mx"], "labels": {"site": "north"}}
    (row,) = sweep(endpoints=[endpoint], **ca)["endpoints"]
    assert row["labels"] == {"site": "north"}
    assert row["input"] == {"host": "127.0.0.1", "port": postfix.ports["mx"]}


# Domains. The system's resolver knows none of these names: BIND alone has told.


@pytest.fixture(autouse=True)
def lab(monkeypatch: pytest.MonkeyPatch) -> None:
    """The relays of the lab's domains are on the loopback, as though others could reach that."""
    monkeypatch.setattr(rows, "is_of_every_host", lambda _address: False)


def test_the_relays_of_a_domain_by_preference(postfix: Postfix, bind: Bind, ca: dict[str, Any]) -> None:
    options = {"dns_servers": [bind.address], "port": postfix.ports["mx"], "tls_server_name": "localhost"}
    result = sweep(domains=["lab.test", "second.lab.test"], **options, **ca)
    assert named(result) == [
        ("relay.lab.test", "passed"),
        ("backup.lab.test", "unreachable"),
        ("RELAY.lab.test", "passed"),
    ]
    assert [row["labels"] for row in result["endpoints"]] == [
        {"domain": "lab.test", "preference": 10},
        {"domain": "lab.test", "preference": 20},
        {"domain": "second.lab.test", "preference": 5},
    ]
    assert [row["input"] for row in result["endpoints"]] == ["lab.test", "lab.test", "second.lab.test"]
    assert result["summary"]["probed"] == 2  # one relay serves both domains


def test_every_address_of_a_domains_relays_by_preference_name_and_address(bind: Bind) -> None:
    options = {"dns_servers": [bind.address], "port": servers.free_port(), "tls": "none"}
    result = sweep(domains=["many.lab.test"], **options)
    shown = [(row["name"], row["address"], row["failure"]["cause"]) for row in result["endpoints"]]
    assert shown == [
        ("both.lab.test", "127.0.0.1", "connection_refused"),
        ("both.lab.test", "127.0.0.2", "connection_refused"),
        ("both.lab.test", "127.0.0.11", "connection_refused"),
        ("gone.lab.test", None, "name_not_found"),
        ("relay.lab.test", "127.0.0.1", "connection_refused"),
        (".", None, "name_not_found"),
        (r"a\032b.lab.test", None, "name_not_found"),  # no host can be called so: its own row's failure, not the task's
    ]
    assert "no host name" in result["endpoints"][-1]["msg"]


@pytest.mark.parametrize(
    ("domain", "cause"),
    [
        ("nullmx.lab.test", "null_mx"),
        ("gone.lab.test", "name_not_found"),
        ("nothing.lab.test", "mx_missing"),
        ("broken.test", "name_server_failed"),  # SERVFAIL
        ("elsewhere.example", "name_server_failed"),  # BIND refuses what it is not authoritative for
    ],
)
def test_why_a_domain_has_no_relay(bind: Bind, domain: str, cause: str) -> None:
    (row,) = sweep(domains=[domain], dns_servers=[bind.address], dns_timeout=20.0)["endpoints"]
    assert (row["input"], row["failure"]["cause"], row["labels"]) == (domain, cause, {"domain": domain})


def test_a_domain_without_mx_is_its_own_relay(postfix: Postfix, bind: Bind, ca: dict[str, Any]) -> None:
    options = {"dns_servers": [bind.address], "port": postfix.ports["mx"], "tls_server_name": "localhost"}
    (row,) = sweep(domains=["implicit.lab.test"], **options, **ca)["endpoints"]
    assert (row["verdict"], row["address"]) == ("passed", "127.0.0.1")
    assert row["labels"] == {"domain": "implicit.lab.test", "preference": None}


def test_credentials_go_to_relays_of_domains_only_where_they_are_named(
    postfix: Postfix, bind: Bind, ca: dict[str, Any]
) -> None:
    options = {
        "domains": ["lab.test", "second.lab.test"],
        "dns_servers": [bind.address],
        "port": postfix.ports["submission"],
        "tls_server_name": "localhost",
        "username": servers.USERNAME,
        "password": servers.PASSWORD,
        **ca,
    }
    with pytest.raises(OptionError, match=r"^credentials_for: is needed"):
        sweep(**options)
    for names, verdict in ((["*.lab.test"], "passed"), (["*.second.lab.test", "backup.lab.test"], "failed")):
        result = sweep(credentials_for=names, **options)
        found = [("relay.lab.test", verdict), ("backup.lab.test", "unreachable"), ("RELAY.lab.test", verdict)]
        assert named(result) == found
    assert result["summary"]["causes"] == {"connection_refused": 1, "credentials_not_for_relay": 2}
    assert "the DNS has named" in result["endpoints"][0]["msg"]


def test_a_domain_that_takes_no_mail_is_not_the_host_of_its_name(
    postfix: Postfix, bind: Bind, ca: dict[str, Any]
) -> None:
    """The same name as a host and as a domain: each row says what is true of it."""
    options = {"dns_servers": [bind.address], "port": 25}
    result = sweep(["nullmx.lab.test"], domains=["nullmx.lab.test"], **options, **ca)
    assert [row["failure"]["cause"] for row in result["endpoints"]] == ["name_not_found", "null_mx"]


def test_only_addresses_of_the_family_asked_for(bind: Bind) -> None:
    options = {"dns_servers": [bind.address], "address_family": "ipv4", "tls": "none"}
    (row,) = sweep(domains=["six.lab.test"], **options)["endpoints"]
    assert row["failure"]["cause"] == "no_address_of_family"


def test_a_name_server_that_does_not_answer_costs_its_timeout(ca: dict[str, Any]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        address = "127.0.0.1:%d" % silent.getsockname()[1]
        (row,) = sweep(domains=["lab.test"], dns_servers=[address], dns_timeout=0.3, **ca)["endpoints"]
    assert (row["verdict"], row["failure"]["cause"]) == ("unreachable", "name_server_failed")


def test_without_dnspython_the_task_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dns.message", None)
    with pytest.raises(OptionError, match=r"domains: need dnspython \(2.6 or newer\).* Install it"):
        sweep(domains=["lab.test"])


def test_an_answer_that_names_no_host_is_that_answers_failure(bind: Bind) -> None:
    """Whoever keeps a zone can write anything there: no escape sequence, no template, no path of a socket of ours."""
    options = {"dns_servers": [bind.address], "port": servers.free_port(), "protocol": "lmtp"}
    found = sweep(domains=["odd.lab.test"], **options)["endpoints"]
    assert [(row["name"], row["failure"]["stage"], row["failure"]["cause"]) for row in found] == [
        ("bad\\027[2J{{7*7}}.lab.test", "resolve", "name_not_found"),
        ("/run/relay", "resolve", "name_not_found"),
        ("relay.lab.test", "connect", "connection_refused"),
    ]


def test_every_address_behind_a_name_has_a_row(
    postfix: Postfix, ca: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No name has two addresses on every machine, so the system's resolver is given one that has."""
    found = [(socket.AF_INET, 1, 6, "", (address, postfix.ports["mx"])) for address in ("127.0.0.2", "127.0.0.1")]
    system = socket.getaddrinfo

    def getaddrinfo(host: bytes, *rest: Any) -> list[Any]:
        return found if host == b"relay.lab.test" else system(host, *rest)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    result = sweep([f"relay.lab.test:{postfix.ports['mx']}"], all_addresses=True, **ca)
    # Postfix listens at the first address alone: a check of the name would not show it.
    assert [(row["address"], row["verdict"]) for row in result["endpoints"]] == [
        ("127.0.0.1", "passed"),
        ("127.0.0.2", "unreachable"),
    ]


def test_a_message_to_each(postfix: Postfix, ca: dict[str, Any]) -> None:
    envelope = {"sender": "probe@lab.test", "recipients": [servers.ACCEPTED], "send": True}
    result = sweep([f"127.0.0.1:{postfix.ports['mx']}"], details="all", **envelope, **ca)
    assert result["changed"] is True
    token = result["endpoints"][0]["message"]["token"]
    assert servers.wait_for_message(postfix.maildir, token)


def test_in_check_mode_nothing_is_sent(postfix: Postfix, ca: dict[str, Any]) -> None:
    envelope = {"sender": "probe@lab.test", "recipients": [servers.ACCEPTED], "send": True}
    result = sweep([f"127.0.0.1:{postfix.ports['mx']}"], details="all", check_mode=True, **envelope, **ca)
    assert result["changed"] is True
    assert "data" not in result["endpoints"][0]["codes"]


def test_enough_failures_end_the_sweep(ca: dict[str, Any]) -> None:
    hosts = [f"127.0.0.1:{servers.free_port()}" for _number in range(20)]
    result = sweep(hosts, max_failures=2, concurrency=1, **ca)
    verdicts = result["summary"]["verdicts"]
    assert verdicts["unreachable"] >= 3
    assert verdicts["not_checked"] == 20 - verdicts["unreachable"]


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({}, "hosts"),
        ({"hosts": ["relay.example.com:smtp"]}, "hosts[0]"),
        ({"hosts": ["relay.example.com:99999"]}, "hosts[0]"),
        ({"hosts": ["a b"]}, "hosts[0].host"),
        ({"endpoints": [{"port": 25}]}, "endpoints[0].host"),
        ({"endpoints": [{"host": "a"}, {"host": "b", "timeout": 0}]}, "endpoints[1].timeout"),
        ({"endpoints": [{"host": "a", "prot": 25}]}, "endpoints[0].prot"),
        ({"hosts": ["a"], "concurrency": 0}, "concurrency"),
        ({"hosts": ["a"], "deadline": -1.0}, "deadline"),
        ({"hosts": ["a"], "jitter": float("nan")}, "jitter"),
        ({"hosts": ["a"], "detail": "all"}, "detail"),
        ({"hosts": ["a"], "timeout": 0}, "timeout"),
        ({"domains": ["a\nb"], "dns_servers": ["127.0.0.1:1"], "dns_timeout": 0.2}, "domains[0].host"),
        ({"domains": ["a"], "dns_servers": ["dns.example"]}, "dns_servers[0]"),
    ],
)
def test_mistakes_name_their_option(options: dict[str, Any], option: str) -> None:
    with pytest.raises(OptionError) as caught:
        sweep(**options)
    assert caught.value.option == option
