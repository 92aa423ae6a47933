# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A name server that says what a test wants: the truth, nothing, too much, or lies.
#
# A zone is a dict of (name, kind) → what to do, or a list of that, one for each time it is asked, the last one for good.
# What to do is a function of the query, a dns.message.Message, and of whether it came by TCP; it returns the replies:
# messages or octets, one or a list, None for silence.

from __future__ import annotations

import contextlib
import selectors
import socket
import threading

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

SOA = "ns.example. hostmaster.example. 1 3600 600 86400 60"
ROOT = ("", "NS")


class NameServer:
    """Listens on one port for UDP and, unless told not to, TCP. `asked` are the queries: (name, kind, flags, by TCP)."""

    def __init__(self, zone=None, validates=True, streams=True, host="127.0.0.1"):
        self.zone = dict(zone or {})
        self.zone.setdefault(ROOT, records("a.root."))
        self.validates, self.asked, self.lock = validates, [], threading.Lock()
        self.client = None  # where the last datagram came from
        self._stopping = threading.Event()
        self._wake, self._woken = socket.socketpair()
        self._datagrams, self._listener = bind_both(host)
        self.port = self._datagrams.getsockname()[1]
        self.address = "%s:%d" % (host, self.port)
        if not streams:
            self._listener.close()
            self._listener = None
        self._threads = [threading.Thread(target=self._serve, name="relay", daemon=True)]
        self._threads[0].start()

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self._stopping.set()
        self._wake.send(b"!")
        for thread in self._threads:
            thread.join()
        for sock in filter(None, (self._wake, self._woken, self._datagrams, self._listener)):
            sock.close()

    def count(self, name, kind="MX"):
        with self.lock:
            return len([1 for asked in self.asked if asked[:2] == (name, kind)])

    def _serve(self):
        with selectors.DefaultSelector() as selector:
            for sock in filter(None, (self._woken, self._datagrams, self._listener)):
                selector.register(sock, selectors.EVENT_READ)
            while not self._stopping.is_set():
                for key, _mask in selector.select():
                    if key.fileobj is self._datagrams:
                        octets, client = self._datagrams.recvfrom(65535)
                        self.client = client
                        for reply in self._replies(octets, False):
                            with contextlib.suppress(OSError):
                                self._datagrams.sendto(reply, client)
                    elif key.fileobj is self._listener:
                        thread = threading.Thread(target=self._stream, args=self._listener.accept()[:1], name="relay")
                        self._threads.append(thread)
                        thread.start()

    def _stream(self, sock):
        with sock, contextlib.suppress(OSError):
            sock.settimeout(20.0)
            length = int.from_bytes(sock.recv(2), "big")
            query = sock.recv(length)
            for reply in self._replies(query, True) if query else ():  # else the client has left
                if isinstance(reply, Drip):
                    for octet in len(reply.octets).to_bytes(2, "big") + reply.octets:
                        sock.send(bytes([octet]))
                        if self._stopping.wait(reply.pause):
                            return
                else:
                    sock.sendall(len(reply).to_bytes(2, "big") + reply)

    def _replies(self, octets, stream):
        query = dns.message.from_wire(octets)
        name, kind = asked_in(query)
        with self.lock:
            self.asked.append((name, kind, query.flags, stream))
            step = self.zone.get((name, kind), nothing)
            if isinstance(step, list):
                step = step.pop(0) if len(step) > 1 else step[0]
        said = step(query, stream)
        for reply in said if isinstance(said, list) else [said]:
            if isinstance(reply, dns.message.Message):
                if self.validates and reply.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
                    reply.flags |= dns.flags.AD
                yield to_wire(reply, 65535 if stream else max(512, query.payload))
            elif reply is not None:
                yield reply


class Drip:
    """Octets that come one by one, with so many seconds between them."""

    def __init__(self, octets, pause=0.01):
        self.octets, self.pause = octets, pause


def bind_both(host):
    """A port that is free for both kinds."""
    while True:
        datagrams, listener = socket.socket(type=socket.SOCK_DGRAM), socket.socket()
        datagrams.bind((host, 0))
        try:
            listener.bind(datagrams.getsockname())
        except OSError:
            datagrams.close()
            listener.close()
            continue
        listener.listen(50)
        return datagrams, listener


def to_wire(reply, most):
    """What does not fit is cut off, and says so."""
    octets = reply.to_wire(max_size=65535)
    if len(octets) > most:
        short = dns.message.make_response(dns.message.make_query(reply.question[0].name, reply.question[0].rdtype))
        short.id, short.flags = reply.id, reply.flags | dns.flags.TC
        octets = short.to_wire()
    return octets


def asked_in(query):
    question = query.question[0]
    name = question.name.to_text(True).lower()
    return "" if name == "." else name, dns.rdatatype.to_text(question.rdtype)


# What to do


def response(query):
    reply = dns.message.make_response(query)
    reply.flags |= dns.flags.RA
    return reply


def records(*texts, chain=()):
    """These, of the kind asked for; before them the CNAME records of `chain`, pairs of names."""

    def answer(query, _stream):
        reply = response(query)
        question = query.question[0]
        owner = question.name
        for alias, target in chain:
            reply.answer.append(dns.rrset.from_text(dns.name.from_text(alias), 300, "IN", "CNAME", target))
            owner = dns.name.from_text(target)
        if texts:
            reply.answer.append(dns.rrset.from_text(owner, 600, "IN", dns.rdatatype.to_text(question.rdtype), *texts))
        else:
            reply.authority.append(dns.rrset.from_text("example.", 120, "IN", "SOA", SOA))
        return reply

    return answer


nothing = records()


def refusal(rcode, *errors):
    """An rcode, perhaps with extended errors: pairs of code and text."""

    def refuse(query, _stream):
        reply = response(query)
        reply.set_rcode(dns.rcode.from_text(rcode))
        if rcode == "NXDOMAIN":
            reply.authority.append(dns.rrset.from_text("example.", 120, "IN", "SOA", SOA))
        if errors:
            reply.use_edns(0, options=[dns.edns.EDEOption(code, text) for code, text in errors])
        return reply

    return refuse


def silence(_query, _stream):
    return None


def unless_told(refuse, answer):
    """What a resolver says that finds fault with the signatures, unless it is told not to check them (CD)."""
    return lambda query, stream: (answer if query.flags & dns.flags.CD else refuse)(query, stream)


def by_way(datagram, stream):
    return lambda query, by_tcp: (stream if by_tcp else datagram)(query, by_tcp)


def bent(change):
    """The octets of an empty answer, changed."""
    return lambda query, stream: change(nothing(query, stream).to_wire())
