# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: what sessions with the sink show of the client: rules, as a check's. Only what the sink was asked to do is
# judged, and what no client was seen to decide is unknown.

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.text import counted
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.rules import (
    MET,
    UNKNOWN,
    UNMET,
    unmet_text,
)

if TYPE_CHECKING:
    from typing import Any, Dict, List, Sequence

    from postmaster_mailcheck.sink.behaviour import Behaviour
    from postmaster_mailcheck.sink.records import Session

_STRAY = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_NO_CLIENT = "no client has come so far"


def rule(id_: str, severity: str, outcome: str, text: str, observed: Any, remedy: str) -> Dict[str, Any]:
    """Return a row in the form of the rules of a check. The remedy is of an unmet one."""
    return {
        "id": id_,
        "outcome": outcome,
        "severity": severity,
        "expected": True,
        "observed": observed,
        "text": text,
        "remedy": remedy if outcome == UNMET else "",
    }


def judged(
    sessions: Sequence[Session], behaviour: Behaviour, untrusted: bool, forgotten: int = 0
) -> List[Dict[str, Any]]:
    """Return the rules.

    `untrusted`: that no client has a reason to trust the certificate is asked about; `forgotten`: sessions that are not
    held any more, of which nobody knows whether they kept a rule.
    """
    rules = [_clear(sessions, behaviour)]
    if behaviour.context is not None and untrusted:
        rules.append(_certificate(sessions))
    if behaviour.inject:
        rules.append(_injection(sessions))
    if behaviour.greylist:
        rules.append(_greylisting(sessions))
    rules.append(_line_ends(sessions))
    return [_of_a_part(one, forgotten) if forgotten and one["outcome"] == MET else one for one in rules]


def _of_a_part(kept: Dict[str, Any], forgotten: int) -> Dict[str, Any]:
    text = "%s; of those that came, but %s no longer held" % (kept["text"], counted(forgotten, "session"))
    return {**kept, "outcome": UNKNOWN, "observed": None, "text": text}


def _clear(sessions: Sequence[Session], behaviour: Behaviour) -> Dict[str, Any]:
    """A client that may be brought to send in clear, by who takes STARTTLS away, sends to anybody (RFC 3207 6)."""
    text, severity = "the client sends mail under TLS only", "medium"
    remedy = "Where the next hop is known, demand TLS. Postfix: smtp_tls_security_level = encrypt, or "
    remedy += "smtp_tls_policy_maps; Exim: hosts_require_tls. To the world: DANE or MTA-STS."
    if any("MAIL" in _verbs(one, tls=False) for one in sessions):
        why = "it began a message in clear" + (
            "" if any(one.starttls_offered for one in sessions) else ", since no STARTTLS was offered"
        )
        return rule("client_requires_tls", severity, UNMET, unmet_text(text, why), False, remedy)
    if any("MAIL" in _verbs(one, tls=True) for one in sessions):
        return rule("client_requires_tls", severity, MET, text, True, remedy)
    if behaviour.context is None and any(one.ended and one.commands for one in sessions):
        return rule("client_requires_tls", severity, MET, text + "; it left where no TLS was offered", True, remedy)
    why = "no client has begun a message" if sessions else _NO_CLIENT
    return rule("client_requires_tls", severity, UNKNOWN, "%s; %s" % (text, why), None, remedy)


def _certificate(sessions: Sequence[Session]) -> Dict[str, Any]:
    text = "the client sends nothing to whose certificate it cannot trust"
    remedy = (
        "Where the next hop is known, verify it. Postfix: smtp_tls_security_level = secure; Exim: tls_verify_hosts of "
    )
    remedy += "the smtp transport. Opportunistic TLS verifies nothing, and better so than in clear."
    if any("MAIL" in _verbs(one, tls=True) for one in sessions):
        return rule("client_verifies", "low", UNMET, unmet_text(text, "it began a message"), False, remedy)
    if any(one.tls_failure or (one.tls and one.ended) for one in sessions):
        why = next((one.tls_failure for one in sessions if one.tls_failure), "it left once TLS stood")
        return rule("client_verifies", "low", MET, "%s; %s" % (text, why), True, remedy)
    return rule("client_verifies", "low", UNKNOWN, "%s; no client has begun TLS" % text, None, remedy)


def _injection(sessions: Sequence[Session]) -> Dict[str, Any]:
    """RFC 3207 4.2, CVE-2021-38371: what came before the handshake is no reply to what is said after it."""
    text = "the client takes no reply that came in clear for one under TLS"
    remedy = "Renew the client: what came in clear behind the reply to STARTTLS is to be dropped, or ends the session."
    asked = [one for one in sessions if one.injected]
    if any(one.believed for one in asked):
        return rule("client_forgets_injected", "high", UNMET, unmet_text(text, "it did"), False, remedy)
    if any(one.forgotten for one in asked):
        return rule("client_forgets_injected", "high", MET, text + "; it dropped what was injected", True, remedy)
    if any(one.ended and not one.tls and not one.tls_failure for one in asked):
        return rule("client_forgets_injected", "high", MET, text + "; it noticed, and hung up", True, remedy)
    why = "TLS broke off" if asked else "no client has said STARTTLS"
    return rule("client_forgets_injected", "high", UNKNOWN, "%s; %s" % (text, why), None, remedy)


def _greylisting(sessions: Sequence[Session]) -> Dict[str, Any]:
    text = "the client comes again where it was put off"
    remedy = "Let it queue what is answered 4yz, and try again (RFC 5321 4.5.4.1)."
    deferred = {who for one in sessions for who in one.deferred}
    came = {(one.peer, mail.sender, to) for one in sessions for mail in one.mails for to in mail.recipients}
    if not deferred:
        return rule("client_retries", "medium", UNKNOWN, text + "; none was put off so far", None, remedy)
    missing = deferred - came
    if missing:
        text += "; %d of %d have not come yet" % (len(missing), len(deferred))
        return rule("client_retries", "medium", UNKNOWN, text, None, remedy)
    return rule("client_retries", "medium", MET, text, True, remedy)


def _line_ends(sessions: Sequence[Session]) -> Dict[str, Any]:
    """RFC 5321 2.3.8: CR and LF stand together, or not at all."""
    text, mails = "the client sends no CR or LF by itself", [mail for one in sessions for mail in one.mails]
    remedy = (
        "Renew the client, or let the relay that it uses mend line ends. Postfix: cleanup_replace_stray_cr_lf = yes."
    )
    stray = sum(_STRAY.search(mail.octets) is not None for mail in mails)
    if stray:
        text = unmet_text(text, "%d of %d messages held one" % (stray, len(mails)))
        return rule("client_line_ends", "low", UNMET, text, False, remedy)
    if not mails:
        return rule("client_line_ends", "low", UNKNOWN, text + "; no message has come", None, remedy)
    return rule("client_line_ends", "low", MET, text, True, remedy)


def _verbs(session: Session, tls: bool) -> List[str]:
    return [verb for verb, under_tls in session.commands if under_tls is tls]
