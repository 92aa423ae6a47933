# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What users of a release can name, read from its installed collection and command: options, facts, flags. Options and
# facts are named by their path: `expect.codes`, `tls.chain.subject`.
#
# `python surface.py SITE-PACKAGES TOOLS > released/VERSION.json`, where the collection lies in the first folder, and
# ansible-doc and mailcheck in the second, keeps a release for test_upgrade.py.

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Tuple

COLLECTION = "postmaster.mailcheck"
PLUGINS = ("module", "filter", "lookup")
OF_AN_OPTION = ("type", "elements", "choices", "default", "required")


def surface(installed: Path, tools: Path) -> Dict[str, Any]:
    plugins = {f"{kind} {name}": entry for kind in PLUGINS for name, entry in _documented(kind, installed, tools)}
    roles = dict(_documented("role", installed, tools))
    return {
        "options": {
            **{name: dict(_options(entry["doc"].get("options", {}))) for name, entry in plugins.items()},
            **{
                f"role {name}": dict(_options(entry["entry_points"]["main"]["options"]))
                for name, entry in roles.items()
            },
        },
        "facts": {name: dict(_facts(entry["return"])) for name, entry in plugins.items() if name.startswith("module")},
        "flags": {command: _flags(command, tools) for command in ("check", "sweep", "explain")},
    }


def _documented(kind: str, installed: Path, tools: Path) -> Iterator[Tuple[str, Any]]:
    """Names without the collection's, and what ansible-doc says of each."""
    environ = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(installed), "ANSIBLE_LOCALHOST_WARNING": "false"}

    def ansible_doc(*words: str) -> Any:
        command = [str(tools / "ansible-doc"), "--type", kind, "--json", *words]
        done = subprocess.run(command, env=environ, cwd=installed, capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    names = list(ansible_doc("--list", COLLECTION))
    for name, entry in (ansible_doc(*names) if names else {}).items():
        yield name.rpartition(".")[2], entry


def _options(options: Mapping[str, Any], above: str = "") -> Iterator[Tuple[str, Any]]:
    for name, option in options.items():
        kept = {key: option[key] for key in OF_AN_OPTION if key in option}
        choices = kept.get("choices")
        yield above + name, {**kept, "choices": sorted(map(str, choices))} if choices else kept
        yield from _options(option.get("options") or option.get("suboptions") or {}, f"{above}{name}.")


def _facts(facts: Mapping[str, Any], above: str = "") -> Iterator[Tuple[str, str]]:
    for name, fact in facts.items():
        yield above + name, fact["type"]
        yield from _facts(fact.get("contains") or {}, f"{above}{name}.")


def _flags(command: str, tools: Path) -> List[str]:
    """Those that its help shows; a release that has --help-all shows all there."""
    for word in ("--help-all", "--help"):
        done = subprocess.run([str(tools / "mailcheck"), command, word], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            break
    lines = re.findall(r"^ +(-.*)", done.stdout, re.MULTILINE)  # "-v, --verbose  what it does"
    return sorted({flag for line in lines for flag in re.findall(r"(?<![\w-])--?[a-z][a-z-]*", line.split("  ")[0])})


if __name__ == "__main__":
    json.dump(surface(Path(sys.argv[1]), Path(sys.argv[2])), sys.stdout, indent=1, sort_keys=True)
