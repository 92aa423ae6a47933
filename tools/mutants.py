# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make mutants`: changes the innermost files in every small way, and tells which changes no test notices.

cosmic-ray does it, in a copy of the tree. Takes half an hour; `make mutants FILES=replies` does one file. Fails below
85 % noticed. Some survivors cannot be noticed, since they change nothing that can be seen: read them, one by one.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Dict, List

import gates

ENGINE = Path("plugins/module_utils/smtp")
UNITS = Path("tests/unit/plugins/module_utils/smtp")
# File -> the tests that are to notice, the quickest first.
NOTICED_BY: Dict[str, List[str]] = {
    "replies": ["replies_exactly", "replies", "conversation"],
    "commands": ["commands", "conversation", "message"],
    "conversation": ["conversation", "extensions", "round_trips", "plan"],
}
WANTED = 85.0  # per cent
CONFIG = """[cosmic-ray]
module-path = {module}
timeout = 20.0
excluded-modules = []
test-command = {command}

[cosmic-ray.distributor]
name = "local"
"""


def main(names: List[str]) -> int:
    binaries = gates.environment("mutants", sys.executable, "tools/cosmic-ray.txt", "tests/unit/requirements.txt")
    root = gates.copy()
    os.environ.update(PYTHONPATH=str(gates.COPY), PYTHONDONTWRITEBYTECODE="1")
    rates = {name: rate(binaries, root, name) for name in names or NOTICED_BY}
    for name, percent in rates.items():
        print("%-14s %5.1f %% of the mutants noticed" % (name, percent))
    return 0 if min(rates.values()) >= WANTED else 1


def rate(binaries: Path, root: Path, name: str) -> float:
    """Mutate one file; show what survived; return how much was noticed, in per cent."""
    folder = gates.BUILD / "mutants-of" / name
    folder.mkdir(parents=True, exist_ok=True)
    tests = " ".join(str(UNITS / ("test_%s.py" % test)) for test in NOTICED_BY[name])
    command = "%s -m pytest -x -q -o cache_dir=%s %s" % (binaries / "python", folder, tests)
    config, session = folder / "config.toml", folder / "session.sqlite"
    module = json.dumps(str(ENGINE / (name + ".py")))
    config.write_text(CONFIG.format(module=module, command=json.dumps(command)), encoding="utf-8")
    for step in (["init", "--force", config, session], ["baseline", config], ["exec", config, session]):
        gates.run(binaries / "cosmic-ray", *step, cwd=root, show=False)
    report = gates.run(binaries / "cr-report", "--surviving-only", "--show-diff", session, cwd=root, show=False)
    (folder / "survivors.txt").write_text(report, encoding="utf-8")
    survived = float(gates.run(binaries / "cr-rate", session, cwd=root, show=False).split()[-1])
    print("survivors: %s" % (folder / "survivors.txt").relative_to(gates.ROOT))
    return 100.0 - survived


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except gates.Failed as reason:
        print(reason)
        sys.exit(1)
