# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Which SPF record to publish, where what is meant is plain; where it is not, none.

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._net.dns.model import ABSENT, PRESENT
from ..publishing import TTL
from ..publishing import Record as Advice
from .evaluate import MAX_LOOKUPS
from .judge import MAX_OCTETS
from .record import LOOKING_UP, meant, parse_record

if TYPE_CHECKING:
    from typing import List, Optional, Set

    from .facts import SpfFacts
    from .record import Record, Term


def record_to_publish(domain: str, facts: SpfFacts, parked: bool = False) -> Optional[Advice]:
    """Return the record that a domain is advised to publish instead of what it has, None where none is certain.

    `parked`: the domain neither sends nor takes mail.
    """
    if facts.state not in (PRESENT, ABSENT):
        return None
    if facts.state == ABSENT:
        return _of_no_mail(domain) if parked else _of_senders(domain, facts)
    if "\\" in facts.record:
        return None  # octets are shown as escapes: what is published is not known to the octet
    records = [parse_record(line.encode("utf-8")) for line in facts.record.split("\n")]
    if len(records) > 1:
        return _joined(domain, records)
    return _repaired(domain, facts, records[0])


def _of_no_mail(domain: str) -> Advice:
    """RFC 7208 10.1.2."""
    after = "it is sure that the domain neither sends nor takes mail"
    return Advice(domain, "TXT", "v=spf1 -all", TTL, "nobody may send mail in the domain's name", after)


def _of_senders(domain: str, facts: SpfFacts) -> Optional[Advice]:
    """A record of what the caller says sends for the domain, where there is none yet."""
    if facts.problems:  # there is a text that was meant to be the record: to be mended, not to be replaced
        return None
    if any(row.result is None or row.mail_from.rpartition("@")[2] != domain for row in facts.senders):
        return None
    networks = dict.fromkeys("ip%d:%s" % (6 if ":" in row.address else 4, row.address) for row in facts.senders)
    value = " ".join(["v=spf1", *networks, "~all"])
    if not networks or len(value) > MAX_OCTETS:
        return None
    after = "the senders that were named are all that send for the domain: mail of others becomes suspicious"
    return Advice(domain, "TXT", value, TTL, "receivers cannot tell who may send for the domain", after)


def _joined(domain: str, records: List[Record]) -> Optional[Advice]:
    """One record of several, where they end alike and only name who may send."""
    endings = {record.terms[-1].text.lower() for record in records if record.terms}
    if len(endings) != 1 or not all(map(_is_plain_list, records)):
        return None
    terms = list(dict.fromkeys(term.text for record in records for term in record.terms[:-1]))
    looking_up = {term.text for record in records for term in record.terms if term.name in LOOKING_UP}
    value = " ".join(["v=spf1", *terms, endings.pop()])
    if len(looking_up) > MAX_LOOKUPS or len(value) > MAX_OCTETS:
        return None
    after = "it replaces each of the %d SPF records of the domain" % len(records)
    if any(term.name == "include" for record in records for term in record.terms):
        after += ", and what its includes look up does not make more than %d look-ups" % MAX_LOOKUPS
    return Advice(domain, "TXT", value, TTL, "of several SPF records receivers evaluate none", after)


def _is_plain_list(record: Record) -> bool:
    """Return whether a record only names who may send, and ends in `all`."""
    if record.faults or not record.terms or record.terms[-1].name != "all":
        return False
    return all(term.qualifier == "+" and term.name != "all" for term in record.terms[:-1])


def _repaired(domain: str, facts: SpfFacts, record: Record) -> Optional[Advice]:
    """The same record with the terms written as they are meant."""
    absent = {term.term for term in facts.terms if term.state == ABSENT}
    repairs = {term.text: _repair(term, absent) for term in record.terms}
    changed = ["%s was meant as %s" % (text, repair) for text, repair in repairs.items() if repair != text]
    value = " ".join(["v=spf1", *(repairs[term.text] for term in record.terms)])
    if not changed or parse_record(value.encode("utf-8")).faults or len(value) > MAX_OCTETS:
        return None
    reason = "receivers cannot evaluate the record as it stands"
    return Advice(domain, "TXT", value, TTL, reason, ", ".join(changed))


def _repair(term: Term, absent: Set[str]) -> str:
    if term.fault or (term.name == "include" and term.text in absent):
        return meant(term.text) or term.text
    return term.text
