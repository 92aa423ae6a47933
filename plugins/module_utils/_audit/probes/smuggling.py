# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Where does a message end? At CR LF . CR LF and nowhere else (RFC 5321 4.1.1.4): a relay that takes another ending lets
# whoever gets that past a first relay begin messages of his own, in the name of others (CVE-2023-51764 to 51766).
#
# Each message holds one ending that is none, and no command behind it. What is answered to it by itself, within three
# times what an answer takes, was taken for an end; where nothing is, the true end follows. That proves little of a
# relay that answers nothing before the true end: messages settle it.

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from ..._smtp.conversation.steps import Hear, Say
from ..._smtp.replies import is_success
from ..dialogue import about_us, answers, ask, framed, keep, open_question, patience
from ..messages import CLOSING, END, begin, message
from ..model import Cost, Judgement, Probe, Unsettled, finding, passed
from ..octets import ENDINGS, octets, shown_octets
from .smuggling_by_message import PROOF

if TYPE_CHECKING:
    from typing import Any, Generator, List, Sequence

    from ..._net.attempts import Outcome
    from ..._smtp.conversation.state import State
    from ..._smtp.probes import Trial
    from ..model import Audited

# What a relay says that has seen where a line ends wrongly. Any other refusal of an ending by itself may be that of the
# message, which has ended there.
_OF_LINE_ENDS = re.compile(
    r"\b(?:bare|stray|CR|LF|CRLF|NUL|line[ -]?(?:feed|end)\w*|newline\w*|smtplf|smuggl\w*)\b", re.IGNORECASE
)


def _trials(audited: Audited) -> List[Trial]:
    """First a message as it should be, which shows how long an answer takes; then one for each ending."""
    normal: List[float] = []
    talks = [partial(_talk, audited, normal, number, ending) for number, ending in enumerate((END, *ENDINGS))]
    return [framed(audited.endpoint, talk) for talk in talks]


def _talk(audited: Audited, normal: List[float], number: int, ending: bytes, state: State) -> Generator[Any, Any, None]:
    reply = yield from begin(state, audited.sender, audited.mailbox_recipient)
    if not is_success("data", reply.code):
        return
    body = b"What follows is to be a part of this message: %s" % shown_octets(ending).encode("ascii")
    content = message(audited.sender, audited.mailbox_recipient, audited.token(number), audited.date, body)
    command = octets(content + ending)
    if ending == END:
        reply = yield from ask(state, command._replace(stage="message"))
        normal.append(state.facts.timings["message"])
    else:
        yield Say((command,))
        reply = yield Hear("extra", within=patience(*normal), or_silence=True)
        if reply is None:
            reply = yield from ask(state, octets(END))
        else:
            keep(state, command, reply)
            state.closing = not is_success("message", reply.code)  # relays hang up on what they find here
    state.facts.message_taken = is_success("message", reply.code)


def _judge(_audited: Audited, outcomes: Sequence[Outcome]) -> Judgement:
    control = answers(outcomes[0])[-1]
    if not outcomes[0].facts.message_taken:
        raise Unsettled("a message as it should be was answered %d %s" % (control.code, control.text))
    taken, left_open = [], []
    for ending, outcome in zip(ENDINGS, outcomes[1:]):
        try:
            taken += [shown_octets(ending)] if _was_an_end(outcome) else []
        except Unsettled as why:
            left_open.append("%s: %s" % (shown_octets(ending), why))
    if taken:
        return finding("a message was ended by %s" % ", ".join(taken))
    if left_open:
        raise Unsettled("%d of %d endings were not settled; %s" % (len(left_open), len(ENDINGS), left_open[0]))
    return passed("none of %d other endings was answered as if it were one" % len(ENDINGS))


def _was_an_end(outcome: Outcome) -> bool:
    """Return whether a message was ended by what is no end. Raises Unsettled."""
    failure, replies = outcome.facts.failure, outcome.facts.extra_replies
    if not any(reply.command == "DATA" and is_success("data", reply.code) for reply in replies):
        raise Unsettled("no message was begun")
    last = replies[-1]
    if last.command == "DATA":  # nothing was answered to the message, but a 421 may have ended all
        if failure is None or failure.code != CLOSING or about_us(failure):
            answers(outcome)
        return False
    at_the_end = last.command == shown_octets(END)
    if is_success("message", last.code):
        if at_the_end:
            answers(outcome)  # whoever took the other for an end takes this one for commands
        return not at_the_end
    names_it = last.code >= 400 and _OF_LINE_ENDS.search(last.text) is not None
    refused = (last.code == CLOSING and not about_us(last, "message")) or (
        at_the_end and last.code >= 500 and not open_question(last, "message")
    )
    if failure is not None and failure.code not in (None, CLOSING):
        answers(outcome)
    if not (names_it or refused):
        raise Unsettled("it was answered %d %s" % (last.code, " ".join(last.text.split())))
    return False


SMUGGLING = Probe(
    "smuggling",
    "Does it take anything but CR LF . CR LF for the end of a message?",
    "intrusive",
    "high",
    "RFC 5321 4.1.1.4",
    "Whoever sends mail through a relay that passes such an ending on can have this one take a second message, in "
    "the name of any sender there: SPF and DMARC pass.",
    "Postfix: smtpd_forbid_bare_newline = normalize; Exim: 4.97.1 or newer; others: renew.",
    Cost(connections=1 + len(ENDINGS), errors=len(ENDINGS), messages=1 + len(ENDINGS)),
    _trials,
    _judge,
    ("known_recipient", "mailbox_recipient"),
    PROOF,
)
