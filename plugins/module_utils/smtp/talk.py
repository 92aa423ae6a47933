# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the collection. What every part of a conversation shares: saying, hearing, and the two early ends.
#
# Stop is ours: the relay's reply, or our rules, leave nothing more to do, and QUIT follows. Broken is thrown in
# from outside: the connection is gone, or not to be trusted, and nothing more is said.

from __future__ import annotations

from typing import TYPE_CHECKING

from . import model
from .explain import cause_of, verdict_of

if TYPE_CHECKING:
    from typing import Any, Generator, NoReturn, Optional

    from .capabilities import Capabilities

    Heard = Generator[model.Step, Any, model.Reply]


class Stop(Exception):
    """Nothing more to do but to take leave; `failure` is None where the check has reached its end."""

    def __init__(self, failure: Optional[model.Failure] = None) -> None:
        super().__init__()
        self.failure = failure


class Broken(Exception):
    """The connection is gone, or cannot be trusted any more. `stage` is given where it is not the current one."""

    def __init__(
        self,
        cause: str,
        text: str,
        stage: Optional[str] = None,
        code: Optional[int] = None,
        tls: Optional[model.TlsFacts] = None,
    ) -> None:
        super().__init__(text)
        self.cause, self.text, self.stage, self.code, self.tls = cause, text, stage, code, tls


class Talk:
    """One conversation's state: what is asked for, what is known, and what has been said already."""

    def __init__(self, request: model.Request, facts: model.Facts) -> None:
        self.request, self.facts = request, facts
        self.group_said = False  # the commands of the group under way have all gone out
        self.quit_said = False
        self.closing = False  # nothing more may be said: the relay has said 421, or would misunderstand it
        self.mail_open = False  # MAIL was accepted, and nothing has ended the transaction
        self.refused: Optional[model.Failure] = None  # what MAIL or a recipient was refused with

    @property
    def capabilities(self) -> Capabilities:
        return self.facts.capabilities or {}

    @property
    def hopeless(self) -> bool:
        """Whether nobody is left to send to: MAIL was refused, or every recipient."""
        tos = self.facts.recipients
        all_heard = len(tos) == len(self.request.recipients)
        nobody = all_heard and not any(to.outcome == "accepted" for to in tos)
        return self.refused is not None and (self.refused.stage == "mail" or nobody)

    def hear(self, stage: str) -> Heard:
        """Wait for one reply and keep its code. A 421 ends the session whenever it comes."""
        self.facts.stage = stage
        reply: model.Reply = yield model.Hear(stage)
        if stage != "rcpt":  # these stand with their recipients
            self.facts.codes[stage] = reply.code
        self.facts.warnings.extend("%s: %s" % (stage, note) for note in reply.notes)
        if reply.code == 421:
            self.closing = True
            raise Stop(self.refusal(stage, reply))
        return reply

    def exchange(self, command: model.Command) -> Heard:
        self.facts.stage = command.stage
        yield model.Say((command,))
        return (yield from self.hear(command.stage))

    def ask(self, command: model.Command) -> Heard:
        """Hear the reply to a command, and say it first unless it went out with its group."""
        if self.group_said:
            return (yield from self.hear(command.stage))
        return (yield from self.exchange(command))

    def refusal(self, stage: str, reply: model.Reply, recipient: Optional[str] = None) -> model.Failure:
        return model.Failure(stage, cause_of(stage, reply), reply.code, reply.enhanced_code, reply.text, recipient)

    def fail(self, stage: str, cause: str, text: str) -> NoReturn:
        raise Stop(model.Failure(stage, cause, text=text))


def worse(one: Optional[model.Failure], other: Optional[model.Failure]) -> Optional[model.Failure]:
    """Return the failure that decides the verdict: the first, unless it is for now and the second for good."""
    if one is None or (other is not None and verdict_of(one) == "deferred" and verdict_of(other) == "failed"):
        return other
    return one
