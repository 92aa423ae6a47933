# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The records that domain_check advises to publish, in the forms that tools take: master files (RFC 1035 5.1), nsupdate,
# the modules of community.dns, octoDNS.

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import AssessmentError

if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, Iterator, List, Mapping, Tuple

_STRING = 255  # octets of one string of a TXT record (RFC 1035 3.3.14)
# What a name, a type, and the value of all but TXT are made of. A result comes from another host: a line end or a
# parenthesis would make other records of it.
_PLAIN = re.compile("[A-Za-z0-9 ._-]+")


def as_zone(records: Iterable[Mapping[str, Any]]) -> str:
    """Return the lines of a zone file, each record below what it is good for and what must be true first.

    Raises AssessmentError for what is no record.
    """
    lines = []
    for one, value in _checked(records):
        lines += ["; " + _on_one_line(one["reason"]), "; first: " + _on_one_line(one["after"] or "nothing")]
        lines.append("%s. %d IN %s %s" % (one["name"], one["ttl"], one["type"], value))
    return "\n".join(lines) + "\n" if lines else ""


def as_nsupdate(records: Iterable[Mapping[str, Any]]) -> List[Dict[str, Any]]:
    """Return options of community.general.nsupdate: `record`, `type`, `ttl`, `value`.

    The module replaces all records of a name and type, so that these stand together. Raises AssessmentError for what is
    no record.
    """
    return [
        {"record": name + ".", "type": kind, "ttl": ttl, "value": values}
        for (name, kind), (ttl, values) in _sets(_checked(records)).items()
    ]


def as_community_dns(records: Iterable[Mapping[str, Any]], zone: str) -> List[Dict[str, Any]]:
    """Return `record_sets` of a module of community.dns that synchronises those of a zone: `record`, `type`, `ttl`,
    `value`. Records outside the zone are left out.

    Texts are as they are, which is what the modules take by default. Raises AssessmentError for what is no record.
    """
    return [
        {"record": name, "type": kind, "ttl": ttl, "value": values}
        for (name, kind), (ttl, values) in _sets(_within(zone, records)).items()
    ]


def as_octodns(records: Iterable[Mapping[str, Any]], zone: str, escaped_semicolons: bool = True) -> Dict[str, Any]:
    """Return what octoDNS's YamlProvider reads of a zone: name within it -> its sets of records, in the order it wants.

    Records outside the zone are left out. `escaped_semicolons` is the provider's option. Raises AssessmentError for
    what is no record, or none that octoDNS can hold.
    """
    apex = _name_of(zone)
    found: Dict[str, Any] = {}
    sets = _sets(_within(zone, records))
    for name, kind in sorted(sets, key=lambda key: (_natural(key[0][: -len(apex)].rstrip(".")), key[1])):
        ttl, values = sets[name, kind]
        written = [_of_octodns(kind, value, escaped_semicolons) for value in values]
        found.setdefault(name[: -len(apex)].rstrip("."), []).append({"ttl": ttl, "type": kind, "values": written})
    return {name: rows[0] if len(rows) == 1 else rows for name, rows in found.items()}


def _natural(name: str) -> List[Any]:
    """Return a key by which 2 comes before 10. A number in a name is always after a text, so the two never meet."""
    return [int(part) if part.isdigit() else part for part in re.split(r"([0-9]+)", name)]


def _of_octodns(kind: str, value: str, escaped_semicolons: bool) -> Any:
    words = value.split()
    if kind == "MX":
        return {"exchange": words[1], "preference": int(words[0])}
    if kind == "TLSA":
        usage, selector, matching_type, data = words
        return {
            "certificate_association_data": data, "certificate_usage": int(usage), "matching_type": int(matching_type),
            "selector": int(selector),
        }  # fmt: skip
    if kind != "TXT":
        return value
    # It takes quotes around a text away, and writes no other characters.
    if not value.isascii() or value[:1] == '"' or '" "' in value or "\\;" in value:
        raise AssessmentError("octoDNS can hold no text of this form: quotes around it, or characters beyond ASCII")
    return value.replace(";", "\\;") if escaped_semicolons else value


def _name_of(zone: str) -> str:
    name = zone.lower().rstrip(".")
    if not name or not _PLAIN.fullmatch(name):
        raise AssessmentError("zone: must be the name of a zone, such as example.com")
    return name


def _within(zone: str, records: Iterable[Mapping[str, Any]]) -> Iterator[Tuple[Mapping[str, Any], str]]:
    """Yield the records of a zone, each with its value, a text as it is."""
    apex = _name_of(zone)
    for one, _value in _checked(records):
        if ("." + one["name"].lower()).endswith("." + apex):
            yield one, one["value"]


def _sets(records: Iterable[Tuple[Mapping[str, Any], str]]) -> Dict[Tuple[str, str], Tuple[int, List[str]]]:
    """Return name and type -> TTL and values: what these tools replace as one."""
    sets: Dict[Tuple[str, str], Tuple[int, List[str]]] = {}
    for one, value in records:
        _ttl, values = sets.setdefault((one["name"].lower(), one["type"]), (one["ttl"], []))
        if value not in values:
            values.append(value)
    return sets


def _checked(records: Iterable[Mapping[str, Any]]) -> Iterator[Tuple[Mapping[str, Any], str]]:
    """Yield each record with its value as a zone file has it."""
    for index, one in enumerate(records):
        for name in ("name", "type") if one["type"] == "TXT" else ("name", "type", "value"):
            if not _PLAIN.fullmatch(one[name]):
                raise AssessmentError("records[%d].%s: is nothing that a zone file can hold" % (index, name))
        yield one, _quoted(one["value"]) if one["type"] == "TXT" else one["value"]


def _quoted(text: str) -> str:
    """Return a text as quoted strings, each as long as one may be."""
    octets = text.encode()
    parts = [octets[at : at + _STRING] for at in range(0, len(octets), _STRING)] or [b""]
    return " ".join('"%s"' % "".join(map(_escaped, part)) for part in parts)


def _escaped(octet: int) -> str:
    character = chr(octet)
    if character in '"\\':
        return "\\" + character
    return character if " " <= character <= "~" else "\\%03d" % octet


def _on_one_line(text: str) -> str:
    return " ".join(text.split())
