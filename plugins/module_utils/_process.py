# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What a process of our own does once, at its start.

from __future__ import annotations

import resource


def write_no_core_file() -> None:
    """Leave nothing behind in a crash: secrets are in the memory that a core file is made of.

    The soft limit alone, so that who looks for a fault may raise it again. prctl(PR_SET_DUMPABLE) would stop a program
    that the kernel hands cores to as well, but also take /dev/stdin and /dev/fd from a process that is not root's.
    """
    _soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
