# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# From a request to an open session: the connection, and TLS where it comes first.

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from .._net.blocking import BlockingSession, dial

if TYPE_CHECKING:
    from typing import Callable, List, Optional

    from .._net.attempts import AddressAttempt
    from .request import Request

    Learn = Callable[..., None]  # takes facts of a model.Session by name

# An answer takes seconds where a server is busy; more than that tells nothing more.
ANSWER_SECONDS = 30.0
_GOODBYE_SECONDS = 2.0


class Interrupter:
    """Ends what waits in a session, from before there is one. Safe in a signal handler."""

    def __init__(self) -> None:
        self._session: Optional[BlockingSession] = None
        self._interrupted = False

    def watch(self, session: BlockingSession) -> None:
        self._session = session
        if self._interrupted:
            session.interrupt()

    def interrupt(self) -> None:
        self._interrupted = True
        if self._session is not None:
            self._session.interrupt()


def connect(request: Request, deadline: float, interrupter: Interrupter, learn: Learn) -> BlockingSession:
    """Return a session that the server may speak in first; `deadline` is of the monotonic clock. Raises Broken."""
    clock = time.monotonic
    tried: List[AddressAttempt] = []
    try:
        sock = dial(
            request.host,
            request.port,
            request.address_family,
            request.source_address,
            request.connect_timeout,
            deadline,
            clock,
            tried,
        )
    finally:
        learn(addresses=tuple(tried))
    learn(address=tried[-1].address)
    session = BlockingSession(sock, clock, "mailbox server")
    interrupter.watch(session)
    with ExitStack() as on_failure:
        on_failure.callback(session.close)
        session.deadline = min(deadline, clock() + ANSWER_SECONDS)
        if request.tls == "implicit":
            start_tls(request, session, learn)
        on_failure.pop_all()
    return session


def leave(session: BlockingSession, deadline: float) -> None:
    """Let goodbye take two seconds at most, and none where the time is up: whoever leaves needs no answer."""
    session.deadline = min(deadline, time.monotonic() + _GOODBYE_SECONDS)


def start_tls(request: Request, session: BlockingSession, learn: Learn) -> None:
    session.start_tls(request.tls_policy, request.tls_server_name)  # type: ignore[arg-type]  # with TLS there is one
    learn(tls=session.tls)
