# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A mailbox whose server repeats what it was told, in every form that it can be told in, wherever it may say anything. No
# secret comes out of it: not by wait_for_mail, not by an audit that proves something in that mailbox, not by the command.

from __future__ import annotations

import json
import signal
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("ansible", reason="ansible-core is not installed for this Python")

from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.wait import wait_for_mail as wait
from ansible_collections.postmaster.mailcheck.plugins.modules import smtp_audit, wait_for_mail
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._assessment import assess
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.register import FORMATS
from ansible_collections.postmaster.mailcheck.tests.support.behaving import BehavingRelay
from ansible_collections.postmaster.mailcheck.tests.support.hostile import ODD_PASSWORD as PASSWORD
from ansible_collections.postmaster.mailcheck.tests.support.hostile import ODD_TOKEN as TOKEN
from ansible_collections.postmaster.mailcheck.tests.support.hostile import disguises, written
from ansible_collections.postmaster.mailcheck.tests.support.relay import Relay, running
from postmaster_mailcheck.commands.main import main

if TYPE_CHECKING:
    import ssl
    from pathlib import Path
    from typing import Any, Callable, Dict, Iterator, List, Optional

    from ansible_collections.postmaster.mailcheck.tests.support.authority import Authority

IN_ASCII = PASSWORD.replace("\u00e9", "^")  # all that a LOGIN of IMAP can carry
BY_TOKEN = ("XOAUTH2", "OAUTHBEARER")
MECHANISMS = ("PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256", *BY_TOKEN, "")  # "": LOGIN of IMAP, USER and PASS of POP3
pytestmark = pytest.mark.usefixtures("no_pause_lasts")

ENDS = ("accepts", "refuses", "hangs up", "asks again", "answers nothing that is known")


def repeated(secret: str) -> List[bytes]:
    """The forms that servers have a secret in, or write it in: as it is, and as it is sent, logged and quoted."""
    plain = secret.encode()
    shifted = [b64encode(b"\0" * shift + plain) for shift in range(3)]
    sent = [b64encode(b"\0tim\0" + plain), b64encode(b"user=tim\1auth=Bearer " + plain + b"\1\1")]
    return [plain, plain.hex().encode(), plain.hex().upper().encode(), *written(plain), *shifted, *sent]


def secret_of(mechanism: str) -> str:
    return TOKEN if mechanism in BY_TOKEN else PASSWORD if mechanism else IN_ASCII


def forms_of(secret: str) -> Dict[str, bytes]:
    """All that is looked for."""
    return {**disguises(secret), **{form.decode("latin-1"): form for form in repeated(secret)}}


def search(*shown: str) -> None:
    for place, text in enumerate(shown):
        octets = text.encode("utf-8", "surrogateescape")
        for secret in (PASSWORD, IN_ASCII, TOKEN):
            found = [how for how, form in forms_of(secret).items() if form in octets]
            assert not found, "%s in place %d: %s" % (found, place, text)


class Echo(BehavingRelay):
    """Speaks IMAP or POP3 up to the sign-in, and from then on only repeats what it was told."""

    def __init__(self, protocol: str, mechanism: str, end: str, context: Optional[ssl.SSLContext] = None) -> None:
        super().__init__(self._play)
        self.context = context
        self.pop, self.mechanism, self.end = protocol == "pop3", mechanism, end
        self.signed_in = 0

    def _play(self, lines: Any, _say: Any, sock: Any) -> None:
        if self.context is not None:
            sock = self.context.wrap_socket(sock, server_side=True)
            lines = sock.makefile("rb")
        sock.sendall(b"+OK hi\r\n" if self.pop else b"* OK hi\r\n")
        heard: List[bytes] = []
        for line in iter(lines.readline, b""):
            tag, _blank, rest = line.strip().partition(b" ")
            verb = (tag if self.pop else rest.split(b" ")[0]).upper()
            if verb in (b"CAPABILITY", b"CAPA"):
                sock.sendall(self._capabilities(tag))
            elif verb == b"USER":
                sock.sendall(b"+OK\r\n")
            elif verb in (b"AUTHENTICATE", b"AUTH") or not verb:
                heard.append(b"")
                sock.sendall(b"+ PDFAeD4=\r\n" if self.mechanism == "CRAM-MD5" else b"+ \r\n")
                heard.append(lines.readline().strip())
                if self.mechanism == "LOGIN":
                    sock.sendall(b"+ UGFzc3dvcmQ6\r\n")
                    heard.append(lines.readline().strip())
                if not self._answer(sock, tag, heard):
                    return
            else:
                heard.append(rest or tag)
                if not self._answer(sock, tag, heard):
                    return

    def _capabilities(self, tag: bytes) -> bytes:
        name = self.mechanism.encode()
        if self.pop:
            return b"+OK\r\nUIDL\r\nTOP\r\nUSER\r\n" + (b"SASL %s\r\n" % name if name else b"") + b".\r\n"
        offer = b" AUTH=" + name if name else b""
        return b"* CAPABILITY IMAP4rev1%s\r\n%s OK done\r\n" % (offer, tag)

    def _answer(self, sock: Any, tag: bytes, heard: List[bytes]) -> bool:
        self.signed_in += 1
        told = b" ".join([*self._heard(heard), *repeated(secret_of(self.mechanism))])
        if self.end == "answers nothing that is known":
            sock.sendall(told + b"\r\n")
            return False
        good = self.end == "accepts" and self.signed_in == 1
        if self.end == "asks again":
            sock.sendall(b"+ %s\r\n" % (b64encode(told) if self.mechanism else told))
        elif self.end == "hangs up":
            sock.sendall(b"-ERR %s\r\n" % told if self.pop else b"* BYE %s\r\n" % told)
            return False
        elif self.pop:
            sock.sendall(b"%s %s\r\n" % (b"+OK" if good else b"-ERR", told))
        else:
            sock.sendall(b'* LIST () "/" "%s"\r\n%s %s %s\r\n' % (told, tag, b"OK" if good else b"NO", told))
        return True

    def _heard(self, heard: List[bytes]) -> Iterator[bytes]:
        for line in heard:
            yield line
            try:
                yield b64decode(line, validate=True).translate(bytes.maketrans(b"\0\1\r\n", b"    "))
            except ValueError:
                continue


def options_for(server: Echo, protocol: str, mechanism: str) -> Dict[str, Any]:
    secret = {"access_token" if mechanism in BY_TOKEN else "password": secret_of(mechanism)}
    chosen = {"auth_mechanisms": [mechanism]} if mechanism else {}
    return {
        "host": "127.0.0.1", "port": server.port, "protocol": protocol, "tls": "none", "allow_plaintext_auth": True,
        "username": "tim", **secret, **chosen,
    }  # fmt: skip


each = pytest.mark.parametrize(
    ("protocol", "mechanism"), [(one, two) for one in ("imap", "pop3") for two in MECHANISMS]
)


@each
@pytest.mark.parametrize("end", ENDS)
def test_a_wait_shows_no_secret(protocol: str, mechanism: str, end: str, run_module: Callable[..., str]) -> None:
    with Echo(protocol, mechanism, end) as server:
        patience = 2.0 if end == "asks again" else 30.0  # here both may wait for the other's word
        options = {**options_for(server, protocol, mechanism), "token": "mc-1", "timeout": patience}
        report = wait(**options)
        assert server.signed_in and report["verdict"] != "passed"
        judged = assess(report, today="2026-11-29")
        reports = [one.write(judged) for one in FORMATS.values()]
        search(json.dumps(report), json.dumps(report, ensure_ascii=False), repr(report), *reports)
        search(run_module(wait_for_mail, options))


@pytest.mark.parametrize(
    ("protocol", "mechanism"), [("imap", "PLAIN"), ("imap", ""), ("pop3", "LOGIN"), ("pop3", "XOAUTH2")]
)
@pytest.mark.parametrize("end", ENDS[:2])
def test_an_audit_that_proves_by_a_mailbox_shows_no_secret(
    protocol: str,
    mechanism: str,
    end: str,
    authority: Authority,
    run_module: Callable[..., str],
) -> None:
    context = authority.contexts["good"]
    with Echo(protocol, mechanism, end, context) as server, running(Relay(DATA="554 5.7.1 No\r\n")) as relay:
        given = options_for(server, protocol, mechanism)
        mailbox = {name: given[name] for name in given if name in smtp_audit.SPEC["mailbox"]["options"]}
        options = {
            "host": "127.0.0.1", "port": relay.port, "intensity": "intrusive", "authorised": ["127.0.0.1"],
            "known_recipient": "tim@example.net", "mailbox_recipient": "tim@example.net", "probes": ["smuggling"],
            "mailbox": {**mailbox, "tls": "implicit", "validate_certs": False}, "arrival_timeout": 30.0,
        }  # fmt: skip
        search(run_module(smtp_audit, options))
        assert server.signed_in


@each
@pytest.mark.parametrize("words", [[], ["--json"], ["-v"]])
def test_the_command_shows_and_writes_no_secret(
    protocol: str, mechanism: str, words: List[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    with Echo(protocol, mechanism, "refuses") as server:
        options = options_for(server, protocol, mechanism)
        for secret in ("password", "access_token"):
            if secret in options:
                monkeypatch.setenv("MAILCHECK_" + secret.upper(), options[secret])
        arguments = ["wait", "127.0.0.1:%d" % server.port, "--protocol", protocol, "--tls", "none"]
        arguments += ["--allow-plaintext-auth", "--username", "tim", "--token", "mc-1", "--timeout", "30", *words]
        arguments += ["--auth-mechanisms", mechanism] if mechanism else []
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGPIPE)}
        try:
            assert main(arguments) != 0
            printed = capsys.readouterr()
            written = ["--format", "html", "--output", str(tmp_path / "found.html")]
            assert main([word for word in arguments if word != "--json"] + written) != 0
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
        assert server.signed_in and printed.out
        more = capsys.readouterr()
        search(printed.out, printed.err, more.out, more.err, (tmp_path / "found.html").read_text())


def test_the_search_finds_what_is_there() -> None:
    for secret in (PASSWORD, TOKEN):
        for form in forms_of(secret).values():
            with pytest.raises(AssertionError):
                search("x%sx" % form.decode("utf-8", "surrogateescape"))
