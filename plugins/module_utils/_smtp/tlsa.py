# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# A relay's chain beside TLSA records, which a caller gives as the text that a zone has (`3 1 1 9f86d081…`, RFC 6698
# 2.2), or which are looked up.

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from .._errors import OptionError
from .._net.dns.model import NOT_DETERMINED, PRESENT, SECURE, Tlsa

if TYPE_CHECKING:
    from typing import Optional, Sequence, Tuple

    from .._net.dns.tlsa import TlsaFound
    from .._net.tls.dane import DaneVerdict

# Three numbers of one octet each, and hexadecimal digits, which may be set apart.
_RECORD = re.compile(r"\s*(\d{1,3})\s+(\d{1,3})\s+(\d{1,3})((?:\s+[0-9a-f]+)+)\s*", re.IGNORECASE | re.ASCII)


class DaneFacts(NamedTuple):
    """What a chain comes to beside TLSA records, and how these were found; None where the caller gave them."""

    verdict: DaneVerdict
    found: Optional[TlsaFound]


def hold_against_given(chain: Tuple[bytes, ...], records: Sequence[Tlsa], names: Sequence[str]) -> DaneFacts:
    from .._net.tls.dane import judge_dane

    return DaneFacts(judge_dane(chain, records, names), None)


def hold_against_found(chain: Tuple[bytes, ...], found: TlsaFound, names: Sequence[str]) -> DaneFacts:
    """Where there are no records, or the look-up failed, that is what becomes of it (RFC 7672 2.1)."""
    from .._net.tls.dane import UNKNOWN, UNMET, DaneVerdict, judge_dane

    if found.state == PRESENT:
        verdict = judge_dane(chain, found.records, [*found.names, *names])
    elif found.state == NOT_DETERMINED:
        verdict = DaneVerdict(UNKNOWN, found.reason, ())
    else:
        signed = "there are no TLSA records" if found.dnssec == SECURE else "nothing signed leads to TLSA records"
        verdict = DaneVerdict(UNMET, found.reason or "%s for %s" % (signed, found.base_domain), ())
    return DaneFacts(verdict, found)


def tlsa_records(given: Sequence[str]) -> Tuple[Tlsa, ...]:
    """Return the records that the option `tlsa` holds. Raises OptionError."""
    return tuple(_record("tlsa[%d]" % index, text) for index, text in enumerate(given))


def _record(option: str, text: str) -> Tlsa:
    found = _RECORD.fullmatch(text)
    if found is None:
        raise OptionError(option, "is no TLSA record. Give usage, selector, matching type and data: 3 1 1 9f86d081….")
    usage, selector, matching_type = (int(number) for number in found.groups()[:3])
    digits = "".join(found.group(4).split())
    if max(usage, selector, matching_type) > 255 or len(digits) % 2:
        raise OptionError(option, "is no TLSA record: numbers go up to 255, and data is in whole octets.")
    return Tlsa(usage, selector, matching_type, bytes.fromhex(digits))
