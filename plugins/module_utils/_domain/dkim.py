# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# DKIM keys as a domain publishes them (RFC 6376 3.6.1, RFC 8301, RFC 8463). Only selectors that are given: none is
# guessed, since a guess that finds nothing proves nothing.

from __future__ import annotations

import re
from binascii import a2b_base64
from typing import TYPE_CHECKING, NamedTuple

from .._net.dns.model import PRESENT, Question
from .._net.text import counted
from .._net.tls.certificates import read_public_key
from .._net.tls.der import CertificateError, children_of, only
from .problems import is_valid, problem
from .txt import listed, parse_tags, quoted, shown, texts
from .unanswered import is_open, why

if TYPE_CHECKING:
    from typing import Dict, List, Optional, Sequence, Tuple

    from .._net.dns.model import Answer, Evaluation
    from .problems import Problem

_BASE64 = re.compile("[A-Za-z0-9+/]*={0,2}")
_NOT_BASE64 = re.compile("[^A-Za-z0-9+/=]")
_INTEGER, _SEQUENCE = 0x02, 0x30
_MAX_LISTED = 20  # of a record's hash algorithms, services or flags
_STRING = 255  # octets that one string of a TXT record holds (RFC 1035 3.3)


class DkimKey(NamedTuple):
    """What is published for one selector."""

    state: str
    reason: str
    valid: Optional[bool]
    problems: Tuple[Problem, ...]
    selector: str
    name: str  # where it is published
    alias: str = ""  # the name that has the record, where a CNAME leads to it
    record: str = ""
    key_type: str = ""  # rsa, ed25519, or what is said
    bits: Optional[int] = None
    hash_algorithms: Tuple[str, ...] = ()  # none: all are allowed
    services: Tuple[str, ...] = ()
    flags: Tuple[str, ...] = ()
    revoked: bool = False
    testing: bool = False


def look_up_dkim(domain: str, selectors: Sequence[str]) -> Evaluation[Tuple[DkimKey, ...]]:
    """Return the key of each selector, in one round trip."""
    if not selectors:
        return ()
    names = ["%s._domainkey.%s" % (selector.lower(), domain) for selector in selectors]
    answers = yield tuple(Question(name, "TXT") for name in names)
    return tuple(map(_key, selectors, names, answers))


def _key(selector: str, name: str, answer: Answer) -> DkimKey:
    alias = shown(answer.aliases[-1]) if answer.aliases else ""
    facts = DkimKey(answer.state, why(answer) if is_open(answer) else "", None, (), selector, name, alias)
    if answer.state != PRESENT:
        return facts
    found = texts(answer)
    # Of several, what is told is the one that looks most like a key.
    text = max(found, key=lambda text: "p" in parse_tags(text)[0])
    facts = _with_record(facts, text)
    if len(found) > 1:
        facts = facts._replace(problems=(problem("dkim_several", name), *facts.problems))
    return facts._replace(valid=is_valid(facts.problems))


def _with_record(facts: DkimKey, text: str) -> DkimKey:
    """Add what a record says (RFC 6376 3.6.1)."""
    tags, problems = parse_tags(text, malformed_is="dkim_syntax")
    facts = facts._replace(record=shown(text))
    if "p" not in tags and not {"v", "k"} & set(tags):
        return facts._replace(problems=(problem("dkim_no_key", quoted(text)),))
    if tags.get("v", "DKIM1") != "DKIM1" or ("v" in tags and next(iter(tags)) != "v"):
        problems.append(problem("dkim_version", quoted("v=" + tags["v"])))
    key_type = tags.get("k", "rsa")
    hash_algorithms, services, flags = (_list(tags, name) for name in "hst")
    if "h" in tags and "sha256" not in hash_algorithms:
        problems.append(problem("dkim_hash_algorithms", quoted(tags["h"])))
    if "s" in tags and not {"*", "email"} & set(services):
        problems.append(problem("dkim_services", quoted(tags["s"])))
    if "y" in flags:
        problems.append(problem("dkim_testing"))
    if "g" in tags:
        problems.append(problem("dkim_granularity"))
    bits, faults = _bits(key_type, tags.get("p"), text)
    return facts._replace(
        problems=(*problems, *faults),
        key_type=shown(key_type),
        bits=bits,
        hash_algorithms=tuple(map(shown, hash_algorithms[:_MAX_LISTED])),
        services=tuple(map(shown, services[:_MAX_LISTED])),
        flags=tuple(map(shown, flags[:_MAX_LISTED])),
        revoked=tags.get("p") == "",
        testing="y" in flags,
    )


def _list(tags: Dict[str, str], name: str) -> List[str]:
    """Return the parts of a list with colons."""
    return [part.strip() for part in tags.get(name, "").split(":") if part.strip()]


def _bits(key_type: str, value: Optional[str], text: str) -> Tuple[Optional[int], List[Problem]]:
    """Return the size of the key in a p tag, and what is wrong with it."""
    if value is None:
        return None, [problem("dkim_key_missing")]
    if key_type not in ("rsa", "ed25519"):
        return None, [problem("dkim_key_type_unknown", quoted(key_type))]
    encoded = "".join(value.split())
    if not encoded:
        return None, [problem("dkim_revoked")]
    if not _BASE64.fullmatch(encoded):
        return None, [problem("dkim_base64", listed(_NOT_BASE64.findall(encoded) or ["="]) + " stands in it")]
    digits = encoded.rstrip("=")
    digits = digits[:-1] if len(digits) % 4 == 1 else digits
    data = a2b_base64(digits + "=" * (-len(digits) % 4))
    missing = _missing(data) if key_type == "rsa" else ""
    if missing:
        end = ", and the text ends at %d characters" % _STRING if len(text) == _STRING else ""
        return None, [problem("dkim_cut", missing + end)]
    if len(encoded) % 4:
        return None, [problem("dkim_base64", "it has %s, no multiple of four" % counted(len(encoded), "character"))]
    if key_type == "rsa":
        return _rsa_bits(data)
    if len(data) != 32:
        return None, [problem("dkim_ed25519_length", "%d" % len(data))]
    return 256, []


def _missing(der: bytes) -> str:
    """Return how much of the first DER element is not there (X.690 8.1.3), in words; "" if all of it is."""
    head = 2 + (der[1] - 0x80 if len(der) > 1 and der[1] > 0x80 else 0)
    if len(der) < head:
        return "there is no more than %s" % counted(len(der), "octet")
    announced = head + (int.from_bytes(der[2:head], "big") if head > 2 else der[1])
    return "there are %d of %d octets" % (len(der), announced) if announced > len(der) else ""


def _rsa_bits(der: bytes) -> Tuple[Optional[int], List[Problem]]:
    """Return the size of a SubjectPublicKeyInfo or, as RFC 6376 has it, an RSAPublicKey (RFC 8017 A.1.1)."""
    try:
        whole = only(der)
        first, _second = children_of(whole, _SEQUENCE, 2)
        if first.tag == _INTEGER:
            bits: Optional[int] = int.from_bytes(first.content, "big").bit_length()
        else:
            algorithm, bits = read_public_key(whole)
            if algorithm != "RSA":
                return None, [problem("dkim_key_unreadable", "it is one for %s" % algorithm)]
    except CertificateError as error:
        return None, [problem("dkim_key_unreadable", str(error))]
    if bits is None or bits < 1024:
        return bits, [problem("dkim_too_weak", str(bits))]
    if bits < 2048:
        return bits, [problem("dkim_weak", str(bits))]
    return bits, [problem("dkim_long", str(bits))] if bits > 4096 else []
