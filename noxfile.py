# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every gate, and what else there is to run, as sessions of nox: `make test` runs the gates, `make NAME` one session.

What collections share comes from antsibull-nox, and is set in antsibull-nox.toml. ansible-test runs in sessions of our
own, since antsibull-nox wants containers for it. Needs tools/nox.txt. All that is made lies under .build/.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import List
from xml.etree import ElementTree

import antsibull_nox
import nox
from nox.command import CommandFailed

sys.path.insert(0, str(Path(__file__).resolve().parent))
from tools.ansible_test import run_sanity, run_units, target_versions
from tools.workspace import BUILD, COLLECTION, COPY, ROOT, at_hand, copy, link_interpreters, paths, tracked, tree

OWN = "%d.%d" % sys.version_info[:2]
OLDEST, NEWEST = "3.8", "3.13"  # of the targets' Pythons that are tested each time; `make matrix` has all
PYTHONS = list(dict.fromkeys([OWN, OLDEST, NEWEST]))
CORES = {  # ansible-core -> the Pythons of controllers it runs on
    "2.18": ["3.11", "3.12", "3.13"],
    "2.19": ["3.11", "3.12", "3.13"],
    "2.20": ["3.12", "3.13", "3.14"],
    "2.21": ["3.12", "3.13", "3.14"],
}

ROLES_AND_PLAYBOOKS = ["tests/real/test_%s.py" % name for name in ("roles", "playbooks", "vantage")]

TESTS_FAILED = 1  # pytest's exit status; what it could not collect, or ran none of, has others

ON_TARGETS = ("tests/unit/requirements.txt",)
ON_CONTROLLERS = (*ON_TARGETS, "demo/requirements.txt", "requirements-dev.txt")

nox.needs_version = ">= 2026.10"
nox.options.default_venv_backend = "uv"
nox.options.download_python = "never"
nox.options.envdir = str(BUILD / "nox")
nox.options.reuse_venv = "yes"
# Beside nox lies the ansible-galaxy that antsibull-nox asks.
os.environ["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), str(link_interpreters()), os.environ["PATH"]])
os.environ["NOX_ENABLE_STALENESS_CHECK"] = "1"  # an environment of another interpreter is made anew

antsibull_nox.load_antsibull_nox_toml()


# What the sessions share


def install(session: nox.Session, *files: str) -> None:
    """What these requirements files name; by default all that is tested with on our own Python, on others less."""
    files = files or (ON_CONTROLLERS if session.python in (None, OWN) else ON_TARGETS)
    session.install(*(word for file in files for word in ("-r", file)))


def saw(session: nox.Session, line: str) -> None:
    """What a session saw, for the summary of `make test` (tools/summary.py)."""
    session.log(line)
    (BUILD / "saw").mkdir(exist_ok=True)
    (BUILD / "saw" / session.name).write_text(line, encoding="utf-8")


def pytest(session: nox.Session, *folders: str, at_once: str = "") -> None:
    """Run the tests in `folders`, or files, or what stands after `--` instead, and say how many there were.

    `at_once`: two for each processor, since most of them wait. "worksteal": any of them. "loadfile": those of a file
    one after the other, for they share a server that takes long to start.

    Many wait for real time to pass, so that a busy machine can fail one. What failed is asked once more, alone; if it
    passes then, the summary names it.
    """
    empty = [name for name in folders if not ((ROOT / name).is_file() or any((ROOT / name).rglob("test_*.py")))]
    if empty:
        session.error("no test in %s" % ", ".join(empty))
    report, again = (BUILD / "junit" / (session.name + name) for name in (".xml", "-again.xml"))
    variables = {**paths(), "HYPOTHESIS_STORAGE_DIRECTORY": str(BUILD / "hypothesis")}
    command = ["python", "-m", "pytest", "-q", "--tb=short", "-rs", *(session.posargs or folders)]
    parallel = ["--numprocesses=%d" % (2 * (os.cpu_count() or 1)), "--dist=" + at_once] if at_once else []
    session.run(*command, *parallel, "--junitxml=%s" % report, env=variables, success_codes=[0, TESTS_FAILED])
    (suite,) = ElementTree.parse(report).getroot()
    failed = [
        test.attrib["name"] for test in suite.iter("testcase") if {"failure", "error"} & {each.tag for each in test}
    ]
    if failed:
        session.run(*command, "--last-failed", "--last-failed-no-failures=none", "--junitxml=%s" % again, env=variables)
    skipped = int(suite.attrib["skipped"])
    line = "%d tests passed, %d skipped" % (int(suite.attrib["tests"]) - skipped, skipped)
    saw(session, line + "".join(", %s only alone" % name for name in failed))


def tested_targets(session: nox.Session) -> List[str]:
    """Of the Pythons that are tested each time those that are here. In CI one that is not is an error, as for nox."""
    wanted = [version for version in target_versions(session) if version in PYTHONS]
    missing = [version for version in wanted if not at_hand(version)]
    if missing and "CI" in os.environ:
        session.error("no Python %s on this machine" % ", ".join(missing))
    return [version for version in wanted if version not in missing]


# The gates, in the order of `make test`, after those of antsibull-nox


@nox.session
def layout(session: nox.Session) -> None:
    """The layout of the code, by ruff (`make format` mends it)."""
    install(session, "tools/ruff.txt")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """mypy on plugins/, src/ and bench/, whose code no test runs."""
    install(session)
    packages = [*(".".join([*COLLECTION.parts, part]) for part in ("plugins", "bench")), "postmaster_mailcheck"]
    words = [word for package in packages for word in ("-p", package)]
    session.run("mypy", *words, env={"MYPYPATH": paths()["PYTHONPATH"]})


@nox.session(python=PYTHONS)
def units(session: nox.Session) -> None:
    """The unit tests."""
    install(session)
    pytest(session, "tests/unit", at_once="worksteal")


@nox.session(python=list(dict.fromkeys([OWN, OLDEST])))
def cli(session: nox.Session) -> None:
    """The command mailcheck: with rich on our own Python, without it on the oldest."""
    install(session)
    pytest(session, "tests/cli")


@nox.session(python=PYTHONS)
def hostile(session: nox.Session) -> None:
    """Relays that misbehave, and every input that the fuzzer has kept."""
    install(session)
    pytest(session, "tests/hostile", "tests/fuzz", at_once="worksteal")


@nox.session
def suites(session: nox.Session) -> None:
    """What others wrote to test implementations of a standard, from the folder that MAILCHECK_SUITES names."""
    install(session)
    pytest(session, "tests/suites")


@nox.session
def real(session: nox.Session) -> None:
    """Postfix, Exim, Dovecot and Chromium, where they are present."""
    install(session)
    pytest(session, "tests/real", at_once="loadfile")


@nox.session
def sanity(session: nox.Session) -> None:
    """ansible-test's sanity tests, for the oldest target, the newest, and our own Python."""
    install(session)
    saw(session, run_sanity(session, OWN, tested_targets(session)))


@nox.session(name="ansible-units")
def ansible_units(session: nox.Session) -> None:
    """ansible-test's way to run the unit tests."""
    install(session)
    saw(session, run_units(session, OWN))


@nox.session
def playbooks(session: nox.Session) -> None:
    """ansible-lint, production profile, on playbooks, roles, examples and the demonstration."""
    install(session)
    with session.chdir(copy()):
        linted = ["demo/demo.yml", "playbooks", "roles", "plugins/modules"]
        session.run("ansible-lint", "-q", "--nocolor", *linted, env={"ANSIBLE_COLLECTIONS_PATH": str(COPY)})


@nox.session
def targets(session: nox.Session) -> None:
    """A playbook that checks a relay from each target's Python."""
    install(session)
    versions = tested_targets(session)
    for version in versions:
        session.run("python", "tools/target.py", version, env=paths())
    saw(session, "a playbook checked a relay from Python %s" % ", ".join(versions))


@nox.session
def examples(session: nox.Session) -> None:
    """Every example of the documentation, and the pages that are made."""
    install(session, *ON_CONTROLLERS, "docs/requirements.txt")
    pytest(session, "tests/docs", at_once="worksteal")


@nox.session
def docs(session: nox.Session) -> None:
    """The site, which has to build without a warning: .build/site/html."""
    install(session, *ON_TARGETS, "docs/requirements.txt")
    site = BUILD / "site"
    shutil.rmtree(site, ignore_errors=True)
    (site / "rst").mkdir(parents=True, mode=0o700)
    pages = ["--use-current", "--squash-hierarchy", "--fail-on-error", "--dest-dir", site / "rst"]
    with session.chdir(copy()):
        collections = {"ANSIBLE_COLLECTIONS_PATH": str(COPY)}
        session.run("antsibull-docs", "collection", *pages, "postmaster.mailcheck", env=collections)
    session.run("sphinx-build", "-q", "-W", "--keep-going", "-j", "auto", "-c", "docs", site / "rst", site / "html")
    session.run("python", "tools/causes.py", site / "html", env=paths())


@nox.session
def changelog(session: nox.Session) -> None:
    """antsibull-changelog on the fragments."""
    install(session)
    with session.chdir(copy()):
        session.run("antsibull-changelog", "lint")


@nox.session
def packages(session: nox.Session) -> None:
    """Tarball and wheel: each built, installed and used."""
    install(session)
    with session.chdir(copy()):
        pytest(session, "tests/packages")


@nox.session
def galaxy(session: nox.Session) -> None:
    """What Galaxy looks at when the tarball is uploaded; a warning fails."""
    install(session, "tools/galaxy-importer.txt")
    tarballs = BUILD / "tarball"
    shutil.rmtree(tarballs, ignore_errors=True)
    with session.chdir(copy()):
        session.run("ansible-galaxy", "collection", "build", "--output-path", tarballs, silent=True)
    (tarball,) = tarballs.glob("*.tar.gz")
    with session.chdir(tarballs):
        said = str(session.run("python", "-m", "galaxy_importer.main", tarball, silent=True))
    complaints = re.findall(r"^(?:WARNING|ERROR).*", said, re.MULTILINE)
    if complaints or "Importer processing completed successfully" not in said:
        print(*complaints, sep="\n")
        session.error("galaxy-importer complains")


# What is not a gate


@nox.session(default=False)
def demo(session: nox.Session) -> None:
    """A relay of our own, and a playbook that checks it."""
    install(session, "demo/requirements.txt")
    session.run("python", "demo/run.py", tree())


@nox.session(default=False)
def pictures(session: nox.Session) -> None:
    """The pictures of terminal and page that the README shows, from a real run; needs Chromium."""
    install(session)
    session.run("python", "tools/pictures.py", env=paths())


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """The benchmarks, each beside its peer."""
    install(session, *ON_CONTROLLERS, "tests/differential/requirements.txt")
    session.run("python", "bench/run.py", *session.posargs, env=paths())


@nox.session(default=False)
def load(session: nox.Session) -> None:
    """100,000 checks, a sweep of 50,000 relays, a fleet of 100,000: memory and descriptors stay as they are."""
    install(session)
    session.run("python", "tests/load/load.py", *session.posargs, env=paths())


@nox.session(default=False)
def fuzz(session: nox.Session) -> None:
    """A coverage-guided fuzzer on every parser, a minute each; `-- --seconds 600 replies` for one, longer."""
    install(session, "tests/fuzz/requirements.txt")
    session.run("python", "tests/fuzz/fuzz.py", *session.posargs, env=paths())


@nox.session(default=False)
def differential(session: nox.Session) -> None:
    """SPF and DMARC on 10,000 zones by chance, 200 whole domains, beside others; `-- spf 500 7`: 500, seed 7."""
    install(session, "tests/differential/requirements.txt", *ON_TARGETS)
    what, *numbers = session.posargs or ("all",)
    for name in ("spf", "dmarc", "domain") if what == "all" else (what,):
        session.run("python", "tests/differential/%s_peers.py" % name, *numbers, env=paths())


@nox.session(default=False)
def coverage(session: nox.Session) -> None:
    """Which lines and branches of plugins/module_utils/ no test reaches; fails below what pyproject.toml asks for."""
    install(session)
    tests = ["tests/unit", "tests/hostile", "tests/real"]
    session.run("coverage", "run", "-m", "pytest", "-q", "--tb=short", *tests, env=paths())
    session.run("coverage", "html", "--quiet", "--fail-under", "0", "-d", BUILD / "coverage-html")
    session.run("coverage", "report")


@nox.session(default=False)
def mutants(session: nox.Session) -> None:
    """Which changes of the files that decide no test notices (half an hour); `-- _smtp/replies` for one file."""
    install(session, "tools/cosmic-ray.txt", *ON_TARGETS)
    session.run("python", "tools/mutants.py", *session.posargs, env=paths())


@nox.session(default=False)
@nox.parametrize("python,core", [nox.param(py, core, id=core + "-" + py) for core in CORES for py in CORES[core]])
def cell(session: nox.Session, core: str) -> None:
    """One ansible-core on one controller's Python: sanity, roles, playbooks, units, and a play from each target's."""
    install(session, *ON_TARGETS, "demo/requirements.txt", "tests/matrix/core-%s.txt" % core)
    controller = str(session.python)
    supported = target_versions(session)
    found = [version for version in supported if at_hand(version)]

    def outcome(step: Callable[..., object], *words: object) -> str:
        try:
            step(*words)
        except CommandFailed:
            return "failed"
        return "passed"

    play = functools.partial(session.run, "python", "tools/target.py", env=paths())
    release = session.run("python", "-c", "import ansible.release as r; print(r.__version__)", silent=True)
    first = controller == CORES[core][0]  # what does not depend on the controller's Python is run once
    row = {
        "core": str(release).strip(),
        "controller": controller,
        "sanity": outcome(run_sanity, session, controller, found) if first else "-",
        "roles": outcome(pytest, session, *ROLES_AND_PLAYBOOKS) if first else "-",
        "units": outcome(pytest, session, "tests/unit"),
        "targets": {py: outcome(play, py) if py in found else "skipped" for py in supported},
    }
    (BUILD / "matrix").mkdir(exist_ok=True)
    (BUILD / "matrix" / ("%s-%s.json" % (core, controller))).write_text(json.dumps(row), encoding="utf-8")
    if "failed" in json.dumps(row):
        session.error("see above")


@nox.session(default=False, python=False, requires=["cell(%s-%s)" % (core, py) for core in CORES for py in CORES[core]])
def matrix(session: nox.Session) -> None:
    """Each ansible-core, controller and target Python that is found here (an hour), and the page about it."""
    session.run("python3", "tools/matrix.py", BUILD / "matrix")


@nox.session(default=False)
def causes(session: nox.Session) -> None:
    """Write the page of causes, after a change to their table."""
    install(session, *ON_TARGETS)
    session.run("python", "tools/causes.py", env=paths())


@nox.session(default=False)
def probes(session: nox.Session) -> None:
    """Write the page of an audit's probes, after a change to them."""
    install(session, *ON_TARGETS)
    session.run("python", "tools/probes.py", env=paths())


@nox.session(default=False)
def reference(session: nox.Session) -> None:
    """Write the pages of rules, profiles, facts and metrics, after a change to what they are made from."""
    install(session)
    session.run("python", "tools/reference.py", env=paths())


@nox.session(default=False)
def wheel(session: nox.Session) -> None:
    """Build what is published, the wheel and the collection's tarball, into dist/."""
    install(session)
    shutil.rmtree(ROOT / "dist", ignore_errors=True)
    with session.chdir(tracked()):
        session.run("hatchling", "build", "-t", "wheel", "-d", ROOT / "dist")
        session.run("ansible-galaxy", "collection", "build", "--output-path", ROOT / "dist")


@nox.session(name="format", default=False)
def mend_layout(session: nox.Session) -> None:
    """ruff's fixes and layout."""
    install(session, "tools/ruff.txt")
    session.run("ruff", "check", "--fix", ".")
    session.run("ruff", "format", ".")
