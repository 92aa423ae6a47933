# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import random
import socket
from typing import Set

_handed_out: Set[int] = set()


def can_bind(address: str, port: int = 0, kind: socket.SocketKind = socket.SOCK_STREAM) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, kind) as probe:
            # Servers set it as well: a port with old connections in TIME_WAIT is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, port))
    except OSError:
        return False
    return True


def free_port() -> int:
    """A port at which nothing listens, over TCP or UDP, on any address, and which this process did not get before.

    It is below the ephemeral range: neither an outgoing connection nor who binds port 0, in another process, takes it.
    """
    addresses = [address for address in ("0.0.0.0", "::1") if can_bind(address)]
    kinds = (socket.SOCK_STREAM, socket.SOCK_DGRAM)
    for _attempt in range(1000):
        port = random.SystemRandom().randrange(20000, 32000)  # the same in no two processes, whatever seed tests set
        if port not in _handed_out and all(can_bind(address, port, kind) for address in addresses for kind in kinds):
            _handed_out.add(port)
            return port
    raise OSError("no free port between 20000 and 32000")
