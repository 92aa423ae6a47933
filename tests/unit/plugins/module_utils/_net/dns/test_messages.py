# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What the octets of queries and replies say, without a server: expected values from the RFCs that are named.

from __future__ import annotations

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns import messages
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.model import Question

NAME = "example.com"
MAIL = Question(NAME, "MX")
ASKED = messages.query(messages.name_octets(NAME), "MX", 0x1234)
USUAL = dns.flags.RA


def reply_to(question=MAIL, answer=(), authority=(), rcode="NOERROR", flags=USUAL, errors=None):
    """Return what read() makes of a reply. Records are as in a zone file: `name ttl class kind value`."""
    message = dns.message.make_response(dns.message.make_query(question.name or ".", question.kind, use_edns=0))
    message.flags |= flags
    message.answer = [record(text) for text in answer]
    message.authority = [record(text) for text in authority]
    if errors is not None:
        message.use_edns(0, options=[dns.edns.EDEOption(code, text) for code, text in errors])
    message.set_rcode(dns.rcode.from_text(rcode))
    return messages.read(question, message.to_wire(max_size=65535))


def record(text):
    name, ttl, cls, kind, value = text.split(" ", 4)
    return dns.rrset.from_text(name, int(ttl), cls, kind, value)


@pytest.mark.parametrize("edns", [True, False])
@pytest.mark.parametrize("checking_disabled", [True, False])
def test_a_query(edns, checking_disabled):
    """RFC 1035 4.1, RFC 4035 3.2.1, RFC 6840 5.7."""
    octets = messages.query(messages.name_octets("Mail.Example.COM"), "TLSA", 0xBEEF, edns, checking_disabled)
    query = dns.message.from_wire(octets)
    (question,) = query.question
    assert (query.id, str(question.name), question.rdtype, question.rdclass) == (0xBEEF, "Mail.Example.COM.", 52, 1)
    wanted = dns.flags.RD | dns.flags.AD | (dns.flags.CD if checking_disabled else 0)
    assert query.flags == wanted
    assert (query.edns, bool(query.ednsflags & dns.flags.DO)) == ((0, True) if edns else (-1, False))
    assert not edns or query.payload == 1232


RESPONSE = ASKED[:2] + bytes([ASKED[2] | 0x80]) + ASKED[3:]
END = 12 + len(messages.name_octets(NAME))  # of the name


def bent(at, octet):
    return RESPONSE[:at] + bytes([octet]) + RESPONSE[at + 1 :]


NO_QUESTION = RESPONSE[:4] + b"\0\0" + RESPONSE[6:12]


@pytest.mark.parametrize(
    ("reply", "fits"),
    [
        (RESPONSE, True),
        (RESPONSE.replace(b"example", b"EXAMPLE"), True),  # RFC 1035 2.3.3
        (ASKED, False),  # it is no response
        (bent(0, 0x13), False),
        (bent(1, 0x35), False),
        (bent(2, 0x91), False),  # another opcode
        (bent(13, ord("x")), False),
        (bent(END + 1, 16), False),  # another kind
        (bent(END + 3, 3), False),  # another class
        (bent(5, 2), False),
        (RESPONSE[:11], False),
        (b"", False),
        (NO_QUESTION, False),
        (NO_QUESTION[:3] + b"\x01" + NO_QUESTION[4:], True),  # FORMERR
        (NO_QUESTION[:3] + b"\x04" + NO_QUESTION[4:], True),  # NOTIMP
        (NO_QUESTION[:3] + b"\x02" + NO_QUESTION[4:], False),
        (NO_QUESTION[:3] + b"\x05" + NO_QUESTION[4:], False),
    ],
)
def test_which_reply_fits(reply, fits):
    """RFC 5452 9.1."""
    assert messages.fits(reply, ASKED) is fits


@pytest.mark.parametrize(
    ("kind", "values", "records"),
    [
        ("A", ["192.0.2.1", "192.0.2.2"], ("192.0.2.1", "192.0.2.2")),
        ("AAAA", ["2001:db8::1"], ("2001:db8::1",)),
        ("MX", ["10 mx.example.net."], ((10, "mx.example.net"),)),
        ("TLSA", ["3 1 0 abcd"], ((3, 1, 0, b"\xab\xcd"),)),
        ("TXT", ['"one" "two"'], ((b"one", b"two"),)),
    ],
)
def test_records(kind, values, records):
    question = Question(NAME, kind)
    wire = [NAME + ". %d IN %s %s" % (300 + at, kind, value) for at, value in enumerate(values)]
    answer = reply_to(question, wire, flags=USUAL | dns.flags.AD).answer
    assert (answer.state, answer.records, answer.dnssec, answer.exists) == ("present", records, "secure", True)
    assert (answer.ttl, answer.aliases) == (300, ())
    assert reply_to(question, wire).answer.dnssec == "insecure"


def test_records_of_other_names_kinds_and_classes_are_no_answer():
    others = ["other.example. 9 IN MX 1 a.example.", NAME + ". 9 IN A 192.0.2.1", NAME + ". 9 CH TXT x"]
    assert reply_to(answer=others).answer.state == "absent"
    answer = reply_to(answer=[*others, "EXAMPLE.com. 60 IN MX 2 b.example."]).answer
    assert (answer.records, answer.ttl) == (((2, "b.example"),), 60)


def test_the_shortest_ttl_of_aliases_and_records_counts():
    chain = ["example.com. 50 IN CNAME Web.example.net.", "web.example.net. 40 IN CNAME c.example.org."]
    answer = reply_to(answer=[*chain, "c.example.org. 60 IN MX 1 mx.example."]).answer
    assert (answer.state, answer.ttl, answer.aliases) == ("present", 40, ("Web.example.net", "c.example.org"))


SOA = "example.com. 100 IN SOA ns.example.com. h.example.com. 1 2 3 4 %d"


@pytest.mark.parametrize(
    ("rcode", "minimum", "exists", "ttl"), [("NOERROR", 60, True, 60), ("NXDOMAIN", 600, False, 100)]
)
def test_a_denial(rcode, minimum, exists, ttl):
    """RFC 2308 2, 5: it may be kept for the lesser of the SOA record's TTL and its minimum."""
    answer = reply_to(authority=[SOA % minimum], rcode=rcode, flags=USUAL | dns.flags.AD).answer
    assert (answer.state, answer.exists, answer.ttl, answer.dnssec) == ("absent", exists, ttl, "secure")


def test_a_denial_without_a_soa_record_has_no_ttl():
    assert reply_to().answer.ttl is None
    assert reply_to(answer=["example.com. 50 IN CNAME gone.example."]).answer.ttl == 50
    denied = reply_to(answer=["example.com. 50 IN CNAME gone.example."], authority=[SOA % 20], rcode="NXDOMAIN").answer
    assert (denied.ttl, denied.exists, denied.aliases) == (20, False, ("gone.example",))


REFERRAL = ["com. 100 IN NS a.example."]


@pytest.mark.parametrize(
    ("how", "failure"),
    [
        ({"authority": REFERRAL}, "a reply that only refers to other servers"),
        ({"flags": 0}, "an empty reply, neither of the zone's own server nor of one that looks names up"),
        ({"flags": dns.flags.AA}, ""),
        ({"flags": dns.flags.AA, "answer": ["example.com. 50 IN CNAME b.example."]},
         "a reply that does not follow the alias b.example"),
        ({"authority": REFERRAL, "rcode": "NXDOMAIN"}, ""),
        ({"rcode": "SERVFAIL"}, "SERVFAIL"),
        ({"rcode": "REFUSED"}, "REFUSED"),
        ({"rcode": "BADVERS"}, "BADVERS"),  # RFC 6891 6.1.3: part of it is in the OPT record
    ],
)  # fmt: skip
def test_what_denies_nothing(how, failure):
    """RFC 2308 2.1.2, 2.2."""
    reply = reply_to(**how)
    assert reply.failure == failure
    assert reply.answer.state == ("not_determined" if failure else "absent")
    assert reply.rcode == dns.rcode.from_text(how.get("rcode", "NOERROR"))


def test_what_is_cut_off_is_not_read():
    reply = reply_to(answer=["example.com. 60 IN MX 1 a.example."], flags=USUAL | dns.flags.TC)
    assert (reply.truncated, reply.failure) == (True, "a reply that is cut off")
    assert reply.answer.state == "not_determined"


@pytest.mark.parametrize(("count", "state"), [(1000, "present"), (1001, "not_determined")])
def test_a_thousand_records_are_read(count, state):
    values = ["%d mx.example." % number for number in range(count)]
    message = dns.message.make_response(dns.message.make_query(NAME, "MX"))
    message.answer = [dns.rrset.from_text(NAME + ".", 60, "IN", "MX", *values)]
    reply = messages.read(MAIL, message.to_wire(max_size=65535))
    assert (reply.answer.state, len(reply.answer.records)) == (state, 1000 if state == "present" else 0)
    assert ("more than 1000 records" in reply.failure) == (count > 1000)


@pytest.mark.parametrize(("count", "state"), [(16, "present"), (17, "not_determined")])
def test_sixteen_aliases_are_followed(count, state):
    names = [NAME, *("a%d.example" % number for number in range(count))]
    chain = ["%s. 60 IN CNAME %s." % pair for pair in zip(names, names[1:])]
    assert reply_to(answer=[*chain, names[-1] + ". 60 IN MX 1 mx.example."]).answer.state == state


@pytest.mark.parametrize(
    ("errors", "extended", "of_dnssec"),
    [
        ([], "", False),
        ([(7, "long ago")], "signature expired: long ago", True),
        ([(10, "")], "RRSIGS missing", True),
        ([(22, "at x\x1b")], "no reachable authority: at x\\x1b", False),
        ([(22, ""), (6, "")], "no reachable authority; DNSSEC bogus", True),
        ([(49152, "own")], "extended error 49152: own", False),
    ],
)
def test_extended_errors(errors, extended, of_dnssec):
    """RFC 8914 4."""
    reply = reply_to(rcode="SERVFAIL", errors=errors)
    assert (reply.extended, reply.of_dnssec) == (extended, of_dnssec)


@pytest.mark.parametrize("octets", [RESPONSE[:2] + b"\x80\0\0\1\0\1\0\0\0\0", RESPONSE[:7] + b"\1" + RESPONSE[8:]])
def test_what_ends_too_early_cannot_be_read(octets):
    reply = messages.read(MAIL, octets)
    assert reply.failure.startswith("a reply that cannot be read (")
    assert reply.answer.state == "not_determined"
