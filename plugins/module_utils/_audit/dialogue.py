# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# How a probe talks: the dialogues that its trials hold, and the answers in them that settle something.
#
# Each dialogue is framed by controls, which any relay obeys, with TLS or before it (RFC 3207 4): its first
# EHLO, and one more at its end. Where that is refused, nothing in between means what it seems to.

from __future__ import annotations

from typing import TYPE_CHECKING

from .._net.text import cut
from .._smtp import commands
from .._smtp.actions import Actions
from .._smtp.capabilities import auth_mechanisms, masked_keywords
from .._smtp.conversation.state import Stop, UnsolicitedReply
from .._smtp.conversation.steps import Hear
from .._smtp.facts import ExtraReply
from .._smtp.probes import denies_relaying
from .._smtp.replies import is_success
from .._verdicts.causes import Failure
from .._verdicts.wording import cause_of
from .model import Unsettled

if TYPE_CHECKING:
    from typing import Any, Callable, Generator, List, Sequence, Union

    from .._net.attempts import Outcome
    from .._smtp.capabilities import Capabilities
    from .._smtp.commands import Command
    from .._smtp.conversation.state import Heard, State
    from .._smtp.endpoint import Endpoint
    from .._smtp.facts import Facts
    from .._smtp.probes import Trial
    from .._smtp.replies import Reply
    from .model import Audited

    Talk = Callable[[State], Generator[Any, Any, None]]

ERRORS_A_SESSION = 8
_LEAST_SECONDS, _MOST_SECONDS = 0.3, 5.0  # to wait for what may not come
_HEADER_ENDS = r"\r\n\r\n"  # as it is shown
_ABOUT_US = (
    "client_blocked", "client_name_missing", "client_refused", "ehlo_refused", "rate_limited", "sending_limit_reached",
)  # fmt: skip


def framed(endpoint: Endpoint, talk: Talk) -> Trial:
    """Return the trial of a connection that holds `talk` between two controls, unless the talk leaves it closing."""

    def dialogue(state: State) -> Generator[Any, Any, None]:
        yield from talk(state)
        if state.closing:
            return
        reply = yield from state.exchange(commands.ehlo(state.endpoint.ehlo_name or "localhost"))
        if not is_success("ehlo", reply.code):
            raise Stop(state.refusal("ehlo", reply))

    return endpoint, Actions(dialogue=dialogue)


def saying(*said: Command) -> Talk:
    """Return the talk that says these commands, one after the other."""

    def talk(state: State) -> Generator[Any, Any, None]:
        for command in said:
            yield from ask(state, command)

    return talk


def ask(state: State, command: Command) -> Heard:
    """Say one command, and keep its answer among `extra_replies`. A session has its limit of errors."""
    if sum(reply.code >= 400 for reply in state.facts.extra_replies) >= ERRORS_A_SESSION:
        state.fail("extra", "command_rejected", "the relay has refused %d commands in it" % ERRORS_A_SESSION)
    reply = yield from state.exchange(command)
    keep(state, command, reply)
    return reply


def patience(*normal: float) -> float:
    """Return how many seconds to wait for an answer that may not come, where answers take `normal` ones."""
    return max([_LEAST_SECONDS, *(3 * seconds for seconds in normal)])


def quiet(state: State) -> Generator[Any, Any, None]:
    """Hear for a while whether an answer comes that nobody has asked for. Raises UnsolicitedReply."""
    normal = (state.facts.timings.get(stage, 0.0) for stage in ("ehlo", "extra"))
    reply = yield Hear("extra", within=min(_MOST_SECONDS, patience(*normal)), or_silence=True)
    if reply is not None:
        raise UnsolicitedReply("service_closing" if reply.code == 421 else "protocol_violation", reply)


def keep(state: State, command: Command, reply: Reply) -> None:
    state.facts.extra_replies.append(ExtraReply(command.shown, reply.code, reply.enhanced_code, reply.text))


def take_recipient(state: State, sender: str, recipient: str) -> Heard:
    """Begin a transaction, name the recipient, give it up; return the answer to RCPT, or to MAIL if that is refused."""
    reply = yield from ask(state, commands.mail(sender, {}))
    if is_success("mail", reply.code):
        reply = yield from ask(state, commands.rcpt(recipient, {}))
    yield from reset(state)
    return reply


def reset(state: State) -> Generator[Any, Any, None]:
    """Give up a transaction. Where that is refused, the next is refused for it, and the dialogue ends here."""
    reply = yield from ask(state, commands.rset())
    if not is_success("rset", reply.code):
        state.fail("extra", "command_rejected", "RSET was answered %d %s" % (reply.code, reply.text))


def as_control(state: State, recipient: str, said: Heard) -> Heard:
    """Say what has been, or would be, answered well: a failure of it names the recipient, and so is a control's."""
    try:
        return (yield from said)
    except Stop as stop:
        raise Stop(stop.failure and stop.failure._replace(recipient=recipient)) from None
    except UnsolicitedReply as early:  # Postfix says 421 as soon as it has had enough, and waits for no command
        state.closing = True
        failure = Failure(state.facts.stage, early.cause, early.code, text=early.text, recipient=recipient)
        raise Stop(failure) from None


def control_recipient(state: State, sender: str, recipient: str) -> Generator[Any, Any, None]:
    """The relay takes mail for `recipient`, or the dialogue ends here."""
    taken_control(recipient, (yield from as_control(state, recipient, take_recipient(state, sender, recipient))))


def taken_control(recipient: str, reply: Reply) -> None:
    """Look at the answer to a control: nothing that is said after a refusal means what it seems to. Raises Stop."""
    if not is_success("rcpt", reply.code):
        text = cut("%s (said to the control recipient)" % reply.text)
        raise Stop(Failure("rcpt", cause_of_reply("rcpt", reply), reply.code, text=text, recipient=recipient))


def cause_of_reply(stage: str, reply: Union[Reply, ExtraReply]) -> str:
    return cause_of(stage, reply.code, reply.enhanced_code, reply.text)


def about_us(refusal: Union[ExtraReply, Failure], stage: str = "rcpt") -> bool:
    """Whether a refusal is about us, and not about what was said: it settles nothing, however final it sounds."""
    return (refusal.cause if isinstance(refusal, Failure) else cause_of_reply(stage, refusal)) in _ABOUT_US


def at_stage(stage: str) -> str:
    """Return where something ended, as people read it: what a probe says is at no stage that they know."""
    return "" if stage == "extra" else " at " + stage


def answers(outcome: Outcome) -> Sequence[ExtraReply]:
    """Return all that a framed dialogue was answered. Raises Unsettled unless it came to its end."""
    failure = outcome.facts.failure
    if failure is not None:
        words = " ".join(filter(None, (str(failure.code or ""), " ".join(failure.text.split()))))
        raise Unsettled("the dialogue ended%s (%s): %s" % (at_stage(failure.stage), failure.cause, words))
    replies: Sequence[ExtraReply] = outcome.facts.extra_replies
    return replies


def in_step(audited: Audited, outcome: Outcome) -> bool:
    """Whether each command got one answer: none came unasked for, nor as if it were the answer to the next command.

    Raises Unsettled where that does not show: at a relay that answers QUIT strangely even when nothing was wrong.
    """
    failure, farewell = outcome.facts.failure, outcome.facts.codes.get("quit", 221)
    usual = audited.first.facts.codes.get("quit", 221)
    if failure is not None and failure.text.startswith("unsolicited"):
        if failure.cause == "service_closing":  # 421 (RFC 5321 3.8) is no answer
            return True
    elif farewell >= 400 or is_success("quit", farewell):
        return True
    if not (usual >= 400 or is_success("quit", usual)):
        raise Unsettled("it answers QUIT by %d always, so that an answer too many does not show" % usual)
    return False


def settled(reply: ExtraReply, stage: str = "rcpt") -> ExtraReply:
    """Return a reply that says yes or no to what was asked. Raises Unsettled for any other."""
    why = open_question(reply, stage)
    if why:
        raise Unsettled(why)
    return reply


def open_question(reply: ExtraReply, stage: str = "rcpt") -> str:
    """Return why a reply settles nothing, or nothing: neither yes nor no, a refusal for now, or about the client."""
    said = "the message" if _HEADER_ENDS in reply.command else reply.command
    shown = "%s was answered %d %s" % (said, reply.code, " ".join(reply.text.split()))
    if reply.code < 400 and stage in ("mail", "rcpt", "starttls") and not is_success(stage, reply.code):
        return shown + ", which is neither yes nor no"
    if 400 <= reply.code < 500 and not (stage == "rcpt" and denies_relaying(reply)):
        return shown + ", which is for now only"
    # What a client is told wherever it is, is read as at RCPT, where most is.
    if reply.code >= 500 and about_us(reply, "rcpt" if stage in ("extra", "starttls") else stage):
        return shown + ", which is about this client"
    return ""


def in_clear(endpoint: Endpoint) -> Endpoint:
    """Return the endpoint as it is before TLS."""
    return endpoint._replace(tls="none")


def unmasked(offered: Capabilities) -> Capabilities:
    """Return what is offered. Raises Unsettled where something on the way has masked keywords: who knows which."""
    masked = masked_keywords(offered)
    if masked:
        raise Unsettled("something between here and the relay masks what it offers: %s" % " ".join(masked))
    return offered


def mechanisms(audited: Audited) -> List[str]:
    """Return what it offers to sign in by, under TLS or in clear."""
    offered = (audited.first.facts.capabilities, offered_in_clear(audited))
    return list(dict.fromkeys(name for one in offered for name in auth_mechanisms(one) or ()))


def where_offered(audited: Audited, mechanism: str) -> Endpoint:
    """Return the endpoint as it is where the mechanism is offered: as usual, or in clear, if only there."""
    usual = auth_mechanisms(audited.first.facts.capabilities) or ()
    return audited.endpoint if mechanism in usual else in_clear(audited.endpoint)


def offered_in_clear(audited: Audited) -> Capabilities:
    """Return what the relay offers before TLS."""
    facts: Facts = audited.first.facts
    before = facts.capabilities if facts.capabilities_before_tls is None else facts.capabilities_before_tls
    return before or {}
