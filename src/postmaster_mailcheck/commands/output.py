# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: in which format a subcommand tells what it found, and to which file.
#
# What could keep it from being told is found before anything is checked: a check may take an hour, and may send mail.

from __future__ import annotations

import argparse
import contextlib
import functools
import sys
from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.text import printable
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.rules import told_apart, unmet_text
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.register import FORMATS
from postmaster_mailcheck import terminal
from postmaster_mailcheck.commands.arguments import plain_value
from postmaster_mailcheck.commands.endings import MISTAKE, Mistake
from postmaster_mailcheck.commands.files import check_place, write_whole
from postmaster_mailcheck.commands.words import in_flags, of_a_probe
from postmaster_mailcheck.views.lines import NORMAL

if TYPE_CHECKING:
    from typing import Any, Iterator, Mapping, Sequence

    from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import Assessment
    from postmaster_mailcheck.commands.parser import Parser
    from postmaster_mailcheck.terminal import View

# `text` is the subcommand's own view, `json` all that was found; the others are reports, made from its assessment.
TEXT, JSON, NAGIOS = "text", "json", "nagios"
SHOWN = ", ".join(FORMATS)  # as the help has them
_MODE = 0o640  # a report holds dialogues
_EXTRA = "%s is not installed, which this takes. The extra cli brings it."
_PACKAGES = {"yaml": "PyYAML", "jinja2": "Jinja2", "markupsafe": "Jinja2"}  # import -> what to install


def add_json(parser: Parser) -> None:
    """Give a subcommand --json, which all have: it is a format, too."""
    note = "one JSON document instead of text"
    parser.add_argument("--json", action="store_const", const=JSON, default=TEXT, dest="format", help=note)
    parser.set_defaults(output=None)


def add_formats(parser: Parser) -> None:
    """Give a subcommand --format and --output: of what it finds reports can be made."""
    choices = [TEXT, *FORMATS]
    parser.add_argument(
        "--format", type=functools.partial(plain_value, {"type": "str", "choices": choices}), choices=choices,
        default=TEXT, metavar="FORMAT", help="how to tell what was found: %s (default: text)" % ", ".join(choices),
    )  # fmt: skip
    parser.add_argument("--output", metavar="FILE", help="write it to this file, whole or not at all")
    parser.add_argument(
        "--output-mode", type=_mode, default=_MODE, metavar="MODE", help="the mode of files that are written (0640)"
    )


def _mode(text: str) -> int:
    try:
        mode = int(text, 8)
    except ValueError:
        mode = -1
    if not 0 <= mode <= 0o777:
        raise argparse.ArgumentTypeError("must be a mode such as 0640")
    return mode


def prepare(given: argparse.Namespace) -> None:
    """Find what would keep it from being told. Raises Mistake."""
    if given.format not in (TEXT, JSON):
        with needing_extras("--format %s" % given.format):
            FORMATS[given.format].write  # noqa: B018  # which is imported by this
    if given.output:
        check_place(given.output, "--output")


@contextlib.contextmanager
def needing_extras(what: str) -> Iterator[None]:
    """Within this, a package that is not there is a mistake in asking for `what`. Raises Mistake."""
    try:
        yield
    except ImportError as error:
        name = str(error.name).partition(".")[0]
        raise Mistake("%s: %s" % (what, _EXTRA % _PACKAGES.get(name, name))) from None


def tell(found: Any, view: View, given: argparse.Namespace, code: int) -> int:
    """Tell what was found as the arguments ask for it. Return the exit code: `code`, but of nagios its own."""
    if given.format in (TEXT, JSON):
        return tell_plainly(found, view, given, code)
    return tell_assessment(assessed([found]), given, code)


def assessed(results: Sequence[Mapping[str, Any]], **judging: Any) -> Assessment:
    """Judge results of the engine, as assess() does, with options said as they are typed, not as in a playbook.

    Raises AssessmentError, ProfileError.
    """
    from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._assessment import assess

    assessment = assess([_with_next_steps(one) for one in results], **judging)
    for row in assessment["endpoints"]:
        for rule in row["rules"]:
            asked, seen = told_apart(rule["text"])  # what was seen may be a relay's words
            asked = in_flags(asked)
            rule["text"] = unmet_text(asked, of_a_probe(seen)) if seen else asked
            rule["remedy"] = in_flags(rule["remedy"])
    return assessment


def _with_next_steps(result: Mapping[str, Any]) -> Mapping[str, Any]:
    """The result of one check or of many, whose hints are those of the command."""
    from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.causes import with_more
    from postmaster_mailcheck.views.results import next_step

    if isinstance(result.get("endpoints"), list):
        return {**result, "endpoints": [_with_next_steps(one) for one in result["endpoints"]]}
    failure = result.get("failure")
    if not failure or failure["cause"] == "rule_unmet":  # which the rules themselves tell
        return result
    hint = with_more(next_step(result), failure["cause"])
    return {**result, "msg": result["msg"].replace(failure["hint"], hint), "failure": {**failure, "hint": hint}}


def tell_plainly(found: Any, view: View, given: argparse.Namespace, code: int) -> int:
    """Tell what no report is made of, as text or JSON. Raises Mistake."""
    if given.format not in (TEXT, JSON):
        raise Mistake("--format: of this there is text and json alone")
    if not given.output:
        return terminal.tell(found, view, given, code)
    _write(_plain_json(found) if given.format == JSON else _plain(found, view, given), given)
    return code


def tell_assessment(assessment: Assessment, given: argparse.Namespace, code: int) -> int:
    """Tell an assessment in one of the formats that there are of it."""
    if given.format == NAGIOS:
        from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.nagios import exit_status

        code = exit_status(assessment, given.lenient)
        text = FORMATS[NAGIOS].write(assessment, given.lenient)
    else:
        text = FORMATS[given.format].write(assessment)
    text = text if text.endswith("\n") else text + "\n"
    if given.output:
        _write(text, given)
    else:
        _print(text, "utf-8" if FORMATS[given.format].extension else sys.stdout.encoding or "ascii")
    return code


def _write(text: str, given: argparse.Namespace) -> None:
    write_whole(given.output, text, given.output_mode, "--output")


def _plain_json(found: Any) -> str:
    import json

    return json.dumps(found, indent=2) + "\n"


def _plain(found: Any, view: View, given: argparse.Namespace) -> str:
    """The lines as a pipe is sent them; a file has them all, however quiet the command is."""
    lines = view(found, max(given.detail, NORMAL))
    return "".join("".join(printable(text) for text, _style in line.pieces) + "\n" for line in lines)


def refused(words: Sequence[str], message: str) -> int:
    """Say what is wrong with the call. Return the exit code, which of a monitoring plugin is UNKNOWN."""
    print(message, file=sys.stderr)
    if not for_nagios(words):
        return MISTAKE
    from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats import nagios

    _print(nagios.unknown(message), sys.stdout.encoding or "ascii")
    return nagios.UNKNOWN


def for_nagios(words: Sequence[str]) -> bool:
    """Whether a line asks for a monitoring plugin, though it may make no sense."""
    pairs = ["=".join(pair) for pair in zip(words, words[1:])]
    return "--format=" + NAGIOS in (*words, *pairs)


def _print(text: str, encoding: str) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode(encoding, "backslashreplace"))
    sys.stdout.flush()
