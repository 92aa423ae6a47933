# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# The words of refusals: which phrases stand for which notion, and which notions together for which cause.
#
# wording.py reads with it, and only where a relay refuses: no check that passes loads this file.

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Dict, List, Tuple

# Notion -> the phrases that stand for it; `*` is any ending. Fillers are left out, in the text as here, and "n't" is
# read as "not": `not exist*` is "does not exist" and "doesn't exist". Of phrases that overlap the longest counts.
LEXICON: Dict[str, str] = {
    # What it is about
    "client": "client*, ip, ips, ip address*, <client>, from <ip>, mail from <ip>, client host*, client address*, "
              "your server*, your host, your network, their network, sending server*, sending mta*, sending system*, "
              "sending host*, sending ip, sender ip, source ip, remote host, from servers, access from, adresse ip, "
              "direccion ip",
    "connection": "connect*, connection*, session, sessions, smtp transaction*, connexion*, conexion*, verbindung*",
    "ip": "<ip>",
    "helo": "helo, ehlo, lhlo",
    "sender": "sender*, sender address*, mailfrom, mail from, envelope from, from address*, from domain*, "
              "from header*, return path, reverse path, sending domain*, sending address*, originator*, "
              "sender account, sender email*, sender domain*, purported responsible address, emetteur*, expediteur*, "
              "émetteur*, expéditeur*, "
              "absender*, remitente*, mittente, mail sending",
    "recipient": "recipient*, recipient address*, recip, rcpt, user, users, mailbox*, account*, inbox, addressee*, "
                 "alias*, local part, person, address*, email address*, mail address*, email account*, "
                 "destination address*, <mailbox>, customer, no mailbox, no user, no account, no recipient, "
                 "relay recipient table, "
                 "empfanger*, empfaenger*, empfänger*, benutzer*, "
                 "postfach, destinataire*, utilisateur*, adresse*, destinatario*, usuario*, utente, casella, buzon, "
                 "buzón, usuário*, caixa postal",
    "addressee": "recipient*, recip, rcpt, recipient address*",
    "mailbox": "mailbox*, inbox",
    "domain": "domain*, host, hosts, hostname*, domain name, host name, mx, recipient domain*, destination domain*",
    "message": "message*, mail, mails, email, emails, content*, body, nachricht*, courrier",
    "header": "header*, header field*, headers, encoded word, message id",
    "attachment": "attachment*, attached file*, file type*, filename*",
    "relay": "relay*, not relay*, mail relay, rcpthost*, third party, transit, relais",
    "auth": "auth, authent*, smtp auth, logon, login, log, sign, credential*, password, pop before smtp",
    "mechanism": "mechanism*, authentication type*, authentication method*, auth type, auth method*",
    "certificate": "certificat*, tls certificat*, ssl certificat*, zertifikat*",
    "clientcert": "client certificat*, your certificat*, your tls certificat*, peer certificat*",
    "token": "token*",
    "tls": "tls, starttls, ssl, not sent over tls, encrypt*, transport layer security",
    # What is wrong with it
    "rejected": "reject*, not relay*, refus*, denied, denies, deny, declined, prohibit*, forbidden, disallow*, "
                "block*, ban, banned, not allow*, not permit*, not accept*, not authori*, not yet authori*, "
                "not welcome, not permission*, not have permission*, no permission*, no access, unacceptable, "
                "insecure, unauthori*, unable, not able, not send, not sent, not determine, not complete, fail*, "
                "bloqu*, rejet*, abgelehnt, abgewiesen, verweigert, rechazad*, rifiutat*",
    "deferred": "deferred, delayed",
    "unknown": "unknown, not found, not find, not able find, unable find, no such, not exist*, nonexist*, non exist*, "
               "no longer exist*, invalid, illegal, not valid, no valid, not known, unrout*, not routable, "
               "not recogni*, no mailbox, no user, no account, no recipient, not registered, not listed, not list, "
               "not have, not local, unavailable, not available, not here, not our, bad, undeliverable, "
               "not deliverable, not resolv*, unresolv*, not reachable, unreachable, no longer valid, not match*, "
               "name not allow*, inconnu*, unbekannt*, nicht gefunden, existiert nicht, invalide*, desconocid*, "
               "desconhecid*, inexistent*, inesistent*, sconosciut*, no existe, no encontrad*",
    "nameless": "unknown, not found, not exist*, nonexist*, non exist*, not resolv*, unresolv*, not find, "
                "not able find, no such, "
                "not reachable, unreachable, invalid, not known, no data known",
    "disabled": "disabled, inactive, suspend*, locked, deactivated, closed, discontinued, frozen, terminated, "
                "not active, no longer active, no longer accept*, no longer available, no longer use, not enabled, "
                "not activated, expired, dormant, retired, block*, bloqu*, gesperrt, deaktiviert, desactiv*, "
                "désactiv*",
    "moved": "moved, left company, no longer server, no longer here, new address*, has changed, changed",
    "full": "full, mailbox size, over quota, overquota, out storage, not enough space, no space, not enough storage, "
            "exceeded storage, disk quota, voll, plein*, llen*, piena, cheia",
    "quota": "quota*",
    "space": "insufficient system storage, insufficient system resource*, insufficient disk, insufficient storage, "
             "insufficient resource*, system full, disk full, no space left, out disk, low disk, out memory, "
             "not enough disk, system storage",
    "exceeded": "exceed*, over, larger, more than, too many, beyond, reached, above, limited, max",
    "size": "size, sizes, length, bytes, octets, mb, kb, line limit, attachment*",
    "toolarge": "too large, too big, too long, oversize*, larger than, bigger than, zu gross, zu groß, trop gros*, "
                "trop volumineu*, "
                "demasiado grande",
    "grey": "grey*, grey listed, gray listed, gray, graylist*, postgrey, liste grise",
    "again": "again, try again, try later, later, retry, come back, resend",
    "provider": "isp, your provider, internet service provider, smarthost",
    "soon": "again <number>, later <number>, again after <number>",
    "hiccup": "temporary failure",
    "callout": "callout*, callback setup, verification fail*",
    "reverse": "ptr, reverse dns, rdns, r dns, unresolvable host*, reverse lookup*, reverse hostname*, reverse host*, "
               "reverse, your hostname, your host name, ip name lookup, name lookup failed, fcrdns, forward confirmed",
    "list": "block list*, blocklist*, blacklist*, black list*, black listed, dnsbl*, rbl, rbls, rhsbl, denylist*, "
            "schwarze* liste*, "
            "deny list*, blocked using, listed, <list>, spamhaus*, spamcop, surbl, uribl, sbl, xbl, dbl, sorbs, "
            "uceprotect, open relay, open proxy",
    "link": "url*, uri*, link*, href",
    "reputation": "reputation, complaint*, user complaint*, abus*, dynamic, dialup, dial up, residential, botnet*, "
                  "spamming, poor",
    "rate": "rate limit*, ratelimit*, rate, rates, frequency, throttl*, too fast, too quickly, too frequent*, "
            "too often, flood*, excessive, volume, slow down, denial service, too many message*, too many mails, "
            "too many emails, max message*, maximum message*",
    "toomany": "too many, too much, maximum number, max number, concurrent, simultaneous, max connection*, "
               "maximum connection*, trop, zu viele, demasiad*",
    "manyto": "too many recipient*, too many rcpt*, number recipient*, recipient* limit, maximum allowed recipient*, "
              "maximum recipient*, max recipient*",
    "receiving": "receiving, receive*",
    "limit": "limit*, maximum, max, threshold, allowance",
    "period": "hour*, day, daily, days, minute*, monthly, second, weekly",
    "sending": "sending, send, sent, outgoing, outbound, submission",
    "credit": "credit*, plan, subscription, payment, billing, trial",
    "unowned": "not own*, send as, not verified, unverified sender*, on behalf, not belong*, not permit* send, "
               "not allow* send, not authori* send, permission* send, not have permission* send, not authori* use, "
               "spoof*, identities failed",
    "spf": "spf, sender policy framework, permitted sender*, softfail",
    "dkim": "dkim, domainkey*",
    "dmarc": "dmarc",
    "unauthenticated": "unauthenticated, authentication check*, authentication results, sender authentication, "
                       "not pass authentication, email authentication, authentication level, "
                       "authentication requirement*",
    "spam": "spam, spams, spammy, spammer*, ube, uce, unsolicited, junk, bulk, phish*, spamassassin, spamtrap*",
    "suspicious": "suspicious, suspect, objectionable, offensive, inappropriate",
    "virus": "virus*, malware, infected, trojan*, worm, malicious, ransomware",
    "policy": "polic*, administrative prohibition, administratively prohibit*, security reason*, security issue*, "
              "compliance, external forwarding",
    "malformed": "malformed, not compliant, not rfc <number> compliant, non compliant, rfc <number> violation, "
                 "not conform*, <number> bit data, bare lf, bare cr, bare line feed*, lone cr, lone lf",
    "faulty": "error*, invalid, not valid, bad, not permit*, illegal, duplicate*, missing, unicode character*, "
              "improper*, non ascii, disallow*",
    "loop": "loop*, too many hops, hop count, hops, listed best preference mx",
    # What else expires (a certificate, a token, a subscription) is no matter of time in a queue.
    "timeout": "timeout, timed out, time out, message* expired, mail expired, email expired, delivery expired, "
               "time expired, lifetime expired, queue expired, expired queue, expired after, expired returned, "
               "connection expired, session expired, lost connection, no answer, connection failed, "
               "connection lost, connection reset, unable connect",
    "route": "unable route, no route, not route, next hop, dns query failed, name service error, network unreachable",
    "broken": "internal error, internal server error, internal system error, internal problem, internal failure, "
              "internal temporary problem, system error, system config error, config error, configuration error, "
              "local error, local problem, system problem, server error, temporary local problem, lookup failure, "
              "temporary system problem, software error, database error, not load, unexpected error, "
              "processing error, command died, misconfigur*, mailer error, resource* temporarily unavailable, "
              "overload*, configuration problem",
    "outage": "service unavailable, service temporarily unavailable",
    "syntax": "syntax error, bad sequence, out sequence, unrecogni* command, unknown command, not implemented, "
              "need mail, need rcpt, command not, command unrecogni*, sender already, invalid argument*",
    "required": "require*, not sent over tls, must, need*, mandatory, first, before, please, only",
    "unsigned": "not authenticated, not logged, without authentication, unauthenticated user*, not signed, "
                "unauthenticated client*, unauthenticated connection*",
    "app": "application specific password*, app password*, app specific password*, less secure app*, web browser, "
           "basic authentication, basic auth, authorization code, security defaults",
    "unsupported": "not supported, unsupported, not advertised, not offered, too weak, not implemented, "
                   "not available, unrecogni*, unknown, invalid, reject*, disabled",
    "nomechanism": "no mechanism, no worthy mech*",
    "errors": "too many error*",
    "untrusted": "untrusted, not trust*, revoked, self signed, not yet valid",
    "nocert": "no client certificate, client certificate required, certificate required",
    "badcert": "client certificate not trusted, client certificate not valid, client certificate not accepted, "
               "client certificate rejected",
    "takesnone": "not accepting, null mx",
    # What is not wrong with the client's certificate: no row needs it, and it leaves no word of it to those that would.
    "goodcert": "client certificat* accept*, client certificat* valid, client certificat* verified, "
                "client certificat* trust*, your certificat* accept*, your certificat* valid, "
                "your certificat* verified, your certificat* trust*, your tls certificat* accept*, "
                "your tls certificat* valid, your tls certificat* verified, your tls certificat* trust*",
    # Who refused, which says nothing of relaying: no row needs it, as above.
    "byrelay": "because relay refus*, because relay reject*",
}  # fmt: skip

# In place of a cause: what the sentence says tells none, and the rows below read the codes and the other sentences
# alone. If these tell none either, it is the general one of the stage.
GENERAL = ""

# What no phrase counts.
FILLERS = frozenset(
    "a an the this that these it its is are was were be been being has had do does did to of in on at by for as "
    "and or currently now so very just any my s could would should may can will there".split()
)

# Cause, and the notions that stand for it when one sentence holds them together; after a comma other ones that do. In
# order: the first row that fits counts. Besides the notions above there are the codes (`5yz`, `530`, `x.7.26` for
# 5.7.26 and 4.7.26, `uncoded` where there is no enhanced one) and the stage (`@auth`; `@envelope` is MAIL, RCPT, DATA
# and the message, `@session` all but the greeting).
CAUSES_OF: List[Tuple[str, str]] = [
    ("client_certificate_rejected", "badcert, clientcert rejected, clientcert unknown, clientcert disabled"),
    ("client_certificate_rejected", "clientcert untrusted, clientcert unowned, clientcert callout, clientcert faulty"),
    ("client_certificate_required", "nocert, clientcert required"),
    ("auth_limited", "@auth toomany, @auth rate, @auth limit exceeded, @auth credit"),
    ("tls_required", "@auth tls required"),
    ("auth_rejected", "@auth certificate disabled, @auth clientcert disabled, @auth token disabled"),
    ("auth_disabled", "@auth app, app required, app disabled, auth disabled, @auth disabled, @auth x.7.13"),
    ("auth_mechanism_refused", "@auth mechanism unsupported, @auth nomechanism"),
    ("tls_required", "@auth 538"),
    ("auth_mechanism_refused", "@auth 500, @auth 501, @auth 502, @auth 503, @auth 504, @auth 534, @auth x.7.9"),
    ("service_closing", "@xclient 421"),
    ("xclient_refused", "@xclient"),
    ("tls_stripped", "@starttls 500, @starttls 502"),
    ("tls_unavailable", "@starttls 454"),
    ("client_name_missing", "reverse"),
    ("dmarc_failed", "dmarc"),
    ("sender_not_authenticated", "spf dkim"),
    ("spf_failed", "spf"),
    ("dkim_failed", "dkim"),
    ("sender_not_authenticated", "unauthenticated"),
    ("greylisted", "4yz grey"),
    ("system_error", "@envelope 4yz unsigned broken"),
    ("tls_required", "tls required"),
    ("authentication_required", "@envelope auth relay, @envelope auth required, @envelope unsigned, 530"),
    ("ehlo_refused", "helo rejected, helo unknown, helo required"),
    # How much, how fast
    ("client_refused", "client reputation"),
    ("policy_rejected", "header quota exceeded, header rate"),
    ("sending_limit_reached", "toomany period, manyto period, limit exceeded period, limit exceeded sending"),
    ("sending_limit_reached", "limit exceeded relay, quota exceeded period, quota exceeded sending"),
    ("sending_limit_reached", "quota exceeded relay"),
    ("mailbox_full", "mailbox limit exceeded"),
    ("too_many_recipients", "manyto"),
    ("mailbox_rate_limited", "recipient rate receiving, recipient rate exceeded"),
    ("message_too_large", "size exceeded message"),
    ("rate_limited", "rate, toomany connection, toomany client, limit exceeded connection"),
    # Room and size
    ("system_full", "space"),
    ("mailbox_full", "full, quota exceeded"),
    ("message_too_large", "toolarge, size exceeded"),
    ("relay_denied", "relay rejected, relay unknown"),
    ("routing_failed", "@envelope certificate route"),
    # Whose certificate it is, of the client or of the next host, is not said.
    ("service_closing", "421 @session certificate"),
    (GENERAL, "certificate, token disabled"),
    ("service_closing", "@auth 421"),
    ("auth_temporarily_failed", "@auth 4yz auth"),
    # The client
    ("service_closing", "421 @session timeout"),
    ("routing_failed", "@envelope timeout, @envelope 4yz x.4.1 connection"),
    ("client_blocked", "client list, ip list, connection list, x.7.708"),
    ("client_refused", "client rejected, client deferred, client unknown, connection rejected, connection takesnone"),
    ("auth_rejected", "@auth x.7.8, @auth 5yz"),
    ("auth_temporarily_failed", "@auth 4yz"),
    # The sender
    ("sender_not_authorised", "sender unowned"),
    ("recipient_rejected", "addressee unowned"),
    ("client_refused", "ip unowned"),
    ("sender_not_authorised", "unowned"),
    ("sender_rejected", "sender list, sender rejected, sender unknown, sender disabled, sender required, x.1.7"),
    ("sender_rejected", "x.1.8"),
    # The message
    ("message_is_spam", "link list"),
    ("client_blocked", "list"),
    ("message_is_spam", "spam"),
    ("message_has_virus", "virus"),
    ("message_is_spam", "suspicious"),
    ("message_malformed", "malformed, header faulty, header syntax"),
    ("routing_failed", "loop"),
    # The mailbox
    ("mailbox_moved", "recipient moved"),
    ("domain_unknown", "domain nameless"),
    ("mailbox_disabled", "recipient disabled"),
    ("mailbox_unknown", "5yz recipient unknown, 5yz addressee callout, x.4.1 recipient rejected"),
    ("mailbox_unknown", "5yz x.1.0 recipient rejected"),
    ("sender_rejected", "callout"),
    ("client_refused", "provider required, ip reputation, ip rejected"),
    # The relay
    ("routing_failed", "route"),
    ("system_error", "broken"),
    ("policy_rejected", "policy, attachment rejected, attachment unknown, x.7.520"),
    # What only the codes say
    ("mailbox_unknown", "5yz x.1.1"),
    ("domain_unknown", "x.1.2"),
    ("mailbox_unknown", "5yz x.1.3"),
    ("mailbox_moved", "x.1.6"),
    ("domain_unknown", "x.1.10"),
    ("mailbox_disabled", "5yz x.2.1"),
    ("mailbox_full", "x.2.2"),
    ("message_too_large", "x.2.3"),
    ("system_full", "x.3.1"),
    ("message_too_large", "x.3.4"),
    ("system_error", "x.3.5, 5yz x.3.2, 4yz x.3.0, 5yz outage uncoded, 5yz outage x.3.0, 5yz outage x.0.0"),
    ("routing_failed", "4yz x.4.1, x.4.4, x.4.6, x.4.7, x.4.14"),
    ("too_many_recipients", "x.5.3"),
    ("message_malformed", "x.6.1"),
    ("tls_required", "@envelope x.7.10, @envelope x.7.11"),
    ("mailbox_disabled", "x.7.13"),
    ("dkim_failed", "x.7.20, x.7.21, x.7.22"),
    ("spf_failed", "x.7.23, x.7.24"),
    ("client_name_missing", "x.7.25"),
    ("sender_not_authenticated", "x.7.26"),
    ("sender_rejected", "x.7.27"),
    ("rate_limited", "x.7.28"),
    ("greylisted", "4yz soon @envelope, 451 again x.7.1 @envelope, 451 hiccup again uncoded @envelope"),
    ("service_closing", "421 @session"),
    ("command_rejected", "@envelope syntax, @envelope 500, @envelope 501, @envelope 502, @envelope 503"),
    ("command_rejected", "@envelope 504, @envelope 555"),
]  # fmt: skip
