# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the collection. The engine's front door: what to do goes in, reports come out.

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .driver import Driver, Limits
from .options import build_request
from .plan import check_plan
from .report import as_report

if TYPE_CHECKING:
    from typing import Any, Dict


def check(host: str, check_mode: bool = False, **options: Any) -> Dict[str, Any]:
    """Check one relay and return its report: plain data, the keys of smtp_check's RETURN.

    `options` are those of smtp_check; `check_mode` stops short of sending. Raises OptionError for a caller's
    mistake, before any socket opens; whatever the relay does is in the report.
    """
    request = build_request(host, options, time.time(), check_mode)
    driver = Driver(Limits())
    plan = check_plan(request, driver.clock(), time.time)
    ((_key, verdict),) = driver.run(iter([(0, plan)]))
    if isinstance(verdict, Exception):
        raise verdict
    return as_report(verdict, time.time())
