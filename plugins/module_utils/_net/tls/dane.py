# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# A served chain held against TLSA records, as SMTP does it (RFC 6698, RFC 7671, RFC 7672).
#
# A record of usage 3 names the server's own certificate or key: nothing else counts. One of usage 2 names an authority
# above it: the chain must lead there, be in date and for the right name; no other authority is asked. One record that
# holds is enough.

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from .certificates import CertificateError, read_certificate
from .der import children_of, encoded, only
from .identity import names_match
from .judging import judge_by_anchor

if TYPE_CHECKING:
    from typing import Iterator, List, Optional, Sequence, Set, Tuple

    from ..dns.model import Tlsa

MET, UNMET, UNKNOWN, UNUSABLE, PASSED_OVER = "met", "unmet", "unknown", "unusable", "passed_over"
MAX_RECORDS = 64  # a handful is usual; each may cost a look at every certificate of the chain
MAX_ANCHORS = 8  # that one record may stand for

_SEQUENCE, _BIT_STRING, _INTEGER, _UTC_TIME = 0x30, 0x03, 0x02, 0x17
_TA, _EE = 2, 3  # DANE-TA, DANE-EE (RFC 7218)
_CERTIFICATE, _KEY = 0, 1
_FULL = 0
# Matching type -> the digest's name for hashlib and its octets; the higher number is the stronger (RFC 7671 9).
_DIGESTS = {1: ("sha256", 32), 2: ("sha512", 64)}


class HeldRecord(NamedTuple):
    """One record, held against a chain."""

    record: Tlsa
    outcome: str  # met, unmet, unknown, unusable; passed_over: a stronger digest stands beside it (RFC 7671 9)
    reason: str  # "" where met


class DaneVerdict(NamedTuple):
    """What a chain comes to. `reason` is "" where it is met."""

    outcome: str  # met, unmet, unknown
    reason: str
    records: Tuple[HeldRecord, ...]

    @property
    def usable(self) -> Tuple[Tlsa, ...]:
        """The records that count for SMTP (RFC 7672 3.1)."""
        return tuple(one.record for one in self.records if one.outcome != UNUSABLE)


def judge_dane(chain: Tuple[bytes, ...], records: Sequence[Tlsa], names: Sequence[str]) -> DaneVerdict:
    """Hold a chain as it was sent (DER, the server's own certificate first) against the TLSA records of its host.

    `names`: those a certificate below an authority may be for (RFC 7672 3.2.2): the TLSA base domain, the MX host, the
    next-hop domain, and what secure aliases made of them. Where no record is usable the outcome is `unmet`: then TLS is
    mandatory, and nobody is authenticated (RFC 7672 2.2).
    """
    looked_at = records[:MAX_RECORDS]
    reasons = {record: unusable_because(record) for record in looked_at}
    strongest = _strongest([record for record in looked_at if not reasons[record]])
    held: List[HeldRecord] = []
    for record in looked_at:
        if reasons[record]:
            held.append(HeldRecord(record, UNUSABLE, reasons[record]))
        elif record.matching_type != _FULL and record not in strongest:
            held.append(HeldRecord(record, PASSED_OVER, "%s: a stronger digest stands beside it" % shown(record)))
        else:
            outcome, reason = _hold(chain, record, names) if chain else (UNKNOWN, "the chain could not be seen")
            held.append(HeldRecord(record, outcome, "%s: %s" % (shown(record), reason) if reason else ""))
    return _sum_up(tuple(held), len(records) - len(looked_at))


def shown(record: Tlsa) -> str:
    """Return a record as a zone has it, cut: 3 1 1 9f86d081…"""
    data = record.data.hex()
    return "%d %d %d %s" % (record.usage, record.selector, record.matching_type, data[:16] + "…" * (len(data) > 16))


def unusable_because(record: Tlsa) -> str:
    """Return why SMTP cannot use a record (RFC 7672 3.1, RFC 7671 4.1, RFC 6698 4.1); "" where it can."""
    usage, selector, matching_type, data = record
    said = "%s: " % shown(record)
    if usage in (0, 1):
        return said + "usage %d relies on public authorities and is not for SMTP" % usage
    if usage not in (_TA, _EE):
        return said + "usage %d is not known" % usage
    if selector not in (_CERTIFICATE, _KEY):
        return said + "selector %d is not known" % selector
    if matching_type == _FULL:
        return said + _unreadable(selector, data) if _unreadable(selector, data) else ""
    if matching_type not in _DIGESTS:
        return said + "matching type %d is not known" % matching_type
    name, octets = _DIGESTS[matching_type]
    if len(data) != octets:
        return said + "a %s has %d octets, this one %d octets" % (name.upper(), octets, len(data))
    return ""


def _unreadable(selector: int, data: bytes) -> str:
    try:
        if selector == _CERTIFICATE:
            read_certificate(data)
        else:
            children_of(only(data), _SEQUENCE, 2)
    except CertificateError:
        return "its data is no %s" % ("certificate" if selector == _CERTIFICATE else "public key")
    return ""


def _strongest(usable: Sequence[Tlsa]) -> Set[Tlsa]:
    """Return those whose digest is the strongest among their usage's and selector's (RFC 7671 9)."""

    def rivals(record: Tlsa) -> Iterator[int]:
        return (other.matching_type for other in usable if other[:2] == record[:2])

    return {record for record in usable if record.matching_type == max(rivals(record))}


def _hold(chain: Tuple[bytes, ...], record: Tlsa, names: Sequence[str]) -> Tuple[str, str]:
    """Return outcome and reason for a usable record."""
    own = _selected(chain[0], record.selector)
    if record.usage == _EE:
        if own is None:
            return UNKNOWN, "the relay's certificate cannot be read"
        matches = _digest(own, record) == record.data
        return (MET, "") if matches else (UNMET, "the relay's own %s is another" % _kind(record))
    anchors = _anchors(chain, record)
    if not anchors and record[1:] == (_KEY, _FULL, own) and _is_self_signed(chain[0]):
        anchors = [chain[0]]  # as OpenSSL has it, of a bare key only: the relay is its own authority
    if not anchors:
        if _digest(own, record) == record.data:
            return UNMET, "it names the relay's own certificate, which takes usage 3: usage 2 is for one above it"
        return UNMET, "no certificate that the relay has sent above its own has this %s" % _kind(record)
    return _hold_by_anchors(chain, anchors, names)


def _hold_by_anchors(chain: Tuple[bytes, ...], anchors: Sequence[bytes], names: Sequence[str]) -> Tuple[str, str]:
    """Each by itself: of two authorities with one name, OpenSSL would try the first only."""
    fault: Optional[str] = None
    try:
        for anchor in anchors[:MAX_ANCHORS]:
            fault = judge_by_anchor(chain, anchor)
            if fault is None:
                break
        leaf = read_certificate(chain[0])
    except CertificateError:
        return UNKNOWN, "a certificate cannot be read"
    if fault == "not_determined":
        return UNKNOWN, "the chain could not be judged"
    if fault is not None and len(anchors) > MAX_ANCHORS:
        return UNKNOWN, "it may stand for more authorities than the %d that were tried" % MAX_ANCHORS
    if fault is not None:
        return UNMET, "the chain does not hold up to this authority: %s" % fault
    if not any(names_match(leaf, name) for name in names):
        covered = ", ".join(leaf.subject_alt_names[:5]) or "no name"
        return UNMET, "the certificate is for %s, not for %s" % (covered, " or ".join(names))
    return MET, ""


def _anchors(chain: Tuple[bytes, ...], record: Tlsa) -> List[bytes]:
    """Return the certificates that a record of usage 2 names: sent above the server's own, or the record's own data."""
    named = [der for der in chain if _digest(_selected(der, record.selector), record) == record.data]
    if named or record.matching_type != _FULL:
        return [der for der in named if der != chain[0]]
    if record.selector == _CERTIFICATE:
        return [record.data]
    readable = [der for der in reversed(chain) if _selected(der, _KEY) is not None]
    return list({_authority(der, record.data): None for der in readable})


def _authority(der: bytes, key: bytes) -> bytes:
    """Return a certificate for a bare key, with the name of what issued `der` (RFC 7671 5.2, `2 1 0`).

    OpenSSL's anchors are certificates. Nobody looks at the signature, nor at the dates' truth, of an anchor.
    """
    body, algorithm, _signature = children_of(only(der), _SEQUENCE, 3)
    fields = children_of(body, _SEQUENCE)
    name = fields[3 if fields[0].tag == 0xA0 else 2].whole
    dates = encoded(_SEQUENCE, encoded(_UTC_TIME, b"500101000000Z"), encoded(_UTC_TIME, b"491231235959Z"))
    made = encoded(_SEQUENCE, encoded(_INTEGER, b"\1"), algorithm.whole, name, dates, name, key)
    return encoded(_SEQUENCE, made, algorithm.whole, encoded(_BIT_STRING, b"\0\0"))


def _is_self_signed(der: bytes) -> bool:
    try:
        return read_certificate(der).self_signed
    except CertificateError:
        return False


def _selected(der: bytes, selector: int) -> Optional[bytes]:
    """Return what the selector names (RFC 6698 2.1.2): the certificate, or its key; None where it cannot be read."""
    if selector == _CERTIFICATE:
        return der
    try:
        fields = children_of(children_of(only(der), _SEQUENCE, 3)[0], _SEQUENCE)
        return fields[6 if fields[0].tag == 0xA0 else 5].whole
    except (CertificateError, IndexError):
        return None


def _digest(selected: Optional[bytes], record: Tlsa) -> Optional[bytes]:
    if selected is None or record.matching_type == _FULL:
        return selected
    return hashlib.new(_DIGESTS[record.matching_type][0], selected).digest()


def _kind(record: Tlsa) -> str:
    return "certificate" if record.selector == _CERTIFICATE else "key"


def _sum_up(held: Tuple[HeldRecord, ...], left_out: int) -> DaneVerdict:
    outcomes = {one.outcome for one in held}
    if MET in outcomes:
        return DaneVerdict(MET, "", held)
    reasons = [one.reason for one in held if one.reason]
    if left_out:
        reasons.append("%d more records were not looked at" % left_out)
        return DaneVerdict(UNKNOWN, "; ".join(reasons), held)
    if UNKNOWN in outcomes or not held:
        return DaneVerdict(UNKNOWN, "; ".join(reasons) or "there are no records", held)
    if outcomes == {UNUSABLE}:
        reasons.append("no record is usable: a sender that does DANE encrypts, and authenticates nobody")
    return DaneVerdict(UNMET, "; ".join(reasons), held)
