# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Each mechanism against the example of its RFC, then against servers that break its rules.

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import subprocess
import sys
import traceback
from typing import Any, Dict, Iterator, List, Optional, Tuple

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp import sasl
from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.model import OptionError

USERNAME, PASSWORD, TOKEN = "tim", "tanstaaftanstaaf", "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="


def exchange(**changes: Any) -> sasl.Exchange:
    given: Dict[str, Any] = {"username": USERNAME, "password": PASSWORD, "access_token": TOKEN}
    given.update(changes)
    return sasl.Exchange(**given)


def begin(mechanism: str, what: sasl.Exchange) -> Tuple[sasl.Dialogue, Optional[bytes]]:
    dialogue = sasl.MECHANISMS[mechanism].dialogue(what)
    return dialogue, next(dialogue)


def succeed(dialogue: sasl.Dialogue) -> None:
    """The server answers 235, and the mechanism is content."""
    with pytest.raises(StopIteration):
        dialogue.send(None)


def fails(dialogue: sasl.Dialogue, answer: Optional[bytes]) -> sasl.SaslError:
    with pytest.raises(sasl.SaslError) as caught:
        dialogue.send(answer)
    return caught.value


class ScramServer:
    """The server's side of RFC 5802, which can be told to do it wrong."""

    def __init__(self, digest: str, password: str, iterations: int = 4096, binding: bytes = b"") -> None:
        self.digest, self.password, self.iterations, self.binding = digest, password, iterations, binding
        self.salt = b"\x41\x25\xc2\x47\xe4\x3a\xb1\xe9\x3c\x6d\xff\x76"
        self.header = self.bare = self.first = b""

    def hear_first(self, message: bytes) -> bytes:
        found = re.match(rb"([^,]*,[^,]*,)(n=[^,]*,r=(.*))", message)
        assert found is not None
        self.header, self.bare, nonce = found.groups()
        salt = base64.b64encode(self.salt)
        self.first = b"r=%s3rfcNHYJY1ZVvWVs7j,s=%s,i=%d" % (nonce, salt, self.iterations)
        return self.first

    def hear_final(self, message: bytes) -> bytes:
        without_proof, proof = message.rsplit(b",p=", 1)
        assert without_proof.startswith(b"c=" + base64.b64encode(self.header + self.binding))
        signed = b",".join((self.bare, self.first, without_proof))
        salted = hashlib.pbkdf2_hmac(self.digest, self.password.encode(), self.salt, self.iterations)
        client_key = hmac.new(salted, b"Client Key", self.digest).digest()
        stored = hashlib.new(self.digest, client_key).digest()
        signature = hmac.new(stored, signed, self.digest).digest()
        assert base64.b64decode(proof) == bytes(a ^ b for a, b in zip(client_key, signature))
        server_key = hmac.new(salted, b"Server Key", self.digest).digest()
        return b"v=" + base64.b64encode(hmac.new(server_key, signed, self.digest).digest())


# The examples of the standards


def test_plain_as_in_rfc_4616() -> None:
    dialogue, initial = begin("PLAIN", exchange())
    assert initial == b"\0tim\0tanstaaftanstaaf"
    succeed(dialogue)


def test_plain_with_an_authorization_identity_as_in_rfc_4616() -> None:
    _dialogue, initial = begin("PLAIN", exchange(authorization_id="Ursel", username="Kurt", password="xipj3plmq"))
    assert initial == b"Ursel\0Kurt\0xipj3plmq"


def test_plain_sends_utf_8_as_it_is_for_the_server_prepares_it() -> None:
    _dialogue, initial = begin("PLAIN", exchange(username="ursel\u00aa", password="p\u00e4ss\u00a0wort"))
    assert initial == "\0ursel\u00aa\0p\u00e4ss\u00a0wort".encode()


@pytest.mark.parametrize("prompts", [(b"Username:", b"Password:"), (b"User Name\0", b"Password\0"), (b"", b"")])
def test_login_answers_two_prompts_whatever_they_say(prompts: Tuple[bytes, bytes]) -> None:
    dialogue, initial = begin("LOGIN", exchange())
    assert initial is None
    assert dialogue.send(prompts[0]) == b"tim"
    assert dialogue.send(prompts[1]) == b"tanstaaftanstaaf"
    succeed(dialogue)


def test_cram_md5_as_in_rfc_2195() -> None:
    dialogue, initial = begin("CRAM-MD5", exchange())
    assert initial is None
    response = dialogue.send(b"<1896.697170952@postoffice.reston.mci.net>")
    assert response == b"tim b913a602c7eda7a495b4e6e7334d3890"
    succeed(dialogue)


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


def test_oauthbearer_as_in_rfc_7628() -> None:
    what = exchange(username="user@example.com", host="server.example.com", port=143)
    dialogue, initial = begin("OAUTHBEARER", what)
    assert initial == (
        b"n,a=user@example.com,\1host=server.example.com\1port=143\1"
        b"auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\1\1"
    )
    succeed(dialogue)


def test_oauthbearer_decodes_the_error_as_in_rfc_7628_and_answers_it() -> None:
    what = exchange(host="server.example.com", port=143)
    dialogue, _initial = begin("OAUTHBEARER", what)
    error = (
        "eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIiwic2NvcGUiOiJleGFtcGxlX3Njb3BlIiwib3BlbmlkLWNvbmZpZ3VyYXRpb24iOiJo"
        "dHRwczovL2V4YW1wbGUuY29tLy53ZWxsLWtub3duL29wZW5pZC1jb25maWd1cmF0aW9uIn0="
    )
    assert dialogue.send(base64.b64decode(error)) == b"\1"
    assert what.server_error == {
        "status": "invalid_token",
        "scope": "example_scope",
        "openid-configuration": "https://example.com/.well-known/openid-configuration",
    }


def test_xoauth2_as_in_its_documentation() -> None:
    token = "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg"
    what = exchange(username="someuser@example.com", access_token=token)
    dialogue, initial = begin("XOAUTH2", what)
    assert initial is not None
    assert base64.b64encode(initial) == (
        b"dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRH"
        b"RXVZMjl0Q2cBAQ=="
    )
    error = b"eyJzdGF0dXMiOiI0MDEiLCJzY2hlbWVzIjoiYmVhcmVyIG1hYyIsInNjb3BlIjoiaHR0cHM6Ly9tYWlsLmdvb2dsZS5jb20vIn0K"
    assert dialogue.send(base64.b64decode(error)) == b""
    assert what.server_error == {
        "status": "401",
        "schemes": "bearer mac",
        "scope": "https://mail.google.com/",
    }


@pytest.mark.parametrize("identity, initial", [("", b""), ("fred@example.com", b"fred@example.com")])
def test_external_as_in_rfc_4422(identity: str, initial: bytes) -> None:
    dialogue, said = begin("EXTERNAL", sasl.Exchange(authorization_id=identity))
    assert said == initial
    succeed(dialogue)


def test_anonymous_as_in_rfc_4505() -> None:
    dialogue, initial = begin("ANONYMOUS", sasl.Exchange(username="sirhc"))
    assert initial == base64.b64decode(b"c2lyaGM=")
    succeed(dialogue)


# SCRAM in detail


@pytest.mark.parametrize("digest, name", [("sha1", "SCRAM-SHA-1-PLUS"), ("sha256", "SCRAM-SHA-256-PLUS")])
def test_plus_binds_the_channel(digest: str, name: str) -> None:
    data = hashlib.sha256(b"certificate").digest()
    server = ScramServer(digest, PASSWORD, binding=data)
    dialogue, initial = begin(name, exchange(channel_binding=data))
    assert initial is not None and initial.startswith(b"p=tls-server-end-point,,n=tim,r=")
    final = dialogue.send(server.hear_first(initial))
    assert final is not None
    assert dialogue.send(server.hear_final(final)) == b""
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
    server = ScramServer("sha256", PASSWORD)
    what = exchange(channel_binding=binding, plus_offered=plus_offered)
    dialogue, initial = begin("SCRAM-SHA-256", what)
    assert initial is not None and initial.startswith(flag + b",,n=")
    final = dialogue.send(server.hear_first(initial))
    assert final is not None
    assert dialogue.send(server.hear_final(final)) == b""


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
    server = ScramServer("sha256", "p\u00e4ss worta")
    dialogue, initial = begin("SCRAM-SHA-256", exchange(password="pa\u0308\u00adss\u00a0wort\u00aa"))
    assert initial is not None
    final = dialogue.send(server.hear_first(initial))
    assert final is not None
    assert dialogue.send(server.hear_final(final)) == b""


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


def after_final(name: str = "SCRAM-SHA-256", **changes: Any) -> Tuple[sasl.Dialogue, bytes, sasl.Exchange]:
    """A dialogue that has sent its proof; what an honest server would answer."""
    what = exchange(**changes)
    server = ScramServer("sha256", PASSWORD)
    dialogue, initial = begin(name, what)
    assert initial is not None
    final = dialogue.send(server.hear_first(initial))
    assert final is not None
    return dialogue, server.hear_final(final), what


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


def test_an_error_in_place_of_the_first_message_is_kept_too() -> None:
    what = exchange()
    dialogue, _initial = begin("SCRAM-SHA-256", what)
    assert dialogue.send(b"e=unknown-user") == b""
    assert what.server_error == {"error": "unknown-user"}
    assert fails(dialogue, b"more").cause == "auth_protocol_error"


# Servers that go on, or stop short

COMPLETE: List[Tuple[str, List[bytes]]] = [
    ("PLAIN", []),
    ("LOGIN", [b"Username:", b"Password:"]),
    ("CRAM-MD5", [b"<1@x>"]),
    ("OAUTHBEARER", [b"{}"]),
    ("XOAUTH2", [b"{}"]),
    ("EXTERNAL", []),
    ("ANONYMOUS", []),
]


@pytest.mark.parametrize("mechanism, challenges", COMPLETE)
def test_a_challenge_too_many_ends_the_sign_in(mechanism: str, challenges: List[bytes]) -> None:
    dialogue, _initial = begin(mechanism, exchange())
    for challenge in challenges:
        dialogue.send(challenge)
    assert fails(dialogue, b"").cause == "auth_protocol_error"


def test_a_challenge_after_the_verified_signature_ends_the_sign_in() -> None:
    dialogue, honest, _what = after_final()
    dialogue.send(honest)
    assert fails(dialogue, honest).cause == "auth_protocol_error"


@pytest.mark.parametrize("mechanism, heard", [("LOGIN", 0), ("LOGIN", 1), ("CRAM-MD5", 0)])
def test_a_server_that_accepts_before_it_has_heard_us(mechanism: str, heard: int) -> None:
    dialogue, _initial = begin(mechanism, exchange())
    for _one in range(heard):
        dialogue.send(b"prompt")
    assert fails(dialogue, None).cause == "auth_protocol_error"


def test_cram_md5_where_the_host_forbids_md5(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_arguments: object) -> None:
        raise ValueError("[digital envelope routines] unsupported")

    monkeypatch.setattr(hmac, "new", forbidden)
    dialogue, _initial = begin("CRAM-MD5", exchange())
    assert "FIPS" in fails(dialogue, b"<1@x>").text


# OAuth's errors


def oauth_error(challenge: bytes, token: str = TOKEN) -> Optional[Dict[str, Any]]:
    what = exchange(access_token=token)
    dialogue, _initial = begin("XOAUTH2", what)
    assert dialogue.send(challenge) == b""
    return what.server_error


@pytest.mark.parametrize(
    "challenge, kept",
    [
        (b'{"status": 401, "schemes": ["bearer"]}', {"status": "401", "schemes": '["bearer"]'}),
        (b'{"status": "a\\u001b[2J\\u202eb"}', {"status": "a\\x1b[2J\\u202eb"}),
        (b"not json", {"error": "not json"}),
        (b'["list"]', {"error": '["list"]'}),
        (b"\xff\xfe", {"error": "\\xff\\xfe"}),
        (b"", {"error": ""}),
        (b'{"a": "' + b"x" * 9000 + b'"}', {"a": "x" * 500}),
    ],
)
def test_an_oauth_error_is_made_safe_for_printing(challenge: bytes, kept: Dict[str, Any]) -> None:
    assert oauth_error(challenge) == kept


def test_an_oauth_error_is_bounded() -> None:
    many = oauth_error(json.dumps({str(number): "x" for number in range(100)}).encode())
    assert many is not None and len(many) == sasl.MAX_SERVER_ERROR_ITEMS
    deep = oauth_error(b"[" * 9000)
    assert deep == {"error": "[" * sasl.MAX_SERVER_ERROR_TEXT}


def test_an_oauth_error_that_echoes_the_token_does_not_show_it() -> None:
    kept = oauth_error(json.dumps({"status": "invalid " + TOKEN, TOKEN: ["x", TOKEN]}).encode())
    assert kept is not None and TOKEN not in repr(kept)
    assert kept["status"] == "invalid <redacted>"


# SASLprep and what no mechanism can carry


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
    assert sasl.saslprep(given, "password") == prepared


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
    with pytest.raises(sasl.CredentialError) as caught:
        sasl.saslprep(given, "password")
    assert caught.value.option == "password"
    assert given not in str(caught.value)


def test_a_password_that_saslprep_prohibits_ends_scram_before_anything_is_said() -> None:
    with pytest.raises(OptionError) as caught:
        begin("SCRAM-SHA-256", exchange(password="caf\u00e9\ue000"))
    assert caught.value.option == "password"
    assert begin("PLAIN", exchange(password="caf\u00e9\ue000"))[1] is not None


@pytest.mark.parametrize("option", ["username", "password", "access_token", "authorization_id"])
@pytest.mark.parametrize("bad", ["\n", "\r", "\0", "\1", "\x7f", "\x85", "\udcff"])
def test_controls_and_octets_that_are_no_text_are_refused_at_once(option: str, bad: str) -> None:
    for value in ("hidden%shidden" % bad, "hidden" + bad):
        with pytest.raises(sasl.CredentialError) as caught:
            exchange(**{option: value})
        assert caught.value.option == option
        assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("token", ["two words", "t\u00f6ken"])
def test_a_token_is_visible_ascii(token: str) -> None:
    with pytest.raises(sasl.CredentialError, match="access_token"):
        exchange(access_token=token)


# No secret leaves


def encodings(secret: str) -> Iterator[str]:
    octets = secret.encode()
    yield secret
    yield base64.b64encode(octets).decode()
    yield octets.hex()
    yield repr(octets)


def misbehave() -> Iterator[Tuple[str, List[Optional[bytes]]]]:
    for mechanism in sasl.MECHANISMS:
        for answers in ([None], [b"x", None], [b"x"] * 5, [b""] * 5, [b"\xff"] * 5, [b"e=no", None]):
            yield mechanism, list(answers)


@pytest.mark.parametrize("mechanism, answers", list(misbehave()))
def test_no_exception_and_no_repr_shows_a_secret(mechanism: str, answers: List[Optional[bytes]]) -> None:
    what = exchange(channel_binding=b"binding-data")
    dialogue, _initial = begin(mechanism, what)
    shown = [repr(what), str(what), repr(dialogue)]
    try:
        for answer in answers:
            dialogue.send(answer)
    except StopIteration:
        pass
    except sasl.SaslError as error:
        shown += [repr(error), str(error), error.text, repr(error.__context__), traceback.format_exc()]
    for secret in (PASSWORD, TOKEN, "binding-data"):
        for form in encodings(secret):
            assert form not in "\n".join(shown)


# Choosing

EVERYTHING = {"password", "access_token", "certificate", "nothing"}


@pytest.mark.parametrize(
    "offered, wanted, has, binding, chosen",
    [
        (["PLAIN", "LOGIN"], None, {"password"}, False, "PLAIN"),
        (["LOGIN"], None, {"password"}, False, "LOGIN"),
        (["plain", "Scram-Sha-256"], None, {"password"}, False, "SCRAM-SHA-256"),
        (["PLAIN", "CRAM-MD5", "SCRAM-SHA-1"], None, {"password"}, False, "SCRAM-SHA-1"),
        (["PLAIN", "CRAM-MD5"], None, {"password"}, False, "CRAM-MD5"),
        (["PLAIN", "XOAUTH2", "OAUTHBEARER"], None, {"access_token"}, False, "OAUTHBEARER"),
        (["PLAIN", "XOAUTH2"], None, {"access_token", "password"}, False, "XOAUTH2"),
        (["PLAIN"], None, {"access_token"}, False, None),
        (["XOAUTH2"], None, {"password"}, False, None),
        (["NTLM", "GSSAPI"], None, EVERYTHING, True, None),
        ([], None, EVERYTHING, True, None),
        # -PLUS, EXTERNAL and ANONYMOUS only by name
        (["SCRAM-SHA-256-PLUS", "EXTERNAL", "ANONYMOUS"], None, EVERYTHING, True, None),
        (["SCRAM-SHA-256-PLUS", "PLAIN"], ["scram-sha-256-plus"], {"password"}, True, "SCRAM-SHA-256-PLUS"),
        (["SCRAM-SHA-256-PLUS", "PLAIN"], ["SCRAM-SHA-256-PLUS"], {"password"}, False, None),
        (["EXTERNAL"], ["EXTERNAL"], {"certificate"}, False, "EXTERNAL"),
        (["EXTERNAL"], ["EXTERNAL"], {"password"}, False, None),
        (["ANONYMOUS"], ["anonymous"], set(), False, "ANONYMOUS"),
        # the caller's order
        (["SCRAM-SHA-256", "PLAIN", "LOGIN"], ["login", "plain"], {"password"}, False, "LOGIN"),
        (["PLAIN"], ["NTLM", "PLAIN"], {"password"}, False, "PLAIN"),
        (["NTLM"], ["NTLM"], {"password"}, False, None),
        (["PLAIN"], [], {"password"}, False, "PLAIN"),
    ],
)
def test_choose(offered: Any, wanted: Any, has: Any, binding: bool, chosen: Optional[str]) -> None:
    assert sasl.choose(offered, wanted, has, binding) == chosen


def test_the_table_is_keyed_by_name() -> None:
    assert all(name == row.name for name, row in sasl.MECHANISMS.items())


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
    assert sasl.tls_server_end_point(b"der", algorithm) == hashlib.new(digest, b"der").digest()


@pytest.mark.parametrize("algorithm", ["ED25519", "ML-DSA-65", "RSASSA-PSS", "sha3-256", "1.2.3.4"])
def test_no_binding_where_the_hash_is_not_known(algorithm: str) -> None:
    assert sasl.tls_server_end_point(b"der", algorithm) is None


def test_importing_it_costs_nothing_that_a_check_without_sign_in_does_not_use() -> None:
    program = "import sys, %s; print([name for name in sys.argv[1:] if name in sys.modules])" % sasl.__name__
    command = [sys.executable, "-c", program, "hmac", "secrets", "stringprep", "json"]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
    assert subprocess.check_output(command, env=environment).decode().strip() == "[]"
