# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import gc
import os
import threading

import pytest


@pytest.fixture
def nothing_is_left_over():
    """No file descriptor and no thread of a server outlives a test."""
    gc.collect()
    before = os.listdir("/proc/self/fd")
    yield
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) <= len(before)  # a relay of an earlier test may have ended meanwhile
    assert [thread.name for thread in threading.enumerate() if thread.name == "relay"] == []
