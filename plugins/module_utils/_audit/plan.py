# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# One relay's audit: a first connection, which shows whether there is somebody to ask, then probe after probe, and never
# two connections at once.
#
# A 421 to a connection or to a control says that the relay has had enough: the audit ends with what was learned. A 421
# to what a probe has said is that probe's answer. The plan yields attempts and pauses to the driver.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .._net.attempts import Wait
from .._net.text import Secrets
from .._smtp.actions import Actions
from .._smtp.attempts import attempt_all
from .dialogue import at_stage, in_clear
from .model import FINDING, Audited, Judgement, Unsettled, unknown
from .probes.first_look import talk

if TYPE_CHECKING:
    from typing import Any, Generator, List, Optional, Sequence, Tuple

    from .._net.attempts import Outcome
    from .._smtp.probes import Trial
    from .._verdicts.causes import Failure
    from .model import Probe
    from .options import Wanted

    Steps = Generator[Any, Any, Any]

# Stages at which the relay answers to our coming, or to a control, and to nothing that a probe has said.
_COMING = ("resolve", "connect", "greeting", "ehlo", "starttls")
_UNHEARD = _COMING[:3]  # nothing of ours has been said: whatever the relay refuses there, it refuses us
# What ends an audit from our side.
OURS = ("interrupted", "deadline_reached", "not_checked")


class Probed(NamedTuple):
    """One probe, made, or not made because the audit had ended."""

    probe: Probe
    judgement: Judgement
    outcomes: Tuple[Outcome, ...]  # of its connections
    proving: Tuple[Outcome, ...] = ()  # of those that sent what is to arrive


class Audit(NamedTuple):
    """One relay's audit. `ended`: what ended it before all was done."""

    wanted: Wanted
    first: Optional[Outcome]
    probed: Tuple[Probed, ...]
    ended: Optional[Failure] = None
    audited: Optional[Audited] = None


def audit_plan(wanted: Wanted, strangers: Tuple[str, ...], date: str) -> Steps:
    """Return the Audit of one relay. `strangers` are addresses that nobody has, `date` is that of messages."""
    secrets, endpoint, tls_failure = Secrets(), wanted.endpoint, None
    first = yield from _connect(wanted, (endpoint, Actions(dialogue=talk)), secrets, None)
    if first.facts.capabilities_before_tls and first.facts.capabilities is None and not _end(first):
        endpoint, tls_failure = in_clear(endpoint), first.facts.failure
        first = yield from _connect(wanted, (endpoint, Actions(dialogue=talk)), secrets, first)
    ended = first.facts.failure if first.facts.capabilities is None else None
    # All that follows is asked of the machine that answered first: a name may stand for several.
    endpoint = endpoint._replace(connect_to=first.address)
    audited = Audited(
        endpoint,
        wanted.known_recipient,
        wanted.outside_recipient,
        wanted.mailbox_recipient,
        wanted.sender,
        strangers,
        first,
        tls_failure,
        date,
    )
    probed: List[Probed] = []
    last = first
    for probe in wanted.probes:
        outcomes, ended, last = yield from _made(wanted, () if ended else probe.trials(audited), secrets, ended, last)
        judgement = _judge(probe, audited, outcomes, ended)
        proving: Tuple[Outcome, ...] = ()
        if probe.proof is not None and not ended:
            trials = probe.proof.trials(audited, outcomes)
            proving, ended, last = yield from _made(wanted, trials, secrets, ended, last)
        probed.append(Probed(probe, judgement, outcomes, proving))
    return Audit(wanted, first, tuple(probed), ended, audited)


def _made(
    wanted: Wanted, trials: Sequence[Trial], secrets: Secrets, ended: Optional[Failure], last: Outcome
) -> Generator[Any, Any, Tuple[Tuple[Outcome, ...], Optional[Failure], Outcome]]:
    """Make connection after connection; return their outcomes, what ended the audit, and the last outcome there is."""
    outcomes: List[Outcome] = []
    for trial in trials:
        last = yield from _connect(wanted, trial, secrets, last)
        outcomes.append(last)
        ended = _end(last)
        if ended:
            break
    return tuple(outcomes), ended, last


def _connect(wanted: Wanted, trial: Trial, secrets: Secrets, last: Optional[Outcome]) -> Steps:
    """Make one connection, a pause after the one before."""
    if wanted.pause and last is not None:
        yield Wait(last.finished + wanted.pause)
    (outcome,) = yield from attempt_all([trial], secrets)
    return outcome


def _end(outcome: Outcome) -> Optional[Failure]:
    """Return what ends the audit: a 421 to our coming or to a control, a refusal of us, nobody there, or an order.

    A session that breaks off once something has been said in it is that probe's answer. Whether the relay is gone shows
    the next.
    """
    failure: Optional[Failure] = outcome.facts.failure
    if failure is None or failure.cause in OURS or failure.stage in _UNHEARD:
        return failure
    at_control = failure.stage in _COMING or failure.recipient is not None
    gone = failure.stage in _COMING and failure.code is None and not outcome.facts.extra_replies
    return failure if gone or (at_control and failure.code == 421) else None


def _judge(probe: Probe, audited: Audited, outcomes: Sequence[Outcome], ended: Optional[Failure]) -> Judgement:
    """What a probe has found stands, though the audit ended in its midst; nothing else that it came to does."""
    why = ""
    if ended:
        words = " ".join(filter(None, (str(ended.code or ""), " ".join(ended.text.split()))))
        why = "the audit had to end%s: %s" % (at_stage(ended.stage), words or ended.cause)
        if not outcomes:
            return unknown(why)
    try:
        judgement = probe.judge(audited, outcomes)
    except Unsettled as unsettled:
        judgement = unknown(str(unsettled))
    return unknown(why) if ended and judgement.status != FINDING else judgement
