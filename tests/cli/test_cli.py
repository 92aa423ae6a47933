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
from typing import Any, Dict, Iterator, List, NamedTuple, Sequence

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.explain import CAUSES
from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.fleet import SWEEP_OPTIONS
from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.options import OPTIONS
from ansible_collections.postmaster.mailcheck.tests.support.relay import Relay, running
from postmaster_mailcheck import cli, terminal

PASSWORD = "tanstaaftanstaaf"
SECRETS = (PASSWORD, base64.b64encode(PASSWORD.encode()).decode(), "AHRpbQB0YW5zdGFhZnRhbnN0YWFm")
COLOURLESS = {"TERM": "xterm-256color"}
WITHOUT_RICH = "import sys; sys.modules['rich'] = None; from postmaster_mailcheck.cli import main; sys.exit(main())"
AS_MODULE = ("-m", "postmaster_mailcheck")


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


def in_a_terminal(*words: object, **variables: str) -> str:
    """What a terminal is sent, on standard output and error together."""
    pytest.importorskip("rich")
    master, slave = pty.openpty()
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": os.environ["PYTHONPATH"], "TERM": "xterm-256color"}
    command = [sys.executable, *AS_MODULE, *map(str, words)]
    with subprocess.Popen(command, env={**environ, **variables}, stdin=slave, stdout=slave, stderr=slave) as process:
        os.close(slave)
        pieces = []
        while True:
            try:
                piece = os.read(master, 65536)
            except OSError:  # the other side is closed
                break
            if not piece:
                break
            pieces.append(piece)
        process.wait(timeout=60)
    os.close(master)
    return b"".join(pieces).decode("utf-8")


@pytest.fixture
def relay() -> Iterator[Relay]:
    with running(Relay()) as one:
        yield one


def plain(relay: Relay, *words: object) -> List[object]:
    return ["check", "127.0.0.1:%d" % relay.port, "--tls", "none", "--ehlo-name", "client.example.org", *words]


# What is seen


@pytest.mark.parametrize("how", [AS_MODULE, ["-c", WITHOUT_RICH]], ids=["with rich", "without rich"])
def test_a_check_shows_the_dialogue_the_facts_and_the_verdict(relay: Relay, how: List[str]) -> None:
    ran = mailcheck(*plain(relay), how=how)
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
    assert ran.lines()[-1] == "passed 127.0.0.1:%d: passed." % relay.port
    assert "\x1b" not in ran.out


def test_a_refusal_shows_cause_words_meaning_and_next_step(relay: Relay) -> None:
    relay.answers["RCPT"] = "554 5.7.1 <x@example.net>: Relay access denied\r\n"
    ran = mailcheck(*plain(relay, "--sender", "", "--recipients", "x@example.net"))
    assert ran.code == 1
    verdict = ran.lines()[-4:]
    assert verdict[0] == "failed relay_denied, at rcpt"
    assert verdict[1] == "seen 554 5.7.1 <x@example.net>: Relay access denied"
    assert verdict[2].startswith("it means The relay does not carry mail for this recipient's domain")
    assert verdict[3].startswith("next Sign in, use the submission port")


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


@pytest.mark.parametrize("how", [AS_MODULE, ["-c", WITHOUT_RICH]], ids=["with rich", "without rich"])
def test_markup_and_escape_sequences_of_a_relay_stay_text(relay: Relay, how: List[str]) -> None:
    markup = "[red]relay[/red] :smile: [link=https://example.net]x[/link]"
    relay.answers[""] = "220 %s \x1b[31mred\x1b]0;title\x07 \u202e\r\n" % markup
    ran = mailcheck(*plain(relay), how=how)
    assert markup in ran.out
    assert not set("\x1b\x07\u202e") & set(ran.out)


def test_in_a_terminal_too(relay: Relay) -> None:
    relay.answers[""] = "220 [red]relay[/] \x1b]0;title\x07\r\n"
    seen = in_a_terminal(*plain(relay))
    assert "[red]relay[/]" in seen
    assert "\x1b]0" not in seen and "\x07" not in seen


def test_text_that_the_terminal_cannot_show_is_escaped(relay: Relay) -> None:
    relay.answers[""] = "220 relä\r\n"
    assert r"rel\xe4" in mailcheck(*plain(relay), how=["-c", WITHOUT_RICH], LC_ALL="C", PYTHONIOENCODING="ascii").out


def test_json_is_one_document_the_report(relay: Relay) -> None:
    ran = mailcheck(*plain(relay, "--json"))
    report = json.loads(ran.out)
    assert (report["verdict"], report["greeting"]["code"]) == ("passed", 220)
    assert ran.err == ""


def test_a_reader_that_has_seen_enough_is_no_fault() -> None:
    command = "%s -m postmaster_mailcheck explain | head -n 1; echo ${PIPESTATUS[0]}" % sys.executable
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
        (["check", "relay", "--bogus=x"], "no such argument: --bogus."),
        (["check", "relay", "--prot", "587"], "no such argument: --prot. Did you mean --port?"),
        (["sweep", "/nowhere"], "No such file"),
        (["sweep"], "nothing to check"),
        (["explain", "relay_denie"], "Did you mean relay_denied?"),
    ],
)
def test_a_mistake_is_told_and_exits_with_2(words: List[str], said: str) -> None:
    ran = mailcheck(*words)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_interrupting_shows_what_was_learned(relay: Relay) -> None:
    relay.answers["EHLO"] = ""  # never
    command = [sys.executable, *AS_MODULE, *map(str, plain(relay))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        while not relay.said:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, _none = process.communicate(timeout=10)
    assert "220 relay.example.com ESMTP" in out
    assert process.returncode == 1


# Secrets


def test_a_password_comes_from_the_environment(relay: Relay) -> None:
    words = plain(relay, "--username", "tim", "--allow-plaintext-auth")
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


def test_a_password_can_be_asked_for(relay: Relay, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    asked = []
    monkeypatch.setattr(cli.getpass, "getpass", lambda prompt: asked.append(prompt) or PASSWORD)
    previous = signal.getsignal(signal.SIGINT)
    words = [str(word) for word in plain(relay, "--username", "tim", "--ask-password", "--allow-plaintext-auth")]
    try:
        assert cli.main(words) == 0
    finally:
        signal.signal(signal.SIGINT, previous)
    assert asked == ["Password: "]
    assert PASSWORD not in capsys.readouterr().out


# The arguments are the engine's options


@pytest.mark.parametrize("command, table", [("check", OPTIONS), ("sweep", {**SWEEP_OPTIONS, **OPTIONS})])
def test_every_option_is_an_argument_with_a_help_text(command: str, table: Dict[str, Any]) -> None:
    texts = cli.help_texts("doc_fragments/smtp.py", "modules/smtp_check.py", "modules/smtp_sweep.py")
    assert not set(table) - set(texts) - set(cli.FROM_FILE)
    shown = mailcheck(command, "--help").out
    for name, row in table.items():
        flag = name.replace("_", "-")
        if row.get("no_log"):
            assert "--ask-%s" % flag in shown
            assert "--" + flag not in shown
        elif name not in cli.FROM_FILE:
            assert "--no-%s" % flag in shown if row.get("default") is True else "--%s" % flag in shown, name


def test_every_secret_of_the_engine_is_known_here() -> None:
    assert set(cli.SECRETS) == {name for name, row in OPTIONS.items() if row.get("no_log")}


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
    assert "warning Check mode: the message not sent." in ran.lines()


# Sweeps


def test_a_sweep_shows_a_line_a_relay_and_the_whole(relay: Relay, tmp_path: Path) -> None:
    with running(Relay(EHLO="421 later\r\n")) as busy:
        file = tmp_path / "relays.txt"
        text = "# ours\n127.0.0.1:%d\n\n127.0.0.1:%d # the other\n" % (relay.port, busy.port)
        file.write_text(text, encoding="utf-8")
        ran = mailcheck("sweep", file, "--tls", "none")
        assert ran.lines()[:2] == [
            "passed 127.0.0.1:%d no TLS" % relay.port,
            "deferred 127.0.0.1:%d service_closing" % busy.port,
        ]
        assert ran.lines()[-1].startswith("2 relays in ")
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


def test_relays_may_come_from_standard_input(relay: Relay) -> None:
    ran = mailcheck("sweep", "-", "--tls", "none", stdin="127.0.0.1:%d\n" % relay.port)
    assert ran.code == 0


@pytest.mark.parametrize("days_left, told", [
    (0, "CN=relay, in 0 days (2026-01-02T00:00:00Z)."),
    (-1, "CN=relay, expired at 2026-01-02T00:00:00Z."),
])  # fmt: skip
def test_a_sweep_tells_which_certificate_is_the_next(days_left: int, told: str) -> None:
    soonest = {"subject": "CN=relay", "days_left": days_left, "not_after": "2026-01-02T00:00:00Z"}
    result = {"endpoints": [], "msg": "", "summary": {"soonest_expiry": soonest}}
    last = list(terminal.sweep_lines(result))[-1]
    assert "".join(text for text, _style in last) == "The first certificate to expire: " + told


@pytest.mark.parametrize("name, told", [
    ("relay:25", "relay:25: refused"),
    ("the one in the cellar", "the one in the cellar relay:25: refused"),
])  # fmt: skip
def test_a_failure_is_named_once(name: str, told: str) -> None:
    row = {"name": name, "verdict": "failed", "failure": {"cause": "connection_refused"}, "msg": "relay:25: refused"}
    result = {"endpoints": [row], "msg": "", "summary": {"soonest_expiry": None}}
    lines = ["".join(text for text, _style in line) for line in terminal.sweep_lines(result)]
    assert told in lines


def test_a_sweep_in_a_terminal_shows_a_bar_and_takes_it_away(relay: Relay, tmp_path: Path) -> None:
    file = tmp_path / "relays.txt"
    file.write_text("127.0.0.1:%d\n" % relay.port, encoding="utf-8")
    seen = in_a_terminal("sweep", file, "--tls", "none")
    assert "1/1" in seen
    assert "passed" in seen.rpartition("1/1")[2]


# Explanations


def test_codes_are_explained() -> None:
    text = "554: transaction failed, or refused by policy (refused for good); 5.7.1: delivery not authorised"
    assert mailcheck("explain", 554, "5.7.1").lines() == [text]
    assert mailcheck("explain", "4.2.2").lines() == ["4.2.2: mailbox full (refused for now)"]
    assert json.loads(mailcheck("explain", 250, "--json").out)[0]["code"] == "250"


def test_causes_are_explained() -> None:
    lines = mailcheck("explain", "greylisted").lines()
    assert lines[0].startswith("greylisted (deferred; ")
    assert lines[2].startswith("Next: This is no fault.")
    assert [one["cause"] for one in json.loads(mailcheck("explain", "--json").out)] == list(CAUSES)


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
    main = "from postmaster_mailcheck.cli import main\nimport sys\nsys.exit(main())\n"
    script.write_text("#!%s\n# PYTHON_ARGCOMPLETE_OK\n%s" % (sys.executable, main), encoding="utf-8")
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
