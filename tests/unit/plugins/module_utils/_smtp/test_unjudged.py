# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A rule that could not be judged is told wherever a relay that passes is told, and greylisting puts the verdict off.

from __future__ import annotations

import socket

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.check import check
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.sweep import sweep
from ansible_collections.postmaster.mailcheck.tests.support.relay import Relay, running

CONTROL, STRANGER = "postmaster@example.com", "stranger@example.net"
EXPECT = {"relaying_refused": {"recipient": STRANGER, "control_recipient": CONTROL}}
CLEAR = {"tls": "none", "ehlo_name": "client.example.org", "timeout": 10.0, "expect": EXPECT}
GREYLISTED = "450 4.2.0 Greylisted, come back"
MISSPELT = "550 5.1.1 User unknown"


def relay_with(control):
    """A relay that answers the control recipient so, and refuses all others."""
    return Relay(RCPT=lambda line: (control if CONTROL in line else "554 5.7.1 Relay access denied") + "\r\n")


def checked(control, **more):
    with running(relay_with(control)) as relay:
        return check("127.0.0.1", port=relay.port, **dict(CLEAR, **more))


def test_a_control_that_was_greylisted_puts_the_verdict_off():
    report = checked(GREYLISTED)
    assert (report["verdict"], report["stage"], report["changed"]) == ("deferred", "rcpt", False)
    failure, (rule,) = report["failure"], report["rules"]
    assert (failure["cause"], failure["code"], failure["recipient"]) == ("greylisted", 450, CONTROL)
    assert failure["rule"] == "relaying_refused"
    assert "rule relaying_refused met with this, and the rule could not be judged" in failure["explanation"]
    assert "At rcpt (%s, asked for the rule relaying_refused) the relay said: 450" % CONTROL in report["msg"]
    assert (rule["outcome"], rule["observed"]) == ("unknown", [450, 554])
    assert "could not be judged: the control recipient was answered 450" in rule["text"]
    assert "greylisting" in rule["text"]


def test_a_rule_that_is_unmet_weighs_more_than_greylisting():
    report = checked(GREYLISTED, expect=dict(EXPECT, capabilities=["DSN"]))
    assert (report["verdict"], report["failure"]["cause"]) == ("failed", "rule_unmet")
    assert report["failure"]["rule"] == "capabilities"


def test_a_control_that_is_misspelt_leaves_the_rule_open_and_says_so():
    report = checked(MISSPELT)
    assert (report["verdict"], report["failure"]) == ("passed", None)
    assert report["msg"].endswith(": passed, 1 rule not judged.")
    (rule,) = report["rules"]
    assert rule["outcome"] == "unknown"
    reason = "the control recipient was answered 550 5.1.1 User unknown. The relay knows no mailbox of this address"
    assert rule["text"].endswith("; this could not be judged: " + reason)
    assert report["warnings"] == ["relaying_refused: %s." % rule["text"]]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("550 5.5.3 Too many recipients", "unknown"),  # of the two that are asked about
        ("503 5.5.1 Bad sequence of commands", "unknown"),
        ("552 5.2.2 Mailbox full", "unknown"),  # so the domain is one that the relay serves
        ("550 5.1.2 Domain not found", "unknown"),  # the relay has looked where it would send the message
        ("550 Invalid recipient", "met"),  # OpenSMTPD says no more
        ("550 5.4.1 Recipient address rejected: Access denied", "met"),
    ],
)
def test_a_refusal_that_is_not_about_relaying_proves_none(answer, outcome):
    with running(Relay(RCPT=lambda line: ("250 2.1.5 Ok" if CONTROL in line else answer) + "\r\n")) as relay:
        (rule,) = check("127.0.0.1", port=relay.port, **CLEAR)["rules"]
    assert rule["outcome"] == outcome
    assert ("could not be judged: the recipient was answered %s" % answer in rule["text"]) is (outcome == "unknown")


def test_what_was_judged_is_not_told_as_open():
    report = checked("250 2.1.5 Ok")
    assert report["msg"].endswith(": passed.")
    assert (report["warnings"], [rule["outcome"] for rule in report["rules"]]) == ([], ["met"])


def test_several_rules_are_counted():
    report = checked(MISSPELT, expect=dict(EXPECT, certificate_days_left=14))
    assert report["msg"].endswith(": passed, 2 rules not judged.")
    assert len(report["warnings"]) == 2


def test_a_relay_that_does_not_answer_is_warned_of_by_its_verdict_alone():
    with Relay() as gone:
        port = gone.port
    report = check("127.0.0.1", port=port, **CLEAR)
    assert (report["verdict"], report["warnings"]) == ("unreachable", [])
    assert report["rules"][0]["text"].endswith("could not be judged: there was nobody to ask")


@pytest.mark.parametrize("details", ["failures", "none", "all"])
def test_a_sweep_counts_what_was_not_judged_and_names_the_relay(details):
    with running(relay_with(MISSPELT)) as misspelt, running(relay_with("250 2.1.5 Ok")) as good:
        names = ["127.0.0.1:%d" % relay.port for relay in (misspelt, good)]
        result = sweep(names, details=details, **CLEAR)
    assert result["summary"]["verdicts"] == {"passed": 2}
    assert result["summary"]["not_judged"] == {"relaying_refused": 1}
    assert result["msg"].endswith(" 2 passed. Rules not judged: relaying_refused (1).")
    (warning,) = result["warnings"]
    assert warning.startswith("%s: relaying_refused: " % names[0])
    assert "1 rule not judged" in result["endpoints"][0]["msg"]


def test_a_warning_about_every_row_names_none():
    with running(relay_with(MISSPELT)) as relay:
        result = sweep(["127.0.0.1:%d" % relay.port], **CLEAR)
    (warning,) = result["warnings"]
    assert warning.startswith("relaying_refused: ")


def test_a_sweep_that_judged_all_counts_nothing():
    with running(relay_with("250 2.1.5 Ok")) as relay:
        result = sweep(["127.0.0.1:%d" % relay.port], **CLEAR)
    assert (result["summary"]["not_judged"], result["warnings"]) == ({}, [])
    assert result["msg"].endswith(" 1 passed.")


def test_what_mends_an_unmet_rule_is_the_next_step():
    expected = {"capabilities": ["DSN"], "min_message_size": 10**9}
    report = checked("250 2.1.5 Ok", expect=expected)
    remedies = [rule["remedy"] for rule in report["rules"]]
    assert report["failure"]["hint"] == remedies[0] + " Unmet besides: min_message_size."
    assert report["msg"].endswith("Next: " + report["failure"]["hint"])
    alone = checked("250 2.1.5 Ok", expect={"capabilities": ["DSN"]})
    assert alone["failure"]["hint"] == remedies[0]


def test_who_is_asked_again_is_told_why():
    told = []
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        report = check("127.0.0.1", port=port, tls="none", retry_for=1, retry_interval=0.1, on_retry=told.append)
    assert [one["attempt"] for one in told] == list(range(1, len(report["addresses_tried"])))
    assert {(one["stage"], one["cause"]) for one in told} == {("connect", "connection_refused")}
    assert told[0]["wait"] == 0.1
