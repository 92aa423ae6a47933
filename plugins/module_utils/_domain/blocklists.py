# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Block lists that are asked by the DNS (RFC 5782), and what their answers mean.
#
# Only an answer that the RFC calls a listing is one. A list says by 127.255.255.0/24 that it refuses to answer, and
# resolvers put addresses of their own where a name does not exist. That an address is not listed is believed of a list
# that lists what it must list: its test entry.

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple

from .._net.dns.model import ABSENT, NOT_DETERMINED, PRESENT, Question
from .._net.text import printable
from .txt import shown, texts
from .unanswered import is_open, why

if TYPE_CHECKING:
    from typing import Dict, List, Mapping, Optional, Sequence, Tuple

    from .._net.dns.model import Answer, Evaluation
    from .problems import Problem

MAX_CODES = 20  # of a listing
_LOOPBACK, _REFUSED, _NO_LISTING = "127.", "127.255.255.", "127.0.0.1"
# What must be listed, and what must not (RFC 5782 5), by the version of the addresses.
_TEST_ENTRIES = {4: ("127.0.0.2", "127.0.0.1"), 6: ("::ffff:7f00:2", "::ffff:7f00:1")}


class Listing(NamedTuple):
    """What a list says of an address. Present: it is listed, absent: it is not."""

    state: str
    reason: str
    valid: Optional[bool]
    problems: Tuple[Problem, ...]
    zone: str
    address: str
    listed: Optional[bool]  # None: not determined
    codes: Tuple[str, ...] = ()  # what the list answers; each list says what its codes mean
    explanation: str = ""  # the list's own words for it (TXT)


def look_up_blocklists(zones: Sequence[str], addresses: Sequence[str]) -> Evaluation[Dict[str, Tuple[Listing, ...]]]:
    """Return zone -> what it says of each address, once, in at most two round trips."""
    zones, addresses = list(dict.fromkeys(zones)), list(dict.fromkeys(addresses))
    tested = sorted({ip_address(address).version for address in addresses})
    entries = [*addresses, *(entry for version in tested for entry in _TEST_ENTRIES[version])]
    asked = list(dict.fromkeys(_question(entry, zone, "A") for zone in zones for entry in entries))
    answers: Sequence[Answer] = ()
    if asked:
        answers = yield tuple(asked)
    told = dict(zip(asked, answers))
    listings = [_listing(zone, address, told) for zone in zones for address in addresses]
    listed = [listing for listing in listings if listing.listed]
    if listed:
        reasons = yield tuple(_question(listing.address, listing.zone, "TXT") for listing in listed)
        words = dict(zip(listed, reasons))
        listings = [
            listing._replace(explanation=_explanation(words[listing])) if listing in words else listing
            for listing in listings
        ]
    return {zone: tuple(listing for listing in listings if listing.zone == zone) for zone in zones}


def _question(address: str, zone: str, kind: str) -> Question:
    """Return what is asked about an address: its octets or nibbles from the last to the first (RFC 5782 2.1, 2.4)."""
    reverse = ip_address(address).reverse_pointer.rsplit(".", 2)[0]
    return Question("%s.%s" % (reverse, zone.lower()), kind)


def _listing(zone: str, address: str, told: Mapping[Question, Answer]) -> Listing:
    answer = told[_question(address, zone, "A")]
    state, reason = _meaning(answer)
    entry, control = _TEST_ENTRIES[ip_address(address).version]
    tested, controlled = (told[_question(name, zone, "A")] for name in (entry, control))
    if state == PRESENT and _meaning(controlled)[0] == PRESENT:
        state, reason = NOT_DETERMINED, "the list lists everything, even %s (RFC 5782 5)" % control
    elif state == ABSENT:
        test_state, test_reason = _meaning(tested)
        if test_state == ABSENT:
            family = "IPv6 addresses" if ":" in entry else "addresses"
            test_reason = "its test entry %s is not listed (RFC 5782 5), so it does not list %s" % (entry, family)
        if test_state != PRESENT:
            state, reason = NOT_DETERMINED, "the list does not work here: " + test_reason
    return Listing(
        state=state,
        reason=reason,
        valid=True if state == PRESENT else None,
        problems=(),
        zone=zone,
        address=address,
        listed={PRESENT: True, ABSENT: False}.get(state),
        codes=tuple(map(printable, answer.records[:MAX_CODES])),
    )


def _meaning(answer: Answer) -> Tuple[str, str]:
    """Return state and reason of a list's answer (RFC 5782 2.1, 2.3)."""
    if is_open(answer):
        return answer.state, why(answer)
    strange = [code for code in answer.records if not code.startswith(_LOOPBACK)]
    refusals = [code for code in answer.records if code.startswith(_REFUSED)]
    if strange:
        text = "%s is no answer of a block list: the resolver puts its own where a name does not exist"
        return NOT_DETERMINED, text % printable(strange[0])
    if refusals:
        text = "the list refuses to answer this resolver (%s): ask by a resolver of your own, or register with the list"
        return NOT_DETERMINED, text % refusals[0]
    if set(answer.records) == {_NO_LISTING}:
        return NOT_DETERMINED, "the list answers %s, which is no listing but a refusal (RFC 5782 2.1)" % _NO_LISTING
    return answer.state, ""


def _explanation(answer: Answer) -> str:
    found: List[str] = [shown(text) for text in texts(answer)]
    return shown(" / ".join(found))
