# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PYTHON_ARGCOMPLETE_OK

# Private: the command `mailcheck`. Arguments in, an exit code out.
#
# The arguments are made from the engine's tables of options, their help from the modules' documentation: an option is
# written once. Secret options are no arguments, because every user of a host may read those of a process.

from __future__ import annotations

import argparse
import getpass
import json
import os
import re
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.explain import CAUSES, CODES
from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.fleet import SWEEP_OPTIONS, host_and_port
from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.model import OptionError, __version__
from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.options import OPTIONS, did_you_mean
from postmaster_mailcheck import check, explanations, sweep, terminal

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterable, Mapping, Optional, Sequence

# Verdict -> exit code. For a sweep, the first of these that any relay came to.
EXIT_CODES = {"failed": 1, "unreachable": 4, "deferred": 3, "not_checked": 5, "passed": 0}
MISTAKE = 2  # argparse's own

# Secret option -> the option that it goes with: without that one, a secret that happens to be set is left alone.
SECRETS = {"password": "username", "access_token": "username", "client_key_password": "client_key"}
_DOCUMENTED = re.compile(r"^  (\w+):\n    description:\n      - (.+\n(?:        .+\n)*)", re.MULTILINE)
FROM_FILE = ("hosts", "endpoints")  # what `sweep` reads from its file

EPILOG = """
exit codes:
  0  passed              1  failed         2  a mistake in the call; nothing was checked
  3  refused for now     4  unreachable    5  not checked (a sweep that was ended early)
  A sweep's is that of the first verdict found among its relays, in the order 1, 4, 3, 5.

environment:
  MAILCHECK_PASSWORD, MAILCHECK_ACCESS_TOKEN    used with --username
  MAILCHECK_CLIENT_KEY_PASSWORD                 used with --client-key
  NO_COLOR                                      no colours; there are none in a pipe either

shell completion (bash, and zsh after compinit; fish):
  eval "$(register-python-argcomplete mailcheck)"
  register-python-argcomplete --shell fish mailcheck | source
"""


class Mistake(Exception):
    """The call makes no sense: a sentence that says why, and shows nothing secret."""


def main(words: Optional[Sequence[str]] = None) -> int:
    """Run the command. Return its exit code."""
    parser = build_parser()
    if "_ARGCOMPLETE" in os.environ:
        import argcomplete

        argcomplete.autocomplete(parser)
    given, unknown = parser.parse_known_args(words)
    try:
        refuse(unknown)
        return int(given.run(given))
    except (Mistake, OptionError) as error:
        print("mailcheck: %s" % terminal.printable(with_remedy(error)), file=sys.stderr)
        return MISTAKE


# The arguments


def build_parser() -> argparse.ArgumentParser:
    kind: Dict[str, Any] = {"formatter_class": argparse.RawDescriptionHelpFormatter, "allow_abbrev": False}
    parser = argparse.ArgumentParser(
        prog="mailcheck", description="Check mail relays, and say what is wrong with them.", epilog=EPILOG, **kind
    )
    parser.add_argument("--version", action="version", version="mailcheck " + __version__)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    one = commands.add_parser("check", help="check one relay", description="Check one relay.", epilog=EPILOG, **kind)
    one.add_argument("relay", metavar="HOST[:PORT]", help="the relay, such as relay.example.com:587")
    one.set_defaults(run=run_check)
    add_options(one, OPTIONS, help_texts("doc_fragments/smtp.py", "modules/smtp_check.py"))

    many = commands.add_parser(
        "sweep", help="check many relays at once", description=SWEEP_DESCRIPTION, epilog=EPILOG, **kind
    )
    many.add_argument("file", metavar="FILE", nargs="?", help="the relays; - is standard input")
    many.set_defaults(run=run_sweep)
    options = {name: row for name, row in {**SWEEP_OPTIONS, **OPTIONS}.items() if name not in FROM_FILE}
    add_options(many, options, help_texts("doc_fragments/smtp.py", "modules/smtp_sweep.py"))

    words = commands.add_parser("explain", help="say what a reply code or a cause means", **kind)
    argument: Any = words.add_argument(
        "words", metavar="WORD", nargs="*", help="554, or 554 5.7.1, or 5.7.1, or a cause such as relay_denied; "
        "all causes, if there is none",
    )  # fmt: skip
    argument.completer = lambda **_given: [*CAUSES, *map(str, CODES)]
    words.set_defaults(run=run_explain)
    for command in (one, many, words):
        command.add_argument("--json", action="store_true", help="one JSON document instead of text")
    return parser


SWEEP_DESCRIPTION = """
Check many relays at once. FILE has a relay a line, such as mx1.example.com or mx1.example.com:587, and comments after
#. A file named .json, .yml or .yaml holds a list of endpoints instead, or a dictionary of the options of smtp_sweep.
The options below hold for all relays; what a file says goes first.
"""


def add_options(parser: argparse.ArgumentParser, table: Mapping[str, Mapping[str, Any]], texts: Dict[str, str]) -> None:
    """Give `parser` an argument for each option of an argument spec."""
    group = parser.add_argument_group("options of the check")
    group.add_argument("--check-mode", action="store_true", help="do all that changes nothing: no message goes out")
    for name, row in table.items():
        flag = "--" + name.replace("_", "-")
        shown: Dict[str, Any] = {"help": texts.get(name, ""), "dest": name}
        if row.get("no_log"):
            group.add_argument("--ask-" + flag[2:], action="store_true", help="ask for: " + shown["help"])
        elif row["type"] == "bool":
            turned = "--no-" + flag[2:] if row["default"] else flag
            group.add_argument(turned, action="store_const", const=not row["default"], **shown)
        elif row["type"] == "dict":
            shown["help"] = "a JSON object, or @FILE that holds one. " + shown["help"]
            group.add_argument(flag, type=json_object, metavar="JSON", **shown)
        elif row["type"] == "list":
            shown["help"] = "may be given several times. " + shown["help"]
            group.add_argument(flag, action="append", metavar=metavar_of(name, row), **shown)
        else:
            kind: Any = {"int": int, "float": float}.get(row["type"], str)
            group.add_argument(flag, type=kind, choices=row.get("choices"), metavar=metavar_of(name, row), **shown)


def metavar_of(name: str, row: Mapping[str, Any]) -> Optional[str]:
    numbers = {"int": "N", "float": "NUMBER"}
    return None if "choices" in row else numbers.get(row["type"], name.rpartition("_")[2].upper())


def help_texts(*files: str) -> Dict[str, str]:
    """Option -> the first sentences of its documentation, read as text: neither Ansible nor a YAML parser is here."""
    texts: Dict[str, str] = {}
    plugins = Path(str(sys.modules[OptionError.__module__].__file__)).parents[2]
    for file in files:
        source = (plugins / file).read_text(encoding="utf-8")
        for name, text in _DOCUMENTED.findall(source):
            plain = re.sub(r"\b[A-Z]{1,2}\(([^()]*)\)", r"\1", " ".join(text.split()).strip('"'))
            texts[name] = plain.replace("%", "%%")
    return texts


def json_object(text: str) -> Dict[str, Any]:
    """The value of an option that is a dictionary: JSON, or the file that `@` leads to."""
    try:
        found = json.loads(Path(text[1:]).read_text(encoding="utf-8") if text.startswith("@") else text)
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if not isinstance(found, dict):
        raise argparse.ArgumentTypeError("not a JSON object")
    return found


def refuse(unknown: Sequence[str]) -> None:
    """Refuse what is no argument, without repeating what may be a secret: only the names of flags are shown."""
    if not unknown:
        return
    flags = [word.partition("=")[0] for word in unknown if word.startswith("--")]
    for flag in flags:
        name = flag[2:].replace("-", "_")
        if name in SECRETS:
            raise Mistake("%s is no argument: others can read those of a process. %s" % (flag, how_to_give(name)))
    if not flags:
        raise Mistake("words too many: %d" % len(unknown))
    near = did_you_mean(flags[0], ["--" + name.replace("_", "-") for name in (*OPTIONS, *SWEEP_OPTIONS)])
    raise Mistake("there is no such argument: %s.%s" % (" ".join(flags), near))


def how_to_give(secret: str) -> str:
    return "Set MAILCHECK_%s, or say --ask-%s." % (secret.upper(), secret.replace("_", "-"))


def with_remedy(error: Exception) -> str:
    secret = getattr(error, "option", None)
    return "%s %s" % (error, how_to_give(secret)) if secret in SECRETS else str(error)


def options_of(given: argparse.Namespace, table: Iterable[str]) -> Dict[str, Any]:
    """The options that were given, secrets among them: from a prompt, or from the environment."""
    options = {name: getattr(given, name, None) for name in table}
    for name, partner in SECRETS.items():
        if getattr(given, "ask_" + name):
            options[name] = getpass.getpass("%s: " % name.replace("_", " ").capitalize())
        elif options.get(partner) is not None:
            options[name] = os.environ.get("MAILCHECK_" + name.upper())
    return {name: value for name, value in options.items() if value is not None}


# The commands


def run_check(given: argparse.Namespace) -> int:
    host, port = host_and_port(given.relay, "HOST")
    options = options_of(given, OPTIONS)
    if port is not None:
        options.setdefault("port", port)
    report = check(host, check_mode=given.check_mode, on_start=stop_on_interrupt, **options)
    terminal.show(report, terminal.check_lines, given.json)
    return EXIT_CODES[report["verdict"]]


def run_sweep(given: argparse.Namespace) -> int:
    options = options_of(given, {**SWEEP_OPTIONS, **OPTIONS})
    options.update(read_relays(given.file) if given.file else {})
    total = None
    if not options.get("domains") and not options.get("all_addresses"):
        total = len(options.get("hosts", ())) + len(options.get("endpoints", ()))
    with terminal.progress(total) as advance:
        result = sweep(check_mode=given.check_mode, on_start=stop_on_interrupt, on_report=advance, **options)
    terminal.show(result, terminal.sweep_lines, given.json)
    return next(EXIT_CODES[verdict] for verdict in EXIT_CODES if verdict in result["summary"]["verdicts"])


def run_explain(given: argparse.Namespace) -> int:
    try:
        found = explanations.explain(given.words)
    except ValueError as error:
        raise Mistake(str(error)) from None
    terminal.show(found, terminal.explanation_lines, given.json)
    return 0


def read_relays(file: str) -> Dict[str, Any]:
    """The options of a sweep that a file holds."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        found = parse_relays(text, Path(file).suffix.lower())
    except (OSError, ValueError) as error:  # JSON's and YAML's complaints included
        raise Mistake("%s: %s" % (file, error)) from None
    if isinstance(found, list):
        found = {"endpoints": found}
    if not isinstance(found, dict):
        raise Mistake("%s holds neither a list of endpoints nor a dictionary of options." % file)
    return {str(name): value for name, value in found.items()}


def parse_relays(text: str, suffix: str) -> Any:
    if suffix == ".json":
        return json.loads(text)
    if suffix in (".yml", ".yaml"):
        try:
            import yaml
        except ImportError:
            raise ValueError("PyYAML is not installed. Install it, or write JSON or a relay a line.") from None
        try:
            return yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ValueError(str(error)) from None
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return {"hosts": [line for line in lines if line]}


def stop_on_interrupt(stop: Callable[[], None]) -> None:
    """Let Ctrl-C end the check with what it has learned; a second one ends the command."""

    def on_signal(number: int, _frame: object) -> None:
        signal.signal(number, signal.default_int_handler)
        stop()

    signal.signal(signal.SIGINT, on_signal)
