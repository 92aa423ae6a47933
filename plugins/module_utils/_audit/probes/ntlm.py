# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What AUTH NTLM tells to anybody: its second message names the machine and its domain (MS-NLMP 2.2.1.2).

from __future__ import annotations

import struct
from base64 import b64decode
from typing import TYPE_CHECKING

from ..._net.text import cut, printable
from ..._smtp import commands
from ..dialogue import answers, ask, framed, mechanisms, settled, unmasked, where_offered
from ..model import Cost, Judgement, Probe, finding, passed

if TYPE_CHECKING:
    from typing import Any, Dict, Generator, List, Sequence

    from ..._net.attempts import Outcome
    from ..._smtp.conversation.state import State
    from ..._smtp.probes import Trial
    from ..model import Audited

_SIGNATURE = b"NTLMSSP\0"
# NEGOTIATE_MESSAGE: Unicode, the target's name, NTLM; no domain or workstation of ours.
_NEGOTIATE = _SIGNATURE + struct.pack("<II", 1, 0x00000201 | 0x4) + bytes(16)
_NAMES = {1: "computer", 2: "domain", 3: "dns_computer", 4: "dns_domain", 5: "forest"}  # AvId of MS-NLMP 2.2.2.1


def names_in(challenge: bytes) -> Dict[str, str]:
    """Return the names in a CHALLENGE_MESSAGE; none where it is not one.

    >>> names_in(b"no such message")
    {}
    """
    if len(challenge) < 48 or not challenge.startswith(_SIGNATURE + b"\2\0\0\0"):
        return {}
    length, _room, at = struct.unpack_from("<HHI", challenge, 40)
    fields, found = challenge[at : at + length], {}
    while len(fields) >= 4:
        kind, size = struct.unpack_from("<HH", fields)
        if kind in _NAMES:
            found[_NAMES[kind]] = cut(printable(fields[4 : 4 + size].decode("utf-16-le", "replace")))
        fields = fields[4 + size :]
    return found


def _trials(audited: Audited) -> List[Trial]:
    if "NTLM" not in mechanisms(audited):
        return []

    def talk(state: State) -> Generator[Any, Any, None]:
        reply = yield from ask(state, commands.auth("NTLM", _NEGOTIATE))
        if reply.code == 334:
            try:
                names = names_in(b64decode(reply.challenge))
            except ValueError:
                names = {}
            told = ", ".join("%s %s" % pair for pair in names.items())
            last = state.facts.extra_replies[-1]
            state.facts.extra_replies[-1] = last._replace(text=told)  # what follows a 334 is shown nowhere else
            yield from ask(state, commands.auth_cancel())

    return [framed(where_offered(audited, "NTLM"), talk)]


def _judge(audited: Audited, outcomes: Sequence[Outcome]) -> Judgement:
    if not outcomes:
        unmasked(audited.first.facts.capabilities or {})
        return passed("it does not offer NTLM")
    reply = settled(answers(outcomes[0])[0], "auth")
    if reply.code == 334 and reply.text:
        return finding("its challenge names " + reply.text)
    return passed("AUTH NTLM was answered %d, and no name" % reply.code)


NTLM_NAMES = Probe(
    "ntlm_names",
    "Does AUTH NTLM tell strangers the names of machine and domain?",
    "active",
    "low",
    "MS-NLMP 2.2.1.2",
    "Strangers learn the names of the machine and of its domain, with which attacks begin.",
    "Switch NTLM off where it faces the world: offer PLAIN under TLS, SCRAM or OAUTHBEARER instead.",
    Cost(connections=1, errors=1),
    _trials,
    _judge,
)
