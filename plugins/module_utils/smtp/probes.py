# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the collection. What needs connections of its own: rules that must look for themselves, and the survey.
#
# Each probe has two parts, both pure: the requests it wants tried, and what their outcomes mean. The plan makes
# the attempts of all probes side by side. No probe signs in, and none sends a message.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from . import model

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

    Judged = Tuple[str, Any]

VERSIONS = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
# How a relay says no to a TLS version or cipher: an alert, an error, or by hanging up.
_REFUSALS = ("tls_version_mismatch", "tls_cipher_mismatch", "tls_protocol_error", "tls_handshake_reset")
_OURS = ("tls_version_unavailable", "tls_cipher_unavailable")
# However weak: whether a relay accepts a version, or has a certificate, is not a question of what else it does.
WEAK_TOO = ":@SECLEVEL=0"
# Offered forwards and backwards: which one is chosen shows whose order counts.
_SUITES = tuple(
    "ECDHE-%s-%s" % (kind, cipher) for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384") for kind in ("ECDSA", "RSA")
)
_KEYS = {"RSA": ("RSA", "RSA-PSS"), "ECDSA": ("EC", "Ed25519", "Ed448")}  # what a suite signs with -> keys of leaves


class Probe(NamedTuple):
    """Which requests a rule wants tried, and what it makes of their outcomes."""

    requests: Callable[[Any, model.Request], Sequence[model.Request]]
    judge: Callable[[Any, Sequence[model.Outcome]], Judged]


def _bare(request: model.Request) -> model.Request:
    """The same relay, asked for nothing yet: no credentials, no commands, no envelope, no rules."""
    return request._replace(
        credentials=None, extra_commands=(), sender=None, recipients=(), message=None, send=False, stop_after="",
        dsn=None, chunking=False, requiretls=False, prdr=False, mail_parameters={}, expect={}, survey=False,
    )  # fmt: skip


def _in_clear(request: model.Request) -> List[model.Request]:
    """Nothing to ask where TLS comes with the first octet: there is no time before it."""
    return [] if request.tls == "implicit" else [_bare(request)._replace(tls="none", tls_policy=None)]


def tls_only(request: model.Request, version: str, ciphers: str = "ALL") -> model.Request:
    """One handshake with the given version and ciphers, whoever the relay turns out to be."""
    policy = (request.tls_policy or model.TlsPolicy())._replace(
        minimum=version, maximum=version, ciphers=ciphers + WEAK_TOO, verify=False
    )
    tls = "implicit" if request.tls == "implicit" else "starttls"
    return _bare(request)._replace(tls=tls, tls_policy=policy, validate_certs=False, stop_after="tls")


def answer_to_version(version: str, outcome: model.Outcome) -> str:
    """Return `accepted`, `refused`, `not_tried` where this OpenSSL cannot, or `unknown`.

    A version is accepted by the ServerHello that says so, whatever breaks the handshake off later.
    """
    if outcome.facts.tls is not None and outcome.facts.tls.version == version:
        return "accepted"
    cause = outcome.facts.failure.cause if outcome.facts.failure else ""
    if cause in _OURS:
        return "not_tried"
    return "refused" if cause in _REFUSALS else "unknown"


# The rules


def _judge_versions(expected: Sequence[str], outcomes: Sequence[model.Outcome]) -> Judged:
    answers = dict(zip(expected, map(answer_to_version, expected, outcomes)))
    if "accepted" in answers.values():
        return "unmet", answers
    return ("met" if set(answers.values()) == {"refused"} else "unknown"), answers


def _judge_tls_required(expected: bool, outcomes: Sequence[model.Outcome]) -> Judged:
    if not outcomes:
        return ("met" if expected else "unmet"), "implicit TLS"
    code = outcomes[0].facts.codes.get("mail")
    if code is None or 400 <= code < 500:
        return "unknown", code
    if code // 100 == 2:
        return ("unmet" if expected else "met"), code
    # A 530 may as well ask for a sign-in (RFC 4954 6), which says nothing of TLS.
    failure = outcomes[0].facts.failure
    asks_for_tls = failure is not None and (
        failure.cause == "tls_required" or (code == 530 and "tls" in failure.text.lower())
    )
    return (("met" if expected else "unmet") if asks_for_tls else "unknown"), code


def _judge_auth_in_clear(expected: bool, outcomes: Sequence[model.Outcome]) -> Judged:
    if not outcomes:
        return ("met" if expected else "unmet"), "implicit TLS"
    facts = outcomes[0].facts
    code = facts.auth_probe or facts.codes.get("auth")
    refused = code is not None and code >= 500
    if not refused and code not in (334, 235):
        return "unknown", code
    return ("met" if refused is expected else "unmet"), code


def _judge_auth_required(expected: str, outcomes: Sequence[model.Outcome]) -> Judged:
    """Some relays refuse MAIL (RFC 6409 4.3), some put it off to RCPT."""
    facts = outcomes[0].facts
    if facts.recipients and facts.recipients[0].code // 100 == 2:
        return "unmet", facts.recipients[0].code
    code = facts.recipients[0].code if facts.recipients else facts.codes.get("mail")
    if facts.failure is not None and facts.failure.cause == "tls_required":
        return "unknown", code  # who has not signed in was not even looked at
    return ("met" if code is not None and code >= 500 else "unknown"), code


def _relaying_requests(expected: Mapping[str, str], request: model.Request) -> List[model.Request]:
    recipients = (expected["control_recipient"], expected["recipient"])
    return [_bare(request)._replace(sender=expected.get("sender", request.sender or ""), recipients=recipients)]


def _judge_relaying(expected: Mapping[str, str], outcomes: Sequence[model.Outcome]) -> Judged:
    answers = outcomes[0].facts.recipients
    if len(answers) < 2:
        return "unknown", outcomes[0].facts.codes.get("mail")
    control, stranger = answers[0].code, answers[1].code
    if control // 100 != 2 or stranger // 100 not in (2, 5) or stranger == 530:
        return "unknown", [control, stranger]
    return ("unmet" if stranger // 100 == 2 else "met"), [control, stranger]


PROBES: Dict[str, Probe] = {
    "tls_versions_refused": Probe(
        lambda expected, request: [tls_only(request, version) for version in expected], _judge_versions
    ),
    "tls_required": Probe(
        lambda expected, request: [one._replace(sender="", stop_after="mail") for one in _in_clear(request)],
        _judge_tls_required,
    ),
    "auth_refused_in_clear": Probe(
        lambda expected, request: [one._replace(stop_after="auth_probe") for one in _in_clear(request)],
        _judge_auth_in_clear,
    ),
    "auth_required": Probe(
        lambda expected, request: [_bare(request)._replace(sender=request.sender or "", recipients=(expected,))],
        _judge_auth_required,
    ),
    "relaying_refused": Probe(_relaying_requests, _judge_relaying),
}


# The survey: what more a relay's TLS can tell, each from a handshake of its own.


def survey_requests(request: model.Request) -> List[model.Request]:
    """Versions, then certificates for clients that take RSA or ECDSA alone, then suites in two orders."""
    return [
        *(tls_only(request, version) for version in VERSIONS),
        *(tls_only(request, "TLSv1.2", "a" + kind) for kind in _KEYS),
        tls_only(request, "TLSv1.2", ":".join(_SUITES)),
        tls_only(request, "TLSv1.2", ":".join(reversed(_SUITES))),
    ]


def survey_follow_up(request: model.Request, outcomes: Sequence[model.Outcome]) -> List[model.Request]:
    """A relay that chose the same suite from both orders is asked again without it: had it any other?"""
    one, other = (_cipher("TLSv1.2", outcome) for outcome in outcomes[-2:])
    if one is None or other is None or one[0] != other[0]:
        return []
    return [tls_only(request, "TLSv1.2", ":".join(suite for suite in _SUITES if suite != one[0]))]


class Survey(NamedTuple):
    """`versions`: version -> what the relay answered. `leaves`: RSA, ECDSA -> the handshake that showed one."""

    versions: Dict[str, str]
    ciphers: Dict[str, Optional[Tuple[str, Optional[str]]]]  # version -> cipher and group
    leaves: Dict[str, Optional[model.Outcome]]
    cipher_order: Optional[str]


def read_survey(outcomes: Sequence[model.Outcome], follow_up: Sequence[model.Outcome]) -> Survey:
    """`outcomes` are those of survey_requests(), `follow_up` those of survey_follow_up()."""
    by_version = dict(zip(VERSIONS, outcomes))
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


def _cipher(version: str, outcome: model.Outcome) -> Optional[Tuple[str, Optional[str]]]:
    tls = outcome.facts.tls
    return (tls.cipher, tls.group) if tls and tls.cipher and tls.version == version else None


def _shows_leaf(kind: str, outcomes: Sequence[model.Outcome]) -> Optional[model.Outcome]:
    """TLS 1.3 has no suites by kind: what its own handshake shows is all that is known of a relay without 1.2."""
    for outcome in outcomes:
        tls = outcome.facts.tls
        if tls is not None and tls.chain and tls.chain[0].public_key.algorithm in _KEYS[kind]:
            return outcome
    return None
