# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What may be expected of a mail domain: the table RULES, and what is expected where nobody says.

from __future__ import annotations

from typing import TYPE_CHECKING

from .._errors import OptionError
from .._net.dns.model import INSECURE, PRESENT, SECURE
from .._verdicts.rules import RuleKind, flag, number
from . import judges

if TYPE_CHECKING:
    from typing import Any, Callable, Container, Dict

    from .facts import DomainFacts


def _choice(*known: str) -> Callable[[str, Any], str]:
    def form(option: str, value: Any) -> str:
        if value not in known:
            raise OptionError(option, "must be one of %s." % ", ".join(known))
        return str(value)

    return form


def _bits(option: str, value: Any) -> Dict[str, int]:
    given = {"RSA": value} if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(given, dict) or not all(isinstance(b, int) and not isinstance(b, bool) for b in given.values()):
        raise OptionError(option, "must be a number of bits (for RSA), or a mapping such as {RSA: 2048}.")
    wanted = {str(name).upper(): bits for name, bits in given.items()}
    if not set(wanted) <= set(judges.KEY_TYPES):
        raise OptionError(option, "must name types of keys: %s." % ", ".join(judges.KEY_TYPES))
    return wanted


RULES: Dict[str, RuleKind] = {
    "mx_present": RuleKind(
        "mx", "low", flag, judges.each("mx", judges.is_present), "the domain has MX records",
        "Publish MX records that name the relays; if the domain is not for mail, a null MX (RFC 7505)."),
    "mx_valid": RuleKind(
        "mx", "high", flag, judges.each("mx", judges.lead_somewhere), "mail for the domain leads to a host",
        "Let each MX record name a host that is no alias, and has addresses at which others reach it, as they do not "
        "at 127.0.0.1 (RFC 5321 5.1). If the domain is not for mail, publish a null MX (RFC 7505)."),
    "null_mx": RuleKind(
        "mx", "medium", flag, judges.each("mx", judges.is_null), "the domain says that it takes no mail (null MX)",
        "Publish `MX 0 .` as the only MX record (RFC 7505)."),
    "null_mx_alone": RuleKind(
        "mx", "high", flag, judges.each("mx", judges.null_stands_alone), "a null MX stands alone",
        "Remove the null MX if the domain takes mail, else all the others (RFC 7505 3)."),
    "dnssec_secure": RuleKind(
        "dnssec", "low", flag, judges.dnssec_is(SECURE), "the domain is signed, and its signatures hold",
        "Sign the zone, and hand its DS record to the parent."),
    "dnssec_valid": RuleKind(
        "dnssec", "medium", flag, judges.dnssec_is(SECURE, INSECURE), "what signatures there are hold",
        "Ask another resolver, or the authoritative servers, whether it is this resolver's fault. If it is not: renew "
        "the signatures, and see that the DS record belongs to a key of the zone."),
    "dane_present": RuleKind(
        "dane", "low", flag, judges.each("dane", judges.is_present, strict=True), "each relay has TLSA records",
        "Once the zones are signed, publish the TLSA record of each relay's certificate (RFC 7672)."),
    "dane_valid": RuleKind(
        "dane", "high", flag, judges.each("dane", judges.is_valid, strict=True), "the TLSA records can be used",
        "Publish records of usage 3 or 2 as records shows them; remove those that match nothing that is served."),
    "mta_sts_present": RuleKind(
        "mta_sts", "low", flag, judges.each("mta_sts", judges.is_present), "the domain has an MTA-STS policy",
        "Serve the policy, then publish the record at _mta-sts (RFC 8461)."),
    "mta_sts_valid": RuleKind(
        "mta_sts", "high", flag, judges.each("mta_sts", judges.is_valid),
        "the MTA-STS policy holds, and covers each MX",
        "Mend what is said of the record or the policy; then change the record's id, so that senders fetch it anew."),
    "mta_sts_mode": RuleKind(
        "mta_sts", "medium", _choice("testing", "enforce"), judges.mta_sts_mode, "the MTA-STS mode is %s or stricter",
        "Once reports (TLS-RPT) show no failures, change the mode in the policy, and the id in the record."),
    "dane_or_mta_sts": RuleKind(
        "mta_sts", "medium", flag, judges.dane_or_mta_sts, "senders can insist on TLS, by DANE or by MTA-STS",
        "Sign the zones and publish TLSA records of the relays, or serve an MTA-STS policy of mode enforce."),
    "tls_rpt_present": RuleKind(
        "tls_rpt", "low", flag, judges.each("tls_rpt", judges.is_present), "the domain asks for reports about TLS",
        "Publish a record at _smtp._tls with an address that takes reports (RFC 8460)."),
    "tls_rpt_valid": RuleKind(
        "tls_rpt", "medium", flag, judges.each("tls_rpt", judges.is_valid), "the TLS-RPT record can be used",
        "Mend what is said of the record."),
    "spf_present": RuleKind(
        "spf", "medium", flag, judges.each("spf", judges.is_present), "the domain has an SPF record",
        "Publish one record that names all that sends for the domain; if nothing does, v=spf1 -all."),
    "spf_valid": RuleKind(
        "spf", "high", flag, judges.each("spf", judges.is_valid), "the SPF record can be evaluated",
        "Mend what is said of the record: for receivers it is an error as it stands (permerror)."),
    "spf_lookups": RuleKind(
        "spf", "high", number, judges.spf_lookups, "SPF takes at most %s look-ups in the DNS",
        "Replace includes by the addresses behind them, or drop those that send nothing any more (RFC 7208 4.6.4)."),
    "spf_restricts": RuleKind(
        "spf", "high", flag, judges.each("spf", judges.spf_restricts), "SPF does not pass for strangers",
        "Name only what sends for the domain, and end in -all or ~all: as it is, forged mail passes SPF, and by it "
        "DMARC."),
    "spf_senders_pass": RuleKind(
        "spf", "high", flag, judges.spf_senders, "SPF passes for each of the senders",
        "Add what the sender lacks: its address, or its provider's include."),
    "spf_denies_all": RuleKind(
        "spf", "high", flag, judges.each("spf", judges.denies_all), "SPF says that nothing sends for the domain",
        "Publish v=spf1 -all (RFC 7208 10.1.2)."),
    "dkim_valid": RuleKind(
        "dkim", "high", flag, judges.each("dkim", judges.is_valid), "each selector has a DKIM key that can be used",
        "See that the selector is one that signatures name (s=), and publish its public key at SELECTOR._domainkey, in "
        "strings of at most 255 octets."),
    "dkim_min_bits": RuleKind(
        "dkim", "medium", _bits, judges.dkim_bits, "the DKIM keys are long enough (%s)",
        "Make a longer key, publish it under a new selector, sign with it, and revoke the old one (RFC 8301)."),
    "dmarc_present": RuleKind(
        "dmarc", "medium", flag, judges.each("dmarc", judges.is_present), "the domain has a DMARC policy",
        "Publish a record at _dmarc; begin with p=none and an address for reports (RFC 9989)."),
    "dmarc_valid": RuleKind(
        "dmarc", "high", flag, judges.each("dmarc", judges.is_valid), "the DMARC record can be used",
        "Mend what is said of the record."),
    "dmarc_policy": RuleKind(
        "dmarc", "high", _choice(*judges.POLICIES), judges.dmarc_policy, "the DMARC policy is %s or stricter",
        "Once reports show that all that sends for the domain passes, ask for more."),
    "dmarc_reports_authorised": RuleKind(
        "dmarc", "medium", flag, judges.each("dmarc", judges.have_agreed),
        "those who are to receive DMARC reports have agreed to",
        "Have the other domain publish the record that records shows, or send the reports to an address of your own."),
    "bimi_valid": RuleKind(
        "bimi", "low", flag, judges.each("bimi", judges.is_valid), "the BIMI record can be used",
        "Mend what is said of the record."),
    "reverse_names_confirmed": RuleKind(
        "reverse", "high", flag, judges.each("reverse", judges.confirmed),
        "each address has a name that leads back to it",
        "Have the provider of the address set its reverse name (PTR), and let this name have the address."),
    "not_listed": RuleKind(
        "blocklists", "high", flag, judges.each("blocklists", judges.not_listed), "no block list has an address",
        "Read the list's reason, stop what caused it, then ask for removal."),
    "delivers_opportunistic": RuleKind(
        "relays", "high", flag, judges.delivers("opportunistic"), "senders that honour nothing deliver to each relay",
        "See relays for what each address answers."),
    "delivers_mta_sts": RuleKind(
        "relays", "high", flag, judges.delivers("mta_sts"), "senders that honour MTA-STS deliver to each relay",
        "Let the certificate be one that public authorities vouch for, with the name of the MX host in it."),
    "delivers_dane": RuleKind(
        "relays", "high", flag, judges.delivers("dane"), "senders that honour DANE deliver to each relay",
        "Publish the TLSA record of what is served (3 1 1 with the public_key_sha256 of relays), or serve what is "
        "published."),
    "caa_present": RuleKind(
        "caa", "low", flag, judges.each("caa", judges.is_present), "CAA records say who may issue certificates",
        "Publish CAA records that name your authorities (RFC 8659)."),
}  # fmt: skip

# What is expected of any domain that is looked at, where neither a profile nor the caller says more, or less: that
# things are published, and that what is published can be used.
ALWAYS = dict.fromkeys(
    (
        "mx_present", "mx_valid", "dnssec_secure", "dnssec_valid", "dane_present", "mta_sts_present",
        "tls_rpt_present", "spf_present", "dmarc_present", "dkim_valid", "reverse_names_confirmed", "not_listed",
        "caa_present",
        "delivers_opportunistic", "delivers_mta_sts", "delivers_dane",
    ),
    True,
)  # fmt: skip
WHERE_PRESENT = {
    "null_mx_alone": True, "dane_valid": True, "mta_sts_valid": True, "tls_rpt_valid": True, "spf_valid": True,
    "spf_restricts": True, "spf_senders_pass": True, "dmarc_valid": True,
    "dmarc_reports_authorised": True, "bimi_valid": True,
}  # fmt: skip
_OF_RECEIVERS = ("mta_sts_present", "tls_rpt_present")  # who takes no mail needs none


def usual_expectations(facts: DomainFacts, asked: Container[str]) -> Dict[str, Any]:
    """Return what is expected of what was asked for, as far as there was something to look at, or may have been."""
    expect: Dict[str, Any] = {}
    for name, kind in RULES.items():
        found = judges.records_in(getattr(facts, kind.stage))
        may_be = kind.stage in ("dane", "relays") and judges.hosts_are_open(facts)
        if kind.stage not in asked or not (found or may_be):
            continue
        if name == "spf_senders_pass" and not facts.spf.senders:
            continue
        if name in _OF_RECEIVERS and facts.mx is not None and facts.mx.null:
            continue
        if name in ALWAYS:
            expect[name] = ALWAYS[name]
        elif name in WHERE_PRESENT and any(record.state == PRESENT for record in found):
            expect[name] = WHERE_PRESENT[name]
    return expect
