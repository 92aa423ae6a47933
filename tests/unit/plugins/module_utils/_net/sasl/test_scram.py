# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# SCRAM against the examples of its RFCs and a server of our own, which then breaks the rules; SASLprep; channel binding.

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any, Optional, Tuple

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.sasl.exchange import CredentialError
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.sasl.scram import (
    saslprep,
    tls_server_end_point,
)
from ansible_collections.postmaster.mailcheck.tests.support.scram import ScramServer
from ansible_collections.postmaster.mailcheck.tests.support.sign_in import PASSWORD, begin, exchange, fails, succeed

if TYPE_CHECKING:
    from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.sasl.exchange import Dialogue, Exchange


def test_scram_sha_1_as_in_rfc_5802() -> None:
    what = exchange(username="user", password="pencil", nonce=lambda: "fyko+d2lbbFgONRv9qkxdawL")
    dialogue, initial = begin("SCRAM-SHA-1", what)
    assert initial == b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL"
    final = dialogue.send(b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096")
    assert final == (b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=")
    assert dialogue.send(b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=") == b""
    succeed(dialogue)


def test_scram_sha_256_as_in_rfc_7677() -> None:
    what = exchange(username="user", password="pencil", nonce=lambda: "rOprNGfwEbeRWgbNEkqO")
    dialogue, initial = begin("SCRAM-SHA-256", what)
    assert initial == b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    nonce = b"rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    final = dialogue.send(b"r=%s,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096" % nonce)
    assert final == b"c=biws,r=%s,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=" % nonce
    assert dialogue.send(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=") == b""
    succeed(dialogue)


@pytest.mark.parametrize("digest, name", [("sha1", "SCRAM-SHA-1-PLUS"), ("sha256", "SCRAM-SHA-256-PLUS")])
def test_plus_binds_the_channel(digest: str, name: str) -> None:
    data = hashlib.sha256(b"certificate").digest()
    server = ScramServer(PASSWORD, digest=digest, binding=data)
    dialogue, initial = begin(name, exchange(channel_binding=data))
    assert initial is not None and initial.startswith(b"p=tls-server-end-point,,n=tim,r=")
    final = dialogue.send(server.challenge(initial))
    assert final is not None
    assert server.is_proved_by(final)
    assert dialogue.send(server.signature(final)) == b""
    succeed(dialogue)


def test_plus_without_binding_data_is_a_bug_of_the_caller() -> None:
    with pytest.raises(ValueError, match="channel_binding"):
        begin("SCRAM-SHA-256-PLUS", exchange())


@pytest.mark.parametrize(
    "binding, plus_offered, flag", [(None, False, b"n"), (b"data", True, b"n"), (b"data", False, b"y")]
)
def test_the_flag_y_says_that_the_server_offered_no_binding(
    binding: Optional[bytes], plus_offered: bool, flag: bytes
) -> None:
    server = ScramServer(PASSWORD)
    what = exchange(channel_binding=binding, plus_offered=plus_offered)
    dialogue, initial = begin("SCRAM-SHA-256", what)
    assert initial is not None and initial.startswith(flag + b",,n=")
    final = dialogue.send(server.challenge(initial))
    assert final is not None
    assert server.is_proved_by(final)
    assert dialogue.send(server.signature(final)) == b""


def test_names_have_their_separators_escaped() -> None:
    _dialogue, initial = begin("SCRAM-SHA-1", exchange(username="a=b,c", authorization_id="x,y=z"))
    assert initial is not None and initial.startswith(b"n,a=x=2Cy=3Dz,n=a=3Db=2Cc,r=")
    _dialogue, initial = begin("OAUTHBEARER", exchange(username="a=b,c", host="h", port=1))
    assert initial is not None and initial.startswith(b"n,a=a=3Db=2Cc,\1host=h\1")


def test_each_sign_in_has_a_nonce_of_its_own() -> None:
    openings = {begin("SCRAM-SHA-256", exchange())[1] for _one in range(10)}
    assert len(openings) == 10


def test_the_password_is_prepared_as_the_server_stored_it() -> None:
    # SOFT HYPHEN vanishes, NO-BREAK SPACE is a space, the feminine ordinal is an a (RFC 4013 3).
    server = ScramServer("p\u00e4ss worta")
    dialogue, initial = begin("SCRAM-SHA-256", exchange(password="pa\u0308\u00adss\u00a0wort\u00aa"))
    assert initial is not None
    final = dialogue.send(server.challenge(initial))
    assert final is not None
    assert server.is_proved_by(final)
    assert dialogue.send(server.signature(final)) == b""


def test_the_name_is_prepared_as_the_server_stored_it() -> None:
    _dialogue, initial = begin("SCRAM-SHA-256", exchange(username="I\u00adX\u00a0\u2168=", nonce=lambda: "nonce"))
    assert initial == b"n,,n=IX IX=3D,r=nonce"


def first(nonce: bytes = b"cnonceSERVER", salt: bytes = b"QSXCR+Q6sek8bf92", rest: bytes = b",i=4096") -> bytes:
    return b"r=" + nonce + b",s=" + salt + rest


@pytest.mark.parametrize(
    "challenge, says",
    [
        (first(nonce=b"otherSERVER"), "nonce"),
        (first(nonce=b"cnonce"), "nonce"),
        (first(nonce=b"cnonceS\xc3\xa9"), "cannot be read"),
        (first(rest=b",i=4095"), "asks for 4095"),
        (first(rest=b",i=0"), "asks for 0"),
        (first(rest=b",i=2000001"), "asks for 2000001"),
        (first(rest=b",i=2147483647"), "asks for 2147483647"),
        (first(rest=b",i=" + b"9" * 5000), "cannot be read"),
        (first(rest=b",i=-1"), "cannot be read"),
        (first(rest=b""), "cannot be read"),
        (first(salt=b""), "cannot be read"),
        (first(salt=b"QSXCR+Q6sek8bf9"), "base64"),
        (first(salt=b"QSXCR Q6sek8bf92"), "base64"),
        (first(salt=b"%%%%"), "base64"),
        (b"m=future," + first(), "cannot be read"),
        (b"", "cannot be read"),
        (b"\xff\x00", "cannot be read"),
    ],
)
def test_a_first_message_that_breaks_the_rules_ends_the_sign_in(challenge: bytes, says: str) -> None:
    dialogue, _initial = begin("SCRAM-SHA-256", exchange(nonce=lambda: "cnonce"))
    error = fails(dialogue, challenge)
    assert error.cause == "auth_protocol_error"
    assert says in error.text


def test_extensions_that_may_be_ignored_are() -> None:
    dialogue, _initial = begin("SCRAM-SHA-256", exchange(nonce=lambda: "cnonce"))
    assert dialogue.send(first(rest=b",i=4096,x=future")) is not None


def after_final(name: str = "SCRAM-SHA-256", **changes: Any) -> Tuple[Dialogue, bytes, Exchange]:
    """A dialogue that has sent its proof; what an honest server would answer."""
    what = exchange(**changes)
    server = ScramServer(PASSWORD)
    dialogue, initial = begin(name, what)
    assert initial is not None
    final = dialogue.send(server.challenge(initial))
    assert final is not None
    return dialogue, server.signature(final), what


@pytest.mark.parametrize("answer", [b"v=" + base64.b64encode(bytes(32)), b"v=AAAA", b"", b"x=y", None])
def test_a_server_that_does_not_prove_itself_is_not_authentic(answer: Optional[bytes]) -> None:
    dialogue, _honest, _what = after_final()
    assert fails(dialogue, answer).cause == "auth_server_not_authentic"


def test_a_server_that_accepts_before_the_proof_is_not_authentic() -> None:
    dialogue, _initial = begin("SCRAM-SHA-256", exchange())
    assert fails(dialogue, None).cause == "auth_server_not_authentic"


def test_a_signature_that_is_not_base64() -> None:
    dialogue, _honest, _what = after_final()
    assert fails(dialogue, b"v=%%%%").cause == "auth_protocol_error"


def test_an_honest_signature_with_extensions_passes() -> None:
    dialogue, honest, _what = after_final()
    assert dialogue.send(honest + b",x=future") == b""
    succeed(dialogue)


def test_the_servers_error_is_kept_and_answered_so_that_its_reply_follows() -> None:
    dialogue, _honest, what = after_final()
    assert dialogue.send(b"e=invalid-proof\x1b[2J") == b""
    assert what.server_error == {"error": "invalid-proof\\x1b[2J"}
    assert fails(dialogue, None).cause == "auth_server_not_authentic"


def test_an_error_in_place_of_the_first_message_is_kept() -> None:
    what = exchange()
    dialogue, _initial = begin("SCRAM-SHA-256", what)
    assert dialogue.send(b"e=unknown-user") == b""
    assert what.server_error == {"error": "unknown-user"}
    assert fails(dialogue, b"more").cause == "auth_protocol_error"


def test_a_challenge_after_the_verified_signature_ends_the_sign_in() -> None:
    dialogue, honest, _what = after_final()
    dialogue.send(honest)
    assert fails(dialogue, honest).cause == "auth_protocol_error"


# SASLprep


@pytest.mark.parametrize(
    "given, prepared",
    [
        ("I\u00adX", "IX"),
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("a\u00a0b\u3000c", "a b c"),
        ("\u0627\u0628", "\u0627\u0628"),
        ("\U0001f511", "\U0001f511"),
    ],
)
def test_saslprep_as_in_rfc_4013(given: str, prepared: str) -> None:
    assert saslprep(given, "password") == prepared


@pytest.mark.parametrize(
    "given",
    [
        "\x07",
        "\u0627\u0031",
        "\u0627a\u0628",
        "\u00ad",
        "a\u200e\u00e9",
        "\ue000",
        "\ufdd0",
        "\u2028",
        "\ufffd",
    ],
)
def test_saslprep_refuses_and_names_the_option(given: str) -> None:
    with pytest.raises(CredentialError) as caught:
        saslprep(given, "password")
    assert caught.value.option == "password"
    assert given not in str(caught.value)


def test_a_password_that_saslprep_prohibits_ends_scram_before_anything_is_said() -> None:
    with pytest.raises(OptionError) as caught:
        begin("SCRAM-SHA-256", exchange(password="caf\u00e9\ue000"))
    assert caught.value.option == "password"
    assert begin("PLAIN", exchange(password="caf\u00e9\ue000"))[1] is not None


# Channel binding data


@pytest.mark.parametrize(
    "algorithm, digest",
    [
        ("md5WithRSAEncryption", "sha256"),
        ("sha1WithRSAEncryption", "sha256"),
        ("ecdsa-with-SHA1", "sha256"),
        ("sha224WithRSAEncryption", "sha224"),
        ("sha256WithRSAEncryption", "sha256"),
        ("ecdsa-with-SHA384", "sha384"),
        ("SHA-512", "sha512"),
    ],
)
def test_the_binding_data_is_the_hash_the_certificate_was_signed_with(algorithm: str, digest: str) -> None:
    assert tls_server_end_point(b"der", algorithm) == hashlib.new(digest, b"der").digest()


@pytest.mark.parametrize("algorithm", ["ED25519", "ML-DSA-65", "RSASSA-PSS", "sha3-256", "1.2.3.4"])
def test_no_binding_where_the_hash_is_not_known(algorithm: str) -> None:
    assert tls_server_end_point(b"der", algorithm) is None
