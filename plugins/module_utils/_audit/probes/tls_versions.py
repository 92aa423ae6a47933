# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Which old versions of TLS it still accepts (RFC 8996). Each is one handshake.

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._smtp.probes import answer_to_version, tls_only
from ..dialogue import answers, framed, saying
from ..model import Cost, Judgement, Probe, Unsettled, finding, passed

if TYPE_CHECKING:
    from typing import List, Sequence

    from ..._net.attempts import Outcome
    from ..._smtp.probes import Trial
    from ..model import Audited

_OLD = ("TLSv1", "TLSv1.1")


def _trials(audited: Audited) -> List[Trial]:
    """The last is a control, without which a relay that has had enough of us would seem to refuse old versions."""
    if audited.first.facts.tls is None:
        return []
    return [tls_only(audited.endpoint, _OLD[-1], oldest=_OLD[0]), framed(audited.endpoint, saying())]


def _judge(audited: Audited, outcomes: Sequence[Outcome]) -> Judgement:
    if not outcomes:
        raise Unsettled("there was no TLS in the first connection")
    told = {version: answer_to_version(version, outcomes[0]) for version in _OLD}
    accepted = next((version for version in _OLD if told[version] == "accepted"), None)
    if accepted is not None:
        text = "of %s, offered together, it accepts %s" % (" and ".join(_OLD), accepted)
        if audited.endpoint.tls == "implicit":
            return finding(text)
        return finding(text + ", which for mail that would else come in clear is better than nothing", severity="low")
    if "not_tried" in told.values():
        raise Unsettled("this host's OpenSSL cannot ask for %s; sslyze can" % " and ".join(_OLD))
    answers(outcomes[-1])
    if set(told.values()) != {"refused"}:
        raise Unsettled("a handshake was neither accepted nor refused")
    return passed("it refuses %s" % " and ".join(_OLD))


TLS_VERSIONS = Probe(
    "tls_versions",
    "Does it accept versions of TLS that are given up?",
    "active",  # what a relay refuses here stands in its log
    "medium",
    "RFC 8996",
    "A client may be talked down to a version that is known to be broken.",
    "Postfix: smtpd_tls_protocols = >=TLSv1.2; Exim: tls_require_ciphers, or openssl_options = +no_tlsv1 +no_tlsv1_1.",
    Cost(connections=2, errors=1),
    _trials,
    _judge,
    about_tls=True,
)
