# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# The envelopes that ask for relaying, how they are dealt out over sessions, and which of them a relay took at RCPT.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..._net.options import is_host_name
from ..._smtp.replies import is_success

if TYPE_CHECKING:
    from typing import List, Sequence, Tuple

    from ..._net.attempts import Outcome
    from ..._smtp.facts import ExtraReply
    from ..model import Audited

SESSIONS = 4  # in each, Exim lets three forms pass that it takes for mistakes of syntax (smtp_max_synprot_errors)


class Form(NamedTuple):
    """An envelope that asks for relaying; `plain` is one whose recipient is plainly elsewhere."""

    sender: str
    recipient: str
    plain: bool


def forms(audited: Audited) -> List[Form]:
    """Return the envelopes: who the sender claims to be, then how the recipient is written (RFC 5321 F.2, RFC 976)."""
    outside = audited.outside_recipient
    user, _at, domain = outside.rpartition("@")
    host, literal = _names(audited)
    senders = ["", outside, "postmaster@" + host, "postmaster@" + literal, audited.known_recipient]
    written = [
        *("%s%%%s@%s" % (user, domain, relay) for relay in (literal, host)),
        '"%s"' % outside,
        '"%s%%%s"' % (user, domain),
        *("%s@%s" % (outside, relay) for relay in (literal, host)),
        '"%s"@%s' % (outside, literal),
        *("@%s:%s" % (relay, outside) for relay in (literal, host)),
        "%s!%s" % (domain, user),
        *("%s!%s@%s" % (domain, user, relay) for relay in (literal, host)),
        outside + "@",
        "%s%%%s" % (user, domain),
    ]
    plain = [Form(sender, outside, True) for sender in dict.fromkeys(senders)]
    return plain + [Form(audited.sender, recipient, False) for recipient in written]


def _names(audited: Audited) -> Tuple[str, str]:
    """Return what the relay calls itself, and its address as a literal (RFC 5321 4.1.3)."""
    word = audited.first.facts.greeting.lines[0].partition(" ")[0]
    host = word if is_host_name(word) and "." in word else audited.endpoint.host
    address = audited.first.address or audited.endpoint.host
    return host, "[IPv6:%s]" % address.partition("%")[0] if ":" in address else "[%s]" % address


def dealt(audited: Audited) -> List[List[Form]]:
    """Deal the forms out over the sessions, so that each has its share of the strange ones."""
    asked = sorted(forms(audited), key=_strange)
    return [asked[first::SESSIONS] for first in range(SESSIONS)]


def _strange(form: Form) -> bool:
    """Whether a relay may take it for a mistake of syntax: a literal, a quoted or missing domain, two of them."""
    return any(mark in path for path in form[:2] for mark in '["!') or form.recipient.count("@") != 1


def answered(audited: Audited, outcomes: Sequence[Outcome], held: bool = True) -> List[Tuple[Form, ExtraReply]]:
    """Return each envelope that was tried, and what decided it: the answer before its RSET.

    `held`: of dialogues alone that came to their end, from control to control.
    """
    found: List[Tuple[Form, ExtraReply]] = []
    for group, outcome in zip(dealt(audited), outcomes):
        if held and outcome.facts.failure is not None:
            continue
        replies = outcome.facts.extra_replies
        decided = [before for before, reset in zip(replies, replies[1:]) if reset.command == "RSET"]
        found += zip(group, decided[1:])  # after the control
    return found


def suspects(audited: Audited, outcomes: Sequence[Outcome], held: bool = True) -> List[Form]:
    """Return the envelopes that were taken, the plain ones first. `held` as in answered()."""
    taken = [form for form, reply in answered(audited, outcomes, held)
             if reply.command.startswith("RCPT") and is_success("rcpt", reply.code)]  # fmt: skip
    return sorted(taken, key=lambda form: not form.plain)
