# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: report_formats
short_description: Name the formats in which an assessment is written to files
version_added: 0.2.0
author:
  - postmaster.mailcheck contributors (@postmaster-mailcheck)
description:
  - Returns the formats for which there is a filter C(report_*) whose text belongs into a file, and the extension of
    that file.
options: {}
seealso:
  - plugin: postmaster.mailcheck.report_json
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Write an assessment in every format
  ansible.builtin.copy:
    content: "{{ [assessment] | map('postmaster.mailcheck.report_' ~ item.key) | first }}"
    dest: "reports/relays.{{ item.value }}"
    mode: '0640'
  loop: "{{ lookup('postmaster.mailcheck.report_formats') | dict2items }}"
"""

RETURN = r"""
_raw:
  description: One dictionary, the extension by the name of the format.
  type: list
  elements: dict
  sample:
    - {json: json, junit: xml, prometheus: prom, markdown: md, html: html}
"""

from typing import TYPE_CHECKING

from ansible.plugins.lookup import LookupBase

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.register import extensions

if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional


class LookupModule(LookupBase):
    def run(self, terms: List[Any], variables: Optional[Dict[str, Any]] = None, **kwargs: Any) -> List[Dict[str, str]]:
        self.set_options(var_options=variables, direct=kwargs)
        return [extensions()]
