# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PYTHON_ARGCOMPLETE_OK

# Private: the command `mailcheck`. Arguments in, an exit code out. Each subcommand has a file of its own, which is
# imported where that subcommand is named.

from __future__ import annotations

import argparse
import functools
import importlib
import os
import sys
from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.text import printable
from ansible_collections.postmaster.mailcheck.plugins.module_utils._process import write_no_core_file
from ansible_collections.postmaster.mailcheck.plugins.module_utils._version import __version__
from postmaster_mailcheck.commands import output
from postmaster_mailcheck.commands.arguments import refuse, with_remedy
from postmaster_mailcheck.commands.endings import MISTAKE, BadArguments, Mistake
from postmaster_mailcheck.commands.parser import Manual, Parser, WholeHelp
from postmaster_mailcheck.views.lines import NORMAL, QUIET, VERBOSE

if TYPE_CHECKING:
    from typing import Dict, Iterable, Optional, Sequence, Tuple

# The name of a subcommand, and of its file -> its line in the help.
SUBCOMMANDS = {
    "check": "check one relay",
    "sweep": "check many relays at once",
    "assess": "hold relays and domains against profiles, with reports",
    "domain": "check what mail domains publish",
    "audit": "ask a relay what those who mean ill would ask",
    "sink": "receive mail, keep every octet, misbehave on request",
    "wait": "wait for a message to arrive in a mailbox",
    "explain": "say what a reply, a code, a cause or a rule means",
    "help": "show help of a command, or of swaks, rules, completion",
}

MANUAL = Manual(
    "Check mail relays and mail domains, and say what is wrong with them.",
    "COMMAND",
    """
mailcheck check relay.example.com:587
mailcheck domain example.com
mailcheck explain 554 5.7.1
mailcheck help swaks
""",
    tuple(SUBCOMMANDS.items()),
    more="Each of them tells more: %s check --help",
)


def main(words: Optional[Sequence[str]] = None) -> int:
    """Run the command. Return its exit code."""
    write_no_core_file()
    parser, subparsers = build_parsers()
    if "_ARGCOMPLETE" in os.environ:
        complete(parser, subparsers.values())
    words = sys.argv[1:] if words is None else words
    if not words:
        print(parser.format_help(), end="", file=sys.stderr)
        return MISTAKE
    given = argparse.Namespace()
    try:
        given, unknown = parser.parse_known_args(words)
        refuse(unknown, words, subparsers[given.command], list(subparsers.values()))
        output.prepare(given)
        return int(given.run(given))
    except BadArguments as error:
        return output.refused(words, str(error))
    except (Mistake, OptionError) as error:
        return output.refused(words, "mailcheck: " + printable(with_remedy(error, given, words)))
    except Exception as error:
        if not output.for_nagios(words):
            raise
        import traceback

        traceback.print_exc()
        return output.refused(words, "mailcheck: a fault of its own: " + type(error).__name__)


def complete(parser: Parser, subparsers: Iterable[Parser]) -> None:
    """Answer the shell that asks how a line may go on, and exit."""
    import argcomplete

    for subparser in subparsers:
        subparser.fill()
    if os.environ.get("_ARGCOMPLETE_SHELL") in ("zsh", "fish"):  # they show beside an argument what it means
        for subparser in subparsers:
            subparser.describe()
    argcomplete.autocomplete(parser)


def build_parsers() -> Tuple[Parser, Dict[str, Parser]]:
    """Return the parser, and those of its subcommands by their names."""
    parser = Parser(prog="mailcheck")
    parser.manual = MANUAL
    parser.add_argument("--version", action="version", version="mailcheck " + __version__)
    commands = parser.add_subparsers(
        prog=parser.prog, dest="command", required=True, metavar="{%s}" % ",".join(SUBCOMMANDS)
    )
    for name, line in SUBCOMMANDS.items():
        commands.add_parser(name, help=line, add_arguments=functools.partial(add_arguments, name))
    subparsers: Dict[str, Parser] = commands.choices
    return parser, subparsers


def add_arguments(name: str, parser: Parser) -> None:
    """Give the parser of a subcommand the arguments that its file says, and those that all have."""
    subcommand = importlib.import_module("postmaster_mailcheck.commands." + name)
    subcommand.add_arguments(parser)
    output.add_json(parser)
    if parser.manual.brief:
        parser.add_argument("--help-all", action=WholeHelp, help="show every option, exit codes and the environment")
        told = parser.add_mutually_exclusive_group()
        for flags, detail, text in (
            (("-q", "--quiet"), QUIET, "say nothing where all is well, and else only the result: for cron"),
            (("-v", "--verbose"), VERBOSE, "show the whole dialogue with a relay, too, and those behind rules"),
        ):
            told.add_argument(*flags, dest="detail", action="store_const", const=detail, help=text)
    parser.set_defaults(run=subcommand.run, detail=NORMAL)
