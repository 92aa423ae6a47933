# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The roles as users get them: from the collection's tarball, installed where nothing else is, against real servers.
# Once over relays that keep every rule of their profile, and once over relays each of which breaks one.

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.expectations import RULES
from ansible_collections.postmaster.mailcheck.tests.real import servers
from ansible_collections.postmaster.mailcheck.tests.real.broken import name_of, run_relays
from ansible_collections.postmaster.mailcheck.tests.real.dovecot import Dovecot
from ansible_collections.postmaster.mailcheck.tests.real.pki import Pki
from ansible_collections.postmaster.mailcheck.tests.real.postfix import Postfix

ROOT = Path(__file__).resolve().parents[2]
TOOLS = Path(sys.executable).parent
PROFILES = {
    path.stem: list(yaml.safe_load(path.read_text())["rules"])
    for path in sorted((ROOT / "plugins/plugin_utils/data/profiles").glob("*.yml"))
}
CASES = [(profile, rule) for profile, rules in PROFILES.items() for rule in rules]
WAIVER = {
    "rule": "capabilities_absent",
    "endpoint": name_of("submission", "capabilities_absent"),
    "reason": "Old clients poll their queue",
    "owner": "ops@lab.test",
    "expires": "2099-12-31",
}
OWN_OPTIONS = ("tls_min_version", "validate_certs")  # what a relay that breaks a rule needs for its check to pass
FORMATS = {"json", "stable.json", "xml", "prom", "md", "html"}
Row = dict[str, Any]


class Ended(NamedTuple):
    """A playbook that has run."""

    code: int
    output: str
    recap: dict[str, int]


def run(*command: object, cwd: Path, **variables: object) -> subprocess.CompletedProcess[str]:
    """A command, run where nothing of the repository can be found by accident."""
    environ = {key: text for key, text in os.environ.items() if not key.startswith(("ANSIBLE_", "PYTHON"))}
    environ.update({"NO_COLOR": "1", **{key: str(value) for key, value in variables.items()}})
    words = [str(word) for word in command]
    return subprocess.run(words, cwd=cwd, env=environ, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which ansible-galaxy installed the tarball that it built."""
    folder = tmp_path_factory.mktemp("collections")
    built = run(TOOLS / "ansible-galaxy", "collection", "build", "--output-path", folder, cwd=ROOT, ANSIBLE_HOME=folder)
    assert built.returncode == 0, built.stdout + built.stderr
    (tarball,) = folder.glob("*.tar.gz")
    command = [TOOLS / "ansible-galaxy", "collection", "install", "--offline", "-p", folder, tarball]
    installed = run(*command, cwd=folder, ANSIBLE_HOME=folder)
    assert installed.returncode == 0, installed.stdout + installed.stderr
    return folder


class Play:
    """Runs one role with variables."""

    def __init__(self, collections: Path, folder: Path) -> None:
        self._collections, self.folder = collections, folder

    def __call__(self, role: str, *arguments: str, **variables: Any) -> Ended:
        return self.by_host(role, {"localhost": variables}, *arguments)["localhost"]

    def by_host(self, role: str, hosts: dict[str, dict[str, Any]], *arguments: str) -> dict[str, Ended]:
        """The role once for each of several hosts, which differ in their variables, and all are this machine."""
        common = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        inventory = {"all": {"hosts": hosts, "vars": common}}
        (self.folder / "hosts.yml").write_text(yaml.safe_dump(inventory))
        play = {"hosts": "all", "gather_facts": False, "roles": [f"postmaster.mailcheck.{role}"]}
        (self.folder / "play.yml").write_text(yaml.safe_dump([play]))
        done = run(
            TOOLS / "ansible-playbook",
            "-i",
            "hosts.yml",
            "play.yml",
            *arguments,
            cwd=self.folder,
            ANSIBLE_COLLECTIONS_PATH=self._collections,
            ANSIBLE_HOME=self.folder,
        )
        output = done.stdout + done.stderr
        # In check mode the modules say where they have stopped, and of one relay that it has no TLS.
        warnings = re.findall(r"WARNING\]: (?!TLS was not used: the relay does not offer STARTTLS)(.*)", output)
        assert "--check" in arguments or warnings == [], output
        recaps = dict(re.findall(r"^(\S+)\s+:( ok=.*)$", done.stdout, re.MULTILINE))
        assert set(recaps) == set(hosts), output
        return {
            host: Ended(done.returncode, output, {name: int(n) for name, n in re.findall(r"(\w+)=(\d+)", recap)})
            for host, recap in recaps.items()
        }


@pytest.fixture
def play(collections: Path, tmp_path: Path) -> Play:
    return Play(collections, tmp_path)


@pytest.fixture(scope="session")
def relays(server_folder: Path, pki: Pki, dovecot: Dovecot) -> Iterator[list[Row]]:
    (server_folder / "broken").mkdir()
    with servers.skip_where_unavailable(), run_relays(server_folder / "broken", pki, dovecot) as rows:
        yield rows


def options(pki: Pki) -> dict[str, Any]:
    return {"ca_path": str(pki.ca), "ehlo_name": "client.lab.test", "timeout": 20}


def keepers(relays: list[Row]) -> list[Row]:
    return [row for row in relays if row["name"].endswith("keeps all")]


def written(folder: Path) -> dict[str, str]:
    return {path.name.partition(".")[2]: path.read_text() for path in folder.iterdir()}


# compliance


@pytest.fixture(scope="session")
def auditor(collections: Path, tmp_path_factory: pytest.TempPathFactory) -> Play:
    return Play(collections, tmp_path_factory.mktemp("audit"))


@pytest.fixture(scope="session")
def audited(auditor: Play, relays: list[Row], pki: Pki) -> tuple[Ended, dict[str, Any]]:
    """One run of the role over every relay, those that break a rule included; and its JSON report."""
    ended = audit(auditor, relays, pki)
    return ended, json.loads((auditor.folder / "reports/relays.json").read_text())


def audit(play: Play, relays: list[Row], pki: Pki) -> Ended:
    return play(
        "compliance",
        compliance_endpoints=relays,
        compliance_options=options(pki),
        compliance_expect={"max_seconds": 60},
        compliance_audit_only=True,
        compliance_waivers=[WAIVER],
        compliance_report_dir=str(play.folder / "reports"),
    )


def row_of(assessment: dict[str, Any], name: str) -> dict[str, Any]:
    (row,) = [row for row in assessment["endpoints"] if row["name"] == name]
    return row


def with_outcome(row: dict[str, Any], *outcomes: str) -> list[str]:
    return [rule["id"] for rule in row["rules"] if rule["outcome"] in outcomes]


@pytest.mark.parametrize("profile", PROFILES)
def test_a_relay_that_keeps_every_rule(audited: tuple[Ended, dict[str, Any]], profile: str) -> None:
    row = row_of(audited[1], name_of(profile, ""))
    assert with_outcome(row, "met") == ["check", *PROFILES[profile], "max_seconds"]
    assert (row["verdict"], row["assessment"]) == ("passed", "met")


@pytest.mark.parametrize(("profile", "rule"), CASES)
def test_a_broken_rule_is_unmet_and_no_other(audited: tuple[Ended, dict[str, Any]], profile: str, rule: str) -> None:
    row = row_of(audited[1], name_of(profile, rule))
    assert with_outcome(row, "unmet", "waived") == [rule]
    (told,) = [one for one in row["rules"] if one["id"] == rule]
    assert told["document"].startswith("RFC ") and told["section"] and told["remedy"] and told["profile"] == profile


def test_an_audit_does_not_fail_and_changes_no_relay(audited: tuple[Ended, dict[str, Any]]) -> None:
    ended, assessment = audited
    assert (ended.code, ended.recap["failed"]) == (0, 0), ended.output
    assert [row["name"] for row in assessment["endpoints"] if row["assessment"] == "waived"] == [WAIVER["endpoint"]]
    assert assessment["waivers"] == [{**WAIVER, "state": "active"}]


def test_a_second_audit_tells_the_same_of_every_relay(
    auditor: Play, audited: tuple[Ended, dict[str, Any]], relays: list[Row], pki: Pki
) -> None:
    first = written(auditor.folder / "reports")
    ended = audit(auditor, relays, pki)
    assert (ended.code, ended.recap["changed"]) == (0, 0), ended.output
    second = written(auditor.folder / "reports")
    assert second["stable.json"] == first["stable.json"]
    assert json.loads(second["json"])["changes"] == []
    assert second["json"] != first["json"]  # the times of this run


def test_what_fails_the_play(play: Play, relays: list[Row], pki: Pki) -> None:
    def over(rule: str, **more: Any) -> dict[str, Any]:
        (relay,) = [row for row in relays if row["name"] == name_of("relay", rule)]
        return {"compliance_endpoints": [relay], "compliance_options": options(pki), **more}

    no_control = {"relaying_refused": {"control_recipient": servers.UNKNOWN}}
    open_relay = {**WAIVER, "rule": "relaying_refused", "endpoint": "relay*"}
    past = {**open_relay, "expires": "2020-01-01"}
    cases = {
        "low": (over("greeting_matches"), ""),
        "low_counts": (over("greeting_matches", compliance_fail_on="low"), "1 finding of severity low or more"),
        "medium_counts": (over("min_message_size", compliance_fail_on="medium"), "severity medium or more"),
        "audit_only": (over("relaying_refused", compliance_audit_only=True), ""),
        "unknown": (over("", compliance_expect=no_control), ""),
        "unknown_counts": (
            over("", compliance_expect=no_control, compliance_fail_on_unknown=True),
            "0 findings of severity high or more, 1 rules not judged",
        ),
        "waived": (over("relaying_refused", compliance_waivers=[open_relay]), ""),
        "expired": (over("relaying_refused", compliance_waivers=[past]), "[high] relay relaying_refused"),
        "expired_and_unneeded": (
            over("", compliance_waivers=[past], compliance_fail_on="medium"),
            "a waiver has expired on 2020-01-01",
        ),
    }
    ended = play.by_host("compliance", {host: variables for host, (variables, _told) in cases.items()})
    assert {host: bool(one.recap["failed"]) for host, one in ended.items()} == {
        host: bool(told) for host, (_variables, told) in cases.items()
    }
    for host, (_variables, told) in cases.items():
        assert told in failure_of(host, ended[host].output)


def failure_of(host: str, output: str) -> str:
    """What `fail` said on this host; nothing where it did not."""
    found = re.search(rf'^fatal: \[{host}\]: FAILED! => .*"msg": "(.*)"}}$', output, re.MULTILINE)
    return found[1] if found else ""


def test_a_full_disk_costs_no_report(play: Play, relays: list[Row], pki: Pki, tmp_path: Path) -> None:
    reports = tmp_path / "small"
    with servers.skip_where_unavailable(), servers.small_disk(reports, "256k"):
        kept = {"compliance_options": options(pki), "compliance_report_dir": str(reports)}
        ended = play("compliance", compliance_endpoints=keepers(relays)[:1], **kept)
        assert ended.code == 0, ended.output
        before = written(reports)
        with contextlib.suppress(OSError), (reports / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(bytes(4096))
        ended = play("compliance", compliance_endpoints=keepers(relays), **kept)
        assert ended.code == 2 and "No space left on device" in ended.output
        assert keepers(relays)[1]["name"] in ended.output  # what was found is shown all the same
        (reports / "filler").unlink()
        assert written(reports) == before


def test_a_fleet_as_it_should_be(play: Play, relays: list[Row], pki: Pki) -> None:
    reports = play.folder / "reports"
    variables = {
        "compliance_endpoints": keepers(relays),
        "compliance_options": options(pki),
        "compliance_fail_on": "low",
        "compliance_fail_on_unknown": True,
        "compliance_report_dir": str(reports),
    }
    checked = play("compliance", "--check", **variables)
    assert checked.code == 0, checked.output
    assert not reports.exists()
    first = play("compliance", **variables)
    assert first.code == 0, first.output
    assert first.recap["changed"] > 0
    before = written(reports)
    assert set(before) == FORMATS
    second = play("compliance", **variables)
    assert (second.code, second.recap["changed"]) == (0, 0), second.output
    after = written(reports)
    assert after["stable.json"] == before["stable.json"]
    assert json.loads(after["json"])["changes"] == []


def test_drift_and_failure(play: Play, relays: list[Row], pki: Pki) -> None:
    good, bad = (
        next(row for row in relays if row["name"] == name_of("relay", rule)) for rule in ("", "relaying_refused")
    )
    variables = {"compliance_options": options(pki), "compliance_report_dir": str(play.folder / "reports")}
    assert play("compliance", compliance_endpoints=[{**good, "name": "x:25"}], **variables).code == 0
    # The same relay by name, and now an open one.
    ended = play("compliance", compliance_endpoints=[{**bad, "name": "x:25", "port": bad["port"]}], **variables)
    assert ended.code == 2
    assert "relaying_refused" in ended.output and "1 finding of severity high or more" in ended.output
    lowered = play("compliance", compliance_endpoints=[bad], compliance_expect={"relaying_refused": None}, **variables)
    assert lowered.code == 0, lowered.output


def test_a_mistake_is_named_before_anything_is_checked(play: Play) -> None:
    ended = play("compliance", compliance_hosts=["127.0.0.1:1"], compliance_profiles=["rely"])
    assert ended.code == 2
    assert "Did you mean relay?" in ended.output
    ended = play("compliance", compliance_hosts=["127.0.0.1:1"], compliance_fail_on="grave")
    assert "value of compliance_fail_on must be one of: high, medium, low" in ended.output


# smoke_test


def test_a_smoke_test_of_every_relay(play: Play, relays: list[Row], pki: Pki) -> None:
    hosts = {
        row["name"].replace(" ", "."): {
            "smoke_test_host": row["host"],
            "smoke_test_port": row["port"],
            "smoke_test_tls": row["tls"],
            "smoke_test_wait": 0,
            "smoke_test_profiles": row["profiles"],
            "smoke_test_options": {**options(pki), **{name: row[name] for name in OWN_OPTIONS if name in row}},
        }
        for row in relays
    }
    ended = play.by_host("smoke_test", hosts)
    for row in relays:
        profile, rule = row["name"].split(" ", 1)
        host = row["name"].replace(" ", ".")
        told = failure_of(host, ended[host].output)
        if rule == "keeps all":
            assert (ended[host].recap["failed"], told) == (0, ""), told
        else:
            assert ended[host].recap["failed"] == 1, (profile, rule)
            assert told.startswith(RULES[rule].text.partition("%s")[0]), (rule, told)
            assert told.count("; observed: ") == 1, (rule, told)


def smoke(postfix: Postfix, pki: Pki, folder: Path, **more: Any) -> dict[str, Any]:
    (folder / "reports").mkdir()  # or making it would be a change
    return {
        "smoke_test_host": servers.HOST,
        "smoke_test_port": postfix.ports["submission"],
        "smoke_test_username": servers.USERNAME,
        "smoke_test_password": servers.PASSWORD,
        "smoke_test_recipients": [servers.ACCEPTED],
        "smoke_test_wait": 5,
        "smoke_test_options": {**options(pki), "transcript": "always"},
        "smoke_test_report_dir": str(folder / "reports"),
        **more,
    }


def test_a_smoke_test_sends_a_message_that_its_token_finds(play: Play, postfix: Postfix, pki: Pki) -> None:
    ended = play("smoke_test", **smoke(postfix, pki, play.folder))
    assert (ended.code, ended.recap["changed"]) == (0, 1), ended.output
    found = re.search(r"X-Mailcheck-Token: (\w+)", ended.output)
    assert found, ended.output
    assert f"X-Mailcheck-Token: {found[1]}".encode() in servers.wait_for_message(postfix.maildir, found[1])
    assessment = json.loads(written(play.folder / "reports")["json"])
    assert [row["assessment"] for row in assessment["endpoints"]] == ["met", "met"]
    assert servers.PASSWORD not in "".join(written(play.folder / "reports").values())


@pytest.mark.parametrize("arguments", [["--check"], []])
def test_a_smoke_test_that_sends_nothing(play: Play, postfix: Postfix, pki: Pki, arguments: list[str]) -> None:
    before = len(list((postfix.maildir / "new").glob("*")))
    more = {} if arguments else {"smoke_test_send": False}
    ended = play("smoke_test", *arguments, **smoke(postfix, pki, play.folder, **more))
    # In check mode a change is foretold: the message that would have gone out.
    assert (ended.code, ended.recap["changed"]) == (0, 1 if arguments else 0), ended.output
    assert len(list((postfix.maildir / "new").glob("*"))) == before


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"smoke_test_password": "wrong-password"}, "auth_rejected"),
        ({"smoke_test_recipients": [servers.UNKNOWN]}, "mailbox_unknown"),
        ({"smoke_test_expect": {"greeting_matches": "^other"}}, "the greeting matches"),
    ],
)
def test_a_smoke_test_that_fails_says_why(
    play: Play, postfix: Postfix, pki: Pki, wrong: dict[str, Any], told: str
) -> None:
    ended = play("smoke_test", **smoke(postfix, pki, play.folder, **{"smoke_test_wait": 0, **wrong}))
    assert (ended.code, ended.recap["failed"]) == (2, 1), ended.output
    assert told in ended.output
    assert set(written(play.folder / "reports")) == {"json", "xml", "html"}
