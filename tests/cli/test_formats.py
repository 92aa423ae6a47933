# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# --format and --output of every subcommand, and `mailcheck assess`. On the oldest Python neither PyYAML nor Jinja2 is
# there: what takes them is refused in words, all else works.

from __future__ import annotations

import json
import os
import re
import stat
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Iterator, List

import pytest

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.register import FORMATS, extensions
from ansible_collections.postmaster.mailcheck.tests.cli.test_cli import (
    RELAYING,
    WAITING,
    mailcheck,
    waiting,
)
from ansible_collections.postmaster.mailcheck.tests.support import mailboxes
from ansible_collections.postmaster.mailcheck.tests.support.mailboxes import Folder, ImapServer
from ansible_collections.postmaster.mailcheck.tests.support.ports import free_port
from ansible_collections.postmaster.mailcheck.tests.support.relay import Relay, running

WITHOUT = "import sys; %s; from postmaster_mailcheck.commands.main import main; sys.exit(main())"
WITHOUT_YAML = ("-c", WITHOUT % "sys.modules['yaml'] = None")
WITHOUT_JINJA = ("-c", WITHOUT % "sys.modules['jinja2'] = sys.modules['markupsafe'] = None")
IN_CLEAR = ["--tls", "none", "--ehlo-name", "client.example.org"]


@pytest.fixture
def relay() -> Iterator[Relay]:
    with running(Relay()) as one:
        yield one


def name_of(relay: Relay) -> str:
    return "127.0.0.1:%d" % relay.port


def plain(relay: Relay, *words: object) -> List[object]:
    return ["check", name_of(relay), *IN_CLEAR, *words]


# Formats


def test_json_is_the_same_by_either_name(relay: Relay) -> None:
    by_flag, by_format = (mailcheck(*plain(relay, *words)) for words in (["--json"], ["--format", "json"]))
    assert json.loads(by_flag.out).keys() == json.loads(by_format.out).keys()
    assert json.loads(by_format.out)["greeting"]["code"] == 220


def test_there_is_one_list_of_formats(relay: Relay) -> None:
    told = mailcheck(*plain(relay, "--format", "markdwn")).err
    assert "argument --format: must be one of text, %s. Did you mean markdown?" % ", ".join(FORMATS) in told


@pytest.mark.parametrize("name, begins", [
    ("junit", "<?xml"), ("prometheus", "# HELP mailcheck_"), ("table", "assessment"), ("nagios", "MAILCHECK "),
])  # fmt: skip
def test_every_subcommand_writes_a_report_without_an_extra(name: str, begins: str, relay: Relay) -> None:
    """Where neither PyYAML nor Jinja2 is installed."""
    how = ("-c", WITHOUT % "sys.modules.update(dict.fromkeys(('yaml', 'jinja2', 'markupsafe', 'rich', 'ansible')))")
    audit = ["audit", name_of(relay), "--ehlo-name", "client.example.org", "--probes", "pipelining"]
    with ImapServer({"INBOX": Folder({1: mailboxes.mail("token")})}) as server:
        calls = [plain(relay), audit, waiting(server, "--token", "token"), ["sweep", "-", *IN_CLEAR]]
        for words in calls:
            ran = mailcheck(*words, "--format", name, how=how, stdin=name_of(relay), **WAITING)
            assert (ran.code, ran.err) == (0, ""), words
            assert ran.out.startswith(begins)


@pytest.mark.parametrize("name, begins", [("markdown", "# Mail relays\n"), ("html", "<!DOCTYPE html>")])
def test_pages_are_written_where_jinja2_is_there(name: str, begins: str, relay: Relay) -> None:
    pytest.importorskip("jinja2")
    ran = mailcheck(*plain(relay, "--format", name), how=("-c", WITHOUT % "sys.modules['ansible'] = None"))
    assert (ran.code, ran.out[: len(begins)]) == (0, begins)


@pytest.mark.parametrize("name", ["markdown", "html"])
def test_what_is_not_installed_is_said_before_anything_is_checked(name: str, relay: Relay) -> None:
    ran = mailcheck(*plain(relay, "--format", name), how=WITHOUT_JINJA)
    told = "mailcheck: --format %s: Jinja2 is not installed, which this takes. The extra cli brings it.\n" % name
    assert (ran.code, ran.out, ran.err, relay.said) == (2, "", told, [])


def test_the_exit_code_is_that_of_the_text(relay: Relay) -> None:
    relay.answers["EHLO"] = "421 later\r\n"
    assert [mailcheck(*plain(relay, "--format", name)).code for name in ("text", "json", "junit", "prometheus")] == [
        3, 3, 3, 3,
    ]  # fmt: skip


def test_the_list_of_probes_is_text_or_json() -> None:
    assert mailcheck("audit", "--list", "--format", "junit").code == 2
    assert json.loads(mailcheck("audit", "--list", "--format", "json").out)


# A monitoring plugin: exit codes, and one line first


def test_a_plugin_has_the_exit_codes_of_the_guidelines(relay: Relay) -> None:
    nagios = ["--format", "nagios"]
    ran = mailcheck(*plain(relay, *nagios))
    assert (ran.code, ran.out.split(" - ")[0]) == (0, "MAILCHECK OK")
    assert re.search(r" \| time=0\.\d+s;;;0 passed=1;;;0;1 ", ran.out)
    asked = ["--expect", json.dumps(RELAYING), *nagios]
    relay.answers["RCPT"] = "550 5.1.1 User unknown\r\n"
    unknown = mailcheck(*plain(relay, *asked))
    assert (unknown.code, unknown.out.split(" - ")[0]) == (3, "MAILCHECK UNKNOWN")
    assert mailcheck(*plain(relay, *asked, "--lenient")).code == 0
    relay.answers["RCPT"] = "250 2.1.5 Ok\r\n"
    assert mailcheck(*plain(relay, *asked)).code == 2  # an open relay
    relay.answers["EHLO"] = "421 later\r\n"
    assert mailcheck(*plain(relay, *nagios)).code == 1
    assert mailcheck("check", "127.0.0.1:%d" % free_port(), *nagios).code == 2


def test_a_relay_cannot_write_performance_data(relay: Relay) -> None:
    relay.answers[""] = "554 no | time=0s\r\n"
    first, *rest = mailcheck(*plain(relay, "--format", "nagios")).out.splitlines()
    assert first.count("|") == 1 and "no / time=0s" in first
    assert [line for line in rest if "|" in line] == []


@pytest.mark.parametrize("words", [
    ["check", "--format", "nagios"],
    ["check", "relay", "--format=nagios", "--port", "many"],
    ["check", "relay", "--format", "nagios", "--prot", "25"],
    ["check", "relay:x", "--format", "nagios"],
    ["sweep", "/nowhere", "--format", "nagios"],
])  # fmt: skip
def test_a_call_that_makes_no_sense_is_unknown_to_a_monitoring_system(words: List[str]) -> None:
    ran = mailcheck(*words)
    assert (ran.code, ran.out[:20]) == (3, "MAILCHECK UNKNOWN - ")
    assert len(ran.out.splitlines()) == len(ran.err.splitlines()) == 1


def test_a_fault_of_our_own_is_unknown_to_a_monitoring_system(relay: Relay) -> None:
    broken = "from postmaster_mailcheck.commands import check; check.exit_code = None"
    ran_code = "try: %s\nexcept ImportError: pass\n" % broken
    script = (
        "import sys\n"
        + ran_code
        + "from postmaster_mailcheck.commands.main import main\nsys.stderr = sys.stdout\nsys.exit(main())"
    )
    ran = mailcheck(*plain(relay, "--format", "nagios"), how=("-c", script))
    assert ran.code == 3
    assert "MAILCHECK UNKNOWN - mailcheck: a fault of its own: TypeError\n" in ran.out


# Files


def test_a_file_is_written_whole_for_its_owner_and_group(relay: Relay, tmp_path: Path) -> None:
    file = tmp_path / "report.xml"
    file.write_text("old", encoding="utf-8")
    ran = mailcheck(*plain(relay, "--format", "junit", "--output", file))
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert ET.parse(file).getroot().tag == "testsuites"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert os.listdir(tmp_path) == ["report.xml"]
    mailcheck(*plain(relay, "--output", file, "--output-mode", "0644"))
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert "greeting     220 relay.example.com ESMTP\n" in file.read_text(encoding="utf-8")


def test_a_link_that_somebody_laid_leads_to_no_other_file(relay: Relay, tmp_path: Path) -> None:
    (tmp_path / "other").write_text("other", encoding="utf-8")
    (tmp_path / "report").symlink_to("other")
    mailcheck(*plain(relay, "--json", "--output", tmp_path / "report"))
    assert (tmp_path / "other").read_text(encoding="utf-8") == "other"
    assert not (tmp_path / "report").is_symlink()
    assert json.loads((tmp_path / "report").read_text(encoding="utf-8"))["verdict"] == "passed"


@pytest.mark.parametrize("words, said", [
    (["--output", "/nowhere/x"], "--output: there is no such folder"),
    (["--output", "/dev/null"], "--output: there is something that is no file"),
    (["--output-mode", "rw"], "argument --output-mode: must be a mode such as 0640"),
    (["--output-mode", "4755"], "argument --output-mode: must be a mode such as 0640"),
])  # fmt: skip
def test_what_cannot_be_written_is_said_before_anything_is_checked(words: List[str], said: str, relay: Relay) -> None:
    ran = mailcheck(*plain(relay, *words))
    assert (ran.code, relay.said) == (2, [])
    assert said in ran.err


def test_what_fails_half_way_leaves_the_old_file(
    relay: Relay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from postmaster_mailcheck.commands.main import main

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    file = tmp_path / "report.json"
    file.write_text("old", encoding="utf-8")
    monkeypatch.setattr(os, "fsync", full)
    assert main([str(word) for word in plain(relay, "--json", "--output", file)]) == 2
    assert capsys.readouterr().err == "mailcheck: --output: it could not be written: No space left on device\n"
    assert (os.listdir(tmp_path), file.read_text(encoding="utf-8")) == (["report.json"], "old")


# Assessments


def own_profile(folder: Path, severity: str = "high") -> Path:
    """JSON is YAML. This relay offers AUTH before TLS, as it has none."""
    rule = {"expect": True, "severity": severity, "document": "Mail policy", "section": "3"}
    profile = folder / "own.yml"
    profile.write_text(json.dumps({"title": "Ours", "rules": {"auth_absent_before_tls": rule}}), encoding="utf-8")
    return profile


def listed(relay: Relay, folder: Path) -> Path:
    file = folder / "relays.txt"
    file.write_text("%s # ours\n" % name_of(relay), encoding="utf-8")
    return file


def test_relays_are_held_against_a_profile_and_reports_written(relay: Relay, tmp_path: Path) -> None:
    pytest.importorskip("yaml")
    pytest.importorskip("jinja2")
    reports = {name: tmp_path / ("out." + extension) for name, extension in extensions().items() if name != "json"}
    words = [word for name, file in reports.items() for word in ("--" + name, file)]
    state = tmp_path / "state.json"
    profile = own_profile(tmp_path)
    asked = ["assess", listed(relay, tmp_path), "--profile", profile, *IN_CLEAR, *words, "--state", state]
    ran = mailcheck(*asked, how=("-c", WITHOUT % "sys.modules['ansible'] = None"))
    assert (ran.code, ran.err) == (1, "")
    told = "high auth_absent_before_tls, 1 relay: Expected: AUTH is not offered before TLS."
    assert [line for line in ran.lines() if line.startswith(told)]
    assert "Mail policy 3" in reports["markdown"].read_text(encoding="utf-8")
    assert all(file.stat().st_size for file in reports.values())
    written = json.loads(state.read_text(encoding="utf-8"))
    assert (written["changes"], written["evidence"]["profiles"][0]["title"]) == (None, "Ours")
    again = mailcheck(*asked)
    assert json.loads(state.read_text(encoding="utf-8"))["changes"] == []
    assert again.code == 1
    relay.answers["EHLO"] = "250 relay.example.com\r\n"
    mended = mailcheck(*asked)
    assert mended.code == 0
    assert "rule auth_absent_before_tls: unmet, now met" in mended.out
    asked[1] = tmp_path / "others.json"
    asked[1].write_text(json.dumps([{"host": "127.0.0.1", "port": free_port()}]), encoding="utf-8")
    moved = mailcheck(*asked).lines()
    assert "changed %s endpoint: gone, was passed" % name_of(relay) in moved
    assert [line for line in moved if line.endswith(" endpoint: new, unreachable")]


def test_what_is_to_be_done_about_many_relays_is_said_once_and_as_it_is_typed(tmp_path: Path) -> None:
    """By text and by reports: no name of a playbook."""
    pytest.importorskip("yaml")
    pytest.importorskip("jinja2")
    relays = [Relay(EHLO="250-one\r\n250 AUTH PLAIN\r\n") for _number in range(3)]
    with running(relays[0]), running(relays[1]), running(relays[2]):
        file = tmp_path / "relays.txt"
        file.write_text("".join("%s\n" % name_of(one) for one in relays), encoding="utf-8")
        words = ["assess", file, "--profile", own_profile(tmp_path), "--ehlo-name", "client.example.org"]
        words += ["--user", "app", "--allow-plaintext-auth"]
        given = {"MAILCHECK_PASSWORD": "x"}
        shown = mailcheck(*words, "--tls", "opportunistic", **given).out
        credentials = [
            mailcheck(*words[:-1], "--tls", "opportunistic", *more, **given).out for more in ([], ["--format", "html"])
        ]
    assert shown.count("smtpd_tls_auth_only=yes") == 1
    assert credentials[0].count("Only where the network itself is trusted: --allow-plaintext-auth.") == 1
    assert "trusted: --allow-plaintext-auth." in credentials[1]
    assert "allow_plaintext_auth" not in "".join(credentials)


def test_a_waiver_and_a_severity_decide_what_fails(relay: Relay, tmp_path: Path) -> None:
    pytest.importorskip("yaml")
    asked = ["assess", listed(relay, tmp_path), *IN_CLEAR]
    low = own_profile(tmp_path, "low")
    assert mailcheck(*asked, "--profile", low).code == 0
    assert mailcheck(*asked, "--profile", low, "--fail-on", "low").code == 1
    high = own_profile(tmp_path)
    waivers = tmp_path / "waivers.json"
    waived = {"rule": "auth_*", "endpoint": "127.*", "reason": "old", "owner": "ops", "expires": "2999-12-31"}
    waivers.write_text(json.dumps([waived]), encoding="utf-8")
    ran = mailcheck(*asked, "--profile", high, "--waivers", waivers, "--format", "json")
    assert ran.code == 0
    assert json.loads(ran.out)["summary"]["rules"]["waived"] == 1
    waivers.write_text(json.dumps([{**waived, "expires": "2020-01-01"}]), encoding="utf-8")
    assert mailcheck(*asked, "--profile", high, "--waivers", waivers).code == 1
    waivers.write_text(json.dumps([{**waived, "endpoint": "mx"}]), encoding="utf-8")
    ran = mailcheck(*asked, "--profile", high, "--waivers", waivers)
    assert ran.code == 1
    assert re.search(
        "^waiver +auth_\\* at mx excuses nothing: nothing that was judged is called so$", ran.out, re.MULTILINE
    )


def test_a_relay_that_is_down_has_its_own_exit_code(tmp_path: Path) -> None:
    pytest.importorskip("yaml")
    file = tmp_path / "relays.json"
    file.write_text(json.dumps([{"host": "127.0.0.1", "port": free_port(), "name": "ours"}]), encoding="utf-8")
    ran = mailcheck("assess", file, "--profile", "relay")
    assert ran.code == 4
    assert "this could not be judged" not in ran.out  # once is enough
    (number,) = re.findall(r"Rules: 1 unmet, (\d+) not judged\.", ran.out)
    assert "not judged %s rules of 1 relay whose check failed" % number in ran.lines()
    assert mailcheck("assess", file, "--profile", "relay", "--format", "nagios").code == 2


def test_an_endpoint_may_have_profiles_of_its_own(relay: Relay, tmp_path: Path) -> None:
    pytest.importorskip("yaml")
    file = tmp_path / "relays.json"
    own = {"host": "127.0.0.1", "port": relay.port, "profiles": [str(own_profile(tmp_path))]}
    file.write_text(json.dumps([own]), encoding="utf-8")
    ran = mailcheck("assess", file, "--format", "json", *IN_CLEAR)
    (row,) = json.loads(ran.out)["endpoints"]
    assert [rule["id"] for rule in row["rules"]] == ["check", "auth_absent_before_tls"]
    assert row["rules"][1]["document"] == "Mail policy"


def test_mail_domains_are_held_against_profiles(tmp_path: Path) -> None:
    pytest.importorskip("yaml")
    pytest.importorskip("dns")
    zone = tmp_path / "parked.example.zone"
    zone.write_text(
        "$ORIGIN parked.example.\n@ 300 IN SOA ns hostmaster 1 3600 600 86400 60\n@ 300 IN NS ns\n"
        '@ 300 IN MX 0 .\n@ 300 IN TXT "v=spf1 -all"\n_dmarc 300 IN TXT "v=DMARC1; p=reject"\n',
        encoding="utf-8",
    )
    file = tmp_path / "domains.json"
    file.write_text(json.dumps({"domains": ["parked.example"], "zone_files": [str(zone)]}), encoding="utf-8")
    ran = mailcheck("assess", "--mail-domains", file, "--domain-profile", "parked-domain", "--format", "json")
    assessment = json.loads(ran.out)
    (row,) = assessment["endpoints"]
    assert row["subject"]["kind"] == "domain"
    assert {rule.get("profile") for rule in row["rules"]} == {None, "parked-domain"}
    assert assessment["profiles"] == ["parked-domain"]
    assert ran.code == 0


def test_relays_are_audited_and_held_against_a_profile_of_audits(relay: Relay, tmp_path: Path) -> None:
    pytest.importorskip("yaml")
    profile = tmp_path / "ours.yml"
    rule = {"expect": True, "severity": "high", "document": "Mail policy", "section": "4"}
    profile.write_text(json.dumps({"kind": "audit", "rules": {"auth_offered_in_clear": rule}}), encoding="utf-8")
    asked = ["assess", listed(relay, tmp_path), *IN_CLEAR, "--profile", own_profile(tmp_path, "low")]
    audited = [*asked, "--audit-profile", profile, "--probes", "auth_offered_in_clear"]
    assert mailcheck(*asked).code == 0
    ran = mailcheck(*audited, "--format", "json")
    (row,) = json.loads(ran.out)["endpoints"]
    found = {rule["id"]: (rule["outcome"], rule.get("document")) for rule in row["rules"]}
    assert found["auth_offered_in_clear"] == ("unmet", "Mail policy")
    assert (row["audit"]["intensity"], ran.code) == ("safe", 1)
    relay.answers["EHLO"] = "250 relay.example.com\r\n"
    assert mailcheck(*audited).code == 0


def test_a_relay_whose_audit_cannot_begin_has_the_exit_code_of_that(tmp_path: Path) -> None:
    pytest.importorskip("yaml")
    file = tmp_path / "relays.txt"
    file.write_text("127.0.0.1:%d\n" % free_port(), encoding="utf-8")
    assert mailcheck("assess", file, "--audit-profile", "hardened-relay").code == 4


@pytest.mark.parametrize("words, said", [
    (["--profile", "rela"], "--profile: there is no such profile. Did you mean relay?"),
    (["--profile", "bulk-sender"], "--profile: bulk-sender is about domains: --domain-profile takes it"),
    (["--profile", "hardened-relay"], "--profile: hardened-relay is about audits: --audit-profile takes it"),
    (["--audit-profile", "hardened-relay", "--intensity", "active"], "--authorised: does not name 127.0.0.1"),
    (["--audit-profile", "hardened-relay", "--xclient", "addr=192.0.2.1"], "no audit reaches a relay by --xclient"),
    (["--waivers", "{file}"], "--waivers: is no YAML"),
    (["--state", "{file}"], "the last run's report is cut off"),
    (["--html", "/nowhere/x"], "--html: there is no such folder"),
    (["--mail-domains", "/nowhere"], "--mail-domains: No such file"),
    (["--fail-on", "grave"], "argument --fail-on"),
])  # fmt: skip
def test_mistakes_are_found_before_anything_is_checked(
    words: List[str], said: str, relay: Relay, tmp_path: Path
) -> None:
    pytest.importorskip("yaml")
    pytest.importorskip("jinja2")
    file = tmp_path / "file.yml"
    file.write_text("{", encoding="utf-8")
    ran = mailcheck("assess", listed(relay, tmp_path), *(word.format(file=file) for word in words))
    assert (ran.code, ran.out, relay.said) == (2, "", [])
    assert said in ran.err


def test_a_mistake_in_a_file_is_told_by_its_line(tmp_path: Path) -> None:
    pytest.importorskip("yaml")
    relays, domains, structured = (tmp_path / name for name in ("relays.txt", "domains.txt", "relays.json"))
    relays.write_text("127.0.0.1:25\n\n# ours\na relay\n", encoding="utf-8")
    domains.write_text("example.com # ours\nbad..example\n", encoding="utf-8")
    structured.write_text(json.dumps([{"host": "127.0.0.1", "port": 99999}]), encoding="utf-8")
    for words, said in (
        (["sweep", relays], "FILE, line 4: is no host name"),
        (["assess", relays], "FILE, line 4: is no host name"),
        (["assess", relays, "--audit-profile", "hardened-relay"], "FILE, line 4: is no host name"),
        (["audit", "127.0.0.1", "--file", relays], "--file, line 4: is no host name"),
        (["audit", "127.0.0.1", "a relay"], "hosts[1].host: is no host name"),
        (
            ["assess", "--mail-domains", domains, "--domain-profile", "bulk-sender"],
            "--mail-domains, line 2: is no name",
        ),
        (["sweep", structured], "FILE: endpoints[0].port: is out of range"),
    ):
        ran = mailcheck(*words)
        assert (ran.code, ran.out) == (2, "")
        assert ran.err.startswith("mailcheck: " + said), ran.err


def test_of_mail_domains_alone_nothing_is_audited(tmp_path: Path) -> None:
    pytest.importorskip("yaml")
    file = tmp_path / "domains.txt"
    file.write_text("example.com\n", encoding="utf-8")
    ran = mailcheck("assess", "--mail-domains", file, "--audit-profile", "hardened-relay")
    assert (ran.code, ran.err) == (2, "mailcheck: --audit-profile: it audits the relays of FILE, and there are none\n")


def test_nothing_to_judge_is_a_mistake() -> None:
    ran = mailcheck("assess", "--profile", "relay")
    told = "mailcheck: there is nothing to judge. Name a FILE of relays (- is standard input), or --mail-domains\n"
    assert (ran.code, ran.err) == (2, told)


def test_profiles_without_pyyaml_are_refused_in_words(relay: Relay, tmp_path: Path) -> None:
    ran = mailcheck("assess", listed(relay, tmp_path), how=WITHOUT_YAML)
    told = "mailcheck: --profile: PyYAML is not installed, which this takes. The extra cli brings it.\n"
    assert (ran.code, ran.err, relay.said) == (2, told, [])
