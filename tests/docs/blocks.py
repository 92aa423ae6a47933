# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Every block of code in pages, EXAMPLES and docstrings, and of which kind it is. A kind is what the tests do with a
# block; a block that fits none raises, so that none is left out.

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Pattern

import yaml

ROOT = Path(__file__).resolve().parents[2]
# Made by a tool, or no documentation.
NOT_PAGES = {
    "CHANGELOG.md",
    "docs/docsite/rst/causes.rst",
    "docs/docsite/rst/facts.rst",
    "docs/docsite/rst/metrics.rst",
    "docs/docsite/rst/probes.rst",
    "docs/docsite/rst/profiles.rst",
    "docs/docsite/rst/rules.rst",
    "docs/docsite/rst/versions.rst",
}
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
DIRECTIVE = re.compile(r"^( *)\.\. code-block:: (\S+)\n((?:\1 +.*\n|[ ]*\n)+)", re.MULTILINE)
LITERAL = re.compile(r"^( *)(?!\.\. )\S.*(::)\n\n((?:\1 +.*\n|[ ]*\n)+)", re.MULTILINE)
EXAMPLES = re.compile(r'^()(EXAMPLES) = r?"""\n(.*?)^"""', re.MULTILINE | re.DOTALL)
BESIDE = re.compile(r"^()(EXAMPLES): \|\n((?:  .*\n|\n)+)", re.MULTILINE)  # a plugin, in a file of documentation
# The keys of a block of variables -> its kind.
KEYS = {
    "collections": "requirements",
    "dependencies": "execution environment",
    "extra_vars": "credential",
    "fields": "credential",
    "groups": "alert rules",
    "minor_changes": "changelog fragment",
    "relays": "variables",
    "rules": "profile",
    "submission_profile": "variables",
    "sweep_options": "variables",
}


class Block(NamedTuple):
    page: str  # relative to the repository
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return "%s:%d" % (self.page, self.line)

    @property
    def kind(self) -> str:
        if self.language in ("console", "shell"):
            return "commands"
        if self.language == "none":  # that of another program, which Pygments has no lexer for
            return "configuration"
        if self.language in ("python", "text"):
            return self.language
        if self.language not in ("yaml", "yaml+jinja", "EXAMPLES"):
            raise ValueError("%s: no test knows what to do with '%s'" % (self, self.language))
        found = yaml.safe_load(self.text)
        if isinstance(found, list) and "expires" in found[0]:
            return "waivers"
        if isinstance(found, list):
            return "tasks" if "hosts" not in found[0] else "play"
        if all(name.startswith(("compliance_", "smoke_test_")) for name in found):
            return "variables of a role"
        kinds = {KEYS[name] for name in found if name in KEYS}
        if len(kinds) != 1:
            raise ValueError("%s: no test knows what to do with these variables" % str(self))
        return kinds.pop()


def blocks_in(page: str, text: str, *patterns: Pattern[str]) -> Iterator[Block]:
    for pattern in patterns:
        for match in pattern.finditer(text):
            yield Block(
                page, text.count("\n", 0, match.start()) + 1, match[2], textwrap.dedent(match[3]).strip("\n") + "\n"
            )


def all_blocks() -> Iterator[Block]:
    patterns: Dict[str, List[Pattern[str]]] = {
        ".md": [FENCE],
        ".rst": [DIRECTIVE, LITERAL],
        ".py": [EXAMPLES],
        ".yml": [BESIDE],
    }
    pages = [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("docs/*.rst"),
        *ROOT.glob("docs/docsite/rst/*.rst"),
        *ROOT.glob("roles/*/*.md"),
    ]
    plugins = [file for kind in ("modules", "filter", "lookup") for file in (ROOT / "plugins" / kind).iterdir()]
    for path in sorted([*pages, *plugins]):
        page = path.relative_to(ROOT).as_posix()
        if page not in NOT_PAGES and path.is_file():
            yield from blocks_in(page, path.read_text(encoding="utf-8"), *patterns[path.suffix])


BLOCKS = list(all_blocks())


def of_kind(*kinds: str) -> List[Block]:
    return [block for block in BLOCKS if block.kind in kinds]


def loaded(block: Block) -> Any:
    return yaml.safe_load(block.text)
