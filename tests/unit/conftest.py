# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import gc

import pytest
from hypothesis import HealthCheck, settings

from ansible_collections.postmaster.mailcheck.tests.support.pauses import skip_pauses

# The same examples each time, however slow the machine is. New hypothesis does it where CI is set, which ansible-test
# does not hand on.
settings.register_profile("repeatable", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("repeatable")


def pytest_collection_finish():
    """Thousands of tests are not looked through each time that one of them collects garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def no_pause_lasts(monkeypatch):
    skip_pauses(monkeypatch)
