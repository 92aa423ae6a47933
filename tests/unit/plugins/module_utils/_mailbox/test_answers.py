# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What IMAP servers answer (RFC 9051), as imaplib hands it on: names of folders, messages, dates.

from __future__ import annotations

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.imap.answers import (
    fetched,
    from_utf7,
    listed,
    to_utf7,
)


@pytest.mark.parametrize(
    "item, name, flags",
    [
        (rb'(\HasNoChildren \Junk) "/" "Junk"', "Junk", rb"\HasNoChildren \Junk"),
        (b'() "." Drafts', "Drafts", b""),
        (rb'() "/" "a \"b\" \\c"', 'a "b" \\c', b""),
        ((rb'(\Junk) "/" {4}', b'a"b '), 'a"b ', rb"\Junk"),  # RFC 9051 4.3: what follows is a literal
        (b"no answer to LIST", "", b""),
        (b'() "/" ' + b"a" * 5000, "", b""),
        (None, "", b""),
    ],
)
def test_a_folder_that_is_listed(item, name, flags):
    assert listed(item) == (name, flags)


@pytest.mark.parametrize(
    "octets, name",
    [
        (b"~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/\u53f0\u5317/\u65e5\u672c\u8a9e"),  # of RFC 3501 5.1.3
        (b"Tom &- Jerry", "Tom & Jerry"),
        (b"&AAA", "&AAA"),  # never ends
        (b"&A-", "&A-"),  # six bits are no character
        (b"&AAAA-", "&AAAA-"),  # nor are three octets
    ],
)
def test_modified_utf_7(octets, name):
    assert from_utf7(octets) == name


def test_names_go_out_as_they_come_in():
    for name in ("~peter/mail/\u53f0\u5317/\u65e5\u672c\u8a9e", "Tom & Jerry", "Entw\u00fcrfe"):
        assert from_utf7(to_utf7(name).encode("ascii")) == name


@pytest.mark.parametrize(
    "date, moment",
    [
        ("28-Nov-2026 12:00:02 +0000", 1795867202.0),
        ("28-Nov-2026 14:00:02 +0200", 1795867202.0),
        ("28-Xxx-2026 12:00:02 +0000", None),
        ("28.Nov.2026 12:00:02 +0000", None),
        ("99-Nov-2026 12:00:02 +0000", None),
        ("28-Nov-0000 12:00:02 +0000", None),
    ],
)
def test_a_message_has_the_time_that_the_server_gives_or_none(date, moment):
    """Whoever took a date that cannot be read for an old one would delete what has just come."""
    text = b'1 (UID 7 INTERNALDATE "%s" BODY[] {4}' % date.encode()
    assert fetched([(text, b"test"), b")"]) == [(7, moment, b"test")]


def test_what_is_no_message_is_passed_over():
    """RFC 9051 7.5.2: a server tells of flags when it likes. What stands before the first message belongs to none."""
    data = [b" of nothing", None, rb"1 (UID 6 FLAGS (\Seen))", b'2 (UID 7 BODY[] "a \\"b\\"")']
    assert fetched(data) == [(7, None, b'a "b"')]
