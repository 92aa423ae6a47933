# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The playbooks as users run them, several local hosts standing for the vantage points.

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.postmaster.mailcheck.plugins import modules
from ansible_collections.postmaster.mailcheck.tests.real.pki import Pki
from ansible_collections.postmaster.mailcheck.tests.real.postfix import Postfix

COLLECTIONS = Path(next(iter(modules.__path__))).parents[4]


def play(folder: Path, playbook: str, **variables: Any) -> subprocess.CompletedProcess[str]:
    hosts = "\n".join(f"{name} ansible_connection=local ansible_python_interpreter={sys.executable}" for name in "abc")
    (folder / "inventory").write_text(f"[vantage]\n{hosts}\n")
    environment = dict(
        os.environ,
        ANSIBLE_COLLECTIONS_PATH=str(COLLECTIONS),
        ANSIBLE_LOCAL_TEMP=str(folder / "tmp"),
        ANSIBLE_LOCALHOST_WARNING="false",
        ANSIBLE_NOCOLOR="1",
    )
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "inventory", playbook]
    command += ["-e", json.dumps({"ansible_playbook_python": sys.executable, **variables})]
    return subprocess.run(command, cwd=folder, env=environment, text=True, capture_output=True, check=False)


@pytest.fixture
def options(pki: Pki) -> dict[str, Any]:
    return {"ca_path": str(pki.ca), "timeout": 10}


def test_each_vantage_host_sweeps_its_share_and_the_shares_are_joined(
    postfix: Postfix, tmp_path: Path, options: dict[str, Any]
) -> None:
    relays = [f"127.0.0.{number}:{postfix.ports['mx']}" for number in (1, 1, 1)]
    relays += [f"localhost:{postfix.ports['mx']}"]
    ended = play(tmp_path, "postmaster.mailcheck.sweep", relays=relays, vantage_hosts="vantage", sweep_options=options)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    rows = [line for line in ended.stdout.splitlines() if "TLSv1.3" in line]
    assert [relay in row for relay, row in zip(relays, rows)] == [True] * 4
    for name in "abc":
        assert f"ok: [{name}]" in ended.stdout


def test_a_relay_that_does_not_pass_fails_the_play_and_is_named(
    postfix: Postfix, tmp_path: Path, options: dict[str, Any]
) -> None:
    relays = [f"127.0.0.1:{postfix.ports[name]}" for name in ("mx", "expired")]
    ended = play(tmp_path, "postmaster.mailcheck.sweep", relays=relays, vantage_hosts="vantage", sweep_options=options)
    assert ended.returncode == 2
    assert "A certificate of the relay has expired." in ended.stdout + ended.stderr
    assert "failed=1" in ended.stdout
