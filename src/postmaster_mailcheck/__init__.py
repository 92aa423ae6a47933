# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check mail relays from Python, with the engine of the Ansible collection postmaster.mailcheck.

    report = check("relay.example.com", port=587)       # one relay: a dictionary of facts
    fleet = sweep(["mx1.example.com", "mx2.example.com:587"], deadline=60)    # many at once

`check(host, *, check_mode=False, on_start=None, **options)` takes the options of the module smtp_check and returns what
its RETURN lists; `sweep(hosts, *, check_mode=False, on_start=None, on_report=None, **options)` those of smtp_sweep.
Both return plain data: dictionaries, lists, strings, numbers, booleans, None. `warnings` is a list of sentences.

Whatever a relay does is in the report, `verdict` first. `OptionError` is raised for a caller's mistake, before any
socket opens; its `option` names the option. `on_start` is given a function that ends the check early, from another
thread or a signal handler; `on_report` each report of a sweep as it comes.

Importing this imports nothing of Ansible. All public names are in `__all__`; whatever lies below
`ansible_collections.postmaster.mailcheck.plugins.module_utils`, and the other files of this package, is private.
"""

from __future__ import annotations

from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.check import check
from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.model import OptionError, __version__
from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.sweep import sweep

__all__ = ["OptionError", "__version__", "check", "sweep"]
