# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# A question to the DNS and its answer, as the rest of the engine sees them: plain values, no DNS library.
#
# An evaluation is a generator. It yields a tuple of questions and is sent a tuple of answers in the same order; what
# it returns is its result. Who answers is not its business: name servers, zone files, or a test.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Any, Generator, Optional, Tuple, TypeVar

    T = TypeVar("T")
    Evaluation = Generator["Tuple[Question, ...]", "Tuple[Answer, ...]", T]

# What a question came to. Only the first two may decide a rule as met or unmet.
PRESENT, ABSENT, BOGUS, NOT_DETERMINED = "present", "absent", "bogus", "not_determined"
# What DNSSEC says of an answer, besides the last two above (RFC 4033 5).
SECURE, INSECURE = "secure", "insecure"


class Question(NamedTuple):
    """What is asked. `name` is as the DNS has it: A-labels in lower case, no dot at the end; "" is the root."""

    name: str
    kind: str  # A, AAAA, CAA, CNAME, MX, NS, PTR, SOA, TLSA, TXT


class Mx(NamedTuple):
    """RFC 1035 3.3.9. A null MX has the empty host (RFC 7505)."""

    preference: int
    host: str


class Tlsa(NamedTuple):
    """RFC 6698 2.1."""

    usage: int
    selector: int
    matching_type: int
    data: bytes


class Caa(NamedTuple):
    """RFC 8659 4.1."""

    flags: int
    tag: str
    value: str  # printable, and cut where it is too long to be shown


class Answer(NamedTuple):
    """What became of a question.

    `records` are those of the kind asked for, in the order of the answer: A and AAAA as the address's text, CNAME,
    NS, PTR and SOA (its first name) as a name without the last dot, TXT as a tuple of its octet strings (bytes), the
    others as above.
    """

    question: Question
    state: str  # PRESENT, ABSENT, BOGUS, NOT_DETERMINED
    records: Tuple[Any, ...] = ()
    dnssec: str = NOT_DETERMINED  # SECURE, INSECURE, BOGUS, NOT_DETERMINED: of the whole answer, aliases included
    # Whether the name, or the last of its aliases, has records of any kind, or names below it. None: not known.
    exists: Optional[bool] = None
    aliases: Tuple[str, ...] = ()  # the names that CNAMEs led to, the last one has the records
    ttl: Optional[int] = None  # seconds, the shortest of the answer; of a denial, for how long it may be kept
    # In words, why `state` or `dnssec` is bogus or not determined: rcode, time-out, extended error (RFC 8914).
    reason: str = ""
    server: str = ""  # who answered
    above_zones: bool = False  # it was for zone files to answer, and the name is above all that they can say


def not_determined(question: Question, reason: str, server: str = "") -> Answer:
    """Return the answer of a question that nobody answered."""
    return Answer(question, NOT_DETERMINED, reason=reason, server=server)
