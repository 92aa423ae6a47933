# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The mistakes of tests/support/mistakes.py once more, through the modules as Ansible runs them: arguments in as JSON, one JSON
# document out, whose message names the option. Ansible makes some of them good (`port: "25"`): those get through.

from __future__ import annotations

import json
import re
import socket
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("ansible", reason="ansible-core is not installed for this Python")

from ansible.module_utils import basic

from ansible_collections.postmaster.mailcheck.plugins.modules import smtp_check, smtp_sweep
from ansible_collections.postmaster.mailcheck.tests.support.mistakes import (
    HOLES,
    HOST,
    MISTAKES,
    NOT_TEXT,
    SECRETS,
    SWEEP_MISTAKES,
    Mistake,
    filled,
)

if TYPE_CHECKING:
    from typing import Any, Dict, List, Mapping


def _gets_to_a_module(given: Mapping[str, Any]) -> bool:
    """Half a surrogate pair ends in Ansible's own logging, a number of 400 digits in its own conversion."""
    text = json.dumps(given, ensure_ascii=False)
    return "0" * 400 not in text and text.encode("utf-8", "replace") == text.encode("utf-8", "surrogatepass")


BAD: List[Mistake] = [
    mistake
    for mistake in [*MISTAKES, *(filled(hole, text) for hole in HOLES for text in NOT_TEXT.values())]
    if _gets_to_a_module(mistake.given)
]
# What ansible-core says of a text where suboptions are wanted: it is not ours to name the option there.
ANSIBLES_OWN = "dictionary requested, could not parse"


class Opened(BaseException):
    """The input was taken, and the next thing would have been a socket."""


def message(module: Any, arguments: Dict[str, Any], capsys: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a module that is to fail over its options; return what it says."""
    wire = json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode()
    monkeypatch.setattr(basic, "_ANSIBLE_ARGS", wire)
    monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)  # from ansible-core 2.19
    with pytest.raises((SystemExit, Opened)) as ended:
        module.main()
    printed = capsys.readouterr()
    if isinstance(ended.value, Opened):
        return ""
    assert printed.err == "" and ended.value.code == 1
    result = json.loads(printed.out)
    assert result["failed"] is True
    assert "Traceback" not in printed.out
    return str(result["msg"])


@pytest.fixture(autouse=True)
def no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(*_values: Any, **_options: Any) -> None:
        raise Opened()

    monkeypatch.setattr(socket, "socket", opened)
    monkeypatch.setattr(socket, "socketpair", opened)


def test_two_hundred_bad_inputs_and_more_name_their_option(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = 0
    for option, given, _says in BAD:
        said = message(smtp_check, {"host": HOST, **given}, capsys, monkeypatch)
        if not said or said.startswith(ANSIBLES_OWN):
            continue
        assert any(name in said for name in re.findall("[a-z_]+", option)), (option, given, said)
        assert not any(secret in said for secret in SECRETS)
        refused += 1
    assert refused >= 200


def test_bad_inputs_of_a_sweep_name_their_option(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for option, given, _says in SWEEP_MISTAKES:
        said = message(smtp_sweep, {"tls": "none", **given}, capsys, monkeypatch)
        assert option.rpartition(".")[2] in said, (option, given, said)
