# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the collection. Signing in (RFC 4954): the mechanism's dialogue, carried by AUTH and its 334s.

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING

from . import commands, model, sasl
from .capabilities import auth_mechanisms
from .talk import Stop

if TYPE_CHECKING:
    from typing import Any, Generator, Optional

    from .talk import Heard, Talk

# RFC 4954 4: AUTH is a command like any other, so what does not fit waits for the relay's first 334.
_MAX_COMMAND_OCTETS = 512


def sign_in(talk: Talk, credentials: model.Credentials) -> model.Steps:
    """Try the credentials, once; leave AuthFacts. Stops where they are not accepted, or not to be shown."""
    talk.facts.stage = "auth"
    _check_channel(talk)
    mechanism = _choose_mechanism(talk, credentials)
    offered = auth_mechanisms(talk.capabilities) or []
    try:
        exchange = sasl.Exchange(
            username=credentials.username,
            password=credentials.password,
            access_token=credentials.access_token,
            host=talk.request.host,
            port=talk.request.port,
            channel_binding=_channel_binding(talk),
            plus_offered=any(name.startswith("SCRAM-") and name.endswith("-PLUS") for name in offered),
        )
        dialogue = sasl.MECHANISMS[mechanism].dialogue(exchange)
        first = next(dialogue, None)
    except sasl.CredentialError as unusable:
        talk.fail("auth", "auth_protocol_error", str(unusable))
    error: Optional[sasl.SaslError] = None
    reply = yield from _send_first(talk, mechanism, first, credentials)
    try:
        while reply.code == 334:
            response = _answer(dialogue, reply)
            reply = yield from talk.exchange(_guarded(commands.auth_response(response), sasl.proof_in(response)))
        if reply.code == 235:
            _succeed(dialogue)
    except sasl.SaslError as caught:
        error = caught
        if reply.code == 334:
            reply = yield from talk.exchange(commands.auth_cancel())
    accepted = reply.code == 235 and error is None
    talk.facts.auth = model.AuthFacts(
        mechanism, accepted, reply.code, reply.enhanced_code, reply.text, exchange.server_error
    )
    if error is not None:
        talk.fail("auth", error.cause, str(error))
    if not accepted:
        raise Stop(talk.refusal("auth", reply))


def probe_auth(talk: Talk) -> Generator[model.Step, Any, None]:
    """Ask for AUTH without a secret: a 334 shows that the relay would take a password here, and is answered `*`.

    By PLAIN, unless of the two that send the password itself the relay offers LOGIN alone: then a 504 to PLAIN would
    not mean that it refuses.
    """
    offered = auth_mechanisms(talk.capabilities) or []
    mechanism = "LOGIN" if "LOGIN" in offered and "PLAIN" not in offered else "PLAIN"
    reply = yield from talk.exchange(commands.auth(mechanism, None))
    talk.facts.auth_probe = reply.code
    if reply.code == 334:
        yield from talk.exchange(commands.auth_cancel())


def _send_first(talk: Talk, mechanism: str, first: Optional[bytes], credentials: model.Credentials) -> Heard:
    command, later = commands.auth(mechanism, first), None
    if len(command.wire) > _MAX_COMMAND_OCTETS:
        command, later = commands.auth(mechanism, None), first
    reply = yield from talk.exchange(_guarded(command, credentials.password, credentials.access_token))
    if reply.code == 235 and later is not None:
        talk.fail("auth", "auth_protocol_error", "the relay accepted the sign-in before it had heard the credentials")
    if reply.code == 334 and later is not None:
        reply = yield from talk.exchange(commands.auth_response(later))
    return reply


def _guarded(command: model.Command, *secrets: Optional[str]) -> model.Command:
    """Add what the relay could repeat in other words than the command's."""
    forms = (form for secret in filter(None, secrets) for form in sasl.disguises(secret))
    return command._replace(secrets=(*command.secrets, *forms))


def _check_channel(talk: Talk) -> None:
    """Credentials travel inside verified TLS only, unless the caller has said otherwise."""
    tls, request = talk.facts.tls, talk.request
    if tls is None and not request.allow_plaintext_auth:
        talk.fail("auth", "credentials_withheld", "the session is not encrypted")
    if tls is not None and not tls.verified and request.validate_certs:
        talk.fail("auth", "credentials_withheld", "the relay's certificate was not verified")


def _choose_mechanism(talk: Talk, credentials: model.Credentials) -> str:
    offered = auth_mechanisms(talk.capabilities) or []
    if not offered:
        in_clear = talk.facts.tls is None and "STARTTLS" in talk.capabilities
        cause = "auth_not_offered_in_clear" if in_clear else "auth_not_offered"
        talk.fail("auth", cause, "offered: " + (" ".join(talk.capabilities) or "nothing"))
    has = {name for name in ("password", "access_token") if getattr(credentials, name) is not None}
    if talk.request.tls_policy and talk.request.tls_policy.client_cert:
        has.add("certificate")
    wanted, binding = talk.request.auth_mechanisms, _channel_binding(talk)
    chosen = sasl.choose(offered, wanted, has, binding is not None)
    if chosen is None:
        text = "offered: " + " ".join(offered)
        if binding is None and sasl.choose(offered, wanted, has, True):
            text += "; -PLUS needs TLS, and a certificate whose signature has a hash to bind to (RFC 5929 4.1)"
        talk.fail("auth", "auth_no_common_mechanism", text)
    return chosen


def _channel_binding(talk: Talk) -> Optional[bytes]:
    """RFC 5929 4: only where the caller named a -PLUS mechanism, since TLS 1.3 servers may bind another way."""
    tls = talk.facts.tls
    named = any(name.upper().endswith("-PLUS") for name in talk.request.auth_mechanisms or ())
    if not named or tls is None or tls.leaf is None or not tls.chain:
        return None
    return sasl.tls_server_end_point(tls.leaf, tls.chain[0].signature_algorithm)


def _answer(dialogue: sasl.Dialogue, challenge: model.Reply) -> bytes:
    """Return the response to one 334 (RFC 4954 4: its text is base64, or nothing)."""
    try:
        decoded = b64decode(challenge.challenge.strip(), validate=True)
    except ValueError:
        raise sasl.SaslError("auth_protocol_error", "the relay's challenge is not base64") from None
    try:
        return dialogue.send(decoded) or b""
    except StopIteration:
        raise sasl.SaslError("auth_protocol_error", "the relay asks for more than the mechanism has") from None


def _succeed(dialogue: sasl.Dialogue) -> None:
    """Tell the mechanism that the relay is content; it objects where the relay has not proved itself."""
    try:
        dialogue.send(None)
    except StopIteration:
        return
