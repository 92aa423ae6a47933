# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What a probe is, and what it comes to.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Callable, Mapping, Optional, Sequence, Tuple

    from .._mailbox.finding import Report
    from .._net.attempts import Outcome
    from .._smtp.endpoint import Endpoint
    from .._smtp.probes import Trial
    from .._verdicts.causes import Failure

PASS, FINDING, UNKNOWN = "pass", "finding", "unknown"
INTENSITIES = ("safe", "active", "intrusive")  # each holds those before it


class Judgement(NamedTuple):
    """What a probe comes to: passed(), finding() or unknown() make it."""

    status: str  # pass, finding, unknown
    text: str  # what was seen, as a sentence without its full stop
    proof: Optional[str] = None  # of a finding: none (a suspicion), reply, message
    severity: Optional[str] = None  # of a finding, where it is not the probe's own


def passed(text: str) -> Judgement:
    return Judgement(PASS, text)


def finding(text: str, proof: str = "reply", severity: Optional[str] = None) -> Judgement:
    return Judgement(FINDING, text, proof, severity)


def unknown(text: str) -> Judgement:
    return Judgement(UNKNOWN, text)


class Unsettled(Exception):
    """What was heard settles nothing: `str()` says why, as a clause."""


class Audited(NamedTuple):
    """One relay under audit: what the caller gave, and what the first connection has shown."""

    endpoint: Endpoint
    known_recipient: str  # "" where the caller gave none, as all addresses
    outside_recipient: str
    mailbox_recipient: str
    sender: str
    strangers: Tuple[str, ...]  # addresses made up by chance, of the known recipient's domain
    first: Outcome  # it went from greeting to QUIT, with TLS where that is offered and works
    tls_failure: Optional[Failure]  # why TLS does not work: then all is asked in clear
    date: str  # of its messages (RFC 5322 3.3)

    def token(self, number: int) -> str:
        """What one message of this audit is known by."""
        return "mc-%s%02x" % (self.strangers[0].partition("@")[0][2:], number)


class Cost(NamedTuple):
    """What a probe comes to at most."""

    connections: int = 0
    errors: int = 0  # commands that a relay does right to refuse, or handshakes: they stand in its log
    messages: int = 0


class Arrivals(NamedTuple):
    """What has come to the mailboxes of the caller so far, by its token."""

    own: Mapping[str, bytes]  # the mailbox of mailbox_recipient -> the message, its first octets
    outside: Mapping[str, bytes]  # that of outside_recipient
    bounced: Mapping[str, Report]  # the bounce of it
    seconds: float  # that were waited


class Proof(NamedTuple):
    """How a suspicion is settled: by messages, and by what comes of them to the mailboxes of the caller.

    All three are given the outcomes of the probe itself first; `trials` makes the connections that send the messages,
    or none where there is nothing to settle, and the others are given their outcomes besides. `waits` tells whether
    something may still come that decides, `judge` what all comes to.
    """

    needs: Tuple[str, ...]
    cost: Cost
    trials: Callable[[Audited, Sequence[Outcome]], Sequence[Trial]]
    tokens: Callable[[Audited], Sequence[str]]  # that may come
    waits: Callable[[Audited, Sequence[Outcome], Sequence[Outcome], Arrivals], bool]
    judge: Callable[[Audited, Sequence[Outcome], Sequence[Outcome], Arrivals], Judgement]


class Probe(NamedTuple):
    """One question to a relay: which trials it wants made, one after the other, and what their outcomes mean.

    `judge` may raise Unsettled, which makes the probe unknown. Without trials, it reads the first connection.
    """

    name: str
    question: str
    intensity: str  # safe, active, intrusive
    severity: str  # of its finding: high, medium, low, info
    source: str
    meaning: str  # of its finding: what it may lead to
    remedy: str
    cost: Cost
    trials: Callable[[Audited], Sequence[Trial]]
    judge: Callable[[Audited, Sequence[Outcome]], Judgement]
    needs: Tuple[str, ...] = ()  # the options it cannot do without
    proof: Optional[Proof] = None
    about_tls: bool = False  # whether it is asked only where TLS works
    left_to: Optional[str] = None  # the program that alone can ask: here it is unknown


def no_trials(_audited: Audited) -> Sequence[Trial]:
    """The first connection shows it."""
    return ()
