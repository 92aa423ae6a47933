# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Profiles: what ships, how they merge, and what a mistake in one's own says.

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ansible", reason="ansible-core is not installed for this Python")

import yaml

from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.rules import parse_expect
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils import _profiles
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._profiles import (
    AUDIT,
    DOMAIN,
    KINDS,
    RELAY,
    ProfileError,
    load_profiles,
    with_profiles,
)

SHIPPED = {
    "bulk-sender": DOMAIN,
    "hardened-relay": AUDIT,
    "modern-tls": RELAY,
    "mx": RELAY,
    "parked-domain": DOMAIN,
    "receiving-domain": DOMAIN,
    "relay": RELAY,
    "submission": RELAY,
}
# Documents of the standards, and those of the providers whom bulk senders have to please.
DOCUMENTS = r"RFC [0-9]{4}|MS-NLMP|(Google|Microsoft|Yahoo), [A-Z].*"


def write(path: Path, rules: Any) -> str:
    path.write_text(yaml.safe_dump({"title": "Ours", "description": "Ours.", "rules": rules}))
    return str(path)


def test_the_profiles_that_ship() -> None:
    assert _profiles.known_profiles() == SHIPPED
    assert list(SHIPPED) == sorted(SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_profile_that_ships_is_complete(name: str) -> None:
    path = Path(_profiles.FOLDER) / f"{name}.yml"
    content = yaml.safe_load(path.read_text())
    assert set(content) - {"kind"} == {"title", "description", "rules"}
    assert content.get("kind", RELAY) == SHIPPED[name]
    for rule, entry in content["rules"].items():
        assert set(entry) == {"expect", "severity", "document", "section", "reason"}, rule
        assert re.fullmatch(DOCUMENTS, entry["document"]) and entry["section"] and entry["reason"].endswith(".")
    loaded = load_profiles([name])
    assert loaded["kind"] == SHIPPED[name]
    assert loaded["expect"] == parse_expect(
        KINDS[SHIPPED[name]], {rule: entry["expect"] for rule, entry in content["rules"].items()}
    )
    assert list(loaded["rules"]) == list(content["rules"])
    assert all(about["profile"] == name for about in loaded["rules"].values())


def test_of_two_profiles_the_later_counts() -> None:
    merged = load_profiles(["relay", "modern-tls"], {"certificate_days_left": 30, "max_seconds": 5})
    assert merged["expect"]["tls_version_min"] == "TLSv1.3"
    assert merged["expect"]["min_message_size"] == 65536
    assert (merged["expect"]["certificate_days_left"], merged["expect"]["max_seconds"]) == (30, 5)
    assert merged["rules"]["tls_versions_refused"]["document"] == "RFC 9325"  # not the relay profile's RFC 8996
    assert "max_seconds" not in merged["rules"]


def test_dictionaries_merge_by_key_and_null_takes_a_rule_away() -> None:
    expect = {"relaying_refused": {"control_recipient": "me@example.net"}, "greeting_matches": None}
    merged = load_profiles(["relay"], expect)
    assert merged["expect"]["relaying_refused"] == {
        "recipient": "stranger@example.net",
        "control_recipient": "me@example.net",
    }
    assert "greeting_matches" not in merged["expect"] and "greeting_matches" not in merged["rules"]
    assert load_profiles(["relay"])["expect"]["relaying_refused"]["control_recipient"] == "postmaster"


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = write(tmp_path / "ours.yml", {"capabilities": {"expect": ["SIZE"], "document": "Policy", "section": 3}})
    merged = load_profiles(["modern-tls", path])
    assert merged["expect"]["capabilities"] == ["SIZE"]
    assert merged["rules"]["capabilities"] == {"profile": path, "document": "Policy", "section": "3"}


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ({"tls_min_version": {"expect": "TLSv1.3"}}, "rules.tls_min_version: there is no such rule. Did you mean tls_version_min?"),
        ({"tls_version_min": {"expect": "1.3"}}, "rules.tls_version_min: must be one of"),
        ({"tls_version_min": "TLSv1.3"}, "rules.tls_version_min: must be a dictionary with expect"),
        ({"tls_version_min": {"expect": "TLSv1.3", "sevirity": "low"}}, "rules.tls_version_min.sevirity: is not known"),
        ({"tls_version_min": {"expect": "TLSv1.3", "severity": "grave"}}, "severity: must be one of low, medium, high"),
        ([], "has no rules"),
        ({"relaying_refused": {"expect": {"recipient": "a@b.c"}}}, "expect.relaying_refused: needs recipient"),
        ({"max_second": {"expect": {"a": 1}}}, "Did you mean max_seconds?"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_profile_is_named(tmp_path: Path, rules: Any, told: str) -> None:
    with pytest.raises(ProfileError) as error:
        load_profiles([write(tmp_path / "ours.yaml", rules)])
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("submision", "Did you mean submission?"),
        (
            "zzz",
            "; of domains bulk-sender, parked-domain, receiving-domain; of audits hardened-relay.",
        ),
        ("./missing.yml", "No such file or directory"),
    ],
)
def test_a_profile_that_is_not_there(name: str, told: str) -> None:
    with pytest.raises(ProfileError) as error:
        load_profiles([name])
    assert told in str(error.value)


def test_what_has_no_end_is_no_profile(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.yml")
    (tmp_path / "large.yml").write_bytes(b"#" * 1048577)
    for path in (tmp_path / "fifo.yml", tmp_path / "large.yml", "/dev/zero"):
        with pytest.raises(ProfileError, match="is no file of at most 1048576 octets"):
            load_profiles([str(path)])


def test_a_profile_takes_no_aliases(tmp_path: Path) -> None:
    """The billion laughs: few octets, and a value that fills the memory as soon as it is shown."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += ["a%d: &a%d [%s]" % (n, n, ", ".join(["*a%d" % (n - 1)] * 9)) for n in range(1, 9)]
    (tmp_path / "laughs.yml").write_text("\n".join([*lines, "rules: {capabilities: {expect: *a8}}"]))
    with pytest.raises(ProfileError, match=r"has an alias \(\*\) in line 2"):
        load_profiles([str(tmp_path / "laughs.yml")])


@pytest.mark.parametrize(
    "text",
    ["rules: [", "a: 2026-99-99", "!!int x", '!!int ""', "!!float x", "!!timestamp 1", "[" * 3000, "\0", "a: b: c"],
)
def test_a_file_that_is_no_yaml(text: str, tmp_path: Path) -> None:
    """PyYAML has errors of many kinds for what its constructors cannot use."""
    (tmp_path / "bad.yml").write_text(text)
    with pytest.raises(ProfileError, match="is no YAML"):
        load_profiles([str(tmp_path / "bad.yml")])


# Of relays and of domains


def test_profiles_of_one_kind_alone_merge(tmp_path: Path) -> None:
    merged = load_profiles(["bulk-sender", "receiving-domain"], {"dmarc_policy": "quarantine"})
    assert merged["expect"]["dmarc_policy"] == "quarantine" and merged["rules"]["mx_valid"]["document"] == "RFC 5321"
    for names, kind, told in (
        (
            ["relay", "bulk-sender"],
            None,
            r"profiles\[1\]: 'bulk-sender' is about domains, and what is judged are relays",
        ),
        (["parked-domain", "mx"], None, r"profiles\[1\]: 'mx' is about relays, and what is judged are domains"),
        (["relay"], DOMAIN, r"profiles\[0\]: 'relay' is about relays, and what is judged are domains"),
        ([], "mailbox", "kind: must be one of relay, domain"),
    ):
        with pytest.raises(ProfileError, match=told):
            load_profiles(names, kind=kind)


def test_without_a_profile_the_kind_decides_which_rules_there_are() -> None:
    assert load_profiles([], {"spf_valid": True}, DOMAIN)["expect"] == {"spf_valid": True}
    with pytest.raises(ProfileError, match=r"expect\.spf_valid: there is no such rule"):
        load_profiles([], {"spf_valid": True})


def test_a_rule_of_the_other_kind_is_named(tmp_path: Path) -> None:
    rules = {"spf_valid": {"expect": True}}
    path = write(tmp_path / "ours.yml", rules)
    with pytest.raises(ProfileError, match=r"rules\.spf_valid: is a rule about domains, and this profile is"):
        load_profiles([path])
    (tmp_path / "theirs.yml").write_text(yaml.safe_dump({"kind": "domain", "rules": rules}))
    assert load_profiles([str(tmp_path / "theirs.yml")])["kind"] == DOMAIN
    (tmp_path / "wrong.yml").write_text(yaml.safe_dump({"kind": ["domain"], "rules": rules}))
    with pytest.raises(ProfileError, match="kind: must be one of relay, domain"):
        load_profiles([str(tmp_path / "wrong.yml")])


def test_a_rule_taken_from_a_domain_is_told_to_the_module() -> None:
    """A domain is held to other rules besides the profile's, so that leaving one out is not enough."""
    merged = load_profiles(["parked-domain"], {"null_mx": None, "dnssec_secure": None})
    assert merged["expect"]["null_mx"] is None and merged["expect"]["dnssec_secure"] is None
    assert "null_mx" not in merged["rules"]


def test_domains_with_profiles_of_their_own() -> None:
    own = {"domain": "b.example", "profiles": ["parked-domain"], "expect": {"null_mx_alone": None}}
    rows = with_profiles(["a.example", own], {"dmarc_policy": "quarantine"})
    assert rows[0] == "a.example"
    assert rows[1]["labels"] == {"profiles": "parked-domain"}
    assert rows[1]["expect"]["dmarc_policy"] == "quarantine" and rows[1]["expect"]["null_mx_alone"] is None
    with pytest.raises(ProfileError, match="'relay' is about relays, and what is judged are domains"):
        with_profiles([{"domain": "a.example", "profiles": ["relay"]}])


def test_endpoints_with_profiles_of_their_own() -> None:
    plain = {"host": "a.example.com"}
    own = {"host": "b.example.com", "profiles": ["modern-tls"], "labels": {"site": "x"}, "expect": {"max_seconds": 9}}
    rows = with_profiles([plain, own], {"max_seconds": 5, "certificate_days_left": 21})
    assert rows[0] == plain
    assert rows[1]["labels"] == {"site": "x", "profiles": "modern-tls"}
    assert rows[1]["expect"] == load_profiles(["modern-tls"], {"max_seconds": 9, "certificate_days_left": 21})["expect"]
    assert "profiles" not in rows[1] and own["profiles"] == ["modern-tls"]  # the caller's own is left alone
