# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Host names to addresses, without holding up the loop.
#
# `getaddrinfo()` blocks and cannot be called off, so it runs in daemon threads: one that hangs outlives the
# check without keeping the process. Answers wake the loop through a socket pair. Address literals, and paths of
# Unix sockets, take no thread at all. Who waits for a thread is told when there is one: until then no time counts.

from __future__ import annotations

import ipaddress
import queue
import re
import socket
import threading
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Callable, Deque, List, Optional, Set, Tuple, Union

    LookUp = Callable[[str, int, str], "List[Address]"]
    Resolved = Callable[["Union[List[Address], ResolveError]"], None]

MAX_THREADS = 16  # whose answer somebody waits for
MAX_HANGING = 256  # and those nobody waits for any more

_DEVIATIONS = frozenset("\u00df\u1e9e\u03c2\u200c\u200d")  # sharp s, final sigma, zero-width (non-)joiner

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
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        socket.inet_pton(family, address)  # takes a tenth of the time of ip_address(), and is asked often
    except (OSError, ValueError):
        return False
    return not percent or (family == socket.AF_INET6 and re.fullmatch("[A-Za-z0-9_.:@-]+", zone) is not None)


def is_of_every_host(address: str) -> bool:
    """Return whether an IP address is every host's own: one of the loopback, or the unspecified one (RFC 6890 2.2)."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    return parsed.is_loopback or parsed.is_unspecified


_PRIVATE = tuple(
    map(
        ipaddress.ip_network,
        ("10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fe80::/10"),
    )
)


def is_private(address: str) -> bool:
    """Return whether an IP address means something in a network of its own alone (RFC 1918, 3927, 4193, 4291, 6598)."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    return any(parsed in network for network in _PRIVATE)


def is_of_this_host(address: str) -> bool:
    """Return whether an IP address is one of the host the check runs on: no other can be bound to. Nothing is sent."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((address, 0))
    except OSError:
        return False
    return True


def to_a_labels(name: str) -> str:
    """Return an internationalised name as the DNS has it (RFC 5890). Raises UnicodeError, a ValueError.

    Python's codec is that of IDNA 2003, to which `faß.example` is `fass.example`: another name, perhaps another's, than
    the one that IDNA 2008 makes of it (UTS 46, deviation characters). Such a name is refused.
    """
    if not name.isascii() and not _DEVIATIONS.isdisjoint(name):
        raise UnicodeError("IDNA 2003 and 2008 disagree about it")
    return name.encode("idna").decode("ascii")


def look_up(host: str, port: int, address_family: str) -> List[Address]:
    """Return the addresses of `host` in the system's order of preference (RFC 6724). Raises ResolveError. Blocks."""
    flags = socket.AI_NUMERICHOST if is_literal(host) else 0
    try:
        # As bytes: given text, Python would load its IDNA codec for names that are ASCII already.
        found = socket.getaddrinfo(
            host.encode("ascii"), port, FAMILIES[address_family], socket.SOCK_STREAM, socket.IPPROTO_TCP, flags
        )
    except socket.gaierror as error:
        cause = _cause(error.errno, address_family)
        # A hosts file has no word for "a name, but no address of this family": what it lacks does not exist.
        if cause == "name_not_found" and address_family != "any" and look_up(host, port, "any"):
            raise ResolveError("no_address_of_family", "%s has no %s address" % (host, address_family)) from None
        raise ResolveError(cause, "%s: %s" % (host, error.strerror)) from None
    except OSError as error:
        raise ResolveError("name_server_failed", "%s: %s" % (host, error.strerror)) from None
    return [Address(family, sockaddr) for family, _type, _protocol, _name, sockaddr in found]


def _cause(errno: Optional[int], address_family: str) -> str:
    if errno in (getattr(socket, "EAI_ADDRFAMILY", None), getattr(socket, "EAI_NODATA", None), socket.EAI_FAMILY):
        return "name_not_found" if address_family == "any" else "no_address_of_family"
    return "name_not_found" if errno == socket.EAI_NONAME else "name_server_failed"


class Question:
    """A name that somebody wants looked up: `begun` is called when there is a thread for it, then `then`."""

    def __init__(self, asked: Tuple[str, int, str], begun: Callable[[], None], then: Resolved) -> None:
        self.asked = asked  # host, port, address family
        self.begun, self.then = begun, then
        self.given_up = False


class Resolver:
    """Looks names up for one loop. `woken` turns readable when `deliver()` has something to do.

    `look_up_name` is what is called in a thread for each name: look_up(), unless another is handed in.
    """

    def __init__(self, look_up_name: Optional[LookUp] = None) -> None:
        self._look_up_name = look_up_name or look_up
        self.woken, self._waker = socket.socketpair()
        self.woken.setblocking(False)
        self._waker.setblocking(False)
        self._waiting: Deque[Question] = deque()  # for a thread
        self._asked: queue.SimpleQueue[Optional[Question]] = queue.SimpleQueue()
        self._answers: Deque[Tuple[Question, Union[List[Address], ResolveError]]] = deque()
        self._awaited: Set[Question] = set()  # looked up, and somebody waits for it
        self._running = 0  # look-ups under way, awaited or not
        self._threads = 0
        self._closed = False

    def resolve(self, question: Question) -> None:
        """Answer with a list of Address, or a ResolveError: at once, or by `deliver()` for what is a name."""
        host, port, address_family = question.asked
        if host.startswith("/"):
            question.begun()
            question.then([Address(socket.AF_UNIX, (host,))])
        elif is_literal(host):
            question.begun()
            question.then(answered(look_up, host, port, address_family))
        else:
            self._waiting.append(question)
            self._hand_out()

    def give_up(self, question: Question) -> None:
        """Nobody waits for the answer any more. A look-up that hangs takes no other's thread."""
        question.given_up = True
        if question in self._awaited:
            self._awaited.discard(question)
            self._hand_out()

    def _hand_out(self) -> None:
        while self._waiting and len(self._awaited) < MAX_THREADS:
            question = self._waiting.popleft()
            if question.given_up:
                continue
            self._awaited.add(question)
            self._running += 1
            question.begun()
            if self._running > MAX_HANGING:
                text = "%s: this host's resolver hangs with %d names" % (question.asked[0], MAX_HANGING)
                self._answers.append((question, ResolveError("name_server_failed", text)))
                self.wake()
                continue
            self._asked.put(question)
            if self._threads < self._running:
                self._threads += 1
                threading.Thread(target=self._work, daemon=True, name="mailcheck-resolver").start()

    def deliver(self) -> None:
        try:
            self.woken.recv(4096)
        except BlockingIOError:
            pass
        while self._answers:
            question, answer = self._answers.popleft()
            self._running -= 1
            if question in self._awaited:
                self._awaited.discard(question)
                question.then(answer)
        self._hand_out()

    def wake(self) -> None:
        """Wake the loop. Safe in any thread and in a signal handler."""
        try:
            self._waker.send(b"!")
        except OSError:  # a full pair will wake it anyway; a closed one belongs to a loop that is over
            pass

    def close(self) -> None:
        self._closed = True
        for _thread in range(self._threads):
            self._asked.put(None)  # one that waits for work ends; one that hangs will, once it is back
        self.woken.close()
        self._waker.close()

    def _work(self) -> None:
        while True:
            question = self._asked.get()
            if question is None or self._closed:
                return
            self._answers.append((question, answered(self._look_up_name, *question.asked)))
            self.wake()


def answered(look_up_name: LookUp, host: str, port: int, address_family: str) -> Union[List[Address], ResolveError]:
    """Return the addresses of a name, or why there are none. Blocks."""
    try:
        return look_up_name(host, port, address_family) or ResolveError("name_not_found", host)
    except ResolveError as error:
        return error
    except Exception as error:  # noqa: BLE001  # an odd name must not cost the thread, nor the loop its answer
        return ResolveError("name_not_found", "%s: %s" % (host, error))
