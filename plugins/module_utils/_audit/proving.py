# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Suspicions, settled: what relays were sent is looked for in the mailboxes of the caller, which were noted before
# anything left. Where a mailbox could not be looked at by then, nothing was sent.

from __future__ import annotations

from typing import TYPE_CHECKING

from .._mailbox.lookout import Lookout
from .model import FINDING, UNKNOWN, Arrivals

if TYPE_CHECKING:
    from typing import Callable, Iterator, List, Optional, Sequence, Tuple

    from .._mailbox.request import Request
    from .model import Audited, Judgement, Proof
    from .options import Wanted
    from .plan import Audit, Probed

_PAUSE = 1.0  # seconds between two looks


class Proving:
    """The mailboxes of one task, for as many relays as it has."""

    def __init__(self, clock: Callable[[], float], pause: Callable[[float], bool]) -> None:
        """`pause` waits so many seconds, and returns whether to go on."""
        self._clock, self._pause = clock, pause
        self._lookouts: List[Tuple[Request, Lookout]] = []

    def noted(self, wanted: Wanted) -> Wanted:
        """Return what is to be done, once its mailboxes are noted: without proofs where that failed, and why.

        Raises OptionError.
        """
        if not any(probe.proof for probe in wanted.probes):
            return wanted
        whys = [lookout.why for lookout in map(self._lookout_of, (wanted.mailbox, wanted.outside_mailbox)) if lookout]
        why = next(filter(None, whys), "")
        if not why:
            return wanted
        text = "A mailbox could not be looked at, so that nothing was sent to prove anything: " + why
        probes = tuple(probe._replace(proof=None) for probe in wanted.probes)
        return wanted._replace(probes=probes, warnings=(*wanted.warnings, text))

    def settled(self, audits: Sequence[Audit]) -> List[Audit]:
        """Wait for what was sent, and return the audits, with what that comes to."""
        tokens = [token for audit in audits for _one, proof, audited in _open(audit) for token in proof.tokens(audited)]
        if not tokens:
            return list(audits)
        timeout = max(audit.wanted.arrival_timeout for audit in audits)
        began = self._clock()
        lookouts = [lookout for _request, lookout in self._lookouts if not lookout.why]
        for lookout in lookouts:
            lookout.begin(tokens, timeout)
        try:
            while True:
                looking = [lookout.look() for lookout in lookouts]
                waited = self._clock() - began
                waits = any(self._waits(audit, waited) for audit in audits)
                if not waits or not all(looking) or waited >= timeout or not self._pause(_PAUSE):
                    break
        finally:
            for lookout in lookouts:
                lookout.close()
        return [self._judged(audit, self._clock() - began) for audit in audits]

    def interrupt(self) -> None:
        """Let a look that waits end. Safe in a signal handler."""
        for _request, lookout in self._lookouts:
            lookout.interrupt()

    def _lookout_of(self, request: Optional[Request]) -> Optional[Lookout]:
        """Return the lookout of a mailbox, noted when it is first asked for: relays may share one."""
        if request is None:
            return None
        known = next((lookout for other, lookout in self._lookouts if other.place == request.place), None)
        if known is None:
            known = Lookout(request, self._clock)
            known.note()
            self._lookouts.append((request, known))
        return known

    def _arrivals(self, wanted: Wanted, waited: float) -> Arrivals:
        own, outside = self._lookout_of(wanted.mailbox), self._lookout_of(wanted.outside_mailbox)
        bounced = {token: report for one in (own, outside) if one for token, report in one.bounced.items()}
        return Arrivals(own.found if own else {}, outside.found if outside else {}, bounced, waited)

    def _waits(self, audit: Audit, waited: float) -> bool:
        arrivals = self._arrivals(audit.wanted, waited)
        return any(proof.waits(audited, one.outcomes, one.proving, arrivals) for one, proof, audited in _open(audit))

    def _judged(self, audit: Audit, waited: float) -> Audit:
        arrivals = self._arrivals(audit.wanted, waited)
        judgements = {
            one.probe.name: proof.judge(audited, one.outcomes, one.proving, arrivals)
            for one, proof, audited in _open(audit)
        }
        probed = [
            one._replace(judgement=self._final(audit.wanted, one.judgement, judgements[one.probe.name]))
            if one.probe.name in judgements
            else one
            for one in audit.probed
        ]
        return audit._replace(probed=tuple(probed))

    def _final(self, wanted: Wanted, suspected: Judgement, proven: Judgement) -> Judgement:
        """What messages leave open stays as the replies have shown it, unless they have shown nothing."""
        if proven.status != UNKNOWN:
            return proven
        lookouts = filter(None, map(self._lookout_of, (wanted.mailbox, wanted.outside_mailbox)))
        why = next((lookout.why for lookout in lookouts if lookout.why), "")
        told = proven.text + ("; a mailbox could not be looked at: " + why if why else "")
        if suspected.status == FINDING:
            return suspected._replace(text="%s; and %s" % (suspected.text, told))
        return proven._replace(text=told)


def _open(audit: Audit) -> Iterator[Tuple[Probed, Proof, Audited]]:
    """Yield what was sent to be settled."""
    for one in audit.probed:
        if one.proving and one.probe.proof is not None and audit.audited is not None:
            yield one, one.probe.proof, audit.audited
