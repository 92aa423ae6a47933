# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Which hosts a certificate is for (RFC 9525).

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.certificates import (
    Certificate,
    read_certificate,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.identity import names_match
from ansible_collections.postmaster.mailcheck.tests.support.der import attribute, by_hand, tlv, with_alt_names

if TYPE_CHECKING:
    from typing import Tuple


def named(*alt_names: str, common_names: Tuple[str, ...] = ()) -> Certificate:
    return read_certificate(by_hand())._replace(subject_alt_names=alt_names, common_names=common_names)


@pytest.mark.parametrize(
    ("alt_name", "host"),
    [
        ("DNS:relay.example.com", "relay.example.com"),
        ("DNS:relay.example.com", "RELAY.Example.COM"),
        ("DNS:RELAY.Example.COM", "relay.example.com"),
        ("DNS:relay.example.com", "relay.example.com."),
        ("DNS:relay.example.com.", "relay.example.com"),
        ("DNS:localhost", "localhost"),
        ("DNS:mx_1.example.com", "mx_1.example.com"),
        ("DNS:*.example.com", "relay.example.com"),
        ("DNS:*.Example.com", "Relay.example.COM."),
        ("DNS:*.example.com", "xn--bcher-kva.example.com"),
        ("DNS:xn--bcher-kva.example", "bücher.example"),
        ("DNS:xn--bcher-kva.example", "BÜCHER.example."),
        ("DNS:xn--bcher-kva.example", "bücher\u3002example"),
        ("DNS:*.example.com", "bücher.example.com"),
        ("DNS:*.xn--bcher-kva.example", "relay.bücher.example"),
        ("IP:192.0.2.1", "192.0.2.1"),
        ("IP:192.0.2.1", "[192.0.2.1]"),
        ("IP:192.0.2.1", "\uff11\uff19\uff12.0.2.1"),
        ("IP:2001:db8::1", "2001:db8::1"),
        ("IP:2001:db8::1", "[2001:DB8:0:0::0001]"),
        ("IP:2001:db8::1", "[IPv6:2001:db8::1]"),
        ("IP:2001:db8::1", "2001:db8::0.0.0.1"),
        ("IP:fe80::1", "fe80::1%eth0"),
    ],
)  # fmt: skip
def test_a_name_covers_a_host(alt_name: str, host: str) -> None:
    assert names_match(named("DNS:other.example", alt_name, "email:a@example.com"), host)


@pytest.mark.parametrize(
    ("alt_name", "host"),
    [
        ("DNS:relay.example.com", "example.com"),
        ("DNS:example.com", "relay.example.com"),
        ("DNS:relay.example.com", "relay.example.com.."),
        ("DNS:relay.example.com", ".relay.example.com"),
        ("DNS:relay.example.com", "relay..example.com"),
        ("DNS:*.example.com", "example.com"),
        ("DNS:*.example.com", ".example.com"),
        ("DNS:*.example.com", "a.b.example.com"),
        ("DNS:*.example.com", "*.example.com"),
        ("DNS:relay*.example.com", "relay1.example.com"),
        ("DNS:*relay.example.com", "relay.example.com"),
        ("DNS:r*y.example.com", "relay.example.com"),
        ("DNS:xn--*.example.com", "xn--bcher-kva.example.com"),
        ("DNS:relay.*.com", "relay.example.com"),
        ("DNS:*.*.com", "relay.example.com"),
        ("DNS:*", "localhost"),
        ("DNS:*.com", "example.com"),
        ("DNS:", ""),
        ("DNS:.", "."),
        ("DNS:relay.example.com\\x00.example.net", "relay.example.com"),
        ("DNS:bücher.example", "bücher.example"),
        ("DNS:xn--bcher-kva.example", "bucher.example"),
        ("DNS:fass.example", "fa\u00df.example"),  # IDNA 2003's idea of it
        ("DNS:FASS.example", "FA\u1e9e.example"),
        ("DNS:relay.example.com", "relay.example.com\0"),
        ("DNS:relay.example.com", "relay.example.com\n"),
        ("DNS:relay.example.com", "\ud800.example.com"),
        ("DNS:" + "a" * 64 + ".example", "a" * 64 + ".example"),
        ("DNS:" + "a" * 300, "a" * 300),
        ("DNS:192.0.2.1", "192.0.2.1"),
        ("DNS:*.0.2.1", "192.0.2.1"),
        ("DNS:2001:db8::1", "2001:db8::1"),
        ("DNS:[2001:db8::1]", "[2001:db8::1]"),
        ("DNS:127.1", "127.1"),
        ("DNS:2130706433", "2130706433"),
        ("DNS:0x7f000001", "0x7f000001"),
        ("DNS:*.0.0x1", "127.0.0x1"),
        ("IP:192.0.2.1", "192.0.2.2"),
        ("IP:192.0.2.1", "[192.]0.2.1"),
        ("IP:192.0.2.1", "relay.example.com"),
        ("IP:192.0.2.1", "192.0.2.01"),
        ("IP:2001:db8::1", "2001:db8::2"),
        ("IP:#c00002", "192.0.2.0"),
        ("email:relay.example.com", "relay.example.com"),
        ("URI:relay.example.com", "relay.example.com"),
        ("otherName:1.2.3:DNS:relay.example.com", "relay.example.com"),
        ("dirName:CN=relay.example.com", "relay.example.com"),
    ],
)  # fmt: skip
def test_a_name_does_not_cover_a_host(alt_name: str, host: str) -> None:
    assert not names_match(named(alt_name), host)


def test_a_common_name_covers_nothing() -> None:
    certificate = read_certificate(by_hand(subject=tlv(0x30, attribute(tlv(0x0C, b"relay.example.com")))))
    assert certificate.common_names == ("relay.example.com",)
    assert not names_match(certificate, "relay.example.com")


def test_names_read_from_a_certificate_match_an_address_in_any_spelling() -> None:
    addresses = [ipaddress.ip_address(text) for text in ("2001:db8::1", "::ffff:192.0.2.1", "::1", "192.0.2.7")]
    certificate = read_certificate(with_alt_names(*(tlv(0x87, address.packed) for address in addresses)))
    for address in addresses:
        for spelling in (str(address), address.exploded, address.exploded.upper(), "[%s]" % address):
            assert names_match(certificate, spelling)
    assert not names_match(certificate, "192.0.2.1")
