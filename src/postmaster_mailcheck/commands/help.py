# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: `mailcheck help`: of the command, of a subcommand, or a table for those who come from another program.

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import did_you_mean
from postmaster_mailcheck import terminal
from postmaster_mailcheck.commands.endings import Mistake
from postmaster_mailcheck.commands.notes import COMPLETION
from postmaster_mailcheck.commands.parser import Manual
from postmaster_mailcheck.commands.swaks import swaks_lines

if TYPE_CHECKING:
    import argparse

    from postmaster_mailcheck.commands.parser import Parser

MANUAL = Manual(
    "Show the help of the command, of one of its subcommands, or a topic: swaks (what its options are called here), "
    "rules (what may be expected), completion (how the shell completes words).",
    "[TOPIC]",
)


def add_arguments(parser: Parser) -> None:
    parser.manual = MANUAL
    parser.add_argument(
        "topic", metavar="TOPIC", nargs="?", help="the name of a subcommand, swaks, rules or completion"
    )


def run(given: argparse.Namespace) -> int:
    from postmaster_mailcheck.commands.main import build_parsers

    parser, subparsers = build_parsers()
    if given.topic == "swaks":
        terminal.show(swaks_lines())
    elif given.topic == "rules":
        from postmaster_mailcheck.commands.rules import rule_lines

        terminal.show(rule_lines())
    elif given.topic == "completion":
        print(COMPLETION.strip())
    elif given.topic is None or given.topic in subparsers:
        print((parser if given.topic is None else subparsers[given.topic]).format_help(), end="")
    else:
        known = ["swaks", "rules", "completion", *subparsers]
        raise Mistake("there is no such topic. Known: %s.%s" % (", ".join(known), did_you_mean(given.topic, known)))
    return 0
