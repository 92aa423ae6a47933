# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check mail relays from Python, with the engine of the Ansible collection postmaster.mailcheck.

Importing this imports nothing of Ansible. All public names are in `__all__`; whatever lies below
`ansible_collections.postmaster.mailcheck.plugins.module_utils` is private.
"""

from __future__ import annotations

from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.check import check
from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.model import __version__

__all__ = ["__version__", "check"]
