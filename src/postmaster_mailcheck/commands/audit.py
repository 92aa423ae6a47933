# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: `mailcheck audit`.

from __future__ import annotations

from typing import TYPE_CHECKING

import postmaster_mailcheck
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.options import AUDIT_OPTIONS, FLEET_OPTIONS
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.report import left_open, listed
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.endpoint import host_and_port
from postmaster_mailcheck import terminal
from postmaster_mailcheck.commands import notes, output
from postmaster_mailcheck.commands.arguments import add_check_mode, add_lenient, add_options, options_of
from postmaster_mailcheck.commands.endings import Mistake, exit_code, stop_on_interrupt
from postmaster_mailcheck.commands.files import told_by_place
from postmaster_mailcheck.commands.parser import Manual
from postmaster_mailcheck.commands.sweep import FROM_FILE, read_relays
from postmaster_mailcheck.views import audits

if TYPE_CHECKING:
    import argparse
    from typing import Any, Dict, List

    from postmaster_mailcheck.commands.parser import Parser

TABLE = {name: row for name, row in {**FLEET_OPTIONS, **AUDIT_OPTIONS}.items() if name not in FROM_FILE}

MANUAL = Manual(
    "Ask relays what those who mean ill would ask: only what draws no error by default. No credential but made "
    "up ones is used, and no message sent but to --mailbox-recipient.",
    "HOST[:PORT] ...",
    """
mailcheck audit --list
mailcheck audit mx.example.com
mailcheck audit mx.example.com --intensity active --authorised mx.example.com
""",
    (
        ("--list", "the probes there are, and what each comes to"),
        ("--check-mode", "connect to nobody, and say what it would come to"),
        ("--file FILE", "more relays, in a file as for sweep"),
        ("--intensity HOW", "safe (the default), active, intrusive"),
        ("--authorised HOST", "a relay that you may probe; needed beyond safe"),
        ("--probes NAME", "a probe to make; may be repeated. Else all"),
        ("--ca-path FILE", "trust these authorities, not the system's"),
        ("-q", "nothing where all is well"),
        ("--format F, --json", output.SHOWN),
    ),
    notes.notes(
        TABLE,
        "a probe was left unknown (but for those that only sslyze can ask), or not made for\n     want of an option",
    ),
)


def add_arguments(parser: Parser) -> None:
    parser.manual = MANUAL
    parser.add_argument("relay", metavar="HOST[:PORT]", nargs="*", help="the relays, such as relay.example.com:587")
    parser.add_argument("--list", action="store_true", help="list the probes there are, and what each comes to")
    parser.add_argument("--file", metavar="FILE", help="more relays, in a file as `mailcheck sweep` takes it")
    add_check_mode(parser, "connect to nobody; say how many connections, errors and messages it would come to")
    output.add_formats(parser)
    add_lenient(parser, "for probes that were left unknown")
    add_options(parser, TABLE, "smtp_audit")


def run(given: argparse.Namespace) -> int:
    if given.list:
        return output.tell_plainly(listed(), audits.probes, given, 0)
    options: Dict[str, Any] = options_of(given, TABLE)
    options.update(read_relays(given.file) if given.file else {})
    if given.file or len(given.relay) > 1:
        return _many(given, [*given.relay, *options.pop("hosts", ())], options)
    if not given.relay:
        raise Mistake("no relay is named. Name one or several, give a --file of them, or say --list")
    host, port = host_and_port(given.relay[0], "HOST")
    if port is not None:
        options.setdefault("port", port)
    for name in FLEET_OPTIONS:
        options.pop(name, None)
    report = postmaster_mailcheck.audit(host, check_mode=given.check_mode, on_start=stop_on_interrupt, **options)
    unknown = bool(left_open(report) or report["not_made"]) and not given.lenient
    code = 0 if given.check_mode else exit_code([report["verdict"]], unknown)
    return output.tell(report, audits.audit, given, code)


def _many(given: argparse.Namespace, hosts: List[str], options: Dict[str, Any]) -> int:
    total = len(hosts) + len(options.get("endpoints", ()))
    with told_by_place("--file", hosts), terminal.progress(total, given.detail) as progress:
        found = postmaster_mailcheck.audit_relays(
            hosts, check_mode=given.check_mode, on_start=stop_on_interrupt, on_report=progress.advance, **options
        )
    summary = found["summary"]
    unknown = bool(summary["not_judged"]) and not given.lenient
    code = 0 if given.check_mode else exit_code(summary["verdicts"], unknown)
    return output.tell(found, audits.audits, given, code)
