# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the collection. One small generator per SASL mechanism, and the table to choose from.
#
# A dialogue yields raw responses (base64 and the AUTH command belong to the conversation) and is sent raw
# challenges. `next()` gives the initial response, or None where the server speaks first. `send(None)` says
# that the server has answered 235: the dialogue returns if it is content and raises SaslError if it is not.
# A challenge too many is a SaslError as well, so that no server can go on for ever.
#
# No secret gets into an exception: texts are our own words, and a codec's error, which holds the text it
# choked on, is never chained to ours.

from __future__ import annotations

import functools
import hashlib
import os
import re
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, NamedTuple

from . import model
from .replies import decode, printable, redacted

if TYPE_CHECKING:
    from typing import Any, Callable, Collection, Dict, Generator, Iterable, Iterator, Optional, Sequence, Tuple

    Dialogue = Generator[Optional[bytes], Optional[bytes], None]

# The least that RFC 5802 5.1 and RFC 7677 4 allow: below, who overhears an exchange guesses passwords fast.
MIN_ITERATIONS = 4096
# The server chooses how long we compute, and all other relays of a sweep wait meanwhile. The highest count
# recommended to anybody today is 1.3 million; two million take about a second, 2**31 would take half an hour.
MAX_ITERATIONS = 2000000
MAX_SERVER_ERROR_ITEMS = 16
MAX_SERVER_ERROR_TEXT = 500

_NOT_AUTHENTIC = "auth_server_not_authentic"
_PROTOCOL = "auth_protocol_error"

# Patterns are compiled where they are used: most checks sign in nowhere, or without SCRAM.
# RFC 5802 7. A mandatory extension (`m=`) does not match, and so ends the sign-in as it must.
_SERVER_FIRST = rb"(?s)r=([\x21-\x2b\x2d-\x7e]+),s=([^,]+),i=([0-9]{1,10})(?:,.*)?"
_SERVER_FINAL = rb"(?s)v=([^,]+)(?:,.*)?"
# What no user name or password may hold: controls (a line end that came with a file, above all; NUL and ^A
# separate the fields of messages) and the lone surrogates that stand for octets which are not UTF-8.
_FORBIDDEN = "[\x00-\x1f\x7f-\x9f\ud800-\udfff]"
_SIGNATURE_HASH = "(?i)(md5|sha-?1|sha-?224|sha-?256|sha-?384|sha-?512)(?![0-9])"


class SaslError(Exception):
    """The server broke the mechanism's rules. `cause`: a row of the table of causes; the text is safe."""

    def __init__(self, cause: str, text: str) -> None:
        super().__init__(text)
        self.cause = cause
        self.text = text


class CredentialError(model.OptionError, ValueError):
    """A user name, password or token that cannot be used: the caller's mistake. `option` names it."""


def _new_nonce() -> str:
    return os.urandom(18).hex()


class Exchange:
    """What one sign-in needs, and what it learns. Raises CredentialError, so make it before a socket opens.

    `channel_binding`: the data of `tls-server-end-point`, set only where the caller named a -PLUS
    mechanism; `plus_offered`: whether the server offers any. `server_error`: what the server said of its
    refusal inside the dialogue (OAuth's JSON, SCRAM's `e=`), name -> text safe to show.
    """

    __slots__ = (
        "access_token", "authorization_id", "channel_binding", "host", "nonce", "password", "plus_offered",
        "port", "server_error", "username",
    )  # fmt: skip

    def __init__(
        self,
        username: Optional[str] = None,
        password: Optional[str] = None,
        access_token: Optional[str] = None,
        authorization_id: Optional[str] = None,
        host: str = "",
        port: int = 0,
        channel_binding: Optional[bytes] = None,
        plus_offered: bool = True,
        nonce: Callable[[], str] = _new_nonce,
    ) -> None:
        self.username = _usable(username, "username")
        self.password = _usable(password, "password")
        self.access_token = _usable(access_token, "access_token")
        self.authorization_id = _usable(authorization_id, "authorization_id")
        if not self.access_token.isascii() or " " in self.access_token:
            raise CredentialError("access_token", "must be ASCII without spaces (RFC 6750 2.1)")
        self.host = host
        self.port = port
        self.channel_binding = channel_binding
        self.plus_offered = plus_offered
        self.nonce = nonce
        self.server_error: Optional[Dict[str, Any]] = None

    def __repr__(self) -> str:
        return "<Exchange>"


def _usable(value: Optional[str], option: str) -> str:
    text = value or ""
    if text.endswith(("\r", "\n")):
        raise CredentialError(option, "ends in a line end: remove it where the value comes from")
    if re.search(_FORBIDDEN, text):
        raise CredentialError(option, "holds a control character, or octets that are not UTF-8")
    return text


def disguises(secret: str) -> Iterator[str]:
    """Yield a secret, and how it would look to somebody who repeats it in hexadecimal, in a URL, or inside base64."""
    octets = secret.encode("utf-8")
    yield secret
    if len(octets) < 4:
        return  # so little looks like anything
    yield octets.hex()
    yield octets.hex().upper()
    yield re.sub(rb"[^\w.~-]", lambda found: b"%%%02X" % ord(found.group()), octets, flags=re.ASCII).decode("ascii")
    for shift in range(3):
        # Without the characters in which octets beside it have a part.
        yield b64encode(bytes(shift) + octets).decode("ascii")[(shift * 8 + 5) // 6 : (shift + len(octets)) * 8 // 6]


def proof_in(response: bytes) -> Optional[str]:
    """Return CRAM-MD5's digest, or SCRAM's proof: with it, and the challenge, a password can be guessed."""
    found = re.search(rb"(?: |,p=)([0-9A-Za-z+/=]{28,})$", response)
    return found.group(1).decode("ascii") if found else None


def saslprep(text: str, option: str) -> str:
    """Return `text` prepared by SASLprep (RFC 4013). Raises CredentialError naming `option`.

    Unassigned code points pass, for passwords too (RFC 5802 wants them refused): the tables end with
    Unicode 3.2, and a server that took a newer character from its user computes with it as it is.
    """
    if text.isascii():
        return _usable(text, option)
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
        raise SaslError(_PROTOCOL, "a field of the relay's SCRAM message is not base64") from None


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


def _challenge(answer: Optional[bytes], cause: str = _PROTOCOL) -> bytes:
    """Return the challenge; a 235 here means that the server has skipped a part."""
    if answer is None:
        raise SaslError(cause, "the relay accepted the sign-in before the mechanism had run its course")
    return answer


def _finish(answer: Optional[bytes]) -> None:
    """Take the 235; by now the mechanism has nothing left to say."""
    if answer is not None:
        raise SaslError(_PROTOCOL, "the relay sent another challenge after the mechanism's last response")


def _plain(exchange: Exchange) -> Dialogue:
    """RFC 4616. The server prepares the strings, so they go as they are."""
    fields = (exchange.authorization_id, exchange.username, exchange.password)
    _finish((yield "\0".join(fields).encode("utf-8")))


def _login(exchange: Exchange) -> Dialogue:
    """Two prompts, whose wording differs between servers and means nothing."""
    _challenge((yield None))
    _challenge((yield exchange.username.encode("utf-8")))
    _finish((yield exchange.password.encode("utf-8")))


def _cram_md5(exchange: Exchange) -> Dialogue:
    """RFC 2195."""
    import hmac

    challenge = _challenge((yield None))
    try:
        proof = hmac.new(exchange.password.encode("utf-8"), challenge, "md5").hexdigest()
    except ValueError:
        proof = ""
    if not proof:
        raise SaslError(_PROTOCOL, "this host forbids MD5 (FIPS): name other mechanisms in auth_mechanisms")
    _finish((yield ("%s %s" % (exchange.username, proof)).encode("utf-8")))


def _scram(digest: str, plus: bool, exchange: Exchange) -> Dialogue:
    """RFC 5802 3 and 7677. Proves that we know the password, and lets the server prove that it does."""
    import hmac

    password = saslprep(exchange.password, "password").encode("utf-8")
    header = _gs2_header(plus, exchange)
    nonce = exchange.nonce()
    first_bare = b"n=%s,r=%s" % (_saslname(exchange.username, "username"), nonce.encode("ascii"))

    server_first = _challenge((yield header + first_bare), _NOT_AUTHENTIC)
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
    server_final = _challenge((yield final), _NOT_AUTHENTIC)
    if server_final.startswith(b"e="):
        yield from _refused_by_scram(exchange, server_final, final)
        return
    found = re.fullmatch(_SERVER_FINAL, server_final)
    if found is None or not hmac.compare_digest(_octets(found.group(1)), expected):
        raise SaslError(_NOT_AUTHENTIC, "the relay's signature is wrong: it does not know the password")
    _finish((yield b""))


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
    return b"%s,%s," % (flag, b"a=" + _saslname(identity, "authorization_id") if identity else b"")


def _saslname(text: str, option: str) -> bytes:
    """Return a name with the separators escaped (RFC 5802 5.1)."""
    return saslprep(text, option).replace("=", "=3D").replace(",", "=2C").encode("utf-8")


def _read_server_first(message: bytes, nonce: bytes) -> Tuple[bytes, bytes, int]:
    """Return the joint nonce, the salt and the iteration count. Raises SaslError."""
    found = re.fullmatch(_SERVER_FIRST, message)
    if found is None:
        raise SaslError(_PROTOCOL, "the relay's first SCRAM message cannot be read")
    server_nonce, iterations = found.group(1), int(found.group(3))
    if not server_nonce.startswith(nonce) or server_nonce == nonce:
        raise SaslError(_PROTOCOL, "the relay's nonce does not extend ours")
    if not MIN_ITERATIONS <= iterations <= MAX_ITERATIONS:
        wanted = (iterations, MIN_ITERATIONS, MAX_ITERATIONS)
        raise SaslError(_PROTOCOL, "the relay asks for %d SCRAM iterations; %d to %d are safe" % wanted)
    return server_nonce, _octets(found.group(2)), iterations


def _refused_by_scram(exchange: Exchange, message: bytes, said: bytes) -> Dialogue:
    """Note the server's `e=` and answer it, so that the reply with the code (535) follows."""
    text = redacted(decode(message[2:]), (*disguises(exchange.password), *disguises(proof_in(said) or "")))
    exchange.server_error = {"error": text[:MAX_SERVER_ERROR_TEXT]}
    if (yield b"") is None:
        raise SaslError(_NOT_AUTHENTIC, "the relay accepted the sign-in after it had reported an error")
    _finish(b"")


def _oauthbearer(exchange: Exchange) -> Dialogue:
    """RFC 7628 3.1. The identity, where there is one, is the authorization identity."""
    identity = exchange.authorization_id or exchange.username
    name = b"a=" + _saslname(identity, "username") if identity else b""
    fields = "host=%s\1port=%d\1auth=Bearer %s\1\1" % (exchange.host, exchange.port, exchange.access_token)
    yield from _bearer(exchange, b"n,%s,\1%s" % (name, fields.encode("utf-8")), b"\1")


def _xoauth2(exchange: Exchange) -> Dialogue:
    """The form Google and Microsoft use."""
    response = "user=%s\1auth=Bearer %s\1\1" % (exchange.username, exchange.access_token)
    yield from _bearer(exchange, response.encode("utf-8"), b"")


def _bearer(exchange: Exchange, response: bytes, acknowledgement: bytes) -> Dialogue:
    """Send the token. A challenge is the server's error; the reply with the code follows our answer to it."""
    challenge = yield response
    if challenge is not None:
        exchange.server_error = _oauth_error(challenge, exchange.access_token, response)
        _finish((yield acknowledgement))


def _oauth_error(challenge: bytes, token: str, response: bytes) -> Dict[str, str]:
    """Return the error as name -> text (RFC 7628 3.2.2), safe to print, without the token, bounded."""
    import json

    secrets = (*disguises(token), json.dumps(token)[1:-1], b64encode(response).decode("ascii"))

    def safe(value: object) -> str:
        text = value if isinstance(value, str) else json.dumps(value)
        return redacted(printable(text), secrets)[:MAX_SERVER_ERROR_TEXT]

    try:
        error = json.loads(challenge.decode("utf-8"))
    except (ValueError, RecursionError):
        error = None
    if not isinstance(error, dict):
        return {"error": safe(decode(challenge))}
    return {safe(name): safe(value) for name, value in list(error.items())[:MAX_SERVER_ERROR_ITEMS]}


def _external(exchange: Exchange) -> Dialogue:
    """RFC 4422 appendix A. The certificate says who we are; without a user name we act as whom it names."""
    _finish((yield (exchange.authorization_id or exchange.username).encode("utf-8")))


def _anonymous(exchange: Exchange) -> Dialogue:
    """RFC 4505. The user name is the trace information, where there is one."""
    _finish((yield exchange.username.encode("utf-8")))


class Mechanism(NamedTuple):
    """A row of MECHANISMS. `needs`: password, access_token, certificate or nothing."""

    name: str
    needs: str
    named_only: bool
    dialogue: Callable[[Exchange], Dialogue]


# Strongest first: SCRAM, where the password stays here and the server proves itself; CRAM-MD5, where it stays
# here; tokens, which travel but expire; the password in clear. -PLUS comes only by name: many servers that
# offer it bind `tls-exporter` alone in TLS 1.3, which Python's ssl module does not have.
MECHANISMS: Dict[str, Mechanism] = {
    row.name: row
    for row in (
        Mechanism("SCRAM-SHA-256-PLUS", "password", True, functools.partial(_scram, "sha256", True)),
        Mechanism("SCRAM-SHA-1-PLUS", "password", True, functools.partial(_scram, "sha1", True)),
        Mechanism("SCRAM-SHA-256", "password", False, functools.partial(_scram, "sha256", False)),
        Mechanism("SCRAM-SHA-1", "password", False, functools.partial(_scram, "sha1", False)),
        Mechanism("CRAM-MD5", "password", False, _cram_md5),
        Mechanism("OAUTHBEARER", "access_token", False, _oauthbearer),
        Mechanism("XOAUTH2", "access_token", False, _xoauth2),
        Mechanism("PLAIN", "password", False, _plain),
        Mechanism("LOGIN", "password", False, _login),
        Mechanism("EXTERNAL", "certificate", True, _external),
        Mechanism("ANONYMOUS", "nothing", True, _anonymous),
    )
}


def choose(
    offered: Iterable[str],
    wanted: Optional[Sequence[str]],
    has: Collection[str],
    channel_binding_available: bool,
) -> Optional[str]:
    """Return the mechanism to use, upper case, or None where there is none in common.

    `wanted` is the caller's order of preference, None or empty for ours. `has`: which of password,
    access_token and certificate there are.
    """
    at_server = {name.upper() for name in offered}
    ours: Iterable[str] = (name for name, row in MECHANISMS.items() if not row.named_only)
    for name in map(str.upper, wanted or ours):
        row = MECHANISMS.get(name)
        if row is None or name not in at_server or (row.needs != "nothing" and row.needs not in has):
            continue
        if channel_binding_available or not name.endswith("-PLUS"):
            return name
    return None
