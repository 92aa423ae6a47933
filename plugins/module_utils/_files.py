# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Files that a caller names: each comes to an end.

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Callable


def opener(octets: int) -> Callable[[str, int], int]:
    """Return an `opener` for open(): of files of so many octets at most, and of nothing that we could wait for."""

    def open_file(path: str, flags: int) -> int:
        descriptor = os.open(path, flags | os.O_NONBLOCK)  # whoever opens a FIFO waits for somebody to write
        about = os.fstat(descriptor)
        if stat.S_ISREG(about.st_mode) and about.st_size <= octets:
            return descriptor
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no file of at most %d octets" % octets)

    return open_file
