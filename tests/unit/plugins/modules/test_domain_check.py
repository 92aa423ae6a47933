# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The module as Ansible runs it, and its documentation, held against the options it takes and the result it returns.

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, Set, Tuple

import pytest

pytest.importorskip("ansible", reason="ansible-core is not installed for this Python")

import yaml

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain import relays
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.dane import DaneRecord
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.options import (
    DOMAIN_OPTIONS,
    LOOK_AT,
    NOT_IN_ZONE_FILES,
    OF_ONE,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.causes import CAUSES
from ansible_collections.postmaster.mailcheck.plugins.modules import domain_check
from ansible_collections.postmaster.mailcheck.tests.support.relay import Relay, running
from ansible_collections.postmaster.mailcheck.tests.support.specs import as_spec, documented_options

Run = Callable[..., Tuple[int, Dict[str, Any]]]

ZONE = """\
$ORIGIN example.com.
$TTL 300
@ IN SOA ns hostmaster 1 3600 600 86400 60
@ IN NS ns
@ IN MX 10 mx
@ IN TXT "v=spf1 a:mx.example.com -all"
@ IN CAA 0 issue "ca.example"
mx IN A 192.0.2.25
s1._domainkey IN TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
_dmarc IN TXT "v=DMARC1; p=none; rua=mailto:d@example.com"
_mta-sts IN TXT "v=STSv1; id=1"
_smtp._tls IN TXT "v=TLSRPTv1; rua=mailto:t@example.com"
default._bimi IN TXT "v=BIMI1; l=https://example.com/logo.svg"
"""
POLICY = "version: STSv1\nmode: testing\nmx: mx.example.com\nmax_age: 604800\n"


@pytest.fixture
def run(run_module: Run, tmp_path: Path) -> Run:
    path = tmp_path / "zone"
    path.write_text(ZONE)
    return functools.partial(
        run_module, domain_check.main, zone_files=[str(path)], mta_sts_policies={"example.com": POLICY}
    )


def test_a_domain_that_passes(run: Run) -> None:
    code, result = run(domains=["example.com"], look_at=["mx", "spf"])
    assert (code, result["changed"], result["summary"]["verdicts"]) == (0, False, {"passed": 1})


def test_a_domain_that_does_not_pass_fails_the_task_and_every_domain_comes_back(run: Run) -> None:
    domains = ["example.com", {"domain": "example.com", "expect": {"dmarc_policy": "reject"}}]
    code, result = run(domains=domains, look_at=["mx", "dmarc"])
    assert (code, result["failed"], result["summary"]["verdicts"]) == (1, True, {"failed": 1, "passed": 1})
    assert "dmarc_policy (1)" in result["msg"]


@pytest.mark.parametrize("domains", [["example.net"], ["example.com", "example.net"]])
def test_what_could_not_be_judged_fails_the_task(run: Run, domains: Any) -> None:
    code, result = run(domains=domains, look_at=["mx"])
    assert (code, result["summary"]["verdicts"]["unreachable"]) == (1, 1)


def test_a_rule_that_could_not_be_judged_is_warned_of(run: Run) -> None:
    code, result = run(domains=["example.com"], look_at=["mx", "dnssec"])
    assert code == 0
    assert [json.dumps(warning).count("could not be judged") for warning in result["warnings"]] == [1, 1]


def test_check_mode_does_everything(run: Run) -> None:
    shown = [run(domains=["example.com"], check_mode=mode, selectors=["s1"])[1]["domains"] for mode in (True, False)]
    for (report,) in shown:
        report.pop("checked_at")
    assert shown[0] == shown[1]


@pytest.mark.parametrize(
    "option, given",
    [
        ("domains", {"domains": []}),
        ("domains[1]", {"domains": ["example.com", "a b"]}),
        ("domains[0].selectors[1]", {"domains": [{"domain": "example.com", "selectors": ["s1", "a b"]}]}),
        ("senders[0]", {"senders": ["a b"]}),
        ("zone_files[0]", {"zone_files": ["/nonexistent"]}),
        ("expect.spf_valide", {"expect": {"spf_valide": True}}),
    ],
)
def test_a_mistake_is_one_sentence(run: Run, option: str, given: Dict[str, Any]) -> None:
    code, result = run(**{"domains": ["example.com"], **given})
    assert (code, result["failed"]) == (1, True)
    assert result["msg"].startswith(option + ": ")
    assert "summary" not in result


# What the module says of itself


@pytest.fixture
def everything(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Dict[str, Any]]:
    """A result with all that can be looked at, a relay that speaks no TLS included."""
    (tmp_path / "here").write_text(ZONE.replace("192.0.2.25", "127.0.0.1"))
    with running(Relay()) as relay:
        monkeypatch.setitem(relays._AS_A_SENDER, "port", relay.port)
        _code, result = run(
            domains=["example.com"], look_at=list(LOOK_AT), selectors=["s1"], senders=["127.0.0.1"], relays=True,
            blocklists=["bl.example.com"], zone_files=[str(tmp_path / "here")],
        )  # fmt: skip
        yield result


def documented_return() -> Dict[str, Any]:
    found: Dict[str, Any] = yaml.safe_load(domain_check.RETURN)
    return found


def test_the_documented_options_are_those_of_the_argument_spec() -> None:
    documented = as_spec(documented_options(domain_check))
    assert documented == domain_check.SPEC


def test_the_options_of_one_domain_are_named_and_have_no_default_that_would_override_the_task_s() -> None:
    (text, *_more) = yaml.safe_load(domain_check.DOCUMENTATION)["options"]["domains"]["description"]
    assert set(re.findall(r"O\((\w+)\)", text)) == set(OF_ONE)
    assert not [name for name, row in OF_ONE.items() if "default" in row]


def test_the_documented_default_of_look_at_is_that_of_the_engine() -> None:
    usual, with_zone_files, *_more = yaml.safe_load(domain_check.DOCUMENTATION)["options"]["look_at"]["description"]
    assert re.findall(r"V\((\w+)\)", usual) == [name for name, looked_at in LOOK_AT.items() if not looked_at]
    assert tuple(re.findall(r"V\((\w+)\)", with_zone_files)) == NOT_IN_ZONE_FILES


def test_the_documented_return_values_are_those_of_the_result(everything: Dict[str, Any]) -> None:
    documented = documented_return()
    assert set(documented) == set(everything) - {"failed", "invocation", "warnings"}
    assert set(documented["summary"]["contains"]) == set(everything["summary"])
    (report,) = everything["domains"]
    assert set(documented["domains"]["contains"]) == set(report)
    for tables in (documented, documented["domains"]["contains"], documented["summary"]["contains"]):
        assert not set(tables) & set(dir(dict))


def fields_of(fact: Any) -> Set[str]:
    """Every name in a fact, those of the facts within it included."""
    if isinstance(fact, dict):
        return {*fact, *(name for inner in fact.values() for name in fields_of(inner))}
    return {name for inner in fact for name in fields_of(inner)} if isinstance(fact, list) else set()


@pytest.mark.parametrize("name", [*LOOK_AT, "relays", "rules", "records"])
def test_each_documented_field_of_a_fact_is_there_and_each_field_is_documented(
    everything: Dict[str, Any], name: str
) -> None:
    (report,) = everything["domains"]
    row = documented_return()["domains"]["contains"][name]
    said = set(re.findall(r"C\((\w+)\)", str(row["description"])))
    fact = report[name]
    assert fact, "there is nothing to hold the documentation against"
    own = fact[0] if isinstance(fact, list) else next(iter(fact.values()))[0] if name == "blocklists" else fact
    common = {"state", "reason", "valid", "problems"}
    assert said <= fields_of(fact) | common | set(DaneRecord._fields)  # no zone file can say that TLSA records count
    assert set(own) - common <= said


def test_causes_are_of_the_table() -> None:
    text = " ".join(documented_return()["domains"]["contains"]["cause"]["description"])
    assert set(re.findall(r"V\((\w+)\)", text)) - {"null"} <= set(CAUSES)


def test_each_example_uses_options_that_there_are() -> None:
    for task in yaml.safe_load(domain_check.EXAMPLES):
        options = task.get("postmaster.mailcheck.domain_check", {})
        assert set(options) <= set(DOMAIN_OPTIONS), task["name"]
        for domain in options.get("domains", ()):
            assert isinstance(domain, str) or set(domain) <= {"domain", *OF_ONE}, task["name"]


def test_the_action_group_holds_the_module() -> None:
    runtime = Path(domain_check.__file__).parents[2] / "meta" / "runtime.yml"
    assert "domain_check" in yaml.safe_load(runtime.read_text(encoding="utf-8"))["action_groups"]["mailcheck"]
