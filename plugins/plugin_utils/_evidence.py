# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What an auditor signs besides the findings: who looked and from where, who judged, and by which profiles.
#
# It says of a run how it was made, not what it found, and so is no part of the form that is compared.

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.module_utils._version import engine
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._profiles import PROFILES, applied, names_of_label

if TYPE_CHECKING:
    import datetime
    from typing import Any, Collection, Dict, Iterable, List, Mapping, Sequence, Tuple

    from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import (
        AppliedProfile,
        Evidence,
        Observer,
        Row,
    )


def evidence_of(
    results: Sequence[Mapping[str, Any]],
    rows: Iterable[Row],
    profiles: Iterable[Mapping[str, Any]],
    known: Collection[str],
    day: datetime.date,
) -> Evidence:
    """Return the evidence of an assessment of these results: `rows` are theirs.

    `profiles`: what load_profiles() returned; `known`: those that a row's label may name. Raises ProfileError.
    """
    used: List[AppliedProfile] = [one for profile in profiles for one in profile.get("applied") or ()]
    for label, kind in dict.fromkeys((str(row["labels"].get(PROFILES)), row["subject"]["kind"]) for row in rows):
        used += applied(names_of_label(label, known, kind))
    return {
        "observers": _observers(results),
        "judged_on": day.isoformat(),
        "judged_by": _observer(engine()),
        "profiles": [one for index, one in enumerate(used) if one not in used[:index]],
    }


def _observers(results: Iterable[Mapping[str, Any]]) -> List[Observer]:
    """Return who looked, each once: results of several hosts may be judged together."""
    found: Dict[Tuple[Any, ...], Observer] = {}
    for result in results:
        for report in result.get("endpoints") or [result]:
            one = _observer(report.get("engine") or result.get("engine") or {})
            addresses = found.setdefault((one["host"], one["version"], one["python"], one["openssl"]), one)["addresses"]
            address = report.get("local_address")
            if address and address not in addresses:
                addresses.append(address)
    return list(found.values())


def _observer(about: Mapping[str, Any]) -> Observer:
    return {
        "host": about.get("host"),
        "addresses": [],
        "version": about.get("version"),
        "python": about.get("python"),
        "openssl": about.get("openssl"),
    }
