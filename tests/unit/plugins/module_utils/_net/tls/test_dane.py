# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Chains held against TLSA records: every usage x selector x matching type x fault of the chain.

from __future__ import annotations

import hashlib
import itertools
from typing import TYPE_CHECKING, NamedTuple

import pytest
from cryptography.hazmat.primitives import serialization

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.model import Tlsa
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls import dane
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.dane import (
    MAX_ANCHORS,
    MAX_RECORDS,
    judge_dane,
)
from ansible_collections.postmaster.mailcheck.tests.support.chains import CLIENT, NAME, Chain, issue

if TYPE_CHECKING:
    from typing import Any, Callable, Tuple

    from ansible_collections.postmaster.mailcheck.tests.support.chains import Identity
    from ansible_collections.postmaster.mailcheck.tests.support.handshake import World

EXPIRED, EARLY = (-30, -1), (1, 30)
HASHES = {0: lambda data: data, 1: lambda data: hashlib.sha256(data).digest(), 2: lambda data: hashlib.sha512(data).digest()}  # fmt: skip


def key_of(identity: Identity) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return identity.certificate.public_key().public_bytes(serialization.Encoding.DER, form)


def tlsa(usage: int, selector: int, matching_type: int, identity: Identity) -> Tlsa:
    selected = identity.der if selector == 0 else key_of(identity)
    return Tlsa(usage, selector, matching_type, HASHES.get(matching_type, HASHES[1])(selected))


class Fault(NamedTuple):
    """A chain, its own leaf and the authority that a record of usage 2 names; what usage 2 makes of it.

    `by_hash`: with a matching type of 1 or 2; `by_data`: with the certificate or key itself (RFC 7671 5.2).
    """

    label: str
    chain: Callable[[World], Tuple[Chain, Identity]]
    by_hash: str
    by_data: str
    says: str = ""


def good(world: World) -> Tuple[Chain, Identity]:
    return world.below(world.middle, world.root), world.root


def anchored_below_the_root(world: World) -> Tuple[Chain, Identity]:
    return world.below(world.middle), world.middle


def strange_authority(world: World) -> Tuple[Chain, Identity]:
    return world.below(world.stranger), world.stranger


def root_not_sent(world: World) -> Tuple[Chain, Identity]:
    return world.below(world.middle), world.root


def middle_not_sent(world: World) -> Tuple[Chain, Identity]:
    return Chain(issue(world.middle, NAME), (world.root,)), world.root


def with_leaf(*names: str, **how: Any) -> Callable[[World], Tuple[Chain, Identity]]:
    def chain(world: World) -> Tuple[Chain, Identity]:
        return Chain(issue(world.middle, *(names or (NAME,)), **how), (world.middle, world.root)), world.root

    return chain


def common_name_only(world: World) -> Tuple[Chain, Identity]:
    return Chain(issue(world.middle, subject=NAME), (world.middle, world.root)), world.root


def expired_between(world: World) -> Tuple[Chain, Identity]:
    old = issue(world.root, subject="Old", authority=True, days=EXPIRED)
    return world.below(old, world.root), world.root


def self_signed(world: World) -> Tuple[Chain, Identity]:
    leaf = issue(None, NAME)
    return Chain(leaf), leaf


def another_authority(world: World) -> Tuple[Chain, Identity]:
    return world.below(world.middle, world.root, world.stranger), world.stranger


FAULTS = [
    # RFC 7671 5.2: up to the trust anchor of the record, whoever that is.
    Fault("none", good, "met", "met"),
    Fault("none, anchored at the intermediate", anchored_below_the_root, "met", "met"),
    Fault("none, the authority is nobody's", strange_authority, "met", "met"),
    # RFC 7671 5.2, RFC 7672 3.1.2: a hash can only be found among the certificates that were sent.
    Fault("the anchor was not sent", root_not_sent, "unmet", "met", "sent"),
    Fault("missing intermediate", middle_not_sent, "unmet", "unmet", "certificate_issuer_not_found"),
    # RFC 7672 3.1.2, 3.2.2: the name counts, and so do dates and purpose (RFC 5280).
    Fault("wrong name", with_leaf("other.example.com"), "unmet", "unmet", "other.example.com"),
    Fault("common name only", common_name_only, "unmet", "unmet", NAME),
    Fault("expired", with_leaf(days=EXPIRED), "unmet", "unmet", "certificate_expired"),
    Fault("not yet valid", with_leaf(days=EARLY), "unmet", "unmet", "certificate_not_yet_valid"),
    Fault("expired intermediate", expired_between, "unmet", "unmet", "certificate_expired"),
    Fault("for clients only", with_leaf(purposes=(CLIENT,)), "unmet", "unmet", "certificate_wrong_purpose"),
    # The server's own certificate is no authority above it: that is what usage 3 is for.
    Fault("self-signed", self_signed, "unmet", "unmet", "usage 3"),
    # RFC 6698 2.1.1: the anchor must be above the leaf, not only beside it.
    Fault("an authority that has nothing to do with it", another_authority, "unmet", "unmet", "certificate_issuer"),
]  # fmt: skip
by_fault = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.label)
by_form = pytest.mark.parametrize(("selector", "matching_type"), list(itertools.product((0, 1), (0, 1, 2))))


@by_fault
@by_form
def test_usage_3_looks_at_nothing_but_the_leaf(world: World, fault: Fault, selector: int, matching_type: int) -> None:
    """RFC 7672 3.1.1: neither name nor dates nor issuer count."""
    chain, _anchor = fault.chain(world)
    record = tlsa(3, selector, matching_type, chain.leaf)
    verdict = judge_dane(chain.ders, [record], [NAME])
    assert (verdict.outcome, verdict.reason) == ("met", "")
    assert [one.outcome for one in verdict.records] == ["met"]


@by_fault
@by_form
def test_usage_3_of_another_key_does_not_match(world: World, fault: Fault, selector: int, matching_type: int) -> None:
    """That of an authority above included: usage 3 names the server's own (RFC 6698 2.1.1)."""
    chain, anchor = fault.chain(world)
    for other in (world.stranger, *([] if anchor == chain.leaf else [anchor])):
        verdict = judge_dane(chain.ders, [tlsa(3, selector, matching_type, other)], [NAME])
        assert verdict.outcome == "unmet"
        assert "3 %d %d" % (selector, matching_type) in verdict.reason


@by_fault
@by_form
def test_usage_2(world: World, fault: Fault, selector: int, matching_type: int) -> None:
    chain, anchor = fault.chain(world)
    verdict = judge_dane(chain.ders, [tlsa(2, selector, matching_type, anchor)], [NAME])
    expected = fault.by_data if matching_type == 0 else fault.by_hash
    if (fault.label, selector, matching_type) == ("self-signed", 1, 0):
        expected = "met"  # the standards are silent; OpenSSL takes it, and with it Postfix
    assert verdict.outcome == expected, verdict
    assert expected == "met" or fault.says in verdict.reason


@by_fault
@by_form
@pytest.mark.parametrize("usage", [0, 1, 4, 255])
def test_other_usages_are_unusable(world: World, fault: Fault, usage: int, selector: int, matching_type: int) -> None:
    """RFC 7672 3.1.3. Nothing usable: TLS is mandatory and nobody is authenticated (RFC 7672 2.2)."""
    chain, anchor = fault.chain(world)
    named = chain.leaf if usage == 1 else anchor
    verdict = judge_dane(chain.ders, [tlsa(usage, selector, matching_type, named)], [NAME])
    assert (verdict.outcome, verdict.usable) == ("unmet", ())
    assert "usage %d" % usage in verdict.reason
    assert "encrypts" in verdict.reason


@pytest.mark.parametrize(("record", "says"), [
    (Tlsa(3, 2, 1, bytes(32)), "selector 2"),  # RFC 6698 2.1.2, 4.1
    (Tlsa(2, 255, 0, bytes(32)), "selector 255"),
    (Tlsa(3, 1, 3, bytes(32)), "matching type 3"),  # RFC 6698 2.1.3, 4.1
    (Tlsa(3, 1, 1, bytes(31)), "31 octets"),  # RFC 6698 2.1.3: a SHA-256 has 32
    (Tlsa(3, 1, 1, b""), "0 octets"),
    (Tlsa(2, 0, 2, bytes(32)), "32 octets"),  # a SHA-512 has 64
    (Tlsa(3, 0, 0, b"no certificate"), "no certificate"),
    (Tlsa(2, 0, 0, b""), "no certificate"),
    (Tlsa(3, 1, 0, b"\x30\x00"), "no public key"),
])  # fmt: skip
def test_what_cannot_be_used_is_unusable(world: World, record: Tlsa, says: str) -> None:
    verdict = judge_dane(good(world)[0].ders, [record], [NAME])
    assert (verdict.outcome, verdict.usable) == ("unmet", ())
    assert says in verdict.reason


def test_one_match_of_several_records_suffices(world: World) -> None:
    """RFC 6698 2.1, RFC 7671 8: the current key and the next are published side by side."""
    chain, root = good(world)
    current, later = tlsa(3, 1, 1, chain.leaf), tlsa(3, 1, 1, world.stranger)
    for records in ([current, later], [later, current]):
        verdict = judge_dane(chain.ders, records, [NAME])
        assert verdict.outcome == "met"
        assert {one.record: one.outcome for one in verdict.records} == {current: "met", later: "unmet"}
    with_authority = judge_dane(chain.ders, [later, tlsa(2, 0, 1, root)], [NAME])
    assert with_authority.outcome == "met"


def test_unusable_records_beside_a_usable_one_do_not_count(world: World) -> None:
    """RFC 7671 4.1: only what is usable decides."""
    chain, _root = good(world)
    pkix = tlsa(1, 0, 1, chain.leaf)
    assert judge_dane(chain.ders, [pkix, tlsa(3, 1, 1, world.stranger)], [NAME]).outcome == "unmet"
    assert judge_dane(chain.ders, [pkix, tlsa(3, 1, 1, chain.leaf)], [NAME]).outcome == "met"


def test_the_strongest_digest_decides(world: World) -> None:
    """RFC 7671 9: of the records with one usage and selector, those with a weaker digest are passed over."""
    chain, root = good(world)
    weak, strong = tlsa(3, 1, 1, chain.leaf), tlsa(3, 1, 2, world.stranger)
    verdict = judge_dane(chain.ders, [weak, strong], [NAME])
    assert verdict.outcome == "unmet"
    assert {one.record: one.outcome for one in verdict.records} == {weak: "passed_over", strong: "unmet"}
    # Each usage and selector by itself; and a record that holds the data itself is never passed over.
    assert judge_dane(chain.ders, [tlsa(3, 0, 1, chain.leaf), strong], [NAME]).outcome == "met"
    assert judge_dane(chain.ders, [tlsa(2, 1, 1, root), strong], [NAME]).outcome == "met"
    assert judge_dane(chain.ders, [tlsa(3, 1, 0, chain.leaf), strong], [NAME]).outcome == "met"
    # A strong digest that cannot be one is unusable: it passes nobody over.
    assert judge_dane(chain.ders, [weak, strong._replace(data=b"short")], [NAME]).outcome == "met"


@pytest.mark.parametrize(("certified", "names", "outcome"), [
    (["mx1.example.com"], ["mx1.example.com"], "met"),
    (["example.com"], ["mx1.example.com", "example.com"], "met"),  # RFC 7672 3.2.2: the next-hop domain
    (["alias.example.net"], ["mx1.example.com", "alias.example.net"], "met"),  # and what an alias leads to
    (["*.example.com"], ["mx1.example.com"], "met"),  # RFC 7672 3.2.3
    (["*.example.com"], ["a.mx1.example.com"], "unmet"),
    (["MX1.Example.COM"], ["mx1.example.com."], "met"),
    (["example.com"], ["mx1.example.com"], "unmet"),
])  # fmt: skip
def test_reference_identifiers(world: World, certified: Any, names: Any, outcome: str) -> None:
    chain = Chain(issue(world.middle, *certified), (world.middle, world.root))
    assert judge_dane(chain.ders, [tlsa(2, 1, 1, world.root)], names).outcome == outcome


def test_the_systems_authorities_do_not_count(world: World, monkeypatch: Any) -> None:
    """RFC 7672 3.1.2: a chain that the WebPKI would trust proves nothing of the anchor in the record."""
    monkeypatch.setenv("SSL_CERT_FILE", world.ca_path)
    chain = world.below(world.middle, world.root)
    assert judge_dane(chain.ders, [tlsa(2, 0, 1, world.stranger)], [NAME]).outcome == "unmet"
    beside = Chain(chain.leaf, (world.middle, world.stranger))  # the anchor is sent, and is none of this leaf's
    assert judge_dane(beside.ders, [tlsa(2, 0, 1, world.stranger)], [NAME]).outcome == "unmet"


def test_a_chain_that_was_not_seen_is_not_judged() -> None:
    verdict = judge_dane((), [Tlsa(3, 1, 1, bytes(32))], [NAME])
    assert verdict.outcome == "unknown"
    assert "chain" in verdict.reason


def test_a_chain_that_cannot_be_read(world: World) -> None:
    """Usage 3 with selector 0 is octets against octets; a key inside cannot be found."""
    record = Tlsa(3, 0, 1, hashlib.sha256(b"what is this").digest())
    assert judge_dane((b"what is this",), [record], [NAME]).outcome == "met"
    assert judge_dane((b"what is this",), [tlsa(3, 1, 1, world.root)], [NAME]).outcome == "unknown"
    assert judge_dane((b"what is this",), [tlsa(2, 0, 0, world.root)], [NAME]).outcome == "unknown"


def test_no_more_records_are_looked_at_than_there_is_room_for(world: World) -> None:
    chain, _root = good(world)
    others = [Tlsa(3, 1, 1, hashlib.sha256(b"%d" % index).digest()) for index in range(MAX_RECORDS)]
    verdict = judge_dane(chain.ders, [*others, tlsa(3, 1, 1, chain.leaf)], [NAME])
    assert verdict.outcome == "unknown"  # the one that was not looked at might match
    assert "1 more" in verdict.reason
    assert judge_dane(chain.ders, [tlsa(3, 1, 1, chain.leaf), *others], [NAME]).outcome == "met"


def test_a_bare_key_is_held_against_so_many_authorities_and_no_more(world: World) -> None:
    """RFC 7671 5.2.2: it may stand for whatever has issued one of those that were sent."""
    sent = tuple(issue(None, subject="Authority %d" % number, authority=True) for number in range(MAX_ANCHORS + 1))
    verdict = judge_dane(Chain(issue(world.middle, NAME), sent).ders, [tlsa(2, 1, 0, world.stranger)], [NAME])
    assert (verdict.outcome, "more authorities" in verdict.reason) == ("unknown", True), verdict


def test_what_openssl_cannot_judge_is_not_judged(world: World, monkeypatch: Any) -> None:
    monkeypatch.setattr(dane, "judge_by_anchor", lambda *_asked: "not_determined")
    verdict = judge_dane(world.below(world.middle).ders, [tlsa(2, 0, 0, world.root)], [NAME])
    assert verdict.outcome == "unknown"
    assert verdict.reason.endswith(": the chain could not be judged")
