# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# DER (X.690): octets into elements, with every length checked against the octets at hand, and limits; and back.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..text import counted

if TYPE_CHECKING:
    from typing import List

MAX_ELEMENTS = 16384  # in one SEQUENCE or SET
MAX_OID_OCTETS = 64
_OID = 0x06


class CertificateError(ValueError):
    """The bytes are not a certificate as RFC 5280 4.1 defines it; `str()` says how."""


class Element(NamedTuple):
    tag: int
    whole: bytes
    content: bytes


def elements(data: bytes) -> List[Element]:
    """Split bytes into the DER elements that fill them (X.690 8.1, 10.1)."""
    found: List[Element] = []
    at = 0
    while at < len(data):
        start, at = at, at + 2
        if at > len(data):
            raise CertificateError("an element is cut short")
        tag, length = data[start], data[start + 1]
        if tag & 0x1F == 0x1F:
            raise CertificateError("a tag number is above 30")
        if length >= 0x80:
            octets = length - 0x80
            if not 1 <= octets <= 4:
                raise CertificateError("a length is indefinite or absurd")
            length = int.from_bytes(data[at : at + octets], "big")
            at += octets
        if length > len(data) - at:
            raise CertificateError("an element is longer than what holds it")
        if len(found) == MAX_ELEMENTS:
            raise CertificateError("more than %d elements follow each other" % MAX_ELEMENTS)
        found.append(Element(tag, data[start : at + length], data[at : at + length]))
        at += length
    return found


def only(data: bytes) -> Element:
    """Return the one element that fills `data`."""
    found = elements(data)
    if len(found) != 1:
        raise CertificateError("%d elements stand where one should" % len(found))
    return found[0]


def content_of(element: Element, tag: int) -> bytes:
    """Return what an element of the given tag contains."""
    if element.tag != tag:
        raise CertificateError("an element has tag 0x%02x instead of 0x%02x" % (element.tag, tag))
    return element.content


def children_of(element: Element, tag: int, *counts: int) -> List[Element]:
    """Return the elements inside one of the given tag. `counts`: how many there may be, else any number."""
    children = elements(content_of(element, tag))
    if counts and len(children) not in counts:
        raise CertificateError("an element of tag 0x%02x holds %s" % (tag, counted(len(children), "other")))
    return children


def encoded(tag: int, *parts: bytes) -> bytes:
    """Return an element that contains `parts` (X.690 8.1)."""
    content = b"".join(parts)
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def dotted_oid(element: Element, tag: int = _OID) -> str:
    """Return an object identifier in dotted form (X.690 8.19)."""
    content = content_of(element, tag)
    if not content or len(content) > MAX_OID_OCTETS or content[-1] >= 0x80:
        raise CertificateError("an object identifier is empty, too long or cut short")
    arcs = [0]
    for octet in content:
        arcs[-1] = arcs[-1] << 7 | octet & 0x7F
        if octet < 0x80:
            arcs.append(0)
    first = min(arcs[0] // 40, 2)
    return ".".join(str(arc) for arc in [first, arcs[0] - 40 * first] + arcs[1:-1])
