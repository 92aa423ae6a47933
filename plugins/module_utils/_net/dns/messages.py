# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Questions → octets, octets → answers (RFC 1035 4), by dnspython, which is imported in this folder only.
#
# Whoever asks thousands of questions pays for each: a query is made once for each kind, and names take turns in it; of
# a reply, the names and records that the answer is about are parsed by dnspython, signatures and proofs passed over.

from __future__ import annotations

import struct
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from ..._errors import OptionError
from ..text import cut, printable
from .model import ABSENT, INSECURE, PRESENT, SECURE, Answer, Tlsa, not_determined
from .records import circle, in_words, name_text, record_of

if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple

    from .model import Question

NEEDED = (2, 6)  # dnspython
EDNS_OCTETS = 1232  # that pass everywhere in one piece (DNS flag day 2020)
MAX_RECORDS = 1000  # of a reply: each costs time, and nothing that is published needs as many
MAX_ALIASES = 16  # as many CNAMEs in a row as resolvers follow

_HEADER = 12
_RESPONSE, _OPCODE, _AUTHORITATIVE, _TRUNCATED = 0x8000, 0x7800, 0x0400, 0x0200
_RECURSION_AVAILABLE, _AUTHENTIC = 0x0080, 0x0020
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, BADVERS = 0, 1, 2, 3, 4, 16
_IN, _NS, _CNAME, _SOA, _OPT = 1, 2, 5, 6, 41
_THE_NAME_ASKED = b"\xc0\x0c"  # a pointer to it (RFC 1035 4.1.4)
# Extended errors that only a resolver that validates has to tell (RFC 8914 4).
_DNSSEC_ERRORS = frozenset((1, 2, 5, 6, 7, 8, 9, 10, 11, 12, 25, 27))
_CAPITALS = frozenset(("DNSKEY", "DNSSEC", "DS", "NSEC", "NSEC3", "NXDOMAIN", "RRSIGS"))


class Reply(NamedTuple):
    """What a server said. `answer` counts where `failure` is empty and nothing is cut off."""

    rcode: int
    truncated: bool
    failure: str  # in words, why the server has not answered
    answer: Answer  # SECURE where the server says so (AD), else INSECURE
    extended: str = ""  # in words, the extended errors (RFC 8914)
    of_dnssec: bool = False  # one of them is about signatures


class _Malformed(ValueError):
    """What came is no DNS message."""


class _NotAnswered(Exception):
    """What came is a reply, and no answer; says why."""


def require_dnspython(option: str, instead: str = "") -> None:
    """See that dnspython can be used. Raises OptionError, about `option`; `instead` is what to do without."""
    try:
        import dns.message
        import dns.version

        if (dns.version.MAJOR, dns.version.MINOR) >= NEEDED:
            return
    except ImportError:
        pass
    text = "need dnspython (%d.%d or newer) where the check runs. Install it on that host%s."
    raise OptionError(option, text % (*NEEDED, instead and ", or " + instead)) from None


# Queries


def name_octets(name: str) -> bytes:
    """Return a name as messages have it. Raises ValueError if it cannot be one."""
    import dns.exception
    import dns.name

    try:
        return bytes(dns.name.from_text(name).to_wire())
    except (dns.exception.DNSException, UnicodeError) as error:
        raise ValueError(in_words(error)) from None


def query(name: bytes, kind: str, number: int, edns: bool = True, checking_disabled: bool = False) -> bytes:
    """Return a query about name_octets() with RD, DO, AD (RFC 4035 3.2.1, 6840 5.7) and this id."""
    of_root = _query_about_root(kind, edns, checking_disabled)
    return b"".join((number.to_bytes(2, "big"), of_root[2:_HEADER], name, of_root[_HEADER + 1 :]))


@lru_cache(maxsize=None)
def _query_about_root(kind: str, edns: bool, checking_disabled: bool) -> bytes:
    import dns.flags
    import dns.message

    flags = dns.flags.RD | dns.flags.AD | (dns.flags.CD if checking_disabled else 0)
    # Not by its flag, which dnspython 2.6 takes away again.
    options = {"use_edns": 0, "want_dnssec": True, "payload": EDNS_OCTETS} if edns else {"use_edns": False}
    return bytes(dns.message.make_query(".", kind, flags=flags, **options).to_wire())


@lru_cache(maxsize=None)
def _number_of(kind: str) -> int:
    import dns.rdatatype

    return int(dns.rdatatype.from_text(kind))


def fits(reply: bytes, asked: bytes) -> bool:
    """Return whether `reply` is a response to the query `asked`, by its id, opcode and question (RFC 5452 9.1).

    A server that does not understand a query may leave the question out of its complaint.
    """
    if len(reply) < _HEADER or reply[:2] != asked[:2]:
        return False
    flags, questions = struct.unpack_from("!HH", reply, 2)
    if flags & (_RESPONSE | _OPCODE) != _RESPONSE:
        return False
    if not questions:
        return flags & 15 in (FORMERR, NOTIMP)
    end = _after_name(asked, _HEADER)
    same_name = reply[_HEADER:end].lower() == asked[_HEADER:end].lower()
    return questions == 1 and same_name and reply[end : end + 4] == asked[end : end + 4]


# Replies


def read(question: Question, reply: bytes) -> Reply:
    """Return what a reply that fits says about the question."""
    flags = struct.unpack_from("!H", reply, 2)[0]
    rcode, truncated = flags & 15, bool(flags & _TRUNCATED)
    if truncated:
        return Reply(rcode, True, "a reply that is cut off", not_determined(question, ""))
    try:
        return _read(question, reply, flags)
    except Exception as error:  # noqa: BLE001  # whatever it is that was sent, it is one reply that cannot be read
        return Reply(rcode, False, "a reply that cannot be read (%s)" % in_words(error), not_determined(question, ""))


def _read(question: Question, reply: bytes, flags: int) -> Reply:
    questions, *counts = struct.unpack_from("!HHHH", reply, 4)
    if sum(counts) > MAX_RECORDS:
        raise _Malformed("it has more than %d records" % MAX_RECORDS)
    at = _HEADER
    for _question in range(questions):
        at = _after_name(reply, at) + 4
    sections: List[List[_Record]] = []
    for count in counts:
        records, at = _section(reply, at, count)
        sections.append(records)
    rcode, extended, of_dnssec = flags & 15, "", False
    for record in sections[2]:
        if record.kind == _OPT:
            rcode |= record.ttl >> 24 << 4  # RFC 6891 6.1.3
            extended, of_dnssec = _extended_errors(reply, record)
    if rcode not in (NOERROR, NXDOMAIN):
        return Reply(rcode, False, rcode_text(rcode), not_determined(question, ""), extended, of_dnssec)
    try:
        return Reply(rcode, False, "", _answer(question, reply, sections[0], sections[1], flags), extended, of_dnssec)
    except _NotAnswered as why:
        return Reply(rcode, False, str(why), not_determined(question, ""), extended, of_dnssec)


def rcode_text(rcode: int) -> str:
    import dns.rcode

    return str(dns.rcode.to_text(dns.rcode.Rcode.make(rcode)))


class _Record(NamedTuple):
    """Where in a message a record is: its owner's name, and from where to where its data goes."""

    owner: int
    kind: int
    ttl: int
    begin: int
    end: int


def _section(reply: bytes, at: int, count: int) -> Tuple[List[_Record], int]:
    records = []
    for _record in range(count):
        owner, at = at, _after_name(reply, at)
        kind, cls, ttl, length = struct.unpack_from("!HHIH", reply, at)
        begin = at + 10
        at = begin + length
        if at > len(reply):
            raise _Malformed("a record goes beyond its end")
        if cls == _IN or kind == _OPT:
            records.append(_Record(owner, kind, ttl, begin, at))
    return records, at


def _after_name(message: bytes, at: int) -> int:
    length = message[at]
    while 0 < length < 64:
        at += length + 1
        length = message[at]
    return at + (2 if length >= 192 else 1)


def _name(reply: bytes, at: int) -> str:
    import dns.name
    import dns.wire

    return name_text(dns.name.from_wire_parser(dns.wire.Parser(reply, at)))


def _rdata(reply: bytes, record: _Record) -> Any:
    import dns.rdata

    return dns.rdata.from_wire(_IN, record.kind, reply, record.begin, record.end - record.begin)


def _answer(question: Question, reply: bytes, records: List[_Record], authority: List[_Record], flags: int) -> Answer:
    """Follow the aliases from the name asked to what is there. Raises _NotAnswered."""
    kind, asked = _number_of(question.kind), question.name
    if any(reply[record.owner : record.owner + 2] != _THE_NAME_ASKED for record in records):
        asked = _name(reply, _HEADER).lower()  # written as the other names are, whatever is escaped in them
    by_owner: Dict[Tuple[str, int], List[_Record]] = {}
    names = {_THE_NAME_ASKED: asked}  # as they are written: thousands of records may have one owner
    for record in records:
        if record.kind in (kind, _CNAME):
            written = reply[record.owner : _after_name(reply, record.owner)]
            if written not in names:
                names[written] = _name(reply, record.owner).lower()
            by_owner.setdefault((names[written], record.kind), []).append(record)
    aliases: List[str] = []
    name, ttls, found = asked, [], by_owner.get((asked, kind))
    while not found and (name, _CNAME) in by_owner:
        alias = by_owner.pop((name, _CNAME))[0]
        aliases.append(_name(reply, alias.begin))
        ttls.append(alias.ttl)
        name = aliases[-1].lower()
        if len(aliases) > MAX_ALIASES or name == asked or name in map(str.lower, aliases[:-1]):
            return circle(question, aliases)
        found = by_owner.get((name, kind))
    dnssec = SECURE if flags & _AUTHENTIC else INSECURE
    if not found:
        denial = _ttl_of_denial(reply, authority, flags, aliases)
        ttl = min([*ttls, denial] if denial is not None else ttls, default=None)
        return Answer(question, ABSENT, (), dnssec, flags & 15 != NXDOMAIN, tuple(aliases), ttl)
    try:
        values = tuple(_value(question.kind, reply, record) for record in found)
    except Exception as error:  # noqa: BLE001  # whatever the record holds, it is one answer that is not known
        return not_determined(question, "a record of %s cannot be read (%s)" % (printable(name), in_words(error)))
    ttl = min(ttls + [record.ttl for record in found])
    return Answer(question, PRESENT, values, dnssec, True, tuple(aliases), ttl)


def _value(kind: str, reply: bytes, record: _Record) -> Any:
    if kind != "TLSA":
        return record_of(kind, _rdata(reply, record))
    # dnspython refuses a digest of another length, which is a fault of this record alone (RFC 7671 4.1).
    usage, selector, matching_type = struct.unpack_from("!BBB", reply[: record.end], record.begin)
    return Tlsa(usage, selector, matching_type, reply[record.begin + 3 : record.end])


def _ttl_of_denial(reply: bytes, authority: List[_Record], flags: int, aliases: List[str]) -> Optional[int]:
    """Return for how long it holds that there is nothing (RFC 2308 5), in seconds, None where that is not said.

    Raises _NotAnswered if nothing is denied: the server only says who knows more (2.1.2), leaves that to us, or is none
    that could know.
    """
    for record in authority:
        if record.kind == _SOA:
            (minimum,) = struct.unpack_from("!I", reply, record.end - 4)
            return min(record.ttl, int(minimum))
    if flags & 15 == NOERROR:
        if any(record.kind == _NS for record in authority):
            raise _NotAnswered("a reply that only refers to other servers")
        if aliases and not flags & _RECURSION_AVAILABLE:
            raise _NotAnswered("a reply that does not follow the alias %s" % printable(aliases[-1]))
        if not flags & (_RECURSION_AVAILABLE | _AUTHORITATIVE):
            raise _NotAnswered("an empty reply, neither of the zone's own server nor of one that looks names up")
    return None


def _extended_errors(reply: bytes, record: _Record) -> Tuple[str, bool]:
    """Return what the extended errors say, in words, and whether one of them is about DNSSEC (RFC 8914)."""
    import dns.edns

    if record.begin == record.end:
        return "", False
    errors = [option for option in _rdata(reply, record).options if isinstance(option, dns.edns.EDEOption)]
    words = []
    for error in errors:
        known = error.code in set(dns.edns.EDECode)
        name = dns.edns.EDECode(error.code).name if known else "extended_error_%d" % error.code
        name = " ".join(word if word in _CAPITALS else word.lower() for word in name.split("_"))
        words.append("%s: %s" % (name, error.text) if error.text else name)
    return printable(cut("; ".join(words))), any(int(error.code) in _DNSSEC_ERRORS for error in errors)
