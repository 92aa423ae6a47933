# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The command as a shell runs it, against a relay that answers from a table. With rich and without: the words are the
# same, only the colours differ.

from __future__ import annotations

import base64
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Sequence, Set

import pytest

import postmaster_mailcheck
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.register import PROBES
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.options import OPTIONS
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.sweep_options import SWEEP_OPTIONS
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.causes import CAUSES
from ansible_collections.postmaster.mailcheck.tests.support import mailboxes
from ansible_collections.postmaster.mailcheck.tests.support.mailboxes import Folder, ImapServer
from ansible_collections.postmaster.mailcheck.tests.support.relay import Relay, running
from ansible_collections.postmaster.mailcheck.tests.support.screen import AS_MODULE, sent_to_a_terminal, without
from postmaster_mailcheck import explanations
from postmaster_mailcheck.commands import check, sweep
from postmaster_mailcheck.commands.endings import MISTAKE
from postmaster_mailcheck.commands.main import SUBCOMMANDS, main
from postmaster_mailcheck.commands.words import SECRETS as SECRET_OPTIONS

PASSWORD = "tanstaaftanstaaf"
SECRETS = (PASSWORD, base64.b64encode(PASSWORD.encode()).decode(), "AHRpbQB0YW5zdGFhZnRhbnN0YWFm")
COLOURLESS = {"TERM": "xterm-256color"}


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    def lines(self) -> List[str]:
        return [" ".join(line.split()) for line in self.out.splitlines()]


def mailcheck(*words: object, how: Sequence[str] = AS_MODULE, stdin: str = "", **variables: str) -> Ran:
    environ = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "HOME") if name in os.environ}
    command = [sys.executable, *how, *map(str, words)]
    done = subprocess.run(
        command, env={**environ, "LC_ALL": "C.UTF-8", **variables}, input=stdin, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    assert not [secret for secret in SECRETS if secret in done.stdout + done.stderr], "a secret is shown"
    return Ran(done.returncode, done.stdout, done.stderr)


def in_a_terminal(*words: object, how: Sequence[str] = AS_MODULE, **variables: str) -> str:
    """What a terminal is sent, on standard output and error together."""
    pytest.importorskip("rich")
    return sent_to_a_terminal(*how, *words, **variables)


@pytest.fixture
def relay() -> Iterator[Relay]:
    with running(Relay()) as one:
        yield one


def plain(relay: Relay, *words: object) -> List[object]:
    return ["check", "127.0.0.1:%d" % relay.port, "--tls", "none", "--ehlo-name", "client.example.org", *words]


# What is seen


def test_a_check_shows_the_dialogue_the_facts_and_the_verdict(relay: Relay) -> None:
    ran = mailcheck(*plain(relay, "--verbose"))
    assert ran.code == 0
    dialogue = [line.split(" ", 1)[1] for line in ran.lines() if " < " in line or " > " in line]
    assert dialogue == [
        "< 220 relay.example.com ESMTP",
        "> EHLO client.example.org",
        "< 250-relay.example.com",
        "> QUIT",
        "< 221 2.0.0 Bye",
    ]
    assert "offers PIPELINING, SIZE 52428800, AUTH PLAIN LOGIN" in ran.lines()
    assert ran.lines()[0] == "passed 127.0.0.1:%d." % relay.port
    assert "\x1b" not in ran.out
    assert not [line for line in mailcheck(*plain(relay)).lines() if " < " in line or " > " in line]


def test_a_refusal_shows_cause_words_meaning_and_next_step(relay: Relay) -> None:
    relay.answers["RCPT"] = "554 5.7.1 <x@example.net>: Relay access denied\r\n"
    ran = mailcheck(*plain(relay, "--sender", "", "--recipients", "x@example.net"))
    assert ran.code == 1
    verdict = ran.lines()[:6]
    assert verdict[0] == "failed 127.0.0.1:%d: relay_denied, at rcpt" % relay.port
    assert verdict[1] == "recipient x@example.net"
    assert verdict[2] == "seen 554 5.7.1 <x@example.net>: Relay access denied"
    assert verdict[3].startswith(
        "it means Nobody had signed in, which the relay offers here. The relay does not carry mail "
    )
    assert verdict[4].startswith("next Sign in, use the submission port")
    assert verdict[5] == "more mailcheck explain relay_denied"


def test_a_refused_message_is_queued_nowhere(relay: Relay) -> None:
    words = ["--sender", "a@example.com", "--recipients", "b@example.com", "--send"]
    assert "queued as 4XyZ12abcd" in mailcheck(*plain(relay, *words)).out
    relay.answers["."] = "554 5.7.1 Spam\r\n"
    ran = mailcheck(*plain(relay, *words))
    assert re.search(r"message +<\S+>, \d+ octets\n", ran.out)
    assert "queued" not in ran.out


def test_colours_are_for_terminals_and_no_color_is_honoured(relay: Relay) -> None:
    assert "\x1b[1;32mpassed" in in_a_terminal(*plain(relay))
    assert "\x1b[3" not in in_a_terminal(*plain(relay), NO_COLOR="1")


MARKUP = "[red]relay[/red] :smile: [link=https://example.net]x[/link]"


def test_markup_and_escape_sequences_of_a_relay_stay_text(relay: Relay) -> None:
    relay.answers[""] = "220 %s \x1b[31mred\x1b]0;title\x07 \u202e\r\n" % MARKUP
    ran = mailcheck(*plain(relay))
    assert MARKUP in ran.out
    assert not set("\x1b\x07\u202e") & set(ran.out)


@pytest.mark.parametrize("how", [AS_MODULE, without("rich")], ids=["with rich", "without rich"])
def test_in_a_terminal_markup_and_escape_sequences_of_a_relay_stay_text(relay: Relay, how: Sequence[str]) -> None:
    relay.answers[""] = "220 %s \x1b]0;title\x07\r\n" % MARKUP
    seen = in_a_terminal(*plain(relay), how=how)
    assert MARKUP in seen
    assert "\x1b]0" not in seen and "\x07" not in seen
    assert ("\x1b" in seen) is (how == AS_MODULE)


@pytest.mark.parametrize("words", [["check", "--tls", "none"], ["sweep", "--tls", "none", "-"]])
def test_rich_is_loaded_for_a_terminal_only(relay: Relay, words: List[str]) -> None:
    watched = "import sys; from postmaster_mailcheck.commands.main import main; main(); sys.exit('rich' in sys.modules)"
    target = "127.0.0.1:%d" % relay.port
    given = [*words, target] if words[0] == "check" else words
    ran = mailcheck(*given, how=["-c", watched], stdin=target)
    assert "passed" in ran.out
    assert ran.code == 0


def test_text_that_the_terminal_cannot_show_is_escaped(relay: Relay) -> None:
    relay.answers[""] = "220 relä\r\n"
    assert r"rel\xe4" in mailcheck(*plain(relay), LC_ALL="C", PYTHONIOENCODING="ascii").out


def test_json_is_one_document_the_report(relay: Relay) -> None:
    ran = mailcheck(*plain(relay, "--json"))
    report = json.loads(ran.out)
    assert (report["verdict"], report["greeting"]["code"]) == ("passed", 220)
    assert ran.err == ""


def test_a_reader_that_has_seen_enough_is_no_fault() -> None:
    command = "%s -m postmaster_mailcheck explain --list | head -n 1; echo ${PIPESTATUS[0]}" % sys.executable
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout.split()[-1] in ("0", "141")  # 141: ended by SIGPIPE


# Exit codes


@pytest.mark.parametrize(
    "verb, answer, code",
    [("", "220 relay\r\n", 0), ("", "554 no\r\n", 1), ("", "421 later\r\n", 3), ("EHLO", "421 later\r\n", 3)],
)
def test_the_exit_code_tells_the_verdict(relay: Relay, verb: str, answer: str, code: int) -> None:
    relay.answers[verb] = answer
    assert mailcheck(*plain(relay)).code == code


RELAYING = {"relaying_refused": {"recipient": "b@example.net", "control_recipient": "postmaster@example.com"}}


def test_a_rule_that_could_not_be_judged_has_an_exit_code_of_its_own(relay: Relay) -> None:
    relay.answers["RCPT"] = "550 5.1.1 User unknown\r\n"
    asked = ["--expect", json.dumps(RELAYING), "--tls", "none", "--ehlo-name", "client.example.org"]
    name = "127.0.0.1:%d" % relay.port
    alone = mailcheck("check", name, *asked)
    assert (alone.code, alone.lines()[0].endswith(", 1 rule not judged.")) == (6, True)
    fleet = mailcheck("sweep", "-", *asked, stdin=name)
    assert (fleet.code, fleet.lines()[-1]) == (6, "passed %s no TLS, not judged: relaying_refused" % name)
    assert mailcheck("check", name, *asked, "--lenient").code == 0
    assert mailcheck("sweep", "-", *asked, "--lenient", stdin=name).code == 0
    relay.answers["RCPT"] = "450 4.7.1 Greylisted\r\n"
    assert mailcheck("check", name, *asked, "--lenient").code == 3
    relay.answers["RCPT"] = recipient
    assert mailcheck("check", name, *asked).code == 0


def recipient(line: str) -> str:
    return "250 2.1.5 Ok\r\n" if "example.com" in line else "554 5.7.1 Relay access denied\r\n"


def test_a_closed_port_is_unreachable() -> None:
    with Relay() as relay:
        port = relay.port
    assert mailcheck("check", "127.0.0.1:%d" % port).code == 4


@pytest.mark.parametrize(
    "words, said",
    [
        (["check", "relay:x"], "the port must be a number"),
        (["check", "relay", "--recipients", "a@b"], "sender: is needed"),
        (["check", "relay", "--expect", "[]"], "not a JSON object"),
        (["check", "relay", "--username", "tim"], "Set MAILCHECK_PASSWORD, or say --ask-password"),
        (["check", "relay", "more"], "words too many: 1"),
        (["check", "relay", "-t", "b@example.net", "-ap", PASSWORD], "no such argument: -t -ap."),
        (["check", "relay", "--bogus=x"], "no such argument: --bogus."),
        (["check", "relay", "--prot", "587"], "no such argument: --prot. Did you mean --port?"),
        (["check", "relay", "--max-failures", "3"], "no such argument: --max-failures. It is one of mailcheck sweep."),
        (["audit", "--html", "page.html", "relay"], "no such argument: --html. Say --format html --output FILE."),
        (["explain", "--html", "page.html", "554"], "no such argument: --html. It is one of mailcheck assess."),
        (["help", "swakz"], "there is no such topic. Known: swaks, rules, completion, check, "),
        (["explain", "554", "--port=3"], "no such argument: --port. It is one of mailcheck check."),
        (["check", "relay", "--insecure"], "no such argument: --insecure. Did you mean --no-validate-certs?\n"),
        (["check", "relay", "--cafile", "x"], "no such argument: --cafile. Did you mean --ca-path?\n"),
        (["sweep", "relays", "--helo=x"], "no such argument: --helo. Did you mean --ehlo-name NAME?\n"),
        (
            ["check", "smtp://relay:25"],
            "mailcheck: HOST: is no URL: leave out what stands before the name, as in relay",
        ),
        (["check", "relay:99999"], "mailcheck: HOST: the port must be a number from 1 to 65535"),
        (["check", "a relay"], "mailcheck: HOST: is no host name"),
        (["domain", "bad..example"], "mailcheck: DOMAIN[0]: is no name"),
        (["wait"], "no mailbox is named. Say mailcheck wait HOST --user NAME"),
        (["explain"], "there is nothing to explain. Give a reply in quotes"),
        (["check", "relay", "--pasword"], "Did you mean --ask-password?"),
        (["check", "relay", "--validate-cert"], "Did you mean --no-validate-certs?"),
        (
            ["check", "relay", "--expect", "{bad"],
            "mailcheck check: error: argument --expect: is no JSON (line 1, column 2), and no NAME=VALUE.",
        ),
        (["check", "relay", "--expect", __file__], "and no NAME=VALUE. Did you mean @%s?" % __file__),
        (["sweep", "/nowhere"], "No such file"),
        (["sweep"], "nothing to check"),
        (["explain", "relay_denie"], "Did you mean relay_denied?"),
        (["explain", "hello world"], "holds no reply code"),
        (["explain", "something 550 nothing"], "holds no reply code"),
        (["explain", "the certificate wasn't found at /etc/ssl"], "holds no reply code"),
        (["explain", "000"], "holds no reply code"),
        (["explain", "199 Relay access denied"], "holds no reply code"),
        (["explain", "600", "5.7.1"], "holds no reply code"),
        (["explain", "999"], "holds no reply code"),
        (["explain", "--stage", "mail", "go away"], "holds no reply code"),
    ],
)
def test_a_mistake_is_told_and_exits_with_2(words: List[str], said: str) -> None:
    ran = mailcheck(*words)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert len(ran.err.splitlines()) == 1


def test_how_a_secret_is_given_is_no_advice_where_it_was_given(relay: Relay) -> None:
    words = plain(relay, "--username", "tim", "--allow-plaintext-auth")
    ran = mailcheck(*words, MAILCHECK_PASSWORD=PASSWORD + "\n")
    told = "mailcheck: MAILCHECK_PASSWORD: ends in a line end: remove it where the value comes from\n"
    assert (ran.code, ran.err) == (2, told)


def test_codes_in_quotes_are_explained_like_any() -> None:
    assert mailcheck("explain", "554 5.7.1").out == mailcheck("explain", "554", "5.7.1").out


def test_interrupting_shows_what_was_learned(relay: Relay) -> None:
    relay.answers["EHLO"] = ""  # never
    command = [sys.executable, *AS_MODULE, *map(str, plain(relay))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        while not relay.said:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, _none = process.communicate(timeout=60)
    assert "220 relay.example.com ESMTP" in out
    assert process.returncode == 5


# Secrets


def test_a_password_comes_from_the_environment(relay: Relay) -> None:
    words = plain(relay, "--username", "tim", "--allow-plaintext-auth", "-v")
    ran = mailcheck(*words, MAILCHECK_PASSWORD=PASSWORD)
    assert ran.code == 0
    assert "AUTH PLAIN " + SECRETS[2] in [line.rstrip("=") for line in relay.said]
    assert "sign-in signed in by PLAIN" in ran.lines()
    assert "AUTH PLAIN <redacted>" in ran.out


def test_a_password_nobody_asked_for_is_left_alone(relay: Relay) -> None:
    assert mailcheck(*plain(relay), MAILCHECK_PASSWORD=PASSWORD, MAILCHECK_ACCESS_TOKEN="x").code == 0


@pytest.mark.parametrize("words", [["--password", PASSWORD], ["--password=" + PASSWORD], ["--access-token", PASSWORD]])
def test_a_secret_among_the_arguments_is_refused_and_not_repeated(relay: Relay, words: List[str]) -> None:
    for order in (plain(relay, *words), ["check", *words, "127.0.0.1"]):
        ran = mailcheck(*order)
        assert ran.code == 2
        assert "is no argument" in ran.err
    assert relay.said == []


def whole(command: str) -> List[str]:
    """How all of a command's arguments are shown."""
    return ["--help"] if command == "explain" else ["--help-all"]


def every_flag() -> Iterator[List[str]]:
    """Each argument of each command with the secret for its value, by `=` and as a word of its own."""
    for command in ("check", "sweep", "explain"):
        flags = re.findall(r"^  +(?:-\w, )?(--[a-z0-9-]+)", mailcheck(command, "--help-all").out, re.MULTILINE)
        relay = ["127.0.0.1:1"] if command == "check" else []
        for flag in set(flags) - {"--help", "--help-all"}:
            yield [command, *relay, "%s=%s" % (flag, PASSWORD)]
            yield [command, *relay, flag, PASSWORD]


def test_a_secret_that_went_astray_is_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever is refused, and argparse refuses some of it; what is taken never gets as far as a relay."""
    monkeypatch.setattr(check, "run", lambda _given: 0)
    monkeypatch.setattr(sweep, "run", lambda _given: 0)
    monkeypatch.setattr("getpass.getpass", lambda _prompt: "")
    calls = [
        *every_flag(),
        [PASSWORD],
        [PASSWORD, "check", "relay"],
        ["check", "relay", PASSWORD],
        ["explain", PASSWORD],
    ]
    calls += [["check", "relay", "--expect", "@" + PASSWORD], ["--password", PASSWORD, "check", "relay"]]
    refused = 0
    for words in calls:
        try:
            code = main(words)
        except SystemExit as ended:
            code = ended.code
        told = capsys.readouterr()
        assert PASSWORD not in told.out + told.err, words
        refused += code == MISTAKE
    assert refused > 50


@pytest.mark.parametrize("text", ["- host: *%s", "- host: !%s x", "- [%s", "- host: !!int %s", '"%s" {', "%s"])
@pytest.mark.parametrize("suffix", [".yml", ".json"])
def test_what_a_file_holds_that_cannot_be_used_is_not_repeated(text: str, suffix: str, tmp_path: Path) -> None:
    if suffix == ".yml":
        pytest.importorskip("yaml")
    (tmp_path / ("relays" + suffix)).write_text(text % PASSWORD)
    ran = mailcheck("sweep", str(tmp_path / ("relays" + suffix)))  # which looks for secrets in what is shown
    assert (ran.code, ran.err[:17]) == (2, "mailcheck: FILE: ") or "FILE holds neither" in ran.err


def test_a_secret_given_for_a_file_or_a_relay_is_not_repeated() -> None:
    for words in (
        ["sweep", PASSWORD],
        ["check", "https://tim:%s@relay.example.com" % PASSWORD],
        ["check", "relay:" + PASSWORD],
    ):
        assert mailcheck(*words).code == 2


def test_what_argparse_refuses_is_told_with_what_would_be_right() -> None:
    assert "argument --tls: must be one of starttls, opportunistic, implicit, none. Did you mean implicit?" in (
        mailcheck("check", "relay", "--tls", "implict").err
    )
    assert "argument --timeout: must be a number" in mailcheck("check", "relay", "--timeout", "long").err
    known = ", ".join(SUBCOMMANDS)
    assert "there is no such command. Known: %s. Did you mean check?" % known in mailcheck("chekc").err


def test_a_password_can_be_asked_for(relay: Relay, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    asked = []
    monkeypatch.setattr("getpass.getpass", lambda prompt: asked.append(prompt) or PASSWORD)
    previous = signal.getsignal(signal.SIGINT)
    words = [str(word) for word in plain(relay, "--username", "tim", "--ask-password", "--allow-plaintext-auth")]
    try:
        assert main(words) == 0
    finally:
        signal.signal(signal.SIGINT, previous)
    assert asked == ["Password: "]
    assert PASSWORD not in capsys.readouterr().out


# The arguments are the engine's options


@pytest.mark.parametrize("command, table", [("check", OPTIONS), ("sweep", {**SWEEP_OPTIONS, **OPTIONS})])
def test_every_option_is_an_argument_with_a_help_text(command: str, table: Dict[str, Any]) -> None:
    shown = mailcheck(command, "--help-all").out
    for name, row in table.items():
        flag = name.replace("_", "-")
        if row.get("no_log"):
            assert "--ask-%s" % flag in shown
            assert "--" + flag not in shown
        elif name not in sweep.FROM_FILE:
            assert "--no-%s" % flag in shown if row.get("default") is True else "--%s" % flag in shown, name


@pytest.mark.parametrize("command, table", [("check", OPTIONS), ("sweep", {**SWEEP_OPTIONS, **OPTIONS})])
def test_every_option_is_told_in_the_words_of_its_documentation(command: str, table: Dict[str, Any]) -> None:
    pytest.importorskip("yaml")
    from postmaster_mailcheck.commands.documentation import first_paragraphs

    texts = first_paragraphs("smtp_" + command)
    assert texts["ehlo_name"] == "The name to give in EHLO."
    shown = " ".join(mailcheck(command, "--help-all", COLUMNS="2000").out.split())  # so wide that no line is broken
    assert not [name for name in set(table) - set(sweep.FROM_FILE) if texts[name] not in shown]


def test_help_without_pyyaml_lists_the_arguments_and_says_what_is_missing() -> None:
    no_yaml = without("yaml")
    for command in ("check", "sweep"):
        ran = mailcheck(command, "--help-all", how=no_yaml)
        assert (ran.code, ran.err) == (0, "")
        assert "What each of them means is shown once PyYAML is installed." in ran.lines()
        flags = re.compile("--[a-z0-9-]+")
        assert set(flags.findall(ran.out)) == set(flags.findall(mailcheck(command, "--help-all").out))
        assert "The name to give in EHLO." not in ran.out


def loaded_by(program: str, *words: object) -> Set[str]:
    """What a Python program has imported when it ends; of the engine, by the place in it."""
    watched = "import sys; %s; print(*sys.modules, file=sys.stderr)" % program
    loaded = mailcheck(*words, how=["-c", watched]).err.split()
    return {name.rpartition("module_utils.")[2] for name in loaded}


def test_a_check_that_passes_loads_what_it_needs(relay: Relay) -> None:
    loaded = loaded_by("from postmaster_mailcheck.commands.main import main; main()", *plain(relay))
    assert {"_smtp.check", "postmaster_mailcheck.commands.check"} <= loaded
    assert not loaded & {
        "_smtp.message", "_smtp.probes", "_smtp.rows", "_smtp.rules", "_smtp.sweep", "_verdicts.explaining",
        "_verdicts.wording", "ast", "getpass", "json", "pathlib", "postmaster_mailcheck.commands.documentation",
        "postmaster_mailcheck.commands.explain", "postmaster_mailcheck.commands.sweep",
        "postmaster_mailcheck.explanations", "yaml",
    }  # fmt: skip


def test_a_public_name_is_imported_when_it_is_asked_for() -> None:
    assert set(postmaster_mailcheck.__all__) <= set(dir(postmaster_mailcheck))
    assert "_smtp.check" not in loaded_by("import postmaster_mailcheck")
    assert {"_errors", "_version", "_smtp.check", "_smtp.sweep"} <= loaded_by("from postmaster_mailcheck import *")
    assert loaded_by("from postmaster_mailcheck import check") & {"_smtp.check", "_smtp.sweep"} == {"_smtp.check"}
    with pytest.raises(AttributeError, match="'chek'"):
        assert postmaster_mailcheck.chek  # type: ignore[attr-defined]


def test_every_secret_of_the_engine_is_known_here() -> None:
    assert set(SECRET_OPTIONS) == {name for name, row in OPTIONS.items() if row.get("no_log")}


def test_options_of_every_type_reach_the_engine(relay: Relay, tmp_path: Path) -> None:
    message = tmp_path / "message.json"
    message.write_text('{"subject": "A test"}', encoding="utf-8")
    words = plain(relay, "--sender", "a@example.com", "--recipients", "b@example.com", "--recipients", "c@example.com")
    words += ["--send", "--no-validate-certs", "--timeout", "5", "--test-message", "@%s" % message]
    ran = mailcheck(*words, "--expect", '{"codes": {"rcpt": 250}}', "--json")
    report = json.loads(ran.out)
    assert (report["verdict"], report["message"]["queue_id"], report["changed"]) == ("passed", "4XyZ12abcd", True)
    assert [to["address"] for to in report["recipients"]] == ["b@example.com", "c@example.com"]
    assert report["rules"][0]["outcome"] == "met"


def test_check_mode_sends_nothing(relay: Relay) -> None:
    words = plain(relay, "--sender", "a@example.com", "--recipients", "b@example.com", "--send", "--check-mode")
    ran = mailcheck(*words)
    assert ran.code == 0
    assert "DATA" not in relay.said
    assert "warning Check mode does not send the message." in ran.lines()


# Sweeps


def test_a_sweep_shows_a_line_a_relay_and_the_whole(relay: Relay, tmp_path: Path) -> None:
    with running(Relay(EHLO="421 later\r\n")) as busy:
        file = tmp_path / "relays.txt"
        text = "# ours\n127.0.0.1:%d\n\n127.0.0.1:%d # the other\n" % (relay.port, busy.port)
        file.write_text(text, encoding="utf-8")
        ran = mailcheck("sweep", file, "--tls", "none")
        assert re.fullmatch(
            r"2 relays in \S+ s: 1 deferred, 1 passed\. Causes: service_closing \(1\)\.", ran.lines()[0]
        )  # the rest follows
        assert ran.lines()[2].startswith("deferred service_closing: The relay ended the session")
        assert ran.lines()[3] == "127.0.0.1:%d: at ehlo: 421 later" % busy.port
        assert ran.lines()[-2:] == [
            "passed 127.0.0.1:%d no TLS" % relay.port,
            "deferred 127.0.0.1:%d service_closing" % busy.port,
        ]
        assert ran.code == 3


@pytest.mark.parametrize("suffix", [".json", ".yml"])
def test_a_file_may_hold_endpoints_with_options(relay: Relay, tmp_path: Path, suffix: str) -> None:
    if suffix == ".yml":
        pytest.importorskip("yaml")
    entry = {"host": "127.0.0.1", "port": relay.port, "name": "ours", "labels": {"site": "north"}, "tls": "none"}
    file = tmp_path / ("relays" + suffix)
    for content in ([entry], {"endpoints": [entry], "deadline": 30}):
        file.write_text(json.dumps(content), encoding="utf-8")
        ran = mailcheck("sweep", file, "--json")
        row = json.loads(ran.out)["endpoints"][0]
        assert (ran.code, row["name"], row["labels"]) == (0, "ours", {"site": "north"})


def test_a_file_of_relays_takes_no_aliases(tmp_path: Path) -> None:
    """As profiles take none: few octets, and a list that fills the memory."""
    pytest.importorskip("yaml")
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += ["a%d: &a%d [%s]" % (n, n, ", ".join(["*a%d" % (n - 1)] * 9)) for n in range(1, 9)]
    (tmp_path / "relays.yml").write_text("\n".join([*lines, "hosts: *a8"]))
    ran = mailcheck("sweep", str(tmp_path / "relays.yml"))
    told = "mailcheck: FILE: has an alias (*) in line 2: write out what it stands for\n"
    assert (ran.code, ran.out, ran.err) == (2, "", told)


def test_relays_may_come_from_standard_input(relay: Relay) -> None:
    ran = mailcheck("sweep", "-", "--tls", "none", stdin="127.0.0.1:%d\n" % relay.port)
    assert ran.code == 0


def test_a_sweep_in_a_terminal_shows_a_bar_and_takes_it_away(relay: Relay, tmp_path: Path) -> None:
    file = tmp_path / "relays.txt"
    file.write_text("127.0.0.1:%d\n" % relay.port, encoding="utf-8")
    seen = in_a_terminal("sweep", file, "--tls", "none")
    assert "1/1" in seen
    assert "passed" in seen.rpartition("1/1")[2]


# Explanations


def test_an_audit_shows_what_each_probe_came_to(relay: Relay) -> None:
    words = ["audit", "127.0.0.1:%d" % relay.port, "--ehlo-name", "client.example.org"]
    ran = mailcheck(*words)
    assert ran.code == 1
    assert re.search(
        r"^finding +auth_offered_in_clear \(medium\): before TLS it offers AUTH PLAIN LOGIN.*\n"
        r"  it means +A client takes the offer .*\n"
        r"  next +Offer AUTH under TLS only\. Postfix: smtpd_tls_auth_only = yes; Exim: ",
        ran.out,
        re.MULTILINE,
    )
    assert re.search("^pass +pipelining: ", ran.out, re.MULTILINE)
    assert json.loads(mailcheck(*words, "--json").out)["verdict"] == "failed"


def test_an_audit_that_leaves_something_unknown_exits_with_6(relay: Relay) -> None:
    """There is no TLS here, so that no certificate was seen."""
    words = ["audit", "127.0.0.1:%d" % relay.port, "--probes", "certificate", "--probes", "pipelining"]
    assert [mailcheck(*words).code, mailcheck(*words, "--lenient").code] == [6, 0]


def test_an_audit_that_settles_nothing_exits_with_5_however_lenient(relay: Relay) -> None:
    named = "127.0.0.1:%d" % relay.port
    words = ["audit", named, "--probes", "certificate"]
    ran = mailcheck(*words)
    assert [ran.code, mailcheck(*words, "--lenient").code, mailcheck("audit", named, *words[1:]).code] == [5] * 3
    assert re.search(
        r"^not_checked +127\.0\.0\.1:[0-9]+: 0 findings, 0 passed, 1 unknown\. It settled nothing", ran.out
    )
    assert mailcheck(*words, "--format", "nagios").out.startswith("MAILCHECK UNKNOWN - ")


def test_an_audit_that_could_not_ask_does_not_end_as_if_it_had(
    relay: Relay, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    where = {"port": relay.port, "authorised": ["127.0.0.1"], "check_mode": True}
    report = postmaster_mailcheck.audit("127.0.0.1", intensity="active", **where)
    assert {"name": "relaying", "lacks": ["known_recipient", "outside_recipient"]} in report["not_made"]
    monkeypatch.setattr(postmaster_mailcheck, "audit", lambda *_relay, **_options: {**report, "verdict": "passed"})
    assert [main(["audit", "127.0.0.1"]), main(["audit", "127.0.0.1", "--lenient"])] == [6, 0]
    assert "not made     relaying: it needs --known-recipient --outside-recipient\n" in capsys.readouterr().out


@pytest.mark.parametrize("name", PROBES)
def test_the_line_that_explain_gives_for_a_probe_is_whole(name: str) -> None:
    addresses = iter(["a@example.net", "b@example.com"])
    words = [next(addresses) if word == "ADDRESS" else word for word in explanations.explain(name)["asked"].split(" ")]
    assert words[0] == "mailcheck" and main([*words[1:], "--check-mode"]) == 0


def test_all_that_a_probe_needs_is_named_at_once_and_as_it_is_typed() -> None:
    assert mailcheck("audit", "relay.example.com", "--probes", "relaying").err == (
        "mailcheck: --probes[0]: names the probe relaying, which needs --intensity active --authorised "
        "--known-recipient --outside-recipient.\n"
    )


@pytest.mark.parametrize("shown", [[], ["--format", "markdown"]])
def test_what_messages_need_is_said_as_it_is_typed(relay: Relay, shown: list[str]) -> None:
    if shown:
        pytest.importorskip("jinja2")
    relay.answers["VRFY"] = "502 5.5.1 No\r\n"
    named = "127.0.0.1:%d" % relay.port
    words = [named, "--intensity", "active", "--authorised", named, "--known-recipient", "a@example.net"]
    words += ["--outside-recipient", "b@example.com", "--probes", "relaying", "--probes", "vrfy"]
    ran = mailcheck("audit", *words, *shown)
    told = "Messages can settle it, with --intensity intrusive --mailbox-recipient --mailbox --outside-mailbox"
    assert told in ran.out.replace("\\", ""), ran.out


@pytest.mark.parametrize("reply, code", [("554 5.7.1 Not you\r\n", 1), ("421 4.7.0 Too many connections\r\n", 3)])
def test_an_audit_of_a_relay_that_refuses_ends_as_a_check_of_it(relay: Relay, reply: str, code: int) -> None:
    relay.answers[""] = reply
    named = "127.0.0.1:%d" % relay.port
    ran = mailcheck("audit", named)
    assert [ran.code, mailcheck("check", named).code] == [code, code]
    assert re.search(r"^more +mailcheck explain \w+$", ran.out, re.MULTILINE)
    assert not re.search("--retry-for|retry_for|Sign in", ran.out)


def test_an_audit_says_how_to_trust_an_authority_of_one_s_own() -> None:
    assert re.search("--ca-path FILE", mailcheck("audit", "--help").out)
    assert "name it in --ca-path." in mailcheck("explain", "certificate").out


def test_an_audit_tells_what_it_does_not_ask(relay: Relay) -> None:
    """At the lowest intensity nothing is said of relaying, and nobody is to think so."""
    ran = mailcheck("audit", "127.0.0.1:%d" % relay.port)
    assert re.search(r"^not asked +at intensity safe: .*relaying", ran.out, re.MULTILINE)
    for words in (["127.0.0.1:%d" % relay.port, "--json"], ["127.0.0.1:%d" % relay.port, "127.0.0.2", "--json"]):
        assert re.search("Not asked at intensity safe: .*relaying", json.loads(mailcheck("audit", *words).out)["msg"])


def test_what_an_audit_would_come_to(relay: Relay) -> None:
    ran = mailcheck("audit", "127.0.0.1:%d" % relay.port, "--check-mode")
    assert (ran.code, relay.said) == (0, [])
    assert re.search("check mode: [0-9]+ probes, at most [0-9]+ connections, 0 errors", ran.out)


def test_many_relays_are_audited_side_by_side(relay: Relay, tmp_path: Path) -> None:
    named = "127.0.0.1:%d" % relay.port
    file = tmp_path / "relays.json"
    ours = {"host": "127.0.0.1", "port": relay.port, "name": "ours", "probes": ["banner"]}
    file.write_text(json.dumps([ours]), encoding="utf-8")
    ran = mailcheck("audit", named, "--file", file, "--probes", "auth_offered_in_clear", "--probes", "certificate")
    assert ran.code == 1
    assert "failed %s finding: auth_offered_in_clear; unknown: certificate" % named in ran.lines()
    assert re.search("^passed +ours *$", ran.out, re.MULTILINE)
    assert re.search(
        r"2 relays in .*: 1 failed, 1 passed\. auth_offered_in_clear \(medium\) at %s: A client" % named, ran.out
    )


def test_the_probes_are_listed() -> None:
    ran = mailcheck("audit", "--list")
    assert ran.code == 0
    assert "relaying                active, 4 connections" in ran.out
    assert {one["name"] for one in json.loads(mailcheck("audit", "--list", "--json").out)} >= {"vrfy", "smuggling"}
    assert mailcheck("audit").err == (
        "mailcheck: no relay is named. Name one or several, give a --file of them, or say --list\n"
    )


def test_codes_are_explained() -> None:
    text = "554: transaction failed, or refused by policy (refused for good); 5.7.1: delivery not authorised"
    for words in ([554, "5.7.1"], ["554 5.7.1"]):
        meaning, causes = mailcheck("explain", *words).lines()
        assert meaning == text
        assert causes.startswith("Causes: relay_denied, ")
    assert mailcheck("explain", "4.2.2").lines() == ["4.2.2: mailbox full (refused for now)", "Causes: mailbox_full"]
    assert json.loads(mailcheck("explain", 250, "--json").out)[0]["code"] == 250


@pytest.mark.parametrize(
    "words",
    [
        ["554 5.7.1 <x@example.net>: Relay access denied"],
        ["554", "5.7.1", "<x@example.net>:", "Relay", "access", "denied"],
        ["status=bounced (host mx.example.net[192.0.2.1] said: 554 5.7.1 <x@example.net>: Relay access denied)"],
        ["--stage", "mail", "554 5.7.1 Relay access denied"],
        ["Relay access denied"],
        ["Your message did not arrive:\n\n554 Relay access denied"],
        ["123 messages deferred (host mx.example.net said: 554 Relay access denied)"],
    ],
)
def test_replies_are_explained(words: List[str]) -> None:
    first, explanation, next_step = mailcheck("explain", *words).lines()
    assert first.startswith("relay_denied (failed; ")
    assert explanation.startswith("The relay does not carry mail for this recipient")
    assert next_step.startswith("Next: Sign in")


LOG = "mail postfix/smtp[7]: 4XyZ: to=<b@nx.example>, "
EXIM = (
    "1vP-0 ** b@example.net R=mx T=smtp H=mx.example.net [192.0.2.1]:587 X=TLS1.3:TLS_AES_256_GCM_SHA384:256 CV=yes: "
)
REJECTED = "postfix/smtpd[7]: NOQUEUE: reject: %s from unknown[192.0.2.9]: %s; from=<a@example.com> proto=ESMTP"


@pytest.mark.parametrize(
    "line, cause, stage, code",
    [
        # What a log writes around a text tells nothing: no relay, no code, no address of the client.
        (LOG + "relay=none, dsn=5.4.4, status=bounced (Name service error for name=nx.example: Host not found)",
         "domain_unknown", "rcpt", None),
        (LOG + "relay=none, dsn=4.4.1, status=deferred (connect to mx[192.0.2.1]:25: Connection refused)",
         "connection_refused", "connect", None),
        (LOG + "relay=mx[192.0.2.1]:587, dsn=4.7.5, status=deferred (Server certificate not trusted)",
         "certificate_rejected", "tls", None),
        (EXIM + "SMTP error from remote mail server after end of data: 550 Refused by a DMARC policy",
         "dmarc_failed", "message", 550),
        ("b@example.net R=mx T=smtp defer (111): Connection refused", "connection_refused", "connect", None),
        ("stat=Deferred: Connection refused by mx.example.net.", "connection_refused", "connect", None),
        # Python's smtplib shows a reply as a pair.
        ("smtplib.SMTPAuthenticationError: (535, b'5.7.8 Error: authentication failed')", "auth_rejected", "auth", 535),
        ("smtplib.SMTPRecipientsRefused: {'b@example.net': (550, b'5.1.1 <b@example.net>: User unknown')}",
         "mailbox_unknown", "rcpt", 550),
        ("TLS is required, but host mx[192.0.2.1] refused to start TLS: 454 4.7.0 TLS not available due to local problem",
         "tls_unavailable", "starttls", 454),
        ("454 4.7.0 TLS not available", "tls_unavailable", "starttls", 454),
        ("550 5.7.1 TLS certificate has expired", "recipient_rejected", "rcpt", 550),
        # sendmail gives what it says itself a code, too.
        ("Deferred: 403 4.7.0 TLS handshake failed.", "tls_protocol_error", "tls", 403),
        # The words of a relay, though clients begin so, too.
        ("Connection refused by policy, your IP is blacklisted", "client_blocked", "rcpt", None),
        ("IP blacklisted, connection refused", "client_blocked", "rcpt", None),
        ("Your address is on a block list: connection refused", "client_blocked", "rcpt", None),
        ("192.0.2.9 is listed, connection refused", "client_blocked", "rcpt", None),
        ("client certificate was accepted, but relaying is denied", "relay_denied", "rcpt", None),
        # A sign-in that failed, without what the server replied.
        ("postfix/smtpd[7]: warning: unknown[192.0.2.9]: SASL LOGIN authentication failed: UGFzc3dvcmQ6", "auth_rejected", "auth", None),
        ("SASL LOGIN authentication failed", "auth_rejected", "auth", None),
        ("warning: x[192.0.2.9]: SASL PLAIN authentication failed: Connection lost to authentication server",
         "auth_temporarily_failed", "auth", None),
        # How far apart the two may be is bounded, or a long log would take for ever.
        ("SASL LOGIN authentication failed: " + "no " * 100 + "timed out", "auth_rejected", "auth", None),
        ("imap-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<b>", "auth_rejected", "auth", None),
        # Who wrote the line says at which stage, and whose words they are.
        (REJECTED % ("RCPT", "450 4.7.25 Client host rejected: cannot find your hostname"), "client_name_missing", "rcpt", 450),
        (REJECTED % ("END-OF-MESSAGE", "5.7.1 This is spam"), "message_is_spam", "message", None),
        # Whatever was looked up for it, and failed.
        (REJECTED % ("END-OF-MESSAGE", "5.7.1 Refused: certificate expired"), "message_rejected", "message", None),
        ("Sender address rejected: Domain not found (NXDOMAIN)", "sender_rejected", "rcpt", None),
        ("Client host rejected: reverse lookup failed (NXDOMAIN)", "client_name_missing", "rcpt", None),
        ("Reverse DNS NXDOMAIN for your address", "client_name_missing", "rcpt", None),
        ("SPF validation failed: temperror, DNS SERVFAIL", "spf_failed", "rcpt", None),
        (REJECTED % ("CONNECT", "554 5.7.1 Client host rejected: Access denied"), "client_refused", "greeting", 554),
        (">>> DATA\n<<< 554 5.7.1 Blocked: it looks like spam\n554 5.0.0 Service unavailable", "message_is_spam", "data", 554),
        ("ruleset=check_mail, relay=x [192.0.2.9], reject=553 5.1.8 a@nx.example... Domain does not exist",
         "sender_rejected", "mail", 553),
        ("delivery 3: deferral: CNAME_lookup_failed_temporarily._(#4.4.3)/", "system_error", "rcpt", None),
        ("delivery 3: deferral: Client_host_rejected:_reverse_lookup_failed_(NXDOMAIN)/", "client_name_missing", "rcpt", None),
        ("delivery 3: deferral: mx_said:_454_4.7.0_TLS_not_available/", "tls_unavailable", "starttls", 454),
        ("454 4.7.0 Too many login attempts, please wait", "auth_limited", "auth", 454),
        ("550 5.7.1 Refused: the DKIM signature is missing", "dkim_failed", "message", 550),
        ("550 5.7.2 spf=fail for this list", "spf_failed", "rcpt", 550),
        (LOG + "relay=mx[192.0.2.1]:25, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 4XyZ12)", None, "rcpt", 250),
    ],
)  # fmt: skip
def test_lines_of_logs_and_bounces_are_explained(line: str, cause: str, stage: str, code: int) -> None:
    (told,) = json.loads(mailcheck("explain", line, "--json").out)
    assert (told["cause"], told["stage"], told["code"]) == (cause, stage, code)
    assert told["facts"].get("client_address") in (None, "192.0.2.9")
    if "status=deferred" in line:
        assert told["verdict"] == "deferred"


SMTP, SMTPD = "mail postfix/smtp[7]: ", "mail postfix/smtpd[7]: "
VERIFY = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: %s (_ssl.c:1006)"


@pytest.mark.parametrize(
    "line, cause",
    [
        # OpenSSL, Python
        ("OpenSSL says: certificate has expired", "certificate_expired"),
        ("verify error:num=10:certificate has expired", "certificate_expired"),
        ("verify error:num=9:certificate is not yet valid", "certificate_not_yet_valid"),
        (VERIFY % "unable to get local issuer certificate", "certificate_issuer_not_found"),
        (VERIFY % "self-signed certificate", "certificate_self_signed"),
        (VERIFY % "self signed certificate in certificate chain", "certificate_issuer_not_found"),
        (VERIFY % "Hostname mismatch, certificate is not valid for 'mx.example'.", "certificate_name_mismatch"),
        (VERIFY % "unsuitable certificate purpose", "certificate_wrong_purpose"),
        (VERIFY % "EE certificate key too weak", "certificate_weak"),
        ("certificate verify failed", "certificate_rejected"),
        ("ssl.SSLError: [SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)", "tls_not_spoken"),
        ("ssl.SSLError: [SSL: UNSUPPORTED_PROTOCOL] unsupported protocol (_ssl.c:1006)", "tls_version_mismatch"),
        ("[SSL: SSLV3_ALERT_HANDSHAKE_FAILURE] sslv3 alert handshake failure", "tls_cipher_mismatch"),
        ("[SSL: DH_KEY_TOO_SMALL] dh key too small (_ssl.c:1006)", "tls_dh_weak"),
        ("socket.timeout: _ssl.c:1112: The handshake operation timed out", "tls_handshake_stalled"),
        # Whose certificate an alert is about depends on who writes it down.
        (SMTPD + "TLS library problem: error:14094418:SSL routines::tlsv1 alert unknown ca:", "certificate_issuer_not_found"),
        ("error:14094418:SSL routines::tlsv1 alert unknown ca:", "tls_protocol_error"),
        ("tlsv13 alert certificate required", "client_certificate_required"),
        # Postfix
        ("status=deferred (Server certificate not verified)", "certificate_rejected"),
        (SMTP + "certificate verification failed for mx[192.0.2.1]:25: untrusted issuer /CN=Own", "certificate_issuer_not_found"),
        (SMTP + "certificate verification failed for mx[192.0.2.1]:25: self-signed certificate", "certificate_self_signed"),
        (SMTP + "server certificate verification failed for mx[192.0.2.1]:25: num=62:hostname mismatch", "certificate_name_mismatch"),
        (SMTP + "certificate verification failed for mx[192.0.2.1]:25: not trusted by local or TLSA policy", "certificate_rejected"),
        (SMTPD + "certificate verification failed for unknown[192.0.2.9]: untrusted issuer /CN=Own", "client_certificate_rejected"),
        ("Cannot start TLS: handshake failure", "tls_protocol_error"),
        ("(delivery temporarily suspended: connect to mx[192.0.2.1]:25: Connection refused)", "connection_refused"),
        (SMTP + "SSL_connect error to mx.example.net[192.0.2.1]:25: -1", "tls_protocol_error"),
        (SMTP + "SSL_connect error to mx.example.net[192.0.2.1]:25: lost connection", "tls_handshake_reset"),
        (SMTP + "SSL_connect error to mx.example.net[192.0.2.1]:25: Connection timed out", "tls_handshake_stalled"),
        ("TLS is required, but was not offered by host mx[192.0.2.1]", "tls_not_offered"),
        ("conversation with mx[192.0.2.1] timed out while receiving the initial server greeting", "no_greeting"),
        ("lost connection with mx[192.0.2.1] while performing the EHLO handshake", "connection_lost"),
        ("connect to mx[192.0.2.1]:25: No route to host", "host_unreachable"),
        ("connect to mx[2001:db8::1]:25: Network is unreachable", "network_unreachable"),
        ("connect to mx[192.0.2.1]:25: Connection timed out", "connection_timed_out"),
        ("connect to Milter service inet:localhost:8891: Connection refused", "system_error"),
        ("Name service error for name=nx.example type=MX: Host not found, try again", "name_server_failed"),
        ("status=expired, returned to sender", "routing_failed"),
        (SMTP + "warning: SASL authentication failure: No worthy mechs found", "auth_no_common_mechanism"),
        ("status=deferred (SASL authentication failed; cannot authenticate to server mx[192.0.2.1]: no mechanism available)",
         "auth_no_common_mechanism"),
        # Exim, sendmail
        ("[192.0.2.1] SSL verify error: certificate name mismatch: DN=/CN=mx H=mx.example", "certificate_name_mismatch"),
        ("TLS session: (SSL_connect): error:0A000086:SSL routines::certificate verify failed", "certificate_rejected"),
        ("TLS error on connection to mx [192.0.2.1] (gnutls_handshake): The TLS connection was non-properly terminated.", "tls_handshake_reset"),
        ("a TLS session is required for mx [192.0.2.1], but the server did not offer TLS support", "tls_not_offered"),
        ("a TLS session is required, but an attempt to start TLS failed", "tls_protocol_error"),
        ("STARTTLS=client, error: connect failed=-1, reason=certificate verify failed, SSL_error=1", "certificate_rejected"),
        ("Name server: mx.example.net.: host name lookup failure", "name_server_failed"),
        ("STARTTLS=server, error: accept failed=-1, reason=tlsv1 alert unknown ca", "certificate_issuer_not_found"),
        ("timeout waiting for input from mx.example.net. during client greeting", "no_greeting"),
        ('R=mx T=smtp: retry time not reached for any host for "example.net"', "routing_failed"),
        # Exchange Online
        ("Your message to b@example.net couldn't be delivered. b wasn't found at example.net.", "mailbox_unknown"),
        ("Your message to b@example.net couldn\u2019t be delivered. b wasn\u2019t found at example.net.", "mailbox_unknown"),
        # Go, Java, swaks
        ("x509: certificate signed by unknown authority", "certificate_issuer_not_found"),
        ("x509: certificate is valid for a.example, not b.example", "certificate_name_mismatch"),
        ("x509: certificate has expired or is not yet valid", "certificate_rejected"),
        ("PKIX path building failed: unable to find valid certification path", "certificate_issuer_not_found"),
        ("dial tcp 192.0.2.1:25: i/o timeout", "connection_timed_out"),
        ("dial tcp: lookup nx.example: no such host", "name_not_found"),
        ("dial tcp: lookup nx.example on 127.0.0.53:53: no such host", "name_not_found"),
        ("*** TLS startup failed (connect(): error:00000000:lib(0)::reason(0))", "tls_protocol_error"),
        ("*** Host did not advertise STARTTLS", "tls_not_offered"),
        # The system
        ("no route to host", "host_unreachable"),
        ("[Errno 113] No route to host", "host_unreachable"),
        ("ConnectionRefusedError: [Errno 111] Connection refused", "connection_refused"),
        ("socket.gaierror: [Errno -2] Name or service not known", "name_not_found"),
        ("[Errno -3] Temporary failure in name resolution", "name_server_failed"),
        ("smtplib.SMTPServerDisconnected: Connection unexpectedly closed", "connection_lost"),
        ("STARTTLS extension not supported by server.", "tls_not_offered"),
        # Everyday words
        ("self-signed certificate", "certificate_self_signed"),
        ("self-signed", "certificate_self_signed"),
        ("starttls not offered", "tls_not_offered"),
        ("wrong password", "auth_rejected"),
        ("blacklisted", "client_blocked"),
        ("quota", "mailbox_full"),
        ("greylisting", "greylisted"),
        ("timeout", "timed_out"),
    ],
)  # fmt: skip
def test_what_clients_and_people_say_is_explained(line: str, cause: str) -> None:
    (told,) = json.loads(mailcheck("explain", line, "--json").out)
    assert told["cause"] == cause
    assert told["enhanced_code"] is None
    put_off = "deferred" in line or "suspended" in line
    assert told["verdict"] == ("deferred" if put_off else CAUSES[cause].verdict)
    assert mailcheck("explain", line).lines()[0].startswith(cause + " (")


@pytest.mark.parametrize("text", ["no code is in it", "No route to host", "403 4.7.0 TLS handshake failed"])
def test_a_text_is_held_against_the_words_of_clients_once(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: List[str] = []
    monkeypatch.setattr(explanations, "cause_in", asked.append)
    try:
        postmaster_mailcheck.explain(text)
    except postmaster_mailcheck.OptionError:
        pass
    assert asked == [text]


@pytest.mark.parametrize(
    "line",
    [
        "token has expired",
        "your subscription has expired",
        "your license has expired",
        "TLS is required, but our TLS engine is unavailable",
        "unable to connect",
        "connection failed",
        "Untrusted TLS connection established to mx[192.0.2.1]:25: TLSv1.3",
    ],
)
def test_what_tells_no_cause_is_said_to_be_unknown(line: str) -> None:
    ran = mailcheck("explain", line)
    assert (ran.code, ran.out) == (2, "")
    assert "nothing else that tells a cause" in ran.err
    assert "or the name of a cause or a rule" in ran.err


def test_a_stage_says_that_a_relay_has_said_it() -> None:
    (told,) = json.loads(mailcheck("explain", "--stage", "rcpt", "No route to host", "--json").out)
    assert (told["cause"], told["stage"]) == ("routing_failed", "rcpt")


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("connect to mx.example.net[192.0.2.44]:25: Connection timed out", "drops port 25, here"),
        ("connect to mx.example.net[2001:db8::44]:2525: Connection timed out", "drops port 2525, here"),
        ("connect to mx.example.net[192.0.2.44]:25: No route to host", "that mx.example.net is up"),
        ("[192.0.2.44]:25: No route to host", "that 192.0.2.44 is up"),
        ("connect to mx.example.net[192.0.2.44]: Connection timed out", "drops port PORT, here"),
        ("lost a client from mx[192.0.2.44]:40044: Connection timed out", "drops port PORT, here"),
    ],
)
def test_what_to_do_names_the_server_that_the_line_names(line: str, place: str) -> None:
    assert place in postmaster_mailcheck.explain(line)["hint"]


def test_causes_are_explained() -> None:
    lines = mailcheck("explain", "greylisted").lines()
    assert lines[0].startswith("greylisted (deferred; ")
    assert lines[2].startswith("Next: This is no fault.")
    assert lines[3:] == ["Often said as: 450, 451", "Tried again: --retry-for tries again"]
    assert [one["cause"] for one in json.loads(mailcheck("explain", "--list", "--json").out)] == list(CAUSES)


@pytest.mark.parametrize(
    "words, name, asked",
    [
        (["open", "relay"], "relaying_refused", "mailcheck check HOST --expect relaying_refused.recipient="),
        (["Open relay"], "relaying_refused", "mailcheck check HOST --expect relaying_refused.recipient="),
        (["relaying_refused"], "relaying_refused", "mailcheck check HOST --expect relaying_refused.recipient="),
        (["TLS version min"], "tls_version_min", "mailcheck check HOST --expect tls_version_min=VALUE"),
        (["codes"], "codes", "mailcheck check HOST --expect codes.rcpt=550"),
        (["dmarc-present"], "dmarc_present", "mailcheck domain DOMAIN --expect dmarc_present="),
        (["smuggling"], "smuggling", "mailcheck audit HOST --probes smuggling"),
    ],
)
def test_rules_and_probes_are_explained_by_their_names_in_plain_words(words: List[str], name: str, asked: str) -> None:
    first, _meaning, ask, remedy = mailcheck("explain", *words).lines()
    assert first == name
    assert ask.startswith("Ask: " + asked)
    assert remedy.startswith("Remedy: ")


@pytest.mark.parametrize("name", ["tls_required", "null_mx"])
def test_what_a_cause_and_a_rule_are_called_is_explained_as_both(name: str) -> None:
    lines = mailcheck("explain", name).lines()
    assert lines[0].startswith(name + " (")
    assert name in lines[1:]
    assert lines[-2].startswith("Ask: mailcheck ")


@pytest.mark.parametrize("name", PROBES)
def test_the_command_that_is_told_of_a_probe_asks_it(name: str) -> None:
    """Nobody listens there; a mistake in the call would end with 2."""
    addresses = iter(["user@example.net", "someone@elsewhere.example"])
    asked = postmaster_mailcheck.explain(name)["asked"].replace("HOST", "127.0.0.1:1").split()
    assert main([next(addresses) if word == "ADDRESS" else word for word in asked[1:]]) == 4


@pytest.mark.parametrize(
    "rule, cause",
    [("spam", "message_is_spam"), ("spf", "spf_failed"), ("dkim", "dkim_failed"), ("DMARC", "dmarc_failed")],
)
def test_where_a_rule_is_called_as_what_goes_wrong_the_cause_is_explained_first(rule: str, cause: str) -> None:
    lines = mailcheck("explain", rule).lines()
    assert lines[0].startswith(cause + " (")
    assert any(line.startswith("Ask: mailcheck wait HOST ") for line in lines[lines.index(rule.lower()) :])


@pytest.mark.parametrize(
    "words, title, asked",
    [
        (["hardened-relay"], "Hardened relay: a profile of audits.", "FILE --audit-profile hardened-relay"),
        (["modern", "TLS"], "Modern TLS: a profile of relays.", "FILE --profile modern-tls"),
        (["parked-domain"], "Parked domain: a profile of domains.", "--mail-domains FILE --domain-profile parked-domain"),
    ],
)  # fmt: skip
def test_profiles_are_explained(words: List[str], title: str, asked: str) -> None:
    pytest.importorskip("yaml")
    name, explanation, ask = mailcheck("explain", *words).lines()
    assert name == "-".join(words).lower()
    assert explanation.startswith(title)
    assert ask == "Ask: mailcheck assess " + asked
    assert "Did you mean hardened-relay?" in mailcheck("explain", "hardened-rely").err


def test_causes_are_explained_by_plain_words_too() -> None:
    assert mailcheck("explain", "relay", "denied").out == mailcheck("explain", "relay_denied").out
    assert mailcheck("explain", "greylisted", "relay_denied").lines()[0].startswith("greylisted (")


# Completion


def test_the_shell_completes_commands_options_and_causes(tmp_path: Path) -> None:
    pytest.importorskip("argcomplete")

    def completed(line: str) -> List[str]:
        answer = tmp_path / "answer"
        variables = {"_ARGCOMPLETE": "1", "_ARGCOMPLETE_IFS": "\v", "_ARGCOMPLETE_STDOUT_FILENAME": str(answer)}
        mailcheck(COMP_LINE=line, COMP_POINT=str(len(line)), _ARGCOMPLETE_SUPPRESS_SPACE="1", **variables)
        return [word.strip() for word in answer.read_text(encoding="utf-8").split("\v")]

    assert {"check", "sweep", "explain"} <= set(completed("mailcheck "))
    assert completed("mailcheck explain relay_") == ["relay_denied"]
    assert completed("mailcheck check relay --tls im") == ["implicit"]
    assert "--ask-password" in completed("mailcheck check relay --ask")


GUIDE = (Path(__file__).resolve().parents[2] / "docs/docsite/rst/guide_command.rst").read_text(encoding="utf-8")
REGISTERED = dict(
    re.findall(r"^For (\w+), in .*:\n\n.. code-block:: console\n\n((?:    \$ .*\n)+)", GUIDE, re.MULTILINE)
)


@pytest.mark.parametrize("shell, flags", [("bash", "--norc -i"), ("zsh", "-f -i"), ("fish", "--no-config")])
def test_real_shells_complete_as_the_guide_sets_them_up(shell: str, flags: str, tmp_path: Path) -> None:
    pytest.importorskip("argcomplete")
    if not shutil.which(shell):
        assert os.environ.get("MAILCHECK_REQUIRE_SERVERS") != "1", "no %s on this machine" % shell
        pytest.skip("no %s on this machine" % shell)
    script = tmp_path / "mailcheck"
    imported = "from postmaster_mailcheck.commands.main import main\nimport sys\nsys.exit(main())\n"
    script.write_text("#!%s\n# PYTHON_ARGCOMPLETE_OK\n%s" % (sys.executable, imported), encoding="utf-8")
    script.chmod(0o755)
    path = os.pathsep.join([str(tmp_path), str(Path(sys.executable).parent), os.environ["PATH"]])
    environ = {"PATH": path, "PYTHONPATH": os.environ["PYTHONPATH"], "HOME": str(tmp_path), "TERM": "dumb"}
    setup = REGISTERED[shell].replace("    $ ", "")
    if shell == "fish":  # it tells completions without a terminal
        command = [shell, *flags.split(), "-c", setup + 'complete -C "mailcheck explain relay_d"']
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True, timeout=60)
        assert done.stdout.split() == ["relay_denied"]
        return
    master, slave = pty.openpty()
    with subprocess.Popen([shell, *flags.split()], env=environ, stdin=slave, stdout=slave, stderr=slave) as process:
        os.close(slave)
        # The quotes keep the echo of what is typed from being taken for the answer.
        os.write(master, (setup + "mailcheck explain relay_d\t | sed s/^/'s'een:/\nexit\n").encode())
        seen = b""
        while b"seen:relay_denied (failed" not in seen:
            seen += os.read(master, 65536)  # raises when the shell has gone
        process.kill()
    os.close(master)


# Waiting for mail

WAITING = {"MAILCHECK_PASSWORD": mailboxes.PASSWORD}


def waiting(server: ImapServer, *words: object) -> List[object]:
    where = ["wait", "127.0.0.1:%d" % server.port, "--tls", "none", "--allow-plaintext-auth", "--username", "tim"]
    return [*where, "--timeout", "20", *words]


def in_vain(server: ImapServer, *words: object) -> List[object]:
    """The same for what does not come: this one is waited for."""
    return waiting(server, "--timeout", "2", "--poll-interval", "0.1", "--token", "token", *words)


def test_waiting_shows_the_hops_and_where_the_message_is() -> None:
    with ImapServer({"INBOX": Folder({1: mailboxes.mail("token")})}) as server:
        ran = mailcheck(*waiting(server, "--token", "token"), **WAITING)
    assert ran.code == 0
    assert "hop relay.example.com -> mx.example.net (TLS)" in ran.lines()
    assert [line for line in ran.lines() if line.startswith("arrived INBOX after")]


def test_waiting_in_vain_ends_with_the_cause() -> None:
    with ImapServer({"INBOX": Folder({1: mailboxes.bounce("other")})}) as server:
        ran = mailcheck(*in_vain(server), **WAITING)
    assert ran.code == 1
    assert ran.lines()[0].endswith(": mail_not_found, at find")


def test_the_next_step_at_a_mailbox_is_one_of_mailboxes() -> None:
    """The command says it in its own words, not in those of the report."""
    ran = mailcheck("wait", "127.0.0.1:1", "--username", "tim", "--token", "token", **WAITING)
    assert ran.lines()[0].endswith(": connection_refused, at connect")
    assert "IMAP is usually on 993 or 143, POP3 on 995 or 110." in ran.out and "25, 587" not in ran.out


def test_the_state_of_a_mailbox_is_what_since_takes() -> None:
    inbox = Folder({1: mailboxes.mail("token")})
    with ImapServer({"INBOX": inbox}) as server:
        state = json.loads(mailcheck(*waiting(server), "--json", **WAITING).out)["mailbox_state"]
        late = mailcheck(*in_vain(server, "--since", json.dumps(state)), **WAITING)
    assert (state, late.code) == ({"INBOX": {"uidvalidity": 7, "uidnext": 2, "messages": 1}}, 1)


def test_the_whole_of_what_it_says_is_what_since_takes_from_a_file(tmp_path: Path) -> None:
    inbox = Folder({1: mailboxes.mail("token")})
    with ImapServer({"INBOX": inbox}) as server:
        (tmp_path / "before.json").write_text(mailcheck(*waiting(server), "--json", **WAITING).out)
        words = in_vain(server, "--since", "@%s" % (tmp_path / "before.json"), "--delete")
        assert mailcheck(*words, **WAITING).code == 1
        inbox.add(mailboxes.mail("token"))
        ran = mailcheck(*words, **WAITING)
    assert (ran.code, server.expunged) == (0, [("INBOX", 2)])
    assert "1 message deleted." in ran.out


def test_a_mailbox_that_cannot_be_looked_into_is_no_mail_that_is_missing() -> None:
    """A password that is refused as well: nobody knows whether the message is there."""
    with ImapServer() as server:
        missing = mailcheck(*in_vain(server), **WAITING)
        refused = mailcheck(*waiting(server, "--token", "token"), **{**WAITING, "MAILCHECK_PASSWORD": "another"})
    assert (missing.code, refused.code) == (1, 4)
    assert "does not accept the credentials" in refused.out


def test_waiting_where_a_rule_could_not_be_judged_does_not_just_pass() -> None:
    with ImapServer({"INBOX": Folder({1: mailboxes.mail("token")})}) as server:
        words = waiting(server, "--token", "token", "--expect", '{"dkim": "pass"}')
        assert mailcheck(*words, **WAITING).code == 6
        assert mailcheck(*words, "--lenient", **WAITING).code == 0
