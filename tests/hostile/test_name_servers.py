# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Name servers that lie, or answer without end, and what comes of a whole check of a domain: by itself, beside a healthy
# domain, and octet by octet. What is expected was written down from the standard that each case names.

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Callable

import dns.flags
import dns.message
import dns.rrset
import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.check import check_domains
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.options import LOOK_AT
from ansible_collections.postmaster.mailcheck.tests.hostile import measure
from ansible_collections.postmaster.mailcheck.tests.support.name_server import (
    Drip,
    NameServer,
    asked_in,
    by_way,
    nothing,
    records,
    refusal,
    response,
    silence,
    unless_told,
)

if TYPE_CHECKING:
    Step = Callable[[dns.message.Message, bool], Any]

EVERYTHING = [name for name in LOOK_AT if name != "blocklists"]
NASTY = "\x1b[2J<script>alert(1)</script>{{ 7*7 }}"


def true(query: dns.message.Message, stream: bool) -> dns.message.Message:
    """What a healthy domain has: a null MX record and no mail from it."""
    name, kind = asked_in(query)
    texts = {"MX": ("0 .",), "TXT": ('"v=DMARC1; p=reject"' if name.startswith("_dmarc") else '"v=spf1 -all"',)}
    if name.startswith("_") and not (name.startswith("_dmarc") and name.count(".") > 1):
        return nothing(query, stream)
    return records(*texts.get(kind, ()))(query, stream)


# Lies (RFC 5452 9.1: the id, the question, the source have to be those of the query)


def of_other_ids(query: dns.message.Message, stream: bool) -> list[bytes]:
    octets = true(query, stream).to_wire()
    return [((query.id + number) % 65536).to_bytes(2, "big") + octets[2:] for number in range(1, 300)]


def about(name: str, kind: str = "") -> Step:
    """The answer to another question."""

    def lie(query: dns.message.Message, stream: bool) -> dns.message.Message:
        asked = query.question[0]
        other = dns.message.make_query(name or asked.name, kind or asked.rdtype)
        other.id, other.flags = query.id, query.flags
        return true(other, stream)

    return lie


def without_its_question(query: dns.message.Message, stream: bool) -> bytes:
    octets = true(query, stream).to_wire()
    return octets[:4] + bytes(2) + octets[6:]


def from_elsewhere(query: dns.message.Message, stream: bool) -> None:
    """It arrives at a port that nobody has, in place of the true one."""
    with socket.socket(type=socket.SOCK_DGRAM) as other:
        other.sendto(true(query, stream).to_wire(), ("127.0.0.1", 9))


def cut_off(query: dns.message.Message, _stream: bool) -> dns.message.Message:
    reply = response(query)
    reply.flags |= dns.flags.TC
    return reply


def slowly(query: dns.message.Message, stream: bool) -> Drip:
    return Drip(true(query, stream).to_wire() + bytes(2000))


def junk(query: dns.message.Message, stream: bool) -> list[bytes]:
    return [b"", b"\0", bytes(12), bytes(65535), query.to_wire()]


def round_in_circles(*path: str) -> Step:
    """CNAME records (RFC 1034 3.6.2: loops are an error) from the name asked and back."""

    def answer(query: dns.message.Message, stream: bool) -> dns.message.Message:
        names = [query.question[0].name.to_text(), *path, query.question[0].name.to_text()]
        return records(chain=list(zip(names, names[1:])))(query, stream)

    return answer


def endless_aliases(query: dns.message.Message, stream: bool) -> dns.message.Message:
    names = [query.question[0].name.to_text(), *("%d.alias.example." % number for number in range(40))]
    return records(*_texts(query), chain=list(zip(names, names[1:])))(query, stream)


def _texts(query: dns.message.Message) -> tuple[str, ...]:
    return {"MX": ("0 .",), "TXT": ('"v=spf1 -all"',), "A": ("192.0.2.1",)}.get(asked_in(query)[1], ())


def refers(query: dns.message.Message, _stream: bool) -> dns.message.Message:
    """To servers below itself, for ever (RFC 2308 2.1.2: no answer)."""
    reply = response(query)
    name = query.question[0].name.to_text()
    reply.authority.append(dns.rrset.from_text(name, 60, "IN", "NS", "a.ns.%s" % name.lstrip("*.")))
    return reply


def octets_after(record: bytes, count: int = 1) -> Step:
    """An answer that says that it holds so many records, of these octets."""

    def answer(query: dns.message.Message, _stream: bool) -> bytes:
        octets = response(query).to_wire()
        end = 12 + len(query.question[0].name.to_wire()) + 4
        kind = int(query.question[0].rdtype).to_bytes(2, "big")
        counts = b"\0\1" + count.to_bytes(2, "big") + bytes(4)
        return octets[:4] + counts + octets[12:end] + record.replace(b"KIND", kind) * min(count, 20)

    return answer


def too_many(query: dns.message.Message, stream: bool) -> Any:
    return by_way(cut_off, octets_after(b"\xc0\x0cKIND\0\1\0\0\0\0\0\0", 65535))(query, stream)


# A pointer leads to what came before it (RFC 1035 4.1.4): one that leads to itself, or on, is an error.
CNAME_OF = b"\xc0\x0c\0\5\0\1\0\0\0\x3c\0\2"
LIES: dict[str, Step] = {
    "300 other ids": of_other_ids,
    "the answer about another name": about("other.example."),
    "the answer about a name above": about("example."),
    "the answer about another kind": about("", "NS"),
    "the answer from another source": from_elsewhere,
    "an answer without its question": without_its_question,
    "the query itself": lambda query, _stream: query.to_wire(),
    "half an answer": lambda query, stream: true(query, stream).to_wire()[:-5],
    "cut off, by TCP too": cut_off,
    "cut off, and silence by TCP": by_way(cut_off, silence),
    "cut off, and a drip by TCP": by_way(cut_off, slowly),
    "cut off, and junk by TCP": by_way(cut_off, junk),
    "an alias of itself": round_in_circles(),
    "aliases in a circle": round_in_circles("b.example.", "c.example."),
    "40 aliases": endless_aliases,
    "it refers to others": refers,
    "an owner that is a pointer to itself": by_way(cut_off, octets_after(b"\xc0\xffKIND\0\1\0\0\0\0\0\0", 20)),
    "an alias that is a pointer to itself": lambda query, stream: octets_after(
        CNAME_OF + (0xC000 | 12 + len(query.question[0].name.to_wire()) + 4 + len(CNAME_OF)).to_bytes(2, "big")
    )(query, stream),
    "an alias that leads beyond the end": octets_after(CNAME_OF + b"\xff\xff"),
    "an alias of a label without end": octets_after(CNAME_OF[:-1] + b"\x40" + b"\x3f" * 64),
    "an answer that says it holds 65,535 records": too_many,
    "SERVFAIL with words (RFC 8914)": refusal("SERVFAIL", (0, NASTY), (23, "\0" * 50), (65535, "x" * 500)),
    "SERVFAIL, also unchecked": refusal("SERVFAIL", (6, NASTY)),
    "REFUSED with words": refusal("REFUSED", (18, NASTY)),
    "BADVERS for ever (RFC 6891 6.1.3)": refusal("BADVERS"),
    "FORMERR for ever": refusal("FORMERR"),
    "signatures that do not hold (RFC 4035 5.5)": unless_told(refusal("SERVFAIL", (7, NASTY)), true),
}


class OfEach(NameServer):
    """Does `steps` by the last two labels of a name, and else tells the truth."""

    def __init__(self, steps: dict[str, Step], streams: bool = True) -> None:
        super().__init__(streams=streams)
        known, self.zone = self.zone, self
        self.known, self.steps = known, steps

    def get(self, key: tuple[str, str], _default: Any = None) -> Any:
        return self.known.get(key) or self.steps.get(".".join(key[0].split(".")[-2:]), true)


def look(server: NameServer, *domains: str, **options: Any) -> dict[str, Any]:
    given = {"look_at": EVERYTHING, "selectors": ["s1"], "timeout": 20.0, "dns_timeout": 0.5, **options}
    return check_domains(list(domains), dns_servers=[server.address], **given)


def judge(lie: str, report: dict[str, Any]) -> None:
    """What is not known is neither good nor missing; only who validates sees that signatures do not hold."""
    bogus = "signatures" in lie
    outcomes = {rule["id"]: rule["outcome"] for rule in report["rules"]}
    assert {name for name, outcome in outcomes.items() if outcome == "met"} == set(), lie
    assert {name for name, outcome in outcomes.items() if outcome == "unmet"} == (
        {"dnssec_secure", "dnssec_valid"} if bogus else set()
    ), lie
    assert report["verdict"] == ("failed" if bogus else "unreachable"), lie
    assert report["records"] == [], lie
    said = json.dumps(report, ensure_ascii=False)
    assert said.isprintable() and "internal_error" not in said and "a fault of" not in said and len(said) < 50_000, lie


def is_well(report: dict[str, Any]) -> None:
    outcomes = {rule["id"]: rule["outcome"] for rule in report["rules"]}
    assert {name: outcomes[name] for name in ("mx_valid", "spf_present", "dmarc_present", "dnssec_secure")} == {
        "mx_valid": "met", "spf_present": "met", "dmarc_present": "met", "dnssec_secure": "met",
    }  # fmt: skip
    assert "unknown" not in outcomes.values()


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_neither_good_nor_missing(lie: str) -> None:
    with OfEach({"lies.example": LIES[lie]}) as server:
        (report,) = look(server, "lies.example")["domains"]
    judge(lie, report)


def test_cut_off_and_no_tcp_at_all() -> None:
    """RFC 7766 5: a server has to speak TCP as well."""
    with OfEach({"lies.example": cut_off}, streams=False) as server:
        (report,) = look(server, "lies.example")["domains"]
    judge("cut off", report)
    assert "connection refused" in report["msg"]


def test_all_lies_together_beside_a_healthy_domain() -> None:
    """The same server lies about the others, and a healthy domain is as well as it was, first, last and in the middle."""
    steps = {"%d.example" % number: LIES[lie] for number, lie in enumerate(LIES)}
    with OfEach(steps) as server:
        looking: dict[str, Any] = {"look_at": ["mx", "dnssec", "spf", "dmarc"], "dns_timeout": 1.5}
        result = look(server, "healthy.example", *steps, "well.example", **looking)
    first, *lies, last = result["domains"]
    for lie, report in zip(LIES, lies):
        judge(lie, report)
    is_well(first)
    is_well(last)
    assert result["summary"]["domains"] == len(LIES) + 2


def test_octet_by_octet() -> None:
    """By TCP a message may come in as many pieces as it has octets (RFC 7766 8)."""

    def in_pieces(query: dns.message.Message, stream: bool) -> Drip:
        reply = true(query, stream)
        reply.flags |= dns.flags.AD
        return Drip(reply.to_wire(), pause=0.0)

    with OfEach({"slow.example": by_way(cut_off, in_pieces)}) as server:
        slow, healthy = look(server, "slow.example", "healthy.example", dns_timeout=20.0)["domains"]
    is_well(slow)
    assert {rule["id"]: rule["outcome"] for rule in slow["rules"]} == {
        rule["id"]: rule["outcome"] for rule in healthy["rules"]
    }


def test_a_check_ends_by_its_deadline_whatever_servers_do() -> None:
    slow: Step = by_way(cut_off, slowly)
    with OfEach({"slow.example": slow, "silent.example": silence}) as server:
        result = look(server, "slow.example", "silent.example", "healthy.example", dns_timeout=600.0, deadline=1.5)
    slow_one, silent_one, healthy = result["domains"]
    for report in (slow_one, silent_one):
        assert {rule["outcome"] for rule in report["rules"]} <= {"unknown"}
    is_well(healthy)
    assert result["summary"]["seconds"] < 1.5 + 1.0


# What belongs to others, and what is too much


def test_what_was_not_asked_for_is_not_believed() -> None:
    """RFC 2181 5.4.1, RFC 5452 6: neither records of other names nor what comes besides answers anything."""

    def answer(query: dns.message.Message, stream: bool) -> dns.message.Message:
        name, kind = asked_in(query)
        reply = records(*{"MX": ("10 mx.lies.example.",), "A": ("192.0.2.1",)}.get(kind, ()))(query, stream)
        if name == "lies.example":
            reply.additional.append(dns.rrset.from_text("mx.lies.example.", 60, "IN", "A", "192.0.2.66"))
        for other in ("lies.example.", "_dmarc.lies.example.", "healthy.example.", "victim.example."):
            if kind == "TXT":
                text = '"v=DMARC1; p=none; rua=mailto:evil@example.net"' if "dmarc" in other else '"v=spf1 +all"'
                if other.rstrip(".") != name:
                    reply.answer.append(dns.rrset.from_text(other, 60, "IN", "TXT", text))
        return reply

    with OfEach({"lies.example": answer}) as server:
        lies, healthy = look(server, "lies.example", "healthy.example", look_at=["mx", "spf", "dmarc"])["domains"]
    assert [host["addresses"] for host in lies["mx"]["hosts"]] == [["192.0.2.1"]]
    assert "192.0.2.66" not in json.dumps(lies) and "evil" not in json.dumps(lies)
    assert (lies["spf"]["state"], lies["dmarc"]["state"]) == ("absent", "absent")
    is_well_known = {rule["id"]: rule["outcome"] for rule in healthy["rules"]}
    assert is_well_known["spf_present"] == is_well_known["dmarc_present"] == "met"
    assert "+all" not in json.dumps(healthy)


def _strings(*octets: bytes) -> Step:
    """A TXT record of these strings, for whatever is asked; it needs TCP where it is long."""

    def answer(query: dns.message.Message, stream: bool) -> Any:
        if asked_in(query)[1] != "TXT":
            return nothing(query, stream)
        data = b"".join(bytes([len(one)]) + one for one in octets)
        record = b"\xc0\x0c\0\x10\0\1\0\0\0\x3c" + len(data).to_bytes(2, "big") + data
        return by_way(cut_off if len(data) > 1000 else octets_after(record), octets_after(record))(query, stream)

    return answer


MOST_OCTETS = 16 << 20  # above a healthy domain's: a few answers of 64 KiB, and what is made of them
TEXTS = {
    "64 KiB of text (RFC 1035 3.3.14)": [b"x" * 255] * 250,
    "64 KiB of SPF (RFC 7208 4.6.4)": [b"v=spf1 "] + [b"include:a.spf.example " * 11] * 250 + [b" -all"],
    "64 KiB of DMARC": [b"v=DMARC1; p=none; "] + [b"rua=mailto:a@b.example; " * 10] * 250,
    "64 KiB of key": [b"v=DKIM1; p="] + [b"A" * 255] * 250,
    "4,000 strings": [b"v=spf1 "] + [b"a:b.c "] * 4000,
    "30,000 strings of nothing": [b""] * 30000,
    "NUL": [b"v=spf1 \0\0 -all\0"],
    "a terminal's commands and markup": [("v=spf1 %s exists:%s -all" % (NASTY, NASTY)).encode()],
    "octets that are no text": [b"v=spf1 \xff\xfe\x9b31m\xe2\x80\xae -all", b"v=DMARC1; p=\xff"],
    "lines": [b"v=spf1 \r\nSet-Cookie: x\r\n\r\n -all"],
}


@pytest.mark.parametrize("what", [what for what in TEXTS if "64 KiB" in what or "0 strings" in what])
def test_no_text_takes_much_memory(what: str) -> None:
    with OfEach({"lies.example": _strings(*TEXTS[what])}) as server:
        given = {"dns_servers": [server.address], "dns_timeout": 20.0, "look_at": ["spf", "dmarc", "mta_sts", "bimi"]}
        healthy = {**given, "domains": ["healthy.example"], "look_at": ["spf"]}
        done = subprocess.run(
            [sys.executable, measure.__file__], stdout=subprocess.PIPE, timeout=60, check=True, encoding="utf-8",
            input=json.dumps([healthy, {**given, "domains": ["lies.example"]}, "domain"]),
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip
    cost = json.loads(done.stdout)["octets"]
    assert cost < MOST_OCTETS


@pytest.mark.parametrize("what", TEXTS)
def test_no_text_is_too_long_or_too_strange(what: str) -> None:
    """None of them is a record as its grammar has it, so that nothing is told as good for it; a healthy domain is well."""
    with OfEach({"lies.example": _strings(*TEXTS[what]), "spf.example": refers}) as server:
        lies, healthy = look(
            server, "lies.example", "healthy.example", look_at=["mta_sts", "tls_rpt", "spf", "dkim", "dmarc", "bimi"],
            dns_timeout=20.0,
        )["domains"]  # fmt: skip
        asked = len(server.asked)
    outcomes = {rule["id"]: rule["outcome"] for rule in lies["rules"]}
    valid = {name for name in outcomes if name.endswith("_valid")}
    assert valid and "met" not in {outcomes[name] for name in valid}, outcomes
    said = json.dumps(lies, ensure_ascii=False)
    assert said.isprintable() and "a fault of" not in said and len(said) < 300_000
    assert asked < 200
    assert {rule["id"]: rule["outcome"] for rule in healthy["rules"]}["spf_present"] == "met"
