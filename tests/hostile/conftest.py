# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import signal
import syslog
from typing import TYPE_CHECKING

import pytest

from ansible_collections.postmaster.mailcheck.tests.support.authority import Authority
from ansible_collections.postmaster.mailcheck.tests.support.hostile import ScriptedRelay
from ansible_collections.postmaster.mailcheck.tests.support.pauses import skip_pauses

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterator, List


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(str(tmp_path_factory.mktemp("authority")))


@pytest.fixture(autouse=True)
def broken_pipes_are_errors() -> Iterator[None]:
    """The command lets SIGPIPE end its process, which is this one where a test calls it."""
    before = signal.getsignal(signal.SIGPIPE)
    yield
    signal.signal(signal.SIGPIPE, before)


@pytest.fixture
def no_pause_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    skip_pauses(monkeypatch)


@pytest.fixture
def start(authority: Authority) -> Iterator[Callable[..., ScriptedRelay]]:
    """Starts hostile relays by their scripts; each is stopped when the test is over."""
    relays: List[ScriptedRelay] = []

    def start_one(script: str, **how: Any) -> ScriptedRelay:
        relays.append(ScriptedRelay(script, authority.contexts, **how))
        return relays[-1]

    yield start_one
    for relay in relays:
        relay.stop()


@pytest.fixture
def run_module(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Run a module as with -vvvv; return what it prints, and what it writes to the host's log."""
    basic = pytest.importorskip("ansible.module_utils.basic", reason="ansible-core is not installed for this Python")
    logged: List[str] = []
    internal = {"_ansible_verbosity": 4, "_ansible_debug": True, "_ansible_no_log": False}
    if "inject_invocation" in basic.PASS_VARS:
        internal["_ansible_inject_invocation"] = True  # before ansible-core 2.21 the result always had it
    monkeypatch.setattr(basic, "has_journal", False)
    monkeypatch.setattr(syslog, "syslog", lambda *words: logged.append(str(words[-1])))

    def run_one(module: Any, options: Dict[str, Any]) -> str:
        given = {**options, **internal}
        monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": given}).encode())
        monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)  # from ansible-core 2.19
        with pytest.raises(SystemExit):
            module.main()
        printed = capsys.readouterr()
        assert "invocation" in printed.out and "tim" in printed.out
        assert any("Invoked with" in line for line in logged)
        return printed.out + printed.err + "\n".join(logged)

    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield run_one
    for number, handler in handlers.items():
        signal.signal(number, handler)
