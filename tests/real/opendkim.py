# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Two private OpenDKIMs, as milters of Postfix: one signs what leaves, one verifies what comes. The keys that it finds are
# in a file, so that no DNS is asked.

from __future__ import annotations

import base64
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ansible_collections.postmaster.mailcheck.tests.real import servers

AUTHSERV_ID = "mx.lab.test"
SELECTOR = "s1"
# Domains whose mail is signed: one as it should be, one whose published key is another, one whose key was revoked.
GOOD, BROKEN, REVOKED = "good.test", "broken.test", "revoked.test"

CONFIGURATION = """\
Mode {mode}
Socket inet:{port}@127.0.0.1
PidFile {folder}/{mode}.pid
Syslog no
RequireSafeKeys no
Canonicalization relaxed/relaxed
InternalHosts {internal}
"""
SIGNING = """\
KeyTable file:{folder}/keys
SigningTable file:{folder}/signing
"""
VERIFYING = """\
AuthservID {authserv_id}
TestPublicKeys {folder}/published
"""


class OpenDkim(NamedTuple):
    signing: int  # ports of the milters
    verifying: int
    published: dict[str, str]  # name in the DNS -> the record of its key


def make_key(path: Path) -> str:
    """Write a private key; return the record of its public part (RFC 6376 3.6.1)."""
    key = rsa.generate_private_key(65537, 2048)
    pem = serialization.PrivateFormat.TraditionalOpenSSL
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, pem, serialization.NoEncryption()))
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return "v=DKIM1; k=rsa; p=" + base64.b64encode(der).decode()


def is_listening(port: int) -> bool:
    """A milter waits for its client to speak first."""
    with socket.create_connection((servers.HOST, port), timeout=5.0):
        return True


@contextlib.contextmanager
def run_opendkim(folder: Path) -> Iterator[OpenDkim]:
    program = servers.find_program("opendkim")
    ports = servers.free_ports(("s", "v"))
    record, other = make_key(folder / "key.pem"), make_key(folder / "other.pem")
    records = {GOOD: record, BROKEN: other, REVOKED: "v=DKIM1; k=rsa; p="}
    published = {f"{SELECTOR}._domainkey.{domain}": text for domain, text in records.items()}
    (folder / "keys").write_text("".join(f"{one} {one}:{SELECTOR}:{folder}/key.pem\n" for one in records))
    (folder / "signing").write_text("".join(f"{one} {one}\n" for one in records))
    (folder / "published").write_text("".join(f"{name} {text}\n" for name, text in published.items()))
    with contextlib.ExitStack() as stack:
        for mode, more, internal in (("s", SIGNING, "127.0.0.1"), ("v", VERIFYING, "192.0.2.1")):
            configuration = folder / f"{mode}.conf"
            text = (CONFIGURATION + more).format(
                mode=mode, port=ports[mode], folder=folder, internal=internal, authserv_id=AUTHSERV_ID
            )
            configuration.write_text(text)
            command = [program, "-f", "-x", str(configuration)]
            stack.enter_context(servers.running(command, ports[mode], folder / "opendkim.log", is_listening))
        yield OpenDkim(ports["s"], ports["v"], published)
