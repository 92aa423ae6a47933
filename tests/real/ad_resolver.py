# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A resolver that says of every answer that it is signed, for programs that ask the one in /etc/resolv.conf: it listens
# on port 53 of a loopback address of its own, and such a program sees a resolv.conf of its own.

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import dns.flags
import dns.message
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from ansible_collections.postmaster.mailcheck.tests.real import servers
from ansible_collections.postmaster.mailcheck.tests.support.ports import can_bind


class AdResolver:
    """`records`: (name, type) -> what stands in a zone; whatever is not there does not exist."""

    def __init__(self, address: str, folder: Path) -> None:
        self.records: dict[tuple[str, str], list[str]] = {}
        self.address = address
        self._resolv_conf = folder / "resolv.conf"
        self._resolv_conf.write_text(f"nameserver {address}\noptions trust-ad edns0\n")
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, 53))
        self._thread = threading.Thread(target=self._answer_all, daemon=True)
        self._thread.start()

    def run(self, command: Sequence[str]) -> str:
        """Return all that a program says that has this resolver."""
        script = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
        ended = subprocess.run(
            [servers.find_program("unshare"), "-m", "sh", "-c", script, os.fspath(self._resolv_conf), *command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=60,
        )  # fmt: skip
        return ended.stdout.decode("utf-8", "backslashreplace")

    def stop(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()

    def _answer_all(self) -> None:
        while True:
            data, client = self._socket.recvfrom(65535)
            if not data:
                return
            query = dns.message.from_wire(data)
            response = dns.message.make_response(query, recursion_available=True)
            response.flags |= dns.flags.AD
            (question,) = query.question
            kind = dns.rdatatype.to_text(question.rdtype)
            found = self.records.get((question.name.to_text(omit_final_dot=True).lower(), kind))
            if found:
                rdata = [_rdata(kind, text) for text in found]
                response.answer.append(dns.rrset.from_rdata(question.name, 300, *rdata))
            self._socket.sendto(response.to_wire(max_size=65535), client)


def _rdata(kind: str, text: str) -> dns.rdata.Rdata:
    """TLSA as octets: dnspython would refuse a digest of a wrong length."""
    if kind != "TLSA":
        return dns.rdata.from_text("IN", kind, text)
    *numbers, data = text.split()
    wire = bytes(map(int, numbers)) + bytes.fromhex(data)
    return dns.rdata.GenericRdata(dns.rdataclass.IN, dns.rdatatype.TLSA, wire)


@contextlib.contextmanager
def run_ad_resolver(folder: Path) -> Iterator[AdResolver]:
    servers.require_root()
    addresses = (f"127.0.53.{last}" for last in range(1, 255))
    address = next((one for one in addresses if can_bind(one, 53, socket.SOCK_DGRAM)), None)
    if address is None:
        raise servers.Unavailable("port 53 is free on no loopback address")
    resolver = AdResolver(address, folder)
    try:
        yield resolver
    finally:
        resolver.stop()
