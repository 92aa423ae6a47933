# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A relay on a free loopback port that answers each verb from a table, with STARTTLS or TLS from the first octet where
# it is given a context. It keeps no mail.

from __future__ import annotations

import contextlib
import socketserver
import sys
import threading
from typing import TYPE_CHECKING, Dict, List, Optional

if TYPE_CHECKING:
    import ssl
    from typing import Any, Callable, Iterator, Union

    Answer = Union[str, Callable[[str], str]]

# Verb -> answer, or a function of the line said; "" is the greeting, "." the end of a message.
ANSWERS: Dict[str, Answer] = {
    "": "220 relay.example.com ESMTP\r\n",
    "EHLO": "250-relay.example.com\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n250 AUTH PLAIN LOGIN\r\n",
    "AUTH": "235 2.7.0 Welcome\r\n",
    "MAIL": "250 2.1.0 Ok\r\n",
    "RCPT": "250 2.1.5 Ok\r\n",
    "DATA": "354 Go on\r\n",
    ".": "250 2.0.0 Ok: queued as 4XyZ12abcd\r\n",
    "RSET": "250 2.0.0 Ok\r\n",
    "QUIT": "221 2.0.0 Bye\r\n",
    "*": "500 5.5.2 What?\r\n",
}


class Relay(socketserver.ThreadingTCPServer):
    """`said` is what clients said, a message's `.` included; the lines of messages are in `content`.

    With `submission` nothing is taken in clear, and mail only from who has signed in.
    """

    daemon_threads = True
    request_queue_size = 200

    def __init__(self, context: Optional[ssl.SSLContext] = None, implicit: bool = False, **answers: Answer) -> None:
        super().__init__(("127.0.0.1", 0), Session)
        self.answers: Dict[str, Answer] = {**ANSWERS, **answers}
        self.context, self.implicit, self.submission = context, implicit, False
        self.said: List[str] = []
        self.content: List[str] = []

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that turns away is no news; anything else is shown with the test that fails."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class Session(socketserver.BaseRequestHandler):
    server: Relay

    def handle(self) -> None:
        if self.server.implicit and self.server.context:
            self.request = self.server.context.wrap_socket(self.request, server_side=True)
        in_message, tls, signed_in = False, self.server.implicit, False
        self._say(self._answer("", ""))
        lines = self.request.makefile("rb")
        while True:
            line = lines.readline()
            if not line:
                return
            text = line.decode("utf-8", "surrogateescape").rstrip("\r\n")
            if in_message and text != ".":
                self.server.content.append(text)
                continue
            self.server.said.append(text)
            in_message = False
            verb = text.partition(" ")[0].upper() or "*"
            if verb == "STARTTLS" and self.server.context:
                self._say("220 2.0.0 Go ahead\r\n")
                self.request = self.server.context.wrap_socket(self.request, server_side=True)
                lines, tls = self.request.makefile("rb"), True
                continue
            answer = self._answer(verb, text)
            if verb == "EHLO" and self.server.context and not tls:
                answer = "250-relay.example.com\r\n250-PIPELINING\r\n250 STARTTLS\r\n"
            if self.server.submission and verb in ("AUTH", "MAIL") and not tls:
                answer = "530 5.7.0 Must issue a STARTTLS command first\r\n"
            elif verb == "AUTH" and self.server.context and not tls:
                answer = "503 5.5.1 Authentication is not offered here\r\n"
            elif self.server.submission and verb == "MAIL" and not signed_in:
                answer = "530 5.7.0 Authentication required\r\n"
            signed_in = signed_in or answer.startswith("235")
            self._say(answer)
            in_message = answer.startswith("354")
            if verb == "QUIT":
                return

    def _answer(self, verb: str, text: str) -> str:
        answer = self.server.answers.get(verb, self.server.answers["*"])
        return answer if isinstance(answer, str) else answer(text)

    def _say(self, answer: str) -> None:
        self.request.sendall(answer.encode("utf-8"))


@contextlib.contextmanager
def running(relay: Relay) -> Iterator[Relay]:
    thread = threading.Thread(target=relay.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield relay
    finally:
        relay.shutdown()
        relay.server_close()
        thread.join()
