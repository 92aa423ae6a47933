# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What was said, by whom, when, and whether under TLS.
#
# Secrets never come here: a command brings the form that may be shown. A relay that talks without end
# fills a transcript only up to its limits; what was left out is counted.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .._net.text import cut

if TYPE_CHECKING:
    from typing import Any, Dict, List

    from .replies import Reply


MAX_ENTRIES = 500
MAX_CHARACTERS = 131072  # of all entries


class Entry(NamedTuple):
    at: float  # seconds since the attempt began
    speaker: str  # client, server
    text: str
    tls: bool


class Transcript:
    def __init__(self, started: float) -> None:
        self._started = started
        self.entries: List[Entry] = []
        self.left_out = 0
        self._room = MAX_CHARACTERS
        self.tls = False

    def client(self, text: str, now: float) -> None:
        self._add("client", text, now)

    def server(self, reply: Reply, now: float) -> None:
        """Record a reply as it stood on the wire: the code before each line."""
        code = "%03d" % reply.code
        shown = [code + "-" + line for line in reply.lines]
        shown[-1] = code + " " + reply.lines[-1]
        self._add("server", "\n".join(shown), now)

    def _add(self, speaker: str, text: str, now: float) -> None:
        text = cut(text)
        if self.left_out or len(self.entries) >= MAX_ENTRIES or len(text) > self._room:
            self.left_out += 1
            return
        self._room -= len(text)
        self.entries.append(Entry(now - self._started, speaker, text, self.tls))

    def as_dicts(self) -> List[Dict[str, Any]]:
        """Return the entries for people and playbooks; keys `at`, `from`, `text`, `tls`."""
        shown = [{"at": round(e.at, 4), "from": e.speaker, "text": e.text, "tls": e.tls} for e in self.entries]
        if self.left_out:
            note = "further entries left out: %d" % self.left_out
            shown.append({"at": shown[-1]["at"], "from": "client", "text": note, "tls": self.tls})
        return shown
