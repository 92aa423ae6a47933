# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Which tasks run in Ansible's own process, and that they leave nothing behind there, whatever ends them.

from __future__ import annotations

import contextlib
import gc
import locale
import os
import resource
import signal
import socket
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest

pytest.importorskip("ansible", reason="ansible-core is not installed for this Python")

from ansible.module_utils import basic
from ansible.module_utils.common import warnings as ansible_warnings
from ansible.plugins.action.normal import ActionModule as AnyModule

from ansible_collections.postmaster.mailcheck.plugins import action, modules
from ansible_collections.postmaster.mailcheck.plugins.action.smtp_check import ActionModule
from ansible_collections.postmaster.mailcheck.plugins.modules import smtp_check
from ansible_collections.postmaster.mailcheck.tests.support.relay import Relay, running

FOLDER = Path(__file__).parent
SWITCH = "ansible_mailcheck_in_process"
PYTHON = "ansible_python_interpreter"


def made(options: dict[str, Any] | None = None, **task: Any) -> ActionModule:
    """The action plugin as a worker makes it, with a local connection."""
    task = {"async_val": 0, "environment": [{}, None], "delegate_to": None, "no_log": False, "diff": False, **task}
    given = SimpleNamespace(action="postmaster.mailcheck.smtp_check", check_mode=False, args=options or {}, **task)
    shell = mock.Mock(tmpdir=None, get_option=lambda name: "/nonexistent")
    connection = mock.Mock(transport="local", become=None, socket_path=None, _shell=shell)
    loader = mock.Mock(get_basedir=lambda: str(FOLDER))
    templar = mock.Mock(template=lambda value: value)
    return ActionModule(given, connection, mock.Mock(executable="/bin/sh"), loader, templar, mock.Mock())


@pytest.fixture
def relay() -> Iterator[Relay]:
    with running(Relay()) as one:
        yield one


def options_for(relay: Relay, **more: Any) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": relay.port, "tls": "none", **more}


# Which tasks


def runs_in_process(plugin: ActionModule, task_vars: dict[str, Any]) -> bool:
    """What becomes of it when it is run; both ways end before they do anything."""
    with mock.patch.object(AnyModule, "run"):
        plugin.run(task_vars=task_vars)
    return plugin._is_pipelining_enabled("old")  # no such module is ever pipelined


@pytest.mark.parametrize(
    "task_vars", [{}, {PYTHON: sys.executable}, {PYTHON: "auto_silent"}, {PYTHON: ""}, {SWITCH: True}, {SWITCH: "yes"}]
)
def test_a_local_task_runs_in_process(task_vars: dict[str, Any]) -> None:
    assert runs_in_process(made(), task_vars)


@pytest.mark.parametrize(
    "task_vars", [{PYTHON: "/usr/bin/another"}, {PYTHON: "python3"}, {SWITCH: False}, {SWITCH: "no"}]
)
def test_what_a_variable_keeps_out(task_vars: dict[str, Any]) -> None:
    assert not runs_in_process(made(), task_vars)
    delegated = {"ansible_delegated_vars": {"there": task_vars}, PYTHON: sys.executable, SWITCH: True}
    assert not runs_in_process(made(delegate_to="there"), delegated)
    assert runs_in_process(made(delegate_to="here"), {"ansible_delegated_vars": {"here": {}}, **task_vars})


@pytest.mark.parametrize(
    "task", [{"async_val": 30}, {"environment": [{}, {"LANG": "C"}]}, {"environment": ["{{ x }}"]}]
)
def test_what_the_task_asks_for_keeps_it_out(task: dict[str, Any]) -> None:
    assert not runs_in_process(made(**task), {})


@pytest.mark.parametrize("connection", [{"transport": "ssh"}, {"become": mock.Mock()}])
def test_another_connection_keeps_it_out(connection: dict[str, Any]) -> None:
    plugin = made()
    vars(plugin._connection).update(connection)
    assert not runs_in_process(plugin, {})


@pytest.mark.parametrize(("word", "expected"), [("false", False), ("true", True)])
def test_the_environment_switches_it(monkeypatch: pytest.MonkeyPatch, word: str, expected: bool) -> None:
    monkeypatch.setenv("ANSIBLE_MAILCHECK_IN_PROCESS", word)
    assert runs_in_process(made(), {}) is expected
    assert runs_in_process(made(), {SWITCH: not expected}) is not expected


@pytest.mark.parametrize("ending", [None, RuntimeError("cannot be packed")])
def test_no_garbage_is_looked_for_while_a_module_is_packed(ending: Exception | None) -> None:
    enabled = []

    def pack(*_given: Any) -> None:
        enabled.append(gc.isenabled())
        if ending:
            raise ending

    plugin = made()
    plugin._in_process = False
    with mock.patch.object(AnyModule, "_configure_module", pack), contextlib.suppress(RuntimeError):
        plugin._configure_module("smtp_check", {}, {})
    assert enabled == [False]
    assert gc.isenabled()


def test_every_module_has_its_action_plugin() -> None:
    def names(package: Any) -> set[str]:
        return {path.name for folder in package.__path__ for path in Path(folder).glob("*.py")}

    assert names(action) == names(modules)


# What it leaves behind: nothing


def state() -> dict[str, Any]:
    """All that a process has only once, and that what runs in it could change."""
    os.umask(umask := os.umask(0))
    return {
        "signals": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "timer": signal.getitimer(signal.ITIMER_REAL),
        "threads": [thread for thread in threading.enumerate() if thread.name == "mailcheck-resolver"],
        "locale": locale.setlocale(locale.LC_ALL),
        "umask": umask,
        "folder": os.getcwd(),
        "environment": dict(os.environ),
        "streams": (sys.stdin, sys.stdout, sys.stderr, sys.argv, list(sys.argv)),
        "filters": list(warnings.filters),
        "time-out": socket.getdefaulttimeout(),
        "limits": resource.getrlimit(resource.RLIMIT_NOFILE),
        "arguments": {name: value for name, value in vars(basic).items() if name.isupper() and name.startswith("_")},
        "warnings": {name: (value, list(value)) for name, value in vars(ansible_warnings).items() if "global_" in name},
        "controller": vars(getattr(basic, "_internal", basic)).get("is_controller"),
    }


class Interrupt(BaseException):
    """As ansible-core's own exception for a task that takes too long."""


def interrupt(_number: int, _frame: object) -> None:
    raise Interrupt


@pytest.fixture
def on_alarm() -> Iterator[None]:
    before = signal.signal(signal.SIGALRM, interrupt)
    yield
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"host": "localhost", "address_family": "ipv4"},
        {"expect": {"capabilities": ["DSN"]}},
        {"port": 0},
        {"port": "none"},
        {"no_option": 1},
        {"test_message": {"subject": "never sent"}},
    ],
)
def test_nothing_is_left_behind(relay: Relay, options: dict[str, Any]) -> None:
    before = state()
    result = made(options_for(relay, **options)).run(task_vars={})
    for thread in state()["threads"]:
        thread.join(10)  # it has been told to end
    assert state() == before
    assert result["msg"]
    if "engine" in result:
        assert result["engine"]["in_process"] is True


def test_an_interrupt_passes_through_and_leaves_nothing_behind(relay: Relay, on_alarm: None) -> None:
    relay.answers["EHLO"] = lambda _line: os.kill(os.getpid(), signal.SIGALRM) or ""  # and no answer follows
    before = state()
    with pytest.raises(Interrupt):
        made(options_for(relay)).run(task_vars={})
    assert state() == before


def test_a_locale_that_does_not_exist_is_no_ones_but_the_modules(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "no_SUCH.locale")
    before = state()
    assert made(options_for(relay)).run(task_vars={})["verdict"] == "passed"
    assert state() == before


def test_a_warning_belongs_to_its_own_item(relay: Relay) -> None:
    warned = made(options_for(relay, test_message={"subject": "never sent"})).run(task_vars={})
    assert "send is false" in str(warned["warnings"])
    assert "warnings" not in made(options_for(relay)).run(task_vars={})


def test_files_are_looked_for_where_a_local_connection_would(relay: Relay) -> None:
    def told(ca_path: str) -> str:
        return str(made(options_for(relay, tls="starttls", ca_path=ca_path)).run(task_vars={})["msg"])

    assert told("nonexistent.pem").startswith("ca_path: No such file")
    assert told(Path(__file__).name).startswith("ca_path: holds no certificate")


def test_a_fault_of_our_own_is_one_sentence(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**options: Any) -> None:
        raise RuntimeError("with a password: %s" % options["password"])

    monkeypatch.setattr(smtp_check, "check", broken)
    before = state()
    result = made(options_for(relay, password="tiger-lily-42")).run(task_vars={})
    assert result["msg"].startswith("A fault of this collection, please report it: RuntimeError at test_in_process.py:")
    assert "tiger" not in str(result)
    assert state() == before
