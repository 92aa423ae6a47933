# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Commands as they go out, and as they may be shown.
#
# Every command is built here, by a function named for it, and nowhere else: this is the one door through
# which text reaches the wire. It lets no CR, LF or NUL pass, and gives a secret its redacted form at birth.

from __future__ import annotations

import re
from base64 import b64encode
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple

from .._net.text import REDACTED, printable

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address
    from typing import Any, Dict, Iterable, Iterator, Mapping, Optional, Tuple, Union

    from .message import Message


_NEVER = frozenset("\r\n\0")  # within a command


class Command(NamedTuple):
    """One command as it goes out, and as it may be shown."""

    stage: str
    wire: bytes
    shown: str
    content: Optional[Message] = None  # follows the wire bytes
    dotted: bool = False  # its dots are doubled, and one ends it
    secrets: Tuple[str, ...] = ()  # what the relay may repeat, and we must not show

    def __repr__(self) -> str:
        return "Command(%r, %r)" % (self.stage, self.shown)


def _command(stage: str, text: str, shown: Optional[str] = None) -> Command:
    if not _NEVER.isdisjoint(text):
        raise ValueError("a command cannot hold CR, LF or NUL")  # the options' own checks come before this one
    return Command(stage, text.encode("utf-8") + b"\r\n", printable(text if shown is None else shown))


def ehlo(name: str) -> Command:
    """RFC 5321 4.1.1.1"""
    return _command("ehlo", "EHLO " + name)


def helo(name: str) -> Command:
    return _command("ehlo", "HELO " + name)


def lhlo(name: str) -> Command:
    """RFC 2033 4.1"""
    return _command("ehlo", "LHLO " + name)


def starttls() -> Command:
    """RFC 3207 4"""
    return _command("starttls", "STARTTLS")


def auth(mechanism: str, initial_response: Optional[bytes]) -> Command:
    """RFC 4954 4: an initial response that is empty goes out as `=`."""
    line = "AUTH " + mechanism
    if initial_response is None:
        return _command("auth", line)
    encoded = b64encode(initial_response).decode("ascii")
    text, shown = "%s %s" % (line, encoded or "="), "%s %s" % (line, REDACTED)
    return _command("auth", text, shown)._replace(secrets=(encoded,))


def auth_response(response: bytes) -> Command:
    encoded = b64encode(response).decode("ascii")
    return _command("auth", encoded, REDACTED)._replace(secrets=(encoded,))


def auth_cancel() -> Command:
    """RFC 4954 4: `*` ends a dialogue; the server answers 501."""
    return _command("auth", "*")


def mail(reverse_path: str, parameters: Mapping[str, Optional[str]]) -> Command:
    """RFC 5321 4.1.1.2; a parameter whose value is None goes out as a bare keyword."""
    return _command("mail", "MAIL FROM:<%s>%s" % (reverse_path, _parameters(parameters)))


def rcpt(forward_path: str, parameters: Mapping[str, Optional[str]]) -> Command:
    """RFC 5321 4.1.1.3"""
    return _command("rcpt", "RCPT TO:<%s>%s" % (forward_path, _parameters(parameters)))


def data() -> Command:
    """RFC 5321 4.1.1.4"""
    return _command("data", "DATA")


def content(message: Message) -> Command:
    """The message itself, its dots doubled, and the final dot."""
    return Command("message", b"", "<message, %d octets>" % message.size, message, dotted=True)


def bdat(message: Message) -> Command:
    """RFC 3030 2: the whole message in one chunk, as it is."""
    line = "BDAT %d LAST" % message.size
    return _command("message", line, "%s <message, %d octets>" % (line, message.size))._replace(content=message)


def lone_dot() -> Command:
    """RFC 2920 3.1: what a 354 gets when no recipient was accepted."""
    return _command("message", ".")


def rset() -> Command:
    return _command("rset", "RSET")


def quit_() -> Command:
    return _command("quit", "QUIT")


def xclient(attributes: Mapping[str, str]) -> Command:
    """Postfix XCLIENT_README: attribute values in xtext."""
    return _command("xclient", "XCLIENT " + " ".join("%s=%s" % (k, xtext(v)) for k, v in attributes.items()))


def extra(text: str) -> Command:
    """A command of the caller's own, as it was written."""
    return _command("extra", text)


def xtext(text: str) -> str:
    """RFC 3461 4: octets outside `!` to `~`, and `+` and `=`, as `+` and two hexadecimal digits."""
    return "".join(chr(o) if 33 <= o <= 126 and chr(o) not in "+=" else "+%02X" % o for o in text.encode("utf-8"))


def dsn_of_mail(dsn: Mapping[str, Any]) -> Dict[str, Optional[str]]:
    """RFC 3461 4.3 and 4.4"""
    parameters: Dict[str, Optional[str]] = {}
    if dsn.get("ret"):
        parameters["RET"] = dsn["ret"].upper()
    if dsn.get("envid"):
        parameters["ENVID"] = xtext(dsn["envid"])
    return parameters


def dsn_of_rcpt(dsn: Mapping[str, Any], address: str) -> Dict[str, Optional[str]]:
    """RFC 3461 4.1 and 4.2; RFC 6533 3 for an address that is not ASCII: there some characters are escaped"""
    parameters: Dict[str, Optional[str]] = {}
    if dsn.get("notify"):
        parameters["NOTIFY"] = ",".join(word.upper() for word in dsn["notify"])
    if dsn.get("orcpt"):
        unitext = re.sub(r"[ +=\\]", lambda found: r"\x{%02X}" % ord(found.group()), address)
        parameters["ORCPT"] = "rfc822;" + xtext(address) if address.isascii() else "utf-8;" + unitext
    return parameters


def proxy_header(options: Mapping[str, Any], relay_address: Optional[str], relay_port: int) -> Command:
    """What a load balancer says first (the PROXY protocol of HAProxy, versions 1 and 2); it draws no reply."""
    source = ip_address(options["source_address"])
    # A zone means something on this host only, and Python 3.8 knows none; a Unix socket has no address at all.
    if relay_address is None or relay_address.startswith("/"):
        relay_address = "127.0.0.1"
    target = ip_address(options.get("destination_address") or relay_address.partition("%")[0])
    if source.version != target.version:  # a header has room for one family
        source, target = _as_ipv6(source), _as_ipv6(target)
    ports = (options.get("source_port") or 0, options.get("destination_port") or relay_port)
    # In groups of four hexadecimal digits, as version 1 has it, a mapped address too: ipaddress writes that otherwise.
    shown_ips = " ".join(str(ip) if ip.version == 4 else ip.packed.hex(":", 2) for ip in (source, target))
    shown = "PROXY TCP%d %s %d %d" % (4 if source.version == 4 else 6, shown_ips, *ports)
    if options["version"] == 1:
        return _command("connect", shown)
    addresses = source.packed + target.packed + b"".join(port.to_bytes(2, "big") for port in ports)
    family = b"\x11" if source.version == 4 else b"\x21"  # TCP over IPv4, over IPv6
    signature = b"\r\n\r\n\0\r\nQUIT\n" + b"\x21"  # version 2, command PROXY
    return Command("connect", signature + family + len(addresses).to_bytes(2, "big") + addresses, shown + " (v2)")


def _as_ipv6(address: Union[IPv4Address, IPv6Address]) -> IPv6Address:
    return address if address.version == 6 else ip_address("::ffff:%s" % address)  # type: ignore[return-value]


def _parameters(parameters: Mapping[str, Optional[str]]) -> str:
    return "".join(" " + (key if value is None else "%s=%s" % (key, value)) for key, value in parameters.items())


def dot_stuffed(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Double the dot that opens a line (RFC 5321 4.5.2), across the borders of the blocks.

    >>> list(dot_stuffed([b".a\\r\\n", b".b\\r\\n"]))
    [b'..a\\r\\n', b'..b\\r\\n']
    """
    line_begins, carry = True, b""
    for block in blocks:
        block = carry + block
        # CR LF and the dot may stand in three blocks: keep back what could become the beginning of a line.
        carry = b"\r" if block.endswith(b"\r") else b""
        block = block[: len(block) - len(carry)]
        if not block:
            continue
        if line_begins and block.startswith(b"."):
            block = b"." + block
        line_begins = block.endswith(b"\r\n")
        # One octet is found much faster than three: what is in base64 has no dot at all.
        yield block.replace(b"\r\n.", b"\r\n..") if b"." in block else block
    if carry:
        yield carry
