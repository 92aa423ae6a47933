# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A crash in mid-check, with a password in memory, where core files are allowed: the command and a module leave none.

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ansible_collections.postmaster.mailcheck.tests.hostile.cases import HEALTHY

if TYPE_CHECKING:
    from typing import Any

PASSWORD = "tanstaaf&tanstaaf-in-memory"
_HARD = resource.getrlimit(resource.RLIMIT_CORE)[1]
_HANDED_ON = Path("/proc/sys/kernel/core_pattern")

CRASH = """
import json, os, sys
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.protocol import Protocol
Protocol.receive = lambda *_octets: os.abort()
port, password = sys.argv[1], os.environ["MAILCHECK_PASSWORD"]
options = {"port": int(port), "tls": "none", "username": "tim", "password": password, "allow_plaintext_auth": True}
"""
AS = {
    "the command": """
from postmaster_mailcheck.commands.main import main
main(["check", "127.0.0.1:" + port, "--tls", "none", "--username", "tim", "--allow-plaintext-auth"])
""",
    "a module": """
from ansible.module_utils import basic
from ansible_collections.postmaster.mailcheck.plugins.modules import smtp_check
basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": {"host": "127.0.0.1", **options}}).encode()
basic._ANSIBLE_PROFILE = "legacy"
smtp_check.main()
""",
    "a caller": """
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.check import check
check("127.0.0.1", **options)
""",
}


@pytest.mark.skipif(not _HARD, reason="this process may write no core file")
@pytest.mark.parametrize("who", AS)
def test_a_crash_leaves_no_core_file(who: str, start: Any, tmp_path: Path) -> None:
    """But in the process of a Python caller, whose limits are his own: there it holds the password."""
    if who == "a module":
        pytest.importorskip("ansible", reason="ansible-core is not installed for this Python")
    if _HANDED_ON.read_text(encoding="ascii").strip() not in ("core", "core.%p"):
        pytest.skip("this machine's core files do not lie in the working folder")
    relay = start(HEALTHY)
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "MAILCHECK_PASSWORD": PASSWORD}
    process = subprocess.Popen(
        [sys.executable, "-c", CRASH + AS[who], str(relay.port)],
        cwd=tmp_path,
        env=environ,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (_HARD, _HARD)),
    )
    _pid, status = os.waitpid(process.pid, 0)
    process.returncode = status
    assert os.WIFSIGNALED(status)
    cores = [path.read_bytes() for path in tmp_path.iterdir()]
    assert len(cores) == os.WCOREDUMP(status) == (who == "a caller")
    assert all(PASSWORD.encode() in core for core in cores)
