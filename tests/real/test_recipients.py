# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Asking about recipients without sending anything: each reply, and what it is said to mean.

from __future__ import annotations

import time
import uuid
from collections.abc import Generator
from typing import Any

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.attempts import Wait
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.driver import Driver, Limits
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.plan import check_plan
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.report import as_report
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.request import Request, build_request
from ansible_collections.postmaster.mailcheck.tests.real import servers
from ansible_collections.postmaster.mailcheck.tests.real.dovecot import Dovecot
from ansible_collections.postmaster.mailcheck.tests.real.exim import Exim
from ansible_collections.postmaster.mailcheck.tests.real.pki import Pki
from ansible_collections.postmaster.mailcheck.tests.real.postfix import Postfix
from ansible_collections.postmaster.mailcheck.tests.real.reports import PASSED, Check, Log, Report, outcome, verbs

SENDER = "sender@elsewhere.test"

# Recipient, code, enhanced code, outcome, then the verdict and the cause when nobody else is asked about.
POSTFIX = [
    (servers.ACCEPTED, 250, "2.1.5", "accepted", *PASSED),
    (servers.DISCARDED, 250, "2.1.5", "accepted", *PASSED),
    (servers.FULL, 552, "5.2.2", "rejected", "failed", "mailbox_full"),
    (servers.DEFERRED, 451, "4.3.0", "deferred", "deferred", "system_error"),
    (servers.UNKNOWN, 550, "5.1.1", "rejected", "failed", "mailbox_unknown"),
    (servers.STRANGER, 554, "5.7.1", "rejected", "failed", "relay_denied"),
]
EXIM = [
    (servers.ACCEPTED, 250, None, "accepted", *PASSED),
    (servers.FULL, 552, "5.2.2", "rejected", "failed", "mailbox_full"),
    (servers.DEFERRED, 451, "4.3.0", "deferred", "deferred", "system_error"),
    (servers.UNKNOWN, 550, "5.1.1", "rejected", "failed", "mailbox_unknown"),
    (servers.STRANGER, 550, None, "rejected", "failed", "relay_denied"),
]
DOVECOT = [
    (servers.ACCEPTED, 250, "2.1.5", "accepted", *PASSED),
    (servers.FULL, 552, "5.2.2", "rejected", "failed", "mailbox_full"),
    (servers.UNKNOWN, 550, "5.1.1", "rejected", "failed", "mailbox_unknown"),
]
ASKED = [(name, *row) for name, rows in (("postfix", POSTFIX), ("exim", EXIM), ("dovecot", DOVECOT)) for row in rows]


def ask(check: Check, server: Any, *recipients: str, **options: Any) -> Report:
    if isinstance(server, Dovecot):  # its submission service asks Postfix
        options = {"username": servers.USERNAME, "password": servers.PASSWORD, **options}
    port = server.ports[{Postfix: "mx", Exim: "smtp", Dovecot: "submission"}[type(server)]]
    return check(port, sender=SENDER, recipients=list(recipients), **options)


@pytest.mark.parametrize(("name", "recipient", "code", "enhanced_code", "fate", "verdict", "cause"), ASKED)
def test_one_recipient(
    check: Check,
    request: pytest.FixtureRequest,
    postfix: Postfix,
    name: str,
    recipient: str,
    code: int,
    enhanced_code: str | None,
    fate: str,
    verdict: str,
    cause: str | None,
) -> None:
    report = ask(check, request.getfixturevalue(name), recipient)
    assert outcome(report) == (verdict, cause)
    assert (report["stage"], report["changed"], report["message"]) == ("rcpt", False, None)
    assert report["codes"]["rcpt"] == {recipient: code}
    (told,) = report["recipients"]
    assert (told["address"], told["code"], told["enhanced_code"], told["outcome"]) == (
        recipient,
        code,
        enhanced_code,
        fate,
    )
    if cause is not None:
        failure = report["failure"]
        assert (failure["stage"], failure["recipient"], failure["code"]) == ("rcpt", recipient, code)
        assert failure["text"] == told["text"]
        assert f"({recipient}) the relay said: {code}" in report["msg"]


@pytest.mark.parametrize("name", ["postfix", "exim"])
def test_each_recipient_is_told_apart(check: Check, request: pytest.FixtureRequest, name: str) -> None:
    rows = POSTFIX if name == "postfix" else EXIM
    report = ask(check, request.getfixturevalue(name), *(row[0] for row in rows))
    told = [(to["address"], to["code"], to["enhanced_code"], to["outcome"]) for to in report["recipients"]]
    assert told == [row[:4] for row in rows]
    # A refusal for good comes before one for now, and the first before the others.
    assert outcome(report) == ("failed", "mailbox_full")
    assert outcome(ask(check, request.getfixturevalue(name), servers.DEFERRED, servers.ACCEPTED))[0] == "deferred"


def test_nothing_is_sent(check: Check, postfix: Postfix) -> None:
    log = Log(postfix.log)
    report = ask(check, postfix, servers.ACCEPTED, servers.FULL, source_address=log.client)
    assert verbs(report)[3:] == ["MAIL", "RCPT", "RCPT", "RSET", "QUIT"]
    assert "starttls=1 mail=1 rcpt=1/2 rset=1 quit=1 commands=" in log.wait_for("disconnect from")
    assert "nothing sent" in ask(check, postfix, servers.ACCEPTED)["msg"]


def test_stop_after_mail(check: Check, postfix: Postfix, exim: Exim) -> None:
    for server in (postfix, exim):
        report = ask(check, server, servers.UNKNOWN, stop_after="mail")
        assert (outcome(report), report["stage"], report["codes"]["mail"]) == (PASSED, "mail", 250)
        assert "RCPT" not in verbs(report)


def test_a_refusal_that_is_expected(check: Check, postfix: Postfix, exim: Exim) -> None:
    for server in (postfix, exim):
        expect = {"codes": {"rcpt": [550, 554]}}
        assert outcome(ask(check, server, servers.STRANGER, servers.UNKNOWN, expect=expect)) == PASSED
        report = ask(check, server, servers.STRANGER, servers.ACCEPTED, expect=expect)
        assert outcome(report)[0] == "failed"
        assert report["rules"][0]["outcome"] == "unmet"
        # Being put off proves nothing.
        assert outcome(ask(check, server, servers.DEFERRED, expect=expect))[0] == "deferred"


def test_sign_in_is_needed(check: Check, dovecot: Dovecot, postfix: Postfix) -> None:
    report = check(dovecot.ports["submission"], sender=SENDER, recipients=[servers.ACCEPTED])
    assert outcome(report) == ("failed", "authentication_required")
    assert (report["stage"], report["failure"]["code"]) == ("mail", 530)
    assert "Set username and password" in report["failure"]["hint"]
    assert report["recipients"] == []
    # Postfix says no more than that access is denied: the hint has to name sign-in among the ways out.
    report = check(postfix.ports["submission"], sender=SENDER, recipients=[servers.STRANGER])
    assert (report["verdict"], report["failure"]["code"], report["failure"]["enhanced_code"]) == (
        "failed",
        554,
        "5.7.1",
    )


def test_addresses_that_are_not_ascii(check: Check, postfix: Postfix, dovecot: Dovecot) -> None:
    report = ask(check, postfix, "üser@lab.test")
    assert verbs(report)[3:] == ["MAIL", "RCPT", "RSET", "QUIT"]
    assert outcome(report) == ("failed", "mailbox_unknown")
    assert report["recipients"][0]["address"] == "üser@lab.test"
    report = ask(check, dovecot, "üser@lab.test")
    assert outcome(report) == ("failed", "smtputf8_not_offered")
    assert "MAIL" not in verbs(report)


def test_lmtp_by_port_and_by_socket(check: Check, dovecot: Dovecot) -> None:
    for where in ({"port": dovecot.ports["lmtp"]}, {"port": 24, "host": str(dovecot.lmtp_socket)}):
        report = check(protocol="lmtp", sender=SENDER, recipients=[servers.ACCEPTED, servers.UNKNOWN], **where)
        assert outcome(report) == ("failed", "mailbox_unknown")
        assert report["codes"]["rcpt"] == {servers.ACCEPTED: 250, servers.UNKNOWN: 550}
        assert verbs(report) == ["LHLO", "MAIL", "RCPT", "RCPT", "RSET", "QUIT"]


# Greylisting


def greylisted_request(postfix: Postfix, pki: Pki, sender: str, retry_for: float) -> Request:
    options = {"ca_path": str(pki.ca), "sender": sender, "recipients": [servers.ACCEPTED], "retry_for": retry_for}
    return build_request(servers.HOST, {"port": postfix.ports["greylisting"], **options}, time.time())


def test_greylisting_is_a_deferral(check: Check, postfix: Postfix) -> None:
    sender = f"{uuid.uuid4().hex}@elsewhere.test"
    envelope = {"sender": sender, "recipients": [servers.ACCEPTED]}
    report = check(postfix.ports["greylisting"], **envelope)
    assert outcome(report) == ("deferred", "greylisted")
    assert (report["stage"], report["failure"]["code"], report["failure"]["enhanced_code"]) == ("rcpt", 450, "4.7.1")
    postfix.greylist.first_seen[servers.HOST, sender, servers.ACCEPTED] -= postfix.greylist.delay
    assert outcome(check(postfix.ports["greylisting"], **envelope)) == PASSED


def test_a_relay_that_greylists_is_not_pressed(check: Check, postfix: Postfix) -> None:
    # There would be time for several tries at the interval given; after greylisting at least 30 s have to go by.
    sender = f"{uuid.uuid4().hex}@elsewhere.test"
    began = time.monotonic()
    report = check(
        postfix.ports["greylisting"],
        sender=sender,
        recipients=[servers.ACCEPTED],
        retry_for=20,
        retry_interval=0.1,
    )
    assert outcome(report) == ("deferred", "greylisted")
    assert len(report["addresses_tried"]) == 1 and time.monotonic() - began < 10


def test_retry_for_outlasts_greylisting(postfix: Postfix, pki: Pki) -> None:
    sender = f"{uuid.uuid4().hex}@elsewhere.test"
    driver = Driver(Limits())
    waited: list[float] = []

    def impatient(plan: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        """The same plan; what it would wait for is taken off the greylist's memory instead."""
        answer = None
        try:
            while True:
                wanted = plan.send(answer)
                if isinstance(wanted, Wait):
                    waited.append(wanted.until - driver.clock())
                    postfix.greylist.first_seen[servers.HOST, sender, servers.ACCEPTED] -= waited[-1]
                    answer = wanted.until
                else:
                    answer = yield wanted
        except StopIteration as end:
            return end.value

    plan = check_plan(greylisted_request(postfix, pki, sender, 300), time.time)
    ((_key, verdict),) = driver.run(iter([(0, impatient(plan))]))
    report = as_report(verdict, time.time())
    assert outcome(report) == PASSED
    assert len(report["addresses_tried"]) == 2
    assert [round(seconds) for seconds in waited] == [30]
