# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: `mailcheck check`.

from __future__ import annotations

from typing import TYPE_CHECKING

import postmaster_mailcheck
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.endpoint import host_and_port
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.options import OPTIONS
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.rules import not_judged
from postmaster_mailcheck import terminal
from postmaster_mailcheck.commands import notes, output
from postmaster_mailcheck.commands.arguments import add_check_mode, add_lenient, add_options, options_of
from postmaster_mailcheck.commands.endings import exit_code, stop_on_interrupt
from postmaster_mailcheck.commands.parser import Manual
from postmaster_mailcheck.views import relays

if TYPE_CHECKING:
    import argparse

    from postmaster_mailcheck.commands.parser import Parser


MANUAL = Manual(
    "Check one relay, and say what is wrong with it and what to do.",
    "HOST[:PORT]",
    """
mailcheck check relay.example.com:587
mailcheck check mx.example.com --from app@example.com --to root@example.com
mailcheck check relay.example.com:465 --expect certificate_days_left=30 -q
""",
    (
        ("-p PORT", "the port, if HOST comes without; else 25"),
        ("--tls MODE", "starttls (the default), opportunistic, none, implicit"),
        ("--user NAME", "sign in, with MAILCHECK_PASSWORD or --ask-password"),
        ("--from ADDRESS", "the envelope's sender"),
        ("--to ADDRESS", "a recipient; may be repeated. Nothing is sent"),
        ("--send", "send a test message to those that are accepted"),
        ("--ca-path FILE", "trust these authorities, not the system's"),
        ("--tls-server-name NAME", "the name in the certificate; else HOST"),
        ("--expect RULE=VALUE", "what must be true, see: mailcheck help rules"),
        ("--retry-for SECONDS", "try again for so long (default: 0)"),
        ("-v, -q", "the whole dialogue, too; nothing where all is well"),
        ("--format F, --json", output.SHOWN),
    ),
    notes.notes(OPTIONS, notes.UNJUDGED),
)


def add_arguments(parser: Parser) -> None:
    parser.manual = MANUAL
    parser.add_argument("relay", metavar="HOST[:PORT]", help="the relay, such as relay.example.com:587")
    add_check_mode(parser, "do all that changes nothing: no message goes out")
    output.add_formats(parser)
    add_lenient(parser, "for rules that could not be judged")
    add_options(parser, OPTIONS, "smtp_check")


def run(given: argparse.Namespace) -> int:
    host, port = host_and_port(given.relay, "HOST")
    options = options_of(given, OPTIONS)
    if port is not None:
        options.setdefault("port", port)
    with terminal.retries(given.detail) as told:
        report = postmaster_mailcheck.check(
            host, check_mode=given.check_mode, on_start=stop_on_interrupt, on_retry=told, **options
        )
    code = exit_code([report["verdict"]], bool(not_judged(report["rules"])) and not given.lenient)
    return output.tell(report, relays.check, given, code)
