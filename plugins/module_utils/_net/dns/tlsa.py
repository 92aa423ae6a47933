# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Which TLSA records a client finds for a host (RFC 7672 2.2, RFC 7671 7).
#
# They count only where the DNS has signed the way to them: the host's addresses, its aliases, the records. Where it has
# not, nobody asks for them: name servers exist that fail at a question for TLSA.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..text import printable
from .model import ABSENT, BOGUS, INSECURE, NOT_DETERMINED, PRESENT, SECURE, Question

if TYPE_CHECKING:
    from typing import Optional, Sequence, Tuple

    from .model import Answer, Evaluation, Tlsa

NOT_VALIDATING = "whether they are signed is not known: nothing that validates was asked"


class TlsaFound(NamedTuple):
    """What a client finds. `state` and `reason` as of an Answer, of the whole look-up.

    A client that does DANE does not deliver while it is `bogus`, or fails for the client, too (RFC 7672 2.1).
    """

    state: str
    reason: str
    dnssec: str  # of what decided
    base_domain: str  # whose records they are, or would be
    names: Tuple[str, ...]  # that a certificate below an authority may be for: the base domain first (RFC 7672 3.2.2)
    records: Tuple[Tlsa, ...] = ()
    unsigned: bool = False  # there are records, and they do not count: nobody has signed them
    look_up_failed: bool = False  # a question had no answer, or a bogus one; else all that is open is what DNSSEC says
    ttl: Optional[int] = None  # seconds


def tlsa_name(host: str, port: int) -> str:
    """Return where the records for a port of a host are (RFC 6698 3)."""
    return "_%d._tcp.%s" % (port, host)


def look_up_tlsa(host: str, port: int) -> Evaluation[TlsaFound]:
    """Ask for the addresses of a host, and where these are signed for its TLSA records: two round trips.

    An alias takes a third where it leads from a signed zone into one that is not.
    """
    answers = yield (Question(host, "A"), Question(host, "AAAA"))
    present = [answer for answer in answers if answer.state == PRESENT]
    if not present:
        return _without_addresses(host, answers)
    nothing = TlsaFound(ABSENT, "", INSECURE, host, (host,))
    if any(answer.dnssec == NOT_DETERMINED for answer in present):
        return _unchecked(nothing, "the addresses of %s" % host)
    aliases = present[0].aliases
    if all(answer.dnssec == SECURE for answer in present):
        return (yield from _ask((aliases[-1], host) if aliases else (host,), port))
    if not aliases:
        return nothing
    (alias,) = yield (Question(host, "CNAME"),)  # the alias itself may be signed, though what it leads to is not
    if alias.state in (BOGUS, NOT_DETERMINED):
        return _failed(nothing, "alias", alias)
    if alias.dnssec == NOT_DETERMINED:
        return _unchecked(nothing, "the alias %s" % host)
    return (yield from _ask((host,), port)) if alias.dnssec == SECURE else nothing


def _without_addresses(host: str, answers: Sequence[Answer]) -> TlsaFound:
    for state in (BOGUS, NOT_DETERMINED):
        for answer in answers:
            if answer.state == state:
                return _failed(TlsaFound(state, "", answer.dnssec, host, (host,)), "addresses", answer)
    dnssec = next((answer.dnssec for answer in answers if answer.dnssec != SECURE), SECURE)
    return TlsaFound(ABSENT, "", dnssec, host, (host,))


def _ask(bases: Tuple[str, ...], port: int) -> Evaluation[TlsaFound]:
    """Ask for the records of each base domain. The first that has any, or whose look-up fails, decides."""
    answers = yield tuple(Question(tlsa_name(base, port), "TLSA") for base in bases)
    found = TlsaFound(ABSENT, "", SECURE, bases[0], bases)
    for base, answer in zip(bases, answers):
        others = tuple(name for name in bases if name != base)
        found = found._replace(base_domain=base, names=(base, *others))
        if answer.state in (BOGUS, NOT_DETERMINED):
            return _failed(found, "TLSA", answer)
        if answer.state == PRESENT and answer.dnssec == NOT_DETERMINED:
            return _unchecked(found, "TLSA at %s" % tlsa_name(base, port))
        if answer.state == PRESENT and answer.dnssec == SECURE:
            return found._replace(state=PRESENT, records=answer.records, ttl=answer.ttl)
        if answer.state == PRESENT:
            found = found._replace(unsigned=True, dnssec=INSECURE)
    return found


def _unchecked(found: TlsaFound, what: str) -> TlsaFound:
    return found._replace(state=NOT_DETERMINED, reason="%s: %s" % (what, NOT_VALIDATING), dnssec=NOT_DETERMINED)


def _failed(found: TlsaFound, what: str, answer: Answer) -> TlsaFound:
    reason = "the look-up of %s at %s failed: %s" % (what, answer.question.name, printable(answer.reason))
    if answer.state == BOGUS:  # whose fault that is cannot be seen from one resolver
        reason += "; ask another resolver whether it is this one's fault"
    return found._replace(state=answer.state, reason=reason, dnssec=answer.dnssec, look_up_failed=True)
