# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# How what was found is shown: the result first, in lines that fit the terminal, in the words of the command.

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.options import AUDIT_OPTIONS
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.options import OPTIONS
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.summary import named
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.sweep_options import SWEEP_OPTIONS
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.causes import CAUSES, hint_of
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils import _assessment
from ansible_collections.postmaster.mailcheck.tests.cli.test_cli import mailcheck, plain
from ansible_collections.postmaster.mailcheck.tests.support import mailboxes
from ansible_collections.postmaster.mailcheck.tests.support.mailboxes import Folder, ImapServer
from ansible_collections.postmaster.mailcheck.tests.support.relay import Relay, running
from ansible_collections.postmaster.mailcheck.tests.support.screen import AS_MODULE, on_screen, without
from postmaster_mailcheck import terminal
from postmaster_mailcheck.commands.output import assessed
from postmaster_mailcheck.commands.words import SECRETS, as_argument, in_flags
from postmaster_mailcheck.views import lines, relays
from postmaster_mailcheck.views.lines import NORMAL, Line, row, text

HOW = [AS_MODULE, without("rich")]
RICH_OR_NOT = ["with rich", "without rich"]


@pytest.fixture
def relay() -> Iterator[Relay]:
    with running(Relay()) as one:
        yield one


# Lines


def shown(line: Line, width: int) -> List[str]:
    return ["".join(text for text, _style in pieces) for pieces in terminal.wrapped(line, width)]


def test_what_does_not_fit_goes_on_below_the_words() -> None:
    assert shown(row("next", "Sign in, or use the submission port."), 33) == [
        "next         Sign in, or use the",
        "             submission port.",
    ]


def test_a_word_is_never_broken() -> None:
    word = "x" * 50
    assert shown(row("seen", "a %s b" % word), 40) == ["seen         a", " " * 13 + word, " " * 13 + "b"]


def test_a_word_of_two_styles_stays_one() -> None:
    line = Line((("relay.example.com", "bold"), (": refused", "")), 2)
    assert shown(line, 22) == ["relay.example.com:", "  refused"]


def test_wide_characters_take_two_columns_and_marks_none() -> None:
    assert shown(text("\u90f5\u4ef6 " * 4), 10) == ["\u90f5\u4ef6 \u90f5\u4ef6"] * 2
    assert shown(text("e\u0301" * 9 + " x"), 11) == ["e\u0301" * 9 + " x"]


def test_without_a_width_a_line_is_whole() -> None:
    assert shown(row("next", "word " * 100), None)[0].count("word") == 100  # type: ignore[arg-type]


@pytest.mark.parametrize("how", HOW, ids=RICH_OR_NOT)
@pytest.mark.parametrize("width", [60, 80, 120])
def test_lines_fit_the_terminal(relay: Relay, width: int, how: Sequence[str]) -> None:
    relay.answers["RCPT"] = "554 5.7.1 <x@example.net>: Relay access denied\r\n"
    words = plain(relay, "--from", "", "--to", "x@example.net")
    lines = on_screen(width, *words, how=how)
    assert lines[0] == "failed       127.0.0.1:%d: relay_denied, at rcpt" % relay.port
    assert max(map(len, lines)) <= width
    whole = mailcheck(*words).out
    told = set(re.findall(r"[^\s]{12,}", whole))
    assert told <= set(re.findall(r"[^\s]{12,}", "\n".join(lines))), "a word is broken"
    assert [line for line in lines if line.startswith(" " * 13)], "nothing had to be broken"


# How much is told


def test_what_fails_shows_the_end_of_the_dialogue_and_all_of_it_by_verbose(relay: Relay) -> None:
    relay.answers["RCPT"] = "550 5.1.1 User unknown\r\n"
    words = plain(relay, "--from", "a@example.com", "--to", "x@example.com")
    said = [[line for line in mailcheck(*words, *more).lines() if re.match(r"[0-9.]+ (TLS )?[<>] ", line)]
            for more in ([], ["-v"])]  # fmt: skip
    assert 0 < len(said[0]) < len(said[1])
    assert "220 relay.example.com ESMTP" not in "".join(said[0])
    assert said[1][0].endswith("< 220 relay.example.com ESMTP")


def test_quiet_says_nothing_where_all_is_well_and_else_the_result(relay: Relay) -> None:
    ran = mailcheck(*plain(relay, "-q"))
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    relay.answers["EHLO"] = "421 later\r\n"
    ran = mailcheck(*plain(relay, "-q"))
    assert ran.code == 3
    assert [line.split()[0] for line in ran.lines()] == ["deferred", "seen", "it", "next", "more"]
    fleet = mailcheck("sweep", "-", "--tls", "none", "-q", stdin="127.0.0.1:%d\n" % relay.port)
    assert fleet.code == 3
    assert "address" not in fleet.out and "service_closing" in fleet.out


def test_quiet_shows_nothing_as_json_either(relay: Relay) -> None:
    assert mailcheck(*plain(relay, "-q", "--json")).out == ""


def test_what_is_unmet_shows_its_remedy_and_what_was_seen(relay: Relay) -> None:
    strangers = {"recipient": "b@example.net", "control_recipient": "postmaster@example.com"}
    ran = mailcheck(*plain(relay, "--expect", json.dumps({"relaying_refused": strangers})))
    assert ran.code == 1
    lines = ran.lines()
    assert lines[0].endswith("rule_unmet, at rcpt")
    asked_from = (
        "this was asked from 127.0.0.1, which may be one of the networks that it is to relay for: ask from outside"
    )
    assert lines[1] == "expected the relay refuses mail from strangers to strangers"
    assert lines[2] == "seen the stranger's recipient was accepted: 250; " + asked_from
    assert lines[4] == "more mailcheck explain relaying_refused"
    assert "smtpd_relay_restrictions" in next(line for line in lines if line.startswith("next "))
    assert ran.out.count("smtpd_relay_restrictions") == 1, "nothing is said twice"
    assert "> EHLO" not in ran.out, "the dialogue shows nothing of a rule"


def test_a_sweep_tells_what_was_expected_and_which_rule_that_was(relay: Relay) -> None:
    name = "127.0.0.1:%d" % relay.port
    ran = mailcheck("sweep", "-", "-q", "--tls", "none", "--expect", 'capabilities=["X-NONE"]', stdin=name)
    assert ran.lines()[3].startswith(name + ": capabilities: expected: the relay offers X-NONE; observed: ")
    assert ran.lines()[-1] == "more mailcheck explain capabilities"


def test_verbose_shows_what_was_said_behind_each_rule(relay: Relay) -> None:
    strangers = {"recipient": "b@example.net", "control_recipient": "postmaster@example.com"}
    words = ["--tls", "none", "--expect", json.dumps({"relaying_refused": strangers, "auth_refused_in_clear": True})]
    file = "127.0.0.1:%d\n" % relay.port
    for ran in (mailcheck(*plain(relay, "-v", *words[2:])), mailcheck("sweep", "-", "-v", *words, stdin=file)):
        behind = ran.out.partition("The dialogue behind relaying_refused:")[2]
        asked, _head, clear = behind.partition("The dialogue behind auth_refused_in_clear:")
        assert "RCPT TO:<b@example.net>" in asked and "RCPT" not in clear
        assert "> AUTH" in clear
    assert "The dialogue behind" not in mailcheck(*plain(relay, *words[2:])).out


def test_attempts_are_counted_while_they_last(tmp_path: Path) -> None:
    with Relay() as closed:
        port = closed.port
    words = ["check", "127.0.0.1:%d" % port, "--retry-for", "0.6", "--retry-interval", "0.1"]
    seen = "\n".join(on_screen(80, *words))
    assert "attempt 1: connection_refused at connect; the next in 0.1 s" in seen
    assert mailcheck(*words).err == ""
    file = tmp_path / "relays"
    file.write_text("127.0.0.1:%d\n" % port)
    seen = "\n".join(on_screen(200, "sweep", file, *words[2:]))
    assert re.search("127.0.0.1:%d: attempt [12]: connection_refused at connect; the next in 0.[12] s" % port, seen)
    assert "attempt" not in "\n".join(on_screen(80, *words, "-q"))


def test_who_waits_for_mail_sees_the_time_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILCHECK_PASSWORD", mailboxes.PASSWORD)
    with ImapServer({"INBOX": Folder({1: mailboxes.mail("other")})}) as server:
        words = ["wait", "127.0.0.1:%d" % server.port, "--tls", "none", "--allow-plaintext-auth", "--user", "tim"]
        words += ["--timeout", "1", "--poll-interval", "0.1"]
        lines = on_screen(80, *words, "--token", "token")
        sent = on_screen(80, *words, "--sent", "token=token")
        quiet = on_screen(80, *words, "--token", "token", "-q")
    assert "waiting for the message 0:00:0" in "".join(lines)
    assert "waiting for the message 0:00:0" in "".join(sent)
    assert re.search("failed +127.0.0.1:[0-9]+: mail_not_found, at find", "\n".join(lines))
    assert quiet[0].startswith("failed ") and not [line for line in quiet if line.startswith("folder ")]


def test_the_survey_is_shown() -> None:
    leaf = {
        "subject_alt_names": ["DNS:mx.example.com"],
        "subject": "",
        "issuer": "CN=CA",
        "not_after": "2030",
        "days_left": 1,
    }
    survey = {
        "versions": {"TLSv1": "refused", "TLSv1.3": "accepted", "TLSv1.1": "not_tried"},
        "ciphers": {"TLSv1": None, "TLSv1.1": None, "TLSv1.3": {"cipher": "TLS_AES_256_GCM_SHA384", "group": "x25519"}},
        "cipher_order": "relay",
        "certificates": {"RSA": leaf, "ECDSA": None},
    }
    lines = ["".join(text for text, _style in line.pieces).split(None, 1) for line in relays._survey(survey)]
    assert lines == [
        ["survey", "TLSv1: refused"],
        ["survey", "TLSv1.3: accepted (TLS_AES_256_GCM_SHA384, x25519)"],
        ["survey", "TLSv1.1: not tried"],
        ["TLSv1.2:", "the relay's order of suites counts"],
        ["RSA", "key      mx.example.com, from CN=CA"],
        ["until", "2030, 1 day left"],
    ]


# The language of hints


def test_an_option_is_said_as_it_is_typed() -> None:
    assert "Set --tls implicit, as for" in hint_of("tls_expected", "relay", 465, as_argument)
    assert "Set tls: implicit, as for" in hint_of("tls_expected", "relay", 465)
    assert as_argument("validate_certs", "false") == "--no-validate-certs"
    assert as_argument("allow_plaintext_auth", "true") == "--allow-plaintext-auth"
    assert as_argument("password") == "MAILCHECK_PASSWORD"


@pytest.mark.parametrize("said, shown", [
    ("It was not verified: validate_certs is false.", "It was not verified: --no-validate-certs is given."),
    ("test_message is not used: send is false.", "--test-message is not used: --send is not given."),
    ("senders accept it, as validate_certs=false would", "senders accept it, as --no-validate-certs would"),
    ("it needs the option known_recipient", "it needs --known-recipient"),
    ("with the options intensity: intrusive, known_recipient, mailbox. Else",
     "with --intensity intrusive --known-recipient --mailbox. Else"),
    ("for want of the options known_recipient, outside_recipient: relaying, vrfy",
     "for want of --known-recipient --outside-recipient: relaying, vrfy"),
    ("give what smtp_check with send returned", "give what mailcheck check with send returned"),
    ("TLS (implicit), as the option tls says nothing else", "TLS (implicit), as --tls says nothing else"),
    ("Set tls: implicit, or wait with retry_for: 600.", "Set --tls implicit, or wait with --retry-for 600."),
    ("Postfix: smtpd_relay_restrictions=permit, sender_x", "Postfix: smtpd_relay_restrictions=permit, sender_x"),
    ("The SASL server's own list (Dovecot: auth_mechanisms). Unmet besides: tls_required, auth_mechanisms.",
     "The SASL server's own list (Dovecot: auth_mechanisms). Unmet besides: tls_required, auth_mechanisms."),
    ("tls: OpenSSL says no; the sender is true to its port", "tls: OpenSSL says no; the sender is true to its port"),
])  # fmt: skip
def test_the_engine_s_sentences_name_options_as_they_are_typed(said: str, shown: str) -> None:
    assert in_flags(said) == shown


def test_a_warning_names_options_as_they_are_typed() -> None:
    (line,) = lines.warnings(["The credentials went to a server that is not verified: validate_certs is false."])
    assert line.pieces[1][0].endswith("not verified: --no-validate-certs is given.")


@pytest.mark.parametrize("cause", CAUSES)
def test_every_option_in_a_hint_is_an_argument(cause: str) -> None:
    table = AUDIT_OPTIONS if cause == "nothing_settled" else {**SWEEP_OPTIONS, **OPTIONS}  # which only audits come to
    for name, value in re.findall(r"O\((\w+)(?:=([^()]*))?\)", CAUSES[cause].hint):
        assert name in table
        choices = table[name].get("choices")
        assert not value or not choices or value in choices
    said = hint_of(cause, "relay", 25, as_argument)
    for name in {*table} - {"port", "send", "sender", "protocol", "timeout", "deadline", "hosts", "domains", "recipients",
                            "password", "username", "details", "tls", "chunking", "survey", "expect",
                            "transcript", "probes", "pause", "mailbox"}:  # fmt: skip
        if not re.search(r"(Postfix|Exim|Dovecot|nginx): [^)]*\b%s\b" % name, said):
            assert not re.search(r"(?<![-\w])%s(?!\w)" % name, said), "%s is not marked as an option" % name
    assert not SECRETS.keys() & set(re.findall(r"--([a-z-]+)", said))


# Fleets


def endpoint(name: str, **more: Any) -> Dict[str, Any]:
    passed = {"verdict": "passed", "failure": None, "tls": None, "rules": [], "host": name, "port": 25, "labels": {}}
    return {"name": name, "address": None, **passed, **more}


def test_what_differs_by_the_name_only_is_said_in_general() -> None:
    with Relay() as one, Relay() as other:
        names = "127.0.0.1:%d\n127.0.0.1:%d\n" % (one.port, other.port)
    (step,) = [line for line in mailcheck("sweep", "-", stdin=names).lines() if line.startswith("next ")]
    assert "listens on port PORT of this address" in step


@pytest.mark.parametrize("row, told", [
    (endpoint("relay:25", host="relay"), "relay:25"),
    (endpoint("relay"), "relay"),
    (endpoint("relay", port=587), "relay:587"),
    (endpoint("[::1]", host="::1", port=587), "[::1]:587"),
    (endpoint("/run/lmtp", port=None), "/run/lmtp"),
    (endpoint("the one in the cellar", host="relay"), "the one in the cellar (relay:25)"),
    (endpoint("mx", address="192.0.2.25", labels={"domain": "example.com", "preference": 10}),
     "mx (192.0.2.25, MX 10 of example.com)"),
    (endpoint("mx", labels={"domain": "example.com", "preference": 10}), "mx (MX 10 of example.com)"),
    (endpoint("mx", labels={"preference": "ours"}), "mx"),
    (endpoint("[::1]", host="::1"), "[::1]"),
    (endpoint("[::1]:25", host="::1"), "[::1]:25"),
])  # fmt: skip
def test_a_row_names_its_relay(row: Dict[str, Any], told: str) -> None:
    assert named(row) == told


@pytest.mark.parametrize("days_left, endpoints, told", [
    (0, 1, "that of mx1:25, in 0 days (2026-01-02T00:00:00Z)."),
    (1, 1, "that of mx1:25, in 1 day (2026-01-02T00:00:00Z)."),
    (-1, 3, "that of mx1:25 and 2 more, expired at 2026-01-02T00:00:00Z."),
])  # fmt: skip
def test_a_sweep_tells_whose_certificate_is_the_next(days_left: int, endpoints: int, told: str) -> None:
    soonest = {"names": ["mx1:25"], "endpoints": endpoints, "days_left": days_left, "not_after": "2026-01-02T00:00:00Z"}
    result = {"endpoints": [], "msg": "", "warnings": [], "summary": {"soonest_expiry": soonest}}
    second = list(relays.sweep(result, NORMAL))[1]
    assert second.pieces[0][0] == "The first certificate to expire: " + told


def test_what_relays_have_in_common_is_said_once() -> None:
    with running(Relay(EHLO="421 later\r\n")) as one, running(Relay(EHLO="421 not now\r\n")) as other:
        names = ["127.0.0.1:%d" % one.port, "127.0.0.1:%d" % other.port]
        ran = mailcheck("sweep", "-", "--tls", "none", stdin="\n".join(names))
    assert ran.out.count(CAUSES["service_closing"].explanation) == 1
    assert ran.out.count("next ") == 1
    assert [line for line in ran.lines() if line.endswith(": 421 later")] == [names[0] + ": at ehlo: 421 later"]
    assert [line for line in ran.lines() if line.endswith(": 421 not now")] == [names[1] + ": at ehlo: 421 not now"]


def test_what_a_relay_said_stays_as_it_is_where_a_rule_quotes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = {"text": "validate_certs is true; observed: 250 use tls: implicit", "remedy": "Set tls: implicit."}
    monkeypatch.setattr(_assessment, "assess", lambda _results: {"endpoints": [{"rules": [dict(rule)]}]})
    (shown,) = assessed([])["endpoints"][0]["rules"]
    assert shown == {
        "text": "expected: " + in_flags("validate_certs is true") + "; observed: 250 use tls: implicit",
        "remedy": "Set --tls implicit.",
    }
    assert in_flags("250 use tls: implicit") != "250 use tls: implicit"
