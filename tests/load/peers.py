# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The servers that are loaded, each in a process of its own, so that their memory is nobody else's.
#
#   python peers.py broken       prints the ports of relays that are silent, say garbage, and close
#   python peers.py mailbox      prints the port of an IMAP server, whose inbox has the message TOKEN
#
# They end when their standard input does.

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

from ansible_collections.postmaster.mailcheck.bench.lab.relay import run_relay
from ansible_collections.postmaster.mailcheck.tests.real.pki import Pki
from ansible_collections.postmaster.mailcheck.tests.support.mailboxes import Folder, ImapServer, mail
from ansible_collections.postmaster.mailcheck.tests.support.ports import free_port

TOKEN = "0123456789abcdef0123456789abcdef"
GARBAGE = b"\0\xffHTTP/1.1 200 hello\r\n" * 3
# What a relay does instead of its duty, and the cause that a check of it has to come to.
BROKEN = {
    "refuses": "connection_refused",
    "is silent": "no_greeting",
    "says garbage": "not_smtp",
    "closes": "no_greeting",
}


@contextlib.contextmanager
def run_peers(what: str) -> Iterator[list[int]]:
    """Yield the ports of these servers."""
    command = [sys.executable, __file__, what]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            yield [int(word) for word in process.stdout.readline().split()]
        finally:
            process.stdin.close()


@contextlib.contextmanager
def run_fleet(pki: Pki) -> Iterator[list[int]]:
    """Yield the ports of a relay that is as it should be, and of those in BROKEN; all listen on every address."""
    with run_relay(pki.relay, "starttls") as port, run_peers("broken") as broken:
        yield [port, free_port(), *broken]


def relays(ports: list[int], count: int) -> tuple[list[str], list[str]]:
    """Return `count` relays, each at an address of its own and one in five broken, and what each has to come to."""
    hosts, causes = [], []
    for index in range(count):
        which = index // 5 % len(BROKEN) + 1 if index % 5 == 4 else 0
        hosts.append("127.%d.%d.%d:%d" % (10 + index // 62500, index // 250 % 250, 1 + index % 250, ports[which]))
        causes.append(["", *BROKEN.values()][which])
    return hosts, causes


async def _misbehave(says: bytes, stays: bool, reader: Any, writer: Any) -> None:
    with contextlib.suppress(ConnectionError):
        writer.write(says)
        await writer.drain()
        if stays:
            await reader.read()
    writer.close()


async def _broken() -> None:
    ports, servers = [], []
    for says, stays in ((b"", True), (GARBAGE, True), (b"", False)):
        server = await asyncio.start_server(partial(_misbehave, says, stays), "0.0.0.0", 0, backlog=4096)
        servers.append(server)
        ports.append(server.sockets[0].getsockname()[1])
    print(*ports, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def _mailbox() -> None:
    with ImapServer({"INBOX": Folder({1: mail(TOKEN)})}) as server:
        print(server.port, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    if sys.argv[1] == "broken":
        asyncio.run(_broken())
    else:
        _mailbox()
