# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: with_profiles
short_description: Give endpoints the expectations of their own profiles
version_added: 0.1.0
author:
  - postmaster.mailcheck contributors (@postmaster-mailcheck)
description:
  - Turns C(profiles), a list of profiles that an endpoint may name, into its C(expect), so that one sweep can hold
    relays of several kinds, each against profiles of its own.
  - The names of the profiles stay with the endpoint as the label C(profiles), from which
    P(postmaster.mailcheck.assess#filter) knows them.
positional: expect
options:
  _input:
    description:
      - Entries of the option O(postmaster.mailcheck.smtp_sweep#module:endpoints), each perhaps with C(profiles).
    type: list
    elements: dict
    required: true
  expect:
    description:
      - Rules that count more than those of the profiles, and less than an endpoint's own C(expect).
    type: dict
"""

EXAMPLES = r"""
- name: Check two kinds of relays in one sweep
  postmaster.mailcheck.smtp_sweep:
    endpoints: "{{ mail_relays | postmaster.mailcheck.with_profiles }}"
  vars:
    mail_relays:
      - host: smarthost.example.com
        profiles: [relay, modern-tls]
      - host: smtp.example.com
        port: 587
        profiles: [submission]
"""

RETURN = r"""
_value:
  description:
    - The endpoints, as the module takes them.
  type: list
  elements: dict
"""

from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils.filters import checked
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils.profiles import with_profiles

if TYPE_CHECKING:
    from typing import Any, Callable, Dict


class FilterModule:
    def filters(self) -> Dict[str, Callable[..., Any]]:
        return {"with_profiles": checked("with_profiles", with_profiles, list)}
