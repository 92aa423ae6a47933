# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What a receiving server found when it authenticated a message: `Authentication-Results` (RFC 8601).
#
# Anybody can write such a line. Believed are servers that the caller trusts, and of their lines the topmost only, and
# only where it was not there before the receiver had the message. Where nothing tells, that is said with it.

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from .headers import split_comments
from .receiver import FOREIGN, IN_DOUBT, origin

if TYPE_CHECKING:
    from typing import Iterator, List, Optional, Sequence, Tuple

    from .headers import Fields

_DOUBT = (
    "the results of %s stand where a sender may write them, too: they hold if that server removes what comes in its "
    "name (RFC 8601 5)"
)
MAX_METHODS = 64
MAX_PROPERTIES = 16  # of one method

_PART = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^;"])*')  # up to a semicolon outside of quotes
_METHOD = re.compile(r"\s*([A-Za-z][A-Za-z0-9-]{0,60})\s*(?:/\s*([0-9]{1,6})\s*)?=\s*([A-Za-z]{1,20})(?=\s|\Z)")
_PROPERTY = re.compile(
    r'\s(?:reason|([A-Za-z][A-Za-z0-9-]{0,60}\.[A-Za-z0-9_-]{1,60}))\s{0,9}=\s{0,9}("(?:[^"\\]|\\.)*"[^\s;]*|[^\s;"]+)'
)
_NAME = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[^\s;"=]+)(?:\s+([0-9]{1,6}))?\s*')


class Property(NamedTuple):
    """What a result is about, such as `header.d` or `smtp.mailfrom`."""

    name: str
    value: str


class Method(NamedTuple):
    """One method and its result, in the words of RFC 8601 2.7: pass, fail, softfail, none, temperror …"""

    method: str
    result: str
    properties: Tuple[Property, ...]


class Authentication(NamedTuple):
    """`state`: present, absent (no server has written any) or not_determined.

    `reason`: why it is not determined; of what is present, why it may be the sender's all the same.
    """

    state: str
    reason: str
    authserv_id: Optional[str]
    dkim: Optional[str]
    spf: Optional[str]
    dmarc: Optional[str]
    methods: Tuple[Method, ...]


def authentication_of(fields: Fields, trusted: Sequence[str]) -> Authentication:
    """Return what the trusted servers (authserv-ids, RFC 8601 2.5) say in the topmost of their lines."""
    lines = list(_lines(fields))
    if not lines:
        return Authentication("absent", "", None, None, None, None, ())
    if not trusted:
        return _not_determined("trusted_authserv_ids names no server whose results are to be believed")
    wanted = {name.lower() for name in trusted}
    for index, value in lines:
        found = _NAME.match(value)
        name = _unquoted(found.group(1)) if found else ""
        if found is None or name.lower() not in wanted or value[found.end() : found.end() + 1] not in (";", ""):
            continue
        if found.group(2) not in (None, "1"):
            return _not_determined("the results of %s are of a version that is not known here" % name)
        whose = origin(fields, index, wanted)
        if whose == FOREIGN:
            return _not_determined("the results of %s came with the message, so they may be forged" % name)
        return _read(name, value[found.end() + 1 :], _DOUBT % name if whose == IN_DOUBT else "")
    return _not_determined("none of the results is by a server that trusted_authserv_ids names")


def _lines(fields: Fields) -> Iterator[Tuple[int, str]]:
    """Yield where each line stands, and the line without comments."""
    for index, (name, value) in enumerate(fields):
        if name.lower() == "authentication-results":
            yield index, split_comments(value)[0]


def _read(name: str, text: str, doubt: str) -> Authentication:
    methods: List[Method] = []
    for part in _parts(text):
        found = _METHOD.match(part)
        if found is not None and found.group(2) in (None, "1") and len(methods) < MAX_METHODS:
            pairs = [(one.group(1), one.group(2)) for one in _PROPERTY.finditer(part, found.end()) if one.group(1)]
            properties = tuple(Property(key.lower(), _unquoted(value)) for key, value in pairs[:MAX_PROPERTIES])
            methods.append(Method(found.group(1).lower(), found.group(3).lower(), properties))
    dkim, spf, dmarc = (_overall(methods, method) for method in ("dkim", "spf", "dmarc"))
    return Authentication("present", doubt, name, dkim, spf, dmarc, tuple(methods))


def _parts(text: str) -> Iterator[str]:
    """Yield what stands between semicolons, as far as quotes end."""
    end = 0
    while end < len(text):
        part = _PART.match(text, end)
        if part is None or text[part.end() : part.end() + 1] not in (";", ""):
            return
        yield part.group()
        end = part.end() + 1


def _overall(methods: Sequence[Method], name: str) -> Optional[str]:
    """One signature that holds is enough (RFC 6376 6.1); else the first result stands for all."""
    results = [one.result for one in methods if one.method == name]
    return "pass" if "pass" in results else next(iter(results), None)


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text.replace('"', "")) if '"' in text else text


def _not_determined(reason: str) -> Authentication:
    return Authentication("not_determined", reason, None, None, None, None, ())
