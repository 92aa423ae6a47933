# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the collection. One mail transaction: the envelope, and the message if one is to go out.
#
# Where the relay offers PIPELINING, commands leave in groups and their replies are heard one by one, so that ten
# recipients cost no more round trips than one (RFC 2920). What an option needs and the relay does not offer ends
# the check before MAIL.

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from . import commands, model
from .capabilities import limits, max_message_size
from .talk import Stop, worse

if TYPE_CHECKING:
    from typing import Dict, List, Optional, Sequence

    from .message import Message
    from .talk import Heard, Talk

    Parameters = Dict[str, Optional[str]]

# Up to here a message may leave with its envelope, before the recipients' replies are known (RFC 3030 4.2).
_EARLY_BDAT_OCTETS = 262144
_RSET_SECONDS = 1.0
_OUTCOMES = {2: "accepted", 4: "deferred"}
# Further parameters of MAIL -> the EHLO keyword that announces them; any other is announced by its own name.
_ANNOUNCED_BY = {
    "BY": "DELIVERBY",
    "HOLDFOR": "FUTURERELEASE",
    "HOLDUNTIL": "FUTURERELEASE",
    "SOLICIT": "NO-SOLICITING",
}


def transact(talk: Talk, sender: str) -> model.Steps:
    """Offer the envelope; send the message where that is wanted, else forget the transaction. Always stops."""
    request = talk.request
    message = None if request.check_mode else request.message
    mail = commands.mail(sender, _mail_parameters(talk))
    rcpts = [commands.rcpt(address, _rcpt_parameters(talk, address)) for address in request.recipients]
    tail = _group_tail(talk, message)
    talk.group_said = "PIPELINING" in talk.capabilities
    if talk.group_said:
        # One flight, and its replies in the same order (RFC 2920 3.1).
        yield model.Say([mail, *rcpts, *tail])
        talk.quit_said = any(command.stage == "quit" for command in tail)
        if message is not None and talk.quit_said:
            _announce(talk, message)
    yield from _mail(talk, mail)
    if not talk.mail_open and not talk.group_said:
        raise Stop(talk.refused)
    for address, rcpt in zip(request.recipients, rcpts):
        yield from _rcpt(talk, address, rcpt)
    if message is None:
        yield from _forget(talk)
    elif _wanted(talk):
        yield from _send(talk, message, tail)
    elif talk.group_said and tail:
        yield from _refuse_to_send(talk, tail[0])
    raise Stop(talk.refused)


def _group_tail(talk: Talk, message: Optional[Message]) -> List[model.Command]:
    """What leaves in one group with MAIL and RCPT: the end of a probe, DATA, or a message small enough for BDAT."""
    if message is None:
        return [commands.rset(), commands.quit_()]
    if talk.request.send_if == "all":
        return []
    if not talk.request.chunking:
        return [commands.data()]
    if message.size <= _EARLY_BDAT_OCTETS:
        return [commands.bdat(message), commands.quit_()]
    return []


def _mail(talk: Talk, command: model.Command) -> model.Steps:
    reply = yield from talk.ask(command)
    talk.mail_open = reply.code // 100 == 2
    talk.refused = None if talk.mail_open else talk.refusal("mail", reply)


def _rcpt(talk: Talk, address: str, command: model.Command) -> model.Steps:
    """Hear what becomes of one recipient; after a refused MAIL the reply means nothing and is not kept."""
    try:
        reply = yield from talk.ask(command)
    except Stop as stop:  # 421: an answer to this recipient as well
        said = stop.failure
        if said is not None and talk.mail_open:
            closing = model.RecipientFacts(address, 421, said.enhanced_code, said.text, "deferred")
            talk.facts.recipients.append(closing)
        raise
    if talk.mail_open:
        talk.facts.recipients.append(_recipient(address, reply))
        if reply.code // 100 != 2:
            talk.refused = worse(talk.refused, talk.refusal("rcpt", reply, address))


def _recipient(address: str, reply: model.Reply) -> model.RecipientFacts:
    outcome = _OUTCOMES.get(reply.code // 100, "rejected")
    return model.RecipientFacts(address, reply.code, reply.enhanced_code, reply.text, outcome)


def _recipients_failure(talk: Talk, at_rcpt: Sequence[model.RecipientFacts]) -> Optional[model.Failure]:
    """Return the worst that befell a recipient: a refusal for good comes before one for now.

    `at_rcpt`: what RCPT drew; replies to the message may have changed it since.
    """
    for outcome in ("rejected", "deferred"):
        for to, before in zip(talk.facts.recipients, at_rcpt):
            if to.outcome == outcome:
                reply = model.Reply(to.code, tuple(to.text.split("\n")), to.enhanced_code)
                return talk.refusal("rcpt" if to is before else "message", reply, recipient=to.address)
    return None


def _wanted(talk: Talk) -> bool:
    """Return whether the message is to go out, given who accepted it."""
    if talk.request.send_if == "all":
        return talk.refused is None
    return any(to.outcome == "accepted" for to in talk.facts.recipients)


def _forget(talk: Talk) -> model.Steps:
    """Hear the reply to the RSET that left with the group; without a group RSET comes with taking leave."""
    if talk.group_said:
        talk.facts.stage = "quit"
        yield model.Hear("quit", within=_RSET_SECONDS)
        talk.mail_open = False


def _refuse_to_send(talk: Talk, command: model.Command) -> model.Steps:
    """DATA or BDAT went out for nobody: a 354 gets a lone dot (RFC 2920 3.1), BDAT is refused by the relay."""
    talk.facts.message_begun = talk.facts.message_handed_over = False  # nobody's message
    reply = yield from talk.hear(command.stage)
    if command.stage == "message":
        _keep_final_reply(talk, reply.code, reply.text)
    elif reply.code == 354:
        yield from talk.exchange(commands.lone_dot())
    talk.mail_open = False


# The message


def _send(talk: Talk, message: Message, tail: List[model.Command]) -> model.Steps:
    talk.group_said = talk.group_said and bool(tail)
    if not talk.request.chunking:
        reply = yield from talk.ask(commands.data())
        if reply.code != 354:
            raise Stop(talk.refusal("data", reply))
    if not talk.quit_said:
        _announce(talk, message)
        # The end of the message and QUIT travel together: content may open a group (RFC 2920 3.1).
        talk.quit_said = "PIPELINING" in talk.capabilities
        content = commands.bdat(message) if talk.request.chunking else commands.content(message)
        yield model.Say((content, commands.quit_()) if talk.quit_said else (content,))
    talk.mail_open = False
    at_rcpt = tuple(talk.facts.recipients)
    if talk.request.protocol == "lmtp":
        yield from _replies_per_recipient(talk)
        raise Stop(_recipients_failure(talk, at_rcpt))
    reply = yield from _hear_final(talk)
    if reply.code == 353:
        # PRDR: a reply for each recipient accepted before, then one for the message as a whole.
        yield from _replies_per_recipient(talk)
        reply = yield from _hear_final(talk)
    if reply.code // 100 != 2:
        raise Stop(talk.refusal("message", reply))
    if talk.request.prdr:
        raise Stop(_recipients_failure(talk, at_rcpt))


def _announce(talk: Talk, message: Message) -> None:
    """The message is about to leave: from here on it may have been taken, whatever becomes of the session."""
    talk.facts.stage = "message"
    talk.facts.message = model.MessageFacts(message.message_id, message.token, message.size)


def _replies_per_recipient(talk: Talk) -> model.Steps:
    """One reply for each recipient accepted before (RFC 2033 4.2): each decides for that recipient."""
    for index, to in enumerate(talk.facts.recipients):
        if to.outcome == "accepted":
            final = talk.request.protocol == "lmtp"
            reply = yield from _hear_final(talk) if final else talk.hear("message")
            talk.facts.recipients[index] = _recipient(to.address, reply)


def _hear_final(talk: Talk) -> Heard:
    """Hear what becomes of the message. An answer before its end stops it, and cannot mean acceptance."""
    try:
        reply = yield from talk.hear("message")
    except Stop as stop:  # 421: not taken (RFC 5321 4.2.1)
        if stop.failure is not None:
            _keep_final_reply(talk, 421, stop.failure.text)
        raise
    if reply.code != 353:
        _keep_final_reply(talk, reply.code, reply.text)
    if not talk.facts.message_handed_over:
        raise Stop(talk.refusal("message", reply))
    return reply


def _keep_final_reply(talk: Talk, code: int, text: str) -> None:
    facts = talk.facts
    facts.message_taken = facts.message_taken or code // 100 == 2
    if facts.message is not None:
        facts.message = facts.message._replace(queue_id=queue_id(text), code=code, text=text)


# Parameters


def _mail_parameters(talk: Talk) -> Parameters:
    """Return the parameters of MAIL, or stop where the relay lacks what an option or the message needs."""
    request, message = talk.request, talk.request.message
    parameters: Parameters = {}
    _check_limits(talk)
    addresses = (*request.recipients, request.sender or "")
    if not all(address.isascii() for address in addresses) or (message and message.smtputf8):
        if "SMTPUTF8" not in talk.capabilities:
            talk.fail("mail", "smtputf8_not_offered", "an address or a header is not ASCII")
        parameters["SMTPUTF8"] = None
    if message and message.eightbit:
        _need(talk, "8BITMIME", "the message holds 8-bit text")
        parameters["BODY"] = "8BITMIME"
    if request.chunking:
        _need(talk, "CHUNKING", "chunking")
    if message and "SIZE" in talk.capabilities:
        parameters["SIZE"] = str(message.size)
    if request.requiretls:
        _need(talk, "REQUIRETLS", "requiretls")
        if talk.facts.tls is None:
            talk.fail("mail", "extension_not_offered", "requiretls: REQUIRETLS counts only inside TLS (RFC 8689 2)")
        parameters["REQUIRETLS"] = None
    if request.prdr:
        _need(talk, "PRDR", "prdr")
        parameters["PRDR"] = None
    if request.dsn:
        _need(talk, "DSN", "dsn")
        parameters.update(commands.dsn_of_mail(request.dsn))
    for name, value in request.mail_parameters.items():
        _need(talk, _ANNOUNCED_BY.get(name, name), "mail_parameters.%s" % name)
        parameters[name] = value
    return parameters


def _rcpt_parameters(talk: Talk, address: str) -> Parameters:
    return commands.dsn_of_rcpt(talk.request.dsn, address) if talk.request.dsn else {}


def _check_limits(talk: Talk) -> None:
    """Hold the message and the recipients against what the relay has announced (RFC 1870 6.1, RFC 9422 4)."""
    message, limit = talk.request.message, max_message_size(talk.capabilities)
    if message and limit and message.size > limit:
        talk.fail("mail", "message_too_large", "%d octets, the relay takes %d" % (message.size, limit))
    to = talk.request.recipients
    domains = {address.rpartition("@")[2].lower() for address in to}
    for name, what, number in (("RCPTMAX", "recipients", len(to)), ("RCPTDOMAINMAX", "domains", len(domains))):
        most = limits(talk.capabilities).get(name, number)
        if number > most:
            text = "%d %s, the relay takes %d at once (LIMITS %s)" % (number, what, most, name)
            talk.fail("mail", "limit_exceeded", text)


def _need(talk: Talk, keyword: str, what: str) -> None:
    if keyword not in talk.capabilities:
        talk.fail("mail", "extension_not_offered", "%s: the relay does not offer %s" % (what, keyword))


# Postfix, Exim, Sendmail, OpenSMTPD, Exchange and Haraka name the message in their final reply.
_QUEUE_ID = re.compile(
    r"queued as (?P<postfix>[\w.-]+)|\bid=(?P<exim>[\w-]+)|\b(?P<sendmail>\w+) Message accepted for delivery|"
    r"(?P<opensmtpd>[0-9a-f]{8}) Message accepted|\[InternalId=(?P<exchange>\d+)|"
    r"[Mm]essage [Qq]ueued \(?(?P<haraka>[\w.-]+)"
)


def queue_id(text: str) -> Optional[str]:
    """Return the name under which the relay's log knows the message, where its reply gives one.

    >>> queue_id("2.0.0 Ok: queued as 4XyZ12abcd")
    '4XyZ12abcd'
    """
    found = _QUEUE_ID.search(text)
    return next((name for name in found.groups() if name), None) if found else None
