# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# An SPF record, from the TXT records of a name to its terms (RFC 7208 4.5, 4.6, 12).
#
# Every term is read, also behind one that is wrong: who publishes the record wants to see all that is. The names of
# mechanisms and modifiers have no case.

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from ..._net.text import decode
from .macros import fault_of_domain_spec, fault_of_macro_string

if TYPE_CHECKING:
    from typing import List, Optional, Sequence, Tuple

LOOKING_UP = frozenset(("include", "a", "mx", "ptr", "exists", "redirect"))  # RFC 7208 4.6.4
MECHANISMS = ("all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists")
MAX_SHOWN = 200  # characters of a term, where it is quoted
MAX_TERMS = 1000  # of a record, which should have no more than 450 octets (RFC 7208 3.4)

_VERSION = re.compile(rb"v=spf1(?: |\Z)", re.IGNORECASE)
_MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)=(.*)", re.DOTALL)
_DIRECTIVE = re.compile(r"([+?~-]?)([A-Za-z0-9]+)((?:[:/].*)?)", re.DOTALL)
_DUAL_CIDR = re.compile(r"(?:/(0|[1-9][0-9]?))?(?://(0|[1-9][0-9]{0,2}))?\Z")
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IP4_TEXT = _OCTET + r"(?:\.%s){3}" % _OCTET
_IP4 = re.compile(r":(%s)(?:/(0|[1-9][0-9]?))?" % _IP4_TEXT)
_IP6 = re.compile(r":([0-9A-Fa-f:]+(?:%s)?)(?:/(0|[1-9][0-9]{0,2}))?" % _IP4_TEXT)
# `~all` and the like, glued to the term before.
_GLUED = re.compile(r"(?<=.)([+?~-](?:%s)(?:[:/].*)?)\Z" % "|".join(MECHANISMS), re.IGNORECASE | re.DOTALL)


class Term(NamedTuple):
    """A directive or a modifier."""

    text: str  # as it is published, shown safely
    name: str  # of the mechanism or modifier, in lower case
    qualifier: str = ""  # + - ~ ?; none of a modifier
    domain_spec: str = ""
    network: str = ""  # of ip4 and ip6: the address
    ip4_prefix: int = 32  # bits
    ip6_prefix: int = 128
    fault: str = ""  # what is wrong with it, in words


class Record(NamedTuple):
    text: str
    octets: int
    terms: Tuple[Term, ...]
    faults: Tuple[str, ...]  # what makes it one that cannot be evaluated (4.6): each in words, the term quoted

    @property
    def directives(self) -> List[Term]:
        return [term for term in self.terms if term.qualifier]

    def modifier(self, name: str) -> Optional[Term]:
        return next((term for term in self.terms if term.name == name and not term.qualifier), None)


def cut_term(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"


def select(records: Sequence[Sequence[bytes]]) -> List[bytes]:
    """Return which TXT records are SPF, each with its strings joined (RFC 7208 3.3, 4.5)."""
    return [text for text in map(b"".join, records) if _VERSION.match(text)]


@lru_cache(maxsize=64)  # what many domains and senders have in common is read once
def parse_record(data: bytes) -> Record:
    """Return the terms of a record that `select` has found, each with its fault; of too many only the first ones."""
    words = [word for word in data.split(b" ")[1:] if word]
    terms = tuple(map(_parse_term, words[:MAX_TERMS]))
    faults = ["%s: %s" % (cut_term(term.text), term.fault) for term in terms if term.fault]
    modifiers = [term.name for term in terms if not term.qualifier]
    faults += ["%s= stands in it more than once" % name for name in ("redirect", "exp") if modifiers.count(name) > 1]
    if len(words) > MAX_TERMS:
        faults.insert(0, "it has %d terms, and no more than %d are read here" % (len(words), MAX_TERMS))
    return Record(decode(data), len(data), terms, tuple(faults))


def _parse_term(data: bytes) -> Term:
    shown = decode(data)
    if not data.isascii():
        return Term(shown, "", fault="it holds a character that is none of ASCII (RFC 7208 3.1)")
    text = data.decode("ascii")
    modifier = _MODIFIER.fullmatch(text)
    if modifier:
        name, value = modifier.group(1).lower(), modifier.group(2)
        known = name in ("redirect", "exp")
        fault = fault_of_domain_spec(value) if known else fault_of_macro_string(value)
        return Term(shown, name, domain_spec=value, fault=_advice(text, fault))
    directive = _DIRECTIVE.fullmatch(text)
    name = directive.group(2).lower() if directive else ""
    if not directive or name not in MECHANISMS:
        return Term(shown, name, fault=_advice(text, "there is no such mechanism"))
    term = _with_argument(Term(shown, name, directive.group(1) or "+"), directive.group(3))
    return term._replace(fault=_advice(text, term.fault))


def _with_argument(term: Term, argument: str) -> Term:
    """Return the term of a mechanism with what stands behind its name read, or with its fault."""
    if term.name == "all":
        return term._replace(fault="nothing may follow it" if argument else "")
    if term.name in ("ip4", "ip6"):
        return _with_network(term, argument)
    if term.name in ("a", "mx"):
        argument, *lengths, _end = _DUAL_CIDR.split(argument, maxsplit=1)  # both lengths may be missing
        wholes = (term.ip4_prefix, term.ip6_prefix)
        ip4, ip6 = (int(bits) if bits else whole for bits, whole in zip(lengths, wholes))
        term = term._replace(ip4_prefix=ip4, ip6_prefix=ip6)
        if ip4 > 32 or ip6 > 128:
            return term._replace(fault="the prefix is longer than an address")
    if not argument and term.name in ("a", "mx", "ptr"):
        return term
    if argument and not argument.startswith(":"):
        return term._replace(fault="what follows the name of the mechanism is no domain name and no prefix length")
    spec = argument[1:]
    return term._replace(domain_spec=spec, fault=fault_of_domain_spec(spec))


def _with_network(term: Term, argument: str) -> Term:
    found = (_IP4 if term.name == "ip4" else _IP6).fullmatch(argument)
    if found is None:
        return term._replace(fault="this is no IPv%s network" % term.name[2])
    network, bits = found.groups()
    if term.name == "ip4":
        too_long = int(bits or 0) > 32
        term = term._replace(network=network, ip4_prefix=int(bits or term.ip4_prefix))
    else:
        try:
            ipaddress.IPv6Address(network)
        except ValueError:
            return term._replace(fault="this is no IPv6 network")
        too_long = int(bits or 0) > 128
        term = term._replace(network=network, ip6_prefix=int(bits or term.ip6_prefix))
    return term._replace(fault="the prefix is longer than an address" if too_long else "")


def _advice(text: str, fault: str) -> str:
    """Return the fault of a term, and what is plainly meant."""
    if not fault:
        return ""
    parts = apart(text)
    if parts:
        return "a space is missing before %s" % cut_term(parts[1])
    repair = meant(text)
    return "%s: write %s" % (fault, cut_term(repair)) if repair else fault


def meant(text: str) -> str:
    """Return a term that is wrong as it is plainly meant, which may be two terms; "" where that is not plain."""
    parts = apart(text)
    if parts:
        return " ".join(parts)
    name, colon, value = text.lstrip("+?~-").partition(":")
    qualifier, name = text[: len(text) - len(name + colon + value)], name.lower()
    if name in ("redirect", "exp") and colon and not qualifier and not fault_of_domain_spec(value):
        return "%s=%s" % (name, value)
    if name in ("a", "mx", "include") and re.fullmatch(_IP4_TEXT + "(?:/[0-9]+)?", value):
        name = "ipv4"
    repair = "%s%s:%s" % (qualifier, name.replace("v", ""), value)
    return repair if name in ("ipv4", "ipv6") and not _fault_alone(repair) else ""


def apart(text: str) -> Optional[Tuple[str, str]]:
    """Return a term that is two, glued together, as both: `ip4:192.0.2.81~all`; None where it is not plainly so."""
    found = _GLUED.search(text)
    if not found:
        return None
    before, behind = text[: found.start()], found.group()
    in_order = not _fault_alone(before) and not _fault_alone(behind)
    return (before, behind) if in_order else None


def _fault_alone(text: str) -> str:
    directive = _DIRECTIVE.fullmatch(text)
    if not directive or directive.group(2).lower() not in MECHANISMS:
        return "no mechanism"
    return _with_argument(Term(text, directive.group(2).lower()), directive.group(3)).fault
