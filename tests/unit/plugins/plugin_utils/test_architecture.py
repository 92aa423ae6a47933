# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What holds of every file of the controller's own code, read from its source.

from __future__ import annotations

import ast
from pathlib import Path

import pytest

pytest.importorskip("ansible", reason="ansible-core is not installed for this Python")

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils import _shape

FOLDER = Path(_shape.__file__).parent
PACKAGE = _shape.__name__.rpartition(".")[0]
FILES = {".".join(path.relative_to(FOLDER).with_suffix("").parts): path for path in FOLDER.rglob("*.py")}
LINES_OF_A_FILE = 350


def imported(name: str) -> set[str]:
    """The files beside it that this one imports, for its types too."""
    nodes = ast.walk(ast.parse(FILES[name].read_text(encoding="utf-8")))
    found = [node for node in nodes if isinstance(node, ast.ImportFrom) and str(node.module).startswith(PACKAGE + ".")]
    names = [(str(node.module)[len(PACKAGE) + 1 :], alias.name) for node in found for alias in node.names]
    return {"%s.%s" % both if "%s.%s" % both in FILES else both[0] for both in names}  # a file, or something in one


def test_no_circle_of_imports_not_even_of_types() -> None:
    left = {name: imported(name) for name in FILES}
    assert set().union(*left.values()) < set(FILES)
    while left:
        grounded = [name for name, needed in left.items() if not needed & set(left)]
        assert grounded, "a circle among %s" % sorted(left)
        for name in grounded:
            del left[name]


def test_private_is_said_by_name() -> None:
    assert [name for name in FILES if not name.startswith("_")] == []


@pytest.mark.parametrize("name", FILES)
def test_a_file_has_one_idea_and_says_it_at_its_head(name: str) -> None:
    lines = FILES[name].read_text(encoding="utf-8").splitlines()
    assert len(lines) <= LINES_OF_A_FILE
    assert lines[4].startswith("# ")
