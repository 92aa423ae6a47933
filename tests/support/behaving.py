# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A relay of which each session is a call of the test's own function.

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, Callable, List, Set, TypeVar

    Self = TypeVar("Self", bound="BehavingRelay")

# Far more than any of this takes, on any machine: who waits for so long has failed.
AGES = 20.0


class BehavingRelay:
    """Listens on one address; each session is a call of `behave(lines, say, sock)` in a thread of its own."""

    def __init__(self, behave: Callable[[Any, Any, Any], Any], host: str = "127.0.0.1", port: int = 0) -> None:
        self.behave, self.most, self.sessions = behave, 0, 0
        self.inside: Set[socket.socket] = set()
        self.threads: List[threading.Thread] = []
        self.sockets: List[socket.socket] = []
        self.lock = threading.Lock()
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((host, port))
        self.listener.listen(100)
        self.port = self.listener.getsockname()[1]

    def __enter__(self: Self) -> Self:
        self.start(self.accept)
        return self

    def __exit__(self, *_error: object) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        for sock in self.sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(AGES)
        self.listener.close()

    def start(self, call: Callable[..., Any], *values: Any) -> None:
        thread = threading.Thread(target=call, args=values, name="relay", daemon=True)
        self.threads.append(thread)
        thread.start()

    def accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _peer = self.listener.accept()
                self.sockets.append(sock)
                self.start(self.serve, sock)

    def serve(self, sock: socket.socket) -> None:
        with self.lock:
            self.inside.add(sock)
            self.sessions += 1
            self.most = max(self.most, len(self.inside))

        def say(text: str) -> None:
            if text.startswith("221"):
                self.leave(sock)
            sock.sendall(text.encode() + b"\r\n")

        with sock, sock.makefile("rb") as lines, contextlib.suppress(OSError):
            self.behave(lines, say, sock)
        self.leave(sock)

    def leave(self, sock: socket.socket) -> None:
        with self.lock:
            self.inside.discard(sock)
