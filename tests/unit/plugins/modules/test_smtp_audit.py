# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The module smtp_audit: its result, and what it says of itself.

from __future__ import annotations

import functools
import json
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("ansible", reason="ansible-core is not installed for this Python")

import yaml

from ansible_collections.postmaster.mailcheck.plugins.modules import smtp_audit
from ansible_collections.postmaster.mailcheck.tests.support.relay import Relay, running
from ansible_collections.postmaster.mailcheck.tests.support.specs import as_spec, documented_options, without_no_log

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Tuple

    Run = Callable[..., Tuple[int, Dict[str, Any]]]


@pytest.fixture
def run(run_module: Callable[..., Tuple[int, Dict[str, Any]]]) -> Run:
    return functools.partial(run_module, smtp_audit.main)


def test_a_grave_finding_fails_the_task_and_a_slight_one_does_not(run: Run) -> None:
    with running(Relay()) as relay:
        given = {"host": "127.0.0.1", "port": relay.port}
        code, result = run(probes=["auth_offered_in_clear"], **given)
        assert (code, result["failed"], result["verdict"]) == (1, True, "failed")
        slight = {"probes": ["size"], "known_recipient": "user@example.net"}
        code, result = run(intensity="active", authorised=["127.0.0.1"], **slight, **given)
    assert (code, result["verdict"], result["probes"][0]["status"]) == (0, "passed", "finding")


@pytest.mark.parametrize("answer, verdict", [
    ("502 5.5.1 No\r\n", "passed"), ("450 4.2.1 Later\r\n", "not_checked"),
])  # fmt: skip
def test_an_audit_that_settles_nothing_fails_the_task(run: Run, answer: str, verdict: str) -> None:
    """Alone, and beside a relay that passes: what could not be judged is not shown as good."""
    given = {"known_recipient": "user@example.net", "intensity": "active", "authorised": ["127.0.0.1"]}
    with running(Relay(VRFY=answer)) as relay, running(Relay(VRFY="502 5.5.1 No\r\n")) as silent:
        alone = run(host="127.0.0.1", port=relay.port, probes=["vrfy"], **given)
        hosts = ["127.0.0.1:%d" % one.port for one in (relay, silent)]
        both = run(hosts=hosts, probes=["vrfy"], **given)
    failed = int(verdict != "passed")
    assert (alone[0], alone[1]["verdict"], both[0]) == (failed, verdict, failed)
    assert [row["verdict"] for row in both[1]["endpoints"]] == [verdict, "passed"]


def test_check_mode_says_what_it_would_come_to(run: Run) -> None:
    with running(Relay()) as relay:
        code, result = run(check_mode=True, host="127.0.0.1", port=relay.port)
        assert relay.said == []
    assert (code, result["probes"], result["verdict"]) == (0, [], "not_checked")
    assert result["plan"]["connections"] > 0 == result["plan"]["errors"] == result["plan"]["messages"]


def test_the_password_of_a_mailbox_is_shown_nowhere(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    mailbox = {"host": "127.0.0.1", "port": port, "username": "audit", "password": "tanstaaftanstaaf"}
    known = {"known_recipient": "user@example.net", "mailbox_recipient": "user@example.net", "probes": ["smuggling"]}
    with running(Relay(DATA="554 5.7.1 No\r\n")) as relay:
        given = {"host": "127.0.0.1", "port": relay.port, "intensity": "intrusive", "authorised": ["127.0.0.1"]}
        code, result = run(mailbox=mailbox, **known, **given)
    assert (code, result["verdict"]) == (1, "not_checked") and "tanstaaf" not in json.dumps(result)
    assert "nothing was sent to prove anything: connection_refused" in str(result["warnings"])


def test_a_mistake_is_one_sentence(run: Run) -> None:
    code, result = run(host="relay.example.com", intensity="active")
    assert code == 1 and result["msg"].startswith("authorised: ")
    assert "probes" not in result


def test_many_relays_are_audited_in_one_task(run: Run) -> None:
    with running(Relay()) as one, running(Relay(EHLO="250 relay.example.com\r\n")) as other:
        endpoints = [{"host": "127.0.0.1", "port": other.port, "name": "second"}]
        code, result = run(hosts=["127.0.0.1:%d" % one.port], endpoints=endpoints, probes=["auth_offered_in_clear"])
    assert (code, [row["verdict"] for row in result["endpoints"]]) == (1, ["failed", "passed"])
    assert [row["name"] for row in result["endpoints"]] == ["127.0.0.1:%d" % one.port, "second"]
    assert result["summary"]["verdicts"] == {"failed": 1, "passed": 1} and "verdict" not in result


def test_check_mode_plans_for_all(run: Run) -> None:
    code, result = run(check_mode=True, hosts=["a.example.com", "b.example.com"])
    plans = [row["plan"]["connections"] for row in result["endpoints"]]
    assert code == 0 and result["plan"]["connections"] == sum(plans) > 0
    assert result["msg"].startswith("2 relays: check mode: at most %d connections, 0 errors" % sum(plans))


@pytest.mark.parametrize("given", [{}, {"host": "a.example.com", "hosts": ["b.example.com"]}])
def test_one_relay_or_many(run: Run, given: Dict[str, Any]) -> None:
    code, result = run(**given)
    assert code == 1 and "hosts" in result["msg"] and "probes" not in result


def test_the_documented_options_are_those_of_the_argument_spec() -> None:
    assert as_spec(documented_options(smtp_audit)) == without_no_log(smtp_audit.SPEC)


def test_an_endpoint_s_options_have_no_default_that_would_override_the_task_s() -> None:
    assert not [name for name, row in smtp_audit.SPEC["endpoints"]["options"].items() if "default" in row]


def test_the_documented_return_values_are_those_of_the_result(run: Run) -> None:
    returned = yaml.safe_load(smtp_audit.RETURN)
    of_one, of_many = (
        {
            name
            for name, value in returned.items()
            if value["returned"] in ("always", "if the options make sense", which)
        }
        for which in ("for a single relay", "for several relays")
    )
    with running(Relay()) as relay:
        _code, result = run(host="127.0.0.1", port=relay.port)
        _code, fleet = run(hosts=["127.0.0.1:%d" % relay.port])
    told = {"failed", "invocation", "warnings"}
    assert (of_one, of_many) == (set(result) - told, set(fleet) - told)
    assert set(fleet["endpoints"][0]) == of_one - {"engine"} | {"name", "labels", "input"}
    assert set(returned["probes"]["contains"]) == set(result["probes"][0])
    for tables in (returned, returned["probes"]["contains"], fleet["summary"]):
        assert not set(tables) & set(dir(dict))


def test_each_example_uses_options_that_there_are() -> None:
    for task in yaml.safe_load(smtp_audit.EXAMPLES):
        assert set(task.get("postmaster.mailcheck.smtp_audit", {})) <= set(smtp_audit.SPEC), task["name"]


def test_the_action_group_holds_the_module() -> None:
    runtime = Path(smtp_audit.__file__).parents[2] / "meta" / "runtime.yml"
    assert "smtp_audit" in yaml.safe_load(runtime.read_text(encoding="utf-8"))["action_groups"]["mailcheck"]
