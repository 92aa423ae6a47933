# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# One mail transaction: the envelope, and the message if one is to go out.
#
# Where the relay offers PIPELINING, commands leave in groups and their replies are heard one by one, so that ten
# recipients cost no more round trips than one (RFC 2920). What an option needs and the relay does not offer ends
# the check before MAIL.

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._verdicts.wording import queue_id
from .. import commands
from ..capabilities import limits, max_message_size
from ..facts import MessageFacts, RecipientFacts
from ..replies import NOT_VERIFIED, Reply, is_success
from .state import Stop, worse
from .steps import Say

if TYPE_CHECKING:
    from typing import Dict, List, Optional, Sequence

    from ..._verdicts.causes import Failure
    from ..commands import Command
    from ..message import Message
    from .state import Heard, State
    from .steps import Steps

    Parameters = Dict[str, Optional[str]]

# Up to here a message may leave with its envelope, before the recipients' replies are known (RFC 3030 4.2).
_EARLY_BDAT_OCTETS = 262144
# Further parameters of MAIL -> the EHLO keyword that announces them; any other is announced by its own name.
_ANNOUNCED_BY = {
    "BY": "DELIVERBY",
    "HOLDFOR": "FUTURERELEASE",
    "HOLDUNTIL": "FUTURERELEASE",
    "SOLICIT": "NO-SOLICITING",
}


def transact(state: State, sender: str) -> Steps:
    """Offer the envelope; send the message where that is wanted, else forget the transaction. Always stops."""
    actions = state.actions
    message = None if actions.check_mode else actions.message
    mail = commands.mail(sender, _mail_parameters(state))
    rcpts = [commands.rcpt(address, _rcpt_parameters(state, address)) for address in actions.recipients]
    tail = _group_tail(state, message)
    state.group_said = "PIPELINING" in state.capabilities
    if state.group_said:
        # One flight, and its replies in the same order (RFC 2920 3.1).
        yield Say([mail, *rcpts, *tail])
        state.quit_said = any(command.stage == "quit" for command in tail)
        if message is not None and state.quit_said:
            _announce(state, message)
    yield from _mail(state, mail)
    if not state.mail_open and not state.group_said:
        raise Stop(state.refused)
    for address, rcpt in zip(actions.recipients, rcpts):
        yield from _rcpt(state, address, rcpt)
    if message is None:
        state.facts.would_send = actions.send and state.mail_open and _wanted(state)
        yield from _forget(state)
    elif _wanted(state):
        yield from _send(state, message, tail)
    elif state.group_said and tail:
        yield from _refuse_to_send(state, tail[0])
    raise Stop(state.refused)


def _group_tail(state: State, message: Optional[Message]) -> List[Command]:
    """What leaves in one group with MAIL and RCPT: the end of a probe, DATA, or a message small enough for BDAT."""
    if message is None:
        return [commands.rset(), commands.quit_()]
    if state.actions.send_if == "all":
        return []
    if not state.actions.chunking:
        return [commands.data()]
    if message.size <= _EARLY_BDAT_OCTETS:
        return [commands.bdat(message), commands.quit_()]
    return []


def _mail(state: State, command: Command) -> Steps:
    reply = yield from state.ask(command)
    state.mail_open = is_success("mail", reply.code)
    state.refused = None if state.mail_open else state.refusal("mail", reply)


def _rcpt(state: State, address: str, command: Command) -> Steps:
    """Hear what becomes of one recipient; after a refused MAIL the reply means nothing and is not kept."""
    try:
        reply = yield from state.ask(command)
    except Stop as stop:  # 421: an answer to this recipient as well
        said = stop.failure
        if said is not None and state.mail_open:
            closing = RecipientFacts(address, 421, said.enhanced_code, said.text, "deferred")
            state.facts.recipients.append(closing)
        raise
    if state.mail_open:
        state.facts.recipients.append(_recipient("rcpt", address, reply))
        if reply.code == NOT_VERIFIED:
            text = "rcpt: %s was answered 252: taken without knowing whether it exists (RFC 5321 3.5.3)"
            state.facts.warnings.append(text % address)
        elif not is_success("rcpt", reply.code):
            state.refused = worse(state.refused, state.refusal("rcpt", reply, address))


def _recipient(stage: str, address: str, reply: Reply) -> RecipientFacts:
    deferred_or_not = "deferred" if 400 <= reply.code < 500 else "rejected"
    outcome = "accepted" if is_success(stage, reply.code) else deferred_or_not
    return RecipientFacts(address, reply.code, reply.enhanced_code, reply.text, outcome)


def _recipients_failure(state: State, at_rcpt: Sequence[RecipientFacts]) -> Optional[Failure]:
    """Return the worst that befell a recipient: a refusal for good comes before one for now.

    `at_rcpt`: what RCPT drew; replies to the message may have changed it since.
    """
    for outcome in ("rejected", "deferred"):
        for to, before in zip(state.facts.recipients, at_rcpt):
            if to.outcome == outcome:
                reply = Reply(to.code, tuple(to.text.split("\n")), to.enhanced_code)
                return state.refusal("rcpt" if to is before else "message", reply, recipient=to.address)
    return None


def _wanted(state: State) -> bool:
    """Return whether the message is to go out, given who accepted it."""
    if state.actions.send_if == "all":
        return state.refused is None
    return any(to.outcome == "accepted" for to in state.facts.recipients)


def _forget(state: State) -> Steps:
    """Hear the reply to the RSET that left with the group; without a group RSET comes with taking leave."""
    if state.group_said:
        state.facts.stage = "quit"
        yield from state.hear_leave("rset")
        state.mail_open = False


def _refuse_to_send(state: State, command: Command) -> Steps:
    """DATA or BDAT went out for nobody: a 354 gets a lone dot (RFC 2920 3.1), BDAT is refused by the relay."""
    state.facts.message_begun = state.facts.message_handed_over = False  # nobody's message
    reply = yield from state.hear(command.stage)
    if command.stage == "message":
        _keep_final_reply(state, reply.code, reply.text)
    elif is_success("data", reply.code):
        yield from state.exchange(commands.lone_dot())
    state.mail_open = False


# The message


def _send(state: State, message: Message, tail: List[Command]) -> Steps:
    state.group_said = state.group_said and bool(tail)
    if not state.actions.chunking:
        reply = yield from state.ask(commands.data())
        if not is_success("data", reply.code):
            raise Stop(state.refusal("data", reply))
    if not state.quit_said:
        _announce(state, message)
        # The end of the message and QUIT travel together: content may open a group (RFC 2920 3.1).
        state.quit_said = "PIPELINING" in state.capabilities
        content = commands.bdat(message) if state.actions.chunking else commands.content(message)
        yield Say((content, commands.quit_()) if state.quit_said else (content,))
    state.mail_open = False
    at_rcpt = tuple(state.facts.recipients)
    if state.endpoint.protocol == "lmtp":
        yield from _replies_per_recipient(state)
        raise Stop(_recipients_failure(state, at_rcpt))
    reply = yield from _hear_final(state)
    if _prdr_follows(state, reply):
        # PRDR: a reply for each recipient accepted before, then one for the message as a whole.
        yield from _replies_per_recipient(state)
        reply = yield from _hear_final(state)
    if not is_success("message", reply.code):
        raise Stop(state.refusal("message", reply))
    if state.actions.prdr:
        raise Stop(_recipients_failure(state, at_rcpt))


def _announce(state: State, message: Message) -> None:
    """The message is about to leave: from here on it may have been taken, whatever becomes of the session."""
    state.facts.stage = "message"
    state.facts.message = MessageFacts(message.message_id, message.token, message.size)


def _replies_per_recipient(state: State) -> Steps:
    """One reply for each recipient accepted before (RFC 2033 4.2): each decides for that recipient."""
    for index, to in enumerate(state.facts.recipients):
        if to.outcome == "accepted":
            final = state.endpoint.protocol == "lmtp"
            try:
                reply = yield from _hear_final(state) if final else state.hear("message")
            except Stop as stop:  # after a 421 nobody is left to deliver to
                _put_off(state, index, stop.failure)
                raise
            state.facts.recipients[index] = _recipient("message", to.address, reply)


def _put_off(state: State, first: int, closing: Optional[Failure]) -> None:
    """Record the 421 that came instead of the replies for the recipients from `first` on."""
    if closing is not None and closing.code == 421:
        for index, to in enumerate(state.facts.recipients):
            if index >= first and to.outcome == "accepted":
                reply = Reply(421, (closing.text,), closing.enhanced_code)
                state.facts.recipients[index] = _recipient("message", to.address, reply)


def _prdr_follows(state: State, reply: Reply) -> bool:
    """draft-hall-prdr: a 353 says that a reply for each recipient follows, where PRDR was asked for."""
    return state.actions.prdr and reply.code == 353


def _hear_final(state: State) -> Heard:
    """Hear what becomes of the message. An answer before its end stops it, and cannot mean acceptance."""
    try:
        reply = yield from state.hear("message")
    except Stop as stop:  # 421: not taken (RFC 5321 4.2.1)
        if stop.failure is not None:
            _keep_final_reply(state, 421, stop.failure.text)
        raise
    if not _prdr_follows(state, reply):
        _keep_final_reply(state, reply.code, reply.text, state.facts.message_handed_over)
    if not state.facts.message_handed_over:
        raise Stop(state.refusal("message", reply))
    return reply


def _keep_final_reply(state: State, code: int, text: str, complete: bool = True) -> None:
    """Keep what was said of the message. What had not left as a whole (`complete`) cannot have been taken."""
    facts, taken = state.facts, complete and is_success("message", code)
    facts.message_taken = facts.message_taken or taken
    if facts.message is not None:
        name = queue_id(text) if taken else facts.message.queue_id
        facts.message = facts.message._replace(queue_id=name, code=code, text=text)


# Parameters


def _mail_parameters(state: State) -> Parameters:
    """Return the parameters of MAIL, or stop where the relay lacks what an option or the message needs."""
    actions, message = state.actions, state.actions.message
    parameters: Parameters = {}
    _check_limits(state)
    addresses = (*actions.recipients, actions.sender or "")
    if not all(address.isascii() for address in addresses) or (message and message.smtputf8):
        if "SMTPUTF8" not in state.capabilities:
            state.fail("mail", "smtputf8_not_offered", "an address or a header is not ASCII")
        parameters["SMTPUTF8"] = None
    if message and message.eightbit:
        _need(state, "8BITMIME", "the message holds 8-bit text")
        parameters["BODY"] = "8BITMIME"
    if actions.chunking:
        _need(state, "CHUNKING", "chunking")
    if message and "SIZE" in state.capabilities:
        parameters["SIZE"] = str(message.size)
    if actions.requiretls:
        _need(state, "REQUIRETLS", "requiretls")
        if state.facts.tls is None:
            state.fail("mail", "extension_not_offered", "requiretls: REQUIRETLS counts only inside TLS (RFC 8689 2)")
        parameters["REQUIRETLS"] = None
    if actions.prdr:
        _need(state, "PRDR", "prdr")
        parameters["PRDR"] = None
    if actions.dsn:
        _need(state, "DSN", "dsn")
        parameters.update(commands.dsn_of_mail(actions.dsn))
    for name, value in actions.mail_parameters.items():
        _need(state, _ANNOUNCED_BY.get(name, name), "mail_parameters.%s" % name)
        parameters[name] = value
    return parameters


def _rcpt_parameters(state: State, address: str) -> Parameters:
    return commands.dsn_of_rcpt(state.actions.dsn, address) if state.actions.dsn else {}


def _check_limits(state: State) -> None:
    """Hold the message and the recipients against what the relay has announced (RFC 1870 6.1, RFC 9422 4)."""
    message, limit = state.actions.message, max_message_size(state.capabilities)
    if message and limit and message.size > limit:
        state.fail("mail", "message_too_large", "%d octets, the relay takes %d" % (message.size, limit))
    to = state.actions.recipients
    domains = {address.rpartition("@")[2].lower() for address in to}
    for name, what, number in (("RCPTMAX", "recipients", len(to)), ("RCPTDOMAINMAX", "domains", len(domains))):
        most = limits(state.capabilities).get(name, number)
        if number > most:
            text = "%d %s, the relay takes %d at once (LIMITS %s)" % (number, what, most, name)
            state.fail("mail", "limit_exceeded", text)


def _need(state: State, keyword: str, what: str) -> None:
    if keyword not in state.capabilities:
        state.fail("mail", "extension_not_offered", "%s: the relay does not offer %s" % (what, keyword))
