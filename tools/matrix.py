# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make matrix`: every ansible-core by controller Python by target Python that can run on this machine.

For each ansible-core: ansible-test's sanity tests once, over all its targets. For each controller: the unit tests, and
for each target a playbook that checks the demonstration's relays from there. Prints the table that the documentation
shows, and writes it there. `make matrix CORES=2.20` runs some; then nothing is written. `own`, for `make test`: the
playbook alone, by the environment that the gates use, on the oldest and the newest target and on this Python.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple

import gates

CORES = ("2.18", "2.19", "2.20", "2.21")
CONTROLLERS = ("3.11", "3.12", "3.13", "3.14")
TARGETS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
PAGE = gates.ROOT / "docs/docsite/rst/versions.rst"
HEAD = """.. Written by `make matrix`.

.. _ansible_collections.postmaster.mailcheck.docsite.versions:

Versions that are tested
========================

``make matrix`` runs each cell whose interpreters it finds, and writes this page: ansible-test's sanity tests once for
each ansible-core, the unit tests for each controller, and for each target Python a playbook that checks a relay from
there, with TLS and a message. *skipped* is a cell whose interpreter was not at hand.

"""


class Row(NamedTuple):
    core: str  # 2.19
    version: str  # 2.19.14
    controller: str
    sanity: str
    units: str
    targets: Dict[str, str]


def main(wanted: List[str]) -> int:
    gates.BUILD.mkdir(exist_ok=True)
    if wanted == ["own"]:
        with relay(gates.tools()) as facts:
            for version in gates.target_versions():
                play(gates.tools(), facts, version)
        return 0
    rows = [row for core in wanted or CORES for row in rows_of(core)]
    table = as_table(rows)
    print(table)
    if not wanted:
        PAGE.write_text(HEAD + table, encoding="utf-8")
    outcomes = [word for row in rows for word in (row.sanity, row.units, *row.targets.values())]
    counts = {word: sum(one.startswith(word) for one in outcomes) for word in ("passed", "failed", "skipped")}
    print("matrix: %(passed)d passed, %(failed)d failed, %(skipped)d skipped" % counts)
    return 1 if counts["failed"] else 0


def rows_of(core: str) -> Iterator[Row]:
    """The rows of one ansible-core: a controller each. What fails is an outcome, and the others go on."""
    sanity_ran = False
    for controller in CONTROLLERS:
        try:
            binaries = environment(core, controller)
        except gates.Skip:
            continue
        supported = gates.supported_targets(binaries)
        if controller not in supported:
            continue
        found = [version for version in supported if version in TARGETS and at_hand(version)]
        sanity = "-"
        if not sanity_ran:
            sanity_ran = True
            sanity = outcome(gates.sanity_of, binaries, controller, found)
        units = outcome(gates.pytest, binaries / "python", "tests/unit")
        targets = dict.fromkeys(supported, "skipped")
        with relay(binaries) as facts:
            for version in found:
                targets[version] = outcome(play, binaries, facts, version)
        yield Row(core, core_version(binaries), controller, sanity, units, targets)


def environment(core: str, controller: str) -> Path:
    """An environment with one ansible-core. Raises Skip where that core does not run on that Python."""
    try:
        requirements = ["demo/requirements.txt", "tests/unit/requirements.txt", "tests/matrix/core-%s.txt" % core]
        return gates.environment("core-%s-py%s" % (core, controller), gates.interpreter(controller), *requirements)
    except gates.Failed:  # pip's word on it is on the screen
        raise gates.Skip("ansible-core %s does not install on Python %s" % (core, controller)) from None


def core_version(binaries: Path) -> str:
    code = "import ansible.release as r; print(r.__version__)"
    return gates.run(binaries / "python", "-c", code, show=False).strip()


def at_hand(version: str) -> bool:
    with contextlib.suppress(gates.Skip):
        return bool(gates.interpreter(version))
    return False


def outcome(step: Callable[..., object], *values: object) -> str:
    try:
        step(*values)
    except gates.Failed as reason:
        print("failed: %s" % reason, flush=True)
        return "failed"
    return "passed"


@contextlib.contextmanager
def relay(binaries: Path) -> Iterator[str]:
    """The demonstration's relays; yields their facts, as JSON."""
    with tempfile.TemporaryDirectory(prefix="mailcheck-matrix-") as folder:
        command = [str(binaries / "python"), str(gates.ROOT / "demo/relay.py"), folder]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdin and process.stdout
            yield process.stdout.readline()
            process.stdin.close()  # which stops it


def play(binaries: Path, facts: str, target: str) -> None:
    """Run the playbook on one target's Python."""
    interpreter = os.path.realpath(gates.interpreter(target))
    extra = {**json.loads(facts), "target_python": target, "ansible_python_interpreter": interpreter}
    with tempfile.TemporaryDirectory(prefix="mailcheck-matrix-") as folder:
        (Path(folder) / "facts.json").write_text(json.dumps(extra), encoding="utf-8")
        variables = {"ANSIBLE_COLLECTIONS_PATH": gates.tree(), "ANSIBLE_HOME": folder, "ANSIBLE_LOCALHOST_WARNING": "0"}
        command = [binaries / "ansible-playbook", "-e", "@%s/facts.json" % folder, "tests/matrix/target.yml"]
        said = gates.run(*command, show=False, **variables)
    if not re.search(r"ok=[1-9]\d* .* failed=0", said):
        raise gates.Failed("the playbook did nothing")


def as_table(rows: List[Row]) -> str:
    """The rows as a simple table of reStructuredText."""
    lines = [["ansible-core", "controller", "sanity", "units", *TARGETS]]
    for row in rows:
        targets = [row.targets.get(version, "-") for version in TARGETS]
        lines.append([row.version, row.controller, row.sanity, row.units, *targets])
    widths = [max(len(line[index]) for line in lines) for index in range(len(lines[0]))]
    rule = "  ".join("=" * width for width in widths)
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines]
    return "\n".join([rule, text[0], rule, *text[1:], rule, ""])


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except gates.Failed as reason:
        print(reason)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
