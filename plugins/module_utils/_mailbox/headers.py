# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# The header of a message that anybody may have written: octets -> fields, within bounds and safe to show.

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .._net.text import decode

if TYPE_CHECKING:
    from typing import List, Optional, Sequence, Tuple

    Fields = Sequence[Tuple[str, str]]  # name, value; the topmost field first

MAX_OCTETS = 262144  # of a header; real ones have 64 KiB at most
MAX_FIELDS = 1000
MAX_VALUE = 8000  # characters of one value

_END = re.compile(rb"\r?\n\r?\n")
_LINE_END = re.compile(rb"\r?\n")
_FIELD = re.compile(rb"([!-9;-~]{1,200})[ \t]*:(.*)", re.DOTALL)


def fields_of(block: bytes) -> List[Tuple[str, str]]:
    """Return the fields of a header (RFC 5322 2.2), unfolded. What is no field is passed over."""
    header = _END.split(block[:MAX_OCTETS], 1)[0]
    found: List[Tuple[str, List[bytes]]] = []
    for line in _LINE_END.split(header):
        if line[:1] in (b" ", b"\t"):
            if found:
                found[-1][1].append(line.strip(b" \t"))
            continue
        field = _FIELD.fullmatch(line)
        if field is None:
            continue
        if len(found) == MAX_FIELDS:
            break
        found.append((field.group(1).decode("ascii"), [field.group(2).strip(b" \t")]))
    return [(name, decode(b" ".join(parts)[:MAX_VALUE])[:MAX_VALUE]) for name, parts in found]


def first(fields: Fields, name: str) -> Optional[str]:
    """Return the topmost value of a field, whatever the case of its name."""
    return next((value for other, value in fields if other.lower() == name.lower()), None)


def split_comments(text: str) -> Tuple[str, List[str]]:
    """Return what stands outside of all comments, and each outermost comment without its parentheses.

    >>> split_comments("by mx (Postfix (3.9)) with ESMTP")
    ('by mx   with ESMTP', ['Postfix (3.9)'])
    """
    outside: List[str] = []
    comments: List[str] = []
    depth, begin, quoted, skip = 0, 0, False, False
    for index, char in enumerate(text):
        if skip:
            skip = False
        elif char == "\\" and (quoted or depth):
            skip = True
        elif char == '"' and not depth:
            quoted = not quoted
        elif char == "(" and not quoted:
            if not depth:
                outside += [text[begin:index], " "]
                begin = index + 1
            depth += 1
        elif char == ")" and depth:
            depth -= 1
            if not depth:
                comments.append(text[begin:index])
                begin = index + 1
    if not depth:
        outside.append(text[begin:])
    return "".join(outside), comments
