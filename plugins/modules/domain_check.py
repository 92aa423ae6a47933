#!/usr/bin/python
# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: domain_check
short_description: Check what the world sees of mail domains
version_added: 0.2.0
author:
  - postmaster.mailcheck contributors (@postmaster-mailcheck)
description:
  - Looks at what mail domains publish and whether others can trust it. Where their mail goes (MX), SPF, DKIM keys, DMARC,
    MTA-STS, TLS reports, DNSSEC and DANE; if asked for BIMI, CAA, the reverse names of addresses and block lists.
  - Each thing that is looked at comes back as a fact with a C(state), which is V(present), V(absent), V(bogus) or
    V(not_determined). Only the first two decide a rule. What could not be looked up is never taken for what is not there.
  - With O(relays=true) each address of each MX host is spoken to as a sending server would, up to STARTTLS, and told is
    whether senders deliver that honour DANE, MTA-STS, or nothing.
  - One domain or thousands in a task, side by side; one that is slow or broken holds up no other.
extends_documentation_fragment:
  - postmaster.mailcheck.attributes
  - postmaster.mailcheck.connection
attributes:
  check_mode:
    details:
      - Nothing is ever changed, so everything is done.
requirements:
  - Python 3.8 or newer, and dnspython 2.6 or newer, on the host where the module runs.
notes:
  - Everything happens on the host where the module runs, and every path is a path of that host.
  - What DNSSEC says is what the resolver says of it. A resolver that does not validate is found out, and then nothing is
    said. See RV(resolvers).
  - Nobody else's host is asked by default, but the name servers and the policy hosts of the domains.
options:
  domains:
    description:
      - The domains to look at, each a name, or a dictionary of C(domain) and any of O(selectors), O(senders), O(look_at),
        O(relays) and O(expect), which then hold for it alone; C(labels), a dictionary, comes back with it as it is. An
        internationalised name may be given as it is written.
    type: list
    elements: raw
    required: true
  selectors:
    description:
      - DKIM selectors whose keys to look for. None are guessed, since a guess that finds nothing proves nothing.
    type: list
    elements: str
  senders:
    description:
      - What sends mail for the domains. Each is an IP address, a host name (each of its addresses is then a sender), or a
        dictionary of C(address), C(mail_from) and C(helo). SPF is evaluated for each; reverse names and block lists are
        looked up for them too.
      - If not set, C(mail_from) is the domain's postmaster, and C(helo) the domain.
    type: list
    elements: raw
  look_at:
    description:
      - What to look at. If not set, all but V(bimi), V(reverse), V(blocklists) and V(caa), and of these what O(expect) has
        a rule about.
      - If it is not set and there are O(zone_files), V(dnssec) and V(dane) are looked at only if O(expect) has a rule about
        them, since a zone file does not show them.
      - V(dkim) needs O(selectors), and V(blocklists) needs O(blocklists).
    type: list
    elements: str
    choices: [mx, dnssec, dane, mta_sts, tls_rpt, spf, dkim, dmarc, bimi, reverse, blocklists, caa]
  relays:
    description:
      - Whether to connect to each address of each MX host, at port 25. Nothing is said after STARTTLS but QUIT.
      - If not set, only where O(expect) has a rule about it (C(delivers_opportunistic), C(delivers_mta_sts),
        C(delivers_dane)), and there are no O(zone_files).
      - With V(false) such rules are not applied, and RV(domains[].not_applied) names them. So a profile that has them can be
        used where port 25 is not let out.
    type: bool
  expect:
    description:
      - What has to be so, rule by rule; see the list of rules in the guide. It is added to what is expected of any domain,
        that is that things are published and that what is published can be used. V(null) takes a rule away.
      - An unmet rule that is named here fails the check; of all others, only those that are graver than V(low).
    type: dict
    suboptions:
      mx_present:
        description:
          - The domain has MX records.
        type: bool
      mx_valid:
        description:
          - Mail for the domain leads to a host.
        type: bool
      null_mx:
        description:
          - The domain says that it takes no mail (null MX).
        type: bool
      null_mx_alone:
        description:
          - A null MX stands alone.
        type: bool
      dnssec_secure:
        description:
          - The domain is signed, and its signatures hold.
        type: bool
      dnssec_valid:
        description:
          - What signatures there are hold.
        type: bool
      dane_present:
        description:
          - Each relay has TLSA records.
        type: bool
      dane_valid:
        description:
          - The TLSA records can be used.
        type: bool
      mta_sts_present:
        description:
          - The domain has an MTA-STS policy.
        type: bool
      mta_sts_valid:
        description:
          - The MTA-STS policy holds, and covers each MX.
        type: bool
      mta_sts_mode:
        description:
          - The MTA-STS mode is this one or a stricter one.
        type: str
        choices: [testing, enforce]
      dane_or_mta_sts:
        description:
          - Senders can insist on TLS, by DANE or by MTA-STS.
        type: bool
      tls_rpt_present:
        description:
          - The domain asks for reports about TLS.
        type: bool
      tls_rpt_valid:
        description:
          - The TLS-RPT record can be used.
        type: bool
      spf_present:
        description:
          - The domain has an SPF record.
        type: bool
      spf_valid:
        description:
          - The SPF record can be evaluated.
        type: bool
      spf_lookups:
        description:
          - How many look-ups in the DNS SPF may take at most; RFC 7208 allows 10.
        type: float
      spf_restricts:
        description:
          - SPF does not pass for strangers. It does where half of all addresses of IPv4 or IPv6 may send, or more.
        type: bool
      spf_senders_pass:
        description:
          - SPF passes for each of the senders.
        type: bool
      spf_denies_all:
        description:
          - SPF says that nothing sends for the domain.
        type: bool
      dkim_valid:
        description:
          - Each selector has a DKIM key that can be used.
        type: bool
      dkim_min_bits:
        description:
          - "How long the DKIM keys must be. A number, for RSA, or a dictionary such as V({RSA: 2048})."
        type: raw
      dmarc_present:
        description:
          - The domain has a DMARC policy.
        type: bool
      dmarc_valid:
        description:
          - The DMARC record can be used.
        type: bool
      dmarc_policy:
        description:
          - The DMARC policy is this one or a stricter one.
        type: str
        choices: [none, quarantine, reject]
      dmarc_reports_authorised:
        description:
          - Those who are to receive DMARC reports have agreed to.
        type: bool
      bimi_valid:
        description:
          - The BIMI record can be used.
        type: bool
      reverse_names_confirmed:
        description:
          - Each address has a name that leads back to it.
        type: bool
      not_listed:
        description:
          - No block list has an address.
        type: bool
      delivers_opportunistic:
        description:
          - Senders that honour nothing deliver to each relay.
        type: bool
      delivers_mta_sts:
        description:
          - Senders that honour MTA-STS deliver to each relay.
        type: bool
      delivers_dane:
        description:
          - Senders that honour DANE deliver to each relay.
        type: bool
      caa_present:
        description:
          - CAA records say who may issue certificates.
        type: bool
  blocklists:
    description:
      - The zones of block lists to ask about the addresses of relays and senders, if O(look_at) has V(blocklists). None
        are asked by default. Mind whom each list serves.
      - An answer that says "refused" (127.255.255.0/24), or that is no answer of a list, is V(not_determined), never a
        listing (RFC 5782).
    type: list
    elements: str
    default: []
  zone_files:
    description:
      - Zone files to answer from, instead of name servers. That is a check before publishing. Names that no file holds are
        V(not_determined), so is what DNSSEC says, and no policy host is asked (see O(mta_sts_policies)). Nothing is connected
        to, unless O(relays) says so.
      - DMARC does without the names above the zones. Where a record there may apply, a warning among its C(problems) names
        them.
      - Each file says which zone it is of, by C($ORIGIN) or by the full name in its SOA record.
      - A file has at most 200,000 records, those of the files that it includes counted, and 1,000 of a set.
    type: list
    elements: path
    default: []
  mta_sts_policies:
    description:
      - Texts of MTA-STS policies by domain, to judge instead of what is served.
    type: dict
    default: {}
  dns_servers:
    description:
      - The name servers to ask, each an address, perhaps with a port, such as V(127.0.0.1:5353).
      - If not set, those of the system.
    type: list
    elements: str
    default: []
  dns_timeout:
    description:
      - Seconds to wait for the answer to one question.
    type: float
    default: 5.0
  trusted_resolvers:
    description:
      - Addresses of name servers for which you vouch, and for the path to them, as to DNSSEC. They are marked so in
        RV(resolvers); nothing else depends on it.
    type: list
    elements: str
    default: []
  ehlo_name:
    description:
      - The name to give in EHLO, with O(relays).
    type: str
  timeout:
    description:
      - Seconds that the fetch of one policy, or the session with one relay, may take.
    type: float
    default: 30
  concurrency:
    description:
      - How many domains are looked at side by side.
    type: int
    default: 200
  deadline:
    description:
      - Seconds that the whole task may take. What is not known by then is V(not_determined), and domains that have not had
        their turn, or of which nothing is known by then, are V(not_checked).
    type: float
seealso:
  - module: postmaster.mailcheck.smtp_check
  - module: postmaster.mailcheck.smtp_sweep
"""

EXAMPLES = r"""
- name: Look at our domains
  postmaster.mailcheck.domain_check:
    domains: [example.com, example.org]
    selectors: [s1, s2]
    senders: [192.0.2.25, mail.example.com]
  delegate_to: localhost
  run_once: true
  register: ours

- name: Show what is to be published, and what must be true first
  ansible.builtin.debug:
    msg: "{{ ours.domains | map(attribute='records') | flatten }}"

- name: Write the policies that are to be served
  ansible.builtin.copy:
    content: "{{ item.mta_sts_policy }}"
    dest: "reports/{{ item.domain }}-mta-sts.txt"
    mode: '0644'
  loop: "{{ ours.domains | selectattr('mta_sts_policy') }}"
  loop_control:
    label: "{{ item.domain }}"

- name: Hold the certificates of all relays against MTA-STS, DANE and their names
  postmaster.mailcheck.domain_check:
    domains: [example.com]
    relays: true
    expect:
      delivers_dane: true
      delivers_mta_sts: true

- name: Check a zone before it is published
  postmaster.mailcheck.domain_check:
    domains: [example.com]
    zone_files: ["{{ playbook_dir }}/zones/example.com.zone"]
    mta_sts_policies:
      example.com: "{{ lookup('ansible.builtin.file', 'mta-sts.txt') }}"
    look_at: [mx, spf, dkim, dmarc, tls_rpt, mta_sts]
    selectors: [s1]

- name: A domain that sends no mail
  postmaster.mailcheck.domain_check:
    domains:
      - domain: parked.example
        look_at: [mx, spf, dmarc]
        expect:
          dmarc_policy: reject

- name: Is one of our addresses on a list, and has each a name?
  postmaster.mailcheck.domain_check:
    domains: [example.com]
    look_at: [mx, reverse, blocklists]
    blocklists: [bl.example.net]
"""

RETURN = r"""
changed:
  description: Always V(false).
  returned: always
  type: bool
msg:
  description: The result in a sentence.
  returned: always
  type: str
  sample: '3 domains in 0.4 s: 2 failed, 1 passed. Not met: spf_valid (2). Not passed: example.org, example.net. More: mailcheck explain spf_valid'
domains:
  description:
    - What was learned of each domain, in the order of O(domains).
    - Of what was looked at there is a fact of its own, named as in O(look_at). Each has C(state), V(present), V(absent),
      V(bogus) or V(not_determined); C(reason), why it is one of the last two; C(valid), V(null) unless it is present; and
      C(problems), a list of C(id), C(level) (V(error) or V(warning)), C(text) and C(source), the standard and its section.
  returned: if domains were looked at
  type: list
  elements: dict
  contains:
    domain:
      description: The name as the DNS has it, in A-labels.
      type: str
    input:
      description: The name as it was given.
      type: str
    labels:
      description: The labels that it was given.
      type: dict
    verdict:
      description:
        - V(passed); V(failed), if a rule is unmet that O(expect) names or that is graver than V(low); V(unreachable), if
          nothing could be judged, or if the domain does not exist; V(not_checked), if the run ended first, or if there was
          nothing to judge.
      type: str
    cause:
      description:
        - Why it did not pass; V(null) if it did. V(rule_unmet), V(name_server_failed) (nothing could be looked up),
          V(name_not_found) (the domain does not exist), V(not_checked), V(internal_error).
      type: str
    msg:
      description: The result in a sentence.
      type: str
    checked_at:
      description: When the last of it was learned (UTC).
      type: str
    mx:
      description:
        - Where mail goes. C(null) (the domain takes none), C(implicit) (no MX record, but an address), and C(hosts), each
          with C(host), C(preference), C(addresses), C(alias) and a state of its own.
      returned: if O(look_at) has it, as all of these
      type: dict
    dnssec:
      description:
        - C(status) is V(secure), V(insecure), V(bogus) or V(not_determined), as the C(resolver) says by its AD bit
          (C(basis) is then V(resolver_ad)). C(hosts) has the same for the addresses of each MX host, with C(host).
      type: dict
    dane:
      description:
        - For each MX host (C(host)) its TLSA C(records), each with C(usage), C(selector), C(matching_type), C(data),
          C(usable) and C(reason), the C(base_domain) they stand at, the C(names) that a certificate may be for, what
          C(dnssec) says of the way there, whether they show a C(rollover), whether a question about them had no answer
          (C(look_up_failed)), and the C(explanation), what a sender that does DANE makes of it.
      type: list
      elements: dict
    mta_sts:
      description:
        - The C(record) and its C(id); C(fetch), how the policy was come by, with C(url), C(status), C(content_type),
          C(cause), C(text), C(tls_version) and C(certificate); the C(policy); whether senders find it and go by it
          (C(applies)); and which C(mx) it covers, each with C(host) and C(covered).
      type: dict
    tls_rpt:
      description: The C(record), and where reports about TLS go (C(rua)).
      type: dict
    spf:
      description:
        - The C(record), its C(terms) as a tree, C(lookups) and C(void_lookups) at worst, whether half of all addresses of
          IPv4 or IPv6, or more, pass (C(strangers_pass)), and for each of C(senders) the
          C(result), the C(term) that decided, the C(path) to it, and its own C(lookups) and C(void_lookups).
      type: dict
    dkim:
      description:
        - For each C(selector) the C(name) and C(record), where a CNAME leads (C(alias)), C(key_type), C(bits),
          C(hash_algorithms), C(services), C(flags), C(revoked) and C(testing).
      type: list
      elements: dict
    dmarc:
      description:
        - The C(record) that applies, the C(organizational_domain) and C(policy_domain), the C(policy) for this domain and
          the C(effective_policy), which receivers apply; C(subdomain_policy), C(nonexistent_policy), C(testing), C(psd),
          C(dkim_alignment), C(spf_alignment), C(failure_options), C(rua) and C(ruf); the C(queries) in their order, and
          C(report_destinations), each with C(domain), C(uris), C(external), C(authorised), C(receives_mail) and C(query).
      type: dict
    bimi:
      description:
        - The C(record) and where it stands (C(found_at)), the C(location) of the logo, the C(evidence) for it, and whether
          the domain wants none (C(declined)). Nothing is fetched.
      type: dict
    reverse:
      description:
        - For each C(address) its C(names), which of them lead back to it (C(confirmed_names)), and whether one does
          (C(confirmed)). Where addresses could not be looked up, C(address) is the name.
      type: list
      elements: dict
    blocklists:
      description:
        - By C(zone), for each C(address) whether it is C(listed) (V(null) if not determined), the C(codes) of the answer,
          and the C(explanation) in the list's words.
      type: dict
    caa:
      description:
        - For each C(host) where CAA records were found (C(found_at)), who may issue (C(issue), C(issuewild)), and where
          violations are reported to (C(iodef)).
      type: list
      elements: dict
    relays:
      description:
        - For each C(address) of each MX C(host), with C(port), C(starttls), C(tls_version), C(verified),
          C(verify_errors), C(days_left), C(public_key_sha256), the C(cause) and C(reason) if it came to no TLS, and
          C(deliveries), one for each C(sender), V(dane), V(mta_sts) (those that honour it) and V(opportunistic) (those that
          honour neither), with C(outcome), V(delivers), V(defers) or V(unknown), and C(text), why.
      returned: if O(relays=true)
      type: list
      elements: dict
    rules:
      description:
        - Each rule with C(id), C(outcome), V(met), V(unmet) or V(unknown), C(severity), C(expected), C(observed), C(text),
          C(remedy) and C(stage), which is what it looks at. There is none of a domain that does not exist.
      type: list
      elements: dict
    remarks:
      description:
        - What is amiss that none of the RV(domains[].rules) tells, each with the C(id), C(level), C(text) and C(source) of
          the problem, C(of), the fact that has it, and C(title), its name for people. There is also a warning for each
          C(id), which names the first three domains.
      type: list
      elements: dict
    not_applied:
      description:
        - Rules that O(expect) names and that were not applied, since they are about relays and O(relays=false). There is
          also a warning.
      type: list
      elements: str
    records:
      description:
        - What to publish, each with C(name), C(type), C(value), C(ttl), the C(reason), and C(after), what must be true first.
      type: list
      elements: dict
    mta_sts_policy:
      description:
        - The text of an MTA-STS policy for testing, to be served by the policy host before its record in C(records) is
          published; V(null) where none is advised. Its lines end in CRLF, so write it to a file as it is.
      type: str
summary:
  description: What it came to.
  returned: if domains were looked at
  type: dict
  contains:
    domains:
      description: How many there are.
      type: int
    verdicts:
      description: How many have which verdict.
      type: dict
      sample: {failed: 1, passed: 1}
    rules:
      description: How many rules have which outcome.
      type: dict
      sample: {met: 20, unknown: 1, unmet: 2}
    unmet:
      description: Rule by rule, for how many domains it is unmet, the most frequent one first.
      type: dict
    not_judged:
      description: The same for rules that could not be judged.
      type: dict
    seconds:
      description: How long it took.
      type: float
resolvers:
  description:
    - The name servers, each with C(address), C(path) (V(loopback) or V(network)), C(validates) (V(null) if not known) and
      C(trusted).
  returned: if domains were looked at
  type: list
  elements: dict
engine:
  description: What did the checking, as M(postmaster.mailcheck.smtp_check) returns it.
  returned: if domains were looked at
  type: dict
"""

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.check import check_domains
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.options import (
    DOMAIN_OPTIONS,
    EXPECT_OPTIONS,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._module_support import Module, run, with_rules

SPEC = with_rules(DOMAIN_OPTIONS, EXPECT_OPTIONS)


def main(in_process: bool = False) -> None:
    module = Module(argument_spec=SPEC, supports_check_mode=True)
    run(module, check_domains, lambda result: set(result["summary"]["verdicts"]) == {"passed"}, in_process)


if __name__ == "__main__":
    main()
