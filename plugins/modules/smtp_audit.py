#!/usr/bin/python
# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: smtp_audit
short_description: Ask a mail relay what those who mean ill would ask
version_added: 0.2.0
author:
  - postmaster.mailcheck contributors (@postmaster-mailcheck)
description:
  - Puts questions to a relay, or to many side by side, probe by probe. Does it relay for strangers, tell who has a mailbox, take passwords in
    clear, keep what it announces? Each probe ends as V(pass), V(finding) or V(unknown), with its own dialogue.
  - What the relay refuses for now, or because of who asks (a block list), is V(unknown), never V(pass). Each probe is
    framed by controls, commands that any relay obeys.
  - Only what draws no error is asked by default. The rest takes O(intensity), and the relay in O(authorised).
  - No credential but made up ones is used at the relays, and no message is sent but by intrusive probes, to
    O(mailbox_recipient) and, where O(outside_mailbox) is given, to O(outside_recipient). V(421) to a connection ends
    the audit of that relay.
  - Several relays are given as O(hosts), or as O(endpoints) with options of their own. Each has its budget for itself, RV(plan),
    and sees one connection at a time, also where it is named twice. One that hangs or breaks off disturbs no other.
extends_documentation_fragment:
  - postmaster.mailcheck.attributes
  - postmaster.mailcheck.connection
  - postmaster.mailcheck.audit
  - postmaster.mailcheck.audit.endpoints
attributes:
  check_mode:
    details:
      - Nothing is connected to. RV(plan) says what the audit would come to.
requirements:
  - Python 3.8 or newer on the host where the module runs. Nothing but its standard library is needed there.
notes:
  - Everything happens on the host where the module runs, and every path is a path of that host. Where that is decides,
    since relays trust their own networks. Ask from outside.
  - The task fails on a finding of severity C(high) or C(medium), and where the RV(verdict) is any other but V(passed),
    V(not_checked) among them, since an audit that could judge nothing shows nothing good. What was learned is returned
    then, too.
  - Ask only relays that you may ask.
options:
  host:
    description:
      - The relay, if it is one. A host name, an IPv4 or an IPv6 address.
    type: str
  hosts:
    description:
      - The relays, if they are several, each as V(host) or V(host:port); an IPv6 address with a port is written
        V([2001:db8::25]:587).
    type: list
    elements: str
    default: []
  authorised:
    description:
      - The relays that are yours to probe, or whose owners have agreed, each as in O(host), or with its port as in
        V(relay.example.com:25). Beyond O(intensity=safe) a relay that is not one of them is refused as input, because what
        is asked then draws errors, and looks like an attack in its log.
    type: list
    elements: str
    default: []
  mailbox:
    description:
      - Where mail to O(mailbox_recipient) arrives, with the options of M(postmaster.mailcheck.wait_for_mail) by which
        that is reached. With O(intensity=intrusive) it proves by messages where the relay ends one, V(smuggling), and
        with O(outside_mailbox) whether it relays, V(relaying).
    type: dict
    suboptions: &mailbox
      host:
        description: The server of the mailbox.
        type: str
      protocol:
        description: How the mailbox is reached.
        type: str
        choices: [imap, pop3, maildir]
        default: imap
      path:
        description: The folder of the Maildir, with V(maildir).
        type: path
      port:
        description: The server's TCP port. If not set, the usual one of protocol and TLS.
        type: int
      tls:
        description: When TLS begins.
        type: str
        choices: [implicit, starttls, none]
        default: implicit
      ca_path:
        description: A PEM file with the certificate authorities to trust, or a folder of such files.
        type: path
      validate_certs:
        description: Whether the certificate has to be good.
        type: bool
        default: true
      username:
        description: Whose mailbox it is.
        type: str
      password:
        description: The password.
        type: str
      access_token:
        description: An OAuth 2.0 access token, in place of a password.
        type: str
      folders:
        description: Folders to look in besides the inbox and that for spam.
        type: list
        elements: str
        default: []
  outside_mailbox:
    description:
      - Where mail to O(outside_recipient) arrives, as O(mailbox). With O(intensity=intrusive), envelopes that the relay
        took at RCPT get a message each; what arrives here was relayed.
    type: dict
    suboptions: *mailbox
  arrival_timeout:
    description:
      - Seconds to wait for messages to arrive, once all are sent.
    type: float
    default: 60
  concurrency:
    description:
      - How many relays to ask at once. Each sees one connection at a time.
    type: int
    default: 200
  deadline:
    description:
      - Seconds that the whole task may take. What is under way then ends with what it has learned, and what was not
        begun is reported as V(not_checked).
    type: float
  details:
    description:
      - Which probes of several relays come with their dialogues, V(failures) (those that did not pass), V(all), or V(none).
        A single relay's always do.
    type: str
    choices: [failures, all, none]
    default: failures
seealso:
  - module: postmaster.mailcheck.smtp_check
  - module: postmaster.mailcheck.domain_check
"""

EXAMPLES = r"""
- name: What can be asked without drawing an error
  postmaster.mailcheck.smtp_audit:
    host: mx.example.com
  delegate_to: localhost

- name: Is it an open relay, and does it tell who has a mailbox?
  postmaster.mailcheck.smtp_audit:
    host: mx.example.com
    intensity: active
    authorised: [mx.example.com]
    known_recipient: postmaster@example.com
    outside_recipient: audit@example.org
    probes: [relaying, vrfy, expn]
  delegate_to: localhost
  register: audited
  failed_when: false

- name: Show what was found
  ansible.builtin.debug:
    msg: "{{ audited.probes | selectattr('status', 'equalto', 'finding') | map(attribute='text') }}"

- name: Audit the whole fleet side by side
  postmaster.mailcheck.smtp_audit:
    hosts: "{{ groups['mail'] }}"
    endpoints:
      - host: mx.example.com
        labels: {site: north}
        known_recipient: postmaster@example.com
        outside_recipient: audit@example.org
        intensity: active
    authorised: [mx.example.com]
    deadline: 300
  delegate_to: localhost
  run_once: true
  register: fleet
  failed_when: fleet.endpoints is not defined

- name: Make an assessment of it, by the profile of hardened relays
  ansible.builtin.set_fact:
    assessment: "{{ fleet | postmaster.mailcheck.assess(profile=profile) }}"
  vars:
    profile: "{{ lookup('postmaster.mailcheck.profile', 'hardened-relay') }}"
"""

RETURN = r"""
changed:
  description: Whether the relay took a message; in check mode, whether it would be sent one.
  returned: always
  type: bool
msg:
  description:
    - The result in a few sentences. How many probes ended how; what ended the audit early; of each finding, the gravest
      first, what was seen, what it may lead to, and what to do next.
  returned: always
  type: str
  sample: >-
    mx.example.com:25: 1 finding (low), 8 passed, 0 unknown. expn (low): the known address was answered 250 user@example.com,
    one made up 550 Unknown. Strangers can find out who is on a list, or behind an alias. Next: Switch it off. Postfix has none;
    Exim: no acl_smtp_expn, which is the default.
host:
  description: The relay, as the DNS has it.
  returned: for a single relay
  type: str
port:
  description: Its port.
  returned: for a single relay
  type: int
address:
  description: The address of the first connection; V(null) if there was none.
  returned: for a single relay
  type: str
local_address:
  description: From where it was asked.
  returned: for a single relay
  type: str
intensity:
  description: As in O(intensity).
  returned: for a single relay
  type: str
checked_at:
  description: When the audit ended (UTC).
  returned: for a single relay
  type: str
seconds:
  description: How long it took, pauses included; V(null) if nothing was connected to.
  returned: for a single relay
  type: float
verdict:
  description:
    - V(failed), if there is a finding of severity C(high) or C(medium). Else, if the audit ended early, what a check says of
      the RV(cause). V(failed) if the relay refused us for good, V(deferred) if it put us off, V(unreachable) if it could
      not be reached; V(not_checked), in check mode and if it was stopped.
    - Else V(deferred), if the relay put off a control, a recipient that it should take; V(not_checked), if not one probe
      settled anything. Else V(passed), though some probes may be V(unknown).
  returned: for a single relay
  type: str
cause:
  description:
    - What ended the audit early, such as V(service_closing), or put it off, such as V(greylisted); V(nothing_settled), if
      all probes are V(unknown) for other reasons; V(null) if there is none of these.
  returned: for a single relay
  type: str
failure:
  description:
    - The RV(cause), with what it means and what to do next, as RV(postmaster.mailcheck.smtp_check#module:failure) has it.
      V(null) if there is none.
  returned: for a single relay
  type: dict
probes:
  description: What each probe came to, in the order in which they were made.
  returned: for a single relay
  type: list
  elements: dict
  contains:
    name:
      description: As in O(probes).
      type: str
    status:
      description: V(pass), V(finding) or V(unknown).
      type: str
    text:
      description: What was seen, or why nothing was settled.
      type: str
    severity:
      description: Of a finding, V(high), V(medium), V(low) or V(info); else V(null).
      type: str
    proof:
      description:
        - Of a finding, V(message) if a message that arrived shows it, V(reply) if the relay's answers do, V(none) if they
          only make it likely; else V(null).
      type: str
    meaning:
      description: Of a finding, what it may lead to; else empty.
      type: str
    remedy:
      description: Of a finding, what to do about it; else empty.
      type: str
    question:
      description: What the probe asks.
      type: str
    intensity:
      description: The least O(intensity) that it takes.
      type: str
    source:
      description: The standard, and its section.
      type: str
    left_to:
      description:
        - The program that alone can ask, C(sslyze). The probe is V(unknown) then, and its text says what to run;
          the filter C(with_sslyze) adds the answer. Else V(null).
      type: str
    dialogues:
      description:
        - What was said, connection by connection, as RV(postmaster.mailcheck.smtp_check#module:transcript) has it. Empty
          where the first connection showed it.
      type: list
      elements: list
not_asked:
  description:
    - The names of the probes that take a higher O(intensity). None where O(probes) chooses.
  returned: for a single relay
  type: list
  elements: str
not_made:
  description: The probes that O(intensity) allows and that lack options, each with C(name) and all that it C(lacks).
  returned: for a single relay
  type: list
  elements: dict
endpoints:
  description:
    - One row a relay, in the order of O(hosts), O(endpoints), with all that is returned of a single relay but RV(engine), and
      C(name), C(labels) and C(input) as M(postmaster.mailcheck.smtp_sweep) returns them. O(details) decides which dialogues
      come with it.
  returned: for several relays
  type: list
  elements: dict
plan:
  description:
    - What the audit comes to at most, C(connections), C(errors), C(messages), and, for a single relay, its C(probes).
  returned: if the options make sense
  type: dict
summary:
  description:
    - Of a single relay, how many C(probes) there are by status, and C(findings) by severity.
    - Of several, how many C(endpoints); C(verdicts), C(causes) of what did not pass, and C(findings) by severity, each with
      how often; C(found) and C(not_judged), the probes that found something and those that settled nothing or lacked an
      option, without those of C(left_to), each with how often; C(seconds).
  returned: if the options make sense
  type: dict
transcript:
  description: The dialogue of the first connection.
  returned: for a single relay
  type: list
  elements: dict
engine:
  description: What did the asking, as M(postmaster.mailcheck.smtp_check) returns it.
  returned: if the options make sense
  type: dict
"""

from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.check import audit, audit_relays
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.options import AUDIT_OPTIONS, FLEET_OPTIONS
from ansible_collections.postmaster.mailcheck.plugins.module_utils._module_support import Module, run

if TYPE_CHECKING:
    from typing import Any, Dict, Optional

SPEC = {"host": {"type": "str"}, **FLEET_OPTIONS, **AUDIT_OPTIONS}


def work(host: Optional[str], **options: Any) -> Dict[str, Any]:
    """Audit the one relay, or all that are named."""
    if host is None:
        return audit_relays(**options)
    return audit(host, **{name: value for name, value in options.items() if name not in FLEET_OPTIONS})


def passed(report: Dict[str, Any]) -> bool:
    verdicts = {report["verdict"]} if "verdict" in report else {*report["summary"]["verdicts"]}
    return verdicts == {"passed"}


def main(in_process: bool = False) -> None:
    module = Module(
        argument_spec=SPEC,
        supports_check_mode=True,
        required_one_of=[("host", "hosts", "endpoints")],
        mutually_exclusive=[("host", "hosts"), ("host", "endpoints")],
    )
    run(module, work, lambda report: module.check_mode or passed(report), in_process)


if __name__ == "__main__":
    main()
