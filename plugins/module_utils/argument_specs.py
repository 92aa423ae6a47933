# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the collection. Argument specs, composed of the engine's one list of options.
#
# Their documentation is the fragment plugins/doc_fragments/smtp.py; a unit test compares the two.

from __future__ import annotations

from typing import TYPE_CHECKING

from .smtp.options import OPTIONS

if TYPE_CHECKING:
    from typing import Any, Dict

    Spec = Dict[str, Dict[str, Any]]


def argument_spec(own: Spec, transcript: str) -> Spec:
    """Return a module's argument spec: its `own` options, and those of a check, with this default of `transcript`."""
    return {**own, **OPTIONS, "transcript": {**OPTIONS["transcript"], "default": transcript}}
