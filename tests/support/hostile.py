# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A relay that misbehaves as it is told, on a loopback port of its own; it plays its script to each client.
#
#     S: 220 relay.example.com ESMTP     says this; lines in a row leave in one write
#     C: EHLO                            hears a line that must begin so, or goes no further
#     C: <message>                       hears a message to its final dot
#     C: <octets>                        hears whatever comes, once
#     C: <41 octets>                     hears so many
#     TLS name                           plays the server of a handshake, with the context of that name
#     TLS name cut 100                   the same, but sends 100 octets and no more
#     answers 334                        answers every line with this, for ever
#     scram 4096 right sha1              answers a SCRAM sign-in: how many iterations, with which signature and hash
#     echoes 535                         repeats the last line heard, whole and in pieces, in every disguise
#     waits 0.3                          seconds
#     gathers 200                        until so many clients have come
#     changes                            calls the `change` it was given: something happens to the client's world
#     endless 250-x\r\n                  says this for ever, as fast as it is taken
#     drips 250-x                        an octet every hundredth of a second, for ever
#     closes, resets                     ends the connection
#     reads nothing more                 lets the client's octets fill every buffer
#     silent                             listens, and says nothing; every script ends so
#
# As in script.py a line of the relay's that ends in a backslash gets no line end, and `\xe9` stands for that octet. What
# clients say is kept: in clear, inside TLS, and as the raw octets that came.

from __future__ import annotations

import json
import re
import select
import socket
import ssl
import struct
import threading
from base64 import b64decode, b64encode
from binascii import b2a_qp
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote

from ansible_collections.postmaster.mailcheck.tests.support.scram import ScramServer

if TYPE_CHECKING:
    from typing import Callable, Dict, List, Mapping, Optional, Tuple

PASSWORD = "tanstaaftanstaaf"
SIGN_IN = {"username": "tim", "password": PASSWORD}
# No eight characters of these look the same in any two of the forms of written().
ODD_PASSWORD = 'q"w=e\\r&t\'y+u/\u00e9%i=o"p'
ODD_TOKEN = 'ya=29"a\\T+k/w%a\'l~l&o=f"i=='
PATIENCE = 20.0  # seconds: a relay that nobody stops gives up by itself
MOST_OCTETS = 1 << 28  # of an endless answer


def octets(text: str) -> bytes:
    """A line of the relay's as it goes out."""
    escapes = {"r": "\r", "n": "\n", "0": "\0"}
    plain = re.sub(r"\\x(..)", lambda found: chr(int(found.group(1), 16)), text)
    plain = re.sub(r"\\([rn0])", lambda found: escapes[found.group(1)], plain)
    return plain[:-1].encode("latin-1") if plain.endswith("\\") else plain.encode("latin-1") + b"\r\n"


class Gone(Exception):
    """The client has left, or has said what the script has no answer to."""


class Session:
    """One client's connection, played in a thread."""

    def __init__(self, relay: ScriptedRelay, sock: socket.socket, steps: List[Tuple[str, str]]) -> None:
        self.clear, self.inside, self.raw = bytearray(), bytearray(), bytearray()
        self.unexpected: Optional[bytes] = None
        self._relay, self._sock, self._steps = relay, sock, steps
        self._pending = b""  # heard, not yet asked for
        self.last = b""  # line heard
        self._tls: Optional[ssl.SSLObject] = None
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()

    @property
    def said(self) -> List[str]:
        """What the client said, line by line."""
        lines = bytes(self.clear + self.inside).decode("utf-8", "backslashreplace").split("\r\n")
        return lines[:-1] if lines[-1] == "" else lines

    def play(self) -> None:
        try:
            for step, text in self._steps:
                self._step(step, text)
            while True:
                self._hear()
        except (Gone, OSError):
            pass
        finally:
            self._sock.close()

    def _step(self, step: str, text: str) -> None:
        if step == "S":
            self._say(b"".join(map(octets, text.split("\n"))))
        elif step == "C":
            self._expect(text)
        else:
            _STEPS[step](self, text)

    # Octets

    def _hear(self) -> bytes:
        """Wait for more of what the client says, and return it."""
        while self._tls is not None:  # the first words may have come with the handshake's end
            try:
                plain = self._tls.read(65536)
            except ssl.SSLWantReadError:
                self._incoming.write(self._receive())
                continue
            except ssl.SSLError:
                raise Gone() from None
            if not plain:
                raise Gone()
            self.inside += plain
            return plain
        data = self._receive()
        self.clear += data
        return data

    def _receive(self) -> bytes:
        data = self._sock.recv(65536)
        if not data:
            raise Gone()
        self.raw += data
        return data

    def _say(self, data: bytes) -> None:
        if self._tls is not None:
            self._tls.write(data)
            data = self._outgoing.read()
        self._send(data)

    def _send(self, data: bytes) -> None:
        for piece in self._relay.pieces(data):
            self._sock.sendall(piece)
            if len(piece) < len(data):
                self._relay.stopping.wait(self._relay.pause)

    def _line(self) -> bytes:
        while b"\n" not in self._pending:
            self._pending += self._hear()
        self.last, _lf, self._pending = self._pending.partition(b"\n")
        return self.last + b"\n"

    def _expect(self, text: str) -> None:
        if text == "<octets>":
            self._pending = self._pending or self._hear()
            self._pending = b""
        elif re.fullmatch("<[0-9]+ octets>", text):
            count = int(text[1:].split()[0])
            while len(self._pending) < count:
                self._pending += self._hear()
            self._pending = self._pending[count:]
        elif text == "<message>":
            while self._line() != b".\r\n":
                pass
        else:
            line = self._line()
            if not line.decode("utf-8", "replace").upper().startswith(text.upper()):
                self.unexpected = line
                raise Gone()

    # The steps that are no words

    def _start_tls(self, text: str) -> None:
        name, _cut, limit = text.partition(" cut ")
        self._tls = self._relay.contexts[name].wrap_bio(self._incoming, self._outgoing, server_side=True)
        left = int(limit) if limit else None
        while True:
            try:
                self._tls.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                done = False
            except ssl.SSLError:
                self._sock.sendall(self._outgoing.read())
                raise Gone() from None
            flight = self._outgoing.read()
            if left is not None:
                flight, left = flight[:left], left - len(flight[:left])
            self._send(flight)
            if done:
                return
            if left == 0:
                self._tls = None
                return
            self._incoming.write(self._receive())

    def _answer_all(self, text: str) -> None:
        while True:
            self._line()
            self._say(octets(text))

    def _scram(self, text: str) -> None:
        """RFC 5802, the server's side. `none` accepts the sign-in without any proof of its own, `heard` leaves it to
        the script."""
        iterations, signature, digest = (text + " sha256").split()[:3]
        server = ScramServer(self._relay.password, int(iterations), digest)
        self._say(b"334 " + b64encode(server.challenge(b64decode(self._line().split()[-1]))) + b"\r\n")
        answer = self._line().strip()
        if answer == b"*":
            self._say(b"501 cancelled\r\n")
            return
        if signature == "heard":
            return
        if signature == "none":
            self._say(b"235 welcome\r\n")
            return
        proof = server.signature(b64decode(answer)) if signature == "right" else server.wrong_signature()
        self._say(b"334 " + b64encode(proof) + b"\r\n")
        self._say(b"501 cancelled\r\n" if self._line() == b"*\r\n" else b"235 welcome\r\n")

    def _echo(self, code: str) -> None:
        """What a relay may do that logs, or is debugged, on the wire. In a 334 it all comes as one challenge."""
        word = self.last.split()[-1] if self.last.split() else b""
        try:
            plain = b64decode(word, validate=True)
        except ValueError:
            plain = word
        said = [self.last, word]
        for piece in filter(None, dict.fromkeys((plain, *re.split(rb"[\0\1 ,]", plain), *plain.split(b"p=")))):
            said += [piece, piece.hex().encode(), piece.hex().upper().encode(), *written(piece)]
            said += [b64encode(bytes(before) + piece) for before in range(3)]
        said = [re.sub(rb"[\r\n]", b"?", line)[:4000] for line in said]
        if code == "334":
            self._say(b"334 " + b64encode(b" ".join(said)[:6000]) + b"\r\n")
        else:
            self._say(b"".join(b"%s-%s\r\n" % (code.encode(), line) for line in said) + code.encode() + b" \r\n")

    def _wait(self, text: str) -> None:
        self._relay.stopping.wait(float(text))

    def _gather(self, text: str) -> None:
        with self._relay.coming:
            self._relay.coming.wait_for(lambda: len(self._relay.sessions) >= int(text), PATIENCE)

    def _endless(self, text: str) -> None:
        data = octets(text + "\\")
        block = data * max(1, 65536 // len(data))
        for _sent in range(MOST_OCTETS // len(block)):
            self._say(block)

    def _drip(self, text: str) -> None:
        while not self._relay.stopping.wait(0.01):
            for octet in octets(text + "\\"):
                self._say(bytes([octet]))
                if self._relay.stopping.wait(0.01):
                    return

    def _close(self, _text: str) -> None:
        self._sock.shutdown(socket.SHUT_WR)  # so that what is unread does not turn the end into a reset
        raise Gone()

    def _reset(self, _text: str) -> None:
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Gone()

    def _read_nothing(self, _text: str) -> None:
        gone = select.poll()
        gone.register(self._sock, select.POLLRDHUP | select.POLLHUP)
        gone.poll(PATIENCE * 1000)
        raise Gone()


_STEPS: Dict[str, Callable[[Session, str], object]] = {
    "TLS": Session._start_tls,
    "answers": Session._answer_all,
    "scram": Session._scram,
    "echoes": Session._echo,
    "waits": Session._wait,
    "gathers": Session._gather,
    "changes": lambda session, _text: session._relay.change(),
    "endless": Session._endless,
    "drips": Session._drip,
    "closes": Session._close,
    "resets": Session._reset,
    "reads": Session._read_nothing,
    "silent": lambda session, _text: None,
}


def steps_of(script: str) -> List[Tuple[str, str]]:
    """Return (step, text), the relay's lines in a row joined."""
    steps: List[Tuple[str, str]] = []
    for line in filter(None, map(str.strip, script.splitlines())):
        if line[:2] in ("S:", "C:"):
            step, text = line[0], line[2:].strip() if line[0] == "C" else line[2:].lstrip(" ")
        else:
            step, _space, text = line.partition(" ")
            if step not in _STEPS:
                raise ValueError("not a line of a script: %s" % line)
        if step == "S" and steps and steps[-1][0] == "S" and not steps[-1][1].endswith("\n"):
            steps[-1] = ("S", steps[-1][1] + "\n" + text)
        else:
            steps.append((step, text))
    return steps


class ScriptedRelay:
    """Listens from the beginning; `stop()` ends it and every session. `split`: where each write is cut in two, 1 for
    every octet by itself. `most`: so many clients are played the script, all who come later are played `refusal`."""

    def __init__(
        self,
        script: str,
        contexts: Optional[Mapping[str, ssl.SSLContext]] = None,
        split: int = 0,
        pause: float = 0.0005,
        address: str = "127.0.0.1",
        receive_buffer: int = 0,
        most: int = 0,
        refusal: str = "",
        change: Callable[[], object] = lambda: None,
        password: str = PASSWORD,
    ) -> None:
        self.steps, self.contexts = steps_of(script), contexts or {}
        self.most, self.refusal, self.change = most, steps_of(refusal), change
        self.password, self.coming = password, threading.Condition()
        self.split, self.pause = split, pause
        self.sessions: List[Session] = []
        self.stopping = threading.Event()
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._listener = socket.socket(family, socket.SOCK_STREAM)
        if receive_buffer:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._listener.bind((address, 0))
        self._listener.listen(256)
        self.host, self.port = address, int(self._listener.getsockname()[1])
        self._open: List[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def pieces(self, data: bytes) -> List[bytes]:
        if self.split == 1:
            return [data[i : i + 1] for i in range(len(data))]
        if 1 < self.split < len(data) + 1:
            return [data[: self.split - 1], data[self.split - 1 :]]
        return [data]

    def _accept(self) -> None:
        while not self.stopping.is_set():
            try:
                sock, _address = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(PATIENCE)
            refused = 0 < self.most <= len(self.sessions)
            session = Session(self, sock, self.refusal if refused else self.steps)
            with self.coming:
                self.sessions.append(session)
                self.coming.notify_all()
            self._open.append(sock)
            thread = threading.Thread(target=session.play, daemon=True)
            self._threads.append(thread)
            thread.start()

    def settle(self) -> None:
        """Wait until every session is over: what clients said is complete then."""
        for thread in self._threads[1:]:
            thread.join(PATIENCE)

    def stop(self) -> None:
        self.stopping.set()
        for sock in [self._listener, *self._open]:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:  # gone already
                pass
        self._listener.close()
        for thread in self._threads:
            thread.join(PATIENCE)

    def __enter__(self) -> ScriptedRelay:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()


def written(plain: bytes) -> List[bytes]:
    """How octets stand in a URL, a message, JSON, IMAP, and a programmer's log."""
    text = plain.decode("utf-8", "replace")
    strings = [json.dumps(text), json.dumps(text, ensure_ascii=False), repr(text), repr(plain)[1:]]
    quoted = [quote(plain, safe="").encode(), b2a_qp(plain, header=False), b2a_qp(plain, header=True)]
    return [*quoted, *(string[1:-1].encode("utf-8") for string in strings)]


def disguises(secret: str) -> Dict[str, bytes]:
    """Every form in which a secret might have left: no octets of it may be found."""
    plain = secret.encode("utf-8")
    forms = {"plain": plain, "hexadecimal": plain.hex().encode(), "backwards": plain[::-1]}
    forms["upper case"] = plain.upper()
    for shift in range(3):
        # Base64 of a longer text that holds the secret: without the characters that its neighbours have a part in.
        encoded = b64encode(b"\0" * shift + plain)
        forms["base64, %d octets on" % shift] = encoded[4 if shift else 0 : len(encoded) // 4 * 4 - 4]
    forms.update(("%s string" % number, form) for number, form in enumerate(written(plain)))
    forms["PLAIN"] = b64encode(b"\0tim\0" + plain)
    forms["XOAUTH2"] = b64encode(b"user=tim\1auth=Bearer " + plain + b"\1\1")
    forms["quoted"] = b"".join(b"%%%02X" % octet for octet in plain)
    forms["markup"] = escape(secret).encode("utf-8")
    forms["Markdown"] = re.sub(rb"[!-/:-@\[-`{-~]", rb"\\\g<0>", plain)
    forms["base64 twice"] = b64encode(b64encode(plain))[:20]
    forms["UTF-16"] = secret.encode("utf-16-le")
    return forms
