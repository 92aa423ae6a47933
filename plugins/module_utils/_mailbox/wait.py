# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# The front door: what to wait for goes in, a report comes out.

from __future__ import annotations

import re
import threading
import time
from typing import TYPE_CHECKING

from .._net.attempts import Broken
from .headers import first
from .report import Result, as_report
from .request import request_of
from .search import Search

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional

    from .model import Mailbox, Message
    from .request import Request

    OnStart = Callable[[Callable[[], None]], None]

_STOPPED = "the wait was stopped"
_TOKEN = re.compile(r"[0-9a-f]{32}|mc-[0-9a-f]{8,}")  # as smtp_check makes them


def wait_for_mail(*, check_mode: bool = False, on_start: Optional[OnStart] = None, **options: Any) -> Dict[str, Any]:
    """Wait for a message to arrive, and return what became of it: plain data, the keys of the module's RETURN.

    `options` are those of the module wait_for_mail; without a token the state of the mailbox is returned. `check_mode`
    deletes nothing. `on_start` is given a function that ends the wait early. Raises OptionError for a caller's mistake,
    before any socket opens; whatever the mailbox holds or does is in the report.
    """
    request = request_of(options)
    warnings = prepare(request)
    mailbox = mailbox_of(request)
    ended = threading.Event()

    def stop() -> None:
        ended.set()
        mailbox.interrupt()

    if on_start:
        on_start(stop)
    try:
        if request.wanted:
            result = _search(request, mailbox, ended, warnings, check_mode)
        else:
            result = _state(request, mailbox, ended, warnings)
    finally:
        mailbox.close()
    return as_report(result, time.time())


def prepare(request: Request) -> List[str]:
    """Read the files of TLS before a socket opens. Raises OptionError."""
    if request.tls_policy is None:
        return []
    from .._net.tls.contexts import prepare

    return prepare(request.tls_policy, time.time())


def mailbox_of(request: Request) -> Mailbox:
    """Return the mailbox; nothing is connected to yet."""
    if request.protocol == "imap":
        from .imap.mailbox import ImapMailbox

        return ImapMailbox(request, [wanted.token for wanted in request.wanted])
    if request.protocol == "pop3":
        from .pop3.mailbox import PopMailbox

        return PopMailbox(request)
    from .maildir import Maildir

    return Maildir(request)


def _state(request: Request, mailbox: Mailbox, ended: threading.Event, warnings: List[str]) -> Result:
    began = time.monotonic()
    state: Dict[str, Dict[str, Any]] = {}
    broken: Optional[Broken] = None
    try:
        state = mailbox.state(began + request.timeout)
    except Broken as caught:
        broken = Broken("interrupted", _STOPPED, "folder") if ended.is_set() else caught
    took = time.monotonic() - began
    return Result(request, mailbox.session, state, (), broken, tuple(state), took, 0, [*warnings, *mailbox.warnings])


def _search(
    request: Request, mailbox: Mailbox, ended: threading.Event, warnings: List[str], check_mode: bool
) -> Result:
    search = Search(request, mailbox, time.monotonic, lambda seconds: not ended.wait(seconds))
    search.run()
    broken = search.broken
    if ended.is_set() and not search.done():
        broken = Broken("interrupted", _STOPPED, "find")
    planned = 0
    if (request.delete or request.delete_older_than is not None) and broken is None:
        try:
            doomed = _doomed(request, mailbox, search.ours)
            if check_mode:
                planned = len(doomed)
            else:
                mailbox.delete(doomed)
        except Broken as caught:
            warnings.append("Nothing more was deleted: %s" % caught.text)
    findings = tuple(search.findings.values())
    took = time.monotonic() - search.started
    said = [*warnings, *mailbox.warnings]
    deleted = planned or mailbox.deleted
    return Result(
        request, mailbox.session, {}, findings, broken, tuple(mailbox.folders()), took, deleted, said, bool(planned)
    )


def _doomed(request: Request, mailbox: Mailbox, ours: List[Message]) -> List[Message]:
    """Return what is to be deleted: what is ours, and old probes, as far as that is asked for."""
    doomed = list(ours) if request.delete else []
    if request.delete_older_than is not None:
        for probe in mailbox.probes_before(time.time() - request.delete_older_than):
            token = first(probe.fields, "X-Mailcheck-Token") or ""
            if _TOKEN.fullmatch(token) and (probe.folder, probe.uid) not in {(one.folder, one.uid) for one in doomed}:
                doomed.append(probe)
    return doomed
