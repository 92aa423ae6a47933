# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs tests/matrix/target.yml on one Python of this machine, against the demonstration's relays: target.py 3.8

The ansible-playbook is the one beside the Python that runs this; ANSIBLE_COLLECTIONS_PATH must lead to the collection.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")


def main(version: str) -> int:
    interpreter = shutil.which("python" + version)
    if interpreter is None:
        print("no Python %s on this machine" % version)
        return 1
    with tempfile.TemporaryDirectory(prefix="mailcheck-target-") as folder:
        command = [sys.executable, ROOT / "demo/relay.py", folder]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as relay:
            assert relay.stdin and relay.stdout
            facts = json.loads(relay.stdout.readline())
            said = play(folder, {**facts, "target_python": version}, os.path.realpath(interpreter))
            relay.stdin.close()  # which stops it
    if not re.search(r"ok=[1-9]\d* .* failed=0", said):
        print(said)
        return 1
    return 0


def play(folder: str, facts: dict[str, object], interpreter: str) -> str:
    """What ansible-playbook says. Whether it did anything is to be read in its recap."""
    extra = Path(folder, "facts.json")
    extra.write_text(json.dumps({**facts, "ansible_python_interpreter": interpreter}), encoding="utf-8")
    command = [PLAYBOOK, "-e", "@%s" % extra, ROOT / "tests/matrix/target.yml"]
    environ = {**os.environ, "ANSIBLE_HOME": folder, "ANSIBLE_LOCALHOST_WARNING": "0"}
    done = subprocess.run(
        command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
