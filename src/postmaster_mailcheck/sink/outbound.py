# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: sends messages through a relay that delivers them to the sink, and looks what came: which endings of a
# message that are none does the relay pass on?

from __future__ import annotations

import secrets
import time
from email.utils import formatdate
from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.octets import shown_octets
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.options import address_of
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.outbound import (
    CHANGED,
    CUT,
    NOT_SEEN,
    OUTBOUND,
    PASSED_ON,
    REFUSED,
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
    from typing import Any, Dict, List, Optional, Sequence

    from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.outbound import Seen, Sent
    from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.endpoint import Endpoint
    from postmaster_mailcheck.sink.server import Sink

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


def look_outbound(sink: Sink, through: Through, wait: float) -> Dict[str, Any]:
    """Send, wait so many seconds for what comes, and return the rule. Call it while the sink is listening."""
    tokens = ["mc-%s" % secrets.token_hex(8) for _one in range(len(OUTBOUND) + 1)]
    plan = outbound_plan(through.endpoint, through.sender, through.recipient, formatdate(), tokens)
    sent: List[Sent] = dict(Driver(Limits()).run(iter([(0, plan)])))[0]
    began = time.monotonic()
    taken = [one.token for one in sent if one.taken]
    # One that was cut short has no token's end, and one that is lost never comes: so the time is up, or all are there.
    sink.wait(lambda: all(_arrived(sink, token) is not None for token in taken), wait)
    waited = time.monotonic() - began
    if not sent[0].taken or _arrived(sink, sent[0].token) is None:
        why = "a message as it should be was " + (
            "not seen within %.0f s" % waited if sent[0].taken else "answered %s %s" % (sent[0].code, sent[0].text)
        )
        return rule("outbound_smuggling", "high", UNKNOWN, "%s; %s" % (_TEXT, why), None, _REMEDY)
    return _judged([fate_of(one, _arrived(sink, one.token)) for one in sent[1:]])


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
    return rule("outbound_smuggling", "high", outcome, "%s; %s" % (_TEXT, shown), observed, _REMEDY)
