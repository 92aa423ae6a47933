# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the demonstration's relays, runs demo.yml against them, and stops them.

Called by `make demo` with the folder that holds the collection: `run.py COLLECTIONS_PATH`.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent


@contextlib.contextmanager
def relays(folder: str) -> Iterator[str]:
    """The relays, with their files in `folder`, while the block runs; yields what they say of themselves, as JSON."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / "relay.py"), folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        facts = process.stdout.readline() if process.stdout else ""
        if not facts:
            sys.exit("The relays did not start: their own words are above.")
        yield facts
    finally:
        if process.stdin:
            process.stdin.close()  # which stops them
        process.wait(timeout=10)


def main(collections: str) -> int:
    with tempfile.TemporaryDirectory(prefix="mailcheck-demo-") as folder, relays(folder) as facts:
        extra = Path(folder, "relay.json")
        extra.write_text(facts, encoding="utf-8")
        return play(collections, folder, extra)


def play(collections: str, folder: str, extra: Path) -> int:
    settings = {"CONFIG": str(HERE / "ansible.cfg"), "COLLECTIONS_PATH": collections, "HOME": folder}
    environ = {**os.environ, **{"ANSIBLE_" + name: value for name, value in settings.items()}}
    playbook = [str(Path(sys.executable).with_name("ansible-playbook")), str(HERE / "demo.yml")]
    return subprocess.run([*playbook, "-e", "@%s" % extra], env=environ, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
