# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Between the octets of a connection and its conversation: no socket, no clock.
#
# The conversation says and hears; here that becomes octets to send, replies read from octets, transcript and
# timings. A session feeds what it read, sends what `output()` gives, and tells the time (attempts.AnyProtocol says
# what each method is for). One read may bring several replies, and several commands may leave in one write: what a
# turn brings is worked off before anything is sent.

from __future__ import annotations

from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING

from .._errors import OptionError
from .._net.attempts import BLOCK_OCTETS, Broken
from .._net.text import cut
from .._net.tls.model import begins_tls
from .commands import dot_stuffed
from .conversation.state import UnsolicitedReply
from .conversation.steps import Say, StartTls
from .replies import ReplyError, ReplyReader

if TYPE_CHECKING:
    from typing import Any, Iterator, Optional, Sequence

    from .._net.tls.model import TlsFacts
    from .commands import Command
    from .conversation.steps import Hear, Steps
    from .facts import Facts
    from .message import Message

_TIMED_OUT = {"greeting": "no_greeting", "tls": "tls_handshake_stalled"}
_LOST = {"greeting": "no_greeting", "tls": "tls_handshake_reset"}


class Protocol:
    """Speaks SMTP or LMTP for one conversation. Times are seconds of the driver's clock."""

    peer = "relay"

    def __init__(self, conversation: Steps, facts: Facts, deadline: float, acceptance_timeout: float) -> None:
        self.facts = facts
        self.deadline = self._end = deadline
        self.wants_tls = False
        self.ended = False
        self.decided_at: Optional[float] = None  # when there was nothing left to learn
        self._conversation = conversation
        self._acceptance_timeout = acceptance_timeout
        self._reader = ReplyReader(facts.secrets)
        self._hearing: Optional[Hear] = None
        self._said_at = self._now = 0.0
        self._outgoing: Iterator[bytes] = iter(())
        self._cut = False  # the relay refused in mid-message: nothing more can be said

    @property
    def silent(self) -> bool:
        """Whether the relay has not sent one octet."""
        return self.facts.stage == "greeting" and not self._reader.pending

    def begin(self, now: float) -> None:
        self._said_at = now
        self._go_on(None, now)

    def receive(self, data: bytes, now: float) -> None:
        """Work off as many replies as are awaited."""
        self._reader.feed(data)
        try:
            while self._hearing is not None:
                reply = self._reader.next_reply()
                if reply is None:
                    return
                self.facts.transcript.server(reply, now)
                self.facts.timings[self._hearing.stage] = now - self._said_at
                in_message = self.facts.message_begun and not self.facts.message_handed_over
                if in_message and self._hearing.stage == "message":
                    self._cut, self._outgoing = True, iter(())
                self._go_on(reply, now)
        except ReplyError as error:
            self.break_off(Broken(self._cause_of_noise() or "protocol_violation", str(error)), now)

    def output(self, now: float) -> bytes:
        blocks, size, self._now = [], 0, now
        try:
            for block in self._outgoing:
                blocks.append(block)
                size += len(block)
                if size >= BLOCK_OCTETS:
                    break
        except OptionError as error:
            # The message is not the one announced: its last block, its end and QUIT never leave.
            self.break_off(Broken("message_changed", str(error), "message"), now)
        return b"".join(blocks)

    def tls_established(self, tls: TlsFacts, now: float) -> None:
        self.facts.timings["tls"] = now - self._said_at
        self.facts.transcript.tls = True
        self.wants_tls, self._said_at = False, now
        self._go_on(tls, now)
        self.receive(b"", now)  # under implicit TLS the greeting may be here already

    def lose(self, text: str, now: float) -> None:
        cause = self._cause_of_noise() or _LOST.get(self.facts.stage, "connection_lost")
        if cause == "no_greeting" and self._reader.pending:
            cause = "connection_lost"
        if self._reader.pending:
            text += " after '%s'" % self._reader.waiting
        elif self._nothing_heard_in_tls():
            text += " without a word after the handshake, as one does that wants a client certificate"
        self.break_off(Broken(cause, text), now)

    def _nothing_heard_in_tls(self) -> bool:
        """In TLS 1.3 a relay that misses our certificate says so after the handshake, and a reset may eat the alert."""
        facts = self.facts
        in_tls13 = facts.tls is not None and facts.tls.version == "TLSv1.3"
        first = "greeting" if facts.capabilities_before_tls is None else "ehlo"
        return in_tls13 and facts.stage == first and facts.capabilities is None

    def time_out(self, now: float) -> None:
        if self._hearing is not None and self._hearing.or_silence and now < self._end and not self._reader.pending:
            return self._go_on(None, now)
        cause = _TIMED_OUT.get(self.facts.stage, "timed_out") if not self._reader.pending else "timed_out"
        waited = "no reply within %.3g s" % (now - self._said_at)
        self.break_off(Broken(self._cause_of_noise() or cause, waited), now)

    def break_off(self, broken: Broken, now: float) -> None:
        """Tell the conversation that the connection is not to be used any more: it ends."""
        self._hearing, self._outgoing = None, iter(())
        broken.text = cut(self.facts.secrets.redacted(broken.text))  # a certificate may name them
        if not self.ended:
            self.ended = True
            with suppress(StopIteration):
                self._conversation.throw(broken)
            broken.__traceback__ = None  # its frames hold on to it, and to us

    def _go_on(self, value: Any, now: float) -> None:
        """Hand the conversation what it waited for, and take what it wants next."""
        if self._hearing is not None and self._hearing.or_silence:
            self.deadline = self._end
        self._hearing = None
        try:
            step = self._conversation.send(value)
            while isinstance(step, Say):
                broken = self._unsolicited(now)
                if broken is not None:
                    return self.break_off(broken, now)
                self._say(step.commands, now)
                step = next(self._conversation)
        except StopIteration:
            self.ended = True
            return
        if isinstance(step, StartTls):
            self._start_tls(now)
        elif self._cut:
            self.break_off(Broken("connection_lost", "the relay answered in the middle of the message"), now)
        else:
            self._hearing = step
            if step.stage == "quit" and self.decided_at is None:
                self.decided_at = now
            if step.within is not None:
                self.deadline = min(self.deadline, now + step.within)

    def _say(self, commands: Sequence[Command], now: float) -> None:
        for command in commands:
            self.facts.transcript.client(command.shown, now)
            self.facts.secrets.add(command.secrets)
        self._outgoing = chain(self._outgoing, self._octets(commands))
        self._said_at = now

    def _octets(self, commands: Sequence[Command]) -> Iterator[bytes]:
        for command in commands:
            yield command.wire
            if command.content is not None:
                yield from self._content(command.content, command.dotted)

    def _content(self, message: Message, dotted: bool) -> Iterator[bytes]:
        """A message, block by block. It counts as begun with its first octet, as handed over with its last."""
        held = b""
        for block in dot_stuffed(message.blocks()) if dotted else message.blocks():
            if held:
                self.facts.message_begun = True
                yield held
            held = block
        self.facts.message_begun = self.facts.message_handed_over = True
        # From here on it is the final reply that is waited for, and timed (RFC 5321 4.5.3.2.6).
        self._said_at, self.deadline = self._now, self._now + self._acceptance_timeout
        yield held + b".\r\n" if dotted else held

    def _start_tls(self, now: float) -> None:
        if self._reader.pending:
            # RFC 3207 and CVE-2011-0411: nothing that came in clear may be taken for part of the TLS session.
            text = "the relay sent '%s' in clear before the handshake" % self._reader.waiting
            return self.break_off(Broken("tls_injection", text, "starttls"), now)
        self.wants_tls, self._said_at = True, now

    def _unsolicited(self, now: float) -> Optional[Broken]:
        """What has come before a command is written is nobody's reply: the session cannot go on."""
        if not self._reader.pending:
            return None
        try:
            reply = self._reader.next_reply()
        except ReplyError as error:
            return Broken("protocol_violation", "unsolicited: %s" % error)
        if reply is None:
            return Broken("protocol_violation", "unsolicited: '%s'" % self._reader.waiting)
        self.facts.transcript.server(reply, now)
        cause = "service_closing" if reply.code == 421 else "protocol_violation"
        return UnsolicitedReply(cause, reply)

    def _cause_of_noise(self) -> Optional[str]:
        """Tell by its first octets what speaks at a port where no SMTP greeting came."""
        noise = self._reader.head
        if self.facts.stage != "greeting" or not noise or noise[:3].isdigit():
            return None
        return "tls_expected" if begins_tls(noise) else "not_smtp"
