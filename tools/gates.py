# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `make` runs: the demonstration, the benchmarks and every quality gate.

Needs Python 3.11+ and no package. All it makes lies under .build/: environments (kept until a requirements
file changes), the import tree, builds. A gate is a function that returns one line about what it saw, or
raises `Skip` with the reason, or `Failed`. All gates run even when one fails; the exit status tells.
"""

from __future__ import annotations

import functools
import glob
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, Dict, List, Sequence

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / ".build"
COLLECTION = Path("ansible_collections/postmaster/mailcheck")
TREE = BUILD / "tree"  # holds COLLECTION as a link to ROOT: for Python's imports
COPY = BUILD / "copy"  # holds COLLECTION as a copy of what git would commit: ansible-test follows no link
OTHER_PYTHONS = ("3.8", "3.13")  # the oldest and the newest that targets are tested with
LINES_SHOWN = 200  # of what a failed command said
TEST_REQUIREMENTS = ("requirements-dev.txt", "demo/requirements.txt", "tests/unit/requirements.txt")


class Skip(Exception):
    """Why a gate cannot run here."""


class Failed(Exception):
    """What went wrong, in one line: the details are on the screen already."""


# Running commands


def run(*command: object, cwd: Path = ROOT, show: bool = True, **variables: object) -> str:
    """Runs a command that must succeed. With `show=False`: returns its output, shows it only if it fails."""
    words = [str(word) for word in command]
    environ = {**os.environ, **{name: str(value) for name, value in variables.items()}}
    print("$ %s" % " ".join(words).replace(str(ROOT) + "/", ""), flush=True)
    pipe = None if show else subprocess.PIPE
    done = subprocess.run(words, cwd=cwd, env=environ, stdout=pipe, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        print(*(done.stdout or "").splitlines()[-LINES_SHOWN:], sep="\n", flush=True)
        raise Failed("%s exited with %d" % (Path(words[0]).name, done.returncode))
    return done.stdout or ""


# What the gates stand on


@functools.lru_cache(maxsize=None)
def environment(name: str, python: str, *requirements: str) -> Path:
    """The `bin` folder of a virtual environment, made anew when its interpreter or requirements changed."""
    folder = BUILD / name
    made_from = folder / "made-from.txt"
    wanted = "\n".join([python, *((ROOT / file).read_text(encoding="utf-8") for file in requirements)])
    if not made_from.exists() or made_from.read_text(encoding="utf-8") != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        run(python, "-m", "venv", folder, show=False)
        files = [word for file in requirements for word in ("-r", file)]
        run(folder / "bin/python", "-m", "pip", "install", "-qq", "--disable-pip-version-check", *files)
        made_from.write_text(wanted, encoding="utf-8")
    return folder / "bin"


def tools() -> Path:
    return environment("venv", sys.executable, *TEST_REQUIREMENTS)


def own_version() -> str:
    return "%d.%d" % sys.version_info[:2]


@functools.lru_cache(maxsize=None)
def interpreter(version: str) -> str:
    """A working interpreter of another version. pyenv's shims only look like one, so its own come first."""
    pyenv = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    found = sorted(glob.glob("%s/versions/%s.*/bin/python" % (pyenv, version)), reverse=True)
    for candidate in [*found, shutil.which("python" + version)]:
        if candidate:
            asked = [candidate, "-c", "import ensurepip, sys; print('%d.%d' % sys.version_info[:2])"]
            if subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() == version:
                return candidate
    raise Skip("no Python %s on this machine" % version)


def tree() -> Path:
    """The folder for PYTHONPATH and ANSIBLE_COLLECTIONS_PATH."""
    link = TREE / COLLECTION
    if not link.is_symlink():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(ROOT)
    return TREE


@functools.lru_cache(maxsize=None)
def copy() -> Path:
    """A copy of what git knows or would add. It is a repository of its own: ansible-test would ask ours for
    its files, and find that .build/ is ignored. ansible-test's output stays: it keeps environments there."""
    target = COPY / COLLECTION
    run("git", "init", "--quiet", target, show=False)
    run("git", "clean", "--quiet", "-ffd", cwd=target, show=False)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).exists():  # else it is deleted, not yet committed
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target


def pytest(python: Path, *paths: str, **more: object) -> None:
    missing = [path for path in paths if not list((ROOT / path).rglob("test_*.py"))]
    if missing:
        raise Failed("no test in %s" % ", ".join(missing))
    variables = {"PYTHONPATH": "%s:%s" % (tree(), ROOT / "src"), "ANSIBLE_COLLECTIONS_PATH": tree(), **more}
    variables["HYPOTHESIS_STORAGE_DIRECTORY"] = BUILD / "hypothesis"
    run(python, "-m", "pytest", "-q", "--tb=short", *paths, **variables)


# The gates, in the order of `make test`


def lint() -> str:
    run(tools() / "ruff", "check", "--quiet", "--output-format", "concise", ".")
    run(tools() / "ruff", "format", "--check", "--quiet", ".")
    return "ruff, its rules and its layout"


def types() -> str:
    prefix = ".".join(COLLECTION.parts)
    packages = ["-p", prefix + ".plugins", "-p", "postmaster_mailcheck"]
    run(tools() / "mypy", *packages, MYPYPATH="%s:%s" % (tree(), ROOT / "src"))
    return "mypy on plugins/ and src/"


def units() -> str:
    pytest(tools() / "python", "tests/unit")
    return "pytest on Python %s" % own_version()


def units_on(version: str) -> str:
    if version == own_version():
        raise Skip("`units` ran on Python %s already" % version)
    environ = environment("py" + version, interpreter(version), "tests/unit/requirements.txt")
    pytest(environ / "python", "tests/unit")
    return "pytest on Python %s" % version


def cli() -> str:
    """With rich on our own Python, without it on the oldest."""
    pytest(tools() / "python", "tests/cli")
    oldest = OTHER_PYTHONS[0]
    environ = environment("py" + oldest, interpreter(oldest), "tests/unit/requirements.txt")
    pytest(environ / "python", "tests/cli")
    return "the command mailcheck, with rich on Python %s, without on %s" % (own_version(), oldest)


def hostile() -> str:
    pytest(tools() / "python", "tests/hostile", "tests/fuzz")
    return "relays that misbehave, and what a fuzzer has found, on Python %s" % own_version()


def hostile_on(version: str) -> str:
    if version == own_version():
        raise Skip("`hostile` ran on Python %s already" % version)
    environ = environment("py" + version, interpreter(version), "tests/unit/requirements.txt")
    pytest(environ / "python", "tests/hostile", "tests/fuzz")
    return "the same on Python %s" % version


def compliance() -> str:
    pytest(tools() / "python", "tests/compliance")
    return "profiles, waivers, and every format read by a reader of its own"


def real() -> str:
    pytest(tools() / "python", "tests/real")
    return "Postfix, Exim, Dovecot and Chromium, where they are present"


def sanity() -> str:
    versions = target_versions()
    return sanity_of(tools(), own_version(), versions)


def sanity_of(binaries: Path, controller: str, versions: Sequence[str]) -> str:
    """ansible-test's sanity tests, by the ansible-core in `binaries`, for targets of these versions."""
    targets = [word for version in versions for word in ("--target-python", version)]
    output = ansible_test(binaries, "sanity", "--controller", "origin:python=venv/" + controller, *targets)
    ran = re.findall(r'^Running sanity test "(.+?)"(.*)', output, re.MULTILINE)
    if ("validate-modules", "") not in ran or not all(("import", " on Python " + v) in ran for v in versions):
        print(output)
        raise Failed("ansible-test left tests out")
    return "ansible-test sanity: %d tests, targets with Python %s" % (len(ran), ", ".join(versions))


def ansible_units() -> str:
    output = ansible_test(tools(), "units", "--venv", "--python", own_version())
    closing = re.findall(r"^=+ (\d+ passed.*?) =+$", output, re.MULTILINE)
    print("\n".join(closing))
    if not closing:
        raise Failed("ansible-test ran no unit test")
    return "ansible-test units on Python %s" % own_version()


def playbooks() -> str:
    paths = ["demo/demo.yml", "playbooks", "roles", "plugins/modules"]
    command = [tools() / "ansible-lint", "-q", "--nocolor", *paths]
    run(*command, cwd=copy(), PATH=search_path(), ANSIBLE_COLLECTIONS_PATH=COPY)
    return "ansible-lint, production profile, on %s" % ", ".join(paths)


def targets() -> str:
    run(sys.executable, ROOT / "tools/matrix.py", "own")
    return "a playbook checked a relay from Python %s" % ", ".join(target_versions())


def docs() -> str:
    """The examples, the pages that are made, the linter, and the site, which has to build without a warning."""
    binaries = environment("docs", sys.executable, "docs/requirements.txt")
    variables = {"PATH": os.pathsep.join([str(binaries), os.environ["PATH"]]), "ANSIBLE_COLLECTIONS_PATH": COPY}
    pytest(tools() / "python", "tests/docs", PATH=variables["PATH"])
    rules = ["--plugin-docs", "--check-extra-docs-refs", "--validate-collection-refs", "self"]
    run(binaries / "antsibull-docs", "lint-collection-docs", *rules, ".", cwd=copy(), **variables)
    site = BUILD / "site"
    shutil.rmtree(site, ignore_errors=True)
    (site / "rst").mkdir(parents=True, mode=0o700)
    pages = ["--use-current", "--squash-hierarchy", "--fail-on-error", "--dest-dir", site / "rst"]
    run(binaries / "antsibull-docs", "collection", *pages, "postmaster.mailcheck", cwd=copy(), **variables)
    folders = [site / "rst", site / "html"]
    run(binaries / "sphinx-build", "-q", "-W", "--keep-going", "-c", "docs", *folders, **variables)
    run(tools() / "python", "tools/causes.py", site / "html", PYTHONPATH=tree())
    return "examples run, antsibull-docs, the site at .build/site/html"


def changelog() -> str:
    run(tools() / "antsibull-changelog", "lint", cwd=copy(), PATH=search_path())
    return "antsibull-changelog"


def licences() -> str:
    run(tools() / "reuse", "lint", "--lines", show=False)
    return "every file says its licence (REUSE)"


def packages() -> str:
    scratch = ["--basetemp", BUILD / "packages", "-o", "cache_dir=%s" % (BUILD / "pytest")]
    run(
        tools() / "python",
        "-m",
        "pytest",
        "-q",
        "--tb=short",
        *scratch,
        "tests/packages",
        cwd=copy(),
        PATH=search_path(),
    )
    return "tarball and wheel, each built, installed and used"


def supported_targets(binaries: Path) -> List[str]:
    """The Pythons that the ansible-core in `binaries` takes as targets."""
    code = "from ansible_test._util.target.common import constants as c;"
    code += "print(*c.REMOTE_ONLY_PYTHON_VERSIONS, *c.CONTROLLER_PYTHON_VERSIONS)"
    return run(binaries / "python", "-c", code, show=False).split()


def galaxy() -> str:
    """What Galaxy looks at when the tarball is uploaded; a warning fails."""
    binaries = environment("galaxy", sys.executable, "tools/galaxy-importer.txt")
    tarballs = BUILD / "tarball"
    shutil.rmtree(tarballs, ignore_errors=True)
    path = os.pathsep.join([str(binaries), os.environ["PATH"]])
    run(binaries / "ansible-galaxy", "collection", "build", "--output-path", tarballs, cwd=copy(), show=False)
    (tarball,) = tarballs.glob("*.tar.gz")
    said = run(binaries / "python", "-m", "galaxy_importer.main", tarball, cwd=tarballs, show=False, PATH=path)
    complaints = [line for line in said.splitlines() if line.startswith(("WARNING", "ERROR"))]
    if complaints or "Importer processing completed successfully" not in said:
        print(*complaints, sep="\n")
        raise Failed("galaxy-importer complains")
    return "galaxy-importer, without a warning"


def target_versions() -> List[str]:
    """The Pythons found here, of those we test with, that the ansible-core at hand takes as targets."""
    found = [own_version()]
    for version in OTHER_PYTHONS:
        try:
            interpreter(version)
        except Skip as reason:
            print("%s: not a target" % reason)
        else:
            found.append(version)
    return [version for version in supported_targets(tools()) if version in found]


def search_path(*versions: str) -> str:
    """PATH with our tools first, then the interpreters by the names that ansible-test looks for."""
    names = BUILD / "interpreters"
    shutil.rmtree(names, ignore_errors=True)
    names.mkdir(parents=True)
    for version in {*OTHER_PYTHONS, *versions}:
        try:
            (names / ("python" + version)).symlink_to(os.path.realpath(interpreter(version)))
        except Skip:
            pass
    return os.pathsep.join([str(tools()), str(names), os.environ["PATH"]])


def ansible_test(binaries: Path, command: str, *arguments: str) -> str:
    versions = [word.rpartition("/")[2] for word in arguments if re.search(r"(^|/)3\.\d+$", word)]
    path = os.pathsep.join([str(binaries), search_path(*versions)])
    return run(binaries / "ansible-test", command, "--color", "no", *arguments, cwd=copy(), show=False, PATH=path)


GATES: Dict[str, Callable[[], str]] = {
    "lint": lint,
    "types": types,
    "units": units,
    **{"units-" + version: functools.partial(units_on, version) for version in OTHER_PYTHONS},
    "cli": cli,
    "hostile": hostile,
    **{"hostile-" + version: functools.partial(hostile_on, version) for version in OTHER_PYTHONS},
    "compliance": compliance,
    "real": real,
    "sanity": sanity,
    "ansible-units": ansible_units,
    "playbooks": playbooks,
    "targets": targets,
    "docs": docs,
    "changelog": changelog,
    "licences": licences,
    "packages": packages,
    "galaxy": galaxy,
}


def run_gates(names: Sequence[str]) -> int:
    """Runs each gate, says one line about each, and closes with the sum. 0 if none failed."""
    outcomes: Dict[str, str] = {}
    lines = []
    began = time.monotonic()
    for name in names:
        print("\n── %s" % name, flush=True)
        started = time.monotonic()
        try:
            outcome, text = "passed", GATES[name]()
        except Skip as reason:
            outcome, text = "skipped", str(reason)
        except Failed as reason:
            outcome, text = "failed", str(reason)
        outcomes[name] = outcome
        lines.append("%-7s %-13s %5.1f s  %s" % (outcome, name, time.monotonic() - started, text))
        print(lines[-1], flush=True)
    if len(names) > 1:
        print("\n── all gates (%.0f s)\n%s" % (time.monotonic() - began, "\n".join(lines)))
        counts = {word: list(outcomes.values()).count(word) for word in ("passed", "failed", "skipped")}
        print("gates: %(passed)d passed, %(failed)d failed, %(skipped)d skipped" % counts, flush=True)
    return 1 if "failed" in outcomes.values() else 0


# What is not a gate


def demo() -> int:
    python = environment("demo", sys.executable, "demo/requirements.txt") / "python"
    return subprocess.run([python, ROOT / "demo/run.py", tree()], cwd=ROOT, check=False).returncode


def bench() -> int:
    scripts = sorted((ROOT / "bench").glob("*.py"))
    variables = {"PYTHONPATH": tree(), "ANSIBLE_COLLECTIONS_PATH": tree(), "PATH": search_path()}
    for script in scripts:
        run(tools() / "python", script, **variables)
    if not scripts:
        raise Failed("nothing to run in bench/")
    return 0


def fuzz() -> int:
    """`make fuzz FUZZ="--seconds 600 replies"`: these targets, each so long; by default all, a minute each."""
    binaries = environment("fuzz", sys.executable, "tests/fuzz/requirements.txt")
    arguments = shlex.split(os.environ.get("FUZZ", ""))
    run(binaries / "python", ROOT / "tests/fuzz/fuzz.py", *arguments, PYTHONPATH="%s:%s" % (tree(), ROOT / "src"))
    return 0


def wheel() -> int:
    """Builds what is published into dist/."""
    shutil.rmtree(ROOT / "dist", ignore_errors=True)
    run(tools() / "hatchling", "build", "-t", "wheel", "-d", ROOT / "dist", cwd=copy())
    run(tools() / "ansible-galaxy", "collection", "build", "--output-path", ROOT / "dist", cwd=copy())
    return 0


def form() -> int:
    run(tools() / "ruff", "check", "--fix", ".")
    run(tools() / "ruff", "format", ".")
    return 0


def coverage() -> int:
    """Measures plugins/module_utils by the tests that run it in process; fails below what pyproject.toml asks for."""
    variables = {"PYTHONPATH": "%s:%s" % (tree(), ROOT / "src"), "ANSIBLE_COLLECTIONS_PATH": tree()}
    measure = [tools() / "python", "-m", "coverage"]
    run(*measure, "run", "-m", "pytest", "-q", "--tb=short", "tests/unit", "tests/hostile", "tests/real", **variables)
    run(*measure, "html", "--quiet", "--fail-under", "0", "-d", BUILD / "coverage-html")
    run(*measure, "report")
    return 0


def causes() -> int:
    run(tools() / "python", ROOT / "tools/causes.py", PYTHONPATH=tree())
    return 0


OTHERS: Dict[str, Callable[[], int]] = {
    "causes": causes,
    "coverage": coverage,
    "demo": demo,
    "bench": bench,
    "fuzz": fuzz,
    "wheel": wheel,
    "format": form,
}


def main(words: List[str]) -> int:
    if sys.version_info < (3, 11):
        print("Python 3.11 or newer is needed, this is %s: say `make PYTHON=python3.12 …`." % own_version())
        return 2
    BUILD.mkdir(exist_ok=True)
    try:
        if words and words[0] in OTHERS:
            return OTHERS[words[0]]()
        return run_gates(words or list(GATES))
    except Failed as reason:
        print(reason)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
