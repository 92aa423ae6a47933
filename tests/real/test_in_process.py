# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# One playbook, run in Ansible's own process and with the modules: every result is the same, whatever Ansible was asked to
# do with the task, and what a relay says is a template in neither.

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

pytest.importorskip("ansible", reason="ansible-core is not installed for this Python")

from ansible_collections.postmaster.mailcheck.plugins import modules
from ansible_collections.postmaster.mailcheck.tests.support import callbacks
from ansible_collections.postmaster.mailcheck.tests.support.relay import Relay, running

COLLECTIONS = Path(next(iter(modules.__path__))).parents[4]
# The way, and times; `frame` is where Ansible's own exception met the task.
VOLATILE = {"in_process", "checked_at", "seconds", "timings", "at", "lag", "slowest", "frame"}
BANNER = "relay.example.com {{ lookup('pipe', 'id') }}"
SECRET = "tiger-lily-42"
TOKEN = "0123456789abcdef0123456789abcdef"

ZONE = (
    "$ORIGIN example.com.\n@ 60 IN SOA ns hostmaster 1 2 3 4 5\n@ 60 IN NS ns\n@ 60 IN MX 10 mx\nmx 60 IN A 192.0.2.1\n"
)

# What does the work of another user with the words of `sudo`, up to the shell.
SUDO = '#!/bin/sh\nuntil [ "$1" = /bin/sh ]; do shift; done\nexec "$@"\n'


def check(name: str, keywords: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    """A task that may fail; options are added to those of the play."""
    return {"name": name, "postmaster.mailcheck.smtp_check": options, "ignore_errors": True, **(keywords or {})}


def sweep(name: str, keywords: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    return {"name": name, "postmaster.mailcheck.smtp_sweep": options, "ignore_errors": True, **(keywords or {})}


def look(name: str, keywords: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    return {"name": name, "postmaster.mailcheck.domain_check": options, "ignore_errors": True, **(keywords or {})}


def wait(name: str, keywords: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    return {"name": name, "postmaster.mailcheck.wait_for_mail": options, "ignore_errors": True, **(keywords or {})}


def audit(name: str, keywords: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    return {"name": name, "postmaster.mailcheck.smtp_audit": options, "ignore_errors": True, **(keywords or {})}


def say(name: str, msg: str) -> dict[str, Any]:
    return {"name": name, "ansible.builtin.debug": {"msg": msg}}


ENVELOPE: dict[str, Any] = {"sender": "a@example.com", "recipients": ["b@example.com"]}
MESSAGE: dict[str, Any] = {**ENVELOPE, "send": True, "test_message": {"file": "message.eml"}}
SIGN_IN: dict[str, Any] = {"username": "app", "password": SECRET, "allow_plaintext_auth": True}
UNUSED: dict[str, Any] = {"test_message": {"subject": "never sent"}}  # the engine warns of it

BOTH_WAYS = [
    check("passed"),
    check("a warning", **UNUSED),
    check("a refusal", sender="a@example.com", recipients=["no@example.com"]),
    check("an answer that is no relay's", port="{{ closed }}"),
    check("a rule unmet", expect={"capabilities": ["DSN"]}),
    check("a message", **MESSAGE),
    check("check mode", {"check_mode": True}, **MESSAGE, extra_commands=["NOOP"]),
    check("diff", {"diff": True}, **MESSAGE),
    check("a secret", **SIGN_IN),
    check("no_log", {"no_log": True}, **SIGN_IN),
    check("a secret that a fact holds by chance", **{**SIGN_IN, "password": "secret"}),
    check("an option that is none", no_option=1, password=SECRET),
    check("an option of another type", timeout="long", password=SECRET),
    check("a mistake", timeout=0),
    check("files beside the playbook", tls="starttls", ca_path="message.eml"),
    check(
        "a loop",
        {"loop": [UNUSED, {}, {"timeout": 0}]},
        test_message="{{ item.test_message | default(omit) }}",
        timeout="{{ item.timeout | default(30) }}",
    ),
    check("until", {"register": "tried", "until": "tried.verdict == 'never'", "retries": 1, "delay": 0}),
    check("a task's time-out", {"timeout": 1}, port="{{ silent }}", timeout=60),
    check("failed_when", {"failed_when": True}),
    sweep("a sweep", hosts=["127.0.0.1:{{ port }}"]),
    sweep(
        "secrets in nested options",
        endpoints=[{"host": "127.0.0.1", "port": "{{ port }}", **SIGN_IN}],
        details="all",
        transcript="always",
    ),
    look("a domain", domains=["example.com"], zone_files=["{{ zone }}"], look_at=["mx", "dnssec"]),
    look("a domain in check mode", {"check_mode": True}, domains=["example.com"], zone_files=["{{ zone }}"]),
    look("a domain with a mistake", domains=[{"domain": "example.com", "selector": ["s1"]}]),
    wait("a mailbox", protocol="maildir", path="{{ maildir }}", token=TOKEN, timeout=1),
    wait("a message that does not come", protocol="maildir", path="{{ maildir }}", token=TOKEN[::-1], timeout=0.1),
    wait("a mailbox with a mistake", protocol="imap", host="127.0.0.1", password=SECRET),
    audit("an audit", host="127.0.0.1", port="{{ port }}", tls="none", probes=["banner"]),
    audit("an audit in check mode", {"check_mode": True}, host="127.0.0.1", port="{{ port }}", tls="none", probes=["banner"]),
    audit("an audit with a mistake", host="127.0.0.1", probes=["none such"], password=SECRET),
    sweep("a sweep with a mistake", endpoints=[{"host": "127.0.0.1", "prot": 25, "password": SECRET}]),
]  # fmt: skip

UNTRUSTED = [
    check("registered", {"register": "relay"}),
    sweep("a registered sweep", {"register": "fleet"}, hosts=["127.0.0.1:{{ port }}"], details="all"),
    {"name": "a fact", "ansible.builtin.set_fact": {"banner": "{{ relay.greeting.text }}", "cacheable": True}},
    say("say a result", "{{ relay.greeting.text }}"),
    say("say a fact", "{{ banner }}"),
    say(
        "say a report", "{{ [fleet | postmaster.mailcheck.assess] | map('postmaster.mailcheck.report_json') | first }}"
    ),
    say("say the result of a filter", "{{ fleet | postmaster.mailcheck.assess }}"),
    {
        "name": "a role",
        "ansible.builtin.import_role": {"name": "postmaster.mailcheck.smoke_test"},
        "vars": {
            "smoke_test_host": "127.0.0.1",
            "smoke_test_port": "{{ port }}",
            "smoke_test_tls": "none",
            "smoke_test_wait": 0,
            "smoke_test_expect": {"greeting_matches": "^nothing like it$"},
        },
        "ignore_errors": True,
    },
]

OTHER_WAY = [
    check("async", {"async": 60, "poll": 1}),
    check("become", {"become": True, "become_exe": "./as-another", "become_method": "ansible.builtin.sudo"}),
    check("environment", {"environment": {"SOME": "thing"}}),
    check("another interpreter", {"vars": {"ansible_python_interpreter": "{{ another_python }}"}}),
    check("switched off", {"vars": {"ansible_mailcheck_in_process": False}}),
    check("delegated to a host that is away", {"delegate_to": "away", "ignore_unreachable": True}),
]


def plays(port: int) -> list[dict[str, Any]]:
    shared = {"host": "127.0.0.1", "port": port, "tls": "none", "transcript": "always"}
    common = {
        "gather_facts": False,
        "module_defaults": {
            "group/postmaster.mailcheck.mailcheck": {"timeout": 30},
            "postmaster.mailcheck.smtp_check": shared,
            "postmaster.mailcheck.smtp_sweep": {"tls": "none"},
        },
    }
    from_away = check("delegated to the controller", {"delegate_to": "localhost"})
    return [
        {"hosts": "a", **common, "tasks": [*BOTH_WAYS, *UNTRUSTED, *OTHER_WAY]},
        {"hosts": "away", **common, "tasks": [from_away]},
        {"hosts": "unset", **common, "tasks": [check("no interpreter asked for")]},
        {"hosts": "a,b", **common, "strategy": "ansible.builtin.free", "tasks": [check("strategy free")]},
        {"hosts": "a,b", **common, "tasks": [check("run_once", {"run_once": True}), say("a fact, later", "{{ banner | default('') }}")]},
        {
            "hosts": "a,b",
            **common,
            "any_errors_fatal": True,
            "tasks": [check("any_errors_fatal", {"ignore_errors": False}, port="{{ closed }}"), check("never come to")],
        },
    ]  # fmt: skip


class Run(NamedTuple):
    status: int
    shown: str
    results: list[dict[str, Any]]

    def of(self, task: str) -> list[dict[str, Any]]:
        return [line for line in self.results if line["task"] == task]


def command(folder: Path, *words: str) -> list[str]:
    local = f"ansible_connection=local ansible_python_interpreter={sys.executable}"
    away = "away ansible_connection=ssh ansible_host=127.0.0.1 ansible_port=1"
    (folder / "inventory").write_text(f"a {local}\nb {local}\n{away}\nunset ansible_connection=local\n")
    return [sys.executable, "-m", "ansible", "playbook", "-i", "inventory", "play.json", *words]


def environment(folder: Path, in_process: bool) -> dict[str, str]:
    (folder / "ansible.cfg").write_text("[mailcheck]\nin_process = %s\n" % in_process)
    return dict(
        os.environ,
        ANSIBLE_CALLBACK_PLUGINS=str(Path(next(iter(callbacks.__path__)))),
        ANSIBLE_CACHE_PLUGIN="ansible.builtin.jsonfile",
        ANSIBLE_CACHE_PLUGIN_CONNECTION=str(folder / "facts"),
        ANSIBLE_CONFIG=str(folder / "ansible.cfg"),
        ANSIBLE_COLLECTIONS_PATH=str(COLLECTIONS),
        ANSIBLE_INJECT_INVOCATION="true",  # from ansible-core 2.21; before, it always was
        ANSIBLE_LOCAL_TEMP=str(folder / "tmp"),
        ANSIBLE_LOCALHOST_WARNING="false",
        ANSIBLE_NOCOLOR="1",
        ANSIBLE_PYTHON_INTERPRETER="auto_silent",
        KEPT_RESULTS=str(folder / "results"),
    )


def play(folder: Path, in_process: bool, relay: Relay, silent: Relay) -> Run:
    folder.mkdir()
    (folder / "play.json").write_text(json.dumps(plays(relay.port)))
    (folder / "message.eml").write_text("From: a@example.com\r\nSubject: A message\r\n\r\nHello\r\n")
    zone = folder.parent / "zone"  # one for both: its path is in the results
    zone.write_text(ZONE)
    maildir = folder.parent / "maildir"
    for part in ("cur", "new", "tmp"):
        (maildir / part).mkdir(parents=True, exist_ok=True)
    (maildir / "new" / "1").write_bytes(f"X-Mailcheck-Token: {TOKEN}\r\nSubject: {BANNER}\r\n\r\nHello\r\n".encode())
    os.utime(maildir / "new" / "1", (1767225600, 1767225600))  # arrived then, in both runs
    (folder / "as-another").write_text(SUDO)
    (folder / "as-another").chmod(0o755)
    another = folder / "python"
    another.symlink_to(sys.executable)
    variables = {
        "closed": 1,
        "silent": silent.port,
        "port": relay.port,
        "another_python": str(another),
        "zone": str(zone),
        "maildir": str(maildir),
    }
    words = command(folder, "-vvv", "-e", json.dumps(variables))
    ended = subprocess.run(
        words, cwd=folder, env=environment(folder, in_process), capture_output=True, text=True, check=False
    )
    assert (folder / "results").exists(), ended.stdout + ended.stderr
    lines = [json.loads(line) for line in (folder / "results").read_text().splitlines()]
    return Run(ended.returncode, ended.stdout + ended.stderr, lines)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Run, Run]]:
    """The playbook in Ansible's own process, and with the modules."""
    answers = {
        "": f"220 {BANNER}\r\n",
        "AUTH": "235 2.7.0 Ok secretary\r\n",
        "RCPT": lambda line: "550 5.1.1 Unknown\r\n" if "no@" in line else "250 2.1.5 Ok\r\n",
    }
    folder = tmp_path_factory.mktemp("both")
    with running(Relay(**answers)) as relay, running(Relay(**{"": ""})) as silent:
        yield tuple(play(folder / str(way), way, relay, silent) for way in (True, False))


def settled(value: Any) -> Any:
    """A result without what differs from run to run."""
    if isinstance(value, dict):
        return {key: settled(inner) for key, inner in value.items() if key not in VOLATILE}
    if isinstance(value, list):
        return [settled(inner) for inner in value]
    return re.sub(r" in [0-9.]+ s:", " in TIME:", value) if isinstance(value, str) else value


def ways(value: Any) -> Iterator[bool]:
    """Every `in_process` in a result."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from [inner] if key == "in_process" else ways(inner)


def names(tasks: list[dict[str, Any]]) -> list[str]:
    return [task["name"] for task in tasks]


NO_CHECK = {
    "an option that is none", "an option of another type", "a mistake", "files beside the playbook",
    "a sweep with a mistake", "a domain with a mistake", "a task's time-out", "no_log",
    "a mailbox with a mistake", "an audit with a mistake",
}  # fmt: skip


@pytest.mark.parametrize(
    "task", [*names(BOTH_WAYS), "delegated to the controller", "strategy free", "run_once", "any_errors_fatal"]
)
def test_the_result_is_the_same(both: tuple[Run, Run], task: str) -> None:
    here, there = (sorted(run.of(task), key=lambda line: line["host"]) for run in both)
    assert [line["event"] for line in here]
    assert settled(here) == settled(there)
    if task not in NO_CHECK:
        assert set(ways(here)) == {True} and set(ways(there)) == {False}


def test_both_runs_end_alike(both: tuple[Run, Run]) -> None:
    here, there = both
    assert here.status == there.status == 2
    assert here.of("never come to") == there.of("never come to") == []
    assert re.findall("^\\[(?:WARNING|DEPRECATION).*", here.shown, re.MULTILINE) == re.findall(
        "^\\[(?:WARNING|DEPRECATION).*", there.shown, re.MULTILINE
    )


@pytest.mark.parametrize("task", names(OTHER_WAY))
def test_what_cannot_run_in_process_goes_to_the_module(both: tuple[Run, Run], task: str) -> None:
    (here,) = both[0].of(task)[-1:]
    if task == "delegated to a host that is away":
        assert here["result"]["unreachable"] is True
    else:
        assert (here["event"], here["result"]["engine"]["in_process"]) == ("ok", False)


def test_a_local_host_with_no_interpreter_set_runs_in_process(both: tuple[Run, Run]) -> None:
    (here,) = both[0].of("no interpreter asked for")  # the module would take whichever Python this machine has
    assert here["result"]["engine"]["in_process"] is True


def test_a_warning_is_that_of_its_own_item(both: tuple[Run, Run]) -> None:
    for run in both:
        warned, plain, mistaken = (line["result"] for line in run.of("a loop")[:3])
        assert "send is false" in str(warned["warnings"])
        assert "warnings" not in plain and "warnings" not in mistaken


def test_no_secret_is_shown(both: tuple[Run, Run]) -> None:
    for run in both:
        assert SECRET not in run.shown + str(run.results)
        assert "also occurs in auth, transcript:" in str(run.of("a secret that a fact holds by chance"))


def test_what_a_relay_says_is_no_template(both: tuple[Run, Run]) -> None:
    for run in both:
        assert run.of("registered")[0]["result"]["greeting"]["text"] == BANNER
        for task in ("say a result", "say a fact", "say a report", "say the result of a filter", "a fact, later"):
            assert "{{ lookup(" in str(run.of(task)), task
        assert any("greeting" in str(line["result"]) for line in run.of("Fail unless all of it worked"))
        assert "uid=" not in run.shown + str(run.results)
        assert [line["templates"] for line in run.results if line["templates"]] == []


class Watched(Relay):
    """Says when a client has begun to wait, and when a connection has ended."""

    def __init__(self) -> None:
        super().__init__(EHLO=self._wait)
        self.asked, self.ended = threading.Event(), threading.Event()

    def _wait(self, _line: str) -> str:
        self.asked.set()
        return ""

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self.ended.set()


def test_an_interrupted_play_ends_what_runs_in_its_process(tmp_path: Path) -> None:
    with running(Watched()) as relay:
        options = {"host": "127.0.0.1", "port": relay.port, "tls": "none", "timeout": 600}
        tasks = [check("waits", **options), check("never come to", **options)]
        (tmp_path / "play.json").write_text(json.dumps([{"hosts": "a", "gather_facts": False, "tasks": tasks}]))
        process = subprocess.Popen(
            command(tmp_path),
            cwd=tmp_path,
            env=environment(tmp_path, in_process=True),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            assert relay.asked.wait(60)
            process.send_signal(signal.SIGINT)
            shown = process.communicate(timeout=60)[0]
            assert relay.ended.wait(60)
        finally:
            process.kill()
            process.wait()
    assert "interrupted" in shown and "never come to" not in shown
    assert len([line for line in relay.said if line.startswith("EHLO")]) == 1
