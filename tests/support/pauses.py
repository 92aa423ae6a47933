# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Pauses that are over at once: between two looks at a mailbox the clock goes on by what the pause would have taken. Mail
# that does not come is then waited for as long as one likes, and however slow the machine is, a look has time enough.

from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox import wait

if TYPE_CHECKING:
    from typing import Optional

    import pytest


class _Skipped(threading.local):
    """The seconds that are over for a thread; for others the clock has not gone on."""

    seconds = 0.0


def skip_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monotonic, skipped = time.monotonic, _Skipped()

    class Ended(threading.Event):
        def wait(self, timeout: Optional[float] = None) -> bool:
            skipped.seconds += timeout or 0.0
            return self.is_set()

    monkeypatch.setattr(time, "monotonic", lambda: monotonic() + skipped.seconds)
    monkeypatch.setattr(wait, "threading", SimpleNamespace(Event=Ended))
