# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What one conversation has learned so far.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .._net.text import Secrets

if TYPE_CHECKING:
    from typing import Any, Dict, List, Mapping, Optional, Sequence

    from .._net.tls.model import TlsFacts
    from .._verdicts.causes import Failure
    from .capabilities import Capabilities
    from .replies import Reply
    from .tlsa import DaneFacts
    from .transcript import Transcript


# What a check goes through, in order: the words of `stage`, `codes` and `timings`.
STAGES = (
    "resolve", "connect", "greeting", "ehlo", "starttls", "tls", "xclient", "auth", "extra", "mail", "rcpt", "data",
    "message", "quit",
)  # fmt: skip


class AuthFacts(NamedTuple):
    mechanism: Optional[str]
    accepted: bool
    code: Optional[int] = None
    enhanced_code: Optional[str] = None
    text: str = ""
    server_error: Optional[Mapping[str, Any]] = None  # what an OAuth server says in its 334


class RecipientFacts(NamedTuple):
    address: str
    code: int
    enhanced_code: Optional[str]
    text: str
    outcome: str  # accepted, deferred, rejected


class ExtraReply(NamedTuple):
    """What the relay answered to one of the caller's own commands."""

    command: str
    code: int
    enhanced_code: Optional[str]
    text: str


class MessageFacts(NamedTuple):
    message_id: Optional[str]
    token: Optional[str]
    size: int
    queue_id: Optional[str] = None
    code: Optional[int] = None
    text: str = ""


class Facts:
    """What one conversation has learned so far."""

    def __init__(self, transcript: Transcript, secrets: Optional[Secrets] = None) -> None:
        self.transcript = transcript
        self.secrets = Secrets() if secrets is None else secrets  # of the whole check
        self.greeting: Optional[Reply] = None
        self.capabilities: Optional[Capabilities] = None
        self.capabilities_before_tls: Optional[Capabilities] = None
        self.codes: Dict[str, int] = {}
        self.timings: Dict[str, float] = {}
        self.starttls_refusal: Optional[Reply] = None
        self.tls: Optional[TlsFacts] = None
        self.refused_versions: Sequence[str] = ()  # of TLS, as far as the relay has surely refused any
        self.dane: Optional[DaneFacts] = None  # where TLSA records were given, or looked for
        self.auth: Optional[AuthFacts] = None
        self.auth_probe: Optional[int] = None  # the code that a bare AUTH drew
        self.extra_replies: List[ExtraReply] = []
        self.recipients: List[RecipientFacts] = []
        self.message: Optional[MessageFacts] = None
        self.warnings: List[str] = []
        self.stage = "connect"  # the stage reached
        self.failure: Optional[Failure] = None
        # A message counts as begun with its first octet, as handed over with its final dot.
        self.message_begun = False
        self.message_handed_over = False
        self.message_taken = False
        self.would_send = False  # in check mode: the message would have gone out
