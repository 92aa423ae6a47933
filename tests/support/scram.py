# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The server's side of SCRAM (RFC 5802), which can be told to do it wrong.

from __future__ import annotations

import functools
import hashlib
import hmac
from base64 import b64decode, b64encode

SALT = b"0123456789abcdef"


class ScramServer:
    """One sign-in. `first` and `final` are the client's messages, in plain octets; `binding` is what the channel is
    bound to, for a PLUS."""

    def __init__(self, password: str, iterations: int = 4096, digest: str = "sha256", binding: bytes = b"") -> None:
        self.password, self.iterations, self.digest, self.binding = password, iterations, digest, binding
        self._header = self._bare = self._challenge = b""

    def challenge(self, first: bytes) -> bytes:
        """The server's first message."""
        flag, identity, self._bare = first.split(b",", 2)
        self._header = b"%s,%s," % (flag, identity)
        nonce = self._bare.partition(b",r=")[2] + b"theirs"
        self._challenge = b"r=%s,s=%s,i=%d" % (nonce, b64encode(SALT), self.iterations)
        return self._challenge

    def is_proved_by(self, final: bytes) -> bool:
        """Whether the client knows the password, and is bound to the same channel."""
        without_proof, _p, proof = final.rpartition(b",p=")
        key = self._hmac(self._salted, b"Client Key")
        signature = self._hmac(hashlib.new(self.digest, key).digest(), self._signed(without_proof))
        proved = b64decode(proof) == bytes(a ^ b for a, b in zip(key, signature))
        return proved and without_proof.startswith(b"c=" + b64encode(self._header + self.binding) + b",")

    def signature(self, final: bytes) -> bytes:
        """The server's final message, by which it proves that it knows the password, too."""
        return self._verifier(self._signed(final.rpartition(b",p=")[0]))

    def wrong_signature(self) -> bytes:
        return self._verifier(b"")

    @functools.cached_property  # it costs whatever the client agrees to, and only then
    def _salted(self) -> bytes:
        return hashlib.pbkdf2_hmac(self.digest, self.password.encode(), SALT, self.iterations)

    def _signed(self, without_proof: bytes) -> bytes:
        return b",".join((self._bare, self._challenge, without_proof))

    def _verifier(self, signed: bytes) -> bytes:
        return b"v=" + b64encode(self._hmac(self._hmac(self._salted, b"Server Key"), signed))

    def _hmac(self, key: bytes, text: bytes) -> bytes:
        return hmac.new(key, text, self.digest).digest()
