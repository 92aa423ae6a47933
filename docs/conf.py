# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Sphinx's settings for the site that `make docs` builds into .build/site/html. Nothing is fetched while it is built:
# references to other projects' pages become their plain text.

from __future__ import annotations

from typing import Any, Optional

project = "postmaster.mailcheck"
author = copyright = "postmaster.mailcheck contributors"
html_title = "postmaster.mailcheck"

extensions = ["sphinx_antsibull_ext"]
html_theme = "sphinx_ansible_theme"
html_theme_options = {"vcs_pageview_mode": "", "topbar_links": {}}
html_context = {"display_version": False}
html_show_sphinx = False
html_use_index = False
html_copy_source = False
pygments_style = "ansible"
highlight_language = "YAML+Jinja"
OURS = "ansible_collections.postmaster.mailcheck."


def plain_text(app: Any, env: Any, node: Any, content: Any) -> Optional[Any]:
    """What stands for a label that is not ours to resolve; None leaves it, and its warning, to Sphinx."""
    foreign = node.get("reftype") == "ref" and not node.get("reftarget", "").startswith(OURS)
    return content if foreign else None


def setup(app: Any) -> None:
    app.connect("missing-reference", plain_text)
