# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# BIMI records (draft-brand-indicators-for-message-identification): the syntax, and whether DMARC is strict enough.
# Neither logo nor evidence is fetched.

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from .._net.dns.model import ABSENT, PRESENT, Question
from .problems import is_valid, problem
from .txt import parse_tags, published, quoted, shown, strangers
from .unanswered import is_open, why

if TYPE_CHECKING:
    from typing import List, Optional, Tuple

    from .._net.dns.model import Answer, Evaluation
    from .dmarc.policy import Dmarc
    from .problems import Problem

_VERSION = re.compile(r"v[ \t]*=[ \t]*BIMI1[ \t]*(?:;|\Z)")
_LOCATION = re.compile(r"https://[!-+\x2d-~]+", re.IGNORECASE)


class Bimi(NamedTuple):
    """A domain's BIMI record, of the selector `default`."""

    state: str
    reason: str
    valid: Optional[bool]
    problems: Tuple[Problem, ...]
    found_at: str = ""
    record: str = ""
    location: str = ""  # of the logo
    evidence: str = ""  # of the mark certificate
    declined: bool = False  # the domain says that it has no logo


def look_up_bimi(domain: str, dmarc: Dmarc) -> Evaluation[Bimi]:
    """Return the BIMI record of a domain or else of its organizational domain, in one round trip.

    `dmarc` is what was found for the same domain: without an enforced policy no logo is shown.
    """
    names = dict.fromkeys([domain, dmarc.organizational_domain or domain])
    answers = yield tuple(Question("default._bimi." + name, "TXT") for name in names)
    facts = [_bimi(answer) for answer in answers]
    found = next((item for item in facts if item.state != ABSENT), facts[0])
    if found.state != PRESENT or found.declined:
        return found
    problems = (*found.problems, *_enforcement(dmarc))
    return found._replace(valid=is_valid(problems), problems=problems)


def _bimi(answer: Answer) -> Bimi:
    name = answer.question.name
    if is_open(answer):
        return Bimi(answer.state, why(answer), None, ())
    found = published(answer, _VERSION, "BIMI")
    if not found.records:
        return Bimi(ABSENT, "", None, strangers(found, name))
    record, *others = found.records
    if others:
        return Bimi(PRESENT, "", None, (problem("bimi_several", name),), name)
    tags, problems = parse_tags(record)
    declined = tags.get("l") == "" and not tags.get("a")
    for tag in () if declined else ("l", "a"):
        value = tags.get(tag, "")
        if (value or tag == "l") and not _LOCATION.fullmatch(value):
            problems.append(problem("bimi_location", quoted("%s=%s" % (tag, value))))
    return Bimi(
        state=PRESENT,
        reason="",
        valid=is_valid(problems),
        problems=tuple(problems),
        found_at=name,
        record=shown(record),
        location=shown(tags.get("l", "")),
        evidence=shown(tags.get("a", "")),
        declined=declined,
    )


def _enforcement(dmarc: Dmarc) -> List[Problem]:
    """Return what is wrong with a DMARC policy under which no logo is shown; nothing where it is not known."""
    if dmarc.state not in (PRESENT, ABSENT):
        return []
    asked = [policy or "nothing" for policy in (dmarc.effective_policy, dmarc.subdomain_policy)]
    mild = [policy for policy in asked if policy in ("none", "nothing")]
    return [problem("bimi_not_enforced", mild[0])] if mild else []
