# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# The version, which galaxy.yml has too (a test compares the two), and with what else and where the work is done.

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Dict

__version__ = "0.2.0"


def engine() -> Dict[str, str]:
    """Return what did the checking, and where: from another host, or to another OpenSSL, a relay may look different."""
    import socket
    import ssl
    import sys

    return {
        "version": __version__,
        "python": sys.version.split()[0],
        "openssl": ssl.OPENSSL_VERSION,
        "host": socket.gethostname(),
    }
