# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What users get: the collection's tarball and the wheel. Both are built here, looked into, installed where
# nothing else of the repository is present, and used against the demonstration's relay.

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Dict, Iterator, Set

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = Path(sys.executable).parent
INSIDE = "ansible_collections/postmaster/mailcheck/"
PACKED = {
    "roles",
    "CHANGELOG.md",
    "FILES.json",
    "LICENSES",
    "MANIFEST.json",
    "README.md",
    "changelogs",
    "docs",
    "meta",
    "playbooks",
    "plugins",
}
VERSION = re.findall(r"^version: (\S+)$", (ROOT / "galaxy.yml").read_text(encoding="utf-8"), re.MULTILINE)[0]

# Uses the installed package as a caller would, and shows what else that imported.
ONE_CHECK = """
import json, sys
import postmaster_mailcheck
relay = json.loads(sys.argv[1])
report = postmaster_mailcheck.check("localhost", port=relay["relay_port"], ca_path=relay["relay_ca_path"])
print(json.dumps({
    "version": postmaster_mailcheck.__version__,
    "verdict": report["verdict"],
    "ansible": sorted(name for name in sys.modules if name.split(".")[0] == "ansible"),
}))
"""


def run(*command: object, cwd: Path, **variables: object) -> str:
    """The output of a command that succeeds, run where nothing of the repository can be found by accident."""
    environ = {key: text for key, text in os.environ.items() if not key.startswith(("ANSIBLE_", "PYTHON"))}
    environ.update({key: str(value) for key, value in variables.items()})
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextlib.contextmanager
def relay(folder: Path) -> Iterator[str]:
    """The demonstration's relay; yields its line of JSON."""
    command = [sys.executable, str(ROOT / "demo/relay.py"), str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout
        yield process.stdout.readline()
        process.stdin.close()  # which stops it


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
def collections(tarball: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which ansible-galaxy installed the tarball."""
    folder = tmp_path_factory.mktemp("collections")
    command = [TOOLS / "ansible-galaxy", "collection", "install", "--offline", "-p", folder, tarball]
    run(*command, cwd=folder, ANSIBLE_HOME=folder / ".ansible")
    return folder


def tarball_files(tarball: Path) -> Dict[str, bytes]:
    with tarfile.open(tarball) as archive:
        opened = {member.name: archive.extractfile(member) for member in archive}
        return {name: file.read() for name, file in opened.items() if file}


def wheel_files(wheel: Path) -> Dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def tops(names: Dict[str, bytes]) -> Set[str]:
    return {name.split("/")[0] for name in names}


def test_the_version_in_galaxy_yml_is_the_one_in_the_engine() -> None:
    engine = (ROOT / "plugins/module_utils/smtp/model.py").read_text(encoding="utf-8")
    assert re.findall(r'^__version__ = "(\S+)"$', engine, re.MULTILINE) == [VERSION]


def test_the_tarball_holds_what_users_need_and_nothing_else(tarball: Path) -> None:
    assert tops(tarball_files(tarball)) == PACKED


def test_the_wheel_holds_the_collection_as_the_tarball_does(tarball: Path, wheel: Path) -> None:
    packed = wheel_files(wheel)
    assert tops(packed) == {
        "ansible_collections",
        "postmaster_mailcheck",
        "postmaster_mailcheck-%s.dist-info" % VERSION,
    }
    made = {"FILES.json", "MANIFEST.json"}  # each builder writes its own
    collection = {name[len(INSIDE) :]: data for name, data in packed.items() if name.startswith(INSIDE)}
    assert {name: data for name, data in collection.items() if name not in made} == {
        name: data for name, data in tarball_files(tarball).items() if name not in made
    }
    assert made < set(collection)
    engine = [name for name in packed if name.endswith("/conversation.py")]
    assert engine == [INSIDE + "plugins/module_utils/smtp/conversation.py"]  # once, and nowhere else


def test_the_wheel_makes_no_package_of_the_shared_namespace(wheel: Path) -> None:
    assert not {"ansible_collections/__init__.py", "ansible_collections/postmaster/__init__.py"} & set(
        wheel_files(wheel)
    )


def test_the_wheel_lists_its_files_as_ansible_galaxy_does(tarball: Path, wheel: Path) -> None:
    ours, theirs = wheel_files(wheel), tarball_files(tarball)

    def listed(data: bytes) -> Dict[str, object]:
        return {entry["name"]: entry for entry in json.loads(data)["files"]}

    assert listed(ours[INSIDE + "FILES.json"]) == listed(theirs["FILES.json"])
    information = [
        json.loads(data)["collection_info"] for data in (ours[INSIDE + "MANIFEST.json"], theirs["MANIFEST.json"])
    ]
    assert {key: value or None for key, value in information[0].items()} == {
        key: value or None for key, value in information[1].items()
    }


def test_the_wheel_alone_checks_a_relay_without_ansible(site: Path, tmp_path: Path) -> None:
    with relay(tmp_path) as facts:
        seen = json.loads(run(site / "bin/python", "-c", ONE_CHECK, facts, cwd=tmp_path))
    assert seen == {"version": VERSION, "verdict": "passed", "ansible": []}


def test_the_wheel_alone_brings_the_command(site: Path, tmp_path: Path) -> None:
    command = site / "bin/mailcheck"
    assert run(command, "--version", cwd=tmp_path).strip() == "mailcheck " + VERSION
    with relay(tmp_path) as facts:
        port, ca_path = (json.loads(facts)[name] for name in ("relay_port", "relay_ca_path"))
        said = run(command, "check", "localhost:%d" % port, "--ca-path", ca_path, cwd=tmp_path)
    assert "passed" in said.splitlines()[-1]
    assert "--tls-min-version" in run(command, "sweep", "--help", cwd=tmp_path)


def test_callers_see_the_types(site: Path, tmp_path: Path) -> None:
    code = (
        'import postmaster_mailcheck as p\nreveal_type(p.check("relay.example.com", port=25))\nreveal_type(p.sweep)\n'
    )
    (tmp_path / "caller.py").write_text(code, encoding="utf-8")
    command = [TOOLS / "mypy", "--strict", "--python-executable", site / "bin/python", "caller.py"]
    said = run(*command, cwd=tmp_path)
    assert re.findall('type is "(?:builtins.)?(dict|def)', said) == ["dict", "def"], said


def test_ansible_finds_the_collection_of_the_wheel(site_with_ansible: Path, tmp_path: Path) -> None:
    command = [
        site_with_ansible / "bin/ansible-doc",
        "-t",
        "module",
        "--json",
        "postmaster.mailcheck.smtp_check",
    ]
    documented = json.loads(run(*command, cwd=tmp_path, ANSIBLE_HOME=tmp_path))
    assert documented["postmaster.mailcheck.smtp_check"]["doc"]["collection"] == "postmaster.mailcheck"


def test_ansible_galaxy_verifies_the_collection_of_the_wheel(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    command = [TOOLS / "ansible-galaxy", "collection", "verify", "--offline", "postmaster.mailcheck"]
    said = run(*command, cwd=tmp_path, ANSIBLE_HOME=tmp_path / ".ansible", ANSIBLE_COLLECTIONS_PATH=tmp_path)
    assert "postmaster.mailcheck:%s" % VERSION in said


def test_the_demonstration_runs_from_the_tarball(collections: Path, tmp_path: Path) -> None:
    said = run(sys.executable, ROOT / "demo/run.py", collections, cwd=tmp_path)
    assert "certificate_expired" in said
    assert re.search(r"ok=\d+ +changed=1 +unreachable=0 +failed=0 +skipped=0 +rescued=1", said), said


def test_the_readme_installs_from_a_clone(site_with_ansible: Path, tmp_path: Path) -> None:
    """Its two lines as they stand: where Ansible looks first, and into an environment."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    galaxy, pip = re.findall(r"^```shell\n((?:ansible-galaxy|pip) .*)\n```$", readme, re.MULTILINE)
    run("bash", "-c", galaxy, cwd=ROOT, PATH="%s:%s" % (TOOLS, os.environ["PATH"]), HOME=tmp_path)
    assert (tmp_path / ".ansible/collections" / INSIDE / "MANIFEST.json").exists()
    run("bash", "-c", pip, cwd=ROOT, PATH="%s:%s" % (site_with_ansible / "bin", os.environ["PATH"]), HOME=tmp_path)
    run(site_with_ansible / "bin/python", "-c", "import argcomplete, postmaster_mailcheck, rich, yaml", cwd=tmp_path)
