# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What a monitoring plugin says, read by the guidelines of the Monitoring Plugins: ours, and others'.

from __future__ import annotations

import re
from typing import NamedTuple

STATES = {"OK": 0, "WARNING": 1, "CRITICAL": 2, "UNKNOWN": 3}
# 'label'=value[unit];[warn];[crit];[min];[max]: the unit is none, or one that the guidelines know.
_PERFORMANCE = re.compile(r"([A-Za-z_]+)=(-?[0-9.]+)(s|us|ms|%|B|KB|MB|TB|c|)((?:;[0-9.]*){0,4})")


class Read(NamedTuple):
    service: str
    status: int
    text: str
    performance: dict[str, float]
    long: list[str]


def read(text: str) -> Read:
    """The first line up to the first bar, the performance data behind it, and the other lines, without another bar."""
    first, *rest = text.rstrip("\n").split("\n")
    told, _bar, data = first.partition("|")
    assert "|" not in data and "|" not in "".join(rest)
    matched = re.fullmatch(r"([A-Z]+) ([A-Z]+) - (.*?) ?", told)
    assert matched, told
    service, state, said = matched.groups()
    matches = [_PERFORMANCE.fullmatch(word) for word in data.split()]
    assert all(matches), data
    return Read(service, STATES[state], said, {one[1]: float(one[2]) for one in matches if one}, rest)
