# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# POP3 (RFC 1939, RFC 2449, RFC 5034) by the standard library's client, over a connection of ours.

from __future__ import annotations

import poplib
import time
from base64 import b64decode, b64encode
from contextlib import ExitStack
from typing import TYPE_CHECKING

from ..._net.attempts import Broken
from ..._net.sasl.exchange import SaslError
from ..._net.text import cut, decode, printable
from ..connection import ANSWER_SECONDS, connect, leave, start_tls
from ..model import Auth
from ..sign_in import answers, check_channel, mechanism_for, none_in_common, refusal

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Sequence, Tuple, TypeVar

    from ..._net.blocking import BlockingSession
    from ..connection import Interrupter, Learn
    from ..request import Request

    T = TypeVar("T")

_MAX_OCTETS = 16777216  # of one answer: a UIDL of 100,000 messages has some 8 MB at worst
_MAX_LINES = 200000
_MAX_LINE = 4194304  # whoever sends a message with such a header must not hide those beside it


class Refused(Exception):
    """The server said -ERR; the text is its own, safe to show."""


class _Library(poplib.POP3):
    """poplib over a session of ours; all it reads and writes goes through these."""

    def __init__(self, session: BlockingSession) -> None:
        self._session = session
        super().__init__("")

    def _create_socket(self, _timeout: float) -> Any:
        return self

    def makefile(self, _mode: str) -> None:
        """There is no file: lines are the session's."""

    def sendall(self, data: bytes) -> None:
        self._session.send(data)

    def _getline(self) -> Tuple[bytes, int]:
        line = self._session.readline(_MAX_LINE)
        return line.rstrip(b"\r\n"), len(line)

    def exchange(self, line: str) -> bytes:
        """Say a line that poplib has no method for; return the answer."""
        self._putcmd(line)  # type: ignore[attr-defined]
        answer: bytes = self._getresp()  # type: ignore[attr-defined]
        return answer

    def close(self) -> None:
        self._session.close()


class PopClient:
    """One session, signed in. All methods raise Broken. `learn` hears what is known of it so far."""

    def __init__(self, request: Request, deadline: float, interrupter: Interrupter, learn: Learn) -> None:
        self._request, self._deadline = request, deadline
        self._secrets = request.secrets
        self._learn = learn
        self._session = connect(request, deadline, interrupter, learn)
        with ExitStack() as on_failure:
            on_failure.callback(self._session.close)
            self._session.allow(_MAX_OCTETS, _MAX_LINES)
            try:
                self._library = self._guarded("greeting", lambda: _Library(self._session))
            except Refused as refused:
                cause = "mailbox_unavailable" if str(refused).startswith("-ERR") else "not_a_mailbox"
                raise Broken(cause, str(refused), "greeting") from None
            if request.tls == "starttls":
                self._start_tls()
            self._sign_in()
            self._learn(capabilities=tuple(self._capabilities()))
            on_failure.pop_all()

    def listed(self) -> Dict[str, int]:
        """Return every UIDL, in the server's order -> its number in this session."""
        try:
            lines: Any = self._do("find", self._library.uidl)[1]
        except Refused as refused:
            raise Broken("mailbox_unavailable", "UIDL: %s" % refused, "find") from None
        pairs = [line.split() for line in lines]
        return {decode(two[1][:100]): int(two[0][:10]) for two in pairs if len(two) == 2 and two[0].isdigit()}

    def top(self, number: int, lines: int) -> bytes:
        """Return the header, and so many lines after it."""
        try:
            found: Any = self._do("find", lambda: self._library.top(number, lines))[1]
        except Refused as refused:
            raise Broken("mailbox_unavailable", "TOP: %s" % refused, "find") from None
        return b"\r\n".join(found)

    def delete(self, number: int) -> None:
        try:
            self._do("delete", lambda: self._library.dele(number))
        except Refused as refused:
            raise Broken("mailbox_unavailable", "DELE: %s" % refused, "delete") from None

    def commit(self) -> None:
        """Say goodbye, which is what deletes (RFC 1939 6), and hear whether that was done."""
        try:
            self._do("delete", self._library.quit)
        except Refused as refused:
            raise Broken("mailbox_unavailable", "QUIT: %s" % refused, "delete") from None

    def close(self) -> None:
        """Say goodbye, without waiting for long."""
        try:
            leave(self._session, self._deadline)
            self._library.quit()
        except (Broken, poplib.error_proto, OSError, ValueError):
            pass  # whoever leaves needs no answer
        finally:
            self._session.close()

    def _say(self, stage: str, line: str) -> bytes:
        return self._do(stage, lambda: self._library.exchange(line))

    def _do(self, stage: str, call: Callable[[], T]) -> T:
        self._session.allow(_MAX_OCTETS, _MAX_LINES)
        return self._guarded(stage, call)

    def _guarded(self, stage: str, call: Callable[[], T]) -> T:
        """Run one exchange; whatever goes wrong in it is Broken at this stage, or Refused."""
        self._session.deadline = min(self._deadline, time.monotonic() + ANSWER_SECONDS)
        try:
            return call()
        except Broken as broken:
            cause = "no_greeting" if stage == "greeting" and broken.cause == "timed_out" else broken.cause
            raise Broken(cause, broken.text, broken.stage or stage, broken.tls) from None
        except poplib.error_proto as error:
            raise Refused(self._shown(error.args[0] if error.args else b"")) from None
        except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
            text = "the answer cannot be read (%s)" % type(error).__name__
            raise Broken("protocol_violation", text, stage) from None

    def _shown(self, said: Any) -> str:
        octets = said if isinstance(said, bytes) else str(said).encode("utf-8", "surrogateescape")
        return cut(self._secrets.redacted(decode(octets, self._secrets.ascii)))

    def _capabilities(self) -> List[str]:
        try:
            found = self._do("greeting", self._library.capa)
        except Refused:
            return []  # RFC 2449 5: a server may know no CAPA
        return [printable(" ".join([name.upper(), *values])) for name, values in found.items()]

    def _start_tls(self) -> None:
        offered = self._capabilities()
        if offered and "STLS" not in offered:
            raise Broken("tls_not_offered", "offered: " + ", ".join(offered), "starttls")
        try:
            self._say("starttls", "STLS")
        except Refused as refused:
            raise Broken("tls_refused", str(refused), "starttls") from None
        start_tls(self._request, self._session, self._learn)

    def _sign_in(self) -> None:
        check_channel(self._request, self._session.tls)
        lines = [line.split() for line in self._capabilities()]
        offered = [word.upper() for line in lines if line[0] == "SASL" for word in line[1:]]
        mechanism = mechanism_for(self._request, offered, self._session.tls)
        try:
            if mechanism:
                text = self._by_sasl(mechanism, offered)
            else:
                text = self._by_user_and_pass(offered)
        except Refused as refused:
            text = str(refused)
            self._learn(auth=Auth(mechanism or "USER and PASS", False, text))
            raise Broken(refusal(text[4:].lstrip() if text.startswith("-ERR") else text), text, "auth") from None
        except SaslError as error:
            raise Broken(error.cause, str(error), "auth") from None
        self._learn(auth=Auth(mechanism or "USER and PASS", True, text))

    def _by_sasl(self, mechanism: str, offered: Sequence[str]) -> str:
        """RFC 5034 4: the server's challenges begin with a plus sign and a space."""
        answer = answers(self._request, mechanism, offered, self._session.tls)
        said = self._say("auth", "AUTH " + mechanism)
        while not said.startswith(b"+OK"):
            try:
                response = answer(b64decode(said[1:].strip(), validate=True))
            except ValueError:
                raise SaslError("auth_protocol_error", "the server's challenge is not base64") from None
            said = self._say("auth", b64encode(response).decode("ascii"))
        answer(None)
        return self._shown(said)

    def _by_user_and_pass(self, offered: Sequence[str]) -> str:
        credentials, wanted = self._request.credentials, self._request.auth_mechanisms
        if credentials is None or credentials.password is None or wanted:
            raise none_in_common(self._request, offered)
        self._say("auth", "USER " + credentials.username)
        return self._shown(self._say("auth", "PASS " + credentials.password))
