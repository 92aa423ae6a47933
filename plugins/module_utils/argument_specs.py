# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the collection. Argument specs, composed of the engine's one list of options.
#
# Their documentation is the fragment plugins/doc_fragments/smtp.py; a unit test compares the two.

from __future__ import annotations

from typing import TYPE_CHECKING

from .smtp.options import OPTIONS, SWEEP_OPTIONS

if TYPE_CHECKING:
    from typing import Any, Dict

    Spec = Dict[str, Dict[str, Any]]


def smtp_check_spec() -> Spec:
    """Return the argument spec of smtp_check: one relay, and all that can be asked of it."""
    transcript = {**OPTIONS["transcript"], "default": "always"}
    return {"host": {"type": "str", "required": True}, **OPTIONS, "transcript": transcript}


def smtp_sweep_spec() -> Spec:
    """Return the argument spec of smtp_sweep: many relays, and the options of their checks shared by all."""
    transcript = {**OPTIONS["transcript"], "default": "on_failure"}
    return {**SWEEP_OPTIONS, **OPTIONS, "transcript": transcript}
