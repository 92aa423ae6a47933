# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# DANE of a domain's MX hosts: which TLSA records a sender finds for each, and what it makes of them (RFC 7672).
#
# Whether a relay's certificate is one that they name is judged elsewhere (_net/tls/dane.py), from what the relay shows.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .._net.dns.model import ABSENT, BOGUS, INSECURE, NOT_DETERMINED, PRESENT, SECURE, Tlsa
from .._net.dns.tlsa import NOT_VALIDATING, TlsaFound, look_up_tlsa, tlsa_name
from .._net.dns.together import together
from .._net.tls.dane import MAX_RECORDS, unusable_because
from .problems import is_valid, problem
from .publishing import TTL, Record
from .txt import listed

if TYPE_CHECKING:
    from typing import List, Optional, Sequence, Tuple

    from .._net.dns.model import Evaluation
    from .problems import Problem

_PORT = 25
_TA, _EE = 2, 3  # usages (RFC 7672 3.1)


class DaneRecord(NamedTuple):
    """One TLSA record."""

    usage: int
    selector: int
    matching_type: int
    data: str  # hexadecimal
    usable: bool
    reason: str  # why it is not; "" where it is

    def tlsa(self) -> Tlsa:
        return Tlsa(self.usage, self.selector, self.matching_type, bytes.fromhex(self.data))


class Dane(NamedTuple):
    """What a sender that does DANE finds for one MX host. `valid`: at least one record is usable."""

    state: str
    reason: str
    valid: Optional[bool]
    problems: Tuple[Problem, ...]
    host: str
    dnssec: str  # of what decided
    base_domain: str  # whose records they are, or would be
    names: Tuple[str, ...]  # that a certificate below an authority may be for (RFC 7672 3.2.2), the mail domain aside
    records: Tuple[DaneRecord, ...]
    rollover: bool  # the records are for two keys, or a key and an authority: one of them may be the next (RFC 7671 8)
    look_up_failed: bool  # one of the questions; else what is not determined is only what DNSSEC says
    explanation: str  # what such a sender does about it, as a sentence without its full stop


def look_up_dane(hosts: Sequence[str], mx_dnssec: str) -> Evaluation[Tuple[Dane, ...]]:
    """Return what is found for each MX host, in two round trips, three where there are aliases.

    `mx_dnssec`: what DNSSEC says of the answer that named the hosts. Where that is not signed nothing is asked (RFC
    7672 2.2.1).
    """
    if mx_dnssec == SECURE:
        found = yield from together([look_up_tlsa(host, _PORT) for host in hosts])
    else:
        state = ABSENT if mx_dnssec == INSECURE else NOT_DETERMINED
        reason = "" if state == ABSENT else "the MX records: " + NOT_VALIDATING
        found = [TlsaFound(state, reason, mx_dnssec, host, (host,)) for host in hosts]
    return tuple(map(_facts, hosts, found))


def tlsa_to_publish(host: str, public_key_sha256: str) -> Record:
    """Return the record for the key that a host serves (RFC 7671 5.1: 3 1 1 outlives a renewal with the same key)."""
    return Record(
        tlsa_name(host, _PORT), "TLSA", "3 1 1 " + public_key_sha256, TTL,
        "senders that do DANE then deliver to nobody else, whatever public authorities say",
        "the zone of %s, and those of the domains that it serves, are signed (DNSSEC), and renewals keep this key: a "
        "new key's record is published, and the TTL of the old one over, before that key is served" % host,
    )  # fmt: skip


def _facts(host: str, found: TlsaFound) -> Dane:
    records = tuple(map(_record, found.records[:MAX_RECORDS]))
    problems = _problems(host, found, records)
    usable = [record for record in records if record.usable]
    return Dane(
        found.state, found.reason, is_valid(problems) if found.state == PRESENT else None, tuple(problems), host,
        found.dnssec, found.base_domain, found.names, records, _is_rollover(usable), found.look_up_failed,
        _explain(host, found, usable),
    )  # fmt: skip


def _record(record: Tlsa) -> DaneRecord:
    reason = unusable_because(record)
    return DaneRecord(record.usage, record.selector, record.matching_type, record.data.hex(), not reason, reason)


def _problems(host: str, found: TlsaFound, records: Sequence[DaneRecord]) -> List[Problem]:
    problems = []
    unusable = [record.reason for record in records if not record.usable]
    if found.unsigned:
        problems.append(problem("dane_records_unsigned", host))
    if len(found.records) > MAX_RECORDS:
        problems.append(problem("dane_records_many", "%d" % (len(found.records) - MAX_RECORDS)))
    if unusable:
        problems.append(problem("dane_record_unusable", listed(unusable)))
    if records and len(unusable) == len(records):
        problems.append(problem("dane_none_usable", host))
    return problems


def _is_rollover(usable: Sequence[DaneRecord]) -> bool:
    """Two of one form name two keys; so do, perhaps, one of usage 3 and one of usage 2 (RFC 7671 8.1, 8.4)."""
    forms = [record[:3] for record in usable]
    usages = {record.usage for record in usable}
    return len(set(forms)) < len({record[:4] for record in usable}) or usages == {_TA, _EE}


def _explain(host: str, found: TlsaFound, usable: Sequence[DaneRecord]) -> str:
    what = "a sender that does DANE "
    if found.state == BOGUS:
        return what + "defers mail for %s: for it, as for this resolver, the look-up fails" % host
    if found.state == NOT_DETERMINED and found.look_up_failed:
        return what + "defers mail for %s while the look-up fails" % host
    if found.state == NOT_DETERMINED:
        return what + "asks a resolver that validates: what that says is not known here"
    if usable:
        return what + "delivers to %s in TLS only, and only where its certificate is one that the records name" % host
    if found.state == PRESENT:
        return what + "delivers to %s in TLS only, and authenticates nobody" % host
    if found.dnssec == SECURE:
        return what + "finds no records for %s, and delivers as if there were no DANE" % host
    return what + "finds nothing signed about %s, and delivers as if there were no DANE" % host
