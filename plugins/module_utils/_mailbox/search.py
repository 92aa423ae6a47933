# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# The search: looks at a mailbox again and again, until everything is found that is wanted or the time is up.

from __future__ import annotations

from typing import TYPE_CHECKING

from .._net.attempts import Broken
from .authentication import authentication_of
from .bounce import MAX_OCTETS, concerns, may_be_report, names_in, names_of, report_of, reported_in
from .finding import Finding
from .headers import fields_of
from .signatures import MAX_OCTETS as MAX_SIGNED
from .signatures import dkim_of
from .spam import spam_of
from .trace import trace_of

if TYPE_CHECKING:
    from typing import Callable, Dict, List, Optional, Tuple

    from .headers import Fields
    from .model import Mailbox, Message
    from .request import Request
    from .signatures import Keys

# Another look may do better: these pass, or pass once a session has worked, to the sign-in at least.
_PASSING = ("mailbox_unavailable", "rate_limited", "auth_temporarily_failed")
_ONCE_IT_WORKED = (
    "auth_limited",
    "connection_lost",
    "timed_out",
    "connection_refused",
    "connection_timed_out",
    "no_greeting",
)
_TOO_LONG = "nothing so far; the server wants %.0f s between two sessions (LOGIN-DELAY), and there is less left"
_GUESSED = (
    "A server reports about several recipients of the message, and nothing tells which is meant (option recipient): "
    "told is what it says of one, of the first that failed if any did."
)
_MOST_WARNINGS = 20  # whoever knows the token may write many reports
# A relay on the way may have given the recipient another name: who knows that, knows what became of the message.
_OF_ANOTHER = "A server reports about %s (%s, %s), who is not the recipient (option recipient): it counts for nothing."
_LEAST_SECONDS = 0.3  # that a look takes; with less time left there is none
_MOST_OF_ALL = 0.25  # of the timeout that may be kept for the last look, where looks take long


class Search:
    """`findings` by token, and `broken`, why the mailbox could not be looked at, if it could not."""

    def __init__(
        self, request: Request, mailbox: Mailbox, clock: Callable[[], float], pause: Callable[[float], bool]
    ) -> None:
        """`pause` waits so many seconds, and returns whether the search is to go on."""
        self._request, self._mailbox, self._clock, self._pause = request, mailbox, clock, pause
        self._expects_bounce = bool(request.expect.get("bounce"))
        self.findings: Dict[str, Finding] = {one.token: Finding(one) for one in request.wanted}
        self._tokens = {name: one.token for one in request.wanted for name in names_of(one)}
        self.ours: List[Message] = []  # found, and reports that are surely about what was looked for
        self.broken: Optional[Broken] = None
        self.started = clock()
        self.deadline = self.started + request.timeout
        self.looks = 0  # that were complete
        self._pending: List[Tuple[Message, float]] = []  # seen after so many seconds, and not read so far
        self._keys: Keys = {}

    def run(self) -> None:
        """Look until nothing is missing, the time is up, or the mailbox cannot be looked at for good."""
        began = self._clock()
        while self.look():
            now = self._clock()
            # A look that the time ends has seen nothing: the last begins early enough to be complete.
            kept = min(2 * (now - began), _MOST_OF_ALL * self._request.timeout)
            left = self.deadline - now - max(_LEAST_SECONDS, kept)
            interval = max(self._request.poll_interval, self._mailbox.least_interval)
            if self.done() or left <= 0:
                return
            if self._mailbox.least_interval > left:
                self.broken = self.broken or Broken("auth_limited", _TOO_LONG % self._mailbox.least_interval, "auth")
                return
            if not self._pause(min(interval, left)):
                return
            began = self._clock()

    def look(self) -> bool:
        """Look once; return whether the mailbox can be looked at, or may be able to be later."""
        try:
            self._look()
            self.broken = None
        except Broken as broken:
            self._mailbox.close()
            self.broken = broken
            worked = self.looks or self._mailbox.session.auth is not None
            return broken.cause in _PASSING or bool(worked and broken.cause in _ONCE_IT_WORKED)
        return True

    def done(self) -> bool:
        """Whether all that was looked for has been settled."""
        return self.broken is None and all(map(self._is_settled, self.findings.values()))

    def _is_settled(self, finding: Finding) -> bool:
        return finding.bounce is not None or (finding.message is not None and not self._expects_bounce)

    def _look(self) -> None:
        found = self._mailbox.look(self.deadline, lambda fields: self._finding_of(fields) is not None)
        seen = self._clock() - self.started
        self._pending += [(message, seen) for message in found]
        # What is looked for comes first: others' reports, however many, must not keep it waiting.
        self._pending.sort(key=lambda one: self._finding_of(one[0].fields) is None)
        while self._pending:  # what is read of it may break off: then it is still there in the next look
            self._read(*self._pending[0])
            del self._pending[0]
        self.looks += 1
        if self._mailbox.closed and not all(map(self._is_settled, self.findings.values())):
            text = "; ".join("%s: %s" % pair for pair in self._mailbox.closed.items())
            raise Broken("mailbox_unavailable", text, "folder")

    def _read(self, message: Message, seen: float) -> None:
        finding = self._finding_of(message.fields)
        if finding is None:
            if may_be_report(message.fields):
                self._reported(message, seen)
            return
        if finding.message is None:  # else it is a copy of it
            self._arrived(finding, message, seen)
        self.ours.append(message)

    def _finding_of(self, fields: Fields) -> Optional[Finding]:
        tokens = (self._tokens.get(name) for name in names_in(fields))
        return next((self.findings[token] for token in tokens if token is not None), None)

    def _arrived(self, finding: Finding, message: Message, seen: float) -> None:
        fields = fields_of(message.header)
        signed = any(name.lower() == "dkim-signature" for name, _value in fields)
        raw = self._mailbox.whole(message, MAX_SIGNED) if signed else None
        self.findings[finding.wanted.token] = finding._replace(
            message=message,
            junk=self._mailbox.is_junk(message.folder),
            seconds=seen,
            trace=trace_of(fields),
            authentication=authentication_of(fields, self._request.trusted),
            spam=spam_of(fields, self._request.trusted),
            dkim=dkim_of(fields, raw, self.deadline - self._clock(), self._keys),
        )

    def _warn(self, text: str) -> None:
        if text not in self._mailbox.warnings and len(self._mailbox.warnings) < _MOST_WARNINGS:
            self._mailbox.warnings.append(text)

    def _reported(self, message: Message, seen: float) -> None:
        """Ask whom a report is about: what it tells is known to one of ours, or it is about none."""
        if self._clock() >= self.deadline:
            raise Broken("timed_out", "no time was left to read what servers report", "find")
        reported = reported_in(self._mailbox.whole(message, MAX_OCTETS) or b"")
        if reported is None:
            return
        for token, finding in self.findings.items():
            # By the recipient alone it may be about another's: believed if it has just come, and never deleted.
            sure = concerns(reported, finding.wanted._replace(recipient=None))
            if not sure and not (message.fresh and concerns(reported, finding.wanted)):
                continue
            self.ours += [message] if sure else []
            report, guessed = report_of(reported, finding.wanted.recipient)
            if guessed:
                self._warn(_GUESSED)
            if report is None:
                other = reported.reports[0]
                return self._warn(_OF_ANOTHER % (other.original_recipient, other.kind, other.status or "no status"))
            if report.kind == "bounce" and finding.bounce is None:
                self.findings[token] = finding._replace(bounce=report, bounce_seconds=seen)
            elif report.kind != "bounce":
                self.findings[token] = finding._replace(notices=(*finding.notices, report))
            return
