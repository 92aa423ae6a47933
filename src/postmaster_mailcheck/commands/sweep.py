# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: `mailcheck sweep`.

from __future__ import annotations

from typing import TYPE_CHECKING

import postmaster_mailcheck
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.options import OPTIONS
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.sweep_options import SWEEP_OPTIONS
from postmaster_mailcheck import terminal
from postmaster_mailcheck.commands import notes, output
from postmaster_mailcheck.commands.arguments import add_check_mode, add_lenient, add_options, options_of
from postmaster_mailcheck.commands.endings import Mistake, exit_code, stop_on_interrupt
from postmaster_mailcheck.commands.files import NoFile, load_options, told_by_place
from postmaster_mailcheck.commands.parser import Manual
from postmaster_mailcheck.views import relays

if TYPE_CHECKING:
    import argparse
    from typing import Any, Dict

    from postmaster_mailcheck.commands.parser import Parser

FROM_FILE = ("hosts", "endpoints")  # options that come from FILE, and are no arguments
TABLE = {name: row for name, row in {**SWEEP_OPTIONS, **OPTIONS}.items() if name not in FROM_FILE}

MANUAL = Manual(
    "Check many relays at once. FILE has a relay a line, such as mx1.example.com:587, and comments after #. A "
    "file named .json, .yml or .yaml holds a list of endpoints, or a dictionary of the options of smtp_sweep. The "
    "options here hold for all relays; what a file says goes first.",
    "FILE",
    """
mailcheck sweep relays.txt --deadline 60
mailcheck sweep --domains example.com
mailcheck sweep relays.txt --expect certificate_days_left=30 -q
""",
    (
        ("--domains DOMAIN", "each address of each of its MX hosts; several times"),
        ("--all-addresses", "each address of a relay for itself"),
        ("--tls MODE", "starttls (the default), opportunistic, none, implicit"),
        ("--expect RULE=VALUE", "what must be true, see: mailcheck help rules"),
        ("--deadline SECONDS", "how long all of it may take"),
        ("--concurrency N", "how many at once (default: 200)"),
        ("-q", "nothing where all is well"),
        ("--format F, --json", output.SHOWN),
    ),
    notes.notes(TABLE, notes.UNJUDGED, of_many=True),
)


def add_arguments(parser: Parser) -> None:
    parser.manual = MANUAL
    parser.add_argument("file", metavar="FILE", nargs="?", help="the relays; - is standard input")
    add_check_mode(parser, "do all that changes nothing: no message goes out")
    output.add_formats(parser)
    add_lenient(parser, "for rules that could not be judged")
    add_options(parser, TABLE, "smtp_sweep")


def run(given: argparse.Namespace) -> int:
    options = options_of(given, TABLE)
    if given.file is None and not options.get("domains"):
        raise Mistake("there is nothing to check. Name a FILE of relays (- is standard input), or say --domains")
    options.update(read_relays(given.file) if given.file else {})
    total = None
    if not options.get("domains") and not options.get("all_addresses"):
        total = len(options.get("hosts", ())) + len(options.get("endpoints", ()))
    with told_by_place("FILE", options.get("hosts", ())), terminal.progress(total, given.detail) as progress:
        result = postmaster_mailcheck.sweep(
            check_mode=given.check_mode,
            on_start=stop_on_interrupt,
            on_report=progress.advance,
            on_retry=progress.retry,
            **options,
        )
    summary = result["summary"]
    code = exit_code(summary["verdicts"], bool(summary["not_judged"]) and not given.lenient)
    return output.tell(result, relays.sweep, given, code)


def read_relays(file: str) -> Dict[str, Any]:
    """The options of a sweep that a file holds. Raises Mistake."""
    try:
        return load_options(file, "FILE", lines="hosts", entries="endpoints")
    except NoFile as error:
        told = "%s. It holds relays, one a line. For one relay alone say mailcheck check HOST[:PORT]"
        raise Mistake(told % error) from None
