# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Every block of code in README, guides, roles' pages and EXAMPLES: looked over by ansible-playbook and ansible-lint, and
# run as it stands, against relays that bear its names. What cannot run here is listed, with the reason.

from __future__ import annotations

import doctest
import importlib
import json
import os
import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple

import pytest
import yaml

from ansible_collections.postmaster.mailcheck.tests.docs.blocks import BLOCKS, NOT_PAGES, ROOT, Block, loaded, of_kind
from ansible_collections.postmaster.mailcheck.tests.docs.relays import PASSWORD, example_relays, zone_text
from ansible_collections.postmaster.mailcheck.tests.support.ports import free_port
from postmaster_mailcheck import Sink

TOOLS = Path(sys.executable).parent
# Task -> why it is only looked over.
NOT_RUN = {
    "Ask a mail store, by LMTP on its socket, whether it knows a mailbox": "no socket of that path; tests/real asks Dovecot",
    "Check all addresses of all MX hosts of our domains": "asks the DNS; tests/real asks a BIND",
    "Sign in to the relays of a domain, which the DNS names, if they are those that we know": (
        "asks the DNS; tests/real asks a BIND"
    ),
    "Sign in where the DNS leads, but only at relays that we know": "asks the DNS; tests/real asks a BIND",
    "Hold a domain to what the large mailbox providers demand": "not all of it is kept here; tests/unit has domains that do",
    "Check domains that send, and one that has no mail": "not all of it is kept here; tests/unit has domains that do",
    "Every address behind the name": "asks the DNS; tests/real asks a BIND",
    "Check every mail server of the inventory, each at two ports": "uses a filter of another collection",
    "A wrong password must be refused": "this relay takes every one; tests/real asks three servers",
    "Wait for the bounce of a message to nobody": "no bounces here; tests/real waits for one",
    "Look for the messages of a whole fleet in one session": "needs a fleet; the unit tests look for two hundred",
    "Look into a Maildir of this host": "there is none; tests/real looks into one",
    "A filter must refuse what every spam filter knows": "no filter here; tests/real sends it",
}
# Command -> where else it is run, or why nowhere.
RUN_ELSEWHERE = {
    "ansible-playbook -i inventory postmaster.mailcheck.sweep": "below, on localhost; tests/real, from several hosts",
    "pip install ansible-core '.[cli,dns]'": "tests/packages",
    "mailcheck sink": "waits for somebody; tests/cli and tests/real",
    "pip install '.[cli]'": "tests/packages",
    "pip install pre-commit && pre-commit install": "puts hooks into the clone",
    'eval "$(register-python-argcomplete': "tests/cli",
    "autoload -Uz compinit": "tests/cli",
    "register-python-argcomplete": "tests/cli",
}
# Playbook -> the variables that it asks for.
PLAYBOOKS: Dict[str, Dict[str, Any]] = {
    "audit_vantage.yml": {
        "relays": ["mx1.example.com"],
        "audit_options": {},
        "vantage": [{"name": "here"}, {"name": "there", "address_family": "ipv4"}],
    },
    "check_relay.yml": {"relay": "relay.example.com", "relay_port": 587, "relay_ca": "/etc/ssl/certs/our-ca.pem"},
    "round_trip.yml": {
        "relays": ["mx1.example.com", "mx2.example.com"],
        "sender": "probe@example.com",
        "recipient": "probe@example.com",
        "mailbox": {"host": "imap.example.com", "username": "probe@example.com", "password": PASSWORD},
    },
    "sweep.yml": {"relays": ["mx1.example.com", "relay.example.com:587"]},
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
# What the examples of these begin with: a profile, a sweep, a domain, an assessment, and one of another day.
NEED_AN_ASSESSMENT = ("plugins/filter/", "plugins/lookup/report_formats")
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
    - postmaster.mailcheck.domain_check:
        domains: [example.com]
        zone_files: [example.com.zone]
      register: domains
      failed_when: false
    - postmaster.mailcheck.smtp_audit:
        host: mx.example.com
      register: audited
      failed_when: false
    - ansible.builtin.set_fact:
        profile: "{{ lookup('postmaster.mailcheck.profile', 'relay') }}"
    - ansible.builtin.set_fact:
        assessment: "{{ fleet | postmaster.mailcheck.assess(profile=profile) }}"
    - ansible.builtin.copy:
        content: "{{ assessment | postmaster.mailcheck.report_json(stable=true) }}"
        dest: last.json
        mode: '0640'
"""
VARIABLES = {
    "access_token": PASSWORD,
    "app_mail_password": PASSWORD,
    "probe_password": PASSWORD,
    "mail_password": PASSWORD,
    "vault_app_mail_password": PASSWORD,
    "ansible_python_interpreter": sys.executable,
}


def plays() -> Dict[str, str]:
    """Page -> the plays that stand there, and a play around each list of tasks."""
    texts: Dict[str, str] = {}
    for block in of_kind("play", "tasks"):
        text = block.text if block.kind == "play" else HEAD + textwrap.indent(block.text, "    ")
        texts[block.page] = texts.get(block.page, "") + text + "\n"
    return texts


PLAYS = plays()


class ExampleRunner(NamedTuple):
    """Where the examples run."""

    folder: Path
    variables: Dict[str, str]  # of the environment

    def adapted(self, text: str) -> str:
        """An example with the paths of its reader led to ours."""
        text = re.sub(r"/etc/ssl/certs/[a-z-]+\.pem", self.variables["SSL_CERT_FILE"], text)
        return text.replace("/var/lib/prometheus/node-exporter", str(self.folder))

    def write(self, name: str, text: str) -> Path:
        file = self.folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def run(self, *command: object, code: int = 0, **variables: str) -> str:
        tree = os.environ["ANSIBLE_COLLECTIONS_PATH"]
        environ = {name: text for name, text in os.environ.items() if not name.startswith("ANSIBLE_")}
        environ.update(self.variables, ANSIBLE_COLLECTIONS_PATH=tree, ANSIBLE_HOME=str(self.folder))
        environ.update(PATH="%s:%s" % (TOOLS, environ["PATH"]), PROBE_PASSWORD=PASSWORD, **variables)
        ours = map(os.path.abspath, os.environ["PYTHONPATH"].split(os.pathsep))
        environ["PYTHONPATH"] = os.pathsep.join([self.variables["PYTHONPATH"], *ours])
        words = [str(word) for word in command]
        done = subprocess.run(
            words, cwd=self.folder, env=environ, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert PASSWORD not in done.stdout + done.stderr
        return done.stdout

    def play(self, file: Path, *words: object) -> str:
        said = self.run(TOOLS / "ansible-playbook", "-i", "inventory.yml", "-e", "@variables.json", *words, file)
        assert re.search(r"ok=[1-9]", said), said
        return said


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExampleRunner]:
    with example_relays(tmp_path_factory.mktemp("relays")) as variables:
        made = ExampleRunner(tmp_path_factory.mktemp("examples"), variables)
        made.write("inventory.yml", INVENTORY)
        given = {name: value for block in of_kind("variables") for name, value in loaded(block).items()}
        made.write("variables.json", json.dumps({**VARIABLES, **given}))
        made.write("reports/.keep", "")
        made.write("scan.json", json.dumps({"server_scan_results": []}))
        made.write("relays.txt", "mx1.example.com\n")
        made.write("example.com.zone", zone_text("example.com"))
        made.write("zones/example.com.zone", zone_text("example.com"))
        made.write("mta-sts.txt", "version: STSv1\nmode: testing\nmx: mx1.example.com\nmax_age: 604800\n")
        made.write("profiles/ours.yml", profile_of_our_own())
        yield made


def profile_of_our_own() -> str:
    """The file that the lookup's example describes in its comments."""
    source = (ROOT / "plugins/lookup/profile.py").read_text(encoding="utf-8")
    block = re.findall(r"^# A file of your own, profiles/ours.yml:\n#\n((?:#.*\n)+)", source, re.MULTILINE)[0]
    return re.sub("^#", "", block, flags=re.MULTILINE)


# Nothing is left out


def test_every_block_of_every_page_is_found_and_of_a_kind() -> None:
    """Counted anew, by the marks alone."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for page in listed:
        text = (ROOT / page).read_text(encoding="utf-8") if page.endswith((".md", ".rst", ".py", ".yml")) else ""
        marks = 0
        if page.endswith(".md"):
            marks = len(re.findall(r"^ *```", text, re.MULTILINE)) // 2
        elif page.endswith(".rst"):
            marks = len(
                re.findall(r"code-block::|^\s*\.\. parsed-literal|^\s*\.\. literalinclude|>>> ", text, re.MULTILINE)
            )
            marks += len(re.findall(r"^(?!\s*\.\. ).*::$", text, re.MULTILINE))
        elif page.startswith("plugins/"):
            marks = text.count("\nEXAMPLES = ") + text.count("\nEXAMPLES: ")
        if page not in NOT_PAGES:
            assert len([block for block in BLOCKS if block.page == page]) == marks, page
    assert {block.kind for block in BLOCKS} == KINDS


# Plays and tasks


def play_files(here: ExampleRunner) -> List[Path]:
    return [here.write(page.replace("/", "_") + ".yml", "---\n" + text.strip() + "\n") for page, text in PLAYS.items()]


def test_all_plays_of_the_pages_are_understood_by_ansible(here: ExampleRunner) -> None:
    here.write("smoke.yml", "{}")
    here.run(TOOLS / "ansible-playbook", "-i", "inventory.yml", "--syntax-check", *play_files(here))


def test_all_plays_of_the_pages_please_ansible_lint(here: ExampleRunner) -> None:
    command = [TOOLS / "ansible-lint", "-q", "--nocolor", "--offline", "--profile", "production", "--strict"]
    here.run(*command, *play_files(here))


def what_runs(page: str, here: ExampleRunner) -> str:
    """The plays of a page, without the tasks that are not run here."""
    plays = yaml.safe_load(PRELUDE * page.startswith(NEED_AN_ASSESSMENT) + here.adapted(PLAYS[page]))
    for one in plays:
        if "tasks" in one:  # else it has roles
            one["tasks"] = [task for task in one["tasks"] if task.get("name") not in NOT_RUN]
    return yaml.safe_dump(plays, sort_keys=False)


@pytest.mark.parametrize("page", [page for page in PLAYS if not page.startswith(("roles/", "README.md"))])
def test_every_play_of_the_pages_runs_as_it_stands(page: str, here: ExampleRunner) -> None:
    here.play(here.write("run.yml", what_runs(page, here)))


def test_every_task_that_is_left_out_is_in_a_play() -> None:
    told = "".join(PLAYS.values())
    assert not [task for task in NOT_RUN if "- name: %s\n" % task not in told]


@pytest.mark.parametrize("playbook", sorted(file.name for file in (ROOT / "playbooks").glob("*.yml")))
def test_the_playbooks_that_come_along_run(playbook: str, here: ExampleRunner) -> None:
    here.play(ROOT / "playbooks" / playbook, "-e", here.adapted(json.dumps(PLAYBOOKS[playbook])))


# Roles: the play, with nothing but what it says, then with the variables and the profile that the page gives


@pytest.mark.parametrize("variables", of_kind("variables of a role", "profile"), ids=str)
def test_the_pages_of_the_roles_run(variables: Block, here: ExampleRunner) -> None:
    text = here.adapted(variables.text)
    if variables.kind == "profile":
        text = "compliance_profiles: [%s]\n" % here.write("profile.yml", text)
    here.write("smoke.yml", text)
    here.write("role.yml", PLAYS[variables.page])
    said = here.play(here.folder / "role.yml", "-e", "@smoke.yml", "-e", "compliance_audit_only=true")
    shown = [block for block in of_kind("text") if block.page == variables.page]
    for table in shown:
        head = " ".join(table.text.splitlines()[0].split())
        if "compliance_mail_domains" in text:  # beside the relays of the play
            head = head.replace(" relay ", " relay or domain ")
        assert head in " ".join(said.split())


# Python


@pytest.mark.parametrize("block", of_kind("python"), ids=str)
def test_the_python_examples_run(block: Block, here: ExampleRunner) -> None:
    here.run(sys.executable, "-W", "error", "-c", block.text)


@pytest.mark.parametrize(
    "file", [f for f in sorted((ROOT / "plugins").rglob("*.py")) if ">>> " in f.read_text("utf-8")]
)
def test_the_examples_in_docstrings_are_true(file: Path) -> None:
    name = ".".join(file.relative_to(ROOT).with_suffix("").parts)
    result = doctest.testmod(importlib.import_module("ansible_collections.postmaster.mailcheck." + name))
    assert result.attempted and not result.failed


# Commands


@pytest.mark.parametrize("block", of_kind("commands"), ids=str)
def test_the_commands_run(block: Block, here: ExampleRunner) -> None:
    marked = block.text if block.language == "console" else re.sub("^", "$ ", block.text, flags=re.MULTILINE)
    for entry in ("\n" + marked.strip()).split("\n$ ")[1:]:
        command, _newline, output = entry.partition("\n")
        if any(command.startswith(known) for known in RUN_ELSEWHERE):
            continue
        if command.startswith("cat "):
            here.write(command.split()[1], output)
        elif re.match(r"(\w+=\S+ )?mailcheck ", command):
            words = here.adapted(command).replace("mailcheck ", "%s -m postmaster_mailcheck " % sys.executable, 1)
            assert output.strip() in here.run("bash", "-c", words)
        else:
            assert command.startswith("make "), command
            here.run(*command.split(), "--dry-run", "-C", ROOT)


# Monitoring systems: what their configuration runs, without what they put in front


def commands_of(block: Block) -> Iterator[str]:
    text = block.text
    if "command_line" in text:  # Nagios
        line = re.findall(r"command_line +(.*)", text)[0]
        (arguments,) = re.findall(r"check_command +mailcheck!(.*)", text)
        yield line.replace("$HOSTADDRESS$", "relay.example.com").replace("$ARG1$", arguments)
    elif "CheckCommand" in text:  # Icinga
        words = re.findall('"([^"]*)"', re.findall(r"command = \[(.*)\]", text)[0])
        variables = dict(re.findall(r'vars\.(\w+) = "(.*)"', text))
        yield shlex.join(variables.get(word.strip("$"), word) for word in words)
    else:  # cron: five fields, the user, the command
        yield from re.findall(r"^(?:\S+ ){5}mailcheck (.*)", text, re.MULTILINE)


@pytest.mark.parametrize("block", of_kind("configuration"), ids=str)
def test_what_a_monitoring_system_runs_does_run(block: Block, here: ExampleRunner) -> None:
    commands = list(commands_of(block))
    assert commands
    for command in commands:
        words = command.replace("mailcheck ", "%s -m postmaster_mailcheck " % sys.executable, 1)
        said = here.run("bash", "-c", re.sub("/etc/mailcheck/|/var/lib/mailcheck/", "", here.adapted(words)))
        assert said.startswith("MAILCHECK OK") if "nagios" in command else said == ""


@pytest.mark.parametrize("block", of_kind("alert rules"), ids=str)
def test_alerts_are_about_metrics_that_there_are(block: Block) -> None:
    page = (ROOT / block.page).read_text(encoding="utf-8")
    metrics = (ROOT / "docs/docsite/rst/metrics.rst").read_text(encoding="utf-8")  # which is made from what is written
    known = set(re.findall("^mailcheck_[a-z_]+$", metrics, re.MULTILINE))
    assert set(re.findall("mailcheck_[a-z_]+", block.text)) | set(re.findall("``(mailcheck_[a-z_]+)``", page)) <= known


@pytest.mark.parametrize("block", of_kind("waivers"), ids=str)
def test_the_waivers_are_taken(block: Block, here: ExampleRunner) -> None:
    here.write("waivers.yml", block.text)
    command = [sys.executable, "-m", "postmaster_mailcheck", "assess", "relays.txt", "--profile", "modern-tls"]
    report = json.loads(here.run(*command, "--waivers", "waivers.yml", "--format", "json"))
    assert [waiver["state"] for waiver in report["waivers"]] == ["unused"]


# What is shown


def test_the_plays_of_the_readme_run_and_the_first_says_what_it_shows(here: ExampleRunner) -> None:
    shown = re.findall('^        "(.*)"', README, re.MULTILINE)
    said = re.sub("[0-9]+ more days", "60 more days", here.play(here.write("run.yml", what_runs("README.md", here))))
    assert len(shown) == 4
    assert [line for line in shown if '"%s"' % line not in said] == []


def test_the_first_play_runs_with_the_sink_in_place_of_a_relay(here: ExampleRunner) -> None:
    """As the README says it."""
    first = next(block for block in of_kind("play") if block.page == "README.md")
    where = ["host: relay.example.com", "port: 587", re.findall("ca_path: .*", first.text)[0]]
    with Sink() as sink:
        told = ["host: 127.0.0.1", "port: 2525", "validate_certs: false"]
        assert [line for line in ("`mailcheck sink 127.0.0.1:2525`", *told) if line not in README] == []
        text = first.text
        for old, new in zip(where, told):
            text = text.replace(old, new.replace("2525", str(sink.port)))
        said = here.play(here.write("run.yml", text))
    assert "127.0.0.1:%d: passed (TLSv1.3, certificate_self_signed" % sink.port in said


FLEET = "docs/docsite/rst/guide_fleet.rst"
TABLES = [block for block in of_kind("text") if block.page == FLEET]


def test_the_guide_to_fleets_shows_the_table_that_its_play_shows(here: ExampleRunner) -> None:
    (table,) = TABLES
    said = here.play(here.write("run.yml", what_runs(FLEET, here)))
    for line in table.text.splitlines():
        assert '"%s"' % line in said


README = (ROOT / "README.md").read_text(encoding="utf-8")
MESSAGES = [block for block in of_kind("text") if block.text.startswith("relay.example.com:")]
CHECK = "import postmaster_mailcheck as p, sys; print(p.check('relay.example.com', **eval(sys.argv[1]))['msg'])"


@pytest.mark.parametrize("block", MESSAGES, ids=str)
def test_the_messages_are_what_the_engine_says(block: Block, here: ExampleRunner) -> None:
    """A port that nothing listens on, an expired certificate, a recipient of elsewhere."""
    ports = json.loads(here.variables["MAILCHECK_TEST_PORTS"])
    options: Dict[str, Any] = {"port": int(block.text.split(":")[1])}
    if "refused" in block.text:
        ports["relay.example.com:25"] = free_port()
    elif "expired" in block.text:
        ports["relay.example.com:587"] = ports["expired.example.com:25"]
    else:
        ports["relay.example.com:587"] = ports["*:25"]  # which asks for no sign-in
        options.update(sender="", recipients=["x@example.net"])
    said = here.run(sys.executable, "-c", CHECK, options, MAILCHECK_TEST_PORTS=json.dumps(ports))
    assert said.replace("127.0.0.1", "192.0.2.25").split() == block.text.split()


def test_all_that_is_shown_is_compared_or_a_drawing() -> None:
    compared = [*MESSAGES, *TABLES, *(block for block in of_kind("text") if block.page.startswith("roles/"))]
    rest = [
        block
        for block in of_kind("text")
        if block not in compared and not block.text.startswith("TASK [Check the relay]")
    ]
    assert [block.page for block in rest] == ["docs/architecture.md"]


# AWX, execution environments, changelogs


@pytest.mark.parametrize("block", of_kind("execution environment"), ids=str)
def test_ansible_builder_takes_the_execution_environment(block: Block, here: ExampleRunner) -> None:
    create_context(block, here)
    assert "ansible-galaxy collection install" in (here.folder / "context/Containerfile").read_text(encoding="utf-8")


def create_context(block: Block, here: ExampleRunner) -> None:
    here.write("execution-environment.yml", block.text)
    here.run("ansible-galaxy", "collection", "build", "--force", "--output-path", "dist", ROOT)
    here.run("ansible-builder", "create", "--context", "context", "--output-filename", "Containerfile")


def test_the_execution_environment_gets_what_the_collection_names(here: ExampleRunner) -> None:
    """The steps of the Containerfile that need no container: the tarball is installed, and then asked."""
    (block,) = [block for block in of_kind("execution environment") if "type: file" in block.text]
    create_context(block, here)
    # By force, since ansible-galaxy finds it in the tree of these tests, too.
    install = "ansible-galaxy collection install --force --offline -r requirements.yml --collections-path"
    here.run("bash", "-c", "cd context/_build && %s ../../environment" % install)
    found = yaml.safe_load(here.run("ansible-builder", "introspect", "environment"))
    named = re.findall(r'^dns = \["(.*)"\]$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert [line.partition("#")[0].strip() for line in found["python"]] == [name.replace(" ", "") for name in named]
    assert found["system"] == []


@pytest.mark.parametrize("block", of_kind("requirements"), ids=str)
def test_the_requirements_are_those_of_ansible_galaxy(block: Block, here: ExampleRunner) -> None:
    file = here.write("requirements.yml", block.text)
    command = [TOOLS / "ansible-galaxy", "collection", "install", "--offline", "-p", here.folder / "installed"]
    here.run(*command, ROOT)
    assert "already installed" in here.run(*command, "-r", file)


def test_the_credential_injects_its_own_field_into_a_variable_of_the_examples() -> None:
    fields, injector = (loaded(block) for block in of_kind("credential"))
    ((variable, template),) = injector["extra_vars"].items()
    assert template == "{{ %s }}" % fields["fields"][0]["id"]
    assert "{{ %s }}" % variable in PLAYS["docs/docsite/rst/guide_first_check.rst"]


@pytest.mark.parametrize("block", of_kind("changelog fragment"), ids=str)
def test_antsibull_changelog_takes_the_fragment(block: Block, here: ExampleRunner) -> None:
    for file in ("galaxy.yml", "changelogs/config.yaml", "changelogs/changelog.yaml"):
        here.write(file, (ROOT / file).read_text(encoding="utf-8"))
    here.write("changelogs/fragments.txt", "")
    (here.folder / "changelogs/fragments").mkdir()
    here.write("changelogs/fragments/1-example.yml", "---\n" + block.text)
    here.run(TOOLS / "antsibull-changelog", "lint")


KINDS = {
    "alert rules",
    "changelog fragment",
    "commands",
    "configuration",
    "credential",
    "execution environment",
    "play",
    "profile",
    "python",
    "requirements",
    "tasks",
    "text",
    "variables",
    "variables of a role",
    "waivers",
}  # each with a test above
