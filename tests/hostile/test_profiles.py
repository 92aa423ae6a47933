# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Profiles, waivers and files of relays that are built to cost, or to steer whoever reads what is wrong with them. What is
# expected was written down first: each is refused in a sentence, by the profile's name, and nothing of it is run.

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, Tuple

import pytest

pytest.importorskip("yaml", reason="PyYAML is not installed for this Python")

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.text import MAX_TEXT
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._profiles import ProfileError, load_profiles
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import AssessmentError
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._waivers import read_waivers
from postmaster_mailcheck.commands.main import main

if TYPE_CHECKING:
    from pathlib import Path

RULES = "rules: {max_seconds: {expect: %s}}"
LONG = 500_000  # octets: half of what a profile may have
SEXAGESIMAL = "1" + ":1" * (LONG // 2)  # YAML 1.1: a number of the base 60

# Profile -> what is said of it.
HOSTILE: Dict[str, Tuple[str, str]] = {
    # What costs more than it is long.
    "the billion laughs": ("a: &a [x]\nb: &b [*a, *a]\nrules: {capabilities: {expect: *b}}", "has an alias (*) in line 2"),
    "an alias of itself": ("rules: &a {capabilities: *a}", "has an alias (*) in line 1"),
    "a number of the base 60": ("title: x\n" + RULES % SEXAGESIMAL, "has a number of more than 100 characters in line 2"),
    "a fraction of the base 60": (RULES % (SEXAGESIMAL + ".5"), "has a number of more than 100 characters in line 1"),
    "digits": (RULES % ("9" * LONG), "has a number of more than 100 characters in line 1"),
    "hexadecimal digits": (RULES % ("0x" + "f" * LONG), "has a number of more than 100 characters in line 1"),
    "digits that are said to be a number": (RULES % ('!!int "%s"' % ("9" * LONG)), "has a number of more than 100 characters"),
    "a number for a rule": ("rules: {? %s : {expect: 1}}" % ("9" * LONG), "has a number of more than 100 characters"),
    "lists in lists": (RULES % ("[" * LONG), "is no YAML"),
    "dictionaries in dictionaries": ("\n".join(" " * depth + "a:" for depth in range(900)), "is no YAML"),
    # What is more than data.
    "a call": (RULES % "!!python/object/apply:os.system [id]", "is no YAML"),
    "a tag that nobody knows": (RULES % "!vault x", "is no YAML"),
    "octets that are no text": ("title: \x00\n" + RULES % 1, "is no YAML"),
    "two documents": (RULES % 1 + "\n---\n" + RULES % 2, "is no YAML"),
    # What is no profile.
    "a list": ("[rules]", "has no rules"),
    "a rule that is a number": ("rules: {1: {expect: 1}}", "rules.1: there is no such rule"),
    "a rule that is nothing": ("rules: {null: {expect: 1}}", "rules.None: there is no such rule"),
    "a rule that is a list": ("rules: {? [1] : {expect: 1}}", "is no YAML"),
    "a time for seconds": (RULES % "2026-11-29", "rules.max_seconds: must be a number"),
    "no number": (RULES % ".nan", "rules.max_seconds: must be a number"),
    "infinity": (RULES % ".inf", "rules.max_seconds: must be a number"),
    "a severity that is a list": ("rules: {max_seconds: {expect: 1, severity: [high]}}", "severity: must be one of"),
    # What steers a terminal, or fills it.
    "a rule full of commands": ('rules: {"\\e[2J\\x9b31m": {expect: 1}}', "rules.\\x1b[2J\\x9b31m: there is no such rule"),
    "a key full of commands": ('rules: {max_seconds: {expect: 1, "\\u202e\\r\\n": 1}}', "rules.max_seconds.\\u202e\\r\\n: is not"),
    "a rule without end": ("rules: {? %s : {expect: 1}}" % ("x" * LONG), "rules.xxx"),
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_a_profile_is_refused_in_a_sentence(what: str, tmp_path: Path) -> None:
    text, said = HOSTILE[what]
    path = tmp_path / "ours.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ProfileError) as refused:
        load_profiles([str(path)])
    told = str(refused.value)
    assert told.startswith("profile '%s'" % path) and said in told
    assert told.isprintable() and len(told) < MAX_TEXT + 100


WAIVERS = {
    "a key full of commands": [{"\x1b[2J\x9b": 1}],
    "a key without end": [{"x" * LONG: 1}],
    "a value in place of a text": [{"rule": ["\x1b[2J"], "endpoint": 1, "reason": {}, "owner": None, "expires": 2e999}],
}


@pytest.mark.parametrize("what", WAIVERS)
def test_so_are_waivers(what: str) -> None:
    with pytest.raises(AssessmentError) as refused:
        read_waivers(WAIVERS[what])
    assert str(refused.value).startswith("waivers[0]")
    assert str(refused.value).isprintable() and len(str(refused.value)) < MAX_TEXT + 100


@pytest.mark.parametrize("what", ["a number of the base 60", "digits", "lists in lists", "a rule full of commands"])
@pytest.mark.parametrize("argument", ["--profile", "--waivers", "relays"])
def test_so_is_any_yaml_of_the_command(
    argument: str, what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("jinja2", reason="reports need Jinja2")
    (tmp_path / "given.yml").write_text(HOSTILE[what][0], encoding="utf-8")
    (tmp_path / "relays.txt").write_text("127.0.0.1:9\n")
    given = [str(tmp_path / ("given.yml" if argument == "relays" else "relays.txt")), "--profile", "relay"]
    assert main(["assess", *given, *([] if argument == "relays" else [argument, str(tmp_path / "given.yml")])]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.rstrip("\n").isprintable() and len(printed.err) < MAX_TEXT + 200
