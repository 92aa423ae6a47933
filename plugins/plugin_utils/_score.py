# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# How much of what was expected is met, as one number. It is of rules, each counted at each subject: a fleet may have a
# high score though none of its relays keeps every rule, so whoever shows it says, too, how many do.

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Any, Mapping, Optional, Sequence

WEIGHTS = {"high": 5, "medium": 3, "low": 1}  # of a rule, by its severity


class Score(NamedTuple):
    """`percent`: what the rules that are met weigh, of all that are met or unmet; None where there are none of these.

    `weights`: the same for every outcome.
    """

    percent: Optional[int]
    weights: Mapping[str, int]


def score_of(rows: Sequence[Mapping[str, Any]]) -> Score:
    """Return the score, rounded down: 100 is for those alone who break no rule."""
    weights: Counter[str] = Counter()
    for row in rows:
        for rule in row["rules"]:
            weights[rule["outcome"]] += weight_of(rule)
    decided = weights["met"] + weights["unmet"]
    return Score(100 * weights["met"] // decided if decided else None, weights)


def weight_of(rule: Mapping[str, Any]) -> int:
    return WEIGHTS.get(rule.get("severity", ""), 1)
