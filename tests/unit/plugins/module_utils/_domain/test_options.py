# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Every mistake in the options is told before anybody is asked, by the name of the option.

from __future__ import annotations

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.check import check_domains
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.options import (
    LOOK_AT,
    domain_options,
    wanted_domains,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError

LABEL = "a" * 60
LONG = ".".join([LABEL] * 4)  # 243 characters: with _domainkey and a selector too long for the DNS


def wanted(*domains, **options):
    return wanted_domains(domain_options(dict(options, domains=list(domains))))


def one(domain="example.com", **options):
    (found,) = wanted(domain, **options)
    return found


def of_one(**own):
    """The only entry of `domains`, with options of its own."""
    return {"domains": [{"domain": "example.com", **own}]}


MISTAKES = [
    # what is to be looked at
    ("domains", {"domains": []}),
    ("domains", {"domains": None}),
    ("domains", {"domains": "example.com"}),
    ("domains[1]", {"domains": ["example.com", ""]}),
    ("domains[0]", {"domains": ["."]}),
    ("domains[0]", {"domains": [5]}),
    ("domains[0]", {"domains": [None]}),
    ("domains[0]", {"domains": ["192.0.2.1"]}),
    ("domains[0]", {"domains": ["2001:db8::1"]}),
    ("domains[0]", {"domains": ["user@example.com"]}),
    ("domains[0]", {"domains": ["two words"]}),
    ("domains[0]", {"domains": ["a..example"]}),
    ("domains[0]", {"domains": ["example.com\n"]}),
    ("domains[0]", {"domains": ["exa\0mple.com"]}),
    ("domains[0]", {"domains": ["-a.example"]}),
    ("domains[0]", {"domains": ["a" * 64 + ".example"]}),
    ("domains[0]", {"domains": ["a" * 255]}),
    ("domains[0]", {"domains": [".".join(["a" * 63] * 4)]}),
    ("domains[0]", {"domains": ["straße.example"]}),
    ("domains[0]", {"domains": ["ü" * 70 + ".example"]}),
    ("domains[0]", {"domains": [{"selectors": ["s1"]}]}),
    ("domains[0]", of_one(domain=5)),
    ("domains[0].selector", of_one(selector=["s1"])),
    ("domains[0].blocklists", of_one(blocklists=["bl.example"])),
    # selectors
    ("selectors", {"selectors": "s1"}),
    ("selectors[1]", {"selectors": ["a.b", "c..d"]}),
    ("selectors[0]", {"selectors": ["a" * 64]}),
    ("selectors[0]", {"selectors": [""]}),
    ("selectors[0]", {"selectors": [1]}),
    ("selectors[0]", {"domains": [LONG], "selectors": ["s1"]}),
    ("domains[0].selectors", of_one(selectors="s1")),
    ("domains[0].selectors[1]", of_one(selectors=["s1", "s 2"])),
    # senders
    ("senders[0]", {"senders": ["neither address nor name"]}),
    ("senders[1]", {"senders": ["192.0.2.1", 5]}),
    ("senders[0]", {"senders": [""]}),
    ("senders[0]", {"senders": [{"mail_from": "a@example.com"}]}),
    ("senders[0]", {"senders": ["fe80::1%eth0"]}),
    ("senders[0].address", {"senders": [{"address": "a b"}]}),
    ("senders[0].address", {"senders": [{"address": 5}]}),
    ("senders[0].from", {"senders": [{"address": "192.0.2.1", "from": "a@example.com"}]}),
    ("senders[0].mail_from", {"senders": [{"address": "192.0.2.1", "mail_from": "a@"}]}),
    ("senders[0].mail_from", {"senders": [{"address": "192.0.2.1", "mail_from": "a@b@example.com"}]}),
    ("senders[0].mail_from", {"senders": [{"address": "192.0.2.1", "mail_from": "<a@example.com>"}]}),
    ("senders[0].mail_from", {"senders": [{"address": "192.0.2.1", "mail_from": "a\r\n@example.com"}]}),
    ("senders[0].helo", {"senders": [{"address": "192.0.2.1", "helo": "a\r\nb"}]}),
    ("senders[0].helo", {"senders": [{"address": "192.0.2.1", "helo": "[192.0.2]"}]}),
    ("domains[0].senders[0]", of_one(senders=["a b"])),
    # what to look at, and what is expected
    ("look_at", {"look_at": []}),
    ("look_at[1]", {"look_at": ["mx", "spff"]}),
    ("domains[0].look_at", of_one(look_at=[])),
    ("domains[0].look_at[0]", of_one(look_at=["spff"])),
    ("relays", {"relays": "yes"}),
    ("domains[0].relays", of_one(relays="yes")),
    ("expect.spf_valide", {"expect": {"spf_valide": True}}),
    ("expect.spf_valid", {"expect": {"spf_valid": "yes"}}),
    ("expect.dmarc_policy", {"expect": {"dmarc_policy": "strict"}}),
    ("expect.mta_sts_mode", {"expect": {"mta_sts_mode": "none"}}),
    ("expect.spf_lookups", {"expect": {"spf_lookups": -1}}),
    ("expect.dkim_min_bits", {"expect": {"dkim_min_bits": "2048"}}),
    ("expect.dkim_min_bits", {"expect": {"dkim_min_bits": {"RSAA": 2048}}}),
    ("domains[0].expect.spf_valide", of_one(expect={"spf_valide": True})),
    # whom to ask
    ("blocklists[0]", {"blocklists": ["a b"]}),
    ("blocklists[0]", {"blocklists": ["192.0.2.1"]}),
    ("blocklists", {"look_at": ["blocklists"]}),
    ("blocklists", of_one(look_at=["blocklists"])),
    ("mta_sts_policies", {"mta_sts_policies": {"a b": ""}}),
    ("mta_sts_policies", {"mta_sts_policies": {5: ""}}),
    ("mta_sts_policies.example.com", {"mta_sts_policies": {"Example.com": None}}),
    ("dns_servers[0]", {"dns_servers": ["ns.example.com"]}),
    ("dns_servers[0]", {"dns_servers": ["192.0.2.1:0"]}),
    ("dns_servers[1]", {"dns_servers": ["192.0.2.1", "192.0.2.1:port"]}),
    ("trusted_resolvers[0]", {"trusted_resolvers": ["ns.example.com"]}),
    # how
    ("dns_timeout", {"dns_timeout": 0}),
    ("timeout", {"timeout": 0}),
    ("connect_timeout", {"connect_timeout": -1}),
    ("deadline", {"deadline": 0}),
    ("concurrency", {"concurrency": 0}),
    ("address_family", {"address_family": "ipv5"}),
    ("source_address", {"source_address": "here"}),
    ("ehlo_name", {"ehlo_name": "a b"}),
    ("dns_server", {"dns_server": "192.0.2.1"}),
]


@pytest.mark.parametrize("option, given", MISTAKES)
def test_a_mistake_is_told_by_the_name_of_the_option(option, given):
    with pytest.raises(OptionError) as error:
        wanted_domains(domain_options({"domains": ["example.com"], **given}))
    assert error.value.option == option
    assert str(error.value).startswith(option + ": ") and str(error.value)[-1] in ".?"


def zone_file(tmp_path, *lines):
    path = tmp_path / "zone"
    path.write_text("\n".join(["$ORIGIN example.com.", "@ 300 IN SOA ns hostmaster 1 2 3 4 5", *lines, ""]))
    return str(path)


def test_a_zone_file_with_an_error_is_told_with_its_line(tmp_path):
    path = zone_file(tmp_path, "@ 300 IN NS ns", "ns 300 IN A 192.0.2")
    with pytest.raises(OptionError, match=r"^zone_files\[0\]: .*:4: ") as error:
        check_domains(["example.com"], zone_files=[path])
    assert path in str(error.value)


@pytest.mark.parametrize("option", ["zone_files[0]", "ca_path"])
def test_a_file_that_is_not_there(tmp_path, option):
    good = zone_file(tmp_path, "@ 300 IN NS ns")
    files = {"zone_files": [good], "ca_path": None, option.partition("[")[0]: str(tmp_path / "none")}
    if option == "zone_files[0]":
        files["zone_files"] = [str(tmp_path / "none")]
    with pytest.raises(OptionError) as error:
        check_domains(["example.com"], **files)
    assert error.value.option == option


def test_names_are_as_the_dns_has_them():
    assert one("Example.COM.").domain == "example.com"
    found = one("Büro.example", selectors=["S1", "2024.mail"], senders=["Mail.Büro.example"])
    assert (found.given, found.domain) == ("Büro.example", "xn--bro-hoa.example")
    assert found.selectors == ("s1", "2024.mail")
    assert found.senders[0].address == "mail.xn--bro-hoa.example"


@pytest.mark.parametrize(
    "given, address, mail_from, helo",
    [
        ("192.0.2.1", "192.0.2.1", "", ""),
        ("2001:db8::1", "2001:db8::1", "", ""),
        ({"address": "mail.example.com"}, "mail.example.com", "", ""),
        ({"address": "192.0.2.1", "mail_from": "a@Büro.example"}, "192.0.2.1", "a@xn--bro-hoa.example", ""),
        ({"address": "192.0.2.1", "mail_from": "example.com"}, "192.0.2.1", "postmaster@example.com", ""),
        ({"address": "192.0.2.1", "mail_from": '"a@b"@example.com'}, "192.0.2.1", '"a@b"@example.com', ""),
        ({"address": "192.0.2.1", "helo": "Mail.example.com"}, "192.0.2.1", "", "mail.example.com"),
        ({"address": "192.0.2.1", "helo": "[192.0.2.1]"}, "192.0.2.1", "", "[192.0.2.1]"),
    ],
)
def test_senders(given, address, mail_from, helo):
    assert one(senders=[given]).senders == ((address, mail_from, helo),)


def test_a_domain_s_own_options_hold_for_it_alone():
    own = {
        "domain": "b.example", "selectors": [], "senders": ["192.0.2.2"], "look_at": ["spf"], "relays": False,
        "expect": {"spf_lookups": 5},
    }  # fmt: skip
    first, second = wanted(
        "a.example", own, selectors=["s1"], senders=["192.0.2.1"], look_at=["mx", "mx"], relays=True,
        expect={"mx_present": None},
    )  # fmt: skip
    assert first[2:7] == (("s1",), (("192.0.2.1", "", ""),), ("mx",), True, {"mx_present": None})
    assert second[2:7] == ((), (("192.0.2.2", "", ""),), ("spf",), False, {"spf_lookups": 5})


def test_what_is_expected_is_looked_at_unless_the_caller_says_what_to_look_at():
    usual = set(one().look_at)
    expect = {"caa_present": True, "reverse_names_confirmed": True, "bimi_valid": None}
    assert set(one(expect=expect).look_at) == {*usual, "caa", "reverse"}
    assert one(expect=expect, look_at=["mx"]).look_at == ("mx",)


@pytest.mark.parametrize("given, connects", [
    ({}, False), ({"expect": {"delivers_dane": True}}, True), ({"expect": {"delivers_dane": None}}, False),
    ({"expect": {"delivers_dane": True}, "relays": False}, False), ({"relays": True}, True),
    ({"expect": {"delivers_dane": True}, "zone_files": ["a"]}, False), ({"relays": True, "zone_files": ["a"]}, True),
])  # fmt: skip
def test_relays_are_connected_to_where_the_caller_says_so_or_expects_something_of_them(given, connects):
    assert one(**given).relays is connects


def test_labels_are_those_of_one_domain():
    first, second = wanted({"domain": "a.example", "labels": {"site": "x"}}, "b.example")
    assert (first.labels, second.labels) == ({"site": "x"}, {})


def test_all_is_looked_at_but_what_takes_somebody_else():
    assert one().look_at == tuple(name for name in LOOK_AT if name not in ("bimi", "reverse", "blocklists", "caa"))


def test_what_zone_files_do_not_show_is_looked_at_only_if_the_caller_says_so():
    usual = one().look_at
    assert set(usual) - set(one(zone_files=["a"]).look_at) == {"dnssec", "dane"}
    assert one(zone_files=["a"], look_at=["dnssec", "dane"]).look_at == ("dnssec", "dane")
    assert "dnssec" in one(zone_files=["a"], expect={"dnssec_secure": True}).look_at


def test_a_policy_is_that_of_its_domain():
    policies = {"Büro.example": "version: STSv1"}
    texts = [found.policy for found in wanted("xn--bro-hoa.example", "example.com", mta_sts_policies=policies)]
    assert texts == ["version: STSv1", None]
