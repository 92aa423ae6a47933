# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Breaches that are accepted for a time. One for which a waiver holds is reported as waived; a waiver that has run out
# excuses nothing.

from __future__ import annotations

import datetime
import fnmatch
from typing import TYPE_CHECKING, NamedTuple

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import (
    AS_SUCH,
    AssessmentError,
    network_names,
)

if TYPE_CHECKING:
    from typing import Any, Iterable, List, Sequence, Set

    from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import Excuse, JudgedWaiver, Row, Rule


# Why a waiver is unused: by how much of it fits.
_NOTES = (
    "nothing that was judged is called so",
    "it has no rule of this name",
    "what it excuses is not broken",
)


class Waiver(NamedTuple):
    """One accepted breach: `rule` and `endpoint` are patterns (`*`, `?`)."""

    rule: str
    endpoint: str
    reason: str
    owner: str
    expires: datetime.date  # the last day that it holds


def read_waivers(given: Iterable[Any]) -> List[Waiver]:
    """Return what was given as dictionaries with the fields of Waiver. Raises AssessmentError."""
    return [_read("waivers[%d]" % index, one) for index, one in enumerate(given)]


def _read(where: str, given: Any) -> Waiver:
    if not isinstance(given, dict):
        raise AssessmentError("%s: must be a dictionary of %s" % (where, ", ".join(Waiver._fields)))
    for name in given:
        if name not in Waiver._fields:
            raise AssessmentError("%s.%s: is not known. Known: %s" % (where, name, ", ".join(Waiver._fields)))
    for name in Waiver._fields:
        if not given.get(name):
            raise AssessmentError(
                "%s.%s: is needed: a waiver says what, where, why, whose and until when" % (where, name)
            )
    fields = {name: str(given[name]) for name in Waiver._fields[:-1]}
    return Waiver(expires=read_day(where + ".expires", given["expires"]), **fields)


def read_day(where: str, given: Any) -> datetime.date:
    """Return a day as YAML or JSON gives it: a date, a time, or text. Raises AssessmentError, which names `where`."""
    if isinstance(given, datetime.datetime):
        return given.date()
    if isinstance(given, datetime.date):
        return given
    try:
        return datetime.date.fromisoformat(str(given)[:10])
    except ValueError:
        raise AssessmentError("%s: must be a day, such as 2026-12-31" % where) from None


def apply_waivers(rows: Iterable[Row], waivers: Sequence[Waiver], day: datetime.date) -> List[JudgedWaiver]:
    """Turn breaches for which a waiver holds into waived ones, and return the waivers with their states."""
    used: Set[int] = set()
    fitting: Set[int] = set()  # to a subject
    ruled: Set[int] = set()  # and to a rule of it
    for row in rows if waivers else ():
        names = _names(row)
        applicable = [index for index, one in enumerate(waivers) if any(_fits(name, one.endpoint) for name in names)]
        fitting.update(applicable)
        for rule in row["rules"] if applicable else ():
            about = [index for index in applicable if _is_about(rule, waivers[index])]
            ruled.update(about)
            if rule["outcome"] == "unmet":
                used.update(_waive(rule, waivers, about, day))
    return [
        _judged(one, day, index in used, _NOTES[(index in fitting) + (index in ruled)])
        for index, one in enumerate(waivers)
    ]


def _names(row: Row) -> Set[str]:
    """Return what a subject is called: in the report, by its owner, by who audits it, and by the network."""
    audited = (row.get("audit") or {}).get("name")
    also = [audited, "%s:%s" % (audited, row.get("port"))] if audited else []
    return {row["id"], row["name"], *network_names(row["subject"]), *also}


def _judged(waiver: Waiver, day: datetime.date, used: bool, note: str) -> JudgedWaiver:
    state = "expired" if waiver.expires < day else "active" if used else "unused"
    judged: JudgedWaiver = {"rule": waiver.rule, "endpoint": waiver.endpoint, **_excuse(waiver), "state": state}
    if state == "unused":
        judged["note"] = note
    return judged


def _waive(rule: Rule, waivers: Sequence[Waiver], applicable: Iterable[int], day: datetime.date) -> List[int]:
    """Waive a breach by the first of the waivers about it that holds; return its index, if there is one."""
    for index in applicable:
        waiver = waivers[index]
        if waiver.expires >= day:
            rule["outcome"] = "waived"
            rule["waiver"] = _excuse(waiver)
            rule.pop("expired_waiver", None)
            return [index]
        rule["expired_waiver"] = _excuse(waiver)
    return []


def _is_about(rule: Rule, waiver: Waiver) -> bool:
    causes = ["%s.%s" % (rule["id"], rule["observed"])] if rule["id"] in AS_SUCH else []
    return any(_fits(name, waiver.rule) for name in [rule["id"], *causes])


def _fits(name: str, pattern: str) -> bool:
    """Brackets stand for themselves: they are how an IPv6 address is written."""
    return fnmatch.fnmatchcase(name, pattern.replace("[", "[[]"))


def _excuse(waiver: Waiver) -> Excuse:
    return {"reason": waiver.reason, "owner": waiver.owner, "expires": waiver.expires.isoformat()}
