# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Who has a mailbox here? VRFY, EXPN and RCPT are asked for an address that is known to be there, and for some that
# are made up: where the answers differ in anything but the address, they tell.

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from ..._smtp import commands
from ..._smtp.replies import is_success
from ..dialogue import answers, as_control, ask, control_recipient, framed, settled, taken_control
from ..model import Cost, Judgement, Probe, finding, passed, unknown

if TYPE_CHECKING:
    from typing import Any, Callable, Generator, List, Optional, Sequence, Tuple

    from ..._net.attempts import Outcome
    from ..._smtp.commands import Command
    from ..._smtp.conversation.state import Heard, State
    from ..._smtp.facts import ExtraReply
    from ..._smtp.probes import Trial
    from ..._smtp.replies import Reply
    from ..model import Audited

    Asked = Tuple[ExtraReply, str]  # an answer, and the address that it is about

_OF_MAILBOXES = (550, 551, 553)  # a refusal that may be about the mailbox, where others are about the command


def _asking(verb: str, audited: Audited) -> List[Trial]:
    """That the known address is refused means little, unless the relay takes mail for it: then nobody is told."""

    def talk(state: State) -> Generator[Any, Any, None]:
        known = yield from ask(state, commands.extra("%s %s" % (verb, audited.known_recipient)))
        if known.code in _OF_MAILBOXES:
            yield from control_recipient(state, audited.sender, audited.known_recipient)
        yield from _ask_on(audited, state, known, lambda one: commands.extra("%s %s" % (verb, one)))

    return [framed(audited.endpoint, talk)]


def _ask_on(
    audited: Audited, state: State, known: Reply, command: Callable[[str], Command]
) -> Generator[Any, Any, None]:
    """Ask for those made up; and for the known one once more as control, unless that would be one error more."""
    for stranger in audited.strangers:
        yield from ask(state, command(stranger))
    if known.code < 400:
        yield from as_control(state, audited.known_recipient, ask(state, command(audited.known_recipient)))


def _judge(verb: str, audited: Audited, outcomes: Sequence[Outcome]) -> Judgement:
    return _compared(audited, [reply for reply in answers(outcomes[0]) if reply.command.startswith(verb)])


def _compared(audited: Audited, replies: Sequence[ExtraReply]) -> Judgement:
    about = (audited.known_recipient, *audited.strangers, audited.known_recipient)
    asked = [(settled(reply), address) for reply, address in zip(replies, about)]
    known, others = asked[0], asked[1 : 1 + len(audited.strangers)]
    for again in asked[1 + len(others) :]:
        if not _alike(known, again):
            return unknown("the known address was answered %s, and later %s" % (_shown(*known), _shown(*again)))
    if known[0].code not in [reply.code for reply, _address in others]:
        return finding(_contrast(known, others[0]))
    if not all(_alike(others[0], other) for other in others):
        return unknown("addresses made up were answered each in another way, so that nothing can be compared")
    if _alike(known, others[0]):
        return passed("every address was answered alike: %s" % _shown(*known))
    return finding(_contrast(known, others[0]))


def _codes(reply: ExtraReply) -> Tuple[int, Optional[str]]:
    return reply.code, reply.enhanced_code


def _contrast(known: Asked, other: Asked) -> str:
    return "the known address was answered %s, one made up %s" % (_shown(*known), _shown(*other))


def _shown(reply: ExtraReply, address: str) -> str:
    return " ".join(filter(None, (str(reply.code), _without_address(reply.text, address)[-1])))


def _alike(one: Asked, other: Asked) -> bool:
    """Whether two answers say the same: as they are, without the address, or without its local part too.

    Which may be a word that the relay says anyway: `User unknown` tells nothing of user@example.com.
    """
    if _codes(one[0]) != _codes(other[0]):
        return False
    forms = (map(_without_numbers, _without_address(reply.text, address)) for reply, address in (one, other))
    return any(mine == its for mine, its in zip(*forms))


def _without_numbers(text: str) -> str:
    """Return the words, each that holds a digit as `#`: a ticket, a time, a host among many are other each time."""
    return " ".join("#" if any(map(str.isdigit, word)) else word for word in text.split())


def _without_address(text: str, address: str) -> Tuple[str, str, str]:
    """Return the words as they are, without the address, and without its local part besides."""
    without = re.sub(re.escape(address), "…", text, flags=re.IGNORECASE)
    local_part = address.rpartition("@")[0]
    return text, without, re.sub(r"(?<!\w)%s(?!\w)" % re.escape(local_part), "…", without, flags=re.IGNORECASE)


def _rcpt_trials(audited: Audited) -> List[Trial]:
    def control(state: State) -> Heard:
        known = yield from ask(state, commands.mail(audited.sender, {}))
        if is_success("mail", known.code):
            known = yield from ask(state, commands.rcpt(audited.known_recipient, {}))
        return known

    def talk(state: State) -> Generator[Any, Any, None]:
        known = yield from as_control(state, audited.known_recipient, control(state))
        taken_control(audited.known_recipient, known)
        yield from _ask_on(audited, state, known, lambda address: commands.rcpt(address, {}))

    return [framed(audited.endpoint, talk)]


def _judge_rcpt(audited: Audited, outcomes: Sequence[Outcome]) -> Judgement:
    _mail, *replies = answers(outcomes[0])
    return _compared(audited, replies)


VRFY = Probe(
    "vrfy",
    "Does VRFY tell which mailboxes there are?",
    "active",
    "low",
    "RFC 5321 7.3",
    "Strangers can find out which addresses exist, for spam and for guessing passwords.",
    "Answer all alike. Postfix: disable_vrfy_command = yes; Exim: no acl_smtp_vrfy, which is the default.",
    Cost(connections=1, errors=4),
    partial(_asking, "VRFY"),
    partial(_judge, "VRFY"),
    ("known_recipient",),
)
EXPN = Probe(
    "expn",
    "Does EXPN tell who is on a list?",
    "active",
    "low",
    "RFC 5321 7.3",
    "Strangers can find out who is on a list, or behind an alias.",
    "Switch it off. Postfix has none; Exim: no acl_smtp_expn, which is the default.",
    Cost(connections=1, errors=4),
    partial(_asking, "EXPN"),
    partial(_judge, "EXPN"),
    ("known_recipient",),
)
RCPT = Probe(
    "rcpt",
    "Does RCPT tell which mailboxes there are?",
    "active",
    "info",
    "RFC 5321 7.3",
    "Strangers can find out which addresses exist, by asking for each.",
    "For a relay that takes mail from the world this is as it should be, since taking what cannot be delivered makes "
    "bounces to strangers. Slow guessing down: Postfix smtpd_hard_error_limit, Exim smtp_max_unknown_commands and "
    "ratelimit.",
    Cost(connections=1, errors=3),
    _rcpt_trials,
    _judge_rcpt,
    ("known_recipient",),
)
