# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: `mailcheck domain`.

from __future__ import annotations

from typing import TYPE_CHECKING

import postmaster_mailcheck
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.options import DOMAIN_OPTIONS
from postmaster_mailcheck import terminal
from postmaster_mailcheck.commands import notes, output
from postmaster_mailcheck.commands.arguments import add_lenient, add_options, options_of
from postmaster_mailcheck.commands.endings import exit_code, stop_on_interrupt
from postmaster_mailcheck.commands.parser import Manual
from postmaster_mailcheck.views import domains

if TYPE_CHECKING:
    import argparse

    from postmaster_mailcheck.commands.parser import Parser

TABLE = {name: row for name, row in DOMAIN_OPTIONS.items() if name != "domains"}

MANUAL = Manual(
    "Look at what mail domains publish, and whether others can trust it: MX, SPF, DKIM, DMARC, MTA-STS, TLS-RPT, "
    "DNSSEC and DANE; with --relays at the relays, too.",
    "DOMAIN [DOMAIN ...]",
    """
mailcheck domain example.com --selectors s1 --senders 192.0.2.25
mailcheck domain example.com --zone-files example.com.zone --look-at spf
""",
    (
        ("--selectors NAME", "a DKIM selector; may be repeated"),
        ("--senders ADDRESS", "what sends for the domain: an address or a host"),
        ("--look-at WHAT", "mx, spf, dkim, dmarc ...; may be repeated"),
        ("--relays", "connect to the relays, too"),
        ("--zone-files FILE", "answers from a zone file: the check before publishing"),
        ("--dns-servers ADDRESS", "a name server to ask"),
        ("--expect RULE=VALUE", "what must be true, see: mailcheck help rules"),
        ("-q", "nothing where all is well"),
        ("--format F, --json", output.SHOWN),
    ),
    notes.notes(TABLE, notes.UNJUDGED, of_many=True),
)


def add_arguments(parser: Parser) -> None:
    parser.manual = MANUAL
    parser.add_argument("domain", metavar="DOMAIN", nargs="+", help="the domains, such as example.com")
    output.add_formats(parser)
    add_lenient(parser, "for rules that could not be judged")
    add_options(parser, TABLE, "domain_check")


def run(given: argparse.Namespace) -> int:
    options = options_of(given, TABLE)
    with terminal.progress(len(given.domain), given.detail) as progress:
        result = postmaster_mailcheck.check_domains(
            given.domain, on_start=stop_on_interrupt, on_report=progress.advance, **options
        )
    summary = result["summary"]
    code = exit_code(summary["verdicts"], bool(summary["not_judged"]) and not given.lenient)
    return output.tell(result, domains.domain, given, code)
