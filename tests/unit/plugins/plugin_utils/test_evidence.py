# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Who looked, who judged, and by what.

from __future__ import annotations

import hashlib
import socket
from pathlib import Path

import pytest

pytest.importorskip("ansible", reason="ansible-core is not installed for this Python")

from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.check import check
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.sweep import sweep
from ansible_collections.postmaster.mailcheck.plugins.module_utils._version import __version__
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._assessment import assess
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._drift import drift
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.json import as_json, digest
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._profiles import FOLDER, load_profiles, with_profiles
from ansible_collections.postmaster.mailcheck.tests.support.relay import Relay, running
from ansible_collections.postmaster.mailcheck.tests.support.sweeps import DAY, relay, result

OPTIONS = {"tls": "none", "ehlo_name": "client.example.org"}


def test_a_check_says_who_looked_as_whom_and_to_whom() -> None:
    with running(Relay()) as one:
        report = check("127.0.0.1", port=one.port, sender="a@example.com", recipients=["b@example.com"], **OPTIONS)
    given = assess(report)
    (observer,) = given["evidence"]["observers"]
    assert (observer["host"], observer["addresses"]) == (socket.gethostname(), ["127.0.0.1"])
    assert observer["version"] == __version__
    (row,) = given["endpoints"]
    assert (row["local_address"], row["sender"], row["recipients"]) == (
        "127.0.0.1",
        "a@example.com",
        ["b@example.com"],
    )


def test_a_sweep_says_it_once_for_all_relays() -> None:
    with running(Relay()) as one, running(Relay()) as other:
        swept = sweep([f"127.0.0.1:{one.port}", f"127.0.0.1:{other.port}"], details="all", **OPTIONS)
    (observer,) = assess(swept)["evidence"]["observers"]
    assert observer["addresses"] == ["127.0.0.1"]
    elsewhere = {**swept, "engine": {**swept["engine"], "host": "elsewhere"}}
    told = [one["host"] for one in assess([swept, elsewhere])["evidence"]["observers"]]
    assert told == [socket.gethostname(), "elsewhere"]


def test_the_dialogue_behind_a_rule_is_with_the_rule() -> None:
    asked = {"relaying_refused": {"recipient": "b@example.net", "control_recipient": "postmaster"}}
    with running(Relay()) as one:
        report = check("127.0.0.1", port=one.port, expect={**asked, "max_seconds": 60}, transcript="always", **OPTIONS)
    rules = {rule["id"]: rule for rule in assess(report)["endpoints"][0]["rules"]}
    ((*_before, last),) = rules["relaying_refused"]["dialogues"]
    assert last["text"].startswith("221")
    said = [entry["text"] for entry in rules["relaying_refused"]["dialogues"][0] if entry["from"] == "client"]
    assert "RCPT TO:<b@example.net>" in said
    assert "dialogues" not in rules["max_seconds"]


def test_profiles_are_known_to_the_octet(tmp_path: Path) -> None:
    own = tmp_path / "own.yml"
    own.write_text(
        "title: Ours\ndescription: Of all of us.\nversion: 2026.2\nrules:\n  max_seconds: {expect: 5}\n",
        encoding="utf-8",
    )
    profile = load_profiles(["relay", str(own)])
    shipped, ours = assess(result(relay()), profile=profile, today=DAY)["evidence"]["profiles"]
    octets = (Path(FOLDER) / "relay.yml").read_bytes()
    assert shipped == {
        "name": "relay", "kind": "relay", "title": "Internal smarthost", "version": __version__,
        "description": "A relay that takes mail from its own network's hosts and passes it on, usually on port 25.",
        "sha256": hashlib.sha256(octets).hexdigest(),
    }  # fmt: skip
    assert (ours["title"], ours["description"], ours["version"]) == ("Ours", "Of all of us.", "2026.2")
    assert ours["sha256"] == hashlib.sha256(own.read_bytes()).hexdigest()


def test_the_profile_of_one_relay_is_told_too() -> None:
    (endpoint,) = with_profiles([{"host": "a.example.com", "profiles": ["mx"]}])
    given = assess(result(relay(labels=endpoint["labels"]), relay("b", labels={"profiles": "/etc/passwd"})), today=DAY)
    assert [one["name"] for one in given["evidence"]["profiles"]] == ["mx"]


def test_who_looked_is_no_change_of_the_fleet() -> None:
    before, now = ({**result(relay()), "engine": {"host": name}} for name in ("one", "other"))
    assert drift(assess(before, today=DAY), assess(now, today=DAY)) == []
    assert as_json(assess(before, today=DAY), stable=True) == as_json(assess(now, today=DAY), stable=True)


def test_the_digest_is_that_of_the_json_report() -> None:
    given = assess(result(relay()), today=DAY)
    assert digest(given) == hashlib.sha256(as_json(given).encode()).hexdigest()
