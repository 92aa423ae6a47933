# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets a coverage-guided fuzzer look for inputs that break a target: python tests/fuzz/fuzz.py --help

Needs atheris (tests/fuzz/requirements.txt), and the import tree in PYTHONPATH. Each target runs in a process of its
own, from its saved corpus; what it finds new is kept in the working folder. `--save` writes the smallest set of inputs
that reaches the same code back into tests/fuzz/corpus. A finding is printed as the line to add there.
"""

from __future__ import annotations

import argparse
import base64
import glob
import importlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Callable

HERE = Path(__file__).resolve().parent
COLLECTION = "ansible_collections.postmaster.mailcheck"
PLUGINS, COMMAND = COLLECTION + ".plugins", "postmaster_mailcheck"
HEAD = """\
# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Inputs for the fuzz target of this name, each in base64.
"""
MAX_OCTETS = 1024  # of an input: what grows with its length is measured elsewhere (tests/hostile/growth.py)


# Beside this file; whatever the last needs ansible-core for runs on a controller's Pythons alone.
FILES = ("targets", "domain_targets", "session_targets", "command_targets", "controller_targets")


def targets_of(file: str) -> Any:
    return importlib.import_module("%s.tests.fuzz.%s" % (COLLECTION, file))


def targets() -> dict[str, Callable[[bytes], None]]:
    return {name: target for file in FILES for name, target in targets_of(file).TARGETS.items()}


def corpus(name: str) -> list[bytes]:
    """The saved inputs of a target, the empty one first."""
    path = HERE / "corpus" / (name + ".txt")
    lines = path.read_text(encoding="ascii").splitlines() if path.exists() else []
    return [b""] + [base64.b64decode(line) for line in lines if line and not line.startswith("#")]


def run_one(name: str, arguments: list[str]) -> None:
    """Become the fuzzer of one target. Does not return."""
    import atheris

    with atheris.instrument_imports(include=[PLUGINS, COMMAND]):
        target = targets()[name]
        with targets_of("targets").eased():
            for data in corpus(name):  # so that what is imported late is looked at, too
                target(data)
    again = " ".join((sys.executable, __file__, "--one", name))  # how it starts itself to merge, by a shell
    atheris.Setup([again, *arguments], target, enable_python_coverage=True)
    with targets_of("targets").eased():
        atheris.Fuzz()


def fuzz(name: str, seconds: int, work: Path, seed: int) -> tuple[int, bool]:
    """Run one target's fuzzer; return how often it ran the target, and whether that held."""
    folder = work / name
    folder.mkdir(parents=True, exist_ok=True)
    for index, data in enumerate(corpus(name)):
        (folder / ("saved-%04d" % index)).write_bytes(data)
    limits = ["-max_total_time=%d" % seconds, "-max_len=%d" % MAX_OCTETS, "-timeout=20", "-rss_limit_mb=2048"]
    command = [sys.executable, __file__, "--one", name, *limits]
    command += ["-print_final_stats=1", "-artifact_prefix=%s/found-" % work, "-seed=%d" % seed, str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    output = done.stdout.decode("utf-8", "replace")
    (work / (name + ".log")).write_text(output, encoding="utf-8")
    executed = re.findall(r"stat::number_of_executed_units: *([0-9]+)|^#([0-9]+)", output, re.MULTILINE)
    runs = int(next(filter(None, executed[-1]))) if executed else 0
    if done.returncode:
        print("\n".join(output.splitlines()[-40:]))
        for path in re.findall(r"Test unit written to (\S+)", output):
            print("to keep it, add to tests/fuzz/corpus/%s.txt:" % name)
            print(base64.b64encode(Path(path).read_bytes()).decode("ascii"))
    return runs, done.returncode == 0


def save(name: str, work: Path) -> int:
    """Write the smallest corpus with the same coverage; return how many inputs it has."""
    with tempfile.TemporaryDirectory() as smallest:
        command = [
            sys.executable,
            __file__,
            "--one",
            name,
            "-merge=1",
            "-use_counters=0",
            "-max_len=%d" % MAX_OCTETS,
            smallest,
        ]
        with open(work / (name + "-merge.log"), "wb") as log:
            subprocess.run([*command, str(work / name)], stdout=log, stderr=subprocess.STDOUT, check=True)
        found = {Path(path).read_bytes() for path in glob.glob(smallest + "/*")}
    lines = sorted(base64.b64encode(data).decode("ascii") for data in found if data)
    (HERE / "corpus" / (name + ".txt")).write_text(HEAD + "".join(line + "\n" for line in lines), encoding="ascii")
    return len(lines)


def main() -> int:
    if sys.argv[1:2] == ["--one"]:
        run_one(sys.argv[2], sys.argv[3:])
    known = targets()
    parser = argparse.ArgumentParser(description="Fuzz the engine's parsers.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="of %s; all by default" % ", ".join(known))
    parser.add_argument("--seconds", type=int, default=60, help="for each target (default: 60)")
    parser.add_argument("--seed", type=int, default=0, help="0, the default, stands for another one each time")
    parser.add_argument("--work", type=Path, help="where logs and new inputs go (default: a new folder)")
    parser.add_argument("--save", action="store_true", help="write the corpora back into tests/fuzz/corpus")
    given = parser.parse_args()
    work = given.work or Path(tempfile.mkdtemp(prefix="fuzz-"))
    work.mkdir(parents=True, exist_ok=True)
    total, failed = 0, 0
    for name in given.targets or known:
        runs, held = fuzz(name, given.seconds, work, given.seed)
        total, failed = total + runs, failed + (not held)
        saved = ", %d inputs saved" % save(name, work) if given.save and held else ""
        print("%-20s %9d executions, %s%s" % (name, runs, "held" if held else "BROKEN", saved), flush=True)
    print("%d executions, %d of the targets broken; logs in %s" % (total, failed, work), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
