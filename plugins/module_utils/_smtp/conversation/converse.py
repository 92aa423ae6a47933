# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# One conversation, from the greeting to QUIT, as a generator: no socket, no clock.
#
# `converse()` yields what to do (steps.Say, Hear, StartTls) and is sent what came of it; what it learns goes
# into the Facts it was given, reply by reply, so that nothing is lost when a connection ends in the middle.
# Signing in is in authentication.py, the envelope and the message are in transaction.py: most checks need
# neither, and import neither.

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._net.attempts import Broken
from ..._verdicts.causes import Failure
from .. import commands
from ..capabilities import doubts, masked_keywords, parse_capabilities
from ..facts import ExtraReply
from ..replies import is_success
from .state import State, Stop, UnsolicitedReply, worse
from .steps import Say, StartTls

if TYPE_CHECKING:
    from typing import Optional

    from ..actions import Actions
    from ..endpoint import Endpoint
    from ..facts import Facts
    from .state import Heard
    from .steps import Steps

# RFC 5321 4.1.4: HELO only where the server does not know EHLO.
_EHLO_UNKNOWN = (500, 501, 502, 504)


def converse(endpoint: Endpoint, actions: Actions, facts: Facts) -> Steps:
    """Do `actions` at `endpoint`; leave in `facts` what was learned and, if so, the failure."""
    state = State(endpoint, actions, facts)
    try:
        try:
            yield from _steps(state)
        except Stop as stop:
            facts.failure = worse(stop.failure, state.refused)
        _forget_unwanted_message(state)
        yield from _leave(state)
    except Broken as broken:
        _forget_unwanted_message(state)
        if broken.tls:
            facts.tls = broken.tls
        if facts.failure is None:
            facts.failure = _failure_of(broken, state)


def _steps(state: State) -> Steps:
    endpoint, actions = state.endpoint, state.actions
    if endpoint.proxy_protocol:
        yield Say((commands.proxy_header(endpoint.proxy_protocol, endpoint.connect_to, endpoint.port),))
    if endpoint.tls == "implicit":
        yield from _start_tls(state)
    yield from _greeting(state)
    yield from _ehlo(state)
    if endpoint.tls in ("starttls", "opportunistic"):
        yield from _starttls(state)
    _reached(state, "tls")
    if actions.stop_after == "auth_probe":
        from .authentication import probe_auth

        yield from probe_auth(state)
        raise Stop()
    if endpoint.xclient:
        yield from _xclient(state)
    if actions.credentials:
        from .authentication import sign_in

        yield from sign_in(state, actions.credentials)
    _reached(state, "auth")
    if actions.dialogue is not None:
        yield from actions.dialogue(state)
    for text in actions.extra_commands:
        command = commands.extra(text)
        reply = yield from state.exchange(command)
        state.facts.extra_replies.append(ExtraReply(command.shown, reply.code, reply.enhanced_code, reply.text))
        if reply.code // 100 == 3:
            state.closing = True  # the relay waits for more, and would take any command for it
            raise Stop(state.refusal("extra", reply))
    if actions.sender is not None:
        from .transaction import transact

        yield from transact(state, actions.sender)


def _forget_unwanted_message(state: State) -> None:
    """A message may leave with its envelope (BDAT). Where that is refused, or answered by 421, nobody has taken it."""
    if state.hopeless or state.closing:
        state.facts.message_handed_over = False


def _failure_of(broken: Broken, state: State) -> Optional[Failure]:
    """Return the failure that a lost connection means, which depends on how far the session had come."""
    facts = state.facts
    if facts.stage == "quit":
        # The check was over, and relays may hang up as they like. But what answers nothing casts doubt on all before.
        noise = Failure("quit", broken.cause, text=broken.text) if broken.cause == "protocol_violation" else None
        return worse(state.refused, noise)
    stage, cause = broken.stage or facts.stage, broken.cause
    if facts.message_handed_over:
        stage, cause = "message", "acceptance_unknown"
    code = broken.code if isinstance(broken, UnsolicitedReply) else None
    failure = Failure(stage, cause, code, text=broken.text)
    # What the relay said before it went away is the reason, unless there was more to do.
    if state.hopeless and cause in ("connection_lost", "timed_out"):
        return state.refused
    return worse(state.refused, failure) if state.hopeless else failure


def _reached(state: State, stage: str) -> None:
    if state.actions.stop_after == stage:
        raise Stop()


def _leave(state: State) -> Steps:
    """Take leave (RFC 5321 4.1.1.10). The check's outcome stands, unless something comes that answers nothing."""
    if state.closing:
        return
    state.facts.stage = "quit"
    try:
        if state.mail_open and not state.quit_said:
            yield Say((commands.rset(),))
            reply = yield from state.hear_leave("rset")
            if reply.code == 421:
                return
        if not state.quit_said:
            yield Say((commands.quit_(),))
        yield from state.hear_leave("quit")
    except Stop as stop:
        state.facts.failure = state.facts.failure or stop.failure


def _greeting(state: State) -> Steps:
    reply = yield from state.hear("greeting")
    state.facts.greeting = reply
    if not is_success("greeting", reply.code):
        raise Stop(state.refusal("greeting", reply))
    _reached(state, "greeting")


def _ehlo(state: State) -> Steps:
    reply = yield from _hello(state, state.endpoint.ehlo_name or "localhost")
    if not is_success("ehlo", reply.code):
        raise Stop(state.refusal("ehlo", reply))
    capabilities = state.facts.capabilities = parse_capabilities(reply.lines)
    told = ("ehlo: " + doubt for doubt in doubts(reply.lines, capabilities))
    state.facts.warnings.extend(text for text in told if text not in state.facts.warnings)
    _reached(state, "ehlo")


def _hello(state: State, name: str) -> Heard:
    if state.endpoint.protocol == "lmtp":
        return (yield from state.exchange(commands.lhlo(name)))
    reply = yield from state.exchange(commands.ehlo(name))
    if reply.code in _EHLO_UNKNOWN and not state.facts.tls and not state.actions.credentials:
        reply = yield from state.exchange(commands.helo(name))
        reply = reply._replace(lines=reply.lines[:1])  # HELO announces nothing
    return reply


def _starttls(state: State) -> Steps:
    capabilities = state.facts.capabilities_before_tls = state.capabilities
    required = state.endpoint.tls == "starttls"
    if "STARTTLS" not in capabilities:
        masked = masked_keywords(capabilities)
        if required:
            cause, shown = ("tls_stripped", masked) if masked else ("tls_not_offered", list(capabilities))
            state.fail("starttls", cause, "offered: " + (" ".join(shown) or "nothing"))
        why = "something masks its keywords: " + " ".join(masked) if masked else "the relay does not offer STARTTLS"
        state.facts.warnings.append("TLS was not used: %s." % why)
        return
    reply = yield from state.exchange(commands.starttls())
    if not is_success("starttls", reply.code):
        state.facts.starttls_refusal = reply
        if required or not 400 <= reply.code < 600:
            raise Stop(state.refusal("starttls", reply))
        state.facts.warnings.append("TLS was not used: the relay answered STARTTLS with %d." % reply.code)
        return
    # RFC 3207 4.2: what was said before counts no more.
    state.facts.capabilities = None
    yield from _start_tls(state)
    yield from _ehlo(state)


def _start_tls(state: State) -> Steps:
    state.facts.stage = "tls"
    tls = state.facts.tls = yield StartTls()
    if tls.chain and "certificate_name_mismatch" in tls.verify_errors:
        from ..._net.tls.identity import common_name_matches

        if common_name_matches(tls.chain[0], tls.server_name):
            text = "The certificate names %s in its common name only, which does not count (RFC 9525)."
            state.facts.warnings.append(text % tls.server_name)


def _xclient(state: State) -> Steps:
    """Postfix XCLIENT: the relay takes us for another client, greets anew, and forgets what was said."""
    known = state.capabilities.get("XCLIENT")
    missing = [name for name in state.endpoint.xclient if known is None or name not in [word.upper() for word in known]]
    if missing:
        state.fail("xclient", "extension_not_offered", "xclient needs XCLIENT %s" % " ".join(missing))
    reply = yield from state.exchange(commands.xclient(state.endpoint.xclient))
    if not is_success("xclient", reply.code):
        raise Stop(state.refusal("xclient", reply))
    state.facts.greeting = reply
    state.facts.capabilities = None
    yield from _ehlo(state)
