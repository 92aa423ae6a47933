# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# TLS whole. First between two memory buffers: chains good and bad, judged by a real handshake and by the judge, who has
# only the chain; both must say what the table says, in TLS 1.2 and 1.3, on every interpreter. Then whole checks of
# relays on the loopback: failures told apart, the survey, rules.

from __future__ import annotations

import contextlib
import datetime
import itertools
import shutil
import socket
import ssl
import struct
import threading
from typing import TYPE_CHECKING, NamedTuple, Tuple

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp import tls
from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.check import check
from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.model import OptionError, TlsFailure, TlsPolicy
from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.options import build_request
from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.sweep import sweep
from ansible_collections.postmaster.mailcheck.tests.support.chains import (
    CLIENT,
    NAME,
    SERVER,
    Chain,
    issue,
    server_context,
    signed_with_sha1,
    with_broken_signature,
)
from ansible_collections.postmaster.mailcheck.tests.support.relay import Relay, running

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterator

# Relays that speak TLS 1.0 are what is asked for here.
pytestmark = [
    pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:ssl.OP_NO_SSL:DeprecationWarning"),
]

EXPIRED, EARLY = (-30, -1), (1, 30)
NAME_MISMATCH, ISSUER = "certificate_name_mismatch", "certificate_issuer_not_found"
VERSIONS = ["TLSv1.2", "TLSv1.3"]


class World:
    """A root to trust, an intermediate below it, and a stranger who calls himself a root as well."""

    def __init__(self, folder: Any) -> None:
        self.folder = folder
        self.root = issue(None, subject="Root", authority=True)
        self.middle = issue(self.root, subject="Intermediate", authority=True)
        self.stranger = issue(None, subject="Strange Root", authority=True)
        self.rsa_root = issue(None, subject="RSA Root", key="RSA-2048", authority=True)
        self.ca_path = str(folder / "ca.pem")
        with open(self.ca_path, "wb") as file:
            file.write(self.root.pem + self.rsa_root.pem)

    def leaf(self, *names: str, **how: Any) -> Chain:
        """A leaf by the root; of the right name if no other is given."""
        return Chain(issue(self.root, *(names or (NAME,)), **how))

    def below(self, *parents: Any, **how: Any) -> Chain:
        """A leaf of the right name, and those above it in the order of sending; the first is its issuer."""
        return Chain(issue(parents[0], NAME, **how), parents)


class Case(NamedTuple):
    """`errors`: OpenSSL's verdict first, then what the certificate shows besides. `text`: in the failure's."""

    label: str
    chain: Callable[[World], Chain]
    errors: Tuple[str, ...] = ()
    name: str = NAME
    text: str = ""


def two_below_one_allowed(world: World) -> Chain:
    upper = issue(world.root, subject="Upper", authority=True, path_length=0)
    return world.below(issue(upper, subject="Lower", authority=True), upper)


def constrained_to(*domains: str) -> Callable[[World], Chain]:
    constraints = x509.NameConstraints([x509.DNSName(domain) for domain in domains], None)

    def chain(world: World) -> Chain:
        return world.below(issue(world.root, subject="Bounded", authority=True, extensions=[(constraints, True)]))

    return chain


def unknown_extension(critical: bool) -> Dict[str, Any]:
    identifier = x509.ObjectIdentifier("1.3.6.1.4.1.55555.1")
    return {"extensions": [(x509.UnrecognizedExtension(identifier, b"\x05\x00"), critical)]}


def sha1_leaf(world: World) -> Chain:
    return Chain(signed_with_sha1(issue(world.rsa_root, NAME), world.rsa_root))


GOOD = [
    Case("leaf by the root", lambda w: w.leaf()),
    Case("leaf and intermediate", lambda w: w.below(w.middle)),
    Case("the root is sent as well", lambda w: w.below(w.middle, w.root)),
    Case("out of order", lambda w: w.below(w.middle, w.root)._replace(others=(w.root, w.middle))),
    Case("something else is sent as well", lambda w: w.below(w.middle, w.stranger)),
    Case("an expired stranger is sent as well", lambda w: w.below(w.middle, issue(w.stranger, days=EXPIRED))),
    Case("name in another case", lambda w: w.leaf("Relay.EXAMPLE.com")),
    Case("among other names", lambda w: w.leaf("a.example", "192.0.2.7", NAME, "b.example")),
    Case("wildcard", lambda w: w.leaf("*.example.com")),
    Case("wildcard below an A-label", lambda w: w.leaf("*.xn--bcher-kva.example"), name="mx.xn--bcher-kva.example"),
    Case("IPv4 address", lambda w: w.leaf("192.0.2.1"), name="192.0.2.1"),
    Case("IPv6 address", lambda w: w.leaf("2001:db8::1"), name="2001:0DB8:0::1"),
    Case("no extended key usage", lambda w: w.leaf(purposes=())),
    Case("for servers and clients", lambda w: w.leaf(purposes=(CLIENT, SERVER))),
    Case("RSA 2048", lambda w: w.leaf(key="RSA-2048")),
    Case("Ed25519", lambda w: w.leaf(key="Ed25519")),
    Case("Ed448", lambda w: w.leaf(key="Ed448")),
    Case("RSA root over P-256", lambda w: Chain(issue(w.rsa_root, NAME))),
    Case("within name constraints", constrained_to("example.com")),
    Case("unknown extension", lambda w: w.leaf(**unknown_extension(False))),
]

BAD = [
    Case("expired", lambda w: w.leaf(days=EXPIRED), ("certificate_expired",)),
    Case("not yet valid", lambda w: w.leaf(days=EARLY), ("certificate_not_yet_valid",)),
    Case("expired intermediate",
         lambda w: w.below(issue(w.root, subject="Old", authority=True, days=EXPIRED)), ("certificate_expired",)),
    Case("intermediate not yet valid",
         lambda w: w.below(issue(w.root, subject="New", authority=True, days=EARLY)), ("certificate_not_yet_valid",)),
    Case("other name", lambda w: w.leaf("other.example.com"), (NAME_MISMATCH,)),
    Case("other name, expired",
         lambda w: w.leaf("other.example.com", days=EXPIRED), (NAME_MISMATCH, "certificate_expired")),
    Case("name below ours", lambda w: w.leaf("a." + NAME), (NAME_MISMATCH,)),
    Case("common name only", lambda w: Chain(issue(w.root, subject=NAME)), (NAME_MISMATCH,),
         text="in its common name only"),
    Case("wildcard in the common name only", lambda w: Chain(issue(w.root, subject="*.example.com")),
         (NAME_MISMATCH,), text="in its common name only"),
    Case("common name, and others in the SAN", lambda w: w.leaf("other.example.com", subject=NAME), (NAME_MISMATCH,),
         text="in its common name only"),
    Case("address in the common name only", lambda w: Chain(issue(w.root, subject="192.0.2.1")), (NAME_MISMATCH,),
         "192.0.2.1", text="in its common name only"),
    Case("other address", lambda w: w.leaf("192.0.2.2"), (NAME_MISMATCH,), "192.0.2.1"),
    Case("name for an address", lambda w: w.leaf(), (NAME_MISMATCH,), "192.0.2.1"),
    Case("address as a DNS name", lambda w: Chain(issue(w.root, extensions=[
        (x509.SubjectAlternativeName([x509.DNSName("192.0.2.1")]), False)])), (NAME_MISMATCH,), "192.0.2.1"),
    Case("wildcard for two labels", lambda w: w.leaf("*.com"), (NAME_MISMATCH,)),
    Case("two wildcards", lambda w: w.leaf("*.*.com"), (NAME_MISMATCH,)),
    Case("wildcard that is not first", lambda w: w.leaf("relay.*.com"), (NAME_MISMATCH,)),
    Case("wildcard in a label", lambda w: w.leaf("rel*.example.com"), (NAME_MISMATCH,)),
    Case("wildcard for the domain itself", lambda w: w.leaf("*." + NAME), (NAME_MISMATCH,)),
    Case("wildcard for a top-level domain", lambda w: w.leaf("*.example"), (NAME_MISMATCH,), "relay.example"),
    Case("self-signed", lambda w: Chain(issue(None, NAME)), ("certificate_self_signed",)),
    Case("self-signed, other name, expired", lambda w: Chain(issue(None, "other.example.com", days=EXPIRED)),
         ("certificate_self_signed", "certificate_expired", NAME_MISMATCH)),
    Case("strange root, sent", lambda w: w.below(w.stranger), (ISSUER,), text="certificates sent by the relay: 2"),
    Case("strange root, not sent", lambda w: Chain(issue(w.stranger, NAME)), (ISSUER,),
         text="certificates sent by the relay: 1"),
    Case("missing intermediate", lambda w: Chain(issue(w.middle, NAME)), (ISSUER,),
         text="certificates sent by the relay: 1"),
    Case("missing intermediate, expired", lambda w: Chain(issue(w.middle, NAME, days=EXPIRED)),
         (ISSUER, "certificate_expired")),
    Case("another intermediate", lambda w: Chain(issue(w.middle, NAME), (w.stranger,)), (ISSUER,)),
    Case("for clients only", lambda w: w.leaf(purposes=(CLIENT,)), ("certificate_wrong_purpose",)),
    Case("intermediate for clients only", lambda w: w.below(issue(
        w.root, subject="Clients", authority=True, extensions=[(x509.ExtendedKeyUsage([CLIENT]), False)])),
        ("certificate_wrong_purpose",)),
    Case("RSA 1024", lambda w: w.leaf(key="RSA-1024"), ("certificate_weak",)),
    Case("intermediate of RSA 1024",
         lambda w: w.below(issue(w.root, subject="Weak", key="RSA-1024", authority=True)), ("certificate_weak",)),
    Case("SHA-1", sha1_leaf, ("certificate_weak",)),
    Case("path too long", two_below_one_allowed, ("certificate_rejected",)),
    Case("intermediate that is no authority", lambda w: w.below(issue(w.root, subject="Mere leaf")),
         ("certificate_rejected",)),
    Case("unknown critical extension", lambda w: w.leaf(**unknown_extension(True)), ("certificate_rejected",)),
    Case("outside name constraints", constrained_to("example.net"), ("certificate_rejected",)),
    Case("broken signature", lambda w: Chain(with_broken_signature(w.leaf().leaf)), ("certificate_rejected",)),
    Case("broken signature of the intermediate", lambda w: w.below(with_broken_signature(w.middle)),
         ("certificate_rejected",)),
    Case("Ed25519 of another name", lambda w: w.leaf("other.example.com", key="Ed25519"), (NAME_MISMATCH,)),
    Case("RSA 2048, expired", lambda w: w.leaf(key="RSA-2048", days=EXPIRED), ("certificate_expired",)),
]  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: Any) -> World:
    return World(tmp_path_factory.mktemp("world"))


class Hands(NamedTuple):
    channel: tls.Channel
    facts: Any
    relay: ssl.SSLObject
    from_relay: ssl.MemoryBIO


def shake_hands(policy: TlsPolicy, server: ssl.SSLContext, name: str = NAME) -> Hands:
    """Return both ends once both are done. Raises TlsFailure."""
    channel = tls.Channel(policy, name)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    relay = server.wrap_bio(incoming, outgoing, server_side=True)
    facts, relay_is_done = None, False
    while facts is None or not relay_is_done:
        facts = facts or channel.handshake()
        incoming.write(channel.output())
        try:
            relay_is_done = relay_is_done or relay.do_handshake() is None
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:
            relay_is_done = True  # it has said why, by an alert
        answer = outgoing.read()
        assert answer or facts, "both wait"
        channel.feed(answer)
    return Hands(channel, facts, relay, outgoing)


def policy_of(world: World, version: str, **more: Any) -> TlsPolicy:
    return TlsPolicy(world.ca_path, version, version, **more)


@pytest.mark.parametrize("case", [*GOOD, *BAD], ids=lambda case: case.label)
def test_handshake_and_judge_agree(world: World, tmp_path: Any, case: Case) -> None:
    chain = case.chain(world)
    server = server_context(chain, tmp_path)
    cause = case.errors[0] if case.errors else None
    for version in VERSIONS:
        verifying = policy_of(world, version)
        if cause is None:
            verified = shake_hands(verifying, server, case.name).facts
            assert (verified.version, verified.verified) == (version, True)
        else:
            with pytest.raises(TlsFailure) as failure:
                shake_hands(verifying, server, case.name)
            assert failure.value.cause == cause
            assert case.text in str(failure.value)
            verified = failure.value.facts
            assert verified.verified is False
        assert verified.verify_errors == case.errors
        reporting = verifying._replace(verify=False)
        reported = shake_hands(reporting, server, case.name).facts
        assert (reported.verified, reported.verify_errors) == (not case.errors, case.errors)
        for facts in (verified, reported):
            assert [one.sha256_fingerprint for one in facts.chain] == [
                tls.read_certificate(der).sha256_fingerprint for der in chain.ders
            ]
            assert facts.leaf == chain.ders[0]
        assert tls.judge(chain.ders, case.name, reporting) == cause


def test_the_matrix_is_large_enough() -> None:
    assert len(BAD) >= 18


def test_a_self_signed_certificate_that_is_trusted(world: World, tmp_path: Any) -> None:
    chain = Chain(issue(None, NAME))
    trusted = TlsPolicy(ca_path=chain.files(tmp_path)[0])
    assert shake_hands(trusted, server_context(chain, tmp_path)).facts.verified is True
    assert tls.judge(chain.ders, NAME, trusted) is None


def test_revocation_is_not_looked_at(world: World, tmp_path: Any) -> None:
    """A list beside the authorities makes no difference: one that is not renewed would stop every check."""
    chain = world.leaf()
    now = datetime.datetime.now(datetime.timezone.utc)
    revoked = x509.RevokedCertificateBuilder().serial_number(chain.leaf.certificate.serial_number)
    builder = x509.CertificateRevocationListBuilder().issuer_name(world.root.certificate.subject)
    builder = builder.last_update(now).next_update(now + datetime.timedelta(days=1))
    crl = builder.add_revoked_certificate(revoked.revocation_date(now).build()).sign(world.root.key, hashes.SHA256())
    path = tmp_path / "authorities.pem"
    path.write_bytes(crl.public_bytes(serialization.Encoding.PEM) + world.root.pem)
    policy = TlsPolicy(ca_path=str(path))
    assert shake_hands(policy, server_context(chain, tmp_path)).facts.verified is True
    assert tls.judge(chain.ders, NAME, policy) is None


# What a policy may weaken, and what it may not


@pytest.mark.parametrize(("version", "weakened", "weak_accepted"), [
    *((version, {"ciphers": "ECDHE+AESGCM:@SECLEVEL=0"}, True) for version in VERSIONS),
    *((version, {"ciphers": "@SECLEVEL=0:ALL:@SECLEVEL=2"}, False) for version in VERSIONS),  # the last one counts
    *((version, {"minimum": "TLSv1"}, False) for version in ["TLSv1", "TLSv1.1", *VERSIONS]),
    ("TLSv1", {"minimum": "TLSv1", "ciphers": "ALL"}, False),
    ("TLSv1", {"minimum": "TLSv1", "ciphers": "ALL:@SECLEVEL=0"}, True),
])  # fmt: skip
def test_weak_certificates_are_accepted_only_in_so_many_words(
    world: World, tmp_path: Any, version: str, weakened: Any, weak_accepted: bool
) -> None:
    """An old version needs the lowest security level, which would let every key and signature pass."""
    policy = TlsPolicy(world.ca_path)._replace(**weakened)
    weak = [world.leaf(key="RSA-1024"), sha1_leaf(world)]
    for chain, accepted in [(one, weak_accepted) for one in weak] + [(world.leaf(key="RSA-2048"), True)]:
        server = server_context(chain, tmp_path)
        server.minimum_version = server.maximum_version = tls.VERSIONS[version]
        reported = shake_hands(policy._replace(verify=False), server).facts
        assert (reported.version, reported.verified) == (version, accepted)
        if accepted:
            assert shake_hands(policy, server).facts == reported
        else:
            with pytest.raises(TlsFailure) as failure:
                shake_hands(policy, server)
            assert (failure.value.cause, failure.value.facts.verified) == ("certificate_weak", False)
            assert reported.verify_errors == failure.value.facts.verify_errors == ("certificate_weak",)


def test_under_an_old_version_what_cannot_be_judged_is_not_trusted(
    world: World, tmp_path: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(tls, "_sent_chain", lambda _connection: ())
    with pytest.raises(TlsFailure) as failure:
        shake_hands(TlsPolicy(world.ca_path, "TLSv1"), server_context(world.leaf(), tmp_path))
    assert (failure.value.cause, failure.value.facts.verified) == ("certificate_rejected", None)


@pytest.mark.parametrize("suites", ["aNULL", "eNULL", "ALL:COMPLEMENTOFALL"])
def test_no_suite_without_certificate_or_encryption(world: World, tmp_path: Any, suites: str) -> None:
    server = server_context(world.leaf(), tmp_path)
    server.maximum_version = ssl.TLSVersion.TLSv1_2
    server.set_ciphers("aNULL:eNULL:@SECLEVEL=0")
    policy = TlsPolicy(world.ca_path, maximum="TLSv1.2", ciphers=suites + ":@SECLEVEL=0")
    with pytest.raises((OptionError, TlsFailure)) as refused:
        shake_hands(policy, server)
    if "ALL" in suites:
        assert refused.value.cause == "tls_cipher_mismatch"
    else:
        assert refused.value.option == "tls_ciphers"


def test_versions_flags_and_level_are_pinned() -> None:
    context = tls.context(TlsPolicy())
    assert (context.minimum_version, context.maximum_version) == (
        ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.MAXIMUM_SUPPORTED)  # fmt: skip
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.verify_flags == ssl.VERIFY_X509_TRUSTED_FIRST
    assert context.hostname_checks_common_name is False
    assert context.options & ssl.OP_NO_RENEGOTIATION
    assert not context.options & tls._LEGACY_SERVER_CONNECT
    assert tls.context(TlsPolicy(verify=False)).options & tls._LEGACY_SERVER_CONNECT


# Contexts


@pytest.fixture
def own_contexts() -> Iterator[None]:
    """For a test that changes what contexts are made of: it leaves none behind, however it ends."""
    tls._context.cache_clear()
    yield
    tls._context.cache_clear()


@pytest.fixture
def without_tls1(own_contexts: None, monkeypatch: Any) -> None:
    """As with an OpenSSL that was built without TLS 1.0: the version cannot be set."""
    monkeypatch.setitem(tls.VERSIONS, "TLSv1", 0x0299)


class CountingSsl:
    """The ssl module, but that it counts the contexts made."""

    def __init__(self) -> None:
        self.made = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(ssl, name)

    def SSLContext(self, protocol: int) -> ssl.SSLContext:
        self.made += 1
        return ssl.SSLContext(protocol)


@pytest.mark.parametrize(("options", "contexts"), [
    ({}, 1),
    ({"validate_certs": False}, 2),  # its own, and the judge's
    ({"tls": "opportunistic"}, 2),
])  # fmt: skip
def test_contexts_are_made_once(
    world: World, tmp_path: Any, own_contexts: None, monkeypatch: Any, options: Dict[str, Any], contexts: int
) -> None:
    counting = CountingSsl()
    monkeypatch.setattr(tls, "ssl", counting)
    with contextlib.ExitStack() as stack:
        relays = [stack.enter_context(running(Relay(server_context(world.leaf("127.0.0.1"), tmp_path))))
                  for _i in range(5)]  # fmt: skip
        for _again in range(2):
            endpoints = [{"host": "127.0.0.1", "port": relay.port} for relay in relays]
            result = sweep(endpoints=endpoints, ca_path=world.ca_path, details="all", **options)
            assert [one["tls"]["verified"] for one in result["endpoints"]] == [True] * 5
    assert counting.made == contexts


def test_a_renewed_file_is_read_anew(world: World, tmp_path: Any) -> None:
    authorities = tmp_path / "ca.pem"
    shutil.copyfile(world.ca_path, authorities)
    policy = TlsPolicy(str(authorities))
    before = tls.context(policy)
    assert tls.context(policy) is before
    authorities.write_text(trustme.CA().cert_pem.bytes().decode() + "\n# renewed\n", encoding="ascii")
    after = tls.context(policy)
    assert after.get_ca_certs() != before.get_ca_certs()


def test_caches_are_bounded() -> None:
    for cached in (tls._context, tls._judged, tls._certificates):
        assert cached.cache_info().maxsize <= 512


def test_a_verdict_does_not_outlive_the_minute(world: World, monkeypatch: Any) -> None:
    """A certificate that was good an hour ago may have expired."""
    chain, policy, now = world.leaf().ders, TlsPolicy(world.ca_path), tls.time.time()
    misses = []
    for seconds in (0, 0, 3600):
        monkeypatch.setattr(tls.time, "time", lambda seconds=seconds: now + seconds)
        assert tls.judge(chain, NAME, policy) is None
        misses.append(tls._judged.cache_info().misses)
    assert (misses[1] - misses[0], misses[2] - misses[1]) == (0, 1)


# Groups, and what else is read from the handshake itself


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("curve", "group"), [
    ("prime256v1", "secp256r1"), ("secp384r1", "secp384r1"), ("secp521r1", "secp521r1"), ("", "x25519"),
])  # fmt: skip
def test_the_group_is_the_one_the_relay_has(world: World, tmp_path: Any, version: str, curve: str, group: str) -> None:
    """In TLS 1.3 all but the client's first guess come by a HelloRetryRequest."""
    server = server_context(world.below(world.middle), tmp_path)
    if curve:  # else what the client likes best
        server.set_ecdh_curve(curve)
    assert shake_hands(policy_of(world, version), server).facts.group == group


def test_no_group_without_one(world: World, tmp_path: Any) -> None:
    server = server_context(world.leaf(key="RSA-2048"), tmp_path)
    server.set_ciphers("kRSA")
    facts = shake_hands(policy_of(world, "TLSv1.2"), server).facts
    assert (facts.cipher, facts.group) == ("AES256-GCM-SHA384", None)


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
    server.minimum_version, server.maximum_version = tls.VERSIONS[lowest], tls.VERSIONS[highest]
    with pytest.raises(TlsFailure) as failure:
        shake_hands(TlsPolicy(world.ca_path)._replace(**policy), server)
    assert failure.value.cause == cause


ONLY_TLS1 = TlsPolicy(minimum="TLSv1", maximum="TLSv1", verify=False)


def test_a_version_that_this_openssl_refuses(own_contexts: None) -> None:
    tls.context(ONLY_TLS1).options |= ssl.OP_NO_TLSv1
    with pytest.raises(TlsFailure) as failure:
        tls.Channel(ONLY_TLS1, NAME).handshake()
    assert failure.value.cause == "tls_version_unavailable"


def test_a_version_that_this_openssl_was_built_without(without_tls1: None) -> None:
    with pytest.raises(TlsFailure) as failure:
        tls.Channel(ONLY_TLS1, NAME)
    assert failure.value.cause == "tls_version_unavailable"


# What a relay may send


def begun(world: World, version: str = "TLSv1.2") -> tls.Channel:
    channel = tls.Channel(TlsPolicy(world.ca_path, version, version), NAME)
    assert channel.handshake() is None
    return channel


def certificate_message(body: bytes) -> bytes:
    return tls._records(tls._server_hello(b"\xc0\x2b") + b"\x0b" + len(body).to_bytes(3, "big") + body)


@pytest.mark.parametrize("body", [b"", b"\x00", b"\x00\x00\x00", b"\x00\x00\x09\x00\x00\x06abc", b"\xff" * 40,
                                  b"\x00\x00\x07\x00\x00\x04\x30\x02\x05\x00"])  # fmt: skip
def test_a_certificate_message_that_is_none(world: World, body: bytes) -> None:
    channel = begun(world)
    channel.feed(certificate_message(body))
    with pytest.raises(TlsFailure) as failure:
        channel.handshake()
    assert failure.value.cause == "tls_protocol_error"
    assert failure.value.facts.version == "TLSv1.2"  # so far it had come
    assert (failure.value.facts.verified, failure.value.facts.chain) == (None, None)


def test_a_certificate_message_without_end(world: World) -> None:
    """OpenSSL's clients take 100 KiB."""
    chain = (*world.leaf().ders, *[world.stranger.der] * 300)
    channel = begun(world)
    channel.feed(tls._records(tls._server_hello(b"\xc0\x2b") + tls._certificate_message(chain)))
    with pytest.raises(TlsFailure) as failure:
        channel.handshake()
    assert failure.value.cause == "tls_protocol_error"
    assert tls.judge(chain, NAME, TlsPolicy(world.ca_path)) == "not_determined"


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


@pytest.fixture
def demanding(world: World, tmp_path: Any) -> ssl.SSLContext:
    """A relay that wants a certificate by our root."""
    server = server_context(world.leaf(), tmp_path)
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_verify_locations(world.ca_path)
    return server


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


def refused(option: str, **options: Any) -> str:
    with pytest.raises(OptionError) as error:
        build_request("relay.example.com", options, 0.0)
    assert error.value.option == option
    return str(error.value)


def test_the_files_of_a_client_certificate(world: World, tmp_path: Any, monkeypatch: Any) -> None:
    """None of them lets OpenSSL ask for a password on the terminal."""
    monkeypatch.setattr("builtins.input", lambda *_prompt: pytest.fail("somebody is asked"))
    (tmp_path / "other").mkdir()
    certificate, key = Chain(issue(world.root)).files(tmp_path, password=b"correct horse")
    other_key = Chain(issue(world.root)).files(tmp_path / "other")[1]
    missing, empty = str(tmp_path / "missing.pem"), tmp_path / "empty.pem"
    empty.write_bytes(b"")
    build_request(NAME, {"client_cert": certificate, "client_key": key, "client_key_password": "correct horse"}, 0.0)
    for password in ({}, {"client_key_password": ""}, {"client_key_password": "battery staple"}):
        text = refused("client_cert", client_cert=certificate, client_key=key, **password)
        assert "client_key_password" in text
        assert "staple" not in text
    assert "usable pair" in refused("client_cert", client_cert=certificate, client_key=other_key)
    assert "usable pair" in refused("client_cert", client_cert=str(empty))
    assert "usable pair" in refused("client_cert", client_cert=other_key)
    assert missing in refused("client_cert", client_cert=missing)
    assert missing in refused("client_cert", client_cert=certificate, client_key=missing)
    assert missing in refused("client_cert", client_cert=missing, client_key=key)
    assert "client_cert" in refused("client_key", client_key=key)


def test_authorities(world: World, tmp_path: Any) -> None:
    chain, folder = world.leaf(), tmp_path / "folder"
    server = server_context(chain, tmp_path)
    folder.mkdir()
    (folder / "sub").mkdir()
    (folder / "README").write_text("not \u00e9 certificate", encoding="utf-8")
    (folder / "a.pem").write_bytes(world.stranger.pem)
    (folder / "b.crt").write_bytes(b"A comment.\n" + world.root.key_pem() + world.root.pem)
    assert shake_hands(TlsPolicy(str(folder)), server).facts.verified is True
    for name, content in (("empty", b""), ("text", b"hello"), ("key", world.root.key_pem()), ("der", world.root.der)):
        (tmp_path / name).write_bytes(content)
        assert "holds no certificate" in refused("ca_path", ca_path=str(tmp_path / name))
    (tmp_path / "broken").write_bytes(world.root.pem[:100] + world.root.pem[130:])
    assert "cannot be read" in refused("ca_path", ca_path=str(tmp_path / "broken"))
    assert "No such file" in refused("ca_path", ca_path=str(tmp_path / "missing"))
    assert "holds no certificate" in refused("ca_path", ca_path=str(folder / "sub"))


def test_ciphers_and_versions_that_make_no_sense() -> None:
    assert "NONSENSE" in refused("tls_ciphers", tls_ciphers="NONSENSE")
    assert "openssl ciphers" in refused("tls_ciphers", tls_ciphers="ALL@SECLEVEL=x")
    assert "tls_min_version" in refused("tls_max_version", tls_min_version="TLSv1.3", tls_max_version="TLSv1.2")


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
    assert request.tls_server_name == server_name
    chain = world.leaf(server_name.lower())
    facts = shake_hands(request.tls_policy, server_context(chain, tmp_path), server_name).facts
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


@contextlib.contextmanager
def scripted(after_starttls: Callable[[socket.socket], None]) -> Iterator[int]:
    """A relay that takes STARTTLS, and then does what the test says."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(1)

    def serve() -> None:
        sock, _peer = listener.accept()
        with sock, contextlib.suppress(OSError):
            sock.sendall(b"220 relay.example.com\r\n")
            for answer in (b"250-relay.example.com\r\n250 STARTTLS\r\n", b"220 go\r\n"):
                sock.recv(1000)
                sock.sendall(answer)
            after_starttls(sock)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        thread.join()
        listener.close()


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
        report = check("127.0.0.1", port=port, timeout=0.5)
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
    server.minimum_version, server.maximum_version = tls.VERSIONS[versions[0]], tls.VERSIONS[versions[-1]]
    survey = survey_of(world, server)
    assert survey["versions"] == {
        version: "accepted" if version in versions else "refused" for version in tls.VERSIONS if version != "SSLv3"
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
    tls.context(
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
    numbers, both = itertools.count(), threading.Barrier(2, timeout=10)

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
