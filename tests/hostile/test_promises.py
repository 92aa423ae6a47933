# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# SECURITY.md names a test with each promise. Each of them exists, and no promise goes without.

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROMISES = (ROOT / "SECURITY.md").read_text(encoding="utf-8").partition("## What is promised")[2]
NAMED = sorted(set(re.findall(r"`(tests/\S+\.py)::(\w+)`", PROMISES)))
ROWS = [line for line in PROMISES.splitlines() if line.startswith("| ") and not line.startswith(("| promise", "| ---"))]


@pytest.mark.parametrize(("path", "name"), NAMED, ids=[name for _path, name in NAMED])
def test_the_test_that_is_named_exists(path: str, name: str) -> None:
    assert re.search(r"^def %s\(" % name, (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)


def test_each_promise_names_a_test() -> None:
    assert len(ROWS) > 20
    assert [row for row in ROWS if not re.search(r"`tests/\S+\.py::test_\w+`", row)] == []
