# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: what codes, causes, rules and profiles mean.

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.causes import hint_of
from postmaster_mailcheck.commands.words import as_argument, in_flags
from postmaster_mailcheck.views.lines import Line, text

if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, List


def explanation(found: List[Dict[str, Any]], _detail: int) -> Iterator[Line]:
    for index, one in enumerate(found):
        if index:
            yield Line()
        name = one.get("rule") or one.get("profile")
        if name:
            yield text(name, "bold")
        elif one["cause"]:
            stages = one.get("stages") or [one["stage"]]
            yield Line(((one["cause"], "bold"), (" (%s; %s)" % (one["verdict"], " ".join(stages)), "dim")), 2)
        yield text(in_flags(one["explanation"]))
        if one.get("facts"):
            yield text(", ".join("%s: %s" % named for named in one["facts"].items()))
        if name:
            yield Line((("Ask: ", "bold"), (one["asked"], "")), 5)
        if one.get("rule"):
            yield Line((("Remedy: ", "bold"), (in_flags(one["hint"]), "")), 6)
        elif one["cause"]:
            yield Line((("Next: ", "bold"), (hint_of(one["cause"], "HOST", "PORT", as_argument), "")), 6)
            yield from _besides(one)
        elif one["causes"] and not name:
            yield Line((("Causes: ", "bold"), (", ".join(one["causes"]), "")), 8)


def _besides(one: Dict[str, Any]) -> Iterator[Line]:
    """What a check that failed by this cause has not said already."""
    if one.get("said_by"):
        yield Line((("Often said as: ", "bold"), (", ".join(one["said_by"]), "")), 6)
    if "retried" in one:
        told = "--retry-for tries again" if one["retried"] else "no, waiting mends nothing"
        yield Line((("Tried again: ", "bold"), (told, "")), 6)
