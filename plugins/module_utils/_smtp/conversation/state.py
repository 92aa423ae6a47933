# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What every part of a conversation shares: saying, hearing, and the two early ends.
#
# Stop is ours: the relay's reply, or our rules, leave nothing more to do, and QUIT follows. Broken is thrown in
# from outside: the connection is gone, or not to be trusted, and nothing more is said.

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..._net.attempts import Broken
from ..._net.text import cut
from ..._verdicts.causes import Failure, verdict_of
from ..replies import is_success
from .steps import Hear, Say

if TYPE_CHECKING:
    from typing import Any, Generator, NoReturn, Optional

    from ..actions import Actions
    from ..capabilities import Capabilities
    from ..commands import Command
    from ..endpoint import Endpoint
    from ..facts import Facts
    from ..replies import Reply
    from .steps import Step

    Heard = Generator[Step, Any, Reply]

_LEAVE_SECONDS = 1.0
# Postfix and nginx: "Improper use of SMTP command pipelining"; OpenSMTPD: "Pipelining not supported".
_PIPELINING = re.compile("pipelin", re.IGNORECASE)


class Stop(Exception):
    """Nothing more to do but to take leave; `failure` is None where the check has reached its end."""

    def __init__(self, failure: Optional[Failure] = None) -> None:
        super().__init__()
        self.failure = failure


class UnsolicitedReply(Broken):
    """A reply that nobody had asked for came before a command: the session cannot go on."""

    def __init__(self, cause: str, reply: Reply) -> None:
        super().__init__(cause, "unsolicited: %d %s" % (reply.code, reply.text))
        self.code = reply.code


class State:
    """How far one conversation has come: with whom, what to do, what is known, and what has been said already."""

    def __init__(self, endpoint: Endpoint, actions: Actions, facts: Facts) -> None:
        self.endpoint, self.actions, self.facts = endpoint, actions, facts
        self.group_said = False  # the commands of the group under way have all gone out
        self.quit_said = False
        self.closing = False  # nothing more may be said: the relay has said 421, or would misunderstand it
        self.mail_open = False  # MAIL was accepted, and nothing has ended the transaction
        self.refused: Optional[Failure] = None  # what MAIL or a recipient was refused with

    @property
    def capabilities(self) -> Capabilities:
        return self.facts.capabilities or {}

    @property
    def hopeless(self) -> bool:
        """Whether nobody is left to send to: MAIL was refused, or every recipient."""
        tos = self.facts.recipients
        all_heard = len(tos) == len(self.actions.recipients)
        nobody = all_heard and not any(to.outcome == "accepted" for to in tos)
        return self.refused is not None and (self.refused.stage == "mail" or nobody)

    def hear(self, stage: str) -> Heard:
        """Wait for one reply and keep its code. A 421 ends the session whenever it comes."""
        self.facts.stage = stage
        reply: Reply = yield Hear(stage)
        if stage != "rcpt":  # these stand with their recipients
            self.facts.codes[stage] = reply.code
        told = ("%s: %s" % (stage, note) for note in reply.notes)  # once, however many recipients there are
        self.facts.warnings.extend(text for text in told if text not in self.facts.warnings)
        if reply.code == 421:
            self.closing = True
            raise Stop(self.refusal(stage, reply))
        return reply

    def hear_leave(self, command: str) -> Heard:
        """Hear the reply to `rset` or `quit`: obeyed or refused, both do. Any other is the answer to something else, so
        that what was heard before may have been, too."""
        reply: Reply = yield Hear("quit", within=_LEAVE_SECONDS)
        if command == "quit":
            self.facts.codes["quit"] = reply.code
        further: Optional[Reply] = None
        if command == "quit" and self.facts.message_taken and reply.code >= 400 and reply.code != 421:
            # What looks like a refusal of QUIT may be that of the message, and the reply to QUIT still to come.
            further = yield Hear("quit", within=_LEAVE_SECONDS, or_silence=True)
        if further is not None or not (is_success(command, reply.code) or 400 <= reply.code < 600):
            raise Stop(Failure("quit", "protocol_violation", reply.code, reply.enhanced_code, reply.text))
        return reply

    def exchange(self, command: Command) -> Heard:
        self.facts.stage = command.stage
        yield Say((command,))
        return (yield from self.hear(command.stage))

    def ask(self, command: Command) -> Heard:
        """Hear the reply to a command, and say it first unless it went out with its group."""
        if self.group_said:
            return (yield from self.hear(command.stage))
        return (yield from self.exchange(command))

    def refusal(self, stage: str, reply: Reply, recipient: Optional[str] = None) -> Failure:
        from ..._verdicts.wording import cause_of

        cause = cause_of(stage, reply.code, reply.enhanced_code, reply.text)
        if self.group_said and reply.code >= 400 and _PIPELINING.search(reply.text):
            cause = "pipelining_refused"
        return Failure(stage, cause, reply.code, reply.enhanced_code, reply.text, recipient)

    def fail(self, stage: str, cause: str, text: str) -> NoReturn:
        raise Stop(Failure(stage, cause, text=cut(text)))


def worse(one: Optional[Failure], other: Optional[Failure]) -> Optional[Failure]:
    """Return the failure that decides the verdict: the first, unless it is for now and the second for good."""
    if one is None or (other is not None and verdict_of(one) == "deferred" and verdict_of(other) == "failed"):
        return other
    return one
