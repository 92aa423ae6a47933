# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Whether a record lets strangers send: which addresses of the whole Internet pass, whoever has them (RFC 7208 4.6.2).
#
# The terms are walked in their order, as a receiver does, but with all addresses at once. A set of addresses is a
# number whose bits are cells: a /16 of IPv4, a /19 of IPv6. What is smaller than a cell lets no strangers send. Only
# addresses that hosts can have on the Internet count: below 224.0.0.0 (RFC 5771), and in 2000::/3 (RFC 4291 2.4).

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, NamedTuple

from ..._net.dns.model import PRESENT
from ..._net.text import printable
from .evaluate import MAX_LOOKUPS, MAX_VOID_LOOKUPS
from .record import cut_term

if TYPE_CHECKING:
    from typing import List, Tuple

    from .record import Term
    from .tree import Node


class _Family(NamedTuple):
    """`first`: the first cell, as an address shifted right by `shift`; `at`: its bit, of `size` that there are."""

    first: int
    shift: int
    at: int
    size: int

    @property
    def cells(self) -> int:
        return ((1 << self.size) - 1) << self.at

    def is_half_in(self, cells: int) -> bool:
        return 2 * bin(cells >> self.at & ((1 << self.size) - 1)).count("1") >= self.size


_IP4 = _Family(0, 16, 0, 0xE000)
_IP6 = _Family(0x2000 << 3, 109, _IP4.size, 1 << 16)
_FAMILIES = {4: _IP4, 6: _IP6}
_ALL = _IP4.cells | _IP6.cells

_SHOWN = 3  # terms


class Reach(NamedTuple):
    """`terms`: by which strangers pass, each with the domain whose record has it; not in order of weight."""

    strangers: bool  # half of the addresses of a family, or more
    terms: Tuple[str, ...]

    @property
    def text(self) -> str:
        more = len(self.terms) - _SHOWN
        return ", ".join(self.terms[:_SHOWN]) + (" and %d more" % more if more > 0 else "")


def reach_of(root: Node, most: bool) -> Reach:
    """Return whether strangers pass by the record of a domain.

    What is not known of what terms lead to is taken, with `most`, to let pass whomever it can, else nobody.
    """
    cells, terms = _Walk().passing(root, most)
    strangers = bool(cells) and any(family.is_half_in(cells) for family in _FAMILIES.values())
    return Reach(strangers, tuple(dict.fromkeys(terms)))


class _Walk:
    """One evaluation. It ends, in an error, at what ends a receiver's; who passed by an earlier term has passed."""

    def __init__(self) -> None:
        self.lookups = 0
        self.void_lookups = 0
        self.ended = False

    def passing(self, node: Node, most: bool) -> Tuple[int, List[str]]:
        """Return who passes by the record that a node leads to, and by which terms."""
        if _is_open(node):
            return (_ALL if most else 0), []
        record = node.record
        if record is None or record.faults:
            self.ended = True
            return 0, []
        passed, left, terms = 0, _ALL, []
        ends = any(term.name == "all" for term in record.directives)
        pairs = [(below.term, below) for below in node.below if below.term]
        order = [pair for pair in pairs if pair[0].qualifier]
        order += [pair for pair in pairs if not pair[0].qualifier and pair[0].name == "redirect" and not ends]
        for term, below in order:
            good = term.qualifier in ("+", "")
            hit, by = self._matched(below, term, most if good else not most)
            hit &= left
            left &= ~hit
            if hit and good:
                passed |= hit
                terms += by or ["%s: %s" % (cut_term(printable(node.domain)), cut_term(term.text))]
            if self.ended or not left:
                return passed, terms
        if len(node.below) < len(record.terms) and most:  # there was no room for the others
            passed |= left
        return passed, terms

    def _matched(self, node: Node, term: Term, most: bool) -> Tuple[int, List[str]]:
        """Return whom a term matches, and, of one that leads to another record, by which terms of that."""
        self.lookups += node.counted
        self.void_lookups += node.void
        if self.lookups > MAX_LOOKUPS or self.void_lookups > MAX_VOID_LOOKUPS:
            self.ended = True
            return 0, []
        if node.leads_on:
            return self.passing(node, most)
        if term.name == "all":
            return _ALL, []
        if term.name == "exists":
            return (_ALL if node.state == PRESENT or (most and node.domain and _is_open(node)) else 0), []
        return _of_addresses(node, term, most), []


def _is_open(node: Node) -> bool:
    """Whether it is not known what a node leads to."""
    return (
        not node.loops
        and node.record is None
        and not node.records
        and (not node.followed or node.state not in ("", "present", "absent"))
    )


def _of_addresses(node: Node, term: Term, most: bool) -> int:
    if term.name in ("ip4", "ip6"):
        return _network(term.network, term.ip4_prefix if term.name == "ip4" else term.ip6_prefix)
    found = 0
    if term.name in ("a", "mx"):
        prefixes = {4: term.ip4_prefix, 6: term.ip6_prefix}
        for address in node.addresses:
            found |= _network(address, prefixes[ipaddress.ip_address(address).version])
        if most and (_is_open(node) or term.name == "mx") and node.state != "absent":
            for version, prefix in prefixes.items():
                found |= _FAMILIES[version].cells if prefix <= 1 else 0
    return found


def _network(address: str, prefix: int) -> int:
    """Return the cells of a network, none where it is smaller than one."""
    value = ipaddress.ip_address(address)
    family = _FAMILIES[value.version]
    host_bits = value.max_prefixlen - prefix
    if host_bits < family.shift:
        return 0
    first = (int(value) >> host_bits << (host_bits - family.shift)) - family.first
    last = min(first + (1 << (host_bits - family.shift)), family.size)
    first = max(first, 0)
    return ((1 << max(last - first, 0)) - 1) << (family.at + first)
