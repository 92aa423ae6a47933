# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sessions of noxfile.py stand on: the import tree, the copy of the collection, and the interpreters here."""

from __future__ import annotations

import contextlib
import filecmp
import functools
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Dict, Set

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / ".build"
COLLECTION = Path("ansible_collections/postmaster/mailcheck")
TREE = BUILD / "tree"  # holds COLLECTION as a link to ROOT: for Python's imports
COPY = BUILD / "copy"  # holds COLLECTION as a copy of what git would commit: ansible-test follows no link


def paths() -> Dict[str, str]:
    """The variables by which Python and Ansible find the collection, and Python the package beside it."""
    return {"PYTHONPATH": "%s:%s" % (tree(), ROOT / "src"), "ANSIBLE_COLLECTIONS_PATH": str(tree())}


def tree() -> Path:
    """The folder below which the collection is found by its full name."""
    link = TREE / COLLECTION
    if not link.is_symlink():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(ROOT)
    return TREE


@functools.lru_cache(maxsize=None)
def copy() -> Path:
    """A copy of what git knows or would add. It is a repository of its own: ansible-test would ask ours for
    its files, and find that .build/ is ignored. ansible-test's output stays: it keeps environments there.
    What has not changed is not touched, for another session may be at work in it."""
    target = COPY / COLLECTION
    subprocess.run(["git", "init", "--quiet", target], check=True)
    wanted = {name for name in known_to_git(ROOT) if (ROOT / name).exists()}  # else deleted, not yet committed
    for name in known_to_git(target) - wanted:
        (target / name).unlink()
        with contextlib.suppress(OSError):  # others are in that folder still
            os.removedirs((target / name).parent)
    for name in wanted:
        if not (target / name).exists() or not filecmp.cmp(ROOT / name, target / name):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target


def tracked(repository: Path = ROOT, target: Path = BUILD / "tracked") -> Path:
    """A copy of what git tracks, as it is in the index: what lies about besides, perhaps an inventory with passwords,
    is not to be published."""
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run(["git", "checkout-index", "--all", "--prefix=%s/" % target], cwd=repository, check=True)
    return target


def known_to_git(folder: Path) -> Set[str]:
    """The files of a repository, those included that are not committed, and not those that are ignored."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
    return set(filter(None, listed.stdout.split("\0")))


def link_interpreters() -> Path:
    """A folder with pyenv's interpreters as `python3.8` and so on, for PATH. pyenv's own files of these names are
    scripts that fail for every version that is not selected."""
    folder = BUILD / "interpreters"
    folder.mkdir(parents=True, exist_ok=True)
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    for python in sorted(pyenv.glob("versions/3.*/bin/python3.*")):
        link = folder / python.name
        if re.fullmatch(r"python3\.\d+", python.name) and link.resolve() != python.resolve():
            link.unlink(missing_ok=True)
            link.symlink_to(python.resolve())
    return folder


def at_hand(version: str) -> bool:
    return shutil.which("python" + version) is not None
