# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: report_table
short_description: Write an assessment as a plain table
version_added: 0.1.0
author:
  - postmaster.mailcheck contributors (@postmaster-mailcheck)
description:
  - Writes a line for each relay. What it comes to, the verdict, TLS, days left, and what is wrong.
options:
  _input:
    description:
      - What P(postmaster.mailcheck.assess#filter) returned. The result of M(postmaster.mailcheck.smtp_sweep) or
        M(postmaster.mailcheck.smtp_check), or a list of rows of a sweep, will do as well; it is assessed without a
        profile and without waivers.
      - The text that P(postmaster.mailcheck.report_json#filter) wrote is taken too. With hundreds of relays that is
        quicker, because Ansible then need not look into each of their values again and again.
    type: raw
    required: true
"""

EXAMPLES = r"""
- name: Show the fleet at a glance
  ansible.builtin.debug:
    msg: "{{ (assessment | postmaster.mailcheck.report_table).splitlines() }}"

- name: Show who did not pass
  ansible.builtin.debug:
    msg: "{{ (troubled | postmaster.mailcheck.report_table).splitlines() }}"
  vars:
    troubled: "{{ fleet.endpoints | rejectattr('verdict', 'eq', 'passed') }}"
"""

RETURN = r"""
_value:
  description:
    - The text.
  type: str
"""

from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils.filters import of_assessment
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils.formats import as_table

if TYPE_CHECKING:
    from typing import Any, Callable, Dict


class FilterModule:
    def filters(self) -> Dict[str, Callable[..., Any]]:
        return {"report_table": of_assessment("report_table", as_table)}
