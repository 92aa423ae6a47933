# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# How much of what a peer says has room in a report.
#
# A reply of 64 KiB may be 20,000 words, a certificate may have as many names, and each costs the controller many times
# its octets once it is a fact. What is judged is judged before it is cut.

from __future__ import annotations

from typing import TYPE_CHECKING

from .text import cut

if TYPE_CHECKING:
    from typing import Any, Dict, List, Sequence

    from .text import Secrets

MAX_CERTIFICATES = 16  # of a chain
MAX_ITEMS = 256  # of any other list, such as a certificate's names


class Bounds:
    """Keeps a peer's words, without the secrets, within the bounds; `left_out` tells of what there was more."""

    def __init__(self, secrets: Secrets) -> None:
        self.secrets = secrets
        self.left_out: List[str] = []

    def first(self, name: str, values: Sequence[Any], most: int) -> List[Any]:
        """Return the first of `values`."""
        if len(values) <= most:
            return list(values)
        self.tell("%s: %d more were left out." % (name, len(values) - most))
        return list(values[:most])

    def tell(self, *left_out: str) -> None:
        self.left_out += [said for said in left_out if said not in self.left_out]

    def plain(self, name: str, value: Any) -> Any:
        """Return plain data whose texts and lists are within the bounds."""
        if isinstance(value, str):
            return cut(self.secrets.redacted(value))
        if isinstance(value, list):
            return [self.plain(name, inner) for inner in self.first(name, value, MAX_ITEMS)]
        if isinstance(value, dict):
            inner: Dict[str, Any] = {key: self.plain("%s.%s" % (name, key), found) for key, found in value.items()}
            return inner
        return value
