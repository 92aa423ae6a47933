# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: `mailcheck wait`.

from __future__ import annotations

from typing import TYPE_CHECKING

import postmaster_mailcheck
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.request import OPTIONS
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.endpoint import host_and_port
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.rules import not_judged
from postmaster_mailcheck import terminal
from postmaster_mailcheck.commands import notes, output
from postmaster_mailcheck.commands.arguments import add_check_mode, add_lenient, add_options, options_of
from postmaster_mailcheck.commands.endings import Mistake, exit_code, stop_on_interrupt
from postmaster_mailcheck.commands.parser import Manual
from postmaster_mailcheck.views import mail

if TYPE_CHECKING:
    import argparse

    from postmaster_mailcheck.commands.parser import Parser

TABLE = {name: row for name, row in OPTIONS.items() if name != "host"}

MANUAL = Manual(
    "Wait until a message has arrived in a mailbox, or has come back, and tell how it came. Without a token, tell "
    "the state of the mailbox: what --json says then is what --since takes, as @FILE.",
    "HOST[:PORT]",
    """
mailcheck wait imap.example.com --user probe@example.com --ask-password
mailcheck wait imap.example.com --user probe@example.com --token 4f7c0e3c
""",
    (
        ("--protocol NAME", "imap (the default), pop3, maildir"),
        ("--user NAME", "whose mailbox it is"),
        ("--ask-password", "ask for the password; else it is MAILCHECK_PASSWORD"),
        ("--token TOKEN", "what finds the message; else the mailbox's state is told"),
        ("--sent @FILE", "what check --send --json said, in place of the token"),
        ("--since @FILE", "what --json said then: look only at what came later"),
        ("--timeout SECONDS", "how long to wait (default: 120)"),
        ("--expect RULE=VALUE", "what must be true, see: mailcheck help rules"),
        ("-q", "nothing where all is well"),
        ("--format F, --json", output.SHOWN),
    ),
    notes.notes(TABLE, notes.UNJUDGED),
)


def add_arguments(parser: Parser) -> None:
    parser.manual = MANUAL
    text = "the server of the mailbox, such as imap.example.com; none for --protocol maildir"
    parser.add_argument("server", metavar="HOST[:PORT]", nargs="?", help=text)
    add_check_mode(parser, "look, and delete nothing")
    output.add_formats(parser)
    add_lenient(parser, "for rules that could not be judged")
    add_options(parser, TABLE, "wait_for_mail")


def run(given: argparse.Namespace) -> int:
    options = options_of(given, TABLE)
    if given.server is None and options.get("path") is None:
        raise Mistake(
            "no mailbox is named. Say mailcheck wait HOST --user NAME, with the password in MAILCHECK_PASSWORD; or "
            "--protocol maildir --path FOLDER"
        )
    if given.server is not None:
        options["host"], port = host_and_port(given.server, "HOST")
        if port is not None:
            options.setdefault("port", port)
    awaited = options.get("token") or options.get("sent")
    with terminal.waiting("waiting for the message" if awaited else "looking", given.detail):
        report = postmaster_mailcheck.wait_for_mail(check_mode=given.check_mode, on_start=stop_on_interrupt, **options)
    unknown = any(not_judged(message["rules"]) for message in report["messages"])
    code = exit_code([report["verdict"]], unknown and not given.lenient)
    return output.tell(report, mail.wait, given, code)
