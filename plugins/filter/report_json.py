# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: report_json
short_description: Write an assessment as JSON
version_added: 0.1.0
author:
  - postmaster.mailcheck contributors (@postmaster-mailcheck)
description:
  - Writes the whole assessment, in a stable order, with a line for each rule.
positional: stable
options:
  _input:
    description:
      - What P(postmaster.mailcheck.assess#filter) returned. The result of M(postmaster.mailcheck.smtp_sweep) or
        M(postmaster.mailcheck.smtp_check) will do as well; it is assessed without a profile and without waivers.
      - The text that P(postmaster.mailcheck.report_json#filter) wrote is taken too. With hundreds of relays that is
        quicker, because Ansible then need not look into each of their values again and again.
    type: raw
    required: true
  stable:
    description:
      - Leave out what changes with every run (times, days, what relays say in their own words), so that two runs
        over an unchanged fleet give the same text.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Keep the state of the fleet in version control
  ansible.builtin.copy:
    content: "{{ assessment | postmaster.mailcheck.report_json(stable=true) }}"
    dest: reports/relays.stable.json
    mode: '0644'
"""

RETURN = r"""
_value:
  description:
    - The text.
  type: str
"""

from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils.filters import of_assessment
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils.formats import as_json

if TYPE_CHECKING:
    from typing import Any, Callable, Dict


class FilterModule:
    def filters(self) -> Dict[str, Callable[..., Any]]:
        return {"report_json": of_assessment("report_json", as_json)}
