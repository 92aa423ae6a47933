# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Each mechanism against the example of its RFC, then against servers that break its rules.

from __future__ import annotations

import base64
import hmac
import json
import os
import subprocess
import sys
import traceback
from typing import Any, Dict, Iterator, List, Optional, Tuple

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.sasl import mechanisms
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.sasl.exchange import (
    MAX_SERVER_ERROR_TEXT,
    CredentialError,
    Exchange,
    SaslError,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.sasl.mechanisms import (
    MAX_SERVER_ERROR_ITEMS,
    MECHANISMS,
    choose,
)
from ansible_collections.postmaster.mailcheck.tests.support.sign_in import (
    PASSWORD,
    TOKEN,
    begin,
    exchange,
    fails,
    succeed,
)

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
    dialogue, said = begin("EXTERNAL", Exchange(authorization_id=identity))
    assert said == initial
    succeed(dialogue)


def test_anonymous_as_in_rfc_4505() -> None:
    dialogue, initial = begin("ANONYMOUS", Exchange(username="sirhc"))
    assert initial == base64.b64decode(b"c2lyaGM=")
    succeed(dialogue)


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
    assert many is not None and len(many) == MAX_SERVER_ERROR_ITEMS
    deep = oauth_error(b"[" * 9000)
    assert deep == {"error": "[" * MAX_SERVER_ERROR_TEXT}


def test_an_oauth_error_that_echoes_the_token_does_not_show_it() -> None:
    kept = oauth_error(json.dumps({"status": "invalid " + TOKEN, TOKEN: ["x", TOKEN]}).encode())
    assert kept is not None and TOKEN not in repr(kept)
    assert kept["status"] == "invalid <redacted>"


# What no mechanism can carry


@pytest.mark.parametrize("option", ["username", "password", "access_token", "authorization_id"])
@pytest.mark.parametrize("bad", ["\n", "\r", "\0", "\1", "\x7f", "\x85", "\udcff"])
def test_controls_and_octets_that_are_no_text_are_refused_at_once(option: str, bad: str) -> None:
    for value in ("hidden%shidden" % bad, "hidden" + bad):
        with pytest.raises(CredentialError) as caught:
            exchange(**{option: value})
        assert caught.value.option == option
        assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("token", ["two words", "t\u00f6ken"])
def test_a_token_is_visible_ascii(token: str) -> None:
    with pytest.raises(CredentialError, match="access_token"):
        exchange(access_token=token)


# No secret leaves


def encodings(secret: str) -> Iterator[str]:
    octets = secret.encode()
    yield secret
    yield base64.b64encode(octets).decode()
    yield octets.hex()
    yield repr(octets)


def misbehave() -> Iterator[Tuple[str, List[Optional[bytes]]]]:
    for mechanism in MECHANISMS:
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
    except SaslError as error:
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
def test_which_mechanism_is_chosen(offered: Any, wanted: Any, has: Any, binding: bool, chosen: Optional[str]) -> None:
    assert choose(offered, wanted, has, binding) == chosen


def test_the_table_is_keyed_by_name() -> None:
    assert all(name == row.name for name, row in MECHANISMS.items())


def test_importing_mechanisms_loads_nothing_that_only_a_sign_in_uses() -> None:
    program = "import sys, %s; print([name for name in sys.argv[1:] if name in sys.modules])" % mechanisms.__name__
    command = [sys.executable, "-c", program, "hmac", "secrets", "stringprep", "json"]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
    assert subprocess.check_output(command, env=environment).decode().strip() == "[]"
