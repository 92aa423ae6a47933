# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A real Postfix as the client of a sink: what its manual says that it does with a server that misbehaves, and which
# endings of a message it passes on.

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.postmaster.mailcheck.tests.real import servers
from ansible_collections.postmaster.mailcheck.tests.real.postfix import Postfix
from ansible_collections.postmaster.mailcheck.tests.real.reports import Check
from postmaster_mailcheck import Sink
from postmaster_mailcheck.sink.outbound import Through, look_outbound

# smtp_tls_security_level of Postfix, by the domain: TLS_README has what each does.
MAY, ENCRYPT, SECURE = "audit@sink.test", "audit@encrypt.sink.test", "audit@secure.sink.test"
# What the sink does -> level -> the rule, and what it comes to.
TABLE: list[tuple[dict[str, Any], str, str, str]] = [
    ({}, MAY, "client_requires_tls", "met"),
    ({}, MAY, "client_line_ends", "met"),
    ({"tls": "none"}, MAY, "client_requires_tls", "unmet"),
    ({"tls": "none"}, ENCRYPT, "client_requires_tls", "met"),
    ({"tls": "none"}, SECURE, "client_requires_tls", "met"),
    ({"certificate": "expired"}, MAY, "client_verifies", "unmet"),
    ({"certificate": "expired"}, ENCRYPT, "client_verifies", "unmet"),
    ({"certificate": "expired"}, SECURE, "client_verifies", "met"),
    # Since CVE-2011-0411 it forgets what came in clear.
    ({"inject": True}, MAY, "client_forgets_injected", "met"),
    ({"inject": True}, ENCRYPT, "client_forgets_injected", "met"),
]


def send(check: Check, postfix: Postfix, recipient: str) -> None:
    report = check(postfix.ports["mx"], sender=servers.USERNAME, recipients=[recipient], send=True)
    assert report["verdict"] == "passed", report["msg"]


@pytest.fixture
def forgotten(postfix: Postfix) -> Iterator[None]:
    """What a test has left in the queue does not reach the next test's sink."""
    yield
    postfix.forget()


@pytest.mark.parametrize("options, recipient, rule, outcome", TABLE)
def test_what_postfix_does(
    options: dict[str, Any], recipient: str, rule: str, outcome: str, check: Check, postfix: Postfix, forgotten: None
) -> None:
    with Sink(servers.HOST, postfix.sink_port, **options) as sink:
        send(check, postfix, recipient)
        assert sink.wait(lambda: sink.over >= 1, servers.PATIENCE)
        told = {one["id"]: one for one in sink.rules()}
    assert told[rule]["outcome"] == outcome, told[rule]["text"]


def test_postfix_comes_again_where_it_was_put_off(check: Check, postfix: Postfix, forgotten: None) -> None:
    with Sink(servers.HOST, postfix.sink_port, greylist=0.2) as sink:
        send(check, postfix, MAY)
        assert sink.wait(lambda: sink.over >= 1, servers.PATIENCE)
        assert not sink.mails

        def came_again() -> bool:
            postfix.try_again()
            return sink.wait(lambda: sink.mails, 0.5)

        servers.poll_until(came_again, servers.PATIENCE, "the message that was put off")
        assert {one["id"]: one["outcome"] for one in sink.rules()}["client_retries"] == "met"


def test_what_is_refused_for_good_does_not_come_again(check: Check, postfix: Postfix, forgotten: None) -> None:
    with Sink(servers.HOST, postfix.sink_port, answers={"RCPT": "550 5.1.1 No such user"}) as sink:
        send(check, postfix, MAY)
        assert sink.wait(lambda: sink.over >= 1, servers.PATIENCE)
        assert not sink.mails and "550 5.1.1 No such user" in sink.sessions[0].said("sink")


# Listener -> what it passes on. It replaces a CR or LF that stands by itself (cleanup_replace_stray_cr_lf = yes) and a NUL
# only where message_strip_characters says so. A dot behind a LF that it has taken for a line end begins a line, and is the
# one that is dropped (RFC 5321 4.5.2).
CR = {r"\r.\n", r"\r.\r", r"\r.\r\n"}
NUL = {r"\r\n\x00.\r\n"}


@pytest.mark.parametrize("listener, passed_on, outcome", [
    ("stripping", set(), "met"),
    ("normalizing", NUL, "unmet"),
    ("straying", NUL | CR, "unmet"),
])  # fmt: skip
def test_which_endings_postfix_passes_on(
    listener: str, passed_on: set[str], outcome: str, postfix: Postfix, forgotten: None
) -> None:
    with Sink(servers.HOST, postfix.sink_port) as sink:
        through = Through(servers.HOST, postfix.ports[listener], servers.USERNAME, MAY)
        told = look_outbound(sink, through, 30.0)
    assert {ending for ending, fate in told["observed"].items() if fate == "passed_on"} == passed_on, told["text"]
    assert told["outcome"] == outcome, told["text"]


def test_what_ends_a_message_before_the_relay_passes_it_on(postfix: Postfix, forgotten: None) -> None:
    """smtpd_forbid_bare_newline = no: a LF by itself ends a line, and so a message."""
    with Sink(servers.HOST, postfix.sink_port) as sink:
        told = look_outbound(sink, Through(servers.HOST, postfix.ports["mx"], servers.USERNAME, MAY), 30.0)
    assert (told["outcome"], told["observed"][r"\n.\n"]) == ("unmet", "cut"), told["text"]


def test_a_relay_that_delivers_nowhere_leaves_it_open(postfix: Postfix) -> None:
    with Sink(servers.HOST, servers.free_port()) as sink:
        told = look_outbound(sink, Through(servers.HOST, postfix.ports["mx"], servers.USERNAME, servers.DISCARDED), 1.0)
    assert (told["outcome"], "not seen" in told["text"]) == ("unknown", True)
