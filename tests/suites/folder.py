# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Where the suites lie that others wrote: they are no part of this repository.

from __future__ import annotations

import os
from pathlib import Path

import pytest


def suite(name: str) -> Path:
    """Return a file of the folder MAILCHECK_SUITES. Without it the test is skipped, in CI it fails."""
    folder = os.environ.get("MAILCHECK_SUITES")
    if folder:
        return Path(folder, name)
    reason = f"MAILCHECK_SUITES names no folder with {name}, which belongs to others and is not kept here"
    if os.environ.get("CI") or os.environ.get("MAILCHECK_REQUIRE_SERVERS") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
