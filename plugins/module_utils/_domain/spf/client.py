# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# The client of RFC 7208 as macros and mechanisms see it: its address, its names, what it says in MAIL and EHLO.

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, NamedTuple

from ..._net.dns.model import ABSENT, Question
from .macros import expand, fault_of_name, letters_in, target_of

if TYPE_CHECKING:
    from typing import Dict, Optional, Tuple

    from ..._net.dns.model import Evaluation
    from .record import Term

MAX_NAMES = 10  # of an address (RFC 7208 4.6.4)


class Sender(NamedTuple):
    """Who sends, for a receiver: `mail_from` with its domain in A-labels; "" is the null reverse-path."""

    address: str
    mail_from: str = ""
    helo: str = ""


class Client:
    """A sender, and what is found out about its names while it is evaluated."""

    def __init__(self, sender: Sender, now: int) -> None:
        """`now`: seconds since the epoch. Raises ValueError where the sender's address is no IP address."""
        ip = ipaddress.ip_address(sender.address)
        self._ip = getattr(ip, "ipv4_mapped", None) or ip  # RFC 7208 5
        local_part, _at, self.domain = (sender.mail_from or "postmaster@" + sender.helo).rpartition("@")
        local_part = local_part or "postmaster"  # RFC 7208 4.3
        is_ip4 = self._ip.version == 4
        self.kind = "A" if is_ip4 else "AAAA"
        self.is_nameless = False  # its address was looked up, and has no name
        self._names: Optional[Tuple[str, ...]] = None
        self._values: Dict[str, str] = {  # RFC 7208 7.2
            "s": "%s@%s" % (local_part, self.domain),
            "l": local_part,
            "o": self.domain,
            "i": str(self._ip) if is_ip4 else ".".join("%032X" % int(self._ip)),
            "v": "in-addr" if is_ip4 else "ip6",
            "h": sender.helo,
            "c": str(self._ip),
            "r": "unknown",  # the receiver's name: none receives here (RFC 7208 7.3)
            "t": str(now),
        }

    def is_in(self, network: str, term: Term) -> bool:
        """Return whether the address is in a network of its own family, which is as large as a term says."""
        other = ipaddress.ip_address(network)
        prefix = term.ip4_prefix if self._ip.version == 4 else term.ip6_prefix
        host_bits = self._ip.max_prefixlen - prefix
        return other.version == self._ip.version and int(other) >> host_bits == int(self._ip) >> host_bits

    def validated_names(self) -> Evaluation[Tuple[str, ...]]:
        """Return which of the first ten names of the address have that address (RFC 7208 5.5)."""
        if self._names is None:
            (reverse,) = yield (Question(self._ip.reverse_pointer, "PTR"),)
            self.is_nameless = reverse.state == ABSENT
            names = [name for name in reverse.records[:MAX_NAMES] if not fault_of_name(name)]
            answers = (yield tuple(Question(name.lower(), self.kind) for name in names)) if names else ()
            self._names = tuple(name for name, answer in zip(names, answers) if self._is_one_of(answer.records))
        return self._names

    def _is_one_of(self, addresses: Tuple[str, ...]) -> bool:
        return any(ipaddress.ip_address(address) == self._ip for address in addresses)

    def target(self, term: Term, domain: str) -> Evaluation[str]:
        """Return the name that a term of `domain` is about, by default `domain` itself (RFC 7208 4.8)."""
        if not term.domain_spec:
            return domain
        return target_of((yield from self.expand(term.domain_spec, domain)))

    def expand(self, text: str, domain: str) -> Evaluation[str]:
        """Return a macro-string in order, of the record of `domain`, with its macros expanded."""
        values = {**self._values, "d": domain}
        if "p" in letters_in(text):
            values["p"] = yield from self._validated_name(domain)
        return expand(text, values)

    def _validated_name(self, domain: str) -> Evaluation[str]:
        """Return the name of the address, rather `domain` or one below it than another (RFC 7208 7.3)."""
        names = yield from self.validated_names()
        domain = domain.lower()
        ranked = [name for name in names if name.lower() == domain]
        ranked += [name for name in names if name.lower().endswith("." + domain)]
        return (*ranked, *names, "unknown")[0]
