# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# The parts of a message that anybody may have written (RFC 2045), by the standard library's parser: within bounds, and
# without the transfer encodings and character sets that text travels in.

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .._net.text import decode, printable

if TYPE_CHECKING:
    from typing import Any, List, Tuple

_MAX_PARTS = 20  # that hold others: real reports have three
# What mail is written in. Python knows others that are no mail's, some of which take it long.
_CHARSETS = re.compile(
    r"(?:us-)?ascii|utf-8|iso-8859-\d{1,2}|windows-\d{3,4}|cp\d{3,4}|koi8-[ru]|gb2312|gbk|gb18030|big5|shift[_-]jis"
    r"|euc-(?:jp|kr)|iso-2022-(?:jp|kr)|ks_c_5601-1987|tis-620",
    re.IGNORECASE,
)
_TAG = re.compile(r"</?[a-z][a-z0-9]{0,20}(?:[\s/][^<>]{0,1000})?>|<!--.{0,200}?-->", re.IGNORECASE | re.DOTALL)


def parts_of(raw: bytes) -> List[Tuple[str, bytes, str]]:
    """Return type, octets and text (of text) of each part that holds no other, as far as `raw` can be read.

    A message within a message is one part, and not looked into.
    """
    from email import message_from_bytes
    from email.errors import MessageError

    if raw.lower().count(b"multipart/") > _MAX_PARTS:
        return []
    try:
        found: List[Tuple[str, bytes, str]] = []
        _gather(message_from_bytes(raw), found)
        return found
    except (MessageError, RecursionError, ValueError, LookupError, TypeError, AttributeError, IndexError, KeyError):
        return []  # the library's own faults with what is no message


def _gather(part: Any, found: List[Tuple[str, bytes, str]]) -> None:
    kind = part.get_content_type()
    inner: Any = part.get_payload()
    if kind.startswith("multipart/") and isinstance(inner, list):
        for one in inner:
            _gather(one, found)
    elif isinstance(inner, list):  # message/…, which the parser takes apart further, encoded or not
        found.append((kind, _decoded(part, b"\n".join(one.as_bytes() for one in inner)), ""))
    else:
        octets = part.get_payload(decode=True) or b""
        found.append((kind, octets, _text(part, kind, octets) if kind.startswith("text/") else ""))


def _decoded(part: Any, octets: bytes) -> bytes:
    """RFC 2046 5.2 forbids to encode a message within a message; some do."""
    encoding = str(part.get("Content-Transfer-Encoding") or "").strip().lower()
    if encoding == "base64":
        from base64 import b64decode

        return b64decode(octets + b"===")
    if encoding == "quoted-printable":
        from quopri import decodestring

        return decodestring(octets)
    return octets


def _text(part: Any, kind: str, octets: bytes) -> str:
    """Return text with its lines safe to show; of HTML, what a reader sees."""
    from html import unescape

    charset = str(part.get_content_charset() or "").lower()
    if charset in ("", "utf-8", "us-ascii") or not _CHARSETS.fullmatch(charset):
        text = "\n".join(decode(line.rstrip(b"\r")) for line in octets.split(b"\n"))
    else:
        text = _shown(octets.decode(charset, "backslashreplace"))
    return _shown(unescape(_TAG.sub(" ", text))) if kind == "text/html" else text


def _shown(text: str) -> str:
    return "\n".join(printable(line.rstrip("\r")) for line in text.split("\n"))
