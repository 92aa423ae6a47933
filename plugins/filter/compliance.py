# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Every filter of the collection. Each has its documentation in a file of its own name beside this one.

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._assessment import assess, findings, not_judged
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._audits import audit_endpoints
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._drift import drift
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._filters import checked, of_assessment
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.register import FORMATS
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._profiles import with_profiles
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._records import (
    as_community_dns,
    as_nsupdate,
    as_octodns,
    as_zone,
)
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shares import join_shares
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._sslyze import with_sslyze
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._vantage import audit_differences

if TYPE_CHECKING:
    from typing import Any, Callable, Dict


class FilterModule:
    def filters(self) -> Dict[str, Callable[..., Any]]:
        used = {
            "audit_differences": checked("audit_differences", audit_differences),
            "audit_endpoints": checked("audit_endpoints", audit_endpoints, list),
            "assess": checked("assess", assess, (dict, list)),
            "drift": of_assessment("drift", lambda given, previous: drift(previous, given)),
            "findings": of_assessment("findings", lambda given, severity="low": list(findings(given, severity))),
            "join_shares": checked("join_shares", join_shares, list),
            "not_judged": of_assessment("not_judged", lambda given, severity="low": list(not_judged(given, severity))),
            "records_community_dns": checked("records_community_dns", as_community_dns, list),
            "records_nsupdate": checked("records_nsupdate", as_nsupdate, list),
            "records_octodns": checked("records_octodns", as_octodns, list),
            "records_zone": checked("records_zone", as_zone, list),
            "with_profiles": checked("with_profiles", with_profiles, list),
            "with_sslyze": checked("with_sslyze", with_sslyze),
        }
        for name, one in FORMATS.items():
            used["report_" + name] = of_assessment("report_" + name, one.write)
        return used
