# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: profile
short_description: Merge compliance profiles into what the mailcheck modules expect
version_added: 0.1.0
author:
  - postmaster.mailcheck contributors (@postmaster-mailcheck)
description:
  - Reads profiles, which are named sets of rules with the document each comes from, on the controller, and returns them
    merged, for the option C(expect) of M(postmaster.mailcheck.smtp_check), M(postmaster.mailcheck.smtp_sweep) or
    M(postmaster.mailcheck.domain_check).
  - A profile is about relays, mail domains or audits, and only those of one kind merge. One of your own is about
    relays, unless it says C(kind) V(domain) or V(audit).
  - What one about audits expects is given to P(postmaster.mailcheck.assess#filter), together with the result of
    M(postmaster.mailcheck.smtp_audit). Its rules are the probes, each V(true).
  - A rule that is not known is an error that names the nearest one.
options:
  _terms:
    description:
      - The profiles to merge. What a later one says of a rule counts; dictionaries (such as those of the rules
        C(relaying_refused) and C(public_key_min_bits)) merge key by key.
      - For relays V(modern-tls) (RFC 9325), V(relay) (an internal smarthost), V(submission) (RFC 6409, RFC 8314) and
        V(mx) (public inbound) ship with the collection.
      - For domains V(bulk-sender) (what the large mailbox providers demand), V(receiving-domain) (RFC 5321, RFC 7672,
        RFC 8461) and V(parked-domain) (RFC 7505, RFC 7208, RFC 9989) do.
      - For audits V(hardened-relay) does.
      - Anything with a slash, or that ends in C(.yml) or C(.yaml), is the path of a file of the same form.
    type: list
    elements: str
    required: true
  expect:
    description:
      - Rules of your own, in the form of the modules' option C(expect). They count more than those of any profile; a
        rule set to V(null) is left out.
    type: dict
    default: {}
  kind:
    description:
      - What is to be judged; profiles of another kind are an error.
      - If not set, it is what the first profile is about, and V(relay) where there is none.
    type: str
    choices: [relay, domain, audit]
    version_added: 0.2.0
seealso:
  - plugin: postmaster.mailcheck.assess
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Check the smarthosts against the profile, with more days left than it asks for
  postmaster.mailcheck.smtp_sweep:
    hosts: "{{ groups['smarthosts'] }}"
    expect: "{{ profile.expect }}"
  vars:
    profile: "{{ lookup('postmaster.mailcheck.profile', 'relay', 'modern-tls', expect={'certificate_days_left': 30}) }}"

- name: Hold a domain to what the large mailbox providers demand
  postmaster.mailcheck.domain_check:
    domains: [example.com]
    selectors: [s1]
    senders: [mail.example.com]
    expect: "{{ lookup('postmaster.mailcheck.profile', 'bulk-sender').expect }}"

# A file of your own, profiles/ours.yml:
#
#   title: Our relays
#   description: What we agreed on.
#   rules:
#     capabilities:
#       expect: [SIZE, SMTPUTF8]
#       severity: medium
#       document: Mail policy 2026
#       section: '3'
#       reason: Applications send large messages, to anyone.
- name: Show what a profile of our own adds
  ansible.builtin.debug:
    var: lookup('postmaster.mailcheck.profile', 'relay', playbook_dir ~ '/profiles/ours.yml')
"""

RETURN = r"""
_raw:
  description: One dictionary, the profiles as one.
  type: list
  elements: dict
  contains:
    kind:
      description: What they are about, V(relay), V(domain) or V(audit).
      type: str
      sample: relay
    profiles:
      description: The names or paths given.
      type: list
      elements: str
      sample: [relay, modern-tls]
    expect:
      description:
        - The rules, in the form of the modules' option C(expect).
        - Domains and audits are held to other rules besides, so a rule that is taken from them is there as V(null).
      type: dict
      sample: {tls_versions_refused: [TLSv1, TLSv1.1], certificate_days_left: 14}
    rules:
      description:
        - For each rule that comes from a profile, C(profile), C(document), C(section), C(reason) and C(severity), as
          far as the profile says.
      type: dict
      sample:
        certificate_days_left:
          profile: modern-tls
          document: RFC 5280
          section: 6.1.3 (a) (2)
          reason: The certificate has to be valid at the time. Two weeks leave time to renew it.
          severity: high
    applied:
      description:
        - Each profile with its C(name), C(kind), C(title), C(version) and C(sha256), for the evidence of a report. The
          version is that which the file names; of profiles that ship, else that of the collection.
      type: list
      elements: dict
      version_added: 0.2.0
"""

from typing import TYPE_CHECKING

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._profiles import ProfileError, load_profiles, type_of

if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional


class LookupModule(LookupBase):
    def run(self, terms: List[Any], variables: Optional[Dict[str, Any]] = None, **kwargs: Any) -> List[Dict[str, Any]]:
        expect = kwargs.get("expect")
        if not isinstance(expect, (dict, type(None))):  # Ansible would show it
            raise AnsibleError("expect: must be a dictionary, not of type %s" % type_of(expect))
        self.set_options(var_options=variables, direct=kwargs)
        names = [name for term in terms for name in (term if isinstance(term, list) else [term])]
        try:
            return [load_profiles(names, self.get_option("expect"), self.get_option("kind"))]
        except ProfileError as error:
            raise AnsibleError(str(error)) from None
