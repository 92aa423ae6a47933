# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes docs/docsite/rst/versions.rst from the rows that `make matrix` left, a file a row: matrix.py FOLDER

A row is JSON: core (2.19.14), controller, sanity, roles, units, and targets: a Python -> passed, failed or skipped.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Dict, List

PAGE = Path(__file__).resolve().parent.parent / "docs/docsite/rst/versions.rst"
HEAD = """.. Written by `make matrix`.

.. _ansible_collections.postmaster.mailcheck.docsite.versions:

Versions that are tested
========================

``make matrix`` runs each cell whose interpreters it finds, and writes this page: ansible-test's sanity tests, and the
roles and playbooks, once for each ansible-core, the unit tests for each controller, and for each target Python a
playbook that checks a relay from there, with TLS and a message. *skipped* is a cell whose interpreter was not at hand.

"""


def main(folder: Path) -> int:
    files = sorted(folder.glob("*.json"))
    if not files:
        print("no row in %s" % folder)
        return 1
    table = as_table([json.loads(file.read_text(encoding="utf-8")) for file in files])
    print(table)
    PAGE.write_text(HEAD + table, encoding="utf-8")
    for file in files:  # so that no later page shows them again
        file.unlink()
    return 0


def as_table(rows: List[Dict[str, Any]]) -> str:
    """The rows as a simple table of reStructuredText."""
    versions = sorted({version for row in rows for version in row["targets"]}, key=lambda text: int(text[2:]))
    lines = [["ansible-core", "controller", "sanity", "roles", "units", *versions]]
    for row in rows:
        targets = [row["targets"].get(version, "-") for version in versions]
        lines.append([row["core"], row["controller"], row["sanity"], row["roles"], row["units"], *targets])
    widths = [max(len(line[index]) for line in lines) for index in range(len(lines[0]))]
    rule = "  ".join("=" * width for width in widths)
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines]
    return "\n".join([rule, text[0], rule, *text[1:], rule, ""])


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
