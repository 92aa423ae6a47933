# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the collection. One SMTP dialogue, from the greeting to QUIT, as a generator: no socket, no clock.
#
# `converse()` yields what to do (model.Say, Hear, StartTls) and is sent what came of it; what it learns goes
# into the Facts it was given, reply by reply, so that nothing is lost when a connection ends in the middle.
# Two exceptions end it early: Stop is ours (the relay's reply, or our rules, leave nothing more to do, and
# QUIT follows), Broken is thrown in from outside (the connection is gone, or not to be trusted: no QUIT).

from __future__ import annotations

import re
from base64 import b64decode
from typing import TYPE_CHECKING

from . import commands, sasl
from .capabilities import auth_mechanisms, masked_keywords, max_message_size, parse_capabilities
from .explain import cause_of
from .model import AuthFacts, Failure, Hear, MessageFacts, RecipientFacts, Reply, Say, StartTls

if TYPE_CHECKING:
    from typing import Any, Dict, Generator, NoReturn, Optional

    from .capabilities import Capabilities
    from .model import Command, Credentials, Facts, Request, Step, Steps, TlsFacts

# RFC 5321 4.1.4: HELO only where the server does not know EHLO.
_EHLO_UNKNOWN = (500, 501, 502, 504)
_QUIT_SECONDS = 1.0


class Stop(Exception):
    """Nothing more to do but to take leave; `failure` is None where the check has reached its end."""

    def __init__(self, failure: Optional[Failure] = None) -> None:
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
        tls: Optional[TlsFacts] = None,
    ) -> None:
        super().__init__(text)
        self.cause, self.text, self.stage, self.code, self.tls = cause, text, stage, code, tls


def converse(request: Request, facts: Facts) -> Steps:
    """Hold the dialogue that `request` asks for; leave in `facts` what was learned and, if so, the failure."""
    conversation = _Conversation(request, facts)
    try:
        try:
            yield from conversation.steps()
        except Stop as stop:
            facts.failure = stop.failure
        yield from conversation.leave()
    except Broken as broken:
        if broken.tls:
            facts.tls = broken.tls
        # What the relay said before it went away is the reason; that it went away is not.
        if facts.failure is None:
            facts.failure = conversation.failure_of(broken)


class _Conversation:
    def __init__(self, request: Request, facts: Facts) -> None:
        self._request, self._facts = request, facts
        self._pipelined = False  # the commands of the group under way have all gone out
        self._left = False  # QUIT has gone out
        self._closing = False  # the relay has said 421
        self._mail_open = False  # MAIL was accepted, and nothing has ended the transaction

    def steps(self) -> Steps:
        if self._request.tls == "implicit":
            yield from self._tls()
        yield from self._greeting()
        yield from self._ehlo()
        if self._request.tls in ("starttls", "opportunistic"):
            yield from self._starttls()
        self._reached("tls")
        if self._request.credentials:
            yield from self._auth(self._request.credentials)
        self._reached("auth")
        if self._request.sender is not None:
            yield from self._envelope(self._request.sender)

    def failure_of(self, broken: Broken) -> Optional[Failure]:
        """Return the failure that a lost connection means, which depends on how far the session had come."""
        stage = broken.stage or self._facts.stage
        if stage == "quit":
            return None  # the check was over: relays may hang up as they like
        cause = broken.cause
        if self._facts.message_handed_over and self._facts.message and self._facts.message.code is None:
            cause = "acceptance_unknown"
        return Failure(stage, cause, broken.code, text=broken.text)

    # Single steps

    def _hear(self, stage: str) -> Generator[Step, Any, Reply]:
        """Wait for one reply and keep its code. A 421 ends the session whenever it comes."""
        self._facts.stage = stage
        reply: Reply = yield Hear(stage)
        if stage != "rcpt":  # these stand with their recipients
            self._facts.codes[stage] = reply.code
        self._facts.warnings.extend("%s: %s" % (stage, note) for note in reply.notes)
        if reply.code == 421:
            self._closing = True
            raise Stop(self._refusal(stage, reply))
        return reply

    def _exchange(self, command: Command) -> Generator[Step, Any, Reply]:
        self._facts.stage = command.stage
        yield Say((command,))
        return (yield from self._hear(command.stage))

    def _refusal(self, stage: str, reply: Reply, recipient: Optional[str] = None) -> Failure:
        return Failure(stage, cause_of(stage, reply), reply.code, reply.enhanced_code, reply.text, recipient)

    def _fail(self, stage: str, cause: str, text: str) -> NoReturn:
        raise Stop(Failure(stage, cause, text=text))

    def _reached(self, stage: str) -> None:
        if self._request.stop_after == stage:
            raise Stop()

    def leave(self) -> Steps:
        """Take leave (RFC 5321 4.1.1.10): whatever becomes of QUIT, the check's outcome stands."""
        if self._closing:
            return
        self._facts.stage = "quit"
        if not self._left:
            if self._mail_open:
                yield Say((commands.rset(),))
                yield Hear("quit", within=_QUIT_SECONDS)
            yield Say((commands.quit_(),))
        reply = yield Hear("quit", within=_QUIT_SECONDS)
        self._facts.codes["quit"] = reply.code

    # Greeting, EHLO, TLS

    def _greeting(self) -> Steps:
        reply = yield from self._hear("greeting")
        self._facts.greeting = reply
        if reply.code != 220:
            raise Stop(self._refusal("greeting", reply))
        self._reached("greeting")

    def _ehlo(self) -> Steps:
        name = self._request.ehlo_name or ""
        if self._request.protocol == "lmtp":
            reply = yield from self._exchange(commands.lhlo(name))
        else:
            reply = yield from self._exchange(commands.ehlo(name))
            if reply.code in _EHLO_UNKNOWN and not self._facts.tls and not self._request.credentials:
                reply = yield from self._exchange(commands.helo(name))
                reply = reply._replace(lines=reply.lines[:1])  # HELO announces nothing
        if reply.code != 250:
            raise Stop(self._refusal("ehlo", reply))
        self._facts.capabilities = parse_capabilities(reply.lines)
        self._reached("ehlo")

    def _starttls(self) -> Steps:
        capabilities = self._facts.capabilities_before_tls = self._capabilities
        required = self._request.tls == "starttls"
        if "STARTTLS" not in capabilities:
            if not required:
                self._facts.warnings.append("TLS was not used: the relay does not offer STARTTLS.")
                return
            masked = masked_keywords(capabilities)
            if masked:
                self._fail("starttls", "tls_stripped", "keywords overwritten: " + " ".join(masked))
            self._fail("starttls", "tls_not_offered", "offered: " + (" ".join(capabilities) or "nothing"))
        reply = yield from self._exchange(commands.starttls())
        if reply.code != 220:
            if required or not 400 <= reply.code < 600:
                raise Stop(self._refusal("starttls", reply))
            self._facts.warnings.append("TLS was not used: the relay answered STARTTLS with %d." % reply.code)
            return
        yield from self._tls()
        # RFC 3207 4.2: what was said before counts no more.
        self._facts.capabilities = None
        yield from self._ehlo()

    def _tls(self) -> Steps:
        self._facts.stage = "tls"
        self._facts.tls = yield StartTls()

    @property
    def _capabilities(self) -> Capabilities:
        return self._facts.capabilities or {}

    # Signing in (RFC 4954)

    def _auth(self, credentials: Credentials) -> Steps:
        self._facts.stage = "auth"
        self._check_channel()
        mechanism = self._choose_mechanism(credentials)
        exchange = sasl.Exchange(
            username=credentials.username,
            password=credentials.password,
            access_token=credentials.access_token,
            host=self._request.host,
            port=self._request.port,
            channel_binding=self._channel_binding(),
        )
        dialogue = sasl.MECHANISMS[mechanism].dialogue(exchange)
        try:
            initial_response = next(dialogue)
        except sasl.CredentialError as unusable:
            self._fail("auth", "auth_protocol_error", str(unusable))
        reply = yield from self._exchange(commands.auth(mechanism, initial_response))
        error = None
        try:
            while reply.code == 334:
                reply = yield from self._exchange(commands.auth_response(_answer(dialogue, reply)))
            if reply.code == 235:
                _succeed(dialogue)
        except sasl.SaslError as caught:
            error = caught
            if reply.code == 334:
                reply = yield from self._exchange(commands.auth_cancel())
        accepted = reply.code == 235 and error is None
        self._facts.auth = AuthFacts(
            mechanism, accepted, reply.code, reply.enhanced_code, reply.text, exchange.server_error
        )
        if error is not None:
            self._fail("auth", error.cause, str(error))
        if not accepted:
            raise Stop(self._refusal("auth", reply))

    def _check_channel(self) -> None:
        """Credentials travel inside verified TLS only, unless the caller has said otherwise."""
        tls = self._facts.tls
        if tls is None and not self._request.allow_plaintext_auth:
            self._fail("auth", "credentials_withheld", "the session is not encrypted")
        if tls is not None and not tls.verified and self._request.validate_certs:
            self._fail("auth", "credentials_withheld", "the relay's certificate was not verified")

    def _choose_mechanism(self, credentials: Credentials) -> str:
        offered = auth_mechanisms(self._capabilities) or []
        if not offered:
            in_clear = self._facts.tls is None and "STARTTLS" in self._capabilities
            cause = "auth_not_offered_in_clear" if in_clear else "auth_not_offered"
            self._fail("auth", cause, "offered: " + (" ".join(self._capabilities) or "nothing"))
        has = {"nothing"}
        has.update(name for name in ("password", "access_token") if getattr(credentials, name) is not None)
        if self._request.tls_policy and self._request.tls_policy.client_cert:
            has.add("certificate")
        chosen = sasl.choose(offered, self._request.auth_mechanisms, has, self._channel_binding() is not None)
        if chosen is None:
            self._fail("auth", "auth_no_common_mechanism", "offered: " + " ".join(offered))
        return chosen

    def _channel_binding(self) -> Optional[bytes]:
        tls = self._facts.tls
        if tls is None or tls.leaf is None or not tls.chain:
            return None
        return sasl.tls_server_end_point(tls.leaf, tls.chain[0].signature_algorithm)

    # The envelope and the message (RFC 5321 3.3)

    def _envelope(self, sender: str) -> Steps:
        request = self._request
        sending = request.send and not request.check_mode
        mail = commands.mail(sender, self._mail_parameters())
        rcpts = [commands.rcpt(address, {}) for address in request.recipients]
        group = [mail] + rcpts
        if sending and request.send_if == "any":
            group.append(commands.data())
        elif not sending:
            group += [commands.rset(), commands.quit_()]
        self._pipelined = "PIPELINING" in self._capabilities
        if self._pipelined:
            # One flight, and its replies in the same order (RFC 2920 3.1).
            yield Say(group)
            self._left = not sending
        refusal = yield from self._mail(mail)
        if refusal is not None and not self._pipelined:
            raise Stop(refusal)
        for address, rcpt in zip(request.recipients, rcpts):
            yield from self._rcpt(address, rcpt, known=refusal is None)
        failure = refusal or self._recipients_failure()
        if not sending:
            yield from self._forget_transaction()
        elif self._wanted(failure):
            yield from self._data_and_message()
        elif self._pipelined and request.send_if == "any":
            yield from self._refuse_data()
        raise Stop(failure)

    def _ask(self, command: Command) -> Generator[Step, Any, Reply]:
        """Send a command, unless it went out with its group, and hear its reply."""
        if not self._pipelined:
            yield Say((command,))
        return (yield from self._hear(command.stage))

    def _mail(self, command: Command) -> Generator[Step, Any, Optional[Failure]]:
        reply = yield from self._ask(command)
        self._mail_open = reply.code // 100 == 2
        return None if self._mail_open else self._refusal("mail", reply)

    def _rcpt(self, address: str, command: Command, known: bool) -> Steps:
        """Hear what becomes of one recipient; after a refused MAIL the reply means nothing and is not kept."""
        reply = yield from self._ask(command)
        if known:
            outcome = {2: "accepted", 4: "deferred"}.get(reply.code // 100, "rejected")
            self._facts.recipients.append(RecipientFacts(address, reply.code, reply.enhanced_code, reply.text, outcome))

    def _recipients_failure(self) -> Optional[Failure]:
        """Return the worst that befell a recipient: a refusal for good comes before one for now."""
        for outcome in ("rejected", "deferred"):
            for to in self._facts.recipients:
                if to.outcome == outcome:
                    reply = Reply(to.code, tuple(to.text.split("\n")), to.enhanced_code)
                    return self._refusal("rcpt", reply, recipient=to.address)
        return None

    def _wanted(self, failure: Optional[Failure]) -> bool:
        """Return whether the message is to go out, given who accepted it."""
        if self._request.send_if == "all":
            return failure is None
        return any(to.outcome == "accepted" for to in self._facts.recipients)

    def _forget_transaction(self) -> Steps:
        if self._pipelined:
            self._facts.stage = "quit"
            yield Hear("quit", within=_QUIT_SECONDS)  # RSET's reply
            self._mail_open = False

    def _refuse_data(self) -> Steps:
        """DATA went out with recipients none of whom was accepted: a 354 gets a lone dot (RFC 2920 3.1)."""
        reply = yield from self._hear("data")
        if reply.code == 354:
            yield from self._exchange(commands.lone_dot())
        self._mail_open = False

    def _data_and_message(self) -> Steps:
        message = self._request.message
        assert message is not None
        if self._request.send_if == "all":
            self._pipelined = False
        reply = yield from self._ask(commands.data())
        if reply.code != 354:
            raise Stop(self._refusal("data", reply))
        self._facts.message = MessageFacts(message.message_id, message.token, message.size)
        self._facts.stage = "message"
        # The final dot and QUIT travel together: message content may open a group (RFC 2920 3.1).
        yield Say((commands.content(message), commands.quit_()))
        self._left = True
        self._mail_open = False
        if self._request.protocol == "lmtp":
            yield from self._lmtp_replies()
        else:
            reply = yield from self._hear("message")
            self._keep_final_reply(reply)
            if reply.code // 100 != 2:
                raise Stop(self._refusal("message", reply))

    def _lmtp_replies(self) -> Steps:
        """One reply for each recipient accepted before (RFC 2033 4.2): each decides for that recipient."""
        for index, to in enumerate(self._facts.recipients):
            if to.outcome == "accepted":
                reply = yield from self._hear("message")
                self._keep_final_reply(reply)
                outcome = {2: "accepted", 4: "deferred"}.get(reply.code // 100, "rejected")
                self._facts.recipients[index] = RecipientFacts(
                    to.address, reply.code, reply.enhanced_code, reply.text, outcome
                )
        failure = self._recipients_failure()
        if failure is not None:
            raise Stop(failure._replace(stage="message"))

    def _keep_final_reply(self, reply: Reply) -> None:
        assert self._facts.message is not None
        if reply.code // 100 == 2:
            self._facts.message_taken = True
        self._facts.message = self._facts.message._replace(
            queue_id=queue_id(reply.text), code=reply.code, text=reply.text
        )

    def _mail_parameters(self) -> Dict[str, Optional[str]]:
        """Return the parameters of MAIL, or stop where the relay lacks what the message needs."""
        message, offered = self._request.message, self._capabilities
        parameters: Dict[str, Optional[str]] = {}
        addresses = self._request.recipients + (self._request.sender or "",)
        if not all(address.isascii() for address in addresses) or (message and message.smtputf8):
            if "SMTPUTF8" not in offered:
                self._fail("mail", "smtputf8_not_offered", "an address or a header is not ASCII")
            parameters["SMTPUTF8"] = None
        if message and message.eightbit:
            if "8BITMIME" not in offered:
                self._fail("mail", "extension_not_offered", "the message holds 8-bit text, which needs 8BITMIME")
            parameters["BODY"] = "8BITMIME"
        if message and "SIZE" in offered:
            limit = max_message_size(offered)
            if limit and message.size > limit:
                self._fail("mail", "message_too_large", "%d octets, the relay takes %d" % (message.size, limit))
            parameters["SIZE"] = str(message.size)
        return parameters


def _answer(dialogue: sasl.Dialogue, challenge: Reply) -> bytes:
    """Return the response to one 334 (RFC 4954 4: its text is base64, or nothing)."""
    try:
        decoded = b64decode("".join(challenge.lines).strip(), validate=True)
    except ValueError:
        raise sasl.SaslError("auth_protocol_error", "the relay's challenge is not base64") from None
    try:
        return dialogue.send(decoded) or b""
    except StopIteration:
        raise sasl.SaslError("auth_protocol_error", "the relay asks for more than the mechanism has") from None


def _succeed(dialogue: sasl.Dialogue) -> None:
    """Tell the mechanism that the relay is content; it objects where the relay has not proved itself."""
    try:
        dialogue.send(None)
    except StopIteration:
        return


# Postfix, Exim, Sendmail, OpenSMTPD and Exchange, Haraka name the message in their final reply.
_QUEUE_ID = re.compile(
    r"queued as (?P<postfix>[\w.-]+)|\bid=(?P<exim>[\w-]+)|(?P<sendmail>\w+) Message accepted for delivery|"
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
