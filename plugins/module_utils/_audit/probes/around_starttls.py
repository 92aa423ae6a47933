# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What a relay makes of octets that come in clear around STARTTLS: RFC 3207 6, CVE-2011-0411.

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._smtp import commands
from ..._smtp.conversation.steps import Hear, Say, StartTls
from ..._smtp.replies import is_success
from ..dialogue import (
    answers,
    ask,
    framed,
    in_clear,
    in_step,
    keep,
    offered_in_clear,
    patience,
    quiet,
    settled,
    unmasked,
)
from ..model import Cost, Judgement, Probe, Unsettled, finding, passed
from ..octets import octets

if TYPE_CHECKING:
    from typing import Any, Generator, List, Sequence

    from ..._net.attempts import Outcome
    from ..._smtp.conversation.state import State
    from ..._smtp.probes import Trial
    from ..model import Audited

_HUNG_UP = ("connection_lost", "tls_handshake_reset", "tls_protocol_error", "protocol_violation")
_ANSWERED_IN_CLEAR = ("tls_injection", "tls_not_spoken")
_ENOUGH_SECONDS = 5.0
_NO_STARTTLS = "there is no STARTTLS, so that nothing comes before it"


def _offers(audited: Audited) -> bool:
    return "STARTTLS" in offered_in_clear(audited)


def _injection(audited: Audited) -> List[Trial]:
    return [framed(in_clear(audited.endpoint), _talk_injection)] if _offers(audited) else []


def _talk_injection(state: State) -> Generator[Any, Any, None]:
    """NOOP comes in the write of STARTTLS, and must be forgotten: else its answer comes under TLS, before any other."""
    command = octets(b"STARTTLS\r\nNOOP\r\n")
    reply = yield from ask(state, command)
    if not is_success("starttls", reply.code):
        # To NOOP, in clear, since there is no TLS; or it was thrown away with what it came with.
        other = yield Hear("extra", within=patience(), or_silence=True)
        if other is not None:
            keep(state, command, other)
        return
    state.facts.stage = "tls"
    state.facts.tls = yield StartTls()
    yield from ask(state, commands.ehlo(state.endpoint.ehlo_name or "localhost"))
    yield from quiet(state)


def _judge_injection(audited: Audited, outcomes: Sequence[Outcome]) -> Judgement:
    if not outcomes:
        unmasked(offered_in_clear(audited))
        return passed(_NO_STARTTLS)
    facts, failure = outcomes[0].facts, outcomes[0].facts.failure
    replies = facts.extra_replies
    if "tls" in facts.timings and not in_step(audited, outcomes[0]):
        return finding("a command that came in clear, with STARTTLS, was obeyed under TLS: so may be anybody's")
    if failure is not None and failure.cause in _ANSWERED_IN_CLEAR:
        return passed("what came with STARTTLS was answered in clear, before TLS: against RFC 3207 4, and harmless")
    if replies and is_success("starttls", replies[0].code) and failure is not None and failure.cause in _HUNG_UP:
        _tls_begins(audited)
        return passed("it hung up on what came with STARTTLS")
    first = settled((replies or answers(outcomes[0]))[0], "starttls")
    by_itself = audited.first.facts.failure
    if by_itself is not None and by_itself.stage == "starttls":
        raise Unsettled("STARTTLS by itself came to nothing: %s" % by_itself.text)
    if first.code >= 500:  # whatever comes of the session: there is no TLS in which anything could count
        return passed("STARTTLS with something behind it was answered %d %s" % (first.code, first.text))
    answers(outcomes[0])
    return passed("what came with STARTTLS was forgotten")


def _tls_begins(audited: Audited) -> None:
    """Raise Unsettled if it hangs up on every handshake: then that it did so here tells nothing."""
    if audited.first.facts.tls is None:
        raise Unsettled("it hung up after its 220, and on an ordinary handshake as well")


def _plaintext(audited: Audited) -> List[Trial]:
    return [framed(in_clear(audited.endpoint), _talk_plaintext)] if _offers(audited) else []


def _talk_plaintext(state: State) -> Generator[Any, Any, None]:
    reply = yield from ask(state, commands.starttls())
    state.closing = True  # whatever comes now, there is nothing more to say in clear
    if is_success("starttls", reply.code):
        state.facts.stage = "extra"
        command = commands.extra("NOOP")
        yield Say((command,))
        keep(state, command, (yield Hear("extra", within=_ENOUGH_SECONDS)))


def _judge_plaintext(audited: Audited, outcomes: Sequence[Outcome]) -> Judgement:
    if not outcomes:
        unmasked(offered_in_clear(audited))
        return passed(_NO_STARTTLS)
    replies, failure = outcomes[0].facts.extra_replies, outcomes[0].facts.failure
    if replies and not is_success("starttls", settled(replies[0], "starttls").code):
        raise Unsettled("STARTTLS was answered %d %s" % (replies[0].code, replies[0].text))
    if len(replies) > 1 and replies[1].code < 400:
        return finding("after its 220 it answered NOOP in clear: %d %s" % (replies[1].code, replies[1].text))
    if len(replies) > 1:
        return passed("after its 220 it answered NOOP in clear by %d %s" % (replies[1].code, replies[1].text))
    if failure is not None and failure.cause in _HUNG_UP:
        _tls_begins(audited)
        return passed("after its 220 it takes nothing but TLS")
    answers(outcomes[0])
    raise Unsettled("nothing was heard after its 220")


STARTTLS_INJECTION = Probe(
    "starttls_injection",
    "Does it obey under TLS what came in clear before it?",
    "active",
    "high",
    "RFC 3207 6",
    "Whoever stands in between can put commands of his own into a session that both sides take for safe: he may "
    "read a user's mail, or his password.",
    "Renew the server, or the proxy that speaks TLS for it: CVE-2011-0411 was mended long ago.",
    Cost(connections=1, errors=2),
    _injection,
    _judge_injection,
)
STARTTLS_PLAINTEXT = Probe(
    "starttls_plaintext",
    "Does it still talk in clear once it has agreed to TLS?",
    "active",
    "medium",
    "RFC 3207 4",
    "What was said in clear may count for what was said under TLS.",
    "Renew the server, or the proxy in front of it that answers STARTTLS and begins no TLS.",
    Cost(connections=1, errors=1),
    _plaintext,
    _judge_plaintext,
)
