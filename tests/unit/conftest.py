# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import gc


def pytest_collection_finish():
    """Thousands of tests are not looked through each time that one of them collects garbage."""
    gc.collect()
    gc.freeze()
