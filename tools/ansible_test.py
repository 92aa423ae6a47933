# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-test, by the ansible-core of a session: on the copy, in virtual environments instead of containers."""

from __future__ import annotations

import re
from typing import List

import nox
from nox.command import CommandFailed

from tools.workspace import copy


def target_versions(session: nox.Session) -> List[str]:
    """The Pythons that this ansible-core takes as targets, the oldest first."""
    code = "from ansible_test._util.target.common import constants as c;"
    code += "print(*c.REMOTE_ONLY_PYTHON_VERSIONS, *c.CONTROLLER_PYTHON_VERSIONS)"
    return str(session.run("python", "-c", code, silent=True)).split()


def run_sanity(session: nox.Session, controller: str, targets: List[str]) -> str:
    """Run the sanity tests for these targets; says how many. Fails if ansible-test left some out."""
    words = [word for version in targets for word in ("--target-python", version)]
    output = run(session, "sanity", "--controller", "origin:python=venv/" + controller, *words)
    ran = re.findall(r'^Running sanity test "(.+?)"(.*)', output, re.MULTILINE)
    wanted = [("validate-modules", ""), *(("import", " on Python " + version) for version in targets)]
    if not set(wanted) <= set(ran):
        fail(session, "ansible-test left sanity tests out", output)
    return "%d sanity tests, targets with Python %s" % (len(ran), ", ".join(targets))


def run_units(session: nox.Session, python: str) -> str:
    """Run the unit tests, once more if one failed (why: `pytest` in noxfile.py); says how many. None is a failure."""
    tries = ""
    try:
        output = run(session, "units", "--venv", "--python", python)
    except CommandFailed:
        output, tries = run(session, "units", "--venv", "--python", python), ", only at the second try"
    closing = re.findall(r"^=+ (\d+ passed.*?) =+$", output, re.MULTILINE)
    if not closing:
        fail(session, "ansible-test ran no unit test", output)
    return "; ".join(closing) + tries


def run(session: nox.Session, *words: str) -> str:
    """What ansible-test said."""
    with session.chdir(copy()):
        return str(session.run("ansible-test", *words, "--color", "no", silent=True))


def fail(session: nox.Session, reason: str, output: str) -> None:
    print(output)
    session.warn(reason)
    raise CommandFailed(reason)
