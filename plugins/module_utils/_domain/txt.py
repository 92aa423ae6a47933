# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# TXT records in which a domain publishes a policy: found by their version, split into tags, and shown.
#
# While it is read, a text holds what was published, octets that are not UTF-8 as lone surrogates. What goes into a fact
# or a problem goes through shown() or quoted(). All of it fits into one answer of the DNS, 64 KiB, and every function
# looks at each character a few times at most.

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from .._net.text import cut, printable
from .problems import problem

if TYPE_CHECKING:
    from typing import Container, Dict, Iterable, List, Pattern, Tuple

    from .._net.dns.model import Answer
    from .problems import Problem

_BLANKS = " \t\r\n"
_TAG_NAME = re.compile("[A-Za-z][A-Za-z0-9_]*")
_NOT_IN_VALUES = re.compile(r"[^\x20-\x7e\t\r\n]")
_FIELD_NAME = re.compile("[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
_FIELD_VALUE = re.compile("[!-:<>-~]+")
_QUOTED, _LISTED = 80, 4  # characters of what is quoted in a sentence; how many of its kind


class Published(NamedTuple):
    """The TXT records of a name, sorted by what they are."""

    records: Tuple[str, ...]  # those of the version asked for
    garbled: Tuple[str, ...]  # meant to be, but not to be known as such
    others: Tuple[str, ...]


def texts(answer: Answer) -> Tuple[str, ...]:
    """Return each TXT record as one text: its strings, joined without anything between them."""
    return tuple(b"".join(strings).decode("utf-8", "surrogateescape") for strings in answer.records)


def published(answer: Answer, version: Pattern[str], kind: str) -> Published:
    """Sort the TXT records of an answer: `version` matches the beginning of a record, `kind` is such as DMARC."""
    meant = re.compile(r"(?:[\s\"'\\]*|.*;\s*)v\s*=\s*[\"']?" + kind, re.IGNORECASE | re.DOTALL)
    records: List[str] = []
    garbled: List[str] = []
    others: List[str] = []
    for text in texts(answer):
        (records if version.match(text) else garbled if meant.match(text) else others).append(text)
    return Published(tuple(records), tuple(garbled), tuple(others))


def strangers(found: Published, name: str) -> Tuple[Problem, ...]:
    """Return what is wrong where a name has TXT records, but none that is a record of the kind asked for."""
    if found.records:
        return ()
    if found.garbled:
        return (problem("version_garbled", "%s at %s" % (listed(found.garbled), name)),)
    if found.others:
        return (problem("txt_of_another_kind", "%s at %s" % (listed(found.others), name)),)
    return ()


def parse_tags(
    text: str, fold: bool = False, malformed_is: str = "tag_malformed"
) -> Tuple[Dict[str, str], List[Problem]]:
    """Return the tags of a tag-list, name -> value, in its order, and what is wrong with it (RFC 6376 3.2).

    `fold`: names in capitals are the same names, and come in lower case. `malformed_is`: the problem that a part is
    which is no tag.

    >>> parse_tags("v=DMARC1; p = reject;")
    ({'v': 'DMARC1', 'p': 'reject'}, [])
    """
    tags: Dict[str, str] = {}
    malformed: List[str] = []
    twice: List[str] = []
    for part in text.split(";"):
        name, equals, value = part.partition("=")
        name, value = name.strip(_BLANKS), value.strip(_BLANKS)
        name = name.lower() if fold else name
        if not equals or not _TAG_NAME.fullmatch(name) or _NOT_IN_VALUES.search(value):
            malformed.extend([part.strip(_BLANKS)] if part.strip(_BLANKS) else [])
        elif name in tags:
            twice.append(name)
        else:
            tags[name] = value
    faults = [problem(malformed_is, listed(malformed))] if malformed else []
    return tags, faults + ([problem("tag_twice", listed(twice))] if twice else [])


def parse_fields(text: str, own: Container[str]) -> Tuple[Dict[str, str], List[Problem]]:
    """Return the fields of a record of MTA-STS or TLS-RPT, name -> value, and what is wrong (RFC 8461 3.1, RFC 8460 3).

    They are no tags: there are no blanks around the equals sign, and one that is malformed makes it no record. `own`:
    the names whose values have a grammar of their own, which is not looked at here.
    """
    fields: Dict[str, str] = {}
    malformed: List[str] = []
    twice: List[str] = []
    for part in filter(None, (part.strip(_BLANKS) for part in text.split(";"))):
        name, equals, value = part.partition("=")
        in_form = not value[:1].isspace() if name in own else _FIELD_VALUE.fullmatch(value)
        if not equals or not _FIELD_NAME.fullmatch(name) or not in_form:
            malformed.append(part)
        elif name in fields:
            twice.append(name)
        else:
            fields[name] = value
    faults = [problem("field_malformed", listed(malformed))] if malformed else []
    return fields, faults + ([problem("tag_twice", listed(twice))] if twice else [])


def shown(text: str) -> str:
    """Return a text that was published as it may be shown: printable, and cut where it is too long."""
    return cut(printable(text))


def quoted(text: str) -> str:
    """Return the beginning of a text that was published, in quotes, for a sentence."""
    return '"%s"' % (printable(text[:_QUOTED]) + "…" * (len(text) > _QUOTED))


def listed(parts: Iterable[str]) -> str:
    """Return the first few different texts in quotes, and how many more there are."""
    different = list(dict.fromkeys(parts))
    more = len(different) - _LISTED
    return ", ".join(map(quoted, different[:_LISTED])) + (" and %d more" % more if more > 0 else "")
