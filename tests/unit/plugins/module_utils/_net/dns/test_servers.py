# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Whom to ask.

from __future__ import annotations

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns import servers


@pytest.mark.parametrize("text, server", [
    ("192.0.2.1", ("192.0.2.1", 53)),
    ("192.0.2.1:5353", ("192.0.2.1", 5353)),
    ("2001:db8::1", ("2001:db8::1", 53)),
    ("[2001:db8::1]:5353", ("2001:db8::1", 5353)),
    ("192.0.2.1:1", ("192.0.2.1", 1)),
    ("192.0.2.1:65535", ("192.0.2.1", 65535)),
])  # fmt: skip
def test_a_name_server_with_or_without_its_port(text, server):
    assert servers.name_server(text) == server


@pytest.mark.parametrize("text", [
    "", "ns.example.com", "ns.example.com:53", "[192.0.2.1", "192.0.2.1]:53", "[ns.example.com]:53",
    "192.0.2.1:", "192.0.2.1:x", "192.0.2.1:0", "192.0.2.1:-5", "192.0.2.1:65536", "192.0.2.1:70000",
])  # fmt: skip
def test_a_name_server_is_an_address(text):
    with pytest.raises(ValueError):
        servers.name_server(text)


def test_which_of_several_is_none_is_told():
    with pytest.raises(OptionError) as caught:
        servers.checked_servers("trusted_resolvers", ["192.0.2.1", "ns.example.com"])
    assert str(caught.value) == ("trusted_resolvers[1]: is no address. Give one, perhaps with a port: 192.0.2.1:53.")


def test_a_server_on_a_link_that_this_host_has_not():
    """RFC 4007 11: the zone of an address is this host's own name for one of its links."""
    with pytest.raises(OptionError, match=r"^dns_servers: name a server that cannot be asked from here: \S.*\.$"):
        servers.name_servers(["fe80::1%no-such-link"])


@pytest.mark.parametrize("server, shown", [
    (("192.0.2.1", 53), "192.0.2.1"),
    (("192.0.2.1", 52), "192.0.2.1:52"),
    (("2001:db8::1", 53), "2001:db8::1"),
    (("2001:db8::1", 5353), "[2001:db8::1]:5353"),
])  # fmt: skip
def test_a_server_is_shown_as_it_can_be_given(server, shown):
    assert str(servers.NameServer(*server)) == shown
    assert servers.name_server(shown) == server


@pytest.mark.parametrize("text, addresses", [
    ("nameserver 192.0.2.1\nnameserver 2001:db8::1\n", ["192.0.2.1", "2001:db8::1"]),
    ("nameserver\t192.0.2.1   # of the office", ["192.0.2.1"]),
    ("# nameserver 192.0.2.1\n;nameserver 192.0.2.2\n nameserver 192.0.2.3\n", []),
    (" \n\n # office\nsearch\nnameserver 192.0.2.1\n\n\tnameserver 192.0.2.2\nnameserver 192.0.2.3", ["192.0.2.1", "192.0.2.3"]),
    ("nameserver fe80::1%eth0", ["fe80::1%eth0"]),
    ("nameserver ns.example.com\nnameserver\nnameservers 192.0.2.1\nnameserver 192.0.2.4", ["192.0.2.4"]),
    ("".join("nameserver 192.0.2.%d\n" % number for number in range(1, 6)), ["192.0.2.1", "192.0.2.2", "192.0.2.3"]),
    ("search example.com\noptions rotate timeout:1 attempts:9\nnameserver 192.0.2.1", ["192.0.2.1"]),
    ("", []),
])  # fmt: skip
def test_resolv_conf(text, addresses):
    """resolv.conf(5): a keyword begins its line; three servers at most; what is no address is none."""
    assert [server.address for server in servers.read_resolv_conf(text)] == addresses
    assert {server.port for server in servers.read_resolv_conf(text)} <= {53}


@pytest.mark.parametrize("options, trusted", [
    ("", False), ("options edns0 trust-ad", True), ("options trust-ad edns0", True), ("options no-trust-ad", False),
    ("options edns0\noptions trust-ad", True), ("options trust-ad\noptions rotate", True), ("sortlist trust-ad", False),
])  # fmt: skip
def test_resolv_conf_vouches_for_its_servers(options, trusted):
    (server,) = servers.read_resolv_conf("nameserver 192.0.2.1\n%s\n" % options)
    assert server.trusted is trusted


def test_the_caller_vouches_for_some():
    found = servers.name_servers(["192.0.2.1", "192.0.2.2:5353", "2001:db8::1"], ["192.0.2.2:5353", "2001:db8::1"])
    assert [server.trusted for server in found] == [False, True, True]
    assert list(map(str, found)) == ["192.0.2.1", "192.0.2.2:5353", "2001:db8::1"]


@pytest.mark.parametrize(
    "address, loopback", [("127.0.0.53", True), ("::1", True), ("192.0.2.1", False), ("fe80::1%lo", False)]
)
def test_the_path_to_a_server(address, loopback):
    assert servers.NameServer(address).is_loopback is loopback


@pytest.mark.parametrize("text", [None, "", "search example.com\n"])
def test_a_system_that_names_no_server(monkeypatch, tmp_path, text):
    file = tmp_path / "resolv.conf"
    monkeypatch.setattr(servers, "RESOLV_CONF", str(file))
    if text is not None:
        file.write_text(text)
    with pytest.raises(OptionError, match=r"^dns_servers: are needed: the host where the check runs names none"):
        servers.name_servers(None)


def test_the_system_s_servers_are_asked_where_none_is_given(monkeypatch, tmp_path):
    file = tmp_path / "resolv.conf"
    monkeypatch.setattr(servers, "RESOLV_CONF", str(file))
    file.write_text("nameserver 192.0.2.1\n")
    assert [server.address for server in servers.name_servers(())] == ["192.0.2.1"]
    assert [server.address for server in servers.name_servers(["192.0.2.2"])] == ["192.0.2.2"]


def test_a_server_by_a_zone_that_this_host_has_not():
    """RFC 4007 11: what stands behind the percent sign is an interface."""
    with pytest.raises(OptionError) as refused:
        servers.name_servers(["fe80::1%nosuch0"])
    assert refused.value.option == "dns_servers"
    assert "cannot be asked from here" in str(refused.value)
