# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# One page that needs nothing else: no network, and no script but its own (by its content security policy), without
# which it can be read as well.

from __future__ import annotations

import base64
import functools
import hashlib
import os
from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.page import (
    charts,
    evidence,
    standing,
    subjects,
    todo,
)
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.templates import DATA, load_template
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.words import (
    IN_WORDS,
    counted,
    encodable,
    one_of,
)
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._score import WEIGHTS, score_of
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import in_words, plural

if TYPE_CHECKING:
    from typing import Any, Dict, List, Mapping

    import jinja2

    from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import Assessment


def as_html(assessment: Assessment) -> str:
    """A page: how things stand, what to do first, charts, the matrix, changes, waivers, details, and the evidence."""
    script, style = (_asset(name) for name in ("report.js", "report.css"))
    rows = assessment["endpoints"]
    placed = standing.worst_first(assessment)
    states = standing.tally(placed)
    policy = "default-src 'none'; script-src %s; style-src %s; base-uri 'none'; form-action 'none'"
    page = _template().render(
        assessment=assessment,
        charts=charts,
        link_to=subjects.link_to,
        rule_name=subjects.rule_name,
        script=script,
        style=style,
        policy=policy % (_hash(script), _hash(style)),
        states=states,
        names=standing.STATES,
        score=score_of(rows),
        weights=WEIGHTS,
        sentence=standing.sentence_of(rows, states),
        since=None if assessment["changes"] is None else standing.since_last_run(assessment),
        changes=standing.in_short(assessment["changes"] or ()),
        expired=[waiver for waiver in assessment["waivers"] if waiver["state"] == "expired"],
        tasks=todo.tasks(assessment),
        open_questions=todo.open_questions(assessment),
        rules=todo.rules_by_kind(assessment),
        tables=subjects.tables(placed),
        details=subjects.details(placed),
        ids=[row["id"] for row in rows],
        expiries=_expiries(assessment),
        records=[record for row in rows for record in row.get("records", ())],
        one_of=one_of(rows),
        in_words=in_words(rows, " and "),
        evidence=evidence.evidence_of(assessment),
        profiles=evidence.titled_profiles(assessment),
        outcomes=IN_WORDS,
    )
    return encodable(page)


@functools.lru_cache(maxsize=None)
def _template() -> jinja2.Template:
    return load_template(
        "report.html.j2", autoescape=True, days_left=_days_left, plural=plural, with_code=subjects.with_code
    )


def _days_left(days: int) -> str:
    return counted(days, "day") + " left" if days >= 0 else "expired %s ago" % counted(-days, "day")


def _asset(name: str) -> str:
    """A file of ours without its licence header, which is the page's own."""
    with open(os.path.join(DATA, name), encoding="utf-8") as file:
        return file.read().partition("*/\n")[2]


def _hash(text: str) -> str:
    return "'sha256-%s'" % base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _expiries(assessment: Assessment) -> List[Dict[str, Any]]:
    """Each certificate in use, the first to expire first, with the places of the relays that show it."""
    shown: Dict[str, List[int]] = {}
    for index, row in enumerate(assessment["endpoints"]):
        if row["certificate"] in assessment["certificates"]:
            shown.setdefault(row["certificate"], []).append(index)
    found: List[Mapping[str, Any]] = [
        {**assessment["certificates"][name], "rows": places} for name, places in shown.items()
    ]
    return sorted((dict(one) for one in found), key=lambda one: str(one["not_after"]))
