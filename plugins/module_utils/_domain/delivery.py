# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Whether senders deliver to a relay: those that honour DANE, MTA-STS, or nothing.
#
# Each goes by what it honours, where that is published, and else by what is left: TLS where it is offered, whoever the
# relay is (RFC 7435). A sender that honours both goes by DANE where there are usable records (RFC 8461 2).

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .._net.dns.model import BOGUS, NOT_DETERMINED, PRESENT
from .._net.tls.dane import MET, UNKNOWN, judge_dane
from .mta_sts.policy import ENFORCE, covers

if TYPE_CHECKING:
    from typing import Optional, Tuple

    from .._net.tls.model import TlsFacts
    from .dane import Dane
    from .mta_sts.evaluate import MtaSts

DELIVERS, DEFERS, NOT_KNOWN = "delivers", "defers", "unknown"
_HONOURED = {"dane": "DANE", "mta_sts": "MTA-STS", "opportunistic": "nothing"}


class SeenRelay(NamedTuple):
    """What an attempt at one address of an MX host has shown that takes any certificate, and TLS where it is offered.

    `tls` is there if the handshake was completed. `trouble` says why there was none, or no session at all; it is empty
    where all went well. `ours`: it says nothing of the relay, since it is on our side.
    """

    host: str
    offers_starttls: Optional[bool]  # None: EHLO was not answered
    tls: Optional[TlsFacts]
    trouble: str
    ours: bool = False


class Delivery(NamedTuple):
    """What a sender of one kind does, and why, as a clause."""

    sender: str  # dane, mta_sts, opportunistic
    outcome: str  # delivers, defers, unknown
    because: str

    @property
    def sentence(self) -> str:
        who = "a sender that honours " + _HONOURED[self.sender]
        if self.outcome == NOT_KNOWN:
            return "whether %s delivers is not known, because %s" % (who, self.because)
        return "%s %s, because %s" % (who, self.outcome, self.because)


def deliveries(
    relay: SeenRelay, domain: str, dane: Optional[Dane], mta_sts: Optional[MtaSts]
) -> Tuple[Delivery, Delivery, Delivery]:
    """Return what senders of each kind do with mail for `domain`. None for what was not looked at."""
    return (
        Delivery("dane", *_by_dane(relay, domain, dane)),
        Delivery("mta_sts", *_by_mta_sts(relay, mta_sts)),
        Delivery("opportunistic", *_by_nothing(relay)),
    )


def _by_dane(relay: SeenRelay, domain: str, dane: Optional[Dane]) -> Tuple[str, str]:
    """RFC 7672 2.1, 2.2"""
    if dane is None:
        return NOT_KNOWN, "its TLSA records were not looked for"
    if dane.state == NOT_DETERMINED and dane.look_up_failed:  # whether a sender's does, too, cannot be seen from here
        return NOT_KNOWN, "%s; a sender whose own look-up fails defers" % dane.reason
    if dane.state == NOT_DETERMINED:
        return NOT_KNOWN, dane.reason
    if dane.state == BOGUS:
        return DEFERS, dane.reason
    if dane.state != PRESENT:
        outcome, because = _by_nothing(relay)
        return outcome, "there are no TLSA records that count, and %s" % because
    without_tls = _without_tls(relay)
    if without_tls is not None:
        return without_tls
    records = [record.tlsa() for record in dane.records]
    if not any(record.usable for record in dane.records):
        return DELIVERS, "no TLSA record is usable: TLS is all that it wants"
    verdict = judge_dane(relay.tls.sent if relay.tls else (), records, [*dane.names, domain])
    if verdict.outcome == MET:
        return DELIVERS, "the certificate of %s is one that its TLSA records name" % relay.host
    return (NOT_KNOWN if verdict.outcome == UNKNOWN else DEFERS), verdict.reason


def _by_mta_sts(relay: SeenRelay, mta_sts: Optional[MtaSts]) -> Tuple[str, str]:
    """RFC 8461 4, 5. A policy that senders have kept from before may still count with them."""
    if mta_sts is None:
        return NOT_KNOWN, "the policy was not looked for"
    if mta_sts.state in (BOGUS, NOT_DETERMINED):
        return NOT_KNOWN, mta_sts.reason
    policy = mta_sts.policy
    if policy is None or not mta_sts.applies or policy.mode != ENFORCE:
        outcome, because = _by_nothing(relay)
        return outcome, "there is no policy to enforce, and %s" % because
    host = relay.host.lower().rstrip(".")
    if not any(covers(pattern, host) for pattern in policy.mx):
        return DEFERS, "the policy does not cover %s" % relay.host
    without_tls = _without_tls(relay)
    if without_tls is not None:
        return without_tls
    verified = relay.tls.verified if relay.tls else None
    if verified is None:
        return NOT_KNOWN, "the certificate of %s could not be judged" % relay.host
    if not verified:
        errors = ", ".join(relay.tls.verify_errors if relay.tls else ())
        return DEFERS, "the certificate of %s is not accepted (%s)" % (relay.host, errors)
    return DELIVERS, "the policy covers %s, whose certificate is in order" % relay.host


def _by_nothing(relay: SeenRelay) -> Tuple[str, str]:
    """RFC 7435"""
    if relay.offers_starttls is False:
        return DELIVERS, "mail goes to %s in clear, for want of STARTTLS" % relay.host
    if relay.tls is not None:
        return DELIVERS, "TLS with %s is enough, whatever its certificate" % relay.host
    if relay.ours or relay.offers_starttls is None:
        return _unheard(relay)
    return NOT_KNOWN, "TLS with %s fails (%s): some then go on in clear" % (relay.host, relay.trouble)


def _without_tls(relay: SeenRelay) -> Optional[Tuple[str, str]]:
    """Return what who insists on TLS does where there is no session; None if there is one."""
    if relay.tls is not None:
        return None
    if relay.offers_starttls is False:
        return DEFERS, "%s does not offer STARTTLS" % relay.host
    if relay.ours or relay.offers_starttls is None:
        return _unheard(relay)
    return DEFERS, "TLS with %s fails (%s)" % (relay.host, relay.trouble)


def _unheard(relay: SeenRelay) -> Tuple[str, str]:
    if relay.ours:
        return NOT_KNOWN, "%s was not asked, or not to the end (%s)" % (relay.host, relay.trouble)
    return DEFERS, "%s does not answer (%s)" % (relay.host, relay.trouble)
