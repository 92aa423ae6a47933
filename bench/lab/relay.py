# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A relay that does little and does it fast, on every address of the machine: greeting, EHLO, STARTTLS, QUIT.
# It can hold its replies back, which tells the client's own delays from the relay's.
#
#   python relay.py '{"chain": …, "key": …, "tls": "starttls|implicit|none", "delay": 0, "delay_inside_tls": 0}'

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import subprocess
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Optional

if TYPE_CHECKING:
    from ansible_collections.postmaster.mailcheck.tests.real.pki import IdentityFiles

GREETING = b"220 relay.lab.test ESMTP\r\n"
KEYWORDS = b"250-relay.lab.test\r\n250-PIPELINING\r\n250-SIZE 41943040\r\n"
ENHANCED = b"250-ENHANCEDSTATUSCODES\r\n250 8BITMIME\r\n"
REPLIES = {b"STARTTLS": b"220 2.0.0 Go ahead\r\n", b"QUIT": b"221 2.0.0 Bye\r\n"}


@contextlib.contextmanager
def run_relay(identity: IdentityFiles, tls: str, delay: float = 0.0, delay_inside_tls: float = 0.0) -> Iterator[int]:
    """Yield the port of a relay in a process of its own. Delays, in seconds, precede each reply."""
    options = {"tls": tls, "delay": delay, "delay_inside_tls": delay_inside_tls}
    options.update(chain=str(identity.chain), key=str(identity.key))
    with subprocess.Popen([sys.executable, __file__, json.dumps(options)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


class _Session(asyncio.Protocol):
    def __init__(self, context: ssl.SSLContext, options: dict[str, Any]) -> None:
        self._context, self._options = context, options
        self._loop = asyncio.get_running_loop()
        self._transport: Optional[asyncio.Transport] = None
        self._handshake: Optional[asyncio.Task[None]] = None
        self._secure = options["tls"] == "implicit"
        self._early = b""  # what came with the end of the handshake

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        if self._options["tls"] != "implicit":  # there only handshakes are measured
            self._reply(GREETING)

    def data_received(self, data: bytes) -> None:
        if self._handshake and not self._secure:
            self._early += data
            return
        for line in data.splitlines():
            verb = line.partition(b" ")[0].upper()
            offered = b"250-STARTTLS\r\n" if self._options["tls"] == "starttls" and not self._secure else b""
            self._reply(REPLIES.get(verb, KEYWORDS + offered + ENHANCED), verb)

    def _reply(self, text: bytes, verb: bytes = b"") -> None:
        delay = self._options["delay_inside_tls" if self._secure else "delay"]
        if delay:
            self._loop.call_later(delay, self._send, text, verb)
        else:
            self._send(text, verb)

    def _send(self, text: bytes, verb: bytes) -> None:
        assert self._transport is not None
        self._transport.write(text)
        if verb == b"STARTTLS":
            self._transport.pause_reading()
            self._handshake = self._loop.create_task(self._start_tls())
        elif verb == b"QUIT":
            self._transport.close()

    async def _start_tls(self) -> None:
        assert self._transport is not None
        with contextlib.suppress(OSError):  # a client that goes away in mid-handshake
            self._transport = await self._loop.start_tls(self._transport, self, self._context, server_side=True)
            self._secure = True
            self.data_received(self._early)


async def _serve(options: dict[str, Any]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options["chain"], options["key"])
    implicit = context if options["tls"] == "implicit" else None
    server = await asyncio.get_running_loop().create_server(
        lambda: _Session(context, options), "0.0.0.0", 0, ssl=implicit, backlog=4096
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(json.loads(sys.argv[1])))
