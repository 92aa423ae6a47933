# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What several hosts have swept, back in the order of the list that was dealt out.

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import AssessmentError
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shares import join_shares

RELAYS = ["r%d.example.com" % number for number in range(7)]
VANTAGE = ["north", "east", "south"]


def share(number: int, of: int = 3) -> dict[str, Any]:
    """What one host returned: its rows, and certificates of its own."""
    return {"endpoints": [{"input": name} for name in RELAYS[number::of]], "certificates": {"c%d" % number: {}}}


def test_the_rows_are_in_the_order_of_the_list_and_name_their_host() -> None:
    joined = join_shares([share(0), share(1), share(2)], VANTAGE)
    assert [row["input"] for row in joined["endpoints"]] == RELAYS
    assert [row["vantage"] for row in joined["endpoints"]] == [*VANTAGE, *VANTAGE, "north"]
    assert list(joined["certificates"]) == ["c0", "c1", "c2"]


def test_a_host_that_could_not_check_its_share_leaves_its_rows_out_and_no_others_are_moved() -> None:
    joined = join_shares([share(0), {"unreachable": True, "msg": "gone"}, share(2)], VANTAGE)
    assert [row["input"] for row in joined["endpoints"]] == [RELAYS[at] for at in (0, 2, 3, 5, 6)]


def test_more_hosts_than_relays() -> None:
    assert len(join_shares([share(0, 7), {"skipped": True}], ["a", "b"])["endpoints"]) == 1


def test_no_rows_at_all() -> None:
    assert join_shares([{}], ["a"]) == {"endpoints": [], "certificates": {}}


@pytest.mark.parametrize("vantage", [["north"], "abc", None])
def test_each_share_has_its_name(vantage: Any) -> None:
    with pytest.raises(AssessmentError, match="a name for each share"):
        join_shares([share(0), share(1), share(2)], vantage)
