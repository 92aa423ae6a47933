# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Whole checks of relays on the loopback: the name to verify, failures told apart, the survey, rules.

from __future__ import annotations

import contextlib
import itertools
import socket
import ssl
import struct
import threading
from typing import TYPE_CHECKING, Tuple

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.contexts import context
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.model import OFFERED_VERSIONS, TlsPolicy
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.check import check
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.request import build_request
from ansible_collections.postmaster.mailcheck.tests.support.behaving import BehavingRelay
from ansible_collections.postmaster.mailcheck.tests.support.chains import NAME, Chain, issue, server_context
from ansible_collections.postmaster.mailcheck.tests.support.der import EMAIL, SERVER_AUTH, trusted_block
from ansible_collections.postmaster.mailcheck.tests.support.handshake import World, refused, shake_hands, ssl_version
from ansible_collections.postmaster.mailcheck.tests.support.relay import Relay, running

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterator

# Relays that speak TLS 1.0 are what is asked for here.
pytestmark = [
    pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:ssl.OP_NO_SSL:DeprecationWarning"),
]

NAME_MISMATCH = "certificate_name_mismatch"


# The name to verify


@pytest.mark.parametrize(("host", "given", "server_name"), [
    ("relay.example.com.", None, "relay.example.com"),
    ("Relay.Example.COM", None, "Relay.Example.COM"),
    ("b\u00fccher.example", None, "xn--bcher-kva.example"),
    ("[2001:db8::1]", None, "2001:db8::1"),
    ("[IPv6:2001:db8::1]", None, "2001:db8::1"),
    ("fe80::1%eth0", None, "fe80::1"),
    ("192.0.2.1", "relay.example.com", "relay.example.com"),
    ("192.0.2.1", "relay.example.com.", "relay.example.com"),
    ("192.0.2.1", "B\u00dcCHER.example.", "xn--bcher-kva.example"),
    ("relay.example.com", "[2001:db8::1]", "2001:db8::1"),
    ("relay.example.com", "192.0.2.1", "192.0.2.1"),
])  # fmt: skip
def test_the_forms_of_a_name(world: World, tmp_path: Any, host: str, given: Any, server_name: str) -> None:
    request = build_request(host, {"tls_server_name": given, "ca_path": world.ca_path}, 0.0)
    assert request.endpoint.tls_server_name == server_name
    chain = world.leaf(server_name.lower())
    facts = shake_hands(request.endpoint.tls_policy, server_context(chain, tmp_path), server_name).facts
    assert (facts.verified, facts.server_name) == (True, server_name)


@pytest.mark.parametrize("name", ["a..b", "", ".", "[]", "a b", "*.example.com", "a" * 64 + ".example",
                                  "a" * 63 + (".a" * 100), "-a.example", "x/y", "[::1", "2001:db8::1::"])  # fmt: skip
def test_names_that_are_none(name: str) -> None:
    refused("tls_server_name", tls_server_name=name)


# Whole checks


@contextlib.contextmanager
def relay_for(chain: Chain, folder: Any, **answers: Any) -> Iterator[Relay]:
    with running(Relay(server_context(chain, folder), **answers)) as relay:
        yield relay


def test_connect_by_address_and_verify_another_name(world: World, tmp_path: Any) -> None:
    seen = []
    with relay_for(world.leaf(), tmp_path) as relay:
        relay.context.sni_callback = lambda _connection, name, _context: seen.append(name)
        report = check("127.0.0.1", port=relay.port, ca_path=world.ca_path, tls_server_name=NAME)
        assert (report["verdict"], report["tls"]["verified"], report["tls"]["server_name"]) == ("passed", True, NAME)
        report = check("127.0.0.1", port=relay.port, ca_path=world.ca_path)
        assert report["failure"]["cause"] == NAME_MISMATCH
    assert seen == [NAME, None]


@pytest.mark.parametrize(("names", "warned"), [((), True), (("other.example.com",), True), ((NAME,), False)])
def test_a_name_in_the_common_name_only_is_told_where_it_does_not_stop_the_check(
    world: World, tmp_path: Any, names: Tuple[str, ...], warned: bool
) -> None:
    chain = Chain(issue(world.root, *names, subject=NAME))
    with relay_for(chain, tmp_path) as relay:
        for options in ({"validate_certs": False}, {"tls": "opportunistic"}):
            report = check("127.0.0.1", port=relay.port, ca_path=world.ca_path, tls_server_name=NAME, **options)
            assert report["verdict"] == "passed"
            text = "The certificate names %s in its common name only, which does not count (RFC 9525)." % NAME
            assert report["warnings"] == ([text] if warned else [])
            assert (NAME_MISMATCH in report["msg"]) is warned


def test_no_password_leaves_for_a_relay_by_a_rejected_authority(world: World, tmp_path: Any) -> None:
    path = tmp_path / "authorities.pem"
    path.write_bytes(trusted_block(world.root, (EMAIL,), (SERVER_AUTH,)))
    with relay_for(world.leaf("127.0.0.1"), tmp_path) as relay:
        report = check("127.0.0.1", port=relay.port, ca_path=str(path), username="tim", password="secret")
    assert (report["failure"]["cause"], report["tls"]["verified"], report["auth"]) == (
        "certificate_rejected",
        False,
        None,
    )


@contextlib.contextmanager
def scripted(after_starttls: Callable[[socket.socket], None]) -> Iterator[int]:
    """A relay that takes STARTTLS, and then does what the test says; yields its port."""

    def behave(lines: Any, say: Callable[[str], None], sock: socket.socket) -> None:
        say("220 relay.example.com")
        for answer in ("250-relay.example.com\r\n250 STARTTLS", "220 go"):
            lines.readline()
            say(answer)
        after_starttls(sock)

    with BehavingRelay(behave) as relay:
        yield relay.port


def reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def stall(sock: socket.socket) -> None:
    while sock.recv(1000):  # until the client has had enough
        pass


@pytest.mark.parametrize(("what", "cause", "verdict"), [
    (lambda sock: None, "tls_handshake_reset", "failed"),
    (reset, "tls_handshake_reset", "failed"),
    (lambda sock: (sock.recv(1000), reset(sock)), "tls_handshake_reset", "failed"),
    (stall, "tls_handshake_stalled", "failed"),
    (lambda sock: (sock.recv(1000), sock.sendall(b"\x16\x03\x03\x00"), stall(sock)), "tls_handshake_stalled", "failed"),
    (lambda sock: (sock.recv(1000), sock.sendall(b"500 what?\r\n"), stall(sock)), "tls_not_spoken", "failed"),
    (lambda sock: (sock.recv(1000), sock.sendall(bytes(100)), stall(sock)), "tls_not_spoken", "failed"),
], ids=["closes", "resets", "resets after the ClientHello", "stalls", "stalls in a record", "speaks in clear",
        "sends noughts"])  # fmt: skip
def test_a_handshake_that_comes_to_nothing(what: Any, cause: str, verdict: str) -> None:
    with scripted(what) as port:
        report = check("127.0.0.1", port=port, timeout=1.0)
    assert (report["stage"], report["failure"]["cause"], report["verdict"]) == ("tls", cause, verdict)
    assert report["failure"]["hint"]
    assert report["tls"] is None


def test_a_reset_that_eats_the_alert(world: World, demanding: ssl.SSLContext) -> None:
    """All that is seen is that the relay goes away at the next stage: it is said what that may mean."""
    demanding.minimum_version = ssl.TLSVersion.TLSv1_3

    def refuse(sock: socket.socket) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        relay = demanding.wrap_bio(incoming, outgoing, server_side=True)
        with contextlib.suppress(ssl.SSLWantReadError):
            incoming.write(sock.recv(5000))
            relay.do_handshake()
        sock.sendall(outgoing.read())
        sock.recv(5000)
        reset(sock)

    with scripted(refuse) as port:
        report = check("127.0.0.1", port=port, ca_path=world.ca_path, tls_server_name=NAME)
    assert (report["stage"], report["failure"]["cause"]) == ("ehlo", "connection_lost")
    assert "client certificate" in report["failure"]["text"]
    assert report["tls"]["verified"] is True


# The survey


def survey_of(world: World, context: ssl.SSLContext, **options: Any) -> Dict[str, Any]:
    with running(Relay(context)) as relay:
        report = check(
            "127.0.0.1", port=relay.port, ca_path=world.ca_path, tls_server_name=NAME, survey=True, **options
        )
    assert report["tls"] or report["failure"]
    return dict(report["survey"])


@pytest.mark.parametrize("versions", [
    ("TLSv1.2",), ("TLSv1.3",), ("TLSv1.2", "TLSv1.3"), ("TLSv1", "TLSv1.1"), ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"),
], ids="+".join)  # fmt: skip
@pytest.mark.parametrize("key", ["P-256", "RSA-2048"])
def test_which_versions_are_accepted(world: World, tmp_path: Any, versions: Tuple[str, ...], key: str) -> None:
    server = server_context(world.leaf(key=key), tmp_path)
    server.minimum_version, server.maximum_version = ssl_version(versions[0]), ssl_version(versions[-1])
    survey = survey_of(world, server)
    assert survey["versions"] == {
        version: "accepted" if version in versions else "refused" for version in OFFERED_VERSIONS
    }
    for version, found in survey["ciphers"].items():
        assert bool(found) is (version in versions)
        assert not found or found["group"] == "x25519"
    kind, other = ("ECDSA", "RSA") if key == "P-256" else ("RSA", "ECDSA")
    assert survey["certificates"][other] is None
    leaf = survey["certificates"][kind]
    assert leaf["public_key"] == {"algorithm": "EC" if key == "P-256" else "RSA", "bits": int(key.split("-")[1])}


def test_what_this_openssl_cannot_try_is_not_held_against_the_relay(
    world: World, tmp_path: Any, without_tls1: None
) -> None:
    server = server_context(world.leaf(), tmp_path)
    server.minimum_version = ssl.TLSVersion.TLSv1
    context(
        TlsPolicy(world.ca_path, "TLSv1.1", "TLSv1.1", "ALL:@SECLEVEL=0", verify=False)
    ).options |= ssl.OP_NO_TLSv1_1
    versions = survey_of(world, server)["versions"]
    assert versions == {"TLSv1": "not_tried", "TLSv1.1": "not_tried", "TLSv1.2": "accepted", "TLSv1.3": "accepted"}


def two_certificates(world: World, folder: Any, ciphers: str, relays_order: bool) -> ssl.SSLContext:
    server = server_context(world.leaf(), folder)
    server.load_cert_chain(*world.leaf(key="RSA-2048").files(folder))
    server.set_ciphers(ciphers)
    if relays_order:
        server.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    else:
        server.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    return server


@pytest.mark.parametrize("relays_order", [True, False])
@pytest.mark.parametrize(("ciphers", "choice"), [
    ("DEFAULT", True),
    ("ECDHE+AESGCM", True),
    ("ECDHE+aRSA", True),
    ("ECDHE+aECDSA", True),
    ("ECDHE+AES256+AESGCM", True),  # one cipher, two certificates: there is a choice still
    ("ECDHE-RSA-AES256-GCM-SHA384", False),
    ("ECDHE-ECDSA-AES128-GCM-SHA256", False),
    ("ECDHE+CHACHA20", False),  # none of those that are offered
])  # fmt: skip
def test_whose_order_of_ciphers_counts(
    world: World, tmp_path: Any, ciphers: str, choice: bool, relays_order: bool
) -> None:
    survey = survey_of(world, two_certificates(world, tmp_path, ciphers, relays_order))
    assert survey["cipher_order"] == (("relay" if relays_order else "client") if choice else None)


def test_both_certificates_are_shown(world: World, tmp_path: Any) -> None:
    leaves = survey_of(world, two_certificates(world, tmp_path, "DEFAULT", True))["certificates"]
    assert [leaves[kind]["public_key"]["algorithm"] for kind in ("RSA", "ECDSA")] == ["RSA", "EC"]


def test_the_survey_looks_side_by_side(world: World, tmp_path: Any) -> None:
    """The relay greets the survey's first visitor only when the second is there."""
    numbers, both = itertools.count(), threading.Barrier(2, timeout=30)

    def greeting(_text: str) -> str:
        if next(numbers) in (1, 2):  # 0 is the check's own
            both.wait()
        return "220 relay.example.com ESMTP\r\n"

    with relay_for(world.leaf(), tmp_path, **{"": greeting}) as relay:
        options = {"ca_path": world.ca_path, "tls_server_name": NAME, "survey": True}
        survey = check("127.0.0.1", port=relay.port, **options)["survey"]
    assert not both.broken
    assert list(survey["versions"].values())[-2:] == ["accepted", "accepted"]


def test_a_relay_that_wants_a_client_certificate_can_be_surveyed(world: World, demanding: ssl.SSLContext) -> None:
    survey = survey_of(world, demanding)
    assert (survey["versions"]["TLSv1.2"], survey["versions"]["TLSv1.3"]) == ("accepted", "accepted")
    assert survey["certificates"]["ECDSA"]["subject_alt_names"] == ["DNS:" + NAME]


# Rules


def judged(world: World, relay: Relay, expect: Dict[str, Any], **options: Any) -> str:
    options = {"ca_path": world.ca_path, "tls_server_name": NAME, "expect": expect, **options}
    (rule,) = check("127.0.0.1", port=relay.port, **options)["rules"]
    return str(rule["outcome"])


@pytest.mark.parametrize(("expect", "outcome"), [
    ({"certificate_days_left": 29}, "met"),
    ({"certificate_days_left": 30}, "unmet"),
    ({"tls_version_min": "TLSv1.2"}, "met"),
    ({"tls_version_min": "TLSv1.3"}, "unmet"),
    ({"certificate_names": [NAME, "a.wild.example"]}, "met"),
    ({"certificate_names": [NAME, "wild.example"]}, "unmet"),
    ({"certificate_names": ["a.b.wild.example"]}, "unmet"),
    ({"public_key_min_bits": {"EC": 256}}, "met"),
    ({"public_key_min_bits": {"EC": 384}}, "unmet"),
    ({"public_key_min_bits": 2048}, "unknown"),  # says nothing of keys that are not RSA
    ({"tls_versions_refused": ["TLSv1", "TLSv1.1", "TLSv1.3"]}, "met"),
    ({"tls_versions_refused": ["TLSv1", "TLSv1.2"]}, "unmet"),
])  # fmt: skip
def test_rules_about_tls(world: World, tmp_path: Any, expect: Dict[str, Any], outcome: str) -> None:
    server = server_context(world.leaf(NAME, "*.wild.example"), tmp_path)
    server.minimum_version = server.maximum_version = ssl.TLSVersion.TLSv1_2
    with running(Relay(server)) as relay:
        assert judged(world, relay, expect) == outcome
        if "tls_versions_refused" not in expect:
            assert judged(world, relay, expect, tls="none") == "unknown"


@pytest.mark.parametrize(("expected", "options", "outcome"), [
    ("TLSv1.2", {}, "unmet"),
    ("TLSv1.3", {}, "unmet"),
    ("TLSv1.1", {}, "unknown"),  # which was not offered, and may well be spoken
    ("TLSv1.1", {"survey": True}, "unknown"),  # it is spoken, but there was no session
    ("TLSv1.2", {"tls": "none"}, "unknown"),
    ("TLSv1.2", {"tls": "none", "survey": True}, "unmet"),
])  # fmt: skip
def test_a_relay_that_speaks_old_versions_alone_has_no_newer_one(
    world: World, tmp_path: Any, expected: str, options: Dict[str, Any], outcome: str
) -> None:
    """Its alert, or its ServerHello, refuses all that it was offered, though no session comes of it."""
    server = server_context(world.leaf(), tmp_path)
    server.set_ciphers("ALL:@SECLEVEL=0")
    server.minimum_version = server.maximum_version = ssl.TLSVersion.TLSv1_1
    with running(Relay(server)) as relay:
        assert judged(world, relay, {"tls_version_min": expected}, **options) == outcome


def test_what_was_not_offered_is_not_refused(world: World, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An OpenSSL without TLS 1.3 cannot tell of a relay that it has none."""
    monkeypatch.setattr(ssl, "HAS_TLSv1_3", False)
    server = server_context(world.leaf(), tmp_path)
    server.minimum_version = server.maximum_version = ssl.TLSVersion.TLSv1_3
    with running(Relay(server)) as relay:
        assert judged(world, relay, {"tls_version_min": "TLSv1.2"}, tls_max_version="TLSv1.2") == "unknown"
        assert judged(world, relay, {"tls_version_min": "TLSv1.3"}) == "met"


def test_a_version_that_could_not_be_tried_is_not_refused(world: World, tmp_path: Any, without_tls1: None) -> None:
    with relay_for(world.leaf(), tmp_path) as relay:
        assert judged(world, relay, {"tls_versions_refused": ["TLSv1"]}) == "unknown"
        assert judged(world, relay, {"tls_versions_refused": ["TLSv1", "TLSv1.3"]}) == "unmet"


def test_a_version_is_accepted_though_the_handshake_fails(world: World, demanding: ssl.SSLContext) -> None:
    with running(Relay(demanding)) as relay:
        assert judged(world, relay, {"tls_versions_refused": ["TLSv1.2"]}) == "unmet"


@pytest.mark.parametrize(("reply", "outcome"), [
    ("530 5.7.0 Must issue a STARTTLS command first", "met"),
    ("550 5.7.1 Encryption required", "met"),
    ("250 2.1.0 Ok", "unmet"),
    ("451 4.3.0 Try later", "unknown"),
    ("550 5.1.8 Bad sender", "unknown"),
])  # fmt: skip
def test_whether_tls_is_required(world: World, tmp_path: Any, reply: str, outcome: str) -> None:
    with relay_for(world.leaf(), tmp_path, MAIL=reply + "\r\n") as relay:
        assert judged(world, relay, {"tls_required": True}) == outcome
        expected = {"met": "unmet", "unmet": "met"}.get(outcome, outcome)
        assert judged(world, relay, {"tls_required": False}) == expected


def test_nothing_of_the_callers_is_said_in_clear(world: World, tmp_path: Any) -> None:
    """A probe of its own asks for the bare minimum: not for what the caller wanted to say inside TLS."""
    options = {"extra_commands": ["VRFY secret-project"], "mail_parameters": {"X-SECRET": "1"}, "sender": "a@b.example"}
    with relay_for(world.leaf(), tmp_path) as relay:
        judged(world, relay, {"tls_required": True}, **options)
        said = list(relay.said)
    assert said.count("VRFY secret-project") == 1
    assert "MAIL FROM:<>" in said


def test_a_relay_that_ends_the_tls_session(world: World, tmp_path: Any) -> None:
    """RFC 8446 6.1: close_notify is the end of what a peer says, though its connection may stay open."""
    context, gone = server_context(world.below(world.middle), tmp_path), threading.Event()

    def behave(_lines: Any, _say: Any, sock: Any) -> None:
        tls = context.wrap_socket(sock, server_side=True, suppress_ragged_eofs=False)
        tls.sendall(b"220 relay.example.com ESMTP\r\n")
        tls.recv(1000)
        with contextlib.suppress(OSError):
            tls.unwrap()
        gone.wait(20)

    with BehavingRelay(behave) as relay:
        given = {"tls": "implicit", "tls_server_name": NAME, "ca_path": world.ca_path}
        report = check("127.0.0.1", port=relay.port, timeout=20.0, **given)
        gone.set()
    failure = report["failure"]
    assert (failure["stage"], failure["cause"]) == ("ehlo", "connection_lost")
    assert failure["text"] == "the relay closed the TLS session"
