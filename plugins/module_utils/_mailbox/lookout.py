# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# A mailbox for whoever sends messages of his own and wants to see what comes of them: noted before they leave, then
# looked at as often as he likes. Nothing is deleted.

from __future__ import annotations

from typing import TYPE_CHECKING

from .._net.attempts import Broken
from .finding import Wanted
from .search import Search
from .wait import mailbox_of, prepare

if TYPE_CHECKING:
    from typing import Callable, Dict, Iterable, Optional

    from .finding import Report
    from .model import Mailbox
    from .request import Request

_OCTETS = 65536  # of a message that has come: more than any that was sent
_TO_LOOK = 30.0  # seconds that a look may take, however little time is left to wait


class Lookout:
    """What is seen in one mailbox.

    `found`: token -> the message, its first octets; `bounced`: token -> its bounce; `why`: why the mailbox
    could not be looked at the last time, or nothing.
    """

    def __init__(self, request: Request, clock: Callable[[], float]) -> None:
        self._request, self._clock = request, clock
        self._mailbox: Optional[Mailbox] = None
        self.found: Dict[str, bytes] = {}
        self.bounced: Dict[str, Report] = {}
        self.why = ""

    def note(self) -> bool:
        """Note what is there already; return whether the mailbox can be looked at. Raises OptionError."""
        prepare(self._request)
        self._mailbox = mailbox_of(self._request)
        try:
            state = self._mailbox.state(self._clock() + _TO_LOOK)
            self._request = self._request._replace(since=state)
        except Broken as broken:
            self.why = _shown(broken)
        finally:
            self.close()
        return not self.why

    def begin(self, tokens: Iterable[str], timeout: float) -> None:
        """Look for these from now on; `timeout`: seconds that there are for all looks."""
        request = self._request._replace(wanted=tuple(map(Wanted, tokens)), timeout=timeout + _TO_LOOK)
        self._mailbox = mailbox_of(request)
        self._search = Search(request, self._mailbox, self._clock, lambda _seconds: False)

    def look(self) -> bool:
        """Look once for what has come; return whether another look makes sense."""
        search, goes_on = self._search, self._search.look()
        try:
            for token, finding in search.findings.items():
                if finding.bounce is not None:
                    self.bounced[token] = finding.bounce
                if finding.message is not None and token not in self.found and self._mailbox is not None:
                    self.found[token] = self._mailbox.whole(finding.message, _OCTETS) or finding.message.header
        except Broken as broken:
            search.broken = broken
        self.why = "" if search.broken is None else _shown(search.broken)
        return goes_on

    def interrupt(self) -> None:
        """Let a look that waits end. Safe in a signal handler."""
        if self._mailbox is not None:
            self._mailbox.interrupt()

    def close(self) -> None:
        if self._mailbox is not None:
            self._mailbox.close()


def _shown(broken: Broken) -> str:
    return "%s: %s" % (broken.cause, broken.text)
