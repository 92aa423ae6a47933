# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: assess
short_description: Judge the result of a sweep, with profile and waivers
version_added: 0.1.0
author:
  - postmaster.mailcheck contributors (@postmaster-mailcheck)
description:
  - Turns the result of M(postmaster.mailcheck.smtp_sweep), or of M(postmaster.mailcheck.smtp_check), into an
    assessment, from which all reports are made. Every relay has a row of rules, the first of which, C(check), is
    whether the check went as asked.
  - A breach for which a waiver holds is reported as waived. A waiver that has run out excuses nothing, and is a finding
    itself.
positional: profile, waivers, previous, title, today
options:
  _input:
    description:
      - The result of the module, as it was registered.
    type: dict
    required: true
  profile:
    description:
      - What the lookup P(postmaster.mailcheck.profile#lookup) returned, so that each rule is reported with the
        document it comes from, and with the profile's severity.
    type: dict
  waivers:
    description:
      - Breaches that are accepted for a time.
    type: list
    elements: dict
    default: []
    suboptions:
      rule:
        description:
          - The rule's name, or a pattern such as V(codes.*). V(check) is the check itself;
            V(check.certificate_expired) only where that is its cause.
        type: str
        required: true
      endpoint:
        description:
          - The relay's name, host, or host and port, or a pattern such as V(*.example.com:25).
        type: str
        required: true
      reason:
        description:
          - Why it is accepted.
        type: str
        required: true
      owner:
        description:
          - Who answers for it.
        type: str
        required: true
      expires:
        description:
          - The last day on which it holds (UTC), such as V(2026-12-31).
        type: str
        required: true
  previous:
    description:
      - The last run's assessment, as P(postmaster.mailcheck.report_json#filter) wrote it (in either form) and
        P(ansible.builtin.from_json#filter) reads it. What changed since is then part of the assessment.
    type: dict
  title:
    description:
      - The heading of the reports.
    type: str
    default: Mail relays
  today:
    description:
      - The day that decides whether a waiver holds.
      - If not set, it is the current one.
    type: str
"""

EXAMPLES = r"""
- name: Assess a sweep, excusing one old relay until the end of the year
  ansible.builtin.set_fact:
    assessment: "{{ fleet | postmaster.mailcheck.assess(profile=profile, waivers=waivers) }}"
  vars:
    waivers:
      - rule: tls_versions_refused
        endpoint: legacy.example.com:25
        reason: Scanners that only speak TLS 1.0 are replaced in December
        owner: ops@example.com
        expires: '2026-12-31'
"""

RETURN = r"""
_value:
  description:
    - The assessment.
  type: dict
  contains:
    summary:
      description: How many relays, verdicts, outcomes of rules, findings by severity, and expired waivers.
      type: dict
      sample:
        endpoints: 2
        verdicts: {passed: 1, deferred: 0, failed: 1, unreachable: 0, not_checked: 0}
        rules: {met: 17, unmet: 1, unknown: 0, waived: 0}
        findings: {high: 1, medium: 0, low: 0}
        expired_waivers: 0
    endpoints:
      description:
        - The relays, in the order of the input, each with its C(id), facts, C(rules), and C(assessment), which is
          V(unmet) if any rule is, else V(waived), V(unknown) or V(met).
      type: list
      elements: dict
    certificates:
      description: The certificates, by their SHA-256.
      type: dict
    waivers:
      description: The waivers, each with its C(state), V(active), V(unused) or V(expired).
      type: list
      elements: dict
"""

from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils.assessment import assess
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils.filters import checked

if TYPE_CHECKING:
    from typing import Any, Callable, Dict


class FilterModule:
    def filters(self) -> Dict[str, Callable[..., Any]]:
        return {"assess": checked("assess", assess)}
