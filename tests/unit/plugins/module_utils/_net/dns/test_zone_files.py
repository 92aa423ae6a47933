# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Answers from zone files. That a real server says the same: tests/real/test_names.py.

from __future__ import annotations

import sys

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.model import Question
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.zone_files import ZoneFiles

HEAD = """\
$TTL 300
@ IN SOA ns hostmaster 1 3600 600 86400 60
@ IN NS ns
"""
ZONE = (
    "$ORIGIN Example.org.\n"
    + HEAD
    + """\
@ IN MX 10 Mail
mail 100 IN A 192.0.2.1
www IN CNAME mail
a IN CNAME b
b IN CNAME c
c IN CNAME a
self IN CNAME self
out IN CNAME mail.example.com.
other IN CNAME mail.example.net.
gone IN CNAME nothing
deep.below.empty IN A 192.0.2.2
*.wild IN TXT "any"
exact.wild IN A 192.0.2.3
*.to IN CNAME mail
cut IN NS ns.cut
cut IN NS ns.example.net.
ns.cut IN A 192.0.2.53
old IN DNAME new
x.new IN A 192.0.2.4
""" + "".join("c%d IN CNAME c%d\n" % (number, number + 1) for number in range(30))
)  # fmt: skip
OTHER = "$ORIGIN example.com.\n" + HEAD + "mail 50 IN A 192.0.2.9\n"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zones")
    for name, text in (("org", ZONE), ("com", OTHER)):
        (folder / name).write_text(text)
    return ZoneFiles([(str(folder / "org"), ""), (str(folder / "com"), "")])


PRESENT = [
    ("example.org", "MX", ((10, "Mail.Example.org"),), (), 300),
    ("mail.example.org", "A", ("192.0.2.1",), (), 100),
    ("MAIL.example.ORG", "A", ("192.0.2.1",), (), 100),
    ("www.example.org", "A", ("192.0.2.1",), ("mail.Example.org",), 100),
    ("www.example.org", "CNAME", ("mail.Example.org",), (), 300),
    ("out.example.org", "A", ("192.0.2.9",), ("mail.example.com",), 50),
    ("deep.below.empty.example.org", "A", ("192.0.2.2",), (), 300),
    ("x.wild.example.org", "TXT", ((b"any",),), (), 300),
    ("y.x.wild.example.org", "TXT", ((b"any",),), (), 300),
    ("x.to.example.org", "A", ("192.0.2.1",), ("mail.Example.org",), 100),
    ("ns.cut.example.org", "A", ("192.0.2.53",), (), 300),
    ("x.old.example.org", "A", ("192.0.2.4",), ("x.new.Example.org",), 300),
    ("c20.example.org", "CNAME", ("c21.Example.org",), (), 300),
]


@pytest.mark.parametrize("name, kind, records, aliases, ttl", PRESENT)
def test_what_is_there(files, name, kind, records, aliases, ttl):
    answer = files.answer(Question(name, kind))
    assert (answer.state, answer.exists, answer.records) == ("present", True, records)
    assert tuple(map(str.lower, answer.aliases)) == tuple(map(str.lower, aliases))
    assert (answer.ttl, answer.dnssec, answer.reason, answer.server) == (
        ttl,
        "not_determined",
        "a zone file does not show it",
        "",
    )


@pytest.mark.parametrize("name, exists", [
    ("mail.example.org", True), ("below.empty.example.org", True), ("empty.example.org", True), ("wild.example.org", True),
    ("x.wild.example.org", True), ("x.exact.wild.example.org", False), ("nothing.example.org", False),
    ("x.mail.example.org", False), ("gone.example.org", False), ("old.example.org", True),
])  # fmt: skip
def test_what_is_not_there(files, name, exists):
    """RFC 1034 4.3.2, RFC 4592 2.2.2: a name exists for what is below it, and no wildcard is for such."""
    answer = files.answer(Question(name, "AAAA"))
    assert (answer.state, answer.exists, answer.records, answer.ttl) == ("absent", exists, (), 60)


@pytest.mark.parametrize("name, reason", [
    ("example.net", "example.net is not in the zone files"),
    ("other.example.org", "mail.example.net is not in the zone files"),
    ("org", "org is not in the zone files"),
    ("", "the root is not in the zone files"),
    ("cut.example.org", "cut.example.org is delegated"),
    ("x.cut.example.org", "cut.example.org is delegated"),
    ("a.example.org", "CNAME"), ("self.example.org", "CNAME"), ("c0.example.org", "CNAME"),
    ("a..b", "it is no name"), ("%s.example.org" % ("a" * 64), "it is no name"),
    (".".join(["x" * 50] * 5) + ".old.example.org", "it is no name"),
])  # fmt: skip
def test_what_no_file_says(files, name, reason):
    answer = files.answer(Question(name, "A"))
    assert (answer.state, answer.exists, answer.aliases) == ("not_determined", None, ())
    assert reason in answer.reason


@pytest.mark.parametrize("name, above", [
    ("org", True), ("", True), ("_dmarc.org", True), ("example.net", False), ("_dmarc.example.net", False),
    ("other.org", False), ("_dmarc.cut.example.org", False), ("a..b", False),
])  # fmt: skip
def test_names_above_the_zones_are_told_from_others(files, name, above):
    assert files.answer(Question(name, "TXT")).above_zones is above


@pytest.mark.parametrize("text, line, said", [
    ("b IN A 1.2.3\nc IN A 192.0.2.1\n", 5, ""),
    ("b IN A 192.0.2.1\nb IN CNAME c\nd IN A 192.0.2.1\n", 6, "CNAME"),
    ("%s IN A 192.0.2.1\n" % ("b" * 64), 5, "63 octets"),
    ("$FOO\nb IN A 192.0.2.1\n", 5, "$FOO"),
    ("b IN TXT (\"a\"\n", 5, ""),
    ("b IN TXT \"\\300\"\n", 5, ""),
    ("b IN MX ten mail\n", 5, ""),
    ("b IN SOA ns hostmaster 1 2 3 4 5\n", 5, "SOA"),
    ("b IN TXT \"\xe9\n", 5, ""),
])  # fmt: skip
def test_a_mistake_is_told_by_file_and_line(tmp_path, text, line, said):
    file = tmp_path / "zone"
    file.write_text("$ORIGIN example.org.\n" + HEAD + text)
    with pytest.raises(OptionError) as caught:
        ZoneFiles([(str(file), "")], "zones")
    assert caught.value.option == "zones[0]"
    assert "%s:%d: " % (file, line) in str(caught.value)
    assert said in str(caught.value)


@pytest.mark.parametrize("text, said", [
    ("", "does not say which zone it is"),
    (HEAD, "does not say which zone it is"),
    ("example.org. 60 IN A 192.0.2.1\n", "does not say which zone it is"),
])  # fmt: skip
def test_a_file_that_does_not_say_its_zone(tmp_path, text, said):
    file = tmp_path / "zone"
    file.write_text(text)
    with pytest.raises(OptionError, match=said):
        ZoneFiles([(str(file), "")])


@pytest.mark.parametrize("text, name", [
    ("example.org. 300 IN SOA ns hostmaster 1 2 3 4 5\nmail A 192.0.2.1\n", ""),
    ("$ORIGIN org.\n$TTL 300\nexample SOA ns hostmaster 1 2 3 4 5\nmail.example A 192.0.2.1\n", ""),
    (HEAD + "mail A 192.0.2.1\nelsewhere.net. A 192.0.2.2\n", "Example.org"),
])  # fmt: skip
def test_the_ways_to_say_which_zone_it_is(tmp_path, text, name):
    file = tmp_path / "zone"
    file.write_text(text)
    answer = ZoneFiles([(str(file), name)]).answer(Question("mail.example.org", "A"))
    assert answer.records == ("192.0.2.1",)


def test_what_another_file_holds_is_not_shown(tmp_path):
    """Who may write a zone file may name any file by $INCLUDE (RFC 1035 5.1), and reads what is said of it."""
    secret, file = tmp_path / "secret", tmp_path / "zone"
    secret.write_text("password hunter2 is\n")
    file.write_text("$ORIGIN example.com.\n@ 60 IN SOA ns.x. h.x. 1 1 1 1 1\n$INCLUDE %s\n" % secret)
    with pytest.raises(OptionError) as caught:
        ZoneFiles([(str(file), "")])
    assert "%s:1: " % secret in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_files_that_cannot_be(tmp_path):
    file = tmp_path / "zone"
    with pytest.raises(OptionError, match=r"^zone_files\[0\]: .* cannot be read: no such file"):
        ZoneFiles([(str(file), "")])
    file.write_text(HEAD)
    with pytest.raises(OptionError, match=r"^zone_files\[0\]: .* is no name of a zone"):
        ZoneFiles([(str(file), "a..b")])
    with pytest.raises(OptionError, match=r"^zone_files\[1\]: is a second file of the zone example\.org"):
        ZoneFiles([(str(file), "example.org"), (str(file), "example.org")])


def test_octets_that_are_not_utf_8_are_a_comment_s_right(tmp_path):
    file = tmp_path / "zone"
    file.write_bytes(b"; caf\xe9\n$ORIGIN example.org.\n" + HEAD.encode())
    assert ZoneFiles([(str(file), "")]).answer(Question("example.org", "NS")).state == "present"


def test_without_dnspython(monkeypatch):
    monkeypatch.setitem(sys.modules, "dns.message", None)
    with pytest.raises(
        OptionError, match=r"^zone_files: need dnspython \(2\.6 or newer\) .* Install it on that host\."
    ):
        ZoneFiles([])


def test_with_a_dnspython_that_is_too_old(monkeypatch):
    import dns.version

    monkeypatch.setattr(dns.version, "MINOR", 5)
    with pytest.raises(OptionError, match=r"2\.6 or newer"):
        ZoneFiles([])
