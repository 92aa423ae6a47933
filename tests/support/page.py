# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What an HTML page is made of, as a browser reads it.

from __future__ import annotations

import html.parser
from typing import Any


class Elements(html.parser.HTMLParser):
    """Which elements a page has, and what its scripts are."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.links: list[str] = []
        self.scripts: list[tuple[dict[str, Any], str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, Any]]) -> None:
        self.tags.append(tag)
        self.attributes.extend(name for name, _value in attrs)
        self.links.extend(str(value) for name, value in attrs if name.endswith("href"))
        if tag == "script":
            self.scripts.append((dict(attrs), ""))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] == "script" and self.scripts:
            self.scripts[-1] = (self.scripts[-1][0], self.scripts[-1][1] + data)


def elements(text: str) -> Elements:
    read = Elements()
    read.feed(text)
    return read
