# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: reports as people read them.
#
# A line is a list of pieces, each a text and a style: what a relay said is only ever a text, so that neither escape
# sequences nor rich's markup in it mean anything. With rich the styles show, in a terminal; without it, or in a pipe,
# the same lines come without them.

from __future__ import annotations

import contextlib
import json
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Tuple

    Line = List[Tuple[str, str]]

_STYLES = {"passed": "bold green", "failed": "bold red", "unreachable": "bold red", "deferred": "bold yellow"}
_OUTCOMES = {"met": "green", "accepted": "green", "unmet": "red", "rejected": "red"}
_LABEL = 13


def printable(text: str) -> str:
    """`text` with every character escaped that would steer a terminal or falsify what is read."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def show(found: Any, lines: Callable[[Any], Iterator[Line]], as_json: bool) -> None:
    """Print as one JSON document, or as lines."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # a reader that has seen enough, as `head`, ends this quietly
    if as_json:
        print(json.dumps(found, indent=2))
        return
    try:
        from rich.console import Console
        from rich.text import Text
    except ImportError:
        for line in lines(found):
            _print_plainly("".join(printable(text) for text, _style in line))
        return
    console = Console(highlight=False, soft_wrap=True, emoji=False, markup=False)
    for line in lines(found):
        console.print(Text.assemble(*((printable(text), style) for text, style in line)))


def _print_plainly(text: str) -> None:
    encoding = sys.stdout.encoding or "ascii"
    print(text.encode(encoding, "backslashreplace").decode(encoding))


@contextlib.contextmanager
def progress(total: Optional[int]) -> Iterator[Callable[[Any], None]]:
    """A bar on standard error while it is a terminal; yields what to call for each report."""
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn
    except ImportError:
        yield lambda _report: None
        return
    console = Console(stderr=True)
    with Progress(
        BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console, transient=True,
        disable=not console.is_terminal,
    ) as progress:  # fmt: skip
        task = progress.add_task("", total=total)
        yield lambda _report: progress.advance(task)


# One relay


def check_lines(report: Mapping[str, Any]) -> Iterator[Line]:
    for entry in report["transcript"] or ():
        yield from _said(entry)
    if report["transcript"]:
        yield []
    for label, text, style in _facts(report):
        yield [(label.ljust(_LABEL), "bold"), (text, style)]
    for warning in report["warnings"]:
        yield [("warning".ljust(_LABEL), "bold yellow"), (warning, "")]
    yield from _verdict(report)


def _said(entry: Mapping[str, Any]) -> Iterator[Line]:
    head = "%7.3f %s %s " % (entry["at"], "TLS" if entry["tls"] else "   ", ">" if entry["from"] == "client" else "<")
    for text in entry["text"].split("\n"):
        yield [(head, "dim"), (text, "cyan" if entry["from"] == "client" else "")]
        head = " " * len(head)


def _facts(report: Mapping[str, Any]) -> Iterator[Tuple[str, str, str]]:
    if report["address"]:
        source = ", from %s" % report["local_address"] if report["local_address"] else ""  # a Unix socket has none
        yield "address", report["address"] + source, ""
    else:
        for attempt in report["attempts"]:
            yield "address", "%(address)s: %(outcome)s after %(seconds).1f s" % attempt, ""
    if report["greeting"]:
        yield "greeting", "%(code)s %(text)s" % report["greeting"], ""
    if report["capabilities"] is not None:
        offers = (" ".join([keyword, *words]) for keyword, words in report["capabilities"].items())
        yield "offers", ", ".join(offers) or "no extension", ""
    yield from _tls(report["tls"] or {})
    if report["auth"]:
        accepted = report["auth"]["accepted"]
        told = "signed in" if accepted else "refused"
        yield "sign-in", "%s by %s" % (told, report["auth"]["mechanism"]), "green" if accepted else "red"
    for to in report["recipients"]:
        yield "recipient", "%(address)s: %(outcome)s, %(code)s %(text)s" % to, _OUTCOMES.get(to["outcome"], "yellow")
    message = report["message"]
    if message:
        queued = "queued as " + message["queue_id"] if message["queue_id"] else None
        yield "message", ", ".join(filter(None, (message["message_id"], "%d octets" % message["size"], queued))), ""
    for rule in report["rules"]:
        text = "%s: %s" % (rule["outcome"], rule["text"])
        if rule["outcome"] == "unmet":
            text += ". " + rule["remedy"]
        yield "rule", text, _OUTCOMES.get(rule["outcome"], "yellow")
    if report["timings"]:
        yield "seconds", ", ".join("%s %.3f" % pair for pair in report["timings"].items()), ""


def _tls(tls: Mapping[str, Any]) -> Iterator[Tuple[str, str, str]]:
    if not tls:
        return
    trust = {True: "verified", False: ", ".join(tls["verify_errors"]), None: "certificate not judged"}[tls["verified"]]
    if tls["version"]:
        yield "TLS", "%s %s, %s" % (tls["version"], tls["cipher"], trust), "green" if tls["verified"] else "yellow"
    leaf = tls["certificate"]
    if leaf:
        names = ", ".join(name.partition(":")[2] for name in leaf["subject_alt_names"])
        yield "certificate", "%s, from %s" % (names or leaf["subject"], leaf["issuer"]), ""
        style = "" if leaf["days_left"] > 21 else "yellow"
        yield "", "until %s, %d days left" % (leaf["not_after"], leaf["days_left"]), style


def _verdict(report: Mapping[str, Any]) -> Iterator[Line]:
    failure = report["failure"]
    word: Tuple[str, str] = (report["verdict"].ljust(_LABEL), _STYLES.get(report["verdict"], "bold"))
    if not failure:
        yield [word, (report["msg"], "")]
        return
    yield [word, ("%s, at %s" % (failure["cause"], failure["stage"]), "bold")]
    said = failure["text"].split("\n")
    if failure["code"] is not None:
        said[0] = "%s %s" % (failure["code"], said[0])
    for label, texts in (("seen", said), ("it means", [failure["explanation"]]), ("next", [failure["hint"]])):
        for text in filter(None, texts):
            yield [(label.ljust(_LABEL), "bold"), (text, "")]


# A fleet


def sweep_lines(result: Mapping[str, Any]) -> Iterator[Line]:
    width = max([len(row["name"]) for row in result["endpoints"]] + [0])
    for row in result["endpoints"]:
        word = (row["verdict"].ljust(_LABEL), _STYLES.get(row["verdict"], "bold"))
        yield [word, (row["name"].ljust(width + 2), "bold"), (_short(row), "")]
    for row in result["endpoints"]:
        if row["failure"]:
            yield []
            named = row["msg"].startswith(row["name"] + ":")  # the endpoint itself, unless the caller gave it a name
            yield [("" if named else row["name"] + " ", "bold"), (row["msg"], "")]
    yield []
    yield [(result["msg"], "bold")]
    soonest = result["summary"]["soonest_expiry"]
    if soonest:
        when = "expired at %(not_after)s" if soonest["days_left"] < 0 else "in %(days_left)d days (%(not_after)s)"
        text = "The first certificate to expire: %(subject)s, " + when + "."
        yield [(text % soonest, "" if soonest["days_left"] > 21 else "yellow")]


def _short(row: Mapping[str, Any]) -> str:
    if row["failure"]:
        return str(row["failure"]["cause"])
    return str(row["tls"]["version"]) if row["tls"] else "no TLS"


# Codes and causes


def explanation_lines(found: List[Dict[str, Any]]) -> Iterator[Line]:
    for index, one in enumerate(found):
        if index:
            yield []
        if "code" in one:
            yield [(one["explanation"], "")]
            continue
        yield [(one["cause"], "bold"), (" (%s; %s)" % (one["verdict"], " ".join(one["stages"])), "dim")]
        yield [(one["explanation"], "")]
        yield [("Next: ", "bold"), (one["hint"], "")]
