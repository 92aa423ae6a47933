# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # What filters of an assessment take: of_assessment() in plugins/plugin_utils/_filters.py.
    DOCUMENTATION = r"""
options:
  _input:
    description:
      - What P(postmaster.mailcheck.assess#filter) returned. The result of a module of this collection, or a list of rows
        of one, will do as well; it is assessed without a profile and without waivers.
      - The text that P(postmaster.mailcheck.report_json#filter) wrote is taken too. With hundreds of relays that is
        quicker, because Ansible then need not look into each of their values again and again.
    type: raw
    required: true
"""
