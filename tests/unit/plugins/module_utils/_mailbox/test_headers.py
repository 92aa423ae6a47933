# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Header fields are read from octets that anybody may have written (RFC 5322 2.2).

from __future__ import annotations

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.headers import (
    MAX_FIELDS,
    MAX_VALUE,
    fields_of,
    first,
    split_comments,
)


@pytest.mark.parametrize(
    "octets, expected",
    [
        (b"A: b\r\nC: d\r\n\r\nE: body\r\n", [("A", "b"), ("C", "d")]),
        (b"A: b\nC: d\n\nE: body\n", [("A", "b"), ("C", "d")]),
        (b"A: b\r\n\tc\r\n  d\r\n\r\n", [("A", "b c d")]),
        (b"A :b\r\n", [("A", "b")]),
        (b"A:\r\n", [("A", "")]),
        (b"no field\r\nA: b\r\n", [("A", "b")]),
        (b"From root Sat Nov 28 12:00:00 2026\nA: b\n", [("A", "b")]),  # mbox
        (b" continues nothing\r\nA: b\r\n", [("A", "b")]),
        (b"A: caf\xe9\r\n", [("A", "caf\\xe9")]),
        (b"A: caf\xc3\xa9\r\n", [("A", "caf\u00e9")]),
        (b"A: \x1b[31mred\x00\r\n", [("A", "\\x1b[31mred\\x00")]),
        (b"A: a\rB: c\r\n", [("A", "a\\rB: c")]),
        (b"", []),
    ],
)
def test_fields(octets, expected):
    assert fields_of(octets) == expected


def test_the_first_field_of_a_name_whatever_its_case():
    fields = fields_of(b"X-Token: 1\r\nx-token: 2\r\n")
    assert first(fields, "X-TOKEN") == "1"
    assert first(fields, "other") is None


@pytest.mark.parametrize(
    "text, outside, comments",
    [
        ("a (b (c)) d", "a   d", ["b (c)"]),
        (r"a (b \) c) d", "a   d", [r"b \) c"]),  # RFC 5322 3.2.1: a quoted pair ends nothing
        (r'"(a\" (b" (c)', r'"(a\" (b"  ', ["c"]),
        (r"a \(b) c", "a \\  c", ["b"]),  # outside of comments and quotes it quotes nothing
        ("a (b", "a  ", []),
    ],
)
def test_comments(text, outside, comments):
    assert split_comments(text) == (outside, comments)


def test_bounds():
    assert len(fields_of(b"A: b\r\n" * (MAX_FIELDS + 5))) == MAX_FIELDS
    ((_name, value),) = fields_of(b"A: " + b"b" * 500_000)
    assert len(value) == MAX_VALUE
