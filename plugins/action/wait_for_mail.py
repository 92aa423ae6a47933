# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.postmaster.mailcheck.plugins.modules import wait_for_mail
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._in_process import InProcessAction


class ActionModule(InProcessAction):
    module = wait_for_mail
