# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# DMARC records on the way from a name up to its top level, by chance, from a seed: in order, and where somebody's hand
# has slipped.

from __future__ import annotations

import random
from typing import Dict, List, NamedTuple

POLICIES = ["none", "quarantine", "reject"]
TAGS: Dict[str, List[str]] = {
    "p": [*POLICIES, "Reject", "block", ""],
    "sp": [*POLICIES, "QUARANTINE", "all"],
    "np": [*POLICIES, "nothing"],
    "adkim": ["r", "s", "S", "strict", ""],
    "aspf": ["r", "s", "x"],
    "fo": ["0", "1", "d", "s", "0:d", "d:s:1", "S:D", "0:1", "d:d", "2", "1:", "0 : d"],
    "psd": ["y", "n", "u", "Y", "x"],
    "t": ["y", "n", "yes"],
    "rua": ["mailto:a@example.com", "mailto:a@example.com,mailto:b@example.com!10m", "https://example.com/", "a@example.com"],
    "ruf": ["mailto:f@example.com", "mailto:f@example.com , mailto:g@example.com"],
    "pct": ["50", "x"],
    "ri": ["86400"],
    "x": ["1", "a=b"],
}  # fmt: skip
VERSIONS = ["v=DMARC1"] * 20 + [
    "V=DMARC1",
    "v = DMARC1",
    "v=dmarc1",
    "v=DMARC2",
    " v=DMARC1",
    "v=DMARC1 p=none",
    "DMARC1",
]
SEPARATORS = ["; "] * 8 + [";", " ;", " ; ", ";; "]
SLIPS = "=;:, .!0aAdpsv-_\té"


class Case(NamedTuple):
    """A name, whether it exists, and the TXT records at _dmarc of it and its parents: name -> texts."""

    domain: str
    exists: bool
    zone: Dict[str, List[str]]


def case_of(seed: int) -> Case:
    chance = random.Random(seed)
    labels = ["l%d" % number for number in range(chance.choice([0, 0, 0, 1, 1, 2, 3, 6, 7, 8, 10]))]
    names = [*labels, "example", "com"]
    zone = {}
    for at in range(len(names)):
        often = 0.6 if at == 0 or names[at] == "example" else 0.25
        if chance.random() < often:
            count = 2 if chance.random() < 0.08 else 1
            zone[".".join(names[at:])] = [_text(chance) for _number in range(count)]
    return Case(".".join(names), chance.random() < 0.8, zone)


def _text(chance: random.Random) -> str:
    if chance.random() < 0.04:
        return chance.choice(["v=spf1 -all", "site-verification=0123", ""])
    names = chance.sample(list(TAGS), chance.choice([0, 1, 2, 2, 3, 4, 6]))
    if "p" not in names and chance.random() < 0.7:
        names.insert(0, "p")
    if chance.random() < 0.04:
        names.append(chance.choice(list(TAGS)))
    parts = [chance.choice(VERSIONS)] + [_tag(chance, name) for name in names]
    text = "".join(part + chance.choice(SEPARATORS) for part in parts[:-1]) + parts[-1] + chance.choice(["", ";", "; "])
    return _slipped(chance, text) if chance.random() < 0.1 else text


def _tag(chance: random.Random, name: str) -> str:
    values = TAGS[name]
    value = values[0] if chance.random() < 0.4 else chance.choice(values)
    return (name.upper() if chance.random() < 0.05 else name) + chance.choice(["="] * 9 + [" = "]) + value


def _slipped(chance: random.Random, text: str) -> str:
    """Return it with a character left out, put in, or changed."""
    at, kind = chance.randint(0, len(text)), chance.randint(0, 2)
    return text[:at] + (chance.choice(SLIPS) if kind else "") + text[at + (kind != 1) :]
