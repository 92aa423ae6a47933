# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# One Postfix, asked from inside its mynetworks and from outside: where we stand is an address of the loopback.

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.check import audit
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._vantage import audit_differences
from ansible_collections.postmaster.mailcheck.tests.real.pki import Pki
from ansible_collections.postmaster.mailcheck.tests.real.postfix import Postfix
from ansible_collections.postmaster.mailcheck.tests.real.test_playbooks import play

INSIDE, OUTSIDE = "127.0.0.9", "127.0.0.10"  # of mynetworks of the listener own_networks, and not
ASKED = {
    "intensity": "active",
    "authorised": ["127.0.0.1"],
    "known_recipient": "user@lab.test",
    "outside_recipient": "audit@elsewhere.test",
    "ehlo_name": "client.lab.test",
    "probes": ["relaying", "vrfy"],
}


def seen(postfix: Postfix, pki: Pki, listener: str) -> dict[str, Any]:
    given = {"port": postfix.ports[listener], "ca_path": str(pki.ca), **ASKED}
    return {
        name: audit("127.0.0.1", source_address=address, **given)
        for name, address in (("app", INSIDE), ("world", OUTSIDE))
    }


def test_a_relay_of_its_own_networks_is_no_open_relay(postfix: Postfix, pki: Pki) -> None:
    found = audit_differences(seen(postfix, pki, "own_networks"), inside=["app"])
    assert [(one["probe"], one["stands"]) for one in found["differences"]] == [("relaying", False)]
    assert "not an open relay" in found["msg"]


def test_what_is_not_said_to_be_inside_stands(postfix: Postfix, pki: Pki) -> None:
    found = audit_differences(seen(postfix, pki, "own_networks"))
    assert [(one["probe"], one["stands"], one["severity"]) for one in found["differences"]] == [
        ("relaying", True, "high")
    ]


def test_a_relay_that_is_open_to_all_has_no_difference_and_a_finding(postfix: Postfix, pki: Pki) -> None:
    found = audit_differences(seen(postfix, pki, "open"), inside=["app"])
    assert found["differences"] == []
    assert ("relaying", "finding", True) in {(one["probe"], one["status"], one["stands"]) for one in found["shared"]}


def test_a_restriction_that_was_written_for_ipv6_alone(postfix: Postfix, pki: Pki) -> None:
    """mynetworks = 0.0.0.0/0 says nothing of IPv6. Here the relay has a name for each, in the field one for both."""
    if not postfix.ipv6:
        pytest.skip("this Postfix knows no IPv6")
    given = {**ASKED, "port": postfix.ports["open"], "ca_path": str(pki.ca), "authorised": ["127.0.0.1", "::1"]}
    four, six = (dict(audit(host, **given), host="relay.lab.test") for host in ("127.0.0.1", "::1"))
    (one,) = audit_differences({"four": four, "six": six})["differences"]
    assert (one["probe"], one["stands"]) == ("relaying", True)
    assert "a restriction may have been written for the other one alone" in one["means"]
    # Nor is it as it should be where somebody says that all who come by IPv4 are inside.
    (one,) = audit_differences({"four": four, "six": six}, inside=["four"])["differences"]
    assert one["stands"] is None and "ask from outside by the same IP version to know" in one["means"]


# The playbook


def compared(folder: Path, postfix: Postfix, pki: Pki, listener: str, *places: dict[str, Any]) -> Any:
    return play(
        folder,
        "postmaster.mailcheck.audit_vantage",
        relays=["127.0.0.1:%d" % postfix.ports[listener]],
        vantage=list(places),
        audit_options={"ca_path": str(pki.ca), **ASKED},
    )


def said(ended: subprocess.CompletedProcess[str]) -> str:
    (text,) = re.findall(r'^    "msg": (".*")$', ended.stdout, re.MULTILINE) or [
        json.dumps(ended.stdout + ended.stderr)
    ]
    return str(json.loads(text))


APP = {"name": "app", "host": "a", "source_address": INSIDE, "inside": True}
WORLD = {"name": "world", "host": "b", "source_address": OUTSIDE}


def test_the_differences_are_said_with_what_they_mean(postfix: Postfix, pki: Pki, tmp_path: Path) -> None:
    ended = compared(tmp_path, postfix, pki, "own_networks", APP, WORLD)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "relaying (high): open only from inside its own networks: not an open relay" in said(ended)


def test_an_open_relay_fails_the_play_though_no_place_differs(postfix: Postfix, pki: Pki, tmp_path: Path) -> None:
    """Two places of one host: localhost, where none is named."""
    places = [{"name": name, "source_address": address} for name, address in (("app", INSIDE), ("world", OUTSIDE))]
    ended = compared(tmp_path, postfix, pki, "open", *places)
    assert ended.returncode == 2 and "No probe differs between app, world" in said(ended)
    assert re.search(r"127\.0\.0\.1:[0-9]+ relaying: MAIL FROM", ended.stdout + ended.stderr)


@pytest.mark.parametrize("places, told", [
    ((APP, WORLD, {"name": "gone", "host": "gone"}), "Could not ask: gone"),
    ((APP, {"name": "gone", "host": "gone"}), "Nothing can be compared: 1 of 2 places could ask"),
])  # fmt: skip
def test_a_place_that_could_not_ask_is_named(
    places: Any, told: str, postfix: Postfix, pki: Pki, tmp_path: Path
) -> None:
    gone = "gone ansible_connection=ssh ansible_host=127.0.0.1 ansible_port=1\n"
    ended = play(
        tmp_path,
        "postmaster.mailcheck.audit_vantage",
        inventory=gone,
        relays=["127.0.0.1:%d" % postfix.ports["own_networks"]],
        vantage=list(places),
        audit_options={"ca_path": str(pki.ca), **ASKED},
    )
    assert ended.returncode != 0 and told in ended.stdout + ended.stderr
