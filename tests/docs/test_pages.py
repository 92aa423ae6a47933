# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The pages that are made, and what the others say about the code.

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any, Set

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.rules import ALWAYS, RULES, WHERE_PRESENT
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.options import OPTIONS
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.rules import RULES as RELAY_RULES
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.sweep_options import SWEEP_OPTIONS
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.causes import CAUSES
from postmaster_mailcheck import __all__ as public
from postmaster_mailcheck import explain
from postmaster_mailcheck.commands.endings import EXIT_CODES
from postmaster_mailcheck.commands.main import SUBCOMMANDS

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs/docsite/rst"


def test_the_pictures_that_are_shown_are_there_and_small() -> None:
    shown = re.findall(r"!\[[^]]+\]\((docs/pictures/[^)]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    there = [str(path.relative_to(ROOT)) for path in (ROOT / "docs/pictures").iterdir()]
    assert sorted(shown) == sorted(there)
    assert [name for name in there if (ROOT / name).stat().st_size > 150_000] == []


def written_by(name: str) -> ModuleType:
    """The tool that writes a page."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / (name + ".py"))
    assert spec and spec.loader
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool


@pytest.mark.parametrize("name", ["causes", "probes"])
def test_a_page_that_is_made_is_what_its_table_says(name: str) -> None:
    tool = written_by(name)
    assert tool.page() == tool.PAGE.read_text(encoding="utf-8"), "run `make %s`" % name


@pytest.mark.parametrize("page", written_by("reference").pages(), ids=lambda page: page.name)
def test_a_reference_page_is_what_its_tables_say(page: Any) -> None:
    assert page.text() == page.file.read_text(encoding="utf-8"), "run `make reference`"


ARCHITECTURE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
ENGINE, COMMAND = ROOT / "plugins/module_utils", ROOT / "src/postmaster_mailcheck"
# Folders whose row says what each file in them is.
TOLD_AS_ONE = {"_audit/probes", "_mailbox/imap", "_mailbox/pop3", "_net/sasl"}


def named_in(text: str) -> Set[str]:
    """The files and folders that a text names, by their last names."""
    return set(re.findall(r"\w+(?:\.py|/)", text))


@pytest.mark.parametrize("wing", sorted({path.relative_to(ENGINE).parts[0] for path in ENGINE.glob("*/**/*.py")}))
def test_the_map_names_every_folder_and_file_of_a_wing(wing: str) -> None:
    section = ARCHITECTURE.partition("\n## `%s/`" % wing)[2].partition("\n## ")[0]
    files = list((ENGINE / wing).rglob("*.py"))
    folders = {path.parent.relative_to(ENGINE).as_posix() for path in files} - {wing}
    names = {path.name for path in files if path.parent.relative_to(ENGINE).as_posix() not in TOLD_AS_ONE}
    assert names | {folder.rpartition("/")[2] + "/" for folder in folders} <= named_in(section)


@pytest.mark.parametrize("folder", sorted({path.parent.relative_to(ROOT).as_posix() for path in COMMAND.rglob("*.py")}))
def test_the_map_names_every_file_of_the_command(folder: str) -> None:
    """Subcommands have a file each, by their names."""
    (row,) = [line for line in ARCHITECTURE.splitlines() if line.startswith("| `%s/` |" % folder)]
    names = {path.name for path in (ROOT / folder).glob("*.py") if not path.name.startswith("__")}
    if folder.endswith("/commands"):
        names -= {name + ".py" for name in SUBCOMMANDS}
    assert names <= named_in(row)


def test_every_cause_has_an_anchor_of_its_own() -> None:
    text = (PAGES / "causes.rst").read_text(encoding="utf-8")
    anchors = re.findall(
        r"^\.\. _ansible_collections\.postmaster\.mailcheck\.docsite\.cause_(\w+):$", text, re.MULTILINE
    )
    assert sorted(anchors) == sorted(CAUSES)


def test_the_guide_to_domains_has_every_rule_as_it_is() -> None:
    text = (PAGES / "guide_domains.rst").read_text(encoding="utf-8")
    rows = re.findall(r"^   \* - ``(\w+)``\n     - (\w+)\n     - (\w+)\n     - (.*)\n     - (.*)\n", text, re.MULTILINE)
    usual = {**dict.fromkeys(ALWAYS, "yes"), **dict.fromkeys(WHERE_PRESENT, "where it is there")}
    assert rows == [
        (name, kind.stage, kind.severity, kind.text.replace("%s", "…"), usual.get(name, "no"))
        for name, kind in RULES.items()
    ]


def test_smtp_by_hand_names_options_facts_and_causes_that_there_are() -> None:
    text = (PAGES / "guide_by_hand.rst").read_text(encoding="utf-8")
    reference = written_by("reference")
    returned = [reference.documented(name, "RETURN") for name in ("smtp_check", "smtp_sweep")]
    facts = {path.strip("`") for table in returned for path, *_rest in reference.flattened(table)}
    known = {*facts, *(path.rpartition(".")[2] for path in facts), "codes.ehlo", "codes.mail", "timings.connect"}
    options = {*OPTIONS, *SWEEP_OPTIONS, *("expect." + rule for rule in RELAY_RULES), "host", "smtp_sweep"}
    rows = re.findall(r"^   \* - (.+)\n     - (.+)\n     - (.+)\n", text, re.MULTILINE)
    steps, seen = rows[1 : rows.index(next(row for row in rows if row[0] == "Seen by hand"))], rows[-7:]
    assert len(steps) == 11
    for _step, option, fact in steps:
        assert {word.partition(":")[0] for word in re.findall("``(.+?)``", option)} <= options, option
        assert set(re.findall("``(.+?)``", fact)) <= known, fact
    named = {word for _seen, cause, _usually in seen for word in re.findall("``(.+?)``", cause)}
    assert named - {"addresses_tried"} <= set(CAUSES) and len(named) == 7


def test_the_words_behind_554_have_the_causes_that_the_guide_gives_them() -> None:
    text = (PAGES / "guide_554.rst").read_text(encoding="utf-8")
    rows = re.findall(r"^   \* - (``.+)\n     - ``(.+)``\n", text, re.MULTILINE)
    assert len(rows) == 6
    for words, cause in rows:
        for said in re.findall("``(.+?)``", words):
            reply = "554 5.7.1 <x@example.net>: %s" % said.replace("…", "bl.example.net; Client host [192.0.2.9]")
            assert explain(reply)["cause"] == cause, said


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


def test_the_changelog_tells_of_every_released_module_plugin_and_role() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").replace("\\", "")
    released = re.findall(r"^## v(\S+)$", changelog, re.MULTILINE)
    documented = [
        path for kind in ("modules/*.py", "lookup/*.py", "filter/*.yml") for path in ROOT.glob("plugins/" + kind)
    ]
    names = [role.name for role in (ROOT / "roles").iterdir()]
    for path in documented:
        added = re.findall(r"^ *version_added: (\S+)$", path.read_text(encoding="utf-8"), re.MULTILINE)[0]
        names += [path.stem] if added in released else []
    told = re.findall(r"^\* postmaster\.mailcheck\.(\S+)", changelog, re.MULTILINE)
    assert sorted(told) == sorted(names)
