# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The command in a terminal of a given width, with rich and without.

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from typing import List, Sequence, Tuple

import pytest

AS_MODULE = ("-m", "postmaster_mailcheck")


def without(module: str) -> Tuple[str, str]:
    """How the command runs where a module is not installed."""
    run = "from postmaster_mailcheck.commands.main import main; sys.exit(main())"
    return "-c", "import sys; sys.modules['%s'] = None; %s" % (module, run)


def sent_to_a_terminal(*words: object, size: Tuple[int, int] = (0, 0), **variables: str) -> str:
    """What Python, called with these words, sends to a terminal, on standard output and error together.

    `size`: its rows and columns; zeros: it does not say.
    """
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": os.environ["PYTHONPATH"], "TERM": "xterm-256color"}
    command = [sys.executable, *map(str, words)]
    pieces = []
    with subprocess.Popen(command, env={**environ, **variables}, stdin=slave, stdout=slave, stderr=slave) as process:
        os.close(slave)
        while True:
            try:
                piece = os.read(master, 65536)
            except OSError:  # the other side is closed
                break
            if not piece:
                break
            pieces.append(piece)
        process.wait(timeout=60)
    os.close(master)
    return b"".join(pieces).decode("utf-8")


def on_screen(width: int, *words: object, how: Sequence[str] = AS_MODULE) -> List[str]:
    """The lines that a terminal of this width is sent, without the codes that style them."""
    if how == AS_MODULE:
        pytest.importorskip("rich")
    kept = {name: value for name, value in os.environ.items() if name.startswith("MAILCHECK_")}
    text = sent_to_a_terminal(*how, *words, size=(24, width), **kept)
    return [line.rstrip("\r") for line in re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text).split("\n")]
