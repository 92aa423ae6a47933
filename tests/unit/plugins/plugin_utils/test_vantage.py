# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What differs between audits from several places, and what it means: who sees a finding decides whether it is one.

from __future__ import annotations

from typing import Any, Optional

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.register import PROBES
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import AssessmentError
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._vantage import _FROM_INSIDE, audit_differences

V4, V6 = ("192.0.2.25", "198.51.100.7"), ("2001:db8::25", "2001:db8:1::7")


def seen(addresses: tuple[str, str] = V4, host: str = "mx.example.com", **statuses: str) -> dict[str, Any]:
    """The report of one relay, as a place has it: its probes, and what they came to."""
    probes = [
        {
            "name": name,
            "status": status,
            "text": "what was seen of %s" % name,
            "severity": PROBES[name].severity if status == "finding" else None,
            "remedy": PROBES[name].remedy if status == "finding" else "",
            "left_to": PROBES[name].left_to,
        }
        for name, status in statuses.items()
    ]
    return {"host": host, "port": 25, "address": addresses[0], "local_address": addresses[1], "probes": probes}


def difference(results: dict[str, Any], *inside: str) -> dict[str, Any]:
    (one,) = audit_differences(results, inside)["differences"]
    return one


FOUND, PASSED, OPEN = (seen(relaying=status) for status in ("finding", "pass", "unknown"))


def test_open_from_inside_alone_is_no_open_relay() -> None:
    found = audit_differences({"app": FOUND, "world": PASSED}, inside=["app"])
    (one,) = found["differences"]
    assert (one["relay"], one["probe"], one["severity"], one["stands"]) == (
        "mx.example.com:25",
        "relaying",
        "high",
        False,
    )
    assert one["means"].startswith("open only from inside its own networks: not an open relay")
    assert {place: told["status"] for place, told in one["seen"].items()} == {"app": "finding", "world": "pass"}
    assert one["means"] in found["msg"] and found["shared"] == []


def test_what_is_left_to_another_program_is_no_difference_and_nothing_alike() -> None:
    left = seen(relaying="pass", robot="unknown")
    found = audit_differences({"app": left, "world": seen(relaying="pass")})
    assert (found["differences"], found["shared"]) == ([], [])


# Who sees it, who is inside, and whether the finding stands.
@pytest.mark.parametrize("results, inside, stands", [
    ({"a": FOUND, "b": PASSED}, [], True),
    ({"a": FOUND, "b": PASSED}, ["b"], True),
    ({"a": FOUND, "b": FOUND, "c": PASSED}, ["a"], True),
    ({"a": FOUND, "b": FOUND, "c": PASSED}, ["a", "b"], False),
    ({"a": FOUND, "b": OPEN}, ["a"], None),
    ({"a": FOUND, "b": PASSED, "c": OPEN}, ["a"], False),
    ({"a": FOUND, "b": PASSED}, ["a", "b"], None),
    ({"a": FOUND, "b": seen()}, ["a"], None),
    ({"a": PASSED, "b": OPEN}, [], None),
    # Open to the world by the one IP version, and closed by the other.
    ({"a": FOUND, "b": seen(V6, relaying="pass")}, ["a"], None),
    ({"a": FOUND, "b": seen(V6, relaying="pass"), "c": PASSED}, ["a"], False),
])  # fmt: skip
def test_who_sees_it_decides_whether_it_stands(results: Any, inside: list[str], stands: Optional[bool]) -> None:
    assert difference(results, *inside)["stands"] is stands


def test_a_restriction_for_one_ip_version_alone_is_suspected() -> None:
    means = difference({"four": FOUND, "six": seen(V6, relaying="pass")})["means"]
    assert "a restriction may have been written for the other one alone" in means
    assert "four (198.51.100.7)" in means and "six (2001:db8:1::7)" in means


@pytest.mark.parametrize("name", sorted(_FROM_INSIDE))
def test_what_is_done_for_insiders_alone_stands_nowhere_else(name: str) -> None:
    assert difference({"a": seen(**{name: "finding"}), "b": seen(**{name: "pass"})}, "a")["stands"] is False


@pytest.mark.parametrize("name", ["starttls", "tls_versions", "starttls_injection", "nul"])
def test_what_does_not_depend_on_who_asks_stands_even_from_inside(name: str) -> None:
    one = difference({"a": seen(**{name: "finding"}), "b": seen(**{name: "pass"})}, "a")
    assert one["stands"] is True and "something between" in one["means"]
    elsewhere = difference({"a": seen(**{name: "finding"}), "b": seen(V6, **{name: "pass"})}, "a")
    assert "a (198.51.100.7) reached 192.0.2.25, and b (2001:db8:1::7) 2001:db8::25" in elsewhere["means"]


def test_a_certificate_is_held_against_each_place_s_own_authorities() -> None:
    one = difference({"a": seen(certificate="finding"), "b": seen(certificate="pass")})
    assert one["stands"] is None and "ca_path" in one["means"]


def test_why_a_place_knows_nothing_is_said() -> None:
    assert (
        "from b (198.51.100.7) nothing is known: what was seen of relaying"
        in difference({"a": PASSED, "b": OPEN})["means"]
    )
    assert "it was not asked from there" in difference({"a": PASSED, "b": seen()})["means"]
    gone = {"endpoints": [seen(host="other.example.com", relaying="pass")]}
    told = [one["means"] for one in audit_differences({"a": PASSED, "b": gone})["differences"]]
    assert len(told) == 2 and all("the relay was not audited from there" in text for text in told)


def test_what_is_alike_is_no_difference_but_no_finding_is_hidden_by_that() -> None:
    report = seen(relaying="finding", vrfy="unknown", expn="pass")
    found = audit_differences({"a": report, "b": report})
    assert found["differences"] == []
    assert [(one["probe"], one["status"], one["stands"]) for one in found["shared"]] == [
        ("relaying", "finding", True),
        ("vrfy", "unknown", None),
    ]
    assert found["msg"] == (
        "No probe differs between a, b. Found from each of them: mx.example.com:25 relaying (high). "
        "Not known from each of them: mx.example.com:25 vrfy."
    )


def test_relays_are_compared_each_for_itself() -> None:
    one, other = seen(host="mx1.example.com", vrfy="finding"), seen(host="2001:db8::2", vrfy="pass")
    results = {"a": {"endpoints": [one, other]}, "b": [other, seen(host="mx1.example.com", vrfy="pass")]}
    assert [found["relay"] for found in audit_differences(results)["differences"]] == ["mx1.example.com:25"]
    assert audit_differences({"a": other, "b": seen(host="2001:db8::2", vrfy="finding")})["differences"][0][
        "relay"
    ] == ("[2001:db8::2]:25")


@pytest.mark.parametrize("results, inside, told", [
    ({"a": PASSED}, [], "two places or more"),
    ({"a": PASSED, "b": PASSED}, "a", "inside: must be a list"),
    ({"a": PASSED, "b": PASSED}, ["c"], r"inside\[0\]: the results have no place of this name"),
    ({"a": PASSED, "b": {"msg": "refused", "failed": True}}, [], "no result of smtp_audit"),
    ({"a": PASSED, "b": {"endpoints": [{"host": "a", "port": 25}]}}, [], "no result of smtp_audit"),
    ({"a": PASSED, "b": None}, [], "no result of smtp_audit"),
])  # fmt: skip
def test_what_cannot_be_compared(results: Any, inside: list[str], told: str) -> None:
    with pytest.raises(AssessmentError, match=told):
        audit_differences(results, inside)


# One relay more than once


def named(name: str, report: dict[str, Any]) -> dict[str, Any]:
    return {**report, "name": name}


def test_rows_of_one_relay_are_told_apart_by_their_names() -> None:
    """As by other options: none takes the place of another."""
    inside = {"endpoints": [named("plain", FOUND), named("signed", PASSED)]}
    outside = {"endpoints": [named("signed", PASSED), named("plain", PASSED)]}
    found = audit_differences({"app": inside, "world": outside}, ["app"])
    assert [(one["relay"], one["stands"]) for one in found["differences"]] == [("mx.example.com:25 (plain)", False)]
    assert found["shared"] == []


def test_a_row_that_a_place_lacks_is_not_known_there() -> None:
    both = {"endpoints": [named("plain", FOUND), named("other", PASSED)]}
    found = audit_differences({"app": both, "world": {"endpoints": [named("other", PASSED)]}})
    (one,) = found["differences"]
    assert one["relay"] == "mx.example.com:25 (plain)" and one["stands"] is True
    assert one["seen"]["world"] == {"status": "unknown", "text": "the relay was not audited from there"}


def test_a_relay_that_is_named_twice_and_asked_once_is_one() -> None:
    twice = {"endpoints": [named("mx.example.com", FOUND), named("mx.example.com", FOUND)]}
    (one,) = audit_differences({"app": twice, "world": named("mx.example.com", PASSED)}, ["app"])["differences"]
    assert (one["relay"], one["stands"]) == ("mx.example.com:25", False)


def test_rows_that_cannot_be_told_apart_are_refused() -> None:
    twice = {"endpoints": [named("mx", FOUND), named("mx", PASSED)]}
    with pytest.raises(AssessmentError, match=r"app has mx\.example\.com:25 twice under one name.* give each a name"):
        audit_differences({"app": twice, "world": FOUND})
