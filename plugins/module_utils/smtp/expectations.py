# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the collection. What was learned, held against what was expected.
#
# Each rule is a row of RULES: the stage it looks at, how severe its breach is, what to change, and a function
# that judges. A judge gets what was expected and the facts, and returns the outcome and what was observed; where
# the facts do not say, the outcome is `unknown`, never `unmet`.

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple

from . import model
from .capabilities import auth_mechanisms, max_message_size
from .certificates import names_match

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Tuple

    from .capabilities import Capabilities
    from .certificates import Certificate

    Judged = Tuple[str, Any]  # the outcome, and what was observed
    Judge = Callable[[Any, model.Facts, float], Judged]

MET, UNMET, UNKNOWN = "met", "unmet", "unknown"
_STAGE_NAMES = ("greeting", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "message")
_VERSIONS = ("SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
_TRIED = _VERSIONS[1:]  # no OpenSSL at hand speaks SSLv3 any more


class RuleKind(NamedTuple):
    stage: str
    severity: str  # high, medium, low
    form: str  # what `expect` takes: a key of _FORMS
    judge: Optional[Judge]  # None for the rules that probes.py looks into
    text: str  # what is expected, as a sentence; %s is the expected value
    remedy: str


def parse_expect(given: Mapping[str, Any]) -> Dict[str, Any]:
    """Return `given` in its normal form. Raises OptionError: unknown rules, values of a wrong form."""
    expect = {}
    for name, value in given.items():
        if name not in RULES:
            import difflib

            near = difflib.get_close_matches(str(name), list(RULES), 1)
            hint = "Did you mean %s?" % near[0] if near else "Known: %s." % ", ".join(RULES)
            raise model.OptionError("expect.%s" % name, "there is no such rule. %s" % hint)
        if value is not None:
            expect[name] = _FORMS[RULES[name].form]("expect.%s" % name, value)
    return expect


def evaluate(
    expect: Mapping[str, Any], facts: model.Facts, looked: Mapping[str, Judged], now: float
) -> Tuple[model.Rule, ...]:
    """Return every rule that applies, judged. `looked`: what the probes found; `now` is the time of day."""
    rules: List[model.Rule] = []
    for name, expected in expect.items():
        kind = RULES[name]
        if kind.form == "codes":
            rules.extend(_judge_codes(expected, facts))
        else:
            outcome, observed = kind.judge(expected, facts, now) if kind.judge else looked.get(name, (UNKNOWN, None))
            rules.append(_rule(name, kind, outcome, expected, observed))
    return tuple(rules)


def _rule(
    rule_id: str, kind: RuleKind, outcome: str, expected: Any, observed: Any, stage: Optional[str] = None
) -> model.Rule:
    text, remedy = kind.text % _shown(expected) if "%s" in kind.text else kind.text, kind.remedy
    if expected is False:  # the contrary is wanted
        text, remedy = "it is not so that " + text, "Undo this: " + remedy
    if outcome == UNMET:
        text += "; observed: %s" % _shown(observed)
    elif outcome == UNKNOWN:
        text += "; this could not be judged"
    return model.Rule(rule_id, outcome, kind.severity, expected, observed, text, remedy, stage or kind.stage)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        value = ["%s %s" % pair for pair in value.items()]
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


# Reply codes: one rule a stage. Every recipient has to answer as expected.


def _judge_codes(expected: Mapping[str, List[int]], facts: model.Facts) -> Iterable[model.Rule]:
    for stage, codes in expected.items():
        seen = (
            [to.code for to in facts.recipients]
            if stage == "rcpt"
            else [facts.codes[stage]]
            if stage in facts.codes
            else []
        )
        met = bool(seen) and all(code in codes for code in seen)
        yield _rule(
            "codes." + stage, RULES["codes"], MET if met else UNMET if seen else UNKNOWN, codes, seen or None, stage
        )


# The judges


def _present(expected: List[str], capabilities: Optional[Capabilities]) -> Judged:
    if capabilities is None:
        return UNKNOWN, None
    return MET if all(_offers(capabilities, wanted) for wanted in expected) else UNMET, list(capabilities)


def _absent(expected: List[str], capabilities: Optional[Capabilities]) -> Judged:
    if capabilities is None:
        return UNKNOWN, None
    return UNMET if any(_offers(capabilities, unwanted) for unwanted in expected) else MET, list(capabilities)


def _offers(capabilities: Capabilities, wanted: str) -> bool:
    """`AUTH PLAIN`: the keyword, and all the parameters named with it."""
    keyword, *parameters = wanted.upper().split()
    return keyword in capabilities and set(parameters) <= {p.upper() for p in capabilities[keyword]}


def _auth_mechanisms(expected: List[str], facts: model.Facts, now: float) -> Judged:
    offered = auth_mechanisms(facts.capabilities)
    if offered is None:
        return UNKNOWN, None
    return MET if {name.upper() for name in expected} <= set(offered) else UNMET, offered


def _auth_absent_before_tls(expected: bool, facts: model.Facts, now: float) -> Judged:
    before = facts.capabilities_before_tls if facts.tls else facts.capabilities
    if before is None:
        return UNKNOWN, None
    offered = auth_mechanisms(before) or []
    return MET if ("AUTH" not in before) is expected else UNMET, offered


def _tls_version_min(expected: str, facts: model.Facts, now: float) -> Judged:
    version = facts.tls.version if facts.tls else None
    if version not in _VERSIONS:
        return UNKNOWN, version
    return MET if _VERSIONS.index(version) >= _VERSIONS.index(expected) else UNMET, version


def _leaf(facts: model.Facts) -> Optional[Certificate]:
    return facts.tls.chain[0] if facts.tls and facts.tls.chain else None


def _certificate_days_left(expected: float, facts: model.Facts, now: float) -> Judged:
    leaf = _leaf(facts)
    if leaf is None:
        return UNKNOWN, None
    days = int((leaf.not_after_timestamp - now) // 86400)
    return MET if days >= expected else UNMET, days


def _certificate_names(expected: List[str], facts: model.Facts, now: float) -> Judged:
    leaf = _leaf(facts)
    if leaf is None:
        return UNKNOWN, None
    return MET if all(names_match(leaf, name) for name in expected) else UNMET, list(leaf.subject_alt_names)


def _public_key_min_bits(expected: Mapping[str, int], facts: model.Facts, now: float) -> Judged:
    leaf = _leaf(facts)
    if leaf is None or leaf.public_key.bits is None:
        return UNKNOWN, None
    wanted = expected.get(leaf.public_key.algorithm.split("-")[0].upper())
    observed = "%s %d" % (leaf.public_key.algorithm, leaf.public_key.bits)
    if wanted is None:
        return UNKNOWN, observed
    return MET if leaf.public_key.bits >= wanted else UNMET, observed


def _greeting_matches(expected: str, facts: model.Facts, now: float) -> Judged:
    if facts.greeting is None:
        return UNKNOWN, None
    return MET if re.search(expected, facts.greeting.text) else UNMET, facts.greeting.text


def _min_message_size(expected: float, facts: model.Facts, now: float) -> Judged:
    size = max_message_size(facts.capabilities)
    if size is None:
        return UNKNOWN, None
    return MET if size == 0 or size >= expected else UNMET, size


def _max_seconds(expected: float, facts: model.Facts, now: float) -> Judged:
    total = facts.timings.get("total")
    if total is None:
        return UNKNOWN, None
    return MET if total <= expected else UNMET, round(total, 3)


# What `expect` may hold for a rule, by the rule's form.


def _words(option: str, value: Any) -> List[str]:
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, (list, tuple)) or not words or not all(isinstance(w, str) and w.strip() for w in words):
        raise model.OptionError(option, "must be a list of words.")
    return list(words)


def _flag(option: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise model.OptionError(option, "must be true or false.")
    return value


def _version(option: str, value: Any) -> str:
    if value not in _VERSIONS:
        raise model.OptionError(option, "must be one of %s." % ", ".join(_VERSIONS))
    return str(value)


def _versions(option: str, value: Any) -> List[str]:
    words = _words(option, value)
    if not set(words) <= set(_TRIED):
        raise model.OptionError(option, "must be a list of %s." % ", ".join(_TRIED))
    return words


def _address(option: str, value: Any) -> str:
    if not isinstance(value, str) or not value or re.search("[\x00-\x20\x7f-\x9f<>\ud800-\udfff]", value):
        raise model.OptionError(option, "is no address.")
    return value


def _relaying(option: str, value: Any) -> Dict[str, str]:
    names = ("recipient", "control_recipient", "sender")
    if not isinstance(value, dict) or not all(value.get(name) for name in names[:2]):
        text = "needs recipient (of a domain the relay must not serve) and control_recipient (one that it accepts)."
        raise model.OptionError(option, text)
    for name, address in value.items():
        if name not in names:
            raise model.OptionError("%s.%s" % (option, name), "is not known. Known: %s." % ", ".join(names))
        _address("%s.%s" % (option, name), address)
    return dict(value)


def _number(option: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
        raise model.OptionError(option, "must be a number, not negative.")
    return value


def _bits(option: str, value: Any) -> Dict[str, int]:
    given = {"RSA": value} if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(given, dict) or not all(isinstance(b, int) and not isinstance(b, bool) for b in given.values()):
        raise model.OptionError(
            option, "must be a number of bits (for RSA), or a mapping such as {RSA: 2048, EC: 256}."
        )
    return {str(name).upper(): bits for name, bits in given.items()}


def _pattern(option: str, value: Any) -> str:
    try:
        re.compile(value)
    except (re.error, TypeError, OverflowError, RecursionError) as error:
        raise model.OptionError(option, "is no regular expression: %s." % error) from None
    return str(value)


def _codes(option: str, value: Any) -> Dict[str, List[int]]:
    if not isinstance(value, dict):
        raise model.OptionError(option, "must map stages to reply codes, such as {rcpt: [550, 554]}.")
    codes: Dict[str, List[int]] = {}
    for stage, wanted in value.items():
        if stage not in _STAGE_NAMES:
            raise model.OptionError("%s.%s" % (option, stage), "is no stage. Known: %s." % ", ".join(_STAGE_NAMES))
        listed = list(wanted) if isinstance(wanted, (list, tuple)) else [wanted]
        try:
            codes[stage] = [int(code) for code in listed]
        except (TypeError, ValueError, OverflowError):
            codes[stage] = []
        if not codes[stage] or not all(200 <= code < 600 for code in codes[stage]):
            raise model.OptionError("%s.%s" % (option, stage), "must be one reply code or a list of them, 200 to 599.")
    return codes


_FORMS: Dict[str, Callable[[str, Any], Any]] = {
    "words": _words,
    "flag": _flag,
    "version": _version,
    "versions": _versions,
    "address": _address,
    "relaying": _relaying,
    "number": _number,
    "bits": _bits,
    "pattern": _pattern,
    "codes": _codes,
}

_EXIM_OFFERS = "the option of its name, such as dsn_advertise_hosts or pipelining_advertise_hosts"

RULES: Dict[str, RuleKind] = {
    "capabilities": RuleKind(
        "ehlo", "medium", "words", lambda e, f, n: _present(e, f.capabilities),
        "the relay offers %s", "Postfix: take it out of smtpd_discard_ehlo_keywords. Exim: " + _EXIM_OFFERS + "."),
    "capabilities_absent": RuleKind(
        "ehlo", "medium", "words", lambda e, f, n: _absent(e, f.capabilities),
        "the relay does not offer %s",
        "Postfix: name it in smtpd_discard_ehlo_keywords. Exim: empty " + _EXIM_OFFERS + "."),
    "capabilities_before_tls": RuleKind(
        "ehlo", "medium", "words", lambda e, f, n: _present(e, f.capabilities_before_tls),
        "before TLS the relay offers %s",
        "Postfix: smtpd_tls_security_level=may for STARTTLS; take others out of smtpd_discard_ehlo_keywords. Exim: "
        "tls_advertise_hosts=* for STARTTLS; for others " + _EXIM_OFFERS + "."),
    "capabilities_before_tls_absent": RuleKind(
        "ehlo", "medium", "words", lambda e, f, n: _absent(e, f.capabilities_before_tls),
        "before TLS the relay does not offer %s",
        "Postfix: smtpd_tls_auth_only=yes for AUTH; name others in smtpd_discard_ehlo_keywords. Exim: a condition on "
        "$tls_in_cipher in " + _EXIM_OFFERS + "."),
    "auth_mechanisms": RuleKind(
        "ehlo", "medium", "words", _auth_mechanisms, "the relay offers the mechanisms %s",
        "Postfix: smtpd_sasl_tls_security_options and the SASL server's own list (Dovecot: auth_mechanisms). Exim: an "
        "authenticator for each."),
    "auth_absent_before_tls": RuleKind(
        "ehlo", "high", "flag", _auth_absent_before_tls, "AUTH is not offered before TLS",
        "Postfix: smtpd_tls_auth_only=yes. Exim: auth_advertise_hosts with a condition on $tls_in_cipher."),
    "tls_version_min": RuleKind(
        "tls", "high", "version", _tls_version_min, "the session uses %s or newer",
        "Postfix: smtpd_tls_mandatory_protocols and smtpd_tls_protocols. Exim: openssl_options, or with GnuTLS "
        "tls_require_ciphers."),
    "certificate_days_left": RuleKind(
        "tls", "high", "number", _certificate_days_left, "the certificate is valid for %s more days",
        "Renew the certificate and reload the relay (Postfix: smtpd_tls_chain_files. Exim: tls_certificate)."),
    "certificate_names": RuleKind(
        "tls", "high", "words", _certificate_names, "the certificate is valid for %s",
        "Issue a certificate whose subjectAltName holds these names (Postfix: smtpd_tls_chain_files. Exim: "
        "tls_certificate)."),
    "public_key_min_bits": RuleKind(
        "tls", "high", "bits", _public_key_min_bits, "the certificate's key is long enough (%s)",
        "Issue a certificate with a longer key (Postfix: smtpd_tls_chain_files. Exim: tls_certificate and "
        "tls_privatekey)."),
    "greeting_matches": RuleKind(
        "greeting", "low", "pattern", _greeting_matches, "the greeting matches '%s'",
        "Postfix: smtpd_banner. Exim: smtp_banner."),
    "min_message_size": RuleKind(
        "ehlo", "medium", "number", _min_message_size, "the relay takes messages of %s octets",
        "Postfix: message_size_limit. Exim: message_size_limit."),
    "max_seconds": RuleKind(
        "quit", "low", "number", _max_seconds, "the check takes at most %s seconds",
        "Look at timings for the stage that is slow. A slow greeting often waits for look-ups (Postfix: "
        "smtpd_peername_lookup. Exim: host_lookup, rfc1413_hosts)."),
    "tls_versions_refused": RuleKind(
        "tls", "high", "versions", None, "the relay refuses %s",
        "Postfix: smtpd_tls_mandatory_protocols and smtpd_tls_protocols (>=TLSv1.2). Exim: openssl_options = +no_tlsv1 "
        "+no_tlsv1_1, or with GnuTLS tls_require_ciphers = NORMAL:-VERS-TLS1.0:-VERS-TLS1.1."),
    "tls_required": RuleKind(
        "mail", "high", "flag", None, "MAIL is refused before STARTTLS",
        "Postfix: smtpd_tls_security_level=encrypt. Exim: an acl_smtp_mail that denies where $tls_in_cipher is empty."),
    "auth_refused_in_clear": RuleKind(
        "auth", "high", "flag", None, "AUTH is refused before STARTTLS",
        "Postfix: smtpd_tls_auth_only=yes. Exim: auth_advertise_hosts with a condition on $tls_in_cipher. Dovecot: "
        "disable_plaintext_auth=yes (2.4: auth_allow_cleartext=no)."),
    "auth_required": RuleKind(
        "mail", "high", "address", None, "mail for %s is refused without a sign-in",
        "Postfix: smtpd_relay_restrictions=permit_sasl_authenticated, reject. Exim: an acl_smtp_rcpt that accepts only "
        "authenticated = *."),
    "relaying_refused": RuleKind(
        "rcpt", "high", "relaying", None, "the relay refuses mail from strangers to strangers",
        "Postfix: smtpd_relay_restrictions=permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination. "
        "Exim: an acl_smtp_rcpt that ends in deny."),
    "codes": RuleKind(
        "quit", "high", "codes", None, "the reply code is one of %s",
        "See codes and transcript for what the relay answered."),
}  # fmt: skip
