# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What holds for every input: laws, each tried with many. The fuzz targets hold for any bytes; these are for inputs of
# the right shape, so that more than "no crash" can be said of them.

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import re
import string

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.sasl.exchange import (
    CredentialError,
    Exchange,
    SaslError,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.sasl.mechanisms import MECHANISMS
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.sasl.scram import saslprep
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.text import REDACTED, Secrets, decode, printable
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.certificates import (
    CertificateError,
    _hexadecimal,
    read_certificate,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.der import dotted_oid, elements
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp import commands
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.capabilities import (
    auth_mechanisms,
    parse_capabilities,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.options import OPTIONS
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.replies import ReplyReader
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.request import build_request
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.rules import RULES
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.rules import parse_expect

settings.register_profile("hostile", max_examples=150, deadline=None)
settings.load_profile("hostile")

TEXT = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\r\n"), max_size=40)
CODES = st.integers(200, 599)
WORD = st.text(string.ascii_letters + string.digits + "-", min_size=1, max_size=12)


# Replies


def _wire(code: int, lines: list[str], end: bytes) -> bytes:
    separators = ["-"] * (len(lines) - 1) + [" "]
    return b"".join(("%03d%s%s" % (code, s, t)).encode("utf-8") + end for s, t in zip(separators, lines))


def _read(pieces: list[bytes]) -> list[object]:
    reader, found = ReplyReader(), []
    for piece in pieces:
        reader.feed(piece)
        found.extend(iter(reader.next_reply, None))
    assert not reader.pending
    return found


@given(st.lists(st.tuples(CODES, st.lists(TEXT, min_size=1, max_size=4)), min_size=1, max_size=4), st.data())
def test_what_is_written_as_replies_is_read_as_those(replies: list[tuple[int, list[str]]], data: st.DataObject) -> None:
    wire = b"".join(_wire(code, lines, b"\r\n") for code, lines in replies)
    found = _read([wire])
    assert [(reply.code, list(reply.lines)) for reply in found] == [
        (code, [REDACTED if code == 334 else printable(line) for line in lines]) for code, lines in replies
    ]
    for reply, (code, lines) in zip(found, replies):
        assert reply.challenge == ("".join(lines).encode("utf-8") if code == 334 else b"")
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=6)))
    assert _read([wire[a:b] for a, b in zip([0, *cuts], [*cuts, len(wire)])]) == found


@given(st.text(st.characters(), max_size=60))
def test_printable_text_is_printable_and_stays_as_it_is(text: str) -> None:
    shown = printable(text)
    assert printable(shown) == shown
    assert not re.search("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", shown)
    shown.encode("utf-8")


@given(st.text(st.characters(), min_size=8, max_size=30), st.binary(max_size=20), st.binary(max_size=20))
def test_a_secret_is_in_no_text_of_the_reader_s(secret: str, before: bytes, after: bytes) -> None:
    secret = printable(secret)[:30]
    if len(secret) < 8 or secret in "<redacted>":
        return
    shown = Secrets((secret,)).redacted(decode(before + secret.encode("utf-8") + after))
    assert secret not in shown


# Capabilities


@given(st.dictionaries(WORD.map(str.upper).filter(lambda w: w != "AUTH"), st.lists(WORD, unique=True, max_size=4)))
def test_capabilities_come_back_as_they_were_offered(offered: dict[str, list[str]]) -> None:
    lines = ["relay"] + [" ".join([keyword, *parameters]) for keyword, parameters in offered.items()]
    assert parse_capabilities(lines) == offered


@given(st.lists(st.lists(WORD, min_size=1, max_size=4), min_size=1, max_size=4), st.sampled_from([" ", "="]))
def test_auth_lines_are_one_offer_however_they_are_spread(lines: list[list[str]], separator: str) -> None:
    known = parse_capabilities(["relay"] + ["AUTH%s%s" % (separator, " ".join(words)) for words in lines])
    assert auth_mechanisms(known) == list(dict.fromkeys(word.upper() for words in lines for word in words))


# DER


def _der(tag: int, content: bytes) -> bytes:
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 + len(length)]) + length + content


@given(st.lists(st.tuples(st.integers(1, 30), st.binary(max_size=300)), max_size=6))
def test_elements_are_read_as_they_are_written(parts: list[tuple[int, bytes]]) -> None:
    wire = b"".join(_der(tag, content) for tag, content in parts)
    assert [(element.tag, element.content) for element in elements(wire)] == parts


@given(st.integers(-(2**200), 2**200))
def test_a_serial_number_is_its_hexadecimal(number: int) -> None:
    content = number.to_bytes((number.bit_length() // 8) + 1, "big", signed=True)
    (element,) = elements(_der(2, content))
    assert int(_hexadecimal(element), 16) == number


@given(st.integers(0, 2), st.integers(0, 39), st.lists(st.integers(0, 2**40), max_size=5))
def test_an_object_identifier_is_its_arcs(first: int, second: int, rest: list[int]) -> None:
    octets = b""
    for arc in [40 * first + second, *rest]:
        groups = [arc & 0x7F]
        while arc >= 0x80:
            arc >>= 7
            groups.insert(0, 0x80 | arc & 0x7F)
        octets += bytes(groups)
    (element,) = elements(_der(6, octets))
    assert dotted_oid(element) == ".".join(map(str, [first, second, *rest]))


@given(st.binary(max_size=400))
def test_no_bytes_are_worse_than_a_certificate_error(der: bytes) -> None:
    try:
        read_certificate(der)
    except CertificateError as error:
        assert str(error)


# SASL, against a server of our own making


@given(st.text(st.characters(whitelist_categories=("Lu", "Ll", "Nd")), min_size=1, max_size=20),
       st.text(string.ascii_letters + string.digits + "=,", min_size=1, max_size=20),
       st.binary(min_size=1, max_size=20), st.integers(4096, 4200), st.sampled_from(["SHA-1", "SHA-256"]))  # fmt: skip
@settings(max_examples=25)
def test_scram_agrees_with_a_server_that_knows_the_password(
    password: str, username: str, salt: bytes, iterations: int, name: str
) -> None:
    digest = name.replace("-", "").lower()
    try:
        prepared = saslprep(password, "password").encode("utf-8")
    except CredentialError:
        return
    dialogue = MECHANISMS["SCRAM-" + name].dialogue(Exchange(username, password))
    bare = next(dialogue).partition(b",,")[2]
    nonce = bare.partition(b",r=")[2] + b"more"
    first = b"r=%s,s=%s,i=%d" % (nonce, base64.b64encode(salt), iterations)
    without_proof, _p, proof = dialogue.send(first).rpartition(b",p=")
    signed = b",".join((bare, first, without_proof))
    salted = hashlib.pbkdf2_hmac(digest, prepared, salt, iterations)
    client_key = hmac.new(salted, b"Client Key", digest).digest()
    stored = hashlib.new(digest, client_key).digest()
    signature = hmac.new(stored, signed, digest).digest()
    recovered = bytes(a ^ b for a, b in zip(base64.b64decode(proof), signature))
    assert hashlib.new(digest, recovered).digest() == stored
    server_key = hmac.new(salted, b"Server Key", digest).digest()
    assert dialogue.send(b"v=" + base64.b64encode(hmac.new(server_key, signed, digest).digest())) == b""
    try:
        dialogue.send(None)
    except StopIteration:
        return
    raise AssertionError("the client is not content with the server's proof")


@given(st.sampled_from(sorted(MECHANISMS)), st.lists(st.binary(max_size=60), max_size=5))
def test_no_challenge_makes_a_mechanism_go_on_for_ever(name: str, challenges: list[bytes]) -> None:
    row = MECHANISMS[name]
    exchange = Exchange(
        "tim", "sesame" if row.needs == "password" else None, "token" if row.needs == "access_token" else None,
        channel_binding=b"c" if name.endswith("-PLUS") else None,
    )  # fmt: skip
    dialogue = row.dialogue(exchange)
    next(dialogue)
    try:
        for challenge in [*challenges, b"", b"", b""]:
            assert isinstance(dialogue.send(challenge), bytes)
    except SaslError as error:
        assert "sesame" not in str(error) and "token" not in str(error)
        return
    raise AssertionError("it takes challenges without end")


# Commands


@given(TEXT, st.dictionaries(WORD, st.none() | WORD, max_size=3))
def test_a_command_is_one_line(address: str, parameters: dict[str, str | None]) -> None:
    try:
        command = commands.mail(address, parameters)
    except ValueError:
        assert re.search("[\r\n\0]", address)
        return
    assert command.wire.count(b"\n") == command.wire.count(b"\r") == 1
    assert command.wire.endswith(b"\r\n") and b"\0" not in command.wire
    assert command.wire.startswith(b"MAIL FROM:<" + address.encode("utf-8") + b">")


@given(st.text(st.characters(blacklist_categories=("Cs",)), max_size=30))
def test_xtext_can_be_read_back(text: str) -> None:
    encoded = commands.xtext(text)
    assert re.fullmatch("[!-~]*", encoded) and "=" not in encoded
    octets = re.sub(rb"\+([0-9A-F]{2})", lambda found: bytes([int(found.group(1), 16)]), encoded.encode("ascii"))
    assert octets == text.encode("utf-8")


@given(st.lists(st.binary(max_size=8) | st.sampled_from([b".", b"\r", b"\n", b"\r\n", b"\r\n.", b".\r\n"]), max_size=8))
def test_dots_are_doubled_wherever_blocks_end(blocks: list[bytes]) -> None:
    content = b"".join(blocks)
    stuffed = b"".join(commands.dot_stuffed(blocks))
    assert stuffed == b"".join(commands.dot_stuffed([content]))
    assert b"\r\n.\r\n" not in b"\r\n" + stuffed
    assert (b"\r\n" + stuffed).replace(b"\r\n..", b"\r\n.") == b"\r\n" + content


# What callers give

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORD, inner, max_size=3), max_leaves=6
)
GOOD_RULES = st.fixed_dictionaries(
    {},
    optional={
        "capabilities": st.lists(WORD, min_size=1, max_size=3),
        "auth_absent_before_tls": st.booleans(),
        "tls_version_min": st.sampled_from(["TLSv1.2", "TLSv1.3"]),
        "tls_versions_refused": st.lists(st.sampled_from(["TLSv1", "TLSv1.1"]), min_size=1, unique=True),
        "certificate_days_left": st.integers(0, 1000),
        "public_key_min_bits": st.integers(1, 4096) | st.dictionaries(st.sampled_from(["RSA", "EC"]), st.integers(1)),
        "max_seconds": st.floats(0, 1000),
        "codes": st.dictionaries(st.sampled_from(["mail", "rcpt"]), CODES | st.lists(CODES, min_size=1), max_size=2),
    },
)


@given(GOOD_RULES)
def test_good_expectations_load_and_load_again(rules: dict[str, object]) -> None:
    expect = parse_expect(RULES, rules)
    assert set(expect) == set(rules)
    assert parse_expect(RULES, expect) == expect


@given(st.dictionaries(st.sampled_from(sorted(RULES)) | WORD, VALUES, max_size=3))
def test_bad_expectations_are_refused_by_name(rules: dict[str, object]) -> None:
    try:
        assert parse_expect(RULES, parse_expect(RULES, rules)) == parse_expect(RULES, rules)
    except OptionError as error:
        assert error.option.split(".")[1] in rules


# Every option but those that name files, which would be read.
FILELESS = sorted(
    name for name, row in OPTIONS.items() if row["type"] != "path" and name not in ("test_message", "tls")
)


@given(st.dictionaries(st.sampled_from(FILELESS), VALUES, max_size=4))
def test_any_options_are_a_request_or_a_mistake(options: dict[str, object]) -> None:
    try:
        request = build_request("relay.example.com", dict(options, tls="none"), 0.0)
    except OptionError as error:
        assert re.split(r"[.\[]", error.option)[0] in {*options, "tls", "sender", "recipients", "username", "password"}
        return
    assert 0 < request.endpoint.timeout <= 86400 and 1 <= request.endpoint.port <= 65535
    again = build_request("relay.example.com", dict(options, tls="none"), 0.0)
    assert again._replace(actions=again.actions._replace(message=None)) == request._replace(
        actions=request.actions._replace(message=None)
    )


@given(st.datetimes(datetime.datetime(1971, 1, 1), datetime.datetime(9000, 1, 1)), TEXT, TEXT)
def test_no_text_gets_out_of_its_header(moment: datetime.datetime, subject: str, value: str) -> None:
    message = {"subject": subject, "headers": {"X-Test": value}, "body": "hello"}
    given = {
        "tls": "none",
        "sender": "a@example.org",
        "recipients": ["b@example.com"],
        "send": True,
        "test_message": message,
    }
    now = moment.replace(tzinfo=datetime.timezone.utc).timestamp()
    try:
        request = build_request("relay.example.com", given, now)
    except OptionError as error:
        assert error.option in ("test_message.subject", "test_message.headers")
        return
    header = b"".join(request.actions.message.blocks()).partition(b"\r\n\r\n")[0]
    names = [line.partition(b":")[0] for line in re.split(rb"\r\n(?![ \t])", header)]
    assert sorted(names) == sorted(set(names))
    assert names.count(b"Subject") == names.count(b"X-Test") == 1
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n|\0", header)
