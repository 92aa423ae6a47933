# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Which endings does a relay pass on? What it sends unchanged to a next relay that takes it for an end, others can
# smuggle messages through (CVE-2023-51764 to 51766): the fault belongs to the pair. Messages go through the relay to a
# server of the caller's, which keeps every octet: what stands there between two marks is what the relay made of the
# ending.

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from .._net.text import Secrets
from .._smtp.attempts import attempt_all
from .._smtp.replies import is_success
from .dialogue import framed
from .messages import END, hand_over, message, refused_for_itself
from .octets import ENDINGS, shown_octets

if TYPE_CHECKING:
    from typing import Any, Generator, List, Optional, Sequence

    from .._smtp.conversation.state import State
    from .._smtp.endpoint import Endpoint
    from .._smtp.replies import Reply

# Besides those that are tried inbound: a CR that is dropped on the way leaves the true end behind.
OUTBOUND = (*ENDINGS, b"\r\n.\r\r\n", b"\r\r\n.\r\r\n")
PASSED_ON, CHANGED, REFUSED, CUT, NOT_SEEN = "passed_on", "changed", "refused", "cut", "not_seen"
# A dot that stands alone to whoever takes one CR, one LF, or what follows a NUL, for a line; none where it was doubled.
_ALONE = re.compile(rb"[\r\n\0]\.\0?[\r\n]")


class Sent(NamedTuple):
    """One message: the ending inside it, nothing for the control; its token; the answer that decided.

    `refused`: for what it holds.
    """

    ending: bytes
    token: str
    code: Optional[int]
    text: str
    taken: bool
    refused: bool


class Seen(NamedTuple):
    """What became of one ending: `fate` is one of the five above, `octets` what arrived in its place."""

    ending: bytes
    fate: str
    octets: bytes
    text: str


def outbound_plan(
    endpoint: Endpoint, sender: str, recipient: str, date: str, tokens: Sequence[str]
) -> Generator[Any, Any, List[Sent]]:
    """Send the control, then a message for each ending of OUTBOUND, each on its own connection; return what was said.

    `tokens` are as many. Without the control taken, no other leaves.
    """
    secrets, sent = Secrets(), []
    for ending, token in zip((b"", *OUTBOUND), tokens):
        replies: List[Reply] = []
        content = message(sender, recipient, token, date, _body(ending, token)) + END
        talk = partial(_talk, sender, recipient, content, replies)
        (outcome,) = yield from attempt_all([framed(endpoint, talk)], secrets)
        failure, reply = outcome.facts.failure, replies[0] if replies else None
        refused = refused_for_itself(outcome.facts)
        if reply is not None:
            sent.append(Sent(ending, token, reply.code, reply.text, is_success("message", reply.code), refused))
        elif failure is not None:
            sent.append(Sent(ending, token, failure.code, failure.text or failure.cause, False, refused))
        else:
            sent.append(Sent(ending, token, None, "nothing was answered", False, False))
        if not ending and not sent[0].taken:
            break
    return sent


def _talk(sender: str, recipient: str, content: bytes, replies: List[Reply], state: State) -> Generator[Any, Any, None]:
    reply = yield from hand_over(state, sender, recipient, content)
    replies.append(reply)


def _body(ending: bytes, token: str) -> bytes:
    return _mark("before", token) + ending + _mark("behind", token) + b"\r\n"


def _mark(where: str, token: str) -> bytes:
    """A relay that takes an ending for one takes what stands behind it for a command: one that does nothing."""
    return b"NOOP %s-%s" % (where.encode("ascii"), token.encode("ascii"))


def fate_of(sent: Sent, arrived: Optional[bytes]) -> Seen:
    """Return what became of an ending. `arrived`: the message as it came, dots doubled; None if it did not."""
    if arrived is None:
        fate = REFUSED if sent.refused and (sent.code or 0) >= 500 else NOT_SEEN
        said = "answered %s %s" % (sent.code, sent.text) if sent.code else sent.text
        return Seen(sent.ending, fate, b"", said if not sent.taken else "taken, and not seen so far")
    _head, before, rest = arrived.partition(_mark("before", sent.token))
    between, behind, _tail = rest.partition(_mark("behind", sent.token))
    if not before:
        return Seen(sent.ending, NOT_SEEN, b"", "it arrived in another form, in which no ending shows")
    if not behind:
        return Seen(sent.ending, CUT, b"", "the message ended there")
    fate = PASSED_ON if _ALONE.search(between) else CHANGED
    return Seen(sent.ending, fate, between, "arrived as %s" % (shown_octets(between) or "nothing"))
