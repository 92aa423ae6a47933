# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the collection. From codes and causes to meaning and the next step.
#
# CAUSES is the one table of what can go wrong: verdicts, retries, messages and documentation come from it.
# Below it stand the tables of reply codes and of enhanced status codes, and the rules by which a relay's own
# words choose between a general cause and a particular one.

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Dict, List, Optional, Tuple

    from . import model


class Cause(NamedTuple):
    stages: str  # where it can happen; "any" for most
    verdict: str  # unreachable, failed, deferred; a 4yz code makes it deferred whatever stands here
    explanation: str
    hint: str  # may use {host}, {port}
    retried: bool = False  # besides what is unreachable or deferred


CAUSES: Dict[str, Cause] = {
    "name_not_found": Cause(
        "resolve", "unreachable", "The name does not exist in the DNS, or has no address.",
        "Check the spelling of {host} and ask the DNS for it: `dig {host} A {host} AAAA`."),
    "name_server_failed": Cause(
        "resolve", "unreachable", "No name server gave an answer.",
        "Check the resolver of the host the check runs on (/etc/resolv.conf), then try again."),
    "no_address_of_family": Cause(
        "resolve", "unreachable", "The name has addresses, but none of the address family asked for.",
        "Set address_family to any, or publish an A or AAAA record for {host}."),
    "connection_refused": Cause(
        "connect", "unreachable", "The host answers, but nothing listens on this port, or a firewall rejects it.",
        "See that the mail server runs and listens on port {port} of this address (`ss -ltn`), and that no firewall "
        "rejects it. Relays usually listen on 25, 587 (submission) or 465 (implicit TLS)."),
    "socket_not_served": Cause(
        "connect", "unreachable", "Nothing serves this Unix socket, or the check may not open it.",
        "See that the server runs and has made the socket (`ss -lx`), and that the user whom the check runs as may write "
        "to it and enter the folders above it (`namei -l {host}`)."),
    "connection_timed_out": Cause(
        "connect", "unreachable", "Nothing answered the connection attempt: packets are dropped on the way.",
        "Look for a firewall that drops port {port}, here or there; many providers block outgoing port 25. "
        "See also that the address is the right one."),
    "network_unreachable": Cause(
        "connect", "unreachable", "There is no route to the address from the host the check runs on.",
        "Check the routing table; for an IPv6 address, whether this host has IPv6 at all (address_family: ipv4)."),
    "host_unreachable": Cause(
        "connect", "unreachable", "A router or the local network says that the host cannot be reached.",
        "Check that {host} is up and that the address is the right one."),
    "no_greeting": Cause(
        "greeting", "unreachable", "The connection opened, but the relay never sent a greeting.",
        "If {port} is a TLS port (465), set tls to implicit. Else the relay is overloaded, delays its greeting for "
        "longer than the timeout, or a proxy in front of it has no relay behind it."),
    "greeting_refused": Cause(
        "greeting", "failed", "The relay refuses to talk to this client (RFC 5321 3.1).",
        "Read the relay's words: often the client's address is on a block list, has no reverse DNS name, or is not "
        "allowed to connect."),
    "rate_limited": Cause(
        "greeting", "deferred", "The relay turned the connection away at the door, for now.",
        "Too many connections from this address, or the relay is starting or stopping. Try again in some minutes "
        "(retry_for), and with fewer connections at once."),
    "not_smtp": Cause(
        "greeting", "failed", "What answers on this port does not speak SMTP.",
        "Check host and port: the service that answered says what it is in its first line."),
    "tls_expected": Cause(
        "greeting", "failed", "The port expects TLS from the first octet, and was spoken to in clear.",
        "Set tls to implicit, as for port 465."),
    "ehlo_refused": Cause(
        "ehlo", "failed", "The relay refused EHLO, or the name that was given with it.",
        "Set ehlo_name to the full host name of the client. If the relay only knows HELO, it can neither do TLS nor "
        "authentication."),
    "tls_not_offered": Cause(
        "starttls", "failed", "The relay does not offer STARTTLS.",
        "Give the relay a certificate and switch TLS on (Postfix: smtpd_tls_security_level=may and "
        "smtpd_tls_chain_files; Exim: tls_advertise_hosts and tls_certificate), or check another port."),
    "tls_stripped": Cause(
        "starttls", "failed", "Something between here and the relay overwrites its EHLO keywords, STARTTLS with them.",
        "Switch off SMTP inspection on the firewall in between (Cisco: `no inspect esmtp`, or allow-tls)."),
    "tls_refused": Cause(
        "starttls", "failed", "The relay offered STARTTLS, then refused the command.",
        "See the relay's log; usually its certificate or key cannot be read."),
    "tls_unavailable": Cause(
        "starttls", "deferred", "The relay offers STARTTLS, but cannot do it at present (RFC 3207 4).",
        "See the relay's log; usually its certificate or key cannot be read, or entropy is missing."),
    "tls_injection": Cause(
        "starttls", "failed", "Bytes followed the reply to STARTTLS before the handshake: an attack, or a broken relay.",
        "Do not trust this path until the cause is found: somebody may be inserting commands or replies "
        "(CVE-2011-0411). Update the relay and check the network in between."),
    "tls_handshake_reset": Cause(
        "tls", "failed", "The connection was closed or reset during the TLS handshake.",
        "See the relay's log. A firewall that inspects TLS, or a crash of the relay's TLS process, does this.", True),
    "tls_handshake_stalled": Cause(
        "tls", "failed", "The TLS handshake began and did not end in time.",
        "Look for a firewall that drops large packets (path MTU), or an overloaded relay.", True),
    "tls_not_spoken": Cause(
        "tls", "failed", "A TLS handshake was answered with something that is not TLS.",
        "If the port speaks SMTP in clear first (25, 587), set tls to starttls; implicit is for port 465. If it comes after "
        "a 220 to STARTTLS, the relay or a proxy in front of it did not begin TLS: see its log."),
    "tls_version_mismatch": Cause(
        "tls", "failed", "The relay and this check have no TLS version in common.",
        "Allow TLS 1.2 or newer on the relay. To look at an old relay, lower tls_min_version."),
    "tls_cipher_mismatch": Cause(
        "tls", "failed", "The relay and this check have no cipher suite, group or signature in common.",
        "Allow the suites of RFC 9325 on the relay. To look at an old relay, set tls_ciphers."),
    "tls_version_unavailable": Cause(
        "tls", "failed", "The OpenSSL on the host the check runs on cannot do the TLS version asked for.",
        "Run the check where an OpenSSL has it, or ask for another version."),
    "tls_cipher_unavailable": Cause(
        "tls", "failed", "The OpenSSL on the host the check runs on has none of the ciphers asked for in this version.",
        "Change tls_ciphers, or the versions."),
    "tls_protocol_error": Cause(
        "tls", "failed", "The TLS handshake broke off with an error.",
        "OpenSSL's reason is in the text; see the relay's log for the other side."),
    "client_certificate_required": Cause(
        "tls", "failed", "The relay demands a certificate from its clients.",
        "Set client_cert and client_key."),
    "client_certificate_rejected": Cause(
        "tls", "failed", "The relay does not accept the client certificate.",
        "Check that client_cert is valid, is meant for clients, and comes from an authority the relay trusts."),
    "certificate_expired": Cause(
        "tls", "failed", "A certificate of the relay has expired.",
        "Renew it, and see that the relay has loaded the new one."),
    "certificate_not_yet_valid": Cause(
        "tls", "failed", "A certificate of the relay is not valid yet.",
        "Check the clocks of both hosts, and the certificate's dates."),
    "certificate_self_signed": Cause(
        "tls", "failed", "The relay's certificate is signed by itself, and is not among the trusted ones.",
        "Install a certificate from an authority, or trust this one by ca_path."),
    "certificate_issuer_not_found": Cause(
        "tls", "failed", "No trusted authority stands behind the relay's certificate.",
        "If the authority is your own, name it in ca_path. If it is a public one, the relay forgets to send its "
        "intermediate certificate: let it serve the full chain."),
    "certificate_name_mismatch": Cause(
        "tls", "failed", "The certificate is for other names than the one asked for (RFC 9525).",
        "Use a name from subject_alt_names as host or tls_server_name, or issue a certificate that holds this name. "
        "A name in the common name alone does not count."),
    "certificate_wrong_purpose": Cause(
        "tls", "failed", "The certificate is not meant for servers.",
        "Issue one whose extended key usage holds serverAuth."),
    "certificate_weak": Cause(
        "tls", "failed", "A key or a signature in the chain is too weak (less than 112 bits of security).",
        "Issue a certificate with RSA 2048 or P-256, signed with SHA-256. To look at an old relay, set "
        "tls_ciphers to DEFAULT:@SECLEVEL=0."),
    "certificate_rejected": Cause(
        "tls", "failed", "The relay's certificate was not accepted.",
        "OpenSSL's reason is in the text."),
    "auth_not_offered": Cause(
        "auth", "failed", "The relay offers no authentication here.",
        "Submission is on port 587 or 465; port 25 usually takes no sign-in. Check the port and the relay's SASL "
        "settings."),
    "auth_not_offered_in_clear": Cause(
        "auth", "failed", "The relay offers authentication only after TLS.",
        "Set tls to starttls."),
    "auth_no_common_mechanism": Cause(
        "auth", "failed", "The relay offers no mechanism that these credentials and options allow.",
        "Compare the mechanisms offered with auth_mechanisms, and with what username, password or access_token can do."),
    "auth_rejected": Cause(
        "auth", "failed", "The relay does not accept the credentials.",
        "Check user name and password, or whether the access token has expired; some relays want the full address. They "
        "were tried once only, so that no account gets locked."),
    "auth_temporarily_failed": Cause(
        "auth", "deferred", "The relay could not check the credentials at present (RFC 4954 6).",
        "Its authentication service is down or slow: see the relay's log."),
    "auth_server_not_authentic": Cause(
        "auth", "failed", "The server could not prove that it knows the password (RFC 5802 5.1).",
        "Do not trust this relay until the cause is found: it may be another one than you believe."),
    "auth_protocol_error": Cause(
        "auth", "failed", "The authentication dialogue broke its rules.",
        "The text says how. Try another mechanism by auth_mechanisms."),
    "credentials_withheld": Cause(
        "auth", "failed", "The credentials were not sent: this channel is not verified TLS.",
        "Set tls to starttls or implicit. Only where the network itself is trusted: allow_plaintext_auth."),
    "authentication_required": Cause(
        "mail rcpt data message", "failed", "The relay wants a sign-in first (RFC 4954 6).",
        "Set username and password, or let the relay allow this client's address."),
    "tls_required": Cause(
        "mail rcpt auth", "failed", "The relay wants TLS first (RFC 3207 4).",
        "Set tls to starttls."),
    "sender_rejected": Cause(
        "mail rcpt", "failed", "The relay does not accept the sender.",
        "Use a sender address that exists, whose domain resolves, and that the signed-in user may use."),
    "sender_deferred": Cause(
        "mail rcpt", "deferred", "The relay does not accept the sender for now.",
        "Try again later (retry_for); the relay's words tell whether it is short of resources or looking something up."),
    "relay_denied": Cause(
        "rcpt mail", "failed", "The relay does not carry mail for this recipient's domain from this client.",
        "Sign in, use the submission port (587 or 465), or add the client's address or the domain to what the relay "
        "permits (Postfix: mynetworks, relay_domains; Exim: relay_from_hosts)."),
    "mailbox_unknown": Cause(
        "rcpt data message", "failed", "The relay knows no mailbox of this address.",
        "Check the address; if it is right, the relay's recipient table is behind."),
    "mailbox_full": Cause(
        "rcpt data message", "failed", "The mailbox has no room left.",
        "Raise the quota or empty the mailbox; use another recipient for the check."),
    "greylisted": Cause(
        "mail rcpt data message", "deferred", "The relay puts unknown senders off for some minutes: greylisting (RFC 6647).",
        "This is no fault. Wait for it with retry_for (5 minutes or more), or exempt this client."),
    "recipient_rejected": Cause(
        "rcpt", "failed", "The relay does not accept the recipient.",
        "The relay's words and codes tell why: policy, block lists and unknown users are the usual reasons."),
    "recipient_deferred": Cause(
        "rcpt", "deferred", "The relay does not accept the recipient for now.",
        "Try again later (retry_for); see the relay's log if it stays so."),
    "message_too_large": Cause(
        "mail rcpt data message", "failed", "The message is larger than the relay takes (RFC 1870).",
        "Send a smaller one, or raise the limit (Postfix: message_size_limit; Exim: message_size_limit)."),
    "smtputf8_not_offered": Cause(
        "mail", "failed", "An address or header needs SMTPUTF8, which the relay does not offer (RFC 6531).",
        "Use ASCII addresses and headers, or switch it on (Postfix: smtputf8_enable=yes)."),
    "extension_not_offered": Cause(
        "mail xclient", "failed", "An option needs an SMTP extension that the relay does not offer.",
        "Do without the option named, or check a relay that offers the extension."),
    "xclient_refused": Cause(
        "xclient", "failed", "The relay offers XCLIENT, but does not let this client pass for that other one.",
        "Allow this client to use it, and give no more than the relay takes (Postfix: smtpd_authorized_xclient_hosts)."),
    "limit_exceeded": Cause(
        "mail", "failed", "The check asks for more than the relay has announced to take (RFC 9422).",
        "Use fewer recipients, or raise the relay's limit."),
    "message_rejected": Cause(
        "data message", "failed", "The relay refused the message.",
        "The relay's words tell whether it is policy, content or a filter."),
    "message_deferred": Cause(
        "data message", "deferred", "The relay did not take the message this time.",
        "Filters, disk space and back ends are the usual reasons: see the relay's log."),
    "acceptance_unknown": Cause(
        "message", "failed", "The message was handed over completely, but its acceptance was never confirmed.",
        "It may or may not have been taken: look for its Message-ID in the relay's log before you send again. A slow "
        "content filter needs a longer acceptance_timeout."),
    "service_closing": Cause(
        "any", "deferred", "The relay ended the session: 421 (RFC 5321 3.8).",
        "It is stopping, overloaded, or limits this client. Try again later (retry_for)."),
    "connection_lost": Cause(
        "any", "failed", "The connection broke off.",
        "See the relay's log at this time. A crash, a restart, or a firewall that cuts idle connections does this.", True),
    "timed_out": Cause(
        "any", "failed", "The relay did not answer in time.",
        "It is overloaded, or delays clients on purpose (a tarpit). Raise timeout to learn which.", True),
    "protocol_violation": Cause(
        "any", "failed", "The relay's answer breaks the rules of SMTP.",
        "The text shows what came. A proxy or filter between here and the relay is a usual reason."),
    "rule_unmet": Cause(
        "any", "failed", "What the relay does is not what was expected of it.",
        "See rules: each unmet one says what was expected, what was seen, and what to change.", True),
    "null_mx": Cause(
        "resolve", "failed", "The domain says that it takes no mail: a null MX (RFC 7505).",
        "If it should take mail, publish MX records that name its relays."),
    "mx_missing": Cause(
        "resolve", "unreachable", "The domain exists, but has neither MX records nor an address: no mail can reach it.",
        "Publish MX records that name its relays; or a null MX (RFC 7505), if it is to take no mail."),
    "not_checked": Cause(
        "resolve", "not_checked", "The sweep ended before this relay's turn.",
        "See what stopped it: deadline, max_failures, or a signal."),
    "deadline_reached": Cause(
        "any", "failed", "The whole task's time was up before this check ended.",
        "Raise the deadline, or check fewer relays at once.",),
    "internal_error": Cause(
        "any", "failed", "The check itself failed: a fault of this collection.",
        "Please report it with the text of this failure."),
}  # fmt: skip

# RFC 5321 4.2.3, RFC 4954 6, RFC 3207 4, RFC 7504, RFC 5248.
CODES: Dict[int, str] = {
    211: "system status", 214: "help", 220: "service ready", 221: "closing the connection",
    235: "authentication succeeded", 250: "done", 251: "user not local, will forward",
    252: "cannot verify the user, but will try to deliver", 334: "go on with the authentication",
    354: "send the message, end with a dot", 421: "service not available, closing the connection",
    432: "a password transition is needed", 450: "mailbox not available now", 451: "local error, try again",
    452: "insufficient storage, try again", 453: "you have no mail", 454: "temporary authentication failure, or TLS not available",
    455: "parameters cannot be honoured now", 458: "queueing was not possible", 459: "node not allowed",
    500: "command not recognised", 501: "syntax error in the parameters", 502: "command not implemented",
    503: "commands in the wrong order", 504: "parameter not implemented", 521: "this host takes no mail",
    523: "message too long for this relay", 530: "authentication or encryption is needed first", 534: "mechanism too weak",
    535: "credentials not accepted", 538: "the mechanism needs encryption", 550: "mailbox not available, or refused by policy",
    551: "user not local", 552: "storage exceeded", 553: "mailbox name not allowed", 554: "transaction failed, or refused by policy",
    555: "parameters not recognised", 556: "the domain takes no mail",
}  # fmt: skip

# RFC 3463 and IANA's registry of enhanced status codes: subject and detail; the class is the first digit.
ENHANCED_CODES: Dict[str, str] = {
    "0.0": "no further detail", "1.0": "address problem", "1.1": "no such mailbox", "1.2": "no such host or domain",
    "1.3": "bad address syntax", "1.4": "ambiguous address", "1.5": "address valid", "1.6": "mailbox has moved",
    "1.7": "bad sender address syntax", "1.8": "bad sender domain", "1.9": "relayed to a non-compliant mailer",
    "1.10": "the recipient's domain has a null MX", "2.0": "mailbox problem", "2.1": "mailbox disabled",
    "2.2": "mailbox full", "2.3": "message longer than the mailbox takes", "2.4": "mailing list cannot be expanded",
    "3.0": "mail system problem", "3.1": "mail system full", "3.2": "system takes no messages",
    "3.3": "system lacks a feature that was asked for", "3.4": "message too big for the system",
    "3.5": "system incorrectly configured", "4.0": "network or routing problem", "4.1": "no answer from the host",
    "4.2": "bad connection", "4.3": "directory server failed", "4.4": "unable to route", "4.5": "mail system congested",
    "4.6": "routing loop", "4.7": "delivery time expired", "5.0": "protocol problem", "5.1": "invalid command",
    "5.2": "syntax error", "5.3": "too many recipients", "5.4": "invalid arguments", "5.5": "wrong protocol version",
    "5.6": "authentication line too long", "6.0": "content problem", "6.1": "media not supported",
    "6.2": "conversion prohibited", "6.3": "conversion needed but not supported", "6.5": "conversion failed",
    "6.7": "non-ASCII address not permitted", "7.0": "security or policy problem", "7.1": "delivery not authorised",
    "7.2": "expansion not authorised", "7.3": "security conversion not possible", "7.4": "security features not supported",
    "7.5": "cryptographic failure", "7.7": "message integrity failure", "7.8": "credentials not valid",
    "7.9": "mechanism too weak", "7.10": "encryption needed", "7.11": "encryption needed for this mechanism",
    "7.12": "password transition needed", "7.13": "account disabled", "7.14": "trust relationship required",
    "7.20": "no passing DKIM signature", "7.23": "SPF validation failed", "7.24": "SPF validation error",
    "7.25": "reverse DNS validation failed", "7.26": "several authentication checks failed", "7.27": "the sender has a null MX",
    "7.28": "mail flood detected", "7.30": "REQUIRETLS support required",
}  # fmt: skip

# Where the page of causes is published, with a section for each: `make docs` sees that links and anchors fit.
CAUSES_PAGE = "https://postmaster-mailcheck.github.io/mailcheck/docsite/causes.html"

_CLASSES = {2: "success", 3: "more is wanted", 4: "refused for now", 5: "refused for good"}


def hint_of(cause: str, host: str, port: object) -> str:
    """Return the next step after a cause, and the address of what else there is to know about it."""
    return "%s More: %s#%s" % (CAUSES[cause].hint.format(host=host, port=port), CAUSES_PAGE, cause.replace("_", "-"))


def explain_code(code: int, enhanced_code: Optional[str] = None) -> str:
    """Return what a reply code, with its enhanced status code if any, means in plain words.

    >>> explain_code(554, "5.7.1")
    '554: transaction failed, or refused by policy (refused for good); 5.7.1: delivery not authorised'
    """
    meaning = CODES.get(code, "not a registered code")
    text = "%d: %s (%s)" % (code, meaning, _CLASSES.get(code // 100, "not a class of SMTP"))
    if enhanced_code:
        detail = ENHANCED_CODES.get(enhanced_code.partition(".")[2], "not a registered enhanced code")
        text += "; %s: %s" % (enhanced_code, detail)
    return text


class _Sign(NamedTuple):
    """A sign by which a refusal is known for what it is: all that is given must fit."""

    cause: str
    stages: str
    codes: str = ""  # a pattern for the reply code
    enhanced: str = ""  # a pattern for the enhanced code
    words: str = ""  # a pattern for the text, any case


# In order: the first that fits wins. The words are those of Postfix, Exim, Sendmail, Exchange, OpenSMTPD,
# Haraka and of the common milters and policy services.
_SIGNS: List[_Sign] = [
    _Sign("client_certificate_required", "ehlo auth mail rcpt", "[45]..", words=r"no client certificate|client certificate (is )?required"),
    _Sign("client_certificate_rejected", "ehlo auth mail rcpt", "[45]..", words=r"client certificate (is )?not (trusted|valid|accepted)"),
    _Sign("service_closing", "ehlo starttls xclient auth extra mail rcpt data message", "421"),
    _Sign("tls_required", "mail rcpt auth", "5..|451",
          words=r"\b(start)?tls\b.*\b(first|required|needed|mandatory)|\b(must|require\w*|need\w*)\b.*\b((start)?tls|encrypt\w+)\b|"
                r"encryption (is )?(required|needed)"),
    _Sign("tls_required", "auth", "538"),
    _Sign("tls_required", "mail rcpt auth", enhanced=r"5\.7\.1[01]"),
    _Sign("authentication_required", "mail rcpt data message", "530"),
    _Sign("authentication_required", "mail rcpt data message", "5..",
          words=r"auth(entication|orization)? (is )?required|must (first )?authenticate|not authenticated"),
    _Sign("greylisted", "mail rcpt data message", "4..", words=r"gr[ae]y[- ]?list|try again (in|after) \d|postgrey"),
    _Sign("mailbox_full", "rcpt data message", enhanced=r"[45]\.2\.2"),
    _Sign("mailbox_full", "rcpt data message", "[45]5[0-4]", words=r"(mailbox|quota|inbox)[^.]*(full|exceed)|over ?quota"),
    _Sign("message_too_large", "mail rcpt data message", enhanced=r"5\.(3\.4|2\.3)"),
    _Sign("message_too_large", "mail data message", "55[24]", words=r"too (big|large)|size.{0,40}exceed|exceed.{0,40}size"),
    # Postfix and Exim look at the sender when the recipients come.
    _Sign("sender_rejected", "rcpt", "5..", words=r"sender (address )?(rejected|verify|verification|denied)"),
    _Sign("sender_deferred", "rcpt", "4..", words=r"sender (address )?(rejected|verify|verification|denied)"),
    _Sign("sender_rejected", "rcpt", enhanced=r"5\.1\.[78]"),
    _Sign("sender_deferred", "rcpt", enhanced=r"4\.1\.[78]"),
    _Sign("mailbox_unknown", "rcpt data message", enhanced=r"5\.1\.(1|6|10)"),
    _Sign("relay_denied", "rcpt mail", "[45]..",
          words=r"relay(ing)?\b.{0,300}(denied|not (permitted|allowed)|prohibited|disallowed|refused)|(unable|not permitted|"
                r"cannot|refus\w+) to relay|we do not relay|not (a )?local|rcpthosts"),
    _Sign("mailbox_unknown", "rcpt data message", "55[013]",
          words=r"(unknown|no such|invalid|unrouteable|non-?existent) (local )?(user|recipient|mailbox|address|account|person|part)|"
                r"(user|recipient|mailbox|(?<!ip )address|account)\b[^:;]{0,300}"
                r"(unknown|not found|does ?n.t exist|not exist|invalid|unrouteable)|no mailbox"),
]  # fmt: skip

# What tells is said early, and the search may cost more than in proportion.
_WORDS_LOOKED_AT = 1000

# Where no sign fits: stage -> (cause of 4yz, cause of 5yz).
_GENERAL: Dict[str, Tuple[str, str]] = {
    "greeting": ("rate_limited", "greeting_refused"),
    "ehlo": ("ehlo_refused", "ehlo_refused"),
    "starttls": ("tls_unavailable", "tls_refused"),
    "xclient": ("xclient_refused", "xclient_refused"),
    "auth": ("auth_temporarily_failed", "auth_rejected"),
    "mail": ("sender_deferred", "sender_rejected"),
    "rcpt": ("recipient_deferred", "recipient_rejected"),
    "data": ("message_deferred", "message_rejected"),
    "message": ("message_deferred", "message_rejected"),
}


def cause_of(stage: str, reply: model.Reply) -> str:
    """Return the cause that a reply other than the one hoped for stands for."""
    if not 400 <= reply.code < 600:
        return "protocol_violation"
    words = " ".join(reply.lines)[:_WORDS_LOOKED_AT]
    for sign in _SIGNS:
        if (
            stage in sign.stages.split()
            and re.fullmatch(sign.codes or ".*", str(reply.code))
            and re.match("(?:%s)$" % (sign.enhanced or ".*"), reply.enhanced_code or "")
            and re.search(sign.words, words, re.IGNORECASE)
        ):
            return sign.cause
    return _GENERAL.get(stage, ("protocol_violation", "protocol_violation"))[reply.code // 500]


def verdict_of(failure: Optional[model.Failure]) -> str:
    """Return `passed`, or the verdict a failure stands for: a 4yz is always put off, never refused for good."""
    if failure is None:
        return "passed"
    cause = CAUSES[failure.cause]
    # Some relays say with a 421 that the client's certificate is missing: waiting would not help.
    if failure.code is not None and 400 <= failure.code < 500 and cause.stages != "tls":
        return "deferred"
    return cause.verdict


def may_pass_later(failure: model.Failure) -> bool:
    """Return whether a retry makes sense: it does not after a refusal for good."""
    return CAUSES[failure.cause].retried or verdict_of(failure) in ("unreachable", "deferred")
