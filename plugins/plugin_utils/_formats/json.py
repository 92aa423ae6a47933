# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# JSON with a line for each rule and each plain value, so that `diff` and version control show what changed.

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._drift import stable_form

if TYPE_CHECKING:
    from typing import Any

    from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import Assessment


def as_json(assessment: Assessment, stable: bool = False) -> str:
    """The assessment, whole or in the form that is to be compared."""
    return _laid_out(stable_form(assessment) if stable else assessment) + "\n"


def digest(assessment: Assessment) -> str:
    """The SHA-256 of the text that as_json() gives: by it, another report names the JSON that it was made from."""
    return hashlib.sha256(as_json(assessment).encode()).hexdigest()


def _laid_out(value: Any, indent: str = "") -> str:
    """Dictionaries and lists that hold others over several lines; what is flat, in one."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    deep = any(isinstance(one, (dict, list, tuple)) and one for one in inner)
    if not deep or (isinstance(value, dict) and "outcome" in value):
        return json.dumps(value)
    below = indent + " "
    if isinstance(value, dict):
        lines = [below + json.dumps(str(name)) + ": " + _laid_out(one, below) for name, one in value.items()]
        return "{\n" + ",\n".join(lines) + "\n" + indent + "}"
    return "[\n" + ",\n".join(below + _laid_out(one, below) for one in value) + "\n" + indent + "]"
