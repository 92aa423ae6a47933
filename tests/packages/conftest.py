# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What is built, and where it is installed.

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ansible_collections.postmaster.mailcheck.tests.packages.commands import ROOT, TOOLS, VERSION, run


@pytest.fixture(scope="session")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tarball")
    run(TOOLS / "ansible-galaxy", "collection", "build", "--output-path", folder, cwd=ROOT)
    return folder / ("postmaster-mailcheck-%s.tar.gz" % VERSION)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(TOOLS / "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    return folder / ("postmaster_mailcheck-%s-py3-none-any.whl" % VERSION)


@pytest.fixture(scope="session")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean environment with the wheel and nothing else."""
    folder = tmp_path_factory.mktemp("site")
    run(sys.executable, "-m", "venv", folder, cwd=folder)
    run(folder / "bin/python", "-m", "pip", "install", "-qq", "--no-index", wheel, cwd=folder)
    return folder


@pytest.fixture(scope="session")
def site_with_ansible(site: Path) -> Path:
    run(site / "bin/python", "-m", "pip", "install", "-qq", "ansible-core", cwd=site)
    return site


@pytest.fixture(scope="session")
def site_with_extras(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean environment with the wheel and what its extra cli names."""
    folder = tmp_path_factory.mktemp("extras")
    run(sys.executable, "-m", "venv", folder, cwd=folder)
    run(folder / "bin/python", "-m", "pip", "install", "-qq", "%s[cli]" % wheel, cwd=folder)
    return folder


@pytest.fixture(scope="session")
def collections(tarball: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which ansible-galaxy installed the tarball."""
    folder = tmp_path_factory.mktemp("collections")
    command = [TOOLS / "ansible-galaxy", "collection", "install", "--offline", "-p", folder, tarball]
    run(*command, cwd=folder, ANSIBLE_HOME=folder / ".ansible")
    return folder
