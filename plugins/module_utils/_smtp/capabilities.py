# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What an EHLO reply says: keyword -> parameters.
#
# Nothing is refused here: a capability that cannot be read is reported as it came.

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .._net.text import cut

if TYPE_CHECKING:
    from typing import Dict, List, Optional, Sequence, Tuple

    from .._net.bounds import Bounds

    Capabilities = Dict[str, List[str]]

MAX_KEYWORDS = 64  # that a report shows; real relays have thirty at most
MAX_PARAMETERS = 32  # of one keyword
_SIZE = re.compile("[0-9]{1,20}")  # RFC 1870 4. No isdecimal(): that takes digits of other scripts, too
_LIMITS = ("MAILMAX", "RCPTMAX", "RCPTDOMAINMAX")  # RFC 9422 4
_LIMIT = re.compile("[1-9][0-9]{0,5}")
# What a relay may have put where its name belongs, and where nobody looks for it.
_KEYWORDS = (
    "8BITMIME AUTH BINARYMIME CHUNKING DSN ENHANCEDSTATUSCODES LIMITS PIPELINING REQUIRETLS SIZE SMTPUTF8 STARTTLS"
).split()
# Firewalls that inspect SMTP overwrite keywords in place: `XXXXXXXA`, `XXXXXXXX`.
_MASKED = re.compile(r"X{4,}[A-Z]?")


def parse_capabilities(lines: Sequence[str]) -> Capabilities:
    """Return keyword (upper case) -> parameters (as sent) from the lines of an EHLO reply (RFC 5321 4.1.1.1).

    The first line is the server's name and greeting. `AUTH=LOGIN` (a form from before RFC 2554) counts as
    `AUTH LOGIN`; a keyword that comes twice has its parameters joined, without repetition.

    >>> parse_capabilities(["relay.example.com", "SIZE 1000", "AUTH=LOGIN", "auth PLAIN LOGIN"])
    {'SIZE': ['1000'], 'AUTH': ['LOGIN', 'PLAIN']}
    """
    found: Dict[str, Dict[str, None]] = {}  # a set that keeps its order
    for line in lines[1:]:
        words = line.split()
        if words and words[0].upper().startswith("AUTH="):
            words = ["AUTH", words[0][5:]] + words[1:]
        if words:
            found.setdefault(words[0].upper(), {}).update(dict.fromkeys(filter(None, words[1:])))
    return {keyword: list(parameters) for keyword, parameters in found.items()}


def doubts(lines: Sequence[str], capabilities: Capabilities) -> List[str]:
    """Return a warning for each thing in an EHLO reply that does not say what it was meant to."""
    found = []
    misplaced = [word for word in (lines[0].split() if lines else ()) if word in _KEYWORDS]
    if misplaced:
        text = "%s stands in the first line, which holds the relay's name and announces nothing (RFC 5321 4.1.1.1)"
        found.append(text % " ".join(misplaced))
    sizes = capabilities.get("SIZE", [])
    if len(sizes) > 1:
        found.append("SIZE is announced as %s: the smallest limit counts here" % " and ".join(sizes))
    for name, value in _limits_said(capabilities):
        if name in _LIMITS and not _LIMIT.fullmatch(value):
            found.append("LIMITS %s=%s is no number of RFC 9422 and does not count" % (name, value))
    return found


def auth_mechanisms(capabilities: Optional[Capabilities]) -> Optional[List[str]]:
    """Return the SASL mechanisms offered, upper case, in the order offered (RFC 4954 3); None where not learned."""
    if capabilities is None:
        return None
    return list(dict.fromkeys(name.upper() for name in capabilities.get("AUTH", [])))


def max_message_size(capabilities: Optional[Capabilities]) -> Optional[int]:
    """Return the limit in octets (RFC 1870 4): 0 is "no fixed limit", None is "not said". Of several the smallest."""
    said = [int(size) for size in (capabilities or {}).get("SIZE", []) if _SIZE.fullmatch(size)]
    return min(filter(None, said), default=0) if said else None


def limits(capabilities: Capabilities) -> Dict[str, int]:
    """Return what the relay limits, name (upper case) -> number (RFC 9422 4). Of several the smallest.

    >>> limits({"LIMITS": ["MAILMAX=50", "rcptmax=100"]})
    {'MAILMAX': 50, 'RCPTMAX': 100}
    """
    found: Dict[str, int] = {}
    for name, value in _limits_said(capabilities):
        if _LIMIT.fullmatch(value):
            found[name] = min(int(value), found.get(name, int(value)))
    return found


def _limits_said(capabilities: Capabilities) -> List[Tuple[str, str]]:
    """Return what LIMITS names: a name (upper case) and what stands behind its `=`."""
    said = (word.partition("=") for word in capabilities.get("LIMITS", []))
    return [(name.upper(), value) for name, _equals, value in said]


def masked_keywords(capabilities: Capabilities) -> List[str]:
    """Return the keywords that something between us and the relay has overwritten."""
    return [keyword for keyword in capabilities if _MASKED.fullmatch(keyword)]


def within(bounds: Bounds, name: str, found: Optional[Capabilities]) -> Optional[Capabilities]:
    """Return as many capabilities as a report has room for, which calls them `name`."""
    if found is None:
        return None
    shown: Capabilities = {}
    for keyword in bounds.first(name, list(found), MAX_KEYWORDS):
        parameters = found[keyword]
        if len(parameters) > MAX_PARAMETERS:
            parameters = bounds.first("%s %s" % (name, cut(keyword)), parameters, MAX_PARAMETERS)
        shown[keyword] = list(parameters)
    return shown
