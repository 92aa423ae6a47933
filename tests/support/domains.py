# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Domains for the tests: a row as domain_check returns it, and zone files that it answers from.

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any, Optional

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ansible_collections.postmaster.mailcheck.tests.support.sweeps import Row, rule

PARKED = {"@": ["MX 0 .", 'TXT "v=spf1 -all"'], "_dmarc": ['TXT "v=DMARC1; p=reject"']}
RECORD: Row = {
    "name": "_dmarc.a.example", "type": "TXT", "value": "v=DMARC1; p=none", "ttl": 3600,
    "reason": "receivers have no policy", "after": "nothing: it harms no mail",
}  # fmt: skip


def domain(name: str = "a.example", rules: Optional[list[Row]] = None, **more: Any) -> Row:
    """A row of domain_check: passed, unless a rule is unmet."""
    rules = [rule("one"), rule("two")] if rules is None else rules
    unmet = any(one["outcome"] == "unmet" for one in rules)
    return {
        "domain": name,
        "input": name,
        "labels": {},
        "verdict": "failed" if unmet else "passed",
        "cause": "rule_unmet" if unmet else None,
        "msg": f"{name}: " + ("not met" if unmet else "passed"),
        "checked_at": "2026-06-15T10:00:00Z",
        "rules": rules,
        "records": [],
        **more,
    }


def checked(*domains: Row) -> Row:
    """A result of domain_check."""
    return {"domains": list(domains), "summary": {}, "changed": False}


def dkim_record(bits: int) -> str:
    """The TXT record of a new key, in strings of at most 255 octets."""
    key = rsa.generate_private_key(65537, bits).public_key()
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    text = "v=DKIM1; k=rsa; p=" + base64.b64encode(der).decode()
    return "TXT " + " ".join('"%s"' % text[at : at + 255] for at in range(0, len(text), 255))


def write_zone(path: Path, origin: str, names: dict[str, list[str]]) -> str:
    """Write a zone of `names`, relative to `origin`: name -> records, and return the file's path."""
    lines = [
        f"$ORIGIN {origin}.",
        "$TTL 300",
        "@ SOA ns hostmaster 1 7200 900 1209600 300",
        "@ NS ns",
        "ns A 192.0.2.53",
    ]
    lines += [f"{name} {record}" for name, records in names.items() for record in records]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)
