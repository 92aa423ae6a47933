# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the demonstration's relays, runs demo.yml against them, and stops them.

Called by `make demo` with the folder that holds the collection: `run.py COLLECTIONS_PATH`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main(collections: str) -> int:
    with tempfile.TemporaryDirectory(prefix="mailcheck-demo-") as folder:
        relay = subprocess.Popen(
            [sys.executable, str(HERE / "relay.py"), folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            facts = relay.stdout.readline() if relay.stdout else ""
            if not facts:
                print("The relay did not start: its own words are above.")
                return 1
            extra = Path(folder, "relay.json")
            extra.write_text(facts, encoding="utf-8")
            return play(collections, folder, extra)
        finally:
            if relay.stdin:
                relay.stdin.close()  # which stops it
            relay.wait(timeout=10)


def play(collections: str, folder: str, extra: Path) -> int:
    settings = {"CONFIG": str(HERE / "ansible.cfg"), "COLLECTIONS_PATH": collections, "HOME": folder}
    environ = {**os.environ, **{"ANSIBLE_" + name: value for name, value in settings.items()}}
    playbook = [str(Path(sys.executable).with_name("ansible-playbook")), str(HERE / "demo.yml")]
    return subprocess.run([*playbook, "-e", "@%s" % extra], env=environ, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
