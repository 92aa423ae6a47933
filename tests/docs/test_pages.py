# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The pages that are made, and what the others say about the code.

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.explain import CAUSES
from postmaster_mailcheck import __all__ as public
from postmaster_mailcheck.cli import EXIT_CODES

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs/docsite/rst"


def test_the_page_of_causes_is_what_the_table_says() -> None:
    spec = importlib.util.spec_from_file_location("causes", ROOT / "tools/causes.py")
    assert spec and spec.loader
    causes = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(causes)
    assert causes.page() == causes.PAGE.read_text(encoding="utf-8"), "run `make causes`"


def test_every_cause_has_an_anchor_of_its_own() -> None:
    text = (PAGES / "causes.rst").read_text(encoding="utf-8")
    anchors = re.findall(
        r"^\.\. _ansible_collections\.postmaster\.mailcheck\.docsite\.cause_(\w+):$", text, re.MULTILINE
    )
    assert sorted(anchors) == sorted(CAUSES)


def test_the_guide_to_python_names_what_is_public() -> None:
    text = (PAGES / "guide_python.rst").read_text(encoding="utf-8")
    sentence = re.findall(r"``postmaster_mailcheck\.__all__``: (.*?)\. ", text, re.DOTALL)[0]
    assert sorted(re.findall(r"``(\w+)``", sentence)) == sorted(public)


def test_the_guide_to_the_command_has_its_exit_codes() -> None:
    text = (PAGES / "guide_command.rst").read_text(encoding="utf-8")
    told = dict(re.findall(r"^([0-9]) +(\w+(?: \w+)?)[:,\n]", text, re.MULTILINE))
    assert {int(code): words.replace(" ", "_") for code, words in told.items() if code != "2"} == {
        code: verdict for verdict, code in EXIT_CODES.items()
    }


def test_every_guide_is_in_the_table_of_contents() -> None:
    listed = re.findall(
        r"^      - (\w+)$", (ROOT / "docs/docsite/extra-docs.yml").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sorted(listed) == sorted(page.stem for page in PAGES.glob("*.rst"))


def test_the_changelog_tells_of_every_module_plugin_and_role() -> None:
    told = re.findall(
        r"^\* postmaster\\\.mailcheck\\\.(\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    files = [file for kind in ("modules", "filter", "lookup") for file in (ROOT / "plugins" / kind).glob("*.py")]
    names = [path.stem for path in [*files, *(ROOT / "roles").iterdir()]]
    assert sorted(name.replace("\\", "") for name in told) == sorted(names)
