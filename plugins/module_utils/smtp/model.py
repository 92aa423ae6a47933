# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the collection. The records that travel between the storeys of the engine.
#
# NamedTuples, because a class of any other kind costs several times as much to define in every task. One is
# a plain class: `Facts` grows while a conversation runs, so that whatever ends it leaves all that was learned.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Any, Dict, Generator, List, Mapping, Optional, Sequence, Tuple, Union

    from .capabilities import Capabilities
    from .certificates import Certificate
    from .message import Message
    from .transcript import Transcript

__version__ = "0.1.0"

# What a check goes through, in order: the words of `stage`, `codes` and `timings`.
STAGES = (
    "resolve", "connect", "greeting", "ehlo", "starttls", "tls", "xclient", "auth", "extra", "mail", "rcpt", "data",
    "message", "quit",
)  # fmt: skip


class OptionError(Exception):
    """A caller's mistake, found before any socket opens: which option, and what to do about it."""

    def __init__(self, option: str, text: str) -> None:
        super().__init__("%s: %s" % (option, text))
        self.option = option


class TlsPolicy(NamedTuple):
    """What a TLS context is made from: equal policies share one context."""

    ca_path: Optional[str] = None
    minimum: str = "TLSv1.2"
    maximum: Optional[str] = None
    ciphers: Optional[str] = None
    client_cert: Optional[str] = None
    client_key: Optional[str] = None
    client_key_password: Optional[str] = None
    verify: bool = True  # a certificate that is not accepted ends the handshake

    def __repr__(self) -> str:
        return "TlsPolicy(<redacted>)"


class Credentials(NamedTuple):
    """What a caller can sign in with. Its repr shows no secret."""

    username: str = ""
    password: Optional[str] = None
    access_token: Optional[str] = None

    def __repr__(self) -> str:
        return "Credentials(username=%r, <redacted>)" % self.username


class Request(NamedTuple):
    """One endpoint to check, every option validated and its default filled in (DESIGN: options)."""

    host: str
    port: int
    connect_to: Optional[str]  # one address of the host, where only that one is to be checked
    protocol: str
    address_family: str
    source_address: Optional[str]
    ehlo_name: Optional[str]
    tls: str
    validate_certs: bool
    tls_policy: Optional[TlsPolicy]
    tls_server_name: str
    credentials: Optional[Credentials]
    auth_mechanisms: Optional[Tuple[str, ...]]
    allow_plaintext_auth: bool
    proxy_protocol: Optional[Mapping[str, Any]]
    xclient: Mapping[str, str]
    extra_commands: Tuple[str, ...]
    sender: Optional[str]
    recipients: Tuple[str, ...]
    message: Optional[Message]
    dsn: Optional[Mapping[str, Any]]
    chunking: bool
    requiretls: bool
    prdr: bool
    mail_parameters: Mapping[str, Optional[str]]
    send: bool
    send_if: str
    check_mode: bool  # with send: go as far as before DATA
    stop_after: str
    timeout: float
    connect_timeout: float
    acceptance_timeout: float
    retry_for: float
    retry_interval: float
    expect: Mapping[str, Any]
    survey: bool
    transcript: str
    warnings: Tuple[str, ...]


class Command(NamedTuple):
    """One command as it goes out, and as it may be shown."""

    stage: str
    wire: bytes
    shown: str
    content: Optional[Message] = None  # follows the wire bytes
    dotted: bool = False  # its dots are doubled, and one ends it
    secrets: Tuple[str, ...] = ()  # what the relay may repeat, and we must not show

    def __repr__(self) -> str:
        return "Command(%r, %r)" % (self.stage, self.shown)


class Reply(NamedTuple):
    """One reply (RFC 5321 4.2): its text is printable, its lines come without their codes."""

    code: int
    lines: Tuple[str, ...]
    enhanced_code: Optional[str] = None
    notes: Tuple[str, ...] = ()
    challenge: bytes = b""  # what follows a 334, and is shown nowhere

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


# What a conversation yields.


class Say(NamedTuple):
    """Commands that leave in one write."""

    commands: Sequence[Command]


class Hear(NamedTuple):
    """Wait for one reply."""

    stage: str
    within: Optional[float] = None  # seconds, where less than the attempt has left


class StartTls(NamedTuple):
    """Let the TLS handshake begin now."""


if TYPE_CHECKING:
    Step = Union[Say, Hear, StartTls]
    # Say is answered by None, Hear by a Reply, StartTls by TlsFacts: a union would need a cast at every yield.
    Steps = Generator[Step, Any, None]


class Failure(NamedTuple):
    """Why a check did not pass: a row of the table of causes, and the relay's own words."""

    stage: str
    cause: str
    code: Optional[int] = None
    enhanced_code: Optional[str] = None
    text: str = ""
    recipient: Optional[str] = None


class TlsFacts(NamedTuple):
    """What a handshake showed. `verified` is None where it could not be judged, `chain` where it could not be read."""

    version: Optional[str]
    cipher: Optional[str]
    bits: Optional[int]
    server_name: str
    verified: Optional[bool]
    verify_errors: Tuple[str, ...]
    chain: Optional[Tuple[Certificate, ...]]
    leaf: Optional[bytes] = None  # DER
    group: Optional[str] = None  # of the key exchange


class TlsFailure(Exception):
    """A handshake, or what came after it, failed: `cause` is of the table of causes, `facts` what was seen."""

    def __init__(self, cause: str, text: str, facts: Optional[TlsFacts] = None) -> None:
        super().__init__(text)
        self.cause = cause
        self.facts = facts


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


class AddressAttempt(NamedTuple):
    """One address tried: outcome is `connected`, a cause, or `overtaken` by another address."""

    address: str
    outcome: str
    seconds: float


class Facts:
    """What one conversation has learned so far."""

    def __init__(self, transcript: Transcript) -> None:
        self.transcript = transcript
        self.greeting: Optional[Reply] = None
        self.capabilities: Optional[Capabilities] = None
        self.capabilities_before_tls: Optional[Capabilities] = None
        self.codes: Dict[str, int] = {}
        self.timings: Dict[str, float] = {}
        self.tls: Optional[TlsFacts] = None
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


class Outcome(NamedTuple):
    """One attempt, ended: what the driver returns to a plan. Times are of the driver's clock, in seconds."""

    facts: Facts
    addresses: Tuple[AddressAttempt, ...]
    address: Optional[str]
    local_address: Optional[str]
    started: float
    finished: float


class Attempt(NamedTuple):
    """What a plan yields: one connection and its conversation."""

    request: Request


class Wait(NamedTuple):
    """What a plan yields: go on at this time of the driver's clock."""

    until: float


class Rule(NamedTuple):
    """One expectation, judged."""

    id: str
    outcome: str  # met, unmet, unknown, waived
    severity: str
    expected: Any
    observed: Any
    text: str
    remedy: str
    stage: str  # what it looks at
