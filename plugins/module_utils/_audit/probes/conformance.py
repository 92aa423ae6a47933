# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What a relay announces, it has to keep: one command, or one group of them, for each.

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ..._smtp import commands
from ..._smtp.capabilities import max_message_size
from ..._smtp.conversation.steps import Say
from ..._smtp.replies import is_success
from ..dialogue import (
    answers,
    ask,
    cause_of_reply,
    control_recipient,
    framed,
    keep,
    open_question,
    reset,
    saying,
    settled,
)
from ..model import Cost, Judgement, Probe, Unsettled, finding, passed

if TYPE_CHECKING:
    from typing import Any, Generator, List, Mapping, Optional, Sequence

    from ..._net.attempts import Outcome
    from ..._smtp.capabilities import Capabilities
    from ..._smtp.conversation.state import State
    from ..._smtp.facts import ExtraReply
    from ..._smtp.probes import Trial
    from ..model import Audited

_MINIMUM_RECIPIENTS = 100  # RFC 5321 4.5.3.1.8
_TOO_MANY = 452  # RFC 5321 4.5.3.1.10
_OF_OTHER_LIMITS = ("system_full", "mailbox_full", "mailbox_rate_limited", "sending_limit_reached")  # by 452 too


def _capabilities(audited: Audited) -> Capabilities:
    return audited.first.facts.capabilities or {}


def _size_limit(audited: Audited) -> Optional[int]:
    return max_message_size(_capabilities(audited)) or None


def _size_trials(audited: Audited) -> List[Trial]:
    limit = _size_limit(audited)
    if limit is None:
        return []
    return [framed(audited.endpoint, partial(_with_and_without, audited.sender, {"SIZE": str(limit + 1)}))]


def _with_and_without(sender: str, parameters: Mapping[str, str], state: State) -> Generator[Any, Any, None]:
    """MAIL with parameters, between two without them, which are the controls."""
    for given in ({}, parameters, {}):
        reply = yield from ask(state, commands.mail(sender, given))
        yield from reset(state)  # once it was refused, too: Postfix remembers a size that was too large
        if not given and not is_success("mail", reply.code):
            state.fail("mail", cause_of_reply("mail", reply), "MAIL was answered %d %s" % (reply.code, reply.text))


def _with_parameters(outcome: Outcome) -> ExtraReply:
    """Return the answer to MAIL with parameters. Raises Unsettled."""
    _control, *others = [reply for reply in answers(outcome) if reply.command.startswith("MAIL")]
    return settled(others[0], "mail")


def _judge_size(_audited: Audited, outcomes: Sequence[Outcome]) -> Judgement:
    if not outcomes:
        return passed("it announces no limit that it could be held to")
    reply = _with_parameters(outcomes[0])
    if is_success("mail", reply.code):
        return finding("%s was taken, which is more than it announces" % reply.command)
    if cause_of_reply("mail", reply) != "message_too_large":
        raise Unsettled("%s was answered %d %s, which says nothing of a size" % (reply.command, reply.code, reply.text))
    return passed("%s was answered %d %s" % (reply.command, reply.code, reply.text))


def _eightbit_trials(audited: Audited) -> List[Trial]:
    if "8BITMIME" not in _capabilities(audited):
        return []
    return [framed(audited.endpoint, partial(_with_and_without, audited.sender, {"BODY": "8BITMIME"}))]


def _judge_eightbit(_audited: Audited, outcomes: Sequence[Outcome]) -> Judgement:
    if not outcomes:
        return passed("it does not announce 8BITMIME")
    reply = _with_parameters(outcomes[0])
    if is_success("mail", reply.code):
        return passed("MAIL with BODY=8BITMIME was taken, as announced")
    return finding("8BITMIME is announced, and MAIL with it was answered %d %s" % (reply.code, reply.text))


def _pipelining_trials(audited: Audited) -> List[Trial]:
    """RSET and EHLO in one write: their answers cannot be taken for each other. RSET by itself is the control."""
    if "PIPELINING" not in _capabilities(audited):
        return []
    group = (commands.extra("RSET"), commands.ehlo(audited.endpoint.ehlo_name or "localhost"))

    def talk(state: State) -> Generator[Any, Any, None]:
        control = yield from ask(state, group[0])
        if not is_success("rset", control.code):
            state.fail("extra", "command_rejected", "RSET by itself was answered %d %s" % (control.code, control.text))
        yield Say(group)
        for command in group:
            reply = yield from state.hear("extra")
            keep(state, command, reply)

    return [framed(audited.endpoint, talk)]


def _judge_pipelining(_audited: Audited, outcomes: Sequence[Outcome]) -> Judgement:
    if not outcomes:
        return passed("it does not announce PIPELINING")
    _control, reset, hello = answers(outcomes[0])
    for reply in (reset, hello):
        if open_question(reply, "extra"):
            raise Unsettled(open_question(reply, "extra"))
        if not is_success("rset", reply.code):
            text = "PIPELINING is announced, and %s in a group was answered %d %s"
            return finding(text % (reply.command, reply.code, reply.text))
    if "\n" in reset.text and "\n" not in hello.text:
        return finding("two commands in one write were answered in the wrong order")
    return passed("two commands in one write were answered in their order")


def _limit_trials(audited: Audited) -> List[Trial]:
    known, sender = audited.known_recipient, audited.sender

    def talk(state: State) -> Generator[Any, Any, None]:
        yield from control_recipient(state, sender, known)
        yield from ask(state, commands.mail(sender, {}))
        for _one in range(_MINIMUM_RECIPIENTS):
            reply = yield from ask(state, commands.rcpt(known, {}))
            if not is_success("rcpt", reply.code):
                break
        yield from reset(state)
        yield from control_recipient(state, sender, known)

    return [framed(audited.endpoint, talk)]


def _judge_limit(_audited: Audited, outcomes: Sequence[Outcome]) -> Judgement:
    begun, *replies = answers(outcomes[0])[3:-4]  # between the controls' MAIL, RCPT and RSET, and our own RSET
    if not is_success("mail", begun.code):
        raise Unsettled("MAIL was answered %d %s" % (begun.code, begun.text))
    taken = sum(is_success("rcpt", reply.code) for reply in replies)
    if taken >= _MINIMUM_RECIPIENTS:
        return passed("%d recipients of one message were taken" % taken)
    refused = replies[-1]
    if cause_of_reply("rcpt", refused) in _OF_OTHER_LIMITS:
        raise Unsettled("recipient %d was answered %d %s" % (taken + 1, refused.code, refused.text))
    if refused.code != _TOO_MANY:
        settled(refused)
    return finding("recipient %d was answered %d %s" % (taken + 1, refused.code, refused.text))


def _judge_unknown_command(_audited: Audited, outcomes: Sequence[Outcome]) -> Judgement:
    reply = settled(answers(outcomes[0])[0], "extra")
    if reply.code < 500:
        return finding("a command that there is not was answered %d %s" % (reply.code, reply.text))
    return passed("a command that there is not was answered %d %s" % (reply.code, reply.text))


SIZE = Probe(
    "size",
    "Does it refuse at MAIL what is larger than it announces?",
    "active",
    "low",
    "RFC 1870 6.1",
    "A client sends what it was told is too large, and learns of it late or not at all.",
    "Let the relay that announces SIZE, or a proxy in front of it, and the one that takes mail have one limit.",
    Cost(connections=1, errors=1),
    _size_trials,
    _judge_size,
    ("known_recipient",),
)
EIGHTBIT = Probe(
    "eightbit",
    "Does it take BODY=8BITMIME where it announces it?",
    "active",  # where one has to sign in first, MAIL is refused rightly
    "low",
    "RFC 6152 2",
    "Mail is refused, or altered, that was sent as announced.",
    "Let what stands in front of the relay announce only what the relay does.",
    Cost(connections=1, errors=1),
    _eightbit_trials,
    _judge_eightbit,
)
PIPELINING = Probe(
    "pipelining",
    "Does it answer commands in one write, each and in their order?",
    "safe",
    "low",
    "RFC 2920 3.1",
    "A client that sends in groups, as announced, may take one answer for another: mail is lost.",
    "Let what stands in front of the relay announce only what the relay does.",
    Cost(connections=1),
    _pipelining_trials,
    _judge_pipelining,
)
RECIPIENT_LIMIT = Probe(
    "recipient_limit",
    "Does it take a hundred recipients of one message?",
    "active",
    "low",
    "RFC 5321 4.5.3.1.8",
    "Mail to many is split up or sent back, where a client counts on what the standard promises.",
    "Raise the limit. Postfix: smtpd_recipient_limit; Exim: recipients_max.",
    Cost(connections=1, errors=1),
    _limit_trials,
    _judge_limit,
    ("known_recipient",),
)
UNKNOWN_COMMAND = Probe(
    "unknown_command",
    "Does it refuse a command that there is not?",
    "active",
    "low",
    "RFC 5321 4.2.4",
    "A client cannot tell what the relay has understood.",
    "A relay that obeys what it cannot know is no relay, or something answers in its place: look who.",
    Cost(connections=1, errors=1),
    lambda audited: [framed(audited.endpoint, saying(commands.extra("XMAILCHECK")))],
    _judge_unknown_command,
)
