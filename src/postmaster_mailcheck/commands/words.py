# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: an option as one says it on the command line.

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, Match, Optional, Pattern

# Secret option -> the option that it goes with: without that one, a secret that happens to be set is left alone.
SECRETS = {"password": "username", "access_token": "username", "client_key_password": "client_key"}


# A module -> the command that does the same.
COMMANDS = {
    "smtp_check": "mailcheck check",
    "smtp_sweep": "mailcheck sweep",
    "domain_check": "mailcheck domain",
    "smtp_audit": "mailcheck audit",
    "wait_for_mail": "mailcheck wait",
}


def flag_of(option: str) -> str:
    return "--" + option.replace("_", "-")


def variable_of(secret: str) -> str:
    """The variable of the environment that holds a secret: every user of a host may read a process's arguments."""
    return "MAILCHECK_" + secret.upper()


def as_argument(option: str, value: Optional[str] = None) -> str:
    """`--tls implicit`, `--no-validate-certs`, and for a secret its variable."""
    if option in SECRETS:
        return variable_of(option)
    if value == "false":
        return "--no-" + flag_of(option)[2:]
    return flag_of(option) + ("" if value in (None, "true") else " " + value)


# Sentences of the engine, in which options have the names of playbooks


# What a sentence has that names an option. The tables of all of them take their time to load.
_MAY_NAME_ONE = re.compile(r"[a-z]_[a-z]|\boptions? |(?: is |: |=)(?:true|false|implicit|starttls)\b")


def in_flags(sentence: str) -> str:
    """Say the options that a sentence of the engine names as one types them: `tls: implicit` is `--tls implicit`.

    A name that is a word of the language too, or that of a rule, is an option only with a value of its own, or behind
    `option`; behind `the options` all are, as far as the list goes. Modules are commands.
    """
    if not _MAY_NAME_ONE.search(sentence):
        return sentence
    return _pattern().sub(_in_flags, _several().sub(_all_in_flags, sentence))


def of_a_probe(seen: str) -> str:
    """Say what a probe has seen, in which a relay's words stay as they are: what to give for more is behind them."""
    from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.report import SETTLED_BY

    words, settled_by, options = seen.rpartition(SETTLED_BY)
    return words + settled_by + in_flags(options) if settled_by else seen


@functools.lru_cache(maxsize=None)
def _options() -> Dict[str, Dict[str, Any]]:
    """The options of all modules. Their tables are loaded where there is something to say."""
    from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.options import AUDIT_OPTIONS
    from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.options import DOMAIN_OPTIONS
    from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.request import OPTIONS as OF_MAILBOXES
    from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.options import OPTIONS
    from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.sweep_options import SWEEP_OPTIONS

    return {**OF_MAILBOXES, **AUDIT_OPTIONS, **DOMAIN_OPTIONS, **SWEEP_OPTIONS, **OPTIONS}


@functools.lru_cache(maxsize=None)
def _pattern() -> Pattern[str]:
    names = _any_of([*_options(), *COMMANDS])
    return re.compile(r"(?<![\w.-])((?:the )?option )?(%s)(?![\w-])(?:( is |: |=)(\w+(?:\.\d+)?))?" % names)


@functools.lru_cache(maxsize=None)
def _several() -> Pattern[str]:
    one = r"(?:%s)(?:: \w+)?" % _any_of(_options())
    return re.compile(r"\bthe options (%s(?:, %s)+)(?!\w)" % (one, one))


def _any_of(names: Iterable[str]) -> str:
    return "|".join(sorted(names, key=len, reverse=True))


def _all_in_flags(found: Match[str]) -> str:
    """`the options intensity: active, authorised` are `--intensity active --authorised`."""
    return " ".join(map(_typed, found.group(1).split(", ")))


def _typed(one: str) -> str:
    """What stands behind the last of a list may be its value, or what the sentence goes on with."""
    name, colon, value = one.partition(": ")
    return as_argument(name, value) if value and _may_be(value, _options()[name]) else as_argument(name) + colon + value


def _in_flags(found: Match[str]) -> str:
    from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.rules import RULES

    behind, name, between, value = found.groups()
    if name in COMMANDS:
        return COMMANDS[name] + found.group()[found.end(2) - found.start() :]
    row = _options()[name]
    if value is None or not _may_be(value, row):
        known = behind or ("_" in name and name not in RULES)
        return as_argument(name) + found.group()[found.end(2) - found.start() :] if known else found.group()
    if between != " is ":
        return as_argument(name, value)
    if row["type"] != "bool":
        return "%s is %s" % (as_argument(name), value)
    said = as_argument(name, "false" if row.get("default") else "true")
    return "%s is %sgiven" % (said, "not " if (value == "true") is bool(row.get("default")) else "")


def _may_be(value: str, row: Dict[str, Any]) -> bool:
    """Whether an option may have this value: one of its choices, true or false, a number."""
    if row["type"] == "bool":
        return value in ("true", "false")
    if row["type"] in ("int", "float"):
        return value.replace(".", "", 1).isdigit()
    return value in row.get("choices", ())
