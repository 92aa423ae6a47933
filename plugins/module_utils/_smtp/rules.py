# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What may be expected of a relay: the table RULES, its judges, and the forms of their values.
#
# Each rule is a row: the stage it looks at, how severe its breach is, the form of its value, the function that judges,
# the sentence, and what to change.

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .._errors import OptionError
from .._net.text import counted, holds_control
from .._net.tls.certificates import days_left
from .._net.tls.identity import names_match
from .._net.tls.model import OFFERED_VERSIONS, VERSIONS
from .._verdicts.rules import MET, UNKNOWN, RuleKind, flag, judged, number, pattern, unknown, words
from .capabilities import auth_mechanisms, max_message_size

if TYPE_CHECKING:
    from typing import Any, Dict, List, Mapping, Optional

    from .._net.tls.certificates import Certificate
    from .._verdicts.rules import Judged
    from .capabilities import Capabilities
    from .facts import Facts

_STAGES_WITH_CODES = ("greeting", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "message")
_EDWARDS_CURVES = ("ED25519", "ED448")  # keys on elliptic curves as well (RFC 8032)

# Why a rule could not be judged.
_NO_EHLO = "EHLO was not answered at this point"
_NO_CERTIFICATE = "no certificate was seen"
_IMPLICIT = "implicit TLS"  # nothing is said before it


# The judges


def _present(expected: List[str], capabilities: Optional[Capabilities]) -> Judged:
    if capabilities is None:
        return unknown(_NO_EHLO)
    return judged(all(_offers(capabilities, wanted) for wanted in expected), list(capabilities))


def _absent(expected: List[str], capabilities: Optional[Capabilities]) -> Judged:
    if capabilities is None:
        return unknown(_NO_EHLO)
    return judged(not any(_offers(capabilities, unwanted) for unwanted in expected), list(capabilities))


def _began_with_tls(facts: Facts) -> bool:
    return facts.tls is not None and facts.capabilities_before_tls is None


def _absent_before_tls(expected: List[str], facts: Facts, now: float) -> Judged:
    return judged(True, _IMPLICIT) if _began_with_tls(facts) else _absent(expected, facts.capabilities_before_tls)


def _offers(capabilities: Capabilities, wanted: str) -> bool:
    """`AUTH PLAIN`: the keyword, and all the parameters named with it."""
    keyword, *parameters = wanted.upper().split()
    return keyword in capabilities and set(parameters) <= {p.upper() for p in capabilities[keyword]}


def _auth_mechanisms(expected: List[str], facts: Facts, now: float) -> Judged:
    offered = auth_mechanisms(facts.capabilities)
    if offered is None:
        return unknown(_NO_EHLO)
    return judged({name.upper() for name in expected} <= set(offered), offered)


def _auth_absent_before_tls(expected: bool, facts: Facts, now: float) -> Judged:
    if _began_with_tls(facts):
        return judged(expected, _IMPLICIT)
    before = facts.capabilities_before_tls if facts.tls else facts.capabilities
    if before is None:
        return unknown(_NO_EHLO)
    return judged(("AUTH" not in before) is expected, auth_mechanisms(before) or [])


def _tls_version_min(expected: str, facts: Facts, now: float) -> Judged:
    version = facts.tls.version if facts.tls else None
    if version not in VERSIONS:
        wanted = OFFERED_VERSIONS[max(VERSIONS.index(expected) - 1, 0) :]
        if set(wanted) <= set(facts.refused_versions):
            return judged(False, version, "the relay refuses %s" % " and ".join(wanted))
        return unknown("there was no session inside TLS", version)
    return judged(VERSIONS.index(version) >= VERSIONS.index(expected), version)


def _leaf(facts: Facts) -> Optional[Certificate]:
    return facts.tls.chain[0] if facts.tls and facts.tls.chain else None


def _certificate_days_left(expected: float, facts: Facts, now: float) -> Judged:
    leaf = _leaf(facts)
    if leaf is None:
        return unknown(_NO_CERTIFICATE)
    days = days_left(leaf, now)
    return judged(days >= expected, days, counted(days, "day") if days >= 0 else "it has expired")


def _certificate_names(expected: List[str], facts: Facts, now: float) -> Judged:
    leaf = _leaf(facts)
    if leaf is None:
        return unknown(_NO_CERTIFICATE)
    return judged(all(names_match(leaf, name) for name in expected), list(leaf.subject_alt_names))


def _public_key_min_bits(expected: Mapping[str, int], facts: Facts, now: float) -> Judged:
    leaf = _leaf(facts)
    if leaf is None:
        return unknown(_NO_CERTIFICATE)
    key = leaf.public_key
    if key.bits is None:
        return unknown("how long a key of the kind %s is cannot be told" % key.algorithm)
    kind = key.algorithm.split("-")[0].upper()
    wanted = expected.get(kind, expected.get("EC") if kind in _EDWARDS_CURVES else None)
    observed = "%s %d" % (key.algorithm, key.bits)
    if wanted is None:
        return unknown("the key is of the kind %s, of which nothing is expected" % key.algorithm, observed)
    return judged(key.bits >= wanted, observed)


def _dane_valid(expected: bool, facts: Facts, now: float) -> Judged:
    """A sender that does DANE delivers to nobody who does not offer TLS (RFC 7672 2.2)."""
    if facts.tls is None:
        before = facts.capabilities_before_tls or facts.capabilities
        if before is None:
            return unknown(_NO_EHLO)
        return unknown(_NO_CERTIFICATE) if "STARTTLS" in before else judged(not expected, "no STARTTLS")
    verdict = facts.dane.verdict if facts.dane else None
    if verdict is None or verdict.outcome == UNKNOWN:
        return unknown(verdict.reason if verdict else _NO_CERTIFICATE)
    return judged((verdict.outcome == MET) is expected, verdict.reason or "a record matches")


def _greeting_matches(expected: str, facts: Facts, now: float) -> Judged:
    if facts.greeting is None:
        return unknown("no greeting was heard")
    return judged(bool(re.search(expected, facts.greeting.text)), facts.greeting.text)


def _min_message_size(expected: float, facts: Facts, now: float) -> Judged:
    size = max_message_size(facts.capabilities)
    if size is None:
        return unknown(_NO_EHLO if facts.capabilities is None else "the relay does not announce its limit (SIZE)")
    return judged(size == 0 or size >= expected, size, counted(size, "octet"))


def _max_seconds(expected: float, facts: Facts, now: float) -> Judged:
    total = facts.timings.get("total")
    if total is None:
        return unknown("the check did not begin")
    return judged(total <= expected, round(total, 3), "%.3g s" % total)


def _codes_at(stage: str, expected: List[int], facts: Facts, now: float) -> Judged:
    """Every recipient has to answer as expected."""
    observed = [to.code for to in facts.recipients] if stage == "rcpt" else [facts.codes.get(stage)]
    seen = [code for code in observed if code is not None]
    if not seen:
        return unknown("the session did not come so far")
    return judged(all(code in expected for code in seen), seen)


# The forms of values that only a relay's rules take


def _version(option: str, value: Any) -> str:
    if value not in VERSIONS:
        raise OptionError(option, "must be one of %s." % ", ".join(VERSIONS))
    return str(value)


def _versions(option: str, value: Any) -> List[str]:
    versions = words(option, value)
    if not set(versions) <= set(OFFERED_VERSIONS):
        raise OptionError(option, "must be a list of %s." % ", ".join(OFFERED_VERSIONS))
    return versions


def _address(option: str, value: Any) -> str:
    if not isinstance(value, str) or not value or holds_control(value) or re.search("[ <>]", value):
        raise OptionError(option, "is no address.")
    return value


def _relaying(option: str, value: Any) -> Dict[str, str]:
    names = ("recipient", "control_recipient", "sender")
    if not isinstance(value, dict) or not all(value.get(name) for name in names[:2]):
        text = "needs recipient (of a domain the relay must not serve) and control_recipient (one that it accepts)."
        raise OptionError(option, text)
    for name, address in value.items():
        if name not in names:
            raise OptionError("%s.%s" % (option, name), "is not known. Known: %s." % ", ".join(names))
        _address("%s.%s" % (option, name), address)
    return dict(value)


def _bits(option: str, value: Any) -> Dict[str, int]:
    given = {"RSA": value} if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(given, dict) or not all(isinstance(b, int) and not isinstance(b, bool) for b in given.values()):
        raise OptionError(option, "must be a number of bits (for RSA), or a mapping such as {RSA: 2048, EC: 256}.")
    return {str(name).upper(): bits for name, bits in given.items()}


def _codes(option: str, value: Any) -> Dict[str, List[int]]:
    if not isinstance(value, dict):
        raise OptionError(option, "must map stages to reply codes, such as {rcpt: [550, 554]}.")
    codes: Dict[str, List[int]] = {}
    for stage, wanted in value.items():
        if stage not in _STAGES_WITH_CODES:
            raise OptionError("%s.%s" % (option, stage), "is no stage. Known: %s." % ", ".join(_STAGES_WITH_CODES))
        listed = list(wanted) if isinstance(wanted, (list, tuple)) else [wanted]
        try:
            codes[stage] = [int(code) for code in listed]
        except (TypeError, ValueError, OverflowError):
            codes[stage] = []
        if not codes[stage] or not all(200 <= code < 600 for code in codes[stage]):
            raise OptionError("%s.%s" % (option, stage), "must be one reply code or a list of them, 200 to 599.")
    return codes


_EXIM_OFFERS = "the option of its name, such as dsn_advertise_hosts or pipelining_advertise_hosts"

RULES: Dict[str, RuleKind] = {
    "capabilities": RuleKind(
        "ehlo", "medium", words, lambda e, f, n: _present(e, f.capabilities),
        "the relay offers %s", "Postfix: take it out of smtpd_discard_ehlo_keywords. Exim: " + _EXIM_OFFERS + "."),
    "capabilities_absent": RuleKind(
        "ehlo", "medium", words, lambda e, f, n: _absent(e, f.capabilities),
        "the relay does not offer %s",
        "Postfix: name it in smtpd_discard_ehlo_keywords. Exim: empty " + _EXIM_OFFERS + "."),
    "capabilities_before_tls": RuleKind(
        "ehlo", "medium", words, lambda e, f, n: _present(e, f.capabilities_before_tls),
        "before TLS the relay offers %s",
        "Postfix: smtpd_tls_security_level=may for STARTTLS; take others out of smtpd_discard_ehlo_keywords. Exim: "
        "tls_advertise_hosts=* for STARTTLS; for others " + _EXIM_OFFERS + "."),
    "capabilities_before_tls_absent": RuleKind(
        "ehlo", "medium", words, _absent_before_tls,
        "before TLS the relay does not offer %s",
        "Postfix: smtpd_tls_auth_only=yes for AUTH; name others in smtpd_discard_ehlo_keywords. Exim: a condition on "
        "$tls_in_cipher in " + _EXIM_OFFERS + "."),
    "auth_mechanisms": RuleKind(
        "ehlo", "medium", words, _auth_mechanisms, "the relay offers the mechanisms %s",
        "Postfix: smtpd_sasl_tls_security_options and the SASL server's own list (Dovecot: auth_mechanisms). Exim: an "
        "authenticator for each."),
    "auth_absent_before_tls": RuleKind(
        "ehlo", "high", flag, _auth_absent_before_tls, "AUTH is not offered before TLS",
        "Postfix: smtpd_tls_auth_only=yes. Exim: auth_advertise_hosts with a condition on $tls_in_cipher."),
    "tls_version_min": RuleKind(
        "tls", "high", _version, _tls_version_min, "the session uses %s or newer",
        "Postfix: smtpd_tls_mandatory_protocols and smtpd_tls_protocols. Exim: openssl_options, or with GnuTLS "
        "tls_require_ciphers."),
    "certificate_days_left": RuleKind(
        "tls", "high", number, _certificate_days_left, "the certificate is valid for %s more days",
        "Renew the certificate and reload the relay (Postfix: smtpd_tls_chain_files. Exim: tls_certificate)."),
    "certificate_names": RuleKind(
        "tls", "high", words, _certificate_names, "the certificate is valid for %s",
        "Issue a certificate whose subjectAltName holds these names (Postfix: smtpd_tls_chain_files. Exim: "
        "tls_certificate)."),
    "public_key_min_bits": RuleKind(
        "tls", "high", _bits, _public_key_min_bits, "the certificate's key is long enough (%s)",
        "Issue a certificate with a longer key (Postfix: smtpd_tls_chain_files. Exim: tls_certificate and "
        "tls_privatekey)."),
    "dane_valid": RuleKind(
        "tls", "high", flag, _dane_valid, "the certificate is one that the TLSA records name (DANE)",
        "Publish a TLSA record 3 1 1 of the key that is served (tls.certificate.public_key_sha256), that of a new key "
        "before it is served, and for as long as the old record's TTL; or serve the certificate whose key the records "
        "name (Postfix: smtpd_tls_chain_files. Exim: tls_certificate)."),
    "greeting_matches": RuleKind(
        "greeting", "low", pattern, _greeting_matches, "the greeting matches '%s'",
        "Postfix: smtpd_banner. Exim: smtp_banner."),
    "min_message_size": RuleKind(
        "ehlo", "medium", number, _min_message_size, "the relay takes messages of %s octets",
        "Postfix: message_size_limit. Exim: message_size_limit."),
    "max_seconds": RuleKind(
        "quit", "low", number, _max_seconds, "the check takes at most %s seconds",
        "Look at timings for the stage that is slow. A slow greeting often waits for look-ups (Postfix: "
        "smtpd_peername_lookup. Exim: host_lookup, rfc1413_hosts)."),
    "tls_versions_refused": RuleKind(
        "tls", "high", _versions, None, "the relay refuses %s",
        "Postfix: smtpd_tls_mandatory_protocols and smtpd_tls_protocols (>=TLSv1.2). Exim: openssl_options = +no_tlsv1 "
        "+no_tlsv1_1, or with GnuTLS tls_require_ciphers = NORMAL:-VERS-TLS1.0:-VERS-TLS1.1."),
    "tls_required": RuleKind(
        "mail", "high", flag, None, "MAIL is refused before STARTTLS",
        "Postfix: smtpd_tls_security_level=encrypt. Exim: an acl_smtp_mail that denies where $tls_in_cipher is empty."),
    "auth_refused_in_clear": RuleKind(
        "auth", "high", flag, None, "AUTH is refused before STARTTLS",
        "Postfix: smtpd_tls_auth_only=yes. Exim: auth_advertise_hosts with a condition on $tls_in_cipher. Dovecot: "
        "disable_plaintext_auth=yes (2.4: auth_allow_cleartext=no)."),
    "auth_required": RuleKind(
        "mail", "high", _address, None, "mail for %s is refused without a sign-in",
        "Postfix: smtpd_relay_restrictions=permit_sasl_authenticated, reject. Exim: an acl_smtp_rcpt that accepts only "
        "authenticated = *."),
    "relaying_refused": RuleKind(
        "rcpt", "high", _relaying, None, "the relay refuses mail from strangers to strangers",
        "Postfix: smtpd_relay_restrictions=permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination. "
        "Exim: an acl_smtp_rcpt that ends in deny. From within its own networks (mynetworks, relay_from_hosts) a relay "
        "is right to carry mail for all: check it from a host outside of them."),
    "codes": RuleKind(
        "quit", "high", _codes, _codes_at, "the reply code is one of %s",
        "See codes and transcript for what the relay answered.", by_stage=True),
}  # fmt: skip
