# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What IMAP's answers hold, as far as imaplib leaves that to its callers: names of folders, messages.

from __future__ import annotations

import imaplib
import re
import time
from typing import TYPE_CHECKING

from ..._net.text import decode

if TYPE_CHECKING:
    from typing import Any, List, Optional, Sequence, Tuple

_LIST = re.compile(rb'\(([^)]*)\) (?:"(?:[^"\\]|\\.)"|NIL) (?:"((?:[^"\\]|\\.)*)"|([^\s"]+)|)$')
_UID = re.compile(rb"\bUID ([0-9]{1,10})\b")
_DATE = re.compile(rb'\bINTERNALDATE ("[^"]{26}")')
_WORD = re.compile(r"[^\x20-\x25\x27-\x7e]+|&")


def quoted(text: str) -> str:
    """Return a quoted string (RFC 9051 4.3)."""
    return '"%s"' % text.replace("\\", "\\\\").replace('"', '\\"')


def day_of(moment: float) -> str:
    """Return a date as SEARCH takes it, such as 28-Nov-2026."""
    return imaplib.Time2Internaldate(moment)[1:12].strip()


def listed(item: Any) -> Tuple[str, bytes]:
    """Return name and flags of one answer to LIST (RFC 9051 7.3.1); no name where it cannot be read."""
    line, literal = item if isinstance(item, tuple) else (item, None)
    if literal is not None:
        line = re.sub(rb"\{[0-9]+\}$", b"", line)
    found = _LIST.match(line) if isinstance(line, bytes) and len(line) < 4000 else None
    if found is None:
        return "", b""
    name = literal if literal is not None else found.group(3) or re.sub(rb"\\(.)", rb"\1", found.group(2) or b"")
    return from_utf7(name), found.group(1)


def fetched(data: Sequence[Any]) -> List[Tuple[int, Optional[float], bytes]]:
    """Return UID, arrival and octets of each message in what imaplib makes of the answers to FETCH.

    Without octets it is none of ours: a server may tell of a flag that has changed at any time (RFC 9051 7.5.2).
    """
    gathered: List[List[bytes]] = []
    for item in data:
        text, literal = item if isinstance(item, tuple) else (item, None)
        if not isinstance(text, bytes):
            continue
        if re.match(rb"[0-9]{1,10} \(", text):
            gathered.append([b"", b""])
        if gathered:
            gathered[-1][0] += b" " + text
            gathered[-1][1] = gathered[-1][1] or literal or _quoted_in(text)
    found: List[Tuple[int, Optional[float], bytes]] = []
    for text, octets in gathered:
        uid, date = _UID.search(text), _DATE.search(text)
        if uid is not None and b"BODY[" in text:
            found.append((int(uid.group(1)), _moment(date.group(1)) if date else None, octets))
    return found


def _moment(date: bytes) -> Optional[float]:
    """Return the time of an INTERNALDATE; None where it is none."""
    try:
        read = imaplib.Internaldate2tuple(b"INTERNALDATE " + date)
        return time.mktime(read) if read else None
    except (ValueError, KeyError, OverflowError, OSError):
        return None


def _quoted_in(text: bytes) -> bytes:
    """What is short a server may send in quotes (RFC 9051 4.3), without line ends."""
    found = re.search(rb'\](?:<[0-9]+>)? "((?:[^"\\]|\\.)*)"', text)
    return re.sub(rb"\\(.)", rb"\1", found.group(1)) if found else b""


# Folder names in modified UTF-7 (RFC 9051 appendix A, RFC 2152)


def to_utf7(name: str) -> str:
    from base64 import b64encode

    def shifted(found: re.Match[str]) -> str:
        if found.group() == "&":
            return "&-"
        return "&%s-" % b64encode(found.group().encode("utf-16-be")).decode("ascii").rstrip("=").replace("/", ",")

    return _WORD.sub(shifted, name)


def from_utf7(name: bytes) -> str:
    from base64 import b64decode

    def unshifted(found: re.Match[bytes]) -> bytes:
        if found.group() == b"&-":
            return b"&"
        word = found.group(1).replace(b",", b"/")
        try:
            return b64decode(word + b"=" * (-len(word) % 4)).decode("utf-16-be").encode("utf-8", "backslashreplace")
        except ValueError:
            return found.group()

    return decode(re.sub(rb"&([A-Za-z0-9+,]*)-", unshifted, name))
