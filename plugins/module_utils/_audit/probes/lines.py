# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What a relay makes of lines that are none, or too long: one line gets one answer (RFC 5321 2.3.8, 4.5.3.1).

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ..._smtp import commands
from ..dialogue import answers, ask, framed, in_step, quiet, settled
from ..model import Cost, Judgement, Probe, finding, passed
from ..octets import octets

if TYPE_CHECKING:
    from typing import Any, Generator, List, Sequence

    from ..._net.attempts import Outcome
    from ..._smtp.conversation.state import State
    from ..._smtp.probes import Trial
    from ..model import Audited


def _trials(data: bytes, audited: Audited) -> List[Trial]:
    def talk(state: State) -> Generator[Any, Any, None]:
        yield from ask(state, commands.extra("NOOP"))  # the control: what answers this twice, does it to all
        yield from quiet(state)
        yield from ask(state, octets(data))
        yield from quiet(state)

    return [framed(audited.endpoint, talk)]


def _judge(what: str, audited: Audited, outcomes: Sequence[Outcome]) -> Judgement:
    failure, replies = outcomes[0].facts.failure, outcomes[0].facts.extra_replies
    if len(replies) < 2:  # nothing has answered it
        answers(outcomes[0])
    if not in_step(audited, outcomes[0]):
        return finding("%s got more than one answer" % what)
    reply = settled(replies[1], "extra")
    if failure is not None and failure.cause in ("connection_lost", "service_closing") and reply.code >= 500:
        return passed("it hung up on %s: %d %s" % (what, reply.code, reply.text))
    answers(outcomes[0])
    return passed("%s got one answer: %d %s" % (what, reply.code, reply.text))


def _probe(
    name: str, question: str, severity: str, source: str, meaning: str, remedy: str, what: str, data: bytes
) -> Probe:
    return Probe(
        name,
        question,
        "active",
        severity,
        source,
        meaning,
        remedy,
        Cost(connections=1, errors=2),
        partial(_trials, data),
        partial(_judge, what),
    )


BARE_LF = _probe(
    "bare_lf",
    "Does a bare LF end a command?",
    "info",
    "RFC 5321 2.3.8",
    "What one server takes for one line, this one takes for two. At the end of a message that is smuggling.",
    "Postfix: smtpd_forbid_bare_newline = normalize. It matters in messages, where one may be smuggled in another.",
    "a command with a bare LF in it",
    b"NOOP a\nNOOP b\r\n",
)
NUL = _probe(
    "nul",
    "Does a NUL in a command disturb it?",
    "low",
    "RFC 5321 4.1.2",
    "What a filter in front of it has read is not what the relay has read.",
    "Renew the server: what stands behind a NUL is no command of its own.",
    "a command with a NUL in it",
    b"NOOP a\0\r\n",
)
LONG_LINE = _probe(
    "long_line",
    "Does a line that is too long stay one line?",
    "low",
    "RFC 5321 4.5.3.1.10",
    "What a filter in front of it took for one line, the relay takes for two: the second may be a command.",
    "Refuse it by 500 as a whole: what stands behind the limit is no command of its own.",
    "a command of 12000 octets",
    b"NOOP " + b"x" * 11993 + b"\r\n",
)
