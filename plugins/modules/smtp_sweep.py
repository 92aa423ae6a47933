#!/usr/bin/python
# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: smtp_sweep
short_description: Check many mail relays at once
version_added: 0.1.0
author:
  - postmaster.mailcheck contributors (@postmaster-mailcheck)
description:
  - Checks any number of mail relays side by side in one task, each as M(postmaster.mailcheck.smtp_check) would, and
    returns one row a relay, every certificate once, and a summary.
  - The relays are given as O(hosts), as O(endpoints) with options of their own, or as O(domains), whose MX records
    name them. All other options are those of M(postmaster.mailcheck.smtp_check) and hold for every relay.
  - One relay that hangs, floods or resets neither delays nor falsifies another.
extends_documentation_fragment:
  - postmaster.mailcheck.attributes
  - postmaster.mailcheck.connection
  - postmaster.mailcheck.session
  - postmaster.mailcheck.smtp
  - postmaster.mailcheck.smtp.endpoints
attributes:
  check_mode:
    details:
      - All is done that changes nothing. With O(send=true) each check ends before the message, and RV(changed) is
        reported as the real run would.
requirements:
  - dnspython 2.6 or newer on the host where the module runs, if O(domains) is used.
notes:
  - Relays that are listed twice with the same options are probed once, and have a row each.
options:
  hosts:
    description:
      - Relays, each as V(host) or V(host:port); an IPv6 address with a port is written V([2001:db8::25]:587).
    type: list
    elements: str
    default: []
  domains:
    description:
      - Mail domains. Each address of each of their MX hosts becomes a row, the most preferred host first. A domain
        without MX records that has addresses is its own relay (RFC 5321, section 5.1).
      - Where there is nothing to connect to, the row says why. C(null_mx) if the domain takes no mail (RFC 7505),
        C(mx_missing) if it has neither MX records nor an address, C(mx_is_address) if an MX record holds an address
        instead of a name, C(mx_is_localhost) if a relay is V(localhost) or has an address of the loopback, C(name_not_found) if it, or a host that its MX
        records name, does not exist, and C(name_server_failed) if the DNS does not tell.
      - Relays found so get no credentials unless O(credentials_for) names them.
    type: list
    elements: str
    default: []
  credentials_for:
    description:
      - Which of the relays of O(domains) may be signed in to, by their names as the MX records give them. Without
        DNSSEC an MX record may be forged to name a relay of the forger's own, for which he has a valid certificate.
      - Each is a name such as V(mx1.example.com), or stands for one label by an asterisk as certificates do,
        V(*.example.com) for V(mx1.example.com) and neither V(example.com) nor V(a.mx1.example.com). The case of
        letters and a dot at the end do not count; a name that is not ASCII is its A-labels.
      - Needed where there are O(domains), and O(username), O(password), O(access_token) or O(auth_mechanisms) for all
        relays. Relays of O(hosts) and O(endpoints), which you have named yourself, are not held against it.
      - The check of a relay that is not named ends before the sign-in, and fails with
        C(credentials_not_for_relay).
      - A certificate by O(client_cert) is shown to whichever relay asks for one. It says who you are, and proves
        it to this relay alone; neither its key nor O(client_key_password) leaves the host.
    type: list
    elements: str
    default: []
    version_added: 0.2.0
  all_addresses:
    description:
      - Give each address of a host a row of its own, so that one broken member behind a name shows. Relays of
        O(domains) always have.
    type: bool
    default: false
  mx_per_domain:
    description:
      - How many relays of one domain to check, by the preference of its MX records. Who owns the domain decides how
        many it has. RV(summary.left_out) and a warning tell of more.
    type: int
    default: 100
    version_added: 0.2.0
  addresses_per_relay:
    description:
      - How many addresses of one relay to check, where each has a row of its own. RV(summary.left_out) and a warning
        tell of more.
    type: int
    default: 32
    version_added: 0.2.0
  rows_per_domain:
    description:
      - How many rows one domain may have in all. RV(summary.left_out) and a warning tell of more.
    type: int
    default: 512
    version_added: 0.2.0
  concurrency:
    description:
      - How many relays to check at once. The limit on open files of the host may lower this.
    type: int
    default: 200
  connections_per_relay:
    description:
      - How many connections one relay (a host and port; an address and port, where each has its own row) may see at
        the same time. The second one that a silent relay gets (see O(timeout)) is among them, so that V(1) rules it out.
    type: int
    default: 2
  starts_per_second:
    description:
      - How many checks to begin in a second, once the first 200 are under way. More would falsify the times reported.
    type: float
    default: 600.0
  jitter:
    description:
      - Begin each check after a random pause of at most this many seconds.
    type: float
    default: 0.0
  deadline:
    description:
      - Seconds that the whole task may take. What is under way then ends with what it has learned, and what was not
        begun is reported as V(not_checked).
    type: float
  max_failures:
    description:
      - Begin no more checks once more than this have not passed. What is under way is brought to its end, the rest is
        reported as V(not_checked).
    type: int
  details:
    description:
      - Which rows come in full, V(failures), V(all), or V(none). The others are short, with the keys named at
        RV(endpoints).
    type: str
    choices: [failures, all, none]
    default: failures
  transcript:
    description:
      - When to return a relay's transcript.
    type: str
    choices: [always, on_failure, never]
    default: on_failure
seealso:
  - module: postmaster.mailcheck.smtp_check
"""

EXAMPLES = r"""
- name: Check a fleet from the controller, once
  postmaster.mailcheck.smtp_sweep:
    hosts:
      - mx1.example.com
      - mx2.example.com
      - smtp.example.com:587
    expect:
      certificate_days_left: 30
      tls_versions_refused: [TLSv1, TLSv1.1]
  delegate_to: localhost
  run_once: true
  register: fleet

- name: Show who did not pass, and why
  ansible.builtin.debug:
    msg: "{{ fleet.endpoints | rejectattr('verdict', 'eq', 'passed') | map(attribute='msg') }}"

- name: Check every mail server of the inventory, each at two ports
  postmaster.mailcheck.smtp_sweep:
    endpoints: >-
      {{ groups['mail'] | map('community.general.dict_kv', 'host')
         | product([{'port': 25}, {'port': 465, 'tls': 'implicit'}]) | map('combine') }}
    deadline: 60
  delegate_to: localhost
  run_once: true

- name: Check all addresses of all MX hosts of our domains
  postmaster.mailcheck.smtp_sweep:
    domains: [example.com, example.org]
    all_addresses: true

- name: Sign in to the relays of a domain, which the DNS names, if they are those that we know
  postmaster.mailcheck.smtp_sweep:
    domains: [example.com]
    port: 587
    username: probe@example.com
    password: "{{ probe_password }}"
    credentials_for: ["*.example.com", relay.example.net]

- name: Relays with options of their own
  postmaster.mailcheck.smtp_sweep:
    endpoints:
      - host: smtp.example.com
        port: 587
        name: submission
        username: probe@example.com
        password: "{{ probe_password }}"
      - host: mx1.example.com
        name: inbound
        labels: {site: north}
        sender: probe@example.com
        recipients: [postmaster@example.com]
"""

RETURN = r"""
msg:
  description:
    - One sentence. How many relays, their verdicts, the most frequent causes, and where to read on. Where exactly one relay did
      not pass, what that relay's own C(msg) says, with its next step.
  returned: always
  type: str
  sample: >-
    9 relays in 0.41 s: 2 failed, 7 passed. Causes: certificate_expired (2). Not passed: mx1.example.com: certificate_expired,
    mx2.example.com: certificate_expired. More: mailcheck explain certificate_expired
changed:
  description: Whether a relay took a message, or may have taken one.
  returned: always
  type: bool
endpoints:
  description:
    - One row a relay, in the order of O(hosts), O(endpoints), O(domains); the relays of a domain by preference and
      name, the addresses of a host in order.
    - A full row has the keys that M(postmaster.mailcheck.smtp_check) returns, and those below;
      RV(ignore:tls.certificate) and RV(ignore:tls.chain) are keys of RV(certificates), C(tls.days_left) is the
      certificate's.
    - A short row has C(msg), C(host), C(port), C(address), C(local_address), C(protocol), C(checked_at), C(verdict),
      C(stage), C(failure), C(changed), C(tls) (C(version), C(cipher), C(verified), C(certificate), C(days_left)), C(rules), C(seconds), and those below.
  returned: if checks were made
  type: list
  elements: dict
  contains:
    name:
      description: What the row is called.
      type: str
      sample: mx1.example.com
    labels:
      description:
        - The labels of the endpoint; for O(domains), its C(domain) and C(preference), which is V(null) for a domain
          that is its own relay.
      type: dict
      sample: {site: north}
    input:
      description:
        - What the row came from; the entry of O(hosts) or O(domains), or host and port of that of O(endpoints).
      type: raw
      sample: mx1.example.com:25
    verdict:
      description: As M(postmaster.mailcheck.smtp_check) returns it, or V(not_checked).
      type: str
      sample: passed
certificates:
  description:
    - Every certificate that was sent, by its SHA-256, with the keys that M(postmaster.mailcheck.smtp_check) gives.
  returned: if checks were made
  type: dict
summary:
  description: The whole at a glance.
  returned: if checks were made
  type: dict
  contains:
    endpoints:
      description: The number of rows.
      type: int
    probed:
      description: The number of checks that were made; the same relay listed twice is checked once.
      type: int
    verdicts:
      description: Verdict, and how many rows have it.
      type: dict
      sample: {passed: 199, failed: 1}
    causes:
      description: Cause of failure, and how many rows have it.
      type: dict
      sample: {certificate_expired: 1}
    not_judged:
      description: Rule that could not be judged, and at how many rows.
      type: dict
      sample: {relaying_refused: 2}
      version_added: 0.2.0
    tls_versions:
      description: TLS version, and how many sessions used it.
      type: dict
      sample: {TLSv1.3: 200}
    auth_mechanisms:
      description: SASL mechanism, and how many relays offer it.
      type: dict
      sample: {PLAIN: 12}
    slowest:
      description: The slowest checks, C(name) and C(seconds).
      type: list
      elements: dict
    soonest_expiry:
      description:
        - The relay's certificate that expires first; C(not_after), C(days_left), C(subject), C(certificate) (its
          SHA-256), C(endpoints) (how many rows have it) and C(names) (some of them). V(null) if none was seen.
      type: dict
    left_out:
      description:
        - What the DNS names beyond O(mx_per_domain), O(addresses_per_relay) and O(rows_per_domain), and was not
          checked. Option, and how many there are more; empty if there is none.
      type: dict
      sample: {}
      version_added: 0.2.0
    seconds:
      description: How long the sweep took.
      type: float
    lag:
      description:
        - The longest that the sweep's own work kept it from its sockets, in seconds. Times reported are true to this.
      type: float
engine:
  description: What did the checking, as M(postmaster.mailcheck.smtp_check) returns it.
  returned: if checks were made
  type: dict
"""

from ansible_collections.postmaster.mailcheck.plugins.module_utils._module_support import Module, argument_spec, run
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.sweep import sweep
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.sweep_options import SWEEP_OPTIONS

SPEC = argument_spec(SWEEP_OPTIONS, transcript="on_failure")


def main(in_process: bool = False) -> None:
    module = Module(argument_spec=SPEC, supports_check_mode=True)
    run(module, sweep, lambda result: set(result["summary"]["verdicts"]) == {"passed"}, in_process)


if __name__ == "__main__":
    main()
