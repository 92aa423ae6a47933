# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Mailboxes in memory, behind IMAP and POP3 on loopback ports of their own: as servers should be, but for what a test
# overrides. What clients say is kept.

from __future__ import annotations

import base64
import contextlib
import re
import ssl
import threading
from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.bounce import (
    concerns,
    report_of,
    reported_in,
)
from ansible_collections.postmaster.mailcheck.tests.support.behaving import BehavingRelay

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Tuple

    from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.finding import Report, Wanted

USER, PASSWORD = "tim", "tanstaaftanstaaf"
SIGN_IN = {"username": USER, "password": PASSWORD}
RECEIVED = (
    "Received: from relay.example.com (relay.example.com [192.0.2.7])\r\n\tby mx.example.net (Postfix) with ESMTPS id 4F00\r\n"
    "\tfor <user@example.net>; Sat, 28 Nov 2026 12:00:01 +0000\r\n"
)


def mail(token: str, more: str = "", received: str = RECEIVED) -> bytes:
    """A message as smtp_check sends it, and as a receiver hands it on."""
    return (
        "Return-Path: <probe@example.com>\r\n%s%sX-Mailcheck-Token: %s\r\nFrom: probe@example.com\r\nTo: user@example.net\r\n"
        "Subject: mailcheck\r\nMessage-ID: <%s@example.com>\r\n\r\ntest\r\n" % (more, received, token, token)
    ).encode("utf-8")


def bounce(
    token: str, status: str = "5.1.1", diagnostic: str = "smtp; 550 5.1.1 User unknown", action: str = "failed"
) -> bytes:
    return (
        "Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example.net\r\nSubject: Undelivered Mail\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.net\r\n\r\n"
        "Final-Recipient: rfc822; user@example.net\r\nAction: %s\r\nStatus: %s\r\nDiagnostic-Code: %s\r\n\r\n"
        "--b\r\nContent-Type: text/rfc822-headers\r\n\r\nX-Mailcheck-Token: %s\r\n\r\n--b--\r\n"
        % (action, status, diagnostic, token)
    ).encode()


def report_in(raw: bytes, wanted: Wanted) -> Optional[Report]:
    """Return what a message reports about the wanted one; None if it is no report, or about another."""
    reported = reported_in(raw)
    return report_of(reported, wanted.recipient)[0] if reported is not None and concerns(reported, wanted) else None


class Folder:
    """Messages by UID; `flags` are those of LIST."""

    def __init__(self, messages: Optional[Dict[int, bytes]] = None, validity: int = 7, flags: str = "") -> None:
        self.messages = dict(messages or {})
        self.validity, self.flags = validity, flags
        self.uidnext = max(self.messages, default=0) + 1
        self.deleted: set[int] = set()
        self.dates: Dict[int, str] = {}

    def add(self, raw: bytes) -> int:
        uid = self.uidnext
        self.messages[uid], self.uidnext = raw, uid + 1
        return uid


class ImapServer(BehavingRelay):
    """`override` has a verb -> what is said instead, `{tag}` filled in; None from a function means: as always."""

    def __init__(
        self,
        folders: Optional[Dict[str, Folder]] = None,
        context: Optional[ssl.SSLContext] = None,
        capabilities: str = "UIDPLUS AUTH=PLAIN",
        greeting: str = "* OK ready",
    ) -> None:
        super().__init__(self._play)
        self.folders = folders if folders is not None else {"INBOX": Folder()}
        self.context, self.capabilities, self.greeting = context, "IMAP4rev1 " + capabilities, greeting
        self.override: Dict[str, Any] = {}
        self.said: List[str] = []
        self.octets = 0  # said to clients
        self.expunged: List[Tuple[str, int]] = []
        self.after: Dict[str, Callable[[], None]] = {}  # verb -> what happens once it has been answered

    def heard(self, verb: str) -> List[str]:
        return [line for line in self.said if line.upper().startswith(verb)]

    def _play(self, lines: Any, _say: Any, sock: Any) -> None:
        if self.context is not None:
            sock = self.context.wrap_socket(sock, server_side=True)
            lines = sock.makefile("rb")
        _ImapSession(self, lines, sock).play()


class _ImapSession:
    def __init__(self, server: ImapServer, lines: Any, sock: Any) -> None:
        self.server, self.lines, self.sock = server, lines, sock
        self.folder, self.writable = "", False

    def say(self, text: Any) -> None:
        data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
        self.server.octets += len(data) + 2
        self.sock.sendall(data + b"\r\n")

    def _next_line(self) -> bytes:
        line: bytes = self.lines.readline()  # of others after STARTTLS
        return line

    def play(self) -> None:
        with contextlib.suppress(OSError, ssl.SSLError):
            self.say(self.server.greeting)
            for line in iter(self._next_line, b""):
                tag, _space, rest = line.decode().rstrip("\r\n").partition(" ")
                self.server.said.append(rest)
                words = rest.upper().split() or ["CANCEL"]
                verb = " ".join(words[:2]) if words[0] == "UID" else words[0]
                told = self.server.override.get(verb)
                told = told(tag, rest) if callable(told) else told
                if told is not None:
                    self.sock.sendall(told.replace("{tag}", tag).encode("latin-1"))
                elif not getattr(self, "_" + verb.lower().replace(" ", "_"))(tag, rest):
                    self.say("%s OK done" % tag)
                if verb in self.server.after:
                    self.server.after[verb]()
                if verb == "LOGOUT":
                    return

    def _capability(self, _tag: str, _rest: str) -> None:
        self.say("* CAPABILITY " + self.server.capabilities)

    def _noop(self, _tag: str, _rest: str) -> None:
        self.say("* %d EXISTS" % len(self.server.folders[self.folder].messages) if self.folder else "* 0 RECENT")

    def _cancel(self, tag: str, _rest: str) -> bool:
        self.say(tag + " BAD cancelled")
        return True

    def _logout(self, _tag: str, _rest: str) -> None:
        self.say("* BYE")

    def _login(self, tag: str, rest: str) -> bool:
        return self._answer(tag, rest.split()[1:] == ['"%s"' % USER, '"%s"' % PASSWORD])

    def _authenticate(self, tag: str, _rest: str) -> bool:
        self.say("+ ")
        said = base64.b64decode(self.lines.readline())
        self.server.said.append("<response>")
        return self._answer(tag, said.split(b"\0")[2:] == [PASSWORD.encode()])

    def _answer(self, tag: str, good: bool) -> bool:
        self.say(tag + (" OK signed in" if good else " NO [AUTHENTICATIONFAILED] no such user or password"))
        return True

    def _starttls(self, tag: str, _rest: str) -> bool:
        self.say(tag + " OK begin")
        assert self.server.context is not None
        self.sock = self.server.context.wrap_socket(self.sock, server_side=True)
        self.lines = self.sock.makefile("rb")
        return True

    def _list(self, _tag: str, _rest: str) -> None:
        for name, folder in self.server.folders.items():
            self.say('* LIST (%s) "/" "%s"' % (folder.flags, name))

    def _examine(self, tag: str, rest: str, writable: bool = False) -> bool:
        name = rest.partition(" ")[2].strip('"')
        folder = self.server.folders.get(name)
        if folder is None:
            self.say(tag + " NO [NONEXISTENT] no such folder")
            return True
        self.folder, self.writable = name, writable
        self.say("* %d EXISTS\r\n* OK [UIDVALIDITY %d] ok" % (len(folder.messages), folder.validity))
        self.say("* OK [UIDNEXT %d] ok" % folder.uidnext)
        self.say("%s OK [READ-%s] opened" % (tag, "WRITE" if writable else "ONLY"))
        return True

    def _select(self, tag: str, rest: str) -> bool:
        return self._examine(tag, rest, True)

    def _uid_search(self, _tag: str, rest: str) -> None:
        folder, uids = self.server.folders[self.folder], []
        lowest = re.search(r"UID (\d+):\*", rest)
        header = re.search(r'HEADER (\S+) "([^"]*)"', rest)
        for uid, raw in sorted(folder.messages.items()):
            field = (
                re.search(rb"(?im)^%s:.*%s" % tuple(one.encode() for one in header.groups()), raw) if header else True
            )
            if field and (lowest is None or uid >= int(lowest.group(1))):
                uids.append(str(uid))
        self.say("* SEARCH " + " ".join(uids))

    def _uid_fetch(self, _tag: str, rest: str) -> None:
        folder = self.server.folders[self.folder]
        section, length = re.search(r"BODY\.PEEK\[([^\]]*)\]<0\.(\d+)>", rest).groups()  # type: ignore[union-attr]
        for word in rest.split()[2].split(","):
            raw = folder.messages.get(int(word))
            if raw is None:
                continue
            octets = (_section(raw, section) if section else raw)[: int(length)]
            date = folder.dates.get(int(word), "28-Nov-2026 12:00:02 +0000")
            self.say(
                b'* 1 FETCH (UID %s INTERNALDATE "%s" BODY[] {%d}\r\n%s)'
                % (word.encode(), date.encode(), len(octets), octets)
            )

    def _uid_store(self, _tag: str, rest: str) -> None:
        assert self.writable
        self.server.folders[self.folder].deleted |= {int(word) for word in rest.split()[2].split(",")}

    def _uid_expunge(self, _tag: str, rest: str) -> None:
        folder = self.server.folders[self.folder]
        for uid in {int(word) for word in rest.split()[2].split(",")} & folder.deleted:
            folder.messages.pop(uid)
            self.server.expunged.append((self.folder, uid))


def _section(raw: bytes, section: str) -> bytes:
    """The header, or those of its fields that are asked for (RFC 9051 6.4.5)."""
    header = raw.partition(b"\r\n\r\n")[0] + b"\r\n"
    if section.startswith("HEADER.FIELDS "):
        names = "|".join(map(re.escape, section[15:-1].split())).encode()
        header = b"".join(re.findall(rb"(?im)^(?:%s):[^\n]*\n(?:[ \t][^\n]*\n)*" % names, header))
    return header + b"\r\n"


class PopServer(BehavingRelay):
    """One maildrop; `override` as for IMAP, without tags."""

    def __init__(self, messages: List[bytes], capabilities: str = "TOP\r\nUIDL\r\nUSER\r\nSASL PLAIN") -> None:
        super().__init__(self._play)
        self.messages, self.capabilities = messages, capabilities
        self.override: Dict[str, str] = {}
        self.said: List[str] = []
        self.greeting = "+OK ready"
        self.context: Optional[ssl.SSLContext] = None
        self.guard = threading.Lock()

    def _play(self, lines: Any, say: Any, sock: Any) -> None:
        say(self.greeting)
        mine, doomed = list(self.messages), set()

        def say_inside(text: str) -> None:
            sock.sendall(text.encode() + b"\r\n")

        while True:
            line = lines.readline()
            if not line:
                return
            text = line.decode().rstrip("\r\n")
            self.said.append(text)
            verb, *words = text.split()
            if verb in self.override:
                sock.sendall(self.override[verb].encode("latin-1"))
            elif verb == "STLS" and self.context is not None:
                say("+OK begin")
                sock = self.context.wrap_socket(sock, server_side=True)
                lines, say = sock.makefile("rb"), say_inside
            elif verb == "CAPA":
                say("+OK\r\n%s\r\n." % self.capabilities)
            elif verb == "AUTH":
                say("+ ")
                said = base64.b64decode(lines.readline()).split(b"\0")[1:]
                say("+OK in" if said == [USER.encode(), PASSWORD.encode()] else "-ERR [AUTH] wrong")
            elif verb == "UIDL":
                say("+OK\r\n%s." % "".join("%d u%d\r\n" % (at, hash(raw)) for at, raw in enumerate(mine, 1)))
            elif verb == "TOP":
                raw = mine[int(words[0]) - 1]
                say(
                    "+OK\r\n%s\r\n." % (raw if int(words[1]) else raw.partition(b"\r\n\r\n")[0]).decode().rstrip("\r\n")
                )
            elif verb == "DELE":
                doomed.add(int(words[0]) - 1)
                say("+OK")
            elif verb == "QUIT":
                with self.guard:
                    for at in doomed:
                        self.messages.remove(mine[at])
                say("+OK bye")
                return
            else:
                say("+OK")
