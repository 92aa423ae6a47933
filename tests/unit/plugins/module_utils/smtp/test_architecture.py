# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The house and its rules, read from the engine's own source.

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp import model

ENGINE = Path(model.__file__).parent
FILES = sorted(ENGINE.glob("*.py"))
# From the ground up: a file stands only on floors below its own.
FLOORS = [
    ["model"],
    ["replies", "capabilities", "transcript", "explain", "resolve"],
    ["certificates", "commands", "sasl", "message", "probes", "talk", "mx"],
    ["authentication", "transaction", "expectations", "tls"],
    ["conversation", "dialogue", "plan", "options"],
    ["report", "session", "fleet"],
    ["driver"],
    ["check"],
    ["sweep"],
]
FLOOR = {name: number for number, names in enumerate(FLOORS) for name in names}
# No socket, no clock, no thread, no file: what they need is handed in.
PURE = [
    "model", "replies", "capabilities", "transcript", "explain", "certificates", "commands", "probes", "talk",
    "authentication", "transaction", "expectations", "conversation", "dialogue", "plan",
]  # fmt: skip
IMPURE_IMPORTS = {
    "socket", "selectors", "ssl", "threading", "queue", "time", "random", "os", "io", "pathlib", "subprocess",
}  # fmt: skip
# Only where a check needs them, inside the function that does.
NEVER_AT_START = {
    "asyncio", "concurrent", "dataclasses", "dns", "email", "http", "smtplib", "stringprep", "unittest", "urllib",
    "xml",
}  # fmt: skip
LINES_ON_A_SCREEN = 60


def at_start(tree):
    """Return the statements that run when the file is imported, those for type checkers left out."""
    for node in tree.body:
        if not (isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"):
            yield node


def imports(nodes):
    """Yield (floors up, name) of every import: 1 is `from .name`, 0 a module of elsewhere."""
    for node in nodes:
        for inner in ast.walk(node):
            if isinstance(inner, ast.Import):
                yield from ((0, alias.name) for alias in inner.names)
            elif isinstance(inner, ast.ImportFrom) and inner.module is None:
                yield from ((inner.level, alias.name) for alias in inner.names)
            elif isinstance(inner, ast.ImportFrom):
                yield inner.level, inner.module


def parsed(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def test_every_file_has_its_floor():
    assert sorted(FLOOR) == [path.stem for path in FILES]
    assert len(FLOOR) == sum(map(len, FLOORS))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_imports_run_downward_only(path):
    """Inside functions too; what is imported for type checkers alone may come from anywhere in the house."""
    for level, name in imports(at_start(parsed(path))):
        assert level in (0, 1), "%s leaves the engine" % name
        if level == 1:
            assert FLOOR[name] < FLOOR[path.stem], "%s is not below %s" % (name, path.stem)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_engine_knows_nothing_of_ansible_and_little_of_others(path):
    ours = set(getattr(sys, "stdlib_module_names", ())) | {"__future__", "dns"}
    for level, name in imports([parsed(path)]):
        package = name.partition(".")[0]
        if level == 0:
            assert package not in ("ansible", "ansible_collections")
            assert not hasattr(sys, "stdlib_module_names") or package in ours, name


@pytest.mark.parametrize("name", PURE)
def test_pure_files_touch_nothing_outside(name):
    outside = {
        module.partition(".")[0] for level, module in imports(at_start(parsed(ENGINE / (name + ".py")))) if not level
    }
    assert outside & IMPURE_IMPORTS == set()
    calls = [node.func.id for node in ast.walk(parsed(ENGINE / (name + ".py")))
             if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]  # fmt: skip
    assert "open" not in calls and "print" not in calls and "input" not in calls


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_function_fits_on_a_screen(path):
    for node in ast.walk(parsed(path)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert node.end_lineno - node.lineno < LINES_ON_A_SCREEN, node.name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_begins_with_its_licence_and_its_strategy(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# Copyright (c) ")
    assert lines[2] == "# SPDX-" + "License-Identifier: BSD-2-Clause"  # in two: this file has another
    assert lines[4].startswith("# Private to the collection. ")
    assert "from __future__ import annotations" in lines
    assert max(map(len, lines)) <= 120 or path.stem == "explain"  # tables of sentences


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_error_is_swallowed_wholesale(path):
    """`except Exception` stands at a boundary only, and says so; a bare `except` stands nowhere."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None
            if getattr(node.type, "id", "") in ("Exception", "BaseException"):
                assert "# noqa: BLE001" in lines[node.lineno - 1]
                assert not isinstance(node.body[0], ast.Pass)


def test_there_is_no_package_file():
    assert list(ENGINE.rglob("__init__.py")) == []


def test_a_check_loads_only_what_it_uses():
    """Start-up is part of the cost. Modules that this interpreter loads by itself do not count."""
    code = (
        "import sys; before = set(sys.modules); sys.path.insert(0, %r); import smtp.check;"
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code % str(ENGINE.parent)], stdout=subprocess.PIPE, check=True, timeout=60
    )
    loaded = done.stdout.decode().split()
    assert "smtp.check" in loaded
    assert [name for name in loaded if name.partition(".")[0] in NEVER_AT_START] == []
