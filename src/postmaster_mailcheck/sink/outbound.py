# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: sends messages through a relay that delivers them to the sink, and looks what came: which endings of a
# message that are none does the relay pass on?

from __future__ import annotations

import secrets
import threading
import time
from email.utils import formatdate
from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.dialogue import patience
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.octets import shown_octets
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.options import address_of
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.outbound import (
    CHANGED,
    CUT,
    NOT_SEEN,
    OUTBOUND,
    PASSED_ON,
    REFUSED,
    Seen,
    fate_of,
    outbound_plan,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.driver import Driver, Limits
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.options import with_defaults
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.endpoint import endpoint_of
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.options import OPTIONS
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.rules import MET, UNKNOWN, UNMET
from postmaster_mailcheck.sink.judging import rule

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Sequence

    from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.outbound import Sent
    from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.endpoint import Endpoint
    from postmaster_mailcheck.sink.server import Sink

RULE = "outbound_smuggling"
_TURN = 0.5  # seconds: how soon an interrupt is heard
_TEXT = "the relay passes on no ending of a message but CR LF . CR LF"
_REMEDY = (
    "Postfix: cleanup_replace_stray_cr_lf = yes (the default of 3.9, 3.8.5, 3.7.10, 3.6.14 and newer), "
    "message_strip_characters = \\0 for a NUL, and smtpd_forbid_bare_newline = normalize for what its clients send; "
    "Exim: 4.97.1 or newer; others: renew."
)


class Through:
    """Where the messages go: by which relay, from whom, to whom. Raises OptionError."""

    def __init__(self, host: str, port: Optional[int], sender: str, recipient: str) -> None:
        given = {"port": port or 25, "tls": "opportunistic", "validate_certs": False}
        self.endpoint: Endpoint = endpoint_of(host, {**with_defaults({}, OPTIONS), **given})
        self.sender, self.recipient = address_of("sender", sender), address_of("recipient", recipient)


def look_outbound(
    sink: Sink, through: Through, wait: float, on_start: Optional[Callable[[Callable[[], None]], None]] = None
) -> Dict[str, Any]:
    """Send, wait so many seconds for what comes, and return the rule. Call it while the sink is listening.

    `on_start` is given a function that ends it early, with what has come; a signal handler may call it.
    """
    driver, stopped = Driver(Limits()), threading.Event()

    def stop() -> None:
        stopped.set()
        driver.stop()

    if on_start:
        on_start(stop)
    tokens = ["mc-%s" % secrets.token_hex(8) for _one in range(len(OUTBOUND) + 1)]
    plan = outbound_plan(through.endpoint, through.sender, through.recipient, formatdate(), tokens)
    sent: List[Sent] = dict(driver.run(iter([(0, plan)]))).get(0, [])
    # One that was cut short has no token's end, and one that is lost never comes: so the time is up, or all are there.
    # That one was refused is known where that was said; what comes all the same comes no slower than the others.
    refused = [one for one in sent if one.code is not None and not one.taken]
    waited = _wait(sink, [one for one in sent if one not in refused], wait, stopped)
    _wait(sink, refused, min(patience(waited), wait), stopped)
    why = _control_is_missing(sink, sent, waited)
    if why:
        return rule(RULE, "high", UNKNOWN, "%s; %s" % (_TEXT, why), None, _REMEDY)
    seen = {one.ending: fate_of(one, _arrived(sink, one.token)) for one in sent[1:]}
    return _judged([seen.get(ending) or _unsent(ending) for ending in OUTBOUND])


def _wait(sink: Sink, awaited: Sequence[Sent], most: float, stopped: threading.Event) -> float:
    """Wait until all of them have come, the time is up, or somebody has ended it; return for how long that was."""
    began = time.monotonic()
    while not stopped.is_set() and not all(_arrived(sink, one.token) is not None for one in awaited):
        left = began + most - time.monotonic()
        if left <= 0:
            break
        # In turns: a signal handler that ran just before this waits would wake nobody.
        sink.wait(lambda: all(_arrived(sink, one.token) is not None for one in awaited), min(_TURN, left))
    return time.monotonic() - began


def _control_is_missing(sink: Sink, sent: Sequence[Sent], waited: float) -> str:
    """Return what became of the message that is as it should be, nothing where it came."""
    if not sent:
        return "it was ended before a message was sent"
    if _arrived(sink, sent[0].token) is not None:
        return ""
    if sent[0].taken:
        return "a message as it should be was not seen within %.0f s" % waited
    if sent[0].code:
        return "a message as it should be was answered %s %s" % (sent[0].code, sent[0].text)
    return "a message as it should be could not be sent: %s" % sent[0].text


def _unsent(ending: bytes) -> Seen:
    return Seen(ending, NOT_SEEN, b"", "it was ended before this one was sent")


def _arrived(sink: Sink, token: str) -> Optional[bytes]:
    mark = b"X-Mailcheck-Token: " + token.encode("ascii")
    return next((mail.octets for mail in sink.mails if mark in mail.octets), None)


def _judged(seen: Sequence[Seen]) -> Dict[str, Any]:
    observed = {shown_octets(one.ending): one.fate for one in seen}
    told = {fate: [shown_octets(one.ending) for one in seen if one.fate == fate] for fate in observed.values()}
    words = {
        PASSED_ON: "passed on",
        CUT: "taken for an end",
        NOT_SEEN: "not seen",
        REFUSED: "refused",
        CHANGED: "changed",
    }
    shown = "; ".join("%s: %s" % (word, ", ".join(told[fate])) for fate, word in words.items() if fate in told)
    outcome = UNMET if PASSED_ON in told or CUT in told else UNKNOWN if NOT_SEEN in told else MET
    return rule(RULE, "high", outcome, "%s; %s" % (_TEXT, shown), observed, _REMEDY)
