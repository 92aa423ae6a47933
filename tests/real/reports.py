# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# How the tests read what the engine reports, and what the server wrote down about the same session.

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any, Callable, Optional

from ansible_collections.postmaster.mailcheck.tests.real import servers

Report = dict[str, Any]
# check(port, **options): the fixture of that name.
Check = Callable[..., Report]

PASSED = ("passed", None)


def outcome(report: Report) -> tuple[str, Optional[str]]:
    """The verdict, and the cause where it did not pass."""
    return report["verdict"], report["failure"] and report["failure"]["cause"]


def said(report: Report, speaker: str = "client") -> list[str]:
    return [entry["text"] for entry in report["transcript"] if entry["from"] == speaker]


def verbs(report: Report) -> list[str]:
    """What the client said, by the first word of each command."""
    return [text.split(" ")[0] for text in said(report)]


_clients = itertools.count()


class Log:
    """What a server's log says of one client, told from all others by the address that it connects from, or by other
    words that stand in each line about it.

    Servers write behind: "from here on" would also show what an earlier client did.
    """

    def __init__(self, path: Path, client: str = "") -> None:
        number = next(_clients)
        # All of one length: none is the beginning of another.
        self.client = client or f"127.9.{100 + number // 100}.{100 + number % 100}"
        self._path = path

    def text(self) -> str:
        lines = self._path.read_text(errors="replace").splitlines()
        return "\n".join(line for line in lines if self.client in line)

    def wait_for(self, words: str, times: int = 1) -> str:
        """All lines about the client, once `words` is in them so many times."""
        what = f"{words!r} in what {self._path} says of {self.client}"
        servers.poll_until(lambda: self.text().count(words) >= times, servers.PATIENCE, what)
        return self.text()
