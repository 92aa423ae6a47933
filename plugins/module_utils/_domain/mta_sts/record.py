# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# By which a domain announces that it has an MTA-STS policy: the TXT record at _mta-sts (RFC 8461 3.1).

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ..._net.dns.model import ABSENT, PRESENT, Question
from ..problems import problem
from ..txt import listed, parse_fields, published, quoted, shown, strangers
from ..unanswered import is_open, why

if TYPE_CHECKING:
    from typing import Tuple

    from ..._net.dns.model import Evaluation
    from ..problems import Problem

_VERSION = re.compile(r"v=STSv1[ \t]*;")
_ID = re.compile("[A-Za-z0-9]{1,32}")


class Announcement(NamedTuple):
    """The record. A problem of level error means that senders take the domain for one without a policy."""

    state: str
    reason: str
    problems: Tuple[Problem, ...]
    name: str  # where it is published
    record: str = ""
    id: str = ""  # changes with the policy


def record_name(domain: str) -> str:
    return "_mta-sts." + domain


def look_up_mta_sts(domain: str) -> Evaluation[Announcement]:
    """Ask for the record, in one round trip. judge_mta_sts() takes it from there."""
    name = record_name(domain)
    (answer,) = yield (Question(name, "TXT"),)
    facts = Announcement(answer.state, why(answer) if is_open(answer) else "", (), name)
    if answer.state != PRESENT:
        return facts
    found = published(answer, _VERSION, "STS")
    if not found.records:
        return facts._replace(state=ABSENT, problems=strangers(found, name))
    if len(found.records) > 1:
        several = problem("mta_sts_several", "%s: %s" % (name, listed(found.records)))
        return facts._replace(problems=(several,), record=shown(found.records[0]))
    (text,) = found.records
    fields, problems = parse_fields(_VERSION.sub("", text, count=1), ("id",))
    identifier = fields.get("id", "")
    if not _ID.fullmatch(identifier) and ("id" in fields or not problems):
        problems.append(problem("mta_sts_id", quoted(identifier)))
        identifier = ""
    return facts._replace(problems=tuple(problems), record=shown(text), id=identifier)
