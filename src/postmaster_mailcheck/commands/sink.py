# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: `mailcheck sink`.

from __future__ import annotations

import functools
import sys
import threading
import time
from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.text import counted
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.endpoint import host_and_port
from postmaster_mailcheck import terminal
from postmaster_mailcheck.commands.arguments import add_lenient, plain_value
from postmaster_mailcheck.commands.endings import Mistake, exit_code, stop_on_interrupt
from postmaster_mailcheck.commands.parser import Manual
from postmaster_mailcheck.sink.behaviour import VERBS
from postmaster_mailcheck.sink.outbound import Through, look_outbound
from postmaster_mailcheck.sink.server import Sink
from postmaster_mailcheck.views import sinks

if TYPE_CHECKING:
    import argparse
    from typing import Any, Callable, Dict, List, Mapping, Optional, Set

    from postmaster_mailcheck.commands.parser import Parser

_TURN = 0.5  # seconds: how soon an interrupt is heard
MANUAL = Manual(
    "Receive mail, deliver none, keep every octet: to see what clients and relays send, and what they do when the "
    "server misbehaves. It takes mail from all who reach it, by default on the loopback.",
    "[HOST[:PORT]]",
    """
mailcheck sink 127.0.0.1:2525 --record seen --answer 'RCPT=550 5.1.1 Gone'
mailcheck sink 127.0.0.1:2525 --sessions 1 --inject
mailcheck sink 127.0.0.1:2525 --sessions 1 --tls none
""",
    (
        ("--tls HOW", "starttls (the default), implicit, or none: a downgrade"),
        ("--certificate WHICH", "self-signed, expired (and self-signed), or a PEM file"),
        ("--inject", "a reply in clear, in one write with that to STARTTLS"),
        ("--answer VERB=REPLY", "a reply in place of the usual one"),
        ("--delay VERB=SECONDS", "wait before a reply"),
        ("--greylist SECONDS", "put each sender and recipient off for so long"),
        ("--record FOLDER", "keep all that is said, and each message"),
        ("--sessions N", "end after so many sessions, else by Ctrl-C"),
        ("--through RELAY", "which endings of a message does this relay pass on?"),
        ("-q", "nothing where all is well"),
        ("--json", "one JSON document instead of text"),
    ),
    """exit codes:
  0  nothing was found   1  a rule is not met   2  a mistake in the call
  6  a rule could not be judged (with --lenient: 0)
""",
)


def add_arguments(parser: Parser) -> None:
    parser.manual = MANUAL
    text = "where to listen (default: a free port of 127.0.0.1, which is shown)"
    parser.add_argument("address", metavar="HOST[:PORT]", nargs="?", default="127.0.0.1", help=text)
    number = functools.partial(plain_value, {"type": "float"})
    add = parser.add_argument_group("how it behaves").add_argument
    add("--tls", choices=["starttls", "implicit", "none"], default="starttls", help="none is a downgrade")
    text = "self-signed, or expired (and self-signed too), both made at once (needs cryptography), or a PEM file"
    add("--certificate", metavar="WHICH", help=text)
    add("--key", metavar="FILE", help="the certificate's key, where it is in another file")
    text = "a reply in place of the usual one; may be given several times. VERB is one of " + ", ".join(VERBS)
    add("--answer", metavar="VERB=REPLY", action="append", default=[], help=text)
    text = "wait before a reply; may be given several times"
    add("--delay", metavar="VERB=SECONDS", action="append", default=[], help=text)
    text = "put each client, sender and recipient off for so long"
    add("--greylist", metavar="SECONDS", type=number, default=0.0, help=text)
    add("--inject", action="store_true", help="a reply in clear, in one write with that to STARTTLS")
    add = parser.add_argument_group("what it keeps, and how long it runs").add_argument
    add("--record", metavar="FOLDER", help="a line of JSON for all that is said, and a file for each message")
    text = "end after so many sessions"
    add("--sessions", metavar="N", type=functools.partial(plain_value, {"type": "int"}), help=text)
    add("--seconds", metavar="SECONDS", type=number, help="end after so long")
    add_lenient(parser, "for rules that could not be judged")
    add = parser.add_argument_group("outbound smuggling").add_argument
    text = "send messages with endings that are none through this relay, which delivers them here, and look what came"
    add("--through", metavar="RELAY[:PORT]", help=text)
    text = "a relay that you may probe: that of --through must be one"
    add("--authorised", metavar="RELAY", action="append", default=[], help=text)
    add("--sender", metavar="ADDRESS", help="an address of yours")
    add("--recipient", metavar="ADDRESS", help="an address of yours, whose mail the relay delivers to this sink")
    add("--wait", metavar="SECONDS", type=number, default=60.0, help="how long the relay may take (default: 60)")


def run(given: argparse.Namespace) -> int:
    through = _through(given)
    host, port = host_and_port(given.address, "HOST")
    ended = threading.Event()
    stop_on_interrupt(ended.set)
    sink = Sink(
        host.strip("[]"),
        port or 0,
        tls=given.tls,
        certificate=given.certificate,
        key=given.key,
        answers=_pairs("--answer", given.answer, str),
        delays=_pairs("--delay", given.delay, float),
        greylist=given.greylist,
        inject=given.inject,
        record=given.record,
    )
    try:
        with sink:
            print("listening on %s, port %d" % (sink.host, sink.port), file=sys.stderr, flush=True)
            if through is None:
                _wait(sink, ended, given)
            # Messages that were made to mislead a relay say nothing of what it sends else.
            rules = sink.rules() if through is None else [_look(sink, through, ended, given.wait)]
            report = _report(sink, rules)
    except OSError as error:
        told = "nobody can listen there: %s. Name another port, or none for one that is free"
        raise Mistake(told % (error.strerror or error)) from None
    outcomes = {one["outcome"] for one in rules}
    code = exit_code(["failed" if "unmet" in outcomes else "passed"], "unknown" in outcomes and not given.lenient)
    return terminal.tell(report, sinks.sink, given, code)


def _through(given: argparse.Namespace) -> Optional[Through]:
    """Return where messages go through, if they go anywhere."""
    if given.through is None:
        return None
    host, port = host_and_port(given.through, "RELAY")
    names = {name.strip().lower().rstrip(".") for name in given.authorised}
    shown = host.lower().rstrip(".")
    if not names & {shown, "%s:%d" % (shown, port or 25)}:
        raise Mistake("--authorised does not hold the relay of --through. List the relays that you may probe")
    if not given.sender or not given.recipient:
        raise Mistake("--through needs --sender and --recipient, both addresses of yours")
    return Through(host, port, given.sender, given.recipient)


def _look(sink: Sink, through: Through, ended: threading.Event, wait: float) -> Dict[str, Any]:
    def on_start(stop: Callable[[], None]) -> None:
        stop_on_interrupt(stop)
        if ended.is_set():  # while the sink was made
            stop()

    return look_outbound(sink, through, wait, on_start)


def _pairs(flag: str, given: List[str], kind: Callable[[str], Any]) -> Mapping[str, Any]:
    found: Dict[str, Any] = {}
    for pair in given:
        verb, equals, text = pair.partition("=")
        try:
            found[verb] = kind(text)
        except ValueError:
            equals = ""
        if not equals:
            raise Mistake("%s takes a command, an equals sign, and what that is to get" % flag)
    return found


def _wait(sink: Sink, ended: threading.Event, given: argparse.Namespace) -> None:
    deadline = None if given.seconds is None else time.monotonic() + given.seconds
    told: Set[int] = set()
    while not ended.is_set() and (given.sessions is None or sink.over < given.sessions):
        told = _tell(sink, told)
        left = _TURN if deadline is None else min(_TURN, deadline - time.monotonic())
        if left <= 0:
            return
        sink.wait(functools.partial(_has_more, sink, sink.over), left)


def _has_more(sink: Sink, over: int) -> bool:
    return sink.over > over


def _tell(sink: Sink, told: Set[int]) -> Set[int]:
    """Say which sessions have ended, but those of these numbers; return the numbers of all that have."""
    over = {session.number: session for session in list(sink.sessions) if session.ended}
    for number in over.keys() - told:
        came = counted(len(over[number].mails), "message")
        print("session %d from %s: %s" % (number, over[number].peer, came), file=sys.stderr, flush=True)
    return set(over)


def _report(sink: Sink, rules: List[Dict[str, Any]]) -> Dict[str, Any]:
    sessions = [session.as_dict() for session in list(sink.sessions)]
    told = {outcome: sum(one["outcome"] == outcome for one in rules) for outcome in ("met", "unmet", "unknown")}
    mails = sum(len(one["mails"]) for one in sessions)
    came = "%s, %s" % (counted(len(sessions), "session"), counted(mails, "message"))
    return {
        "host": sink.host,
        "port": sink.port,
        "msg": came + ": %(met)d met, %(unmet)d unmet, %(unknown)d not judged." % told,
        "warnings": sink.warnings,
        "sessions": sessions,
        "rules": rules,
    }
