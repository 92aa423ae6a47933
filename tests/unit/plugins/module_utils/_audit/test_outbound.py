# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Endings of a message that go through a relay (RFC 5321 2.3.8, 4.1.1.4): what is sent, and what became of it.

from __future__ import annotations

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.outbound import (
    CHANGED,
    CUT,
    NOT_SEEN,
    OUTBOUND,
    PASSED_ON,
    REFUSED,
    Sent,
    fate_of,
    outbound_plan,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.driver import Driver, Limits
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.options import with_defaults
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.endpoint import endpoint_of
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.options import OPTIONS
from ansible_collections.postmaster.mailcheck.tests.support.behaving import BehavingRelay
from ansible_collections.postmaster.mailcheck.tests.support.delivering import DeliveringRelay, make_maildir

SENDER, RECIPIENT, DATE = "probe@example.org", "sink@example.net", "Sun, 29 Nov 2026 12:00:00 +0000"
TOKENS = ["mc-%016x" % number for number in range(len(OUTBOUND) + 1)]


def send(relay):
    endpoint = endpoint_of("127.0.0.1", {**with_defaults({}, OPTIONS), "port": relay.port, "tls": "none"})
    ((_key, sent),) = Driver(Limits()).run(iter([(0, outbound_plan(endpoint, SENDER, RECIPIENT, DATE, TOKENS))]))
    if isinstance(sent, Exception):
        raise sent
    return sent


def test_a_message_for_each_ending_and_one_as_it_should_be(tmp_path):
    place = make_maildir(tmp_path / "sink")
    with DeliveringRelay(lambda *_envelope: place) as relay:
        sent = send(relay)
    assert [one.ending for one in sent] == [b"", *OUTBOUND]
    assert [(one.code, one.taken) for one in sent] == [(250, True)] * len(sent)
    arrived = [path.read_bytes() for path in (place / "new").iterdir()]
    for one in sent:
        (octets,) = [octets for octets in arrived if b"X-Mailcheck-Token: " + one.token.encode() in octets]
        token = one.token.encode()
        assert b"NOOP before-%s%sNOOP behind-%s\r\n" % (token, one.ending, token) in octets


@pytest.mark.parametrize(
    "how, code, text",
    [
        ({"message": lambda _recipient, _content: "554 5.7.1 Spam"}, 554, "5.7.1 Spam"),
        ({"rcpt": lambda _recipient: "550 5.1.1 Nobody"}, 550, "5.1.1 Nobody"),
    ],
)
def test_where_the_control_is_refused_no_other_leaves(how, code, text, tmp_path):
    with DeliveringRelay(lambda *_envelope: make_maildir(tmp_path / "sink"), **how) as relay:
        (control,) = send(relay)
        assert relay.sessions == 1
    assert (control.ending, control.code, control.taken) == (b"", code, False)
    assert text in control.text


def test_a_relay_that_hangs_up_has_taken_nothing():
    with BehavingRelay(lambda _lines, say, _sock: say("220 relay.example.com ESMTP")) as relay:
        (control,) = send(relay)
    assert (control.code, control.taken, control.text != "") == (None, False, True)


TOKEN = TOKENS[1]
BEFORE, BEHIND = b"NOOP before-" + TOKEN.encode(), b"NOOP behind-" + TOKEN.encode()


@pytest.mark.parametrize(
    "between, fate",
    [
        (b"\n.\n", PASSED_ON),
        (b"\r.\r", PASSED_ON),
        (b"\0.\r\n", PASSED_ON),
        (b"\n..\n", CHANGED),  # RFC 5321 4.5.2: its dot was doubled
        (b"\r\n..\r\n", CHANGED),
        (b" . ", CHANGED),
        (b"", CHANGED),
    ],
)
def test_what_stands_between_the_marks_is_what_the_relay_made_of_an_ending(between, fate):
    arrived = b"Subject: mailcheck\r\n\r\n" + BEFORE + between + BEHIND + b"\r\n"
    assert fate_of(Sent(b"\n.\n", TOKEN, 250, "Ok", True, False), arrived)[1:3] == (fate, between)


def test_a_message_that_ends_at_its_ending_was_cut():
    seen = fate_of(Sent(b"\n.\n", TOKEN, 250, "Ok", True, False), b"Subject: mailcheck\r\n\r\n" + BEFORE + b"\r\n")
    assert (seen.fate, seen.octets) == (CUT, b"")


@pytest.mark.parametrize(
    "code, text, taken, fate, said",
    [
        (554, "5.5.2 Bare LF", False, REFUSED, "answered 554 5.5.2 Bare LF"),
        (451, "4.7.1 Later", False, NOT_SEEN, "answered 451 4.7.1 Later"),
        (None, "connection_lost", False, NOT_SEEN, "connection_lost"),
        (250, "2.0.0 Ok", True, NOT_SEEN, "taken, and not seen so far"),
    ],
)
def test_what_does_not_arrive_was_refused_or_is_not_known(code, text, taken, fate, said):
    seen = fate_of(Sent(b"\n.\n", TOKEN, code, text, taken, code == 554), None)
    assert (seen.fate, seen.text) == (fate, said)


def test_what_was_refused_for_another_reason_than_what_it_holds_is_not_known():
    assert fate_of(Sent(b"\n.\n", TOKEN, 550, "5.7.1 Too many", False, False), None).fate == NOT_SEEN
