# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: an engine's table of options -> the arguments of a subcommand, and back: what they come to.
#
# Their help is made from the modules' documentation: an option is written once. Secret options are no arguments,
# because every user of a host may read those of a process.

from __future__ import annotations

import argparse
import functools
import os
import re
from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import did_you_mean, nearest
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.register import FORMATS
from postmaster_mailcheck.commands.endings import Mistake
from postmaster_mailcheck.commands.swaks import SWAKS
from postmaster_mailcheck.commands.words import SECRETS, as_argument, flag_of, in_flags, variable_of

if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, Mapping, Optional, Sequence, Tuple

    from postmaster_mailcheck.commands.parser import Parser

# What those who come from swaks have in their fingers.
SHORT = {"recipients": ["--to"], "sender": ["--from"], "username": ["--user"], "port": ["-p"]}

# What other programs call it: curl, openssl, wget.
_ELSEWHERE = {
    "--cafile": "--ca-path", "--cacert": "--ca-path", "--ca-certificate": "--ca-path", "--capath": "--ca-path",
    "--insecure": "--no-validate-certs", "--no-check-certificate": "--no-validate-certs", "--cert": "--client-cert",
    "--key": "--client-key", "--starttls": "--tls starttls", "--servername": "--tls-server-name",
}  # fmt: skip
# Options that are words of the call, and no arguments.
_NAMED = {"host": "HOST", "domains": "DOMAIN", "reply": "WORD"}

# The groups of options in the help, and what belongs to them; all others are about the check itself.
GROUPS: Dict[str, Tuple[str, ...]] = {
    "how it is reached": (
        "port", "protocol", "path", "address_family", "source_address", "connect_timeout", "proxy_protocol", "xclient",
        "all_addresses", "dns_servers", "dns_timeout",
    ),
    "TLS": (
        "tls", "validate_certs", "ca_path", "tls_server_name", "tls_min_version", "tls_max_version", "tls_ciphers",
        "client_cert", "client_key", "client_key_password", "tlsa", "survey",
    ),
    "signing in": (
        "username", "password", "access_token", "auth_mechanisms", "allow_plaintext_auth", "credentials_for",
    ),
    "mail": (
        "ehlo_name", "sender", "recipients", "send", "send_if", "test_message", "dsn", "chunking", "requiretls", "prdr",
        "mail_parameters", "extra_commands", "stop_after", "acceptance_timeout",
    ),
}  # fmt: skip


def add_options(parser: Parser, table: Mapping[str, Mapping[str, Any]], module: str, others: str = "the check") -> None:
    """Give `parser` an argument for each option of an argument spec that this module documents.

    `others`: the title of the group of those that are in none of GROUPS.
    """
    group_of = {name: title for title, names in GROUPS.items() for name in names}
    groups: Dict[str, Any] = {}
    for title in (others, *GROUPS):
        if any(group_of.get(name, others) == title for name in table):
            groups[title] = parser.add_argument_group(title)
    arguments = [(name, *_add_option(groups[group_of.get(name, others)], name, row)) for name, row in table.items()]
    described = parser.describe

    def describe() -> None:
        described()
        from postmaster_mailcheck.commands.documentation import first_paragraphs

        try:
            texts = first_paragraphs(module)
        except ImportError:
            texts = {}
            for group in groups.values():
                group.description = "What each of them means is shown once PyYAML is installed."
        for name, argument, note in arguments:
            text = note.replace("%s", texts.get(name, "")).strip(": ") + default_of(table[name])
            argument.help = text.strip().replace("%", "%%")

    parser.describe = describe


def default_of(row: Mapping[str, Any]) -> str:
    """A sentence's end that tells the default, where there is one that is no plain absence."""
    default = row.get("default")
    if default is None or isinstance(default, (bool, list, dict)):
        return ""
    return " (default: %s)" % ("%g" % default if isinstance(default, float) else default)


def add_check_mode(parser: Parser, what_is_done: str) -> None:
    parser.add_argument("--check-mode", action="store_true", help=what_is_done)


def add_lenient(parser: Parser, what_is_open: str) -> None:
    note = "exit with 0, not 6, where all passes but %s" % what_is_open
    parser.add_argument("--lenient", action="store_true", help=note)


def _add_option(group: Any, name: str, row: Mapping[str, Any]) -> Tuple[argparse.Action, str]:
    """Return the argument, and how its help goes: `%s` is what the documentation says."""
    flag = flag_of(name)
    if row.get("no_log"):
        return group.add_argument("--ask-" + flag[2:], action="store_true"), "ask for: %s"
    if row["type"] == "bool":
        turned = "--no-" + flag[2:] if row.get("default") else flag
        return group.add_argument(turned, dest=name, action="store_const", const=not row.get("default")), "%s"
    flags = [*SHORT.get(name, ()), flag]
    if row["type"] == "dict":
        note = "%s May be given several times; or a JSON object, or @FILE that holds one."
        secret = [inner for inner, one in row.get("options", {}).items() if one.get("no_log")]
        kind = functools.partial(mapping, secret=secret)
        return group.add_argument(*flags, dest=name, type=kind, action=Merge, metavar="NAME=VALUE"), note
    metavar = metavar_of(name, row)
    if row["type"] == "list":
        return group.add_argument(*flags, dest=name, action="append", metavar=metavar), "%s May be given several times."
    kind = functools.partial(plain_value, row)
    return group.add_argument(*flags, dest=name, type=kind, choices=row.get("choices"), metavar=metavar), "%s"


def plain_value(row: Mapping[str, Any], text: str) -> Any:
    """The value of an option that is no list and no dictionary."""
    kinds: Dict[str, Any] = {"int": int, "float": float}
    try:
        value = kinds.get(row["type"], str)(text)
    except ValueError:
        raise argparse.ArgumentTypeError("must be a number") from None
    if value not in row.get("choices", [value]):
        known = ", ".join(row["choices"])
        raise argparse.ArgumentTypeError("must be one of %s.%s" % (known, did_you_mean(text, row["choices"])))
    return value


def metavar_of(name: str, row: Mapping[str, Any]) -> Optional[str]:
    numbers = {"int": "N", "float": "NUMBER"}
    return None if "choices" in row else numbers.get(row["type"], name.rpartition("_")[2].upper())


def mapping(text: str, secret: Sequence[str] = ()) -> Dict[str, Any]:
    """The value of an option that is a dictionary: NAME=VALUE, JSON, or the file that `@` leads to.

    A name with dots is that of an entry within an entry: `codes.rcpt=550`. A value that JSON cannot read is a text.
    What is `secret` comes from a file only.
    """
    found = _mapping(text)
    if not text.startswith("@") and any(name in found for name in secret):
        raise argparse.ArgumentTypeError("holds a secret, which others can read there: give it in a file, by @FILE")
    return found


def _mapping(text: str) -> Dict[str, Any]:
    import json

    if re.match(r"[\w-]+(\.[\w-]+)*=", text):
        names, _equals, given = text.partition("=")
        try:
            value = json.loads(given)
        except ValueError:
            value = given
        for name in reversed(names.split(".")):
            value = {name: value}
        return dict(value)
    try:
        if text.startswith("@"):
            with open(text[1:], encoding="utf-8") as file:
                text = file.read()
        found = json.loads(text)
    except OSError as error:
        raise argparse.ArgumentTypeError(error.strerror) from None
    except ValueError as error:
        where = " (line %d, column %d)" % (error.lineno, error.colno) if isinstance(error, json.JSONDecodeError) else ""
        hint = ". Did you mean @%s?" % text if os.path.isfile(text) else ""
        raise argparse.ArgumentTypeError("is no JSON%s, and no NAME=VALUE%s" % (where, hint)) from None
    if not isinstance(found, dict):
        raise argparse.ArgumentTypeError("not a JSON object")
    return found


class Merge(argparse.Action):
    """A dictionary that may be given in parts."""

    def __call__(self, _parser: Any, given: argparse.Namespace, value: Any, _flag: Optional[str] = None) -> None:
        setattr(given, self.dest, _merged(getattr(given, self.dest) or {}, value))


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> Dict[str, Any]:
    merged = dict(one)
    for name, value in other.items():
        before = merged.get(name)
        merged[name] = _merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return merged


# Mistakes


def refuse(unknown: Sequence[str], words: Sequence[str], parser: Parser, others: Sequence[Parser]) -> None:
    """Refuse what is no argument of this subcommand. What may be a secret is not repeated: only flags, and places."""
    if not unknown:
        return
    flags = [word.partition("=")[0] for word in unknown if re.match("--|-[A-Za-z]{1,2}$", word)]
    for flag in flags:
        name = flag[2:].replace("-", "_")
        if name in SECRETS:
            raise Mistake("%s is no argument: others can read those of a process. %s" % (flag, how_to_give(name)))
    if not flags:
        places = ", ".join(str(words.index(word) + 1) for word in unknown if word in words)
        takes = parser.manual.words or "no word"
        raise Mistake("words too many: %d (at place %s); %s takes %s" % (len(unknown), places, parser.prog, takes))
    raise Mistake("there is no such argument: %s.%s" % (" ".join(flags), suggestion(flags[0], parser, others)))


def suggestion(flag: str, parser: Parser, others: Sequence[Parser]) -> str:
    """A sentence, with a space before it, about what may have been meant by an argument that the subcommand has not."""
    if flag[2:] in FORMATS and "--output" in parser.flags:
        return " Say --format %s --output FILE." % flag[2:]
    for other in others:
        if flag in other.flags:
            return " It is one of %s." % other.prog
    ours = {**{theirs.partition(" ")[0]: words for theirs, words in SWAKS.items()}, **_ELSEWHERE}.get(flag.lower(), "")
    if ours.startswith("--") and ours.split()[0] in parser.flags:
        return " Did you mean %s?" % ours
    meant = {re.sub("^(ask|no)-", "", known[2:]): known for known in parser.flags}
    meant.update((known[2:], known) for known in parser.flags)
    near = nearest(flag[2:], meant)
    return " Did you mean %s?" % meant[near] if near else ""


def how_to_give(secret: str) -> str:
    return "Set %s, or say --ask-%s." % (variable_of(secret), secret.replace("_", "-"))


def _called(name: str, given: argparse.Namespace, words: Sequence[str]) -> str:
    """An option as whoever typed these words calls it: by the short form, where they know those."""
    flags = {word.partition("=")[0] for word in words}
    short = SHORT.get(name, ())
    if short and flags & {flag for known in SHORT.values() for flag in known}:
        return short[0]
    return _NAMED[name] if name in _NAMED and not hasattr(given, name) else as_argument(name)


# Names that could stand in place of a wrong one, as it is written: a rule, or an option within another, is no argument.
_OF_ITS_KIND = re.compile(r"((?:Known: |Did you mean )[^.?]*)")


def with_remedy(error: Exception, given: argparse.Namespace, words: Sequence[str]) -> str:
    """What is wrong, options as they are said here; for a secret that was not given also how to give it."""
    option = str(getattr(error, "option", ""))
    name = re.split(r"[.\[]", option)[0]
    if not name or not (hasattr(given, name) or name in (*SECRETS, *_NAMED)):
        return str(error)
    said = _OF_ITS_KIND.split(str(error)[len(name) :])
    said[::2] = map(in_flags, said[::2])
    text = _called(name, given, words) + "".join(said)
    if option not in SECRETS or getattr(given, "ask_" + option, True) or variable_of(option) in os.environ:
        return text
    return "%s %s" % (text, how_to_give(option))


# What was given


def options_of(given: argparse.Namespace, table: Iterable[str]) -> Dict[str, Any]:
    """The options that were given, secrets among them: from a prompt, or from the environment."""
    options = {name: getattr(given, name, None) for name in table}
    for name, partner in SECRETS.items():
        if name not in options:
            continue
        if getattr(given, "ask_" + name):
            import getpass

            options[name] = getpass.getpass("%s: " % name.replace("_", " ").capitalize())
        elif options.get(partner) is not None:
            options[name] = os.environ.get(variable_of(name))
    return {name: value for name, value in options.items() if value is not None}
