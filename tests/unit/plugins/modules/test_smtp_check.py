# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The module as Ansible runs it (arguments in, one JSON document out), against a relay that answers from a table; and
# its documentation, held against the options it takes and the report it returns.

from __future__ import annotations

import functools
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Tuple

import pytest

pytest.importorskip("ansible", reason="ansible-core is not installed for this Python")

import trustme
import yaml

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.attempts import AddressAttempt, Outcome
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.model import Tlsa
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.certificates import read_certificate
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.model import TlsFacts
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.facts import (
    STAGES,
    AuthFacts,
    ExtraReply,
    Facts,
    MessageFacts,
    RecipientFacts,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.plan import Verdict
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.probes import Survey
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.replies import Reply
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.report import as_report
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.request import build_request
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.tlsa import hold_against_given
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.transcript import Transcript
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.causes import Failure
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.rules import Rule
from ansible_collections.postmaster.mailcheck.plugins.modules import smtp_check
from ansible_collections.postmaster.mailcheck.tests.support.relay import Relay, running
from ansible_collections.postmaster.mailcheck.tests.support.specs import as_spec, documented_options, without_no_log

Run = Callable[..., Tuple[int, Dict[str, Any]]]

EHLO = "250-relay.example.com\r\n250-AUTH PLAIN\r\n250 SIZE 1000\r\n"


@pytest.fixture
def relay() -> Iterator[Relay]:
    with running(Relay(EHLO=EHLO)) as server:
        yield server


def at(relay: Relay, **more: Any) -> Dict[str, Any]:
    return {"host": "127.0.0.1", "port": relay.port, "tls": "none", "timeout": 5, **more}


@pytest.fixture
def run(run_module: Run) -> Run:
    return functools.partial(run_module, smtp_check.main)


def warnings_of(result: Dict[str, Any]) -> List[str]:
    """Whichever form this ansible-core has for a warning: text, or a record with an event that holds the text."""
    return [json.dumps(warning) for warning in result.get("warnings", [])]


# What the module does


def test_a_relay_that_passes(run: Run, relay: Relay) -> None:
    code, result = run(**at(relay))
    assert (code, result["verdict"], result["changed"], result["failure"]) == (0, "passed", False, None)
    assert result["capabilities"] == {"AUTH": ["PLAIN"], "SIZE": ["1000"]}
    assert "failed" not in result


def test_a_relay_that_refuses_fails_the_task_and_returns_every_fact(run: Run, relay: Relay) -> None:
    relay.answers["RCPT"] = "554 5.7.1 Relay access denied\r\n"
    code, result = run(**at(relay, sender="a@example.com", recipients=["b@example.net"]))
    assert (code, result["failed"], result["verdict"]) == (1, True, "failed")
    assert (result["failure"]["cause"], result["failure"]["code"]) == ("relay_denied", 554)
    assert "554 5.7.1 Relay access denied" in result["msg"]
    assert result["codes"] == {"greeting": 220, "ehlo": 250, "mail": 250, "rcpt": {"b@example.net": 554}, "quit": 221}


def test_a_rule_that_could_not_be_judged_warns(run: Run, relay: Relay) -> None:
    code, result = run(**at(relay, expect={"certificate_days_left": 14}))
    assert (code, result["verdict"], result["rules"][0]["outcome"]) == (0, "passed", "unknown")
    (warning,) = warnings_of(result)
    assert "certificate_days_left: the certificate is valid for 14 more days; this could not be judged" in warning


def test_a_port_where_nothing_listens(run: Run) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        code, result = run(host="127.0.0.1", port=closed.getsockname()[1])
    assert (code, result["verdict"], result["stage"]) == (1, "unreachable", "connect")
    assert result["failure"]["cause"] == "connection_refused"
    assert [attempt["outcome"] for attempt in result["attempts"]] == ["connection_refused"]
    assert result["transcript"] == []


def test_a_message_is_sent(run: Run, relay: Relay) -> None:
    code, result = run(**at(relay, sender="a@example.com", recipients=["b@example.com"], send=True))
    assert (code, result["changed"], result["message"]["queue_id"]) == (0, True, "4XyZ12abcd")
    assert "DATA" in relay.said


def test_check_mode_stops_before_the_message(run: Run, relay: Relay) -> None:
    options = at(
        relay, sender="a@example.com", recipients=["b@example.com"], send=True, extra_commands=["VRFY postmaster"]
    )
    code, result = run(check_mode=True, **options)
    assert (code, result["changed"], result["message"]) == (0, True, None)
    (warning,) = warnings_of(result)
    assert "Check mode does not send the message or extra_commands." in warning
    assert [line.split()[0] for line in relay.said] == ["EHLO", "MAIL", "RCPT", "RSET", "QUIT"]


def test_an_expected_refusal_passes(run: Run, relay: Relay) -> None:
    relay.answers["RCPT"] = "550 5.7.1 No relaying\r\n"
    expect = {"codes": {"rcpt": [550, 554]}}
    code, result = run(**at(relay, sender="a@example.com", recipients=["b@example.net"], expect=expect))
    assert (code, result["verdict"]) == (0, "passed")
    assert [(rule["id"], rule["outcome"]) for rule in result["rules"]] == [("codes.rcpt", "met")]


@pytest.mark.parametrize(
    "option, options",
    [
        ("port", {"port": 70000}),
        ("timeout", {"timeout": 0}),
        ("sender", {"recipients": ["b@example.com"]}),
        ("recipients", {"send": True}),
        ("recipients[0]", {"sender": "", "recipients": ["b@example.com\r\nDATA"]}),
        ("ca_path", {"tls": "starttls", "ca_path": "/nonexistent.pem"}),
        ("tls", {"username": "u", "password": "p4ssw0rd"}),
        ("expect.capabilites", {"expect": {"capabilites": ["DSN"]}}),
    ],
)
def test_a_mistake_is_refused_before_any_connection(
    run: Run, relay: Relay, option: str, options: Dict[str, Any]
) -> None:
    code, result = run(**at(relay, **options))
    assert (code, result["failed"]) == (1, True)
    assert result["msg"].startswith(option + ": ")
    assert "verdict" not in result
    assert "p4ssw0rd" not in json.dumps(result)
    assert relay.said == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_check_with_what_was_learned(run: Run, relay: Relay, number: signal.Signals) -> None:
    relay.answers["MAIL"] = lambda _line: os.kill(os.getpid(), number) or ""  # and no answer follows
    code, result = run(**at(relay, sender="a@example.com", timeout=60))
    assert (code, result["stage"], result["failure"]["cause"]) == (1, "mail", "interrupted")
    assert result["verdict"] == "not_checked"
    assert result["greeting"]["hostname"] == "relay.example.com"


def test_no_secret_is_shown(run: Run, relay: Relay) -> None:
    credentials = {"username": "app", "password": "tiger-lily-42", "allow_plaintext_auth": True}
    code, result = run(**at(relay, **credentials))
    assert (code, result["auth"]["accepted"]) == (0, True)
    assert "AUTH PLAIN AGFwcAB0aWdlci1saWx5LTQy" in relay.said
    shown = json.dumps(result)
    assert "tiger-lily-42" not in shown and "dGlnZXItbGlse" not in shown and "AGFwcAB0aWdl" not in shown
    assert warnings_of(result) == []


def test_a_fact_that_holds_a_secret_by_chance_comes_with_a_warning(run: Run, relay: Relay) -> None:
    relay.answers["AUTH"] = "235 2.7.0 Ok secretary\r\n"
    credentials = {"username": "app", "password": "secret", "allow_plaintext_auth": True}
    _code, result = run(**at(relay, **credentials))
    assert result["auth"]["text"] == "2.7.0 Ok ********ary"
    (warning,) = warnings_of(result)
    assert "also occurs in auth, transcript:" in warning


def test_what_the_engine_warns_of_becomes_a_warning(run: Run, relay: Relay) -> None:
    _code, result = run(**at(relay, test_message={"subject": "never sent"}))
    (warning,) = warnings_of(result)
    assert "send is false" in warning


def test_a_fault_of_our_own_is_one_sentence(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**options: Any) -> None:
        raise RuntimeError("with a password: %s" % options["password"])

    monkeypatch.setattr(smtp_check, "check", broken)
    code, result = run(host="127.0.0.1", username="app", password="tiger-lily-42")
    assert code == 1
    assert result["msg"].startswith("A fault of this collection, please report it: RuntimeError at test_smtp_check.py:")
    assert "tiger" not in json.dumps(result)
    assert "exception" not in result


# What the module says of itself


def test_the_documented_options_are_those_of_the_argument_spec() -> None:
    assert as_spec(documented_options(smtp_check)) == without_no_log(smtp_check.SPEC)


def test_each_secret_option_is_kept_out_of_logs() -> None:
    secret = {name for name, row in smtp_check.SPEC.items() if row.get("no_log")}
    assert secret == {"password", "access_token", "client_key_password"}


def full_report() -> Dict[str, Any]:
    """A report in which nothing is null."""
    request = build_request("relay.example.com", {"tls": "none"}, now=0.0)
    der = trustme.CA().issue_cert("relay.example.com").cert_chain_pems[0].bytes()
    facts = Facts(Transcript(0.0))
    facts.greeting = Reply(220, ("relay.example.com ESMTP",))
    facts.transcript.server(facts.greeting, 0.0)
    facts.capabilities = facts.capabilities_before_tls = {"SIZE": ["1000"], "AUTH": ["PLAIN"]}
    chain = (read_certificate(_der(der)),)
    facts.tls = TlsFacts("TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, "relay.example.com", True, (), chain)
    facts.dane = hold_against_given((_der(der),), [Tlsa(1, 1, 1, bytes(32))], [])
    facts.auth = AuthFacts("PLAIN", True, 235)
    facts.recipients = [RecipientFacts("b@example.com", 250, "2.1.5", "2.1.5 Ok", "accepted")]
    facts.message = MessageFacts("<token@example.com>", "token", 500, "4XyZ", 250, "2.0.0 Ok: queued as 4XyZ")
    facts.extra_replies = [ExtraReply("NOOP", 250, "2.0.0", "2.0.0 Ok")]
    addresses = (AddressAttempt("192.0.2.25", "connected", 0.1),)
    outcome = Outcome(facts, addresses, "192.0.2.25", "192.0.2.7", 0.0, 1.0)
    failure = Failure("rcpt", "relay_denied", 554, "5.7.1", "5.7.1 Relay access denied", "b@example.com")
    rules = (Rule("codes.rcpt", "unmet", "high", [250], [554], "the reply code is one of 250", "See codes.", "rcpt"),)
    return as_report(Verdict(request, outcome, addresses, rules, failure, Survey({}, {}, {}, "relay")), 0.0)


def _der(pem: bytes) -> bytes:
    import ssl

    return ssl.PEM_cert_to_DER_cert(pem.decode("ascii"))


def undocumented(data: Any, documented: Dict[str, Any], path: str) -> Iterator[str]:
    """Say where keys of the report and `contains` of the documentation differ, at any depth."""
    for entry in data if isinstance(data, list) else [data]:
        for name in set(entry) ^ set(documented):
            yield path + name
        for name in set(entry) & set(documented):
            if "contains" in documented[name]:
                assert entry[name], path + name
                yield from undocumented(entry[name], documented[name]["contains"], path + name + ".")


def test_the_documented_return_values_are_those_of_the_report() -> None:
    report = full_report()
    report.pop("warnings")  # Ansible's own, documented there
    report["engine"]["in_process"] = False  # what the engine does not know
    assert sorted(undocumented(report, yaml.safe_load(smtp_check.RETURN), "")) == []


def test_the_documented_stages_are_those_of_the_engine() -> None:
    assert yaml.safe_load(smtp_check.RETURN)["stage"]["choices"] == list(STAGES)


def test_no_return_value_has_a_name_that_hides_a_method_of_dictionaries() -> None:
    assert not set(yaml.safe_load(smtp_check.RETURN)) & set(dir(dict))


def test_each_example_uses_options_that_there_are() -> None:
    for task in yaml.safe_load(smtp_check.EXAMPLES):
        for step in task.get("block", [task]):
            options = step.get("postmaster.mailcheck.smtp_check", {})
            assert set(options) <= set(smtp_check.SPEC), step["name"]


def test_the_action_group_holds_the_module() -> None:
    runtime = Path(smtp_check.__file__).parents[2] / "meta" / "runtime.yml"
    assert "smtp_check" in yaml.safe_load(runtime.read_text(encoding="utf-8"))["action_groups"]["mailcheck"]


def test_starting_up_loads_nothing_that_a_check_does_not_need() -> None:
    program = (
        """if True:
        import sys
        import ansible.module_utils.basic
        before = set(sys.modules)
        import %s
        print(*{name.partition(".")[0] for name in set(sys.modules) - before})
    """
        % smtp_check.__name__
    )
    root = str(Path(smtp_check.__file__).parents[5])
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join([root, *filter(None, sys.path)]))
    loaded = subprocess.check_output([sys.executable, "-c", program], env=environment, text=True).split()
    assert "ansible_collections" in loaded
    unwanted = {"asyncio", "concurrent", "dns", "smtplib", "http", "urllib", "unittest", "email", "ssl", "dataclasses"}
    assert not unwanted & set(loaded)
