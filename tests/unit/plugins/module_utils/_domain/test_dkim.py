# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# DKIM keys (RFC 6376 3.6.1, RFC 8301, RFC 8463) as domains publish them, and as registrars mutilate them.

from __future__ import annotations

import base64

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.dkim import look_up_dkim
from ansible_collections.postmaster.mailcheck.tests.support.answers import play
from ansible_collections.postmaster.mailcheck.tests.support.der import EC_ID, P_256, RSA_ID, spki, tlv
from ansible_collections.postmaster.mailcheck.tests.support.published import (
    BAD_SIGNATURE,
    NO_DATA,
    SERVFAIL,
    alias,
    zone,
)


def rsa(bits):
    """An RSAPublicKey (RFC 8017 A.1.1) whose modulus has so many bits."""
    modulus = b"\0" + ((1 << bits - 1) | 1).to_bytes((bits + 7) // 8, "big")
    return tlv(0x30, tlv(0x02, modulus), tlv(0x02, b"\1\0\1"))


def encoded(der):
    return base64.b64encode(der).decode("ascii")


def rsa_key(bits):
    return encoded(spki(RSA_ID, tlv(0x05), key=rsa(bits)))


KEY = rsa_key(2048)
ED25519 = encoded(b"\x01" * 32)
CUT = ("v=DKIM1; k=rsa; p=" + KEY)[:255]

# (what it is about, the section), the record, what must come of it
RECORDS = [
    (("RSA, 2048 bits", "RFC 6376 3.6.1"), "v=DKIM1; k=rsa; p=" + KEY,
     {"state": "present", "valid": True, "key_type": "rsa", "bits": 2048, "revoked": False, "problems": []}),
    (("RSA by default, the version left out", "RFC 6376 3.6.1"), "p=" + KEY,
     {"valid": True, "key_type": "rsa", "bits": 2048}),
    (("a bare RSAPublicKey", "RFC 6376 3.6.1"), "v=DKIM1; p=" + encoded(rsa(3072)),
     {"valid": True, "key_type": "rsa", "bits": 3072}),
    (("blanks inside the key", "RFC 6376 3.6.1"), "v=DKIM1; p=" + KEY[:100] + " \t" + KEY[100:],
     {"valid": True, "bits": 2048}),
    (("512 bits", "RFC 8301 3.2"), "v=DKIM1; p=" + rsa_key(512),
     {"valid": False, "bits": 512, "problems": ["dkim_too_weak"]}),
    (("1023 bits", "RFC 8301 3.2"), "v=DKIM1; p=" + rsa_key(1023), {"valid": False, "problems": ["dkim_too_weak"]}),
    (("1024 bits", "RFC 8301 3.2"), "v=DKIM1; p=" + rsa_key(1024),
     {"valid": True, "bits": 1024, "problems": ["dkim_weak"]}),
    (("4096 bits", "RFC 8301 3.2"), "v=DKIM1; p=" + rsa_key(4096), {"valid": True, "bits": 4096, "problems": []}),
    (("8192 bits", "RFC 8301 3.2"), "v=DKIM1; p=" + rsa_key(8192), {"valid": True, "problems": ["dkim_long"]}),
    (("Ed25519", "RFC 8463 4.2"), "v=DKIM1; k=ed25519; p=" + ED25519,
     {"valid": True, "key_type": "ed25519", "bits": 256, "problems": []}),
    (("Ed25519 in a SubjectPublicKeyInfo", "RFC 8463 4.2"),
     "v=DKIM1; k=ed25519; p=" + encoded(spki(tlv(0x06, b"\x2b\x65\x70"), key=b"\x01" * 32)),
     {"valid": False, "bits": None, "problems": ["dkim_ed25519_length"]}),
    (("a type that nobody knows", "RFC 6376 3.6.1"), "v=DKIM1; k=dsa; p=" + KEY,
     {"valid": False, "key_type": "dsa", "bits": None, "problems": ["dkim_key_type_unknown"]}),
    (("another key than it says", "RFC 6376 3.6.1"), "v=DKIM1; k=rsa; p=" + encoded(spki(EC_ID, P_256)),
     {"valid": False, "bits": None, "problems": ["dkim_key_unreadable"]}),
    (("revoked", "RFC 6376 3.6.1"), "v=DKIM1; p=",
     {"valid": False, "revoked": True, "bits": None, "problems": ["dkim_revoked"]}),
    (("testing", "RFC 6376 3.6.1"), "v=DKIM1; t=y:s; p=" + KEY,
     {"valid": True, "testing": True, "flags": ("y", "s"), "problems": ["dkim_testing"]}),
    (("for SHA-1 only", "RFC 8301 3.1"), "v=DKIM1; h=sha1; p=" + KEY,
     {"valid": False, "hash_algorithms": ("sha1",), "problems": ["dkim_hash_algorithms"]}),
    (("for both", "RFC 8301 3.1"), "v=DKIM1; h=sha1 : sha256; p=" + KEY,
     {"valid": True, "hash_algorithms": ("sha1", "sha256"), "problems": []}),
    (("for mail", "RFC 6376 3.6.1"), "v=DKIM1; s=email; p=" + KEY, {"valid": True, "services": ("email",)}),
    (("for anything but mail", "RFC 6376 3.6.1"), "v=DKIM1; s=tlsrpt; p=" + KEY,
     {"valid": False, "services": ("tlsrpt",), "problems": ["dkim_services"]}),
    (("with notes and tags to come", "RFC 6376 3.2"), "v=DKIM1; n=a note, = and all; future=1; p=" + KEY,
     {"valid": True, "problems": []}),
    (("a part that is no tag", "RFC 6376 6.1.2"), "v=DKIM1; rsa; p=" + KEY, {"valid": False, "problems": ["dkim_syntax"]}),
    (("a tag of letters that no tag has", "RFC 6376 3.2"), "v=DKIM1; x-y=1; p=" + KEY,
     {"valid": False, "problems": ["dkim_syntax"]}),
    (("the granularity of former times", "RFC 6376 C.1"), "v=DKIM1; g=*; p=" + KEY,
     {"valid": True, "problems": ["dkim_granularity"]}),
    (("another version", "RFC 6376 3.6.1"), "v=DKIM2; p=" + KEY, {"valid": False, "problems": ["dkim_version"]}),
    (("an older version", "RFC 6376 3.6.1"), "v=DKIM0; p=" + KEY, {"valid": False, "problems": ["dkim_version"]}),
    (("cut after an octet", "X.690 8.1.3"), "v=DKIM1; p=MA==", {"valid": False, "problems": ["dkim_cut"]}),
    (("semicolons escaped in the record itself", "RFC 6376 3.2"), "v=DKIM1\\; k=rsa\\; p=" + KEY,
     {"valid": False, "problems": ["dkim_version", "dkim_key_type_unknown"]}),
    (("v is not the first", "RFC 6376 3.6.1"), "k=rsa; v=DKIM1; p=" + KEY,
     {"valid": False, "problems": ["dkim_version"]}),
    (("p comes twice", "RFC 6376 3.2"), "v=DKIM1; p=" + KEY + "; p=" + KEY,
     {"valid": False, "problems": ["tag_twice"]}),
    (("no p", "RFC 6376 3.6.1"), "v=DKIM1; k=rsa", {"valid": False, "problems": ["dkim_key_missing"]}),
    (("another text, from a wildcard perhaps", "RFC 6376 3.6.1"), "vendor-verification=51c2e0aa7f",
     {"state": "present", "valid": False, "problems": ["dkim_no_key"]}),
    (("cut at 255 characters", "RFC 6376 3.6.2.2"), CUT,
     {"state": "present", "valid": False, "revoked": False, "bits": None, "problems": ["dkim_cut"]}),
    (("cut within a group of four", "RFC 4648 4"), "v=DKIM1; p=" + KEY[:101], {"problems": ["dkim_cut"]}),
    (("what is no base64", "RFC 4648 4"), "v=DKIM1; p=-----BEGIN PUBLIC KEY-----" + KEY,
     {"valid": False, "problems": ["dkim_base64"]}),
    (("the last = is missing", "RFC 4648 4"), "v=DKIM1; p=" + rsa_key(2056).rstrip("="),
     {"valid": False, "problems": ["dkim_base64"]}),
    (("base64 of nothing known", "RFC 6376 3.6.1"), "v=DKIM1; p=" + encoded(b"\x04\x03abc"),
     {"valid": False, "problems": ["dkim_key_unreadable"]}),
    (("octets behind the key", "RFC 6376 3.6.1"), "v=DKIM1; p=" + encoded(spki(RSA_ID, tlv(0x05), key=rsa(2048)) + b"x"),
     {"valid": False, "problems": ["dkim_key_unreadable"]}),
]  # fmt: skip


def outcome(records, selector="s1"):
    (key,) = play(look_up_dkim("example.com", [selector]), zone({"%s._domainkey.example.com TXT" % selector: records}))
    return key


def compare(facts, expected):
    found = {name: getattr(facts, name) for name in expected}
    if "problems" in expected:
        found["problems"] = [problem.id for problem in facts.problems]
    assert found == expected


@pytest.mark.parametrize("case", RECORDS, ids=lambda case: "%s: %s" % case[0][::-1])
def test_what_a_record_says(case):
    _about, text, expected = case
    strings = [text[at : at + 255] for at in range(0, len(text), 255)]
    compare(outcome([strings]), expected)


def test_a_key_that_was_cut_is_told_with_what_is_missing():
    (told,) = outcome([CUT]).problems
    assert "cut off" in told.text and "255" in told.text and "of 294 octets" in told.text


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("p=" + rsa_key(1024)[:60], "there are 45 of 162 octets"),
        ("p=" + rsa_key(512)[:60], "there are 45 of 94 octets"),
        ("p=MA==", "there is no more than 1 octet"),
        ("p=AA=A", '"=" stands in it'),
        ("p=A!A?", '"!", "?" stands in it'),
    ],
)
def test_what_is_missing_of_a_key_or_is_no_part_of_it_is_told(key, words):
    (told,) = outcome(["v=DKIM1; " + key]).problems
    assert words in told.text


def test_a_wildcards_text_is_told_as_what_it_is():
    (told,) = outcome(["vendor-verification=51c2e0aa7f"]).problems
    assert "vendor-verification=51c2e0aa7f" in told.text and "wildcard" in told.text


def test_several_records_are_undefined():
    """RFC 6376 3.6.2.2."""
    key = outcome(["v=DKIM1; p=" + KEY, "v=DKIM1; p=" + ED25519])
    compare(key, {"state": "present", "valid": False, "problems": ["dkim_several"]})
    assert outcome(["token=1", "v=DKIM1; p=" + KEY]).bits == 2048  # what is told is the one that is a key


def test_an_alias_is_fine():
    key = outcome(alias("s1.vendor.example", [(b"v=DKIM1; p=" + KEY.encode("ascii"),)]))
    compare(key, {"state": "present", "valid": True, "alias": "s1.vendor.example", "problems": []})


def test_an_alias_that_leads_nowhere_is_told():
    key = outcome(alias("s1.vendor.example"))
    compare(key, {"state": "absent", "valid": None, "alias": "s1.vendor.example"})


@pytest.mark.parametrize(
    "answer, state", [([], "present"), (SERVFAIL, "not_determined"), (BAD_SIGNATURE, "bogus"), (NO_DATA, "absent")]
)
def test_the_states_of_an_answer(answer, state):
    key = outcome(answer or ["v=DKIM1; p=" + KEY])
    assert (key.state, key.valid) == (state, True if state == "present" else None)
    assert bool(key.reason) == (state in ("bogus", "not_determined"))


def test_selectors_are_asked_for_together_and_none_is_guessed():
    asked = []
    keys = play(look_up_dkim("example.com", ["S1", "2026.mail"]), {}, asked)
    assert [(key.selector, key.state) for key in keys] == [("S1", "absent"), ("2026.mail", "absent")]
    assert [question.name for question in asked[0]] == ["s1._domainkey.example.com", "2026.mail._domainkey.example.com"]
    assert len(asked) == 1
    assert play(look_up_dkim("example.com", []), {}) == ()


HOSTILE = [
    b"v=DKIM1; p=\x1b[31m\x00" + b"A" * 300,
    b"v=DKIM1; p=" + b"A" * 65000,
    b"v=DKIM1; p=" + b" " * 65000,
    b"v=DKIM1; h=" + b"a:" * 30000 + b"; p=",
    b"v=DKIM1; t=" + b"<script>:" * 7000 + b"; p=",
    b"v=DKIM1; k=" + b"\xff" * 60000,
    b"p=" + base64.b64encode(b"\x30\x84\xff\xff\xff\xff" + b"\x30" * 100),
    b"p=" + base64.b64encode(b"\x30\x80" * 20000),
    b"p=" + base64.b64encode(tlv(0x30, b"\x02\x00" * 20000)),
    b"=" * 60000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_record_is_shown_safely_and_at_bounded_length(text):
    key = outcome([[text[at : at + 255] for at in range(0, len(text), 255)]])
    assert key.valid is False
    shown = [key.record, key.key_type, *key.hash_algorithms, *key.services, *key.flags]
    shown += [problem.text for problem in key.problems]
    assert all(part.isprintable() and len(part) < 5000 for part in shown)
    assert len(shown) < 200


def test_four_thousand_texts_end():
    key = outcome(["token=%d" % number for number in range(4000)])
    assert (key.valid, len(key.problems)) == (False, 2)
