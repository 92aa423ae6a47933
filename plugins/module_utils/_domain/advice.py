# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What a domain is advised to publish, from what was found: one step at a time, and never in place of what was not
# answered, or of what its owner has to mend. What depends on more than the DNS shows is said as a condition.

from __future__ import annotations

from typing import TYPE_CHECKING

from .._net.dns.model import ABSENT, PRESENT
from .dane import tlsa_to_publish
from .dmarc.record import POLICIES, REMOVED
from .mta_sts.evaluate import record_to_publish as announcement
from .mta_sts.policy import ENFORCE, TESTING, covers, policy_text
from .publishing import TTL, Record
from .spf.publish import record_to_publish as spf_record
from .txt import parse_tags

if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Sequence, Tuple

    from .dane import Dane
    from .dmarc.policy import Dmarc
    from .mta_sts.evaluate import MtaSts
    from .mx import MailExchangers
    from .relays import RelayFacts
    from .tls_rpt import TlsRpt

_ALL_PASS = (
    "reports show that all your senders pass, and no user of the domain writes to mailing lists that change mail"
)
_MAILBOX = "the mailbox %s exists: each large receiver sends it a report a day"
_POLICY_AGE = 604800  # seconds that senders keep a policy: a week, while it is being tried
_NO_MAIL = "it is sure that the domain neither sends nor takes mail"


def records_for(domain: str, facts: Any) -> Tuple[Record, ...]:
    """Return the records to publish for a domain.

    `facts` has `mx`, `spf`, `dkim`, `dmarc`, `mta_sts`, `tls_rpt`, `dane` and `relays` as their evaluators returned
    them, None where not looked at.
    """
    if _is_parked(facts):
        return tuple(_parked(domain, facts))
    receives = _receives(facts.mx)
    found = list(filter(None, [spf_record(domain, facts.spf)])) if facts.spf is not None else []
    if facts.dmarc is not None:
        found += _dmarc(domain, facts.dmarc, receives) + _consents(facts.dmarc)
    if facts.tls_rpt is not None and receives:
        found += _tls_rpt(domain, facts.tls_rpt)
    if facts.mta_sts is not None:
        found += _mta_sts(domain, facts.mta_sts, facts.mx)
    return (*found, *_tlsa(domain, facts.dane or (), facts.relays or ()))


def _receives(mx: Optional[MailExchangers]) -> Optional[bool]:
    """Return whether the domain takes mail; None: not looked at, or not known."""
    if mx is None or mx.state not in (PRESENT, ABSENT):
        return None
    return mx.implicit if mx.state == ABSENT else not mx.null


def _dmarc(domain: str, dmarc: Dmarc, receives: Optional[bool]) -> List[Record]:
    """Return a record that asks for one step more than today's (RFC 9989 5.1)."""
    mailbox = "dmarc-reports@" + domain
    reports = "" if receives is False else "rua=mailto:" + mailbox
    if dmarc.state == ABSENT:
        if _is_garbled(dmarc):
            return []
        value = "; ".join(filter(None, ("v=DMARC1", "p=none", reports)))
        reason = "receivers have no policy for the domain; this one changes nothing for its mail, and asks for reports"
        return [_dmarc_record(domain, value, reason, _MAILBOX % mailbox if reports else "nothing: it harms no mail")]
    tags = _own_tags(domain, dmarc)
    if tags is None or (tags["p"] == "reject" and not _is_softened(tags)):
        return []
    if not dmarc.rua:
        if not reports:
            return []
        value = _written({**tags, "rua": "mailto:" + mailbox})
        return [
            _dmarc_record(domain, value, "without reports nobody knows what a policy would hit", _MAILBOX % mailbox)
        ]
    if _is_softened(tags) and tags["p"] != "none":
        reason = "receivers are asked to apply less than the policy says"
        return [_dmarc_record(domain, _hardened(tags, tags["p"]), reason, _ALL_PASS)]
    stricter = POLICIES[POLICIES.index(tags["p"]) + 1]
    reason = "the policy is %s: forged mail is not stopped as it could be" % tags["p"]
    return [_dmarc_record(domain, _hardened(tags, stricter), reason, _ALL_PASS)]


def _own_tags(domain: str, dmarc: Dmarc) -> Optional[Dict[str, str]]:
    """Return the tags of the domain's own record, if that is one to build on."""
    if not dmarc.valid or dmarc.policy_domain != domain:
        return None
    tags, faults = parse_tags(dmarc.record, fold=True)
    # What is malformed would be lost, or published as it is escaped to be shown; what was cut off for that, too.
    if faults or any(found.id == "tag_malformed" for found in dmarc.problems):
        return None
    tags["p"] = tags.get("p", "none").lower()
    return tags


def _is_softened(tags: Dict[str, str]) -> bool:
    return tags.get("t", "n").lower() == "y" or tags.get("pct", "100") != "100"


def _hardened(tags: Dict[str, str], policy: str) -> str:
    kept = {name: value for name, value in tags.items() if name != "t" and name not in REMOVED}
    return _written({**kept, "p": policy})


def _written(tags: Dict[str, str]) -> str:
    rest = ["%s=%s" % (name, value) for name, value in tags.items() if name not in ("v", "p")]
    return "; ".join(["v=DMARC1", "p=" + tags["p"], *rest])


def _dmarc_record(domain: str, value: str, reason: str, after: str) -> Record:
    return Record("_dmarc." + domain, "TXT", value, TTL, reason, after)


def _consents(dmarc: Dmarc) -> List[Record]:
    """Return the records by which other domains agree to receive reports (RFC 9990 4)."""
    reason = "reports to %s are dropped until it agrees to receive them"
    after = "the owner of %s agrees: the record belongs into the zone of that domain"
    return [
        Record(found.query, "TXT", "v=DMARC1;", TTL, reason % found.domain, after % found.domain)
        for found in dmarc.report_destinations
        if found.state == ABSENT
    ]


def _tls_rpt(domain: str, tls_rpt: TlsRpt) -> List[Record]:
    if tls_rpt.state != ABSENT or _is_garbled(tls_rpt):
        return []
    mailbox = "tls-reports@" + domain
    reason = "senders tell nobody when TLS to the domain's relays fails"
    value = "v=TLSRPTv1; rua=mailto:" + mailbox
    return [Record("_smtp._tls." + domain, "TXT", value, TTL, reason, _MAILBOX % mailbox)]


def _mta_sts(domain: str, mta_sts: MtaSts, mx: Optional[MailExchangers]) -> List[Record]:
    """Return the record that announces the policy that is served, or one that only asks for reports (RFC 8461 5)."""
    if mta_sts.state != ABSENT or _is_garbled(mta_sts):
        return []
    hosts = [exchanger.host for exchanger in mx.hosts] if mx is not None else []
    policy = mta_sts.policy
    if policy is not None:
        uncovered = [host for host in hosts if not any(covers(pattern, host) for pattern in policy.mx)]
        stops_mail = policy.mode == ENFORCE and (uncovered or not hosts)  # or may: the hosts are not known
        return [] if stops_mail else [announcement(domain, policy.text)]
    text = _policy_to_serve(mta_sts, mx)
    if text is None:
        return []
    record = announcement(domain, text)
    return [
        record._replace(after="%s. It may read, line by line: %s" % (record.after, " / ".join(text.split("\r\n")[:-1])))
    ]


def policy_for(facts: Any) -> Optional[str]:
    """Return the text of a policy of MTA-STS to serve before its record is published; None where none is advised.

    `facts` as of records_for().
    """
    return None if facts.mta_sts is None or _is_parked(facts) else _policy_to_serve(facts.mta_sts, facts.mx)


def _policy_to_serve(mta_sts: MtaSts, mx: Optional[MailExchangers]) -> Optional[str]:
    """A policy for testing that covers each MX host, where there is none yet."""
    if mta_sts.state != ABSENT or _is_garbled(mta_sts) or mta_sts.policy is not None:
        return None
    if mx is None or not mx.valid or not mx.hosts:
        return None
    return policy_text(TESTING, [exchanger.host for exchanger in mx.hosts], _POLICY_AGE)


def _tlsa(domain: str, dane: Sequence[Dane], relays: Sequence[RelayFacts]) -> List[Record]:
    """Return the record of each key that a host below the domain serves, where none is published.

    Only if each of its addresses has shown its key: nobody knows what the others serve (RFC 7672 3.1.3).
    """
    found: List[Record] = []
    for one in dane:
        own = [relay for relay in relays if relay.host == one.host]
        keys = [relay.public_key_sha256 for relay in own]
        if one.state == ABSENT and None not in keys and ("." + one.host).endswith("." + domain):
            found += [tlsa_to_publish(one.host, str(key)) for key in dict.fromkeys(keys)]
    return found


def _is_garbled(fact: Any) -> bool:
    """Return whether there is a text that was meant to be the record: to be mended, not to be replaced."""
    return any(found.id == "version_garbled" for found in fact.problems)


def _is_parked(facts: Any) -> bool:
    """Return whether all that was found speaks for a domain without mail.

    One that has an address but no MX takes mail by that address, so it must have said that it sends none.
    """
    mx, spf = facts.mx, facts.spf
    if mx is None or spf is None or any(key.state != ABSENT and not key.revoked for key in facts.dkim or ()):
        return False
    sends_nothing = spf.state == PRESENT and " ".join(spf.record.lower().split()) == "v=spf1 -all"
    if spf.senders or not (sends_nothing or spf.state == ABSENT):
        return False
    return mx.null or (mx.state == ABSENT and (mx.implicit is False or (mx.implicit is True and sends_nothing)))


def _parked(domain: str, facts: Any) -> List[Record]:
    """Return how a domain says that it has no mail (RFC 7505, RFC 7208 10.1.2, RFC 9989)."""
    found: List[Record] = []
    if facts.mx.state == ABSENT:
        found.append(Record(domain, "MX", "0 .", TTL, "senders need not try to deliver to the domain", _NO_MAIL))
    found += filter(None, [spf_record(domain, facts.spf, parked=True)])
    dmarc = facts.dmarc
    if dmarc is None:
        return found
    tags = _own_tags(domain, dmarc)
    inherited = dmarc.valid and dmarc.policy_domain != domain
    if tags is not None:
        missing = tags["p"] != "reject" or _is_softened(tags)
    else:
        missing = (dmarc.state == ABSENT and not _is_garbled(dmarc)) or (
            inherited and dmarc.effective_policy != "reject"
        )
    if missing:
        reason = "forged mail in the name of a domain without mail can be refused"
        found.append(_dmarc_record(domain, _hardened(tags or {}, "reject"), reason, _NO_MAIL))
    return found
