# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What an EHLO reply says (RFC 5321 4.1.1.1), and what old and inspected servers make of it.

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.capabilities import (
    auth_mechanisms,
    doubts,
    limits,
    masked_keywords,
    max_message_size,
    parse_capabilities,
)


def offers(*lines):
    return parse_capabilities(("relay.example.com greets you", *lines))


def test_the_first_line_is_the_servers_name_and_no_keyword():
    assert parse_capabilities(("SIZE 1000",)) == {}
    assert parse_capabilities(()) == {}


def test_keywords_are_upper_case_and_parameters_stay_as_sent():
    assert offers("size 1000", "Auth plain LOGIN", "8bitmime") == {
        "SIZE": ["1000"],
        "AUTH": ["plain", "LOGIN"],
        "8BITMIME": [],
    }


def test_starttls_on_the_last_line():
    assert "STARTTLS" in offers("PIPELINING", "STARTTLS")


@pytest.mark.parametrize(
    "lines, mechanisms",
    [
        (["AUTH PLAIN LOGIN"], ["PLAIN", "LOGIN"]),
        (["AUTH=LOGIN"], ["LOGIN"]),
        (["AUTH=LOGIN PLAIN"], ["LOGIN", "PLAIN"]),
        (["auth=login"], ["LOGIN"]),
        (["AUTH PLAIN LOGIN", "AUTH=PLAIN LOGIN"], ["PLAIN", "LOGIN"]),
        (["AUTH LOGIN", "AUTH CRAM-MD5 LOGIN"], ["LOGIN", "CRAM-MD5"]),
        (["AUTH plain Plain PLAIN"], ["PLAIN"]),
        (["AUTH"], []),
        (["AUTH="], []),
        (["SIZE"], []),
    ],
)
def test_auth_lines(lines, mechanisms):
    assert auth_mechanisms(offers(*lines)) == mechanisms


def test_what_was_not_learned_is_not_empty():
    assert auth_mechanisms(None) is None
    assert max_message_size(None) is None
    assert auth_mechanisms({}) == []


@pytest.mark.parametrize(
    "line, size",
    [
        ("SIZE 10240000", 10240000),
        ("SIZE 0", 0),  # no fixed limit (RFC 1870 4)
        ("SIZE", None),
        ("SIZE lots", None),
        ("SIZE -1", None),
        ("SIZE 1e6", None),
        ("SIZE ٣", None),
        ("SIZE " + "9" * 20, int("9" * 20)),
        ("SIZE " + "9" * 5000, None),
        ("PIPELINING", None),
    ],
)
def test_size(line, size):
    assert max_message_size(offers(line)) == size


@pytest.mark.parametrize(
    "lines, size",
    [
        (["SIZE 41943040", "SIZE 10485760"], 10485760),
        (["SIZE 10485760", "SIZE 41943040"], 10485760),
        (["SIZE 0", "SIZE 1000"], 1000),  # a limit, and none: the limit will be kept
        (["SIZE", "SIZE 1000"], 1000),
        (["SIZE lots", "SIZE 0"], 0),
    ],
)
def test_of_several_sizes_the_smallest_counts(lines, size):
    assert max_message_size(offers(*lines)) == size


@pytest.mark.parametrize(
    "said, found, told",
    [
        ("RCPTMAX=0", {}, ["LIMITS RCPTMAX=0 is no number of RFC 9422 and does not count"]),
        ("RCPTMAX=01 MAILMAX=5", {"MAILMAX": 5}, ["LIMITS RCPTMAX=01 is no number of RFC 9422 and does not count"]),
        ("rcptmax=1000000", {}, ["LIMITS RCPTMAX=1000000 is no number of RFC 9422 and does not count"]),
        ("RCPTMAX", {}, ["LIMITS RCPTMAX= is no number of RFC 9422 and does not count"]),
        ("RCPTMAX=999999 X_OTHER=a", {"RCPTMAX": 999999}, []),
        ("RCPTMAX=7 RCPTMAX=5 RCPTMAX=9", {"RCPTMAX": 5}, []),
    ],
)
def test_limits_are_numbers_of_one_to_six_digits_without_a_leading_zero(said, found, told):
    """RFC 9422 4"""
    assert limits(offers("LIMITS " + said)) == found
    assert doubts(["relay.example.com"], offers("LIMITS " + said)) == told


@pytest.mark.parametrize(
    "first, told",
    [
        ("STARTTLS", "STARTTLS"),
        ("SIZE 1000", "SIZE"),
        ("relay.example.com PIPELINING 8BITMIME", "PIPELINING 8BITMIME"),
        ("relay.example.com greets you", None),
        ("size.example.com", None),
    ],
)
def test_a_keyword_in_the_first_line_announces_nothing(first, told):
    lines = [first, "HELP"]
    text = "%s stands in the first line, which holds the relay's name and announces nothing (RFC 5321 4.1.1.1)"
    assert parse_capabilities(lines) == {"HELP": []}
    assert doubts(lines, {"HELP": []}) == ([text % told] if told else [])


def test_blank_lines_and_odd_blanks_do_no_harm():
    assert offers("", "   ", "  SIZE   1000  ") == {"SIZE": ["1000"]}


def test_keywords_that_a_firewall_has_overwritten():
    assert masked_keywords(offers("SIZE 1", "XXXXXXXA", "XXXX", "XXXXXXXX", "XCLIENT NAME", "XXX", "XFORWARD")) == [
        "XXXXXXXA",
        "XXXX",
        "XXXXXXXX",
    ]


@settings(deadline=None)
@given(st.lists(st.text()))
def test_any_lines_can_be_read(lines):
    capabilities = parse_capabilities(lines)
    assert all(word and not word[0].isspace() for word in capabilities)
    assert isinstance(auth_mechanisms(capabilities), list)
    masked_keywords(capabilities)
    max_message_size(capabilities)
    limits(capabilities)
    doubts(lines, capabilities)
