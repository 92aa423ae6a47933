# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A channel between two memory buffers: what a relay may send, what fails and why, client certificates.

from __future__ import annotations

import contextlib
import hashlib
import ssl
from typing import TYPE_CHECKING

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls import contexts
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.channel import (
    MAX_MODULUS_BITS,
    Channel,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.contexts import context
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.handshake import (
    certificate_message,
    in_records,
    server_hello,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.judging import judge
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.model import TlsFailure, TlsPolicy
from ansible_collections.postmaster.mailcheck.tests.support.chains import CLIENT, NAME, Chain, issue, server_context
from ansible_collections.postmaster.mailcheck.tests.support.handshake import World, policy_of, shake_hands, ssl_version

if TYPE_CHECKING:
    from typing import Any, Dict

# Relays that speak TLS 1.0 are what is asked for here.
pytestmark = [
    pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:ssl.OP_NO_SSL:DeprecationWarning"),
]

VERSIONS = ["TLSv1.2", "TLSv1.3"]


@pytest.mark.parametrize(("lowest", "highest", "policy", "cause"), [
    ("TLSv1.2", "TLSv1.2", {"minimum": "TLSv1.3"}, "tls_version_mismatch"),
    ("TLSv1.3", "TLSv1.3", {"maximum": "TLSv1.2"}, "tls_version_mismatch"),
    ("TLSv1.2", "TLSv1.2", {"ciphers": "aRSA"}, "tls_cipher_mismatch"),
    ("TLSv1", "TLSv1.1", {}, "tls_version_mismatch"),
])  # fmt: skip
def test_nothing_in_common(
    world: World, tmp_path: Any, lowest: str, highest: str, policy: Dict[str, Any], cause: str
) -> None:
    server = server_context(world.leaf(), tmp_path)
    server.minimum_version, server.maximum_version = ssl_version(lowest), ssl_version(highest)
    with pytest.raises(TlsFailure) as failure:
        shake_hands(TlsPolicy(world.ca_path)._replace(**policy), server)
    assert failure.value.cause == cause


ONLY_TLS1 = TlsPolicy(minimum="TLSv1", maximum="TLSv1", verify=False)


def test_a_version_that_this_openssl_refuses(own_contexts: None) -> None:
    context(ONLY_TLS1).options |= ssl.OP_NO_TLSv1
    with pytest.raises(TlsFailure) as failure:
        Channel(ONLY_TLS1, NAME).handshake()
    assert failure.value.cause == "tls_version_unavailable"


def test_a_version_that_this_openssl_was_built_without(without_tls1: None) -> None:
    with pytest.raises(TlsFailure) as failure:
        Channel(ONLY_TLS1, NAME)
    assert failure.value.cause == "tls_version_unavailable"


# What a relay may send


def begun(world: World, version: str = "TLSv1.2") -> Channel:
    channel = Channel(TlsPolicy(world.ca_path, version, version), NAME)
    assert channel.handshake() is None
    return channel


def with_certificate_message(body: bytes) -> bytes:
    return in_records(server_hello(b"\xc0\x2b") + b"\x0b" + len(body).to_bytes(3, "big") + body)


@pytest.mark.parametrize("body", [b"", b"\x00", b"\x00\x00\x00", b"\x00\x00\x09\x00\x00\x06abc", b"\xff" * 40,
                                  b"\x00\x00\x07\x00\x00\x04\x30\x02\x05\x00"])  # fmt: skip
def test_a_certificate_message_that_is_none(world: World, body: bytes) -> None:
    channel = begun(world)
    channel.feed(with_certificate_message(body))
    with pytest.raises(TlsFailure) as failure:
        channel.handshake()
    assert failure.value.cause == "tls_protocol_error"
    assert failure.value.facts.version == "TLSv1.2"  # so far it had come
    assert (failure.value.facts.verified, failure.value.facts.chain) == (None, None)


def test_a_certificate_message_without_end(world: World) -> None:
    """OpenSSL's clients take 100 KiB."""
    chain = (*world.leaf().ders, *[world.stranger.der] * 300)
    channel = begun(world)
    channel.feed(in_records(server_hello(b"\xc0\x2b") + certificate_message(chain)))
    with pytest.raises(TlsFailure) as failure:
        channel.handshake()
    assert failure.value.cause == "tls_protocol_error"
    assert judge(chain, NAME, TlsPolicy(world.ca_path)) == "not_determined"


@pytest.mark.parametrize(("sent", "cause"), [
    (b"454 4.7.0 TLS not available\r\n", "tls_not_spoken"),
    (b"\x00\xff" * 40, "tls_not_spoken"),
    (b"\x16" + b"\xff" * 40, "tls_protocol_error"),
    (b"\x15\x03\x03\x00\x02\x02\x28", "tls_cipher_mismatch"),
    (b"\x15\x03\x03\x00\x02\x02\x46", "tls_version_mismatch"),
    (b"\x15\x03\x03\x00\x02\x02\x50", "tls_protocol_error"),
    (b"\x15\x03\x03\x00\x02\x02\x2a", "tls_protocol_error"),  # bad certificate, of which none was asked for
    (b"\x15\x03\x03\x00\x02\x01\x00", "tls_handshake_reset"),  # close_notify
])  # fmt: skip
def test_an_answer_that_is_no_server_hello(world: World, sent: bytes, cause: str) -> None:
    channel = begun(world, "TLSv1.3")
    channel.feed(sent)
    with pytest.raises(TlsFailure) as failure:
        channel.handshake()
    assert (failure.value.cause, failure.value.facts) == (cause, None)


@pytest.mark.parametrize("version", VERSIONS)
def test_after_close_notify_nothing_is_read(world: World, tmp_path: Any, version: str) -> None:
    server = server_context(world.leaf(), tmp_path)
    hands = shake_hands(policy_of(world, version), server)
    hands.relay.write(b"221 bye\r\n")
    with contextlib.suppress(ssl.SSLWantReadError):
        hands.relay.unwrap()
    hands.channel.feed(hands.from_relay.read() + b"\x17\x03\x03\x00\x05abcde")
    assert (hands.channel.read(), hands.channel.closed) == (b"221 bye\r\n", True)
    hands.channel.feed(b"more")
    assert hands.channel.read() == b""


@pytest.mark.parametrize("version", VERSIONS)
def test_garbage_after_the_handshake_is_no_handshake_failure(world: World, tmp_path: Any, version: str) -> None:
    channel = shake_hands(policy_of(world, version), server_context(world.leaf(), tmp_path)).channel
    channel.feed(b"\x17\x03\x03\x00\x30" + bytes(48))
    with pytest.raises(TlsFailure) as failure:
        channel.read()
    assert (failure.value.cause, failure.value.facts) == ("connection_lost", None)


# Client certificates


def client_policy(world: World, version: str, chain: Chain, folder: Any) -> TlsPolicy:
    (folder / "client").mkdir()
    certificate, key = chain.files(folder / "client")
    return policy_of(world, version, client_cert=certificate, client_key=key)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_client_certificate_that_is_missing(world: World, demanding: ssl.SSLContext, version: str) -> None:
    """Up to TLS 1.2 the handshake fails; in 1.3 it is over when the relay objects."""
    with pytest.raises(TlsFailure) as failure:
        shake_hands(policy_of(world, version), demanding).channel.read()
    assert failure.value.cause == "client_certificate_required"
    if version == "TLSv1.2":  # what was seen until then is not lost
        assert failure.value.facts.verified is True
        assert (failure.value.facts.version, failure.value.facts.group) == ("TLSv1.2", "x25519")
        assert failure.value.facts.chain[0].subject_alt_names == ("DNS:" + NAME,)


@pytest.mark.parametrize("authorities", ["own", "system"])
@pytest.mark.parametrize("options", [{}, {"minimum": "TLSv1"}, {"verify": False}, {"ciphers": "ECDHE+AES256"}])
def test_a_handshake_that_fails_has_nothing_read_anew(
    world: World, demanding: ssl.SSLContext, own_contexts: None, monkeypatch: Any, options: Any, authorities: str
) -> None:
    """Other relays wait meanwhile: a system's authorities take some 50 ms."""
    policy = TlsPolicy(maximum="TLSv1.2", **options)
    if authorities == "own":
        policy = policy._replace(ca_path=world.ca_path)
    else:
        monkeypatch.setenv("SSL_CERT_FILE", world.ca_path)
    contexts.prepare(policy, 1.0)
    monkeypatch.setattr(contexts, "_made", lambda *_policy: pytest.fail("a context is made in the loop"))
    with pytest.raises(TlsFailure) as failure:
        shake_hands(policy, demanding)
    assert failure.value.cause == "client_certificate_required"
    # The judge knows one suite for each kind of key, which these ciphers leave out.
    assert failure.value.facts.verified is (None if "ciphers" in options else True)


def test_authorities_that_are_gone_leave_only_the_chain_unjudged(
    world: World, demanding: ssl.SSLContext, own_contexts: None, tmp_path: Any
) -> None:
    policy = TlsPolicy(str(tmp_path / "gone.pem"), maximum="TLSv1.2", verify=False)
    with pytest.raises(TlsFailure) as failure:
        shake_hands(policy, demanding)
    assert failure.value.cause == "client_certificate_required"
    for facts in (failure.value.facts, shake_hands(policy, server_context(world.leaf(), tmp_path)).facts):
        assert (facts.verified, facts.verify_errors) == (None, ("not_determined",))
        assert facts.chain[0].subject_alt_names == ("DNS:" + NAME,)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_client_certificate_that_is_refused(
    world: World, demanding: ssl.SSLContext, tmp_path: Any, version: str
) -> None:
    policy = client_policy(world, version, Chain(issue(world.stranger, purposes=(CLIENT,))), tmp_path)
    with pytest.raises(TlsFailure) as failure:
        shake_hands(policy, demanding).channel.read()
    assert failure.value.cause == "client_certificate_rejected"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_client_certificate_that_is_accepted(
    world: World, demanding: ssl.SSLContext, tmp_path: Any, version: str
) -> None:
    policy = client_policy(world, version, Chain(issue(world.root, purposes=(CLIENT,))), tmp_path)
    hands = shake_hands(policy, demanding)
    assert hands.channel.read() == b""
    assert hands.relay.getpeercert()["subject"] == ((("commonName", "a relay"),),)


@pytest.mark.parametrize("alert", [40, 42, 116], ids=["OpenSSL before 1.1.1", "Java", "RFC 8446"])
def test_how_relays_say_that_a_client_certificate_is_missing(world: World, tmp_path: Any, alert: int) -> None:
    """In TLS 1.3 each alert that follows the handshake; the reason it gives differs from one library to the next."""
    channel = shake_hands(policy_of(world, "TLSv1.3"), server_context(world.leaf(), tmp_path)).channel
    reason = {40: "SSLV3_ALERT_HANDSHAKE_FAILURE", 42: "SSLV3_ALERT_BAD_CERTIFICATE"}
    error = ssl.SSLError(1, "alert")
    error.reason = reason.get(alert, "TLSV13_ALERT_CERTIFICATE_REQUIRED")
    assert channel._failed(error).cause == "client_certificate_required"


def _diffie_hellman(server: ssl.SSLContext, bits: int, folder: Any) -> ssl.SSLContext:
    """Have the relay choose a modulus of its own of so many bits. It is odd; nobody looks whether it is prime."""
    modulus = (1 << (bits - 1)) + 0x10001
    octets = bytes(1) + modulus.to_bytes(bits // 8, "big")
    body = b"\x02\x82" + len(octets).to_bytes(2, "big") + octets + b"\x02\x01\x02"  # two INTEGERs; the generator is 2
    pem = ssl.DER_cert_to_PEM_cert(b"\x30\x82" + len(body).to_bytes(2, "big") + body)
    path = folder / "dh.pem"
    path.write_text(pem.replace("CERTIFICATE", "DH PARAMETERS"))
    server.load_dh_params(str(path))
    server.maximum_version = ssl.TLSVersion.TLSv1_2
    server.set_ciphers("DHE+AESGCM")
    return server


@pytest.mark.parametrize("octets_at_once", [1, 100, 65536])
@pytest.mark.parametrize("names", [1, 4000])
def test_nobody_computes_with_a_modulus_of_any_size(
    world: World, tmp_path: Any, names: int, octets_at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor where it comes after a long chain, or in small pieces. What the relay has chosen is told."""
    monkeypatch.setattr(Channel, "feed", _in_pieces(Channel.feed, octets_at_once))
    leaf = Chain(issue(world.root, NAME, *("n%d.example.com" % number for number in range(names)), key="RSA-2048"))
    server = _diffie_hellman(server_context(leaf, tmp_path), MAX_MODULUS_BITS + 8, tmp_path)
    with pytest.raises(TlsFailure, match="a Diffie-Hellman modulus of %d bits" % (MAX_MODULUS_BITS + 8)) as failure:
        shake_hands(policy_of(world, "TLSv1.2"), server)
    assert failure.value.cause == "tls_cipher_mismatch"
    assert failure.value.facts.version == "TLSv1.2"


@pytest.mark.parametrize(
    "group, refused", [(29, False), (256, False), (257, False), (258, True), (259, True), (260, True)]
)
@pytest.mark.parametrize("retry", [True, False])
def test_nobody_computes_in_a_group_of_any_size(world: World, group: int, refused: bool, retry: bool) -> None:
    """TLS 1.3 has groups of 2,048 to 8,192 bits (RFC 7919), which the relay asks for, or takes (RFC 8446 4.1.4)."""
    random = hashlib.sha256(b"HelloRetryRequest").digest() if retry else bytes(32)
    share = group.to_bytes(2, "big") + (b"" if retry else b"\x00\x04abcd")
    extensions = b"\x00\x2b\x00\x02\x03\x04" + b"\x00\x33" + len(share).to_bytes(2, "big") + share
    body = b"\x03\x03" + random + b"\x00\x13\x01\x00" + len(extensions).to_bytes(2, "big") + extensions
    channel = begun(world, "TLSv1.3")
    channel.output()
    channel.feed(in_records(b"\x02" + len(body).to_bytes(3, "big") + body))
    said = ""
    try:
        channel.handshake()
    except TlsFailure as failure:
        said = str(failure)
    assert ("Diffie-Hellman modulus" in said) is refused
    assert not (refused and channel.output())  # OpenSSL has not even heard of it


def _in_pieces(feed: Any, octets: int) -> Any:
    def feed_in_pieces(channel: Channel, data: bytes) -> None:
        for at in range(0, len(data), octets):
            feed(channel, data[at : at + octets])

    return feed_in_pieces


def test_a_modulus_of_ordinary_size_is_computed_with(world: World, tmp_path: Any) -> None:
    leaf = Chain(issue(world.root, NAME, key="RSA-2048"))
    hands = shake_hands(
        policy_of(world, "TLSv1.2"), _diffie_hellman(server_context(leaf, tmp_path), MAX_MODULUS_BITS, tmp_path)
    )
    assert hands.facts.cipher.startswith("DHE-")
    assert hands.facts.verified


def test_an_elliptic_curve_is_not_taken_for_a_modulus(world: World, tmp_path: Any) -> None:
    """Its ServerKeyExchange begins with the octets 3, 0: as a length, 768 octets."""
    server = server_context(Chain(issue(world.root, NAME, key="RSA-2048")), tmp_path)
    server.set_ciphers("ECDHE+AESGCM")
    assert shake_hands(policy_of(world, "TLSv1.2"), server).facts.cipher.startswith("ECDHE-")


@pytest.mark.parametrize(
    "reason, cause",
    [("DH_KEY_TOO_SMALL", "tls_dh_weak"), ("UNSAFE_LEGACY_RENEGOTIATION_DISABLED", "tls_renegotiation_insecure")],
)
def test_what_this_openssl_objects_to_has_its_own_words(world: World, reason: str, cause: str) -> None:
    channel = Channel(policy_of(world, "TLSv1.2"), NAME)
    error = ssl.SSLError(1, "error")
    error.reason = reason
    assert channel._failed(error).cause == cause


def test_an_alert_about_a_certificate_that_was_not_asked_for(world: World) -> None:
    channel = Channel(policy_of(world, "TLSv1.2"), NAME)
    channel.feed(b"\x15\x03\x03\x00\x02\x02\x2a")  # 42: bad certificate
    with pytest.raises(TlsFailure) as failure:
        channel.handshake()
    assert failure.value.cause == "tls_protocol_error"
    assert "an alert about a certificate, though the relay has asked for none of ours" in str(failure.value)
