# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A certificate authority of our own, and the server contexts that hostile relays use: each is wrong in one way.

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509

from ansible_collections.postmaster.mailcheck.tests.support.chains import CLIENT, NAME, Chain, issue

if TYPE_CHECKING:
    from typing import Dict, Optional, Tuple

# Names that would do harm where they are shown as they are: a terminal's, a template's, a page's.
ODD_TEXTS: Tuple[str, ...] = ("\x1b[2J", "{{ lookup('pipe','id') }}", "<script>", "\u202e", "\x9b31m")
ODD_NAMES = (
    x509.DNSName(NAME),
    x509.UniformResourceIdentifier("https://x/\x1b[2J{{ 7*7 }}<script>"),
    x509.RFC822Name("a@b\x07.example"),
)


class Authority:
    """`ca_path` is what to trust; `contexts` are by name."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)
        root, stranger = issue(None, subject="root", authority=True), issue(None, subject="stranger", authority=True)
        self.ca_path = str(self._folder / "ca.pem")
        Path(self.ca_path).write_bytes(root.pem)
        client = issue(root, "client.example.org", purposes=(CLIENT,))
        self.client_cert = str(self._folder / "client.pem")
        Path(self.client_cert).write_bytes(client.key_pem() + client.pem)
        good = Chain(issue(root, NAME, "localhost", "127.0.0.1", "::1"))
        intermediate = issue(root, subject="intermediate", authority=True)
        behind = issue(intermediate, NAME)
        odd = issue(None, units=ODD_TEXTS, extensions=[(x509.SubjectAlternativeName(ODD_NAMES), False)])
        tls12, tls13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
        self.contexts: Dict[str, ssl.SSLContext] = {
            "good": self._context(good),
            "stranger": self._context(Chain(issue(stranger, NAME))),
            "other-name": self._context(Chain(issue(root, "other.example.net"))),
            "expired": self._context(Chain(issue(root, NAME, days=(-9, -1)))),
            "early": self._context(Chain(issue(root, NAME, days=(1, 9)))),
            "self-signed": self._context(Chain(issue(None, NAME))),
            "no-intermediate": self._context(Chain(behind)),
            "intermediate": self._context(Chain(behind, (intermediate,))),
            "tls13": self._context(good, lowest=tls13),
            "tickets": self._context(good, lowest=tls13),
            "tls12": self._context(good, highest=tls12),
            "aes256": self._context(good, highest=tls12, ciphers="ECDHE+AES256+AESGCM"),
            "asks-12": self._context(good, highest=tls12, asks=self.ca_path),
            "asks-13": self._context(good, lowest=tls13, asks=self.ca_path),
            "long": self._context(Chain(good.leaf, (root,) * 150)),  # OpenSSL's clients take up to 100 KiB
            "odd-names": self._context(Chain(odd)),
        }
        self.contexts["tickets"].num_tickets = 20000

    def _context(
        self,
        chain: Chain,
        lowest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2,
        highest: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED,
        ciphers: str = "",
        asks: Optional[str] = None,
    ) -> ssl.SSLContext:
        """A relay's, with which it shows `chain`, and asks for a client's certificate by the authorities of `asks`."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version, context.maximum_version = lowest, highest
        context.load_cert_chain(*chain.files(self._folder))
        if ciphers:
            context.set_ciphers(ciphers)
        if asks is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(asks)
        return context
