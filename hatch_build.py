# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the collection into the wheel, where ansible-core finds it: ansible_collections/postmaster/mailcheck.

The files are those that `ansible-galaxy collection build` would pack: `build_ignore` in galaxy.yml decides
for both. MANIFEST.json and FILES.json are made here: ansible-core reads the collection's version from them.
There is no `__init__.py`: `ansible_collections` stays a namespace that any number of distributions share.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, Dict, Iterator, List

import yaml
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# What ansible-galaxy leaves out unasked.
NEVER_PACKED = ["MANIFEST.json", "FILES.json", "galaxy.yml", "*.pyc", "*.retry"]
NEVER_ENTERED = {"__pycache__", ".git", ".tox"}
INFORMATION = (
    "namespace name version authors readme tags description license license_file dependencies repository"
    " documentation homepage issues"
).split()


class CollectionHook(BuildHookInterface):  # type: ignore[type-arg, misc, unused-ignore]
    """Hatchling calls `initialize` before it packs the wheel and `finalize` after."""

    def initialize(self, version: str, build_data: Dict[str, Any]) -> None:
        root = Path(self.root)
        galaxy = yaml.safe_load((root / "galaxy.yml").read_text(encoding="utf-8"))
        paths = list(packed_paths(root, NEVER_PACKED + galaxy["build_ignore"]))
        target = "ansible_collections/%(namespace)s/%(name)s" % galaxy

        self.folder = Path(tempfile.mkdtemp(prefix="mailcheck-manifest-"))
        (self.folder / "FILES.json").write_bytes(files_manifest(root, paths))
        (self.folder / "MANIFEST.json").write_bytes(manifest(galaxy, (self.folder / "FILES.json").read_bytes()))

        packed = {root / path: path for path in paths if (root / path).is_file()}
        packed.update({made: made.name for made in self.folder.iterdir()})
        build_data["force_include"].update({str(path): target + "/" + name for path, name in packed.items()})

    def finalize(self, version: str, build_data: Dict[str, Any], artifact_path: str) -> None:
        shutil.rmtree(self.folder)


def packed_paths(root: Path, ignored: List[str]) -> Iterator[str]:
    """Folders and files below `root` as relative paths, each folder before what it holds."""
    for folder, names, files in os.walk(root):
        here = Path(folder).relative_to(root)
        kept = [
            name
            for name in sorted(names + files)
            if name not in NEVER_ENTERED
            and not any(fnmatch.fnmatch((here / name).as_posix(), pattern) for pattern in ignored)
        ]
        names[:] = [name for name in kept if name in names]
        yield from ((here / name).as_posix() for name in kept)


def files_manifest(root: Path, paths: List[str]) -> bytes:
    entries = [entry(".", None)]
    entries += [entry(path, (root / path).read_bytes() if (root / path).is_file() else None) for path in paths]
    return as_json({"files": entries, "format": 1})


def manifest(galaxy: Dict[str, Any], files: bytes) -> bytes:
    information = {key: galaxy.get(key) for key in INFORMATION}
    return as_json({"collection_info": information, "file_manifest_file": entry("FILES.json", files), "format": 1})


def entry(name: str, content: Any) -> Dict[str, Any]:
    """One line of FILES.json; a folder has no content."""
    checksum = {"chksum_type": None, "chksum_sha256": None}
    if content is not None:
        checksum = {"chksum_type": "sha256", "chksum_sha256": hashlib.sha256(content).hexdigest()}
    return {"name": name, "ftype": "dir" if content is None else "file", **checksum, "format": 1}


def as_json(data: Dict[str, Any]) -> bytes:
    return (json.dumps(data, indent=1) + "\n").encode()
