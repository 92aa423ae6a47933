# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: how the command ends.

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Callable, Iterable

# Verdict -> exit code, and `not_judged` where all passed but for rules that could not be judged. For a sweep, the first
# of these that any relay came to.
EXIT_CODES = {"failed": 1, "unreachable": 4, "deferred": 3, "not_checked": 5, "not_judged": 6, "passed": 0}
MISTAKE = 2  # argparse's own


class Mistake(Exception):
    """The call makes no sense: a sentence that says why. It names the argument and never shows what it was given."""


class BadArguments(Mistake):
    """The words of the call make no sense. The sentence says of which subcommand."""


def exit_code(verdicts: Iterable[str], not_judged: bool) -> int:
    """Return how the command ends after these verdicts; `not_judged`: there was a rule that could not be judged."""
    ended = {*verdicts, "not_judged"} if not_judged else {*verdicts}
    return next(code for how, code in EXIT_CODES.items() if how in ended)


def stop_on_interrupt(stop: Callable[[], None]) -> None:
    """Let Ctrl-C end the check with what it has learned; a second one ends the command."""

    def on_signal(number: int, _frame: object) -> None:
        signal.signal(number, signal.default_int_handler)
        stop()

    signal.signal(signal.SIGINT, on_signal)
