# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Signing in (RFC 4954): the mechanism's dialogue, carried by AUTH and its 334s.

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING

from ..._net.sasl.choice import channel_binding, exchange_of, mechanism_for, withheld
from ..._net.sasl.exchange import CredentialError, SaslError, disguises, proof_in
from ..._net.sasl.mechanisms import MECHANISMS
from .. import commands
from ..capabilities import auth_mechanisms
from ..facts import AuthFacts
from ..replies import is_success
from .state import Stop

if TYPE_CHECKING:
    from typing import Any, Generator, List, Optional

    from ..._net.options import Credentials
    from ..._net.sasl.exchange import Dialogue
    from ..commands import Command
    from ..replies import Reply
    from .state import Heard, State
    from .steps import Step, Steps

# RFC 4954 4: AUTH is a command like any other, so what does not fit waits for the relay's first 334.
_MAX_COMMAND_OCTETS = 512


def sign_in(state: State, credentials: Credentials) -> Steps:
    """Try the credentials, once; leave AuthFacts. Stops where they are not accepted, or not to be shown."""
    state.facts.stage = "auth"
    if credentials.withheld:
        text = "%s matches no pattern of credentials_for" % state.endpoint.host
        state.fail("auth", "credentials_not_for_relay", text)
    _check_channel(state)
    offered = auth_mechanisms(state.capabilities) or []
    binding = channel_binding(state.actions.auth_mechanisms, state.facts.tls)
    mechanism = _choose_mechanism(state, credentials, offered, binding is not None)
    try:
        exchange = exchange_of(credentials, state.endpoint.host, state.endpoint.port, offered, binding)
        dialogue = MECHANISMS[mechanism].dialogue(exchange)
        first = next(dialogue, None)
    except CredentialError as unusable:
        state.fail("auth", "auth_protocol_error", str(unusable))
    _tell_of_unverified_tls(state)
    error: Optional[SaslError] = None
    reply = yield from _send_first(state, mechanism, first)
    try:
        while reply.code == 334:
            response = _answer(dialogue, reply)
            reply = yield from state.exchange(_guarded(response))
        if is_success("auth", reply.code):
            _succeed(dialogue)
    except SaslError as caught:
        error = caught
        if reply.code == 334:
            reply = yield from state.exchange(commands.auth_cancel())
    accepted = is_success("auth", reply.code) and error is None
    state.facts.auth = AuthFacts(
        mechanism, accepted, reply.code, reply.enhanced_code, reply.text, exchange.server_error
    )
    if error is not None:
        state.fail("auth", error.cause, str(error))
    if not accepted:
        raise Stop(state.refusal("auth", reply))


def probe_auth(state: State) -> Generator[Step, Any, None]:
    """Ask for AUTH without a secret: a 334 shows that the relay would take a password here, and is answered `*`.

    By PLAIN, unless of the two that send the password itself the relay offers LOGIN alone: then a 504 to PLAIN would
    not mean that it refuses.
    """
    offered = auth_mechanisms(state.capabilities) or []
    mechanism = "LOGIN" if "LOGIN" in offered and "PLAIN" not in offered else "PLAIN"
    reply = yield from state.exchange(commands.auth(mechanism, None))
    state.facts.auth_probe = reply.code
    if reply.code == 334:
        yield from state.exchange(commands.auth_cancel())


def _send_first(state: State, mechanism: str, first: Optional[bytes]) -> Heard:
    command, later = commands.auth(mechanism, first), None
    if len(command.wire) > _MAX_COMMAND_OCTETS:
        command, later = commands.auth(mechanism, None), first
    reply = yield from state.exchange(command)
    if is_success("auth", reply.code) and later is not None:
        state.fail("auth", "auth_protocol_error", "the relay accepted the sign-in before it had heard the credentials")
    if reply.code == 334 and later is not None:
        reply = yield from state.exchange(commands.auth_response(later))
    return reply


def _guarded(response: bytes) -> Command:
    """Return the command, with what the relay could repeat of a proof in other words."""
    command = commands.auth_response(response)
    return command._replace(secrets=(*command.secrets, *disguises(proof_in(response) or "")))


def _check_channel(state: State) -> None:
    why = withheld(state.facts.tls, state.actions.allow_plaintext_auth, state.endpoint.validate_certs, "relay")
    if why:
        state.fail("auth", "credentials_withheld", why)


def _tell_of_unverified_tls(state: State) -> None:
    """`validate_certs: false` says that a certificate stops nothing; whoever wrote it may not think of credentials."""
    tls = state.facts.tls
    if tls is not None and not tls.verified:
        why = ", ".join(tls.verify_errors) or "it could not be judged"
        text = "auth: the credentials went to a relay whose certificate was not verified (%s): validate_certs is false."
        state.facts.warnings.append(text % why)


def _choose_mechanism(state: State, credentials: Credentials, offered: List[str], can_bind: bool) -> str:
    if not offered:
        in_clear = state.facts.tls is None and "STARTTLS" in state.capabilities
        cause = "auth_not_offered_in_clear" if in_clear else "auth_not_offered"
        state.fail("auth", cause, "offered: " + (" ".join(state.capabilities) or "nothing"))
    wanted, policy = state.actions.auth_mechanisms, state.endpoint.tls_policy
    chosen = mechanism_for(credentials, offered, wanted, policy, can_bind)
    if chosen is None:
        text = "offered: " + " ".join(offered)
        if not can_bind and mechanism_for(credentials, offered, wanted, policy, True):
            text += "; -PLUS needs TLS, and a certificate whose signature has a hash to bind to (RFC 5929 4.1)"
        state.fail("auth", "auth_no_common_mechanism", text)
    return chosen


def _answer(dialogue: Dialogue, challenge: Reply) -> bytes:
    """Return the response to one 334 (RFC 4954 4: its text is base64, or nothing)."""
    try:
        decoded = b64decode(challenge.challenge.strip(), validate=True)
    except ValueError:
        raise SaslError("auth_protocol_error", "the relay's challenge is not base64") from None
    try:
        return dialogue.send(decoded) or b""
    except StopIteration:
        raise SaslError("auth_protocol_error", "the relay asks for more than the mechanism has") from None


def _succeed(dialogue: Dialogue) -> None:
    """Tell the mechanism that the relay is content; it objects where the relay has not proved itself."""
    try:
        dialogue.send(None)
    except StopIteration:
        return
