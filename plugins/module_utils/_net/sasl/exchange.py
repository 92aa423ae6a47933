# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What every SASL mechanism shares: the exchange it takes part in, its errors, and what it may not show.
#
# No secret gets into an exception: texts are our own words, and a codec's error, which holds the text it
# choked on, is never chained to ours.

from __future__ import annotations

import os
import re
from base64 import b64encode
from binascii import b2a_qp
from typing import TYPE_CHECKING

from ..._errors import OptionError
from ..text import holds_control

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Generator, Iterator, Optional

    Dialogue = Generator[Optional[bytes], Optional[bytes], None]

MAX_SERVER_ERROR_TEXT = 500
PROTOCOL_ERROR = "auth_protocol_error"


class SaslError(Exception):
    """The server broke the mechanism's rules. `cause`: a row of the table of causes; the text is safe."""

    def __init__(self, cause: str, text: str) -> None:
        super().__init__(text)
        self.cause = cause
        self.text = text


class CredentialError(OptionError, ValueError):
    """A user name, password or token that cannot be used: the caller's mistake. `option` names it."""


def _new_nonce() -> str:
    return os.urandom(18).hex()


class Exchange:
    """What one sign-in needs, and what it learns. Raises CredentialError, so make it before a socket opens.

    `channel_binding`: the data of `tls-server-end-point`, set only where the caller named a -PLUS
    mechanism; `plus_offered`: whether the server offers any. `server_error`: what the server said of its
    refusal inside the dialogue (OAuth's JSON, SCRAM's `e=`), name -> text safe to show.
    """

    __slots__ = (
        "access_token", "authorization_id", "channel_binding", "host", "nonce", "password", "plus_offered",
        "port", "server_error", "username",
    )  # fmt: skip

    def __init__(
        self,
        username: Optional[str] = None,
        password: Optional[str] = None,
        access_token: Optional[str] = None,
        authorization_id: Optional[str] = None,
        host: str = "",
        port: int = 0,
        channel_binding: Optional[bytes] = None,
        plus_offered: bool = True,
        nonce: Callable[[], str] = _new_nonce,
    ) -> None:
        self.username = usable(username, "username")
        self.password = usable(password, "password")
        self.access_token = usable(access_token, "access_token")
        self.authorization_id = usable(authorization_id, "authorization_id")
        if not self.access_token.isascii() or " " in self.access_token:
            raise CredentialError("access_token", "must be ASCII without spaces (RFC 6750 2.1)")
        self.host = host
        self.port = port
        self.channel_binding = channel_binding
        self.plus_offered = plus_offered
        self.nonce = nonce
        self.server_error: Optional[Dict[str, Any]] = None

    def __repr__(self) -> str:
        return "<Exchange>"


def usable(value: Optional[str], option: str) -> str:
    text = value or ""
    if text.endswith(("\r", "\n")):
        raise CredentialError(option, "ends in a line end: remove it where the value comes from")
    if holds_control(text):  # NUL and ^A separate the fields of messages
        raise CredentialError(option, "holds a control character, or octets that are not UTF-8")
    return text


def disguises(secret: str) -> Iterator[str]:
    """Yield a secret, and how it would look to whoever repeats it: in hexadecimal, inside base64, or as written()."""
    octets = secret.encode("utf-8")
    yield secret
    if len(octets) < 4:
        return  # so little looks like anything
    yield octets.hex()
    yield octets.hex().upper()
    for shift in range(3):
        # Without the characters in which octets beside it have a part.
        yield b64encode(bytes(shift) + octets).decode("ascii")[(shift * 8 + 5) // 6 : (shift + len(octets)) * 8 // 6]
    if not (secret.isascii() and secret.isalnum()):
        yield from written(secret, octets)


# How what is more than this is escaped in a URL, by either hand, and in a header, and how a space is there.
_ESCAPED = (
    ("%%%02X", rb"[^\w.~-]", "+"),  # RFC 3986 2.1
    ("%%%02x", rb"[^\w.~-]", "+"),
    ("=%02X", rb"[^A-Za-z0-9!*+/-]", "_"),  # RFC 2047 5
)


def written(secret: str, octets: bytes) -> Iterator[str]:
    """Yield how a text that is not letters and digits alone stands in a URL, a message, JSON (or IMAP), and a log."""
    import json  # most secrets need none of these

    for form, odd, space in _ESCAPED:
        text = _escaped(octets, form, odd)
        yield text
        yield text.replace(form % ord(" "), space)
    yield _escaped(octets, "+%02X", rb"[^!-*,-<>-~]")  # RFC 3461 4: xtext
    yield _escaped(octets, "\\%03o", rb"[^ -~]")  # C, and Exim
    yield b2a_qp(octets).decode("ascii").replace("=\n", "")  # which it puts into what is long
    yield b2a_qp(octets, header=True).decode("ascii").replace("=\n", "")
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield repr(secret)[1:-1]
    yield repr(octets)[2:-1]


def _escaped(octets: bytes, form: str, odd: bytes) -> str:
    return re.sub(odd, lambda found: (form % ord(found.group())).encode(), octets, flags=re.ASCII).decode("ascii")


def proof_in(response: bytes) -> Optional[str]:
    """Return CRAM-MD5's digest, or SCRAM's proof: with it, and the challenge, a password can be guessed."""
    found = re.search(rb"(?: |,p=)([0-9A-Za-z+/=]{28,})$", response)
    return found.group(1).decode("ascii") if found else None


def challenge_in(answer: Optional[bytes], cause: str = PROTOCOL_ERROR) -> bytes:
    """Return the challenge; a 235 here means that the server has skipped a part."""
    if answer is None:
        raise SaslError(cause, "the server accepted the sign-in before the mechanism had run its course")
    return answer


def finish(answer: Optional[bytes]) -> None:
    """Take the 235; by now the mechanism has nothing left to say."""
    if answer is not None:
        raise SaslError(PROTOCOL_ERROR, "the server sent another challenge after the mechanism's last response")
