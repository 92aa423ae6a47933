# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Every mechanism, signed in by and refused in each way there is, by relays that repeat what they hear in every disguise:
# and then everything that anybody gets to see is searched for every form of every secret. What was said on the wire is
# known from the relay, so that the responses and proofs of the mechanisms are searched for as well.

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from base64 import b64decode, b64encode
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("ansible", reason="ansible-core is not installed for this Python")

from cryptography.hazmat.primitives import serialization

from ansible_collections.postmaster.mailcheck.plugins import modules
from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.sasl import mechanisms
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.sasl.exchange import Exchange
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.check import check
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.request import build_request
from ansible_collections.postmaster.mailcheck.plugins.modules import smtp_check, smtp_sweep
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._assessment import assess
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.register import FORMATS
from ansible_collections.postmaster.mailcheck.tests.hostile.cases import INSIDE, QUIT
from ansible_collections.postmaster.mailcheck.tests.hostile.test_secrets_of_mailboxes import Echo
from ansible_collections.postmaster.mailcheck.tests.hostile.test_secrets_of_mailboxes import options_for as of_mailbox
from ansible_collections.postmaster.mailcheck.tests.support.authority import NAME
from ansible_collections.postmaster.mailcheck.tests.support.hostile import ODD_PASSWORD as PASSWORD
from ansible_collections.postmaster.mailcheck.tests.support.hostile import ODD_TOKEN as TOKEN
from ansible_collections.postmaster.mailcheck.tests.support.hostile import ScriptedRelay, disguises
from ansible_collections.postmaster.mailcheck.tests.support.relay import Relay, running
from postmaster_mailcheck.commands.main import main
from postmaster_mailcheck.commands.words import SECRETS

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterator, List

    from ansible_collections.postmaster.mailcheck.tests.support.authority import Authority

    Start = Callable[..., ScriptedRelay]

KEY_PASSWORD = "open=s\"es\\ame%th'en"
COLLECTIONS = Path(next(iter(modules.__path__))).parents[4]

# What is signed in by, and where -> the mechanism, and the dialogue up to where the relay says what it thinks of it.
DIALOGUES = {
    "PLAIN": ("PLAIN", "C: AUTH PLAIN\n"),
    "LOGIN": ("LOGIN", "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC:\nS: 334 UGFzc3dvcmQ6\nC:\n"),
    "LOGIN, the name": ("LOGIN", "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC:\n"),
    "CRAM-MD5": ("CRAM-MD5", "C: AUTH CRAM-MD5\nS: 334 PDFAeD4=\nC:\n"),
    "SCRAM-SHA-256, its beginning": ("SCRAM-SHA-256", "C: AUTH SCRAM-SHA-256\n"),
    "SCRAM-SHA-256": ("SCRAM-SHA-256", "scram 4096 heard sha256\n"),
    "SCRAM-SHA-1": ("SCRAM-SHA-1", "scram 4096 heard sha1\n"),
    "SCRAM-SHA-256-PLUS": ("SCRAM-SHA-256-PLUS", "scram 4096 heard sha256\n"),
    "SCRAM-SHA-1-PLUS": ("SCRAM-SHA-1-PLUS", "scram 4096 heard sha1\n"),
    "XOAUTH2": ("XOAUTH2", "C: AUTH XOAUTH2\n"),
    "OAUTHBEARER": ("OAUTHBEARER", "C: AUTH OAUTHBEARER\n"),
    "EXTERNAL": ("EXTERNAL", "C: AUTH EXTERNAL\n"),
    "ANONYMOUS": ("ANONYMOUS", "C: AUTH ANONYMOUS\n"),
}
ENDS = {
    "accepted": "S: 235 2.7.0 welcome\n" + QUIT,
    "accepted with an echo": "echoes 235\n" + QUIT,
    "refused": "S: 535 5.7.8 no\n" + QUIT,
    "refused with an echo": "echoes 535\n" + QUIT,
    "refused for now with an echo": "echoes 454\n" + QUIT,
    "closing with an echo": "echoes 421\ncloses\n",
    "a challenge with an echo": "echoes 334\nC: \nechoes 535\n" + QUIT,
    "a challenge with an echo, after the cancel too": "echoes 334\nC:\nechoes 334\nC:\nechoes 334\n",
    "no base64": "S: 334 %%%\nC: *\nechoes 501\n" + QUIT,
    "an echo that nobody asked for": "S: 235 welcome\nechoes 334\n",
    "an echo that is no reply": "echoes xyz\n",
    "closed": "closes\n",
    "reset": "resets\n",
    "silence": "silent\n",
}


@pytest.fixture(scope="module")
def client_cert(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Dict[str, str]:
    """The client's certificate, its key under a password."""
    folder = tmp_path_factory.mktemp("client")
    pem = Path(authority.client_cert).read_bytes()
    key = serialization.load_pem_private_key(pem, None)
    how = serialization.BestAvailableEncryption(KEY_PASSWORD.encode())
    locked = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)
    (folder / "key.pem").write_bytes(locked)
    return {"client_cert": authority.client_cert, "client_key": str(folder / "key.pem"),
            "client_key_password": KEY_PASSWORD}  # fmt: skip


def options_for(
    mechanism: str, relay: ScriptedRelay, authority: Authority, client_cert: Dict[str, str]
) -> Dict[str, Any]:
    needs = mechanisms.MECHANISMS[mechanism].needs
    secret = {"password": {"password": PASSWORD}, "access_token": {"access_token": TOKEN}}.get(needs, {})
    return {
        "host": relay.host, "port": relay.port, "ca_path": authority.ca_path, "tls_server_name": NAME,
        "ehlo_name": "client.example.org", "timeout": 1.0, "transcript": "always", "username": "tim",
        "auth_mechanisms": [mechanism], "sender": "probe@example.org", **secret, **client_cert,
    }  # fmt: skip


def forms_of(relay: ScriptedRelay) -> Dict[str, bytes]:
    """Everything that must not be found: the secrets in all disguises, and what the mechanisms made of them."""
    forms = {
        "%s, %s" % (name, how): form
        for name, secret in (("password", PASSWORD), ("token", TOKEN), ("key password", KEY_PASSWORD))
        for how, form in disguises(secret).items()
    }
    for session in relay.sessions:
        for line in session.said:
            word = line.split(" ")[-1]
            if line.startswith("AUTH ") or re.fullmatch("[A-Za-z0-9+/]{12,}=*", line):
                forms["response " + word] = word.encode() if len(word) > 8 else b"\0never"
                proof = re.search(rb"(?: |,p=)([0-9A-Za-z+/=]{27,})$", b64decode(word + "==") if len(word) > 8 else b"")
                if proof:
                    forms["proof " + word] = proof.group(1)
                    forms["proof in base64 " + word] = b64encode(proof.group(1))[:-4]
    return forms


def search(relay: ScriptedRelay, **shown: Any) -> None:
    relay.settle()
    forms = forms_of(relay)
    for place, value in shown.items():
        text = (
            value if isinstance(value, str) else json.dumps(value) + json.dumps(value, ensure_ascii=False) + repr(value)
        )
        octets = text.encode("utf-8", "surrogateescape")
        found = [name for name, form in forms.items() if form in octets]
        assert not found, "%s shows %s" % (place, found)


def play(start: Start, mechanism: str, dialogue: str, greeting: str = INSIDE, **how: Any) -> ScriptedRelay:
    hello = "S: 250-relay.example.com\nS: 250 AUTH %s\n" % mechanism
    return start(greeting + hello + dialogue, password=PASSWORD, **how)


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("name", DIALOGUES)
def test_the_engine_shows_no_secret(
    name: str, end: str, start: Start, authority: Authority, client_cert: Dict[str, str]
) -> None:
    mechanism, dialogue = DIALOGUES[name]
    relay = play(start, mechanism, dialogue + ENDS[end])
    options = options_for(mechanism, relay, authority, client_cert)
    report = check(**options)
    assert report["auth_mechanisms"] == [mechanism] and len(relay.sessions) == 1
    judged = assess({"endpoints": [report]}, today="2026-11-29")
    reports = {format_: one.write(judged) for format_, one in FORMATS.items()}
    request = build_request(options.pop("host"), options, 0.0)
    search(relay, report=report, request=repr(request), message=report["msg"], **reports)


@pytest.mark.parametrize("mechanism", [name for name in DIALOGUES if name.startswith("SCRAM") and "," not in name])
@pytest.mark.parametrize("signature", ["right", "wrong", "none"])
def test_the_engine_shows_no_secret_of_a_whole_scram(
    mechanism: str, signature: str, start: Start, authority: Authority, client_cert: Dict[str, str]
) -> None:
    digest = "sha256" if "256" in mechanism else "sha1"
    relay = play(
        start, mechanism, "scram 4096 %s %s\n" % (signature, digest) + "C: MAIL\nS: 250 ok\nC: RSET\nS: 250 ok\n" + QUIT
    )
    report = check(**options_for(mechanism, relay, authority, client_cert))
    assert report["verdict"] == ("passed" if signature == "right" else "failed"), report["msg"]
    search(relay, report=report)


# What a user of Ansible gets to see: the result with the invocation, and the line in the host's log


MODULE_ENDS = ["accepted with an echo", "refused with an echo", "a challenge with an echo", "closed"]


@pytest.mark.parametrize("end", MODULE_ENDS)
@pytest.mark.parametrize("name", DIALOGUES)
def test_the_modules_show_no_secret(
    name: str, end: str, start: Start, authority: Authority, client_cert: Dict[str, str], run_module: Callable[..., str]
) -> None:
    mechanism, dialogue = DIALOGUES[name]
    relay = play(start, mechanism, dialogue + ENDS[end])
    options = options_for(mechanism, relay, authority, client_cert)
    search(relay, smtp_check=run_module(smtp_check, options))
    shared = {key: options.pop(key) for key in ("ca_path", "timeout", "transcript")}
    search(relay, smtp_sweep=run_module(smtp_sweep, {**shared, "endpoints": [options], "details": "all"}))


MISTAKES: Dict[str, Dict[str, Any]] = {
    "a line end": {"password": PASSWORD + "\n"},
    "a control character": {"password": PASSWORD + "\x01"},
    "both": {"password": PASSWORD, "access_token": TOKEN},
    "no user": {"username": None, "password": PASSWORD},
    "in clear": {"tls": "none", "password": PASSWORD},
    "another's key": {"client_key_password": KEY_PASSWORD + "x"},
    "a token with spaces": {"access_token": TOKEN + " " + TOKEN},
    "a number": {"timeout": -1, "password": PASSWORD},
    "an unknown mechanism": {"auth_mechanisms": ["NTLM"], "password": PASSWORD},
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_shows_no_secret(
    mistake: str, start: Start, authority: Authority, client_cert: Dict[str, str], run_module: Callable[..., str]
) -> None:
    relay = start("silent\n")
    options = {**options_for("EXTERNAL", relay, authority, client_cert), **MISTAKES[mistake]}
    with pytest.raises(OptionError) as caught:
        check(**options)
    assert caught.value.__cause__ is None
    search(relay, error=str(caught.value), repr=repr(caught.value), shown=run_module(smtp_check, options))
    assert not relay.sessions


def test_a_fault_of_our_own_shows_no_secret(
    start: Start, authority: Authority, client_cert: Dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With everything in its hands, a mechanism fails in a way that nobody has thought of."""

    def broken(exchange: Exchange) -> Iterator[bytes]:
        nothing: Dict[str, bytes] = {}
        yield nothing["%s %s" % (exchange.password, vars(mechanisms))]

    monkeypatch.setitem(mechanisms.MECHANISMS, "PLAIN", mechanisms.MECHANISMS["PLAIN"]._replace(dialogue=broken))
    relay = play(start, "PLAIN", "silent\n")
    report = check(**options_for("PLAIN", relay, authority, client_cert))
    assert report["failure"]["cause"] == "internal_error"
    search(relay, report=report)


# The command line


@pytest.mark.parametrize("name", DIALOGUES)
@pytest.mark.parametrize("words", [[], ["--json"]])
def test_the_command_shows_no_secret(
    name: str, words: List[str], start: Start, authority: Authority, client_cert: Dict[str, str],
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    mechanism, dialogue = DIALOGUES[name]
    relay = play(start, mechanism, dialogue + ENDS["refused with an echo"])
    options = options_for(mechanism, relay, authority, client_cert)
    arguments = ["check", "%(host)s:%(port)d" % options, *words]
    for option in (
        "ca_path",
        "tls_server_name",
        "ehlo_name",
        "timeout",
        "username",
        "sender",
        "client_cert",
        "client_key",
    ):
        arguments += ["--" + option.replace("_", "-"), str(options[option])]
    for secret in SECRETS:
        if secret in options:
            monkeypatch.setenv("MAILCHECK_" + secret.upper(), options[secret])
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGPIPE)}
    try:
        assert main([*arguments, "--auth-mechanisms", mechanism]) != 0
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    printed = capsys.readouterr()
    assert "535" in printed.out
    search(relay, out=printed.out, err=printed.err)


FLEETS = {
    "sweep": ["sweep", "relays.json"],
    "sweep, the dialogues": ["sweep", "relays.json", "-v"],
    "sweep, facts": ["sweep", "relays.json", "--json"],
    **{"sweep, " + name: ["sweep", "relays.json", "--format", name, "--output", "report"] for name in FORMATS},
    "assess": ["assess", "relays.json", "--profile", "relay", "--state", "state", "--html", "page"],
    "audit": ["audit", "--file", "relays.json", "--probes", "vrfy", "-v"],
    "an unknown column": ["sweep", "mistaken.json"],
}
REFUSED = ("audit", "an unknown column")  # an audit takes no credentials


@pytest.mark.parametrize("what", FLEETS)
def test_the_command_shows_and_writes_no_secret_of_a_file_of_relays(
    what: str, start: Start, authority: Authority, client_cert: Dict[str, str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """By the password and by a token, both in the file."""
    relays = [
        play(start, mechanism, DIALOGUES[mechanism][1] + ENDS["refused with an echo"])
        for mechanism in ("PLAIN", "XOAUTH2")
    ]
    rows = [options_for(one, relay, authority, client_cert) for one, relay in zip(("PLAIN", "XOAUTH2"), relays)]
    for row in rows:
        del row["ca_path"], row["timeout"], row["transcript"]
    given = {"endpoints": rows, "ca_path": authority.ca_path, "timeout": 10.0}
    (tmp_path / "relays.json").write_text(json.dumps(given))
    (tmp_path / "mistaken.json").write_text(json.dumps({**given, "endpoints": [{**rows[0], "pasword": PASSWORD}]}))
    monkeypatch.chdir(tmp_path)
    assert main(FLEETS[what]) != 0
    printed = capsys.readouterr()
    written = {path.name: path.read_text() for path in tmp_path.iterdir() if path.suffix != ".json"}
    assert printed.out or printed.err or written
    for relay in relays:
        search(relay, out=printed.out, err=printed.err, **written)
        assert bool(relay.sessions) == (what not in REFUSED)


# Who else is on the host sees the arguments of each process, and the environment of his own


@pytest.mark.parametrize("where", ["in Ansible's process", "in its own"])
def test_no_process_has_a_secret_in_its_arguments_or_environment(
    where: str, start: Start, authority: Authority, client_cert: Dict[str, str], tmp_path: Path
) -> None:
    """While a relay that has just been sent the password lets a task wait."""
    seen: Dict[str, str] = {}

    def look() -> None:
        for folder in Path("/proc").glob("[0-9]*"):
            for name in ("cmdline", "environ"):
                seen["%s of %s" % (name, folder.name)] = read(folder / name)

    relay = play(start, "PLAIN", "C: AUTH PLAIN\nchanges\n" + ENDS["refused"], change=look)
    options = options_for("PLAIN", relay, authority, client_cert)
    task = {"postmaster.mailcheck.smtp_check": {**options, "timeout": 60}, "ignore_errors": True}
    command = [*playbook(tmp_path, [task]), "-e", "ansible_mailcheck_in_process=%s" % (where != "in its own")]
    subprocess.run(command, cwd=tmp_path, env=environment(tmp_path), capture_output=True, check=True)
    assert any("play.json" in text for text in seen.values())
    assert any("AnsiballZ_smtp_check.py" in text for text in seen.values()) == (where == "in its own")
    search(relay, **seen)


def read(path: Path) -> str:
    """What a process shows, if it is there still."""
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except OSError:
        return ""


# A whole task, as ansible-playbook shows it with -vvvv, and as it writes it into its log


def playbook(folder: Path, tasks: List[Any]) -> List[str]:
    """The command that runs these tasks on this host."""
    play_ = [{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}]
    (folder / "play.json").write_text(json.dumps(play_))
    return [str(Path(sys.executable).parent / "ansible-playbook"), str(folder / "play.json")]


def environment(folder: Path) -> Dict[str, str]:
    return dict(
        os.environ, ANSIBLE_COLLECTIONS_PATH=str(COLLECTIONS), ANSIBLE_LOCAL_TEMP=str(folder / "tmp"),
        ANSIBLE_LOG_PATH=str(folder / "log"), ANSIBLE_LOCALHOST_WARNING="false", ANSIBLE_NOCOLOR="1",
        ANSIBLE_PYTHON_INTERPRETER=sys.executable, ANSIBLE_INJECT_INVOCATION="true",  # before ansible-core 2.21 the result always had it
    )  # fmt: skip


@pytest.mark.parametrize("where", ["in Ansible's process", "in its own"])
def test_a_playbook_shows_no_secret(
    where: str, start: Start, authority: Authority, client_cert: Dict[str, str], tmp_path: Path
) -> None:
    relays = {end: play(start, "PLAIN", DIALOGUES["PLAIN"][1] + ENDS[end]) for end in MODULE_ENDS}
    tasks: List[Any] = []
    for relay in relays.values():
        options = options_for("PLAIN", relay, authority, client_cert)
        sweep = {"endpoints": [options], "details": "all"}
        tasks += [{"postmaster.mailcheck.smtp_check": options}, {"postmaster.mailcheck.smtp_sweep": sweep}]
    with Echo("imap", "PLAIN", "refuses", authority.contexts["good"]) as server, running(Relay()) as audited:
        mailbox = {**of_mailbox(server, "imap", "PLAIN"), "tls": "implicit", "validate_certs": False}
        del mailbox["allow_plaintext_auth"], mailbox["auth_mechanisms"]  # an audit has neither
        both = {"mailbox": mailbox, "outside_mailbox": {**mailbox, "username": "tom"}}
        audit = {
            "host": "127.0.0.1", "port": audited.port, "intensity": "intrusive", "authorised": ["127.0.0.1"],
            "known_recipient": "tim@example.net", "mailbox_recipient": "tim@example.net",
            "outside_recipient": "tom@example.org", "probes": ["smuggling"], **both,
        }  # fmt: skip
        tasks += [
            {"postmaster.mailcheck.wait_for_mail": {**mailbox, "token": "mc-1"}},
            {"postmaster.mailcheck.smtp_audit": audit},
            {"postmaster.mailcheck.smtp_audit": {**audit, "probes": ["none such"]}},
        ]
        command = [*playbook(tmp_path, [{**task, "ignore_errors": True} for task in tasks]), "-vvvv"]
        command += ["-e", "ansible_mailcheck_in_process=%s" % (where != "in its own")]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, check=False
        )
        assert server.signed_in >= 2, done.stdout
    assert done.returncode == 0 and "module_args" in done.stdout, done.stdout + done.stderr
    assert re.search(r"ok=%d .*ignored=" % len(tasks), done.stdout), done.stdout
    assert ("In Ansible's own process" in done.stdout) == (where != "in its own")
    for relay in relays.values():
        assert len(relay.sessions) == 2
        search(relay, out=done.stdout, err=done.stderr, log=(tmp_path / "log").read_text())


def test_the_search_finds_what_is_there(start: Start, authority: Authority, client_cert: Dict[str, str]) -> None:
    """The tests above must be able to fail."""
    relay = play(start, "CRAM-MD5", DIALOGUES["CRAM-MD5"][1] + ENDS["refused"])
    check(**options_for("CRAM-MD5", relay, authority, client_cert))
    (response,) = (line for line in relay.sessions[0].said if line.startswith("dGlt"))
    digest = b64decode(response).split()[1]
    shown = [response, digest.decode(), b64encode(digest).decode()]
    shown += [
        form.decode("utf-8", "surrogateescape")
        for secret in (PASSWORD, TOKEN, KEY_PASSWORD)
        for form in disguises(secret).values()
    ]
    for text in shown:
        with pytest.raises(AssertionError, match="place shows"):
            search(relay, place="x%sx" % text)
