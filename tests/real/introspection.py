# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A token introspection service (RFC 7662) for Dovecot's OAuth sign-in, inside the test process.

from __future__ import annotations

import contextlib
import http.server
import json
import threading
import urllib.parse
from collections.abc import Iterator

from ansible_collections.postmaster.mailcheck.tests.real import servers

TOKEN = "ya29.lab-Token_0123456789~+/="  # of servers.USERNAME; every other token is not active


@contextlib.contextmanager
def run_introspection(port: int) -> Iterator[None]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            active = form["token"] == [TOKEN]
            answer = json.dumps({"active": active, **({"username": servers.USERNAME} if active else {})}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *values: object) -> None:
            pass

    with http.server.ThreadingHTTPServer((servers.HOST, port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="introspection")
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
