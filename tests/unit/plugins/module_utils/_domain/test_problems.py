# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The closed list of problems: each has its sentence and its source, and none is dead.

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain import problems

SOURCES = [path for path in Path(problems.__file__).parent.rglob("*.py") if path.name != "problems.py"]
# What stands in quotes there and may be the name of a problem, or a pattern of several: "mta_sts_%s".
NAMES = {name for path in SOURCES for name in re.findall('"([a-z0-9_%]+)"', path.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("name", sorted(problems.PROBLEMS))
def test_a_problem(name):
    level, text, source = problems.PROBLEMS[name]
    assert level in ("error", "warning")
    assert text.count("%") == text.count("%s") <= 1
    assert source and "  " not in text
    assert any(re.fullmatch(used.replace("%s", "[a-z]+"), name) for used in NAMES)


def test_what_is_filled_in_stands_in_the_sentence():
    name, (level, text, source) = next(item for item in problems.PROBLEMS.items() if "%s" in item[1].text)
    assert problems.problem(name, "X") == problems.Problem(name, level, text % "X", source)
