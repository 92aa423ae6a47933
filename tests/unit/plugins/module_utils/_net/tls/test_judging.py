# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Chains good and bad, judged by a real handshake and by the judge, who has only the chain: both must say what the table
# says, in TLS 1.2 and 1.3, on every interpreter.

from __future__ import annotations

import datetime
import os
from typing import TYPE_CHECKING, NamedTuple, Tuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import AuthorityInformationAccessOID

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls import channel, contexts, judging
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.certificates import read_certificate
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.judging import judge
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.model import TlsFailure, TlsPolicy
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
from ansible_collections.postmaster.mailcheck.tests.support.der import by_hand, tlv
from ansible_collections.postmaster.mailcheck.tests.support.handshake import World, policy_of, shake_hands, ssl_version

if TYPE_CHECKING:
    from typing import Any, Callable, Dict

# Relays that speak TLS 1.0 are what is asked for here.
pytestmark = [
    pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:ssl.OP_NO_SSL:DeprecationWarning"),
]

EXPIRED, EARLY = (-30, -1), (1, 30)
NAME_MISMATCH, ISSUER = "certificate_name_mismatch", "certificate_issuer_not_found"
VERSIONS = ["TLSv1.2", "TLSv1.3"]
PUBLISHED = x509.AuthorityInformationAccess([
    x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier("http://ocsp.example.com")),
    x509.AccessDescription(
        AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier("http://pki.example.com/middle.crt")),
])  # fmt: skip


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
    Case("strange root, sent", lambda w: w.below(w.stranger), (ISSUER,),
         text="certificates sent by the relay: 2); the authority itself was sent"),
    Case("strange root, not sent", lambda w: Chain(issue(w.stranger, NAME)), (ISSUER,),
         text="certificates sent by the relay: 1"),
    Case("missing intermediate", lambda w: Chain(issue(w.middle, NAME)), (ISSUER,),
         text="certificates sent by the relay: 1); the issuer of the last one was not sent"),
    Case("missing intermediate, published", lambda w: Chain(issue(w.middle, NAME, extensions=[(PUBLISHED, False)])),
         (ISSUER,), text="was not sent, see http://pki.example.com/middle.crt"),
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
                read_certificate(der).sha256_fingerprint for der in chain.ders
            ]
            assert facts.leaf == chain.ders[0]
        assert judge(chain.ders, case.name, reporting) == cause


def test_the_matrix_is_large_enough() -> None:
    assert len(BAD) >= 18


def test_a_self_signed_certificate_that_is_trusted(world: World, tmp_path: Any) -> None:
    chain = Chain(issue(None, NAME))
    trusted = TlsPolicy(ca_path=chain.files(tmp_path)[0])
    assert shake_hands(trusted, server_context(chain, tmp_path)).facts.verified is True
    assert judge(chain.ders, NAME, trusted) is None


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
    assert judge(chain.ders, NAME, policy) is None


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
        server.minimum_version = server.maximum_version = ssl_version(version)
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
    monkeypatch.setattr(channel, "sent_chain", lambda _connection: ())
    with pytest.raises(TlsFailure) as failure:
        shake_hands(TlsPolicy(world.ca_path, "TLSv1"), server_context(world.leaf(), tmp_path))
    assert (failure.value.cause, failure.value.facts.verified) == ("certificate_rejected", None)


def test_a_verdict_does_not_outlive_the_minute(world: World, monkeypatch: Any) -> None:
    """A certificate that was good an hour ago may have expired."""
    chain, policy, now = world.leaf().ders, TlsPolicy(world.ca_path), judging.time.time()
    misses = []
    for seconds in (0, 0, 3600):
        monkeypatch.setattr(judging.time, "time", lambda seconds=seconds: now + seconds)
        assert judging.judge(chain, NAME, policy) is None
        misses.append(judging._kept_verdict.cache_info().misses)
    assert (misses[1] - misses[0], misses[2] - misses[1]) == (0, 1)


def test_a_verdict_does_not_outlive_its_authorities(world: World, tmp_path: Any) -> None:
    path = tmp_path / "ca.pem"
    policy, chain = TlsPolicy(str(path), verify=False), world.leaf().ders
    verdicts = []
    for run, authorities in enumerate((world.root.pem, world.rsa_root.pem, world.root.pem)):
        path.write_bytes(authorities)
        os.utime(str(path), (run, run))
        contexts.prepare(policy, float(run))
        verdicts.append(judge(chain, NAME, policy))
    assert verdicts == [None, ISSUER, None]


def test_only_what_may_come_again_is_kept() -> None:
    """A relay chooses how long its chain is: unique ones of 96 KiB, read, would take 3 MiB each."""

    def chain(number: int, names: int) -> Tuple[bytes, ...]:
        serial = tlv(0x02, number.to_bytes(3, "big"))
        return (by_hand(serial=serial, extensions=[(b"\x55\x1d\x11", tlv(0x30, *[tlv(0x82, b"a.example")] * names))]),)

    short, long = [[chain(number, names) for number in range(300)] for names in (1, 8000)]
    assert len(long[0][0]) > 80000
    assert judging.read_chain(short[0]) is judging.read_chain(short[0])
    for function in (judging.read_chain, lambda one: judge(one, NAME, TlsPolicy())):
        before = judging._kept_reading.cache_info().currsize, judging._kept_verdict.cache_info().currsize
        for one in long[:5]:
            function(one)
        assert before == (judging._kept_reading.cache_info().currsize, judging._kept_verdict.cache_info().currsize)
        for one in short:
            function(one)
    for kept in (judging._kept_reading, judging._kept_verdict):
        assert kept.cache_info().currsize == kept.cache_info().maxsize == judging._KEPT_CHAINS
    assert judging._KEPT_CHAINS * judging._KEPT_OCTETS <= 1 << 20


def test_an_anchor_that_openssl_cannot_read_settles_nothing(world: World) -> None:
    chain = tuple(world.below(world.middle).ders)
    assert judging.judge_by_anchor(chain, b"no certificate") == "not_determined"
