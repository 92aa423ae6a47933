# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The playbooks as users run them, several local hosts standing for the vantage points; and what a playbook shows of
# secrets.

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.postmaster.mailcheck.plugins import modules
from ansible_collections.postmaster.mailcheck.plugins.filter import compliance
from ansible_collections.postmaster.mailcheck.tests.real.pki import Pki
from ansible_collections.postmaster.mailcheck.tests.real.postfix import Postfix
from ansible_collections.postmaster.mailcheck.tests.support.behaving import BehavingRelay
from ansible_collections.postmaster.mailcheck.tests.support.hostile import disguises
from ansible_collections.postmaster.mailcheck.tests.support.mailboxes import SIGN_IN, Folder, ImapServer

COLLECTIONS = Path(next(iter(modules.__path__))).parents[4]


# What a module logs goes to a file instead: not every machine that runs tests has a syslog.
SITECUSTOMIZE = """
import syslog

def log(*words):
    with open(%r, "a") as told:
        print(*words, file=told)

syslog.syslog = log
"""


def play(
    folder: Path, playbook: str, *words: str, inventory: str = "", **variables: Any
) -> subprocess.CompletedProcess[str]:
    hosts = "\n".join(f"{name} ansible_connection=local ansible_python_interpreter={sys.executable}" for name in "abc")
    (folder / "inventory").write_text(f"{inventory}[vantage]\n{hosts}\n")
    environment = dict(
        os.environ,
        ANSIBLE_COLLECTIONS_PATH=str(COLLECTIONS),
        ANSIBLE_LOCAL_TEMP=str(folder / "tmp"),
        ANSIBLE_LOCALHOST_WARNING="false",
        ANSIBLE_NOCOLOR="1",
        PYTHONPATH=os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]),
    )
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "inventory", playbook, *words]
    command += ["-e", json.dumps({"ansible_playbook_python": sys.executable, **variables})]
    return subprocess.run(command, cwd=folder, env=environment, text=True, capture_output=True, check=False)


@pytest.fixture
def options(pki: Pki) -> dict[str, Any]:
    return {"ca_path": str(pki.ca), "timeout": 30}


SWEEP = "postmaster.mailcheck.sweep"


def table(ended: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines of the table that was shown, without its head."""
    lines = re.findall(r'^ +"(.*?)",?$', ended.stdout, re.MULTILINE)
    return lines[1 + next(index for index, line in enumerate(lines) if "VERDICT" in line.upper()) :]


@pytest.mark.parametrize("serial", ["100%", 1])
def test_each_vantage_host_sweeps_its_share_and_the_shares_are_joined(
    postfix: Postfix, tmp_path: Path, options: dict[str, Any], serial: object
) -> None:
    relays = [f"{host}:{postfix.ports['mx']}" for host in ("127.0.0.1", "localhost", "127.0.0.1", "LOCALHOST")]
    ended = play(tmp_path, SWEEP, relays=relays, vantage_hosts="vantage", vantage_serial=serial, sweep_options=options)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    rows = table(ended)
    assert [relay in row for relay, row in zip(relays, rows)] == [True] * 4
    assert all("TLSv1.3" in row and " passed " in row for row in rows)
    for name in "abc":
        assert f"ok: [{name}]" in ended.stdout


def test_more_vantage_hosts_than_relays(postfix: Postfix, tmp_path: Path, options: dict[str, Any]) -> None:
    relays = [f"127.0.0.1:{postfix.ports['mx']}"]
    ended = play(tmp_path, SWEEP, relays=relays, vantage_hosts="c,a", sweep_options=options)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert len(table(ended)) == 1


def test_a_sweep_from_localhost_alone(postfix: Postfix, tmp_path: Path, options: dict[str, Any]) -> None:
    relays = [f"{host}:{postfix.ports['mx']}" for host in ("127.0.0.1", "localhost")]
    ended = play(tmp_path, SWEEP, relays=relays, sweep_options=options)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert len(table(ended)) == 2


@pytest.mark.parametrize(
    "playbook, given, missing",
    [
        ("check_relay", {}, "-e relay=relay.example.com"),
        ("check_relay", {"relay": "127.0.0.1:2525"}, "-e relay_port=587"),
        ("check_relay", {"relay": "[::1]:2525"}, "-e relay_port=587"),
        ("round_trip", {"relays": [], "sender": "a@example.com"}, "Not given: recipient, mailbox."),
        ("sweep", {}, "-e @relays.yml"),
    ],
)
def test_a_playbook_says_in_words_which_variables_it_misses(
    tmp_path: Path, playbook: str, given: dict[str, Any], missing: str
) -> None:
    ended = play(tmp_path, "postmaster.mailcheck." + playbook, **given)
    assert ended.returncode == 2
    assert missing in ended.stdout
    assert "undefined" not in ended.stdout + ended.stderr


def around(server: ImapServer, postfix: Postfix, options: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The variables of a round trip through Postfix into a mailbox of a stand-in."""
    mailbox = {"host": "127.0.0.1", "port": server.port, "tls": "none", "allow_plaintext_auth": True, **SIGN_IN}
    return {
        "relays": [f"127.0.0.1:{postfix.ports['mx']}"], "sender": "probe@lab.test", "recipient": "user@lab.test",
        "mailbox": mailbox, "relay_options": options, "arrival_timeout": 5, **more,
    }  # fmt: skip


def test_a_round_trip_does_not_say_of_mail_that_it_has_not_arrived_where_nobody_could_look(
    postfix: Postfix, tmp_path: Path, options: dict[str, Any]
) -> None:
    with ImapServer() as server:
        server.after["LOGOUT"] = lambda: server.override.update(EXAMINE="{tag} NO [INUSE] locked\r\n")
        ended = play(tmp_path, "postmaster.mailcheck.round_trip", **around(server, postfix, options))
    assert ended.returncode == 2
    assert "is not known" in ended.stdout and "locked" in ended.stdout
    assert "Not arrived" not in ended.stdout


def test_a_round_trip_tells_what_was_not_accepted_from_what_did_not_arrive(
    postfix: Postfix, tmp_path: Path, options: dict[str, Any]
) -> None:
    relays = [f"127.0.0.1:{postfix.ports[name]}" for name in ("mx", "submission")]
    with ImapServer() as server:
        ended = play(tmp_path, "postmaster.mailcheck.round_trip", **around(server, postfix, options, relays=relays))
    assert ended.returncode == 2
    assert f"Not accepted: {relays[1]}." in ended.stdout and f"Not arrived: {relays[0]}." in ended.stdout


@pytest.mark.parametrize("arrives", [True, False])
def test_a_round_trip_waits_for_what_a_relay_may_have_accepted(
    postfix: Postfix, tmp_path: Path, options: dict[str, Any], arrives: bool
) -> None:
    """The relay has the whole message, and is gone without an answer."""
    inbox = Folder()

    def takes(lines: Any, say: Any, _sock: Any) -> None:
        say("220 relay ESMTP")
        for line in lines:
            say("354 go on" if line.startswith(b"DATA") else "250 ok")
            if line.startswith(b"DATA"):
                content = b"".join(iter(lines.readline, b".\r\n"))
                if arrives:
                    inbox.add(content)
                return

    with ImapServer({"INBOX": inbox}) as server, BehavingRelay(takes) as relay:
        relays = [f"127.0.0.1:{relay.port}"]
        given = around(
            server, postfix, {"timeout": 10, "tls": "none"}, relays=relays, arrival_timeout=60 if arrives else 5
        )
        ended = play(tmp_path, "postmaster.mailcheck.round_trip", **given)
    assert re.search(rf"{relays[0]} +unknown +{'yes' if arrives else 'no'} ", ended.stdout), ended.stdout
    assert ended.returncode == (0 if arrives else 2), ended.stdout
    assert arrives or f"Not arrived, nor known to be accepted: {relays[0]}." in ended.stdout


def test_a_vantage_host_that_is_gone_stops_no_other_and_its_share_is_named(
    postfix: Postfix, tmp_path: Path, options: dict[str, Any]
) -> None:
    relays = [f"{host}:{postfix.ports['mx']}" for host in ("127.0.0.1", "localhost", "LOCALHOST")]
    gone = "gone ansible_connection=ssh ansible_host=127.0.0.1 ansible_port=1\n"
    ended = play(tmp_path, SWEEP, inventory=gone, relays=relays, vantage_hosts="a,gone,c", sweep_options=options)
    assert ended.returncode != 0
    assert [relays[0] in table(ended)[0], relays[2] in table(ended)[1]] == [True, True]
    assert f"their vantage host could not: {relays[1]}" in ended.stdout


def test_a_relay_that_does_not_pass_fails_the_play_and_is_named(
    postfix: Postfix, tmp_path: Path, options: dict[str, Any]
) -> None:
    relays = [f"127.0.0.1:{postfix.ports[name]}" for name in ("mx", "expired")]
    ended = play(tmp_path, SWEEP, relays=relays, vantage_hosts="vantage", sweep_options=options)
    assert ended.returncode == 2
    assert "A certificate of the relay has expired." in ended.stdout + ended.stderr
    assert "failed=1" in ended.stdout


def test_no_secret_of_an_endpoint_is_shown_or_logged(
    postfix: Postfix, pki: Pki, tmp_path: Path, options: dict[str, Any]
) -> None:
    secrets = {name: f"tiger-{name}-lily" for name in ("shared", "password", "access_token", "client_key_password")}
    relay = {"host": "127.0.0.1", "port": postfix.ports["submission"]}
    client = {"client_cert": str(pki.client.chain), "client_key": str(pki.client.key)}
    endpoints = [
        {**relay, "username": "user@lab.test", "password": secrets["password"], "auth_mechanisms": ["PLAIN"]},
        {**relay, "username": "app@lab.test", "access_token": secrets["access_token"]},
        {**relay, **client, "client_key_password": secrets["client_key_password"]},
    ]
    shared = {**options, "username": "other@lab.test", "password": secrets["shared"], "details": "all"}
    task = {"postmaster.mailcheck.smtp_sweep": {"endpoints": endpoints, **shared, "transcript": "always"}}
    (tmp_path / "play.json").write_text(json.dumps([{"hosts": "a", "gather_facts": False, "tasks": [task]}]))
    (tmp_path / "sitecustomize.py").write_text(SITECUSTOMIZE % str(tmp_path / "log"))
    ended = play(tmp_path, "play.json", "-vvv")
    shown, logged = ended.stdout + ended.stderr, (tmp_path / "log").read_text()
    assert ended.returncode == 2
    assert '"cause": "auth_rejected"' in shown and "AUTH PLAIN <redacted>" in shown
    assert "Invoked with" in logged and "client_key_password" in logged and "client.chain.pem" in logged
    for secret in secrets.values():
        for form in disguises(secret).values():
            assert form not in shown.encode() and form not in logged.encode()


def test_no_error_of_a_filter_or_a_lookup_shows_a_value(tmp_path: Path) -> None:
    """With all that Ansible adds: the chain of causes, at the highest verbosity."""
    secret = "tanstaaf&tanstaaf"
    # with_profiles passes on what is no dictionary: a domain may be its name, and all else the module refuses.
    forms = {"a": {"password": secret}, "b": [{"profiles": secret, "audit": secret}], "c": secret}
    filters = compliance.FilterModule().filters()
    uses = [f"astray | postmaster.mailcheck.{name}({'{}' if name == 'drift' else ''})" for name in filters]
    uses += [
        "lookup('postmaster.mailcheck.profile', astray)",
        "lookup('postmaster.mailcheck.profile', 'relay', expect=astray)",
    ]
    tasks = [{"ansible.builtin.debug": {"msg": "{{ %s }}" % use}, "ignore_errors": True} for use in uses]
    one_play = {"hosts": "vantage", "gather_facts": False, "tasks": tasks}
    (tmp_path / "astray.yml").write_text(yaml.safe_dump([one_play]))
    (tmp_path / "host_vars").mkdir()
    for host, form in forms.items():
        (tmp_path / "host_vars" / f"{host}.yml").write_text(yaml.safe_dump({"astray": form}))
    ended = play(tmp_path, "astray.yml", "-vvvv")
    assert ended.stdout.count("...ignoring") == len(uses) * len(forms), ended.stdout + ended.stderr
    assert secret not in ended.stdout + ended.stderr
