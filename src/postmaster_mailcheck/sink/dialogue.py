# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: one client's dialogue with the sink (RFC 5321), read top to bottom. It ends lines at CR LF or LF and messages
# at CR LF . CR LF alone, so that whatever else a client takes for an end stands in the record.

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING

from postmaster_mailcheck.sink.behaviour import GREETING, MESSAGE
from postmaster_mailcheck.sink.records import Mail
from postmaster_mailcheck.sink.wire import WireError

if TYPE_CHECKING:
    from typing import Awaitable, Callable, Dict, List, Optional, Tuple

    from postmaster_mailcheck.sink.behaviour import Behaviour
    from postmaster_mailcheck.sink.records import Session
    from postmaster_mailcheck.sink.wire import Wire

    Waiting = Dict[Tuple[str, str, str], float]  # client, sender, recipient -> when they first came

NAME = "sink.invalid"
_EXTENSIONS = ("PIPELINING", "SIZE 16777216", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES")
_END = b"\r\n.\r\n"
_MOST_LINE, _MOST_MESSAGE = 65536, 16777216  # octets
_MOST_PATH = 1000  # octets of an address; the record has all of it
_MOST_RECIPIENTS, _MOST_COMMANDS = 1000, 10000
_MOST_HELD = 67108864  # octets of one session
_MOST_SECONDS = 3600.0  # of one session, besides the delays that were asked for
_MOST_WAITING = 10000  # of the greylist
_HANDSHAKE = b"\x16"  # how a record of TLS begins that holds one (RFC 8446 5.1)
_PATIENCE = 300.0  # seconds (RFC 5321 4.5.3.2.7)
# A client that takes the reply that was injected for the answer to its EHLO says the next command without the true one.
_HELD_BACK = 1.0
_INJECTED = "250 %s injected in clear" % NAME
_PATH = re.compile(r"(?i)(?:FROM|TO):[ \t]*<?([^<>\r\n]*)>?")
_REPLIES = {
    GREETING: "220 %s ESMTP" % NAME,
    "HELO": "250 " + NAME,
    "STARTTLS": "220 2.0.0 Go ahead",
    "MAIL": "250 2.1.0 Ok",
    "RCPT": "250 2.1.5 Ok",
    "DATA": "354 Go on",
    MESSAGE: "250 2.0.0 Ok: kept, and goes nowhere",
    "RSET": "250 2.0.0 Ok",
    "NOOP": "250 2.0.0 Ok",
    "VRFY": "252 2.0.0 Cannot verify",
    "QUIT": "221 2.0.0 Bye",
}
_GREYLISTED = "451 4.7.1 Greylisted, come again"
_BAD_SEQUENCE = "503 5.5.1 Bad sequence of commands"
_UNKNOWN = "502 5.5.2 Command not implemented"


class Dialogue:
    """Speaks with one client until either has had enough."""

    def __init__(
        self, wire: Wire, session: Session, behaviour: Behaviour, waiting: Waiting, has_room: Callable[[], bool]
    ) -> None:
        """`has_room`: whether more can be held of what all sessions say."""
        self._wire, self._session, self._behaviour, self._waiting = wire, session, behaviour, waiting
        self._has_room = has_room
        self._until = time.monotonic() + _MOST_SECONDS
        self._buffer = b""
        self._closing = False
        self._sender: Optional[str] = None
        self._recipients: List[str] = []
        self._handlers: Dict[str, Callable[[str], Awaitable[None]]] = {
            "EHLO": self._ehlo,
            "HELO": self._forget,
            "STARTTLS": self._starttls,
            "MAIL": self._mail,
            "RCPT": self._rcpt,
            "DATA": self._data,
            "RSET": self._forget,
            "QUIT": self._quit,
        }

    async def run(self) -> None:
        try:
            if self._behaviour.implicit:
                await self._start_tls()
            self._closing = not await self._answer(GREETING)
            while not self._closing:
                if self._too_much():
                    self._session.event(event="too much", text=self._too_much())
                    return await self._say("421 4.7.0 Enough of this session")
                await self._command()
        except WireError as error:
            self._session.event(event="broken", text=str(error))
        except asyncio.TimeoutError:
            text = self._too_much() or "nothing was said for %d s" % _PATIENCE
            self._session.event(event="idle", text=text)

    def _too_much(self) -> str:
        """Return the bound that this session has come to, or nothing."""
        if len(self._session.commands) >= _MOST_COMMANDS:
            return "%d commands, which are the most of one session" % _MOST_COMMANDS
        if self._session.size >= _MOST_HELD:
            return "%d octets, which are the most of one session" % _MOST_HELD
        if time.monotonic() >= self._until:
            return "%d s, which are the most of one session" % _MOST_SECONDS
        return "" if self._has_room() else "there is no room for more"

    async def _command(self) -> None:
        line = await self._line()
        if line is None:
            self._closing = True
            return
        text = line.decode("latin-1").rstrip("\r\n")
        verb = text.partition(" ")[0].upper()
        self._session.commands.append((verb[:16], self._session.tls is not None))
        handler = self._handlers.get(verb)
        if handler is not None:
            await handler(text)
        elif verb in _REPLIES and verb not in (GREETING, MESSAGE):
            await self._answer(verb)
        else:
            await self._say(_UNKNOWN)

    async def _forget(self, text: str) -> None:
        """HELO and RSET."""
        self._sender = None
        await self._answer(text.partition(" ")[0].upper())

    async def _quit(self, _text: str) -> None:
        await self._answer("QUIT")
        self._closing = True

    async def _ehlo(self, _text: str) -> None:
        session = self._session
        if session.injected and session.tls and not (session.believed or session.forgotten):
            session.believed = bool(self._buffer) or await self._more_comes()
            session.forgotten = not session.believed
        self._sender = None
        offers = self._behaviour.context is not None and session.tls is None
        lines = [NAME, *_EXTENSIONS, *["STARTTLS"] * offers]
        last = len(lines) - 1
        taken = await self._answer(
            "EHLO", "\r\n".join("250%s%s" % ("- "[at == last], lines[at]) for at in range(last + 1))
        )
        session.starttls_offered |= offers and taken and "EHLO" not in self._behaviour.answers

    async def _more_comes(self) -> bool:
        data = await self._wire.read(within=_HELD_BACK)
        self._buffer += data or b""
        return bool(data)

    async def _starttls(self, _text: str) -> None:
        if self._behaviour.context is None or self._session.tls is not None:
            return await self._say(_UNKNOWN)
        self._session.injected = self._behaviour.inject and "STARTTLS" not in self._behaviour.answers
        reply = _REPLIES["STARTTLS"] + ("\r\n" + _INJECTED if self._session.injected else "")
        if await self._answer("STARTTLS", reply):
            await self._start_tls()

    async def _start_tls(self) -> None:
        """What came behind STARTTLS, and is no TLS, came in clear: it is kept in the record, and obeyed never."""
        context, begun, self._buffer, self._sender = self._behaviour.context, self._buffer, b"", None
        if begun and begun[:1] != _HANDSHAKE:
            self._session.lines(begun)
            self._session.event(event="dropped", text="what came in clear behind STARTTLS")
            begun = b""
        if context is None:
            return
        try:
            tls = await asyncio.wait_for(self._wire.start_tls(context, begun), _PATIENCE)
        except WireError as error:
            if self._wire.heard_tls:
                self._session.tls_failure = str(error)
            raise
        self._session.tls = tls.version()
        self._session.event(event="tls", version=self._session.tls, cipher=(tls.cipher() or [None])[0])

    async def _mail(self, text: str) -> None:
        if self._sender is not None:
            await self._say(_BAD_SEQUENCE)
        elif await self._answer("MAIL"):
            self._sender, self._recipients = _path(text), []

    async def _rcpt(self, text: str) -> None:
        recipient = _path(text)
        if self._sender is None:
            await self._say(_BAD_SEQUENCE)
        elif self._is_put_off((self._session.peer, self._sender, recipient)):
            await self._answer("RCPT", _GREYLISTED)
        elif len(self._recipients) >= _MOST_RECIPIENTS:
            await self._say("452 4.5.3 Too many recipients")
        elif await self._answer("RCPT"):
            self._recipients.append(recipient)

    def _is_put_off(self, who: Tuple[str, str, str]) -> bool:
        if not self._behaviour.greylist:
            return False
        now = time.monotonic()
        if len(self._waiting) >= _MOST_WAITING and who not in self._waiting:
            del self._waiting[next(iter(self._waiting))]
        if now - self._waiting.setdefault(who, now) >= self._behaviour.greylist:
            return False
        self._session.deferred.append(who)
        return True

    async def _data(self, _text: str) -> None:
        if self._sender is None or not self._recipients:
            return await self._say(_BAD_SEQUENCE)
        if not await self._answer("DATA"):
            return
        octets = await self._message()
        if octets is None:
            self._closing = True
            return
        taken, under_tls = self._reply(MESSAGE)[0] == "2", self._session.tls is not None
        self._session.mail(Mail(self._sender, tuple(self._recipients), octets, under_tls, taken))
        self._sender = None
        await self._answer(MESSAGE)

    async def _message(self) -> Optional[bytes]:
        """Return a message to its end; None where it is too long, or the client leaves in its middle."""
        content, begin = bytearray(b"\r\n"), 0  # so that the end is found in a message of no line
        while True:
            content += self._buffer
            self._buffer = b""
            self._session.coming = len(content)
            at = content.find(_END, begin)
            if 0 <= at <= _MOST_MESSAGE:
                end = at + len(_END)
                octets, self._buffer = bytes(content[2:end]), bytes(content[end:])
                self._session.coming = 0
                self._session.content(octets)
                return octets
            if len(content) > _MOST_MESSAGE:
                self._session.event(event="too long", text="a message of more than %d octets" % _MOST_MESSAGE)
                await self._say("552 5.3.4 Too big")
                return None
            if not self._has_room():
                self._session.event(event="too much", text="there is no room for more")
                await self._say("452 4.3.1 No room for more")
                return None
            begin = max(0, len(content) - len(_END) + 1)
            if not await self._fill():
                self._session.content(bytes(content[2:]))
                return None

    async def _line(self) -> Optional[bytes]:
        """Return the next line with its end; None at the end of all."""
        begin = 0
        while True:
            at = self._buffer.find(b"\n", begin)
            if at >= 0:
                line, self._buffer = self._buffer[: at + 1], self._buffer[at + 1 :]
                self._session.octets("client", line)
                return line
            begin = len(self._buffer)
            more = begin < _MOST_LINE and await self._fill()
            if not more:
                if self._buffer:
                    self._session.octets("client", self._buffer)
                return None

    async def _fill(self) -> bool:
        data = await self._wire.read(within=max(0.0, min(_PATIENCE, self._until - time.monotonic())))
        if data is None:
            raise asyncio.TimeoutError
        self._buffer += data
        return bool(data)

    async def _answer(self, verb: str, otherwise: str = "") -> bool:
        """Say the reply to a command, `otherwise` where its caller asked for none; return whether it says yes."""
        delay = self._behaviour.delays.get(verb, 0.0)
        self._until += delay
        await asyncio.sleep(delay)
        reply = self._reply(verb, otherwise)
        await self._say(reply)
        self._closing |= reply.startswith("421")  # RFC 5321 3.8
        return reply[0] in "23"

    def _reply(self, verb: str, otherwise: str = "") -> str:
        return self._behaviour.answers.get(verb) or otherwise or _REPLIES[verb]

    async def _say(self, reply: str) -> None:
        data = reply.encode("ascii") + b"\r\n"
        self._session.octets("sink", data)
        await self._wire.write(data)


def _path(text: str) -> str:
    found = _PATH.search(text)
    return found.group(1)[:_MOST_PATH] if found else ""
