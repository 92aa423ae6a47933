# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Bytes in, replies out: RFC 5321 4.2 as it is written, as it is bent in the field, and as it is broken.

from __future__ import annotations

import re
import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.text import decode, printable
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp import replies
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.replies import ReplyError, ReplyReader


def read(data):
    """Return the replies that `data` holds, and whether bytes are left over."""
    reader = ReplyReader()
    reader.feed(data)
    return drain(reader), reader.pending


def drain(reader):
    return list(iter(reader.next_reply, None))


def one(data):
    (reply,), pending = read(data)
    assert not pending
    return reply


# As written


def test_one_line():
    reply = one(b"220 relay.example.com ESMTP\r\n")
    assert (reply.code, reply.lines, reply.notes) == (220, ("relay.example.com ESMTP",), ())


def test_several_lines_are_one_reply():
    reply = one(b"250-relay.example.com\r\n250-SIZE 1000\r\n250 HELP\r\n")
    assert (reply.code, reply.lines) == (250, ("relay.example.com", "SIZE 1000", "HELP"))
    assert reply.text == "relay.example.com\nSIZE 1000\nHELP"


@pytest.mark.parametrize("data", [b"250\r\n", b"250 \r\n"])
def test_a_code_without_text(data):
    assert one(data).lines == ("",)


def test_replies_in_a_row_stay_apart():
    found, pending = read(b"250 2.1.0 Ok\r\n550-5.1.1 no\r\n550 5.1.1 such\r\n354 go\r\n25")
    assert [reply.code for reply in found] == [250, 550, 354]
    assert pending


DIALOGUE = b"220-one\r\n220 two\r\n250 caf\xc3\xa9\r\n421\r\n"


@pytest.mark.parametrize("cut", range(len(DIALOGUE) + 1))
def test_a_dialogue_cut_anywhere_reads_the_same(cut):
    reader = ReplyReader()
    reader.feed(DIALOGUE[:cut])
    found = drain(reader)
    reader.feed(DIALOGUE[cut:])
    found += drain(reader)
    assert [(reply.code, reply.text) for reply in found] == [(220, "one\ntwo"), (250, "café"), (421, "")]
    assert not reader.pending


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40)))
def test_how_bytes_arrive_never_matters(pieces):
    whole, parts = ReplyReader(), ReplyReader()
    whole.feed(b"".join(pieces))
    for piece in pieces:
        parts.feed(piece)
    assert outcome(whole) == outcome(parts)


def outcome(reader):
    found = []
    try:
        while True:
            reply = reader.next_reply()
            if reply is None:
                return found, "more"
            found.append(reply)
    except ReplyError as error:
        return found, str(error)


# As bent: read, and noted


def test_a_bare_lf_ends_a_line():
    reply = one(b"250-one\n250 two\n")
    assert reply.lines == ("one", "two")
    assert reply.notes == ("lines end with a bare LF",)


def test_notes_belong_to_their_reply():
    found, _pending = read(b"250 one\n250 two\r\n")
    assert [len(reply.notes) for reply in found] == [1, 0]


def test_the_last_line_decides_where_codes_differ():
    reply = one(b"220-welcome\r\n521 not you\r\n")
    assert reply.code == 521
    assert reply.notes == ("the lines of one reply carry different codes",)


@pytest.mark.parametrize("last", [220, 250, 334, 354])
def test_a_refusal_does_not_become_a_success_by_its_last_line(last):
    with pytest.raises(ReplyError) as raised:
        one(b"250-so\r\n550-not taken\r\n%d ok\r\n" % last)
    shown = "<redacted>" if last == 334 else "ok"
    assert str(raised.value) == "a reply is a refusal, 550, and ends as %d: 'so not taken %s'" % (last, shown)


def test_octets_that_are_not_utf_8_are_shown():
    assert one(b"220 caf \xe9\r\n").text == "caf \\xe9"


@pytest.mark.parametrize(
    "sent, shown",
    [
        (b"\x1b[31mred", "\\x1b[31mred"),
        (b"a\rb", "a\\rb"),
        (b"nul\x00", "nul\\x00"),
        (b"bell\x07", "bell\\x07"),
        ("right\u202eto left".encode(), "right\\u202eto left"),
        ("c1\x9b31m".encode(), "c1\\x9b31m"),
        ("zero\u200bwidth".encode(), "zero\\u200bwidth"),
        (b"\xed\xa0\x80", "\\xed\\xa0\\x80"),
    ],
)
def test_nothing_that_steers_a_terminal_gets_through(sent, shown):
    assert one(b"250 " + sent + b"\r\n").text == shown


def test_what_cannot_be_seen_is_shown():
    """Whatever Unicode calls a control, a format or a separator of lines, but what has a shape or shapes its neighbours."""
    seen = "\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd\U00013430-\U0001343f"
    unseen = [c for c in map(chr, range(0x110000)) if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    assert [c for c in unseen if printable(c) == c and not re.match("[%s]" % seen, c)] == []


@pytest.mark.parametrize("ignored", [
    "\u034f", "\u115f", "\u1160", "\u17b4", "\u180b", "\u180f", "\u3164", "\ufe00", "\ufe0f", "\uffa0", "\U000e0100",
    "\U000e01ef", "\U000e0fff",
])  # fmt: skip
def test_nor_do_fillers_and_selectors_pass(ignored):
    """Letters and marks by their category, and nothing to see: `post\u3164office` may pass for another name."""
    assert printable("a%sb" % ignored) == "a%sb" % ignored.encode("unicode_escape").decode("ascii")


@settings(deadline=None)
@given(st.binary())
def test_decoded_text_is_always_printable_and_encodable(data):
    text = decode(data)
    assert printable(text) == text
    assert text.encode("utf-8").decode("utf-8") == text
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in text)


# As broken


@pytest.mark.parametrize(
    "line",
    [b"", b"hello", b"22 hello", b"2x0 hello", b"2200 hello", b"220+hello", b"220\thello", b" 220 hello", b"-20 hello",
     "٢٢٠ hello".encode(), b"\xff\xfe", b"220_x"],
)  # fmt: skip
def test_what_is_no_reply_line(line):
    reader = ReplyReader()
    reader.feed(b"250-first\r\n" + line + b"\r\n250 last\r\n")
    with pytest.raises(ReplyError):
        drain(reader)


def test_an_error_shows_what_came_safely():
    reader = ReplyReader()
    reader.feed(b"\x1b[2Jboo\r\n")
    with pytest.raises(ReplyError, match=r"\\x1b\[2Jboo"):
        reader.next_reply()


def test_a_long_line_is_taken_up_to_the_limit():
    text = b"x" * (replies.MAX_LINE_OCTETS - len(b"250 \r\n"))
    assert len(one(b"250 " + text + b"\r\n").lines[0]) == len(text)


@pytest.mark.parametrize("end", [b"", b"\r\n"])
def test_a_line_over_the_limit(end):
    reader = ReplyReader()
    reader.feed(b"250 " + b"x" * replies.MAX_LINE_OCTETS + end)
    with pytest.raises(ReplyError, match="longer than"):
        reader.next_reply()


def test_endless_lines_come_to_an_end():
    reader = ReplyReader()
    with pytest.raises(ReplyError, match="more than"):
        for _line in range(10 * replies.MAX_REPLY_LINES):
            reader.feed(b"250-X\r\n")
            assert reader.next_reply() is None


def test_endless_octets_come_to_an_end():
    reader = ReplyReader()
    with pytest.raises(ReplyError, match="more than"):
        for _line in range(100):
            reader.feed(b"250-" + b"x" * 2000 + b"\r\n")
            assert reader.next_reply() is None


def test_the_limits_count_for_each_reply_anew():
    found, _pending = read((b"250-x\r\n" * 500 + b"250 x\r\n") * 20)
    assert len(found) == 20


def test_input_costs_no_more_than_its_length():
    """Searching anew from the start with every octet would take minutes."""
    data = b"250 " + b"x" * 8000 + b"\r\n"
    began = time.process_time()
    for _time in range(5):
        reader = ReplyReader()
        for octet in data:
            reader.feed(bytes((octet,)))
            reader.next_reply()
        assert not reader.pending
    assert time.process_time() - began < 5


# Enhanced status codes (RFC 2034 4)


@pytest.mark.parametrize(
    "data, enhanced",
    [
        (b"550 #5.1.0 Address rejected.\r\n", "5.1.0"),
        (b"550 sorry, no mailbox here by that name. (#5.1.1)\r\n", "5.1.1"),
        (b"550 sorry (#5.7.1 - chkusr)\r\n", "5.7.1"),
        (b"451 sorry (#5.7.1)\r\n", None),
        (b"550 version #5.1.1.2\r\n", None),
        (b"550 see 5.1.1\r\n", None),
        (b"550 5.1.1 User unknown\r\n", "5.1.1"),
        (b"550 5.1.1\r\n", "5.1.1"),
        (b"250-2.1.5 first\r\n250 2.1.5 last\r\n", "2.1.5"),
        (b"550-5.7.1 first\r\n550 see http://example.com\r\n", "5.7.1"),
        (b"451 4.7.500 Server busy\r\n", "4.7.500"),
        (b"550 4.1.1 the classes differ\r\n", None),
        (b"250 5.1.1 the classes differ\r\n", None),
        (b"550 5.1.1: with a colon\r\n", None),
        (b"550 5.1 only two\r\n", None),
        (b"550 5.1.1.1 four\r\n", None),
        (b"550 5.1.1234 too long\r\n", None),
        (b"550 User 5.1.1 unknown\r\n", None),
        (b"354 3.0.0 no such class\r\n", None),
        (b"250 Ok\r\n", None),
    ],
)
def test_enhanced_codes(data, enhanced):
    assert one(data).enhanced_code == enhanced


@pytest.mark.parametrize(
    "data, codes",
    [
        (b"250 5.1.1 User unknown\r\n", ("5.X.X", 250)),
        (b"250 4.2.0 Queued\r\n", ("4.X.X", 250)),
        (b"451 5.7.3 STARTTLS is required\r\n", ("5.X.X", 451)),
        (b"550 2.0.0 Ok\r\n", ("2.X.X", 550)),
        (b"451 sorry (#5.7.1)\r\n", ("5.X.X", 451)),
        (b"354 5.6.0 Go on\r\n", ("5.X.X", 354)),
    ],
)
def test_an_enhanced_code_of_another_class_than_its_reply_is_noted(data, codes):
    """RFC 2034 4, RFC 3463 2."""
    assert one(data).notes == ("an enhanced status code %s contradicts the reply code %d" % codes,)


@pytest.mark.parametrize(
    "data",
    [
        b"250 2.1.5 Ok\r\n",
        b"550 User 2.1.1 unknown\r\n",
        b"354 Go on\r\n",
        b"354 2.0.0 Go ahead. End your data with <CR><LF>.<CR><LF>\r\n",
        b"250 Ok\r\n",
    ],
)
def test_nothing_is_noted_of_codes_that_agree(data):
    assert one(data).notes == ()


# What is left


def test_waiting_shows_the_beginning_only():
    reader = ReplyReader()
    reader.feed(b"x" * 1000)
    assert reader.waiting == "x" * 64


def test_head_keeps_the_first_octets_of_all():
    reader = ReplyReader()
    for octet in b"220 relay.example.com\r\n250 ok\r\n":
        reader.feed(bytes((octet,)))
    assert len(drain(reader)) == 2
    assert reader.head == b"220 rela"


# Other encodings than UTF-8


@pytest.mark.parametrize(
    "octets, text",
    [
        ("Empfänger unbekannt".encode("latin-1"), "Empfänger unbekannt"),
        ("boîte aux lettres supprimée".encode("latin-1"), "boîte aux lettres supprimée"),
        ("用户不存在 x@example.com".encode("gbk"), "用户不存在 x@example.com"),
        ("Empfänger unbekannt".encode(), "Empfänger unbekannt"),
        (b"\xff\xfe\x00", "\\xff\\xfe\\x00"),  # no words
        (b"a \xa4 b", "a \\xa4 b"),
    ],
)
def test_words_of_other_encodings_are_shown(octets, text):
    assert one(b"550 " + octets + b"\r\n").text == text


def test_a_secret_in_other_letters_is_known_in_utf_8_only():
    """A line of two encodings is not read as the one in which the secret would look otherwise."""
    reader = ReplyReader()
    reader.secrets.add(["päßwörter"])
    reader.feed(b"550 " + "Empfänger ".encode("latin-1") + "päßwörter".encode() + b"\r\n")
    assert "redacted" in reader.next_reply().text
