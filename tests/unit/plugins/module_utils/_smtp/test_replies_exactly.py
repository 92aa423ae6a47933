# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Where a reply reader draws its lines, to the octet: limits, what it shows of a secret, and what it never shows. These
# are the changes of a character that the other tests would not notice (`make mutants`).

from __future__ import annotations

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.text import Secrets
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.replies import ReplyError, ReplyReader

SECRET = "tanstaaf-12345678"


def read(data: bytes, *secrets: str):
    reader = ReplyReader(Secrets(secrets))
    reader.feed(data)
    return reader.next_reply()


def test_a_line_of_8191_octets_is_taken_and_one_of_8192_is_not():
    """Its CR counts, its LF does not."""
    assert len(read(b"250 " + b"x" * 8186 + b"\r\n").lines[0]) == 8186
    with pytest.raises(ReplyError, match="longer than 8192 octets"):
        read(b"250 " + b"x" * 8187 + b"\r\n")


def test_8192_octets_without_an_end_may_still_be_waited_for_and_8193_not():
    assert read(b"250 " + b"x" * 8188) is None
    with pytest.raises(ReplyError, match="longer than 8192 octets"):
        read(b"250 " + b"x" * 8189)


def test_512_lines_are_a_reply_and_513_are_not():
    assert len(read(b"250-x\r\n" * 511 + b"250 x\r\n").lines) == 512
    with pytest.raises(ReplyError, match="more than 512 lines or 65536 octets"):
        read(b"250-x\r\n" * 512 + b"250 x\r\n")


@pytest.mark.parametrize("before", [b"", b"220 x\r\n"])
def test_65536_octets_are_a_reply_and_one_more_is_not(before):
    """Line ends do not count; nor does the reply before."""
    body = b"".join(b"250-" + b"x" * 4092 + b"\r\n" for _index in range(15))
    for last, fits in ((4092, True), (4093, False)):
        reader = ReplyReader()
        reader.feed(before + body + b"250 " + b"x" * last + b"\r\n")
        if before:
            reader.next_reply()
        if fits:
            assert len(reader.next_reply().lines) == 16
        else:
            with pytest.raises(ReplyError):
                reader.next_reply()


def test_an_empty_line_is_no_reply_line():
    with pytest.raises(ReplyError, match="not a reply line: ''"):
        read(b"\n250 x\r\n")


@pytest.mark.parametrize("count, shown", [(199, 199), (200, 200), (201, 200)])
def test_an_error_shows_200_octets_of_a_line(count, shown):
    with pytest.raises(ReplyError) as raised:
        read(b"x" * count + b"\n")
    assert str(raised.value) == "not a reply line: '%s'" % ("x" * shown)


def test_every_line_is_held_against_the_last_ones_code():
    assert read(b"220-x\r\n521 x\r\n").notes == read(b"521-x\r\n450 x\r\n").notes != ()


def test_the_head_is_eight_octets_whatever_follows():
    reader = ReplyReader()
    for piece in (b"1234567", b"89", b"0", b"more"):
        reader.feed(piece)
    assert reader.head == b"12345678"


@pytest.mark.parametrize("data, enhanced", [(b"599 5.1.1 x\r\n", "5.1.1"), (b"400 4.1.1 x\r\n", "4.1.1"),
                                            (b"499 4.1.1 x\r\n", "4.1.1"), (b"500 5.1.1 x\r\n", "5.1.1")])  # fmt: skip
def test_an_enhanced_code_has_the_class_of_its_reply(data, enhanced):
    assert read(data).enhanced_code == enhanced


def test_a_secret_that_a_relay_repeats_is_left_out():
    assert read(b"500 What is %s?\r\n" % SECRET.encode(), "other secret", SECRET).text == "What is <redacted>?"


@pytest.mark.parametrize("repeated", range(8, len(SECRET) + 1))
def test_the_beginning_of_a_secret_is_left_out_from_eight_characters(repeated):
    assert read(b"500 What is %s\r\n" % SECRET[:repeated].encode(), SECRET).text == "What is <redacted>"


@pytest.mark.parametrize("sent, shown", [
    ("tanstaaf-123, then tanstaaf-12345678! tanstaafX tanstaaf", "<redacted>, then <redacted>! <redacted>X <redacted>"),
    ("it said tanstaaf-12340", "it said <redacted>0"),  # less than what the secret has there
    ("it said tanstaaf-1234z", "it said <redacted>z"),  # and more
])  # fmt: skip
def test_each_part_of_a_secret_is_left_out_as_far_as_it_goes_and_no_further(sent, shown):
    assert read(b"500 %s\r\n" % sent.encode(), SECRET).text == shown


@pytest.mark.parametrize("secret, shown", [
    ("1234", "<redacted> of x12345678x, or <redacted>?"),
    ("12345678", "1234 of x<redacted>x, or 1234?"),
])  # fmt: skip
def test_a_secret_of_less_than_eight_characters_is_one_only_as_a_word(secret, shown):
    assert read(b"500 1234 of x12345678x, or 1234?\r\n", secret).text == shown


@pytest.mark.parametrize("data, shown", [(b"334 c2VjcmV0", "334 <redacted>"), (b"250 hello", "250 hello")])
def test_a_challenge_that_waits_for_its_end_is_not_shown(data, shown):
    reader = ReplyReader()
    reader.feed(data)
    assert reader.waiting == shown


@pytest.mark.parametrize("data, challenge", [(b"334 c2Vj\r\n", b"c2Vj"), (b"250 ok\r\n", b""), (b"550 no\r\n", b"")])
def test_only_334_is_a_challenge(data, challenge):
    assert read(data).challenge == challenge


def test_an_empty_line_within_a_reply_is_no_reply_line():
    with pytest.raises(ReplyError, match="not a reply line: ''"):
        read(b"250-one\r\n\n250 two\r\n")


def test_the_last_line_s_enhanced_code_counts_though_the_first_has_none():
    assert read(b"250-hello\r\n250 2.1.5 ok\r\n").enhanced_code == "2.1.5"


def test_a_challenge_may_have_12288_octets():
    """RFC 4954 4."""
    assert len(read(b"334 " + b"x" * 12288 + b"\r\n").challenge) == 12288
    with pytest.raises(ReplyError, match="longer than 12294 octets"):
        read(b"334 " + b"x" * 12291 + b"\r\n")


def test_seven_characters_of_a_secret_could_be_any_word_and_are_shown():
    assert read(b"500 What is tanstaa\r\n", SECRET).text == "What is tanstaa"


@pytest.mark.parametrize("code", [b"220", b"333", b"335", b"535"])
def test_no_reply_holds_a_secret(code):
    """A challenge (334) has to reach the mechanism whole, and is shown nowhere."""
    line = code + b" " + SECRET.encode() + b"\r\n"
    assert SECRET not in read(line, SECRET).text
    challenge = read(b"334" + line[3:], SECRET)
    assert (challenge.text, challenge.challenge) == ("<redacted>", SECRET.encode())


def test_no_error_shows_a_secret():
    with pytest.raises(ReplyError) as raised:
        read(SECRET.encode() + b"\r\n", SECRET)
    assert SECRET not in str(raised.value)
