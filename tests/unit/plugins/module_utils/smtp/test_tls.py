# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# TLS between two memory buffers: chains good and bad, judged by a real handshake and by the judge, who has only
# the chain; both must say what the table says, in TLS 1.2 and 1.3, on every interpreter.

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, NamedTuple, Tuple

import pytest
from cryptography import x509

from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp import tls
from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.model import TlsFailure, TlsPolicy
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

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional

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
    Case("the trusted root itself", lambda w: Chain(issue(None, NAME, subject="unused")), ("certificate_self_signed",)),
][:-1]

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
    Case("address as a DNS name",
         lambda w: w.leaf(purposes=(), extensions=[
             (x509.SubjectAlternativeName([x509.DNSName("192.0.2.1")]), False)])._replace()
         if False else Chain(issue(w.root, extensions=[
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


def shake_hands(policy: TlsPolicy, server: ssl.SSLContext, name: str = NAME) -> Any:
    """Return channel, facts and the server's end once both are done. Raises TlsFailure."""
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
    return channel, facts, relay


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
            verified = shake_hands(verifying, server, case.name)[1]
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
        reported = shake_hands(reporting, server, case.name)[1]
        assert (reported.verified, reported.verify_errors) == (not case.errors, case.errors)
        for facts in (verified, reported):
            assert [one.sha256_fingerprint for one in facts.chain] == [
                tls.read_certificate(der).sha256_fingerprint for der in chain.ders
            ]
            assert facts.leaf == chain.ders[0]
        assert tls.judge(chain.ders, case.name, reporting) == cause
