# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the collection. Commands as they go out, and as they may be shown.
#
# Every command is built here, by a function named for it, and nowhere else: this is the one door through
# which text reaches the wire. It lets no CR, LF or NUL pass, and gives a secret its redacted form at birth.

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from .model import Command
from .replies import printable

if TYPE_CHECKING:
    from typing import Iterable, Iterator, Mapping, Optional

    from .message import Message

REDACTED = "<redacted>"


def _command(stage: str, text: str, shown: Optional[str] = None) -> Command:
    if any(control in text for control in "\r\n\0"):
        raise ValueError("a command cannot hold CR, LF or NUL")  # the options' own checks come before this one
    return Command(stage, text.encode("utf-8") + b"\r\n", printable(text if shown is None else shown))


def ehlo(name: str) -> Command:
    """RFC 5321 4.1.1.1"""
    return _command("ehlo", "EHLO " + name)


def helo(name: str) -> Command:
    return _command("ehlo", "HELO " + name)


def lhlo(name: str) -> Command:
    """RFC 2033 4.1"""
    return _command("ehlo", "LHLO " + name)


def starttls() -> Command:
    """RFC 3207 4"""
    return _command("starttls", "STARTTLS")


def auth(mechanism: str, initial_response: Optional[bytes]) -> Command:
    """RFC 4954 4: an initial response that is empty goes out as `=`."""
    line = "AUTH " + mechanism
    if initial_response is None:
        return _command("auth", line)
    encoded = b64encode(initial_response).decode("ascii") or "="
    return _command("auth", "%s %s" % (line, encoded), "%s %s" % (line, REDACTED))


def auth_response(response: bytes) -> Command:
    return _command("auth", b64encode(response).decode("ascii"), REDACTED)


def auth_cancel() -> Command:
    """RFC 4954 4: `*` ends a dialogue; the server answers 501."""
    return _command("auth", "*")


def mail(reverse_path: str, parameters: Mapping[str, Optional[str]]) -> Command:
    """RFC 5321 4.1.1.2; a parameter whose value is None goes out as a bare keyword."""
    return _command("mail", "MAIL FROM:<%s>%s" % (reverse_path, _parameters(parameters)))


def rcpt(forward_path: str, parameters: Mapping[str, Optional[str]]) -> Command:
    """RFC 5321 4.1.1.3"""
    return _command("rcpt", "RCPT TO:<%s>%s" % (forward_path, _parameters(parameters)))


def data() -> Command:
    """RFC 5321 4.1.1.4"""
    return _command("data", "DATA")


def content(message: Message) -> Command:
    """The message itself and its final dot: `wire` is what follows the content."""
    return Command("message", b".\r\n", "<message, %d octets>" % message.size, message)


def lone_dot() -> Command:
    """RFC 2920 3.1: what a 354 gets when no recipient was accepted."""
    return _command("message", ".")


def rset() -> Command:
    return _command("rset", "RSET")


def quit_() -> Command:
    return _command("quit", "QUIT")


def _parameters(parameters: Mapping[str, Optional[str]]) -> str:
    return "".join(" " + (key if value is None else "%s=%s" % (key, value)) for key, value in parameters.items())


def dot_stuffed(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Double the dot that opens a line (RFC 5321 4.5.2), across the borders of the blocks.

    >>> list(dot_stuffed([b".a\\r\\n", b".b\\r\\n"]))
    [b'..a\\r\\n', b'..b\\r\\n']
    """
    line_begins, carry = True, b""
    for block in blocks:
        block = carry + block
        # CR LF and the dot may stand in three blocks: keep back what could become the beginning of a line.
        carry = b"\r" if block.endswith(b"\r") else b""
        block = block[: len(block) - len(carry)]
        if not block:
            continue
        if line_begins and block.startswith(b"."):
            block = b"." + block
        line_begins = block.endswith(b"\r\n")
        yield block.replace(b"\r\n.", b"\r\n..")
    if carry:
        yield carry
