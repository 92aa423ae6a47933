# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What is left of a peer's words when the secrets in them are taken out.

from __future__ import annotations

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.text import (
    REDACTED,
    Secrets,
    counted,
    cut,
    decode,
    holds_control,
    printable,
    where,
)

SECRET = "tanstaaf-12345678"


@pytest.mark.parametrize("text", ["a\nb", "\x00", "\x7f", "\x85", "\ud800", "\xe9\x1b"])
def test_control_characters_are_found(text):
    assert holds_control(text)


@pytest.mark.parametrize("text", ["", "plain", "caf\xe9", "\u4f60\u597d", "\U0001f600", "\xa0"])
def test_what_steers_nothing_holds_no_control(text):
    assert not holds_control(text)


@pytest.mark.parametrize(
    ("data", "shown", "in_other_charsets"),
    [
        (b"plain", "plain", "plain"),
        ("caf\xe9".encode(), "caf\xe9", "caf\xe9"),
        (b"code \xe9 ok", "code \\xe9 ok", "code \\xe9 ok"),
        (b"refus\xe9e", "refus\\xe9e", "refus\xe9e"),
        ("\u90ae\u4ef6 no".encode("gbk"), "\\xd3\u02bc\\xfe no", "\u90ae\u4ef6 no"),
    ],
)
def test_octets_are_read_as_utf_8_and_as_other_words_only_where_that_is_asked_for(data, shown, in_other_charsets):
    assert decode(data) == shown
    assert decode(data, other_charsets=True) == in_other_charsets


def test_a_text_is_cut_behind_4000_characters():
    assert cut("x" * 4000) == "x" * 4000
    assert cut("x" * 4002) == "x" * 4000 + "\u2026 (2 characters more)"


@pytest.mark.parametrize("length", range(8, len(SECRET) + 1))
def test_any_eight_characters_in_a_row_are_left_out_wherever_they_stand_in_the_secret(length):
    for first in range(len(SECRET) - length + 1):
        part = SECRET[first : first + length]
        assert Secrets((SECRET,)).redacted("so: _%s_." % part) == "so: _%s_." % REDACTED


def test_seven_may_be_chance():
    assert Secrets((SECRET,)).redacted("%s %s" % (SECRET[:7], SECRET[-7:])) == "tanstaa 2345678"


@pytest.mark.parametrize("before", ["\0anna\0", "\t", "\x01", " ", "(", "\\"])
def test_a_short_secret_is_left_out_behind_what_is_shown_as_an_escape(before):
    """As a relay repeats the answer of PLAIN, decoded (RFC 4616 2)."""
    assert "hunter2" not in Secrets(("hunter2",)).redacted(printable("rejected: %shunter2." % before))


def test_parts_that_meet_are_left_out_together():
    assert Secrets((SECRET,)).redacted(SECRET[:9] + SECRET[5:] + "!") == REDACTED + "!"


@pytest.mark.parametrize("secrets, text, shown", [
    ((SECRET, "5678 xyz"), "a tanstaaf-12345678 xyz b", "a <redacted> b"),  # two long ones
    ((SECRET, "5678 xy"), "a tanstaaf-12345678 xy b", "a <redacted> b"),  # a short one that begins inside the other
    ((SECRET, "x tanst"), "a x tanstaaf-12345678 b", "a <redacted> b"),
    (("ab cd", "cd ef"), "a ab cd ef b", "a <redacted> b"),  # two short ones
    (("cd ef", "ab cd"), "a ab cd ef b", "a <redacted> b"),
    (("ab cd", "ab cd ef"), "a ab cd ef b", "a <redacted> b"),  # one is in the other
    ((SECRET, "hunter2"), "hunter2tanstaaf-12345678hunter2", "<redacted>"),
    ((SECRET, "act"), "tanstaaf-12345678", "<redacted>"),  # what is written instead is nobody's secret
])  # fmt: skip
def test_of_secrets_that_overlap_nothing_is_shown(secrets, text, shown):
    assert Secrets(secrets).redacted(text) == shown


def test_what_comes_to_be_known_is_left_out_as_well():
    secrets = Secrets((SECRET,))
    secrets.add(("0123456789", "brief"))
    assert secrets.redacted("123456789 brief briefly " + SECRET) == "<redacted> <redacted> briefly <redacted>"


@pytest.mark.parametrize("lines, shown", [
    (("no: tanst", "aaf-12345678 is it"), ("no: <redacted>", "<redacted> is it")),
    (("tanstaa", "", "f-12345678"), ("<redacted>", "", "<redacted>")),
    (("tan", "staaf-123", "45678"), ("<redacted>", "<redacted>", "<redacted>")),
    (("tanstaaf", "free"), ("<redacted>", "free")),
    (("one", "two"), ("one", "two")),
    ((SECRET, "free", SECRET), ("<redacted>", "free", "<redacted>")),
    (("a %s b %s" % (SECRET, SECRET), "c", "d " + SECRET), ("a <redacted> b <redacted>", "c", "d <redacted>")),
])  # fmt: skip
def test_a_secret_that_is_split_is_left_out_of_each_line(lines, shown):
    assert tuple(Secrets((SECRET,)).redacted_lines(lines)) == shown


def test_what_is_known_of_secrets_is_not_shown_either():
    assert SECRET not in repr(Secrets((SECRET,)))


@pytest.mark.parametrize("host, port, shown", [
    ("relay.example.com", 25, "relay.example.com:25"),
    ("2001:db8::25", 587, "[2001:db8::25]:587"),
    ("192.0.2.25", None, "192.0.2.25"),
    ("/run/dovecot/lmtp", 24, "/run/dovecot/lmtp"),
])  # fmt: skip
def test_an_endpoint_as_people_write_it(host, port, shown):
    assert where(host, port) == shown


def test_things_are_counted():
    assert [counted(number, "relay") for number in (0, 1, 2)] == ["0 relays", "1 relay", "2 relays"]


def test_secrets_are_equal_that_keep_the_same():
    one, other = Secrets(["tanstaafl tanstaafl"]), Secrets()
    assert one != other
    other.add(["tanstaafl tanstaafl"])
    assert one == other and one != "tanstaafl tanstaafl"
    with pytest.raises(TypeError):
        hash(one)
