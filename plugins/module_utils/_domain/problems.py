# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What can be wrong with what a domain publishes: a closed list, each with its sentence.
#
# A fact that is present carries its problems by these names, with the words at hand filled in. A problem of kind
# `error` makes the fact invalid, as its standard has it; a `warning` does not.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Dict, Iterable


class Kind(NamedTuple):
    """A row of the table."""

    level: str  # error, warning
    text: str  # a sentence; %s is what the evaluator fills in
    source: str  # the standard and its section


class Problem(NamedTuple):
    """One of them, found."""

    id: str
    level: str
    text: str
    source: str


def problem(name: str, about: str = "") -> Problem:
    """Return what was found, in words."""
    level, text, source = PROBLEMS[name]
    return Problem(name, level, text % about if "%s" in text else text, source)


def is_valid(problems: Iterable[Problem]) -> bool:
    """Return whether none of them is an error."""
    return all(found.level != "error" for found in problems)


PROBLEMS: Dict[str, Kind] = {
    # SPF. %s names the domain, and the term where there is one.
    "spf_several_records": Kind(
        "error",
        "%s SPF records: receivers then evaluate none of them. Join them into one.",
        "RFC 7208 4.5",
    ),
    "spf_syntax": Kind("error", "The SPF record cannot be evaluated: %s", "RFC 7208 4.6"),
    "spf_lookups": Kind(
        "error",
        "Evaluating the SPF record takes %s are allowed: receivers give up (permerror) for every sender that no"
        " earlier term matches.",
        "RFC 7208 4.6.4",
    ),
    "spf_void_lookups": Kind(
        "error",
        "%s are allowed: receivers give up (permerror). Take out the terms whose names do not exist.",
        "RFC 7208 4.6.4",
    ),
    "spf_mail_servers": Kind(
        "error", "An mx mechanism leads to too many mail servers: %s are allowed.", "RFC 7208 4.6.4"
    ),
    "spf_include_without_record": Kind(
        "error", "A term leads to a name without an SPF record, which is a permanent error: %s", "RFC 7208 5.2, 6.1"
    ),
    "spf_loop": Kind("error", "A term leads back to the record that it comes from: %s", "RFC 7208 4.6.4"),
    "spf_not_determined": Kind("warning", "What a term leads to could not be looked up: %s", "RFC 7208 2.6.6"),
    "spf_not_followed": Kind("warning", "What a term leads to was not looked at: %s", "RFC 7208 7"),
    "spf_pass_all": Kind(
        "warning",
        "SPF passes for strangers: at least half of all addresses may send, by %s",
        "RFC 7208 2.6.3",
    ),
    "spf_neutral_all": Kind(
        "warning", "The record of %s ends in ?all: nothing is said of hosts that it does not name.", "RFC 7208 8.2"
    ),
    "spf_no_all": Kind(
        "warning",
        "The record of %s ends in neither all nor redirect=: nothing is said of hosts that it does not name.",
        "RFC 7208 4.7",
    ),
    "spf_behind_all": Kind("warning", "What stands behind all is never looked at: %s", "RFC 7208 5.1"),
    "spf_redirect_ignored": Kind(
        "warning", "The record of %s has redirect=, which is ignored where there is all.", "RFC 7208 6.1"
    ),
    "spf_looks_like_mechanism": Kind(
        "warning", "A mechanism has a colon; with an equals sign it is a modifier nobody knows: %s", "RFC 7208 6"
    ),
    "spf_ptr": Kind("warning", "ptr is slow, unreliable, and should not be published: %s", "RFC 7208 5.5"),
    "spf_long": Kind(
        "warning", "An SPF record is longer than 450 octets, and may not fit into an answer by UDP: %s", "RFC 7208 3.4"
    ),
    "spf_version": Kind(
        "warning", "A TXT record looks like SPF and is none, since it does not begin with 'v=spf1 ': %s", "RFC 7208 4.5"
    ),
    # Records that are lists of tags
    "version_garbled": Kind(
        "warning",
        "%s looks as if it were meant to be the record, but does not begin as one: it does not count",
        "RFC 9989 4.7, RFC 8460 3, RFC 6376 3.6.1",
    ),
    "txt_of_another_kind": Kind(
        "warning",
        "%s is not a record of this kind and does not count; a wildcard (*) may answer for every name there",
        "RFC 4592 2.2",
    ),
    "tag_malformed": Kind("warning", "%s is no tag=value and does not count", "RFC 6376 3.2"),
    "field_malformed": Kind(
        "error",
        "%s is not name=value as it has to be written, and no blanks in it: senders take the whole record for none",
        "RFC 8461 3.1, RFC 8460 3",
    ),
    "tag_twice": Kind("error", "The tag %s comes more than once: the whole list is invalid", "RFC 6376 3.2"),
    "report_uri_malformed": Kind(
        "error", "%s is no address that reports can go to; one is written mailto:reports@example.com", "RFC 3986 3"
    ),
    "report_uri_unsupported": Kind("warning", "Receivers need not send reports to %s", "RFC 9989 4.7, RFC 8460 3"),
    "report_size_limit": Kind("warning", "The limit of size in %s is no longer looked at", "RFC 9989 C.4"),
    # DMARC
    "dmarc_several": Kind(
        "error", "%s has several DMARC records: receivers discard them all. Leave one", "RFC 9989 4.10"
    ),
    "dmarc_several_discarded": Kind(
        "warning", "%s has several DMARC records, which receivers discard: a parent's applies", "RFC 9989 4.10"
    ),
    "dmarc_not_asked_above": Kind(
        "warning", "No zone file holds %s: a record there may apply, but was not asked for", "RFC 9989 4.10"
    ),
    "dmarc_policy_missing": Kind(
        "warning", "The record has no p tag: that is p=none, and asks for nothing", "RFC 9989 4.7"
    ),
    "dmarc_policy_unknown": Kind(
        "error", "%s is no policy (none, quarantine, reject): the record asks for nothing", "RFC 9989 4.10.1"
    ),
    "dmarc_value_unknown": Kind("warning", "%s is no value of this tag: its default holds", "RFC 9989 4.7"),
    "dmarc_tag_unknown": Kind("warning", "Receivers ignore %s, which DMARC does not know", "RFC 9989 4.7"),
    "dmarc_tag_removed": Kind("warning", "DMARC no longer has %s; only older receivers look at it", "RFC 9989 C.4"),
    "dmarc_testing": Kind("warning", "t=y: receivers apply %s, one step less than the policy says", "RFC 9989 4.7"),
    "dmarc_subdomains_weaker": Kind(
        "warning", "Domains below are less protected (%s) than this one: forgers take those", "RFC 9989 4.7"
    ),
    "dmarc_no_reports": Kind(
        "warning", "The policy is none, and no reports are asked for (rua): the record has no effect", "RFC 9989 5.1"
    ),
    "dmarc_destinations_many": Kind(
        "warning", "Reports go to more hosts than are looked at here; left out: %s", "RFC 9990 4"
    ),
    "dmarc_reports_unauthorised": Kind(
        "warning",
        "Reports are dropped in silence: the other domain has not agreed to receive them."
        " It has to publish a TXT record v=DMARC1; at %s",
        "RFC 9990 4",
    ),
    "dmarc_reports_elsewhere": Kind(
        "warning",
        "Reports are sent nowhere: the consent names an address at another host, %s",
        "RFC 9990 4",
    ),
    "dmarc_reports_undeliverable": Kind(
        "warning", "Reports cannot be delivered: %s takes no mail (no MX, no address, or a null MX)", "RFC 5321 5.1"
    ),
    # DKIM keys
    "dkim_several": Kind(
        "error", "%s has several TXT records: which of them counts is left to chance. Leave one", "RFC 6376 3.6.2.2"
    ),
    "dkim_no_key": Kind("error", "%s is no DKIM key; a wildcard (*) may answer for every name there", "RFC 6376 3.6.1"),
    "dkim_key_missing": Kind("error", "The record has no p tag, so there is no key in it", "RFC 6376 3.6.1"),
    "dkim_version": Kind(
        "error", "A version is v=DKIM1 and comes first: verifiers discard a record with %s", "RFC 6376 3.6.1"
    ),
    "dkim_syntax": Kind(
        "error", "%s is no tag=value: verifiers take the whole record for no key", "RFC 6376 3.2, 6.1.2"
    ),
    "dkim_key_type_unknown": Kind("error", "%s is no type of key (rsa, ed25519)", "RFC 6376 3.6.1, RFC 8463 4"),
    "dkim_revoked": Kind("error", "The key is revoked (p is empty): signatures with it fail", "RFC 6376 3.6.1"),
    "dkim_base64": Kind("error", "The key is not base64: %s", "RFC 6376 3.6.1, RFC 4648 4"),
    "dkim_cut": Kind(
        "error",
        "The key is cut off, and incomplete: %s. A longer text is published as several strings of at most 255 each",
        "RFC 6376 3.6.2.2",
    ),
    "dkim_key_unreadable": Kind("error", "The key is no RSA public key: %s", "RFC 6376 3.6.1"),
    "dkim_ed25519_length": Kind(
        "error", "An Ed25519 key is 32 octets and nothing around them; here are %s", "RFC 8463 4.2"
    ),
    "dkim_too_weak": Kind("error", "%s bits are too weak: verifiers do not accept less than 1024", "RFC 8301 3.2"),
    "dkim_weak": Kind("warning", "%s bits are weak: a new key should have 2048", "RFC 8301 3.2"),
    "dkim_long": Kind("warning", "%s bits are more than verifiers need to support (4096)", "RFC 8301 3.2"),
    "dkim_hash_algorithms": Kind(
        "error", "The key is for %s only, and no signature that counts uses that: SHA-256 is missing", "RFC 8301 3.1"
    ),
    "dkim_services": Kind("error", "The key is for %s only, and not for mail", "RFC 6376 3.6.1"),
    "dkim_testing": Kind("warning", "t=y: verifiers treat mail as if it were not signed", "RFC 6376 3.6.1"),
    "dkim_granularity": Kind(
        "warning", "DKIM no longer has the tag g; older verifiers may refuse the key for it", "RFC 6376 C.1"
    ),
    # MX
    "mx_null_beside_others": Kind(
        "error",
        "A null MX stands beside other MX records, and has to stand alone: some senders refuse mail to the domain."
        " Remove it, or the others",
        "RFC 7505 3",
    ),
    "mx_null_preference": Kind("warning", "A null MX has the preference 0, and here %s", "RFC 7505 3"),
    "mx_implicit": Kind(
        "warning", "There is no MX record: senders deliver to the address of the domain itself", "RFC 5321 5.1"
    ),
    "mx_twice": Kind("warning", "%s is named more than once: the best preference counts", "RFC 5321 5.1"),
    "mx_many": Kind("warning", "There are more MX hosts than are looked at here; left out: %s", "RFC 5321 5.1"),
    "mx_addresses_many": Kind(
        "warning", "%s addresses, more than are looked at here: the first ones are", "RFC 5321 5.1"
    ),
    "mx_no_address": Kind(
        "error", "No MX host has an address: mail for the domain cannot be delivered", "RFC 5321 5.1"
    ),
    "mx_alias": Kind(
        "error", "An MX names a host, not an alias: name %s, to which it leads, instead", "RFC 2181 10.3, RFC 5321 5.1"
    ),
    "mx_address_literal": Kind(
        "error", "An MX names a host, not an address: senders look for a host named %s", "RFC 1035 3.3.9, RFC 5321 5.1"
    ),
    "mx_host_missing": Kind("error", "%s does not exist", "RFC 5321 5.1"),
    "mx_host_without_address": Kind("error", "%s has neither an A nor an AAAA record", "RFC 5321 5.1"),
    "mx_family_unanswered": Kind(
        "warning", "%s: senders that ask for both families wait, or try again later", "RFC 4074 4"
    ),
    "mx_this_host": Kind("error", "%s is the sender's own host wherever it is looked up", "RFC 6890 2.2"),
    "mx_private": Kind(
        "warning", "%s has only addresses of private networks: senders on the Internet do not get there", "RFC 6890 2.2"
    ),
    # TLS-RPT
    "tls_rpt_several": Kind("error", "%s has several TLS-RPT records: senders look at none. Leave one", "RFC 8460 3"),
    "tls_rpt_no_address": Kind("error", "The record names no address (rua) that reports can go to", "RFC 8460 3"),
    # Reverse names
    "reverse_not_confirmed": Kind(
        "error",
        "The name does not lead back to the address: %s. Receivers that want it to refuse mail",
        "RFC 8601 2.7.3",
    ),
    "reverse_many": Kind("warning", "The address has more names than are looked at here; left out: %s", "RFC 8601 3"),
    # CAA
    "caa_nobody": Kind("warning", "No authority may issue a certificate (%s)", "RFC 8659 4.2"),
    "caa_critical": Kind(
        "error", "%s is critical, and no authority knows it: none may issue a certificate", "RFC 8659 4.1"
    ),
    # BIMI
    "bimi_several": Kind("error", "%s has several BIMI records: receivers look at none. Leave one", "BIMI draft 7.2"),
    "bimi_location": Kind("error", "%s is no address of a logo, which is fetched by https", "BIMI draft 4.2"),
    "bimi_not_enforced": Kind(
        "warning",
        "No logo is shown: DMARC must ask for quarantine or reject, for domains below, too, and asks for %s",
        "BIMI draft 5",
    ),
    # MTA-STS
    "mta_sts_several": Kind(
        "error", "There are several MTA-STS records: senders act as if there were none. Leave one; %s", "RFC 8461 3.1"
    ),
    "mta_sts_id": Kind("error", "The id is 1 to 32 letters and digits, and here it is %s", "RFC 8461 3.1"),
    "mta_sts_not_announced": Kind(
        "warning", "The policy is served, but there is no record at %s: senders never ask for it", "RFC 8461 3.1"
    ),
    "mta_sts_policy_unreachable": Kind("error", "From here the policy cannot be fetched: %s", "RFC 8461 3.3"),
    "mta_sts_policy_certificate": Kind(
        "error", "Senders do not get the policy, for the policy host's certificate is not accepted: %s", "RFC 8461 3.3"
    ),
    "mta_sts_policy_certificate_ends": Kind(
        "warning", "The policy host's certificate ends in %s: after that senders get no policy", "RFC 8461 3.3"
    ),
    "mta_sts_policy_redirect": Kind(
        "error", "The policy host sends senders to %s, and they do not follow: it must answer 200", "RFC 8461 3.3"
    ),
    "mta_sts_policy_status": Kind(
        "error", "Senders do not get the policy: the policy host answers %s, not 200", "RFC 8461 3.3"
    ),
    "mta_sts_content_type": Kind(
        "error", "The policy comes as %s, not as text/plain: senders may refuse it", "RFC 8461 3.2"
    ),
    "mta_sts_line": Kind("error", "Lines of the policy are not key: value: %s", "RFC 8461 3.2"),
    "mta_sts_twice": Kind("warning", "%s comes more than once in the policy: the first one counts", "RFC 8461 3.2"),
    "mta_sts_version": Kind("error", "The policy's version is %s, not STSv1", "RFC 8461 3.2"),
    "mta_sts_mode": Kind("error", "The policy's mode is %s, not enforce, testing or none", "RFC 8461 3.2"),
    "mta_sts_testing": Kind(
        "warning", "The policy is for testing: senders report what fails, and deliver all the same", "RFC 8461 5"
    ),
    "mta_sts_none": Kind("warning", "The policy's mode is none: senders act as if there were no policy", "RFC 8461 5"),
    "mta_sts_max_age": Kind(
        "error", "The policy's max_age is a number of seconds up to 31557600, and here it is %s", "RFC 8461 3.2"
    ),
    "mta_sts_max_age_short": Kind(
        "warning",
        "Senders keep the policy for %s seconds only: who can block the policy host for that long is rid of it."
        " Weeks are better",
        "RFC 8461 3.2, 10.2",
    ),
    "mta_sts_mx_missing": Kind("error", "The policy names no MX host", "RFC 8461 3.2"),
    "mta_sts_mx_many": Kind(
        "error", "The policy names %s hosts, more than are looked at here, and more than any domain has", "RFC 8461 3.2"
    ),
    "mta_sts_mx_address": Kind(
        "error", "%s is an address: the policy names hosts, as the MX records do", "RFC 8461 3.2, RFC 5321 5.1"
    ),
    "mta_sts_mx_pattern": Kind(
        "error", "%s is no name of a host, and no *. with a name behind it", "RFC 8461 3.2, 4.1"
    ),
    "mta_sts_mx_uncovered": Kind(
        "error", "The policy does not cover %s: senders that honour it do not deliver there", "RFC 8461 4.1, 5"
    ),
    "mta_sts_mx_uncovered_testing": Kind(
        "warning", "The policy does not cover %s: with enforce, senders will not deliver there", "RFC 8461 4.1, 5"
    ),
    "mta_sts_mx_unused": Kind("warning", "The policy covers %s, and no MX record names such a host", "RFC 8461 4.1"),
    # DANE
    "dane_records_unsigned": Kind(
        "warning", "There are TLSA records for %s, and nobody has signed them: they do not count", "RFC 7672 2.1.1"
    ),
    "dane_records_many": Kind("warning", "There are %s more TLSA records than are looked at here", "RFC 7671 8"),
    "dane_record_unusable": Kind("warning", "TLSA records that do not count: %s", "RFC 7672 3.1, RFC 7671 4.1"),
    "dane_none_usable": Kind(
        "error",
        "No TLSA record for %s is usable: senders that do DANE encrypt, and authenticate nobody",
        "RFC 7672 2.2",
    ),
}
