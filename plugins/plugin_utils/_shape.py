# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The shape of an assessment, which all reports are made from. It is plain data: the JSON report is this and no more.
#
# A subject is what was judged: a relay, a mail domain, or a mailbox that mail was to arrive in. Each has a row of
# rules.

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Dict, List, Optional, TypedDict

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.text import cut, printable

if TYPE_CHECKING:
    from typing import Literal, NotRequired, Sequence  # the command runs on Pythons that have no NotRequired

FORMAT = "postmaster.mailcheck assessment 1"
VERDICTS = ("passed", "deferred", "failed", "unreachable", "not_checked")
OUTCOMES = ("met", "unmet", "unknown", "waived")
SEVERITIES = ("low", "medium", "high")
CHECK = "check"  # the rule that stands for the check itself
AS_SUCH = (CHECK, "audit")  # and the one that stands for an audit, where the relay was checked, too


class TellableError(Exception):
    """A mistake that is told as it stands: names that somebody has given are bounded, and steer no terminal."""

    def __init__(self, text: str) -> None:
        super().__init__(cut(printable(text)))


class AssessmentError(TellableError):
    """What is wrong with what an assessment was to be made from."""


class Subject(TypedDict):
    """What was judged.

    `name`: what its owner calls it. `identity`: what tells it from all others of its kind, the name that the network
    knows it by first: `host` and `port` of a relay, `domain` of a mail domain, `mailbox` (its server, or the path of
    a Maildir) and `port` of a mailbox. They become the labels of its metrics.
    """

    kind: Literal["relay", "domain", "mailbox"]
    name: str
    identity: Dict[str, Any]


class Excuse(TypedDict):
    """Why a breach is accepted, who answers for it, and the last day on which it is."""

    reason: str
    owner: str
    expires: str


class JudgedWaiver(Excuse):
    """A waiver, and whether it is `active`, `unused` or `expired`. `rule` and `endpoint` are patterns."""

    rule: str
    endpoint: str
    state: str
    note: NotRequired[str]  # why one is unused: nothing has such a name, or what it excuses is not broken


class Rule(TypedDict):
    """What became of one rule: `outcome` is of OUTCOMES, `severity` of SEVERITIES, `text` a sentence."""

    id: str
    outcome: str
    severity: str
    expected: Any
    observed: Any
    text: str
    remedy: str
    # Of rules that come from a profile, as far as it says.
    profile: NotRequired[str]
    document: NotRequired[str]
    section: NotRequired[str]
    reason: NotRequired[str]
    # Of rules that were looked into on connections of their own: what was said there, each as a `transcript`.
    dialogues: NotRequired[List[List[Dict[str, Any]]]]
    # Of what an audit found: what shows it, `reply`, `message` or `none`.
    proof: NotRequired[Optional[str]]
    # Of breaches that a waiver excuses, or did until it ran out.
    waiver: NotRequired[Excuse]
    expired_waiver: NotRequired[Excuse]


class Tls(TypedDict):
    version: Optional[str]
    cipher: Optional[str]
    verified: Optional[bool]


class Arrival(TypedDict):
    """A message that was waited for. `found` is null where that is not known; `seconds`: until it was seen."""

    found: Optional[bool]
    folder: Optional[str]
    junk: Optional[bool]
    seconds: Optional[float]


class Row(TypedDict):
    """What was learned of one subject. `id` is its name in reports, its own and the same in the next run."""

    id: str
    subject: Subject
    name: str
    # Of relays, as readers of version 0.1.0 know them: the same stands in `subject`.
    host: NotRequired[str]
    port: NotRequired[int]
    address: Optional[str]
    labels: Dict[str, Any]
    verdict: str  # of VERDICTS
    assessment: str  # the worst outcome of `rules`
    stage: Optional[str]
    cause: Optional[str]
    code: Optional[int]
    msg: str
    tls: Optional[Tls]
    certificate: Optional[str]  # its SHA-256, which is its key in `certificates`
    not_after: Optional[str]
    days_left: Optional[int]
    checked_at: Optional[str]
    seconds: Optional[float]
    rules: List[Rule]
    message: Optional[Dict[str, Any]]
    greeting: Optional[str]
    transcript: Optional[List[Dict[str, Any]]]
    # Of relays, as far as the result holds it: from which address, as whom and to whom the check spoke.
    local_address: NotRequired[Optional[str]]
    sender: NotRequired[Optional[str]]
    recipients: NotRequired[List[str]]
    # Of mailboxes: what became of each message that was waited for, and, where that was one, the hops it came over, as
    # wait_for_mail returns them.
    arrivals: NotRequired[List[Arrival]]
    trace: NotRequired[Dict[str, Any]]
    # Of relays that were audited: `intensity`, the audit's own `verdict`, and its `name` where the check has another.
    audit: NotRequired[Dict[str, Any]]
    # Of domains: what they are advised to publish, as domain_check documents it.
    records: NotRequired[List[Dict[str, Any]]]
    # What is amiss with what they publish, and told by no rule, as domain_check documents it.
    remarks: NotRequired[List[Dict[str, Any]]]
    # And rules that somebody expects of them, but that were not applied, since relays were not to be looked at.
    not_applied: NotRequired[List[str]]


class Change(TypedDict):
    """What differs from the last run. `before` is null of what is new, `now` of what is gone."""

    endpoint: str
    what: str
    before: Any
    now: Any


class Observer(TypedDict):
    """Who looked: the host, its addresses towards what it looked at, the versions of this collection and below it."""

    host: Optional[str]
    addresses: List[str]
    version: Optional[str]
    python: Optional[str]
    openssl: Optional[str]


class AppliedProfile(TypedDict):
    """A profile that was judged by: its own version, or that of the collection it ships with; its file's SHA-256."""

    name: str
    kind: str
    title: Optional[str]
    description: NotRequired[Optional[str]]
    version: Optional[str]
    sha256: str


class Evidence(TypedDict):
    """Who looked, who judged, and by what: with the rows' dialogues, what an auditor signs."""

    observers: List[Observer]
    judged_on: Optional[str]  # the day that decided whether waivers hold
    judged_by: Observer
    profiles: List[AppliedProfile]


class Summary(TypedDict):
    endpoints: int
    verdicts: Dict[str, int]
    rules: Dict[str, int]  # outcome -> how many
    findings: Dict[str, int]  # severity -> how many, the gravest first
    expired_waivers: int


class LastRun(TypedDict):
    """When the last run's checks ended, and its score: percent, or null where nothing could be judged."""

    checked_at: Optional[str]
    score: Optional[int]


class Assessment(TypedDict):
    """The whole. Times are UTC, as RFC 3339 writes them; `certificates` are facts by their SHA-256."""

    format: str
    title: str
    checked_at: Optional[str]  # when the last of the checks ended
    profiles: List[str]
    summary: Summary
    endpoints: List[Row]
    certificates: Dict[str, Dict[str, Any]]
    waivers: List[JudgedWaiver]
    changes: Optional[List[Change]]  # null without a last run
    last: NotRequired[Optional[LastRun]]
    evidence: NotRequired[Evidence]  # version 0.1.0 had none


def network_names(subject: Subject) -> List[str]:
    """Return what the network calls a subject, then that with all else that identifies it: `host`, `host:port`."""
    parts = [str(part) for part in subject["identity"].values()]
    return [parts[0], ":".join(parts)]


def kinds(rows: Sequence[Row]) -> Dict[str, int]:
    """Return how many rows there are of each kind, in their order. An empty fleet is one of relays."""
    return Counter(row["subject"]["kind"] for row in rows) or {"relay": 0}


def in_words(rows: Sequence[Row], between: str) -> str:
    """Return what rows are about, in the plural: `relays`, `domains`, `mailboxes`, or several of them."""
    return between.join(map(plural, kinds(rows)))


def plural(word: str) -> str:
    return word + ("es" if word.endswith("x") else "s")
