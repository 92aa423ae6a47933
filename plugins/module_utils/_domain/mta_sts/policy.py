# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# An MTA-STS policy: its text read (RFC 8461 3.2), held against hosts (4.1), and written.

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ..._net.names import is_literal
from ..._net.text import cut, printable
from ..problems import problem
from ..txt import listed, quoted, shown

if TYPE_CHECKING:
    from typing import Dict, List, Optional, Sequence, Tuple

    from ..problems import Problem

ENFORCE, TESTING, NONE = "enforce", "testing", "none"
MAX_AGE = 31557600  # seconds (RFC 8461 3.2)
_DAY = 86400
MAX_MX = 500  # patterns; more are not looked at

_KEY = re.compile("[A-Za-z0-9][A-Za-z0-9_.-]{0,31}", re.ASCII)
_PATTERN = re.compile(r"(\*\.)?([a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}", re.IGNORECASE | re.ASCII)
_SECONDS = re.compile("[0-9]{1,10}", re.ASCII)


class Policy(NamedTuple):
    """What a policy says. `max_age` is in seconds; what it does not say, or not in a known way, is empty or None."""

    text: str  # line by line
    version: str
    mode: str
    mx: Tuple[str, ...]  # patterns, in lower case
    max_age: Optional[int]


def read_policy(body: bytes) -> Tuple[Policy, List[Problem]]:
    """Return what a policy says, and what is wrong with it (RFC 8461 3.2)."""
    text = body.decode("utf-8", "surrogateescape")
    fields, patterns, problems = _fields(text)
    version, mode, age = (fields.get(name, "") for name in ("version", "mode", "max_age"))
    seconds = int(age) if _SECONDS.fullmatch(age) else None
    if version != "STSv1":
        problems.append(problem("mta_sts_version", quoted(version)))
    if mode not in (ENFORCE, TESTING, NONE):
        problems.append(problem("mta_sts_mode", quoted(mode)))
    elif mode != ENFORCE:
        problems.append(problem("mta_sts_%s" % mode))
    if seconds is None or seconds > MAX_AGE:
        problems.append(problem("mta_sts_max_age", quoted(age)))
    elif seconds < _DAY and mode != NONE:
        problems.append(problem("mta_sts_max_age_short", str(seconds)))
    problems.extend(_faults_of(patterns, mode))
    mx = tuple(shown(pattern) for pattern in patterns[:MAX_MX])
    lines = "\n".join(printable(line) for line in text.replace("\r\n", "\n").split("\n"))
    return Policy(cut(lines), shown(version), shown(mode), mx, seconds), problems


def _fields(text: str) -> Tuple[Dict[str, str], List[str], List[Problem]]:
    """Return key -> value, the mx patterns, and lines that are none. Of a key that comes twice the first counts."""
    fields: Dict[str, str] = {}
    patterns: List[str] = []
    strange: List[str] = []
    twice: List[str] = []
    for line in text.split("\n"):
        line = line[:-1] if line.endswith("\r") else line
        key, colon, value = line.partition(":")
        value = value.strip(" \t")
        if not line.strip(" \t"):
            continue
        if not colon or not _KEY.fullmatch(key):
            strange.append(line)
        elif key == "mx":
            patterns.append(value.lower())
        elif key in fields:
            twice.append(key)
        else:
            fields[key] = value
    problems = [problem("mta_sts_line", listed(strange))] if strange else []
    return fields, patterns, problems + ([problem("mta_sts_twice", listed(twice))] if twice else [])


def _faults_of(patterns: Sequence[str], mode: str) -> List[Problem]:
    if not patterns:
        return [] if mode == NONE else [problem("mta_sts_mx_missing")]
    if len(patterns) > MAX_MX:
        return [problem("mta_sts_mx_many", "%d" % len(patterns))]
    addresses = [pattern for pattern in patterns if is_literal(pattern.strip("[]"))]
    strange = [pattern for pattern in patterns if pattern not in addresses and not _PATTERN.fullmatch(pattern)]
    faults = [problem("mta_sts_mx_address", listed(addresses))] if addresses else []
    return faults + ([problem("mta_sts_mx_pattern", listed(strange))] if strange else [])


def covers(pattern: str, host: str) -> bool:
    """Return whether a pattern is for a host, both in lower case: `*` is the whole first label (RFC 8461 4.1)."""
    if pattern.startswith("*."):
        return host.partition(".")[2] == pattern[2:]
    return host == pattern


def policy_text(mode: str, hosts: Sequence[str], max_age: int) -> str:
    """Return a policy for these hosts."""
    names = dict.fromkeys(host.lower().rstrip(".") for host in hosts)
    lines = ["version: STSv1", "mode: " + mode, *("mx: " + name for name in names), "max_age: %d" % max_age]
    return "".join(printable(line) + "\r\n" for line in lines)
