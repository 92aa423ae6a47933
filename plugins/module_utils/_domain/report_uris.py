# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Where reports are to go: the lists of URIs that DMARC and TLS-RPT records hold.

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from .problems import problem
from .txt import listed

if TYPE_CHECKING:
    from typing import Collection, List, Optional, Tuple

    from .problems import Problem

_HOST = r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_SCHEMES = {
    "mailto": re.compile(r"mailto:[\x21-\x7e]{1,192}@(%s)\.?(?:\?[\x21-\x7e]*)?" % _HOST, re.IGNORECASE),  # RFC 6068 2
    "https": re.compile(r"https://(%s)\.?(?::[0-9]{1,5})?(?:[/?#][\x21-\x7e]*)?" % _HOST, re.IGNORECASE),
}
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]{0,30}):", re.IGNORECASE)
_SIZE = re.compile(r"![0-9]{1,20}[kmgt]?\Z", re.IGNORECASE)
MAX_URIS = 100  # of one list; the others are not looked at, and said to be left out


class ReportUri(NamedTuple):
    """An address for reports: `mailto:reports@example.com`, whose host is example.com, in lower case."""

    uri: str
    scheme: str
    host: str


def parse_uris(value: Optional[str], schemes: Collection[str]) -> Tuple[Tuple[ReportUri, ...], List[Problem]]:
    """Return the URIs of a comma-separated list whose scheme receivers have to support, and what is wrong with it.

    No value has none of either.
    """
    if value is None:
        return (), []
    found: List[ReportUri] = []
    malformed: List[str] = []
    unsupported: List[str] = []
    limited: List[str] = []
    parts = list(dict.fromkeys(part.strip(" \t\r\n") for part in value.split(",")))
    for part in parts[:MAX_URIS]:
        uri = _SIZE.sub("", part)
        said = _SCHEME.match(uri)
        scheme = said.group(1).lower() if said else ""
        if said and scheme not in schemes:
            unsupported.append(part)
            continue
        matched = _SCHEMES[scheme].fullmatch(uri) if said else None
        if matched is None:
            malformed.append(part)
        else:
            found.append(ReportUri(uri, scheme, matched.group(1).lower()))
            limited.extend([part] if uri != part else [])
    told = (
        ("report_uri_malformed", malformed),
        ("report_uri_unsupported", unsupported + parts[MAX_URIS:]),
        ("report_size_limit", limited),
    )
    return tuple(found), [problem(name, listed(about)) for name, about in told if about]
