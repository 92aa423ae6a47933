# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: how the sink behaves, as its caller asked for. All of it is known before a socket opens.

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Mapping, NamedTuple, Optional

from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError, did_you_mean

if TYPE_CHECKING:
    import ssl
    from typing import Dict

GREETING, MESSAGE = "GREETING", "MESSAGE"  # where no command is answered: the connection, and the end of a message
VERBS = (GREETING, "EHLO", "HELO", "STARTTLS", "MAIL", "RCPT", "DATA", MESSAGE, "RSET", "NOOP", "VRFY", "QUIT")
MOST_SECONDS = 3600.0
_REPLY = re.compile(r"[2-5][0-9][0-9](?: [\x20-\x7e]{0,500})?")


class Behaviour(NamedTuple):
    """What differs from a server that takes everything."""

    context: Optional[ssl.SSLContext] = None  # None: no TLS
    implicit: bool = False  # TLS begins with the first octet
    answers: Mapping[str, str] = {}  # of VERBS -> its reply
    delays: Mapping[str, float] = {}  # of VERBS -> seconds before its reply
    greylist: float = 0.0  # seconds that a client, sender and recipient are put off for
    inject: bool = False  # a reply in clear follows that to STARTTLS, in one write


def answers_of(option: str, given: Mapping[str, str]) -> Dict[str, str]:
    """Return replies by their verbs. Raises OptionError."""
    found = {}
    for verb, reply in given.items():
        if not _REPLY.fullmatch(reply):
            text = "holds no reply for %s: give a code and a text of ASCII, as in RCPT=550 5.1.1 No such user."
            raise OptionError(option, text % verb)
        found[_verb(option, verb)] = reply
    return found


def delays_of(option: str, given: Mapping[str, float]) -> Dict[str, float]:
    """Return seconds by their verbs. Raises OptionError."""
    found = {}
    for verb, seconds in given.items():
        if not 0 <= seconds <= MOST_SECONDS:  # nan is not, either
            raise OptionError(option, "will not do for %s: give seconds, %d at most." % (verb, MOST_SECONDS))
        found[_verb(option, verb)] = float(seconds)
    return found


def _verb(option: str, given: str) -> str:
    if given.upper() not in VERBS:
        text = "names nothing that is answered. Name one of %s.%s"
        raise OptionError(option, text % (", ".join(VERBS), did_you_mean(given.upper(), VERBS)))
    return given.upper()
