# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Records to publish, read back by dnspython as a name server would.

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ansible", reason="ansible-core is not installed for this Python")

import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.zone
import yaml

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._records import (
    as_community_dns,
    as_nsupdate,
    as_octodns,
    as_zone,
)
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import AssessmentError
from ansible_collections.postmaster.mailcheck.tests.support.domains import RECORD
from ansible_collections.postmaster.mailcheck.tests.support.sweeps import EVIL

MX = {**RECORD, "name": "a.example", "type": "MX", "value": "0 ."}
TLSA = {**RECORD, "name": "_25._tcp.mx.a.example", "type": "TLSA", "value": "3 1 1 " + "ab" * 32}
TEXTS = ["v=spf1 -all", "", EVIL, "k" * 255, "k" * 256, "k" * 1000, 'a "quote" and a \\', "ü" * 200, "tab\tline\nend\0"]


def strings(rdata: Any) -> bytes:
    assert all(len(part) <= 255 for part in rdata.strings)
    return b"".join(rdata.strings)


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_comes_back_as_it_was(text: str) -> None:
    record = {**RECORD, "value": text, "reason": EVIL + "\nx A 192.0.2.66", "after": "first\nx A 192.0.2.66"}
    zone = dns.zone.from_text(as_zone([record]), "a.example.", check_origin=False, relativize=False)
    assert [str(name) for name in zone] == ["_dmarc.a.example."]
    (rdataset,) = zone["_dmarc.a.example."]
    assert (rdataset.ttl, [strings(rdata) for rdata in rdataset]) == (3600, [text.encode()])
    (entry,) = as_nsupdate([record])
    (value,) = entry.pop("value")
    assert entry == {"record": "_dmarc.a.example.", "type": "TXT", "ttl": 3600}
    assert strings(dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.TXT, value)) == text.encode()
    assert (value[0], value[-1]) == ('"', '"')  # or the module would put quotes around it


def test_the_lines_of_a_zone_file() -> None:
    assert as_zone([RECORD, {**MX, "after": ""}]) == (
        "; receivers have no policy\n; first: nothing: it harms no mail\n"
        '_dmarc.a.example. 3600 IN TXT "v=DMARC1; p=none"\n'
        "; receivers have no policy\n; first: nothing\n"
        "a.example. 3600 IN MX 0 .\n"
    )
    assert as_zone([]) == ""


def test_records_of_a_name_and_type_are_sent_together() -> None:
    other = {**TLSA, "value": "3 1 1 " + "cd" * 32}
    found = as_nsupdate([TLSA, MX, other, {**TLSA, "name": TLSA["name"].upper()}])
    assert [(entry["record"], entry["value"]) for entry in found] == [
        ("_25._tcp.mx.a.example.", [TLSA["value"], other["value"]]),
        ("a.example.", ["0 ."]),
    ]


# Tools that take the records of one zone

DKIM = {**RECORD, "name": "s1._domainkey.A.example", "value": "v=DKIM1; k=rsa; p=" + "k" * 400}
SPF = {**RECORD, "name": "a.example", "value": "v=spf1 -all"}
CONSENT = {**RECORD, "name": "a.example._report._dmarc.b.example", "value": "v=DMARC1;"}
BESIDE = {**RECORD, "name": "not-a.example"}
OF_MANY = [{**TLSA, "name": "_25._tcp.mx%d.a.example" % number} for number in (10, 2, 1)]
ALL = [SPF, CONSENT, BESIDE, MX, DKIM, *OF_MANY, {**OF_MANY[0], "value": "3 1 1 " + "cd" * 32}]


def test_record_sets_of_community_dns() -> None:
    """`record`, `type`, `ttl` and `value` of its module_record_sets; a set may come once, and a text is not quoted."""
    assert as_community_dns(ALL[:6], "a.example.") == [
        {"record": "a.example", "type": "TXT", "ttl": 3600, "value": ["v=spf1 -all"]},
        {"record": "a.example", "type": "MX", "ttl": 3600, "value": ["0 ."]},
        {"record": "s1._domainkey.a.example", "type": "TXT", "ttl": 3600, "value": [DKIM["value"]]},
        {"record": "_25._tcp.mx10.a.example", "type": "TLSA", "ttl": 3600, "value": [TLSA["value"]]},
    ]
    names = [(row["record"], row["type"]) for row in as_community_dns(ALL, "a.example")]
    assert len(names) == len(set(names))
    assert as_community_dns(ALL, "c.example") == []


def test_names_as_octodns_has_them() -> None:
    found = as_octodns(ALL, "A.example.")
    assert list(found) == ["", "_25._tcp.mx1", "_25._tcp.mx2", "_25._tcp.mx10", "s1._domainkey"]
    assert found[""] == [
        {"ttl": 3600, "type": "MX", "values": [{"exchange": ".", "preference": 0}]},
        {"ttl": 3600, "type": "TXT", "values": ["v=spf1 -all"]},
    ]
    assert [value["certificate_association_data"][:2] for value in found["_25._tcp.mx10"]["values"]] == ["ab", "cd"]
    assert found["s1._domainkey"]["values"][0].startswith("v=DKIM1\\; k=rsa\\; p=kkk")
    unescaped = as_octodns([DKIM], "a.example", escaped_semicolons=False)
    assert unescaped["s1._domainkey"]["values"] == [DKIM["value"]]


@pytest.mark.parametrize("escaped", [True, False])
def test_octodns_reads_what_is_written_for_it(tmp_path: Path, escaped: bool) -> None:
    provider = pytest.importorskip("octodns.provider.yaml", reason="octodns is not installed for this Python")
    from octodns.zone import Zone

    text = yaml.safe_dump(as_octodns(ALL, "a.example", escaped), sort_keys=False)
    (tmp_path / "a.example.yaml").write_text(text)
    zone = Zone("a.example.", [])
    provider.YamlProvider("ours", str(tmp_path), escaped_semicolons=escaped).populate(zone)
    read = {(record.fqdn, record._type, value.to_rdata_text()) for record in zone.records for value in record.values}
    wanted = dns.zone.from_text(as_zone(ALL), "example.", check_origin=False, relativize=False)
    assert {(name.lower(), kind, dns.rdata.from_text("IN", kind, value)) for name, kind, value in read} == {
        (str(name).lower(), dns.rdatatype.to_text(records.rdtype), record)
        for name, node in wanted.nodes.items() for records in node for record in records
        if str(name).lower().endswith(("a.example.",)) and not str(name).startswith("not-")
    }  # fmt: skip


@pytest.mark.parametrize("value", ['"quoted"', "é", 'two" "parts'])
def test_octodns_cannot_hold_every_text(value: str) -> None:
    with pytest.raises(AssessmentError, match="octoDNS can hold no text of this form"):
        as_octodns([{**SPF, "value": value}], "a.example")


@pytest.mark.parametrize("write", [as_community_dns, as_octodns])
@pytest.mark.parametrize("zone", ["", ".", "a\nb", "a;b"])
def test_a_zone_is_a_name(write: Any, zone: str) -> None:
    with pytest.raises(AssessmentError, match="zone: must be the name of a zone"):
        write([SPF], zone)


@pytest.mark.parametrize(
    "write", [as_zone, as_nsupdate, partial(as_community_dns, zone="example"), partial(as_octodns, zone="example")]
)
@pytest.mark.parametrize(("name", "value"), [
    ("name", "x\ny"), ("name", "a;b"), ("name", ""), ("type", "A\n"), ("value", "0 .\nx A 192.0.2.1"), ("value", "0 ("),
    ("value", "0 . ; x"), ("name", "$INCLUDE"),
])  # fmt: skip
def test_what_would_become_other_records_is_refused(write: Any, name: str, value: str) -> None:
    with pytest.raises(AssessmentError, match=r"records\[1\]\.%s: is nothing that a zone file can hold" % name):
        list(write([RECORD, {**MX, name: value}]))
