# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: what `mailcheck explain` answers, from the engine's tables.

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.explain import (
    CAUSES,
    ENHANCED_CODES,
    Cause,
    explain_code,
    hint_of,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.options import did_you_mean

if TYPE_CHECKING:
    from typing import Any, Dict, List, Sequence

_CLASSES = {"2": "success", "4": "refused for now", "5": "refused for good"}


def explain(words: Sequence[str]) -> List[Dict[str, Any]]:
    """One dictionary a word, or a pair of codes; every cause if there is no word. Raises ValueError."""
    text = " ".join(words)
    if not words:
        return [_cause(name) for name in CAUSES]
    if re.fullmatch(r"[2-5][0-9]{2}( [245](\.[0-9]{1,3}){2})?", text):
        return [{"code": text, "explanation": explain_code(int(words[0]), *words[1:])}]
    if re.fullmatch(r"[245](\.[0-9]{1,3}){2}", text):
        detail = ENHANCED_CODES.get(text[2:], "not a registered enhanced code")
        return [{"code": text, "explanation": "%s: %s (%s)" % (text, detail, _CLASSES[text[0]])}]
    for word in words:
        if word not in CAUSES:
            raise ValueError("'%s' is neither a reply code nor a cause.%s" % (word, did_you_mean(word, CAUSES)))
    return [_cause(word) for word in words]


def _cause(name: str) -> Dict[str, Any]:
    cause: Cause = CAUSES[name]
    return {
        "cause": name,
        "stages": cause.stages.split(),
        "verdict": cause.verdict,
        "retried": cause.retried or cause.verdict in ("unreachable", "deferred"),
        "explanation": cause.explanation,
        "hint": hint_of(name, "HOST", "PORT"),
    }
