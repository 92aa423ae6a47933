# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: what the end of a command's help says of exit codes and of the environment: what concerns that command.

from __future__ import annotations

from typing import TYPE_CHECKING

from postmaster_mailcheck.commands.words import SECRETS, flag_of, variable_of

if TYPE_CHECKING:
    from typing import Iterable

_CODES = """
exit codes:
  0  passed              1  failed         2  a mistake in the call; nothing was checked
  3  refused for now     4  unreachable    5  not checked (ended early, or nothing to judge by)
"""
_SIX = "  6  passed, but %s (with --lenient: 0)\n"
_OF_MANY = "  Of several it is the first of these that any came to, in the order 1, 4, 3, 5, 6.\n"
_NAGIOS = "  With --format nagios: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.\n"
_COLOURS = "  %-30s no colours; there are none in a pipe either\n" % "NO_COLOR"
COMPLETION = """
shell completion (bash, and zsh after compinit; fish):
  eval "$(register-python-argcomplete mailcheck)"
  register-python-argcomplete --shell fish mailcheck | source
"""
UNJUDGED = "a rule of --expect could not be judged"


def notes(options: Iterable[str], six: str, of_many: bool = False) -> str:
    """Return the notes of a command with these options; `six`: what may be left open where all else passed."""
    secrets = [name for name in options if name in SECRETS]
    used = ["  %-30s used with %s\n" % (variable_of(name), flag_of(SECRETS[name])) for name in secrets]
    codes = _CODES.lstrip() + _SIX % six + (_OF_MANY if of_many else "") + _NAGIOS
    return codes + "\nenvironment:\n" + "".join(used) + _COLOURS
