# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Which name servers are asked: those that the caller names, else those of the system.
#
# Of resolv.conf(5) what says whom to ask, and whether to believe him, is read as the C library reads it. Not read are
# search lists, since names are asked for as they are, timeout and attempts, since dns_timeout decides, and rotate.

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, NamedTuple

from ..._errors import OptionError
from ..names import ResolveError, is_literal, look_up

if TYPE_CHECKING:
    from typing import List, Optional, Sequence, Tuple

RESOLV_CONF = "/etc/resolv.conf"
MOST_OF_SYSTEM = 3  # resolv.conf(5): MAXNS
DNS_PORT = 53


class NameServer(NamedTuple):
    """Whom to ask, and whether what it says of DNSSEC is to be believed (RFC 4035 4.9.3)."""

    address: str
    port: int = DNS_PORT
    trusted: bool = False

    def __str__(self) -> str:
        """The address, with the port where it is not the usual one."""
        if self.port == DNS_PORT:
            return self.address
        return "%s:%d" % ("[%s]" % self.address if ":" in self.address else self.address, self.port)

    @property
    def is_loopback(self) -> bool:
        """Whether the path to it lies within this host."""
        return ipaddress.ip_address(self.address.partition("%")[0]).is_loopback


def name_server(text: str) -> Tuple[str, int]:
    """Return host and port of `192.0.2.1`, `192.0.2.1:53`, `2001:db8::1` or `[2001:db8::1]:53`. Raises ValueError."""
    if is_literal(text):
        return text, DNS_PORT
    address, _colon, port = text.rpartition(":")
    address = address[1:-1] if address.startswith("[") and address.endswith("]") else address
    if not is_literal(address) or not 0 < int(port) < 65536:
        raise ValueError(text)
    return address, int(port)


def checked_servers(option: str, given: Sequence[str]) -> List[Tuple[str, int]]:
    """Return host and port of each, as name_server() does. Raises OptionError about `option`."""
    found = []
    for index, text in enumerate(given):
        try:
            found.append(name_server(text))
        except ValueError:
            wrong = "is no address. Give one, perhaps with a port: 192.0.2.1:53."
            raise OptionError("%s[%d]" % (option, index), wrong) from None
    return found


def name_servers(given: Optional[Sequence[str]], trusted: Sequence[str] = ()) -> List[NameServer]:
    """Return whom to ask: `given`, else the system's. Raises OptionError: there is none, or this is none.

    `trusted` are addresses, as name_server() takes them, whose statements about DNSSEC the caller vouches for.
    """
    vouched = set(checked_servers("trusted_resolvers", trusted))
    found = [NameServer(*server) for server in checked_servers("dns_servers", given or ())] or _of_system()
    for server in found:
        try:
            look_up(server.address, server.port, "any")
        except ResolveError as error:  # an address of a zone, fe80::1%eth9, that this host has not
            raise OptionError("dns_servers", "name a server that cannot be asked from here: %s." % error) from None
    return [server._replace(trusted=server.trusted or server[:2] in vouched) for server in found]


def _of_system() -> List[NameServer]:
    try:
        with open(RESOLV_CONF, encoding="utf-8", errors="replace") as lines:
            found = read_resolv_conf(lines.read())
    except OSError:
        found = []
    if not found:
        text = "are needed: the host where the check runs names none of its own (/etc/resolv.conf)."
        raise OptionError("dns_servers", text)
    return found


def read_resolv_conf(text: str) -> List[NameServer]:
    """Return the first three servers; they are trusted where an option says trust-ad."""
    addresses: List[str] = []
    options: List[str] = []
    for line in text.splitlines():
        words = line.split()  # a line that begins with a blank, # or ; is none
        if line[:1].isspace() or not words:
            continue
        if words[0] == "nameserver" and len(words) > 1 and is_literal(words[1]):
            addresses.append(words[1])
        elif words[0] == "options":
            options += words[1:]
    return [NameServer(address, trusted="trust-ad" in options) for address in addresses[:MOST_OF_SYSTEM]]
