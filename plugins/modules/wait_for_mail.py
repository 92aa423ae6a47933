#!/usr/bin/python
# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: wait_for_mail
short_description: Wait for a message to arrive in a mailbox, and tell how it came
version_added: 0.2.0
author:
  - postmaster.mailcheck contributors (@postmaster-mailcheck)
description:
  - Looks into a mailbox by IMAP or POP3, or into a Maildir, until the message with a token is there, or has come back
    as a bounce, or the time is up. The token is what M(postmaster.mailcheck.smtp_check) puts into the messages it sends.
  - Returns where it arrived and after how long, the hops it came over, what the receiver says of SPF, DKIM and DMARC,
    and what filters say.
  - Only what came after a state that was noted before is looked at, by the headers of new messages. Nothing is changed
    or marked as read, and nothing deleted but what O(delete) and O(delete_older_than) ask for.
  - A mailbox that could not be looked at is C(unreachable). Whether the message arrived is not known then, and never
    said.
extends_documentation_fragment:
  - postmaster.mailcheck.attributes
  - postmaster.mailcheck.connection
  - postmaster.mailcheck.session
requirements:
  - Python 3.8 or newer on the host where the module runs. Nothing but its standard library is needed there.
  - dkimpy on that host, if DKIM signatures are to be verified there, too.
notes:
  - Everything happens on the host where the module runs, and every path is a path of that host.
  - Credentials are tried once. POP3 shows only what was there when a session began, so each look signs in anew; so does
    a connection that was lost.
  - The times in RV(trace) are those of the servers' own clocks, and what it tells of TLS is what each receiving server
    claims.
attributes:
  check_mode:
    details:
      - Nothing is deleted; RV(deleted) and RV(changed) tell what would be.
options:
  host:
    description:
      - The server of the mailbox. A host name, an IPv4 or an IPv6 address. Not for O(protocol=maildir).
    type: str
  protocol:
    description:
      - How the mailbox is reached. V(maildir) is a folder on the host where the module runs.
      - V(pop3) knows INBOX only, and no age of messages.
    type: str
    choices: [imap, pop3, maildir]
    default: imap
  path:
    description:
      - The Maildir, for O(protocol=maildir).
    type: path
  port:
    description:
      - The server's TCP port.
      - If not set, it is V(993) for IMAP and V(995) for POP3, or V(143) and V(110) without O(tls=implicit).
    type: int
  tls:
    description:
      - V(implicit) begins with TLS at once; V(starttls) demands STARTTLS (STLS with POP3), and ends if it is not offered
        or fails; V(none) never uses TLS, see O(allow_plaintext_auth).
    type: str
    choices: [implicit, starttls, none]
    default: implicit
  token:
    description:
      - What finds the message, RV(postmaster.mailcheck.smtp_check#module:message.token). It is looked for in the header
        C(X-Mailcheck-Token), and as the left side of the C(Message-ID).
      - Without a token, and without O(tokens) and O(sent), nothing is looked for. Then only RV(mailbox_state) is returned.
    type: str
  tokens:
    description:
      - Tokens of several messages, which are looked for in one session. RV(messages) has the facts of each.
    type: list
    elements: str
    default: []
  sent:
    description:
      - What M(postmaster.mailcheck.smtp_check) returned when it sent the message. The token is taken from it, and if the
        message does not arrive, its relay, time and queue id are told.
    type: dict
  message_id:
    description:
      - The C(Message-ID) of the message, where it is not made of the token. Bounces are known by it, too.
    type: str
  envelope_id:
    description:
      - The envelope id (C(ENVID)) that the message was sent with; a bounce that has it is its bounce.
    type: str
  recipient:
    description:
      - The recipient of the message. A bounce that returns no header is known by it, if it came after O(since).
    type: str
  since:
    description:
      - What this module returned without a token before the message was sent, or RV(mailbox_state) alone. Only what came
        later is looked at.
      - If not set, the latest 200 messages of each folder are looked at, and the server is asked for the token in older
        ones, which takes it long in a large mailbox.
      - If a folder was made anew since (its C(UIDVALIDITY) differs), it is looked through by the token, with a warning.
    type: dict
    aliases: [state]
  folders:
    description:
      - Folders to look into besides INBOX and the one for spam, which is known by its flag (RFC 6154) or its name.
    type: list
    elements: str
    default: []
  trusted_authserv_ids:
    description:
      - The names (RFC 8601, C(authserv-id)) of servers whose C(Authentication-Results) are believed. Anybody can write
        such a header, so without a name here RV(authentication.state) is V(not_determined).
      - Their results are believed above the server's own Received line. Where milters write just below it, a sender may do
        so, too. Such results are believed with a warning. The server has to remove what comes in its name (RFC 8601 5).
      - Spam headers are believed above the Received lines of these servers.
    type: list
    elements: str
    default: []
    aliases: [authserv_ids]
  delete:
    description:
      - Delete the message once it is found, its copies, and reports about it. Nothing else is ever expunged; where the
        server cannot expunge single messages (UIDPLUS), ours are only marked. A bounce that only O(recipient) tells
        stays, since it may be about another message.
    type: bool
    default: false
  delete_older_than:
    description:
      - Delete messages with a token of M(postmaster.mailcheck.smtp_check) that are older than so many seconds, left over
        from earlier runs.
    type: float
  poll_interval:
    description:
      - Seconds between two looks.
    type: float
    default: 2.0
  timeout:
    description:
      - Seconds to wait for the message, connecting and signing in included.
    type: float
    default: 120.0
  expect:
    description:
      - What to expect of the message; RV(rules) tells what became of it.
      - A rule set to V(null) is not judged.
    type: dict
    suboptions:
      arrived_within:
        description:
          - How many seconds the message may take.
        type: float
      folder:
        description:
          - The folder in which it must arrive, or V(junk) for the one for spam.
        type: str
      bounce:
        description:
          - V(true) if the message is to come back, or a dictionary of C(status), C(cause) and C(within) (seconds); then it
            passes without an arrival. V(false) if no bounce may come.
        type: raw
      dkim:
        description:
          - Results of DKIM of which one must be found, such as V(pass).
        type: list
        elements: str
      spf:
        description:
          - Results of SPF of which one must be found, such as V(pass).
        type: list
        elements: str
      dmarc:
        description:
          - Results of DMARC of which one must be found, such as V(pass).
        type: list
        elements: str
      tls_on_every_hop:
        description:
          - Whether every hop over a network must have been encrypted.
        type: bool
      spam:
        description:
          - Whether a filter must flag the message as spam.
        type: bool
seealso:
  - module: postmaster.mailcheck.smtp_check
  - module: ansible.builtin.wait_for
    description: Waits for a port to open, whatever speaks there.
"""

EXAMPLES = r"""
- name: Note what is in the mailbox
  postmaster.mailcheck.wait_for_mail:
    host: imap.example.com
    username: probe@example.com
    password: "{{ probe_password }}"
  register: before

- name: Send a test message
  postmaster.mailcheck.smtp_check:
    host: relay.example.com
    sender: probe@example.com
    recipients:
      - probe@example.com
    send: true
  register: relay

- name: Wait until it has arrived in INBOX, encrypted all the way
  postmaster.mailcheck.wait_for_mail:
    host: imap.example.com
    username: probe@example.com
    password: "{{ probe_password }}"
    sent: "{{ relay }}"
    since: "{{ before }}"
    timeout: 60
    trusted_authserv_ids:
      - mx.example.com
    expect:
      folder: INBOX
      dkim: pass
      tls_on_every_hop: true
    delete: true

- name: Wait for the bounce of a message to nobody
  postmaster.mailcheck.wait_for_mail:
    host: imap.example.com
    username: probe@example.com
    password: "{{ probe_password }}"
    sent: "{{ relay }}"
    since: "{{ before }}"
    expect:
      bounce:
        status: 5.1.1
        within: 60

- name: Look for the messages of a whole fleet in one session
  postmaster.mailcheck.wait_for_mail:
    host: imap.example.com
    username: probe@example.com
    password: "{{ probe_password }}"
    since: "{{ before }}"
    tokens: "{{ fleet.endpoints | map(attribute='message.token') | list }}"

- name: Look into a Maildir of this host
  postmaster.mailcheck.wait_for_mail:
    protocol: maildir
    path: /home/probe/Maildir
    token: "{{ relay.message.token }}"
"""

RETURN = r"""
msg:
  description: One sentence. The mailbox, what became of the message, and the next step.
  returned: always
  type: str
  sample: "imap.example.com:993: arrived in INBOX after 2.3 s over 3 hops, all encrypted, DKIM valid."
changed:
  description: Whether something was deleted, or in check mode would be.
  returned: always
  type: bool
  sample: false
verdict:
  description:
    - V(passed), if every message arrived and every expectation is met.
    - V(failed), if one did not arrive in time, came back, or is not as expected.
    - V(unreachable), if the mailbox could not be looked at. Nothing is known of the message then.
    - V(not_checked), if a signal ended the wait.
  returned: if the options make sense
  type: str
  choices: [passed, failed, unreachable, not_checked]
  sample: passed
failure:
  description: Why the verdict is not V(passed); V(null) if it is.
  returned: if the options make sense
  type: dict
  contains:
    stage:
      description: Where it failed, such as V(connect), V(tls), V(auth), V(folder) or V(find).
      type: str
      sample: find
    cause:
      description: What kind of failure it is, one word of a closed list.
      type: str
      sample: mail_not_found
    enhanced_code:
      description: The enhanced status code of a bounce.
      type: str
      sample: 5.1.1
    text:
      description: The server's own words, or what was seen instead.
      type: str
      sample: nothing with token 0123456789abcdef0123456789abcdef in INBOX, Junk within 60 s
    recipient:
      description: The recipient that a bounce is about.
      type: str
      sample: nobody@example.net
    facts:
      description: What else a bounce's words hold, as with M(postmaster.mailcheck.smtp_check).
      type: dict
    explanation:
      description: What that means.
      type: str
      sample: The message did not arrive in the time that was given to it.
    hint:
      description: What to do next, and where the documentation has more about this cause.
      type: str
      sample: Look for it in the queue and the log of the server that took it.
host:
  description: The server of the mailbox, or the path of a Maildir.
  returned: if the options make sense
  type: str
  sample: imap.example.com
port:
  description: The port; V(null) for a Maildir.
  returned: if the options make sense
  type: int
  sample: 993
protocol:
  description: How the mailbox was reached.
  returned: if the options make sense
  type: str
  sample: imap
address:
  description: The address that answered; V(null) if none did.
  returned: if the options make sense
  type: str
  sample: 192.0.2.143
checked_at:
  description: When the wait ended, in UTC.
  returned: if the options make sense
  type: str
  sample: '2026-11-28T12:00:04Z'
addresses_tried:
  description: Every address that was tried in the last connection that was made.
  returned: if the options make sense
  type: list
  elements: dict
  sample: [{address: 192.0.2.143, outcome: connected, seconds: 0.0012}]
  contains:
    address:
      description: The address.
      type: str
    outcome:
      description: V(connected), or the cause of the failure.
      type: str
    seconds:
      description: How long it took.
      type: float
tls:
  description: The TLS session, as with M(postmaster.mailcheck.smtp_check); V(null) if there was none.
  returned: if the options make sense
  type: dict
auth:
  description: The sign-in; V(null) if there was none.
  returned: if the options make sense
  type: dict
  contains:
    mechanism:
      description: The SASL mechanism, V(LOGIN command), or V(USER and PASS).
      type: str
      sample: SCRAM-SHA-256
    accepted:
      description: Whether the server accepted it.
      type: bool
    text:
      description: The server's words.
      type: str
      sample: Logged in
capabilities:
  description: What the server says it can do, once signed in.
  returned: if the options make sense
  type: list
  elements: str
  sample: [IMAP4REV1, UIDPLUS]
folders:
  description: The folders that were looked into.
  returned: if the options make sense
  type: list
  elements: str
  sample: [INBOX, Junk]
mailbox_state:
  description:
    - The state of each folder, for O(since) of a later task. Empty where something was looked for.
    - It holds numbers and names that tell what comes later. With IMAP C(uidvalidity), C(uidnext) and C(messages).
    - In a Maildir C(messages), C(newest) (when the newest was delivered, in nanoseconds, and a minute ago at the latest),
      and C(newest_names) (the files that are no older).
  returned: if the options make sense
  type: dict
  sample: {INBOX: {uidvalidity: 1700000000, uidnext: 4711, messages: 12}}
found:
  description:
    - Whether the message arrived; with several tokens, whether all did. V(null) if that is not known.
  returned: if the options make sense
  type: bool
  sample: true
mailbox:
  description:
    - The folder that it arrived in. This and what follows is V(null) if nothing, or more than one message, was looked
      for; RV(messages) has it for each.
  returned: if the options make sense
  type: str
  sample: INBOX
junk:
  description: Whether that is the folder for spam.
  returned: if the options make sense
  type: bool
  sample: false
seconds:
  description: Seconds from the beginning of the wait until it was seen.
  returned: if the options make sense
  type: float
  sample: 2.317
arrived_at:
  description: When it arrived, by the mailbox; V(null) if it does not say.
  returned: if the options make sense
  type: str
  sample: '2026-11-28T12:00:02Z'
trace:
  description: The way that it came, from its C(Received) lines. What servers wrote before the receiver may be forged.
  returned: if the options make sense
  type: dict
  contains:
    hops:
      description: The hops, in the order of travel. V(null) is what a server does not say.
      type: list
      elements: dict
      contains:
        from:
          description: The name that the client gave itself.
          type: str
          sample: relay.example.com
        address:
          description: The client's address.
          type: str
          sample: 192.0.2.7
        by:
          description: The server that wrote the line.
          type: str
          sample: mx.example.net
        with:
          description: The protocol, as the server calls it.
          type: str
          sample: ESMTPS
        tls:
          description: Whether it claims that TLS was spoken.
          type: bool
          sample: true
        tls_version:
          description: The version of TLS.
          type: str
          sample: TLSv1.3
        cipher:
          description: The cipher suite.
          type: str
          sample: TLS_AES_256_GCM_SHA384
        id:
          description: By which the server's log knows the message.
          type: str
          sample: 4XyZ12abcd
        local:
          description: Whether the message came over no network, or within one host.
          type: bool
          sample: false
        time:
          description: When, by the server's clock, in UTC.
          type: str
          sample: '2026-11-28T12:00:01Z'
        delay:
          description: Seconds since the hop before; negative where clocks differ.
          type: float
          sample: 1.0
    seconds:
      description: Seconds from the first hop to the last; V(null) if clocks differ.
      type: float
      sample: 2.0
    encrypted:
      description: Whether every hop over a network claims TLS; V(null) if one does not say.
      type: bool
      sample: true
    problems:
      description: What is odd about the lines, such as clocks that differ.
      type: list
      elements: str
      sample: []
authentication:
  description: What the receiver found when it authenticated the message (RFC 8601).
  returned: if the options make sense
  type: dict
  contains:
    state:
      description: V(present), V(absent) (there are no results), or V(not_determined).
      type: str
      sample: present
    reason:
      description: Why it is not determined; if it is V(present), why the sender may have written it all the same.
      type: str
      sample: ''
    authserv_id:
      description: The server whose results these are.
      type: str
      sample: mx.example.net
    dkim:
      description: The result of DKIM; V(pass) if one signature holds.
      type: str
      sample: pass
    spf:
      description: The result of SPF.
      type: str
      sample: pass
    dmarc:
      description: The result of DMARC.
      type: str
      sample: pass
    methods:
      description: Every method with its result, and what it is about.
      type: list
      elements: dict
      contains:
        method:
          description: The method.
          type: str
          sample: dkim
        result:
          description: Its result.
          type: str
          sample: pass
        properties:
          description: What was examined, each with C(name) and C(value).
          type: list
          elements: dict
          sample: [{name: header.d, value: example.com}]
spam:
  description: What the receiver's filters have written into the message.
  returned: if the options make sense
  type: dict
  contains:
    state:
      description: V(present) or V(absent).
      type: str
      sample: present
    flagged:
      description: Whether a filter takes it for spam; V(null) if none says.
      type: bool
      sample: false
    score:
      description: The score of the topmost filter.
      type: float
      sample: 0.5
    threshold:
      description: The score from which on that filter flags.
      type: float
      sample: 5.0
    filters:
      description: Every filter, with C(filter), C(flagged), C(score), C(threshold) and C(text), its own words.
      type: list
      elements: dict
      sample: [{filter: spamassassin, flagged: false, score: 0.5, threshold: 5.0, text: 'No, score=0.5 required=5.0'}]
dkim:
  description: The topmost DKIM signature, verified on the host where the module runs, if dkimpy is installed there.
  returned: if the options make sense
  type: dict
  contains:
    state:
      description: V(present), V(absent) (there is no signature), or V(not_determined).
      type: str
      sample: present
    reason:
      description: Why it is not determined, or does not hold.
      type: str
      sample: ''
    valid:
      description: Whether it holds, by the key that the DNS has now.
      type: bool
      sample: true
    domain:
      description: The domain that signed.
      type: str
      sample: example.com
    selector:
      description: The selector of the key.
      type: str
      sample: s1
bounce:
  description: The bounce of the message (RFC 3464); V(null) if none came.
  returned: if the options make sense
  type: dict
  contains:
    action:
      description: What the server did, V(failed).
      type: str
      sample: failed
    status:
      description: The enhanced status code, as it stands in the report.
      type: str
      sample: 5.1.1
    diagnostic_code:
      description: The words of the server that refused it.
      type: str
      sample: smtp; 550 5.1.1 User unknown
    reporting_mta:
      description: The server that wrote the bounce.
      type: str
      sample: relay.example.com
    remote_mta:
      description: The server that refused the message.
      type: str
      sample: mx.example.net
    final_recipient:
      description: The recipient, as the reporting server knew it.
      type: str
      sample: nobody@example.net
    original_recipient:
      description: The recipient, as the sender gave it.
      type: str
      sample: nobody@example.net
    envelope_id:
      description: The envelope id that the message was sent with.
      type: str
      sample: env-1
    language:
      description: The language that the bounce is written in, where it says.
      type: str
      sample: en
    cause:
      description: What kind of failure it is, by the server's words; where they say nothing, by the status.
      type: str
      sample: mailbox_unknown
    seconds:
      description: Seconds from the beginning of the wait until it was seen.
      type: float
      sample: 3.4
    explanation:
      description: What the cause means.
      type: str
      sample: The relay knows no mailbox of this address.
    hint:
      description: What to do about it.
      type: str
      sample: Check the address; if it is right, the relay's recipient table is behind.
notices:
  description:
    - Other reports about the message, each with C(kind) (V(delay), V(auto_reply) or V(success)) and the keys of
      RV(bounce) up to C(cause). None of them is a bounce.
  returned: if the options make sense
  type: list
  elements: dict
  sample: []
rules:
  description: What became of each expectation, as with M(postmaster.mailcheck.smtp_check).
  returned: if the options make sense
  type: list
  elements: dict
  sample: []
messages:
  description:
    - Every message that was looked for, with C(token), C(found) and all that is above from RV(mailbox) to RV(rules).
  returned: if the options make sense
  type: list
  elements: dict
  sample: [{token: 0123456789abcdef0123456789abcdef, found: true, mailbox: INBOX, seconds: 2.317}]
deleted:
  description: How many messages were deleted, or in check mode would be.
  returned: if the options make sense
  type: int
  sample: 0
engine:
  description: What did the work.
  returned: if the options make sense
  type: dict
  sample: {version: 0.2.0, python: 3.11.7, openssl: OpenSSL 3.0.11 19 Sep 2023, host: bastion, in_process: false}
"""

from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.request import EXPECT_OPTIONS, OPTIONS
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.wait import wait_for_mail
from ansible_collections.postmaster.mailcheck.plugins.module_utils._module_support import Module, run, with_rules

SPEC = with_rules(OPTIONS, EXPECT_OPTIONS)


def main(in_process: bool = False) -> None:
    module = Module(argument_spec=SPEC, supports_check_mode=True)
    run(module, wait_for_mail, lambda report: report["verdict"] == "passed", in_process)


if __name__ == "__main__":
    main()
