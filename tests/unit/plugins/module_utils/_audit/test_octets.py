# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Octets that no command may hold: the one door for them, and what relays make of them around STARTTLS.

from __future__ import annotations

import ast
import functools
import ssl
import time
from types import SimpleNamespace

import pytest
import trustme

from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.check import audit
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.model import Unsettled
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.octets import octets, shown_octets
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.probes import smuggling
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.facts import ExtraReply
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.causes import Failure
from ansible_collections.postmaster.mailcheck.tests.support.behaving import BehavingRelay
from ansible_collections.postmaster.mailcheck.tests.unit.plugins.module_utils._audit.test_probes import GIVEN
from ansible_collections.postmaster.mailcheck.tests.unit.plugins.module_utils.test_architecture import FILES, ours


@pytest.fixture(scope="module")
def context() -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1", key_type=trustme.KeyType.ECDSA).configure_cert(made)
    return made


def test_commands_are_built_at_one_place_and_octets_at_one_other():
    makers = set()
    for name, path in FILES.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Command", "_command"):
                makers.add(name)
            assert not (isinstance(node, ast.keyword) and node.arg == "wire"), name
    assert makers == {"_smtp.commands", "_audit.octets"}
    assert {name.partition(".")[0] for name in FILES if "_audit.octets" in ours(name)} == {"_audit"}


@pytest.mark.parametrize("data", [b"NOOP a\nNOOP b\r\n", b"\0\xff\\r\r\n", bytes(range(256))])
def test_each_octet_that_leaves_is_shown(data):
    """So that what was sent can be read back from the transcript."""
    command = octets(data)
    assert command.wire == data
    assert command.shown.encode("ascii").decode("unicode_escape").encode("latin-1") == data


def test_a_long_run_is_shown_by_its_length():
    assert shown_octets(b"NOOP " + b"x" * 9000 + b"\r\n") == r"NOOP x{9000 times}\r\n"


# STARTTLS, in each of the ways in which relays have dealt with what comes with it


def session(way, context, _lines, say, sock):
    """`way`: forgets what came with STARTTLS, obeys it under TLS, answers it in clear, refuses, hangs up, stays clear."""
    say("220 relay.example.com ESMTP")
    tls, held = False, b""
    while True:
        while b"\r\n" not in held:
            data = sock.recv(4096)
            if not data:
                return
            held += data
        line, _end, held = held.partition(b"\r\n")
        verb = line.split(b" ")[0].upper()
        if verb == b"EHLO":
            reply = b"250 relay.example.com\r\n" if tls else b"250-relay.example.com\r\n250 STARTTLS\r\n"
        elif verb == b"STARTTLS":
            if held and way.startswith("refuses"):
                sock.sendall(b"554 5.5.0 Commands behind STARTTLS\r\n")
                if "hangs up" in way:
                    return
                held = b"" if "forgets" in way else held
                continue
            sock.sendall(b"220 2.0.0 Go ahead\r\n")
            if held and way == "hangs up":
                return
            if way == "stays clear":
                continue
            if held and way == "answers in clear":
                sock.sendall(b"250 2.0.0 Ok\r\n")
            if not way.startswith("obeys"):
                held = b""
            sock, tls = context.wrap_socket(sock, server_side=True), True
            continue
        else:
            reply = b"221 2.0.0 Bye\r\n" if verb == b"QUIT" else b"250 2.0.0 Ok\r\n"
        time.sleep(1.2 * (tls and "slow" in way))  # longer than the answer to QUIT is waited for
        sock.sendall(reply)
        if verb == b"QUIT":
            return


@pytest.mark.parametrize("way, status, seen", [
    ("forgets", "pass", "was forgotten"),
    ("obeys", "finding", "was obeyed under TLS"),
    ("obeys, and is slow", "finding", "was obeyed under TLS"),
    ("answers in clear", "pass", "harmless"),
    ("refuses", "pass", "554 5.5.0"),
    ("refuses, and hangs up", "pass", "554 5.5.0"),
    ("refuses, and forgets the rest", "pass", "554 5.5.0"),
    ("hangs up", "pass", "hung up"),
])  # fmt: skip
def test_what_comes_with_starttls(way, status, seen, context):
    with BehavingRelay(functools.partial(session, way, context)) as relay:
        report = audit("127.0.0.1", port=relay.port, probes=["starttls_injection"], **GIVEN)
    (probed,) = report["probes"]
    assert (probed["status"], seen in probed["text"]) == (status, True), probed["text"]
    assert [said["text"] for said in probed["dialogues"][0] if "STARTTLS" in said["text"]][1] == r"STARTTLS\r\nNOOP\r\n"


@pytest.mark.parametrize("way, status", [("forgets", "pass"), ("stays clear", "finding")])
def test_what_comes_in_clear_once_tls_was_agreed(way, status, context):
    """Where TLS fails in the first connection, the relay is asked in clear."""
    with BehavingRelay(functools.partial(session, way, context)) as relay:
        report = audit("127.0.0.1", port=relay.port, probes=["starttls", "starttls_plaintext"], timeout=2.0, **GIVEN)
    assert [one["status"] for one in report["probes"]] == [status] * 2, report["probes"]


# Where a message ends


def strict(answer, _lines, say, sock):
    """Only CR LF . CR LF ends a message; `answer` is what this relay says where it sees a bare CR or LF, or a NUL."""
    say("220 relay.example.com ESMTP")
    held, end = b"", b"\r\n"
    while True:
        while end not in held:
            data = sock.recv(4096)
            if not data:
                return
            held += data
            if end != b"\r\n" and answer and any(mark in held.replace(b"\r\n", b"") for mark in (b"\r", b"\n", b"\0")):
                say(answer)
                return
        line, _end, held = held.partition(end)
        if end != b"\r\n":
            end, reply = b"\r\n", "250 2.0.0 Ok: queued as 4XyZ12abcd"
        elif line == b"DATA":
            end, reply = b"\r\n.\r\n", "354 Go on"
        else:
            reply = "221 2.0.0 Bye" if line == b"QUIT" else "250 2.0.0 Ok"
        say(reply)
        if line == b"QUIT":
            return


def asked_where_messages_end(answer, **options):
    with BehavingRelay(functools.partial(strict, answer)) as relay:
        given = {"probes": ["smuggling"], "mailbox_recipient": "user@example.net", **GIVEN, **options}
        report = audit("127.0.0.1", port=relay.port, **given)
    (probed,) = report["probes"]
    return report, probed


@pytest.mark.parametrize(
    "answer",
    ["", "521 5.5.2 Error: bare <LF> received", "421 4.7.0 Go away", "451 See http://pobox.com/~djb/docs/smtplf.html."],
)
def test_a_relay_that_takes_one_end_only(answer):
    report, probed = asked_where_messages_end(answer)
    assert (probed["status"], report["changed"]) == ("pass", True), probed["text"]
    assert len(probed["dialogues"]) == report["plan"]["messages"]
    assert r"\n.\r\n" in "".join(said["text"] for said in probed["dialogues"][5])


@pytest.mark.parametrize("answer", [
    "451 4.3.0 Try again later",
    "221 2.0.0 Bye",
    "554 5.7.1 Spam",  # of a message that has ended there, or of one with such an ending: who knows
    "554 5.7.1 Client host blocked using zen.example.org",
])  # fmt: skip
def test_an_answer_to_an_ending_that_may_mean_anything_settles_nothing(answer):
    _report, probed = asked_where_messages_end(answer)
    assert (probed["status"], "7 of 7 endings were not settled" in probed["text"]) == ("unknown", True), probed["text"]


def hangs_up_at_the_second(taken, _lines, say, sock):
    """The first message is taken, and the others are begun."""
    taken.append(sock)
    if len(taken) <= 2:  # the first connection, and the control
        return strict("", _lines, say, sock)
    say("220 relay.example.com ESMTP")
    for line in _lines:
        if line == b"DATA\r\n":
            say("354 Go on")
            return None
        say("250 2.0.0 relay.example.com")
    return None


def test_a_relay_that_hangs_up_on_an_ending_without_a_word_settles_nothing():
    taken = []
    with BehavingRelay(functools.partial(hangs_up_at_the_second, taken)) as relay:
        given = {"probes": ["smuggling"], "mailbox_recipient": "user@example.net", **GIVEN}
        (probed,) = audit("127.0.0.1", port=relay.port, **given)["probes"]
    assert (probed["status"], "connection_lost" in probed["text"]) == ("unknown", True), probed["text"]


def ended(*replies, failure=None):
    """What a message with another ending came to."""
    answered = [ExtraReply(command, code, None, text) for command, code, text in replies]
    return SimpleNamespace(facts=SimpleNamespace(extra_replies=answered, failure=failure))


BEGUN, INSIDE = ("DATA", 354, "Go on"), (r"text\n.\r\n", 550, "5.7.1 Spam")


def test_a_relay_that_leaves_in_order_has_not_taken_it_for_the_end():
    """RFC 5321 3.8: 421 ends the session whatever was begun in it."""
    gone = Failure("extra", "service_closing", 421, text="Too slow")
    assert smuggling._was_an_end(ended(BEGUN, failure=gone)) is False


@pytest.mark.parametrize(
    "replies",
    [(BEGUN,), (BEGUN, INSIDE)],
)
def test_a_session_that_breaks_otherwise_settles_nothing(replies):
    broken = Failure("extra", "protocol_violation", 599, text="What?")
    with pytest.raises(Unsettled, match=r"the dialogue ended \("):
        smuggling._was_an_end(ended(*replies, failure=broken))
