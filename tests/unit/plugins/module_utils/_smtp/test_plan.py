# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Trying again, or not: each attempt's outcome is scripted, and time is a number that the test moves on.

from __future__ import annotations

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.attempts import (
    AddressAttempt,
    Outcome,
    Wait,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.text import Secrets
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.attempts import attempt_of
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.check import verdict_from
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.facts import Facts, RecipientFacts
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.plan import check_plan
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.report import as_report
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.transcript import Transcript
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.causes import Failure
from ansible_collections.postmaster.mailcheck.tests.support.script import (
    SIGN_IN,
    TIME_OF_DAY,
    play_once,
    request_for,
)

ATTEMPT_SECONDS = 0.25
REFUSED = Failure("connect", "connection_refused")
CLEAR = {"tls": "none"}
QUIT = "C: QUIT\nS: 221 bye\n"
UP = "S: 220 relay.example.com\nC: EHLO client.example.org\nS: 250 relay.example.com\n"
UP_TLS = """
    S: 220 relay.example.com
    C: EHLO client.example.org
    S: 250-relay.example.com
    S: 250 STARTTLS
    C: STARTTLS
    S: 220 go
"""
UP_AUTH = (
    UP_TLS
    + """
    TLS
    C: EHLO client.example.org
    S: 250-relay.example.com
    S: 250 AUTH PLAIN LOGIN
    C: AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm
"""
)
ENVELOPE = {"sender": "probe@example.org", "recipients": ["anna@example.com"]}
RCPT = UP + "C: MAIL FROM:<probe@example.org>\nS: 250 ok\nC: RCPT TO:<anna@example.com>\nS: %s\n"
RSET_QUIT = "C: RSET\nS: 250 ok\n" + QUIT
DATA = RCPT % "250 ok" + "C: DATA\nS: 354 go\nC: <message>\n"


def never_up(failure):
    """An attempt that ends before a conversation begins."""
    facts = Facts(Transcript(0.0))
    facts.failure, facts.stage = failure, failure.stage
    return facts


def is_attempt_of(request, step):
    """One attempt, at what `request` asks for; what makes protocols can only be compared by what it was made of."""
    (attempt,), wanted = step, attempt_of(request.endpoint, request.actions, Secrets())
    return attempt[1:] == wanted[1:] and attempt.make_protocol.args[:2] == request[:2]


def run(request, attempts, clock=1000.0, time_ends=None):
    """Let a plan run; return its verdict, when each attempt began and how long it waited between them.

    `attempts(seconds)`: a script, or a Failure, for an attempt that begins so many seconds after the first.
    """
    plan = check_plan(request, lambda: TIME_OF_DAY)
    begun, now, value = [], clock, None
    while True:
        try:
            step = plan.send(value)
        except StopIteration as stop:
            return stop.value, begun
        if isinstance(step, Wait):
            assert step.until >= now, "nobody can wait for the past"
            if time_ends is not None and step.until > clock + time_ends:
                value = None
            else:
                value = now = step.until
            continue
        assert is_attempt_of(request, step)
        begun.append(round(now - clock, 3))
        assert len(begun) < 50, "there is no end to it"
        what = attempts(now - clock)
        facts = never_up(what) if isinstance(what, Failure) else play_once(what, request).facts
        began, now = now, now + ATTEMPT_SECONDS
        tried = AddressAttempt("192.0.2.1", "connected" if isinstance(what, str) else what.cause, 0.01)
        value = (Outcome(facts, (tried,), None, None, began, now),)


def result(verdict):
    return verdict.failure and verdict.failure.cause


def test_without_retry_for_there_is_one_attempt():
    verdict, begun = run(request_for(**CLEAR), lambda seconds: REFUSED)
    assert (result(verdict), begun) == ("connection_refused", [0.0])


def test_a_relay_that_comes_up_after_five_seconds():
    verdict, begun = run(request_for(retry_for=60.0, **CLEAR), lambda seconds: REFUSED if seconds < 5 else UP + QUIT)
    assert verdict.failure is None
    assert begun == [0.0, 2.25, 6.5]  # 2 seconds after the first attempt's end, then 4
    report = as_report(verdict, TIME_OF_DAY)
    assert report["verdict"] == "passed"
    assert [tried["outcome"] for tried in report["addresses_tried"]] == ["connection_refused"] * 2 + ["connected"]
    assert report["addresses_tried"] == report["addresses_tried"]


def test_pauses_double_up_to_thirty_seconds():
    _verdict, begun = run(request_for(retry_for=200.0, **CLEAR), lambda seconds: REFUSED)
    pauses = [round(b - a - ATTEMPT_SECONDS, 3) for a, b in zip(begun, begun[1:])]
    assert pauses == [2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0, 30.0, 30.0]


def test_a_longer_interval_than_thirty_seconds_stays():
    _verdict, begun = run(request_for(retry_for=200.0, retry_interval=60.0, **CLEAR), lambda seconds: REFUSED)
    assert begun == [0.0, 60.25, 120.5, 180.75]


def test_retries_end_when_their_time_is_over():
    verdict, begun = run(request_for(retry_for=10.0, **CLEAR), lambda seconds: REFUSED)
    assert result(verdict) == "connection_refused"
    assert begun == [0.0, 2.25, 6.5]


def test_the_time_to_try_again_begins_with_the_first_attempt():
    """Not with the plan: the first may have waited long for its turn at a relay that others are busy with."""
    request = request_for(retry_for=10.0, **CLEAR)
    plan = check_plan(request, lambda: TIME_OF_DAY)
    next(plan)
    step = plan.send((Outcome(never_up(REFUSED), (), None, None, 500.0, 501.0),))
    assert step == Wait(503.0)


def test_no_time_left_ends_it_with_what_is_known():
    verdict, begun = run(request_for(retry_for=600.0, **CLEAR), lambda seconds: REFUSED, time_ends=5.0)
    assert result(verdict) == "connection_refused"
    assert begun == [0.0, 2.25]


@pytest.mark.parametrize(
    "failure",
    [
        Failure("resolve", "name_not_found"),
        Failure("resolve", "name_server_failed"),
        Failure("connect", "connection_timed_out"),
        Failure("connect", "network_unreachable"),
        Failure("connect", "host_unreachable"),
    ],
)
def test_what_is_unreachable_is_tried_again(failure):
    verdict, begun = run(request_for(retry_for=60.0, **CLEAR), lambda seconds: UP + QUIT if seconds else failure)
    assert (result(verdict), len(begun)) == (None, 2)


# Patience


@pytest.mark.parametrize(
    "turned_away",
    [
        "S: 421 4.7.0 Too many connections",
        "S: 450 4.3.2 Try again later\n" + QUIT,
        "S: 220 relay.example.com\nC: EHLO client.example.org\nS: 421 4.3.2 shutting down",
    ],
)
def test_a_relay_that_is_busy_is_left_alone_for_thirty_seconds(turned_away):
    verdict, begun = run(
        request_for(retry_for=60.0, **CLEAR), lambda seconds: UP + QUIT if seconds > 10 else turned_away
    )
    assert (result(verdict), begun) == (None, [0.0, 30.25])


def test_greylisting_is_waited_for():
    verdict, begun = run(
        request_for(retry_for=600.0, **CLEAR, **ENVELOPE),
        lambda seconds: (RCPT % ("250 ok" if seconds >= 60 else "450 4.7.1 Greylisted, try again later")) + RSET_QUIT,
    )
    assert (result(verdict), begun) == (None, [0.0, 30.25, 60.5])


def test_greylisting_is_not_waited_for_where_thirty_seconds_are_too_long():
    verdict, begun = run(
        request_for(retry_for=20.0, **CLEAR, **ENVELOPE), lambda seconds: RCPT % "451 4.7.1 Greylisted" + RSET_QUIT
    )
    assert (result(verdict), begun) == ("greylisted", [0.0])


@pytest.mark.parametrize(
    "reply, tries", [("450 4.2.0 mailbox busy", 2), ("550 5.1.1 unknown", 1), ("554 5.7.1 Relay access denied", 1)]
)
def test_a_recipient_is_asked_for_again_only_after_a_refusal_for_now(reply, tries):
    _verdict, begun = run(request_for(retry_for=4.0, **CLEAR, **ENVELOPE), lambda seconds: RCPT % reply + RSET_QUIT)
    assert len(begun) == tries


# Signing in


@pytest.mark.parametrize("code", [535, 534, 538, 500, 501, 504])
def test_a_wrong_password_is_tried_exactly_once(code):
    verdict, begun = run(
        request_for(retry_for=600.0, **SIGN_IN), lambda seconds: UP_AUTH + "S: %d 5.7.8 no\n" % code + QUIT
    )
    assert begun == [0.0]
    assert verdict.failure.stage == "auth"


@pytest.mark.parametrize("code", [220, 250, 251, 354])
def test_a_password_is_not_tried_again_after_an_answer_that_is_none(code):
    """RFC 4954 4: 235 alone is success, and only a 4yz asks for another try."""
    verdict, begun = run(request_for(retry_for=600.0, **SIGN_IN), lambda _: UP_AUTH + "S: %d hm\n" % code + QUIT)
    assert (result(verdict), begun) == ("protocol_violation", [0.0])


def test_a_relay_that_cannot_check_the_password_is_asked_again():
    verdict, begun = run(
        request_for(retry_for=60.0, **SIGN_IN),
        lambda seconds: UP_AUTH + ("S: 235 ok\n" if seconds else "S: 454 4.7.0 try later\n") + QUIT,
    )
    assert (result(verdict), begun) == (None, [0.0, 2.25])


@pytest.mark.parametrize("end", ["closes", "silent"])
def test_a_password_that_got_no_answer_is_not_tried_again(end):
    _verdict, begun = run(request_for(retry_for=600.0, **SIGN_IN), lambda seconds: UP_AUTH + end)
    assert begun == [0.0]


def test_a_refused_password_is_not_tried_again_for_the_sake_of_a_rule():
    """The 535 is what was expected; another rule is unmet, and would have to wait for another password."""
    request = request_for(retry_for=600.0, expect={"codes": {"auth": [535]}, "capabilities": ["DSN"]}, **SIGN_IN)
    verdict, begun = run(request, lambda seconds: UP_AUTH + "S: 535 5.7.8 no\n" + QUIT)
    assert (result(verdict), begun) == ("rule_unmet", [0.0])


def test_credentials_that_were_withheld_are_withheld_for_good():
    _verdict, begun = run(
        request_for(retry_for=600.0, tls="opportunistic", **SIGN_IN),
        lambda seconds: UP + QUIT,
    )
    assert begun == [0.0]


# TLS


@pytest.mark.parametrize(
    "cause",
    ["certificate_expired", "certificate_name_mismatch", "certificate_issuer_not_found", "tls_version_mismatch"],
)
def test_a_certificate_does_not_mend_itself(cause):
    verdict, begun = run(request_for(retry_for=600.0), lambda seconds: UP_TLS + "TLS fails " + cause)
    assert (result(verdict), begun) == (cause, [0.0])


@pytest.mark.parametrize("end, cause", [("closes", "tls_handshake_reset"), ("silent", "tls_handshake_stalled")])
def test_a_handshake_that_breaks_off_is_tried_again(end, cause):
    verdict, begun = run(request_for(retry_for=3.0), lambda seconds: UP_TLS + end)
    assert (result(verdict), len(begun)) == (cause, 2)


@pytest.mark.parametrize("reply, tries", [("454 4.7.0 TLS not available", 2), ("502 no", 1)])
def test_starttls_refused(reply, tries):
    _verdict, begun = run(request_for(retry_for=3.0), lambda seconds: UP_TLS.replace("S: 220 go", "S: " + reply) + QUIT)
    assert len(begun) == tries


def test_tls_that_is_not_offered_does_not_come():
    _verdict, begun = run(request_for(retry_for=600.0), lambda seconds: UP + QUIT)
    assert begun == [0.0]


def test_an_attack_is_not_repeated():
    _verdict, begun = run(request_for(retry_for=600.0), lambda seconds: UP_TLS + "S: 250 injected")
    assert begun == [0.0]


# A message is sent at most once


@pytest.mark.parametrize(
    "end",
    [
        "closes",
        "silent",
        "S: 421 4.3.2 shutting down",
        "S: 451 4.3.0 try again\n" + QUIT,
        "S: 451 4.7.1 Greylisted\n" + QUIT,
        "S: 250 ok\n" + QUIT,
    ],
)
def test_nothing_is_tried_again_once_the_message_has_begun(end):
    request = request_for(retry_for=600.0, send=True, expect={"capabilities": ["DSN"]}, **CLEAR, **ENVELOPE)
    _verdict, begun = run(request, lambda seconds: DATA + end)
    assert begun == [0.0]


@pytest.mark.parametrize("reply", ["451 4.3.0 later", "452 4.3.1 disk full"])
def test_data_put_off_is_tried_again(reply):
    request = request_for(retry_for=5.0, send=True, **CLEAR, **ENVELOPE)
    before = RCPT % "250 ok" + "C: DATA\n"
    verdict, begun = run(
        request, lambda seconds: DATA + "S: 250 ok\n" + QUIT if seconds else before + "S: %s\n" % reply + RSET_QUIT
    )
    assert (result(verdict), len(begun)) == (None, 2)
    assert as_report(verdict, TIME_OF_DAY)["changed"] is True


# Rules


def test_an_unmet_rule_is_waited_for():
    request = request_for(retry_for=60.0, expect={"capabilities": ["PIPELINING"]}, **CLEAR)
    offers = "S: 220 x\nC: EHLO client.example.org\nS: 250-relay.example.com\nS: 250 PIPELINING\n" + QUIT
    verdict, begun = run(request, lambda seconds: offers if seconds > 5 else UP + QUIT)
    assert (result(verdict), begun) == (None, [0.0, 2.25, 6.5])
    assert [rule.outcome for rule in verdict.rules] == ["met"]


def test_an_unmet_rule_is_the_failure_of_an_otherwise_good_check():
    request = request_for(expect={"capabilities": ["DSN"]}, **CLEAR)
    verdict, _begun = run(request, lambda seconds: UP + QUIT)
    assert result(verdict) == "rule_unmet"
    assert verdict.failure.stage == "ehlo"
    assert "DSN" in verdict.failure.text
    assert as_report(verdict, TIME_OF_DAY)["verdict"] == "failed"


def test_nothing_more_is_tried_where_no_relay_has_answered():
    rule = {"recipient": "stranger@example.net", "control_recipient": "anna@example.com"}
    request = request_for(expect={"relaying_refused": rule}, **CLEAR, **ENVELOPE)
    verdict, begun = run(request, lambda seconds: REFUSED)
    assert (result(verdict), begun) == ("connection_refused", [0.0])
    assert [rule.outcome for rule in verdict.rules] == ["unknown"]


def test_a_rule_that_greylisting_kept_open_is_waited_for():
    """As long as after any greylisting: what comes too soon counts against the client."""
    rule = {"recipient": "stranger@example.net", "control_recipient": "anna@example.com"}
    request = request_for(expect={"relaying_refused": rule}, retry_for=60.0, **CLEAR)
    plan = check_plan(request, lambda: TIME_OF_DAY)
    next(plan)
    passed = play_once(UP + QUIT, request_for(**CLEAR)).facts
    plan.send((Outcome(passed, (), None, None, 0.0, 1.0),))
    put_off = Facts(Transcript(0.0))
    put_off.recipients = [
        RecipientFacts("anna@example.com", 450, "4.7.1", "Greylisted", "deferred"),
        RecipientFacts("stranger@example.net", 554, "5.7.1", "Relay access denied", "rejected"),
    ]
    assert plan.send((Outcome(put_off, (), None, None, 1.0, 2.0),)) == Wait(31.0)


def test_a_sign_in_that_waiting_does_not_mend_is_not_tried_again():
    """A 454 whose words say that the account is disabled is no "later"."""
    disabled = "S: 454 4.7.0 Account disabled\n"
    verdict, begun = run(request_for(retry_for=60.0, **SIGN_IN), lambda seconds: UP_AUTH + disabled + QUIT)
    assert (result(verdict), begun) == ("auth_disabled", [0.0])


def test_a_refusal_that_was_expected_passes():
    request = request_for(expect={"codes": {"rcpt": [550, 554]}}, retry_for=60.0, **CLEAR, **ENVELOPE)
    verdict, begun = run(request, lambda seconds: RCPT % "554 5.7.1 Relay access denied" + RSET_QUIT)
    assert (verdict.failure, begun) == (None, [0.0])
    assert as_report(verdict, TIME_OF_DAY)["verdict"] == "passed"


def test_greylisting_proves_nothing_where_a_refusal_for_good_was_expected():
    request = request_for(expect={"codes": {"rcpt": [550, 554]}}, **CLEAR, **ENVELOPE)
    verdict, _begun = run(request, lambda seconds: RCPT % "450 4.7.1 Greylisted" + RSET_QUIT)
    assert result(verdict) == "greylisted"
    assert as_report(verdict, TIME_OF_DAY)["verdict"] == "deferred"


def test_acceptance_where_a_refusal_was_expected_is_an_unmet_rule():
    request = request_for(expect={"codes": {"rcpt": [550, 554]}}, **CLEAR, **ENVELOPE)
    verdict, _begun = run(request, lambda seconds: RCPT % "250 ok" + RSET_QUIT)
    assert result(verdict) == "rule_unmet"
    assert verdict.failure.stage == "rcpt"


def test_a_refusal_elsewhere_is_not_the_one_that_was_expected():
    request = request_for(expect={"codes": {"rcpt": [550]}}, **CLEAR, **ENVELOPE)
    refused = UP + "C: MAIL FROM:<probe@example.org>\nS: 550 5.1.8 bad sender\n" + QUIT
    verdict, _begun = run(request, lambda seconds: refused)
    assert result(verdict) == "sender_rejected"
    assert [rule.outcome for rule in verdict.rules] == ["unknown"]


def test_a_retry_that_never_had_its_turn_changes_nothing():
    """It waited behind others at the same relay until the time was up."""
    unbegun = Failure("resolve", "not_checked")
    verdict, _begun = run(request_for(retry_for=60.0, **CLEAR), lambda seconds: unbegun if seconds else REFUSED)
    assert result(verdict) == "connection_refused"


def test_what_never_had_its_turn_has_kept_no_rule():
    request = request_for(expect={"max_seconds": 10}, **CLEAR)
    verdict, _begun = run(request, lambda seconds: Failure("resolve", "not_checked"))
    report = as_report(verdict, TIME_OF_DAY)
    assert (report["verdict"], report["rules"], report["timings"]) == ("not_checked", [], {})


@pytest.mark.parametrize("cause", ["interrupted", "deadline_reached", "not_checked"])
@pytest.mark.parametrize("asked", [{"expect": {"tls_required": True}}, {"survey": True}])
def test_a_probe_that_was_ended_from_our_side_lets_nothing_pass(cause, asked):
    """Nothing was wrong until then, and what was asked for has not been seen."""
    request = request_for(**CLEAR, **asked)
    plan = check_plan(request, lambda: TIME_OF_DAY)
    next(plan)
    good = play_once(UP + QUIT, request_for(**CLEAR)).facts
    wanted = plan.send((Outcome(good, (), None, None, 0.0, 1.0),))
    ended = tuple(Outcome(never_up(Failure("connect", cause)), (), None, None, 1.0, 2.0) for _attempt in wanted)
    with pytest.raises(StopIteration) as stop:
        plan.send(ended)
    assert stop.value.value.failure.cause == cause


def test_the_deadline_of_the_task_ends_everything():
    _verdict, begun = run(request_for(retry_for=600.0, **CLEAR), lambda seconds: Failure("connect", "deadline_reached"))
    assert begun == [0.0]


def test_a_fault_of_our_own_is_its_relays_verdict_and_tells_no_value():
    """The others of a sweep go on. A file that has changed since the options were checked is named by its option."""
    request = request_for(**CLEAR)
    verdict = verdict_from(request, OptionError("ca_path", "No such file or directory."), 5.0)
    assert (verdict.failure.cause, verdict.failure.text) == ("internal_error", "ca_path: No such file or directory.")
    try:
        raise RuntimeError("tanstaaftanstaaf")
    except RuntimeError as bug:
        verdict = verdict_from(request, bug, 5.0)
    assert verdict.failure.text.startswith("RuntimeError")
    assert "tanstaaf" not in verdict.failure.text
