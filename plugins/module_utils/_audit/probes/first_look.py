# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What the first connection shows by itself: what the relay says of itself, STARTTLS, and its certificate.

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..._smtp import commands
from ..._smtp.facts import ExtraReply
from ..dialogue import ask, offered_in_clear, settled, unmasked
from ..model import Cost, Judgement, Probe, Unsettled, finding, no_trials, passed

if TYPE_CHECKING:
    from typing import Any, Generator, Sequence

    from ..._net.attempts import Outcome
    from ..._smtp.conversation.state import State
    from ..._smtp.facts import Facts
    from ..model import Audited

_VERSION = re.compile(r"\b(?:v|V)?\d+\.\d+(?:\.\d+)*\b")
_ADDRESS = re.compile(r"(?<!\d)\d{1,3}(?:\.\d{1,3}){3}(?!\d)")
_ENHANCED_CODE = re.compile(r"^[245](?:\.\d{1,3}){2}(?= |$)")  # before the words (RFC 2034 4)
_GRAVER = {"certificate_expired": "medium", "certificate_not_yet_valid": "medium"}


def talk(state: State) -> Generator[Any, Any, None]:
    """What the first connection says besides: HELP, where it is announced and so draws no error."""
    if "HELP" in state.capabilities:
        yield from ask(state, commands.extra("HELP"))


def _judge_words(audited: Audited, _outcomes: Sequence[Outcome]) -> Judgement:
    facts: Facts = audited.first.facts
    told = list(facts.greeting.lines[:1] if facts.greeting else ())
    for reply in facts.extra_replies:
        if 200 <= reply.code < 300:
            told += [_ENHANCED_CODE.sub("", line) for line in reply.text.splitlines()]
    versions = [line for line in told if _VERSION.search(_ADDRESS.sub("", line))]
    if not versions:
        return passed("what it says of itself names no version: %s" % told[0])
    text = "it names a version: %s. That alone proves no fault, since distributions backport fixes"
    return passed(text % " / ".join(" ".join(one.split()) for one in versions))


def _judge_starttls(audited: Audited, _outcomes: Sequence[Outcome]) -> Judgement:
    facts, failure = audited.first.facts, audited.tls_failure
    if failure is not None and failure.cause == "timed_out":
        raise Unsettled("it offers STARTTLS, and the handshake took too long: %s" % failure.text)
    if failure is not None:
        return finding("it offers STARTTLS, and TLS fails (%s): %s" % (failure.cause, failure.text))
    if audited.endpoint.tls == "implicit":
        return passed("TLS begins with the first octet")
    if "STARTTLS" not in unmasked(offered_in_clear(audited)):
        return finding("it does not offer STARTTLS, so that all mail comes in clear")
    if facts.tls is None:
        return _starttls_refused(facts)
    if "STARTTLS" in (facts.capabilities or {}):
        return finding("it offers STARTTLS once more under TLS, as if there were none", severity="low")
    return passed("it offers STARTTLS, spoke %s, and has forgotten STARTTLS under TLS" % facts.tls.version)


def _starttls_refused(facts: Facts) -> Judgement:
    reply = facts.starttls_refusal
    if reply is None:
        why = "the session ended there (%s)" % facts.failure.cause if facts.failure else "it was not asked to begin it"
        raise Unsettled("it offers STARTTLS, and " + why)
    settled(ExtraReply("STARTTLS", reply.code, reply.enhanced_code, reply.text), "starttls")
    return finding("it offers STARTTLS, and answered it by %d, so that all mail comes in clear" % reply.code)


def _judge_certificate(audited: Audited, _outcomes: Sequence[Outcome]) -> Judgement:
    tls = audited.first.facts.tls
    if tls is None or tls.verified is None:
        raise Unsettled("no certificate was seen that could be judged")
    if tls.verified:
        return passed("its certificate was verified for %s" % tls.server_name)
    gravest = next((_GRAVER[error] for error in tls.verify_errors if error in _GRAVER), None)
    text = "its certificate was not verified for %s: %s" % (tls.server_name, ", ".join(tls.verify_errors))
    return finding(text, severity=gravest)


BANNER = Probe(
    "banner",
    "Which product and version does it name?",
    "safe",
    "info",
    "RFC 5321 4.3.1",
    "Whoever knows the version knows which faults to try; it is no fault by itself.",
    "Nothing has to be done. Postfix: smtpd_banner; Exim: smtp_banner.",
    Cost(),
    no_trials,
    _judge_words,
)
STARTTLS = Probe(
    "starttls",
    "Does it take mail under TLS?",
    "safe",
    "medium",
    "RFC 3207 4",
    "Mail to this relay can be read on its way, and changed.",
    "Offer it. Postfix: smtpd_tls_security_level = may and smtpd_tls_chain_files; Exim: tls_advertise_hosts = * and "
    "tls_certificate.",
    Cost(),
    no_trials,
    _judge_starttls,
)
CERTIFICATE = Probe(
    "certificate",
    "Does its certificate hold for its name?",
    "safe",
    "low",
    "RFC 9525 6",
    "A client that insists on a certificate, by MTA-STS or because it signs in, does not deliver here; any other "
    "cannot tell this relay from one in between.",
    "Give it a certificate for the name that others use, by an authority that they trust, and renew it in time. If the "
    "authority is your own, name it in ca_path.",
    Cost(),
    no_trials,
    _judge_certificate,
)
