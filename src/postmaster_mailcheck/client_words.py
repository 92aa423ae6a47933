# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: what clients write when no relay has refused anything: that a name, a connection or TLS failed. The words are
# those of OpenSSL, GnuTLS, Python, Go, Postfix (smtp, smtpd), Exim, sendmail, swaks, and of people.

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Optional

UNTOLD = ""  # in place of a cause: the words are known, and no cause is theirs

# TLS is under way. No gap is longer than a name and an address, so that no text takes long.
_HANDSHAKE = r"(?:ssl connect|ssl accept|(?:ssl|tls|gnutls) handshake|handshake operation|tls error on connection)"
_SERVER = r"(?:smtpd\[[0-9]+\]|ssl accept|starttls=server)"  # who writes this is a server, or was one
_ALERT = r"alert (?:bad certificate|unsupported certificate|certificate (?:revoked|expired|unknown)|unknown ca)"

# Cause -> how clients say it, in small letters, with a space for `_` and `-`. The first row that fits counts.
_WORDS = (
    (UNTOLD, r"our tls engine is unavailable|^(?:unable to connect|could not connect|connection failed)$"),
    ("client_certificate_required", r"peer did not return a certificate|alert certificate required"),
    ("client_certificate_rejected", r"client certificate (?:verification failed|has expired|(?:is )?not )"),
    ("client_certificate_rejected", r"smtpd\[[0-9]+\]: .{0,60}certificate verification failed"),
    # An alert is what the other side says, of the certificate that it was shown.
    ("certificate_expired", _SERVER + r".{0,200}alert certificate expired"),
    ("certificate_issuer_not_found", _SERVER + r".{0,200}alert unknown ca"),
    ("certificate_rejected", _SERVER + r".{0,200}" + _ALERT),
    ("tls_protocol_error", _ALERT),
    # Why a certificate was not accepted: OpenSSL's words, Postfix's and GnuTLS' for the same
    ("certificate_rejected", r"certificate has expired or is not yet valid"),
    ("certificate_expired", r"certificate (?:has )?expired|expired certificate"),
    ("certificate_not_yet_valid", r"certificate (?:is )?not yet valid"),
    ("certificate_name_mismatch", r"(?:^|[]:=0-9] ?)(?:host ?name|ip address) mismatch|certificate name mismatch"),
    ("certificate_name_mismatch", r"certificate is (?:not )?valid for|hostname '[^' ]{1,255}' doesn't match"),
    ("certificate_issuer_not_found", r"self ?signed certificate in (?:certificate )?chain|untrusted issuer"),
    ("certificate_issuer_not_found", r"unable to get (?:local )?issuer certificate|certificate issuer is unknown"),
    ("certificate_issuer_not_found", r"unable to verify the first certificate|^unknown ca$"),
    ("certificate_issuer_not_found", r"signed by unknown authority|pkix path building failed"),
    ("certificate_self_signed", r"\bself ?signed\b"),
    ("certificate_wrong_purpose", r"(?:unsuitable|unsupported) certificate purpose|not designated for use as a server"),
    ("certificate_weak", r"\b(?:ee|ca) (?:certificate )?(?:key|md) too (?:weak|small)"),
    ("certificate_rejected", r"certificate (?:verify|verification|validation) fail|not trusted by local or tlsa"),
    ("certificate_rejected", r"(?:server|peer) certificate (?:is )?not (?:verified|trusted)"),
    ("certificate_rejected", r"certificate (?:is |has been )?(?:revoked|not trusted|untrusted)|untrusted certificate"),
    # TLS
    ("tls_not_offered", r"tls is required, but was not offered|did not (?:offer|advertise) (?:start)?tls"),
    ("tls_not_offered", r"starttls (?:extension )?(?:is )?not (?:supported|offered|advertised|available)"),
    ("tls_version_mismatch", r"unsupported protocol|wrong ssl version|alert protocol version|version too low"),
    ("tls_version_unavailable", r"no protocols available"),
    ("tls_cipher_mismatch", r"no shared cipher|alert handshake failure|alert insufficient security"),
    ("tls_cipher_unavailable", r"no ciphers available|no cipher match"),
    ("tls_dh_weak", r"dh key too small"),
    ("tls_renegotiation_insecure", r"unsafe legacy renegotiation disabled"),
    ("tls_not_spoken", r"wrong version number|packet length too long|unexpected tls packet was received"),
    ("tls_not_spoken", r"ssl routines.{0,80}:http request"),
    ("tls_handshake_stalled", _HANDSHAKE + r".{0,200}(?:timed out|timeout)"),
    ("tls_handshake_reset", _HANDSHAKE + r".{0,200}(?:lost connection|connection (?:reset|closed)|unexpected eof)"),
    ("tls_handshake_reset", _HANDSHAKE + r".{0,200}non properly terminated"),
    ("tls_protocol_error", r"cannot start tls|tls startup failed|attempt to start tls failed"),
    ("tls_protocol_error", r"starttls=(?:client|server), error"),
    ("tls_protocol_error", r"\b(?:ssl|tls) handshake (?:failed|failure|error)|ssl (?:connect|accept) error"),
    ("tls_protocol_error", r"tls library problem|tls error on connection|tls session: \(ssl connect\)"),
    # What a relay asks besides: a filter, a database, a service of its own
    ("system_error", r"connect to (?:milter service|private/|public/|mysql|pgsql|ldap)"),
    ("system_error", r"\bmilter\b.{0,200}(?:connection (?:refused|reset|timed out)|no route to host|timed out)"),
    # The conversation
    ("no_greeting", r"(?:lost connection|timed out).{0,40} while receiving the initial server greeting"),
    ("no_greeting", r"smtp timeout after initial connection|for input from .{1,300} during client greeting"),
    ("connection_lost", r"lost connection (?:with|after)|connection unexpectedly closed|connection reset\b"),
    ("connection_lost", r"broken pipe|unexpected eof|eof occurred in violation|remote host closed connection"),
    ("timed_out", r"conversation with .{1,300} timed out|socket.timeout: timed out|read operation timed out"),
    ("timed_out", r"smtp timeout after|timeout waiting for input from"),
    ("timed_out", r"\]: timeout after (?:connect|ehlo|helo|mail|rcpt|data|auth|end of message)"),
    # The way there
    ("routing_failed", r"failing for a long time|after a long failure period|\bstatus=expired"),
    ("routing_failed", r"retry time not reached"),  # Exim has failed before, and does not try yet
    ("host_unreachable", r"no route to host|host is (?:down|unreachable)"),
    ("network_unreachable", r"network is unreachable"),
    ("connection_timed_out", r"connection timed out|^operation timed out$|dial tcp .{1,100}: i/o timeout"),
    ("connection_refused", r"(?:\(111\)|errno 111\]|errno 61\]|connect to \S{1,300}):? connection refused"),
    ("connection_refused", r"connection refused(?=\W*$| by \S{1,255}$)"),
    # Names
    ("name_server_failed", r"temporary failure in name resolution|\bservfail\b|host not found, try again"),
    ("name_server_failed", r"host name lookup failure|host lookup did not complete"),
    ("name_not_found", r"name or service not known|nodename nor servname|\bnxdomain\b|could not resolve host"),
    ("name_not_found", r"lookup \S{1,255}(?: on \S{1,300})?: no such host"),
    # Who signs in
    ("auth_no_common_mechanism", r"\bno worthy mechs found|\bcannot authenticate to server .{1,300}: no mechanism"),
    ("auth_rejected", r"^(?:wrong|invalid|bad|incorrect) (?:user ?name (?:or|and) )?(?:password|credentials)$"),
    # What Exchange tells its own users in place of a reply
    ("mailbox_unknown", r"couldn['\u2019]t be delivered\. .{1,300} wasn['\u2019]t found at "),
)  # fmt: skip


def cause_in(text: str) -> Optional[str]:
    """Return the cause that a client's words tell, UNTOLD where they are known and tell none, else None."""
    said = " ".join(text.lower().replace("_", " ").replace("-", " ").split())
    return next((cause for cause, words in _WORDS if re.search(words, said)), None)
