# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Suites that encrypt nothing, or show no certificate. One handshake offers the former and nothing else. Another offers
# the latter before all others, so that it is the control as well. Broken suites take another TLS library (sslyze.py).

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._smtp.probes import refusal_of, tls_only
from ..dialogue import answers, framed, saying
from ..model import Cost, Judgement, Probe, Unsettled, finding, passed

if TYPE_CHECKING:
    from typing import List, Sequence

    from ..._net.attempts import Outcome
    from ..._smtp.probes import Trial
    from ..model import Audited

_NOT_ENCRYPTED = "eNULL:!PSK:!SRP"
_ANONYMOUS_FIRST = "aNULL:ALL:!eNULL:!PSK:!SRP"
_ANONYMOUS = ("ADH-", "AECDH-")
_OLDEST, _NEWEST = "TLSv1", "TLSv1.2"  # TLS 1.3 has none of them


def _trials(audited: Audited) -> List[Trial]:
    if audited.first.facts.tls is None:
        return []
    bare, other = (
        tls_only(audited.endpoint, _NEWEST, suites, _OLDEST, unprotected=True)
        for suites in (_NOT_ENCRYPTED, _ANONYMOUS_FIRST)
    )
    return [bare, framed(other[0], saying())]


def _judge(_audited: Audited, outcomes: Sequence[Outcome]) -> Judgement:
    if not outcomes:
        raise Unsettled("there was no TLS in the first connection")
    bare, other = outcomes[0].facts, outcomes[-1].facts
    if bare.tls is not None and bare.tls.cipher:
        return finding("it accepts %s, which encrypts nothing" % bare.tls.cipher)
    refusal = refusal_of(outcomes[0])
    if refusal == "not_tried":
        raise Unsettled("this host's OpenSSL cannot ask for such suites; sslyze can")
    if refusal != "refused":
        raise Unsettled("a handshake was neither accepted nor refused")
    if other.failure is not None and other.failure.cause == "tls_version_mismatch":
        return passed("it speaks TLS 1.3 alone, which has no such suites")
    answers(outcomes[-1])
    if other.tls.cipher.startswith(_ANONYMOUS):
        text = "it accepts %s, which shows no certificate: no loss to a client that would take any"
        return finding(text % other.tls.cipher, severity="info")
    return passed("it refuses suites that encrypt nothing, and prefers none without a certificate")


UNPROTECTED_SUITES = Probe(
    "unprotected_suites",
    "Does it accept suites without encryption, or without a certificate?",
    "active",  # what a relay refuses here stands in its log
    "medium",
    "RFC 9325 4.1",
    "What looks like TLS is read by whoever listens, or comes from anybody.",
    "Postfix: smtpd_tls_exclude_ciphers = aNULL, eNULL; Exim: tls_require_ciphers without NULL and ANON; Dovecot: "
    "ssl_cipher_list with !aNULL:!eNULL.",
    Cost(connections=2, errors=2),
    _trials,
    _judge,
    about_tls=True,
)
