# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# IMAP (RFC 9051, RFC 3501) by the standard library's client, over a connection of ours.
#
# imaplib reads whatever a server sends, as much as it sends, for as long as it takes. Here each command has a
# deadline, and its answer a bound; what imaplib makes of an answer that breaks the rules is one kind of failure.

from __future__ import annotations

import imaplib
import re
import time
from base64 import b64decode, b64encode
from contextlib import ExitStack
from typing import TYPE_CHECKING

from ..._net.attempts import Broken
from ..._net.sasl.exchange import SaslError
from ..._net.text import cut, decode
from ..connection import ANSWER_SECONDS, connect, leave, start_tls
from ..model import Auth
from ..sign_in import answers, check_channel, mechanism_for, none_in_common, refusal
from .answers import fetched, quoted, to_utf7

if TYPE_CHECKING:
    from typing import Any, Callable, List, Optional, Sequence, Tuple, TypeVar

    from ..._net.blocking import BlockingSession
    from ..connection import Interrupter, Learn
    from ..request import Request

    T = TypeVar("T")

# Of the answer to one command: what the largest that is asked for here can have, several times.
_MAX_OCTETS = 4194304
_MAX_LINES = 20000


class Refused(Exception):
    """The server said NO or BAD; the text is its own, safe to show."""


class _Library(imaplib.IMAP4):
    """imaplib over a session of ours; all it reads and writes goes through these."""

    def __init__(self, session: BlockingSession) -> None:
        self._session = session
        super().__init__()

    def open(self, *_where: Any, **_more: Any) -> None:
        """There is a connection already."""

    def read(self, size: int) -> bytes:
        return self._session.read(size)

    def readline(self) -> bytes:
        return self._session.readline()

    def send(self, data: bytes) -> None:  # type: ignore[override]
        self._session.send(data)

    def sasl(self, mechanism: str, answer: Callable[[bytes], bytes]) -> Tuple[str, List[Any]]:
        """Like authenticate(), which takes a challenge that is no base64 for an empty one. Raises SaslError."""
        # A method, which imaplib calls for each continuation.
        self.literal = _Responses(answer).respond  # type: ignore[assignment]
        state, data = self._simple_command("AUTHENTICATE", mechanism)
        if state == "OK":
            self.state = "AUTH"
        return state, data

    def shutdown(self) -> None:
        self._session.close()


class _Responses:
    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self._answer = answer

    def respond(self, challenge: bytes) -> bytes:
        try:
            octets = b64decode(challenge, validate=True)
        except ValueError:
            raise SaslError("auth_protocol_error", "the server's challenge is not base64") from None
        return b64encode(self._answer(octets))


class ImapClient:
    """One session, signed in. All methods raise Broken; do() also Refused. `learn` hears what is known of it so far."""

    def __init__(self, request: Request, deadline: float, interrupter: Interrupter, learn: Learn) -> None:
        self._request, self.deadline = request, deadline
        self._secrets = request.secrets
        self._learn = learn
        self._session = connect(request, deadline, interrupter, learn)
        with ExitStack() as on_failure:
            on_failure.callback(self._session.close)
            self._session.allow(_MAX_OCTETS, _MAX_LINES)
            self._library = self._guarded("greeting", lambda: _Library(self._session))
            if request.tls == "starttls":
                self._start_tls()
            self._sign_in()
            self._learn(capabilities=self.capabilities)
            on_failure.pop_all()

    @property
    def capabilities(self) -> Tuple[str, ...]:
        return tuple(decode(str(word).encode()).upper() for word in self._library.capabilities)

    def do(self, stage: str, command: Callable[..., Any], *words: Any) -> List[Any]:
        """Give a command of imaplib's; return what it makes of the answer. What came before is forgotten."""
        self._library.untagged_responses.clear()
        self._session.allow(_MAX_OCTETS, _MAX_LINES)
        state, data = self._guarded(stage, lambda: command(*words))
        if state != "OK":
            raise Refused(self._shown(data[-1] if data else b""))
        return list(data)

    def search(self, criteria: str) -> List[int]:
        """Return the UIDs that SEARCH finds, the lowest first."""
        try:
            data = self.do("find", self._library.uid, "SEARCH", criteria)
        except Refused as refused:
            raise Broken("mailbox_unavailable", "SEARCH: %s" % refused, "find") from None
        words = b" ".join(item for item in data if isinstance(item, bytes)).split()
        return sorted({int(word) for word in words if word.isdigit() and len(word) <= 10})

    def fetch(self, uids: Sequence[int], items: str) -> List[Tuple[int, Optional[float], bytes]]:
        """Return UID, arrival and octets of each message that the server shows."""
        try:
            return fetched(self.do("find", self._library.uid, "FETCH", ",".join(map(str, uids)), items))
        except Refused as refused:
            raise Broken("mailbox_unavailable", "FETCH: %s" % refused, "find") from None

    def delete(self, folder: str, uids: Sequence[str], validity: Optional[int]) -> None:
        """Delete these messages of a folder; without UIDPLUS (RFC 4315) they are only marked, so that no other goes.

        `validity`: the folder's UIDVALIDITY when they were seen. With another these UIDs are other messages'; without
        one nobody can tell (RFC 9051 2.3.1.1).
        """
        try:
            self.do("delete", self._library.select, quoted(to_utf7(folder)))
            if validity is None or self.code("UIDVALIDITY") != validity:
                why = "it has no UIDVALIDITY" if validity is None else "it was made anew (UIDVALIDITY)"
                raise Broken("mailbox_unavailable", "%s: %s" % (folder, why), "delete")
            self.do("delete", self._library.uid, "STORE", ",".join(uids), "+FLAGS.SILENT", r"(\Deleted)")
            if "UIDPLUS" in self.capabilities:
                self.do("delete", self._library.uid, "EXPUNGE", ",".join(uids))
        except Refused as refused:
            raise Broken("mailbox_unavailable", "%s: %s" % (folder, refused), "delete") from None

    @property
    def library(self) -> imaplib.IMAP4:
        return self._library

    def code(self, name: str) -> Optional[int]:
        """Return the number in a response code of the last answer, such as UIDNEXT."""
        data = self._library.untagged_responses.get(name) or [b""]
        text = data[-1] if isinstance(data[-1], bytes) else b""
        return int(text) if text.isdigit() and len(text) <= 10 else None

    def close(self) -> None:
        """Say goodbye, without waiting for long."""
        try:
            leave(self._session, self.deadline)
            self._library.logout()
        except (Broken, imaplib.IMAP4.error, OSError, ValueError):
            pass  # whoever leaves needs no answer
        finally:
            self._session.close()

    def _guarded(self, stage: str, call: Callable[[], T]) -> T:
        """Run one exchange; whatever goes wrong in it is Broken at this stage, or Refused."""
        self._session.deadline = min(self.deadline, time.monotonic() + ANSWER_SECONDS)
        try:
            return call()
        except Broken as broken:
            cause = "no_greeting" if stage == "greeting" and broken.cause == "timed_out" else broken.cause
            raise Broken(cause, broken.text, broken.stage or stage, broken.tls) from None
        except imaplib.IMAP4.abort as error:
            said_bye = "BYE" in self._untagged()
            text = (
                "the server said BYE: %s" % self._shown(self._untagged()["BYE"][-1]) if said_bye else self._shown(error)
            )
            cause = "not_a_mailbox" if stage == "greeting" else "protocol_violation"
            raise Broken("connection_lost" if said_bye else cause, text, stage) from None
        except imaplib.IMAP4.error as error:
            if stage == "greeting":  # RFC 9051 7.1.5: BYE refuses the connection
                cause = "mailbox_unavailable" if re.match(r"(?:b['\"])?\* BYE\b", str(error)) else "not_a_mailbox"
                raise Broken(cause, self._shown(error), stage) from None
            raise Refused(self._shown(error)) from None
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, UnicodeError) as error:
            text = "the answer cannot be read (%s)" % type(error).__name__
            raise Broken("protocol_violation", text, stage) from None

    def _untagged(self) -> Any:
        return self._library.untagged_responses if hasattr(self, "_library") else {}

    def _shown(self, said: Any) -> str:
        """Return a server's words as they may be shown: without our secrets, without imaplib's b''."""
        octets = said if isinstance(said, bytes) else str(said).encode("utf-8", "surrogateescape")
        text = self._secrets.redacted(decode(octets, self._secrets.ascii))
        return cut(text[2:-1] if text.startswith(("b'", 'b"')) else text)

    # What comes before mail is looked at

    def _start_tls(self) -> None:
        if "STARTTLS" not in self.capabilities:
            raise Broken("tls_not_offered", "offered: " + " ".join(self.capabilities), "starttls")
        try:
            self.do("starttls", self._library._simple_command, "STARTTLS")
        except Refused as refused:
            raise Broken("tls_refused", str(refused), "starttls") from None
        start_tls(self._request, self._session, self._learn)
        self._ask_for_capabilities()

    def _ask_for_capabilities(self) -> None:
        """What was said in clear, or to a stranger, does not count any more."""
        try:
            data = self.do("auth", self._library.capability)
        except Refused as refused:
            raise Broken("protocol_violation", "CAPABILITY: %s" % refused, "auth") from None
        words = str(data[-1] or b"", "ascii", "replace").upper().split()
        self._library.capabilities = tuple(words)

    def _sign_in(self) -> None:
        check_channel(self._request, self._session.tls)
        if self._library.state != "NONAUTH":
            raise Broken("protocol_violation", "the server takes everybody for signed in (PREAUTH)", "auth")
        offered = [word[5:] for word in self.capabilities if word.startswith("AUTH=")]
        mechanism = mechanism_for(self._request, offered, self._session.tls)
        try:
            text = self._by_sasl(mechanism, offered) if mechanism else self._by_login(offered)
        except Refused as refused:
            self._learn(auth=Auth(mechanism or "LOGIN command", False, str(refused)))
            raise Broken(refusal(str(refused)), "%s: %s" % (mechanism or "LOGIN", refused), "auth") from None
        except SaslError as error:
            raise Broken(error.cause, str(error), "auth") from None
        self._learn(auth=Auth(mechanism or "LOGIN command", True, text))
        self._ask_for_capabilities()

    def _by_sasl(self, mechanism: str, offered: List[str]) -> str:
        answer = answers(self._request, mechanism, offered, self._session.tls)
        data = self.do("auth", self._library.sasl, mechanism, answer)
        answer(None)
        return self._shown(data[-1] if data else b"")

    def _by_login(self, offered: List[str]) -> str:
        """LOGIN is a command of its own (RFC 9051 6.2.3), for servers that offer no mechanism of ours."""
        credentials, wanted = self._request.credentials, self._request.auth_mechanisms
        if credentials is None or credentials.password is None or (wanted and "LOGIN" not in map(str.upper, wanted)):
            raise none_in_common(self._request, offered)
        if "LOGINDISABLED" in self.capabilities:
            cause = "auth_not_offered_in_clear" if self._session.tls is None else "auth_not_offered"
            raise Broken(cause, "the server says LOGINDISABLED", "auth")
        if not (credentials.username + credentials.password).isascii():
            raise Broken("auth_no_common_mechanism", "LOGIN carries ASCII only; offered: " + " ".join(offered), "auth")
        data = self.do("auth", self._library.login, quoted(credentials.username), credentials.password)
        return self._shown(data[-1] if data else b"")
