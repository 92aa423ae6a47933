# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def as_on_a_target(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module runs in a process without a controller; where another test has loaded one, warnings go elsewhere."""
    try:
        from ansible.module_utils import _internal
    except ImportError:
        return
    monkeypatch.setattr(_internal, "is_controller", False, raising=False)  # ansible-core has it from 2.19
