# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# The one door for octets that no command may hold: line ends where none belong, NUL, two commands in one.
#
# commands.py refuses all of these, for good reason. Nothing here is made of what a caller gives but addresses, which
# options.py has checked. What leaves is written out, octet by octet, in the transcript.

from __future__ import annotations

import re

from .._smtp.commands import Command

# What a relay that looks for the true end alone may pass on. Endings that begin with CR LF and end in what any relay
# takes for one are not among them: whoever sends has doubled their dot.
ENDINGS = (b"\n.\n", b"\n.\r", b"\r.\n", b"\r.\r", b"\n.\r\n", b"\r.\r\n", b"\r\n\0.\r\n")
_RUN = re.compile(r"(.)\1{31,}")  # as many alike would hide what stands around them


def octets(data: bytes) -> Command:
    """Return these octets as they are, to leave in one write, in the form that shows each of them."""
    return Command("extra", data, shown_octets(data))


def shown_octets(data: bytes) -> str:
    """Return octets as text: what is not printable ASCII by its escape, a long run of one by how often it comes.

    >>> shown_octets(b"NOOP\\r\\n" + b"x" * 500)
    'NOOP\\\\r\\\\nx{500 times}'
    """
    text = _RUN.sub(lambda run: "%s{%d times}" % (run.group(1), len(run.group())), data.decode("latin-1"))
    return text.encode("unicode_escape").decode("ascii")
