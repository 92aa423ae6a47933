# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The module as Ansible runs it, against a mailbox in memory; and its documentation, held against the options it takes
# and the report it returns.

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, Tuple

import pytest

pytest.importorskip("ansible", reason="ansible-core is not installed for this Python")

import yaml

from ansible_collections.postmaster.mailcheck.plugins.modules import wait_for_mail
from ansible_collections.postmaster.mailcheck.tests.support.mailboxes import (
    PASSWORD,
    SIGN_IN,
    Folder,
    ImapServer,
    bounce,
    mail,
)
from ansible_collections.postmaster.mailcheck.tests.support.specs import as_spec, documented_options, without_no_log

Run = Callable[..., Tuple[int, Dict[str, Any]]]
TOKEN = "0123456789abcdef0123456789abcdef"

pytestmark = pytest.mark.usefixtures("no_pause_lasts")


@pytest.fixture
def run(run_module: Run) -> Run:
    return functools.partial(run_module, wait_for_mail.main)


def at(server: ImapServer, **more: Any) -> Dict[str, Any]:
    where = {"host": "127.0.0.1", "port": server.port, "tls": "none", "allow_plaintext_auth": True, **SIGN_IN}
    return {**where, "timeout": 30, "poll_interval": 5, **more}


def test_a_message_that_arrives(run: Run) -> None:
    with ImapServer({"INBOX": Folder({1: mail(TOKEN)})}) as server:
        code, result = run(**at(server, token=TOKEN, state={"INBOX": {"uidvalidity": 7, "uidnext": 1}}))
    assert (code, result["verdict"], result["found"], result["changed"]) == (0, "passed", True, False)
    assert "failed" not in result


def test_a_message_that_does_not_fails_the_task(run: Run) -> None:
    with ImapServer() as server:
        code, result = run(**at(server, token=TOKEN))
    assert (code, result["failed"], result["verdict"], result["found"]) == (1, True, "failed", False)
    assert result["failure"]["cause"] == "mail_not_found"


def test_check_mode_deletes_nothing(run: Run) -> None:
    with ImapServer({"INBOX": Folder({1: mail(TOKEN)})}) as server:
        code, result = run(check_mode=True, **at(server, token=TOKEN, delete=True))
    assert (code, result["changed"], result["deleted"], server.expunged) == (0, True, 1, [])


def test_a_mistake_is_one_sentence(run: Run) -> None:
    code, result = run(host="imap.example.com", token=TOKEN)
    assert (code, result["failed"]) == (1, True)
    assert result["msg"].startswith("username: ")


def test_no_secret_is_shown(run: Run) -> None:
    with ImapServer() as server:
        server.override["AUTHENTICATE"] = "{tag} NO %s\r\n" % PASSWORD
        _code, result = run(**at(server, token=TOKEN))
    assert PASSWORD not in json.dumps(result)


def test_the_documented_options_are_those_of_the_argument_spec() -> None:
    assert as_spec(documented_options(wait_for_mail)) == without_no_log(wait_for_mail.SPEC)


def test_each_secret_option_is_kept_out_of_logs_and_tokens_are_none() -> None:
    secret = {name for name, row in wait_for_mail.SPEC.items() if row.get("no_log")}
    assert secret == {"password", "access_token", "client_key_password"}


def undocumented(data: Any, documented: Dict[str, Any], path: str) -> Iterator[str]:
    """Say where keys of the report and `contains` of the documentation differ, at any depth."""
    for entry in data if isinstance(data, list) else [data]:
        for name in set(entry) ^ set(documented):
            yield path + name
        for name in set(entry) & set(documented):
            if "contains" in documented[name]:
                assert entry[name], path + name
                yield from undocumented(entry[name], documented[name]["contains"], path + name + ".")


def test_the_documented_return_values_are_those_of_the_report(run: Run) -> None:
    results = "Authentication-Results: mx.example.net; dkim=pass header.d=example.com\r\nX-Spam-Flag: NO\r\n"
    with ImapServer({"INBOX": Folder({1: mail(TOKEN, results), 2: bounce(TOKEN)})}) as server:
        expect = {"bounce": True, "folder": "junk"}
        _code, report = run(**at(server, token=TOKEN, expect=expect, trusted_authserv_ids=["mx.example.net"]))
    for ansibles in ("failed", "exception", "invocation", "warnings"):
        report.pop(ansibles, None)
    assert sorted(undocumented(report, yaml.safe_load(wait_for_mail.RETURN), "")) == []
    assert set(report["messages"][0]) - {"token"} <= set(report)


def test_no_return_value_has_a_name_that_hides_a_method_of_dictionaries() -> None:
    assert not set(yaml.safe_load(wait_for_mail.RETURN)) & set(dir(dict))


def test_each_example_uses_options_that_there_are() -> None:
    for task in yaml.safe_load(wait_for_mail.EXAMPLES):
        assert set(task.get("postmaster.mailcheck.wait_for_mail", {})) <= set(wait_for_mail.SPEC), task["name"]


def test_the_action_group_holds_the_module() -> None:
    runtime = Path(wait_for_mail.__file__).parents[2] / "meta" / "runtime.yml"
    assert "wait_for_mail" in yaml.safe_load(runtime.read_text(encoding="utf-8"))["action_groups"]["mailcheck"]
