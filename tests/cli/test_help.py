# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What the command says of itself: help that fits a screen, options in the words of other programs, and mistakes.

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from typing import List

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.options import AUDIT_OPTIONS
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.options import DOMAIN_OPTIONS
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.request import OPTIONS as WAIT_OPTIONS
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.options import OPTIONS
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.sweep_options import SWEEP_OPTIONS
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.rules import parse_expect
from ansible_collections.postmaster.mailcheck.tests.cli.test_cli import mailcheck
from postmaster_mailcheck.commands.arguments import GROUPS, mapping
from postmaster_mailcheck.commands.main import SUBCOMMANDS, build_parsers
from postmaster_mailcheck.commands.parser import Parser
from postmaster_mailcheck.commands.rules import EXAMPLES, tables
from postmaster_mailcheck.commands.swaks import SWAKS

TABLES = {
    "check": OPTIONS, "sweep": {**SWEEP_OPTIONS, **OPTIONS}, "domain": DOMAIN_OPTIONS, "audit": AUDIT_OPTIONS,
    "wait": WAIT_OPTIONS,
}  # fmt: skip


def parser_of(command: str) -> Parser:
    parser = build_parsers()[1][command]
    parser.fill()
    return parser


@pytest.mark.parametrize("words", [["--help"], *([command, "--help"] for command in SUBCOMMANDS)], ids=" ".join)
def test_help_fits_a_screen(words: List[str]) -> None:
    shown = mailcheck(*words, COLUMNS="80").out.splitlines()
    assert len(shown) <= 24
    assert max(map(len, shown)) <= 80


@pytest.mark.parametrize("command", TABLES)
def test_what_help_shows_first_is_an_argument_with_its_default(command: str) -> None:
    parser = parser_of(command)
    assert len(parser.manual.brief) >= 5
    for said, text in parser.manual.brief:
        for flag in re.findall("-[-a-z]+", said):
            argument = parser._option_string_actions[flag]
            row = TABLES[command].get(argument.dest, {})
            told = re.search(r"\(default: ([^)]*)\)|(\S+) \(the default\)", text)
            if told:
                by_port = "starttls" if argument.dest == "tls" and command != "audit" else None
                assert (told.group(1) or told.group(2)) == (by_port or "%s" % row["default"]).replace(".0", "")


@pytest.mark.parametrize("command", TABLES)
def test_help_all_groups_the_options_and_tells_defaults(command: str) -> None:
    shown = mailcheck(command, "--help-all").out
    grouped = [title for title in GROUPS if "\n%s:\n" % title in shown]
    assert grouped
    whole = " ".join(shown.split())
    for row in TABLES[command].values():
        if isinstance(row.get("default"), (float, str)):
            assert "(default: %s)" % str(row["default"]).replace(".0", "") in whole
    assert "exit codes:" in shown and "examples:" in shown


def test_what_finds_a_message_stands_in_the_short_help() -> None:
    """The three steps of the README: what --send said, and what the mailbox was before."""
    shown = mailcheck("wait", "--help").lines()
    assert [line.split()[0] for line in shown if re.match("--(token|sent|since) ", line)] == [
        "--token",
        "--sent",
        "--since",
    ]


def test_every_grouped_option_is_one() -> None:
    known = {name for table in TABLES.values() for name in table}
    assert {name for names in GROUPS.values() for name in names} <= known


@pytest.mark.parametrize("command, secrets", [("check", 3), ("sweep", 3), ("wait", 3), ("domain", 0), ("audit", 0)])
def test_a_command_tells_of_what_concerns_it(command: str, secrets: int) -> None:
    shown = mailcheck(command, "--help-all").out
    assert len(set(re.findall("MAILCHECK_[A-Z_]+", shown.partition("environment:")[2]))) == secrets
    assert ("--check-mode" in shown) is (command != "domain")
    assert "6  passed, but a " in shown


def test_explain_has_no_exit_codes_and_no_check_mode() -> None:
    shown = mailcheck("explain", "--help").out
    assert not re.search("check-mode|MAILCHECK_|lenient|exit codes", shown)


def test_who_says_nothing_is_helped() -> None:
    ran = mailcheck()
    assert (ran.code, ran.out, ran.err) == (2, "", mailcheck("--help").out)


def test_help_is_a_command_too() -> None:
    assert mailcheck("help").out == mailcheck("--help").out
    assert mailcheck("help", "check").out == mailcheck("check", "--help").out
    assert "register-python-argcomplete" in mailcheck("help", "completion").out
    assert mailcheck("help", "chekc").err.endswith("Did you mean check?\n")


def test_every_rule_is_listed_and_the_examples_are_taken() -> None:
    shown = mailcheck("help", "rules").lines()
    for table in tables().values():
        for name, kind in table.items():
            said = [line for line in shown if re.match(name + r"(\.STAGE)?=", line)]
            told = "%s (%s)" % (kind.text.replace("%s", "VALUE"), kind.severity)
            assert [line for line in said if line.endswith(told)], name
    given, _unknown = parser_of("check").parse_known_args(
        ["relay", *(word for example in EXAMPLES for word in ("--expect", example))]
    )
    parse_expect(tables()["check and sweep"], given.expect)  # which raises an error for what is no rule's value


# Those who come from swaks

WORDS_OF_SWAKS = [theirs for theirs, ours in SWAKS.items() if ours.startswith("-")]


@pytest.mark.parametrize("theirs", WORDS_OF_SWAKS)
def test_what_an_option_of_swaks_is_called_is_an_argument(theirs: str) -> None:
    """A word in capitals stands for a value of the kind that the option wants."""
    ours = SWAKS[theirs].partition(", or ")[0].replace("PORT", "25")
    _given, unknown = parser_of("check").parse_known_args(["relay", *shlex.split(ours)])
    assert unknown == []


def test_the_table_of_swaks_is_shown() -> None:
    shown = mailcheck("help", "swaks").out
    for theirs, ours in SWAKS.items():
        (line,) = [line for line in shown.splitlines() if line.startswith("  %s " % theirs)]
        assert ours in line
        assert line[len("  " + theirs) :].strip()


def test_swaks_knows_the_options_of_the_table() -> None:
    swaks = shutil.which("swaks")
    if swaks is None:
        assert os.environ.get("MAILCHECK_REQUIRE_SERVERS") != "1", "no swaks on this machine"
        pytest.skip("no swaks on this machine")
    told = subprocess.run([swaks, "--help"], capture_output=True, text=True, check=True).stdout
    known = set(re.findall(r"(?<![\w-])--?([a-z][a-z-]*)", told))
    assert [theirs for theirs in SWAKS if theirs.split()[0].lstrip("-") not in known] == []


# NAME=VALUE


@pytest.mark.parametrize(
    "text, value",
    [
        ("certificate_days_left=30", {"certificate_days_left": 30}),
        ("tls_version_min=TLSv1.3", {"tls_version_min": "TLSv1.3"}),
        ("codes.rcpt=[550, 554]", {"codes": {"rcpt": [550, 554]}}),
        ("tls_required=true", {"tls_required": True}),
        ("greeting_matches=a=b", {"greeting_matches": "a=b"}),
        ("subject=", {"subject": ""}),
        ('{"a": 1}', {"a": 1}),
    ],
)
def test_a_dictionary_may_be_given_by_its_entries(text: str, value: object) -> None:
    assert mapping(text) == value


def test_entries_add_up() -> None:
    words = ["relay", "--expect", "codes.rcpt=250", "--expect", "codes.mail=250", "--expect", '{"max_seconds": 3}']
    given, _unknown = parser_of("check").parse_known_args(words)
    assert given.expect == {"codes": {"rcpt": 250, "mail": 250}, "max_seconds": 3}


@pytest.mark.parametrize(
    "words, option, value",
    [
        (["--to", "a@example.com", "--recipients", "b@example.com"], "recipients", ["a@example.com", "b@example.com"]),
        (["--from", "a@example.com"], "sender", "a@example.com"),
        (["--user", "tim"], "username", "tim"),
        (["-p", "587"], "port", 587),
    ],
)
def test_short_forms(words: List[str], option: str, value: object) -> None:
    given, _unknown = parser_of("check").parse_known_args(["relay", *words])
    assert getattr(given, option) == value


# Mistakes


@pytest.mark.parametrize(
    "words, said",
    [
        (["check", "relay", "more"], "words too many: 1 (at place 3); mailcheck check takes HOST[:PORT]\n"),
        (["sweep", "localhost:25"], "For one relay alone say mailcheck check HOST[:PORT]\n"),
        (["sweep"], "there is nothing to check. Name a FILE of relays (- is standard input), or say --domains\n"),
        (["check", "relay", "--recipients", "a@b"], "mailcheck: --sender: is needed"),
        (["check", "relay", "--to", "a@b"], "mailcheck: --from: is needed"),
        (["check", "relay", "--user", "a"], "or give MAILCHECK_ACCESS_TOKEN. Set MAILCHECK_PASSWORD"),
        (["check", "relay", "--expect", "x=3"], "Known: capabilities, "),
        (["check", "relay", "--expect", "x=3"], ", auth_mechanisms, "),
        (["check", "relay", "--expect", "auth_mechanism=PLAIN"], "no such rule. Did you mean auth_mechanisms?\n"),
        (["check", "relay", "--proxy-protocol", "source_adress=::1"], "no such option. Did you mean source_address?\n"),
        (["check", "relay", "--expect", "max_second=3"], "mailcheck: --expect.max_second: there is no such rule."),
        (
            ["check", "relay", "--tls", "none", "--user", "tim", "--auth-mechanisms", "ANONYMOUS"],
            "Use starttls or implicit; or set --allow-plaintext-auth.\n",
        ),
        (["check", "relay", "--expect", "3"], "argument --expect: not a JSON object."),
    ],
)
def test_a_mistake_is_told_in_the_words_of_the_command(words: List[str], said: str) -> None:
    ran = mailcheck(*words)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
