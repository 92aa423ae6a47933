# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# `mailcheck domain` as a shell runs it, with zone files.

from __future__ import annotations

import json
from pathlib import Path
from typing import Callable, List

import pytest

pytest.importorskip("dns", reason="dnspython is not installed for this Python")

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.options import DOMAIN_OPTIONS
from ansible_collections.postmaster.mailcheck.tests.cli.test_cli import Ran, mailcheck

ZONE = """\
$ORIGIN example.com.
$TTL 300
@ IN SOA ns hostmaster 1 3600 600 86400 60
@ IN NS ns
@ IN MX 10 mx
@ IN TXT "v=spf1 mx -all"
mx IN A 192.0.2.25
"""

WANTED = '{"tls_rpt_present": true}'


@pytest.fixture
def look(tmp_path: Path) -> Callable[..., Ran]:
    (tmp_path / "zone").write_text(ZONE)

    def run(*words: str) -> Ran:
        return mailcheck("domain", "--zone-files", str(tmp_path / "zone"), *words)

    return run


@pytest.mark.parametrize(
    "words, code",
    [
        (["example.com", "--look-at", "mx", "--look-at", "spf"], 0),
        (["example.com", "--look-at", "tls_rpt", "--expect", WANTED], 1),
        (["example.com", "--look-at", "mx", "--expect", WANTED], 6),
        (["example.com", "--look-at", "mx", "--expect", WANTED, "--lenient"], 0),
        (["example.net", "--look-at", "mx"], 4),
        (["example.com", "example.net", "--look-at", "mx"], 4),
        (["example.net", "example.com", "--look-at", "tls_rpt", "--expect", WANTED], 1),
        (["not a name"], 2),
        (["example.com", "--look-at", "spff"], 2),
        (["example.com", "--selectors", "a b"], 2),
        ([], 2),
    ],
)
def test_the_exit_code_tells_the_verdict(look: Callable[..., Ran], words: List[str], code: int) -> None:
    ran = look(*words)
    assert (ran.code, bool(ran.err)) == (code, code == 2)


def test_what_is_unmet_or_not_judged_is_shown_and_what_to_publish(look: Callable[..., Ran]) -> None:
    asked = [word for name in ("mx", "dnssec", "tls_rpt") for word in ("--look-at", name)]
    ran = look("example.com", *asked, "--expect", WANTED)
    lines = ran.lines()
    assert lines[0] == "failed example.com: of 6 rules 1 unmet, 2 not judged, 3 met"
    assert "unmet expected: the domain asks for reports about TLS; observed: absent (tls_rpt_present, low)" in lines
    assert any(line.startswith("not judged what signatures there are hold") for line in lines)
    assert any(line.startswith("publish _smtp._tls.example.com TXT v=TLSRPTv1; ") for line in lines)
    assert len(lines) == len(set(lines)), "nothing is said twice"


def test_what_no_rule_tells_is_a_warning_and_the_rest_is_said_by_its_rule_alone(tmp_path: Path) -> None:
    words = ["domain", "example.com", "--zone-files", str(tmp_path / "zone"), "--look-at", "spf"]
    (tmp_path / "zone").write_text(ZONE.replace("mx -all", "ptr ?all"))
    ran = mailcheck(*words)
    assert ran.code == 0 and ran.lines()[0] == "passed example.com: of 3 rules 3 met"
    assert [line.partition(" ")[0] for line in ran.lines()[1:3]] == ["warning", "warning"]
    assert "RFC 7208 5.5" in ran.out and "?all" in ran.out
    (tmp_path / "zone").write_text(ZONE.replace("mx -all", "mx +all"))
    ran = mailcheck(*words)
    assert ran.code == 1 and "warning" not in ran.out
    assert "(spf_restricts, high)" in ran.out and ran.out.count("+all") == 1


def test_quiet_leaves_out_what_passes(look: Callable[..., Ran]) -> None:
    ran = look("example.com", "example.net", "--look-at", "mx", "-q")
    assert ran.code != 0
    assert [line.split()[:2] for line in ran.lines() if line.startswith(("passed ", "failed ", "unreachable "))] == [
        ["unreachable", "example.net:"]
    ]
    assert look("example.com", "--look-at", "mx", "--look-at", "spf", "-q").out == ""


def test_a_domain_without_rules_says_why(look: Callable[..., Ran]) -> None:
    assert (
        "not_checked example.com: there was nothing to judge in what was to be looked at."
        in look("example.com", "example.net", "--look-at", "dkim").lines()
    )


def test_what_a_domain_publishes_does_not_steer_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "zone").write_text(ZONE.replace("v=spf1 mx", "v=spf1 \\027[31mmx"))
    words = ["domain", "example.com", "--zone-files", str(tmp_path / "zone"), "--look-at", "spf"]
    shown = mailcheck(*words).out
    assert "[31mmx" in shown and "\x1b" not in shown
    (report,) = json.loads(mailcheck(*words, "--json").out)["domains"]
    assert "[31mmx" in report["spf"]["record"] and "\x1b" not in report["spf"]["record"]


def test_a_mistake_in_a_zone_file_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "zone").write_text(ZONE + "broken IN A 192.0.2\n")
    ran = mailcheck("domain", "example.com", "--zone-files", str(tmp_path / "zone"))
    assert (ran.code, ran.out) == (2, "")
    assert "zone:%d: " % (len(ZONE.splitlines()) + 1) in ran.err


def test_every_option_is_an_argument_with_the_words_of_its_documentation() -> None:
    pytest.importorskip("yaml")
    from postmaster_mailcheck.commands.documentation import first_paragraphs

    texts = first_paragraphs("domain_check")
    shown = " ".join(mailcheck("domain", "--help-all", COLUMNS="2000").out.split())
    for name in set(DOMAIN_OPTIONS) - {"domains"}:
        assert "--" + name.replace("_", "-") in shown and texts[name] in shown, name
