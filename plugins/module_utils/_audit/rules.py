# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What may be expected of an audited relay: of each probe, that it finds nothing.

from __future__ import annotations

from typing import TYPE_CHECKING

from .._errors import OptionError
from .._verdicts.rules import RuleKind
from .register import PROBES

if TYPE_CHECKING:
    from typing import Any, Dict

INFO = "info"  # a finding that only informs breaks no rule, unless somebody says how grave it is


def _nothing_found(option: str, value: Any) -> bool:
    if value is not True:
        raise OptionError(option, "must be true, or null for a probe that is not to count.")
    return value


RULES: Dict[str, RuleKind] = {
    probe.name: RuleKind(
        "audit", "low" if probe.severity == INFO else probe.severity, _nothing_found, None, probe.question, probe.remedy
    )
    for probe in PROBES.values()
}
