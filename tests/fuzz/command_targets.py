# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What the command reads that no module does: pasted replies and logs, and what clients say to the sink.

from __future__ import annotations

import asyncio
import functools
import json
import re
from typing import Any, Callable, Dict, List, Optional

from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.causes import CAUSES
from ansible_collections.postmaster.mailcheck.tests.fuzz.targets import assert_printable, texts_in
from postmaster_mailcheck.explanations import STAGES, explain
from postmaster_mailcheck.sink.behaviour import Behaviour
from postmaster_mailcheck.sink.dialogue import Dialogue
from postmaster_mailcheck.sink.judging import judged
from postmaster_mailcheck.sink.records import Session


def pasted_replies(data: bytes) -> None:
    """The first octet names a stage, or none; then what somebody has pasted."""
    stages: List[Optional[str]] = [None, *STAGES]
    text = data[1:].decode("utf-8", "surrogateescape")
    try:
        told = explain(text, stages[data[0] % len(stages)] if data else None)
    except OptionError as error:
        assert error.option in ("reply", "stage")
        assert_printable(str(error))
        return
    assert_printable(*texts_in(told))
    json.dumps(told, allow_nan=False)
    assert set(told["causes"]) <= set(CAUSES) and (told["cause"] is None or told["cause"] in told["causes"])
    assert told["code"] is None or 200 <= told["code"] <= 599
    assert told["explanation"] and len(told["text"] or "") <= 12 * len(text)


class _Tls:
    def version(self) -> str:
        return "TLSv1.3"

    def cipher(self) -> Any:
        return ("TLS_AES_256_GCM_SHA384", "TLSv1.3", 256)


class _Wire:
    """What a client says, in pieces; what it is answered."""

    heard_tls = True

    def __init__(self, pieces: List[bytes]) -> None:
        self._pieces, self.answered = pieces, b""

    async def read(self, within: Optional[float] = None) -> Optional[bytes]:
        return self._pieces.pop(0) if self._pieces else b""

    async def write(self, data: bytes) -> None:
        self.answered += data

    async def start_tls(self, context: Any, begun: bytes = b"") -> _Tls:
        assert context is not None and begun[:1] in (b"", b"\x16")
        return _Tls()


_REPLY = re.compile(rb"([2-5][0-9][0-9][ -][\x20-\x7e]*\r\n)*")
_SIGNS_IN = re.compile(rb"(?i)AUTH[ \t]+\S+[ \t]+([^\s]{8,})")
_MESSAGE = re.compile(rb"(?i)\n[ \t]*(?:DATA|BDAT)")
_loop = functools.lru_cache(maxsize=None)(asyncio.new_event_loop)


def sink_dialogues(data: bytes) -> None:
    """The first octet says how the sink behaves, the second how what the client says is split, which makes no difference."""
    choice, step, said = (data[0], data[1] % 7 + 1, data[2:]) if len(data) > 1 else (0, 1, b"")
    context: Any = object() if choice & 1 else None
    behaviour = Behaviour(context, answers={"RCPT": "550 5.1.1 No"} if choice & 2 else {}, greylist=float(choice & 4))
    whole, session = _served(behaviour, [said])
    if context is None:  # what came behind STARTTLS is dropped, which depends on when it came
        assert _served(behaviour, [said[at : at + step] for at in range(0, len(said), step)])[0] == whole
    assert _REPLY.fullmatch(whole)
    shown = session.said()
    assert json.loads(json.dumps(session.as_dict()))["number"] == 1
    for secret in _SIGNS_IN.findall(_MESSAGE.split(said, 1)[0]):
        # Where it is said somewhere else too, it is kept there: a message is, for one.
        assert said.count(secret) > 1 or secret.decode("latin-1") not in shown
    assert sum(len(mail.octets) for mail in session.mails) <= len(said)
    for row in judged([session], behaviour, untrusted=bool(choice & 8)):
        assert row["outcome"] in ("met", "unmet", "unknown") and row["text"]
        assert_printable(*texts_in(row))


def _served(behaviour: Behaviour, pieces: List[bytes]) -> Any:
    wire: Any = _Wire([piece for piece in pieces if piece])
    session = Session(1, "192.0.2.9", lambda: 0.0, None)
    _loop().run_until_complete(Dialogue(wire, session, behaviour, {}, lambda: True).run())
    return wire.answered, session


TARGETS: Dict[str, Callable[[bytes], None]] = {target.__name__: target for target in (pasted_replies, sink_dialogues)}
