# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Macros of SPF (RFC 7208 7): what is wrong with a macro-string, and what it expands to.
#
# One pattern reads a token at a time, so that the work grows with the length of what a domain publishes.

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Dict, FrozenSet, List, Match

# `%{` letter, digits, `r`, delimiters `}`; or `%%`, `%_`, `%-`; or literal text.
_TOKEN = re.compile(r"%\{([A-Za-z])([0-9]*)([rR]?)([-.+,/_=]*)\}|%([%_-])|([^%]+)")
_ESCAPES = {"%": "%", "_": " ", "-": "%20"}
_LETTERS = frozenset("slodiphv")
_LETTERS_OF_EXPLANATIONS = frozenset("slodiphvcrt")
_TOP_LABEL = re.compile(r"(?![0-9]+\Z)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")
_MAX_NAME = 253  # characters, RFC 7208 7.3
_RESERVED = re.compile(r"[^A-Za-z0-9._~-]")  # RFC 3986 2.3


def fault_of_macro_string(text: str, explanation: bool = False) -> str:
    """Return what is wrong with a macro-string (RFC 7208 7.1), "" where nothing is.

    `explanation`: it is the text that `exp=` leads to, in which blanks and three more letters may stand.
    """
    letters = _LETTERS_OF_EXPLANATIONS if explanation else _LETTERS
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            return "a % begins no macro"
        letter, digits, literal = found.group(1), found.group(2), found.group(6)
        if letter and letter.lower() not in letters:
            return "there is no macro %%{%s} here" % letter
        if digits and not digits.strip("0"):
            return "a macro keeps no labels at all"
        if literal and not all("!" <= char <= "~" or (explanation and char == " ") for char in literal):
            return "it holds a character that is none of visible ASCII"
        position = found.end()
    return ""


def fault_of_domain_spec(text: str) -> str:
    """Return what is wrong with a domain-spec (RFC 7208 7.1), "" where nothing is."""
    if not text:
        return "the domain name is missing"
    fault = fault_of_macro_string(text)
    if fault:
        return fault
    if _ends_in_macro(text):
        return ""
    _labels, dot, top = (text[:-1] if text.endswith(".") else text).rpartition(".")
    if not dot:
        return "a domain name has two labels at least"
    if not _TOP_LABEL.fullmatch(top):
        return "its last label is none of a domain name"
    return ""


def _ends_in_macro(text: str) -> bool:
    """Return whether the last token of a macro-string in order is a macro, or one of the three escapes."""
    last = ""
    for found in _TOKEN.finditer(text):
        last = found.group(6) or ""
    return not last


def letters_in(text: str) -> FrozenSet[str]:
    """Return the letters of the macros in it, in lower case."""
    return frozenset(found.group(1).lower() for found in _TOKEN.finditer(text) if found.group(1))


def expand(text: str, values: Dict[str, str]) -> str:
    """Return a macro-string in order with its macros expanded (RFC 7208 7.3), from letter (lower case) -> value.

    >>> expand("%{ir}.%{v}._spf.%{d2}", {"i": "192.0.2.3", "v": "in-addr", "d": "email.example.com"})
    '3.2.0.192.in-addr._spf.example.com'
    """

    def value(found: Match[str]) -> str:
        letter, digits, reverse, delimiters, escape, literal = found.groups()
        if literal:
            return str(literal)
        if escape:
            return _ESCAPES[escape]
        text = _transformed(values[letter.lower()], digits, bool(reverse), delimiters or ".")
        return _RESERVED.sub(_percent_encoded, text) if letter.isupper() else text

    return _TOKEN.sub(value, text)


def _transformed(text: str, digits: str, reverse: bool, delimiters: str) -> str:
    parts: List[str] = re.split("[%s]" % re.escape(delimiters), text)
    if reverse:
        parts.reverse()
    wanted = digits.lstrip("0")
    # More than three digits: more than there can be parts of a name.
    return ".".join(parts[-int(wanted) :] if wanted and len(wanted) <= 3 else parts)


def _percent_encoded(found: Match[str]) -> str:
    return "".join("%%%02X" % octet for octet in found.group().encode("utf-8", "surrogatepass"))


def fault_of_name(name: str) -> str:
    """Return why a name cannot be asked for (RFC 7208 4.3), "" where it can. The last dot is left out."""
    labels = name.split(".")
    if not name.isascii():
        return "it is not in A-labels"
    if len(name) > _MAX_NAME or not all(1 <= len(label) <= 63 for label in labels):
        return "a label of it is empty or longer than 63 octets, or it is longer than 253"
    if len(labels) < 2 or name.startswith("["):
        return "it is no fully qualified domain name"
    return ""


def target_of(name: str) -> str:
    """Return the name that an expanded domain-spec is: cut on the left where it is too long (RFC 7208 7.3)."""
    name = name[:-1] if name.endswith(".") else name
    if len(name) > _MAX_NAME:
        _left, _dot, name = name[-_MAX_NAME - 1 :].partition(".")
    return name
