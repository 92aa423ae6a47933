# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Sphinx's settings for the site that `make docs` builds into .build/site/html. Nothing is fetched while it is built:
# references to other projects' pages become their plain text.

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, List, Optional

project = "postmaster.mailcheck"
author = copyright = "postmaster.mailcheck contributors"
html_title = "mailcheck"

extensions = ["sphinx_antsibull_ext"]
html_theme = "furo"
antsibull_ext_color_scheme = "default-autodark"
html_show_sphinx = False
html_use_index = False
html_copy_source = False
pygments_style = "ansible"
pygments_dark_style = "monokai"
highlight_language = "YAML+Jinja"
OURS = "ansible_collections.postmaster.mailcheck."


def plain_text(app: Any, env: Any, node: Any, content: Any) -> Optional[Any]:
    """What stands for a label that is not ours to resolve; None leaves it, and its warning, to Sphinx."""
    foreign = node.get("reftype") == "ref" and not node.get("reftarget", "").startswith(OURS)
    return content if foreign else None


def with_captions(index: str) -> str:
    """Name each part of the table of contents beside the pages: by its heading, in whose place the caption stands, or
    where it is hidden, by the one above it.
    """
    tree = ".. toctree::\n    :maxdepth: 1\n"
    index = re.sub("^(.+)\n-+\n\n" + re.escape(tree), tree + r"    :caption: \1\n", index, flags=re.MULTILINE)
    hidden = r"^(.+)\n~+\n((?:(?!^~).*\n)*?)" + re.escape(tree + "    :hidden:\n")
    return re.sub(
        hidden, r"\1\n~~~~~~~~~~~~~~~~\n\2" + tree + r"    :hidden:\n    :caption: \1\n", index, flags=re.MULTILINE
    )


def adapted(app: Any, docname: str, source: List[str]) -> None:
    """Begin the front page with the quick start. Leave out local contents: the theme has them beside each page."""
    if docname == "index":
        quick_start = Path(__file__).with_name("quick_start.rst").read_text(encoding="utf-8")
        text = source[0].replace("\nPostmaster.Mailcheck\n=", "\nmailcheck\n=", 1)
        source[0] = with_captions(text).replace(".. contents::", quick_start + "\n\n.. contents::", 1)
    source[0] = re.sub(r"^\.\. contents::\n(?: +:.*\n)*", "", source[0], flags=re.MULTILINE)


def setup(app: Any) -> None:
    app.connect("missing-reference", plain_text)
    app.connect("source-read", adapted)
