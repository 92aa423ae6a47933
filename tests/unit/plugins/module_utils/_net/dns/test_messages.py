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
import dns.version
import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError
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


@pytest.mark.parametrize("name", ["a..b", "a" * 64 + ".example", "a." * 127 + "example", "\udcff.example", "\xe4" * 64])
def test_what_is_no_name(name):
    """RFC 1035 2.3.4; RFC 3492 has no code for half a character."""
    with pytest.raises(ValueError, match=r"\S"):
        messages.name_octets(name)


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
        (bent(2, 0x87), True),  # AA, TC, RD
        *((bent(3, bits), True) for bits in (0xFF, 1, 2, 3, 5)),  # RA, AD, CD; rcodes
        *((bent(2, 0x80 | opcode << 3), False) for opcode in (1, 2, 4, 5, 8)),
        (bent(2, 0x07), False),
        (bent(13, ord("x")), False),
        (bent(13, ord("a")), False),
        *((bent(END + 1, kind), False) for kind in (14, 16)),
        *((bent(END + 3, cls), False) for cls in (0, 3)),
        (bent(END, 1), False),
        (RESPONSE[: END + 3], False),
        (bent(5, 0), False),
        (bent(4, 1), False),
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


# Names of which the octets behind are at eight places in a row.
NAMES = ["%s.example" % ("a" * length) for length in range(1, 9)]


@pytest.mark.parametrize("name", NAMES)
def test_whatever_the_length_of_the_name(name):
    asked = messages.query(messages.name_octets(name), "MX", 0x1234)
    reply = dns.message.make_response(dns.message.from_wire(asked))
    assert messages.fits(reply.to_wire(), asked)
    end = 12 + len(name) + 2
    for at in range(4):
        other = bytearray(reply.to_wire())
        other[end + at] ^= 1
        assert not messages.fits(bytes(other), asked)
    chain = ["%s. 50 IN CNAME b.%s." % (name, name), "b.%s. 40 IN CNAME c.%s." % (name, name)]
    values = ["c.%s. 60 IN MX %d mx.%s." % (name, preference, name) for preference in (1, 2)]
    found = reply_to(Question(name, "MX"), [*chain, *values], ["%s. 9 IN NS ns.%s." % (name, name)], errors=[(7, "x")])
    assert found.answer.records == ((1, "mx." + name), (2, "mx." + name))
    assert (found.answer.aliases, found.answer.ttl) == (("b." + name, "c." + name), 40)
    assert found[:3] == (0, False, "")
    assert (found.extended, found.of_dnssec) == ("signature expired: x", True)
    denied = reply_to(Question(name, "MX"), chain, ["%s. 30 IN SOA ns.%s. h.%s. 1 2 3 4 20" % (name, name, name)])
    assert (denied.answer.state, denied.answer.ttl, denied.answer.aliases) == ("absent", 20, ("b." + name, "c." + name))


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


@pytest.mark.parametrize("name", ["\\097.example", "A.example", "a.example"])
def test_a_name_is_the_same_however_it_is_written(name):
    """RFC 1035 2.3.3, 5.1: whatever is escaped in the question."""
    chain = ["a.example. 60 IN CNAME b.example.", "b.example. 60 IN MX 1 mx.example."]
    answer = reply_to(Question(name, "MX"), chain).answer
    assert (answer.records, answer.aliases) == (((1, "mx.example"),), ("b.example",))


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


def test_a_denial_that_nobody_has_signed():
    """RFC 4035 3.2.3: only AD says that it is; the bits of the rcode lie beside it."""
    for rcode in ("NOERROR", "NXDOMAIN"):
        assert reply_to(authority=[SOA % 60], rcode=rcode).answer.dnssec == "insecure"


REFERRAL = ["com. 100 IN NS a.example."]


@pytest.mark.parametrize(
    ("how", "failure"),
    [
        ({"authority": REFERRAL}, "a reply that only refers to other servers"),
        ({"flags": 0}, "an empty reply, neither of the zone's own server nor of one that looks names up"),
        ({"flags": dns.flags.AD | dns.flags.CD},
         "an empty reply, neither of the zone's own server nor of one that looks names up"),
        ({"flags": dns.flags.AA}, ""),
        ({"flags": dns.flags.AA, "authority": REFERRAL}, "a reply that only refers to other servers"),
        ({"flags": 0, "rcode": "NXDOMAIN"}, ""),
        ({"flags": 0, "authority": [SOA % 60]}, ""),
        ({"authority": [SOA % 60, *REFERRAL]}, ""),
        ({"authority": [*REFERRAL, SOA % 60]}, ""),
        ({"flags": dns.flags.AA, "answer": ["example.com. 50 IN CNAME b.example.", "b.example. 50 IN CNAME c.example."]},
         "a reply that does not follow the alias c.example"),
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
    assert (reply.failure, reply.truncated) == (failure, False)
    assert reply.answer.state == ("not_determined" if failure else "absent")
    assert reply.rcode == dns.rcode.from_text(how.get("rcode", "NOERROR"))


@pytest.mark.parametrize(
    ("rcode", "number"), [("NOERROR", 0), ("FORMERR", 1), ("SERVFAIL", 2), ("NXDOMAIN", 3), ("REFUSED", 5)]
)
def test_what_is_cut_off_is_not_read(rcode, number):
    reply = reply_to(answer=["example.com. 60 IN MX 1 a.example."], rcode=rcode, flags=USUAL | dns.flags.TC)
    assert (reply.rcode, reply.truncated, reply.failure) == (number, True, "a reply that is cut off")
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


@pytest.mark.parametrize("code", range(40))
def test_errors_that_only_a_resolver_that_validates_has_to_tell(code):
    """RFC 8914 4: unsupported algorithms, bogus, expired, not yet valid, missing; 25 and 27 by IANA's registry since."""
    reply = reply_to(rcode="SERVFAIL", errors=[(code, "")])
    assert reply.of_dnssec is (code in (1, 2, 5, 6, 7, 8, 9, 10, 11, 12, 25, 27))


def test_an_opt_record_without_options_says_nothing():
    assert reply_to(rcode="SERVFAIL", errors=[])[3:] == (reply_to(rcode="SERVFAIL")[3:])
    assert (reply_to(rcode="SERVFAIL", errors=[]).extended, reply_to(rcode="BADVERS", errors=[]).rcode) == ("", 16)


@pytest.mark.parametrize(
    ("version", "enough"), [((2, 6), True), ((2, 7), True), ((3, 0), True), ((2, 5), False), ((1, 16), False)]
)
def test_which_dnspython_is_needed(monkeypatch, version, enough):
    monkeypatch.setattr(dns.version, "MAJOR", version[0])
    monkeypatch.setattr(dns.version, "MINOR", version[1])
    if enough:
        messages.require_dnspython("domains")
        return
    told = []
    for instead in ("", "give zone_files"):
        with pytest.raises(OptionError) as caught:
            messages.require_dnspython("domains", instead)
        told.append(str(caught.value))
    text = "domains: need dnspython (2.6 or newer) where the check runs. Install it on that host"
    assert told == [text + ".", text + ", or give zone_files."]


@pytest.mark.parametrize(("chain", "shown"), [
    ([NAME], NAME),
    (["Two.example", NAME], "Two.example, " + NAME),
    (["two.example", "two.example"], "two.example, two.example"),
    (["%d.example" % number for number in range(20)], "0.example, 1.example, 2.example, 3.example, 4.example"),
])  # fmt: skip
def test_aliases_that_lead_nowhere(chain, shown):
    """The first five are shown."""
    answer = reply_to(answer=["%s. 60 IN CNAME %s." % pair for pair in zip([NAME, *chain], chain)]).answer
    assert (answer.state, answer.records, answer.aliases) == ("not_determined", (), ())
    assert answer.reason == "its CNAME records lead in a circle, or are too many: " + shown


@pytest.mark.parametrize("host", ["", "*.example", "-a.example", "a\\.b.example", "\\009.example", "Zz.example"])
def test_a_name_is_shown_as_zone_files_have_it_without_the_last_dot(host):
    """RFC 1035 5.1."""
    assert reply_to(answer=[NAME + ". 60 IN MX 1 %s." % host]).answer.records == ((1, host),)


def test_a_record_that_ends_too_early_is_told_by_its_name():
    message = dns.message.make_response(dns.message.make_query(NAME, "A"))
    message.answer = [record("WWW.example.net. 60 IN A 192.0.2.1"), record(NAME + ". 60 IN CNAME WWW.example.net.")]
    octets = message.to_wire()
    at = octets.index(b"\0\4\xc0\0\2\1")
    short = octets[:at] + b"\0\3\xc0\0\2" + octets[at + 6 :]
    answer = messages.read(Question(NAME, "A"), short).answer
    assert (answer.state, answer.records) == ("not_determined", ())
    assert answer.reason.startswith("a record of www.example.net cannot be read (") and answer.reason.endswith(")")


@pytest.mark.parametrize("octets", [RESPONSE[:2] + b"\x80\0\0\1\0\1\0\0\0\0", RESPONSE[:7] + b"\1" + RESPONSE[8:]])
def test_what_ends_too_early_cannot_be_read(octets):
    reply = messages.read(MAIL, octets)
    assert reply.failure.startswith("a reply that cannot be read (")
    assert not reply.truncated
    assert reply.answer.state == "not_determined"


def test_a_record_that_goes_beyond_the_end_of_its_reply():
    """RFC 1035 4.1.3: RDLENGTH says where it ends."""
    message = dns.message.make_response(dns.message.make_query(NAME, "MX", use_edns=0))
    message.use_edns(False)
    message.answer = [record(NAME + ". 300 IN MX 10 mx.example.net.")]
    wire = message.to_wire()
    assert messages.read(MAIL, wire).answer.state == "present"
    read = messages.read(MAIL, wire[:-3])
    assert (read.answer.state, read.failure != "") == ("not_determined", True)


def test_what_comes_along_with_an_answer_is_none():
    """RFC 2181 5.4.1: additional records are the least credible of all. OPT alone is looked for among them."""
    message = dns.message.make_response(dns.message.make_query(NAME, "MX", use_edns=0))
    message.flags |= USUAL
    message.additional = [record(NAME + ". 300 IN MX 10 mx.example.net.")]
    message.use_edns(0, options=[dns.edns.EDEOption(9, "")])
    read = messages.read(MAIL, message.to_wire())
    assert read.answer.records == ()
