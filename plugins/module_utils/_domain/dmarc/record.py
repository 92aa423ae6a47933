# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What one DMARC record says (RFC 9989 4.7), by itself: whom it applies to is for policy.py.
#
# What is malformed gives way to a default, as the RFC has it, and is a problem all the same.

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ..problems import is_valid, problem
from ..report_uris import parse_uris
from ..txt import listed, parse_tags, quoted

if TYPE_CHECKING:
    from typing import Dict, List, Optional, Tuple

    from ..problems import Problem
    from ..report_uris import ReportUri

POLICIES = ("none", "quarantine", "reject")  # from the mildest to the strictest
VERSION = re.compile(r"v[ \t]*=[ \t]*(?-i:DMARC1)[ \t]*(?:;|\Z)", re.IGNORECASE)
_ALIGNMENTS = {"r": "relaxed", "s": "strict"}
# Tag -> what it may hold (RFC 9989 4.8).
_VALUES = {
    "adkim": re.compile("[rs]"),
    "aspf": re.compile("[rs]"),
    "fo": re.compile(r"(?!.*[01].*[01]|.*([ds]).*\1)[01ds](?::[01ds])*"),  # one of 0 and 1, d and s once
    "psd": re.compile("[ynu]"),
    "t": re.compile("[yn]"),
}
_POLICY_TAGS = ("p", "sp", "np")
_NO_POLICY = (None, None, None)
REMOVED = ("pct", "rf", "ri")
_KNOWN = {"v", "rua", "ruf", *_POLICY_TAGS, *_VALUES, *REMOVED}


class DmarcRecord(NamedTuple):
    """One record. A policy is none, quarantine, reject, or None: receivers do as if there were no record."""

    text: str  # as published
    policy: Optional[str]  # for the domain of the record
    subdomain_policy: Optional[str]  # for those below it
    nonexistent_policy: Optional[str]  # for those below it that do not exist
    testing: bool
    psd: str  # y, n, u
    dkim_alignment: str  # relaxed, strict
    spf_alignment: str
    failure_options: str
    rua: Tuple[ReportUri, ...]
    ruf: Tuple[ReportUri, ...]
    problems: Tuple[Problem, ...]


def parse_dmarc(text: str) -> DmarcRecord:
    """Return what a text says that begins with VERSION (RFC 9989 4.7, 4.8)."""
    tags, problems = parse_tags(text, fold=True)
    problems += _strange_tags(tags)
    valid = {}
    for name, values in _VALUES.items():
        value = tags.get(name, "").lower()
        if values.fullmatch(value):
            valid[name] = value
        elif name in tags:
            problems.append(problem("dmarc_value_unknown", quoted("%s=%s" % (name, tags[name]))))
    rua, faults = parse_uris(tags.get("rua"), ("mailto",))
    ruf, more_faults = parse_uris(tags.get("ruf"), ("mailto",))
    policies, unknown = _policies(tags, bool(rua)) if is_valid(problems) else (_NO_POLICY, [])
    problems += unknown + faults + more_faults
    if policies[0] == "none" and not rua:
        problems.append(problem("dmarc_no_reports"))
    return DmarcRecord(
        text=text,
        policy=policies[0],
        subdomain_policy=policies[1],
        nonexistent_policy=policies[2],
        testing=valid.get("t") == "y",
        psd=valid.get("psd", "u"),
        dkim_alignment=_ALIGNMENTS[valid.get("adkim", "r")],
        spf_alignment=_ALIGNMENTS[valid.get("aspf", "r")],
        failure_options=valid.get("fo", "0"),
        rua=rua,
        ruf=ruf,
        problems=tuple(problems),
    )


def milder(policy: str) -> str:
    """Return what is applied instead of a policy that is being tested (RFC 9989 4.7, t)."""
    return POLICIES[max(0, POLICIES.index(policy) - 1)]


def _strange_tags(tags: Dict[str, str]) -> List[Problem]:
    removed = ["%s=%s" % (name, tags[name]) for name in REMOVED if name in tags]
    unknown = [name for name in tags if name not in _KNOWN]
    told = (("dmarc_tag_removed", removed), ("dmarc_tag_unknown", unknown))
    return [problem(name, listed(about)) for name, about in told if about]


def _policies(tags: Dict[str, str], reports: bool) -> Tuple[Tuple[Optional[str], ...], List[Problem]]:
    """Return p, sp and np as they hold, and what is wrong with them (RFC 9989 4.10.1).

    With one that is no policy the whole record is as good as p=none if `reports` are asked for, and else as none.
    """
    said = {name: tags[name].lower() for name in _POLICY_TAGS if name in tags}
    unknown = ["%s=%s" % (name, tags[name]) for name, value in said.items() if value not in POLICIES]
    if unknown:
        return ("none",) * 3 if reports else _NO_POLICY, [problem("dmarc_policy_unknown", listed(unknown))]
    policy = said.get("p", "none")
    below = said.get("sp", policy)
    nonexistent = said.get("np", below)
    problems = [] if "p" in said else [problem("dmarc_policy_missing")]
    weakest = min(below, nonexistent, key=POLICIES.index)
    if POLICIES.index(weakest) < POLICIES.index(policy):
        problems.append(problem("dmarc_subdomains_weaker", weakest))
    return (policy, below, nonexistent), problems
