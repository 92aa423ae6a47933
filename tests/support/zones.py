# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A few names and their records, as a table of answers for `answers.play`.

from __future__ import annotations

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.model import (
    ABSENT,
    BOGUS,
    NOT_DETERMINED,
    PRESENT,
    Answer,
    Mx,
    Question,
)

KINDS = ("A", "AAAA", "MX", "PTR", "TXT")
FAULTS = {"TIMEOUT": (NOT_DETERMINED, "no answer within 5 s"), "BOGUS": (BOGUS, "the signature has expired")}


def zone(names):
    """Return the answers of `names`: name -> a text, which is its TXT record, or a list of `kind value` and of TIMEOUT.

    TIMEOUT is what every question comes to that no record before it answers, BOGUS likewise.
    """
    written = {}
    for name, lines in names.items():
        lines = ["TXT " + lines] if isinstance(lines, str) else lines
        written[name] = [tuple(line.split(" ", 1)) if " " in line else (line, None) for line in lines]
    return answers_of({name: [(kind, _value(kind, value)) for kind, value in rows] for name, rows in written.items()})


def _value(kind, value):
    if kind == "MX":
        preference, host = value.split(" ")
        return int(preference), host.rstrip(".")
    return [value] if kind == "TXT" else value


def answers_of(names):
    """Return the answers of `names`: name -> (kind, value), where MX has two values and TXT a list of strings."""
    lower = {name.lower().rstrip("."): rows for name, rows in names.items()}
    return {(name, kind): _answer(lower, name, kind) for name in lower for kind in KINDS}


def _answer(names, name, kind):
    question, aliases = Question(name, kind), []
    while True:
        rows = names.get(name)
        if rows is None:
            return Answer(question, ABSENT, exists=False, aliases=tuple(aliases))
        found = [value for have, value in rows if have == kind]
        if found:
            return Answer(question, PRESENT, tuple(_record(kind, value) for value in found), aliases=tuple(aliases))
        for have, value in rows:
            if have in FAULTS:
                state, reason = FAULTS[have]
                return Answer(question, state, reason=reason)
            if have == "CNAME":
                name = value.lower().rstrip(".")
                if name in aliases:
                    return Answer(question, NOT_DETERMINED, reason="the aliases go round in a circle")
                aliases.append(name)
                break
        else:
            return Answer(question, ABSENT, exists=True, aliases=tuple(aliases))


def _record(kind, value):
    if kind == "MX":
        return Mx(*value)
    if kind == "TXT":
        return tuple(text if isinstance(text, bytes) else text.encode("latin-1") for text in value)
    return value.rstrip(".")
