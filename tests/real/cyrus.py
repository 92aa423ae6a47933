# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# SCRAM-…-PLUS as Cyrus SASL does it, the library behind Postfix, Exim, Sendmail and Cyrus IMAP: none of the mail servers
# here hands it the channel, so that it stands behind a few words of SMTP inside TLS, in the test's own process.

from __future__ import annotations

import contextlib
import ctypes
import functools
import socketserver
import ssl
import threading
from base64 import b64decode, b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible_collections.postmaster.mailcheck.tests.real import servers
from ansible_collections.postmaster.mailcheck.tests.real.pki import Pki

MECHANISMS = ("SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS")
USER, REALM = servers.USERNAME.split("@")

# sasl.h
OK, CONTINUE, FAIL = 0, 1, -1
CB_GETOPT, CB_LIST_END = 1, 0
PROPERTY_CHANNEL_BINDING = 21
SET_CREATE = 1
GetOption = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.POINTER(ctypes.c_char_p),
    ctypes.POINTER(ctypes.c_uint),
)  # fmt: skip


class Callback(ctypes.Structure):
    _fields_ = [("id", ctypes.c_ulong), ("procedure", ctypes.c_void_p), ("context", ctypes.c_void_p)]


class ChannelBinding(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("critical", ctypes.c_int),
        ("length", ctypes.c_ulong),
        ("data", ctypes.c_char_p),
    ]


@functools.lru_cache(maxsize=None)
def _library(database: Path) -> Any:
    """libsasl2, which knows one user. It can be made ready once in a process only; what it was given must stay."""
    try:
        library: Any = ctypes.CDLL("libsasl2.so.2")
    except OSError:
        raise servers.Unavailable("libsasl2 is not installed") from None
    options = {b"auxprop_plugin": b"sasldb", b"sasldb_path": str(database).encode()}

    @GetOption
    def get_option(_context: Any, _plugin: Any, name: bytes, value: Any, length: Any) -> int:
        if name not in options:
            return FAIL
        value[0] = options[name]
        if length:
            length[0] = len(options[name])
        return OK

    library.kept = (get_option, options)
    procedure = ctypes.cast(get_option, ctypes.c_void_p)
    library.callbacks = (Callback * 2)(Callback(CB_GETOPT, procedure, None), Callback(CB_LIST_END, None, None))
    assert library.sasl_server_init(library.callbacks, b"mailcheck") == OK
    with _connection(library) as connection:
        password = servers.PASSWORD.encode()
        arguments = (USER.encode(), password, ctypes.c_uint(len(password)), None, 0, ctypes.c_uint(SET_CREATE))
        assert library.sasl_setpass(connection, *arguments) == OK
    return library


@contextlib.contextmanager
def _connection(library: Any) -> Iterator[ctypes.c_void_p]:
    connection = ctypes.c_void_p()
    names = (b"smtp", b"relay.lab.test", REALM.encode())
    assert library.sasl_server_new(*names, None, None, None, 0, ctypes.byref(connection)) == OK
    try:
        yield connection
    finally:
        library.sasl_dispose(ctypes.byref(connection))


class Submission(socketserver.ThreadingTCPServer):
    """`offered`: the mechanisms that EHLO names; `binding`: the channel as the server sees it, name and data."""

    daemon_threads = True

    def __init__(self, library: Any, context: ssl.SSLContext, binding: tuple[str, bytes], offered: str) -> None:
        super().__init__((servers.HOST, 0), _Session)
        self.library, self.context, self.binding, self.offered = library, context, binding, offered
        self.port = int(self.server_address[1])


class _Session(socketserver.BaseRequestHandler):
    server: Submission

    def handle(self) -> None:
        with self.server.context.wrap_socket(self.request, server_side=True) as sock:
            self.lines = sock.makefile("rwb")
            self.say("220 relay.lab.test")
            for line in iter(self.lines.readline, b""):
                words = line.decode().split()
                if words[0] == "EHLO":
                    self.say("250-relay.lab.test")
                    self.say("250 AUTH " + self.server.offered)
                elif words[0] == "AUTH":
                    self.say("235 2.7.0 Welcome" if self.sign_in(words[1], words[2]) else "535 5.7.8 No")
                else:
                    self.say("221 Bye")
                    return

    def say(self, text: str) -> None:
        self.lines.write(text.encode() + b"\r\n")
        self.lines.flush()

    def sign_in(self, mechanism: str, initial: str) -> bool:
        library, (name, data) = self.server.library, self.server.binding
        with _connection(library) as connection:
            binding = ChannelBinding(name.encode(), 0, len(data), data)
            assert library.sasl_setprop(connection, PROPERTY_CHANNEL_BINDING, ctypes.byref(binding)) == OK
            out, length = ctypes.c_void_p(), ctypes.c_uint()
            answer = (ctypes.byref(out), ctypes.byref(length))
            heard = b64decode(initial)
            state = library.sasl_server_start(connection, mechanism.encode(), heard, ctypes.c_uint(len(heard)), *answer)
            while state == CONTINUE:
                self.say("334 " + b64encode(ctypes.string_at(out.value or 0, length.value)).decode())
                heard = b64decode(self.lines.readline())
                state = library.sasl_server_step(connection, heard, ctypes.c_uint(len(heard)), *answer)
            return bool(state == OK)


@contextlib.contextmanager
def run_cyrus(folder: Path, pki: Pki, binding: tuple[str, bytes], offered: str, tls: str = "TLSv1_3") -> Iterator[int]:
    """Yield the port (implicit TLS) of a server that sees this channel binding."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion[tls]
    context.load_cert_chain(pki.relay.chain, pki.relay.key)
    with Submission(_library(folder / "sasldb"), context, binding, offered) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="cyrus")
        thread.start()
        try:
            yield server.port
        finally:
            server.shutdown()
            thread.join()
