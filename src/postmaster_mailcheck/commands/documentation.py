# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: what the modules' documentation says of their options, for the help of the command. Reading it takes PyYAML,
# and longer than a check needs to start: only help asks for it. Importing a module would take Ansible, so its source is
# read.

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.module_utils import _errors

if TYPE_CHECKING:
    from typing import Any, Dict

PLUGINS = Path(_errors.__file__).parents[1]


def first_paragraphs(module: str) -> Dict[str, str]:
    """Option -> the first paragraph about it in a module's documentation. Raises ImportError without PyYAML."""
    documentation = _read(PLUGINS / "modules" / (module + ".py"))
    options = dict(documentation["options"])
    for fragment in documentation["extends_documentation_fragment"]:
        name = fragment.split(".")[2]
        options = {**_read(PLUGINS / "doc_fragments" / (name + ".py")).get("options", {}), **options}
    return {name: _without_markup(option["description"][0]) for name, option in options.items()}


def _read(file: Path) -> Dict[str, Any]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign) and [getattr(target, "id", "") for target in node.targets] == ["DOCUMENTATION"]:
            return dict(yaml.load(ast.literal_eval(node.value), loader))  # either loader is a safe one
    raise LookupError("%s has no DOCUMENTATION" % file)


def _without_markup(text: str) -> str:
    return re.sub(r"\b[A-Z]{1,2}\(([^()]*)\)", r"\1", text)
