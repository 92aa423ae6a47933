# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Every format an assessment can be written in. Filters, roles, the command, tests, the fuzzer and the benchmark read
# this table: a new format is a file beside this one, and a row.
#
# All keep the order of the input, so that equal assessments give equal text. What relays say is escaped by each
# format's own rules.

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Callable, Dict, Optional


class Format(NamedTuple):
    """A format: its function is `as_NAME`, in the file of its name.

    `extension`: of the file that it is written to, or None of what is for terminals and monitoring systems.
    """

    name: str
    extension: Optional[str] = None

    @property
    def write(self) -> Callable[..., str]:
        """An assessment -> text; some take options. Raises ImportError without what the format is made with.

        It is imported when it is asked for: who wants one format need not have installed what others are made with.
        """
        file = importlib.import_module("%s.%s" % (__name__.rpartition(".")[0], self.name))
        function: Callable[..., str] = getattr(file, "as_" + self.name)
        return function


FORMATS: Dict[str, Format] = {
    one.name: one
    for one in (
        Format("json", "json"),
        Format("junit", "xml"),
        Format("prometheus", "prom"),
        Format("markdown", "md"),
        Format("html", "html"),
        Format("table"),
        Format("nagios"),
    )
}


def extensions() -> Dict[str, str]:
    """Return format -> extension, of those that are written to files."""
    return {name: one.extension for name, one in FORMATS.items() if one.extension}
