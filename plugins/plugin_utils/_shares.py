# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A fleet that several hosts have swept, each a share of it, as one result.
#
# Ansible looks into each value of what a task makes: rows that go through one template cost a third of what they cost
# in three, and 100,000 of them are worth that.

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import AssessmentError

if TYPE_CHECKING:
    from typing import Any, Dict, List, Mapping, Sequence


def join_shares(shares: Sequence[Mapping[str, Any]], vantage: Sequence[str]) -> Dict[str, Any]:
    """Return `endpoints` and `certificates` of all shares, the rows in the order of the list that was dealt out.

    `shares`: what smtp_sweep returned for each, or what stands in its place of a host that could not; `vantage`: the
    hosts' names, which their rows get. The first had the rows 0, n, 2n …, the next 1, n + 1 … Raises AssessmentError.
    """
    if not isinstance(vantage, (list, tuple)) or len(vantage) != len(shares):
        raise AssessmentError("vantage: must be a list with a name for each share")
    columns: List[List[Dict[str, Any]]] = [
        [{**row, "vantage": name} for row in share.get("endpoints") or ()] for share, name in zip(shares, vantage)
    ]
    return {
        "endpoints": [row for turn in zip_longest(*columns) for row in turn if row is not None],
        "certificates": {name: one for share in shares for name, one in (share.get("certificates") or {}).items()},
    }
