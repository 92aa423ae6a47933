# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Does it relay for strangers? A recipient elsewhere, which the caller owns, in every form that relays have fallen for,
# between two controls with a recipient that the relay is known to take. What is taken at RCPT is a suspicion, since
# some refuse or bounce later what they took there, and some take a strange form for a local part: messages settle it.

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._net.text import counted
from ..._smtp.probes import NOT_ABOUT_RELAYING, own_networks
from ..dialogue import answers, cause_of_reply, control_recipient, framed, open_question, take_recipient
from ..model import Cost, Judgement, Probe, Unsettled, finding, passed
from .envelopes import SESSIONS, answered, dealt, forms, suspects
from .relaying_by_message import PROOF

if TYPE_CHECKING:
    from typing import Any, Generator, List, Sequence

    from ..._net.attempts import Outcome
    from ..._smtp.conversation.state import State
    from ..._smtp.facts import ExtraReply
    from ..._smtp.probes import Trial
    from ..dialogue import Talk
    from ..model import Audited
    from .envelopes import Form

_FORMS = 19


def _trials(audited: Audited) -> List[Trial]:
    return [framed(audited.endpoint, _talk_of(audited, group)) for group in dealt(audited)]


def _talk_of(audited: Audited, group: Sequence[Form]) -> Talk:
    def talk(state: State) -> Generator[Any, Any, None]:
        yield from control_recipient(state, audited.sender, audited.known_recipient)
        for form in group:
            yield from take_recipient(state, form.sender, form.recipient)
        yield from control_recipient(state, audited.sender, audited.known_recipient)

    return talk


def _judge(audited: Audited, outcomes: Sequence[Outcome]) -> Judgement:
    taken = suspects(audited, outcomes)
    if taken:
        return _found(taken, outcomes[0])
    doubtful = suspects(audited, outcomes, held=False)
    for outcome in outcomes:  # to its end, or nothing is settled
        try:
            answers(outcome)
        except Unsettled as why:
            raise Unsettled("%s, but %s" % (_told(doubtful), why) if doubtful else str(why)) from None
    decided = answered(audited, outcomes)
    for form, reply in decided:
        why_open = open_question(reply) or (_says_nothing(reply) if form.plain else "")
        if why_open:
            raise Unsettled(why_open)
    if not any(form.plain and reply.command.startswith("RCPT") for form, reply in decided):
        raise Unsettled("each sender was refused at MAIL, so that no address elsewhere was asked about")
    return passed("%d envelopes for an address elsewhere were refused, and the controls taken" % len(forms(audited)))


def _says_nothing(reply: ExtraReply) -> str:
    """Return why a refusal of an address that is plainly elsewhere is none to relay, or nothing.

    An open relay that looks up domains, or has had enough of us, refuses as well.
    """
    if reply.command.startswith("RCPT") and cause_of_reply("rcpt", reply) in NOT_ABOUT_RELAYING:
        text = "%s was answered %d %s, which says nothing of relaying"
        return text % (reply.command, reply.code, " ".join(reply.text.split()))
    return ""


def _told(taken: Sequence[Form]) -> str:
    text = "MAIL FROM:<%s>, RCPT TO:<%s> was taken" % taken[0][:2]
    return text + (", and %s besides" % counted(len(taken) - 1, "other form") if len(taken) > 1 else "")


def _found(taken: Sequence[Form], outcome: Outcome) -> Judgement:
    """What is taken at RCPT may be refused, or come back, later on: that alone proves nothing."""
    if not taken[0].plain:
        doubt = "; it may take this form for a mailbox of its own, which only a message shows"
        return finding(_told(taken) + doubt, "none")
    return finding(_told(taken) + own_networks(outcome.local_address), "none")


RELAYING = Probe(
    "relaying",
    "Does it take mail from strangers for strangers?",
    "active",
    "high",
    "RFC 5321 7.9",
    "Strangers can send mail to anybody through it. Block lists will name it, and then nobody takes your own mail "
    "any more.",
    "Take mail for your own domains, and from your own networks and whoever has signed in. Postfix: "
    "smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination; Exim: end "
    "acl_smtp_rcpt with `require verify = recipient` and `deny message = relay not permitted`.",
    Cost(connections=SESSIONS, errors=_FORMS),
    _trials,
    _judge,
    ("known_recipient", "outside_recipient"),
    PROOF,
)
