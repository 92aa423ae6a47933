# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# One GET over HTTPS, as an attempt of the driver's.
#
# The request is ours; what came is parsed by http.client, over the octets received. There is one question to a
# connection, so the server is asked to close it. Nobody is redirected, and nothing is longer than its limit.

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from .._version import __version__
from .attempts import Attempt, Broken
from .text import cut, decode, printable

if TYPE_CHECKING:
    from typing import Any, Optional

    from .attempts import Connected, Outcome
    from .tls.model import TlsFacts, TlsPolicy

MAX_BODY = 65536  # octets
MAX_HEADERS = 16384
_MAX_FRAMING = 65536  # octets that chunks may take besides what is in them
_MAX_READINGS = 16  # of a body in chunks, before it is known to have ended

_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?", re.IGNORECASE | re.ASCII)
_PATH = re.compile(r"/[!-~]*")
_END_OF_HEADERS = re.compile(rb"\n\r?\n")
_INTERIM = re.compile(rb"HTTP/1\.[01] 1[0-9][0-9]\b")  # RFC 9110 15.2: another answer follows
_LAST_CHUNK = b"0\r\n\r\n"  # RFC 9112 7.1, without a trailer


class Fetched(NamedTuple):
    """What became of a GET. Texts are printable; `body` is empty unless the status is 200 and all of it came."""

    status: Optional[int] = None  # None: there was no answer
    content_type: str = ""
    location: str = ""  # where the server would send us
    body: bytes = b""
    cause: str = ""  # of the table of causes, where there was no whole answer; "" where there was
    text: str = ""  # what happened then
    tls: Optional[TlsFacts] = None


def https_get(
    host: str,
    path: str,
    tls_policy: TlsPolicy,
    timeout: float,
    connect_timeout: float,
    *,
    port: int = 443,
    connect_to: Optional[str] = None,
    address_family: str = "any",
    source_address: Optional[str] = None,
) -> Attempt:
    """Return the attempt to GET `path` of `host`; fetched() makes its outcome a Fetched.

    `connect_to`: the address, where it is known already. Raises ValueError for what is no host name in A-labels, and
    for a path that would not be one in a request.
    """
    if not _HOST.fullmatch(host) or not _PATH.fullmatch(path):
        raise ValueError("no host or path of an HTTPS address: %r, %r" % (host, path))
    name = host.rstrip(".")
    lines = (
        "GET %s HTTP/1.1" % path,
        "Host: %s" % (name if port == 443 else "%s:%d" % (name, port)),
        "User-Agent: mailcheck/%s" % __version__,
        "Accept: text/plain",
        "Accept-Encoding: identity",
        "Connection: close",
    )
    request = "".join(line + "\r\n" for line in (*lines, "")).encode("ascii")
    return Attempt(
        partial(HttpProtocol, request), host, port, timeout, connect_timeout, connect_to, address_family,
        source_address, tls_policy, name,
    )  # fmt: skip


def fetched(outcome: Outcome) -> Fetched:
    """Return what an attempt of https_get() came to."""
    if outcome.broken is not None:
        return Fetched(cause=outcome.broken.cause, text=cut(outcome.broken.text))
    found: Fetched = outcome.facts
    return found


class HttpProtocol:
    """Says one request inside TLS and hears the answer (attempts.AnyProtocol). Its facts are a Fetched."""

    peer = "web server"
    silent = False
    decided_at: Optional[float] = None

    def __init__(self, request: bytes, connected: Connected) -> None:
        self.facts = Fetched()
        self.deadline = connected.deadline
        self.wants_tls = True
        self.ended = False
        self._request, self._started = request, connected.started
        self._unsent = b""
        self._received = bytearray()
        self._passed_over = 0  # octets of interim answers
        self._headers_end = 0  # where the body begins; 0: the headers have not ended yet
        self._length: Optional[int] = None  # of the body, where the headers tell
        self._chunked = False
        self._readings = 0

    def begin(self, now: float) -> None:
        pass  # a TLS handshake comes first

    def output(self, now: float) -> bytes:
        unsent, self._unsent = self._unsent, b""
        return unsent

    def tls_established(self, tls: TlsFacts, now: float) -> None:
        self.facts = self.facts._replace(tls=tls)
        self.wants_tls, self._unsent = False, self._request

    def receive(self, data: bytes, now: float) -> None:
        searched = len(self._received)
        self._received += data
        try:
            if not self._headers_end:
                self._find_headers(max(0, searched - 3))
            if self._headers_end and not self.ended:
                self._look_at_body()
        except ValueError as error:
            self.break_off(Broken("protocol_violation", str(error)), now)

    def lose(self, text: str, now: float) -> None:
        self._end(Broken("connection_lost", "%s before the whole answer had come" % text), now)

    def time_out(self, now: float) -> None:
        waited = "no whole answer within %.3g s" % (self.deadline - self._started)
        self._end(Broken("timed_out", waited), now)

    def break_off(self, broken: Broken, now: float) -> None:
        tls = broken.tls or self.facts.tls
        self.facts = Fetched(cause=broken.cause, text=cut(broken.text), tls=tls)
        self.ended = True

    # The answer. A ValueError says what is wrong with it.

    def _find_headers(self, start: int) -> None:
        found = _END_OF_HEADERS.search(self._received, start)
        while found and _INTERIM.match(self._received):
            self._passed_over += found.end()
            del self._received[: found.end()]
            found = _END_OF_HEADERS.search(self._received)
        self._headers_end = found.end() if found else 0
        if self._passed_over + (self._headers_end or len(self._received)) > MAX_HEADERS:
            raise ValueError("its headers are longer than %d octets" % MAX_HEADERS)
        if self._headers_end:
            self._read_headers()

    def _read_headers(self) -> None:
        answer = _parsed(self._received[: self._headers_end])
        shown = {name: printable(cut(answer.getheader(name, ""))) for name in ("Content-Type", "Location")}
        self.facts = self.facts._replace(
            status=answer.status, content_type=shown["Content-Type"], location=shown["Location"]
        )
        if answer.status != 200:
            self.ended = True  # whatever it says besides
            return
        encoding = answer.getheader("Content-Encoding", "identity")
        if encoding.lower() != "identity":
            raise ValueError("the body is encoded (%s), which was not asked for" % printable(encoding[:200]))
        self._chunked = answer.chunked
        if not answer.chunked:
            self._length = _content_length(answer)

    def _look_at_body(self) -> None:
        body = len(self._received) - self._headers_end
        too_long = body > MAX_BODY + _MAX_FRAMING if self._length is None else self._length > MAX_BODY
        if too_long:
            raise ValueError("the body is longer than 64 KiB")
        if self._length is not None:
            if body >= self._length:
                self._read_body()
        elif self._chunked and self._received.endswith(_LAST_CHUNK) and self._readings < _MAX_READINGS:
            self._readings += 1
            self._read_body()

    def _read_body(self) -> None:
        """Take the body, if all of it is there."""
        body = _whole_body(self._received)
        if body is not None and len(body) > MAX_BODY:
            raise ValueError("the body is longer than 64 KiB")
        if body is not None:
            self.facts, self.ended = self.facts._replace(body=body), True

    def _end(self, broken: Broken, now: float) -> None:
        """No more will come. That is the end of an answer that does not say where it ends, or it is cut short."""
        try:
            if self._chunked or (self._headers_end and self._length is None and broken.cause == "connection_lost"):
                self._read_body()
            elif b"\n" in self._received and not self._headers_end:
                _parsed(self._received)
        except ValueError as error:
            broken = Broken("protocol_violation", str(error))
        if not self.ended:
            self.break_off(broken, now)


# http.client, over octets. A ValueError says what is wrong with them.


class _Octets:
    """What http.client takes for a socket."""

    def __init__(self, data: bytearray) -> None:
        self._data = data

    def makefile(self, _mode: str) -> Any:
        import io

        return io.BytesIO(self._data)


def _parsed(data: bytearray) -> Any:
    """Return http.client's reading of an answer, its headers read."""
    from http.client import HTTPException, HTTPResponse

    answer = HTTPResponse(_Octets(data))  # type: ignore[arg-type]
    try:
        answer.begin()
    except HTTPException as error:
        if "headers" in str(error):
            raise ValueError("it has too many headers: %s" % printable(str(error))) from None
        line = decode(bytes(data[:200])).split("\\n")[0]
        raise ValueError("this is no answer of HTTP/1: '%s'" % line) from None
    return answer


def _content_length(answer: Any) -> Optional[int]:
    """Return how long the body is, None where only the connection's end tells (RFC 9112 6.3)."""
    given = {text.strip(" \t") for text in answer.headers.get_all("Content-Length", [])}
    coding = answer.getheader("Transfer-Encoding")
    if coding is not None:
        raise ValueError("the transfer coding is not known (%s)" % printable(coding[:200]))
    if not given:
        return None
    text = given.pop()
    if given or not re.fullmatch("[0-9]{1,18}", text):
        raise ValueError("Content-Length does not say how long the body is: %s" % printable(text[:200]))
    return int(text)


def _whole_body(data: bytearray) -> Optional[bytes]:
    """Return the body, or None while some of it is missing."""
    from http.client import IncompleteRead, LineTooLong

    answer = _parsed(data)
    try:
        body: bytes = answer.read()
    except IncompleteRead:
        return None
    except (LineTooLong, OverflowError) as error:  # 16 digits and more, of a chunk's length
        raise ValueError("its chunks are not to be read: %s" % error) from None
    return body
