# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What needs connections of its own: rules that must look for themselves, and the survey.
#
# Each probe has two parts, both pure: the trials it wants made, and what their outcomes mean. The plan makes those
# of all probes side by side. A probe is given the endpoint and does there what it names itself: it never sees what the
# check does there, so that it can neither sign in nor send.

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple

from .._net.tls.model import OFFERED_VERSIONS, REFUSES_VERSIONS, TlsPolicy
from .._verdicts.causes import CAUSES, Failure
from .._verdicts.rules import judged, unknown
from .._verdicts.wording import cause_of
from .actions import Actions
from .replies import is_success

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

    from .._net.attempts import Outcome
    from .._verdicts.rules import Judged
    from .endpoint import Endpoint
    from .facts import Facts, RecipientFacts

    Trial = Tuple[Endpoint, Actions]  # one connection of a probe: where to, and what to do there

# How relays refuse mail from whoever has not signed in: Postfix and Exim by an access rule that names client, sender or
# recipient, as it comes.
_REFUSES_STRANGERS = (
    "authentication_required", "relay_denied", "client_refused", "sender_rejected", "recipient_rejected",
    "policy_rejected",
)  # fmt: skip
# Refusals of a recipient that say nothing of relaying: of the second of two, of a command, of a mailbox that is known;
# or of a domain that was looked up, as an open relay does that verifies recipients.
NOT_ABOUT_RELAYING = (
    "too_many_recipients", "rate_limited", "sending_limit_reached", "command_rejected", "tls_required", "system_error",
    "system_full", "mailbox_full", "mailbox_disabled", "mailbox_moved", "domain_unknown", "routing_failed",
)  # fmt: skip
# How a relay says no to a TLS version or cipher: an alert, an error, or by hanging up.
_REFUSALS = ("tls_version_mismatch", "tls_cipher_mismatch", "tls_protocol_error", "tls_handshake_reset")
_OURS = ("tls_version_unavailable", "tls_cipher_unavailable")
# However weak: whether a relay accepts a version, or has a certificate, is not a question of what else it does.
_WEAK_TOO = ":@SECLEVEL=0"
# Offered forwards and backwards: which one is chosen shows whose order counts.
_SUITES = tuple(
    "ECDHE-%s-%s" % (kind, cipher) for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384") for kind in ("ECDSA", "RSA")
)
_KEYS = {"RSA": ("RSA", "RSA-PSS"), "ECDSA": ("EC", "Ed25519", "Ed448")}  # what a suite signs with -> keys of leaves
# The survey asks for versions, then for certificates as a client that takes RSA or ECDSA alone, then for suites in two
# orders.
_SURVEYED = (
    *((version, "ALL") for version in OFFERED_VERSIONS),
    *(("TLSv1.2", "a" + kind) for kind in _KEYS),
    ("TLSv1.2", ":".join(_SUITES)),
    ("TLSv1.2", ":".join(reversed(_SUITES))),
)


class Probe(NamedTuple):
    """Which trials a rule wants made, and what it makes of their outcomes.

    `trials` is given what is expected, the endpoint, and the reverse-path for a MAIL of the probe's own.
    """

    trials: Callable[[Any, Endpoint, str], Sequence[Trial]]
    judge: Callable[[Any, Sequence[Outcome]], Judged]


def _in_clear(endpoint: Endpoint, actions: Actions) -> List[Trial]:
    """Nothing to ask where TLS comes with the first octet: there is no time before it."""
    return [] if endpoint.tls == "implicit" else [(endpoint._replace(tls="none", tls_policy=None), actions)]


def _bound_to(policy: TlsPolicy, version: str, ciphers: str = "ALL") -> TlsPolicy:
    """One version and some ciphers, whoever the relay turns out to be."""
    return policy._replace(minimum=version, maximum=version, ciphers=ciphers + _WEAK_TOO, verify=False)


def tls_policies(policy: TlsPolicy, versions: Sequence[str], survey: bool) -> List[TlsPolicy]:
    """Return those that handshakes for the rule about `versions`, and for the survey, may need."""
    asked = [(version, "ALL") for version in versions]
    if survey:
        asked += [*_SURVEYED, *(("TLSv1.2", _without(suite)) for suite in _SUITES)]
    return [_bound_to(policy, *one) for one in asked]


def tls_only(
    endpoint: Endpoint, version: str, ciphers: str = "ALL", oldest: Optional[str] = None, unprotected: bool = False
) -> Trial:
    """One handshake with the given version, or those from `oldest` up to it, and ciphers.

    `unprotected`: suites without certificate or encryption may be among these.
    """
    policy = _bound_to(endpoint.tls_policy or TlsPolicy(), version, ciphers)
    policy = policy._replace(minimum=oldest or version, unprotected=unprotected)
    tls = "implicit" if endpoint.tls == "implicit" else "starttls"
    return endpoint._replace(tls=tls, tls_policy=policy, validate_certs=False), Actions(stop_after="tls")


def answer_to_version(version: str, outcome: Outcome) -> str:
    """Return `accepted`, `refused`, `not_tried` where this OpenSSL cannot, or `unknown`.

    A version is accepted by the ServerHello that says so, whatever breaks the handshake off later.
    """
    if outcome.facts.tls is not None and outcome.facts.tls.version == version:
        return "accepted"
    return refusal_of(outcome)


def refusal_of(outcome: Outcome) -> str:
    """Return what a handshake that was not accepted came to: `refused`, `not_tried` by this OpenSSL, or `unknown`."""
    cause = outcome.facts.failure.cause if outcome.facts.failure else ""
    if cause in _OURS:
        return "not_tried"
    return "refused" if cause in _REFUSALS else "unknown"


# The rules


def _inconclusive(asked: str, failure: Optional[Failure], observed: Any) -> Judged:
    """A rule that its own connection did not decide: `asked` was answered by `failure`, or the connection ended so."""
    if failure is None:
        return unknown("%s was answered by nothing that decides it" % asked, observed)
    words = " ".join(failure.text.split())
    if failure.code is None:
        text = "the connection for it ended at %s" % failure.stage + (": %s" % words if words else "")
    else:
        text = "%s was answered %s" % (asked, " ".join(filter(None, (str(failure.code), words))))
    meaning = CAUSES[failure.cause].explanation
    return unknown("%s. %s" % (text.rstrip("."), meaning.rstrip(".")), observed, failure)


def _judge_versions(expected: Sequence[str], outcomes: Sequence[Outcome]) -> Judged:
    answers = dict(zip(expected, map(answer_to_version, expected, outcomes)))
    if "accepted" in answers.values() or set(answers.values()) == {"refused"}:
        return judged("accepted" not in answers.values(), answers)
    version, outcome = next(pair for pair in zip(expected, outcomes) if answers[pair[0]] != "refused")
    return _inconclusive(version, outcome.facts.failure, answers)


def _judge_tls_required(expected: bool, outcomes: Sequence[Outcome]) -> Judged:
    if not outcomes:
        return judged(expected, "implicit TLS")
    code, failure = outcomes[0].facts.codes.get("mail"), outcomes[0].facts.failure
    if is_success("mail", code):
        return judged(not expected, code, "MAIL was accepted in clear: %d" % code)
    # A 530 may as well ask for a sign-in (RFC 4954 6), which says nothing of TLS.
    asks_for_tls = failure is not None and (
        failure.cause == "tls_required" or (code == 530 and "tls" in failure.text.lower())
    )
    if asks_for_tls and code is not None and code >= 500:
        return judged(expected, code, "MAIL was refused before STARTTLS: %d" % code)
    return _inconclusive("MAIL in clear", failure, code)


def _judge_auth_in_clear(expected: bool, outcomes: Sequence[Outcome]) -> Judged:
    if not outcomes:
        return judged(expected, "implicit TLS")
    facts = outcomes[0].facts
    code = facts.auth_probe or facts.codes.get("auth")
    refused = code is not None and code >= 500
    if not refused and code != 334 and not is_success("auth", code):
        return _inconclusive("AUTH in clear", facts.failure, code)
    return judged(refused is expected, code, "AUTH was %s in clear: %d" % ("refused" if refused else "accepted", code))


def _judge_auth_required(expected: str, outcomes: Sequence[Outcome]) -> Judged:
    """Some relays refuse MAIL (RFC 6409 4.3), some put it off to RCPT."""
    facts = outcomes[0].facts
    if facts.recipients and is_success("rcpt", facts.recipients[0].code):
        code = facts.recipients[0].code
        seen = "the recipient was accepted without a sign-in: %d" % code
        return judged(False, code, seen + own_networks(outcomes[0].local_address))
    code = facts.recipients[0].code if facts.recipients else facts.codes.get("mail")
    # Any other refusal, of an address or of one client among others, says nothing about those who have not signed in.
    refused = facts.failure is not None and facts.failure.cause in _REFUSES_STRANGERS
    if refused and code is not None and (code >= 500 or any(map(denies_relaying, facts.recipients[:1]))):
        return judged(True, code)
    return _inconclusive("mail for %s" % expected, facts.failure, code)


def _relaying_trials(expected: Mapping[str, str], endpoint: Endpoint, sender: str) -> List[Trial]:
    """Nothing to ask where the recipient's domain is one that the relay may well serve: no answer would tell."""
    own = (endpoint.host, expected["control_recipient"], sender if "sender" not in expected else "")
    domain = expected["recipient"].lower().rpartition("@")[2]
    if any(("." + name.lower().rpartition("@")[2].rstrip(".")).endswith("." + domain) for name in own):
        return []
    recipients = (expected["control_recipient"], expected["recipient"])
    return [(endpoint, Actions(sender=expected.get("sender", sender), recipients=recipients))]


def _judge_relaying(expected: Mapping[str, str], outcomes: Sequence[Outcome]) -> Judged:
    if not outcomes:
        return unknown("the recipient is in the domain of the relay, the sender or the control: name a stranger's")
    answers = outcomes[0].facts.recipients
    if len(answers) < 2:
        return _inconclusive("the envelope", outcomes[0].facts.failure, outcomes[0].facts.codes.get("mail"))
    control, stranger = answers[:2]
    observed = [control.code, stranger.code]
    if not is_success("rcpt", control.code):
        return _inconclusive("the control recipient", _failure_of(control), observed)
    for_now = stranger.code < 500 and not is_success("rcpt", stranger.code) and not denies_relaying(stranger)
    accepted = is_success("rcpt", stranger.code)
    about_another = not accepted and _failure_of(stranger).cause in NOT_ABOUT_RELAYING
    if for_now or stranger.code == 530 or about_another:
        return _inconclusive("the recipient", _failure_of(stranger), observed)
    seen = "the stranger's recipient was %s: %d" % ("accepted" if accepted else "refused", stranger.code)
    return judged(not accepted, observed, seen + (own_networks(outcomes[0].local_address) if accepted else ""))


def own_networks(address: Optional[str]) -> str:
    """Return what makes it doubtful that a relay is open: it was asked from where it may be meant to relay for."""
    if address and not ip_address(address.partition("%")[0]).is_global:
        text = "; this was asked from %s, which may be one of the networks that it is to relay for: ask from outside"
        return text % address
    return ""


def denies_relaying(reply: Any) -> bool:
    """Whether a reply to RCPT refuses to relay though it sounds as if it were for now.

    Postfix puts strangers off for ever by default: defer_unauth_destination, of smtpd_relay_restrictions.
    """
    return reply.code == 454 and cause_of("rcpt", reply.code, reply.enhanced_code, reply.text) == "relay_denied"


def _failure_of(to: RecipientFacts) -> Failure:
    """What befell one recipient, whatever befell the others."""
    cause = cause_of("rcpt", to.code, to.enhanced_code, to.text)
    return Failure("rcpt", cause, to.code, to.enhanced_code, to.text, to.address)


PROBES: Dict[str, Probe] = {
    "tls_versions_refused": Probe(
        lambda expected, endpoint, _sender: [tls_only(endpoint, version) for version in expected], _judge_versions
    ),
    "tls_required": Probe(
        lambda _expected, endpoint, _sender: _in_clear(endpoint, Actions(sender="", stop_after="mail")),
        _judge_tls_required,
    ),
    "auth_refused_in_clear": Probe(
        lambda _expected, endpoint, _sender: _in_clear(endpoint, Actions(stop_after="auth_probe")),
        _judge_auth_in_clear,
    ),
    "auth_required": Probe(
        lambda expected, endpoint, sender: [(endpoint, Actions(sender=sender, recipients=(expected,)))],
        _judge_auth_required,
    ),
    "relaying_refused": Probe(_relaying_trials, _judge_relaying),
}


# The survey: what more a relay's TLS can tell, each from a handshake of its own.


def survey_trials(endpoint: Endpoint) -> List[Trial]:
    return [tls_only(endpoint, *asked) for asked in _SURVEYED]


def survey_follow_up(endpoint: Endpoint, outcomes: Sequence[Outcome]) -> List[Trial]:
    """A relay that chose the same suite from both orders is asked again without it: had it any other?"""
    one, other = (_cipher("TLSv1.2", outcome) for outcome in outcomes[-2:])
    if one is None or other is None or one[0] != other[0]:
        return []
    return [tls_only(endpoint, "TLSv1.2", _without(one[0]))]


def _without(suite: str) -> str:
    return ":".join(one for one in _SUITES if one != suite)


class Survey(NamedTuple):
    """`versions`: version -> what the relay answered. `leaves`: RSA, ECDSA -> the handshake that showed one."""

    versions: Dict[str, str]
    ciphers: Dict[str, Optional[Tuple[str, Optional[str]]]]  # version -> cipher and group
    leaves: Dict[str, Optional[Outcome]]
    cipher_order: Optional[str]


def read_survey(outcomes: Sequence[Outcome], follow_up: Sequence[Outcome]) -> Survey:
    """`outcomes` are those of survey_trials(), `follow_up` those of survey_follow_up()."""
    by_version = dict(zip(OFFERED_VERSIONS, outcomes))
    in_both_orders = [_cipher("TLSv1.2", outcome) for outcome in outcomes[-2:]]
    order = None
    if None not in in_both_orders and not follow_up:
        order = "client"
    elif any(_cipher("TLSv1.2", outcome) for outcome in follow_up):
        order = "relay"  # else it has one suite of these, and whose order counts is left open
    return Survey(
        {version: answer_to_version(version, outcome) for version, outcome in by_version.items()},
        {version: _cipher(version, outcome) for version, outcome in by_version.items()},
        {kind: _shows_leaf(kind, outcomes) for kind in _KEYS},
        order,
    )


def _cipher(version: str, outcome: Outcome) -> Optional[Tuple[str, Optional[str]]]:
    tls = outcome.facts.tls
    return (tls.cipher, tls.group) if tls and tls.cipher and tls.version == version else None


def _shows_leaf(kind: str, outcomes: Sequence[Outcome]) -> Optional[Outcome]:
    """TLS 1.3 has no suites by kind: what its own handshake shows is all that is known of a relay without 1.2."""
    for outcome in outcomes:
        tls = outcome.facts.tls
        if tls is not None and tls.chain and tls.chain[0].public_key.algorithm in _KEYS[kind]:
            return outcome
    return None


def refused_versions(endpoint: Endpoint, facts: Facts, survey: Optional[Survey]) -> Sequence[str]:
    """Return the TLS versions that the relay surely does not speak.

    By its alert it refuses all that the handshake offered. What the survey saw refused may lack something else, such
    as a certificate, unless another version was accepted.
    """
    failure, policy = facts.failure, endpoint.tls_policy
    if policy and failure and failure.cause == "tls_version_mismatch" and REFUSES_VERSIONS in failure.text:
        from .._net.tls.contexts import newest_version

        lowest, highest = policy.minimum, policy.maximum or newest_version()
        return [version for version in OFFERED_VERSIONS if lowest <= version <= highest]  # they sort as they are old
    answers = survey.versions if survey else {}
    return [version for version, answer in answers.items() if answer == "refused" and "accepted" in answers.values()]
