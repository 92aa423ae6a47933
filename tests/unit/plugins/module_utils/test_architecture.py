# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The house and its rules, read from the engine's own source: wings are folders, and imports run downward only.

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils import _errors

ENGINE = Path(_errors.__file__).parent
FILES = {path.relative_to(ENGINE).with_suffix("").as_posix().replace("/", "."): path for path in ENGINE.rglob("*.py")}
# Wing -> the wings it stands on. A wing that is not here fails: its floor is a decision.
STANDS_ON = {
    "_net": set(),
    "_verdicts": set(),
    "_smtp": {"_net", "_verdicts"},
    "_mailbox": {"_net", "_verdicts"},
    "_domain": {"_net", "_verdicts", "_smtp"},
    "_audit": {"_net", "_verdicts", "_smtp", "_mailbox"},
}
# Files in no wing: what all may use, and what binds the engine to Ansible, which none may use.
GROUND = {"_errors", "_files", "_process", "_version"}
ROOF = {"_module_support"}
# A socket, a clock, a thread or a file: these have them, all others are handed what they need.
IMPURE = {
    "_audit.check", "_domain.check", "_errors", "_files", "_mailbox.connection", "_mailbox.imap.answers", "_mailbox.imap.client",
    "_mailbox.maildir", "_mailbox.pop3.client", "_mailbox.wait", "_net.blocking", "_net.connection",
    "_net.dns.exchange", "_net.dns.lookup", "_net.dns.servers", "_net.dns.zone_files", "_net.driver",
    "_net.https", "_net.loop", "_net.names", "_net.race", "_net.sasl.exchange", "_net.session", "_net.tls.channel",
    "_net.tls.contexts", "_net.tls.judging", "_smtp.actions", "_smtp.check", "_smtp.endpoint", "_smtp.message",
    "_smtp.sweep", "_version",
}  # fmt: skip
IMPURE_IMPORTS = {
    "socket", "selectors", "ssl", "threading", "queue", "time", "random", "os", "io", "pathlib", "subprocess",
}  # fmt: skip
# Only where a check needs them, inside the function that does.
NEVER_AT_START = {
    "asyncio", "concurrent", "dataclasses", "dns", "email", "http", "smtplib", "ssl", "stringprep", "unittest",
    "urllib", "xml",
}  # fmt: skip
LINES_ON_A_SCREEN = 60
LINES_OF_A_FILE = 350
LINES_OF_A_CLASS = 180
TABLES = {"_domain.problems", "_verdicts.causes"}  # longer, because a table is read row by row

every_file = pytest.mark.parametrize("name", sorted(FILES))


def parsed(name):
    return ast.parse(FILES[name].read_text(encoding="utf-8"))


def at_start(tree):
    """Return the statements that run when the file is imported, those for type checkers left out."""
    for node in tree.body:
        if not (isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"):
            yield node


def imported(name, nodes):
    """Yield every module that `nodes` of a file import: ours by their place below the engine, others by `/name`."""
    package = name.split(".")[:-1]
    for node in nodes:
        for inner in ast.walk(node):
            if isinstance(inner, ast.Import):
                yield from ("/" + alias.name for alias in inner.names)
            elif isinstance(inner, ast.ImportFrom) and not inner.level:
                yield "/" + (inner.module or "")
            elif isinstance(inner, ast.ImportFrom):
                assert inner.level <= len(package) + 1, "%s leaves the engine" % name
                base = package[: len(package) + 1 - inner.level] + (inner.module or "").split(".")
                base = [part for part in base if part]
                for alias in inner.names:
                    whole = ".".join([*base, alias.name])
                    yield whole if whole in FILES else ".".join(base)


def ours(name):
    """Every file of the engine that this one needs, for its types too."""
    return {other for other in imported(name, [parsed(name)]) if not other.startswith("/")}


def wing(name):
    return name.partition(".")[0]


@every_file
def test_a_wing_stands_on_lower_wings_only(name):
    """Inside functions and for type checkers as well."""
    if wing(name) in ROOF:
        return
    allowed = GROUND if wing(name) in GROUND else {wing(name), *GROUND, *STANDS_ON[wing(name)]}
    assert {wing(other) for other in ours(name)} <= allowed


def test_no_circle_of_imports_not_even_of_types():
    done, path = set(), []

    def visit(name):
        assert name not in path, "a circle: %s" % " -> ".join([*path[path.index(name) :], name])
        if name not in done:
            path.append(name)
            for other in sorted(ours(name)):
                visit(other)
            done.add(path.pop())

    for name in sorted(FILES):
        visit(name)


@every_file
def test_the_engine_knows_nothing_of_ansible_and_little_of_others(name):
    known = set(getattr(sys, "stdlib_module_names", ())) | {"__future__"}
    if name.startswith("_net.dns."):
        known.add("dns")  # dnspython: nobody else knows it
    if name == "_mailbox.signatures":
        known.update(("dkim", "dns"))  # dkimpy and what it needs, where they are installed
    for module in imported(name, [parsed(name)]):
        package = module[1:].partition(".")[0]
        if module.startswith("/") and name not in ROOF:
            assert package not in ("ansible", "ansible_collections")
            assert package != "dns" or package in known, module
            assert not hasattr(sys, "stdlib_module_names") or package in known, module


def outside(name):
    """What a file touches that is not handed in."""
    modules = {module[1:].partition(".")[0] for module in imported(name, at_start(parsed(name))) if module[0] == "/"}
    calls = [node.func.id for node in ast.walk(parsed(name))
             if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]  # fmt: skip
    return modules & IMPURE_IMPORTS | {"open", "print", "input"} & set(calls)


def test_every_file_is_pure_but_those_that_are_named():
    assert {name for name in set(FILES) - ROOF if outside(name)} == IMPURE


def test_the_tables_of_this_test_name_files_that_exist():
    assert GROUND | ROOF | IMPURE | TABLES <= set(FILES)
    assert set(STANDS_ON) == {wing(name) for name in FILES} - GROUND - ROOF


@every_file
def test_files_classes_and_functions_have_bounds(name):
    """A function fits on a screen; a file has one idea."""
    for node in ast.walk(parsed(name)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert node.end_lineno - node.lineno < LINES_ON_A_SCREEN, node.name
        if isinstance(node, ast.ClassDef):
            assert node.end_lineno - node.lineno < LINES_OF_A_CLASS, node.name
    lines = FILES[name].read_text(encoding="utf-8").splitlines()
    assert len(lines) <= LINES_OF_A_FILE or name in TABLES
    assert max(map(len, lines)) <= 120


@every_file
def test_every_file_begins_with_its_licence_and_its_strategy(name):
    lines = FILES[name].read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# Copyright (c) ")
    assert lines[2] == "# SPDX-" + "License-Identifier: BSD-2-Clause"  # in two: this file has another
    assert lines[4].startswith("# ")
    assert "from __future__ import annotations" in lines


@every_file
def test_no_error_is_swallowed_wholesale(name):
    """`except Exception` stands at a boundary only, and says so; a bare `except` stands nowhere."""
    lines = FILES[name].read_text(encoding="utf-8").splitlines()
    for node in ast.walk(parsed(name)):
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None
            if getattr(node.type, "id", "") in ("Exception", "BaseException"):
                assert "# noqa: BLE001" in lines[node.lineno - 1]
                assert not isinstance(node.body[0], ast.Pass)


def test_private_is_said_by_name():
    """Nothing in module_utils/ is for others: every file and folder at its top says so."""
    assert [path.name for path in ENGINE.iterdir() if path.suffix == ".py" and not path.name.startswith("_")] == []
    assert [path.name for path in ENGINE.iterdir() if path.is_dir() and not path.name.startswith("_")] == []


def test_there_is_no_package_file():
    assert list(ENGINE.rglob("__init__.py")) == []


def test_a_check_loads_only_what_it_uses():
    """Start-up is part of the cost. Modules that this interpreter loads by itself do not count."""
    code = (
        "import sys; before = set(sys.modules); sys.path.insert(0, %r); import module_utils._smtp.check;"
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code % str(ENGINE.parent)], stdout=subprocess.PIPE, check=True, timeout=60
    )
    loaded = done.stdout.decode().split()
    assert "module_utils._smtp.check" in loaded
    assert [name for name in loaded if name.partition(".")[0] in NEVER_AT_START] == []
