# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Where a message ends, with certainty: behind each ending that is none stand the commands of a second message, and each
# of the two has its token. One message that holds both was not ended there; two messages, or one that lacks the second
# token, were. Both go to the same mailbox, the caller's.

from __future__ import annotations

from functools import partial
from itertools import zip_longest
from typing import TYPE_CHECKING

from ..._smtp import commands
from ..._smtp.conversation.steps import Hear
from ..._smtp.facts import ExtraReply
from ..dialogue import ERRORS_A_SESSION, framed, patience
from ..messages import CLOSING, END, hand_over, message, refused_for_itself
from ..model import Cost, Proof, finding, passed, unknown
from ..octets import ENDINGS, shown_octets

if TYPE_CHECKING:
    from typing import Any, Dict, Generator, List, Optional, Sequence

    from ..._net.attempts import Outcome
    from ..._smtp.conversation.state import State
    from ..._smtp.probes import Trial
    from ..model import Arrivals, Audited, Judgement

_FIRST, _SECOND = 16, 32  # of the tokens of the outer messages, and of those that are smuggled
_MARK = b"What follows is to be a part of this message"
_MORE_REPLIES = 4  # to what stands behind an ending: MAIL, RCPT, DATA, the second message
_SMUGGLED, _CUT, _WHOLE, _REFUSED, _WAITED_FOR, _OPEN = "smuggled", "cut", "whole", "refused", "waited for", "open"
_BEHIND = "what stood behind the ending"
_WELL = {_WHOLE: "arrived whole", _REFUSED: "refused"}


def _trials(audited: Audited, outcomes: Sequence[Outcome]) -> List[Trial]:
    taken = outcomes[0].facts.message_taken  # else none will be
    within = patience(outcomes[0].facts.timings.get("message", 0.0))
    return [framed(audited.endpoint, partial(_talk, audited, index, within)) for index in range(len(ENDINGS)) if taken]


def _talk(audited: Audited, index: int, within: float, state: State) -> Generator[Any, Any, None]:
    sender, recipient = audited.sender, audited.mailbox_recipient
    yield from hand_over(state, sender, recipient, _content(audited, index))
    for _one in range(_MORE_REPLIES):  # to a relay that was taken in, they are commands
        reply = yield Hear("extra", within=within, or_silence=True)
        if reply is None:
            return
        state.facts.extra_replies.append(ExtraReply(_BEHIND, reply.code, reply.enhanced_code, reply.text))
        state.closing = True


def _content(audited: Audited, index: int) -> bytes:
    """Return a message with its end, in which one ending is followed by the commands of a second."""
    sender, recipient, date = audited.sender, audited.mailbox_recipient, audited.date
    first, second = audited.token(_FIRST + index), audited.token(_SECOND + index)
    # Few lines: where its commands are refused, each of them is one that there is not.
    inner = "From: <%s>\r\nX-Mailcheck-Token: %s\r\n\r\nThis one was inside." % (sender, second)
    said = (commands.mail(sender, {}), commands.rcpt(recipient, {}), commands.data())
    text = b"%s: %s" % (_MARK, shown_octets(ENDINGS[index]).encode("ascii"))
    body = text + ENDINGS[index] + b"".join(command.wire for command in said) + inner.encode("ascii")
    return message(sender, recipient, first, date, body) + END


def _tokens(audited: Audited) -> List[str]:
    """The control is the first message of the probe itself."""
    numbers = [0, *(first + index for first in (_FIRST, _SECOND) for index in range(len(ENDINGS)))]
    return [audited.token(number) for number in numbers]


def _fate(audited: Audited, index: int, outcome: Optional[Outcome], arrivals: Arrivals) -> str:
    first, second = audited.token(_FIRST + index), audited.token(_SECOND + index)
    if second in arrivals.own:
        return _SMUGGLED
    if first in arrivals.own:
        if second.encode("ascii") in arrivals.own[first]:
            return _WHOLE
        return _CUT if _MARK in arrivals.own[first] else _OPEN  # nothing shows in one that was written anew
    if outcome is None:
        return _OPEN
    if outcome.facts.message_taken:
        return _OPEN if first in arrivals.bounced else _WAITED_FOR
    facts = outcome.facts
    behind = [reply for reply in facts.extra_replies if reply.command == _BEHIND and reply.code != CLOSING]
    if behind:  # it was refused, and what stood behind the ending was read as commands: the second may still come
        return _WAITED_FOR if any(reply.code < 400 for reply in behind) else _OPEN
    return _REFUSED if refused_for_itself(facts) else _OPEN


def _fates(audited: Audited, proving: Sequence[Outcome], arrivals: Arrivals) -> Dict[str, List[str]]:
    """Return what became of the messages: fate -> the endings in them."""
    fates: Dict[str, List[str]] = {}
    for index, (ending, outcome) in enumerate(zip_longest(ENDINGS, proving)):
        fates.setdefault(_fate(audited, index, outcome, arrivals), []).append(shown_octets(ending))
    return fates


def _waits(audited: Audited, outcomes: Sequence[Outcome], proving: Sequence[Outcome], arrivals: Arrivals) -> bool:
    control_comes = outcomes[0].facts.message_taken and audited.token(0) not in arrivals.own
    fates = _fates(audited, proving, arrivals)
    return control_comes or _WAITED_FOR in fates or _CUT in fates  # of one cut, the rest may come


def _judge(audited: Audited, _outcomes: Sequence[Outcome], proving: Sequence[Outcome], arrivals: Arrivals) -> Judgement:
    fates = _fates(audited, proving, arrivals)
    if _SMUGGLED in fates:
        return finding("a second message arrived that was hidden behind %s" % ", ".join(fates[_SMUGGLED]), "message")
    if _CUT in fates:
        text = "a message arrived without what stood behind %s: that was taken for its end"
        return finding(text % ", ".join(fates[_CUT]), "message")
    if audited.token(0) not in arrivals.own:
        return unknown("the message that is as it should be did not arrive within %.0f s" % arrivals.seconds)
    left = fates.get(_WAITED_FOR, []) + fates.get(_OPEN, [])
    if left:
        return unknown("what became of messages with %s was not seen" % ", ".join(left))
    told = ["%d %s" % (len(fates[fate]), said) for fate, said in _WELL.items() if fate in fates]
    return passed("messages with another ending inside: %s" % ", ".join(told))


PROOF = Proof(
    ("mailbox_recipient", "mailbox"),
    Cost(connections=len(ENDINGS), errors=ERRORS_A_SESSION * len(ENDINGS), messages=2 * len(ENDINGS)),
    _trials,
    _tokens,
    _waits,
    _judge,
)
