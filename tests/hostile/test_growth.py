# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Twice the input, at most 2.3 times the steps that the interpreter takes.

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING

import pytest

from ansible_collections.postmaster.mailcheck.tests.hostile.growth import GROWTH, MOST, Growing

if TYPE_CHECKING:
    from types import FrameType
    from typing import Any, Callable


def steps(call: Callable[[Any], Any], value: Any) -> int:
    """How many bytecode instructions `call(value)` takes."""
    taken = 0

    def trace(frame: FrameType, event: str, _value: Any) -> Any:
        nonlocal taken
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        taken += event == "opcode"
        return trace

    # What earlier tests left is not cleared away within the count: finalisers and gc.callbacks are Python too.
    gc.collect()
    gc.disable()
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call(value)
    finally:
        sys.settrace(before)
        gc.enable()
    return taken


@pytest.mark.parametrize("name", GROWTH)
def test_twice_the_input_is_no_more_than_twice_the_work(name: str) -> None:
    row = GROWTH[name]
    # What is loaded and compiled once is not counted; and Python 3.13 counts the first call too low.
    steps(row.call, row.make(row.size // 64))
    half, whole = (steps(row.call, row.make(size)) for size in (row.size // 16, row.size // 8))
    assert 0 < whole <= MOST * half


def test_the_count_would_see_what_grows_faster() -> None:
    def each_with_each(numbers: list[int]) -> int:
        return sum(1 for one in numbers for other in numbers if one == other)

    row = Growing(lambda size: list(range(size)), each_with_each, 400)
    half, whole = (steps(row.call, row.make(size)) for size in (row.size // 2, row.size))
    assert whole > 3 * half
