# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What a sweep makes of many relays: which rows, which are probed, in what order, and what it says of the whole.

from __future__ import annotations

import contextlib
import gc
import random
import resource
import socket
import ssl
import threading
import time

import pytest
import trustme

from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.connection import Connection
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.names import ResolveError
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.options import Credentials
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp import mx
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp import rows as rows_module
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp import sweep as sweep_module
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.lookups import LookUps
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.protocol import Protocol
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.rows import DnsBounds, rows_of
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.sweep import sweep
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.sweep_options import sweep_options
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


@pytest.fixture
def secure():
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("relay.example.com", key_type=trustme.KeyType.ECDSA).configure_cert(context)
    with authority.cert_pem.tempfile() as ca_path, running(Relay(context)) as server:
        server.options = {"ca_path": ca_path, "tls_server_name": "relay.example.com"}
        yield server


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


def known(result_of):
    """An evaluation, or a part of a plan, that asks nothing."""

    def evaluation(*given):
        yield ()
        return result_of(*given)

    return evaluation


def test_addresses_in_their_order_each_with_its_row(relay, monkeypatch):
    addresses = ["127.0.0.10", "127.0.0.9", "::1", "127.0.0.1", "127.0.0.1"]
    monkeypatch.setattr(LookUps, "system_addresses", known(lambda _look_ups, asked: [addresses for _one in asked]))
    result = sweep(["relay.example.com:%d" % relay.port], all_addresses=True, **CLEAR)
    rows = [(row["name"], row["host"], row["address"]) for row in result["endpoints"]]
    name = "relay.example.com:%d" % relay.port
    assert rows == [(name, "relay.example.com", one) for one in ("127.0.0.1", "127.0.0.9", "127.0.0.10", "::1")]
    assert verdicts(result) == ["passed"] + ["unreachable"] * 3


# Nobody is in another's way


def test_many_that_wait_for_one_relay_hold_up_no_other(relay):
    """More checks of one relay, which hangs, than may run at once; the last in the list is another relay."""
    stops = []
    with silent_relay() as port:
        stuck = [{"host": "127.0.0.1", "port": port, "ehlo_name": "client%d.example.org" % i} for i in range(5)]
        good = {"host": "127.0.0.1", "port": relay.port}
        result = sweep(
            endpoints=[*stuck, good],
            concurrency=3,
            on_start=stops.append,
            on_report=lambda _first: stops[0](),
            **CLEAR,
        )
    assert verdicts(result) == ["not_checked"] * 5 + ["passed"]


def test_addresses_of_one_name_do_not_wait_for_each_other(relay, monkeypatch):
    monkeypatch.setattr(LookUps, "system_addresses", known(lambda *_given: [["127.0.0.1", "127.0.0.2"]]))
    with socket.socket() as hanging:
        hanging.bind(("127.0.0.2", relay.port))
        hanging.listen(5)
        stops = []
        result = sweep(
            ["relay.example.com:%d" % relay.port],
            all_addresses=True,
            connections_per_relay=1,
            on_start=stops.append,
            on_report=lambda _first: stops[0](),
            **CLEAR,
        )
    assert [row["failure"] and row["failure"]["cause"] for row in result["endpoints"]] == [None, "interrupted"]


def test_no_more_at_once_than_there_are_file_descriptors_for(monkeypatch):
    options = sweep_options({"hosts": ["a"], "concurrency": 500}).own
    for soft, expected in ((1024, 480), (264, 100), (10, 1), (resource.RLIM_INFINITY, 500)):
        monkeypatch.setattr(resource, "getrlimit", lambda _what, limit=soft: (limit, limit))
        assert sweep_module._limits(options).concurrency == expected
    monkeypatch.setattr(resource, "getrlimit", lambda _what: (264, 264))
    alone = sweep_options({"hosts": ["a"], "concurrency": 500, "connections_per_relay": 1}).own
    assert sweep_module._limits(alone).concurrency == 200


# Pauses and early ends


def test_jitter_shifts_the_beginning(relay, monkeypatch):
    pauses = iter([0.5, 0.0])
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
        result = sweep(hosts, deadline=1.0, concurrency=2, **CLEAR)
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


def test_enough_failures_end_the_pauses_of_jitter(refusing, monkeypatch):
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
    made = sweep_options(given)
    assert "tanstaafl" not in repr(made) + repr(rows_of(made, 0.0, False, DnsBounds(made.own)))


# Credentials, and relays that the DNS has named

PASSWORD = "tanstaafl-tanstaafl"
SIGN_IN = {
    "password": {"username": "tim", "password": PASSWORD},
    "token": {"username": "tim", "access_token": PASSWORD},
    "no secret": {"auth_mechanisms": ["ANONYMOUS"]},
}


@pytest.fixture
def mx_of(monkeypatch):
    """Let these be the MX hosts of every domain, all at one address."""

    def publish(*hosts, address="127.0.0.1"):
        monkeypatch.setattr(mx, "relays_of", known(lambda _domain: [(10, host) for host in hosts]))
        monkeypatch.setattr(mx, "addresses_of", known(lambda _host, _family: [address]))

    return publish


@pytest.fixture
def lab(monkeypatch):
    """Relays of domains are on our loopback, as though others could reach that."""
    monkeypatch.setattr(rows_module, "is_of_every_host", lambda _address: False)


@pytest.fixture
def mx_here(mx_of, lab):
    return mx_of


@pytest.mark.parametrize("kind", SIGN_IN)
def test_a_relay_that_only_the_dns_names_gets_no_credentials(secure, mx_here, kind):
    """Its certificate is valid: the forger is who he says he is."""
    mx_here("relay.example.com")
    secure.answers["EHLO"] = "250-relay.example.com\r\n250 AUTH PLAIN XOAUTH2 ANONYMOUS\r\n"
    options = {"port": secure.port, "ca_path": secure.options["ca_path"], "ehlo_name": "client.example.org"}
    options.update(SIGN_IN[kind])
    result = sweep(domains=["example.org"], credentials_for=["*.example.org"], sender="", **options)
    (row,) = result["endpoints"]
    assert (row["verdict"], row["stage"], row["tls"]["verified"]) == ("failed", "auth", True)
    assert row["failure"]["cause"] == "credentials_not_for_relay"
    assert "relay.example.com matches no pattern of credentials_for" in row["msg"]
    assert secure.said == ["EHLO client.example.org", "STARTTLS", "EHLO client.example.org", "QUIT"]

    (row,) = sweep(domains=["example.org"], credentials_for=["relay.example.com"], **options)["endpoints"]
    assert (row["verdict"], row["failure"]) == ("passed", None)
    assert [line for line in secure.said if line.startswith("AUTH")]


def test_relays_that_the_caller_names_get_the_credentials_all_the_same(secure, mx_here, monkeypatch):
    """A host is signed in to, even where the same one, at the same address, is a domain's relay that is not."""
    mx_here("relay.example.com")
    monkeypatch.setattr(LookUps, "system_addresses", known(lambda *_given: [["127.0.0.1"]]))
    options = {**secure.options, "port": secure.port, "all_addresses": True, "address_family": "ipv4"}
    result = sweep(
        ["relay.example.com"],
        domains=["example.org"],
        credentials_for=["*.example.org"],
        **options,
        **SIGN_IN["password"],
    )
    assert verdicts(result) == ["passed", "failed"]
    assert len([line for line in secure.said if line.startswith("AUTH")]) == 1


@pytest.mark.parametrize("kind", SIGN_IN)
@pytest.mark.parametrize("patterns", [{}, {"credentials_for": []}])
def test_credentials_for_whichever_relay_the_dns_names_are_refused(monkeypatch, kind, patterns):
    monkeypatch.setattr(LookUps, "run", None)  # before any name is looked up
    with pytest.raises(OptionError, match=r"^credentials_for: is needed .* such as mx1\.example\.com"):
        sweep(["localhost"], domains=["example.org"], all_addresses=True, **patterns, **SIGN_IN[kind])


@pytest.mark.parametrize(
    "host, cause, text",
    [
        ("192.0.2.1", "mx_is_address", "an MX record holds the address 192.0.2.1 instead of a host name"),
        ("127.0.0.1", "mx_is_address", "an MX record holds the address 127.0.0.1 instead of a host name"),
        ("[192.0.2.1]", "mx_is_address", "an MX record holds the address [192.0.2.1] instead of a host name"),
        ("2001:db8::1", "mx_is_address", "an MX record holds the address 2001:db8::1 instead of a host name"),
        ("localhost", "mx_is_localhost", "an MX record names localhost"),
        ("LocalHost", "mx_is_localhost", "an MX record names LocalHost"),
        ("mail.localhost", "mx_is_localhost", "an MX record names mail.localhost"),
        ("localhost.localdomain", "mx_is_localhost", "an MX record names localhost.localdomain"),
        ("/var/run/lmtp", "name_not_found", "an MX record names '/var/run/lmtp', which is no host name"),
        (
            "mail host.example.com",
            "name_not_found",
            "an MX record names 'mail host.example.com', which is no host name",
        ),
        ("-.example.com", "name_not_found", "an MX record names '-.example.com', which is no host name"),
    ],
)
def test_an_mx_record_that_names_no_relay_is_not_looked_up(relay, mx_of, host, cause, text):
    """RFC 5321 5.1, RFC 1035 3.3.9: an MX record holds a host's name. RFC 6761 6.3: localhost is whoever asks."""
    mx_of(host)
    (row,) = sweep(domains=["example.org"], port=relay.port, **CLEAR)["endpoints"]
    assert (row["verdict"], row["stage"], row["name"]) == ("unreachable", "resolve", host)
    assert (row["failure"]["cause"], row["failure"]["text"]) == (cause, text)
    assert relay.said == []


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1", "0.0.0.0", "::", "::ffff:127.0.0.1"])
def test_a_domains_relay_at_an_address_that_every_host_has_is_not_asked(relay, mx_of, address):
    """Whoever sends mail there would ask himself, as we should."""
    mx_of("relay.example.com", address=address)
    (row,) = sweep(domains=["example.org"], port=relay.port, **CLEAR)["endpoints"]
    assert (row["verdict"], row["failure"]["cause"]) == ("unreachable", "mx_is_localhost")
    assert row["failure"]["text"] == "the DNS gives the relay relay.example.com the address %s" % address
    assert "the address %s." % address in row["msg"]
    assert relay.said == []


def test_a_domains_relay_that_is_the_checking_host_is_told(relay, mx_here):
    mx_here("relay.example.com")
    result = sweep(domains=["example.org"], port=relay.port, **CLEAR)
    assert verdicts(result) == ["passed"]
    text = "relay.example.com (127.0.0.1) is the host that the check runs on: what another host would reach there was "
    assert result["warnings"] == [text + "not checked."]
    assert sweep(["127.0.0.1:%d" % relay.port], **CLEAR)["warnings"] == []  # whoever names it knows


def test_a_client_certificate_alone_needs_no_names(secure, mx_here):
    mx_here("relay.example.com")
    own = trustme.CA().issue_cert("client.example.org", key_type=trustme.KeyType.ECDSA)
    with own.private_key_and_cert_chain_pem.tempfile() as client_cert:
        options = {"port": secure.port, "ca_path": secure.options["ca_path"], "client_cert": client_cert}
        assert verdicts(sweep(domains=["example.org"], **options)) == ["passed"]


@pytest.mark.parametrize(
    "pattern, host, trusted",
    [
        ("mx1.example.com", "mx1.example.com", True),
        ("MX1.Example.COM.", "mx1.example.com", True),
        ("mx1.example.com", "MX1.EXAMPLE.COM", True),
        ("mx1.example.com", "mx2.example.com", False),
        ("mx1.example.com", "a.mx1.example.com", False),
        ("example.com", "mx1.example.com", False),
        ("*.example.com", "mx1.example.com", True),
        ("*.EXAMPLE.com.", "Mx1.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "a.mx1.example.com", False),
        ("*.example.com", "mx1-example.com", False),
        ("*.example.com", "mx1.example.com.evil.example", False),
        ("mx1.example.com", "mx1xexample.com", False),
        ("*.b\u00fccher.example", "mx1.xn--bcher-kva.example", True),
        ("b\u00fccher.example", "xn--bcher-kva.example", True),
        ("localhost", "localhost", True),
    ],
)
def test_a_pattern_covers_what_a_certificate_of_that_name_would(pattern, host, trusted):
    options = sweep_options({"credentials_for": ["other.example", pattern]})
    assert rows_module._is_trusted(host, options.own["credentials_for"]) is trusted


@pytest.mark.parametrize(
    "pattern", ["", "*", "*.", "*.com", "*.com.", "*.*.com", "mx*.example.com", "a.*.example.com", "192.0.2.1", "*.192.0.2.1",
                "2001:db8::1", "a..example.com", "a b", "a\nb.example", "https://a.example", "mx1.example.com:25", "/run/relay"],
)  # fmt: skip
def test_a_pattern_that_is_none_is_refused(pattern):
    with pytest.raises(OptionError) as caught:
        sweep_options({"credentials_for": ["mx1.example.com", pattern]})
    assert caught.value.option == "credentials_for[1]"


# What is said


@pytest.mark.parametrize(
    "details, in_full", [("failures", [False, True]), ("all", [True, True]), ("none", [False, False])]
)
def test_which_rows_have_details(secure, refusing, details, in_full):
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
    assert "2 passed, 1 unreachable" in result["msg"] and " Not passed: %s: " % refusing in result["msg"]


def test_work_of_our_own_between_two_looks_at_the_sockets_is_lag(relay):
    def work(_report):
        until = time.monotonic() + 0.05
        while time.monotonic() < until:
            pass

    hosts = ["127.0.0.1:%d" % relay.port, "localhost:%d" % relay.port]
    assert sweep(hosts, concurrency=1, on_report=work, **CLEAR)["summary"]["lag"] >= 0.05


def test_an_option_that_there_is_not_is_refused_with_the_one_that_was_meant():
    with pytest.raises(OptionError) as refused:
        sweep(hosts=["relay.example.com"], concurency=5)
    assert refused.value.option == "concurency"
    assert "concurrency" in str(refused.value)


def test_a_relays_own_credentials_come_instead_of_those_that_all_share():
    """A password and a token exclude each other."""
    entry = rows_module.Entry(
        "endpoints[0]", {}, "relay.example.com", "relay.example.com", {}, {"access_token": "of-its-own"}
    )
    shared = {"username": "tim", "password": "shared by all", "tls": "implicit"}
    row = rows_module._row({**shared}, 0.0, False, entry)
    assert row.request.actions.credentials == Credentials("tim", None, "of-its-own")
    assert "of-its-own" not in repr(entry)


def test_a_name_without_an_address_is_a_row_of_its_own(monkeypatch):
    def addresses_of(host, _family):
        yield from ()
        raise ResolveError("name_not_found", "%s does not exist" % host)

    monkeypatch.setattr(mx, "addresses_of", addresses_of)
    (row,) = sweep(hosts=["gone.example.com"], all_addresses=True, dns_servers=["127.0.0.1:9"])["endpoints"]
    assert (row["verdict"], row["stage"], row["failure"]["cause"]) == ("unreachable", "resolve", "name_not_found")


def test_a_domain_that_takes_no_mail_is_a_row_of_its_own(monkeypatch):
    def relays_of(domain):
        yield from ()
        raise ResolveError("null_mx", domain)

    monkeypatch.setattr(mx, "relays_of", relays_of)
    (row,) = sweep(domains=["example.org"], dns_servers=["127.0.0.1:9"])["endpoints"]
    assert (row["name"], row["verdict"], row["failure"]["cause"]) == ("example.org", "failed", "null_mx")


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


# How much of what the DNS names is checked


class Zone:
    """Every host has so many addresses; the domain has so many relays."""

    def __init__(self, relays, addresses):
        self.relays, self.addresses = relays, addresses

    def relays_of(self, domain):
        return [(10, "mx%d.%s" % (number, domain)) for number in range(self.relays)]

    def addresses_of(self, _host, _family):
        return ["127.1.%d.%d" % divmod(number, 256) for number in range(self.addresses)]


@pytest.mark.parametrize("relays, addresses, options, rows, left_out", [
    (101, 1, {}, 100, {"mx_per_domain": 1}),
    (1, 40, {}, 32, {"addresses_per_relay": 8}),
    (60, 1000, {}, 512, {"addresses_per_relay": 60 * 968, "rows_per_domain": 60 * 32 - 512}),
    (101, 1, {"mx_per_domain": 200}, 101, {}),
    (1, 40, {"addresses_per_relay": 40}, 40, {}),
    (3, 3, {"rows_per_domain": 8}, 8, {"rows_per_domain": 1}),
    (100, 5, {}, 500, {}),
])  # fmt: skip
def test_who_owns_a_domain_does_not_decide_how_large_a_sweep_is(
    relays, addresses, options, rows, left_out, refusing, lab, monkeypatch
):
    zone = Zone(relays, addresses)
    monkeypatch.setattr(mx, "relays_of", known(zone.relays_of))
    monkeypatch.setattr(mx, "addresses_of", known(zone.addresses_of))
    port = int(refusing.rpartition(":")[2])
    result = sweep(domains=["example.org"], port=port, starts_per_second=100000, **options, **CLEAR)
    assert len(result["endpoints"]) == rows
    assert result["summary"]["left_out"] == left_out
    said = [warning for warning in result["warnings"] if "which were not checked" in warning]
    assert len(said) == len(left_out)
    for option, number in left_out.items():
        assert any("%d more than %s allows" % (number, option) in warning for warning in said)


def test_one_large_domain_leaves_another_its_rows(refusing, lab, monkeypatch):
    zone = Zone(2, 2)
    monkeypatch.setattr(mx, "relays_of", known(zone.relays_of))
    monkeypatch.setattr(mx, "addresses_of", known(zone.addresses_of))
    port = int(refusing.rpartition(":")[2])
    result = sweep(domains=["a.example", "b.example"], port=port, rows_per_domain=3, **CLEAR)
    assert [row["input"] for row in result["endpoints"]] == ["a.example"] * 3 + ["b.example"] * 3


def test_the_sentence_of_one_relay_that_did_not_pass_ends_with_its_next_step(relay):
    wanted = {"capabilities": ["NOT-OFFERED"], "relaying_refused": None}
    entry = {"host": "127.0.0.1", "port": relay.port, "name": "ours", "expect": wanted}
    result = sweep(["127.0.0.1:%d" % relay.port], endpoints=[entry], **CLEAR)
    (failed,) = [one for one in result["endpoints"] if one["failure"]]
    of_itself = failed["msg"].partition("127.0.0.1:%d: " % relay.port)[2]
    assert result["msg"].endswith(" Not passed: ours (127.0.0.1:%d): %s" % (relay.port, of_itself))
    assert of_itself.endswith(" Next: " + failed["failure"]["hint"])


def test_the_sentence_names_the_rules_that_are_unmet_and_where_to_read_on(relay, refusing):
    named = "127.0.0.1:%d" % relay.port
    entries = [{"host": "127.0.0.1", "port": relay.port, "name": name} for name in "ab"]
    result = sweep([refusing], endpoints=entries, expect={"codes": {"ehlo": [220]}}, **CLEAR)
    assert " Causes: rule_unmet (2), connection_refused (1)." in result["msg"]
    told = " Not passed: %s: connection_refused, a (%s): codes.ehlo unmet, b (%s): codes.ehlo unmet. More: mailcheck explain codes"
    assert result["msg"].endswith(told % (refusing, named, named))


def test_the_sentence_names_the_first_three_that_did_not_pass(relay, refusing):
    host, _colon, port = refusing.partition(":")
    failing = [{"host": host, "port": int(port), "name": name} for name in "abcde"]
    result = sweep(["127.0.0.1:%d" % relay.port], endpoints=failing, **CLEAR)
    named = ", ".join("%s (%s): connection_refused" % (name, refusing) for name in "abc")
    assert " Not passed: %s and 2 more. " % named in result["msg"]
    assert result["msg"].endswith(" More: mailcheck explain connection_refused")
    assert "Not passed" not in sweep(["127.0.0.1:%d" % relay.port], **CLEAR)["msg"]


def test_one_relay_is_one_relay(relay):
    assert sweep(["127.0.0.1:%d" % relay.port], **CLEAR)["msg"].startswith("1 relay in ")


def test_nothing_of_a_check_is_left_to_the_collector_of_garbage(secure, refusing):
    """What holds on to itself in a circle is kept until somebody looks for it, and the looking costs every check."""
    gc.collect()
    gc.disable()
    try:
        with silent_relay() as silent:
            hosts = ["127.0.0.1:%d" % secure.port, refusing, "127.0.0.1:%d" % silent]
            result = sweep(hosts, ehlo_name="client.example.org", timeout=0.5, **secure.options)
        assert verdicts(result) == ["passed", "unreachable", "unreachable"]
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        assert [one for one in gc.garbage if isinstance(one, (Connection, Protocol))] == []
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
