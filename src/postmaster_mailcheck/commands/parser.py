# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: what argparse does not do: arguments that are added when they are needed, help that fits a screen, and errors
# that never repeat what may be a secret.

from __future__ import annotations

import argparse
import functools
import re
from typing import TYPE_CHECKING, NamedTuple

from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import did_you_mean
from postmaster_mailcheck.commands.endings import BadArguments

if TYPE_CHECKING:
    from typing import Any, Callable, List, NoReturn, Optional, Sequence, Tuple


class Manual(NamedTuple):
    """What the help of a command says besides its arguments."""

    purpose: str  # a sentence or some
    words: str = ""  # what stands behind the command's name, such as HOST[:PORT]
    examples: str = ""  # a line each
    # What help shows at first, each in a line: an option, and what it does. If there is none, it shows all.
    brief: Sequence[Tuple[str, str]] = ()
    notes: str = ""  # exit codes and the like, where all is shown
    more: str = "All options, and exit codes: %s --help-all"  # how the short help ends; %s is the command


class Parser(argparse.ArgumentParser):
    """A parser that keeps what it is given to itself.

    `add_arguments` gives it its arguments when it has something to parse; what they mean is looked up when somebody
    asks for help.
    """

    def __init__(self, add_arguments: Optional[Callable[[Parser], None]] = None, **settings: Any) -> None:
        # argparse makes a formatter for each argument that is added: how wide the terminal is, only help has to know.
        unmeasured = functools.partial(argparse.RawDescriptionHelpFormatter, width=80)
        super().__init__(formatter_class=unmeasured, allow_abbrev=False, **settings)
        self._still_to_add = add_arguments
        self.describe: Callable[[], None] = lambda: None  # gives the arguments their help
        self.manual = Manual("")

    def fill(self) -> None:
        """Have the arguments, unless they are there."""
        add_arguments, self._still_to_add = self._still_to_add, None
        if add_arguments is not None:
            add_arguments(self)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        self.fill()
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        # argparse quotes what it cannot use, which may be a secret that went astray: its sentences end before that. And
        # they come alone: behind all the arguments that there are, the one that matters would be lost.
        sentence = re.split(r""":? ['"]""", message)[0].rstrip(".")
        ending = "" if sentence.endswith("?") else "."
        raise BadArguments("%s: error: %s%s See %s --help." % (self.prog, sentence, ending, self.prog))

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if isinstance(action, argparse._SubParsersAction) and value not in action.choices:
            known = list(action.choices)
            told = "there is no such command. Known: %s.%s" % (", ".join(known), did_you_mean(str(value), known))
            raise argparse.ArgumentError(None, told)
        super()._check_value(action, value)

    @property
    def flags(self) -> List[str]:
        self.fill()
        return [flag for flag in self._option_string_actions if flag.startswith("--")]

    def format_help(self) -> str:
        """What fits a screen, where there is more than that."""
        self.fill()
        return self._brief_help() if self.manual.brief else self.format_whole_help()

    def _brief_help(self) -> str:
        manual = self.manual
        width = max([20, *(len(option) for option, _what in manual.brief)]) + 2
        options = "\n".join("  %s%s" % (option.ljust(width), what) for option, what in manual.brief)
        parts = [self._usage(), _filled(manual.purpose), options, _examples(manual)]
        return "\n\n".join([*parts, manual.more % self.prog]) + "\n"

    def format_whole_help(self) -> str:
        self.describe()
        self.formatter_class = functools.partial(argparse.RawDescriptionHelpFormatter, max_help_position=30)
        manual = self.manual
        if manual.words:
            self.usage = self._usage().partition(" ")[2]
        self.description = _filled(manual.purpose)
        self.epilog = "\n\n".join(filter(None, (_examples(manual), manual.notes)))
        return super().format_help()

    def _usage(self) -> str:
        return "usage: %s %s [OPTION ...]" % (self.prog, self.manual.words)


class WholeHelp(argparse.Action):
    """`--help-all`."""

    def __init__(self, option_strings: Any, dest: str, help: Optional[str] = None) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, default=argparse.SUPPRESS, help=help)

    def __call__(self, parser: Any, _given: Any, _values: Any, _flag: Any = None) -> None:
        print(parser.format_whole_help(), end="")
        parser.exit()


def _filled(text: str) -> str:
    import textwrap

    return textwrap.fill(text, 80, break_on_hyphens=False)


def _examples(manual: Manual) -> str:
    lines = manual.examples.strip().splitlines()
    return "\n".join(["examples:", *("  " + line for line in lines)]) if lines else ""
