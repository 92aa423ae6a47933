# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Every example in README, guides and modules: looked over by ansible-playbook and ansible-lint, and run as it stands,
# against relays that bear its names. What cannot run here is listed, with the reason.

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import pytest
import yaml

from ansible_collections.postmaster.mailcheck.tests.docs.world import PASSWORD, indented_blocks, world

ROOT = Path(__file__).resolve().parents[2]
TOOLS = Path(sys.executable).parent
GUIDES = sorted((ROOT / "docs/docsite/rst").glob("*.rst"))
# Task -> why it is only looked over.
NOT_RUN = {
    "Ask a mail store, by LMTP on its socket, whether it knows a mailbox": "no socket of that path",
    "Check all addresses of all MX hosts of our domains": "asks the DNS",
    "Check every mail server of the inventory, each at two ports": "uses a filter of another collection",
    "Hand the metrics to the node exporter": "writes where only root may",
    "Speak TLS from the first octet (port 465), to a relay with a private authority": "names a file of the reader's",
}
# Playbook -> the variables that it asks for.
PLAYBOOKS: Dict[str, Dict[str, Any]] = {
    "check_relay.yml": {"relay": "relay.example.com", "relay_port": 587},
}
INVENTORY = """
all:
  children:
    mail: {hosts: {mx1.example.com: {}, mx2.example.com: {}}}
    smarthosts: {hosts: {relay.example.com: {}}}
  vars:
    ansible_connection: local
"""
HEAD = """\
- name: An example
  hosts: localhost
  gather_facts: false
  tasks:
"""
# What the examples of filters begin with: a profile, a sweep, an assessment, and one of another day.
PRELUDE = """
- name: Before the example
  hosts: localhost
  gather_facts: false
  tasks:
    - postmaster.mailcheck.smtp_sweep:
        hosts: [relay.example.com]
        details: all
        expect: "{{ lookup('postmaster.mailcheck.profile', 'relay').expect }}"
      register: fleet
      failed_when: false
    - ansible.builtin.set_fact:
        profile: "{{ lookup('postmaster.mailcheck.profile', 'relay') }}"
    - ansible.builtin.set_fact:
        assessment: "{{ fleet | postmaster.mailcheck.assess(profile=profile) }}"
    - ansible.builtin.copy:
        content: "{{ assessment | postmaster.mailcheck.report_json(stable=true) }}"
        dest: last.json
        mode: '0644'
"""
VARIABLES = {
    "app_mail_password": PASSWORD,
    "probe_password": PASSWORD,
    "mail_password": PASSWORD,
    "ansible_python_interpreter": sys.executable,
}


def fenced(text: str, language: str) -> List[str]:
    return re.findall(r"^```%s\n(.*?)^```" % language, text, re.MULTILINE | re.DOTALL)


def sources() -> Iterator[Tuple[str, List[str]]]:
    """Name, and the YAML examples that stand there."""
    for page in [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")), ROOT / "CONTRIBUTING.md"]:
        if page.exists():
            yield page.name, fenced(page.read_text(encoding="utf-8"), "ya?ml")
    for page in GUIDES:
        text = page.read_text(encoding="utf-8")
        both = [indented_blocks(text, ".. code-block:: " + kind) for kind in ("yaml+jinja", "yaml")]
        yield page.name, both[0] + both[1]
    for kind in ("modules", "filter", "lookup"):
        for plugin in sorted((ROOT / "plugins" / kind).glob("*.py")):
            source = plugin.read_text(encoding="utf-8")
            yield plugin.name, re.findall(r'^EXAMPLES = r?"""\n(.*?)^"""', source, re.MULTILINE | re.DOTALL)


def play_of(block: str) -> str:
    """The block if it is a play, a play for it if it is a list of tasks, else nothing: variables, requirements."""
    found = yaml.safe_load(block)
    if not isinstance(found, list):
        return ""
    return block if "hosts" in found[0] else HEAD + textwrap.indent(block, "    ")


SOURCES = {name: "\n".join(filter(None, map(play_of, blocks))) for name, blocks in sources()}
SHOWN = sorted(name for name, text in SOURCES.items() if text)


def written(folder: Path, name: str, text: str) -> Path:
    file = folder / (name.replace(".", "_") + ".yml")
    file.write_text("---\n" + text.strip() + "\n", encoding="utf-8")
    return file


def run(command: List[object], folder: Path, **variables: str) -> str:
    tree = os.environ["ANSIBLE_COLLECTIONS_PATH"]
    environ = {name: text for name, text in os.environ.items() if not name.startswith("ANSIBLE_")}
    environ.update(PATH="%s:%s" % (TOOLS, environ["PATH"]), ANSIBLE_COLLECTIONS_PATH=tree, ANSIBLE_HOME=str(folder))
    environ.update(variables)
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("examples")
    (made / "inventory.yml").write_text(INVENTORY, encoding="utf-8")
    (made / "variables.json").write_text(json.dumps({**VARIABLES, **profiles()}), encoding="utf-8")
    (made / "reports").mkdir()
    (made / "profiles").mkdir()
    (made / "profiles/ours.yml").write_text(profile_of_our_own(), encoding="utf-8")
    return made


def profile_of_our_own() -> str:
    """The file that the lookup's example describes in its comments."""
    source = (ROOT / "plugins/lookup/profile.py").read_text(encoding="utf-8")
    block = re.findall(r"^# A file of your own, profiles/ours.yml:\n#\n((?:#.*\n)+)", source, re.MULTILINE)[0]
    return re.sub("^#", "", block, flags=re.MULTILINE)


def profiles() -> Dict[str, Any]:
    """The variables that the guide to profiles gives as an example."""
    text = (ROOT / "docs/docsite/rst/guide_profile.rst").read_text(encoding="utf-8")
    found = [yaml.safe_load(block) for block in indented_blocks(text, ".. code-block:: yaml")]
    return {name: value for one in found if isinstance(one, dict) for name, value in one.items()}


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dict[str, str]]:
    with world(tmp_path_factory.mktemp("world")) as variables:
        yield variables


def play(folder: Path, file: Path, names: Dict[str, str], *words: str) -> str:
    command = [TOOLS / "ansible-playbook", "-i", "inventory.yml", "-e", "@variables.json", *words, file]
    return run(command, folder, **names)


def test_there_are_examples_to_look_at() -> None:
    assert {"README.md", "guide_first_check.rst", "smtp_check.py", "smtp_sweep.py"} <= set(SHOWN)


def test_all_are_playbooks_that_ansible_understands(folder: Path) -> None:
    files = [written(folder, name, SOURCES[name]) for name in SHOWN]
    run([TOOLS / "ansible-playbook", "-i", "inventory.yml", "--syntax-check", *files], folder)


def test_all_please_ansible_lint(folder: Path) -> None:
    files = [written(folder, name, SOURCES[name]) for name in SHOWN]
    command = [TOOLS / "ansible-lint", "-q", "--nocolor", "--offline", "--profile", "production", "--strict", *files]
    run(command, folder)


@pytest.mark.parametrize("name", SHOWN)
def test_it_runs_as_it_stands(name: str, folder: Path, names: Dict[str, str]) -> None:
    plays = yaml.safe_load(PRELUDE * (ROOT / "plugins/filter" / name).exists() + SOURCES[name])
    for one in plays:
        one["tasks"] = [task for task in one["tasks"] if task.get("name") not in NOT_RUN]
    said = play(folder, written(folder, "run_" + name, yaml.safe_dump(plays, sort_keys=False)), names)
    assert re.search(r"ok=[1-9]", said), said


def test_what_is_not_run_is_still_there() -> None:
    told = "".join(SOURCES.values())
    assert not [task for task in NOT_RUN if "- name: %s\n" % task not in told]


@pytest.mark.parametrize("playbook", sorted(PLAYBOOKS))
def test_the_playbooks_that_come_along_run(playbook: str, folder: Path, names: Dict[str, str]) -> None:
    words = ["-e", json.dumps(PLAYBOOKS[playbook])]
    assert re.search(r"ok=[1-9]", play(folder, ROOT / "playbooks" / playbook, names, *words))


def python_examples() -> List[str]:
    guide = (ROOT / "docs/docsite/rst/guide_python.rst").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    return indented_blocks(guide, ".. code-block:: python") + fenced(readme, "python")


@pytest.mark.parametrize("code", python_examples())
def test_the_python_examples_run(code: str, folder: Path, names: Dict[str, str]) -> None:
    path = "%s:%s" % (names["PYTHONPATH"], os.environ["PYTHONPATH"])
    run([sys.executable, "-W", "error", "-c", code], folder, **{**names, "PYTHONPATH": path})


def console_sessions() -> List[str]:
    text = (ROOT / "docs/docsite/rst/guide_command.rst").read_text(encoding="utf-8")
    return indented_blocks(text, ".. code-block:: console")


def test_the_command_lines_run(folder: Path, names: Dict[str, str]) -> None:
    path = "%s:%s" % (names["PYTHONPATH"], os.environ["PYTHONPATH"])
    ran = []
    for session in console_sessions():
        for entry in ("\n" + session).split("\n$ ")[1:]:
            command, _newline, output = entry.partition("\n")
            if command.startswith("cat "):
                (folder / command.split()[1]).write_text(output, encoding="utf-8")
            elif command.startswith("mailcheck "):
                words = "%s -m postmaster_mailcheck %s" % (sys.executable, command.partition(" ")[2])
                said = run(["bash", "-c", words], folder, **{**names, "PYTHONPATH": path})
                assert output.strip() in said
                ran.append(command)
    assert len(ran) >= 6
