# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What a report rests on.

from __future__ import annotations

import hashlib
from typing import Any

import pytest

pytest.importorskip("ansible", reason="ansible-core is not installed for this Python")

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._assessment import assess
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.json import as_json
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.page.evidence import evidence_of
from ansible_collections.postmaster.mailcheck.tests.support.sweeps import DAY, relay, result, rule

TOOLS = {"version": "0.2.0", "python": "3.11.7", "openssl": "OpenSSL 3.0.19"}
ASKED = {"recipient": "stranger@example.com", "control_recipient": "postmaster"}


def told(*rows: Any, **more: Any) -> dict[str, str]:
    found: Any = {**assess(result(*rows), today=DAY), **more}
    return dict(evidence_of(found))


def test_who_looked_from_where_and_who_judged() -> None:
    known = {
        "observers": [{"host": "bastion", "addresses": ["192.0.2.7", "2001:db8::7"], **TOOLS}],
        "judged_on": DAY,
        "judged_by": {"host": "controller", "addresses": [], **TOOLS},
        "profiles": [{"name": "relay", "kind": "relay", "title": "Relays", "version": "0.2.0", "sha256": "ab" * 32}],
    }
    found = told(relay(), evidence=known)
    tools = "mailcheck 0.2.0, Python 3.11.7, OpenSSL 3.0.19"
    assert found["Who looked"] == "bastion, from 192.0.2.7, 2001:db8::7, " + tools
    assert found["Judged"] == "2026-06-15 by controller, " + tools
    assert found["Profile relay 0.2.0"] == "Relays, SHA-256 " + "ab" * 32


def test_as_whom_and_to_whom_was_spoken() -> None:
    rows = [relay("a", [rule("relaying_refused", expected=ASKED)]), relay("b")]
    found: Any = assess(result(*rows), today=DAY)
    found["endpoints"][0].update(sender="", recipients=["app@example.com"])
    found["endpoints"][1].update(sender="probe@example.com", recipients=["app@example.com"])
    said = dict(evidence_of(found))
    assert said["Senders"] == "<>, probe@example.com"
    assert said["Recipients"] == "app@example.com, postmaster, stranger@example.com"


def test_when_and_the_sum_of_the_data() -> None:
    rows = [relay(name, checked_at=f"2026-06-15T10:00:0{second}Z") for name, second in (("a", 4), ("b", 1))]
    assessment = assess(result(*rows), today=DAY)
    found = dict(evidence_of(assessment))
    assert found["Checked"] == "2026-06-15T10:00:01Z to 2026-06-15T10:00:04Z"
    assert found["SHA-256 of the report in JSON"] == hashlib.sha256(as_json(assessment).encode()).hexdigest()


def test_what_is_not_known_is_left_out() -> None:
    assert set(told(evidence=None)) == {"Format of the data", "SHA-256 of the report in JSON"}


def test_long_lists_say_how_many_there_are() -> None:
    observer = {"host": None, "addresses": [f"192.0.2.{last}" for last in range(20)], **dict.fromkeys(TOOLS)}
    looked = told(evidence={"observers": [observer]})["Who looked"]
    assert looked.startswith("from 192.0.2.0, ") and looked.endswith(", 192.0.2.11 and 8 more")
