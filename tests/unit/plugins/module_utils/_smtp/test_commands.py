# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The one door to the wire: what each command looks like, what cannot pass, and that no secret is ever shown.

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp import commands
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.commands import dot_stuffed
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.message import Message
from ansible_collections.postmaster.mailcheck.tests.support.script import stuffed

SECRET = b"\0tim\0tanstaaftanstaaf"


@pytest.mark.parametrize(
    "command, wire, stage",
    [
        (commands.ehlo("client.example.org"), b"EHLO client.example.org\r\n", "ehlo"),
        (commands.helo("client.example.org"), b"HELO client.example.org\r\n", "ehlo"),
        (commands.lhlo("client.example.org"), b"LHLO client.example.org\r\n", "ehlo"),
        (commands.starttls(), b"STARTTLS\r\n", "starttls"),
        (commands.mail("probe@example.org", {}), b"MAIL FROM:<probe@example.org>\r\n", "mail"),
        (commands.mail("", {}), b"MAIL FROM:<>\r\n", "mail"),
        (
            commands.mail("probe@example.org", {"SMTPUTF8": None, "SIZE": "12"}),
            b"MAIL FROM:<probe@example.org> SMTPUTF8 SIZE=12\r\n",
            "mail",
        ),
        (commands.rcpt("anna@example.com", {}), b"RCPT TO:<anna@example.com>\r\n", "rcpt"),
        (commands.rcpt("j\xf6rg@example.com", {}), b"RCPT TO:<j\xc3\xb6rg@example.com>\r\n", "rcpt"),
        (commands.data(), b"DATA\r\n", "data"),
        (commands.lone_dot(), b".\r\n", "message"),
        (commands.rset(), b"RSET\r\n", "rset"),
        (commands.quit_(), b"QUIT\r\n", "quit"),
        (commands.auth_cancel(), b"*\r\n", "auth"),
    ],
)
def test_commands_that_are_shown_as_they_are(command, wire, stage):
    assert (command.wire, command.stage) == (wire, stage)
    assert command.shown == wire[:-2].decode("utf-8")


@pytest.mark.parametrize("text, encoded", [
    ("!~azAZ09", "!~azAZ09"),
    ("+=", "+2B+3D"),
    (" \x7f", "+20+7F"),
    ("\xe9", "+C3+A9"),
])  # fmt: skip
def test_xtext(text, encoded):
    """RFC 3461 4"""
    assert commands.xtext(text) == encoded


def test_xclient_gives_its_attributes_in_xtext():
    command = commands.xclient({"NAME": "a b", "ADDR": "192.0.2.1"})
    assert command.wire == b"XCLIENT NAME=a+20b ADDR=192.0.2.1\r\n"


@pytest.mark.parametrize("dsn, of_mail, of_rcpt", [
    ({}, {}, {}),
    ({"ret": None, "envid": "", "notify": [], "orcpt": False}, {}, {}),
    ({"ret": "hdrs", "envid": "a+b", "notify": ["success", "delay"], "orcpt": True},
     {"RET": "HDRS", "ENVID": "a+2Bb"}, {"NOTIFY": "SUCCESS,DELAY", "ORCPT": "rfc822;a+2Bb@example.com"}),
])  # fmt: skip
def test_notifications(dsn, of_mail, of_rcpt):
    """RFC 3461 4.1 to 4.4"""
    assert commands.dsn_of_mail(dsn) == of_mail
    assert commands.dsn_of_rcpt(dsn, "a+b@example.com") == of_rcpt


def test_the_original_recipient_that_is_not_ascii():
    """RFC 6533 3: what would end the parameter is escaped."""
    assert commands.dsn_of_rcpt({"orcpt": True}, "\xe9 +=\\@example.com") == {
        "ORCPT": r"utf-8;\xe9\x{20}\x{2B}\x{3D}\x{5C}@example.com".replace(r"\xe9", "\xe9")
    }


def test_bdat_names_the_octets_that_follow():
    """RFC 3030 2"""
    message = Message("<m@example.org>", "token", 1234, False, False, lambda: iter([b"x" * 1234]))
    command = commands.bdat(message)
    assert (command.wire, command.content, command.dotted) == (b"BDAT 1234 LAST\r\n", message, False)
    assert (command.stage, command.shown) == ("message", "BDAT 1234 LAST <message, 1234 octets>")


# The PROXY protocol: https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt, 2.1 and 2.2

SIGNATURE = b"\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a"
V4, V6 = {"source_address": "192.0.2.1"}, {"source_address": "2001:db8::1"}
PORTS = {"source_port": 40000, "destination_port": 2525}
MAPPED = b"\0" * 10 + b"\xff\xff"
ZEROS = b"0000:0000:0000:0000:0000"


@pytest.mark.parametrize("options, relay, line", [
    (V4, "198.51.100.2", b"PROXY TCP4 192.0.2.1 198.51.100.2 0 587\r\n"),
    ({**V4, **PORTS}, "198.51.100.2", b"PROXY TCP4 192.0.2.1 198.51.100.2 40000 2525\r\n"),
    ({**V4, "destination_address": "203.0.113.3"}, "198.51.100.2", b"PROXY TCP4 192.0.2.1 203.0.113.3 0 587\r\n"),
    (V4, None, b"PROXY TCP4 192.0.2.1 127.0.0.1 0 587\r\n"),
    (V4, "/run/relay", b"PROXY TCP4 192.0.2.1 127.0.0.1 0 587\r\n"),
    (V6, "fe80::2%eth0", b"PROXY TCP6 2001:0db8:%s:0001 fe80:0000:%s:0002 0 587\r\n" % (ZEROS, ZEROS)),
    (V6, "2001:db8::2", b"PROXY TCP6 2001:0db8:%s:0001 2001:0db8:%s:0002 0 587\r\n" % (ZEROS, ZEROS)),
    (V6, "198.51.100.2",
     b"PROXY TCP6 2001:0db8:%s:0001 0000:%s:ffff:c633:6402 0 587\r\n" % (ZEROS, ZEROS[5:])),
])  # fmt: skip
def test_proxy_version_1(options, relay, line):
    command = commands.proxy_header({"version": 1, **options}, relay, 587)
    assert (command.stage, command.wire) == ("connect", line)


@pytest.mark.parametrize("options, relay, header", [
    (V4, "198.51.100.2", b"\x21\x11\x00\x0c" + bytes([192, 0, 2, 1, 198, 51, 100, 2]) + b"\x00\x00\x02\x4b"),
    ({**V4, **PORTS}, "198.51.100.2",
     b"\x21\x11\x00\x0c" + bytes([192, 0, 2, 1, 198, 51, 100, 2]) + b"\x9c\x40\x09\xdd"),
    (V6, "2001:db8::2", b"\x21\x21\x00\x24" + b"\x20\x01\x0d\xb8" + b"\0" * 11 + b"\x01"
     + b"\x20\x01\x0d\xb8" + b"\0" * 11 + b"\x02" + b"\x00\x00\x02\x4b"),
    (V4, "2001:db8::2", b"\x21\x21\x00\x24" + MAPPED + bytes([192, 0, 2, 1])
     + b"\x20\x01\x0d\xb8" + b"\0" * 11 + b"\x02" + b"\x00\x00\x02\x4b"),
])  # fmt: skip
def test_proxy_version_2(options, relay, header):
    command = commands.proxy_header({"version": 2, **options}, relay, 587)
    assert (command.stage, command.wire) == ("connect", SIGNATURE + header)
    assert command.shown.startswith("PROXY TCP")
    assert command.shown.endswith(" (v2)")


# Secrets


def test_auth_is_redacted_where_it_is_built():
    command = commands.auth("PLAIN", SECRET)
    assert command.wire == b"AUTH PLAIN " + base64.b64encode(SECRET) + b"\r\n"
    assert command.shown == "AUTH PLAIN <redacted>"


def test_auth_without_an_initial_response():
    command = commands.auth("LOGIN", None)
    assert (command.wire, command.shown) == (b"AUTH LOGIN\r\n", "AUTH LOGIN")


def test_an_empty_initial_response_is_an_equals_sign():
    """RFC 4954 4."""
    assert commands.auth("EXTERNAL", b"").wire == b"AUTH EXTERNAL =\r\n"


def test_responses_are_redacted():
    command = commands.auth_response(SECRET)
    assert command.wire == base64.b64encode(SECRET) + b"\r\n"
    assert command.shown == "<redacted>"
    assert commands.auth_response(b"").wire == b"\r\n"


@pytest.mark.parametrize("command", [commands.auth("PLAIN", SECRET), commands.auth_response(SECRET)])
def test_no_form_in_which_a_command_is_printed_holds_a_secret(command):
    for shown in (repr(command), str(command), "%s" % (command,), f"{command}"):
        assert "tanstaaf" not in shown
        assert base64.b64encode(SECRET).decode() not in shown


def test_a_long_response_stays_on_one_line():
    token = b"x" * 9000
    assert commands.auth("XOAUTH2", token).wire.count(b"\r\n") == 1
    assert b"\n" not in commands.auth_response(token).wire[:-2]


# Injection


@pytest.mark.parametrize("control", ["\r", "\n", "\0", "\r\n", "a\r\nQUIT"])
@pytest.mark.parametrize(
    "build",
    [
        commands.ehlo,
        commands.helo,
        commands.lhlo,
        lambda text: commands.mail(text, {}),
        lambda text: commands.rcpt(text, {}),
        lambda text: commands.mail("", {"ENVID": text}),
        lambda text: commands.mail("", {text: None}),
        lambda text: commands.rcpt("", {"ORCPT": text}),
        lambda text: commands.auth(text, None),
        lambda text: commands.auth(text, b"x"),
    ],
)
def test_no_line_end_and_no_nul_gets_through_the_door(build, control):
    with pytest.raises(ValueError, match="CR, LF or NUL") as refused:
        build("before%safter" % control)
    assert "before" not in str(refused.value)


@settings(deadline=None)
@given(st.text())
def test_a_command_is_one_line_or_none(text):
    try:
        wire = commands.rcpt(text, {}).wire
    except ValueError:
        return
    assert wire.count(b"\r") == wire.count(b"\n") == 1
    assert wire.endswith(b"\r\n")
    assert b"\0" not in wire


def test_what_is_shown_steers_no_terminal():
    assert commands.mail("\x1b[31m@example.org", {}).shown == "MAIL FROM:<\\x1b[31m@example.org>"


# Dot-stuffing (RFC 5321 4.5.2)


def in_blocks(content, size):
    return [content[start : start + size] for start in range(0, len(content), size)]


CONTENT = b".first\r\n..second\r\nthird.\r\n.\r\n\r\n.\r\r\n.x\r\n.\r\n\n.no\r.no\r\n"


@pytest.mark.parametrize("size", range(1, len(CONTENT) + 1))
def test_dots_are_doubled_across_every_border(size):
    assert b"".join(dot_stuffed(in_blocks(CONTENT, size))) == stuffed(CONTENT)


@pytest.mark.parametrize("one", range(len(CONTENT) + 1))
def test_dots_are_doubled_whatever_the_two_borders(one):
    for other in range(one, len(CONTENT) + 1):
        blocks = [CONTENT[:one], CONTENT[one:other], CONTENT[other:]]
        assert b"".join(dot_stuffed(blocks)) == stuffed(CONTENT)


@settings(deadline=None)
@given(st.lists(st.sampled_from([b".", b"\r\n", b"\r", b"\n", b"a", b"", b"..", b"\r\n."])))
def test_any_blocks_are_stuffed_as_their_whole_would_be(blocks):
    assert b"".join(dot_stuffed(blocks)) == stuffed(b"".join(blocks))


@settings(deadline=None)
@given(st.lists(st.sampled_from([b".", b"\r\n", b"a", b"..", b"\r\n.\r\n"])))
def test_no_content_can_end_the_message_early(blocks):
    """Not even `CRLF . CRLF`; and taking the dots away again gives what was put in."""
    content = b"".join(blocks)
    sent = b"".join(dot_stuffed(blocks))
    assert b"\r\n.\r\n" not in b"\r\n" + sent
    received = b"\r\n".join(line[1:] if line.startswith(b".") else line for line in sent.split(b"\r\n"))
    assert received == content


def test_content_shows_its_size_only():
    message = Message(None, None, 1234, False, False, lambda: iter([b"secret plans\r\n"]))
    command = commands.content(message)
    assert (command.stage, command.shown, command.content) == ("message", "<message, 1234 octets>", message)
