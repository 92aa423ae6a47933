# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What a relay does for whoever wants to sign in: in clear, and without limit. No credential but made up ones is used.

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._net.text import counted
from ..._smtp import commands
from ..._smtp.capabilities import auth_mechanisms
from ..._smtp.replies import is_success
from ..dialogue import (
    ERRORS_A_SESSION,
    answers,
    ask,
    framed,
    in_clear,
    mechanisms,
    offered_in_clear,
    open_question,
    settled,
    unmasked,
    where_offered,
)
from ..model import Cost, Judgement, Probe, Unsettled, finding, no_trials, passed

if TYPE_CHECKING:
    from typing import Any, Generator, List, Sequence

    from ..._net.attempts import Outcome
    from ..._smtp.conversation.state import State
    from ..._smtp.facts import Facts
    from ..._smtp.probes import Trial
    from ..model import Audited

_SHOW_A_SECRET = ("PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER")
_NO_SUCH_MECHANISM = 504  # RFC 4954 4
_REFUSALS, _FOR_NOW = (535, 501), 454  # of a password (RFC 4954 6)
_SLOW_SECONDS = 1.0  # a relay that takes so much longer for a wrong password slows guessing down
_IMPLICIT = "TLS begins with the first octet, so that nothing is said in clear"


def _judge_offer(audited: Audited, _outcomes: Sequence[Outcome]) -> Judgement:
    if audited.endpoint.tls == "implicit":
        return passed(_IMPLICIT)
    offered = auth_mechanisms(unmasked(offered_in_clear(audited)))
    shown = [name for name in offered or () if name in _SHOW_A_SECRET]
    if shown:
        return finding("before TLS it offers AUTH %s, which shows the secret to whoever listens" % " ".join(shown))
    if offered:
        return passed("before TLS it offers AUTH %s, none of which shows the secret" % " ".join(offered))
    return passed("before TLS it offers no AUTH")


def _begin_in_clear(audited: Audited) -> List[Trial]:
    if audited.endpoint.tls == "implicit":
        return []
    offered = mechanisms(audited)
    mechanism = next((name for name in _SHOW_A_SECRET if name in offered), "PLAIN")

    def talk(state: State) -> Generator[Any, Any, None]:
        reply = yield from ask(state, commands.auth(mechanism, None))
        if reply.code == 334:
            yield from ask(state, commands.auth_cancel())

    return [framed(in_clear(audited.endpoint), talk)]


def _judge_begin(audited: Audited, outcomes: Sequence[Outcome]) -> Judgement:
    if not outcomes:
        return passed(_IMPLICIT)
    reply = settled(answers(outcomes[0])[0], "auth")
    said = "%s in clear was answered %d" % (reply.command, reply.code)
    if reply.code == 334:
        return finding(said + ": it takes a password that anybody may read")
    if is_success("auth", reply.code):
        return finding(said + ": it lets in whoever asks, without a password", severity="high")
    if reply.code < 500:
        raise Unsettled(said + ", which means nothing there")
    if reply.code == _NO_SUCH_MECHANISM and not mechanisms(audited):
        raise Unsettled(said + ", which says nothing of other mechanisms")
    return passed("%s %s" % (said, reply.text))


def _attempts(audited: Audited) -> List[Trial]:
    if "PLAIN" not in mechanisms(audited):
        return []
    user, wrong = (stranger.encode("ascii") for stranger in audited.strangers[:2])

    def talk(state: State) -> Generator[Any, Any, None]:
        for _attempt in range(ERRORS_A_SESSION):
            reply = yield from ask(state, commands.auth("PLAIN", b"\0%s\0%s" % (user, wrong)))
            if reply.code not in _REFUSALS or _slower(audited, state.facts) >= _SLOW_SECONDS:
                return  # it has said what there is to know: guessing ends, or takes its time

    return [framed(where_offered(audited, "PLAIN"), talk)]


def _slower(audited: Audited, facts: Facts) -> float:
    """Return by how many seconds the last answer to AUTH took longer than this relay takes for EHLO."""
    usual: float = audited.first.facts.timings.get("ehlo", 0.0)
    return facts.timings.get("auth", 0.0) - usual


def _judge_attempts(audited: Audited, outcomes: Sequence[Outcome]) -> Judgement:
    if not outcomes:
        unmasked(audited.first.facts.capabilities or {})
        offered = mechanisms(audited)
        if offered:
            raise Unsettled("passwords are tried by AUTH PLAIN only, and it offers %s" % " ".join(offered))
        return passed("it offers no AUTH, by which passwords are guessed")
    facts: Facts = outcomes[0].facts
    failure, tried = facts.failure, sum(reply.code in _REFUSALS for reply in facts.extra_replies)
    if failure is not None and (failure.cause == "connection_lost" or (failure.stage, failure.code) == ("auth", 421)):
        if not tried:  # whoever lets nobody try, or is cut off, says nothing of a limit
            raise Unsettled("it ended the session before it had refused a password")
        return passed("it ended the session once it had refused %s" % counted(tried, "password"))
    refused = answers(outcomes[0])
    if is_success("auth", refused[-1].code):
        return finding("it let a user in who does not exist, with a password made up", severity="high")
    last, slower = refused[-1], _slower(audited, facts)
    if last.code not in _REFUSALS:
        if len(refused) == 1 or last.code < 400 or (last.code != _FOR_NOW and open_question(last, "auth")):
            raise Unsettled("AUTH was answered %d %s" % (last.code, last.text))
        return passed("it stopped listening at attempt %d: %d %s" % (len(refused), last.code, last.text))
    if slower >= _SLOW_SECONDS:
        return passed("it took %.1f s longer to refuse a wrong password than to answer EHLO" % slower)
    text = "%d wrong passwords in one session were refused at once, and none more slowly" % len(refused)
    return finding(text + "; a limit may come later, or ban by address", "none")


AUTH_OFFERED_IN_CLEAR = Probe(
    "auth_offered_in_clear",
    "Does it offer to take passwords before TLS?",
    "safe",
    "medium",
    "RFC 4954 4",
    "A client takes the offer for leave to send its password, which whoever listens can read.",
    "Offer AUTH under TLS only. Postfix: smtpd_tls_auth_only = yes; Exim: auth_advertise_hosts = "
    "${if eq{$tls_in_cipher}{}{}{*}}.",
    Cost(),
    no_trials,
    _judge_offer,
)
AUTH_BEGUN_IN_CLEAR = Probe(
    "auth_begun_in_clear",
    "Does it begin to take a password in clear, offered or not?",
    "active",
    "medium",
    "RFC 4954 4",
    "A client that does not wait for an offer shows its password to whoever listens.",
    "Refuse AUTH without TLS. Postfix: smtpd_tls_auth_only = yes; Exim: server_advertise_condition = "
    "${if def:tls_in_cipher}.",
    Cost(connections=1, errors=1),
    _begin_in_clear,
    _judge_begin,
)
AUTH_ATTEMPTS = Probe(
    "auth_attempts",
    "May passwords be guessed without limit in one session?",
    "intrusive",
    "low",
    "RFC 4954 9",
    "Passwords can be tried by the thousand.",
    "Slow down, end the session, ban the client. Postfix: smtpd_hard_error_limit, smtpd_client_auth_rate_limit; Exim: "
    "ratelimit in acl_smtp_auth; and fail2ban.",
    Cost(connections=1, errors=ERRORS_A_SESSION),
    _attempts,
    _judge_attempts,
)
