# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A relay on the loopback that delivers: to a Maildir, by the recipient, at once.

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.tests.support.behaving import BehavingRelay

if TYPE_CHECKING:
    import socket
    from pathlib import Path
    from typing import Any, Callable, Optional, Pattern

    Place = Callable[[str, str, bytes], Optional[Path]]

STRICT = re.compile(rb"\r\n\.\r\n")


def make_maildir(path: Path) -> Path:
    for part in ("new", "cur", "tmp"):
        (path / part).mkdir(parents=True)
    return path


class DeliveringRelay(BehavingRelay):
    """`place`: sender, recipient, message -> the Maildir for it; None where it is swallowed.

    `ends` is what it takes for the end of a message, `rcpt` and `message` give its replies to a recipient and to
    a message. With `hurried` commands that come with others in one write are refused.
    """

    def __init__(
        self,
        place: Place,
        ends: Pattern[bytes] = STRICT,
        rcpt: Callable[[str], str] = lambda _recipient: "250 2.1.5 Ok",
        message: Callable[[str, bytes], str] = lambda _recipient, _content: "250 2.0.0 Ok",
        hurried: bool = True,
    ) -> None:
        super().__init__(self._session)
        self._place, self._ends, self._rcpt, self._message, self._hurried = place, ends, rcpt, message, hurried
        self._lock, self.delivered = threading.Lock(), 0

    def deliver(self, maildir: Path, content: bytes) -> None:
        with self._lock:
            self.delivered += 1
            path = maildir / "tmp" / ("%d.%d" % (self.port, self.delivered))
        path.write_bytes(content)
        path.rename(maildir / "new" / path.name)

    def _session(self, _lines: Any, say: Callable[[str], None], sock: socket.socket) -> None:
        say("220 relay.example.com ESMTP")
        held, sender, recipient = b"", "", ""
        end = line_end = re.compile(rb"\r\n")
        while True:
            found = end.search(held)
            if found is None:
                data = sock.recv(65536)
                if not data:
                    return
                held += data
                continue
            line, held = held[: found.start()], held[found.end() :]
            verb, _space, rest = line.decode("latin-1").partition(" ")
            path = rest.partition("<")[2].rpartition(">")[0]
            if end is not line_end:
                end, reply = line_end, self._message(recipient, line)
                maildir = self._place(sender, recipient, line) if reply.startswith("2") else None
                if maildir is not None:
                    self.deliver(maildir, line.replace(b"\r\n..", b"\r\n.") + b"\r\n")
                if held and not self._hurried:
                    say(reply)
                    say("554 5.5.0 Improper use of pipelining")
                    return
            elif verb == "MAIL":
                sender, reply = path, "250 2.1.0 Ok"
            elif verb == "RCPT":
                recipient, reply = path, self._rcpt(path)
            elif verb == "DATA":
                end, reply = self._ends, "354 Go on"
            else:
                reply = "221 2.0.0 Bye" if verb == "QUIT" else "250 relay.example.com"
            say(reply)
            if verb == "QUIT":
                return
