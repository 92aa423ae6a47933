# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Answers from zone files. That a real server says the same: tests/real/test_names.py.

from __future__ import annotations

import os
import sys

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns import zone_files
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
long IN AAAA 2001:db8::1
brief 5 IN CNAME nothing
long-name IN DNAME %s
""" % ".".join(["y" * 40] * 2) + "".join("c%d IN CNAME c%d\n" % (number, number + 1) for number in range(30))
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
    ("long.example.org", "AAAA", ("2001:db8::1",), (), 300),
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


@pytest.mark.parametrize("kind", ["TXT", "MX", "AAAA"])
def test_of_servers_below_a_delegation_only_their_addresses_are_known(files, kind):
    """RFC 1034 4.2.1."""
    answer = files.answer(Question("ns.cut.example.org", kind))
    assert (answer.state, answer.reason) == ("not_determined", "cut.example.org is delegated: its own servers know")


@pytest.mark.parametrize(
    "name, state, aliases", [("c14.example.org", "absent", 16), ("c13.example.org", "not_determined", 0)]
)
def test_sixteen_aliases_are_followed(files, name, state, aliases):
    answer = files.answer(Question(name, "A"))
    assert (answer.state, len(answer.aliases)) == (state, aliases)


def test_a_denial_is_kept_as_long_as_its_aliases_and_the_soa_record(files):
    """RFC 2308 5."""
    assert files.answer(Question("gone.example.org", "A")).ttl == 60
    assert files.answer(Question("brief.example.org", "A")).ttl == 5


@pytest.mark.parametrize("name, said", [
    ("%s.example.org" % ("a" * 64), "it is no name: "),
    (".".join(["x" * 40] * 5) + ".long-name.example.org", "DNAME of long-name.example.org: "),
])  # fmt: skip
def test_a_name_that_is_or_becomes_too_long(files, name, said):
    """RFC 6672 2.2."""
    answer = files.answer(Question(name, "A"))
    assert answer.state == "not_determined"
    assert answer.reason.startswith(said) and len(answer.reason) > len(said)


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


def written(folder, **files):
    """Write files; return the path of the one that is called `zone`."""
    for name, text in files.items():
        (folder / name).write_text(text)
    return str(folder / "zone")


def refusal(*files):
    with pytest.raises(OptionError) as caught:
        ZoneFiles([*files], "zones")
    return str(caught.value)


@pytest.mark.parametrize("text, line, said", [
    ("$INCLUDE nowhere", 5, "the file to include cannot be read: no such file or directory."),
    ("$include nowhere", 5, "the file to include cannot be read: no such file or directory."),
    ("\n\n; a comment\nb TXT (\n a\n )\n$INCLUDE nowhere\nc TXT c", 11,
     "the file to include cannot be read: no such file or directory."),
    ("$INCLUDE .", 5, "the file to include cannot be read: it is no file of at most 67108864 octets."),
])  # fmt: skip
def test_a_file_that_cannot_be_included_is_told_by_the_line_that_names_it(tmp_path, monkeypatch, text, line, said):
    monkeypatch.chdir(tmp_path)
    file = written(tmp_path, zone="$ORIGIN example.org.\n" + HEAD + text)
    assert refusal((file, "")) == "zones[0]: %s:%d: %s" % (file, line, said)


def test_included_files_are_read_where_they_are_named(tmp_path, monkeypatch):
    """RFC 1035 5.1: the origin within may be another, and is what it was behind."""
    monkeypatch.chdir(tmp_path)
    text = "$ORIGIN example.org.\n" + HEAD + "$INCLUDE more sub\n$Include more\nb A 192.0.2.2\n"
    file = written(tmp_path, zone=text, more="a A 192.0.2.1\nword TXT $INCLUDE\n")
    zone = ZoneFiles([(file, "")])
    found = {name: zone.answer(Question(name + ".example.org", "A")).records for name in ("a", "a.sub", "b", "b.sub")}
    assert found == {"a": ("192.0.2.1",), "a.sub": ("192.0.2.1",), "b": ("192.0.2.2",), "b.sub": ()}


TOO_MANY_FILES = "there are more than 3 files to include, or 2 that include one another"


@pytest.mark.parametrize("text, where, said", [
    ("$INCLUDE empty\n" * 3, None, None),
    ("$INCLUDE empty\n" * 4, "zone:8", TOO_MANY_FILES),
    ("$INCLUDE one", None, None),
    ("$INCLUDE over", "one:1", TOO_MANY_FILES),
])  # fmt: skip
def test_so_many_files_are_included(tmp_path, monkeypatch, text, where, said):
    monkeypatch.setattr(zone_files, "MOST_INCLUDED", 3)
    monkeypatch.setattr(zone_files, "MOST_AT_ONCE", 2)
    monkeypatch.chdir(tmp_path)
    others = {"empty": "", "one": "$INCLUDE empty\n", "over": "$INCLUDE one\n"}
    written(tmp_path, zone="$ORIGIN example.org.\n" + HEAD + text, **others)
    if said is None:
        assert ZoneFiles([("zone", "")]).answer(Question("example.org", "NS")).state == "present"
    else:
        assert refusal(("zone", "")) == "zones[0]: is no zone file: %s: %s." % (where, said)


@pytest.mark.parametrize("limit, most, line, said", [
    ("MOST_RECORDS", 3, 8, "it has more than 5 records"),  # HEAD has two
    ("MAX_RECORDS", 5, 10, "b.example.org has more than 5 records of a kind"),
])  # fmt: skip
def test_so_many_records_are_read(tmp_path, monkeypatch, limit, most, line, said):
    """Of a file, and of a set."""
    monkeypatch.setattr(zone_files, limit, 5)
    texts = ["b TXT %d\n" % number for number in range(most + 1)]
    file = written(tmp_path, zone="$ORIGIN example.org.\n" + HEAD + "".join(texts[:most]))
    assert len(ZoneFiles([(file, "")]).answer(Question("b.example.org", "TXT")).records) == most
    written(tmp_path, zone="$ORIGIN example.org.\n" + HEAD + "".join(texts))
    assert refusal((file, "")) == "zones[0]: is no zone file: %s:%d: %s." % (file, line, said)


def test_files_are_closed_whatever_is_wrong_with_them(tmp_path, monkeypatch):
    """At once, though somebody still holds the error, and by it what was read."""
    monkeypatch.chdir(tmp_path)
    written(tmp_path, zone="$ORIGIN example.org.\n" + HEAD + "$INCLUDE one\n", one="$INCLUDE two\n", two="moo\n")
    before = os.listdir("/proc/self/fd")
    with pytest.raises(OptionError) as caught:
        ZoneFiles([("zone", "")])
    assert len(os.listdir("/proc/self/fd")) == len(before)
    assert "two:1: this file, which zone includes, is not written as one" in str(caught.value)


@pytest.mark.parametrize("text, name, asked", [
    ("org. 60 IN SOA ns.org. h.org. 1 2 3 4 5\n", "", "org"),
    ("$TTL 60\n@ SOA ns h 1 2 3 4 5\n", ".", ""),
    ("$ORIGIN org.\nother 60 TXT x\n@ 60 SOA ns h 1 2 3 4 5\n", "", "org"),
])  # fmt: skip
def test_zones_at_the_top(tmp_path, text, name, asked):
    """Those of one label, and the root's; the SOA record need not be the first."""
    zone = ZoneFiles([(written(tmp_path, zone=text), name)])
    assert zone.answer(Question(asked, "SOA")).state == "present"
    assert zone.answer(Question("mail.example" + (asked and "." + asked), "A")).state == "absent"


@pytest.mark.parametrize("ttl, minimum, least", [(30, 60, 30), (300, 60, 60)])
def test_how_long_it_holds_that_there_is_nothing(tmp_path, ttl, minimum, least):
    """RFC 2308 5: the lesser of the SOA record's TTL and its minimum."""
    file = written(tmp_path, zone="example.org. %d SOA ns.x. h.x. 1 2 3 4 %d\n" % (ttl, minimum))
    assert ZoneFiles([(file, "")]).answer(Question("a.example.org", "A")).ttl == least


@pytest.mark.parametrize("text, name, said", [
    ("$TTL 60\nb A 192.0.2.1\n", "example.org", "zones[0]: zone has no SOA record of example.org."),
    ("$TTL 60\nb A 192.0.2.1\n", ".", "zones[0]: zone has no SOA record of the root."),
    ("", "a..b", "zones[0]: zone: a..b is no name of a zone."),
    ("", "", "zones[0]: zone does not say which zone it is: let $ORIGIN at its top say it."),
    (None, "", "zones[0]: zone cannot be read: no such file or directory."),
    ("$ORIGIN example.org.\n" + HEAD + "b A 1.2\nc A 192.0.2.1\n", "", "zones[0]: is no zone file: zone:5: Text input is malformed."),
])  # fmt: skip
def test_what_is_wrong_with_a_file(tmp_path, monkeypatch, text, name, said):
    monkeypatch.chdir(tmp_path)
    if text is not None:
        written(tmp_path, zone=text)
    assert refusal(("zone", name)) == said


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
    text = "zone_files[0]: is no zone file: %s:1: this file, which %s includes, is not written as one."
    assert str(caught.value) == text % (secret, file)


def test_files_that_cannot_be(tmp_path):
    file = tmp_path / "zone"
    with pytest.raises(OptionError, match=r"^zone_files\[0\]: .* cannot be read: no such file"):
        ZoneFiles([(str(file), "")])
    file.write_text(HEAD)
    with pytest.raises(OptionError, match=r"^zone_files\[0\]: .* is no name of a zone"):
        ZoneFiles([(str(file), "a..b")])
    with pytest.raises(OptionError, match=r"^zone_files\[1\]: is a second file of the zone example\.org"):
        ZoneFiles([(str(file), "example.org"), (str(file), "example.org")])


def test_a_path_that_can_be_none():
    assert refusal(("zo\0ne", "example.org")) == "zones[0]: is no zone file: zo\\x00ne:0: embedded null byte."


def test_how_much_is_read():
    """More than anybody publishes: records, octets of one file, files in all, files that include one another."""
    limits = (zone_files.MOST_RECORDS, zone_files.MOST_OCTETS, zone_files.MOST_INCLUDED, zone_files.MOST_AT_ONCE)
    assert limits == (200000, 67108864, 1000, 10)


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


def test_a_zone_without_the_record_that_makes_it_one(tmp_path):
    """RFC 1035 5.2: exactly one SOA record, at the top of the zone."""
    (tmp_path / "zone").write_text("$ORIGIN example.org.\nmail 300 IN A 192.0.2.1\n")
    with pytest.raises(OptionError) as refused:
        ZoneFiles([(str(tmp_path / "zone"), "example.org")])
    assert "no SOA record of example.org" in str(refused.value)


def test_a_name_that_a_dname_makes_too_long(tmp_path):
    """RFC 6672 2.2: YXDOMAIN. Nothing is known of it then."""
    target = ".".join(["a" * 60] * 4)
    (tmp_path / "zone").write_text("$ORIGIN example.org.\n" + HEAD + "old IN DNAME %s.\n" % target)
    files = ZoneFiles([(str(tmp_path / "zone"), "")])
    answers = []
    files.ask(Question("b" * 20 + ".old.example.org", "A"), answers.append)
    assert answers[0].state == "not_determined"
    assert answers[0].reason.startswith("DNAME of old.example.org: ")
