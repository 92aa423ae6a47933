# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What became of one message that was looked for: the records that rules and reports are made of.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Any, Dict, Optional, Tuple

    from .authentication import Authentication
    from .model import Message
    from .signatures import Dkim
    from .spam import Spam
    from .trace import Trace


class Wanted(NamedTuple):
    """What is known of a message that is looked for."""

    token: str
    message_id: Optional[str] = None
    envelope_id: Optional[str] = None  # as it was given with MAIL (RFC 3461 4.4)
    recipient: Optional[str] = None


class Report(NamedTuple):
    """`kind`: bounce, delay, success or auto_reply. The rest as RFC 3464 names it, without the type of each name."""

    kind: str
    action: Optional[str] = None
    status: Optional[str] = None
    diagnostic_code: Optional[str] = None
    reporting_mta: Optional[str] = None
    remote_mta: Optional[str] = None
    final_recipient: Optional[str] = None
    original_recipient: Optional[str] = None
    envelope_id: Optional[str] = None
    language: Optional[str] = None
    cause: Optional[str] = None  # of the table of causes, where something failed

    def as_dict(self) -> Dict[str, Any]:
        facts = self._asdict()
        del facts["kind"]
        return facts


class Finding(NamedTuple):
    """What became of one message. `seconds`: from the beginning of the search until it was seen, or its bounce was."""

    wanted: Wanted
    message: Optional[Message] = None
    junk: bool = False
    seconds: Optional[float] = None
    trace: Optional[Trace] = None
    authentication: Optional[Authentication] = None
    spam: Optional[Spam] = None
    dkim: Optional[Dkim] = None
    bounce: Optional[Report] = None
    bounce_seconds: Optional[float] = None
    notices: Tuple[Report, ...] = ()
