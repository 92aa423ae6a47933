# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Profiles: what ships, how they merge, and what a mistake in one's own says.

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.expectations import parse_expect
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils import profiles
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils.profiles import (
    ProfileError,
    load_profiles,
    with_profiles,
)

SHIPPED = ["modern-tls", "mx", "relay", "submission"]


def write(path: Path, rules: Any) -> str:
    path.write_text(yaml.safe_dump({"title": "Ours", "description": "Ours.", "rules": rules}))
    return str(path)


def test_what_ships() -> None:
    assert profiles.known_profiles() == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_a_profile_that_ships_is_complete(name: str) -> None:
    path = Path(profiles.FOLDER) / f"{name}.yml"
    content = yaml.safe_load(path.read_text())
    assert set(content) == {"title", "description", "rules"}
    for rule, entry in content["rules"].items():
        assert set(entry) == {"expect", "severity", "document", "section", "reason"}, rule
        assert re.fullmatch(r"RFC [0-9]{4}", entry["document"]) and entry["section"] and entry["reason"].endswith(".")
    loaded = load_profiles([name])
    assert loaded["expect"] == parse_expect({rule: entry["expect"] for rule, entry in content["rules"].items()})
    assert list(loaded["rules"]) == list(content["rules"])
    assert all(about["profile"] == name for about in loaded["rules"].values())


def test_what_comes_later_counts() -> None:
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
        "recipient": "stranger@example.com",
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
        ("zzz", "Known: modern-tls, mx, relay, submission."),
        ("./missing.yml", "No such file or directory"),
    ],
)
def test_a_profile_that_is_not_there(name: str, told: str) -> None:
    with pytest.raises(ProfileError) as error:
        load_profiles([name])
    assert told in str(error.value)


@pytest.mark.parametrize(
    "text",
    ["rules: [", "a: 2026-99-99", "!!int x", '!!int ""', "!!float x", "!!timestamp 1", "[" * 3000, "\0", "a: b: c"],
)
def test_a_file_that_is_no_yaml(text: str, tmp_path: Path) -> None:
    """PyYAML has errors of many kinds for what its constructors cannot use."""
    (tmp_path / "bad.yml").write_text(text)
    with pytest.raises(ProfileError, match="is no YAML"):
        load_profiles([str(tmp_path / "bad.yml")])


def test_endpoints_with_profiles_of_their_own() -> None:
    plain = {"host": "a.example.com"}
    own = {"host": "b.example.com", "profiles": ["modern-tls"], "labels": {"site": "x"}, "expect": {"max_seconds": 9}}
    rows = with_profiles([plain, own], {"max_seconds": 5, "certificate_days_left": 21})
    assert rows[0] == plain
    assert rows[1]["labels"] == {"site": "x", "profiles": "modern-tls"}
    assert rows[1]["expect"] == load_profiles(["modern-tls"], {"max_seconds": 9, "certificate_days_left": 21})["expect"]
    assert "profiles" not in rows[1] and own["profiles"] == ["modern-tls"]  # the caller's own is left alone
