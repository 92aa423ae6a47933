# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documented options and argument specs in one form, so that a test can hold them against each other.

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, Dict


def as_spec(options: Dict[str, Dict[str, Any]]) -> Dict[str, Dict[str, Any]]:
    """What documented options say, in the form of an argument spec."""
    spec = {}
    for name, option in options.items():
        row = {key: option[key] for key in ("type", "elements", "choices", "default", "required") if key in option}
        if "suboptions" in option:
            row["options"] = as_spec(option["suboptions"])
        spec[name] = row
    return spec


def without_no_log(spec: Dict[str, Dict[str, Any]]) -> Dict[str, Dict[str, Any]]:
    return {
        name: {
            key: without_no_log(value) if key == "options" else value for key, value in row.items() if key != "no_log"
        }
        for name, row in spec.items()
    }
