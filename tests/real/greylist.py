# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A greylisting policy service for Postfix (its SMTPD_POLICY protocol: lines name=value, an empty line, one
# answer), inside the test process: a test sees whom it put off, and can shorten the wait.

from __future__ import annotations

import contextlib
import socketserver
import threading
import time
from collections.abc import Iterator

from ansible_collections.postmaster.mailcheck.tests.real import servers

Triplet = tuple[str, str, str]  # client address, reverse-path, recipient


class Greylist:
    """Defers each triplet until `delay` seconds (an attribute to set) after it was first seen."""

    def __init__(self) -> None:
        self.delay = 2.0
        self.first_seen: dict[Triplet, float] = {}

    def action(self, triplet: Triplet) -> str:
        now = time.monotonic()
        remaining = self.first_seen.setdefault(triplet, now) + self.delay - now
        return "DUNNO" if remaining <= 0 else "DEFER_IF_PERMIT 4.7.1 Greylisted, please try again later"


@contextlib.contextmanager
def run_greylist(port: int) -> Iterator[Greylist]:
    greylist = Greylist()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            attributes: dict[str, str] = {}
            for line in self.rfile:
                name, _equals, value = line.decode().rstrip("\n").partition("=")
                if name:
                    attributes[name] = value
                    continue
                triplet = attributes["client_address"], attributes["sender"], attributes["recipient"]
                self.wfile.write(f"action={greylist.action(triplet)}\n\n".encode())
                attributes = {}

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True  # smtpd keeps its connection for the next mail

    with Server((servers.HOST, port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="greylist")
        thread.start()
        try:
            yield greylist
        finally:
            server.shutdown()
            thread.join()
