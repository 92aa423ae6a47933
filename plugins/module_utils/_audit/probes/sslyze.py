# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What takes handshakes that Python's ssl cannot make, or a library that still speaks SSL: sslyze brings both, and runs
# by itself. Until the filter with_sslyze has added its answers, these questions are open, and say how to have them
# asked.

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._net.text import where
from ..model import Cost, Judgement, Probe, Unsettled, no_trials

if TYPE_CHECKING:
    from typing import Sequence

    from ..._net.attempts import Outcome
    from ..model import Audited

SSLYZE = "sslyze"
_RENEW = "Renew the server's TLS library, or what speaks TLS in front of it."


def _judge(audited: Audited, _outcomes: Sequence[Outcome]) -> Judgement:
    if audited.first.facts.tls is None:
        raise Unsettled("only sslyze can ask this, and there was no TLS in the first connection")
    endpoint = audited.endpoint
    starttls = "" if endpoint.tls == "implicit" else "--starttls smtp "
    command = "sslyze %s--json_out=scan.json %s" % (starttls, where(endpoint.host, endpoint.port))
    raise Unsettled("only sslyze can ask this: run `%s`, and add what it wrote by the filter with_sslyze" % command)


def _probe(name: str, question: str, severity: str, source: str, meaning: str, remedy: str) -> Probe:
    return Probe(name, question, "safe", severity, source, meaning, remedy, Cost(), no_trials, _judge, left_to=SSLYZE)


ROBOT = _probe(
    "robot",
    "Does it show whether an RSA-encrypted secret was well formed?",
    "high",
    "RFC 7457 2.7",
    "What was recorded of its sessions may be decrypted, and its key misused to sign.",
    "Switch off the suites in which RSA encrypts the key (those that begin with TLS_RSA). " + _RENEW,
)
HEARTBLEED = _probe(
    "heartbleed",
    "Does it answer heartbeats with its memory?",
    "high",
    "CVE-2014-0160",
    "Anybody may read its memory: keys, passwords and mail.",
    _RENEW + " Then change its key and certificate, and the passwords that it has seen.",
)
CCS_INJECTION = _probe(
    "ccs_injection",
    "Does it take ChangeCipherSpec before there is a key?",
    "high",
    "CVE-2014-0224",
    "Whoever stands in between may read and change sessions.",
    _RENEW,
)
RENEGOTIATION = _probe(
    "renegotiation",
    "Is renegotiation secure?",
    "medium",
    "RFC 7457 2.10",
    "Whoever stands in between may put words of his own before the client's, or keep the server busy.",
    _RENEW + " Or let it speak TLS 1.3 alone, which has none.",
)
COMPRESSION = _probe(
    "compression",
    "Does it compress what it encrypts?",
    "medium",
    "RFC 7457 2.6",
    "How long its records are tells of secrets in them (CRIME).",
    "Switch compression off. OpenSSL does by itself since 1.1.0.",
)
BROKEN_SUITES = _probe(
    "broken_suites",  # no OpenSSL since 1.1.0 has them, unless it was built to
    "Does it accept EXPORT, RC4, DES or 3DES?",
    "medium",
    "RFC 9325 4.1",
    "What is encrypted so can be read, the sooner the more of it there is (FREAK, RFC 7465, Sweet32).",
    "Switch them off. Postfix: smtpd_tls_exclude_ciphers = EXPORT, RC4, DES, 3DES; Exim: tls_require_ciphers. "
    + _RENEW,
)
SSL_VERSIONS = _probe(
    "ssl_versions",
    "Does it accept SSL?",
    "high",
    "RFC 7568 3",
    "SSL 2.0 and 3.0 are broken: what they protect may be read (DROWN, POODLE).",
    "Switch both off. Postfix: smtpd_tls_protocols = >=TLSv1.2.",
)
