# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the collection. What an EHLO reply says: keyword -> parameters.
#
# Nothing is refused here: a capability that cannot be read is reported as it came.

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Dict, List, Optional, Sequence

    Capabilities = Dict[str, List[str]]

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


def auth_mechanisms(capabilities: Optional[Capabilities]) -> Optional[List[str]]:
    """Return the SASL mechanisms offered, upper case, in the order offered (RFC 4954 3); None where not learned."""
    if capabilities is None:
        return None
    return list(dict.fromkeys(name.upper() for name in capabilities.get("AUTH", [])))


def max_message_size(capabilities: Optional[Capabilities]) -> Optional[int]:
    """Return the limit in octets (RFC 1870 4): 0 is "no fixed limit", None is "not said"."""
    parameters = (capabilities or {}).get("SIZE", [])
    # isdecimal() accepts digits of other scripts, which int() would too; 20 digits are the RFC's limit.
    return int(parameters[0]) if parameters and re.fullmatch("[0-9]{1,20}", parameters[0]) else None


def limits(capabilities: Capabilities) -> Dict[str, int]:
    """Return what the relay limits, name (upper case) -> number (RFC 9422 4).

    >>> limits({"LIMITS": ["MAILMAX=50", "rcptmax=100"]})
    {'MAILMAX': 50, 'RCPTMAX': 100}
    """
    found = (re.fullmatch("([A-Z0-9-]+)=([0-9]{1,6})", word.upper()) for word in capabilities.get("LIMITS", []))
    return {limit.group(1): int(limit.group(2)) for limit in found if limit}


def masked_keywords(capabilities: Capabilities) -> List[str]:
    """Return the keywords that something between us and the relay has overwritten."""
    return [keyword for keyword in capabilities if _MASKED.fullmatch(keyword)]
