# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make mutants`: changes the innermost files in every small way, and tells which changes no test notices.

cosmic-ray does it, in a copy of the tree: mutants.py COPY [FILE …], with PYTHONPATH leading to the copy. Takes half an
hour; `make mutants ARGS=_smtp/replies` does one file. Fails below 85 % noticed. Some survivors cannot be noticed, since
they change nothing that can be seen: read them, one by one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Dict, List

ROOT = Path(__file__).resolve().parent.parent
ENGINE = Path("plugins/module_utils")
UNITS = Path("tests/unit/plugins/module_utils")
# File -> the tests that are to notice, the quickest first.
NOTICED_BY: Dict[str, List[str]] = {
    "_smtp/replies": ["_smtp/test_replies_exactly", "_smtp/test_replies", "_smtp/conversation/test_converse"],
    "_smtp/commands": ["_smtp/test_commands", "_smtp/conversation/test_converse", "_smtp/test_message"],
    "_smtp/conversation/converse": [
        "_smtp/conversation/test_converse", "_smtp/test_extensions", "_smtp/test_round_trips", "_smtp/test_plan",
    ],
}  # fmt: skip
WANTED = 85.0  # per cent
CONFIG = """[cosmic-ray]
module-path = {module}
timeout = 20.0
excluded-modules = []
test-command = {command}

[cosmic-ray.distributor]
name = "local"
"""


def main(root: Path, names: List[str]) -> int:
    rates = {name: rate(root, name) for name in names or NOTICED_BY}
    for name, percent in rates.items():
        print("%-28s %5.1f %% of the mutants noticed" % (name, percent))
    return 0 if min(rates.values()) >= WANTED else 1


def run(root: Path, tool: str, *words: object) -> str:
    """The output of one of cosmic-ray's commands, which lie beside the Python that runs this."""
    command = [Path(sys.executable).with_name(tool), *map(str, words)]
    return subprocess.run(command, cwd=root, stdout=subprocess.PIPE, text=True, check=True).stdout


def rate(root: Path, name: str) -> float:
    """Mutate one file; show what survived; return how much was noticed, in per cent."""
    folder = ROOT / ".build/mutants" / name
    folder.mkdir(parents=True, exist_ok=True)
    tests = " ".join(str(UNITS / (test + ".py")) for test in NOTICED_BY[name])
    command = "%s -m pytest -x -q -o cache_dir=%s %s" % (sys.executable, folder, tests)
    config, session = folder / "config.toml", folder / "session.sqlite"
    module = json.dumps(str(ENGINE / (name + ".py")))
    config.write_text(CONFIG.format(module=module, command=json.dumps(command)), encoding="utf-8")
    for step in (["init", "--force", config, session], ["baseline", config], ["exec", config, session]):
        run(root, "cosmic-ray", *step)
    report = run(root, "cr-report", "--surviving-only", "--show-diff", session)
    (folder / "survivors.txt").write_text(report, encoding="utf-8")
    survived = float(run(root, "cr-rate", session).split()[-1])
    print("survivors: %s" % (folder / "survivors.txt").relative_to(ROOT))
    return 100.0 - survived


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
