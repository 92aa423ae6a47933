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
    merged, for the option C(expect) of M(postmaster.mailcheck.smtp_check) and M(postmaster.mailcheck.smtp_sweep).
  - A rule that is not known is an error that names the nearest one.
options:
  _terms:
    description:
      - The profiles to merge. What a later one says of a rule counts; dictionaries (such as those of the rules
        C(relaying_refused) and C(public_key_min_bits)) merge key by key.
      - V(modern-tls) (RFC 9325), V(relay) (an internal smarthost), V(submission) (RFC 6409, RFC 8314) and V(mx) (public
        inbound) ship with the collection. Anything with a slash, or that ends in C(.yml) or C(.yaml), is the path of a
        file of the same form.
    type: list
    elements: str
    required: true
  expect:
    description:
      - Rules of your own, in the form of the modules' option C(expect). They count more than those of any profile; a
        rule set to V(null) is left out.
    type: dict
    default: {}
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
    profiles:
      description: The names or paths given.
      type: list
      elements: str
      sample: [relay, modern-tls]
    expect:
      description: The rules, in the form of the modules' option C(expect).
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
"""

from typing import TYPE_CHECKING

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils.profiles import ProfileError, load_profiles

if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional


class LookupModule(LookupBase):
    def run(self, terms: List[Any], variables: Optional[Dict[str, Any]] = None, **kwargs: Any) -> List[Dict[str, Any]]:
        self.set_options(var_options=variables, direct=kwargs)
        names = [str(name) for term in terms for name in (term if isinstance(term, list) else [term])]
        try:
            return [load_profiles(names, self.get_option("expect"))]
        except ProfileError as error:
            raise AnsibleError(str(error)) from None
