# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The world that the documentation's examples live in: every host below example.com is a relay with a certificate in
# its name, at ports 25, 465 and 587. They run word by word: a `sitecustomize` leads each name to a loopback port, and
# SSL_CERT_FILE makes the test's authority one of the system's.

from __future__ import annotations

import base64
import contextlib
import datetime
import hashlib
import hmac
import json
import socket
import ssl
from pathlib import Path
from typing import Dict, Iterator

import trustme

from ansible_collections.postmaster.mailcheck.tests.support.relay import Relay, running

PASSWORD = "tanstaaftanstaaf"
SALT, ROUNDS = b"0123456789abcdef", 4096

SITECUSTOMIZE = """
import json, os, socket
_ports, _ask = json.loads(os.environ["MAILCHECK_TEST_PORTS"]), socket.getaddrinfo

def getaddrinfo(host, port, *rest, **more):
    name = host.decode() if isinstance(host, bytes) else host
    if name and (name.endswith(".example.com") or name == "127.0.0.1" and port in (25, 465, 587)):
        found = _ports.get("%s:%s" % (name, port), _ports["*:%s" % port])
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", found))]
    return _ask(host, port, *rest, **more)

socket.getaddrinfo = getaddrinfo
"""


class ScramServer:
    """SCRAM-SHA-256 (RFC 5802) for anyone who knows PASSWORD; AUTH PLAIN and LOGIN succeed at once."""

    def __init__(self) -> None:
        self.first = ""

    def auth(self, line: str) -> str:
        words = line.split()
        if words[1].upper() != "SCRAM-SHA-256":
            return "235 2.7.0 Welcome\r\n"
        bare = base64.b64decode(words[2]).decode().split(",", 2)[2]
        server = "r=%sserver,s=%s,i=%d" % (bare.partition("r=")[2], base64.b64encode(SALT).decode(), ROUNDS)
        self.first = bare + "," + server
        return "334 %s\r\n" % base64.b64encode(server.encode()).decode()

    def proof(self, line: str) -> str:
        """A line that is no command: the client's final message, or the empty one that ends the exchange."""
        if not line:
            return "235 2.7.0 Welcome\r\n"
        if not self.first:
            return "500 5.5.2 What?\r\n"
        final = base64.b64decode(line).decode()
        message = "%s,%s" % (self.first, final.rpartition(",p=")[0])
        salted = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), SALT, ROUNDS)
        key = hmac.new(salted, b"Server Key", "sha256").digest()
        signature = hmac.new(key, message.encode(), "sha256").digest()
        return "334 %s\r\n" % base64.b64encode(b"v=" + base64.b64encode(signature)).decode()


def recipient(line: str) -> str:
    path = line.partition(":")[2].partition(" ")[0]
    return "250 2.1.5 Ok\r\n" if path.endswith("@example.com>") else "554 5.7.1 %s: Relay access denied\r\n" % path


def relay(context: ssl.SSLContext, implicit: bool = False) -> Relay:
    scram = ScramServer()
    lines = ["relay.example.com", "PIPELINING", "ENHANCEDSTATUSCODES", "8BITMIME", "DSN", "SMTPUTF8", "SIZE 52428800"]
    lines += ["AUTH PLAIN LOGIN SCRAM-SHA-256"]
    ehlo = "".join("250-%s\r\n" % line for line in lines[:-1]) + "250 %s\r\n" % lines[-1]
    answers = {"EHLO": ehlo, "AUTH": scram.auth, "RCPT": recipient, "*": scram.proof}
    return Relay(context, implicit, **answers)


def server_context(ca: trustme.CA, **validity: datetime.datetime) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("*.example.com", key_type=trustme.KeyType.ECDSA, **validity).configure_cert(context)
    return context


@contextlib.contextmanager
def world(folder: Path) -> Iterator[Dict[str, str]]:
    """Start the relays; yield the variables of an environment in which the examples find them."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    (folder / "sitecustomize.py").write_text(SITECUSTOMIZE, encoding="utf-8")
    now = datetime.datetime.now(datetime.timezone.utc)
    good = server_context(ca, not_after=now + datetime.timedelta(days=90))
    old = server_context(ca, not_before=now - datetime.timedelta(days=9), not_after=now - datetime.timedelta(days=1))
    relays = {
        "*:25": relay(good),
        "*:587": relay(good),
        "*:465": relay(good, True),
        "expired.example.com:25": relay(old),
    }
    relays["*:587"].submission = True
    with contextlib.ExitStack() as stack:
        ports: Dict[str, int] = {name: stack.enter_context(running(one)).port for name, one in relays.items()}
        yield {
            "MAILCHECK_TEST_PORTS": json.dumps(ports),
            "SSL_CERT_FILE": str(folder / "ca.pem"),
            "PYTHONPATH": str(folder),
        }


def closed_port() -> int:
    """A port at which nothing listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
