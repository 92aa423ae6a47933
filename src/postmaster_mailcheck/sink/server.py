# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: the sink itself: an event loop in a thread of its own, which takes connections until it is told to end.

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError, describe_bug
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.text import counted
from postmaster_mailcheck.sink.behaviour import Behaviour, answers_of, delays_of
from postmaster_mailcheck.sink.certificates import MADE, context_for
from postmaster_mailcheck.sink.dialogue import NAME, Dialogue
from postmaster_mailcheck.sink.judging import judged
from postmaster_mailcheck.sink.records import Journal, Session
from postmaster_mailcheck.sink.wire import Wire

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Callable, Deque, Dict, List, Mapping, Optional, Set, Type

    from postmaster_mailcheck.sink.dialogue import Waiting

_KEPT, _KEPT_OCTETS = 1000, 268435456  # sessions, the latest, and what all hold; a record, too
_AT_ONCE = 50  # sessions side by side
_TLS = ("starttls", "implicit", "none")


class Sink:
    """A server that takes all mail, delivers none, and keeps every octet: for what clients and relays send.

        with Sink(greylist=2.0) as sink:
            ...                                   # let a client send to sink.host, sink.port
            sink.wait(lambda: sink.mails)
        sink.rules()                              # what that shows of the client

    `tls`: starttls, implicit or none; `certificate`: self-signed or expired, made for the occasion (which needs the
    package cryptography), or a PEM file, with its `key` if that is in another; if not given, one signed by itself,
    which no client is judged by; `answers`: command -> its reply, GREETING for the connection's and MESSAGE for that
    to a message's end; `delays`: the same -> seconds; `greylist`: seconds for which a client, sender and recipient are
    put off; `inject`: a reply in clear follows that to STARTTLS; `record`: a folder for every octet. Raises
    OptionError, before a socket opens; OSError where the address is not to be had.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        tls: str = "starttls",
        certificate: Optional[str] = None,
        key: Optional[str] = None,
        answers: Optional[Mapping[str, str]] = None,
        delays: Optional[Mapping[str, float]] = None,
        greylist: float = 0.0,
        inject: bool = False,
        record: Optional[str] = None,
    ) -> None:
        if tls not in _TLS:
            raise OptionError("tls", "must be one of %s." % ", ".join(_TLS))
        if inject and tls != "starttls":
            raise OptionError("inject", "puts a reply behind that to STARTTLS: it needs tls starttls.")
        if not 0 <= greylist <= 86400:
            raise OptionError("greylist", "will not do: give seconds, 86400 at most.")
        self.behaviour = Behaviour(
            None if tls == "none" else context_for(certificate or MADE[0], key, NAME),
            tls == "implicit",
            answers_of("answers", answers or {}),
            delays_of("delays", delays or {}),
            float(greylist),
            inject,
        )
        self.host, self.port = host, port
        self.sessions: Deque[Session] = deque()
        self.forgotten = 0  # sessions that are not held any more
        self.over = 0  # sessions that have come to their end
        self._certificate = certificate
        self._record, self._journal = record, None if record is None else Journal(record, _KEPT_OCTETS)
        self._changed = threading.Condition()
        self._waiting: Waiting = {}
        self._tasks: Set[asyncio.Task[None]] = set()
        self._count = 0

    def __enter__(self) -> Sink:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mailcheck sink", daemon=True)
        self._thread.start()
        starting = asyncio.start_server(self._connected, self.host, self.port)
        try:
            self._server = asyncio.run_coroutine_threadsafe(starting, self._loop).result()
        except OSError:
            self._end_loop()
            raise
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self,
        _kind: Optional[Type[BaseException]],
        _error: Optional[BaseException],
        _traceback: Optional[TracebackType],
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._end_loop()

    @property
    def mails(self) -> List[Any]:
        """Every message, in the order in which sessions began."""
        return [mail for session in list(self.sessions) for mail in session.mails]

    def wait(self, condition: Callable[[], Any], timeout: float = 60.0) -> bool:
        """Wait until something that sessions did makes a condition true; return whether it is."""
        with self._changed:
            return bool(self._changed.wait_for(condition, timeout))

    def wake(self) -> None:
        """Have the conditions looked at that somebody waits for. Safe in another thread."""
        with self._changed:
            self._changed.notify_all()

    @property
    def warnings(self) -> List[str]:
        """Return what is doubtful about what was kept."""
        failure = self._journal.failure if self._journal is not None else ""
        found = ["The record is not complete: %s." % failure] if failure else []
        if self.forgotten:
            text = "There was no room for all: %s, the oldest, no longer held."
            found.append(text % counted(self.forgotten, "session"))
        return found

    def rules(self) -> List[Dict[str, Any]]:
        """Return what the sessions so far show of who sent, as rules: met, unmet, or unknown."""
        return judged(list(self.sessions), self.behaviour, self._certificate in MADE, self.forgotten)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(Wire(reader, writer), writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, wire: Wire, writer: asyncio.StreamWriter) -> None:
        if len(self._tasks) > _AT_ONCE:
            writer.write(b"421 4.7.0 Too many connections\r\n")
            return await wire.close()
        self._count += 1
        peer = str((writer.get_extra_info("peername") or ["?"])[0])
        session = Session(self._count, peer, time.monotonic, self._journal)
        session.event(event="connected", peer=peer)
        self.sessions.append(session)
        try:
            await Dialogue(wire, session, self.behaviour, self._waiting, self._has_room).run()
        except Exception as bug:  # noqa: BLE001  # a fault of ours ends one session, and is told there
            session.event(event="fault", text=describe_bug(bug))
        finally:
            session.event(event="ended")
            session.ended = True
            await wire.close()
            self.over += 1
            self._let_go()
            self.wake()

    def _has_room(self) -> bool:
        """Whether more can be held: of sessions that are not over, nothing is forgotten."""
        self._let_go()
        return self._held() <= _KEPT_OCTETS

    def _held(self) -> int:
        return sum(one.size + one.coming for one in self.sessions)

    def _let_go(self) -> None:
        """Forget the oldest sessions that are over, while more is held than there is room for."""
        while len(self.sessions) > _KEPT or self._held() > _KEPT_OCTETS:
            oldest = next((one for one in self.sessions if one.ended), None)
            if oldest is None:
                return
            self.sessions.remove(oldest)
            self.forgotten += 1

    async def _close(self) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        if self._journal is not None:
            self._journal.close()
