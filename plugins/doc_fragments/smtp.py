# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import yaml


class ModuleDocFragment:
    # Documents plugins/module_utils/smtp/options.py; C(transcript), whose default differs, stands with each module.
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
  address_family:
    description:
      - Which addresses of the host to use. With V(any) all of them are tried, IPv6 and IPv4 in turn, the next one
        after a quarter of a second without an answer (RFC 8305). C(attempts) tells what became of each.
    type: str
    choices: [any, ipv4, ipv6]
    default: any
  source_address:
    description:
      - The local IP address to connect from.
    type: str
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
      - If not set, it is V(starttls), or V(none) with O(protocol=lmtp).
    type: str
    choices: [starttls, opportunistic, implicit, none]
  validate_certs:
    description:
      - With V(false) the certificate is still judged and reported (C(tls.verified), C(tls.verify_errors)), but a
        certificate that is not accepted does not stop the check.
    type: bool
    default: true
  ca_path:
    description:
      - A PEM file with the certificate authorities to trust, or a folder of such files.
      - If not set, the system's authorities are trusted.
    type: path
  tls_server_name:
    description:
      - The name to ask for in TLS (SNI), which the certificate must be valid for.
      - If not set, it is C(host).
    type: str
  tls_min_version:
    description:
      - The oldest TLS version to accept. Versions before V(TLSv1.2) also allow the old ciphers and key exchanges that
        come with them, which is for looking at old relays only. Certificates must be as strong as ever, see
        O(tls_ciphers).
    type: str
    choices: [TLSv1, TLSv1.1, TLSv1.2, TLSv1.3]
    default: TLSv1.2
  tls_max_version:
    description:
      - The newest TLS version to accept. If not set, there is no limit.
    type: str
    choices: [TLSv1, TLSv1.1, TLSv1.2, TLSv1.3]
  tls_ciphers:
    description:
      - The cipher suites to offer for TLS 1.2 and older, as OpenSSL writes them.
      - If not set, the suites of RFC 9325 and the few that older relays need besides, the same on every platform.
      - Keys and signatures of certificates need at least 112 bits of security (RSA 2048, SHA-256), on every platform.
        A level among the suites, such as V(ECDHE+AESGCM:@SECLEVEL=0), changes that; at level 0 RSA 1024 and SHA-1 are
        accepted too.
    type: str
  client_cert:
    description:
      - A PEM file with the certificate to show if the relay asks for one, and with its chain.
    type: path
  client_key:
    description:
      - A PEM file with the key of O(client_cert). If not set, the key is looked for in O(client_cert).
    type: path
  client_key_password:
    description:
      - The password of O(client_key).
    type: str
  username:
    description:
      - Sign in as this user, with O(password) or O(access_token). With V(EXTERNAL), the user to act as; if not set, the
        one whom O(client_cert) names.
      - Credentials are sent once, inside verified TLS only. See O(validate_certs) and O(allow_plaintext_auth).
    type: str
  password:
    description:
      - The password to sign in with. It is tried once; after a refusal nothing is tried again, so that no account
        gets locked.
    type: str
  access_token:
    description:
      - The OAuth 2.0 access token to sign in with, by OAUTHBEARER or XOAUTH2. Excludes O(password).
    type: str
  auth_mechanisms:
    description:
      - The SASL mechanisms to use, best first. Known are V(SCRAM-SHA-256-PLUS), V(SCRAM-SHA-1-PLUS),
        V(SCRAM-SHA-256), V(SCRAM-SHA-1), V(CRAM-MD5), V(OAUTHBEARER), V(XOAUTH2), V(PLAIN), V(LOGIN), V(EXTERNAL),
        V(ANONYMOUS).
      - If not set, the first that the relay offers and the credentials fit, in this order. The C(-PLUS) mechanisms,
        V(EXTERNAL) (which needs O(client_cert)) and V(ANONYMOUS) are used only when named here.
      - The C(-PLUS) mechanisms bind the sign-in to the relay's certificate (C(tls-server-end-point), RFC 5929). In TLS
        1.3 some relays bind C(tls-exporter) alone, which Python's standard library does not have, and refuse it.
    type: list
    elements: str
  allow_plaintext_auth:
    description:
      - Send credentials without TLS, if O(tls) leads there. Whoever can read the network can read them.
    type: bool
    default: false
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
      - A dictionary of the attributes V(NAME), V(ADDR), V(PORT), V(PROTO), V(HELO), V(LOGIN), V(DESTADDR),
        V(DESTPORT).
    type: dict
  extra_commands:
    description:
      - Commands of your own, such as V(VRFY postmaster), given after signing in and before MAIL. C(extra_replies)
        has the answers, which decide nothing.
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
      - Seconds that one attempt may take as a whole, without the wait for the answer to the message.
    type: float
    default: 30
  connect_timeout:
    description:
      - Seconds that the TCP connection to one address may take.
    type: float
    default: 10
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
        that is unmet fails the check, one that could not be judged (the certificate's, without TLS) does not.
      - "C(capabilities), C(capabilities_absent): EHLO keywords that must (not) be offered, a list of words such as
        V(PIPELINING) or V(AUTH PLAIN). C(capabilities_before_tls), C(capabilities_before_tls_absent): the same, for
        the answer that came before STARTTLS."
      - "C(auth_mechanisms): mechanisms that must be offered, a list. C(auth_absent_before_tls): V(true) if AUTH must
        not be offered before TLS."
      - "C(tls_version_min): the oldest version that the session may use, such as V(TLSv1.3)."
      - "C(certificate_days_left): so many days of validity. C(certificate_names): a list of names that it must be
        valid for. C(public_key_min_bits): a number (for RSA), or a dictionary such as V({RSA: 2048, EC: 256})."
      - "C(greeting_matches): a regular expression. C(min_message_size): octets. C(max_seconds): how long the whole
        check may take."
      - "These look for themselves, on connections of their own, where no credential and no message goes out.
        C(tls_versions_refused): a list of TLS versions, such as V([TLSv1, TLSv1.1]), each of which is tried.
        C(tls_required): V(true) if MAIL must be refused in clear. C(auth_refused_in_clear): V(true) if AUTH must be.
        C(auth_required): an address of another domain, mail for which must be refused without a sign-in.
        C(relaying_refused): a dictionary of C(recipient), in a domain that the relay must not serve,
        C(control_recipient), which it accepts, and C(sender)."
      - "C(codes): the reply codes to get, a dictionary of stages (V(greeting), V(ehlo), V(starttls), V(auth),
        V(mail), V(rcpt), V(data), V(message)), each with one code or a list. With V({rcpt: [550, 554]}) a refusal is
        what passes. A refusal expected at V(rcpt) excludes O(send)."
    type: dict
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
                            name: {key: text for key, text in option.items() if key != "default"}
                            for name, option in yaml.safe_load(DOCUMENTATION)["options"].items()
                        },
                    },
                }
            }
        }
    )
