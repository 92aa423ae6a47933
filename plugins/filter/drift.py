# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: drift
short_description: Tell what changed between two assessments
version_added: 0.1.0
author:
  - postmaster.mailcheck contributors (@postmaster-mailcheck)
description:
  - Compares an assessment with that of the last run, by relay. New and lost relays, verdicts, causes, TLS versions,
    certificates, outcomes of rules, states of waivers. What changes with every run does not count.
positional: previous
options:
  _input:
    description:
      - What P(postmaster.mailcheck.assess#filter) returned. The result of M(postmaster.mailcheck.smtp_sweep) or
        M(postmaster.mailcheck.smtp_check) will do as well; it is assessed without a profile and without waivers.
      - The text that P(postmaster.mailcheck.report_json#filter) wrote is taken too. With hundreds of relays that is
        quicker, because Ansible then need not look into each of their values again and again.
    type: raw
    required: true
  previous:
    description:
      - The last run's assessment, as P(postmaster.mailcheck.report_json#filter) wrote it (in either form) and
        P(ansible.builtin.from_json#filter) reads it.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what changed since the last run
  ansible.builtin.debug:
    msg: "{{ assessment | postmaster.mailcheck.drift(lookup('ansible.builtin.file', 'last.json') | from_json) }}"
"""

RETURN = r"""
_value:
  description:
    - The changes, each with C(endpoint), C(what), C(before) and C(now).
  type: list
  elements: dict
  sample:
    - {endpoint: 'relay.example.com:25', what: rule tls_required, before: met, now: unmet}
"""

from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils.assessment import drift
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils.filters import of_assessment

if TYPE_CHECKING:
    from typing import Any, Callable, Dict


class FilterModule:
    def filters(self) -> Dict[str, Callable[..., Any]]:
        return {"drift": of_assessment("drift", lambda given, previous: drift(previous, given))}
