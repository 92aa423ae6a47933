# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# SCRAM (RFC 5802, RFC 7677): the password stays here, and the server proves that it knows it too.

from __future__ import annotations

import hashlib
import re
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING

from ..text import Secrets, decode
from .exchange import (
    MAX_SERVER_ERROR_TEXT,
    PROTOCOL_ERROR,
    CredentialError,
    SaslError,
    challenge_in,
    disguises,
    finish,
    proof_in,
    usable,
)

if TYPE_CHECKING:
    from typing import Optional, Tuple

    from .exchange import Dialogue, Exchange

# The least that RFC 5802 5.1 and RFC 7677 4 allow: below, who overhears an exchange guesses passwords fast.
MIN_ITERATIONS = 4096
# The server chooses how long we compute, and all other relays of a sweep wait meanwhile: here for some 20 ms at most.
# Mail servers ask for 4,096 unless told otherwise; a million would take half a second.
MAX_ITERATIONS = 50000

_NOT_AUTHENTIC = "auth_server_not_authentic"

# Patterns are compiled where they are used: most checks that sign in do so without SCRAM.
# RFC 5802 7. A mandatory extension (`m=`) does not match, and so ends the sign-in as it must.
_SERVER_FIRST = rb"(?s)r=([\x21-\x2b\x2d-\x7e]+),s=([^,]+),i=([0-9]{1,10})(?:,.*)?"
_SERVER_FINAL = rb"(?s)v=([^,]+)(?:,.*)?"
_SIGNATURE_HASH = "(?i)(md5|sha-?1|sha-?224|sha-?256|sha-?384|sha-?512)(?![0-9])"


def scram(digest: str, plus: bool, exchange: Exchange) -> Dialogue:
    """RFC 5802 3 and 7677. Proves that we know the password, and lets the server prove that it does."""
    import hmac

    password = saslprep(exchange.password, "password").encode("utf-8")
    header = _gs2_header(plus, exchange)
    nonce = exchange.nonce()
    first_bare = b"n=%s,r=%s" % (saslname(exchange.username, "username"), nonce.encode("ascii"))

    server_first = challenge_in((yield header + first_bare), _NOT_AUTHENTIC)
    if server_first.startswith(b"e="):
        yield from _refused_by_scram(exchange, server_first, b"")
        return
    server_nonce, salt, iterations = _read_server_first(server_first, nonce.encode("ascii"))
    binding = header + ((exchange.channel_binding or b"") if plus else b"")
    final_bare = b"c=%s,r=%s" % (b64encode(binding), server_nonce)
    signed = b",".join((first_bare, server_first, final_bare))
    salted = hashlib.pbkdf2_hmac(digest, password, salt, iterations)
    client_key = hmac.new(salted, b"Client Key", digest).digest()
    signature = hmac.new(hashlib.new(digest, client_key).digest(), signed, digest).digest()
    proof = bytes(ours ^ theirs for ours, theirs in zip(client_key, signature))
    expected = hmac.new(hmac.new(salted, b"Server Key", digest).digest(), signed, digest).digest()

    final = final_bare + b",p=" + b64encode(proof)
    server_final = challenge_in((yield final), _NOT_AUTHENTIC)
    if server_final.startswith(b"e="):
        yield from _refused_by_scram(exchange, server_final, final)
        return
    found = re.fullmatch(_SERVER_FINAL, server_final)
    if found is None or not hmac.compare_digest(_octets(found.group(1)), expected):
        raise SaslError(_NOT_AUTHENTIC, "the server's signature is wrong: it does not know the password")
    finish((yield b""))


def _gs2_header(plus: bool, exchange: Exchange) -> bytes:
    """Return the GS2 header (RFC 5802 6, 7).

    `y` says "I would have bound the channel, but you did not offer it", which lets a server that did offer
    it see that somebody removed the offer. Who does not want to bind says `n`, and that is the rule here:
    -PLUS is used only when named.
    """
    if plus and exchange.channel_binding is None:
        raise ValueError("a -PLUS mechanism needs channel_binding")
    unoffered = exchange.channel_binding is not None and not exchange.plus_offered
    flag = b"p=tls-server-end-point" if plus else b"y" if unoffered else b"n"
    identity = exchange.authorization_id
    return b"%s,%s," % (flag, b"a=" + saslname(identity, "authorization_id") if identity else b"")


def saslname(text: str, option: str) -> bytes:
    """Return a name with the separators escaped (RFC 5802 5.1)."""
    return saslprep(text, option).replace("=", "=3D").replace(",", "=2C").encode("utf-8")


def _read_server_first(message: bytes, nonce: bytes) -> Tuple[bytes, bytes, int]:
    """Return the joint nonce, the salt and the iteration count. Raises SaslError."""
    found = re.fullmatch(_SERVER_FIRST, message)
    if found is None:
        raise SaslError(PROTOCOL_ERROR, "the server's first SCRAM message cannot be read")
    server_nonce, iterations = found.group(1), int(found.group(3))
    if not server_nonce.startswith(nonce) or server_nonce == nonce:
        raise SaslError(PROTOCOL_ERROR, "the server's nonce does not extend ours")
    if not MIN_ITERATIONS <= iterations <= MAX_ITERATIONS:
        wanted = (iterations, MIN_ITERATIONS, MAX_ITERATIONS)
        raise SaslError(PROTOCOL_ERROR, "the server asks for %d SCRAM iterations; %d to %d are computed here" % wanted)
    return server_nonce, _octets(found.group(2)), iterations


def _refused_by_scram(exchange: Exchange, message: bytes, said: bytes) -> Dialogue:
    """Note the server's `e=` and answer it, so that the reply with the code (535) follows."""
    secrets = Secrets((*disguises(exchange.password), *disguises(proof_in(said) or "")))
    exchange.server_error = {"error": secrets.redacted(decode(message[2:]))[:MAX_SERVER_ERROR_TEXT]}
    if (yield b"") is None:
        raise SaslError(_NOT_AUTHENTIC, "the server accepted the sign-in after it had reported an error")
    finish(b"")


def saslprep(text: str, option: str) -> str:
    """Return `text` prepared by SASLprep (RFC 4013). Raises CredentialError naming `option`.

    Unassigned code points pass, for passwords too (RFC 5802 wants them refused): the tables end with
    Unicode 3.2, and a server that took a newer character from its user computes with it as it is.
    """
    if text.isascii():
        return usable(text, option)
    import stringprep
    from unicodedata import ucd_3_2_0

    mapped = (" " if stringprep.in_table_c12(char) else char for char in text if not stringprep.in_table_b1(char))
    prepared = ucd_3_2_0.normalize("NFKC", "".join(mapped))
    prohibited = (
        stringprep.in_table_c12, stringprep.in_table_c21_c22, stringprep.in_table_c3, stringprep.in_table_c4,
        stringprep.in_table_c5, stringprep.in_table_c6, stringprep.in_table_c7, stringprep.in_table_c8,
        stringprep.in_table_c9,
    )  # fmt: skip
    if not prepared or any(within(char) for char in prepared for within in prohibited):
        raise CredentialError(option, "holds a character that SASLprep (RFC 4013) prohibits, or nothing else")
    if any(map(stringprep.in_table_d1, prepared)) and (
        any(map(stringprep.in_table_d2, prepared))
        or not (stringprep.in_table_d1(prepared[0]) and stringprep.in_table_d1(prepared[-1]))
    ):
        raise CredentialError(option, "mixes writing directions in a way that SASLprep (RFC 4013) prohibits")
    return prepared


def _octets(data: bytes) -> bytes:
    try:
        return b64decode(data, validate=True)
    except ValueError:
        raise SaslError(PROTOCOL_ERROR, "a field of the server's SCRAM message is not base64") from None


def tls_server_end_point(certificate_der: bytes, signature_algorithm: str) -> Optional[bytes]:
    """Return the channel binding data of the server's certificate (RFC 5929 4.1); None where it is undefined.

    It is the certificate's hash by the function that signed it, SHA-256 in place of MD5 and SHA-1. The
    signature algorithm may be written in any usual way (`sha256WithRSAEncryption`, `ecdsa-with-SHA384`);
    Ed25519 has no hash function, and so no binding.
    """
    found = re.search(_SIGNATURE_HASH, signature_algorithm)
    if found is None:
        return None
    name = found.group().lower().replace("-", "")
    return hashlib.new("sha256" if name in ("md5", "sha1") else name, certificate_der).digest()
