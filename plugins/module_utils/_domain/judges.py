# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# The judges of the rules about a mail domain (rules.py): facts, held against what is expected.
#
# Only what is present or absent decides. What is not determined, or bogus, leaves a rule unjudged, and the reason says
# why; but a bogus answer breaks the rules about DNSSEC and DANE, because a sender that validates fails there.

from __future__ import annotations

from typing import TYPE_CHECKING

from .._net.dns.model import ABSENT, BOGUS, PRESENT
from .._verdicts.causes import hint_of
from .._verdicts.rules import MET, UNKNOWN, judged, unknown
from .delivery import DEFERS, DELIVERS
from .relays import MAX_RELAYS

if TYPE_CHECKING:
    from typing import Any, Callable, Iterable, List, Mapping, Optional, Sequence, Tuple

    from .._verdicts.rules import Judged
    from .facts import DomainFacts
    from .relays import RelayFacts

    Judge = Callable[[Any, DomainFacts, float], Judged]
    # Whether it is as it should be, None where that is not known; and what was seen, or why it is not known.
    Finding = Tuple[Optional[bool], str]

_SHOWN = 5  # of what is found at many hosts
_KNOWN = (PRESENT, ABSENT)
# Why there may be nothing to look at, where it is not for want of the MX records.
_NOTHING = {
    "dane": "the domain has no MX host", "relays": "there is no address to connect to",
    "dkim": "no selectors are given", "reverse": "there is no address", "blocklists": "there is no address",
}  # fmt: skip


def each(field: str, look: Callable[[Any], Finding], strict: bool = False) -> Judge:
    """Return a judge that wants `look` to find every record of a field as it should be.

    `strict`: a bogus answer breaks the rule, instead of leaving it unjudged.
    """

    def finding(record: Any) -> Finding:
        if record.state in _KNOWN:
            return look(record)
        return (False if strict and record.state == BOGUS else None), record.reason

    def judge(expected: bool, facts: DomainFacts, now: float) -> Judged:
        found = records_in(getattr(facts, field))
        return _all(expected, map(finding, found)) if found else unknown(_why_nothing(field, facts))

    return judge


def _all(expected: bool, findings: Iterable[Finding]) -> Judged:
    """Judge whether all is as it should be. One thing that is not decides, whatever is not known of others."""
    findings = list(findings)
    bad, open_, good = ([seen for holds, seen in findings if holds is which] for which in (False, None, True))
    if bad:
        return judged(not expected, _some(bad))
    return unknown("; ".join(_some(open_))) if open_ else judged(expected, _some(good))


def _some(texts: Iterable[str]) -> List[str]:
    """Return what is found at many hosts, each text once, and only the first ones."""
    once = list(dict.fromkeys(texts))
    return once[:_SHOWN] + (["and %d more" % (len(once) - _SHOWN)] if len(once) > _SHOWN else [])


def records_in(fact: Any) -> Sequence[Any]:
    """Return the records that a field holds as a flat sequence: one fact, a list of them, or lists by name."""
    if fact is None or hasattr(fact, "state"):
        return () if fact is None else (fact,)
    return [record for own in fact.values() for record in own] if isinstance(fact, dict) else fact


def _why_nothing(field: str, facts: DomainFacts) -> str:
    if getattr(facts, field) is None:
        return "it was not looked at: %s" % ("set relays" if field == "relays" else "add %s to look_at" % field)
    return facts.mx.reason if hosts_are_open(facts) else _NOTHING[field]


def hosts_are_open(facts: DomainFacts) -> bool:
    return facts.mx is not None and facts.mx.state not in _KNOWN


def is_present(record: Any) -> Finding:
    return record.state == PRESENT, _named(record, record.state)


def is_valid(record: Any) -> Finding:
    """What is absent is not valid: nobody can rely on it."""
    errors = [found.text for found in record.problems if found.level == "error"]
    if record.state == ABSENT or errors:
        return False, _named(record, "; ".join(errors) or record.state)
    return record.valid, _named(record, record.reason or "valid")


def _named(record: Any, text: str) -> str:
    """Say which of several records it is about."""
    names = (getattr(record, name, "") for name in ("host", "selector", "address"))
    return ": ".join([*filter(None, names), text])


def null_stands_alone(fact: Any) -> Finding:
    beside = [found.text for found in fact.problems if found.id == "mx_null_beside_others"]
    return not beside, "".join(beside) or fact.state


def is_null(fact: Any) -> Finding:
    hosts = _some(host.host for host in fact.hosts)
    return fact.null, "a null MX" if fact.null else ", ".join(hosts) or fact.state


def lead_somewhere(fact: Any) -> Finding:
    """What MX records say, or else the domain's own address, has to lead to a host (RFC 5321 5.1)."""
    faults = [found.text for own in (fact, *fact.hosts) for found in own.problems if found.level == "error"]
    if fact.state == ABSENT and fact.implicit is False:
        faults.append("there is neither an MX record nor an address")
    if faults:
        return False, "; ".join(_some(faults))
    open_ = [host.reason for host in fact.hosts if host.state not in _KNOWN]
    return (None, "; ".join(_some(open_))) if open_ else (True, "null MX" if fact.null else fact.state)


def dnssec_is(*statuses: str) -> Judge:
    return each("dnssec", lambda fact: (fact.status in statuses, fact.status), strict=True)


def spf_lookups(expected: float, facts: DomainFacts, now: float) -> Judged:
    """As many as a receiver may have to make for a sender that no term matches (RFC 7208 4.6.4)."""

    def few_enough(fact: Any) -> Finding:
        if fact.state == ABSENT:
            return True, "absent"
        if fact.lookups is None:
            return None, "the record cannot be evaluated"
        if fact.lookups <= expected and fact.valid is None:
            return None, "%d are known, but %s" % (fact.lookups, fact.reason)
        return fact.lookups <= expected, "%d" % fact.lookups

    return each("spf", few_enough)(True, facts, now)


def spf_senders(expected: bool, facts: DomainFacts, now: float) -> Judged:
    """A receiver that cannot look something up (temperror) tries again later."""

    def finding(sender: Any) -> Finding:
        if sender.result in (None, "temperror"):
            return None, _named(sender, sender.reason or "temperror")
        return sender.result == "pass", _named(sender, sender.result)

    if facts.spf is None or not facts.spf.senders:
        return unknown("no senders are given" if facts.spf else _why_nothing("spf", facts))
    return _all(expected, map(finding, facts.spf.senders))


def spf_restricts(fact: Any) -> Finding:
    """Where there is no record nobody passes."""
    if fact.state == ABSENT:
        return True, "absent"
    found = [problem.text for problem in fact.problems if problem.id == "spf_pass_all"]
    if fact.strangers_pass is None:
        return None, fact.reason or "it depends on what the record's terms lead to, which is not known"
    return not fact.strangers_pass, "; ".join(found) or fact.record


def denies_all(fact: Any) -> Finding:
    """`-all` comes before all that could match (RFC 7208 10.1.2), here or where redirect leads."""
    terms = fact.terms
    while len(terms) == 1 and terms[0].term.lower().startswith("redirect="):
        terms = terms[0].terms
    return bool(fact.valid is not False and terms and terms[0].term.lower() == "-all"), fact.record or fact.state


def dkim_bits(expected: Mapping[str, int], facts: DomainFacts, now: float) -> Judged:
    """Keys of kinds that `expected` does not name are long enough; a key that cannot be read is not."""

    def long_enough(key: Any) -> Finding:
        if key.bits is None:
            return False, _named(key, "absent" if key.state == ABSENT else "no key that can be read")
        return key.bits >= expected.get(key.key_type.upper(), 0), _named(key, "%s %d" % (key.key_type, key.bits))

    return each("dkim", long_enough)(True, facts, now)


KEY_TYPES = ("RSA", "ED25519")  # RFC 6376 3.3, RFC 8463
POLICIES = ("none", "quarantine", "reject")
_MODES = ("none", "testing", "enforce")


def dmarc_policy(expected: str, facts: DomainFacts, now: float) -> Judged:
    """What receivers apply counts, which is less than the policy while it is tested (RFC 9989 4.7)."""

    def strict_enough(fact: Any) -> Finding:
        policy = fact.effective_policy
        if policy not in POLICIES:
            return False, "absent" if fact.state == ABSENT else "no policy"
        seen = policy if policy == fact.policy else "%s, since %s is only tested" % (policy, fact.policy)
        return POLICIES.index(policy) >= POLICIES.index(expected), seen

    return each("dmarc", strict_enough)(True, facts, now)


def have_agreed(fact: Any) -> Finding:
    """Reports to others are dropped in silence until they agree (RFC 9990 4)."""
    found = fact.report_destinations
    bad = ["%s has not agreed" % one.domain for one in found if one.authorised is False]
    if fact.state == ABSENT or bad:
        return False, "; ".join(_some(bad)) or "absent"
    open_ = [one.reason or one.domain for one in found if one.authorised is None]
    return (None, "; ".join(_some(open_))) if open_ else (True, "all have agreed" if found else "nobody is to")


def mta_sts_mode(expected: str, facts: DomainFacts, now: float) -> Judged:
    """A policy that senders do not find has no mode."""

    def strict_enough(fact: Any) -> Finding:
        mode = fact.policy.mode if fact.applies else None
        return mode in _MODES and _MODES.index(mode) >= _MODES.index(expected), mode or "no policy that senders go by"

    return each("mta_sts", strict_enough)(True, facts, now)


def dane_or_mta_sts(expected: bool, facts: DomainFacts, now: float) -> Judged:
    """One of the two is enough. Where neither is known to hold, one that is not known leaves it open."""
    by_policy = each("mta_sts", is_valid)(True, facts, now)
    if by_policy.outcome == MET:
        by_policy = mta_sts_mode("enforce", facts, now)
    found = {"DANE": each("dane", is_valid, strict=True)(True, facts, now), "MTA-STS": by_policy}
    holding = [name for name, one in found.items() if one.outcome == MET]
    open_ = ["%s: %s" % (name, one.reason) for name, one in found.items() if one.outcome == UNKNOWN]
    if open_ and not holding:
        return unknown("; ".join(open_))
    seen = ["%s: %s" % (name, ", ".join(one.observed)) for name, one in found.items() if one.outcome != UNKNOWN]
    return judged(bool(holding) is expected, holding or seen)


def not_listed(record: Any) -> Finding:
    said = " ".join(filter(None, (", ".join(record.codes), record.explanation)))
    return record.state == ABSENT, "%s %s on %s" % (record.address, "is" if said else "is not", record.zone) + (
        said and ": " + said
    )


def confirmed(record: Any) -> Finding:
    return bool(record.confirmed), _named(record, ", ".join(record.names) or "no name")


def delivers(kind: str) -> Judge:
    outcomes = {DELIVERS: True, DEFERS: False}

    def judge(expected: bool, facts: DomainFacts, now: float) -> Judged:
        if not facts.relays:
            return unknown(_why_nothing("relays", facts))
        found = [delivery for relay in facts.relays for delivery in relay.deliveries if delivery.sender == kind]
        findings: List[Finding] = [(outcomes.get(one.outcome), one.text) for one in found]
        findings += [(None, host.reason) for host in facts.mx.hosts if host.state not in _KNOWN]
        if len(facts.relays) == MAX_RELAYS:
            findings.append((None, "only the first %d addresses were connected to" % MAX_RELAYS))
        return _all(expected, findings)._replace(remedy=_remedy(kind, facts.relays) if expected else "")

    return judge


def _remedy(kind: str, relays: Sequence[RelayFacts]) -> str:
    """What to do where no session with TLS came about, whatever the certificate; nothing where that is not the reason.

    The first relay that keeps mail from being delivered tells.
    """
    kept = [relay for relay in relays for one in relay.deliveries if (one.sender, one.outcome) == (kind, DEFERS)]
    if not kept or kept[0].tls_version:
        return ""
    cause = "tls_not_offered" if kept[0].starttls is False else kept[0].cause
    return hint_of(cause, kept[0].host, kept[0].port) if cause else ""
