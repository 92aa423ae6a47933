# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Formats that are more text than structure are templates, which lie in data/.

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import jinja2

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.words import (
    counted,
    in_word,
    one_of,
    source,
    told,
    why,
)

if TYPE_CHECKING:
    from typing import Any, Callable

DATA = os.path.join(os.path.dirname(os.path.dirname(__file__)), "data")


def load_template(name: str, autoescape: bool, **filters: Callable[..., Any]) -> jinja2.Template:
    """Return a template that knows these filters, and those that all formats share."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(DATA),
        autoescape=autoescape,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    shared = {"source": source, "counted": counted, "told": told, "one_of": one_of, "why": why, "in_word": in_word}
    environment.filters.update({**shared, **filters})
    return environment.get_template(name)
