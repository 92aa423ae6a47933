# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# One small generator per SASL mechanism, and the table to choose from.
#
# A dialogue yields raw responses (base64 and the AUTH command belong to the conversation) and is sent raw
# challenges. `next()` gives the initial response, or None where the server speaks first. `send(None)` says
# that the server has answered 235: the dialogue returns if it is content and raises SaslError if it is not.
# A challenge too many is a SaslError as well, so that no server can go on for ever.

from __future__ import annotations

import functools
from base64 import b64encode
from typing import TYPE_CHECKING, NamedTuple

from ..text import Secrets, decode, printable
from .exchange import MAX_SERVER_ERROR_TEXT, PROTOCOL_ERROR, SaslError, challenge_in, disguises, finish
from .scram import saslname, scram

if TYPE_CHECKING:
    from typing import Callable, Collection, Dict, Iterable, Optional, Sequence

    from .exchange import Dialogue, Exchange

MAX_SERVER_ERROR_ITEMS = 16


def _plain(exchange: Exchange) -> Dialogue:
    """RFC 4616. The server prepares the strings, so they go as they are."""
    fields = (exchange.authorization_id, exchange.username, exchange.password)
    finish((yield "\0".join(fields).encode("utf-8")))


def _login(exchange: Exchange) -> Dialogue:
    """Two prompts, whose wording differs between servers and means nothing."""
    challenge_in((yield None))
    challenge_in((yield exchange.username.encode("utf-8")))
    finish((yield exchange.password.encode("utf-8")))


def _cram_md5(exchange: Exchange) -> Dialogue:
    """RFC 2195."""
    import hmac

    challenge = challenge_in((yield None))
    try:
        proof = hmac.new(exchange.password.encode("utf-8"), challenge, "md5").hexdigest()
    except ValueError:
        proof = ""
    if not proof:
        raise SaslError(PROTOCOL_ERROR, "this host forbids MD5 (FIPS): name other mechanisms in auth_mechanisms")
    finish((yield ("%s %s" % (exchange.username, proof)).encode("utf-8")))


def _oauthbearer(exchange: Exchange) -> Dialogue:
    """RFC 7628 3.1. The identity, where there is one, is the authorization identity."""
    identity = exchange.authorization_id or exchange.username
    name = b"a=" + saslname(identity, "username") if identity else b""
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
        finish((yield acknowledgement))


def _oauth_error(challenge: bytes, token: str, response: bytes) -> Dict[str, str]:
    """Return the error as name -> text (RFC 7628 3.2.2), safe to print, without the token, bounded."""
    import json

    secrets = Secrets((*disguises(token), b64encode(response).decode("ascii")))

    def safe(value: object) -> str:
        text = value if isinstance(value, str) else json.dumps(value)
        return secrets.redacted(printable(text))[:MAX_SERVER_ERROR_TEXT]

    try:
        error = json.loads(challenge.decode("utf-8"))
    except (ValueError, RecursionError):
        error = None
    if not isinstance(error, dict):
        return {"error": safe(decode(challenge))}
    return {safe(name): safe(value) for name, value in list(error.items())[:MAX_SERVER_ERROR_ITEMS]}


def _external(exchange: Exchange) -> Dialogue:
    """RFC 4422 appendix A. The certificate says who we are; without a user name we act as whom it names."""
    finish((yield (exchange.authorization_id or exchange.username).encode("utf-8")))


def _anonymous(exchange: Exchange) -> Dialogue:
    """RFC 4505. The user name is the trace information, where there is one."""
    finish((yield exchange.username.encode("utf-8")))


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
        Mechanism("SCRAM-SHA-256-PLUS", "password", True, functools.partial(scram, "sha256", True)),
        Mechanism("SCRAM-SHA-1-PLUS", "password", True, functools.partial(scram, "sha1", True)),
        Mechanism("SCRAM-SHA-256", "password", False, functools.partial(scram, "sha256", False)),
        Mechanism("SCRAM-SHA-1", "password", False, functools.partial(scram, "sha1", False)),
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
