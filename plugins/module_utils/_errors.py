# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# A caller's mistakes and our own faults, told without the values they arose from.

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Iterable, Optional


class OptionError(Exception):
    """A caller's mistake, found before any socket opens: which option, and what to do about it.

    Its text names the option and never shows the value, which may be a secret that went astray.
    """

    def __init__(self, option: str, text: str) -> None:
        super().__init__("%s: %s" % (option, text))
        self.option = option


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a question that ends a refusal, with a space before it: the nearest of `known`, if one is near."""
    near = nearest(name, known)
    return " Did you mean %s?" % near if near else ""


def nearest(name: str, known: Iterable[str]) -> Optional[str]:
    """Return the one of `known` that was most likely meant, if one is near enough."""
    import difflib

    return next(iter(difflib.get_close_matches(name, list(known), 1)), None)


def describe_bug(bug: BaseException) -> str:
    """Say where a fault of our own arose, without the values it arose from: they may hold secrets."""
    if isinstance(bug, OptionError):  # a file that is no longer what it was when the options were checked
        return str(bug)
    place = bug.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = "%s:%d" % (os.path.basename(place.tb_frame.f_code.co_filename), place.tb_lineno) if place else "?"
    reason = " (%s)" % bug.strerror if isinstance(bug, OSError) and bug.strerror else ""
    return "%s%s at %s" % (type(bug).__name__, reason, where)
