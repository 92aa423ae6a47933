# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import yaml

from ansible_collections.postmaster.mailcheck.plugins.doc_fragments.connection import ModuleDocFragment as Connection
from ansible_collections.postmaster.mailcheck.plugins.doc_fragments.session import ModuleDocFragment as Session


class ModuleDocFragment:
    # Documents plugins/module_utils/_smtp/options.py, but what connection.py and session.py do; C(transcript), whose
    # default differs, stands with each module.
    DOCUMENTATION = r"""
requirements:
  - Python 3.8 or newer on the host where the module runs. Nothing but its standard library is needed there.
notes:
  - Everything happens on the host where the module runs, and every path is a path of that host.
  - Options that make no sense are refused before any connection is opened; then only C(msg) is returned, naming the
    option and what to do about it.
  - Whatever a relay answers is returned as facts. The task fails unless C(verdict) is V(passed), and returns its
    facts then, too; C(failed_when), or C(rescue), decide otherwise.
  - Passwords and tokens appear in no fact, transcript, message or log. Ansible also masks their values wherever else
    they happen to occur, so that a password V(secret) turns C(secretary) into C(********ary); the module warns when
    this has altered a fact.
  - SIGINT and SIGTERM end a check early, with the facts it has learned. Tasks with C(async) are ended by SIGKILL,
    which nothing survives. Keep O(timeout) and O(retry_for) below the limit of C(async).
options:
  port:
    description:
      - The relay's TCP port.
      - If not set, it is V(25), or V(465) with O(tls=implicit), or V(24) with O(protocol=lmtp).
    type: int
  protocol:
    description:
      - V(lmtp) is for the local delivery of mail stores such as Dovecot or Cyrus (RFC 2033).
    type: str
    choices: [smtp, lmtp]
    default: smtp
  ehlo_name:
    description:
      - The name to give in EHLO.
      - If not set, it is the host's name where that has a dot, else the address of the connection, such as
        V([192.0.2.1]). The DNS is not asked.
    type: str
  tls:
    description:
      - V(starttls) demands STARTTLS. If it is not offered or fails, the check ends; nothing more is said in clear.
      - V(opportunistic) takes STARTTLS where it is offered, and goes on in clear where it is not. Certificates are
        judged and reported, and stop the check only if credentials are to follow. A handshake that fails ends the
        check.
      - V(implicit) begins with TLS at once, as on port 465.
      - V(none) never uses TLS.
      - If not set, it is V(starttls), but V(implicit) with O(port=465), which a warning says, and V(none) with
        O(protocol=lmtp).
    type: str
    choices: [starttls, opportunistic, implicit, none]
  sender:
    description:
      - The envelope's sender (MAIL FROM), without angle brackets. V('') is the null reverse-path of bounces.
      - Without O(recipients), the check ends after the answer to MAIL.
    type: str
  recipients:
    description:
      - The envelope's recipients (RCPT TO), without angle brackets. Each gets its own answer in C(recipients).
      - Without O(send), the transaction is reset after the last recipient, so that nothing is sent.
    type: list
    elements: str
    default: []
  send:
    description:
      - Send O(test_message) to those of O(recipients) that the relay accepts.
      - A message is sent at most once. After its first octet nothing is tried again, whatever O(retry_for) says.
    type: bool
    default: false
  send_if:
    description:
      - With V(all), the message is sent only if the relay accepts every recipient.
    type: str
    choices: [any, all]
    default: any
  dsn:
    description:
      - Ask for delivery status notifications (RFC 3461). The relay must offer DSN.
    type: dict
    suboptions:
      notify:
        description: When to notify the sender. V(never) excludes the others.
        type: list
        elements: str
        choices: [never, success, failure, delay]
      ret:
        description: How much of the message to return with a notification of failure.
        type: str
        choices: [full, hdrs]
      envid:
        description: What identifies the message in notifications.
        type: str
      orcpt:
        description: Give each recipient as its original recipient, too.
        type: bool
        default: false
  chunking:
    description:
      - Send the message by BDAT instead of DATA (RFC 3030). The relay must offer CHUNKING.
    type: bool
    default: false
  requiretls:
    description:
      - Demand that the message travels by TLS all the way (RFC 8689). The relay must offer REQUIRETLS, inside TLS.
    type: bool
    default: false
  prdr:
    description:
      - Ask for an answer to the message for each recipient (as Exim gives it). The relay must offer PRDR.
    type: bool
    default: false
  mail_parameters:
    description:
      - "Further parameters of MAIL, keyword to value, or to V(null) for a bare keyword, such as V({MT-PRIORITY: 3}).
        Each must be announced by the relay."
    type: dict
  proxy_protocol:
    description:
      - Begin the connection as a load balancer does, by the PROXY protocol. For relays that expect it; they take the
        connection for one of O(proxy_protocol.source_address).
    type: dict
    suboptions:
      version:
        description: The version of the protocol.
        type: int
        choices: [1, 2]
        default: 2
      source_address:
        description: The client's IP address, as the relay is to see it.
        type: str
        required: true
      source_port:
        description: The client's port. If not set, V(0).
        type: int
      destination_address:
        description: The IP address that the client connected to. If not set, that of the relay.
        type: str
      destination_port:
        description: The port that the client connected to. If not set, O(port).
        type: int
  xclient:
    description:
      - Let the relay take this client for another one, by XCLIENT (Postfix), before signing in. The relay must offer
        it to us.
      - A dictionary of the attributes V(NAME), V(REVERSE_NAME), V(ADDR), V(PORT), V(PROTO), V(HELO), V(LOGIN),
        V(DESTADDR), V(DESTPORT).
    type: dict
  extra_commands:
    description:
      - Commands of your own, such as V(VRFY postmaster), given after signing in and before MAIL. C(extra_replies)
        has the answers, which decide nothing.
      - V(VRFY) and V(EXPN) may hold other letters than ASCII, with V(SMTPUTF8) at their end (RFC 6531).
      - Commands that change the session (such as DATA, STARTTLS, AUTH, QUIT) are refused. One that the relay answers
        with 3yz, to hear more, ends the check. Nothing is given in check mode.
    type: list
    elements: str
  survey:
    description:
      - Look closer at the relay's TLS, on up to nine more connections. C(survey) tells which versions it accepts, with
        which cipher and group, which certificates it has for RSA and for ECDSA, and whether its order of ciphers
        counts.
    type: bool
    default: false
  test_message:
    description:
      - The message that O(send) sends. Everything in it has a default.
      - It carries a random token (C(message.token)) in the header C(X-Mailcheck-Token) and in its Message-ID, by
        which it is found again.
    type: dict
    suboptions:
      subject:
        description: The subject. If not set, it names the token.
        type: str
      body:
        description: The text. If not set, it says that this is a check, and names the token.
        type: str
      html:
        description: The same text in HTML, as an alternative to the plain one.
        type: str
      headers:
        description:
          - Further header fields, name to text, or name to a list of texts. They replace those that are there by
            default (C(From), C(To), C(Date), C(Message-ID) and so on); C(Bcc) is never sent.
        type: dict
      attachments:
        description:
          - Files to attach. Each has either O(test_message.attachments[].path) or
            O(test_message.attachments[].content).
        type: list
        elements: dict
        suboptions:
          path:
            description: The file to attach.
            type: path
          content:
            description: Text to attach.
            type: str
          filename:
            description: The name to give it. If not set, the name of the file, or V(attachment.txt).
            type: str
          content_type:
            description: Its media type, such as V(text/csv). If not set, it is guessed from the name.
            type: str
      probe:
        description:
          - Add what every filter must find. V(gtube) is the test text for spam filters, V(eicar) the test file for
            virus scanners. Neither does any harm.
        type: str
        choices: [gtube, eicar]
      transfer_encoding:
        description: How texts that are not ASCII are encoded. V(8bit) needs a relay that offers 8BITMIME.
        type: str
        choices: [7bit, 8bit]
        default: 7bit
      file:
        description:
          - A whole message, header and body, to send as it is. Excludes everything that composes one. It gets no
            token.
          - A file that changes after its size was announced to the relay is not sent to its end. The connection is
            broken off, and nothing is tried again.
        type: path
      normalise_line_endings:
        description:
          - Turn each line ending of O(test_message.file) into CRLF. Otherwise a file with a bare CR or LF is refused.
        type: bool
        default: false
  stop_after:
    description:
      - End the check after this stage, though other options would lead further. Excludes O(send).
    type: str
    choices: [greeting, ehlo, tls, auth, mail, rcpt]
  timeout:
    description:
      - Seconds that one attempt may take as a whole, without the wait for the answer to the message. Taking leave of a
        relay that does not answer QUIT may add a second. Where a relay that passes takes more than 5 seconds for one of
        its answers, a warning says so.
      - A relay that has not greeted after 3 seconds, or half of O(timeout), may be waiting for TLS. Elsewhere than on port
        25 it is asked on a second connection, from the same address and after the same header of O(proxy_protocol) - a
        ClientHello, and nothing else, for as long at most. The first connection says nothing and goes on waiting. A
        greeting that comes late is no fault; only where none comes at all does an answer in TLS decide the cause,
        C(tls_expected).
    type: float
    default: 30
  acceptance_timeout:
    description:
      - Seconds to wait for the answer to the message, once all of it is sent. Relays may filter it first; RFC 5321
        lets them take 10 minutes.
    type: float
    default: 120
  retry_for:
    description:
      - Try again for so many seconds, until the relay passes. V(0) means one attempt.
      - Tried again is what may pass later (relays that are unreachable, that refuse for now, whose TLS breaks off),
        and rules of O(expect) that are unmet. Never tried again are refused credentials, refusals for good, and
        anything after the first octet of a message.
    type: float
    default: 0
  retry_interval:
    description:
      - Seconds between the first attempt and the second; they double from each to the next, up to 30. After
        greylisting, or a relay that ends the session by 421, at least 30.
    type: float
    default: 2
  expect:
    description:
      - What must be true for the relay to pass, as a dictionary of rules. C(rules) tells what became of each; one
        that is unmet fails the check. One that could not be judged (the certificate's, without TLS) is V(unknown), with
        the reason in its C(text), and a warning. Where greylisting kept a rule from being judged, the verdict is
        V(deferred).
      - Most rules judge what the check learns anyway. Some look for themselves, on connections of their own; what
        they say there is told with each, and no credential and no message goes out.
      - A rule set to V(null) is not judged.
    type: dict
    suboptions:
      capabilities:
        description:
          - EHLO keywords that must be offered, such as V(PIPELINING) or V(AUTH PLAIN), which asks for the mechanism too.
        type: list
        elements: str
      capabilities_absent:
        description:
          - EHLO keywords that must not be offered.
        type: list
        elements: str
      capabilities_before_tls:
        description:
          - EHLO keywords that must be offered in the answer that comes before STARTTLS.
        type: list
        elements: str
      capabilities_before_tls_absent:
        description:
          - EHLO keywords that must not be offered in the answer that comes before STARTTLS.
        type: list
        elements: str
      auth_mechanisms:
        description:
          - SASL mechanisms that must be offered, such as V(SCRAM-SHA-256).
        type: list
        elements: str
      auth_absent_before_tls:
        description:
          - V(true) if AUTH must not be offered before TLS.
        type: bool
      tls_version_min:
        description:
          - The oldest version that the session may turn out to use, such as V(TLSv1.3). O(tls_min_version) is another
            thing, the oldest version that is offered, so that a relay which knows none newer fails the handshake. This
            rule judges the session that came about, and can ask for more than what is offered at least. A relay that
            refuses all of these versions, by its alert in the handshake or as O(survey) has seen, breaks it without a
            session.
          - That a relay also takes older ones is what C(tls_versions_refused) looks for.
        type: str
        choices: [SSLv3, TLSv1, TLSv1.1, TLSv1.2, TLSv1.3]
      certificate_days_left:
        description:
          - For how many more days the certificate must be valid.
        type: float
      certificate_names:
        description:
          - Names that the certificate must be valid for, besides the one that it is held against anyway.
        type: list
        elements: str
      public_key_min_bits:
        description:
          - "How long the certificate's key must be. A number, for RSA, or a dictionary such as V({RSA: 2048, EC: 256}),
            where V(EC) is also for Ed25519 and Ed448."
        type: raw
      dane_valid:
        description:
          - V(true) if the chain that the relay sends must be one that the TLSA records in O(tlsa) name (RFC 7672).
          - This is judged whatever becomes of the handshake, which O(validate_certs) decides as ever. At a relay whose
            certificate is vouched for by DANE alone, set that to V(false).
        type: bool
        version_added: 0.2.0
      greeting_matches:
        description:
          - A regular expression for the text of the greeting.
        type: str
      min_message_size:
        description:
          - How many octets a message may have at least, as SIZE announces it.
        type: float
      max_seconds:
        description:
          - How many seconds the whole check may take.
        type: float
      tls_versions_refused:
        description:
          - TLS versions that the relay must refuse.
          - Each is tried on a connection of its own, EHLO, STARTTLS (none with implicit TLS) and a handshake that offers it
            alone, then QUIT.
        type: list
        elements: str
        choices: [TLSv1, TLSv1.1, TLSv1.2, TLSv1.3]
      tls_required:
        description:
          - V(true) if MAIL must be refused in clear.
          - A connection of its own says EHLO, MAIL FROM with the null reverse-path, and QUIT, all in clear; none is made
            with implicit TLS, which leaves nothing to ask.
        type: bool
      auth_refused_in_clear:
        description:
          - V(true) if AUTH must be refused in clear.
          - A connection of its own says EHLO, AUTH PLAIN (or LOGIN, if of the two that alone is offered) without a name or a
            password, an asterisk if the relay would go on, and QUIT, all in clear; none is made with implicit TLS.
        type: bool
      auth_required:
        description:
          - An address of another domain, mail for which must be refused without a sign-in.
          - A connection of its own, with TLS as O(tls) has it, says EHLO, MAIL, RCPT with this address, and QUIT.
        type: str
      relaying_refused:
        description:
          - That the relay carries no strangers' mail, that is, is no open relay.
          - A connection of its own, with TLS as O(tls) has it, says EHLO, MAIL, RCPT with the control, RCPT with the recipient,
            and QUIT. Where the relay does not accept the control, the rule is V(unknown), since then a refusal proves nothing.
            So it is, and nothing is asked, where the recipient is in the domain of the host, the sender or the control.
        type: dict
        suboptions:
          recipient:
            description:
              - An address in a domain that the relay must not serve. Needed.
            type: str
          control_recipient:
            description:
              - An address that the relay accepts. Needed.
            type: str
          sender:
            description:
              - The reverse-path to ask with. If not set, O(sender), or else the null one.
            type: str
      codes:
        description:
          - The reply codes to get, by stage. Each is a code, or a list of those that will do.
          - The stages are V(greeting), V(ehlo), V(starttls), V(auth), V(mail), V(rcpt) (at every recipient), V(data) and
            V(message).
          - Where V(rcpt) has V([550, 554]), a refusal is what passes; then O(send) cannot be V(true).
        type: dict
  tlsa:
    description:
      - TLSA records to hold the relay's certificate against, each as a zone has it, such as V(3 1 1 9f86d081...). See
        C(tls.dane) in the result for what becomes of each, and C(dane_valid) in O(expect).
      - If not set, C(dane_valid) has them looked up for C(host) and its port, as a sender does (RFC 7672, section 2.2).
        That takes a resolver which validates DNSSEC, and dnspython (2.6 or newer) where the check runs. Whether the MX
        records that name the host are signed is another question, which this does not ask.
      - A record of usage 3 names the relay's own certificate, and nothing else about that counts. One of usage 2 names
        an authority above it; the certificate must then be valid at present, and for C(host), O(tls_server_name), or the
        mail domain whose MX records have named the relay. The authorities in O(ca_path) have no part in this.
    type: list
    elements: str
    default: []
    version_added: 0.2.0
  dns_servers:
    description:
      - The name servers to ask where something is looked up in the DNS itself (TLSA records, and the domains of a
        sweep), each an address, perhaps with a port, such as V(127.0.0.1:5353). A host that is named to the check is
        none of it, and is looked up as the system does.
      - If not set, those of the system, which C(/etc/resolv.conf) names, three at most. Of its options none counts but
        C(trust-ad); search lists do not, since names are asked for as they are.
      - One that does not answer is asked last for the rest of the task.
      - M(postmaster.mailcheck.smtp_check) takes it since version 0.2.0.
    type: list
    elements: str
    default: []
  dns_timeout:
    description:
      - Seconds to wait for the answer to one question, all of O(dns_servers) together. Each is asked twice, and has its
        share of the time.
      - M(postmaster.mailcheck.smtp_check) takes it since version 0.2.0.
    type: float
    default: 5.0
"""

    # The same options once more, for one relay of many: a default would override the task's own option.
    ENDPOINTS: str = yaml.safe_dump(
        {
            "options": {
                "endpoints": {
                    "description": ["Relays with options of their own, which override those of the task."],
                    "type": "list",
                    "elements": "dict",
                    "default": [],
                    "suboptions": {
                        "host": {
                            "description": ["The relay, as the module M(postmaster.mailcheck.smtp_check) takes it."],
                            "type": "str",
                            "required": True,
                        },
                        "name": {"description": ["What to call this row; by default its host."], "type": "str"},
                        "labels": {"description": ["What shall come back with the row, as it is."], "type": "dict"},
                        "transcript": {
                            "description": ["When to return this relay's transcript."],
                            "type": "str",
                            "choices": ["always", "on_failure", "never"],
                        },
                        **{
                            name: {
                                key: text
                                for key, text in option.items()
                                if key != "default" and (name, key) != ("expect", "suboptions")  # told once is enough
                            }
                            for documented in (DOCUMENTATION, Connection.DOCUMENTATION, Session.DOCUMENTATION)
                            for name, option in yaml.safe_load(documented)["options"].items()
                        },
                    },
                }
            }
        }
    )
