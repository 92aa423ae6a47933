# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the collection. Host names to addresses, without holding up the loop.
#
# `getaddrinfo()` blocks and cannot be called off, so it runs in daemon threads: one that hangs outlives the
# check without keeping the process. Answers wake the loop through a socket pair. Address literals take no
# thread at all.

from __future__ import annotations

import ipaddress
import queue
import re
import socket
import threading
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Callable, Deque, List, Optional, Tuple, Union

    Resolved = Callable[["Union[List[Address], ResolveError]"], None]

MAX_THREADS = 16

FAMILIES = {"any": socket.AF_UNSPEC, "ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}


class Address(NamedTuple):
    family: int
    sockaddr: Tuple[object, ...]

    @property
    def text(self) -> str:
        return str(self.sockaddr[0])


class ResolveError(Exception):
    """The name gave no address: `cause` is of the table of causes."""

    def __init__(self, cause: str, text: str) -> None:
        super().__init__(text)
        self.cause = cause


def is_literal(host: str) -> bool:
    """Return whether `host` is an IP address, an IPv6 one perhaps with its zone."""
    address, percent, zone = host.partition("%")
    try:
        version = ipaddress.ip_address(address).version
    except ValueError:
        return False
    return not percent or (version == 6 and re.fullmatch("[A-Za-z0-9_.:@-]+", zone) is not None)


def look_up(host: str, port: int, address_family: str) -> List[Address]:
    """Return the addresses of `host` in the system's order of preference (RFC 6724). Raises ResolveError. Blocks."""
    flags = socket.AI_NUMERICHOST if is_literal(host) else 0
    try:
        # As bytes: given text, Python would load its IDNA codec for names that are ASCII already.
        found = socket.getaddrinfo(
            host.encode("ascii"), port, FAMILIES[address_family], socket.SOCK_STREAM, socket.IPPROTO_TCP, flags
        )
    except socket.gaierror as error:
        raise ResolveError(_cause(error.errno, address_family), "%s: %s" % (host, error.strerror)) from None
    except OSError as error:
        raise ResolveError("name_server_failed", "%s: %s" % (host, error.strerror)) from None
    return [Address(family, sockaddr) for family, _type, _protocol, _name, sockaddr in found]


def _cause(errno: Optional[int], address_family: str) -> str:
    if errno in (getattr(socket, "EAI_ADDRFAMILY", None), getattr(socket, "EAI_NODATA", None), socket.EAI_FAMILY):
        return "name_not_found" if address_family == "any" else "no_address_of_family"
    return "name_not_found" if errno == socket.EAI_NONAME else "name_server_failed"


class Resolver:
    """Looks names up for one loop. `wake` turns readable when `deliver()` has something to do."""

    def __init__(self) -> None:
        self.wake, self._bell = socket.socketpair()
        self.wake.setblocking(False)
        self._bell.setblocking(False)
        self._asked: queue.SimpleQueue[Optional[Tuple[str, int, str, Resolved]]] = queue.SimpleQueue()
        self._answers: Deque[Tuple[Resolved, Union[List[Address], ResolveError]]] = deque()
        self._threads = 0
        self._busy = 0
        self._closed = False

    def resolve(self, host: str, port: int, address_family: str, then: Resolved) -> None:
        """Call `then` with a list of Address, or a ResolveError: at once for a literal, else out of `deliver()`."""
        if is_literal(host):
            then(self._answer(host, port, address_family))
            return
        self._busy += 1
        self._asked.put((host, port, address_family, then))
        if self._threads < min(self._busy, MAX_THREADS):
            self._threads += 1
            threading.Thread(target=self._work, daemon=True, name="mailcheck-resolver").start()

    def deliver(self) -> None:
        try:
            self.wake.recv(4096)
        except BlockingIOError:
            pass
        while self._answers:
            then, answer = self._answers.popleft()
            self._busy -= 1
            then(answer)

    def ring(self) -> None:
        """Wake the loop. Safe in any thread and in a signal handler."""
        try:
            self._bell.send(b"!")
        except OSError:  # a full pair has been rung already; a closed one belongs to a loop that is over
            pass

    def close(self) -> None:
        self._closed = True
        for _thread in range(self._threads):
            self._asked.put(None)  # one that waits for work ends; one that hangs will, once it is back
        self.wake.close()
        self._bell.close()

    def _work(self) -> None:
        while True:
            asked = self._asked.get()
            if asked is None or self._closed:
                return
            host, port, address_family, then = asked
            self._answers.append((then, self._answer(host, port, address_family)))
            self.ring()

    @staticmethod
    def _answer(host: str, port: int, address_family: str) -> Union[List[Address], ResolveError]:
        try:
            return look_up(host, port, address_family) or ResolveError("name_not_found", host)
        except ResolveError as error:
            return error
        except Exception as error:  # noqa: BLE001  # an odd name must not cost the thread, nor the loop its answer
            return ResolveError("name_not_found", "%s: %s" % (host, error))
