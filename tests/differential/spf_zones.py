# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# SPF zones by chance, from a seed: records in order, and records that somebody's hand has slipped on.

from __future__ import annotations

import random
from typing import Any, Dict, List, NamedTuple, Tuple

Rows = List[Tuple[str, Any]]

NAMES = ["example.com", "a.example.com", "b.example.com", "c.example.com", "d.example.com", "mx.example.org"]
ABSENT = ["absent.example.com", "void.example.org"]
ADDRESSES = ["192.0.2.1", "192.0.2.77", "198.51.100.3", "203.0.113.9", "2001:db8::1", "2001:db8:1::77"]
REVERSE = ["1.2.0.192.in-addr.arpa", "77.2.0.192.in-addr.arpa", "1" + ".0" * 23 + ".8.b.d.0.1.0.0.2.ip6.arpa"]
MACROS = [
    "%{i}",
    "%{ir}",
    "%{d}",
    "%{d2}",
    "%{o}",
    "%{l}",
    "%{l1r-}",
    "%{s}",
    "%{h}",
    "%{v}",
    "%{p}",
    "%{D}",
    "%%",
    "%_",
    "%-",
]
SLIPS = "+-~?:/=%{}.0123456789 abdilmnprstx_@é\t"


class Case(NamedTuple):
    zone: Dict[str, Rows]
    address: str
    mail_from: str
    helo: str


def case_of(seed: int) -> Case:
    chance = random.Random(seed)
    zone: Dict[str, Rows] = {}
    for name in NAMES:
        zone[name] = _rows(chance)
    for name in REVERSE:
        zone[name] = [("PTR", host) for host in chance.sample(NAMES, chance.randint(1, 4))]
    local_part = chance.choice(["user", "strong-bad", "a.b-c"])
    return Case(zone, chance.choice(ADDRESSES), local_part + "@example.com", chance.choice(NAMES))


def _rows(chance: random.Random) -> Rows:
    if chance.random() < 0.02:
        return [("TIMEOUT", None)]
    rows: Rows = [("A", address) for address in chance.sample(ADDRESSES[:4], chance.randint(0, 2))]
    rows += [("AAAA", address) for address in chance.sample(ADDRESSES[4:], chance.randint(0, 1))]
    hosts = ["m%d.example.com" % number for number in range(11)] if chance.random() < 0.02 else NAMES
    rows += [("MX", (10, host)) for host in chance.sample(hosts, 11 if hosts is not NAMES else chance.randint(0, 2))]
    for _number in range(chance.choice([0, 1, 1, 1, 1, 1, 1, 1, 1, 2] if chance.random() < 0.2 else [1])):
        rows.append(("TXT", _strings(chance, _record(chance))))
    return rows


def _strings(chance: random.Random, text: str) -> List[str]:
    cut = chance.randint(0, len(text)) if chance.random() < 0.1 else len(text)
    return [part for part in (text[:cut], text[cut:]) if part]


def _record(chance: random.Random) -> str:
    terms = [_term(chance) for _number in range(chance.choice([0, 1, 1, 2, 2, 3, 4, 12]))]
    if chance.random() < 0.8:
        terms.append(chance.choice(["-all", "~all", "?all", "+all", "all"]))
    if chance.random() < 0.15:
        terms.insert(chance.randint(0, len(terms)), "redirect=" + _name(chance))
    if chance.random() < 0.05:
        terms.append(chance.choice(["moo=%{i}", "exp=" + _name(chance), "x-y.z=", "include=a.example.com"]))
    text = " ".join(["v=spf1", *terms])
    return _slipped(chance, text) if chance.random() < 0.2 else text


def _term(chance: random.Random) -> str:
    qualifier = chance.choice(["", "", "", "+", "-", "~", "?"])
    kind = chance.choice(["a", "mx", "ptr", "ip4", "ip4", "ip6", "include", "include", "exists"])
    if kind == "ip4":
        return "%sip4:%s%s" % (qualifier, chance.choice(ADDRESSES[:4]), chance.choice(["", "/24", "/32", "/0", "/8"]))
    if kind == "ip6":
        return "%sip6:%s%s" % (qualifier, chance.choice(ADDRESSES[4:]), chance.choice(["", "/32", "/128", "/0", "/64"]))
    if kind in ("include", "exists"):
        return "%s%s:%s" % (qualifier, kind, _name(chance))
    about = chance.choice(["", ":" + _name(chance)])
    lengths = "" if kind == "ptr" else chance.choice(["", "", "", "/24", "//64", "/24//64", "/0", "//0"])
    return qualifier + kind + about + lengths


def _name(chance: random.Random) -> str:
    kind = chance.random()
    if kind < 0.1:
        return chance.choice(MACROS) + "." + chance.choice(NAMES)
    if kind < 0.14:
        return chance.choice(["%{d}", "%{o}", "%{h}", "%{p}"])
    if kind < 0.2:
        return chance.choice(ABSENT)
    name = chance.choice(NAMES)
    return name + "." if kind > 0.97 else name


def _slipped(chance: random.Random, text: str) -> str:
    """Return it with a character or two left out, put in, changed or doubled, mostly behind the version."""
    for _number in range(chance.randint(1, 2)):
        at = chance.randint(0 if chance.random() < 0.1 else min(7, len(text)), len(text))
        kind, char = chance.randint(0, 3), chance.choice(SLIPS)
        if kind == 0:
            text = text[:at] + text[at + 1 :]
        elif kind == 1:
            text = text[:at] + char + text[at:]
        elif kind == 2:
            text = text[:at] + char + text[at + 1 :]
        else:
            text = text[:at] + text[max(0, at - 6) :]
    return text
