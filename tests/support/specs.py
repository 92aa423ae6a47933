# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documented options and argument specs in one form, so that a test can hold them against each other.

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Dict

FRAGMENTS = "ansible_collections.postmaster.mailcheck.plugins.doc_fragments."


def documented_options(module: ModuleType) -> Dict[str, Dict[str, Any]]:
    """What a module documents of its options, with its fragments merged as ansible-doc does."""
    documentation = yaml.safe_load(module.DOCUMENTATION)
    options: Dict[str, Any] = {}
    for name in documentation["extends_documentation_fragment"]:
        _namespace, _collection, file, *part = name.split(".")
        fragment = import_module(FRAGMENTS + file).ModuleDocFragment
        options.update(
            yaml.safe_load(getattr(fragment, part[0].upper() if part else "DOCUMENTATION")).get("options", {})
        )
    return {**options, **documentation["options"]}


def as_spec(options: Dict[str, Dict[str, Any]]) -> Dict[str, Dict[str, Any]]:
    """What documented options say, in the form of an argument spec."""
    spec = {}
    for name, option in options.items():
        row = {
            key: option[key]
            for key in ("type", "elements", "choices", "default", "required", "aliases")
            if key in option
        }
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
