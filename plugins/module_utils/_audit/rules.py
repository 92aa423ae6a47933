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

    from .model import Probe

INFO = "info"  # a finding that only informs breaks no rule, unless somebody says how grave it is
_LOW = "low"


def _nothing_found(option: str, value: Any) -> bool:
    if value is not True:
        raise OptionError(option, "must be true, or null for a probe that is not to count.")
    return value


def _severity(probe: Probe) -> str:
    """What another program has to be asked does not weigh before it was: its answer brings the severity."""
    return _LOW if probe.severity == INFO or probe.left_to else probe.severity


RULES: Dict[str, RuleKind] = {
    probe.name: RuleKind("audit", _severity(probe), _nothing_found, None, probe.question, probe.remedy)
    for probe in PROBES.values()
}
