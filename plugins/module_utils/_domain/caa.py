# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Which authorities may issue certificates for a host: CAA records (RFC 8659), at the host or at its closest parent that
# has some.

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from .._net.dns.model import ABSENT, NOT_DETERMINED, PRESENT, Question
from .._net.text import printable
from .problems import is_valid, problem
from .txt import listed, shown
from .unanswered import is_open, why

if TYPE_CHECKING:
    from typing import Dict, List, Mapping, Optional, Sequence, Tuple

    from .._net.dns.model import Answer, Caa, Evaluation
    from .problems import Problem

MAX_LABELS = 10  # of a host; more names than that are not climbed
MAX_VALUES = 20  # of a tag
_CRITICAL = 128
_ISSUER = re.compile("[A-Za-z0-9-]+([.][A-Za-z0-9-]+)*")
# RFC 8659 4.2 to 4.4, RFC 9495, and the registry of the CA/Browser Forum.
_KNOWN_TAGS = ("issue", "issuewild", "iodef", "issuemail", "issuevmc", "contactemail", "contactphone")


class HostCaa(NamedTuple):
    """The set of CAA records that counts for a host. Absent: every authority may issue."""

    state: str
    reason: str
    valid: Optional[bool]
    problems: Tuple[Problem, ...]
    host: str
    found_at: str = ""
    issue: Tuple[str, ...] = ()  # authorities, with their parameters; ";" alone is nobody
    issuewild: Tuple[str, ...] = ()  # instead of these for wildcards
    iodef: Tuple[str, ...] = ()  # where violations are reported to


def look_up_caa(hosts: Sequence[str]) -> Evaluation[Tuple[HostCaa, ...]]:
    """Return what counts for each host, in one round trip."""
    climbed = {host: _names(host) for host in hosts}
    asked = list(dict.fromkeys(Question(name, "CAA") for names in climbed.values() for name in names))
    answers: Sequence[Answer] = ()
    if asked:
        answers = yield tuple(asked)
    told = {question.name: answer for question, answer in zip(asked, answers)}
    return tuple(_host_caa(host, names, told) for host, names in climbed.items())


def _names(host: str) -> List[str]:
    """Return a host and its parents, without the root (RFC 8659 3)."""
    labels = host.lower().split(".")
    return [".".join(labels[at:]) for at in range(len(labels))] if len(labels) <= MAX_LABELS else []


def _host_caa(host: str, names: Sequence[str], told: Mapping[str, Answer]) -> HostCaa:
    if not names:
        return HostCaa(NOT_DETERMINED, "the name has more than %d labels" % MAX_LABELS, None, (), printable(host))
    for name in names:
        answer = told[name]
        if answer.state == PRESENT:
            return _with_records(HostCaa(PRESENT, "", None, (), printable(host), name), answer.records)
        if is_open(answer):
            return HostCaa(answer.state, why(answer), None, (), printable(host))
    return HostCaa(ABSENT, "", None, (), printable(host))


def _with_records(facts: HostCaa, records: Sequence[Caa]) -> HostCaa:
    by_tag: Dict[str, List[str]] = {}
    for record in records:
        by_tag.setdefault(record.tag.lower(), []).append(record.value)
    critical = [record.tag for record in records
                if record.flags & _CRITICAL and record.tag.lower() not in _KNOWN_TAGS]  # fmt: skip
    issue = by_tag.get("issue", [])
    problems = [problem("caa_critical", listed(critical))] if critical else []
    if issue and not any(_authority(value) for value in issue):
        problems.append(problem("caa_nobody", "issue " + listed(issue)))
    return facts._replace(
        valid=is_valid(problems),
        problems=tuple(problems),
        issue=_shown(issue),
        issuewild=_shown(by_tag.get("issuewild", [])),
        iodef=_shown(by_tag.get("iodef", [])),
    )


def _authority(value: str) -> str:
    """Return the domain of the authority that a value names; "" is nobody, as is what is malformed (RFC 8659 4.2)."""
    name = value.partition(";")[0].strip(" \t")
    return name if _ISSUER.fullmatch(name) else ""


def _shown(parts: Sequence[str]) -> Tuple[str, ...]:
    return tuple(map(shown, parts[:MAX_VALUES]))
