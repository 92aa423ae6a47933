# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: findings
short_description: List what an assessment found, the gravest first
version_added: 0.1.0
author:
  - postmaster.mailcheck contributors (@postmaster-mailcheck)
description:
  - Lists every rule that is unmet and every waiver that has run out, down to a severity.
positional: severity
options:
  _input:
    description:
      - What P(postmaster.mailcheck.assess#filter) returned. The result of M(postmaster.mailcheck.smtp_sweep) or
        M(postmaster.mailcheck.smtp_check) will do as well; it is assessed without a profile and without waivers.
      - The text that P(postmaster.mailcheck.report_json#filter) wrote is taken too. With hundreds of relays that is
        quicker, because Ansible then need not look into each of their values again and again.
    type: raw
    required: true
  severity:
    description:
      - The least grave to list.
    type: str
    choices: [high, medium, low]
    default: low
"""

EXAMPLES = r"""
- name: Fail on what is grave
  ansible.builtin.assert:
    that: assessment | postmaster.mailcheck.findings('high') | length == 0
"""

RETURN = r"""
_value:
  description:
    - The findings, each with C(endpoint), C(rule), C(severity), C(text), C(remedy), and where the rule comes from.
  type: list
  elements: dict
"""

from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils.assessment import findings
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils.filters import of_assessment

if TYPE_CHECKING:
    from typing import Any, Callable, Dict


class FilterModule:
    def filters(self) -> Dict[str, Callable[..., Any]]:
        return {"findings": of_assessment("findings", lambda given, severity="low": list(findings(given, severity)))}
