# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Messages are built, parsed back by the standard library, and compared with what was asked for; raw files
# come out octet for octet, or not at all.

from __future__ import annotations

import base64
import email.policy
import os
import subprocess
import sys
import tracemalloc
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp import message as module
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.message import (
    Message,
    MessageError,
    build_message,
)

NOW = 1700000000.75
TOKEN = "5d41402abc4b2a76"
BLOCK = 65536


def build(
    options: Optional[Dict[str, Any]] = None,
    sender: str = "probe@example.com",
    recipients: Sequence[str] = ("postmaster@example.net",),
    domain: str = "example.com",
) -> Message:
    return build_message(options or {}, sender, recipients, domain, NOW, TOKEN)


def content(message: Message) -> bytes:
    """The whole message, which keeps what every message promises."""
    blocks = list(message.blocks())
    whole = b"".join(blocks)
    assert all(0 < len(block) <= BLOCK for block in blocks)
    assert whole.endswith(b"\r\n")
    assert whole.count(b"\r\n") == whole.count(b"\r") == whole.count(b"\n")
    assert message.size == len(whole)
    assert message.eightbit == (not whole.isascii())
    return whole


def parse(message: Message) -> EmailMessage:
    whole = content(message)
    assert max(map(len, whole.split(b"\r\n"))) <= 998
    parsed = BytesParser(policy=email.policy.SMTPUTF8).parsebytes(whole)
    return parsed


def text_of(part: Any) -> str:
    return str(part.get_content()).replace("\r\n", "\n")


def refused(options: Dict[str, Any], **others: Any) -> MessageError:
    with pytest.raises(MessageError) as caught:
        build(options, **others)
    assert isinstance(caught.value, OptionError)
    assert str(caught.value).startswith(caught.value.option + ": ")
    return caught.value


# The header


def test_the_plain_message() -> None:
    message = build()
    parsed = parse(message)
    assert parsed["Date"] == "Tue, 14 Nov 2023 22:13:20 +0000"
    assert parsed["From"] == "probe@example.com"
    assert parsed["To"] == "postmaster@example.net"
    assert parsed["Subject"] == "Mail relay check " + TOKEN
    assert parsed["Message-ID"] == message.message_id == "<%s@example.com>" % TOKEN
    assert parsed["X-Mailcheck-Token"] == message.token == TOKEN
    assert parsed["Auto-Submitted"] == "auto-generated"
    assert parsed["MIME-Version"] == "1.0"
    assert parsed.get_content_type() == "text/plain"
    assert TOKEN in text_of(parsed)
    assert (message.eightbit, message.smtputf8) == (False, False)


def test_the_same_options_give_the_same_message() -> None:
    assert content(build()) == content(build())


def test_subject_and_body() -> None:
    parsed = parse(build({"subject": "Hello", "body": "One\nTwo"}))
    assert parsed["Subject"] == "Hello"
    assert text_of(parsed) == "One\nTwo\n"


def test_an_empty_subject_and_an_empty_body_stay_empty() -> None:
    parsed = parse(build({"subject": "", "body": ""}))
    assert parsed["Subject"] == ""
    assert text_of(parsed).strip() == ""


def test_the_null_reverse_path_is_a_mailer_daemon_in_the_header() -> None:
    assert parse(build(sender=""))["From"] == "MAILER-DAEMON@example.com"


def test_an_address_literal_as_domain() -> None:
    message = build(sender="", domain="[192.0.2.1]")
    assert message.message_id == "<%s@[192.0.2.1]>" % TOKEN
    assert b"\r\nFrom: MAILER-DAEMON@[192.0.2.1]\r\n" in content(message)


@pytest.mark.parametrize("count", [0, 2, 50])
def test_several_recipients_do_not_learn_of_each_other(count: int) -> None:
    whole = content(build(recipients=["user%d@example.net" % number for number in range(count)]))
    assert b"\r\nTo: undisclosed-recipients:;\r\n" in whole
    assert b"user" not in whole


@pytest.mark.parametrize(
    "address",
    [
        "a%b@example.net", "@one,@two:user@three", '"quoted space"@example.net', '"a@b"@example.net', "a!b",
        "postmaster", "user@[192.0.2.1]", "user@[IPv6:2001:db8::1]", '""@example.net', "a..b@example.net",
        "user@", "x" * 64 + "@" + "y" * 63 + "." + "z" * 63 + "." + "w" * 61,
    ],
)  # fmt: skip
def test_odd_addresses_pass_as_they_are(address: str) -> None:
    whole = content(build(sender=address, recipients=[address]))
    assert ("\r\nFrom: %s\r\nTo: %s\r\n" % (address, address)).encode() in whole


def test_a_header_of_the_caller_overrides_whatever_its_case() -> None:
    headers = {
        "SUBJECT": "Mine",
        "to": "list@example.org",
        "Message-Id": "<mine@example.org>",
        "x-mailcheck-token": "m",
    }
    message = build({"subject": "Not mine", "headers": headers})
    parsed = parse(message)
    assert [parsed.get_all(name) for name in ("subject", "to", "message-id")] == [
        ["Mine"], ["list@example.org"], ["<mine@example.org>"],
    ]  # fmt: skip
    assert (message.message_id, message.token) == ("<mine@example.org>", "m")


def test_a_header_may_come_several_times_or_not_at_all() -> None:
    message = build({"headers": {"X-Tag": ["one", "two", 3], "Message-ID": [], "Date": []}})
    parsed = parse(message)
    assert parsed.get_all("X-Tag") == ["one", "two", "3"]
    assert "Date" not in parsed
    assert message.message_id is None


def test_a_pre_encoded_or_malformed_ascii_value_passes_as_it_is() -> None:
    whole = content(build({"headers": {"Subject": "=?utf-8?q?a?=", "Date": "yesterday", "X-Two": "a  b\tc"}}))
    for line in (b"Subject: =?utf-8?q?a?=", b"Date: yesterday", b"X-Two: a  b\tc"):
        assert b"\r\n" + line + b"\r\n" in b"\r\n" + whole


@pytest.mark.parametrize("name", ["Bcc", "BCC", "bcc", "Resent-Bcc"])
def test_bcc_is_never_sent(name: str) -> None:
    whole = content(build({"headers": {name: "secret@example.org", "Cc": "open@example.org"}}))
    assert b"bcc" not in whole.lower() and b"secret@" not in whole
    assert b"Cc: open@example.org\r\n" in whole


@pytest.mark.parametrize(
    "name", ["", "Bad Name", "Bad:", "X\r\nBcc", "X\n", "X\0", "X-\u00fc", "X-\x7f", "Subject: x\r\nY"]
)
def test_header_names_are_those_of_rfc_5322(name: str) -> None:
    assert refused({"headers": {name: "x"}}).option == "test_message.headers"


BREAKING = ["\r\nBcc: a@b", "\n", "\r", "\0", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\x1b[2J", "\udcff"]


@pytest.mark.parametrize("bad", BREAKING)
def test_nothing_that_ends_a_line_gets_into_the_header(bad: str) -> None:
    assert refused({"headers": {"X-Tag": "a%sb" % bad}}).option == "test_message.headers"
    assert refused({"headers": {"X-Tag": ["fine", "a%sb" % bad]}}).option == "test_message.headers"
    assert refused({"subject": "a%sb" % bad}).option == "test_message.subject"
    assert refused({}, sender="a%sb@example.com" % bad).option == "sender"
    assert refused({}, recipients=["a%sb@example.com" % bad]).option == "recipients"
    assert refused({}, domain="a%sb" % bad).option == "ehlo_name"
    attachment = {"content": "x", "filename": "a%sb.txt" % bad}
    assert refused({"attachments": [attachment]}).option == "test_message.attachments[0].filename"


@pytest.mark.parametrize("name", ["Content-Type", "content-transfer-encoding", "MIME-Version"])
def test_headers_that_follow_from_the_content_are_refused(name: str) -> None:
    assert name in str(refused({"headers": {name: "x"}}))


@pytest.mark.parametrize("value", [None, {"a": "b"}, [["a"]], [None]])
def test_a_header_value_is_text(value: object) -> None:
    assert refused({"headers": {"X-Tag": value}}).option == "test_message.headers"


# UTF-8


@pytest.mark.parametrize("subject", ["Gr\u00fc\u00dfe", "\u65e5\u672c\u8a9e " * 60, "\U0001f4e7", "\u00fc" * 700])
def test_utf_8_in_header_and_body_goes_out_in_7_bit(subject: str) -> None:
    message = build({"subject": subject, "body": subject, "headers": {"X-Tag": subject}})
    parsed = parse(message)
    # White space at an end of a header is not content.
    assert parsed["Subject"].strip() == parsed["X-Tag"].strip() == subject.strip()
    assert text_of(parsed) == subject + "\n"
    assert (message.eightbit, message.smtputf8) == (False, False)
    assert all(len(line) <= 78 for line in content(message).partition(b"\r\n\r\n")[0].split(b"\r\n"))


def test_names_beside_addresses_are_encoded_and_the_addresses_left_alone() -> None:
    to = 'J\u00fcrgen M\u00fcller <j@example.org>, "\u00c5, B" <b@example.org>, plain@example.org, ' + ", ".join(
        "\u00dcser %d <u%d@example.org>" % (number, number) for number in range(30)
    )
    message = build({"headers": {"To": to}})
    addresses = parse(message)["To"].addresses
    assert [address.addr_spec for address in addresses[:3]] == [
        "j@example.org",
        "b@example.org",
        "plain@example.org",
    ]
    assert [address.display_name for address in addresses[:2]] == ["J\u00fcrgen M\u00fcller", "\u00c5, B"]
    assert len(addresses) == 33
    assert not message.smtputf8


@pytest.mark.parametrize("address", ["j\u00fcrgen@example.org", "user@b\u00fccher.example", '"\u00fc b"@example.org'])
def test_an_address_that_is_not_ascii_needs_smtputf8(address: str) -> None:
    message = build(recipients=[address])
    assert ("\r\nTo: %s\r\n" % address).encode() in content(message)
    assert message.smtputf8 and message.eightbit


def test_utf_8_that_is_no_address_is_not_lost() -> None:
    message = build({"headers": {"Reply-To": "\u00fc@@"}})
    assert "Reply-To: \u00fc@@\r\n".encode() in content(message)
    assert message.smtputf8


def test_8bit_where_asked_for() -> None:
    message = build({"body": "Gr\u00fc\u00dfe", "transfer_encoding": "8bit"})
    assert "Gr\u00fc\u00dfe\r\n".encode() in content(message)
    assert message.eightbit and not message.smtputf8


# Long lines, dots, line ends


@pytest.mark.parametrize("body", ["x" * 5000, "word " * 2000, "\u00fc" * 3000])
def test_long_lines_of_the_body_are_encoded(body: str) -> None:
    assert text_of(parse(build({"body": body}))).rstrip("\n") == body


def test_long_headers_are_folded() -> None:
    parsed = parse(build({"headers": {"X-Long": "word " * 400, "Cc": ", ".join(["user@example.org"] * 100)}}))
    assert parsed["X-Long"].split() == ["word"] * 400
    assert len(parsed["Cc"].addresses) == 100


def test_a_header_that_cannot_be_folded_is_refused() -> None:
    assert "998" in str(refused({"headers": {"X-Long": "x" * 998}}))


def test_lines_that_begin_with_dots_are_left_for_the_dot_stuffing() -> None:
    body = ".\n..\n.hidden\n...\n"
    assert b"\r\n.\r\n..\r\n.hidden\r\n...\r\n" in content(build({"body": body}))


@pytest.mark.parametrize("body", ["a\rb", "a\r\nb", "a\n\rb", "From here\nFrom there", "a\x0bb\x85c\u2028d"])
def test_the_bodys_line_ends_become_crlf(body: str) -> None:
    shown = text_of(parse(build({"body": body})))
    assert shown.replace("\n", "") == body.replace("\n", "").replace("\r", "")


@pytest.mark.parametrize("bad", ["\0", "\ud800"])
def test_nul_and_octets_that_are_no_text_are_refused(bad: str) -> None:
    assert refused({"body": bad}).option == "test_message.body"
    assert refused({"html": bad}).option == "test_message.html"
    assert refused({"attachments": [{"content": bad}]}).option == "test_message.attachments[0].content"


@settings(max_examples=100, deadline=None)
@given(
    subject=st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp")), max_size=300),
    body=st.text(st.characters(blacklist_characters="\0\r", blacklist_categories=["Cs"]), max_size=2000),
)
def test_any_subject_and_body_arrive(subject: str, body: str) -> None:
    parsed = parse(build({"subject": subject, "body": body, "headers": {"X-Tag": subject}}))
    assert text_of(parsed).rstrip("\n") == body.rstrip("\n")
    if not subject.isascii():
        assert parsed["Subject"].replace(" ", "") == subject.replace(" ", "")


# HTML, attachments, probes


def test_html_is_the_alternative() -> None:
    parsed = parse(build({"body": "text", "html": "<p>h\u00e9</p>"}))
    assert parsed.get_content_type() == "multipart/alternative"
    assert [(part.get_content_type(), text_of(part)) for part in parsed.iter_parts()] == [
        ("text/plain", "text\n"),
        ("text/html", "<p>h\u00e9</p>\n"),
    ]


def test_attachments_from_paths_and_from_content(tmp_path: Path) -> None:
    picture = tmp_path / "b\u00fcro.png"
    picture.write_bytes(bytes(range(256)) * 100)
    attachments = [
        {"path": str(picture)},
        {"path": str(picture), "filename": "x" * 200 + ".bin", "content_type": "application/x-test"},
        {"content": "Gr\u00fc\u00dfe\nunchanged", "filename": "notes.txt"},
        {"content": "a,b", "filename": "archive.tar.gz"},
        {"content": "plain"},
        {"content": "mail", "filename": "forwarded.foo-unknown"},
    ]
    parsed = parse(build({"body": "text", "html": "<p>", "attachments": attachments}))
    assert parsed.get_content_type() == "multipart/mixed"
    parts = list(parsed.iter_attachments())
    assert [(part.get_filename(), part.get_content_type()) for part in parts] == [
        ("b\u00fcro.png", "image/png"),
        ("x" * 200 + ".bin", "application/x-test"),
        ("notes.txt", "text/plain"),
        ("archive.tar.gz", "application/octet-stream"),
        ("attachment.txt", "text/plain"),
        ("forwarded.foo-unknown", "application/octet-stream"),
    ]
    assert parts[0].get_payload(decode=True) == parts[1].get_payload(decode=True) == bytes(range(256)) * 100
    assert text_of(parts[2]) == "Gr\u00fc\u00dfe\nunchanged"
    body = parsed.get_body(("plain",))
    assert body is not None and text_of(body) == "text\n"


@pytest.mark.parametrize(
    "attachment, option",
    [
        ({}, ""),
        ({"path": "/etc/hostname", "content": "x"}, ""),
        ({"path": "/nonexistent/file"}, ".path"),
        ({"path": "/"}, ".path"),
        ({"content": "x", "content_type": "text"}, ".content_type"),
        ({"content": "x", "content_type": "text/plain\r\nX: y"}, ".content_type"),
        ({"content": "x", "content_type": "message/rfc822"}, ".content_type"),
        ({"content": "x", "filename": "mail.eml"}, ".content_type"),
        ({"content": "x", "content_type": "Multipart/mixed"}, ".content_type"),
    ],
)
def test_attachments_that_cannot_be(attachment: Dict[str, str], option: str) -> None:
    good = {"content": "x"}
    assert refused({"attachments": [good, attachment]}).option == "test_message.attachments[1]" + option


def test_gtube_stands_on_a_line_of_its_own() -> None:
    whole = content(build({"probe": "gtube", "body": "text"}))
    assert b"\r\nXJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\r\n" in whole


def test_eicar_comes_as_an_attachment_and_stands_in_no_file() -> None:
    attachment = next(parse(build({"probe": "eicar"})).iter_attachments())
    assert attachment.get_filename() == "eicar.com"
    data = attachment.get_payload(decode=True)
    assert isinstance(data, bytes)
    assert len(data) == 68 and data.endswith(b"}$" + b"EICAR" + b"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*")
    source = Path(module.__file__)
    for file in (source, *source.parent.glob("__pycache__/message.*.pyc"), Path(__file__)):
        assert data not in file.read_bytes() and base64.b64encode(data) not in file.read_bytes()


# Raw files


@pytest.fixture
def raw(tmp_path: Path) -> Callable[..., Dict[str, Any]]:
    def write(data: bytes, **options: Any) -> Dict[str, Any]:
        path = tmp_path / "message.eml"
        path.write_bytes(data)
        return dict(options, file=str(path))

    return write


Raw = Callable[..., Dict[str, Any]]


def test_a_raw_file_is_sent_as_it_is(raw: Raw) -> None:
    data = b"Bcc: kept@example.org\r\nX-Odd:   y \r\n\r\n.\r\n..\r\n" + b"z" * 5000 + b"\r\n"
    message = build(raw(data))
    assert content(message) == data
    assert (message.message_id, message.token, message.eightbit, message.smtputf8) == (
        None,
        None,
        False,
        False,
    )


@pytest.mark.parametrize(
    "header, message_id",
    [
        (b"Message-ID: <a@b>\r\n", "<a@b>"),
        (b"MESSAGE-ID:<a@b>  \r\n", "<a@b>"),
        (b"X: y\r\nMessage-Id:\r\n <a@b>\r\nZ: z\r\n", "<a@b>"),
        (b"Message-ID: \x1b\xff\r\n", "\\x1b\\xff"),
        (b"X: y\r\n\r\nMessage-ID: <a@b>\r\n", None),
        (b"\r\nMessage-ID: <a@b>\r\n", None),
        (b"Message-ID:\r\n", None),
    ],
)
def test_the_message_id_is_read_from_the_header(raw: Raw, header: bytes, message_id: Optional[str]) -> None:
    assert build(raw(header + b"\r\nbody\r\n")).message_id == message_id


@pytest.mark.parametrize(
    "data, eightbit, smtputf8",
    [
        (b"A: b\r\n\r\nc\xc3\xbc\r\n", True, False),
        (b"A: \xc3\xbc\r\n\r\nc\r\n", True, True),
        (b"A: b\r\n\r\n" + b"x" * 200000 + b"\xc3\xbc\r\n", True, False),
        (b"A: b\r\n\r\nc\r\n", False, False),
    ],
)
def test_what_a_raw_file_needs_of_the_relay(raw: Raw, data: bytes, eightbit: bool, smtputf8: bool) -> None:
    message = build(raw(data))
    assert content(message) == data
    assert (message.eightbit, message.smtputf8) == (eightbit, smtputf8)


def test_a_missing_last_line_end_is_added(raw: Raw) -> None:
    message = build(raw(b"A: b\r\n\r\nlast line"))
    assert content(message) == b"A: b\r\n\r\nlast line\r\n"
    assert message.size == 19


@pytest.mark.parametrize(
    "data, says",
    [
        (b"A: b\n\nc\n", "line 1 ends in a bare LF"),
        (b"A: b\r\n\r\nc\r\n.\n.\r\n", "line 4 ends in a bare LF"),
        (b"A: b\r\n\r\nc\r.\r\n", "line 3 ends in a bare CR"),
        (b"A: b\r\n\r\nc\r\r\n", "line 3 ends in a bare CR"),
        (b"A: b\r\n\r\nc\r", "line 3 ends in a bare CR"),
        (b"\nA: b\r\n", "line 1 ends in a bare LF"),
        (b"\r", "line 1 ends in a bare CR"),
        (b"a\n\r\n", "line 1 ends in a bare LF"),
    ],
)
def test_bare_line_ends_are_refused(raw: Raw, data: bytes, says: str) -> None:
    error = refused(raw(data))
    assert error.option == "test_message.file"
    assert says in str(error) and "normalise_line_endings" in str(error)


SIZES = (module.READ_OCTETS, module.READ_OCTETS // 2)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("normalise", [False, True])
def test_a_line_end_across_the_border_of_two_blocks_is_one(raw: Raw, size: int, normalise: bool) -> None:
    for before in range(size - 3, size + 3):
        data = b"x" * before + b"\r\n" + b"y" * (2 * size) + b"\r\n"
        assert content(build(raw(data, normalise_line_endings=normalise))) == data


@pytest.mark.parametrize("bare", [b"\r", b"\n"])
def test_a_bare_line_end_near_the_border_of_two_blocks_is_seen(raw: Raw, bare: bytes) -> None:
    size = module.READ_OCTETS
    for before in range(size - 3, size + 3):
        data = b"x" * before + bare + b"y" * 10 + b"\r\n"
        assert "line 1" in str(refused(raw(data)))
        assert content(build(raw(data, normalise_line_endings=True))) == data.replace(bare + b"y", b"\r\ny")


@pytest.mark.parametrize(
    "data, sent",
    [
        (b"a\nb\rc\r\nd", b"a\r\nb\r\nc\r\nd\r\n"),
        (b"a\r\r\nb\n", b"a\r\n\r\nb\r\n"),
        (b"a\r", b"a\r\n"),
        (b"\n\r\n", b"\r\n\r\n"),
    ],
)
def test_line_ends_are_converted_where_asked_for(raw: Raw, data: bytes, sent: bytes) -> None:
    assert content(build(raw(data, normalise_line_endings=True))) == sent


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pieces=st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"a", b"\xff", b"."]), min_size=1, max_size=12),
    size=st.integers(1, 4),
    normalise=st.booleans(),
)
def test_no_bare_line_end_gets_out_however_blocks_fall(pieces: List[bytes], size: int, normalise: bool) -> None:
    data = b"".join(pieces)
    parts = (data[start : start + size] for start in range(0, len(data), size))
    clean = data.count(b"\r\n") == data.count(b"\r") == data.count(b"\n")
    converted = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    expected = converted if converted.endswith(b"\r\n") else converted + b"\r\n"
    if clean or normalise:
        assert b"".join(module._with_crlf("test_message.file", parts, normalise)) == expected
    else:
        with pytest.raises(MessageError):
            b"".join(module._with_crlf("test_message.file", parts, normalise))


def test_converted_line_ends_double_a_file_but_no_block(raw: Raw) -> None:
    converted = content(build(raw(b"\n" * 100000, normalise_line_endings=True)))
    assert converted.count(b"\r\n") * 2 == len(converted) == 200000


def test_files_that_cannot_be_sent(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    os.mkfifo(str(tmp_path / "pipe"))
    for name, says in (
        ("missing", "cannot be read"), ("empty", "is empty"), ("pipe", "not a regular file"),
        (".", "not a regular file"), ("nul\0", "cannot be read"), ("n" * 300, "File name too long"),
    ):  # fmt: skip
        error = refused({"file": str(tmp_path) + "/" + name})
        assert error.option == "test_message.file"
        assert says in str(error)


@pytest.mark.parametrize(
    "other",
    [
        {"subject": "x"},
        {"body": "x"},
        {"html": "x"},
        {"headers": {"A": "b"}},
        {"attachments": [{}]},
        {"probe": "gtube"},
    ],
)
def test_a_raw_file_and_what_is_composed_exclude_each_other(raw: Raw, other: Dict[str, Any]) -> None:
    assert "message." + next(iter(other)) in str(refused(raw(b"a\r\n", **other)))


def test_unset_options_do_not_count_beside_a_raw_file(raw: Raw) -> None:
    unset = dict.fromkeys(("subject", "body", "html", "headers", "attachments", "probe"))
    assert content(build(raw(b"a\r\n", **unset))) == b"a\r\n"


@pytest.mark.parametrize("before", [b"A: b\r\n\r\nc\r\n", b"A: b\r\n\r\n" + (b"x" * 76 + b"\r\n") * 2000])
@pytest.mark.parametrize(
    "change, says",
    [
        (lambda data: data + b"c\r\n", "has changed"),
        (lambda data: data + b".\r\nMAIL FROM:<b@example.org>\r\n", "has changed"),
        (lambda data: data + b"c", "has changed"),
        (lambda data: data[:-1], "bare CR"),
        (lambda data: data[:-3] + b"\r\n", "has changed"),
        (lambda data: data[:-5], "has changed"),
        (lambda data: data[:-2], "the same"),
        (lambda data: b"A: \xfc" + data[4:], "has changed"),
        (lambda data: b"A\n" + data[2:], "bare LF"),
        (lambda data: b"", "is empty"),
    ],
)
def test_no_more_and_no_fewer_octets_than_were_measured(
    raw: Raw, before: bytes, change: Callable[[bytes], bytes], says: str
) -> None:
    """Not even where the clock of the file system tells nothing. The last block waits for the end to be known."""
    options = raw(before)
    message, written_at = build(options), os.stat(options["file"]).st_mtime_ns
    raw(change(before))
    os.utime(options["file"], ns=(written_at, written_at))
    if says == "the same":  # the line end that was missing is added
        assert content(message) == before
        return
    sent = []
    with pytest.raises(MessageError, match=says):
        for block in message.blocks():
            sent.append(block)
    assert sum(map(len, sent)) <= message.size
    assert b"MAIL" not in b"".join(sent)


def test_a_file_that_was_written_to_is_another(raw: Raw) -> None:
    """Though it has as many octets: its Message-ID may not be the one reported."""
    options = raw(b"Message-ID: <a@b>\r\n")
    message, written_at = build(options), os.stat(options["file"]).st_mtime_ns
    raw(b"Message-ID: <c@d>\r\n")
    os.utime(options["file"], ns=(written_at, written_at + 1))
    with pytest.raises(MessageError, match="has changed"):
        next(iter(message.blocks()))


def test_a_file_that_is_written_to_while_it_is_read_is_another(raw: Raw) -> None:
    options = raw(b"x" * (3 * module.READ_OCTETS) + b"\r\n")
    message, written_at = build(options), os.stat(options["file"]).st_mtime_ns
    blocks = message.blocks()
    next(blocks)
    os.utime(options["file"], ns=(written_at, written_at + 1))
    with pytest.raises(MessageError, match="has changed"):
        list(blocks)


def test_a_file_that_is_gone_when_it_is_sent(raw: Raw) -> None:
    options = raw(b"a\r\n")
    message = build(options)
    os.unlink(options["file"])
    with pytest.raises(MessageError, match="cannot be read"):
        list(message.blocks())


@pytest.mark.parametrize("end, normalise", [(b"\r\n", False), (b"\n", True)])
def test_25_mib_are_never_held_whole(raw: Raw, end: bytes, normalise: bool) -> None:
    line = b"x" * 76
    count = 25 * 1024 * 1024 // 78
    options = raw((line + end) * count, normalise_line_endings=normalise)
    tracemalloc.start()
    try:
        message = build(options)
        sent = sum(map(len, message.blocks()))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sent == message.size == count * 78
    assert peak < 8 * BLOCK


# What it costs and shows


def test_the_repr_is_short_and_holds_no_content() -> None:
    shown = repr(build({"body": "the body"}))
    assert "the body" not in shown and len(shown) < 300


def test_importing_message_does_not_import_email(tmp_path: Path) -> None:
    (tmp_path / "raw.eml").write_bytes(b"Message-ID: <a@b>\r\n\r\n")
    program = (
        "import sys\n"
        "from %s import build_message\n"
        "build_message({'file': sys.argv[1]}, '', [], 'd', 0, 't')\n"
        "print([name for name in ('email', 'mimetypes', 'datetime') if name in sys.modules])\n" % module.__name__
    )
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
    told = subprocess.check_output([sys.executable, "-c", program, str(tmp_path / "raw.eml")], env=environment)
    assert told.decode().strip() == "[]"
