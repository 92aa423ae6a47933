# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# The closed list of what can go wrong: where, how bad it is, what it means, and the next step.
#
# CAUSES is the one table: verdicts, retries, messages and the page of causes come from it. What a relay's reply
# stands for is decided in wording.py.

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Callable, Dict, Literal, Optional

    Kind = Literal["check", "audit", "mailbox"]


class Failure(NamedTuple):
    """Why a check did not pass: a row of the table of causes, and the relay's own words."""

    stage: str
    cause: str
    code: Optional[int] = None
    enhanced_code: Optional[str] = None
    text: str = ""
    recipient: Optional[str] = None
    rule: Optional[str] = None  # the rule that is unmet, or whose own connection it was that met with this


class Cause(NamedTuple):
    """What is known of a cause, whatever relay it befalls."""

    stages: str  # where it can happen; "any" for most
    verdict: str  # unreachable, failed, deferred, not_checked; a 4yz makes it deferred, see verdict_of()
    explanation: str
    hint: str  # the next step; may use {host}, {port}, and O(tls=implicit) for an option: see hint_of()
    retried: bool = False  # for what is neither unreachable nor deferred: whether another attempt may pass
    lasting: bool = False  # waiting mends nothing, so that even a 4yz fails
    # The next step where it is another one: an audit never signs in, tries nothing again, and takes whatever TLS there
    # is; the server of a mailbox has other ports and settings, and a wait looks again by itself.
    audit: str = ""
    mailbox: str = ""


CAUSES: Dict[str, Cause] = {
    "name_not_found": Cause(
        "resolve", "unreachable", "The name does not exist in the DNS, or has no address.",
        "Check the spelling of {host} and ask the DNS for it: `dig {host} A {host} AAAA`. A host that is named to the "
        "check is looked up as the system does (/etc/hosts, /etc/resolv.conf), whatever O(dns_servers) names.",
        audit="Check the spelling of {host} and ask the DNS for it: `dig {host} A {host} AAAA`. A host is looked up as "
        "the system does (/etc/hosts, /etc/resolv.conf).",
        mailbox="Check the spelling of {host} and ask the DNS for it: `dig {host} A {host} AAAA`. A host that is named "
        "to the check is looked up as the system does (/etc/hosts, /etc/resolv.conf)."),
    "name_server_failed": Cause(
        "resolve", "unreachable", "No name server gave an answer.",
        "Check the resolver of the host the check runs on (/etc/resolv.conf), then try again."),
    "no_address_of_family": Cause(
        "resolve", "unreachable", "The name has addresses, but none of the address family asked for.",
        "Set O(address_family=any), or publish an A or AAAA record for {host}."),
    "connection_refused": Cause(
        "connect", "unreachable", "The host answers, but nothing listens on this port, or a firewall rejects it.",
        "See that the mail server runs and listens on port {port} of this address (`ss -ltn`), and that no firewall "
        "rejects it. Relays usually listen on 25, 587 (submission) or 465 (implicit TLS).",
        mailbox="See that the mail server runs and listens on port {port} of this address (`ss -ltn`), and that no "
        "firewall rejects it. IMAP is usually on 993 or 143, POP3 on 995 or 110."),
    "socket_not_served": Cause(
        "connect", "unreachable", "Nothing serves this Unix socket, or the check may not open it.",
        "See that the server runs and has made the socket (`ss -lx`), and that the user whom the check runs as may "
        "write to it and enter the folders above it (`namei -l {host}`)."),
    "connection_timed_out": Cause(
        "connect", "unreachable", "Nothing answered the connection attempt: packets are dropped on the way.",
        "Look for a firewall that drops port {port}, here or there; many providers block outgoing port 25. "
        "See also that the address is the right one.",
        mailbox="Look for a firewall that drops port {port}, here or there. See also that the address is the right "
        "one."),
    "network_unreachable": Cause(
        "connect", "unreachable", "There is no route to the address from the host the check runs on.",
        "Check the routing table; for an IPv6 address, whether this host has IPv6 at all (O(address_family=ipv4))."),
    "host_unreachable": Cause(
        "connect", "unreachable", "A router or the local network says that the host cannot be reached.",
        "Check that {host} is up and that the address is the right one."),
    "no_greeting": Cause(
        "greeting", "unreachable", "The connection opened, but the relay never sent a greeting.",
        "If {port} is a TLS port (465, 993, 995), set O(tls=implicit). Else the relay is overloaded, delays its "
        "greeting for longer than the timeout, or a proxy in front of it has no relay behind it.",
        mailbox="If {port} is a TLS port (993, 995), set O(tls=implicit). Else the server is overloaded, delays its "
        "greeting for longer than the timeout, or a proxy in front of it has no server behind it."),
    "greeting_refused": Cause(
        "greeting", "failed", "The relay refuses to talk to this client (RFC 5321 3.1).",
        "Read the relay's words: often the client's address is on a block list, has no reverse DNS name, or is not "
        "allowed to connect."),
    "rate_limited": Cause(
        "greeting ehlo mail rcpt data message", "deferred", "The relay takes no more from this client for now.",
        "Too many connections or messages from this address, or the relay is starting or stopping. Try again in some "
        "minutes (O(retry_for)), and with fewer at once.",
        audit="Too many connections or messages from this address, or the relay is starting or stopping. Try again in "
        "some minutes, and with fewer at once."),
    "client_blocked": Cause(
        "greeting ehlo auth mail rcpt data message", "failed",
        "The client's address is on a block list that the relay asks, or a domain that the message names is.",
        "Look the address up where the relay's words point to, mend what got it listed, then ask for its removal. If "
        "the words tell of an error or of an open resolver, the relay cannot ask the list: let it use a resolver of "
        "its own."),
    "client_name_missing": Cause(
        "greeting ehlo mail rcpt data message", "failed",
        "The client's address has no reverse DNS name, or one that does not lead back to the address.",
        "Publish a PTR record for the address that the check comes from, and an A or AAAA record of that name with the "
        "same address (`dig -x ADDRESS`). If only its IPv6 address has none, set O(address_family=ipv4)."),
    "client_refused": Cause(
        "greeting ehlo mail rcpt data message", "failed",
        "The relay does not take mail from this client: the client's address has a poor reputation, or is not allowed "
        "to send here.",
        "Sign in on the submission port (587 or 465), or let the relay permit the client's address (Postfix: "
        "mynetworks; Exim: relay_from_hosts). Where reputation is the reason, see the page that the relay's words "
        "point to.",
        audit="Ask from an address that the relay talks to, or let the relay permit the client's address (Postfix: "
        "mynetworks; Exim: relay_from_hosts). Where reputation is the reason, see the page that the relay's words "
        "point to."),
    "not_smtp": Cause(
        "greeting", "failed", "What answers on this port does not speak SMTP.",
        "Check host and port: the service that answered says what it is in its first line. A mailbox begins "
        "with `*` (IMAP) or `+OK` (POP3): it is looked into by wait_for_mail (`mailcheck wait`)."),
    "tls_expected": Cause(
        "greeting", "failed", "The port expects TLS from the first octet, and was spoken to in clear.",
        "Set O(tls=implicit), as for port 465."),
    "ehlo_refused": Cause(
        "ehlo greeting mail rcpt data message", "failed",
        "The relay refused EHLO, or the name that was given with it.",
        "Set O(ehlo_name) to the full host name of the client. If the relay only knows HELO, it can neither do TLS nor "
        "authentication."),
    "tls_not_offered": Cause(
        "starttls", "failed", "The relay does not offer STARTTLS.",
        "Give the relay a certificate and switch TLS on (Postfix: smtpd_tls_security_level=may and "
        "smtpd_tls_chain_files; Exim: tls_advertise_hosts and tls_certificate; Dovecot: ssl), or check another port.",
        mailbox="Give the server a certificate and switch TLS on (Dovecot: ssl), or check another port."),
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
        "starttls", "failed",
        "Bytes followed the reply to STARTTLS before the handshake: an attack, or a broken relay.",
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
        "If the port speaks SMTP in clear first (25, 587), set O(tls=starttls); implicit is for port 465. If it comes "
        "after a 220 to STARTTLS, the relay or a proxy in front of it did not begin TLS: see its log. What begins with "
        "`*` (IMAP) or `+OK` (POP3) is a mailbox: it is looked into by wait_for_mail (`mailcheck wait`).",
        mailbox="If the port speaks IMAP or POP3 in clear first (143, 110), set O(tls=starttls); implicit is for 993 "
        "and 995. If it comes after the answer to STARTTLS, the server or a proxy in front of it did not begin TLS: "
        "see its log. What begins with `220` is no mailbox: smtp_check (`mailcheck check`) looks at it."),
    "tls_version_mismatch": Cause(
        "tls", "failed", "The relay and this check have no TLS version in common.",
        "Allow TLS 1.2 or newer on the relay. To look at an old relay, lower O(tls_min_version).",
        audit="Allow TLS 1.2 or newer on the relay."),
    "tls_cipher_mismatch": Cause(
        "tls", "failed",
        "The relay and this check have no cipher suite, group or signature in common, or the relay has no certificate.",
        "See the relay's log: where no certificate or key is loaded it refuses all suites. Else allow the suites of "
        "RFC 9325 there. To look at an old relay, set O(tls_ciphers).",
        audit="See the relay's log: where no certificate or key is loaded it refuses all suites. Else allow the suites "
        "of RFC 9325 there."),
    "tls_dh_weak": Cause(
        "tls", "failed", "The relay's Diffie-Hellman group is too small (RFC 9325 4.1 wants 2048 bits).",
        "To look at it as it is, set O(tls_ciphers=DEFAULT:@SECLEVEL=0), or ECDHE suites. Else give the relay DH "
        "parameters of 2048 bits or more (Postfix: smtpd_tls_dh1024_param_file=auto; Exim: tls_dhparam), or let it "
        "offer ECDHE.",
        audit="Give the relay DH parameters of 2048 bits or more (Postfix: smtpd_tls_dh1024_param_file=auto; Exim: "
        "tls_dhparam), or let it offer ECDHE.",
        mailbox="To look at it as it is, set O(tls_ciphers=DEFAULT:@SECLEVEL=0), or ECDHE suites. Else give the server "
        "DH parameters of 2048 bits or more (Dovecot: ssl_dh), or let it offer ECDHE."),
    "tls_renegotiation_insecure": Cause(
        "tls", "failed", "The relay cannot do secure renegotiation (RFC 5746), which this OpenSSL insists on.",
        "Update the TLS library of the relay, or of the proxy in front of it; TLS 1.3 needs none of it."),
    "tls_version_unavailable": Cause(
        "tls", "failed", "The OpenSSL on the host the check runs on cannot do the TLS version asked for.",
        "Run the check where an OpenSSL has it, or ask for another version."),
    "tls_cipher_unavailable": Cause(
        "tls", "failed", "The OpenSSL on the host the check runs on has none of the ciphers asked for in this version.",
        "Change O(tls_ciphers), or the versions."),
    "tls_protocol_error": Cause(
        "tls", "failed", "The TLS handshake broke off with an error.",
        "OpenSSL's reason is in the text; see the relay's log for the other side."),
    "client_certificate_required": Cause(
        "any", "failed", "The relay demands a certificate from its clients.",
        "Set O(client_cert) and O(client_key).", lasting=True,
        audit="An audit shows no certificate: let the relay do without one for it."),
    "client_certificate_rejected": Cause(
        "any", "failed", "The relay does not accept the client certificate.",
        "Check that O(client_cert) is valid, is meant for clients, and comes from an authority the relay trusts.",
        lasting=True, audit="An audit shows no certificate: let the relay do without one for it."),
    "certificate_expired": Cause(
        "tls", "failed", "A certificate of the relay has expired.",
        "Renew it, and see that the relay has loaded the new one."),
    "certificate_not_yet_valid": Cause(
        "tls", "failed", "A certificate of the relay is not valid yet.",
        "Check the clocks of both hosts, and the certificate's dates."),
    "certificate_self_signed": Cause(
        "tls", "failed", "The relay's certificate is signed by itself, and is not among the trusted ones.",
        "Install a certificate from an authority, or trust this one by O(ca_path)."),
    "certificate_issuer_not_found": Cause(
        "tls", "failed", "No trusted authority stands behind the relay's certificate.",
        "If the authority is your own, name it in O(ca_path). If it is a public one, the relay forgets to send its "
        "intermediate certificate: let it serve the full chain."),
    "certificate_name_mismatch": Cause(
        "tls", "failed", "The certificate is for other names than the one asked for (RFC 9525).",
        "Use a name from subject_alt_names as host or O(tls_server_name), or issue a certificate that holds this name. "
        "A name in the common name alone does not count."),
    "certificate_wrong_purpose": Cause(
        "tls", "failed", "The certificate is not meant for servers.",
        "Issue one whose extended key usage holds serverAuth."),
    "certificate_weak": Cause(
        "tls", "failed", "A key or a signature in the chain is too weak (less than 112 bits of security).",
        "Issue a certificate with RSA 2048 or P-256, signed with SHA-256. To look at an old relay, set "
        "O(tls_ciphers=DEFAULT:@SECLEVEL=0).",
        audit="Issue a certificate with RSA 2048 or P-256, signed with SHA-256."),
    "certificate_rejected": Cause(
        "tls", "failed", "The relay's certificate was not accepted.",
        "OpenSSL's reason is in the text. Where a log has none, smtp_check (`mailcheck check`) of this relay tells it.",
        mailbox="OpenSSL's reason is in the text."),
    "auth_not_offered": Cause(
        "auth", "failed", "The relay offers no authentication here.",
        "Submission is on port 587 or 465; port 25 usually takes no sign-in. Check the port and the relay's SASL "
        "settings.",
        mailbox="Check the port and the server's SASL settings."),
    "auth_not_offered_in_clear": Cause(
        "auth", "failed", "The relay offers authentication only after TLS.",
        "Set O(tls=starttls)."),
    "auth_no_common_mechanism": Cause(
        "auth", "failed", "The relay offers no mechanism that these credentials and options allow.",
        "Compare the mechanisms offered with O(auth_mechanisms), and with what O(username), O(password) or "
        "O(access_token) can do."),
    "auth_rejected": Cause(
        "auth", "failed", "The relay does not accept the credentials.",
        "Check user name and password, or whether the access token has expired; some relays want the full address, and "
        "some cannot check the password by each mechanism they offer (O(auth_mechanisms) names another). They were "
        "tried once only, so that no account gets locked."),
    "auth_mechanism_refused": Cause(
        "auth", "failed", "The relay does not take the authentication mechanism that was tried (RFC 4954 4).",
        "Name another one of those offered in O(auth_mechanisms), or let the relay's SASL settings match what it "
        "announces.", lasting=True),
    "auth_disabled": Cause(
        "auth mail rcpt", "failed",
        "The relay does not let this account sign in so: the account or its sign-in by password is disabled, or an app "
        "password is wanted.",
        "Make an app password (application-specific password) for the check, use O(access_token), or let the "
        "provider's administrator allow SMTP sign-in for the account.", lasting=True,
        audit="An audit never signs in: let the relay allow this client's address.",
        mailbox="Make an app password (application-specific password) for the check, use O(access_token), or let the "
        "provider's administrator allow sign-in by IMAP or POP3 for the account."),
    "auth_limited": Cause(
        "auth", "failed", "The relay limits this account: too many sign-ins, or its plan or credits are used up.",
        "Wait, and sign in less often (O(retry_for) tries again); if the words tell of credits or a plan, see the "
        "account at the provider.",
        mailbox="Wait, and sign in less often; if the words tell of credits or a plan, see the account at the "
        "provider."),
    "auth_temporarily_failed": Cause(
        "auth", "deferred", "The relay could not check the credentials at present (RFC 4954 6).",
        "Its authentication service is down or slow: see the relay's log."),
    "auth_server_not_authentic": Cause(
        "auth", "failed", "The server could not prove that it knows the password (RFC 5802 5.1).",
        "Do not trust this relay until the cause is found: it may be another one than you believe."),
    "auth_protocol_error": Cause(
        "auth", "failed", "The authentication dialogue broke its rules.",
        "The text says how. Try another mechanism by O(auth_mechanisms)."),
    "credentials_withheld": Cause(
        "auth", "failed", "The credentials were not sent: this channel is not verified TLS.",
        "Set O(tls=starttls) or O(tls=implicit). Only where the network itself is trusted: "
        "O(allow_plaintext_auth=true)."),
    "credentials_not_for_relay": Cause(
        "auth", "failed",
        "The credentials were not sent: credentials_for does not name this relay, which the DNS has named.",
        "If they are meant for it, add {host} to O(credentials_for). If you do not know the relay, look at the "
        "domain's MX records: they may be forged."),
    "authentication_required": Cause(
        "mail rcpt data message", "failed", "The relay wants a sign-in first (RFC 4954 6).",
        "Set O(username) and O(password), or let the relay allow this client's address.", lasting=True,
        audit="An audit never signs in: let the relay allow this client's address."),
    "tls_required": Cause(
        "mail rcpt auth ehlo data message", "failed", "The relay wants TLS first (RFC 3207 4).",
        "Set O(tls=starttls).", lasting=True),
    "sender_rejected": Cause(
        "mail rcpt data message", "failed", "The relay does not accept the sender.",
        "Use a sender address that exists, whose domain resolves, and that the signed-in user may use."),
    "sender_not_authorised": Cause(
        "mail rcpt data message", "failed", "The sender address is not one that this client or account may use.",
        "Send from an address that belongs to the signed-in account, or let the relay or provider allow this one "
        "(Postfix: smtpd_sender_login_maps; cloud providers: verify the address or its domain)."),
    "spf_failed": Cause(
        "message mail rcpt data", "failed",
        "SPF does not allow this client to send for the sender's domain (RFC 7208).",
        "Add the client's address to the SPF record of the sender's domain (`dig DOMAIN TXT`), mend an error in it, or "
        "send by a relay that it names."),
    "dkim_failed": Cause(
        "message data", "failed", "The message has no DKIM signature that holds (RFC 6376).",
        "Sign with a key whose record is published (`dig SELECTOR._domainkey.DOMAIN TXT`), and see that nothing "
        "changes the message after it is signed."),
    "dmarc_failed": Cause(
        "message mail rcpt data", "failed",
        "The DMARC policy of the domain in From rejects the message: neither SPF nor DKIM passed for it (RFC 7489).",
        "Let SPF or DKIM pass for the very domain in From (alignment), or send from a domain that this client may "
        "use."),
    "sender_not_authenticated": Cause(
        "message mail rcpt data", "failed", "The relay wants mail that SPF, DKIM or DMARC authenticates.",
        "Publish SPF for the client's address and sign with DKIM, both for the domain in From; the receiver's page on "
        "sender requirements tells what it asks for."),
    "sender_deferred": Cause(
        "mail", "deferred", "The relay does not accept the sender for now.",
        "Try again later (O(retry_for)); the relay's words tell whether it is short of resources or looking something "
        "up.",
        audit="Try again later; the relay's words tell whether it is short of resources or looking something up."),
    "relay_denied": Cause(
        "rcpt mail data message", "failed",
        "The relay does not carry mail for this recipient's domain from this client.",
        "Sign in, use the submission port (587 or 465), or add the client's address or the domain to what the relay "
        "permits (Postfix: mynetworks, relay_domains; Exim: relay_from_hosts).",
        audit="Ask from another address, or add the client's address or the domain to what the relay permits (Postfix: "
        "mynetworks, relay_domains; Exim: relay_from_hosts)."),
    "mailbox_unknown": Cause(
        "rcpt mail data message", "failed", "The relay knows no mailbox of this address.",
        "Check the address; if it is right, the relay's recipient table is behind."),
    "mailbox_disabled": Cause(
        "rcpt mail data message", "failed", "The mailbox exists, but is disabled, suspended or inactive.",
        "Let its administrator enable it, or use another recipient for the check."),
    "mailbox_moved": Cause(
        "rcpt mail data message", "failed", "The mailbox has moved, or is no longer at this relay.",
        "Use the new address where the relay's words name one."),
    "mailbox_rate_limited": Cause(
        "rcpt data message", "deferred", "The mailbox gets more mail than the relay lets in for now.",
        "Wait (O(retry_for)), or use another recipient for the check; see whether somebody floods the mailbox.",
        audit="Wait, or use another recipient for the check; see whether somebody floods the mailbox."),
    "domain_unknown": Cause(
        "rcpt mail data message", "failed",
        "The recipient's domain does not exist, has no mail host, or takes no mail.",
        "Check the spelling of the domain, and its records (`dig DOMAIN MX`) from where the relay asks."),
    "mailbox_full": Cause(
        "rcpt mail data message", "failed", "The mailbox has no room left.",
        "Raise the quota or empty the mailbox; use another recipient for the check."),
    "greylisted": Cause(
        "mail rcpt data message", "deferred",
        "The relay puts unknown senders off for some minutes: greylisting (RFC 6647).",
        "This is no fault. Wait for it with O(retry_for=600), or exempt this client.",
        audit="This is no fault. Ask again in ten minutes, or exempt this client."),
    "too_many_recipients": Cause(
        "rcpt data message", "failed", "The relay takes fewer recipients at once.",
        "Use fewer recipients, or raise the limit (Postfix: smtpd_recipient_limit; Exim: recipients_max)."),
    "sending_limit_reached": Cause(
        "mail rcpt data message", "failed",
        "The sender or its account has sent as much as the relay allows in this time.",
        "Wait until the limit's hour or day is over, send less, or let the provider raise the limit for sending."),
    "recipient_rejected": Cause(
        "rcpt data message", "failed", "The relay does not accept the recipient.",
        "The relay's words and codes tell why: policy, block lists and unknown users are the usual reasons."),
    "recipient_deferred": Cause(
        "rcpt", "deferred", "The relay does not accept the recipient for now.",
        "Try again later (O(retry_for)); see the relay's log if it stays so.",
        audit="Try again later; see the relay's log if it stays so."),
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
        "Allow this client to use it, and give no more than the relay takes (Postfix: "
        "smtpd_authorized_xclient_hosts)."),
    "limit_exceeded": Cause(
        "mail", "failed", "The check asks for more than the relay has announced to take (RFC 9422).",
        "Use fewer recipients, or raise the relay's limit."),
    "message_is_spam": Cause(
        "message mail rcpt data", "failed", "A filter takes the message for spam.",
        "See what the filter found (its log, or the page that the words point to), and change the text, links or "
        "headers of the message; a test message may need an exemption."),
    "message_has_virus": Cause(
        "message rcpt data", "failed", "A scanner found a virus in the message.",
        "See the scanner's log for its name. If that was the purpose of the test, the relay has passed it."),
    "message_malformed": Cause(
        "message mail rcpt data", "failed", "The message breaks the rules for its form (RFC 5322).",
        "Mend what the relay names: a header that is missing, doubled or malformed, bare line feeds, raw 8-bit text."),
    "policy_rejected": Cause(
        "message mail rcpt data", "failed", "A policy of the relay forbids it.",
        "The relay's words, the page they point to and its log name the policy; its administrator may exempt the "
        "check."),
    "command_rejected": Cause(
        "mail rcpt data message", "failed", "The relay does not understand or allow this command here.",
        "See the transcript for what came before. A proxy in front that announces what the relay behind it cannot do "
        "(PIPELINING, SIZE) is a usual reason, or a limit of the relay."),
    "system_full": Cause(
        "greeting mail rcpt data message", "failed", "The relay has no disk space or memory left.",
        "Make room on the relay's spool (`df -h`, `df -i`), or lower what it holds back (Postfix: queue_minfree; Exim: "
        "check_spool_space)."),
    "system_error": Cause(
        "greeting mail rcpt data message", "failed",
        "The relay has trouble of its own: a lookup, a service or a setting fails.",
        "See the relay's log at this time: what it asks (a database, a directory, a filter, the DNS) did not answer, "
        "or is set up wrongly."),
    "routing_failed": Cause(
        "rcpt mail data message", "failed",
        "The relay cannot get the message on its way: a loop, too many hops, or a next host that is not found or does "
        "not answer in time.",
        "See the relay's routes (Postfix: transport_maps, relayhost; Exim: its routers) and whether two relays send to "
        "each other; a time-out can also lie in the network in between."),
    "message_rejected": Cause(
        "data message", "failed", "The relay refused the message.",
        "The relay's words tell whether it is policy, content or a filter."),
    "message_deferred": Cause(
        "data message", "deferred", "The relay did not take the message this time.",
        "Filters, disk space and back ends are the usual reasons: see the relay's log."),
    "message_changed": Cause(
        "message", "failed",
        "The message file changed after it was announced to the relay: the connection was broken off.",
        "Make a copy of the file that nobody writes to, and send that one."),
    "acceptance_unknown": Cause(
        "message", "failed", "The message was handed over completely, but its acceptance was never confirmed.",
        "It may or may not have been taken: look for its Message-ID in the relay's log before you send again. A slow "
        "content filter needs a longer O(acceptance_timeout)."),
    "service_closing": Cause(
        "any", "deferred", "The relay ended the session: 421 (RFC 5321 3.8).",
        "It is stopping, overloaded, or limits this client. Try again later (O(retry_for)).",
        audit="It is stopping, overloaded, or limits this client. Try again later.",
        mailbox="It is stopping, overloaded, or limits this client. Try again later."),
    "connection_lost": Cause(
        "any", "failed", "The connection broke off.",
        "See the relay's log at this time. A crash, a restart, or a firewall that cuts idle connections does this.",
        True),
    "timed_out": Cause(
        "any", "failed", "The relay did not answer in time.",
        "It is overloaded, or delays clients on purpose (a tarpit). Raise O(timeout) to learn which.", True),
    "protocol_violation": Cause(
        "any", "failed", "The relay's answer breaks the rules of its protocol.",
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
        "See what stopped it: O(deadline), O(max_failures), or a signal.",
        audit="See what stopped it: O(deadline) or a signal."),
    "deadline_reached": Cause(
        "any", "failed", "The whole task's time was up before this check ended.",
        "Raise O(deadline), or check fewer relays at once.",),
    "internal_error": Cause(
        "any", "failed", "The check itself failed: a fault of this collection.",
        "Please report it with the text of this failure."),
    "pipelining_refused": Cause(
        "mail rcpt data message", "failed",
        "The relay announces PIPELINING, and refuses commands that come in one group (RFC 2920).",
        "A proxy may announce it for a relay that cannot do it, or the reverse: switch it off where it is announced "
        "(nginx: smtp_capabilities; Postfix: smtpd_discard_ehlo_keywords; Exim: pipelining_advertise_hosts)."),
    "mx_is_address": Cause(
        "resolve", "unreachable", "An MX record holds an address where the name of a host belongs (RFC 5321 5.1).",
        "Give the host a name with an A or AAAA record, and let the MX record hold that name."),
    "mx_is_localhost": Cause(
        "resolve", "unreachable",
        "A domain's relay is localhost, by its name or by its address: whoever sends mail there would ask himself.",
        "Let the MX record name the relay, and give that an address which others reach; or publish a null MX (RFC "
        "7505), if the domain is to take no mail. To check a relay on this very host, name the relay instead of the "
        "domain."),
    "mail_not_found": Cause(
        "find", "failed", "The message did not arrive in the time that was given to it.",
        "Look for it in the queue and the log of the server that took it (by its queue id, if there is one), and in "
        "other folders and mailboxes that rules or aliases may lead to. A slow route needs a longer O(timeout)."),
    "mail_bounced": Cause(
        "find", "failed", "The message did not arrive: a server sent it back.",
        "See bounce for the server that refused it, its own words, and what they mean."),
    "mailbox_unavailable": Cause(
        "greeting auth folder find delete", "unreachable",
        "The mailbox, or a folder of it, could not be opened or read: nothing is known of what is in it.",
        "See the mail server's log; another session that locks the mailbox, a missing folder, and rights are the usual "
        "reasons."),
    "not_a_mailbox": Cause(
        "greeting", "unreachable", "What answers on this port does not speak the mailbox's protocol.",
        "Check host, port and protocol: IMAP is on 993 (TLS) or 143, POP3 on 995 (TLS) or 110."),
    "nothing_settled": Cause(
        "any", "not_checked", "The relay was reached, and not one probe of the audit could be judged.",
        "Each probe says why. Name a O(known_recipient) that the relay takes mail for, ask from an address that it "
        "does not refuse, or ask more than what is left to another program."),
    "interrupted": Cause(
        "any", "not_checked", "The check was stopped, by Ctrl-C or another signal, before it ended.",
        "Nothing is wrong that is known of. What was learned until then is in the report; run it again for the rest."),
}  # fmt: skip

# Where the documentation is published. Empty until it is: nothing leads to an address that nobody serves. Once it is,
# `documentation` of galaxy.yml says the same.
SITE = ""
CAUSES_PAGE = "docsite/causes.html"  # there, with a section for each: `make docs` sees that the anchors fit

_OPTION = re.compile(r"O\((\w+)(?:=([^()]*))?\)")  # as in the documentation of modules: O(tls=implicit)


def in_playbook(option: str, value: Optional[str] = None) -> str:
    """Return an option as a task has it: `retry_for`, `tls: implicit`."""
    return option if value is None else "%s: %s" % (option, value)


def hint_of(
    cause: str,
    host: str,
    port: object,
    said: Callable[[str, Optional[str]], str] = in_playbook,
    kind: Kind = "check",
) -> str:
    """Return the next step after a cause, for what met with it.

    `said`: how an option, with its value or None, is said where it is shown.
    """
    row = CAUSES[cause]
    hint = {"check": row.hint, "audit": row.audit, "mailbox": row.mailbox}[kind] or row.hint
    if kind == "mailbox":
        hint = of_a_server(hint)
    hint = _OPTION.sub(lambda named: said(named.group(1), named.group(2)), hint)
    return hint.format(host=host, port=port)


def of_a_server(text: str) -> str:
    """Return what the table says of relays as it is said of the server of a mailbox."""
    return re.sub(r"\brelay(?=s?\b)", "server", text)


def more_about(cause: str) -> str:
    """Return where there is more to read about a cause: at hand, or on the site where that is published."""
    return "%s%s#%s" % (SITE, CAUSES_PAGE, anchor_of(cause)) if SITE else "mailcheck explain %s" % cause


def anchor_of(cause: str) -> str:
    """Return the name of a cause's section on the page of causes."""
    return cause.replace("_", "-")


def with_more(hint: str, cause: str) -> str:
    """Return a hint that leads on to where there is more to read."""
    return "%s More: %s" % (hint, more_about(cause))


def verdict_of(failure: Optional[Failure]) -> str:
    """Return `passed`, or the verdict a failure stands for: a 4yz is put off, a 5yz refused for good."""
    if failure is None:
        return "passed"
    cause = CAUSES[failure.cause]
    if failure.code is None or not 400 <= failure.code < 600:
        return cause.verdict
    # Some relays say with a 421 or 451 that TLS or the client's certificate is missing: waiting would not help.
    return "deferred" if failure.code < 500 and not cause.lasting else "failed"


def may_pass_later(failure: Failure) -> bool:
    """Return whether a retry makes sense: it does not after a refusal for good."""
    return CAUSES[failure.cause].retried or verdict_of(failure) in ("unreachable", "deferred")
