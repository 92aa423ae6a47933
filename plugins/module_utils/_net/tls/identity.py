# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Whether a certificate is for a host (RFC 9525): by its subject alternative names, and never by a common name.

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from ..names import to_a_labels

if TYPE_CHECKING:
    from typing import Iterable

    from .certificates import Certificate

_BRACKETED = re.compile(r"^\[(?:ipv6:)?(.*)\]\Z")
# A name the DNS is asked for. One that ends in a number is an address in some spelling of inet_aton()'s.
_HOST_NAME = re.compile(r"(?:[a-z0-9_-]{1,63}\.)*(?!(?:[0-9]+|0x[0-9a-f]*)$)[a-z0-9_-]{1,63}")


def names_match(certificate: Certificate, host: str) -> bool:
    """Return whether a subject alternative name covers a name or an address (RFC 9525 6; never a CN)."""
    if len(host) > 255:
        return False
    if not host.isascii():
        try:
            # The form that getaddrinfo() and the server name indication use, so the one to be certified.
            host = to_a_labels(host)
        except UnicodeError:
            return False
    host = host.lower()
    address = _BRACKETED.sub(r"\1", host).partition("%")[0]  # the zone of a link-local address is ours alone
    try:
        return "IP:%s" % ipaddress.ip_address(address) in certificate.subject_alt_names
    except ValueError:
        name = _without_dot(host)
    if not _HOST_NAME.fullmatch(name):
        return False
    return is_covered(name, [text[4:] for text in certificate.subject_alt_names if text.startswith("DNS:")])


def is_covered(host: str, patterns: Iterable[str]) -> bool:
    """Return whether one of `patterns` is the host's name, or stands for its first label by `*` (RFC 9525 6.3)."""
    name = _without_dot(host.lower())
    accepted = {name}
    parent = name.partition(".")[2]
    if "." in parent:  # no wildcard for a whole top-level domain: OpenSSL's verdict and this one agree
        accepted.add("*." + parent)
    return any(_without_dot(pattern.lower()) in accepted for pattern in patterns)


def common_name_matches(certificate: Certificate, host: str) -> bool:
    """Return whether a common name would cover the host, if common names counted."""
    names = tuple(kind + name for name in certificate.common_names for kind in ("DNS:", "IP:"))
    return names_match(certificate._replace(subject_alt_names=names), host)


def _without_dot(name: str) -> str:
    return name[:-1] if name.endswith(".") else name
