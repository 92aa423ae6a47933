# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# How many connections a target may have at once, and who has them.

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Callable, Dict, Tuple

    Target = Tuple[str, int]


class Slots:
    """How many connections each target has: at most so many at once. `freed` is told whose has one less."""

    def __init__(self, per_target: int, freed: Callable[[Target], None]) -> None:
        self.per_target, self.freed = per_target, freed
        self.in_use: Dict[Target, int] = {}


class Share:
    """What one attempt has of its target's slots: one, and more for an address race."""

    def __init__(self, slots: Slots, target: Target) -> None:
        self._slots, self._target = slots, target
        self.held = 0

    def take(self) -> bool:
        """Take one more; return whether there was one."""
        in_use = self._slots.in_use.get(self._target, 0)
        if in_use >= self._slots.per_target:
            return False
        self._slots.in_use[self._target] = in_use + 1
        self.held += 1
        return True

    def keep(self, number: int) -> None:
        """Give back all but so many."""
        in_use = self._slots.in_use
        while self.held > number:
            self.held -= 1
            in_use[self._target] -= 1
            if not in_use[self._target]:
                del in_use[self._target]
            self._slots.freed(self._target)
