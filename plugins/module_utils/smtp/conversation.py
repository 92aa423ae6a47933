# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the collection. One dialogue, from the greeting to QUIT, as a generator: no socket, no clock.
#
# `converse()` yields what to do (model.Say, Hear, StartTls) and is sent what came of it; what it learns goes
# into the Facts it was given, reply by reply, so that nothing is lost when a connection ends in the middle.
# Signing in is in authentication.py, the envelope and the message are in transaction.py: most checks need
# neither, and import neither.

from __future__ import annotations

from typing import TYPE_CHECKING

from . import commands, model
from .capabilities import masked_keywords, parse_capabilities
from .talk import Broken, Stop, Talk, worse

if TYPE_CHECKING:
    from typing import Optional

    from .talk import Heard

# RFC 5321 4.1.4: HELO only where the server does not know EHLO.
_EHLO_UNKNOWN = (500, 501, 502, 504)
_QUIT_SECONDS = 1.0


def converse(request: model.Request, facts: model.Facts) -> model.Steps:
    """Hold the dialogue that `request` asks for; leave in `facts` what was learned and, if so, the failure."""
    talk = Talk(request, facts)
    try:
        try:
            yield from _steps(talk)
        except Stop as stop:
            facts.failure = worse(stop.failure, talk.refused)
        _forget_unwanted_message(talk)
        yield from _leave(talk)
    except Broken as broken:
        _forget_unwanted_message(talk)
        if broken.tls:
            facts.tls = broken.tls
        if facts.failure is None:
            facts.failure = _failure_of(broken, talk)


def _steps(talk: Talk) -> model.Steps:
    request = talk.request
    if request.proxy_protocol:
        yield model.Say((commands.proxy_header(request.proxy_protocol, request.connect_to, request.port),))
    if request.tls == "implicit":
        yield from _start_tls(talk)
    yield from _greeting(talk)
    yield from _ehlo(talk)
    if request.tls in ("starttls", "opportunistic"):
        yield from _starttls(talk)
    _reached(talk, "tls")
    if request.stop_after == "auth_probe":
        from .authentication import probe_auth

        yield from probe_auth(talk)
        raise Stop()
    if request.xclient:
        yield from _xclient(talk)
    if request.credentials:
        from .authentication import sign_in

        yield from sign_in(talk, request.credentials)
    _reached(talk, "auth")
    for text in request.extra_commands:
        command = commands.extra(text)
        reply = yield from talk.exchange(command)
        talk.facts.extra_replies.append(model.ExtraReply(command.shown, reply.code, reply.enhanced_code, reply.text))
        if reply.code // 100 == 3:
            talk.closing = True  # the relay waits for more, and would take any command for it
            raise Stop(talk.refusal("extra", reply))
    if request.sender is not None:
        from .transaction import transact

        yield from transact(talk, request.sender)


def _forget_unwanted_message(talk: Talk) -> None:
    """A message may leave with its envelope (BDAT). Where that is refused, or answered by 421, nobody has taken it."""
    if talk.hopeless or talk.closing:
        talk.facts.message_handed_over = False


def _failure_of(broken: Broken, talk: Talk) -> Optional[model.Failure]:
    """Return the failure that a lost connection means, which depends on how far the session had come."""
    facts = talk.facts
    if facts.stage == "quit":
        return talk.refused  # the check was over: relays may hang up as they like
    stage, cause = broken.stage or facts.stage, broken.cause
    if facts.message_handed_over:
        stage, cause = "message", "acceptance_unknown"
    failure = model.Failure(stage, cause, broken.code, text=broken.text)
    # What the relay said before it went away is the reason, unless there was more to do.
    if talk.hopeless and cause in ("connection_lost", "timed_out"):
        return talk.refused
    return worse(talk.refused, failure) if talk.hopeless else failure


def _reached(talk: Talk, stage: str) -> None:
    if talk.request.stop_after == stage:
        raise Stop()


def _leave(talk: Talk) -> model.Steps:
    """Take leave (RFC 5321 4.1.1.10): whatever becomes of QUIT, the check's outcome stands."""
    if talk.closing:
        return
    talk.facts.stage = "quit"
    if not talk.quit_said:
        if talk.mail_open:
            yield model.Say((commands.rset(),))
            reply = yield model.Hear("quit", within=_QUIT_SECONDS)
            if reply.code == 421:
                return
        yield model.Say((commands.quit_(),))
    reply = yield model.Hear("quit", within=_QUIT_SECONDS)
    talk.facts.codes["quit"] = reply.code


def _greeting(talk: Talk) -> model.Steps:
    reply = yield from talk.hear("greeting")
    talk.facts.greeting = reply
    if reply.code != 220:
        raise Stop(talk.refusal("greeting", reply))
    _reached(talk, "greeting")


def _ehlo(talk: Talk) -> model.Steps:
    reply = yield from _hello(talk, talk.request.ehlo_name or "localhost")
    if reply.code != 250:
        raise Stop(talk.refusal("ehlo", reply))
    talk.facts.capabilities = parse_capabilities(reply.lines)
    _reached(talk, "ehlo")


def _hello(talk: Talk, name: str) -> Heard:
    if talk.request.protocol == "lmtp":
        return (yield from talk.exchange(commands.lhlo(name)))
    reply = yield from talk.exchange(commands.ehlo(name))
    if reply.code in _EHLO_UNKNOWN and not talk.facts.tls and not talk.request.credentials:
        reply = yield from talk.exchange(commands.helo(name))
        reply = reply._replace(lines=reply.lines[:1])  # HELO announces nothing
    return reply


def _starttls(talk: Talk) -> model.Steps:
    capabilities = talk.facts.capabilities_before_tls = talk.capabilities
    required = talk.request.tls == "starttls"
    if "STARTTLS" not in capabilities:
        masked = masked_keywords(capabilities)
        if required:
            cause, shown = ("tls_stripped", masked) if masked else ("tls_not_offered", list(capabilities))
            talk.fail("starttls", cause, "offered: " + (" ".join(shown) or "nothing"))
        why = "something masks its keywords: " + " ".join(masked) if masked else "the relay does not offer STARTTLS"
        talk.facts.warnings.append("TLS was not used: %s." % why)
        return
    reply = yield from talk.exchange(commands.starttls())
    if reply.code != 220:
        if required or not 400 <= reply.code < 600:
            raise Stop(talk.refusal("starttls", reply))
        talk.facts.warnings.append("TLS was not used: the relay answered STARTTLS with %d." % reply.code)
        return
    # RFC 3207 4.2: what was said before counts no more.
    talk.facts.capabilities = None
    yield from _start_tls(talk)
    yield from _ehlo(talk)


def _start_tls(talk: Talk) -> model.Steps:
    talk.facts.stage = "tls"
    tls = talk.facts.tls = yield model.StartTls()
    if tls.chain and "certificate_name_mismatch" in tls.verify_errors:
        from . import certificates

        if certificates.common_name_matches(tls.chain[0], tls.server_name):
            text = "The certificate names %s in its common name only, which does not count (RFC 9525)."
            talk.facts.warnings.append(text % tls.server_name)


def _xclient(talk: Talk) -> model.Steps:
    """Postfix XCLIENT: the relay takes us for another client, greets anew, and forgets what was said."""
    known = talk.capabilities.get("XCLIENT")
    missing = [name for name in talk.request.xclient if known is None or name not in [word.upper() for word in known]]
    if missing:
        talk.fail("xclient", "extension_not_offered", "xclient needs XCLIENT %s" % " ".join(missing))
    reply = yield from talk.exchange(commands.xclient(talk.request.xclient))
    if reply.code != 220:
        raise Stop(talk.refusal("xclient", reply))
    talk.facts.greeting = reply
    talk.facts.capabilities = None
    yield from _ehlo(talk)
