# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Which fields of a header the receiver has written (RFC 8601 5, 7.1).
#
# Servers write above what was there. So what stands above the receiver's own Received line is its own, and what stands
# below that line came with the message; but for some servers' milters, which write just below it.

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .trace import hop_of, written_by

if TYPE_CHECKING:
    from typing import Collection, List, Optional

    from .headers import Fields

OWN, IN_DOUBT, FOREIGN = "own", "in doubt", "foreign"

# What the author's client has written stands below what a milter puts in its place.
_BY_AUTHOR = frozenset(
    ("from", "sender", "reply-to", "to", "cc", "date", "subject", "message-id", "in-reply-to", "mime-version",
     "content-type", "x-mailcheck-token")
)  # fmt: skip
# Whose milters, and what else adds a field, write above its own line.
_WRITES_ABOVE = "(Postfix"
# What servers have looked up of a client's address stands beside it; what stands before is what it calls itself.
_LOOKED_UP = re.compile(r"\s*from\s+\S+\s+\(([^\s()\[\]]{1,255})\s\[[^\s()\[\]]{2,60}\]\)", re.IGNORECASE)


def own_lines(fields: Fields, trusted: Collection[str]) -> List[int]:
    """Return where the receiver's own Received lines stand, the topmost first.

    These are the topmost, and of those that follow the ones that trusted servers wrote, or filters beside them, as long
    as each line says that the message came from there: below the first that says otherwise, a sender may have written
    lines in whatever name.
    """
    found: List[int] = []
    for index, (name, value) in enumerate(fields):
        if name.lower() == "received":
            if found and not _is_before(value, fields[found[-1]][1], trusted):
                break
            found.append(index)
    return found


def origin(fields: Fields, index: int, trusted: Collection[str]) -> str:
    """Return whose a field is: the receiver's OWN, FOREIGN, or IN_DOUBT where the receiver and a sender may write."""
    own = own_lines(fields, trusted)
    if own and index < own[-1]:
        return OWN
    between = {name.lower() for name, _value in fields[own[-1] + 1 if own else 0 : index]}
    if "received" in between or not _BY_AUTHOR.isdisjoint(between):
        return FOREIGN
    came_from_outside = bool(own) and not hop_of(fields[own[-1]][1]).local
    return FOREIGN if came_from_outside and _WRITES_ABOVE in fields[own[-1]][1] else IN_DOUBT


def _is_before(line: str, above: str, trusted: Collection[str]) -> bool:
    """Whether the receiver wrote this line, too: the one above it says that the message came from there.

    A client calls itself as it likes, but for one of LMTP, which is spoken within a receiver alone (RFC 2033 5).
    """
    hop, by = hop_of(above), _name(hop_of(line).by)
    if written_by(line, trusted):
        looked_up = _LOOKED_UP.match(above)
        within = looked_up.group(1) if looked_up else hop.from_ if "lmtp" in (hop.with_ or "").lower() else None
        return hop.local or _name(within) == by
    return hop.local and by == "localhost"  # a filter on the same host


def _name(text: Optional[str]) -> str:
    return (text or "").lower().rstrip(".")
