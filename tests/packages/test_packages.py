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

from ansible_collections.postmaster.mailcheck.tests.packages.commands import ROOT, TOOLS, VERSION, run
from ansible_collections.postmaster.mailcheck.tools.workspace import known_to_git

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
MADE = {"FILES.json", "MANIFEST.json"}  # each builder writes its own
NOT_PACKED = re.compile(
    r"changelogs/(config\.yaml|fragments/)|docs/[^/]+\.(md|py|txt)$|docs/pictures/|LICENSES/MIT\.txt"
)

NOXFILE = (ROOT / "noxfile.py").read_text(encoding="utf-8")

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


def test_what_git_does_not_track_is_not_published(tmp_path: Path) -> None:
    """`make wheel` builds from what this copies."""
    repository, target = tmp_path / "repository", tmp_path / "target"
    run("git", "init", "--quiet", repository, cwd=tmp_path)
    (repository / "playbooks").mkdir()
    (repository / "playbooks/fleet.yml").write_text("tracked", encoding="utf-8")
    run("git", "add", "playbooks/fleet.yml", cwd=repository)
    (repository / "playbooks/inventory.yml").write_text("password: tanstaaftanstaaf", encoding="utf-8")
    command = (
        "import sys; from pathlib import Path; from tools.workspace import tracked; tracked(*map(Path, sys.argv[1:]))"
    )
    run(sys.executable, "-c", command, repository, target, cwd=ROOT, PYTHONPATH=ROOT)
    assert [path.name for path in target.rglob("*") if path.is_file()] == ["fleet.yml"]
    assert re.search(r"^def wheel\(.*?with session.chdir\(tracked\(\)\)", NOXFILE, re.MULTILINE | re.DOTALL)


@contextlib.contextmanager
def relay(folder: Path) -> Iterator[str]:
    """The demonstration's relay; yields its line of JSON."""
    command = [sys.executable, str(ROOT / "demo/relay.py"), str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout
        yield process.stdout.readline()
        process.stdin.close()  # which stops it


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
    engine = (ROOT / "plugins/module_utils/_version.py").read_text(encoding="utf-8")
    assert re.findall(r'^__version__ = "(\S+)"$', engine, re.MULTILINE) == [VERSION]


def test_only_an_address_that_is_served_is_named() -> None:
    galaxy = (ROOT / "galaxy.yml").read_text(encoding="utf-8")
    causes = (ROOT / "plugins/module_utils/_verdicts/causes.py").read_text(encoding="utf-8")
    (site,) = re.findall(r'^SITE = "(\S*)"$', causes, re.MULTILINE)
    assert re.findall(r"^documentation: (\S+)$", galaxy, re.MULTILINE) == ([site] if site else [])


def test_the_page_of_causes_is_in_the_tarball(tarball: Path) -> None:
    """And so in the wheel, which holds the same: what hints lead to is at hand."""
    assert b"relay_denied" in tarball_files(tarball)["docs/docsite/rst/causes.rst"]


def test_the_tarball_holds_what_users_need_and_nothing_else(tarball: Path) -> None:
    assert tops(tarball_files(tarball)) == PACKED


def test_the_tarball_holds_the_files_of_the_tag(tarball: Path) -> None:
    """Octet by octet, and none that git does not know; what only builds or tests the collection is left out."""
    packed = {name: data for name, data in tarball_files(tarball).items() if name not in MADE}
    known = known_to_git(ROOT)
    assert set(packed) <= known
    assert {name: (ROOT / name).read_bytes() for name in packed} == packed
    left_out = {name for name in known - set(packed) if name.split("/")[0] in PACKED}
    assert [name for name in left_out if not NOT_PACKED.match(name)] == []


def test_the_wheel_holds_the_collection_as_the_tarball_does(tarball: Path, wheel: Path) -> None:
    packed = wheel_files(wheel)
    assert tops(packed) == {
        "ansible_collections",
        "postmaster_mailcheck",
        "postmaster_mailcheck-%s.dist-info" % VERSION,
    }
    collection = {name[len(INSIDE) :]: data for name, data in packed.items() if name.startswith(INSIDE)}
    assert {name: data for name, data in collection.items() if name not in MADE} == {
        name: data for name, data in tarball_files(tarball).items() if name not in MADE
    }
    assert set(collection) > MADE
    engine = [name for name in packed if name.endswith("/converse.py")]
    assert engine == [INSIDE + "plugins/module_utils/_smtp/conversation/converse.py"]  # once, and nowhere else


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
    assert said.startswith("passed")
    assert "--tls-min-version" in run(command, "sweep", "--help-all", cwd=tmp_path)


def test_the_wheel_alone_is_a_monitoring_plugin(site: Path, tmp_path: Path) -> None:
    with relay(tmp_path) as facts:
        port, ca_path = (json.loads(facts)[name] for name in ("relay_port", "relay_ca_path"))
        words = ["check", "localhost:%d" % port, "--ca-path", ca_path, "--format", "nagios"]
        assert run(site / "bin/mailcheck", *words, cwd=tmp_path).startswith("MAILCHECK OK - ")


def test_the_wheel_judges_by_profiles_and_writes_a_page_without_ansible(site_with_extras: Path, tmp_path: Path) -> None:
    with relay(tmp_path) as facts:
        port, ca_path = (json.loads(facts)[name] for name in ("relay_port", "relay_ca_path"))
        (tmp_path / "relays.txt").write_text("localhost:%d\n" % port, encoding="utf-8")
        words = ["assess", "relays.txt", "--profile", "modern-tls", "--ca-path", ca_path, "--lenient"]
        said = run(
            site_with_extras / "bin/mailcheck", *words, "--html", "page.html", "--state", "state.json", cwd=tmp_path
        )
    assert "page.html" in said.splitlines()[-1]
    assert "<!DOCTYPE html>" in (tmp_path / "page.html").read_text(encoding="utf-8")
    (profile,) = json.loads((tmp_path / "state.json").read_text(encoding="utf-8"))["evidence"]["profiles"]
    assert (profile["name"], profile["version"]) == ("modern-tls", VERSION)
    assert "ansible" not in run(site_with_extras / "bin/python", "-m", "pip", "list", cwd=tmp_path).lower()


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
    """As it stands: into an environment, and where Ansible looks first."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (pip,) = re.findall(r"^```shell\n(pip .*)\n```$", readme, re.MULTILINE)
    (galaxy,) = re.findall(r"`(ansible-galaxy .*?)`", readme)
    run("bash", "-c", galaxy, cwd=ROOT, PATH="%s:%s" % (TOOLS, os.environ["PATH"]), HOME=tmp_path)
    assert (tmp_path / ".ansible/collections" / INSIDE / "MANIFEST.json").exists()
    run("bash", "-c", pip, cwd=ROOT, PATH="%s:%s" % (site_with_ansible / "bin", os.environ["PATH"]), HOME=tmp_path)
    run(
        site_with_ansible / "bin/python",
        "-c",
        "import argcomplete, dns, jinja2, postmaster_mailcheck, rich, yaml",
        cwd=tmp_path,
    )
