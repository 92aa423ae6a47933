# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# The messages of an audit: each is known by its token, goes to an address of the caller's, and says what it is.

from __future__ import annotations

from typing import TYPE_CHECKING

from .._smtp import commands
from .._smtp.replies import is_success
from .dialogue import about_us, ask
from .octets import octets

if TYPE_CHECKING:
    from .._smtp.conversation.state import Heard, State
    from .._smtp.facts import Facts

END = b"\r\n.\r\n"
CLOSING = 421  # to what was sent, it is its answer: so some refuse what they find there


def message(sender: str, recipient: str, token: str, date: str, body: bytes) -> bytes:
    """Return a message without its end. `body` may hold any octet, all else is what the options have checked."""
    lines = (
        "From: <%s>" % sender,
        "To: <%s>" % recipient,
        "Subject: mailcheck audit %s" % token,
        "Date: %s" % date,
        "Message-ID: <%s@mailcheck.invalid>" % token,
        "Auto-Submitted: auto-generated",
        "X-Auto-Response-Suppress: All",
        "X-Mailcheck-Token: %s" % token,
        "",
        "",
    )
    return "\r\n".join(lines).encode("ascii") + body


def begin(state: State, sender: str, recipient: str) -> Heard:
    """Begin a message; return the reply that decides: the first refusal, or that to DATA."""
    for command in (commands.mail(sender, {}), commands.rcpt(recipient, {}), commands.data()):
        reply = yield from ask(state, command)
        if not is_success(command.stage, reply.code):
            break
    return reply


def hand_over(state: State, sender: str, recipient: str, content: bytes) -> Heard:
    """Send `content`, a message with its end; return the reply that decides: the first refusal, or that to the end."""
    reply = yield from begin(state, sender, recipient)
    if is_success("data", reply.code):
        reply = yield from ask(state, octets(content)._replace(stage="message"))
        state.facts.message_taken |= is_success("message", reply.code)
    return reply


def refused_for_itself(facts: Facts) -> bool:
    """Whether a message that had begun was refused for good, and not because we come too often, or at all."""
    begun = any(reply.command == "DATA" and is_success("data", reply.code) for reply in facts.extra_replies)
    if not begun:
        return False
    last = facts.failure or facts.extra_replies[-1]
    return ((last.code or 0) >= 500 or last.code == CLOSING) and not about_us(last, "message")
