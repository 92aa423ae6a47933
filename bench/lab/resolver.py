# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A resolver that knows any number of mail domains, all alike and in order, and answers after a delay: how long a check
# takes is then its own doing. It says that it validates, and counts what it is asked.
#
#   python resolver.py '{"delay": 0.02}'        a line on standard input is answered by the count

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import struct
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, Callable

A, NS, SOA, MX, TXT, AAAA, TLSA = 1, 2, 6, 15, 16, 28, 52
_NXDOMAIN = 3
_RSA = bytes.fromhex("30820122300d06092a864886f70d01010105000382010f003082010a0282010100")  # of 2,048 bits
_KEY = base64.b64encode(_RSA + b"\xc7" * 256 + bytes.fromhex("0203010001")).decode()


@contextlib.contextmanager
def run_resolver(delay: float) -> Iterator[tuple[int, Callable[[], int]]]:
    """Yield the port of a resolver in a process of its own, and what tells how much it has been asked."""
    command = [sys.executable, __file__, json.dumps({"delay": delay})]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        into, out = process.stdin, process.stdout

        def asked() -> int:
            into.write(b"\n")
            into.flush()
            return int(out.readline())

        try:
            yield int(out.readline()), asked
        finally:
            process.terminate()


def name(text: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".") if label) + b"\0"


def text(value: str) -> bytes:
    octets = value.encode()
    return b"".join(bytes([len(part)]) + part for part in (octets[i : i + 255] for i in range(0, len(octets), 255)))


def records_of(labels: list[str], kind: int) -> list[bytes]:
    """The data of the records at a name below example, which is that of a domain, or of something in it."""
    first, domain = labels[0], ".".join(labels[-2:])
    if kind == MX and len(labels) == 2:
        return [struct.pack("!H", 10) + name("mx." + domain)]
    if kind == A and first in ("mx", "mta-sts"):
        return [bytes([192, 0, 2, 25])] if first == "mx" else []
    if kind == SOA and len(labels) == 2:
        return [name("ns." + domain) + name("postmaster." + domain) + struct.pack("!5I", 1, 7200, 3600, 86400, 300)]
    if kind == TLSA:
        return [bytes([3, 1, 1]) + b"\xab" * 32]
    if kind != TXT:
        return []
    if labels[-2] == "_spf":
        return [text("v=spf1 ip4:198.51.100.0/24 -all")]
    if len(labels) == 2:
        return [text("v=spf1 mx include:a._spf.example include:b._spf.example include:c._spf.example -all")]
    found = {
        "_dmarc": "v=DMARC1; p=reject; rua=mailto:dmarc@" + domain,
        "_mta-sts": "v=STSv1; id=20261128;",
        "_smtp": "v=TLSRPTv1; rua=mailto:tls@" + domain,
        "s1": "v=DKIM1; k=rsa; p=" + _KEY,
        "s2": "v=DKIM1; k=rsa; p=" + _KEY,
    }.get(first)
    return [text(found)] if found else []


def exists(labels: list[str]) -> bool:
    known = (
        "mx",
        "_dmarc",
        "_mta-sts",
        "_smtp",
        "_tls",
        "_domainkey",
        "s1",
        "s2",
        "_tcp",
        "_25",
        "_spf",
        "a",
        "b",
        "c",
    )
    return len(labels) < 3 or labels[0] in known


def answer(query: bytes) -> bytes:
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode().lower())
        at += 1 + query[at]
    kind = struct.unpack_from("!H", query, at + 1)[0]
    question = query[12 : at + 5]
    data = [name("a.root.example")] if not labels and kind == NS else records_of(labels, kind) if labels else []
    rcode = 0 if data or exists(labels) else _NXDOMAIN
    head = struct.pack("!2s5H", query[:2], 0x81A0 | rcode, 1, len(data), 0, 1)
    answers = b"".join(struct.pack("!3HIH", 0xC00C, kind, 1, 3600, len(one)) + one for one in data)
    return head + question + answers + b"\0" + struct.pack("!2HIH", 41, 1232, 0, 0)


class _Resolver(asyncio.DatagramProtocol):
    def __init__(self, delay: float) -> None:
        self.asked = 0
        self._delay, self._loop = delay, asyncio.get_running_loop()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.asked += 1
        self._loop.call_later(self._delay, self._transport.sendto, answer(data), addr)

    async def by_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                query = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
                self.asked += 1
                await asyncio.sleep(self._delay)
                reply = answer(query)
                writer.write(len(reply).to_bytes(2, "big") + reply)
        writer.close()


async def _serve(delay: float) -> None:
    loop = asyncio.get_running_loop()
    while True:
        transport, resolver = await loop.create_datagram_endpoint(lambda: _Resolver(delay), ("127.0.0.1", 0))
        port = transport.get_extra_info("sockname")[1]
        try:
            await asyncio.start_server(resolver.by_tcp, "127.0.0.1", port)
            break
        except OSError:  # somebody else has that port of TCP
            transport.close()
    print(port, flush=True)

    def tell() -> None:
        sys.stdin.readline()
        print(resolver.asked, flush=True)

    loop.add_reader(sys.stdin, tell)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(**json.loads(sys.argv[1])))
