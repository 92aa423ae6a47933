# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Each row of cases.py, played by a relay on the loopback.

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.check import audit
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.dialogue import ERRORS_A_SESSION, ask
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.model import Audited, Unsettled
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.probes import relaying
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.register import PROBES
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp import commands
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.conversation.state import State, Stop
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.causes import Failure
from ansible_collections.postmaster.mailcheck.tests.support.relay import Relay, running
from ansible_collections.postmaster.mailcheck.tests.unit.plugins.module_utils._audit.cases import (
    CASES,
    KNOWN,
    OUTSIDE,
    Case,
    ehlo,
    relays_for,
    slow,
    where,
)

GIVEN = {
    "known_recipient": KNOWN,
    "outside_recipient": OUTSIDE,
    "intensity": "intrusive",
    "authorised": ["127.0.0.1"],
    "ehlo_name": "audit.example.org",
}


@pytest.mark.parametrize("case", CASES, ids=["%s: %s" % (case.probe, case.situation) for case in CASES])
def test_a_probe_comes_to_what_the_standard_says(case: Case) -> None:
    with running(Relay(**case.answers)) as relay:
        given = {**GIVEN, "timeout": 2.0, "mailbox_recipient": KNOWN}
        report = audit("127.0.0.1", port=relay.port, probes=[case.probe], **given)
    (probed,) = report["probes"]
    assert (probed["name"], probed["status"]) == (case.probe, case.status), probed["text"]
    assert (probed["proof"] is not None) is (probed["severity"] is not None) is (case.status == "finding")
    assert probed["text"] and not probed["text"].endswith(".")


def test_the_names_that_ntlm_tells_are_told() -> None:
    (case,) = [case for case in CASES if (case.probe, case.situation) == ("ntlm_names", "named")]
    with running(Relay(**case.answers)) as relay:
        report = audit("127.0.0.1", port=relay.port, probes=["ntlm_names"], **GIVEN)
    assert report["probes"][0]["text"] == "its challenge names dns_computer mail.corp.example"


@pytest.mark.parametrize(
    "help_, text",
    [
        ("214-2.0.0 This is Foo 8.17.1\r\n214 2.0.0 End of help\r\n",
         "it names a version: This is Foo 8.17.1. That alone proves no fault, since distributions backport fixes"),
        ("214-2.0.0 Commands:\r\n214 2.0.0 NOOP\r\n", "what it says of itself names no version: relay.example.com ESMTP"),
        ("530 5.7.0 Authentication required\r\n", "what it says of itself names no version: relay.example.com ESMTP"),
        ("502 5.5.1 Foo 1.2 has no help\r\n", "what it says of itself names no version: relay.example.com ESMTP"),
    ],
)  # fmt: skip
def test_a_version_is_named_in_an_answer_and_is_no_enhanced_code(help_: str, text: str) -> None:
    answers = {"": "220 relay.example.com ESMTP\r\n", "EHLO": ehlo("HELP"), "HELP": help_}
    with running(Relay(**answers)) as relay:
        report = audit("127.0.0.1", port=relay.port, probes=["banner"], **GIVEN)
    assert report["probes"][0]["text"] == text


def test_one_other_form_is_told_as_one() -> None:
    with running(Relay(RCPT=relays_for('"%s"' % OUTSIDE))) as relay:
        report = audit("127.0.0.1", port=relay.port, probes=["relaying"], **GIVEN)
    assert "was taken, and 1 other form besides;" in report["probes"][0]["text"]


def test_each_probe_has_a_case_or_a_test_of_its_own() -> None:
    tested = {case.probe for case in CASES} | {"certificate", "tls_versions", "unprotected_suites"}
    assert tested == {name for name, probe in PROBES.items() if not probe.left_to}


@pytest.mark.parametrize(
    "cause, settles", [("timed_out", False), ("tls_handshake_reset", True), ("tls_not_spoken", True)]
)
def test_a_handshake_that_took_too_long_settles_nothing(cause: str, settles: bool) -> None:
    facts = SimpleNamespace(capabilities_before_tls={"STARTTLS": []}, capabilities=None, tls=None)
    nobody = Audited._make([None] * len(Audited._fields))  # type: ignore[arg-type]
    audited = nobody._replace(first=SimpleNamespace(facts=facts), tls_failure=Failure("tls", cause, text="so it was"))
    if settles:
        assert PROBES["starttls"].judge(audited, ()).status == "finding"
    else:
        with pytest.raises(Unsettled, match="took too long"):
            PROBES["starttls"].judge(audited, ())


def test_what_is_taken_at_rcpt_is_a_suspicion_wherever_it_was_asked_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relaying, "own_networks", lambda _address: "")
    with running(Relay()) as relay:
        (probed,) = audit("127.0.0.1", port=relay.port, probes=["relaying"], **GIVEN)["probes"]
    assert (probed["status"], probed["proof"]) == ("finding", "none")


def test_where_no_sender_is_taken_no_address_elsewhere_was_asked_about() -> None:
    """The controls alone have a sender that is taken at MAIL, and so do forms for mailboxes of its own."""
    taken = where("<audit@example.org>", "250 2.1.0 Ok\r\n", "550 5.7.1 Not you\r\n")
    with running(Relay(MAIL=taken, RCPT=relays_for())) as relay:
        given = {**GIVEN, "sender": "audit@example.org"}
        (probed,) = audit("127.0.0.1", port=relay.port, probes=["relaying"], **given)["probes"]
    assert probed["status"] == "unknown"
    assert probed["text"].startswith("each sender was refused at MAIL, so that no address elsewhere was asked about")


def test_where_tls_comes_first_there_is_no_sign_in_in_clear() -> None:
    """RFC 8314 3: with TLS from the first octet nobody is offered, or asked for, a password in clear."""
    nobody = Audited._make([None] * len(Audited._fields))  # type: ignore[arg-type]
    audited = nobody._replace(endpoint=SimpleNamespace(tls="implicit"))
    assert PROBES["auth_begun_in_clear"].trials(audited) == []
    for name in ("auth_offered_in_clear", "auth_begun_in_clear"):
        judged = PROBES[name].judge(audited, ())
        assert (judged.status, "TLS begins with the first octet" in judged.text) == ("pass", True)


def test_a_session_has_its_limit_of_errors() -> None:
    """Whoever draws more is taken for an attacker: it ends before, and its answers settle nothing."""
    facts = SimpleNamespace(extra_replies=[SimpleNamespace(code=500)] * ERRORS_A_SESSION)
    with pytest.raises(Stop) as stop:
        next(ask(State(SimpleNamespace(), SimpleNamespace(), facts), commands.extra("NOOP")))  # type: ignore[arg-type]
    assert stop.value.failure is not None and stop.value.failure.cause == "command_rejected"


def test_between_two_connections_there_is_a_pause() -> None:
    """Counted from the end of one to the beginning of the next, in which nothing has been said yet."""
    began, ended = [], []

    def greet(_line: str) -> str:
        began.append(time.monotonic())
        return "220 relay.example.com ESMTP\r\n"

    def part(_line: str) -> str:
        ended.append(time.monotonic())
        return "221 2.0.0 Bye\r\n"

    with running(Relay(**{"": greet, "QUIT": part})) as relay:
        audit("127.0.0.1", port=relay.port, probes=["pipelining", "unknown_command"], pause=0.2, **GIVEN)
    assert len(began) == 3
    assert all(begin - end >= 0.2 for end, begin in zip(ended, began[1:]))


def test_a_relay_that_is_slow_in_all_does_not_slow_down_guessing(monkeypatch: pytest.MonkeyPatch) -> None:
    late, hello = slow(monkeypatch, 1.1), ehlo("AUTH PLAIN")
    with running(Relay(EHLO=late(hello), AUTH=late("535 5.7.8 No\r\n"))) as relay:
        (probed,) = audit("127.0.0.1", port=relay.port, probes=["auth_attempts"], **GIVEN)["probes"]
    assert probed["status"] == "finding", probed["text"]
    with running(Relay(EHLO=hello, AUTH=late("535 5.7.8 No\r\n"))) as relay:
        (probed,) = audit("127.0.0.1", port=relay.port, probes=["auth_attempts"], **GIVEN)["probes"]
    assert (probed["status"], "longer" in probed["text"]) == ("pass", True), probed["text"]


def test_a_greeting_of_digits_costs_no_more_than_its_length() -> None:
    """A pattern that begins anew at each of them would take minutes."""
    facts = SimpleNamespace(greeting=SimpleNamespace(lines=("1" * 100_000,)), extra_replies=())
    nobody = Audited._make([None] * len(Audited._fields))  # type: ignore[arg-type]
    audited, began = nobody._replace(first=SimpleNamespace(facts=facts)), time.process_time()
    assert PROBES["banner"].judge(audited, ()).status == "pass"
    assert time.process_time() - began < 5
