# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# DKIM signatures (RFC 6376), made and verified by dkimpy, with keys that a name server of ours has, has revoked, does not
# have, or does not tell.

from __future__ import annotations

import base64
import sys

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.headers import fields_of
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.signatures import MAX_OCTETS, dkim_of
from ansible_collections.postmaster.mailcheck.tests.support.name_server import NameServer, records, refusal, silence

MESSAGE = b"From: probe@example.com\r\nTo: user@example.net\r\nSubject: mailcheck\r\n\r\ntest\r\n"
WHERE = ("s1._domainkey.example.com", "TXT")


def made_key(bits=2048):
    """A private key as dkimpy reads it, and its record (RFC 6376 3.6.1)."""
    key = rsa.generate_private_key(65537, bits)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return pem, "v=DKIM1; k=rsa; p=" + base64.b64encode(der).decode()


PEM, RECORD = made_key()


def txt(text):
    return records(" ".join('"%s"' % text[at : at + 200] for at in range(0, len(text), 200)))


@pytest.fixture
def dkim():
    return pytest.importorskip("dkim", reason="dkimpy is installed on the controller's Python alone")


@pytest.fixture
def resolver(monkeypatch):
    """The system's name server, as far as dnspython asks it: ours."""
    import dns.resolver

    with NameServer() as server:
        ours = dns.resolver.Resolver(configure=False)
        ours.nameservers, ours.port = ["127.0.0.1"], server.port
        monkeypatch.setattr(dns.resolver, "default_resolver", ours)
        yield server


def signed(dkim, **more):
    return dkim.sign(MESSAGE, b"s1", b"example.com", PEM, **more) + MESSAGE


def verified(raw, seconds=5.0):
    return dkim_of(fields_of(raw), raw, seconds)


def test_a_signature_that_holds(dkim, resolver):
    resolver.zone[WHERE] = txt(RECORD)
    found = verified(signed(dkim))
    assert found == ("present", "", True, "example.com", "s1")


# What is wrong -> the key's record, what becomes of the message, what is said
BROKEN = {
    "the body was changed": (RECORD, lambda raw: raw.replace(b"test", b"tested"), "the body is not"),
    "a field that was signed was changed": (
        RECORD,
        lambda raw: raw.replace(b"mailcheck", b"mail"),
        "the header is not",
    ),
    "another key is published": (made_key()[1], None, "or the key is another"),
    "the key was revoked (RFC 6376 3.6.1)": ("v=DKIM1; k=rsa; p=", None, "the key was revoked"),
    "the record is none": ("v=DKIM1; k=rsa; p=%%%", None, ""),
    "the key is for no mail": (RECORD + "; s=tlsrpt", None, ""),
    "the signature is none": (RECORD, lambda raw: raw.replace(b"v=1;", b"v=2;"), ""),
    "the signature has run out": (RECORD, lambda raw: raw.replace(b"v=1;", b"v=1; t=1; x=2;"), ""),
}


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_a_signature_that_does_not_hold_and_why(dkim, resolver, name):
    record, change, reason = BROKEN[name]
    resolver.zone[WHERE] = txt(record)
    raw = signed(dkim)
    found = verified(change(raw) if change else raw)
    assert (found.state, found.valid, found.domain) == ("present", False, "example.com")
    assert found.reason and reason in found.reason


def test_a_key_that_is_not_there(dkim, resolver):
    found = verified(signed(dkim))
    assert (found.state, found.valid, found.reason) == ("present", False, "the DNS has no key of this selector")


@pytest.mark.parametrize("answers", [True, False])
def test_a_name_server_is_asked_once_for_the_key_of_many_messages(dkim, resolver, answers):
    """One that hangs would else cost its time-out for each of them."""
    resolver.zone[WHERE] = txt(RECORD) if answers else silence
    raw, keys = signed(dkim), {}
    found = [dkim_of(fields_of(raw), raw, 0.3, keys) for _number in range(3)]
    assert [one.state for one in found] == ["present" if answers else "not_determined"] * 3
    resolver.zone[WHERE] = refusal("SERVFAIL")
    assert dkim_of(fields_of(raw), raw, 0.3, keys) == found[0]


def test_no_key_is_asked_for_when_the_time_is_up(dkim, resolver):
    resolver.zone[WHERE] = txt(RECORD)
    found = verified(signed(dkim), -1.0)
    assert (found.state, found.valid, found.reason) == ("not_determined", None, "no time was left to ask for the key")


@pytest.mark.parametrize(
    "step", [refusal("SERVFAIL"), refusal("REFUSED"), silence], ids=["SERVFAIL", "REFUSED", "silence"]
)
def test_a_name_server_that_fails_is_no_missing_key(dkim, resolver, step):
    resolver.zone[WHERE] = step
    found = verified(signed(dkim), 0.3)
    assert (found.state, found.valid) == ("not_determined", None)
    assert found.reason.startswith("the key could not be asked for")


def test_sha_1_no_longer_counts(dkim, resolver):
    """RFC 8301 3.1: it must not be taken for valid."""
    resolver.zone[WHERE] = txt(RECORD)
    found = verified(signed(dkim, signature_algorithm=b"rsa-sha1"))
    assert (found.state, found.valid) == ("present", False)
    assert "SHA-1" in found.reason


def test_of_several_signatures_the_topmost_is_verified(dkim, resolver):
    resolver.zone[WHERE] = txt(RECORD)
    other = dkim.sign(MESSAGE, b"s2", b"example.org", PEM)
    assert verified(other + signed(dkim)).domain == "example.org"
    assert verified(signed(dkim).replace(b"From:", other + b"From:", 1)).valid is True


@pytest.mark.parametrize(
    "raw",
    [
        b"DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=s1; bh=x; b=y; h=from\r\nFrom: a@example.com\r\n\r\nx\r\n",
        b"DKIM-Signature: \xff\x00;;;=\r\nFrom: a@example.com\r\n\r\nx\r\n",
        b"DKIM-Signature: v=1; a=rsa-sha256; d=%s; s=s1; bh=eA==; b=eA==; h=from\r\n\r\nx\r\n" % (b"a" * 200 + b".com"),
        b"DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=..; bh=eA==; b=eA==; h=from\r\nFrom: a\r\n\r\nx\r\n",
        b"DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=s1; l=99999999999; bh=eA==; b=eA==; h=from\r\nFrom: a\r\n\r\nx\r\n",
        b"DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=s1; h="
        + b"a:" * 3000
        + b"from; bh=eA==; b=eA==\r\nFrom: a\r\n\r\nx\r\n",
    ],
)
def test_signatures_of_whoever_means_ill(dkim, resolver, raw):
    resolver.zone[WHERE] = txt(RECORD)
    found = verified(raw)
    assert found.valid is not True
    assert found.reason.isprintable() and len(found.reason) < 5000


def test_a_signature_beyond_all_measure_is_not_verified(dkim):
    raw = b"DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=s1; h=" + b"a:" * 50_000 + b"from\r\n\r\nx\r\n"
    assert verified(raw).state == "not_determined"


def test_without_dkimpy_nothing_is_determined(monkeypatch):
    monkeypatch.setitem(sys.modules, "dkim", None)
    found = verified(b"DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=s1\r\n\r\nx\r\n")
    assert (found.state, found.domain) == ("not_determined", "example.com")
    assert "dkimpy" in found.reason


def test_a_signature_that_dkimpy_cannot_compute_is_not_called_broken(dkim, monkeypatch):
    """RFC 8463: Ed25519 needs PyNaCl. And a fault of the library is none of the message's."""
    raw = b"DKIM-Signature: v=1; a=ed25519-sha256; d=example.com; s=s1\r\n\r\nx\r\n"
    for fault, said in ((dkim.NaClNotFoundError("no"), "PyNaCl"), (RuntimeError("no"), "RuntimeError")):
        monkeypatch.setattr(dkim.DKIM, "verify", raising(fault))
        found = verified(raw)
        assert (found.state, found.valid) == ("not_determined", None)
        assert said in found.reason


def raising(fault):
    def verify(*_given, **_named):
        raise fault

    return verify


def test_a_message_that_is_too_large_is_not_verified():
    raw = b"DKIM-Signature: v=1; d=example.com; s=s1\r\n\r\n" + b"x" * MAX_OCTETS
    assert verified(raw).state == "not_determined"


def test_no_signature():
    assert dkim_of(fields_of(b"From: a\r\n"), None).state == "absent"
