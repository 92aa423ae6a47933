# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The module as Ansible runs it, and its documentation, held against the options it takes and the result it returns.

from __future__ import annotations

import functools
import json
import re
import ssl
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, Set, Tuple

import pytest

pytest.importorskip("ansible", reason="ansible-core is not installed for this Python")

import trustme
import yaml

from ansible_collections.postmaster.mailcheck.plugins.modules import smtp_check, smtp_sweep
from ansible_collections.postmaster.mailcheck.tests.support.relay import Relay, running
from ansible_collections.postmaster.mailcheck.tests.support.specs import as_spec, documented_options, without_no_log

Run = Callable[..., Tuple[int, Dict[str, Any]]]


@pytest.fixture
def run(run_module: Run) -> Run:
    return functools.partial(run_module, smtp_sweep.main)


@pytest.fixture
def options(tmp_path: Path) -> Iterator[Dict[str, Any]]:
    """Under these a relay with TLS passes, which runs at 127.0.0.1."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", key_type=trustme.KeyType.ECDSA).configure_cert(context)
    with running(Relay(context)) as server:
        yield {"ca_path": str(tmp_path / "ca.pem"), "port": server.port, "timeout": 10}


def test_a_fleet_that_passes(run: Run, options: Dict[str, Any]) -> None:
    code, result = run(hosts=["127.0.0.1"], **options)
    assert (code, result["changed"], result["summary"]["verdicts"]) == (0, False, {"passed": 1})


def test_a_relay_that_does_not_pass_fails_the_task_and_every_row_comes_back(run: Run, options: Dict[str, Any]) -> None:
    endpoints = [{"host": "127.0.0.1"}, {"host": "127.0.0.1", "tls_server_name": "other.example.com"}]
    code, result = run(endpoints=endpoints, **options)
    assert (code, result["failed"], result["summary"]["verdicts"]) == (1, True, {"failed": 1, "passed": 1})
    assert result["msg"].endswith(" More: mailcheck explain certificate_name_mismatch")


def test_a_warning_of_the_engine_is_the_task_s(run: Run, options: Dict[str, Any]) -> None:
    _code, result = run(hosts=["127.0.0.1", "127.0.0.1"], test_message={"subject": "never sent"}, **options)
    assert [json.dumps(warning).count("send is false") for warning in result["warnings"]] == [1]


@pytest.mark.parametrize(
    "option, given",
    [
        ("hosts", {}),
        ("hosts[0]", {"hosts": ["relay.example.com:smtp"]}),
        ("endpoints[1].timeout", {"endpoints": [{"host": "a"}, {"host": "b", "timeout": 0}]}),
        ("concurrency", {"hosts": ["a"], "concurrency": 0}),
    ],
)
def test_a_mistake_is_one_sentence(run: Run, option: str, given: Dict[str, Any]) -> None:
    code, result = run(**given)
    assert (code, result["failed"]) == (1, True)
    assert result["msg"].startswith(option + ": ")
    assert "endpoints" not in result


# What the module says of itself


def test_the_documented_options_are_those_of_the_argument_spec() -> None:
    assert as_spec(documented_options(smtp_sweep)) == without_no_log(smtp_sweep.SPEC)


def secret_options(spec: Dict[str, Dict[str, Any]]) -> Set[str]:
    return {name for name, row in spec.items() if row.get("no_log")}


def test_the_secret_options_of_an_endpoint_are_those_of_a_check() -> None:
    assert secret_options(smtp_sweep.SPEC["endpoints"]["options"]) == secret_options(smtp_check.SPEC) != set()


def test_an_endpoint_s_options_have_no_default_that_would_override_the_task_s() -> None:
    assert not [name for name, row in smtp_sweep.SPEC["endpoints"]["options"].items() if "default" in row]


def test_the_documented_return_values_are_those_of_the_result(run: Run, options: Dict[str, Any]) -> None:
    documented = yaml.safe_load(smtp_sweep.RETURN)
    endpoints = [{"host": "127.0.0.1"}, {"host": "127.0.0.1", "tls_server_name": "other.example.com"}]
    _code, result = run(endpoints=endpoints, **options)
    assert set(documented) == set(result) - {"failed", "invocation"}
    assert set(documented["summary"]["contains"]) == set(result["summary"])
    short, full = result["endpoints"]
    own = {"name", "labels", "input"}
    checks = set(yaml.safe_load(smtp_check.RETURN))
    assert set(full) == checks - {"engine"} | own  # engine: once for all
    (told,) = [line for line in documented["endpoints"]["description"] if line.startswith("A short row has ")]
    assert set(re.findall(r"C\((\w+)\)", told)) == set(short) - own | set(short["tls"])
    for tables in (documented, documented["endpoints"]["contains"], documented["summary"]["contains"]):
        assert not set(tables) & set(dir(dict))


def test_each_example_uses_options_that_there_are() -> None:
    for task in yaml.safe_load(smtp_sweep.EXAMPLES):
        options = task.get("postmaster.mailcheck.smtp_sweep", {})
        assert set(options) <= set(smtp_sweep.SPEC), task["name"]
        for endpoint in options.get("endpoints", []) if isinstance(options.get("endpoints"), list) else []:
            assert set(endpoint) <= set(smtp_sweep.SPEC["endpoints"]["options"]), task["name"]


def test_the_action_group_holds_the_module() -> None:
    runtime = Path(smtp_sweep.__file__).parents[2] / "meta" / "runtime.yml"
    assert "smtp_sweep" in yaml.safe_load(runtime.read_text(encoding="utf-8"))["action_groups"]["mailcheck"]
