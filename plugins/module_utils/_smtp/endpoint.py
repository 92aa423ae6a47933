# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# The endpoint of a check: all that is needed to reach a relay and to speak to it, and nothing that is done there.

from __future__ import annotations

import os
import re
import socket
from typing import TYPE_CHECKING, NamedTuple

from .._errors import OptionError
from .._net.names import is_literal
from .._net.options import clean, host_name, in_range, seconds, server_name, source_address_of, tls_policy_of

if TYPE_CHECKING:
    from typing import Any, Dict, List, Mapping, Optional, Tuple

    from .._net.tls.model import TlsPolicy

_EHLO_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?")
_EHLO_LITERAL = re.compile(r"\[(IPv6:)?([0-9A-Fa-f.:]+)\]", re.IGNORECASE)
SMTP, SUBMISSIONS = 25, 465  # RFC 5321 4.5.4.2, RFC 8314 7.3
_UNIX_PATH_OCTETS = 107  # what a socket's address has room for
_XCLIENT = ("NAME", "REVERSE_NAME", "ADDR", "PORT", "PROTO", "HELO", "LOGIN", "DESTADDR", "DESTPORT")


class Endpoint(NamedTuple):
    """Where a relay is reached, how, and as whom. Every attempt of a check shares it, probes included.

    `proxy_protocol` and `xclient` belong here: they say which client the relay is to take us for, and it answers one
    client otherwise than another. A probe that came as somebody else would ask after another client's rights.
    """

    host: str
    port: int
    connect_to: Optional[str]  # one address of the host, where only that one is to be checked
    protocol: str
    address_family: str
    source_address: Optional[str]
    ehlo_name: Optional[str]
    tls: str
    validate_certs: bool
    tls_policy: Optional[TlsPolicy]
    tls_server_name: str
    proxy_protocol: Optional[Mapping[str, Any]]
    xclient: Mapping[str, str]
    timeout: float
    connect_timeout: float
    acceptance_timeout: float


def endpoint_of(host: str, options: Mapping[str, Any]) -> Endpoint:
    """Return the endpoint that `options`, all of OPTIONS, describe. Raises OptionError."""
    lmtp = options["protocol"] == "lmtp"
    tls = options["tls"] or _tls_of(options["port"], lmtp)
    default_port = 24 if lmtp else 465 if tls == "implicit" else 25
    name = _host(host, lmtp)
    return Endpoint(
        host=name,
        port=in_range("port", default_port if options["port"] is None else options["port"], 1, 65535),
        connect_to=None,
        protocol=options["protocol"],
        address_family=options["address_family"],
        source_address=source_address_of(options),
        ehlo_name=_ehlo_name(options["ehlo_name"]),
        tls=tls,
        validate_certs=options["validate_certs"],
        tls_policy=tls_policy_of(options, tls),
        tls_server_name=server_name(options["tls_server_name"], name, tls),
        proxy_protocol=_proxy_protocol(options["proxy_protocol"]),
        xclient=_xclient(options["xclient"] or {}),
        timeout=seconds("timeout", options["timeout"]),
        connect_timeout=seconds("connect_timeout", options["connect_timeout"]),
        acceptance_timeout=seconds("acceptance_timeout", options["acceptance_timeout"]),
    )


def _tls_of(port: Optional[int], lmtp: bool) -> str:
    """How TLS is used where nobody says so. On port 465 it begins with the first octet (RFC 8314 7.3)."""
    return "none" if lmtp else "implicit" if port == SUBMISSIONS else "starttls"


def about_port(options: Mapping[str, Any], endpoint: Endpoint) -> List[str]:
    """Return what to say of TLS that was not asked for, and is used because of the port."""
    if options["tls"] is not None or endpoint.tls != "implicit":
        return []
    return ["Port %d: TLS from the first octet (implicit), as the option tls says nothing else." % SUBMISSIONS]


def host_and_port(text: str, where: str) -> Tuple[str, Optional[int]]:
    """`host`, `host:port`, `[2001:db8::1]:port` or a bare IPv6 address."""
    if "://" in text:
        raise OptionError(where, "is no URL: leave out what stands before the name, as in relay.example.com:587.")
    head, colon, tail = text.rpartition(":")
    if not colon or (":" in head and not head.endswith("]")):
        return text, None
    if not re.fullmatch("[0-9]{1,5}", tail) or not 1 <= int(tail) <= 65535:
        raise OptionError(where, "the port must be a number from 1 to 65535, as in relay.example.com:587.")
    return head, int(tail)


def _host(host: str, lmtp: bool) -> str:
    if isinstance(host, str) and host.startswith("/"):
        clean("host", host)
        if not lmtp:
            raise OptionError("host", "is a path: only protocol lmtp talks to a Unix socket.")
        if len(os.fsencode(host)) > _UNIX_PATH_OCTETS:
            raise OptionError("host", "is longer than the path of a socket may be (%d octets)." % _UNIX_PATH_OCTETS)
        return host
    return host_name(host)


def is_ehlo_name(text: str) -> bool:
    """Whether a client may call itself so: a host name or an address literal (RFC 5321 4.1.3)."""
    literal = _EHLO_LITERAL.fullmatch(text)
    if literal is None:
        return _EHLO_NAME.fullmatch(text) is not None
    tag, address = literal.groups()
    return is_literal(address) and (":" in address) is (tag is not None)


def _ehlo_name(name: Optional[str]) -> Optional[str]:
    """The caller's, or the host's where it is a full name (RFC 5321 4.1.4); None means the socket's address."""
    if name is None:
        name = socket.gethostname()
        return name if "." in name and is_ehlo_name(name) else None
    if not is_ehlo_name(clean("ehlo_name", name)):
        raise OptionError(
            "ehlo_name", "is neither a host name nor an address literal like [192.0.2.1] or [IPv6:2001:db8::1]."
        )
    return name


def _proxy_protocol(given: Optional[Mapping[str, Any]]) -> Optional[Mapping[str, Any]]:
    if given is None:
        return None
    if given["source_address"] is None:
        raise OptionError("proxy_protocol.source_address", "is needed: the client's address as the relay is to see it.")
    for name in ("source_address", "destination_address"):
        if given[name] is not None and (not is_literal(given[name]) or "%" in given[name]):
            raise OptionError("proxy_protocol.%s" % name, "is no IP address.")
    for name in ("source_port", "destination_port"):
        in_range("proxy_protocol.%s" % name, given[name] or 0, 0, 65535)
    return given


def _xclient(given: Mapping[str, Any]) -> Dict[str, str]:
    attributes: Dict[str, str] = {}
    for name, value in given.items():
        if str(name).upper() not in _XCLIENT:
            raise OptionError("xclient.%s" % name, "is no attribute. Known: %s." % ", ".join(_XCLIENT))
        attributes[str(name).upper()] = clean("xclient.%s" % name, str(value))
    return attributes
