#!/usr/bin/python
# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: smtp_check
short_description: Check a mail relay and return what it says as facts
version_added: 0.1.0
author:
  - postmaster.mailcheck contributors (@postmaster-mailcheck)
description:
  - Connects to one mail relay by SMTP (or LMTP), negotiates TLS and judges the certificate, and, as far as the
    options ask for it, signs in, tries a sender and recipients, and sends a test message.
  - Returns what was learned as facts. The relay's greeting, its capabilities, the TLS session and its certificates,
    every reply code, the time each stage took, and the whole dialogue.
  - Where the relay does not pass, RV(failure) names the cause, the relay's own words, what they mean, and what to do
    next.
extends_documentation_fragment:
  - postmaster.mailcheck.attributes
  - postmaster.mailcheck.connection
  - postmaster.mailcheck.session
  - postmaster.mailcheck.smtp
attributes:
  check_mode:
    details:
      - All is done that changes nothing. With O(send=true) the check ends before the message, says so by a warning,
        and reports RV(changed) as the real run would. O(extra_commands) are not given.
options:
  host:
    description:
      - The relay. A host name, an IPv4 or an IPv6 address, or with O(protocol=lmtp) the path of a Unix socket.
    type: str
    required: true
  transcript:
    description:
      - When to return RV(transcript).
    type: str
    choices: [always, on_failure, never]
    default: always
seealso:
  - module: community.general.mail
    description: Sends mail from a playbook, which is another purpose than checking the relay.
  - module: community.crypto.get_certificate
    description: Fetches certificates from services other than mail.
  - module: ansible.builtin.wait_for
    description: Waits for a port to open, whatever speaks there.
"""

EXAMPLES = r"""
- name: Connect, negotiate STARTTLS, verify the certificate
  postmaster.mailcheck.smtp_check:
    host: relay.example.com
  register: relay

- name: Warn a month before the certificate expires
  ansible.builtin.debug:
    msg: "{{ relay.host }} needs a new certificate: {{ relay.tls.certificate.days_left }} days left"
  when: relay.tls.certificate.days_left < 30

- name: Sign in at the submission port and send a test message
  postmaster.mailcheck.smtp_check:
    host: relay.example.com
    port: 587
    username: app@example.com
    password: "{{ app_mail_password }}"
    sender: app@example.com
    recipients:
      - postmaster@example.com
    send: true
    test_message:
      subject: "Test message from {{ inventory_hostname }}"

- name: Ask which recipients the relay would take, without sending anything
  postmaster.mailcheck.smtp_check:
    host: relay.example.com
    sender: app@example.com
    recipients:
      - postmaster@example.com
      - alerts@example.com

- name: See that the relay carries no strangers' mail (the refusal is what passes)
  postmaster.mailcheck.smtp_check:
    host: mx.example.com
    sender: stranger@example.org
    recipients:
      - somebody@example.net
    expect:
      codes:
        rcpt: [550, 554]

- name: See that the relay offers what the applications need
  postmaster.mailcheck.smtp_check:
    host: relay.example.com
    port: 587
    expect:
      auth_absent_before_tls: true
      auth_mechanisms: [SCRAM-SHA-256]
      tls_version_min: TLSv1.3
      certificate_days_left: 21
      min_message_size: 25000000

- name: See that the relay enforces what it should (each rule tries it on a connection of its own)
  postmaster.mailcheck.smtp_check:
    host: mx.example.com
    expect:
      tls_versions_refused: [TLSv1, TLSv1.1]
      auth_refused_in_clear: true
      relaying_refused:
        recipient: somebody@example.net
        control_recipient: postmaster@example.com

- name: Wait up to two minutes for a relay that has just been deployed
  postmaster.mailcheck.smtp_check:
    host: relay.example.com
    retry_for: 120

- name: Speak TLS from the first octet (port 465), to a relay with a private authority
  postmaster.mailcheck.smtp_check:
    host: relay.example.com
    tls: implicit
    ca_path: /etc/ssl/certs/example-internal-ca.pem

- name: Ask a mail store, by LMTP on its socket, whether it knows a mailbox
  postmaster.mailcheck.smtp_check:
    host: /run/dovecot/lmtp
    protocol: lmtp
    sender: ''
    recipients:
      - app@example.com

- name: Report a relay that puts us off, and fail only where it refuses
  postmaster.mailcheck.smtp_check:
    host: relay.example.com
  register: relay
  failed_when: relay.verdict | default('failed') not in ['passed', 'deferred']

- name: Tell why a relay fails, and go on
  block:
    - name: Check the relay
      postmaster.mailcheck.smtp_check:
        host: relay.example.com
  rescue:
    - name: Its cause, and the next step
      ansible.builtin.debug:
        msg:
          - "{{ ansible_failed_result.failure.cause }}: {{ ansible_failed_result.failure.explanation }}"
          - "{{ ansible_failed_result.failure.hint }}"
"""

RETURN = r"""
msg:
  description: One sentence. The relay, what became of the check, the relay's own words, and the next step.
  returned: always
  type: str
  sample: "relay.example.com:25: passed (TLSv1.3, verified)."
changed:
  description:
    - Whether the relay took a message, or may have taken one. In check mode, whether it would have been sent one.
  returned: always
  type: bool
  sample: false
host:
  description: The relay, as it was connected to.
  returned: if a check was made
  type: str
  sample: relay.example.com
port:
  description: The port that was connected to.
  returned: if a check was made
  type: int
  sample: 25
address:
  description: The address that answered; V(null) if none did.
  returned: if a check was made
  type: str
  sample: 192.0.2.25
local_address:
  description: The address that the connection came from; V(null) if there was none.
  returned: if a check was made
  type: str
  sample: 192.0.2.7
protocol:
  description: The protocol that was spoken, V(smtp) or V(lmtp).
  returned: if a check was made
  type: str
  sample: smtp
checked_at:
  description: When the check ended, in UTC.
  returned: if a check was made
  type: str
  sample: '2026-03-01T10:15:42Z'
addresses_tried:
  description: Every address that was tried, in order, over all attempts.
  returned: if a check was made
  version_added: 0.2.0
  type: list
  elements: dict
  sample: [{address: '2001:db8::25', outcome: connection_timed_out, seconds: 10.0004}]
  contains:
    address:
      description: The address.
      type: str
    outcome:
      description: V(connected), or the cause of the failure, or V(overtaken) by another address that answered first.
      type: str
    seconds:
      description: How long it took.
      type: float
attempts:
  description:
    - RV(addresses_tried) by its old name, which a task with C(until) overwrites by a number. It goes with version 0.3.0.
  returned: if a check was made
  type: list
  elements: dict
verdict:
  description:
    - V(passed), if all that was asked for succeeded and every expectation is met.
    - V(deferred), if the relay refuses for now (replies 4yz), and may not later.
    - V(failed), if it refuses for good, or anything else is wrong.
    - V(unreachable), if no octet came from it.
    - V(not_checked), if a signal ended the check before there was anything to say.
  returned: if a check was made
  type: str
  choices: [passed, deferred, failed, unreachable, not_checked]
  sample: passed
stage:
  description: The stage that the verdict rests on.
  returned: if a check was made
  type: str
  choices: [resolve, connect, greeting, ehlo, starttls, tls, xclient, auth, extra, mail, rcpt, data, message, quit]
  sample: ehlo
failure:
  description: Why the verdict is not V(passed); V(null) if it is.
  returned: if a check was made
  type: dict
  contains:
    stage:
      description: Where it failed.
      type: str
      sample: rcpt
    cause:
      description: What kind of failure it is, one word of a closed list.
      type: str
      sample: relay_denied
    code:
      description: The reply code; V(null) if no reply is the reason.
      type: int
      sample: 554
    enhanced_code:
      description: The enhanced status code, where the reply has one.
      type: str
      sample: 5.7.1
    text:
      description: The relay's own words, or what was seen instead.
      type: str
      sample: "5.7.1 <somebody@example.net>: Relay access denied"
    recipient:
      description: The recipient that was refused, where it is about one.
      type: str
      sample: somebody@example.net
    rule:
      description: >-
        The rule of O(expect) that is unmet, or whose own connection met with this, such as one whose control recipient was
        greylisted. V(null) if it befell the check itself.
      type: str
      sample: relaying_refused
      version_added: 0.2.0
    facts:
      description:
        - What else the relay's words hold, where they do. C(blocklist), the block list; C(client_address), the client as the
          relay sees it; C(limit), the number that was exceeded; C(policy), the mark of a policy; C(url), a page.
      type: dict
      sample: {blocklist: bl.example.org, client_address: 192.0.2.9, url: 'https://bl.example.org/192.0.2.9'}
      version_added: 0.2.0
    explanation:
      description: What that means.
      type: str
      sample: >-
        The relay does not carry mail for this recipient's domain from this client. 554: transaction failed, or refused
        by policy (refused for good); 5.7.1: delivery not authorised.
    hint:
      description:
        - What to do next, and where there is more about this cause. What C(mailcheck explain) says is also in
          C(docs/docsite/rst/causes.rst) of the collection.
        - Where a rule is unmet, what mends it.
      type: str
      sample: >-
        Sign in, use the submission port (587 or 465), or add the client's address to what the relay permits. More:
        mailcheck explain relay_denied
codes:
  description: The last reply code of each stage; for V(rcpt), of each recipient.
  returned: if a check was made
  type: dict
  sample: {greeting: 220, ehlo: 250, starttls: 220, mail: 250, rcpt: {postmaster@example.com: 250}, quit: 221}
greeting:
  description: The relay's greeting; V(null) if there was none.
  returned: if a check was made
  type: dict
  contains:
    code:
      description: Its reply code.
      type: int
      sample: 220
    text:
      description: Its text.
      type: str
      sample: relay.example.com ESMTP Postfix
    hostname:
      description: The name that the relay gives itself.
      type: str
      sample: relay.example.com
capabilities:
  description:
    - The EHLO keywords, upper case, each with its list of parameters; those inside TLS, if there was TLS. V(null) if
      there was no answer to EHLO.
    - At most 64 keywords with 32 parameters each. A warning tells what was left out, and rules judge all of it.
  returned: if a check was made
  type: dict
  sample: {PIPELINING: [], SIZE: ['10240000'], AUTH: [PLAIN, LOGIN], 8BITMIME: []}
capabilities_before_tls:
  description: The same, as it was before STARTTLS; V(null) if STARTTLS was not tried.
  returned: if a check was made
  type: dict
  sample: {PIPELINING: [], SIZE: ['10240000'], STARTTLS: [], 8BITMIME: []}
auth_mechanisms:
  description: The SASL mechanisms in RV(capabilities), upper case, in the relay's order.
  returned: if a check was made
  type: list
  elements: str
  sample: [PLAIN, LOGIN]
auth_mechanisms_before_tls:
  description: The SASL mechanisms in RV(capabilities_before_tls).
  returned: if a check was made
  type: list
  elements: str
  sample: []
max_message_size:
  description: The largest message that the relay takes, in octets. V(0) is no fixed limit, V(null) is not said.
  returned: if a check was made
  type: int
  sample: 10240000
tls:
  description: The TLS session; V(null) if there was none. It is there also when the certificate was not accepted.
  returned: if a check was made
  type: dict
  contains:
    version:
      description: The version agreed on; V(null) if the handshake ended before.
      type: str
      sample: TLSv1.3
    cipher:
      description: The cipher suite.
      type: str
      sample: TLS_AES_256_GCM_SHA384
    bits:
      description: The length of its key.
      type: int
      sample: 256
    group:
      description: The group of the key exchange, by its registered name; V(null) if it was not seen.
      type: str
      sample: x25519
    server_name:
      description: The name that was asked for, and held against the certificate.
      type: str
      sample: relay.example.com
    verified:
      description:
        - Whether the certificate was accepted, whatever O(validate_certs) says; V(null) if it could not be judged.
      type: bool
      sample: true
    verify_errors:
      description: Why it was not, as causes of RV(failure.cause), or V(not_determined).
      type: list
      elements: str
      sample: []
    certificate:
      description: The relay's own certificate; V(null) if it could not be read.
      type: dict
      contains: &certificate
        subject:
          description: The subject, as RFC 4514 writes it.
          type: str
          sample: CN=relay.example.com,O=Example
        issuer:
          description: The issuer, as RFC 4514 writes it.
          type: str
          sample: CN=Example CA,O=Example
        serial_number:
          description: The serial number in hexadecimal.
          type: str
          sample: 03A1F47B
        not_before:
          description: When its validity begins, in UTC.
          type: str
          sample: '2026-01-01T00:00:00Z'
        not_after:
          description: When its validity ends, in UTC.
          type: str
          sample: '2026-04-01T00:00:00Z'
        days_left:
          description: Whole days until then, negative once it has expired.
          type: int
          sample: 31
        subject_alt_names:
          description: The names that it is valid for, each with its kind.
          type: list
          elements: str
          sample: ['DNS:relay.example.com', 'IP:192.0.2.25']
        public_key:
          description: The key that it is for.
          type: dict
          contains:
            algorithm:
              description: The kind of key.
              type: str
              sample: EC
            bits:
              description: Its length; V(null) if unknown.
              type: int
              sample: 256
        signature_algorithm:
          description: How it is signed.
          type: str
          sample: ecdsa-with-SHA256
        sha256_fingerprint:
          description: The SHA-256 of the whole, in hexadecimal.
          type: str
          sample: 4f06f81de9a37a1d0b2e8b0f5c0d6f1a1a2b0b4c6f5be8f3fd1c2a3b4c5d6e7f
        public_key_sha256:
          description: The SHA-256 of the public key, as a TLSA record 3 1 1 has it.
          type: str
          sample: 9b2f6c1e3d4a5b6c7d8e9f00112233445566778899aabbccddeeff0011223344
        self_signed:
          description: Whether it is its own issuer.
          type: bool
          sample: false
    chain:
      description: All certificates that the relay sent, its own first; V(null) if they could not be read.
      type: list
      elements: dict
      contains: *certificate
    dane:
      description:
        - What the chain that the relay has sent comes to beside the TLSA records in O(tlsa), or those that were looked up for
          C(dane_valid) in O(expect), whether the handshake went on or not; V(null) without either.
      type: dict
      version_added: 0.2.0
      contains:
        outcome:
          description:
            - V(met) if one of the records holds, V(unmet) if none does or there is none, V(unknown) if that could not be told. Where no
              record is usable it is V(unmet); a sender that does DANE then encrypts and authenticates nobody (RFC 7672 2.2).
          type: str
          sample: met
        reason:
          description: Why it is not met, record by record; empty if it is.
          type: str
          sample: ''
        state:
          description:
            - V(given) by O(tlsa); else what the look-up came to, V(present), V(absent), V(bogus) or V(not_determined). In the last two
              cases a sender that does DANE defers (RFC 7672 2.1).
          type: str
          sample: present
        dnssec:
          description: What DNSSEC says of it, V(secure), V(insecure), V(bogus) or V(not_determined); V(null) if nothing was asked.
          type: str
          sample: secure
        base_domain:
          description: Whose records they are, the host or what it is an alias of; V(null) if nothing was asked.
          type: str
          sample: relay.example.com
        records:
          description: Each record.
          type: list
          elements: dict
          contains:
            usage:
              description: V(2) names an authority above the relay's certificate, V(3) its own; others are not for SMTP (RFC 7672 3.1).
              type: int
              sample: 3
            selector:
              description: V(0) names the certificate, V(1) its key (RFC 6698 2.1.2).
              type: int
              sample: 1
            matching_type:
              description: V(0) for the data itself, V(1) for its SHA-256, V(2) for its SHA-512 (RFC 6698 2.1.3).
              type: int
              sample: 1
            data:
              description: In hexadecimal.
              type: str
              sample: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
            outcome:
              description:
                - V(met), V(unmet), V(unknown), V(unusable), or V(passed_over) where a stronger digest stands beside it (RFC 7671 9).
              type: str
              sample: met
            reason:
              description: Why it is not met; empty if it is.
              type: str
              sample: ''
survey:
  description: What the closer look at TLS found; V(null) if O(survey) does not ask for it.
  returned: if a check was made
  type: dict
  contains:
    versions:
      description:
        - Each TLS version with V(accepted), V(refused), V(not_tried) where this OpenSSL cannot do it, or V(unknown).
      type: dict
      sample: {TLSv1: not_tried, TLSv1.1: not_tried, TLSv1.2: accepted, TLSv1.3: accepted}
    ciphers:
      description: Each TLS version with the cipher suite and the group that were agreed on, or V(null).
      type: dict
      sample: {TLSv1: null, TLSv1.1: null, TLSv1.2: {cipher: ECDHE-RSA-AES256-GCM-SHA384, group: null}, TLSv1.3: null}
    certificates:
      description:
        - The certificate for clients that take only RSA, or only ECDSA, as in RV(tls.certificate); V(null) if none.
      type: dict
      sample: {RSA: null, ECDSA: null}
    cipher_order:
      description: Whose order of ciphers counts, V(relay) or V(client); V(null) if it could not be told.
      type: str
      sample: relay
auth:
  description: The sign-in; V(null) if none was tried.
  returned: if a check was made
  type: dict
  contains:
    mechanism:
      description: The SASL mechanism that was used.
      type: str
      sample: PLAIN
    accepted:
      description: Whether the relay accepted the credentials.
      type: bool
      sample: true
    code:
      description: The reply code.
      type: int
      sample: 235
    enhanced_code:
      description: The enhanced status code, where the reply has one.
      type: str
      sample: 2.7.0
    text:
      description: The relay's own words.
      type: str
      sample: 2.7.0 Authentication successful
    server_error:
      description: What the server said of its refusal inside the dialogue (OAuth, SCRAM), name to text.
      type: dict
      sample: null
sender:
  description: The reverse-path of the envelope, as in O(sender); V(null) if there was none.
  returned: if a check was made
  type: str
  sample: app@example.com
  version_added: 0.2.0
extra_replies:
  description: The answers to O(extra_commands), in order.
  returned: if a check was made
  type: list
  elements: dict
  contains:
    command:
      description: The command.
      type: str
      sample: VRFY postmaster
    code:
      description: The reply code.
      type: int
      sample: 252
    enhanced_code:
      description: The enhanced status code, where the reply has one.
      type: str
      sample: 2.0.0
    text:
      description: The relay's own words.
      type: str
      sample: 2.0.0 postmaster
recipients:
  description: What became of each recipient, in the order given.
  returned: if a check was made
  type: list
  elements: dict
  contains:
    address:
      description: The recipient.
      type: str
      sample: postmaster@example.com
    code:
      description: The reply code.
      type: int
      sample: 250
    enhanced_code:
      description: The enhanced status code, where the reply has one.
      type: str
      sample: 2.1.5
    text:
      description: The relay's own words.
      type: str
      sample: 2.1.5 Ok
    outcome:
      description: What that means for this recipient.
      type: str
      choices: [accepted, deferred, rejected]
      sample: accepted
message:
  description: The message that was sent; V(null) if none was begun.
  returned: if a check was made
  type: dict
  contains:
    message_id:
      description: Its Message-ID; V(null) for a file without one.
      type: str
      sample: <5d41402abc4b2a76b9719d911017c592@example.com>
    token:
      description: What finds it again, the header C(X-Mailcheck-Token); V(null) for a file.
      type: str
      sample: 5d41402abc4b2a76b9719d911017c592
    size:
      description: Its size in octets.
      type: int
      sample: 512
    queue_id:
      description: The name under which the relay's log knows it, where its answer gives one.
      type: str
      sample: 4XyZ12abcd
    code:
      description: The reply code; V(null) if there was no reply.
      type: int
      sample: 250
    text:
      description: The relay's own words.
      type: str
      sample: '2.0.0 Ok: queued as 4XyZ12abcd'
timings:
  description:
    - The seconds that each stage took, and V(total). Those of the last attempt.
    - V(message) is how long the relay took to accept the message, from its last octet on.
  returned: if a check was made
  type: dict
  sample: {resolve: 0.0021, connect: 0.0104, greeting: 0.0117, ehlo: 0.0106, starttls: 0.0105, tls: 0.0131, total: 0.07}
rules:
  description: What became of each rule of O(expect).
  returned: if a check was made
  type: list
  elements: dict
  contains:
    id:
      description: The rule's name; for reply codes with the stage.
      type: str
      sample: codes.rcpt
    outcome:
      description: V(unknown) is a rule that could not be judged; C(text) ends with the reason, and a warning tells it.
      type: str
      choices: [met, unmet, unknown, waived]
      sample: met
    severity:
      description: How grave its breach is, V(high), V(medium) or V(low).
      type: str
      sample: high
    expected:
      description: What was expected.
      type: raw
      sample: [550, 554]
    observed:
      description: What was seen; V(null) if nothing was.
      type: raw
      sample: [554]
    text:
      description: The rule as a sentence.
      type: str
      sample: the reply code is one of 550, 554
    remedy:
      description: What to change where it is unmet.
      type: str
      sample: See codes and transcript for what the relay answered.
    stage:
      description: The stage that it looks at.
      type: str
      sample: tls
transcript:
  description:
    - The dialogue of the last attempt, in order, without secrets. V(null) if O(transcript) does not ask for it.
  returned: if a check was made
  type: list
  elements: dict
  sample: [{at: 0.0221, from: server, text: 220 relay.example.com ESMTP Postfix, tls: false}]
  contains:
    at:
      description: Seconds since the attempt began.
      type: float
    from:
      description: Who said it, V(client) or V(server).
      type: str
    text:
      description: What was said. Several lines for a reply of several lines.
      type: str
    tls:
      description: Whether it was said inside TLS.
      type: bool
rule_transcripts:
  description:
    - For each rule that was looked into on connections of its own, such as C(relaying_refused), what was said on each of
      them, as in RV(transcript), and shown where that is.
  returned: if a check was made
  type: dict
  sample: {}
  version_added: 0.2.0
engine:
  description: What did the checking. The same relay may look different to another OpenSSL.
  returned: if a check was made
  type: dict
  sample: {version: 0.2.0, python: 3.11.7, openssl: OpenSSL 3.0.11 19 Sep 2023, host: bastion, in_process: false}
  contains:
    version:
      description: The version of the collection.
      type: str
    python:
      description: The version of Python.
      type: str
    openssl:
      description: The version of the TLS library.
      type: str
    host:
      description: The host that it ran on, by its own name.
      type: str
      version_added: 0.2.0
    in_process:
      description: Whether the work was done in Ansible's own process on the controller, see the attribute C(action).
      type: bool
      version_added: 0.2.0
"""

from ansible_collections.postmaster.mailcheck.plugins.module_utils._module_support import Module, argument_spec, run
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.check import check

SPEC = argument_spec({"host": {"type": "str", "required": True}}, transcript="always")


def main(in_process: bool = False) -> None:
    module = Module(argument_spec=SPEC, supports_check_mode=True)
    run(module, check, lambda report: report["verdict"] == "passed", in_process)


if __name__ == "__main__":
    main()
