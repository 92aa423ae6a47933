# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# How the tests read what the engine reports, and what the server wrote down about the same session.

from __future__ import annotations

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


class Log:
    """What a server adds to its log from now on."""

    def __init__(self, path: Path) -> None:
        self._path, self._start = path, path.stat().st_size

    def text(self) -> str:
        with self._path.open("rb") as file:
            file.seek(self._start)
            return file.read().decode(errors="replace")

    def wait_for(self, words: str) -> str:
        """What was added, once `words` is in it."""
        servers.poll_until(lambda: words in self.text(), 10.0, f"{words!r} in {self._path}")
        return self.text()
