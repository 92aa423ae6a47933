# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The roles as users get them: from the collection's tarball, installed where nothing else is, against real servers.
# Once over relays that keep every rule of their profile, and once over relays each of which breaks one.

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import ssl
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import trustme
import yaml

from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.rules import RULES
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.register import extensions
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._profiles import RELAY, known_profiles, rules_of
from ansible_collections.postmaster.mailcheck.tests.real import servers
from ansible_collections.postmaster.mailcheck.tests.real.broken import name_of, run_relays
from ansible_collections.postmaster.mailcheck.tests.real.dovecot import Dovecot
from ansible_collections.postmaster.mailcheck.tests.real.pki import Pki
from ansible_collections.postmaster.mailcheck.tests.real.postfix import Postfix
from ansible_collections.postmaster.mailcheck.tests.support.domains import PARKED, write_zone
from ansible_collections.postmaster.mailcheck.tests.support.mailboxes import SIGN_IN, Folder, ImapServer
from ansible_collections.postmaster.mailcheck.tests.support.relay import Relay, running

ROOT = Path(__file__).resolve().parents[2]
TOOLS = Path(sys.executable).parent
PROFILES = {name: list(rules_of([name])) for name, kind in known_profiles().items() if kind == RELAY}
CASES = [(profile, rule) for profile, rules in PROFILES.items() for rule in rules]
WAIVER = {
    "rule": "capabilities_absent",
    "endpoint": name_of("submission", "capabilities_absent"),
    "reason": "Old clients poll their queue",
    "owner": "ops@lab.test",
    "expires": "2099-12-31",
}
OWN_OPTIONS = ("tls_min_version", "validate_certs")  # what a relay that breaks a rule needs for its check to pass
WRITTEN = {"stable.json", *extensions().values()}
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
        told = ".*TLS was not used: the relay does not offer STARTTLS|.*this could not be judged|relays is false|Not asked for want of"
        # ansible-core 2.18 breaks them into lines.
        warned = (" ".join(found.split()) for found in re.findall(r"WARNING\]: (.+(?:\n(?!\[).+)*)", output))
        warnings = [warning for warning in warned if not re.match(told, warning)]
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
        "unknown": (
            over("", compliance_expect=no_control),
            "0 findings of severity high or more, 1 rule not judged.",
        ),
        "unknown_audit": (over("", compliance_expect=no_control, compliance_audit_only=True), ""),
        "unknown_never": (over("", compliance_expect=no_control, compliance_fail_on_unknown=False), ""),
        "unknown_any": (over("", compliance_expect=no_control, compliance_fail_on_unknown=True), "1 rule not judged"),
        "unknown_medium": (over("", compliance_expect=no_control, compliance_fail_on_unknown="medium"), "not judged"),
        "waived": (over("relaying_refused", compliance_waivers=[open_relay]), ""),
        "expired": (over("relaying_refused", compliance_waivers=[past]), "relay relaying_refused"),
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
    assert set(before) == WRITTEN
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
    assert re.search(r"Next: \S.* More: mailcheck explain relaying_refused", ended.output), ended.output
    lowered = play("compliance", compliance_endpoints=[bad], compliance_expect={"relaying_refused": None}, **variables)
    assert lowered.code == 0, lowered.output


def test_a_mistake_is_named_before_anything_is_checked(play: Play) -> None:
    ended = play("compliance", compliance_hosts=["127.0.0.1:1"], compliance_profiles=["rely"])
    assert ended.code == 2
    assert "Did you mean relay?" in ended.output
    ended = play("compliance", compliance_hosts=["127.0.0.1:1"], compliance_fail_on="grave")
    assert "value of compliance_fail_on must be one of: high, medium, low" in ended.output


def test_a_wrong_waiver_or_last_report_is_told_before_anything_is_connected_to(play: Play) -> None:
    with running(Relay()) as relay:
        hosts = {"compliance_hosts": ["127.0.0.1:%d" % relay.port]}
        ended = play("compliance", **hosts, compliance_waivers=[{**WAIVER, "expires": "soon"}])
        assert (ended.code, "waivers[0].expires: must be a day" in ended.output) == (2, True), ended.output
        (play.folder / "relays.json").write_text("{")
        ended = play("compliance", **hosts, compliance_report_dir=str(play.folder))
        assert (ended.code, "report is cut off, or no JSON" in ended.output) == (2, True), ended.output
        assert relay.said == []


def test_the_last_line_tells_of_waivers_drift_and_reports(play: Play) -> None:
    where = str(play.folder / "reports")
    variables = {"compliance_waivers": [WAIVER], "compliance_report_dir": where, "compliance_reports": ["html"]}
    first = play("compliance", compliance_hosts=["127.0.0.1:1"], **variables, compliance_audit_only=True)
    assert f"Reports: {where}/relays.html, and beside it json, stable.json." in first.output
    assert "unused  capabilities_absent" in first.output
    ended = play("compliance", compliance_hosts=["127.0.0.1:2"], **variables)
    assert re.search("127.0.0.1:2  endpoint  - +unreachable", ended.output), ended.output
    told = failure_of("localhost", ended.output)
    assert told.startswith("127.0.0.1:2: connection_refused at connect: ")
    # Of a relay that nobody could ask there is one line, not one of each rule.
    assert told.count("connection_refused at connect") == 1 and "nobody to ask" not in told
    next_step = r"Next: See that the mail server runs .* More: mailcheck explain connection_refused"
    assert re.search(
        next_step + r"\\n1 finding of severity high or more, ([0-9]+) rules not judged, \1 of them because", told
    ), told
    assert told.endswith(f"Reports: {where}/relays.html, and beside it json, stable.json.")
    # The page names the very file beside it.
    page, data = (Path(where, "relays." + extension).read_bytes() for extension in ("html", "json"))
    assert hashlib.sha256(data).hexdigest() in page.decode()


# compliance of mail domains, from zone files: no name server is asked


RECEIVING = {
    "@": ["MX 10 mx", 'TXT "v=spf1 mx -all"'],
    "mx": ["A 192.0.2.25"],
    "_dmarc": ['TXT "v=DMARC1; p=reject"'],
    "_mta-sts": ['TXT "v=STSv1; id=1;"'],
    "_smtp._tls": ['TXT "v=TLSRPTv1; rua=mailto:tls@c.example"'],
}
POLICY = "version: STSv1\nmode: enforce\nmx: mx.c.example\nmax_age: 604800\n"


def domains(folder: Path, host: str, **more: Any) -> dict[str, Any]:
    """A domain that keeps every rule of its profile, one that breaks a rule, and the variables to judge both."""
    files = [
        write_zone(folder / "a.zone", "a.example", PARKED),
        write_zone(folder / "b.zone", "b.example", {**PARKED, "_dmarc": ['TXT "v=DMARC1; p=quarantine"']}),
    ]
    return {
        "compliance_mail_domains": ["a.example", {"domain": "b.example", "profiles": ["parked-domain"]}],
        "compliance_domain_profiles": ["parked-domain"],
        "compliance_domain_expect": {"dnssec_secure": None, "dnssec_valid": None},  # no zone file tells
        "compliance_domain_options": {"zone_files": files},
        "compliance_report_dir": str(folder / "reports" / host),
        "compliance_reports": ["markdown"],
        **more,
    }


@pytest.fixture(scope="session")
def judged(collections: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Ended], Path]:
    """One play: over domains alone, beside a relay, and with a profile that is not for domains."""
    play = Play(collections, tmp_path_factory.mktemp("domains"))
    waived = [{**WAIVER, "rule": "dmarc_policy", "endpoint": "b.example"}]
    more = {
        "alone": {},
        "beside": {"compliance_waivers": waived, **UNANSWERED["compliance"]},
        "wrong": {"compliance_domain_profiles": ["relay"]},
        "closed": {
            "compliance_mail_domains": ["c.example"],
            "compliance_domain_profiles": ["receiving-domain"],
            "compliance_domain_options": {
                "zone_files": [write_zone(play.folder / "c.zone", "c.example", RECEIVING)],
                "mta_sts_policies": {"c.example": POLICY},
                "relays": False,
            },
        },
    }
    (play.folder / "reports").mkdir()
    return play.by_host(
        "compliance", {host: domains(play.folder, host, **own) for host, own in more.items()}
    ), play.folder


def test_domains_are_judged_without_a_relay(judged: tuple[dict[str, Ended], Path]) -> None:
    ended, reports = judged[0]["alone"], written(judged[1] / "reports/alone")
    assert (ended.recap["failed"], ended.recap["skipped"] > 0) == (1, True), ended.output
    assert {path.name.partition(".")[0] for path in (judged[1] / "reports/alone").iterdir()} == {"domains"}
    assert failure_of("alone", ended.output).startswith("b.example: dmarc_policy: ")
    assessment = json.loads(reports["json"])
    assert {row["id"]: row["assessment"] for row in assessment["endpoints"]} == {
        "a.example": "met",
        "b.example": "unmet",
    }
    assert (assessment["title"], assessment["profiles"]) == ("Mail domains", ["parked-domain"])
    (told,) = [one for one in assessment["endpoints"][1]["rules"] if one["outcome"] == "unmet"]
    assert (told["id"], told["document"], told["profile"]) == ("dmarc_policy", "RFC 9989", "parked-domain")
    assert "v=DMARC1; p=reject" in reports["md"]


def test_relays_and_domains_stand_in_one_report(judged: tuple[dict[str, Ended], Path]) -> None:
    ended, assessment = judged[0]["beside"], json.loads(written(judged[1] / "reports/beside")["json"])
    assert ended.recap["failed"] == 0, ended.output
    assert {path.name.partition(".")[0] for path in (judged[1] / "reports/beside").iterdir()} == {"relays-and-domains"}
    assert [(row["id"], row["assessment"]) for row in assessment["endpoints"]] == [
        ("127.0.0.1:1", "unmet"),
        ("a.example", "met"),
        ("b.example", "waived"),
    ]
    assert assessment["profiles"] == ["relay", "parked-domain"]


def test_where_port_25_is_closed_domains_that_take_mail_can_be_judged(judged: tuple[dict[str, Ended], Path]) -> None:
    ended, assessment = judged[0]["closed"], json.loads(written(judged[1] / "reports/closed")["json"])
    assert ended.recap["failed"] == 0, ended.output
    (row,) = assessment["endpoints"]
    assert (row["assessment"], row["msg"]) == ("met", "c.example: passed, 3 rules not applied, since relays is false.")
    assert not [rule for rule in row["rules"] if rule["id"].startswith("delivers")]
    said = " ".join(ended.output.split())  # ansible-core 2.18 breaks lines
    assert "relays is false, so that these rules are not applied: delivers_dane, " in said


def test_a_profile_of_relays_is_none_for_domains(judged: tuple[dict[str, Ended], Path]) -> None:
    ended = judged[0]["wrong"]
    assert ended.recap["failed"] == 1
    assert "'relay' is about relays, and what is judged are domains" in ended.output


# compliance with an audit: the same relay, in the same row

KNOWN = {"known_recipient": "user@example.net"}


@pytest.fixture(scope="session")
def audited_too(collections: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Ended], Path]:
    """One play: an audit that may not be made, one that is safe, one by the profile; and a relay that is left out."""
    play = Play(collections, tmp_path_factory.mktemp("audits"))
    (play.folder / "reports").mkdir()
    with running(Relay(VRFY="502 5.5.1 No\r\n", EXPN="502 5.5.1 No\r\n")) as relay:
        endpoint = {"host": "127.0.0.1", "port": relay.port, "tls": "none", "name": "ours"}
        given = {
            "compliance_endpoints": [
                {**endpoint, "sender": "probe@example.org", "audit": KNOWN},
                {**endpoint, "name": "left out", "audit": False},
            ],
            "compliance_profiles": [],
            "compliance_expect": {"capabilities": ["SIZE"]},
            "compliance_options": {"timeout": 5, "ehlo_name": "client.example.org"},
            "compliance_audit": True,
            "compliance_reports": ["junit"],
        }
        asked = {"intensity": "active", "authorised": ["127.0.0.1"]}
        more: dict[str, dict[str, Any]] = {
            "safe": {},
            "refused": {"compliance_audit_options": {"intensity": "active"}},
            "hardened": {"compliance_audit_options": asked, "compliance_audit_profiles": ["hardened-relay"]},
            "without": {"compliance_audit": False},
        }
        hosts = {
            host: {**given, **own, "compliance_report_dir": str(play.folder / "reports" / host)}
            for host, own in more.items()
        }
        return play.by_host("compliance", hosts), play.folder


def rows_of(audited_too: tuple[dict[str, Ended], Path], host: str) -> list[Row]:
    found: list[Row] = json.loads(written(audited_too[1] / "reports" / host)["json"])["endpoints"]
    return found


def test_an_audit_stands_in_the_row_of_its_relay(audited_too: tuple[dict[str, Ended], Path]) -> None:
    ours, left_out = rows_of(audited_too, "safe")
    outcomes = {rule["id"]: rule["outcome"] for rule in ours["rules"]}
    assert outcomes["check"] == outcomes["capabilities"] == outcomes["audit"] == "met"
    assert outcomes["auth_offered_in_clear"] == "unmet" and "vrfy" not in outcomes
    assert [rule["id"] for rule in left_out["rules"]] == ["check", "capabilities"]
    assert audited_too[0]["safe"].recap["failed"] == 0  # what it finds is of severity medium at most
    assert 'name="auth_offered_in_clear"' in written(audited_too[1] / "reports/safe")["xml"]
    assert [rule["id"] for rule in rows_of(audited_too, "without")[0]["rules"]] == ["check", "capabilities"]


def test_an_audit_that_may_not_be_made_is_refused(audited_too: tuple[dict[str, Ended], Path]) -> None:
    ended = audited_too[0]["refused"]
    assert ended.recap["failed"] == 1 and "authorised: does not name 127.0.0.1" in ended.output


def test_an_audit_is_held_against_its_profile(audited_too: tuple[dict[str, Ended], Path]) -> None:
    """What the profile expects and was not asked is not judged, and grave: the play fails on it."""
    rules = {rule["id"]: rule for rule in rows_of(audited_too, "hardened")[0]["rules"]}
    assert rules["vrfy"]["outcome"] == "met" and rules["vrfy"]["profile"] == "hardened-relay"
    assert rules["relaying"]["outcome"] == rules["smuggling"]["outcome"] == "unknown"
    ended = audited_too[0]["hardened"]
    assert ended.recap["failed"] == 1 and re.search(
        r"ours:[0-9]+: relaying: .*could not be judged.* \[high\]", ended.output
    )


# The reports' folder, of either role: a relay that does not answer is enough

# What is there before the role runs -> the folder's mode afterwards.
FOLDERS = {"private": 0o700, "shared": 0o1777, "set_group": 0o2770, "linked": 0o700, "missing": None}
UNANSWERED = {
    "compliance": {"compliance_hosts": ["127.0.0.1:1"], "compliance_audit_only": True},
    "smoke_test": {"smoke_test_host": "127.0.0.1", "smoke_test_port": 1, "smoke_test_wait": 0},
}


@pytest.mark.parametrize("role", UNANSWERED)
def test_a_folder_that_is_there_keeps_its_mode(play: Play, role: str) -> None:
    folders = {host: play.folder / "reports" / host for host in FOLDERS}
    (play.folder / "reports").mkdir(mode=0o711)
    for host, mode in FOLDERS.items():
        if mode is not None:
            folders[host].mkdir()
            folders[host].chmod(mode)
    (play.folder / "link").symlink_to(folders["linked"])
    given = {host: {**UNANSWERED[role], f"{role}_report_dir": str(folder)} for host, folder in folders.items()}
    given["linked"][f"{role}_report_dir"] = str(play.folder / "link")
    given["shared"][f"{role}_report_mode"] = "0604"
    for host in ("set_group", "linked", "missing"):  # every report in one folder of each mode of files is enough
        given[host]["compliance_reports"] = []
    play.by_host(role, given)
    assert mode_of(play.folder / "reports") == 0o711
    assert {host: mode_of(folder) for host, folder in folders.items()} == {
        host: 0o755 if mode is None else mode for host, mode in FOLDERS.items()
    }
    for host, folder in folders.items():
        files = list(folder.iterdir())
        assert {mode_of(file) for file in files} == {0o604 if host == "shared" else 0o640}, (host, files)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


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
            where = "127.0.0.1:%d: %s: " % (row["port"], rule)
            assert told.startswith(where + "expected: " + RULES[rule].text.partition("%s")[0]), (rule, told)
            assert told.count("; observed: ") == 1, (rule, told)
            assert "Next: " in told and f" More: mailcheck explain {rule.partition('.')[0]}" in told


@contextlib.contextmanager
def deployed(tmp_path: Path, **answers: Any) -> Iterator[tuple[Relay, dict[str, Any]]]:
    """A relay that answers from a table, and the variables of a smoke test of it."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with running(Relay(context, **answers)) as relay:
        yield (
            relay,
            {
                "smoke_test_host": "127.0.0.1",
                "smoke_test_port": relay.port,
                "smoke_test_username": servers.USERNAME,
                "smoke_test_password": servers.PASSWORD,
                "smoke_test_recipients": ["anna@example.com"],
                "smoke_test_wait": 60,
                "smoke_test_options": {"ca_path": str(tmp_path / "ca.pem"), "retry_interval": 0.1},
            },
        )


def count(relay: Relay, verb: str) -> int:
    return sum(line.startswith(verb) for line in relay.said)


def test_a_smoke_test_waits_until_the_password_can_be_checked(play: Play, tmp_path: Path) -> None:
    """Postfix is up before Dovecot is."""
    answers = iter(["454 4.7.0 Temporary authentication failure: Connection lost\r\n"] * 2)
    with deployed(tmp_path, AUTH=lambda _line: next(answers, "235 2.7.0 Welcome\r\n")) as (relay, variables):
        ended = play("smoke_test", **variables)
        assert (ended.code, count(relay, "AUTH"), count(relay, "DATA")) == (0, 4, 1), ended.output


def test_a_smoke_test_tries_a_refused_password_once(play: Play, tmp_path: Path) -> None:
    with deployed(tmp_path, AUTH="535 5.7.8 Wrong password\r\n") as (relay, variables):
        ended = play("smoke_test", **variables)
        assert (ended.code, count(relay, "AUTH"), count(relay, "MAIL")) == (2, 1, 0), ended.output
        assert "auth_rejected" in ended.output


def test_a_smoke_test_does_not_wait_for_a_rule(play: Play, tmp_path: Path) -> None:
    with deployed(tmp_path) as (relay, variables):
        ended = play("smoke_test", **variables, smoke_test_expect={"greeting_matches": "^other"})
        assert (ended.code, count(relay, "AUTH"), count(relay, "DATA")) == (2, 2, 0), ended.output
        assert "the greeting matches" in ended.output


@pytest.mark.parametrize(("wanted", "failed"), [("high", 1), (True, 1), (False, 0)])
def test_a_smoke_test_fails_where_a_rule_could_not_be_judged(
    play: Play, tmp_path: Path, wanted: object, failed: int
) -> None:
    with deployed(tmp_path, RCPT=lambda line: "250 Ok\r\n" if "anna" in line else "550 5.1.1 User unknown\r\n") as (
        _relay,
        variables,
    ):
        relaying = {"recipient": "stranger@example.net", "control_recipient": "misspelt@example.com"}
        variables["smoke_test_expect"] = {"relaying_refused": relaying}
        ended = play("smoke_test", **variables, smoke_test_fail_on_unknown=wanted)
    assert ended.recap["failed"] == failed, ended.output
    told = "could not be judged: the control recipient was answered 550 5.1.1 User unknown"
    assert told in " ".join(ended.output.split())


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


def to_the_mailbox(dovecot: Dovecot, postfix: Postfix, pki: Pki, **more: Any) -> dict[str, Any]:
    """The variables of a smoke test that goes the whole way: Postfix, then Dovecot's mailbox."""
    return {
        "smoke_test_host": servers.HOST,
        "smoke_test_port": postfix.ports["mx"],
        "smoke_test_recipients": [servers.ACCEPTED],
        "smoke_test_sender": servers.ACCEPTED,
        "smoke_test_options": options(pki),
        "smoke_test_mailbox_host": servers.HOST,
        "smoke_test_mailbox_username": servers.USERNAME,
        "smoke_test_mailbox_password": servers.PASSWORD,
        "smoke_test_mailbox_expect": {"folder": "INBOX", "arrived_within": 30},
        "smoke_test_mailbox_options": {"port": dovecot.ports["imaps"], "ca_path": str(pki.ca), "poll_interval": 0.5},
        **more,
    }


def test_a_smoke_test_goes_the_whole_way(play: Play, dovecot: Dovecot, postfix: Postfix, pki: Pki) -> None:
    before = len(list((postfix.maildir / "cur").glob("*")) + list((postfix.maildir / "new").glob("*")))
    ended = play("smoke_test", **to_the_mailbox(dovecot, postfix, pki))
    assert ended.code == 0, ended.output
    assert "arrived in INBOX after" in ended.output
    assert len(list((postfix.maildir / "cur").glob("*")) + list((postfix.maildir / "new").glob("*"))) == before


def test_a_smoke_test_looks_for_a_message_that_the_relay_may_have_taken(play: Play, tmp_path: Path) -> None:
    """The relay is gone before it answers: that is a failure, and the mailbox tells what became of the message."""
    inbox = Folder()

    def lost(_line: str) -> str:
        inbox.add("\r\n".join(relay.content).encode())
        raise ConnectionResetError

    with ImapServer({"INBOX": inbox}) as server, deployed(tmp_path, **{".": lost}) as (relay, variables):
        variables["smoke_test_mailbox_host"] = "127.0.0.1"
        variables["smoke_test_mailbox_options"] = {"port": server.port, "tls": "none", "allow_plaintext_auth": True}
        sign_in = {f"smoke_test_mailbox_{name}": value for name, value in SIGN_IN.items()}
        ended = play("smoke_test", **variables, **sign_in)
    assert ended.code == 2
    assert "acceptance_unknown" in ended.output and "arrived in INBOX after" in ended.output


def test_a_smoke_test_sends_nothing_where_the_mailbox_cannot_be_looked_at(
    play: Play, dovecot: Dovecot, postfix: Postfix, pki: Pki
) -> None:
    given = to_the_mailbox(dovecot, postfix, pki, smoke_test_mailbox_password="wrong-in-every-way")
    ended = play("smoke_test", **given)
    assert ended.code == 2
    assert ("auth_rejected" in ended.output, ended.recap["changed"]) == (True, 0)
